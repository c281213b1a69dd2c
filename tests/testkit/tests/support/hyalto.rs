//! A small provider at the simulated HyAlto, and calls to it.

use rust_decimal::Decimal;
use tallyline_testkit::hyalto::{HyAltoSimulator, HyAltoState};

use super::{Answer, send};

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const TOKEN: &str = "/accountManagement/auth/token";
pub(crate) const ACCOUNTS: &str = "/accountManagement/accounts/";

/// The body of a request for a token.
pub(crate) const KEYS: &str = r#"{"accessKey":"12.00000000-0000-4000-8000-0000000acce5","secretKey":"00000000-0000-4000-8000-000000005ec7"}"#;

pub(crate) struct Provider {
    pub(crate) sim: HyAltoSimulator,
    pub(crate) account: i64,
    pub(crate) service: i64,
}

/// One account with one data centre: 32 GB since twenty days, 64 since five. The clock stands at noon of 15 March 2026.
pub(crate) async fn provider() -> Provider {
    let mut state = HyAltoState::new();
    let account = state.add_account("Northwind Dental");
    let service = state.add_service(account, "nwd-vdc-01");
    state.set_ago(20, service, "ram", 32.into(), "GB");
    state.set_ago(5, service, "ram", 64.into(), "GB");
    state.set_ago(20, service, "compute", Decimal::new(125, 1), "GHz");
    state.add_empty(service, "gpu");
    Provider {
        sim: HyAltoSimulator::start(state).await.unwrap(),
        account,
        service,
    }
}

impl Provider {
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

    /// A fresh token.
    pub(crate) async fn token(&self) -> String {
        let answer = self.raw("POST", TOKEN, &[JSON], KEYS).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.text("accessToken")
    }

    /// A call with a fresh token after `Bearer`.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        let token = format!("Bearer {}", self.token().await);
        self.raw("GET", target, &[("Authorization", &token)], "")
            .await
    }

    pub(crate) fn usage(&self, query: &str) -> String {
        format!("/solutions/usage/account/{}/raw?{query}", self.account)
    }
}
