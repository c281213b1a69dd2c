//! Dates of vendors: with or without time, fraction and zone. No zone means UTC.

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::model::{CivilDate, Timestamp};

/// The time part of a date-time, if the text has one.
fn split_time(text: &str) -> (&str, Option<&str>) {
    match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The instant of a date-time, with or without fraction and zone, or midnight of a date; UTC where no
/// zone stands.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, Some(time)) = split_time(text) else {
        return text.parse::<CivilDate>().ok().map(CivilDate::midnight_utc);
    };
    let zoned = time.ends_with(['Z', 'z']) || time.contains(['+', '-']);
    let zone = if zoned { "" } else { "Z" };
    format!("{date}T{time}{zone}").parse().ok()
}

/// The calendar date of a date or date-time as it is written: a zone does not move it to a
/// neighbouring day.
#[must_use]
pub fn parse_date(text: &str) -> Option<CivilDate> {
    let text = text.trim();
    parse_instant(text)?;
    split_time(text).0.parse().ok()
}

fn read<'de, D, T>(deserializer: D, parse: fn(&str) -> Option<T>) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if !text.trim().is_empty() => parse(&text)
            .map(Some)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a date"))),
        _ => Ok(None),
    }
}

/// Reads a calendar date from a date or a date-time; `null` and empty are `None`.
///
/// # Errors
/// The deserializer's error when it is another type, or no date.
pub fn date_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CivilDate>, D::Error> {
    read(deserializer, parse_date)
}

/// Reads an instant from a date-time or a date (midnight UTC); `null` and empty are `None`.
///
/// # Errors
/// The deserializer's error when it is another type, or no date.
pub fn instant_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    read(deserializer, parse_instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> String {
        parse_instant(text).map_or_else(|| "refused".into(), |instant| instant.to_string())
    }

    fn date(text: &str) -> String {
        parse_date(text).map_or_else(|| "refused".into(), |date| date.to_string())
    }

    #[test]
    fn an_instant_reads_with_any_fraction_and_without_zone_as_utc() {
        assert_eq!(
            instant("2026-01-13T20:30:05.7613888"),
            "2026-01-13T20:30:05.7613888Z"
        );
        assert_eq!(instant("2026-01-13T20:30:05"), "2026-01-13T20:30:05Z");
        assert_eq!(
            instant("2026-01-13T20:30:05.123456789Z"),
            "2026-01-13T20:30:05.123456789Z"
        );
        assert_eq!(instant("2026-01-13T20:30:05-05:00"), "2026-01-14T01:30:05Z");
        assert_eq!(
            instant("2026-01-13T20:30:05.5+02:00"),
            "2026-01-13T18:30:05.5Z"
        );
        assert_eq!(instant("2026-01-13"), "2026-01-13T00:00:00Z");
    }

    #[test]
    fn a_date_is_the_written_day_whatever_time_and_zone_follow() {
        for text in [
            "2026-12-31",
            "2026-12-31T00:00:00",
            "2026-12-31T23:59:59.9999999",
            "2026-12-31T00:00:00Z",
            "2026-12-31T00:00:00+02:00",
            "2026-12-31T23:00:00-05:00",
        ] {
            assert_eq!(date(text), "2026-12-31", "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "31/12/2026",
            "2026-02-30",
            "2026-12-31Tnoon",
            "soon",
            "2026-12-31T25:00:00",
        ] {
            assert_eq!(date(text), "refused", "{text}");
            assert_eq!(instant(text), "refused", "{text}");
        }
    }
}
