//! The catalogue.

use super::body::Body;
use super::charges::prices;
use super::fault::fault;
use super::records::{Charging, Product};
use super::state::DandhState;
use crate::http::SimAnswer;
use crate::json::Json;

/// `GetMarketplaces`.
pub(super) fn marketplaces(state: &DandhState) -> Json {
    let count = i64::try_from(state.products.len()).unwrap_or(i64::MAX);
    let own = Json::object()
        .with("Id", state.marketplace_id)
        .with("Name", "Example marketplace")
        .with("ServiceCount", count)
        .with("HiddenServiceCount", 0_i64)
        .with("AssigneeCount", 1_i64)
        .with("Priority", 1_i64)
        .with("PricingMode", "Standard");
    Json::Array(vec![own])
}

fn asked_marketplace(state: &DandhState, body: &Body) -> Result<(), SimAnswer> {
    if body.needed_integer("marketplaceId")? == state.marketplace_id {
        return Ok(());
    }
    Err(fault(500, "The marketplace was not found."))
}

/// A product as `SimpleProductInfo`.
fn info(product: &Product) -> Json {
    let billing = product.items.iter().map(|item| {
        Json::object()
            .with("VendorSku", &item.product_number)
            .with("MaterialNumber", &item.material_number)
            .with("FieldName", &item.field)
            .with("BillableTimeUnit", "Month")
            .with("AdvancePaymentPeriodInMonths", item.prepaid_months)
            .with("ChargeFirstTimeUnit", true)
            .with("ChargeLastTimeUnit", false)
    });
    Json::object()
        .with("ProductName", &product.service_id)
        .with("DisplayName", &product.name)
        .with("Description", "")
        .with("OwnerName", &product.vendor)
        .with("IsTCAccepted", true)
        .with("DependencyInfo", Json::Array(Vec::new()))
        .with("IndirectDependencies", Json::Array(Vec::new()))
        .with("SimpleProductBillingInfo", Json::Array(billing.collect()))
}

/// `ListMarketplaceServices`.
pub(super) fn services(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    asked_marketplace(state, body)?;
    Ok(Json::Array(state.products.values().map(info).collect()))
}

/// `GetPossibleServicesForParent`.
pub(super) fn possible(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let parent = body.needed_integer("parentAccountId")?;
    if !state.is_below(parent, state.reseller_id) {
        return Err(fault(500, "The account is not a valid parent."));
    }
    Ok(Json::Array(state.products.values().map(info).collect()))
}

/// `GetMarketplaceServiceCharges`.
pub(super) fn charges(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    asked_marketplace(state, body)?;
    body.object("filters")?;
    let mut all: Vec<Json> = state
        .products
        .values()
        .map(|product| service_charges(state, product))
        .collect();
    if state.options.service_charges_as_one {
        return Ok(all.drain(..).next().into());
    }
    Ok(Json::Array(all))
}

fn service_charges(state: &DandhState, product: &Product) -> Json {
    let charges = product.items.iter().map(|item| {
        let (cost, price) = prices(state, item, state.reseller_id);
        Json::object()
            .with("PriceableItemId", item.id)
            .with("PriceableItem", &item.description)
            .with("PriceableItemType", item.type_word())
            .with("ChargeType", "Recurring")
            .with("Currency", &item.currency)
            .with("PurchasePrice", cost)
            .with("SuggestedRetailPrice", price)
            .with("CustomPrice", Json::Null)
            .with("PreviousCustomPrice", Json::Null)
            .with("MaterialNumber", &item.material_number)
            .with("ProductNumber", &item.product_number)
    });
    Json::object()
        .with("ServiceId", &product.service_id)
        .with("DisplayName", &product.name)
        .with("MarketplaceId", state.marketplace_id)
        .with("Status", "Active")
        .with("VendorDisplayName", &product.vendor)
        .with("Charges", Json::Array(charges.collect()))
}

fn named<'a>(state: &'a DandhState, name: &str) -> Result<&'a Product, SimAnswer> {
    let found = state.products.get(name);
    found.ok_or_else(|| fault(500, "The service was not found."))
}

/// `GetServiceInformation`.
pub(super) fn information(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let product = named(state, body.needed_text("serviceName")?)?;
    Ok(Json::object()
        .with("DisplayName", &product.name)
        .with("Description", "")
        .with("TermsConditions", ""))
}

/// `GetFieldsForService`.
pub(super) fn fields(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let parent = body.needed_integer("parentAccountId")?;
    let product = named(state, body.needed_text("productName")?)?;
    body.integer("secondaryParentId")?;
    let display: Json = if state.options.display_type_as_number {
        Json::from(1_i64)
    } else {
        "Mandatory".into()
    };
    let per_unit = product
        .items
        .iter()
        .filter(|item| item.charging == Charging::PerUnit);
    let fields = per_unit.map(|item| {
        Json::object()
            .with("Name", &item.field)
            .with("DisplayName", &item.field)
            .with("DisplayType", display.clone())
            .with("Type", "int32")
            .with("EnumMembers", Json::Array(Vec::new()))
            .with("DefaultValue", "1")
            .with("MinValue", 1_i64)
            .with("MaxValue", 10_000_i64)
            .with("IsList", false)
    });
    Ok(Json::object()
        .with("ParentAccountId", parent)
        .with("ServiceName", &product.service_id)
        .with("Fields", Json::Array(fields.collect())))
}
