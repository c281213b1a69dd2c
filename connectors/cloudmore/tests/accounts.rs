//! Organizations for a PSA's companies, on the wire. A request that no mock expects gets a 404 and fails its test.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use serde_json::json as value;
use tallyline_cloudmore::{CloudmoreAccounts, CloudmoreSource};
use tallyline_core::model::AgreementId;
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict, WriteError};
use tallyline_core::{ErrorKind, PsaSink as _};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

const PROPERTY: &str = "AutotaskCompanyID";

fn accounts(server: &MockVendor) -> CloudmoreAccounts {
    let source = CloudmoreSource::builder().client(client(server)).build();
    CloudmoreAccounts::of(&source.unwrap()).unwrap()
}

fn change(action: Action) -> Change {
    let company = "29683".into();
    let place = AgreementId::of_account(&company);
    let day = "2026-03-15".parse().unwrap();
    Change::new("c1", company, place, PROPERTY, action, day)
}

fn create() -> Change {
    let name = "Oak Legal".to_owned();
    change(Action::CreateAccount { name })
}

fn link() -> Change {
    let (account, name) = ("o-1".into(), "Oak Legal".to_owned());
    change(Action::LinkAccount { account, name })
}

/// The list of organizations, each as it is written here.
async fn lists(server: &MockVendor, organizations: &str) {
    get(&format!("{R}/Organizations"))
        .respond_with(json(organizations))
        .mount(server)
        .await;
}

/// What reading back says of a change where the vendor lists these: id, name, company.
async fn verdict(change: &Change, listed: &[(&str, &str, Option<&str>)]) -> Verdict {
    let server = server().await;
    let listed: Vec<_> = listed
        .iter()
        .map(|(id, name, company)| {
            let properties: Vec<_> = company
                .iter()
                .map(|company| value!({"name": PROPERTY, "value": company}))
                .collect();
            value!({"id": id, "name": name, "customProperties": properties})
        })
        .collect();
    lists(&server, &value!(listed).to_string()).await;
    accounts(&server).verify(change, None).await.unwrap()
}

