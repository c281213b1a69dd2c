//! The vendor source: from accounts, services and series to readings.

mod lines;
mod reduce;
mod settings;

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tallyline_core::model::{AccountReading, ReadFailure, Service, Timestamp, VendorAccount};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::{Error, ErrorKind, Result};

use self::lines::{Found, Listed, Place, observe, own_usage, refuse};
use self::reduce::Span;
pub use self::settings::{
    HyAltoSource, HyAltoSourceBuilder, Reduction, ServiceKind, SilentRule, UnitOverride, Window,
};
use crate::client::CONNECTOR;
use crate::models::{Account, ServiceUsage};
use crate::observed::Observed;
use crate::operations;

/// The areas that a key must be allowed to read, by the names in its token.
const AREAS: [&str; 2] = ["Accounts", "Service Management"];

#[async_trait]
impl VendorSource for HyAltoSource {
    fn descriptor(&self) -> &SourceDescriptor {
        self.source_descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        let client = self.client();
        let claims = client.claims().await?;
        let company = claims.as_ref().and_then(|own| own.company_name.clone());
        let subject = company.unwrap_or_else(|| client.own_tenant().to_owned());
        let mut identity = Identity::new(subject);
        if let Some(claims) = &claims {
            for area in AREAS {
                if claims.may_read(area) == Some(false) {
                    identity.warnings.push(format!(
                        "the API key says that it may not read {area}: give its role that right"
                    ));
                }
            }
        }
        let accounts = client.accounts().await?;
        let total = accounts.len();
        identity
            .verified
            .push(format!("{total} accounts can be listed"));
        if let Some(account) = accounts.first() {
            let services = client.services(&account.id).await?;
            identity.verified.push(format!(
                "{} services of the first account can be listed",
                services.len()
            ));
        }
        Ok(identity)
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        stream::once(self.listed_accounts())
            .map_ok(stream::iter)
            .try_flatten()
            .map_ok(|account| {
                let name = account.company_name.as_deref().unwrap_or(&account.id);
                VendorAccount::new(account.id.as_str(), name)
            })
            .boxed()
    }

    /// The properties of all services of all accounts, by kind. The whole usage is read for it: nothing else lists them.
    fn services(&self) -> BoxStream<'_, Result<Service>> {
        stream::once(self.read_services())
            .map_ok(stream::iter)
            .try_flatten()
            .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let readings = async move {
            let span = self.window().span(request.now, request.period_of)?;
            let accounts = self.listed_accounts().await?;
            let wanted = accounts.into_iter().filter(|account| match account {
                Ok(account) => request.wants(&account.id.as_str().into()),
                Err(_) => true,
            });
            Ok::<_, Error>(stream::iter(wanted.collect::<Vec<_>>())
                .map(move |account| async move {
                    self.reading(&account?, span, request.now).await
                })
                .buffered(self.client().concurrency()))
        };
        stream::once(readings).try_flatten().boxed()
    }
}

/// What a service has, and that nothing is told where it is nothing.
type Usage = (Listed, Option<ServiceUsage>);

impl HyAltoSource {
    /// The accounts, each once; records that cannot be read are errors in their places.
    async fn listed_accounts(&self) -> Result<Vec<Result<Account>>> {
        let mut seen: BTreeMap<String, Account> = BTreeMap::new();
        let mut all = Vec::new();
        for account in self.client().account_records().await? {
            match account {
                Ok(account) => match seen.get(&account.id) {
                    // The same record twice is one record.
                    Some(known) if *known == account => {}
                    Some(_) => {
                        return Err(Error::new(
                            ErrorKind::Protocol,
                            format!("account {} is listed twice, and differently", account.id),
                        )
                        .with_connector(CONNECTOR)
                        .with_operation(operations::ACCOUNTS.name));
                    }
                    None => {
                        seen.insert(account.id.clone(), account.clone());
                        all.push(Ok(account));
                    }
                },
                Err(error) => all.push(Err(error)),
            }
        }
        Ok(all)
    }

    /// One account. Refused keys concern them all and are an error; anything else is a failed reading of this one.
    async fn reading(
        &self,
        account: &Account,
        span: Span,
        now: Timestamp,
    ) -> Result<AccountReading> {
        let id = account.id.as_str();
        match self.observe(id, span).await {
            Ok(observed) => Ok(observed
                .into_reading(id, self.basis(), now)
                .with_data_as_of((span.end < now).then_some(span.end))),
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) => {
                let name = account.company_name.as_deref().unwrap_or(id);
                let error = error.with_context("account", name);
                let failure = ReadFailure::from(&error);
                Ok(AccountReading::failed(id, failure, self.basis(), now))
            }
        }
    }

    async fn observe(&self, account: &str, span: Span) -> Result<Observed> {
        let mut observed = Observed::default();
        for (listed, usage) in self.read_account(account, span).await? {
            let place = Place {
                account,
                listed: &listed,
                span,
                source: self,
            };
            observe(&mut observed, place, usage.as_ref())?;
        }
        Ok(observed)
    }

    /// The services of an account with their usage, or why one of them cannot be read.
    async fn read_account(&self, account: &str, span: Span) -> Result<Vec<Usage>> {
        let from = settings::before(span.start, self.look_back_days())?;
        let mut read = Vec::new();
        for listed in self.listed_services(account).await? {
            let id = &listed.service.id;
            let usage = self.client().usage(account, id, from, span.end).await;
            let usage = usage.map_err(|error| error.with_context("service", id.clone()))?;
            let usage = own_usage(usage, id)?;
            read.push((listed, usage));
        }
        Ok(read)
    }

    /// The services of an account, each once. One that cannot be read, or whose kind cannot be told, takes the account with
    /// it: whatever it has would be missing.
    async fn listed_services(&self, account: &str) -> Result<Vec<Listed>> {
        let mut seen = BTreeMap::new();
        let mut all: Vec<Listed> = Vec::new();
        for service in self.client().services(account).await? {
            match seen.insert(service.id.clone(), service.clone()) {
                Some(known) if known == service => continue,
                Some(_) => return Err(refuse(&service.id, "it is listed twice, and differently")),
                None => {}
            }
            let Some(kind) = self.kind_of(service.kind()) else {
                return Err(refuse(
                    &service.id,
                    "it does not say of what type it is: set what services without a type are",
                ));
            };
            all.push(Listed { service, kind });
        }
        Ok(all)
    }

    async fn read_services(&self) -> Result<Vec<Result<Service>>> {
        let now = self.clock().now();
        let span = self.window().span(now, now.date())?;
        let mut found = Found::default();
        let mut failures = Vec::new();
        let mut reads = stream::iter(self.listed_accounts().await?)
            .map(|account| async move {
                let account = account?;
                let read = self.read_account(&account.id, span).await;
                read.map_err(|error| error.with_context("account", account.id.clone()))
            })
            .buffered(self.client().concurrency());
        while let Some(read) = reads.next().await {
            match read {
                Ok(read) => {
                    for (listed, usage) in &read {
                        if let Some(usage) = usage {
                            found.add(&listed.kind, usage);
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                Err(error) => failures.push(Err(error)),
            }
        }
        Ok(found.services().map(Ok).chain(failures).collect())
    }
}
