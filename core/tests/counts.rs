//! A sink that sets counts and does not tell them, from the plan to the second run and its undo.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use tallyline_core::apply::after::{TakenBack, Undo, UndoContext, undo};
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Outcome};
use tallyline_core::clock::Clock;
use tallyline_core::error::Sent;
use tallyline_core::flow::{Flow, book_of_changes};
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementId, AgreementReading, Basis, ChargeKind, Company,
    LineState, Product, Quantity, ReadFailure, RunId, Service, Timestamp, UsageLine, VendorAccount,
};
use tallyline_core::plan::{Action, Change, Guard, Plan, Policy};
use tallyline_core::reconcile::Kind;
use tallyline_core::sink::{
    AgreementFilter, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest};
use tallyline_core::store::{Journal, MemoryStore};
use tallyline_core::{Error, ErrorKind, PsaSink, Result, VendorSource};

/// What an account uses: services with their quantities, or a failure.
type Usage = BTreeMap<&'static str, Option<Vec<(&'static str, u32)>>>;

struct Vendor {
    descriptor: SourceDescriptor,
    usage: Mutex<Usage>,
}

#[async_trait]
impl VendorSource for Vendor {
    fn descriptor(&self) -> &SourceDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("vendor"))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        let names: Vec<&str> = self.usage.lock().unwrap().keys().copied().collect();
        stream::iter(
            names
                .into_iter()
                .map(|name| Ok(VendorAccount::new(name, name))),
        )
        .boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        stream::iter(["mail", "disk"].map(|key| Ok(Service::new(key, key)))).boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let usage = self.usage.lock().unwrap().clone();
        let readings = usage.into_iter().map(|(account, lines)| match lines {
            Some(lines) => {
                let line =
                    |(service, quantity): (&str, u32)| UsageLine::new(service, service, quantity);
                let lines = lines.into_iter().map(line).collect();
                AccountReading::complete(account, lines, Basis::Live, request.now)
            }
            None => {
                let failure = ReadFailure::new(ErrorKind::Timeout, "no answer");
                AccountReading::failed(account, failure, Basis::Live, request.now)
            }
        });
        stream::iter(readings.map(Ok)).boxed()
    }
}

#[derive(Default)]
struct Held {
    counts: BTreeMap<(String, String), Quantity>,
    unmapped: BTreeSet<String>,
    /// The next so many counts arrive, and their answers do not.
    lost: usize,
    writes: Vec<String>,
    begun: Vec<usize>,
}

struct Counter {
    descriptor: SinkDescriptor,
    held: Mutex<Held>,
}

impl Counter {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }
}

#[async_trait]
impl PsaSink for Counter {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("counter"))
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        stream::iter(["a", "b"].map(|id| Ok(Company::new(id, id)))).boxed()
    }

    fn agreements<'a>(&'a self, _: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        stream::iter(["a", "b"].map(|id| Ok(Agreement::new(id, id, "Counts")))).boxed()
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        stream::iter(["mail", "disk"].map(|id| Ok(Product::new(id, id, id)))).boxed()
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        let failure = || ReadFailure::new(ErrorKind::Unsupported, "counts are not told");
        let failed = agreements
            .iter()
            .map(move |id| AgreementReading::failed(id.clone(), failure()));
        stream::iter(failed.map(Ok)).boxed()
    }

    fn begin(&self, changes: &[Change]) {
        self.held().begun.push(changes.len());
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        let Action::SetCount { to, .. } = change.action else {
            let error = Error::new(ErrorKind::Unsupported, "counts alone");
            return Err(WriteError::NotSent(error));
        };
        let (account, service) = (change.agreement.to_string(), change.product.to_string());
        let mut held = self.held();
        held.writes.push(format!("{account}/{service}={to}"));
        if held.unmapped.contains(&account) {
            let error =
                Error::new(ErrorKind::NotFound, "No account map found").with_sent(Sent::Yes);
            return Err(WriteError::NotMapped(error));
        }
        held.counts.insert((account, service), to);
        if held.lost > 0 {
            held.lost -= 1;
            let error = Error::new(ErrorKind::Timeout, "no answer").with_sent(Sent::Maybe);
            return Err(WriteError::Unknown(error));
        }
        let mut receipt = Receipt::new(change.product.as_str());
        receipt.state = Some(LineState {
            quantity: to,
            ..LineState::default()
        });
        Ok(receipt)
    }

    async fn verify(&self, _: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        let told = receipt.and_then(|it| Some((it.line.clone()?, it.state.clone()?)));
        Ok(match told {
            Some((line, observed)) => Verdict::Landed { line, observed },
            None => Verdict::CannotTell {
                detail: "counts are not told".into(),
            },
        })
    }
}

