//! Instants, civil dates and periods.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind, Result};

/// An instant, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The system clock's present. Only programs and adapters call this: core logic takes
    /// the instant as an input.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    /// The civil date in UTC.
    #[must_use]
    pub fn date(self) -> CivilDate {
        CivilDate(self.0.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_second(self) -> i64 {
        self.0.as_second()
    }

    /// The instant that many seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// `Invalid` when it is out of range.
    pub fn from_second(seconds: i64) -> Result<Self> {
        jiff::Timestamp::from_second(seconds)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))
    }

    /// The time since an earlier instant; zero when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or_default()
    }

    /// The instant a duration later; the last representable one on overflow.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.checked_add(duration).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339 with an offset.
    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                format!("{text:?} is not an RFC 3339 instant"),
            )
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() && f.precision().is_none() {
            return fmt::Display::fmt(&self.0, f);
        }
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// A calendar date, without time and zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilDate(jiff::civil::Date);

impl CivilDate {
    /// A date from year, month (1 to 12) and day.
    ///
    /// # Errors
    /// `Invalid` when there is no such date.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self> {
        jiff::civil::Date::new(year, month, day)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month.
    #[must_use]
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// The date so many days later, or earlier when negative; clipped to the calendar's ends.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        // The days before and after are what is asked for most.
        match days {
            1 => return Self(self.0.tomorrow().unwrap_or(self.0)),
            -1 => return Self(self.0.yesterday().unwrap_or(self.0)),
            _ => {}
        }
        let span = jiff::Span::new().days(i64::from(days).clamp(-7_304_484, 7_304_484));
        Self(self.0.saturating_add(span))
    }

    /// The date so many months later, clipped to the shorter month and the calendar's end.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        self.in_months(i32::try_from(months).unwrap_or(i32::MAX))
            .unwrap_or(Self(jiff::civil::Date::MAX))
    }

    /// The date so many months earlier, clipped to the shorter month and the calendar's beginning.
    #[must_use]
    pub fn minus_months(self, months: u32) -> Self {
        self.in_months(i32::try_from(months).map_or(i32::MIN, |months| -months))
            .unwrap_or(Self(jiff::civil::Date::MIN))
    }

    /// The day so many months later, or the last of a shorter month; none beyond the calendar's ends.
    fn in_months(self, months: i32) -> Option<Self> {
        let since_zero = i32::from(self.year()) * 12 + i32::from(self.month()) - 1;
        let month = since_zero.checked_add(months)?;
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
        let first = jiff::civil::Date::new(year, month, 1).ok()?;
        let day = self.day().min(first.days_in_month());
        jiff::civil::Date::new(year, month, day).ok().map(Self)
    }

    /// Whole days from this date to a later one; negative when it is earlier.
    #[must_use]
    pub fn days_until(self, other: Self) -> i32 {
        self.0.until(other.0).map_or(0, |span| span.get_days())
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self(self.0.first_of_month())
    }

    /// The last day of its month.
    #[must_use]
    pub fn last_of_month(self) -> Self {
        Self(self.0.last_of_month())
    }

    /// `yyyy-mm-dd`, where the year is not before the year 0.
    fn digits(self) -> Option<[u8; 10]> {
        let year = u16::try_from(self.year()).ok()?;
        let month = u16::from(self.month().unsigned_abs());
        let day = u16::from(self.day().unsigned_abs());
        let digit = |number: u16, place: u16| b'0' + u8::try_from(number / place % 10).unwrap_or(0);
        Some([
            digit(year, 1000),
            digit(year, 100),
            digit(year, 10),
            digit(year, 1),
            b'-',
            digit(month, 10),
            digit(month, 1),
            b'-',
            digit(day, 10),
            digit(day, 1),
        ])
    }

    /// Midnight UTC on this date.
    #[must_use]
    pub fn midnight_utc(self) -> Timestamp {
        self.0
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_or(Timestamp::EPOCH, |zoned| Timestamp(zoned.timestamp()))
    }
}

impl FromStr for CivilDate {
    type Err = Error;

    /// Reads `yyyy-mm-dd`.
    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                format!("{text:?} is not a yyyy-mm-dd date"),
            )
        })
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(digits) = self.digits() else {
            return f.pad(&self.0.to_string());
        };
        f.pad(str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CivilDate({self})")
    }
}

