//! The whole path from the simulated HyAlto to the simulated ConnectWise PSA, over real HTTP: a child agreement under a master
//! for each service, and an addition for each of its properties. The checklist of how HyAlto itself does it, item by item.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/runs.rs"]
mod runs;
mod world;

use std::sync::Mutex;

use rust_decimal::Decimal;
use tallyline_connectwise::{AgreementKeyPlacement, AgreementSetup, ConnectWiseSink, ProductSetup};
use tallyline_core::PsaSink as _;
use tallyline_core::apply::Outcome;
use tallyline_core::flow::{Flow, Progress, products_plan};
use tallyline_core::mapping::{Mapping, auto_link_accounts};
use tallyline_core::plan::VendorMissing;
use tallyline_core::reconcile::Kind;
use tallyline_testkit::connectwise::{CustomField, WriteKind};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;
use tallyline_testkit::secrets::Secrets;

use crate::world::{World, billed_of, client, sink};

#[tokio::test]
async fn item_1_children_are_stored_with_the_location_business_unit_and_type_that_are_set() {
    let mut world = World::start().await;
    let mut setup = AgreementSetup::new();
    setup.agreement_type = Some(2);
    setup.location = Some(11);
    setup.business_unit = Some(12);
    world.sink = sink(
        &world.psa,
        world.now,
        AgreementKeyPlacement::NameSuffix,
        setup,
    );
    world.sync().await;
    let [child] = &world.children()[..] else {
        panic!("one child")
    };
    assert_eq!(child.type_id, 2);
    let id_of = |member: &str| child.extra[member].get("id").cloned();
    assert_eq!(id_of("location"), Some(Json::from(11_i64)));
    assert_eq!(id_of("department"), Some(Json::from(12_i64)));
    let master = &world.psa.state().agreements[&world.northwind.master];
    assert_eq!(child.billing_cycle_id, master.billing_cycle_id);
    assert_eq!(child.contact_id, master.contact_id);
}

#[tokio::test]
async fn item_1_what_is_not_set_is_as_on_the_master() {
    let world = World::start().await;
    world.psa.with_state(|state| {
        state.edit_agreement(world.northwind.master, |master| master.type_id = 2);
    });
    world.sync().await;
    assert_eq!(world.children()[0].type_id, 2);
}

#[tokio::test]
async fn item_2_the_private_key_shows_nowhere() {
    let world = World::start().await;
    let plan = world.plan().await;
    let report = world.apply(&plan).await;
    let secrets =
        Secrets::of("example-private-key").and(&world.vendor.state().credentials.secret_key);
    let shown = format!(
        "{:?}{:?}{}{report:?}{report}",
        world.sink,
        world.source,
        plan.to_text().unwrap()
    );
    assert_eq!(secrets.shown_in(&shown), None);
}

#[tokio::test]
async fn item_3_the_connection_is_checked_at_once() {
    let world = World::start().await;
    let identity = world.sink.check().await.unwrap();
    // What only a write can tell is said, and nothing else is in doubt.
    let told = |warning: &String| warning.contains("not known before the first write");
    assert!(identity.warnings.iter().all(told), "{identity:?}");
    world
        .psa
        .with_state(|state| state.credentials.private_key = "another".to_owned());
    assert!(world.sink.check().await.is_err());
}

#[tokio::test]
async fn item_4_the_first_read_tells_how_far_it_has_come_and_only_what_was_read_can_be_mapped() {
    let mut world = World::start().await;
    let steps = Mutex::new(0);
    let flow = Flow::new(&world.source, &world.sink);
    let flow = flow.on_progress(|_: Progress| *steps.lock().unwrap() += 1);
    let lists = flow.lists().await.unwrap();
    flow.plan(&lists, &world.mapping, &world.policy, world.now)
        .await
        .unwrap();
    drop(flow);
    assert!(*steps.lock().unwrap() > 2);
    let known = lists.directory();
    let refused = world.mapping.link_account_bundled(
        "901",
        world.northwind.company.to_string(),
        "999",
        &known,
    );
    assert!(refused.unwrap_err().message().contains("agreement 999"));
}

#[tokio::test]
async fn item_5_all_companies_and_agreements_are_read_for_the_mapping() {
    let world = World::start().await;
    let lists = world.lists().await;
    assert_eq!(lists.companies.len(), 2);
    assert_eq!(lists.agreements.len(), 2);
    assert!(lists.problems.is_empty());
}

