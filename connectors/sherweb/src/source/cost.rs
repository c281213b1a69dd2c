//! The cost per unit: the performance rebate is added back, promotions stay.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use tallyline_core::model::{BillingCycle, Money, Quantity};

use super::bills::money;
use crate::models::{BillingCycleType, DeductionType, PayableCharge};

/// Digits kept at least when a prorated rebate is brought to a whole cycle by a division.
const COST_DIGITS: u32 = 4;

pub(super) fn cycle_of(stated: Option<&BillingCycleType>) -> BillingCycle {
    match stated {
        Some(BillingCycleType::OneTime) => BillingCycle::OneTime,
        Some(BillingCycleType::Monthly) => BillingCycle::Monthly,
        Some(BillingCycleType::Yearly) => BillingCycle::Yearly,
        _ => BillingCycle::Unknown,
    }
}

/// What one unit costs for a whole cycle, or nothing where the charge does not say it.
///
/// The net price, plus the performance rebate that was taken off it. The rebate is stated for
/// the charge's own period, so that of a prorated piece is divided by the share of the price
/// that the piece is.
pub(super) fn unit_cost(charge: &PayableCharge) -> Option<Money> {
    let net = charge.net_price?;
    let rebate = performance_rebate(charge)?;
    let amount = if rebate.is_zero() {
        net
    } else {
        let prorated = charge.net_price_prorated?;
        let whole = if prorated == net {
            rebate
        } else {
            scaled(rebate, net, prorated)?
        };
        sum(net, whole)?
    };
    money(Some(amount), charge.currency.as_deref())
}

/// The rebate per unit for the charge's own period; nothing where it is stated in part.
fn performance_rebate(charge: &PayableCharge) -> Option<Decimal> {
    charge
        .deductions
        .iter()
        .filter(|deduction| deduction.deduction_type == Some(DeductionType::PerformancePercentage))
        .try_fold(Decimal::ZERO, |total, deduction| {
            let value = deduction
                .unit_value
                .filter(|value| !value.is_sign_negative() || value.is_zero())?;
            sum(total, value)
        })
}

/// `rebate` x `net` / `prorated`, rounded half to even.
fn scaled(rebate: Decimal, net: Decimal, prorated: Decimal) -> Option<Decimal> {
    if net <= Decimal::ZERO || prorated <= Decimal::ZERO {
        return None;
    }
    let digits = COST_DIGITS
        .max(rebate.scale())
        .max(net.scale())
        .max(prorated.scale());
    let value = rebate.checked_mul(net)?.checked_div(prorated)?;
    Some(value.round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven))
}

/// The exact sum, or nothing.
fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    Quantity::new(a)
        .checked_add(Quantity::new(b))
        .map(Quantity::value)
}

/// The unit costs of recurring services, by account, SKU and cycle.
#[derive(Debug, Default)]
pub(super) struct CostBook(BTreeMap<(String, String, BillingCycle), Candidates>);

#[derive(Debug, Default)]
struct Candidates {
    whole_cycles: Vec<Option<Money>>,
    pieces: Vec<Option<Money>>,
}

impl CostBook {
    /// Takes a recurring charge of an account into account.
    pub(super) fn add(&mut self, account: &str, sku: &str, charge: &PayableCharge, piece: bool) {
        let key = (
            account.to_owned(),
            sku.to_owned(),
            cycle_of(charge.billing_cycle_type.as_ref()),
        );
        let candidates = self.0.entry(key).or_default();
        let list = if piece {
            &mut candidates.pieces
        } else {
            &mut candidates.whole_cycles
        };
        list.push(unit_cost(charge));
    }

