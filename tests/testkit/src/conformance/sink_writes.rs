//! Group 7, writing: once, with proof.

use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::apply::{
    Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Outcome as Done,
};
use tallyline_core::clock::Clock;
use tallyline_core::model::{
    AgreementLine, AgreementLineId, PlanId, ProductId, Quantity, RunId, Timestamp,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{SinkCapabilities, Verdict, WriteError};
use tallyline_core::store::{Journal, MemoryStore};
use tallyline_core::wire::parse_decimal;
use tallyline_core::{PsaSink, Result};

use super::context::{Ctx, Outcome, Side, Started, Stop, ensure, tests};
use super::harness::{SinkUnderTest, Situation, World, Writes};
use crate::faults::{Fault, Match};

tests! { Sink;
    setting_a_quantity_twice_is_setting_it_once: "the same quantity change carried out twice leaves what once leaves, and touches nothing else",
    setting_the_same_quantity_is_harmless: "setting the quantity that is there changes nothing",
    fractions_are_written_exactly: "a fraction is written to the last digit, or refused where only whole units are taken",
    a_lost_answer_is_settled_by_reading_back: "a change whose answer is lost is settled by reading back, with one write",
    a_stale_precondition_writes_nothing: "a line that has changed since the plan is not written, and reported as drifted",
    a_partial_failure_is_told_change_by_change: "where one of three changes is refused, the report says which, and the other two land",
    a_line_added_twice_is_one_line: "the same new line applied in two runs is one line",
    a_lost_create_is_not_repeated: "a new line whose answer is lost is one line, and is not reported as failed",
    a_create_is_never_repeated: "a create is sent once whatever comes back, and the outcome is unknown until it is read",
    an_update_is_never_repeated: "a quantity is sent once whatever comes back, and the outcome is unknown until it is read",
    failures_are_sorted: "a refusal is `Rejected`; what was not sent or not carried out is `NotSent`",
    reading_back_tells_three_things: "reading back tells landed, not landed and something else apart",
}

/// A clock that stands still and does not wait.
pub(super) struct Still(pub(super) Timestamp);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// The source that runs name.
pub(super) const APPLIED_FROM: &str = "conformance";

/// Applies changes as a run of its own, and keeps the journal to look for secrets in.
pub(super) async fn apply(
    ctx: &Ctx<'_>,
    sink: &dyn PsaSink,
    store: &MemoryStore,
    run: &str,
    changes: &[Change],
) -> Result<ApplyReport> {
    let clock = Still(ctx.profile.now);
    let mut options = ApplyOptions::new();
    options.run = Some(RunId::new(run));
    let plan_id = PlanId::new("conformance");
    let approval = Approval::of_plan(plan_id.clone(), "conformance", ctx.profile.now);
    let request = ApplyRequest {
        plan_id: &plan_id,
        plan_text: "conformance",
        source: APPLIED_FROM,
        changes,
        approval: &approval,
    };
    let report = Applier::new(sink, store, &clock)
        .apply(&request, &options)
        .await;
    let report = ctx.noted(report)?;
    ctx.note(&format!("{report} {report:?}"));
    let journal = store.changes(&report.run).await?;
    ctx.note(&format!("{journal:?}"));
    Ok(report)
}

pub(super) fn writes(ctx: &Ctx<'_>) -> std::result::Result<Writes, Stop> {
    match ctx.side {
        Side::Sink(harness) => Ok(harness.writes()),
        Side::Source(_) => Err(Stop::Failed("this test is for sinks".to_owned())),
    }
}

/// Skips the test when the sink does not claim what it is about.
pub(super) fn claims(
    it: &SinkUnderTest,
    what: &str,
    claim: fn(&SinkCapabilities) -> bool,
) -> std::result::Result<(), Stop> {
    if claim(&it.sink.descriptor().capabilities) {
        return Ok(());
    }
    Err(Stop::Skipped(format!(
        "the descriptor does not claim {what}"
    )))
}

pub(super) fn sets(it: &SinkUnderTest) -> std::result::Result<(), Stop> {
    claims(it, "set_quantity", |claimed| claimed.set_quantity)
}

pub(super) fn creates(it: &SinkUnderTest) -> std::result::Result<(), Stop> {
    claims(it, "create_line", |claimed| claimed.create_line)
}

pub(super) fn missing(what: &str) -> Stop {
    Stop::Failed(format!("the harness gives no {what}"))
}

pub(super) fn change(
    it: &SinkUnderTest,
    at: usize,
    product: ProductId,
    action: Action,
) -> std::result::Result<Change, Stop> {
    let company = it.companies.get(at).ok_or_else(|| missing("company"))?;
    let agreement = it.agreements.get(at).ok_or_else(|| missing("agreement"))?;
    Ok(Change::new(
        format!("c0ffee00{at}"),
        company.clone(),
        agreement.clone(),
        product,
        action,
        it.effective,
    ))
}

/// The lines that the simulator truly holds for the agreement at a place.
fn truth(it: &SinkUnderTest, at: usize) -> Vec<AgreementLine> {
    it.agreements
        .get(at)
        .map(|agreement| it.psa.lines(agreement))
        .unwrap_or_default()
}

pub(super) fn first_line(
    it: &SinkUnderTest,
    at: usize,
) -> std::result::Result<AgreementLine, Stop> {
    let line = truth(it, at).into_iter().next();
    line.ok_or_else(|| missing("line of the world on the simulator"))
}

/// Sets the first line of an agreement.
pub(super) fn set(
    it: &SinkUnderTest,
    at: usize,
    to: Quantity,
) -> std::result::Result<Change, Stop> {
    let line = first_line(it, at)?;
    let action = Action::SetQuantity {
        line: line.id,
        from: line.state.quantity,
        to,
    };
    change(it, at, line.product, action)
}

const NEW: &str = "BACKUP-B";

pub(super) fn with_new() -> World {
    World::of(2).with_service(NEW)
}

pub(super) fn create(it: &SinkUnderTest, quantity: Quantity) -> std::result::Result<Change, Stop> {
    let product = it.products.get(NEW).ok_or_else(|| missing("product"))?;
    let action = Action::CreateLine {
        quantity,
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    change(it, 0, product.clone(), action)
}

pub(super) fn created(it: &SinkUnderTest) -> Vec<Quantity> {
    let product = it.products.get(NEW);
    let lines = truth(it, 0).into_iter();
    lines
        .filter(|line| Some(&line.product) == product)
        .map(|line| line.state.quantity)
        .collect()
}

/// Every line of every agreement.
pub(super) fn standing(it: &SinkUnderTest) -> Vec<AgreementLine> {
    let lines = (0..it.agreements.len()).flat_map(|at| truth(it, at));
    lines.collect()
}

/// Fails unless the lines are as before, but for the quantity of one.
pub(super) fn ensure_only(
    it: &SinkUnderTest,
    before: &[AgreementLine],
    line: Option<(&AgreementLineId, Quantity)>,
) -> Outcome {
    let mut wanted = before.to_vec();
    if let Some((id, to)) = line {
        for changed in wanted.iter_mut().filter(|line| line.id == *id) {
            changed.state.quantity = to;
        }
    }
    let found = standing(it);
    ensure!(found == wanted, "{wanted:?} was wanted, {found:?} is there");
    Ok(())
}

pub(super) fn written(it: &Started, writes: &Writes) -> usize {
    it.count(&writes.create) + it.count(&writes.update)
}

async fn setting_a_quantity_twice_is_setting_it_once(ctx: &Ctx<'_>) -> Outcome {
    let two_lines = [("MAIL-A", 12_u32.into()), ("BACKUP-A", 9_u32.into())];
    let world = World::default().with("Two Lines Ltd", &two_lines);
    let started = ctx.good(&world.with("Another Ltd", &two_lines)).await?;
    let it = started.sink()?;
    sets(it)?;
    let before = standing(it);
    let change = set(it, 0, 14_u32.into())?;
    for _ in 0..2 {
        if let Err(error) = it.sink.execute(&change).await {
            ensure!(false, "{error}");
        }
        let line = change.action.line().map(|line| (line, 14_u32.into()));
        ensure_only(it, &before, line)?;
    }
    let verdict = it.sink.verify(&change, None).await?;
    ensure!(
        matches!(verdict, Verdict::Landed { .. }),
        "it reads back {verdict:?}"
    );
    Ok(())
}

async fn setting_the_same_quantity_is_harmless(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    sets(it)?;
    let before = standing(it);
    let change = set(it, 0, first_line(it, 0)?.state.quantity)?;
    // Whether it is sent or found needless is the sink's choice.
    if let Err(error) = it.sink.execute(&change).await {
        ensure!(!matches!(error, WriteError::Unknown(_)), "{error}");
    }
    ensure_only(it, &before, None)
}

async fn fractions_are_written_exactly(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    sets(it)?;
    let before = standing(it);
    let to = Quantity::new(parse_decimal("12.35").map_err(|error| missing(&error.to_string()))?);
    let change = set(it, 0, to)?;
    let executed = it.sink.execute(&change).await;
    if it.sink.descriptor().capabilities.whole_units_only {
        ensure!(executed.is_err(), "a fraction was taken");
        return ensure_only(it, &before, None);
    }
    if let Err(error) = executed {
        ensure!(false, "{error}");
    }
    ensure_only(it, &before, change.action.line().map(|line| (line, to)))
}

async fn a_lost_answer_is_settled_by_reading_back(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    sets(it)?;
    let before = standing(it);
    let update = writes(ctx)?.update;
    ctx.strike(&started, update.clone().once(), Fault::lose_answer());
    let change = set(it, 0, 14_u32.into())?;
    let store = MemoryStore::new();
    let changes = std::slice::from_ref(&change);
    let report = apply(ctx, &*it.sink, &store, "lost", changes).await?;
    ensure!(
        report.totals.done == 1 && report.totals.recovered == 1,
        "the report is {report}"
    );
    let sent = started.count(&update);
    ensure!(sent == 1, "it was written {sent} times");
    ensure_only(
        it,
        &before,
        change.action.line().map(|line| (line, 14_u32.into())),
    )
}

async fn a_stale_precondition_writes_nothing(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    sets(it)?;
    let change = set(it, 0, 14_u32.into())?;
    it.psa.edit_quantity(&first_line(it, 0)?.id, 99_u32.into());
    let before = standing(it);
    let store = MemoryStore::new();
    let report = apply(ctx, &*it.sink, &store, "stale", &[change]).await?;
    ensure!(report.totals.drifted == 1, "the report is {report}");
    let sent = written(&started, &writes(ctx)?);
    ensure!(sent == 0, "{sent} writes were sent");
    ensure_only(it, &before, None)
}

async fn a_partial_failure_is_told_change_by_change(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(3)).await?;
    let it = started.sink()?;
    sets(it)?;
    let update = writes(ctx)?.update;
    ctx.strike(&started, update.once(), Fault::status(403));
    let changes = (0..3)
        .map(|at| set(it, at, 140_u32.into()))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let store = MemoryStore::new();
    let report = apply(ctx, &*it.sink, &store, "partial", &changes).await?;
    ensure!(
        report.totals.done == 2 && report.totals.failed == 1,
        "the report is {report}"
    );
    for (at, (change, result)) in changes.iter().zip(&report.changes).enumerate() {
        ensure!(
            result.change == change.id,
            "the report is out of order: {report}"
        );
        let landed = first_line(it, at)?.state.quantity == 140_u32.into();
        let told = matches!(result.outcome, Done::Done { .. });
        ensure!(landed == told, "of {} the report says {result}", change.id);
    }
    Ok(())
}

async fn a_line_added_twice_is_one_line(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&with_new()).await?;
    let it = started.sink()?;
    creates(it)?;
    let change = create(it, 7_u32.into())?;
    let store = MemoryStore::new();
    let changes = std::slice::from_ref(&change);
    let first = apply(ctx, &*it.sink, &store, "first", changes).await?;
    ensure!(first.is_all_done(), "the first run is {first}");
    let second = apply(ctx, &*it.sink, &store, "second", changes).await?;
    ensure!(second.totals.done == 0, "the second run is {second}");
    let lines = created(it);
    ensure!(lines == [Quantity::from(7_u32)], "the lines are {lines:?}");
    Ok(())
}

