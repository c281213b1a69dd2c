//! Group 3, reading: whole or failed, never short.

use futures::StreamExt as _;
use tallyline_core::model::{AgreementId, LinesOutcome, Quantity};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::source::UsageRequest;

use super::context::{Ctx, Items, Outcome, Started, Stop, ensure, ensure_read};
use super::harness::World;
use super::rewrite;
use crate::faults::Fault;

super::context::tests! { Read;
    nothing_is_nothing: "an empty system gives empty lists and no error",
    every_account_is_read: "one account and several are listed in order and read with their exact quantities",
    pages_lose_nothing: "a page, a page and one, and three pages of accounts are listed whole, in order, each once",
    many_lines_are_read_whole: "an account with more lines than a page holds is read whole",
    reading_twice_gives_the_same: "two readings of an unchanged system are the same, order included",
    a_record_that_comes_twice_counts_once: "a record that comes twice, as on a page border that moved, counts once",
    a_repeated_cursor_is_an_error: "a list that leads back to a page read before is an error, not a loop",
    a_page_that_fails_once_is_repeated: "a failure in the middle of a walk repeats the page and loses nothing",
    a_list_that_fails_is_an_error: "a list that cannot be read on is an error, never a short or empty list",
    an_account_that_fails_is_not_empty: "an account that cannot be read is failed, never complete without lines",
    only_what_is_asked_is_read: "a request for one account gives no other",
    a_dropped_stream_stops_asking: "dropping a stream stops its requests",
}

/// The further tests of sinks.
pub(super) fn sink_tests() -> Vec<super::context::Test> {
    sinks::tests()
}

mod sinks {
    use super::{a_missing_agreement_is_not_empty, agreements_and_products_are_listed};

    crate::conformance::context::tests! { Read;
        agreements_and_products_are_listed: "agreements and products are listed, agreements by company when asked",
        a_missing_agreement_is_not_empty: "an agreement that does not exist is failed, never complete without lines",
    }
}

pub(super) fn names(world: &World) -> Vec<String> {
    let names = world.accounts.iter().map(|account| account.name.clone());
    names.collect()
}

async fn nothing_is_nothing(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::default()).await?;
    let listed = ctx.list(&it).await?;
    ensure!(listed.is_empty(), "an empty system lists {listed:?}");
    ctx.details(&it).await?;
    Ok(())
}

/// Lists and reads a world, and compares.
async fn whole(ctx: &Ctx<'_>, world: &World) -> Outcome {
    let it = ctx.good(world).await?;
    ensure_listed(world, &ctx.list(&it).await?)?;
    ensure_read(world, &ctx.details(&it).await?)
}

fn ensure_listed(world: &World, listed: &[String]) -> Outcome {
    let wanted = names(world);
    ensure!(
        listed == wanted,
        "{} were to be listed, {} were: {listed:?}",
        wanted.len(),
        listed.len()
    );
    Ok(())
}

async fn every_account_is_read(ctx: &Ctx<'_>) -> Outcome {
    whole(ctx, &World::of(1)).await?;
    let zero_and_more = World::of(2).with(
        "Zero & Söhne",
        &[("MAIL-A", 0_u32.into()), ("BACKUP-B", 1_200_000_u32.into())],
    );
    whole(ctx, &zero_and_more).await
}

fn page_size(ctx: &Ctx<'_>) -> Result<usize, Stop> {
    ctx.profile
        .page_size
        .map_err(|reason| Stop::Skipped(reason.to_owned()))
}

async fn pages_lose_nothing(ctx: &Ctx<'_>) -> Outcome {
    let page = page_size(ctx)?;
    for accounts in [page, page + 1, 3 * page] {
        whole(ctx, &World::of(accounts)).await?;
    }
    Ok(())
}

async fn many_lines_are_read_whole(ctx: &Ctx<'_>) -> Outcome {
    let lines = ctx.profile.page_size.unwrap_or(20) * 2 + 1;
    let services: Vec<String> = (1..=lines).map(|n| format!("SERVICE-{n:03}")).collect();
    let mut quantity = Quantity::ZERO;
    let mut items = Vec::new();
    for service in &services {
        quantity = quantity.checked_add(1_u32.into()).unwrap_or(quantity);
        items.push((service.as_str(), quantity));
    }
    whole(ctx, &World::default().with("Many Lines Ltd", &items)).await
}

