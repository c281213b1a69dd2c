//! ConnectWise PSA and a vendor of private clouds, and real clients on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rust_decimal::Decimal;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, ProductSetup};
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::flow::{Flow, Lists, products_plan};
use tallyline_core::http::Limiter;
use tallyline_core::mapping::{BilledAs, Mapping, ProductRule, ServiceEntry, ServiceLink};
use tallyline_core::model::{ChargeKind, RunId, Timestamp};
use tallyline_core::plan::{Plan, Policy};
use tallyline_core::store::{Journal as _, MemoryStore};
use tallyline_core::{PsaSink as _, Result};
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};

use super::super::telling::{BookClock, instant, no_simulator};
use super::super::vendor::quick;
use super::cloud::{CLIENTS, CloudDirector, HyAlto, PrivateCloud};
use crate::cli::DemoSource;

/// The subcategory and the type of products in the simulated PSA.
const SUBCATEGORY: i64 = 2;
const PRODUCT_TYPE: i64 = 1;

/// What the demo plays on.
pub(super) struct Stage {
    /// The vendor.
    pub(super) cloud: Box<dyn PrivateCloud>,
    /// The simulated PSA.
    pub(super) psa: ConnectWiseSimulator,
    /// The PSA's side.
    pub(super) sink: ConnectWiseSink,
    /// What a person decided.
    pub(super) mapping: Mapping,
    /// The present of both simulators.
    pub(super) now: Timestamp,
    journal: MemoryStore,
    runs: AtomicUsize,
}

impl Stage {
    /// Starts both simulators on this machine and connects to them.
    pub(super) async fn set(vendor: DemoSource) -> Result<Self> {
        tallyline_testkit::contract::skip_quietly();
        let cloud: Box<dyn PrivateCloud> = match vendor {
            DemoSource::Vcd => Box::new(CloudDirector::open().await?),
            _ => Box::new(HyAlto::open().await?),
        };
        let mut state = ConnectWiseState::new();
        let support = state.add_product("SUPPORT", Decimal::from(90), Decimal::from(40));
        for client in CLIENTS {
            let company = state.add_company(client);
            let master = state.add_agreement(company, "Private Cloud Services");
            state.add_addition(master, support, 3);
        }
        let now = instant(&state.clock);
        let credentials = state.credentials.clone();
        let psa = ConnectWiseSimulator::start(state)
            .await
            .map_err(no_simulator)?;
        let client = ConnectWiseClient::builder()
            .site(psa.base_url().as_str())
            .company_id(&credentials.company_id)
            .public_key(&credentials.public_key)
            .private_key(credentials.private_key.as_str())
            .client_id(&credentials.client_id)
            .retry(quick())
            .limiter(Arc::new(Limiter::default()))
            .build()?;
        let sink = ConnectWiseSink::builder()
            .client(client)
            .product_setup(ProductSetup::new(SUBCATEGORY, PRODUCT_TYPE))
            .clock(Arc::new(move || now))
            .build();
        Ok(Self {
            cloud,
            psa,
            sink,
            mapping: Mapping::new(),
            now,
            journal: MemoryStore::new(),
            runs: AtomicUsize::new(0),
        })
    }

    pub(super) async fn lists(&self) -> Result<Lists> {
        Flow::new(self.cloud.source(), &self.sink).lists().await
    }

    /// Plans the products that the services need.
    pub(super) async fn products(&self) -> Result<Plan> {
        let (source, policy) = (self.cloud.source(), Policy::default());
        let plan = products_plan(source, &self.sink, &self.mapping, &policy, self.now).await?;
        Ok(plan.0)
    }

    /// Links each service to the product of its identifier, and gives how many.
    pub(super) async fn link_services(&mut self) -> Result<usize> {
        let (source, policy) = (self.cloud.source(), Policy::default());
        let plan = products_plan(source, &self.sink, &self.mapping, &policy, self.now).await?;
        let made = plan.1;
        for (service, product) in &made {
            let rules = vec![ProductRule::one_to_one(product.clone())];
            let link = ServiceLink::manual(rules, ChargeKind::Recurring, BilledAs::Line);
            self.mapping
                .set_service(service.clone(), ServiceEntry::Link(link));
        }
        Ok(made.len())
    }

    /// Links all clients but the last to their company and master agreement, as a person would choose them.
    pub(super) async fn link_clients(&mut self) -> Result<()> {
        let lists = self.lists().await?;
        let known = lists.directory();
        for client in &CLIENTS[..CLIENTS.len() - 1] {
            let account = lists.accounts.iter().find(|it| it.name == *client);
            let company = lists.companies.iter().find(|it| it.name == *client);
            let (Some(account), Some(company)) = (account, company) else {
                continue;
            };
            let mut agreements = lists.agreements.iter();
            let Some(master) = agreements.find(|it| it.company == company.id) else {
                continue;
            };
            let (account, company) = (account.id.clone(), company.id.clone());
            self.mapping
                .link_account_bundled(account, company, master.id.clone(), &known)?;
        }
        Ok(())
    }

    /// Reads both sides and plans.
    pub(super) async fn plan(&self) -> Result<Plan> {
        let source = self.cloud.source();
        let systems = (source.descriptor().system, self.sink.descriptor().system);
        let ledger = self.journal.ledger(systems.0, systems.1).await?;
        let flow = Flow::new(source, &self.sink).with_ledger(&ledger);
        let lists = flow.lists().await?;
        flow.plan(&lists, &self.mapping, &Policy::default(), self.now)
            .await
    }

    /// Carries a plan out.
    pub(super) async fn apply(&self, plan: &Plan) -> Result<ApplyReport> {
        let clock = BookClock(self.now);
        let text = plan.to_text()?;
        let approval = Approval::of_plan(plan.id().clone(), "the demo", self.now);
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: &plan.content().source,
            changes: plan.changes(),
            approval: &approval,
        };
        let mut options = ApplyOptions::new();
        // One after the other, so that new records have the same ids in each telling.
        options.concurrency = 1;
        let number = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        options.run = Some(RunId::new(format!("run-{number}")));
        Applier::new(&self.sink, &self.journal, &clock)
            .apply(&request, &options)
            .await
    }

    /// How many writes the PSA carried out so far.
    pub(super) fn writes(&self) -> usize {
        self.psa.writes().len()
    }

    /// Whether no write was to a master agreement, or to anything on one.
    pub(super) fn masters_are_untouched(&self) -> bool {
        let state = self.psa.state();
        let is_master = |id: i64| {
            let agreement = state.agreements.get(&id);
            agreement.is_some_and(|agreement| agreement.parent_id.is_none())
        };
        let writes = self.psa.writes();
        writes.iter().all(|write| !is_master(write.agreement_id))
    }
}
