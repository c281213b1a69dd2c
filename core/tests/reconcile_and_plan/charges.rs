//! One charge for each bill: summed exactly, rounded once, never made twice.

use futures::executor::block_on;
use tallyline_core::apply::Approval;
use tallyline_core::mapping::{AccountEntry, AccountLink, LineTarget, ServiceEntry};
use tallyline_core::model::{
    AccountReading, Basis, Bill, BillKey, BillingCycle, ChangeId, ChargeKind, Period, Quantity,
    Timestamp, UsageLine,
};
use tallyline_core::plan::{Action, Change, Guard, Plan};
use tallyline_core::reconcile::Kind;
use tallyline_core::store::{Event, Journal, MemoryStore, RecordedEvent, RunRecord};

use crate::world::{World, actions, guards, kind_of, now, seats, usd};

fn bill(date: &str) -> BillKey {
    BillKey::new("Microsoft Azure", date.parse().unwrap())
}

/// What a meter counted, on the bill of a day.
fn metered(meter: &str, date: &str, quantity: &str, price: &str) -> UsageLine {
    let days = Period::new("2026-02-06".parse().unwrap(), "2026-03-05".parse().unwrap());
    seats(&format!("meter:{meter}:{date}"), "azure", quantity)
        .with_kind(ChargeKind::Usage)
        .with_subscription("AZ")
        .with_billing_cycle(BillingCycle::Monthly)
        .with_unit_price(Some(usd(price)))
        .with_unit_cost(Some(usd("0.5")))
        .with_period(Some(days.unwrap()))
        .with_bill(Some(bill(date)))
}

fn reading(lines: Vec<UsageLine>) -> AccountReading {
    reading_of("c-1", lines)
}

fn reading_of(account: &str, lines: Vec<UsageLine>) -> AccountReading {
    let mut bills: Vec<BillKey> = lines.iter().filter_map(|line| line.bill.clone()).collect();
    bills.sort();
    bills.dedup();
    let content: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
    let bills = bills.into_iter().map(|key| Bill::new(key, &content));
    AccountReading::complete(account, lines, Basis::Invoiced, now()).with_bills(bills)
}

fn of(lines: Vec<UsageLine>) -> World {
    let mut world = World::new()
        .per_service("c-1", 1)
        .charges("azure")
        .carries(1, "71", "AZ");
    world.readings.push(reading(lines));
    world
}

fn february() -> World {
    of(vec![
        metered("compute", "2026-03-06", "12.345", "0.10101"),
        metered("storage", "2026-03-06", "0.001", "1.8"),
    ])
}

/// The ledger after a run in which every change came to an event.
pub(crate) fn ledger_after(plan: &Plan, event: &Event) -> tallyline_core::store::Ledger {
    let store = MemoryStore::new();
    let approval = Approval::of_plan(plan.id().clone(), "dana", Timestamp::EPOCH);
    let run = RunRecord::new("r1".into(), "market", "psa", now(), approval);
    let settled: Vec<RecordedEvent> = plan
        .changes()
        .iter()
        .map(|change| RecordedEvent {
            change: change.id.clone(),
            seq: 0,
            at: now(),
            event: event.clone(),
        })
        .collect();
    let text = plan.to_text().unwrap();
    block_on(store.begin(&run, &text, plan.changes(), &settled)).unwrap();
    block_on(store.ledger("market", "psa")).unwrap()
}

pub(crate) const DONE: Event = Event::Done { recovered: false };

fn charged(change: &Change) -> (String, String) {
    let Action::AddCharge {
        quantity,
        unit_price,
        ..
    } = &change.action
    else {
        panic!("{change:?}")
    };
    (quantity.to_string(), unit_price.to_string())
}

