//! What the readings say of an account beside its quantities, for the note of an agreement.

use std::sync::Arc;

use crate::model::{
    AccountReading, AgreementId, ChargeKind, CompanyId, Period, Quantity, ReadingOutcome,
    ServiceKey, SubscriptionId, Timestamp, UsageLine, VendorAccountId,
};

/// The metadata of one account, where its [link](crate::mapping::AccountLink::metadata_to) sends them into the
/// note of an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountMetadata {
    /// The account.
    pub account: VendorAccountId,
    /// The company that it is linked to.
    pub company: CompanyId,
    /// The agreement whose note gets them.
    pub agreement: AgreementId,
    /// The vendor's billing period, where it is known: the one that the account was read in, else the one
    /// that all its lines here share.
    pub cycle: Option<Period>,
    /// The instant whose state they show.
    pub as_of: Timestamp,
    /// Why they are not known whole, where that is so.
    pub incomplete: Option<String>,
    /// The recurring lines of services that are linked and switched on, in the order of service and key.
    pub lines: Vec<MetadataLine>,
}

/// One recurring line with what the vendor says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataLine {
    /// The service.
    pub service: ServiceKey,
    /// The subscription, where the line has one.
    pub subscription: Option<SubscriptionId>,
    /// The quantity, in `unit`s.
    pub quantity: Quantity,
    /// The unit's name, where the vendor gives one.
    pub unit: Option<Arc<str>>,
    /// Names and values, in the vendor's order.
    pub attributes: Vec<(Arc<str>, Arc<str>)>,
}

/// What a reading says of an account for the note of an agreement of a company; nothing where the account
/// was not observed.
pub(super) fn of_reading(
    reading: &AccountReading,
    (company, agreement): (&CompanyId, &AgreementId),
    is_billed: impl Fn(&ServiceKey) -> bool,
) -> Option<AccountMetadata> {
    let ReadingOutcome::Complete(lines) = &reading.outcome else {
        return None;
    };
    let mut recurring: Vec<&UsageLine> = lines
        .iter()
        .filter(|line| line.kind == ChargeKind::Recurring && is_billed(&line.service))
        .collect();
    recurring.sort_by(|a, b| (&a.service, &a.key).cmp(&(&b.service, &b.key)));
    Some(AccountMetadata {
        account: reading.account.clone(),
        company: company.clone(),
        agreement: agreement.clone(),
        cycle: reading.billing_period.or_else(|| shared_period(&recurring)),
        as_of: reading.as_of(),
        incomplete: incomplete(reading, &is_billed),
        lines: recurring
            .into_iter()
            .map(|line| MetadataLine {
                service: line.service.clone(),
                subscription: line.subscription.clone(),
                quantity: line.quantity,
                unit: line.unit.clone(),
                attributes: line.attributes.clone(),
            })
            .collect(),
    })
}

fn shared_period(lines: &[&UsageLine]) -> Option<Period> {
    let first = lines.first()?.period?;
    let mut rest = lines.iter();
    rest.all(|line| line.period == Some(first)).then_some(first)
}

fn incomplete(reading: &AccountReading, is_billed: impl Fn(&ServiceKey) -> bool) -> Option<String> {
    if reading.unread_kinds.contains(&ChargeKind::Recurring) {
        return Some("its recurring lines could not be read whole".to_owned());
    }
    let mut unobserved = reading.unobserved.iter();
    let unobserved = unobserved.find(|(service, _)| is_billed(service));
    let unobserved = unobserved.map(|(service, why)| format!("service {service}: {why}"));
    let exported = || {
        let service = reading.exported.iter().find(|service| is_billed(service))?;
        Some(format!(
            "the lines of service {service} were exported before and are not read again"
        ))
    };
    unobserved.or_else(exported)
}
