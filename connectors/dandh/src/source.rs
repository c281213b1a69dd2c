//! The vendor source: from wire types to accounts, services and readings.

mod book;
mod catalog;
mod lines;
mod month;
mod quantity;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tallyline_core::model::{
    AccountReading, Basis, ChargeKind, ReadFailure, Service, Timestamp, VendorAccount,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::{ErrorKind, Result};

use self::book::ChargeBook;
use self::catalog::Found;
use self::month::Month;
use crate::client::{CONNECTOR, DandhClient, Interval, named};
use crate::models::{AccountState, Company};

pub use self::quantity::QuantityPolicy;

/// The rhythm of the preview: it is generated anew every Friday morning.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most resellers below the parent that are looked into.
const MOST_RESELLERS: usize = 1000;

/// What the source is, on a tenant.
pub(crate) fn descriptor(name: Cow<'static, str>, tenant: String) -> SourceDescriptor {
    let mut descriptor = SourceDescriptor::new(CONNECTOR, "D&H");
    descriptor.name = name;
    descriptor.basis = Basis::ProjectedInvoice;
    descriptor.kinds = &[
        ChargeKind::Recurring,
        ChargeKind::Setup,
        ChargeKind::Usage,
        ChargeKind::Credit,
    ];
    descriptor.fresh_for = WEEK;
    descriptor.unit_costs = true;
    descriptor.commitments = true;
    descriptor.tenant = Some(tenant);
    descriptor
}

#[async_trait]
impl VendorSource for DandhClient {
    fn descriptor(&self) -> &SourceDescriptor {
        self.source_descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        let own = self.company(None).await?;
        let parent = self.parent_account_id();
        let companies = self
            .companies(parent)
            .await
            .map_err(|error| error.with_context("parent account", parent.to_string()))?;
        let name = own.company_name.as_deref().unwrap_or("no name");
        let mut identity = Identity::new(format!("{} of {name}", self.username()));
        identity.verified.push(format!(
            "account {parent}: {} companies can be listed",
            companies.len()
        ));
        if own.account_id != parent {
            identity.warnings.push(format!(
                "the user belongs to account {}: charges and costs are read as those of reseller {parent}",
                own.account_id
            ));
        }
        Ok(identity)
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        stream::once(self.company_list())
            .map_ok(stream::iter)
            .try_flatten()
            .map_ok(|company| account(&company))
            .boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        stream::once(self.read_services())
            .map_ok(stream::iter)
            .try_flatten()
            .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        stream::once(self.prepare(request))
            .map_ok(|work| self.readings(request, work))
            .try_flatten()
            .boxed()
    }
}

/// What a reading needs before the first company is asked about.
struct Work {
    companies: Vec<Company>,
    context: Option<i64>,
    book: ChargeBook,
}

impl DandhClient {
    /// The reseller whose charges and prices are meant, where it is not the caller's own one.
    async fn reseller_context(&self) -> Result<Option<i64>> {
        let parent = self.parent_account_id();
        let own = self.company(None).await?;
        Ok((own.account_id != parent).then_some(parent))
    }

    /// The companies, each once; those of resellers below where that is wanted. What cannot be
    /// read is an error of its own.
    async fn company_list(&self) -> Result<Vec<Result<Company>>> {
        let parent = self.parent_account_id();
        let mut found = self.company_records(parent).await?;
        let mut resellers = BTreeSet::from([parent]);
        let mut waiting = vec![parent];
        while let Some(above) = waiting.pop().filter(|_| self.include_resellers()) {
            let below = match self.resellers(above).await {
                Ok(below) => below,
                Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                Err(error) => {
                    found.push(Err(error.with_context("reseller", above.to_string())));
                    continue;
                }
            };
            for reseller in below {
                let id = reseller.account_id;
                if resellers.len() > MOST_RESELLERS || !resellers.insert(id) {
                    continue;
                }
                waiting.push(id);
                match self.company_records(id).await {
                    Ok(companies) => found.extend(companies),
                    Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                    Err(error) => found.push(Err(named(error, &reseller))),
                }
            }
        }
        let mut seen = BTreeSet::new();
        found.retain(|company| match company {
            Ok(company) => seen.insert(company.account_id),
            Err(_) => true,
        });
        Ok(found)
    }

