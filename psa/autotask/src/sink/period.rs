//! Where the billing periods of a contract begin. No I/O, no clock.

use tallyline_core::model::{BillingCycle, CivilDate};

/// How the billing periods of contracts lie. The vendor does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeriodGrid {
    /// They are stepped from the contract's first day: from the 17th to the 16th.
    #[default]
    ContractStart,
    /// They follow the calendar's months; the first one is a part of one.
    CalendarMonth,
}

/// The billing periods of one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Periods {
    start: CivilDate,
    anchor: CivilDate,
    months: u32,
}

impl Periods {
    /// None for a cycle that is not counted in months.
    pub(super) fn new(start: CivilDate, cycle: BillingCycle, grid: PeriodGrid) -> Option<Self> {
        let months = match cycle {
            BillingCycle::Monthly => 1,
            BillingCycle::BiMonthly => 2,
            BillingCycle::Quarterly => 3,
            BillingCycle::SemiAnnual => 6,
            BillingCycle::Yearly => 12,
            _ => return None,
        };
        let anchor = match grid {
            PeriodGrid::ContractStart => start,
            PeriodGrid::CalendarMonth => start.first_of_month(),
        };
        Some(Self {
            start,
            anchor,
            months,
        })
    }

    /// The first day of the first period that begins after a day.
    pub(super) fn first_after(&self, day: CivilDate) -> CivilDate {
        if day < self.start {
            return self.start;
        }
        self.begin_of(self.step_after(day))
    }

    /// The first day of the period that holds a day; of the first one, where the day comes before.
    pub(super) fn holding(&self, day: CivilDate) -> CivilDate {
        if day < self.start {
            return self.start;
        }
        let before = self.step_after(day).saturating_sub(1);
        self.begin_of(before).max(self.start)
    }

    fn begin_of(&self, step: u32) -> CivilDate {
        self.anchor.plus_months(step.saturating_mul(self.months))
    }

    /// The number, from the anchor, of the first period that begins after a day.
    fn step_after(&self, day: CivilDate) -> u32 {
        // Begins at or before the wanted one: months are no shorter than 28 days.
        let months = |date: CivilDate| i32::from(date.year()) * 12 + i32::from(date.month());
        let between = u32::try_from(months(day) - months(self.anchor)).unwrap_or(0);
        let mut step = (between / self.months).saturating_sub(1);
        loop {
            let begins = self.begin_of(step);
            let next = step.saturating_add(1);
            // Where nothing begins after that, the calendar ends.
            if begins > day || self.begin_of(next) <= begins {
                return step;
            }
            step = next;
        }
    }

    /// Whether a period begins on a day.
    pub(super) fn begins_on(&self, day: CivilDate) -> bool {
        day == self.start || (day > self.start && self.first_after(day.plus_days(-1)) == day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> CivilDate {
        text.parse().unwrap()
    }

    fn periods(start: &str, cycle: BillingCycle, grid: PeriodGrid) -> Periods {
        Periods::new(date(start), cycle, grid).unwrap()
    }

    #[test]
    fn periods_are_stepped_from_the_contracts_first_day() {
        let monthly = periods(
            "2026-01-17",
            BillingCycle::Monthly,
            PeriodGrid::ContractStart,
        );
        for (day, next) in [
            ("2025-12-01", "2026-01-17"),
            ("2026-01-17", "2026-02-17"),
            ("2026-02-16", "2026-02-17"),
            ("2026-12-31", "2027-01-17"),
            ("2031-01-16", "2031-01-17"),
        ] {
            assert_eq!(monthly.first_after(date(day)), date(next), "{day}");
        }
        assert!(monthly.begins_on(date("2026-01-17")) && monthly.begins_on(date("2028-02-17")));
        assert!(!monthly.begins_on(date("2026-02-16")) && !monthly.begins_on(date("2025-12-17")));
        let quarterly = periods(
            "2025-11-30",
            BillingCycle::Quarterly,
            PeriodGrid::ContractStart,
        );
        // Stepped from the start: a short month does not move the ones after it.
        assert_eq!(
            quarterly.first_after(date("2025-12-01")),
            date("2026-02-28")
        );
        assert_eq!(
            quarterly.first_after(date("2026-02-28")),
            date("2026-05-30")
        );
    }

    #[test]
    fn a_day_is_held_by_the_period_that_began_last() {
        let monthly = periods(
            "2026-01-31",
            BillingCycle::Monthly,
            PeriodGrid::ContractStart,
        );
        for (day, begins) in [
            ("2025-12-01", "2026-01-31"),
            ("2026-02-27", "2026-01-31"),
            ("2026-02-28", "2026-02-28"),
            ("2026-03-30", "2026-02-28"),
            ("2026-03-31", "2026-03-31"),
            ("2031-06-29", "2031-05-31"),
        ] {
            assert_eq!(monthly.holding(date(day)), date(begins), "{day}");
        }
    }

    #[test]
    fn periods_of_the_calendar_begin_with_a_part() {
        let monthly = periods(
            "2026-01-17",
            BillingCycle::Monthly,
            PeriodGrid::CalendarMonth,
        );
        assert_eq!(monthly.first_after(date("2026-01-17")), date("2026-02-01"));
        assert!(monthly.begins_on(date("2026-01-17")) && monthly.begins_on(date("2026-03-01")));
        assert!(!monthly.begins_on(date("2026-01-01")) && !monthly.begins_on(date("2026-02-17")));
    }

    #[test]
    fn a_cycle_that_is_not_known_has_no_periods_and_the_calendars_end_is_an_end() {
        let start = date("2026-01-01");
        for cycle in [
            BillingCycle::Unknown,
            BillingCycle::OneTime,
            BillingCycle::Weekly,
        ] {
            assert_eq!(Periods::new(start, cycle, PeriodGrid::default()), None);
        }
        let last = date("9999-12-31");
        let yearly = periods(
            "9999-06-01",
            BillingCycle::Yearly,
            PeriodGrid::ContractStart,
        );
        assert!(yearly.first_after(last) <= last);
    }
}
