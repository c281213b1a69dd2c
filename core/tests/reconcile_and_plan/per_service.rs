//! An agreement of its own for each subscription: found by its key, or created.

use tallyline_core::model::{
    AccountReading, AgreementId, Basis, BillingCycle, ChargeKind, Commitment, Eligibility, Period,
    Service, UsageLine,
};
use tallyline_core::plan::{EffectiveDate, Guard, Plan, VendorMissing};
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, guards, kind_of, now, seats};

/// Seats of a subscription, billed monthly from the 6th.
fn subscribed(subscription: &str, service: &str, quantity: &str) -> UsageLine {
    let period = Period::new("2026-03-06".parse().unwrap(), "2026-04-05".parse().unwrap());
    seats(&format!("sub:{subscription}"), service, quantity)
        .with_subscription(subscription)
        .with_billing_cycle(BillingCycle::Monthly)
        .with_period(Some(period.unwrap()))
}

fn one(line: UsageLine) -> World {
    World::new()
        .per_service("c-1", 1)
        .service("mail")
        .reads("c-1", vec![line])
}

fn agreements(plan: &Plan) -> Vec<&str> {
    plan.changes()
        .iter()
        .map(|c| c.agreement.as_str())
        .collect()
}

#[test]
fn a_subscription_that_no_agreement_carries_gets_one_from_the_day_it_is_billed_from() {
    let plan = one(subscribed("A1", "mail", "5")).plan();
    assert_eq!(
        actions(&plan),
        [
            "create the agreement S-mail, billed monthly, until 2027-03-05",
            "create a line of 5"
        ]
    );
    assert_eq!(agreements(&plan), ["key:A1", "key:A1"]);
    let [creation, line] = plan.changes() else {
        panic!("{plan:?}")
    };
    assert_eq!(line.follows.as_ref(), Some(&creation.id));
    for change in [creation, line] {
        assert_eq!(change.effective.to_string(), "2026-03-06");
        assert!(!change.is_blocked(), "{:?}", change.blocks);
    }
    assert!(creation.reason.contains("A1"), "{}", creation.reason);
    let text = plan.to_text().unwrap();
    assert_eq!(Plan::from_text(&text).unwrap(), plan);
}

#[test]
fn a_commitment_beyond_the_usual_length_makes_the_agreement_as_long() {
    let commitment = Commitment::new(Some("2029-03-05".parse().unwrap()), Vec::new());
    let plan = one(subscribed("A1", "mail", "5").with_commitment(Some(commitment))).plan();
    assert!(actions(&plan)[0].ends_with("until 2029-03-05"), "{plan:?}");
}

#[test]
fn what_the_vendor_bills_from_no_day_counts_from_the_next_month() {
    let plan = one(subscribed("A1", "mail", "5").with_period(None)).plan();
    assert_eq!(plan.changes()[0].effective.to_string(), "2026-04-01");
    assert_eq!(plan.changes()[1].effective.to_string(), "2026-04-01");
}

#[test]
fn the_agreement_that_carries_the_subscription_is_changed_and_none_is_created() {
    let mut world = one(subscribed("A1", "mail", "5")).carries(1, "71", " a1 ");
    world.lines[0]
        .1
        .push(tallyline_core::model::AgreementLine::new(
            "9", "P-mail", 3_u32,
        ));
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 3 -> 5"]);
    // By its key, as when it was created: all work on it shares one order and one lease.
    assert_eq!(agreements(&plan), ["key:A1"]);
    assert_eq!(plan.changes()[0].labels.agreement, "Cloud");
    let book = world.book();
    let found = book.agreement(&AgreementId::of_key(&"A1".into())).unwrap();
    assert_eq!(found.id.as_str(), "71");
}

