use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::{ErrorKind, Result, Sent};

/// Gives out numbered tokens, each after a second; fails while told so.
#[derive(Default)]
struct Issuer {
    fetched: AtomicUsize,
    life: Option<Duration>,
    failing: std::sync::atomic::AtomicBool,
}

#[derive(Clone)]
struct Fetcher(Arc<Issuer>);

#[async_trait]
impl TokenFetcher for Fetcher {
    async fn fetch(&self) -> Result<Token> {
        let number = self.0.fetched.fetch_add(1, Ordering::SeqCst) + 1;
        sleep(Duration::from_secs(1)).await;
        if self.0.failing.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Invalid, "invalid_client"));
        }
        Ok(Token {
            value: format!("token-{number}").into(),
            expires_in: self.0.life,
        })
    }
}

impl Issuer {
    fn with_life(seconds: u64) -> Arc<Self> {
        Arc::new(Self {
            life: Some(Duration::from_secs(seconds)),
            ..Self::default()
        })
    }

    fn cache(self: &Arc<Self>) -> Arc<TokenCache<Fetcher>> {
        Arc::new(TokenCache::new(Fetcher(Arc::clone(self))))
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

fn hundred(cache: &Arc<TokenCache<Fetcher>>) -> Vec<tokio::task::JoinHandle<Result<AuthHeaders>>> {
    (0..100)
        .map(|_| {
            let cache = Arc::clone(cache);
            tokio::spawn(async move { cache.headers().await })
        })
        .collect()
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_at_once_fetch_one_token() {
    let issuer = Issuer::with_life(3600);
    for task in hundred(&issuer.cache()) {
        assert_eq!(task.await.unwrap().unwrap().generation(), 1);
    }
    assert_eq!(issuer.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_all_who_wait_and_is_not_kept() {
    let issuer = Issuer::with_life(3600);
    issuer.failing.store(true, Ordering::SeqCst);
    let cache = issuer.cache();
    for task in hundred(&cache) {
        let error = task.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Auth, Sent::No));
        assert_eq!(error.message(), "invalid_client");
    }
    assert_eq!(issuer.fetched(), 1);
    issuer.failing.store(false, Ordering::SeqCst);
    assert!(cache.headers().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn when_the_task_that_fetches_is_cancelled_another_takes_over() {
    let issuer = Issuer::with_life(3600);
    let cache = issuer.cache();
    let tasks = hundred(&cache);
    tokio::task::yield_now().await;
    assert_eq!(issuer.fetched(), 1);
    let mut tasks = tasks.into_iter();
    tasks.next().unwrap().abort();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
    assert_eq!(issuer.fetched(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires_and_used_on_when_that_fails() {
    let issuer = Issuer::with_life(3600);
    let cache = issuer.cache();
    cache.headers().await.unwrap();
    pass(3200).await;
    assert_eq!(cache.headers().await.unwrap().generation(), 1);
    pass(50).await;
    assert_eq!(cache.headers().await.unwrap().generation(), 2);
    pass(3250).await;
    issuer.failing.store(true, Ordering::SeqCst);
    assert_eq!(cache.headers().await.unwrap().generation(), 2);
    pass(600).await;
    assert_eq!(cache.headers().await.unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test(start_paused = true)]
async fn others_use_the_valid_token_while_one_renews_it() {
    let issuer = Issuer::with_life(3600);
    let cache = issuer.cache();
    cache.headers().await.unwrap();
    pass(3300).await;
    let start = Instant::now();
    let mut generations = Vec::new();
    for task in hundred(&cache).into_iter().rev() {
        generations.push(task.await.unwrap().unwrap().generation());
    }
    assert_eq!(
        generations.iter().filter(|number| **number == 1).count(),
        99
    );
    assert_eq!((issuer.fetched(), start.elapsed().as_secs()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_never_lives_is_not_fetched_more_often_than_each_hundred_milliseconds() {
    let issuer = Issuer::with_life(0);
    let cache = issuer.cache();
    let start = Instant::now();
    for _ in 0..3 {
        cache.headers().await.unwrap();
    }
    assert_eq!(start.elapsed().as_millis() / 100, 32);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_and_the_call_repeated_even_a_create() {
    let issuer = Issuer::with_life(3600);
    let script = Script::new([answer(401, ""), answer(200, "{}")]);
    let client = script
        .builder()
        .retry(RetryPolicy::none())
        .credentials(issuer.cache())
        .build()
        .unwrap();
    client.send(create()).await.unwrap();
    let sent = |index: usize| script.request(index).headers["authorization"].clone();
    assert_eq!(sent(0), "Bearer token-1");
    assert_eq!(sent(1), "Bearer token-2");
    assert!(sent(0).is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_twice_is_an_auth_error() {
    let issuer = Issuer::with_life(3600);
    let script = Script::new([answer(401, ""), answer(401, "")]);
    let client = script
        .builder()
        .credentials(issuer.cache())
        .build()
        .unwrap();
    let error = fails(&client, create()).await;
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Auth, Sent::Yes));
    assert_eq!((script.count(), issuer.fetched()), (2, 2));
}

/// Reads that a session is over from the body, whatever the status.
#[derive(Debug)]
struct ByTheBody;

impl ErrorDecoder for ByTheBody {
    fn decode(&self, _: u16, _: &HeaderMap, body: &[u8]) -> VendorError {
        VendorError {
            session_expired: body == b"over",
            ..VendorError::default()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_by_the_systems_word_is_renewed_once_whatever_the_status() {
    for status in [500, 400, 403] {
        let issuer = Issuer::with_life(3600);
        let script = Script::new([
            answer(status, "over"),
            answer(200, "{}"),
            answer(status, "over"),
            answer(status, "over"),
        ]);
        let client = script
            .builder()
            .errors(Arc::new(ByTheBody))
            .credentials(issuer.cache())
            .build()
            .unwrap();
        client.send(create()).await.unwrap();
        let sent = |index: usize| script.request(index).headers["authorization"].clone();
        assert_eq!(
            (sent(0), sent(1)),
            (
                "Bearer token-1".parse().unwrap(),
                "Bearer token-2".parse().unwrap()
            )
        );
        let error = fails(&client, create()).await;
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Auth, Sent::No));
        assert!(!error.is_retryable());
        assert_eq!((script.count(), issuer.fetched()), (4, 3), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_taken_out_is_not_used_again() {
    let issuer = Issuer::with_life(3600);
    let cache = issuer.cache();
    assert!(cache.take().is_none());
    cache.headers().await.unwrap();
    let taken = cache.take().unwrap();
    assert_eq!(taken.generation(), 1);
    assert!(cache.take().is_none());
    assert_eq!(cache.headers().await.unwrap().generation(), 2);
    pass(3601).await;
    assert!(cache.take().is_none(), "it has expired");
    let fixed = StaticHeaders::from(taken);
    assert_eq!(fixed.headers().await.unwrap().iter().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn static_credentials_are_not_tried_again() {
    let script = Script::new([answer(401, "")]);
    let headers = StaticHeaders::new().header("x-key", "abcdefgh".into());
    let client = script
        .builder()
        .credentials(Arc::new(headers))
        .build()
        .unwrap();
    let error = fails(&client, read()).await;
    assert_eq!((error.kind(), script.count()), (ErrorKind::Auth, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_sent() {
    let issuer = Issuer::with_life(3600);
    issuer.failing.store(true, Ordering::SeqCst);
    let script = Script::new([]);
    let client = script
        .builder()
        .credentials(issuer.cache())
        .build()
        .unwrap();
    let error = fails(&client, create()).await;
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Auth, Sent::No));
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_token_and_fixed_headers_go_where_they_are_told() {
    let cache = TokenCache::new(Fetcher(Issuer::with_life(9)))
        .token_header("x-token", "")
        .header("subscription-key", "key-value".into());
    let headers = cache.headers().await.unwrap();
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-token", "subscription-key"]);
    assert!(!format!("{cache:?}{headers:?}").contains("key-value"));
}
