//! Puts the sink on its simulator for the conformance batteries.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_autotask::{
    AutotaskClient, AutotaskSink, BudgetOptions, ContractSetup, TenantBudget,
};
use tallyline_core::http::{Limits, RetryPolicy};
use tallyline_core::model::ProductId;
use tallyline_core::{Error, PsaSink};
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::conformance::{
    BadConfig, Profile, SinkHarness, SinkUnderTest, Situation, UNREACHABLE, World, Writes,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::secrets::Secrets;

const USER: &str = "api.user@example.com";
const CODE: &str = "HARNESS0INTEGRATION0CODE027";
const SECRET: &str = "s3cret/Of+the-harness$7";

/// The harness.
pub(crate) struct Autotask;

fn client(lookup: &str, user: &str, code: &str, secret: &str) -> Result<AutotaskClient, Error> {
    let budget = TenantBudget::new(BudgetOptions {
        hourly_threshold: 10_000_000,
        ..BudgetOptions::default()
    });
    AutotaskClient::builder()
        .lookup_url(format!("{}/ATServicesRest", lookup.trim_end_matches('/')))
        .user_name(user)
        .integration_code(code)
        .secret(secret)
        .page_size(5)
        .budget(budget)
        .limits(Limits {
            max_pages: 100,
            ..Limits::default()
        })
        .rate_limit_wait(Duration::from_millis(1))
        .retry(RetryPolicy {
            min_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        })
        .jitter_seed(1)
        .build()
}

#[async_trait]
impl SinkHarness for Autotask {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "autotask",
            Secrets::of(CODE).and(SECRET),
            Match::get("/Companies/query"),
            Match::get("/ContractServiceUnits/query"),
        );
        profile.details.extend([
            Match::get("/V1.0/ZoneInformation"),
            Match::get("/V1.0/Contracts/entityInformation"),
            Match::get("/V1.0/Contracts/").not_path("/entityInformation"),
            Match::get("/ContractServices/query"),
        ]);
        profile.skips.push((
            "unknown_words_do_not_break_a_read",
            "its lists are of numbers, whose words are read from the system",
        ));
        profile.page_size = Ok(5);
        profile.decimals = Err("it takes whole units only");
        profile.optional_members = &["cost", "internalCurrencyPrice", "price"];
        profile
    }

    fn writes(&self) -> Writes {
        let adjustments = Match::post("/ServiceAdjustments");
        let mut writes = Writes::new(adjustments.clone(), adjustments);
        writes.agreement = Some(Match::post("/Contracts"));
        writes.charge = Some(Match::post("/Charges"));
        writes
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SinkUnderTest, &'static str> {
        let mut state = AutotaskState::new();
        state.credentials.user = USER.to_owned();
        state.credentials.integration_code = CODE.to_owned();
        state.credentials.secret = SECRET.to_owned();
        // The provider's own company is no part of the world.
        state.records.entry(Entity::Companies).or_default().clear();
        state.add_udf(Entity::Contracts, "Subscription ID");
        let mut products: BTreeMap<String, ProductId> = BTreeMap::new();
        for service in world.services() {
            let id = state.add_service(&service, 10.into(), 7.into());
            products.insert(service, id.to_string().into());
        }
        let mut companies = Vec::new();
        let mut agreements = Vec::new();
        for account in &world.accounts {
            let company = state.add_company(&account.name);
            // Few billing periods: each is a row of each line.
            let (from, to) = ("2026-01-01".parse().unwrap(), "2026-06-30".parse().unwrap());
            let contract = state.add_contract_over(company, "Monthly Services", from, to);
            for (service, quantity) in &account.items {
                let product = products[service].as_str().parse().unwrap();
                let units = quantity.to_string().parse().unwrap();
                state.add_line(contract, product, units);
            }
            companies.push(company.to_string().into());
            agreements.push(contract.to_string().into());
        }
        let mut secret = SECRET;
        match situation {
            Situation::WrongCredentials => secret = "another-secret-than-the-right",
            Situation::MissingPermission => {
                state
                    .rights
                    .not_written
                    .insert(Entity::ContractServiceAdjustments);
            }
            Situation::Good | Situation::Unreachable => {}
        }
        let mut setup = ContractSetup::new();
        setup.product_billing_code = state.billing_code(4);
        let simulator = AutotaskSimulator::start(state).await.unwrap();
        let lookup = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => simulator.base_url().as_str(),
        };
        let client = client(lookup, USER, CODE, secret).unwrap();
        let now = self.profile().now;
        let sink = AutotaskSink::builder()
            .client(client)
            .clock(Arc::new(move || now))
            .setup(setup)
            .build();
        Ok(SinkUnderTest {
            shown: format!("{sink:?} {:?}", sink.client()),
            sink: Box::new(sink) as Box<dyn PsaSink>,
            psa: Box::new(simulator),
            companies,
            agreements,
            products,
            effective: "2026-04-01".parse().unwrap(),
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, [user, code, secret]: [&str; 3]| BadConfig {
            names,
            error: client(UNREACHABLE, user, code, secret).err(),
        };
        let no_lookup = BadConfig {
            names: "lookup URL",
            error: AutotaskClient::builder()
                .lookup_url("")
                .user_name(USER)
                .integration_code(CODE)
                .secret(SECRET)
                .build()
                .err(),
        };
        vec![
            build("user name", [" ", CODE, SECRET]),
            build("integration code", [USER, "", SECRET]),
            build("secret", [USER, CODE, " "]),
            no_lookup,
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client("http://api.example.com", USER, CODE, SECRET).err()
    }
}
