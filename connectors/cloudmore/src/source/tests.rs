//! Bills as readings: the rules, without the wire.

use tallyline_core::model::{Bill, BillKey, BillingCycle, ChargeKind, ExportedBills};

use super::*;
use crate::CloudmoreClient;
use crate::fields::FieldMap;

const DAY: &str = "2026-03-15";

fn client() -> CloudmoreClient {
    CloudmoreClient::builder()
        .username("api@example.com")
        .password("pass-word-1".into())
        .client_secret("s3cret".into())
        .reseller_id("r-1")
        .build()
        .unwrap()
}

fn source() -> CloudmoreSource {
    CloudmoreSource::builder().client(client()).build().unwrap()
}

fn report(lines: &[&str]) -> BillReport {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            let around = r#""organizationId":"o-1","currencyCode":"EUR""#;
            format!("{{{around},{line}}}")
        })
        .collect();
    let json = Json::parse(&format!("[{}]", lines.join(","))).unwrap();
    FieldMap::default().read(&json)
}

/// A line of the March bill of a monthly service.
fn march(rest: &str) -> String {
    format!(
        r#""serviceId":"csp","serviceName":"CSP 365","billingDate":"2026-03-07","startDate":"2026-03-07","endDate":"2026-04-06",{rest}"#
    )
}

fn february(rest: &str) -> String {
    march(rest)
        .replace("2026-03-07", "2026-02-07")
        .replace("2026-04-06", "2026-03-06")
}

fn read_on(
    source: &CloudmoreSource,
    exported: Option<&ExportedBills>,
    day: &str,
    lines: &[&str],
) -> Result<bills::Read> {
    let report = report(lines);
    let mut book = ReportBook::new(&report);
    let bills = book.take("O-1");
    bills.read("o-1", source, exported, day.parse().unwrap())
}

fn read(lines: &[&str]) -> bills::Read {
    read_on(&source(), None, DAY, lines).unwrap()
}

fn shown(read: &bills::Read) -> Vec<String> {
    let lines = read.lines.iter();
    lines
        .map(|line| format!("{} {} {}", line.service, line.kind, line.quantity))
        .collect()
}

#[test]
fn c14_a_recurring_line_is_in_advance_and_dated_at_the_start_of_its_period() {
    let read = read(&[&march(
        r#""subscriptionId":"u-1","externalSubscriptionId":"m-1","sku":"MAIL-A","productId":"p-1","productName":"Mail","quantity":12,"costPrice":7.125,"salesPrice":9"#,
    )]);
    let [line] = &read.lines[..] else {
        panic!("one line");
    };
    assert_eq!(line.key.as_str(), "sub:u-1:MAIL-A");
    assert_eq!(line.service.as_str(), "MAIL-A");
    assert_eq!(line.subscription.as_ref().unwrap().as_str(), "m-1");
    assert_eq!(line.kind, ChargeKind::Recurring);
    assert_eq!(line.period.unwrap().start().to_string(), "2026-03-07");
    assert_eq!(line.billing_cycle, BillingCycle::Monthly);
    assert_eq!(line.unit_cost.unwrap().to_string(), "7.125 EUR");
    assert_eq!(line.unit_price.unwrap().to_string(), "9.00 EUR");
    let bill = line.bill.as_ref().unwrap();
    assert_eq!(bill.to_string(), "csp of 2026-03-07");
    assert_eq!(read.bills[0].key, *bill);
    assert!(
        line.vendor_ids
            .contains(&("organizationId".into(), "o-1".into()))
    );
    assert_eq!(read.as_of.to_string(), "2026-03-07");
    assert_eq!(read.bills.len(), 1);
}

#[test]
fn prorations_credits_and_other_charges_are_kept_apart_from_the_quantity() {
    let read = read(&[
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#),
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","chargeType":"proRate","quantity":2"#),
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","chargeType":"proRate","quantity":-1"#),
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","chargeType":"other","quantity":1"#),
        &march(
            r#""subscriptionId":"u-1","sku":"MAIL-A","chargeType":"manual","quantity":1,"totalSalesPrice":-5"#,
        ),
    ]);
    assert_eq!(
        shown(&read),
        [
            "MAIL-A credit 1",
            "MAIL-A credit -1",
            "MAIL-A proration 2",
            "MAIL-A setup 1",
            "MAIL-A recurring 12",
        ]
    );
}

