//! From the details of a subscription to usage lines, and to what is not observed.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tallyline_core::model::{
    BillingCycle, CivilDate, Commitment, Money, Service, ServiceKey, UsageLine,
};
use tallyline_core::{Error, ErrorKind, Result};

use super::settings::{ServiceKeys, StatusRule};
use crate::client::CONNECTOR;
use crate::models::{
    self, Period, PeriodType, SubscriptionDetail, SubscriptionProduct, SubscriptionStatus,
};

/// The services of subscriptions without products are known by this and the subscription's id.
const WITHOUT_PRODUCTS: &str = "subscription:";

/// The lines of one account, and what cannot be told of it.
#[derive(Debug, Default)]
pub(super) struct Observed {
    lines: BTreeMap<String, UsageLine>,
    unobserved: BTreeMap<ServiceKey, String>,
}

/// What a status comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) hold: StatusRule,
    pub(super) pending: StatusRule,
    pub(super) keys: ServiceKeys,
}

/// What a subscription comes to by its status alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Counts,
    Zero,
    Unobserved(String),
    LeftOut,
    /// It has ended: told as zero for a while, and passed over then.
    Ended,
}

impl Rules {
    pub(super) fn standing(&self, status: Option<&SubscriptionStatus>) -> Standing {
        let by_rule = |rule, what: &str| match rule {
            StatusRule::Count => Standing::Counts,
            StatusRule::Zero => Standing::Zero,
            StatusRule::LeaveOut => Standing::LeftOut,
            StatusRule::Unobserved => Standing::Unobserved(format!(
                "a subscription is {what}, and it is not known whether the vendor charges it"
            )),
        };
        match status {
            Some(SubscriptionStatus::Active) => Standing::Counts,
            Some(SubscriptionStatus::Hold) => by_rule(self.hold, "suspended"),
            Some(SubscriptionStatus::Pending) => by_rule(self.pending, "not ready yet"),
            Some(SubscriptionStatus::Terminated | SubscriptionStatus::Removed) => Standing::Ended,
            Some(SubscriptionStatus::Unknown(other)) => {
                Standing::Unobserved(format!("a subscription has the status {other:?}"))
            }
            None => Standing::Unobserved("a subscription tells no status".to_owned()),
        }
    }

    /// The key of a product's service.
    pub(super) fn service_key(
        &self,
        subscription: &SubscriptionDetail,
        product: &SubscriptionProduct,
    ) -> Option<ServiceKey> {
        let part = product
            .mpn
            .clone()
            .or_else(|| product.id.as_ref().map(|id| format!("product:{id}")))?;
        Some(match self.keys {
            ServiceKeys::PartNumber => part.into(),
            ServiceKeys::PartNumberAndPeriods => {
                let shown = |period: &Option<Period>| {
                    period
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), ToString::to_string)
                };
                let billing = shown(&subscription.billing_period);
                let term = shown(&subscription.subscription_period);
                format!("{part}|{billing}|{term}").into()
            }
        })
    }
}

fn refuse(subscription: &SubscriptionDetail, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, why)
        .with_connector(CONNECTOR)
        .with_context("subscription", subscription.id.clone())
}

