//! Counts by day: the high-water mark and the average of a billing period.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Mapping, ServiceEntry, ServiceLink};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{ChargeKind, CivilDate, Period, Quantity, ServiceKey, exact_sum};
use crate::proration::{Rounding, RoundingMode};

/// The most decimal places of an average.
const MOST_DIGITS: u32 = 9;

/// What is taken of the daily counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DailyTake {
    /// The largest.
    HighWater,
    /// Their sum divided by the number of days, rounded so.
    Average(Rounding),
}

/// Whose days are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CountedPeriod {
    /// The billing period that runs, as far as the readings show it. For agreements that are billed
    /// at its end.
    #[default]
    Running,
    /// The billing period before it, whole. For agreements that are billed after it, in arrears.
    Last,
}

impl CountedPeriod {
    fn is_running(&self) -> bool {
        *self == Self::Running
    }
}

/// What a day without any observation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gaps {
    /// Not known: then the quantity is not observed either. Absence is not zero.
    #[default]
    NotObserved,
    /// As the day before it.
    Carried,
}

impl Gaps {
    fn is_not_observed(&self) -> bool {
        *self == Self::NotObserved
    }
}

/// Bills what the counts of a billing period's days come to, in place of the present count.
///
/// The count of a day is that of the last complete reading of it. The period is that of the agreement,
/// the calendar month where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyCount {
    /// What is taken of them.
    pub take: DailyTake,
    /// Whose days.
    #[serde(default, skip_serializing_if = "CountedPeriod::is_running")]
    pub period: CountedPeriod,
    /// What a day without any observation is.
    #[serde(default, skip_serializing_if = "Gaps::is_not_observed")]
    pub gaps: Gaps,
}

impl DailyCount {
    /// Of the running period, with no gap filled.
    #[must_use]
    pub const fn new(take: DailyTake) -> Self {
        Self {
            take,
            period: CountedPeriod::Running,
            gaps: Gaps::NotObserved,
        }
    }

    /// Fills each day without an observation with the day before it.
    #[must_use]
    pub const fn carried(mut self) -> Self {
        self.gaps = Gaps::Carried;
        self
    }

    /// Takes the days of the period before the running one.
    #[must_use]
    pub const fn of_last_period(mut self) -> Self {
        self.period = CountedPeriod::Last;
        self
    }

    /// Checks its figures.
    ///
    /// # Errors
    /// `Mapping` when the average has more decimal places than a PSA can be told.
    pub fn validate(&self) -> Result<()> {
        match self.take {
            DailyTake::Average(rounding) if rounding.digits > MOST_DIGITS => Err(wrong(format!(
                "an average to {} decimal places: {MOST_DIGITS} are the most",
                rounding.digits
            ))),
            _ => Ok(()),
        }
    }

    /// The counts of the days of a period, with gaps filled as the rule says.
    ///
    /// # Errors
    /// In words, the first day that was not observed.
    pub fn series(
        &self,
        days: &Period,
        observed: &BTreeMap<CivilDate, Quantity>,
    ) -> std::result::Result<Vec<DayFigure>, String> {
        let mut series = Vec::new();
        let mut day = days.start();
        while day <= days.end() {
            let seen = observed.get(&day).copied();
            let before = || {
                let last = observed.range(..day).next_back();
                last.filter(|_| self.gaps == Gaps::Carried)
            };
            let figure = match (seen, before()) {
                (Some(quantity), _) => DayFigure {
                    day,
                    quantity,
                    carried: false,
                },
                (None, Some((_, quantity))) => DayFigure {
                    day,
                    quantity: *quantity,
                    carried: true,
                },
                (None, None) => return Err(format!("its count of {day} was not observed")),
            };
            series.push(figure);
            day = day.plus_days(1);
        }
        Ok(series)
    }

