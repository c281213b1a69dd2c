//! Most agreements have their rows made the short way: what is found there is what the long one finds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use proptest::sample::select;
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, DailyCount, DailyTake, Exclusion, LineTarget, Mapping,
    ProductRule, ServiceEntry, ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementLine, AgreementReading, Basis, BillingCycle, ChargeKind,
    CivilDate, Commitment, CommittedQuantity, Company, Currency, Eligibility, Money, Period,
    Product, Timestamp, UsageLine,
};
use tallyline_core::reconcile::{Comparison, Dismissal, Dismissals, PsaBook, Reconciler};

const KINDS: [ChargeKind; 4] = [
    ChargeKind::Recurring,
    ChargeKind::Recurring,
    ChargeKind::Usage,
    ChargeKind::Proration,
];

/// A line of a reading: its service, quantity, kind, and what more it says.
type Used = (u32, u32, ChargeKind, u32);

#[derive(Clone, Debug)]
struct World {
    /// Of each service its product, what it counts, how it is billed, and whether it is on; none where it is excluded.
    services: Vec<Option<(u32, ChargeKind, BilledAs, bool)>>,
    /// Of each account its agreement, and its lines.
    accounts: Vec<(u32, Vec<Used>)>,
    /// The lines of each agreement: the product, the quantity, and the last day, if any.
    billed: Vec<Vec<(u32, u32, Option<i32>)>>,
    /// The one product that may not be used, and the agreement.
    unfit: (u32, u32),
    /// Of how many rows one is dismissed; none where of none.
    dismissed: Option<usize>,
    /// On which day of the month the first sync was.
    first_sync: Option<i32>,
    /// Whether the PSA's side is what counts were set last.
    of_counts: bool,
}

fn world() -> impl Strategy<Value = World> {
    let billed_as = select(vec![
        BilledAs::Line,
        BilledAs::Line,
        BilledAs::Line,
        BilledAs::LineAndProrations,
        BilledAs::Charge,
    ]);
    let on = prop::bool::weighted(0.9);
    let link = (0..5_u32, select(&KINDS[..3]), billed_as, on);
    let services = prop::collection::vec(prop::option::weighted(0.9, link), 6);
    let used = (0..7_u32, 0..4_u32, select(&KINDS[..]), 0..12_u32);
    let accounts = prop::collection::vec((0..4_u32, prop::collection::vec(used, 0..6)), 1..6);
    let end = prop::option::weighted(0.15, -3..3_i32);
    let billed = prop::collection::vec((0..6_u32, 0..4_u32, end), 0..6);
    let billed = prop::collection::vec(billed, 4);
    let dismissed = prop::option::of(1..6_usize);
    let first_sync = prop::option::of(0..31);
    let unfit = (0..8_u32, 0..8_u32);
    let of_counts = prop::bool::weighted(0.2);
    let all = (
        services, accounts, billed, unfit, dismissed, first_sync, of_counts,
    );
    all.prop_map(
        |(services, accounts, billed, unfit, dismissed, first_sync, of_counts)| World {
            services,
            accounts,
            billed,
            unfit,
            dismissed,
            first_sync,
            of_counts,
        },
    )
}

fn now() -> Timestamp {
    "2026-03-11T12:00:00Z".parse().unwrap()
}

fn unfit() -> Eligibility {
    Eligibility::NotEligible(vec!["it is closed".to_owned()])
}

impl World {
    fn mapping(&self) -> Mapping {
        let mut mapping = Mapping::new();
        for (at, (agreement, _)) in self.accounts.iter().enumerate() {
            let target = LineTarget::Agreement(format!("A{agreement}").into());
            let entry = AccountEntry::Link(AccountLink::manual(format!("C{agreement}"), target));
            mapping.set_account(format!("acct-{at}").into(), entry);
        }
        for (at, service) in self.services.iter().enumerate() {
            let entry = match service {
                None => ServiceEntry::Exclude(Exclusion::default()),
                Some((product, counts, billed_as, enabled)) => {
                    let mut rule = ProductRule::one_to_one(format!("P{product}"));
                    rule.carries_cost = *product != 3;
                    let mut link = ServiceLink::manual(vec![rule], *counts, *billed_as);
                    link.enabled = *enabled;
                    ServiceEntry::Link(link)
                }
            };
            mapping.set_service(format!("S{at}").into(), entry);
        }
        mapping
    }

