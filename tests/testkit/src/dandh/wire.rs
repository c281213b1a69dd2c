//! Accounts and subscriptions as they are written.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::charges::prices;
use super::records::{Account, Charging, Product, Subscription};
use super::state::{Addons, DandhState, Options};
use crate::json::Json;

/// A local date-time without a zone.
pub(super) fn date_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .datetime()
        .strftime("%Y-%m-%dT%H:%M:%S%.f")
        .to_string()
}

fn day(date: Date) -> String {
    format!("{date}T00:00:00")
}

/// A number of units.
pub(super) fn number(options: &Options, value: Decimal) -> Json {
    let text = value.normalize().to_string();
    if options.dot_zero && !text.contains('.') {
        return Json::Number(format!("{text}.0"));
    }
    Json::Number(text)
}

/// An account as `Company`.
pub(super) fn company(account: &Account) -> Json {
    Json::object()
        .with("ParentAccountId", account.parent_id)
        .with("AccountId", account.id)
        .with("AccountState", &account.state)
        .with("CompanyName", &account.name)
        .with("VATID", &account.vat_id)
        .with("Domain", Json::Array(Vec::new()))
        .with("BillingStartDate", "2023-05-02T08:14:07.31")
        .with("ContractId", "")
        .with("CustomerId", &account.customer_id)
        .with("Currency", &account.currency)
        .with("Country", "United States")
        .with("State", "PA")
        .with("AccountType", account.kind.name())
}

/// An account as `Departments` lists it.
pub(super) fn department(account: &Account) -> Json {
    Json::object()
        .with("ParentAccountId", account.parent_id)
        .with("AccountId", account.id)
        .with("AccountState", &account.state)
        .with("DepartmentName", &account.name)
}

fn field(name: &str, display_name: &str, value: Json) -> Json {
    Json::object()
        .with("Name", name)
        .with("DisplayName", display_name)
        .with("Value", value)
}

fn units(options: &Options, value: Decimal) -> Json {
    match number(options, value) {
        Json::Number(text) if options.quantity_as_text => Json::Text(text),
        other => other,
    }
}

fn fields(state: &DandhState, product: &Product, seats: Decimal) -> Vec<Json> {
    let mut fields = Vec::new();
    let mut names: Vec<&str> = product
        .items
        .iter()
        .map(|item| item.field.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    names.dedup();
    for name in names {
        fields.push(field(name, name, units(&state.options, seats)));
    }
    fields.push(field(
        "BillingType",
        "Billing type",
        "Monthly (with 1-year commitment) - P1Y".into(),
    ));
    fields.push(field("MicrosoftTenantId", "Tenant", Json::Null));
    fields.push(field("Options", "Options", Json::Array(Vec::new())));
    fields
}

/// The word for the state of a subscription at present.
fn state_word(state: &DandhState, subscription: &Subscription) -> String {
    match &subscription.state {
        Some(word) => word.clone(),
        None if subscription.is_terminated(state.clock.now()) => "Terminated".to_owned(),
        None => "Active".to_owned(),
    }
}

/// A subscription, at the prices of a provider's context.
pub(super) fn subscription(
    state: &DandhState,
    own: &Subscription,
    context: i64,
    with_addons: bool,
) -> Json {
    let options = &state.options;
    let now = state.clock.now();
    let seats = own.seats_at(now).unwrap_or_default();
    let product = state.products.get(&own.service_id);
    let items = product.map_or(&[][..], |product| &product.items);
    let items = items.iter().map(|item| {
        let (cost, price) = prices(state, item, context);
        let metered = item.charging == Charging::Metered;
        let unit = |value: Decimal| (!metered).then_some(value);
        Json::object()
            .with("PriceableItemId", item.id)
            .with("PriceableItemDescription", &item.description)
            .with("PriceableItemType", item.type_word())
            .with("ChargeType", "Recurring")
            .with("FieldName", &item.field)
            .with("IsUDRCField", !item.field.is_empty())
            .with("Currency", &item.currency)
            .with("PurchasePrice", unit(cost))
            .with("SalesPrice", unit(price))
            .with("SuggestedRetailPrice", unit(price))
            .with("MaterialNumber", &item.material_number)
            .with("ProductNumber", &item.product_number)
            .with("PrepaidPeriodInMonths", item.prepaid_months)
            .with("CommitementPeriodInMonths", item.commitment_months)
    });
    let items: Vec<Json> = items.collect();
    let dependency = own.dependency.map(|id| number(options, id.into()));
    let renewal: Vec<Json> = own
        .renewal_seats
        .map(|seats| field("Quantity", "Quantity", units(options, seats)))
        .into_iter()
        .collect();
    let mut json = Json::object()
        .with("AccountId", own.id)
        .with("AccountState", state_word(state, own))
        .with("CompanyAccountId", own.company_id)
        .with("ParentAccountId", own.parent_id)
        .with("ParentType", &own.parent_type)
        .with("ServiceName", &own.service_id)
        .with(
            "ServiceDisplayName",
            product.map(|product| product.name.clone()),
        )
        .with(
            "VendorDisplayName",
            product.map(|product| product.vendor.clone()),
        )
        .with("ProvisioningStatus", "Completed")
        .with("VendorReferenceId", &own.vendor_reference)
        .with("BillingStartDate", date_time(own.made()))
        .with("ContractEndDate", own.contract_end.map(day))
        .with("ScheduledTerminationDate", "")
        .with("AdvancePeriodEndAction", "Renew")
        .with("HasRenewActionValuesConfigured", !renewal.is_empty())
        .with("RenewFields", Json::Array(renewal))
        .with("DependencyAccountId", dependency)
        .with(
            "Fields",
            Json::Array(product.map_or_else(Vec::new, |product| fields(state, product, seats))),
        )
        .with("PriceableItems", Json::Array(items));
    if with_addons {
        json = json.with("Addons", addons(state, own));
    }
    json
}

fn addons(state: &DandhState, own: &Subscription) -> Json {
    let addons = state
        .subscriptions
        .values()
        .filter(|other| other.dependency == Some(own.id));
    let mut addons = addons.map(|other| {
        Json::object()
            .with("ParentAccountId", other.parent_id)
            .with("AccountId", other.id)
            .with("AccountState", state_word(state, other))
            .with("ServiceName", &other.service_id)
    });
    match state.options.addons {
        Addons::List => Json::Array(addons.collect()),
        Addons::One => addons.next().into(),
        Addons::Null => Json::Null,
    }
}
