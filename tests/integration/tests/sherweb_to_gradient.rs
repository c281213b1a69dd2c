//! The whole path from the simulated Sherweb to the simulated Gradient, over real HTTP: set-up, first push, further runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tallyline_core::PsaSink;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Outcome};
use tallyline_core::clock::SystemClock;
use tallyline_core::flow::Flow;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::mapping::{Mapping, MatchOptions, auto_link_accounts, auto_link_services};
use tallyline_core::model::{RunId, Timestamp};
use tallyline_core::plan::{Plan, Policy};
use tallyline_core::reconcile::Kind;
use tallyline_core::store::{Journal, MemoryStore};
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::gradient::{GradientSimulator, GradientState};
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};

const MAIL: &str = "MAIL-A-MM";
const DISK: &str = "DISK-B-MM";

/// Both systems, real clients on them, and a journal.
struct World {
    vendor: SherwebSimulator,
    gradient: GradientSimulator,
    source: SherwebClient,
    sink: GradientSink,
    store: MemoryStore,
    mapping: Mapping,
    /// The vendor's customers, and the subscription that is to vanish.
    birch: String,
    cedar: String,
    disk: String,
    runs: AtomicUsize,
}

impl World {
    /// Two customers, both services, set up and mapped by the MSP.
    async fn start() -> Self {
        let mut state = SherwebState::new();
        let birch = state.add_customer("Birch Harbor Dental");
        let cedar = state.add_customer("Cedar Legal");
        state.add_subscription(&birch, MAIL, 14);
        let disk = state.add_subscription(&birch, DISK, 3);
        state.add_subscription(&cedar, MAIL, 5);
        let vendor = SherwebSimulator::start(state).await.unwrap();
        let gradient = GradientSimulator::start(GradientState::new())
            .await
            .unwrap();
        let source = SherwebClient::builder()
            .client_id("example-client-id")
            .client_secret("example-client-secret".into())
            .subscription_key("example-subscription-key".into())
            .base_url(vendor.base_url().as_str())
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        let client = GradientClient::builder()
            .vendor_api_key("example-gradient-vendor-key".into())
            .partner_api_key("example-gradient-partner-key".into())
            .base_url(gradient.base_url().as_str())
            .retry(RetryPolicy::none())
            .limiter(Arc::new(Limiter::new(LimiterOptions::default())))
            .build()
            .unwrap();
        let mut world = Self {
            sink: GradientSink::builder().client(client).build(),
            vendor,
            gradient,
            source,
            store: MemoryStore::new(),
            mapping: Mapping::new(),
            birch,
            cedar,
            disk,
            runs: AtomicUsize::new(0),
        };
        world.set_up().await;
        world.gradient.with_state(GradientState::map_all);
        world
    }

    /// Makes what is missing in Gradient, and links it.
    async fn set_up(&mut self) {
        let lists = Flow::new(&self.source, &self.sink).lists().await.unwrap();
        let setup = self
            .sink
            .missing(&lists.accounts, &lists.services)
            .await
            .unwrap();
        self.sink.set_up(&setup).await.unwrap();
        let lists = Flow::new(&self.source, &self.sink).lists().await.unwrap();
        let options = MatchOptions::default();
        auto_link_accounts(
            &mut self.mapping,
            &lists.accounts,
            &lists.companies,
            &lists.agreements,
        );
        auto_link_services(
            &mut self.mapping,
            &lists.services,
            &lists.products,
            &options,
        );
    }

    async fn plan(&self) -> Plan {
        let ledger = self.store.ledger("sherweb", "gradient").await.unwrap();
        let flow = Flow::new(&self.source, &self.sink).with_ledger(&ledger);
        let lists = flow.lists().await.unwrap();
        flow.plan(&lists, &self.mapping, &Policy::default(), Timestamp::now())
            .await
            .unwrap()
    }

