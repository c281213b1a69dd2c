//! A vendor at the simulated Gradient, and calls to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tallyline_testkit::gradient::{GradientSimulator, GradientState};

use super::{Answer, send};

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const ROOT: &str = "/api/vendor-api";

pub(crate) struct Vendor {
    pub(crate) sim: GradientSimulator,
    pub(crate) mail: String,
    pub(crate) disk: String,
}

/// Two accounts and two services, of which the second ones are not mapped.
pub(crate) async fn vendor() -> Vendor {
    let mut state = GradientState::new();
    let mail = state.add_service("Mail");
    let disk = state.add_service("Disk");
    state.add_account("c-1", "Maple Dental LLC");
    state.add_account("oak.example.com", "Oak Legal");
    state.map_account("c-1");
    state.map_service(&mail);
    Vendor {
        sim: GradientSimulator::start(state).await.unwrap(),
        mail,
        disk,
    }
}

pub(crate) fn token() -> String {
    STANDARD.encode("example-gradient-vendor-key:example-gradient-partner-key")
}

impl Vendor {
    pub(crate) async fn raw(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        send(self.sim.base_url(), method, target, headers, body)
            .await
            .unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = token();
        let headers = [("gradient-token", token.as_str()), JSON];
        self.raw(method, &format!("{ROOT}{path}"), &headers, body)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    /// Sets a count; gives the status.
    pub(crate) async fn count(&self, service: &str, query: &str, body: &str) -> u16 {
        let path = format!("/service/{service}/count{query}");
        self.call("POST", &path, body).await.status
    }
}
