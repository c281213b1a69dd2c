//! Group 9, the laws of reconcile, plan and apply over random worlds, through the real client and its simulator.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{
    AgreementId, ChargeKind, CompanyId, ProductId, Quantity, VendorAccountId,
};
use tallyline_core::plan::{
    Change, IncreaseLimit, Plan, PlanContext, Planner, Policy, ReductionLimit,
};
use tallyline_core::reconcile::Reconciler;
use tallyline_core::source::UsageRequest;
use tallyline_core::store::{Journal as _, MemoryStore};
use tallyline_core::{PsaSink, Result, VendorSource};

use super::context::{Ctx, Outcome, Started, Stop, Test, ensure};
use super::harness::{SinkUnderTest, SourceUnderTest, World};
use super::memory::{MemorySink, MemorySource, account_id, agreement_id, company_id};
use super::read::whole;
use super::sink_writes::{APPLIED_FROM, apply};

const SERVICES: [&str; 6] = ["MAIL-A", "MAIL-B", "BACKUP-A", "BACKUP-B", "GUARD", "VOICE"];

pub(super) fn source_tests() -> Vec<Test> {
    source::tests()
}

pub(super) fn sink_tests() -> Vec<Test> {
    sink::tests()
}

mod source {
    use super::{
        readings_in_any_order_plan_the_same, records_that_are_alike_are_all_counted,
        what_is_read_and_applied_is_in_step,
    };

    crate::conformance::context::tests! { Model;
        records_that_are_alike_are_all_counted: "two records of one service and one quantity are two",
        what_is_read_and_applied_is_in_step: "over random worlds, a plan that is applied leaves nothing to do, and what is billed is the sum of what the vendor has",
        readings_in_any_order_plan_the_same: "the order of readings changes no byte of the plan, and a plan survives its file",
    }
}

mod sink {
    use super::{changes_in_any_order_end_the_same, what_is_planned_and_applied_is_in_step};

    crate::conformance::context::tests! { Model;
        what_is_planned_and_applied_is_in_step: "over random worlds, a plan that is applied leaves nothing to do, and the system holds what was wanted",
        changes_in_any_order_end_the_same: "agreements worked on in any order end in the same state, and a plan survives its file",
    }
}

/// A repeatable source of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From one to four accounts; a service comes at most `times` on each.
    fn world(&mut self, accounts: u64, times: u64) -> World {
        let mut world = World::default();
        for number in 1..=accounts {
            let mut items = Vec::new();
            for service in SERVICES {
                for _ in 0..self.below(times + 1) {
                    let units = u32::try_from(1 + self.below(400)).unwrap_or(1);
                    items.push((service, Quantity::from(units)));
                }
            }
            world = world.with(&format!("Client {number:02} {}", self.below(1000)), &items);
        }
        SERVICES.into_iter().fold(world, World::with_service)
    }
}

/// Account by account onto company and agreement, service by service onto its product, one to one.
fn mapping(
    accounts: &[VendorAccountId],
    targets: &[(CompanyId, AgreementId)],
    products: &BTreeMap<String, ProductId>,
) -> Mapping {
    let mut mapping = Mapping::new();
    for (account, (company, agreement)) in accounts.iter().zip(targets) {
        let link = AccountLink::manual(company.clone(), LineTarget::Agreement(agreement.clone()));
        mapping.set_account(account.clone(), AccountEntry::Link(link));
    }
    for (service, product) in products {
        let link = ServiceLink::manual(
            vec![ProductRule::one_to_one(product.clone())],
            ChargeKind::Recurring,
            BilledAs::Line,
        );
        mapping.set_service(service.as_str().into(), ServiceEntry::Link(link));
    }
    mapping
}

fn policy() -> Policy {
    Policy {
        reduction_limit: ReductionLimit {
            percent: 100.into(),
            lines: u64::MAX,
        },
        increase_limit: IncreaseLimit {
            percent: 100.into(),
            lines: u64::MAX,
        },
        sync_unit_cost: false,
        ..Policy::default()
    }
}

/// Services and the sums of their quantities on each account.
fn sums(world: &World) -> Vec<BTreeMap<String, Quantity>> {
    let account_sums = |items: &Vec<(String, Quantity)>| {
        let mut sums: BTreeMap<String, Quantity> = BTreeMap::new();
        for (service, quantity) in items {
            let sum = sums.entry(service.clone()).or_insert(Quantity::ZERO);
            *sum = sum.checked_add(*quantity).unwrap_or(*sum);
        }
        sums
    };
    world
        .accounts
        .iter()
        .map(|account| account_sums(&account.items))
        .collect()
}

/// A source, a sink and how they are linked.
struct Pair<'a> {
    source: &'a dyn VendorSource,
    sink: &'a dyn PsaSink,
    mapping: Mapping,
}

