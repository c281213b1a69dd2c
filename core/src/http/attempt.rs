//! One attempt: limiter passed, credentials at hand, out and back.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, header};
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, timeout_at};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;

use super::auth::AuthHeaders;
use super::client::Parts;
use super::errors::{VendorError, kind_by_status};
use super::observe::AttemptEvent;
use super::operation::Idempotency;
use super::prepare::{Exchange, Prepared};
use super::response::Response;
use super::retry::{Answer, AttemptOutcome};
use super::retry_after::asked_wait;
use super::transport::{Phase, TransportError, TransportRequest, TransportResponse};
use crate::error::{Error, ErrorKind, Result, Sent, printable};

/// How much of a body is logged at TRACE.
const LOGGED_BODY: usize = 16 * 1024;

/// An attempt that failed: the error to give out, and what the retry decision needs.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) outcome: AttemptOutcome,
}

/// Makes one attempt. `deadline` is the operation's.
pub(crate) async fn attempt(
    parts: &Parts,
    prepared: &Prepared,
    url: Url,
    auth: Option<&AuthHeaders>,
    number: u32,
    deadline: Option<Instant>,
) -> Result<Response, Failure> {
    let exchange = match auth {
        Some(auth) => {
            let redactor = parts.know(&prepared.exchange.redactor, auth);
            Arc::new(prepared.exchange.masked_by(redactor))
        }
        None => Arc::clone(&prepared.exchange),
    };
    let span = attempt_span(&url, &exchange, number);
    let request = outgoing(parts, prepared, url, auth, &exchange).map_err(|error| Failure {
        error,
        outcome: AttemptOutcome::Unusable,
    })?;
    let started = Instant::now();
    let guard = Unfinished(Some(span.clone()));
    let result = async {
        log_body("request body", &exchange, request.body.as_deref());
        let own = parts.timeouts.attempt.and_then(|t| started.checked_add(t));
        let until = [own, deadline].into_iter().flatten().min();
        let sending = parts.transport.send(request);
        let sent = match until {
            None => Some(sending.await),
            Some(until) => timeout_at(until, sending).await.ok(),
        };
        match sent {
            None => Err(timed_out(&exchange, started.elapsed())),
            Some(Err(error)) => Err(not_carried(parts, &exchange, error)),
            Some(Ok(answer)) => answered(parts, &exchange, answer),
        }
    }
    .instrument(span.clone())
    .await;
    guard.finished();
    let error = result.as_ref().err().map(|failure| &failure.error);
    if let Some(error) = error {
        span.record("error.type", error_type(error).as_str());
    }
    if let Some(observer) = &parts.observer {
        observer.on_attempt(&AttemptEvent {
            connector: parts.connector,
            operation: exchange.operation.name,
            attempt: number,
            status: match &result {
                Ok(response) => Some(response.status()),
                Err(failure) => failure.error.status(),
            },
            error: error.map(Error::kind),
            elapsed: started.elapsed(),
        });
    }
    result
}

fn outgoing(
    parts: &Parts,
    prepared: &Prepared,
    url: Url,
    auth: Option<&AuthHeaders>,
    exchange: &Exchange,
) -> Result<TransportRequest> {
    let mut headers = prepared.headers.clone();
    for (name, value) in auth.iter().flat_map(|auth| auth.iter()) {
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
            exchange.error(
                ErrorKind::Config,
                format!("the credential for the header {name} holds characters that no header may"),
                exchange.unanswered(),
            )
        })?;
        value.set_sensitive(true);
        headers.insert(name.clone(), value);
    }
    Ok(TransportRequest {
        method: exchange.operation.method.clone(),
        url,
        headers,
        body: prepared.body.clone(),
        max_body: parts.limits.max_body,
    })
}

fn attempt_span(url: &Url, exchange: &Exchange, number: u32) -> Span {
    let span = tracing::debug_span!(
        "tallyline.attempt",
        "http.request.method" = exchange.operation.method.as_str(),
        "url.template" = exchange.operation.template,
        "url.full" = Empty,
        "server.address" = url.host_str().unwrap_or_default(),
        "server.port" = url.port_or_known_default().unwrap_or_default(),
        "http.request.resend_count" = Empty,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        "tallyline.request_id" = exchange.request_id.as_str(),
        "tallyline.vendor_request_id" = Empty,
    );
    if !span.is_disabled() {
        span.record("url.full", exchange.redactor.url(url).as_str());
        if number > 1 {
            span.record("http.request.resend_count", number - 1);
        }
    }
    span
}

fn timed_out(exchange: &Exchange, after: Duration) -> Failure {
    let error = exchange
        .error(
            ErrorKind::Timeout,
            format!("no whole answer within {after:.1?}"),
            exchange.unanswered(),
        )
        .with_sent(Sent::Maybe);
    Failure {
        error,
        outcome: AttemptOutcome::Lost,
    }
}

fn not_carried(parts: &Parts, exchange: &Exchange, error: TransportError) -> Failure {
    if error.phase == Phase::TooLarge {
        return too_large(parts, exchange);
    }
    let kind = if error.timeout {
        ErrorKind::Timeout
    } else {
        ErrorKind::Unavailable
    };
    let (sent, outcome) = match error.phase {
        Phase::Connect => (Sent::No, AttemptOutcome::NotSent),
        Phase::Sent | Phase::Body | Phase::TooLarge => (Sent::Maybe, AttemptOutcome::Lost),
    };
    let message = error.to_string();
    let error = exchange
        .error(kind, message, exchange.unanswered())
        .with_sent(sent)
        .with_source(Cause::of(exchange, &*error.source));
    Failure { error, outcome }
}

