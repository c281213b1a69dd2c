//! Ingram Micro Cloud Marketplace: the reseller API of one marketplace, below a base that ends in its region.
//!
//! The state is plain data ([`IngramState`]); the simulator answers from it and can be changed while it runs. The gateway in
//! front of the API counts calls by subscription key, and has errors of its own; so has the API, without codes.

mod auth;
mod error;
mod listing;
mod orders;
mod records;
mod routes;
mod state;
mod wire;
mod writes;

use std::io;
use std::sync::{Arc, Mutex};

pub use crate::in_process::Asked;
pub use error::{GATEWAY_TIMEOUT, gateway_timeout};
pub use records::{
    CatalogProduct, Customer, Order, OrderLine, Period, Plan, Report, Reseller, Subscription,
    SubscriptionProduct,
};
pub use state::{Credentials, DetailFailure, IngramState, RetryAfter, Switches};

use crate::clock::Clock;
use crate::contract::System;
use crate::http::{SimAnswer, SimRequest};
use crate::in_process::Served;
use crate::server::Simulator;
use crate::{delegate_to_server, http, in_process, lock};

/// The marketplace without a socket.
pub type InProcess = in_process::InProcess<IngramState>;

impl Served for IngramState {
    fn clock(&self) -> Clock {
        self.clock.clone()
    }

    fn answer(&mut self, request: &SimRequest) -> SimAnswer {
        routes::handle(self, request)
    }

    fn root(path: &str) -> usize {
        // The place of the API, and the region.
        path.match_indices('/')
            .nth(2)
            .map_or(path.len(), |(at, _)| at)
    }
}

/// What stands before the region in every path.
pub const PATH: &str = "marketplace";

/// A running marketplace.
#[derive(Debug)]
pub struct IngramSimulator {
    server: Simulator,
    state: Arc<Mutex<IngramState>>,
}

impl IngramSimulator {
    /// Serves a state on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(state: IngramState) -> io::Result<Self> {
        Self::start_on(0, state).await
    }

    /// Serves a state on a given loopback port.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, state: IngramState) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let router = http::router(move |request| routes::handle(&mut lock(&shared), &request));
        Ok(Self {
            server: Simulator::serve_as(System::Ingram, router, port).await?,
            state,
        })
    }

    delegate_to_server!();

    /// The base URL of the API, its region included, without a trailing slash.
    pub fn api_url(&self) -> String {
        let region = lock(&self.state).region.clone();
        format!("{}{PATH}/{region}", self.base_url())
    }

    /// Reads or changes the state while the simulator runs.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut IngramState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// A copy of the present state.
    pub fn state(&self) -> IngramState {
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
