//! Months, intervals of charges, and Fridays.

use tallyline_core::model::{CivilDate, Period, Timestamp};

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(CivilDate);

impl Month {
    /// The month that holds a day.
    pub(super) fn of(day: CivilDate) -> Self {
        Self(day.first_of_month())
    }

    /// The month of a `BillingInterval`: `MM/yyyy`, or with another sign between, in either order.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (a, b) = text.trim().split_once(['/', '.', '-'])?;
        let (year, month) = if a.len() == 4 { (a, b) } else { (b, a) };
        (year.len() == 4)
            .then(|| civil(year, month, "1"))
            .flatten()
            .map(Self)
    }

    pub(super) fn year(self) -> i16 {
        self.0.year()
    }

    pub(super) fn month(self) -> i8 {
        self.0.month()
    }

    pub(super) fn first(self) -> CivilDate {
        self.0
    }

    pub(super) fn last(self) -> CivilDate {
        self.0.last_of_month()
    }

    fn contains(self, day: CivilDate) -> bool {
        Self::of(day) == self
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}/{:04}", self.month(), self.year())
    }
}

/// A date from the digits of its parts.
fn civil(year: &str, month: &str, day: &str) -> Option<CivilDate> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if ![year, month, day].into_iter().all(digits) {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    CivilDate::new(year, month, day).ok()
}

/// The days of a charge: from a day to the one before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: CivilDate,
    /// The first day that is not charged any more (inferred).
    pub(super) to: CivilDate,
}

impl Span {
    /// The days of an `ActualChargeInterval`: `dd.MM.yyyy - dd.MM.yyyy`. Hosts in the US may write
    /// `MM/dd/yyyy`; since others write the day first, that is believed only where it begins within
    /// the month charged.
    pub(super) fn parse(text: &str, month: Month) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let dotted = |text: &str| match text.trim().split('.').collect::<Vec<_>>()[..] {
            [day, month, year] if year.len() == 4 => civil(year, month, day),
            _ => None,
        };
        let slashed = |text: &str| match text.trim().split('/').collect::<Vec<_>>()[..] {
            [month, day, year] if year.len() == 4 => civil(year, month, day),
            _ => None,
        };
        let span = match (dotted(from), dotted(to)) {
            (Some(from), Some(to)) => Self { from, to },
            _ => {
                let (from, to) = (slashed(from)?, slashed(to)?);
                month.contains(from).then_some(Self { from, to })?
            }
        };
        (span.from <= span.to).then_some(span)
    }

    /// Whether it covers a month from its first to its last day.
    pub(super) fn covers(self, month: Month) -> bool {
        self.from <= month.first() && month.last() <= self.to
    }

    /// As a period, both ends inclusive.
    pub(super) fn period(self) -> Option<Period> {
        let last = self.to.plus_days(-1).max(self.from);
        Period::new(self.from, last).ok()
    }
}

/// Days since a Friday.
fn since_friday(day: CivilDate) -> i32 {
    // 1970-01-01 was a Thursday.
    let thursday = Timestamp::EPOCH.date();
    (thursday.days_until(day) - 1).rem_euclid(7)
}

/// The latest Friday on or before a day.
pub(super) fn latest_friday(day: CivilDate) -> CivilDate {
    day.plus_days(-since_friday(day))
}

/// Whether a day is one: the preview of that day may not be generated yet, and in which time zone
/// its morning is, is not known.
pub(super) fn is_friday(day: CivilDate) -> bool {
    since_friday(day) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> CivilDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_latest_friday_is_on_or_before_the_day_over_months_and_years() {
        for (day, friday) in [
            ("2026-03-13", "2026-03-13"),
            ("2026-03-14", "2026-03-13"),
            ("2026-03-19", "2026-03-13"),
            ("2026-03-20", "2026-03-20"),
            ("2026-04-02", "2026-03-27"),
            ("2027-01-01", "2027-01-01"),
            ("2026-12-31", "2026-12-25"),
            ("1969-12-31", "1969-12-26"),
        ] {
            assert_eq!(latest_friday(date(day)), date(friday), "{day}");
            assert_eq!(is_friday(date(day)), day == friday, "{day}");
        }
    }

    #[test]
    fn a_billing_interval_is_a_month_or_nothing() {
        for text in ["11/2026", " 11/2026 ", "2026-11", "11.2026", "2026/11"] {
            assert_eq!(
                Month::parse(text),
                Some(Month::of(date("2026-11-05"))),
                "{text}"
            );
        }
        for text in [
            "",
            "13/2026",
            "0/2026",
            "11/26",
            "Nov 2026",
            "11/2026/1",
            "+1/2026",
        ] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
        assert_eq!(Month::of(date("2026-03-31")).to_string(), "03/2026");
        assert!(Month::parse("12/2025") < Month::parse("01/2026"));
    }

    #[test]
    fn an_interval_is_read_with_dots_first_and_with_slashes_only_within_its_month() {
        let november = Month::of(date("2026-11-01"));
        let read = |text: &str| {
            Span::parse(text, november).map(|span| format!("{} {}", span.from, span.to))
        };
        let whole = Some("2026-11-01 2026-12-01".to_owned());
        assert_eq!(read("01.11.2026 - 01.12.2026"), whole);
        assert_eq!(read(" 1.11.2026-1.12.2026 "), whole);
        assert_eq!(read("11/01/2026 - 12/01/2026"), whole);
        // The day first: as months first it would begin in January.
        assert_eq!(read("01/11/2026 - 05/11/2026"), None);
        for text in [
            "",
            "01.11.2026",
            "01.12.2026 - 01.11.2026",
            "32.11.2026 - 01.12.2026",
            "Nov 1, 2026 - Dec 1, 2026",
            "01.11.26 - 01.12.26",
            "2026-11-01 - 2026-12-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_an_interval_is_not_charged_any_more() {
        let november = Month::of(date("2026-11-01"));
        let span = |text: &str| Span::parse(text, november).unwrap();
        let whole = span("01.11.2026 - 01.12.2026");
        assert_eq!(
            whole.period().unwrap().to_string(),
            "2026-11-01 to 2026-11-30"
        );
        assert!(whole.covers(november));
        // Where the end turned out to be the last day charged, a month would still be a month.
        assert!(span("01.11.2026 - 30.11.2026").covers(november));
        let part = span("11.11.2026 - 01.12.2026");
        assert!(!part.covers(november));
        assert_eq!(span("11.11.2026 - 11.11.2026").period().unwrap().days(), 1);
    }
}
