//! The client: what happens to one call, from the first attempt to the answer or error.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::attempt::{Failure, Unfinished, attempt, error_type};
use super::auth::{AuthHeaders, CredentialProvider};
use super::base_url::BaseUrl;
use super::builder::HttpClientBuilder;
use super::errors::ErrorDecoder;
use super::limiter::{Limiter, Slots};
use super::locate::AddressCache;
use super::observe::{Observer, RateLimitEvent, RetryEvent};
use super::operation::Idempotency;
use super::options::{Limits, Timeouts};
use super::paging::{PageStrategy, Paged};
use super::prepare::{Exchange, Ids, Jitter, Prepared};
use super::redact::Redactor;
use super::request::Request;
use super::response::Response;
use super::retry::{AttemptOutcome, Decision, RetryPolicy, decide};
use super::transport::Transport;
use crate::error::{Error, ErrorKind, Result, Retry, Sent, printable};

/// Sends the calls of one connector to one system. A clone is the same client.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
///
/// use tallyline_core::http::{BaseUrl, HttpClient, LinkHeader, Operation, Request, StaticHeaders};
///
/// static GET: Operation = Operation::get("customers.get", "/customers/{customerId}");
/// static LIST: Operation = Operation::get("customers.list", "/customers");
///
/// #[derive(serde::Deserialize)]
/// struct Customer {
///     name: String,
/// }
///
/// # async fn run() -> tallyline_core::Result<()> {
/// let client = HttpClient::builder("acme", BaseUrl::parse("https://api.example.com/v1")?)
///     .credentials(Arc::new(
///         StaticHeaders::new().header("x-api-key", "the key".into()),
///     ))
///     .build()?;
/// let customer: Customer = client.json(Request::new(&GET).path("customerId", 7)).await?;
/// println!("{}", customer.name);
///
/// let mut customers = client.paged::<Customer, _>(Request::new(&LIST), LinkHeader::default());
/// while let Some(customer) = customers.next_item().await {
///     println!("{}", customer?.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) connector: &'static str,
    pub(crate) base_url: BaseUrl,
    pub(crate) address: Option<Arc<AddressCache>>,
    pub(crate) credentials: Option<Arc<dyn CredentialProvider>>,
    pub(crate) errors: Arc<dyn ErrorDecoder>,
    pub(crate) limits: Limits,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id_header: Option<HeaderName>,
    pub(crate) vendor_request_id_header: Option<HeaderName>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) newest: Mutex<Newest>,
    pub(crate) jitter: Jitter,
    pub(crate) ids: Ids,
}

/// What masks the credentials that a call left with last: a token that was fetched is not among those
/// that the client was built with.
pub(crate) struct Newest {
    pub(crate) redactor: Arc<Redactor>,
    /// The credentials, where it knows no other secrets than theirs and the client's.
    pub(crate) credentials: Option<AuthHeaders>,
}

impl Parts {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What masks the credentials of a call that leaves beside what `own` does, kept as the newest. It is made
    /// anew for new credentials alone: a secret has many forms.
    pub(crate) fn know(&self, own: &Arc<Redactor>, auth: &AuthHeaders) -> Arc<Redactor> {
        let is_clients = Arc::ptr_eq(own, &self.redactor);
        if is_clients {
            let newest = self.newest();
            let known = newest.credentials.as_ref();
            if known.is_some_and(|known| known.hold_the_same(auth)) {
                return Arc::clone(&newest.redactor);
            }
        }
        let values = auth.iter().map(|(_, value)| value);
        let redactor = Arc::new(values.fold(Redactor::clone(own), Redactor::with_header_value));
        *self.newest() = Newest {
            redactor: Arc::clone(&redactor),
            credentials: is_clients.then(|| auth.clone()),
        };
        redactor
    }
}

