//! Group 6, credentials: tokens, where they go, where they show.

use futures::future::join_all;
use tallyline_core::ErrorKind;

use super::context::{Ctx, Outcome, Started, Stop, ensure, ensure_read, tests};
use super::harness::{Tokens, World};
use super::read::names;
use super::rewrite;
use crate::faults::{Fault, Match};
use crate::http::{SimAnswer, router};
use crate::server::Simulator;

tests! { Auth;
    one_token_for_many_calls: "many calls at once fetch one token for each scope",
    an_expired_token_is_renewed_once: "a token that the system no longer takes is renewed once for many calls, and they go on",
    a_refused_renewal_is_auth: "a token call that is refused is `Auth`, and is not repeated without end",
    lasting_refusal_is_auth: "credentials that are refused again and again are `Auth`, after a bounded number of requests",
    redirects_are_not_followed: "a redirect to another host is an error, and that host hears nothing, whether of a list, a reading or a token call",
    links_to_other_hosts_get_nothing: "addresses of another host in an answer, such as that of the next page, are never called",
    a_system_that_repeats_credentials: "an error answer that repeats the credentials does not bring them into the error",
}

/// The tests that look back on all others.
pub(super) fn last_tests() -> Vec<super::context::Test> {
    last::tests()
}

mod last {
    use super::no_secret_shows;

    crate::conformance::context::tests! { Auth;
        no_secret_shows: "in no test does a secret show in a log line, span, error, plan, journal or panic, at any level",
    }
}

fn tokens(ctx: &Ctx<'_>) -> Result<Tokens, Stop> {
    let tokens = ctx.profile.tokens.clone();
    tokens.map_err(|reason| Stop::Skipped(reason.to_owned()))
}

async fn one_token_for_many_calls(ctx: &Ctx<'_>) -> Outcome {
    let tokens = tokens(ctx)?;
    let world = World::of(2);
    let it = ctx.good(&world).await?;
    for result in join_all((0..8).map(|_| ctx.list(&it))).await {
        result?;
    }
    for result in join_all((0..4).map(|_| ctx.details(&it))).await {
        ensure_read(&world, &result?)?;
    }
    let asked = it.count(&tokens.requests);
    ensure!(
        (1..=tokens.per_client).contains(&asked),
        "{asked} tokens were fetched, {} are needed",
        tokens.per_client
    );
    Ok(())
}

async fn an_expired_token_is_renewed_once(ctx: &Ctx<'_>) -> Outcome {
    let tokens = tokens(ctx)?;
    let world = World::of(3);
    let it = ctx.good(&world).await?;
    ctx.list(&it).await?;
    ctx.details(&it).await?;
    let before = it.count(&tokens.requests);
    it.expire_tokens();
    for listed in join_all((0..6).map(|_| ctx.list(&it))).await {
        let listed = listed?;
        ensure!(listed == names(&world), "{listed:?} were listed");
    }
    ensure_read(&world, &ctx.details(&it).await?)?;
    let asked = it.count(&tokens.requests) - before;
    ensure!(
        (1..=tokens.per_client).contains(&asked),
        "{asked} tokens were fetched after the old ones expired"
    );
    Ok(())
}

async fn a_refused_renewal_is_auth(ctx: &Ctx<'_>) -> Outcome {
    let tokens = tokens(ctx)?;
    let it = ctx.good(&World::of(2)).await?;
    ctx.list(&it).await?;
    it.expire_tokens();
    let refusal = r#"{"error":"invalid_client","error_description":"The client is locked."}"#;
    let refusal = Fault::answer(401, "application/json", refusal);
    let before = it.count(&tokens.requests);
    ctx.strike(&it, tokens.requests.clone(), refusal);
    ensure_auth(ctx, &it).await?;
    let asked = it.count(&tokens.requests) - before;
    ensure!(asked <= 3, "the refused token call was made {asked} times");
    Ok(())
}

async fn ensure_auth(ctx: &Ctx<'_>, it: &Started) -> Outcome {
    match ctx.list(it).await {
        Ok(listed) => ensure!(false, "it was listed as {listed:?}"),
        Err(error) => ensure!(
            error.kind() == ErrorKind::Auth,
            "{:?}: {error}",
            error.kind()
        ),
    }
    Ok(())
}

