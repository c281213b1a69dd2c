//! What is found and what is planned, over the public API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod billing;
mod bounds;
mod bundled;
mod charges;
mod checklist;
mod commitments;
mod daily;
mod dismissed;
mod divided;
mod evidence;
mod limits;
mod metadata;
mod per_service;
mod properties;
mod prorations;
mod strategies;
mod world;

use tallyline_core::ErrorKind;
use tallyline_core::mapping::{Exclusion, Mapping, ProductRule, Ratio, Rounding, ServiceEntry};
use tallyline_core::model::{
    AccountReading, Basis, Bill, BillKey, ChargeKind, Commitment, Currency, Eligibility, Money,
    Quantity, QuantityFloor, Timestamp,
};
use tallyline_core::plan::{Action, EffectiveDate, Guard, Plan, Side, Strategy, VendorMissing};
use tallyline_core::reconcile::{Kind, PsaBook, Reconciler};
use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};

use crate::world::{World, actions, cut, guards, kind_of, now, seats, today, usd};

#[test]
fn two_subscriptions_of_one_service_are_summed_before_they_are_compared() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "47")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "30"), seats("sub:b", "mail", "20")],
        );
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Change);
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 47 -> 50"]);
    assert_eq!(plan.changes()[0].evidence.usage.len(), 2);
    assert_eq!(
        plan.changes()[0].reason,
        "Market shows 50; PSA bills 47: 3 more to bill, for the whole of the period from 2026-04-01 \
         on, which is not invoiced yet"
    );
}

#[test]
fn usage_without_a_line_is_new_revenue_from_the_first_day_not_invoiced() {
    let world = World::new().account(1).service("mail").reads(
        "c-1",
        vec![seats("sub:a", "mail", "5").with_unit_cost(Some(usd("7.10")))],
    );
    let plan = world.plan();
    assert_eq!(actions(&plan), ["create a line of 5"]);
    assert_eq!(plan.changes()[0].effective.to_string(), "2026-04-01");
    let Action::CreateLine { unit_cost, .. } = &plan.changes()[0].action else {
        panic!("{plan:?}")
    };
    assert_eq!(*unit_cost, Some(usd("7.1")));
}

#[test]
fn an_agreement_that_prorates_changes_on_the_day_itself() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    world.agreements[0].prorates = Some(true);
    assert_eq!(world.plan().changes()[0].effective, today());
}

#[test]
fn packs_of_25_are_compared_in_packs() {
    let rule = ProductRule {
        ratio: Some(Ratio {
            units: Quantity::ONE,
            per: 25_u32.into(),
            rounding: Rounding::Ceil,
        }),
        ..ProductRule::one_to_one("P-pack")
    };
    let with = |seats_read: &str| {
        World::new()
            .account(1)
            .service_with("box", vec![rule.clone()], true)
            .bills(1, "10", "P-pack", "3")
            .reads("c-1", vec![seats("sub:a", "box", seats_read)])
    };
    assert_eq!(kind_of(&with("61"), "a-1 P-pack"), Kind::NoChange);
    let plan = with("76").plan();
    let said = &plan.changes()[0].reason;
    assert!(
        said.contains("Market shows 76, which bills as 4; PSA bills 3"),
        "{said}"
    );
}

#[test]
fn one_service_feeds_two_products_and_is_never_counted_back() {
    let cost_free = ProductRule {
        carries_cost: false,
        ..ProductRule::one_to_one("P-support")
    };
    let world = World::new()
        .account(1)
        .service_with(
            "mail",
            vec![ProductRule::one_to_one("P-mail"), cost_free],
            true,
        )
        .bills(1, "10", "P-mail", "4")
        .bills(1, "11", "P-support", "5")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "5").with_unit_cost(Some(usd("7")))],
        );
    assert_eq!(
        actions(&world.plan()),
        ["set quantity 4 -> 5", "set unit cost none -> 7.00 USD"]
    );
}

#[test]
fn a_line_that_no_mapping_owns_is_left_alone() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-onsite", "2")
        .reads("c-1", vec![]);
    assert!(world.kinds().is_empty());
    assert_eq!(world.plan().content().unowned_lines, 1);
}

#[test]
fn an_owned_line_without_usage_is_reported_and_ended_only_by_policy() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", vec![]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::VendorMissing);
    assert_eq!(world.plan().summary().notices, 1);
    assert!(world.plan().changes().is_empty());
    let ending = world.with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    assert_eq!(
        actions(&ending.plan()),
        ["end the line of 2 after 2026-03-31"]
    );
}

