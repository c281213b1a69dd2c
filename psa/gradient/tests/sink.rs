//! The sink against the simulator: set-up, check, counts and what is said of them.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::{of, sink};
use futures::{StreamExt as _, TryStreamExt as _};
use tallyline_core::model::{LinesOutcome, Service, VendorAccount};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{AgreementFilter, WriteError};
use tallyline_core::{ErrorKind, PsaSink};
use tallyline_gradient::models::{Category, IntegrationStatus, Subcategory};
use tallyline_gradient::{GradientSink, OnConnect, Rebuild, ServiceKinds};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::gradient::{GradientSimulator, GradientState};

fn accounts() -> Vec<VendorAccount> {
    vec![
        VendorAccount::new("c-1", "Maple Dental LLC"),
        VendorAccount::new("oak.example.com", "Oak Legal"),
    ]
}

fn services() -> Vec<Service> {
    vec![
        Service::new("MAIL", " Mail "),
        Service::new("DISK-A", "Disk"),
        Service::new("DISK-B", "Disk"),
    ]
}

async fn start(state: GradientState) -> GradientSimulator {
    GradientSimulator::start(state).await.unwrap()
}

fn names(sim: &GradientSimulator) -> Vec<String> {
    let state = sim.state();
    state
        .services
        .iter()
        .map(|it| it.words.name.clone())
        .collect()
}

/// The methods other than GET that were sent, with their paths.
fn written(sim: &GradientSimulator) -> Vec<String> {
    let requests = sim.requests();
    let writes = requests.iter().filter(|request| request.method != "GET");
    let short = |path: &str| path.replacen("/api/vendor-api", "", 1);
    writes
        .map(|request| format!("{} {}", request.method, short(&request.path)))
        .collect()
}

#[tokio::test]
async fn step_1_to_4_make_what_is_missing_and_a_second_set_up_makes_nothing() {
    let sim = start(GradientState::new()).await;
    let sink = sink(&sim);
    let setup = sink.missing(&accounts(), &services()).await.unwrap();
    assert!(written(&sim).is_empty(), "what is missing is read alone");
    assert_eq!(
        setup.to_string(),
        "3 services and 2 accounts to be made, 0 to be renamed, and the status goes from inactive to pending"
    );
    let made = sink.set_up(&setup).await.unwrap();
    assert_eq!(
        written(&sim),
        [
            "POST /service",
            "POST /service",
            "POST /service",
            "POST /organization/accounts",
            "PATCH /organization/status/pending",
        ]
    );
    assert_eq!(names(&sim), ["Disk (DISK-A)", "Disk (DISK-B)", "Mail"]);
    let state = sim.state();
    assert_eq!(state.status, "pending");
    assert_eq!(state.accounts[1].id, "oak.example.com");
    let mail = state.service_named("Mail").unwrap().id.as_str();
    assert!(made.services.contains(&("MAIL".into(), mail.into())));
    assert_eq!(made.accounts[0], ("c-1".into(), "c-1".into()));
    let again = sink.missing(&accounts(), &services()).await.unwrap();
    assert!(again.is_empty(), "{again}");
}

#[tokio::test]
async fn step_3_an_account_that_has_another_name_by_now_is_renamed() {
    let mut state = GradientState::new();
    state.add_account("c-1", "Maple Dental");
    let sim = start(state).await;
    let sink = sink(&sim);
    let setup = sink.missing(&accounts()[..1], &[]).await.unwrap();
    let renamed = ("c-1", "Maple Dental", "Maple Dental LLC");
    assert_eq!(
        setup.renamed,
        [(renamed.0.into(), renamed.1.into(), renamed.2.into())]
    );
    sink.set_up(&setup).await.unwrap();
    assert_eq!(sim.state().accounts[0].name, "Maple Dental LLC");
}

#[tokio::test]
async fn step_4_an_active_status_is_never_set_back_and_a_disabled_one_stays() {
    for (on_connect, now, then) in [
        (OnConnect::Pending, "inactive", "pending"),
        (OnConnect::Pending, "error", "pending"),
        (OnConnect::Pending, "active", "active"),
        (OnConnect::Pending, "disabled", "disabled"),
        (OnConnect::Active, "pending", "active"),
        (OnConnect::Active, "disabled", "disabled"),
        (OnConnect::Leave, "inactive", "inactive"),
    ] {
        let mut state = GradientState::new();
        state.status = now.to_owned();
        let sim = start(state).await;
        let sink = GradientSink::builder()
            .client(of(&sim))
            .on_connect(on_connect)
            .build();
        let setup = sink.missing(&[], &[]).await.unwrap();
        sink.set_up(&setup).await.unwrap();
        assert_eq!(sim.state().status, then, "{on_connect:?} from {now}");
        assert_eq!(written(&sim).len(), usize::from(now != then));
    }
}

