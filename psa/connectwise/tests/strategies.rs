//! Each strategy from the plan to the invoice lines of the simulated ConnectWise, and a second
//! look that finds it done.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, MarkerPlacement};
use tallyline_core::PsaSink;
use tallyline_core::apply::after::{Refusal, TakenBack, Undo, UndoContext, undo};
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::Clock;
use tallyline_core::flow;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{AccountReading, AgreementId, Basis, ChargeKind, Timestamp, UsageLine};
use tallyline_core::plan::{Plan, PlanContext, Planner, Policy, Strategy};
use tallyline_core::reconcile::{PsaBook, Reconciler};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::source::SourceDescriptor;
use tallyline_core::store::{Journal as _, MemoryStore};
use tallyline_testkit::connectwise::{
    Addition, Agreement, ConnectWiseSimulator, ConnectWiseState, CustomField,
};
use tallyline_testkit::json::Json;

struct Fixed(Timestamp);

#[async_trait]
impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// One client with 10 seats at 20.00, cost 14.00, billed in advance: October is invoiced.
struct Stage {
    psa: ConnectWiseSimulator,
    sink: ConnectWiseSink,
    mapping: Mapping,
    agreement: i64,
    policy: Policy,
}

impl Stage {
    async fn on(today: &str, strategy: Strategy, marker: MarkerPlacement) -> Self {
        let mut state = ConnectWiseState::on(today.parse().unwrap());
        state.addition_fields.push(CustomField {
            id: 7,
            caption: "Sync".to_owned(),
            kind: "Text".to_owned(),
            value: Json::Null,
        });
        let company = state.add_company("Adventure Works");
        let product = state.add_product("MAIL", 20.into(), 14.into());
        let agreement = state.add_agreement(company, "Cloud");
        state.edit_agreement(agreement, |agreement| {
            agreement.prorate = true;
            agreement.currency = Some("USD".to_owned());
            agreement.next_invoice_date = Some("2026-11-01".parse().unwrap());
        });
        state.add_addition(agreement, product, 10);
        let psa = ConnectWiseSimulator::start(state).await.unwrap();
        let client = ConnectWiseClient::builder()
            .site(psa.base_url().as_str())
            .company_id("examplemsp")
            .public_key("example-public-key")
            .private_key("example-private-key")
            .client_id("00000000-0000-4000-8000-0000000c11d0")
            .retry(RetryPolicy::none())
            .limiter(Arc::new(Limiter::new(LimiterOptions {
                per_second: NonZeroU32::new(100_000),
                ..LimiterOptions::default()
            })))
            .build()
            .unwrap();
        let sink = ConnectWiseSink::builder()
            .client(client)
            .strategy(strategy)
            .marker(marker)
            .build();
        let mut mapping = Mapping::new();
        let account = AccountLink::manual(
            company.to_string(),
            LineTarget::Agreement(agreement.to_string().into()),
        );
        mapping.set_account("c-1".into(), AccountEntry::Link(account));
        let service = ServiceLink::manual(
            vec![ProductRule::one_to_one(product.to_string())],
            ChargeKind::Recurring,
            BilledAs::Line,
        );
        mapping.set_service("MAIL-A".into(), ServiceEntry::Link(service));
        Self {
            psa,
            sink,
            mapping,
            agreement,
            policy: Policy::default(),
        }
    }

    async fn plan(&self, quantity: u32, now: Timestamp) -> Plan {
        let filter = AgreementFilter::default();
        let mut book = PsaBook::new(
            self.sink.companies().try_collect::<Vec<_>>().await.unwrap(),
            self.sink
                .agreements(&filter)
                .try_collect::<Vec<_>>()
                .await
                .unwrap(),
            self.sink.products().try_collect::<Vec<_>>().await.unwrap(),
        );
        let wanted = [AgreementId::new(self.agreement.to_string())];
        let readings: Vec<_> = self.sink.lines(&wanted).try_collect().await.unwrap();
        for reading in readings {
            assert!(book.add_lines(reading));
        }
        let mut reconciler = Reconciler::new(&self.mapping, &book, now.date());
        let usage = vec![UsageLine::new("sub:1", "MAIL-A", quantity)];
        reconciler
            .observe(AccountReading::complete("c-1", usage, Basis::Live, now))
            .unwrap();
        let context = PlanContext {
            source: &SourceDescriptor::new("market", "Market"),
            sink: self.sink.descriptor(),
            now,
            accounts: &[],
            services: &[],
            first_sync: None,
        };
        Planner::new(self.policy.clone())
            .plan(&reconciler.finish(), &context)
            .unwrap()
    }

