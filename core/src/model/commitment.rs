//! Commitments: quantities that may not fall freely within a term.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CivilDate, Quantity, Timestamp};
use crate::error::{Error, ErrorKind, Result};

/// For how long licences may be given back after they were bought, added or renewed: 168 hours
/// (Microsoft new commerce, and what is sold like it).
pub const RETURN_WINDOW: Duration = Duration::from_secs(168 * 60 * 60);

/// A quantity that may not be undercut until a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantityFloor {
    /// The lowest quantity that the vendor accepts.
    pub quantity: Quantity,
    /// The last day on which it holds.
    pub until: CivilDate,
}

/// Licences that were bought, added or renewed together. Each batch has its own window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// How many; above zero.
    pub quantity: Quantity,
    /// When they were bought, added or renewed.
    pub since: Timestamp,
}

impl Batch {
    /// So many licences since an instant.
    #[must_use]
    pub fn new(quantity: impl Into<Quantity>, since: Timestamp) -> Self {
        Self {
            quantity: quantity.into(),
            since,
        }
    }

    /// Whether its window is open at an instant. It closes with the end of the 168th hour.
    #[must_use]
    pub fn is_open_at(&self, at: Timestamp) -> bool {
        at.since(self.since) < RETURN_WINDOW
    }
}

/// What is committed, and which batches of it may still be given back.
///
/// # Examples
/// ```
/// use tallyline_core::model::{Batch, CommittedQuantity};
///
/// # fn main() -> tallyline_core::Result<()> {
/// let added = Batch::new(4_u32, "2026-10-11T09:00:00Z".parse()?);
/// let licences = CommittedQuantity::new(14_u32, vec![added])?;
/// assert_eq!(licences.lowest_at("2026-10-18T08:59:59Z".parse()?), 10_u32.into());
/// assert_eq!(licences.lowest_at("2026-10-18T09:00:00Z".parse()?), 14_u32.into());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct CommittedQuantity {
    quantity: Quantity,
    batches: Vec<Batch>,
}

/// [`CommittedQuantity`] as it is written, not checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    quantity: Quantity,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    batches: Vec<Batch>,
}

impl TryFrom<Parts> for CommittedQuantity {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self> {
        Self::new(parts.quantity, parts.batches)
    }
}

impl From<CommittedQuantity> for Parts {
    fn from(committed: CommittedQuantity) -> Self {
        Self {
            quantity: committed.quantity,
            batches: committed.batches,
        }
    }
}

impl CommittedQuantity {
    /// What is committed, with the batches whose instants are known: together no more than it.
    ///
    /// # Errors
    /// `Invalid` when a quantity is negative, a batch holds nothing, or the batches come to more
    /// than what is committed.
    pub fn new(quantity: impl Into<Quantity>, mut batches: Vec<Batch>) -> Result<Self> {
        let quantity = quantity.into();
        if quantity < Quantity::ZERO {
            return Err(wrong(format!(
                "a commitment to {quantity} is no commitment"
            )));
        }
        if let Some(empty) = batches
            .iter()
            .find(|batch| batch.quantity <= Quantity::ZERO)
        {
            return Err(wrong(format!(
                "a batch of {} holds nothing",
                empty.quantity
            )));
        }
        let sum = sum_of(&batches)?;
        if sum > quantity {
            return Err(wrong(format!(
                "batches of {sum} are more than the {quantity} that are committed"
            )));
        }
        batches.sort_by_key(|batch| batch.since);
        Ok(Self { quantity, batches })
    }

    /// What is committed: what the client is billed for, however many of them are assigned to
    /// users, and while the subscription is suspended too.
    #[must_use]
    pub fn to_bill(&self) -> Quantity {
        self.quantity
    }

    /// The batches, the oldest first.
    #[must_use]
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// The lowest quantity that the vendor lets it fall to at an instant: what is committed less
    /// the batches whose windows are open then. A report below it is an error, or a renewal.
    #[must_use]
    pub fn lowest_at(&self, at: Timestamp) -> Quantity {
        let open = self.batches.iter().filter(|batch| batch.is_open_at(at));
        // The batches are no more than what is committed, so that nothing is lost.
        open.fold(self.quantity, |left, batch| {
            left.checked_sub(batch.quantity).unwrap_or(left)
        })
    }

