//! The vendors, each with two services at two clients.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use tallyline_cloudmore::{CloudmoreClient, CloudmoreSource};
use tallyline_core::VendorSource;
use tallyline_core::http::{Limiter, LimiterOptions, PollPolicy, RetryPolicy};
use tallyline_dandh::DandhClient;
use tallyline_hyalto::vcd::{Granularity, VcdClient, VcdCredentials, VcdProperty, VcdSource};
use tallyline_hyalto::{HyAltoClient, HyAltoSource};
use tallyline_ingram::{IngramClient, IngramSource};
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::clock::Clock;
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState, ServiceKind};
use tallyline_testkit::dandh::{DandhSimulator, DandhState};
use tallyline_testkit::hyalto::{HyAltoSimulator, HyAltoState};
use tallyline_testkit::ingram::{IngramSimulator, IngramState};
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

use super::CLIENTS;

/// Every vendor that Tallyline reads.
pub(crate) const NAMES: [&str; 6] = ["sherweb", "dandh", "ingram", "cloudmore", "hyalto", "vcd"];

/// The day on which all stand: the Wednesday after a Friday's preview of invoices.
const TODAY: Date = date(2026, 3, 18);

/// The day on which there is more, in the next billing period.
const LATER: Date = date(2026, 4, 15);

/// What the clients have of the two services.
pub(crate) const COUNTS: [[i64; 2]; 2] = [[14, 3], [5, 2]];

/// What the first client has of the first service later.
pub(crate) const MORE: i64 = 17;

/// A vendor under way.
pub(crate) struct Vendor {
    pub(crate) source: Box<dyn VendorSource>,
    pub(crate) clock: Clock,
    /// Lets the first client have more of the first service from now on.
    more: Box<dyn Fn() + Send + Sync>,
}

impl Vendor {
    pub(crate) async fn start(name: &str) -> Self {
        match name {
            "sherweb" => sherweb().await,
            "dandh" => dandh().await,
            "ingram" => ingram().await,
            "cloudmore" => cloudmore().await,
            "hyalto" => hyalto().await,
            "vcd" => vcd().await,
            other => panic!("{other}"),
        }
    }

    /// Goes on to a later day, on which the first client has more of the first service.
    pub(crate) fn go_on(&self) {
        self.clock.set_day(LATER);
        (self.more)();
    }
}

/// The counts with their client and their service, by position.
fn counts() -> impl Iterator<Item = (usize, usize, i64)> {
    let of_client = |client: usize| (0..2).map(move |service| (client, service));
    (0..2)
        .flat_map(of_client)
        .map(|(client, service)| (client, service, COUNTS[client][service]))
}

async fn sherweb() -> Vendor {
    let mut state = SherwebState::on(TODAY);
    let customers = CLIENTS.map(|name| state.add_customer(name));
    let skus = ["MAIL-A-MM", "DISK-B-MM"];
    let subscriptions: Vec<String> = counts()
        .map(|(client, service, count)| {
            state.add_subscription(&customers[client], skus[service], count)
        })
        .collect();
    let sim = SherwebSimulator::start(state).await.unwrap();
    let source = SherwebClient::builder()
        .client_id("example-client-id")
        .client_secret("example-client-secret".into())
        .subscription_key("example-subscription-key".into())
        .base_url(sim.base_url().as_str())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    Vendor {
        source: Box::new(source),
        clock: sim.clock(),
        more: Box::new(move || {
            sim.with_state(|state| assert!(state.set_quantity(&subscriptions[0], MORE)));
        }),
    }
}

async fn dandh() -> Vendor {
    let mut state = DandhState::on(TODAY);
    let products = ["555001_MailPlanA_20417", "555002_DiskPlanB_20418"];
    let names = ["Mail Plan A", "Disk Plan B"];
    for (product, name) in products.iter().zip(names) {
        state.add_product(product, name, 10.into(), 12.into());
    }
    let companies = CLIENTS.map(|name| state.add_company(name));
    let subscriptions: Vec<i64> = counts()
        .map(|(client, service, count)| {
            let since = date(2026, 1, 1);
            state.subscribe(companies[client], products[service], count.into(), since)
        })
        .collect();
    let sim = DandhSimulator::start(state).await.unwrap();
    let state = sim.state();
    let source = DandhClient::builder()
        .username(&state.credentials.username)
        .password(state.credentials.password.as_str().into())
        .parent_account_id(state.reseller_id)
        .base_url(sim.rest_url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    Vendor {
        source: Box::new(source),
        clock: sim.clock(),
        more: Box::new(move || {
            sim.with_state(|state| {
                state.set_seats(subscriptions[0], date(2026, 4, 1), MORE.into())
            });
        }),
    }
}

async fn ingram() -> Vendor {
    let mut state = IngramState::on(TODAY);
    let parts = ["MAIL-A", "DISK-B"];
    for part in parts {
        state.add_product(part, part, 12.into(), 10.into());
    }
    let customers = CLIENTS.map(|name| state.add_customer(name));
    let subscriptions: Vec<String> = counts()
        .map(|(client, service, count)| {
            state.subscribe(&customers[client], parts[service], count.into())
        })
        .collect();
    let sim = IngramSimulator::start(state).await.unwrap();
    let state = sim.state();
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: 4,
        per_second: NonZeroU32::new(100_000),
        burst: NonZeroU32::new(1000),
        ..LimiterOptions::default()
    });
    let client = IngramClient::builder()
        .base_url(sim.api_url())
        .marketplace(state.marketplace.as_str())
        .username(state.credentials.username.as_str())
        .password(state.credentials.password.as_str().into())
        .subscription_key(state.credentials.subscription_key.as_str().into())
        .retry(RetryPolicy::none())
        .limiter(Arc::new(limiter))
        .build()
        .unwrap();
    Vendor {
        source: Box::new(IngramSource::builder().client(client).build().unwrap()),
        clock: sim.clock(),
        more: Box::new(move || {
            sim.with_state(|state| assert!(state.set_quantity(&subscriptions[0], MORE.into())));
        }),
    }
}

