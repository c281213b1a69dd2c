use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::error::{ErrorKind, Result};

#[derive(Debug, PartialEq, Deserialize)]
struct Thing {
    id: i64,
    name: Option<String>,
}

#[derive(Deserialize)]
struct More {
    more: bool,
}

fn pages() -> IdCursor {
    IdCursor {
        items: "items",
        page_size: 2,
        says_more: |response| Ok(response.json::<More>().is_ok_and(|body| body.more)),
        ask: Box::new(|request, after| request.json(&json!({ "after": after }))),
    }
}

fn things(script: &Arc<Script>) -> Records<Thing> {
    static SEARCH: Operation =
        Operation::post("things.search", "/things").with_idempotency(Idempotency::Safe);
    Records::new(&script.client(), Request::new(&SEARCH), pages(), "items")
}

fn bodies(script: &Arc<Script>) -> Vec<String> {
    (0..script.count())
        .map(|at| {
            let body = script.request(at).body.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        })
        .collect()
}

async fn ids(script: &Arc<Script>) -> Result<Vec<i64>> {
    let things = things(script).try_collect_all(100).await?;
    Ok(things.into_iter().map(|thing| thing.id).collect())
}

#[tokio::test]
async fn each_page_asks_for_what_comes_after_the_last_id() {
    let script = Script::new([
        answer(200, r#"{"items":[{"id":3},{"id":"5"}]}"#),
        // Fewer than a page, but the system says that there are more.
        answer(200, r#"{"items":[{"id":8}],"more":true}"#),
        answer(200, r#"{"items":[]}"#),
    ]);
    let read = things(&script)
        .next_item()
        .await
        .map(|thing| thing.unwrap().id);
    assert_eq!(read, Some(3));
    let script = Script::new([
        answer(200, r#"{"items":[{"id":3},{"id":5}]}"#),
        answer(200, r#"{"items":[{"id":8}],"more":true}"#),
        answer(200, r#"{"items":[]}"#),
    ]);
    assert_eq!(ids(&script).await.unwrap(), [3, 5, 8]);
    assert_eq!(
        bodies(&script),
        [r#"{"after":null}"#, r#"{"after":5}"#, r#"{"after":8}"#]
    );
}

#[tokio::test]
async fn a_page_that_does_not_come_after_the_id_asked_for_is_an_error_and_no_loop() {
    for second in [
        r#"{"items":[{"id":3},{"id":5}]}"#,
        r#"{"items":[{"id":5}]}"#,
        r#"{"items":[{"id":9},{"id":null}]}"#,
    ] {
        let script = Script::new([
            answer(200, r#"{"items":[{"id":3},{"id":5}]}"#),
            answer(200, second),
        ]);
        let error = ids(&script).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{second}");
        assert!(error.json_path().unwrap().starts_with("items["), "{error}");
        assert_eq!(script.count(), 2);
    }
}

#[tokio::test]
async fn the_next_page_comes_after_the_greatest_id_in_whatever_order_they_come() {
    let script = Script::new([
        answer(200, r#"{"items":[{"id":9},{"id":4},{"id":9}]}"#),
        answer(200, r#"{"items":[{"id":10}]}"#),
    ]);
    assert_eq!(ids(&script).await.unwrap(), [9, 4, 9, 10]);
    assert_eq!(bodies(&script)[1], r#"{"after":9}"#);
}

#[tokio::test]
async fn an_answer_without_its_list_is_no_empty_list() {
    for body in ["{}", r#"{"items":null}"#, r#"{"items":{}}"#] {
        let error = ids(&Script::new([answer(200, body)])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        assert_eq!(error.json_path(), Some("items"), "{body}");
    }
}

#[tokio::test]
async fn a_record_that_does_not_fit_is_named_and_the_list_goes_on() {
    let script = Script::new([
        answer(200, r#"{"items":[{"id":3,"name":[]},{"id":5}]}"#),
        answer(200, r#"{"items":[{"id":7}]}"#),
    ]);
    let mut things = things(&script);
    let error = things.next_item().await.unwrap().unwrap_err();
    assert_eq!(error.json_path(), Some("items[0].name"));
    assert!(error.context().contains(&("record", "3".to_owned())));
    for id in [5, 7] {
        assert_eq!(things.next_item().await.unwrap().unwrap().id, id);
    }
    assert!(things.next_item().await.is_none());
}
