//! Terms and instalments.

use rust_decimal::Decimal;

use super::Rounding;
use crate::model::CivilDate;

/// The day so many months after an anchor, clipped to the shorter month.
///
/// Always counted from the anchor itself, so that a term bought on the 31st does not drift to
/// the 28th after February.
#[must_use]
pub fn months_after(anchor: CivilDate, months: u32) -> CivilDate {
    anchor.plus_months(months)
}

/// A total in equal rounded parts, the remainder in the last, so that the sum is exact.
///
/// Empty for no parts.
#[must_use]
pub fn instalments(total: Decimal, parts: u32, rounding: Rounding) -> Vec<Decimal> {
    let Some(last) = parts.checked_sub(1) else {
        return Vec::new();
    };
    let one = rounding.of(total / Decimal::from(parts));
    let mut all = vec![one; last as usize];
    all.push(total - one * Decimal::from(last));
    all
}
