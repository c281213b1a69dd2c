//! How values are read and written: dates without a zone, amounts with four decimals.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::json::Json;

/// A date as records hold it.
pub(super) fn day(date: Date) -> Json {
    Json::Text(format!("{date}T00:00:00"))
}

/// An instant as records hold it, UTC to the millisecond.
pub(super) fn instant(at: Timestamp) -> Json {
    let at = at.to_zoned(TimeZone::UTC).datetime();
    let time = format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
    let millis = at.subsec_nanosecond() / 1_000_000;
    let fraction = if millis == 0 {
        String::new()
    } else {
        format!(".{millis:03}")
    };
    Json::Text(format!("{}T{time}{fraction}", at.date()))
}

/// A date, or a date with a time, with or without `Z`.
pub(super) fn moment(text: &str) -> Option<DateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    match text.split_once('T') {
        None => Some(text.parse::<Date>().ok()?.to_datetime(midnight())),
        // Nothing but digits, so that no offset or zone is taken.
        Some((date, time)) if time.chars().all(|c| c.is_ascii_digit() || ":.".contains(c)) => {
            let date: Date = date.parse().ok()?;
            Some(date.to_datetime(time.parse().ok()?))
        }
        Some(_) => None,
    }
}

pub(super) fn midnight() -> jiff::civil::Time {
    jiff::civil::Time::midnight()
}

/// Rounded, halves away from zero, and written with that many decimals.
pub(super) fn rounded(amount: Decimal, places: u32) -> Decimal {
    let mut amount = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    amount.rescale(places);
    amount
}

/// An amount as records hold it, with four decimals.
pub(super) fn amount(amount: Decimal) -> Json {
    Json::from(rounded(amount, 4))
}

/// How many days from one to another, both counted.
pub(super) fn days(from: Date, to: Date) -> i64 {
    from.until(to)
        .map_or(0, |span| i64::from(span.get_days()) + 1)
}
