//! Where each guard begins, to the unit and to the day, and what a plan says in words.

use tallyline_core::mapping::ProductRule;
use tallyline_core::model::{
    AccountReading, Basis, ChargeKind, CivilDate, Commitment, Currency, Money, QuantityFloor,
    VendorAccount,
};
use tallyline_core::plan::{
    Action, Change, EffectiveDate, Guard, Plan, Precondition, VendorMissing,
};
use tallyline_core::proration::RoundingMode;
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, guards, kind_of, now, seats, usd};

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// One account with one line of mail, and what the vendor shows.
fn mail(billed: &str, shown: &str) -> World {
    World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", billed)
        .reads("c-1", vec![seats("sub:a", "mail", shown)])
}

/// One account without a line, and what the vendor shows.
fn unbilled(shown: &str) -> World {
    World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", shown)])
}

/// One account with a line that the vendor does not show any more, to be ended.
fn gone() -> World {
    World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .reads("c-1", vec![])
}

fn messages(plan: &Plan) -> Vec<&str> {
    let notices = plan.content().notices.iter();
    notices.map(|notice| notice.message.as_str()).collect()
}

#[test]
fn a_quantity_at_its_commitment_floor_is_not_below_it() {
    let floor = QuantityFloor {
        quantity: 5_u32.into(),
        until: day("2026-12-31"),
    };
    let line =
        seats("sub:a", "mail", "5").with_commitment(Some(Commitment::new(None, vec![floor])));
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "8")
        .reads("c-1", vec![line]);
    assert_eq!(guards(&world.plan()), []);
}

#[test]
fn a_reading_is_stale_after_its_rhythm_and_not_at_its_end() {
    let read = |at: &str| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "5");
        let lines = vec![seats("sub:a", "mail", "4")];
        let reading = AccountReading::complete("c-1", lines, Basis::Live, at.parse().unwrap());
        world.readings.push(reading);
        world.plan()
    };
    assert_eq!(guards(&read("2026-03-10T12:00:00Z")), []);
    assert_eq!(guards(&read("2026-03-10T11:59:59Z")), [Guard::StaleReading]);
}

#[test]
fn a_line_begins_on_the_agreements_first_day_at_the_earliest() {
    let begins = |first: &str| {
        let mut world = unbilled("5");
        world.agreements[0].start = Some(day(first));
        world.plan()
    };
    assert_eq!(guards(&begins("2026-04-01")), []);
    let early = begins("2026-04-02");
    assert_eq!(guards(&early), [Guard::AgreementDates]);
    assert_eq!(
        early.changes()[0].blocks[0].reason,
        "the line would bill from 2026-04-01, and the agreement bills from 2026-04-02"
    );
}

#[test]
fn a_line_may_begin_on_the_agreements_last_day() {
    let mut world = unbilled("5");
    world.agreements[0].end = Some(day("2026-04-01"));
    assert_eq!(guards(&world.plan()), []);
}

#[test]
fn a_line_ends_on_its_first_day_at_the_earliest() {
    let begins = |first: &str| {
        let mut world = gone();
        world.lines_of(1)[0].state.effective = Some(day(first));
        world.plan()
    };
    assert_eq!(
        actions(&begins("2026-03-31")),
        ["end the line of 2 after 2026-03-31"]
    );
    assert_eq!(guards(&begins("2026-03-31")), []);
    let early = begins("2026-04-01");
    assert_eq!(guards(&early), [Guard::AgreementDates]);
    assert_eq!(
        early.changes()[0].blocks[0].reason,
        "the line begins to bill on 2026-04-01, and cannot end before that, on 2026-03-31"
    );
}

#[test]
fn where_the_sink_takes_a_line_back_it_ends_the_day_before_its_first_at_the_earliest() {
    let begins = |first: &str| {
        let mut world = gone();
        world.end_before_start = true;
        world.lines_of(1)[0].state.effective = Some(day(first));
        world.plan()
    };
    assert_eq!(guards(&begins("2026-04-01")), []);
    assert_eq!(guards(&begins("2026-04-02")), [Guard::AgreementDates]);
}

#[test]
fn a_line_that_only_ends_is_not_held_to_the_days_on_which_the_agreement_bills() {
    let mut world = gone();
    world.agreements[0].end = Some(day("2026-03-20"));
    assert_eq!(guards(&world.plan()), []);
}

