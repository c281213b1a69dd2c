//! `/finance/agreements` and its setup tables.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{exact_decimal_opt, non_empty, null_as_empty};
use tallyline_core::wire_enum;

use super::{CurrencyReference, CustomFieldValue, Info, NewCustomFieldValue, RecordRef, Reference};

wire_enum! {
    /// The status of an agreement or addition, derived by the system from dates and flags.
    pub enum AgreementStatus {
        /// In force.
        Active = "Active",
        /// Cancelled.
        Cancelled = "Cancelled",
        /// Past its end date.
        Expired = "Expired",
        /// Not in force yet, or switched off.
        Inactive = "Inactive",
    }
}

wire_enum! {
    /// Whether billing periods follow the calendar or the contract.
    pub enum InvoicingCycle {
        /// Periods counted from the contract's start.
        ContractYear = "ContractYear",
        /// Calendar months, quarters and years.
        CalendarYear = "CalendarYear",
    }
}

wire_enum! {
    /// How often a billing cycle bills.
    pub enum BillingOptions {
        /// Every two months.
        BiMonthly = "BiMonthly",
        /// Every two weeks.
        BiWeekly = "BiWeekly",
        /// Every month.
        Monthly = "Monthly",
        /// Once.
        NotRecurring = "NotRecurring",
        /// Every three months.
        Quarterly = "Quarterly",
        /// Every six months.
        SemiAnnual = "SemiAnnual",
        /// Every week.
        Weekly = "Weekly",
        /// Every year.
        Yearly = "Yearly",
    }
}

wire_enum! {
    /// Whether time, expenses or products are billed.
    pub enum BillableOption {
        /// Billed.
        Billable = "Billable",
        /// Not billed and not shown.
        DoNotBill = "DoNotBill",
        /// Shown without charge.
        NoCharge = "NoCharge",
        /// Not decided here.
        NoDefault = "NoDefault",
    }
}

/// An agreement: the frame of terms under which additions bill.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Agreement {
    /// The id.
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The agreement type, from a setup table.
    pub r#type: Option<Reference>,
    /// The company.
    pub company: Option<Reference>,
    /// The contact.
    pub contact: Option<Reference>,
    /// The site.
    pub site: Option<Reference>,
    /// The agreement that it is invoiced through.
    pub parent_agreement: Option<Reference>,
    /// The customer's purchase order.
    #[serde(rename = "customerPO", deserialize_with = "non_empty")]
    pub customer_po: Option<String>,
    /// The opportunity that it came from.
    pub opportunity: Option<Reference>,
    /// The first day.
    #[serde(deserialize_with = "non_empty")]
    pub start_date: Option<String>,
    /// The last day; absent when it has no end.
    #[serde(deserialize_with = "non_empty")]
    pub end_date: Option<String>,
    /// Whether it has no end.
    pub no_ending_date_flag: Option<bool>,
    /// Whether it is cancelled.
    pub cancelled_flag: Option<bool>,
    /// The day of the cancellation.
    #[serde(deserialize_with = "non_empty")]
    pub date_cancelled: Option<String>,
    /// Why it was cancelled.
    #[serde(deserialize_with = "non_empty")]
    pub reason_cancelled: Option<String>,
    /// The status. Read-only.
    pub agreement_status: Option<AgreementStatus>,
    /// The billing cycle, from a setup table.
    pub billing_cycle: Option<Reference>,
    /// Whether periods follow the calendar or the contract.
    pub invoicing_cycle: Option<InvoicingCycle>,
    /// The first day that it bills: no addition may start before.
    #[serde(deserialize_with = "non_empty")]
    pub bill_start_date: Option<String>,
    /// The date of the next invoice. Read-only; may be missing on a child.
    #[serde(deserialize_with = "non_empty")]
    pub next_invoice_date: Option<String>,
    /// Whether additions that start or stop within a period are prorated.
    pub prorate_flag: Option<bool>,
    /// Whether prorated additions get an invoice of their own at once.
    pub invoice_prorated_additions_flag: Option<bool>,
    /// The amount of a prorated first bill.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub prorate_first_bill: Option<Decimal>,
    /// Whether it bills once.
    pub bill_one_time_flag: Option<bool>,
    /// Whether it is a one-time agreement.
    pub one_time_flag: Option<bool>,
    /// The agreement's own amount, besides its additions.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub bill_amount: Option<Decimal>,
    /// Whether a bill of zero is made.
    pub bill_zero_amount_flag: Option<bool>,
    /// Whether the nightly run invoices it.
    pub auto_invoice_flag: Option<bool>,
    /// Whether time is billed.
    pub bill_time: Option<BillableOption>,
    /// Whether expenses are billed.
    pub bill_expenses: Option<BillableOption>,
    /// Whether products are billed.
    pub bill_products: Option<BillableOption>,
    /// Whether it is taxed.
    pub taxable: Option<bool>,
    /// The tax code.
    pub tax_code: Option<Reference>,
    /// The terms of payment.
    pub billing_terms: Option<Reference>,
    /// The company that pays.
    pub bill_to_company: Option<Reference>,
    /// The currency of its amounts.
    pub currency: Option<CurrencyReference>,
    /// The text on the invoice.
    #[serde(deserialize_with = "non_empty")]
    pub invoice_description: Option<String>,
    /// Notes for the MSP.
    #[serde(deserialize_with = "non_empty")]
    pub internal_notes: Option<String>,
    /// The location.
    pub location: Option<Reference>,
    /// The department.
    pub department: Option<Reference>,
    /// When and by whom the record was last edited.
    #[serde(rename = "_info")]
    pub info: Option<Info>,
    /// The custom fields.
    #[serde(deserialize_with = "null_as_empty")]
    pub custom_fields: Vec<CustomFieldValue>,
}