#[test]
fn a_bill_becomes_one_charge_with_its_sum_rounded_once() {
    let plan = february().plan();
    let [change] = plan.changes() else {
        panic!("{:?}", actions(&plan))
    };
    // 12.345 x 0.10101 = 1.24696845, and 0.0018: rounded each by itself it would be the same
    // here; rounded before the sum, the second would be nothing.
    assert_eq!(charged(change), ("1".to_owned(), "1.25 USD".to_owned()));
    assert_eq!(change.effective.to_string(), "2026-03-06");
    assert_eq!(change.agreement.as_str(), "key:AZ");
    assert_eq!(change.evidence.usage.len(), 2);
    let Action::AddCharge {
        description,
        unit_cost,
        ..
    } = &change.action
    else {
        panic!("{change:?}")
    };
    assert_eq!(
        description,
        "Azure plan, bill of 2026-03-06, usage 2026-02-06 to 2026-03-05"
    );
    assert_eq!(*unit_cost, Some(usd("6.17")));
    assert!(!change.is_blocked(), "{:?}", change.blocks);
}

#[test]
fn one_meter_at_one_price_keeps_its_fractional_quantity() {
    let plan = of(vec![
        metered("a", "2026-03-06", "12.5", "0.08"),
        metered("b", "2026-03-06", "0.25", "0.08"),
    ])
    .plan();
    assert_eq!(
        charged(&plan.changes()[0]),
        ("12.75".to_owned(), "0.08 USD".to_owned())
    );
    // A price with more digits than a PSA keeps goes into the total.
    let plan = of(vec![metered("a", "2026-03-06", "1000", "0.000123")]).plan();
    assert_eq!(
        charged(&plan.changes()[0]),
        ("1".to_owned(), "0.12 USD".to_owned())
    );
}

#[test]
fn a_quantity_with_more_digits_than_a_psa_keeps_goes_into_the_total() {
    let world = of(vec![metered("a", "2026-03-06", "12.34567", "0.05")]);
    let plan = world.plan();
    assert_eq!(
        charged(&plan.changes()[0]),
        ("1".to_owned(), "0.62 USD".to_owned())
    );
    // Zeros at the end are none.
    let plan = of(vec![metered("a", "2026-03-06", "12.345600", "0.05")]).plan();
    let (quantity, price) = charged(&plan.changes()[0]);
    assert_eq!(
        (quantity.parse::<Quantity>().unwrap(), price),
        ("12.3456".parse().unwrap(), "0.05 USD".to_owned())
    );
}

#[test]
fn nothing_is_planned_with_more_digits_than_the_psa_keeps_whatever_the_policy_says() {
    let world = of(vec![metered("a", "2026-03-06", "12.34567", "0.05")])
        .account(2)
        .service("mail")
        .reads(
            "c-2",
            vec![seats("sub:z", "mail", "4").with_unit_cost(Some(usd("7.00025")))],
        )
        .with_policy(|policy| policy.unit_cost_digits = 6);
    let planned = |kept| {
        let mut world = world.clone();
        world.amount_digits = kept;
        let plan = world.plan();
        let charge = plan.changes().iter().find(|c| charged_for_azure(c));
        let created = plan.changes().iter().find_map(|c| match &c.action {
            Action::CreateLine { unit_cost, .. } => *unit_cost,
            _ => None,
        });
        let digits = plan.content().policy.unit_cost_digits;
        (
            charged(charge.unwrap()),
            created.unwrap().to_string(),
            digits,
        )
    };
    let words = |quantity: &str, price: &str| (quantity.to_owned(), price.to_owned());
    assert_eq!(
        planned(None),
        (words("12.34567", "0.05 USD"), "7.00025 USD".to_owned(), 6)
    );
    assert_eq!(
        planned(Some(4)),
        (words("1", "0.62 USD"), "7.0003 USD".to_owned(), 4)
    );
    // A policy that asks for fewer is kept to.
    assert_eq!(planned(Some(8)), planned(None));
}

