//! The source against the simulated HyAlto: accounts, services, readings, and what is not told.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use futures::TryStreamExt as _;
use jiff::SignedDuration;
use rust_decimal::Decimal;
use tallyline_core::clock::SharedClock;
use tallyline_core::model::{AccountReading, Basis, Timestamp};
use tallyline_core::source::UsageRequest;
use tallyline_core::{ErrorKind, Result, VendorSource};
use tallyline_hyalto::{HyAltoSource, Reduction, ServiceKind, SilentRule, UnitOverride, Window};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::hyalto::{HeaderForm, HyAltoSimulator, HyAltoState, Listing};

/// Three accounts: two data centres, one, none. The clock stands at noon of 15 March 2026.
fn state() -> HyAltoState {
    let mut state = HyAltoState::new();
    let northwind = state.add_account("Northwind Dental");
    let oak = state.add_account("Oak Legal");
    state.add_account("Birch Gym");
    let first = state.add_service(northwind, "nwd-vdc-01");
    state.set_ago(40, first, "ram", 32.into(), "GB");
    state.set_ago(40, first, "compute", Decimal::new(125, 1), "GHz");
    state.set_ago(5, first, "ram", 64.into(), "GB");
    let second = state.add_service(northwind, "nwd-vdc-02");
    state.set_ago(2, second, "ram", 16.into(), "GB");
    let oaks = state.add_service(oak, "oak-vdc");
    state.set_ago(100, oaks, "storage", 500.into(), "GB");
    state.set_ago(100, oaks, "licences_gold", 3.into(), "pcs");
    state
}

async fn start(edit: impl FnOnce(&mut HyAltoState)) -> HyAltoSimulator {
    let mut state = state();
    edit(&mut state);
    HyAltoSimulator::start(state).await.unwrap()
}

fn now(sim: &HyAltoSimulator) -> Timestamp {
    sim.clock().now().to_string().parse().unwrap()
}

async fn readings(source: &HyAltoSource, sim: &HyAltoSimulator) -> Result<Vec<AccountReading>> {
    let request = UsageRequest::new(now(sim));
    source.usage(&request).try_collect().await
}

async fn shown(source: &HyAltoSource, sim: &HyAltoSimulator) -> Vec<String> {
    let readings = readings(source, sim).await.unwrap();
    readings.iter().map(|reading| told(sim, reading)).collect()
}

/// An account with its lines by service, or with why there are none.
fn told(sim: &HyAltoSimulator, reading: &AccountReading) -> String {
    let state = sim.state();
    let mut accounts = state.accounts.iter();
    let account = accounts.find(|own| own.id.to_string() == reading.account.as_str());
    let account = account.unwrap();
    let name = &account.name;
    let Some(lines) = reading.lines() else {
        return format!("{name}: failed");
    };
    let mut items: Vec<String> = lines
        .iter()
        .map(|line| {
            let group = line.resource_group.as_ref().unwrap();
            let mut services = account.services.iter();
            let service = services.find(|own| own.id.to_string() == group.as_str());
            let unit = line.unit.as_deref().unwrap_or("-");
            let service = &service.unwrap().name;
            format!("{service} {} {} {unit}", line.service, line.quantity)
        })
        .collect();
    let unobserved = reading.unobserved.keys();
    items.extend(unobserved.map(|key| format!("{key} unobserved")));
    items.sort();
    format!("{name}: {}", items.join(", "))
}

fn attribute<'a>(reading: &'a AccountReading, line: usize, name: &str) -> Option<&'a str> {
    let mut attributes = reading.lines()?[line].attributes.iter();
    attributes
        .find(|(known, _)| &**known == name)
        .map(|(_, text)| &**text)
}

const ALL: [&str; 3] = [
    "Northwind Dental: nwd-vdc-01 vdc/compute 12.5 GHz, nwd-vdc-01 vdc/ram 64 GB, nwd-vdc-02 vdc/ram 16 GB",
    "Oak Legal: oak-vdc vdc/licences_gold 3 pcs, oak-vdc vdc/storage 500 GB",
    "Birch Gym: ",
];

#[tokio::test]
async fn every_property_of_every_service_is_a_line_grouped_by_its_service() {
    let sim = start(|_| {}).await;
    assert_eq!(shown(&source(&sim), &sim).await, ALL);
    let readings = readings(&source(&sim), &sim).await.unwrap();
    let first = &readings[0];
    assert_eq!(first.basis, Basis::Live);
    assert_eq!(first.data_as_of, None);
    assert_eq!(attribute(first, 0, "serviceName"), Some("nwd-vdc-01"));
    assert_eq!(attribute(first, 0, "serviceType"), Some("allocationVDC"));
    assert_eq!(attribute(first, 0, "unit_size"), Some("GHz"));
    assert_eq!(attribute(first, 0, "reduction"), Some("latest"));
    let lines = first.lines().unwrap();
    let group = lines[0].resource_group.as_ref().unwrap();
    assert_eq!(lines[0].key.as_str(), format!("{group}/compute"));
    assert!(
        lines[0]
            .vendor_ids
            .iter()
            .any(|(name, id)| &**name == "serviceId" && **id == *group.as_str())
    );
}