#[test]
fn each_subscription_of_a_service_has_an_agreement_of_its_own() {
    let world = World::new().per_service("c-1", 1).service("mail").reads(
        "c-1",
        vec![subscribed("A1", "mail", "5"), subscribed("A2", "mail", "7")],
    );
    let plan = world.plan();
    assert_eq!(agreements(&plan), ["key:A1", "key:A1", "key:A2", "key:A2"]);
}

#[test]
fn what_has_no_subscription_has_an_agreement_for_its_service_at_its_account() {
    let mut line = seats("mail", "mail", "5").with_billing_cycle(BillingCycle::Monthly);
    line.subscription = None;
    let first = one(line.clone()).plan();
    let key = first.changes()[0].agreement.key().unwrap();
    assert!(
        key.as_str().starts_with("TL-") && key.as_str().len() == 27,
        "{key}"
    );
    line.quantity = 9_u32.into();
    assert_eq!(one(line).plan().changes()[0].agreement.key(), Some(key));
}

#[test]
fn two_agreements_with_one_key_are_for_a_person_and_nothing_is_planned() {
    let world = one(subscribed("A1", "mail", "5"))
        .carries(1, "71", "A1")
        .carries(1, "72", "A1");
    let plan = world.plan();
    assert_eq!(actions(&plan), [""; 0]);
    assert_eq!(kind_of(&world, "key:A1 P-mail"), Kind::Ambiguous);
    let said = &plan.notices()[0].message;
    assert!(said.contains("agreements 71 and 72 all carry A1"), "{said}");
}

#[test]
fn an_agreement_of_another_company_with_the_key_is_left_alone() {
    let world = one(subscribed("A1", "mail", "5"))
        .account(2)
        .carries(2, "71", "A1");
    assert_eq!(actions(&world.plan()), [""; 0]);
    assert_eq!(kind_of(&world, "key:A1 P-mail"), Kind::NotEligible);
}

#[test]
fn a_subscription_that_is_gone_is_reported_and_one_that_was_not_read_is_not() {
    let gone = World::new()
        .per_service("c-1", 1)
        .service("mail")
        .carries(1, "71", "A1")
        .bills_on("71", "9", "P-mail", "3");
    let read = gone.clone().reads("c-1", Vec::new());
    assert_eq!(kind_of(&read, "71 P-mail"), Kind::VendorMissing);
    assert_eq!(actions(&read.plan()), [""; 0]);
    assert_eq!(
        kind_of(&gone.clone().fails("c-1"), "71 P-mail"),
        Kind::NotObserved
    );
    // No reading at all.
    assert_eq!(kind_of(&gone.clone(), "71 P-mail"), Kind::NotObserved);
    // Another account of the company may have what this one lacks.
    let half = gone.per_service("c-2", 1).reads("c-1", Vec::new());
    assert_eq!(kind_of(&half.fails("c-2"), "71 P-mail"), Kind::NotObserved);
}

#[test]
fn without_a_known_cycle_no_agreement_is_created() {
    let line = subscribed("A1", "mail", "5").with_billing_cycle(BillingCycle::Unknown);
    let world = one(line);
    assert_eq!(kind_of(&world, "key:A1 P-mail"), Kind::NotEligible);
    let said = world.plan().notices()[0].message.clone();
    assert!(
        said.contains("how often a new one is to bill is not known"),
        "{said}"
    );
}

#[test]
fn an_inactive_company_gets_no_agreement_and_an_unknown_one_is_said() {
    let mut world = one(subscribed("A1", "mail", "5"));
    let reasons = vec!["The company is inactive in the PSA.".to_owned()];
    world.companies[0].eligibility = Eligibility::from_reasons(reasons);
    assert_eq!(kind_of(&world, "key:A1 P-mail"), Kind::NotEligible);
    world.companies.clear();
    assert_eq!(kind_of(&world, "c-1 Account"), Kind::NotEligible);
    assert_eq!(actions(&world.plan()), [""; 0]);
}