    async fn apply(&self, plan: &Plan, now: Timestamp) -> ApplyReport {
        self.apply_with(&MemoryStore::new(), plan, now).await
    }

    async fn apply_with(&self, store: &MemoryStore, plan: &Plan, now: Timestamp) -> ApplyReport {
        let text = plan.to_text().unwrap();
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: "market",
            changes: plan.changes(),
            approval: &Approval::of_plan(plan.id().clone(), "finance@example.com", now),
        };
        Applier::new(&self.sink, store, &Fixed(now))
            .apply(&request, &ApplyOptions::new())
            .await
            .unwrap()
    }

    /// The undo of the last run.
    async fn undo(&self, store: &MemoryStore, now: Timestamp) -> Undo {
        let run = store.runs(1).await.unwrap().remove(0);
        let records = store.changes(&run.id).await.unwrap();
        let changes = records.iter().map(|record| &record.change);
        let context = UndoContext {
            sink: self.sink.descriptor(),
            book: &flow::book_of_changes(&self.sink, None, changes)
                .await
                .unwrap(),
            policy: &self.policy,
            today: now.date(),
            now,
            source_tenant: None,
            taken_back: &TakenBack::read(store, &run.id).await.unwrap(),
        };
        undo(&run, &records, &context).unwrap()
    }

    fn edit(&self, edit: impl FnOnce(&mut Agreement)) {
        self.psa
            .with_state(|state| assert!(state.edit_agreement(self.agreement, edit)));
    }

    /// Quantity, first and last day of every addition.
    fn additions(&self) -> Vec<String> {
        fn day(day: Option<impl ToString>) -> String {
            day.map_or_else(|| "open".to_owned(), |day| day.to_string())
        }
        let words = |addition: &&Addition| {
            format!(
                "{} from {} to {}",
                addition.quantity,
                day(addition.effective_date),
                day(addition.cancelled_date)
            )
        };
        let state = self.psa.state();
        state
            .additions_of(self.agreement)
            .iter()
            .map(words)
            .collect()
    }
}