    async fn apply(&self, plan: &Plan) -> ApplyReport {
        let mut options = ApplyOptions::new();
        let number = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        options.run = Some(RunId::new(format!("run-{number}")));
        let approval = Approval::of_plan(plan.id().clone(), "dana", Timestamp::now());
        let text = plan.to_text().unwrap();
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: "sherweb",
            changes: plan.changes(),
            approval: &approval,
        };
        let applier = Applier::new(&self.sink, &self.store, &SystemClock);
        applier.apply(&request, &options).await.unwrap()
    }

    /// The counts that Gradient truly holds, by the names of account and service.
    fn held(&self) -> BTreeMap<String, String> {
        let state = self.gradient.state();
        let named = |account: &str, service: &str| {
            let account = state.accounts.iter().find(|it| it.id == account).unwrap();
            let service = state.services.iter().find(|it| it.id == service).unwrap();
            format!("{}, {}", account.name, service.words.name)
        };
        state
            .counts
            .iter()
            .map(|((account, service), count)| (named(account, service), count.to_string()))
            .collect()
    }

    /// The queries of the counts that were sent.
    fn sent(&self) -> Vec<String> {
        let requests = self.gradient.requests();
        let counts = requests.iter().filter(|it| it.path.ends_with("/count"));
        counts.map(|request| request.query.clone()).collect()
    }
}

fn held(counts: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(pair, count): &(&str, &str)| ((*pair).to_owned(), (*count).to_owned());
    counts.iter().map(owned).collect()
}

const FIRST: [(&str, &str); 3] = [
    ("Birch Harbor Dental, DISK-B-MM", "3"),
    ("Birch Harbor Dental, MAIL-A-MM", "14"),
    ("Cedar Legal, MAIL-A-MM", "5"),
];

#[tokio::test]
async fn the_first_run_pushes_every_count_and_builds_the_view_once() {
    let world = World::start().await;
    let plan = world.plan().await;
    assert_eq!(
        plan.content().found,
        BTreeMap::from([(Kind::FirstCount, 3)])
    );
    assert!(plan.changes().iter().all(|change| !change.is_blocked()));
    let report = world.apply(&plan).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(world.held(), held(&FIRST));
    let sent = world.sent();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent.iter().filter(|query| query.is_empty()).count(), 1);
    let state = world.gradient.state();
    assert_eq!((state.builds, state.status.as_str()), (1, "active"));
}

#[tokio::test]
async fn a_second_run_pushes_every_count_again_and_says_from_which() {
    let world = World::start().await;
    world.apply(&world.plan().await).await;
    let plan = world.plan().await;
    let actions: Vec<String> = plan
        .changes()
        .iter()
        .map(|it| it.action.to_string())
        .collect();
    assert_eq!(
        actions.iter().filter(|it| it.ends_with("14 -> 14")).count(),
        1,
        "{actions:?}"
    );
    assert!(world.apply(&plan).await.is_all_done());
    assert_eq!(world.sent().len(), 6);
    assert_eq!(world.held(), held(&FIRST));
}

#[tokio::test]
async fn a_second_run_pushes_nothing_where_counts_are_not_to_be_sent_again() {
    let mut world = World::start().await;
    world.sink = GradientSink::builder()
        .client(world.sink.client().clone())
        .resend(false)
        .build();
    world.apply(&world.plan().await).await;
    assert!(world.plan().await.changes().is_empty());
}

#[tokio::test]
async fn a_subscription_that_is_gone_from_a_complete_reading_is_pushed_as_zero() {
    let world = World::start().await;
    world.apply(&world.plan().await).await;
    world
        .vendor
        .with_state(|state| assert!(state.remove_subscription(&world.disk)));
    let plan = world.plan().await;
    let zero = plan
        .changes()
        .iter()
        .find(|it| it.labels.product == DISK)
        .unwrap();
    assert_eq!(zero.action.to_string(), "set count 3 -> 0");
    assert!(zero.reason.contains("set to zero"), "{}", zero.reason);
    assert!(world.apply(&plan).await.is_all_done());
    assert_eq!(world.held()["Birch Harbor Dental, DISK-B-MM"], "0");
    // It was told, and is not told again.
    let again = world.plan().await;
    assert!(again.changes().iter().all(|it| it.labels.product != DISK));
}

