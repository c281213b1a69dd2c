//! Reports of several shapes through the map, and maps that a person may write.

use super::*;
use crate::models::Json;

fn read(report: &str) -> BillReport {
    FieldMap::default().read(&Json::parse(report).unwrap())
}

const NESTED: &str = r#"[{"organizationId":"o-1","organizationName":"Fern Clinic","currencyCode":"EUR","services":[
  {"serviceId":"s-1","serviceName":"Microsoft CSP","billingDate":"2026-03-07T00:00:00","items":[
    {"subscriptionId":"u-1","productId":"p-1","productName":"Mail","quantity":12.50,"costPrice":"7.123456","salesPrice":9,
     "totalCostPrice":89.0432,"startDate":"2026-03-07","endDate":"2026-04-06T23:59:59Z","newer":{"x":1}},
    {"subscriptionId":"u-2","productId":"p-2","quantity":0,"chargeType":"proRate","status":"cancelled"}]}]}]"#;

#[test]
fn a_nested_report_gives_lines_with_what_stands_around_them() {
    let report = read(NESTED);
    assert!(report.unreadable.is_empty(), "{:?}", report.unreadable);
    let [line, piece] = &report.lines[..] else {
        panic!("two lines");
    };
    assert_eq!(line.organization_id, "o-1");
    assert_eq!(line.organization_name.as_deref(), Some("Fern Clinic"));
    assert_eq!(line.service_id.as_deref(), Some("s-1"));
    assert_eq!(line.subscription_id.as_deref(), Some("u-1"));
    assert_eq!(line.quantity.to_string(), "12.50");
    assert_eq!(line.unit_cost.unwrap().to_string(), "7.123456");
    assert_eq!(line.currency.as_str(), "EUR");
    assert_eq!(line.billing_date.to_string(), "2026-03-07");
    let period = line.period.unwrap();
    assert_eq!(
        (period.start().to_string(), period.end().to_string()),
        ("2026-03-07".into(), "2026-04-06".into())
    );
    assert_eq!(line.kind, Some(LineKind::CycleFee));
    assert_eq!(line.path, "[0].services[0].items[0]");
    assert!(line.raw.contains(r#""newer":{"x":1}"#), "{}", line.raw);
    assert_eq!(piece.kind, Some(LineKind::ProRate));
    assert!(piece.cancelled && piece.quantity.is_zero());
}

#[test]
fn the_containers_of_the_legacy_report_keep_its_three_kinds_apart() {
    let report = read(
        r#"{"organizations":[{"id":"o-1","name":"Fern Clinic","services":[{"id":"s-1","subscriptions":[
          {"id":"u-1","billingDate":"2026-03-07","currency":"USD",
           "cycleFees":[{"quantity":3}],"proRates":[{"proRateItems":[{"quantity":1},{"quantity":-1}]}],"others":[{"quantity":2}]}]}]}]}"#,
    );
    let kinds: Vec<_> = report.lines.iter().map(|line| line.kind).collect();
    assert_eq!(
        kinds,
        [
            LineKind::CycleFee,
            LineKind::ProRate,
            LineKind::ProRate,
            LineKind::Other
        ]
        .map(Some)
    );
    assert!(report.lines.iter().all(|line| line.organization_id == "o-1"
        && line.service_id.as_deref() == Some("s-1")
        && line.subscription_id.as_deref() == Some("u-1")));
}