#[test]
fn what_blocks_the_creation_blocks_what_is_to_stand_on_it() {
    let mut world = one(subscribed("A1", "mail", "5"));
    world.makes_records = false;
    assert_eq!(guards(&world.plan()), [Guard::Unsupported; 2]);
    let off = one(subscribed("A1", "mail", "5")).with_policy(|p| p.create_agreements = false);
    assert_eq!(actions(&off.plan()), [""; 0]);
    assert!(
        off.plan().notices()[0]
            .message
            .contains("creating agreements is switched off")
    );
}

#[test]
fn an_agreement_of_which_all_lines_are_blocked_is_not_created_and_one_of_two_is_enough() {
    let fraction = |service: &str, quantity: &str| {
        let mut line = subscribed("A1", service, quantity);
        line.key = format!("sub:A1:{service}").as_str().into();
        line
    };
    let mut world = World::new()
        .per_service("c-1", 1)
        .service("mail")
        .service("backup")
        .reads("c-1", vec![fraction("mail", "2.5")]);
    world.whole_units = true;
    assert_eq!(guards(&world.plan()), [Guard::WholeUnits; 2]);
    let mut two = World::new()
        .per_service("c-1", 1)
        .service("mail")
        .service("backup")
        .reads(
            "c-1",
            vec![fraction("mail", "2.5"), fraction("backup", "3")],
        );
    two.whole_units = true;
    let plan = two.plan();
    let blocked: Vec<bool> = plan.changes().iter().map(|c| c.is_blocked()).collect();
    assert_eq!(blocked, [false, false, true], "{:?}", actions(&plan));
}

/// Two lines of one subscription, in both orders.
fn both_orders(lines: [UsageLine; 2]) -> [World; 2] {
    let [first, second] = lines;
    [[first.clone(), second.clone()], [second, first]].map(|lines| {
        World::new()
            .per_service("c-1", 1)
            .service("mail")
            .service("backup")
            .reads("c-1", lines.to_vec())
    })
}

fn part(service: &str, cycle: BillingCycle) -> UsageLine {
    let mut line = subscribed("A1", service, "5").with_billing_cycle(cycle);
    line.key = format!("sub:A1:{service}").as_str().into();
    line
}

#[test]
fn lines_of_two_cycles_make_no_agreement_and_that_is_said_in_one_way() {
    let mixed = [
        part("mail", BillingCycle::Monthly),
        part("backup", BillingCycle::Yearly),
    ];
    let said = both_orders(mixed).map(|world| {
        let plan = world.plan();
        assert_eq!(actions(&plan), [""; 0]);
        assert_eq!(kind_of(&world, "key:A1 P-mail"), Kind::NotEligible);
        plan.notices()[0].message.clone()
    });
    assert!(
        said[0].contains("one agreement has one cycle"),
        "{}",
        said[0]
    );
    assert_eq!(said[0], said[1]);
    let half_known = [
        part("mail", BillingCycle::Monthly),
        part("backup", BillingCycle::Unknown),
    ];
    for world in both_orders(half_known) {
        assert!(actions(&world.plan())[0].contains("billed monthly"));
    }
}

#[test]
fn an_agreement_for_several_services_has_the_name_of_the_first_of_them() {
    let lines = [
        part("mail", BillingCycle::Monthly),
        part("backup", BillingCycle::Monthly),
    ];
    for mut world in both_orders(lines) {
        let named = |world: &World| actions(&world.plan())[0].clone();
        assert!(named(&world).starts_with("create the agreement S-backup,"));
        world.services = vec![
            Service::new("S-mail", "Mailboxes"),
            Service::new("S-backup", "Backup of mail"),
        ];
        assert!(named(&world).starts_with("create the agreement Backup of mail,"));
    }
}

#[test]
fn what_the_vendor_bills_from_no_day_counts_from_today_where_that_is_the_policy() {
    let world = one(subscribed("A1", "mail", "5").with_period(None))
        .with_policy(|policy| policy.effective_date = EffectiveDate::Today);
    assert_eq!(
        world.plan().changes()[0].effective.to_string(),
        "2026-03-11"
    );
}

