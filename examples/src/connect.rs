//! From the configuration to a source and a sink, and from their errors to what to fix.

mod vcd;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tallyline_autotask::{
    AutotaskClient, AutotaskSink, BudgetOptions, ContractKey, ContractSetup, EffectiveDays,
    TenantBudget,
};
use tallyline_cloudmore::{
    ClientPair, CloudmoreAccounts, CloudmoreClient, CloudmoreSource, ReportMode, SelectedServices,
};
use tallyline_connectwise::models::ProductClass;
use tallyline_connectwise::{
    AgreementKeyPlacement, AgreementSetup, ConnectWiseClient, ConnectWiseSink, MarkerPlacement,
    NoteField, ProductSetup,
};
use tallyline_core::http::{BaseUrl, Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::model::CompanyId;
use tallyline_core::plan::PlanKind;
use tallyline_core::proration::{DayCount, ProrationRule, Rounding};
use tallyline_core::{Error, ErrorKind, PsaSink, Result, VendorSource};
use tallyline_dandh::{DandhClient, Marketplace, ParentAccount, QuantityPolicy};
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_hyalto::vcd::VcdClient;
use tallyline_hyalto::{
    AuthScheme, Brackets, HyAltoClient, HyAltoSource, Reduction, ServiceKind, SilentRule,
    TokenPath, UnitOverride, Window,
};
use tallyline_ingram::progress::ProgressFile;
use tallyline_ingram::{AccountReference, IngramClient, IngramSource, ServiceKeys, StatusRule};
use tallyline_sherweb::SherwebClient;

use crate::config::{
    AgreementKeyConfig, AuthSchemeConfig, AutotaskConfig, ClientPairConfig, CloudmoreConfig,
    Config, ConnectWiseConfig, DandhConfig, EffectiveDaysConfig, GradientConfig, HyAltoConfig,
    IngramConfig, MarkerConfig, NoteFieldConfig, ProductClassConfig, ProrateRounding,
    QuantityPolicyConfig, ReductionConfig, ReportConfig, SecretRef, SherwebConfig, SinkConfig,
    SourceConfig, StatusRuleConfig,
};
use crate::files;
use crate::output::{plain, warn};

/// Both sides.
pub(crate) struct Connections {
    /// The vendor's side.
    pub(crate) source: Box<dyn VendorSource>,
    /// The PSA's side.
    pub(crate) sink: Box<dyn PsaSink>,
    /// What takes in accounts on the vendor's side, for a plan of accounts.
    pub(crate) accounts: Option<Box<dyn PsaSink>>,
    /// The companies that a person leaves out of a plan of accounts.
    pub(crate) left_out: BTreeSet<CompanyId>,
}

impl Connections {
    /// What a plan is carried out on.
    pub(crate) fn target(&self) -> &dyn PsaSink {
        self.accounts.as_deref().unwrap_or(self.sink.as_ref())
    }
}

/// Connects both sides, for plans of what is billed. Nothing is sent yet.
///
/// # Errors
/// As [`source`] and [`sink`].
pub(crate) fn both(config: &Config) -> Result<Connections> {
    for_plans(config, PlanKind::Billing)
}

/// Connects both sides for plans of a kind. Nothing is sent yet.
///
/// # Errors
/// As [`source`], [`sink`] and [`target`].
pub(crate) fn for_plans(config: &Config, kind: PlanKind) -> Result<Connections> {
    let accounts = match kind {
        PlanKind::Accounts => Some(accounts(config)?),
        _ => None,
    };
    Ok(Connections {
        source: source(config)?,
        sink: sink(config)?,
        accounts,
        left_out: BTreeSet::new(),
    })
}

/// What plans of a kind are carried out on: the PSA, or what takes in accounts on the vendor's side.
///
/// # Errors
/// `Config` naming the setting.
pub(crate) fn target(config: &Config, kind: PlanKind) -> Result<Box<dyn PsaSink>> {
    match kind {
        PlanKind::Accounts => accounts(config),
        _ => sink(config),
    }
}

/// The address of what plans of a kind are carried out on, where the configuration names one.
pub(crate) fn address(config: &Config, kind: PlanKind) -> &str {
    match kind {
        PlanKind::Accounts => config.source.address(),
        _ => config.sink.address(),
    }
}

fn accounts(config: &Config) -> Result<Box<dyn PsaSink>> {
    match &config.source {
        SourceConfig::Cloudmore(settings) => {
            let source = cloudmore(config, settings)?;
            Ok(Box::new(CloudmoreAccounts::of(&source)?))
        }
        SourceConfig::Dandh(_)
        | SourceConfig::HyAlto(_)
        | SourceConfig::Ingram(_)
        | SourceConfig::Sherweb(_)
        | SourceConfig::Vcd(_) => Err(Error::new(
            ErrorKind::Config,
            format!(
                "the vendor of [source] in {} takes in no accounts; Cloudmore does",
                files::shown(&config.path)
            ),
        )),
    }
}

/// The vendor's side.
///
/// # Errors
/// `Config` naming the setting.
pub(crate) fn source(config: &Config) -> Result<Box<dyn VendorSource>> {
    Ok(match &config.source {
        SourceConfig::Cloudmore(settings) => Box::new(cloudmore(config, settings)?),
        SourceConfig::Dandh(settings) => Box::new(dandh(config, settings)?),
        SourceConfig::HyAlto(settings) => Box::new(hyalto(config, settings)?),
        SourceConfig::Ingram(settings) => Box::new(ingram(config, settings)?),
        SourceConfig::Sherweb(settings) => Box::new(sherweb(config, settings)?),
        SourceConfig::Vcd(settings) => Box::new(vcd::source(config, settings)?),
    })
}

/// Counts that the list of services read a moment ago are not read again for the plan.
const REUSE_WITHIN: Duration = Duration::from_secs(15 * 60);

fn ingram(config: &Config, settings: &IngramConfig) -> Result<IngramSource> {
    let client = IngramClient::builder()
        .base_url(&settings.base_url)
        .marketplace(&settings.marketplace)
        .username(&settings.username)
        .password(secret(config, "[source] password", &settings.password)?)
        .subscription_key(secret(
            config,
            "[source] subscription_key",
            &settings.subscription_key,
        )?)
        .maybe_page_size(settings.page_size)
        .maybe_calls_per_minute(settings.calls_per_minute)
        .retry(retry(config, IngramClient::default_retry()))
        .maybe_limiter(limiter(config))
        .build()?;
    let rule = |rule| match rule {
        StatusRuleConfig::Count => StatusRule::Count,
        StatusRuleConfig::LeaveOut => StatusRule::LeaveOut,
        StatusRuleConfig::Unobserved => StatusRule::Unobserved,
        StatusRuleConfig::Zero => StatusRule::Zero,
    };
    let folder = config.path.parent().unwrap_or(Path::new(""));
    IngramSource::builder()
        .client(client)
        .progress(Arc::new(ProgressFile::new(folder.join(&settings.progress))))
        .reuse_within(REUSE_WITHIN)
        .cache(settings.cache)
        .hold(rule(settings.hold))
        .pending(rule(settings.pending))
        .service_keys(if settings.keys_with_periods {
            ServiceKeys::PartNumberAndPeriods
        } else {
            ServiceKeys::PartNumber
        })
        .account_reference(if settings.external_id_is_company {
            AccountReference::ExternalId
        } else {
            AccountReference::None
        })
        .build()
}

fn hyalto(config: &Config, settings: &HyAltoConfig) -> Result<HyAltoSource> {
    let client = HyAltoClient::builder()
        .maybe_base_url(settings.base_url.as_deref())
        .access_key(&settings.access_key)
        .secret_key(secret(config, "[source] secret_key", &settings.secret_key)?)
        .auth_scheme(match settings.auth_scheme {
            AuthSchemeConfig::Auto => AuthScheme::Auto,
            AuthSchemeConfig::Bearer => AuthScheme::Bearer,
            AuthSchemeConfig::Bare => AuthScheme::Bare,
        })
        .token_path(if settings.token_slash {
            TokenPath::WithSlash
        } else {
            TokenPath::WithoutSlash
        })
        .brackets(if settings.encode_brackets {
            Brackets::Encoded
        } else {
            Brackets::Literal
        })
        .retry(retry(config, RetryPolicy::default()))
        .maybe_limiter(limiter(config))
        .build()?;
    let units = settings.units.iter().map(|(property, settings)| {
        let mut unit = UnitOverride::new(settings.factor);
        unit.unit.clone_from(&settings.unit);
        unit.expected.clone_from(&settings.expected);
        (property.clone(), unit)
    });
    let kinds = settings.kinds.iter();
    let kinds = kinds.map(|(word, kind)| (word.clone(), ServiceKind::from(kind.as_str())));
    HyAltoSource::builder()
        .client(client)
        .reduction(match settings.reduction {
            ReductionConfig::Latest => Reduction::Latest,
            ReductionConfig::Peak => Reduction::Peak,
            ReductionConfig::Average => Reduction::Average,
        })
        .window(settings.window_days.map_or(Window::Month, Window::Days))
        .maybe_look_back_days(settings.look_back_days)
        .unit_overrides(units.collect())
        .kinds(kinds.collect())
        .maybe_untyped(settings.untyped.as_deref().map(ServiceKind::from))
        .silent(if settings.leave_out_silent {
            SilentRule::LeaveOut
        } else {
            SilentRule::FailAccount
        })
        .build()
}

fn sherweb(config: &Config, settings: &SherwebConfig) -> Result<SherwebClient> {
    SherwebClient::builder()
        .client_id(&settings.client_id)
        .client_secret(secret(
            config,
            "[source] client_secret",
            &settings.client_secret,
        )?)
        .subscription_key(secret(
            config,
            "[source] subscription_key",
            &settings.subscription_key,
        )?)
        .maybe_base_url(settings.base_url.as_deref())
        .retry(retry(config, SherwebClient::default_retry()))
        .maybe_limiter(limiter(config))
        .unit_prices(config.policy.sync_unit_price)
        .build()
}

fn cloudmore(config: &Config, settings: &CloudmoreConfig) -> Result<CloudmoreSource> {
    let client = CloudmoreClient::builder()
        .username(&settings.username)
        .password(secret(config, "[source] password", &settings.password)?)
        .client_secret(secret(
            config,
            "[source] client_secret",
            &settings.client_secret,
        )?)
        .reseller_id(&settings.reseller_id)
        .client_pair(match settings.client_pair {
            ClientPairConfig::Header => ClientPair::Header,
            ClientPairConfig::Body => ClientPair::Body,
        })
        .maybe_base_url(settings.base_url.as_deref())
        .retry(retry(config, RetryPolicy::default()))
        .maybe_limiter(limiter(config))
        .build()?;
    CloudmoreSource::builder()
        .client(client)
        .maybe_services(settings.services.clone().map(SelectedServices::only))
        .maybe_usage_services(settings.usage_services.clone())
        .maybe_company_property(settings.company_property.as_deref())
        .maybe_history_days(settings.history_days)
        .maybe_field_map(settings.field_map.clone())
        .report(match settings.report {
            ReportConfig::Direct => ReportMode::Direct,
            ReportConfig::Job => ReportMode::Job,
        })
        .build()
}

fn dandh(config: &Config, settings: &DandhConfig) -> Result<DandhClient> {
    DandhClient::builder()
        .marketplace(marketplace(settings))
        .username(&settings.username)
        .password(secret(config, "[source] password", &settings.password)?)
        .parent_account_id(&*settings.parent_account_id)
        .quantity_policy(match settings.quantity_policy {
            QuantityPolicyConfig::EndOfPeriod => QuantityPolicy::EndOfPeriod,
            QuantityPolicyConfig::Max => QuantityPolicy::Max,
            QuantityPolicyConfig::Sum => QuantityPolicy::Sum,
        })
        .include_resellers(settings.include_resellers)
        .retry(retry(config, DandhClient::default_retry()))
        .maybe_limiter(limiter(config))
        .build()
}

/// The marketplace of the settings; D&H where they name none.
fn marketplace(settings: &DandhConfig) -> Marketplace {
    let mut marketplace = Marketplace::dandh();
    if let Some(name) = &settings.display_name {
        marketplace.display_name = name.clone().into();
    }
    if let Some(base_url) = &settings.base_url {
        marketplace.base_url.clone_from(base_url);
    }
    marketplace
}

/// The vendor's system and tenant, as plans name them. Needs no secret.
///
/// # Errors
/// `Config` when the address is none.
pub(crate) fn source_tenant(config: &Config) -> Result<(&'static str, String)> {
    let at =
        |address: &Option<String>, own: &str| BaseUrl::parse(address.as_deref().unwrap_or(own));
    Ok(match &config.source {
        SourceConfig::Cloudmore(settings) => {
            let base_url = at(&settings.base_url, tallyline_cloudmore::DEFAULT_BASE_URL)?;
            let tenant = CloudmoreClient::tenant(&settings.reseller_id, &base_url);
            ("cloudmore", tenant)
        }
        SourceConfig::Dandh(settings) => {
            let base_url = BaseUrl::parse(&marketplace(settings).base_url)?;
            let parent = ParentAccount::from(&*settings.parent_account_id).id()?;
            ("dandh", DandhClient::tenant(parent, &base_url))
        }
        SourceConfig::HyAlto(settings) => {
            let base_url = at(&settings.base_url, tallyline_hyalto::DEFAULT_BASE_URL)?;
            let tenant = HyAltoClient::tenant(&settings.access_key, &base_url);
            ("hyalto", tenant)
        }
        SourceConfig::Ingram(settings) => {
            let base_url = BaseUrl::parse(&settings.base_url)?;
            let (user, code) = (&settings.username, &settings.marketplace);
            ("ingram", IngramClient::tenant(user, code, &base_url))
        }
        SourceConfig::Sherweb(settings) => {
            let base_url = at(&settings.base_url, tallyline_sherweb::DEFAULT_BASE_URL)?;
            let tenant = SherwebClient::tenant(&settings.client_id, &base_url);
            ("sherweb", tenant)
        }
        SourceConfig::Vcd(settings) => {
            let base_url = BaseUrl::parse(&settings.base_url)?;
            ("vcd", VcdClient::tenant(&settings.org, &base_url))
        }
    })
}

/// The PSA's side.
///
/// # Errors
/// `Config` naming the setting.
pub(crate) fn sink(config: &Config) -> Result<Box<dyn PsaSink>> {
    match &config.sink {
        SinkConfig::ConnectWise(settings) => connectwise(config, settings),
        SinkConfig::Autotask(settings) => autotask(config, settings),
        SinkConfig::Gradient(settings) => Ok(Box::new(gradient(config, settings)?)),
    }
}

fn connectwise(config: &Config, settings: &ConnectWiseConfig) -> Result<Box<dyn PsaSink>> {
    let product_setup = settings.products.as_ref().map(|given| {
        let mut setup = ProductSetup::new(given.subcategory, given.product_type);
        setup.category = given.category;
        setup.class = match given.class {
            ProductClassConfig::Agreement => ProductClass::Agreement,
            ProductClassConfig::Service => ProductClass::Service,
            ProductClassConfig::NonInventory => ProductClass::NonInventory,
        };
        setup
    });
    let client = ConnectWiseClient::builder()
        .site(&settings.site)
        .company_id(&settings.company_id)
        .public_key(&settings.public_key)
        .private_key(secret(config, "[sink] private_key", &settings.private_key)?)
        .client_id(&settings.client_id)
        .retry(retry(config, RetryPolicy::default()))
        .maybe_limiter(limiter(config))
        .build()?;
    let days = DayCount::ActualInclusive;
    let cents = Rounding::half_up(2);
    let proration = match settings.prorate_rounding {
        ProrateRounding::PerUnit => ProrationRule::per_unit(days, cents),
        ProrateRounding::PerLine => ProrationRule::per_line(days, cents),
    };
    let marker = match &settings.marker {
        MarkerConfig::SerialNumber => MarkerPlacement::SerialNumber,
        MarkerConfig::CustomField { id, caption } => MarkerPlacement::CustomField {
            id: *id,
            caption: caption.clone(),
        },
        MarkerConfig::JournalOnly => MarkerPlacement::JournalOnly,
    };
    let agreement_key = match &settings.agreement_key {
        AgreementKeyConfig::NameSuffix => AgreementKeyPlacement::NameSuffix,
        AgreementKeyConfig::CustomField { id, caption } => AgreementKeyPlacement::CustomField {
            id: *id,
            caption: caption.clone(),
        },
    };
    let mut agreement_setup = AgreementSetup::new();
    agreement_setup.agreement_type = settings.agreements.agreement_type;
    agreement_setup.location = settings.agreements.location;
    agreement_setup.business_unit = settings.agreements.business_unit;
    agreement_setup.contact = settings.agreements.contact;
    let sink = ConnectWiseSink::builder()
        .client(client)
        .strategy(settings.strategy)
        .prorates_ends(settings.prorates_ends)
        .proration(proration)
        .marker(marker)
        .agreement_key(agreement_key)
        .agreement_setup(agreement_setup)
        .maybe_product_setup(product_setup)
        .maybe_note_field(settings.note_field.map(|field| match field {
            NoteFieldConfig::InvoiceDescription => NoteField::InvoiceDescription,
            NoteFieldConfig::InternalNotes => NoteField::InternalNotes,
        }))
        .build();
    Ok(Box::new(sink))
}

fn autotask(config: &Config, settings: &AutotaskConfig) -> Result<Box<dyn PsaSink>> {
    let default = BudgetOptions::default();
    let budget = TenantBudget::new(BudgetOptions {
        hourly_threshold: settings
            .hourly_threshold
            .unwrap_or(default.hourly_threshold),
        per_second: config.requests_per_second.and_then(NonZeroU32::new),
        ..default
    });
    let code = &settings.integration_code;
    let client = AutotaskClient::builder()
        .user_name(&settings.user_name)
        .integration_code(secret(config, "[sink] integration_code", code)?)
        .secret(secret(config, "[sink] secret", &settings.secret)?)
        .maybe_lookup_url(settings.lookup_url.as_deref())
        .budget(budget)
        .retry(retry(config, RetryPolicy::default()))
        .build()?;
    let days = match settings.effective_days {
        EffectiveDaysConfig::NextPeriod => EffectiveDays::NextPeriod,
        EffectiveDaysConfig::OpenPeriod => EffectiveDays::OpenPeriod,
        EffectiveDaysConfig::Prorated => EffectiveDays::Prorated,
    };
    let key = match settings.subscription_field.as_deref() {
        None => ContractKey::default(),
        Some("") => ContractKey::ContractNumber,
        Some(name) => ContractKey::UserDefinedField(name.to_owned()),
    };
    let mut setup = ContractSetup::new();
    setup.service_billing_code = settings.service_billing_code;
    setup.product_billing_code = settings.product_billing_code;
    setup.service_level_agreement = settings.service_level_agreement;
    let sink = AutotaskSink::builder()
        .client(client)
        .effective_days(days)
        .maybe_currency(settings.currency)
        .price_sync(settings.price_sync)
        .contract_key(key)
        .setup(setup)
        .build();
    Ok(Box::new(sink))
}

/// Gradient, for its set-up as well.
///
/// # Errors
/// `Config` naming the setting.
pub(crate) fn gradient(config: &Config, settings: &GradientConfig) -> Result<GradientSink> {
    let client = GradientClient::builder()
        .vendor_api_key(secret(
            config,
            "[sink] vendor_api_key",
            &settings.vendor_api_key,
        )?)
        .partner_api_key(secret(
            config,
            "[sink] partner_api_key",
            &settings.partner_api_key,
        )?)
        .maybe_base_url(settings.base_url.as_deref())
        .retry(retry(config, RetryPolicy::default()))
        .maybe_limiter(limiter(config))
        .build()?;
    Ok(GradientSink::builder()
        .client(client)
        .maybe_organization_id(settings.organization_id.as_deref())
        .send_zero(settings.send_zero)
        .resend(settings.resend)
        .build())
}

/// The connector's own policy, with the number of attempts that is configured.
fn retry(config: &Config, own: RetryPolicy) -> RetryPolicy {
    let max_attempts = config
        .attempts
        .map_or(own.max_attempts, |attempts| attempts.max(1));
    RetryPolicy {
        max_attempts,
        ..own
    }
}

/// One for each side: they share no quota.
fn limiter(config: &Config) -> Option<Arc<Limiter>> {
    config.requests_per_second.map(|per_second| {
        Arc::new(Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(per_second),
            ..LimiterOptions::default()
        }))
    })
}