macro_rules! read_from_text {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

read_from_text!(Timestamp);
read_from_text!(CivilDate);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for CivilDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.digits() {
            Some(digits) => serializer.serialize_str(str::from_utf8(&digits).unwrap_or_default()),
            None => serializer.collect_str(self),
        }
    }
}

/// A span of civil dates, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    start: CivilDate,
    end: CivilDate,
}

impl Period {
    /// A period from its first and last day.
    ///
    /// # Errors
    /// `Invalid` when the end is before the start.
    pub fn new(start: CivilDate, end: CivilDate) -> Result<Self> {
        if end < start {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the period ends on {end}, before its start on {start}"),
            ));
        }
        Ok(Self { start, end })
    }

    /// The calendar month that holds a date.
    #[must_use]
    pub fn month_of(date: CivilDate) -> Self {
        Self {
            start: date.first_of_month(),
            end: date.last_of_month(),
        }
    }

    /// The first day.
    #[must_use]
    pub fn start(&self) -> CivilDate {
        self.start
    }

    /// The last day.
    #[must_use]
    pub fn end(&self) -> CivilDate {
        self.end
    }

    /// The number of days, at least 1.
    #[must_use]
    pub fn days(&self) -> i32 {
        self.start.days_until(self.end) + 1
    }

    /// Whether a date lies in it.
    #[must_use]
    pub fn contains(&self, date: CivilDate) -> bool {
        self.start <= date && date <= self.end
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> CivilDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_inclusive_of_both_ends() {
        let month = Period::month_of(date("2026-02-11"));
        assert_eq!(month.days(), 28);
        assert!(month.contains(date("2026-02-28")));
        assert!(!month.contains(date("2026-03-01")));
    }

    #[test]
    fn a_period_cannot_end_before_it_starts() {
        assert!(Period::new(date("2026-02-02"), date("2026-02-01")).is_err());
    }

    #[test]
    fn months_are_counted_as_jiff_counts_them() {
        let ends = [jiff::civil::Date::MIN, jiff::civil::Date::MAX];
        let days = (0..500).map(|day| date("1999-12-29").plus_days(day * 97).0);
        for day in days.chain(ends) {
            for months in [0, 1, 2, 11, 12, 13, 30, 1_199, 30_000, 119_976] {
                let span = jiff::Span::new().months(i64::from(months));
                let (later, earlier) = (day.saturating_add(span), day.saturating_sub(span));
                assert_eq!(
                    CivilDate(day).plus_months(months).0,
                    later,
                    "{day} {months}"
                );
                assert_eq!(
                    CivilDate(day).minus_months(months).0,
                    earlier,
                    "{day} {months}"
                );
            }
            for months in [250_000, i32::MAX.unsigned_abs(), u32::MAX] {
                assert_eq!(CivilDate(day).minus_months(months).0, ends[0]);
                assert_eq!(CivilDate(day).plus_months(months).0, ends[1]);
            }
        }
    }

    #[test]
    fn dates_are_written_as_jiff_writes_them() {
        let ends = [
            jiff::civil::Date::MIN,
            jiff::civil::Date::MAX,
            jiff::civil::Date::ZERO,
        ];
        let days = (0..800).map(|day| date("2026-01-01").plus_days(day * 5_000 - 2_000_000).0);
        for day in days.chain(ends) {
            assert_eq!(CivilDate(day).to_string(), day.to_string());
        }
        assert_eq!(format!("{:>12}|", date("2026-03-09")), "  2026-03-09|");
    }

    #[test]
    fn dates_keep_their_order_over_months_and_years() {
        assert_eq!(date("2025-12-31").days_until(date("2026-01-01")), 1);
        assert_eq!(date("2026-01-01").plus_days(-1), date("2025-12-31"));
        assert_eq!(date("2024-02-28").plus_days(1), date("2024-02-29"));
        assert_eq!(date("9999-12-31").plus_days(1), date("9999-12-31"));
        assert_eq!(date("2026-03-02").plus_days(-2), date("2026-02-28"));
        assert_eq!(date("2025-12-01").days_until(date("2026-12-01")), 365);
    }
}
