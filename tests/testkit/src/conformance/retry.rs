//! Group 5, what is repeated, and how long.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use tallyline_core::error::Retry;
use tallyline_core::{Error, ErrorKind};

use super::context::{Ctx, Outcome, Stop, ensure, ensure_read, tests};
use super::harness::World;
use super::read::names;
use crate::faults::{Fault, Match};

/// More attempts than any harness may allow.
const TOO_MANY: usize = 10;

/// Longer than any harness keeps a wait.
const DAY: u64 = 86_400;

tests! { Retry;
    a_busy_system_is_asked_again: "503, 502 with a gateway's page and 504 are asked again, lists and readings alike",
    too_many_requests_are_repeated: "429 is asked again, with `Retry-After` in seconds, as a date, and without",
    a_long_wait_is_not_cut_short: "a wait longer than allowed, in seconds or as a date, ends the call with the wait in the error",
    a_wait_within_the_hour_is_kept_or_told: "a wait of up to an hour is kept, or ends the call with the wait in the error: nothing is asked before it is over, of lists and readings",
    a_reset_before_and_after_the_request_is_repeated: "a connection reset before and after the request was handled is repeated for reads",
    attempts_are_bounded: "a system that stays down is asked a bounded number of times, for lists and readings, and the error says that it was tried",
    what_cannot_help_is_not_repeated: "400, 403, 404 and 501 are not repeated, for lists and readings",
    what_starts_something_is_sent_once: "a request of a reading that starts something is sent once, whatever comes back",
}

/// Reads the world in spite of faults on the list and the details.
async fn survives(ctx: &Ctx<'_>, fault: impl Fn() -> Fault) -> Outcome {
    let world = World::of(3);
    let it = ctx.good(&world).await?;
    ctx.strike(&it, ctx.profile.list.clone().once(), fault());
    for kind in &ctx.profile.details {
        ctx.strike(&it, kind.clone().once(), fault());
    }
    let all = 1 + ctx.profile.details.len();
    let listed = ctx.list(&it).await?;
    ensure!(listed == names(&world), "{listed:?} were listed");
    ensure_read(&world, &ctx.details(&it).await?)?;
    ensure!(
        it.server().faults().struck() == all,
        "the faults struck {} of {all} times: the harness names the wrong requests",
        it.server().faults().struck()
    );
    Ok(())
}

/// The error of a list that meets a fault every time, and how many requests it took.
async fn fails(ctx: &Ctx<'_>, fault: Fault) -> Result<(Error, usize), Stop> {
    let it = ctx.good(&World::of(2)).await?;
    ctx.strike(&it, ctx.profile.list.clone(), fault);
    match ctx.list(&it).await {
        Ok(listed) => Err(Stop::Failed(format!("it was listed as {listed:?}"))),
        Err(error) => Ok((error, it.count(&ctx.profile.list))),
    }
}

async fn a_busy_system_is_asked_again(ctx: &Ctx<'_>) -> Outcome {
    survives(ctx, Fault::text_503).await?;
    survives(ctx, Fault::html_502).await?;
    survives(ctx, || Fault::status(504)).await
}

async fn too_many_requests_are_repeated(ctx: &Ctx<'_>) -> Outcome {
    survives(ctx, || Fault::too_many_requests(Some(0))).await?;
    // A date that is the answer's own instant asks for no wait.
    let date = "Sun, 15 Mar 2026 12:00:00 GMT";
    let dated = || {
        Fault::too_many_requests(None)
            .header("date", date)
            .header("retry-after", date)
    };
    survives(ctx, dated).await?;
    survives(ctx, || Fault::too_many_requests(None)).await
}

async fn a_long_wait_is_not_cut_short(ctx: &Ctx<'_>) -> Outcome {
    let dated = Fault::too_many_requests(None)
        .header("date", "Sun, 15 Mar 2026 12:00:00 GMT")
        .header("retry-after", "Mon, 16 Mar 2026 12:00:00 GMT");
    for fault in [Fault::too_many_requests(Some(DAY)), dated] {
        let (error, asked) = fails(ctx, fault).await?;
        ensure!(
            error.kind() == ErrorKind::RateLimited,
            "{:?}: {error}",
            error.kind()
        );
        ensure!(asked == 1, "it was asked {asked} times instead of waiting");
        ensure!(
            error.retry_after() == Some(Duration::from_secs(DAY)),
            "a wait of a day became {:?}",
            error.retry_after()
        );
    }
    Ok(())
}

/// What is asked of another system meanwhile: time enough for a client that does not wait, and no clock.
const MEANWHILE: usize = 40;

