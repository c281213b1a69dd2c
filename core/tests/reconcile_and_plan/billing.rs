//! The billing behaviours that a vendor's own connector has, by their numbers (B2 to B17).

use rust_decimal::Decimal;
use tallyline_core::mapping::{AccountEntry, AccountLink, LineTarget};
use tallyline_core::model::{
    Agreement, AgreementLine, BillKey, BillingCycle, ChargeKind, CivilDate, Company, Period,
    UsageLine,
};
use tallyline_core::plan::{
    ArrearsCount, BillingMode, Duplicates, Guard, Plan, PrepaidYears, Proration, ProrationCheck,
    Strategy as By, VendorMissing,
};
use tallyline_core::reconcile::Kind;
use tallyline_core::source::{Trigger, Triggers};

use crate::world::{World, actions, guards, seats, usd};

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// October is billed as the mode says, with the next invoice on the first of November; 10 seats at
/// 20.00 are billed since January; the agreement prorates.
fn october(to: &str, today: &str, mode: BillingMode) -> World {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .reads("c-1", vec![seats("sub:a", "mail", to)])
        .on(day(today))
        .with_policy(|policy| policy.billing_mode = Some(mode));
    let agreement = &mut world.agreements[0];
    agreement.prorates = Some(true);
    agreement.next_invoice = Some(day("2026-11-01"));
    agreement.bill_start = Some(day("2026-01-01"));
    agreement.period_anchor = Some(day("2026-01-01"));
    let state = &mut world.lines_of(1)[0].state;
    state.effective = Some(day("2026-01-01"));
    state.unit_price = Some(usd("20.00"));
    world
}

impl World {
    fn prorating(self, increase: bool, decrease: bool) -> Self {
        let switches = Proration { increase, decrease };
        self.with_policy(|policy| policy.proration = Some(switches))
    }

    fn prorates(mut self, prorates: bool) -> Self {
        self.agreements[0].prorates = Some(prorates);
        self
    }
}

fn days(plan: &Plan) -> Vec<String> {
    let days = plan
        .changes()
        .iter()
        .map(|change| change.effective.to_string());
    days.collect()
}

fn told(plan: &Plan, kind: Kind) -> Vec<&str> {
    let notices = plan.notices().iter().filter(|notice| notice.kind == kind);
    notices.map(|notice| notice.message.as_str()).collect()
}

#[test]
fn b2_in_advance_a_change_counts_from_the_next_invoice_and_the_days_before_are_caught_up() {
    let plan = october("13", "2026-10-11", BillingMode::PreBilling)
        .prorating(true, false)
        .plan();
    assert_eq!(
        actions(&plan),
        [
            "set quantity 10 -> 13",
            "create a line of 3 until 2026-10-31"
        ]
    );
    assert_eq!(days(&plan), ["2026-11-01", "2026-10-11"]);
    let price = plan.changes()[1].prediction.as_ref().unwrap().price;
    assert_eq!(price, Some(usd("40.65")), "60.00 x 21 / 31");
    // Not prorated, October's use is not billed.
    let plan = october("13", "2026-10-11", BillingMode::PreBilling)
        .prorating(false, false)
        .plan();
    assert_eq!(actions(&plan), ["set quantity 10 -> 13"]);
    assert_eq!(days(&plan), ["2026-11-01"]);
}

#[test]
fn b2_in_arrears_a_prorated_change_counts_from_its_day_in_the_period_that_runs() {
    let mut world = october("13", "2026-10-11", BillingMode::PostBilling).prorating(true, true);
    world.prorates_ends = true;
    let plan = world.plan();
    assert_eq!(
        actions(&plan),
        [
            "end the line of 10 after 2026-10-10, a line of 13 follows",
            "create a line of 13 in place of line 10"
        ]
    );
    assert_eq!(days(&plan), ["2026-10-11", "2026-10-11"]);
    assert_eq!(guards(&plan), []);
    let again = world.applied(&plan).plan();
    assert_eq!(actions(&again), Vec::<String>::new());
    // Where it is not known that an ended line is billed by days, a person decides.
    let plan = october("13", "2026-10-11", BillingMode::PostBilling)
        .prorating(true, true)
        .plan();
    assert_eq!(guards(&plan), [Guard::Proration, Guard::Proration]);
    assert!(
        plan.changes()[0].blocks[0].reason.contains("prorates_ends"),
        "{:?}",
        plan.changes()[0].blocks
    );
}

