use super::*;
use crate::mapping::{BilledAs, Exclusion, ProductRule, ServiceEntry, ServiceLink};
use crate::model::{ChargeKind, Eligibility};
use crate::sink::SinkCapabilities;

fn sink() -> SinkDescriptor {
    let capabilities = SinkCapabilities {
        create_product: true,
        ..SinkCapabilities::default()
    };
    SinkDescriptor::new("psa", "PSA", capabilities)
}

fn with<R>(
    problems: &[ReadFailure],
    sink: &SinkDescriptor,
    work: impl FnOnce(&ProductsContext<'_>) -> R,
) -> R {
    work(&ProductsContext {
        source: &SourceDescriptor::new("hyalto", "HyAlto"),
        sink,
        unread_products: problems,
        unread_services: &[],
        policy: &Policy::default(),
        now: Timestamp::EPOCH,
    })
}

fn services() -> [Service; 2] {
    [
        Service::new("vdc/ram", "virtual data centre: RAM"),
        Service::new("vdc/compute", "virtual data centre: CPU"),
    ]
}

fn plan_of(products: &[Product], mapping: &Mapping) -> Plan {
    with(&[], &sink(), |context| {
        plan_products(&services(), products, mapping, context).unwrap()
    })
}

fn told(plan: &Plan) -> Vec<String> {
    let changes = plan.changes().iter();
    changes.map(|change| change.action.to_string()).collect()
}

const RAM: &str = "HYALTO-VDC-RAM";

#[test]
fn an_identifier_is_derived_from_the_key_alone_and_fits() {
    let of = |key: &str| product_identifier("hyalto", &key.into());
    assert_eq!(of("vdc/ram"), RAM);
    assert_eq!(of("edge/vm_count"), "HYALTO-EDGE-VM-COUNT");
    let long = of(&"x".repeat(200));
    assert_eq!(long.len(), 50);
    assert_ne!(long, of(&"x".repeat(201)));
    // What gets lost makes a difference all the same.
    assert_ne!(of("vdc/größe"), of("vdc/grüße"));
    assert!(of("vdc/größe").starts_with("HYALTO-VDC-GR-E-"));
}

#[test]
fn a_service_without_a_product_gets_one_and_the_order_of_the_lists_does_not_show() {
    let plan = plan_of(&[], &Mapping::new());
    assert_eq!(
        told(&plan),
        [
            "create the product HYALTO-VDC-COMPUTE (HyAlto virtual data centre: CPU)",
            "create the product HYALTO-VDC-RAM (HyAlto virtual data centre: RAM)",
        ]
    );
    assert!(plan.changes().iter().all(|change| !change.is_blocked()));
    let mut turned = services();
    turned.reverse();
    let again = with(&[], &sink(), |context| {
        plan_products(&turned, &[], &Mapping::new(), context).unwrap()
    });
    assert_eq!(again.to_text().unwrap(), plan.to_text().unwrap());
    let read = Plan::from_text(&plan.to_text().unwrap()).unwrap();
    assert_eq!(read, plan);
    assert_eq!(read.content().kind, PlanKind::Products);
    assert!(plan.to_text().unwrap().contains("\"version\": 6"));
}

#[test]
fn what_has_a_product_or_a_decision_gets_none() {
    let there = Product::new("512", " hyalto-vdc-ram", "RAM of a cloud");
    let plan = plan_of(std::slice::from_ref(&there), &Mapping::new());
    assert_eq!(told(&plan).len(), 1);
    let mut mapping = Mapping::new();
    let rules = vec![ProductRule::one_to_one("7")];
    let link = ServiceLink::manual(rules, ChargeKind::Recurring, BilledAs::Line);
    mapping.set_service("vdc/ram".into(), ServiceEntry::Link(link));
    mapping.set_service(
        "vdc/compute".into(),
        ServiceEntry::Exclude(Exclusion::default()),
    );
    assert_eq!(told(&plan_of(&[], &mapping)), [""; 0]);
    let link = |mapping: &Mapping| {
        with(&[], &sink(), |context| {
            products_to_link(&services(), std::slice::from_ref(&there), mapping, context)
        })
    };
    assert_eq!(link(&Mapping::new()), [("vdc/ram".into(), "512".into())]);
    assert_eq!(link(&mapping), []);
}

#[test]
fn a_product_that_may_not_be_used_and_two_of_one_identifier_are_for_a_person() {
    let mut bundle = Product::new("512", RAM, "RAM");
    bundle.eligibility = Eligibility::from_reasons(vec!["It is a Bundle.".to_owned()]);
    let two = [Product::new("1", RAM, "a"), Product::new("2", RAM, "b")];
    for (products, kind, said) in [
        (&[bundle][..], Kind::NotEligible, "It is a Bundle."),
        (&two[..], Kind::Ambiguous, "products 1 and 2"),
    ] {
        let plan = plan_of(products, &Mapping::new());
        assert_eq!(told(&plan).len(), 1);
        let notice = &plan.notices()[0];
        assert_eq!(notice.kind, kind);
        assert!(notice.message.contains(said), "{}", notice.message);
        let linked = with(&[], &sink(), |context| {
            products_to_link(&services(), products, &Mapping::new(), context)
        });
        assert_eq!(linked, []);
    }
}

#[test]
fn an_identifier_of_two_services_and_a_product_that_cannot_be_read_block_for_good() {
    let twins = [
        Service::new("vdc/a_b", "one"),
        Service::new("vdc/a-b", "other"),
    ];
    let failure = ReadFailure {
        kind: crate::ErrorKind::Protocol,
        message: "catalog item 9: identifier is missing".to_owned(),
    };
    let shared = with(&[], &sink(), |context| {
        plan_products(&twins, &[], &Mapping::new(), context).unwrap()
    });
    let unread = with(&[failure], &sink(), |context| {
        plan_products(&services(), &[], &Mapping::new(), context).unwrap()
    });
    for plan in [&shared, &unread] {
        assert_eq!(plan.changes().len(), 2);
        for change in plan.changes() {
            assert_eq!(change.blocks[0].guard, Guard::AmbiguousProduct);
            assert!(change.final_block().is_some());
        }
    }
    assert_eq!(unread.notices().len(), 1);
}

#[test]
fn a_service_that_cannot_be_read_is_told_and_keeps_no_other_from_its_product() {
    let failure = ReadFailure {
        kind: crate::ErrorKind::Protocol,
        message: "service 9: name is missing".to_owned(),
    };
    let plan = with(&[], &sink(), |context| {
        let context = ProductsContext {
            unread_services: std::slice::from_ref(&failure),
            ..*context
        };
        plan_products(&services(), &[], &Mapping::new(), &context).unwrap()
    });
    assert_eq!(plan.summary().ready, 2);
    assert_eq!(plan.notices().len(), 1);
    assert!(plan.notices()[0].message.contains("service 9"));
}

#[test]
fn a_sink_that_makes_no_products_has_them_blocked() {
    let bare = SinkDescriptor::new("psa", "PSA", SinkCapabilities::default());
    let plan = with(&[], &bare, |context| {
        plan_products(&services(), &[], &Mapping::new(), context).unwrap()
    });
    for change in plan.changes() {
        assert_eq!(change.blocks[0].guard, Guard::Unsupported);
        assert!(change.blocks[0].reason.contains("create products"));
    }
}
