//! The vendor source: from wire types to accounts, services and readings.

mod bills;
mod charges;
mod cost;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use rust_decimal::Decimal;
use tallyline_core::model::{
    AccountReading, Basis, BillingCycle, ChargeKind, CivilDate, Commitment, QuantityFloor,
    ReadFailure, Service, UsageLine, VendorAccount,
};
use tallyline_core::source::{
    Identity, SourceDescriptor, Trigger, Triggers, UsageRequest, VendorSource,
};
use tallyline_core::{Error, ErrorKind, Result};

use self::charges::ChargeBook;
use crate::auth::Scope;
use crate::client::{CONNECTOR, SherwebClient};
use crate::models::{
    ChargeType, Customer, PayableCharge, Subscription, SubscriptionBillingCycle, Subscriptions,
};

/// The account ids of charges that name no known customer begin with this.
const UNATTRIBUTED: &str = "unattributed:";

/// Why a prepaid year is not synced as it is.
const PREPAID_YEAR: &str = "it is prepaid for a year: its quantity does not recur monthly";

/// What the source is, on a tenant.
pub(crate) fn descriptor(tenant: String) -> SourceDescriptor {
    let mut descriptor = SourceDescriptor::new(CONNECTOR, "Sherweb");
    descriptor.basis = Basis::Live;
    descriptor.kinds = &[
        ChargeKind::Recurring,
        ChargeKind::Setup,
        ChargeKind::Usage,
        ChargeKind::Proration,
        ChargeKind::Credit,
    ];
    descriptor.fresh_for = Duration::from_secs(24 * 60 * 60);
    descriptor.unit_costs = true;
    descriptor.commitments = true;
    descriptor.tenant = Some(tenant);
    // The vendor's own connector syncs licences at once, usage at each billing date, and extra usage
    // beside licences when it changes. The API has no events: readings show what is due.
    descriptor.triggers = Triggers {
        quota: Trigger::OnQuantityChange,
        usage: Trigger::OnBillingDate,
        usage_with_extra: Trigger::OnUsageChange,
    };
    descriptor
}

#[async_trait]
impl VendorSource for SherwebClient {
    fn descriptor(&self) -> &SourceDescriptor {
        self.source_descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        let mut identity = Identity::new(self.client_id());
        self.authenticate(Scope::ServiceProvider).await?;
        let customers = self
            .customers()
            .await
            .map_err(|error| error.with_context("scope", Scope::ServiceProvider.as_str()))?;
        identity.verified.push(format!(
            "the scope service-provider: {} customers can be listed",
            customers.items.len()
        ));
        match self.authenticate(Scope::Distributor).await {
            Ok(()) => identity
                .verified
                .push("the scope distributor: a token was given".into()),
            Err(error) => identity.warnings.push(format!(
                "unit costs will not be read, nor set-up, usage, prorated and credit charges: {error}"
            )),
        }
        Ok(identity)
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        stream::once(self.customer_records())
            .map_ok(|mut records| {
                let mut seen = BTreeSet::new();
                records.retain(|record| match record {
                    Ok(customer) => seen.insert(customer.id.clone()),
                    Err(_) => true,
                });
                stream::iter(records)
            })
            .try_flatten()
            .map_ok(|customer| account(&customer))
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

/// What a reading needs before the first account is asked about.
struct Work {
    customers: Vec<Customer>,
    book: Arc<ChargeBook>,
}

impl SherwebClient {
    /// The customers, each once; records that cannot be read are left out and said.
    async fn known_customers(&self) -> Result<Vec<Customer>> {
        let mut customers: Vec<Customer> = Vec::new();
        let mut seen = BTreeSet::new();
        for record in self.customer_records().await? {
            match record {
                Ok(customer) => {
                    if seen.insert(customer.id.clone()) {
                        customers.push(customer);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a customer cannot be read and is not observed");
                }
            }
        }
        Ok(customers)
    }

    async fn prepare(&self, request: &UsageRequest) -> Result<Work> {
        let customers = self.known_customers().await?;
        let book = match self.payable_charges(Some(request.period_of)).await {
            Ok(charges) => {
                let holds = |from, to| from <= request.period_of && request.period_of <= to;
                if let (Some(from), Some(to)) = (charges.period_from, charges.period_to)
                    && !holds(from, to)
                {
                    tracing::warn!(%from, %to, "the charges are of another period than asked");
                }
                ChargeBook::new(&charges, &customers)
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "payable charges cannot be read: quantities come without costs and charges"
                );
                ChargeBook::unread()
            }
        };
        Ok(Work {
            customers,
            book: Arc::new(book),
        })
    }

    /// One reading per wanted customer in the vendor's order, then the unattributed charges.
    /// The first error ends the stream.
    fn readings<'a>(
        &'a self,
        request: &'a UsageRequest,
        work: Work,
    ) -> BoxStream<'a, Result<AccountReading>> {
        let Work { customers, book } = work;
        let apart: Vec<Result<AccountReading>> =
            unattributed(&book, request).into_iter().map(Ok).collect();
        let wanted: Vec<Customer> = customers
            .into_iter()
            .filter(|customer| request.wants(&customer.id.as_str().into()))
            .collect();
        stream::iter(wanted)
            .map(move |customer| {
                let book = Arc::clone(&book);
                async move { self.reading(&customer, &book, request).await }
            })
            .buffered(self.concurrency())
            .chain(stream::iter(apart))
            .scan(false, |ended, item| {
                let pass = !*ended;
                *ended |= item.is_err();
                future::ready(pass.then_some(item))
            })
            .boxed()
    }