impl HttpClient {
    /// Begins a client of a connector.
    pub fn builder(connector: &'static str, base_url: BaseUrl) -> HttpClientBuilder {
        HttpClientBuilder::new(connector, base_url)
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Sends a call and gives its 2xx answer.
    ///
    /// # Errors
    /// - `Config` and `Unexpected` when the request cannot be built: nothing was sent.
    /// - By the answer's status: `Auth` (401), `PermissionDenied` (403), `NotFound` (404, 410),
    ///   `Conflict` (409, 412, 423), `Timeout` (408), `RateLimited` (429), `Invalid` (other
    ///   4xx), `Unavailable` (5xx), `Protocol` (3xx), where the connector's [`ErrorDecoder`]
    ///   does not know better.
    /// - `Unavailable` without a connection or answer, `Timeout` after a time limit,
    ///   `RateLimited` when the wait is longer than allowed, `Protocol` for an answer that is
    ///   too large, `Auth` when no token is given.
    ///
    /// Of a write, [`Error::sent`] is `No` when nothing was done, `Yes` when the system
    /// answered, and `Maybe` when only reading back can tell; the latter is never repeated
    /// here and never `Transient`.
    ///
    /// # Cancel safety
    /// A read can be dropped at any time. The outcome of a write that is dropped is unknown.
    pub async fn send(&self, request: Request) -> Result<Response> {
        let parts = &*self.0;
        let operation = request.operation;
        let request_id = parts.ids.next();
        let span = tracing::info_span!(
            "tallyline.operation",
            "otel.name" = format!("tallyline.{}.{}", parts.connector, operation.name),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "error.type" = Empty,
            "tallyline.connector" = parts.connector,
            "tallyline.operation" = operation.name,
            "tallyline.account" = Empty,
            "tallyline.request_id" = request_id.as_str(),
        );
        if let Some(account) = &request.account {
            let account = printable(&parts.redactor.redact(account));
            span.record("tallyline.account", account.as_str());
        }
        let guard = Unfinished(Some(span.clone()));
        let exchange = Exchange::new(parts, &request, request_id);
        let result = match Prepared::new(parts, request, exchange) {
            Ok(prepared) => {
                Box::pin(run(parts, &prepared))
                    .instrument(span.clone())
                    .await
            }
            Err(error) => Err(error),
        };
        guard.finished();
        if let Err(error) = &result {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error_type(error).as_str());
        }
        result
    }

    /// Sends a call and decodes its JSON answer.
    ///
    /// # Errors
    /// As [`HttpClient::send`], and `Protocol` when the answer does not fit `T`.
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.send(request).await?.json()
    }

    /// The address that this client was built for. Where the tenant's own has to be asked for,
    /// see [`HttpClientBuilder::address`].
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base_url
    }

    /// What masks this client's secrets and the credentials that a call left with last, for words about
    /// answers that a connector reads by itself.
    #[must_use]
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.0.newest().redactor)
    }

    /// Walks the pages of a list. Nothing is sent until the first item is asked for.
    pub fn paged<T, S>(&self, request: Request, strategy: S) -> Paged<T>
    where
        T: Send + 'static,
        S: PageStrategy<T>,
    {
        Paged::new(self.clone(), request, Arc::new(strategy))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("connector", &self.0.connector)
            .field("base_url", &self.0.base_url)
            .finish_non_exhaustive()
    }
}