impl Observed {
    /// Adds a subscription. `former` are the products that it had when it last had some.
    pub(super) fn add(
        &mut self,
        subscription: &SubscriptionDetail,
        former: &[SubscriptionProduct],
        rules: &Rules,
    ) -> Result<()> {
        let standing = rules.standing(subscription.status.as_ref());
        if standing == Standing::LeftOut {
            return Ok(());
        }
        if subscription.products.is_empty() {
            if !matches!(standing, Standing::Zero | Standing::Ended) {
                self.without_products(subscription, former, rules);
            }
            return Ok(());
        }
        for product in &subscription.products {
            let Some(service) = rules.service_key(subscription, product) else {
                return Err(refuse(
                    subscription,
                    "a product has neither part number nor id",
                ));
            };
            let quantity = match (&standing, product.quantity) {
                (Standing::Unobserved(why), _) => {
                    let why = format!("{why} ({})", subscription.id);
                    self.unobserved.insert(service, why);
                    continue;
                }
                (Standing::Zero | Standing::Ended, _) => Decimal::ZERO,
                (_, Some(quantity)) => quantity,
                (_, None) => {
                    let why = format!("subscription {} tells no quantity of it", subscription.id);
                    self.unobserved.insert(service, why);
                    continue;
                }
            };
            if quantity < Decimal::ZERO {
                return Err(refuse(subscription, "a product has a negative quantity"));
            }
            let line = line(subscription, product, service, quantity);
            let key = line.key.to_string();
            match self.lines.get(&key) {
                // The same record twice is one record.
                Some(known) if *known == line => {}
                Some(_) => {
                    let why = "one product stands in it twice, and differently";
                    return Err(refuse(subscription, why));
                }
                None => {
                    self.lines.insert(key, line);
                }
            }
        }
        Ok(())
    }

    /// No products is no quantity: whatever it had before cannot be told any more.
    fn without_products(
        &mut self,
        subscription: &SubscriptionDetail,
        former: &[SubscriptionProduct],
        rules: &Rules,
    ) {
        let why = format!(
            "subscription {} lists no products: it has no quantity, which is not zero",
            subscription.id
        );
        let own = format!("{WITHOUT_PRODUCTS}{}", subscription.id);
        let keys = former
            .iter()
            .filter_map(|product| rules.service_key(subscription, product))
            .chain([own.into()]);
        for key in keys {
            self.unobserved.insert(key, why.clone());
        }
    }

    /// The lines in order, without those of services that are not observed whole.
    pub(super) fn into_parts(self) -> (Vec<UsageLine>, BTreeMap<ServiceKey, String>) {
        let unobserved = self.unobserved;
        let lines = self.lines.into_values();
        let lines = lines.filter(|line| !unobserved.contains_key(&line.service));
        (lines.collect(), unobserved)
    }
}

fn line(
    subscription: &SubscriptionDetail,
    product: &SubscriptionProduct,
    service: ServiceKey,
    quantity: Decimal,
) -> UsageLine {
    let part = product.id.as_deref().or(product.mpn.as_deref());
    let part = part.unwrap_or_default();
    let prices = Prices::of(product);
    let mut line = UsageLine::new(format!("{}/{part}", subscription.id), service, quantity)
        .with_subscription(subscription.id.as_str())
        .with_billing_cycle(cycle_of(subscription.billing_period.as_ref()))
        .with_unit_cost(prices.cost)
        .with_unit_price(prices.price)
        .with_commitment(commitment(subscription))
        .with_vendor_id("subscriptionId", subscription.id.as_str());
    let ids = [
        ("customerId", &subscription.customer_id),
        ("productId", &product.id),
        ("planId", &subscription.plan_id),
        ("vendorSubscriptionId", &product.vendor_subscription_id),
    ];
    for (name, id) in ids {
        if let Some(id) = id {
            line = line.with_vendor_id(name, id.as_str());
        }
    }
    let date = |date: Option<CivilDate>| date.map(|date| date.to_string());
    let texts = [
        ("productName", product.name.clone()),
        ("subscriptionName", subscription.name.clone()),
        ("vendor", product.vendor.clone()),
        (
            "status",
            subscription.status.as_ref().map(ToString::to_string),
        ),
        (
            "autoRenew",
            subscription.renewal_status.map(|renews| renews.to_string()),
        ),
        ("start", date(subscription.creation_date)),
        ("end", date(subscription.expiration_date)),
        (
            "term",
            subscription
                .subscription_period
                .as_ref()
                .map(ToString::to_string),
        ),
        ("pricesLeftOut", prices.left_out),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            line.attributes.push((name.into(), text.into()));
        }
    }
    line
}

