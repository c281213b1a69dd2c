use proptest::prelude::*;

use super::*;

const FULL: Counts = Counts::new(2, 3);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn failed(second: i64) -> Event {
    Event::SyncFailed {
        at: at(second),
        failure: ReadFailure::new(ErrorKind::Unavailable, "no answer"),
    }
}

fn events() -> Vec<Event> {
    vec![
        Event::Connected,
        Event::Disconnected,
        Event::DirectoriesRead(FULL),
        Event::MappingChanged(FULL),
        Event::MappingChanged(Counts::default()),
        Event::FinishRequested,
        Event::SyncStarted,
        Event::SyncSucceeded { at: at(1) },
        failed(2),
        Event::Disabled,
        Event::Enabled,
    ]
}

fn integration(state: State) -> Integration {
    let full = !matches!(
        state,
        State::Disconnected | State::Authenticated | State::Pending
    );
    Integration {
        state,
        resume: (state == State::Disabled).then_some(State::Active),
        linked: if full { FULL } else { Counts::default() },
        ..Integration::new()
    }
}

#[test]
fn every_event_in_every_state_leads_where_the_table_says() {
    use State::{Active, Authenticated, Disabled, Disconnected, Mapped, Pending, Syncing};
    const NO: Option<State> = None;
    const E: Option<State> = Some(State::Error);
    let table: [(State, [Option<State>; 11]); 8] = [
        // connected, disconnected, directories, mapping full, mapping empty, finish,
        // started, succeeded, failed, disabled, enabled
        (
            Disconnected,
            [
                Some(Authenticated),
                NO,
                NO,
                Some(Disconnected),
                Some(Disconnected),
                NO,
                NO,
                NO,
                NO,
                NO,
                NO,
            ],
        ),
        (
            Authenticated,
            [
                NO,
                Some(Disconnected),
                Some(Pending),
                Some(Authenticated),
                Some(Authenticated),
                NO,
                NO,
                NO,
                NO,
                Some(Disabled),
                NO,
            ],
        ),
        (
            Pending,
            [
                NO,
                Some(Disconnected),
                Some(Pending),
                Some(Mapped),
                Some(Pending),
                NO,
                NO,
                NO,
                NO,
                Some(Disabled),
                NO,
            ],
        ),
        (
            Mapped,
            [
                NO,
                Some(Disconnected),
                Some(Mapped),
                Some(Mapped),
                Some(Pending),
                Some(Syncing),
                NO,
                NO,
                NO,
                Some(Disabled),
                NO,
            ],
        ),
        (
            Syncing,
            [
                NO,
                NO,
                Some(Syncing),
                Some(Syncing),
                Some(Syncing),
                NO,
                NO,
                Some(Active),
                E,
                NO,
                NO,
            ],
        ),
        (
            Active,
            [
                NO,
                Some(Disconnected),
                Some(Active),
                Some(Active),
                Some(Pending),
                NO,
                Some(Syncing),
                NO,
                NO,
                Some(Disabled),
                NO,
            ],
        ),
        (
            State::Error,
            [
                Some(Authenticated),
                Some(Disconnected),
                E,
                E,
                Some(Pending),
                NO,
                Some(Syncing),
                NO,
                NO,
                Some(Disabled),
                NO,
            ],
        ),
        (
            Disabled,
            [
                NO,
                Some(Disconnected),
                NO,
                Some(Disabled),
                Some(Disabled),
                NO,
                NO,
                NO,
                NO,
                NO,
                Some(Active),
            ],
        ),
    ];
    assert_eq!(table.map(|(state, _)| state), State::ALL);
    for (state, row) in table {
        for (event, expected) in events().into_iter().zip(row) {
            let mut subject = integration(state);
            let name = format!("{state} + {event}");
            match (subject.apply(event), expected) {
                (Ok(step), Some(to)) => {
                    assert_eq!((step.from, step.to), (state, to), "{name}");
                    assert_eq!(subject.state(), to, "{name}");
                }
                (Err(_), None) => assert_eq!(subject, integration(state), "{name}"),
                (result, expected) => panic!("{name}: {result:?}, not {expected:?}"),
            }
        }
    }
}

#[test]
fn an_illegal_transition_names_the_state_and_the_event() {
    let error = integration(State::Syncing)
        .apply(Event::Disabled)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.message(),
        "the integration is syncing, where 'disabled' cannot happen: stop the sync and \
         report its end first"
    );
}

