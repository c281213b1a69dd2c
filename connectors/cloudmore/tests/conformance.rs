//! The conformance batteries on the Cloudmore source.
#![allow(clippy::unwrap_used, reason = "a harness may panic as its test may")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_cloudmore::{CloudmoreClient, CloudmoreSource};
use tallyline_core::Error;
use tallyline_core::http::{PollPolicy, RetryPolicy};
use tallyline_core::model::Money;
use tallyline_testkit::cloudmore::{
    Bill, BillLine, CloudmoreSimulator, CloudmoreState, LineKind, ServiceKind,
};
use tallyline_testkit::conformance::{
    BadConfig, Profile, Situation, SourceHarness, SourceUnderTest, Tokens, UNREACHABLE, World,
    run_source,
};
use tallyline_testkit::faults::Match;
use tallyline_testkit::secrets::Secrets;

const PASSWORD: &str = "pa55w0rd/of+the harness";
const SECRET: &str = "api-s3cret-of-the-harness";

struct Cloudmore;

fn client(
    username: &str,
    password: &str,
    secret: &str,
    reseller: &str,
    base_url: &str,
) -> (Result<CloudmoreClient, Error>, String) {
    let retry = RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    // A job is asked about once: here it is done at once, and what says "not yet" is a fault.
    let poll = PollPolicy {
        deadline: Duration::ZERO,
        ..PollPolicy::default()
    };
    let builder = CloudmoreClient::builder()
        .username(username)
        .password(password.into())
        .client_secret(secret.into())
        .reseller_id(reseller)
        .base_url(base_url)
        .retry(retry)
        .poll(poll)
        .jitter_seed(1);
    let shown = format!("{builder:?}");
    (builder.build(), shown)
}

/// One bill for all that an organization has.
fn bill(
    state: &mut CloudmoreState,
    organization: &str,
    service: &str,
    items: &[(String, rust_decimal::Decimal)],
    costs: &BTreeMap<String, Money>,
) {
    let date = |day: &str| day.parse().unwrap();
    let lines = items
        .iter()
        .enumerate()
        .map(|(index, (sku, quantity))| BillLine {
            kind: LineKind::CycleFee,
            subscription_id: format!("{organization}-u{index}"),
            external_id: format!("{organization}-m{index}"),
            product_id: format!("p-{sku}"),
            sku: sku.clone(),
            product_name: sku.clone(),
            entitlement: None,
            category: None,
            quantity: *quantity,
            unit_cost: costs.get(sku).map_or(7.into(), |cost| cost.amount),
            unit_price: 9.into(),
            cost_total: 1.into(),
            price_total: 1.into(),
            start: date("2026-03-07"),
            end: date("2026-04-06"),
        });
    let lines = lines.collect();
    state.bills.push(Bill {
        date: date("2026-03-07"),
        organization_id: organization.to_owned(),
        service_id: service.to_owned(),
        invoice: "G20260307".to_owned(),
        lines,
    });
}

#[async_trait]
impl SourceHarness for Cloudmore {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(
            "cloudmore",
            Secrets::of(PASSWORD).and(SECRET),
            Match::get("/Organizations").path_end("/Organizations"),
            Match::get("/billing/reports/MonthlyBillingPerOrganizationAsync/"),
        );
        profile
            .starts
            .push(Match::post("/MonthlyBillingPerOrganizationAsync"));
        profile.tokens = Ok(Tokens {
            requests: Match::post("/connect/token"),
            per_client: 1,
        });
        profile.reads_by_post = vec![Match::post("/MonthlyBillingPerOrganizationAsync")];
        profile.optional_members = &[
            "organizationName",
            "serviceName",
            "productName",
            "externalSubscriptionId",
            "costPrice",
            "salesPrice",
            "totalCostPrice",
            "totalSalesPrice",
        ];
        profile.skips.push((
            "unknown_words_do_not_break_a_read",
            "its one open list says what a line charges for: with a new word there every kind of line is unread",
        ));
        profile
    }

    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str> {
        let mut state = CloudmoreState::new();
        state.credentials.password = PASSWORD.to_owned();
        state.credentials.client_secret = SECRET.to_owned();
        state.options.polls = 0;
        if let Some(currency) = world.unit_costs.values().find_map(|cost| cost.currency) {
            state.currency = currency.to_string();
        }
        let service = state.add_service("CSP 365", ServiceKind::CspNce);
        let mut accounts = Vec::new();
        for account in &world.accounts {
            let id = state.add_organization(&account.name);
            let items: Vec<_> = account
                .items
                .iter()
                .map(|(sku, quantity)| (sku.clone(), quantity.value()))
                .collect();
            bill(&mut state, &id, &service, &items, &world.unit_costs);
            accounts.push(id.into());
        }
        let mut password = PASSWORD;
        match situation {
            Situation::WrongCredentials => password = "another-password-than-the-right",
            Situation::MissingPermission => state.rights.api = false,
            Situation::Good | Situation::Unreachable => {}
        }
        let (username, reseller) = (
            state.credentials.username.clone(),
            state.reseller_id.clone(),
        );
        let simulator = CloudmoreSimulator::start(state).await.unwrap();
        let base_url = match situation {
            Situation::Unreachable => UNREACHABLE,
            _ => simulator.base_url().as_str(),
        };
        let (client, mut shown) = client(&username, password, SECRET, &reseller, base_url);
        let source = CloudmoreSource::builder()
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
        let build = |names, username, password, secret, reseller, base_url| BadConfig {
            names,
            error: client(username, password, secret, reseller, base_url)
                .0
                .err(),
        };
        vec![
            build("username", " ", PASSWORD, SECRET, "r", UNREACHABLE),
            build("password", "u", "", SECRET, "r", UNREACHABLE),
            build("client secret", "u", PASSWORD, " ", "r", UNREACHABLE),
            build("reseller id", "u", PASSWORD, SECRET, "", UNREACHABLE),
            build("URL", "u", PASSWORD, SECRET, "r", "nowhere"),
        ]
    }

    fn plain_http(&self) -> Option<Error> {
        client("u", PASSWORD, SECRET, "r", "http://api.example.com")
            .0
            .err()
    }
}

#[tokio::test]
async fn the_source_passes_the_batteries_and_its_row_is_current() {
    let report = run_source(&Cloudmore).await;
    assert!(report.is_conformant(), "{}", report.to_markdown());
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testkit/CONFORMANCE.md");
    report.check_table(&table).unwrap();
}