async fn a_lost_create_is_not_repeated(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&with_new()).await?;
    let it = started.sink()?;
    creates(it)?;
    let create_requests = writes(ctx)?.create;
    ctx.strike(
        &started,
        create_requests.clone().once(),
        Fault::lose_answer(),
    );
    let store = MemoryStore::new();
    let report = apply(ctx, &*it.sink, &store, "lost", &[create(it, 7_u32.into())?]).await?;
    ensure!(report.totals.failed == 0, "the report is {report}");
    let sent = started.count(&create_requests);
    ensure!(sent == 1, "it was sent {sent} times");
    let lines = created(it);
    ensure!(lines.len() == 1, "the lines are {lines:?}");
    Ok(())
}

/// Carries a change out against every answer that says nothing of whether it was done: it is sent once, and the
/// outcome is unknown.
pub(super) async fn never_repeated(
    ctx: &Ctx<'_>,
    world: &World,
    requests: &Match,
    change: impl Fn(&SinkUnderTest) -> std::result::Result<Change, Stop>,
) -> Outcome {
    let faults = [
        Fault::status(500),
        Fault::text_503(),
        Fault::html_502(),
        Fault::lose_answer(),
        Fault::drop_connection(),
        Fault::html_login_200(),
    ];
    for fault in faults {
        let started = ctx.good(world).await?;
        let it = started.sink()?;
        let change = change(it)?;
        ctx.strike(&started, requests.clone(), fault.clone());
        match it.sink.execute(&change).await {
            Err(WriteError::Unknown(error)) => ctx.note(&format!("{error} {error:?}")),
            other => ensure!(false, "after {fault:?} it is {other:?}"),
        }
        let sent = started.count(requests);
        ensure!(sent == 1, "after {fault:?} it was sent {sent} times");
    }
    Ok(())
}