#[test]
fn a_bill_comes_to_the_same_whether_it_was_charged_by_units_or_in_total() {
    for (then, now, charged_as) in [(5, 4, "12.34567"), (4, 5, "1")] {
        let digits = |digits: u32| {
            let world = of(vec![metered("a", "2026-03-06", "12.34567", "0.05")]);
            world.with_policy(|policy| policy.unit_cost_digits = digits)
        };
        let made = digits(then).plan();
        assert_eq!(charged(&made.changes()[0]).0, charged_as);
        let mut again = digits(now);
        again.ledger = ledger_after(&made, &DONE);
        let plan = again.plan();
        assert_eq!(actions(&plan), [""; 0]);
        let notices = plan.notices().iter();
        assert_eq!(notices.filter(|n| n.message.contains("by hand")).count(), 0);
    }
}

#[test]
fn a_bill_that_was_charged_plans_nothing_and_the_next_one_does() {
    let world = february();
    let plan = world.plan();
    let ledger = ledger_after(&plan, &DONE);
    let mut again = world.clone();
    again.ledger = ledger.clone();
    assert_eq!(actions(&again.plan()), [""; 0]);
    assert_eq!(kind_of(&again, "71 P-azure"), Kind::NoChange);
    // The bill is exported as a whole, and the source need not read it again.
    let exported = ledger.exported_bills();
    assert!(
        exported
            .digest(&"c-1".into(), &bill("2026-03-06"))
            .is_some()
    );
    assert_eq!(ledger.exported()[0].changes, [plan.changes()[0].id.clone()]);

    let mut april = world;
    april.ledger = ledger;
    april.readings[0] = reading(vec![
        metered("compute", "2026-03-06", "12.345", "0.10101"),
        metered("storage", "2026-03-06", "0.001", "1.8"),
        metered("compute", "2026-04-06", "3", "2"),
    ]);
    let next = april.plan();
    assert_eq!(actions(&next).len(), 1);
    assert_eq!(next.changes()[0].effective.to_string(), "2026-04-06");
    assert_ne!(next.changes()[0].marker, plan.changes()[0].marker);
}

#[test]
fn a_charge_carries_the_same_marker_in_every_plan_whatever_it_comes_to() {
    let first = february().plan();
    let other = of(vec![metered("compute", "2026-03-06", "99", "1")]).plan();
    assert_eq!(first.changes()[0].marker, other.changes()[0].marker);
    assert_ne!(first.changes()[0].id, other.changes()[0].id);
}

#[test]
fn a_charge_that_may_have_been_made_is_not_planned_again() {
    let world = february();
    let plan = world.plan();
    for (event, kind) in [
        (Event::Sent { attempt: 1 }, Kind::NotObserved),
        (
            Event::Conflict {
                detail: "another amount".into(),
            },
            Kind::Ambiguous,
        ),
    ] {
        let mut again = world.clone();
        again.ledger = ledger_after(&plan, &event);
        assert_eq!(actions(&again.plan()), [""; 0], "{event:?}");
        assert_eq!(kind_of(&again, "71 P-azure"), kind, "{event:?}");
    }
    let refused = Event::Skipped {
        cause: tallyline_core::store::SkipCause::NotApproved,
        reason: "dana did not approve it".into(),
    };
    let mut again = world;
    again.ledger = ledger_after(&plan, &refused);
    assert_eq!(actions(&again.plan()).len(), 1);
    assert!(again.ledger.exported().is_empty());
}

#[test]
fn a_bill_that_the_vendor_changed_after_it_was_charged_is_for_a_person() {
    let ledger = ledger_after(&february().plan(), &DONE);
    let mut changed = of(vec![metered("compute", "2026-03-06", "20", "1.5")]);
    changed.ledger = ledger;
    let plan = changed.plan();
    assert_eq!(actions(&plan), [""; 0]);
    let said = &plan.notices()[0].message;
    assert!(said.contains("run r1 charged 1 at 1.25 USD"), "{said}");
}

#[test]
fn usage_on_no_bill_yet_is_not_charged() {
    let world = of(vec![
        metered("compute", "2026-03-06", "3", "1").with_bill(None),
    ]);
    assert_eq!(actions(&world.plan()), [""; 0]);
    assert_eq!(kind_of(&world, "71 P-azure"), Kind::NotObserved);
}

