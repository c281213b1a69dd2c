//! Lists whose records are decoded one by one.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::client::HttpClient;
use super::operation::Operation;
use super::paging::{PageStrategy, Paged};
use super::request::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::decode_json;

/// A record as it came.
pub type RawRecord = Box<RawValue>;

/// The records of a list, read page by page.
///
/// A record that cannot be decoded is an error by name and path, and the stream goes on; any
/// other error ends it. Dropping the stream stops its requests.
pub struct Records<T> {
    state: State,
    record: PhantomData<fn() -> T>,
}

enum State {
    Refused(Option<Error>),
    Open(Box<Open>),
}

struct Open {
    rows: Paged<RawRecord>,
    client: HttpClient,
    operation: &'static Operation,
    /// The field of the answers that holds the records; empty where it is the whole.
    field: &'static str,
    seen: usize,
}

impl<T> Records<T> {
    /// A list. `field` names the field of the answers that holds the records, for errors; empty
    /// where it is the whole body.
    pub fn new(
        client: &HttpClient,
        request: Request,
        strategy: impl PageStrategy<RawRecord>,
        field: &'static str,
    ) -> Self {
        let operation = request.operation();
        Self {
            state: State::Open(Box::new(Open {
                rows: client.paged(request, strategy),
                client: client.clone(),
                operation,
                field,
                seen: 0,
            })),
            record: PhantomData,
        }
    }

    /// A list that cannot be asked for.
    #[must_use]
    pub fn refused(error: Error) -> Self {
        Self {
            state: State::Refused(Some(error)),
            record: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Records<T> {
    /// The next record; none at the end.
    ///
    /// # Errors
    /// `Protocol` for a record that cannot be decoded, and the errors of the list call.
    pub async fn next_item(&mut self) -> Option<Result<T>> {
        self.next().await
    }

    /// All records, up to a number.
    ///
    /// # Errors
    /// The first error of the stream, and `Invalid` when there are more records than `limit`.
    pub async fn try_collect_all(mut self, limit: usize) -> Result<Vec<T>> {
        let operation = match &self.state {
            State::Open(open) => Some(open.operation.name),
            State::Refused(_) => None,
        };
        let mut records = Vec::new();
        while let Some(record) = self.next().await {
            if records.len() == limit {
                let error = Error::new(
                    ErrorKind::Invalid,
                    format!("there are more than {limit} records"),
                );
                return Err(match operation {
                    Some(operation) => error.with_operation(operation),
                    None => error,
                });
            }
            records.push(record?);
        }
        Ok(records)
    }
}

impl<T: DeserializeOwned> Stream for Records<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let open = match &mut self.get_mut().state {
            State::Refused(error) => return Poll::Ready(error.take().map(Err)),
            State::Open(open) => open,
        };
        open.rows.poll_next_unpin(context).map(|row| {
            let row = row?;
            let at = open.seen;
            open.seen += 1;
            Some(row.and_then(|row| {
                let place = format!("{}[{at}]", open.field);
                open.client.decode_record(open.operation, &place, &row)
            }))
        })
    }
}

impl HttpClient {
    /// Decodes one record of a list; an error names it by its place, such as `items[3]`, and by its
    /// id where it has one.
    ///
    /// # Errors
    /// `Protocol` when the record does not fit `T`.
    pub fn decode_record<T: DeserializeOwned>(
        &self,
        operation: &Operation,
        place: &str,
        record: &RawValue,
    ) -> Result<T> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Id {
            id: Option<i64>,
        }
        decode_json(record.get().as_bytes()).map_err(|error| {
            let path = match error.json_path() {
                Some(path) if path != "." => format!("{place}.{path}"),
                _ => place.to_owned(),
            };
            // The decoder's words quote the record.
            let redactor = self.redactor();
            let error = Error::new(error.kind(), redactor.redact(error.message()))
                .with_connector(self.0.connector)
                .with_operation(operation.name)
                .with_json_path(redactor.redact(&path));
            match serde_json::from_str::<Id>(record.get()) {
                Ok(Id { id: Some(id) }) => error.with_context("record", id.to_string()),
                _ => error,
            }
        })
    }
}

impl<T> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Records");
        if let State::Open(open) = &self.state {
            shown
                .field("operation", &open.operation.name)
                .field("seen", &open.seen);
        }
        shown.finish_non_exhaustive()
    }
}
