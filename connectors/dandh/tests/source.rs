//! The source as a whole against the simulated marketplace: accounts, services, sessions, failures.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::sync::Arc;

use common::*;
use futures::StreamExt as _;
use jiff::civil::date;
use tallyline_core::model::{AccountReading, Timestamp};
use tallyline_core::source::UsageRequest;
use tallyline_core::{Error, ErrorKind, Result, VendorSource};
use tallyline_dandh::{DandhClient, Marketplace};
use tallyline_testkit::dandh::{AccountKind, Charging, DandhSimulator, DandhState};
use tallyline_testkit::faults::{Fault, Match};

const MAIL: &str = "555001_MailPlanA_20417";

/// A provider with so many clients, each with seats of one product. Wednesday, 18 March 2026.
fn provider(clients: u32) -> (DandhState, Vec<i64>) {
    let mut state = DandhState::on(date(2026, 3, 18));
    state.add_product(MAIL, "Mail Plan A", 10.into(), 12.into());
    let companies = (1..=clients).map(|number| {
        let company = state.add_company(&format!("Client {number}"));
        state.subscribe(company, MAIL, number.into(), date(2026, 1, 1));
        company
    });
    let companies = companies.collect();
    (state, companies)
}

async fn start(clients: u32) -> (DandhSimulator, Vec<i64>) {
    let (state, companies) = provider(clients);
    (DandhSimulator::start(state).await.unwrap(), companies)
}

fn request(sim: &DandhSimulator) -> UsageRequest {
    let now: Timestamp = sim.clock().now().to_string().parse().unwrap();
    UsageRequest::new(now)
}

async fn read(client: &DandhClient, request: &UsageRequest) -> Vec<Result<AccountReading>> {
    client.usage(request).collect().await
}

/// Quantities by account, or why there are none.
fn counts(readings: &[Result<AccountReading>]) -> Vec<String> {
    let shown = readings.iter().map(|reading| match reading {
        Err(error) => format!("error {:?}", error.kind()),
        Ok(reading) => match reading.lines() {
            None => "failed".to_owned(),
            Some(lines) => {
                let lines = lines.iter().map(|line| line.quantity.to_string());
                lines.collect::<Vec<_>>().join("+")
            }
        },
    });
    shown.collect()
}

#[tokio::test]
async fn a_session_that_expires_in_the_middle_of_a_read_is_renewed_once_whatever_the_status() {
    for status in [500, 400, 401, 403] {
        let (mut state, _) = provider(6);
        state.options.expired_status = status;
        let sim = Arc::new(DandhSimulator::start(state).await.unwrap());
        for (operation, at) in [("/GetPreviewInvoices", 1), ("/GetSubscriptions", 6)] {
            let marketplace = Arc::downgrade(&sim);
            sim.faults().on(
                Match::post(operation).nth(at),
                Fault::rewrite(move |answer| {
                    if let Some(marketplace) = marketplace.upgrade() {
                        marketplace.expire_sessions();
                    }
                    answer
                }),
            );
        }
        let found = read(&of(&sim), &request(&sim)).await;
        assert_eq!(counts(&found), ["1", "2", "3", "4", "5", "6"], "{status}");
        assert_eq!(sim.faults().struck(), 2);
        assert_eq!(sim.sessions_issued(), 3, "{status}");
    }
}

#[tokio::test]
async fn a_session_that_is_over_at_once_is_an_auth_error_after_a_bounded_number_of_sign_ins() {
    let (mut state, _) = provider(2);
    state.options.session_minutes = 0;
    let sim = DandhSimulator::start(state).await.unwrap();
    let found = read(&of(&sim), &request(&sim)).await;
    assert_eq!(counts(&found), ["error Auth"]);
    assert!(sim.sessions_issued() <= 2, "{}", sim.sessions_issued());
}

#[tokio::test]
async fn one_session_serves_all_calls_and_is_ended_when_the_client_is_closed() {
    let (sim, _) = start(6).await;
    let client = of(&sim);
    client.close().await;
    assert_eq!(sim.request_count(), 0, "there was nothing to end");
    read(&client, &request(&sim)).await;
    let clone = client.clone();
    read(&clone, &request(&sim)).await;
    assert_eq!(sim.sessions_issued(), 1);
    client.close().await;
    let last = sim.requests().pop().unwrap();
    assert!(last.path.ends_with("/TerminateSessionToken"));
    assert_eq!(last.status, Some(200));
    clone.ping().await.unwrap();
    assert_eq!(sim.sessions_issued(), 2);
    // Ending a session that is over already signs nobody in.
    sim.expire_sessions();
    client.close().await;
    assert_eq!(sim.sessions_issued(), 2);
}

#[tokio::test]
async fn one_call_covers_the_charges_of_all_and_only_wanted_accounts_are_asked_about() {
    let (sim, companies) = start(6).await;
    let client = of(&sim);
    let wanted = [companies[1], companies[4]].map(|id| id.to_string().into());
    let request = request(&sim).with_accounts(wanted);
    assert_eq!(counts(&read(&client, &request).await), ["2", "5"]);
    let seen = sim.requests();
    let asked: Vec<&str> = seen
        .iter()
        .map(|request| request.path.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        asked,
        [
            "GetSessionToken",
            "GetCompany",
            "GetCompanies",
            "GetPreviewInvoices",
            "GetSubscriptions",
            "GetSubscriptions",
        ]
    );
    assert_eq!(seen[3].body, "{}", "the own reseller needs no context");
}

