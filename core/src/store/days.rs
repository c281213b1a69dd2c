//! The counts of each day, as complete readings stated them: what a high-water mark or an average of
//! a billing period is taken of.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::{
    AccountReading, AgreementKey, ChargeKind, CivilDate, Period, Quantity, ServiceKey, Timestamp,
    VendorAccountId,
};
use crate::reconcile::key_of;

/// How many days a store keeps: two yearly periods, and a month to carry counts from.
pub const DAYS_KEPT: u32 = 800;

/// What is counted together: what agreements of their own are recognised by, and its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCount {
    /// The key where each subscription has an agreement of its own.
    pub subscription: AgreementKey,
    /// The key where each service has a child agreement under a master.
    pub child: AgreementKey,
    /// The count.
    pub quantity: Quantity,
}

impl OwnCount {
    /// Whether it belongs to the agreement of a key: a child's, or a subscription's.
    fn is_of(&self, (key, bundled): (&AgreementKey, bool)) -> bool {
        let own = if bundled {
            &self.child
        } else {
            &self.subscription
        };
        key.is_same(own.as_str())
    }
}

/// What one service of an account counted on a day, by what agreements of their own are recognised by. A
/// service that is not used counts nothing, which is not the same as not being there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCount {
    /// The service.
    pub service: ServiceKey,
    /// The kind of usage lines that is counted.
    pub kind: ChargeKind,
    /// The counts; none where it has no line.
    pub counts: Vec<OwnCount>,
}

/// What a complete reading of an account counted on a day. What it could not state is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DayReading {
    /// The account.
    pub account: VendorAccountId,
    /// The day (UTC) whose state it shows.
    pub day: CivilDate,
    /// The instant whose state it shows.
    pub as_of: Timestamp,
    /// The counts, in the order of the services.
    pub counts: Vec<DayCount>,
}

impl DayReading {
    /// The counts of the services that are [counted by
    /// day](crate::mapping::Mapping::counted_by_day); none of a reading that failed. A state from the
    /// future is one of the present day.
    #[must_use]
    pub fn of(
        reading: &AccountReading,
        wanted: &BTreeMap<ServiceKey, ChargeKind>,
        today: CivilDate,
    ) -> Option<Self> {
        let lines = reading.lines()?;
        type Keys = (AgreementKey, AgreementKey);
        let mut sums: BTreeMap<&ServiceKey, BTreeMap<Keys, Option<Quantity>>> = wanted
            .iter()
            .filter(|(service, kind)| {
                !reading.unread_kinds.contains(kind)
                    && !reading.unobserved.contains_key(*service)
                    && !reading.exported.contains(*service)
            })
            .map(|(service, _)| (service, BTreeMap::new()))
            .collect();
        for line in lines {
            if wanted.get(&line.service) != Some(&line.kind) {
                continue;
            }
            if let Some(sums) = sums.get_mut(&line.service) {
                let key = |bundled| key_of(&reading.account, line, bundled);
                let sum = sums
                    .entry((key(false), key(true)))
                    .or_insert(Some(Quantity::ZERO));
                *sum = sum.and_then(|sum| sum.checked_add(line.quantity));
            }
        }
        let counts = sums.into_iter().filter_map(|(service, sums)| {
            let counts = sums.into_iter().map(|((subscription, child), sum)| {
                Some(OwnCount {
                    subscription,
                    child,
                    quantity: sum?,
                })
            });
            Some(DayCount {
                service: service.clone(),
                kind: *wanted.get(service)?,
                // What cannot be summed exactly is not observed.
                counts: counts.collect::<Option<_>>()?,
            })
        });
        Some(Self {
            account: reading.account.clone(),
            day: reading.as_of().date().min(today),
            as_of: reading.as_of(),
            counts: counts.collect(),
        })
    }

    /// What a service counted: all of it, or what belongs to one agreement of its own. None where the
    /// reading does not say it.
    fn count(
        &self,
        (service, kind): (&ServiceKey, ChargeKind),
        own: Option<(&AgreementKey, bool)>,
    ) -> Option<Quantity> {
        let of_service = |count: &&DayCount| count.service == *service && count.kind == kind;
        let count = self.counts.iter().find(of_service)?;
        let mine = |count: &&OwnCount| own.is_none_or(|own| count.is_of(own));
        let counts = count.counts.iter().filter(mine);
        let mut counts = counts.map(|count| count.quantity);
        counts.try_fold(Quantity::ZERO, |sum, quantity| sum.checked_add(quantity))
    }

