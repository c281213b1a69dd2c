//! What the clients of one tenant have in common.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use super::base_url::BaseUrl;
use super::builder::{HttpClientBuilder, default_transport};
use super::client::HttpClient;
use super::errors::{ErrorDecoder, PlainErrors};
use super::limiter::{Limiter, LimiterOptions};
use super::observe::Observer;
use super::options::{Limits, Timeouts};
use super::retry::RetryPolicy;
use super::transport::Transport;
use crate::error::{Error, ErrorKind, Result};

/// What the builder of every client takes beside what is the system's own.
#[derive(Clone)]
pub struct ConnectionOptions {
    /// How many requests run at once, unless a limiter says it.
    pub concurrency: usize,
    /// How failed reads are repeated.
    pub retry: RetryPolicy,
    /// The time limits.
    pub timeouts: Timeouts,
    /// The size limits.
    pub limits: Limits,
    /// How many requests, how often; one of its own where not given.
    pub limiter: Option<Arc<Limiter>>,
    /// What carries the requests; `ReqwestTransport` (feature `reqwest`) where not given.
    pub transport: Option<Arc<dyn Transport>>,
    /// Hears what the clients do.
    pub observer: Option<Arc<dyn Observer>>,
    /// The `User-Agent` header, where it is not this project's.
    pub user_agent: Option<String>,
    /// Makes the waits between attempts repeatable, for tests.
    pub jitter_seed: Option<u64>,
}

impl Default for ConnectionOptions {
    /// Four requests at once, and the defaults of the parts.
    fn default() -> Self {
        Self {
            concurrency: 4,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            limiter: None,
            transport: None,
            observer: None,
            user_agent: None,
            jitter_seed: None,
        }
    }
}

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("concurrency", &self.concurrency)
            .field("retry", &self.retry)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The clients of one tenant: one address, one transport and so one pool of connections, one set
/// of limits, and the same texts kept out of errors and logs.
///
/// A connector makes one, and begins each of its clients from it.
///
/// ```
/// use tallyline_core::http::{Connection, ConnectionOptions};
///
/// # fn example() -> tallyline_core::Result<()> {
/// let connection = Connection::new("acme", "https://api.example.com", ConnectionOptions::default())?
///     .secret("the key".into());
/// let tokens = connection.tokens().build()?;
/// let reads = connection.reads().build()?;
/// let writes = connection.writes().build()?;
/// # Ok(())
/// # }
/// ```
pub struct Connection {
    connector: &'static str,
    base_url: BaseUrl,
    options: ConnectionOptions,
    limiter: Arc<Limiter>,
    transport: Arc<dyn Transport>,
    errors: Arc<dyn ErrorDecoder>,
    secrets: Vec<SecretString>,
}

impl Connection {
    /// The connection of a connector to an address.
    ///
    /// # Errors
    /// `Config` when the address is none or not HTTPS (plain HTTP is accepted for loopback
    /// alone), when the concurrency is zero, or when the transport cannot be set up.
    pub fn new(
        connector: &'static str,
        base_url: &str,
        options: ConnectionOptions,
    ) -> Result<Self> {
        let in_connector = |error: Error| error.with_connector(connector);
        if options.concurrency == 0 {
            return Err(in_connector(Error::new(
                ErrorKind::Config,
                "the concurrency is zero: allow at least one",
            )));
        }
        let base_url = BaseUrl::parse(base_url).map_err(in_connector)?;
        let limiter = options.limiter.clone().unwrap_or_else(|| {
            Arc::new(Limiter::new(LimiterOptions {
                max_concurrent: options.concurrency,
                ..LimiterOptions::default()
            }))
        });
        let transport = match &options.transport {
            Some(transport) => Arc::clone(transport),
            None => default_transport(&options.timeouts, &base_url).map_err(in_connector)?,
        };
        Ok(Self {
            connector,
            base_url,
            options,
            limiter,
            transport,
            errors: Arc::new(PlainErrors),
            secrets: Vec::new(),
        })
    }

    /// How the system's error answers are read; [`PlainErrors`] where not set.
    #[must_use]
    pub fn errors(mut self, errors: Arc<dyn ErrorDecoder>) -> Self {
        self.errors = errors;
        self
    }

