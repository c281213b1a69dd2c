//! Both paging styles, and links as installations give them.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use common::{client_with, header, json, query, requests};
use tallyline_connectwise::conditions::Field;
use tallyline_connectwise::{Direction, ListOptions, PagingStyle};
use tallyline_core::{ErrorKind, Result};
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, ResponseTemplate};

const COMPANIES: &str = "/v4_6_release/apis/3.0/company/companies";

fn rows(ids: impl IntoIterator<Item = i64>) -> String {
    let rows: Vec<String> = ids
        .into_iter()
        .map(|id| format!(r#"{{"id":{id},"name":"C{id}"}}"#))
        .collect();
    format!("[{}]", rows.join(","))
}

async fn page(server: &MockVendor, key: &str, at: Option<&str>, answer: ResponseTemplate) {
    let mock = Mock::given(method("GET")).and(path(COMPANIES));
    let mock = match at {
        Some(at) => mock.and(query_param(key, at)),
        None => mock.and(query_param_is_missing(key)),
    };
    mock.respond_with(answer).mount(server).await;
}

fn linked(ids: impl IntoIterator<Item = i64>, link: &str) -> ResponseTemplate {
    json(rows(ids)).insert_header("link", link)
}

async fn walk(server: &MockVendor, style: PagingStyle) -> Result<Vec<i64>> {
    let client = client_with(&server.uri(), 3, style, 1);
    let options = ListOptions::matching(Field::NAME.not_equals("a,b; \"c\""));
    let companies = client.companies(&options).try_collect_all(1000).await?;
    Ok(companies
        .into_iter()
        .filter_map(|company| company.id)
        .collect())
}

#[tokio::test]
async fn numbered_pages_are_followed_on_the_configured_host_with_the_filter_kept() {
    let server = common::mock().await;
    // Another host, another codebase, a double slash, no filter, a comma inside the link.
    let next = r#"<https://na.myconnectwise.net/v2026_1/apis/3.0//company/companies?conditions=a,b&pageSize=3&page=2>; rel="next", <https://na.myconnectwise.net/v2026_1/apis/3.0//company/companies?page=3&pageSize=3>; rel="last""#;
    page(&server, "page", Some("1"), linked(1..4, next)).await;
    let more = r#"<https://evil.example/x?page=3&pageSize=3>; rel=next"#;
    page(&server, "page", Some("2"), linked(4..7, more)).await;
    let last = r#"<https://na.myconnectwise.net/x?page=1>; rel="first""#;
    page(&server, "page", Some("3"), linked(7..10, last)).await;
    assert_eq!(
        walk(&server, PagingStyle::Navigable).await.unwrap(),
        (1..10).collect::<Vec<_>>()
    );
    let requests = requests(&server).await;
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.url.path(), COMPANIES);
        assert_eq!(
            query(request, "conditions").as_deref(),
            Some(r#"name != "a,b; \"c\"""#)
        );
        assert_eq!(query(request, "orderBy").as_deref(), Some("id asc"));
        assert_eq!(query(request, "pageSize").as_deref(), Some("3"));
        assert_eq!(header(request, "pagination-type"), None);
    }
}

#[tokio::test]
async fn without_a_link_header_a_short_page_is_the_last() {
    for (count, calls) in [(0, 1), (1, 1), (3, 2), (4, 2), (9, 4), (10, 4)] {
        let server = common::mock().await;
        for number in 0..5_i64 {
            let ids = (number * 3 + 1)..(number * 3 + 4).min(count + 1);
            let at = (number + 1).to_string();
            page(&server, "page", Some(&at), json(rows(ids))).await;
        }
        let found = walk(&server, PagingStyle::Navigable).await.unwrap();
        assert_eq!(found, (1..=count).collect::<Vec<_>>());
        assert_eq!(requests(&server).await.len(), calls, "{count}");
    }
}

#[tokio::test]
async fn forward_only_pages_are_followed_by_id() {
    let server = common::mock().await;
    let next = r#"<https://na.myconnectwise.net/v2026_1/apis/3.0//company/companies?pageSize=3&pageId=30>; rel="next""#;
    page(&server, "pageId", None, linked([10, 20, 30], next)).await;
    let next = next.replace("pageId=30", "pageId=60");
    page(&server, "pageId", Some("30"), linked([40, 50, 60], &next)).await;
    page(&server, "pageId", Some("60"), linked([70, 80, 90], "")).await;
    assert_eq!(
        walk(&server, PagingStyle::ForwardOnly).await.unwrap(),
        [10, 20, 30, 40, 50, 60, 70, 80, 90]
    );
    for request in requests(&server).await {
        assert_eq!(
            header(&request, "pagination-type").as_deref(),
            Some("forward-only")
        );
        assert_eq!(query(&request, "orderBy"), None);
        assert_eq!(query(&request, "page"), None);
    }
}

#[tokio::test]
async fn forward_only_without_links_goes_on_from_the_last_id() {
    let server = common::mock().await;
    page(&server, "pageId", None, json(rows([10, 20, 30]))).await;
    page(&server, "pageId", Some("30"), json(rows([40]))).await;
    assert_eq!(
        walk(&server, PagingStyle::ForwardOnly).await.unwrap(),
        [10, 20, 30, 40]
    );
}

#[tokio::test]
async fn an_endpoint_that_does_not_know_forward_only_is_an_error_not_a_loop() {
    let server = common::mock().await;
    page(&server, "pageId", None, json(rows([10, 20, 30]))).await;
    page(&server, "pageId", Some("30"), json(rows([10, 20, 30]))).await;
    let error = walk(&server, PagingStyle::ForwardOnly).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("navigable"), "{error}");
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_link_that_leads_back_or_names_no_page_is_an_error() {
    for link in [
        r#"<https://x/?page=1>; rel="next""#,
        r#"<https://x/?pageSize=3>; rel="next""#,
        r#"<https://x/>; rel="next""#,
        r#"<https://x/?page=2147483648>; rel="next""#,
    ] {
        let server = common::mock().await;
        page(&server, "page", Some("1"), linked(1..4, link)).await;
        let error = walk(&server, PagingStyle::Navigable).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{link}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_the_others_come() {
    let server = common::mock().await;
    let body = r#"[{"id":1,"name":"A"},{"id":2,"name":["B"]},{"id":3,"name":"C"}]"#;
    server.expect_odd_answers("a name that is a list", &["answer body /1/name"]);
    page(&server, "page", Some("1"), json(body)).await;
    page(&server, "page", Some("2"), json("[]")).await;
    let client = client_with(&server.uri(), 3, PagingStyle::Navigable, 1);
    let mut companies = client.companies(&ListOptions::default());
    assert_eq!(companies.next_item().await.unwrap().unwrap().id, Some(1));
    let error = companies.next_item().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.json_path(), Some("[1].name"));
    assert!(error.to_string().contains("record 2"), "{error}");
    assert_eq!(companies.next_item().await.unwrap().unwrap().id, Some(3));
    assert!(companies.next_item().await.is_none());
}

#[tokio::test]
async fn options_that_do_not_fit_together_are_refused_before_anything_is_sent() {
    let server = common::mock().await;
    let client = client_with(&server.uri(), 3, PagingStyle::ForwardOnly, 1);
    let in_list = Field::ID.is_in([1]).unwrap();
    for options in [
        ListOptions {
            order_by: vec![(Field::NAME, Direction::Descending)],
            ..ListOptions::default()
        },
        ListOptions {
            child_conditions: Some(in_list.clone()),
            ..ListOptions::default()
        },
        ListOptions {
            custom_field_conditions: Some(in_list),
            ..ListOptions::default()
        },
        ListOptions {
            page_size: Some(0),
            ..ListOptions::default()
        },
    ] {
        let error = client
            .companies(&options)
            .try_collect_all(1)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.operation(), Some("companies.list"));
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn a_limit_on_the_number_of_records_is_an_error_never_a_short_list() {
    let server = common::mock().await;
    page(&server, "page", Some("1"), json(rows(1..3))).await;
    let client = client_with(&server.uri(), 3, PagingStyle::Navigable, 1);
    let error = client
        .companies(&ListOptions::default())
        .try_collect_all(1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