#[tokio::test]
async fn item_6_each_property_of_a_kind_has_one_product_and_never_a_second() {
    let mut world = World::start().await;
    let client = client(&world.psa);
    world.sink = ConnectWiseSink::builder()
        .client(client)
        .product_setup(ProductSetup::new(2, 1))
        .build();
    world.mapping.clear_service(&"vdc/ram".into());
    let products = |world: &World| {
        let (source, sink) = (world.source.clone(), world.sink.clone());
        let (mapping, policy, now) = (world.mapping.clone(), world.policy.clone(), world.now);
        async move {
            products_plan(&source, &sink, &mapping, &policy, now)
                .await
                .unwrap()
        }
    };
    let (plan, ready) = products(&world).await;
    assert_eq!((plan.changes().len(), ready.len()), (1, 0));
    // The answer is lost, and the product is not made a second time.
    let creation = Match::post("/procurement/catalog");
    world.psa.faults().on(creation.once(), Fault::lose_answer());
    let report = world.apply(&plan).await;
    assert_eq!(report.changes[0].outcome, Outcome::Done { recovered: true });
    let (again, ready) = products(&world).await;
    assert_eq!(again.changes(), []);
    let [(service, product)] = &ready[..] else {
        panic!("{ready:?}")
    };
    assert_eq!(service.as_str(), "vdc/ram");
    let state = world.psa.state();
    let made = &state.products[&product.as_str().parse().unwrap()];
    assert_eq!(
        (made.identifier.as_str(), made.class.as_str()),
        ("HYALTO-VDC-RAM", "Agreement")
    );
    let of_it = state
        .products
        .values()
        .filter(|it| it.identifier == made.identifier);
    assert_eq!(of_it.count(), 1);
}

#[tokio::test]
async fn item_6_an_inactive_product_of_the_identifier_is_for_a_person() {
    let mut world = World::start().await;
    world.mapping.clear_service(&"vdc/ram".into());
    world.sink = ConnectWiseSink::builder()
        .client(client(&world.psa))
        .product_setup(ProductSetup::new(2, 1))
        .build();
    world.psa.with_state(|state| {
        let id = state.add_product("HYALTO-VDC-RAM", Decimal::ONE, Decimal::ONE);
        state.products.get_mut(&id).unwrap().inactive = true;
    });
    let (plan, _) = products_plan(
        &world.source,
        &world.sink,
        &world.mapping,
        &world.policy,
        world.now,
    )
    .await
    .unwrap();
    let report = world.apply(&plan).await;
    assert_eq!(report.changes[0].outcome, Outcome::Drifted, "{report}");
    assert!(report.changes[0].detail.contains("inactive"), "{report}");
    assert!(world.psa.writes().is_empty());
}

#[tokio::test]
async fn item_7_company_and_master_are_chosen_and_no_name_decides() {
    let world = World::start().await;
    let lists = world.lists().await;
    // The other customer has the very name of a company, which alone makes no child.
    assert_eq!(world.plan().await.content().found[&Kind::Unmapped], 1);
    let mut by_name = Mapping::new();
    auto_link_accounts(
        &mut by_name,
        &lists.accounts,
        &lists.companies,
        &lists.agreements,
    );
    let flow = Flow::new(&world.source, &world.sink);
    let plan = flow
        .plan(&lists, &by_name, &world.policy, world.now)
        .await
        .unwrap();
    assert!(
        plan.changes()
            .iter()
            .all(|change| !change.action.creates_agreement())
    );
    // A master of another company is no master.
    let known = lists.directory();
    let other = lists
        .agreements
        .iter()
        .find(|agreement| agreement.id.as_str() != world.northwind.master.to_string())
        .unwrap();
    let refused = by_name.link_account_bundled(
        world.northwind.account.to_string(),
        world.northwind.company.to_string(),
        other.id.clone(),
        &known,
    );
    assert!(
        refused
            .unwrap_err()
            .message()
            .contains("belongs to company")
    );
}

#[tokio::test]
async fn item_8_each_service_of_a_mapped_customer_is_one_child_under_the_master() {
    let world = World::start().await;
    world.sync().await;
    let [child] = &world.children()[..] else {
        panic!("one child")
    };
    assert_eq!(child.company_id, world.northwind.company);
    assert!(child.name.starts_with("nwd-vdc-01 [TL-"), "{}", child.name);
    assert_eq!(
        world.psa.state().agreements.len(),
        3,
        "none for the unmapped customer"
    );
}

