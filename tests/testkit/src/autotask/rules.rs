//! What the business layer checks before it takes a record.

use super::records::Record;
use super::schema::{Entity, Writable};
use super::state::AutotaskState;
use super::{periods, picklists};

/// The contract type that bills recurring services.
pub(super) const RECURRING: i64 = 7;
/// Contract types on which ordinary charges are refused: block hours, retainer, per ticket.
const PREPAID: [i64; 3] = [4, 6, 8];
const USE_MATERIAL: i64 = 4;
const USE_RECURRING: i64 = 5;

/// The entity of a reference.
fn referred(name: &str) -> Option<Entity> {
    Entity::ALL
        .into_iter()
        .find(|entity| entity.singular() == name)
}

/// What speaks against a record; nothing when it may be stored.
pub(super) fn objections(state: &AutotaskState, entity: Entity, record: &Record) -> Vec<String> {
    let mut texts: Vec<String> = entity
        .fields()
        .iter()
        .filter(|field| field.writable != Writable::Never)
        .filter_map(|field| {
            let target = referred(field.refers?)?;
            let id = record.integer(field.name)?;
            state.record(target, id).is_none().then(|| {
                format!(
                    "Reference value on field: {} of type: {} does not exist or is invalid.",
                    field.name,
                    target.singular()
                )
            })
        })
        .collect();
    if !texts.is_empty() {
        return texts;
    }
    match entity {
        Entity::Contracts => contract(record, &mut texts),
        Entity::ContractServices => {
            recurring(state, record, &mut texts);
            active_service(state, record, &mut texts);
        }
        Entity::ContractCharges => charge(state, record, &mut texts),
        Entity::Services => code(
            state,
            record,
            "billingCodeID",
            (USE_RECURRING, "Recurring Contract Service Code"),
            &mut texts,
        ),
        Entity::Products => code(
            state,
            record,
            "productBillingCodeID",
            (USE_MATERIAL, "Material Cost Code"),
            &mut texts,
        ),
        Entity::UserDefinedFieldDefinitions => {
            let of = record.integer("udfType").and_then(picklists::udf_entity);
            let name = record.text("name").unwrap_or("");
            if of.is_some_and(|entity| state.udf(entity, name).is_some()) {
                texts.push(format!("A user-defined field named {name} exists."));
            }
        }
        _ => {}
    }
    texts
}

fn contract(record: &Record, texts: &mut Vec<String>) {
    if periods::window(record).is_none_or(|(start, end)| start > end) {
        texts.push("The startDate of a Contract must not be later than its endDate.".to_owned());
    }
    if record.integer("contractType") == Some(RECURRING)
        && record.integer("contractPeriodType").is_none()
    {
        texts.push(
            "contractPeriodType is required on a contract of the type Recurring Service."
                .to_owned(),
        );
    }
}

/// A line, or an adjustment, needs a contract that bills recurring services.
pub(super) fn recurring(state: &AutotaskState, record: &Record, texts: &mut Vec<String>) {
    let contract = record
        .integer("contractID")
        .and_then(|id| state.record(Entity::Contracts, id));
    if contract.and_then(|found| found.integer("contractType")) != Some(RECURRING) {
        texts.push(
            "The Contract referenced by contractID must be of the type Recurring Service."
                .to_owned(),
        );
    }
}

pub(super) fn active_service(state: &AutotaskState, record: &Record, texts: &mut Vec<String>) {
    let service = record
        .integer("serviceID")
        .and_then(|id| state.record(Entity::Services, id));
    if service.is_some_and(|found| found.flag("isActive") == Some(false)) {
        texts.push("The Service referenced by serviceID is inactive.".to_owned());
    }
}

fn code(
    state: &AutotaskState,
    record: &Record,
    field: &str,
    (use_type, label): (i64, &str),
    texts: &mut Vec<String>,
) {
    let found = record
        .integer(field)
        .and_then(|id| state.record(Entity::BillingCodes, id));
    let fits = found.is_some_and(|code| {
        code.integer("useType") == Some(use_type) && code.flag("isActive") == Some(true)
    });
    if !fits {
        texts.push(format!(
            "The billing code of {field} must be active and of the use type {label}."
        ));
    }
}

fn charge(state: &AutotaskState, record: &Record, texts: &mut Vec<String>) {
    let contract = record
        .integer("contractID")
        .and_then(|id| state.record(Entity::Contracts, id));
    let kind = contract.and_then(|found| found.integer("contractType"));
    if kind.is_some_and(|kind| PREPAID.contains(&kind)) {
        texts.push("Charges of this kind are not allowed on the type of the contract.".to_owned());
    }
    let has_code = record.integer("billingCodeID").is_some();
    if !has_code && record.integer("productID").is_none() {
        texts.push("One of billingCodeID and productID is required.".to_owned());
    }
    if has_code {
        let material = (USE_MATERIAL, "Material Cost Code");
        code(state, record, "billingCodeID", material, texts);
    }
}
