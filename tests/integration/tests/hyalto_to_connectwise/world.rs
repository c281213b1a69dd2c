//! Both systems, filled and mapped, and what a person does with them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::runs::{Runs, StandingClock};
use rust_decimal::Decimal;
use tallyline_connectwise::{
    AgreementKeyPlacement, AgreementSetup, ConnectWiseClient, ConnectWiseSink,
};
use tallyline_core::apply::ApplyReport;
use tallyline_core::clock::SharedClock;
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::mapping::{Directory, Mapping, ProductRule};
use tallyline_core::model::{ChargeKind, Timestamp};
use tallyline_core::plan::{Plan, Policy};
use tallyline_core::store::Journal as _;
use tallyline_hyalto::{HyAltoClient, HyAltoSource};
use tallyline_testkit::connectwise::{Agreement, ConnectWiseSimulator, ConnectWiseState, Write};
use tallyline_testkit::hyalto::{HyAltoSimulator, HyAltoState};

/// Both systems, real clients on them, a journal, and what a person decided.
pub(crate) struct World {
    pub(crate) vendor: HyAltoSimulator,
    pub(crate) psa: ConnectWiseSimulator,
    pub(crate) source: HyAltoSource,
    pub(crate) sink: ConnectWiseSink,
    pub(crate) mapping: Mapping,
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    pub(crate) runs: Runs,
    pub(crate) northwind: Client,
}

/// A customer, and what stands for it in the PSA.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    pub(crate) account: i64,
    pub(crate) service: i64,
    pub(crate) company: i64,
    pub(crate) master: i64,
    pub(crate) support: i64,
}

