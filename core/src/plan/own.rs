//! What a row needs that has no agreement or is no line: a new agreement, a charge.

use rust_decimal::Decimal;

use super::dates::{Calendar, Direction};
use super::{Action, EffectiveDate, PlanContext, Policy};
use crate::error::printable;
use crate::model::{CivilDate, Money, Quantity, exact_product};
use crate::proration::Rounding;
use crate::reconcile::{ChargeSum, NewAgreement, Row};

/// The longest name that is given to an agreement or a charge: longer ones are cut.
const LONGEST: usize = 100;

/// The day on which an agreement that is to be is there. A child is at once, though its lines may bill later:
/// one that begins in the future takes no changes until then.
pub(super) fn start_of_new(new: &NewAgreement, policy: &Policy, today: CivilDate) -> CivilDate {
    let first = first_day_of_new(new, policy, today);
    match new.agreement.parent {
        Some(_) => new
            .agreement
            .start
            .map_or(today, |start| today.max(start))
            .min(first),
        None => first,
    }
}

/// The first day that an agreement that is to be bills: that of the first period that the vendor bills;
/// where it names none, the day of the plan by policy, else the first of the next month. A child bills
/// from when a new line of its master would.
pub(super) fn first_day_of_new(new: &NewAgreement, policy: &Policy, today: CivilDate) -> CivilDate {
    if new.agreement.parent.is_some() {
        return Calendar::new(policy, &new.agreement, today).first_day(Direction::Increase);
    }
    let by_policy = || match policy.effective_date {
        EffectiveDate::Today => today,
        _ => today.last_of_month().plus_days(1),
    };
    new.agreement.start.unwrap_or_else(by_policy)
}

/// The name of an agreement that is to be: what the vendor calls the service whose resources stand on it,
/// else that of its service, where the vendor names it.
pub(super) fn name_of_new(new: &NewAgreement, context: &PlanContext<'_>) -> String {
    if let Some(label) = new.label.as_deref().map(str::trim)
        && !label.is_empty()
    {
        return cut(&printable(label));
    }
    let service = context
        .services
        .iter()
        .find(|service| service.key == new.service);
    let name = service.map_or(new.service.as_str(), |service| service.name.as_str());
    cut(&printable(name.trim()))
}

/// What creates an agreement, and why, in words.
pub(super) fn creation(
    row: Row<'_>,
    new: &NewAgreement,
    policy: &Policy,
    effective: CivilDate,
    context: &PlanContext<'_>,
) -> (Action, String) {
    let months = policy.new_agreement_months.max(1);
    let by_policy = effective.plus_months(months).plus_days(-1);
    let parent = new.agreement.parent.clone();
    let last_day = match &parent {
        // A child lasts as long as what it is invoiced through.
        Some(_) => new.agreement.end,
        None => Some(new.term_end.map_or(by_policy, |term| term.max(by_policy))),
    };
    let cycle = new.agreement.billing_cycle;
    let action = Action::CreateAgreement {
        name: name_of_new(new, context),
        billing_cycle: cycle,
        last_day,
        parent: parent.clone(),
    };
    let key = row.agreement_id().key();
    let key = key.map_or_else(String::new, |key| key.to_string());
    let (what, where_to) = match &parent {
        Some(parent) => (
            "a child",
            format!(", invoiced through agreement {parent}, which stays as it is"),
        ),
        None => ("one", String::new()),
    };
    let until = last_day.map_or_else(String::new, |day| format!(" to {day}"));
    let reason = format!(
        "{} shows usage of {}, and no agreement of the client carries its key {key}: {what} is \
         created, from {effective}{until}, billed {cycle}{where_to}",
        context.source.name,
        name_of_new(new, context)
    );
    (action, reason)
}

/// What charges a bill, and why, in words. Rounded once: the total of a bill to the currency's
/// digits; a price per unit stays as it is.
pub(super) fn charge(
    row: Row<'_>,
    sum: &ChargeSum,
    policy: &Policy,
    source: &str,
) -> (Action, String) {
    let product = row.book().product(row.product());
    let product = product.map_or(row.product().as_str(), |product| product.name.as_str());
    let usage = sum
        .period
        .map_or_else(String::new, |days| format!(", usage {days}"));
    let description = format!("{product}, bill of {}{usage}", sum.key.bill.date);
    let (quantity, unit_price, unit_cost) = rounded(sum, policy);
    let lines = row.evidence().count();
    let reason = format!(
        "{source} billed {lines} usage line{} on its bill of {} for account {}: one charge for all of \
         them{usage}",
        if lines == 1 { "" } else { "s" },
        sum.key.bill.date,
        printable(sum.key.account.as_str())
    );
    let action = Action::AddCharge {
        account: sum.key.account.clone(),
        bill: sum.key.bill.clone(),
        description: cut(&printable(&description)),
        quantity,
        unit_price,
        unit_cost,
        period: sum.period,
    };
    (action, reason)
}

/// Quantity, price and cost of a charge.
type Charge = (Quantity, Money, Option<Money>);

/// Quantity, price and cost of the charge for a sum. A quantity or a price per unit that a PSA cannot
/// hold goes into the total.
fn rounded(sum: &ChargeSum, policy: &Policy) -> Charge {
    let held = |figure: Decimal| figure.normalize().scale() <= policy.unit_cost_digits;
    let per_unit = sum.quantity != Quantity::ONE
        && held(sum.quantity.value())
        && held(sum.unit_price.amount)
        && sum.unit_cost.is_none_or(|cost| held(cost.amount));
    let by_units = (sum.quantity, sum.unit_price, sum.unit_cost);
    if per_unit {
        return by_units;
    }
    // Too many digits to multiply exactly: the sink says whether it can hold them.
    in_total(sum, policy).unwrap_or(by_units)
}

/// The charge for a sum as one unit, rounded once; none where it has too many digits to multiply exactly.
fn in_total(sum: &ChargeSum, policy: &Policy) -> Option<Charge> {
    let once = |money: Money| {
        let total = exact_product(sum.quantity.value(), money.amount)?;
        let rounding = Rounding {
            mode: policy.money_rounding,
            digits: money.currency.map_or(2, |currency| currency.minor_digits()),
        };
        Some(Money {
            amount: rounding.of(total).normalize(),
            currency: money.currency,
        })
    };
    let price = once(sum.unit_price)?;
    Some((Quantity::ONE, price, sum.unit_cost.and_then(once)))
}

/// Why a person should look at a charge that was made: the vendor's bill comes to something else
/// by now.
pub(super) fn charged_otherwise(row: Row<'_>, policy: &Policy) -> Option<String> {
    let (sum, made) = (row.charge()?, row.made_charge()?);
    let Action::AddCharge {
        quantity: charged,
        unit_price: by,
        ..
    } = &made.change.action
    else {
        return None;
    };
    let (quantity, unit_price, _) = rounded(sum, policy);
    // By units and exactly, or in total, it is no other amount, whichever way a charge is made today.
    let is_charged = |(quantity, price, _): Charge| (*charged, *by) == (quantity, price);
    let same = is_charged((quantity, unit_price, None))
        || is_charged((sum.quantity, sum.unit_price, None))
        || in_total(sum, policy).is_some_and(is_charged);
    (!same).then(|| {
        format!(
            "the bill of {} for account {} comes to {quantity} at {unit_price} now, and run {} charged \
             {charged} at {by}: correct the charge in the PSA by hand",
            sum.key.bill.date, sum.key.account, made.run
        )
    })
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}
