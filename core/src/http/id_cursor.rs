//! Lists in the order of their ids, read from the last id on.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::paging::{Continuation, Page, PageStrategy};
use super::request::Request;
use super::response::Response;
use crate::error::{ErrorKind, Result};
use crate::wire::decode_json;

/// Writes what a page is asked for into a request: the records whose id is above the last one
/// read, in the order of their ids; all of them where there is none.
pub type AskAfter = dyn Fn(Request, Option<i64>) -> Request + Send + Sync;

/// Pages from id to id, for systems that answer in the order of ids and can filter by it.
///
/// Records that come and go meanwhile move no page. The list has ended at a page that is not
/// full and that the system does not say to have a successor. An id that is not above the one
/// asked after is a `Protocol` error: the system did not heed the filter, and the walk would not
/// end. A record may come twice within a page: who must not count it twice leaves it out.
pub struct IdCursor {
    /// The field of the body that holds the records.
    pub items: &'static str,
    /// How many records a page is asked to hold.
    pub page_size: usize,
    /// Whether an answer says that there are more pages, however few records it holds.
    pub says_more: fn(&Response) -> Result<bool>,
    /// Writes the question.
    pub ask: Box<AskAfter>,
}

/// The part of a record that paging needs.
#[derive(Deserialize)]
struct Id {
    #[serde(deserialize_with = "crate::wire::whole_number")]
    id: i64,
}

impl PageStrategy<Box<RawValue>> for IdCursor {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        (self.ask)(request, after(at))
    }

    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<Box<RawValue>>> {
        let items = response.records(self.items)?;
        // An answer without the list is no empty list.
        let items = items.ok_or_else(|| {
            response
                .error(ErrorKind::Protocol, "the answer holds no list")
                .with_json_path(self.items)
        })?;
        let more = !items.is_empty()
            && (items.len() >= self.page_size.max(1) || (self.says_more)(response)?);
        let asked = after(at);
        if !more && asked.is_none() {
            return Ok(Page { items, next: None });
        }
        let mut last = asked;
        for (place, item) in items.iter().enumerate() {
            let id = decode_json::<Id>(item.get().as_bytes())
                .ok()
                .map(|row| row.id);
            let problem = match (id, asked) {
                // On the last page it is for whoever reads the record to say so.
                (None, _) if !more => continue,
                (None, _) => "a page of records without ids cannot be followed",
                (Some(id), Some(asked)) if id <= asked => {
                    "the records are not those after the id asked for"
                }
                (Some(id), _) => {
                    last = last.max(Some(id));
                    continue;
                }
            };
            let path = format!("{}[{place}].id", self.items);
            return Err(response
                .error(ErrorKind::Protocol, problem)
                .with_json_path(path));
        }
        let next = last.filter(|_| more);
        let next = next.map(|last| Continuation::Token(last.to_string()));
        Ok(Page { items, next })
    }
}

fn after(at: Option<&Continuation>) -> Option<i64> {
    match at {
        Some(Continuation::Token(last)) => last.parse().ok(),
        _ => None,
    }
}

impl fmt::Debug for IdCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdCursor")
            .field("items", &self.items)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}