impl Pair<'_> {
    async fn plan(&self, ctx: &Ctx<'_>) -> std::result::Result<Plan, Stop> {
        self.plan_after(ctx, &MemoryStore::new()).await
    }

    /// As a plan comes out after the runs of a journal: for a sink that is told no counts, what is known of them.
    async fn plan_after(
        &self,
        ctx: &Ctx<'_>,
        store: &MemoryStore,
    ) -> std::result::Result<Plan, Stop> {
        let system = self.sink.descriptor().system;
        let ledger = store.ledger(APPLIED_FROM, system).await?;
        let flow = Flow::new(self.source, self.sink).with_ledger(&ledger);
        let lists = ctx.noted(flow.lists().await)?;
        let now = ctx.profile.now;
        let plan = flow.plan(&lists, &self.mapping, &policy(), now).await;
        let plan = ctx.noted(plan)?;
        let text = plan.to_text()?;
        ctx.note(&text);
        ensure!(
            Plan::from_text(&text)? == plan,
            "a plan is another after its file: {text}"
        );
        if let Some(change) = plan.changes().iter().find(|change| change.is_blocked()) {
            ensure!(false, "a change is blocked: {:?}", change.blocks);
        }
        Ok(plan)
    }

    /// Plans, applies and plans again.
    async fn sync(&self, ctx: &Ctx<'_>, run: &str) -> Outcome {
        let plan = self.plan(ctx).await?;
        let store = MemoryStore::new();
        let report = apply(ctx, self.sink, &store, run, plan.changes()).await?;
        ensure!(report.is_all_done(), "the report is {report}");
        let again = self.plan_after(ctx, &store).await?;
        ensure!(
            again.changes().is_empty(),
            "after all was applied, {:?} is planned",
            again
                .changes()
                .iter()
                .map(|change| &change.action)
                .collect::<Vec<_>>()
        );
        Ok(())
    }
}

pub(super) fn source_of(started: &Started) -> std::result::Result<&SourceUnderTest, Stop> {
    match started {
        Started::Source(it) => Ok(it),
        Started::Sink(_) => Err(Stop::Failed("this test is for sources".to_owned())),
    }
}

fn onto_memory<'a>(
    ctx: &Ctx<'_>,
    it: &'a SourceUnderTest,
    sink: &'a MemorySink,
    world: &World,
) -> Pair<'a> {
    let targets: Vec<_> = (0..world.accounts.len())
        .map(|at| (company_id(at).into(), agreement_id(at).into()))
        .collect();
    let services = world.services().into_iter();
    let products = services.map(|service| {
        let key = ctx.service_key(&service).to_string();
        (key, service.into())
    });
    Pair {
        source: &*it.source,
        sink,
        mapping: mapping(&it.accounts, &targets, &products.collect()),
    }
}

/// The world with nothing on its accounts.
fn bare(world: &World) -> World {
    let mut bare = world.clone();
    bare.more_services = world.services();
    for account in &mut bare.accounts {
        account.items.clear();
    }
    bare
}

async fn what_is_read_and_applied_is_in_step(ctx: &Ctx<'_>) -> Outcome {
    for seed in 0..ctx.profile.worlds {
        let mut random = Random(seed);
        let accounts = 1 + random.below(4);
        let world = random.world(accounts, 2);
        let started = ctx.good(&world).await?;
        let it = source_of(&started)?;
        let sink = MemorySink::new(bare(&world));
        onto_memory(ctx, it, &sink, &world)
            .sync(ctx, "sync")
            .await?;
        for (at, wanted) in sums(&world).into_iter().enumerate() {
            let lines = sink.lines_of(&agreement_id(at).into()).into_iter();
            let found: BTreeMap<String, Quantity> = lines
                .map(|line| (line.product.to_string(), line.state.quantity))
                .collect();
            ensure!(
                found == wanted,
                "seed {seed}: {wanted:?} was wanted, {found:?} is billed"
            );
        }
    }
    Ok(())
}

async fn records_that_are_alike_are_all_counted(ctx: &Ctx<'_>) -> Outcome {
    let alike = [("MAIL-A", 5_u32.into()), ("MAIL-A", 5_u32.into())];
    whole(ctx, &World::of(1).with("Twice Alike Ltd", &alike)).await
}

/// Plans from readings that are observed in an order.
async fn planned(ctx: &Ctx<'_>, pair: &Pair<'_>, lists: &Lists, reversed: bool) -> Result<String> {
    let book = Flow::new(pair.source, pair.sink)
        .book(lists, &pair.mapping)
        .await?;
    let request = UsageRequest::new(ctx.profile.now);
    let mut readings: Vec<_> = pair.source.usage(&request).collect().await;
    if reversed {
        readings.reverse();
    }
    let mut reconciler = Reconciler::new(&pair.mapping, &book, ctx.profile.now.date());
    for reading in readings {
        reconciler.observe(reading?)?;
    }
    let context = PlanContext {
        source: pair.source.descriptor(),
        sink: pair.sink.descriptor(),
        now: ctx.profile.now,
        accounts: &lists.accounts,
        services: &lists.services,
        first_sync: None,
    };
    let plan = Planner::new(policy()).plan(&reconciler.finish(), &context)?;
    plan.to_text()
}

