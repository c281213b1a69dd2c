//! A small tenant of the simulated Autotask, and calls to it.

use jiff::civil::date;
use rust_decimal::Decimal;
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::json::Json;

use super::{Answer, encoded, send};

pub(crate) const CODE: (&str, &str) = ("ApiIntegrationCode", "EXAMPLEINTEGRATIONCODE00001");
pub(crate) const USER: (&str, &str) = ("UserName", "api.user@example.com");
pub(crate) const SECRET: (&str, &str) = ("Secret", "example-autotask-secret");
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const ROOT: &str = "/ATServicesRest/v1.0";
pub(crate) const UDF: &str = "Subscription ID";

pub(crate) struct Tenant {
    pub(crate) sim: AutotaskSimulator,
    pub(crate) company: i64,
    pub(crate) contract: i64,
    pub(crate) service: i64,
    /// 10 units at 20.00 from 1 January 2026; the contract is monthly and ends with 2027.
    pub(crate) line: i64,
}

/// The clock stands at 15 March 2026.
pub(crate) async fn tenant() -> Tenant {
    let mut state = AutotaskState::on(date(2026, 3, 15));
    state.add_udf(Entity::Contracts, UDF);
    let company = state.add_company("Northwind");
    let contract = state.add_contract(company, "Cloud Services");
    let service = state.add_service("Mail Plan A", Decimal::new(2000, 2), Decimal::new(1500, 2));
    let line = state.add_line(contract, service, 10);
    Tenant {
        sim: AutotaskSimulator::start(state).await.unwrap(),
        company,
        contract,
        service,
        line,
    }
}

impl Tenant {
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
        let headers = [CODE, USER, SECRET, JSON];
        self.raw(method, &format!("{ROOT}{path}"), &headers, body)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.call("POST", path, body).await
    }

    /// A query by POST with these conditions.
    pub(crate) async fn query(&self, entity: &str, filter: &str) -> Answer {
        let body = format!(r#"{{"filter":[{filter}]}}"#);
        self.post(&format!("/{entity}/query"), &body).await
    }

    /// The ids that these conditions find.
    pub(crate) async fn found(&self, entity: &str, filter: &str) -> Vec<i64> {
        let answer = self.query(entity, filter).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.item_ids()
    }

    /// A query by GET.
    pub(crate) async fn search(&self, entity: &str, query: &str) -> Answer {
        self.get(&format!("/{entity}/query?search={}", encoded(query)))
            .await
    }

    /// Changes the units of the line.
    pub(crate) async fn adjust(&self, effective: &str, change: i64) -> Answer {
        let (contract, line) = (self.contract, self.line);
        let body = format!(
            r#"{{"contractID":{contract},"contractServiceID":{line},"effectiveDate":"{effective}","unitChange":{change}}}"#
        );
        self.post(&format!("/Contracts/{contract}/ServiceAdjustments"), &body)
            .await
    }

    /// The quantity rows of a line as answered: start, end, units, price.
    pub(crate) async fn units(&self, line: i64) -> Vec<(String, String, i64, String)> {
        let filter = format!(r#"{{"op":"eq","field":"contractServiceID","value":{line}}}"#);
        let answer = self.query("ContractServiceUnits", &filter).await;
        let mut rows: Vec<_> = answer
            .items()
            .iter()
            .map(|row| {
                let day = |name: &str| {
                    let text = row.get(name).and_then(Json::text).unwrap();
                    text.strip_suffix("T00:00:00").unwrap().to_owned()
                };
                let units = row.get("units").and_then(Json::integer).unwrap();
                let price = row.get("price").unwrap().to_string();
                (day("startDate"), day("endDate"), units, price)
            })
            .collect();
        rows.sort();
        rows
    }
}

impl Answer {
    /// The items of a page.
    pub(crate) fn items(&self) -> Vec<Json> {
        let json = self.json();
        let items = json.get("items").and_then(Json::items);
        items
            .unwrap_or_else(|| panic!("a page: {}", self.body))
            .to_vec()
    }

    pub(crate) fn item_ids(&self) -> Vec<i64> {
        self.items()
            .iter()
            .filter_map(|item| item.get("id").and_then(Json::integer))
            .collect()
    }

    pub(crate) fn item(&self) -> Json {
        self.json().get("item").cloned().unwrap()
    }

    /// The id of a write that was taken.
    pub(crate) fn item_id(&self) -> i64 {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json().get("itemId").and_then(Json::integer).unwrap()
    }

    /// The texts of a refusal, with its status.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        let texts = json.get("errors").and_then(Json::items).unwrap_or(&[]);
        let texts: Vec<&str> = texts.iter().filter_map(Json::text).collect();
        (self.status, texts.join(" | "))
    }

    pub(crate) fn next_page(&self) -> Option<String> {
        let json = self.json();
        let details = json.get("pageDetails").unwrap();
        details
            .get("nextPageUrl")
            .and_then(Json::text)
            .map(str::to_owned)
    }
}
