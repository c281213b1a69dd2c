//! The whole path from the simulated Ingram Micro to the simulated ConnectWise, over real HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use common::{agreements_of, apply_to, change_of, connectwise, mapping, not_read, small};
use futures::TryStreamExt as _;
use tallyline_connectwise::ConnectWiseSink;
use tallyline_core::VendorSource as _;
use tallyline_core::flow::Flow;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::mapping::Mapping;
use tallyline_core::model::{Quantity, Timestamp};
use tallyline_core::plan::{Action, Guard, Plan, Policy};
use tallyline_core::source::UsageRequest;
use tallyline_core::store::MemoryStore;
use tallyline_ingram::progress::{MemoryProgress, ProgressStore};
use tallyline_ingram::{IngramClient, IngramSource};
use tallyline_testkit::book::ingram::ingram_instead;
use tallyline_testkit::book::{Book, BookCase};
use tallyline_testkit::connectwise::ConnectWiseSimulator;
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::ingram::{DetailFailure, IngramSimulator};

/// Both systems with one book, and real clients on them.
struct World {
    vendor: IngramSimulator,
    psa: ConnectWiseSimulator,
    progress: Arc<dyn ProgressStore>,
    sink: ConnectWiseSink,
    mapping: Mapping,
    book: Book,
    now: Timestamp,
}

impl World {
    async fn start(seed: u64) -> Self {
        let mut book = Book::generate(small(seed));
        let ingram = ingram_instead(&mut book);
        let vendor = IngramSimulator::start(ingram).await.unwrap();
        let psa = ConnectWiseSimulator::start(book.connectwise.clone())
            .await
            .unwrap();
        Self {
            vendor,
            sink: connectwise(&psa),
            mapping: mapping(book.expected_mapping()),
            progress: Arc::new(MemoryProgress::new()),
            now: format!("{}T12:00:00Z", book.options.today).parse().unwrap(),
            psa,
            book,
        }
    }

    /// A source as a process has it that was just started: what an earlier one kept is all that it knows.
    fn source(&self) -> IngramSource {
        let state = self.vendor.state();
        let limiter = Limiter::new(LimiterOptions {
            max_concurrent: 4,
            per_second: NonZeroU32::new(100_000),
            burst: NonZeroU32::new(1000),
            ..LimiterOptions::default()
        });
        let client = IngramClient::builder()
            .base_url(self.vendor.api_url())
            .marketplace(&state.marketplace)
            .username(&state.credentials.username)
            .password(state.credentials.password.as_str().into())
            .subscription_key(state.credentials.subscription_key.as_str().into())
            .page_size(20)
            .limiter(Arc::new(limiter))
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        IngramSource::builder()
            .client(client)
            .progress(Arc::clone(&self.progress))
            .build()
            .unwrap()
    }