#[test]
fn a_charge_on_a_new_agreement_stands_after_its_creation() {
    let mut world = february();
    world.agreements.clear();
    world.lines.clear();
    let world =
        world.with_policy(|policy| policy.default_currency = Some(usd("1").currency.unwrap()));
    let plan = world.plan();
    let [creation, charge] = plan.changes() else {
        panic!("{:?}", actions(&plan))
    };
    assert!(creation.action.creates_agreement());
    assert_eq!(charge.follows.as_ref(), Some(&creation.id));
    // From the first day of use, so that the day of the bill lies in it.
    assert_eq!(creation.effective.to_string(), "2026-02-06");
    assert_eq!(guards(&plan), []);
}

#[test]
fn a_charge_outside_the_agreement_or_in_another_currency_or_negative_is_blocked() {
    let mut late = february();
    late.agreements[0].end = Some("2026-03-05".parse().unwrap());
    assert_eq!(guards(&late.plan()), [Guard::AgreementDates]);
    assert!(late.plan().changes()[0].final_block().is_some());
    let mut euros = february();
    euros.agreements[0].currency = Some("EUR".parse().unwrap());
    assert_eq!(guards(&euros.plan()), [Guard::Currency]);
    let credit = of(vec![metered("refund", "2026-03-06", "1", "-12")]);
    assert_eq!(guards(&credit.plan()), [Guard::NegativeQuantity]);
    assert!(credit.plan().changes()[0].final_block().is_none());
}

#[test]
fn a_bill_with_usage_that_nothing_is_decided_about_is_not_exported_as_a_whole() {
    let mut world = february();
    let unmapped = seats("sub:x", "unknown", "1").with_bill(Some(bill("2026-03-06")));
    let lines = [metered("compute", "2026-03-06", "3", "1"), unmapped];
    world.readings[0] = reading(lines.to_vec());
    let plan = world.plan();
    assert_eq!(actions(&plan).len(), 1);
    assert!(plan.content().bills.is_empty());
    let whole = february().plan();
    assert_eq!(whole.content().bills.len(), 1);
    let changes: Vec<&ChangeId> = whole.content().bills[0].changes.iter().collect();
    assert_eq!(changes, [&whole.changes()[0].id]);
}

#[test]
fn a_charge_in_words_names_its_units_where_they_are_more_than_one() {
    let one = february().plan();
    assert_eq!(
        actions(&one),
        ["charge 1.25 USD for bill Microsoft Azure of 2026-03-06 of account c-1"]
    );
    let several = of(vec![metered("a", "2026-03-06", "12.5", "0.08")]).plan();
    assert_eq!(
        actions(&several),
        ["charge 12.5 at 0.08 USD for bill Microsoft Azure of 2026-03-06 of account c-1"]
    );
}

#[test]
fn a_charge_is_dated_from_the_agreements_first_day_to_its_last() {
    let with = |start: &str, end: &str| {
        let mut world = february();
        world.agreements[0].start = Some(start.parse().unwrap());
        world.agreements[0].end = Some(end.parse().unwrap());
        let plan = world.plan();
        let blocks = &plan.changes()[0].blocks;
        blocks.first().map(|block| block.reason.clone())
    };
    assert_eq!(with("2026-03-06", "2026-03-06"), None);
    assert_eq!(
        with("2026-03-07", "2027-03-06").as_deref(),
        Some("the charge is dated 2026-03-06, and the agreement begins on 2026-03-07")
    );
    assert_eq!(
        with("2026-01-06", "2026-03-05").as_deref(),
        Some("the charge is dated 2026-03-06, and the agreement ends on 2026-03-05")
    );
}

#[test]
fn a_bill_is_another_than_was_charged_by_its_units_or_its_price_alone() {
    let first = of(vec![metered("a", "2026-03-06", "12.5", "0.08")]);
    let ledger = ledger_after(&first.plan(), &DONE);
    let notices = |quantity: &str, price: &str| {
        let mut world = of(vec![metered("a", "2026-03-06", quantity, price)]);
        world.ledger = ledger.clone();
        let plan = world.plan();
        assert_eq!(actions(&plan), [""; 0]);
        let by_hand = |message: &str| message.contains("correct the charge in the PSA by hand");
        plan.notices()
            .iter()
            .filter(|n| by_hand(&n.message))
            .count()
    };
    assert_eq!(notices("12.5", "0.08"), 0);
    assert_eq!(notices("12.6", "0.08"), 1);
    assert_eq!(notices("12.5", "0.09"), 1);
}