    /// The mapping, and a service that nobody uses and that is counted by day: each agreement goes the long way then.
    fn mapping_of_the_long_way(&self) -> Mapping {
        let mut mapping = self.mapping();
        let by_day = DailyCount::new(DailyTake::HighWater);
        let rule = ProductRule::one_to_one("P-by-day").with_daily(by_day);
        let link = ServiceLink::manual(vec![rule], ChargeKind::Recurring, BilledAs::Line);
        mapping.set_service("S-by-day".into(), ServiceEntry::Link(link));
        mapping
    }

    fn first_sync(&self) -> Option<CivilDate> {
        let first = Period::month_of(now().date()).start();
        self.first_sync.map(|day| first.plus_days(day))
    }

    /// What a person dismisses of what both sides show.
    fn dismissals(&self, mapping: &Mapping, book: &PsaBook) -> Dismissals {
        let mut dismissals = Dismissals::new();
        let Some(of) = self.dismissed else {
            return dismissals;
        };
        let mut reconciler = Reconciler::new(mapping, book, now().date());
        let readings = self.readings();
        reconciler.observe_all(&readings).unwrap();
        for row in reconciler.finish().rows().step_by(of) {
            if let Ok(dismissal) = Dismissal::of(row, "somebody", now(), "known") {
                dismissals.dismiss(dismissal);
            }
        }
        dismissals
    }

    fn book(&self) -> PsaBook {
        let companies = (0..4).map(|at| Company::new(format!("C{at}"), format!("Client {at}")));
        let agreements = (0..4).map(|at| {
            let mut agreement = Agreement::new(format!("A{at}"), format!("C{at}"), "Cloud");
            agreement.currency = Some(Currency::USD);
            if at == self.unfit.1 {
                agreement.eligibility = unfit();
            }
            agreement
        });
        let products = (0..5).map(|at| {
            let mut product = Product::new(format!("P{at}"), format!("SKU-{at}"), "Seats");
            if at == self.unfit.0 {
                product.eligibility = unfit();
            }
            product
        });
        let mut book = PsaBook::new(companies, agreements, products);
        for (at, lines) in self.billed.iter().enumerate() {
            let lines = (0..).zip(lines).map(|(of, (product, quantity, end))| {
                let mut line =
                    AgreementLine::new(format!("L{of}"), format!("P{product}"), *quantity);
                line.state.last_day = end.map(|days| now().date().plus_days(days));
                line
            });
            book.add_lines(AgreementReading::complete(
                format!("A{at}"),
                lines.collect(),
            ));
        }
        if self.of_counts {
            return book.of_counts();
        }
        book
    }

    fn readings(&self) -> Vec<AccountReading> {
        let accounts = self.accounts.iter().enumerate();
        let readings = accounts.map(|(at, (_, lines))| {
            let lines = lines
                .iter()
                .enumerate()
                .map(|(of, used)| line(at, of, used));
            let account = format!("acct-{at}");
            let mut reading =
                AccountReading::complete(account, lines.collect(), Basis::Live, now());
            reading.billing_period = (at % 2 == 0).then(|| Period::month_of(now().date()));
            reading
        });
        readings.collect()
    }
}

