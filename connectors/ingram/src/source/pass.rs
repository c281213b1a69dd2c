//! One pass over the vendor's lists and details, taken up where an earlier one was interrupted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tallyline_core::http::{Continuation, Operation, RawRecord, Request};
use tallyline_core::model::{ReadFailure, Timestamp};
use tallyline_core::{Error, Result};

use super::IngramSource;
use crate::client::{FIELD, ListPage, Pages, RawPage, missing_rows};
use crate::models::{Customer, Subscription};
use crate::operations;
use crate::progress::{BrokenRow, CustomerRow, Entry, KeptDetail, ListSoFar, PageOf, Row, Step};

/// What is known of the vendor so far.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// When it began.
    began: Option<Timestamp>,
    /// Its number among the reads of the store, which the details carry that it read itself.
    pub(super) number: u64,
    pub(super) customers: ListSoFar<CustomerRow>,
    pub(super) subscriptions: ListSoFar<Subscription>,
    pub(super) details: BTreeMap<String, KeptDetail>,
    /// Whether it came to its end.
    finished: bool,
}

impl Pass {
    /// The pass that entries tell of. What another tenant left is passed over.
    fn of(entries: Vec<Entry>, tenant: &str) -> Self {
        let mut pass = Self::default();
        let mut own = false;
        for Entry(step) in entries {
            match step {
                Step::Began {
                    tenant: of,
                    at,
                    pass: number,
                } => {
                    own = of == tenant;
                    if !own {
                        pass = Self::default();
                        continue;
                    }
                    let details = std::mem::take(&mut pass.details);
                    pass = Self {
                        began: Some(at),
                        number,
                        details,
                        ..Self::default()
                    };
                }
                _ if !own => {}
                Step::Customers(page) => pass.customers.take(page),
                Step::Subscriptions(page) => pass.subscriptions.take(page),
                Step::Detail(kept) => {
                    pass.details.insert(kept.detail.id.clone(), *kept);
                }
                Step::Finished => pass.finished = true,
            }
        }
        pass
    }

    /// Whether it was interrupted, and not too long ago.
    fn is_open(&self, now: Timestamp, within: Duration) -> bool {
        self.began
            .is_some_and(|began| !self.finished && began <= now && now.since(began) <= within)
    }

    /// A new pass, with the details of subscriptions that were listed last.
    fn renewed(self, now: Timestamp) -> Self {
        let listed: BTreeSet<&str> = self.subscriptions.rows.iter().map(Row::key).collect();
        let all = !self.finished || listed.is_empty();
        let details = self.details.into_iter();
        let details = details.filter(|(id, _)| all || listed.contains(id.as_str()));
        Self {
            began: Some(now),
            number: self.number.saturating_add(1),
            details: details.collect(),
            ..Self::default()
        }
    }

    fn entries(&self, tenant: &str, now: Timestamp) -> Vec<Entry> {
        let began = Step::Began {
            tenant: tenant.to_owned(),
            at: now,
            pass: self.number,
        };
        let details = self.details.values().cloned().map(Box::new);
        std::iter::once(began)
            .chain(details.map(Step::Detail))
            .map(Entry)
            .collect()
    }
}

impl IngramSource {
    /// The pass to go on with: an interrupted one, or a new one. Its lists are whole.
    pub(super) async fn pass(&self, now: Timestamp) -> Result<Pass> {
        let tenant = self.client().own_tenant();
        let mut pass = Pass::of(self.progress().load().await?, &tenant);
        if pass.is_open(now, self.resume_within()) {
            tracing::info!(
                subscriptions = pass.subscriptions.rows.len(),
                details = pass.details.len(),
                "an interrupted read is taken up again"
            );
        } else {
            pass = pass.renewed(now);
            self.progress().replace(&pass.entries(&tenant, now)).await?;
        }
        self.lists(&mut pass, now, true).await?;
        Ok(pass)
    }

    /// Fresh lists beside whatever read is under way, with the details that are kept.
    pub(super) async fn glance(&self, now: Timestamp) -> Result<Pass> {
        let tenant = self.client().own_tenant();
        let kept = Pass::of(self.progress().load().await?, &tenant);
        if kept.began.is_none() {
            // A place for the details that are about to be read.
            let mut entries = kept.entries(&tenant, now);
            entries.push(Entry(Step::Finished));
            self.progress().replace(&entries).await?;
        }
        let mut pass = Pass {
            details: kept.details,
            ..Pass::default()
        };
        self.lists(&mut pass, now, false).await?;
        Ok(pass)
    }