    /// With licences added at an instant: a batch with a window of its own.
    ///
    /// # Errors
    /// `Invalid` when there is nothing to add, or the sum cannot be held exactly.
    pub fn with_added(&self, quantity: impl Into<Quantity>, at: Timestamp) -> Result<Self> {
        let batch = Batch::new(quantity, at);
        let sum = self.quantity.checked_add(batch.quantity);
        let mut batches = self.batches.clone();
        batches.push(batch);
        Self::new(sum.ok_or_else(too_large)?, batches)
    }

    /// Lowered to a quantity at an instant: the newest batches are given back first.
    ///
    /// # Errors
    /// `Invalid` when that is more than it is, or less than [may be](Self::lowest_at) until it is
    /// renewed.
    pub fn lowered_to(&self, quantity: impl Into<Quantity>, at: Timestamp) -> Result<Self> {
        let quantity = quantity.into();
        let lowest = self.lowest_at(at);
        if quantity > self.quantity {
            return Err(wrong(format!(
                "{quantity} are more than the {} that are committed: add them",
                self.quantity
            )));
        }
        if quantity < lowest {
            return Err(wrong(format!(
                "no fewer than {lowest} are possible until the renewal, and {quantity} are wanted"
            )));
        }
        let mut back = self.quantity.checked_sub(quantity).ok_or_else(too_large)?;
        let mut batches = self.batches.clone();
        for batch in batches
            .iter_mut()
            .rev()
            .filter(|batch| batch.is_open_at(at))
        {
            let taken = back.min(batch.quantity);
            batch.quantity = batch.quantity.checked_sub(taken).ok_or_else(too_large)?;
            back = back.checked_sub(taken).ok_or_else(too_large)?;
        }
        batches.retain(|batch| !batch.quantity.is_zero());
        Self::new(quantity, batches)
    }

    /// Renewed at an instant with a quantity: the base is that, and all of it may be given back
    /// within a new window. What was committed before does not bind it.
    ///
    /// # Errors
    /// `Invalid` when the quantity is negative.
    pub fn renewed(quantity: impl Into<Quantity>, at: Timestamp) -> Result<Self> {
        let quantity = quantity.into();
        let batch = (!quantity.is_zero()).then(|| Batch::new(quantity, at));
        Self::new(quantity, batch.into_iter().collect())
    }
}

fn sum_of(batches: &[Batch]) -> Result<Quantity> {
    batches
        .iter()
        .try_fold(Quantity::ZERO, |sum, batch| sum.checked_add(batch.quantity))
        .ok_or_else(too_large)
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

fn too_large() -> Error {
    wrong("the licences cannot be summed exactly".to_owned())
}

/// A term within which a quantity may not fall freely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Commitment {
    /// The last day of the term.
    pub term_end: Option<CivilDate>,
    /// Floors with their dates, as the vendor states them.
    pub floors: Vec<QuantityFloor>,
    /// What is committed with its batches, where the vendor states these in place of floors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licences: Option<CommittedQuantity>,
}

impl Commitment {
    /// A commitment with a last day and its floors.
    #[must_use]
    pub fn new(term_end: Option<CivilDate>, floors: Vec<QuantityFloor>) -> Self {
        Self {
            term_end,
            floors,
            licences: None,
        }
    }

    /// Adds what is committed, with its batches.
    #[must_use]
    pub fn with_licences(mut self, licences: CommittedQuantity) -> Self {
        self.licences = Some(licences);
        self
    }

    /// The lowest quantity the vendor accepts on a date, as the vendor states it.
    ///
    /// While several windows are open, each states the floor that holds until its own end;
    /// the lowest of the open ones is what may still be reached. `None` when nothing is stated
    /// for that date.
    #[must_use]
    pub fn floor_on(&self, date: CivilDate) -> Option<Quantity> {
        self.floors
            .iter()
            .filter(|floor| date <= floor.until)
            .map(|floor| floor.quantity)
            .min()
    }

