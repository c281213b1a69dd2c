//! A small provider at the simulated D&H, and calls to it.

use jiff::civil::date;
use rust_decimal::Decimal;
use tallyline_testkit::dandh::{DandhSimulator, DandhState, PATH};
use tallyline_testkit::json::Json;

use super::{Answer, send};

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The technical name of the product of the small provider.
pub(crate) const MAIL: &str = "555001_MailPlanA_20417";

pub(crate) struct Provider {
    pub(crate) sim: DandhSimulator,
    pub(crate) company: i64,
    /// The price of [`MAIL`], 10.00 and 12.00 per unit.
    pub(crate) item: i64,
    /// 14 units since 11 February 2026.
    pub(crate) seats: i64,
}

/// The clock stands at noon of 18 March 2026, a Wednesday.
pub(crate) async fn provider() -> Provider {
    let mut state = DandhState::on(date(2026, 3, 18));
    let company = state.add_company("Maple Dental LLC");
    let item = state.add_product(MAIL, "Mail Plan A", 10.into(), 12.into());
    let seats = state.subscribe(company, MAIL, 14.into(), date(2026, 2, 11));
    Provider {
        sim: DandhSimulator::start(state).await.unwrap(),
        company,
        item,
        seats,
    }
}

/// The body of a request for a session.
pub(crate) const SIGN_IN: &str =
    r#"{"username":"sync@msp.example","password":"example-dandh-password"}"#;

/// The text of an element of a fault; the first of the name.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = xml.split_once(&format!("<{name}>")) else {
        return "";
    };
    rest.split('<').next().unwrap()
}

impl Provider {
    pub(crate) async fn raw(
        &self,
        method: &str,
        operation: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let target = format!("/{PATH}/{operation}");
        send(self.sim.base_url(), method, &target, headers, body)
            .await
            .unwrap()
    }

    pub(crate) async fn sign_in(&self, body: &str) -> Answer {
        self.raw("POST", "GetSessionToken", &[JSON], body).await
    }

    /// The header of a fresh session.
    pub(crate) async fn session(&self) -> String {
        let answer = self.sign_in(SIGN_IN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        format!("CCPSessionId {}", answer.json().text().unwrap())
    }

    pub(crate) async fn with_session(&self, session: &str, operation: &str, body: &str) -> Answer {
        let headers = [("Authenticate", session), JSON];
        self.raw("POST", operation, &headers, body).await
    }

    /// A call with a fresh session.
    pub(crate) async fn call(&self, operation: &str, body: &str) -> Answer {
        let session = self.session().await;
        self.with_session(&session, operation, body).await
    }

    /// A call that must be answered, its JSON.
    pub(crate) async fn read(&self, operation: &str, body: &str) -> Json {
        let answer = self.call(operation, body).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        answer.json()
    }

    /// A call that must be answered with a list.
    pub(crate) async fn list(&self, operation: &str, body: &str) -> Vec<Json> {
        self.read(operation, body).await.items().unwrap().to_vec()
    }

    /// The charges of the preview, as units, interval and costs.
    pub(crate) async fn preview(&self) -> Vec<String> {
        let invoices = self.list("GetPreviewInvoices", "{}").await;
        let charges = invoices
            .iter()
            .flat_map(|invoice| invoice.get("Charges").unwrap().items().unwrap().to_vec());
        charges.map(|charge| shown(&charge)).collect()
    }
}

/// Units, interval and costs of a charge.
pub(crate) fn shown(charge: &Json) -> String {
    let of = |name: &str| charge.get(name).unwrap();
    format!(
        "{} of {} for {}",
        of("UDRCValue"),
        of("ActualChargeInterval").text().unwrap(),
        of("Costs").decimal().unwrap().normalize()
    )
}

/// Whole units.
pub(crate) fn units(count: i64) -> Decimal {
    count.into()
}
