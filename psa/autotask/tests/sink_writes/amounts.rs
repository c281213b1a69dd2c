//! Prices and costs: when they are sent, and what reading back says of them.

use super::*;

#[tokio::test]
async fn prices_are_set_only_when_price_sync_is_on_and_costs_unless_it_is_off() {
    let line = || AgreementLineId::new("9");
    let price = Action::SetUnitPrice {
        line: line(),
        from: Some(money("9.5")),
        to: money("9.95"),
    };
    let cost = Action::SetUnitCost {
        line: line(),
        from: Some(money("7.25")),
        to: money("7.3500"),
    };
    let (price, cost) = (change(price, "2026-04-01"), change(cost, "2026-04-01"));
    let server = tenant().await;
    on(&server, "GET", UNITS, months(12)).await;
    assert_eq!(
        refused(&sink(&server), &server, &price).await.0,
        ErrorKind::Unsupported
    );
    let off = AutotaskSink::builder()
        .client(client(&server))
        .cost_sync(false)
        .clock(Arc::new(now))
        .build();
    assert_eq!(
        refused(&off, &server, &cost).await.0,
        ErrorKind::Unsupported
    );
    assert!(!off.descriptor().capabilities.set_unit_cost);
    taken(&server).await;
    let on = AutotaskSink::builder()
        .client(client(&server))
        .price_sync(true)
        .clock(Arc::new(now))
        .build();
    on.execute(&price).await.unwrap();
    let sent = adjustments(&server).await;
    assert_eq!(sent[0]["adjustedUnitPrice"].to_string(), "9.95");
    assert_eq!(sent[0]["unitChange"], 0);
    // Where the amount is there already, nothing is sent.
    let action = Action::SetUnitPrice {
        line: line(),
        from: Some(money("9")),
        to: money("9.50"),
    };
    on.execute(&change(action, "2026-04-01")).await.unwrap();
    assert_eq!(adjustments(&server).await.len(), 1);
    // A cost needs no day of its own.
    common::on(
        &server,
        "PATCH",
        "/Contracts/71/Services",
        json(r#"{"itemId":9}"#),
    )
    .await;
    let receipt = on.execute(&cost).await.unwrap();
    assert_eq!(receipt.request_id.as_deref(), Some("contract service 9"));
    let patches = common::sent(&server, "PATCH", "/Contracts/71/Services").await;
    assert_eq!(common::body(&patches[0]), r#"{"id":9,"unitCost":7.3500}"#);
}

#[tokio::test]
async fn a_cost_is_not_sent_where_none_can_be_seen_and_a_first_one_is() {
    let bare = r#"{"id":9,"contractID":71,"serviceID":31}"#;
    let action = Action::SetUnitCost {
        line: AgreementLineId::new("9"),
        from: None,
        to: money("7.10"),
    };
    let cost = change(action, "2026-04-01");
    let row = |cost: &str| {
        page(&format!(
            r#"{{"id":1,"contractID":71,"contractServiceID":9,"startDate":"2026-04-01","endDate":"2026-04-30","units":12,"cost":{cost}}}"#
        ))
    };
    for (shown, seen) in [("null", false), ("0.0000", true)] {
        let server = mock().await;
        common::contract(&server, CONTRACT).await;
        common::periods(&server).await;
        let line = json(format!(r#"{{"item":{bare}}}"#));
        on(&server, "GET", "/ContractServices/9", line).await;
        on(&server, "GET", UNITS, row(shown)).await;
        let answer = json(r#"{"itemId":9}"#);
        on(&server, "PATCH", "/Contracts/71/Services", answer).await;
        let written = sink(&server).execute(&cost).await;
        let sent = common::sent(&server, "PATCH", "/Contracts/71/Services").await;
        match written {
            Ok(_) => assert!(seen && sent.len() == 1),
            Err(WriteError::NotSent(error)) => {
                assert!(!seen && sent.is_empty(), "{error}");
                assert_eq!(error.kind(), ErrorKind::PermissionDenied);
                let text = error.to_string();
                assert!(
                    text.contains("right to see costs") && text.contains("cost_sync"),
                    "{text}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_amount_in_another_currency_than_the_tenants_is_not_sent() {
    let server = tenant().await;
    let sink = AutotaskSink::builder()
        .client(client(&server))
        .currency("EUR".parse().unwrap())
        .clock(Arc::new(now))
        .build();
    let mut dollars = money("7.35");
    dollars.currency = Some("USD".parse().unwrap());
    let action = Action::SetUnitCost {
        line: AgreementLineId::new("9"),
        from: None,
        to: dollars,
    };
    let (kind, message) = refused(&sink, &server, &change(action, "2026-04-01")).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.contains("amounts are in EUR"), "{message}");
    assert!(requests(&server).await.is_empty());
}

/// April with so many units of line 9 at a price.
fn april(units: i64, price: &str) -> ResponseTemplate {
    page(&format!(
        r#"{{"id":1,"contractID":71,"contractServiceID":9,"startDate":"2026-04-01","endDate":"2026-04-30","units":{units},"price":{price}}}"#
    ))
}

fn create_at(price: &str, cost: Option<&str>) -> Change {
    let mut change = create("7");
    if let Action::CreateLine {
        unit_price,
        unit_cost,
        ..
    } = &mut change.action
    {
        *unit_price = Some(money(price));
        *unit_cost = cost.map(money);
    }
    change
}

#[tokio::test]
async fn a_created_line_with_another_price_than_was_sent_is_a_conflict_that_names_both() {
    for shown in ["69.6500", "9.9500"] {
        let landed = verdict(april(7, shown), &create_at("9.95", None)).await;
        assert!(matches!(landed, Verdict::Landed { .. }), "{landed:?}");
    }
    for shown in ["66.5000", "9.5000"] {
        let other = verdict(april(7, shown), &create_at("9.95", None)).await;
        let detail = detail(&other);
        assert!(
            detail.contains(shown) && detail.contains("9.95"),
            "{detail}"
        );
    }
    // Without a price on the row the line tells.
    let other = verdict(months(7), &create_at("9.95", None)).await;
    let said = detail(&other);
    assert!(
        said.contains("9.50,") && said.contains("9.95 as sent"),
        "{said}"
    );
    let landed = verdict(months(7), &create_at("9.50", None)).await;
    assert!(matches!(landed, Verdict::Landed { .. }), "{landed:?}");
    // Units that have not landed tell more than any price.
    let before = verdict(april(0, "0"), &create_at("9.95", None)).await;
    assert_eq!(before, Verdict::NotLanded);

    let bare = r#"{"id":9,"contractID":71,"serviceID":31}"#;
    let server = tenant().await;
    on(&server, "GET", LINES, page(bare)).await;
    on(&server, "GET", UNITS, months(7)).await;
    let none = sink(&server)
        .verify(&create_at("9.95", None), None)
        .await
        .unwrap();
    let said = detail(&none);
    assert!(said.contains("no unit price, where 9.95"), "{said}");
}

#[tokio::test]
async fn a_line_is_created_with_its_price_and_its_cost() {
    let server = tenant().await;
    on(&server, "GET", LINES, page(LINE)).await;
    on(&server, "GET", UNITS, months(0)).await;
    taken(&server).await;
    let sink = AutotaskSink::builder()
        .client(client(&server))
        .price_sync(true)
        .clock(Arc::new(now))
        .build();
    let change = create_at("9.95", Some("7.10"));
    sink.execute(&change).await.unwrap();
    let sent = adjustments(&server).await;
    assert_eq!(sent[0]["adjustedUnitPrice"].to_string(), "9.95");
    assert_eq!(sent[0]["adjustedUnitCost"].to_string(), "7.1");
}

#[tokio::test]
async fn a_price_to_come_is_told_by_the_row_that_holds_its_day() {
    let price = |from: &str, to: &str| {
        let action = Action::SetUnitPrice {
            line: AgreementLineId::new("9"),
            from: Some(money(from)),
            to: money(to),
        };
        change(action, "2026-04-01")
    };
    let row = |price: &str| {
        page(&format!(
            r#"{{"id":1,"contractID":71,"contractServiceID":9,"startDate":"2026-04-01","endDate":"2026-04-30","units":12,"price":{price}}}"#
        ))
    };
    for shown in ["119.4000", "9.9500"] {
        let landed = verdict(row(shown), &price("9.5", "9.95")).await;
        assert!(
            matches!(landed, Verdict::Landed { .. }),
            "{shown}: {landed:?}"
        );
    }
    assert_eq!(
        verdict(row("114"), &price("9.5", "9.95")).await,
        Verdict::NotLanded
    );
    // 12 units at 1 or one unit at 12: which it is cannot be told.
    assert!(detail(&verdict(row("12"), &price("1", "12")).await).contains("does not tell"));
    assert!(detail(&verdict(row("50"), &price("9.5", "9.95")).await).contains("does not tell"));
    // Without a price on the row the line tells.
    assert_eq!(
        verdict(months(12), &price("9.5", "9.95")).await,
        Verdict::NotLanded
    );
}

#[tokio::test]
async fn a_price_to_come_that_is_there_already_is_not_sent_again() {
    let action = Action::SetUnitPrice {
        line: AgreementLineId::new("9"),
        from: Some(money("9.5")),
        to: money("9.95"),
    };
    let change = change(action, "2026-04-01");
    for (shown, expected) in [("119.4000", 0), ("9.9500", 0), ("114.0000", 1)] {
        let server = tenant().await;
        on(&server, "GET", UNITS, april(12, shown)).await;
        taken(&server).await;
        let sink = AutotaskSink::builder()
            .client(client(&server))
            .price_sync(true)
            .clock(Arc::new(now))
            .build();
        sink.execute(&change).await.unwrap();
        assert_eq!(adjustments(&server).await.len(), expected, "{shown}");
    }
}
