//! Every operation on the wire. A request that no mock expects gets a 404 and fails its test.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json as value;
use tallyline_core::error::Sent;
use tallyline_core::{ErrorKind, Result};
use tallyline_ingram::models::{
    Address, ContactPerson, ContactType, CustomerUpdate, Money, NewCustomer, NewOrder,
    NewOrderProduct, OrderStatus, OrderType, OrderUpdate, PartyStatus, Period, PeriodType,
    ReportFormat, ReportStatus, ReportType, SubscriptionProductUpdate, SubscriptionStatus,
    SubscriptionUpdate,
};
use tallyline_ingram::{
    CustomerFilter, IngramClient, OrderFilter, ProductFilter, ReportFilter, SubscriptionFilter,
};
use wiremock::ResponseTemplate;
use wiremock::matchers::query_param;

#[tokio::test]
async fn a_token_is_asked_for_once_with_the_marketplace_in_its_body_and_nowhere_else() {
    let server = server().await;
    get("/customers/1000310")
        .respond_with(json(r#"{"id":"1000310","name":"Maple"}"#))
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server);
    for _ in 0..2 {
        let customer = client.customer("1000310").await.unwrap();
        assert_eq!(customer.name.as_deref(), Some("Maple"));
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert!(request.url.query().is_none(), "{}", request.url);
        assert!(request.url.path().starts_with(BASE), "{}", request.url);
        let mut segments = request.url.path().split('/');
        assert!(!segments.any(|segment| segment.eq_ignore_ascii_case("us")));
    }
}

#[tokio::test]
async fn pages_are_walked_by_what_was_received_and_every_row_is_given_once() {
    let server = server().await;
    let first = r#"{"id":"9"},{"id":"8","status":"creditHold"}"#;
    get("/customers")
        .and(query_param("offset", "0"))
        .respond_with(list(first, 0, 4))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    // A row was made after the first page: 8 comes again, and the list has one row more than was seen.
    for (offset, rows, times) in [
        (0, r#"{"id":"10"},{"id":"9"}"#, 1),
        (2, r#"{"id":"8"},{"id":7,"externalId":250}"#, 2),
        (4, r#"{"id":"6"}"#, 2),
    ] {
        get("/customers")
            .and(query_param("offset", offset.to_string()))
            .and(query_param("limit", "2"))
            .respond_with(list(rows, offset, 5))
            .expect(times)
            .mount(&server)
            .await;
    }
    server.expect_odd_answers("ids as numbers", &["/data/1/id", "/data/1/externalId"]);
    let customers: Vec<_> = client(&server)
        .customers(&CustomerFilter::default())
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<&str> = customers.iter().map(|own| own.id.as_str()).collect();
    assert_eq!(ids, ["9", "8", "7", "6", "10"]);
    assert_eq!(customers[1].status, Some(PartyStatus::CreditHold));
    assert_eq!(customers[2].external_id.as_deref(), Some("250"));
}

#[tokio::test]
async fn a_list_without_pagination_ends_at_an_empty_page_and_one_that_ends_early_is_an_error() {
    let server = server().await;
    for (offset, rows) in [("0", r#"{"id":"1"}"#), ("1", "")] {
        get("/orders")
            .and(query_param("offset", offset))
            .respond_with(json(&format!(r#"{{"data":[{rows}]}}"#)))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client(&server);
    let orders: Vec<_> = client
        .orders(&OrderFilter::default())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(orders.len(), 1);

    get("/plans")
        .respond_with(list("", 0, 3))
        .mount(&server)
        .await;
    let short: Result<Vec<_>> = client.plans().try_collect().await;
    let error = short.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("0 of 3"), "{error}");

    get("/products")
        .respond_with(list(r#"{"id":"1"},{"id":"1"}"#, 0, 2))
        .expect(2)
        .mount(&server)
        .await;
    let twice = client.products(&ProductFilter::default());
    let twice: Vec<_> = twice.collect().await;
    let error = twice[1].as_ref().unwrap_err();
    assert!(error.to_string().contains("1 of 2 rows"), "{error}");

    get("/resellers")
        .respond_with(json(r#"{"pagination":{"offset":0,"limit":2,"total":0}}"#))
        .mount(&server)
        .await;
    let nothing: Result<Vec<_>> = client.resellers().try_collect().await;
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn filters_are_sent_by_name_and_looked_at_again() {
    let server = server().await;
    // As if the filter were not known: everything comes.
    get("/subscriptions")
        .and(query_param("customerId", "1000310"))
        .and(query_param("status", "active"))
        .and(query_param("creationDateFrom", "2026-01-01"))
        .and(query_param("creationDateTo", "2026-03-31"))
        .respond_with(list(
            r#"{"id":"1","customerId":"1000310","status":"active","lastModifiedDate":"2026-02-03"},
              {"id":"2","customerId":"1000999","status":"active"}"#,
            0,
            2,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let filter = SubscriptionFilter {
        customer_id: Some("1000310".into()),
        status: Some(SubscriptionStatus::Active),
        creation_date_from: Some("2026-01-01".parse().unwrap()),
        creation_date_to: Some("2026-03-31".parse().unwrap()),
    };
    let found: Vec<_> = client(&server)
        .subscriptions(&filter)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let modified = found[0].last_modified_date.unwrap();
    assert_eq!(modified.to_string(), "2026-02-03");
}

#[tokio::test]
async fn a_detail_has_no_envelope_and_its_figures_are_exact() {
    let server = server().await;
    server.expect_odd_answers(
        "what is newer than the document, and a quantity of more digits",
        &[
            "/status",
            "/products/0/quantity",
            "/rank",
            "/renewalStatus",
            "/products/0/unitCost/amount",
        ],
    );
    get("/subscriptions/1000451")
        .respond_with(json(
            r#"{"id":"1000451","customerId":"1000310","status":"paused","rank":1,"planId":10042,"renewalStatus":null,
              "billingPeriod":{"type":"month","duration":1},"totalPrice":{"currency":"USD","amount":"84"},
              "products":[{"id":"P","mpn":"MAIL","quantity":0.1234567890123456789012345678,
                "unitPrice":{"currency":"USD","amount":"6","priceTiers":[]},"unitCost":{"currency":"USD","amount":5.10}}],
              "fulfillmentParameters":[{"name":"domain","value":"contoso.example"}]}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let detail = client(&server).subscription("1000451").await.unwrap();
    assert_eq!(detail.status.unwrap().as_str(), "paused");
    assert_eq!(detail.plan_id.as_deref(), Some("10042"));
    let product = &detail.products[0];
    let quantity = product.quantity.unwrap().to_string();
    assert_eq!(quantity, "0.1234567890123456789012345678");
    let cost = product.unit_cost.as_ref().unwrap();
    assert_eq!(cost.amount.to_string(), "5.10");
    assert_eq!(detail.billing_period.unwrap().to_string(), "month:1");
    let domain = &detail.fulfillment_parameters[0];
    let value = domain.value.as_ref().unwrap();
    assert_eq!(value.as_str(), "\"contoso.example\"");
}

#[tokio::test]
async fn resellers_products_plans_and_orders_are_read_by_their_paths() {
    let server = server().await;
    for (path, rows) in [
        ("/resellers", r#"{"id":"1000301","currency":"USD"}"#),
        ("/resellers/1000301/customers", r#"{"id":"1000310"}"#),
        (
            "/products",
            r#"{"id":"PRD1","mpn":"MAIL","minimumQuantity":"1","prices":[{"currency":"USD","amount":"6","type":"recurring","lowerLimit":25}]}"#,
        ),
        ("/plans", r#"{"id":"10042","name":"Mail"}"#),
    ] {
        get(path)
            .respond_with(list(rows, 0, 1))
            .expect(1)
            .mount(&server)
            .await;
    }
    server.expect_odd_answers("an older document's example", &["/data/0/creationDate"]);
    get("/resellers/1000301/orders")
        .and(query_param("creationTimeFrom", "2026-03-01T00:00:00Z"))
        .respond_with(list(
            r#"{"id":"1","type":"change","status":"completed","creationDate":"2026-03-02 08:30:00"}"#,
            0,
            1,
        ))
        .expect(1)
        .mount(&server)
        .await;
    for (path, body) in [
        ("/resellers/1000301", r#"{"id":"1000301"}"#),
        (
            "/plans/10042",
            r#"{"id":"10042","planSwitches":[{"planId":10043,"whenEffective":"immediately"}]}"#,
        ),
        (
            "/orders/7",
            r#"{"id":"7","type":"change","customerId":"1","products":[{"mpn":"MAIL","quantity":-1}]}"#,
        ),
    ] {
        get(path)
            .respond_with(json(body))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client(&server);
    let resellers: Vec<_> = client.resellers().try_collect().await.unwrap();
    assert_eq!(resellers[0].currency.as_deref(), Some("USD"));
    let own = client.reseller_customers("1000301", &CustomerFilter::default());
    assert_eq!(own.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let products = client.products(&ProductFilter {
        mpn: Some("MAIL".into()),
        ..ProductFilter::default()
    });
    let products: Vec<_> = products.try_collect().await.unwrap();
    assert_eq!(products[0].minimum_quantity, Some(1.into()));
    assert_eq!(products[0].prices[0].lower_limit, Some(25.into()));
    let plans: Vec<_> = client.plans().try_collect().await.unwrap();
    assert!(plans[0].plan_switches.is_empty());
    let plan = client.plan("10042").await.unwrap();
    assert_eq!(plan.plan_switches[0].plan_id.as_deref(), Some("10043"));
    assert_eq!(client.reseller("1000301").await.unwrap().id, "1000301");
    let orders = client.reseller_orders(
        "1000301",
        &OrderFilter {
            creation_time_from: Some("2026-03-01T00:00:00Z".parse().unwrap()),
            ..OrderFilter::default()
        },
    );
    let orders: Vec<_> = orders.try_collect().await.unwrap();
    assert_eq!(orders[0].kind, Some(OrderType::Change));
    assert_eq!(orders[0].status, Some(OrderStatus::Completed));
    let order = client.order("7").await.unwrap();
    assert_eq!(order.products[0].quantity, Some((-1).into()));
    assert!(
        asked(&server)
            .await
            .contains(&"GET /products?mpn=MAIL&offset=0&limit=2".to_owned())
    );
}

#[tokio::test]
async fn reports_are_listed_whole_and_the_address_of_a_file_is_a_secret() {
    let server = server().await;
    server.expect_odd_answers("a sample of the vendor's", &["/format"]);
    const URL: &str = "https://reports.blob.example/x.csv?sig=the-signature";
    let row = format!(
        r#"{{"id":"4e000000-0000-4000-8000-000000000001","name":"Monthly","status":"completed","type":"on_invoice",
          "format":"CSV","startDate":"2026-03-01T00:00:00Z","downloadUrl":"{URL}"}}"#
    );
    get("/reports")
        .and(query_param("format", "csv"))
        .and(query_param("type", "on_invoice"))
        .and(query_param("status", "completed"))
        .and(query_param("from", "2026-03-01"))
        .respond_with(list(&row, 0, 1))
        .expect(1)
        .mount(&server)
        .await;
    let filter = ReportFilter {
        format: Some(ReportFormat::Csv),
        kind: Some(ReportType::OnInvoice),
        status: Some(ReportStatus::Completed),
        from: Some("2026-03-01".parse().unwrap()),
        ..ReportFilter::default()
    };
    let client = client(&server);
    let reports: Vec<_> = client.reports(&filter).try_collect().await.unwrap();
    assert_eq!(reports[0].format, Some(ReportFormat::Csv));
    assert_eq!(reports[0].download_url.as_ref().unwrap().expose(), URL);
    assert!(!format!("{reports:?}").contains("the-signature"));

    let id = "4e000000-0000-4000-8000-000000000001";
    let broken = row.replace("\"id\"", "\"uid\"");
    server.expect_odd_answers("no id", &["/uid"]);
    get(&format!("/reports/{id}"))
        .respond_with(json(&broken))
        .expect(1)
        .mount(&server)
        .await;
    let error = client.report(id).await.unwrap_err();
    assert!(
        !format!("{error:?} {error}").contains("the-signature"),
        "{error:?}"
    );
}

fn change() -> NewOrder {
    let mut product = NewOrderProduct::new("MAIL", 15.into());
    product.subscription_id = Some("1000451".into());
    product.vendor = Some("Microsoft".into());
    product.billing_period = Some(Period::new(PeriodType::Month, 1));
    product.subscription_period = Some(Period::new(PeriodType::Year, 1));
    let mut order = NewOrder::new(OrderType::Change, "1000310");
    order.po_number = Some("PO-1".into());
    order.products.push(product);
    order
}

#[tokio::test]
async fn an_order_is_sent_as_the_vendors_users_send_it_and_estimated_in_the_same_form() {
    let server = server().await;
    for path in ["/orders", "/orders/estimate"] {
        call("POST", path)
            .respond_with(json(
                r#"{"id":"7","type":"change","customerId":"1000310","statusCode":"LO","total":{"currency":"USD","amount":"90"}}"#,
            ))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client(&server);
    let placed = client.place_order(&change()).await.unwrap();
    assert_eq!(placed.status_code.as_deref(), Some("LO"));
    assert_eq!(
        last_body(&server).await,
        value!({
            "type": "change",
            "customerId": "1000310",
            "poNumber": "PO-1",
            "products": [{
                "subscriptionId": "1000451",
                "mpn": "MAIL",
                "vendor": "Microsoft",
                "quantity": 15,
                "billingPeriod": {"type": "month", "duration": 1},
                "subscriptionPeriod": {"type": "year", "duration": 1},
            }],
        })
    );
    let estimate = client.estimate_order(&change()).await.unwrap();
    assert_eq!(estimate.total, Some(Money::new("USD", 90.into())));
}

#[tokio::test]
async fn what_an_update_does_not_name_is_not_sent() {
    let server = server().await;
    for (path, body) in [
        ("/orders/7", r#"{"id":"7","type":"sales","customerId":"1"}"#),
        ("/subscriptions/9", r#"{"id":"9"}"#),
        ("/customers/1", r#"{"id":"1"}"#),
    ] {
        call("PATCH", path)
            .respond_with(json(body))
            .expect(1)
            .mount(&server)
            .await;
    }
    call("POST", "/customers")
        .respond_with(json(r#"{"id":"2"}"#))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    let withdrawn = OrderUpdate {
        status_code: Some("CL".into()),
        ..OrderUpdate::default()
    };
    client.update_order("7", &withdrawn).await.unwrap();
    assert_eq!(last_body(&server).await, value!({"statusCode": "CL"}));
    let update = SubscriptionUpdate {
        renewal_status: Some(false),
        products: vec![SubscriptionProductUpdate {
            mpn: Some("MAIL".into()),
            unit_price: Some(Money::new("USD", "7.25".parse().unwrap())),
            ..SubscriptionProductUpdate::default()
        }],
        ..SubscriptionUpdate::default()
    };
    client.update_subscription("9", &update).await.unwrap();
    assert_eq!(
        last_body(&server).await,
        value!({"renewalStatus": false,
          "products": [{"mpn": "MAIL", "unitPrice": {"currency": "USD", "amount": "7.25"}}]})
    );
    let update = CustomerUpdate {
        external_id: Some("250".into()),
        ..CustomerUpdate::default()
    };
    client.update_customer("1", &update).await.unwrap();
    assert_eq!(last_body(&server).await, value!({"externalId": "250"}));
    let contact = ContactPerson::new(
        ContactType::Admin,
        "A",
        "B",
        "a@oak.example",
        "1##5550100200#",
    );
    let customer = NewCustomer::new(
        "Oak Legal",
        "en",
        Address::new("1 Oak", "1", "Oak", "US"),
        vec![contact],
    );
    assert_eq!(client.create_customer(&customer).await.unwrap().id, "2");
    let body = last_body(&server).await;
    assert_eq!(body["contactPersons"][0]["type"], "admin");
}

#[tokio::test]
async fn a_write_is_sent_once_whatever_is_answered_and_a_500_leaves_it_open() {
    for status in [429, 500, 503, 504] {
        let server = server().await;
        let body = r#"{"status":500,"message":"An order is in work (LO)"}"#;
        call("POST", "/orders")
            .respond_with(ResponseTemplate::new(status).set_body_raw(body, "application/json"))
            .expect(1)
            .mount(&server)
            .await;
        let error = client(&server).place_order(&change()).await.unwrap_err();
        assert_eq!(error.may_have_been_applied(), status != 429, "{status}");
        assert!(!error.is_retryable() || status == 429, "{status}");
        assert!(error.to_string().contains("(LO)"), "{error}");
    }
}

#[tokio::test]
async fn a_read_is_repeated_and_a_500_once_only() {
    for (status, times) in [(500, 2), (503, 4), (504, 4), (404, 1), (400, 1)] {
        let server = server().await;
        get("/customers/1")
            .respond_with(
                ResponseTemplate::new(status)
                    .set_body_raw("<html><h1>not here</h1></html>", "text/html"),
            )
            .expect(times)
            .mount(&server)
            .await;
        let error = client(&server).customer("1").await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.operation(), Some("customers.get"));
    }
}

#[tokio::test]
async fn an_error_names_the_call_as_the_vendor_does() {
    let server = server().await;
    get("/customers/1")
        .respond_with(
            ResponseTemplate::new(403)
                .insert_header("X-Correlation-ID", "a8n-42")
                .set_body_raw(r#"{"message":"Access is denied"}"#, "application/json"),
        )
        .mount(&server)
        .await;
    let error = client(&server).customer("1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let shown = format!("{error:?}");
    assert!(shown.contains("a8n-42"), "{shown}");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = server().await;
    get("/customers/1")
        .respond_with(ResponseTemplate::new(401))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    get("/customers/1")
        .respond_with(json(r#"{"id":"1"}"#))
        .expect(1)
        .mount(&server)
        .await;
    client(&server).customer("1").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let tokens = requests.iter().filter(|own| own.url.path() == TOKEN);
    assert_eq!(tokens.count(), 2);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_it_is_sent() {
    let server = server().await;
    let client = client(&server);
    let mut lost = change();
    lost.products.clear();
    let mut nobody = change();
    nobody.customer_id = " ".into();
    let errors = [
        client.customer("").await.err(),
        client.subscription(" ").await.err(),
        client.report("").await.err(),
        client.place_order(&lost).await.err(),
        client.estimate_order(&nobody).await.err(),
        client
            .reseller_orders("", &OrderFilter::default())
            .try_collect::<Vec<_>>()
            .await
            .err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.sent(), Sent::No);
    }
    assert!(asked(&server).await.is_empty());
}

#[test]
fn a_base_is_used_as_it_is_given_and_one_without_region_is_refused_with_the_reason() {
    let build = |base: &str| {
        IngramClient::builder()
            .base_url(base)
            .marketplace("us")
            .username(USERNAME)
            .password(PASSWORD.into())
            .subscription_key(KEY.into())
            .build()
    };
    for base in [
        "https://api.example.com",
        "https://api.example.com/marketplace",
        "https://api.example.com/marketplace/",
        " https://api.example.com/Marketplace// ",
    ] {
        let error = build(base).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{base}");
        let message = error.to_string();
        assert!(message.contains("names no region"), "{message}");
        assert!(
            message.contains("not the code of the marketplace"),
            "{message}"
        );
    }
    for base in [
        "https://api.example.com/marketplace/na",
        "https://api.example.com/marketplace/EU/",
        "https://api-lab.example.com/marketplace/dev",
    ] {
        let client = build(base).unwrap();
        assert_eq!(client.base_url().as_str(), base.trim_end_matches('/'));
    }
}
