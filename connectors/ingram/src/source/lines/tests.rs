use tallyline_core::wire::decode_json;

use super::*;

const RULES: Rules = Rules {
    hold: StatusRule::Unobserved,
    pending: StatusRule::Unobserved,
    keys: ServiceKeys::PartNumber,
};

fn subscription(status: &str, products: &str) -> SubscriptionDetail {
    let text = format!(
        r#"{{"id":1000451,"name":"Mail plan","customerId":"1000310","status":"{status}","renewalStatus":true,
          "creationDate":"2025-03-04","expirationDate":"2026-03-03","billingPeriod":{{"type":"month","duration":1}},
          "subscriptionPeriod":{{"type":"year","duration":1}},"planId":10042,"products":[{products}]}}"#
    );
    decode_json(text.as_bytes()).unwrap()
}

const MAIL: &str = r#"{"id":"PRD1","mpn":"MAIL","vendor":"Microsoft","name":"Mail","quantity":14.0,
  "unitPrice":{"currency":"USD","amount":"6"},"unitCost":{"currency":"USD","amount":"5.10"},
  "extendedPrice":{"currency":"USD","amount":"84.00"},"vendorSubscriptionId":"5b1f"}"#;

fn observe(
    subscriptions: &[SubscriptionDetail],
    rules: &Rules,
) -> Result<(Vec<UsageLine>, BTreeMap<ServiceKey, String>)> {
    let mut observed = Observed::default();
    for subscription in subscriptions {
        observed.add(subscription, &[], rules)?;
    }
    Ok(observed.into_parts())
}

fn one(products: &str) -> UsageLine {
    let (lines, unobserved) = observe(&[subscription("active", products)], &RULES).unwrap();
    assert!(unobserved.is_empty(), "{unobserved:?}");
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    line.clone()
}

fn keys(unobserved: &BTreeMap<ServiceKey, String>) -> Vec<&str> {
    unobserved.keys().map(ServiceKey::as_str).collect()
}

#[test]
fn a_product_of_a_subscription_is_a_line_with_everything_that_the_vendor_tells() {
    let line = one(MAIL);
    assert_eq!(line.key.as_str(), "1000451/PRD1");
    assert_eq!(line.service.as_str(), "MAIL");
    assert_eq!(line.quantity.to_string(), "14");
    assert_eq!(line.unit_cost.unwrap().to_string(), "5.10 USD");
    assert_eq!(line.unit_price.unwrap().to_string(), "6.00 USD");
    assert_eq!(line.billing_cycle, BillingCycle::Monthly);
    assert_eq!(line.subscription.unwrap().as_str(), "1000451");
    let commitment = line.commitment.unwrap();
    assert_eq!(commitment.term_end.unwrap().to_string(), "2026-03-03");
    assert!(commitment.floors.is_empty());
    let ids: Vec<String> = line
        .vendor_ids
        .iter()
        .map(|(name, id)| format!("{name} {id}"))
        .collect();
    assert_eq!(
        ids,
        [
            "subscriptionId 1000451",
            "customerId 1000310",
            "productId PRD1",
            "planId 10042",
            "vendorSubscriptionId 5b1f"
        ]
    );
}

#[test]
fn a_product_that_comes_twice_as_it_is_counts_once() {
    let line = one(&format!("{MAIL},{MAIL}"));
    assert_eq!(line.quantity.to_string(), "14");
}

