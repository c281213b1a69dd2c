//! The conformance batteries on the Ingram Micro source.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::Error;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_ingram::{IngramClient, IngramSource};
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, World,
    run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::ingram::{IngramSimulator, IngramState};
use tallyline_testkit::secrets::Secrets;

const PASSWORD: &str = "pa55/w+rd of the harness";
const KEY: &str = "subscription-k3y-of-the-harness";

struct Ingram;

fn client(
    username: &str,
    password: &str,
    key: &str,
    marketplace: &str,
    base_url: &str,
) -> (Result<IngramClient, Error>, String) {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: 4,
        per_second: NonZeroU32::new(100_000),
        burst: NonZeroU32::new(1000),
        ..LimiterOptions::default()
    });
    let builder = IngramClient::builder()
        .base_url(base_url)
        .marketplace(marketplace)
        .username(username)
        .password(password.into())
        .subscription_key(key.into())
        .page_size(4)
        .limiter(Arc::new(limiter))
        .retry(retry)
        .jitter_seed(1);
    let shown = format!("{builder:?}");
    (builder.build(), shown)
}

#[async_trait]
impl SourceHarness for Ingram {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "ingram",
            Secrets::of(PASSWORD).and(KEY),
            Match::get("/customers"),
            Match::get("/subscriptions/"),
        );
        profile
            .details
            .push(Match::get("/subscriptions").path_end("/subscriptions"));
        profile.page_size = Ok(4);
        profile.tokens = Ok(Tokens {
            requests: Match::post("/token"),
            per_client: 1,
        });
        profile.optional_members = &[
            "externalId",
            "attributes",
            "address",
            "contactPersons",
            "language",
            "resellerId",
            "renewalStatus",
            "creationDate",
            "renewalDate",
            "expirationDate",
            "billingModel",
            "subscriptionPeriod",
            "totalPrice",
            "vendor",
            "unitPrice",
            "unitCost",
            "extendedPrice",
            "vendorSubscriptionId",
            "planId",
            "fulfillmentParameters",
            "orderParameters",
        ];
        profile.open_enums = &["billingModel", "type"];
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let mut state = IngramState::new();
        state.credentials.password = PASSWORD.to_owned();
        state.credentials.subscription_key = KEY.to_owned();
        for service in world.services() {
            let cost = world.unit_costs.get(&service);
            let cost = cost.map_or_else(|| 10.into(), |cost| cost.amount);
            state.add_product(&service, &service, 12.into(), cost);
        }
        // The newest comes first.
        let mut accounts = Vec::new();
        for account in world.accounts.iter().rev() {
            let id = state.add_customer(&account.name);
            for (service, quantity) in &account.items {
                state.subscribe(&id, service, quantity.value());
                let made = state.subscriptions.last_mut().unwrap();
                if let Some(cost) = world.unit_costs.get(service) {
                    made.products[0].currency = cost.currency.unwrap().to_string();
                }
                if !world.committed.is_empty() {
                    let last_day = world.committed.get(service);
                    made.expiration = last_day.map(|day| day.to_string().parse().unwrap());
                }
            }
            accounts.push(id.into());
        }
        for (at, customer) in state.customers.iter_mut().enumerate() {
            customer.external_id = Some(format!("own-{at}"));
        }
        accounts.reverse();
        let mut password = PASSWORD;
        match situation {
            Situation::WrongCredentials => password = "another-password-than-the-right",
            Situation::MissingPermission => {
                state.denied.insert("customers".to_owned());
            }
            Situation::Good | Situation::Unreachable => {}
        }
        let username = state.credentials.username.clone();
        let simulator = IngramSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => format!("{UNREACHABLE}marketplace/na"),
            _ => simulator.api_url(),
        };
        let (client, mut shown) = client(&username, password, KEY, "us", &base_url);
        let source = IngramSource::builder()
            .client(client.unwrap())
            .build()
            .unwrap();
        shown.push_str(&format!("{source:?}"));
        Ok(SourceUnderTest {
            source: Box::new(source),
            shown,
            vendor: Box::new(simulator),
            accounts,
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        const BASE: &str = "https://api.example.com/marketplace/na";
        let build = |names, username, password, key, marketplace, base_url| BadConfig {
            names,
            error: client(username, password, key, marketplace, base_url)
                .0
                .err(),
        };
        vec![
            build("user name", " ", PASSWORD, KEY, "us", BASE),
            build("password", "user", "", KEY, "us", BASE),
            build("subscription key", "user", PASSWORD, " ", "us", BASE),
            build("marketplace", "user", PASSWORD, KEY, "", BASE),
            build("URL", "user", PASSWORD, KEY, "us", "nowhere"),
            build(
                "region",
                "user",
                PASSWORD,
                KEY,
                "us",
                "https://api.example.com/marketplace",
            ),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        let base = "http://api.example.com/marketplace/na";
        client("user", PASSWORD, KEY, "us", base).0.err()
    }
}

#[tokio::test]
async fn the_source_passes_the_batteries_and_its_row_is_current() {
    let report = run_source(&Ingram).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