#[test]
fn item_2_finishing_is_refused_naming_the_empty_side() {
    for (accounts, services, words) in [
        (0, 0, "no account and no service is linked"),
        (0, 1, "no account is linked"),
        (1, 0, "no service is linked"),
    ] {
        let mut subject = integration(State::Pending);
        let counts = Counts::new(accounts, services);
        subject.apply(Event::MappingChanged(counts)).unwrap();
        let error = subject.apply(Event::FinishRequested).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mapping);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn item_2_finishing_with_one_of_each_starts_exactly_one_sync() {
    let mut subject = integration(State::Pending);
    subject
        .apply(Event::MappingChanged(Counts::new(1, 1)))
        .unwrap();
    assert!(subject.apply(Event::FinishRequested).unwrap().start_sync);
    assert!(subject.apply(Event::FinishRequested).is_err());
    assert!(subject.apply(Event::SyncStarted).is_err());
    let step = subject.apply(Event::SyncSucceeded { at: at(5) }).unwrap();
    assert!(!step.start_sync);
    assert!(subject.apply(Event::FinishRequested).is_err());
}

#[test]
fn the_last_success_and_the_last_failure_are_both_kept() {
    let mut subject = integration(State::Active);
    for event in [
        Event::SyncStarted,
        failed(10),
        Event::SyncStarted,
        Event::SyncSucceeded { at: at(20) },
    ] {
        subject.apply(event).unwrap();
    }
    assert_eq!(subject.last_success(), Some(at(20)));
    assert_eq!(subject.last_failure().map(|last| last.at), Some(at(10)));
}

#[test]
fn links_removed_while_disabled_count_when_it_is_enabled() {
    let mut subject = integration(State::Active);
    for event in [
        Event::Disabled,
        Event::MappingChanged(Counts::new(0, 1)),
        Event::Enabled,
    ] {
        subject.apply(event).unwrap();
    }
    assert_eq!(subject.state(), State::Pending);
}

#[test]
fn it_is_stored_and_read_again() {
    let mut subject = integration(State::Syncing);
    subject.apply(failed(7)).unwrap();
    subject.apply(Event::Disabled).unwrap();
    let json = serde_json::to_string(&subject).unwrap();
    assert_eq!(serde_json::from_str::<Integration>(&json).unwrap(), subject);
    assert_eq!(
        json,
        r#"{"state":"disabled","resume":"error","found":{"accounts":0,"services":0},"linked":{"accounts":2,"services":3},"last_failure":{"at":"1970-01-01T00:00:07Z","failure":{"kind":"unavailable","message":"no answer"}}}"#
    );
}

proptest! {
    #[test]
    fn no_sequence_panics_and_a_sync_starts_only_where_it_may(
        picks in proptest::collection::vec(0..11_usize, 0..60)
    ) {
        let events = events();
        let mut subject = Integration::new();
        for pick in picks {
            let event = events[pick].clone();
            let before = subject.clone();
            match subject.apply(event.clone()) {
                Err(_) => prop_assert_eq!(&subject, &before),
                Ok(step) => {
                    prop_assert_eq!((step.from, step.to), (before.state(), subject.state()));
                    if step.to == State::Syncing && step.from != State::Syncing {
                        let finish = step.from == State::Mapped && event == Event::FinishRequested;
                        let again = matches!(step.from, State::Active | State::Error)
                            && event == Event::SyncStarted;
                        prop_assert!(finish || again);
                        prop_assert_eq!(step.start_sync, finish);
                        prop_assert!(subject.linked().accounts > 0 && subject.linked().services > 0);
                    } else {
                        prop_assert!(!step.start_sync);
                    }
                }
            }
        }
    }
}

#[test]
fn b2_the_billing_mode_is_chosen_once_and_another_is_an_error_that_says_so() {
    let mut integration = Integration::new();
    assert_eq!(integration.billing_mode(), None);
    integration
        .choose_billing_mode(BillingMode::PostBilling)
        .unwrap();
    let error = integration
        .choose_billing_mode(BillingMode::PreBilling)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    for word in ["post_billing", "pre_billing", "cannot be changed"] {
        assert!(error.message().contains(word), "{error}");
    }
    integration
        .choose_billing_mode(BillingMode::PostBilling)
        .unwrap();
    // It is stored with the integration, and taken away by no event.
    let text = serde_json::to_string(&integration).unwrap();
    let mut stored: Integration = serde_json::from_str(&text).unwrap();
    stored.apply(Event::Connected).unwrap();
    stored.apply(Event::Disconnected).unwrap();
    assert_eq!(stored.billing_mode(), Some(BillingMode::PostBilling));
    assert!(stored.choose_billing_mode(BillingMode::PreBilling).is_err());
}

#[test]
fn b1_nothing_is_read_mapped_or_synced_before_the_connection_was_tested() {
    let mut integration = Integration::new();
    for event in [
        Event::DirectoriesRead(Counts::new(3, 3)),
        Event::FinishRequested,
        Event::SyncStarted,
    ] {
        let error = integration.apply(event).unwrap_err();
        assert!(error.message().contains("connect first"), "{error}");
    }
    assert_eq!(integration.state(), State::Disconnected);
    integration.apply(Event::Connected).unwrap();
    integration
        .apply(Event::DirectoriesRead(Counts::new(3, 3)))
        .unwrap();
    assert_eq!(integration.state(), State::Pending);
}

#[test]
fn b9_finishing_the_set_up_on_saved_mappings_starts_one_sync() {
    let mut integration = Integration::new();
    integration.apply(Event::Connected).unwrap();
    integration
        .apply(Event::DirectoriesRead(Counts::new(3, 3)))
        .unwrap();
    let saved = Event::MappingChanged(Counts::new(2, 1));
    assert!(!integration.apply(saved).unwrap().start_sync);
    assert!(
        integration
            .apply(Event::FinishRequested)
            .unwrap()
            .start_sync
    );
    let again = integration.apply(Event::FinishRequested).unwrap_err();
    assert!(again.message().contains("a sync is running"), "{again}");
}
