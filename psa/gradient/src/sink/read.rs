//! The reads: accounts as companies and agreements, services as products, and no counts.

use std::collections::HashSet;

use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, Product, ReadFailure,
};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::{Error, ErrorKind, Result};

use super::GradientSink;
use crate::client::CONNECTOR;
use crate::models::{Account, Service};
use crate::operations;

/// The name of an account's agreement, where one is shown.
const AGREEMENT: &str = "Counts";

/// The accounts, each once.
async fn accounts(sink: &GradientSink) -> Result<Vec<Account>> {
    let mut accounts = sink.client().accounts().await?;
    let mut seen = HashSet::new();
    accounts.retain(|account| seen.insert(account.id.clone()));
    Ok(accounts)
}

/// A list that comes in one answer, item by item.
fn listed<'a, T: Send + 'a>(
    list: impl Future<Output = Result<Vec<Result<T>>>> + Send + 'a,
) -> BoxStream<'a, Result<T>> {
    stream::once(list)
        .map_ok(stream::iter)
        .try_flatten()
        .boxed()
}

pub(super) fn companies(sink: &GradientSink) -> BoxStream<'_, Result<Company>> {
    listed(async {
        let accounts = accounts(sink).await?.into_iter();
        let company = |account: Account| Ok(Company::new(account.id, account.name));
        Ok(accounts.map(company).collect())
    })
}

pub(super) fn agreements<'a>(
    sink: &'a GradientSink,
    filter: &'a AgreementFilter,
) -> BoxStream<'a, Result<Agreement>> {
    listed(async {
        let accounts = accounts(sink).await?.into_iter();
        let agreement =
            |account: Account| Agreement::new(account.id.as_str(), account.id.as_str(), AGREEMENT);
        let wanted = accounts.map(agreement).filter(|agreement| {
            filter.companies.is_empty() || filter.companies.contains(&agreement.company)
        });
        Ok(wanted.map(Ok).collect())
    })
}

pub(super) fn products(sink: &GradientSink) -> BoxStream<'_, Result<Product>> {
    listed(async {
        let vendor = sink.client().vendor().await?;
        let mut seen = HashSet::new();
        let services = vendor.skus.iter().enumerate();
        let products = services.map(|(at, service)| product(at, service));
        Ok(products
            .filter(|product| {
                product
                    .as_ref()
                    .map_or(true, |product| seen.insert(product.id.clone()))
            })
            .collect())
    })
}

fn product(at: usize, service: &Service) -> Result<Product> {
    let id = service.any_id().ok_or_else(|| {
        Error::new(
            ErrorKind::Protocol,
            format!("the service {:?} has no id", service.name),
        )
        .with_connector(CONNECTOR)
        .with_operation(operations::VENDOR_GET.name)
        .with_json_path(format!("data.skus[{at}].id"))
    })?;
    Ok(Product::new(
        id,
        service.name.as_str(),
        service.name.as_str(),
    ))
}

/// No counts are told: every agreement is failed, and none is empty.
pub(super) fn lines(agreements: &[AgreementId]) -> BoxStream<'_, Result<AgreementReading>> {
    let failed = |agreement: &AgreementId| {
        let message = "Gradient does not tell the counts that it holds: the journal does";
        let failure = ReadFailure::new(ErrorKind::Unsupported, message);
        Ok(AgreementReading::failed(agreement.clone(), failure))
    };
    stream::iter(agreements)
        .map(failed)
        .then(future::ready)
        .boxed()
}
