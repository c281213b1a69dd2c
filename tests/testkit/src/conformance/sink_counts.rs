//! Group 7, for a sink that sets counts and is told none: once, by their answers, and again only where that is harmless.

use std::time::Duration;

use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport};
use tallyline_core::model::{AgreementLine, Quantity, RunId};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict, WriteError};
use tallyline_core::store::MemoryStore;

use super::context::{Ctx, Outcome, Started, Stop, ensure, tests};
use super::harness::{SinkUnderTest, World};
use super::sink_writes::{
    Still, apply, change, claims, first_line, missing, never_repeated, standing, writes,
};
use crate::faults::{Fault, Match};

tests! { Sink;
    a_count_is_set_once: "a count lands by one request and touches no other; set twice, it is the same count",
    a_count_is_proved_by_its_answer_alone: "without the answer to a count it cannot be told whether it landed, and an answer about another proves nothing",
    a_lost_count_is_set_again_by_a_resume: "a count whose answer is lost is sent once, stays unsettled, and is set again by a resume once it can no longer arrive",
    a_count_is_never_repeated: "a count is sent once whatever comes back, and the outcome is unknown",
    refusals_of_counts_are_sorted: "a refusal of a count is `Rejected`; what was not carried out is `NotSent`",
    what_is_not_mapped_is_no_failure: "a count of what nobody has mapped is not taken, is no failure, and keeps none of the others back",
    a_count_planned_on_another_is_not_sent: "a count that was planned on another than the journal holds is not sent, and reported as drifted",
}

fn count(it: &SinkUnderTest, at: usize, to: u32) -> std::result::Result<Change, Stop> {
    claims(it, "set_count", |claimed| claimed.set_count)?;
    let action = Action::SetCount {
        from: None,
        to: to.into(),
    };
    change(it, at, first_line(it, at)?.product, action)
}

fn requests(ctx: &Ctx<'_>) -> std::result::Result<Match, Stop> {
    let requests = writes(ctx)?.count;
    requests.ok_or_else(|| missing("request that sets a count"))
}

/// Every count, with one changed.
fn wanted(before: &[AgreementLine], at: usize, to: u32) -> Vec<AgreementLine> {
    let mut wanted = before.to_vec();
    if let Some(line) = wanted.get_mut(at) {
        line.state.quantity = to.into();
    }
    wanted
}

fn ensure_counts(it: &SinkUnderTest, wanted: &[AgreementLine]) -> Outcome {
    let found = standing(it);
    ensure!(found == wanted, "{wanted:?} was wanted, {found:?} is there");
    Ok(())
}

async fn a_count_is_set_once(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(3)).await?;
    let it = started.sink()?;
    let change = count(it, 1, 140)?;
    let before = standing(it);
    let changes = std::slice::from_ref(&change);
    let report = apply(ctx, &*it.sink, &MemoryStore::new(), "once", changes).await?;
    ensure!(
        report.is_all_done() && report.totals.recovered == 0,
        "the report is {report}"
    );
    let sent = started.count(&requests(ctx)?);
    ensure!(sent == 1, "it was sent {sent} times");
    ensure_counts(it, &wanted(&before, 1, 140))?;
    if let Err(error) = it.sink.execute(&change).await {
        ensure!(false, "the second time: {error}");
    }
    ensure_counts(it, &wanted(&before, 1, 140))
}

async fn a_count_is_proved_by_its_answer_alone(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    let change = count(it, 0, 140)?;
    let receipt = match it.sink.execute(&change).await {
        Ok(receipt) => receipt,
        Err(error) => return Err(Stop::Failed(error.to_string())),
    };
    let told = it.sink.verify(&change, Some(&receipt)).await?;
    ensure!(
        matches!(&told, Verdict::Landed { observed, .. } if observed.quantity == 140_u32.into()),
        "with its answer it is {told:?}"
    );
    let mut of_another = receipt.clone();
    if let Some(state) = &mut of_another.state {
        state.quantity = Quantity::from(7_u32);
    }
    let bare = Receipt::new(receipt.line.ok_or_else(|| missing("line in the receipt"))?);
    for proof in [None, Some(&of_another), Some(&bare)] {
        let told = it.sink.verify(&change, proof).await?;
        ensure!(
            matches!(told, Verdict::CannotTell { .. }),
            "with {proof:?} it is {told:?}"
        );
    }
    Ok(())
}

