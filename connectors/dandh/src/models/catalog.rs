//! The catalogue: `GetMarketplaces`, `ListMarketplaceServices`, `GetPossibleServicesForParent`,
//! `GetMarketplaceServiceCharges`, `GetServiceInformation`, `GetFieldsForService`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, null_as_empty};
use tallyline_core::wire_enum;

use super::{FieldValue, id, id_opt, text_opt, word_opt};

/// A marketplace of the reseller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct MarketplaceInfo {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: i64,
    /// The name.
    #[serde(default, deserialize_with = "text_opt")]
    pub name: Option<String>,
    /// How many services it has.
    #[serde(default, deserialize_with = "id_opt")]
    pub service_count: Option<i64>,
    /// How many of them are hidden.
    #[serde(default, deserialize_with = "id_opt")]
    pub hidden_service_count: Option<i64>,
    /// How many accounts it is assigned to.
    #[serde(default, deserialize_with = "id_opt")]
    pub assignee_count: Option<i64>,
    /// Its priority.
    #[serde(default, deserialize_with = "id_opt")]
    pub priority: Option<i64>,
    /// How its prices are made; the words are not documented.
    #[serde(default, deserialize_with = "text_opt")]
    pub pricing_mode: Option<String>,
}

/// A service of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SimpleProductInfo {
    /// The technical name: `ServiceName` of subscriptions, `ServiceId` of charges.
    #[serde(default, deserialize_with = "text_opt")]
    pub product_name: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub display_name: Option<String>,
    /// What it is, in words.
    #[serde(default, deserialize_with = "text_opt")]
    pub description: Option<String>,
    /// Who makes it.
    #[serde(default, deserialize_with = "text_opt")]
    pub owner_name: Option<String>,
    /// Whether its terms were accepted.
    #[serde(default, rename = "IsTCAccepted")]
    pub is_tc_accepted: Option<bool>,
    /// Its SKUs with their cadence.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub simple_product_billing_info: Vec<ProductBillingInfo>,
}

/// A SKU of a service, and how it is charged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ProductBillingInfo {
    /// The vendor's SKU.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor_sku: Option<String>,
    /// The distributor's number.
    #[serde(default, deserialize_with = "text_opt")]
    pub material_number: Option<String>,
    /// The field that chooses it.
    #[serde(default, deserialize_with = "text_opt")]
    pub field_name: Option<String>,
    /// The field's name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub field_display_name: Option<String>,
    /// The value that chooses it.
    #[serde(default, deserialize_with = "text_opt")]
    pub field_value: Option<String>,
    /// The value to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub field_display_value: Option<String>,
    /// `Minute`, `Hour`, `Day` or `Month`.
    #[serde(default, deserialize_with = "text_opt")]
    pub billable_time_unit: Option<String>,
    /// The months charged at once.
    #[serde(default, deserialize_with = "id_opt")]
    pub advance_payment_period_in_months: Option<i64>,
    /// Whether the first unit of time is charged.
    #[serde(default)]
    pub charge_first_time_unit: Option<bool>,
    /// Whether the last unit of time is charged.
    #[serde(default)]
    pub charge_last_time_unit: Option<bool>,
}

/// The prices of a service on a marketplace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct MarketplaceServiceCharges {
    /// The technical name.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_id: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub display_name: Option<String>,
    /// The marketplace.
    #[serde(default, deserialize_with = "id_opt")]
    pub marketplace_id: Option<i64>,
    /// Its status; the words are not documented.
    #[serde(default, deserialize_with = "text_opt")]
    pub status: Option<String>,
    /// Who makes it.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor_display_name: Option<String>,
    /// The prices; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub charges: Vec<MarketplaceServiceCharge>,
}

