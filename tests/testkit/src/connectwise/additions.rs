//! Writing additions.

use jiff::civil::Date;

use super::entities::{Addition, CustomField, Product, Write, WriteKind};
use super::error::{Invalid, error, invalid_object, no_record};
use super::schema::ADDITION;
use super::state::ConnectWiseState;
use super::values::{self, Change, as_day, as_decimal, as_text, reference_id};
use super::{patch, wire};
use crate::http::SimAnswer;
use crate::json::Json;

const COMPUTED: [&str; 14] = [
    "id",
    "description",
    "agreementId",
    "billedQuantity",
    "uom",
    "extPrice",
    "extCost",
    "margin",
    "prorateCost",
    "proratePrice",
    "extendedProrateCost",
    "extendedProratePrice",
    "agreementStatus",
    "additionStatus",
];
const AT_CREATION_ONLY: [&str; 2] = ["product", "prorateCurrentPeriodFlag"];

/// `POST .../additions`.
pub(super) fn create(
    state: &mut ConnectWiseState,
    agreement_id: i64,
    body: &Json,
    version: (u16, u16),
) -> Result<SimAnswer, SimAnswer> {
    let changes = values::from_object(&ADDITION, body, version)?;
    let mut errors = Vec::new();
    let given = |name: &str| {
        changes
            .iter()
            .find(|change| change.name == name && !change.value.is_null())
    };
    for name in ["product", "billCustomer"] {
        if given(name).is_none() {
            errors.push(Invalid::missing(name));
        }
    }
    let product = given("product").map(|change| find_product(state, &change.value));
    let product_id = match product {
        Some(Some(product)) if product.class == "Bundle" => {
            errors.push(Invalid::field(
                "product",
                "A bundle cannot be added to an agreement.",
            ));
            0
        }
        Some(Some(product)) => product.id,
        Some(None) => {
            errors.push(Invalid::field("product", "The product could not be found."));
            0
        }
        None => 0,
    };
    let member = state.member.clone();
    let mut addition = state.blank_addition(0, agreement_id, product_id, &member);
    addition.quantity = rust_decimal::Decimal::ONE;
    addition.effective_date = Some(state.clock.today());
    for change in &changes {
        apply(&mut addition, change, &mut errors);
    }
    // Without proration a line starts with a period, not inside one; the default is the first open day.
    if given("effectiveDate").is_none()
        && let Some(agreement) = state
            .agreements
            .get(&agreement_id)
            .filter(|agreement| !agreement.prorate)
    {
        let first_open = state.next_invoice_date(agreement);
        addition.effective_date = addition
            .effective_date
            .max(first_open)
            .max(Some(agreement.bill_start_date));
    }
    check_dates(state, &addition, true, &mut errors);
    if !errors.is_empty() {
        return Err(invalid_object("addition", &errors));
    }
    addition.id = state.fresh_id();
    let id = addition.id;
    state.additions.insert(id, addition);
    committed(state, WriteKind::Created, id, agreement_id, None);
    let created = state
        .additions
        .get(&id)
        .map(|addition| wire::addition(state, addition, version));
    Ok(SimAnswer::json(201, &created.unwrap_or(Json::Null)))
}

/// `PATCH .../additions/{id}`.
pub(super) fn update(
    state: &mut ConnectWiseState,
    agreement_id: i64,
    id: i64,
    body: &Json,
    version: (u16, u16),
) -> Result<SimAnswer, SimAnswer> {
    let old = owned(state, agreement_id, id)?.clone();
    let changes = patch::changes(&ADDITION, body, version)?;
    let mut errors = Vec::new();
    let mut addition = old.clone();
    for change in &changes {
        if AT_CREATION_ONLY.contains(&change.name) {
            errors.push(Invalid::field(
                change.name,
                format!("The {} field cannot be changed.", change.name),
            ));
        } else {
            apply(&mut addition, change, &mut errors);
        }
    }
    check_dates(
        state,
        &addition,
        addition.effective_date != old.effective_date,
        &mut errors,
    );
    if !errors.is_empty() {
        return Err(invalid_object("addition", &errors));
    }
    // A patch that changes nothing is no write, and does not move the stamp.
    if addition != old {
        let before = wire::addition(state, &old, state.options.version);
        addition.stamp.last_updated = state.clock.now();
        addition.stamp.updated_by = state.member.clone();
        state.additions.insert(id, addition);
        committed(state, WriteKind::Updated, id, agreement_id, Some(before));
    }
    let addition = owned(state, agreement_id, id)?;
    Ok(SimAnswer::json(
        200,
        &wire::addition(state, addition, version),
    ))
}

