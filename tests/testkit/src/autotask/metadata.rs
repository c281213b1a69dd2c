//! What the API tells about itself: entities, fields with their picklists, user-defined fields.

use super::schema::{Entity, Field, Writable};
use super::state::AutotaskState;
use crate::http::SimAnswer;
use crate::json::Json;

/// `.../entityInformation`.
pub(super) fn info(state: &AutotaskState, entity: Entity) -> Json {
    let access = |able: bool| {
        let able = able && !state.rights.not_written.contains(&entity);
        if able { "All" } else { "None" }
    };
    let info = Json::object()
        .with("name", entity.singular())
        .with("canCreate", entity.can_create())
        .with("canDelete", entity.can_delete())
        .with("canQuery", entity.can_query())
        .with("canUpdate", entity.can_update())
        .with("userAccessForCreate", access(entity.can_create()))
        .with("userAccessForDelete", access(entity.can_delete()))
        .with("userAccessForQuery", "All")
        .with("userAccessForUpdate", access(entity.can_update()))
        .with("hasUserDefinedFields", entity.has_udfs())
        .with("supportsWebhookCallouts", entity == Entity::Companies);
    Json::object().with("info", info)
}

/// `/EntityInformation`.
pub(super) fn all(state: &AutotaskState) -> SimAnswer {
    let all = Entity::ALL
        .into_iter()
        .map(|entity| info(state, entity))
        .collect();
    SimAnswer::json(
        200,
        &Json::object().with("entityDescriptions", Json::Array(all)),
    )
}

/// `.../entityInformation/fields`.
pub(super) fn fields(state: &AutotaskState, entity: Entity) -> SimAnswer {
    let fields = entity.fields().iter().filter(|field| !field.hidden);
    let fields = fields.map(|field| describe(state, entity, field)).collect();
    SimAnswer::json(200, &Json::object().with("fields", Json::Array(fields)))
}

fn describe(state: &AutotaskState, entity: Entity, field: &Field) -> Json {
    let choices = state.choices(entity, field.name);
    let choices = choices.iter().enumerate().map(|(at, choice)| {
        Json::object()
            .with("value", choice.value.to_string())
            .with("label", &choice.label)
            .with("isDefaultValue", choice.default)
            .with("sortOrder", i64::try_from(at + 1).unwrap_or(0))
            .with("parentValue", Json::Null)
            .with("isActive", choice.active)
            .with("isSystem", false)
    });
    let choices = field.picklist.then(|| Json::Array(choices.collect()));
    let length = field
        .max
        .map_or(0, |length| i64::try_from(length).unwrap_or(0));
    let read_only = field.writable == Writable::Never || field.said_read_only;
    Json::object()
        .with("name", field.name)
        .with("dataType", field.kind.data_type())
        .with("length", length)
        .with("isRequired", field.required)
        .with("isReadOnly", read_only)
        .with("isQueryable", true)
        .with("isReference", field.refers.is_some())
        .with("referenceEntityType", field.refers.unwrap_or(""))
        .with("isPickList", field.picklist)
        .with("picklistValues", choices)
        .with("picklistParentValueField", "")
        .with("isSupportedWebhookField", false)
}

/// `.../entityInformation/userDefinedFields`.
pub(super) fn udfs(state: &AutotaskState, entity: Entity) -> SimAnswer {
    let udfs = state.udfs.get(&entity).map_or(&[][..], Vec::as_slice);
    let udfs = udfs.iter().map(|udf| {
        Json::object()
            .with("name", &udf.name)
            .with("label", &udf.name)
            .with("type", &udf.kind)
            .with("length", 255_i64)
            .with("description", &udf.name)
            .with("isRequired", false)
            .with("isReadOnly", false)
            .with("isQueryable", udf.queryable)
            .with("isReference", false)
            .with("referenceEntityType", "")
            .with("isPickList", false)
            .with("picklistValues", Json::Null)
            .with("picklistParentValueField", "")
            .with("defaultValue", "")
            .with("isSupportedWebhookField", false)
    });
    SimAnswer::json(
        200,
        &Json::object().with("fields", Json::Array(udfs.collect())),
    )
}
