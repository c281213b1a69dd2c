//! Walking lists page by page.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, Stream, StreamExt as _};

use super::client::HttpClient;
use super::observe::PageEvent;
use super::request::Request;
use super::response::Response;
use crate::error::{Error, ErrorKind, Result};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page is; `None` on the last.
    pub next: Option<Continuation>,
}

/// Where a page begins. Keep it to take up a walk later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Continuation {
    /// The query string of a next link, without host and path.
    Link(String),
    /// A token.
    Token(String),
    /// How many items come before.
    Offset(u64),
    /// A page number.
    PageNumber(u64),
}

/// How a list of a system is paged.
pub trait PageStrategy<T>: Send + Sync + 'static {
    /// Makes the request of a page; `None` is the first page.
    fn apply(&self, request: Request, at: Option<&Continuation>) -> Request;

    /// Reads a page. `at` is what [`PageStrategy::apply`] was given.
    ///
    /// # Errors
    /// `Protocol` when the answer is no page.
    fn parse(&self, response: &Response, at: Option<&Continuation>) -> Result<Page<T>>;
}

/// A list read page by page, as a stream of its items.
///
/// Each page passes the whole runtime by itself: retries, limiter, time limits. Dropping the
/// stream stops its requests. After an error the stream ends; it can be taken up again at
/// [`Paged::continuation`]. A walk that would go on for ever (a place seen before, the same answer at the
/// next place, or too many pages) is a `Protocol` error, never a short list.
pub struct Paged<T> {
    walk: Walk<T>,
    items: VecDeque<T>,
    /// Where the page begins whose items are being handed out.
    resume: Option<Continuation>,
    after: Option<Continuation>,
    done: bool,
}

type Fetch<T> = BoxFuture<'static, (Box<Walker<T>>, Result<Page<T>>)>;

enum Walk<T> {
    Idle(Box<Walker<T>>),
    Fetching(Fetch<T>),
    Over,
}

struct Walker<T> {
    client: HttpClient,
    request: Request,
    strategy: Arc<dyn PageStrategy<T>>,
    at: Option<Continuation>,
    seen: HashSet<Continuation>,
    /// The answer of the page before, where it holds items.
    before: Option<Bytes>,
    pages: u64,
    last: bool,
}

impl<T> Unpin for Paged<T> {}

impl<T: Send + 'static> Walker<T> {
    async fn next_page(&mut self) -> Result<Page<T>> {
        let request = self.strategy.apply(self.request.clone(), self.at.as_ref());
        let operation = request.operation();
        let max_pages = self.client.0.limits.max_pages;
        let fail = |message: String| {
            Error::new(ErrorKind::Protocol, message)
                .with_connector(self.client.0.connector)
                .with_operation(operation.name)
        };
        if self.pages >= max_pages {
            return Err(fail(format!("the list has more than {max_pages} pages")));
        }
        if let Some(at) = &self.at {
            self.seen.insert(at.clone());
        }
        let response = self.client.send(request).await?;
        let page = self.strategy.parse(&response, self.at.as_ref())?;
        self.pages += 1;
        // A system that does not heed where a page is to begin answers the first one for ever.
        let answer = (!page.items.is_empty()).then(|| response.bytes().clone());
        if answer.is_some() && answer == self.before {
            return Err(fail(
                "the list answers the same page again at the next place".to_owned(),
            ));
        }
        self.before = answer;
        if let Some(next) = &page.next {
            if self.seen.contains(next) {
                return Err(fail(
                    "the list leads back to a page that was read already".to_owned(),
                ));
            }
            if self.pages >= max_pages {
                return Err(fail(format!("the list has more than {max_pages} pages")));
            }
        }
        if let Some(observer) = &self.client.0.observer {
            observer.on_page(&PageEvent {
                connector: self.client.0.connector,
                operation: operation.name,
                page: self.pages,
                items: page.items.len(),
            });
        }
        self.at.clone_from(&page.next);
        self.last = page.next.is_none();
        Ok(page)
    }
}

