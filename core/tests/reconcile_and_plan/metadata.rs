//! B18: the metadata of accounts in the notes of agreements, at the end of each billing cycle.

use tallyline_core::mapping::AccountEntry;
use tallyline_core::model::{
    ChargeKind, Period, ReadingOutcome, Service, UsageLine, with_note_block,
};
use tallyline_core::plan::{Action, Guard, Plan};
use tallyline_core::reconcile::Kind;

use crate::charges::{DONE, ledger_after};
use crate::world::{World, guards, seats};

const OWNER: &str = "market c-1";

const PEOPLE: &str = "Ask for Ada.\nPO 4711";

fn period(from: &str, to: &str) -> Option<Period> {
    Period::new(from.parse().unwrap(), to.parse().unwrap()).ok()
}

fn licence(key: &str, service: &str, quantity: &str) -> UsageLine {
    let mut line = seats(key, service, quantity).with_subscription(key);
    line.attributes = vec![
        ("commitmentTerm".into(), "Yearly".into()),
        ("status".into(), "Active".into()),
    ];
    line
}

/// Account c-1 of the cycle of March, read on a day; its metadata go into the note of agreement a-1, where
/// people have written.
fn march(today: &str) -> World {
    let lines = vec![
        licence("sub-2", "mail", "12"),
        licence("sub-1", "backup", "3"),
    ];
    let mut world = World::new()
        .account(1)
        .service("mail")
        .service("backup")
        .reads("c-1", lines)
        .on(today.parse().unwrap());
    world
        .services
        .push(Service::new("S-mail", "Mail, Business"));
    world.readings[0].billing_period = period("2026-03-01", "2026-03-31");
    world.agreements[0].note = Some(PEOPLE.to_owned());
    sends(&mut world, "c-1", "a-1");
    world
}

fn sends(world: &mut World, account: &str, agreement: &str) {
    let Some(AccountEntry::Link(mut link)) = world.mapping.account(&account.into()).cloned() else {
        panic!("{account} is not linked");
    };
    link.metadata_to = Some(agreement.into());
    world
        .mapping
        .set_account(account.into(), AccountEntry::Link(link));
}

fn notes(plan: &Plan) -> Vec<(&str, Option<&str>, &str)> {
    let changes = plan.changes().iter();
    let notes = changes.filter_map(|change| match &change.action {
        Action::WriteNote { from, to, .. } => {
            Some((change.agreement.as_str(), from.as_deref(), to.as_str()))
        }
        _ => None,
    });
    notes.collect()
}

fn told(plan: &Plan, kind: Kind) -> Vec<&str> {
    let notices = plan.notices().iter().filter(|notice| notice.kind == kind);
    notices.map(|notice| notice.message.as_str()).collect()
}

const MARCH: &str = "Market, account c-1, billing cycle 2026-03-01 to 2026-03-31 (kept by \
    Tallyline: write outside these marks)\n\
    - 3 x S-backup (S-backup), subscription sub-1: commitmentTerm Yearly; status Active\n\
    - 12 x Mail, Business (S-mail), subscription sub-2: commitmentTerm Yearly; status Active";

#[test]
fn b18_metadata_go_into_the_note_of_the_chosen_agreement_on_the_last_day_of_the_cycle() {
    let plan = march("2026-03-31").plan();
    assert_eq!(notes(&plan), [("a-1", None, MARCH)]);
    let change = plan.changes().last().unwrap();
    assert!(!change.is_blocked(), "{change:?}");
    assert_eq!(change.effective.to_string(), "2026-03-31");
    assert_eq!(change.action.quantities(), None);
}

#[test]
fn b18_before_the_last_day_nothing_is_written_and_the_plan_says_when_it_will_be() {
    let plan = march("2026-03-30").plan();
    assert!(notes(&plan).is_empty());
    let told = told(&plan, Kind::NotDue);
    assert!(
        told.iter().any(|words| words.contains("2026-03-31")),
        "{told:?}"
    );
}

#[test]
fn b18_a_block_that_is_there_is_not_written_again_and_another_takes_its_place() {
    let mut world = march("2026-03-31");
    let note = with_note_block(PEOPLE, OWNER, MARCH).unwrap();
    world.agreements[0].note = Some(note.replace('\n', "\r\n"));
    assert!(notes(&world.plan()).is_empty());
    world.readings[0].billing_period = period("2026-03-02", "2026-03-31");
    let plan = world.plan();
    assert_eq!(notes(&plan)[0].1, Some(MARCH));
}

