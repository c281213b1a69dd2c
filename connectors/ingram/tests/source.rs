//! The source against the simulated marketplace: accounts, services, readings, and what a failure leaves.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::sync::Arc;

use common::*;
use futures::{StreamExt as _, TryStreamExt as _};
use tallyline_core::model::{AccountReading, Timestamp};
use tallyline_core::source::UsageRequest;
use tallyline_core::{ErrorKind, Result, VendorSource};
use tallyline_ingram::{AccountReference, IngramSource, StatusRule};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::ingram::{DetailFailure, IngramSimulator, IngramState, gateway_timeout};

/// Three customers: two subscriptions, one, none.
fn state() -> IngramState {
    let mut state = IngramState::new();
    for mpn in ["MAIL", "DISK"] {
        state.add_product(mpn, &mpn.to_lowercase(), 6.into(), 5.into());
    }
    let maple = state.add_customer("Maple Dental LLC");
    let oak = state.add_customer("Oak Legal");
    state.add_customer("Birch Gym");
    state.subscribe(&maple, "MAIL", 14.into());
    state.subscribe(&oak, "MAIL", 3.into());
    state.subscribe(&maple, "DISK", 2.into());
    state
}

async fn start() -> IngramSimulator {
    IngramSimulator::start(state()).await.unwrap()
}

fn now(sim: &IngramSimulator) -> Timestamp {
    sim.clock().now().to_string().parse().unwrap()
}

async fn readings(source: &IngramSource, sim: &IngramSimulator) -> Result<Vec<AccountReading>> {
    let request = UsageRequest::new(now(sim));
    source.usage(&request).try_collect().await
}

/// The accounts with their lines, or with why there are none.
async fn shown(source: &IngramSource, sim: &IngramSimulator) -> Vec<String> {
    let readings = readings(source, sim).await.unwrap();
    readings.iter().map(|reading| told(sim, reading)).collect()
}

fn told(sim: &IngramSimulator, reading: &AccountReading) -> String {
    let name = sim.with_state(|state| {
        let mut customers = state.customers.iter();
        let own = customers.find(|own| own.id == reading.account.as_str());
        own.map_or_else(|| reading.account.to_string(), |own| own.name.clone())
    });
    let Some(lines) = reading.lines() else {
        return format!("{name}: failed");
    };
    let mut items: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line.service, line.quantity))
        .collect();
    items.extend(
        reading
            .unobserved
            .keys()
            .map(|key| format!("{key} unobserved")),
    );
    items.sort();
    format!("{name}: {}", items.join(", "))
}

fn subscription(sim: &IngramSimulator, at: usize) -> String {
    sim.with_state(|state| state.subscriptions[at].id.clone())
}

#[tokio::test]
async fn one_pass_without_a_filter_and_one_call_for_each_subscription_give_every_account() {
    let sim = start().await;
    let source = source(&sim);
    assert_eq!(
        shown(&source, &sim).await,
        [
            "Birch Gym: ",
            "Oak Legal: MAIL 3",
            "Maple Dental LLC: DISK 2, MAIL 14"
        ]
    );
    let mut asked: Vec<String> = sim
        .requests()
        .iter()
        .map(|own| {
            format!(
                "{} {}?{}",
                own.method,
                own.path.replace(BASE, ""),
                own.query
            )
        })
        .collect();
    asked.sort();
    let detail = |at| format!("GET /subscriptions/{}?", subscription(&sim, at));
    let mut wanted = vec![
        "GET /customers?offset=0&limit=2".to_owned(),
        "GET /customers?offset=2&limit=2".to_owned(),
        "GET /subscriptions?offset=0&limit=2".to_owned(),
        "GET /subscriptions?offset=2&limit=2".to_owned(),
        "POST /token?".to_owned(),
        detail(0),
        detail(1),
        detail(2),
    ];
    wanted.sort();
    assert_eq!(asked, wanted);
}

#[tokio::test]
async fn a_detail_that_fails_for_good_fails_its_account_alone_and_is_never_zero() {
    for (failure, kind) in [
        (DetailFailure::Prose, ErrorKind::Unavailable),
        (DetailFailure::GatewayTimeout, ErrorKind::Unavailable),
    ] {
        let sim = start().await;
        let victim = subscription(&sim, 2);
        sim.with_state(|state| state.failing_details.insert(victim.clone(), failure));
        let source = source(&sim);
        let readings = readings(&source, &sim).await.unwrap();
        let shown: Vec<String> = readings.iter().map(|own| told(&sim, own)).collect();
        assert_eq!(
            shown,
            [
                "Birch Gym: ",
                "Oak Legal: MAIL 3",
                "Maple Dental LLC: failed"
            ]
        );
        let tallyline_core::model::ReadingOutcome::Failed(why) = &readings[2].outcome else {
            panic!("{:?}", readings[2]);
        };
        assert_eq!(why.kind, kind);
        for part in [victim.as_str(), "Maple Dental LLC"] {
            assert!(why.message.contains(part), "{}", why.message);
        }
    }
}

