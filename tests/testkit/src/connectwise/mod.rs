//! ConnectWise PSA: company lookup, companies, agreements, additions and the product catalog.
//!
//! The state is plain data ([`ConnectWiseState`]); the simulator answers from it, keeps what was written, and logs every
//! committed write.

mod additions;
mod agreements;
mod auth;
mod billing;
mod catalog;
mod conditions;
mod entities;
mod error;
mod listing;
mod members;
mod patch;
mod routes;
mod schema;
mod state;
mod tokens;
mod values;
mod wire;

use std::io;
use std::sync::{Arc, Mutex};

pub use entities::{
    Addition, Agreement, BillingCycle, Company, Contact, CustomField, Product, SetupRow, Stamp,
    Write, WriteKind,
};
pub use state::{AgreementRights, ConnectWiseState, Credentials, Options, Rights};

use crate::clock::Clock;
use crate::contract::System;
use crate::server::Simulator;
use crate::{delegate_to_server, http, lock};

/// A running ConnectWise.
#[derive(Debug)]
pub struct ConnectWiseSimulator {
    server: Simulator,
    state: Arc<Mutex<ConnectWiseState>>,
}

impl ConnectWiseSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: ConnectWiseState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, state: ConnectWiseState) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let router = http::router(move |request| routes::handle(&mut lock(&shared), &request));
        Ok(Self {
            server: Simulator::serve_as(System::ConnectWise, router, port).await?,
            state,
        })
    }

    delegate_to_server!();

    /// Reads or changes the state while the simulator runs.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut ConnectWiseState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> ConnectWiseState {
        lock(&self.state).clone()
    }

    /// The simulator's clock.
    pub fn clock(&self) -> Clock {
        lock(&self.state).clock.clone()
    }

    /// Every committed write so far, in order: the true history, whatever the client was told.
    pub fn writes(&self) -> Vec<Write> {
        lock(&self.state).writes.clone()
    }
}
