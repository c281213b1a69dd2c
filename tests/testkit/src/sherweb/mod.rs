//! Sherweb: the token endpoint, the Distributor API and the Service Provider API.
//!
//! The state is plain data ([`SherwebState`]); the simulator answers from it and can be changed while it runs.

mod amendments;
mod auth;
mod charge;
mod problem;
mod routes;
mod state;
mod subscription;
mod wire;
mod wire_catalog;

use std::io;
use std::sync::{Arc, Mutex};

pub use amendments::{Job, JobKind, JobOutcome};
pub use auth::Application;
pub use charge::{Deduction, Fee, Invoice, PayableCharge, ReceivableCharge, Tag, Tax};
pub use state::{
    CancelledSubscriptions, CatalogItem, Customer, Meter, Platform, SherwebState, Switches,
};
pub use subscription::{Commitment, Fees, MinimalQuantity, Renewal, Subscription};

use crate::clock::Clock;
use crate::contract::System;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// A running Sherweb.
#[derive(Debug)]
pub struct SherwebSimulator {
    server: Simulator,
    state: Arc<Mutex<SherwebState>>,
}

impl SherwebSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: SherwebState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, state: SherwebState) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let router = http::router(move |request| routes::handle(&mut lock(&shared), &request));
        Ok(Self {
            server: Simulator::serve_as(System::Sherweb, router, port).await?,
            state,
        })
    }

    delegate_to_server!();

    /// Reads or changes the state while the simulator runs.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut SherwebState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> SherwebState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// Makes every token given out so far invalid, as a key rotation would.
    pub fn revoke_tokens(&self) {
        lock(&self.state).tokens.clear();
    }

    /// How many tokens were given out.
    pub fn tokens_issued(&self) -> u64 {
        lock(&self.state).tokens_issued
    }
}