#[test]
fn b2_in_arrears_what_is_not_prorated_is_the_count_of_the_periods_first_or_last_day_as_chosen() {
    let plan = |count| {
        october("13", "2026-10-11", BillingMode::PostBilling)
            .prorating(false, false)
            .with_policy(|policy| policy.arrears_count = count)
            .plan()
    };
    let start = plan(ArrearsCount::StartOfPeriod);
    assert_eq!(
        actions(&start),
        [
            "end the line of 10 after 2026-10-31, a line of 13 follows",
            "create a line of 13 in place of line 10"
        ]
    );
    assert_eq!(days(&start), ["2026-11-01", "2026-11-01"]);
    let end = plan(ArrearsCount::EndOfPeriod);
    assert_eq!(actions(&end), ["set quantity 10 -> 13"]);
    assert_eq!(
        days(&end),
        ["2026-10-01"],
        "October is billed in November, and whole"
    );
    assert_eq!(guards(&end), []);
}

#[test]
fn b2_pure_usage_is_billed_in_arrears_in_either_mode() {
    for mode in [BillingMode::PreBilling, BillingMode::PostBilling] {
        let mut world = october("13", "2026-11-01", mode).prorating(true, true);
        world.readings.clear();
        let mut world = world.counting_usage("mail").reads(
            "c-1",
            vec![seats("meter:a", "mail", "13").with_kind(ChargeKind::Usage)],
        );
        world.readings[0].read_at = world.now;
        let plan = world.plan();
        assert_eq!(actions(&plan), ["set quantity 10 -> 13"], "{mode}");
        assert_eq!(
            days(&plan),
            ["2026-10-01"],
            "{mode}: for the period before the next invoice"
        );
    }
}

#[test]
fn b3_increases_and_decreases_are_prorated_by_switches_that_do_not_depend_on_each_other() {
    for (increase, decrease) in [(false, false), (true, false), (false, true), (true, true)] {
        for own in [By::InPlace, By::InPlaceWithCatchUp] {
            let catches_up = |to: &str, today: &str| {
                let world = october(to, today, BillingMode::PreBilling)
                    .by(own)
                    .prorating(increase, decrease);
                let plan = world.plan();
                assert_eq!(guards(&plan), []);
                plan.changes().len() == 2
            };
            let switches = (increase, decrease);
            assert_eq!(catches_up("13", "2026-10-11"), increase, "{switches:?}");
            assert_eq!(catches_up("8", "2026-10-20"), decrease, "{switches:?}");
        }
    }
    let credit = october("8", "2026-10-20", BillingMode::PreBilling)
        .prorating(false, true)
        .plan();
    assert_eq!(
        actions(&credit)[1],
        "create a line of -2 until 2026-10-31",
        "40.00 x 12 / 31 is given back"
    );
}

#[test]
fn b4_post_billing_with_proration_is_refused_where_the_agreement_does_not_prorate() {
    let world = |switches: (bool, bool)| {
        october("13", "2026-10-11", BillingMode::PostBilling)
            .prorates(false)
            .prorating(switches.0, switches.1)
    };
    let refused = world((true, false)).plan();
    assert!(guards(&refused).contains(&Guard::Proration));
    assert!(
        refused.changes().iter().all(|change| change.is_blocked()),
        "{:?}",
        refused.changes()
    );
    let reason = &refused.changes()[0].blocks[0].reason;
    assert!(
        reason.contains("option to prorate, which is off"),
        "{reason}"
    );
    // A switch of the other direction asks nothing of it.
    assert_eq!(guards(&world((false, true)).plan()), []);
    let warned = world((true, false))
        .with_policy(|policy| policy.proration_check = ProrationCheck::Warn)
        .plan();
    assert_eq!(guards(&warned), []);
    assert_eq!(days(&warned), ["2026-11-01", "2026-11-01"]);
    let told = warned.notices().iter().map(|notice| &notice.message);
    assert!(
        told.clone()
            .any(|message| message.contains("is not prorated")),
        "{:?}",
        told.collect::<Vec<_>>()
    );
}

