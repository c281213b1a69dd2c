//! The vendor source: from lists and details to accounts, services and readings.

mod lines;
mod pass;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tallyline_core::http::{Operation, Request};
use tallyline_core::model::{
    AccountReading, Basis, ReadFailure, Service, Timestamp, VendorAccount,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::{Error, ErrorKind, Result};

use self::lines::{Found, Observed, Rules, Standing};
use self::pass::Pass;
pub use self::settings::{
    AccountReference, IngramSource, IngramSourceBuilder, ServiceKeys, StatusRule,
};
use crate::client::{CONNECTOR, CustomerFilter, Pages, RawPage};
use crate::models::{Customer, PartyStatus, Subscription, SubscriptionDetail};
use crate::operations;
use crate::progress::{Entry, KeptDetail, Step};

/// Why an empty list of subscriptions tells nothing.
const EMPTY_LIST: &str =
    "the list of subscriptions came empty while there are customers: nothing is taken for zero";

#[async_trait]
impl VendorSource for IngramSource {
    fn descriptor(&self) -> &SourceDescriptor {
        self.source_descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        let client = self.client();
        let subject = format!("{} in {}", client.username(), client.marketplace());
        let mut identity = Identity::new(subject);
        client.authenticate().await?;
        for (operation, what) in [
            (&operations::CUSTOMERS, "customers"),
            (&operations::SUBSCRIPTIONS, "subscriptions"),
        ] {
            let total = self
                .count(operation)
                .await
                .map_err(|error| error.with_context("list", what))?;
            let total = total.map_or_else(|| "the".to_owned(), |total| total.to_string());
            identity
                .verified
                .push(format!("{total} {what} can be listed"));
        }
        Ok(identity)
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        self.client()
            .customers(&CustomerFilter::default())
            .map(|customer| customer.map(|customer| self.account(&customer)))
            .boxed()
    }

    /// The services of all subscriptions that a reading would look at.
    fn services(&self) -> BoxStream<'_, Result<Service>> {
        stream::once(self.read_services())
            .map_ok(stream::iter)
            .try_flatten()
            .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        stream::once(self.pass(request.now))
            .map_ok(|pass| self.readings(request, pass))
            .try_flatten()
            .boxed()
    }
}

/// An account and what is known of it before its details are read.
struct Account {
    id: String,
    name: Option<String>,
    rows: Vec<Subscription>,
    failure: Option<ReadFailure>,
}

/// Details, and the instant whose state they show.
struct Read {
    kept: KeptDetail,
    as_of: Timestamp,
}

/// How details that are kept may be used.
#[derive(Clone, Copy)]
struct Reuse {
    /// Those of this read.
    pass: u64,
    /// Those of this age or less.
    within: Duration,
    now: Timestamp,
    /// When the list was read that tells of changes.
    listed: Timestamp,
}

impl IngramSource {
    fn rules(&self) -> Rules {
        Rules {
            hold: self.hold(),
            pending: self.pending(),
            keys: self.service_keys(),
        }
    }

    /// How many records a list has.
    async fn count(&self, operation: &'static Operation) -> Result<Option<u64>> {
        let mut pages = self
            .client()
            .reads()
            .paged::<RawPage, _>(Request::new(operation), Pages { size: 1 });
        match pages.next_item().await {
            Some(Ok(RawPage(page))) => Ok(page.total),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    fn account(&self, customer: &Customer) -> VendorAccount {
        let name = customer.name.as_deref().unwrap_or(&customer.id);
        let held = matches!(
            customer.status,
            Some(PartyStatus::CreditHold | PartyStatus::AdminHold | PartyStatus::Cancelled)
        );
        let account = VendorAccount::new(customer.id.as_str(), name).with_suspended(held);
        match (self.account_reference(), &customer.external_id) {
            (AccountReference::None, _) => account,
            (AccountReference::ExternalId, None) => account.with_reference_field("externalId"),
            (AccountReference::ExternalId, Some(id)) => account
                .with_reference_field("externalId")
                .with_company_reference(id.as_str()),
        }
    }

    /// One reading per wanted account. The first error ends the stream, and the pass is then not over.
    fn readings<'a>(
        &'a self,
        request: &'a UsageRequest,
        pass: Pass,
    ) -> BoxStream<'a, Result<AccountReading>> {
        let accounts: Vec<Account> = accounts(&pass)
            .into_iter()
            .filter(|account| request.wants(&account.id.as_str().into()))
            .collect();
        let pass = Arc::new(pass);
        let interrupted = Arc::new(AtomicBool::new(false));
        let failed = Arc::clone(&interrupted);
        let finish = async move {
            if interrupted.load(Ordering::Relaxed) {
                return None;
            }
            let finished = self.progress().append(&Entry(Step::Finished)).await;
            finished.err().map(Err)
        };
        stream::iter(accounts)
            .map(move |account| {
                let pass = Arc::clone(&pass);
                async move { self.reading(account, &pass, request.now).await }
            })
            .buffered(self.client().concurrency())
            .scan(failed, |failed, item| {
                let pass = !failed.load(Ordering::Relaxed);
                if item.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
                future::ready(pass.then_some(item))
            })
            .chain(stream::once(finish).filter_map(future::ready))
            .boxed()
    }

