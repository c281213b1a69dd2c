//! The sums of bills: what one charge is to hold.

use crate::model::{BillKey, ChargeKey, LineKey, Money, Period, Quantity, UsageLine};

/// What a bill of an account says of one product of one agreement, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChargeSum {
    /// Which charge it is.
    pub key: ChargeKey,
    /// The days of use that its lines name, from the first to the last.
    pub period: Option<Period>,
    /// The number of units, where all lines have one unit, price and cost; else 1.
    pub quantity: Quantity,
    /// What the client pays per unit: where the lines differ, the bill's total. Not rounded.
    pub unit_price: Money,
    /// What the MSP pays per unit, where every line states it. Not rounded.
    pub unit_cost: Option<Money>,
}

/// The part of a usage line that a charge adds up.
#[derive(Clone, Debug)]
pub(super) struct Amounts {
    pub(super) bill: Option<BillKey>,
    period: Option<Period>,
    unit: Option<std::sync::Arc<str>>,
    unit_price: Option<Money>,
    total_price: Option<Money>,
    total_cost: Option<Money>,
}

impl Amounts {
    pub(super) fn of(line: &UsageLine) -> Self {
        Self {
            bill: line.bill.clone(),
            period: line.period,
            unit: line.unit.clone(),
            unit_price: line.unit_price,
            total_price: line.total_price,
            total_cost: line.total_cost,
        }
    }
}

/// A line of a bill: its key, quantity, cost per unit and amounts.
pub(super) type BillLine<'e> = (&'e LineKey, Quantity, Option<Money>, &'e Amounts);

/// Adds the lines of a bill up.
///
/// # Errors
/// In words, what keeps them from being added exactly.
pub(super) fn sum(key: ChargeKey, lines: &[BillLine<'_>]) -> Result<ChargeSum, String> {
    let period = hull(lines.iter().filter_map(|(.., amounts)| amounts.period));
    if let Some((quantity, unit_price, unit_cost)) = alike(lines) {
        return Ok(ChargeSum {
            key,
            period,
            quantity,
            unit_price,
            unit_cost,
        });
    }
    let price = |line: &BillLine<'_>| {
        let (key, quantity, _, amounts) = line;
        let price = amounts.total_price.or(times(*quantity, amounts.unit_price));
        price.ok_or_else(|| format!("usage line {key} states no exact price"))
    };
    let cost = |(_, quantity, unit_cost, amounts): &BillLine<'_>| {
        amounts.total_cost.or(times(*quantity, *unit_cost))
    };
    let prices: Vec<Money> = lines.iter().map(price).collect::<Result<_, _>>()?;
    let costs: Option<Vec<Money>> = lines.iter().map(cost).collect();
    let unit_price = total(&prices).ok_or("its prices cannot be added exactly")?;
    // Costs that cannot be added are not told: no figure is better than a wrong one.
    let unit_cost = costs.and_then(|costs| total(&costs));
    Ok(ChargeSum {
        key,
        period,
        quantity: Quantity::ONE,
        unit_price,
        unit_cost,
    })
}

/// The units, price and cost per unit of lines that differ in the number of units alone.
fn alike(lines: &[BillLine<'_>]) -> Option<(Quantity, Money, Option<Money>)> {
    let (_, _, cost, first) = lines.first()?;
    let price = first.unit_price?;
    let same = |(_, _, unit_cost, other): &BillLine<'_>| {
        other.unit == first.unit
            && other.unit_price == Some(price)
            && unit_cost == cost
            && other.total_price.is_none()
            && other.total_cost.is_none()
    };
    if !lines.iter().all(same) {
        return None;
    }
    let quantity = lines
        .iter()
        .try_fold(Quantity::ZERO, |sum, (_, quantity, ..)| {
            sum.checked_add(*quantity)
        })?;
    Some((quantity, price, *cost))
}

fn times(quantity: Quantity, unit: Option<Money>) -> Option<Money> {
    unit?.times(quantity).ok()
}

/// The exact sum of amounts of one currency.
fn total(amounts: &[Money]) -> Option<Money> {
    Money::total(amounts.iter().copied()).ok().flatten()
}

