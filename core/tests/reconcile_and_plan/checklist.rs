//! The acceptance checklist of those who reconcile in Gradient, item by item. What is of the
//! mapping, the lifecycle and the command line alone is tested there; `core/README.md` lists all.

use tallyline_core::mapping::{
    Directory, FoundBy, Mapping, MatchOptions, ProductRule, Tally, auto_link_accounts,
    auto_link_services, search_products,
};
use tallyline_core::model::{
    AccountReading, Agreement, Basis, ChargeKind, Company, Eligibility, Product, Service,
    VendorAccount,
};
use tallyline_core::plan::{Action, EffectiveDate, Guard};
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, guards, kind_of, now, seats, today};

#[test]
fn item_1_only_what_is_the_same_character_for_character_is_linked_by_itself() {
    let names = ["Acme Corp", "acme corp", "Acme Corp.", "Acme  Corp"];
    let company = [Company::new("45", "Acme Corp")];
    let agreement = [Agreement::new("101", "45", "Cloud")];
    for (at, name) in names.iter().enumerate() {
        let account = [VendorAccount::new("c-1", *name)];
        let mut mapping = Mapping::new();
        auto_link_accounts(&mut mapping, &account, &company, &agreement);
        assert_eq!(mapping.linked_accounts(), usize::from(at == 0), "{name}");

        let service = [Service::new("S-1", *name)];
        let product = [Product::new("P-1", "CODE", "Acme Corp")];
        let mut mapping = Mapping::new();
        auto_link_services(&mut mapping, &service, &product, &MatchOptions::new());
        assert_eq!(mapping.linked_services(), usize::from(at == 0), "{name}");
    }
}

#[test]
fn item_3_unmapped_and_excluded_are_told_apart_and_only_the_one_is_outstanding() {
    let accounts = [
        ("c-1", "One"),
        ("c-2", "Two"),
        ("c-3", "Three"),
        ("c-4", "Four"),
    ]
    .map(|(id, name)| VendorAccount::new(id, name));
    let services = ["S-mail", "S-fax", "S-lab"].map(|key| Service::new(key, key));
    let mut world = World::new().account(1).service("mail");
    world
        .mapping
        .exclude_account("c-2", "Our own tenant.")
        .unwrap();
    world
        .mapping
        .exclude_service("S-lab", "Our own lab.")
        .unwrap();
    let known = Directory::new(&accounts[..3], &services, &[], &[], &[]);
    let coverage = world.mapping.coverage(&known);
    let of = |tally: Tally| (tally.mapped, tally.unmapped, tally.excluded);
    assert_eq!(of(coverage.accounts), (1, 1, 1));
    assert_eq!(of(coverage.services), (1, 1, 1));
    assert_eq!(coverage.outstanding(), 2);
    // What the vendor lists since then arrives as unmapped.
    let later = Directory::new(&accounts, &services, &[], &[], &[]);
    assert_eq!(world.mapping.coverage(&later).outstanding(), 3);

    let world = world
        .reads(
            "c-1",
            vec![seats("sub:f", "fax", "2"), seats("sub:l", "lab", "3")],
        )
        .reads("c-2", vec![seats("sub:a", "mail", "5")])
        .reads("c-4", vec![seats("sub:b", "mail", "7")]);
    let plan = world.plan();
    assert_eq!(actions(&plan), Vec::<String>::new());
    let kinds: Vec<(String, Kind)> = world.kinds();
    let unplaced = |account: &str, subject: &str| {
        let wanted = format!("{account} {subject}");
        let found = kinds.iter().find(|(what, _)| *what == wanted);
        found
            .unwrap_or_else(|| panic!("no {wanted} in {kinds:?}"))
            .1
    };
    assert_eq!(unplaced("c-2", "Account"), Kind::Excluded);
    assert_eq!(unplaced("c-4", "Account"), Kind::Unmapped);
    assert_eq!(
        unplaced("c-1", "Service(ServiceKey(\"S-fax\"))"),
        Kind::Unmapped
    );
    assert_eq!(
        unplaced("c-1", "Service(ServiceKey(\"S-lab\"))"),
        Kind::Excluded
    );
}