#[tokio::test]
async fn what_a_lost_answer_made_is_found_and_not_made_again() {
    let sim = start(GradientState::new()).await;
    let sink = sink(&sim);
    let setup = sink.missing(&accounts(), &services()).await.unwrap();
    sim.faults()
        .on(Match::post("/service").once(), Fault::lose_answer());
    sim.faults().on(
        Match::post("/organization/accounts").once(),
        Fault::lose_answer(),
    );
    sink.set_up(&setup).await.unwrap();
    assert_eq!(names(&sim).len(), 3);
    assert_eq!(sim.state().accounts.len(), 2);
}

#[tokio::test]
async fn what_did_not_arrive_is_an_error_and_is_not_sent_again_by_itself() {
    let sim = start(GradientState::new()).await;
    let sink = sink(&sim);
    let setup = sink.missing(&accounts(), &services()[..1]).await.unwrap();
    sim.faults()
        .on(Match::post("/service").once(), Fault::drop_connection());
    let error = sink.set_up(&setup).await.unwrap_err();
    assert!(error.may_have_been_applied(), "{error}");
    assert_eq!(written(&sim), ["POST /service"]);
    // Asked again, it is still missing.
    let setup = sink.missing(&accounts(), &services()[..1]).await.unwrap();
    sink.set_up(&setup).await.unwrap();
    assert_eq!(names(&sim), ["Mail"]);
}

#[tokio::test]
async fn an_account_that_another_made_meanwhile_does_not_keep_the_others_from_being_made() {
    let sim = start(GradientState::new()).await;
    let sink = sink(&sim);
    let setup = sink.missing(&accounts(), &[]).await.unwrap();
    sim.with_state(|state| state.add_account("c-1", "Maple Dental LLC"));
    sink.set_up(&setup).await.unwrap();
    let state = sim.state();
    let ids: Vec<&str> = state
        .accounts
        .iter()
        .map(|account| account.id.as_str())
        .collect();
    assert_eq!(ids, ["c-1", "oak.example.com"]);
}

