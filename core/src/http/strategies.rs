//! The usual ways to page a list.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::link_header::parse_link_header;
use super::paging::{Continuation, Page, PageStrategy};
use super::request::Request;
use super::response::Response;
use crate::error::{ErrorKind, Result};

/// When a list that is counted has ended.
///
/// There is no "on a page that is not full": systems lower a page size silently, and the list
/// would be cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At the first empty page.
    EmptyPage,
    /// When this field of the body says how many items there are, and they were read.
    TotalItems(&'static str),
    /// When this field of the body says how many pages there are, and they were read.
    TotalPages(&'static str),
}

/// The `Link` header's `rel="next"`. Of the target only the query is used: the next page is
/// asked for at the same host and path.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkHeader {
    /// The field of the body that holds the items; the whole body where `None`.
    pub items: Option<&'static str>,
}

/// A next link in a field of the body. Of the target only the query is used.
#[derive(Clone, Copy, Debug)]
pub struct BodyLink {
    /// The field of the body that holds the items.
    pub items: &'static str,
    /// The field that holds the link; absent, `null` or empty on the last page.
    pub link: &'static str,
}

/// A token in a field of the body, sent back as a query parameter.
#[derive(Clone, Copy, Debug)]
pub struct TokenParam {
    /// The field of the body that holds the items.
    pub items: &'static str,
    /// The field that holds the token; absent, `null` or empty on the last page.
    pub token: &'static str,
    /// The query parameter that takes it.
    pub param: &'static str,
}

/// Numbered pages of a size.
#[derive(Clone, Copy, Debug)]
pub struct PageNumber {
    /// The field of the body that holds the items; the whole body where `None`.
    pub items: Option<&'static str>,
    /// The query parameter of the page number.
    pub page: &'static str,
    /// The query parameter of the page size.
    pub size: &'static str,
    /// How many items a page is asked to hold.
    pub page_size: u32,
    /// The number of the first page.
    pub first: u64,
    /// When the list has ended.
    pub stop: Stop,
}

/// An offset and a limit.
#[derive(Clone, Copy, Debug)]
pub struct Offset {
    /// The field of the body that holds the items; the whole body where `None`.
    pub items: Option<&'static str>,
    /// The query parameter of the offset.
    pub offset: &'static str,
    /// The query parameter of the limit.
    pub limit: &'static str,
    /// How many items a page is asked to hold.
    pub page_size: u32,
    /// When the list has ended: [`Stop::TotalPages`] does not fit and counts as an empty page.
    pub stop: Stop,
}

impl Response {
    /// The items in the whole body, or in a field of it.
    fn items<T: DeserializeOwned>(&self, field: Option<&str>) -> Result<Vec<T>> {
        match field {
            None => self.json(),
            Some(field) => self.json_field(field),
        }
    }

    /// A text or number of the body, where it is there and not empty.
    fn scalar(&self, field: &str) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Scalar(#[serde(deserialize_with = "crate::wire::text_or_number")] Arc<str>);
        let scalar: Option<Scalar> = self.json_field(field)?;
        Ok(scalar
            .map(|text| text.0.to_string())
            .filter(|text| !text.is_empty()))
    }

    fn count(&self, field: &str) -> Result<u64> {
        let text = self.scalar(field)?.unwrap_or_default();
        text.parse().map_err(|_| {
            self.error(
                ErrorKind::Protocol,
                format!("the field {field} holds no count"),
            )
        })
    }

    /// The place after a page that was counted.
    fn counted(&self, stop: Stop, before: u64, items: usize, page: u64) -> Result<bool> {
        let read = before.saturating_add(u64::try_from(items).unwrap_or(u64::MAX));
        match stop {
            Stop::EmptyPage => Ok(items > 0),
            Stop::TotalPages(field) => Ok(page < self.count(field)?),
            Stop::TotalItems(field) => {
                let total = self.count(field)?;
                if items == 0 && read < total {
                    return Err(self.error(
                        ErrorKind::Protocol,
                        format!("the list ended after {read} of {total} items"),
                    ));
                }
                Ok(read < total)
            }
        }
    }

    fn next_query(&self, target: &str) -> Result<Continuation> {
        let target = target.split('#').next().unwrap_or_default();
        match target.split_once('?') {
            Some((_, query)) if !query.is_empty() => Ok(Continuation::Link(query.to_owned())),
            _ => Err(self.error(ErrorKind::Protocol, "the next link has no query")),
        }
    }
}

fn follow(request: Request, at: Option<&Continuation>) -> Request {
    match at {
        Some(Continuation::Link(query)) => request.replace_query(query),
        _ => request,
    }
}

impl<T: DeserializeOwned> PageStrategy<T> for LinkHeader {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        follow(request, at)
    }

    fn parse(&self, response: &Response, _at: Option<&Continuation>) -> Result<Page<T>> {
        let next = response
            .headers()
            .get_all(::http::header::LINK)
            .iter()
            .flat_map(|value| parse_link_header(&String::from_utf8_lossy(value.as_bytes())))
            .find(|link| link.has_rel("next"));
        Ok(Page {
            items: response.items(self.items)?,
            next: next
                .map(|link| response.next_query(&link.url))
                .transpose()?,
        })
    }
}

impl<T: DeserializeOwned> PageStrategy<T> for BodyLink {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        follow(request, at)
    }

    fn parse(&self, response: &Response, _at: Option<&Continuation>) -> Result<Page<T>> {
        let link = response.scalar(self.link)?;
        Ok(Page {
            items: response.items(Some(self.items))?,
            next: link.map(|link| response.next_query(&link)).transpose()?,
        })
    }
}

impl<T: DeserializeOwned> PageStrategy<T> for TokenParam {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        match at {
            Some(Continuation::Token(token)) => request.set_query(self.param, token),
            _ => request,
        }
    }

    fn parse(&self, response: &Response, _at: Option<&Continuation>) -> Result<Page<T>> {
        Ok(Page {
            items: response.items(Some(self.items))?,
            next: response.scalar(self.token)?.map(Continuation::Token),
        })
    }
}

impl<T: DeserializeOwned> PageStrategy<T> for PageNumber {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        request
            .set_query(self.page, self.number(at))
            .set_query(self.size, self.page_size)
    }

    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<T>> {
        let items: Vec<T> = response.items(self.items)?;
        let number = self.number(at);
        let index = number.saturating_sub(self.first);
        let before = index.saturating_mul(u64::from(self.page_size));
        let more = response.counted(self.stop, before, items.len(), index.saturating_add(1))?;
        Ok(Page {
            items,
            next: more.then(|| Continuation::PageNumber(number.saturating_add(1))),
        })
    }
}

impl PageNumber {
    fn number(&self, at: Option<&Continuation>) -> u64 {
        match at {
            Some(Continuation::PageNumber(number)) => *number,
            _ => self.first,
        }
    }
}

impl<T: DeserializeOwned> PageStrategy<T> for Offset {
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request {
        request
            .set_query(self.offset, offset(at))
            .set_query(self.limit, self.page_size)
    }

    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<T>> {
        let items: Vec<T> = response.items(self.items)?;
        let before = offset(at);
        let stop = match self.stop {
            Stop::TotalPages(_) => Stop::EmptyPage,
            stop => stop,
        };
        let more = response.counted(stop, before, items.len(), 0)?;
        let read = before.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
        Ok(Page {
            items,
            next: more.then_some(Continuation::Offset(read)),
        })
    }
}

fn offset(at: Option<&Continuation>) -> u64 {
    match at {
        Some(Continuation::Offset(offset)) => *offset,
        _ => 0,
    }
}
