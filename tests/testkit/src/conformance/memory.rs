//! A source and a sink in memory: the other side of the model's tests, and doubles for tests without HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementId, AgreementLine, AgreementLineId, AgreementReading,
    Basis, BillingCycle, Company, LineState, Marker, Product, ReadFailure, Service, UsageLine,
    VendorAccount,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{
    AgreementFilter, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest};
use tallyline_core::{Error, ErrorKind, PsaSink, Result, VendorSource};

use super::harness::World;
use crate::lock;

/// The id of the account at a place of a world.
pub fn account_id(at: usize) -> String {
    format!("account-{at}")
}

/// The id of the company at a place of a world.
pub fn company_id(at: usize) -> String {
    format!("company-{at}")
}

/// The id of the agreement at a place of a world.
pub fn agreement_id(at: usize) -> String {
    format!("agreement-{at}")
}

/// A source that tells a [`World`].
#[derive(Clone, Debug)]
pub struct MemorySource {
    descriptor: SourceDescriptor,
    world: World,
}

impl MemorySource {
    /// A source of a world.
    pub fn new(world: World) -> Self {
        Self {
            descriptor: SourceDescriptor::new("memory", "Memory"),
            world,
        }
    }
}

#[async_trait]
impl VendorSource for MemorySource {
    fn descriptor(&self) -> &SourceDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("memory"))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        let accounts = self.world.accounts.iter().enumerate();
        let accounts =
            accounts.map(|(at, account)| VendorAccount::new(account_id(at), account.name.as_str()));
        stream::iter(accounts.map(Ok)).boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        let services = self.world.services().into_iter();
        let service = |key: String| {
            Ok(Service::new(key.as_str(), key.as_str()).with_billing_cycle(BillingCycle::Monthly))
        };
        stream::iter(services.map(service)).boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let readings = self.world.accounts.iter().enumerate().map(|(at, account)| {
            let lines = account.items.iter().enumerate();
            let line = |(n, (service, quantity)): (usize, &(String, _))| {
                UsageLine::new(format!("{at}:{n}"), service.as_str(), *quantity)
                    .with_billing_cycle(BillingCycle::Monthly)
            };
            let lines = lines.map(line).collect();
            AccountReading::complete(account_id(at), lines, Basis::Live, request.now)
        });
        let wanted = readings.filter(|reading| request.wants(&reading.account));
        stream::iter(wanted.map(Ok)).boxed()
    }
}

/// A sink that keeps what is written to it.
pub struct MemorySink {
    descriptor: SinkDescriptor,
    world: World,
    lines: Mutex<BTreeMap<AgreementId, Vec<AgreementLine>>>,
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink").finish_non_exhaustive()
    }
}

impl MemorySink {
    /// A sink with a company and an agreement for each account of a world, and a product for each service. The product's
    /// id is the service's name. The world's quantities are its lines.
    pub fn new(world: World) -> Self {
        let mut capabilities = SinkCapabilities::default();
        capabilities.create_line = true;
        capabilities.set_quantity = true;
        capabilities.set_unit_cost = true;
        let lines = world.accounts.iter().enumerate().map(|(at, account)| {
            let lines = account.items.iter().enumerate();
            let line = |(n, (service, quantity)): (usize, &(String, _))| {
                AgreementLine::new(format!("{at}-{n}"), service.as_str(), *quantity)
            };
            (
                AgreementId::new(agreement_id(at)),
                lines.map(line).collect(),
            )
        });
        Self {
            descriptor: SinkDescriptor::new("memory", "Memory", capabilities),
            lines: Mutex::new(lines.collect()),
            world,
        }
    }

    /// The lines of an agreement.
    pub fn lines_of(&self, agreement: &AgreementId) -> Vec<AgreementLine> {
        lock(&self.lines)
            .get(agreement)
            .cloned()
            .unwrap_or_default()
    }

