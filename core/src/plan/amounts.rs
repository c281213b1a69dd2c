//! The cost and the price per unit that a row's line is to hold.

use rust_decimal::Decimal;

use super::guards;
use super::holds::{is_prepaid, is_prepaid_alone};
use super::{Policy, PrepaidYears};
use crate::model::{AgreementLine, Money};
use crate::reconcile::{Row, VendorCost};

/// The months of a year, by which what is prepaid is divided.
const MONTHS: Decimal = Decimal::from_parts(12, 0, 0, false, 0);

/// The vendor's cost, rounded, where there is one figure and it may be written.
pub(super) fn cost_to_write(row: Row<'_>, policy: &Policy) -> Option<Money> {
    policy
        .sync_unit_cost
        .then(|| one_figure(row, row.vendor_cost(), policy))?
}

/// The price that the vendor states for the client, rounded, where there is one figure and it may be
/// written.
pub(super) fn price_to_write(row: Row<'_>, policy: &Policy) -> Option<Money> {
    policy
        .sync_unit_price
        .then(|| one_figure(row, row.vendor_price(), policy))?
}

/// The cost to set, where it differs from the line's.
pub(super) fn cost_change(row: Row<'_>, line: &AgreementLine, policy: &Policy) -> Option<Money> {
    differing(
        row,
        cost_to_write(row, policy)?,
        line.state.unit_cost,
        policy,
    )
}

/// The price to set, where it differs from the line's.
pub(super) fn price_change(row: Row<'_>, line: &AgreementLine, policy: &Policy) -> Option<Money> {
    differing(
        row,
        price_to_write(row, policy)?,
        line.state.unit_price,
        policy,
    )
}

fn one_figure(row: Row<'_>, stated: VendorCost, policy: &Policy) -> Option<Money> {
    let VendorCost::Uniform(money) = stated else {
        return None;
    };
    let mut amount = money.amount;
    if is_prepaid(row) && policy.prepaid_years == PrepaidYears::Monthly {
        // One figure for years and months in one sum would be wrong for one of them.
        if !is_prepaid_alone(row) {
            return None;
        }
        amount = amount.checked_div(MONTHS)?;
    }
    Some(Money {
        amount: policy.unit_cost_rounding().of(amount).normalize(),
        currency: money.currency,
    })
}

fn differing(row: Row<'_>, wanted: Money, held: Option<Money>, policy: &Policy) -> Option<Money> {
    let same = held.is_some_and(|held| {
        let currency = held
            .currency
            .or(guards::currency_of(row.agreement(), policy));
        held.amount == wanted.amount
            && (currency == wanted.currency || currency.is_none() || wanted.currency.is_none())
    });
    (!same).then_some(wanted)
}
