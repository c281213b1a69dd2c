//! The field map: which members of the vendor's records mean what.
//!
//! The vendor's schema is **not verified**: no public document names the fields of its billing
//! reports, nor those of its subscriptions. A [`FieldMap`] says where each field of a canonical
//! [`BillLine`] or [`Subscription`] may stand; the defaults are guesses from the names of the
//! vendor's models, and a configuration replaces any of them. Nothing that is not found is
//! invented: a line without organization, quantity, currency, billing date or service is
//! [`Unreadable`].
//!
//! # Places
//!
//! | a place | means |
//! | --- | --- |
//! | `quantity` | the member of that name |
//! | `/product/id` | the value at that JSON pointer, relative to the record |
//! | `services.id` | the member `id` of a record that stands in a list `services` |
//!
//! Names are found in any case of their letters. Fields that describe a line's surroundings (the
//! organization, the service, the subscription, the dates, the currency) are taken from the line's
//! own record first, then from the records around it, the nearest first. Numbers and the line's own
//! state are taken from its own record alone.

mod line;
mod place;
mod read;
mod subscription;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tallyline_core::{Error, ErrorKind, Result};

pub use line::{BillLine, BillReport, LineKind, Unreadable};
pub use place::Place;
pub(crate) use read::NoProperties;
pub use subscription::{Mapped, Subscription, SubscriptionChange};

/// Where the fields of billing reports and organizations stand.
///
/// In a configuration, each entry that is given replaces the default of that entry.
///
/// ```
/// use tallyline_cloudmore::fields::FieldMap;
///
/// let map: FieldMap = serde_json::from_str(r#"{"quantity": ["licenseCount", "/amount/units"]}"#)?;
/// map.validate()?;
/// assert_ne!(map.quantity, FieldMap::default().quantity);
/// assert_eq!(map.currency, FieldMap::default().currency);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FieldMap {
    /// Members that hold further records: lists, or one object. A record without any is a line.
    pub containers: Vec<String>,
    /// The organization's id.
    pub organization_id: Vec<Place>,
    /// The organization's name.
    pub organization_name: Vec<Place>,
    /// The service's id.
    pub service_id: Vec<Place>,
    /// The service's name.
    pub service_name: Vec<Place>,
    /// Cloudmore's id of the subscription.
    pub subscription_id: Vec<Place>,
    /// The supplier's id of the subscription, such as Microsoft's GUID.
    pub external_subscription_id: Vec<Place>,
    /// The product's id.
    pub product_id: Vec<Place>,
    /// The product's SKU.
    pub sku: Vec<Place>,
    /// The product's name.
    pub product_name: Vec<Place>,
    /// The line's own id.
    pub line_id: Vec<Place>,
    /// The word that says what a line charges for.
    pub charge_kind: Vec<Place>,
    /// The state of the line's subscription.
    pub status: Vec<Place>,
    /// The date of the bill.
    pub billing_date: Vec<Place>,
    /// The first day of the line's period.
    pub period_start: Vec<Place>,
    /// The last day of the line's period.
    pub period_end: Vec<Place>,
    /// The number of units.
    pub quantity: Vec<Place>,
    /// What the reseller pays per unit.
    pub unit_cost: Vec<Place>,
    /// What the client pays per unit.
    pub unit_price: Vec<Place>,
    /// What the reseller pays for the line.
    pub cost_total: Vec<Place>,
    /// What the client pays for the line.
    pub price_total: Vec<Place>,
    /// The currency of the line's amounts.
    pub currency: Vec<Place>,
    /// Words of `charge_kind`, and names of containers, that say what a line charges for.
    pub kinds: BTreeMap<String, LineKind>,
    /// What a line charges for that says nothing about it; without one, such a line is left out and
    /// nothing is concluded about its organization.
    pub default_kind: Option<LineKind>,
    /// Words of `status` that say that a subscription is cancelled.
    pub cancelled: Vec<String>,
    /// The day of a change, in a subscription's history.
    pub change_date: Vec<Place>,
    /// What was done, in a subscription's history.
    pub change_action: Vec<Place>,
    /// Where an organization's custom properties stand.
    pub custom_properties: Vec<Place>,
    /// The member of a custom property that holds its name.
    pub property_name: Vec<Place>,
    /// The member of a custom property that holds its value.
    pub property_value: Vec<Place>,
}