    /// The companies that could be read; what could not is said and not observed.
    async fn known_companies(&self) -> Result<Vec<Company>> {
        let known = |company: Result<Company>| match company {
            Ok(company) => Some(company),
            Err(error) => {
                tracing::warn!(%error, "companies cannot be read and are not observed");
                None
            }
        };
        Ok(self
            .company_list()
            .await?
            .into_iter()
            .filter_map(known)
            .collect())
    }

    async fn prepare(&self, request: &UsageRequest) -> Result<Work> {
        let context = self.reseller_context().await?;
        let companies = self.known_companies().await?;
        let asked = Month::of(request.period_of);
        let closed = asked < Month::of(request.now.date());
        let interval = if closed {
            Interval::Closed(asked.year(), asked.month())
        } else {
            Interval::Preview
        };
        let records = self.invoice_records(interval, context).await?;
        let book = ChargeBook::new(records, asked, closed)?;
        book.warn_of_strangers(companies.iter().map(|company| company.account_id));
        Ok(Work {
            companies,
            context,
            book,
        })
    }

    /// One reading per wanted company in the vendor's order. The first error ends the stream.
    fn readings<'a>(
        &'a self,
        request: &'a UsageRequest,
        work: Work,
    ) -> BoxStream<'a, Result<AccountReading>> {
        let Work {
            companies,
            context,
            book,
        } = work;
        let book = Arc::new(book);
        let wanted: Vec<Company> = companies
            .into_iter()
            .filter(|company| request.wants(&company.account_id.to_string().into()))
            .collect();
        stream::iter(wanted)
            .map(move |company| {
                let book = Arc::clone(&book);
                async move { self.reading(&company, context, &book, request.now).await }
            })
            .buffered(self.concurrency())
            .scan(false, |ended, item| {
                let pass = !*ended;
                *ended |= item.is_err();
                future::ready(pass.then_some(item))
            })
            .boxed()
    }

    /// One company. Refused credentials concern them all and are an error; anything else is a
    /// failed reading of this one.
    async fn reading(
        &self,
        company: &Company,
        context: Option<i64>,
        book: &ChargeBook,
        now: Timestamp,
    ) -> Result<AccountReading> {
        let id = company.account_id;
        let basis = book.basis();
        let as_of = book.data_as_of(now);
        let failed = |failure: ReadFailure| {
            Ok(AccountReading::failed(id.to_string(), failure, basis, now)
                .with_data_as_of(Some(as_of)))
        };
        let charges = match book.charges(id) {
            Ok(charges) => charges,
            Err(failure) => return failed(failure),
        };
        let observed = match self.subscriptions(id, context).await {
            Ok(found) => lines::observe(id, charges, found, book, self.quantity_policy(), now),
            Err(error) => Err(error),
        };
        match observed {
            Ok(observed) => {
                Ok(
                    AccountReading::complete(id.to_string(), observed.lines, basis, now)
                        .with_data_as_of(Some(as_of))
                        .with_unobserved(observed.unobserved),
                )
            }
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) => failed(ReadFailure::from(&named(error, company))),
        }
    }

    async fn read_services(&self) -> Result<Vec<Result<Service>>> {
        let context = self.reseller_context().await?;
        let companies = self.known_companies().await?;
        let mut found = Found::default();
        let mut failures = Vec::new();
        match self.invoice_records(Interval::Preview, context).await {
            Ok(records) => {
                for record in records {
                    match record.invoice {
                        Ok(invoice) => invoice.charges.iter().for_each(|own| found.add_charge(own)),
                        Err(error) => failures.push(Err(error)),
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
            Err(error) => failures.push(Err(error)),
        }
        let mut answers = stream::iter(companies)
            .map(|company| async move {
                let answer = self.subscriptions(company.account_id, context).await;
                (company, answer)
            })
            .buffered(self.concurrency());
        while let Some((company, answer)) = answers.next().await {
            match answer {
                Ok(subscriptions) => subscriptions
                    .iter()
                    .for_each(|own| found.add_subscription(own)),
                Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                Err(error) => failures.push(Err(named(error, &company))),
            }
        }
        Ok(found
            .services()
            .into_iter()
            .map(Ok)
            .chain(failures)
            .collect())
    }
}

fn account(company: &Company) -> VendorAccount {
    let id = company.account_id.to_string();
    let name = company.company_name.clone().unwrap_or_else(|| id.clone());
    let active = matches!(company.account_state, None | Some(AccountState::Active));
    VendorAccount::new(id, name).with_suspended(!active)
}
