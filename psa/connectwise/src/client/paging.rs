//! The two paging styles of list calls.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tallyline_core::http::{
    Continuation, Link, ListRecord, Page, PageStrategy, Request, Response, parse_link_header,
};
use tallyline_core::{ErrorKind, Result};

/// How a list is walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PagingStyle {
    /// By page number, in an order of choice.
    #[default]
    Navigable,
    /// From id to id: faster on long lists, always in the order of ids. A few endpoints do
    /// not know it.
    ForwardOnly,
}

/// Walks a list in either style.
///
/// A `Link` header is only asked whether there is a next page and where it starts: host,
/// path, codebase and filters stay those of the first request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    pub(super) style: PagingStyle,
    pub(super) page_size: u16,
}

/// The part of a record that paging needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Id {
    id: Option<i64>,
}

impl<T: DeserializeOwned> PageStrategy<ListRecord<T>> for Pages {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        let request = request.set_query("pageSize", self.page_size);
        let request = match self.style {
            PagingStyle::Navigable => request,
            PagingStyle::ForwardOnly => request.header("pagination-type", "forward-only"),
        };
        match at {
            Some(Continuation::PageNumber(page)) => request.set_query("page", page),
            Some(Continuation::Token(last)) => request.set_query("pageId", last),
            _ if self.style == PagingStyle::Navigable => request.set_query("page", 1),
            _ => request,
        }
    }

    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<ListRecord<T>>> {
        let items = response.list()?;
        if let Some(Continuation::Token(asked)) = at
            && let Ok(asked) = asked.parse::<i64>()
            && ids(response)?.any(|id| id <= asked)
        {
            return Err(response.error(
                ErrorKind::Protocol,
                "the endpoint does not know forward-only paging: ids came again; use navigable paging",
            ));
        }
        let links: Vec<Link> = response
            .headers()
            .get_all("link")
            .iter()
            .flat_map(|value| parse_link_header(&String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let next = if response.headers().contains_key("link") {
            self.next_of(response, &links, at)?
        } else if items.len() < usize::from(self.page_size) {
            None
        } else {
            // An endpoint without the header: a full page may have a successor.
            self.after_full_page(response, at)?
        };
        Ok(Page { items, next })
    }
}

impl Pages {
    /// Where the page after the one behind a link starts.
    fn next_of(
        &self,
        response: &Response,
        links: &[Link],
        at: Option<&Continuation>,
    ) -> Result<Option<Continuation>> {
        let protocol = |message: &str| response.error(ErrorKind::Protocol, message);
        let Some(next) = links.iter().find(|link| link.has_rel("next")) else {
            return Ok(None);
        };
        let query = next.url.split_once('?').map_or("", |(_, query)| query);
        // Both parameters are 32-bit integers in the vendor's document: more is no page.
        let number = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.parse::<u32>().ok())
                .filter(|number| i32::try_from(*number).is_ok())
                .map(u64::from)
        };
        // A link of a navigable list may carry an empty or stale pageId beside its page.
        let found = match self.style {
            PagingStyle::Navigable => number("page")
                .map(Continuation::PageNumber)
                .or_else(|| number("pageId").map(|id| Continuation::Token(id.to_string()))),
            PagingStyle::ForwardOnly => number("pageId")
                .map(|id| Continuation::Token(id.to_string()))
                .or_else(|| number("page").map(Continuation::PageNumber)),
        };
        match found {
            Some(Continuation::PageNumber(page)) if page <= number_of(at) => {
                Err(protocol("the link to the next page leads back"))
            }
            Some(next) => Ok(Some(next)),
            None => Err(protocol("the link to the next page names no page")),
        }
    }

    fn after_full_page(
        &self,
        response: &Response,
        at: Option<&Continuation>,
    ) -> Result<Option<Continuation>> {
        match (self.style, at) {
            (_, Some(Continuation::PageNumber(page))) => {
                Ok(Some(Continuation::PageNumber(page.saturating_add(1))))
            }
            (PagingStyle::Navigable, None) => Ok(Some(Continuation::PageNumber(2))),
            _ => match ids(response)?.max() {
                Some(last) => Ok(Some(Continuation::Token(last.to_string()))),
                None => Err(response.error(
                    ErrorKind::Protocol,
                    "a page of records without ids cannot be followed",
                )),
            },
        }
    }
}

/// The number of the page behind a continuation: the first where it is not numbered.
fn number_of(at: Option<&Continuation>) -> u64 {
    match at {
        Some(Continuation::PageNumber(page)) => *page,
        _ => 1,
    }
}

/// The ids of the records that have one.
fn ids(response: &Response) -> Result<impl Iterator<Item = i64>> {
    let records = response.list::<Id>()?.into_iter();
    Ok(records.filter_map(|record| match record {
        ListRecord::Decoded(record) => record.id,
        ListRecord::Raw(_) => None,
    }))
}