/// A template for agreements. Its flags end in `Flag` where those of an agreement do not.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct AgreementType {
    /// The id.
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Whether it is the default type.
    pub default_flag: Option<bool>,
    /// Whether it is switched off.
    pub inactive_flag: Option<bool>,
    /// The billing cycle.
    pub billing_cycle: Option<Reference>,
    /// Whether periods follow the calendar or the contract.
    pub invoicing_cycle: Option<InvoicingCycle>,
    /// Whether its agreements bill once.
    pub bill_one_time_flag: Option<bool>,
    /// The amount.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub bill_amount: Option<Decimal>,
    /// Whether its agreements are taxed.
    pub taxable_flag: Option<bool>,
    /// Whether time is billed.
    pub bill_time: Option<BillableOption>,
    /// Whether expenses are billed.
    pub bill_expenses: Option<BillableOption>,
    /// Whether products are billed.
    pub bill_products: Option<BillableOption>,
    /// Whether additions are prorated.
    pub prorate_flag: Option<bool>,
    /// Whether prorated additions get an invoice of their own.
    pub invoice_prorated_additions_flag: Option<bool>,
    /// Whether the nightly run invoices its agreements.
    pub auto_invoice_flag: Option<bool>,
    /// The reference of an integration.
    #[serde(rename = "integrationXRef", deserialize_with = "non_empty")]
    pub integration_xref: Option<String>,
    /// When and by whom the record was last edited.
    #[serde(rename = "_info")]
    pub info: Option<Info>,
}

/// A billing cycle. Names are free text of the tenant: decide on `billing_options`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct BillingCycle {
    /// The id.
    pub id: Option<i64>,
    /// The code.
    #[serde(deserialize_with = "non_empty")]
    pub identifier: Option<String>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Whether it is the default cycle.
    pub default_flag: Option<bool>,
    /// How often it bills.
    pub billing_options: Option<BillingOptions>,
    /// When and by whom the record was last edited.
    #[serde(rename = "_info")]
    pub info: Option<Info>,
}

/// A new agreement. With `parent_agreement` it is a child, invoiced through that agreement.
///
/// The rest comes from the agreement type.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAgreement {
    /// The name, at most 100 characters. Required.
    pub name: String,
    /// The agreement type. Required.
    pub r#type: RecordRef,
    /// The company. Required.
    pub company: RecordRef,
    /// The contact. Required by the system, although many companies have none.
    pub contact: RecordRef,
    /// The agreement to invoice through; it must bill on the same cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_agreement: Option<RecordRef>,
    /// The first day, as `yyyy-mm-ddT00:00:00Z` (see [`midnight`](super::midnight)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// The last day, in the same form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// Whether it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_ending_date_flag: Option<bool>,
    /// The billing cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_cycle: Option<RecordRef>,
    /// Whether periods follow the calendar or the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoicing_cycle: Option<InvoicingCycle>,
    /// The first day that it bills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_start_date: Option<String>,
    /// Whether additions that start or stop within a period are prorated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prorate_flag: Option<bool>,
    /// The text on the invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_description: Option<String>,
    /// The location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<RecordRef>,
    /// The department, which the user interface calls business unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<RecordRef>,
    /// Custom fields to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<NewCustomFieldValue>,
}