#[tokio::test]
async fn item_8_a_lost_answer_to_a_creation_makes_no_second_child() {
    let world = World::start().await;
    let creation = Match::post("/finance/agreements").path_end("/agreements");
    world.psa.faults().on(creation.once(), Fault::lose_answer());
    let plan = world.plan().await;
    let report = world.apply(&plan).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.changes[0].outcome, Outcome::Done { recovered: true });
    assert_eq!(world.children().len(), 1);
    assert_eq!(world.sync().await, []);
}

#[tokio::test]
async fn item_9_each_property_is_one_addition_of_its_product_on_the_child() {
    let world = World::start().await;
    world.sync().await;
    let child = world.children()[0].id;
    assert_eq!(
        world.billed(child),
        billed_of(&[("compute", "12.5"), ("ram", "32"), ("storage", "500")])
    );
}

#[tokio::test]
async fn item_10_an_unchanged_run_writes_nothing_and_a_changed_quantity_is_one_write() {
    let world = World::start().await;
    assert_eq!(world.sync().await.len(), 4);
    assert_eq!(world.sync().await, []);
    let service = world.northwind.service;
    world
        .vendor
        .with_state(|state| state.set_ago(1, service, "ram", Decimal::from(48), "GB"));
    let writes = world.sync().await;
    assert_eq!(writes.len(), 1);
    assert_eq!(
        (writes[0].kind, writes[0].entity),
        (WriteKind::Updated, "Addition")
    );
    let child = world.children()[0].id;
    assert_eq!(
        world.billed(child),
        billed_of(&[("compute", "12.5"), ("ram", "48"), ("storage", "500")])
    );
}

#[tokio::test]
async fn item_11_the_master_its_other_lines_and_other_agreements_stay_as_they_are() {
    let world = World::start().await;
    let before = world.psa.state();
    world.sync().await;
    let service = world.northwind.service;
    world
        .vendor
        .with_state(|state| state.set_ago(1, service, "ram", Decimal::from(48), "GB"));
    world.sync().await;
    let after = world.psa.state();
    for (id, agreement) in &before.agreements {
        assert_eq!(&after.agreements[id], agreement);
        assert_eq!(after.additions_of(*id), before.additions_of(*id));
    }
    let child = world.children()[0].id;
    let touched = world.psa.writes();
    assert!(
        touched.iter().all(|write| write.agreement_id == child),
        "{touched:?}"
    );
    assert_eq!(
        world.billed(world.northwind.master),
        billed_of(&[("SUPPORT", "3")])
    );
    assert!(after.products.contains_key(&world.northwind.support));
}

#[tokio::test]
async fn item_11_the_master_stays_apart_where_the_system_lists_its_childrens_lines_with_it() {
    let world = World::with(
        |state| state.options.parents_list_child_additions = true,
        AgreementKeyPlacement::NameSuffix,
    )
    .await;
    assert_eq!(world.sync().await.len(), 4);
    assert_eq!(world.sync().await, []);
}

#[tokio::test]
async fn item_12_a_new_service_of_a_mapped_customer_is_populated_without_further_set_up() {
    let world = World::start().await;
    world.sync().await;
    let account = world.northwind.account;
    world.vendor.with_state(|state| {
        let second = state.add_service(account, "nwd-vdc-02");
        state.set(second, "ram", Decimal::from(16), "GB");
    });
    let writes = world.sync().await;
    assert_eq!(writes.len(), 2);
    let children = world.children();
    assert_eq!(children.len(), 2);
    assert_eq!(world.billed(children[1].id), billed_of(&[("ram", "16")]));
}

#[tokio::test]
async fn item_13_a_service_that_is_gone_is_an_orphan_and_ends_by_policy_alone() {
    let mut world = World::start().await;
    world.sync().await;
    world
        .vendor
        .with_state(|state| state.accounts[0].services.clear());
    let plan = world.plan().await;
    assert_eq!(plan.changes(), []);
    assert_eq!(plan.content().found[&Kind::VendorMissing], 3);
    assert!(
        plan.notices()
            .iter()
            .any(|notice| notice.kind == Kind::VendorMissing)
    );
    world.policy.vendor_missing = VendorMissing::EndLine;
    world.travel("2026-04-15T12:00:00Z");
    let writes = world.sync().await;
    assert_eq!(writes.len(), 3);
    let child = world.children()[0].id;
    let state = world.psa.state();
    assert!(
        state
            .additions_of(child)
            .iter()
            .all(|line| line.cancelled_date.is_some())
    );
}