#[test]
fn b7_a_first_sync_in_mid_month_names_the_window_it_omits_and_prorates_nothing() {
    let world = |today: &str, first: &str| {
        let mut world = october("13", today, BillingMode::PreBilling).prorating(true, true);
        world.first_sync = Some(day(first));
        world
    };
    let first = world("2026-10-11", "2026-10-11").plan();
    assert_eq!(actions(&first), ["set quantity 10 -> 13"]);
    let omitted = told(&first, Kind::NotBilled);
    assert_eq!(omitted.len(), 1, "{omitted:?}");
    assert!(
        omitted[0].contains("2026-10-01 to 2026-10-10"),
        "{omitted:?}"
    );
    // Right after the billing nothing is left out, nor in a later sync.
    for (today, first) in [("2026-10-01", "2026-10-01"), ("2026-10-11", "2026-09-20")] {
        let plan = world(today, first).plan();
        assert_eq!(plan.changes().len(), 2, "{today}");
        assert_eq!(told(&plan, Kind::NotBilled), Vec::<&str>::new(), "{today}");
    }
}

#[test]
fn b7_prorations_for_days_before_the_first_sync_are_told_and_never_charged() {
    let piece = |key: &str, from: &str| {
        let period = Period::new(day(from), day("2026-10-31")).unwrap();
        seats(key, "mail", "3")
            .with_kind(ChargeKind::Proration)
            .with_unit_price(Some(usd("2.00")))
            .with_bill(Some(BillKey::new("INV-1", day("2026-10-31"))))
            .with_period(Some(period))
    };
    let world = |today: &str| {
        let mut world = october("13", today, BillingMode::PreBilling)
            .prorating(true, true)
            .charges_prorations("mail");
        world.readings.clear();
        let lines = vec![
            seats("sub:a", "mail", "10"),
            piece("p:1", "2026-10-05"),
            piece("p:2", "2026-10-12"),
        ];
        let mut world = world.reads("c-1", lines);
        world.readings[0].read_at = world.now;
        world.first_sync = Some(day("2026-10-11"));
        world
    };
    for today in ["2026-10-11", "2026-11-02"] {
        let plan = world(today).plan();
        let charged: Vec<&str> = plan
            .changes()
            .iter()
            .flat_map(|change| &change.evidence.usage)
            .map(|usage| usage.line.as_str())
            .collect();
        assert_eq!(charged, ["p:2"], "{today}");
        let told = told(&plan, Kind::NotBilled);
        assert!(
            told.iter().any(|message| message
                .contains("the days from 2026-10-05 to 2026-10-10, before the first sync")
                && message.contains("6.00 USD")),
            "{told:?}"
        );
    }
}

fn yearly(cycle: BillingCycle) -> World {
    World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .reads(
            "c-1",
            vec![
                seats("sub:a", "mail", "13")
                    .with_billing_cycle(cycle)
                    .with_unit_cost(Some(usd("100.00"))),
            ],
        )
}

#[test]
fn b11_what_is_prepaid_for_a_year_is_left_with_its_reason_unless_the_policy_bills_it_by_months() {
    let left = yearly(BillingCycle::Yearly).plan();
    assert_eq!(actions(&left), Vec::<String>::new());
    let reasons = told(&left, Kind::NotEligible);
    assert!(
        reasons[0].contains("prepaid for a year"),
        "{:?}",
        left.notices()
    );
    let monthly = yearly(BillingCycle::Yearly)
        .with_policy(|policy| policy.prepaid_years = PrepaidYears::Monthly)
        .plan();
    assert_eq!(
        actions(&monthly),
        ["set quantity 10 -> 13", "set unit cost none -> 8.3333 USD"]
    );
}

