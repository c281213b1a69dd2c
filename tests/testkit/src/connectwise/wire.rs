//! Records as documents: nulls left out, numbers as exact text, references with links to another host.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::billing;
use super::entities::{
    Addition, Agreement, BillingCycle, Company, CustomField, Product, SetupRow, Stamp,
};
use super::state::ConnectWiseState;
use crate::json::Json;

/// A calendar date as midnight UTC.
pub(super) fn day(date: Date) -> String {
    format!("{date}T00:00:00Z")
}

fn moment(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC).datetime();
    format!(
        "{}T{:02}:{:02}:{:02}Z",
        at.date(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

fn stamp(stamp: &Stamp) -> Json {
    Json::object()
        .with("lastUpdated", moment(stamp.last_updated))
        .with("updatedBy", &stamp.updated_by)
        .with("dateEntered", moment(stamp.date_entered))
        .with("enteredBy", &stamp.entered_by)
}

fn reference(state: &ConnectWiseState, id: i64, name: &str, link: &str, path: &str) -> Json {
    // Links carry another host and a double slash, as the live system's do.
    let href = format!("{}/{path}/{id}", state.options.link_base);
    Json::object()
        .with("id", id)
        .with("name", name)
        .with("_info", Json::object().with(link, href))
}

fn company_reference(state: &ConnectWiseState, id: i64) -> Option<Json> {
    let company = state.companies.get(&id)?;
    let href = format!("{}/company/companies/{id}", state.options.link_base);
    Some(
        Json::object()
            .with("id", id)
            .with("identifier", &company.identifier)
            .with("name", &company.name)
            .with("_info", Json::object().with("company_href", href)),
    )
}

fn currency_reference(code: &str) -> Json {
    let symbol = match code {
        "EUR" => "€",
        "GBP" => "£",
        _ => "$",
    };
    Json::object()
        .with("id", i64::from(code.bytes().map(u16::from).sum::<u16>()))
        .with("symbol", symbol)
        .with("currencyCode", code)
        .with("numberOfDecimals", 2_i64)
        .with("name", code)
}

fn custom_fields(fields: &[CustomField]) -> Option<Json> {
    let items = fields.iter().map(|field| {
        let json = Json::object()
            .with("id", field.id)
            .with("caption", &field.caption)
            .with("type", &field.kind)
            .with("entryMethod", "EntryField");
        json.with_some(
            "value",
            Some(field.value.clone()).filter(|value| !value.is_null()),
        )
    });
    (!fields.is_empty()).then(|| Json::Array(items.collect()))
}

fn with_extra(mut json: Json, extra: &std::collections::BTreeMap<String, Json>) -> Json {
    for (name, value) in extra {
        if json.get(name).is_none() && !value.is_null() {
            json = json.with(name, value.clone());
        }
    }
    json
}

/// A row of a setup table.
pub(super) fn setup_row(row: &SetupRow) -> Json {
    Json::object()
        .with("id", row.id)
        .with("name", &row.name)
        .with("defaultFlag", row.default_flag)
}

/// An agreement type: a row with the members that a template always has.
pub(super) fn agreement_type(row: &SetupRow) -> Json {
    setup_row(row)
        .with("employeeCompRate", "Hourly")
        .with("employeeCompNotExceed", "Billing")
        .with("invoicingCycle", "CalendarYear")
        .with("billTime", "Billable")
        .with("billExpenses", "Billable")
        .with("billProducts", "Billable")
}

/// A billing cycle.
pub(super) fn billing_cycle(cycle: &BillingCycle) -> Json {
    Json::object()
        .with("id", cycle.id)
        .with("identifier", &cycle.identifier)
        .with("name", &cycle.name)
        .with("defaultFlag", cycle.default_flag)
        .with("billingOptions", &cycle.billing_options)
}

/// A company.
pub(super) fn company(state: &ConnectWiseState, company: &Company) -> Json {
    let status = state.company_statuses.get(&company.status_id);
    let types = company
        .type_ids
        .iter()
        .filter_map(|id| state.company_types.get(id));
    let types = types.map(|row| {
        reference(
            state,
            row.id,
            &row.name,
            "type_href",
            "company/companies/types",
        )
    });
    let json = Json::object()
        .with("id", company.id)
        .with("identifier", &company.identifier)
        .with("name", &company.name)
        .with_some(
            "status",
            status.map(|row| {
                reference(
                    state,
                    row.id,
                    &row.name,
                    "status_href",
                    "company/companies/statuses",
                )
            }),
        )
        .with("deletedFlag", company.deleted)
        .with("isVendorFlag", company.vendor)
        .with_some(
            "currency",
            company.currency.as_deref().map(currency_reference),
        )
        .with("types", Json::Array(types.collect()));
    with_extra(json, &company.extra)
        .with("_info", stamp(&company.stamp))
        .with_some("customFields", custom_fields(&company.custom_fields))
}

/// A product of the catalog.
pub(super) fn product(state: &ConnectWiseState, product: &Product) -> Json {
    let unit = Json::object()
        .with("id", 1_i64)
        .with("name", &product.unit_of_measure);
    let json = Json::object()
        .with("id", product.id)
        .with("identifier", &product.identifier)
        .with("description", &product.description)
        .with("inactiveFlag", product.inactive)
        .with(
            "subcategory",
            Json::object()
                .with("id", 1_i64)
                .with("name", "Subscriptions"),
        )
        .with(
            "type",
            Json::object().with("id", 1_i64).with("name", "Cloud"),
        )
        .with("productClass", &product.class)
        .with("unitOfMeasure", unit)
        .with("price", product.price)
        .with("cost", product.cost)
        .with("taxableFlag", product.taxable)
        .with("customerDescription", &product.description)
        .with_some(
            "vendor",
            product
                .vendor_id
                .and_then(|id| company_reference(state, id)),
        )
        .with_some("vendorSku", product.vendor_sku.clone());
    with_extra(json, &product.extra)
        .with("_info", stamp(&product.stamp))
        .with_some("customFields", custom_fields(&product.custom_fields))
}

/// An agreement.
pub(super) fn agreement(state: &ConnectWiseState, agreement: &Agreement) -> Json {
    let kind = state.agreement_types.get(&agreement.type_id);
    let cycle = state.billing_cycles.get(&agreement.billing_cycle_id);
    let contact = agreement.contact_id.and_then(|id| state.contacts.get(&id));
    let parent = agreement.parent_id.and_then(|id| state.agreements.get(&id));
    let json = Json::object()
        .with("id", agreement.id)
        .with("name", &agreement.name)
        .with_some(
            "type",
            kind.map(|row| {
                reference(
                    state,
                    row.id,
                    &row.name,
                    "type_href",
                    "finance/agreements/types",
                )
            }),
        )
        .with_some("company", company_reference(state, agreement.company_id))
        .with_some(
            "contact",
            contact.map(|c| reference(state, c.id, &c.name, "contact_href", "company/contacts")),
        )
        .with_some(
            "parentAgreement",
            parent.map(|parent| {
                reference(
                    state,
                    parent.id,
                    &parent.name,
                    "agreement_href",
                    "finance/agreements",
                )
            }),
        )
        .with("startDate", day(agreement.start_date))
        .with_some("endDate", agreement.end_date.map(day))
        .with("noEndingDateFlag", agreement.end_date.is_none())
        .with("cancelledFlag", agreement.cancelled)
        .with_some("dateCancelled", agreement.date_cancelled.map(day))
        .with_some(
            "billingCycle",
            cycle.map(|cycle| {
                reference(
                    state,
                    cycle.id,
                    &cycle.name,
                    "billingCycle_href",
                    "finance/billingCycles",
                )
            }),
        )
        .with("invoicingCycle", &agreement.invoicing_cycle)
        .with("billStartDate", day(agreement.bill_start_date))
        .with("prorateFlag", agreement.prorate)
        .with("invoiceProratedAdditionsFlag", agreement.invoice_prorated)
        .with_some(
            "currency",
            agreement.currency.as_deref().map(currency_reference),
        )
        .with_some("nextInvoiceDate", agreement.next_invoice_date.map(day))
        .with(
            "agreementStatus",
            billing::agreement_status(agreement, state.clock.today()),
        );
    with_extra(json, &agreement.extra)
        .with("_info", stamp(&agreement.stamp))
        .with_some("customFields", custom_fields(&agreement.custom_fields))
}

/// An addition with its computed members, as a version of the API shows it.
pub(super) fn addition(state: &ConnectWiseState, addition: &Addition, version: (u16, u16)) -> Json {
    let today = state.clock.today();
    let agreement = state.agreements.get(&addition.agreement_id);
    let product = state.products.get(&addition.product_id);
    let billed = addition.quantity - addition.less_included;
    let ext_price = billed * addition.unit_price;
    let ext_cost = addition.quantity * addition.unit_cost;
    let product_json = product.map(|product| {
        let href = format!(
            "{}/procurement/catalog/{}",
            state.options.link_base, product.id
        );
        Json::object()
            .with("id", product.id)
            .with("identifier", &product.identifier)
            .with("_info", Json::object().with("catalog_href", href))
    });
    let mut json = Json::object()
        .with("id", addition.id)
        .with_some("product", product_json)
        .with("quantity", addition.quantity)
        .with("lessIncluded", addition.less_included)
        .with("unitPrice", addition.unit_price)
        .with("unitCost", addition.unit_cost)
        .with("billCustomer", &addition.bill_customer)
        .with_some("effectiveDate", addition.effective_date.map(day))
        .with_some("cancelledDate", addition.cancelled_date.map(day))
        .with("taxableFlag", addition.taxable)
        .with_some("serialNumber", addition.serial_number.clone())
        .with_some("invoiceDescription", addition.invoice_description.clone())
        .with("agreementId", addition.agreement_id)
        .with_some(
            "description",
            product.map(|product| product.description.clone()),
        )
        .with("billedQuantity", billed)
        .with_some(
            "uom",
            product.map(|product| product.unit_of_measure.clone()),
        )
        .with("extPrice", ext_price)
        .with("extCost", ext_cost)
        .with("sequenceNumber", addition.sequence_number)
        .with("margin", ext_price - ext_cost);
    let cycle =
        agreement.and_then(|agreement| state.billing_cycles.get(&agreement.billing_cycle_id));
    if let (Some(agreement), Some(cycle)) = (agreement.filter(|agreement| agreement.prorate), cycle)
        && let Some(share) =
            billing::first_period_share(agreement, &cycle.billing_options, addition)
    {
        let cost = billing::prorated(addition.unit_cost, share);
        let price = billing::prorated(addition.unit_price, share);
        json = json
            .with("prorateCost", cost)
            .with("proratePrice", price)
            .with("extendedProrateCost", cost * addition.quantity)
            .with("extendedProratePrice", price * billed);
    }
    if let Some(agreement) = agreement {
        json = json.with(
            "agreementStatus",
            billing::agreement_status(agreement, today),
        );
    }
    if version >= (2026, 11) {
        json = json.with("additionStatus", billing::addition_status(addition, today));
    }
    with_extra(json, &addition.extra)
        .with("_info", stamp(&addition.stamp))
        .with_some("customFields", custom_fields(&addition.custom_fields))
}
