//! Group 3, reading: whole or failed, never short.

use futures::StreamExt as _;
use tallyline_core::model::{AgreementId, LinesOutcome, Quantity};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::source::UsageRequest;

use super::context::{Ctx, Items, Outcome, Started, Stop, ensure, ensure_read};
use super::harness::World;
use super::rewrite;
use crate::faults::{Fault, Match};

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
    an_account_with_nothing_is_not_left_out: "an account that has nothing is read as that or failed, and never left out",
    an_account_that_fails_midway_is_not_short: "an account whose reading fails at a later request is failed, never short",
    an_account_that_fails_is_not_empty: "an account that cannot be read is failed, never complete without lines",
    only_what_is_asked_is_read: "a request for one account gives no other",
    a_dropped_stream_stops_asking: "dropping a stream stops its requests",
}

/// The further tests of sinks.
pub(super) fn sink_tests() -> Vec<super::context::Test> {
    sinks::tests()
}

/// The further tests of sources.
pub(super) fn source_tests() -> Vec<super::context::Test> {
    sources::tests()
}

mod sources {
    use super::services_are_listed;

    crate::conformance::context::tests! { Read;
        services_are_listed: "every service that an account has is listed, once, and a list of services that fails is an error",
    }
}

mod sinks {
    use super::{
        a_list_of_agreements_or_products_that_fails_is_an_error, a_missing_agreement_is_not_empty,
        agreements_and_products_are_listed,
    };

    crate::conformance::context::tests! { Read;
        agreements_and_products_are_listed: "agreements and products are listed over pages, agreements by company when asked",
        a_list_of_agreements_or_products_that_fails_is_an_error: "a list of agreements or products that fails is an error, never a short or empty list",
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
pub(super) async fn whole(ctx: &Ctx<'_>, world: &World) -> Outcome {
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
    whole(ctx, &many_lines(ctx)).await
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

async fn an_account_with_nothing_is_not_left_out(ctx: &Ctx<'_>) -> Outcome {
    let full = World::of(2);
    let it = ctx.good(&full.clone().with("Nothing Ltd", &[])).await?;
    // A reading that is not there fails here.
    let mut read = ctx.details(&it).await?;
    if let Some(Ok(items)) = read.pop() {
        ensure!(items.is_empty(), "nothing was read as {items:?}");
    }
    ensure_read(&full, &read)
}

/// An account with more lines than a page holds.
fn many_lines(ctx: &Ctx<'_>) -> World {
    let lines = ctx.profile.page_size.unwrap_or(20) * 2 + 1;
    let services: Vec<String> = (1..=lines).map(|n| format!("SERVICE-{n:03}")).collect();
    let mut quantity = Quantity::ZERO;
    let mut items = Vec::new();
    for service in &services {
        quantity = quantity.checked_add(1_u32.into()).unwrap_or(quantity);
        items.push((service.as_str(), quantity));
    }
    World::default().with("Many Lines Ltd", &items)
}

async fn an_account_that_fails_midway_is_not_short(ctx: &Ctx<'_>) -> Outcome {
    let world = many_lines(ctx);
    let it = ctx.good(&world).await?;
    ensure_read(&world, &ctx.details(&it).await?)?;
    let needed = it.count(&ctx.profile.details);
    if needed < 2 {
        return Err(Stop::Skipped("one request reads an account".to_owned()));
    }
    for nth in 2..=needed.min(4) {
        for fault in [Fault::status(400), Fault::html_login_200()] {
            let it = ctx.good(&world).await?;
            ctx.strike(&it, ctx.profile.details.clone().nth(nth), fault);
            if let Ok(read) = ctx.details(&it).await {
                let failed = read.iter().all(Result::is_err);
                ensure!(failed, "request {nth} failed, and it was read as {read:?}");
            }
        }
    }
    Ok(())
}

/// The services that a source lists, or the first error.
async fn services(ctx: &Ctx<'_>, it: &Started) -> Result<Vec<String>, Stop> {
    let Started::Source(it) = it else {
        return Err(Stop::Failed("this test is for sources".to_owned()));
    };
    let mut listed = Vec::new();
    let mut services = it.source.services();
    while let Some(service) = services.next().await {
        listed.push(ctx.noted(service)?.key.to_string());
    }
    listed.sort();
    Ok(listed)
}

async fn services_are_listed(ctx: &Ctx<'_>) -> Outcome {
    let world = many_lines(ctx);
    let it = ctx.good(&world).await?;
    let listed = services(ctx, &it).await?;
    for service in world.services() {
        let key = ctx.service_key(&service).to_string();
        let times = listed.iter().filter(|it| **it == key).count();
        ensure!(times == 1, "{service} is listed {times} times: {listed:?}");
    }
    let before = it.server().request_count();
    ctx.strike(&it, Match::any(), Fault::status(403));
    let listed = services(ctx, &it).await;
    let asked = it.server().request_count() > before;
    ensure!(
        !asked || listed.is_err(),
        "every request was refused, and it was listed: {listed:?}"
    );
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
    let more = ctx.profile.page_size.unwrap_or(2) * 2 + 1;
    let mut world = World::of(more);
    for number in 1..=more {
        world = world.with_service(&format!("SERVICE-{number:03}"));
    }
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

async fn a_list_of_agreements_or_products_that_fails_is_an_error(ctx: &Ctx<'_>) -> Outcome {
    let started = ctx.good(&World::of(2)).await?;
    let it = started.sink()?;
    ctx.strike(&started, Match::any(), Fault::status(403));
    let filter = AgreementFilter::default();
    let agreements: Vec<_> = it.sink.agreements(&filter).collect().await;
    let failed = agreements.iter().any(Result::is_err);
    ensure!(
        failed,
        "every request was refused, and it is {agreements:?}"
    );
    let products: Vec<_> = it.sink.products().collect().await;
    let failed = products.iter().any(Result::is_err);
    ensure!(failed, "every request was refused, and it is {products:?}");
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