#[test]
fn item_4_many_skus_sum_onto_one_line_and_one_sku_on_many_products_needs_a_rule() {
    let one_to_one = |product: &str| ProductRule::one_to_one(product);
    let world = World::new()
        .account(1)
        .service_with("mail", vec![one_to_one("P-seat")], true)
        .service_with("mail-annual", vec![one_to_one("P-seat")], true)
        .bills(1, "10", "P-seat", "40")
        .reads(
            "c-1",
            vec![
                seats("sub:a", "mail", "30"),
                seats("sub:b", "mail-annual", "20"),
            ],
        );
    let mut world = world;
    world.products.dedup();
    assert_eq!(actions(&world.plan()), ["set quantity 40 -> 50"]);

    let accounts = [VendorAccount::new("c-1", "Contoso")];
    let services = [Service::new("SUITE", "Suite")];
    let named = |id: &str| {
        let mut product = Product::new(id, id, "Suite");
        product.vendor_sku = Some("SUITE".into());
        product
    };
    let products = [named("P-1"), named("P-2")];
    let known = Directory::new(&accounts, &services, &[], &[], &products);
    let mut mapping = Mapping::new();
    let report = auto_link_services(&mut mapping, &services, &products, &MatchOptions::new());
    assert_eq!((report.linked.len(), report.undecided.len()), (0, 1));
    let both = |first: ProductRule, second: ProductRule, mapping: &mut Mapping| {
        mapping.link_service("SUITE", vec![first, second], ChargeKind::Recurring, &known)
    };
    let refused = both(one_to_one("P-1"), one_to_one("P-2"), &mut mapping).unwrap_err();
    assert!(refused.message().contains("let only one"), "{refused}");
    assert_eq!(mapping.linked_services(), 0);
    let fee = ProductRule {
        carries_cost: false,
        ..one_to_one("P-2")
    };
    both(one_to_one("P-1"), fee, &mut mapping).unwrap();
    assert_eq!(mapping.linked_services(), 1);
}

#[test]
fn item_5_the_kind_comes_of_presence_and_equality_on_both_sides() {
    let billed = |vendor: Option<&str>, psa: Option<&str>| {
        let mut world = World::new().account(1).service("mail");
        if let Some(units) = psa {
            world = world.bills(1, "10", "P-mail", units);
        }
        let lines = vendor.map(|units| seats("sub:a", "mail", units));
        world.reads("c-1", lines.into_iter().collect())
    };
    for (vendor, psa, kind, does) in [
        (
            Some("5"),
            None,
            Kind::NewRevenue,
            vec!["create a line of 5"],
        ),
        (
            Some("5"),
            Some("4"),
            Kind::Change,
            vec!["set quantity 4 -> 5"],
        ),
        (Some("5"), Some("5"), Kind::NoChange, vec![]),
        (None, Some("5"), Kind::VendorMissing, vec![]),
    ] {
        let world = billed(vendor, psa);
        assert_eq!(kind_of(&world, "a-1 P-mail"), kind);
        assert_eq!(actions(&world.plan()), does);
    }
}

#[test]
fn item_6_a_change_is_absolute_and_its_day_is_by_the_psa_and_can_be_set() {
    let on = |edit: &dyn Fn(&mut World)| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .reads("c-1", vec![seats("sub:a", "mail", "5")]);
        edit(&mut world);
        world.plan()
    };
    // ConnectWise: at once where the agreement prorates, else from the first day not invoiced.
    let prorates = on(&|world| world.agreements[0].prorates = Some(true));
    assert_eq!(prorates.changes()[0].effective, today());
    let plain = on(&|_| {});
    assert_eq!(plain.changes()[0].effective.to_string(), "2026-04-01");
    // Autotask: the contract itself says from when on a change counts.
    let told = on(&|world| {
        world.agreements[0].prorates = Some(true);
        world.agreements[0].counts_from = Some("2026-05-01".parse().unwrap());
    });
    assert_eq!(told.changes()[0].effective.to_string(), "2026-05-01");
    // A person's choice goes before both, and without proration it is refused before it is written.
    let chosen = on(&|world| world.policy.effective_date = EffectiveDate::Today);
    assert_eq!(chosen.changes()[0].effective, today());
    assert_eq!(guards(&chosen), [Guard::InvoicedPeriod]);
    let reason = &chosen.changes()[0].blocks[0].reason;
    assert!(reason.contains("does not prorate"), "{reason}");
    let both = on(&|world| {
        world.agreements[0].prorates = Some(true);
        world.policy.effective_date = EffectiveDate::NextPeriod;
    });
    assert_eq!(both.changes()[0].effective.to_string(), "2026-04-01");
    assert_eq!(guards(&both), []);
    // The quantity that is written is the whole of it, whatever the PSA bills now.
    let more = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "47")
        .reads("c-1", vec![seats("sub:a", "mail", "50")]);
    let plan = more.plan();
    let Action::SetQuantity { to, .. } = &plan.changes()[0].action else {
        panic!("no quantity is set");
    };
    assert_eq!(to.to_string(), "50");
}