#[tokio::test]
async fn two_services_of_one_name_are_for_a_person_to_tell_apart() {
    let mut state = GradientState::new();
    state.add_service("Mail");
    state.add_service("Mail");
    let sim = start(state).await;
    let error = sink(&sim).missing(&[], &services()[..1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("\"Mail\""), "{error}");
}

#[tokio::test]
async fn new_services_get_the_words_that_are_set_for_them() {
    let sim = start(GradientState::new()).await;
    let mut kinds = ServiceKinds::default();
    kinds.default = (Category::Infrastructure, Subcategory::CloudStorage);
    let mail = (Category::Productivity, Subcategory::HostedEmail);
    kinds.by_service.insert("MAIL".into(), mail);
    let sink = GradientSink::builder()
        .client(of(&sim))
        .kinds(kinds)
        .build();
    let setup = sink.missing(&[], &services()[..2]).await.unwrap();
    sink.set_up(&setup).await.unwrap();
    let state = sim.state();
    let of = |name: &str| state.service_named(name).unwrap().words.clone();
    assert_eq!(of("Mail").subcategory, "hosted email");
    assert_eq!(of("Disk").category, "infrastructure");
}

#[tokio::test]
async fn after_a_disconnect_the_accounts_are_missing_again() {
    let sim = start(GradientState::new()).await;
    let sink = sink(&sim);
    let setup = sink.missing(&accounts(), &services()).await.unwrap();
    sink.set_up(&setup).await.unwrap();
    sim.with_state(|state| state.disconnect());
    let setup = sink.missing(&accounts(), &services()).await.unwrap();
    assert_eq!((setup.accounts.len(), setup.services.len()), (2, 0));
    let status = (IntegrationStatus::Inactive, IntegrationStatus::Pending);
    assert_eq!(setup.status, Some(status));
}

#[tokio::test]
async fn the_check_says_whose_keys_they_are_and_refuses_those_of_another() {
    let sim = start(GradientState::new()).await;
    let identity = sink(&sim).check().await.unwrap();
    assert_eq!(identity.subject, "Example MSP");
    let warnings = identity.warnings.join(" ");
    assert!(warnings.contains("run the set-up") && warnings.contains("66a0c0ffee0000000000bb02"));
    let of_another = |id: &str| {
        GradientSink::builder()
            .client(of(&sim))
            .organization_id(id)
            .build()
    };
    let error = of_another("66ff").check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    sim.with_state(|state| state.status = "active".to_owned());
    let right = of_another("66a0c0ffee0000000000bb02");
    assert!(right.check().await.unwrap().warnings.is_empty());
    assert_eq!(
        right.descriptor().tenant.as_deref(),
        Some("66a0c0ffee0000000000bb02")
    );
}

/// A vendor of which two accounts and one service are mapped.
async fn mapped() -> (GradientSimulator, String) {
    let mut state = GradientState::new();
    let mail = state.add_service("Mail");
    for account in accounts() {
        state.add_account(account.id.as_str(), &account.name);
    }
    state.map_all();
    (start(state).await, mail)
}

fn count(id: &str, account: &str, service: &str, to: u32) -> Change {
    let action = Action::SetCount {
        from: None,
        to: to.into(),
    };
    let day = "2026-03-15".parse().unwrap();
    Change::new(id, account, account, service, action, day)
}

fn queries(sim: &GradientSimulator) -> Vec<String> {
    let requests = sim.requests();
    let counts = requests.iter().filter(|it| it.path.ends_with("/count"));
    counts.map(|request| request.query.clone()).collect()
}

#[tokio::test]
async fn an_account_is_a_company_and_its_agreement_and_no_counts_are_read() {
    let (sim, mail) = mapped().await;
    let sink = sink(&sim);
    let companies: Vec<_> = sink.companies().try_collect().await.unwrap();
    let filter = AgreementFilter {
        companies: vec!["c-1".into()],
    };
    let agreements: Vec<_> = sink.agreements(&filter).try_collect().await.unwrap();
    let products: Vec<_> = sink.products().try_collect().await.unwrap();
    assert_eq!((companies.len(), agreements.len()), (2, 1));
    assert_eq!(
        (agreements[0].id.as_str(), agreements[0].company.as_str()),
        ("c-1", "c-1")
    );
    assert_eq!(products[0].id.as_str(), mail);
    let before = sim.request_count();
    let wanted = ["c-1".into(), "c-404".into()];
    let readings: Vec<_> = sink.lines(&wanted).collect().await;
    for reading in readings {
        let LinesOutcome::Failed(failure) = reading.unwrap().outcome else {
            panic!("counts were read");
        };
        assert_eq!(failure.kind, ErrorKind::Unsupported);
    }
    assert_eq!(sim.request_count(), before);
}

#[tokio::test]
async fn step_6_no_build_is_sent_with_all_counts_of_a_run_but_the_last() {
    let (sim, mail) = mapped().await;
    let sink = sink(&sim);
    let changes = [
        count("1", "c-1", &mail, 14),
        count("2", "oak.example.com", &mail, 3),
        count("3", "c-1", &mail, 15),
    ];
    sink.begin(&changes);
    for change in &changes {
        sink.execute(change).await.unwrap();
    }
    assert_eq!(queries(&sim), ["no_build=true", "no_build=true", ""]);
    let state = sim.state();
    assert_eq!((state.builds, state.view_is_behind), (1, false));
    assert_eq!(state.count("c-1", &mail), Some(15.into()));
    // A count outside of a run is the last of its own.
    sink.execute(&changes[0]).await.unwrap();
    assert_eq!(sim.state().builds, 2);
}

#[tokio::test]
async fn every_count_builds_where_that_is_set() {
    let (sim, mail) = mapped().await;
    let sink = GradientSink::builder()
        .client(of(&sim))
        .rebuild(Rebuild::AfterEach)
        .build();
    let changes = [count("1", "c-1", &mail, 14), count("2", "c-1", &mail, 3)];
    sink.begin(&changes);
    for change in &changes {
        sink.execute(change).await.unwrap();
    }
    assert_eq!(queries(&sim), ["", ""]);
}

#[tokio::test]
async fn step_6_what_is_not_mapped_is_not_taken_and_is_no_failure() {
    let (sim, mail) = mapped().await;
    sim.with_state(|state| state.mapped_accounts.remove("c-1"));
    let executed = sink(&sim).execute(&count("1", "c-1", &mail, 14)).await;
    let Err(WriteError::NotMapped(error)) = executed else {
        panic!("{executed:?}");
    };
    assert!(
        error
            .to_string()
            .contains("No account map found with id: c-1"),
        "{error}"
    );
    // A service that there is none of is a failure: nobody can map it.
    let executed = sink(&sim).execute(&count("1", "c-1", "66ff", 14)).await;
    assert!(
        matches!(executed, Err(WriteError::Rejected(_))),
        "{executed:?}"
    );
}

#[tokio::test]
async fn after_a_401_or_403_nothing_more_is_sent_until_the_next_run() {
    for status in [401, 403] {
        let (sim, mail) = mapped().await;
        let sink = sink(&sim);
        sim.faults()
            .on(Match::post("/count").once(), Fault::status(status));
        let changes = [count("1", "c-1", &mail, 14), count("2", "c-1", &mail, 15)];
        sink.begin(&changes);
        let first = sink.execute(&changes[0]).await;
        assert!(matches!(first, Err(WriteError::Rejected(_))), "{first:?}");
        let second = sink.execute(&changes[1]).await;
        let Err(WriteError::NotSent(error)) = second else {
            panic!("{second:?}");
        };
        assert!(
            error.to_string().contains("nothing is sent any more"),
            "{error}"
        );
        assert_eq!(queries(&sim).len(), 1);
        sink.begin(&changes[1..]);
        sink.execute(&changes[1]).await.unwrap();
    }
}

#[tokio::test]
async fn anything_but_a_count_is_refused_before_it_is_sent() {
    let (sim, mail) = mapped().await;
    let mut change = count("1", "c-1", &mail, 14);
    change.action = Action::EndLine {
        line: "1".into(),
        from: 1_u32.into(),
        last_day: "2026-03-31".parse().unwrap(),
        replaced_by: None,
    };
    let executed = sink(&sim).execute(&change).await;
    let Err(WriteError::NotSent(error)) = executed else {
        panic!("{executed:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(sim.request_count(), 0);
}
