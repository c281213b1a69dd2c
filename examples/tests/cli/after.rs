//! What comes after a run: `status`, `retry`, `undo` and `history`.

use std::collections::BTreeMap;

use tallyline_testkit::book::BookCase;
use tallyline_testkit::faults::{Fault, Match};

use crate::support::World;

/// Quantity, cost and price of the open lines, by agreement and product.
fn billed(world: &World) -> BTreeMap<(i64, i64), Vec<String>> {
    world.psa.with_state(|state| {
        let mut billed: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for line in state
            .additions
            .values()
            .filter(|line| line.cancelled_date.is_none())
        {
            let amounts = [line.quantity, line.unit_cost, line.unit_price];
            let words = amounts.map(|amount| amount.normalize().to_string());
            let of_product = billed.entry((line.agreement_id, line.product_id));
            of_product.or_default().push(words.join(" "));
        }
        billed
    })
}

fn may_write(world: &World, may: bool) {
    world.psa.with_state(|state| {
        state.rights.agreements.edit = may;
        state.rights.agreements.add = may;
    });
}

/// Plans and applies; gives the run's id.
fn applied(world: &World) -> String {
    world.run(&["plan"]);
    world.run(&["apply", "plan.json", "--yes"]);
    last_run(world)
}

fn last_run(world: &World) -> String {
    let (_, document) = world.json(&["status"]);
    document["runs"][0]["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn b19_status_says_what_is_left_of_a_run_why_and_which_command_does_it() {
    let world = World::mapped();
    may_write(&world, false);
    let run = applied(&world);
    let status = world.run(&["status"]);
    assert_eq!(status.code, 0, "{status:?}");
    for text in [
        "0 of 6 changes done",
        "3 changes refused by the PSA, nothing was written",
        "changing additions failed: permission denied (403",
        "to do: mend what the reason names, then bring it again",
        &format!("tallyline retry {run}"),
        "leave it, or make a new plan and override the block by name",
    ] {
        assert!(status.out.contains(text), "`{text}` is not in {status:?}");
    }
    let (_, document) = world.json(&["status"]);
    let open = document["runs"][0]["open"].as_array().unwrap();
    assert_eq!(open.len(), 6);
    assert_eq!(
        open.iter()
            .filter(|open| open["remedy"] == "mend_and_retry")
            .count(),
        4
    );
}

#[test]
fn b20_retry_brings_again_what_failed_on_the_earlier_approval_and_nothing_else() {
    let world = World::mapped();
    may_write(&world, false);
    let run = applied(&world);
    may_write(&world, true);
    let (code, document) = world.json(&["retry", &run]);
    assert_eq!(code, 2, "{document}");
    let changes = &document["plan"]["plan"]["changes"];
    assert_eq!(
        changes.as_array().unwrap().len(),
        4,
        "blocked ones are not in it"
    );
    assert_eq!(document["plan"]["plan"]["origin"]["run"], run.as_str());
    assert_eq!(document["approved"].as_array().unwrap().len(), 4);
    assert_eq!(world.writes(), 0);

    let retried = world.run(&["retry", &run, "--apply", "--yes"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!((world.writes(), last_run(&world) != run), (4, true));
    let again = world.run(&["retry", &run]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("it has landed meanwhile"), "{again:?}");
    assert!(
        again.out.contains("Nothing is left to bring again"),
        "{again:?}"
    );
}

#[test]
fn a_retry_keeps_its_deadline_and_what_is_left_of_it_can_be_resumed() {
    let world = World::mapped();
    may_write(&world, false);
    let run = applied(&world);
    may_write(&world, true);
    let late = world.run(&["retry", &run, "--apply", "--yes", "--deadline", "0"]);
    assert_eq!(late.code, 2, "{late:?}");
    assert!(late.out.contains("the run's deadline came"), "{late:?}");
    assert_eq!(world.writes(), 0);
    let resumed = world.run(&["apply", "--resume", "--deadline", "60"]);
    assert_eq!((resumed.code, world.writes()), (0, 4), "{resumed:?}");
}

#[test]
fn what_has_grown_since_waits_for_a_new_approval_with_both_figures() {
    let world = World::mapped();
    may_write(&world, false);
    let run = applied(&world);
    may_write(&world, true);
    let note = world.book.case(BookCase::Increase).unwrap();
    world.vendor.with_state(|state| {
        state
            .subscription_mut(&note.subscription_ids[0])
            .unwrap()
            .quantity += 4;
    });
    let retried = world.run(&["retry", &run, "--apply", "--yes"]);
    assert_eq!(retried.code, 0, "what is covered is done: {retried:?}");
    assert!(
        retried.err.contains("wait for a new approval (1)"),
        "{retried:?}"
    );
    assert!(retried.err.contains("approved is"), "{retried:?}");
    assert_eq!(world.writes(), 3);
    let (_, document) = world.json(&["plan"]);
    assert_eq!(
        document["summary"]["ready"], 1,
        "the rest is planned as ever"
    );
}

#[test]
fn a_run_that_is_not_finished_is_resumed_before_it_is_retried() {
    let world = World::mapped();
    world.run(&["plan"]);
    let faults = world.psa.faults();
    faults.on(Match::patch("/additions").once(), Fault::lose_answer());
    faults.on(Match::get("/additions").after(4), Fault::status(500));
    world.run(&["apply", "plan.json", "--yes"]);
    let run = last_run(&world);
    faults.clear();
    let refused = world.run(&["retry", &run]);
    refused.is_error_saying(&["resumed first", "quantity"]);
}

#[test]
fn an_undo_is_a_plan_that_gives_back_what_was_billed_and_can_be_undone() {
    let world = World::mapped();
    let before = billed(&world);
    let run = applied(&world);
    let after = billed(&world);
    assert_ne!(before, after);
    let writes = world.attempts_to_write();
    let undo = world.run(&["undo", &run, "--out", "undo.json"]);
    assert_eq!(undo.code, 2, "{undo:?}");
    assert!(undo.out.contains(&format!("Undo of run {run}")), "{undo:?}");
    assert!(undo.out.contains("tallyline apply undo.json"), "{undo:?}");
    assert_eq!(
        world.attempts_to_write(),
        writes,
        "an undo is planned, not written"
    );
    assert_eq!(world.run(&["apply", "undo.json", "--yes"]).code, 0);
    assert_eq!(billed(&world), before);

    let undoing = last_run(&world);
    let again = world.run(&["undo", &run]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(
        again
            .out
            .contains(&format!("run {undoing} took it back already")),
        "{again:?}"
    );
    assert_eq!(world.run(&["undo", &undoing]).code, 2);
    assert_eq!(world.run(&["apply", "undo-plan.json", "--yes"]).code, 0);
    assert_eq!(billed(&world), after);
}

#[test]
fn after_a_retry_each_run_is_undone_for_itself_and_the_earlier_approval_is_used_up() {
    let world = World::mapped();
    let before = billed(&world);
    may_write(&world, false);
    let run = applied(&world);
    may_write(&world, true);
    let retried = world.run(&["retry", &run, "--apply", "--yes"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    let retry = last_run(&world);
    let after = billed(&world);
    assert_ne!(before, after);

    // The first run wrote nothing, and has nothing to take back.
    let undo = world.run(&["undo", &run]);
    assert!(undo.out.contains("Nothing can be taken back"), "{undo:?}");
    let undo = world.run(&["undo", &retry]);
    assert_eq!(undo.code, 2, "{undo:?}");
    assert_eq!(world.run(&["apply", "undo-plan.json", "--yes"]).code, 0);
    assert_eq!(billed(&world), before);

    // What was written since took the approval of the first run with it.
    let writes = world.attempts_to_write();
    let again = world.run(&["retry", &run, "--apply", "--yes"]);
    assert!(
        again.err.contains("nothing of it can be carried out"),
        "{again:?}"
    );
    assert_eq!(world.attempts_to_write(), writes);
    let undone = last_run(&world);
    world
        .run(&["retry", &undone])
        .is_error_saying(&["is an undo"]);
    assert_eq!(billed(&world), before);
}

#[test]
fn what_cannot_be_taken_back_stands_beside_the_plan_with_its_reason() {
    let world = World::mapped();
    let run = applied(&world);
    let note = world.book.case(BookCase::Increase).unwrap();
    world.psa.with_state(|state| {
        state.edit_addition(note.addition_ids[0], |addition| {
            addition.quantity = 1000.into();
        });
    });
    let (code, document) = world.json(&["undo", &run]);
    assert_eq!(code, 2, "{document}");
    let refused = document["refused"].as_array().unwrap();
    let changed: Vec<_> = refused
        .iter()
        .filter(|refused| refused["refusal"]["type"] == "changed_since")
        .collect();
    assert_eq!(changed.len(), 1, "{document}");
    let undo = world.run(&["undo", &run]);
    assert!(
        undo.out
            .contains("Not taken back, a person has to look (1)"),
        "{undo:?}"
    );
    assert!(undo.out.contains("quantity is 1000"), "{undo:?}");
    assert!(
        undo.out
            .contains("2 changes: there is nothing to take back"),
        "{undo:?}"
    );
}

#[test]
fn history_tells_every_change_in_text_csv_and_json() {
    let world = World::mapped();
    assert_eq!(world.run(&["history"]).out, "");
    let run = applied(&world);
    world.run(&["undo", &run]);
    world.run(&["apply", "undo-plan.json", "--yes", "--by", "Dana"]);
    let text = world.run(&["history"]);
    assert_eq!(text.code, 0, "{text:?}");
    for said in [
        "approved  by test",
        "approved  by Dana",
        "undoes",
        "written and read back",
        &run,
    ] {
        assert!(text.out.contains(said), "`{said}` is not in {text:?}");
    }
    assert!(
        text.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        text.out
    );

    let (_, entries) = world.json(&["history"]);
    let entries = entries.as_array().unwrap();
    assert!(entries.len() > 4);
    let undoing = last_run(&world);
    let mut runs: Vec<&str> = entries.iter().map(|e| e["run"].as_str().unwrap()).collect();
    runs.dedup();
    assert_eq!(runs, [&run, &undoing], "the newest stands last");
    let line = entries[0]["line"].as_str().unwrap();
    let (_, of_line) = world.json(&["history", "--line", line]);
    let of_line = of_line.as_array().unwrap();
    assert!(of_line.len() >= 2 && of_line.len() < entries.len());
    assert!(of_line.iter().all(|entry| entry["line"] == line));
    let agreement = entries[0]["agreement"].as_str().unwrap();
    let (_, of_agreement) = world.json(&["history", "--agreement", agreement]);
    assert!(
        of_agreement
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["agreement"] == agreement)
    );
    let (_, later) = world.json(&["history", "--since", "2999-01-01"]);
    assert_eq!(later.as_array().unwrap().len(), 0);

    let csv = world.run(&["history", "--format", "csv"]);
    let mut lines = csv.out.lines();
    let titles = lines.next().unwrap();
    assert!(titles.contains("quantity before (units)"), "{titles}");
    assert_eq!(lines.count(), entries.len());
}

#[test]
fn a_run_that_is_not_there_is_named() {
    let world = World::mapped();
    for command in ["retry", "undo"] {
        world
            .run(&[command, "run-x"])
            .is_error_saying(&["no run run-x", "tallyline status"]);
    }
}

#[test]
fn item_8_of_changes_approved_together_each_has_its_outcome_and_history_says_who_when_and_what() {
    let world = World::mapped();
    world.run(&["plan"]);
    let increase = world.book.case(BookCase::Increase).unwrap();
    world.psa.with_state(|state| {
        state.edit_addition(increase.addition_ids[0], |addition| {
            addition.quantity = 1000.into();
        });
    });
    let (_, document) = world.json(&["apply", "plan.json", "--yes", "--by", "Dana"]);
    let totals = &document["report"]["totals"];
    let done = totals["done"].as_u64().unwrap();
    assert!(done > 0, "{totals}");
    assert_eq!(
        (&totals["drifted"], &totals["blocked"]),
        (&1.into(), &2.into())
    );

    let (_, history) = world.json(&["history"]);
    let entries = history.as_array().unwrap();
    assert_eq!(
        entries.len() as u64,
        done,
        "what was not written has no history"
    );
    for entry in entries {
        assert_eq!(entry["approved_by"], "Dana");
        for told in ["at", "action", "effective", "reason", "usage"] {
            assert!(!entry[told].is_null(), "{told} of {entry}");
        }
        let action = &entry["action"];
        let absolute = ["to", "quantity", "last_day"];
        assert!(
            absolute.iter().any(|what| !action[what].is_null()),
            "{action}"
        );
        if action["type"] == "set_quantity" {
            assert_ne!(action["from"], action["to"], "{action}");
        }
    }
}
