//! The conformance batteries on the D&H source.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::date;
use tallyline_core::Error;
use tallyline_core::http::RetryPolicy;
use tallyline_core::model::ServiceKey;
use tallyline_dandh::DandhClient;
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, World,
    run_source,
};
use tallyline_testkit::dandh::{DandhSimulator, DandhState};
use tallyline_testkit::faults::Match;
use tallyline_testkit::secrets::Secrets;

const PASSWORD: &str = "pa55/w+rd of the harness";

struct Dandh;

fn client(
    username: &str,
    password: &str,
    parent: &str,
    base_url: &str,
) -> (Result<DandhClient, Error>, String) {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let builder = DandhClient::builder()
        .username(username)
        .password(password.into())
        .parent_account_id(parent)
        .base_url(base_url)
        .retry(retry)
        .jitter_seed(1);
    let shown = format!("{builder:?}");
    (builder.build(), shown)
}

/// The price of a product, the same in every world.
fn item_of(service: &str) -> i64 {
    let sum = service
        .bytes()
        .fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 1_000_003);
    9_000_000 + sum
}

#[async_trait]
impl SourceHarness for Dandh {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "dandh",
            Secrets::of(PASSWORD),
            Match::post("/GetCompanies"),
            Match::post("/GetPreviewInvoices"),
        );
        profile.details.extend([
            Match::post("/GetSubscriptions"),
            Match::post("/GetCompany").path_end("/GetCompany"),
        ]);
        profile.tokens = Ok(Tokens {
            requests: Match::post("/GetSessionToken"),
            per_client: 1,
        });
        profile.reads_by_post = vec![Match::post("/SimpleAPIService.svc/rest/Get")];
        profile.optional_members = &[
            "VATID",
            "AccountState",
            "Country",
            "BillingStartDate",
            "CompanyVatId",
            "CustomerId",
            "InvoiceNumber",
            "ServiceName",
            "PriceableItemDescription",
            "PriceableItemType",
            "BillableParameter",
            "ActualChargeInterval",
            "Costs",
            "CostsOfUnit",
            "SalesPrice",
            "Currency",
            "ProductNumber",
            "VendorReference",
            "EndCustomerName",
        ];
        profile.open_enums = &["AccountState", "PriceableItemType"];
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let mut state = DandhState::new();
        state.credentials.password = PASSWORD.to_owned();
        for service in world.services() {
            let item = state.add_product(&service, &service, 10.into(), 12.into());
            state.edit_item(item, |item| {
                item.id = item_of(&service);
                if let Some(cost) = world.unit_costs.get(&service) {
                    item.cost = cost.amount;
                    item.currency = cost.currency.unwrap().to_string();
                }
            });
        }
        let mut accounts = Vec::new();
        for account in &world.accounts {
            let id = state.add_company(&account.name);
            for (service, quantity) in &account.items {
                let seats = quantity.value();
                let subscription = state.subscribe(id, service, seats, date(2026, 1, 11));
                let last_day = world.committed.get(service);
                state.edit_subscription(subscription, |own| {
                    own.contract_end = last_day.map(|day| day.to_string().parse().unwrap());
                });
            }
            accounts.push(id.to_string().into());
        }
        let mut password = PASSWORD;
        match situation {
            Situation::WrongCredentials => password = "another-password-than-the-right",
            Situation::MissingPermission => {
                state.denied.insert("GetCompanies".to_owned());
            }
            Situation::Good | Situation::Unreachable => {}
        }
        let (username, parent) = (state.credentials.username.clone(), state.reseller_id);
        let simulator = DandhSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE.to_owned(),
            _ => simulator.rest_url(),
        };
        let (client, mut shown) = client(&username, password, &parent.to_string(), &base_url);
        let client = client.unwrap();
        shown.push_str(&format!("{client:?}"));
        Ok(SourceUnderTest {
            source: Box::new(client),
            shown,
            vendor: Box::new(simulator),
            accounts,
        })
    }

    fn service_key(&self, service: &str) -> ServiceKey {
        format!("{service}/{}", item_of(service)).into()
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, username, password, parent, base_url| BadConfig {
            names,
            error: client(username, password, parent, base_url).0.err(),
        };
        vec![
            build("user name", " ", PASSWORD, "7", UNREACHABLE),
            build("password", "user", "", "7", UNREACHABLE),
            build("parent account id", "user", PASSWORD, " ", UNREACHABLE),
            build("URL", "user", PASSWORD, "7", "nowhere"),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client("user", PASSWORD, "7", "http://api.example.com")
            .0
            .err()
    }
}

#[tokio::test]
async fn the_source_passes_the_batteries_and_its_row_is_current() {
    let report = run_source(&Dandh).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
