//! Creates, updates and deletes.

use super::body::{Body, Verb};
use super::error::{errors, no_match, no_permission, refused};
use super::records::{Adjustment, Record, Udf};
use super::schema::Entity;
use super::state::AutotaskState;
use super::{periods, picklists, rules, units, values};
use crate::http::SimAnswer;
use crate::json::Json;

type Handled = Result<SimAnswer, SimAnswer>;

fn written(id: i64) -> SimAnswer {
    SimAnswer::json(200, &Json::object().with("itemId", id))
}

fn permitted(
    state: &AutotaskState,
    entity: Entity,
    verb: &str,
    able: bool,
) -> Result<(), SimAnswer> {
    if !able || state.rights.not_written.contains(&entity) {
        return Err(no_permission(verb, entity.singular()));
    }
    Ok(())
}

/// The parent in the path and the one in the body must be the same.
fn same_parent(parent: Option<i64>, record: &Record) -> Result<(), SimAnswer> {
    match parent {
        Some(parent) if record.integer("contractID").is_some_and(|id| id != parent) => Err(
            refused("The contractID of the body is not the parent of the path."),
        ),
        _ => Ok(()),
    }
}

/// `POST` of a new record, below its parent where it has one.
pub(super) fn create(
    state: &mut AutotaskState,
    entity: Entity,
    parent: Option<i64>,
    json: &Json,
) -> Handled {
    permitted(state, entity, "create", entity.can_create())?;
    let json = with_parent(parent, json);
    let body = Body::read(state, entity, Verb::Create, &json)?;
    let mut record = Record::new(0);
    body.write(entity, Verb::Create, &mut record)?;
    same_parent(parent, &record)?;
    if entity == Entity::ContractServiceAdjustments {
        return adjust(state, &record);
    }
    defaults(state, entity, &mut record);
    let texts = rules::objections(state, entity, &record);
    if !texts.is_empty() {
        return Err(errors(500, &texts));
    }
    record.id = state.fresh_id();
    let id = record.id;
    state.put(entity, record.clone());
    match entity {
        Entity::ContractServices => {
            units::begin(state, &record);
            let contract = record.integer("contractID").unwrap_or(-1);
            state.note(contract, format!("Contract service {id} was added."));
        }
        Entity::UserDefinedFieldDefinitions => {
            let of = record.integer("udfType").and_then(picklists::udf_entity);
            if let Some(of) = of {
                state.udfs.entry(of).or_default().push(Udf {
                    name: record.text("name").unwrap_or("").to_owned(),
                    kind: "string".to_owned(),
                    queryable: true,
                });
            }
        }
        _ => {}
    }
    Ok(written(id))
}

/// A body whose parent stands in the path alone gets it.
fn with_parent(parent: Option<i64>, json: &Json) -> Json {
    let named = |members: &[(String, Json)]| {
        members
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("contractID"))
    };
    match (parent, json.members()) {
        (Some(parent), Some(members)) if !named(members) => json.clone().with("contractID", parent),
        _ => json.clone(),
    }
}

fn defaults(state: &AutotaskState, entity: Entity, record: &mut Record) {
    for field in entity.fields().iter().filter(|field| field.picklist) {
        if record.get(field.name).is_null()
            && let Some(choice) = state
                .choices(entity, field.name)
                .iter()
                .find(|choice| choice.default)
        {
            record.set(field.name, choice.value);
        }
    }
    let now = values::instant(state.clock.now());
    for name in ["createDate", "createdTime", "lastModifiedDateTime"] {
        if entity.field(name).is_some() {
            record.set(name, now.clone());
        }
    }
    if entity.field("isActive").is_some() && record.get("isActive").is_null() {
        record.set("isActive", true);
    }
    if entity == Entity::ContractCharges {
        record.set("isBilled", false);
        if record.get("isBillableToCompany").is_null() {
            record.set("isBillableToCompany", true);
        }
    }
    if entity == Entity::ContractServices {
        let service = record
            .integer("serviceID")
            .and_then(|id| state.record(Entity::Services, id));
        for amount in ["unitPrice", "unitCost"] {
            let standard = service.map(|found| found.get(amount).clone());
            if record.get(amount).is_null()
                && let Some(standard) = standard
            {
                record.set(amount, standard);
            }
        }
    }
}

/// `PATCH` or `PUT`, with the id in the body.
pub(super) fn update(
    state: &mut AutotaskState,
    entity: Entity,
    parent: Option<i64>,
    verb: Verb,
    json: &Json,
) -> Handled {
    permitted(state, entity, "update", entity.can_update())?;
    let body = Body::read(state, entity, verb, json)?;
    let id = body.id.unwrap_or(-1);
    let old = state
        .record(entity, id)
        .filter(|record| parent.is_none_or(|of| record.integer("contractID") == Some(of)))
        .cloned()
        .ok_or_else(no_match)?;
    if entity == Entity::ContractCharges && old.flag("isBilled") == Some(true) {
        return Err(refused("The charge is billed and cannot be changed."));
    }
    let mut record = old.clone();
    body.write(entity, verb, &mut record)?;
    let texts = rules::objections(state, entity, &record);
    if !texts.is_empty() {
        return Err(errors(500, &texts));
    }
    if record != old && entity.field("lastModifiedDateTime").is_some() {
        record.set("lastModifiedDateTime", values::instant(state.clock.now()));
    }
    if entity == Entity::Contracts {
        move_window(state, &old, &record)?;
        state.note(id, format!("Contract {id} was changed."));
    }
    state.put(entity, record);
    Ok(written(id))
}

