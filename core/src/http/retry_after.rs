//! The `Retry-After` header.

use std::time::Duration;

use ::http::{HeaderMap, header};
use jiff::Timestamp;

/// The longest wait read from a header: a day.
const CAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that an answer asks for, a date measured from the answer's own.
pub(crate) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let date = headers
        .get(header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let now = date.map_or_else(Timestamp::now, |date| date.timestamp());
    parse_retry_after(value, now)
}

/// Reads a `Retry-After` value: seconds (a fraction is rounded up) or an HTTP date.
///
/// A date that has passed is no wait. More than a day is a day. `None` when it is neither.
#[must_use]
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(fraction) {
        let seconds = whole.parse::<u64>().unwrap_or(u64::MAX);
        let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
        return Some(Duration::from_secs(seconds.saturating_add(more)).min(CAP));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = at.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default().min(CAP))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn seconds_and_dates_are_read_and_capped() {
        for (value, seconds) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("1.2", Some(2)),
            ("1.0", Some(1)),
            ("999999999999999999999999", Some(86_400)),
            ("Sun, 01 Mar 2026 12:01:30 GMT", Some(90)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("Wed, 01 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("-1", None),
            ("soon", None),
            ("", None),
            (".", None),
            ("1.", None),
            ("+3", None),
        ] {
            assert_eq!(
                parse_retry_after(value, now()),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in ".{0,60}") {
            let _ = parse_retry_after(&value, now());
        }

        #[test]
        fn whole_seconds_survive(seconds in 0_u64..=86_400) {
            prop_assert_eq!(
                parse_retry_after(&seconds.to_string(), now()),
                Some(Duration::from_secs(seconds))
            );
        }

        #[test]
        fn dates_survive(seconds in 0_i64..=86_400) {
            let at = now() + jiff::SignedDuration::from_secs(seconds);
            let text = jiff::fmt::rfc2822::DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&at)
                .unwrap();
            prop_assert_eq!(
                parse_retry_after(&text, now()),
                Some(Duration::from_secs(u64::try_from(seconds).unwrap()))
            );
        }
    }
}
