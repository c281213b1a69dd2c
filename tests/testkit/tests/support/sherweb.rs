//! A small marketplace of the simulated Sherweb, and calls to it.

use jiff::civil::date;
use rust_decimal::Decimal;
use tallyline_testkit::sherweb::{PayableCharge, SherwebSimulator, SherwebState};

use super::{Answer, send};

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const KEY: (&str, &str) = ("ocp-apim-subscription-key", "example-subscription-key");
pub(crate) const GOOD: &str = "client_id=example-client-id&client_secret=example-client-secret&grant_type=client_credentials&scope=";

pub(crate) struct World {
    pub(crate) sim: SherwebSimulator,
    pub(crate) customer: String,
    pub(crate) subscription: String,
}

pub(crate) async fn world() -> World {
    let mut state = SherwebState::new();
    let customer = state.add_customer("Birch Harbor Dental");
    let subscription = state.add_subscription(&customer, "MAIL-A-MM", 14);
    let mut charge = PayableCharge::monthly(
        "Birch Harbor Dental",
        "MAIL-A-MM",
        14,
        Decimal::new(710, 2),
        date(2026, 3, 15),
    );
    charge.net_price_prorated = "6.096800000000000001".parse().unwrap();
    state.add_charge(charge);
    World {
        sim: SherwebSimulator::start(state).await.unwrap(),
        customer,
        subscription,
    }
}

impl World {
    pub(crate) async fn token(&self, form: &str) -> Answer {
        send(
            self.sim.base_url(),
            "POST",
            "/auth/oidc/connect/token",
            &[FORM],
            form,
        )
        .await
        .unwrap()
    }

    pub(crate) async fn bearer(&self, scope: &str) -> String {
        format!(
            "Bearer {}",
            self.token(&format!("{GOOD}{scope}"))
                .await
                .text("access_token")
        )
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let scope = if path.starts_with("/distributor") {
            "distributor"
        } else {
            "service-provider"
        };
        let bearer = self.bearer(scope).await;
        let headers = [KEY, JSON, ("authorization", bearer.as_str())];
        send(self.sim.base_url(), method, path, &headers, body)
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    pub(crate) fn subscriptions(&self, tail: &str) -> String {
        format!(
            "/service-provider/v1/billing/subscriptions{tail}?customerId={}",
            self.customer
        )
    }
}

/// One call to the simulated marketplace with a fresh token.
pub(crate) async fn call(sim: &SherwebSimulator, method: &str, path: &str, body: &str) -> Answer {
    let scope = path.split('/').nth(1).unwrap();
    let form = format!(
        "client_id=example-client-id&client_secret=example-client-secret&grant_type=client_credentials&scope={scope}"
    );
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    let token = send(
        sim.base_url(),
        "POST",
        "/auth/oidc/connect/token",
        &[form_type],
        &form,
    )
    .await
    .unwrap();
    let bearer = format!("Bearer {}", token.text("access_token"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("ocp-apim-subscription-key", "example-subscription-key"),
        ("content-type", "application/json"),
    ];
    send(sim.base_url(), method, path, &headers, body)
        .await
        .unwrap()
}
