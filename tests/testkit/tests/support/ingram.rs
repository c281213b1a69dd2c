//! A small reseller at the simulated Ingram Micro, and calls to it.

use rust_decimal::Decimal;
use tallyline_testkit::ingram::{IngramSimulator, IngramState};
use tallyline_testkit::json::Json;

use super::{Answer, basic, send};

pub(crate) const KEY: (&str, &str) = ("X-Subscription-Key", "example-ingram-key");
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const ROOT: &str = "/marketplace/na";
pub(crate) const USER: &str = "example-msp.API:example-ingram-password";
pub(crate) const MARKETPLACE: &str = r#"{"marketplace":"us"}"#;
pub(crate) const MAIL: &str = "CFQ7TTC0LH18:0001_P1Y:M";

pub(crate) struct Reseller {
    pub(crate) sim: IngramSimulator,
    pub(crate) customer: String,
    pub(crate) subscription: String,
}

/// One customer with 14 seats; the clock stands at 15 March 2026.
pub(crate) async fn reseller() -> Reseller {
    let mut state = IngramState::new();
    let price = Decimal::new(600, 2);
    state.add_product(MAIL, "Mail", price, Decimal::new(510, 2));
    let customer = state.add_customer("Maple Dental LLC");
    let subscription = state.subscribe(&customer, MAIL, 14.into());
    state.add_plan("Mail, yearly");
    state.add_report("Monthly");
    Reseller {
        sim: IngramSimulator::start(state).await.unwrap(),
        customer,
        subscription,
    }
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

    pub(crate) async fn ask_token(&self, user: &str, body: &str) -> Answer {
        let user = basic(user);
        let headers = [("Authorization", user.as_str()), KEY, JSON];
        self.raw("POST", &format!("{ROOT}/token"), &headers, body)
            .await
    }

    pub(crate) async fn token(&self) -> String {
        let answer = self.ask_token(USER, MARKETPLACE).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = answer.json();
        let token = token.get("token").and_then(Json::text).unwrap();
        format!("Bearer {token}")
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = self.token().await;
        let headers = [("Authorization", token.as_str()), KEY, JSON];
        self.raw(method, &format!("{ROOT}{path}"), &headers, body)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let token = self.token().await;
        let headers = [("Authorization", token.as_str()), KEY];
        self.raw("GET", &format!("{ROOT}{path}"), &headers, "")
            .await
    }

    /// The ids of a page, and what it says of itself: offset, limit, total.
    pub(crate) async fn page(&self, path: &str) -> (Vec<String>, [i64; 3]) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let json = answer.json();
        let rows = json.get("data").and_then(Json::items).unwrap();
        let ids = rows.iter().map(|row| {
            let id = row.get("id").and_then(Json::text).unwrap();
            id.to_owned()
        });
        let told = json.get("pagination").unwrap();
        let told = ["offset", "limit", "total"]
            .map(|name| told.get(name).and_then(Json::integer).unwrap());
        (ids.collect(), told)
    }
}