    /// What the counts of days come to, with the words that name the days.
    ///
    /// # Errors
    /// `Mapping` when there is no day, or the counts cannot be summed exactly.
    pub fn figure(&self, days: &[DayFigure]) -> Result<DailyFigure> {
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Err(wrong("there is no day to count".to_owned()));
        };
        let span = format!("{} to {}", first.day, last.day);
        let carried = days.iter().filter(|day| day.carried);
        let carried: Vec<String> = carried.map(|day| day.day.to_string()).collect();
        let carried = match carried.as_slice() {
            [] => String::new(),
            days => format!("; carried from the day before: {}", days.join(", ")),
        };
        let (quantity, words) = match self.take {
            DailyTake::HighWater => {
                // The first of equal days.
                let peak = days.iter().rev().max_by_key(|day| day.quantity);
                let peak = peak.unwrap_or(first);
                let words = format!(
                    "high-water mark of {span}: {} on {}",
                    peak.quantity, peak.day
                );
                (peak.quantity, words)
            }
            DailyTake::Average(rounding) => {
                let sum = days.iter().try_fold(Decimal::ZERO, |sum, day| {
                    exact_sum(sum, day.quantity.value())
                });
                let count = Decimal::from(days.len() as u64);
                let average = sum.and_then(|sum| Some((sum, sum.checked_div(count)?)));
                let (sum, average) = average
                    .ok_or_else(|| wrong("the daily counts cannot be summed exactly".to_owned()))?;
                let average = Quantity::new(rounding.of(average));
                let words = format!(
                    "average of {span}: {} over {count} days is {average}, {} to {} places",
                    sum.normalize(),
                    rounding.mode,
                    rounding.digits
                );
                (average, words)
            }
        };
        Ok(DailyFigure {
            quantity,
            words: words + &carried,
        })
    }
}

/// The count of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayFigure {
    /// The day.
    pub day: CivilDate,
    /// Its count.
    pub quantity: Quantity,
    /// Whether it was not observed, and is as the day before.
    pub carried: bool,
}

/// What the counts of a period come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DailyFigure {
    /// The quantity.
    pub quantity: Quantity,
    /// Which days gave it.
    pub words: String,
}

impl fmt::Display for DailyCount {
    /// The short form that [`FromStr`] reads: `high water` or `average to 2, half up`, then
    /// `, last period` and `, gaps carried` where that is so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.take {
            DailyTake::HighWater => f.write_str("high water")?,
            DailyTake::Average(rounding) => {
                write!(f, "average to {}, {}", rounding.digits, rounding.mode)?;
            }
        }
        if self.period == CountedPeriod::Last {
            f.write_str(", last period")?;
        }
        if self.gaps == Gaps::Carried {
            f.write_str(", gaps carried")?;
        }
        Ok(())
    }
}

impl FromStr for DailyCount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            wrong(format!(
                "{text:?} is no daily count: write high water, or average to 2, half up (or half even); \
                 then, where wanted, last period and gaps carried, with commas between"
            ))
        };
        let lower = text.to_lowercase();
        let mut words = lower.split(',').map(str::trim);
        let take = match words.next() {
            Some("high water") => DailyTake::HighWater,
            Some(average) => {
                let digits = average.strip_prefix("average to ").ok_or_else(refused)?;
                let digits = digits.trim().parse().map_err(|_| refused())?;
                let mode = match words.next() {
                    Some("half up") => RoundingMode::HalfUp,
                    Some("half even") => RoundingMode::HalfEven,
                    _ => return Err(refused()),
                };
                DailyTake::Average(Rounding { mode, digits })
            }
            None => return Err(refused()),
        };
        let mut count = Self::new(take);
        for word in words {
            count = match word {
                "last period" if count.period == CountedPeriod::Running => count.of_last_period(),
                "gaps carried" if count.gaps == Gaps::NotObserved => count.carried(),
                _ => return Err(refused()),
            };
        }
        Ok(count)
    }
}

impl Mapping {
    /// The services whose switched-on links take a daily count, with the kind of usage lines that each
    /// counts: what is to be recorded of each reading.
    #[must_use]
    pub fn counted_by_day(&self) -> BTreeMap<ServiceKey, ChargeKind> {
        let by_day = |(key, entry): (&ServiceKey, &ServiceEntry)| match entry {
            ServiceEntry::Link(link) if link.is_counted_by_day() => {
                Some((key.clone(), link.counts))
            }
            _ => None,
        };
        self.services().filter_map(by_day).collect()
    }
}

