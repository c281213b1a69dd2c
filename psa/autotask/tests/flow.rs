//! From a vendor's subscriptions and bills to a tenant's contracts, units and charges, through the whole flow.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use common::now;
use futures::stream::{self, BoxStream, StreamExt as _};
use tallyline_autotask::{AutotaskClient, AutotaskSink, ContractSetup, DEFAULT_SUBSCRIPTION_FIELD};
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::Clock;
use tallyline_core::flow::Flow;
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Basis, Bill, BillKey, BillingCycle, ChargeKind, CivilDate, Money, Period,
    Quantity, RunId, Service, Timestamp, UsageLine, VendorAccount,
};
use tallyline_core::plan::{Action, Change, IncreaseLimit, Plan, Policy};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest};
use tallyline_core::store::{Journal, MemoryStore};
use tallyline_core::{Result, VendorSource};
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::faults::{Fault, Match};

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn usd() -> tallyline_core::model::Currency {
    "USD".parse().unwrap()
}

/// A vendor that says what it is told to.
struct Told {
    descriptor: SourceDescriptor,
    lines: Vec<UsageLine>,
}

impl Told {
    fn new(lines: Vec<UsageLine>) -> Self {
        Self {
            descriptor: SourceDescriptor::new("cloudmore", "Cloudmore"),
            lines,
        }
    }
}

#[async_trait]
impl VendorSource for Told {
    fn descriptor(&self) -> &SourceDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("told"))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        stream::iter([Ok(VendorAccount::new("o-1", "Fern Clinic"))]).boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        let services = [
            Service::new("MAIL", "Mail Plan A"),
            Service::new("AZURE", "Azure plan"),
        ];
        stream::iter(services.map(Ok)).boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let mut bills: Vec<BillKey> = self.lines.iter().filter_map(|l| l.bill.clone()).collect();
        bills.sort();
        bills.dedup();
        let bills = bills.into_iter().map(|key| Bill::new(key, ["as told"]));
        let reading =
            AccountReading::complete("o-1", self.lines.clone(), Basis::Invoiced, request.now);
        stream::iter([Ok(reading.with_bills(bills))]).boxed()
    }
}

/// A clock that stands still and does not wait.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// A tenant of one company without contracts, a journal, and what links the vendor to it.
struct World {
    sim: AutotaskSimulator,
    sink: AutotaskSink,
    mapping: Mapping,
    store: MemoryStore,
    company: i64,
}

impl World {
    async fn new() -> Self {
        let mut state = AutotaskState::on("2026-03-11".parse().unwrap());
        state.add_udf(Entity::Contracts, DEFAULT_SUBSCRIPTION_FIELD);
        let company = state.add_company("Fern Clinic");
        let ten = rust_decimal::Decimal::TEN;
        let mail = state.add_service("Mail Plan A", ten, ten);
        let azure = state.add_service("Azure plan", ten, ten);
        let mut setup = ContractSetup::new();
        setup.service_level_agreement = Some(1);
        setup.product_billing_code = state.billing_code(4);
        let (user, secret) = (
            state.credentials.user.clone(),
            state.credentials.secret.clone(),
        );
        let code = state.credentials.integration_code.clone();
        let sim = AutotaskSimulator::start(state).await.unwrap();
        let client = AutotaskClient::builder()
            .lookup_url(format!("{}ATServicesRest", sim.base_url()))
            .user_name(user)
            .integration_code(code)
            .secret(secret)
            .build()
            .unwrap();
        let sink = AutotaskSink::builder()
            .client(client)
            .currency(usd())
            .setup(setup)
            .clock(Arc::new(now))
            .build();
        let mut mapping = Mapping::new();
        let account = AccountLink::manual(company.to_string(), LineTarget::PerService);
        mapping.set_account("o-1".into(), AccountEntry::Link(account));
        for (service, product, counts, billed_as) in [
            ("MAIL", mail, ChargeKind::Recurring, BilledAs::Line),
            ("AZURE", azure, ChargeKind::Usage, BilledAs::Charge),
        ] {
            let link = ServiceLink::manual(
                vec![ProductRule::one_to_one(product.to_string())],
                counts,
                billed_as,
            );
            mapping.set_service(service.into(), ServiceEntry::Link(link));
        }
        Self {
            sim,
            sink,
            mapping,
            store: MemoryStore::new(),
            company,
        }
    }

