//! Quantities by rules that need more than the present sum: daily counts and parts.

use std::collections::BTreeSet;

use super::compiled::{Decision, ProductRoute};
use super::owed::{Owed, OwedProducts};
use super::own::{Home, key_of};
use super::reconciler::Reconciler;
use super::usage::AgreementUsage;
use crate::mapping::{
    CountedPeriod, DailyCount, DailyFigure, DayFigure, ProductRule, billed_of_each,
};
use crate::model::{
    AccountReading, Agreement, AgreementKey, CivilDate, Period, Quantity, Timestamp, UsageLine,
    VendorAccountId,
};
use crate::store::{DailyCounts, DayReading};

/// Whose counts an agreement's are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Counted {
    /// All of its accounts'.
    #[default]
    All,
    /// Those of what it is recognised by.
    Own { key: AgreementKey, bundled: bool },
    /// It is not known what it is recognised by.
    Unknown,
}

impl Counted {
    /// Those of the agreement of its own that a line goes onto.
    pub(super) fn own(account: &VendorAccountId, line: &UsageLine, home: Home<'_>) -> Self {
        let bundled = home.master.is_some();
        Self::Own {
            key: key_of(account, line, bundled),
            bundled,
        }
    }
}

impl AgreementUsage {
    /// Takes note of an account that feeds the agreement. Where accounts do so in different ways, it is
    /// not known whose counts are the agreement's.
    pub(super) fn counts(&mut self, account: u32, counted: Counted) {
        let more = self.more_mut();
        let alike = more.accounts.is_empty() || more.counted == counted;
        more.counted = if alike { counted } else { Counted::Unknown };
        more.accounts.insert(account);
    }
}

/// What is known of an agreement's days.
#[derive(Debug)]
pub(super) struct Days {
    agreement: u32,
    counted: Counted,
    /// The accounts that feed it.
    accounts: BTreeSet<VendorAccountId>,
    /// The oldest state that its readings show.
    as_of: Option<Timestamp>,
    /// The services that it has usage of.
    used: BTreeSet<u32>,
}

/// A quantity, and the words that name the days that gave it.
pub(super) type Billed = Result<(Quantity, Option<String>), String>;

impl<'a> Reconciler<'a> {
    /// Says what was counted on earlier days, for rules that take a high-water mark or an average of
    /// a period's [days](crate::mapping::DailyCount). The readings add their own day.
    ///
    /// Without the count of a day such a quantity is not observed.
    #[must_use]
    pub fn with_daily_counts(mut self, counts: DailyCounts) -> Self {
        self.days = counts;
        self
    }

    /// What is known of an agreement's days; nothing where nothing is counted by day.
    pub(super) fn days_of(
        &self,
        agreement: u32,
        usage: &AgreementUsage,
        services: impl Iterator<Item = u32>,
    ) -> Days {
        let mut days = Days {
            agreement,
            counted: Counted::All,
            accounts: BTreeSet::new(),
            as_of: usage.as_of,
            used: BTreeSet::new(),
        };
        if !self.counted_by_day.is_empty() {
            days.counted = usage.more().counted.clone();
            let feeds = usage.more().accounts.iter();
            days.accounts = feeds
                .map(|at| self.accounts[*at as usize].clone())
                .collect();
            days.used = services.collect();
        }
        days
    }

    /// Takes note of a reading's own day.
    pub(super) fn note_day(&mut self, reading: &AccountReading) {
        if !self.counted_by_day.is_empty()
            && let Some(day) = DayReading::of(reading, &self.counted_by_day, self.today)
        {
            self.days.add(day);
        }
    }

    /// What each product of a service bills of its quantity, in the order of the products, where a rule
    /// needs more than the sum.
    pub(super) fn billed_by_rules(
        &self,
        days: &Days,
        service: u32,
        rules: &[ProductRule],
        total: Option<Quantity>,
    ) -> Vec<Billed> {
        let whole = |rule: &ProductRule| -> Billed {
            match &rule.daily {
                Some(daily) => {
                    let figure = self.daily_figure(days, service, daily)?;
                    Ok((figure.quantity, Some(figure.words)))
                }
                None => total
                    .map(|total| (total, None))
                    .ok_or_else(|| "the quantities cannot be summed exactly".to_owned()),
            }
        };
        let divided = rules.first().filter(|rule| rule.part.is_some());
        let Some(first) = divided else {
            let own = |rule: &ProductRule| {
                let (quantity, words) = whole(rule)?;
                let billed = rule.billed(quantity);
                Ok((billed.map_err(|error| error.message().to_owned())?, words))
            };
            return rules.iter().map(own).collect();
        };
        let shares = whole(first).and_then(|(quantity, words)| {
            let shares = billed_of_each(rules, quantity);
            let shares = shares.map_err(|error| error.message().to_owned())?;
            Ok((shares, words))
        });
        match shares {
            Ok((shares, words)) => {
                let share = |quantity| Ok((quantity, words.clone()));
                shares.into_iter().map(share).collect()
            }
            Err(why) => rules.iter().map(|_| Err(why.clone())).collect(),
        }
    }

