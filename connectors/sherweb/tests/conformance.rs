//! The conformance batteries on the Sherweb source.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::Error;
use tallyline_core::http::RetryPolicy;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, World,
    run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::sherweb::{Commitment, PayableCharge, SherwebSimulator, SherwebState};

const SECRET: &str = "cl13nt/s3cret+of the harness";
const KEY: &str = "subscription-k3y-of-the-harness";

struct Sherweb;

fn client(
    id: &str,
    secret: &str,
    key: &str,
    base_url: &str,
) -> (Result<SherwebClient, Error>, String) {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let builder = SherwebClient::builder()
        .client_id(id)
        .client_secret(secret.into())
        .subscription_key(key.into())
        .base_url(base_url)
        .accept_language("en")
        .retry(retry)
        .jitter_seed(1);
    let shown = format!("{builder:?}");
    (builder.build(), shown)
}

#[async_trait]
impl SourceHarness for Sherweb {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "sherweb",
            Secrets::of(SECRET).and(KEY),
            Match::get("/service-provider/v1/customers"),
            Match::get("/billing/subscriptions/details"),
        );
        profile.tokens = Ok(Tokens {
            requests: Match::post("/auth/oidc/connect/token"),
            per_client: 2,
        });
        profile
            .details
            .push(Match::get("/distributor/v1/billing/payable-charges"));
        profile.optional_members = &[
            "productName",
            "description",
            "purchaseDate",
            "billingCycle",
            "fees",
        ];
        profile.open_enums = &["billingCycle"];
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let mut state = SherwebState::new();
        state.application.client_secret = SECRET.to_owned();
        state.application.subscription_key = KEY.to_owned();
        let mut accounts = Vec::new();
        for account in &world.accounts {
            let id = state.add_customer(&account.name);
            for (service, quantity) in &account.items {
                let seats = quantity.to_string().parse().unwrap();
                let subscription = state.add_subscription(&id, service, seats);
                if let Some(cost) = world.unit_costs.get(service) {
                    let day = "2026-03-15".parse().unwrap();
                    let charge =
                        PayableCharge::monthly(&account.name, service, seats, cost.amount, day);
                    let currency = cost.currency.unwrap().to_string();
                    let charge = charge.with_customer_id(&id).with_currency(&currency);
                    state.add_charge(charge);
                }
                let subscription = state.subscription_mut(&subscription).unwrap();
                subscription.commitment = world.committed.get(service).map(|day| Commitment {
                    term: "Annual".to_owned(),
                    term_end: day.to_string().parse().unwrap(),
                    renewal: None,
                    minimal_quantities: None,
                });
            }
            accounts.push(id.into());
        }
        let mut secret = SECRET;
        match situation {
            Situation::WrongCredentials => secret = "another-secret-than-the-right",
            Situation::MissingPermission => state.application.scopes = vec!["distributor".into()],
            Situation::Good | Situation::Unreachable => {}
        }
        let id = state.application.client_id.clone();
        let simulator = SherwebSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => simulator.base_url().as_str(),
        };
        let (client, mut shown) = client(&id, secret, KEY, base_url);
        let client = client.unwrap();
        shown.push_str(&format!("{client:?}"));
        Ok(SourceUnderTest {
            source: Box::new(client),
            shown,
            vendor: Box::new(simulator),
            accounts,
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, id, secret, key, base_url| BadConfig {
            names,
            error: client(id, secret, key, base_url).0.err(),
        };
        vec![
            build("client id", " ", SECRET, KEY, UNREACHABLE),
            build("client secret", "id", "", KEY, UNREACHABLE),
            build("subscription key", "id", SECRET, " ", UNREACHABLE),
            build("URL", "id", SECRET, KEY, "nowhere"),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client("id", SECRET, KEY, "http://api.example.com").0.err()
    }
}

#[tokio::test]
async fn the_source_passes_the_batteries_and_its_row_is_current() {
    let report = run_source(&Sherweb).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
