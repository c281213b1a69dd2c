//! The conformance batteries on the HyAlto source.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::Error;
use tallyline_core::clock::SharedClock;
use tallyline_core::http::RetryPolicy;
use tallyline_core::model::{ServiceKey, Timestamp};
use tallyline_hyalto::{HyAltoClient, HyAltoSource};
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, World,
    run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::hyalto::{HyAltoSimulator, HyAltoState};
use tallyline_testkit::secrets::Secrets;

const ACCESS: &str = "12.acce55-k3y-of-the-harness";
const SECRET: &str = "s3cr3t/k+y of the harness";

struct HyAlto;

fn client(access: &str, secret: &str, base_url: &str) -> (Result<HyAltoClient, Error>, String) {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let builder = HyAltoClient::builder()
        .base_url(base_url)
        .access_key(access)
        .secret_key(secret.into())
        .retry(retry)
        .jitter_seed(1);
    let shown = format!("{builder:?}");
    (builder.build(), shown)
}

/// The clock of the simulated world.
struct Noon;

#[async_trait]
impl tallyline_core::clock::Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-03-15T12:00:00Z".parse().unwrap()
    }

    async fn sleep(&self, _: Duration) {}

    async fn alongside(&self, _: Duration) {
        std::future::pending().await
    }
}

#[async_trait]
impl SourceHarness for HyAlto {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "hyalto",
            Secrets::of(ACCESS).and(SECRET),
            Match::get("/accountManagement/accounts/"),
            Match::get("/raw"),
        );
        profile.details.push(Match::get("/services/"));
        profile.tokens = Ok(Tokens {
            requests: Match::post("/accountManagement/auth/token"),
            per_client: 1,
        });
        profile.optional_members = &["name", "unit_size"];
        profile
    }

    /// Each item of an account is a service of its own, with one property of the item's name.
    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let mut state = HyAltoState::new();
        state.credentials.access_key = ACCESS.to_owned();
        state.credentials.secret_key = SECRET.to_owned();
        let mut accounts = Vec::new();
        for account in &world.accounts {
            let id = state.add_account(&account.name);
            for (item, quantity) in &account.items {
                let service = state.add_service(id, &format!("vdc of {item}"));
                state.set_ago(20, service, item, 1.into(), "GB");
                state.set_ago(3, service, item, quantity.value(), "GB");
            }
            accounts.push(id.to_string().into());
        }
        let mut secret = SECRET;
        match situation {
            Situation::WrongCredentials => secret = "another-secret-than-the-right",
            Situation::MissingPermission => {
                state.denied.insert("accounts".to_owned());
            }
            Situation::Good | Situation::Unreachable => {}
        }
        let simulator = HyAltoSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE.to_owned(),
            _ => simulator.base_url().to_string(),
        };
        let (client, mut shown) = client(ACCESS, secret, &base_url);
        let source = HyAltoSource::builder()
            .client(client.unwrap())
            .clock(SharedClock::new(std::sync::Arc::new(Noon)))
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

    fn service_key(&self, service: &str) -> ServiceKey {
        format!("vdc/{service}").into()
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, access, secret, base_url| BadConfig {
            names,
            error: client(access, secret, base_url).0.err(),
        };
        vec![
            build("access key", " ", SECRET, UNREACHABLE),
            build("secret key", ACCESS, "", UNREACHABLE),
            build("URL", ACCESS, SECRET, "nowhere"),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client(ACCESS, SECRET, "http://api.example.com").0.err()
    }
}

#[tokio::test]
async fn the_source_passes_the_batteries_and_its_row_is_current() {
    let report = run_source(&HyAlto).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