#[test]
fn a_line_without_organization_quantity_currency_date_or_service_is_reported_and_never_defaulted() {
    let whole = r#"{"organizationId":"o-1","serviceId":"s-1","quantity":3,"currencyCode":"EUR","billingDate":"2026-03-07","subscriptionId":"u-9"}"#;
    assert_eq!(read(&format!("[{whole}]")).lines.len(), 1);
    for (member, field) in [
        (r#""organizationId":"o-1","#, "organization_id"),
        (r#""quantity":3,"#, "quantity"),
        (r#""currencyCode":"EUR","#, "currency"),
        (r#""billingDate":"2026-03-07","#, "billing_date"),
        (r#""serviceId":"s-1","#, "service_id"),
    ] {
        let report = read(&format!("[{whole},{}]", whole.replace(member, "")));
        assert_eq!(report.lines.len(), 1, "{member}");
        let [unreadable] = &report.unreadable[..] else {
            panic!("one unreadable line: {member}");
        };
        assert_eq!(unreadable.path, "[1]");
        assert!(unreadable.why.starts_with(field), "{}", unreadable.why);
        assert!(
            unreadable.why.contains("subscription u-9"),
            "{}",
            unreadable.why
        );
        let organization = unreadable.organization_id.as_deref();
        assert_eq!(organization, (field != "organization_id").then_some("o-1"));
    }
}

#[test]
fn a_value_of_the_wrong_form_is_reported_and_never_read_as_another() {
    let line = |member: &str| {
        let known = [
            "quantity",
            "currencyCode",
            "billingDate",
            "costPrice",
            "startDate",
        ];
        let values = ["3", "\"EUR\"", "\"2026-03-07\"", "1", "\"2026-03-07\""];
        let name = member.split('"').nth(1).unwrap();
        let rest: Vec<String> = known
            .iter()
            .zip(values)
            .filter(|(known, _)| **known != name)
            .map(|(known, value)| format!("\"{known}\":{value}"))
            .collect();
        format!(
            r#"[{{"organizationId":"o-1","serviceId":"s-1",{},{member}}}]"#,
            rest.join(",")
        )
    };
    for wrong in [
        r#""quantity":null"#,
        r#""quantity":"""#,
        r#""quantity":"many""#,
        r#""quantity":true"#,
        r#""quantity":1e40"#,
        r#""quantity":{}"#,
        r#""currencyCode":"E""#,
        r#""currencyCode":{"code":"EUR"}"#,
        r#""billingDate":"2026-02-30""#,
        r#""costPrice":"1,5""#,
        r#""startDate":"soon""#,
    ] {
        let report = read(&line(wrong));
        assert_eq!(
            (report.lines.len(), report.unreadable.len()),
            (0, 1),
            "{wrong}"
        );
    }
    let backwards = read(&line(r#""endDate":"2026-01-01""#));
    assert_eq!(backwards.unreadable.len(), 1);
}

#[test]
fn a_record_that_comes_twice_counts_once_and_lines_without_an_id_are_all_kept() {
    let organization = r#"{"organizationId":"o-1","currency":"EUR","billingDate":"2026-03-07","services":[
      {"serviceId":"s-1","items":[{"quantity":1},{"quantity":1},{"lineId":7,"quantity":2},{"lineId":7,"quantity":2}]}]}"#;
    let report = read(&format!("[{organization},{organization}]"));
    let quantities: Vec<String> = report
        .lines
        .iter()
        .map(|it| it.quantity.to_string())
        .collect();
    assert_eq!(quantities, ["1", "1", "2"]);
}

#[test]
fn what_is_no_report_gives_nothing_but_unreadable_records() {
    for (report, unreadable) in [
        ("[]", 0),
        ("{}", 1),
        (r#"{"message":"be right back"}"#, 1),
        (r#"[1,"x",[true]]"#, 3),
        ("17", 1),
        (r#"{"organizations":[]}"#, 0),
    ] {
        let report = read(report);
        assert!(report.lines.is_empty());
        assert_eq!(report.unreadable.len(), unreadable);
    }
}

#[test]
fn an_unknown_word_gives_a_line_of_no_kind_and_the_default_can_be_taken_away() {
    let report = NESTED.replace("proRate", "somethingNew");
    assert_eq!(read(&report).lines[1].kind, None);
    let strict = FieldMap {
        default_kind: None,
        ..FieldMap::default()
    };
    let lines = strict.read(&Json::parse(NESTED).unwrap()).lines;
    assert_eq!(lines[0].kind, None);
    assert_eq!(lines[1].kind, Some(LineKind::ProRate));
}

#[test]
fn a_map_of_a_configuration_replaces_single_entries() {
    let map: FieldMap = serde_json::from_str(
        r#"{"organization_id":["/client/guid"],"quantity":["seats"],"kinds":{"sub":"CycleFee","use":"Usage"},"charge_kind":["what"]}"#,
    )
    .unwrap();
    map.validate().unwrap();
    let report = Json::parse(
        r#"[{"client":{"guid":"o-1"},"seats":5,"what":"USE","serviceId":"s-1","currency":"EUR","billingDate":"2026-03-07"}]"#,
    )
    .unwrap();
    let lines = map.read(&report).lines;
    assert_eq!(lines[0].organization_id, "o-1");
    assert_eq!(lines[0].quantity.to_string(), "5");
    assert_eq!(lines[0].kind, Some(LineKind::Usage));
    assert!(serde_json::from_str::<FieldMap>(r#"{"quantities":["x"]}"#).is_err());
    assert!(serde_json::from_str::<FieldMap>(r#"{"kinds":{"x":"Feee"}}"#).is_err());
}

#[test]
fn the_default_map_is_valid_and_survives_its_own_text() {
    let map = FieldMap::default();
    map.validate().unwrap();
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<FieldMap>(&text).unwrap(), map);
}

#[test]
fn a_wrong_map_is_refused_in_words_that_name_the_entry() {
    for (json, words) in [
        (r#"{"quantity":[]}"#, "quantity: no place"),
        (r#"{"currency":[" "]}"#, "currency: a place is blank"),
        (r#"{"currency":["currency "]}"#, "space around it"),
        (r#"{"sku":["a/b"]}"#, "begins with /"),
        (r#"{"sku":["/a~2"]}"#, "no JSON pointer"),
        (r#"{"sku":["a."]}"#, "container.member"),
        (r#"{"sku":["a.b.c"]}"#, "container.member"),
        (
            r#"{"sku":["quantity"]}"#,
            "quantity: quantity is a place of sku already",
        ),
        (r#"{"sku":["a","A"]}"#, "sku: A stands twice"),
        (
            r#"{"containers":["items",""]}"#,
            "containers: a name is blank",
        ),
        (
            r#"{"kinds":{"fee":"CycleFee","FEE":"Other"}}"#,
            "stands for two kinds",
        ),
        (r#"{"kinds":{"":"CycleFee"}}"#, "kinds: a word is blank"),
        (r#"{"property_name":["a/"]}"#, "property_name"),
    ] {
        let map: FieldMap = serde_json::from_str(json).unwrap();
        let error = map.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(words), "{json}: {error}");
    }
}

#[test]
fn a_custom_property_is_found_in_a_list_or_an_object_and_its_absence_is_told_from_ignorance() {
    let property = |json: &str| {
        let Json::Object(organization) = Json::parse(json).unwrap() else {
            panic!("an object");
        };
        FieldMap::default().custom_property(&organization, "AutotaskCompanyID")
    };
    for found in [
        r#"{"customProperties":[{"name":"Other","value":"x"},{"name":"autotaskcompanyid","value":" 29683 "}]}"#,
        r#"{"customProperties":{"AutotaskCompanyID":29683}}"#,
        r#"{"properties":[{"key":"AutotaskCompanyID","value":29683}]}"#,
    ] {
        assert_eq!(
            property(found).unwrap().as_deref(),
            Some("29683"),
            "{found}"
        );
    }
    for without in [
        r#"{"customProperties":[]}"#,
        r#"{"customProperties":[{"name":"AutotaskCompanyID","value":""},7]}"#,
        r#"{"customProperties":{}}"#,
    ] {
        assert_eq!(property(without), Ok(None), "{without}");
    }
    for unknown in [
        "{}",
        r#"{"customProperties":null}"#,
        r#"{"customProperties":"x"}"#,
    ] {
        assert!(property(unknown).is_err(), "{unknown}");
    }
}

fn records(json: &str) -> Vec<crate::models::Record> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn subscriptions_of_any_kind_are_read_and_what_is_missing_stays_absent() {
    let records = records(
        r#"[{"id":"u-1","externalSubscriptionId":"m-1","organizationId":"o-1","serviceName":"CSP 365","sku":"MAIL-A",
             "quantity":"12.50","costPrice":7.125,"currencyCode":"EUR","status":"Active","startDate":"2026-01-01","endDate":"2026-12-31"},
            {"subscriptionId":"az-1","status":"cancelled"},
            {"quantity":3,"organizationId":"o-2"},
            {"id":"u-2","quantity":"many"},
            {"id":"u-3","currency":"euros"}]"#,
    );
    let found = FieldMap::default().subscriptions(&records);
    let [seats, azure] = &found.read[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (seats.id.as_str(), seats.external_id.as_deref()),
        ("u-1", Some("m-1"))
    );
    assert_eq!(seats.quantity.unwrap().to_string(), "12.50");
    assert_eq!(seats.unit_cost.unwrap().to_string(), "7.125");
    assert_eq!(seats.end.unwrap().to_string(), "2026-12-31");
    assert!(!seats.cancelled);
    assert!(azure.cancelled);
    assert_eq!((azure.quantity, azure.currency), (None, None));
    let unreadable: Vec<String> = found.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(unreadable.len(), 3);
    assert!(
        unreadable[0].contains("[2]") && unreadable[0].contains("organization o-2"),
        "{unreadable:?}"
    );
    assert!(unreadable[1].contains("quantity"), "{unreadable:?}");
    assert!(unreadable[2].contains("no currency code"), "{unreadable:?}");
}

#[test]
fn a_history_is_dated_and_a_change_without_a_day_is_unreadable() {
    let records = records(
        r#"[{"date":"2026-01-05T00:00:00","action":"Created","quantity":1},{"effectiveDate":"2026-02-01","quantity":2},{"quantity":3}]"#,
    );
    let found = FieldMap::default().history(&records);
    let shown: Vec<String> = found
        .read
        .iter()
        .map(|it| format!("{} {:?} {}", it.date, it.action, it.quantity.unwrap()))
        .collect();
    assert_eq!(
        shown,
        [r#"2026-01-05 Some("Created") 1"#, "2026-02-01 None 2"]
    );
    assert_eq!(found.unreadable.len(), 1);
}

#[test]
fn manual_lines_are_lines_of_a_bill_that_a_person_entered() {
    let records = records(
        r#"[{"id":"m-1","organizationId":"o-1","billingDate":"2026-03-25","serviceId":"s-1","subscriptionId":"u-1","quantity":-1,"salesPrice":5,"currencyCode":"EUR"},
            {"id":"m-2","organizationId":"o-1","billingDate":"2026-03-25","serviceId":"s-1","salesPrice":5,"currencyCode":"EUR"}]"#,
    );
    let report = FieldMap::default().manual_lines(&records);
    assert_eq!(report.lines[0].kind, Some(LineKind::Manual));
    assert_eq!(report.lines[0].quantity.to_string(), "-1");
    assert!(
        report.unreadable[0].why.contains("quantity"),
        "{:?}",
        report.unreadable
    );
}