#[tokio::test]
async fn one_companys_failure_does_not_abort_the_run() {
    let (mut state, companies) = provider(4);
    state.failing_accounts.insert(companies[1]);
    let sim = DandhSimulator::start(state).await.unwrap();
    let found = read(&of(&sim), &request(&sim)).await;
    assert_eq!(counts(&found), ["1", "failed", "3", "4"]);
    let asked = sim.requests();
    let tried = asked
        .iter()
        .filter(|it| it.body.contains(&companies[1].to_string()));
    assert_eq!(tried.count(), 2, "a fault is worth one repeat");
}

#[tokio::test]
async fn charges_that_cannot_be_read_fail_their_company_or_all_of_them() {
    let broken = |from: &'static str, to: &'static str| {
        Fault::rewrite(move |mut answer| {
            answer.body = answer.body.replacen(from, to, 1);
            answer
        })
    };
    for (from, to, expected) in [
        (
            r#""UDRCValue":1"#,
            r#""UDRCValue":"many""#,
            ["failed", "2"].as_slice(),
        ),
        (r#""AccountId":"#, r#""accountId":"#, &["failed", "2"]),
        (
            r#""CompanyAccountId":"#,
            r#""companyAccountId":"#,
            &["error Protocol"],
        ),
        (r#""Charges":"#, r#""charges":"#, &["failed", "2"]),
    ] {
        let (sim, _) = start(2).await;
        sim.faults()
            .on(Match::post("/GetPreviewInvoices"), broken(from, to));
        let found = read(&of(&sim), &request(&sim)).await;
        assert_eq!(counts(&found), expected, "{from}");
    }
    let (sim, _) = start(2).await;
    sim.faults()
        .on(Match::post("/GetPreviewInvoices"), Fault::status(400));
    let found = read(&of(&sim), &request(&sim)).await;
    assert_eq!(counts(&found), ["error Invalid"], "never an empty preview");
}

#[tokio::test]
async fn a_parent_that_is_not_the_users_own_reseller_is_named_as_the_context() {
    let (mut state, _) = provider(1);
    let below = state.add_account(state.reseller_id, AccountKind::Reseller, "Below");
    let far = state.add_account(below, AccountKind::Company, "Far Away Inc");
    state.subscribe(far, MAIL, 9.into(), date(2026, 1, 1));
    let credentials = state.credentials.clone();
    let sim = DandhSimulator::start(state).await.unwrap();
    let client = DandhClient::builder()
        .username(credentials.username)
        .password(credentials.password.into())
        .parent_account_id(format!(
            "https://market.example/#/Account/View/{below}/Overview"
        ))
        .base_url(sim.rest_url())
        .retry(quick())
        .build()
        .unwrap();
    let found = read(&client, &request(&sim)).await;
    assert_eq!(counts(&found), ["9"]);
    let reading = found[0].as_ref().unwrap();
    let cost = reading.lines().unwrap()[0].unit_cost.unwrap();
    assert_eq!(
        cost.to_string(),
        "12.00 USD",
        "what the reseller below pays"
    );
    for request in sim.requests() {
        if request.path.ends_with("Invoices") || request.path.ends_with("Subscriptions") {
            let context = format!(r#""resellerContext":{below}"#);
            assert!(request.body.contains(&context), "{}", request.body);
        }
    }
    let identity = client.check().await.unwrap();
    assert!(identity.warnings[0].contains(&below.to_string()));
}

#[tokio::test]
async fn companies_of_resellers_below_are_read_where_that_is_wanted() {
    let (mut state, _) = provider(1);
    let below = state.add_account(state.reseller_id, AccountKind::Reseller, "Below");
    let deeper = state.add_account(below, AccountKind::Reseller, "Deeper");
    for (reseller, name) in [(below, "Far Away Inc"), (deeper, "Further Ltd")] {
        let company = state.add_account(reseller, AccountKind::Company, name);
        state.subscribe(company, MAIL, 9.into(), date(2026, 1, 1));
    }
    let parent = state.reseller_id;
    let credentials = state.credentials.clone();
    let sim = DandhSimulator::start(state).await.unwrap();
    let client = |include| {
        DandhClient::builder()
            .username(&credentials.username)
            .password(credentials.password.as_str().into())
            .parent_account_id(parent)
            .base_url(sim.rest_url())
            .include_resellers(include)
            .retry(quick())
            .build()
            .unwrap()
    };
    let names = async |client: DandhClient| -> Vec<String> {
        let accounts: Vec<_> = client.accounts().collect().await;
        accounts.into_iter().map(|it| it.unwrap().name).collect()
    };
    assert_eq!(names(client(false)).await, ["Client 1"]);
    assert_eq!(
        names(client(true)).await,
        ["Client 1", "Far Away Inc", "Further Ltd"]
    );
    let found = read(&client(true), &request(&sim)).await;
    assert_eq!(counts(&found), ["1", "9", "9"]);
    sim.faults()
        .on(Match::post("/GetResellers"), Fault::status(403));
    let accounts: Vec<_> = client(true).accounts().collect().await;
    assert!(accounts[0].is_ok() && accounts[1].is_err(), "{accounts:?}");
}

#[tokio::test]
async fn accounts_come_once_each_and_a_bad_record_is_an_error_item() {
    let (mut state, companies) = provider(2);
    state.accounts.get_mut(&companies[1]).unwrap().state = "Terminated".to_owned();
    let sim = DandhSimulator::start(state).await.unwrap();
    sim.faults().on(
        Match::post("/GetCompanies"),
        Fault::rewrite(|mut answer| {
            answer.body = answer.body.replacen(
                '[',
                r#"[{"CompanyName":"Nobody"},{"AccountId":7,"CompanyName":" "},{"AccountId":7},"#,
                1,
            );
            answer
        }),
    );
    let accounts: Vec<Result<_, Error>> = of(&sim).accounts().collect().await;
    assert_eq!(accounts.len(), 4);
    let error = accounts[0].as_ref().unwrap_err();
    assert!(error.json_path().unwrap().starts_with("[0]"), "{error}");
    let nameless = accounts[1].as_ref().unwrap();
    assert_eq!((nameless.id.as_str(), nameless.name.as_str()), ("7", "7"));
    assert!(!accounts[2].as_ref().unwrap().suspended);
    assert!(accounts[3].as_ref().unwrap().suspended);
}

#[tokio::test]
async fn services_are_the_union_of_charges_and_subscriptions_named_as_people_see_them() {
    let (mut state, companies) = provider(1);
    let mail = state.products[MAIL].items[0].id;
    let fee = state.add_item(MAIL, Charging::Setup, 5.into(), 6.into());
    let backup = state.add_product("555003_Backup_1", "Backup", 5.into(), 6.into());
    state.edit_item(backup, |item| item.prepaid_months = 12);
    let flat = state.add_item("555003_Backup_1", Charging::Flat, 9.into(), 9.into());
    state.subscribe(companies[0], "555003_Backup_1", 2.into(), date(2026, 3, 17));
    let sim = DandhSimulator::start(state).await.unwrap();
    let client = of(&sim);
    let services: Vec<_> = client.services().collect().await;
    let shown: Vec<String> = services
        .iter()
        .map(|service| {
            let service = service.as_ref().unwrap();
            format!("{} {} {}", service.key, service.name, service.billing_cycle)
        })
        .collect();
    assert_eq!(
        shown,
        [
            format!("{MAIL}/{mail} Mail Plan A monthly"),
            format!("{MAIL}/{fee} Mail Plan A: Mail Plan A set-up fee one-time"),
            format!("555003_Backup_1/{backup} Backup: Backup per unit of Quantity yearly"),
            format!("555003_Backup_1/{flat} Backup: Backup flat fee monthly"),
        ]
    );
    sim.faults()
        .on(Match::post("/GetSubscriptions"), Fault::status(400));
    let services: Vec<_> = client.services().collect().await;
    assert!(services[0].is_ok() && services[1].is_err(), "{services:?}");
}

#[tokio::test]
async fn check_says_whose_session_it_is_and_what_is_missing() {
    let (mut state, _) = provider(3);
    state.options.company_as_list = true;
    let sim = DandhSimulator::start(state).await.unwrap();
    let client = of(&sim);
    let identity = client.check().await.unwrap();
    assert_eq!(identity.subject, "sync@msp.example of Example MSP");
    assert!(identity.verified[0].contains("3 companies"));
    assert!(identity.warnings.is_empty());
    sim.with_state(|state| {
        state.denied.insert("GetCompanies".to_owned());
    });
    let error = client.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("GetCompanies"), "{error}");
}

#[tokio::test]
async fn another_marketplace_of_the_platform_is_served_under_its_own_name() {
    let (sim, _) = start(1).await;
    let state = sim.state();
    let client = DandhClient::builder()
        .marketplace(Marketplace::new(
            "ALSO Example",
            format!("{}///", sim.rest_url()),
        ))
        .username(state.credentials.username)
        .password(state.credentials.password.into())
        .parent_account_id(state.reseller_id)
        .build()
        .unwrap();
    assert_eq!(client.descriptor().name, "ALSO Example");
    assert_eq!(client.base_url().as_str(), sim.rest_url());
    let tenant = client.descriptor().tenant.as_deref();
    assert_eq!(
        tenant,
        Some(format!("account {} at 127.0.0.1", state.reseller_id).as_str())
    );
    assert_eq!(counts(&read(&client, &request(&sim)).await), ["1"]);
}

#[test]
fn the_source_is_object_safe_and_can_be_shared() {
    fn share<T: Send + Sync + Clone + 'static>() {}
    share::<DandhClient>();
    let _boxed: fn(DandhClient) -> Box<dyn VendorSource> = |client| Box::new(client);
}
