//! Puts the sink on its simulator for the conformance batteries.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::model::ProductId;
use tallyline_core::{Error, PsaSink};
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_testkit::conformance::{
    BadConfig, Profile, SinkHarness, SinkUnderTest, Situation, UNREACHABLE, World, Writes,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::gradient::{Account, GradientSimulator, GradientState};
use tallyline_testkit::secrets::Secrets;

const VENDOR: &str = "v3ndor/K3y+of-the-harness";
const PARTNER: &str = "p4rtner/K3y+of-the-harness";
/// Both, as they travel.
const TOKEN: &str = "djNuZG9yL0szeStvZi10aGUtaGFybmVzczpwNHJ0bmVyL0szeStvZi10aGUtaGFybmVzcw==";

const NO_COUNTS: &str = "it is told no counts: the journal holds them";

/// The harness; what is wrong with the sink is for the batteries to find.
pub(crate) struct Gradient {
    pub(crate) worlds: u64,
    pub(crate) skips: Vec<(&'static str, &'static str)>,
    pub(crate) wrap: fn(GradientSink) -> Box<dyn PsaSink>,
}

impl Gradient {
    /// Nothing is wrong.
    pub(crate) fn sound() -> Self {
        Self {
            worlds: 30,
            skips: Vec::new(),
            wrap: |sink| Box::new(sink),
        }
    }
}

fn client(vendor: &str, partner: &str, base_url: &str) -> Result<GradientClient, Error> {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: 8,
        per_second: NonZeroU32::new(10_000),
        burst: NonZeroU32::new(10_000),
        ..LimiterOptions::default()
    });
    GradientClient::builder()
        .vendor_api_key(vendor.into())
        .partner_api_key(partner.into())
        .base_url(base_url)
        .limiter(Arc::new(limiter))
        .retry(retry)
        .jitter_seed(1)
        .build()
}

#[async_trait]
impl SinkHarness for Gradient {
    fn profile(&self) -> Profile {
        let list = Match::get("/organization/accounts");
        let mut profile = Profile::new(
            "gradient",
            Secrets::of(VENDOR).and(PARTNER).and(TOKEN),
            list.clone(),
            list,
        );
        // No request reads counts.
        profile.details = Vec::new();
        profile.optional_members = &["description"];
        let reads = [
            "a_number_in_quotes_is_the_same_number",
            "whole_numbers_are_exact",
            "decimals_are_exact",
            "a_negative_number_keeps_its_sign",
            "what_is_no_number_fails",
            "lines_say_what_they_cost",
            "an_account_that_fails_is_not_empty",
            "an_account_with_nothing_is_not_left_out",
            "an_account_that_fails_midway_is_not_short",
        ];
        profile.skips = reads.map(|test| (test, NO_COUNTS)).to_vec();
        profile.skips.extend(&self.skips);
        profile.worlds = self.worlds;
        profile
    }

    fn writes(&self) -> Writes {
        let mut writes = Writes::new(Match::post("/service/none"), Match::patch("/service/none"));
        writes.count = Some(Match::post("/count"));
        writes
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SinkUnderTest, &'static str> {
        let mut state = GradientState::new();
        state.credentials.vendor_key = VENDOR.to_owned();
        state.credentials.partner_key = PARTNER.to_owned();
        let mut products: BTreeMap<String, ProductId> = BTreeMap::new();
        for service in world.services() {
            let id = state.add_service(&service);
            products.insert(service, id.into());
        }
        let mut ids = Vec::new();
        for (at, account) in world.accounts.iter().enumerate() {
            let id = format!("cust-{:04}", at + 1);
            state.accounts.push(Account {
                id: id.clone(),
                name: account.name.clone(),
                description: Some("of the harness".to_owned()),
            });
            for (service, quantity) in &account.items {
                let pair = (id.clone(), products[service].to_string());
                state.counts.insert(pair, quantity.value());
            }
            ids.push(id);
        }
        state.map_all();
        let mut partner = PARTNER;
        match situation {
            Situation::WrongCredentials => partner = "another-key-than-the-right",
            Situation::MissingPermission => state.switches.allowed = false,
            Situation::Good | Situation::Unreachable => {}
        }
        let simulator = GradientSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => simulator.base_url().as_str(),
        };
        let sink = GradientSink::builder()
            .client(client(VENDOR, partner, base_url).unwrap())
            // So that a plan that was applied leaves nothing to do.
            .resend(false)
            .build();
        Ok(SinkUnderTest {
            shown: format!("{sink:?} {:?}", sink.client()),
            sink: (self.wrap)(sink),
            psa: Box::new(simulator),
            companies: ids.iter().map(|id| id.as_str().into()).collect(),
            agreements: ids.iter().map(|id| id.as_str().into()).collect(),
            products,
            effective: "2026-04-01".parse().unwrap(),
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, [vendor, partner, base_url]: [&str; 3]| BadConfig {
            names,
            error: client(vendor, partner, base_url).err(),
        };
        vec![
            build("vendor API key", ["", PARTNER, UNREACHABLE]),
            build("partner API key", [VENDOR, " ", UNREACHABLE]),
            build("URL", [VENDOR, PARTNER, "nowhere"]),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client(VENDOR, PARTNER, "http://api.example.com").err()
    }
}
