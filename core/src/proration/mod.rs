//! Day-count arithmetic in exact decimals. No I/O, no clock.
//!
//! A change on day `d` of a period of `N` days is charged for the days left. Amounts stay exact
//! fractions until they are rounded, once, at the very end.
//!
//! ```
//! use tallyline_core::model::{CivilDate, Period};
//! use tallyline_core::proration::{DayCount, Rounding, prorate};
//! use tallyline_core::wire::parse_decimal;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let day: CivilDate = "2026-10-15".parse()?;
//! let october = Period::month_of(day);
//! let seat = prorate(1_u32.into(), parse_decimal("22.00")?, &october, day, DayCount::ActualInclusive)?;
//! assert_eq!(seat.round(Rounding::half_up(2))?.to_string(), "12.06");
//! # Ok(())
//! # }
//! ```

mod billing;
mod prediction;
mod share;
mod term;

pub use billing::{Billing, BillingRule, NextBill, PartPeriod, Step};
pub use prediction::{Prediction, ProrationRule};
pub use share::{DayCount, Rounding, RoundingMode, Share, prorate, rounded_sum, segments};
pub use term::{CoTerm, Refund, RemainderIn, instalments, months_after, nth_term, refund};

#[cfg(test)]
mod tests;
