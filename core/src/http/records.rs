//! Lists whose records are decoded one by one.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::client::HttpClient;
use super::operation::Operation;
use super::paging::{Page, PageStrategy};
use super::request::Request;
use crate::error::{Error, ErrorKind, Result};
pub use crate::wire::ListRecord;
use crate::wire::decode_json;

/// A record as it came.
pub type RawRecord = Box<RawValue>;

/// The records of a list, read page by page.
///
/// A record that cannot be decoded is an error by name and path, and the stream goes on; any
/// other error ends it. Dropping the stream stops its requests.
pub struct Records<T> {
    state: State<T>,
}

enum State<T> {
    Refused(Option<Error>),
    Open(Box<Open<T>>),
}

struct Open<T> {
    pages: BoxStream<'static, Result<Page<ListRecord<T>>>>,
    /// What is left of the page that is being handed out.
    page: vec::IntoIter<ListRecord<T>>,
    client: HttpClient,
    operation: &'static Operation,
    /// The field of the answers that holds the records; empty where it is the whole.
    field: &'static str,
    seen: usize,
}

impl<T> Unpin for Records<T> {}

impl<T: 'static> Records<T> {
    /// A list that is taken apart before its records are decoded. `field` names the field of the answers
    /// that holds the records, for errors; empty where it is the whole body.
    pub fn new(
        client: &HttpClient,
        request: Request,
        strategy: impl PageStrategy<RawRecord>,
        field: &'static str,
    ) -> Self {
        let operation = request.operation();
        let pages = client.paged(request, strategy).into_pages();
        let pages = pages.map(|page| {
            let Page { items, next } = page?;
            let items = items.into_iter().map(ListRecord::Raw).collect();
            Ok(Page { items, next })
        });
        Self::open(client, operation, pages.boxed(), field)
    }

    /// A list whose records are decoded with it, as [`Response::list`](super::Response::list) does. `field` as
    /// in [`new`](Self::new).
    pub fn decoded(
        client: &HttpClient,
        request: Request,
        strategy: impl PageStrategy<ListRecord<T>>,
        field: &'static str,
    ) -> Self
    where
        T: DeserializeOwned + Send,
    {
        let operation = request.operation();
        let pages = client.paged(request, strategy).into_pages();
        Self::open(client, operation, pages, field)
    }

    fn open(
        client: &HttpClient,
        operation: &'static Operation,
        pages: BoxStream<'static, Result<Page<ListRecord<T>>>>,
        field: &'static str,
    ) -> Self {
        Self {
            state: State::Open(Box::new(Open {
                pages,
                page: Vec::new().into_iter(),
                client: client.clone(),
                operation,
                field,
                seen: 0,
            })),
        }
    }
}

impl<T> Records<T> {
    /// A list that cannot be asked for.
    #[must_use]
    pub fn refused(error: Error) -> Self {
        Self {
            state: State::Refused(Some(error)),
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
    pub async fn try_collect_all(self, limit: usize) -> Result<Vec<T>> {
        let mut open = match self.state {
            State::Refused(error) => return error.map_or_else(|| Ok(Vec::new()), Err),
            State::Open(open) => open,
        };
        let mut records = Vec::new();
        loop {
            let mut page: Vec<_> = std::mem::take(&mut open.page).collect();
            let room = limit - records.len();
            let too_many = page.len() > room;
            page.truncate(room);
            let page = page.into_iter().map(|record| open.record(record));
            let page: Vec<T> = page.collect::<Result<_>>()?;
            if records.is_empty() {
                records = page;
            } else {
                records.extend(page);
            }
            if too_many {
                let message = format!("there are more than {limit} records");
                return Err(
                    Error::new(ErrorKind::Invalid, message).with_operation(open.operation.name)
                );
            }
            match open.pages.next().await {
                Some(page) => open.page = page?.items.into_iter(),
                None => return Ok(records),
            }
        }
    }
}

impl<T: DeserializeOwned> Open<T> {
    /// Gives the next record out, or says what is wrong with it.
    fn record(&mut self, record: ListRecord<T>) -> Result<T> {
        let at = self.seen;
        self.seen += 1;
        match record {
            ListRecord::Decoded(record) => Ok(record),
            ListRecord::Raw(row) => {
                let place = format!("{}[{at}]", self.field);
                self.client.decode_record(self.operation, &place, &row)
            }
        }
    }
}

impl<T: DeserializeOwned> Stream for Records<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let open = match &mut self.get_mut().state {
            State::Refused(error) => return Poll::Ready(error.take().map(Err)),
            State::Open(open) => open,
        };
        loop {
            if let Some(record) = open.page.next() {
                return Poll::Ready(Some(open.record(record)));
            }
            match ready!(open.pages.poll_next_unpin(context)) {
                Some(Ok(page)) => open.page = page.items.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
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
            match decode_json::<Id>(record.get().as_bytes()) {
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