    async fn lists(&self, pass: &mut Pass, now: Timestamp, keep: bool) -> Result<()> {
        let of_customer = |customer: Customer| CustomerRow {
            id: customer.id,
            name: customer.name,
        };
        let list = List {
            operation: &operations::CUSTOMERS,
            now,
            step: keep.then_some(Step::Customers as fn(_) -> _),
        };
        self.read_list(&mut pass.customers, &list, of_customer)
            .await?;
        let list = List {
            operation: &operations::SUBSCRIPTIONS,
            now,
            step: keep.then_some(Step::Subscriptions as fn(_) -> _),
        };
        // Attributes are the reseller's own words: no sync needs them.
        let of_subscription = |mut own: Subscription| {
            own.attributes.clear();
            own
        };
        self.read_list(&mut pass.subscriptions, &list, of_subscription)
            .await
    }

    /// Reads what is missing of a list: from where it was left, and once more from its beginning where rows slipped through
    /// while it was read.
    async fn read_list<R, T>(
        &self,
        so_far: &mut ListSoFar<T>,
        list: &List<T>,
        convert: fn(R) -> T,
    ) -> Result<()>
    where
        R: DeserializeOwned,
        T: Row + Clone + Send + Sync,
    {
        for _ in 0..2 {
            self.walk(so_far, list, convert).await?;
            if so_far.is_whole() {
                return Ok(());
            }
            so_far.again();
        }
        let (seen, total) = (so_far.seen(), so_far.total.unwrap_or_default());
        Err(missing_rows(list.operation, seen, total))
    }

    async fn walk<R, T>(
        &self,
        so_far: &mut ListSoFar<T>,
        list: &List<T>,
        convert: fn(R) -> T,
    ) -> Result<()>
    where
        R: DeserializeOwned,
        T: Row + Clone + Send + Sync,
    {
        if so_far.done {
            return Ok(());
        }
        let strategy = Pages {
            size: self.client().page_size(),
        };
        let http = self.client().reads();
        let mut pages = http
            .paged::<RawPage, _>(Request::new(list.operation), strategy)
            .starting_at(Continuation::Offset(so_far.next));
        while let Some(page) = pages.next_item().await {
            let RawPage(page) = page?;
            let last = pages.continuation().is_none();
            let page = self.page(page, list, convert, last);
            if let Some(step) = list.step {
                self.progress().append(&Entry(step(page.clone()))).await?;
            }
            so_far.take(page);
        }
        Ok(())
    }

    /// Decodes the rows of a page, each for itself.
    fn page<R, T>(
        &self,
        page: ListPage,
        list: &List<T>,
        convert: fn(R) -> T,
        last: bool,
    ) -> PageOf<T>
    where
        R: DeserializeOwned,
    {
        let mut rows = Vec::new();
        let mut broken = Vec::new();
        for (at, raw) in page.rows.iter().enumerate() {
            let place = format!("{FIELD}[{at}]");
            let row = self
                .client()
                .reads()
                .decode_record::<R>(list.operation, &place, raw);
            match row {
                Ok(row) => rows.push(convert(row)),
                Err(error) => broken.push(broken_row(raw, &error)),
            }
        }
        PageOf {
            at: list.now,
            offset: page.offset,
            end: page.end(),
            total: page.total,
            last,
            rows,
            broken,
        }
    }
}

/// How a list is read, and how its pages are kept.
struct List<T> {
    operation: &'static Operation,
    now: Timestamp,
    step: Option<fn(PageOf<T>) -> Step>,
}

/// What can be told of a row that cannot be read.
fn broken_row(raw: &RawRecord, error: &Error) -> BrokenRow {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Peek {
        id: Value,
        customer_id: Value,
    }
    let peek: Peek = serde_json::from_str(raw.get()).unwrap_or_default();
    let text = |value: Value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    BrokenRow {
        id: text(peek.id),
        customer: text(peek.customer_id),
        failure: ReadFailure::from(error),
    }
}

#[cfg(test)]
mod tests;
