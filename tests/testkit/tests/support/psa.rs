//! A small tenant of the simulated PSA, and calls to it.

use rust_decimal::Decimal;
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};
use tallyline_testkit::json::Json;

use super::{Answer, basic, encoded, send};

pub(crate) const CLIENT: (&str, &str) = ("clientid", "00000000-0000-4000-8000-0000000c11d0");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const ROOT: &str = "/v4_6_release/apis/3.0";

pub(crate) struct World {
    pub(crate) sim: ConnectWiseSimulator,
    pub(crate) company: i64,
    pub(crate) agreement: i64,
    pub(crate) product: i64,
    pub(crate) addition: i64,
}

pub(crate) async fn world() -> World {
    let mut state = ConnectWiseState::new();
    let company = state.add_company("Northwind");
    let agreement = state.add_agreement(company, "Cloud Services");
    let product = state.add_vendor_product(
        "SW-MAIL-A",
        "Sherweb",
        "MAIL-A-MM",
        Decimal::new(950, 2),
        Decimal::new(710, 2),
    );
    let addition = state.add_addition(agreement, product, 14);
    World {
        sim: ConnectWiseSimulator::start(state).await.unwrap(),
        company,
        agreement,
        product,
        addition,
    }
}

pub(crate) fn keys() -> String {
    basic("examplemsp+example-public-key:example-private-key")
}

impl World {
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        send(self.sim.base_url(), method, path, headers, body)
            .await
            .unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let keys = keys();
        let headers = [("authorization", keys.as_str()), CLIENT, JSON];
        self.raw(method, &format!("{ROOT}{path}"), &headers, body)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    pub(crate) fn additions(&self) -> String {
        format!("/finance/agreements/{}/additions", self.agreement)
    }

    pub(crate) async fn patch(&self, operations: &str) -> Answer {
        self.call(
            "PATCH",
            &format!("{}/{}", self.additions(), self.addition),
            operations,
        )
        .await
    }

    pub(crate) async fn post(&self, members: &str) -> Answer {
        let body = format!(
            r#"{{"product":{{"id":{}}},"billCustomer":"Billable"{members}}}"#,
            self.product
        );
        self.call("POST", &self.additions(), &body).await
    }

    pub(crate) async fn find(&self, conditions: &str) -> Answer {
        self.get(&format!(
            "/company/companies?conditions={}",
            encoded(conditions)
        ))
        .await
    }

    pub(crate) fn fill_companies(&self, count: usize) {
        self.sim.with_state(|state| {
            for index in 0..count {
                state.add_company(&format!("Company {index:04}"));
            }
        });
    }
}

pub(crate) fn decimal(answer: &Answer, member: &str) -> Option<Decimal> {
    answer.json().get(member).and_then(Json::decimal)
}

/// The code and field of every validation error.
pub(crate) fn errors(answer: &Answer) -> Vec<(String, String)> {
    let json = answer.json();
    let text = |error: &Json, name: &str| {
        error
            .get(name)
            .and_then(Json::text)
            .unwrap_or("")
            .to_owned()
    };
    let errors = json.get("errors").and_then(Json::items).unwrap_or(&[]);
    errors
        .iter()
        .map(|error| (text(error, "code"), text(error, "field")))
        .collect()
}