    /// One account. Refused credentials concern them all and are an error, and so is progress that cannot be kept; anything
    /// else is a failed reading of this one.
    async fn reading(
        &self,
        account: Account,
        pass: &Pass,
        now: Timestamp,
    ) -> Result<AccountReading> {
        let id = account.id.as_str();
        let failed = |failure: ReadFailure| AccountReading::failed(id, failure, Basis::Live, now);
        if let Some(failure) = account.failure {
            return Ok(failed(failure));
        }
        let listed = pass.subscriptions.since.unwrap_or(now);
        let reuse = Reuse {
            pass: pass.number,
            within: self.reuse_within(),
            now,
            listed,
        };
        let rules = self.rules();
        let mut observed = Observed::default();
        let mut as_of = listed;
        for row in &account.rows {
            let read = match self.detail_of(row, pass, reuse, &rules).await {
                Ok(None) => continue,
                Ok(Some(read)) => read,
                Err(Interrupted::Pass(error)) => return Err(error),
                Err(Interrupted::Account(error)) => {
                    let name = account.name.as_deref().unwrap_or(id);
                    let error = error.with_context("account", name);
                    return Ok(failed(ReadFailure::from(&error)));
                }
            };
            as_of = as_of.min(read.as_of);
            if let Err(error) = observed.add(&read.kept.detail, &read.kept.former, &rules) {
                return Ok(failed(ReadFailure::from(&error)));
            }
        }
        let (lines, unobserved) = observed.into_parts();
        Ok(AccountReading::complete(id, lines, Basis::Live, now)
            .with_data_as_of((as_of < now).then_some(as_of))
            .with_unobserved(unobserved))
    }

    /// The details of a row that counts, kept or read; none where it does not.
    async fn detail_of(
        &self,
        row: &Subscription,
        pass: &Pass,
        reuse: Reuse,
        rules: &Rules,
    ) -> std::result::Result<Option<Read>, Interrupted> {
        let standing = rules.standing(row.status.as_ref());
        let ended = standing == Standing::Ended;
        if standing == Standing::LeftOut || (ended && self.ended_long_ago(row, reuse.now)) {
            return Ok(None);
        }
        let kept = pass.details.get(&row.id);
        if let Some(kept) = kept
            && let Some(as_of) = self.may_use(row, kept, reuse)
        {
            let kept = kept.clone();
            return Ok(Some(Read { kept, as_of }));
        }
        let detail = match self.client().subscription(&row.id).await {
            Ok(detail) => checked(detail, row).map_err(Interrupted::Account)?,
            // What is removed may be gone for good: its end stands in the list.
            Err(error) if ended && error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Auth => return Err(Interrupted::Pass(error)),
            Err(error) => {
                let error = error.with_context("subscription", row.id.clone());
                return Err(Interrupted::Account(error));
            }
        };
        let former = match kept {
            Some(kept) if detail.products.is_empty() && kept.detail.products.is_empty() => {
                kept.former.clone()
            }
            Some(kept) if detail.products.is_empty() => kept.detail.products.clone(),
            _ => Vec::new(),
        };
        let kept = KeptDetail {
            at: reuse.now,
            pass: reuse.pass,
            detail,
            former,
        };
        let entry = Entry(Step::Detail(Box::new(kept.clone())));
        let appended = self.progress().append(&entry).await;
        appended.map_err(Interrupted::Pass)?;
        Ok(Some(Read {
            kept,
            as_of: reuse.now,
        }))
    }

    /// Whether kept details still hold, and from when their state is.
    ///
    /// The day of the last change says nothing about its hour: details read on that day or the next may be older than a
    /// second change of it, and are not used by it, however long ago that was.
    fn may_use(&self, row: &Subscription, kept: &KeptDetail, reuse: Reuse) -> Option<Timestamp> {
        let known = &kept.detail;
        if kept.at > reuse.now || known.status != row.status {
            return None;
        }
        let same_day = known.last_modified_date == row.last_modified_date;
        let own = reuse.pass != 0 && kept.pass == reuse.pass;
        let young = !reuse.within.is_zero() && reuse.now.since(kept.at) <= reuse.within;
        if same_day && (own || young) {
            return Some(kept.at);
        }
        let modified = row.last_modified_date?;
        let settled = kept.at.date() > modified.plus_days(1);
        (self.cache() && same_day && settled).then_some(reuse.listed)
    }