fn noon(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

fn custom_field() -> MarkerPlacement {
    MarkerPlacement::CustomField {
        id: 7,
        caption: "Sync".into(),
    }
}

/// Plans 13 seats on 11 October, applies, and looks again the same day and on 1 November.
async fn thirteen(strategy: Strategy, marker: MarkerPlacement) -> (Stage, Plan, ApplyReport) {
    let stage = Stage::on("2026-10-11", strategy, marker).await;
    let now = noon("2026-10-11");
    let plan = stage.plan(13, now).await;
    let report = stage.apply(&plan, now).await;
    assert!(report.is_all_done(), "{report}");
    assert!(stage.plan(13, now).await.changes().is_empty());
    stage.edit(|agreement| {
        agreement.next_invoice_date = Some("2026-12-01".parse().unwrap());
    });
    let next = stage.plan(13, noon("2026-11-01")).await;
    assert!(next.changes().is_empty(), "{:?}", next.changes());
    (stage, plan, report)
}

fn compared(plan: &Plan, report: &ApplyReport) -> Vec<String> {
    let changes = plan.changes().iter().zip(&report.changes);
    changes
        .filter_map(|(change, result)| {
            let shown = result.after.as_ref()?.prorated.as_deref();
            change.prediction.as_ref()?.beside("ConnectWise PSA", shown)
        })
        .collect()
}

#[tokio::test]
async fn in_place_sets_the_one_line() {
    let (stage, ..) = thirteen(Strategy::InPlace, MarkerPlacement::SerialNumber).await;
    assert_eq!(stage.additions(), ["13 from 2026-01-01 to open"]);
}

#[tokio::test]
async fn a_catch_up_bills_the_invoiced_days_as_predicted() {
    for marker in [
        MarkerPlacement::SerialNumber,
        custom_field(),
        MarkerPlacement::JournalOnly,
    ] {
        let (stage, plan, report) = thirteen(Strategy::InPlaceWithCatchUp, marker).await;
        assert_eq!(
            stage.additions(),
            [
                "13 from 2026-01-01 to open",
                "3 from 2026-10-11 to 2026-10-31"
            ]
        );
        assert_eq!(
            compared(&plan, &report),
            ["predicted 40.65 USD for 2026-10-11 to 2026-10-31, ConnectWise PSA shows 40.65 USD"]
        );
    }
}

#[tokio::test]
async fn a_credit_gives_back_the_invoiced_days_as_predicted() {
    let strategy = Strategy::InPlaceWithCatchUp;
    let mut stage = Stage::on("2026-10-20", strategy, MarkerPlacement::SerialNumber).await;
    stage.policy.catch_up_credits = true;
    let now = noon("2026-10-20");
    let plan = stage.plan(8, now).await;
    let report = stage.apply(&plan, now).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(
        stage.additions(),
        [
            "8 from 2026-01-01 to open",
            "-2 from 2026-10-20 to 2026-10-31"
        ]
    );
    assert_eq!(
        compared(&plan, &report),
        ["predicted -15.48 USD for 2026-10-20 to 2026-10-31, ConnectWise PSA shows -15.48 USD"]
    );
    assert!(stage.plan(8, now).await.changes().is_empty());
}

#[tokio::test]
async fn a_catch_up_is_taken_back_with_its_quantity_until_it_is_invoiced() {
    for (seats, catch_up) in [(13, "3"), (8, "-2")] {
        let strategy = Strategy::InPlaceWithCatchUp;
        let mut stage = Stage::on("2026-10-11", strategy, MarkerPlacement::SerialNumber).await;
        stage.policy.catch_up_credits = true;
        let (store, now) = (MemoryStore::new(), noon("2026-10-11"));
        let plan = stage.plan(seats, now).await;
        assert!(stage.apply_with(&store, &plan, now).await.is_all_done());
        let done = [
            format!("{seats} from 2026-01-01 to open"),
            format!("{catch_up} from 2026-10-11 to 2026-10-31"),
        ];
        assert_eq!(stage.additions(), done);

        stage.edit(|agreement| {
            agreement.next_invoice_date = Some("2026-12-01".parse().unwrap());
        });
        let late = stage.undo(&store, noon("2026-11-02")).await;
        assert!(late.plan.changes().is_empty(), "{late:?}");
        let refused = late.refused.iter().map(|refused| &refused.refusal);
        let invoiced = |refusal: &Refusal| matches!(refusal, Refusal::Invoiced { .. });
        assert_eq!(refused.filter(|refusal| invoiced(refusal)).count(), 2);

        stage.edit(|agreement| {
            agreement.next_invoice_date = Some("2026-11-01".parse().unwrap());
        });
        let later = noon("2026-10-12");
        let undo = stage.undo(&store, later).await;
        assert!(undo.refused.is_empty(), "{:?}", undo.refused);
        let report = stage.apply_with(&store, &undo.plan, later).await;
        assert!(report.is_all_done(), "{report}");
        assert_eq!(
            stage.additions(),
            [
                "10 from 2026-01-01 to open",
                "0 from 2026-10-11 to 2026-10-31"
            ]
        );
        assert!(stage.plan(10, later).await.changes().is_empty());
    }
}

#[tokio::test]
async fn a_versioned_change_leaves_the_history_in_two_lines() {
    for marker in [
        MarkerPlacement::SerialNumber,
        custom_field(),
        MarkerPlacement::JournalOnly,
    ] {
        let (stage, ..) = thirteen(Strategy::Versioned, marker).await;
        assert_eq!(
            stage.additions(),
            [
                "10 from 2026-01-01 to 2026-10-31",
                "13 from 2026-11-01 to open"
            ]
        );
    }
}

#[tokio::test]
async fn a_line_is_not_ended_where_the_agreement_has_no_room_for_the_new_one() {
    let strategy = Strategy::Versioned;
    let stage = Stage::on("2026-10-11", strategy, MarkerPlacement::SerialNumber).await;
    let now = noon("2026-10-11");
    let plan = stage.plan(13, now).await;
    stage.edit(|agreement| {
        agreement.end_date = Some("2026-10-31".parse().unwrap());
    });
    let report = stage.apply(&plan, now).await;
    assert_eq!(report.totals.done, 0, "{report}");
    assert_eq!(stage.additions(), ["10 from 2026-01-01 to open"]);
}