fn move_window(state: &mut AutotaskState, old: &Record, new: &Record) -> Result<(), SimAnswer> {
    let (Some((start, end)), Some((new_start, new_end))) =
        (periods::window(old), periods::window(new))
    else {
        return Ok(());
    };
    if new_start != start {
        units::move_start(state, old.id, new_start).map_err(refused)?;
    }
    if new_end != end {
        units::move_end(state, old.id, new_end).map_err(refused)?;
    }
    Ok(())
}

/// `DELETE .../{id}`.
pub(super) fn delete(state: &mut AutotaskState, entity: Entity, parent: i64, id: i64) -> Handled {
    permitted(state, entity, "delete", entity.can_delete())?;
    let record = state
        .record(entity, id)
        .filter(|record| record.integer("contractID") == Some(parent))
        .ok_or_else(no_match)?;
    if record.flag("isBilled") == Some(true) {
        return Err(refused("The charge is billed and cannot be deleted."));
    }
    state.remove(entity, id);
    Ok(written(id))
}

/// `POST` of an adjustment: the only way to change units.
fn adjust(state: &mut AutotaskState, body: &Record) -> Handled {
    let line = body.integer("contractServiceID");
    let pair = body.integer("contractID").zip(body.integer("serviceID"));
    let contract = match line {
        Some(line) => {
            let found = state.record(Entity::ContractServices, line);
            let own = found.and_then(|found| found.integer("contractID"));
            let own = own.ok_or_else(|| {
                refused("Reference value on field: contractServiceID of type: ContractService does not exist or is invalid.")
            })?;
            if body.integer("contractID").is_some_and(|id| id != own) {
                return Err(refused(
                    "The ContractService is not on the Contract referenced by contractID.",
                ));
            }
            own
        }
        None => {
            let (contract, _) = pair.ok_or_else(|| {
                refused("Either contractServiceID, or contractID and serviceID, are required.")
            })?;
            contract
        }
    };
    let mut subject = body.clone();
    subject.set("contractID", contract);
    let mut texts = rules::objections(state, Entity::ContractServiceAdjustments, &subject);
    if texts.is_empty() {
        rules::recurring(state, &subject, &mut texts);
    }
    if line.is_none() && texts.is_empty() {
        rules::active_service(state, &subject, &mut texts);
    }
    let window = state
        .record(Entity::Contracts, contract)
        .and_then(periods::window);
    let effective = subject.day("effectiveDate");
    let inside = effective
        .zip(window)
        .filter(|(day, (start, end))| (start..=end).contains(&day));
    let Some((effective, _)) = inside.filter(|_| texts.is_empty()) else {
        if texts.is_empty() {
            texts.push("ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract referenced by contractID.".to_owned());
        }
        return Err(errors(500, &texts));
    };
    let change = body.integer("unitChange").unwrap_or(0);
    let line = match line {
        Some(line) => line,
        None => line_for(state, &subject, change)?,
    };
    let adjustment = Adjustment {
        id: state.fresh_id(),
        contract_service_id: line,
        effective,
        change,
        unit_price: body.decimal("adjustedUnitPrice"),
        unit_cost: body.decimal("adjustedUnitCost"),
    };
    let id = adjustment.id;
    units::adjust(state, adjustment).map_err(refused)?;
    state.remember_adjustment(id, &subject);
    Ok(written(id))
}

/// The line of a service on a contract; it is made when there is none, or when a repeat is asked for.
fn line_for(state: &mut AutotaskState, body: &Record, change: i64) -> Result<i64, SimAnswer> {
    let (contract, service) = (body.integer("contractID"), body.integer("serviceID"));
    let existing = state
        .list(Entity::ContractServices)
        .find(|line| line.integer("contractID") == contract && line.integer("serviceID") == service)
        .map(|line| line.id);
    if let Some(line) = existing
        && body.flag("allowRepeatService") != Some(true)
    {
        return Ok(line);
    }
    if change < 0 {
        return Err(refused(
            "The adjustment would result in a negative number of units.",
        ));
    }
    let mut line = Record::new(state.fresh_id());
    line.set("contractID", contract).set("serviceID", service);
    defaults(state, Entity::ContractServices, &mut line);
    let id = line.id;
    state.put(Entity::ContractServices, line.clone());
    units::begin(state, &line);
    Ok(id)
}

impl AutotaskState {
    fn remember_adjustment(&mut self, id: i64, sent: &Record) {
        let mut after = Json::object().with("id", id);
        for field in Entity::ContractServiceAdjustments.fields() {
            let value = sent.get(field.name);
            if !value.is_null() {
                after = after.with(field.name, value.clone());
            }
        }
        self.remember(Entity::ContractServiceAdjustments, id, None, Some(after));
    }
}
