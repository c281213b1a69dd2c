//! How many requests a run of changes takes, and what it leaves of the tenant's budget. On paused time.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use tallyline_autotask::{AutotaskClient, AutotaskSink, BudgetOptions, TenantBudget};
use tallyline_core::PsaSink as _;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::Clock;
use tallyline_core::http::{RetryPolicy, Timeouts, Transport};
use tallyline_core::model::{AgreementLineId, PlanId, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::store::MemoryStore;
use tallyline_testkit::autotask::{AutotaskState, InProcess, Threshold};
use tallyline_testkit::contract::{HeldTransport, System};
use tallyline_testkit::in_process::Asked;

/// The day from which the changes count.
const FROM: &str = "2026-04-01";

/// A tenant with contracts of so many lines each, all of them billing 5, and changes that set each to 6.
fn tenant(contracts: usize, lines: usize) -> (AutotaskState, Vec<Change>) {
    let mut state = AutotaskState::on("2026-03-15".parse().unwrap());
    let company = state.add_company("Fern Clinic");
    let services: Vec<i64> = (0..lines)
        .map(|at| state.add_service(&format!("Plan {at}"), Decimal::TEN, Decimal::ONE))
        .collect();
    let mut changes = Vec::new();
    for contract in 0..contracts {
        let (name, day) = (format!("Cloud {contract}"), |text: &str| {
            text.parse().unwrap()
        });
        let dates = (day("2026-03-01"), day("2026-08-31"));
        let contract = state.add_contract_over(company, &name, dates.0, dates.1);
        for service in &services {
            let line = state.add_line(contract, *service, 5);
            let action = Action::SetQuantity {
                line: AgreementLineId::new(line.to_string()),
                from: 5_u32.into(),
                to: 6_u32.into(),
            };
            let (company, contract) = (company.to_string(), contract.to_string());
            changes.push(Change::new(
                format!("c{line}"),
                company,
                contract,
                service.to_string(),
                action,
                FROM.parse().unwrap(),
            ));
        }
    }
    (state, changes)
}

type Tenant = InProcess;

fn instant(tenant: &Tenant) -> Timestamp {
    tenant.now().to_string().parse().unwrap()
}

/// The sink on a tenant that allows so many calls an hour, with so many of them as its share in per cent, at work on so
/// many contracts at once; as it is by default where nothing is said.
fn sink(
    tenant: &Tenant,
    calls: u32,
    share_percent: Option<u8>,
    concurrency: Option<usize>,
) -> (AutotaskSink, HeldTransport) {
    let default = BudgetOptions::default();
    let credentials = tenant.with_state(|state| state.credentials.clone());
    let held = HeldTransport::new(
        System::Autotask,
        Arc::new(tenant.clone()) as Arc<dyn Transport>,
    );
    let client = AutotaskClient::builder()
        .zone_url("https://webservices1.autotask.net/ATServicesRest")
        .user_name(credentials.user)
        .integration_code(credentials.integration_code)
        .secret(credentials.secret)
        .budget(TenantBudget::new(BudgetOptions {
            hourly_threshold: calls,
            share_percent: share_percent.unwrap_or(default.share_percent),
            ..default
        }))
        .retry(RetryPolicy {
            max_retry_after: Duration::from_secs(2 * 60 * 60),
            ..RetryPolicy::default()
        })
        .timeouts(Timeouts {
            operation: None,
            ..Timeouts::default()
        })
        .transport(Arc::new(held.clone()))
        .build()
        .unwrap();
    let clock = tenant.clone();
    let sink = AutotaskSink::builder()
        .client(client)
        .maybe_concurrency(concurrency)
        .clock(Arc::new(move || instant(&clock)))
        .build();
    (sink, held)
}

struct Ticking(Tenant);

#[async_trait]
impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        instant(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn alongside(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

async fn apply(tenant: &Tenant, sink: &AutotaskSink, changes: &[Change]) -> ApplyReport {
    let plan = PlanId::new("plan-1");
    let approval = Approval::of_plan(plan.clone(), "dana", instant(tenant));
    let request = ApplyRequest {
        plan_id: &plan,
        plan_text: "{}",
        source: "cloudmore",
        changes,
        approval: &approval,
    };
    let (store, clock) = (MemoryStore::new(), Ticking(tenant.clone()));
    let applier = Applier::new(sink, &store, &clock);
    applier.apply(&request, &ApplyOptions::new()).await.unwrap()
}

/// What a line bills from the day of the changes on.
fn billed(tenant: &Tenant, change: &Change) -> i64 {
    let line = change.action.line().unwrap().as_str().parse().unwrap();
    tenant.with_state(|state| state.units_on(line, FROM.parse().unwrap()))
}

/// What a run of 1,200 changes on 20 contracts took.
#[derive(Debug)]
struct Pace {
    /// How many contracts were worked on at once.
    at_once: usize,
    requests: u64,
    /// Of the calls that the hours allowed which it took.
    used_percent: u64,
}

/// Carries out 1,200 changes on a tenant that allows so many calls an hour; none may be refused.
async fn pace(limit: u32, share_percent: Option<u8>, concurrency: Option<usize>) -> Pace {
    let (mut state, changes) = tenant(20, 60);
    state.threshold = Threshold::new(limit as usize);
    let tenant = Tenant::new(state);
    let (sink, _held) = sink(&tenant, limit, share_percent, concurrency);
    let started = tokio::time::Instant::now();
    let report = apply(&tenant, &sink, &changes).await;
    assert_eq!(report.totals.done, 1_200, "{:?}", report.totals);
    assert!(changes.iter().all(|change| billed(&tenant, change) == 6));

    let asked = tenant.asked();
    let refused: Vec<_> = asked.iter().filter(|asked| asked.status != 200).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let writes = |asked: &&Asked| asked.path.ends_with("/ServiceAdjustments");
    assert_eq!(asked.iter().filter(writes).count(), 1_200);

    // Each hour that began allows as many calls as our share of the limit.
    let hours = started.elapsed().as_secs() / 3_600 + 1;
    let share = share_percent.unwrap_or(BudgetOptions::default().share_percent);
    let allowed = hours * u64::from(limit) * u64::from(share) / 100;
    let requests = asked.len() as u64;
    Pace {
        at_once: sink.descriptor().concurrency,
        requests,
        used_percent: requests * 100 / allowed,
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_1200_changes_uses_its_budget_takes_2_requests_each_and_is_never_refused() {
    // The limit of a tenant scaled down 100 times, and all of it.
    let pace = pace(100, Some(100), Some(1)).await;
    println!("{pace:?}");
    assert!(pace.used_percent >= 90, "{pace:?}");
    assert!(pace.requests * 10 <= 1_200 * 22, "{pace:?}");
}

#[tokio::test(start_paused = true)]
async fn as_it_is_by_default_a_run_uses_its_share_takes_2_requests_each_and_is_never_refused() {
    // 40 per cent, and four contracts at once.
    let pace = pace(1_000, None, None).await;
    println!("{pace:?}");
    assert_eq!(pace.at_once, 4);
    assert!(pace.used_percent >= 90, "{pace:?}");
    assert!(pace.requests * 10 <= 1_200 * 22, "{pace:?}");
}

#[test]
fn of_a_small_share_fewer_contracts_are_worked_on_at_once_and_somebodys_number_stands() {
    let tenant = Tenant::new(tenant(1, 1).0);
    let at_once = |limit, concurrency| {
        let (sink, _held) = sink(&tenant, limit, None, concurrency);
        sink.descriptor().concurrency
    };
    // A share of 40, 100, 200 and 4,000 calls an hour.
    let by_default = [100, 250, 500, 10_000].map(|limit| at_once(limit, None));
    assert_eq!(by_default, [1, 1, 2, 4]);
    assert_eq!(at_once(100, Some(3)), 3);
}

#[tokio::test(start_paused = true)]
async fn as_it_is_by_default_batches_of_50_on_four_contracts_at_once_take_at_most_2_2_requests_each()
 {
    let (state, changes) = tenant(4, 50);
    let tenant = Tenant::new(state);
    let (sink, _held) = sink(&tenant, 10_000, None, None);
    assert_eq!(sink.descriptor().concurrency, 4);
    let report = apply(&tenant, &sink, &changes).await;
    assert_eq!(report.totals.done, 200);
    let requests = tenant.asked().len();
    println!("{requests} requests for 200 changes");
    assert!(requests * 10 <= 200 * 22, "{requests} requests");
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_50_changes_of_a_contract_takes_at_most_2_2_requests_each() {
    let (state, changes) = tenant(1, 50);
    let tenant = Tenant::new(state);
    let (sink, _held) = sink(&tenant, 10_000, None, Some(1));
    let report = apply(&tenant, &sink, &changes).await;
    assert_eq!(report.totals.done, 50);
    let requests = tenant.asked().len();
    println!("{requests} requests for 50 changes");
    assert!(requests * 10 <= 50 * 22, "{requests} requests");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_somebody_changes_during_a_batch_is_read_before_its_write_and_left_alone() {
    let (state, changes) = tenant(1, 10);
    let tenant = Tenant::new(state);
    let (sink, _held) = sink(&tenant, 10_000, None, Some(1));
    let other: i64 = changes[6].action.line().unwrap().as_str().parse().unwrap();
    let colleague = tenant.clone();
    let mut options = ApplyOptions::new();
    let second = changes[1].id.clone();
    options = options.with_on_event(move |told| {
        // The lines of all changes were read by now, and the third is about to be written.
        if told.change.id == second && told.event.name() == "verified" {
            colleague.with_state(|state| state.adjust(other, FROM.parse().unwrap(), 3).unwrap());
        }
    });
    let plan = PlanId::new("plan-1");
    let approval = Approval::of_plan(plan.clone(), "dana", instant(&tenant));
    let request = ApplyRequest {
        plan_id: &plan,
        plan_text: "{}",
        source: "cloudmore",
        changes: &changes,
        approval: &approval,
    };
    let (store, clock) = (MemoryStore::new(), Ticking(tenant.clone()));
    let applier = Applier::new(&sink, &store, &clock);
    let report = applier.apply(&request, &options).await.unwrap();
    assert_eq!(report.totals.done, 9, "{report:?}");
    assert_eq!(billed(&tenant, &changes[6]), 8, "as the colleague left it");
}