struct Hands(Mutex<Timestamp>);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(duration);
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// Two accounts of two services at a vendor, linked one to one, and a journal.
struct Desk {
    vendor: Vendor,
    sink: Counter,
    store: MemoryStore,
    clock: Hands,
    mapping: Mapping,
    runs: Mutex<u32>,
}

impl Desk {
    fn new() -> Self {
        let mut capabilities = SinkCapabilities::default();
        capabilities.set_count = true;
        let mut mapping = Mapping::new();
        for id in ["a", "b"] {
            let link = AccountLink::manual(id, LineTarget::Agreement(id.into()));
            mapping.set_account(id.into(), AccountEntry::Link(link));
        }
        for id in ["mail", "disk"] {
            let rule = vec![ProductRule::one_to_one(id)];
            let link = ServiceLink::manual(rule, ChargeKind::Recurring, BilledAs::Line);
            mapping.set_service(id.into(), ServiceEntry::Link(link));
        }
        Self {
            vendor: Vendor {
                descriptor: SourceDescriptor::new("vendor", "The vendor"),
                usage: Mutex::new(BTreeMap::from([
                    ("a", Some(vec![("mail", 14), ("disk", 3)])),
                    ("b", Some(vec![("mail", 5)])),
                ])),
            },
            sink: Counter {
                descriptor: SinkDescriptor::new("counter", "Counter", capabilities),
                held: Mutex::default(),
            },
            store: MemoryStore::new(),
            clock: Hands(Mutex::new("2026-03-11T12:00:00Z".parse().unwrap())),
            mapping,
            runs: Mutex::new(0),
        }
    }

    fn use_at(&self, account: &'static str, lines: Option<Vec<(&'static str, u32)>>) {
        self.vendor.usage.lock().unwrap().insert(account, lines);
    }

    fn later(&self, hours: u64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.plus(Duration::from_secs(hours * 3600));
    }

    async fn plan(&self) -> Plan {
        let ledger = self.store.ledger("vendor", "counter").await.unwrap();
        let flow = Flow::new(&self.vendor, &self.sink).with_ledger(&ledger);
        let lists = flow.lists().await.unwrap();
        let now = self.clock.now();
        flow.plan(&lists, &self.mapping, &Policy::default(), now)
            .await
            .unwrap()
    }

    async fn apply(&self, plan: &Plan) -> ApplyReport {
        let mut options = ApplyOptions::new();
        let name = {
            let mut runs = self.runs.lock().unwrap();
            *runs += 1;
            format!("run-{runs}")
        };
        options.run = Some(RunId::new(name));
        let approval = Approval::of_plan(plan.id().clone(), "dana", self.clock.now());
        let text = plan.to_text().unwrap();
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: "vendor",
            changes: plan.changes(),
            approval: &approval,
        };
        let applier = Applier::new(&self.sink, &self.store, &self.clock);
        applier.apply(&request, &options).await.unwrap()
    }

    async fn resume(&self, run: &RunId) -> ApplyReport {
        let applier = Applier::new(&self.sink, &self.store, &self.clock);
        applier.resume(run, &ApplyOptions::new()).await.unwrap()
    }

    async fn undo(&self, run: &RunId) -> Undo {
        let ledger = self.store.ledger("vendor", "counter").await.unwrap();
        let (record, records) = (
            self.store.run(run).await.unwrap(),
            self.store.changes(run).await.unwrap(),
        );
        let changes = records.iter().map(|record| &record.change);
        let book = book_of_changes(&self.sink, Some(&ledger), changes)
            .await
            .unwrap();
        let context = UndoContext {
            sink: &self.sink.descriptor,
            book: &book,
            policy: &Policy::default(),
            today: self.clock.now().date(),
            now: self.clock.now(),
            source_tenant: None,
            taken_back: &TakenBack::read(&self.store, run).await.unwrap(),
        };
        undo(&record, &records, &context).unwrap()
    }

    /// Plans and applies; gives the writes that left.
    async fn sync(&self) -> Vec<String> {
        let plan = self.plan().await;
        let report = self.apply(&plan).await;
        assert_eq!(report.totals.failed, 0, "{report}");
        self.writes()
    }

    fn writes(&self) -> Vec<String> {
        let mut writes = std::mem::take(&mut self.sink.held().writes);
        writes.sort();
        writes
    }
}

/// The counts of a plan, by account and service.
fn counts(plan: &Plan) -> Vec<String> {
    let counts = plan.changes().iter().map(|change| {
        assert!(!change.is_blocked(), "{:?}", change.blocks);
        format!("{}/{}: {}", change.agreement, change.product, change.action)
    });
    counts.collect()
}