#[tokio::test]
async fn a_subscription_that_is_gone_fails_its_account_unless_its_end_stands_in_the_list() {
    let sim = start().await;
    let gone = subscription(&sim, 1);
    let missing = format!("/subscriptions/{gone}");
    sim.faults().on(
        Match::get(&missing),
        Fault::answer(404, "application/json", "{}"),
    );
    let source = source(&sim);
    assert_eq!(shown(&source, &sim).await[1], "Oak Legal: failed");
    sim.with_state(|state| assert!(state.set_status(&gone, "removed")));
    assert_eq!(shown(&source, &sim).await[1], "Oak Legal: ");
}

#[tokio::test]
async fn refused_credentials_end_the_stream() {
    let sim = start().await;
    sim.faults().on(
        Match::get("/subscriptions/"),
        Fault::answer(
            401,
            "application/json",
            r#"{"statusCode":401,"message":"no"}"#,
        ),
    );
    let error = readings(&source(&sim), &sim).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn a_subscription_whose_products_vanish_is_not_zero_and_what_it_had_is_not_observed() {
    let sim = start().await;
    let mail = subscription(&sim, 1);
    let source = source(&sim);
    assert_eq!(shown(&source, &sim).await[1], "Oak Legal: MAIL 3");
    sim.with_state(|state| assert!(state.edit(&mail, |own| own.products.clear())));
    for _ in 0..2 {
        assert_eq!(
            shown(&source, &sim).await[1],
            format!("Oak Legal: MAIL unobserved, subscription:{mail} unobserved")
        );
    }
}

#[tokio::test]
async fn what_ended_lately_is_zero_and_what_ended_long_ago_is_not_asked_about() {
    let sim = start().await;
    let (mail, disk) = (subscription(&sim, 1), subscription(&sim, 2));
    sim.with_state(|state| {
        assert!(state.set_status(&mail, "terminated"));
        assert!(state.set_status(&disk, "removed"));
        let long_ago = Some(jiff::civil::date(2025, 12, 1));
        let own = state.subscriptions.iter_mut().find(|own| own.id == disk);
        own.unwrap().modified = long_ago;
    });
    let source = source(&sim);
    let shown = shown(&source, &sim).await;
    assert_eq!(
        shown[1..],
        ["Oak Legal: MAIL 0", "Maple Dental LLC: MAIL 14"]
    );
    let asked = sim.requests();
    assert!(!asked.iter().any(|own| own.path.ends_with(&disk)));
}

#[tokio::test]
async fn hold_and_pending_come_to_what_the_settings_say() {
    let sim = start().await;
    let (mail, disk) = (subscription(&sim, 1), subscription(&sim, 2));
    sim.with_state(|state| {
        assert!(state.set_status(&mail, "hold"));
        assert!(state.set_status(&disk, "pending"));
    });
    let with = |hold, pending| {
        let builder = IngramSource::builder().client(of(&sim));
        builder.hold(hold).pending(pending).build().unwrap()
    };
    let cautious = source(&sim);
    assert_eq!(
        shown(&cautious, &sim).await[1..],
        [
            "Oak Legal: MAIL unobserved",
            "Maple Dental LLC: DISK unobserved, MAIL 14"
        ]
    );
    let chosen = with(StatusRule::Count, StatusRule::LeaveOut);
    assert_eq!(
        shown(&chosen, &sim).await[1..],
        ["Oak Legal: MAIL 3", "Maple Dental LLC: MAIL 14"]
    );
}

#[tokio::test]
async fn a_customer_made_while_pages_are_read_moves_them_and_no_subscription_is_lost() {
    let sim = Arc::new(start().await);
    let weak = Arc::downgrade(&sim);
    // When the second page is asked for, a new subscription already stands before the first.
    sim.faults().on(
        Match::get("/subscriptions")
            .path_end("/subscriptions")
            .query("offset=0")
            .once(),
        Fault::rewrite(move |answer| {
            if let Some(sim) = weak.upgrade() {
                sim.with_state(|state| {
                    let gym = state.customers[2].id.clone();
                    state.subscribe(&gym, "MAIL", 7.into());
                });
            }
            answer
        }),
    );
    let source = source(&sim);
    assert_eq!(
        shown(&source, &sim).await,
        [
            "Birch Gym: MAIL 7",
            "Oak Legal: MAIL 3",
            "Maple Dental LLC: DISK 2, MAIL 14"
        ]
    );
}

#[tokio::test]
async fn an_empty_list_of_subscriptions_is_taken_for_no_zero() {
    let sim = start().await;
    sim.faults().on(
        Match::get("/subscriptions").path_end("/subscriptions"),
        Fault::answer(200, "application/json", &page("", 0, 0)),
    );
    let shown = shown(&source(&sim), &sim).await;
    assert!(
        shown.iter().all(|own| own.ends_with(": failed")),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_fails_its_customer_and_one_of_nobodys_all() {
    let sim = start().await;
    let oak = sim.with_state(|state| state.customers[1].id.clone());
    let source = source(&sim);
    for (row, failed) in [
        (format!(r#"{{"id":[],"customerId":"{oak}"}}"#), 1),
        (
            r#"{"id":"7","customerId":"x","creationDate":"soon"}"#.to_owned(),
            1,
        ),
        (r#"{"id":"7","status":"active"}"#.to_owned(), 3),
        ("[]".to_owned(), 3),
    ] {
        let answer = page(&row, 0, 1);
        sim.faults().on(
            Match::get("/subscriptions")
                .path_end("/subscriptions")
                .once(),
            Fault::answer(200, "application/json", &answer),
        );
        let shown = shown(&source, &sim).await;
        let count = shown.iter().filter(|own| own.ends_with(": failed")).count();
        assert_eq!(count, failed, "{row}: {shown:?}");
    }
}

#[tokio::test]
async fn a_customer_that_subscriptions_alone_name_is_read_as_well() {
    let sim = start().await;
    sim.with_state(|state| {
        state.customers.remove(1);
    });
    let readings = readings(&source(&sim), &sim).await.unwrap();
    assert_eq!(readings.len(), 3);
    assert_eq!(readings[2].lines().unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_accounts_that_are_wanted_cost_calls() {
    let sim = start().await;
    let oak = sim.with_state(|state| state.customers[1].id.clone());
    let request = UsageRequest::new(now(&sim)).with_accounts([oak.as_str().into()]);
    let source = source(&sim);
    let readings: Vec<_> = source.usage(&request).try_collect().await.unwrap();
    assert_eq!(readings.len(), 1);
    let details = sim.requests();
    let details = details
        .iter()
        .filter(|own| own.path.contains("/subscriptions/"));
    assert_eq!(details.count(), 1);
}

#[tokio::test]
async fn accounts_carry_the_resellers_own_id_where_it_names_the_company() {
    let sim = start().await;
    sim.with_state(|state| {
        state.customers[0].external_id = Some("250".to_owned());
        state.customers[1].status = "adminHold".to_owned();
    });
    let plain: Vec<_> = source(&sim).accounts().try_collect().await.unwrap();
    assert_eq!(plain[2].company_reference, None);
    assert!(plain[1].suspended && !plain[0].suspended);
    let source = IngramSource::builder()
        .client(of(&sim))
        .account_reference(AccountReference::ExternalId)
        .build()
        .unwrap();
    let accounts: Vec<_> = source.accounts().try_collect().await.unwrap();
    let references = accounts.iter().map(|own| own.company_reference.as_deref());
    assert_eq!(references.collect::<Vec<_>>(), [None, None, Some("250")]);
    assert!(
        accounts
            .iter()
            .all(|own| own.reference_field.as_deref() == Some("externalId"))
    );
}

#[tokio::test]
async fn services_are_those_of_all_subscriptions_and_what_cannot_be_read_is_said() {
    let sim = start().await;
    let source = source(&sim);
    let services: Vec<_> = source.services().try_collect().await.unwrap();
    let shown: Vec<String> = services
        .iter()
        .map(|own| format!("{} {} {}", own.key, own.name, own.billing_cycle))
        .collect();
    assert_eq!(shown, ["DISK disk monthly", "MAIL mail monthly"]);
    sim.faults()
        .on(Match::get(&subscription(&sim, 0)), gateway_timeout());
    let fresh = common::source(&sim);
    let items: Vec<_> = fresh.services().collect().await;
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 2);
    assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
}

#[tokio::test]
async fn the_check_counts_both_lists_and_names_the_one_that_is_shut() {
    let sim = start().await;
    let source = source(&sim);
    let identity = source.check().await.unwrap();
    assert_eq!(
        identity.verified,
        ["3 customers can be listed", "3 subscriptions can be listed"]
    );
    assert_eq!(identity.subject, "example-msp.API in us");
    sim.with_state(|state| state.denied.insert("subscriptions".to_owned()));
    let error = source.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("subscriptions"), "{error}");
}

#[test]
fn counts_of_more_than_a_day_ago_are_no_reading_of_today() {
    let client = tallyline_ingram::IngramClient::builder()
        .base_url("https://api.example.com/marketplace/na")
        .marketplace("us")
        .username(USERNAME)
        .password(PASSWORD.into())
        .subscription_key(KEY.into())
        .build()
        .unwrap();
    let long = std::time::Duration::from_secs(25 * 3600);
    let error = IngramSource::builder()
        .client(client)
        .resume_within(long)
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
