//! The typed client and its builder.

mod reads;
mod session;

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::Result;
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, HttpClient, HttpClientBuilder, Limiter, Limits,
    Observer, RetryPolicy, StaticHeaders, Timeouts, TokenCache, Transport, basic_auth,
    refuse_blank,
};

use super::auth::Sessions;
use super::contract::{
    self, Accepts, CLIENT_REQUEST_ID, CONNECTOR, DEFAULT_API_VERSION, MAX_PAGE_SIZE, REQUEST_ID,
    config,
};
use super::error::VcdErrors;

/// How many calls run at once where nothing else is said.
const DEFAULT_CONCURRENCY: usize = 4;

/// Who signs in. Neither a password nor a token is ever shown.
#[derive(Clone)]
pub struct VcdCredentials(Kind);

#[derive(Clone)]
enum Kind {
    Password {
        user: String,
        password: SecretString,
    },
    ApiToken(SecretString),
}

impl VcdCredentials {
    /// A user of the organisation, and the password.
    #[must_use]
    pub fn password(user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self(Kind::Password {
            user: user.into(),
            password: password.into(),
        })
    }

    /// An API token of a user of the organisation.
    #[must_use]
    pub fn api_token(token: impl Into<SecretString>) -> Self {
        Self(Kind::ApiToken(token.into()))
    }

    fn secret(&self) -> &SecretString {
        match &self.0 {
            Kind::Password { password, .. } => password,
            Kind::ApiToken(token) => token,
        }
    }

    /// The password as basic authentication, where there is one: the user is named with the organisation.
    fn basic(&self, org: &str) -> Option<SecretString> {
        match &self.0 {
            Kind::Password { user, password } => {
                Some(basic_auth(&format!("{user}@{org}"), password))
            }
            Kind::ApiToken(_) => None,
        }
    }

    fn refuse_blank(&self) -> Result<()> {
        match &self.0 {
            Kind::Password { user, password } => refuse_blank(
                CONNECTOR,
                [
                    ("user", user.as_str()),
                    ("password", password.expose_secret()),
                ],
            ),
            Kind::ApiToken(token) => {
                refuse_blank(CONNECTOR, [("API token", token.expose_secret())])
            }
        }
    }
}

impl fmt::Debug for VcdCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Password { user, .. } => f
                .debug_struct("Password")
                .field("user", user)
                .finish_non_exhaustive(),
            Kind::ApiToken(_) => f.debug_struct("ApiToken").finish_non_exhaustive(),
        }
    }
}

/// A client of VMware Cloud Director, as one organisation: a tenant, or the provider's `System`.
///
/// One method per operation, usable without the traits; [`VcdSource`](super::VcdSource) is the
/// [`VendorSource`](tallyline_core::VendorSource) over it. Cloning is cheap: clones share connections, the session and
/// limits.
///
/// ```no_run
/// use tallyline_hyalto::vcd::{Filter, VcdClient, VcdCredentials};
///
/// # async fn example() -> tallyline_core::Result<()> {
/// let client = VcdClient::builder()
///     .base_url("https://vcd.example.com")
///     .org("acme")
///     .credentials(VcdCredentials::password("reader", "the password"))
///     .build()?;
/// let mut vms = client.vms(&Filter::new().is("isVAppTemplate", "false"));
/// while let Some(vm) = vms.next_item().await {
///     let vm = vm?;
///     println!("{:?}: {:?} vCPU", vm.name, vm.number_of_cpus);
/// }
/// client.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VcdClient {
    inner: Arc<Inner>,
}

struct Inner {
    org: String,
    api_version: String,
    page_size: u32,
    accepts: Accepts,
    connection: Connection,
    /// Without credentials.
    open: HttpClient,
    http: HttpClient,
    sessions: Arc<TokenCache<Sessions>>,
}

impl fmt::Debug for VcdClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VcdClient")
            .field("org", &self.inner.org)
            .field("base_url", &self.base_url().as_str())
            .field("api_version", &self.inner.api_version)
            .field("page_size", &self.inner.page_size)
            .finish_non_exhaustive()
    }
}

