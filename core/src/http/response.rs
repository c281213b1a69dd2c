//! A 2xx answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::prepare::Exchange;
use super::retry_after::asked_wait;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::wire::{ListRecord, decode_json, decode_list, decode_records};

/// A 2xx answer, read whole. Its `Debug` shows no header value or body.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) exchange: Arc<Exchange>,
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

    /// The wait that the answer asks for in its `Retry-After` header.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        asked_wait(&self.headers)
    }

    /// Decodes the JSON body.
    ///
    /// # Errors
    /// `Protocol` when the answer is no JSON, or does not fit `T`; the error names the
    /// operation, the exchange and the JSON path.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.check_json()?;
        decode_json(&self.body).map_err(|error| self.decode_error(&error, None))
    }

    /// Decodes one field of a JSON object, in the place of the whole body; absent is `null`.
    ///
    /// # Errors
    /// As [`Response::json`].
    pub fn json_field<T: DeserializeOwned>(&self, field: &str) -> Result<T> {
        self.check_json()?;
        let fields: BTreeMap<String, Box<RawValue>> =
            decode_json(&self.body).map_err(|error| self.decode_error(&error, None))?;
        let value = fields.get(field).map_or("null", |value| value.get());
        decode_json(value.as_bytes()).map_err(|error| self.decode_error(&error, Some(field)))
    }

    /// Decodes the JSON body as a list, each record by itself: one that does not fit is given as it came.
    /// This costs less than to take the list apart before its records are decoded.
    ///
    /// # Errors
    /// `Protocol` when the answer is no JSON list.
    pub fn list<T: DeserializeOwned>(&self) -> Result<Vec<ListRecord<T>>> {
        self.check_json()?;
        match decode_list(&self.body) {
            Some(records) => Ok(records),
            // It is read again for the words, and for the place in it.
            None => {
                let records: Vec<Box<RawValue>> = self.json()?;
                Ok(records.into_iter().map(ListRecord::Raw).collect())
            }
        }
    }

    /// The records of the list in a field of a JSON object; absent and `null` are none.
    pub(crate) fn records(&self, field: &str) -> Result<Option<Vec<Box<RawValue>>>> {
        self.check_json()?;
        decode_records(&self.body, field).map_err(|error| self.decode_error(&error, None))
    }

    /// An error about this answer, with everything known of the exchange.
    pub fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        let exchange = &self.exchange;
        let http = exchange.http_context(self.status, &self.headers, &self.body);
        exchange
            .error(kind, exchange.redactor.redact(&message.into()), http)
            .with_sent(Sent::Yes)
    }

    /// The body as text.
    ///
    /// # Errors
    /// `Protocol` when it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body)
            .map_err(|_| self.error(ErrorKind::Protocol, "the answer is not UTF-8"))
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The id that the system gave the request.
    #[must_use]
    pub fn vendor_request_id(&self) -> Option<&str> {
        let name = self.exchange.vendor_request_id_header.as_ref()?;
        self.headers.get(name)?.to_str().ok()
    }

    /// The id that this client gave the request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.exchange.request_id
    }

    fn check_json(&self) -> Result<()> {
        if self.body.trim_ascii().is_empty() {
            return Err(self.error(ErrorKind::Protocol, "the answer is empty, not JSON"));
        }
        let Some(value) = self.headers.get(header::CONTENT_TYPE) else {
            return Ok(());
        };
        let value = String::from_utf8_lossy(value.as_bytes());
        let essence = value.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        if matches!(essence.as_str(), "application/json" | "text/json")
            || essence.ends_with("+json")
        {
            return Ok(());
        }
        Err(self.error(
            ErrorKind::Protocol,
            format!("the answer is {essence:?}, not JSON"),
        ))
    }

    fn decode_error(&self, error: &Error, field: Option<&str>) -> Error {
        // The decoder's words may quote the answer.
        let message = if self.exchange.sensitive {
            "the answer does not have the expected shape"
        } else {
            error.message()
        };
        let inner = error.json_path().filter(|path| *path != ".");
        let path = match (field, inner) {
            (None, None) => None,
            (None, Some(path)) => Some(path.to_owned()),
            (Some(field), None) => Some(field.to_owned()),
            (Some(field), Some(path)) if path.starts_with('[') => Some(format!("{field}{path}")),
            (Some(field), Some(path)) => Some(format!("{field}.{path}")),
        };
        let error = self.error(ErrorKind::Protocol, message);
        match path {
            Some(path) => error.with_json_path(self.exchange.redactor.redact(&path)),
            None => error,
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("operation", &self.exchange.operation.name)
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}
