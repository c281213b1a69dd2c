//! The billing periods of a contract.

use jiff::Span;
use jiff::civil::Date;

use super::records::Record;

/// One billing period, and the part of it inside the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// First and last day of the whole period, which prices are for.
    pub(super) period: (Date, Date),
    /// The first day inside the contract.
    pub(super) from: Date,
    /// The last day inside the contract.
    pub(super) to: Date,
}

fn months(period_type: i64) -> Option<i32> {
    match period_type {
        2 => Some(1),
        3 => Some(3),
        4 => Some(6),
        5 => Some(12),
        _ => None,
    }
}

/// First and last day of a contract.
pub(super) fn window(contract: &Record) -> Option<(Date, Date)> {
    Some((contract.day("startDate")?, contract.day("endDate")?))
}

/// The billing periods of a contract over its window, counted from its first day or by the calendar.
pub(super) fn slots(contract: &Record, calendar: bool) -> Vec<Slot> {
    let Some((start, end)) = window(contract).filter(|(start, end)| start <= end) else {
        return Vec::new();
    };
    let step = contract.integer("contractPeriodType").and_then(months);
    let Some(step) = step else {
        let period = (start, end);
        return vec![Slot {
            period,
            from: start,
            to: end,
        }];
    };
    // Counted from the anchor each time, so that a start on the 31st does not drift.
    let anchor = if calendar {
        start.first_of_month()
    } else {
        start
    };
    let first_of = |index: i32| -> Option<Date> {
        let months = Span::new().try_months(index.checked_mul(step)?).ok()?;
        anchor.checked_add(months).ok()
    };
    let mut slots = Vec::new();
    for index in 0.. {
        let (Some(first), Some(next)) = (first_of(index), first_of(index + 1)) else {
            break;
        };
        if first > end {
            break;
        }
        let Ok(last) = next.yesterday() else { break };
        slots.push(Slot {
            period: (first, last),
            from: first.max(start),
            to: last.min(end),
        });
    }
    slots
}
