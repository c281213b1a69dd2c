use futures::StreamExt as _;

use super::*;
use crate::error::ErrorKind;

fn linked(body: &str, link: &str) -> Step {
    with_headers(
        200,
        &[("content-type", "application/json"), ("link", link)],
        body,
    )
}

fn by_link(script: &Arc<Script>) -> Paged<u8> {
    script
        .client()
        .paged(Request::new(&LIST).query("size", 2), LinkHeader::default())
}

const NUMBERED: PageNumber = PageNumber {
    items: None,
    page: "page",
    size: "pageSize",
    page_size: 2,
    first: 1,
    stop: Stop::EmptyPage,
};

#[tokio::test]
async fn a_next_link_gives_its_query_and_never_its_host() {
    let script = Script::new([
        linked(
            "[1,2]",
            r#"<https://evil.example/v9/other?cursor=a%2Cb,c&size=2>; rel="next""#,
        ),
        answer(200, "[3]"),
    ]);
    assert_eq!(
        by_link(&script).try_collect_all(10).await.unwrap(),
        [1, 2, 3]
    );
    assert_eq!(
        script.urls(),
        [
            "https://api.example.com/v1/things?size=2",
            "https://api.example.com/v1/things?cursor=a%2Cb,c&size=2"
        ]
    );
}

#[tokio::test]
async fn a_list_that_leads_back_is_an_error_after_the_items_read() {
    let script = Script::new([
        linked("[1]", "</x?p=2>; rel=next"),
        linked("[2]", "</x?p=3>; rel=next"),
        linked("[3]", "</x?p=2>; rel=next"),
    ]);
    let mut items = by_link(&script);
    assert_eq!(items.next_item().await.unwrap().unwrap(), 1);
    assert_eq!(items.next_item().await.unwrap().unwrap(), 2);
    assert_eq!(
        items.next_item().await.unwrap().unwrap_err().kind(),
        ErrorKind::Protocol
    );
    assert!(items.next_item().await.is_none());
    assert!(!items.is_done());
}

#[tokio::test]
async fn a_list_that_answers_its_first_page_for_ever_ends_with_an_error_at_the_second() {
    let script = Script::new([answer(200, "[1,2]"), answer(200, "[1,2]")]);
    let mut items = script
        .client()
        .paged::<u8, _>(Request::new(&LIST), NUMBERED);
    assert_eq!(items.next_item().await.unwrap().unwrap(), 1);
    assert_eq!(items.next_item().await.unwrap().unwrap(), 2);
    let error = items.next_item().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("the same page again"), "{error}");
    assert!(items.next_item().await.is_none());
    assert_eq!(script.urls().len(), 2);
}

#[tokio::test]
async fn too_many_pages_are_an_error_and_not_a_short_list() {
    let script = Script::new([answer(200, "[1,2]"), answer(200, "[3,4]")]);
    let limits = Limits {
        max_pages: 2,
        ..Limits::default()
    };
    let client = script.builder().limits(limits).build().unwrap();
    let error = client
        .paged::<u8, _>(Request::new(&LIST), NUMBERED)
        .try_collect_all(100)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("more than 2 pages"), "{error}");
}

#[tokio::test]
async fn pages_shorter_than_asked_do_not_end_a_list() {
    let script = Script::new([answer(200, "[1]"), answer(200, "[2]"), answer(200, "[]")]);
    let items = script
        .client()
        .paged::<u8, _>(Request::new(&LIST), NUMBERED);
    assert_eq!(items.try_collect_all(10).await.unwrap(), [1, 2]);
    assert_eq!(
        script.urls()[2],
        "https://api.example.com/v1/things?page=3&pageSize=2"
    );
}

#[tokio::test]
async fn a_walk_is_taken_up_after_the_last_page_that_was_handed_out() {
    let script = Script::new([
        answer(200, "[1,2]"),
        answer(200, "[3,4]"),
        answer(400, ""),
        answer(200, "[5]"),
        answer(200, "[]"),
    ]);
    let client = script.client();
    let mut items = client.paged::<u8, _>(Request::new(&LIST), NUMBERED);
    assert_eq!(items.continuation(), None);
    for expected in [None, Some(2), Some(2), Some(3)] {
        items.next_item().await.unwrap().unwrap();
        assert_eq!(items.continuation(), expected.map(Continuation::PageNumber));
    }
    assert!(items.next_item().await.unwrap().is_err());
    let at = items.continuation().unwrap();
    assert_eq!(at, Continuation::PageNumber(3));
    let rest = client
        .paged::<u8, _>(Request::new(&LIST), NUMBERED)
        .starting_at(at);
    assert_eq!(rest.try_collect_all(10).await.unwrap(), [5]);
}