fn line(account: usize, of: usize, (service, quantity, kind, more): &Used) -> UsageLine {
    // Keys that are not in the order of the lines.
    let key = format!("{}-{account}-{of}", (of * 7 + account) % 5);
    let mut line = UsageLine::new(key.as_str(), format!("S{service}").as_str(), *quantity);
    line.kind = *kind;
    match more {
        0 => line.unit_cost = Some(Money::new((*quantity).into(), Currency::USD)),
        1 => line.unit_price = Some(Money::new((*quantity).into(), Currency::USD)),
        2 => line.billing_cycle = BillingCycle::Yearly,
        3 => {
            let day: CivilDate = now().date().plus_days(9);
            line.period = Some(Period::new(day, day.plus_days(2)).unwrap());
        }
        4 => {
            let licences = CommittedQuantity::renewed(*quantity, now()).unwrap();
            line.commitment = Some(Box::new(
                Commitment::new(None, vec![]).with_licences(licences),
            ));
        }
        _ => {}
    }
    line
}

/// All that a comparison says.
fn words(comparison: &Comparison<'_>) -> Vec<String> {
    let rows = comparison.rows().map(|row| {
        let evidence = row.evidence().map(|line| {
            let of = (
                row.account_of(&line),
                row.service_of(&line),
                row.offer_of(&line),
            );
            let dates = (line.billed_until, line.is_billed, line.floor());
            let key = line.key();
            format!(
                "{of:?} {key:?} {} {:?} {:?} {dates:?}",
                line.quantity, line.kind, line.billing_cycle
            )
        });
        let evidence: Vec<String> = evidence.collect();
        let sides = (row.vendor(), row.line(), row.as_of(), row.is_metered());
        let amounts = (row.vendor_cost(), row.vendor_price(), row.charge());
        let why = (row.reason(), row.rules(), row.unmapped_service());
        format!(
            "{} {} {:?} {sides:?} {amounts:?} {why:?} {evidence:?}",
            row.agreement().id,
            row.product(),
            row.kind()
        )
    });
    let mut words: Vec<String> = rows.collect();
    words.sort();
    let left = comparison.unplaced().iter();
    words.extend(left.map(|unplaced| format!("{unplaced:?}")));
    words.push(format!(
        "{:?} {:?} {}",
        comparison.counts(),
        comparison.not_counted(),
        comparison.unowned_lines()
    ));
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_the_same_the_short_way_and_the_long_one_and_however_readings_come(world in world()) {
        let (mapping, book, readings) = (world.mapping(), world.book(), world.readings());
        let long_mapping = world.mapping_of_the_long_way();
        let dismissals = world.dismissals(&mapping, &book);
        let by = |mapping| {
            let reconciler = Reconciler::new(mapping, &book, now().date());
            reconciler.with_dismissals(&dismissals).with_first_sync(world.first_sync())
        };
        let reconciler = || by(&mapping);
        let mut long = by(&long_mapping);
        long.observe_all(&readings).unwrap();
        let wanted = words(&long.finish());
        let mut at_once = reconciler();
        at_once.observe_all(&readings).unwrap();
        prop_assert_eq!(&words(&at_once.finish()), &wanted);
        let mut one_by_one = reconciler();
        for reading in readings.iter().rev() {
            one_by_one.observe(reading.clone()).unwrap();
        }
        prop_assert_eq!(&words(&one_by_one.finish()), &wanted);
        let (some, others) = readings.split_at(readings.len() / 2);
        let mut both = reconciler();
        for reading in some {
            both.observe(reading.clone()).unwrap();
        }
        both.observe_all(others).unwrap();
        prop_assert_eq!(&words(&both.finish()), &wanted);
        let mut settled = reconciler();
        settled.observe_all(&readings).unwrap();
        let (rows, last) = (words(&settled.settled()), words(&settled.finish()));
        let of = |words: &[String]| words.iter().filter(|it| it.starts_with('A')).cloned().collect::<Vec<_>>();
        let mut all = [of(&rows), of(&last)].concat();
        all.sort();
        prop_assert_eq!(all, of(&wanted));
    }
}