#[test]
fn b11_a_years_commitment_that_is_billed_monthly_syncs_as_any_other() {
    let plan = yearly(BillingCycle::Monthly).plan();
    assert_eq!(
        actions(&plan),
        ["set quantity 10 -> 13", "set unit cost none -> 100.00 USD"]
    );
    assert_eq!(told(&plan, Kind::NotEligible), Vec::<&str>::new());
}

#[test]
fn b11_years_and_months_in_one_sum_have_no_one_cost() {
    let lines = vec![
        seats("sub:a", "mail", "3")
            .with_billing_cycle(BillingCycle::Yearly)
            .with_unit_cost(Some(usd("10"))),
        seats("sub:b", "mail", "4")
            .with_billing_cycle(BillingCycle::Monthly)
            .with_unit_cost(Some(usd("10"))),
    ];
    let plan = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .reads("c-1", lines)
        .with_policy(|policy| policy.prepaid_years = PrepaidYears::Monthly)
        .plan();
    assert_eq!(actions(&plan), ["set quantity 10 -> 7"]);
}

#[test]
fn b13_the_clients_price_is_written_only_where_sync_unit_price_is_on() {
    let world = |on: bool| {
        let priced = |key: &str, service: &str, quantity: &str| {
            seats(key, service, quantity).with_unit_price(Some(usd("12.50")))
        };
        let mut world = World::new()
            .account(1)
            .service("mail")
            .service("disk")
            .bills(1, "10", "P-mail", "10")
            .reads(
                "c-1",
                vec![priced("sub:a", "mail", "10"), priced("sub:b", "disk", "2")],
            )
            .with_policy(|policy| policy.sync_unit_price = on);
        world.lines_of(1)[0].state.unit_price = Some(usd("11"));
        world
    };
    let off = world(false).plan();
    assert_eq!(actions(&off), ["create a line of 2"]);
    let text = off.to_text().unwrap();
    assert!(!text.contains("12.5"), "the product's own price applies");
    let on = world(true).plan();
    assert_eq!(
        actions(&on),
        [
            "create a line of 2",
            "set unit price 11.00 USD -> 12.50 USD"
        ]
    );
    assert!(on.to_text().unwrap().contains("\"unit_price\": {"));
    let again = world(true).applied(&on).plan();
    assert_eq!(actions(&again), Vec::<String>::new());
}

#[test]
fn b14_a_change_counts_from_its_day_or_a_periods_first_and_never_from_days_billed_before() {
    for mode in [BillingMode::PreBilling, BillingMode::PostBilling] {
        for (prorated, to) in [(true, "13"), (true, "8"), (false, "13"), (false, "8")] {
            let mut world = october(to, "2026-10-11", mode).prorating(prorated, prorated);
            world.prorates_ends = true;
            let plan = world.plan();
            assert_eq!(guards(&plan), [], "{mode} {prorated} {to}");
            // In advance October is billed already: what it needs is a line of its own, from the day on.
            let wanted: &[&str] = match (mode, prorated) {
                (BillingMode::PreBilling, true) => &["2026-11-01", "2026-10-11"],
                (BillingMode::PostBilling, true) => &["2026-10-11", "2026-10-11"],
                _ => &["2026-11-01"],
            };
            let mut days = days(&plan);
            days.truncate(wanted.len());
            assert_eq!(days, wanted, "{mode} {prorated} {to}: {:?}", actions(&plan));
        }
    }
}

/// Two lines of the product were there before anything was written.
fn before(policy: Duplicates) -> World {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .bills(1, "11", "P-mail", "7")
        .reads("c-1", vec![seats("sub:a", "mail", "10")])
        .with_policy(|to| to.duplicates = policy);
    let mut child = Agreement::new("a-1-1", "1", "Licences");
    child.billing_cycle = BillingCycle::Monthly;
    child.parent = Some("a-1".into());
    child.next_invoice = Some(day("2026-04-01"));
    world.agreements.push(child);
    let line = AgreementLine::new("20", "P-mail", 10_u32);
    world.lines.push(("a-1-1".to_owned(), vec![line]));
    world
}