#[tokio::test]
async fn an_account_that_could_not_be_read_keeps_its_counts() {
    let world = World::start().await;
    world.apply(&world.plan().await).await;
    let before = world.held();
    world
        .vendor
        .with_state(|state| state.fail_customers([world.birch.as_str()], 500));
    let plan = world.plan().await;
    let about: Vec<&str> = plan
        .changes()
        .iter()
        .map(|it| it.agreement.as_str())
        .collect();
    assert_eq!(about, [world.cedar.as_str()]);
    assert!(world.apply(&plan).await.is_all_done());
    assert_eq!(world.held(), before);
}

#[tokio::test]
async fn a_pair_that_is_not_mapped_is_reported_and_comes_again() {
    let world = World::start().await;
    world
        .gradient
        .with_state(|state| state.mapped_accounts.remove(&world.cedar));
    let report = world.apply(&world.plan().await).await;
    let totals = report.totals;
    assert_eq!(
        (totals.done, totals.not_mapped, totals.failed),
        (2, 1, 0),
        "{report}"
    );
    let unmapped = report
        .changes
        .iter()
        .find(|it| it.outcome == Outcome::NotMapped);
    let unmapped = unmapped.unwrap();
    assert_eq!(unmapped.agreement.as_str(), world.cedar);
    assert!(
        unmapped.detail.contains("No account map found"),
        "{unmapped}"
    );
    assert_eq!(world.held().len(), 2);

    world.gradient.with_state(GradientState::map_all);
    let plan = world.plan().await;
    let again = plan
        .changes()
        .iter()
        .find(|it| it.agreement.as_str() == world.cedar);
    assert_eq!(
        again.unwrap().action.to_string(),
        "set count not known -> 5"
    );
    assert!(world.apply(&plan).await.is_all_done());
    assert_eq!(world.held(), held(&FIRST));
}

#[tokio::test]
async fn a_count_whose_answer_is_lost_holds_its_account_back_until_the_run_is_resumed() {
    let world = World::start().await;
    let lost = Match::post("/count").body(&world.birch).once();
    world.gradient.faults().on(lost, Fault::lose_answer());
    let report = world.apply(&world.plan().await).await;
    assert_eq!(report.totals.unsettled, 1, "{report}");
    assert!(
        report.to_string().contains("by resuming the run"),
        "{report}"
    );
    let sent = world.sent().len();
    let plan = world.plan().await;
    assert!(
        plan.changes()
            .iter()
            .all(|it| it.agreement.as_str() == world.cedar)
    );
    let resumed = Applier::new(&world.sink, &world.store, &SystemClock)
        .resume(&report.run, &ApplyOptions::new())
        .await
        .unwrap();
    assert_eq!(resumed.totals.unsettled, 1, "too early: {resumed}");
    assert_eq!(world.sent().len(), sent);
    let mut options = ApplyOptions::new();
    options.late_write = std::time::Duration::ZERO;
    let resumed = Applier::new(&world.sink, &world.store, &SystemClock)
        .resume(&report.run, &options)
        .await
        .unwrap();
    assert!(resumed.is_all_done(), "{resumed}");
    assert_eq!(world.held(), held(&FIRST));
}

#[tokio::test]
async fn after_a_disconnect_the_set_up_makes_the_accounts_anew_and_every_count_is_pushed_again() {
    let mut world = World::start().await;
    world.apply(&world.plan().await).await;
    world.gradient.with_state(GradientState::disconnect);
    world.set_up().await;
    assert_eq!(world.gradient.state().status, "pending");
    world.gradient.with_state(GradientState::map_all);
    assert!(world.apply(&world.plan().await).await.is_all_done());
    assert_eq!(world.held(), held(&FIRST));
}

#[tokio::test]
async fn reading_and_planning_write_nothing() {
    let world = World::start().await;
    world.gradient.clear_requests();
    world.plan().await;
    world.sink.check().await.unwrap();
    assert!(
        world
            .gradient
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}