async fn lasting_refusal_is_auth(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(2)).await?;
    ctx.strike(&it, ctx.profile.list.clone(), Fault::status(401));
    ensure_auth(ctx, &it).await?;
    let asked = it.count(&ctx.profile.list);
    ensure!(asked <= 2, "after 401 it was asked {asked} times");
    Ok(())
}

/// A host that must hear nothing.
async fn stranger() -> Result<Simulator, Stop> {
    let router = router(|_| SimAnswer::new(200, "application/json", "[]"));
    let served = Simulator::serve(router, 0).await;
    served.map_err(|error| Stop::Failed(format!("no port for another host: {error}")))
}

fn ensure_silence(stranger: &Simulator) -> Outcome {
    let heard = stranger.requests();
    let heard: Vec<String> = heard
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    ensure!(heard.is_empty(), "another host was sent {heard:?}");
    Ok(())
}

async fn redirects_are_not_followed(ctx: &Ctx<'_>) -> Outcome {
    let stranger = stranger().await?;
    for status in [301, 302, 307, 308] {
        let it = ctx.good(&World::of(1)).await?;
        let target = stranger.base_url().as_str();
        let fault = Fault::status(status).header("location", target);
        ctx.strike(&it, ctx.profile.list.clone(), fault);
        let listed = ctx.list(&it).await;
        ensure_silence(&stranger)?;
        ensure!(listed.is_err(), "a redirect was listed as {listed:?}");
    }
    let tokens = ctx.profile.tokens.clone().ok();
    let tokens = tokens.map(|tokens| tokens.requests);
    let readings = ctx.profile.details.iter().chain(&ctx.profile.starts);
    for on in readings.cloned().chain(tokens) {
        for status in [302, 307, 308] {
            let it = ctx.good(&World::of(1)).await?;
            let target = stranger.base_url().as_str();
            let fault = Fault::status(status).header("location", target);
            ctx.strike(&it, on.clone(), fault);
            // What becomes of the reading is asked elsewhere.
            let _ = ctx.details(&it).await;
            ensure_silence(&stranger)?;
        }
    }
    Ok(())
}

async fn links_to_other_hosts_get_nothing(ctx: &Ctx<'_>) -> Outcome {
    let stranger = stranger().await?;
    let host = stranger.base_url().authority().to_owned();
    let world = World::of(2 * ctx.profile.page_size.unwrap_or(2));
    let it = ctx.good(&world).await?;
    let (fault, addresses) = rewrite::foreign_addresses(host);
    ctx.strike(&it, Match::any(), fault);
    // Whether the walk goes on at the right host or ends in an error is the connector's choice.
    let _ = ctx.list(&it).await;
    let _ = ctx.details(&it).await;
    ensure_silence(&stranger)?;
    if addresses.any() {
        return Ok(());
    }
    Err(Stop::Skipped("its answers hold no address".to_owned()))
}

async fn a_system_that_repeats_credentials(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(1)).await?;
    ctx.list(&it).await?;
    let mut echo = ctx.profile.secrets.plain().join(" and ");
    for request in it.server().requests() {
        for name in ["authorization", "authenticate"] {
            if let Some(header) = request.header(name) {
                echo.push_str(" and ");
                echo.push_str(header);
            }
        }
    }
    let body = format!(
        "{{\"message\":{}}}",
        crate::json::Json::Text(format!("no access with {echo}"))
    );
    for status in [400, 503] {
        let fault = Fault::answer(status, "application/json", &body);
        let it = ctx.good(&World::of(1)).await?;
        ctx.strike(&it, ctx.profile.list.clone(), fault);
        match ctx.list(&it).await {
            Ok(listed) => ensure!(false, "it was listed as {listed:?}"),
            Err(error) => {
                let shown = format!("{error} {error:?}");
                ctx.ensure_hidden(&shown)?;
            }
        }
    }
    Ok(())
}

async fn no_secret_shows(ctx: &Ctx<'_>) -> Outcome {
    let leaks = ctx.leaks();
    ensure!(
        leaks.is_empty(),
        "{} times, such as {}",
        leaks.len(),
        leaks.first().map_or("", String::as_str)
    );
    Ok(())
}
