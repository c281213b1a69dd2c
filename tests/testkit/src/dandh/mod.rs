//! D&H Cloud Marketplace: the "Simple API" that D&H, ALSO, Intcomex and others serve from one platform.
//!
//! The state is plain data ([`DandhState`]); the simulator answers from it and can be changed while it runs. Charges come
//! about by themselves: the preview shows what was known on the last Friday morning, a closed month what happened in it.

mod auth;
mod body;
mod catalog;
mod charges;
mod fault;
mod invoices;
mod records;
mod reports;
mod routes;
mod seed;
mod state;
mod wire;

use std::io;
use std::sync::{Arc, Mutex};

pub use records::{
    Account, AccountKind, Charging, Consumption, PriceableItem, Product, SeatChange, Subscription,
};
pub use state::{
    Addons, BeforeFirstPreview, Credentials, DandhState, IntervalForm, Options, Splits, TokenForm,
};

use crate::clock::Clock;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// Where the operations are, below the host.
pub const PATH: &str = "SimpleAPI/SimpleAPIService.svc/rest";

/// A running marketplace.
#[derive(Debug)]
pub struct DandhSimulator {
    server: Simulator,
    state: Arc<Mutex<DandhState>>,
}

impl DandhSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: DandhState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port. There is no document to hold exchanges to.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, state: DandhState) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let router = http::router(move |request| routes::handle(&mut lock(&shared), &request));
        Ok(Self {
            server: Simulator::serve(router, port).await?,
            state,
        })
    }

    delegate_to_server!();

    /// The base URL of the operations, without a trailing slash.
    pub fn rest_url(&self) -> String {
        format!("{}{PATH}", self.base_url())
    }

    /// Reads or changes the state while the simulator runs.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut DandhState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> DandhState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// Lets every session given out so far expire.
    pub fn expire_sessions(&self) {
        lock(&self.state).expire_sessions();
    }

    /// How many sessions were given out.
    pub fn sessions_issued(&self) -> u64 {
        lock(&self.state).sessions_issued
    }
}