fn secret(config: &Config, name: &str, place: &SecretRef) -> Result<secrecy::SecretString> {
    let resolved = config.secret(name, place)?;
    if let Some(warning) = resolved.warning {
        warn(&warning);
    }
    Ok(resolved.secret)
}

/// An error on one line, with the settings to look at where it came from a connection.
pub(crate) fn explain(error: &Error, config: &Path) -> String {
    // What happened on this machine alone needs no kind in front of its sentence.
    let local = error.operation().is_none() && error.http().is_none() && error.context().is_empty();
    let mut text = if local {
        plain(error.message())
    } else {
        plain(&error.to_string())
    };
    let side = match error.connector() {
        Some("cloudmore") => Some((
            "Cloudmore",
            "[source] username, password, client_secret and reseller_id",
            "[source] base_url",
        )),
        Some("dandh") => Some((
            "D&H",
            "[source] username, password and parent_account_id",
            "[source] base_url",
        )),
        Some("hyalto") => Some((
            "HyAlto",
            "[source] access_key and secret_key",
            "[source] base_url",
        )),
        Some("ingram") => Some((
            "Ingram Micro",
            "[source] username, password, subscription_key and marketplace",
            "[source] base_url",
        )),
        Some("sherweb") => Some((
            "Sherweb",
            "[source] client_id, client_secret and subscription_key",
            "[source] base_url",
        )),
        Some("vcd") => Some((
            "VMware Cloud Director",
            "[source] org and api_token, or user and password",
            "[source] base_url",
        )),
        Some("connectwise") => Some((
            "ConnectWise PSA",
            "[sink] company_id, public_key, private_key and client_id",
            "[sink] site",
        )),
        Some("autotask") => Some((
            "Autotask",
            "[sink] user_name, integration_code and secret",
            "[sink] lookup_url",
        )),
        Some("gradient") => Some((
            "Gradient",
            "[sink] vendor_api_key and partner_api_key",
            "[sink] base_url",
        )),
        _ => None,
    };
    let Some((name, credentials, address)) = side else {
        return text;
    };
    let file = files::shown(config);
    let advice = match error.kind() {
        ErrorKind::Auth => format!("check {credentials} in {file}"),
        ErrorKind::PermissionDenied => format!(
            "give the API user the right that the message names, or use other {credentials} in {file}"
        ),
        ErrorKind::Config if error.status().is_none() => format!("check {address} in {file}"),
        ErrorKind::Config | ErrorKind::NotFound => format!("check {address} in {file}"),
        ErrorKind::Protocol | ErrorKind::Unavailable | ErrorKind::Timeout => {
            format!("check {address} in {file} and whether {name} is up, then try again")
        }
        ErrorKind::RateLimited => "wait, then try again".to_owned(),
        _ => String::new(),
    };
    if !text.contains(name) {
        text = format!("{name}: {text}");
    }
    if !advice.is_empty() {
        text.push_str("; ");
        text.push_str(&advice);
    }
    text
}
