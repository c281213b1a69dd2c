//! Cloudmore: the token endpoint, organizations, services, subscriptions, bills with their reports and jobs.
//!
//! The state is plain data ([`CloudmoreState`]); the simulator answers from it and can be changed while it runs. A bill
//! comes about by [`CloudmoreState::generate_bills`]. The names of members in reports are guesses, as no document names
//! them; [`Names`] changes them.

mod auth;
mod billing;
mod error;
mod jobs;
mod names;
mod records;
mod reports;
mod resources;
mod routes;
mod seed;
mod state;
mod wire;

use std::io;
use std::sync::{Arc, Mutex};

pub use jobs::{Job, JobKind};
pub use names::Names;
pub use records::{
    Bill, BillLine, Change, LineKind, ManualLine, Organization, Product, Service, ServiceKind,
    Subscription, Usage,
};
pub use state::{CloudmoreState, Credentials, DateForm, Location, NotReady, Options, Rights};

use crate::clock::Clock;
use crate::effects::Effect;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// A running Cloudmore.
#[derive(Debug)]
pub struct CloudmoreSimulator {
    server: Simulator,
    state: Arc<Mutex<CloudmoreState>>,
}

impl CloudmoreSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: CloudmoreState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port. Its history begins here. There is no document to hold exchanges to.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, mut state: CloudmoreState) -> io::Result<Self> {
        state.history.effects.clear();
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
    pub fn with_state<R>(&self, work: impl FnOnce(&mut CloudmoreState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// Takes no token given out so far any more.
    pub fn revoke_tokens(&self) {
        self.with_state(|state| state.tokens.clear());
    }

    /// A copy of the present state.
    pub fn state(&self) -> CloudmoreState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// Everything that happened so far, in order: the true history, whatever the client was told.
    pub fn effects(&self) -> Vec<Effect> {
        lock(&self.state).history.effects.clone()
    }
}
