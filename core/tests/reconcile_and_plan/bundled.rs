//! A child agreement under a master for each service: found by its key, or created.

use futures::executor::block_on;
use tallyline_core::apply::Approval;
use tallyline_core::model::{
    AccountReading, AgreementKey, AgreementLine, Basis, BillingCycle, Eligibility, UsageLine,
};
use tallyline_core::plan::{Action, Plan, VendorMissing};
use tallyline_core::reconcile::Kind;
use tallyline_core::sink::{MadeRecord, Receipt, Verdict};
use tallyline_core::store::{
    Claim, ClaimRequest, Event, Journal as _, Ledger, MemoryStore, RecordedEvent, RunRecord,
};

use crate::world::{World, actions, now, seats};

/// What one property of a service uses.
fn resource(service: &str, property: &str, quantity: &str) -> UsageLine {
    let mut line = seats(&format!("{service}/{property}"), property, quantity);
    line.subscription = None;
    line.resource_group = Some(service.into());
    line.resource_group_name = Some(format!("vdc {service}").into());
    line
}

fn vdc(service: &str) -> Vec<UsageLine> {
    vec![
        resource(service, "cpu", "12.5"),
        resource(service, "ram", "32"),
    ]
}

fn of(lines: Vec<UsageLine>) -> World {
    let world = World::new().bundled("c-1", 1);
    world.service("cpu").service("ram").reads("c-1", lines)
}

/// The key of the first agreement that a plan is about.
fn key_in(plan: &Plan) -> AgreementKey {
    plan.changes()[0].agreement.key().unwrap()
}

fn key_of_vdc() -> AgreementKey {
    key_in(&of(vdc("4411")).plan())
}

/// The ledger after a run in which the first change of a plan came to these events.
fn ledger_of(plan: &Plan, events: Vec<Event>) -> Ledger {
    let store = MemoryStore::new();
    let approval = Approval::of_plan(plan.id().clone(), "dana", now());
    let run = RunRecord::new("r1".into(), "market", "psa", now(), approval);
    let events: Vec<RecordedEvent> = (0..)
        .zip(events)
        .map(|(seq, event)| RecordedEvent {
            change: plan.changes()[0].id.clone(),
            seq,
            at: now(),
            event,
        })
        .collect();
    let text = plan.to_text().unwrap();
    block_on(store.begin(&run, &text, plan.changes(), &[])).unwrap();
    let claim = ClaimRequest {
        sink: "psa".to_owned(),
        agreement: plan.changes()[0].agreement.clone(),
        holder: "h".into(),
        now: now(),
        until: now().plus(std::time::Duration::from_secs(60)),
    };
    let Claim::Taken { lease, .. } = block_on(store.claim(&claim)).unwrap() else {
        panic!("nobody else is at work");
    };
    for event in &events {
        block_on(store.append(&lease, &run.id, event)).unwrap();
    }
    block_on(store.ledger("market", "psa")).unwrap()
}

fn found(plan: &Plan, kind: Kind) -> u64 {
    plan.content().found.get(&kind).copied().unwrap_or_default()
}

fn made(id: &str) -> Vec<Event> {
    let record = MadeRecord::Agreement(id.into());
    vec![
        sent(),
        Event::Answered {
            receipt: Receipt::made(record.clone()),
        },
        Event::Verified {
            verdict: Verdict::Made {
                record,
                detail: String::new(),
            },
        },
        Event::Done { recovered: false },
    ]
}

fn sent() -> Event {
    Event::Sent { attempt: 1 }
}

fn line(product: &str, quantity: u32) -> AgreementLine {
    AgreementLine::new(format!("l-{product}"), product, quantity)
}

#[test]
fn a_service_without_a_child_gets_one_under_the_master_with_a_line_for_each_property() {
    let plan = of(vdc("4411")).plan();
    assert_eq!(
        actions(&plan),
        [
            "create the agreement vdc 4411 under agreement m-1, billed monthly",
            "create a line of 12.5",
            "create a line of 32"
        ]
    );
    let key = key_in(&plan);
    assert!(key.as_str().starts_with("TL-"), "{key}");
    let creation = &plan.changes()[0];
    // It is there at once, and its lines bill from the first day not invoiced yet.
    assert_eq!(creation.effective, now().date());
    for change in plan.changes() {
        assert_eq!(change.agreement.key().as_ref(), Some(&key));
        assert!(!change.is_blocked(), "{:?}", change.blocks);
    }
    for change in &plan.changes()[1..] {
        assert_eq!(change.effective.to_string(), "2026-04-01");
        assert_eq!(change.follows.as_ref(), Some(&creation.id));
    }
    let text = plan.to_text().unwrap();
    assert_eq!(Plan::from_text(&text).unwrap(), plan);
}