    async fn plan(&self, lines: Vec<UsageLine>) -> Plan {
        let source = Told::new(lines);
        let ledger = self.store.ledger("cloudmore", "autotask").await.unwrap();
        let flow = Flow::new(&source, &self.sink).with_ledger(&ledger);
        let lists = flow.lists().await.unwrap();
        let policy = Policy {
            increase_limit: IncreaseLimit {
                percent: 100.into(),
                lines: u64::MAX,
            },
            sync_unit_cost: false,
            ..Policy::default()
        };
        flow.plan(&lists, &self.mapping, &policy, now())
            .await
            .unwrap()
    }

    async fn apply(&self, run: &str, plan: &Plan) -> ApplyReport {
        let approval = Approval::of_plan(plan.id().clone(), "dana", now());
        let mut options = ApplyOptions::new();
        options.run = Some(RunId::new(run));
        let text = plan.to_text().unwrap();
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: "cloudmore",
            changes: plan.changes(),
            approval: &approval,
        };
        let applier = Applier::new(&self.sink, &self.store, &Still);
        applier.apply(&request, &options).await.unwrap()
    }

    /// The name, dates and key of every contract of the company.
    fn contracts(&self) -> Vec<(String, String, String, String)> {
        let text = |record: &tallyline_testkit::autotask::Record, name: &str| {
            record.text(name).unwrap_or_default().to_owned()
        };
        self.sim.with_state(|state| {
            state
                .list(Entity::Contracts)
                .filter(|contract| contract.integer("companyID") == Some(self.company))
                .map(|contract| {
                    let start = contract.day("startDate").unwrap().to_string();
                    let end = contract.day("endDate").unwrap().to_string();
                    let key = contract.udfs.get(DEFAULT_SUBSCRIPTION_FIELD);
                    (
                        text(contract, "contractName"),
                        start,
                        end,
                        key.cloned().unwrap_or_default(),
                    )
                })
                .collect()
        })
    }

    /// Quantity, price and day of every charge.
    fn charges(&self) -> Vec<(String, String, String)> {
        self.sim.with_state(|state| {
            state
                .list(Entity::ContractCharges)
                .map(|charge| {
                    let amount = |name| charge.decimal(name).unwrap().normalize().to_string();
                    let on = charge.day("datePurchased").unwrap().to_string();
                    (amount("unitQuantity"), amount("unitPrice"), on)
                })
                .collect()
        })
    }

    /// The units that every contract bills on a day, by its key.
    fn units(&self, on: &str) -> Vec<(String, i64)> {
        let on = on.parse().unwrap();
        self.sim.with_state(|state| {
            state
                .list(Entity::ContractServices)
                .map(|line| {
                    let contract = line.integer("contractID").unwrap();
                    let contract = state.record(Entity::Contracts, contract).unwrap();
                    let key = contract.udfs.get(DEFAULT_SUBSCRIPTION_FIELD);
                    (
                        key.cloned().unwrap_or_default(),
                        state.units_on(line.id, on),
                    )
                })
                .collect()
        })
    }
}

fn seats(subscription: &str, quantity: u32) -> UsageLine {
    let days = Period::new(day("2026-03-06"), day("2026-04-05")).unwrap();
    UsageLine::new(format!("sub:{subscription}"), "MAIL", quantity)
        .with_subscription(subscription)
        .with_billing_cycle(BillingCycle::Monthly)
        .with_period(Some(days))
}

fn metered(meter: &str, on: &str, quantity: &str, price: &str) -> UsageLine {
    let quantity: Quantity = quantity.parse().unwrap();
    let price: Quantity = price.parse().unwrap();
    let days = Period::new(day("2026-02-06"), day("2026-03-05")).unwrap();
    UsageLine::new(format!("meter:{meter}:{on}"), "AZURE", quantity)
        .with_kind(ChargeKind::Usage)
        .with_subscription("AZ-1")
        .with_billing_cycle(BillingCycle::Monthly)
        .with_period(Some(days))
        .with_unit_price(Some(Money::new(price.value(), usd())))
        .with_bill(Some(BillKey::new("Microsoft Azure", day(on))))
}