#[tokio::test]
async fn one_call_for_each_account_and_one_for_each_service_read_them_all() {
    let sim = start(|_| {}).await;
    shown(&source(&sim), &sim).await;
    let count = |path: &str| {
        let requests = sim.requests();
        let found = requests.iter().filter(|own| own.path.contains(path));
        found.count()
    };
    assert_eq!(count("/auth/token"), 1);
    assert_eq!(count("/accountManagement/accounts/"), 1);
    assert_eq!(count("/services/"), 3);
    assert_eq!(count("/raw"), 3);
    let requests = sim.requests();
    let usage = requests.iter().find(|own| own.path.ends_with("/raw"));
    let query = &usage.unwrap().query;
    assert!(query.starts_with("filter[Services_id]="), "{query}");
    // From a year before the month on.
    assert!(
        query.contains("filter[startTime]=2025-02-28T00%3A00%3A00"),
        "{query}"
    );
    assert!(
        query.ends_with("filter[endTime]=2026-03-15T12%3A00%3A00"),
        "{query}"
    );
}

#[tokio::test]
async fn whatever_form_the_answers_take_the_reading_is_the_same() {
    for edit in [
        (|state: &mut HyAltoState| state.switches.one_as_object = true) as fn(&mut HyAltoState),
        |state| state.switches.ids_as_text = true,
        |state| state.switches.values_as_text = true,
        |state| state.switches.newest_first = true,
        |state| state.switches.in_force_at_start = true,
        |state| state.switches.all_services = true,
        |state| state.switches.opaque_tokens = true,
        |state| state.switches.listing = Listing::Under("results"),
        |state| state.header_form = HeaderForm::Bare,
        |state| state.header_form = HeaderForm::Either,
    ] {
        let sim = start(edit).await;
        assert_eq!(
            shown(&source(&sim), &sim).await,
            ALL,
            "{:?}",
            sim.state().switches
        );
    }
}

#[tokio::test]
async fn tokens_that_end_in_the_middle_of_a_read_are_renewed_and_nothing_is_lost() {
    for form in [HeaderForm::Bearer, HeaderForm::Bare] {
        let sim = start(|state| {
            state.switches.calls_per_token = Some(2);
            state.header_form = form;
        })
        .await;
        // One call at a time, so that none spends the token of another.
        let client = one_at_a_time(&sim);
        let source = HyAltoSource::builder().client(client).build().unwrap();
        // The form is found out by one call that is answered, as `check` makes it.
        sim.with_state(|state| state.switches.calls_per_token = None);
        source.check().await.unwrap();
        sim.revoke_tokens();
        sim.with_state(|state| state.switches.calls_per_token = Some(2));
        assert_eq!(shown(&source, &sim).await, ALL);
        assert!(sim.tokens_issued() > 3, "{}", sim.tokens_issued());
    }
    let sim = start(|state| state.switches.token_lifetime_seconds = 600).await;
    let source = source(&sim);
    assert_eq!(shown(&source, &sim).await, ALL);
    sim.clock().advance(SignedDuration::from_secs(601));
    assert_eq!(shown(&source, &sim).await, ALL);
}

#[tokio::test]
async fn peak_and_average_are_taken_over_the_month_up_to_now() {
    let sim = start(|state| {
        let service = state.accounts[0].services[1].id;
        let month = "2026-03-01T00:00:00Z".parse().unwrap();
        // Four days of 10, then 40; the month has lasted 14.5 days.
        state.set_at(month, service, "vm_count", 10.into(), None);
        let later = month.checked_add(SignedDuration::from_hours(96)).unwrap();
        state.set_at(later, service, "vm_count", 40.into(), None);
        let before = month.checked_sub(SignedDuration::from_hours(96)).unwrap();
        state.set_at(before, service, "vm_count", 99.into(), None);
    })
    .await;
    let with = |reduction| {
        HyAltoSource::builder()
            .client(of(&sim))
            .reduction(reduction)
            .build()
            .unwrap()
    };
    let line = |told: &[String]| {
        let items = told[0].split(", ");
        let mut found = items.filter(|item| item.contains("vm_count"));
        found.next().unwrap().to_owned()
    };
    let peak = shown(&with(Reduction::Peak), &sim).await;
    assert_eq!(line(&peak), "nwd-vdc-02 vdc/vm_count 40 -");
    let source = with(Reduction::Average);
    // (4 x 10 + 10.5 x 40) / 14.5
    let average = shown(&source, &sim).await;
    assert_eq!(line(&average), "nwd-vdc-02 vdc/vm_count 31.724137931 -");
    let read = readings(&source, &sim).await.unwrap();
    assert_eq!(read[0].basis, Basis::Metered);
    let rounded = (0..4).filter_map(|at| attribute(&read[0], at, "rounded"));
    assert_eq!(rounded.count(), 2, "{read:?}");
    // 32 for 9 days and a half of 14 and a half, then 64.
    assert!(
        average[0].contains("nwd-vdc-01 vdc/ram 43.0344827586 GB"),
        "{average:?}"
    );
}

