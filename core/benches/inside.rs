//! The inside: reconcile, plan, proration and the decoding of plans. Compare within one run.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]
#![allow(missing_docs, reason = "criterion's macros write functions without")]

mod world;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::num::NonZeroUsize;
use tallyline_core::model::{Agreement, BillingCycle, CivilDate, Money, Period, Quantity};
use tallyline_core::plan::Plan;
use tallyline_core::proration::{DayCount, Prediction, ProrationRule, Rounding, RoundingMode};
use world::World;

const ACCOUNTS: u32 = 2_000;

fn reconcile(criterion: &mut Criterion) {
    let world = World::of_accounts(ACCOUNTS).unwrap();
    let mut group = criterion.benchmark_group("reconcile");
    group.throughput(Throughput::Elements(u64::from(ACCOUNTS) * 10));
    group.bench_function("book", |bencher| {
        let lines = || world.lines.clone();
        bencher.iter_batched(lines, |lines| world.book(lines), BatchSize::LargeInput);
    });
    let book = world.book(world.lines.clone());
    group.bench_function("compare", |bencher| {
        bencher.iter_with_large_drop(|| world.compare(&book, NonZeroUsize::MIN).unwrap());
    });
    group.finish();
}

fn plan(criterion: &mut Criterion) {
    let world = World::of_accounts(ACCOUNTS).unwrap();
    let book = world.book(world.lines.clone());
    let comparison = world.compare(&book, NonZeroUsize::MIN).unwrap();
    let plan = world.plan(&comparison).unwrap();
    let text = plan.to_text().unwrap();
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(plan.changes().len() as u64));
    group.bench_function("make", |bencher| {
        bencher.iter_with_large_drop(|| world.plan(&comparison).unwrap());
    });
    group.bench_function("write", |bencher| bencher.iter(|| plan.to_text().unwrap()));
    group.bench_function("decode", |bencher| {
        bencher.iter_with_large_drop(|| Plan::from_text(&text).unwrap());
    });
    group.finish();
}

fn proration(criterion: &mut Criterion) {
    let day = |text: &str| text.parse::<CivilDate>().unwrap();
    let mut agreement = Agreement::new("1", "2", "Cloud");
    agreement.billing_cycle = BillingCycle::Monthly;
    agreement.period_anchor = Some(day("2026-01-17"));
    criterion.bench_function("proration/period", |bencher| {
        bencher.iter(|| black_box(&agreement).period_of(black_box(day("2026-03-11"))));
    });
    let rounding = Rounding {
        mode: RoundingMode::default(),
        digits: 2,
    };
    let rule = ProrationRule::per_unit(DayCount::ActualInclusive, rounding);
    let period = Period::new(day("2026-03-01"), day("2026-03-31")).unwrap();
    let price = Money::without_currency("20.00".parse::<Quantity>().unwrap().value());
    criterion.bench_function("proration/predict", |bencher| {
        bencher.iter(|| {
            let days = (black_box(day("2026-03-11")), None);
            let units = [Some(price), Some(price)];
            Prediction::new(&rule, &period, days, Quantity::from(3_u32), units)
        });
    });
}

criterion_group!(inside, reconcile, plan, proration);
criterion_main!(inside);