#[bon::bon]
impl VcdClient {
    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// `org` is the organisation that the user belongs to; `System` is the provider's, which sees all of them. The password
    /// goes to the call that opens a session and to no other one. Plain HTTP is accepted for loopback alone. `api_version`
    /// is [`DEFAULT_API_VERSION`] where nothing is said; [`versions`](Self::versions) tells what the server offers.
    ///
    /// # Errors
    /// `build` gives `Config` when a value is blank, when the base URL is none or not HTTPS, when the version is none, when
    /// the page size is not from 1 to 128, when the concurrency is zero, or when the transport cannot be set up.
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// Where the server is, without `/api`.
        #[builder(into)]
        base_url: String,
        /// The organisation: a tenant's name, or `System`.
        #[builder(into)]
        org: String,
        /// Who signs in.
        credentials: VcdCredentials,
        /// The version of the API that is asked for.
        #[builder(into, default = DEFAULT_API_VERSION)]
        api_version: String,
        /// How many records a page is asked to hold.
        #[builder(default = MAX_PAGE_SIZE)]
        page_size: u32,
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
            [("base URL", base_url.as_str()), ("organisation", &org)],
        )?;
        credentials.refuse_blank()?;
        if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
            return Err(config(format!(
                "a page of {page_size} records: allow from 1 to {MAX_PAGE_SIZE}"
            )));
        }
        let accepts = Accepts::new(&api_version)?;
        let options = ConnectionOptions {
            concurrency,
            retry: retry.unwrap_or_default(),
            timeouts: timeouts.unwrap_or_default(),
            limits: limits.unwrap_or_default(),
            limiter,
            transport,
            observer,
            user_agent,
            jitter_seed,
        };
        let connection = Connection::new(CONNECTOR, &base_url, options)?
            .errors(Arc::new(VcdErrors))
            .secret(credentials.secret().clone());
        // The password as it stands in its header is one of the texts that are kept out of errors of all calls.
        let basic = credentials.basic(&org);
        let connection = basic
            .iter()
            .flat_map(|basic| basic.expose_secret().split(' '))
            .filter(|part| *part != "Basic")
            .fold(connection, |connection, pair| {
                connection.secret(pair.into())
            });
        let sign_in = named(connection.tokens());
        let sign_in = match basic {
            Some(basic) => {
                let header = StaticHeaders::new().header("authorization", basic);
                sign_in.credentials(Arc::new(header))
            }
            None => sign_in,
        };
        let api_token = match &credentials.0 {
            Kind::Password { .. } => None,
            Kind::ApiToken(token) => Some(token.clone()),
        };
        let sessions = Arc::new(TokenCache::new(Sessions {
            http: sign_in.build()?,
            org: org.clone(),
            accept: accepts.session.clone(),
            api_token,
        }));
        let http = named(connection.reads()).credentials(Arc::clone(&sessions) as _);
        Ok(Self {
            inner: Arc::new(Inner {
                org,
                api_version,
                page_size,
                accepts,
                open: named(connection.reads()).build()?,
                http: http.build()?,
                connection,
                sessions,
            }),
        })
    }
}

/// Names each request to the server, and says in errors what the server made of it.
fn named(http: HttpClientBuilder) -> HttpClientBuilder {
    http.request_id_header(CLIENT_REQUEST_ID)
        .vendor_request_id_header(REQUEST_ID)
}

impl VcdClient {
    /// Where the server is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.inner.http.base_url()
    }

    /// The version of the API that is asked for.
    #[must_use]
    pub fn api_version(&self) -> &str {
        &self.inner.api_version
    }

    /// The organisation that signs in.
    #[must_use]
    pub fn org(&self) -> &str {
        &self.inner.org
    }

    /// Whether it is the provider's.
    #[must_use]
    pub fn is_system(&self) -> bool {
        contract::is_system(&self.inner.org)
    }

    /// Which tenant is read, in the words that plans name it by. Plans are compared by it before they are carried out.
    #[must_use]
    pub fn tenant(org: &str, base_url: &BaseUrl) -> String {
        format!("{} at {}", org.trim(), base_url.host())
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.inner.connection.concurrency()
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::ErrorKind;

    use super::*;

    #[test]
    fn neither_password_nor_token_is_shown_by_builder_or_client() {
        for credentials in [
            VcdCredentials::password("reader", "the-secret-part"),
            VcdCredentials::api_token("the-secret-part"),
        ] {
            let builder = VcdClient::builder()
                .base_url("https://vcd.example.com")
                .org("acme")
                .credentials(credentials);
            let mut shown = format!("{builder:?}");
            shown.push_str(&format!("{:?}", builder.build().unwrap()));
            assert!(!shown.contains("the-secret-part"), "{shown}");
        }
    }

    #[test]
    fn what_no_server_takes_is_refused_before_anything_is_sent() {
        for (page_size, version, names) in [
            (0, "37.0", "page of 0"),
            (129, "37.0", "page of 129"),
            (128, "latest", "version"),
        ] {
            let error = VcdClient::builder()
                .base_url("https://vcd.example.com")
                .org("acme")
                .credentials(VcdCredentials::api_token("t0ken-of-a-test"))
                .page_size(page_size)
                .api_version(version)
                .build()
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(names), "{error}");
        }
    }
}
