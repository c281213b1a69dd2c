//! Group 1, configuration: what is refused, and what `Debug` shows.

use std::collections::BTreeSet;

use tallyline_core::ErrorKind;

use super::context::{Ctx, Outcome, ensure, matches, tests};
use super::harness::World;

/// The test of what the harness says, which nothing skips.
pub(super) const OF_THE_HARNESS: &str = "the_harness_names_what_there_is";

tests! { Config;
    debug_shows_no_secret: "`Debug` of the client and of its filled builder shows no secret",
    a_missing_part_is_named: "building without a required part is refused as configuration, and the part is named",
    plain_http_is_refused: "a plain HTTP address beyond loopback is refused before anything is sent",
    the_harness_names_what_there_is: "the harness skips tests that there are, each with a reason, and names every request that a reading sends",
    the_descriptor_names_the_system: "the descriptor's system is the one of the harness, short and in lower case",
}

async fn debug_shows_no_secret(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(1)).await?;
    ensure!(
        !it.shown().trim().is_empty(),
        "the harness shows no `Debug` output"
    );
    ctx.ensure_hidden(it.shown())
}

async fn a_missing_part_is_named(ctx: &Ctx<'_>) -> Outcome {
    let configs = ctx.side.bad_configs();
    ensure!(
        !configs.is_empty(),
        "the harness tries no bad configuration"
    );
    for config in configs {
        let Some(error) = config.error else {
            ensure!(false, "a blank {} was accepted", config.names);
            continue;
        };
        ctx.note(&format!("{error}\n{error:?}"));
        ensure!(
            error.kind() == ErrorKind::Config,
            "a blank {} gives {:?}: {error}",
            config.names,
            error.kind()
        );
        ensure!(
            error.to_string().contains(config.names),
            "the error does not name {:?}: {error}",
            config.names
        );
    }
    Ok(())
}

async fn plain_http_is_refused(ctx: &Ctx<'_>) -> Outcome {
    match ctx.side.plain_http() {
        None => ensure!(false, "plain HTTP to api.example.com was accepted"),
        Some(error) => {
            ctx.note(&format!("{error}\n{error:?}"));
            ensure!(error.kind() == ErrorKind::Config, "{error}");
        }
    }
    Ok(())
}

async fn the_harness_names_what_there_is(ctx: &Ctx<'_>) -> Outcome {
    let profile = &ctx.profile;
    for (name, reason) in &profile.skips {
        ensure!(
            ctx.known.contains(name) && *name != OF_THE_HARNESS,
            "it skips {name:?}, and there is no such test"
        );
        ensure!(
            !reason.trim().is_empty(),
            "it does not say why it skips {name:?}"
        );
    }
    ensure!(profile.worlds > 0, "it tries no random world");
    ensure!(
        profile.page_size.is_err() || profile.page_size.is_ok_and(|size| (4..=20).contains(&size)),
        "a page holds {:?} records, not 4 to 20",
        profile.page_size
    );
    let it = ctx.good(&World::of(2)).await?;
    ctx.details(&it).await?;
    let untold = it.sets_counts();
    ensure!(
        profile.details.is_empty() == untold,
        "set_count is {untold}, and of a reading it names {:?}",
        profile.details
    );
    for kind in profile.details.iter().chain(&profile.starts) {
        ensure!(it.count(kind) > 0, "no reading sends {kind:?}");
    }
    let tokens = profile.tokens.iter().map(|tokens| &tokens.requests);
    let named: Vec<_> = tokens
        .chain([&profile.list])
        .chain(&profile.details)
        .chain(&profile.starts)
        .collect();
    let requests = it.server().requests().into_iter();
    let unnamed: BTreeSet<String> = requests
        .filter(|request| !named.iter().any(|kind| matches(kind, request)))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    ensure!(
        unnamed.is_empty(),
        "a reading sends {unnamed:?}, which it does not name"
    );
    Ok(())
}

async fn the_descriptor_names_the_system(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(1)).await?;
    let (system, name) = match &*it {
        super::context::Started::Source(it) => {
            let descriptor = it.source.descriptor();
            (descriptor.system, &*descriptor.name)
        }
        super::context::Started::Sink(it) => {
            let descriptor = it.sink.descriptor();
            ensure!(
                descriptor.concurrency >= 1,
                "the sink allows no concurrency"
            );
            (descriptor.system, descriptor.name)
        }
    };
    ensure!(
        system == ctx.profile.system,
        "the descriptor says {system:?}, the harness {:?}",
        ctx.profile.system
    );
    let short = system
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    ensure!(short && !system.is_empty(), "{system:?} is no short name");
    ensure!(!name.trim().is_empty(), "the name to show is blank");
    Ok(())
}