/// An agreement of its own that bills three seats of what nothing is known of.
fn carried() -> World {
    World::new()
        .per_service("c-1", 1)
        .service("mail")
        .carries(1, "71", "A1")
        .bills_on("71", "9", "P-mail", "3")
}

#[test]
fn a_subscription_is_not_gone_where_the_vendor_says_nothing_about_its_kind_or_service() {
    let silent = |edit: fn(&mut AccountReading)| {
        let mut world = carried();
        let mut reading = AccountReading::complete("c-1", Vec::new(), Basis::Live, now());
        edit(&mut reading);
        world.readings.push(reading);
        kind_of(&world, "71 P-mail")
    };
    assert_eq!(silent(|_| {}), Kind::VendorMissing);
    let unread = silent(|reading| reading.unread_kinds.push(ChargeKind::Recurring));
    assert_eq!(unread, Kind::NotObserved);
    let unobserved = silent(|reading| {
        let why = "the preview is not there yet".to_owned();
        reading.unobserved.insert("S-mail".into(), why);
    });
    assert_eq!(unobserved, Kind::NotObserved);
}

#[test]
fn a_subscription_is_not_gone_while_an_account_of_its_company_is_switched_off() {
    let mut world = carried().per_service("c-2", 1).reads("c-1", Vec::new());
    assert_eq!(kind_of(&world, "71 P-mail"), Kind::NotObserved);
    world = world.reads("c-2", Vec::new());
    assert_eq!(kind_of(&world, "71 P-mail"), Kind::VendorMissing);
    let account = world.mapping.account(&"c-2".into()).cloned();
    let Some(tallyline_core::mapping::AccountEntry::Link(mut link)) = account else {
        panic!("{account:?}")
    };
    link.enabled = false;
    let entry = tallyline_core::mapping::AccountEntry::Link(link);
    world.mapping.set_account("c-2".into(), entry);
    assert_eq!(kind_of(&world, "71 P-mail"), Kind::NotObserved);
    let said = world.plan().notices()[0].message.clone();
    assert!(said.contains("account c-2 is switched off"), "{said}");
}

#[test]
fn an_agreement_that_is_there_and_one_that_is_to_be_are_each_judged_as_their_own() {
    let world = World::new()
        .per_service("c-1", 1)
        .service("mail")
        .carries(1, "70", "A0")
        .carries(1, "71", "A1")
        .bills_on("71", "9", "P-mail", "5")
        .reads(
            "c-1",
            vec![subscribed("A1", "mail", "5"), subscribed("A2", "mail", "7")],
        );
    assert_eq!(kind_of(&world, "71 P-mail"), Kind::NoChange);
    assert_eq!(
        actions(&world.plan()),
        [
            "create the agreement S-mail, billed monthly, until 2027-03-05",
            "create a line of 7"
        ]
    );
}

#[test]
fn one_line_that_can_be_made_is_enough_for_its_agreement_in_whichever_order() {
    for order in [["2.5", "3"], ["3", "2.5"]] {
        let line = |service: &str, quantity: &str| {
            let mut line = part(service, BillingCycle::Monthly);
            line.quantity = quantity.parse().unwrap();
            line
        };
        let mut world = World::new()
            .per_service("c-1", 1)
            .service("mail")
            .service("backup")
            .reads(
                "c-1",
                vec![line("mail", order[0]), line("backup", order[1])],
            );
        world.whole_units = true;
        let plan = world.plan();
        assert_eq!(guards(&plan), [Guard::WholeUnits]);
        assert!(plan.changes()[0].action.creates_agreement());
        assert!(!plan.changes()[0].is_blocked(), "{:?}", plan.changes()[0]);
    }
}