#[tokio::test]
async fn a_first_plan_knows_no_count_and_sets_every_one() {
    let desk = Desk::new();
    let plan = desk.plan().await;
    assert_eq!(
        counts(&plan),
        [
            "a/disk: set count not known -> 3",
            "a/mail: set count not known -> 14",
            "b/mail: set count not known -> 5",
        ]
    );
    assert_eq!(
        plan.content().found,
        BTreeMap::from([(Kind::FirstCount, 3)])
    );
    let reason = &plan.changes()[0].reason;
    assert!(reason.contains("does not tell what it bills"), "{reason}");
    let report = desk.apply(&plan).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.totals.recovered, 0);
    assert_eq!(desk.writes(), ["a/disk=3", "a/mail=14", "b/mail=5"]);
    assert_eq!(desk.sink.held().begun, [3]);
    let text = plan.to_text().unwrap();
    assert_eq!(Plan::from_text(&text).unwrap(), plan);
}

#[tokio::test]
async fn a_zero_that_is_stated_is_set_though_no_count_was_set_before() {
    let desk = Desk::new();
    desk.use_at("b", Some(vec![("mail", 0)]));
    let plan = desk.plan().await;
    let zero = "b/mail: set count not known -> 0".to_owned();
    assert!(counts(&plan).contains(&zero), "{:?}", counts(&plan));
    assert_eq!(
        plan.content().found,
        BTreeMap::from([(Kind::FirstCount, 3)])
    );
}

#[tokio::test]
async fn a_second_run_sets_every_count_again_from_what_the_journal_holds() {
    let desk = Desk::new();
    desk.sync().await;
    desk.use_at("a", Some(vec![("mail", 12), ("disk", 3)]));
    let plan = desk.plan().await;
    assert_eq!(
        counts(&plan),
        [
            "a/disk: set count 3 -> 3",
            "a/mail: set count 14 -> 12",
            "b/mail: set count 5 -> 5",
        ]
    );
    assert!(desk.apply(&plan).await.is_all_done());
    let held = desk.sink.held();
    assert_eq!(held.counts[&("a".into(), "mail".into())], 12_u32.into());
}

#[tokio::test]
async fn a_sink_that_is_not_to_be_told_again_is_told_what_differs() {
    let mut desk = Desk::new();
    desk.sink.descriptor.counts.resend = false;
    desk.sync().await;
    assert!(counts(&desk.plan().await).is_empty());
    desk.use_at("b", Some(vec![("mail", 6)]));
    assert_eq!(counts(&desk.plan().await), ["b/mail: set count 5 -> 6"]);
}

#[tokio::test]
async fn a_count_whose_usage_is_gone_from_a_complete_reading_is_set_to_zero_once() {
    let mut desk = Desk::new();
    desk.sink.descriptor.counts.resend = false;
    desk.sync().await;
    desk.use_at("a", Some(vec![("mail", 14)]));
    assert_eq!(desk.sync().await, ["a/disk=0"]);
    let again = desk.plan().await;
    assert!(counts(&again).is_empty() && again.notices().is_empty());
    // Usage that comes back counts again.
    desk.use_at("a", Some(vec![("mail", 14), ("disk", 2)]));
    assert_eq!(desk.sync().await, ["a/disk=2"]);
}

#[tokio::test]
async fn a_count_whose_usage_is_gone_stays_and_is_told_where_zero_is_not_to_be_sent() {
    let mut desk = Desk::new();
    desk.sink.descriptor.counts.zero_vanished = false;
    desk.sync().await;
    desk.use_at("a", Some(vec![("mail", 14)]));
    let plan = desk.plan().await;
    assert_eq!(
        counts(&plan),
        ["a/mail: set count 14 -> 14", "b/mail: set count 5 -> 5"]
    );
    let [notice] = plan.notices() else {
        panic!("{:?}", plan.notices());
    };
    assert_eq!(notice.kind, Kind::VendorMissing);
    assert!(
        notice.message.contains("is 3, which stays"),
        "{}",
        notice.message
    );
}

#[tokio::test]
async fn a_zero_is_blocked_while_the_account_has_usage_that_nothing_is_decided_about() {
    let desk = Desk::new();
    desk.sync().await;
    desk.use_at("a", Some(vec![("mail", 14), ("disk under a new key", 3)]));
    let plan = desk.plan().await;
    let zero = plan
        .changes()
        .iter()
        .find(|change| change.product == "disk".into());
    let guards: Vec<Guard> = zero
        .unwrap()
        .blocks
        .iter()
        .map(|block| block.guard)
        .collect();
    assert_eq!(guards, [Guard::UnmappedUsage]);
}

