//! The conformance batteries on the example source, with a simulator of its vendor.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

#[path = "../examples/custom_source.rs"]
mod custom_source;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use custom_source::AcornSource;
use tallyline_core::Error;
use tallyline_core::http::RetryPolicy;
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, UNREACHABLE, World, run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::http::{SimAnswer, SimRequest, router};
use tallyline_testkit::json::Json;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::server::Simulator;

const KEY: &str = "acorn-k3y-of-the-harness";
const PAGE: usize = 4;

/// What the simulated vendor knows.
struct State {
    world: World,
    may_read: bool,
}

/// Answers one request.
fn answer(state: &State, request: &SimRequest) -> SimAnswer {
    let refused = |status: u16, why: &str| {
        SimAnswer::json(status, &Json::object().with("message", why.to_owned()))
    };
    if request.header("x-acorn-key") != Some(KEY) {
        return refused(401, "the key is not known");
    }
    if !state.may_read {
        return refused(403, "the key may not read clients");
    }
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let accounts = &state.world.accounts;
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", "clients"]) => {
            let from = request.query("after").map_or(0, |at| at.parse().unwrap());
            let clients = accounts.iter().enumerate().skip(from).take(PAGE);
            let clients = clients.map(|(at, account)| {
                Json::object()
                    .with("id", format!("c{at}"))
                    .with("name", &account.name)
            });
            let body = Json::object().with("clients", Json::Array(clients.collect()));
            let next = from + PAGE;
            let next = (next < accounts.len()).then(|| next.to_string());
            SimAnswer::json(200, &body.with("next", next))
        }
        ("GET", ["v1", "clients", id, "seats"]) => {
            let at: usize = id.trim_start_matches('c').parse().unwrap();
            let items = accounts[at].items.iter().enumerate();
            let seats = items.map(|(n, (sku, count))| {
                Json::object()
                    .with("id", format!("{id}-{n}"))
                    .with("sku", sku)
                    .with("count", count.value())
            });
            let body = Json::object().with("seats", Json::Array(seats.collect()));
            SimAnswer::json(200, &body)
        }
        ("GET", ["v1", "skus"]) => {
            let services = state.world.services().into_iter();
            let skus = services.map(|sku| Json::object().with("sku", &sku).with("name", &sku));
            let body = Json::object().with("skus", Json::Array(skus.collect()));
            SimAnswer::json(200, &body)
        }
        _ => refused(404, "there is no such path"),
    }
}

struct Harness;

fn source(base_url: &str, key: &str) -> Result<AcornSource, Error> {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    AcornSource::new(base_url, key.into(), retry)
}

#[async_trait]
impl SourceHarness for Harness {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "acorn",
            Secrets::of(KEY),
            Match::get("/v1/clients").path_end("/clients"),
            Match::get("/seats"),
        );
        profile.page_size = Ok(PAGE);
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let state = Arc::new(State {
            world: world.clone(),
            may_read: situation != Situation::MissingPermission,
        });
        let router = router(move |request| answer(&state, &request));
        let server = Simulator::serve(router, 0).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => server.base_url().as_str(),
        };
        let key = match situation {
            Situation::WrongCredentials => "another-key-than-the-right",
            _ => KEY,
        };
        let source = source(base_url, key).unwrap();
        Ok(SourceUnderTest {
            shown: format!("{source:?}"),
            source: Box::new(source),
            accounts: (0..world.accounts.len())
                .map(|at| format!("c{at}").into())
                .collect(),
            vendor: Box::new(server),
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, base_url, key| BadConfig {
            names,
            error: source(base_url, key).err(),
        };
        vec![build("key", UNREACHABLE, " "), build("URL", "nowhere", KEY)]
    }

    fn plain_http(&self) -> Option<Error> {
        source("http://api.example.com", KEY).err()
    }
}

#[tokio::test]
async fn a_third_partys_source_passes_the_batteries() {
    let report = run_source(&Harness).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
}