    /// Whether a subscription ended so long ago that nobody needs to be told.
    fn ended_long_ago(&self, row: &Subscription, now: Timestamp) -> bool {
        let since = now.date().plus_days(-self.ended_within_days());
        let day = row.last_modified_date.or(row.expiration_date);
        day.is_some_and(|day| day < since)
    }

    async fn read_services(&self) -> Result<Vec<Result<Service>>> {
        let now = self.clock().now();
        let pass = self.glance(now).await?;
        let reuse = Reuse {
            pass: 0,
            // Any details of late will do: a catalogue has no counts.
            within: self.resume_within(),
            now,
            listed: now,
        };
        let rules = self.rules();
        let mut found = Found::default();
        let mut failures = Vec::new();
        for broken in &pass.subscriptions.broken {
            let error = Error::new(broken.failure.kind, broken.failure.message.clone());
            failures.push(Err(error.with_connector(CONNECTOR)));
        }
        let (known, by) = (&pass, &rules);
        let mut details = stream::iter(pass.subscriptions.rows.clone())
            .map(|row| async move { self.detail_of(&row, known, reuse, by).await })
            .buffered(self.client().concurrency());
        while let Some(read) = details.next().await {
            match read {
                Ok(None) => {}
                Ok(Some(read)) => found.add(&read.kept.detail, &rules),
                Err(Interrupted::Pass(error)) => return Err(error),
                Err(Interrupted::Account(error)) => failures.push(Err(error)),
            }
        }
        Ok(found.services().map(Ok).chain(failures).collect())
    }
}

/// What a failure interrupts.
#[derive(Debug)]
enum Interrupted {
    /// Everything.
    Pass(Error),
    /// One account.
    Account(Error),
}

/// Details that are those of their row, without what no sync needs.
fn checked(mut detail: SubscriptionDetail, row: &Subscription) -> Result<SubscriptionDetail> {
    let refuse = |why: &str| {
        Err(Error::new(ErrorKind::Protocol, why)
            .with_connector(CONNECTOR)
            .with_operation(operations::SUBSCRIPTION.name)
            .with_context("subscription", row.id.clone()))
    };
    if detail.id != row.id {
        return refuse("the details are those of another subscription");
    }
    if detail.customer_id.is_some() && detail.customer_id != row.customer_id {
        return refuse("the details name another customer than the list");
    }
    detail.attributes.clear();
    detail.order_parameters.clear();
    detail.fulfillment_parameters.clear();
    Ok(detail)
}

/// The accounts: customers as they are listed, then those that subscriptions alone name. An account that a row belongs to
/// which cannot be read has failed; where nobody knows whose the row is, they all have.
fn accounts(pass: &Pass) -> Vec<Account> {
    let mut rows: BTreeMap<&str, Vec<Subscription>> = BTreeMap::new();
    let mut broken: BTreeMap<&str, ReadFailure> = BTreeMap::new();
    let mut of_all = None;
    for row in &pass.subscriptions.rows {
        match &row.customer_id {
            Some(customer) => rows.entry(customer).or_default().push(row.clone()),
            None => {
                let why = format!(
                    "subscription {} names no customer: it may be one of any account's",
                    row.id
                );
                of_all = Some(ReadFailure::new(ErrorKind::Protocol, why));
            }
        }
    }
    for row in &pass.subscriptions.broken {
        match &row.customer {
            Some(customer) => {
                broken.insert(customer, row.failure.clone());
            }
            None => of_all = Some(row.failure.clone()),
        }
    }
    if pass.subscriptions.rows.is_empty() && pass.subscriptions.broken.is_empty() {
        of_all = Some(ReadFailure::new(ErrorKind::Protocol, EMPTY_LIST));
    }
    let mut accounts = Vec::new();
    let mut seen = BTreeSet::new();
    let listed = pass.customers.rows.iter();
    let listed = listed.map(|own| (own.id.as_str(), own.name.clone(), None));
    let unread = pass.customers.broken.iter().filter_map(|row| {
        let Some(id) = row.id.as_deref() else {
            tracing::warn!(
                error = %row.failure.message,
                "a customer cannot be read and is not observed"
            );
            return None;
        };
        Some((id, None, Some(row.failure.clone())))
    });
    let unlisted = rows.keys().chain(broken.keys());
    let unlisted = unlisted.map(|id| (*id, None, None));
    for (id, name, failure) in listed.chain(unread).chain(unlisted) {
        if seen.insert(id) {
            accounts.push(Account {
                id: id.to_owned(),
                name,
                rows: rows.get(id).cloned().unwrap_or_default(),
                failure: failure
                    .or_else(|| broken.get(id).cloned())
                    .or_else(|| of_all.clone()),
            });
        }
    }
    accounts
}
