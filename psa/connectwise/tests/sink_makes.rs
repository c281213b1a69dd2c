//! Agreements for services: created once, under a master or alone, and found again by their key.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use std::sync::Arc;

use common::{API, body, client, json, new_record, on, query, refused, requests, sent};
use serde_json::{Value, json as value};
use tallyline_connectwise::{AgreementKeyPlacement, AgreementSetup, ConnectWiseSink};
use tallyline_core::model::{AgreementId, BillingCycle, CivilDate, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict};
use tallyline_core::{ErrorKind, PsaSink};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

const LIST: &str = "/finance/agreements";
const MASTER: &str = "/finance/agreements/71";
const MADE: &str = "/finance/agreements/90";
const COMPANY: &str = "/company/companies/45";
const CYCLES: &str = r#"[{"id":2,"name":"Any name","billingOptions":"Monthly"},{"id":3,"name":"Another","billingOptions":"Yearly"},{"id":4,"name":"One more","billingOptions":"Yearly"}]"#;

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn creation(parent: Option<&str>, last_day: Option<&str>) -> Change {
    let action = Action::CreateAgreement {
        name: "Private cloud".into(),
        billing_cycle: BillingCycle::Monthly,
        last_day: last_day.map(day),
        parent: parent.map(AgreementId::new),
    };
    Change::new(
        "abc123",
        "45",
        "key:TL-0f1e2d",
        "512",
        action,
        day("2026-03-01"),
    )
}

fn child() -> Change {
    creation(Some("71"), None)
}

fn alone() -> Change {
    creation(None, Some("2027-02-28"))
}

fn edited(mut record: Value, edit: impl FnOnce(&mut Value)) -> Value {
    edit(&mut record);
    record
}

fn without(name: &'static str) -> impl FnOnce(&mut Value) {
    move |record| drop(record.as_object_mut().unwrap().remove(name))
}

/// The master, with some members in place of its own.
fn master(edit: impl FnOnce(&mut Value)) -> Value {
    let master = value!({
        "id": 71, "name": "Master 2026", "type": {"id": 14}, "company": {"id": 45}, "contact": {"id": 107},
        "startDate": "2026-01-01T00:00:00Z", "noEndingDateFlag": true, "agreementStatus": "Active",
        "billingCycle": {"id": 2}, "invoicingCycle": "ContractYear", "prorateFlag": true
    });
    edited(master, edit)
}

/// What [`child`] creates, by another name and with its key in other letters, with some members in
/// place of its own.
fn made(edit: impl FnOnce(&mut Value)) -> Value {
    let made = value!({
        "id": 90, "name": "Cloud of a person's [tl-0F1E2D]", "company": {"id": 45}, "parentAgreement": {"id": 71},
        "startDate": "2026-03-01T00:00:00Z", "noEndingDateFlag": true, "cancelledFlag": false,
        "billingCycle": {"id": 2}
    });
    edited(made, edit)
}

/// A system with these agreements behind the key.
async fn listing(rows: &[Value]) -> MockVendor {
    let server = common::mock().await;
    on(&server, "GET", "/finance/billingCycles", json(CYCLES)).await;
    let rows = Value::Array(rows.to_vec());
    on(&server, "GET", LIST, json(rows.to_string())).await;
    server
}

/// A system without an agreement of the key, with a master.
async fn under(master: Value) -> MockVendor {
    let server = listing(&[]).await;
    on(&server, "GET", MASTER, json(master.to_string())).await;
    server
}

/// What was asked, in order, by method and path.
async fn steps(server: &MockVendor) -> Vec<String> {
    let all = requests(server).await;
    let step = |request: &wiremock::Request| {
        let path = request.url.path();
        let path = path.strip_prefix(API).unwrap_or(path);
        format!("{} {path}", request.method)
    };
    all.iter().map(step).collect()
}

/// The bodies that were sent.
async fn posted(server: &MockVendor) -> Vec<String> {
    sent(server, "POST").await.iter().map(body).collect()
}

