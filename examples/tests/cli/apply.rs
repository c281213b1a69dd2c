//! `apply` and `status`.

use std::process::{Command, Stdio};
use std::time::Duration;

use tallyline_testkit::book::BookCase;
use tallyline_testkit::faults::{Fault, Match};

use crate::plan::unblock;
use crate::support::{Run, World};

#[test]
fn apply_carries_out_what_is_not_blocked_and_proves_it() {
    let world = World::mapped();
    world.run(&["plan"]);
    let run = world.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, 3, "only blocked ones remain: {run:?}");
    assert!(
        run.out.contains("4 changes are done; each was read back"),
        "{run:?}"
    );
    assert!(run.out.contains("read back: "), "{run:?}");
    assert_eq!((world.writes(), world.attempts_to_write()), (4, 4));
    let (code, document) = world.json(&["plan"]);
    assert_eq!((code, &document["summary"]["ready"]), (3, &0.into()));
}

#[test]
fn apply_exits_with_zero_when_everything_is_done() {
    let world = World::mapped();
    unblock(&world);
    world.run(&["plan"]);
    let (code, document) = world.json(&["apply", "plan.json", "--yes"]);
    assert_eq!(code, 0, "{document}");
    let totals = &document["report"]["totals"];
    assert_eq!(totals["done"].as_u64().unwrap() as usize, world.writes());
    let (code, document) = world.json(&["status"]);
    assert_eq!(code, 0);
    assert_eq!(document["runs"][0]["open"].as_array().unwrap().len(), 0);
}

#[test]
fn nothing_is_written_unless_somebody_says_yes() {
    let world = World::mapped();
    world.run(&["plan"]);
    let run = world.run(&["apply", "plan.json"]);
    run.is_error_saying(&["nothing was written", "--yes"]);
    assert_eq!(world.attempts_to_write(), 0);
}

/// The ids of two changes that nothing speaks against, on two agreements.
fn two_ready(world: &World) -> [String; 2] {
    let (_, document) = world.json(&["plan"]);
    let changes = document["plan"]["changes"].as_array().unwrap();
    let mut ready = changes.iter().filter(|change| change["blocks"].is_null());
    let one = ready.next().unwrap();
    let other = ready.find(|other| other["agreement"] != one["agreement"]);
    [one, other.unwrap()].map(|change| change["id"].as_str().unwrap().to_owned())
}

/// An `apply` that has written its one change and waits for the answer to its read-back.
fn apply_at_work(world: &World, change: &str) -> std::process::Child {
    let slow = Fault::delay(Duration::from_secs(600));
    world
        .psa
        .faults()
        .on(Match::get("/additions").after(1).once(), slow);
    let child = world
        .command(&["apply", "plan.json", "--yes", "--only", change])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while world.psa.faults().struck() == 0 {
        std::thread::yield_now();
    }
    child
}