async fn readings_in_any_order_plan_the_same(ctx: &Ctx<'_>) -> Outcome {
    for seed in 100..100 + ctx.profile.worlds.min(5) {
        let world = Random(seed).world(4, 2);
        let started = ctx.good(&world).await?;
        let it = source_of(&started)?;
        let sink = MemorySink::new(bare(&world));
        let pair = onto_memory(ctx, it, &sink, &world);
        let lists = ctx.noted(Flow::new(pair.source, pair.sink).lists().await)?;
        let forth = planned(ctx, &pair, &lists, false).await?;
        let back = planned(ctx, &pair, &lists, true).await?;
        ensure!(forth == back, "seed {seed}: the plans differ");
        pair.plan(ctx).await?;
    }
    Ok(())
}

/// A random PSA, and a vendor that has other quantities of the same services.
fn both_sides(seed: u64) -> (World, World) {
    let mut random = Random(seed);
    let accounts = 1 + random.below(4);
    let psa = random.world(accounts, 1);
    let vendor = random.world(accounts, 2);
    (psa, vendor)
}

fn from_memory<'a>(
    it: &'a SinkUnderTest,
    vendor: &'a MemorySource,
    accounts: usize,
) -> std::result::Result<Pair<'a>, Stop> {
    let claimed = &it.sink.descriptor().capabilities;
    let can_plan = claimed.set_count || claimed.create_line && claimed.set_quantity;
    if !can_plan {
        let reason =
            "the descriptor claims neither set_count nor both create_line and set_quantity";
        return Err(Stop::Skipped(reason.to_owned()));
    }
    let accounts: Vec<_> = (0..accounts).map(|at| account_id(at).into()).collect();
    let targets: Vec<_> = it
        .companies
        .iter()
        .cloned()
        .zip(it.agreements.iter().cloned())
        .collect();
    Ok(Pair {
        source: vendor,
        sink: &*it.sink,
        mapping: mapping(&accounts, &targets, &it.products),
    })
}

/// The quantity of each service on each agreement, as the simulator truly has it.
fn billed(it: &SinkUnderTest) -> Vec<BTreeMap<String, Quantity>> {
    let service_of = |product: &ProductId| {
        let found = it.products.iter().find(|(_, id)| *id == product);
        found.map_or_else(|| product.to_string(), |(service, _)| service.clone())
    };
    it.agreements
        .iter()
        .map(|agreement| {
            let lines = it.psa.lines(agreement).into_iter();
            lines
                .map(|line| (service_of(&line.product), line.state.quantity))
                .collect()
        })
        .collect()
}

async fn what_is_planned_and_applied_is_in_step(ctx: &Ctx<'_>) -> Outcome {
    for seed in 0..ctx.profile.worlds {
        let (psa, vendor) = both_sides(seed);
        let started = ctx.good(&psa).await?;
        let it = started.sink()?;
        let source = MemorySource::new(vendor.clone());
        from_memory(it, &source, vendor.accounts.len())?
            .sync(ctx, "sync")
            .await?;
        // What the vendor does not have is reported and left as it is.
        let wanted: Vec<BTreeMap<String, Quantity>> = sums(&psa)
            .into_iter()
            .zip(sums(&vendor))
            .map(|(mut held, wanted)| {
                held.extend(wanted);
                held
            })
            .collect();
        let found = billed(it);
        ensure!(
            found == wanted,
            "seed {seed}: {wanted:?} was wanted, {found:?} is there"
        );
    }
    Ok(())
}

async fn changes_in_any_order_end_the_same(ctx: &Ctx<'_>) -> Outcome {
    for seed in 200..200 + ctx.profile.worlds.min(5) {
        let (psa, vendor) = both_sides(seed);
        let source = MemorySource::new(vendor.clone());
        let mut ends = Vec::new();
        for reversed in [false, true] {
            let started = ctx.good(&psa).await?;
            let it = started.sink()?;
            let pair = from_memory(it, &source, vendor.accounts.len())?;
            let mut changes: Vec<Change> = pair.plan(ctx).await?.changes().to_vec();
            if reversed {
                changes.reverse();
            }
            let store = MemoryStore::new();
            let report = apply(ctx, pair.sink, &store, "order", &changes).await?;
            ensure!(report.is_all_done(), "seed {seed}: the report is {report}");
            ends.push(billed(it));
        }
        ensure!(ends.first() == ends.last(), "seed {seed}: {ends:?}");
    }
    Ok(())
}
