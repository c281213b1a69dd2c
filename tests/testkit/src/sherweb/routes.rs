//! The operations of both APIs.

use jiff::civil::Date;

use super::auth::{self, DISTRIBUTOR, SERVICE_PROVIDER};
use super::problem::{gateway, invalid, not_found, problem};
use super::state::{Customer, SherwebState};
use super::subscription::Subscription;
use super::wire::{date_time, is_uuid, strict_date};
use super::{amendments, charge};
use crate::clock::month_of;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

type Handled = Result<SimAnswer, SimAnswer>;

/// Answers one request.
pub(super) fn handle(state: &mut SherwebState, request: &SimRequest) -> SimAnswer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let handled = match segments.as_slice() {
        ["auth", "oidc", "connect", "token"] => Ok(auth::token(state, request)),
        ["distributor", "v1", rest @ ..] => auth::admit(state, request, DISTRIBUTOR)
            .and_then(|()| distributor(state, request, rest)),
        ["service-provider", "v1", rest @ ..] => auth::admit(state, request, SERVICE_PROVIDER)
            .and_then(|()| service_provider(state, request, rest)),
        _ => Err(gateway(404, "Resource not found")),
    };
    handled.unwrap_or_else(|refusal| refusal)
}

fn only(request: &SimRequest, method: &str) -> Result<(), SimAnswer> {
    if request.method == method {
        return Ok(());
    }
    Err(problem(
        405,
        "Method Not Allowed",
        &format!("This operation answers {method} only."),
    )
    .header("allow", method))
}

fn distributor(state: &SherwebState, request: &SimRequest, rest: &[&str]) -> Handled {
    match rest {
        ["billing", "payable-charges"] => {
            only(request, "GET")?;
            let (from, to) = month_of(asked_date(state, request)?);
            let charges = state
                .payable_charges
                .iter()
                .filter(|charge| (from..=to).contains(&charge.billing_day));
            let charges = charges.map(charge::PayableCharge::to_json).collect();
            let body = Json::object().with("periodFrom", from).with("periodTo", to);
            Ok(SimAnswer::json(
                200,
                &body.with("charges", collection(state, charges)),
            ))
        }
        _ => Err(gateway(404, "Resource not found")),
    }
}

fn service_provider(state: &mut SherwebState, request: &SimRequest, rest: &[&str]) -> Handled {
    let read = |request| only(request, "GET");
    match rest {
        ["customers"] => {
            read(request)?;
            let items = state.customers.iter().map(customer_json).collect();
            Ok(wrapped(state, "items", items))
        }
        ["billing", "subscriptions"] => {
            read(request)?;
            let items = subscriptions(state, request)?
                .map(Subscription::to_json)
                .collect();
            Ok(wrapped(state, "items", items))
        }
        ["billing", "subscriptions", "details"] if state.switches.details_available => {
            read(request)?;
            let items = subscriptions(state, request)?
                .map(Subscription::to_json)
                .collect();
            Ok(wrapped(state, "items", items))
        }
        ["billing", "subscriptions", "pricing-information"] => {
            read(request)?;
            let items = subscriptions(state, request)?.map(pricing_json).collect();
            Ok(wrapped(state, "items", items))
        }
        ["billing", "subscriptions", "meters"] => {
            read(request)?;
            let customer = asked_customer(state, request)?.id.clone();
            let platform = required_uuid(request, "platformId")?;
            Ok(wrapped(state, "items", meters(state, &customer, platform)?))
        }
        ["billing", "subscriptions", "amendments"] => {
            only(request, "POST")?;
            let customer = writable_customer(state, request)?;
            amendments::amend(state, &customer, request)
        }
        ["billing", "subscriptions", "amendments", id, "status"] => {
            read(request)?;
            amendments::amendment_status(state, path_uuid(id)?)
        }
        ["billing", "subscriptions", "cancellations"] => {
            only(request, "POST")?;
            let customer = writable_customer(state, request)?;
            amendments::cancel(state, &customer, request)
        }
        ["tracking", id] => {
            read(request)?;
            amendments::tracking(state, path_uuid(id)?)
        }
        ["billing", "receivable-charges"] => {
            read(request)?;
            receivable_charges(state, request)
        }
        ["customer-catalogs", id] => {
            read(request)?;
            let items = catalog(state, id)?
                .iter()
                .map(super::wire_catalog::item)
                .collect();
            let items = collection(state, items);
            Ok(SimAnswer::json(
                200,
                &Json::object()
                    .with("customerId", *id)
                    .with("catalogItems", items),
            ))
        }
        ["customer-catalogs", id, "catalog-items-pricing"] => {
            only(request, "POST")?;
            catalog_pricing(state, id, request)
        }
        ["platforms"] => {
            read(request)?;
            let items = state
                .platforms
                .iter()
                .map(super::wire_catalog::platform)
                .collect();
            Ok(wrapped(state, "platforms", items))
        }
        ["customers", id, "platforms-configurations"] => {
            read(request)?;
            let customer = customer(state, path_uuid(id)?)?;
            let configured = state
                .platforms
                .iter()
                .filter(|platform| platform.customers.contains_key(&customer.id));
            let items = configured
                .map(|platform| Json::object().with("id", &platform.id))
                .collect();
            Ok(wrapped(state, "configuredPlatforms", items))
        }
        ["customers", id, "platforms", platform, "details"] => {
            read(request)?;
            let customer = customer(state, path_uuid(id)?)?;
            let platform = path_uuid(platform)?;
            meters(state, &customer.id, platform)?;
            let body = Json::object()
                .with("platformId", platform)
                .with("customerId", &customer.id);
            Ok(SimAnswer::json(200, &body.with("configured", true)))
        }
        ["customers", id, "platforms", platform, "meter-usages"] => {
            read(request)?;
            let customer = customer(state, path_uuid(id)?)?;
            let items = meters(state, &customer.id, path_uuid(platform)?)?;
            Ok(wrapped(state, "meterUsages", items))
        }
        _ => Err(problem(
            404,
            "Not Found",
            "The requested resource does not exist.",
        )),
    }
}