/// The retry loop. What is sent here is never a write whose outcome is unknown.
async fn run(parts: &Parts, prepared: &Prepared) -> Result<Response> {
    let exchange = &*prepared.exchange;
    let operation = exchange.operation;
    let started = Instant::now();
    let deadline = parts
        .timeouts
        .operation
        .and_then(|limit| started.checked_add(limit));
    let mut renewed = false;
    // Attempts as the policy counts them; `sent` counts the repeats after a new token as well.
    let mut attempts = 0;
    let mut sent = 0;
    let mut asked_waits = Duration::ZERO;
    loop {
        let base = locate(parts, exchange, deadline).await?;
        let url = base.url(&prepared.path, Some(&prepared.query));
        let slot = admit(parts, prepared, deadline).await?;
        let auth = authenticate(parts, exchange, deadline).await?;
        attempts += 1;
        sent += 1;
        let result = Box::pin(attempt(parts, prepared, url, auth.as_ref(), sent, deadline)).await;
        let mut failure = match result {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        release(parts, exchange, &failure, slot);
        if !renewed {
            renewed = renew(parts, &base, auth.as_ref(), &mut failure).await;
        }
        let Failure { error, outcome } = failure;
        let own_time = started.elapsed().saturating_sub(asked_waits);
        let jitter = parts.jitter.next();
        let decision = decide(
            operation.idempotency,
            outcome,
            attempts,
            own_time,
            &parts.retry,
            jitter,
        );
        let (delay, asked) = match decision {
            Decision::RefreshAuth => {
                attempts -= 1;
                (Duration::ZERO, false)
            }
            Decision::Retry { after, asked } if fits(after, deadline) => (after, asked),
            Decision::Retry { .. } | Decision::GiveUp => {
                return Err(conclude(error, outcome, operation.idempotency, sent));
            }
        };
        tracing::warn!(
            delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            attempt = sent,
            error.type = %error_type(&error),
            error.kind = error.kind().as_str(),
            "the attempt failed and is repeated"
        );
        if let Some(observer) = &parts.observer {
            observer.on_retry(&RetryEvent {
                connector: parts.connector,
                operation: operation.name,
                attempt: sent,
                error: error.kind(),
                delay,
            });
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if asked {
            asked_waits += delay;
        }
    }
}

/// Whether a wait ends before the deadline.
fn fits(wait: Duration, deadline: Option<Instant>) -> bool {
    deadline.is_none_or(|deadline| wait < deadline.duration_since(Instant::now()))
}

/// Says in the error what the retries came to.
fn conclude(error: Error, outcome: AttemptOutcome, idempotency: Idempotency, sent: u32) -> Error {
    let open = idempotency != Idempotency::Safe && !outcome.is_not_executed();
    let retry = match (outcome.is_transient(), sent) {
        (false, _) => Retry::Permanent,
        // To say that repeating may help would invite a second write.
        (true, _) if open => Retry::Permanent,
        (true, 1) => Retry::Transient,
        (true, _) => Retry::Exhausted,
    };
    let error = error.with_retry(retry);
    if sent > 1 {
        error.with_context("attempts", sent.to_string())
    } else {
        error
    }
}

/// The address of the next attempt.
async fn locate(parts: &Parts, exchange: &Exchange, deadline: Option<Instant>) -> Result<BaseUrl> {
    let Some(address) = &parts.address else {
        return Ok(parts.base_url.clone());
    };
    match until(deadline, address.current()).await {
        Some(Ok(base)) => Ok(base),
        // Whatever became of the question: of this operation nothing was done.
        Some(Err(error)) => Err(error
            .with_sent(Sent::No)
            .with_context("needed for", exchange.operation.name)),
        None => Err(exchange
            .error(
                ErrorKind::Timeout,
                "the time limit passed in the wait for the tenant's address",
                exchange.unanswered(),
            )
            .with_retry(Retry::Transient)),
    }
}

/// Waits for the limiter.
async fn admit(parts: &Parts, prepared: &Prepared, deadline: Option<Instant>) -> Result<Slots> {
    let exchange = &*prepared.exchange;
    let left = deadline.map_or(Duration::MAX, |deadline| {
        deadline.duration_since(Instant::now())
    });
    let acquiring = parts
        .limiter
        .acquire(prepared.group, parts.retry.max_retry_after.min(left));
    match until(deadline, acquiring).await {
        Some(Ok(slot)) => Ok(slot),
        Some(Err(wait)) => {
            let mut http = exchange.unanswered();
            http.retry_after = Some(wait);
            Err(exchange
                .error(
                    ErrorKind::RateLimited,
                    format!("the request limit leaves no room for another {wait:.1?}"),
                    http,
                )
                .with_retry(Retry::Transient))
        }
        None => Err(exchange
            .error(
                ErrorKind::Timeout,
                "the time limit passed in the wait for other requests",
                exchange.unanswered(),
            )
            .with_retry(Retry::Transient)),
    }
}

/// Gets the credentials.
async fn authenticate(
    parts: &Parts,
    exchange: &Exchange,
    deadline: Option<Instant>,
) -> Result<Option<AuthHeaders>> {
    let Some(credentials) = &parts.credentials else {
        return Ok(None);
    };
    match until(deadline, credentials.headers()).await {
        Some(Ok(headers)) => Ok(Some(headers)),
        // Whatever became of the token request: of this operation nothing was done.
        Some(Err(error)) => Err(error
            .with_sent(Sent::No)
            .with_context("needed for", exchange.operation.name)),
        None => Err(exchange
            .error(
                ErrorKind::Timeout,
                "the time limit passed in the wait for a token",
                exchange.unanswered(),
            )
            .with_retry(Retry::Transient)),
    }
}

async fn until<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    let Some(deadline) = deadline else {
        return Some(future.await);
    };
    let done = timeout_at(deadline, future).await.ok()?;
    // Of a process that stood still the wait is over as well, and it is too late: whoever reads a write
    // back counts on it that none leaves after its time.
    (Instant::now() < deadline).then_some(done)
}

/// After refused credentials, drops them where new ones may help, and asks whether the tenant has
/// moved.
async fn renew(
    parts: &Parts,
    base: &BaseUrl,
    auth: Option<&AuthHeaders>,
    failure: &mut Failure,
) -> bool {
    let AttemptOutcome::Answered(answer) = &mut failure.outcome else {
        return false;
    };
    let refused = answer.session_expired
        || answer.status == 401
        || (failure.error.kind() == ErrorKind::Auth && (400..500).contains(&answer.status));
    if let (true, Some(credentials), Some(auth)) = (refused, &parts.credentials, auth) {
        answer.renewed = credentials.invalidate(auth).await;
    }
    if let (true, Some(address)) = (refused, &parts.address) {
        answer.renewed |= address.moved_from(base).await;
    }
    answer.renewed
}

/// Gives a slot back after a failure, and holds the limiter back where that was a 429.
fn release(parts: &Parts, exchange: &Exchange, failure: &Failure, slot: Slots) {
    let limited =
        failure.error.kind() == ErrorKind::RateLimited || failure.error.status() == Some(429);
    if !limited {
        return;
    }
    let retry_after = failure.error.retry_after();
    slot.refused(retry_after);
    if let Some(observer) = &parts.observer {
        observer.on_rate_limited(&RateLimitEvent {
            connector: exchange.connector,
            operation: exchange.operation.name,
            retry_after,
        });
    }
}