#[test]
fn each_service_has_a_child_and_its_key_is_neither_its_name_nor_its_order() {
    let mut renamed = vdc("4411");
    renamed[0].resource_group_name = Some("another name".into());
    assert_eq!(key_in(&of(renamed).plan()), key_of_vdc());
    let mut lines = vdc("4411");
    lines.extend(vdc("4412"));
    let both = of(lines).plan();
    let keys: std::collections::BTreeSet<_> =
        both.changes().iter().map(|c| c.agreement.clone()).collect();
    assert_eq!((keys.len(), both.changes().len()), (2, 6));
}

#[test]
fn a_child_that_is_there_is_kept_in_step_and_the_master_is_in_no_change() {
    let mut world = of(vdc("4411")).child(1, "88", Some(key_of_vdc()));
    world.lines = vec![
        ("88".to_owned(), vec![line("P-cpu", 12), line("P-ram", 32)]),
        ("m-1".to_owned(), vec![line("P-cpu", 99)]),
    ];
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 12 -> 12.5"]);
    assert_eq!(key_in(&plan), key_of_vdc());
}

#[test]
fn a_property_at_zero_is_set_to_zero() {
    let lines = vec![resource("4411", "cpu", "0"), resource("4411", "ram", "32")];
    let mut world = of(lines).child(1, "88", Some(key_of_vdc()));
    world.lines[0].1 = vec![line("P-cpu", 12), line("P-ram", 32)];
    assert_eq!(actions(&world.plan()), ["set quantity 12 -> 0"]);
}

#[test]
fn a_service_that_is_gone_is_an_orphan_and_ends_by_policy_alone() {
    let mut world = of(Vec::new()).child(1, "88", Some(key_of_vdc()));
    world.lines[0].1 = vec![line("P-cpu", 12), line("P-ram", 32)];
    let plan = world.plan();
    assert_eq!(actions(&plan), [""; 0]);
    assert_eq!(found(&plan, Kind::VendorMissing), 2);
    world.policy.vendor_missing = VendorMissing::EndLine;
    let plan = world.plan();
    assert_eq!(actions(&plan).len(), 2, "{:?}", actions(&plan));
    assert!(actions(&plan)[0].starts_with("end the line of 12"));
    // An agreement that stands elsewhere is no orphan of this master, whatever it carries.
    for elsewhere in [None, Some("m-2")] {
        world.agreements.last_mut().unwrap().parent = elsewhere.map(Into::into);
        assert_eq!(actions(&world.plan()), [""; 0], "{elsewhere:?}");
    }
}

#[test]
fn what_one_account_does_not_tell_makes_no_orphan_of_the_others_under_the_master() {
    let mut world = of(Vec::new()).bundled("c-2", 1);
    world = world.child(1, "88", Some(key_of_vdc()));
    world.lines[0].1 = vec![line("P-cpu", 12)];
    world.policy.vendor_missing = VendorMissing::EndLine;
    assert_eq!(actions(&world.plan()), [""; 0]);
    assert_eq!(found(&world.plan(), Kind::NotObserved), 2);
}

#[test]
fn a_child_of_another_master_or_company_with_the_key_is_left_alone_and_no_second_is_made() {
    let world = of(vdc("4411")).child(1, "88", Some(key_of_vdc()));
    for (company, parent) in [("1", Some("m-2")), ("1", None), ("2", Some("m-1"))] {
        let mut world = world.clone();
        let child = world.agreements.last_mut().unwrap();
        child.company = company.into();
        child.parent = parent.map(Into::into);
        let plan = world.plan();
        assert_eq!(actions(&plan), [""; 0], "{company} {parent:?}");
        assert_eq!(found(&plan, Kind::NotEligible), 2);
    }
}

#[test]
fn two_children_with_the_key_are_for_a_person() {
    let key = Some(key_of_vdc());
    let world = of(vdc("4411"))
        .child(1, "88", key.clone())
        .child(1, "89", key);
    let plan = world.plan();
    assert_eq!(actions(&plan), [""; 0]);
    assert_eq!(found(&plan, Kind::Ambiguous), 2);
}

#[test]
fn a_master_that_can_have_no_children_gets_none_and_says_why() {
    let said = |edit: fn(&mut tallyline_core::model::Agreement)| {
        let mut world = of(vdc("4411"));
        edit(&mut world.agreements[0]);
        let plan = world.plan();
        assert_eq!(actions(&plan), [""; 0]);
        plan.notices()[0].message.clone()
    };
    let company = said(|master| master.company = "2".into());
    assert!(company.contains("is of company 2"), "{company}");
    let child = said(|master| master.parent = Some("7".into()));
    assert!(
        child.contains("itself invoiced through agreement 7"),
        "{child}"
    );
    let ended = said(|master| {
        master.eligibility = Eligibility::from_reasons(vec!["It is Expired.".to_owned()]);
    });
    assert!(ended.contains("It is Expired."), "{ended}");
    let lost = said(|master| master.id = "m-9".into());
    assert!(lost.contains("m-1"), "{lost}");
}

