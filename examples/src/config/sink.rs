//! The PSA's side, by the kind of PSA.

use serde::Deserialize;
use tallyline_core::model::Currency;
use tallyline_core::plan::Strategy;

use super::SecretRef;

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
    /// Which text of an agreement gets the metadata of accounts; absent where none does.
    #[serde(default)]
    pub(crate) note_field: Option<NoteFieldConfig>,
}

/// Which text of an agreement is its note.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoteFieldConfig {
    /// The text that clients read on their invoices.
    InvoiceDescription,
    /// The notes that the MSP alone reads.
    InternalNotes,
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
    /// The tenant's requests in an hour, over all integrations together.
    pub(crate) hourly_threshold: Option<u32>,
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