    async fn plan(&self) -> Plan {
        let source = self.source();
        let flow = Flow::new(&source, &self.sink);
        let lists = flow.lists().await.unwrap();
        flow.plan(&lists, &self.mapping, &Policy::default(), self.now)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_plan_is_applied_line_by_line_and_nothing_is_left_to_do() {
    for seed in [1, 7] {
        let world = World::start(seed).await;
        let plan = world.plan().await;
        let ready = plan.summary().ready;
        assert!(ready >= 4, "the book has differences: {}", plan.summary());
        for case in [BookCase::Increase, BookCase::Decrease] {
            let note = world.book.case(case).unwrap();
            let Action::SetQuantity { from, to, .. } = &change_of(&plan, &world.book, case).action
            else {
                panic!("{case:?}");
            };
            assert_eq!(Some(from.value()), note.psa_quantity, "{case:?}");
            assert_eq!(Some(to.value()), note.vendor_quantity, "{case:?}");
        }

        let report = apply_to(&world.sink, "ingram", &plan, &MemoryStore::new()).await;
        assert_eq!(report.totals.done, ready, "{report:?}");
        assert_eq!(world.psa.writes().len(), ready, "one write for each change");
        let again = world.plan().await;
        assert_eq!(again.summary().ready, 0, "{:?}", again.changes());
        assert_eq!(again.summary().blocked, plan.summary().blocked);
    }
}

#[tokio::test]
async fn reading_and_planning_write_nothing_and_a_cost_in_another_currency_is_blocked() {
    let world = World::start(3).await;
    let plan = world.plan().await;
    assert!(world.psa.writes().is_empty());
    let reads = world.vendor.requests();
    assert!(
        reads
            .iter()
            .all(|own| own.method == "GET" || own.path.ends_with("/token"))
    );
    let change = change_of(&plan, &world.book, BookCase::CurrencyMismatch);
    let guards: Vec<Guard> = change.blocks.iter().map(|block| block.guard).collect();
    assert_eq!(guards, [Guard::Currency]);
    let twin = World::start(3).await;
    assert_eq!(twin.plan().await.id(), plan.id());
}

#[tokio::test]
async fn one_in_ten_details_that_fail_for_good_change_nothing_of_their_accounts_and_are_named() {
    let world = World::start(8).await;
    let whole = world.plan().await;
    let known = not_read(&whole);
    // Every tenth, and those of accounts with changes to plan, so that a change would show.
    let victims: BTreeSet<String> = world.vendor.with_state(|state| {
        let cases = [BookCase::Increase, BookCase::Decrease, BookCase::NewRevenue];
        let of_cases = cases.map(|case| {
            let note = world.book.case(case).unwrap();
            note.subscription_ids[0].clone()
        });
        let active = state
            .subscriptions
            .iter()
            .filter(|own| own.status == "active");
        let ids: Vec<String> = active.map(|own| own.id.clone()).collect();
        let tenth = ids.into_iter().step_by(10);
        let failing: BTreeSet<String> = tenth.chain(of_cases).collect();
        let mut customers = BTreeSet::new();
        for (at, id) in failing.into_iter().enumerate() {
            let how = match at % 2 {
                0 => DetailFailure::Prose,
                _ => DetailFailure::GatewayTimeout,
            };
            let mut own = state.subscriptions.iter();
            let own = own.find(|own| own.id == id).unwrap();
            customers.insert(own.customer_id.clone());
            state.failing_details.insert(id, how);
        }
        customers
    });
    let agreements = agreements_of(&world.mapping, &victims);
    let of_victims = |plan: &Plan| {
        let changes = plan.changes().iter();
        changes
            .filter(|change| agreements.contains(&change.agreement))
            .count()
    };
    let lost = of_victims(&whole);
    assert!(lost >= 3, "{lost}");
    let plan = world.plan().await;
    assert_eq!(of_victims(&plan), 0, "{:?}", plan.changes());
    assert_eq!(plan.changes().len(), whole.changes().len() - lost);
    let named: BTreeSet<String> = victims.into_iter().chain(known).collect();
    assert_eq!(not_read(&plan), named);
}

/// How often each page and each subscription was answered.
fn answered(world: &World) -> Vec<String> {
    let asked = world.vendor.requests();
    let own = asked
        .iter()
        .filter(|own| own.status == Some(200) && !own.faulted && !own.path.ends_with("/token"));
    own.map(|own| format!("{}?{}", own.path, own.query))
        .collect()
}

#[tokio::test]
async fn a_read_interrupted_at_any_page_of_subscriptions_ends_in_the_same_plan_and_repeats_no_page()
{
    let calm = World::start(5).await;
    let request = UsageRequest::new(calm.now);
    let read = async |world: &World| {
        let source = world.source();
        source.usage(&request).try_collect::<Vec<_>>().await
    };
    let whole = read(&calm).await.unwrap();
    let pages = answered(&calm);
    let lists = pages.iter().filter(|call| call.contains("/subscriptions?"));
    let lists = lists.count();
    assert!(lists >= 9, "{lists}");
    for at in 0..lists {
        let world = World::start(5).await;
        world.vendor.faults().on(
            Match::get("/subscriptions")
                .path_end("/subscriptions")
                .after(at)
                .once(),
            Fault::status(503),
        );
        read(&world).await.unwrap_err();
        let again = read(&world).await.unwrap();
        assert_eq!(again, whole, "page {at}");
        let calls = answered(&world);
        let once: BTreeSet<&String> = calls.iter().collect();
        assert_eq!(
            once.len(),
            calls.len(),
            "page {at}: something was read twice"
        );
        assert_eq!(calls.len(), pages.len());
    }
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_of_a_read_changes_no_byte_of_the_plan() {
    let calm = World::start(9).await;
    let wanted = calm.plan().await;
    let world = World::start(9).await;
    let unauthorized = r#"{"status":401,"message":"Unauthorized"}"#;
    world.vendor.faults().on(
        Match::get("/subscriptions/").nth(30),
        Fault::answer(401, "application/json", unauthorized),
    );
    let plan = world.plan().await;
    assert_eq!(world.vendor.faults().struck(), 1);
    assert!(world.vendor.tokens_issued() >= 2);
    assert_eq!(plan.to_text().unwrap(), wanted.to_text().unwrap());
}

#[tokio::test]
async fn twenty_eight_digits_come_exactly_from_the_wire_into_the_plan() {
    let world = World::start(4).await;
    world
        .vendor
        .expect_odd_answers("units are no integers", &["/products/0/quantity"]);
    let digits: Quantity = "1234567890.123456789012345678".parse().unwrap();
    let note = world.book.case(BookCase::ExactMatch).unwrap();
    world.vendor.with_state(|state| {
        assert!(state.set_quantity(&note.subscription_ids[0], digits.value()));
    });
    let plan = world.plan().await;
    let change = change_of(&plan, &world.book, BookCase::ExactMatch);
    let Action::SetQuantity { to, .. } = &change.action else {
        panic!("{change:?}");
    };
    assert_eq!(*to, digits);
}
