//! Writing agreements.

use super::additions::set_custom_fields;
use super::entities::{Agreement, Write, WriteKind};
use super::error::{Invalid, invalid_object, no_record};
use super::schema::AGREEMENT;
use super::state::ConnectWiseState;
use super::values::{self, Change, as_day, as_text, reference_id};
use super::{patch, wire};
use crate::http::SimAnswer;
use crate::json::Json;

const COMPUTED: [&str; 4] = ["id", "agreementStatus", "nextInvoiceDate", "_info"];

/// `POST /finance/agreements`.
pub(super) fn create(
    state: &mut ConnectWiseState,
    body: &Json,
    version: (u16, u16),
) -> Result<SimAnswer, SimAnswer> {
    let changes = values::from_object(&AGREEMENT, body, version)?;
    let mut errors = Vec::new();
    let given = |name: &str| {
        changes
            .iter()
            .any(|change| change.name == name && !change.value.is_null())
    };
    for name in ["name", "type", "company", "contact"] {
        if !given(name) {
            errors.push(Invalid::missing(name));
        }
    }
    let today = state.clock.today();
    let default_cycle = state
        .billing_cycles
        .values()
        .find(|cycle| cycle.default_flag)
        .map_or(1, |cycle| cycle.id);
    let mut agreement = Agreement {
        id: 0,
        name: String::new(),
        type_id: 0,
        company_id: 0,
        contact_id: None,
        parent_id: None,
        start_date: today,
        end_date: None,
        cancelled: false,
        date_cancelled: None,
        billing_cycle_id: default_cycle,
        invoicing_cycle: "CalendarYear".to_owned(),
        bill_start_date: today,
        next_invoice_date: None,
        prorate: false,
        invoice_prorated: false,
        currency: None,
        custom_fields: state.agreement_fields.clone(),
        extra: std::collections::BTreeMap::new(),
        stamp: state.stamp(&state.member),
    };
    for change in &changes {
        apply(state, &mut agreement, change, &mut errors);
    }
    if !given("billStartDate") {
        agreement.bill_start_date = agreement.start_date;
    }
    if agreement.parent_id.is_none() {
        agreement.next_invoice_date = Some(agreement.bill_start_date);
    }
    if agreement.currency.is_none() {
        agreement.currency = state
            .companies
            .get(&agreement.company_id)
            .and_then(|company| company.currency.clone());
    }
    check(state, &agreement, &mut errors);
    if !errors.is_empty() {
        return Err(invalid_object("agreement", &errors));
    }
    agreement.id = state.fresh_id();
    let id = agreement.id;
    state.agreements.insert(id, agreement);
    committed(state, WriteKind::Created, id, None);
    let created = state
        .agreements
        .get(&id)
        .map(|agreement| wire::agreement(state, agreement));
    Ok(SimAnswer::json(201, &created.unwrap_or(Json::Null)))
}

/// `PATCH /finance/agreements/{id}`.
pub(super) fn update(
    state: &mut ConnectWiseState,
    id: i64,
    body: &Json,
    version: (u16, u16),
) -> Result<SimAnswer, SimAnswer> {
    let old = visible(state, id)?.clone();
    let changes = patch::changes(&AGREEMENT, body, version)?;
    let mut errors = Vec::new();
    let mut agreement = old.clone();
    for change in &changes {
        apply(state, &mut agreement, change, &mut errors);
    }
    check(state, &agreement, &mut errors);
    if !errors.is_empty() {
        return Err(invalid_object("agreement", &errors));
    }
    if agreement != old {
        let before = wire::agreement(state, &old);
        agreement.stamp.last_updated = state.clock.now();
        agreement.stamp.updated_by = state.member.clone();
        state.agreements.insert(id, agreement);
        committed(state, WriteKind::Updated, id, Some(before));
    }
    let agreement = visible(state, id)?;
    Ok(SimAnswer::json(200, &wire::agreement(state, agreement)))
}

/// An agreement, if the role sees it.
pub(super) fn visible(state: &ConnectWiseState, id: i64) -> Result<&Agreement, SimAnswer> {
    let found = state
        .agreements
        .get(&id)
        .filter(|agreement| state.visible(agreement));
    found.ok_or_else(|| no_record("Agreement", &id.to_string()))
}