async fn a_wait_within_the_hour_is_kept_or_told(ctx: &Ctx<'_>) -> Outcome {
    for seconds in [45, 1_800, 3_600] {
        let asked = meanwhile(ctx, &ctx.profile.list, seconds, true).await?;
        ensure!(
            asked == 1,
            "a list was to wait {seconds} s, and was asked for {asked} times"
        );
    }
    for kind in &ctx.profile.details {
        let needed = reading(ctx, kind, None).await?;
        let asked = meanwhile(ctx, kind, 1_800, false).await?;
        ensure!(
            asked <= needed,
            "{kind:?} was to wait half an hour, and {asked} were sent in place of {needed}"
        );
    }
    Ok(())
}

/// How many requests of a kind are sent where the first is told to wait, while another system is asked many times.
async fn meanwhile(
    ctx: &Ctx<'_>,
    kind: &Match,
    seconds: u64,
    is_list: bool,
) -> Result<usize, Stop> {
    let (it, other) = (
        ctx.good(&World::of(1)).await?,
        ctx.good(&World::of(1)).await?,
    );
    let fault = Fault::too_many_requests(Some(seconds));
    ctx.strike(&it, kind.clone().once(), fault);
    let asking = async {
        if is_list {
            return ctx.list(&it).await.err();
        }
        // What becomes of the reading is asked elsewhere.
        let _ = ctx.details(&it).await;
        None
    };
    let elsewhere = async {
        for _ in 0..MEANWHILE {
            ctx.list(&other).await?;
        }
        Ok::<(), Error>(())
    };
    match select(pin!(asking), pin!(elsewhere)).await {
        Either::Left((Some(error), _)) => ensure!(
            error.retry_after() == Some(Duration::from_secs(seconds)),
            "a wait of {seconds} s was asked for, and it is {error}"
        ),
        Either::Left((None, _)) => {}
        Either::Right((done, _)) => done?,
    }
    Ok(it.count(kind))
}

async fn a_reset_before_and_after_the_request_is_repeated(ctx: &Ctx<'_>) -> Outcome {
    survives(ctx, Fault::drop_connection).await?;
    survives(ctx, Fault::lose_answer).await
}

/// How many requests of a kind a reading of one account takes that meets a fault every time, or none.
async fn reading(ctx: &Ctx<'_>, kind: &Match, fault: Option<Fault>) -> Result<usize, Stop> {
    let it = ctx.good(&World::of(1)).await?;
    let Some(fault) = fault else {
        ctx.details(&it).await?;
        return Ok(it.count(kind));
    };
    ctx.strike(&it, kind.clone(), fault);
    // What becomes of the reading is asked elsewhere.
    let _ = ctx.details(&it).await;
    Ok(it.count(kind))
}

async fn attempts_are_bounded(ctx: &Ctx<'_>) -> Outcome {
    for kind in &ctx.profile.details {
        let asked = reading(ctx, kind, Some(Fault::status(503))).await?;
        ensure!(
            (2..TOO_MANY).contains(&asked),
            "{kind:?} was sent {asked} times"
        );
    }
    let (error, asked) = fails(ctx, Fault::status(503)).await?;
    ensure!(
        error.kind() == ErrorKind::Unavailable,
        "{:?}: {error}",
        error.kind()
    );
    ensure!((2..TOO_MANY).contains(&asked), "it was asked {asked} times");
    ensure!(
        error.retry() == Retry::Exhausted,
        "the error says {:?}",
        error.retry()
    );
    Ok(())
}

async fn what_cannot_help_is_not_repeated(ctx: &Ctx<'_>) -> Outcome {
    for status in [400, 403, 404, 501] {
        let (_, asked) = fails(ctx, Fault::status(status)).await?;
        ensure!(asked == 1, "after {status} it was asked {asked} times");
    }
    for kind in &ctx.profile.details {
        let needed = reading(ctx, kind, None).await?;
        for status in [400, 404, 501] {
            let asked = reading(ctx, kind, Some(Fault::status(status))).await?;
            ensure!(
                asked <= needed,
                "a reading takes {needed} of {kind:?}, and after {status} there were {asked}"
            );
        }
    }
    Ok(())
}

async fn what_starts_something_is_sent_once(ctx: &Ctx<'_>) -> Outcome {
    if ctx.profile.starts.is_empty() {
        return Err(Stop::Skipped("its readings start nothing".to_owned()));
    }
    for kind in &ctx.profile.starts {
        for fault in [
            Fault::status(500),
            Fault::text_503(),
            Fault::html_502(),
            Fault::lose_answer(),
        ] {
            let asked = reading(ctx, kind, Some(fault.clone())).await?;
            ensure!(
                asked <= 1,
                "after {fault:?} {kind:?} was sent {asked} times"
            );
        }
    }
    Ok(())
}