#[test]
fn b18_a_block_that_somebody_wrote_into_is_replaced_on_a_persons_word_alone() {
    let first = march("2026-03-31");
    let mut world = first.clone();
    world.ledger = ledger_after(&first.plan(), &DONE);
    // Another cycle, so that there is something to write.
    world.readings[0].billing_period = period("2026-03-02", "2026-03-31");
    let after = |block: &str| {
        let mut world = world.clone();
        world.agreements[0].note = with_note_block(PEOPLE, OWNER, block).ok();
        world.plan()
    };
    let last = after(MARCH);
    assert_eq!(notes(&last).len(), 1);
    assert_eq!(guards(&last), []);
    let edited = after(&format!("{MARCH}\nCALL BEFORE RENEWAL"));
    assert_eq!(guards(&edited), [Guard::EditedNote]);
    assert!(
        edited
            .changes()
            .iter()
            .all(|change| change.final_block().is_none())
    );
}

#[test]
fn b18_a_period_that_is_over_or_a_reading_of_before_is_not_written_as_the_cycles_end() {
    let mut world = march("2026-04-02");
    let told_of = |world: &World| told(&world.plan(), Kind::NotObserved).join(" ");
    assert!(notes(&world.plan()).is_empty());
    assert!(
        told_of(&world).contains("which is over"),
        "{}",
        told_of(&world)
    );
    world = march("2026-03-31");
    world.readings[0].data_as_of = "2026-03-27T06:00:00Z".parse().ok();
    assert!(notes(&world.plan()).is_empty());
    assert!(
        told_of(&world).contains("2026-03-27"),
        "{}",
        told_of(&world)
    );
}

#[test]
fn b18_a_cycle_whose_last_day_had_no_sync_is_told() {
    let mut world = march("2026-03-12");
    let february = MARCH.replace("2026-03-01 to 2026-03-31", "2026-02-01 to 2026-02-28");
    for (block, missed) in [(february, false), (MARCH.replace("-03-", "-01-"), true)] {
        world.agreements[0].note = with_note_block(PEOPLE, OWNER, &block).ok();
        let plan = world.plan();
        assert!(notes(&plan).is_empty());
        let told = told(&plan, Kind::NotDue).join(" ");
        assert_eq!(told.contains("ended on 2026-02-28"), missed, "{told}");
    }
}

#[test]
fn b18_what_is_excluded_switched_off_or_not_mapped_is_in_no_note() {
    let mut world = march("2026-03-31").service_with("backup", vec![], false);
    let lines = [
        licence("sub-1", "backup", "3"),
        licence("sub-3", "lab", "4"),
    ];
    let lines = [vec![licence("sub-2", "mail", "12")], lines.into()].concat();
    let period = world.readings[0].billing_period;
    world.readings.clear();
    world = world.reads("c-1", lines);
    world.readings[0].read_at = world.now;
    world.readings[0].billing_period = period;
    let plan = world.plan();
    let (_, _, text) = notes(&plan)[0];
    assert!(text.contains("Mail, Business"), "{text}");
    assert!(!text.contains("backup") && !text.contains("lab"), "{text}");
}

#[test]
fn b18_accounts_of_one_agreement_have_a_block_each() {
    let mut world = march("2026-03-31").link("c-9", 1, true);
    world = world.reads("c-9", vec![licence("sub-9", "mail", "1")]);
    let last = world.readings.last_mut().unwrap();
    last.read_at = world.now;
    last.billing_period = period("2026-03-05", "2026-04-04");
    sends(&mut world, "c-9", "a-1");
    let plan = world.plan();
    assert_eq!(notes(&plan).len(), 1, "the other cycle ends later");
    assert_eq!(notes(&plan)[0].2, MARCH);
}

