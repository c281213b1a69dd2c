//! The vendors of private clouds that this demo plays on: each is told what happens there.

use std::sync::Arc;

use rust_decimal::Decimal;
use tallyline_core::clock::SharedClock;
use tallyline_core::{Result, VendorSource};
use tallyline_hyalto::vcd::{Granularity, VcdClient, VcdCredentials, VcdProperty, VcdSource};
use tallyline_hyalto::{HyAltoClient, HyAltoSource};
use tallyline_testkit::hyalto::{HyAltoSimulator, HyAltoState};
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

use super::super::telling::{HandsClock, no_simulator};
use super::super::vendor::quick;

/// The clients of the MSP. The last is not mapped.
pub(super) const CLIENTS: [&str; 3] = ["Birch Harbor Dental", "Cedar Legal", "Maple Freight"];

/// How many services they have: of each property one line.
pub(super) const SERVICES: usize = 4;

/// A vendor of private clouds, and what happens there in this demo.
pub(super) trait PrivateCloud: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its side.
    fn source(&self) -> &dyn VendorSource;

    /// One service gets more of one property; says so.
    fn resize(&self) -> String;

    /// One service gets another name; says so.
    fn rename(&self) -> String;

    /// How many requests came.
    fn requests(&self) -> usize;
}

/// HyAlto: virtual data centres.
pub(super) struct HyAlto {
    simulator: HyAltoSimulator,
    source: HyAltoSource,
    /// The service that changes.
    service: i64,
}

impl HyAlto {
    /// Fills the simulator, starts it and connects to it.
    pub(super) async fn open() -> Result<Self> {
        let mut state = HyAltoState::new();
        let mut services = Vec::new();
        for (at, client) in CLIENTS.iter().enumerate() {
            let account = state.add_account(client);
            // The second client has two.
            for number in 1..=1 + at % 2 {
                let service = state.add_service(account, &format!("vdc-{}-{number}", at + 1));
                let size = i64::try_from(at + number).unwrap_or(1);
                for (property, value, unit) in [
                    ("compute", Decimal::new(125 * size, 1), "GHz"),
                    ("ram", Decimal::from(32 * size), "GB"),
                    ("storage", Decimal::from(500 * size), "GB"),
                ] {
                    state.set_ago(40, service, property, value, unit);
                }
                services.push(service);
            }
        }
        let clock = SharedClock::new(Arc::new(HandsClock(state.clock.clone())));
        let keys = state.credentials.clone();
        let simulator = HyAltoSimulator::start(state).await.map_err(no_simulator)?;
        let client = HyAltoClient::builder()
            .base_url(simulator.base_url().as_str())
            .access_key(&keys.access_key)
            .secret_key(keys.secret_key.as_str().into())
            .retry(quick())
            .build()?;
        let source = HyAltoSource::builder()
            .client(client)
            .clock(clock)
            .build()?;
        Ok(Self {
            service: services.first().copied().unwrap_or_default(),
            simulator,
            source,
        })
    }
}

impl PrivateCloud for HyAlto {
    fn name(&self) -> &'static str {
        "HyAlto"
    }

    fn source(&self) -> &dyn VendorSource {
        &self.source
    }

    fn resize(&self) -> String {
        let service = self.service;
        let more = Decimal::from(96);
        self.simulator
            .with_state(|state| state.set_ago(1, service, "ram", more, "GB"));
        format!("{} now has {more} GB of RAM in vdc-1-1.", CLIENTS[0])
    }

    fn rename(&self) -> String {
        let service = self.service;
        self.simulator.with_state(|state| {
            state.edit(service, |service| {
                "Dental cloud".clone_into(&mut service.name)
            })
        });
        format!("{} has renamed vdc-1-1 to \"Dental cloud\".", CLIENTS[0])
    }

    fn requests(&self) -> usize {
        self.simulator.request_count()
    }
}

/// VMware Cloud Director: virtual machines.
pub(super) struct CloudDirector {
    simulator: VcdSimulator,
    source: VcdSource,
    /// The machine that changes.
    machine: String,
}

impl CloudDirector {
    /// Fills the simulator, starts it and connects to it.
    pub(super) async fn open() -> Result<Self> {
        let mut state = VcdState::new();
        let mut machines = Vec::new();
        for (at, client) in CLIENTS.iter().enumerate() {
            let organization = state.add_org(client);
            let centre = state.add_vdc(&organization, &format!("vdc-{}", at + 1));
            // The second client has two.
            for number in 1..=1 + at % 2 {
                let name = format!("vm-{}-{number}", at + 1);
                let size = i64::try_from(at + number).unwrap_or(1);
                let (memory, storage) = (8 * 1024 * size, 100 * 1024 * size);
                machines.push(state.add_vm(&centre, &name, 2 * size, memory, storage));
            }
        }
        let simulator = VcdSimulator::start(state).await.map_err(no_simulator)?;
        let client = VcdClient::builder()
            .base_url(simulator.base_url().as_str())
            .org("System")
            .credentials(VcdCredentials::api_token("example-api-token"))
            .retry(quick())
            .build()?;
        let source = VcdSource::builder()
            .client(client)
            .granularity(Granularity::Vm)
            .properties([VcdProperty::Cpu, VcdProperty::Ram, VcdProperty::Storage].into())
            .build()?;
        Ok(Self {
            machine: machines.first().cloned().unwrap_or_default(),
            simulator,
            source,
        })
    }
}

impl PrivateCloud for CloudDirector {
    fn name(&self) -> &'static str {
        "VMware Cloud Director"
    }

    fn source(&self) -> &dyn VendorSource {
        &self.source
    }

    fn resize(&self) -> String {
        self.simulator.with_state(|state| {
            state.edit_vm(&self.machine, |vm| vm.memory = Some((24 * 1024).into()))
        });
        format!("{} now has 24 GB of RAM in vm-1-1.", CLIENTS[0])
    }

    fn rename(&self) -> String {
        self.simulator.with_state(|state| {
            state.edit_vm(&self.machine, |vm| "Dental server".clone_into(&mut vm.name))
        });
        format!("{} has renamed vm-1-1 to \"Dental server\".", CLIENTS[0])
    }

    fn requests(&self) -> usize {
        self.simulator.request_count()
    }
}
