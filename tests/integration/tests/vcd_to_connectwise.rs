//! The whole path from a simulated VMware Cloud Director to the simulated ConnectWise PSA, over real HTTP: a child agreement
//! under a master for each data centre or machine, and an addition for each of its properties.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/runs.rs"]
mod runs;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use rust_decimal::Decimal;
use tallyline_connectwise::{AgreementKeyPlacement, ConnectWiseClient, ConnectWiseSink};
use tallyline_core::apply::ApplyReport;
use tallyline_core::flow::Flow;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::mapping::{Mapping, ProductRule};
use tallyline_core::model::{ChargeKind, Timestamp};
use tallyline_core::plan::{Plan, Policy};
use tallyline_core::store::Journal as _;
use tallyline_hyalto::vcd::{Granularity, VcdClient, VcdCredentials, VcdSource};
use tallyline_testkit::connectwise::{Agreement, ConnectWiseSimulator, ConnectWiseState, Write};
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

use runs::Runs;

/// Both systems, real clients on them, a journal, and what a person decided.
struct World {
    vendor: VcdSimulator,
    psa: ConnectWiseSimulator,
    source: VcdSource,
    sink: ConnectWiseSink,
    mapping: Mapping,
    now: Timestamp,
    runs: Runs,
    master: i64,
    /// A machine of the customer.
    machine: String,
}

impl World {
    /// One customer with two machines in one data centre, mapped onto a master with a line of the MSP's own.
    async fn start(granularity: Granularity) -> Self {
        let mut cloud = VcdState::new();
        let org = cloud.add_org("Northwind Dental");
        let vdc = cloud.add_vdc(&org, "nwd-vdc-01");
        let machine = cloud.add_vm(&vdc, "nwd-dc01", 4, 16_384, 153_600);
        cloud.add_vm(&vdc, "nwd-web01", 2, 4096, 51_200);
        let mut psa = ConnectWiseState::new();
        let company = psa.add_company("Northwind Dental");
        let master = psa.add_agreement(company, "Private Cloud Services");
        let support = psa.add_product("SUPPORT", Decimal::from(90), Decimal::from(40));
        psa.add_addition(master, support, 3);
        let ids = ["cpu", "ram", "storage", "vm_count"]
            .map(|it| (it, psa.add_product(it, Decimal::from(9), Decimal::from(4))));
        let now = psa.clock.now().to_string().parse().unwrap();
        let vendor = VcdSimulator::start(cloud).await.unwrap();
        let psa = ConnectWiseSimulator::start(psa).await.unwrap();
        let (source, sink) = (source(&vendor, granularity), sink(&psa, now));
        let lists = Flow::new(&source, &sink).lists().await.unwrap();
        let known = lists.directory();
        let mut mapping = Mapping::new();
        mapping
            .link_account_bundled(org, company.to_string(), master.to_string(), &known)
            .unwrap();
        for service in &lists.services {
            let property = service.key.as_str().split('/').nth(1).unwrap();
            let Some((_, product)) = ids.iter().find(|(own, _)| *own == property) else {
                continue;
            };
            let rule = ProductRule::one_to_one(product.to_string());
            let key = service.key.clone();
            mapping
                .link_service(key, vec![rule], ChargeKind::Recurring, &known)
                .unwrap();
        }
        Self {
            vendor,
            psa,
            source,
            sink,
            mapping,
            now,
            runs: Runs::default(),
            master,
            machine,
        }
    }

    async fn plan(&self) -> Plan {
        let ledger = self.runs.store.ledger("vcd", "connectwise").await.unwrap();
        let flow = Flow::new(&self.source, &self.sink).with_ledger(&ledger);
        let lists = flow.lists().await.unwrap();
        flow.plan(&lists, &self.mapping, &Policy::default(), self.now)
            .await
            .unwrap()
    }

    async fn apply(&self, plan: &Plan) -> ApplyReport {
        self.runs.apply("vcd", &self.sink, plan, self.now).await
    }

    /// Plans and applies, and gives what was truly written.
    async fn sync(&self) -> Vec<Write> {
        let before = self.psa.writes().len();
        let plan = self.plan().await;
        let report = self.apply(&plan).await;
        assert!(report.is_all_done(), "{report}");
        self.psa.writes().split_off(before)
    }

