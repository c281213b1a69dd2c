//! Charges and whose they are.

use tallyline_core::wire::decode_json;

use super::*;

fn customers() -> Vec<Customer> {
    let customers: crate::models::Customers = decode_json(
        br#"{"items":[{"id":"c-1","displayName":"Fern Clinic"},{"id":"c-2","displayName":"Oak Legal"},
          {"id":"c-3","displayName":"Twin Cafe"},{"id":"c-4","displayName":"Twin Cafe"}]}"#,
    )
    .unwrap();
    customers.items
}

fn book(charges: &str) -> ChargeBook {
    let body =
        format!(r#"{{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[{charges}]}}"#);
    ChargeBook::new(&decode_json(body.as_bytes()).unwrap(), &customers())
}

/// A charge of 2 units at 9 for March, with some fields changed.
fn charge(tags: &str, change: &str) -> String {
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(
        r#"{"productId":"p-1","productName":"Mail A","sku":"MAIL-A","chargeId":"k-1","chargeName":"Seat",
          "chargeType":"Recurring","billingCycleType":"Monthly","periodFrom":"2026-03-01","periodTo":"2026-03-31",
          "quantity":2,"netPrice":9,"netPriceProrated":9,"subTotal":18,"currency":"USD","isBilled":false}"#,
    )
    .unwrap();
    let change: serde_json::Map<String, serde_json::Value> = serde_json::from_str(change).unwrap();
    fields.extend(change);
    let tags = serde_json::from_str(tags).unwrap();
    fields.insert("tags".into(), tags);
    serde_json::to_string(&fields).unwrap()
}

const FERN: &str = r#"[{"name":"CustomerDisplayName","value":"Fern Clinic"}]"#;
const USAGE: &str = r#"{"chargeType":"usage","quantity":3}"#;

fn owners(book: &ChargeBook) -> Vec<String> {
    let known = customers()
        .into_iter()
        .filter(|customer| !book.lines(&customer.id).is_empty())
        .map(|customer| customer.id);
    let apart = book.unattributed().into_iter();
    known.chain(apart.map(|apart| apart.name)).collect()
}

#[test]
fn the_id_tag_decides_before_the_name() {
    let tags = r#"[{"name":"CustomerDisplayName","value":"Oak Legal"},{"name":"customerid","value":"C-1"}]"#;
    assert_eq!(owners(&book(&charge(tags, USAGE))), ["c-1"]);
    let near = r#"[{"name":"SherwebCustomerIdValue","value":"c-2"}]"#;
    assert_eq!(owners(&book(&charge(near, USAGE))), ["c-2"]);
}

#[test]
fn an_exact_and_unique_name_decides_where_there_is_no_id() {
    assert_eq!(owners(&book(&charge(FERN, USAGE))), ["c-1"]);
}

#[test]
fn nothing_is_guessed_from_a_near_name_two_names_or_a_foreign_id() {
    for (tags, name) in [
        (
            r#"[{"name":"CustomerDisplayName","value":"fern clinic"}]"#,
            "fern clinic",
        ),
        (
            r#"[{"name":"CustomerDisplayName","value":"Fern Clinic "}]"#,
            "Fern Clinic ",
        ),
        (
            r#"[{"name":"CustomerDisplayName","value":"Twin Cafe"}]"#,
            "Twin Cafe",
        ),
        (
            r#"[{"name":"CustomerId","value":"c-9"},{"name":"CustomerDisplayName","value":"Fern Clinic"}]"#,
            "Fern Clinic",
        ),
        (
            r#"[{"name":"CustomerId","value":"c-1"},{"name":"CustomerId","value":"c-2"}]"#,
            "c-1",
        ),
        (
            r#"[{"name":"CustomerDisplayName","value":"Fern Clinic"},{"name":"CustomerDisplayName","value":"Oak Legal"}]"#,
            "Fern Clinic",
        ),
        ("null", "(no customer named)"),
    ] {
        assert_eq!(owners(&book(&charge(tags, USAGE))), [name], "{tags}");
    }
}