/// What one unit costs and is to cost per billing period.
#[derive(Debug, Default)]
struct Prices {
    cost: Option<Money>,
    price: Option<Money>,
    /// Why both were left out.
    left_out: Option<String>,
}

impl Prices {
    /// No source tells for which period unit prices are. Where price times quantity is not the total of the billing period,
    /// they are for another one, and so left out. A cost that is not told is not the price.
    fn of(product: &SubscriptionProduct) -> Self {
        let told = (
            &product.unit_price,
            &product.extended_price,
            product.quantity,
        );
        if let (Some(unit), Some(total), Some(quantity)) = told
            && (unit.currency != total.currency
                || unit.amount.checked_mul(quantity) != Some(total.amount))
        {
            return Self {
                left_out: Some(format!(
                    "{} times {} is not {}: they are not of the billing period",
                    unit.amount.normalize(),
                    quantity.normalize(),
                    total.amount.normalize()
                )),
                ..Self::default()
            };
        }
        Self {
            cost: money(product.unit_cost.as_ref()),
            price: money(product.unit_price.as_ref()),
            left_out: None,
        }
    }
}

/// An amount whose currency is known; without it there is none.
fn money(money: Option<&models::Money>) -> Option<Money> {
    let money = money?;
    let currency = money.currency.parse().ok()?;
    Some(Money::new(money.amount, currency))
}

/// The last day of the term. The vendor states no floors.
fn commitment(subscription: &SubscriptionDetail) -> Option<Commitment> {
    let term = subscription.subscription_period.as_ref()?;
    let committed = match term.kind {
        PeriodType::Month | PeriodType::Year => subscription.expiration_date,
        _ => None,
    };
    Some(Commitment::new(Some(committed?), Vec::new()))
}

/// How often a billing period comes round; a statement day is no length of time that is known.
pub(super) fn cycle_of(period: Option<&Period>) -> BillingCycle {
    let Some(period) = period else {
        return BillingCycle::Unknown;
    };
    let whole = period.duration.fract().is_zero();
    let count = period.duration.to_u32().filter(|_| whole);
    match (&period.kind, count) {
        (PeriodType::Day, Some(1)) => BillingCycle::Daily,
        (PeriodType::Day, Some(7)) => BillingCycle::Weekly,
        (PeriodType::Day, Some(14)) => BillingCycle::BiWeekly,
        (PeriodType::Month, Some(1)) => BillingCycle::Monthly,
        (PeriodType::Month, Some(2)) => BillingCycle::BiMonthly,
        (PeriodType::Month, Some(3)) => BillingCycle::Quarterly,
        (PeriodType::Month, Some(6)) => BillingCycle::SemiAnnual,
        (PeriodType::Month, Some(12)) | (PeriodType::Year, Some(1)) => BillingCycle::Yearly,
        _ => BillingCycle::Unknown,
    }
}

/// The services found so far, by key.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<ServiceKey, (String, BTreeSet<String>, BillingCycle)>);

impl Found {
    pub(super) fn add(&mut self, subscription: &SubscriptionDetail, rules: &Rules) {
        for product in &subscription.products {
            let Some(key) = rules.service_key(subscription, product) else {
                continue;
            };
            let name = product.name.clone().or_else(|| subscription.name.clone());
            let name = name.unwrap_or_else(|| key.to_string());
            let cycle = cycle_of(subscription.billing_period.as_ref());
            let known = self
                .0
                .entry(key)
                .or_insert_with(|| (name, BTreeSet::new(), cycle));
            known.1.insert(cycle.to_string());
            if known.1.len() > 1 {
                known.2 = BillingCycle::Unknown;
            }
        }
    }

    pub(super) fn services(self) -> impl Iterator<Item = Service> {
        self.0
            .into_iter()
            .map(|(key, (name, _, cycle))| Service::new(key, name).with_billing_cycle(cycle))
    }
}

#[cfg(test)]
mod tests;
