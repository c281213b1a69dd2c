//! The reads that all entities share: one record, a query, a count.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tallyline_core::http::{IdCursor, Records, Request, Response};
use tallyline_core::{Error, ErrorKind, Result};

use super::AutotaskClient;
use super::operations::EntityOperations;
use crate::models::system::QueryCount;
use crate::query::{Field, LIST_CHUNK, Query};

/// How queries are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryStyle {
    /// In the URL while it is short, else in the body of a POST.
    #[default]
    Short,
    /// Always in the body of a POST.
    Post,
}

/// How long a query may be in a URL: URLs of about 2,050 characters are refused.
const MAX_SEARCH: usize = 1800;

/// The field of a list's answer that holds the records.
const ITEMS: &str = "items";

/// The answer of a get: null where there is no record, but never without the member.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Item<T> {
    #[serde(deserialize_with = "Option::deserialize")]
    item: Option<T>,
}

/// What a list's answer says about the pages.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageDetails {
    next_page_url: Option<String>,
}

/// The URL is an absolute one, so it is only asked whether there is one.
fn says_more(response: &Response) -> Result<bool> {
    let details: Option<PageDetails> = response.json_field("pageDetails")?;
    Ok(details
        .and_then(|details| details.next_page_url)
        .is_some_and(|url| !url.trim().is_empty()))
}

impl AutotaskClient {
    /// Lists the records that a query matches, by id.
    pub(crate) fn records<T: DeserializeOwned + 'static>(
        &self,
        entity: &'static EntityOperations,
        query: &Query,
    ) -> Records<T> {
        if let Err(error) = query.check() {
            return Records::refused(error.with_operation(entity.query.name));
        }
        let page_size = query.page_size().unwrap_or(self.0.page_size);
        let by_post = match longest(query, page_size) {
            Ok(longest) => self.goes_by_post(longest),
            Err(error) => return Records::refused(error.with_operation(entity.query.name)),
        };
        let operation = if by_post {
            &entity.query_post
        } else {
            &entity.query
        };
        let query = query.clone();
        let pages = IdCursor {
            items: ITEMS,
            page_size: usize::from(page_size),
            says_more,
            ask: Box::new(move |request, after| ask(request, &query, page_size, after, by_post)),
        };
        Records::new(&self.0.http, Request::new(operation), pages, ITEMS)
    }

    /// Lists the records whose field is one of many values, in several queries.
    pub(crate) fn records_among<T: DeserializeOwned + Send + 'static>(
        &self,
        entity: &'static EntityOperations,
        field: Field,
        values: &[i64],
        query: &Query,
    ) -> BoxStream<'static, Result<T>> {
        let lists: Vec<Records<T>> = values
            .chunks(LIST_CHUNK)
            .map(|values| {
                let among = field.is_one_of(values);
                self.records(entity, &query.clone().and(among))
            })
            .collect();
        stream::iter(lists).flatten().boxed()
    }

    pub(crate) async fn count(
        &self,
        entity: &'static EntityOperations,
        query: &Query,
    ) -> Result<u64> {
        query
            .check()
            .map_err(|error| error.with_operation(entity.count.name))?;
        let page_size = query.page_size().unwrap_or(self.0.page_size);
        let longest = longest(query, page_size)?;
        let by_post = self.goes_by_post(longest);
        let operation = if by_post {
            &entity.count_post
        } else {
            &entity.count
        };
        let request = ask(Request::new(operation), query, page_size, None, by_post);
        let count: QueryCount = self.0.http.json(request).await?;
        Ok(u64::from(count.query_count))
    }

    /// Reads a record. An answer without one is `NotFound`, as a 404 is.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        entity: &'static EntityOperations,
        id: i64,
    ) -> Result<T> {
        let request = Request::new(&entity.get).path("id", id);
        let response = self.0.http.send(request).await?;
        let answer: Item<T> = response.json()?;
        answer.item.ok_or_else(|| {
            response
                .error(ErrorKind::NotFound, "there is no such record")
                .with_context("id", id.to_string())
        })
    }

    fn goes_by_post(&self, longest: usize) -> bool {
        self.0.style == QueryStyle::Post || longest > MAX_SEARCH
    }
}

/// How long a query may become in a URL, with the greatest id behind it.
fn longest(query: &Query, page_size: u16) -> Result<usize> {
    let text = json(query, page_size, Some(i64::MAX))?;
    Ok(text.bytes().map(encoded_len).sum())
}

/// Percent-encoded, everything but letters, digits and a few signs takes three.
fn encoded_len(byte: u8) -> usize {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        1
    } else {
        3
    }
}

fn json(query: &Query, page_size: u16, after: Option<i64>) -> Result<String> {
    serde_json::to_string(&query.body(page_size, after)).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the query cannot be written as JSON").with_source(error)
    })
}

fn ask(
    request: Request,
    query: &Query,
    page_size: u16,
    after: Option<i64>,
    by_post: bool,
) -> Request {
    if by_post {
        return request.json(&query.body(page_size, after));
    }
    // The same body was written once to learn its length: it can be written.
    let search = json(query, page_size, after).unwrap_or_default();
    request.set_query("search", search)
}