#[test]
fn a_fee_of_part_of_a_month_is_a_proration() {
    let piece = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":2"#);
    let piece = piece.replace("2026-04-06", "2026-03-20");
    assert_eq!(shown(&read(&[&piece])), ["MAIL-A proration 2"]);
}

#[test]
fn c11_azure_lines_are_usage_of_their_service_whatever_the_meter() {
    let azure = |rest: &str| {
        format!(
            r#""serviceId":"az","serviceName":"Azure","billingDate":"2026-02-25","startDate":"2026-01-26","endDate":"2026-02-25",{rest}"#
        )
    };
    let read = read(&[
        &azure(r#""productId":"vm","quantity":0.5,"totalCostPrice":0.123456789"#),
        &azure(r#""productId":"vm","quantity":0.5,"totalCostPrice":0.123456789"#),
        &azure(r#""productId":"disk","quantity":700,"totalCostPrice":3"#),
    ]);
    assert_eq!(
        shown(&read),
        [
            "service:az usage 700",
            "service:az usage 0.5",
            "service:az usage 0.5"
        ]
    );
    let keys: BTreeSet<&str> = read.lines.iter().map(|line| line.key.as_str()).collect();
    assert_eq!(keys.len(), 3);
    let totals: Vec<String> = read
        .lines
        .iter()
        .map(|line| line.total_cost.unwrap().to_string())
        .collect();
    assert_eq!(totals, ["3.00 EUR", "0.123456789 EUR", "0.123456789 EUR"]);
    let bill = read.lines[0].bill.as_ref().unwrap();
    assert!(
        read.lines
            .iter()
            .all(|line| line.bill.as_ref() == Some(bill))
    );
}

#[test]
fn a_cancelled_subscription_is_not_counted() {
    let read = read(&[
        &february(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#),
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12,"status":"cancelled""#),
        &march(r#""subscriptionId":"u-2","sku":"MAIL-A","quantity":3,"status":"Active""#),
    ]);
    assert_eq!(shown(&read), ["MAIL-A recurring 3"]);
    assert!(read.unread_kinds.is_empty());
}

#[test]
fn a_stated_zero_is_a_line() {
    let read = read(&[&march(
        r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":0"#,
    )]);
    assert_eq!(shown(&read), ["MAIL-A recurring 0"]);
}

#[test]
fn c13_a_subscription_that_a_new_bill_leaves_out_has_no_line_and_the_rest_is_whole() {
    let both = [
        &*february(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#),
        &*february(r#""subscriptionId":"u-2","sku":"DISK","quantity":3"#),
    ];
    assert_eq!(read(&both).lines.len(), 2, "until there is a new bill");
    let new = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let read = read(&[both[0], both[1], &new]);
    assert_eq!(shown(&read), ["MAIL-A recurring 12"]);
    assert!(read.unread_kinds.is_empty() && read.unobserved.is_empty());
}

#[test]
fn a_year_that_was_paid_for_is_in_force_beside_newer_bills_and_is_no_old_news() {
    let year = r#""serviceId":"csp","billingDate":"2025-06-07","startDate":"2025-06-07","endDate":"2026-06-06","subscriptionId":"u-9","sku":"YEAR","quantity":4"#;
    let new = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let beside = read(&[year, &new]);
    assert_eq!(shown(&beside), ["MAIL-A recurring 12", "YEAR recurring 4"]);
    assert_eq!(beside.as_of.to_string(), "2026-03-07");
    let alone = read(&[year]);
    assert_eq!(shown(&alone), ["YEAR recurring 4"]);
    assert_eq!(alone.as_of.to_string(), "2025-06-07");
    read_on(&source(), None, "2026-07-25", &[year]).unwrap_err();
}

#[test]
fn without_a_bill_in_force_an_organization_is_not_observed() {
    for (day, lines) in [
        (DAY, vec![]),
        ("2026-05-22", vec![march(r#""sku":"A","quantity":1"#)]),
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let error = read_on(&source(), None, day, &lines).unwrap_err();
        assert!(error.message().contains("no bill"), "{error}");
    }
    let line = march(r#""sku":"A","quantity":1"#);
    read_on(&source(), None, "2026-05-20", &[&line]).unwrap();
}

#[test]
fn a_line_that_cannot_be_read_fails_its_organization_and_one_of_nobody_leaves_all_in_doubt() {
    let good = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let bad = march(r#""subscriptionId":"u-2","sku":"MAIL-A""#);
    let error = read_on(&source(), None, DAY, &[&good, &bad]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.json_path(), Some("[1]"));
    assert!(error.message().contains("subscription u-2"), "{error}");

    let nobody = bad.replace(r#""sku""#, r#""organizationId":null,"sku""#);
    let json = format!(r#"[{{"organizationId":"o-1","currencyCode":"EUR",{good}}},{{{nobody}}}]"#);
    let report = FieldMap::default().read(&Json::parse(&json).unwrap());
    let bills = ReportBook::new(&report).take("o-1");
    let read = bills
        .read("o-1", &source(), None, DAY.parse().unwrap())
        .unwrap();
    assert_eq!(read.unread_kinds.len(), 5);
    assert_eq!(shown(&read), ["MAIL-A recurring 12"]);
}

#[test]
fn a_line_of_an_unknown_kind_is_left_out_and_leaves_the_organization_in_doubt() {
    let read = read(&[
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#),
        &march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":1,"chargeType":"Newly""#),
    ]);
    assert_eq!(shown(&read), ["MAIL-A recurring 12"]);
    assert_eq!(read.unread_kinds.len(), 5);
}

#[test]
fn a_subscription_that_stands_twice_counts_once_or_fails_the_organization() {
    let line = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    assert_eq!(shown(&read(&[&line, &line])), ["MAIL-A recurring 12"]);
    let other = line.replace("12", "13");
    let error = read_on(&source(), None, DAY, &[&line, &other]).unwrap_err();
    assert!(error.message().contains("sub:u-1:MAIL-A"), "{error}");
    let next = line
        .replace("2026-04-06", "2026-05-06")
        .replace(r#""startDate":"2026-03-07""#, r#""startDate":"2026-04-07""#);
    let next = next.replace("12", "13");
    assert_eq!(shown(&read(&[&next, &line])), ["MAIL-A recurring 13"]);
}

#[test]
fn c5_a_service_that_is_not_selected_gives_no_lines_and_nothing_is_concluded_about_it() {
    let csp = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let other = csp
        .replace("csp", "market")
        .replace("CSP 365", "Marketplace")
        .replace("MAIL-A", "TOOL");
    for selected in ["csp", "cSp 365"] {
        let source = CloudmoreSource::builder()
            .client(client())
            .services(SelectedServices::only([selected]))
            .build()
            .unwrap();
        let read = read_on(&source, None, DAY, &[&csp, &other]).unwrap();
        assert_eq!(shown(&read), ["MAIL-A recurring 12"]);
        let unobserved: Vec<_> = read.unobserved.into_iter().collect();
        assert_eq!(
            unobserved,
            [("TOOL".into(), "its service is not selected".to_owned())]
        );
    }
}

#[test]
fn c8_every_organization_with_a_bill_of_a_selected_service_has_its_lines() {
    let line = march(r#""sku":"MAIL-A","quantity":1"#);
    let json = format!(
        r#"[{{"organizationId":"o-1","currency":"EUR",{line}}},{{"organizationId":"o-2","currency":"EUR",{line}}}]"#
    );
    let report = FieldMap::default().read(&Json::parse(&json).unwrap());
    let mut book = ReportBook::new(&report);
    for id in ["o-1", "O-2"] {
        let read = book
            .take(id)
            .read(id, &source(), None, DAY.parse().unwrap())
            .unwrap();
        assert_eq!(shown(&read), ["MAIL-A recurring 1"]);
    }
    assert_eq!(book.rest().count(), 0);
}

fn exported(read: &bills::Read) -> ExportedBills {
    let bills = read.bills.iter().cloned();
    bills.map(|bill| ("o-1", bill.stamp())).collect()
}

#[test]
fn c9_a_bill_that_was_exported_is_not_read_again_and_says_nothing() {
    let lines = [
        &*march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#),
        &*march(r#""subscriptionId":"u-1","sku":"MAIL-A","chargeType":"other","quantity":1"#),
    ];
    let first = read(&lines);
    assert_eq!(first.lines.len(), 2);
    let done = exported(&first);
    let second = read_on(&source(), Some(&done), DAY, &lines).unwrap();
    assert!(second.lines.is_empty() && second.bills.is_empty());
    assert_eq!(second.exported, ["MAIL-A".into()].into());
    assert!(second.unobserved.is_empty() && second.unread_kinds.is_empty());
}

#[test]
fn c9_a_new_bill_of_one_service_is_exported_beside_an_exported_one_of_another() {
    let csp = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let done = exported(&read(&[&csp]));
    let backup = csp.replace("csp", "backup").replace("MAIL-A", "BACKUP");
    let read = read_on(&source(), Some(&done), DAY, &[&csp, &backup]).unwrap();
    assert_eq!(shown(&read), ["BACKUP recurring 12"]);
    assert_eq!(read.exported, ["MAIL-A".into()].into());
    assert!(read.unobserved.is_empty());
    assert_eq!(read.bills.len(), 1);
}

#[test]
fn c9_charges_of_every_bill_since_the_last_exported_one_are_new_and_older_ones_are_not() {
    let once = |date: &str| {
        format!(
            r#""serviceId":"shop","billingDate":"{date}","sku":"SETUP","chargeType":"other","quantity":1"#
        )
    };
    let bills = ["2026-01-07", "2026-02-07", "2026-03-07"].map(once);
    let all: Vec<&str> = bills.iter().map(String::as_str).collect();
    let first = read(&all);
    assert_eq!(
        first.lines.len(),
        1,
        "without a ledger the latest bill alone"
    );
    let january = BillKey::new("shop", "2026-01-07".parse().unwrap());
    let done: ExportedBills = [("o-1", Bill::new(january, ["x"]).stamp())]
        .into_iter()
        .collect();
    let later = read_on(&source(), Some(&done), DAY, &all).unwrap();
    assert_eq!((later.lines.len(), later.bills.len()), (2, 2));
}

#[test]
fn c9_an_exported_bill_that_says_something_else_is_left_alone_and_said() {
    let line = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let done = exported(&read(&[&line]));
    let changed = line.replace("12", "13");
    let read = read_on(&source(), Some(&done), DAY, &[&changed]).unwrap();
    assert!(read.lines.is_empty() && read.bills.is_empty());
    assert!(
        read.unobserved
            .values()
            .all(|why| why.contains("something else"))
    );
}

#[test]
fn c9_a_bill_with_a_line_that_is_held_back_is_not_called_exported() {
    let csp = march(r#""subscriptionId":"u-1","sku":"MAIL-A","quantity":12"#);
    let done = exported(&read(&[&csp]));
    let same_sku = csp.replace("csp", "nce").replace("u-1", "u-2");
    let read = read_on(&source(), Some(&done), DAY, &[&csp, &same_sku]).unwrap();
    assert!(
        read.lines.is_empty() && read.bills.is_empty(),
        "{:?}",
        shown(&read)
    );
}

#[test]
fn services_are_what_the_bills_name_each_with_its_cycle() {
    let report = report(&[
        &march(r#""sku":"MAIL-A","productName":"Mail A","quantity":12"#),
        &march(r#""sku":"MAIL-A","quantity":1,"chargeType":"proRate""#),
        r#""serviceId":"csp","billingDate":"2026-01-01","startDate":"2026-01-01","endDate":"2026-12-31","sku":"YEAR","quantity":1"#,
        r#""serviceId":"az","serviceName":"Azure","billingDate":"2026-02-25","quantity":1,"productName":"VM""#,
        r#""serviceId":"csp","billingDate":"2026-01-01","productId":"p-7","chargeType":"other","quantity":1"#,
    ]);
    let mut catalog = Catalog::default();
    for line in &report.lines {
        catalog.add(line, &source());
    }
    let services: Vec<String> = catalog
        .services()
        .map(|it| {
            format!(
                "{} {:?} {} {}",
                it.key,
                it.name,
                it.billing_cycle,
                it.not_syncable.is_some()
            )
        })
        .collect();
    assert_eq!(
        services,
        [
            r#"MAIL-A "Mail A" monthly false"#,
            r#"YEAR "YEAR" yearly true"#,
            r#"p-7 "p-7" one-time false"#,
            r#"service:az "Azure" unknown false"#,
        ]
    );
}

#[test]
fn wrong_settings_are_refused_in_words() {
    let map: FieldMap = serde_json::from_str(r#"{"quantity":[]}"#).unwrap();
    let errors = [
        CloudmoreSource::builder()
            .client(client())
            .field_map(map)
            .build(),
        CloudmoreSource::builder()
            .client(client())
            .services(SelectedServices::only::<String>([]))
            .build(),
        CloudmoreSource::builder()
            .client(client())
            .history_days(0)
            .build(),
    ];
    for (error, word) in errors.into_iter().zip(["quantity", "service", "history"]) {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(word), "{error}");
    }
}