#[tokio::test]
async fn an_account_that_was_not_read_is_told_nothing_and_set_to_nothing() {
    let desk = Desk::new();
    desk.sync().await;
    desk.use_at("a", None);
    assert_eq!(desk.sync().await, ["b/mail=5"]);
    assert_eq!(
        desk.sink.held().counts[&("a".into(), "disk".into())],
        3_u32.into()
    );
}

#[tokio::test]
async fn what_is_not_mapped_there_is_no_failure_and_comes_again() {
    let desk = Desk::new();
    desk.sink.held().unmapped.insert("a".into());
    let plan = desk.plan().await;
    let report = desk.apply(&plan).await;
    let totals = report.totals;
    assert_eq!(
        (totals.not_mapped, totals.done, totals.failed),
        (2, 1, 0),
        "{report}"
    );
    let first = &report.changes[0];
    assert_eq!(first.outcome, Outcome::NotMapped);
    assert!(first.detail.contains("No account map found"), "{first}");
    assert!(!report.is_resumable());
    desk.writes();
    // Still not known: nothing was set.
    let plan = desk.plan().await;
    assert_eq!(counts(&plan)[0], "a/disk: set count not known -> 3");
    desk.sink.held().unmapped.clear();
    assert!(desk.apply(&plan).await.is_all_done());
    assert_eq!(desk.writes(), ["a/disk=3", "a/mail=14", "b/mail=5"]);
}

#[tokio::test]
async fn a_lost_count_is_set_again_by_a_resume_once_it_can_no_longer_arrive_and_not_before() {
    let desk = Desk::new();
    desk.sink.held().lost = 1;
    let plan = desk.plan().await;
    let report = desk.apply(&plan).await;
    let totals = report.totals;
    assert_eq!(
        (totals.unsettled, totals.waiting, totals.done),
        (1, 1, 1),
        "{report}"
    );
    assert_eq!(desk.writes().len(), 2);

    // Nothing is concluded meanwhile, and no other run writes to the agreement.
    let meanwhile = desk.plan().await;
    let changed: Vec<&str> = meanwhile
        .changes()
        .iter()
        .map(|c| c.agreement.as_str())
        .collect();
    assert_eq!(changed, ["b"]);
    let said = meanwhile
        .notices()
        .iter()
        .any(|notice| notice.message.contains("run-1"));
    assert!(said, "{:?}", meanwhile.notices());

    let early = desk.resume(&report.run).await;
    assert_eq!(early.totals.unsettled, 1, "{early}");
    assert!(desk.writes().is_empty());
    desk.later(1);
    let late = desk.resume(&report.run).await;
    assert!(late.is_all_done(), "{late}");
    assert_eq!(desk.writes(), ["a/disk=3", "a/mail=14"]);
    let history = desk.store.changes(&report.run).await.unwrap();
    let names: Vec<&str> = history[0].events.iter().map(|it| it.event.name()).collect();
    let after = names.iter().skip_while(|name| **name != "outcome_unknown");
    let after: Vec<&str> = after.copied().collect();
    assert_eq!(
        after,
        [
            "outcome_unknown",
            "verified",
            "verified",
            "verified",
            "precondition_held",
            "sent",
            "answered",
            "verified",
            "done"
        ]
    );
}

#[tokio::test]
async fn a_plan_on_a_count_that_is_another_by_now_sets_nothing() {
    let desk = Desk::new();
    let old = desk.plan().await;
    desk.sync().await;
    let report = desk.apply(&old).await;
    assert_eq!(report.totals.drifted, 3, "{report}");
    let detail = &report.changes[0].detail;
    assert!(
        detail.contains("set last is 3, planned on none"),
        "{detail}"
    );
    assert!(desk.writes().is_empty());
}

#[tokio::test]
async fn an_undo_sets_the_counts_from_before_and_leaves_first_ones() {
    let desk = Desk::new();
    let first = desk.apply(&desk.plan().await).await;
    let undone = desk.undo(&first.run).await;
    assert!(undone.plan.changes().is_empty());
    assert_eq!(undone.refused.len(), 3);
    desk.later(1);
    desk.use_at("a", Some(vec![("mail", 12), ("disk", 3)]));
    let second = desk.apply(&desk.plan().await).await;
    let undone = desk.undo(&second.run).await;
    let back = counts(&undone.plan);
    assert!(
        back.contains(&"a/mail: set count 12 -> 14".to_owned()),
        "{back:?}"
    );
    desk.writes();
    assert!(desk.apply(&undone.plan).await.is_all_done());
    assert!(desk.writes().contains(&"a/mail=14".to_owned()));
}