#[test]
fn a_charge_names_the_usage_behind_it_and_no_other_accounts() {
    let mut world = february()
        .account(2)
        .service("mail")
        .reads("c-2", vec![seats("sub:z", "mail", "4")]);
    world.readings.rotate_right(1);
    let plan = world.plan();
    let charge = plan.changes().iter().find(|c| charged_for_azure(c));
    let lines: Vec<&str> = charge
        .unwrap()
        .evidence
        .usage
        .iter()
        .map(|usage| usage.line.as_str())
        .collect();
    assert_eq!(
        lines,
        ["meter:compute:2026-03-06", "meter:storage:2026-03-06"]
    );
}

fn charged_for_azure(change: &Change) -> bool {
    matches!(change.action, Action::AddCharge { .. })
}

/// Two accounts of one client with a bill each of one service and one day: c-2's agreement is another one of the client,
/// or the same.
fn two_accounts(of_second: &str) -> World {
    let mut world = World::new().account(1).account(2).charges("azure");
    world.agreements[1].company = "1".into();
    let second = AccountLink::manual("1", LineTarget::Agreement(of_second.into()));
    world
        .mapping
        .set_account("c-2".into(), AccountEntry::Link(second));
    for (account, price) in [("c-1", "2"), ("c-2", "5")] {
        let lines = vec![metered(account, "2026-03-06", "10", price)];
        world.readings.push(reading_of(account, lines));
    }
    world
}

#[test]
fn two_accounts_with_a_bill_of_one_day_become_two_charges_on_two_agreements_or_on_one() {
    for of_second in ["a-2", "a-1"] {
        let plan = two_accounts(of_second).plan();
        let [one, other] = plan.changes() else {
            panic!("{:?}", actions(&plan))
        };
        assert_eq!(other.agreement.as_str(), of_second);
        assert_eq!(charged(one), ("10".to_owned(), "2.00 USD".to_owned()));
        assert_eq!(charged(other), ("10".to_owned(), "5.00 USD".to_owned()));
        assert_ne!(one.marker, other.marker);
        assert_ne!(one.charge_key(), other.charge_key());
        assert!(one.reason.contains("account c-1"), "{}", one.reason);
        assert!(other.reason.contains("account c-2"), "{}", other.reason);
    }
}

#[test]
fn a_bill_of_one_account_that_was_charged_leaves_the_others_to_be_charged() {
    for of_second in ["a-2", "a-1"] {
        let mut world = two_accounts(of_second);
        let later = std::mem::replace(&mut world.readings[1], reading_of("c-2", Vec::new()));
        world.ledger = ledger_after(&world.plan(), &DONE);
        world.readings[1] = later;
        let plan = world.plan();
        let [left] = plan.changes() else {
            panic!("{:?}", actions(&plan))
        };
        assert_eq!(charged(left), ("10".to_owned(), "5.00 USD".to_owned()));
        let exported = world.ledger.exported_bills();
        let known = |account: &str| exported.digest(&account.into(), &bill("2026-03-06"));
        assert!(known("c-1").is_some());
        assert!(known("c-2").is_none());
    }
}

#[test]
fn a_bill_of_one_account_that_was_exported_leaves_the_others_to_be_charged() {
    let mut world = two_accounts("a-1");
    world.readings[0] = reading_of("c-1", Vec::new()).with_exported(["S-azure".into()]);
    let plan = world.plan();
    let [left] = plan.changes() else {
        panic!("{:?}", actions(&plan))
    };
    assert_eq!(charged(left), ("10".to_owned(), "5.00 USD".to_owned()));
    let [exported] = &plan.content().bills[..] else {
        panic!("{:?}", plan.content().bills)
    };
    assert_eq!(exported.account.as_str(), "c-2");
    assert_eq!(exported.changes, std::slice::from_ref(&left.id));
}

