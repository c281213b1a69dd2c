//! The one configuration file. Secrets are named in it, never written in it.

mod check;
mod vcd;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use tallyline_cloudmore::fields::FieldMap;
use tallyline_core::model::Currency;
use tallyline_core::plan::{Policy, Strategy};
use tallyline_core::wire::{decimal_text, text_or_number};
use tallyline_core::{Error, ErrorKind, Result};

use crate::files;

pub(crate) use self::vcd::VcdConfig;

/// The configuration, with paths made absolute to the file's folder.
#[derive(Debug)]
pub(crate) struct Config {
    /// The configuration file.
    pub(crate) path: PathBuf,
    /// The vendor's side.
    pub(crate) source: SourceConfig,
    /// The PSA's side.
    pub(crate) sink: SinkConfig,
    /// What a plan may do.
    pub(crate) policy: Policy,
    /// Where the mapping is kept.
    pub(crate) mapping_file: PathBuf,
    /// The vendor's name on the PSA's products: others are not matched by name.
    pub(crate) product_vendor: Option<String>,
    /// Whether only products that name that vendor are offered and linked by themselves.
    pub(crate) product_vendor_required: bool,
    /// The journal of what was applied.
    pub(crate) journal: PathBuf,
    /// How often a read is tried, where it is not the connector's own number.
    pub(crate) attempts: Option<u32>,
    /// How many requests a second, where it is not the connector's own number; 0 for no limit.
    pub(crate) requests_per_second: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: SourceConfig,
    sink: SinkConfig,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    mapping: MappingSection,
    #[serde(default)]
    store: StoreSection,
    #[serde(default)]
    network: NetworkSection,
}

/// The vendor's side, by its kind.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum SourceConfig {
    /// Cloudmore.
    Cloudmore(Box<CloudmoreConfig>),
    /// D&H, or another marketplace of its platform.
    Dandh(DandhConfig),
    /// HyAlto.
    HyAlto(Box<HyAltoConfig>),
    /// Ingram Micro.
    Ingram(IngramConfig),
    /// Sherweb.
    Sherweb(SherwebConfig),
    /// VMware Cloud Director.
    Vcd(Box<VcdConfig>),
}

/// A reseller at D&H, or at another marketplace of its platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DandhConfig {
    /// The marketplace's name, where it is not D&H.
    pub(crate) display_name: Option<String>,
    /// The API's address, where it is not that of D&H.
    pub(crate) base_url: Option<String>,
    /// The portal user's name.
    pub(crate) username: String,
    /// The portal user's password.
    pub(crate) password: SecretRef,
    /// The account whose companies are read: its id, or the portal's address that holds it.
    #[serde(deserialize_with = "text_or_number")]
    pub(crate) parent_account_id: Arc<str>,
    /// How several charges of one subscription become one quantity.
    #[serde(default)]
    pub(crate) quantity_policy: QuantityPolicyConfig,
    /// Whether the companies of resellers below are read as well.
    #[serde(default)]
    pub(crate) include_resellers: bool,
}

/// How several charges of one subscription become one quantity at D&H.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QuantityPolicyConfig {
    /// Those that end last.
    #[default]
    EndOfPeriod,
    /// The largest.
    Max,
    /// All of them.
    Sum,
}

/// A marketplace of Ingram Micro Cloud.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IngramConfig {
    /// The API's address, its region included, as the control panel shows it.
    pub(crate) base_url: String,
    /// The code of the marketplace.
    pub(crate) marketplace: String,
    /// The dedicated API user's name.
    pub(crate) username: String,
    /// The dedicated API user's password.
    pub(crate) password: SecretRef,
    /// The key of the API subscription.
    pub(crate) subscription_key: SecretRef,
    /// How many rows a page is asked to hold.
    pub(crate) page_size: Option<u32>,
    /// How many calls a minute.
    pub(crate) calls_per_minute: Option<NonZeroU32>,
    /// What suspended subscriptions come to.
    #[serde(default)]
    pub(crate) hold: StatusRuleConfig,
    /// What subscriptions that are not ready come to.
    #[serde(default)]
    pub(crate) pending: StatusRuleConfig,
    /// Whether billing period and term are part of a service's key.
    #[serde(default)]
    pub(crate) keys_with_periods: bool,
    /// Whether a customer's external id is the PSA company's.
    #[serde(default)]
    pub(crate) external_id_is_company: bool,
    /// Whether details of subscriptions that were not modified are used again.
    #[serde(default)]
    pub(crate) cache: bool,
    /// Where it is kept how far a read has come.
    #[serde(default = "ingram_progress")]
    pub(crate) progress: PathBuf,
}

