//! Tokens that expire.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::{HeaderName, header};
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep_until};

use super::auth::{AuthHeaders, CredentialProvider, malformed_header_name};
use crate::error::{Error, ErrorKind, Result, Sent};

/// A token is renewed at least this long before it expires, or a tenth of its life if that is
/// more, but no earlier than at half its life.
const MARGIN: Duration = Duration::from_secs(60);

/// The least time between two fetches.
const HOLD_OFF: Duration = Duration::from_millis(100);

/// How long a token that is still valid is used on after its renewal failed.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);

/// A token as it was given out.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub value: SecretString,
    /// How long it is valid; `None` where the system does not say.
    pub expires_in: Option<Duration>,
}

/// Fetches a token.
#[async_trait]
pub trait TokenFetcher: Send + Sync {
    /// Asks the system for a new token.
    ///
    /// # Errors
    /// Whatever the request met; a refusal becomes `Auth` in the [`TokenCache`].
    async fn fetch(&self) -> Result<Token>;
}

/// Keeps a token until shortly before it expires, and sends it as `Authorization: Bearer`.
///
/// However many tasks ask at once, one fetches and the others wait for its result, be it a
/// token or a failure. A failure is not kept: the next call fetches again. When the task that
/// fetches is cancelled, the next in line takes over. A token that is still valid is used
/// while it is being renewed, and on when its renewal fails.
pub struct TokenCache<F> {
    fetcher: F,
    name: HeaderName,
    prefix: &'static str,
    fixed: AuthHeaders,
    malformed: Option<&'static str>,
    state: Mutex<State>,
    gate: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    cached: Option<Cached>,
    generation: u64,
    last_fetch: Option<Instant>,
    /// How many fetches ended.
    rounds: u64,
    /// The last fetch's failure, with its round.
    failure: Option<(u64, Arc<Error>)>,
}

#[derive(Clone)]
struct Cached {
    value: SecretString,
    generation: u64,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl Cached {
    fn new(token: Token, generation: u64, now: Instant) -> Self {
        let expires_at = token.expires_in.and_then(|life| now.checked_add(life));
        let renew_at = token.expires_in.and_then(|life| {
            let margin = MARGIN.max(life / 10).min(life / 2);
            now.checked_add(life.saturating_sub(margin))
        });
        Self {
            value: token.value,
            generation,
            renew_at,
            expires_at,
        }
    }

    fn is_valid(&self, now: Instant) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.is_valid(now) && self.renew_at.is_none_or(|at| now < at)
    }
}

impl<F: TokenFetcher> TokenCache<F> {
    /// A cache without a token; the first call fetches one.
    #[must_use]
    pub fn new(fetcher: F) -> Self {
        Self {
            fetcher,
            name: header::AUTHORIZATION,
            prefix: "Bearer ",
            fixed: AuthHeaders::new(0),
            malformed: None,
            state: Mutex::new(State::default()),
            gate: tokio::sync::Mutex::new(()),
        }
    }

