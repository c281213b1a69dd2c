//! Subscriptions with their fees and commitments.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::wire::{date_time, midnight};
use crate::json::Json;

/// One subscription of a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Its id, a UUID.
    pub id: String,
    /// The customer that holds it.
    pub customer_id: String,
    /// The display name of the product.
    pub product_name: String,
    /// The description.
    pub description: String,
    /// The key of the offer.
    pub sku: String,
    /// The seats.
    pub quantity: i64,
    /// `none`, `daily`, `weekly`, `monthly`, `yearly` or `unknown`.
    pub billing_cycle: String,
    /// When it was bought; absent on the wire when `None`.
    pub purchase_date: Option<Timestamp>,
    /// Its fees; `None` when no catalog item corresponds.
    pub fees: Option<Fees>,
    /// Its commitment; `None` when there is none.
    pub commitment: Option<Commitment>,
}

/// What a subscription costs per cycle and once.
#[derive(Clone, Debug, PartialEq)]
pub struct Fees {
    /// Charged each cycle, per seat.
    pub recurring_fee: Decimal,
    /// Charged at the end of the first cycle.
    pub setup_fee: Decimal,
    /// `Undefined`, `Cad`, `Usd`, `Eur` or `Gbp`.
    pub currency: String,
}

/// A commitment term.
#[derive(Clone, Debug, PartialEq)]
pub struct Commitment {
    /// `Monthly`, `Annual`, `Biennial` or `Triennial`.
    pub term: String,
    /// The last day of the term, inclusive.
    pub term_end: Date,
    /// How it renews; `None` when it does not renew by itself.
    pub renewal: Option<Renewal>,
    /// The floors, one per open grace window; `None` is sent as null.
    pub minimal_quantities: Option<Vec<MinimalQuantity>>,
}

/// How a commitment renews.
#[derive(Clone, Debug, PartialEq)]
pub struct Renewal {
    /// The first day of the next term.
    pub renewal_date: Date,
    /// The seats of the next term; `None` renews with the present ones.
    pub scheduled_quantity: Option<i64>,
}

/// Until when the seats may go down to which floor.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimalQuantity {
    /// The end of the grace window.
    pub committed_until: Date,
    /// The floor.
    pub quantity: i64,
}

impl Subscription {
    /// The lowest quantity that may be asked for on a day: any without a commitment, the lowest floor of an open grace
    /// window with one, the present quantity when no window is open.
    pub fn floor(&self, on: Date) -> i64 {
        let Some(commitment) = &self.commitment else {
            return 0;
        };
        commitment
            .minimal_quantities
            .iter()
            .flatten()
            .filter(|window| window.committed_until >= on)
            .map(|window| window.quantity)
            .min()
            .unwrap_or(self.quantity)
            .min(self.quantity)
    }

    pub(super) fn to_json(&self) -> Json {
        Json::object()
            .with("id", &self.id)
            .with("productName", &self.product_name)
            .with("description", &self.description)
            .with("sku", &self.sku)
            .with("quantity", self.quantity)
            .with("billingCycle", &self.billing_cycle)
            .with_some("purchaseDate", self.purchase_date.map(date_time))
            .with("fees", self.fees.as_ref().map(Fees::to_json))
            .with(
                "commitmentTerm",
                self.commitment.as_ref().map(Commitment::to_json),
            )
    }
}

impl Fees {
    fn to_json(&self) -> Json {
        Json::object()
            .with("recurringFee", self.recurring_fee)
            .with("setupFee", self.setup_fee)
            .with("currency", &self.currency)
    }
}

impl Commitment {
    fn to_json(&self) -> Json {
        let renewal = self.renewal.as_ref().map(|renewal| {
            Json::object()
                .with("renewalDate", renewal.renewal_date)
                .with("scheduledQuantity", renewal.scheduled_quantity)
        });
        let floors = self.minimal_quantities.as_ref().map(|floors| {
            let floors = floors.iter().map(|floor| {
                Json::object()
                    .with("committedUntil", midnight(floor.committed_until))
                    .with("quantity", floor.quantity)
            });
            Json::Array(floors.collect())
        });
        Json::object()
            .with("type", &self.term)
            .with("termEndDate", self.term_end)
            .with("renewalConfiguration", renewal)
            .with("committedMinimalQuantities", floors)
    }
}