#[test]
fn b15_lines_from_before_the_first_association_get_an_end_that_waits_for_a_persons_word() {
    let world = before(Duplicates::Propose);
    let plan = world.plan();
    assert_eq!(
        actions(&plan),
        [
            "end the line of 7 after 2026-03-31",
            "end the line of 10 after 2026-03-31"
        ]
    );
    let on: Vec<&str> = plan
        .changes()
        .iter()
        .map(|change| change.agreement.as_str())
        .collect();
    assert_eq!(on, ["a-1", "a-1-1"]);
    assert_eq!(
        guards(&plan),
        [Guard::FirstAssociation, Guard::FirstAssociation]
    );
    assert!(plan.changes().iter().all(|c| c.final_block().is_none()));
    let (first, second) = (&plan.changes()[0], &plan.changes()[1]);
    assert_ne!(first.id, second.id);
    assert!(
        first.reason.contains("likely to bill the same twice"),
        "{}",
        first.reason
    );
}

#[test]
fn b15_by_a_switch_they_are_ended_without_asking_or_only_reported() {
    let world = before(Duplicates::End);
    let plan = world.plan();
    assert_eq!(guards(&plan), []);
    let again = world.applied(&plan).plan();
    assert_eq!(actions(&again), Vec::<String>::new(), "they are there once");
    let plan = before(Duplicates::Report).plan();
    assert_eq!(actions(&plan), Vec::<String>::new());
    assert_eq!(told(&plan, Kind::Ambiguous).len(), 1);
}

#[test]
fn b15_a_line_that_ends_for_two_reasons_is_one_line_of_what_a_plan_takes_away() {
    let mut world = before(Duplicates::End).with_policy(|to| {
        to.vendor_missing = VendorMissing::EndLine;
        to.reduction_limit.percent = Decimal::ZERO;
        to.reduction_limit.lines = 2;
    });
    let target = LineTarget::Agreement("a-1-1".into());
    let child = AccountEntry::Link(AccountLink::manual("1", target));
    world.mapping.set_account("c-2".into(), child);
    let plan = world.reads("c-2", Vec::new()).plan();
    assert_eq!(
        actions(&plan),
        [
            "end the line of 7 after 2026-03-31",
            "end the line of 10 after 2026-03-31",
            "end the line of 10 after 2026-03-31"
        ]
    );
    assert_eq!(guards(&plan), []);
}

#[test]
fn b15_nothing_is_proposed_where_nobody_can_tell_which_line_is_meant_or_for_a_child() {
    let mut unclear = before(Duplicates::Propose);
    unclear.agreements.pop();
    unclear.lines_of(1)[0].state.quantity = 9_u32.into();
    assert_eq!(actions(&unclear.plan()), Vec::<String>::new());
    let mut child = before(Duplicates::Propose);
    child.agreements.pop();
    child.agreements[0].parent = Some("a-0".into());
    assert_eq!(actions(&child.plan()), Vec::<String>::new());
}

impl World {
    /// Lets a service count what is measured.
    fn counting_usage(mut self, name: &str) -> Self {
        let key = format!("S-{name}").as_str().into();
        let Some(tallyline_core::mapping::ServiceEntry::Link(link)) = self.mapping.service(&key)
        else {
            panic!("{name} is not linked");
        };
        let mut link = link.clone();
        link.counts = ChargeKind::Usage;
        let entry = tallyline_core::mapping::ServiceEntry::Link(link);
        self.mapping.set_service(key, entry);
        self
    }
}

/// As a vendor has it whose usage is billed at the end of its period.
const BY_KIND: Triggers = Triggers {
    quota: Trigger::OnQuantityChange,
    usage: Trigger::OnBillingDate,
    usage_with_extra: Trigger::OnUsageChange,
};