#[test]
fn a_bill_is_charged_though_another_account_of_its_agreement_could_not_be_read_or_is_switched_off()
{
    let unread = || {
        let mut world = two_accounts("a-1");
        world.readings.pop();
        world
    };
    let failed = unread().fails("c-2");
    let mut off = unread();
    let mut second = AccountLink::manual("1", LineTarget::Agreement("a-1".into()));
    second.enabled = false;
    off.mapping
        .set_account("c-2".into(), AccountEntry::Link(second));
    for world in [unread(), failed, off] {
        let plan = world.plan();
        let [charge] = plan.changes() else {
            panic!("{:?}", actions(&plan))
        };
        assert!(charge.reason.contains("account c-1"), "{}", charge.reason);
    }
}

#[test]
fn a_bill_of_which_a_part_is_not_charged_by_the_policy_does_not_count_as_exported() {
    let mut world = february();
    world.agreements.clear();
    world.lines.clear();
    assert_eq!(world.plan().content().bills.len(), 1);
    let plan = world
        .with_policy(|policy| policy.create_agreements = false)
        .plan();
    assert_eq!(actions(&plan), [""; 0]);
    assert!(plan.content().bills.is_empty());
}

/// February's bill of account c-1: charged on agreement a-1, or on one for its subscription.
fn on_one_or_by_subscription(by_subscription: bool) -> World {
    let mut world = february().account(1);
    if by_subscription {
        world = world.per_service("c-1", 1);
    }
    world
}

#[test]
fn a_bill_is_not_charged_again_where_its_account_gets_agreements_by_subscription_or_leaves_them() {
    for by_subscription in [false, true] {
        let before = on_one_or_by_subscription(by_subscription).plan();
        let [charge] = before.changes() else {
            panic!("{:?}", actions(&before))
        };
        let mut after = on_one_or_by_subscription(!by_subscription);
        let would = after.plan();
        assert_ne!(would.changes()[0].marker, charge.marker);
        after.ledger = ledger_after(&before, &DONE);
        let plan = after.plan();
        assert_eq!(actions(&plan), [""; 0]);
        assert_eq!(plan.content().found[&Kind::NoChange], 1);
    }
}

#[test]
fn a_bill_of_two_subscriptions_with_an_agreement_each_becomes_a_charge_on_each() {
    let mut world = of(vec![
        metered("compute", "2026-03-06", "1", "2"),
        metered("compute", "2026-03-06", "1", "3").with_subscription("AZ-2"),
    ])
    .carries(1, "72", "AZ-2");
    let plan = world.plan();
    assert_eq!(plan.changes().len(), 2, "{:?}", actions(&plan));
    world.ledger = ledger_after(
        &of(vec![metered("compute", "2026-03-06", "1", "2")]).plan(),
        &DONE,
    );
    let plan = world.plan();
    let [left] = plan.changes() else {
        panic!("{:?}", actions(&plan))
    };
    assert_eq!(left.agreement.as_str(), "key:AZ-2");
}

#[test]
fn what_is_billed_by_charges_owns_no_line() {
    let mut world = february().bills_on("71", "9", "P-azure", "3");
    world.readings = vec![reading(Vec::new())];
    assert_eq!(actions(&world.plan()), [""; 0]);
    assert!(world.kinds().is_empty(), "{:?}", world.kinds());
    assert_eq!(world.plan().content().unowned_lines, 1);
}

#[test]
fn a_service_that_is_switched_off_is_not_charged() {
    let mut world = february();
    let key = "S-azure".into();
    let entry = world.mapping.service(&key).cloned();
    let Some(ServiceEntry::Link(mut link)) = entry else {
        panic!("{entry:?}")
    };
    link.enabled = false;
    world.mapping.set_service(key, ServiceEntry::Link(link));
    assert_eq!(actions(&world.plan()), [""; 0]);
}
