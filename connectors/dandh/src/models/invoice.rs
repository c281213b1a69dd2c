//! `GetPreviewInvoices`, `GetLatestInvoices`, `GetLatestInvoicesForPeriod`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, null_as_empty};

use super::{id, id_opt, text_opt};

/// What one company, or one of its departments, is charged in a month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Invoice {
    /// The month, as `MM/yyyy`.
    #[serde(default, deserialize_with = "text_opt")]
    pub billing_interval: Option<String>,
    /// The company.
    #[serde(deserialize_with = "id")]
    pub company_account_id: i64,
    /// Its name.
    #[serde(default, deserialize_with = "text_opt")]
    pub company_name: Option<String>,
    /// The "Numeric ID" of the portal.
    #[serde(default, deserialize_with = "text_opt")]
    pub customer_id: Option<String>,
    /// The VAT id.
    #[serde(default, deserialize_with = "text_opt")]
    pub company_vat_id: Option<String>,
    /// The department, where they were asked for one by one.
    #[serde(default, deserialize_with = "text_opt")]
    pub department_name: Option<String>,
    /// The number; none on a preview.
    #[serde(default, deserialize_with = "text_opt")]
    pub invoice_number: Option<String>,
    /// The reseller's contract number.
    #[serde(default, deserialize_with = "text_opt")]
    pub reseller_contract_id: Option<String>,
    /// The charges; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub charges: Vec<ServiceCharge>,
}

/// One charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ServiceCharge {
    /// The subscription.
    #[serde(default, deserialize_with = "id_opt")]
    pub account_id: Option<i64>,
    /// The product's technical name: `ServiceName` of the subscription.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_id: Option<String>,
    /// The product's name to show: `ServiceDisplayName` of the subscription.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_name: Option<String>,
    /// The price that is charged.
    #[serde(default, deserialize_with = "id_opt")]
    pub priceable_item_id: Option<i64>,
    /// What that is, in words.
    #[serde(default, deserialize_with = "text_opt")]
    pub priceable_item_description: Option<String>,
    /// Its type, such as `Monthly` or `Setup`.
    #[serde(default, deserialize_with = "text_opt")]
    pub priceable_item_type: Option<String>,
    /// The number of units, where it is charged per unit.
    #[serde(
        default,
        rename = "UDRCValue",
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub udrc_value: Option<Decimal>,
    /// The parameters as a text for people. Nothing is read from it.
    #[serde(default, deserialize_with = "text_opt")]
    pub billable_parameter: Option<String>,
    /// The days charged, as they were written: `dd.MM.yyyy - dd.MM.yyyy`.
    #[serde(default, deserialize_with = "text_opt")]
    pub actual_charge_interval: Option<String>,
    /// When the subscription's billing started, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub billing_start_date: Option<String>,
    /// What the reseller pays for the line as a whole.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub costs: Option<Decimal>,
    /// What the reseller pays per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub costs_of_unit: Option<Decimal>,
    /// What the reseller asks for the line as a whole.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub sales_price: Option<Decimal>,
    /// What the reseller asks per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub sales_price_of_unit: Option<Decimal>,
    /// The ISO code of the currency.
    #[serde(default, deserialize_with = "text_opt")]
    pub currency: Option<String>,
    /// The vendor's SKU.
    #[serde(default, deserialize_with = "text_opt")]
    pub product_number: Option<String>,
    /// The distributor's number.
    #[serde(default, deserialize_with = "text_opt")]
    pub material_number: Option<String>,
    /// The reseller's own code.
    #[serde(default, deserialize_with = "text_opt")]
    pub service_code: Option<String>,
    /// Who makes it: `VendorDisplayName` of the subscription.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor_name: Option<String>,
    /// The vendor's own id of the subscription.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor_reference: Option<String>,
    /// The vendor's second id.
    #[serde(default, deserialize_with = "text_opt")]
    pub second_vendor_reference: Option<String>,
    /// The reseller's contract number.
    #[serde(default, deserialize_with = "text_opt")]
    pub contract_id: Option<String>,
    /// The reseller's order number.
    #[serde(default, deserialize_with = "text_opt")]
    pub purchase_order_number: Option<String>,
    /// The end customer's name.
    #[serde(default, deserialize_with = "text_opt")]
    pub end_customer_name: Option<String>,
    /// The distributor's invoice.
    #[serde(default, rename = "SAPInvoiceNumber", deserialize_with = "text_opt")]
    pub sap_invoice_number: Option<String>,
    /// The line of it.
    #[serde(default, rename = "SAPInvoiceLineNumber", deserialize_with = "id_opt")]
    pub sap_invoice_line_number: Option<i64>,
}

impl ServiceCharge {
    /// Whether it is charged once.
    #[must_use]
    pub fn is_setup(&self) -> bool {
        let kind = self.priceable_item_type.as_deref();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Setup"))
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_preview_reads_as_the_vendor_writes_it() {
        let invoices: Vec<Invoice> = decode_json(
            br#"[{"BillingInterval":"11/2026","CompanyAccountId":410977,"CompanyName":"Maple Dental LLC","CustomerId":"2004411",
              "CompanyVatId":"","InvoiceNumber":"","Salesman":"","ResellerContractId":"","Charges":[{"AccountId":733105,
              "ServiceId":"555001_M365BusinessPremiumNCE_20417","ServiceName":"Microsoft 365 Business Premium (NCE)",
              "PriceableItemId":90211,"PriceableItemType":"Monthly","UDRCValue":14.0,"BillableParameter":"Quantity=14",
              "ActualChargeInterval":"01.11.2026 - 01.12.2026","Costs":261.8,"CostsOfUnit":18.7,"SalesPrice":308.0,
              "SalesPriceOfUnit":0.1234567890123456789012345678,"Currency":"USD","SAPInvoiceLineNumber":10.0}]}]"#,
        )
        .unwrap();
        let invoice = &invoices[0];
        assert_eq!(invoice.company_account_id, 410_977);
        assert_eq!(invoice.invoice_number, None);
        let charge = &invoice.charges[0];
        assert_eq!(charge.udrc_value, Some(14.into()));
        assert_eq!(charge.costs.unwrap().to_string(), "261.8");
        assert_eq!(
            charge.sales_price_of_unit.unwrap().to_string(),
            "0.1234567890123456789012345678"
        );
        assert_eq!(charge.sap_invoice_line_number, Some(10));
        assert!(!charge.is_setup());
    }

    #[test]
    fn charges_are_none_when_the_vendor_says_so_and_not_when_they_are_absent() {
        let read = |json: &str| decode_json::<Invoice>(json.as_bytes());
        assert!(
            read(r#"{"CompanyAccountId":1,"Charges":null}"#)
                .unwrap()
                .charges
                .is_empty()
        );
        for json in [
            r#"{"CompanyAccountId":1}"#,
            r#"{"CompanyAccountId":1,"charges":[]}"#,
            r#"{"Charges":[]}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