#[test]
fn the_next_period_begins_with_the_next_invoice_only_where_that_is_to_come() {
    let effective = |next: Option<&str>| {
        let mut world =
            unbilled("5").with_policy(|policy| policy.effective_date = EffectiveDate::NextPeriod);
        world.agreements[0].next_invoice = next.map(day);
        world.plan().changes()[0].effective
    };
    assert_eq!(effective(Some("2026-03-12")), day("2026-03-12"));
    for past in [Some("2026-03-11"), Some("2026-03-05"), None] {
        assert_eq!(effective(past), day("2026-04-01"), "{past:?}");
    }
}

#[test]
fn new_revenue_is_only_reported_where_creating_lines_is_switched_off() {
    let plan = unbilled("5")
        .with_policy(|policy| policy.create_lines = false)
        .plan();
    assert!(plan.changes().is_empty());
    assert_eq!(
        messages(&plan),
        [
            "Client 1, Managed, P-mail: Market shows 5 with no line in PSA; creating lines is switched off"
        ]
    );
}

#[test]
fn what_is_to_be_known_of_several_products_of_an_agreement_is_said_once() {
    let world = World::new()
        .account(1)
        .account(2)
        .service("mail")
        .service("disk")
        .service("box")
        .bills(1, "10", "P-mail", "2")
        .bills(1, "11", "P-disk", "2")
        .bills(1, "12", "P-box", "3")
        .bills(2, "20", "P-mail", "2")
        .reads("c-1", vec![])
        .reads("c-2", vec![]);
    let plan = world.plan();
    assert_eq!(
        messages(&plan),
        [
            "Client 1, Managed, P-disk, P-mail: Market shows no usage for the line of 2; nothing is changed",
            "Client 1, Managed, P-box: Market shows no usage for the line of 3; nothing is changed",
            "Client 2, Managed, P-mail: Market shows no usage for the line of 2; nothing is changed",
        ]
    );
    let products: Vec<Option<&str>> = plan
        .content()
        .notices
        .iter()
        .map(|notice| notice.product.as_ref().map(|product| product.as_str()))
        .collect();
    assert_eq!(products, [None, Some("P-box"), Some("P-mail")]);
}

#[test]
fn two_clients_of_whom_the_same_is_to_be_known_are_each_told() {
    let world = World::new()
        .account(1)
        .account(2)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .bills(2, "20", "P-mail", "2")
        .reads("c-1", vec![])
        .reads("c-2", vec![]);
    assert_eq!(messages(&world.plan()).len(), 2);
}

#[test]
fn a_line_is_not_gone_while_an_account_that_feeds_its_agreement_is_switched_off() {
    let world = |enabled: bool| {
        World::new()
            .account(1)
            .link("c-2", 1, enabled)
            .service("mail")
            .bills(1, "10", "P-mail", "2")
            .reads("c-1", vec![])
            .reads("c-2", vec![])
    };
    assert_eq!(kind_of(&world(true), "a-1 P-mail"), Kind::VendorMissing);
    assert_eq!(kind_of(&world(false), "a-1 P-mail"), Kind::NotObserved);
}

#[test]
fn an_account_that_the_vendor_no_longer_lists_is_told_from_one_that_was_not_read() {
    let plan = |listed: bool| {
        let mut world = World::new().account(1).service("mail").fails("c-1");
        world.accounts = match listed {
            true => vec![VendorAccount::new("c-1", "Client One")],
            false => vec![],
        };
        messages(&world.plan()).join("\n")
    };
    let gone = plan(false);
    assert!(
        gone.contains("account c-1 is linked, and Market does not list it any more"),
        "{gone}"
    );
    let unread = plan(true);
    assert!(
        unread.contains("Client One: not observed, so nothing is changed"),
        "{unread}"
    );
}

#[test]
fn an_account_without_a_link_is_reported_with_what_it_holds() {
    let world = World::new()
        .service("mail")
        .reads("c-9", vec![seats("sub:a", "mail", "5")]);
    let plan = world.plan();
    assert_eq!(
        messages(&plan),
        ["c-9: the account is unmapped, with 1 usage line"]
    );
}

#[test]
fn what_the_psa_would_refuse_for_good_no_word_lets_through() {
    let mut world = mail("10", "12.5");
    world.whole_units = true;
    let fraction = world.plan();
    assert!(fraction.changes()[0].final_block().is_some());
    let negative = mail("10", "-1").plan();
    assert_eq!(guards(&negative), [Guard::NegativeQuantity]);
}

