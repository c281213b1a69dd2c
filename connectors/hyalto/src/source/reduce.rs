//! From a series of changes to one quantity, exact. No I/O, no clock.
//!
//! A value holds from its change until the next one. Before the first change that is known nothing is: that time counts
//! for nothing, and not as zero.

use rust_decimal::Decimal;
use tallyline_core::model::Timestamp;

use super::settings::Reduction;
use crate::exact::decimal;
use crate::models::UnitSize;

/// How many decimal places an average has that does not end within 28 digits. Half is rounded away from zero.
pub(super) const PLACES: u32 = 10;

/// A value from an instant on.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) value: Decimal,
    pub(super) unit: Option<UnitSize>,
}

/// From an instant to a later one, or the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// What a series came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) quantity: Decimal,
    /// Whether it was rounded to [`PLACES`].
    pub(super) rounded: bool,
    /// In what it is counted, as the vendor has it.
    pub(super) unit: Option<UnitSize>,
}

/// The values of one instant, from when on the last of them is in force in the span.
#[derive(Debug)]
struct Held<'a> {
    from: Timestamp,
    lowest: Decimal,
    highest: Decimal,
    /// Whether the values are of one unit.
    one_unit: bool,
    unit: Option<&'a UnitSize>,
}

impl Held<'_> {
    fn settled(&self) -> Result<Decimal, String> {
        if self.lowest == self.highest && self.one_unit {
            return Ok(self.lowest);
        }
        let at = self.from;
        Err(format!(
            "it has two values at {at}, and which one came last is not told"
        ))
    }
}

/// The quantity of a series in a span; nothing where no change is known up to its end.
///
/// # Errors
/// Why there is none although changes are known.
pub(super) fn reduce(steps: &[Step], span: Span, how: Reduction) -> Result<Option<Figure>, String> {
    let held = held(steps, span);
    let Some(last) = held.last() else {
        return Ok(None);
    };
    let (quantity, rounded) = match how {
        Reduction::Latest => {
            return Ok(Some(Figure {
                quantity: last.settled()?,
                rounded: false,
                unit: last.unit.cloned(),
            }));
        }
        Reduction::Peak => (peak(&held, span)?, false),
        Reduction::Average => average(&held, span)?,
    };
    let unit = one_unit(&held)?;
    Ok(Some(Figure {
        quantity,
        rounded,
        unit: unit.cloned(),
    }))
}

/// What is in force at the start, and what changes after it up to the end, in order of time.
fn held(steps: &[Step], span: Span) -> Vec<Held<'_>> {
    let mut steps: Vec<&Step> = steps.iter().filter(|step| step.at <= span.end).collect();
    steps.sort_by_key(|step| step.at);
    let mut held: Vec<Held<'_>> = Vec::new();
    for step in steps {
        match held.last_mut() {
            Some(same) if same.from == step.at => {
                same.lowest = same.lowest.min(step.value);
                same.highest = same.highest.max(step.value);
                same.one_unit &= same.unit == step.unit.as_ref();
            }
            _ => held.push(Held {
                from: step.at,
                lowest: step.value,
                highest: step.value,
                one_unit: true,
                unit: step.unit.as_ref(),
            }),
        }
    }
    let before = held.iter().filter(|held| held.from <= span.start).count();
    held.drain(..before.saturating_sub(1));
    held
}

fn peak(held: &[Held<'_>], span: Span) -> Result<Decimal, String> {
    if let Some(first) = held.first()
        && first.from < span.start
    {
        first.settled()?;
    }
    let highest = held.iter().map(|held| held.highest).max();
    Ok(highest.unwrap_or_default())
}

/// The average by time, from the first change that is known or the start of the span to its end.
fn average(held: &[Held<'_>], span: Span) -> Result<(Decimal, bool), String> {
    let ends = held.iter().skip(1).map(|next| next.from).chain([span.end]);
    let mut parts = Vec::new();
    for (held, end) in held.iter().zip(ends) {
        let weight = end.since(held.from.max(span.start)).as_nanos();
        if weight > 0 {
            parts.push((held.settled()?, weight));
        }
    }
    if parts.is_empty() {
        let last = held.last().map(Held::settled).transpose()?;
        return Ok((last.unwrap_or_default(), false));
    }
    weighted(&parts).ok_or_else(|| "its average cannot be held exactly in between".to_owned())
}

/// The unit of all values, where it is one.
fn one_unit<'a>(held: &[Held<'a>]) -> Result<Option<&'a UnitSize>, String> {
    let first = held.first().and_then(|held| held.unit);
    if held.iter().all(|held| held.one_unit && held.unit == first) {
        return Ok(first);
    }
    Err("its unit changed within the time that is looked at".to_owned())
}

/// The weighted mean of values, exact or rounded to [`PLACES`]; nothing where 128 bits cannot hold what is in between.
fn weighted(parts: &[(Decimal, u128)]) -> Option<(Decimal, bool)> {
    let common = parts
        .iter()
        .fold(0, |gcd, (_, weight)| divisor(gcd, *weight));
    let scale = parts
        .iter()
        .map(|(value, _)| value.normalize().scale())
        .max()?;
    let mut sum: i128 = 0;
    let mut weights: i128 = 0;
    for (value, weight) in parts {
        let weight = i128::try_from(weight.checked_div(common)?).ok()?;
        let value = value.normalize();
        let shift = 10_i128.checked_pow(scale - value.scale())?;
        let value = value.mantissa().checked_mul(shift)?;
        sum = sum.checked_add(value.checked_mul(weight)?)?;
        weights = weights.checked_add(weight)?;
    }
    let common = i128::try_from(divisor(sum.unsigned_abs(), weights.unsigned_abs())).ok()?;
    let (sum, weights) = (sum / common, weights / common);
    quotient(sum, weights, scale)
}

/// `sum / weights / 10^scale`, of numbers that have no common divisor.
fn quotient(sum: i128, weights: i128, scale: u32) -> Option<(Decimal, bool)> {
    let exact = places(weights).and_then(|places| {
        let value = sum.checked_mul(10_i128.checked_pow(places)? / weights)?;
        decimal(value, places + scale)
    });
    if let Some(exact) = exact {
        return Some((exact, false));
    }
    // As many places more or less as the sum has, so that the whole has PLACES.
    let value = match PLACES.checked_sub(scale) {
        Some(more) => half_away(sum.checked_mul(10_i128.checked_pow(more)?)?, weights)?,
        None => {
            let fewer = 10_i128.checked_pow(scale - PLACES)?;
            half_away(sum, weights.checked_mul(fewer)?)?
        }
    };
    Some((decimal(value, PLACES)?, true))
}

/// How many decimal places one divided by a number has, where they end.
fn places(mut number: i128) -> Option<u32> {
    let mut count = |prime: i128| {
        let mut times = 0;
        while number % prime == 0 {
            number /= prime;
            times += 1;
        }
        times
    };
    let (twos, fives) = (count(2), count(5));
    (number == 1).then_some(std::cmp::max::<u32>(twos, fives))
}

fn half_away(value: i128, by: i128) -> Option<i128> {
    let (whole, rest) = (value / by, value % by);
    let up = rest.unsigned_abs() >= by.unsigned_abs() - rest.unsigned_abs();
    if up {
        whole.checked_add(value.signum())
    } else {
        Some(whole)
    }
}

fn divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests;