fn sink_with(
    server: &MockVendor,
    setup: AgreementSetup,
    key: AgreementKeyPlacement,
) -> ConnectWiseSink {
    let now: Timestamp = "2026-02-15T08:00:00Z".parse().unwrap();
    ConnectWiseSink::builder()
        .client(client(server))
        .agreement_setup(setup)
        .agreement_key(key)
        .clock(Arc::new(move || now))
        .build()
}

/// A sink without a setup of agreements.
fn sink(server: &MockVendor) -> ConnectWiseSink {
    sink_with(
        server,
        AgreementSetup::new(),
        AgreementKeyPlacement::default(),
    )
}

fn set_up(agreement_type: i64, contact: Option<i64>) -> AgreementSetup {
    let mut setup = AgreementSetup::new();
    setup.agreement_type = Some(agreement_type);
    setup.contact = contact;
    setup
}

/// A sink that creates agreements of type 15 with no contact of its own.
fn typed(server: &MockVendor) -> ConnectWiseSink {
    sink_with(server, set_up(15, None), AgreementKeyPlacement::default())
}

/// A sink that creates agreements of type 15 with contact 108.
fn ready(server: &MockVendor) -> ConnectWiseSink {
    let setup = set_up(15, Some(108));
    sink_with(server, setup, AgreementKeyPlacement::default())
}

/// Carries out a change that nothing may be sent for: the kind and the words of the refusal.
async fn not_sent(
    sink: &ConnectWiseSink,
    server: &MockVendor,
    change: &Change,
) -> (ErrorKind, String) {
    let error = sink.execute(change).await.unwrap_err();
    let (sort, kind) = refused(&error);
    assert_eq!(sort, "not sent", "{error}");
    assert_eq!(posted(server).await, [""; 0]);
    (kind, error.error().message().to_owned())
}

/// The answer to the creation of agreement 90.
fn answered() -> Receipt {
    Receipt::made(MadeRecord::Agreement("90".into()))
}