    /// Whether it is to be kept in place of another of the same day.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        other.as_of <= self.as_of
    }
}

/// Counts by account and day, as a reconcile takes them in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DailyCounts(BTreeMap<VendorAccountId, BTreeMap<CivilDate, DayReading>>);

impl DailyCounts {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what was counted on a day. Of two readings of one day the one of the newer state stays.
    pub fn add(&mut self, reading: DayReading) {
        let days = self.0.entry(reading.account.clone()).or_default();
        if days
            .get(&reading.day)
            .is_none_or(|known| reading.replaces(known))
        {
            days.insert(reading.day, reading);
        }
    }

    /// All readings, by account and day.
    pub fn readings(&self) -> impl Iterator<Item = &DayReading> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// What a service of an account counted on each day on which that was observed: all of it, or what
    /// belongs to the agreement of a key, which is that of a child (`true`) or of a subscription.
    #[must_use]
    pub fn counts_of(
        &self,
        account: &VendorAccountId,
        service: (&ServiceKey, ChargeKind),
        own: Option<(&AgreementKey, bool)>,
    ) -> BTreeMap<CivilDate, Quantity> {
        let days = self.0.get(account).into_iter().flatten();
        days.filter_map(|(day, reading)| Some((*day, reading.count(service, own)?)))
            .collect()
    }

    /// The accounts that ever counted something for the agreement of a key, a child's (`true`) or a
    /// subscription's.
    #[must_use]
    pub fn accounts_of(&self, own: (&AgreementKey, bool)) -> BTreeSet<&VendorAccountId> {
        let mut found = BTreeSet::new();
        for reading in self.readings() {
            let mut counts = reading.counts.iter().flat_map(|count| &count.counts);
            if counts.any(|count| count.is_of(own)) {
                found.insert(&reading.account);
            }
        }
        found
    }
}

/// The durable counts of each day. It is bounded: days before the last [`DAYS_KEPT`] are dropped.
#[async_trait]
pub trait CountHistory: Send + Sync {
    /// Records what complete readings of a source counted; durable when it returns. Of two readings of
    /// an account on one day the one of the newer state stays.
    ///
    /// # Errors
    /// `Storage` when they could not be recorded.
    async fn record_days(
        &self,
        source: &str,
        today: CivilDate,
        readings: &[DayReading],
    ) -> Result<()>;

    /// The counts of a source on the days of a period.
    ///
    /// # Errors
    /// `Storage` when they could not be read.
    async fn days(&self, source: &str, period: &Period) -> Result<DailyCounts>;
}