#[test]
fn a_new_line_with_a_cost_needs_the_agreements_currency_and_one_without_does_not() {
    let plan = |sync: bool| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .with_policy(|policy| policy.sync_unit_cost = sync)
            .reads(
                "c-1",
                vec![seats("sub:a", "mail", "6").with_unit_cost(Some(usd("7")))],
            );
        world.agreements[0].currency = None;
        world.plan()
    };
    assert_eq!(guards(&plan(true)), [Guard::Currency]);
    assert_eq!(guards(&plan(false)), []);
}

#[test]
fn a_quantity_needs_no_currency() {
    let usage = seats("sub:a", "mail", "6").with_unit_cost(Some(usd("7")));
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "5")
        .with_policy(|policy| policy.sync_unit_cost = false)
        .reads("c-1", vec![usage]);
    world.agreements[0].currency = None;
    assert_eq!(guards(&world.plan()), []);
}

#[test]
fn a_cost_that_is_held_in_the_same_currency_is_not_written_again() {
    let plan = |held: Money| {
        let usage = seats("sub:a", "mail", "6").with_unit_cost(Some(usd("7")));
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "6")
            .reads("c-1", vec![usage]);
        world.lines_of(1)[0].state.unit_cost = Some(held);
        actions(&world.plan())
    };
    assert!(plan(usd("7")).is_empty());
    let unnamed = Money {
        currency: None,
        ..usd("7")
    };
    assert!(plan(unnamed).is_empty());
    let cad = Money::new(usd("7").amount, Currency::CAD);
    assert_eq!(plan(cad).len(), 1);
}

#[test]
fn a_plan_finds_its_changes_by_id_and_says_what_it_comes_to() {
    let plan = mail("10", "12").plan();
    let id = plan.changes()[0].id.clone();
    assert_eq!(plan.change(&id).map(|change| &change.id), Some(&id));
    assert!(plan.change(&"another".into()).is_none());
    assert_eq!(
        plan.summary().to_string(),
        "1 to apply, 0 blocked, 0 to know about"
    );
    assert_eq!(Guard::WholeUnits.to_string(), Guard::WholeUnits.as_str());
    assert!(!Guard::WholeUnits.as_str().is_empty());
}

#[test]
fn a_file_of_another_format_or_version_is_no_plan() {
    let text = mail("10", "12").plan().to_text().unwrap();
    assert!(Plan::from_text(&text).is_ok());
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (member, other) in [
        ("format", serde_json::json!("another")),
        ("version", serde_json::json!(0)),
    ] {
        let held = std::mem::replace(&mut file[member], other);
        let error = Plan::from_text(&file.to_string()).unwrap_err();
        assert!(
            error.to_string().contains("this program reads"),
            "{member}: {error}"
        );
        file[member] = held;
    }
}

#[test]
fn a_line_of_another_quantity_or_cost_is_not_what_was_planned_on() {
    let world = mail("10", "12");
    let plan = world.plan();
    let change: &Change = &plan.changes()[0];
    let mut lines = world.lines[0].1.clone();
    assert_eq!(change.check_precondition(&lines), Ok(()));
    lines[0].state.quantity = 11_u32.into();
    assert_eq!(
        change.check_precondition(&lines),
        Err("quantity is 11, planned on 10".to_owned())
    );
    let mut cost = change.clone();
    cost.action = Action::SetUnitCost {
        line: "10".into(),
        from: None,
        to: usd("7"),
    };
    cost.precondition = Precondition::UnitCost { unit_cost: None };
    assert_eq!(cost.check_precondition(&lines), Ok(()));
    lines[0].state.unit_cost = Some(usd("6"));
    assert!(cost.check_precondition(&lines).is_err());
}

#[test]
fn usage_of_nothing_without_a_line_is_no_new_revenue() {
    assert_eq!(actions(&unbilled("0").plan()), [""; 0]);
    assert_eq!(kind_of(&unbilled("0"), "a-1 P-mail"), Kind::NoChange);
    assert_eq!(kind_of(&unbilled("1"), "a-1 P-mail"), Kind::NewRevenue);
}

#[test]
fn a_service_that_is_switched_off_leaves_its_lines_and_they_are_counted_as_nobodys() {
    let world = |enabled: bool| {
        World::new()
            .account(1)
            .service_with("mail", vec![ProductRule::one_to_one("P-mail")], enabled)
            .bills(1, "10", "P-mail", "2")
            .bills(1, "11", "P-other", "2")
            .reads("c-1", vec![])
    };
    assert_eq!(kind_of(&world(true), "a-1 P-mail"), Kind::VendorMissing);
    assert_eq!(world(true).plan().content().unowned_lines, 1);
    assert!(
        world(false).kinds().is_empty(),
        "{:?}",
        world(false).kinds()
    );
    assert_eq!(world(false).plan().content().unowned_lines, 2);
}

