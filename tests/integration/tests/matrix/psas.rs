//! The systems that bill the two clients, with what a vendor offers in their catalogue.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use secrecy::SecretString;
use tallyline_autotask::{AutotaskClient, AutotaskSink, ContractSetup, DEFAULT_SUBSCRIPTION_FIELD};
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::flow::Flow;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::model::Service;
use tallyline_core::{PsaSink, VendorSource};
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::clock::{Clock, date_of};
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};
use tallyline_testkit::gradient::{GradientSimulator, GradientState};

use super::{CLIENTS, instant};

/// Every system that Tallyline writes to.
pub(crate) const NAMES: [&str; 3] = ["connectwise", "autotask", "gradient"];

/// A system under way, as long as it is kept.
pub(crate) struct Psa {
    pub(crate) sink: Box<dyn PsaSink>,
    pub(crate) clock: Clock,
    /// What the simulator itself bills, or was told last.
    held: Box<dyn Fn() -> Held + Send + Sync>,
}

/// The quantities that are billed for each client, the smallest first.
pub(crate) type Held = BTreeMap<String, Vec<Decimal>>;

fn sorted(quantities: impl IntoIterator<Item = (String, Decimal)>) -> Held {
    let mut held = Held::new();
    for (client, quantity) in quantities {
        held.entry(client).or_default().push(quantity);
    }
    for quantities in held.values_mut() {
        quantities.sort();
    }
    held
}

impl Psa {
    /// The quantities as the system holds them, past all clients of ours.
    pub(crate) fn held(&self) -> Held {
        (self.held)()
    }

    /// Starts a system on the day of a vendor, with products for its services.
    pub(crate) async fn start(name: &str, source: &dyn VendorSource, clock: &Clock) -> Self {
        let services: Vec<Service> = source.services().try_collect().await.unwrap();
        match name {
            "connectwise" => connectwise(&services, clock).await,
            "autotask" => autotask(&services, clock).await,
            "gradient" => gradient(source, clock).await,
            other => panic!("{other}"),
        }
    }
}

fn unlimited() -> Arc<Limiter> {
    Arc::new(Limiter::new(LimiterOptions {
        per_second: NonZeroU32::new(100_000),
        ..LimiterOptions::default()
    }))
}

async fn connectwise(services: &[Service], clock: &Clock) -> Psa {
    let mut state = ConnectWiseState::on(clock.today());
    for name in CLIENTS {
        let company = state.add_company(name);
        state.add_agreement(company, "Cloud services");
    }
    for service in services {
        state.add_product(&service.name, 12.into(), 10.into());
    }
    let sim = ConnectWiseSimulator::start(state).await.unwrap();
    let client = ConnectWiseClient::builder()
        .site(sim.base_url().as_str())
        .company_id("examplemsp")
        .public_key("example-public-key")
        .private_key(SecretString::from("example-private-key"))
        .client_id("00000000-0000-4000-8000-0000000c11d0")
        .retry(RetryPolicy::none())
        .limiter(unlimited())
        .build()
        .unwrap();
    Psa {
        sink: Box::new(ConnectWiseSink::builder().client(client).build()),
        clock: sim.clock(),
        held: Box::new(move || {
            let state = sim.state();
            sorted(state.additions.values().map(|addition| {
                let agreement = &state.agreements[&addition.agreement_id];
                let client = &state.companies[&agreement.company_id].name;
                (client.clone(), addition.quantity)
            }))
        }),
    }
}

async fn autotask(services: &[Service], clock: &Clock) -> Psa {
    let mut state = AutotaskState::on(clock.today());
    state.add_udf(Entity::Contracts, DEFAULT_SUBSCRIPTION_FIELD);
    for name in CLIENTS {
        let company = state.add_company(name);
        state.add_contract(company, "Cloud services");
    }
    for service in services {
        state.add_service(&service.name, Decimal::TEN, Decimal::TEN);
    }
    let sim = AutotaskSimulator::start(state).await.unwrap();
    let state = sim.state();
    let client = AutotaskClient::builder()
        .lookup_url(format!("{}ATServicesRest", sim.base_url()))
        .user_name(&state.credentials.user)
        .integration_code(state.credentials.integration_code.clone())
        .secret(state.credentials.secret.clone())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let hands = sim.clock();
    let mut setup = ContractSetup::new();
    setup.service_level_agreement = Some(1);
    let sink = AutotaskSink::builder()
        .client(client)
        .currency("USD".parse().unwrap())
        .setup(setup)
        .clock(Arc::new(move || instant(&hands)))
        .build();
    Psa {
        sink: Box::new(sink),
        clock: sim.clock(),
        held: Box::new(move || {
            let state = sim.state();
            let named = |entity, id: Option<i64>| state.record(entity, id.unwrap()).unwrap();
            sorted(
                state.records[&Entity::ContractServices]
                    .values()
                    .map(|line| {
                        let contract = named(Entity::Contracts, line.integer("contractID"));
                        let company = named(Entity::Companies, contract.integer("companyID"));
                        let client = company.text("companyName").unwrap().to_owned();
                        let rows = state.rows_of(line.id);
                        (client, rows.last().unwrap().units.into())
                    }),
            )
        }),
    }
}

/// Gradient, where accounts and services are first made as the vendor has them, and then mapped by the provider.
async fn gradient(source: &dyn VendorSource, clock: &Clock) -> Psa {
    let mut state = GradientState::new();
    state.clock = Clock::on(date_of(clock.now()));
    let sim = GradientSimulator::start(state).await.unwrap();
    let client = GradientClient::builder()
        .vendor_api_key("example-gradient-vendor-key".into())
        .partner_api_key("example-gradient-partner-key".into())
        .base_url(sim.base_url().as_str())
        .retry(RetryPolicy::none())
        .limiter(unlimited())
        .build()
        .unwrap();
    let sink = GradientSink::builder().client(client).resend(false).build();
    let lists = Flow::new(source, &sink).lists().await.unwrap();
    let missing = sink
        .missing(&lists.accounts, &lists.services)
        .await
        .unwrap();
    sink.set_up(&missing).await.unwrap();
    sim.with_state(GradientState::map_all);
    Psa {
        sink: Box::new(sink),
        clock: sim.clock(),
        held: Box::new(move || {
            let state = sim.state();
            sorted(state.counts.iter().map(|((account, _), count)| {
                let mut accounts = state.accounts.iter();
                let known = accounts.find(|known| known.id == *account);
                (known.unwrap().name.clone(), *count)
            }))
        }),
    }
}
