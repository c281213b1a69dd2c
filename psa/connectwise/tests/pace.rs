//! How many requests a run of changes takes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::apply::{ApplyEvent, Outcome};
use tallyline_core::clock::Clock;
use tallyline_core::http::{Limiter, LimiterOptions};
use tallyline_core::model::{PlanId, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::store::MemoryStore;
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};
use tallyline_testkit::faults::{Fault, Match};

const NOW: &str = "2026-03-15T08:00:00Z";

struct Fixed;

#[async_trait]
impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

struct Stage {
    psa: Arc<ConnectWiseSimulator>,
    sink: ConnectWiseSink,
    changes: Vec<Change>,
}

impl Stage {
    /// So many agreements with two lines of 5 units each, and changes that set each line to 6.
    async fn with(agreements: usize) -> Self {
        let mut state = ConnectWiseState::on("2026-03-15".parse().unwrap());
        let company = state.add_company("Fern Clinic");
        let products = ["MAIL", "BACKUP"].map(|name| state.add_product(name, 20.into(), 10.into()));
        let mut changes = Vec::new();
        for _ in 0..agreements {
            let agreement = state.add_agreement(company, "Monthly Services");
            for product in products {
                let line = state.add_addition(agreement, product, 5);
                changes.push(Change::new(
                    format!("c{line}"),
                    company.to_string(),
                    agreement.to_string(),
                    product.to_string(),
                    Action::SetQuantity {
                        line: line.to_string().into(),
                        from: 5_u32.into(),
                        to: 6_u32.into(),
                    },
                    "2026-04-01".parse().unwrap(),
                ));
            }
        }
        let credentials = state.credentials.clone();
        let psa = ConnectWiseSimulator::start(state).await.unwrap();
        let limiter = Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(10_000),
            burst: NonZeroU32::new(10_000),
            ..LimiterOptions::default()
        });
        let client = ConnectWiseClient::builder()
            .site(psa.base_url().as_str())
            .company_id(&credentials.company_id)
            .public_key(&credentials.public_key)
            .private_key(credentials.private_key.as_str())
            .client_id(&credentials.client_id)
            .limiter(Arc::new(limiter))
            .build()
            .unwrap();
        let sink = ConnectWiseSink::builder()
            .client(client)
            .clock(Arc::new(|| NOW.parse().unwrap()))
            .build();
        Self {
            psa: Arc::new(psa),
            sink,
            changes,
        }
    }

    async fn apply(&self, options: &ApplyOptions) -> ApplyReport {
        let plan = PlanId::new("plan-1");
        let request = ApplyRequest {
            plan_id: &plan,
            plan_text: "{}",
            source: "market",
            changes: &self.changes,
            approval: &Approval::of_plan(plan.clone(), "dana", Fixed.now()),
        };
        let store = MemoryStore::new();
        let applier = Applier::new(&self.sink, &store, &Fixed);
        applier.apply(&request, options).await.unwrap()
    }

    /// How many requests there were of a kind.
    fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|known| **known == kind).count()
    }

    fn kinds(&self) -> Vec<&'static str> {
        let kind = |method: &str, path: &str| match method {
            "PATCH" => "write",
            "GET" if path.ends_with("/additions") => "lines",
            "GET" if path.ends_with("/agreements") => "agreements",
            "GET" => "agreement",
            _ => "other",
        };
        let requests = self.psa.requests();
        let requests = requests.iter();
        requests.map(|it| kind(&it.method, &it.path)).collect()
    }
}

#[tokio::test]
async fn two_changes_of_an_agreement_read_its_lines_once_and_once_after_each_write() {
    let stage = Stage::with(1).await;
    let report = stage.apply(&ApplyOptions::new()).await;
    assert!(report.is_all_done(), "{report}");
    let wanted = ["lines", "agreement", "write", "lines", "write", "lines"];
    assert_eq!(stage.kinds(), wanted);
}

#[tokio::test]
async fn the_currencies_of_the_agreements_of_a_run_are_read_with_one_list() {
    const AGREEMENTS: usize = 25;
    let stage = Stage::with(AGREEMENTS).await;
    let mut options = ApplyOptions::new();
    options.concurrency = 4;
    let report = stage.apply(&options).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(
        (stage.count("agreements"), stage.count("agreement")),
        (1, 0)
    );
    assert_eq!(
        (stage.count("write"), stage.count("lines")),
        (2 * AGREEMENTS, 3 * AGREEMENTS)
    );
    let requests = stage.psa.requests();
    let list = requests.iter().find(|it| it.path.ends_with("/agreements"));
    assert!(
        list.unwrap().query.contains("fields=id%2Ccurrency"),
        "{list:?}"
    );
}

#[tokio::test]
async fn where_the_list_of_currencies_fails_each_is_read_with_its_agreement() {
    let stage = Stage::with(3).await;
    let lists = Match::get("/finance/agreements").path_end("/agreements");
    stage.psa.faults().on(lists, Fault::status(400));
    let report = stage.apply(&ApplyOptions::new()).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(
        (stage.count("agreements"), stage.count("agreement")),
        (1, 3)
    );
}

#[tokio::test]
async fn an_edit_between_two_changes_of_an_agreement_is_seen_by_the_read_back_of_the_first() {
    let stage = Stage::with(1).await;
    let (psa, second) = (Arc::clone(&stage.psa), stage.changes[1].clone());
    let options = ApplyOptions::new().with_on_event(move |told: ApplyEvent<'_>| {
        if told.event.name() == "answered" {
            let line = second.action.line().unwrap().as_str().parse().unwrap();
            psa.with_state(|state| {
                let edited = state.edit_addition(line, |addition| addition.quantity = 9.into());
                assert!(edited);
            });
        }
    });
    let report = stage.apply(&options).await;
    assert_eq!(report.changes[1].outcome, Outcome::Drifted, "{report}");
    assert_eq!(stage.count("write"), 1);
}
