//! Orders: listed, placed, estimated, taken back.

use rust_decimal::Decimal;

use super::error::api;
use super::records::{Order, OrderLine};
use super::routes::{Handled, answer};
use super::state::IngramState;
use super::{listing, wire, writes};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

const STATUSES: [&str; 5] = ["submitted", "processing", "error", "completed", "cancelled"];

/// In provisioning: no other change of the same subscription is taken.
const IN_PROVISIONING: &str = "LO";

pub(super) fn list(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    reseller: Option<&str>,
) -> Handled {
    let status = listing::word(state, request, path, "status", &STATUSES)?;
    let from = listing::instant(state, request, path, "creationTimeFrom")?;
    let to = listing::instant(state, request, path, "creationTimeTo")?;
    let is = |text: Option<&str>, name: &str| {
        request
            .query(name)
            .is_none_or(|wanted| text == Some(wanted))
    };
    let of_reseller = |order: &Order| {
        let mut customers = state.customers.iter();
        reseller.is_none_or(|reseller| {
            customers.any(|own| own.id == order.customer_id && own.reseller_id == reseller)
        })
    };
    let rows = state.orders.iter().filter(|own| {
        is(Some(&own.customer_id), "customerId")
            && is(own.subscription_id.as_deref(), "subscriptionId")
            && is(Some(&own.number), "orderNumber")
            && is(Some(&own.status_code), "statusCode")
            && status.is_none_or(|wanted| own.status == wanted)
            && from.is_none_or(|from| from <= own.created)
            && to.is_none_or(|to| own.created <= to)
            && of_reseller(own)
    });
    let rows = rows.map(wire::order_row).collect();
    listing::page(state, request, path, rows)
}

/// What an order asks for. What conflicts with the business is a 500 with prose.
fn read(state: &mut IngramState, request: &SimRequest, path: &str) -> Result<Order, SimAnswer> {
    let body = writes::body(state, request, path)?;
    let text = |json: &Json, name: &str| json.get(name).and_then(Json::text).map(str::to_owned);
    let (Some(kind), Some(customer_id)) = (text(&body, "type"), text(&body, "customerId")) else {
        return Err(api(state, 400, path, "type and customerId are required"));
    };
    if !state.customers.iter().any(|own| own.id == customer_id) {
        let message = format!("Customer {customer_id} does not exist");
        return Err(api(state, 500, path, message));
    }
    let lines: Vec<OrderLine> = body
        .get("products")
        .and_then(Json::items)
        .unwrap_or(&[])
        .iter()
        .map(|line| OrderLine {
            id: text(line, "id"),
            mpn: text(line, "mpn"),
            quantity: line
                .get("quantity")
                .and_then(Json::decimal)
                .unwrap_or(Decimal::ZERO),
            subscription_id: text(line, "subscriptionId"),
        })
        .collect();
    let of_line = lines.iter().find_map(|line| line.subscription_id.clone());
    let subscription_id = text(&body, "subscriptionId").or(of_line);
    if kind != "sales" {
        let Some(id) = &subscription_id else {
            return Err(api(state, 400, path, "subscriptionId is required"));
        };
        if !state.subscriptions.iter().any(|own| own.id == *id) {
            let message = format!("Subscription {id} does not exist");
            return Err(api(state, 500, path, message));
        }
        let busy = state.orders.iter().any(|order| {
            order.subscription_id.as_ref() == Some(id) && order.status_code == IN_PROVISIONING
        });
        if busy {
            let message =
                format!("Subscription {id} has an order with status {IN_PROVISIONING} in work");
            return Err(api(state, 500, path, message));
        }
    }
    let total = lines.iter().map(|line| price(state, line)).sum();
    let id = state.fresh_id();
    let sign = if kind == "change" { "CH" } else { "SO" };
    Ok(Order {
        number: format!("{sign}{id}"),
        id,
        kind,
        customer_id,
        po_number: text(&body, "poNumber"),
        created: state.clock.now(),
        status: "processing".to_owned(),
        status_code: IN_PROVISIONING.to_owned(),
        subscription_id,
        lines,
        total,
        credit_check: false,
    })
}

fn price(state: &IngramState, line: &OrderLine) -> Decimal {
    let product = state.products.iter().find(|product| {
        line.id.as_ref() == Some(&product.id) || line.mpn.as_ref() == Some(&product.mpn)
    });
    product.map_or(Decimal::ZERO, |product| product.price * line.quantity)
}

pub(super) fn place(state: &mut IngramState, request: &SimRequest, path: &str) -> Handled {
    let order = read(state, request, path)?;
    let record = wire::order_detail(&order);
    state.orders.push(order);
    Ok(answer(state, &record))
}

/// What an order would come to. Nothing is kept of it.
pub(super) fn estimate(state: &mut IngramState, request: &SimRequest, path: &str) -> Handled {
    let order = read(state, request, path)?;
    let body = Json::object()
        .with("type", &order.kind)
        .with("customerId", &order.customer_id)
        .with("total", super::records::money(order.total, "USD"));
    Ok(answer(state, &body))
}

pub(super) fn update(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    id: &str,
) -> Handled {
    let body = writes::body(state, request, path)?;
    let Some(order) = state.orders.iter_mut().find(|own| own.id == id) else {
        return Err(api(state, 404, path, "The object is not found"));
    };
    if let Some(check) = body.get("creditCheck").and_then(Json::flag) {
        order.credit_check = check;
    }
    if let Some(code) = body.get("statusCode").and_then(Json::text) {
        code.clone_into(&mut order.status_code);
        if code == "CL" {
            "cancelled".clone_into(&mut order.status);
        }
    }
    let record = wire::order_detail(order);
    Ok(answer(state, &record))
}

/// Carries out the orders in provisioning.
pub(super) fn complete(state: &mut IngramState) {
    let today = state.clock.today();
    let delta = state.switches.change_is_delta;
    for order in &mut state.orders {
        if order.status_code != IN_PROVISIONING {
            continue;
        }
        "completed".clone_into(&mut order.status);
        "CP".clone_into(&mut order.status_code);
        let own = order.subscription_id.as_ref();
        let own = own.and_then(|id| state.subscriptions.iter_mut().find(|own| own.id == *id));
        let Some(own) = own else { continue };
        own.modified = Some(today);
        if order.kind == "cancellation" {
            "terminated".clone_into(&mut own.status);
        }
        for line in order.lines.iter_mut().filter(|_| order.kind == "change") {
            let product = own
                .products
                .iter_mut()
                .find(|known| line.id.as_ref() == Some(&known.id) || line.mpn == known.mpn);
            let Some(product) = product else { continue };
            let before = product.quantity.unwrap_or_default();
            let after = if delta {
                before + line.quantity
            } else {
                line.quantity
            };
            product.quantity = Some(after);
            // What is read back is always the difference.
            line.quantity = after - before;
        }
    }
}
