//! The clock of a simulator: it stands still until a test moves it, or runs from a given instant.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::lock;

/// A settable clock; clones share the same hands.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    at: Timestamp,
    running_since: Option<Instant>,
}

impl Clock {
    /// A clock that stands at an instant until it is moved.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hands {
            at,
            running_since: None,
        })))
    }

    /// A clock that stands at noon UTC of a day.
    pub fn on(day: Date) -> Self {
        Self::fixed(noon(day))
    }

    /// A clock that starts at noon UTC of a day and runs in real time, for demos.
    pub fn running_from(day: Date) -> Self {
        Self(Arc::new(Mutex::new(Hands {
            at: noon(day),
            running_since: Some(Instant::now()),
        })))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        let hands = lock(&self.0);
        match hands.running_since {
            None => hands.at,
            Some(since) => SignedDuration::try_from(since.elapsed())
                .ok()
                .and_then(|gone| hands.at.checked_add(gone).ok())
                .unwrap_or(hands.at),
        }
    }

    /// The present day, UTC.
    pub fn today(&self) -> Date {
        date_of(self.now())
    }

    /// Sets the clock to an instant.
    pub fn set(&self, at: Timestamp) {
        let mut hands = lock(&self.0);
        hands.at = at;
        if hands.running_since.is_some() {
            hands.running_since = Some(Instant::now());
        }
    }

    /// Sets the clock to noon UTC of a day.
    pub fn set_day(&self, day: Date) {
        self.set(noon(day));
    }

    /// Moves the clock by a duration; it stays where it is when the result is out of range.
    pub fn advance(&self, by: SignedDuration) {
        let mut hands = lock(&self.0);
        hands.at = hands.at.checked_add(by).unwrap_or(hands.at);
    }
}

/// The UTC day of an instant.
pub fn date_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Noon UTC of a day.
pub fn noon(day: Date) -> Timestamp {
    day.at(12, 0, 0, 0)
        .to_zoned(TimeZone::UTC)
        .map(|zoned| zoned.timestamp())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// First and last day of the calendar month that holds a day.
pub fn month_of(day: Date) -> (Date, Date) {
    (day.first_of_month(), day.last_of_month())
}