    /// One customer. Refused credentials concern them all and are an error; anything else is
    /// a failed reading of this one.
    async fn reading(
        &self,
        customer: &Customer,
        book: &ChargeBook,
        request: &UsageRequest,
    ) -> Result<AccountReading> {
        let (id, now) = (customer.id.as_str(), request.now);
        let lines = match self.best_subscriptions(id).await {
            Ok(subscriptions) => lines(customer, subscriptions, book),
            Err(error) => Err(error),
        };
        let lines = match lines {
            Ok(lines) => self.priced(id, lines, request.period_of).await,
            Err(error) => Err(error),
        };
        match lines {
            Ok(lines) => Ok(AccountReading::complete(id, lines, Basis::Live, now)
                .with_billing_period(book.period())
                .with_unread_kinds(book.unread_kinds(id).iter().copied())
                .with_bills(book.bills(id))),
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) => {
                let error = error.with_context("account", name_of(customer));
                let failure = ReadFailure::from(&error);
                Ok(AccountReading::failed(id, failure, Basis::Live, now))
            }
        }
    }

    /// The lines with what the client pays for what is on an invoice, where there is such a line, and
    /// for subscriptions, where that is wanted.
    ///
    /// Prices that cannot be read are left out: the quantities stand without them.
    async fn priced(
        &self,
        customer: &str,
        mut lines: Vec<UsageLine>,
        day: CivilDate,
    ) -> Result<Vec<UsageLine>> {
        let of_subscriptions =
            self.unit_prices() && lines.iter().any(|line| line.subscription.is_some());
        if of_subscriptions || lines.iter().any(bills::is_unpriced) {
            match self.receivable_charges(customer, Some(day)).await {
                Ok(owed) => {
                    bills::add_prices(&mut lines, &owed);
                    if of_subscriptions {
                        bills::add_unit_prices(&mut lines, &owed);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                Err(error) => tracing::warn!(
                    customer,
                    %error,
                    "what the client owes cannot be read: lines come without the client's price"
                ),
            }
        }
        Ok(lines)
    }

    async fn read_services(&self) -> Result<Vec<Result<Service>>> {
        let customers = self.known_customers().await?;
        let mut found = Found::default();
        let mut failures = Vec::new();
        let mut answers = stream::iter(customers)
            .map(|customer| async move {
                let answer = self.best_subscriptions(&customer.id).await;
                (customer, answer)
            })
            .buffered(self.concurrency());
        while let Some((customer, answer)) = answers.next().await {
            match answer {
                Ok(subscriptions) => {
                    for subscription in &subscriptions.items {
                        found.add_subscription(subscription);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
                Err(error) => {
                    failures.push(Err(error.with_context("account", name_of(&customer))));
                }
            }
        }
        match self.payable_charges(None).await {
            Ok(charges) => {
                for charge in &charges.charges {
                    found.add_charge(charge);
                }
            }
            Err(error) => tracing::warn!(
                %error,
                "payable charges cannot be read: services without subscription are not listed"
            ),
        }
        Ok(found.services().map(Ok).chain(failures).collect())
    }
}

fn name_of(customer: &Customer) -> &str {
    customer.display_name.as_deref().unwrap_or(&customer.id)
}

fn account(customer: &Customer) -> VendorAccount {
    VendorAccount::new(customer.id.as_str(), name_of(customer))
        .with_suspended(customer.suspended_on.is_some())
}

fn cycle_of(subscription: &Subscription) -> BillingCycle {
    match &subscription.billing_cycle {
        Some(SubscriptionBillingCycle::Daily) => BillingCycle::Daily,
        Some(SubscriptionBillingCycle::Weekly) => BillingCycle::Weekly,
        Some(SubscriptionBillingCycle::Monthly) => BillingCycle::Monthly,
        Some(SubscriptionBillingCycle::Yearly) => BillingCycle::Yearly,
        _ => BillingCycle::Unknown,
    }
}

/// The lines of one customer: one per subscription, then its charges.
fn lines(
    customer: &Customer,
    subscriptions: Subscriptions,
    book: &ChargeBook,
) -> Result<Vec<UsageLine>> {
    let mut by_id: BTreeMap<String, Subscription> = BTreeMap::new();
    for subscription in subscriptions.items {
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::Protocol, why)
                .with_connector(CONNECTOR)
                .with_context("subscription", subscription.id.clone()))
        };
        if subscription.quantity < Decimal::ZERO {
            return refuse("a subscription has a negative quantity");
        }
        match by_id.get(&subscription.id) {
            Some(other) if *other != subscription => {
                return refuse("one subscription is listed twice, and differently");
            }
            _ => {
                by_id.insert(subscription.id.clone(), subscription);
            }
        }
    }
    let mut lines: Vec<UsageLine> = by_id
        .values()
        .map(|subscription| subscription_line(customer, subscription, book))
        .collect();
    lines.extend(book.lines(&customer.id));
    Ok(lines)
}

