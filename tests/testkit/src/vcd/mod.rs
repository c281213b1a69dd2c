//! VMware Cloud Director, as a provider or a tenant sees it: sessions, the query service, and the lists of OpenAPI.
//!
//! The state is plain data ([`VcdState`]); the simulator answers from it and can be changed while it runs. It is as strict as
//! the server: every request names an offered version in `Accept`, types of queries are case-sensitive and of the right
//! kind of session, pages hold 128 records at most, filters are encoded and evaluated. What the reference leaves open has a
//! switch each ([`Switches`]). There is no document to hold exchanges to.

mod auth;
mod error;
mod filter;
mod open;
mod query;
mod records;
mod routes;
mod state;
mod wire;

use std::io;
use std::sync::{Arc, Mutex};

pub use records::{EdgeGateway, Org, Policy, Vdc, Vm};
pub use state::{ApiToken, Switches, User, VcdState};

use crate::clock::Clock;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// A running VMware Cloud Director.
#[derive(Debug)]
pub struct VcdSimulator {
    server: Simulator,
    state: Arc<Mutex<VcdState>>,
}

impl VcdSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: VcdState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, state: VcdState) -> io::Result<Self> {
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
    pub fn with_state<R>(&self, work: impl FnOnce(&mut VcdState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> VcdState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// Ends every session.
    pub fn end_sessions(&self) {
        lock(&self.state).sessions.clear();
    }

    /// How many sessions were opened.
    pub fn sessions_opened(&self) -> u64 {
        lock(&self.state).sessions_opened
    }
}