#[test]
fn two_applies_work_side_by_side_on_one_journal_and_leave_to_each_other_what_is_in_hand() {
    let world = World::mapped();
    let ready = two_ready(&world);
    let mut first = apply_at_work(&world, &ready[0]);
    assert_eq!(world.writes(), 1);
    let same = world.run(&["apply", "plan.json", "--yes", "--only", &ready[0]]);
    same.is_error_saying(&["is at work", "--resume"]);
    let other = world.run(&["apply", "plan.json", "--yes", "--only", &ready[1]]);
    assert_eq!(other.code, 0, "{other:?}");
    let resumed = world.run(&["apply", "--resume"]);
    assert_eq!(resumed.code, 1, "its outcome is not known: {resumed:?}");
    assert!(resumed.out.contains("is at work on the"), "{resumed:?}");
    assert_eq!((world.writes(), world.attempts_to_write()), (2, 2));

    // It dies: what it had in hand is taken over at once, its lease's time notwithstanding.
    first.kill().unwrap();
    first.wait().unwrap();
    let resumed = world.run(&["apply", "--resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(
        resumed.out.contains("reading back settled it"),
        "{resumed:?}"
    );
    assert_eq!((world.writes(), world.attempts_to_write()), (2, 2));
}

#[test]
fn what_another_run_of_the_plan_has_done_is_not_open() {
    let world = World::mapped();
    for id in two_ready(&world) {
        let run = world.run(&["apply", "plan.json", "--yes", "--only", &id]);
        assert_eq!(run.code, 0, "{run:?}");
    }
    let (_, document) = world.json(&["status"]);
    let of_both = |what: &str| [0, 1].map(|at| document["runs"][at][what].clone());
    assert_eq!(of_both("done_elsewhere"), [1, 1]);
    let [one, other] = of_both("open");
    assert_eq!(one, other);
    let said = world.run(&["status"]).out;
    assert!(
        said.contains("1 more by another run of the same plan"),
        "{said}"
    );
}

#[test]
fn after_the_deadline_nothing_begins_and_the_rest_can_be_resumed() {
    let world = World::mapped();
    world.run(&["plan"]);
    let run = world.run(&["apply", "plan.json", "--yes", "--deadline", "0"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.out.contains("the run's deadline came"), "{run:?}");
    assert_eq!(world.attempts_to_write(), 0);
    let resumed = world.run(&["apply", "--resume", "--deadline", "60"]);
    assert_eq!(resumed.code, 3, "only blocked ones remain: {resumed:?}");
    assert_eq!(world.writes(), 4);
}

#[test]
fn a_plan_is_carried_out_once() {
    let world = World::mapped();
    world.run(&["plan"]);
    world.run(&["apply", "plan.json", "--yes"]);
    let again = world.run(&["apply", "plan.json", "--yes"]);
    again.is_error_saying(&["was carried out", "make a new plan"]);
    assert_eq!(world.attempts_to_write(), 4);
}

#[test]
fn a_blocked_change_needs_a_reason_and_a_name() {
    let world = World::mapped();
    let (_, document) = world.json(&["plan"]);
    let changes = document["plan"]["changes"].as_array().unwrap();
    let id_of = |guard: &str| {
        let found = changes
            .iter()
            .find(|change| change["blocks"][0]["guard"] == guard);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let id = id_of("commitment_floor");
    let apply = |more: &[&str]| {
        let mut args = vec!["apply", "plan.json", "--yes"];
        args.extend(more);
        world.run(&args)
    };
    let reason = format!("{id}=the client has cancelled");
    let nameless = apply(&["--override", &reason]);
    assert_eq!(nameless.code, 1, "{nameless:?}");
    assert!(nameless.err.contains("--by"), "{nameless:?}");
    apply(&["--override", &id, "--by", "Dana"]).is_error_saying(&["say why"]);
    apply(&["--override", "ffff0000=x", "--by", "Dana"])
        .is_error_saying(&["no change", "ffff0000"]);
    assert_eq!(world.attempts_to_write(), 0);
    let short = format!("{}=the client has cancelled", &id[..10]);
    let run = apply(&["--override", &short, "--by", "Dana"]);
    assert_eq!(run.code, 3, "the other one stays blocked: {run:?}");
    assert_eq!(world.writes(), 5);
    let (_, document) = world.json(&["status"]);
    assert_eq!(
        document["runs"][0]["run"]["approval"]["overrides"][&id],
        serde_json::json!({"by": "Dana", "why": "the client has cancelled"})
    );
}

#[test]
fn a_plan_is_approved_line_by_line_and_the_rest_of_it_later() {
    let world = World::mapped();
    let ready = two_ready(&world);
    let (one, other) = (ready[0].as_str(), ready[1].as_str());
    let only = |ids: &[&str]| {
        let mut args = vec!["apply", "plan.json", "--yes"];
        args.extend(ids.iter().flat_map(|id| ["--only", id]));
        world.run(&args)
    };
    only(&["ffff0000"]).is_error_saying(&["--only ffff0000", "no change"]);
    assert_eq!(world.attempts_to_write(), 0);
    let run = only(&[&one[..12]]);
    assert_eq!(run.code, 0, "what was approved is done: {run:?}");
    assert!(
        run.out.contains("5 not approved, nothing written"),
        "{run:?}"
    );
    assert_eq!(world.writes(), 1);
    only(&[one, other]).is_error_saying(&["was carried out"]);
    assert_eq!(only(&[other]).code, 0);
    assert_eq!((world.writes(), world.attempts_to_write()), (2, 2));
}

#[test]
fn b21_a_right_that_is_missing_for_writing_fails_each_change_by_name() {
    let world = World::mapped();
    world.run(&["plan"]);
    world.psa.with_state(|state| {
        state.rights.agreements.edit = false;
        state.rights.agreements.add = false;
    });
    let run = world.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("4 failed"), "{run:?}");
    let words: Vec<&str> = run.out.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains("Finance / Agreements needs Edit"), "{run:?}");
    assert_eq!(world.writes(), 0);
}

#[test]
fn an_edit_by_a_person_since_the_plan_wins() {
    let world = World::mapped();
    world.run(&["plan"]);
    let note = world.book.case(BookCase::Increase).unwrap();
    world.psa.with_state(|state| {
        state.edit_addition(note.addition_ids[0], |addition| {
            addition.quantity = 1000.into();
        });
    });
    let run = world.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.out.contains("the PSA was changed since the plan"),
        "{run:?}"
    );
    assert_eq!(world.writes(), 3);
}