/// A collection, or what the switches make of it.
fn collection(state: &SherwebState, items: Vec<Json>) -> Json {
    let items = if state.switches.empty_lists {
        Vec::new()
    } else {
        items
    };
    if items.is_empty() && state.switches.null_collections {
        Json::Null
    } else {
        Json::Array(items)
    }
}

fn wrapped(state: &SherwebState, member: &str, items: Vec<Json>) -> SimAnswer {
    SimAnswer::json(200, &Json::object().with(member, collection(state, items)))
}

fn asked_date(state: &SherwebState, request: &SimRequest) -> Result<Date, SimAnswer> {
    match request.query("date") {
        None => Ok(state.clock.today()),
        Some(text) => strict_date(text).ok_or_else(|| {
            invalid(
                "date",
                &format!("The value '{text}' is not valid. The format is yyyy-MM-dd."),
            )
        }),
    }
}

fn required_uuid<'a>(request: &'a SimRequest, name: &str) -> Result<&'a str, SimAnswer> {
    match request.query(name) {
        None | Some("") => Err(invalid(name, &format!("The {name} field is required."))),
        Some(text) if is_uuid(text) => Ok(text),
        Some(text) => Err(invalid(name, &format!("The value '{text}' is not valid."))),
    }
}

fn path_uuid(text: &str) -> Result<&str, SimAnswer> {
    if is_uuid(text) {
        Ok(text)
    } else {
        Err(invalid("id", &format!("The value '{text}' is not valid.")))
    }
}

fn customer<'a>(state: &'a SherwebState, id: &str) -> Result<&'a Customer, SimAnswer> {
    let found = state
        .customers
        .iter()
        .find(|customer| customer.id.eq_ignore_ascii_case(id));
    found.ok_or_else(|| not_found("Customer", id))
}

fn asked_customer<'a>(
    state: &'a SherwebState,
    request: &SimRequest,
) -> Result<&'a Customer, SimAnswer> {
    let id = required_uuid(request, "customerId")?;
    if let Some(status) = state
        .switches
        .failing_customers
        .get(&id.to_ascii_lowercase())
    {
        return Err(problem(
            *status,
            "An error occurred while processing your request.",
            "The customer cannot be read.",
        ));
    }
    customer(state, id)
}

fn writable_customer(state: &SherwebState, request: &SimRequest) -> Result<String, SimAnswer> {
    asked_customer(state, request).map(|customer| customer.id.clone())
}