#[test]
fn a_line_does_not_end_while_the_account_has_usage_that_is_not_mapped() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .reads("c-1", vec![seats("sub:a", "mail-renamed", "2")]);
    let plan = world.plan();
    assert_eq!(guards(&plan), [Guard::UnmappedUsage]);
    assert!(
        plan.changes()[0].blocks[0]
            .reason
            .contains("S-mail-renamed")
    );
}

#[test]
fn an_account_that_failed_or_is_absent_changes_nothing() {
    let world = World::new()
        .account(1)
        .account(2)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .bills(2, "20", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .fails("c-1");
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
    assert_eq!(kind_of(&world, "a-2 P-mail"), Kind::NotObserved);
    assert!(world.plan().changes().is_empty());
}

#[test]
fn a_missing_part_blocks_the_sum_of_an_agreement() {
    let world = World::new()
        .account(1)
        .link("c-other", 1, true)
        .service("mail")
        .bills(1, "10", "P-mail", "9")
        .reads("c-1", vec![seats("sub:a", "mail", "5")])
        .fails("c-other");
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
    assert!(world.plan().changes().is_empty());
}

#[test]
fn a_kind_of_line_that_was_not_read_is_not_missing() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    let reading = AccountReading::complete("c-1", vec![], Basis::Live, now())
        .with_unread_kinds([ChargeKind::Recurring]);
    world.readings.push(reading);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
}

#[test]
fn a_service_about_which_a_reading_says_nothing_is_neither_missing_nor_changed() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .service("disk")
        .bills(1, "10", "P-mail", "2")
        .bills(1, "11", "P-disk", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    let why = "its bill of 2026-03-07 was exported already".to_owned();
    let reading =
        AccountReading::complete("c-1", vec![seats("a", "disk", "5")], Basis::Live, now())
            .with_unobserved([("S-mail".into(), why), ("unmapped".into(), String::new())]);
    world.readings.push(reading);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
    assert_eq!(kind_of(&world, "a-1 P-disk"), Kind::Change);
    assert_eq!(actions(&world.plan()), ["set quantity 2 -> 5"]);
}

#[test]
fn a_line_of_a_bill_that_was_exported_before_is_neither_missing_nor_a_finding() {
    let world = |reading: fn(AccountReading) -> AccountReading| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "2")
            .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
        let empty = AccountReading::complete("c-1", vec![], Basis::Invoiced, now());
        world.readings.push(reading(empty));
        world
    };
    let exported = world(|reading| reading.with_exported(["S-mail".into()]));
    assert_eq!(kind_of(&exported, "a-1 P-mail"), Kind::Exported);
    let plan = exported.plan();
    assert!(plan.changes().is_empty() && plan.notices().is_empty());
    assert_eq!(plan.content().found[&Kind::Exported], 1);
    // What is not known goes before it.
    let unknown = world(|reading| {
        reading
            .with_exported(["S-mail".into()])
            .with_unobserved([("S-mail".into(), "it says something else now".to_owned())])
    });
    assert_eq!(kind_of(&unknown, "a-1 P-mail"), Kind::NotObserved);
}

#[test]
fn a_line_of_which_one_account_was_exported_and_another_is_new_is_not_known() {
    let mut world = World::new()
        .account(1)
        .link("c-2", 1, true)
        .service("mail")
        .bills(1, "10", "P-mail", "2");
    let exported = AccountReading::complete("c-1", vec![], Basis::Invoiced, now());
    world
        .readings
        .push(exported.with_exported(["S-mail".into()]));
    let bill = Bill::new(BillKey::new("csp", today()), ["5 x mail"]);
    let new = vec![seats("a", "mail", "5")];
    let new = AccountReading::complete("c-2", new, Basis::Invoiced, now());
    world.readings.push(new.with_bills([bill]));
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
    let plan = world.plan();
    assert!(plan.changes().is_empty() && plan.content().bills.is_empty());
    let said = &plan.notices()[0].message;
    assert!(said.contains("exported before"), "{said}");
}

#[test]
fn b10_what_is_switched_off_on_either_side_is_neither_changed_nor_ended() {
    let world = World::new()
        .account(1)
        .service_with("mail", vec![ProductRule::one_to_one("P-mail")], false)
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::SwitchedOff);
    assert!(world.plan().changes().is_empty());
    let off = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .link("c-1", 1, false)
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(off.kinds(), [("c-1 Account".to_owned(), Kind::SwitchedOff)]);
}