#[test]
fn a_lost_answer_is_settled_by_reading_back_and_nothing_is_written_twice() {
    let world = World::mapped();
    world.run(&["plan"]);
    world
        .psa
        .faults()
        .on(Match::patch("/additions").once(), Fault::lose_answer());
    let run = world.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains("reading back settled it"), "{run:?}");
    assert_eq!((world.writes(), world.attempts_to_write()), (4, 4));
}

/// A plan of one change, whose write loses its answer and cannot be read back.
fn one_change_whose_answer_is_lost(world: &World) {
    let note = world.book.case(BookCase::Increase).unwrap();
    let mut mapping = world.mapping();
    for link in &world.book.expected_mapping().accounts {
        if link.customer_id != note.customer_id {
            mapping.clear_account(&link.customer_id.as_str().into());
        }
    }
    world.write("mapping.toml", &mapping.to_toml().unwrap());
    assert_eq!(world.run(&["plan"]).code, 2);
    let faults = world.psa.faults();
    faults.on(Match::patch("/additions").once(), Fault::lose_answer());
    faults.on(Match::get("/additions").after(1), Fault::status(500));
}

#[test]
fn a_write_whose_outcome_is_not_known_stays_so_until_reading_back_settles_it() {
    let world = World::mapped();
    one_change_whose_answer_is_lost(&world);
    let faults = world.psa.faults();
    let run = world.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.out.contains("1 may or may not have been written"),
        "{run:?}"
    );
    let status = world.run(&["status"]);
    assert!(
        status
            .out
            .contains("1 change may or may not have been written"),
        "{status:?}"
    );
    let again = world.run(&["apply", "plan.json", "--yes"]);
    again.is_error_saying(&["was interrupted", "--resume"]);
    faults.clear();
    let resumed = world.run(&["apply", "--resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!((world.writes(), world.attempts_to_write()), (1, 1));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_settles_what_is_in_hand_and_can_go_on() {
    let world = World::mapped();
    unblock(&world);
    // One change on each account, more than are in hand at once.
    world.vendor.with_state(|state| {
        let customers: Vec<String> = state.customers.iter().map(|c| c.id.clone()).collect();
        for customer in customers {
            if let Some(first) = state
                .subscriptions
                .iter_mut()
                .find(|s| s.customer_id == customer)
            {
                first.quantity += 1;
            }
        }
    });
    world.run(&["plan"]);
    let slow = Fault::delay(Duration::from_millis(400));
    world.psa.faults().on(Match::patch("/additions"), slow);
    let child = world
        .command(&["apply", "plan.json", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while world.attempts_to_write() == 0 {
        std::thread::yield_now();
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stopped = Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert_eq!(stopped.code, 2, "{stopped:?}");
    assert!(
        stopped
            .out
            .contains("Go on with `tallyline apply --resume --run run-"),
        "{stopped:?}"
    );
    world.psa.faults().clear();
    let again = world.run(&["apply", "plan.json", "--yes"]);
    again.is_error_saying(&["was interrupted", "--resume"]);
    let resumed = world.run(&["apply", "plan.json", "--resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(
        world.writes(),
        world.attempts_to_write(),
        "nothing was written twice"
    );
    let (code, document) = world.json(&["plan"]);
    assert_eq!(code, 0, "{}", document["summary"]);
    world
        .run(&["apply", "--resume"])
        .is_error_saying(&["no interrupted run"]);
}

#[test]
fn a_plan_of_another_system_is_refused() {
    let world = World::mapped();
    world.run(&["plan"]);
    let status = world.run(&["status"]).out;
    assert!(status.ends_with("\nnothing was applied yet\n"), "{status}");
    let text = world.read("plan.json");
    let plan = tallyline_core::plan::Plan::from_text(&text).unwrap();
    let mut content = plan.content().clone();
    content.source = "elsewhere".to_owned();
    let other = tallyline_core::plan::Plan::new(content).unwrap();
    world.write("plan.json", &other.to_text().unwrap());
    let run = world.run(&["apply", "plan.json", "--yes"]);
    run.is_error_saying(&["elsewhere", "[source]"]);
    assert_eq!(world.attempts_to_write(), 0);
}

/// A run whose one write is lost and not settled, and a run of a new plan that waits for it.
fn one_waits_for_the_other(world: &World) -> [String; 2] {
    one_change_whose_answer_is_lost(world);
    let note = world.book.case(BookCase::Increase).unwrap();
    let faults = world.psa.faults();
    world.run(&["apply", "plan.json", "--yes"]);
    faults.clear();
    world.vendor.with_state(|state| {
        let own = state.subscription_mut(&note.subscription_ids[0]);
        own.unwrap().quantity += 1;
    });
    assert_eq!(world.run(&["plan"]).code, 2);
    let waits = world.run(&["apply", "plan.json", "--yes"]);
    assert!(waits.out.contains("to be resumed first"), "{waits:?}");
    let (_, document) = world.json(&["status"]);
    [1, 0].map(|at| {
        let id = document["runs"][at]["run"]["id"].as_str().unwrap();
        id.to_owned()
    })
}

#[test]
fn of_runs_that_wait_for_each_other_a_person_names_the_one_to_go_on_with() {
    let world = World::mapped();
    let [first, second] = one_waits_for_the_other(&world);
    let which = world.run(&["apply", "--resume"]);
    which.is_error_saying(&[
        "2 runs were interrupted",
        "the oldest first",
        &first,
        &second,
    ]);
    let status = world.run(&["status"]);
    for run in [&first, &second] {
        let command = format!("tallyline apply --resume --run {run}");
        assert!(status.out.contains(&command), "{status:?}");
    }
    let unknown = world.run(&["apply", "--resume", "--run", "no-such"]);
    unknown.is_error_saying(&["no interrupted run no-such"]);
    for run in [&first, &second] {
        let resumed = world.run(&["apply", "--resume", "--run", run]);
        assert!(resumed.code < 2, "{resumed:?}");
    }
    let none = world.run(&["apply", "--resume"]);
    none.is_error_saying(&["no interrupted run"]);
}
