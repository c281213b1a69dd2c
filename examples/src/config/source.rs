//! The vendor's side, by the kind of vendor.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Deserialize;
use tallyline_cloudmore::fields::FieldMap;
use tallyline_core::wire::{decimal_text, text_or_number};

use super::{SecretRef, VcdConfig};

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