async fn reading_twice_gives_the_same(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(3)).await?;
    let mut texts = Vec::new();
    for _ in 0..2 {
        let listed = ctx.list(&it).await?;
        let read = match &*it {
            Started::Source(it) => {
                let request = UsageRequest::new(ctx.profile.now);
                let readings: Vec<_> = it.source.usage(&request).collect().await;
                format!("{readings:?}")
            }
            Started::Sink(it) => {
                let readings: Vec<_> = it.sink.lines(&it.agreements).collect().await;
                format!("{readings:?}")
            }
        };
        texts.push(format!("{listed:?} {read}"));
    }
    ensure!(texts.first() == texts.last(), "they differ: {texts:#?}");
    Ok(())
}

async fn a_record_that_comes_twice_counts_once(ctx: &Ctx<'_>) -> Outcome {
    let world = World::of(3);
    let it = ctx.good(&world).await?;
    ctx.strike(&it, ctx.profile.list.clone(), rewrite::last_twice());
    ctx.strike(&it, ctx.profile.details.clone(), rewrite::last_twice());
    ensure_listed(&world, &ctx.list(&it).await?)?;
    ensure_read(&world, &ctx.details(&it).await?)
}

async fn a_repeated_cursor_is_an_error(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(3 * page_size(ctx)?)).await?;
    ctx.strike(&it, ctx.profile.list.clone(), rewrite::first_again());
    let listed = ctx.list(&it).await;
    ensure!(listed.is_err(), "it was listed, and no error: {listed:?}");
    Ok(())
}

async fn a_page_that_fails_once_is_repeated(ctx: &Ctx<'_>) -> Outcome {
    let world = World::of(3 * page_size(ctx)?);
    let it = ctx.good(&world).await?;
    let second = ctx.profile.list.clone().nth(2);
    ctx.strike(&it, second, Fault::status(503));
    ensure_listed(&world, &ctx.list(&it).await?)?;
    let asked = it.count(&ctx.profile.list);
    ensure!(
        asked <= 5,
        "{asked} requests for three pages and one failure: the walk began anew"
    );
    Ok(())
}

async fn a_list_that_fails_is_an_error(ctx: &Ctx<'_>) -> Outcome {
    let pages = ctx.profile.page_size.unwrap_or(1);
    let it = ctx.good(&World::of(3 * pages)).await?;
    let passed = usize::from(ctx.profile.page_size.is_ok());
    let rest = ctx.profile.list.clone().after(passed);
    ctx.strike(&it, rest, Fault::status(403));
    let listed = ctx.list(&it).await;
    ensure!(listed.is_err(), "it was listed, and no error: {listed:?}");
    Ok(())
}

async fn an_account_that_fails_is_not_empty(ctx: &Ctx<'_>) -> Outcome {
    let world = World::of(3);
    for fault in [
        Fault::status(400),
        Fault::status(403),
        Fault::html_login_200(),
        Fault::empty_200(),
        rewrite::cut(),
    ] {
        let it = ctx.good(&world).await?;
        ctx.strike(&it, ctx.profile.details.clone().once(), fault);
        let read = match ctx.details(&it).await {
            Ok(read) => read,
            // Credentials and rights may concern all accounts: the read as a whole ends.
            Err(_) => continue,
        };
        let (whole, failed): (Vec<_>, Vec<_>) = world
            .accounts
            .iter()
            .zip(&read)
            .partition(|(_, items)| items.is_ok());
        ensure!(
            !failed.is_empty(),
            "a refused read failed nothing: {read:?}"
        );
        for (account, items) in whole {
            let mut rest = World::default();
            rest.accounts.push(account.clone());
            let items: &[Items] = std::slice::from_ref(items);
            ensure_read(&rest, items)?;
        }
    }
    Ok(())
}