fn ingram_progress() -> PathBuf {
    PathBuf::from("tallyline-ingram.jsonl")
}

/// What a subscription at Ingram Micro that is neither active nor ended comes to.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusRuleConfig {
    /// Its services are not observed.
    #[default]
    Unobserved,
    /// It counts.
    Count,
    /// It counts zero.
    Zero,
    /// It is passed over.
    LeaveOut,
}

/// A service provider at HyAlto.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HyAltoConfig {
    /// The API's address, where it is not the vendor's own.
    pub(crate) base_url: Option<String>,
    /// The access key of the API key.
    pub(crate) access_key: String,
    /// Its secret key.
    pub(crate) secret_key: SecretRef,
    /// How the token stands in its header.
    #[serde(default)]
    pub(crate) auth_scheme: AuthSchemeConfig,
    /// Whether the path of the token ends in a slash.
    #[serde(default)]
    pub(crate) token_slash: bool,
    /// Whether brackets in names of parameters are encoded.
    #[serde(default)]
    pub(crate) encode_brackets: bool,
    /// How a series becomes a quantity.
    #[serde(default)]
    pub(crate) reduction: ReductionConfig,
    /// Over how many days up to now; over the month where absent.
    pub(crate) window_days: Option<u32>,
    /// How many days before that changes are asked for.
    pub(crate) look_back_days: Option<u32>,
    /// In what properties are counted, by the vendor's name of the property.
    #[serde(default)]
    pub(crate) units: BTreeMap<String, UnitConfig>,
    /// What services of a type are, by the vendor's word: `vm`, `vdc`, `edge`, or any other.
    #[serde(default)]
    pub(crate) kinds: BTreeMap<String, String>,
    /// What services without a type are.
    pub(crate) untyped: Option<String>,
    /// Whether services without any usage are passed over.
    #[serde(default)]
    pub(crate) leave_out_silent: bool,
}

/// How HyAlto's token stands in its header.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthSchemeConfig {
    /// As it is found out.
    #[default]
    Auto,
    /// After `Bearer`.
    Bearer,
    /// Alone.
    Bare,
}

/// How a series of HyAlto becomes a quantity.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReductionConfig {
    /// The last value.
    #[default]
    Latest,
    /// The highest.
    Peak,
    /// The average by time.
    Average,
}

/// In what a property of HyAlto is counted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnitConfig {
    /// By what each value is multiplied.
    #[serde(default = "one", deserialize_with = "decimal_text")]
    pub(crate) factor: Decimal,
    /// The unit of the result.
    pub(crate) unit: Option<String>,
    /// The `unit_size` that it is for.
    pub(crate) expected: Option<String>,
}

const fn one() -> Decimal {
    Decimal::ONE
}

/// A Sherweb application.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SherwebConfig {
    /// The API's address, where it is not the vendor's own.
    pub(crate) base_url: Option<String>,
    /// The application's id.
    pub(crate) client_id: String,
    /// The application's secret.
    pub(crate) client_secret: SecretRef,
    /// The key of the API subscription.
    pub(crate) subscription_key: SecretRef,
}

/// A Cloudmore reseller.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloudmoreConfig {
    /// The API's address, where it is not the one of the EU.
    pub(crate) base_url: Option<String>,
    /// The application user's name.
    pub(crate) username: String,
    /// The application user's password.
    pub(crate) password: SecretRef,
    /// The API secret.
    pub(crate) client_secret: SecretRef,
    /// The reseller.
    pub(crate) reseller_id: String,
    /// Where client id and secret stand in the token request.
    #[serde(default)]
    pub(crate) client_pair: ClientPairConfig,
    /// The services whose bills are read, by id or name; all where absent.
    pub(crate) services: Option<Vec<String>>,
    /// The services whose lines are consumption, where they are not the connector's own list.
    pub(crate) usage_services: Option<Vec<String>>,
    /// The custom property that holds the PSA company's id; blank for none.
    pub(crate) company_property: Option<String>,
    /// How many days back bills are read.
    pub(crate) history_days: Option<u32>,
    /// Which report is read.
    #[serde(default)]
    pub(crate) report: ReportConfig,
    /// Where the vendor's records hold what.
    pub(crate) field_map: Option<FieldMap>,
}