fn march() -> Vec<UsageLine> {
    vec![
        seats("A1", 5),
        metered("compute", "2026-03-06", "12.345", "65.8"),
        metered("storage", "2026-03-06", "0.001", "139"),
    ]
}

#[tokio::test]
async fn contracts_are_created_per_service_and_a_bill_is_charged_once_c9_c10_c11() {
    let world = World::new().await;
    let plan = world.plan(march()).await;
    assert!(
        plan.changes().iter().all(|change| !change.is_blocked()),
        "{plan:?}"
    );
    let report = world.apply("march", &plan).await;
    assert!(report.is_all_done(), "{report}");
    let contract = |name: &str, start: &str, end: &str, key: &str| {
        (
            name.to_owned(),
            start.to_owned(),
            end.to_owned(),
            key.to_owned(),
        )
    };
    assert_eq!(
        world.contracts(),
        [
            contract("Mail Plan A", "2026-03-06", "2027-03-05", "A1"),
            contract("Azure plan", "2026-02-06", "2027-02-05", "AZ-1"),
        ]
    );
    assert_eq!(world.units("2026-03-06"), [("A1".to_owned(), 5)]);
    // 12.345 x 65.8 + 0.001 x 139 = 812.44, on the cent.
    let first = ("1".to_owned(), "812.44".to_owned(), "2026-03-06".to_owned());
    assert_eq!(world.charges(), std::slice::from_ref(&first));

    let again = world.plan(march()).await;
    assert!(again.changes().is_empty(), "{:?}", again.changes());

    let mut april = march();
    april.push(metered("compute", "2026-04-06", "2", "3"));
    let next = world.plan(april).await;
    let report = world.apply("april", &next).await;
    assert!(
        report.is_all_done() && report.changes.len() == 1,
        "{report}"
    );
    let second = ("2".to_owned(), "3".to_owned(), "2026-04-06".to_owned());
    assert_eq!(world.charges(), [first, second]);
}

#[tokio::test]
async fn a_bill_of_one_meter_with_more_digits_than_are_kept_is_charged_as_its_total() {
    let world = World::new().await;
    let bill = || vec![metered("compute", "2026-03-06", "12.34567", "0.05")];
    let plan = world.plan(bill()).await;
    let report = world.apply("march", &plan).await;
    assert!(report.is_all_done(), "{report}");
    // 12.34567 x 0.05 = 0.6172835.
    let charge = ("1".to_owned(), "0.62".to_owned(), "2026-03-06".to_owned());
    assert_eq!(world.charges(), [charge]);
    assert!(world.plan(bill()).await.changes().is_empty());
}

#[tokio::test]
async fn a_changed_subscription_is_found_by_its_contracts_field_and_changed_there_c12() {
    let world = World::new().await;
    let plan = world.plan(vec![seats("A1", 5)]).await;
    assert!(world.apply("first", &plan).await.is_all_done());
    let plan = world.plan(vec![seats("A1", 8)]).await;
    let actions: Vec<String> = plan
        .changes()
        .iter()
        .map(|c| c.action.to_string())
        .collect();
    assert_eq!(actions, ["set quantity 5 -> 8"]);
    assert!(world.apply("second", &plan).await.is_all_done());
    assert_eq!(world.contracts().len(), 1);
    assert_eq!(world.units("2026-04-05"), [("A1".to_owned(), 5)]);
    assert_eq!(world.units("2026-04-06"), [("A1".to_owned(), 8)]);
}

#[tokio::test]
async fn a_lost_answer_to_a_contract_or_a_charge_is_settled_by_its_key() {
    let world = World::new().await;
    let contracts = Match::post("/V1.0/Contracts").once();
    world.sim.faults().on(contracts, Fault::lose_answer());
    let charges = Match::post("/Charges").once();
    world.sim.faults().on(charges, Fault::lose_answer());
    let plan = world.plan(march()).await;
    let report = world.apply("march", &plan).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.totals.recovered, 2, "{report}");
    assert_eq!((world.contracts().len(), world.charges().len()), (2, 1));
    let created = world.sim.requests().into_iter();
    let created = created.filter(|request| request.method == "POST");
    assert_eq!(
        created
            .filter(|request| request.path.ends_with("/Contracts"))
            .count(),
        2
    );
}

