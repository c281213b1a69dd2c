use super::*;
use crate::error::{ErrorKind, Retry, Sent};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_until_it_is_answered() {
    let script = Script::new([
        Step::Fail(Phase::Connect),
        answer(503, "{}"),
        Step::Fail(Phase::Body),
        answer(200, "{}"),
    ]);
    assert_eq!(script.client().send(read()).await.unwrap().status(), 200);
    assert!(script.span() > Duration::ZERO && script.span() <= Duration::from_millis(3500));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_waits() {
    let steps = || {
        [
            answer(500, ""),
            answer(500, ""),
            answer(500, ""),
            answer(200, ""),
        ]
    };
    let (a, b) = (Script::new(steps()), Script::new(steps()));
    a.client().send(read()).await.unwrap();
    b.client().send(read()).await.unwrap();
    assert_eq!(a.span(), b.span());
}

#[tokio::test(start_paused = true)]
async fn spent_retries_are_said_with_their_number() {
    let script = Script::new((0..4).map(|_| answer(502, r#"{"message":"down"}"#)));
    let error = fails(&script.client(), read()).await;
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Unavailable, Retry::Exhausted)
    );
    assert_eq!(error.context(), [("attempts", "4".to_owned())]);
    assert_eq!(error.operation(), Some("things.get"));
    assert!(
        error.to_string().contains("(502): down, attempts 4"),
        "{error}"
    );
    assert_eq!(script.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_not_carried_out_is_repeated() {
    for request in [set(), create()] {
        let script = Script::new([
            Step::Fail(Phase::Connect),
            with_headers(429, &[("retry-after", "9")], ""),
            answer(200, "{}"),
        ]);
        script.client().send(request).await.unwrap();
        assert!(script.span() >= secs(9));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_allowed_ends_at_once_with_the_wait_in_the_error() {
    let script = Script::new([with_headers(429, &[("retry-after", "301")], "")]);
    let client = script.client();
    let error = fails(&client, read()).await;
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(secs(301)));
    assert_eq!(error.retry(), Retry::Transient);
    // The limiter remembers: the next call does not even go out.
    let error = fails(&client, read()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::RateLimited, Sent::No)
    );
    assert_eq!(error.retry_after(), Some(secs(301)));
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_date_is_taken_against_the_systems_own_clock() {
    let headers = [
        ("date", "Sun, 01 Mar 2020 12:00:00 GMT"),
        ("retry-after", "Sun, 01 Mar 2020 12:00:30 GMT"),
    ];
    let script = Script::new([with_headers(429, &headers, ""), answer(200, "")]);
    script.client().send(read()).await.unwrap();
    assert_eq!(script.span(), secs(30));
}

#[tokio::test(start_paused = true)]
async fn the_operation_timeout_shrinks_the_last_attempt_and_ends_the_retries() {
    let slow = || Step::Slow(secs(1000), Box::new(answer(200, "")));
    let script = Script::new([slow(), slow()]);
    let timeouts = Timeouts {
        attempt: Some(secs(60)),
        operation: Some(secs(90)),
        ..Timeouts::default()
    };
    let client = script.builder().timeouts(timeouts).build().unwrap();
    let start = Instant::now();
    let error = fails(&client, read()).await;
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Timeout, Retry::Exhausted)
    );
    assert_eq!(start.elapsed().as_secs(), 90);
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_stood_still_in_a_wait_sends_nothing_after_its_time() {
    let busy = || with_headers(429, &[("retry-after", "10")], "");
    let script = Script::new([busy(), answer(200, "{}")]);
    let timeouts = Timeouts {
        operation: Some(secs(90)),
        ..Timeouts::default()
    };
    let client = script.builder().timeouts(timeouts).build().unwrap();
    let sending = tokio::spawn(async move { fails(&client, create()).await });
    while script.count() == 0 {
        tokio::task::yield_now().await;
    }
    // The wait of ten seconds is over as well.
    tokio::time::advance(secs(200)).await;
    let error = sending.await.unwrap();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout, Sent::No));
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_retries_means_one_attempt() {
    let script = Script::new([answer(500, "")]);
    let client = script.builder().retry(RetryPolicy::none()).build().unwrap();
    let error = fails(&client, read()).await;
    assert_eq!((error.retry(), script.count()), (Retry::Transient, 1));
}

#[derive(Debug)]
struct Fixed(VendorError);

impl ErrorDecoder for Fixed {
    fn decode(&self, _status: u16, _headers: &HeaderMap, _body: &[u8]) -> VendorError {
        self.0.clone()
    }

    fn check_success(&self, _: u16, _: &HeaderMap, body: &[u8]) -> Option<VendorError> {
        (body == b"error").then(|| self.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn the_vendors_own_words_override_the_table() {
    let send = async |vendor: VendorError, steps: Vec<Step>, request: Request| {
        let script = Script::new(steps);
        let client = script
            .builder()
            .errors(Arc::new(Fixed(vendor)))
            .build()
            .unwrap();
        let result = client.send(request).await;
        (result, script.count(), script.span())
    };
    let default = VendorError::default;
    let not_executed = VendorError {
        not_executed: true,
        ..default()
    };
    let (result, count, _) = send(
        not_executed,
        vec![answer(500, ""), answer(200, "")],
        create(),
    )
    .await;
    assert!(result.is_ok() && count == 2);

    let refused = VendorError {
        refused: true,
        retryable: Some(true),
        ..default()
    };
    for request in [read(), create()] {
        let (result, count, _) = send(refused.clone(), vec![answer(500, "")], request).await;
        let error = result.unwrap_err();
        assert_eq!((error.sent(), error.retry()), (Sent::Yes, Retry::Permanent));
        assert_eq!(count, 1);
    }

    let two = VendorError {
        max_attempts: Some(2),
        ..default()
    };
    let (result, count, _) = send(two, vec![answer(500, ""), answer(500, "")], read()).await;
    assert!(result.is_err() && count == 2);

    let asked = VendorError {
        retry_after: Some(secs(20)),
        ..default()
    };
    let (_, _, span) = send(asked, vec![answer(429, ""), answer(200, "")], read()).await;
    assert_eq!(span, secs(20));

    let kind = VendorError {
        kind: Some(ErrorKind::NotFound),
        code: Some("E1".into()),
        ..default()
    };
    let (result, ..) = send(kind.clone(), vec![answer(400, "")], read()).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.vendor_code()),
        (ErrorKind::NotFound, Some("E1"))
    );

    let (result, ..) = send(kind, vec![answer(200, "error")], create()).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.sent(), error.status()),
        (ErrorKind::NotFound, Sent::Yes, Some(200))
    );
}

#[tokio::test(start_paused = true)]
async fn retries_pass_the_limiter_as_well() {
    let script = Script::new([answer(500, ""), answer(500, ""), answer(200, "")]);
    let limiter = Limiter::new(LimiterOptions {
        per_minute: std::num::NonZeroU32::new(6),
        ..LimiterOptions::default()
    });
    let client = script.builder().limiter(Arc::new(limiter)).build().unwrap();
    client.send(read()).await.unwrap();
    assert!(script.span() >= secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_the_rate_slows_down_what_comes_after_and_no_other_does() {
    let limited = VendorError {
        kind: Some(ErrorKind::RateLimited),
        retryable: Some(true),
        ..VendorError::default()
    };
    let cases = [
        (429, VendorError::default(), secs(2)),
        (403, limited, secs(2)),
        (503, VendorError::default(), Duration::from_millis(1400)),
    ];
    for (status, vendor, least) in cases {
        let refused = with_headers(status, &[("retry-after", "1")], "");
        let answers = (0..5).map(|_| answer(200, "{}"));
        let script = Script::new([refused].into_iter().chain(answers));
        let limiter = Limiter::new(LimiterOptions {
            per_second: std::num::NonZeroU32::new(10),
            ..LimiterOptions::default()
        });
        let client = script
            .builder()
            .errors(Arc::new(Fixed(vendor)))
            .limiter(Arc::new(limiter))
            .build()
            .unwrap();
        for _ in 0..5 {
            client.send(read()).await.unwrap();
        }
        // Four gaps after the wait: at two fifths of the rate, or at the whole.
        let span = script.span();
        let most = least + Duration::from_millis(20);
        assert!(span >= least && span <= most, "{status}: {span:?}");
    }
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_attempt(&self, event: &AttemptEvent) {
        let text = format!("attempt {} {:?}", event.attempt, event.status);
        self.0.lock().unwrap().push(text);
    }

    fn on_retry(&self, event: &RetryEvent) {
        self.0
            .lock()
            .unwrap()
            .push(format!("retry {}", event.error));
    }

    fn on_rate_limited(&self, event: &RateLimitEvent) {
        self.0
            .lock()
            .unwrap()
            .push(format!("limited {:?}", event.retry_after));
    }
}

#[tokio::test(start_paused = true)]
async fn the_observer_hears_attempts_retries_and_limits() {
    let heard = Arc::new(Heard::default());
    let script = Script::new([
        with_headers(429, &[("retry-after", "2")], ""),
        answer(200, ""),
    ]);
    let client = script.builder().observer(heard.clone()).build().unwrap();
    client.send(read()).await.unwrap();
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            "attempt 1 Some(429)",
            "limited Some(2s)",
            "retry rate limited",
            "attempt 2 Some(200)"
        ]
    );
}