#[test]
fn an_account_that_is_not_mapped_creates_nothing() {
    let mut world = of(Vec::new());
    let stranger = AccountReading::complete("c-9", vdc("4411"), Basis::Metered, now());
    world.readings.push(stranger);
    assert_eq!(actions(&world.plan()), [""; 0]);
}

#[test]
fn a_child_bills_as_its_master_does_from_the_day_that_a_line_of_it_would() {
    let mut world = of(vdc("4411"));
    world.agreements[0].billing_cycle = BillingCycle::Quarterly;
    world.agreements[0].prorates = Some(true);
    world.agreements[0].end = Some("2026-12-31".parse().unwrap());
    let plan = world.plan();
    assert_eq!(
        actions(&plan)[0],
        "create the agreement vdc 4411 under agreement m-1, billed quarterly, until 2026-12-31"
    );
    assert_eq!(plan.changes()[0].effective, now().date());
    assert!(plan.changes().iter().all(|change| !change.is_blocked()));
}

#[test]
fn a_child_whose_key_a_person_took_away_is_known_by_what_a_run_made() {
    let first = of(vdc("4411"));
    let plan = first.plan();
    let mut world = first.clone().child(1, "88", None);
    world.lines[0].1 = vec![line("P-cpu", 12), line("P-ram", 32)];
    world.ledger = ledger_of(&plan, made("88"));
    let kept = world.plan();
    assert_eq!(actions(&kept), ["set quantity 12 -> 12.5"]);
    assert_eq!(kept.changes()[0].agreement.as_str(), "88");
    // It is an orphan as any other when its service is gone.
    world.readings = vec![AccountReading::complete(
        "c-1",
        Vec::new(),
        Basis::Metered,
        now(),
    )];
    assert_eq!(found(&world.plan(), Kind::VendorMissing), 2);
}

#[test]
fn a_child_that_a_run_made_is_not_made_again_wherever_it_is_now() {
    let first = of(vdc("4411"));
    let plan = first.plan();
    let elsewhere = first.clone().child(1, "88", Some("TL-other".into()));
    let moved = {
        let mut moved = first.clone().child(1, "88", None);
        moved.agreements.last_mut().unwrap().parent = None;
        moved
    };
    for (what, mut world, kind) in [
        ("gone", first.clone(), Kind::NotEligible),
        ("of another key", elsewhere, Kind::Ambiguous),
        ("moved", moved, Kind::NotEligible),
    ] {
        world.ledger = ledger_of(&plan, made("88"));
        let plan = world.plan();
        assert_eq!(actions(&plan), [""; 0], "{what}");
        assert_eq!(found(&plan, kind), 2, "{what}");
    }
}

#[test]
fn a_creation_that_is_not_settled_or_in_conflict_is_not_planned_again() {
    let first = of(vdc("4411"));
    let plan = first.plan();
    let conflict = Event::Conflict {
        detail: "agreement 88 does not carry the key".to_owned(),
    };
    let refused: Vec<Event> = Vec::new();
    for (events, kind) in [
        (vec![sent()], Some(Kind::NotObserved)),
        (vec![sent(), conflict], Some(Kind::Ambiguous)),
        (refused, None),
    ] {
        let mut world = first.clone();
        world.ledger = ledger_of(&plan, events.clone());
        let again = world.plan();
        match kind {
            Some(kind) => assert_eq!(found(&again, kind), 2, "{events:?}"),
            None => assert_eq!(again.changes().len(), 3),
        }
        assert_eq!(again.changes().is_empty(), kind.is_some(), "{events:?}");
    }
}

#[test]
fn a_subscription_and_a_bare_service_have_children_too() {
    let mut seat = seats("s-1", "cpu", "5").with_subscription("A1");
    seat.resource_group = None;
    let mut bare = seats("s-2", "ram", "5");
    bare.subscription = None;
    let plan = of(vec![seat, bare]).plan();
    assert_eq!(plan.changes().len(), 4);
    for change in plan.changes() {
        let key = change.agreement.key().unwrap();
        assert!(key.as_str().starts_with("TL-"), "{key}");
        let Action::CreateAgreement { name, .. } = &change.action else {
            continue;
        };
        assert!(name == "S-cpu" || name == "S-ram", "{name}");
    }
}

#[test]
fn the_order_of_the_readings_does_not_show() {
    let mut lines = vdc("4411");
    lines.extend(vdc("4412"));
    let plan = of(lines.clone()).plan();
    lines.reverse();
    assert_eq!(of(lines).plan().to_text().unwrap(), plan.to_text().unwrap());
}