#[tokio::test]
async fn a_charge_is_not_made_again_by_a_store_that_knows_nothing_of_it() {
    let mut world = World::new().await;
    let plan = world.plan(march()).await;
    assert!(world.apply("march", &plan).await.is_all_done());
    world.store = MemoryStore::new();
    let again = world.plan(march()).await;
    assert_eq!(again.changes().len(), 1);
    let report = world.apply("again", &again).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.changes[0].sent, None);
    assert_eq!(world.charges().len(), 1);
    // From now on the ledger knows it.
    assert!(world.plan(march()).await.changes().is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_an_adjustment_is_settled_by_the_unit_rows_and_it_counts_once() {
    let world = World::new().await;
    let plan = world.plan(vec![seats("A1", 5), seats("A2", 3)]).await;
    assert!(world.apply("first", &plan).await.is_all_done());
    world.sim.clear_requests();
    // The adjustment is made, and nobody hears of it.
    let adjustments = Match::post("/ServiceAdjustments").once();
    world.sim.faults().on(adjustments, Fault::lose_answer());
    let plan = world.plan(vec![seats("A1", 8), seats("A2", 4)]).await;
    let report = world.apply("second", &plan).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.totals.recovered, 1, "{report}");
    let billed = |key: &str, units| (key.to_owned(), units);
    assert_eq!(
        world.units("2026-04-06"),
        [billed("A1", 8), billed("A2", 4)]
    );
    let sent = world.sim.requests().into_iter();
    let sent = sent.filter(|request| request.path.ends_with("/ServiceAdjustments"));
    assert_eq!(sent.count(), 2, "none was sent again");
}

#[tokio::test]
async fn without_the_right_to_costs_a_cost_fails_and_the_other_lines_of_its_contract_are_changed() {
    let world = World::new().await;
    let plan = world.plan(vec![seats("A1", 5)]).await;
    assert!(world.apply("first", &plan).await.is_all_done());
    // Another line on the contract; from then on nobody shows costs.
    let (contract, services, lines) = world.sim.with_state(|state| {
        let contract = state.list(Entity::Contracts).next().unwrap().id;
        let first = state.list(Entity::ContractServices).next().unwrap();
        let (line, service) = (first.id, first.integer("serviceID").unwrap());
        let other = state.add_service("Mail Plan B", 10.into(), 8.into());
        let second = state.add_line(contract, other, 3);
        state.rights.costs = false;
        (contract, [service, other], [line, second])
    });
    let change = |id: &str, at: usize, action| {
        let company = world.company.to_string();
        let agreement = contract.to_string();
        let product = services[at].to_string();
        Change::new(id, company, agreement, product, action, day("2026-04-06"))
    };
    let cost = Action::SetUnitCost {
        line: lines[0].to_string().into(),
        from: None,
        to: Money::new("7.10".parse::<Quantity>().unwrap().value(), usd()),
    };
    let quantity = Action::SetQuantity {
        line: lines[1].to_string().into(),
        from: 3_u32.into(),
        to: 4_u32.into(),
    };
    let changes = [change("cost", 0, cost), change("quantity", 1, quantity)];
    let approval = Approval::of_plan(plan.id().clone(), "dana", now());
    let mut options = ApplyOptions::new();
    options.run = Some(RunId::new("second"));
    let text = plan.to_text().unwrap();
    let request = ApplyRequest {
        plan_id: plan.id(),
        plan_text: &text,
        source: "cloudmore",
        changes: &changes,
        approval: &approval,
    };
    let applier = Applier::new(&world.sink, &world.store, &Still);
    let report = applier.apply(&request, &options).await.unwrap();
    assert_eq!(
        (report.totals.failed, report.totals.done),
        (1, 1),
        "{report}"
    );
    assert!(report.to_string().contains("cost_sync"), "{report}");
    let billed = world
        .sim
        .with_state(|state| state.units_on(lines[1], "2026-04-06".parse().unwrap()));
    assert_eq!(billed, 4);
}
