//! Group 3 for sinks: what a line says beside its quantity.

use futures::StreamExt as _;
use tallyline_core::model::{AgreementLine, LinesOutcome};

use super::context::{Ctx, Outcome, Stop, ensure, tests};
use super::harness::World;
use super::sink_claims::told_alike;
use super::sink_writes::{missing, standing};

tests! { Read;
    lines_say_what_they_cost: "lines are read with the cost, the price and the last day that the system has, where the descriptor claims to set them",
}

async fn lines_say_what_they_cost(ctx: &Ctx<'_>) -> Outcome {
    let two = [("MAIL-A", 5_u32.into()), ("BACKUP-B", 7_u32.into())];
    let it = ctx.good(&World::of(2).with("Two Lines Ltd", &two)).await?;
    let it = it.sink()?;
    let claimed = &it.sink.descriptor().capabilities;
    let shown = |line: &AgreementLine| {
        let state = told_alike(line).state;
        (
            line.id.clone(),
            state.unit_cost.filter(|_| claimed.set_unit_cost),
            state.unit_price.filter(|_| claimed.set_unit_price),
            state.last_day.filter(|_| claimed.end_line),
        )
    };
    let mut read = Vec::new();
    let mut readings = it.sink.lines(&it.agreements);
    while let Some(reading) = readings.next().await {
        match ctx.noted(reading)?.outcome {
            LinesOutcome::Complete(lines) => read.extend(lines),
            LinesOutcome::Failed(failure) => return Err(Stop::Failed(failure.message)),
        }
    }
    let there = standing(it);
    if there.is_empty() {
        return Err(missing("line of the world on the simulator"));
    }
    let mut read: Vec<_> = read.iter().map(shown).collect();
    let mut there: Vec<_> = there.iter().map(shown).collect();
    read.sort_by(|a, b| a.0.cmp(&b.0));
    there.sort_by(|a, b| a.0.cmp(&b.0));
    ensure!(read == there, "{there:?} is there, {read:?} was read");
    Ok(())
}
