//! The typed client and its builder.

mod reads;

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, HttpClient, Limiter, Limits, Observer,
    ReqwestTransport, RetryPolicy, Timeouts, Transport, refuse_blank,
};
use tallyline_core::{Error, ErrorKind, Result};

use crate::auth::{AuthScheme, Credentials, KeyTokens, Learning};
use crate::contract::{Brackets, DEFAULT_BASE_URL, TokenPath};
use crate::error::HyAltoErrors;
use crate::operations;

/// The name of this connector in errors, spans and descriptors.
pub(crate) const CONNECTOR: &str = "hyalto";

/// How many calls run at once where nothing else is said.
const DEFAULT_CONCURRENCY: usize = 4;

/// A client of HyAlto, as one service provider.
///
/// One method per operation, usable without the traits; [`HyAltoSource`](crate::HyAltoSource) is the
/// [`VendorSource`](tallyline_core::VendorSource) over it. Cloning is cheap: clones share connections, the token and
/// limits.
///
/// ```no_run
/// use tallyline_hyalto::HyAltoClient;
///
/// # async fn example() -> tallyline_core::Result<()> {
/// let client = HyAltoClient::builder()
///     .access_key("12.00000000-0000-4000-8000-000000000000")
///     .secret_key("the secret key".into())
///     .build()?;
/// for account in client.accounts().await? {
///     println!("{} {:?}", account.id, account.company_name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HyAltoClient {
    inner: Arc<Inner>,
}

struct Inner {
    tenant: String,
    brackets: Brackets,
    concurrency: usize,
    http: HttpClient,
    credentials: Arc<Credentials>,
}

impl fmt::Debug for HyAltoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyAltoClient")
            .field("tenant", &self.inner.tenant)
            .field("base_url", &self.base_url().as_str())
            .field("concurrency", &self.inner.concurrency)
            .finish_non_exhaustive()
    }
}

#[bon::bon]
impl HyAltoClient {
    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// `access_key` and `secret_key` are the two values of an API key (portal: Account, Access & Roles, API Key). Neither
    /// is ever shown. `base_url` is [`DEFAULT_BASE_URL`](crate::DEFAULT_BASE_URL) where nothing is said; plain HTTP is
    /// accepted for loopback alone. `auth_scheme`, `token_path` and `brackets` say what the vendor does not document.
    ///
    /// # Errors
    /// `build` gives `Config` when a value is blank, when the base URL is none or not HTTPS, when the concurrency is zero,
    /// or when the transport cannot be set up.
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// Where the API is.
        #[builder(into, default = DEFAULT_BASE_URL)]
        base_url: String,
        /// The access key of the API key.
        #[builder(with = |key: impl Into<String>| SecretString::from(key.into()))]
        access_key: SecretString,
        /// Its secret key.
        secret_key: SecretString,
        /// How the token stands in its header.
        #[builder(default)]
        auth_scheme: AuthScheme,
        /// Which path asks for a token.
        #[builder(default)]
        token_path: TokenPath,
        /// How brackets in names of parameters are sent.
        #[builder(default)]
        brackets: Brackets,
        /// How many calls run at once.
        #[builder(default = DEFAULT_CONCURRENCY)]
        concurrency: usize,
        /// How failed calls are repeated.
        retry: Option<RetryPolicy>,
        /// The time limits.
        timeouts: Option<Timeouts>,
        /// The size limits.
        limits: Option<Limits>,
        /// How many calls, how often.
        limiter: Option<Arc<Limiter>>,
        /// What carries the requests.
        transport: Option<Arc<dyn Transport>>,
        /// Hears what the client does.
        observer: Option<Arc<dyn Observer>>,
        /// The `User-Agent` header.
        #[builder(into)]
        user_agent: Option<String>,
        /// Makes the waits between attempts repeatable, for tests.
        jitter_seed: Option<u64>,
    ) -> Result<Self> {
        refuse_blank(
            CONNECTOR,
            [
                ("base URL", base_url.as_str()),
                ("access key", access_key.expose_secret()),
                ("secret key", secret_key.expose_secret()),
            ],
        )?;
        let in_connector = |error: Error| error.with_connector(CONNECTOR);
        let timeouts = timeouts.unwrap_or_default();
        let address = BaseUrl::parse(&base_url).map_err(in_connector)?;
        let transport = match transport {
            Some(transport) => transport,
            None => {
                let transport = ReqwestTransport::new(&timeouts);
                transport.prepare(&address).map_err(in_connector)?;
                Arc::new(transport)
            }
        };
        let learning = Arc::new(Learning::new(transport, auth_scheme));
        let options = ConnectionOptions {
            concurrency,
            retry: retry.unwrap_or_default(),
            timeouts,
            limits: limits.unwrap_or_default(),
            limiter,
            transport: Some(Arc::clone(&learning) as Arc<dyn Transport>),
            observer,
            user_agent,
            jitter_seed,
        };
        let connection = Connection::new(CONNECTOR, &base_url, options)?
            .errors(Arc::new(HyAltoErrors))
            .secret(access_key.clone())
            .secret(secret_key.clone());
        let tenant = Self::tenant(access_key.expose_secret(), connection.base_url());
        let tokens = KeyTokens {
            http: connection.tokens().build()?,
            operation: match token_path {
                TokenPath::WithoutSlash => &operations::TOKEN,
                TokenPath::WithSlash => &operations::TOKEN_WITH_SLASH,
            },
            access_key,
            secret_key,
        };
        let credentials = Arc::new(Credentials::new(tokens, &learning));
        let http = connection
            .reads()
            .credentials(Arc::clone(&credentials) as _);
        Ok(Self {
            inner: Arc::new(Inner {
                tenant,
                brackets,
                concurrency,
                http: http.build()?,
                credentials,
            }),
        })
    }
}

pub(crate) fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_connector(CONNECTOR)
}

impl HyAltoClient {
    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.inner.http.base_url()
    }

    /// Which tenant is read, in the words that plans name it by: the number of the API key, which stands before the dot of
    /// its access key, and where the API is. Plans are compared by it before they are carried out.
    #[must_use]
    pub fn tenant(access_key: &str, base_url: &BaseUrl) -> String {
        let number = access_key.trim().split_once('.').map(|(number, _)| number);
        let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match number.filter(is_number) {
            Some(number) => format!("API key {number} at {}", base_url.host()),
            None => format!("an API key at {}", base_url.host()),
        }
    }

    pub(crate) fn own_tenant(&self) -> &str {
        &self.inner.tenant
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.inner.concurrency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_is_told_by_the_number_of_the_key_and_never_by_what_follows_it() {
        let base = BaseUrl::parse("https://api.example.com/hyalto").unwrap();
        let tenant = |key| HyAltoClient::tenant(key, &base);
        assert_eq!(tenant("12.0b0e2f64-6f3d"), "API key 12 at api.example.com");
        for other in ["0b0e2f64", ".0b0e2f64", "a1.0b0e2f64", ""] {
            assert_eq!(tenant(other), "an API key at api.example.com");
        }
    }

    #[test]
    fn neither_key_is_shown_by_builder_or_client() {
        let builder = HyAltoClient::builder()
            .access_key("12.the-access-part")
            .secret_key("the-secret-part".into());
        let mut shown = format!("{builder:?}");
        shown.push_str(&format!("{:?}", builder.build().unwrap()));
        assert!(!shown.contains("the-access-part"), "{shown}");
        assert!(!shown.contains("the-secret-part"), "{shown}");
    }
}
