//! The whole path from the simulated D&H to the simulated ConnectWise, over real HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{agreements_of, apply_to, change_of, connectwise, mapping, not_read, small};
use jiff::civil::{Date, date};
use tallyline_connectwise::ConnectWiseSink;
use tallyline_core::flow::Flow;
use tallyline_core::http::RetryPolicy;
use tallyline_core::mapping::Mapping;
use tallyline_core::model::{AgreementId, Quantity, Timestamp};
use tallyline_core::plan::{Action, Guard, Plan, Policy};
use tallyline_core::store::MemoryStore;
use tallyline_dandh::DandhClient;
use tallyline_testkit::book::dandh::dandh_instead;
use tallyline_testkit::book::{Book, BookCase, BookOptions};
use tallyline_testkit::connectwise::ConnectWiseSimulator;
use tallyline_testkit::dandh::{BeforeFirstPreview, DandhSimulator, DandhState};
use tallyline_testkit::faults::{Fault, Match};

/// Both systems with one book, and real clients on them.
struct World {
    vendor: Arc<DandhSimulator>,
    psa: ConnectWiseSimulator,
    source: DandhClient,
    sink: ConnectWiseSink,
    mapping: Mapping,
    book: Book,
    now: Timestamp,
}

impl World {
    async fn start(seed: u64) -> Self {
        Self::on(BookOptions::default().today, seed, |_| {}).await
    }

    /// A small book on a day, after something was done to the marketplace.
    async fn on(today: Date, seed: u64, edit: impl FnOnce(&mut DandhState)) -> Self {
        let mut book = Book::generate(BookOptions {
            today,
            ..small(seed)
        });
        let mut dandh = dandh_instead(&mut book);
        edit(&mut dandh);
        let source = |vendor: &DandhSimulator| {
            DandhClient::builder()
                .username(&dandh.credentials.username)
                .password(dandh.credentials.password.as_str().into())
                .parent_account_id(dandh.reseller_id)
                .base_url(vendor.rest_url())
                .retry(RetryPolicy::none())
                .build()
                .unwrap()
        };
        let vendor = DandhSimulator::start(dandh.clone()).await.unwrap();
        let psa = ConnectWiseSimulator::start(book.connectwise.clone())
            .await
            .unwrap();
        Self {
            source: source(&vendor),
            sink: connectwise(&psa),
            mapping: mapping(book.expected_mapping()),
            now: format!("{today}T12:00:00Z").parse().unwrap(),
            vendor: Arc::new(vendor),
            psa,
            book,
        }
    }

    async fn plan(&self) -> Plan {
        let flow = Flow::new(&self.source, &self.sink);
        let lists = flow.lists().await.unwrap();
        flow.plan(&lists, &self.mapping, &Policy::default(), self.now)
            .await
            .unwrap()
    }
}

fn of(agreements: &BTreeSet<AgreementId>, plan: &Plan) -> usize {
    let changes = plan.changes().iter();
    changes
        .filter(|change| agreements.contains(&change.agreement))
        .count()
}

#[tokio::test]
async fn a_plan_is_applied_line_by_line_and_nothing_is_left_to_do() {
    for seed in [1, 7] {
        let world = World::start(seed).await;
        let plan = world.plan().await;
        let ready = plan.summary().ready;
        assert!(ready >= 4, "the book has differences: {}", plan.summary());

        let report = apply_to(&world.sink, "dandh", &plan, &MemoryStore::new()).await;
        assert_eq!(report.totals.done, ready, "{report:?}");
        assert_eq!(world.psa.writes().len(), ready, "one write for each change");

        let again = world.plan().await;
        assert_eq!(again.summary().ready, 0, "{:?}", again.changes());
        assert_eq!(again.summary().blocked, plan.summary().blocked);
    }
}

#[tokio::test]
async fn a_split_within_the_month_and_seats_since_the_preview_are_planned_as_they_stand() {
    let world = World::start(2).await;
    let plan = world.plan().await;
    let note = world.book.case(BookCase::Increase).unwrap();
    let change = change_of(&plan, &world.book, BookCase::Increase);
    let Action::SetQuantity { from, to, .. } = &change.action else {
        panic!("{change:?}");
    };
    assert_eq!(Some(from.value()), note.psa_quantity);
    assert_eq!(Some(to.value()), note.vendor_quantity);
    assert!(!change.is_blocked());

    let note = world.book.case(BookCase::NewRevenue).unwrap();
    let change = change_of(&plan, &world.book, BookCase::NewRevenue);
    let Action::CreateLine { quantity, .. } = &change.action else {
        panic!("{change:?}");
    };
    assert_eq!(Some(quantity.value()), note.vendor_quantity);
    let [usage] = &change.evidence.usage[..] else {
        panic!("{change:?}");
    };
    assert_eq!(usage.account.as_str(), note.customer_id);

    let change = change_of(&plan, &world.book, BookCase::CurrencyMismatch);
    let guards: Vec<Guard> = change.blocks.iter().map(|block| block.guard).collect();
    assert_eq!(guards, [Guard::Currency]);
}

