//! Autotask PSA: zone lookup, companies, contracts with their services, quantity rows, adjustments and charges, and the
//! catalogue of services, products and billing codes.
//!
//! The state is plain data ([`AutotaskState`]); the simulator answers from it, keeps what was written, and remembers every
//! effect. What a person or a job of the tenant does is a method of the state: [`AutotaskState::approve_and_post`],
//! [`AutotaskState::adjust`], [`AutotaskState::edit`].

mod auth;
mod body;
mod error;
mod fields;
mod filter;
mod limits;
mod listing;
mod metadata;
mod periods;
mod picklists;
mod posting;
mod records;
mod routes;
mod rules;
mod schema;
mod seed;
mod state;
mod units;
mod values;
mod wire;
mod write;

use std::io;
use std::sync::{Arc, Mutex};

pub use limits::{Threads, Threshold};
pub use records::{Adjustment, Already, Choice, Note, Record, Udf, UnitRow};
pub use schema::Entity;
pub use seed::OWN_COMPANY;
pub use state::{AutotaskState, Credentials, InPostedPeriod, Options, Rights, RowPrice};

use crate::clock::Clock;
use crate::contract::System;
use crate::effects::Effect;
use crate::http::{SimAnswer, SimRequest};
use crate::in_process::Served;
use crate::server::Simulator;
use crate::{delegate_to_server, http, in_process, lock};

/// Autotask without a socket.
pub type InProcess = in_process::InProcess<AutotaskState>;

impl Served for AutotaskState {
    fn clock(&self) -> Clock {
        self.clock.clone()
    }

    fn answer(&mut self, request: &SimRequest) -> SimAnswer {
        routes::handle(self, request)
    }
}

/// A running Autotask.
#[derive(Debug)]
pub struct AutotaskSimulator {
    server: Simulator,
    state: Arc<Mutex<AutotaskState>>,
    threads: Threads,
}

impl AutotaskSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: AutotaskState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port. Its history begins here.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, mut state: AutotaskState) -> io::Result<Self> {
        state.history.effects.clear();
        let state = Arc::new(Mutex::new(state));
        let threads = Threads::default();
        let (shared, seats) = (Arc::clone(&state), threads.clone());
        let router = http::router_async(move |request: SimRequest| {
            let (state, threads) = (Arc::clone(&shared), seats.clone());
            async move {
                let Some(endpoint) = routes::endpoint(&request) else {
                    return routes::handle(&mut lock(&state), &request);
                };
                let code = request.header("apiintegrationcode").unwrap_or("");
                let limit = lock(&state).options.threads;
                let Some(_seat) = threads.enter(code, &endpoint, limit) else {
                    return auth::too_many_threads(&lock(&state), limit.unwrap_or(0));
                };
                threads.pass().await;
                routes::handle(&mut lock(&state), &request)
            }
        });
        Ok(Self {
            server: Simulator::serve_as(System::Autotask, router, port).await?,
            state,
            threads,
        })
    }

    delegate_to_server!();

    /// Reads or changes the state while the simulator runs.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut AutotaskState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> AutotaskState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// The calls in work, which a test may hold back.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Everything that happened so far, in order: the true history, whatever the client was told.
    pub fn effects(&self) -> Vec<Effect> {
        lock(&self.state).history.effects.clone()
    }
}
