//! The typed client on the wire: every operation, its headers and its exact body.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use common::{BASIC, CLIENT_ID};
use common::{body, client, header, json, new_record, on, query, requests};
use tallyline_connectwise::conditions::Field;
use tallyline_connectwise::models::{
    BillCustomer, BillingOptions, NewAddition, NewAgreement, NewCatalogItem, ProductClass,
    RecordRef,
};
use tallyline_connectwise::patch::{FieldName, Patch};
use tallyline_connectwise::{ListOptions, operations};
use tallyline_core::ErrorKind;
use tallyline_core::http::Idempotency;
use tallyline_core::wire::parse_decimal;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

const ADDITION: &str =
    r#"{"id":9,"product":{"id":512,"identifier":"BKP-1"},"quantity":14.00,"agreementId":88}"#;

fn new_addition() -> NewAddition {
    NewAddition {
        product: RecordRef::by_id(512),
        quantity: Some(parse_decimal("14").unwrap()),
        bill_customer: Some(BillCustomer::Billable),
        effective_date: Some("2026-03-01T00:00:00Z".into()),
        ..NewAddition::default()
    }
}

#[tokio::test]
async fn every_call_carries_the_credentials_the_client_id_and_the_version() {
    let server = common::mock().await;
    on(&server, "GET", "/system/info", json(r#"{"version":"v2026.4.112233","isCloud":true,"licenseBits":[{"name":"x","activeFlag":true}]}"#)).await;
    on(
        &server,
        "PATCH",
        "/finance/agreements/88/additions/9",
        json(ADDITION),
    )
    .await;
    let client = client(&server);
    let info = client.system_info().await.unwrap();
    assert_eq!(info.version.as_deref(), Some("v2026.4.112233"));
    let patch = Patch::new()
        .replace(FieldName::QUANTITY, parse_decimal("14").unwrap())
        .unwrap();
    client.patch_addition(88, 9, &patch).await.unwrap();
    for request in requests(&server).await {
        assert_eq!(
            header(&request, "authorization").unwrap(),
            format!("Basic {BASIC}")
        );
        assert_eq!(header(&request, "clientid").unwrap(), CLIENT_ID);
        assert_eq!(
            header(&request, "accept").unwrap(),
            "application/vnd.connectwise.com+json; version=2026.4"
        );
        let write = request.method.as_str() != "GET";
        assert_eq!(
            header(&request, "content-type").as_deref(),
            write.then_some("application/json")
        );
    }
}

#[tokio::test]
async fn the_lookup_sends_no_credentials_and_a_null_or_404_is_a_configuration_error() {
    let server = common::mock().await;
    let lookup = "/login/companyinfo/northw";
    let answers = [
        json(
            r#"{"CompanyName":"Northwind IT","Codebase":"v2026_1/","VersionCode":"v2026.1","VersionNumber":"v4.6.110011","CompanyID":"northw","IsCloud":true,"SiteUrl":"api-na.myconnectwise.net"}"#,
        ),
        json("null"),
        ResponseTemplate::new(404),
    ];
    for answer in answers {
        Mock::given(method("GET"))
            .and(path(lookup))
            .respond_with(answer)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    let client = client(&server);
    let info = client.company_info().await.unwrap();
    assert_eq!(info.codebase.as_deref(), Some("v2026_1/"));
    assert_eq!(info.company_id.as_deref(), Some("northw"));
    assert_eq!(info.site_url.as_deref(), Some("api-na.myconnectwise.net"));
    for _ in 0..2 {
        let error = client.company_info().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("\"northw\""), "{error}");
    }
    for request in requests(&server).await {
        assert_eq!(header(&request, "authorization"), None);
        assert_eq!(header(&request, "clientid"), None);
    }
}

#[tokio::test]
async fn companies_are_listed_counted_and_read() {
    let server = common::mock().await;
    server.expect_odd_answers(
        "a null, and a member that is new",
        &["answer body /0/types", "answer body /0/somethingNew"],
    );
    on(&server, "GET", "/company/companies", json(r#"[{"id":45,"identifier":"NORTHW","name":"Northwind","types":null,"leadFlag":false,"somethingNew":[1]}]"#)).await;
    on(
        &server,
        "GET",
        "/company/companies/count",
        json(r#"{"count":42}"#),
    )
    .await;
    on(&server, "GET", "/company/companies/45", json(r#"{"id":45,"currency":{"id":1,"currencyCode":"USD"},"_info":{"lastUpdated":"2026-01-01T00:00:00Z","x_href":"y"}}"#)).await;
    let client = client(&server);
    let filter = Field::DELETED_FLAG
        .equals(false)
        .and(Field::NAME.equals("A&B \"x\"+1"));
    let options = ListOptions {
        conditions: Some(filter.clone()),
        fields: vec![Field::NAME, Field::new("status/id").unwrap()],
        ..ListOptions::default()
    };
    let companies = client
        .companies(&options)
        .try_collect_all(10)
        .await
        .unwrap();
    assert_eq!(companies[0].identifier.as_deref(), Some("NORTHW"));
    assert_eq!(client.count_companies(Some(&filter)).await.unwrap(), 42);
    let company = client.company(45).await.unwrap();
    assert_eq!(
        company.currency.unwrap().currency_code.as_deref(),
        Some("USD")
    );
    let requests = requests(&server).await;
    let wanted = r#"deletedFlag = false and name = "A&B \"x\"+1""#;
    for request in &requests[..2] {
        assert_eq!(query(request, "conditions").as_deref(), Some(wanted));
        assert!(
            request
                .url
                .query()
                .unwrap()
                .contains("A%26B%20%5C%22x%5C%22%2B1")
        );
    }
    assert_eq!(
        query(&requests[0], "fields").as_deref(),
        Some("id,name,status/id")
    );
    assert_eq!(query(&requests[0], "orderBy").as_deref(), Some("id asc"));
    assert_eq!(query(&requests[0], "pageSize").as_deref(), Some("1000"));
}

#[tokio::test]
async fn agreements_and_their_setup_tables_are_read() {
    let server = common::mock().await;
    server.expect_odd_answers(
        "words that are new",
        &[
            "answer body /agreementStatus",
            "answer body /1/billingOptions",
        ],
    );
    on(
        &server,
        "GET",
        "/finance/agreements",
        json(r#"[{"id":88,"parentAgreement":{"id":71,"name":"Master"},"billAmount":0.00}]"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/count",
        json(r#"{"count":3}"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/88",
        json(r#"{"id":88,"agreementStatus":"Paused","invoicingCycle":"CalendarYear"}"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/types",
        json(r#"[{"id":14,"name":"Managed","prorateFlag":true}]"#),
    )
    .await;
    on(&server, "GET", "/finance/billingCycles", json(r#"[{"id":2,"name":"Maandelijks","billingOptions":"Monthly"},{"id":3,"billingOptions":"Lunar"}]"#)).await;
    let client = client(&server);
    let children = client
        .child_agreements(71)
        .try_collect_all(10)
        .await
        .unwrap();
    assert_eq!(children[0].parent_agreement.as_ref().unwrap().id, Some(71));
    assert_eq!(client.count_agreements(None).await.unwrap(), 3);
    let agreement = client.agreement(88).await.unwrap();
    assert_eq!(agreement.agreement_status.unwrap().as_str(), "Paused");
    let all = ListOptions::default();
    let types = client
        .agreement_types(&all)
        .try_collect_all(10)
        .await
        .unwrap();
    assert_eq!(types[0].prorate_flag, Some(true));
    let cycles = client
        .billing_cycles(&all)
        .try_collect_all(10)
        .await
        .unwrap();
    assert_eq!(cycles[0].billing_options, Some(BillingOptions::Monthly));
    assert_eq!(
        cycles[1].billing_options.as_ref().unwrap().as_str(),
        "Lunar"
    );
    let requests = requests(&server).await;
    assert_eq!(
        query(&requests[0], "conditions").as_deref(),
        Some("parentAgreement/id = 71")
    );
    assert_eq!(query(&requests[1], "conditions"), None);
}

#[tokio::test]
async fn the_catalog_is_listed_counted_and_read() {
    let server = common::mock().await;
    let item = r#"{"id":512,"identifier":"BKP-1","productClass":"Agreement","price":9.50,"cost":7.1,"vendorSku":"V-1","vendor":{"id":3,"name":"Sherweb"}}"#;
    on(
        &server,
        "GET",
        "/procurement/catalog",
        json(format!("[{item}]")),
    )
    .await;
    on(
        &server,
        "GET",
        "/procurement/catalog/count",
        json(r#"{"count":1}"#),
    )
    .await;
    on(&server, "GET", "/procurement/catalog/512", json(item)).await;
    let client = client(&server);
    let items = client
        .catalog(&ListOptions::default())
        .try_collect_all(10)
        .await
        .unwrap();
    assert_eq!(items[0].price.unwrap().to_string(), "9.50");
    assert_eq!(client.count_catalog(None).await.unwrap(), 1);
    let one = client.catalog_item(512).await.unwrap();
    assert_eq!(one.product_class, Some(ProductClass::Agreement));
}

#[tokio::test]
async fn additions_are_listed_counted_read_and_deleted() {
    let server = common::mock().await;
    on(
        &server,
        "GET",
        "/finance/agreements/88/additions",
        json(format!("[{ADDITION}]")),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/88/additions/count",
        json(r#"{"count":1}"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/88/additions/9",
        json(ADDITION),
    )
    .await;
    on(
        &server,
        "DELETE",
        "/finance/agreements/88/additions/9",
        ResponseTemplate::new(204),
    )
    .await;
    let client = client(&server);
    let list = client
        .additions(88, &ListOptions::default())
        .try_collect_all(10)
        .await
        .unwrap();
    assert_eq!(list[0].quantity.unwrap().to_string(), "14.00");
    assert_eq!(client.count_additions(88, None).await.unwrap(), 1);
    assert_eq!(client.addition(88, 9).await.unwrap().agreement_id, Some(88));
    client.delete_addition(88, 9).await.unwrap();
}

#[tokio::test]
async fn an_agreement_is_created_with_what_was_given_and_nothing_else() {
    let server = common::mock().await;
    on(
        &server,
        "POST",
        "/finance/agreements",
        new_record(r#"{"id":90}"#),
    )
    .await;
    let child = NewAgreement {
        name: "Private Cloud".into(),
        r#type: RecordRef::by_id(14),
        company: RecordRef::by_identifier("NORTHW"),
        contact: RecordRef::by_id(107),
        parent_agreement: Some(RecordRef::by_id(88)),
        ..NewAgreement::default()
    };
    let created = client(&server).create_agreement(&child).await.unwrap();
    assert_eq!(created.id, Some(90));
    assert_eq!(
        body(&requests(&server).await[0]),
        r#"{"name":"Private Cloud","type":{"id":14},"company":{"identifier":"NORTHW"},"contact":{"id":107},"parentAgreement":{"id":88}}"#
    );
}

#[tokio::test]
async fn a_product_is_created_with_what_the_system_asks_for_and_nothing_else() {
    let server = common::mock().await;
    let answer = new_record(r#"{"id":512}"#);
    on(&server, "POST", "/procurement/catalog", answer).await;
    let item = NewCatalogItem {
        identifier: "HYALTO-VDC-RAM".into(),
        description: "RAM".into(),
        customer_description: "RAM".into(),
        subcategory: RecordRef::by_id(2),
        r#type: RecordRef::by_id(1),
        ..NewCatalogItem::default()
    };
    let created = client(&server).create_catalog_item(&item).await.unwrap();
    assert_eq!(created.id, Some(512));
    assert_eq!(
        body(&requests(&server).await[0]),
        r#"{"identifier":"HYALTO-VDC-RAM","description":"RAM","customerDescription":"RAM","subcategory":{"id":2},"type":{"id":1}}"#
    );
}

#[tokio::test]
async fn amounts_of_28_digits_are_written_and_read_to_the_last_one() {
    let server = common::mock().await;
    let digits = "7922816251426.433759354395033";
    let answer =
        format!(r#"{{"id":9,"product":{{"id":512}},"quantity":{digits},"unitCost":1E-4}}"#);
    on(
        &server,
        "POST",
        "/finance/agreements/88/additions",
        new_record(answer.clone()),
    )
    .await;
    on(
        &server,
        "PATCH",
        "/finance/agreements/88/additions/9",
        json(answer),
    )
    .await;
    let client = client(&server);
    let number = parse_decimal(digits).unwrap();
    let addition = NewAddition {
        quantity: Some(number),
        unit_price: Some(parse_decimal("9.50").unwrap()),
        ..new_addition()
    };
    let created = client.create_addition(88, &addition).await.unwrap();
    assert_eq!(created.quantity, Some(number));
    assert_eq!(created.unit_cost.unwrap().to_string(), "0.0001");
    let patch = Patch::new().replace(FieldName::QUANTITY, number).unwrap();
    client.patch_addition(88, 9, &patch).await.unwrap();
    let requests = requests(&server).await;
    assert_eq!(
        body(&requests[0]),
        format!(
            r#"{{"product":{{"id":512}},"quantity":{digits},"unitPrice":9.50,"billCustomer":"Billable","effectiveDate":"2026-03-01T00:00:00Z"}}"#
        )
    );
    assert_eq!(
        body(&requests[1]),
        format!(r#"[{{"op":"replace","path":"quantity","value":{digits}}}]"#)
    );
}

#[tokio::test]
async fn long_lists_of_companies_are_cut_into_urls_that_stay_in_bounds() {
    let server = common::mock().await;
    on(&server, "GET", "/finance/agreements", json("[]")).await;
    let client = client(&server);
    let companies: Vec<i64> = (1_000_000..1_000_600).collect();
    let options = ListOptions::matching(Field::CANCELLED_FLAG.equals(false));
    let found = client
        .agreements_of_companies(&companies, &options)
        .unwrap();
    assert_eq!(futures::StreamExt::count(found).await, 0);
    let mut asked = Vec::new();
    for request in requests(&server).await {
        assert!(
            request.url.as_str().len() <= 2000,
            "{}",
            request.url.as_str().len()
        );
        let conditions = query(&request, "conditions").unwrap();
        let list = conditions
            .strip_prefix("cancelledFlag = false and company/id in (")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap();
        asked.extend(list.split(',').map(|id| id.parse::<i64>().unwrap()));
    }
    assert_eq!(asked, companies);
    assert!(requests(&server).await.len() > 1);
}

#[test]
fn every_operation_is_classed() {
    let classes: Vec<(String, Idempotency)> = operations::ALL
        .iter()
        .map(|operation| {
            let call = format!(
                "{} {} {}",
                operation.name, operation.method, operation.template
            );
            (call, operation.idempotency)
        })
        .collect();
    let writes: Vec<(&str, Idempotency)> = classes
        .iter()
        .filter(|(_, class)| *class != Idempotency::Safe)
        .map(|(call, class)| (call.as_str(), *class))
        .collect();
    assert_eq!(
        writes,
        [
            (
                "agreements.create POST /finance/agreements",
                Idempotency::Unsafe
            ),
            (
                "agreements.patch PATCH /finance/agreements/{id}",
                Idempotency::Idempotent
            ),
            (
                "agreements.additions.create POST /finance/agreements/{parentId}/additions",
                Idempotency::Unsafe
            ),
            (
                "agreements.additions.patch PATCH /finance/agreements/{parentId}/additions/{id}",
                Idempotency::Idempotent
            ),
            (
                "agreements.additions.delete DELETE /finance/agreements/{parentId}/additions/{id}",
                Idempotency::Idempotent
            ),
            (
                "catalog.create POST /procurement/catalog",
                Idempotency::Unsafe
            ),
        ]
    );
    let reads: Vec<&str> = operations::ALL
        .iter()
        .filter(|operation| operation.idempotency == Idempotency::Safe)
        .map(|operation| {
            assert_eq!(operation.method.as_str(), "GET", "{}", operation.name);
            operation.name
        })
        .collect();
    assert_eq!(
        reads,
        [
            "company_info.get",
            "system.info",
            "companies.list",
            "companies.count",
            "companies.get",
            "agreements.list",
            "agreements.count",
            "agreements.get",
            "agreements.types.list",
            "billing_cycles.list",
            "agreements.additions.list",
            "agreements.additions.count",
            "agreements.additions.get",
            "catalog.list",
            "catalog.count",
            "catalog.get",
        ]
    );
}
