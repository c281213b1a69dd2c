use tallyline_core::model::Timestamp;

use super::*;

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3600).unwrap()
}

fn began(tenant: &str, hour: i64) -> Entry {
    Entry(Step::Began {
        tenant: tenant.to_owned(),
        at: at(hour),
        pass: 1,
    })
}

fn detail(id: &str) -> Entry {
    let line = format!(
        r#"{{"detail":{{"at":"1970-01-01T00:30:00Z","former":[],"detail":{{"id":"{id}","products":[]}}}}}}"#
    );
    Entry::from_line(&line).unwrap()
}

fn listed(ids: &[&str]) -> Entry {
    let rows: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let line = format!(
        r#"{{"subscriptions":{{"at":"1970-01-01T00:30:00Z","offset":0,"end":{0},"total":{0},"last":true,"rows":[{1}],"broken":[]}}}}"#,
        ids.len(),
        rows.join(",")
    );
    Entry::from_line(&line).unwrap()
}

const HOURS: Duration = Duration::from_secs(6 * 3600);

#[test]
fn a_pass_is_taken_up_while_it_is_young_and_not_over_and_never_that_of_another_tenant() {
    let open = |entries: Vec<Entry>, hour| Pass::of(entries, "t").is_open(at(hour), HOURS);
    assert!(open(vec![began("t", 1)], 7));
    assert!(!open(vec![began("t", 1)], 8));
    assert!(!open(vec![began("t", 1)], 0), "it is of the future");
    assert!(!open(vec![began("t", 1), Entry(Step::Finished)], 2));
    assert!(!open(vec![began("other", 1)], 2));
    assert!(!open(Vec::new(), 2));
    let other = Pass::of(vec![began("other", 1), detail("7"), began("t", 1)], "t");
    assert!(other.details.is_empty());
    let other = Pass::of(
        vec![began("t", 1), detail("7"), began("other", 1), detail("8")],
        "t",
    );
    assert!(other.details.is_empty() && other.began.is_none());
}

#[test]
fn a_new_pass_keeps_the_details_of_what_was_listed_last_and_no_list() {
    let entries = vec![
        began("t", 1),
        listed(&["7"]),
        detail("7"),
        detail("8"),
        Entry(Step::Finished),
    ];
    let renewed = Pass::of(entries, "t").renewed(at(30));
    assert_eq!(renewed.details.keys().collect::<Vec<_>>(), ["7"]);
    assert!(renewed.subscriptions.rows.is_empty() && !renewed.subscriptions.done);
    let entries = renewed.entries("t", at(30));
    assert_eq!(entries.len(), 2);
    let again = Pass::of(entries, "t");
    assert_eq!((again.began, again.details.len()), (Some(at(30)), 1));
    assert_eq!(again.number, 2);
}
