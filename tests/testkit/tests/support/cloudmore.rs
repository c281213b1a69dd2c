//! A small reseller of the simulated Cloudmore, and calls to it.

use jiff::civil::date;
use rust_decimal::Decimal;
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState, ServiceKind};
use tallyline_testkit::json::Json;

use super::{Answer, encoded, send};

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub(crate) struct Reseller {
    pub(crate) sim: CloudmoreSimulator,
    pub(crate) root: String,
    pub(crate) organization: String,
    pub(crate) nce: String,
    pub(crate) product: String,
    /// 10 seats at 15.00 and 20.00 since 25 November 2025.
    pub(crate) seats: String,
    pub(crate) plan: String,
    /// Azure consumption since 10 January 2026.
    pub(crate) azure: String,
}

/// The clock stands at 15 March 2026.
pub(crate) async fn reseller() -> Reseller {
    let mut state = CloudmoreState::on(date(2026, 3, 15));
    let organization = state.add_organization("Northwind");
    state.set_property(&organization, "AutotaskCompanyID", "4021");
    let nce = state.add_service("Microsoft CSP", ServiceKind::CspNce);
    let (cost, price) = (Decimal::new(1500, 2), Decimal::new(2000, 2));
    let product = state.add_product(&nce, "CFQ-1", "Mail Plan A", cost, price);
    let seats = state.subscribe(&organization, &product, 10.into(), date(2025, 11, 25));
    let plan = state.add_service("Azure", ServiceKind::AzurePlan);
    let one = Decimal::ONE;
    let azure = state.add_product(&plan, "AZURE", "Azure plan", one, one);
    let azure = state.subscribe(&organization, &azure, one, date(2026, 1, 10));
    let sim = CloudmoreSimulator::start(state).await.unwrap();
    let root = format!("/api/resellers/{}", sim.state().reseller_id);
    Reseller {
        sim,
        root,
        organization,
        nce,
        product,
        seats,
        plan,
        azure,
    }
}

/// The form of a token request with the client in the body, with changes: a value replaces, `None` leaves out.
pub(crate) fn form(changes: &[(&str, Option<&str>)]) -> String {
    let mut fields = vec![
        ("grant_type", "password"),
        ("username", "sync@example.com"),
        ("password", "example-cloudmore-password"),
        ("scope", "api"),
        ("client_id", "ro.customer.client"),
        ("client_secret", "example-cloudmore-secret"),
    ];
    for (name, value) in changes {
        fields.retain(|(field, _)| field != name);
        fields.extend(value.map(|value| (*name, value)));
    }
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    pairs.join("&")
}

impl Reseller {
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

    pub(crate) async fn token(&self) -> String {
        let answer = self
            .raw("POST", "/connect/token", &[FORM], &form(&[]))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        format!("Bearer {}", answer.text("access_token"))
    }

    /// A call below the reseller with a fresh token.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = self.token().await;
        let headers = [("authorization", token.as_str()), JSON];
        self.raw(method, &format!("{}{path}", self.root), &headers, body)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    /// A path below the organization.
    pub(crate) fn of(&self, rest: &str) -> String {
        format!("/organizations/{}{rest}", self.organization)
    }

    /// The lines of the report of all services between two days.
    pub(crate) async fn lines(&self, from: &str, to: &str) -> Vec<Json> {
        let path =
            format!("/billing/reports/MonthlyBillingPerOrganization?startDate={from}&endDate={to}");
        let answer = self.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut lines = Vec::new();
        for bill in answer.json().items().unwrap() {
            for organization in bill.get("organizations").unwrap().items().unwrap() {
                for service in organization.get("services").unwrap().items().unwrap() {
                    lines.extend(service.get("items").unwrap().items().unwrap().to_vec());
                }
            }
        }
        lines
    }
}

/// Members of a line as text, texts without their quotes.
pub(crate) fn shown(line: &Json, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .map(|name| match line.get(name).unwrap() {
            Json::Text(text) => text.clone(),
            other => other.to_string(),
        })
        .collect()
}