    /// The child agreements under the master, each with what it bills.
    fn children(&self) -> Vec<(Agreement, BTreeMap<String, Decimal>)> {
        let state = self.psa.state();
        let all = state.agreements.values();
        let children = all.filter(|own| own.parent_id == Some(self.master));
        children
            .map(|own| {
                let additions = state.additions_of(own.id);
                let billed = additions.iter().map(|addition| {
                    let product = &state.products[&addition.product_id];
                    (product.identifier.clone(), addition.quantity.normalize())
                });
                (own.clone(), billed.collect())
            })
            .collect()
    }
}

fn figures(all: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    let of = |(name, figure): &(&str, &str)| ((*name).to_owned(), figure.parse().unwrap());
    all.iter().map(of).collect()
}

fn source(vendor: &VcdSimulator, granularity: Granularity) -> VcdSource {
    let client = VcdClient::builder()
        .base_url(vendor.base_url().as_str())
        .org("System")
        .credentials(VcdCredentials::api_token("example-api-token"))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    VcdSource::builder()
        .client(client)
        .granularity(granularity)
        .build()
        .unwrap()
}

fn sink(psa: &ConnectWiseSimulator, now: Timestamp) -> ConnectWiseSink {
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
    ConnectWiseSink::builder()
        .client(client)
        .agreement_key(AgreementKeyPlacement::NameSuffix)
        .clock(Arc::new(move || now))
        .build()
}

#[tokio::test]
async fn each_machine_has_a_child_agreement_with_an_addition_for_each_property_and_a_second_run_writes_nothing()
 {
    let world = World::start(Granularity::Vm).await;
    assert!(!world.sync().await.is_empty());
    let children = world.children();
    let billed: Vec<_> = children.iter().map(|(_, billed)| billed.clone()).collect();
    assert_eq!(children.len(), 2);
    assert!(billed.contains(&figures(&[("cpu", "4"), ("ram", "16"), ("storage", "150")])));
    assert!(billed.contains(&figures(&[("cpu", "2"), ("ram", "4"), ("storage", "50")])));
    assert_eq!(world.sync().await, []);
    assert_eq!(world.children(), children);
}

#[tokio::test]
async fn a_data_centre_is_one_child_agreement_with_what_is_allocated_to_it() {
    let world = World::start(Granularity::Vdc).await;
    world.sync().await;
    let children = world.children();
    assert_eq!(children.len(), 1);
    let wanted = [
        ("cpu", "10"),
        ("ram", "32"),
        ("storage", "500"),
        ("vm_count", "2"),
    ];
    assert_eq!(children[0].1, figures(&wanted));
    assert_eq!(world.sync().await, []);
}

#[tokio::test]
async fn a_machine_that_is_resized_changes_exactly_one_addition() {
    let world = World::start(Granularity::Vm).await;
    world.sync().await;
    world.vendor.with_state(|state| {
        state.edit_vm(&world.machine, |vm| vm.memory = Some((24 * 1024).into()));
    });
    assert_eq!(world.sync().await.len(), 1);
    let billed: Vec<_> = world
        .children()
        .into_iter()
        .map(|(_, billed)| billed)
        .collect();
    assert!(billed.contains(&figures(&[("cpu", "4"), ("ram", "24"), ("storage", "150")])));
    assert!(billed.contains(&figures(&[("cpu", "2"), ("ram", "4"), ("storage", "50")])));
}

#[tokio::test]
async fn a_machine_that_is_renamed_changes_no_quantity_and_has_no_second_agreement() {
    let world = World::start(Granularity::Vm).await;
    world.sync().await;
    let before: Vec<_> = world
        .children()
        .into_iter()
        .map(|(own, billed)| (own.id, billed))
        .collect();
    world.vendor.with_state(|state| {
        state.edit_vm(&world.machine, |vm| vm.name = "nwd-dc01-new".to_owned());
    });
    world.sync().await;
    let after: Vec<_> = world
        .children()
        .into_iter()
        .map(|(own, billed)| (own.id, billed))
        .collect();
    assert_eq!(before, after);
}
