//! A source and a sink that answer from memory: the other side of the one under test.

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementId, AgreementReading, Basis, BillingCycle, Company,
    Currency, Product, Service, Timestamp, UsageLine, VendorAccount,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{
    AgreementFilter, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest};
use tallyline_core::{Error, ErrorKind, PsaSink, Result, VendorSource};

/// A sink with an agreement for each account, none of which bills anything yet.
#[derive(Debug)]
pub(super) struct StubSink {
    descriptor: SinkDescriptor,
    agreements: Vec<Agreement>,
}

impl StubSink {
    /// The one product.
    pub(super) const PRODUCT: &'static str = "P-1";

    pub(super) fn agreement_of(account: &str) -> String {
        format!("of:{account}")
    }

    pub(super) fn new(accounts: &[String]) -> Self {
        let mut capabilities = SinkCapabilities::default();
        capabilities.create_line = true;
        capabilities.set_quantity = true;
        capabilities.end_line = true;
        let agreements = accounts.iter().enumerate().map(|(at, account)| {
            let mut agreement = Agreement::new(
                Self::agreement_of(account),
                format!("{}", at + 1),
                "Managed",
            );
            agreement.billing_cycle = BillingCycle::Monthly;
            agreement.currency = Some(Currency::USD);
            agreement.next_invoice = "2026-04-01".parse().ok();
            agreement.prorates = Some(false);
            agreement
        });
        Self {
            descriptor: SinkDescriptor::new("stub", "Stub", capabilities),
            agreements: agreements.collect(),
        }
    }
}

fn never() -> Error {
    Error::new(ErrorKind::Unsupported, "the table reads and plans only")
}

#[async_trait]
impl PsaSink for StubSink {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("stub"))
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        stream::iter(&self.agreements)
            .map(|agreement| {
                Ok(Company::new(
                    agreement.company.clone(),
                    format!("Client {}", agreement.company),
                ))
            })
            .boxed()
    }

    fn agreements<'a>(&'a self, _filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        stream::iter(&self.agreements)
            .map(|agreement| Ok(agreement.clone()))
            .boxed()
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        stream::iter([Ok(Product::new(Self::PRODUCT, Self::PRODUCT, "Mail"))]).boxed()
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        stream::iter(agreements)
            .map(|agreement| Ok(AgreementReading::complete(agreement.clone(), Vec::new())))
            .boxed()
    }

    async fn execute(&self, _change: &Change) -> std::result::Result<Receipt, WriteError> {
        Err(WriteError::NotSent(never()))
    }

    async fn verify(&self, _change: &Change, _receipt: Option<&Receipt>) -> Result<Verdict> {
        Err(never())
    }
}

/// A source with an account for each agreement, each with the same number of seats.
#[derive(Debug)]
pub(super) struct StubSource {
    descriptor: SourceDescriptor,
    accounts: Vec<String>,
    now: Timestamp,
}

impl StubSource {
    /// The agreement that an account is named after.
    pub(super) fn agreement_of(account: &str) -> String {
        account.strip_prefix("c:").unwrap_or(account).to_owned()
    }

    pub(super) fn new(agreements: &[String], now: Timestamp) -> Self {
        Self {
            descriptor: SourceDescriptor::new("stub", "Stub"),
            accounts: agreements
                .iter()
                .map(|agreement| format!("c:{agreement}"))
                .collect(),
            now,
        }
    }
}

#[async_trait]
impl VendorSource for StubSource {
    fn descriptor(&self) -> &SourceDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("stub"))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        stream::iter(&self.accounts)
            .map(|id| Ok(VendorAccount::new(id.as_str(), id.as_str())))
            .boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        stream::iter([Ok(
            Service::new("S-1", "Mail").with_billing_cycle(BillingCycle::Monthly)
        )])
        .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        stream::iter(&self.accounts)
            .filter(|id| futures::future::ready(request.wants(&id.as_str().into())))
            .map(|id| {
                let line = UsageLine::new("sub:1", "S-1", 7777_u32)
                    .with_billing_cycle(BillingCycle::Monthly);
                Ok(AccountReading::complete(
                    id.as_str(),
                    vec![line],
                    Basis::Live,
                    self.now,
                ))
            })
            .boxed()
    }
}
