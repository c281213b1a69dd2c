//! Gradient's vendor API: the vendor with its services, accounts, their mapping, and the counts that were set.
//!
//! The state is plain data ([`GradientState`]); the simulator answers from it and can be changed while it runs. A count is
//! taken for a pair that is mapped, and is never told: what was set shows in the state alone.

mod alerts;
mod auth;
mod body;
mod error;
mod routes;
mod state;
mod wire;
mod words;

use std::io;
use std::sync::{Arc, Mutex};

pub use state::{
    Account, Alert, Credentials, GradientState, PsaClient, Service, ServiceWords, Switches,
};
pub use words::{CATEGORIES, STATUSES, SUBCATEGORIES};

use crate::clock::Clock;
use crate::effects::Effect;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// A running Gradient.
#[derive(Debug)]
pub struct GradientSimulator {
    server: Simulator,
    state: Arc<Mutex<GradientState>>,
}

impl GradientSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: GradientState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port. Its history begins here. There is no document to hold exchanges to.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, mut state: GradientState) -> io::Result<Self> {
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
    pub fn with_state<R>(&self, work: impl FnOnce(&mut GradientState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> GradientState {
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