async fn a_create_is_never_repeated(ctx: &Ctx<'_>) -> Outcome {
    never_repeated(ctx, &with_new(), &writes(ctx)?.create, |it| {
        creates(it)?;
        create(it, 7_u32.into())
    })
    .await
}

async fn an_update_is_never_repeated(ctx: &Ctx<'_>) -> Outcome {
    never_repeated(ctx, &World::of(1), &writes(ctx)?.update, |it| {
        sets(it)?;
        set(it, 0, 14_u32.into())
    })
    .await
}

async fn failures_are_sorted(ctx: &Ctx<'_>) -> Outcome {
    for (fault, rejected) in [
        (Fault::status(400), true),
        (Fault::status(403), true),
        (Fault::status(404), true),
        (Fault::too_many_requests(Some(86_400)), false),
    ] {
        let started = ctx.good(&World::of(1)).await?;
        let it = started.sink()?;
        sets(it)?;
        ctx.strike(&started, writes(ctx)?.update, fault.clone());
        let executed = it.sink.execute(&set(it, 0, 14_u32.into())?).await;
        let sorted = match &executed {
            Err(WriteError::Rejected(_)) => rejected,
            Err(WriteError::NotSent(_)) => !rejected,
            _ => false,
        };
        ensure!(sorted, "after {fault:?} it is {executed:?}");
    }
    let started = ctx.start(&World::of(1), Situation::Unreachable).await?;
    let it = started.sink()?;
    let executed = it.sink.execute(&set(it, 0, 14_u32.into())?).await;
    ensure!(
        matches!(executed, Err(WriteError::NotSent(_))),
        "without a connection it is {executed:?}"
    );
    Ok(())
}

