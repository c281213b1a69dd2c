//! The records as plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::json::Json;

/// Who made a record and who changed it last.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// When it was changed last.
    pub last_updated: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// When it was made.
    pub date_entered: Timestamp,
    /// By whom.
    pub entered_by: String,
}

/// A custom field and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomField {
    /// The id of the definition.
    pub id: i64,
    /// The caption.
    pub caption: String,
    /// The type, such as `Text`.
    pub kind: String,
    /// The value.
    pub value: Json,
}

/// A row of a setup table: company statuses, company types, agreement types.
#[derive(Clone, Debug, PartialEq)]
pub struct SetupRow {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether new records get it.
    pub default_flag: bool,
}

/// A billing cycle.
#[derive(Clone, Debug, PartialEq)]
pub struct BillingCycle {
    /// Its id.
    pub id: i64,
    /// Its short name.
    pub identifier: String,
    /// Its name, which a tenant may edit.
    pub name: String,
    /// `Monthly`, `Quarterly`, `Yearly`, `NotRecurring` and so on.
    pub billing_options: String,
    /// Whether new agreements get it.
    pub default_flag: bool,
}

/// A contact of a company.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: i64,
    /// The company it belongs to.
    pub company_id: i64,
    /// Its name.
    pub name: String,
}

/// A company.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// Its id.
    pub id: i64,
    /// Its short name.
    pub identifier: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status_id: i64,
    /// Its types.
    pub type_ids: Vec<i64>,
    /// Whether it is in the recycle bin; it stays listed.
    pub deleted: bool,
    /// Whether it is a vendor.
    pub vendor: bool,
    /// The code of its currency.
    pub currency: Option<String>,
    /// Its custom fields.
    pub custom_fields: Vec<CustomField>,
    /// Further members, by their names on the wire.
    pub extra: BTreeMap<String, Json>,
    /// Who made and changed it.
    pub stamp: Stamp,
}

/// A product of the catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its id.
    pub id: i64,
    /// Its identifier.
    pub identifier: String,
    /// Its description.
    pub description: String,
    /// `Agreement`, `Bundle`, `Inventory`, `NonInventory` or `Service`.
    pub class: String,
    /// The price per unit.
    pub price: Decimal,
    /// The cost per unit.
    pub cost: Decimal,
    /// The vendor, a company.
    pub vendor_id: Option<i64>,
    /// The vendor's key for it.
    pub vendor_sku: Option<String>,
    /// Whether it is out of use.
    pub inactive: bool,
    /// Whether it is taxed.
    pub taxable: bool,
    /// The unit of measure.
    pub unit_of_measure: String,
    /// Its custom fields.
    pub custom_fields: Vec<CustomField>,
    /// Further members, by their names on the wire.
    pub extra: BTreeMap<String, Json>,
    /// Who made and changed it.
    pub stamp: Stamp,
}

/// An agreement.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_id: i64,
    /// Its company.
    pub company_id: i64,
    /// Its contact.
    pub contact_id: Option<i64>,
    /// The agreement it is bundled under.
    pub parent_id: Option<i64>,
    /// Its first day.
    pub start_date: Date,
    /// Its last day; `None` when it has no ending date.
    pub end_date: Option<Date>,
    /// Whether it is cancelled.
    pub cancelled: bool,
    /// When it was cancelled.
    pub date_cancelled: Option<Date>,
    /// Its billing cycle.
    pub billing_cycle_id: i64,
    /// `ContractYear` or `CalendarYear`.
    pub invoicing_cycle: String,
    /// The first day billed.
    pub bill_start_date: Date,
    /// The first day that is not invoiced yet; may be absent on a child.
    pub next_invoice_date: Option<Date>,
    /// Whether additions are prorated.
    pub prorate: bool,
    /// Whether prorated additions are invoiced at once.
    pub invoice_prorated: bool,
    /// The code of its currency.
    pub currency: Option<String>,
    /// Its custom fields.
    pub custom_fields: Vec<CustomField>,
    /// Further members, by their names on the wire.
    pub extra: BTreeMap<String, Json>,
    /// Who made and changed it.
    pub stamp: Stamp,
}

/// An addition: one recurring line of an agreement.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// Its id.
    pub id: i64,
    /// Its agreement.
    pub agreement_id: i64,
    /// Its product.
    pub product_id: i64,
    /// All units.
    pub quantity: Decimal,
    /// Units included free.
    pub less_included: Decimal,
    /// The price per unit.
    pub unit_price: Decimal,
    /// The cost per unit.
    pub unit_cost: Decimal,
    /// `Billable`, `DoNotBill` or `NoCharge`.
    pub bill_customer: String,
    /// The first day billed.
    pub effective_date: Option<Date>,
    /// The last day billed; `None` while it is open.
    pub cancelled_date: Option<Date>,
    /// Whether it is taxed.
    pub taxable: bool,
    /// Free text, up to 50 characters.
    pub serial_number: Option<String>,
    /// The text on the invoice.
    pub invoice_description: Option<String>,
    /// Its place on the invoice.
    pub sequence_number: Decimal,
    /// Its custom fields.
    pub custom_fields: Vec<CustomField>,
    /// Further members, by their names on the wire.
    pub extra: BTreeMap<String, Json>,
    /// Who made and changed it.
    pub stamp: Stamp,
}

impl Addition {
    /// Whether it is billed on a day: effective on or before it, not cancelled before it.
    pub fn open_on(&self, day: Date) -> bool {
        self.effective_date.is_none_or(|from| from <= day)
            && self.cancelled_date.is_none_or(|to| to >= day)
    }
}

/// What kind of write was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// A record was made.
    Created,
    /// A record was changed.
    Updated,
    /// A record was deleted.
    Deleted,
}

/// One committed write: the true history, whatever the client was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// What was done.
    pub kind: WriteKind,
    /// `Addition` or `Agreement`.
    pub entity: &'static str,
    /// The record.
    pub id: i64,
    /// The agreement it belongs to, or is.
    pub agreement_id: i64,
    /// The record before, as it was answered.
    pub before: Option<Json>,
    /// The record after, as it was answered.
    pub after: Option<Json>,
}
