//! The vendor source: from bills to accounts, services and readings.

mod bills;
mod lines;
mod settings;

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tallyline_core::model::{
    AccountReading, Basis, CivilDate, ReadFailure, Service, VendorAccount,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::{Error, ErrorKind, Result};

use self::bills::{AccountBills, ReportBook};
use self::lines::Catalog;
pub use self::settings::{CloudmoreSource, CloudmoreSourceBuilder, ReportMode, SelectedServices};
use crate::client::CONNECTOR;
use crate::fields::BillReport;
use crate::models::{Json, Organization};

#[async_trait]
impl VendorSource for CloudmoreSource {
    fn descriptor(&self) -> &SourceDescriptor {
        self.source_descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        let client = self.client();
        let subject = format!("{} at reseller {}", client.username(), client.reseller_id());
        let mut identity = Identity::new(subject);
        client.authenticate().await?;
        let organizations = client.organizations().await?;
        identity.verified.push(format!(
            "{} organizations can be listed",
            organizations.len()
        ));
        self.check_property(&mut identity).await;
        self.check_services(&mut identity).await;
        Ok(identity)
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        stream::once(self.known_organizations())
            .map_ok(stream::iter)
            .try_flatten()
            .map(move |record| async move {
                match record {
                    Ok(organization) => self.account(organization).await,
                    Err(error) => Err(error),
                }
            })
            .buffered(self.client().concurrency())
            .boxed()
    }

    /// The services of all bills that a reading of today would look at.
    fn services(&self) -> BoxStream<'_, Result<Service>> {
        stream::once(self.read_services())
            .map_ok(stream::iter)
            .try_flatten()
            .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        stream::once(self.readings(request))
            .map_ok(|readings| stream::iter(readings).map(Ok))
            .try_flatten()
            .boxed()
    }
}

impl CloudmoreSource {
    /// Whether the property that names companies is defined.
    async fn check_property(&self, identity: &mut Identity) {
        let Some(property) = self.company_property() else {
            return;
        };
        let defined = match self.client().custom_properties().await {
            Ok(defined) => defined,
            Err(error) => {
                identity.warnings.push(format!(
                    "whether the custom property {property} is defined could not be read: {error}"
                ));
                return;
            }
        };
        let known = defined.iter().any(|record| {
            let name = record.text("name");
            name.is_some_and(|name| name.eq_ignore_ascii_case(property))
        });
        if known {
            let verified = format!("the custom property {property} is defined");
            identity.verified.push(verified);
        } else {
            identity.warnings.push(format!(
                "no custom property named {property} was found: organizations without it are \
                 skipped; add it under Settings, type textbox"
            ));
        }
    }