#[tokio::test]
async fn the_last_page_can_be_taken_up_until_it_is_handed_out() {
    let script = Script::new([linked("[1]", "<?p=2>; rel=next"), answer(200, "[2,3]")]);
    let mut items = by_link(&script);
    items.next_item().await.unwrap().unwrap();
    items.next_item().await.unwrap().unwrap();
    assert_eq!(items.continuation(), Some(Continuation::Link("p=2".into())));
    items.next_item().await.unwrap().unwrap();
    assert_eq!((items.continuation(), items.is_done()), (None, true));
}

#[tokio::test]
async fn a_total_that_is_not_reached_is_an_error() {
    let offset = Offset {
        items: Some("items"),
        offset: "offset",
        limit: "limit",
        page_size: 2,
        stop: Stop::TotalItems("total"),
    };
    let page = |items: &str| answer(200, &format!(r#"{{"items":{items},"total":3}}"#));
    let script = Script::new([page("[1,2]"), page("[3]")]);
    let items = script.client().paged::<u8, _>(Request::new(&LIST), offset);
    assert_eq!(items.try_collect_all(3).await.unwrap(), [1, 2, 3]);
    assert!(script.urls()[1].ends_with("?offset=2&limit=2"));
    let script = Script::new([page("[1,2]"), page("[]")]);
    let items = script.client().paged::<u8, _>(Request::new(&LIST), offset);
    let error = items.try_collect_all(9).await.unwrap_err();
    assert!(error.to_string().contains("2 of 3"), "{error}");
}

#[tokio::test]
async fn tokens_and_body_links_end_when_absent_null_or_empty() {
    let token = TokenParam {
        items: "items",
        token: "next",
        param: "cursor",
    };
    for last in [
        r#"{"items":[2]}"#,
        r#"{"items":[2],"next":null}"#,
        r#"{"items":[2],"next":""}"#,
    ] {
        let script = Script::new([
            answer(200, r#"{"items":[1],"next":"a b"}"#),
            answer(200, last),
        ]);
        let items = script.client().paged::<u8, _>(Request::new(&LIST), token);
        assert_eq!(items.try_collect_all(9).await.unwrap(), [1, 2]);
        assert!(script.urls()[1].ends_with("?cursor=a%20b"));
    }
    let link = BodyLink {
        items: "items",
        link: "next",
    };
    let script = Script::new([
        answer(
            200,
            r#"{"items":[1],"next":"https://x.example/y?page=2#z"}"#,
        ),
        answer(200, r#"{"items":[2]}"#),
    ]);
    let items = script.client().paged::<u8, _>(Request::new(&LIST), link);
    assert_eq!(items.try_collect_all(9).await.unwrap(), [1, 2]);
    assert!(script.urls()[1].ends_with("/things?page=2"));
}

#[tokio::test(start_paused = true)]
async fn each_page_is_retried_by_itself_and_a_dropped_walk_sends_nothing_more() {
    let script = Script::new([
        answer(503, ""),
        linked("[1]", "<?p=2>; rel=next"),
        answer(503, ""),
        linked("[2]", "<?p=3>; rel=next"),
    ]);
    let mut pages = by_link(&script).into_pages();
    assert_eq!(script.count(), 0);
    assert_eq!(pages.next().await.unwrap().unwrap().items, [1]);
    assert_eq!(pages.next().await.unwrap().unwrap().items, [2]);
    drop(pages);
    assert_eq!(script.count(), 4);
}

#[tokio::test]
async fn more_items_than_the_caller_takes_are_an_error() {
    let script = Script::new([answer(200, "[1,2,3]")]);
    let error = by_link(&script).try_collect_all(2).await.unwrap_err();
    assert!(error.to_string().contains("more than 2 items"), "{error}");
}
