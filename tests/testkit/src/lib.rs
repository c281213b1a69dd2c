//! Stateful simulators of the systems Tallyline connects, with fault injection, for tests and demos.
//!
//! Simulated are four marketplaces, [`sherweb`], [`cloudmore`], [`dandh`] and [`ingram`], the usage that [`hyalto`]
//! collects and [`vcd`], where it is collected from, two PSAs, [`connectwise`] and [`autotask`], and [`gradient`], which reconciles for a PSA. All are written
//! from the vendors' documents, never from a client of ours, so that a client which misreads a document fails here.
//! [`faults`] breaks any of them on purpose; [`book`] fills two with one demo book of business whose special cases are
//! named; [`contract`] holds every exchange to the vendors' OpenAPI documents.
//!
//! Two tools hold any connector, those of third parties too: [`conformance`] are the batteries that a source or sink
//! must pass, [`hostile`] and [`credentials`] the tables of what no answer may do to a client.
//!
//! ```
//! use tallyline_testkit::faults::{Fault, Match};
//! use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};
//!
//! # async fn run() -> std::io::Result<()> {
//! let mut state = SherwebState::new();
//! let customer = state.add_customer("Birch Harbor Dental");
//! state.add_subscription(&customer, "MAIL-A-MM", 14);
//! let sim = SherwebSimulator::start(state).await?;
//! sim.faults().on(Match::get("/billing/subscriptions").times(2), Fault::status(503));
//! println!("{}", sim.base_url());
//! # Ok(())
//! # }
//! ```

pub mod autotask;
pub mod book;
pub mod clock;
pub mod cloudmore;
pub mod conformance;
pub mod connectwise;
pub mod contract;
pub mod credentials;
pub mod dandh;
mod dice;
pub mod effects;
pub mod faults;
pub mod gradient;
pub mod hostile;
pub mod http;
pub mod hyalto;
pub mod in_process;
pub mod ingram;
pub mod json;
pub mod limit;
#[cfg(feature = "wiremock")]
pub mod mock;
pub mod raw;
#[cfg(feature = "faults")]
pub mod schedule;
pub mod secrets;
pub mod server;
pub mod sherweb;
pub mod vcd;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex; a panic in another test thread does not make the state unreadable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a simulator handle the methods of the server it runs on.
macro_rules! delegate_to_server {
    () => {
        /// The base URL, without a trailing path: `http://127.0.0.1:PORT/`.
        pub fn base_url(&self) -> &url::Url {
            self.server.base_url()
        }

        /// The faults programmed on this simulator.
        pub fn faults(&self) -> &crate::faults::Faults {
            self.server.faults()
        }

        /// Every request received so far, in order of arrival.
        pub fn requests(&self) -> Vec<crate::server::RecordedRequest> {
            self.server.requests()
        }

        /// How many requests were received.
        pub fn request_count(&self) -> usize {
            self.server.request_count()
        }

        /// Forgets the requests received so far.
        pub fn clear_requests(&self) {
            self.server.clear_requests();
        }

        /// From here on, requests may break the vendor's document in the ways that are named; see
        /// [`Simulator::expect_violations`](crate::server::Simulator::expect_violations).
        pub fn expect_violations(&self, reason: &str, violations: &[&str]) {
            self.server.expect_violations(reason, violations);
        }

        /// The same of answers.
        pub fn expect_odd_answers(&self, reason: &str, violations: &[&str]) {
            self.server.expect_odd_answers(reason, violations);
        }

        /// The server underneath.
        pub fn server(&self) -> &crate::server::Simulator {
            &self.server
        }

        /// Stops the server and waits until its last connection is closed.
        ///
        /// # Panics
        ///
        /// When an exchange broke the vendor's document, as dropping the simulator does.
        pub async fn shutdown(self) {
            self.server.shutdown().await;
        }
    };
}
pub(crate) use delegate_to_server;
