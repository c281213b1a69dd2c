//! Many readings: on any number of threads, one by one or at once, whole or settled piece by piece.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../benches/world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use tallyline_core::ErrorKind;
use tallyline_core::model::ChargeKind;
use tallyline_core::plan::Plan;
use tallyline_core::reconcile::{Comparison, Kind, Reconciler, Row};
use world::World;

/// More lines than are sorted at once.
const MANY: u32 = 7_000;

fn reconciler<'a>(
    world: &'a World,
    book: &'a tallyline_core::reconcile::PsaBook,
) -> Reconciler<'a> {
    Reconciler::new(&world.mapping, book, world.now.date())
}

/// All that a row says.
fn words(row: Row<'_>) -> String {
    let evidence: Vec<String> = row
        .evidence()
        .map(|line| {
            format!(
                "{} {} {:?}",
                row.account_of(&line),
                row.service_of(&line),
                line.key()
            )
        })
        .collect();
    let (product, kind) = (row.product(), row.kind());
    format!(
        "{product} {kind:?} {:?} {:?} {evidence:?}",
        row.vendor(),
        row.psa()
    )
}

fn rows(comparison: &Comparison<'_>) -> Vec<(String, String)> {
    let rows = comparison.rows();
    rows.map(|row| (row.agreement().id.to_string(), words(row)))
        .collect()
}

#[test]
fn a_plan_is_the_same_to_the_byte_on_any_number_of_threads_and_however_the_readings_come() {
    let world = World::of_accounts(MANY).unwrap();
    let book = world.book(world.lines.clone());
    let plan = |comparison: &Comparison<'_>| world.plan(comparison).unwrap().to_text().unwrap();
    let mut texts = Vec::new();
    for threads in [1, 2, 5] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let mut at_once = reconciler(&world, &book).with_threads(threads);
        at_once.observe_all(&world.readings).unwrap();
        texts.push(plan(&at_once.finish()));
        let mut one_by_one = reconciler(&world, &book).with_threads(threads);
        for reading in world.readings.iter().rev() {
            one_by_one.observe(reading.clone()).unwrap();
        }
        texts.push(plan(&one_by_one.finish()));
    }
    assert!(texts[0].len() > 1_000_000, "{} bytes", texts[0].len());
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[test]
fn an_edit_of_any_change_of_a_long_plan_is_noticed_and_so_is_a_change_that_moved() {
    let world = World::of_accounts(1_200).unwrap();
    let book = world.book(world.lines.clone());
    let comparison = world.compare(&book, NonZeroUsize::MIN).unwrap();
    let plan = world.plan(&comparison).unwrap();
    let changes = plan.changes();
    assert!(changes.len() > 600, "{} changes", changes.len());
    let text = plan.to_text().unwrap();
    for at in [0, 255, 256, changes.len() - 1] {
        let reason = serde_json::to_string(&changes[at].reason).unwrap();
        let id = changes[at].id.as_str();
        let from = text.find(&format!("\"id\": \"{id}\"")).unwrap();
        let (head, tail) = text.split_at(from);
        let edited = format!("{head}{}", tail.replacen(&reason, "\"edited\"", 1));
        assert_ne!(edited, text);
        let error = Plan::from_text(&edited).unwrap_err();
        assert!(error.to_string().contains("was changed after"), "{error}");
    }
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let moved = file["plan"]["changes"].as_array_mut().unwrap();
    moved.swap(255, 256);
    let error = Plan::from_text(&file.to_string()).unwrap_err();
    assert!(error.to_string().contains("was changed after"), "{error}");
}

#[test]
fn what_is_settled_and_what_is_left_are_together_what_is_found_at_once() {
    let world = World::of_accounts(60).unwrap();
    let book = world.book(world.lines.clone());
    let whole = world.compare(&book, NonZeroUsize::MIN).unwrap();
    let mut pieces = reconciler(&world, &book);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |comparison: &Comparison<'_>| {
        for (agreement, words) in rows(comparison) {
            found.entry(agreement).or_default().push(words);
        }
        comparison.rows().len()
    };
    let mut settled = Vec::new();
    for (at, reading) in world.readings.iter().enumerate().take(59) {
        pieces.observe(reading.clone()).unwrap();
        if at % 20 == 10 {
            settled.push(add(&pieces.settled()));
        }
    }
    let last = pieces.finish();
    assert_eq!(settled, [110, 200, 200]);
    // The account that was not read is told, and its agreement's rows with it.
    assert_eq!(last.unplaced().len(), 1);
    add(&last);
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (agreement, words) in rows(&whole) {
        wanted.entry(agreement).or_default().push(words);
    }
    let unread = (found.remove("A59").unwrap(), wanted.remove("A59").unwrap());
    assert!(unread.0.iter().all(|words| words.contains("NotObserved")));
    assert_eq!(found, wanted);
}

#[test]
fn nothing_is_taken_in_of_readings_of_which_two_are_of_one_account() {
    let world = World::of_accounts(3).unwrap();
    let book = world.book(world.lines.clone());
    let mut twice = world.readings.clone();
    twice.push(world.readings[1].clone());
    let mut reconciler = reconciler(&world, &book);
    let error = reconciler.observe_all(&twice).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("acct-00000001"), "{error}");
    reconciler.observe_all(&world.readings).unwrap();
    assert_eq!(
        rows(&reconciler.finish()),
        rows(&world.compare(&book, NonZeroUsize::MIN).unwrap())
    );
}

#[test]
fn what_few_readings_say_is_found_on_any_number_of_threads_and_however_they_come() {
    let world = World::of_accounts(9_000).unwrap();
    let book = world.book(world.lines.clone());
    let mut readings = world.readings.clone();
    for (at, reading) in readings.iter_mut().enumerate() {
        match at % 50 {
            7 => reading.unread_kinds.push(ChargeKind::Recurring),
            17 => drop(
                reading
                    .unobserved
                    .insert("SKU-00001".into(), "no answer".into()),
            ),
            27 => drop(reading.exported.insert("SKU-00002".into())),
            37 => reading.account = format!("stranger-{at}").as_str().into(),
            _ => {}
        }
    }
    let words = |comparison: &Comparison<'_>| {
        let found = (comparison.counts(), comparison.unplaced().to_vec());
        (rows(comparison), found)
    };
    let mut one_by_one = reconciler(&world, &book);
    for reading in &readings {
        one_by_one.observe(reading.clone()).unwrap();
    }
    let wanted = words(&one_by_one.finish());
    assert!(wanted.1.0.contains_key(&Kind::NotObserved));
    assert!(wanted.1.0.contains_key(&Kind::Unmapped));
    for threads in [1, 2, 7] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let mut at_once = reconciler(&world, &book).with_threads(threads);
        at_once.observe_all(&readings).unwrap();
        assert!(words(&at_once.finish()) == wanted, "{threads} threads");
    }
}
