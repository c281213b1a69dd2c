//! Billing periods, proration and the status derived from dates.

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan};
use rust_decimal::{Decimal, RoundingStrategy};

use super::entities::{Addition, Agreement};

/// The months of one cycle, for cycles that count in months.
fn months(billing_options: &str) -> Option<i16> {
    Some(match billing_options {
        "Monthly" => 1,
        "BiMonthly" => 2,
        "Quarterly" => 3,
        "SemiAnnual" => 6,
        "Yearly" => 12,
        _ => return None,
    })
}

/// The billing period that holds a day: by the calendar, or counted from the billing start.
pub(super) fn period(
    agreement: &Agreement,
    billing_options: &str,
    day: Date,
) -> Option<(Date, Date)> {
    let anchor = if agreement.invoicing_cycle == "ContractYear" {
        agreement.bill_start_date
    } else {
        date(day.year(), 1, 1)
    };
    let (step, unit): (i32, fn(i32) -> Span) = match (months(billing_options), billing_options) {
        (Some(months), _) => (i32::from(months), |n| n.months()),
        (None, "Weekly") => (7, |n| n.days()),
        (None, "BiWeekly") => (14, |n| n.days()),
        _ => return None,
    };
    // Always counted from the anchor, so that a start on the 31st does not drift.
    let start_of = |index: i32| anchor.checked_add(unit(index.checked_mul(step)?)).ok();
    let mut index = 0;
    while start_of(index)? > day {
        index -= 1;
    }
    while start_of(index + 1)? <= day {
        index += 1;
    }
    Some((start_of(index)?, start_of(index + 1)?.yesterday().ok()?))
}

fn days(from: Date, to: Date) -> Decimal {
    let days = from.until(to).map(|span| span.get_days()).unwrap_or(0);
    Decimal::from(i64::from(days) + 1)
}

/// The days of the first period that an addition is billed for, both ends inclusive, and the days of the period;
/// `None` when it is billed whole.
pub(super) fn first_period_share(
    agreement: &Agreement,
    billing_options: &str,
    addition: &Addition,
) -> Option<(Decimal, Decimal)> {
    let from = addition.effective_date?;
    let (start, end) = period(agreement, billing_options, from)?;
    let to = addition
        .cancelled_date
        .filter(|cancelled| *cancelled < end)
        .unwrap_or(end);
    if (from == start && to == end) || to < from {
        return None;
    }
    Some((days(from, to), days(start, end)))
}

/// An amount per unit for some days of a period, rounded to cents. Divided last, so that a tie stays one.
pub(super) fn prorated(unit: Decimal, (days, of): (Decimal, Decimal)) -> Decimal {
    (unit * days / of).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The status of an agreement on a day.
pub(super) fn agreement_status(agreement: &Agreement, today: Date) -> &'static str {
    if agreement.cancelled && agreement.date_cancelled.is_none_or(|on| on <= today) {
        "Cancelled"
    } else if agreement.end_date.is_some_and(|end| end < today) {
        "Expired"
    } else if agreement.start_date > today {
        "Inactive"
    } else {
        "Active"
    }
}

/// The status of an addition on a day.
pub(super) fn addition_status(addition: &Addition, today: Date) -> &'static str {
    if addition.cancelled_date.is_some_and(|on| on < today) {
        "Cancelled"
    } else if addition.effective_date.is_some_and(|from| from > today) {
        "Inactive"
    } else {
        "Active"
    }
}