async fn only_what_is_asked_is_read(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(3)).await?;
    let read: Vec<String> = match &*it {
        Started::Source(it) => {
            let wanted = it.accounts.iter().skip(1).take(1).cloned();
            let request = UsageRequest::new(ctx.profile.now).with_accounts(wanted);
            let mut read = Vec::new();
            let mut readings = it.source.usage(&request);
            while let Some(reading) = readings.next().await {
                read.push(reading?.account.to_string());
            }
            ensure!(
                read.len() == 1 && it.accounts.get(1).is_some_and(|id| id.as_str() == read[0]),
                "{:?} was asked for, {read:?} was read",
                it.accounts.get(1)
            );
            read
        }
        Started::Sink(it) => {
            let wanted: Vec<AgreementId> = it.agreements.iter().skip(1).take(1).cloned().collect();
            let mut read = Vec::new();
            let mut readings = it.sink.lines(&wanted);
            while let Some(reading) = readings.next().await {
                read.push(reading?.agreement.to_string());
            }
            read
        }
    };
    ensure!(read.len() == 1, "one was asked for, {read:?} were read");
    Ok(())
}

async fn a_dropped_stream_stops_asking(ctx: &Ctx<'_>) -> Outcome {
    if let Ok(page) = ctx.profile.page_size {
        let it = ctx.good(&World::of(4 * page)).await?;
        ctx.list_first(&it, 1).await?;
        ctx.check(&it).await?;
        let asked = it.count(&ctx.profile.list);
        ensure!(
            asked < 4,
            "one account was taken, and {asked} of 4 pages were read"
        );
    }
    const MANY: usize = 40;
    let it = ctx.good(&World::of(MANY)).await?;
    match &*it {
        Started::Source(it) => {
            let request = UsageRequest::new(ctx.profile.now);
            it.source.usage(&request).next().await.transpose()?;
        }
        Started::Sink(it) => {
            it.sink.lines(&it.agreements).next().await.transpose()?;
        }
    }
    ctx.check(&it).await?;
    let asked = it.count(&ctx.profile.details);
    ensure!(
        asked < MANY,
        "one of {MANY} readings was taken, and {asked} requests were sent"
    );
    Ok(())
}

async fn agreements_and_products_are_listed(ctx: &Ctx<'_>) -> Outcome {
    let world = World::of(3).with_service("BACKUP-B");
    let it = ctx.good(&world).await?;
    let it = it.sink()?;
    let mut products = Vec::new();
    let mut stream = it.sink.products();
    while let Some(product) = stream.next().await {
        products.push(ctx.noted(product)?.id);
    }
    drop(stream);
    for (service, id) in &it.products {
        ensure!(
            products.contains(id),
            "product {id} of {service} is not listed"
        );
    }
    let second = it.companies.get(1).cloned();
    let filters = [
        (AgreementFilter::default(), it.agreements.clone()),
        (
            AgreementFilter {
                companies: second.into_iter().collect(),
            },
            it.agreements.get(1).cloned().into_iter().collect(),
        ),
    ];
    for (filter, wanted) in filters {
        let mut listed = Vec::new();
        let mut stream = it.sink.agreements(&filter);
        while let Some(agreement) = stream.next().await {
            let agreement = ctx.noted(agreement)?;
            ensure!(
                agreement.eligibility.is_eligible(),
                "agreement {} is not eligible: {:?}",
                agreement.id,
                agreement.eligibility
            );
            listed.push(agreement.id);
        }
        ensure!(
            listed == wanted,
            "{wanted:?} were to be listed, {listed:?} were"
        );
    }
    Ok(())
}

async fn a_missing_agreement_is_not_empty(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(1)).await?;
    let it = it.sink()?;
    let missing = [AgreementId::new("987654321")];
    let mut readings = it.sink.lines(&missing);
    while let Some(reading) = readings.next().await {
        let Ok(reading) = ctx.noted(reading) else {
            return Ok(());
        };
        ensure!(
            !matches!(reading.outcome, LinesOutcome::Complete(_)),
            "an agreement that does not exist was read as complete"
        );
    }
    Ok(())
}
