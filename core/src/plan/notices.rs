//! What a person should know that is not a change.

use std::collections::HashMap;

use super::own::name_of_new;
use super::{Notice, PlanContext};
use crate::model::{CivilDate, Quantity, ServiceKey, VendorAccountId};
use crate::reconcile::{Kind, Row, Unplaced, UnplacedSubject};

/// What a person should know of rows that are not changed: one notice for all rows of an
/// agreement that share a reason.
pub(super) fn notices_of(rows: &[Row<'_>], context: &PlanContext<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut rows: Vec<(Row<'_>, String)> = rows
        .iter()
        .filter_map(|row| Some((*row, sentence(*row, context)?)))
        .collect();
    // Stable: products stay in their order.
    rows.sort_by(|(a, x), (b, y)| {
        let key = |row: &Row<'_>| (row.agreement().company.clone(), row.agreement().id.clone());
        (key(a), a.kind(), x).cmp(&(key(b), b.kind(), y))
    });
    let same = |(a, x): &(Row<'_>, String), (b, y): &(Row<'_>, String)| {
        a.agreement().id == b.agreement().id && a.kind() == b.kind() && x == y
    };
    for group in rows.chunk_by(same) {
        if let [(row, sentence), ..] = group {
            let products: Vec<&str> = group.iter().map(|(row, _)| product_name(*row)).collect();
            notices.push(row_notice(*row, &products, sentence, context));
        }
    }
    notices
}

/// What a person should know of a row that is not changed.
fn sentence(row: Row<'_>, context: &PlanContext<'_>) -> Option<String> {
    Some(match row.kind() {
        Kind::NoChange | Kind::Exported => return None,
        Kind::NewRevenue if row.new_agreement().is_some() => format!(
            "{} shows usage with no agreement in {}; creating agreements is switched off",
            context.source.name, context.sink.name
        ),
        Kind::NewRevenue => format!(
            "{} shows {} with no line in {}; creating lines is switched off",
            context.source.name,
            row.vendor().unwrap_or_default(),
            context.sink.name
        ),
        Kind::VendorMissing if row.book().is_of_counts() => format!(
            "{} shows no usage any more; the last count that {} was given is {}, which stays",
            context.source.name,
            context.sink.name,
            row.psa().unwrap_or_default()
        ),
        Kind::VendorMissing => format!(
            "{} shows no usage for the line of {}; nothing is changed",
            context.source.name,
            row.psa().unwrap_or_default()
        ),
        Kind::Dismissed => format!(
            "{} shows {}, {} bills {}; {}; it comes back with the next period, or with another value",
            context.source.name,
            figure(row.vendor()),
            context.sink.name,
            figure(row.psa()),
            row.reason().unwrap_or_default()
        ),
        kind => row.reason().map_or_else(|| kind.to_string(), str::to_owned),
    })
}

fn figure(quantity: Option<Quantity>) -> String {
    quantity.map_or_else(|| "nothing".to_owned(), |quantity| quantity.to_string())
}

fn product_name<'c>(row: Row<'c>) -> &'c str {
    row.book()
        .product(row.product())
        .map_or(row.product().as_str(), |product| &product.identifier)
}

/// A notice about one row.
pub(super) fn notice_of(row: Row<'_>, sentence: &str, context: &PlanContext<'_>) -> Notice {
    row_notice(row, &[product_name(row)], sentence, context)
}

/// A notice about one row, as something else than the row is.
pub(super) fn notice_of_kind(
    row: Row<'_>,
    kind: Kind,
    sentence: &str,
    context: &PlanContext<'_>,
) -> Notice {
    Notice {
        kind,
        ..notice_of(row, sentence, context)
    }
}

/// Which days a first sync within a period leaves to a person.
pub(super) fn first_sync_notice(
    row: Row<'_>,
    period_start: CivilDate,
    context: &PlanContext<'_>,
) -> Notice {
    let sentence = format!(
        "the first sync falls within a period: lines that recur are created and updated, and nothing \
         is prorated for {period_start} to {}; enter by hand what is to be billed for these days",
        row.today().plus_days(-1)
    );
    let mut notice = row_notice(row, &[], &sentence, context);
    notice.kind = Kind::NotBilled;
    notice
}

/// A notice about products of one agreement, or about the agreement itself.
fn row_notice(
    row: Row<'_>,
    products: &[&str],
    sentence: &str,
    context: &PlanContext<'_>,
) -> Notice {
    let agreement = row.agreement();
    let name = match row.new_agreement() {
        Some(new) => name_of_new(new, context),
        None => agreement.name.clone(),
    };
    let company = row
        .book()
        .company(&agreement.company)
        .map_or(agreement.company.as_str(), |company| &company.name);
    let about = if products.is_empty() {
        String::new()
    } else {
        format!(", {}", products.join(", "))
    };
    let mut notice = Notice::new(row.kind(), format!("{company}, {name}{about}: {sentence}"));
    notice.company = Some(agreement.company.clone());
    notice.agreement = Some(agreement.id.clone());
    notice.as_of = row.as_of();
    if products.len() == 1 {
        notice.product = Some(row.product().clone());
    }
    notice
}

/// The names of the vendor's side.
pub(super) struct Names<'a> {
    source: &'a str,
    accounts: HashMap<&'a VendorAccountId, &'a str>,
    services: HashMap<&'a ServiceKey, &'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn new(context: &PlanContext<'a>) -> Self {
        Self {
            source: &context.source.name,
            accounts: context
                .accounts
                .iter()
                .map(|account| (&account.id, account.name.as_str()))
                .collect(),
            services: context
                .services
                .iter()
                .map(|service| (&service.key, service.name.as_str()))
                .collect(),
        }
    }

    pub(super) fn notice(&self, record: &Unplaced) -> Notice {
        let account = match self.accounts.get(&record.account) {
            Some(name) => (*name).to_owned(),
            None => record.account.to_string(),
        };
        let reason = record
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        let lines = match record.lines {
            1 => "1 usage line".to_owned(),
            many => format!("{many} usage lines"),
        };
        let message = match &record.subject {
            UnplacedSubject::Account
                if record.kind == Kind::NotObserved
                    && !self.accounts.contains_key(&record.account) =>
            {
                format!(
                    "account {account} is linked, and {} does not list it any more: nothing is \
                     changed; if the client has left, exclude the account{reason}",
                    self.source
                )
            }
            UnplacedSubject::Account if record.kind == Kind::NotObserved => {
                format!("{account}: not observed, so nothing is changed{reason}")
            }
            UnplacedSubject::Account => {
                format!(
                    "{account}: the account is {}, with {lines}{reason}",
                    record.kind
                )
            }
            UnplacedSubject::Service(service) if record.kind == Kind::NotBilled => {
                let name = self.services.get(service).copied().unwrap_or_default();
                let reason = record.reason.as_deref().unwrap_or_default();
                format!("{account}: {service} {name} is not billed for {reason}")
            }
            UnplacedSubject::Service(service) => {
                let name = match self.services.get(service) {
                    Some(name) => format!("{service} {name}"),
                    None => service.to_string(),
                };
                let quantity = record
                    .quantity
                    .map_or_else(String::new, |quantity| format!(" of {quantity} units"));
                format!(
                    "{account}: {name} is {}, with {lines}{quantity}{reason}",
                    record.kind
                )
            }
        };
        let mut notice = Notice::new(record.kind, message);
        notice.account = Some(record.account.clone());
        notice.as_of = record.as_of;
        if let UnplacedSubject::Service(service) = &record.subject {
            notice.service = Some(service.clone());
        }
        notice
    }
}