fn committed(state: &mut ConnectWiseState, kind: WriteKind, id: i64, before: Option<Json>) {
    let after = state
        .agreements
        .get(&id)
        .map(|agreement| wire::agreement(state, agreement));
    let at = state.clock.now();
    state.writes.push(Write {
        at,
        kind,
        entity: "Agreement",
        id,
        agreement_id: id,
        before,
        after,
    });
}

fn apply(
    state: &ConnectWiseState,
    agreement: &mut Agreement,
    change: &Change,
    errors: &mut Vec<Invalid>,
) {
    let Change { name, value } = change;
    if COMPUTED.contains(name) {
        errors.push(Invalid::field(
            name,
            format!("The {name} field is read-only."),
        ));
        return;
    }
    let before = errors.len();
    values::validate(&AGREEMENT, change, errors);
    if errors.len() > before {
        return;
    }
    let mut required = |given: bool| {
        if !given {
            errors.push(Invalid::missing(name));
        }
    };
    match *name {
        "name" => {
            required(as_text(value).is_some());
            agreement.name = as_text(value).unwrap_or_default();
        }
        "type" => agreement.type_id = reference_id(value).unwrap_or(0),
        "company" => {
            let named = value.get("identifier").and_then(Json::text);
            let named = named.and_then(|id| {
                state
                    .companies
                    .values()
                    .find(|c| c.identifier.eq_ignore_ascii_case(id))
            });
            agreement.company_id = reference_id(value)
                .or(named.map(|company| company.id))
                .unwrap_or(0);
        }
        "contact" => agreement.contact_id = reference_id(value),
        "parentAgreement" => agreement.parent_id = reference_id(value),
        "billingCycle" => agreement.billing_cycle_id = reference_id(value).unwrap_or(0),
        "startDate" => {
            required(as_day(value).is_some());
            agreement.start_date = as_day(value).unwrap_or(agreement.start_date);
        }
        "billStartDate" => {
            required(as_day(value).is_some());
            agreement.bill_start_date = as_day(value).unwrap_or(agreement.bill_start_date);
        }
        "endDate" => agreement.end_date = as_day(value),
        "noEndingDateFlag" => {
            if value.flag() == Some(true) {
                agreement.end_date = None;
            }
        }
        "cancelledFlag" => agreement.cancelled = value.flag().unwrap_or(false),
        "dateCancelled" => agreement.date_cancelled = as_day(value),
        "invoicingCycle" => agreement.invoicing_cycle = as_text(value).unwrap_or_default(),
        "prorateFlag" => agreement.prorate = value.flag().unwrap_or(false),
        "invoiceProratedAdditionsFlag" => {
            agreement.invoice_prorated = value.flag().unwrap_or(false)
        }
        "currency" => {
            agreement.currency = value
                .get("currencyCode")
                .and_then(Json::text)
                .map(str::to_owned)
        }
        "customFields" => set_custom_fields(&mut agreement.custom_fields, value, errors),
        other => {
            agreement.extra.insert(other.to_owned(), value.clone());
        }
    }
}

fn check(state: &ConnectWiseState, agreement: &Agreement, errors: &mut Vec<Invalid>) {
    if !errors.is_empty() {
        return;
    }
    let mut unknown = |found: bool, field: &str| {
        if !found {
            errors.push(Invalid::field(
                field,
                format!("The {field} could not be found."),
            ));
        }
    };
    unknown(
        state.agreement_types.contains_key(&agreement.type_id),
        "type",
    );
    unknown(
        state.companies.contains_key(&agreement.company_id),
        "company",
    );
    unknown(
        state
            .billing_cycles
            .contains_key(&agreement.billing_cycle_id),
        "billingCycle",
    );
    unknown(
        agreement
            .contact_id
            .is_none_or(|id| state.contacts.contains_key(&id)),
        "contact",
    );
    match agreement.parent_id.map(|id| state.agreements.get(&id)) {
        Some(None) => unknown(false, "parentAgreement"),
        Some(Some(parent)) if parent.billing_cycle_id != agreement.billing_cycle_id => {
            errors.push(Invalid::field(
                "billingCycle",
                "Bundled agreements must have the billing cycle of their parent.",
            ))
        }
        _ => {}
    }
}
