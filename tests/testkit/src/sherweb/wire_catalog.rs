//! Catalog items, platforms and meters on the wire.

use super::state::{CatalogItem, Meter, Platform};
use crate::json::Json;

fn by_culture(texts: &[(String, String)]) -> Json {
    let texts = texts
        .iter()
        .map(|(culture, value)| Json::object().with("culture", culture).with("value", value));
    Json::Array(texts.collect())
}

pub(super) fn item(item: &CatalogItem) -> Json {
    Json::object()
        .with("sku", &item.sku)
        .with("name", by_culture(&item.name))
        .with("description", by_culture(&item.description))
        .with("billingCycle", &item.billing_cycle)
        .with("commitmentTerm", item.commitment_term.clone())
}

pub(super) fn platform(platform: &Platform) -> Json {
    Json::object()
        .with("id", &platform.id)
        .with("name", by_culture(&platform.name))
}

pub(super) fn meter(meter: &Meter) -> Json {
    Json::object()
        .with("meterId", &meter.id)
        .with("totalQuantities", meter.total)
        .with("consumedQuantities", meter.consumed)
        .with("availableQuantities", meter.total - meter.consumed)
}