async fn resume(
    ctx: &Ctx<'_>,
    started: &Started,
    store: &MemoryStore,
    later: Duration,
) -> std::result::Result<ApplyReport, Stop> {
    let clock = Still(ctx.profile.now.plus(later));
    let applier = Applier::new(&*started.sink()?.sink, store, &clock);
    let report = applier
        .resume(&RunId::new("lost"), &ApplyOptions::new())
        .await;
    Ok(ctx.noted(report)?)
}

async fn a_lost_count_is_set_again_by_a_resume(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    let change = count(it, 0, 140)?;
    let before = standing(it);
    let sends = requests(ctx)?;
    ctx.strike(&started, sends.clone().once(), Fault::lose_answer());
    let store = MemoryStore::new();
    let changes = std::slice::from_ref(&change);
    let report = apply(ctx, &*it.sink, &store, "lost", changes).await?;
    let mut seen = vec![(report.totals.unsettled, started.count(&sends))];
    for later in [Duration::ZERO, Duration::from_secs(24 * 3600)] {
        let report = resume(ctx, &started, &store, later).await?;
        seen.push((report.totals.unsettled, started.count(&sends)));
    }
    ensure!(
        seen == [(1, 1), (1, 1), (0, 2)],
        "unsettled and sent, after the run, a resume at once, and one a day later: {seen:?}"
    );
    ensure_counts(it, &wanted(&before, 0, 140))
}

async fn a_count_is_never_repeated(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(1)).await?;
    count(started.sink()?, 0, 140)?;
    never_repeated(ctx, &World::of(1), &requests(ctx)?, |it| count(it, 0, 140)).await
}

async fn refusals_of_counts_are_sorted(ctx: &Ctx<'_>) -> Outcome {
    for (fault, rejected) in [
        (Fault::status(400), true),
        (Fault::status(401), true),
        (Fault::status(403), true),
        (Fault::status(404), true),
        (Fault::too_many_requests(Some(86_400)), false),
    ] {
        let started = ctx.good(&World::of(1)).await?;
        let it = started.sink()?;
        let change = count(it, 0, 140)?;
        ctx.strike(&started, requests(ctx)?, fault.clone());
        let executed = it.sink.execute(&change).await;
        let sorted = match &executed {
            Err(WriteError::Rejected(_)) => rejected,
            Err(WriteError::NotSent(_)) => !rejected,
            _ => false,
        };
        ensure!(sorted, "after {fault:?} it is {executed:?}");
    }
    Ok(())
}

async fn what_is_not_mapped_is_no_failure(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(3)).await?;
    let it = started.sink()?;
    let mut changes = Vec::new();
    for at in 0..3 {
        changes.push(count(it, at, 140)?);
    }
    let unmapped = it.agreements.first().ok_or_else(|| missing("agreement"))?;
    if !it.psa.unmap(unmapped) {
        return Err(missing("way to take a mapping away"));
    }
    let report = apply(ctx, &*it.sink, &MemoryStore::new(), "unmapped", &changes).await?;
    let totals = report.totals;
    ensure!(
        (totals.done, totals.not_mapped, totals.failed) == (2, 1, 0),
        "the report is {report}"
    );
    Ok(())
}

async fn a_count_planned_on_another_is_not_sent(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    let store = MemoryStore::new();
    let first = count(it, 0, 140)?;
    let report = apply(ctx, &*it.sink, &store, "first", &[first]).await?;
    ensure!(report.is_all_done(), "the first run is {report}");
    let before = standing(it);
    let mut stale = count(it, 0, 150)?;
    stale.id = "c0ffee99".into();
    let report = apply(ctx, &*it.sink, &store, "second", &[stale]).await?;
    ensure!(report.totals.drifted == 1, "the second run is {report}");
    let sent = started.count(&requests(ctx)?);
    ensure!(sent == 1, "{sent} counts were sent");
    ensure_counts(it, &before)
}
