//! Writes beside orders: customers, and what may be changed of a subscription.

use super::error::api;
use super::routes::{Handled, answer};
use super::state::IngramState;
use super::wire;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// The body of a write: a JSON object.
pub(super) fn body(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
) -> Result<Json, SimAnswer> {
    if request.media_type().as_deref() != Some("application/json") {
        return Err(api(state, 415, path, "Unsupported Media Type"));
    }
    match Json::parse(&request.body_text()) {
        Ok(body) if body.members().is_some() => Ok(body),
        _ => Err(api(state, 400, path, "The body is not readable")),
    }
}

fn text(body: &Json, name: &str) -> Option<String> {
    body.get(name).and_then(Json::text).map(str::to_owned)
}

pub(super) fn create_customer(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
) -> Handled {
    let body = body(state, request, path)?;
    for needed in ["name", "language", "address", "contactPersons"] {
        if body.get(needed).is_none_or(Json::is_null) {
            let message = format!("The member {needed} is required");
            return Err(api(state, 400, path, message));
        }
    }
    let name = text(&body, "name").unwrap_or_default();
    let id = state.add_customer(&name);
    edit_customer(state, &id, &body);
    let found = state.customers.iter().find(|own| own.id == id);
    let record = found.map_or(Json::Null, wire::customer);
    Ok(answer(state, &record))
}

pub(super) fn update_customer(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    id: &str,
) -> Handled {
    let body = body(state, request, path)?;
    if !state.customers.iter().any(|own| own.id == id) {
        return Err(api(state, 404, path, "The object is not found"));
    }
    edit_customer(state, id, &body);
    let found = state.customers.iter().find(|own| own.id == id);
    let record = found.map_or(Json::Null, wire::customer);
    Ok(answer(state, &record))
}

fn edit_customer(state: &mut IngramState, id: &str, body: &Json) {
    let Some(own) = state.customers.iter_mut().find(|own| own.id == id) else {
        return;
    };
    if let Some(name) = text(body, "name") {
        own.name = name;
    }
    if let Some(external) = text(body, "externalId") {
        own.external_id = Some(external);
    }
    if let Some(status) = text(body, "status") {
        own.status = status;
    }
    if let Some(tax) = text(body, "taxRegId") {
        own.tax_reg_id = Some(tax);
    }
    if let Some(language) = text(body, "language") {
        own.language = language;
    }
    let contact = body.get("contactPersons").and_then(Json::items);
    if let Some(email) = contact
        .and_then(|contacts| contacts.first())
        .and_then(|contact| text(contact, "email"))
    {
        own.email = email;
    }
}

pub(super) fn update_subscription(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    id: &str,
) -> Handled {
    let body = body(state, request, path)?;
    let today = state.clock.today();
    let Some(own) = state.subscriptions.iter_mut().find(|own| own.id == id) else {
        return Err(api(state, 404, path, "The object is not found"));
    };
    if let Some(renews) = body.get("renewalStatus").and_then(Json::flag) {
        own.renewal_status = renews;
    }
    for (name, value) in body
        .get("attributes")
        .and_then(Json::members)
        .unwrap_or(&[])
    {
        let value = value.text().unwrap_or_default().to_owned();
        own.attributes.insert(name.clone(), value);
    }
    for product in body.get("products").and_then(Json::items).unwrap_or(&[]) {
        let named = own.products.iter_mut().find(|known| {
            text(product, "id").is_some_and(|id| id == known.id)
                || text(product, "mpn").is_some_and(|mpn| Some(mpn) == known.mpn)
        });
        let amount = |name: &str| {
            let amount = product.get(name)?.get("amount")?.text()?;
            crate::json::parse_decimal(amount)
        };
        if let Some(known) = named {
            known.unit_price = amount("unitPrice").or(known.unit_price);
            known.unit_cost = amount("unitCost").or(known.unit_cost);
        }
    }
    own.modified = Some(today);
    let own = own.clone();
    let record = wire::subscription_detail(state, &own);
    Ok(answer(state, &record))
}