#[test]
fn unmapped_is_not_the_same_as_excluded() {
    let mut world = World::new().account(1).reads(
        "c-1",
        vec![seats("sub:a", "new", "5"), seats("sub:b", "free", "1")],
    );
    let exclusion = Exclusion {
        reason: Some("internal use".into()),
    };
    world
        .mapping
        .set_service("S-free".into(), ServiceEntry::Exclude(exclusion));
    let kinds: Vec<Kind> = world.kinds().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [Kind::Excluded, Kind::Unmapped]);
}

#[test]
fn two_open_lines_of_one_product_are_ambiguous_and_an_ended_one_does_not_count() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .bills(1, "11", "P-mail", "3")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Ambiguous);
    assert!(world.plan().changes().is_empty());
    world.lines_of(1)[0].state.last_day = Some("2026-03-10".parse().unwrap());
    assert_eq!(actions(&world.plan()), ["set quantity 3 -> 5"]);
    world.lines_of(1)[1].state.last_day = Some("2026-03-31".parse().unwrap());
    assert_eq!(
        kind_of(&world, "a-1 P-mail"),
        Kind::Ambiguous,
        "a person set its end"
    );
}

#[test]
fn an_agreement_that_is_not_eligible_says_why() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    world.agreements[0].eligibility = Eligibility::NotEligible(vec!["it bills yearly".into()]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotEligible);
    assert_eq!(
        world.plan().notices()[0].message,
        "Client 1, Managed, P-mail: it bills yearly"
    );
}

#[test]
fn an_account_cannot_be_read_twice() {
    let (mapping, book) = (Mapping::new(), PsaBook::default());
    let mut reconciler = Reconciler::new(&mapping, &book, today());
    let reading = || AccountReading::complete("c-1", vec![], Basis::Live, now());
    reconciler.observe(reading()).unwrap();
    assert_eq!(
        reconciler.observe(reading()).unwrap_err().kind(),
        ErrorKind::Protocol
    );
}

#[test]
fn a_cost_is_synced_rounded_and_only_when_it_is_one_figure() {
    let one = |cost: &str| seats("sub:a", "mail", "2").with_unit_cost(Some(usd(cost)));
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", vec![one("7.10005")]);
    world.lines_of(1)[0].state.unit_cost = Some(usd("7.1"));
    assert_eq!(
        actions(&world.plan()),
        ["set unit cost 7.10 USD -> 7.1001 USD"]
    );
    let mixed = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "4")
        .reads(
            "c-1",
            vec![
                one("7.10"),
                seats("sub:b", "mail", "2").with_unit_cost(Some(usd("6"))),
            ],
        );
    assert!(mixed.plan().changes().is_empty());
    assert!(
        mixed.plan().notices()[0]
            .message
            .contains("different costs")
    );
}

#[test]
fn a_decrease_under_a_commitment_floor_is_blocked() {
    let floor = QuantityFloor {
        quantity: 8_u32.into(),
        until: "2026-12-31".parse().unwrap(),
    };
    let line =
        seats("sub:a", "mail", "5").with_commitment(Some(Commitment::new(None, vec![floor])));
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "8")
        .reads("c-1", vec![line]);
    assert_eq!(guards(&world.plan()), [Guard::CommitmentFloor]);
}

#[test]
fn a_currency_that_is_not_the_agreements_blocks_the_row() {
    let cad = Money::new(usd("7").amount, Currency::CAD);
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "5")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "6").with_unit_cost(Some(cad))],
        );
    assert_eq!(guards(&world.plan()), [Guard::Currency, Guard::Currency]);
}

#[test]
fn a_cost_is_blocked_while_the_agreements_currency_is_unknown() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "6")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "6").with_unit_cost(Some(usd("7")))],
        );
    world.agreements[0].currency = None;
    assert_eq!(guards(&world.plan()), [Guard::Currency]);
    let named = world.with_policy(|policy| policy.default_currency = Some(Currency::USD));
    assert_eq!(guards(&named.plan()), []);
}

#[test]
fn a_fraction_is_blocked_for_a_sink_of_whole_units_and_a_negative_for_all() {
    let mut world = World::new()
        .account(1)
        .service("gb")
        .bills(1, "10", "P-gb", "1")
        .reads("c-1", vec![seats("sub:a", "gb", "2.5")]);
    assert_eq!(guards(&world.plan()), []);
    world.whole_units = true;
    assert_eq!(guards(&world.plan()), [Guard::WholeUnits]);
    let negative = World::new()
        .account(1)
        .service("gb")
        .bills(1, "10", "P-gb", "1")
        .reads("c-1", vec![seats("sub:a", "gb", "-2")]);
    assert_eq!(guards(&negative.plan()), [Guard::NegativeQuantity]);
}

