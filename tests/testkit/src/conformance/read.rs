//! Group 3, reading: whole or failed, never short.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tallyline_core::model::{AgreementId, LinesOutcome, Quantity};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::source::UsageRequest;

use super::context::{Ctx, Outcome, Started, Stop, ensure, ensure_read};
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
    an_account_that_fails_midway_is_not_short: "an account whose reading fails at any of its requests, that of the list included, is whole or failed, never short and never left out",
    an_account_that_fails_is_not_empty: "an account that cannot be read is failed, never complete without lines: refused, missing, limited, down, garbled, for once or for good",
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
        services_are_listed: "every service that an account has is listed, once, and a list of services that fails anywhere is an error",
    }
}

mod sinks {
    use super::{
        a_list_of_agreements_or_products_that_fails_is_an_error, a_missing_agreement_is_not_empty,
        agreements_and_products_are_listed,
    };

    crate::conformance::context::tests! { Read;
        agreements_and_products_are_listed: "agreements and products are listed over pages, agreements by company when asked",
        a_list_of_agreements_or_products_that_fails_is_an_error: "agreements and products are listed once each, and a list of them that fails anywhere is an error, never a short or empty list",
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

/// More accounts than a page holds, where nobody says how many that are.
const MORE_THAN_A_PAGE: usize = 120;

async fn pages_lose_nothing(ctx: &Ctx<'_>) -> Outcome {
    if ctx.profile.page_size.is_err() {
        let world = World::of(MORE_THAN_A_PAGE);
        let it = ctx.good(&world).await?;
        ensure_listed(&world, &ctx.list(&it).await?)?;
        let asked = it.count(&ctx.profile.list);
        ensure!(
            asked == 1,
            "it is said not to be paged, and {asked} pages were read"
        );
    }
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
    // One account with many lines, and two more.
    let one = [("MAIL-A", 3_u32.into())];
    let world = many_lines(ctx)
        .with("One Ltd", &one)
        .with("Other Ltd", &one);
    let it = ctx.good(&world).await?;
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
    ctx.strike_details(&it, rewrite::last_twice);
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
    let passed = usize::from(ctx.profile.page_size.is_ok());
    for fault in [
        Fault::status(403),
        Fault::status(404),
        Fault::text_503(),
        Fault::html_login_200(),
        Fault::empty_200(),
    ] {
        let it = ctx.good(&World::of(3 * pages)).await?;
        let rest = ctx.profile.list.clone().after(passed);
        ctx.strike(&it, rest, fault.clone());
        let listed = ctx.list(&it).await;
        ensure!(
            listed.is_err(),
            "after {fault:?} it was listed, and no error: {listed:?}"
        );
    }
    Ok(())
}

async fn an_account_that_fails_is_not_empty(ctx: &Ctx<'_>) -> Outcome {
    let world = World::of(3);
    let for_once = [
        Fault::status(400),
        Fault::status(403),
        Fault::status(404),
        Fault::html_login_200(),
        Fault::empty_200(),
        rewrite::cut(),
    ];
    let for_good = [
        Fault::status(404),
        Fault::status(500),
        Fault::text_503(),
        Fault::too_many_requests(None),
    ];
    for kind in ctx.profile.details.iter().chain(&ctx.profile.starts) {
        let for_once = for_once.iter().map(|fault| (kind.clone().once(), fault));
        let for_good = for_good.iter().map(|fault| (kind.clone(), fault));
        for (on, fault) in for_once.chain(for_good) {
            let it = ctx.good(&world).await?;
            ctx.strike(&it, on, fault.clone());
            ctx.whole_or_failed(&it, &world).await?;
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

/// The kinds of request that a reading sends, and how many of each this world takes.
async fn requests_of_a_reading(ctx: &Ctx<'_>, world: &World) -> Result<Vec<(Match, usize)>, Stop> {
    let it = ctx.good(world).await?;
    ensure_read(world, &ctx.details(&it).await?)?;
    let profile = &ctx.profile;
    let kinds = [&profile.list].into_iter();
    let kinds = kinds.chain(&profile.details).chain(&profile.starts);
    let counted = kinds.map(|kind| (kind.clone(), it.count(kind)));
    Ok(counted.filter(|(_, sent)| *sent > 0).collect())
}

async fn an_account_that_fails_midway_is_not_short(ctx: &Ctx<'_>) -> Outcome {
    // More lines than a page holds, and more accounts.
    let more = 0..=ctx.profile.page_size.unwrap_or(1);
    let one = [("MAIL-A", 3_u32.into())];
    let world = more.fold(many_lines(ctx), |world, at| {
        world.with(&format!("Client {at}"), &one)
    });
    let kinds = requests_of_a_reading(ctx, &world).await?;
    if kinds.iter().map(|(_, sent)| sent).sum::<usize>() < 2 {
        return Err(Stop::Skipped("one request reads an account".to_owned()));
    }
    for (kind, sent) in kinds {
        for nth in 1..=sent.min(3) {
            for fault in [
                Fault::status(400),
                Fault::status(404),
                Fault::html_login_200(),
            ] {
                let it = ctx.good(&world).await?;
                ctx.strike(&it, kind.clone().nth(nth), fault);
                ctx.whole_or_failed(&it, &world).await?;
            }
        }
    }
    Ok(())
}

/// A list beside that of the accounts.
#[derive(Clone, Copy, Debug)]
enum Listing {
    Services,
    Agreements,
    Products,
}

/// What is listed, or the first error.
async fn listed(ctx: &Ctx<'_>, it: &Started, listing: Listing) -> Result<Vec<String>, Stop> {
    let filter = AgreementFilter::default();
    let mut keys: BoxStream<'_, tallyline_core::Result<String>> = match (it, listing) {
        (Started::Source(it), Listing::Services) => it
            .source
            .services()
            .map(|it| it.map(|service| service.key.to_string()))
            .boxed(),
        (Started::Sink(it), Listing::Agreements) => it
            .sink
            .agreements(&filter)
            .map(|it| it.map(|agreement| agreement.id.to_string()))
            .boxed(),
        (Started::Sink(it), Listing::Products) => it
            .sink
            .products()
            .map(|it| it.map(|product| product.id.to_string()))
            .boxed(),
        _ => return Err(Stop::Failed(format!("{listing:?} are of the other side"))),
    };
    let mut found = Vec::new();
    while let Some(key) = keys.next().await {
        found.push(ctx.noted(key)?);
    }
    Ok(found)
}

/// What of a world is to be listed.
fn to_be_listed(ctx: &Ctx<'_>, it: &Started, world: &World, listing: Listing) -> Vec<String> {
    match (it, listing) {
        (Started::Sink(it), Listing::Agreements) => {
            it.agreements.iter().map(ToString::to_string).collect()
        }
        (Started::Sink(it), _) => it.products.values().map(ToString::to_string).collect(),
        (Started::Source(_), _) => {
            let services = world.services().into_iter();
            services
                .map(|service| ctx.service_key(&service).to_string())
                .collect()
        }
    }
}

/// Lists a world whole, then with each of the requests refused: what ends without an error must be whole as well.
async fn is_listed_whole_or_failed(ctx: &Ctx<'_>, world: &World, listing: Listing) -> Outcome {
    let it = ctx.good(world).await?;
    let found = listed(ctx, &it, listing).await?;
    for key in to_be_listed(ctx, &it, world, listing) {
        let times = found.iter().filter(|it| **it == key).count();
        ensure!(times == 1, "{key} is listed {times} times: {found:?}");
    }
    for at in 0..it.server().request_count().min(8) {
        let one = Match::any().after(at).once();
        for (on, fault) in [
            (one.clone(), Fault::status(403)),
            (one, Fault::status(404)),
            (Match::any().after(at), Fault::text_503()),
        ] {
            let it = ctx.good(world).await?;
            ctx.strike(&it, on, fault.clone());
            let Ok(found) = listed(ctx, &it, listing).await else {
                continue;
            };
            let wanted = to_be_listed(ctx, &it, world, listing);
            let mut missing = wanted.iter().filter(|key| !found.contains(key));
            ensure!(
                missing.next().is_none(),
                "request {} met {fault:?}, and without an error {found:?} were listed",
                at + 1
            );
        }
    }
    Ok(())
}

async fn services_are_listed(ctx: &Ctx<'_>) -> Outcome {
    let more = [("SECOND-A", 3_u32.into()), ("SECOND-B", 4_u32.into())];
    let world = many_lines(ctx).with("Second Ltd", &more);
    is_listed_whole_or_failed(ctx, &world, Listing::Services).await
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
    for kind in &ctx.profile.details {
        let asked = it.count(kind);
        ensure!(
            asked < MANY,
            "one of {MANY} readings was taken, and {kind:?} was sent {asked} times"
        );
    }
    Ok(())
}

/// More agreements and products than two pages hold.
fn many_agreements(ctx: &Ctx<'_>) -> World {
    let more = ctx.profile.page_size.unwrap_or(2) * 2 + 1;
    (1..=more).fold(World::of(more), |world, number| {
        world.with_service(&format!("SERVICE-{number:03}"))
    })
}

async fn agreements_and_products_are_listed(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&many_agreements(ctx)).await?;
    let it = it.sink()?;
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
    let world = many_agreements(ctx);
    is_listed_whole_or_failed(ctx, &world, Listing::Agreements).await?;
    is_listed_whole_or_failed(ctx, &world, Listing::Products).await
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
