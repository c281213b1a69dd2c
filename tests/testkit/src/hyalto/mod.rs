//! HyAlto, as one service provider sees it: accounts, services, and their usage as time series.
//!
//! The state is plain data ([`HyAltoState`]); the simulator answers from it and can be changed while it runs. The vendor
//! publishes next to nothing: what is not known has a switch each ([`Switches`]). There is no document to hold exchanges to.

mod auth;
mod error;
mod records;
mod routes;
mod state;
mod wire;

use std::io;
use std::sync::{Arc, Mutex};

pub use records::{Account, Change, Property, Service};
pub use state::{Credentials, HeaderForm, HyAltoState, Listing, Switches, TokenPaths};

use crate::clock::Clock;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// A running HyAlto.
#[derive(Debug)]
pub struct HyAltoSimulator {
    server: Simulator,
    state: Arc<Mutex<HyAltoState>>,
}

impl HyAltoSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: HyAltoState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, state: HyAltoState) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let router = http::router(move |request| routes::handle(&mut lock(&shared), &request));
        Ok(Self {
            server: Simulator::serve(router, port).await?,
            state,
        })
    }

    delegate_to_server!();

    /// Reads or changes the state while the simulator runs.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut HyAltoState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> HyAltoState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// Makes every token given out so far invalid.
    pub fn revoke_tokens(&self) {
        lock(&self.state).tokens.clear();
    }

    /// How many tokens were given out.
    pub fn tokens_issued(&self) -> u64 {
        lock(&self.state).tokens_issued
    }
}