#[test]
fn a_cost_that_is_not_told_is_never_the_price() {
    let line = one(&MAIL.replace(r#""unitCost":{"currency":"USD","amount":"5.10"},"#, ""));
    assert_eq!(line.unit_cost, None);
    assert_eq!(line.unit_price.unwrap().to_string(), "6.00 USD");
}

#[test]
fn prices_that_do_not_make_the_total_are_of_another_period_and_left_out() {
    for total in [
        r#"{"currency":"USD","amount":"7"}"#,
        r#"{"currency":"CAD","amount":"84"}"#,
    ] {
        let line = one(&MAIL.replace(r#"{"currency":"USD","amount":"84.00"}"#, total));
        assert_eq!((line.unit_cost, line.unit_price), (None, None));
        let mut said = line.attributes.iter();
        assert!(said.any(|(name, _)| &**name == "pricesLeftOut"));
    }
    let line = one(&MAIL.replace("USD", "dollars"));
    assert_eq!((line.unit_cost, line.unit_price), (None, None));
}

#[test]
fn no_products_is_no_quantity_and_never_zero() {
    let (lines, unobserved) = observe(&[subscription("active", "")], &RULES).unwrap();
    assert!(lines.is_empty());
    assert_eq!(keys(&unobserved), ["subscription:1000451"]);
    let why = unobserved.values().next().unwrap();
    assert!(why.contains("not zero"), "{why}");

    let mut observed = Observed::default();
    let former = subscription("active", MAIL).products;
    let none = subscription("active", "");
    observed.add(&none, &former, &RULES).unwrap();
    let (_, unobserved) = observed.into_parts();
    assert_eq!(keys(&unobserved), ["MAIL", "subscription:1000451"]);
}

#[test]
fn a_product_without_quantity_is_not_observed_and_takes_its_service_with_it() {
    let mute = MAIL
        .replace("\"quantity\":14.0,", "")
        .replace("PRD1", "PRD2");
    let mut other = subscription("active", MAIL);
    other.id = "1000452".into();
    let (lines, unobserved) = observe(&[subscription("active", &mute), other], &RULES).unwrap();
    assert!(
        lines.is_empty(),
        "a sum that lacks a part is none: {lines:?}"
    );
    assert_eq!(keys(&unobserved), ["MAIL"]);
}

#[test]
fn what_a_status_comes_to_is_a_rule_and_unknown_ones_are_not_observed() {
    let quantity = |status: &str, rules: &Rules| {
        let (lines, unobserved) = observe(&[subscription(status, MAIL)], rules).unwrap();
        match (&lines[..], unobserved.len()) {
            ([line], 0) => line.quantity.to_string(),
            ([], 1) => "unobserved".to_owned(),
            ([], 0) => "nothing".to_owned(),
            other => panic!("{other:?}"),
        }
    };
    for (status, expected) in [
        ("active", "14"),
        ("terminated", "0"),
        ("removed", "0"),
        ("hold", "unobserved"),
        ("pending", "unobserved"),
        ("unknown", "unobserved"),
        ("paused", "unobserved"),
    ] {
        assert_eq!(quantity(status, &RULES), expected, "{status}");
    }
    for (rule, expected) in [
        (StatusRule::Count, "14"),
        (StatusRule::Zero, "0"),
        (StatusRule::LeaveOut, "nothing"),
    ] {
        let rules = Rules {
            hold: rule,
            pending: rule,
            ..RULES
        };
        assert_eq!(quantity("hold", &rules), expected);
        assert_eq!(quantity("pending", &rules), expected);
        assert_eq!(quantity("terminated", &rules), "0");
    }
}

#[test]
fn what_would_count_wrong_fails_the_account() {
    for products in [
        MAIL.replace("14.0", "-1"),
        format!("{MAIL},{}", MAIL.replace("14.0", "15")),
        r#"{"name":"nameless","quantity":1}"#.to_owned(),
    ] {
        let error = observe(&[subscription("active", &products)], &RULES).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{products}");
        assert!(error.to_string().contains("1000451"), "{error}");
    }
}

#[test]
fn services_are_known_by_part_number_or_by_periods_too_and_by_the_product_where_there_is_none() {
    let key = |keys, product: &str| {
        let subscription = subscription("active", product);
        let rules = Rules { keys, ..RULES };
        let product = &subscription.products[0];
        rules
            .service_key(&subscription, product)
            .unwrap()
            .to_string()
    };
    assert_eq!(key(ServiceKeys::PartNumber, MAIL), "MAIL");
    assert_eq!(
        key(ServiceKeys::PartNumberAndPeriods, MAIL),
        "MAIL|month:1|year:1"
    );
    let bare = r#"{"id":"PRD9","quantity":1}"#;
    assert_eq!(key(ServiceKeys::PartNumber, bare), "product:PRD9");
}

#[test]
fn a_period_is_a_cycle_only_where_its_length_is_known() {
    let cycle = |kind: &str, duration: u32| cycle_of(Some(&Period::new(kind.into(), duration)));
    for (kind, duration, expected) in [
        ("day", 1, BillingCycle::Daily),
        ("month", 1, BillingCycle::Monthly),
        ("month", 3, BillingCycle::Quarterly),
        ("month", 12, BillingCycle::Yearly),
        ("year", 1, BillingCycle::Yearly),
        ("year", 3, BillingCycle::Unknown),
        ("statement_day", 1, BillingCycle::Unknown),
        ("unknown", 1, BillingCycle::Unknown),
    ] {
        assert_eq!(cycle(kind, duration), expected, "{kind} {duration}");
    }
    assert_eq!(cycle_of(None), BillingCycle::Unknown);
}

#[test]
fn a_service_sold_with_several_cycles_has_none_that_is_known() {
    let mut found = Found::default();
    let monthly = subscription("active", MAIL);
    found.add(&monthly, &RULES);
    let mut yearly = subscription("active", MAIL);
    yearly.billing_period = Some(Period::new(PeriodType::Year, 1));
    let disk = MAIL.replace("MAIL", "DISK").replace("\"Mail\"", "null");
    found.add(&subscription("active", &disk), &RULES);
    found.add(&yearly, &RULES);
    let shown: Vec<String> = found
        .services()
        .map(|own| format!("{} {} {}", own.key, own.name, own.billing_cycle))
        .collect();
    assert_eq!(shown, ["DISK Mail plan monthly", "MAIL Mail unknown"]);
}