impl World {
    /// One customer with a virtual data centre, mapped onto a master with a line of the MSP's own; and one that is not mapped.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}, AgreementKeyPlacement::NameSuffix).await
    }

    pub(crate) async fn with(
        edit: impl FnOnce(&mut ConnectWiseState),
        key: AgreementKeyPlacement,
    ) -> Self {
        let mut hyalto = HyAltoState::new();
        let account = hyalto.add_account("Northwind Dental");
        let service = hyalto.add_service(account, "nwd-vdc-01");
        hyalto.set_ago(40, service, "compute", Decimal::new(125, 1), "GHz");
        hyalto.set_ago(40, service, "ram", Decimal::from(32), "GB");
        hyalto.set_ago(40, service, "storage", Decimal::from(500), "GB");
        let other = hyalto.add_account("Cedar Legal");
        let unmapped = hyalto.add_service(other, "cedar-vdc-01");
        hyalto.set_ago(40, unmapped, "ram", Decimal::from(8), "GB");
        let mut psa = ConnectWiseState::new();
        edit(&mut psa);
        let company = psa.add_company("Northwind Dental");
        let master = psa.add_agreement(company, "Private Cloud Services");
        let support = psa.add_product("SUPPORT", Decimal::from(90), Decimal::from(40));
        psa.add_addition(master, support, 3);
        let cedar = psa.add_company("Cedar Legal");
        psa.add_agreement(cedar, "Private Cloud Services");
        let ids = ["compute", "ram", "storage"]
            .map(|it| (it, psa.add_product(it, Decimal::from(9), Decimal::from(4))));
        let now = psa.clock.now().to_string().parse().unwrap();
        let vendor = HyAltoSimulator::start(hyalto).await.unwrap();
        let psa = ConnectWiseSimulator::start(psa).await.unwrap();
        let mut world = Self {
            source: source(&vendor, now),
            sink: sink(&psa, now, key, AgreementSetup::new()),
            vendor,
            psa,
            mapping: Mapping::new(),
            policy: Policy::default(),
            now,
            runs: Runs::default(),
            northwind: Client {
                account,
                service,
                company,
                master,
                support,
            },
        };
        let lists = world.lists().await;
        let known = directory(&lists);
        let northwind = world.northwind;
        world
            .mapping
            .link_account_bundled(
                northwind.account.to_string(),
                northwind.company.to_string(),
                northwind.master.to_string(),
                &known,
            )
            .unwrap();
        for (property, product) in ids {
            let rule = ProductRule::one_to_one(product.to_string());
            let service = format!("vdc/{property}");
            world
                .mapping
                .link_service(service, vec![rule], ChargeKind::Recurring, &known)
                .unwrap();
        }
        world
    }

    /// Lets the time be another on all sides.
    pub(crate) fn travel(&mut self, now: &str) {
        self.vendor.clock().set(now.parse().unwrap());
        self.psa.clock().set(now.parse().unwrap());
        self.now = now.parse().unwrap();
        let key = AgreementKeyPlacement::NameSuffix;
        self.source = source(&self.vendor, self.now);
        self.sink = sink(&self.psa, self.now, key, AgreementSetup::new());
    }

    pub(crate) async fn lists(&self) -> Lists {
        Flow::new(&self.source, &self.sink).lists().await.unwrap()
    }

    pub(crate) async fn plan(&self) -> Plan {
        let ledger = self
            .runs
            .store
            .ledger("hyalto", "connectwise")
            .await
            .unwrap();
        let flow = Flow::new(&self.source, &self.sink).with_ledger(&ledger);
        let lists = flow.lists().await.unwrap();
        flow.plan(&lists, &self.mapping, &self.policy, self.now)
            .await
            .unwrap()
    }

    pub(crate) async fn apply(&self, plan: &Plan) -> ApplyReport {
        self.runs.apply("hyalto", &self.sink, plan, self.now).await
    }

    /// Plans and applies, and gives what was truly written.
    pub(crate) async fn sync(&self) -> Vec<Write> {
        let before = self.psa.writes().len();
        let plan = self.plan().await;
        let report = self.apply(&plan).await;
        assert!(report.is_all_done(), "{report}");
        self.psa.writes().split_off(before)
    }

    /// The child agreements under the master.
    pub(crate) fn children(&self) -> Vec<Agreement> {
        let master = Some(self.northwind.master);
        let state = self.psa.state();
        let all = state.agreements.into_values();
        all.filter(|agreement| agreement.parent_id == master)
            .collect()
    }

    /// What an agreement bills of each product.
    pub(crate) fn billed(&self, agreement: i64) -> BTreeMap<String, Decimal> {
        let state = self.psa.state();
        let additions = state.additions_of(agreement);
        let billed = additions.iter().map(|addition| {
            let product = &state.products[&addition.product_id];
            (product.identifier.clone(), addition.quantity.normalize())
        });
        let all: Vec<_> = billed.collect();
        let by_product: BTreeMap<_, _> = all.iter().cloned().collect();
        assert_eq!(all.len(), by_product.len(), "one line for each product");
        by_product
    }
}

pub(crate) fn billed_of(figures: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    let of = |(name, figure): &(&str, &str)| ((*name).to_owned(), figure.parse().unwrap());
    figures.iter().map(of).collect()
}

pub(crate) fn directory(lists: &Lists) -> Directory<'_> {
    Directory::new(
        &lists.accounts,
        &lists.services,
        &lists.companies,
        &lists.agreements,
        &lists.products,
    )
}

pub(crate) fn source(vendor: &HyAltoSimulator, now: Timestamp) -> HyAltoSource {
    let state = vendor.state();
    let client = HyAltoClient::builder()
        .base_url(vendor.base_url().as_str())
        .access_key(&state.credentials.access_key)
        .secret_key(state.credentials.secret_key.as_str().into())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    HyAltoSource::builder()
        .client(client)
        .clock(SharedClock::new(Arc::new(StandingClock(now))))
        .build()
        .unwrap()
}

pub(crate) fn client(psa: &ConnectWiseSimulator) -> ConnectWiseClient {
    ConnectWiseClient::builder()
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
        .unwrap()
}

pub(crate) fn sink(
    psa: &ConnectWiseSimulator,
    now: Timestamp,
    key: AgreementKeyPlacement,
    setup: AgreementSetup,
) -> ConnectWiseSink {
    ConnectWiseSink::builder()
        .client(client(psa))
        .agreement_key(key)
        .agreement_setup(setup)
        .clock(Arc::new(move || now))
        .build()
}