/// A price of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct MarketplaceServiceCharge {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub priceable_item_id: i64,
    /// What it is, in words.
    #[serde(default, deserialize_with = "text_opt")]
    pub priceable_item: Option<String>,
    /// Its type, such as `Monthly` or `Setup`.
    #[serde(default, deserialize_with = "text_opt")]
    pub priceable_item_type: Option<String>,
    /// How it is charged; the words are not documented.
    #[serde(default, deserialize_with = "text_opt")]
    pub charge_type: Option<String>,
    /// The ISO code of the currency.
    #[serde(default, deserialize_with = "text_opt")]
    pub currency: Option<String>,
    /// What the reseller pays per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub purchase_price: Option<Decimal>,
    /// What the vendor recommends per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub suggested_retail_price: Option<Decimal>,
    /// What the reseller asks per unit, where that is set.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub custom_price: Option<Decimal>,
    /// The distributor's number.
    #[serde(default, deserialize_with = "text_opt")]
    pub material_number: Option<String>,
    /// The vendor's SKU.
    #[serde(default, deserialize_with = "text_opt")]
    pub product_number: Option<String>,
}

/// What a service is, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ServiceInformation {
    /// The name to show.
    #[serde(deserialize_with = "text_opt")]
    pub display_name: Option<String>,
    /// The description.
    #[serde(default, deserialize_with = "text_opt")]
    pub description: Option<String>,
    /// The terms.
    #[serde(default, deserialize_with = "text_opt")]
    pub terms_conditions: Option<String>,
}

/// The fields of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ServiceFields {
    /// The account that it would stand below.
    #[serde(default, deserialize_with = "id_opt")]
    pub parent_account_id: Option<i64>,
    /// The technical name.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_name: Option<String>,
    /// The fields; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub fields: Vec<AccountField>,
}

wire_enum! {
    ignore_case
    /// How a field is shown. An old client has seen it as its number, which is kept as it came.
    pub enum DisplayType {
        /// It may be left out.
        Optional = "Optional",
        /// It must be filled.
        Mandatory = "Mandatory",
        /// It is shown only.
        Readonly = "Readonly",
        /// It is not shown.
        Hidden = "Hidden",
    }
}

/// A field of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AccountField {
    /// The technical name.
    #[serde(default, deserialize_with = "text_opt")]
    pub name: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub display_name: Option<String>,
    /// How it is shown.
    #[serde(default, deserialize_with = "word_opt")]
    pub display_type: Option<DisplayType>,
    /// The type of its value, such as `string` or `int32`.
    #[serde(default, rename = "Type", deserialize_with = "text_opt")]
    pub field_type: Option<String>,
    /// The values that it may have, where it has a list of them.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub enum_members: Vec<EnumMember>,
    /// The value that it has at first.
    #[serde(default)]
    pub default_value: Option<FieldValue>,
    /// A regular expression that its value must match.
    #[serde(default, deserialize_with = "text_opt")]
    pub validator: Option<String>,
    /// The smallest value.
    #[serde(default)]
    pub min_value: Option<FieldValue>,
    /// The largest value.
    #[serde(default)]
    pub max_value: Option<FieldValue>,
}

/// A value that a field may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EnumMember {
    /// The name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub display_name: Option<String>,
    /// The value.
    #[serde(default)]
    pub value: Option<FieldValue>,
    /// More about it.
    #[serde(default, deserialize_with = "text_opt")]
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn the_way_a_field_is_shown_may_be_a_word_in_any_case_or_a_number() {
        for (json, wanted) in [
            ("\"ReadOnly\"", DisplayType::Readonly),
            ("\"mandatory\"", DisplayType::Mandatory),
            ("1", DisplayType::Unknown("1".into())),
            ("\"Fancy\"", DisplayType::Unknown("Fancy".into())),
        ] {
            let json = format!(
                r#"{{"Fields":[{{"Name":"Quantity","DisplayType":{json},"MinValue":1}}]}}"#
            );
            let found: ServiceFields = decode_json(json.as_bytes()).unwrap();
            assert_eq!(found.fields[0].display_type, Some(wanted), "{json}");
        }
    }
}
