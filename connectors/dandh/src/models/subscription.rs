//! `GetSubscriptions`, `GetSubscription`, `GetSubscriptionWithAddons`,
//! `GetSubscriptionDependencies`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, null_as_empty, one_or_many};
use tallyline_core::wire_enum;

use super::{FieldValue, id, id_opt, text_opt, word_opt};

wire_enum! {
    ignore_case
    /// Whether an account (a company, a subscription) is active.
    pub enum AccountState {
        /// It is.
        Active = "Active",
        /// It was terminated. It may still be listed.
        Terminated = "Terminated",
    }
}

/// A subscription.
///
/// There is no quantity of its own: see [`units_of`](Self::units_of).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Subscription {
    /// The id: the stable key, the same as in charges.
    #[serde(deserialize_with = "id")]
    pub account_id: i64,
    /// Whether it is active.
    #[serde(default, deserialize_with = "word_opt")]
    pub account_state: Option<AccountState>,
    /// The company that owns it.
    #[serde(default, deserialize_with = "id_opt")]
    pub company_account_id: Option<i64>,
    /// The account above it: the company, a user, or another service.
    #[serde(default, deserialize_with = "id_opt")]
    pub parent_account_id: Option<i64>,
    /// What that is; may be the technical name of a product.
    #[serde(default, deserialize_with = "text_opt")]
    pub parent_type: Option<String>,
    /// The product's technical name: `ServiceId` in charges, `ProductName` in the catalogue.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_name: Option<String>,
    /// The product's name to show: `ServiceName` in charges.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_display_name: Option<String>,
    /// Who makes it: `VendorName` in charges.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor_display_name: Option<String>,
    /// The product's own fields, the number of units among them.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub fields: Vec<SubscriptionField>,
    /// The prices.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub priceable_items: Vec<SubscriptionPriceableItem>,
    /// How far it is set up; the words are not documented.
    #[serde(default, deserialize_with = "text_opt")]
    pub provisioning_status: Option<String>,
    /// In the document only; may be absent.
    #[serde(default, deserialize_with = "text_opt")]
    pub status: Option<String>,
    /// The last error of setting it up.
    #[serde(default, deserialize_with = "text_opt")]
    pub error_details: Option<String>,
    /// The vendor's own id.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor_reference_id: Option<String>,
    /// The vendor's second id.
    #[serde(default, deserialize_with = "text_opt")]
    pub second_vendor_reference_id: Option<String>,
    /// The reseller's contract number.
    #[serde(default, deserialize_with = "text_opt")]
    pub contract_id: Option<String>,
    /// The reseller's order number.
    #[serde(default, deserialize_with = "text_opt")]
    pub purchase_order_number: Option<String>,
    /// When its billing started, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub billing_start_date: Option<String>,
    /// The end of its term, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub contract_end_date: Option<String>,
    /// The end of its price lock, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub price_protection_end_date: Option<String>,
    /// The end of its prepaid period, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub advance_period_end_date: Option<String>,
    /// When it is planned to end, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub scheduled_termination_date: Option<String>,
    /// What happens at the end of its prepaid period: `Renew` or `Terminate`.
    #[serde(default, deserialize_with = "text_opt")]
    pub advance_period_end_action: Option<String>,
    /// Whether there are values for its renewal.
    #[serde(default)]
    pub has_renew_action_values_configured: Option<bool>,
    /// The values for its renewal, such as fewer units.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub renew_fields: Vec<SubscriptionField>,
    /// The base subscription of an add-on.
    #[serde(default, deserialize_with = "id_opt")]
    pub dependency_account_id: Option<i64>,
    /// Its add-ons, where they were asked for: an object, a list or `null`. They are subscriptions
    /// of their own, and this names them only.
    #[serde(default, deserialize_with = "one_or_many")]
    pub addons: Vec<Addon>,
}

/// One field of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SubscriptionField {
    /// The technical name.
    #[serde(default, deserialize_with = "text_opt")]
    pub name: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "text_opt")]
    pub display_name: Option<String>,
    /// The value, where there is one.
    #[serde(default)]
    pub value: Option<FieldValue>,
}