#[test]
fn where_every_line_is_owned_none_is_counted_as_nobodys() {
    assert_eq!(mail("2", "3").plan().content().unowned_lines, 0);
}

#[test]
fn two_lines_of_which_each_ends_are_for_a_person() {
    let mut world = mail("2", "3").bills(1, "11", "P-mail", "1");
    for line in world.lines_of(1) {
        line.state.last_day = Some(day("2026-12-31"));
    }
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Ambiguous);
}

#[test]
fn a_line_that_ends_the_day_before_another_begins_is_apart_from_it() {
    let kind = |ends: &str, begins: &str| {
        let mut world = mail("2", "2").bills(1, "11", "P-mail", "1");
        let lines = world.lines_of(1);
        lines[0].state.effective = Some(day(begins));
        lines[1].state.last_day = Some(day(ends));
        kind_of(&world, "a-1 P-mail")
    };
    assert_eq!(kind("2026-04-10", "2026-04-11"), Kind::NoChange);
    assert_eq!(kind("2026-04-10", "2026-04-10"), Kind::Ambiguous);
}

#[test]
fn a_cost_in_a_currency_that_nobody_names_is_taken_for_the_same() {
    let plan = |held: Money, shown: Money| {
        let usage = seats("sub:a", "mail", "6").with_unit_cost(Some(shown));
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "6")
            .reads("c-1", vec![usage]);
        world.agreements[0].currency = None;
        world.lines_of(1)[0].state.unit_cost = Some(held);
        actions(&world.plan())
    };
    let unnamed = Money {
        currency: None,
        ..usd("7")
    };
    assert_eq!(plan(unnamed, usd("7")), [""; 0]);
    assert_eq!(plan(usd("7"), unnamed), [""; 0]);
    assert_eq!(plan(unnamed, unnamed), [""; 0]);
}

#[test]
fn what_is_not_mapped_is_reported_with_its_lines_and_the_units_that_recur() {
    let lines = vec![
        seats("sub:a", "other", "2.5"),
        seats("sub:b", "other", "3"),
        seats("m:1", "other", "9").with_kind(ChargeKind::Usage),
    ];
    let world = World::new().account(1).service("mail").reads("c-1", lines);
    assert_eq!(
        messages(&world.plan()),
        ["c-1: S-other is unmapped, with 3 usage lines of 5.5 units"]
    );
}

#[test]
fn of_two_accounts_that_say_nothing_about_a_service_one_reason_is_told_in_any_order() {
    let silent = |account: &str, why: &str| {
        let mut reading = AccountReading::complete(account, vec![], Basis::Live, now());
        reading.unobserved.insert("S-mail".into(), why.to_owned());
        reading
    };
    let told = [false, true].map(|turned| {
        let mut world = World::new()
            .account(1)
            .link("c-2", 1, true)
            .service("mail")
            .bills(1, "10", "P-mail", "2");
        world.readings = vec![
            silent("c-1", "no preview yet"),
            silent("c-2", "a credit only"),
        ];
        if turned {
            world.readings.reverse();
        }
        messages(&world.plan()).join("; ")
    });
    assert!(
        told[0].ends_with("account c-1 of service S-mail: no preview yet"),
        "{}",
        told[0]
    );
    assert_eq!(told[0], told[1]);
}

#[test]
fn section_7_a_cost_on_a_tie_is_rounded_in_the_mode_that_the_policy_names() {
    let cost = |mode| {
        let line = seats("sub:a", "mail", "2").with_unit_cost(Some(usd("7.00025")));
        let world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "2")
            .with_policy(|policy| policy.money_rounding = mode)
            .reads("c-1", vec![line]);
        let plan = world.plan();
        let written = serde_json::to_string(&plan.content().policy).unwrap();
        assert_eq!(
            written.contains("money_rounding"),
            mode == RoundingMode::HalfEven
        );
        match plan.changes() {
            [change] => change.action.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        cost(RoundingMode::HalfUp),
        "set unit cost none -> 7.0003 USD"
    );
    assert_eq!(
        cost(RoundingMode::HalfEven),
        "set unit cost none -> 7.0002 USD"
    );
}