impl ServiceLink {
    /// Whether it is switched on and a line of it takes a daily count.
    pub(crate) fn is_counted_by_day(&self) -> bool {
        let daily = self.products.iter().any(|rule| rule.daily.is_some());
        self.enabled && self.billed_as.has_line() && daily
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Mapping, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn march(day: i32) -> CivilDate {
        let first: CivilDate = "2026-03-01".parse().unwrap();
        first.plus_days(day - 1)
    }

    fn days(to: i32) -> Period {
        Period::new(march(1), march(to)).unwrap()
    }

    fn counts(counts: &[(i32, i64)]) -> BTreeMap<CivilDate, Quantity> {
        let count = |(day, count): &(i32, i64)| (march(*day), (*count).into());
        counts.iter().map(count).collect()
    }

    const AVERAGE: DailyTake = DailyTake::Average(Rounding::half_up(2));

    #[test]
    fn a_day_that_was_not_observed_is_not_zero_and_is_carried_only_where_the_rule_says_so() {
        let observed = counts(&[(1, 4), (2, 6), (4, 5)]);
        let strict = DailyCount::new(AVERAGE);
        assert_eq!(
            strict.series(&days(4), &observed).unwrap_err(),
            "its count of 2026-03-03 was not observed"
        );
        let carried = strict.carried();
        let figure = carried.figure(&carried.series(&days(4), &observed).unwrap());
        assert_eq!(
            figure.unwrap().words,
            "average of 2026-03-01 to 2026-03-04: 21 over 4 days is 5.25, half up to 2 places; carried \
             from the day before: 2026-03-03"
        );
        // Nothing is carried from nowhere, and a day before the period may be carried into it.
        assert!(carried.series(&days(2), &counts(&[(2, 6)])).is_err());
        let before = carried.series(&days(1), &counts(&[(-3, 9)])).unwrap();
        assert_eq!(
            (before[0].quantity, before[0].carried),
            (9_u32.into(), true)
        );
    }

    #[test]
    fn the_high_water_mark_names_the_first_of_its_days() {
        let rule = DailyCount::new(DailyTake::HighWater);
        let series = rule.series(&days(4), &counts(&[(1, 4), (2, 9), (3, 9), (4, 5)]));
        let figure = rule.figure(&series.unwrap()).unwrap();
        assert_eq!(figure.quantity, 9_u32.into());
        assert_eq!(
            figure.words,
            "high-water mark of 2026-03-01 to 2026-03-04: 9 on 2026-03-02"
        );
        assert!(rule.figure(&[]).is_err());
    }

    #[test]
    fn a_short_form_that_is_not_whole_is_refused() {
        for text in [
            "",
            "average",
            "average to 2",
            "average to x, half up",
            "average to 2, up",
            "high water, gaps",
            "high water, gaps carried, gaps carried",
        ] {
            assert!(text.parse::<DailyCount>().is_err(), "{text}");
        }
        let many = DailyCount::new(DailyTake::Average(Rounding::half_up(10)));
        assert!(many.validate().is_err());
    }

    fn rule() -> impl Strategy<Value = DailyCount> {
        let take = prop_oneof![
            Just(DailyTake::HighWater),
            (0_u32..10).prop_map(|digits| DailyTake::Average(Rounding::half_up(digits))),
            (0_u32..10).prop_map(|digits| DailyTake::Average(Rounding::half_even(digits))),
        ];
        (take, any::<bool>(), any::<bool>()).prop_map(|(take, last, carried)| {
            let count = DailyCount::new(take);
            let count = if last { count.of_last_period() } else { count };
            if carried { count.carried() } else { count }
        })
    }

    proptest! {
        #[test]
        fn the_high_water_mark_is_never_below_the_average(daily in prop::collection::vec(0_i64..1_000, 1..32), digits in 0_u32..4) {
            let observed: Vec<(i32, i64)> = (1..).zip(daily).collect();
            let last = observed.last().unwrap().0;
            let figure = |take| {
                let rule = DailyCount::new(take);
                let series = rule.series(&days(last), &counts(&observed)).unwrap();
                rule.figure(&series).unwrap().quantity
            };
            let peak = figure(DailyTake::HighWater);
            for rounding in [Rounding::half_up(digits), Rounding::half_even(digits)] {
                prop_assert!(peak >= figure(DailyTake::Average(rounding)));
            }
        }

        #[test]
        fn a_daily_count_survives_its_short_form_json_and_toml(rule in rule()) {
            prop_assert_eq!(rule.to_string().parse::<DailyCount>().unwrap(), rule);
            let json = serde_json::to_string(&rule).unwrap();
            prop_assert_eq!(serde_json::from_str::<DailyCount>(&json).unwrap(), rule);
            let text = toml::to_string(&rule).unwrap();
            prop_assert_eq!(toml::from_str::<DailyCount>(&text).unwrap(), rule);
        }
    }
}
