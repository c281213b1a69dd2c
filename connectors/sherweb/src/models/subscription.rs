//! `GET /billing/subscriptions` and its `details` form.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::{CivilDate, Timestamp};
use tallyline_core::wire::{
    as_number, as_number_opt, date_opt, exact_decimal, exact_decimal_opt, instant_opt, non_empty,
    null_as_empty,
};
use tallyline_core::{Error, ErrorKind, Result, wire_enum};

use super::required_text;

/// The subscriptions of one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscriptions {
    /// The subscriptions; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub items: Vec<Subscription>,
}

wire_enum! {
    ignore_case
    /// How often a subscription is billed.
    pub enum SubscriptionBillingCycle {
        /// Without a cycle.
        None = "none",
        /// Every day.
        Daily = "daily",
        /// Every week.
        Weekly = "weekly",
        /// Every month.
        Monthly = "monthly",
        /// Every year: prepaid.
        Yearly = "yearly",
    }
}

wire_enum! {
    ignore_case
    /// How long a commitment lasts.
    pub enum CommitmentTermType {
        /// A month.
        Monthly = "Monthly",
        /// A year.
        Annual = "Annual",
        /// Two years.
        Biennial = "Biennial",
        /// Three years.
        Triennial = "Triennial",
    }
}

/// One subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscription {
    /// The id, a UUID: the stable key.
    #[serde(deserialize_with = "required_text")]
    pub id: String,
    /// The product's name; may change with the language.
    #[serde(default, deserialize_with = "non_empty")]
    pub product_name: Option<String>,
    /// What it is, in words.
    #[serde(default, deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The offer's key.
    #[serde(deserialize_with = "required_text")]
    pub sku: String,
    /// The quantity subscribed now.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub quantity: Decimal,
    /// How often it is billed. Independent of the commitment.
    #[serde(default)]
    pub billing_cycle: Option<SubscriptionBillingCycle>,
    /// When it was bought.
    #[serde(default, deserialize_with = "instant_opt")]
    pub purchase_date: Option<Timestamp>,
    /// The fees; `null` when no catalog item corresponds.
    #[serde(default)]
    pub fees: Option<SubscriptionFees>,
    /// The commitment; `null` when there is none.
    #[serde(default)]
    pub commitment_term: Option<CommitmentTerm>,
    /// Not in the published schema, seen in newer answers; its values are not known.
    #[serde(default, deserialize_with = "non_empty")]
    pub status: Option<String>,
}

/// What a subscription costs, as the catalog says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscriptionFees {
    /// Charged every cycle.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub recurring_fee: Option<Decimal>,
    /// Charged at the end of the first cycle.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub setup_fee: Option<Decimal>,
    /// `Usd`, `Cad`, `Eur`, `Gbp` or `Undefined`: note the case.
    #[serde(default, deserialize_with = "non_empty")]
    pub currency: Option<String>,
}

/// The commitment of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CommitmentTerm {
    /// How long it lasts.
    #[serde(default, rename = "type")]
    pub term_type: Option<CommitmentTermType>,
    /// The last day of the term, inclusive.
    #[serde(default, deserialize_with = "date_opt")]
    pub term_end_date: Option<CivilDate>,
    /// What happens at its end; `null` when it does not renew by itself.
    #[serde(default)]
    pub renewal_configuration: Option<RenewalConfiguration>,
    /// The open windows in which the quantity may still fall, each with its floor.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub committed_minimal_quantities: Vec<CommittedMinimalQuantity>,
}

/// How a commitment renews.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RenewalConfiguration {
    /// The first day of the next term.
    #[serde(default, deserialize_with = "date_opt")]
    pub renewal_date: Option<CivilDate>,
    /// The quantity of the next term; `null` for the present one.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub scheduled_quantity: Option<Decimal>,
}

/// A floor that may still be reached until a date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CommittedMinimalQuantity {
    /// The last day of the window. The vendor writes a date or a date-time.
    #[serde(default, deserialize_with = "date_opt")]
    pub committed_until: Option<CivilDate>,
    /// The lowest quantity that is accepted within it.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub quantity: Decimal,
}