#[tokio::test]
async fn a_past_month_is_read_as_it_ended_and_one_that_has_not_begun_is_refused() {
    let sim = start(|_| {}).await;
    let source = source(&sim);
    let mut request = UsageRequest::new(now(&sim));
    request.period_of = "2026-02-10".parse().unwrap();
    let read: Vec<_> = source.usage(&request).try_collect().await.unwrap();
    let end = "2026-03-01T00:00:00Z".parse().unwrap();
    assert_eq!(read[0].data_as_of, Some(end));
    let told = told(&sim, &read[0]);
    // The other data centre had no RAM that is known then.
    assert_eq!(
        told,
        "Northwind Dental: nwd-vdc-01 vdc/compute 12.5 GHz, vdc/ram unobserved"
    );
    request.period_of = "2026-04-01".parse().unwrap();
    let refused: Result<Vec<_>> = source.usage(&request).try_collect().await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn no_value_is_not_zero_and_takes_its_property_out_of_the_whole_account() {
    let sim = start(|state| {
        let second = state.accounts[0].services[1].id;
        state.edit(second, |own| own.properties.clear());
        state.add_empty(second, "ram");
        state.set_ago(3, second, "storage", 0.into(), "GB");
    })
    .await;
    let read = readings(&source(&sim), &sim).await.unwrap();
    assert_eq!(
        told(&sim, &read[0]),
        "Northwind Dental: nwd-vdc-01 vdc/compute 12.5 GHz, nwd-vdc-02 vdc/storage 0 GB, vdc/ram unobserved"
    );
    let why = read[0].unobserved.values().next().unwrap();
    assert!(why.contains("not zero"), "{why}");
}

#[tokio::test]
async fn what_did_not_change_within_the_look_back_is_not_observed() {
    let sim = start(|_| {}).await;
    let short = HyAltoSource::builder()
        .client(of(&sim))
        .window(Window::Days(30))
        .look_back_days(20)
        .build()
        .unwrap();
    let told = shown(&short, &sim).await;
    assert_eq!(told[0], ALL[0]);
    assert_eq!(
        told[1],
        "Oak Legal: vdc/licences_gold unobserved, vdc/storage unobserved"
    );
    // With what was in force when the time begins, it is.
    sim.with_state(|state| state.switches.in_force_at_start = true);
    assert_eq!(shown(&short, &sim).await, ALL);
}

#[tokio::test]
async fn a_service_without_any_usage_fails_its_account_or_is_left_out_by_choice() {
    for left_away in [false, true] {
        let sim = start(|state| {
            state.switches.without_silent = left_away;
            let oak = state.accounts[1].id;
            state.add_service(oak, "new");
        })
        .await;
        let told = shown(&source(&sim), &sim).await;
        assert_eq!(told, [ALL[0], "Oak Legal: failed", ALL[2]]);
        let lenient = HyAltoSource::builder()
            .client(of(&sim))
            .silent(SilentRule::LeaveOut)
            .build()
            .unwrap();
        assert_eq!(shown(&lenient, &sim).await, ALL);
    }
}

#[tokio::test]
async fn types_that_nobody_knows_keep_their_word_and_one_that_is_missing_is_not_guessed() {
    let sim = start(|state| {
        let oak = state.accounts[1].services[0].id;
        state.edit(oak, |own| own.kind = Some("edge/v2".to_owned()));
        let second = state.accounts[0].services[1].id;
        state.edit(second, |own| own.kind = None);
    })
    .await;
    let told = shown(&source(&sim), &sim).await;
    assert_eq!(told[0], "Northwind Dental: failed");
    assert!(told[1].contains("edge%2Fv2/storage"), "{told:?}");
    let set = HyAltoSource::builder()
        .client(of(&sim))
        .kinds([("edge/v2".to_owned(), ServiceKind::EdgeGateway)].into())
        .untyped(ServiceKind::VirtualMachine)
        .build()
        .unwrap();
    let told = shown(&set, &sim).await;
    assert!(told[0].contains("nwd-vdc-02 vm/ram 16 GB"), "{told:?}");
    assert!(told[1].contains("oak-vdc edge/storage 500 GB"), "{told:?}");
}

#[tokio::test]
async fn nothing_is_multiplied_but_by_a_factor_that_was_set_for_the_unit_that_comes() {
    let sim = start(|state| {
        let oak = state.accounts[1].services[0].id;
        state.set(oak, "ram", 4096.into(), "MB");
        // A number may be a multiplier: it is kept, and nothing is done with it.
        let now = state.clock.now();
        state.set_at(now, oak, "compute", 7.into(), Some(1000_i64.into()));
    })
    .await;
    let told = shown(&source(&sim), &sim).await;
    assert!(told[1].contains("vdc/ram 4096 MB"), "{told:?}");
    assert!(told[1].contains("vdc/compute 7 -"), "{told:?}");
    let rule = UnitOverride::new(Decimal::new(9_765_625, 10)).with_unit("GB");
    let with = |rule: UnitOverride| {
        HyAltoSource::builder()
            .client(of(&sim))
            .unit_overrides([("ram".to_owned(), rule)].into())
            .build()
            .unwrap()
    };
    let source = with(rule.clone().with_expected("MB"));
    let told = shown(&source, &sim).await;
    assert!(told[1].contains("vdc/ram 4 GB"), "{told:?}");
    // In the other account RAM comes in another unit.
    assert!(told[0].contains("vdc/ram unobserved"), "{told:?}");
    let read = readings(&source, &sim).await.unwrap();
    let at = read[1]
        .lines()
        .unwrap()
        .iter()
        .position(|line| line.service.as_str() == "vdc/ram");
    assert_eq!(
        attribute(&read[1], at.unwrap(), "unitFactor"),
        Some("0.0009765625")
    );
    assert_eq!(attribute(&read[1], at.unwrap(), "unit_size"), Some("MB"));
    for wrong in [0, -1] {
        let rule = UnitOverride::new(wrong.into());
        let built = HyAltoSource::builder()
            .client(of(&sim))
            .unit_overrides([("ram".to_owned(), rule)].into())
            .build();
        assert_eq!(built.unwrap_err().kind(), ErrorKind::Config);
    }
}

#[tokio::test]
async fn a_failure_fails_its_account_alone_and_refused_keys_end_the_read() {
    let sim = start(|_| {}).await;
    let oak = sim.state().accounts[1].id.to_string();
    let source = source(&sim);
    for (part, fault) in [
        (services_of(&oak), Fault::status(403)),
        (usage_of(&oak), Fault::status(404)),
        (
            usage_of(&oak),
            Fault::answer(200, "application/json", r#"{"services":[{"id":1}]}"#),
        ),
        (usage_of(&oak), Fault::answer(200, "application/json", "{}")),
    ] {
        sim.faults().on(Match::get(&part).once(), fault);
        assert_eq!(
            shown(&source, &sim).await,
            [ALL[0], "Oak Legal: failed", ALL[2]]
        );
    }
    sim.faults()
        .on(Match::get(&usage_of(&oak)), Fault::status(401));
    let ended = readings(&source, &sim).await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn services_are_the_pairs_of_kind_and_property_that_are_in_use() {
    let sim = start(|_| {}).await;
    let clock = Now(now(&sim));
    let source = HyAltoSource::builder()
        .client(of(&sim))
        .clock(SharedClock::new(std::sync::Arc::new(clock)))
        .build()
        .unwrap();
    let found: Vec<_> = source.services().try_collect().await.unwrap();
    let found: Vec<String> = found
        .iter()
        .map(|own| format!("{} = {}", own.key, own.name))
        .collect();
    assert_eq!(
        found,
        [
            "vdc/compute = virtual data centre: CPU",
            "vdc/licences_gold = virtual data centre: licences_gold",
            "vdc/ram = virtual data centre: RAM",
            "vdc/storage = virtual data centre: storage",
        ]
    );
}

/// A clock that stands.
struct Now(Timestamp);

#[async_trait::async_trait]
impl tallyline_core::clock::Clock for Now {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: std::time::Duration) {}

    async fn alongside(&self, _: std::time::Duration) {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_check_says_who_and_how_many_and_which_right_the_key_lacks() {
    let sim = start(|_| {}).await;
    let identity = source(&sim).check().await.unwrap();
    assert_eq!(identity.subject, "Example MSP");
    assert_eq!(
        identity.verified,
        [
            "3 accounts can be listed",
            "2 services of the first account can be listed"
        ]
    );
    assert!(identity.warnings.is_empty());
    let denied = start(|state| {
        state.denied.insert("services".to_owned());
        state.accounts.clear();
    })
    .await;
    let identity = source(&denied).check().await.unwrap();
    assert!(
        identity.warnings[0].contains("Service Management"),
        "{identity:?}"
    );
    let denied = start(|state| {
        state.denied.insert("services".to_owned());
    })
    .await;
    let error = source(&denied).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}
