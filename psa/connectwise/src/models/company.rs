//! `/company/companies` and `/login/companyinfo`.

use serde::Deserialize;
use tallyline_core::wire::{non_empty, null_as_empty};

use super::{CurrencyReference, CustomFieldValue, Info, Reference};

/// A company: a client of the MSP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Company {
    /// The id.
    pub id: Option<i64>,
    /// The short name, unique.
    #[serde(deserialize_with = "non_empty")]
    pub identifier: Option<String>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The status, from a setup table.
    pub status: Option<Reference>,
    /// The types, from a setup table.
    #[serde(deserialize_with = "null_as_empty")]
    pub types: Vec<Reference>,
    /// The main site.
    pub site: Option<Reference>,
    /// The first line of the address.
    #[serde(deserialize_with = "non_empty")]
    pub address_line1: Option<String>,
    /// The second line of the address.
    #[serde(deserialize_with = "non_empty")]
    pub address_line2: Option<String>,
    /// The city.
    #[serde(deserialize_with = "non_empty")]
    pub city: Option<String>,
    /// The state or province.
    #[serde(deserialize_with = "non_empty")]
    pub state: Option<String>,
    /// The postal code.
    #[serde(deserialize_with = "non_empty")]
    pub zip: Option<String>,
    /// The country.
    pub country: Option<Reference>,
    /// The phone number.
    #[serde(deserialize_with = "non_empty")]
    pub phone_number: Option<String>,
    /// The web site.
    #[serde(deserialize_with = "non_empty")]
    pub website: Option<String>,
    /// The account number.
    #[serde(deserialize_with = "non_empty")]
    pub account_number: Option<String>,
    /// The identifier as a vendor.
    #[serde(deserialize_with = "non_empty")]
    pub vendor_identifier: Option<String>,
    /// The identifier as a reseller.
    #[serde(deserialize_with = "non_empty")]
    pub reseller_identifier: Option<String>,
    /// The contact to use first.
    pub default_contact: Option<Reference>,
    /// The contact for invoices.
    pub billing_contact: Option<Reference>,
    /// The site for invoices.
    pub billing_site: Option<Reference>,
    /// The company that pays.
    pub bill_to_company: Option<Reference>,
    /// The territory.
    pub territory: Option<Reference>,
    /// The market.
    pub market: Option<Reference>,
    /// The currency.
    pub currency: Option<CurrencyReference>,
    /// The tax code.
    pub tax_code: Option<Reference>,
    /// The terms of payment.
    pub billing_terms: Option<Reference>,
    /// The company above it.
    pub parent_company: Option<Reference>,
    /// Whether it is a lead.
    pub lead_flag: Option<bool>,
    /// Whether it is a vendor.
    pub is_vendor_flag: Option<bool>,
    /// Whether it is in the recycle bin; such companies are still listed.
    pub deleted_flag: Option<bool>,
    /// When it was deleted.
    #[serde(deserialize_with = "non_empty")]
    pub date_deleted: Option<String>,
    /// Who deleted it.
    #[serde(deserialize_with = "non_empty")]
    pub deleted_by: Option<String>,
    /// Tags of integrations.
    #[serde(deserialize_with = "null_as_empty")]
    pub integrator_tags: Vec<String>,
    /// When and by whom the record was last edited.
    #[serde(rename = "_info")]
    pub info: Option<Info>,
    /// The custom fields.
    #[serde(deserialize_with = "null_as_empty")]
    pub custom_fields: Vec<CustomFieldValue>,
}

/// The answer of the sign-in lookup: where a tenant lives.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CompanyInfoLookup {
    /// The tenant's name.
    #[serde(deserialize_with = "non_empty")]
    pub company_name: Option<String>,
    /// The path of the installed version, with a trailing slash.
    #[serde(deserialize_with = "non_empty")]
    pub codebase: Option<String>,
    /// The installed version, as in `v2026.1`.
    #[serde(deserialize_with = "non_empty")]
    pub version_code: Option<String>,
    /// The installed build.
    #[serde(deserialize_with = "non_empty")]
    pub version_number: Option<String>,
    /// The company id, as it is spelt in the system.
    #[serde(rename = "CompanyID", deserialize_with = "non_empty")]
    pub company_id: Option<String>,
    /// Whether it is hosted by the vendor.
    pub is_cloud: Option<bool>,
    /// The API host, bare.
    #[serde(deserialize_with = "non_empty")]
    pub site_url: Option<String>,
}