    /// The cost of a service, where its charges agree on one. Charges for a whole cycle count
    /// before prorated pieces; a cost for another cycle than the subscription's never counts.
    pub(super) fn get(&self, account: &str, sku: &str, cycle: BillingCycle) -> Option<Money> {
        if cycle == BillingCycle::Unknown {
            return None;
        }
        let key = (account.to_owned(), sku.to_owned(), cycle);
        let candidates = self.0.get(&key)?;
        let list = if candidates.whole_cycles.is_empty() {
            &candidates.pieces
        } else {
            &candidates.whole_cycles
        };
        let (first, rest) = list.split_first()?;
        rest.iter().all(|cost| cost == first).then_some(*first)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Deduction;

    fn decimal(text: &str) -> Decimal {
        tallyline_core::wire::parse_decimal(text).unwrap()
    }

    fn deduction(kind: DeductionType, unit_value: &str) -> Deduction {
        Deduction {
            deduction_type: Some(kind),
            unit_value: Some(decimal(unit_value)),
            ..Deduction::default()
        }
    }

    fn charge(net: &str, prorated: &str, deductions: Vec<Deduction>) -> PayableCharge {
        PayableCharge {
            net_price: Some(decimal(net)),
            net_price_prorated: Some(decimal(prorated)),
            currency: Some("usd".into()),
            billing_cycle_type: Some(BillingCycleType::Monthly),
            deductions,
            ..PayableCharge::default()
        }
    }

    fn cost(charge: &PayableCharge) -> String {
        unit_cost(charge).map_or_else(|| "none".into(), |cost| cost.to_string())
    }

    #[test]
    fn b12_the_performance_rebate_is_added_back_and_promotions_stay() {
        use DeductionType::{PerformancePercentage, PromotionalMoney, PromotionalPercentage};
        assert_eq!(cost(&charge("9", "9", vec![])), "9.00 USD");
        assert_eq!(
            cost(&charge(
                "9",
                "9",
                vec![deduction(PerformancePercentage, "1")]
            )),
            "10.00 USD"
        );
        assert_eq!(
            cost(&charge(
                "7.5",
                "7.5",
                vec![
                    deduction(PromotionalMoney, "1"),
                    deduction(PromotionalPercentage, "0.5"),
                    deduction(PerformancePercentage, "0.6"),
                    deduction(PerformancePercentage, "0.4"),
                    deduction(DeductionType::Unknown("Loyalty".into()), "3"),
                ]
            )),
            "8.50 USD"
        );
    }

    #[test]
    fn b12_a_prorated_rebate_is_brought_to_the_whole_cycle() {
        let half = vec![deduction(DeductionType::PerformancePercentage, "0.5")];
        assert_eq!(cost(&charge("9", "4.5", half)), "10.00 USD");
        let piece = vec![deduction(DeductionType::PerformancePercentage, "0.6774")];
        assert_eq!(cost(&charge("9.0", "6.0968", piece)), "10.00 USD");
    }

    #[test]
    fn what_is_not_stated_is_not_invented() {
        let rebate = || vec![deduction(DeductionType::PerformancePercentage, "1")];
        assert_eq!(cost(&charge("9", "0", rebate())), "none");
        assert_eq!(cost(&charge("0", "4", rebate())), "none");
        assert_eq!(
            cost(&charge("0", "0", rebate())),
            "1.00 USD",
            "wholly rebated"
        );
        let mut silent = charge("9", "9", rebate());
        silent.deductions[0].unit_value = None;
        assert_eq!(cost(&silent), "none");
        silent.deductions[0].unit_value = Some(decimal("-1"));
        assert_eq!(cost(&silent), "none");
        let mut odd = charge("9", "9", vec![]);
        odd.currency = Some("Undefined".into());
        assert_eq!(cost(&odd), "none");
        odd.currency = None;
        assert_eq!(cost(&odd), "9.00");
        odd.net_price = None;
        assert_eq!(cost(&odd), "none");
    }

    #[test]
    fn costs_are_exact_to_the_last_digit() {
        let exact = charge(
            "0.1234567890123456789012345678",
            "0.1234567890123456789012345678",
            vec![deduction(
                DeductionType::PerformancePercentage,
                "0.0000000000000000000000000001",
            )],
        );
        assert_eq!(cost(&exact), "0.1234567890123456789012345679 USD");
    }

    #[test]
    fn charges_that_disagree_leave_the_cost_out() {
        let mut book = CostBook::default();
        book.add("c", "A", &charge("9", "9", vec![]), false);
        book.add("c", "A", &charge("9.00", "9", vec![]), false);
        let get = |book: &CostBook| book.get("c", "A", BillingCycle::Monthly);
        assert_eq!(get(&book).unwrap().to_string(), "9.00 USD");
        book.add("c", "A", &charge("8", "8", vec![]), false);
        assert_eq!(get(&book), None);
    }

    #[test]
    fn whole_cycles_count_before_pieces_and_other_cycles_never() {
        let mut book = CostBook::default();
        book.add("c", "A", &charge("9.01", "4.5", vec![]), true);
        let get = |book: &CostBook, cycle| book.get("c", "A", cycle).map(|cost| cost.to_string());
        assert_eq!(get(&book, BillingCycle::Monthly).unwrap(), "9.01 USD");
        book.add("c", "A", &charge("9", "9", vec![]), false);
        assert_eq!(get(&book, BillingCycle::Monthly).unwrap(), "9.00 USD");
        assert_eq!(get(&book, BillingCycle::Yearly), None);
        assert_eq!(get(&book, BillingCycle::Unknown), None);
        assert_eq!(book.get("d", "A", BillingCycle::Monthly), None);
    }

    #[test]
    fn one_charge_without_a_cost_leaves_the_cost_out() {
        let mut book = CostBook::default();
        book.add("c", "A", &charge("9", "9", vec![]), false);
        let mut silent = charge("9", "9", vec![]);
        silent.net_price = None;
        book.add("c", "A", &silent, false);
        assert_eq!(book.get("c", "A", BillingCycle::Monthly), None);
    }
}
