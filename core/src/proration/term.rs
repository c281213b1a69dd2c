//! Terms, instalments and refunds.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::share::{exact_product, too_large};
use super::{DayCount, Rounding, Share, prorate};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Batch, CivilDate, Period, Quantity, exact_sum};

/// More instalments than a century of months are refused.
const MOST_INSTALMENTS: u32 = 1200;

/// The day so many months after an anchor, clipped to the shorter month.
///
/// Always counted from the anchor itself, so that a term bought on the 31st does not drift to
/// the 28th after February.
#[must_use]
pub fn months_after(anchor: CivilDate, months: u32) -> CivilDate {
    anchor.plus_months(months)
}

/// The term so many terms after the first, which begins on the anchor. Each ends on the day before
/// the next one begins.
///
/// # Errors
/// `Invalid` when a term has no month, or it lies beyond the calendar.
pub fn nth_term(anchor: CivilDate, months: u32, index: u32) -> Result<Period> {
    let beyond = || wrong("the term lies beyond the calendar".to_owned());
    let start = index.checked_mul(months).ok_or_else(beyond)?;
    let end = start.checked_add(months).ok_or_else(beyond)?;
    let last = months_after(anchor, end).plus_days(-1);
    Period::new(months_after(anchor, start), last)
}

/// Which instalment takes what is left over by rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemainderIn {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
    /// The one of this number, from 1.
    Number(u32),
}

/// A total in equal rounded parts, the remainder in the named one, so that the sum is exact.
///
/// # Errors
/// `Invalid` for no parts or more than 1,200, for an instalment that is not among them, or when an
/// amount cannot be held exactly.
pub fn instalments(
    total: Decimal,
    parts: u32,
    remainder: RemainderIn,
    rounding: Rounding,
) -> Result<Vec<Decimal>> {
    if parts == 0 || parts > MOST_INSTALMENTS {
        return Err(wrong(format!(
            "{parts} instalments: 1 to {MOST_INSTALMENTS} are possible"
        )));
    }
    let named = match remainder {
        RemainderIn::First => 1,
        RemainderIn::Last => parts,
        RemainderIn::Number(number) => number,
    };
    if named == 0 || named > parts {
        return Err(wrong(format!(
            "instalment {named} of {parts} is to take the remainder: there is none"
        )));
    }
    let one = total.checked_div(Decimal::from(parts));
    let one = rounding.of(one.ok_or_else(too_large)?);
    let others = exact_product(one, Decimal::from(parts - 1))?;
    let rest = exact_sum(total, -others).ok_or_else(too_large)?;
    let amount = |number| if number == named { rest } else { one };
    Ok((1..=parts).map(amount).collect())
}

/// What comes of giving a batch back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// What is given back: the price of the days not used.
    pub given_back: Decimal,
    /// What the used days cost.
    pub kept: Decimal,
}

/// What is given back of a batch at an instant within its window: the price less the days used, by
/// real days of the term. `unit` is the price of one licence for the whole term. Days are those of
/// UTC; the day of the instant itself is not charged.
///
/// # Errors
/// `Invalid` when the window is closed, the instant lies outside the term, or an amount cannot be
/// held exactly.
pub fn refund(
    batch: &Batch,
    unit: Decimal,
    term: &Period,
    at: crate::model::Timestamp,
    rounding: Rounding,
) -> Result<Refund> {
    let day = at.date();
    if !batch.is_open_at(at) || at < batch.since {
        return Err(wrong(format!(
            "nothing is given back at {at} of what was bought at {}: its window is not open",
            batch.since
        )));
    }
    if !term.contains(day) {
        return Err(wrong(format!("{day} lies outside the term {term}")));
    }
    let from = |day| prorate(batch.quantity, unit, term, day, DayCount::ActualInclusive);
    let price = from(batch.since.date().max(term.start()))?.round(rounding)?;
    let given_back = from(day)?.round(rounding)?;
    let kept = exact_sum(price, -given_back).ok_or_else(too_large)?;
    Ok(Refund { given_back, kept })
}

/// A term whose end is aligned with another's: the first one is shorter, later ones are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoTerm {
    /// The first, short term.
    pub first: Period,
    /// The whole term that ends on the same day: what the first is a part of.
    pub whole: Period,
}

impl CoTerm {
    /// A term of so many months that ends on the day on which another of `other_months` ends.
    ///
    /// # Errors
    /// `Invalid` when the other's terms are shorter (an annual or triennial term cannot end with a
    /// monthly one), or its end lies before the purchase or more than a whole term after it.
    pub fn with(
        bought: CivilDate,
        months: u32,
        (end, other_months): (CivilDate, u32),
    ) -> Result<Self> {
        if other_months < months {
            return Err(wrong(format!(
                "a term of {months} months cannot end with one of {other_months}"
            )));
        }
        Self::until(bought, months, end)
    }

    /// A term of so many months that ends with a calendar month: the last that ends no more than a
    /// whole term after the purchase.
    ///
    /// # Errors
    /// `Invalid` when a term has no month.
    pub fn with_calendar_month(bought: CivilDate, months: u32) -> Result<Self> {
        let natural = nth_term(bought, months, 0)?.end();
        let end = if natural == natural.last_of_month() {
            natural
        } else {
            natural.first_of_month().plus_days(-1)
        };
        Self::until(bought, months, end)
    }

    fn until(bought: CivilDate, months: u32, end: CivilDate) -> Result<Self> {
        let first = Period::new(bought, end)?;
        let whole = Period::new(end.plus_days(1).minus_months(months), end)?;
        if first.days() > whole.days() {
            return Err(wrong(format!(
                "{first} is longer than a term of {months} months"
            )));
        }
        Ok(Self { first, whole })
    }

    /// The exact price of the first term, at `unit` for a whole one.
    ///
    /// # Errors
    /// `Invalid` when the amount cannot be held exactly.
    pub fn first_price(&self, quantity: Quantity, unit: Decimal) -> Result<Share> {
        let from = self.first.start();
        prorate(quantity, unit, &self.whole, from, DayCount::ActualInclusive)
    }

    /// The term that follows the first: a whole one.
    ///
    /// # Errors
    /// `Invalid` when it lies beyond the calendar.
    pub fn next(&self, months: u32) -> Result<Period> {
        nth_term(self.first.end().plus_days(1), months, 0)
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