    fn write(&self, change: &Change) -> Result<(AgreementLineId, LineState)> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::Invalid, message));
        let mut all = lock(&self.lines);
        let Some(lines) = all.get_mut(&change.agreement) else {
            return refuse("there is no such agreement");
        };
        let line = match &change.action {
            Action::CreateLine {
                quantity,
                unit_cost,
                last_day,
                ..
            } => {
                let id = format!("{}-{}", change.agreement, lines.len());
                let mut line = AgreementLine::new(id, change.product.clone(), *quantity);
                line.state.unit_cost = *unit_cost;
                line.state.effective = Some(change.effective);
                line.state.last_day = *last_day;
                line.marker = Some(change.marker.clone());
                lines.push(line);
                lines.last()
            }
            action => {
                let line = lines
                    .iter_mut()
                    .find(|line| Some(&line.id) == action.line());
                let Some(line) = line else {
                    return refuse("there is no such line");
                };
                match action {
                    Action::SetQuantity { to, .. } => line.state.quantity = *to,
                    Action::SetUnitCost { to, .. } => line.state.unit_cost = Some(*to),
                    _ => return refuse("it cannot do this"),
                }
                Some(&*line)
            }
        };
        match line {
            Some(line) => Ok((line.id.clone(), line.state.clone())),
            None => refuse("there is no such line"),
        }
    }
}

/// Whether a state is what a change wants.
fn holds(action: &Action, state: &LineState) -> bool {
    match action {
        Action::CreateLine {
            quantity, last_day, ..
        } => state.quantity == *quantity && state.last_day == *last_day,
        Action::SetQuantity { to, .. } => state.quantity == *to,
        Action::SetUnitCost { to, .. } => state.unit_cost == Some(*to),
        _ => false,
    }
}

#[async_trait]
impl PsaSink for MemorySink {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("memory"))
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        let accounts = self.world.accounts.iter().enumerate();
        let companies =
            accounts.map(|(at, account)| Company::new(company_id(at), account.name.as_str()));
        stream::iter(companies.map(Ok)).boxed()
    }

    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        let agreements = (0..self.world.accounts.len()).map(|at| {
            let mut agreement = Agreement::new(agreement_id(at), company_id(at), "Monthly");
            agreement.billing_cycle = BillingCycle::Monthly;
            agreement
        });
        let wanted = agreements.filter(|agreement| {
            filter.companies.is_empty() || filter.companies.contains(&agreement.company)
        });
        stream::iter(wanted.map(Ok)).boxed()
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        let services = self.world.services().into_iter();
        let product = |name: String| Ok(Product::new(name.as_str(), name.as_str(), name.as_str()));
        stream::iter(services.map(product)).boxed()
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        let read = |id: &AgreementId| match lock(&self.lines).get(id) {
            Some(lines) => AgreementReading::complete(id.clone(), lines.clone()),
            None => {
                let missing = ReadFailure::new(ErrorKind::NotFound, "there is no such agreement");
                AgreementReading::failed(id.clone(), missing)
            }
        };
        let readings: Vec<_> = agreements.iter().map(read).map(Ok).collect();
        stream::iter(readings).boxed()
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        let (line, state) = self.write(change).map_err(WriteError::Rejected)?;
        let mut receipt = Receipt::new(line);
        receipt.state = Some(state);
        Ok(receipt)
    }

    async fn verify(&self, change: &Change, _: Option<&Receipt>) -> Result<Verdict> {
        let lines = self.lines_of(&change.agreement);
        let marked = |marker: &Option<Marker>| marker.as_ref() == Some(&change.marker);
        let found = lines.into_iter().find(|line| match change.action.line() {
            Some(id) => line.id == *id,
            None => marked(&line.marker),
        });
        Ok(match found {
            Some(line) if holds(&change.action, &line.state) => Verdict::Landed {
                line: line.id,
                observed: line.state,
            },
            _ => Verdict::NotLanded,
        })
    }
}