impl<T: Send + 'static> Paged<T> {
    pub(crate) fn new(
        client: HttpClient,
        request: Request,
        strategy: Arc<dyn PageStrategy<T>>,
    ) -> Self {
        Self {
            walk: Walk::Idle(Box::new(Walker {
                client,
                request,
                strategy,
                at: None,
                seen: HashSet::new(),
                before: None,
                pages: 0,
                last: false,
            })),
            items: VecDeque::new(),
            resume: None,
            after: None,
            done: false,
        }
    }

    /// Begins at a place kept from an earlier walk. To be called before the first item.
    #[must_use]
    pub fn starting_at(mut self, at: Continuation) -> Self {
        if let Walk::Idle(walker) = &mut self.walk {
            walker.at = Some(at.clone());
            self.resume = Some(at);
        }
        self
    }

    /// The next item; `None` at the end.
    ///
    /// Cancel-safe: no item is lost when the future is dropped.
    pub async fn next_item(&mut self) -> Option<Result<T>> {
        self.next().await
    }

    /// Where to take the walk up again: after the last page whose items were all handed out.
    ///
    /// `None` before the first page is finished and after the last; see [`Paged::is_done`].
    #[must_use]
    pub fn continuation(&self) -> Option<Continuation> {
        if !self.items.is_empty() {
            return self.resume.clone();
        }
        if self.done {
            return None;
        }
        self.after.clone().or_else(|| self.resume.clone())
    }

    /// Whether the whole list was read and handed out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done && self.items.is_empty()
    }

    /// The rest of the walk as pages. Items of a page already begun come first, as a page.
    #[must_use]
    pub fn into_pages(self) -> BoxStream<'static, Result<Page<T>>> {
        stream::unfold(self, |mut paged| async move {
            if !paged.items.is_empty() {
                let page = Page {
                    items: paged.items.drain(..).collect(),
                    next: paged.after.clone(),
                };
                return Some((Ok(page), paged));
            }
            let page = std::future::poll_fn(|cx| paged.poll_page(cx)).await?;
            Some((page, paged))
        })
        .boxed()
    }

    /// All items, where they are no more than `limit`.
    ///
    /// # Errors
    /// The first error of the walk; `Protocol` when there are more than `limit` items.
    pub async fn try_collect_all(mut self, limit: usize) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            let item = item?;
            if items.len() == limit {
                return Err(Error::new(
                    ErrorKind::Protocol,
                    format!("the list has more than {limit} items"),
                ));
            }
            items.push(item);
        }
        Ok(items)
    }

    /// The next page, without putting its items into the queue.
    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Page<T>>>> {
        loop {
            match std::mem::replace(&mut self.walk, Walk::Over) {
                Walk::Over => return Poll::Ready(None),
                Walk::Idle(mut walker) => {
                    self.walk = Walk::Fetching(
                        async move {
                            let page = walker.next_page().await;
                            (walker, page)
                        }
                        .boxed(),
                    );
                }
                Walk::Fetching(mut fetch) => match fetch.poll_unpin(cx) {
                    Poll::Pending => {
                        self.walk = Walk::Fetching(fetch);
                        return Poll::Pending;
                    }
                    Poll::Ready((walker, page)) => {
                        if let Ok(page) = &page {
                            if self.after.is_some() {
                                self.resume = self.after.take();
                            }
                            self.after.clone_from(&page.next);
                            if walker.last {
                                self.done = true;
                            } else {
                                self.walk = Walk::Idle(walker);
                            }
                        }
                        return Poll::Ready(Some(page));
                    }
                },
            }
        }
    }
}

impl<T: Send + 'static> Stream for Paged<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.poll_page(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(page)) => self.items.extend(page.items),
            }
        }
    }
}

impl<T> fmt::Debug for Paged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paged")
            .field("buffered", &self.items.len())
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
