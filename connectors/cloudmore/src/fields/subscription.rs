//! Subscriptions, their history and manual lines through the map.

use rust_decimal::Decimal;
use tallyline_core::model::{CivilDate, Currency};

use super::read::{Level, Line, Misread, currency_of};
use super::{BillReport, FieldMap, Unreadable};
use crate::models::Record;

/// A subscription of any of the five kinds (NCE, legacy CSP, Azure, Azure plan, custom service), in
/// the words of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// Cloudmore's id.
    pub id: String,
    /// The supplier's id, such as Microsoft's GUID.
    pub external_id: Option<String>,
    /// The organization's id.
    pub organization_id: Option<String>,
    /// The organization's name.
    pub organization_name: Option<String>,
    /// The service's id.
    pub service_id: Option<String>,
    /// The service's name.
    pub service_name: Option<String>,
    /// The product's id.
    pub product_id: Option<String>,
    /// The product's SKU.
    pub sku: Option<String>,
    /// The product's name.
    pub product_name: Option<String>,
    /// The number of units; absent where the record does not state it, as of what is metered.
    pub quantity: Option<Decimal>,
    /// What the reseller pays per unit.
    pub unit_cost: Option<Decimal>,
    /// What the client pays per unit.
    pub unit_price: Option<Decimal>,
    /// The currency of the amounts.
    pub currency: Option<Currency>,
    /// Whether it is cancelled, as far as the record says. Cancelled ones are listed.
    pub cancelled: bool,
    /// The first day.
    pub start: Option<CivilDate>,
    /// The last day of its term.
    pub end: Option<CivilDate>,
}

/// A change of a subscription, from its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionChange {
    /// The first day on which it counts.
    pub date: CivilDate,
    /// The number of units from then on; absent where the change does not state it.
    pub quantity: Option<Decimal>,
    /// What was done, in the vendor's word.
    pub action: Option<String>,
}

/// Records read through a field map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mapped<T> {
    /// What could be read, in the answer's order.
    pub read: Vec<T>,
    /// What could not, in the answer's order.
    pub unreadable: Vec<Unreadable>,
}

impl FieldMap {
    /// Reads subscriptions of any kind.
    ///
    /// ```
    /// use tallyline_cloudmore::fields::FieldMap;
    /// use tallyline_cloudmore::models::Record;
    ///
    /// let records: Vec<Record> =
    ///     serde_json::from_str(r#"[{"subscriptionId":"u-1","quantity":12},{"quantity":3}]"#)?;
    /// let subscriptions = FieldMap::default().subscriptions(&records);
    /// assert_eq!(subscriptions.read[0].id, "u-1");
    /// assert_eq!(subscriptions.unreadable[0].path, "[1]");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn subscriptions(&self, records: &[Record]) -> Mapped<Subscription> {
        self.mapped(records, "subscriptions", |line| self.subscription(line))
    }

    /// Reads the history of a subscription.
    #[must_use]
    pub fn history(&self, records: &[Record]) -> Mapped<SubscriptionChange> {
        self.mapped(records, "history", |line| {
            let date = line.date("change_date", &self.change_date)?;
            Ok(SubscriptionChange {
                date: date.ok_or(("change_date", "it is missing".to_owned()))?,
                quantity: line.number("quantity", &self.quantity)?,
                action: line.text("change_action", &self.change_action)?,
            })
        })
    }

    /// Reads manual billing lines as lines of a bill.
    #[must_use]
    pub fn manual_lines(&self, records: &[Record]) -> BillReport {
        let mut out = BillReport::default();
        for (index, record) in records.iter().enumerate() {
            let level = Level {
                container: Some("manualBillingLines"),
                record: record.fields(),
            };
            self.line(&[level], format!("[{index}]"), &mut out);
        }
        out
    }

    fn mapped<T>(
        &self,
        records: &[Record],
        container: &str,
        read: impl Fn(Line<'_>) -> Result<T, Misread>,
    ) -> Mapped<T> {
        let mut out = Mapped {
            read: Vec::new(),
            unreadable: Vec::new(),
        };
        for (index, record) in records.iter().enumerate() {
            let levels = [Level {
                container: Some(container),
                record: record.fields(),
            }];
            match read(Line { levels: &levels }) {
                Ok(item) => out.read.push(item),
                Err(misread) => {
                    let path = format!("[{index}]");
                    out.unreadable.push(self.unreadable(&levels, misread, path));
                }
            }
        }
        out
    }

    fn subscription(&self, line: Line<'_>) -> Result<Subscription, Misread> {
        let id = line.text("subscription_id", &self.subscription_id)?;
        let currency = line.text("currency", &self.currency)?;
        Ok(Subscription {
            id: id.ok_or(("subscription_id", "it is missing".to_owned()))?,
            external_id: line.text("external_subscription_id", &self.external_subscription_id)?,
            organization_id: line.text("organization_id", &self.organization_id)?,
            organization_name: line.text("organization_name", &self.organization_name)?,
            service_id: line.text("service_id", &self.service_id)?,
            service_name: line.text("service_name", &self.service_name)?,
            product_id: line.text("product_id", &self.product_id)?,
            sku: line.text("sku", &self.sku)?,
            product_name: line.text("product_name", &self.product_name)?,
            quantity: line.number("quantity", &self.quantity)?,
            unit_cost: line.number("unit_cost", &self.unit_cost)?,
            unit_price: line.number("unit_price", &self.unit_price)?,
            currency: currency.as_deref().map(currency_of).transpose()?,
            cancelled: self.is_cancelled(line)?,
            start: line.date("period_start", &self.period_start)?,
            end: line.date("period_end", &self.period_end)?,
        })
    }

    /// The id and the name of a service in a list of services.
    pub(crate) fn service(&self, record: &Record) -> [Option<String>; 2] {
        let levels = [Level {
            container: Some("services"),
            record: record.fields(),
        }];
        let line = Line { levels: &levels };
        [
            line.text("service_id", &self.service_id).ok().flatten(),
            line.text("service_name", &self.service_name).ok().flatten(),
        ]
    }
}
