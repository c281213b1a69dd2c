use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use ::http::HeaderName;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::fmt::format::FmtSpan;

use super::*;
use crate::error::Result;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    async fn capture<T>(&self, future: impl Future<Output = T>) -> T {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        future
            .instrument(tracing::Span::none())
            .with_subscriber(subscriber)
            .await
    }
}

static TOKEN: Operation = Operation::post("auth.token", "/token");

#[tokio::test(start_paused = true)]
async fn no_secret_shows_in_logs_errors_or_debug_output() {
    let echo =
        r#"{"message":"bad key top-secret-key and hunter2 dXNlcjpodW50ZXIy", "x":"extra-secret"}"#;
    let script = Script::new([
        with_headers(503, &[("set-cookie", "top-secret-key")], echo),
        answer(200, echo),
        answer(400, echo),
    ]);
    let credentials = StaticHeaders::new()
        .basic("user", &"hunter2".into())
        .header("x-key", "top-secret-key".into());
    let client = script
        .builder()
        .credentials(Arc::new(credentials))
        .secret("extra-secret".into())
        .build()
        .unwrap();
    let captured = Captured::default();
    let request = || read().query("filter", "extra-secret").account("acct-1");
    let texts = captured
        .capture(async {
            let response = client.send(request()).await.unwrap();
            let decode = response.json::<u8>().unwrap_err();
            let error = client.send(request()).await.unwrap_err();
            format!(
                "{response:?} {decode} {decode:?} {error} {error:?} {client:?} {:?} {:?}",
                request(),
                script.request(0)
            )
        })
        .await;
    let log = captured.text();
    for text in [&log, &texts] {
        for secret in [
            "hunter2",
            "top-secret-key",
            "dXNlcjpodW50ZXIy",
            "extra-secret",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    for part in [
        "tallyline.operation",
        "otel.name=\"tallyline.acme.things.get\"",
        "tallyline.account=\"acct-1\"",
        "url.template=\"/things/{id}\"",
        "http.response.status_code=503",
        "http.request.resend_count=1",
        "error.type=\"400\"",
        "otel.status_code=\"ERROR\"",
        "WARN",
        "answer body",
        "bad key [redacted]",
    ] {
        assert!(log.contains(part), "{part} not in {log}");
    }
}

#[tokio::test]
async fn bodies_of_token_requests_are_never_shown_nor_their_answers() {
    let script = Script::new([
        answer(
            200,
            r#"{"access_token":"fresh-token-value","expires_in":"fresh-token-value"}"#,
        ),
        answer(
            400,
            r#"{"error":"invalid_client","error_description":"no client-secret-1"}"#,
        ),
        answer(400, r#"{"message":"json-password wrong"}"#),
    ]);
    let client = script.client();
    let form = || Request::new(&TOKEN).form(&[("client_secret", "client-secret-1"), ("id", "x")]);
    #[derive(Debug, serde::Deserialize)]
    struct Answer {
        #[serde(rename = "expires_in")]
        _expires_in: u64,
    }
    let captured = Captured::default();
    let texts = captured
        .capture(async {
            let decode = client.json::<Answer>(form()).await.unwrap_err();
            let refused = client.send(form()).await.unwrap_err();
            let json = Request::new(&TOKEN)
                .json(&serde_json::json!({"user": {"password": "json-password"}}))
                .sensitive();
            let login = client.send(json.clone()).await.unwrap_err();
            assert_eq!(refused.vendor_code(), Some("invalid_client"));
            format!("{decode:?} {refused:?} {login:?} {json:?} {:?}", form())
        })
        .await;
    for secret in ["fresh-token-value", "client-secret-1", "json-password"] {
        assert!(!texts.contains(secret), "{secret} in {texts}");
        assert!(!captured.text().contains(secret), "{secret} in the log");
    }
    assert!(texts.contains("no [redacted]"), "{texts}");
    let body = script.request(0).body.unwrap();
    assert_eq!(body, "client_secret=client-secret-1&id=x");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_marked_as_cancelled() {
    let script = Script::new([Step::Slow(
        Duration::from_secs(50),
        Box::new(answer(200, "")),
    )]);
    let client = script.client();
    let captured = Captured::default();
    captured
        .capture(async {
            let call = tokio::time::timeout(Duration::from_secs(1), client.send(read()));
            assert!(call.await.is_err());
        })
        .await;
    assert!(captured.text().contains("error.type=\"cancelled\""));
}

#[tokio::test]
async fn a_credential_that_no_header_may_hold_is_an_error_without_it() {
    let script = Script::new([]);
    let headers = StaticHeaders::new().header("x-key", "line\nbreak-secret".into());
    let client = script
        .builder()
        .credentials(Arc::new(headers))
        .build()
        .unwrap();
    let error = fails(&client, read()).await;
    assert_eq!(error.kind(), crate::error::ErrorKind::Config);
    assert!(!format!("{error:?}").contains("break-secret"));
}

#[tokio::test]
async fn no_piece_of_a_secret_is_left_where_a_message_is_cut() {
    for before in [1020, 64 * 1024 - 5] {
        let body = format!(
            r#"{{"message":"{}top-secret-key and more"}}"#,
            "x".repeat(before)
        );
        let script = Script::new([answer(400, &body)]);
        let client = script.builder().secret("top-secret-key".into());
        let error = fails(&client.build().unwrap(), read()).await;
        let message = error.http().unwrap().vendor_message.clone().unwrap();
        assert!(message.len() <= 1024);
        assert!(!message.contains("top"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_repeats_a_credential_of_its_call_does_not_bring_it_into_the_error() {
    #[derive(Debug, serde::Deserialize)]
    struct Thing {
        #[expect(dead_code, reason = "it is never read: no answer holds a number")]
        count: u8,
    }
    let script = Script::new([answer(200, r#"{"items":[{"count":"top-secret-key"}]}"#)]);
    let credentials = StaticHeaders::new().header("x-key", "top-secret-key".into());
    let client = script
        .builder()
        .credentials(Arc::new(credentials))
        .build()
        .unwrap();
    let link = BodyLink {
        items: "items",
        link: "next",
    };
    let mut things: Records<Thing> = Records::new(&client, read(), link, "items");
    let error = things.next_item().await.unwrap().unwrap_err();
    assert_eq!(error.json_path(), Some("items[0].count"));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("top-secret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_a_connector_decodes_itself_hides_the_credential_that_a_call_left_with_last()
{
    let script = Script::new([answer(200, "[]")]);
    let credentials = StaticHeaders::new().header("x-key", "top-secret-key".into());
    let client = script
        .builder()
        .credentials(Arc::new(credentials))
        .build()
        .unwrap();
    client.send(read()).await.unwrap();
    let record = serde_json::value::RawValue::from_string(r#""top-secret-key""#.to_owned());
    let error = client
        .decode_record::<u8>(&LIST, "items[0]", &record.unwrap())
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("top-secret"), "{shown}");
    assert!(shown.contains("[redacted]"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_change_are_masked_from_the_call_on_that_leaves_with_them() {
    #[derive(Debug, Default)]
    struct Changing(AtomicU64);

    #[async_trait]
    impl CredentialProvider for Changing {
        async fn headers(&self) -> Result<AuthHeaders> {
            let call = self.0.fetch_add(1, Ordering::Relaxed);
            let name = HeaderName::from_static("x-key");
            Ok(AuthHeaders::new(call).with(name, format!("top-secret-{}", call / 2).into()))
        }

        async fn invalidate(&self, _: &AuthHeaders) -> bool {
            false
        }
    }
    let bodies = (0..4).map(|call| answer(400, &format!("bad key top-secret-{}", call / 2)));
    let script = Script::new(bodies);
    let credentials = Arc::new(Changing::default());
    let client = script.builder().credentials(credentials).build().unwrap();
    for call in 0..4 {
        let error = client.send(read()).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("bad key [redacted]"), "{call}: {shown}");
        assert!(!shown.contains("top-secret"), "{call}: {shown}");
    }
}