/// The first day that is kept on a day.
pub(super) fn first_kept(today: CivilDate) -> CivilDate {
    today.plus_days(1 - i32::try_from(DAYS_KEPT).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Basis, ReadFailure, UsageLine};
    use crate::{Error, ErrorKind};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn wanted() -> BTreeMap<ServiceKey, ChargeKind> {
        BTreeMap::from([
            ("DISK".into(), ChargeKind::Recurring),
            ("MAIL".into(), ChargeKind::Recurring),
        ])
    }

    fn seats(key: &str, quantity: u32) -> UsageLine {
        UsageLine::new(key, "MAIL", quantity).with_subscription(key)
    }

    fn reading(lines: Vec<UsageLine>, when: &str) -> AccountReading {
        AccountReading::complete("c-1", lines, Basis::Live, at(when))
    }

    fn today() -> CivilDate {
        "2026-03-11".parse().unwrap()
    }

    fn day(lines: Vec<UsageLine>, when: &str) -> DayReading {
        DayReading::of(&reading(lines, when), &wanted(), today()).unwrap()
    }

    fn count(day: &DayReading, service: &str, own: Option<&str>) -> Option<Quantity> {
        let own = own.map(AgreementKey::new);
        let own = own.as_ref().map(|key| (key, false));
        day.count((&service.into(), ChargeKind::Recurring), own)
    }

    #[test]
    fn a_service_without_lines_counts_zero_and_one_that_was_not_read_counts_nothing() {
        let whole = day(vec![seats("A", 3), seats("B", 4)], "2026-03-11T08:00:00Z");
        assert_eq!(count(&whole, "MAIL", None), Some(7_u32.into()));
        assert_eq!(count(&whole, "MAIL", Some("b ")), Some(4_u32.into()));
        assert_eq!(count(&whole, "DISK", None), Some(Quantity::ZERO));
        assert_eq!(count(&whole, "OTHER", None), None);

        let mut part = reading(vec![], "2026-03-11T08:00:00Z");
        part.unobserved.insert("MAIL".into(), "why".to_owned());
        let part = DayReading::of(&part, &wanted(), today()).unwrap();
        assert_eq!(count(&part, "MAIL", None), None);
        assert_eq!(count(&part, "DISK", None), Some(Quantity::ZERO));

        let mut unread = reading(vec![], "2026-03-11T08:00:00Z");
        unread.unread_kinds.push(ChargeKind::Recurring);
        let unread = DayReading::of(&unread, &wanted(), today()).unwrap();
        assert!(unread.counts.is_empty());

        let failure = ReadFailure::from(&Error::new(ErrorKind::Unavailable, "down"));
        let failed =
            AccountReading::failed("c-1", failure, Basis::Live, at("2026-03-11T08:00:00Z"));
        assert_eq!(DayReading::of(&failed, &wanted(), today()), None);
    }

    #[test]
    fn a_child_agreement_counts_what_is_its_own_and_a_subscriptions_what_is_that() {
        let mut line = seats("A", 3);
        line.resource_group = Some("VDC-1".into());
        let child = key_of(&"c-1".into(), &line, true);
        let day = day(vec![line, seats("B", 4)], "2026-03-11T08:00:00Z");
        let mail: ServiceKey = "MAIL".into();
        let of = |key: &AgreementKey, bundled| {
            day.count((&mail, ChargeKind::Recurring), Some((key, bundled)))
        };
        assert_eq!(of(&child, true), Some(3_u32.into()));
        assert_eq!(of(&child, false), Some(Quantity::ZERO));
        assert_eq!(of(&"A".into(), false), Some(3_u32.into()));
        assert_eq!(of(&"A".into(), true), Some(Quantity::ZERO));
        let mut counts = DailyCounts::new();
        counts.add(day.clone());
        assert_eq!(counts.accounts_of((&child, true)).len(), 1);
        assert!(counts.accounts_of((&child, false)).is_empty());
    }

    #[test]
    fn the_newest_state_of_a_day_counts_in_whatever_order_it_comes() {
        let early = day(vec![seats("A", 3)], "2026-03-10T08:00:00Z");
        let late = day(vec![seats("A", 5)], "2026-03-10T08:00:00.5Z");
        for readings in [[&early, &late], [&late, &early]] {
            let mut counts = DailyCounts::new();
            for reading in readings {
                counts.add(reading.clone());
            }
            assert_eq!(counts.readings().collect::<Vec<_>>(), [&late]);
        }
        let future = day(vec![], "2026-03-12T08:00:00Z");
        assert_eq!(future.day, today());
    }

    fn stores() -> Vec<Box<dyn CountHistory>> {
        vec![
            Box::new(crate::store::MemoryStore::new()),
            #[cfg(feature = "sqlite")]
            Box::new(crate::store::SqliteStore::open_in_memory().unwrap()),
        ]
    }

    #[tokio::test]
    async fn what_was_recorded_is_given_back_by_source_and_days_and_dropped_when_too_old() {
        for store in stores() {
            let kept = first_kept(today());
            let old = DayReading {
                day: kept.plus_days(-1),
                ..day(vec![], "2026-03-09T08:00:00Z")
            };
            let oldest = DayReading {
                day: kept,
                ..old.clone()
            };
            let early = day(vec![seats("A", 3)], "2026-03-10T08:00:00Z");
            let late = day(vec![seats("A", 5)], "2026-03-10T08:00:00.5Z");
            let all = [old, oldest.clone(), late.clone()];
            store.record_days("market", today(), &all).await.unwrap();
            // An older state of a day does not take the place of a newer one.
            store
                .record_days("market", today(), &[early])
                .await
                .unwrap();
            let since = |first: CivilDate| Period::new(first, today()).unwrap();
            let days = store
                .days("market", &since(kept.plus_days(-30)))
                .await
                .unwrap();
            assert_eq!(days.readings().collect::<Vec<_>>(), [&oldest, &late]);
            let days = store
                .days("market", &since(today().plus_days(-1)))
                .await
                .unwrap();
            assert_eq!(days.readings().collect::<Vec<_>>(), [&late]);
            let days = store.days("other", &since(kept)).await.unwrap();
            assert_eq!(days, DailyCounts::new());
        }
    }
}