fn is_conflict(verdict: &Verdict, words: &str) {
    let Verdict::Conflict { detail, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert!(detail.contains(words), "{detail}");
}

fn made(id: &str) -> MadeRecord {
    MadeRecord::Account(id.into())
}

#[tokio::test]
async fn an_organization_is_created_with_its_name_and_the_company_and_named_by_the_answer() {
    let server = server().await;
    authorized("POST", &format!("{R}/Organizations"))
        .respond_with(ResponseTemplate::new(201).set_body_json(value!({"id": "o-9"})))
        .expect(1)
        .mount(&server)
        .await;
    let receipt = accounts(&server).execute(&create()).await.unwrap();
    assert_eq!(receipt.made, Some(made("o-9")));
    assert_eq!(
        last_body(&server).await,
        value!({"name": "Oak Legal", "customProperties": [{"name": PROPERTY, "value": "29683"}]})
    );
}

#[tokio::test]
async fn an_answer_without_an_id_leaves_the_outcome_to_reading_back() {
    let server = server().await;
    authorized("POST", &format!("{R}/Organizations"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let error = accounts(&server).execute(&create()).await.unwrap_err();
    assert!(matches!(error, WriteError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn an_organization_that_is_there_gets_the_property_beside_those_that_it_has() {
    let at = format!("{R}/Organizations/o-1");
    for (held, sent) in [
        (
            r#"[{"name":"Region","value":"North"},{"name":"autotaskcompanyid","value":""}]"#,
            value!([{"name": "Region", "value": "North"}, {"name": PROPERTY, "value": "29683"}]),
        ),
        (
            r#"{"Region":"North","Tier":2}"#,
            value!([{"name": "Region", "value": "North"}, {"name": "Tier", "value": "2"},
                {"name": PROPERTY, "value": "29683"}]),
        ),
    ] {
        let server = server().await;
        get(&at)
            .respond_with(json(&format!(
                r#"{{"id":"o-1","name":"Oak Legal","customProperties":{held}}}"#
            )))
            .mount(&server)
            .await;
        authorized("PATCH", &at)
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let receipt = accounts(&server).execute(&link()).await.unwrap();
        assert_eq!(receipt.made, Some(made("o-1")));
        assert_eq!(last_body(&server).await, value!({"customProperties": sent}));
    }
}

#[tokio::test]
async fn properties_that_cannot_be_kept_as_they_are_keep_the_write_from_leaving() {
    for held in [
        "",
        r#","customProperties":[{"name":"Region","value":{"id":7}}]"#,
        r#","customProperties":{"Region":["North"]}"#,
        r#","customProperties":["North"]"#,
    ] {
        let server = server().await;
        get(&format!("{R}/Organizations/o-1"))
            .respond_with(json(&format!(r#"{{"id":"o-1","name":"Oak Legal"{held}}}"#)))
            .mount(&server)
            .await;
        let error = accounts(&server).execute(&link()).await.unwrap_err();
        assert!(matches!(error, WriteError::NotSent(_)), "{held}: {error:?}");
        assert!(asked(&server).await.iter().all(|it| it.starts_with("GET")));
    }
}

#[tokio::test]
async fn a_write_that_fails_is_sent_once_and_sorted_by_what_is_known() {
    for (status, unknown) in [(400, false), (403, false), (500, true), (503, true)] {
        let server = server().await;
        authorized("POST", &format!("{R}/Organizations"))
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let error = accounts(&server).execute(&create()).await.unwrap_err();
        assert_eq!(
            matches!(error, WriteError::Unknown(_)),
            unknown,
            "{status}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_creation_is_found_again_by_the_company_and_by_exactly_the_name() {
    let create = create();
    let other = ("o-7", "Elm", Some("7"));
    assert_eq!(verdict(&create, &[]).await, Verdict::NotLanded);
    let nearly = ("o-8", "oak legal", None);
    assert_eq!(verdict(&create, &[other, nearly]).await, Verdict::NotLanded);
    let found = verdict(&create, &[other, ("o-9", "Oak Legal", Some("29683"))]).await;
    assert!(matches!(found, Verdict::Made { record, .. } if record == made("o-9")));
    for (listed, words) in [
        (vec![("o-9", "Oak Legal", None)], "states no company"),
        (vec![("o-9", "Oak Legal", Some("7"))], "states company 7"),
        (
            vec![("o-9", "Oak and Sons", Some("29683"))],
            "o-9 (Oak and Sons)",
        ),
        (
            vec![
                ("o-8", "Oak Legal", Some("29683")),
                ("o-9", "Oak Legal", Some("29683")),
            ],
            "o-8 (Oak Legal) and o-9",
        ),
    ] {
        is_conflict(&verdict(&create, &listed).await, words);
    }
}

#[tokio::test]
async fn an_organization_that_the_answer_named_is_ours_whatever_its_name_became() {
    let server = server().await;
    lists(
        &server,
        r#"[{"id":"O-9","name":"Oak Legal (new)","customProperties":{"AutotaskCompanyID":29683}}]"#,
    )
    .await;
    let receipt = Receipt::made(made("o-9"));
    let verdict = accounts(&server).verify(&create(), Some(&receipt)).await;
    assert!(matches!(verdict.unwrap(), Verdict::Made { .. }));
}

#[tokio::test]
async fn a_link_is_found_again_on_its_account_and_nowhere_else() {
    let link = link();
    let found = verdict(&link, &[("O-1", "Oak Legal", None)]).await;
    assert_eq!(found, Verdict::NotLanded);
    let found = verdict(&link, &[("o-1", "Renamed since", Some("29683"))]).await;
    assert!(matches!(found, Verdict::Made { record, .. } if record == made("o-1")));
    for (listed, words) in [
        (vec![], "no longer listed"),
        (vec![("o-1", "Oak Legal", Some("7"))], "states company 7"),
        (vec![("o-1", "Oak", None)], "is called Oak by now"),
        (
            vec![("o-1", "Oak Legal", None), ("o-2", "Oak Legal", None)],
            "organization o-2 is called Oak Legal too",
        ),
        (
            vec![("o-1", "Oak Legal", None), ("o-2", "Elm", Some("29683"))],
            "o-2 (Elm)",
        ),
    ] {
        is_conflict(&verdict(&link, &listed).await, words);
    }
}

#[tokio::test]
async fn where_the_list_tells_no_properties_the_details_are_read_once_and_the_wanted_ones_each_time()
 {
    let server = server().await;
    lists(
        &server,
        r#"[{"id":"o-1","name":"Oak Legal"},{"id":"o-2","name":"Elm"},{"id":"o-3","name":"Yew"}]"#,
    )
    .await;
    for (id, times) in [("o-1", 3), ("o-2", 1), ("o-3", 1)] {
        get(&format!("{R}/Organizations/{id}"))
            .respond_with(json(&format!(
                r#"{{"id":"{id}","name":"Oak Legal","customProperties":[]}}"#
            )))
            .expect(times)
            .mount(&server)
            .await;
    }
    let accounts = accounts(&server);
    for _ in 0..3 {
        let verdict = accounts.verify(&link(), None).await.unwrap();
        assert_eq!(verdict, Verdict::NotLanded);
    }
}

#[tokio::test]
async fn an_organization_that_cannot_be_read_or_tells_no_properties_leaves_the_question_open() {
    for organization in [r#"{"name":"no id"}"#, r#"{"id":"o-2","name":"Elm"}"#] {
        let server = server().await;
        let oak = r#"{"id":"o-1","name":"Oak Legal","customProperties":[]}"#;
        lists(&server, &format!("[{oak},{organization}]")).await;
        get(&format!("{R}/Organizations/o-2"))
            .respond_with(json(organization))
            .mount(&server)
            .await;
        let error = accounts(&server).verify(&create(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }
}

#[tokio::test]
async fn a_plan_for_another_property_or_of_other_changes_is_refused_before_anything_is_sent() {
    let server = server().await;
    let accounts = accounts(&server);
    let mut other = create();
    other.product = "HaloCompanyID".into();
    let line = change(Action::CreateLine {
        quantity: 1_u32.into(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    });
    for (change, kind) in [(other, ErrorKind::Config), (line, ErrorKind::Unsupported)] {
        let error = accounts.execute(&change).await.unwrap_err();
        assert!(matches!(error, WriteError::NotSent(_)), "{error:?}");
        assert_eq!(error.error().kind(), kind);
        assert_eq!(
            accounts.verify(&change, None).await.unwrap_err().kind(),
            kind
        );
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test]
async fn a_source_that_links_by_names_takes_in_no_accounts() {
    let server = server().await;
    let source = CloudmoreSource::builder()
        .client(client(&server))
        .company_property(" ")
        .build();
    let error = CloudmoreAccounts::of(&source.unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn the_check_wants_the_property_defined() {
    let at = format!("{R}/settings/CustomProperties");
    for (defined, fine) in [
        (r#"[{"name":"autotaskcompanyid"}]"#, true),
        (r#"[{"name":"Other"}]"#, false),
    ] {
        let server = server().await;
        lists(&server, "[]").await;
        get(&at).respond_with(json(defined)).mount(&server).await;
        let checked = accounts(&server).check().await;
        assert_eq!(checked.is_ok(), fine, "{checked:?}");
        let error = checked.err().map(|error| (error.kind(), error.to_string()));
        assert!(
            error.is_none_or(|(kind, text)| kind == ErrorKind::Config && text.contains(PROPERTY))
        );
    }
}

#[tokio::test]
async fn nothing_is_listed_and_no_credential_shows() {
    let server = server().await;
    let accounts = accounts(&server);
    let shown = format!("{accounts:?}");
    assert!(
        !shown.contains(PASSWORD) && !shown.contains(SECRET),
        "{shown}"
    );
    use futures::StreamExt as _;
    assert_eq!(accounts.companies().count().await, 0);
    assert_eq!(accounts.products().count().await, 0);
    assert!(asked(&server).await.is_empty());
}
