//! Puts the sink on its simulator for the conformance batteries.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, NoteField, ProductSetup};
use tallyline_core::http::{Limiter, LimiterOptions, Limits, RetryPolicy, Transport};
use tallyline_core::model::ProductId;
use tallyline_core::{Error, PsaSink};
use tallyline_testkit::conformance::{
    BadConfig, Profile, SinkHarness, SinkUnderTest, Situation, UNREACHABLE, World, Writes,
};
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};
use tallyline_testkit::faults::Match;
use tallyline_testkit::secrets::Secrets;

const PUBLIC: &str = "publicK3yOfTheHarness";
const PRIVATE: &str = "pr1vat3/K3y+of-the-harness";
const COMPANY: &str = "examplemsp";
const CLIENT_ID: &str = "00000000-0000-4000-8000-0000000c11d0";

/// The harness; what is wrong with the sink or its transport is for the batteries to find.
pub(crate) struct ConnectWise {
    pub(crate) worlds: u64,
    pub(crate) skips: Vec<(&'static str, &'static str)>,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(crate) wrap: fn(ConnectWiseSink) -> Box<dyn PsaSink>,
}

impl ConnectWise {
    /// Nothing is wrong.
    pub(crate) fn sound() -> Self {
        Self {
            worlds: 30,
            skips: Vec::new(),
            transport: None,
            wrap: |sink| Box::new(sink),
        }
    }
}

fn client(
    site: &str,
    company: &str,
    public: &str,
    private: &str,
    client_id: &str,
    transport: Option<Arc<dyn Transport>>,
) -> Result<ConnectWiseClient, Error> {
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
    let limits = Limits {
        max_pages: 100,
        ..Limits::default()
    };
    ConnectWiseClient::builder()
        .site(site)
        .company_id(company)
        .public_key(public)
        .private_key(private)
        .client_id(client_id)
        .page_size(5)
        .limits(limits)
        .limiter(Arc::new(limiter))
        .retry(retry)
        .maybe_transport(transport)
        .jitter_seed(1)
        .build()
}

#[async_trait]
impl SinkHarness for ConnectWise {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "connectwise",
            Secrets::of(PRIVATE),
            Match::get("/company/companies").query("pageSize"),
            Match::get("/additions"),
        );
        profile
            .details
            .push(Match::get("/finance/agreements/").not_path("/additions"));
        profile.page_size = Ok(5);
        profile.worlds = self.worlds;
        profile.skips.clone_from(&self.skips);
        profile.optional_members = &["invoiceDescription", "description", "uom"];
        profile.open_enums = &["billCustomer", "agreementStatus"];
        profile
    }

    fn writes(&self) -> Writes {
        let mut writes = Writes::new(Match::post("/additions"), Match::patch("/additions"));
        let agreements = Match::post("/finance/agreements");
        writes.agreement = Some(agreements.path_end("/agreements"));
        writes.product = Some(Match::post("/procurement/catalog"));
        let agreement = Match::patch("/finance/agreements/").not_path("/additions");
        writes.note = Some(agreement);
        writes
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SinkUnderTest, &'static str> {
        let mut state = ConnectWiseState::new();
        state.credentials.public_key = PUBLIC.to_owned();
        state.credentials.private_key = PRIVATE.to_owned();
        let mut products: BTreeMap<String, ProductId> = BTreeMap::new();
        for service in world.services() {
            let id = state.add_product(&service, 10.into(), 7.into());
            products.insert(service, id.to_string().into());
        }
        let mut companies = Vec::new();
        let mut agreements = Vec::new();
        for account in &world.accounts {
            let company = state.add_company(&account.name);
            let agreement = state.add_agreement(company, "Monthly Services");
            for (service, quantity) in &account.items {
                let product = products[service].as_str().parse().unwrap();
                state.add_addition(agreement, product, quantity.value());
            }
            companies.push(company.to_string().into());
            agreements.push(agreement.to_string().into());
        }
        let mut private = PRIVATE;
        match situation {
            Situation::WrongCredentials => private = "another-key-than-the-right",
            Situation::MissingPermission => state.rights.agreements.inquire = false,
            Situation::Good | Situation::Unreachable => {}
        }
        let simulator = ConnectWiseSimulator::start(state).await.unwrap();
        let site = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => simulator.base_url().as_str(),
        };
        let client = client(
            site,
            COMPANY,
            PUBLIC,
            private,
            CLIENT_ID,
            self.transport.clone(),
        )
        .unwrap();
        let now = self.profile().now;
        let sink = ConnectWiseSink::builder()
            .client(client)
            .product_setup(ProductSetup::new(2, 1))
            .note_field(NoteField::InternalNotes)
            .clock(Arc::new(move || now))
            .build();
        Ok(SinkUnderTest {
            shown: format!("{sink:?} {:?}", sink.client()),
            sink: (self.wrap)(sink),
            psa: Box::new(simulator),
            companies,
            agreements,
            products,
            effective: "2026-04-01".parse().unwrap(),
        })
    }

    fn bad_configs(&self) -> Vec<BadConfig> {
        let build = |names, [site, company, public, private, client_id]: [&str; 5]| BadConfig {
            names,
            error: client(site, company, public, private, client_id, None).err(),
        };
        vec![
            build("site", ["", COMPANY, PUBLIC, PRIVATE, CLIENT_ID]),
            build("company id", [UNREACHABLE, " ", PUBLIC, PRIVATE, CLIENT_ID]),
            build("public key", [UNREACHABLE, COMPANY, "", PRIVATE, CLIENT_ID]),
            build(
                "private key",
                [UNREACHABLE, COMPANY, PUBLIC, " ", CLIENT_ID],
            ),
            build("client id", [UNREACHABLE, COMPANY, PUBLIC, PRIVATE, ""]),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        let site = "http://api.example.com";
        client(site, COMPANY, PUBLIC, PRIVATE, CLIENT_ID, None).err()
    }
}