fn subscriptions<'a>(
    state: &'a SherwebState,
    request: &SimRequest,
) -> Result<impl Iterator<Item = &'a Subscription>, SimAnswer> {
    let customer = asked_customer(state, request)?;
    Ok(state
        .subscriptions
        .iter()
        .filter(move |subscription| subscription.customer_id == customer.id))
}

fn meters(
    state: &SherwebState,
    customer_id: &str,
    platform_id: &str,
) -> Result<Vec<Json>, SimAnswer> {
    let platform = state
        .platforms
        .iter()
        .find(|platform| platform.id.eq_ignore_ascii_case(platform_id));
    let meters = platform.and_then(|platform| platform.customers.get(customer_id));
    let meters = meters.ok_or_else(|| not_found("Platform", platform_id))?;
    Ok(meters.iter().map(super::wire_catalog::meter).collect())
}

fn customer_json(customer: &Customer) -> Json {
    Json::object()
        .with("id", &customer.id)
        .with("displayName", &customer.display_name)
        .with("path", customer.path.clone())
        .with("suspendedOn", customer.suspended_on.map(date_time))
}

fn pricing_json(subscription: &Subscription) -> Json {
    let fees = subscription.fees.as_ref();
    Json::object()
        .with("subscriptionId", &subscription.id)
        .with("sku", &subscription.sku)
        .with("price", fees.map(|fees| fees.recurring_fee))
        .with("currency", fees.map(|fees| fees.currency.clone()))
}

fn receivable_charges(state: &SherwebState, request: &SimRequest) -> Handled {
    let customer = asked_customer(state, request)?;
    let asked = asked_date(state, request)?;
    if state.switches.psa_integration_enabled {
        return Err(problem(
            state.switches.psa_integration_refusal,
            "Receivable charges are not available",
            "You cannot use the Service Provider API rebilling feature while having a PSA integration enabled.",
        ));
    }
    let own: Vec<_> = state
        .receivable_charges
        .iter()
        .filter(|charge| charge.customer_id == customer.id)
        .collect();
    // The invoiced month that holds the date, else the latest one invoiced.
    let month = |day: Date| month_of(day).0;
    let from = if own
        .iter()
        .any(|charge| month(charge.billing_day) == month(asked))
    {
        month(asked)
    } else {
        own.iter()
            .map(|charge| month(charge.billing_day))
            .max()
            .unwrap_or(month(asked))
    };
    let charges = own
        .iter()
        .filter(|charge| month(charge.billing_day) == from)
        .map(|charge| charge.to_json())
        .collect();
    let charges = if state.switches.empty_lists {
        Vec::new()
    } else {
        charges
    };
    let body = Json::object()
        .with("periodFrom", from)
        .with("periodTo", month_of(from).1);
    Ok(SimAnswer::json(
        200,
        &body.with("charges", Json::Array(charges)),
    ))
}

/// A path id that is no UUID gives an opaque 500 here, as the live system does.
fn catalog<'a>(state: &'a SherwebState, id: &str) -> Result<&'a [super::CatalogItem], SimAnswer> {
    if !is_uuid(id) {
        return Err(problem(
            500,
            "An error occurred while processing your request.",
            "",
        ));
    }
    let customer = customer(state, id)?;
    Ok(state.catalogs.get(&customer.id).map_or(&[], Vec::as_slice))
}

fn catalog_pricing(state: &SherwebState, id: &str, request: &SimRequest) -> Handled {
    let items = catalog(state, id)?;
    if request.media_type().as_deref() != Some("application/json") {
        return Err(problem(
            415,
            "Unsupported Media Type",
            "The body must be application/json.",
        ));
    }
    let body = Json::parse(&request.body_text())
        .map_err(|_| invalid("$", "The body is not valid JSON."))?;
    // Clients disagree on the body: an object with `skus`, or the bare array.
    let skus = body
        .get("skus")
        .unwrap_or(&body)
        .items()
        .ok_or_else(|| invalid("skus", "A list of SKUs is required."))?;
    let wanted: Vec<&str> = skus.iter().filter_map(Json::text).collect();
    let priced = items
        .iter()
        .filter(|item| wanted.contains(&item.sku.as_str()));
    let priced = priced
        .map(|item| {
            Json::object()
                .with("sku", &item.sku)
                .with("price", item.price)
        })
        .collect();
    Ok(wrapped(state, "catalogItems", priced))
}