/// Metered use in March of 2026, read on a day.
fn metered(today: &str, extra: bool) -> World {
    let march = Period::new(day("2026-03-01"), day("2026-03-31")).unwrap();
    let mut lines = vec![
        seats("meter:a", "disk", "13")
            .with_kind(ChargeKind::Usage)
            .with_period(Some(march)),
    ];
    if extra {
        lines.push(seats("sub:a", "disk", "2"));
    }
    let mut world = World::new()
        .account(1)
        .service("disk")
        .counting_usage("disk")
        .bills(1, "10", "P-disk", "10")
        .reads("c-1", lines)
        .on(day(today));
    world.triggers = BY_KIND;
    world
}

#[test]
fn b16_usage_waits_for_the_vendors_billing_date_and_the_plan_says_what_waits() {
    let waiting = metered("2026-03-11", false).plan();
    assert_eq!(actions(&waiting), Vec::<String>::new());
    let told_of = told(&waiting, Kind::NotDue);
    assert!(
        told_of[0].contains("the vendor's billing date, 2026-03-31"),
        "{told_of:?}"
    );
    for due in ["2026-03-31", "2026-04-01"] {
        let plan = metered(due, false).plan();
        assert_eq!(actions(&plan), ["set quantity 10 -> 13"], "{due}");
        assert_eq!(told(&plan, Kind::NotDue), Vec::<&str>::new());
    }
}

#[test]
fn b16_what_recurs_is_due_at_once_and_so_is_extra_usage_beside_it() {
    let extra = metered("2026-03-11", true).plan();
    assert_eq!(actions(&extra), ["set quantity 10 -> 13"]);
    let mut quota = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .reads("c-1", vec![seats("sub:a", "mail", "13")]);
    quota.triggers = BY_KIND;
    assert_eq!(actions(&quota.plan()), ["set quantity 10 -> 13"]);
}

#[test]
fn b16_a_trigger_can_be_chosen_for_an_offer() {
    let at_once = metered("2026-03-11", false).with_policy(|policy| {
        let disk = "S-disk".into();
        policy.triggers.insert(disk, Trigger::OnUsageChange);
    });
    assert_eq!(actions(&at_once.plan()), ["set quantity 10 -> 13"]);
}

#[test]
fn b17_the_billing_date_comes_of_the_vendors_period_where_the_line_names_none_and_of_its_bill() {
    let mut world = metered("2026-03-11", false);
    let march = world.readings[0].lines().unwrap()[0].period;
    let usage = |edit: fn(UsageLine) -> UsageLine| {
        vec![edit(
            seats("meter:a", "disk", "13").with_kind(ChargeKind::Usage),
        )]
    };
    world.readings.clear();
    let mut by_reading = world.clone().reads("c-1", usage(|line| line));
    by_reading.readings[0].billing_period = march;
    assert_eq!(told(&by_reading.plan(), Kind::NotDue).len(), 1);
    let bill = |line: UsageLine| {
        line.with_bill(Some(BillKey::new("INV-1", "2026-03-06".parse().unwrap())))
    };
    let mut on_a_bill = world.clone().reads("c-1", usage(bill));
    on_a_bill.readings[0].billing_period = march;
    assert_eq!(actions(&on_a_bill.plan()), ["set quantity 10 -> 13"]);
    // A vendor that names no period tells no billing date: nothing waits for it.
    let nothing_known = world.reads("c-1", usage(|line| line));
    assert_eq!(actions(&nothing_known.plan()), ["set quantity 10 -> 13"]);
}

#[test]
fn b9_an_account_goes_to_the_company_and_agreement_of_its_link_while_that_is_on() {
    let world = World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    let plan = world.plan();
    let change = &plan.changes()[0];
    assert_eq!(
        (change.company.as_str(), change.agreement.as_str()),
        ("1", "a-1")
    );
    assert_eq!(world.companies, [Company::new("1", "Client 1")]);
    assert!(world.link("c-1", 1, false).plan().changes().is_empty());
}