/// Where Cloudmore's client id and secret stand in the token request.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientPairConfig {
    /// In the body.
    #[default]
    Body,
    /// In a header.
    Header,
}

/// Which of Cloudmore's reports is read.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportConfig {
    /// The one that a job makes.
    #[default]
    Job,
    /// The one that is answered at once: for testing.
    Direct,
}

/// The PSA's side, by its kind.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum SinkConfig {
    /// Autotask.
    Autotask(AutotaskConfig),
    /// ConnectWise PSA.
    ConnectWise(ConnectWiseConfig),
    /// Gradient.
    Gradient(GradientConfig),
}

impl SourceConfig {
    /// The address that stands in the configuration; empty where it is the vendor's own.
    pub(crate) fn address(&self) -> &str {
        let address = match self {
            Self::Cloudmore(reseller) => reseller.base_url.as_deref(),
            Self::Dandh(reseller) => reseller.base_url.as_deref(),
            Self::HyAlto(provider) => provider.base_url.as_deref(),
            Self::Ingram(reseller) => Some(reseller.base_url.as_str()),
            Self::Sherweb(application) => application.base_url.as_deref(),
            Self::Vcd(server) => Some(server.base_url.as_str()),
        };
        address.unwrap_or_default()
    }
}

impl SinkConfig {
    /// The address that stands in the configuration; empty where it is the vendor's own.
    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Autotask(tenant) => tenant.lookup_url.as_deref().unwrap_or_default(),
            Self::ConnectWise(tenant) => &tenant.site,
            Self::Gradient(tenant) => tenant.base_url.as_deref().unwrap_or_default(),
        }
    }
}

/// A ConnectWise PSA tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectWiseConfig {
    /// The site's address.
    pub(crate) site: String,
    /// The company's login id.
    pub(crate) company_id: String,
    /// The API member's public key.
    pub(crate) public_key: String,
    /// The API member's private key.
    pub(crate) private_key: SecretRef,
    /// The integration's client id.
    pub(crate) client_id: String,
    /// How new quantities are brought onto lines.
    #[serde(default)]
    pub(crate) strategy: Strategy,
    /// Whether the PSA is known to bill a line that ends within a period for its days only.
    #[serde(default)]
    pub(crate) prorates_ends: bool,
    /// How it rounds what it charges for a part of a period.
    #[serde(default)]
    pub(crate) prorate_rounding: ProrateRounding,
    /// Where a created line carries the mark that it is recognised by.
    #[serde(default)]
    pub(crate) marker: MarkerConfig,
    /// Where a child agreement carries the key that it is recognised by.
    #[serde(default)]
    pub(crate) agreement_key: AgreementKeyConfig,
    /// What agreements are created with.
    #[serde(default)]
    pub(crate) agreements: AgreementSetupConfig,
    /// What products are created with; absent where none is to be.
    #[serde(default)]
    pub(crate) products: Option<ProductSetupConfig>,
}

/// What products of the catalogue are created with: ids of the PSA.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductSetupConfig {
    /// The subcategory.
    pub(crate) subcategory: i64,
    /// The product type.
    pub(crate) product_type: i64,
    /// The category; the subcategory's own where it is absent.
    #[serde(default)]
    pub(crate) category: Option<i64>,
    /// The class.
    #[serde(default)]
    pub(crate) class: ProductClassConfig,
}

/// The class of products that are created.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProductClassConfig {
    /// Sold on agreements.
    #[default]
    Agreement,
    /// Work.
    Service,
    /// Not kept in stock.
    NonInventory,
}

/// Where a child agreement carries the key that it is recognised by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum AgreementKeyConfig {
    /// At the end of its name.
    #[default]
    NameSuffix,
    /// In a custom field.
    CustomField {
        /// The field's id.
        id: i64,
        /// The field's caption.
        caption: String,
    },
}

