//! How lists are paged: offset and limit, advanced by what was received.

use std::collections::{BTreeSet, VecDeque};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tallyline_core::http::{
    Continuation, HttpClient, Operation, Page, PageStrategy, Paged, RawRecord, Request, Response,
};
use tallyline_core::wire::whole_number;
use tallyline_core::{Error, ErrorKind, Result};

use super::CONNECTOR;

/// The field of the answers that holds the records.
pub(crate) const FIELD: &str = "data";

/// Pages of a size that is asked for, and ended by what the answer says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    pub(crate) size: u32,
}

/// A page as a whole: where it begins, its rows, and how many there are in all.
#[derive(Debug)]
pub(crate) struct ListPage {
    pub(crate) offset: u64,
    pub(crate) rows: Vec<RawRecord>,
    pub(crate) total: Option<u64>,
    /// How many rows it holds at most, by the vendor's own word.
    limit: Option<u64>,
}

impl ListPage {
    /// Where the next page begins: after as many rows as came. What is more than a page holds came twice.
    pub(crate) fn end(&self) -> u64 {
        let came = count(self.rows.len());
        let came = self.limit.map_or(came, |limit| came.min(limit.max(1)));
        self.offset.saturating_add(came)
    }
}

#[derive(Deserialize)]
struct Envelope {
    data: Vec<RawRecord>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(deserialize_with = "whole_number")]
    total: u64,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<u64>,
}

fn limit<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<u64>, D::Error> {
    whole_number(deserializer).map(Some)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn offset(at: Option<&Continuation>) -> u64 {
    match at {
        Some(Continuation::Offset(offset)) => *offset,
        _ => 0,
    }
}

impl Pages {
    fn ask(self, request: Request, at: Option<&Continuation>) -> Request {
        request
            .set_query("offset", offset(at))
            .set_query("limit", self.size)
    }

    /// Without a total the list has ended at an empty page: a short one may be a smaller limit.
    fn read(response: &Response, at: Option<&Continuation>) -> Result<(ListPage, bool)> {
        let envelope: Envelope = response.json()?;
        let page = ListPage {
            offset: offset(at),
            rows: envelope.data,
            total: envelope.pagination.as_ref().map(|own| own.total),
            limit: envelope.pagination.and_then(|own| own.limit),
        };
        let more = match page.total {
            None => !page.rows.is_empty(),
            Some(total) if page.rows.is_empty() && page.offset < total => {
                return Err(response.error(
                    ErrorKind::Protocol,
                    format!("the list ended after {} of {total} rows", page.offset),
                ));
            }
            Some(total) => page.end() < total,
        };
        Ok((page, more))
    }
}

impl PageStrategy<RawPage> for Pages {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        self.ask(request, at)
    }

    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<RawPage>> {
        let (page, more) = Self::read(response, at)?;
        Ok(Page {
            next: more.then(|| Continuation::Offset(page.end())),
            items: vec![RawPage(page)],
        })
    }
}

/// A page in the place of an item. It is made by the strategy, never decoded.
#[derive(Debug)]
pub(crate) struct RawPage(pub(crate) ListPage);

impl<'de> Deserialize<'de> for RawPage {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> std::result::Result<Self, D::Error> {
        Err(serde::de::Error::custom("a page is no record"))
    }
}

/// A record that is known by its id.
pub(crate) trait Identified {
    fn id(&self) -> &str;
}

/// A list on its way: what was handed out, and what is still to be asked for.
struct Walk<T, K> {
    http: HttpClient,
    request: Request,
    size: u32,
    keep: K,
    pages: Paged<RawPage>,
    waiting: VecDeque<Result<T>>,
    seen: BTreeSet<String>,
    broken: u64,
    total: Option<u64>,
    again: bool,
    over: bool,
}

/// The records of a list, each once.
///
/// A row that is made or taken away during the walk moves the pages. Where fewer rows were seen than the vendor counts,
/// the list is walked once more; where rows are missing then, the last item is an error.
pub(crate) fn distinct<T, K>(
    http: &HttpClient,
    request: Request,
    size: u32,
    keep: K,
) -> BoxStream<'static, Result<T>>
where
    T: DeserializeOwned + Identified + Send + 'static,
    K: Fn(&T) -> bool + Send + 'static,
{
    let walk = Walk {
        pages: http.paged(request.clone(), Pages { size }),
        http: http.clone(),
        request,
        size,
        keep,
        waiting: VecDeque::new(),
        seen: BTreeSet::new(),
        broken: 0,
        total: None,
        again: false,
        over: false,
    };
    stream::unfold(walk, |mut walk| async move {
        loop {
            if let Some(item) = walk.waiting.pop_front() {
                return Some((item, walk));
            }
            if walk.over {
                return None;
            }
            match walk.pages.next_item().await {
                Some(Ok(RawPage(page))) => walk.take(page),
                Some(Err(error)) => {
                    walk.over = true;
                    return Some((Err(error), walk));
                }
                None => walk.end(),
            }
        }
    })
    .boxed()
}

impl<T, K> Walk<T, K>
where
    T: DeserializeOwned + Identified,
    K: Fn(&T) -> bool,
{
    fn take(&mut self, page: ListPage) {
        self.total = page.total;
        for (at, raw) in page.rows.iter().enumerate() {
            let place = format!("{FIELD}[{at}]");
            let operation = self.request.operation();
            match self.http.decode_record::<T>(operation, &place, raw) {
                Ok(record) => {
                    if self.seen.insert(record.id().to_owned()) && (self.keep)(&record) {
                        self.waiting.push_back(Ok(record));
                    }
                }
                // Said once: nobody knows whether it is another one the second time.
                Err(_) if self.again => {}
                Err(error) => {
                    self.broken += 1;
                    self.waiting.push_back(Err(error));
                }
            }
        }
    }

    fn end(&mut self) {
        let seen = count(self.seen.len()).saturating_add(self.broken);
        let Some(total) = self.total.filter(|total| seen < *total) else {
            self.over = true;
            return;
        };
        if self.again {
            self.over = true;
            let error = missing_rows(self.request.operation(), seen, total);
            self.waiting.push_back(Err(error));
        } else {
            self.again = true;
            let strategy = Pages { size: self.size };
            self.pages = self.http.paged(self.request.clone(), strategy);
        }
    }
}

/// Rows that slipped through twice.
pub(crate) fn missing_rows(operation: &Operation, seen: u64, total: u64) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the list changed while it was read, twice: {seen} of {total} rows were seen"),
    )
    .with_connector(CONNECTOR)
    .with_operation(operation.name)
}
