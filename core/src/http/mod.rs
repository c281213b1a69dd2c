//! The one HTTP runtime under all connectors: credentials, retries, limits, paging, tracing.
//!
//! For connector authors; integrators meet it only through a connector's builder. It may
//! change in minor versions until 1.0.
//!
//! A connector declares its [`Operation`]s as statics, builds a [`Request`] per call and
//! sends it with an [`HttpClient`]; lists are walked with [`HttpClient::paged`], jobs waited for
//! with [`poll_job`]. Connectors hold no retry, paging or waiting loops of their own. The clients
//! of one tenant are begun from one [`Connection`]. The order inside is fixed: request id,
//! operation span, retry loop, address, limiter, credentials, attempt span, [`Transport`].
//!
//! What holds for every connector:
//! - Credentials go to the origin of the [`BaseUrl`] only, or to the address that a connector's
//!   [`AddressFinder`] has judged. Every URL is built from it, next links give their query alone,
//!   and redirects are never followed.
//! - A write is never blindly repeated. What is repeated when is one table; see
//!   [`RetryPolicy`].
//! - Every wait, body, page walk and queue is bounded; see [`Timeouts`], [`Limits`] and
//!   [`Limiter`].
//! - A window or quota of the system is not overstepped in whatever order requests arrive, and what
//!   other clients take of it is left to them; see [`Limiter`].
//! - Secrets stay out of errors, logs and `Debug` output; see [`Redactor`].

mod attempt;
mod auth;
mod base_url;
mod builder;
mod client;
mod connection;
mod errors;
mod id_cursor;
mod limiter;
mod link_header;
mod locate;
mod observe;
mod operation;
mod options;
mod paging;
mod poll;
mod prepare;
mod records;
mod redact;
mod request;
mod response;
mod retry;
mod retry_after;
mod strategies;
mod token;
mod token_answer;
mod transport;

#[cfg(feature = "reqwest")]
mod reqwest_transport;

#[cfg(test)]
mod tests;

pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method};

pub use auth::{AuthHeaders, CredentialProvider, StaticHeaders, basic_auth};
pub use base_url::BaseUrl;
pub use builder::HttpClientBuilder;
pub use client::HttpClient;
pub use connection::{Connection, ConnectionOptions, refuse_blank};
pub use errors::{ErrorDecoder, PlainErrors, VendorError};
pub use id_cursor::{AskAfter, IdCursor};
pub use limiter::{Limiter, LimiterOptions, RollingWindow};
pub use link_header::{Link, parse_link_header};
pub use locate::{AddressCache, AddressFinder};
pub use observe::{AttemptEvent, Observer, PageEvent, RateLimitEvent, RetryEvent};
pub use operation::{Idempotency, Operation};
pub use options::{Limits, Timeouts};
pub use paging::{Continuation, Page, PageStrategy, Paged};
pub use poll::{Ask, JobState, PollPolicy, poll_job};
pub use records::{ListRecord, RawRecord, Records};
pub use redact::Redactor;
pub use request::Request;
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub use reqwest_transport::ReqwestTransport;
pub use response::Response;
pub use retry::RetryPolicy;
pub use retry_after::parse_retry_after;
pub use strategies::{BodyLink, LinkHeader, Offset, PageNumber, Stop, TokenParam};
pub use token::{Token, TokenCache, TokenFetcher};
pub use token_answer::TokenAnswer;
pub use transport::{Phase, Transport, TransportError, TransportRequest, TransportResponse};