/// `DELETE .../additions/{id}`.
pub(super) fn delete(
    state: &mut ConnectWiseState,
    agreement_id: i64,
    id: i64,
) -> Result<SimAnswer, SimAnswer> {
    let addition = owned(state, agreement_id, id)?;
    let agreement = state.agreements.get(&agreement_id);
    let invoiced_to = agreement.and_then(|agreement| state.next_invoice_date(agreement));
    let invoiced =
        matches!((addition.effective_date, invoiced_to), (Some(from), Some(open)) if from < open);
    if invoiced && !state.options.delete_invoiced {
        return Err(error(
            400,
            "InvalidObject",
            "The addition has been invoiced and cannot be deleted.",
        ));
    }
    let before = wire::addition(state, addition, state.options.version);
    state.additions.remove(&id);
    committed(state, WriteKind::Deleted, id, agreement_id, Some(before));
    Ok(SimAnswer::empty(204))
}

/// An addition, if it belongs to the agreement.
pub(super) fn owned(
    state: &ConnectWiseState,
    agreement_id: i64,
    id: i64,
) -> Result<&Addition, SimAnswer> {
    let found = state
        .additions
        .get(&id)
        .filter(|addition| addition.agreement_id == agreement_id);
    found.ok_or_else(|| no_record("Addition", &id.to_string()))
}

fn committed(
    state: &mut ConnectWiseState,
    kind: WriteKind,
    id: i64,
    agreement_id: i64,
    before: Option<Json>,
) {
    let after = state
        .additions
        .get(&id)
        .map(|addition| wire::addition(state, addition, state.options.version));
    let at = state.clock.now();
    state.writes.push(Write {
        at,
        kind,
        entity: "Addition",
        id,
        agreement_id,
        before,
        after,
    });
}

fn find_product<'a>(state: &'a ConnectWiseState, reference: &Json) -> Option<&'a Product> {
    match (
        reference_id(reference),
        reference.get("identifier").and_then(Json::text),
    ) {
        (Some(id), _) => state.products.get(&id),
        (None, Some(identifier)) => state
            .products
            .values()
            .find(|product| product.identifier.eq_ignore_ascii_case(identifier)),
        (None, None) => None,
    }
}

fn apply(addition: &mut Addition, change: &Change, errors: &mut Vec<Invalid>) {
    let Change { name, value } = change;
    if COMPUTED.contains(name) || *name == "_info" {
        errors.push(Invalid::field(
            name,
            format!("The {name} field is read-only."),
        ));
        return;
    }
    let before = errors.len();
    values::validate(&ADDITION, change, errors);
    if errors.len() > before {
        return;
    }
    match *name {
        "product" => {}
        "quantity" => addition.quantity = as_decimal(value),
        "lessIncluded" => addition.less_included = as_decimal(value),
        "unitPrice" => addition.unit_price = as_decimal(value),
        "unitCost" => addition.unit_cost = as_decimal(value),
        "sequenceNumber" => addition.sequence_number = as_decimal(value),
        "billCustomer" => match as_text(value) {
            Some(text) => addition.bill_customer = text,
            None => errors.push(Invalid::missing(name)),
        },
        "effectiveDate" => match as_day(value) {
            Some(day) => addition.effective_date = Some(day),
            None => errors.push(Invalid::missing(name)),
        },
        "cancelledDate" => addition.cancelled_date = as_day(value),
        "taxableFlag" => addition.taxable = value.flag().unwrap_or(false),
        "serialNumber" => addition.serial_number = as_text(value),
        "invoiceDescription" => addition.invoice_description = as_text(value),
        "customFields" => set_custom_fields(&mut addition.custom_fields, value, errors),
        other => {
            addition.extra.insert(other.to_owned(), value.clone());
        }
    }
}

/// Fields left out keep their value; an empty array clears nothing.
pub(super) fn set_custom_fields(
    fields: &mut [CustomField],
    value: &Json,
    errors: &mut Vec<Invalid>,
) {
    for item in value.items().unwrap_or(&[]) {
        match reference_id(item).and_then(|id| fields.iter_mut().find(|field| field.id == id)) {
            Some(field) => field.value = item.get("value").cloned().unwrap_or(Json::Null),
            None => errors.push(Invalid::field(
                "customFields",
                "The custom field could not be found.",
            )),
        }
    }
}

fn check_dates(
    state: &ConnectWiseState,
    addition: &Addition,
    effective_set: bool,
    errors: &mut Vec<Invalid>,
) {
    let Some(agreement) = state.agreements.get(&addition.agreement_id) else {
        return;
    };
    let Some(from): Option<Date> = addition.effective_date else {
        return;
    };
    if effective_set {
        if from < agreement.bill_start_date {
            errors.push(Invalid::field(
                "effectiveDate",
                "The effective date cannot be earlier than the billing start date of the agreement.",
            ));
        }
        if !agreement.prorate
            && state
                .next_invoice_date(agreement)
                .is_some_and(|open| from < open)
        {
            errors.push(Invalid::field(
                "effectiveDate",
                "The period of the effective date is already invoiced and the agreement does not prorate. Choose the next invoice date or later, or prorate the agreement.",
            ));
        }
    }
    if addition.cancelled_date.is_some_and(|to| to < from) {
        errors.push(Invalid::field(
            "cancelledDate",
            "The cancelled date cannot be earlier than the effective date.",
        ));
    }
}
