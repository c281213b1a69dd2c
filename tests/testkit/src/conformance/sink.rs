//! Group 7, for both sides: reading writes nothing.

use futures::StreamExt as _;
use tallyline_core::sink::AgreementFilter;

use super::context::{Ctx, Outcome, Started, ensure, matches, tests};
use super::harness::World;

tests! { Sink;
    reading_writes_nothing: "checking and reading send no method but GET and HEAD, apart from token calls and what the system is known to read by a POST",
}

async fn reading_writes_nothing(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(3)).await?;
    ctx.check(&it).await?;
    ctx.list(&it).await?;
    ctx.details(&it).await?;
    match &*it {
        Started::Source(it) => {
            let mut services = it.source.services();
            while let Some(service) = services.next().await {
                ctx.noted(service)?;
            }
        }
        Started::Sink(it) => {
            let filter = AgreementFilter::default();
            let mut agreements = it.sink.agreements(&filter);
            while let Some(agreement) = agreements.next().await {
                ctx.noted(agreement)?;
            }
            let mut products = it.sink.products();
            while let Some(product) = products.next().await {
                ctx.noted(product)?;
            }
        }
    }
    for request in it.server().requests() {
        let tokens = ctx.profile.tokens.as_ref().ok();
        let known = tokens.map(|tokens| &tokens.requests);
        let reads = known.into_iter().chain(&ctx.profile.reads_by_post);
        let reads = reads.into_iter().any(|known| matches(known, &request));
        ensure!(
            reads || ["GET", "HEAD"].contains(&request.method.as_str()),
            "{} {} was sent",
            request.method,
            request.path
        );
    }
    Ok(())
}
