//! What an approval allows, and how far it reaches.

use proptest::prelude::*;

use super::made::{charge, create_agreement};
use super::{approval, change, create, day, money, set_quantity};
use crate::apply::{Approval, Ceiling, Override, Permission};
use crate::error::ErrorKind;
use crate::model::{PlanId, Quantity, Timestamp};
use crate::plan::{Action, Block, Change, Guard};
use crate::store::{ChangeRecord, Event, Failure, RecordedEvent, SkipCause};

fn word() -> Override {
    Override::new("kim", "the client left")
}

fn blocked(mut change: Change, guard: Guard) -> Change {
    let reason = "takes away 57 %".to_owned();
    change.blocks.push(Block { guard, reason });
    change
}

/// One that is free and one that is blocked.
fn two() -> [Change; 2] {
    [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        blocked(
            set_quantity("c2", "a1", "p2", "l2", (7, 3)),
            Guard::TotalReduction,
        ),
    ]
}

fn refused(approval: &Approval) -> String {
    let error = approval.check(&"plan-1".into(), &two()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn an_approval_names_its_plan_a_person_and_changes_that_are_there() {
    let fits = approval()
        .with_only(["c2".into()])
        .with_override("c2", word());
    fits.check(&"plan-1".into(), &two()).unwrap();
    assert!(fits.check(&PlanId::new("plan-2"), &two()).is_err());

    let mut nobody = approval();
    nobody.by = " ".into();
    assert!(refused(&nobody).contains("nobody"));
    let stranger = approval().with_only(["c9".into()]);
    assert!(refused(&stranger).contains("c9"));
}

#[test]
fn an_override_is_of_a_blocked_and_approved_change_and_says_by_whom_and_why() {
    let said = |id: &str, word: Override| refused(&approval().with_override(id, word));
    assert!(said("c9", word()).contains("no change"));
    assert!(said("c1", word()).contains("not blocked"));
    assert!(said("c2", Override::new("", "why")).contains("by whom"));
    assert!(said("c2", Override::new("kim", " ")).contains("why"));
    let beside = approval()
        .with_only(["c1".into()])
        .with_override("c2", word());
    assert!(refused(&beside).contains("not approved"));
}

#[test]
fn what_the_psa_would_refuse_all_the_same_is_not_overridden() {
    let changes = [blocked(create("c2", "a1", "p2", 3), Guard::InvoicedPeriod)];
    let approval = approval().with_override("c2", word());
    let error = approval.check(&"plan-1".into(), &changes).unwrap_err();
    assert!(error.message().contains("would refuse it"), "{error}");
}

#[test]
fn changes_that_go_together_are_approved_and_overridden_together() {
    let pair = |guard: Option<Guard>| {
        let mut second = create("c2", "a1", "p1", 3);
        second.follows = Some("c1".into());
        let pair = [set_quantity("c1", "a1", "p1", "l1", (10, 12)), second];
        match guard {
            Some(guard) => pair.map(|change| blocked(change, guard)),
            None => pair,
        }
    };
    let check = |approval: &Approval, changes: &[Change; 2]| {
        approval
            .check(&"plan-1".into(), changes)
            .map_err(|error| error.message().to_owned())
    };
    let free = pair(None);
    assert_eq!(check(&approval(), &free), Ok(()));
    for one in ["c1", "c2"] {
        let refused = check(&approval().with_only([one.into()]), &free).unwrap_err();
        assert!(refused.contains("go together"), "{refused}");
    }
    let held = pair(Some(Guard::TotalIncrease));
    assert_eq!(check(&approval(), &held), Ok(()), "neither leaves");
    let first = approval().with_override("c1", word());
    assert!(check(&first, &held).is_err());
    assert_eq!(check(&first.with_override("c2", word()), &held), Ok(()));
    let ceiling = Ceiling::of(&approval(), &free[..1]);
    let within = Approval::within(ceiling, "plan-1".into(), &free, "kim", Timestamp::EPOCH);
    assert!(!within.includes(&"c1".into()) && !within.includes(&"c2".into()));
}

#[test]
fn what_is_not_approved_and_what_is_blocked_are_withheld_for_that_reason() {
    let cause = |approval: &Approval, place: usize| match &approval.permissions(&two())[place] {
        Permission::Withheld { cause, .. } => Some(*cause),
        Permission::Granted { .. } => None,
    };
    assert_eq!(cause(&approval(), 0), None);
    assert_eq!(cause(&approval(), 1), Some(SkipCause::Blocked));
    let first = approval().with_only(["c1".into()]);
    assert_eq!(cause(&first, 0), None);
    assert_eq!(cause(&first, 1), Some(SkipCause::NotApproved));
    let both = approval().with_override("c2", word());
    let granted = Permission::Granted {
        overridden: Some(word()),
    };
    assert_eq!(both.permissions(&two())[1], granted);
}

#[test]
fn an_approval_survives_json_and_unknown_fields_are_refused() {
    let whole = approval().with_override("c2", word());
    let mut later = whole.clone().with_only(["c1".into()]);
    later.within = Some(Ceiling::of(&whole, &two()));
    for approval in [whole, later] {
        let json = serde_json::to_string(&approval).unwrap();
        assert_eq!(serde_json::from_str::<Approval>(&json).unwrap(), approval);
        let more = json.replacen('{', "{\"more\":1,", 1);
        assert!(serde_json::from_str::<Approval>(&more).is_err(), "{more}");
        let more = json.replace("\"why\"", "\"more\":1,\"why\"");
        assert!(serde_json::from_str::<Approval>(&more).is_err(), "{more}");
    }
}

fn ceiling(changes: &[Change]) -> Ceiling {
    Ceiling::of(&approval(), changes)
}

#[test]
fn a_later_change_is_covered_only_by_the_same_write_to_the_same_line() {
    let approved = ceiling(&[set_quantity("c1", "a1", "p1", "l1", (10, 12))]);
    let again = set_quantity("later", "a1", "p1", "l1", (10, 12));
    assert_eq!(approved.covers(&again).unwrap().change.as_str(), "c1");
    for other in [
        set_quantity("later", "a2", "p1", "l1", (10, 12)),
        set_quantity("later", "a1", "p2", "l1", (10, 12)),
        set_quantity("later", "a1", "p1", "l2", (10, 12)),
        create("later", "a1", "p1", 2),
    ] {
        let reason = approved.covers(&other).unwrap_err();
        assert!(reason.contains("no earlier approval"), "{reason}");
    }
}

#[test]
fn a_creation_is_covered_up_to_the_approved_quantity_at_the_approved_cost_and_price() {
    let line = |units: i64, cost: Option<i64>, price: Option<i64>| {
        let action = Action::CreateLine {
            quantity: Quantity::from(units),
            unit_cost: cost.map(money),
            unit_price: price.map(money),
            last_day: None,
            like: None,
        };
        change("c1", "a1", "p1", action)
    };
    let approved = ceiling(&[line(5, Some(100), None)]);
    for units in [1, 5] {
        assert!(approved.covers(&line(units, Some(100), None)).is_ok());
    }
    for beyond in [
        line(6, Some(100), None),
        line(0, Some(100), None),
        line(-1, Some(100), None),
        line(5, Some(99), None),
        line(5, None, None),
        line(5, Some(100), Some(1)),
    ] {
        assert!(approved.covers(&beyond).is_err(), "{}", beyond.action);
    }
}

#[test]
fn a_bounded_creation_is_covered_up_to_the_approved_last_day() {
    let until = |last: Option<&str>| {
        let action = Action::CreateLine {
            quantity: 2_u32.into(),
            unit_cost: None,
            unit_price: None,
            last_day: last.map(day),
            like: None,
        };
        change("c1", "a1", "p1", action)
    };
    let bounded = ceiling(&[until(Some("2026-02-28"))]);
    for (last, covered) in [
        (Some("2026-02-27"), true),
        (Some("2026-02-28"), true),
        (Some("2026-03-01"), false),
        (None, false),
    ] {
        assert_eq!(bounded.covers(&until(last)).is_ok(), covered, "{last:?}");
    }
    let open = ceiling(&[until(None)]);
    assert!(open.covers(&until(Some("2026-02-28"))).is_err());
}

#[test]
fn a_cost_and_a_price_are_covered_at_exactly_the_approved_amount() {
    let cost = |from, to| {
        let (line, from, to) = ("l1".into(), Some(money(from)), money(to));
        change("c1", "a1", "p1", Action::SetUnitCost { line, from, to })
    };
    let price = |to| {
        let (line, from, to) = ("l1".into(), None, money(to));
        change("c1", "a1", "p1", Action::SetUnitPrice { line, from, to })
    };
    let approved = ceiling(&[cost(100, 110), price(200)]);
    assert!(approved.covers(&cost(105, 110)).is_ok());
    assert!(approved.covers(&price(200)).is_ok());
    for beyond in [cost(100, 109), cost(100, 111), price(199), price(201)] {
        assert!(approved.covers(&beyond).is_err(), "{}", beyond.action);
    }
}

#[test]
fn an_end_is_covered_on_the_approved_day_or_later_and_for_no_more_units() {
    let end = |units: u32, last: &str| {
        let action = Action::EndLine {
            line: "l1".into(),
            from: units.into(),
            last_day: day(last),
            replaced_by: None,
        };
        change("c1", "a1", "p1", action)
    };
    let approved = ceiling(&[end(4, "2026-01-31")]);
    for within in [end(4, "2026-01-31"), end(3, "2026-02-28")] {
        assert!(approved.covers(&within).is_ok(), "{}", within.action);
    }
    for beyond in [end(4, "2026-01-30"), end(5, "2026-01-31")] {
        assert!(approved.covers(&beyond).is_err(), "{}", beyond.action);
    }
}

#[test]
fn a_change_that_counts_from_an_earlier_day_is_larger() {
    let approved = ceiling(&[set_quantity("c1", "a1", "p1", "l1", (10, 12))]);
    let mut later = set_quantity("later", "a1", "p1", "l1", (10, 12));
    later.effective = day("2026-02-02");
    assert!(approved.covers(&later).is_ok());
    later.effective = day("2026-01-31");
    assert!(approved.covers(&later).is_err());
}

#[test]
fn a_guard_that_nobody_overrode_is_not_covered() {
    let reduction = || set_quantity("c1", "a1", "p1", "l1", (10, 2));
    let overridden = approval().with_override("c1", word());
    let total = blocked(reduction(), Guard::TotalReduction);
    let ceiling = Ceiling::of(&overridden, std::slice::from_ref(&total));
    let grant = ceiling.covers(&total).unwrap();
    assert_eq!(grant.overridden, Some(word()));
    assert!(ceiling.covers(&reduction()).is_ok());
    let stale = blocked(total, Guard::StaleReading);
    assert!(
        ceiling
            .covers(&stale)
            .unwrap_err()
            .contains("stale_reading")
    );
    // What was blocked and not overridden grants nothing.
    let nothing = Ceiling::of(&approval(), &[blocked(reduction(), Guard::Currency)]);
    assert!(nothing.grants.is_empty());
}

#[test]
fn a_charge_is_covered_for_its_bill_at_exactly_the_approved_amounts() {
    let with = |edit: fn(&mut Action)| {
        let mut change = charge("later", "2026-03-06");
        edit(&mut change.action);
        change
    };
    let approved = ceiling(&[charge("c1", "2026-03-06")]);
    assert!(approved.covers(&charge("later", "2026-03-06")).is_ok());
    let edits: [fn(&mut Action); 3] = [
        |action| {
            if let Action::AddCharge { unit_price, .. } = action {
                *unit_price = money(81_245);
            }
        },
        |action| {
            if let Action::AddCharge { quantity, .. } = action {
                *quantity = 2_u32.into();
            }
        },
        |action| {
            if let Action::AddCharge { unit_cost, .. } = action {
                *unit_cost = Some(money(1));
            }
        },
    ];
    for edit in edits {
        let reason = approved.covers(&with(edit)).unwrap_err();
        assert!(reason.contains("approved is to charge"), "{reason}");
    }
    let reason = approved.covers(&charge("later", "2026-04-06")).unwrap_err();
    assert!(
        reason.starts_with("no earlier approval is about to charge"),
        "{reason}"
    );
    assert!(reason.ends_with("on agreement a1"), "{reason}");
    let of_another = with(|action| {
        if let Action::AddCharge { account, .. } = action {
            *account = "c-2".into();
        }
    });
    let reason = approved.covers(&of_another).unwrap_err();
    assert!(reason.contains("of account c-2"), "{reason}");
}

#[test]
fn an_agreement_is_covered_as_it_was_approved_and_not_otherwise() {
    let approved = ceiling(&[create_agreement("c1")]);
    assert!(approved.covers(&create_agreement("later")).is_ok());
    let mut longer = create_agreement("later");
    if let Action::CreateAgreement { last_day, .. } = &mut longer.action {
        *last_day = None;
    }
    let reason = approved.covers(&longer).unwrap_err();
    assert!(reason.contains("approved is to create"), "{reason}");
}

#[test]
fn what_no_approval_is_about_is_named_by_its_line_or_product() {
    let nothing = ceiling(&[]);
    let line = set_quantity("c1", "a1", "p1", "l1", (10, 12));
    for (change, about) in [
        (line, "this write to line l1 of agreement a1"),
        (
            create("c2", "a1", "p1", 2),
            "a new line of product p1 on agreement a1",
        ),
    ] {
        let reason = nothing.covers(&change).unwrap_err();
        assert_eq!(reason, format!("no earlier approval is about {about}"));
    }
}

#[test]
fn two_ceilings_together_cover_what_either_covers() {
    let first = set_quantity("c1", "a1", "p1", "l1", (10, 12));
    let second = set_quantity("c2", "a1", "p2", "l2", (5, 6));
    let ceiling = |change: &Change| ceiling(std::slice::from_ref(change));
    let both = ceiling(&first).and(ceiling(&second));
    assert!(both.cover([&first, &second]).iter().all(Result::is_ok));
}

#[test]
fn a_grant_serves_one_change() {
    let approved = ceiling(&[create("c1", "a1", "p1", 5)]);
    let twice = [create("x", "a1", "p1", 3), create("y", "a1", "p1", 3)];
    let covered = approved.cover(&twice);
    assert!(covered[0].is_ok());
    assert!(covered[1].as_ref().unwrap_err().contains("another change"));
}

#[test]
fn a_later_plan_is_approved_as_far_as_the_ceiling_covers_it() {
    let first = approval().with_override("c2", word());
    let mut later = two();
    later[0] = set_quantity("c1", "a1", "p1", "l1", (10, 13));
    let ceiling = Ceiling::of(&first, &two());
    let plan = PlanId::new("plan-2");
    let approval = Approval::within(ceiling, plan.clone(), &later, "kim", Timestamp::EPOCH);
    approval.check(&plan, &later).unwrap();
    let granted: Vec<bool> = approval
        .permissions(&later)
        .iter()
        .map(Permission::is_granted)
        .collect();
    assert_eq!(granted, [false, true]);
    // A wider scope does not lift the ceiling.
    let wide = approval.with_only(["c1".into(), "c2".into()]);
    assert!(!wide.permissions(&later)[0].is_granted());
}

#[test]
fn what_landed_or_may_have_landed_is_not_left_of_an_approval() {
    let record = |id: &str, events: Vec<Event>| {
        let recorded = (0..).zip(events).map(|(seq, event)| RecordedEvent {
            change: id.into(),
            seq,
            at: Timestamp::EPOCH,
            event,
        });
        ChangeRecord {
            change: create(id, "a1", id, 5),
            events: recorded.collect(),
        }
    };
    let failed = Event::Failed {
        failure: Failure::new(ErrorKind::Unavailable, "closed"),
        retryable: true,
    };
    let detail = || "moved".to_owned();
    let skipped = Event::Skipped {
        cause: SkipCause::Earlier,
        reason: detail(),
    };
    let records = [
        record("failed", vec![failed]),
        record(
            "drifted",
            vec![Event::Drifted {
                detail: detail(),
                observed: None,
            }],
        ),
        record("skipped", vec![skipped]),
        record("done", vec![Event::Done { recovered: false }]),
        record("conflict", vec![Event::Conflict { detail: detail() }]),
        record("out", vec![Event::Sent { attempt: 1 }]),
        record("waiting", vec![]),
    ];
    let left = Ceiling::left_of(&approval(), &records);
    let left: Vec<_> = left.grants.iter().map(|g| g.change.as_str()).collect();
    assert_eq!(left, ["failed", "drifted", "skipped"]);
}

fn sum(from: i64, by: i64) -> (Quantity, Quantity) {
    (from.into(), (from + by).into())
}

fn set(id: &str, (from, to): (Quantity, Quantity)) -> Change {
    let line = "l1".into();
    change(id, "a1", "p1", Action::SetQuantity { line, from, to })
}

#[test]
fn an_approved_step_of_nothing_covers_no_step_at_all() {
    let approved = ceiling(&[set("c1", sum(10, 0))]);
    assert!(approved.covers(&set("later", sum(10, 0))).is_ok());
    for beyond in [sum(7, 3), sum(13, -3), sum(7, 0)] {
        assert!(
            approved.covers(&set("later", beyond)).is_err(),
            "{beyond:?}"
        );
    }
}

proptest! {
    #[test]
    fn a_covered_step_goes_the_approved_way_no_further_and_is_no_larger(
        from in -20..20_i64, by in -9..9_i64, start in -20..20_i64, step in -9..9_i64,
    ) {
        let approved = ceiling(&[set("c1", sum(from, by))]);
        let covered = approved.covers(&set("later", sum(start, step))).is_ok();
        let end = from + by;
        let allowed = match by.signum() {
            1 => (1..=by).contains(&step) && start + step <= end,
            -1 => (by..=-1).contains(&step) && start + step >= end,
            _ => step == 0 && start == from,
        };
        prop_assert_eq!(covered, allowed);
    }

    #[test]
    fn what_was_approved_is_covered_and_what_is_covered_covers_no_more(
        from in 0..20_i64, by in -9..9_i64, start in 0..20_i64, step in -9..9_i64,
        last in 0..20_i64, more in -9..9_i64,
    ) {
        let [first, second, third] = [
            set("c1", sum(from, by)), set("c2", sum(start, step)), set("c3", sum(last, more)),
        ];
        let approved = ceiling(std::slice::from_ref(&first));
        prop_assert!(approved.covers(&first).is_ok());
        let nested = approved.covers(&second).is_ok()
            && ceiling(std::slice::from_ref(&second)).covers(&third).is_ok();
        prop_assert!(!nested || approved.covers(&third).is_ok());
    }

    #[test]
    fn no_grants_together_give_away_more_lines_than_were_approved(
        approved in prop::collection::vec(1..9_u32, 0..5),
        wanted in prop::collection::vec(1..9_u32, 0..6),
    ) {
        let lines = |units: &[u32], name: &str| -> Vec<Change> {
            let numbered = units.iter().enumerate();
            numbered.map(|(n, units)| create(&format!("{name}{n}"), "a1", "p1", *units)).collect()
        };
        let (approved_lines, wanted_lines) = (lines(&approved, "c"), lines(&wanted, "w"));
        let ceiling = ceiling(&approved_lines);
        let covered = ceiling.cover(&wanted_lines);
        let units: u32 = covered.iter().zip(&wanted)
            .filter(|(grant, _)| grant.is_ok()).map(|(_, units)| units).sum();
        prop_assert!(units <= approved.iter().sum());
    }
}