/// From the first day to the last.
fn hull(periods: impl Iterator<Item = Period>) -> Option<Period> {
    periods.reduce(|a, b| {
        let (start, end) = (a.start().min(b.start()), a.end().max(b.end()));
        Period::new(start, end).unwrap_or(a)
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::model::{CompanyId, Currency};

    fn key() -> ChargeKey {
        let bill = BillKey::new("azure", "2026-03-06".parse().unwrap());
        ChargeKey::new(CompanyId::new("45"), None, "31".into(), "c-1".into(), bill)
    }

    fn usd(text: &str) -> Money {
        Money::new(text.parse::<Quantity>().unwrap().value(), Currency::USD)
    }

    fn line(number: u32, quantity: &str, cost: &str, price: &str) -> UsageLine {
        let quantity: Quantity = quantity.parse().unwrap();
        UsageLine::new(format!("meter:{number}"), "AZURE", quantity)
            .with_unit_cost(Some(usd(cost)))
            .with_unit_price(Some(usd(price)))
    }

    fn summed(lines: Vec<UsageLine>) -> Result<ChargeSum, String> {
        let amounts: Vec<Amounts> = lines.iter().map(Amounts::of).collect();
        let lines: Vec<BillLine<'_>> = lines
            .iter()
            .zip(&amounts)
            .map(|(line, amounts)| (&line.key, line.quantity, line.unit_cost, amounts))
            .collect();
        sum(key(), &lines)
    }

    #[test]
    fn lines_of_different_prices_become_one_unit_at_their_exact_total() {
        let sum = summed(vec![
            line(1, "12.345", "0.10101", "0.121212"),
            line(2, "0.001", "1.5", "1.8"),
        ])
        .unwrap();
        // 12.345 x 0.121212 + 0.001 x 1.8
        assert_eq!(
            (sum.quantity, sum.unit_price),
            (Quantity::ONE, usd("1.49816214"))
        );
        assert_eq!(sum.unit_cost, Some(usd("1.24846845")));
    }

    #[test]
    fn lines_of_one_price_keep_their_fractional_quantity() {
        let sum = summed(vec![
            line(1, "12.5", "0.07", "0.08"),
            line(2, "0.25", "0.07", "0.08"),
        ])
        .unwrap();
        let quantity: Quantity = "12.75".parse().unwrap();
        assert_eq!((sum.quantity, sum.unit_price), (quantity, usd("0.08")));
    }

    #[test]
    fn totals_that_the_vendor_states_go_before_what_the_units_come_to() {
        let stated = line(1, "3", "0.333", "0.4").with_totals(Some(usd("1")), Some(usd("1.21")));
        let sum = summed(vec![stated]).unwrap();
        assert_eq!((sum.quantity, sum.unit_price), (Quantity::ONE, usd("1.21")));
        assert_eq!(sum.unit_cost, Some(usd("1")));
    }

    #[test]
    fn what_cannot_be_added_exactly_is_not_charged() {
        let mut without = line(2, "1", "1", "1");
        without.unit_price = None;
        let error = summed(vec![line(1, "1", "1", "2"), without]).unwrap_err();
        assert!(error.contains("meter:2"), "{error}");
        let mut euros = line(2, "1", "1", "1");
        euros.unit_price = Some(Money::new(Decimal::ONE, Currency::EUR));
        assert!(summed(vec![line(1, "1", "1", "2"), euros]).is_err());
        // A cost that is missing takes the cost away, and leaves the price.
        let mut costless = line(2, "1", "1", "1");
        costless.unit_cost = None;
        assert_eq!(
            summed(vec![line(1, "1", "1", "2"), costless])
                .unwrap()
                .unit_cost,
            None
        );
    }

    #[test]
    fn the_days_of_use_reach_from_the_first_to_the_last() {
        let day = |text: &str| text.parse().unwrap();
        let period = |from, to| Some(Period::new(day(from), day(to)).unwrap());
        let sum = summed(vec![
            line(1, "1", "1", "1").with_period(period("2026-02-10", "2026-03-05")),
            line(2, "1", "1", "1").with_period(period("2026-02-06", "2026-02-20")),
        ])
        .unwrap();
        assert_eq!(sum.period, period("2026-02-06", "2026-03-05"));
    }
}