/// What agreements are created with: ids of the PSA, each absent where the PSA's own choice will do.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AgreementSetupConfig {
    /// The agreement type; that of the master where it is absent.
    pub(crate) agreement_type: Option<i64>,
    /// The location.
    pub(crate) location: Option<i64>,
    /// The business unit.
    pub(crate) business_unit: Option<i64>,
    /// The contact; that of the master where it is absent.
    pub(crate) contact: Option<i64>,
}

/// How the PSA rounds what it charges for a part of a period.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProrateRounding {
    /// The price of one unit, which is then multiplied.
    #[default]
    PerUnit,
    /// The price of all units.
    PerLine,
}

/// Where a created line carries the mark that it is recognised by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum MarkerConfig {
    /// In its serial number.
    #[default]
    SerialNumber,
    /// In a custom field on additions.
    CustomField {
        /// The field's id.
        id: i64,
        /// The field's caption.
        caption: String,
    },
    /// Nowhere: the journal alone knows.
    JournalOnly,
}

/// An integration of Gradient.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GradientConfig {
    /// The API's address, where it is not the vendor's own.
    pub(crate) base_url: Option<String>,
    /// The key of the integration.
    pub(crate) vendor_api_key: SecretRef,
    /// The key of the MSP.
    pub(crate) partner_api_key: SecretRef,
    /// The MSP, to which plans are bound.
    pub(crate) organization_id: Option<String>,
    /// Whether a count whose usage is gone is set to zero.
    #[serde(default = "yes")]
    pub(crate) send_zero: bool,
    /// Whether every count is set in every run.
    #[serde(default = "yes")]
    pub(crate) resend: bool,
}

fn yes() -> bool {
    true
}

/// An Autotask tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutotaskConfig {
    /// The API user's name.
    pub(crate) user_name: String,
    /// The tracking identifier of the integration.
    pub(crate) integration_code: SecretRef,
    /// The API user's secret.
    pub(crate) secret: SecretRef,
    /// Where the zone is looked up, where it is not the vendor's own address.
    pub(crate) lookup_url: Option<String>,
    /// From when changes count.
    #[serde(default)]
    pub(crate) effective_days: EffectiveDaysConfig,
    /// The currency of all amounts, which the API does not name.
    pub(crate) currency: Option<Currency>,
    /// Whether prices may be set.
    #[serde(default)]
    pub(crate) price_sync: bool,
    /// The user-defined field of contracts that holds the subscription; empty where contracts are
    /// recognised by their number.
    pub(crate) subscription_field: Option<String>,
    /// The billing code of services.
    pub(crate) service_billing_code: Option<i64>,
    /// The billing code of charges.
    pub(crate) product_billing_code: Option<i64>,
    /// The service level agreement of contracts.
    pub(crate) service_level_agreement: Option<i64>,
}

/// From when changes count in Autotask.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EffectiveDaysConfig {
    /// From the next billing period that is not posted.
    #[default]
    NextPeriod,
    /// From the first billing period that is not posted, the running one included.
    OpenPeriod,
    /// From the day of the plan, prorated by Autotask.
    Prorated,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MappingSection {
    file: PathBuf,
    product_vendor: Option<String>,
    product_vendor_required: Option<bool>,
}