fn too_large(parts: &Parts, exchange: &Exchange) -> Failure {
    let max = parts.limits.max_body;
    let error = exchange
        .error(
            ErrorKind::Protocol,
            format!("the answer is larger than the limit of {max} bytes"),
            exchange.unanswered(),
        )
        .with_sent(Sent::Yes);
    Failure {
        error,
        outcome: AttemptOutcome::Unusable,
    }
}

fn answered(
    parts: &Parts,
    exchange: &Arc<Exchange>,
    answer: TransportResponse,
) -> Result<Response, Failure> {
    let TransportResponse {
        status,
        headers,
        body,
    } = answer;
    let span = Span::current();
    span.record("http.response.status_code", status);
    if let Some(id) = exchange.vendor_request_id(&headers) {
        span.record("tallyline.vendor_request_id", printable(&id).as_str());
    }
    if body.len() > parts.limits.max_body {
        return Err(too_large(parts, exchange));
    }
    tracing::trace!(
        headers = %printable(&exchange.redactor.headers(&headers)),
        "answer"
    );
    log_body("answer body", exchange, Some(&body));
    let vendor = if (200..300).contains(&status) {
        match parts.errors.check_success(status, &headers, &body) {
            None => {
                return Ok(Response {
                    status,
                    headers,
                    body,
                    exchange: Arc::clone(exchange),
                });
            }
            Some(vendor) => vendor,
        }
    } else {
        parts.errors.decode(status, &headers, &body)
    };
    Err(refused(exchange, status, &headers, &body, vendor))
}

/// From an error answer to an error.
fn refused(
    exchange: &Exchange,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    vendor: VendorError,
) -> Failure {
    let kind = match vendor.kind {
        None if vendor.session_expired => ErrorKind::Auth,
        kind => kind.unwrap_or_else(|| kind_by_status(status)),
    };
    let retry_after = vendor.retry_after.or_else(|| asked_wait(headers));
    let safe = exchange.operation.idempotency == Idempotency::Safe;
    let sent = if vendor.not_executed || vendor.session_expired || status == 429 {
        Sent::No
    } else if vendor.refused {
        Sent::Yes
    } else if (status >= 500 || status == 408) && !safe {
        Sent::Maybe
    } else {
        Sent::Yes
    };
    let mut http = exchange.http_context(status, headers, body);
    http.retry_after = retry_after;
    http.vendor_code = vendor.code.map(|code| exchange.shown(&code, 200));
    http.vendor_message = vendor.message.map(|message| exchange.shown(&message, 1024));
    let message = if (300..400).contains(&status) {
        redirected(exchange, headers)
    } else {
        String::new()
    };
    Failure {
        error: exchange.error(kind, message, http).with_sent(sent),
        outcome: AttemptOutcome::Answered(Answer {
            status,
            retry_after,
            retryable: if vendor.refused {
                Some(false)
            } else {
                vendor.retryable
            },
            not_executed: vendor.not_executed,
            max_attempts: vendor.max_attempts,
            session_expired: vendor.session_expired,
            renewed: false,
        }),
    }
}

fn redirected(exchange: &Exchange, headers: &HeaderMap) -> String {
    let target = headers
        .get(header::LOCATION)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let host = target
        .as_deref()
        .and_then(|target| url::Url::parse(target).ok())
        .and_then(|url| url.host_str().map(str::to_owned));
    match (host, target) {
        (Some(host), _) => format!(
            "redirected to {}, and redirects are not followed",
            exchange.shown(&host, 255)
        ),
        (None, Some(_)) => {
            "redirected to another path of the same host, and redirects are not followed".to_owned()
        }
        (None, None) => "redirected without a target".to_owned(),
    }
}

fn log_body(what: &str, exchange: &Exchange, body: Option<&[u8]>) {
    if let Some(body) = body
        && !exchange.sensitive
        && tracing::enabled!(tracing::Level::TRACE)
    {
        let body = printable(&exchange.redactor.snippet(body, LOGGED_BODY));
        tracing::trace!(body = %body, "{what}");
    }
}

/// The value of `error.type`.
pub(crate) fn error_type(error: &Error) -> String {
    match (error.status(), error.kind()) {
        (Some(status), _) if !(200..300).contains(&status) => status.to_string(),
        (_, ErrorKind::Timeout) => "timeout".to_owned(),
        (_, ErrorKind::Unavailable) => "connect".to_owned(),
        (_, ErrorKind::Protocol) => "decode".to_owned(),
        (_, ErrorKind::Auth) => "auth".to_owned(),
        (_, kind) => kind.as_str().to_owned(),
    }
}

/// Marks a span as cancelled when it is dropped before the end.
pub(crate) struct Unfinished(pub(crate) Option<Span>);

impl Unfinished {
    pub(crate) fn finished(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(span) = &self.0 {
            span.record("error.type", "cancelled");
        }
    }
}

/// The chain behind a transport's failure, masked: its words may hold an address or more.
#[derive(Debug)]
struct Cause(String);

impl Cause {
    fn of(exchange: &Exchange, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let more = error.to_string();
            if !text.ends_with(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            source = error.source();
        }
        Self(printable(&exchange.shown(&text, 2048)))
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}
