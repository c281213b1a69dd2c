//! Records as the API writes them. The names are the defaults of what is not published.

use jiff::civil::Date;

use super::records::{BillLine, ManualLine, Organization, Product, Service, Subscription, Usage};
use super::state::{CloudmoreState, DateForm};
use crate::json::Json;

/// A date in the form that the system is set to.
pub(super) fn day(state: &CloudmoreState, day: Date) -> Json {
    Json::Text(match state.options.dates {
        DateForm::Date => day.to_string(),
        DateForm::DateTime => format!("{day}T00:00:00"),
        DateForm::Zoned => format!("{day}T00:00:00Z"),
    })
}

fn properties(organization: &Organization) -> Json {
    let values = organization.properties.iter();
    let values = values.map(|(name, value)| Json::object().with("name", name).with("value", value));
    Json::Array(values.collect())
}

/// An organization as the list has it.
pub(super) fn organization(state: &CloudmoreState, organization: &Organization) -> Json {
    let json = Json::object()
        .with("id", &organization.id)
        .with("name", &organization.name)
        .with("isActive", organization.active)
        .with(
            "customerNumber",
            organization.texts.get("customerNumber").cloned(),
        );
    if state.options.properties_in_list {
        json.with("customProperties", properties(organization))
    } else {
        json
    }
}

/// An organization by itself.
pub(super) fn organization_detail(organization: &Organization) -> Json {
    let mut json = Json::object()
        .with("id", &organization.id)
        .with("name", &organization.name)
        .with("isActive", organization.active);
    for name in [
        "registrationNumber",
        "vat",
        "customerNumber",
        "notificationEmail",
    ] {
        json = json.with(name, organization.texts.get(name).cloned());
    }
    let contact = ["name", "email", "phone", "cellPhone"];
    let contact = contact.into_iter().fold(Json::object(), |json, name| {
        json.with(name, organization.contact.get(name).cloned())
    });
    json.with("contact", contact)
        .with("customProperties", properties(organization))
}

/// A service.
pub(super) fn service(service: &Service) -> Json {
    Json::object()
        .with("serviceId", &service.id)
        .with("serviceName", &service.name)
        .with("isActive", true)
}

/// A product with its prices.
pub(super) fn product(state: &CloudmoreState, product: &Product) -> Json {
    Json::object()
        .with("productId", &product.id)
        .with("productName", &product.name)
        .with("sku", &product.sku)
        .with("costPrice", product.cost)
        .with("salesPrice", product.price)
        .with("currencyCode", &state.currency)
}

/// A subscription as it is today.
pub(super) fn subscription(state: &CloudmoreState, subscription: &Subscription) -> Json {
    let today = state.clock.today();
    let organization = state.organizations.get(&subscription.organization_id);
    let product = state.products.get(&subscription.product_id);
    let service = state.service_of(subscription);
    let cancelled = subscription.cancelled.is_some_and(|on| on <= today);
    Json::object()
        .with("subscriptionId", &subscription.id)
        .with("externalSubscriptionId", &subscription.external_id)
        .with("organizationId", &subscription.organization_id)
        .with("organizationName", organization.map(|own| &own.name))
        .with("serviceId", service.map(|own| &own.id))
        .with("serviceName", service.map(|own| &own.name))
        .with("productId", &subscription.product_id)
        .with("productName", product.map(|own| &own.name))
        .with("sku", product.map(|own| &own.sku))
        .with("quantity", subscription.quantity_on(today))
        .with("costPrice", product.map(|own| own.cost))
        .with("salesPrice", product.map(|own| own.price))
        .with("currencyCode", &state.currency)
        .with("status", if cancelled { "Cancelled" } else { "Active" })
        .with("startDate", day(state, subscription.start))
        .with("endDate", day(state, subscription.term_end))
}

/// The changes of a subscription over time.
pub(super) fn history(state: &CloudmoreState, subscription: &Subscription) -> Json {
    let changes = subscription.changes.iter().map(|change| {
        Json::object()
            .with("subscriptionId", &subscription.id)
            .with("date", day(state, change.on))
            .with("action", change.action)
            .with("quantity", change.quantity)
    });
    Json::Array(changes.collect())
}

/// A manual line.
pub(super) fn manual_line(state: &CloudmoreState, line: &ManualLine) -> Json {
    Json::object()
        .with("id", &line.id)
        .with("organizationId", &line.organization_id)
        .with("billingDate", day(state, line.billing_date))
        .with("serviceId", &line.service_id)
        .with("productId", line.product_id.clone())
        .with("subscriptionId", &line.subscription_id)
        .with("quantity", line.quantity)
        .with("costPrice", line.unit_cost)
        .with("salesPrice", line.unit_price)
        .with("currencyCode", &state.currency)
}

/// A line of a bill.
pub(super) fn bill_line(state: &CloudmoreState, line: &BillLine) -> Json {
    Json::object()
        .with("subscriptionId", &line.subscription_id)
        .with("externalSubscriptionId", &line.external_id)
        .with("productId", &line.product_id)
        .with("productName", &line.product_name)
        .with("sku", &line.sku)
        .with_some("entitlement", line.entitlement.clone())
        .with_some("category", line.category.clone())
        .with("chargeKind", line.kind.word())
        .with("quantity", line.quantity)
        .with("costPrice", line.unit_cost)
        .with("salesPrice", line.unit_price)
        .with("totalCostPrice", line.cost_total)
        .with("totalSalesPrice", line.price_total)
        .with("currencyCode", &state.currency)
        .with("startDate", day(state, line.start))
        .with("endDate", day(state, line.end))
}

/// Metered consumption.
pub(super) fn usage(state: &CloudmoreState, usage: &Usage) -> Json {
    let subscription = state.subscriptions.get(&usage.subscription_id);
    let organization = subscription.map(|own| &own.organization_id);
    let service = subscription.and_then(|own| state.service_of(own));
    Json::object()
        .with("organizationId", organization)
        .with("serviceId", service.map(|own| &own.id))
        .with("subscriptionId", &usage.subscription_id)
        .with(
            "externalSubscriptionId",
            subscription.map(|own| &own.external_id),
        )
        .with("entitlement", &usage.entitlement)
        .with("category", &usage.category)
        .with("productName", &usage.meter)
        .with("chargeKind", "Usage")
        .with("quantity", usage.quantity)
        .with("costPrice", usage.unit_cost)
        .with("salesPrice", usage.unit_price)
        .with("totalCostPrice", usage.quantity * usage.unit_cost)
        .with("totalSalesPrice", usage.quantity * usage.unit_price)
        .with("currencyCode", &state.currency)
        .with("startDate", day(state, usage.on))
        .with("endDate", day(state, usage.on))
}