fn places(texts: &[&str]) -> Vec<Place> {
    texts.iter().map(|text| Place::from(*text)).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Default for FieldMap {
    /// Guesses: nobody has seen the vendor's schema.
    fn default() -> Self {
        let kinds = [
            ("cycleFee", LineKind::CycleFee),
            ("cycleFees", LineKind::CycleFee),
            ("billingCycleFee", LineKind::CycleFee),
            ("billingCycleFees", LineKind::CycleFee),
            ("recurring", LineKind::CycleFee),
            ("proRate", LineKind::ProRate),
            ("proRates", LineKind::ProRate),
            ("proRateItems", LineKind::ProRate),
            ("proRata", LineKind::ProRate),
            ("prorated", LineKind::ProRate),
            ("other", LineKind::Other),
            ("others", LineKind::Other),
            ("otherItems", LineKind::Other),
            ("oneTime", LineKind::Other),
            ("usage", LineKind::Usage),
            ("usages", LineKind::Usage),
            ("consumption", LineKind::Usage),
            ("consumptions", LineKind::Usage),
            ("manual", LineKind::Manual),
            ("manualBilling", LineKind::Manual),
            ("manualBillingLines", LineKind::Manual),
        ];
        Self {
            containers: texts(&[
                "data",
                "result",
                "bills",
                "organizations",
                "services",
                "subscriptions",
                "items",
                "products",
                "addons",
                "lines",
                "billingLines",
                "cycleFees",
                "billingCycleFees",
                "proRates",
                "proRateItems",
                "others",
                "otherItems",
                "usages",
                "consumptions",
                "manualBillingLines",
            ]),
            organization_id: places(&["organizationId", "organizations.id", "/organization/id"]),
            organization_name: places(&[
                "organizationName",
                "organizations.name",
                "/organization/name",
            ]),
            service_id: places(&["serviceId", "services.id", "/service/id"]),
            service_name: places(&["serviceName", "services.name", "/service/name"]),
            subscription_id: places(&["subscriptionId", "subscriptions.id", "/subscription/id"]),
            external_subscription_id: places(&[
                "externalSubscriptionId",
                "microsoftSubscriptionId",
                "azureSubscriptionId",
            ]),
            product_id: places(&["productId", "products.id", "/product/id"]),
            sku: places(&["sku", "productSku", "skuId"]),
            product_name: places(&["productName", "products.name", "/product/name"]),
            line_id: places(&["lineId", "billingLineId", "lines.id", "billingLines.id"]),
            charge_kind: places(&["chargeKind", "chargeType", "lineType"]),
            status: places(&["status", "subscriptionStatus", "state"]),
            billing_date: places(&["billingDate", "invoiceDate"]),
            period_start: places(&["startDate", "periodStart", "chargeStartDate"]),
            period_end: places(&["endDate", "periodEnd", "chargeEndDate"]),
            quantity: places(&["quantity"]),
            unit_cost: places(&["costPrice", "unitCostPrice"]),
            unit_price: places(&["salesPrice", "unitSalesPrice"]),
            cost_total: places(&["totalCostPrice", "costTotal"]),
            price_total: places(&["totalSalesPrice", "salesTotal"]),
            currency: places(&["currencyCode", "currency"]),
            kinds: kinds.map(|(word, kind)| (word.to_owned(), kind)).into(),
            default_kind: Some(LineKind::CycleFee),
            cancelled: texts(&["Cancelled", "Canceled", "Deleted", "Terminated"]),
            change_date: places(&["date", "changeDate", "effectiveDate", "modifiedDate"]),
            change_action: places(&["action", "changeType", "event"]),
            custom_properties: places(&["customProperties", "properties"]),
            property_name: places(&["name", "propertyName", "key"]),
            property_value: places(&["value", "propertyValue"]),
        }
    }
}

impl FieldMap {
    /// Checks a map that a person wrote.
    ///
    /// # Errors
    /// `Config`, naming the entry and what is wrong with it: no place for a field that every line
    /// must have, a blank or malformed place, one place for two fields, a word of two kinds.
    pub fn validate(&self) -> Result<()> {
        let wrong = |entry: &str, why: String| {
            Err(Error::new(
                ErrorKind::Config,
                format!("the field map's {entry}: {why}"),
            ))
        };
        if self.containers.iter().any(|name| name.trim().is_empty()) {
            return wrong("containers", "a name is blank".into());
        }
        for (entry, places) in self.fields() {
            for place in places {
                if let Err(why) = place.check() {
                    return wrong(entry, why);
                }
            }
        }
        for (entry, places) in [
            ("organization_id", &self.organization_id),
            ("quantity", &self.quantity),
            ("currency", &self.currency),
            ("billing_date", &self.billing_date),
        ] {
            if places.is_empty() {
                return wrong(entry, "no place, though every line must have one".into());
            }
        }
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        for (entry, places) in self.line_fields() {
            for place in places {
                let key = place.to_string().to_ascii_lowercase();
                match owners.insert(key, entry) {
                    Some(other) if other == entry => {
                        return wrong(entry, format!("{place} stands twice"));
                    }
                    Some(other) => {
                        return wrong(entry, format!("{place} is a place of {other} already"));
                    }
                    None => {}
                }
            }
        }
        let mut words: BTreeMap<String, LineKind> = BTreeMap::new();
        for (word, kind) in &self.kinds {
            if word.trim().is_empty() {
                return wrong("kinds", "a word is blank".into());
            }
            let known = words.insert(word.to_ascii_lowercase(), *kind);
            if known.is_some_and(|known| known != *kind) {
                return wrong("kinds", format!("{word} stands for two kinds"));
            }
        }
        Ok(())
    }

    /// The kind that a word or the name of a container says.
    fn kind_of(&self, word: &str) -> Option<LineKind> {
        let mut kinds = self.kinds.iter();
        kinds
            .find(|(known, _)| known.eq_ignore_ascii_case(word.trim()))
            .map(|(_, kind)| *kind)
    }

    fn is_container(&self, name: &str) -> bool {
        let mut known = self.containers.iter();
        known.any(|container| container.eq_ignore_ascii_case(name))
    }

    fn line_fields(&self) -> [(&'static str, &[Place]); 21] {
        [
            ("organization_id", &self.organization_id),
            ("organization_name", &self.organization_name),
            ("service_id", &self.service_id),
            ("service_name", &self.service_name),
            ("subscription_id", &self.subscription_id),
            ("external_subscription_id", &self.external_subscription_id),
            ("product_id", &self.product_id),
            ("sku", &self.sku),
            ("product_name", &self.product_name),
            ("line_id", &self.line_id),
            ("charge_kind", &self.charge_kind),
            ("status", &self.status),
            ("billing_date", &self.billing_date),
            ("period_start", &self.period_start),
            ("period_end", &self.period_end),
            ("quantity", &self.quantity),
            ("unit_cost", &self.unit_cost),
            ("unit_price", &self.unit_price),
            ("cost_total", &self.cost_total),
            ("price_total", &self.price_total),
            ("currency", &self.currency),
        ]
    }

    fn fields(&self) -> Vec<(&'static str, &[Place])> {
        let mut fields = self.line_fields().to_vec();
        fields.push(("change_date", &self.change_date));
        fields.push(("change_action", &self.change_action));
        fields.push(("custom_properties", &self.custom_properties));
        fields.push(("property_name", &self.property_name));
        fields.push(("property_value", &self.property_value));
        fields
    }
}

#[cfg(test)]
mod tests;