#[tokio::test]
async fn item_13_a_property_at_zero_is_written_as_zero_and_a_customer_unmapped_changes_nothing() {
    let mut world = World::start().await;
    world.sync().await;
    let service = world.northwind.service;
    world
        .vendor
        .with_state(|state| state.set_ago(1, service, "storage", Decimal::ZERO, "GB"));
    assert_eq!(world.sync().await.len(), 1);
    let child = world.children()[0].id;
    assert_eq!(
        world.billed(child),
        billed_of(&[("compute", "12.5"), ("ram", "32"), ("storage", "0")])
    );
    world
        .mapping
        .clear_account(&world.northwind.account.to_string().into());
    assert_eq!(world.sync().await, []);
}

#[tokio::test]
async fn item_13_a_customer_that_is_mapped_to_another_master_keeps_its_child_and_gets_no_second() {
    let mut world = World::start().await;
    world.sync().await;
    let company = world.northwind.company;
    let second = world
        .psa
        .with_state(|state| state.add_agreement(company, "Another master"));
    let lists = world.lists().await;
    world
        .mapping
        .link_account_bundled(
            world.northwind.account.to_string(),
            company.to_string(),
            second.to_string(),
            &lists.directory(),
        )
        .unwrap();
    assert_eq!(world.sync().await, []);
    let plan = world.plan().await;
    let said = &plan.notices()[0].message;
    assert!(said.contains("stands under agreement"), "{said}");
}

#[tokio::test]
async fn item_14_a_rename_on_either_side_changes_nothing() {
    let world = World::start().await;
    world.sync().await;
    let service = world.northwind.service;
    world.vendor.with_state(|state| {
        state.edit(service, |service| {
            service.name = "nwd-private-cloud".to_owned()
        })
    });
    assert_eq!(world.sync().await, []);
    let child = world.children()[0].clone();
    world.psa.with_state(|state| {
        let key = child.name.split_once('[').unwrap().1.to_owned();
        state.edit_agreement(child.id, |child| child.name = format!("Gold cloud [{key}"))
    });
    assert_eq!(world.sync().await, []);
    assert_eq!(world.children().len(), 1);
}

#[tokio::test]
async fn item_14_a_child_whose_name_lost_the_key_is_known_by_the_journal() {
    let world = World::start().await;
    world.sync().await;
    let child = world.children()[0].id;
    world.psa.with_state(|state| {
        state.edit_agreement(child, |child| child.name = "Gold cloud".to_owned())
    });
    assert_eq!(world.sync().await, []);
    let service = world.northwind.service;
    world
        .vendor
        .with_state(|state| state.set_ago(1, service, "ram", Decimal::from(48), "GB"));
    assert_eq!(world.sync().await.len(), 1);
    assert_eq!(world.children().len(), 1);
    // Cancelled in the PSA, it is not made a second time.
    world
        .psa
        .with_state(|state| state.edit_agreement(child, |child| child.cancelled = true));
    assert_eq!(world.sync().await, []);
}

#[tokio::test]
async fn item_14_the_key_may_stand_in_a_custom_field_and_the_name_is_the_services_alone() {
    let field = CustomField {
        id: 77,
        caption: "Sync key".to_owned(),
        kind: "Text".to_owned(),
        value: Json::Null,
    };
    let placement = AgreementKeyPlacement::CustomField {
        id: 77,
        caption: "Sync key".to_owned(),
    };
    let world = World::with(|state| state.agreement_fields.push(field), placement).await;
    assert_eq!(world.sync().await.len(), 4);
    let child = world.children()[0].clone();
    assert_eq!(child.name, "nwd-vdc-01");
    let key = child.custom_fields[0].value.text().unwrap().to_owned();
    assert!(key.starts_with("TL-"), "{key}");
    world.psa.with_state(|state| {
        state.edit_agreement(child.id, |child| child.name = "Gold cloud".to_owned())
    });
    assert_eq!(world.sync().await, []);
}