    /// Sends the token in another header, after a prefix.
    #[must_use]
    pub fn token_header(mut self, name: &'static str, prefix: &'static str) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.name = name,
            Err(_) => self.malformed = Some(name),
        }
        self.prefix = prefix;
        self
    }

    /// Adds a header that does not change, such as a subscription key.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: SecretString) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.fixed = self.fixed.with(name, value),
            Err(_) => self.malformed = Some(name),
        }
        self
    }

    /// Takes the token at hand out of the cache, such as to sign out with it: the next call fetches
    /// another one. `None` where there is none that is valid.
    pub fn take(&self) -> Option<AuthHeaders> {
        let cached = self.state().cached.take()?;
        cached
            .is_valid(Instant::now())
            .then(|| self.headers_of(&cached))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn headers_of(&self, cached: &Cached) -> AuthHeaders {
        let value = format!("{}{}", self.prefix, cached.value.expose_secret());
        self.fixed.iter().fold(
            AuthHeaders::new(cached.generation).with(self.name.clone(), value.into()),
            |headers, (name, value)| headers.with(name.clone(), value.clone()),
        )
    }

    /// Fetches while holding the gate.
    async fn renew(&self, seen: u64) -> Result<AuthHeaders> {
        let not_before = {
            let state = self.state();
            let now = Instant::now();
            let valid = state.cached.as_ref().filter(|cached| cached.is_valid(now));
            if let Some(cached) = valid.filter(|cached| cached.is_fresh(now)) {
                return Ok(self.headers_of(cached));
            }
            if let Some((round, error)) = &state.failure
                && *round > seen
            {
                return Err(copy_of(error));
            }
            let not_before = state.last_fetch.map(|last| last + HOLD_OFF);
            match (valid, not_before) {
                (Some(cached), Some(at)) if now < at => return Ok(self.headers_of(cached)),
                (_, at) => at,
            }
        };
        if let Some(at) = not_before {
            sleep_until(at).await;
        }
        let fetched = self.fetcher.fetch().await;
        let now = Instant::now();
        let mut state = self.state();
        state.rounds += 1;
        state.last_fetch = Some(now);
        match fetched {
            Ok(token) => {
                state.generation += 1;
                let cached = Cached::new(token, state.generation, now);
                let headers = self.headers_of(&cached);
                state.cached = Some(cached);
                state.failure = None;
                Ok(headers)
            }
            Err(error) => {
                let error = as_auth_error(error);
                if let Some(cached) = state.cached.as_mut().filter(|cached| cached.is_valid(now)) {
                    tracing::warn!(error.type = "auth", "renewing the token failed: {error}");
                    cached.renew_at = Some(now + RENEWAL_PAUSE);
                    return Ok(self.headers_of(cached));
                }
                let copy = copy_of(&error);
                state.failure = Some((state.rounds, Arc::new(error)));
                Err(copy)
            }
        }
    }
}

#[async_trait]
impl<F: TokenFetcher> CredentialProvider for TokenCache<F> {
    async fn headers(&self) -> Result<AuthHeaders> {
        if let Some(name) = self.malformed {
            return Err(malformed_header_name(name));
        }
        let (valid, seen) = {
            let state = self.state();
            let now = Instant::now();
            match &state.cached {
                Some(cached) if cached.is_fresh(now) => return Ok(self.headers_of(cached)),
                Some(cached) if cached.is_valid(now) => {
                    (Some(self.headers_of(cached)), state.rounds)
                }
                _ => (None, state.rounds),
            }
        };
        let _gate = match valid {
            None => self.gate.lock().await,
            Some(valid) => match self.gate.try_lock() {
                Ok(gate) => gate,
                Err(_) => return Ok(valid),
            },
        };
        self.renew(seen).await
    }

    async fn invalidate(&self, rejected: &AuthHeaders) -> bool {
        let mut state = self.state();
        if state
            .cached
            .as_ref()
            .is_some_and(|cached| cached.generation == rejected.generation())
        {
            state.cached = None;
        }
        true
    }
}

impl<F> fmt::Debug for TokenCache<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("name", &self.name)
            .field("fixed", &self.fixed)
            .finish_non_exhaustive()
    }
}

/// A refused token request is a matter of credentials, whatever status says so. What else kept
/// the token from being fetched (no connection, a request limit) stays what it is.
fn as_auth_error(error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::Invalid | ErrorKind::PermissionDenied | ErrorKind::Auth => ErrorKind::Auth,
        kind => kind,
    };
    rebuild(&error, kind).with_sent(Sent::No)
}

fn copy_of(error: &Error) -> Error {
    rebuild(error, error.kind())
}

fn rebuild(error: &Error, kind: ErrorKind) -> Error {
    let mut copy = Error::new(kind, error.message())
        .with_retry(error.retry())
        .with_sent(error.sent());
    if let Some(connector) = error.connector() {
        copy = copy.with_connector(connector);
    }
    if let Some(operation) = error.operation() {
        copy = copy.with_operation(operation);
    }
    if let Some(http) = error.http() {
        copy = copy.with_http(http.clone());
    }
    if let Some(path) = error.json_path() {
        copy = copy.with_json_path(path);
    }
    error
        .context()
        .iter()
        .fold(copy, |copy, (key, value)| copy.with_context(key, value))
}