    /// A text to mask wherever it would show in an error or log.
    #[must_use]
    pub fn secret(mut self, secret: SecretString) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The address.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// How many requests run at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.options.concurrency
    }

    /// Begins a client for reads, which are repeated as the options say.
    pub fn reads(&self) -> HttpClientBuilder {
        self.begin(self.options.retry.clone())
            .limiter(Arc::clone(&self.limiter))
    }

    /// Begins a client for writes: one attempt each.
    pub fn writes(&self) -> HttpClientBuilder {
        self.begin(RetryPolicy::none())
            .limiter(Arc::clone(&self.limiter))
    }

    /// Begins a client that fetches tokens. It has no share in the limiter: a call that waits for
    /// its token holds a place there.
    pub fn tokens(&self) -> HttpClientBuilder {
        self.begin(self.options.retry.clone())
    }

    fn begin(&self, retry: RetryPolicy) -> HttpClientBuilder {
        let options = &self.options;
        let mut http = HttpClient::builder(self.connector, self.base_url.clone())
            .errors(Arc::clone(&self.errors))
            .limits(options.limits.clone())
            .timeouts(options.timeouts.clone())
            .transport(Arc::clone(&self.transport))
            .retry(retry);
        for secret in &self.secrets {
            http = http.secret(secret.clone());
        }
        if let Some(observer) = &options.observer {
            http = http.observer(Arc::clone(observer));
        }
        if let Some(user_agent) = &options.user_agent {
            http = http.user_agent(user_agent);
        }
        match options.jitter_seed {
            Some(seed) => http.jitter_seed(seed),
            None => http,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("connector", &self.connector)
            .field("base_url", &self.base_url)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Refuses settings that are blank, the first by its name.
///
/// # Errors
/// `Config`.
pub fn refuse_blank<'a>(
    connector: &'static str,
    settings: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> Result<()> {
    let mut settings = settings.into_iter();
    match settings.find(|(_, value)| value.trim().is_empty()) {
        Some((name, _)) => Err(
            Error::new(ErrorKind::Config, format!("the {name} is blank")).with_connector(connector),
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::super::tests::{Script, answer, create, fails, read};
    use super::super::{AuthHeaders, CredentialProvider};
    use super::*;

    fn connection(script: &Arc<Script>) -> Connection {
        let options = ConnectionOptions {
            transport: Some(Arc::clone(script) as Arc<dyn Transport>),
            user_agent: Some("msp/1".to_owned()),
            jitter_seed: Some(1),
            ..ConnectionOptions::default()
        };
        Connection::new("acme", "https://api.example.com/v1", options)
            .unwrap()
            .secret("t0p-secret".into())
    }

    #[tokio::test(start_paused = true)]
    async fn the_clients_share_address_transport_and_secrets_and_only_reads_are_repeated() {
        let script = Script::new([
            answer(503, ""),
            answer(200, "{}"),
            answer(503, "t0p-secret"),
        ]);
        let connection = connection(&script);
        let reads = connection.reads().build().unwrap();
        reads.send(read()).await.unwrap();
        assert_eq!(script.count(), 2);
        let error = fails(&connection.writes().build().unwrap(), create()).await;
        assert_eq!(script.count(), 3);
        assert!(
            !format!("{error:?} {error}").contains("t0p-secret"),
            "{error:?}"
        );
        for index in 0..3 {
            let request = script.request(index);
            assert!(
                request
                    .url
                    .as_str()
                    .starts_with("https://api.example.com/v1/things")
            );
            assert_eq!(request.headers["user-agent"], "msp/1");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fetched_while_all_places_are_taken() {
        let script = Script::new([answer(200, "{}"), answer(200, "{}")]);
        let one = Arc::new(Limiter::new(LimiterOptions {
            max_concurrent: 1,
            ..LimiterOptions::default()
        }));
        let options = ConnectionOptions {
            transport: Some(Arc::clone(&script) as Arc<dyn Transport>),
            limiter: Some(one),
            ..ConnectionOptions::default()
        };
        let connection = Connection::new("acme", "https://api.example.com", options).unwrap();
        let tokens = Arc::new(Nested(connection.tokens().build().unwrap()));
        let reads = connection.reads().credentials(tokens).build().unwrap();
        reads.send(read()).await.unwrap();
        assert_eq!(script.count(), 2);
    }

    /// Credentials that cost a request.
    #[derive(Debug)]
    struct Nested(HttpClient);

    #[async_trait]
    impl CredentialProvider for Nested {
        async fn headers(&self) -> Result<AuthHeaders> {
            self.0.send(read()).await?;
            Ok(AuthHeaders::new(1))
        }

        async fn invalidate(&self, _: &AuthHeaders) -> bool {
            false
        }
    }

    #[test]
    fn wrong_settings_are_refused_by_name() {
        let refused = |base_url: &str, concurrency| {
            let options = ConnectionOptions {
                concurrency,
                ..ConnectionOptions::default()
            };
            let error = Connection::new("acme", base_url, options).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_eq!(error.connector(), Some("acme"));
            error.to_string()
        };
        assert!(refused("https://api.example.com", 0).contains("concurrency"));
        assert!(refused("http://api.example.com", 4).contains("https://"));
        let error = refuse_blank("acme", [("key", "x"), ("secret", " ")]).unwrap_err();
        assert!(error.to_string().contains("the secret is blank"), "{error}");
        refuse_blank("acme", [("key", "x")]).unwrap();
    }
}