#[tokio::test]
async fn reading_and_planning_write_nothing_and_leave_the_count_of_the_latest_friday() {
    let world = World::start(3).await;
    let plan = world.plan().await;
    assert!(world.psa.writes().is_empty());
    for request in world.vendor.requests() {
        let (_, operation) = request.path.rsplit_once('/').unwrap();
        assert!(operation.starts_with("Get"), "{operation}");
    }
    let twin = World::start(3).await;
    assert_eq!(twin.plan().await.id(), plan.id());
    let friday = "2026-03-13T00:00:00Z".parse().unwrap();
    assert_eq!(plan.content().data_as_of, Some(friday));
}

/// The first Friday of April 2026 is the third.
#[tokio::test]
async fn a_month_whose_preview_is_not_generated_yet_plans_nothing_and_says_so() {
    for before in [BeforeFirstPreview::Nothing, BeforeFirstPreview::LastMonth] {
        let world = World::on(date(2026, 4, 1), 5, |dandh| {
            dandh.options.before_first_preview = before;
        })
        .await;
        let plan = world.plan().await;
        assert!(plan.changes().is_empty(), "{before:?} {:?}", plan.changes());
        assert_eq!(not_read(&plan).len(), 24);
        let said = plan
            .notices()
            .iter()
            .any(|notice| notice.message.contains("are not generated yet"));
        assert!(said, "{:?}", plan.notices());

        world.vendor.clock().set_day(date(2026, 4, 3));
        let friday = World {
            now: "2026-04-03T12:00:00Z".parse().unwrap(),
            ..world
        };
        assert!(!friday.plan().await.changes().is_empty());
    }
}

#[tokio::test]
async fn a_preview_that_comes_empty_reduces_nothing() {
    let world = World::start(6).await;
    world.vendor.faults().on(
        Match::post("/GetPreviewInvoices"),
        Fault::answer(200, "application/json", "[]"),
    );
    let plan = world.plan().await;
    assert!(plan.changes().is_empty(), "{:?}", plan.changes());
    assert_eq!(not_read(&plan).len(), 24);
}

#[tokio::test]
async fn one_in_ten_companies_that_fail_for_good_change_nothing_of_theirs_and_are_named() {
    let world = World::start(8).await;
    let whole = world.plan().await;
    let known = not_read(&whole);
    // Of those with changes to plan, so that a change would show.
    let changed: Vec<String> = [BookCase::Increase, BookCase::Decrease, BookCase::NewRevenue]
        .map(|case| world.book.case(case).unwrap().customer_id.clone())
        .to_vec();
    let agreements = agreements_of(&world.mapping, &changed);
    assert_eq!(of(&agreements, &whole), 3);
    world.vendor.with_state(|state| {
        let ids = changed.iter().map(|id| id.parse::<i64>().unwrap());
        state.failing_accounts.extend(ids);
    });
    let plan = world.plan().await;
    assert_eq!(of(&agreements, &plan), 0);
    assert_eq!(plan.changes().len(), whole.changes().len() - 3);
    let named: BTreeSet<String> = changed.into_iter().chain(known).collect();
    assert_eq!(not_read(&plan), named);
}

#[tokio::test]
async fn a_session_that_expires_in_the_middle_of_a_read_changes_no_byte_of_the_plan() {
    let calm = World::start(9).await;
    let wanted = calm.plan().await;
    let world = World::start(9).await;
    for (operation, at) in [("/GetPreviewInvoices", 2), ("/GetSubscriptions", 30)] {
        let marketplace = Arc::downgrade(&world.vendor);
        world.vendor.faults().on(
            Match::post(operation).nth(at),
            Fault::rewrite(move |answer| {
                if let Some(marketplace) = marketplace.upgrade() {
                    marketplace.expire_sessions();
                }
                answer
            }),
        );
    }
    let plan = world.plan().await;
    assert_eq!(world.vendor.faults().struck(), 2);
    assert!(world.vendor.sessions_issued() >= 3);
    assert_eq!(plan.to_text().unwrap(), wanted.to_text().unwrap());
}

#[tokio::test]
async fn twenty_eight_digits_come_exactly_from_the_wire_into_the_plan() {
    let world = World::start(4).await;
    let digits: Quantity = "1234567890.123456789012345678".parse().unwrap();
    let note = world.book.case(BookCase::ExactMatch).unwrap();
    let id: i64 = note.subscription_ids[0].parse().unwrap();
    world.vendor.with_state(|state| {
        state.edit_subscription(id, |own| own.changes[0].seats = digits.value());
    });
    let plan = world.plan().await;
    let change = change_of(&plan, &world.book, BookCase::ExactMatch);
    let Action::SetQuantity { to, .. } = &change.action else {
        panic!("{change:?}");
    };
    assert_eq!(*to, digits);
}
