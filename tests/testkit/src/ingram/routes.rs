//! The operations.

use super::error::{api, gateway, timed_out};
use super::state::{DetailFailure, IngramState};
use super::{PATH, auth, listing, orders, wire, writes};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

pub(super) type Handled = Result<SimAnswer, SimAnswer>;

const SUBSCRIPTION_STATUSES: [&str; 6] = [
    "pending",
    "active",
    "hold",
    "terminated",
    "removed",
    "unknown",
];

const REPORT_FORMATS: [&str; 4] = ["json", "xml", "csv", "xlsx"];
const REPORT_STATUSES: [&str; 4] = ["submitted", "processing", "completed", "error"];
const REPORT_TYPES: [&str; 5] = ["periodic", "daily", "monthly", "onetime", "on_invoice"];

/// Answers one request.
pub(super) fn handle(state: &mut IngramState, request: &SimRequest) -> SimAnswer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let [PATH, region, rest @ ..] = segments.as_slice() else {
        return gateway(404, "Resource not found");
    };
    if *region != state.region {
        return gateway(404, "Resource not found");
    }
    let handled = auth::pass_gateway(state, request).and_then(|()| match rest {
        ["token"] => auth::token(state, request),
        _ => {
            let path = format!("/{}", rest.join("/"));
            let resource = rest.first().copied().unwrap_or("");
            auth::admit(state, request, &path, resource)?;
            route(state, request, &path, rest)
        }
    });
    handled.unwrap_or_else(|refusal| refusal)
}

/// A success of the API.
pub(super) fn answer(state: &mut IngramState, body: &Json) -> SimAnswer {
    let correlation = state.correlation_id();
    SimAnswer::json(200, body).header("x-correlation-id", correlation)
}

fn route(state: &mut IngramState, request: &SimRequest, path: &str, rest: &[&str]) -> Handled {
    match (request.method.as_str(), rest) {
        ("GET", ["customers"]) => customers(state, request, path, None),
        ("GET", ["customers", id]) => {
            let found = state.customers.iter().find(|own| own.id == *id);
            one(state, path, found.map(wire::customer))
        }
        ("POST", ["customers"]) => writes::create_customer(state, request, path),
        ("PATCH", ["customers", id]) => writes::update_customer(state, request, path, id),
        ("GET", ["resellers"]) => {
            let rows = state.resellers.iter().map(wire::reseller).collect();
            listing::page(state, request, path, rows)
        }
        ("GET", ["resellers", id]) => {
            let found = state.resellers.iter().find(|own| own.id == *id);
            one(state, path, found.map(wire::reseller))
        }
        ("GET", ["resellers", id, "customers"]) => customers(state, request, path, Some(id)),
        ("GET", ["resellers", id, "orders"]) => orders::list(state, request, path, Some(id)),
        ("GET", ["subscriptions"]) => subscriptions(state, request, path),
        ("GET", ["subscriptions", id]) => subscription(state, path, id),
        ("PATCH", ["subscriptions", id]) => writes::update_subscription(state, request, path, id),
        ("GET", ["orders"]) => orders::list(state, request, path, None),
        ("GET", ["orders", id]) => {
            let found = state.orders.iter().find(|own| own.id == *id);
            one(state, path, found.map(wire::order_detail))
        }
        ("POST", ["orders"]) => orders::place(state, request, path),
        ("POST", ["orders", "estimate"]) => orders::estimate(state, request, path),
        ("PATCH", ["orders", id]) => orders::update(state, request, path, id),
        ("GET", ["products"]) => products(state, request, path),
        ("GET", ["plans"]) => {
            let rows = state.plans.iter().map(wire::plan_row).collect();
            listing::page(state, request, path, rows)
        }
        ("GET", ["plans", id]) => {
            let found = state.plans.iter().find(|own| own.id.to_string() == *id);
            one(state, path, found.map(wire::plan_detail))
        }
        ("GET", ["reports"]) => reports(state, request, path),
        ("GET", ["reports", id]) => {
            let found = state.reports.iter().find(|own| own.id == *id);
            one(state, path, found.map(wire::report))
        }
        _ => Err(api(state, 404, path, "No such operation")),
    }
}

