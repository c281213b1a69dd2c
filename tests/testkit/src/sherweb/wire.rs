//! Dates and ids as the two APIs write them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A date-time in UTC, seven fraction digits, no zone suffix.
pub(super) fn date_time(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let (date, time) = (at.date(), at.time());
    let ticks = time.subsec_nanosecond() / 100;
    format!(
        "{date}T{:02}:{:02}:{:02}.{ticks:07}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A day as a date-time.
pub(super) fn midnight(day: Date) -> String {
    format!("{day}T00:00:00.0000000")
}

/// Reads `yyyy-MM-dd` and nothing else.
pub(super) fn strict_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                *byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        });
    if shape { text.parse().ok() } else { None }
}

/// Whether a text is a UUID in its usual form.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A made-up UUID: a letter that tells its kind, and a serial number.
pub(super) fn uuid(kind: char, serial: u64) -> String {
    format!("{kind}0000000-0000-4000-8000-{serial:012x}")
}
