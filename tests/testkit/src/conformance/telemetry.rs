//! Group 8, spans.

use super::capture::Span;
use super::context::{Ctx, Outcome, ensure, tests};
use super::harness::World;
use crate::faults::Fault;

/// The span of one operation of a connector.
const OPERATION: &str = "tallyline.operation";

/// The span of one request.
const ATTEMPT: &str = "tallyline.attempt";

tests! { Telemetry;
    operations_have_spans: "every operation has a span that names connector and operation",
    attempts_have_spans: "every request has a span inside its operation's, with method, template, host and status",
    repeats_and_failures_are_recorded: "repeats are counted, and failures are recorded on the spans",
    span_names_are_few: "the names of spans and the templates of addresses do not grow with the number of accounts",
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

async fn operations_have_spans(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(2)).await?;
    ctx.check(&it).await?;
    ctx.list(&it).await?;
    ctx.details(&it).await?;
    let spans = ctx.log.spans();
    let operations = named(&spans, OPERATION);
    ensure!(!operations.is_empty(), "there is no span {OPERATION}");
    for span in operations {
        let (system, operation) = (ctx.profile.system, span.field("tallyline.operation"));
        ensure!(!operation.is_empty(), "a span names no operation");
        ensure!(
            span.field("tallyline.connector") == system,
            "{span:?} is of no connector"
        );
        ensure!(
            span.field("otel.kind") == "client",
            "{span:?} is of no kind"
        );
        let name = format!("tallyline.{system}.{operation}");
        ensure!(
            span.field("otel.name") == name,
            "{span:?} is not named {name}"
        );
    }
    Ok(())
}

async fn attempts_have_spans(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(2)).await?;
    ctx.check(&it).await?;
    ctx.list(&it).await?;
    ctx.details(&it).await?;
    let spans = ctx.log.spans();
    let attempts = named(&spans, ATTEMPT);
    let requests = it.server().request_count();
    ensure!(
        attempts.len() == requests,
        "{requests} requests were seen, {} spans {ATTEMPT}",
        attempts.len()
    );
    for span in attempts {
        ensure!(
            span.parent == Some(OPERATION),
            "{span:?} stands in {:?}",
            span.parent
        );
        for field in [
            "http.request.method",
            "url.template",
            "server.address",
            "http.response.status_code",
        ] {
            ensure!(!span.field(field).is_empty(), "{span:?} has no {field}");
        }
    }
    Ok(())
}

async fn repeats_and_failures_are_recorded(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(1)).await?;
    ctx.strike(&it, ctx.profile.list.clone(), Fault::status(503));
    let listed = ctx.list(&it).await;
    ensure!(
        listed.is_err(),
        "a list that fails was listed as {listed:?}"
    );
    let spans = ctx.log.spans();
    let failed: Vec<&Span> = named(&spans, OPERATION)
        .into_iter()
        .filter(|span| span.field("otel.status_code") == "ERROR")
        .collect();
    ensure!(!failed.is_empty(), "no operation is recorded as failed");
    for span in failed {
        ensure!(
            span.field("error.type") == "503",
            "{span:?} has another error type"
        );
    }
    let repeats = named(&spans, ATTEMPT)
        .into_iter()
        .filter(|span| !span.field("http.request.resend_count").is_empty());
    ensure!(repeats.count() > 0, "no repeat is counted");
    Ok(())
}

async fn span_names_are_few(ctx: &Ctx<'_>) -> Outcome {
    let mut seen = Vec::new();
    for accounts in [1, 12] {
        let before = ctx.log.spans().len();
        let it = ctx.good(&World::of(accounts)).await?;
        ctx.check(&it).await?;
        ctx.list(&it).await?;
        // Whether all were read is asked elsewhere.
        let _ = ctx.details(&it).await;
        let spans = ctx.log.spans();
        let new = spans.get(before..).unwrap_or_default();
        let mut names: Vec<String> = new
            .iter()
            .map(|span| {
                format!(
                    "{} {} {}",
                    span.name,
                    span.field("otel.name"),
                    span.field("url.template")
                )
            })
            .collect();
        names.sort();
        names.dedup();
        seen.push(names);
    }
    ensure!(
        seen.first() == seen.last(),
        "for one account and for twelve they are {seen:#?}"
    );
    Ok(())
}