/// A bill of licences on the 7th of each month.
async fn cloudmore() -> Vendor {
    let (first, next) = (date(2026, 3, 7), date(2026, 4, 7));
    let mut state = CloudmoreState::on(TODAY);
    state.options.polls = 0;
    let service = state.add_service("CSP 365", ServiceKind::CspNce);
    let skus = ["MAIL-A", "DISK-B"];
    let products = skus.map(|sku| state.add_product(&service, sku, sku, 10.into(), 12.into()));
    let organizations = CLIENTS.map(|name| state.add_organization(name));
    let subscriptions: Vec<String> = counts()
        .map(|(client, service, count)| {
            let (organization, product) = (&organizations[client], &products[service]);
            state.subscribe(organization, product, count.into(), first)
        })
        .collect();
    state.generate_bills(first);
    let sim = CloudmoreSimulator::start(state).await.unwrap();
    let state = sim.state();
    let client = CloudmoreClient::builder()
        .base_url(sim.base_url().as_str())
        .username(&state.credentials.username)
        .password(state.credentials.password.as_str().into())
        .client_secret(state.credentials.client_secret.as_str().into())
        .reseller_id(&state.reseller_id)
        .retry(RetryPolicy::none())
        .poll(PollPolicy {
            deadline: Duration::ZERO,
            ..PollPolicy::default()
        })
        .build()
        .unwrap();
    Vendor {
        source: Box::new(CloudmoreSource::builder().client(client).build().unwrap()),
        clock: sim.clock(),
        more: Box::new(move || {
            sim.with_state(|state| {
                state.change_quantity(&subscriptions[0], next, MORE.into());
                state.generate_bills(next);
            });
        }),
    }
}

/// CPU and RAM of a virtual data centre of each client.
async fn hyalto() -> Vendor {
    let mut state = HyAltoState::on(TODAY);
    let accounts = CLIENTS.map(|name| state.add_account(name));
    let centres = accounts.map(|account| state.add_service(account, "vdc-01"));
    let properties = [("compute", "GHz"), ("ram", "GB")];
    for (client, property, count) in counts() {
        let (name, unit) = properties[property];
        assert!(state.set_ago(20, centres[client], name, count.into(), unit));
    }
    let sim = HyAltoSimulator::start(state).await.unwrap();
    let state = sim.state();
    let client = HyAltoClient::builder()
        .base_url(sim.base_url().as_str())
        .access_key(&state.credentials.access_key)
        .secret_key(state.credentials.secret_key.as_str().into())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    Vendor {
        source: Box::new(HyAltoSource::builder().client(client).build().unwrap()),
        clock: sim.clock(),
        more: Box::new(move || {
            sim.with_state(|state| {
                assert!(state.set(centres[0], "compute", Decimal::from(MORE), "GHz"));
            });
        }),
    }
}

/// Processors and RAM of a machine of each client.
async fn vcd() -> Vendor {
    let mut state = VcdState::on(TODAY);
    let machines: Vec<String> = CLIENTS
        .iter()
        .zip(COUNTS)
        .map(|(client, [cpus, memory])| {
            let organization = state.add_org(client);
            let centre = state.add_vdc(&organization, "vdc-01");
            state.add_vm(&centre, "vm-01", cpus, memory * 1024, 51_200)
        })
        .collect();
    let sim = VcdSimulator::start(state).await.unwrap();
    let client = VcdClient::builder()
        .base_url(sim.base_url().as_str())
        .org("System")
        .credentials(VcdCredentials::api_token("example-api-token"))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let source = VcdSource::builder()
        .client(client)
        .granularity(Granularity::Vm)
        .properties([VcdProperty::Cpu, VcdProperty::Ram].into())
        .build()
        .unwrap();
    Vendor {
        source: Box::new(source),
        clock: sim.clock(),
        more: Box::new(move || {
            sim.with_state(|state| {
                assert!(state.edit_vm(&machines[0], |vm| vm.cpus = Some(MORE.into())));
            });
        }),
    }
}