    /// Whether the reseller has every selected service.
    async fn check_services(&self, identity: &mut Identity) {
        let selected = self.selected();
        if selected.is_empty() {
            return;
        }
        let services = match self.client().services().await {
            Ok(services) => services,
            Err(error) => {
                identity.warnings.push(format!(
                    "whether the selected services exist could not be read: {error}"
                ));
                return;
            }
        };
        let known: Vec<String> = services
            .iter()
            .flat_map(|record| self.field_map().service(record))
            .flatten()
            .collect();
        for service in selected {
            let found = known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(service.trim()));
            if found {
                let verified = format!("the selected service {service} is there");
                identity.verified.push(verified);
            } else {
                identity.warnings.push(format!(
                    "the service {service} is selected, and the reseller has none of that id or \
                     name: nothing is read of it"
                ));
            }
        }
    }

    /// The organizations, each once.
    pub(crate) async fn known_organizations(&self) -> Result<Vec<Result<Organization>>> {
        let mut seen = BTreeSet::new();
        let mut records = self.client().organization_records().await?;
        records.retain(|record| match record {
            Ok(organization) => seen.insert(organization.id.to_ascii_lowercase()),
            Err(_) => true,
        });
        Ok(records)
    }

    /// An organization as an account, with the company that its record states.
    ///
    /// Where the list does not tell custom properties, the organization's details are read.
    async fn account(&self, organization: Organization) -> Result<VendorAccount> {
        let id = organization.id.clone();
        let name = organization.name.clone().unwrap_or_else(|| id.clone());
        let account = VendorAccount::new(id.as_str(), name);
        let Some(property) = self.company_property() else {
            return Ok(account);
        };
        let map = self.field_map();
        let mut unread = false;
        let value = match map.custom_property(organization.record.fields(), property) {
            Ok(value) => value,
            Err(_) => {
                let named = |error: Error| error.with_context("account", account.name.clone());
                let details = self.client().organization(&id).await.map_err(named)?;
                map.custom_property(details.record.fields(), property)
                    .unwrap_or_else(|_| {
                        tracing::warn!(
                            organization = id.as_str(),
                            "the record tells no custom properties: the field map may be wrong"
                        );
                        unread = true;
                        None
                    })
            }
        };
        let account = account.with_reference_field(property);
        let account = account.with_reference_unread(unread);
        Ok(match value {
            Some(company) => account.with_company_reference(company),
            None => account,
        })
    }

    /// The report of the bills up to a day, through the field map.
    async fn report(&self, until: CivilDate) -> Result<BillReport> {
        let since = self.since(until);
        let report = match self.mode() {
            ReportMode::Job => self.client().monthly_billing(since, until).await?,
            ReportMode::Direct => self.client().monthly_billing_now(since, until).await?,
        };
        let report: Json = report.decode().map_err(|error| {
            error
                .with_connector(CONNECTOR)
                .with_context("report", format!("bills of {since} to {until}"))
        })?;
        Ok(self.field_map().read(&report))
    }

    /// The services that the bills name, then what of them could not be read.
    async fn read_services(&self) -> Result<Vec<Result<Service>>> {
        let report = self.report(self.clock().now().date()).await?;
        let mut catalog = Catalog::default();
        for line in &report.lines {
            if self.selects(line) {
                catalog.add(line, self);
            }
        }
        let unreadable = report
            .unreadable
            .iter()
            .map(|unreadable| Err(self::bills::unreadable_error(unreadable)));
        Ok(catalog.services().map(Ok).chain(unreadable).collect())
    }

    /// One reading per wanted organization in the vendor's order, then those of organizations that
    /// are billed and not listed.
    ///
    /// Refused credentials are an error; a report that cannot be read fails every account.
    async fn readings(&self, request: &UsageRequest) -> Result<Vec<AccountReading>> {
        let mut organizations = Vec::new();
        for record in self.known_organizations().await? {
            match record {
                Ok(organization) => organizations.push(organization),
                Err(error) => {
                    tracing::warn!(%error, "an organization cannot be read and is not observed");
                }
            }
        }
        let wanted: Vec<String> = organizations
            .iter()
            .map(|organization| organization.id.clone())
            .filter(|id| request.wants(&id.as_str().into()))
            .collect();
        if wanted.is_empty() && request.accounts.is_none() {
            return Ok(Vec::new());
        }
        let report = match self.report(request.period_of).await {
            Ok(report) => report,
            Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
            Err(error) => {
                let failure = ReadFailure::from(&error);
                let failed = wanted.into_iter().map(|id| {
                    AccountReading::failed(id, failure.clone(), Basis::Invoiced, request.now)
                });
                return Ok(failed.collect());
            }
        };
        let mut book = ReportBook::new(&report);
        let mut readings = Vec::new();
        for organization in &organizations {
            let bills = book.take(&organization.id);
            if request.wants(&organization.id.as_str().into()) {
                readings.push(self.reading(&organization.id, &bills, request));
            }
        }
        for (id, bills) in book.rest() {
            if request.wants(&id.as_str().into()) {
                readings.push(self.reading(&id, &bills, request));
            }
        }
        Ok(readings)
    }

    fn reading(
        &self,
        id: &str,
        bills: &AccountBills<'_>,
        request: &UsageRequest,
    ) -> AccountReading {
        match bills.read(id, self, request.exported.as_ref(), request.period_of) {
            Ok(read) => AccountReading::complete(id, read.lines, Basis::Invoiced, request.now)
                .with_data_as_of(Some(read.as_of.midnight_utc()))
                .with_unread_kinds(read.unread_kinds)
                .with_unobserved(read.unobserved)
                .with_exported(read.exported)
                .with_bills(read.bills),
            Err(error) => {
                let failure = ReadFailure::from(&error);
                AccountReading::failed(id, failure, Basis::Invoiced, request.now)
            }
        }
    }
}

#[cfg(test)]
mod tests;