/// A price of a subscription. Its amounts are per unit, other than those of a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SubscriptionPriceableItem {
    /// The id, the same as in charges.
    #[serde(default, deserialize_with = "id_opt")]
    pub priceable_item_id: Option<i64>,
    /// What it is, in words.
    #[serde(default, deserialize_with = "text_opt")]
    pub priceable_item_description: Option<String>,
    /// Its type, such as `Monthly` or `Setup`.
    #[serde(default, deserialize_with = "text_opt")]
    pub priceable_item_type: Option<String>,
    /// How it is charged; the words are not documented.
    #[serde(default, deserialize_with = "text_opt")]
    pub charge_type: Option<String>,
    /// The field that holds the number of units.
    #[serde(default, deserialize_with = "text_opt")]
    pub field_name: Option<String>,
    /// Whether it is charged per unit.
    #[serde(default, rename = "IsUDRCField")]
    pub is_udrc_field: Option<bool>,
    /// The ISO code of the currency.
    #[serde(default, deserialize_with = "text_opt")]
    pub currency: Option<String>,
    /// What the reseller of the context pays per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub purchase_price: Option<Decimal>,
    /// What the reseller asks per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub sales_price: Option<Decimal>,
    /// What the vendor recommends per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub suggested_retail_price: Option<Decimal>,
    /// The distributor's number.
    #[serde(default, deserialize_with = "text_opt")]
    pub material_number: Option<String>,
    /// The vendor's SKU.
    #[serde(default, deserialize_with = "text_opt")]
    pub product_number: Option<String>,
    /// The months charged at once: 0 and 1 are monthly.
    #[serde(default, deserialize_with = "id_opt")]
    pub prepaid_period_in_months: Option<i64>,
    /// The months of the commitment (misspelt in the API); 0 and absent are none.
    #[serde(default, deserialize_with = "id_opt")]
    pub commitement_period_in_months: Option<i64>,
}

/// An add-on by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Addon {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub account_id: i64,
    /// The account above it.
    #[serde(default, deserialize_with = "id_opt")]
    pub parent_account_id: Option<i64>,
    /// Whether it is active.
    #[serde(default, deserialize_with = "word_opt")]
    pub account_state: Option<AccountState>,
    /// The product's technical name.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_name: Option<String>,
}

/// What the number of units is called where a price does not say it, the usual name first. The
/// second is that of older Microsoft products.
const UNIT_FIELDS: [&str; 2] = ["Quantity", "NumberofCSPlicenses"];

impl SubscriptionPriceableItem {
    /// Whether it is charged once.
    #[must_use]
    pub fn is_setup(&self) -> bool {
        let kind = self.priceable_item_type.as_deref();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Setup"))
    }
}