#[test]
fn b18_what_was_not_read_whole_is_not_written_as_if_it_were_gone() {
    let failed = |world: &mut World| {
        *world = World {
            readings: Vec::new(),
            ..world.clone()
        }
        .fails("c-1");
    };
    let unread = |world: &mut World| world.readings[0].unread_kinds.push(ChargeKind::Recurring);
    let unobserved = |world: &mut World| {
        let reason = ("S-mail".into(), "the list ends early".to_owned());
        world.readings[0].unobserved.extend([reason]);
    };
    let no_period = |world: &mut World| world.readings[0].billing_period = None;
    // Each line its own: nobody can tell where the cycle ends.
    let unlike = |world: &mut World| {
        world.readings[0].billing_period = None;
        if let ReadingOutcome::Complete(lines) = &mut world.readings[0].outcome {
            lines[0].period = period("2026-03-01", "2026-03-31");
        }
    };
    let no_note = |world: &mut World| world.agreements[0].note = None;
    let edits: [&dyn Fn(&mut World); 6] =
        [&failed, &unread, &unobserved, &no_period, &unlike, &no_note];
    for (at, edit) in edits.into_iter().enumerate() {
        let mut world = march("2026-03-31");
        edit(&mut world);
        let plan = world.plan();
        assert!(notes(&plan).is_empty(), "{at}");
        assert!(!told(&plan, Kind::NotObserved).is_empty(), "{at}");
    }
}

#[test]
fn b18_marks_that_a_person_broke_are_left_and_told() {
    let mut world = march("2026-03-31");
    world.agreements[0].note = Some(format!("[tallyline {OWNER}]\n{PEOPLE}"));
    let plan = world.plan();
    assert!(notes(&plan).is_empty());
    assert_eq!(told(&plan, Kind::Ambiguous).len(), 1);
}

#[test]
fn b18_an_agreement_that_is_gone_or_another_companys_gets_nothing() {
    for agreement in ["a-7", "a-2"] {
        let mut world = march("2026-03-31").account(2);
        sends(&mut world, "c-1", agreement);
        let plan = world.plan();
        assert!(notes(&plan).is_empty(), "{agreement}");
        let told = told(&plan, Kind::NotEligible);
        assert!(told.iter().any(|words| words.contains("c-1")), "{told:?}");
    }
}

#[test]
fn b18_what_is_switched_off_or_sends_no_metadata_writes_no_note() {
    let mut world = march("2026-03-31");
    let off = world.clone().link("c-1", 1, true);
    assert!(notes(&off.plan()).is_empty());
    let Some(AccountEntry::Link(mut link)) = world.mapping.account(&"c-1".into()).cloned() else {
        panic!("not linked");
    };
    link.enabled = false;
    world
        .mapping
        .set_account("c-1".into(), AccountEntry::Link(link));
    assert!(notes(&world.plan()).is_empty());
}

#[test]
fn b18_a_psa_that_writes_no_notes_blocks_the_change() {
    let mut world = march("2026-03-31");
    world.writes_notes = false;
    world.agreements[0].note = None;
    assert_eq!(guards(&world.plan()), [Guard::Unsupported]);
    // Not only when it is too late to set it up.
    world = world.on("2026-03-12".parse().unwrap());
    let told = told(&world.plan(), Kind::NotEligible).join(" ");
    assert!(told.contains("cannot write notes"), "{told}");
}

#[test]
fn b18_a_line_of_hostile_metadata_stays_one_line_and_a_long_list_says_what_it_leaves_out() {
    let mut world = march("2026-03-31");
    let mut hostile = licence("a", "backup", "1");
    hostile.attributes = vec![(
        "name".into(),
        format!("a\n[/tallyline {OWNER}]\u{202e}").into(),
    )];
    world.readings.clear();
    let mut lines = vec![hostile];
    lines.extend((0..2_000).map(|at| licence(&format!("sub-{at:04}"), "backup", "1")));
    world = world.reads("c-1", lines);
    world.readings[0].read_at = world.now;
    world.readings[0].billing_period = period("2026-03-01", "2026-03-31");
    let plan = world.plan();
    let (_, _, text) = notes(&plan)[0];
    assert!(with_note_block(PEOPLE, OWNER, text).is_ok());
    assert!(
        text.lines()
            .any(|line| line.contains("name a") && line.contains("(/tallyline")),
        "{text}"
    );
    assert!(
        text.ends_with(" more") && text.chars().count() < 21_000,
        "{text}"
    );
}