    /// The lowest quantity that a vendor can report on a date of a state seen at an instant: by the
    /// floors that it states, or by the batches, whichever is more. After the last day of the term
    /// the batches say nothing: a renewal may have set another base.
    #[must_use]
    pub fn floor_at(&self, date: CivilDate, seen: Timestamp) -> Option<Quantity> {
        let within = self.term_end.is_none_or(|end| date <= end);
        let licences = self.licences.as_ref().filter(|_| within);
        let lowest = licences.map(|licences| licences.lowest_at(seen));
        self.floor_on(date).max(lowest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(hours: u32) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(u64::from(hours) * 3600))
    }

    #[test]
    fn the_floor_is_the_lowest_of_the_windows_still_open() {
        let date = |text: &str| text.parse::<CivilDate>().unwrap();
        let floor = |units: u32, until: &str| QuantityFloor {
            quantity: units.into(),
            until: date(until),
        };
        let commitment =
            Commitment::new(None, vec![floor(10, "2026-03-07"), floor(14, "2026-12-31")]);
        assert_eq!(commitment.floor_on(date("2026-03-07")), Some(10_u32.into()));
        assert_eq!(commitment.floor_on(date("2026-03-08")), Some(14_u32.into()));
        assert_eq!(commitment.floor_on(date("2027-01-01")), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_also_from_a_file() {
        assert!(CommittedQuantity::new(-1_i64, vec![]).is_err());
        assert!(CommittedQuantity::new(3_u32, vec![Batch::new(0_u32, hours(0))]).is_err());
        let four = vec![Batch::new(4_u32, hours(0))];
        assert!(CommittedQuantity::new(3_u32, four).is_err());
        let text =
            r#"{"quantity":"3","batches":[{"quantity":"4","since":"2026-10-11T09:00:00Z"}]}"#;
        assert!(serde_json::from_str::<CommittedQuantity>(text).is_err());
    }

    #[test]
    fn the_higher_of_stated_floor_and_batches_holds_until_the_term_ends() {
        let end: CivilDate = "1970-01-20".parse().unwrap();
        let floor = QuantityFloor {
            quantity: 8_u32.into(),
            until: "1970-12-31".parse().unwrap(),
        };
        let licences = CommittedQuantity::new(10_u32, vec![Batch::new(3_u32, hours(0))]).unwrap();
        let commitment = Commitment::new(Some(end), vec![floor]).with_licences(licences);
        assert_eq!(commitment.floor_at(end, hours(1)), Some(8_u32.into()));
        assert_eq!(commitment.floor_at(end, hours(168)), Some(10_u32.into()));
        let after = end.plus_days(1);
        assert_eq!(commitment.floor_at(after, hours(168)), Some(8_u32.into()));
    }

    fn committed() -> impl Strategy<Value = CommittedQuantity> {
        let batches = proptest::collection::vec((1_u32..50, 0_u32..2_000), 0..6);
        (0_u32..100, batches).prop_map(|(base, batches)| {
            let sum: u32 = batches.iter().map(|(quantity, _)| quantity).sum();
            let batches = batches.into_iter();
            let batches = batches.map(|(quantity, since)| Batch::new(quantity, hours(since)));
            CommittedQuantity::new(base + sum, batches.collect()).unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_may_be_reached_never_falls_as_windows_close(committed in committed(), at in 0_u32..3_000, later in 0_u32..3_000) {
            let (now, then) = (committed.lowest_at(hours(at)), committed.lowest_at(hours(at + later)));
            prop_assert!(now <= then);
            prop_assert!(Quantity::ZERO <= now && then <= committed.to_bill());
        }

        #[test]
        fn it_can_be_lowered_to_what_may_be_reached_and_no_further(committed in committed(), at in 0_u32..3_000) {
            let lowest = committed.lowest_at(hours(at));
            let lowered = committed.lowered_to(lowest, hours(at)).unwrap();
            prop_assert_eq!(lowered.to_bill(), lowest);
            prop_assert_eq!(lowered.lowest_at(hours(at)), lowest);
            let below = lowest.checked_sub(Quantity::ONE).unwrap();
            prop_assert!(committed.lowered_to(below, hours(at)).is_err());
        }

        #[test]
        fn it_survives_a_round_trip_through_json(committed in committed()) {
            let text = serde_json::to_string(&committed).unwrap();
            prop_assert_eq!(serde_json::from_str::<CommittedQuantity>(&text).unwrap(), committed);
        }
    }
}
