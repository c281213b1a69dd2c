//! Subscriptions as lines and services.

use tallyline_core::wire::decode_json;

use super::*;
use crate::models::PayableCharges;

fn customer() -> Customer {
    decode_json(br#"{"id":"c-1","displayName":"Fern Clinic"}"#).unwrap()
}

fn subscriptions(items: &str) -> Subscriptions {
    decode_json(format!(r#"{{"items":[{items}]}}"#).as_bytes()).unwrap()
}

fn charges(items: &str) -> PayableCharges {
    decode_json(format!(r#"{{"charges":[{items}]}}"#).as_bytes()).unwrap()
}

fn read(items: &str) -> Result<Vec<UsageLine>> {
    lines(&customer(), subscriptions(items), &ChargeBook::default())
}

#[test]
fn a_subscription_becomes_one_line_with_its_commitment() {
    let lines = read(
        r#"{"id":"s-1","productName":"Mail A","description":"Seats","sku":"MAIL-A","quantity":12,"billingCycle":"MONTHLY",
          "fees":{"recurringFee":10,"setupFee":0,"currency":"Usd"},
          "commitmentTerm":{"type":"Annual","termEndDate":"2027-01-04","committedMinimalQuantities":[
            {"committedUntil":"2026-04-08","quantity":0},{"committedUntil":"2026-04-09","quantity":10}]}}"#,
    )
    .unwrap();
    let [line] = &lines[..] else {
        panic!("one line");
    };
    assert_eq!(line.key.as_str(), "sub:s-1");
    assert_eq!(line.service.as_str(), "MAIL-A");
    assert_eq!(line.subscription.as_ref().unwrap().as_str(), "s-1");
    assert_eq!(line.quantity, 12_u32.into());
    assert_eq!(line.kind, ChargeKind::Recurring);
    assert_eq!(line.billing_cycle, BillingCycle::Monthly);
    assert_eq!(line.unit_price, None, "a fee is no recommended price");
    assert_eq!(line.unit_cost, None, "a fee is no cost");
    let commitment = line.commitment.as_ref().unwrap();
    assert_eq!(commitment.term_end.unwrap().to_string(), "2027-01-04");
    assert_eq!(commitment.floors.len(), 2);
    assert_eq!(
        commitment.floor_on("2026-04-09".parse().unwrap()),
        Some(10_u32.into())
    );
}

#[test]
fn a_stated_zero_is_a_line_and_a_prepaid_year_keeps_its_cycle() {
    let lines = read(
        r#"{"id":"s-2","sku":"A","quantity":0,"billingCycle":"monthly"},
          {"id":"s-1","sku":"A","quantity":3,"billingCycle":"yearly"},
          {"id":"s-3","sku":"A","quantity":3,"billingCycle":"none"}"#,
    )
    .unwrap();
    let seen: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {} {}", line.key, line.quantity, line.billing_cycle))
        .collect();
    assert_eq!(
        seen,
        ["sub:s-1 3 yearly", "sub:s-2 0 monthly", "sub:s-3 3 unknown"]
    );
}

#[test]
fn a_subscription_listed_twice_counts_once_or_fails_the_account() {
    let one = r#"{"id":"s-1","sku":"A","quantity":3}"#;
    let other = r#"{"id":"s-1","sku":"A","quantity":4}"#;
    assert_eq!(read(&format!("{one},{one}")).unwrap().len(), 1);
    let error = read(&format!("{one},{other}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("s-1"), "{error}");
    assert!(read(r#"{"id":"s-1","sku":"A","quantity":-1}"#).is_err());
}

#[test]
fn a_suspended_customer_is_an_account_still() {
    let customer: Customer =
        decode_json(br#"{"id":"c-1","suspendedOn":"2026-01-13T20:30:05.7613888"}"#).unwrap();
    let account = account(&customer);
    assert!(account.suspended);
    assert_eq!(account.name, "c-1", "without a name the id stands in");
}

fn services(subscribed: &str, charged: &str) -> Vec<String> {
    let mut found = Found::default();
    for subscription in &subscriptions(subscribed).items {
        found.add_subscription(subscription);
    }
    for charge in &charges(charged).charges {
        found.add_charge(charge);
    }
    found
        .services()
        .map(|service| {
            let state = if service.not_syncable.is_some() {
                "not syncable"
            } else {
                "syncable"
            };
            format!(
                "{} {} {} {state}",
                service.key, service.name, service.billing_cycle
            )
        })
        .collect()
}

#[test]
fn services_are_the_union_of_subscriptions_and_charges() {
    let subscribed = r#"
        {"id":"1","sku":"B","productName":"Prepaid","quantity":1,"billingCycle":"yearly","commitmentTerm":{"type":"Annual"}},
        {"id":"2","sku":"A","productName":"Mail","quantity":1,"billingCycle":"monthly","commitmentTerm":{"type":"Annual"}},
        {"id":"3","sku":"C","productName":"Both","quantity":1,"billingCycle":"monthly"},
        {"id":"4","sku":"C","productName":"Both","quantity":1,"billingCycle":"yearly"}"#;
    let charged = r#"
        {"sku":"D","productName":"Disk","chargeType":"Usage","billingCycleType":"Monthly"},
        {"sku":"D","productName":"Disk","chargeType":"Setup","billingCycleType":"OneTime"},
        {"sku":"E","productName":"Visit","chargeType":"Setup","billingCycleType":"OneTime"},
        {"sku":"A","productName":"Other words","chargeType":"Recurring","billingCycleType":"Yearly"},
        {"productId":"p-9","chargeName":"Nameless","chargeType":"Usage"},{"chargeName":"lost"}"#;
    assert_eq!(
        services(subscribed, charged),
        [
            "A Mail monthly syncable",
            "B Prepaid yearly not syncable",
            "C Both unknown syncable",
            "D Disk monthly syncable",
            "E Visit one-time syncable",
            "product:p-9 Nameless unknown syncable",
        ]
    );
}

#[test]
fn the_descriptor_says_what_the_source_reports() {
    let base_url = "https://api.example.com".parse().unwrap();
    let descriptor = descriptor(SherwebClient::tenant("app-1", &base_url));
    assert_eq!(descriptor.system, "sherweb");
    assert_eq!(descriptor.basis, Basis::Live);
    assert!(descriptor.unit_costs && descriptor.commitments);
    assert_eq!(descriptor.kinds.len(), 5);
    assert_eq!(
        descriptor.tenant.as_deref(),
        Some("app-1 at api.example.com")
    );
}

#[test]
fn b8_offers_that_cannot_be_synced_are_listed_with_the_reason() {
    let mut found = Found::default();
    let listed = subscriptions(
        r#"{"id":"s-1","productName":"Mail A","sku":"MAIL-A","quantity":1,"billingCycle":"monthly"},
           {"id":"s-2","productName":"Mail Y","sku":"MAIL-Y","quantity":1,"billingCycle":"yearly"}"#,
    );
    for subscription in &listed.items {
        found.add_subscription(subscription);
    }
    let services: Vec<Service> = found.services().collect();
    assert_eq!(services.len(), 2, "none is left out");
    assert_eq!(services[0].not_syncable, None);
    assert_eq!(services[1].not_syncable.as_deref(), Some(PREPAID_YEAR));
}

#[test]
fn b11_a_years_commitment_billed_monthly_is_a_monthly_line_and_a_prepaid_year_a_yearly_one() {
    let annual = |cycle: &str| {
        let items = format!(
            r#"{{"id":"s-1","sku":"MAIL-A","quantity":1,"billingCycle":"{cycle}","commitmentTerm":{{"type":"Annual"}}}}"#
        );
        let lines = read(&items).unwrap();
        let mut found = Found::default();
        for subscription in &subscriptions(&items).items {
            found.add_subscription(subscription);
        }
        let service = found.services().next().unwrap();
        (lines[0].billing_cycle, service.not_syncable.is_some())
    };
    assert_eq!(annual("monthly"), (BillingCycle::Monthly, false));
    assert_eq!(annual("yearly"), (BillingCycle::Yearly, true));
}