#[test]
fn an_unattributed_charge_puts_those_in_doubt_whose_it_may_be() {
    let doubted = |tags: &str, change: &str| -> Vec<&str> {
        let book = book(&charge(tags, change));
        ["c-1", "c-2", "c-3", "c-4"]
            .into_iter()
            .filter(|id| !book.unread_kinds(id).is_empty())
            .collect()
    };
    let twins = r#"[{"name":"CustomerDisplayName","value":"Twin Cafe"}]"#;
    let nobody = r#"[{"name":"CustomerDisplayName","value":"Old Name"}]"#;
    assert_eq!(doubted(twins, USAGE), ["c-3", "c-4"]);
    assert_eq!(doubted(nobody, USAGE), ["c-1", "c-2", "c-3", "c-4"]);
    assert!(doubted(FERN, USAGE).is_empty());
    assert!(
        doubted(nobody, "{}").is_empty(),
        "subscriptions state these"
    );
    assert!(doubted(r#"[{"name":"CustomerId","value":"c-9"}]"#, USAGE).is_empty());
    assert_eq!(doubted(FERN, r#"{"chargeType":"Unknown"}"#), ["c-1"]);
    assert_eq!(
        doubted(FERN, r#"{"chargeType":"Usage","quantity":null}"#),
        ["c-1"]
    );
    assert_eq!(ChargeBook::unread().unread_kinds("c-1"), CHARGED_KINDS);
}

#[test]
fn a_recurring_charge_shorter_than_its_cycle_is_a_proration() {
    let kind = |change: &str| -> Option<ChargeKind> {
        book(&charge(FERN, change))
            .lines("c-1")
            .first()
            .map(|line| line.kind)
    };
    assert_eq!(kind("{}"), None, "the subscription states whole cycles");
    assert_eq!(
        kind(r#"{"periodFrom":"2026-03-11"}"#),
        Some(ChargeKind::Proration)
    );
    assert_eq!(
        kind(r#"{"periodTo":"2026-03-30"}"#),
        Some(ChargeKind::Proration)
    );
    assert_eq!(
        kind(r#"{"periodFrom":"2026-01-31","periodTo":"2026-02-27"}"#),
        None,
        "a cycle from the last of January"
    );
    assert_eq!(
        kind(r#"{"periodFrom":"2026-02-01","periodTo":"2026-02-28"}"#),
        None
    );
    assert_eq!(
        kind(r#"{"billingCycleType":"Yearly"}"#),
        Some(ChargeKind::Proration)
    );
    assert_eq!(
        kind(r#"{"billingCycleType":"Yearly","periodFrom":"2025-12-15","periodTo":"2026-12-14"}"#),
        None
    );
    assert_eq!(kind(r#"{"billingCycleType":null}"#), None);
    assert_eq!(
        kind(r#"{"billingCycleType":null,"periodFrom":"2026-03-20"}"#),
        Some(ChargeKind::Proration)
    );
    assert_eq!(kind(r#"{"chargeType":"Setup"}"#), Some(ChargeKind::Setup));
    assert_eq!(kind(USAGE), Some(ChargeKind::Usage));
}

#[test]
fn what_is_negative_is_a_credit_whatever_its_type() {
    for change in [
        r#"{"quantity":-2,"subTotal":-18}"#,
        r#"{"subTotal":-18}"#,
        r#"{"chargeType":"Usage","quantity":-1,"subTotal":null}"#,
        r#"{"chargeType":"Setup","subTotal":-0.01}"#,
    ] {
        let lines = book(&charge(FERN, change)).lines("c-1");
        assert_eq!(lines[0].kind, ChargeKind::Credit, "{change}");
    }
}

#[test]
fn repeated_keys_are_numbered_the_same_in_any_order() {
    let a = charge(FERN, r#"{"chargeType":"Usage","quantity":5}"#);
    let b = charge(FERN, USAGE);
    let c = charge(FERN, r#"{"chargeType":"Usage","quantity":-4}"#);
    let keys = |charges: String| -> Vec<String> {
        book(&charges)
            .lines("c-1")
            .iter()
            .map(|line| format!("{} {}", line.key, line.quantity))
            .collect()
    };
    let first = keys(format!("{a},{b},{c}"));
    assert_eq!(first, keys(format!("{c},{b},{a}")));
    let key = "charge:MAIL-A:k-1:Usage:2026-03-01:2026-03-31";
    assert_eq!(
        first,
        [
            format!("{key} 3"),
            format!("{key}#2 5"),
            format!("{key}#3 -4")
        ],
        "a credit never takes the key of a charge"
    );
}

#[test]
fn a_charge_without_sku_is_keyed_by_its_product_and_never_by_a_name() {
    let nameless = charge(FERN, r#"{"chargeType":"Usage","sku":"","chargeId":null}"#);
    let line = book(&nameless).lines("c-1").remove(0);
    assert_eq!(line.service.as_str(), "product:p-1");
    assert!(line.key.as_str().contains(":Seat:"));
    let lost = charge(
        FERN,
        r#"{"chargeType":"Usage","sku":null,"productId":null}"#,
    );
    let book = book(&lost);
    assert!(book.lines("c-1").is_empty());
    assert_eq!(book.unread_kinds("c-1"), CHARGED_KINDS);
}

#[test]
fn a_recurring_charge_gives_the_cost_of_its_sku() {
    let book = book(&format!(
        "{},{}",
        charge(FERN, "{}"),
        charge(
            FERN,
            r#"{"periodFrom":"2026-03-11","netPrice":8,"netPriceProrated":5}"#
        )
    ));
    let cost = book.cost("c-1", "MAIL-A", BillingCycle::Monthly).unwrap();
    assert_eq!(cost.to_string(), "9.00 USD");
    assert_eq!(book.cost("c-2", "MAIL-A", BillingCycle::Monthly), None);
}

#[test]
fn a_credit_says_nothing_about_the_cost() {
    let book = book(&charge(
        FERN,
        r#"{"quantity":-1,"netPrice":4,"subTotal":-4}"#,
    ));
    assert_eq!(book.cost("c-1", "MAIL-A", BillingCycle::Monthly), None);
}

#[test]
fn charges_kept_apart_say_whether_any_is_still_open() {
    let nobody = r#"[{"name":"CustomerDisplayName","value":"Old Name"}]"#;
    let billed = charge(nobody, r#"{"isBilled":true}"#);
    let open = |charges: String| book(&charges).unattributed().remove(0).open;
    assert!(!open(billed.clone()));
    assert!(open(format!("{billed},{}", charge(nobody, "{}"))));
}