/// What reading back says, in words.
async fn read_back(server: &MockVendor, change: &Change, receipt: Option<&Receipt>) -> String {
    match sink(server).verify(change, receipt).await.unwrap() {
        Verdict::Made { record, detail } => {
            assert_eq!(record, MadeRecord::Agreement("90".into()));
            format!("made: {detail}")
        }
        Verdict::NotLanded => "not landed".to_owned(),
        Verdict::Conflict { detail, .. } => format!("conflict: {detail}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_child_is_created_once_with_the_terms_of_its_master() {
    let server = under(master(|_| {})).await;
    let answer = new_record(made(|_| {}).to_string()).insert_header("x-cw-request-id", "cw-1");
    on(&server, "POST", LIST, answer).await;
    let receipt = sink(&server).execute(&child()).await.unwrap();
    assert_eq!(receipt.made, Some(MadeRecord::Agreement("90".into())));
    assert_eq!(receipt.request_id.as_deref(), Some("cw-1"));
    assert_eq!(
        steps(&server).await,
        [
            "GET /finance/billingCycles",
            "GET /finance/agreements",
            "GET /finance/agreements/71",
            "POST /finance/agreements",
        ]
    );
    let asked = query(&requests(&server).await[1], "conditions");
    assert_eq!(asked.as_deref(), Some(r#"name contains "TL-0f1e2d""#));
    assert_eq!(
        posted(&server).await,
        [
            r#"{"name":"Private cloud [TL-0f1e2d]","type":{"id":14},"company":{"id":45},"contact":{"id":107},"parentAgreement":{"id":71},"startDate":"2026-03-01T00:00:00Z","noEndingDateFlag":true,"billingCycle":{"id":2},"invoicingCycle":"ContractYear","billStartDate":"2026-03-01T00:00:00Z","prorateFlag":true}"#
        ]
    );
}

#[tokio::test]
async fn without_a_master_an_agreement_is_created_as_it_is_set_up() {
    let server = listing(&[]).await;
    on(&server, "POST", LIST, new_record(r#"{"id":90}"#)).await;
    let mut setup = set_up(15, Some(108));
    setup.location = Some(2);
    setup.business_unit = Some(10);
    let sink = sink_with(&server, setup, AgreementKeyPlacement::default());
    assert!(sink.descriptor().capabilities.create_agreement);
    let receipt = sink.execute(&alone()).await.unwrap();
    assert_eq!(receipt.made, Some(MadeRecord::Agreement("90".into())));
    assert_eq!(
        posted(&server).await,
        [
            r#"{"name":"Private cloud [TL-0f1e2d]","type":{"id":15},"company":{"id":45},"contact":{"id":108},"startDate":"2026-03-01T00:00:00Z","endDate":"2027-02-28T00:00:00Z","noEndingDateFlag":false,"billingCycle":{"id":2},"billStartDate":"2026-03-01T00:00:00Z","location":{"id":2},"department":{"id":10}}"#
        ]
    );
}

#[tokio::test]
async fn type_and_contact_are_as_set_up_else_the_masters_else_the_companys() {
    let bare = || master(without("contact"));
    for (setup, master, change, kind, contact) in [
        (set_up(15, Some(108)), master(|_| {}), child(), 15, 108),
        (set_up(15, None), master(|_| {}), child(), 15, 107),
        (AgreementSetup::new(), bare(), child(), 14, 109),
        (set_up(15, None), bare(), alone(), 15, 109),
    ] {
        let server = under(master).await;
        let company = r#"{"id":45,"defaultContact":{"id":109}}"#;
        on(&server, "GET", COMPANY, json(company)).await;
        on(&server, "POST", LIST, new_record(r#"{"id":90}"#)).await;
        let sink = sink_with(&server, setup, AgreementKeyPlacement::default());
        sink.execute(&change).await.unwrap();
        let sent: Value = serde_json::from_str(&posted(&server).await[0]).unwrap();
        assert_eq!(sent["type"]["id"], kind);
        assert_eq!(sent["contact"]["id"], contact);
    }
}

#[tokio::test]
async fn a_key_in_a_custom_field_is_looked_for_and_written_there() {
    let server = under(master(|_| {})).await;
    on(&server, "POST", LIST, new_record(r#"{"id":90}"#)).await;
    let field = AgreementKeyPlacement::CustomField {
        id: 7,
        caption: "Service key".into(),
    };
    let sink = sink_with(&server, AgreementSetup::new(), field);
    sink.execute(&child()).await.unwrap();
    let asked = query(&requests(&server).await[1], "customFieldConditions");
    assert_eq!(
        asked.as_deref(),
        Some(r#"caption = "Service key" and value = "TL-0f1e2d""#)
    );
    let sent: Value = serde_json::from_str(&posted(&server).await[0]).unwrap();
    assert_eq!(sent["name"], "Private cloud");
    assert_eq!(
        sent["customFields"],
        value!([{"id": 7, "caption": "Service key", "value": "TL-0f1e2d"}])
    );
}

#[tokio::test]
async fn what_carries_the_key_is_the_made_one_and_nothing_is_sent() {
    let server = listing(&[made(|_| {})]).await;
    let receipt = sink(&server).execute(&child()).await.unwrap();
    assert_eq!(receipt.made, Some(MadeRecord::Agreement("90".into())));
    assert_eq!(posted(&server).await, [""; 0]);
    assert_eq!(
        read_back(&server, &child(), None).await,
        "made: agreement 90 under agreement 71 carries TL-0f1e2d, from 2026-03-01, billed monthly"
    );
}

#[tokio::test]
async fn what_carries_the_key_and_differs_is_a_conflict_and_nothing_is_sent() {
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 8] = [
        (|it| it["company"]["id"] = 46.into(), "is of company 46"),
        (|it| it["company"] = value!({}), "is of company none"),
        (
            |it| it["parentAgreement"]["id"] = 72.into(),
            "stands under agreement 72, not under 71",
        ),
        (
            |it| it["parentAgreement"] = value!({}),
            "stands under agreement none, not under 71",
        ),
        (
            |it| it["billingCycle"]["id"] = 3.into(),
            "bills yearly, not monthly",
        ),
        (
            |it| it["startDate"] = "2026-04-01T00:00:00Z".into(),
            "runs from 2026-04-01 to none, not from 2026-03-01 to none",
        ),
        (
            |it| {
                it["noEndingDateFlag"] = false.into();
                it["endDate"] = "2026-12-31T00:00:00Z".into();
            },
            "runs from 2026-03-01 to 2026-12-31, not from 2026-03-01 to none",
        ),
        (|it| it["cancelledFlag"] = true.into(), "is cancelled"),
    ];
    for (edit, difference) in edits {
        let server = listing(&[made(edit)]).await;
        let wanted = format!("agreement 90 is there for TL-0f1e2d and {difference}");
        let (kind, words) = not_sent(&sink(&server), &server, &child()).await;
        assert_eq!((kind, words), (ErrorKind::Conflict, wanted.clone()));
        let verdict = read_back(&server, &child(), None).await;
        assert_eq!(verdict, format!("conflict: {wanted}"));
    }
}

#[tokio::test]
async fn a_conflict_names_all_differences() {
    let other = value!({
        "id": 90, "name": "Cloud [TL-ffff]", "company": {"id": 46}, "cancelledFlag": true,
        "parentAgreement": {"id": 72}, "startDate": "2026-01-01T00:00:00Z",
        "endDate": "2026-12-31T00:00:00Z", "billingCycle": {"id": 3}
    });
    let server = listing(&[]).await;
    on(&server, "GET", MADE, json(other.to_string())).await;
    assert_eq!(
        read_back(&server, &child(), Some(&answered())).await,
        "conflict: agreement 90 is there for TL-0f1e2d and does not carry TL-0f1e2d and is cancelled and is of \
         company 46 and stands under agreement 72, not under 71 and bills yearly, not monthly and runs from \
         2026-01-01 to 2026-12-31, not from 2026-03-01 to none"
    );
}

#[tokio::test]
async fn a_master_that_can_have_no_such_child_is_refused_before_anything_is_sent() {
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 7] = [
        (
            |it| it["cancelledFlag"] = true.into(),
            "master agreement 71 is Cancelled, not Active",
        ),
        (
            |it| it["agreementStatus"] = "Expired".into(),
            "master agreement 71 is Expired, not Active",
        ),
        (
            |it| {
                without("agreementStatus")(it);
                it["noEndingDateFlag"] = false.into();
                it["endDate"] = "2026-02-14T00:00:00Z".into();
            },
            "master agreement 71 is Expired, not Active",
        ),
        (
            |it| {
                it["noEndingDateFlag"] = false.into();
                it["endDate"] = "2026-02-28T00:00:00Z".into();
            },
            "master agreement 71 ends on 2026-02-28, before 2026-03-01",
        ),
        (
            |it| it["company"]["id"] = 46.into(),
            "master agreement 71 is of company 46, not 45",
        ),
        (
            |it| it["parentAgreement"] = value!({"id": 70}),
            "master agreement 71 is itself invoiced through agreement 70",
        ),
        (
            |it| it["billingCycle"]["id"] = 3.into(),
            "the master agreement bills yearly, not monthly, and a child bills as it does",
        ),
    ];
    for (edit, words) in edits {
        let server = under(master(edit)).await;
        let refusal = not_sent(&sink(&server), &server, &child()).await;
        assert_eq!(refusal, (ErrorKind::Conflict, words.to_owned()));
    }
}

#[tokio::test]
async fn what_the_answer_named_is_compared_though_its_master_has_ended_since() {
    // A master that has ended speaks against a creation, and not against what was created.
    let ended = master(|it| it["agreementStatus"] = "Expired".into());
    let server = under(ended).await;
    on(&server, "GET", MADE, json(made(|_| {}).to_string())).await;
    let verdict = read_back(&server, &child(), Some(&answered())).await;
    assert!(verdict.starts_with("made: agreement 90 under"), "{verdict}");
    // Where the list does not show it yet, the answer still tells which one it is.
    assert_eq!(
        steps(&server).await,
        ["GET /finance/billingCycles", "GET /finance/agreements/90"]
    );
    let (kind, _) = not_sent(&sink(&server), &server, &child()).await;
    assert_eq!(kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn what_the_answer_named_and_is_gone_is_a_conflict_though_another_carries_the_key() {
    for rows in [vec![], vec![made(|it| it["id"] = 91.into())]] {
        let server = listing(&rows).await;
        on(&server, "GET", MADE, ResponseTemplate::new(404)).await;
        assert_eq!(
            read_back(&server, &child(), Some(&answered())).await,
            "conflict: agreement 90 was created and is gone"
        );
    }
}

#[tokio::test]
async fn without_an_answer_it_is_looked_up_by_its_key_and_may_not_have_landed() {
    let cancelled = made(|it| {
        it["id"] = 89.into();
        it["cancelledFlag"] = true.into();
    });
    let longer = made(|it| it["name"] = "Cloud [TL-0f1e2d77]".into());
    for (rows, wanted) in [
        (vec![made(|_| {})], "made"),
        // A row may come twice, and what is cancelled gives way to what is not.
        (vec![made(|_| {}), cancelled, made(|_| {})], "made"),
        (vec![], "not landed"),
        (vec![longer], "not landed"),
    ] {
        let server = listing(&rows).await;
        let verdict = read_back(&server, &child(), None).await;
        assert!(verdict.starts_with(wanted), "{verdict}");
    }
}

#[tokio::test]
async fn several_of_one_key_are_for_a_person_and_nothing_is_sent() {
    let server = listing(&[made(|_| {}), made(|it| it["id"] = 91.into())]).await;
    let words = "agreements 90, 91 all carry TL-0f1e2d: a person has to leave it on one";
    let verdict = read_back(&server, &child(), None).await;
    assert_eq!(verdict, format!("conflict: {words}"));
    let refusal = not_sent(&sink(&server), &server, &child()).await;
    assert_eq!(refusal, (ErrorKind::Conflict, words.to_owned()));
}

#[tokio::test]
async fn a_look_up_that_failed_does_not_mean_that_there_is_none() {
    for (failing, status, kind) in [
        (LIST, 403, ErrorKind::PermissionDenied),
        (LIST, 409, ErrorKind::Conflict),
        ("/finance/billingCycles", 403, ErrorKind::PermissionDenied),
    ] {
        let server = common::mock().await;
        on(&server, "GET", failing, ResponseTemplate::new(status)).await;
        on(&server, "GET", "/finance/billingCycles", json(CYCLES)).await;
        let sink = sink(&server);
        let (found, _) = not_sent(&sink, &server, &child()).await;
        assert_eq!(found, kind);
        let error = sink.verify(&child(), None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let server = listing(&[]).await;
    on(&server, "GET", MADE, ResponseTemplate::new(403)).await;
    let error = sink(&server).verify(&child(), Some(&answered())).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn an_answer_without_an_id_and_a_lost_one_leave_it_open_whether_it_was_made() {
    let nameless = "the answer does not name the agreement that was created";
    for (answer, words) in [
        (new_record("{}"), nameless),
        (new_record(r#"{"name":"Private cloud"}"#), nameless),
        (ResponseTemplate::new(500), ""),
        (ResponseTemplate::new(502), ""),
    ] {
        let server = under(master(|_| {})).await;
        on(&server, "POST", LIST, answer).await;
        let error = sink(&server).execute(&child()).await.unwrap_err();
        assert_eq!(refused(&error).0, "unknown", "{error}");
        assert!(error.error().may_have_been_applied(), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.error().operation(), Some("agreements.create"));
        assert_eq!(posted(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_creation_that_the_system_refuses_is_rejected_and_a_missing_right_is_named() {
    for (status, kind, words) in [
        (400, ErrorKind::Invalid, ""),
        (401, ErrorKind::Auth, ""),
        (
            403,
            ErrorKind::PermissionDenied,
            "Finance / Agreements needs Add = All",
        ),
        (409, ErrorKind::Conflict, ""),
    ] {
        let server = under(master(|_| {})).await;
        on(&server, "POST", LIST, ResponseTemplate::new(status)).await;
        let error = sink(&server).execute(&child()).await.unwrap_err();
        assert_eq!(refused(&error), ("rejected", kind), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(posted(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn without_a_type_or_a_contact_the_refusal_says_what_to_set_up() {
    let server = listing(&[]).await;
    on(&server, "GET", COMPANY, json(r#"{"id":45}"#)).await;
    let plain = sink(&server);
    assert!(!plain.descriptor().capabilities.create_agreement);
    assert!(plain.descriptor().capabilities.child_agreements);
    let (kind, words) = not_sent(&plain, &server, &alone()).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(words.contains("name their type"), "{words}");
    let (kind, words) = not_sent(&typed(&server), &server, &alone()).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(
        words.contains("give company 45 a default contact, or name one in the settings"),
        "{words}"
    );
}

/// [`alone`], that bills in another way.
fn billed(cycle: BillingCycle) -> Change {
    let mut change = alone();
    if let Action::CreateAgreement { billing_cycle, .. } = &mut change.action {
        *billing_cycle = cycle;
    }
    change
}

/// [`alone`], for another key.
fn keyed(agreement: &str) -> Change {
    let mut change = alone();
    change.agreement = AgreementId::new(agreement);
    change
}

/// [`alone`], by another name.
fn called(other: &str) -> Change {
    let mut change = alone();
    if let Action::CreateAgreement { name, .. } = &mut change.action {
        *name = other.to_owned();
    }
    change
}

#[tokio::test]
async fn without_one_fitting_billing_cycle_or_a_key_that_can_be_found_again_nothing_is_created() {
    let endless = format!("key:{}", "k".repeat(90));
    let (config, unsupported) = (ErrorKind::Config, ErrorKind::Unsupported);
    for (change, wanted, part) in [
        (
            billed(BillingCycle::Weekly),
            config,
            "no billing cycle, or more than one, for what bills weekly",
        ),
        (
            billed(BillingCycle::Yearly),
            config,
            "or more than one, for what bills yearly",
        ),
        (keyed("88"), ErrorKind::Invalid, "created for a key"),
        (keyed(&endless), unsupported, "keep keys in a custom field"),
        (called("Cloud [TL-0f1e2c]"), unsupported, "[TL-0f1e2c]"),
        (called("Cloud [tl: a1]"), unsupported, "[tl: a1]"),
    ] {
        let server = listing(&[]).await;
        let (kind, words) = not_sent(&ready(&server), &server, &change).await;
        assert_eq!(kind, wanted, "{words}");
        assert!(words.contains(part), "{words}");
    }
}

#[tokio::test]
async fn a_cycle_that_is_not_known_is_not_taken_for_another_that_is_not() {
    let server = common::mock().await;
    server.expect_odd_answers("a later version's", &["answer body /0/billingOptions"]);
    let later = r#"[{"id":5,"name":"Moons","billingOptions":"Lunar"}]"#;
    on(&server, "GET", "/finance/billingCycles", json(later)).await;
    on(&server, "GET", LIST, json("[]")).await;
    let change = billed(BillingCycle::Unknown);
    let (kind, words) = not_sent(&ready(&server), &server, &change).await;
    assert_eq!(kind, ErrorKind::Config, "{words}");
}
