//! From when a change counts: in advance or in arrears, in proportion to the days or by whole periods.

use super::{ArrearsCount, BillingMode, EffectiveDate, Policy, Strategy};
use crate::model::{Agreement, CivilDate, Period, Quantity};
use crate::sink::SinkDescriptor;

/// Whether more is billed or less: the two are prorated by switches of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Increase,
    Decrease,
    /// Neither, or not known: prorated where both are.
    Either,
}

impl Direction {
    pub(crate) fn of(from: Quantity, to: Quantity) -> Self {
        match to.cmp(&from) {
            std::cmp::Ordering::Greater => Self::Increase,
            std::cmp::Ordering::Less => Self::Decrease,
            std::cmp::Ordering::Equal => Self::Either,
        }
    }
}

/// The days of an agreement under a policy, as of a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar<'a> {
    policy: &'a Policy,
    agreement: &'a Agreement,
    today: CivilDate,
    /// Whether what is billed was measured: that is always billed afterwards.
    metered: bool,
}

impl<'a> Calendar<'a> {
    pub(crate) fn new(policy: &'a Policy, agreement: &'a Agreement, today: CivilDate) -> Self {
        Self {
            policy,
            agreement,
            today,
            metered: false,
        }
    }

    /// Says whether what is billed was measured. Without a billing mode nothing follows from it, and it is not asked.
    pub(crate) fn of_metered(mut self, metered: impl FnOnce() -> bool) -> Self {
        self.metered = self.policy.billing_mode.is_some() && metered();
        self
    }

    /// Whether a period is billed after its end.
    pub(crate) fn is_in_arrears(&self) -> bool {
        self.metered || self.policy.billing_mode == Some(BillingMode::PostBilling)
    }

    /// Whether a change of the direction counts from its own day, and not from a period's first.
    pub(crate) fn prorates(&self, direction: Direction) -> bool {
        !self.metered
            && self.agreement.prorates == Some(true)
            && self.policy.prorates(direction).unwrap_or(true)
    }

    /// The first day not invoiced yet, where that is known: in advance the day of the next invoice;
    /// in arrears the first day of the period that this invoice is for.
    pub(crate) fn open_from(&self) -> Option<CivilDate> {
        let next = self.agreement.next_invoice?;
        if !self.is_in_arrears() {
            return Some(next);
        }
        let billed = self.agreement.period_of(next.plus_days(-1));
        Some(billed.map_or(next, |period| period.start()))
    }

    /// The billing period that holds the day; the calendar month where it is not known.
    pub(crate) fn running_period(&self) -> (CivilDate, CivilDate) {
        let period = self.agreement.period_of(self.today);
        let period = period.unwrap_or_else(|| Period::month_of(self.today));
        (period.start(), period.end())
    }

    /// The first day on which a change counts.
    pub(crate) fn first_day(&self, direction: Direction) -> CivilDate {
        let date = match self.policy.effective_date {
            EffectiveDate::Today => self.today,
            EffectiveDate::NextPeriod => self.next_period(),
            EffectiveDate::ByAgreement => match self.agreement.counts_from {
                Some(day) => day,
                None if self.prorates(direction) => self.today,
                None => self.boundary(),
            },
        };
        self.not_before(date)
    }

    /// The first day of a new line. A PSA refuses one before the next invoice where the agreement
    /// does not prorate, also in arrears.
    pub(crate) fn first_day_of_line(&self) -> CivilDate {
        let day = self.first_day(Direction::Increase);
        match self.agreement.next_invoice {
            Some(next) if self.is_in_arrears() && self.agreement.prorates != Some(true) => {
                day.max(next)
            }
            _ => day,
        }
    }

    /// The day on which a line is replaced where it is not known that the PSA bills it in
    /// proportion to the days up to its end.
    pub(crate) fn first_of_next_period(&self) -> CivilDate {
        self.not_before(self.next_period())
    }

    /// The first day on which what is set in place counts: the first not invoiced yet, of whatever
    /// period it is; the day given where that is not known.
    pub(crate) fn in_place_from(&self, otherwise: CivilDate) -> CivilDate {
        self.not_before(self.open_from().unwrap_or(otherwise))
    }

    /// How a sink is to bring a new quantity onto a line, so that what is prorated counts from its
    /// day and what is not from a period's first.
    pub(crate) fn strategy(&self, sink: &SinkDescriptor, direction: Direction) -> Strategy {
        let own = sink.strategy;
        if sink.capabilities.dated_quantities {
            return own;
        }
        if self.is_in_arrears() {
            let first = self.first_day(direction);
            // Set in place it would count for days before that are not invoiced yet.
            let open = self.open_from().unwrap_or(self.running_period().0);
            return if first > self.not_before(open) {
                Strategy::Versioned
            } else {
                Strategy::InPlace
            };
        }
        match own {
            Strategy::InPlace | Strategy::InPlaceWithCatchUp if self.policy.proration.is_some() => {
                if self.prorates(direction) {
                    Strategy::InPlaceWithCatchUp
                } else {
                    Strategy::InPlace
                }
            }
            own => own,
        }
    }

    /// The first day of a period from which what is not prorated counts.
    fn boundary(&self) -> CivilDate {
        let (start, end) = self.running_period();
        match self.policy.arrears_count {
            _ if !self.is_in_arrears() => self.next_period(),
            _ if self.metered => self.open_from().unwrap_or(start),
            ArrearsCount::EndOfPeriod => start,
            ArrearsCount::StartOfPeriod => end.plus_days(1),
        }
    }

    /// In advance the first day not invoiced yet, or the first of the next month where that is not
    /// known; in arrears the first of the next period.
    fn next_period(&self) -> CivilDate {
        match self.agreement.next_invoice {
            _ if self.is_in_arrears() => self.running_period().1.plus_days(1),
            Some(next) if next > self.today => next,
            _ => self.today.last_of_month().plus_days(1),
        }
    }

    /// The date, or the first day that the agreement bills where that is later.
    fn not_before(&self, date: CivilDate) -> CivilDate {
        let start = self.agreement.bill_start;
        start.map_or(date, |start| date.max(start))
    }
}