/// A record without an envelope.
fn one(state: &mut IngramState, path: &str, found: Option<Json>) -> Handled {
    match found {
        Some(record) => Ok(answer(state, &record)),
        None => Err(api(state, 404, path, "The object is not found")),
    }
}

fn customers(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    reseller: Option<&str>,
) -> Handled {
    let like = |text: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
    };
    let reseller = reseller.or_else(|| request.query("resellerId"));
    let external = request.query("externalId");
    let rows = state.customers.iter().filter(|own| {
        like(&own.name, request.query("name"))
            && request
                .query("email")
                .is_none_or(|email| email == own.email)
            && external.is_none_or(|wanted| own.external_id.as_deref() == Some(wanted))
            && reseller.is_none_or(|wanted| own.reseller_id == wanted)
    });
    let rows = rows.map(wire::customer).collect();
    listing::page(state, request, path, rows)
}

fn subscriptions(state: &mut IngramState, request: &SimRequest, path: &str) -> Handled {
    let status = listing::word(state, request, path, "status", &SUBSCRIPTION_STATUSES)?;
    let from = listing::day(state, request, path, "creationDateFrom")?;
    let to = listing::day(state, request, path, "creationDateTo")?;
    let customer = request.query("customerId");
    let rows = state.subscriptions.iter().filter(|own| {
        customer.is_none_or(|wanted| own.customer_id == wanted)
            && status.is_none_or(|wanted| own.status == wanted)
            && from.is_none_or(|from| from <= own.created)
            && to.is_none_or(|to| own.created <= to)
    });
    let rows = rows.map(wire::subscription_row).collect();
    listing::page(state, request, path, rows)
}

fn subscription(state: &mut IngramState, path: &str, id: &str) -> Handled {
    match state.failing_details.get(id) {
        Some(DetailFailure::GatewayTimeout) => return Err(timed_out()),
        Some(DetailFailure::Prose) => {
            let message = "The subscription is being provisioned by another order (LO)";
            return Err(api(state, 500, path, message));
        }
        None => {}
    }
    let found = state.subscriptions.iter().find(|own| own.id == *id);
    let found = found.map(|own| wire::subscription_detail(state, own));
    one(state, path, found)
}

fn products(state: &mut IngramState, request: &SimRequest, path: &str) -> Handled {
    let is = |text: &str, name: &str| request.query(name).is_none_or(|wanted| wanted == text);
    let rows = state.products.iter().filter(|own| {
        is(&own.mpn, "mpn")
            && is(&own.vendor, "vendor")
            && is(&own.service_name, "serviceName")
            && is(&own.name, "name")
    });
    let rows = rows.map(wire::product).collect();
    listing::page(state, request, path, rows)
}

fn reports(state: &mut IngramState, request: &SimRequest, path: &str) -> Handled {
    let format = listing::word(state, request, path, "format", &REPORT_FORMATS)?;
    let status = listing::word(state, request, path, "status", &REPORT_STATUSES)?;
    let kind = listing::word(state, request, path, "type", &REPORT_TYPES)?;
    let from = listing::day(state, request, path, "from")?;
    let to = listing::day(state, request, path, "to")?;
    let day = |at| crate::clock::date_of(at);
    let rows = state.reports.iter().filter(|own| {
        request.query("name").is_none_or(|name| name == own.name)
            && format.is_none_or(|wanted| own.format.eq_ignore_ascii_case(wanted))
            && status.is_none_or(|wanted| own.status == wanted)
            && kind.is_none_or(|wanted| own.kind == wanted)
            && from.is_none_or(|from| from <= day(own.created))
            && to.is_none_or(|to| day(own.created) <= to)
    });
    let rows = rows.map(wire::report).collect();
    Ok(listing::whole(state, rows))
}