impl Subscription {
    /// The number of units that a price is charged for now; `None` where it cannot be told, which
    /// is neither none nor one.
    ///
    /// It stands in the field that the price names (where it is charged per unit), else in the one
    /// named `Quantity`, else in that of older Microsoft products. Fields of one name that differ
    /// tell nothing.
    ///
    /// ```
    /// # use tallyline_dandh::models::Subscription;
    /// let subscription: Subscription = serde_json::from_str(
    ///     r#"{"AccountId": 733105, "Fields": [{"Name": "Seats", "Value": "14"}],
    ///         "PriceableItems": [{"PriceableItemId": 90211, "IsUDRCField": true, "FieldName": "Seats"}]}"#,
    /// )?;
    /// let units = subscription.units_of(&subscription.priceable_items[0]);
    /// assert_eq!(units, Some(14.into()));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn units_of(&self, item: &SubscriptionPriceableItem) -> Option<Decimal> {
        let named = item.field_name.as_deref();
        let named = named.filter(|_| item.is_udrc_field == Some(true));
        let mut names = named.into_iter().chain(UNIT_FIELDS);
        let name = names.find(|name| self.fields_named(name).next().is_some())?;
        let mut values = self.fields_named(name).map(|field| {
            let value = field.value.as_ref()?;
            value.quantity()
        });
        let first = values.next()??;
        values.all(|other| other == Some(first)).then_some(first)
    }

    fn fields_named(&self, name: &str) -> impl Iterator<Item = &SubscriptionField> {
        let fields = self.fields.iter();
        fields.filter(move |field| field.name.as_deref() == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    fn subscription(json: &str) -> Subscription {
        decode_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_subscription_reads_as_the_vendor_writes_it() {
        let own = subscription(
            r#"{"AccountId":733105,"AccountState":"Active","CompanyAccountId":410977,"ParentAccountId":733001,
              "ParentType":"555001_MicrosoftTenant_10001","ServiceName":"555001_M365BusinessPremiumNCE_20417",
              "ServiceDisplayName":"Microsoft 365 Business Premium (NCE)","VendorDisplayName":"Microsoft",
              "ProvisioningStatus":"Completed","BillingStartDate":"2026-02-11T00:00:00","ContractEndDate":"2027-02-10T00:00:00",
              "AdvancePeriodEndAction":"Renew","HasRenewActionValuesConfigured":false,"DependencyAccountId":733001.0,
              "Fields":[{"Name":"Quantity","DisplayName":"Quantity","Value":14},{"Name":"BillingType","Value":"P1Y"},
                {"Name":"Odd","Value":{"a":[1]}},{"Name":"Empty","Value":null},{"Name":"Bare"}],
              "PriceableItems":[{"PriceableItemId":90211,"PriceableItemType":"Monthly","FieldName":"Quantity",
                "IsUDRCField":true,"Currency":"USD","PurchasePrice":18.7,"PrepaidPeriodInMonths":0,"CommitementPeriodInMonths":12}],
              "SomethingNew":{"a":[null]}}"#,
        );
        assert_eq!(own.account_state, Some(AccountState::Active));
        assert_eq!(own.dependency_account_id, Some(733_001));
        assert_eq!(own.fields.len(), 5);
        assert!(own.fields[3].value.is_none() && own.fields[4].value.is_none());
        let item = &own.priceable_items[0];
        assert_eq!(item.commitement_period_in_months, Some(12));
        assert_eq!(item.purchase_price.unwrap().to_string(), "18.7");
        assert_eq!(own.units_of(item), Some(14.into()));
    }

    #[test]
    fn addons_may_be_an_object_a_list_or_null() {
        for (json, count) in [
            (r#"{"AccountId":1,"Addons":{"AccountId":2}}"#, 1),
            (
                r#"{"AccountId":1,"Addons":[{"AccountId":2},{"AccountId":3}]}"#,
                2,
            ),
            (r#"{"AccountId":1,"Addons":null}"#, 0),
            (r#"{"AccountId":1}"#, 0),
        ] {
            assert_eq!(subscription(json).addons.len(), count, "{json}");
        }
    }

    #[test]
    fn units_stand_in_the_field_that_the_price_names_else_under_the_usual_names_else_nowhere() {
        let units = |fields: &str, item: &str| {
            let json =
                format!(r#"{{"AccountId":1,"Fields":[{fields}],"PriceableItems":[{item}]}}"#);
            let own = subscription(&json);
            own.units_of(&own.priceable_items[0])
                .map(|units| units.to_string())
        };
        let named = r#"{"IsUDRCField":true,"FieldName":"Seats"}"#;
        let seats = r#"{"Name":"Seats","Value":"3"}"#;
        let quantity = r#"{"Name":"Quantity","Value":14}"#;
        let old = r#"{"Name":"NumberofCSPlicenses","Value":"2"}"#;
        let all = format!("{old},{quantity},{seats}");
        assert_eq!(units(&all, named).as_deref(), Some("3"));
        let not_per_unit = r#"{"IsUDRCField":false,"FieldName":"Seats"}"#;
        assert_eq!(units(&all, not_per_unit).as_deref(), Some("14"));
        assert_eq!(
            units(&format!("{old},{quantity}"), named).as_deref(),
            Some("14")
        );
        assert_eq!(units(old, named).as_deref(), Some("2"));
        for unclear in [
            "",
            r#"{"Name":"Users","Value":9}"#,
            r#"{"Name":"quantity","Value":9}"#,
            r#"{"Name":"Quantity","Value":"many"}"#,
            r#"{"Name":"Quantity"}"#,
            r#"{"Name":"Quantity","Value":1},{"Name":"Quantity","Value":2}"#,
        ] {
            assert_eq!(units(unclear, named), None, "{unclear}");
        }
        let unreadable = format!(r#"{{"Name":"Seats","Value":[]}},{quantity}"#);
        assert_eq!(
            units(&unreadable, named),
            None,
            "the price names another field"
        );
    }
}
