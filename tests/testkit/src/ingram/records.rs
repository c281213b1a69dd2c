//! What the marketplace holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::json::Json;

/// A length of time: a kind (`day`, `month`, `year`, `statement_day`) and how many of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The kind.
    pub kind: String,
    /// How many.
    pub duration: i64,
}

impl Period {
    /// So many of a kind.
    pub fn new(kind: &str, duration: i64) -> Self {
        Self {
            kind: kind.to_owned(),
            duration,
        }
    }

    /// One month.
    pub fn month() -> Self {
        Self::new("month", 1)
    }

    /// One year.
    pub fn year() -> Self {
        Self::new("year", 1)
    }
}

/// A customer of the reseller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: String,
    /// The reseller's own id of it.
    pub external_id: Option<String>,
    /// `pending active creditHold adminHold cancelled error`
    pub status: String,
    /// The company's name.
    pub name: String,
    /// The address of its contact person.
    pub email: String,
    /// The language.
    pub language: String,
    /// The tax registration.
    pub tax_reg_id: Option<String>,
    /// The reseller that owns it.
    pub reseller_id: String,
}

/// A reseller: the caller's own, or one below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reseller {
    /// Its id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The address of its contact person.
    pub email: String,
    /// The currency.
    pub currency: String,
}

/// A product within a subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionProduct {
    /// The product's id.
    pub id: String,
    /// The manufacturer's part number.
    pub mpn: Option<String>,
    /// The manufacturer.
    pub vendor: String,
    /// The name.
    pub name: String,
    /// The seats; absent from the answer where there are none to tell.
    pub quantity: Option<Decimal>,
    /// The price at which it was ordered.
    pub unit_price: Option<Decimal>,
    /// What the reseller pays.
    pub unit_cost: Option<Decimal>,
    /// The calculated total of the line; price by quantity where not given.
    pub extended_price: Option<Decimal>,
    /// The currency of all of them.
    pub currency: String,
    /// The manufacturer's id of the subscription.
    pub vendor_subscription_id: Option<String>,
}

/// A subscription of a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The name: usually that of the plan.
    pub name: String,
    /// The customer.
    pub customer_id: String,
    /// `pending active hold terminated removed unknown`
    pub status: String,
    /// Names and values.
    pub attributes: BTreeMap<String, String>,
    /// Whether it renews itself.
    pub renewal_status: bool,
    /// When it was made.
    pub created: Date,
    /// When it renews.
    pub renewal: Option<Date>,
    /// The day of the last change; no finer.
    pub modified: Option<Date>,
    /// When it ends; absent while it has not started.
    pub expiration: Option<Date>,
    /// How it is charged.
    pub billing_model: String,
    /// How often it is invoiced.
    pub billing_period: Period,
    /// How long it is committed to.
    pub subscription_period: Period,
    /// The plan.
    pub plan_id: i64,
    /// Its products; none where it is not counted in seats.
    pub products: Vec<SubscriptionProduct>,
}

/// A product of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogProduct {
    /// Its id.
    pub id: String,
    /// The manufacturer's part number; not unique.
    pub mpn: String,
    /// The manufacturer.
    pub vendor: String,
    /// The service that it is part of.
    pub service_name: String,
    /// The name.
    pub name: String,
    /// What a customer pays for each.
    pub price: Decimal,
    /// What the reseller pays for each.
    pub cost: Decimal,
    /// How often it is invoiced.
    pub billing_period: Period,
    /// How long it is committed to.
    pub subscription_period: Period,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: i64,
    /// The name.
    pub name: String,
    /// Whether it is on sale.
    pub published: bool,
    /// How often it is invoiced.
    pub billing_period: Period,
    /// The plans that one may switch to.
    pub switches: Vec<i64>,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLine {
    /// The product's id.
    pub id: Option<String>,
    /// The manufacturer's part number.
    pub mpn: Option<String>,
    /// How many, as it was ordered.
    pub quantity: Decimal,
    /// The subscription that it is about.
    pub subscription_id: Option<String>,
}

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// `SO...` or `CH...`
    pub number: String,
    /// `sales change renewal cancellation migration unknown`
    pub kind: String,
    /// The customer.
    pub customer_id: String,
    /// The reseller's own number.
    pub po_number: Option<String>,
    /// When it was placed.
    pub created: Timestamp,
    /// `submitted processing error completed cancelled`
    pub status: String,
    /// The system's own word for it.
    pub status_code: String,
    /// The subscription that it is about.
    pub subscription_id: Option<String>,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// What it comes to.
    pub total: Decimal,
    /// Whether the credit is looked at.
    pub credit_check: bool,
}

/// A report of the reporting service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id, a UUID.
    pub id: String,
    /// The name of its generator.
    pub name: String,
    /// `submitted processing completed error`
    pub status: String,
    /// `periodic daily monthly onetime on_invoice`
    pub kind: String,
    /// `json xml csv xlsx`; a sample of the vendor's has it in capitals.
    pub format: String,
    /// When it was made.
    pub created: Timestamp,
    /// Where it lies: an address that opens it for whoever knows it.
    pub download_url: Option<String>,
}

/// A decimal as money: the amount is a text.
pub(super) fn money(amount: Decimal, currency: &str) -> Json {
    Json::object()
        .with("currency", currency)
        .with("amount", amount.normalize().to_string())
}