async fn reading_back_tells_three_things(ctx: &Ctx<'_>) -> Outcome {
    let two_lines = [("MAIL-A", 12_u32.into()), ("BACKUP-A", 9_u32.into())];
    let started = ctx
        .good(&World::default().with("Two Lines Ltd", &two_lines))
        .await?;
    let it = started.sink()?;
    sets(it)?;
    let change = set(it, 0, 14_u32.into())?;
    let line = first_line(it, 0)?.id;
    let verdict = read_back(it, &change).await?;
    ensure!(verdict == Verdict::NotLanded, "before, it is {verdict:?}");
    it.psa.edit_quantity(&line, 14_u32.into());
    let verdict = read_back(it, &change).await?;
    ensure!(
        matches!(verdict, Verdict::Landed { .. }),
        "after, it is {verdict:?}"
    );
    it.psa.edit_quantity(&line, 77_u32.into());
    let verdict = read_back(it, &change).await?;
    ensure!(
        matches!(verdict, Verdict::Conflict { .. }),
        "otherwise, it is {verdict:?}"
    );
    Ok(())
}

/// The verdict on a change of the first agreement: the same with the lines as without them, which are all that
/// the agreement has where there are any.
async fn read_back(it: &SinkUnderTest, change: &Change) -> std::result::Result<Verdict, Stop> {
    let verdict = it.sink.verify(change, None).await?;
    let read = it.sink.read_back(change, None).await?;
    let wrong = |what: String| Err(Stop::Failed(what));
    if read.verdict != verdict {
        return wrong(format!(
            "{:?} comes with lines, {verdict:?} without",
            read.verdict
        ));
    }
    let Some(lines) = read.lines else {
        return Ok(verdict);
    };
    let told = |lines: &[AgreementLine]| {
        let told = lines
            .iter()
            .map(|line| (line.id.clone(), line.state.quantity));
        told.collect::<std::collections::BTreeMap<_, _>>()
    };
    let (told, there) = (told(&lines), told(&truth(it, 0)));
    if told == there {
        return Ok(verdict);
    }
    wrong(format!(
        "{told:?} come with the verdict, {there:?} are there"
    ))
}
