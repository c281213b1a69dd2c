//! Records as the API writes them.

use rust_decimal::Decimal;

use super::records::{
    CatalogProduct, Customer, Order, Period, Plan, Report, Reseller, Subscription,
    SubscriptionProduct, money,
};
use super::state::IngramState;
use crate::json::Json;

pub(super) fn period(period: &Period) -> Json {
    Json::object()
        .with("type", &period.kind)
        .with("duration", period.duration)
}

fn contact(email: &str) -> Json {
    Json::Array(vec![
        Json::object()
            .with("type", "admin")
            .with("firstName", "Example")
            .with("lastName", "Person")
            .with("email", email)
            .with("phoneNumber", "1##5550100200#"),
    ])
}

fn address() -> Json {
    Json::object()
        .with("streetAddress", "1 Example Street")
        .with("postalCode", "00001")
        .with("city", "Example City")
        .with("countryCode", "US")
}

pub(super) fn customer(customer: &Customer) -> Json {
    Json::object()
        .with("id", &customer.id)
        .with_some("externalId", customer.external_id.clone())
        .with("attributes", Json::object())
        .with("status", &customer.status)
        .with("name", &customer.name)
        .with("address", address())
        .with("contactPersons", contact(&customer.email))
        .with("language", &customer.language)
        .with_some("taxRegId", customer.tax_reg_id.clone())
        .with("resellerId", &customer.reseller_id)
}

pub(super) fn reseller(reseller: &Reseller) -> Json {
    Json::object()
        .with("id", &reseller.id)
        .with("status", "active")
        .with("name", &reseller.name)
        .with("address", address())
        .with("contactPersons", contact(&reseller.email))
        .with("language", "en")
        .with("currency", &reseller.currency)
}

/// A row of the list: no quantity, no price, no name of the customer.
pub(super) fn subscription_row(own: &Subscription) -> Json {
    let attributes = own
        .attributes
        .iter()
        .fold(Json::object(), |all, (name, value)| all.with(name, value));
    Json::object()
        .with("id", &own.id)
        .with("name", &own.name)
        .with("customerId", &own.customer_id)
        .with("status", &own.status)
        .with("attributes", attributes)
        .with("renewalStatus", own.renewal_status)
        .with("creationDate", own.created)
        .with_some("renewalDate", own.renewal)
        .with_some("lastModifiedDate", own.modified)
        .with_some("expirationDate", own.expiration)
        .with("billingModel", &own.billing_model)
        .with("billingPeriod", period(&own.billing_period))
        .with("subscriptionPeriod", period(&own.subscription_period))
}

pub(super) fn subscription_detail(state: &IngramState, own: &Subscription) -> Json {
    let total: Decimal = own.products.iter().filter_map(extended).sum();
    let currency = own
        .products
        .first()
        .map_or("USD", |product| &product.currency);
    let products = own
        .products
        .iter()
        .map(|product| subscription_product(state, product))
        .collect();
    let domain = Json::object()
        .with("name", "domain")
        .with("value", "contoso.example");
    subscription_row(own)
        .with("totalPrice", money(total, currency))
        .with("products", Json::Array(products))
        .with("orderParameters", Json::Array(Vec::new()))
        .with("fulfillmentParameters", Json::Array(vec![domain]))
        .with("planId", own.plan_id)
}

fn extended(product: &SubscriptionProduct) -> Option<Decimal> {
    product
        .extended_price
        .or_else(|| Some(product.unit_price? * product.quantity?))
}

fn subscription_product(state: &IngramState, product: &SubscriptionProduct) -> Json {
    let money = |amount: Decimal| money(amount, &product.currency);
    let quantity = product.quantity.map(|quantity| {
        // An older document calls it a number, and it was seen as one.
        if state.switches.quantity_as_number && quantity.fract().is_zero() {
            Json::Number(format!("{}.0", quantity.trunc()))
        } else {
            Json::Number(quantity.to_string())
        }
    });
    Json::object()
        .with_some("mpn", product.mpn.clone())
        .with("vendor", &product.vendor)
        .with("id", &product.id)
        .with_some("quantity", quantity)
        .with("name", &product.name)
        .with_some("unitPrice", product.unit_price.map(money))
        .with_some("unitCost", product.unit_cost.map(money))
        .with_some("extendedPrice", extended(product).map(money))
        .with_some(
            "vendorSubscriptionId",
            product.vendor_subscription_id.clone(),
        )
}

pub(super) fn product(product: &CatalogProduct) -> Json {
    let price = |amount: Decimal| {
        let price = money(amount, "USD")
            .with("type", "recurring")
            .with("model", "FLAT");
        Json::Array(vec![price])
    };
    Json::object()
        .with("mpn", &product.mpn)
        .with("vendor", &product.vendor)
        .with("id", &product.id)
        .with("serviceName", &product.service_name)
        .with("name", &product.name)
        .with("minimumQuantity", "1")
        .with("maximumQuantity", "300")
        .with("prices", price(product.price))
        .with("costs", price(product.cost))
        .with("billingPeriod", period(&product.billing_period))
        .with("subscriptionPeriod", period(&product.subscription_period))
        .with("billingModel", "chargeBeforeBillingPeriod")
}

pub(super) fn plan_row(plan: &Plan) -> Json {
    let term = period(&Period::year())
        .with("trial", false)
        .with("active", true);
    Json::object()
        .with("id", plan.id.to_string())
        .with("name", &plan.name)
        .with("published", plan.published)
        .with("subscriptionPeriods", Json::Array(vec![term]))
        .with("billingPeriod", period(&plan.billing_period))
        .with("billingModel", "chargeBeforeBillingPeriod")
}

pub(super) fn plan_detail(plan: &Plan) -> Json {
    let switches = plan.switches.iter().map(|to| {
        Json::object()
            .with("planId", *to)
            .with("subscriptionPeriod", period(&Period::year()))
            .with("billingPolicy", "prorate_refund")
            .with("whenEffective", "immediately")
    });
    plan_row(plan).with("planSwitches", Json::Array(switches.collect()))
}

/// Rows of the list lack the number of the reseller and the products.
pub(super) fn order_row(order: &Order) -> Json {
    Json::object()
        .with("id", &order.id)
        .with("orderNumber", &order.number)
        .with("type", &order.kind)
        .with("customerId", &order.customer_id)
        .with("creationDate", instant(order.created))
        .with("status", &order.status)
        .with("statusCode", &order.status_code)
        .with("total", money(order.total, "USD"))
        .with("creditCheck", order.credit_check)
}

pub(super) fn order_detail(order: &Order) -> Json {
    let detail = order_row(order)
        .with_some("poNumber", order.po_number.clone())
        .with_some("subscriptionId", order.subscription_id.clone());
    if matches!(order.kind.as_str(), "renewal" | "cancellation") {
        return detail;
    }
    let lines = order.lines.iter().map(|line| {
        Json::object()
            .with_some("id", line.id.clone())
            .with_some("mpn", line.mpn.clone())
            .with("quantity", line.quantity)
            .with_some("subscriptionId", line.subscription_id.clone())
    });
    detail.with("products", Json::Array(lines.collect()))
}

pub(super) fn report(report: &Report) -> Json {
    Json::object()
        .with("id", &report.id)
        .with("name", &report.name)
        .with("status", &report.status)
        .with("type", &report.kind)
        .with("format", &report.format)
        .with("creationDate", instant(report.created))
        .with("startDate", instant(report.created))
        .with_some("downloadUrl", report.download_url.clone())
}

fn instant(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