impl Subscription {
    /// Whether the vendor should accept a new quantity on a day, as far as it states floors.
    ///
    /// An increase is always accepted here, and so is any quantity of a subscription without
    /// commitment or whose term has ended. A decrease within a term needs an open window of
    /// [`committed_minimal_quantities`](CommitmentTerm::committed_minimal_quantities) whose
    /// floor it respects; no open window means no decrease.
    ///
    /// # Errors
    /// `Invalid`, in words, when the quantity is negative or the commitment forbids it.
    ///
    /// ```
    /// # use tallyline_sherweb::models::Subscription;
    /// let subscription: Subscription = serde_json::from_str(
    ///     r#"{"id": "s-1", "sku": "MAIL-A", "quantity": 15, "commitmentTerm": {
    ///         "termEndDate": "2027-01-31",
    ///         "committedMinimalQuantities": [{"committedUntil": "2026-02-09", "quantity": 10}]}}"#,
    /// )?;
    /// assert!(subscription.check_new_quantity(10, "2026-02-09".parse()?).is_ok());
    /// assert!(subscription.check_new_quantity(9, "2026-02-09".parse()?).is_err());
    /// assert!(subscription.check_new_quantity(10, "2026-02-10".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_new_quantity(&self, new_quantity: i32, today: CivilDate) -> Result<()> {
        let wanted = Decimal::from(new_quantity);
        let refuse = |why: String| {
            Err(Error::new(ErrorKind::Invalid, why)
                .with_context("subscription", self.id.clone())
                .with_context("quantity", self.quantity.to_string()))
        };
        if new_quantity < 0 {
            return refuse(format!("{new_quantity} is not a quantity"));
        }
        let Some(term) = &self.commitment_term else {
            return Ok(());
        };
        if wanted >= self.quantity || term.term_end_date.is_some_and(|end| end < today) {
            return Ok(());
        }
        let floor = term
            .committed_minimal_quantities
            .iter()
            .filter(|window| window.committed_until.is_some_and(|until| today <= until))
            .map(|window| window.quantity)
            .min();
        match floor {
            Some(floor) if wanted >= floor => Ok(()),
            Some(floor) => refuse(format!(
                "{new_quantity} is below the committed minimum of {floor}"
            )),
            None => {
                let end = term
                    .term_end_date
                    .map_or_else(|| "its term ends".into(), |end| end.to_string());
                refuse(format!(
                    "no open window lets the quantity fall before {end}"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_subscription_reads_with_every_form_of_date() {
        let subscriptions: Subscriptions = decode_json(
            br#"{"items":[{"id":"s-1","productName":"Mail A","description":"Seats","sku":"MAIL-A",
              "quantity":12,"billingCycle":"Monthly","purchaseDate":"2026-01-05T08:09:10.1234567",
              "fees":{"recurringFee":0.1234567890123456789012345678,"setupFee":0,"currency":"Usd"},
              "commitmentTerm":{"type":"annual","termEndDate":"2027-01-04T00:00:00",
                "renewalConfiguration":{"renewalDate":"2027-01-05","scheduledQuantity":null},
                "committedMinimalQuantities":[{"committedUntil":"2026-01-12T08:09:10.1234567","quantity":0}]},
              "somethingNew":{"a":[1]}}]}"#,
        )
        .unwrap();
        let subscription = &subscriptions.items[0];
        assert_eq!(
            subscription.billing_cycle,
            Some(SubscriptionBillingCycle::Monthly)
        );
        let fees = subscription.fees.as_ref().unwrap();
        assert_eq!(
            fees.recurring_fee.unwrap().to_string(),
            "0.1234567890123456789012345678"
        );
        let term = subscription.commitment_term.as_ref().unwrap();
        assert_eq!(term.term_type, Some(CommitmentTermType::Annual));
        assert_eq!(term.term_end_date.unwrap().to_string(), "2027-01-04");
        assert_eq!(
            term.committed_minimal_quantities[0]
                .committed_until
                .unwrap()
                .to_string(),
            "2026-01-12"
        );
    }

    #[test]
    fn nulls_and_unknown_values_do_not_break_a_subscription() {
        let subscription: Subscription = decode_json(
            br#"{"id":"s-1","sku":"X","quantity":0,"billingCycle":"fortnightly","fees":null,
              "commitmentTerm":null,"description":"","purchaseDate":null,"status":"Active"}"#,
        )
        .unwrap();
        assert_eq!(
            subscription.billing_cycle,
            Some(SubscriptionBillingCycle::Unknown("fortnightly".into()))
        );
        assert!(subscription.quantity.is_zero());
        assert_eq!(subscription.description, None);
    }

    #[test]
    fn a_missing_quantity_is_an_error_and_never_a_zero() {
        for json in [
            r#"{"items":[{"id":"s-1","sku":"X"}]}"#,
            r#"{"items":[{"id":"s-1","sku":"X","quantity":null}]}"#,
        ] {
            let error = decode_json::<Subscriptions>(json.as_bytes()).unwrap_err();
            assert!(
                error.json_path().unwrap().starts_with("items[0]"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_decrease_follows_the_lowest_open_window() {
        let subscription: Subscription = decode_json(
            br#"{"id":"s-1","sku":"X","quantity":15,"commitmentTerm":{"termEndDate":"2026-02-28",
              "committedMinimalQuantities":[{"committedUntil":"2026-02-08","quantity":0},
                {"committedUntil":"2026-02-09","quantity":10}]}}"#,
        )
        .unwrap();
        let allowed = |quantity, day: &str| {
            subscription
                .check_new_quantity(quantity, day.parse().unwrap())
                .is_ok()
        };
        assert!(allowed(0, "2026-02-08"));
        assert!(!allowed(9, "2026-02-09"));
        assert!(allowed(10, "2026-02-09"));
        assert!(!allowed(14, "2026-02-10"));
        assert!(allowed(15, "2026-02-10"));
        assert!(allowed(1, "2026-03-01"), "the term is over");
        assert!(!allowed(-1, "2026-03-01"));
    }
}
