//! How old a reading is, in figures that never flatter it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A length of time in words: to the second below two days, to the hour from there on. What is left
/// over is rounded up, so that nothing is told younger than it is.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use tallyline_core::model::Span;
///
/// let rhythm = Duration::from_secs(24 * 3600);
/// assert_eq!(Span(rhythm).to_string(), "24 h");
/// assert_eq!(Span(rhythm + Duration::from_secs(1)).to_string(), "24 h 0 min 1 s");
/// assert_eq!(Span(7 * rhythm + Duration::from_secs(1)).to_string(), "7 days 1 h");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0);
        if seconds >= 2 * DAY {
            let hours = seconds.div_ceil(HOUR);
            write!(f, "{} days", hours / 24)?;
            return match hours % 24 {
                0 => Ok(()),
                hours => write!(f, " {hours} h"),
            };
        }
        let (hours, minutes, rest) = (seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE);
        match (hours, minutes, rest) {
            (0, 0, rest) => write!(f, "{rest} s"),
            (0, minutes, 0) => write!(f, "{minutes} min"),
            (0, minutes, rest) => write!(f, "{minutes} min {rest} s"),
            (hours, 0, 0) => write!(f, "{hours} h"),
            (hours, minutes, 0) => write!(f, "{hours} h {minutes} min"),
            (hours, minutes, rest) => write!(f, "{hours} h {minutes} min {rest} s"),
        }
    }
}

/// The age of a reading beside the vendor's refresh rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freshness {
    /// The oldest state that the reading shows.
    pub as_of: Timestamp,
    /// How old that is.
    pub age: Duration,
    /// How old it may be before a new reading is due.
    pub rhythm: Duration,
}

impl Freshness {
    /// The freshness of a state at an instant. A state from the future has no age.
    #[must_use]
    pub fn at(now: Timestamp, as_of: Timestamp, rhythm: Duration) -> Self {
        Self {
            as_of,
            age: now.since(as_of),
            rhythm,
        }
    }

    /// Whether a new reading is due: it is older than the rhythm, by however little.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.age > self.rhythm
    }
}

impl fmt::Display for Freshness {
    /// Such as `3 h 20 min old, renewed every 24 h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} old, renewed every {}",
            Span(self.age),
            Span(self.rhythm)
        )?;
        if self.is_stale() {
            f.write_str(": a new reading is due")?;
        }
        Ok(())
    }
}

impl Serialize for Freshness {
    /// `as_of`, the age and the rhythm in seconds (the age rounded up), and whether it is stale.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let up = u64::from(self.age.subsec_nanos() > 0);
        let mut fields = serializer.serialize_struct("Freshness", 4)?;
        fields.serialize_field("as_of", &self.as_of)?;
        fields.serialize_field("age_seconds", &(self.age.as_secs() + up))?;
        fields.serialize_field("refresh_seconds", &self.rhythm.as_secs())?;
        fields.serialize_field("stale", &self.is_stale())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_time_are_told_without_rounding_down() {
        let words = |millis: u64| Span(Duration::from_millis(millis)).to_string();
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h"),
            (3660, "1 h 1 min"),
            (86_400, "24 h"),
            (86_401, "24 h 0 min 1 s"),
            (172_799, "47 h 59 min 59 s"),
            (172_800, "2 days"),
            (172_801, "2 days 1 h"),
            (604_800, "7 days"),
            (604_801, "7 days 1 h"),
            (604_800 + 86_399, "8 days"),
        ] {
            assert_eq!(words(seconds * 1000), said);
        }
        assert_eq!(words(86_400_001), "24 h 0 min 1 s");
    }

    #[test]
    fn a_reading_is_stale_from_the_first_instant_after_its_rhythm() {
        let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
        let rhythm = Duration::from_secs(DAY);
        let of = |as_of: &str| Freshness::at(now, as_of.parse().unwrap(), rhythm);
        let at_its_end = of("2026-03-10T12:00:00Z");
        assert!(!at_its_end.is_stale());
        assert_eq!(at_its_end.to_string(), "24 h old, renewed every 24 h");
        let after = of("2026-03-10T11:59:59.999Z");
        assert!(after.is_stale());
        assert_eq!(
            after.to_string(),
            "24 h 0 min 1 s old, renewed every 24 h: a new reading is due"
        );
        let json = serde_json::to_value(after).unwrap();
        assert_eq!(json["age_seconds"], 86_401);
        assert_eq!(json["refresh_seconds"], 86_400);
        assert_eq!(json["stale"], true);
        assert!(!of("2026-03-12T12:00:00Z").is_stale(), "from the future");
    }

    proptest! {
        #[test]
        fn no_age_past_a_rhythm_reads_like_the_rhythm(hours in 1..2000_u64, over in 1..10_000_000_u64) {
            let rhythm = Duration::from_secs(hours * HOUR);
            let age = rhythm + Duration::from_millis(over);
            prop_assert_ne!(Span(age).to_string(), Span(rhythm).to_string());
        }
    }
}