impl Default for MappingSection {
    fn default() -> Self {
        Self {
            file: PathBuf::from("mapping.toml"),
            product_vendor: None,
            product_vendor_required: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StoreSection {
    journal: PathBuf,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            journal: PathBuf::from("tallyline.db"),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NetworkSection {
    attempts: Option<u32>,
    requests_per_second: Option<u32>,
}

/// Where a secret is.
#[derive(Debug)]
pub(crate) enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for SecretRef {
    /// Never repeats what stands there: it may be the secret itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused = || {
            de::Error::custom(
                "a secret must not stand in this file: name where it is, \
                 as { env = \"VARIABLE\" } or { file = \"path\" }",
            )
        };
        let toml::Value::Table(table) = toml::Value::deserialize(deserializer)? else {
            return Err(refused());
        };
        let mut entries = table.into_iter();
        match (entries.next(), entries.next()) {
            (Some((key, toml::Value::String(name))), None) if key == "env" => Ok(Self::Env(name)),
            (Some((key, toml::Value::String(path))), None) if key == "file" => {
                Ok(Self::File(path.into()))
            }
            _ => Err(refused()),
        }
    }
}

/// A secret, and what deserves attention about the place it came from.
pub(crate) struct Resolved {
    /// The secret.
    pub(crate) secret: SecretString,
    /// A sentence that says what to do.
    pub(crate) warning: Option<String>,
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// `Config` with the file, the line and what to fix.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = files::read_text(path, "the configuration file", ErrorKind::Config)
            .map_err(|error| with_advice(&error, path))?;
        let file: File = toml::from_str(&text).map_err(|error| at_line(path, &text, &error))?;
        file.check().map_err(|error| {
            let message = format!("{}: {}", files::shown(path), error.message());
            Error::new(ErrorKind::Config, message)
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            path: path.to_owned(),
            mapping_file: folder.join(file.mapping.file),
            product_vendor: file.mapping.product_vendor,
            // As the vendor's own connector has it.
            product_vendor_required: file
                .mapping
                .product_vendor_required
                .unwrap_or(matches!(file.source, SourceConfig::Sherweb(_))),
            journal: folder.join(file.store.journal),
            source: file.source,
            sink: file.sink,
            policy: file.policy,
            attempts: file.network.attempts,
            requests_per_second: file.network.requests_per_second,
        })
    }

    /// Fetches a secret of the setting `name`, such as `[source] client_secret`.
    ///
    /// # Errors
    /// `Config` naming the setting and the variable or file.
    pub(crate) fn secret(&self, name: &str, place: &SecretRef) -> Result<Resolved> {
        let wrong = |why: String| {
            Error::new(
                ErrorKind::Config,
                format!("{name} in {}: {why}", files::shown(&self.path)),
            )
        };
        let (text, warning) = match place {
            SecretRef::Env(variable) => {
                let shown = shown_variable(variable);
                let text = std::env::var(variable).map_err(|error| {
                    wrong(match error {
                        std::env::VarError::NotPresent => {
                            format!("the environment variable {shown} is not set")
                        }
                        std::env::VarError::NotUnicode(_) => {
                            format!("the environment variable {shown} is not text")
                        }
                    })
                })?;
                (text, None)
            }
            SecretRef::File(path) => {
                let path = self.path.parent().unwrap_or(Path::new("")).join(path);
                if !path.exists() {
                    // What stands there may be the secret itself, put in the wrong place.
                    return Err(wrong("the file that it names does not exist".to_owned()));
                }
                let text = files::read_text(&path, name, ErrorKind::Config)?;
                let open = files::others_can_read(&path);
                let shown = files::shown(&path);
                let warning = open.then(|| {
                    format!("{name}: others can read the file {shown}; chmod 600 {shown}")
                });
                (text, warning)
            }
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong("the secret is empty".to_owned()));
        }
        Ok(Resolved {
            secret: SecretString::from(text),
            warning,
        })
    }
}

/// The name of an environment variable, unless it looks more like a secret put in its place.
fn shown_variable(variable: &str) -> &str {
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if variable.contains('_') && variable.chars().all(usual) {
        variable
    } else {
        "that it names"
    }
}

/// Says how to name another file, where the one asked for is not there.
fn with_advice(error: &Error, path: &Path) -> Error {
    let advice = if path.exists() {
        ""
    } else {
        "; name another with --config or TALLYLINE_CONFIG, or see it all work with `tallyline demo`"
    };
    Error::new(ErrorKind::Config, format!("{}{advice}", error.message()))
}

/// The key that a line sets, where it looks like one of ours and not like a secret.
fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    let ours = |c: char| c.is_ascii_lowercase() || c == '_';
    (key.len() <= 24 && key.chars().all(ours) && !key.is_empty()).then_some(key)
}

/// The error with its line, without the line's text: a secret may stand there.
fn at_line(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let line = error.span().map(|span| {
        1 + text
            .bytes()
            .take(span.start)
            .filter(|b| *b == b'\n')
            .count()
    });
    let place = line.map_or_else(String::new, |line| {
        let key = text.lines().nth(line - 1).and_then(key_of);
        let key = key.map_or_else(String::new, |key| format!(", {key}"));
        format!(", line {line}{key}")
    });
    Error::new(
        ErrorKind::Config,
        format!("{}{place}: {}", files::shown(path), error.message()),
    )
}

#[cfg(test)]
mod tests;
