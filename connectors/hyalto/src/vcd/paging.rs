//! Lists of both families, page by page. A list is whole, or an error: a page that comes again, one of another number, and
//! a count that does not fit what came are none of a list that was read.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer};
use tallyline_core::http::{
    Continuation, Page, PageStrategy, RawRecord, Request, Response, parse_link_header,
};
use tallyline_core::wire::{null_as_empty, whole_number};
use tallyline_core::{Error, ErrorKind, Result};

/// Which family's list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// The query service: `record`, `total`, `page`.
    Query,
    /// OpenAPI: `values`, `resultTotal`, `page`, `pageCount`, and a `Link` to the next page.
    OpenApi,
}

/// One walk over a list.
#[derive(Debug)]
pub(super) struct Pages {
    family: Family,
    size: u32,
    walk: Mutex<Walk>,
}

#[derive(Debug, Default)]
struct Walk {
    pages: u64,
    total: Option<u64>,
    seen: HashSet<(u64, u64)>,
}

/// What a page says of itself, and its records.
#[derive(Debug, Default)]
struct Told {
    records: Vec<RawRecord>,
    page: Option<u64>,
    page_count: Option<u64>,
    total: Option<u64>,
    link: Option<String>,
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Count(#[serde(deserialize_with = "whole_number")] u64);
    Ok(Option::<Count>::deserialize(deserializer)?.map(|Count(count)| count))
}

#[derive(Deserialize)]
struct Container {
    #[serde(default, deserialize_with = "null_as_empty")]
    record: Vec<RawRecord>,
    #[serde(default, deserialize_with = "count")]
    page: Option<u64>,
    #[serde(deserialize_with = "whole_number")]
    total: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(deserialize_with = "null_as_empty")]
    values: Vec<RawRecord>,
    #[serde(default, deserialize_with = "count")]
    page: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    page_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    result_total: Option<u64>,
}

impl Pages {
    pub(super) fn new(family: Family, size: u32) -> Self {
        Self {
            family,
            size,
            walk: Mutex::default(),
        }
    }

    fn told(&self, response: &Response) -> Result<Told> {
        Ok(match self.family {
            Family::Query => {
                let own: Container = response.json()?;
                Told {
                    records: own.record,
                    page: own.page,
                    total: Some(own.total),
                    ..Told::default()
                }
            }
            Family::OpenApi => {
                let own: Envelope = response.json()?;
                Told {
                    records: own.values,
                    page: own.page,
                    page_count: own.page_count,
                    total: own.result_total,
                    link: next_link(response)?,
                }
            }
        })
    }
}

/// The query of the next page, where a `Link` names one. Host and path stay those that were asked.
fn next_link(response: &Response) -> Result<Option<String>> {
    let headers = response.headers().get_all("link").iter();
    let next = headers
        .flat_map(|value| parse_link_header(&String::from_utf8_lossy(value.as_bytes())))
        .find(|link| link.has_rel("nextPage"));
    let Some(next) = next else { return Ok(None) };
    let target = next.url.split('#').next().unwrap_or_default();
    match target.split_once('?') {
        Some((_, query)) if !query.is_empty() => Ok(Some(query.to_owned())),
        _ => Err(refuse(response, "the link to the next page has no query")),
    }
}

fn refuse(response: &Response, why: impl Into<String>) -> Error {
    response.error(ErrorKind::Protocol, why)
}

/// Two numbers that stand for a record's text.
fn mark(record: &RawRecord) -> (u64, u64) {
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        record.get().hash(&mut hasher);
        hasher.finish()
    };
    (hash(0), hash(1))
}

fn number(at: Option<&Continuation>) -> Option<u64> {
    match at {
        None => Some(1),
        Some(Continuation::PageNumber(number)) => Some(*number),
        Some(_) => None,
    }
}

impl Walk {
    /// Takes a page in. Gives its records that are new, and whether more of them are to come; nothing where the page does
    /// not tell how many there are.
    fn take(&mut self, told: Told, response: &Response) -> Result<(Vec<RawRecord>, Option<bool>)> {
        self.pages += 1;
        let came = told.records.len();
        let mut fresh = told.records;
        // The same record twice is one record: pages shift while they are read.
        fresh.retain(|record| self.seen.insert(mark(record)));
        if came > 0 && fresh.is_empty() {
            return Err(refuse(response, "a page came that was read before"));
        }
        let before = self.total.or(told.total);
        self.total = told.total.or(self.total);
        if before != self.total {
            let (now, before) = (shown(self.total), shown(before));
            return Err(refuse(
                response,
                format!(
                    "the list was of {before} records and is now of {now}: it changed while it was read"
                ),
            ));
        }
        let Some(total) = self.total else {
            return Ok((fresh, None));
        };
        let read = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        if read > total {
            return Err(refuse(
                response,
                format!("the list is of {total} records, and {read} came"),
            ));
        }
        if read < total && came == 0 {
            return Err(refuse(
                response,
                format!("the list ended after {read} of {total} records"),
            ));
        }
        Ok((fresh, Some(read < total)))
    }
}

fn shown(total: Option<u64>) -> String {
    total.map_or_else(|| "an unknown number of".to_owned(), |it| it.to_string())
}

impl PageStrategy<RawRecord> for Pages {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        match at {
            Some(Continuation::Link(query)) => request.replace_query(query),
            at => request
                .set_query("page", number(at).unwrap_or(1))
                .set_query("pageSize", self.size),
        }
    }

    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<RawRecord>> {
        let told = self.told(response)?;
        if let (Some(page), Some(asked)) = (told.page, number(at))
            && page != asked
        {
            return Err(refuse(
                response,
                format!("page {page} came in the place of page {asked}"),
            ));
        }
        let full = told.records.len() >= usize::try_from(self.size).unwrap_or(usize::MAX);
        let (link, page_count) = (told.link.clone(), told.page_count);
        let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        let (items, more) = walk.take(told, response)?;
        let next = Continuation::PageNumber(walk.pages.saturating_add(1));
        let next = match (link, more) {
            (Some(_), _) if items.is_empty() => {
                return Err(refuse(response, "a page without records leads on"));
            }
            (Some(query), _) => Some(Continuation::Link(query)),
            (None, Some(more)) => more.then_some(next),
            // Nothing tells how many there are: some lists leave all of it out.
            (None, None) => page_count
                .map_or(full, |pages| walk.pages < pages)
                .then_some(next),
        };
        Ok(Page { items, next })
    }
}