fn subscription_line(
    customer: &Customer,
    subscription: &Subscription,
    book: &ChargeBook,
) -> UsageLine {
    let cycle = cycle_of(subscription);
    let commitment = subscription.commitment_term.as_ref().map(|term| {
        let floors = term
            .committed_minimal_quantities
            .iter()
            .filter_map(|window| {
                Some(QuantityFloor {
                    quantity: window.quantity.into(),
                    until: window.committed_until?,
                })
            })
            .collect();
        Commitment::new(term.term_end_date, floors)
    });
    let mut line = UsageLine::new(
        format!("sub:{}", subscription.id),
        subscription.sku.as_str(),
        subscription.quantity,
    )
    .with_subscription(subscription.id.as_str())
    .with_billing_cycle(cycle)
    .with_unit_cost(book.cost(&customer.id, &subscription.sku, cycle))
    .with_commitment(commitment)
    .with_vendor_id("customerId", customer.id.as_str())
    .with_vendor_id("subscriptionId", subscription.id.as_str());
    let term = subscription.commitment_term.as_ref();
    let term = term.and_then(|term| term.term_type.as_ref());
    let texts = [
        ("productName", subscription.product_name.as_deref()),
        ("description", subscription.description.as_deref()),
        ("commitmentTerm", term.map(|term| term.as_str())),
        ("status", subscription.status.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            line.attributes.push((name.into(), text.into()));
        }
    }
    line
}

/// The charges that name no known customer, as accounts of their own.
fn unattributed(book: &ChargeBook, request: &UsageRequest) -> Vec<AccountReading> {
    book.unattributed()
        .into_iter()
        .map(|charges| {
            let basis = if charges.open {
                Basis::ProjectedInvoice
            } else {
                Basis::Invoiced
            };
            let id = format!("{UNATTRIBUTED}{}", charges.name);
            AccountReading::complete(id, charges.lines, basis, request.now)
        })
        .filter(|reading| request.wants(&reading.account))
        .collect()
}

/// The services found so far, by key.
#[derive(Default)]
struct Found(BTreeMap<String, Entry>);

#[derive(Default)]
struct Entry {
    name: Option<String>,
    subscribed: BTreeSet<BillingCycle>,
    charged: BTreeSet<BillingCycle>,
    set_up: bool,
}

impl Found {
    fn add_subscription(&mut self, subscription: &Subscription) {
        let entry = self.0.entry(subscription.sku.clone()).or_default();
        let name = subscription.product_name.as_ref();
        let name = name.or(subscription.description.as_ref());
        entry.name = entry.name.take().or_else(|| name.cloned());
        entry.subscribed.insert(cycle_of(subscription));
    }

    fn add_charge(&mut self, charge: &PayableCharge) {
        let Some(key) = charges::service_key(charge) else {
            return;
        };
        let entry = self.0.entry(key).or_default();
        let name = charge.product_name.as_ref();
        let name = name.or(charge.charge_name.as_ref());
        entry.name = entry.name.take().or_else(|| name.cloned());
        if charge.charge_type == Some(ChargeType::Setup) {
            entry.set_up = true;
        } else {
            entry
                .charged
                .insert(cost::cycle_of(charge.billing_cycle_type.as_ref()));
        }
    }

    /// A subscription says the cycle better than a charge, a recurring charge better than a
    /// set-up fee. Where cycles differ between customers, the cycle is not known.
    fn services(self) -> impl Iterator<Item = Service> {
        self.0.into_iter().map(|(key, entry)| {
            let cycles = if entry.subscribed.is_empty() {
                entry.charged
            } else {
                entry.subscribed
            };
            let cycle = match (cycles.len(), cycles.first()) {
                (1, Some(cycle)) => *cycle,
                (0, _) if entry.set_up => BillingCycle::OneTime,
                _ => BillingCycle::Unknown,
            };
            let name = entry.name.unwrap_or_else(|| key.clone());
            let service = Service::new(key, name).with_billing_cycle(cycle);
            if cycle == BillingCycle::Yearly {
                service.with_not_syncable(PREPAID_YEAR)
            } else {
                service
            }
        })
    }
}

#[cfg(test)]
mod tests;