    /// Adds what the days so far say of services that are not in use any more: absence today does not
    /// take back a high-water mark.
    pub(super) fn owe_by_days(
        &self,
        days: &Days,
        has_line: impl Fn(u32) -> bool,
        owed: &mut OwedProducts,
    ) {
        for service in &self.routes.counted_by_day {
            if days.used.contains(service) {
                continue;
            }
            let Decision::Linked {
                products,
                by_rules: Some(rules),
                ..
            } = &self.routes.services[*service as usize].decision
            else {
                continue;
            };
            let billed = self.billed_by_rules(days, *service, rules, Some(Quantity::ZERO));
            for (route, billed) in products.iter().zip(billed) {
                let counts = route.rule.daily.is_some();
                let tells = match &billed {
                    Ok((quantity, _)) => !quantity.is_zero(),
                    Err(_) => has_line(route.product),
                };
                if counts && tells {
                    self.owe(*service, *route, billed, owed);
                }
            }
        }
    }

    /// Adds what a service says of a product.
    pub(super) fn owe<'o>(
        &self,
        service: u32,
        route: ProductRoute<'_>,
        billed: Billed,
        owed: &'o mut OwedProducts,
    ) -> &'o mut Owed {
        let product = owed.of(route.product);
        let key = self.routes.services[service as usize].key;
        match billed {
            Ok((quantity, words)) => {
                product.quantity = product.quantity.and_then(|sum| sum.checked_add(quantity));
                if let Some(words) = words {
                    product.by_days(format!("{key}: {words}"));
                }
            }
            Err(why) => {
                product.unknown(format!("service {key}: {why}"));
            }
        }
        product
    }

    /// What the daily counts of a service of an agreement come to.
    fn daily_figure(
        &self,
        days: &Days,
        service: u32,
        rule: &DailyCount,
    ) -> Result<DailyFigure, String> {
        let period = self.counted_days(days, rule.period)?;
        let route = &self.routes.services[service as usize];
        let Decision::Linked { counts, .. } = &route.decision else {
            return Err("it is not linked".to_owned());
        };
        let own = match &days.counted {
            Counted::All => None,
            Counted::Own { key, bundled } => Some((key, *bundled)),
            Counted::Unknown => {
                return Err("what its agreement is recognised by is not known".to_owned());
            }
        };
        let mut accounts: BTreeSet<&VendorAccountId> = days.accounts.iter().collect();
        if let (Some(own), true) = (own, accounts.is_empty()) {
            accounts = self.days.accounts_of(own);
        }
        let mut sum: Vec<DayFigure> = Vec::new();
        for account in &accounts {
            let observed = self.days.counts_of(account, (route.key, *counts), own);
            let series = rule.series(&period, &observed);
            let series = series.map_err(|why| format!("account {account}: {why}"))?;
            sum = match sum.is_empty() {
                true => series,
                false => added(&sum, &series).ok_or("the daily counts cannot be summed exactly")?,
            };
        }
        let figure = rule.figure(&sum);
        figure.map_err(|error| error.message().to_owned())
    }

    /// The days that a rule counts of an agreement.
    fn counted_days(&self, days: &Days, counted: CountedPeriod) -> Result<Period, String> {
        let terms = self.agreement_at(days.agreement);
        let running = period_of(terms, self.today);
        match counted {
            CountedPeriod::Running => {
                let seen = days.as_of.map_or(self.today, |as_of| as_of.date());
                let last = seen.min(self.today);
                Period::new(running.start(), last).map_err(|_| {
                    format!(
                        "no reading shows a day of the period that began on {} yet",
                        running.start()
                    )
                })
            }
            _ => Ok(period_of(terms, running.start().plus_days(-1))),
        }
    }
}

/// The billing period of an agreement that holds a day; the calendar month where it is not known.
pub(crate) fn period_of(terms: &Agreement, day: CivilDate) -> Period {
    terms
        .period_of(day)
        .unwrap_or_else(|| Period::month_of(day))
}

/// The counts of two accounts, day by day.
fn added(a: &[DayFigure], b: &[DayFigure]) -> Option<Vec<DayFigure>> {
    let both = a.iter().zip(b);
    both.map(|(a, b)| {
        Some(DayFigure {
            day: a.day,
            quantity: a.quantity.checked_add(b.quantity)?,
            carried: a.carried || b.carried,
        })
    })
    .collect()
}