#[test]
fn of_three_cycles_the_least_pair_is_told() {
    let lines = ["mail", "backup", "disk"].into_iter().zip([
        BillingCycle::Monthly,
        BillingCycle::Yearly,
        BillingCycle::Quarterly,
    ]);
    let lines = lines.map(|(service, cycle)| part(service, cycle)).collect();
    let world = World::new()
        .per_service("c-1", 1)
        .service("mail")
        .service("backup")
        .service("disk")
        .reads("c-1", lines);
    let said = world.plan().notices()[0].message.clone();
    assert!(said.contains("billed monthly and quarterly"), "{said}");
}

#[test]
fn two_agreements_with_one_key_and_no_usage_are_not_taken_for_gone() {
    let world = carried().carries(1, "72", "A1").reads("c-1", Vec::new());
    assert!(world.kinds().is_empty(), "{:?}", world.kinds());
}

#[test]
fn a_line_that_is_ended_for_want_of_usage_says_from_when_that_is_known() {
    let world = carried()
        .reads("c-1", Vec::new())
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    let plan = world.plan();
    assert_eq!(plan.changes()[0].evidence.as_of, Some(now()));
}

#[test]
fn of_two_accounts_that_could_not_be_read_one_is_told_in_any_order() {
    let said = [["c-1", "c-2"], ["c-2", "c-1"]].map(|order| {
        let mut world = carried().per_service("c-2", 1);
        for account in order {
            world = world.fails(account);
        }
        let plan = world.plan();
        let of_line = |notice: &&tallyline_core::plan::Notice| notice.agreement.is_some();
        let notice = plan.notices().iter().find(of_line).cloned();
        notice.map(|notice| notice.message)
    });
    assert!(
        said[0].as_deref().is_some_and(|text| text.contains("c-1")),
        "{said:?}"
    );
    assert_eq!(said[0], said[1]);
}

#[test]
fn resources_of_one_service_stand_on_one_agreement_with_a_line_for_each_property() {
    let resource = |key: &str, group: &str, property: &str, quantity: &str| {
        let mut line = seats(key, property, quantity).with_billing_cycle(BillingCycle::Monthly);
        line.resource_group = Some(group.into());
        line.resource_group_name = Some(format!("vdc {group}").into());
        line
    };
    let lines = vec![
        resource("1/cpu", "vdc-1", "cpu", "8"),
        resource("1/ram", "vdc-1", "ram", "32"),
        resource("2/cpu", "vdc-2", "cpu", "4"),
    ];
    let world = World::new()
        .per_service("c-1", 1)
        .service("cpu")
        .service("ram")
        .reads("c-1", lines);
    let plan = world.plan();
    let mut made = actions(&plan);
    made.sort();
    assert_eq!(made.len(), 5, "{made:?}");
    assert!(made.contains(&"create a line of 32".to_owned()), "{made:?}");
    let created = plan
        .changes()
        .iter()
        .filter(|change| change.action.creates_agreement());
    let created: Vec<_> = created
        .map(|change| change.labels.agreement.as_str())
        .collect();
    assert_eq!(created.len(), 2);
    assert!(
        created.contains(&"vdc vdc-1") && created.contains(&"vdc vdc-2"),
        "{created:?}"
    );
    let keys: std::collections::BTreeSet<_> = agreements(&plan).into_iter().collect();
    assert_eq!(keys.len(), 2);
    let mut renamed = world.clone();
    renamed.readings.clear();
    let mut lines = vec![
        resource("1/cpu", "vdc-1", "cpu", "8"),
        resource("1/ram", "vdc-1", "ram", "32"),
        resource("2/cpu", "vdc-2", "cpu", "4"),
    ];
    lines[0].resource_group_name = Some("another name".into());
    lines[1].resource_group_name = Some("another name".into());
    let again = renamed.reads("c-1", lines).plan();
    let again: std::collections::BTreeSet<_> =
        agreements(&again).into_iter().map(str::to_owned).collect();
    assert_eq!(again, keys.into_iter().map(str::to_owned).collect());
}