#[test]
fn a_reduction_from_a_stale_reading_is_blocked_and_an_increase_is_not() {
    let old: Timestamp = "2026-03-09T12:00:00Z".parse().unwrap();
    let world = |quantity: &str| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "5");
        let lines = vec![seats("sub:a", "mail", quantity)];
        world
            .readings
            .push(AccountReading::complete("c-1", lines, Basis::Live, old));
        world
    };
    assert_eq!(guards(&world("4").plan()), [Guard::StaleReading]);
    assert_eq!(guards(&world("6").plan()), []);
    let mut gone = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "5")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    gone.readings
        .push(AccountReading::complete("c-1", vec![], Basis::Live, old));
    assert_eq!(
        guards(&gone.plan()),
        [Guard::StaleReading],
        "absence is as old"
    );
}

#[test]
fn a_dated_change_in_an_invoiced_period_is_blocked_without_proration() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .with_policy(|policy| policy.effective_date = EffectiveDate::Today)
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(guards(&world.plan()), [Guard::InvoicedPeriod]);
    world.agreements[0].prorates = Some(true);
    assert_eq!(guards(&world.plan()), []);
}

#[test]
fn a_cost_in_another_currency_is_blocked_for_good_and_a_quantity_is_not() {
    let cad = Money::new(usd("7").amount, Currency::CAD);
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "5")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "6").with_unit_cost(Some(cad))],
        );
    let finals: Vec<bool> = world
        .plan()
        .changes()
        .iter()
        .map(|change| change.final_block().is_some())
        .collect();
    assert_eq!(finals, [false, true]);
}

#[test]
fn a_line_after_the_agreements_end_is_blocked() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    world.agreements[0].end = Some("2026-03-31".parse().unwrap());
    let plan = world.plan();
    assert_eq!(guards(&plan), [Guard::AgreementDates]);
    assert_eq!(
        plan.changes()[0].blocks[0].reason,
        "the line would bill from 2026-04-01, and the agreement ends on 2026-03-31"
    );
    assert!(plan.changes()[0].final_block().is_some());
}

#[test]
fn a_plan_is_not_carried_out_when_it_is_too_old() {
    let plan = cut(3, 1, "9").plan();
    let after = |hours: u64| now().plus(std::time::Duration::from_secs(hours * 3600));
    assert!(plan.check_age(after(72)).is_ok());
    let error = plan.check_age(after(73)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StalePlan);
    let said = "3 days 1 h ago, and may be carried out for 3 days";
    assert!(error.message().contains(said), "{error}");
    let by_a_second = after(72).plus(std::time::Duration::from_secs(1));
    assert!(plan.check_age(by_a_second).is_err());
}

#[test]
fn a_plan_of_one_tenant_is_not_carried_out_on_another_nor_by_another_strategy() {
    let plan = cut(3, 1, "9").plan();
    let source = Side {
        system: "market",
        tenant: None,
    };
    let mut sink = SinkDescriptor::new("psa", "PSA", SinkCapabilities::default());
    assert!(plan.check_sides(source, &sink).is_ok());
    sink.tenant = Some("production".into());
    let error = plan.check_sides(source, &sink).unwrap_err();
    assert_eq!(
        error.message(),
        "the plan is for psa, and psa (production) is connected: nothing was written"
    );
    sink.tenant = None;
    sink.strategy = Strategy::Versioned;
    assert!(plan.check_strategy(&sink).is_err());
    sink.strategy = Strategy::InPlace;
    assert!(plan.check_strategy(&sink).is_ok());
    let other = Side {
        system: "market",
        tenant: Some("another"),
    };
    assert!(plan.check_sides(other, &sink).is_err());
}

#[test]
fn a_plan_file_that_was_edited_is_refused() {
    let text = cut(3, 1, "9").plan().to_text().unwrap();
    let plan = Plan::from_text(&text).unwrap();
    assert_eq!(plan.summary().ready, 1);
    let edited = text.replace("\"to\": \"9\"", "\"to\": \"1\"");
    assert_ne!(edited, text);
    let error = Plan::from_text(&edited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StalePlan);
    assert!(
        error.to_string().contains("changed after it was made"),
        "{error}"
    );
}