#[test]
fn item_9_what_is_inactive_prospective_or_not_recurring_takes_no_lines() {
    let against = |why: &str| Eligibility::from_reasons(vec![why.to_owned()]);
    let accounts = [VendorAccount::new("c-1", "Contoso")];
    let services = [Service::new("S-1", "Seats")];
    let products = [Product::new("P-1", "SEAT", "Seats")];
    let prospect = Company::new("45", "Contoso").with_eligibility(against("It is a prospect."));
    let client = Company::new("45", "Contoso");
    let mut not_recurring = Agreement::new("101", "45", "Cloud");
    not_recurring.eligibility = against("It bills on no cycle.");
    let recurring = Agreement::new("101", "45", "Cloud");
    let mut inactive = products.clone();
    inactive[0].eligibility = against("It is inactive.");
    for (company, agreement, product, why) in [
        (&prospect, &recurring, &products[0], "It is a prospect."),
        (
            &client,
            &not_recurring,
            &products[0],
            "It bills on no cycle.",
        ),
        (&client, &recurring, &inactive[0], "It is inactive."),
    ] {
        let (companies, agreements) = ([company.clone()], [agreement.clone()]);
        let products = [product.clone()];
        let directory = Directory::new(&accounts, &services, &companies, &agreements, &products);
        let mut mapping = Mapping::new();
        auto_link_accounts(&mut mapping, &accounts, &companies, &agreements);
        auto_link_services(&mut mapping, &services, &products, &MatchOptions::new());
        let by_itself = (mapping.linked_accounts(), mapping.linked_services());
        assert_ne!(by_itself, (1, 1), "{why}");
        let rule = ProductRule::one_to_one("P-1");
        let by_hand = mapping
            .link_account("c-1", "45", "101", &directory)
            .and_then(|()| {
                mapping.link_service("S-1", vec![rule], ChargeKind::Recurring, &directory)
            });
        let error = by_hand.unwrap_err();
        assert!(error.message().contains(why), "{error}");
    }
    // Where it was linked before, nothing is planned on it, with the reason.
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "4")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    world.agreements[0].eligibility = against("It is inactive.");
    let plan = world.plan();
    assert!(plan.changes().is_empty());
    assert_eq!(plan.notices()[0].kind, Kind::NotEligible);
    assert!(plan.notices()[0].message.contains("It is inactive."));
}

#[test]
fn item_10_a_product_is_found_by_its_product_id() {
    let products = [
        Product::new("1042", "MAIL-PRO", "Hosted mail, professional"),
        Product::new(
            "1043",
            "MAIL-PRO-ANNUAL",
            "Hosted mail, professional, a year",
        ),
    ];
    for text in ["MAIL-PRO", "mail-pro", "1042"] {
        let found = search_products(&products, text);
        assert_eq!(found[0].record.id.as_str(), "1042", "{text}");
        assert!(found[0].whole && found[0].by <= FoundBy::Identifier);
    }
}

#[test]
fn every_change_and_notice_is_as_old_as_its_reading_and_a_plan_says_the_rhythm() {
    let at = |instant: &str| instant.parse().unwrap();
    let read = |account: &str, lines, of: &str| {
        AccountReading::complete(account, lines, Basis::Live, now()).with_data_as_of(Some(at(of)))
    };
    let mut world = World::new().account(1).account(2).service("mail");
    world = world.bills(2, "20", "P-mail", "3");
    world.readings = vec![
        read(
            "c-1",
            vec![seats("sub:a", "mail", "5"), seats("sub:b", "new", "1")],
            "2026-03-11T09:00:00Z",
        ),
        read("c-2", vec![], "2026-03-08T12:00:00Z"),
        read(
            "c-9",
            vec![seats("sub:c", "mail", "2")],
            "2026-03-11T10:00:00Z",
        ),
    ];
    let plan = world.plan();
    let content = plan.content();
    assert_eq!(content.refresh_seconds, Some(24 * 3600));
    let words = |as_of| content.freshness(as_of, now()).unwrap().to_string();
    assert_eq!(
        words(plan.changes()[0].evidence.as_of),
        "3 h old, renewed every 24 h"
    );
    let ages: Vec<(Kind, String)> = plan
        .notices()
        .iter()
        .map(|notice| (notice.kind, words(notice.as_of)))
        .collect();
    let old = "3 days old, renewed every 24 h: a new reading is due";
    assert_eq!(
        ages,
        [
            (Kind::VendorMissing, old.to_owned()),
            (Kind::Unmapped, "3 h old, renewed every 24 h".to_owned()),
            (Kind::Unmapped, "2 h old, renewed every 24 h".to_owned()),
        ]
    );
    assert_eq!(words(content.data_as_of), old);
}

#[test]
fn a_reading_past_its_rhythm_blocks_what_takes_away_and_says_its_age_to_the_second() {
    let read = |units: &str, of: &str| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "5");
        let lines = vec![seats("sub:a", "mail", units)];
        let reading = AccountReading::complete("c-1", lines, Basis::Live, of.parse().unwrap());
        world.readings.push(reading);
        world.plan()
    };
    let less = read("4", "2026-03-10T11:59:59Z");
    assert_eq!(guards(&less), [Guard::StaleReading]);
    assert_eq!(
        less.changes()[0].blocks[0].reason,
        "the reading is of 2026-03-10T11:59:59Z, 24 h 0 min 1 s old; Market is read anew every 24 h"
    );
    assert_eq!(guards(&read("4", "2026-03-10T12:00:00Z")), []);
    assert_eq!(
        guards(&read("6", "2026-03-01T12:00:00Z")),
        [],
        "more is not held up"
    );
}
