//! `accounts` and `services`: what the vendor lists, and what is decided about it.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::mapping::{AccountEntry, BilledAs, LineTarget, Mapping, ServiceEntry};
use tallyline_core::model::{ServiceKey, VendorAccountId};

use super::Context;
use crate::connect;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{record_table, safe, warn};

#[derive(Serialize)]
struct Record {
    id: String,
    name: String,
    decision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_cycle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_syncable: Option<String>,
}

/// Lists the vendor's accounts.
pub(crate) async fn accounts(context: &Context) -> Result<Outcome> {
    let config = context.config()?;
    let mapping = mapping_file::load(&config)?;
    let source = connect::source(&config)?;
    let mut records = Vec::new();
    for account in collect(source.accounts()).await? {
        records.push(Record {
            decision: account_words(&mapping, &account.id),
            id: account.id.to_string(),
            name: account.name,
            suspended: Some(account.suspended),
            billing_cycle: None,
            not_syncable: None,
        });
    }
    show(context, "accounts", &records, |record| {
        let suspended = record.suspended == Some(true);
        if suspended { "suspended" } else { "" }.to_owned()
    })
}

/// Lists the vendor's services.
pub(crate) async fn services(context: &Context) -> Result<Outcome> {
    let config = context.config()?;
    let mapping = mapping_file::load(&config)?;
    let source = connect::source(&config)?;
    let mut records = Vec::new();
    for service in collect(source.services()).await? {
        records.push(Record {
            decision: service_words(&mapping, &service.key),
            id: service.key.to_string(),
            name: service.name,
            suspended: None,
            billing_cycle: Some(service.billing_cycle.to_string()),
            not_syncable: service.not_syncable,
        });
    }
    show(context, "services", &records, |record| {
        let cycle = record.billing_cycle.as_deref().unwrap_or_default();
        match &record.not_syncable {
            Some(reason) => format!("{cycle}; cannot be synced: {}", safe(reason)),
            None => cycle.to_owned(),
        }
    })
}

/// Collects a list. One record that cannot be read does not hide the others.
pub(super) async fn collect<T>(mut stream: BoxStream<'_, Result<T>>) -> Result<Vec<T>> {
    let (mut records, mut failures) = (Vec::new(), Vec::new());
    while let Some(record) = stream.next().await {
        match record {
            Ok(record) => records.push(record),
            Err(error) => failures.push(error),
        }
    }
    if records.is_empty() && !failures.is_empty() {
        return Err(failures.swap_remove(0));
    }
    for error in failures {
        warn(&format!("a record could not be read: {error}"));
    }
    Ok(records)
}

fn show(
    context: &Context,
    what: &str,
    records: &[Record],
    more: impl Fn(&Record) -> String,
) -> Result<Outcome> {
    let document = serde_json::json!({ what: records });
    context.out.print(&document, || {
        let cells = |record: &Record| {
            [
                safe(&record.id),
                safe(&record.name),
                record.decision.clone(),
                more(record),
            ]
        };
        let rows: Vec<_> = records.iter().map(cells).collect();
        let table = record_table(["Id", "Name", "Decision", "Remarks"], &rows);
        format!("{table}{} {what}", records.len())
    })?;
    Ok(Outcome::Done)
}

/// What is decided about an account, with ids.
pub(crate) fn account_words(mapping: &Mapping, id: &VendorAccountId) -> String {
    match mapping.account(id) {
        None => "not mapped".to_owned(),
        Some(AccountEntry::Exclude(_)) => "excluded".to_owned(),
        Some(AccountEntry::Link(link)) => {
            let agreement = match &link.target {
                LineTarget::Agreement(agreement) => format!("agreement {agreement}"),
                LineTarget::PerService => "an agreement for each subscription".to_owned(),
                LineTarget::Bundled { master } => {
                    format!("a child agreement for each service under agreement {master}")
                }
                other => format!("{other:?}"),
            };
            let note = link.metadata_to.as_ref().map_or_else(String::new, |note| {
                format!(", its metadata into the note of agreement {note}")
            });
            let off = if link.enabled { "" } else { ", switched off" };
            safe(&format!("company {}, {agreement}{note}{off}", link.company))
        }
    }
}

/// What is decided about a service, with ids.
pub(crate) fn service_words(mapping: &Mapping, key: &ServiceKey) -> String {
    match mapping.service(key) {
        None => "not mapped".to_owned(),
        Some(ServiceEntry::Exclude(_)) => "excluded".to_owned(),
        Some(ServiceEntry::Link(link)) => {
            let products: Vec<String> = link
                .products
                .iter()
                .map(|rule| {
                    if rule.is_one_to_one() {
                        format!("product {}", rule.product)
                    } else {
                        format!("product {} ({rule})", rule.product)
                    }
                })
                .collect();
            let off = if link.enabled { "" } else { ", switched off" };
            let charge = match link.billed_as {
                BilledAs::Charge => ", one charge for each bill",
                BilledAs::LineAndProrations => ", prorations as one charge for each bill",
                _ => "",
            };
            safe(&format!("{}{charge}{off}", products.join(" and ")))
        }
    }
}
