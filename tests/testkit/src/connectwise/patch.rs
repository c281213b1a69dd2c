//! The body of a PATCH: a bare array of operations.

use super::error::error;
use super::schema::Entity;
use super::values::{Change, checked, member};
use crate::http::SimAnswer;
use crate::json::Json;

fn refuse(message: &str) -> SimAnswer {
    error(400, "ConnectWiseApi", message)
}

/// Reads the operations. A path into a member is accepted and changes nothing, as the live system does.
pub(super) fn changes(
    entity: &Entity,
    body: &Json,
    version: (u16, u16),
) -> Result<Vec<Change>, SimAnswer> {
    let operations = body
        .items()
        .ok_or_else(|| refuse("The body must be an array of patch operations."))?;
    if operations.is_empty() {
        return Err(refuse("At least one patch operation is required."));
    }
    let mut changes = Vec::new();
    for operation in operations {
        let members = operation
            .members()
            .ok_or_else(|| refuse("A patch operation must be an object."))?;
        if let Some((name, _)) = members
            .iter()
            .find(|(name, _)| !["op", "path", "value"].contains(&name.as_str()))
        {
            return Err(refuse(&format!(
                "Could not find member '{name}' on object of type 'PatchOperation'"
            )));
        }
        let op = operation.get("op").and_then(Json::text).unwrap_or("");
        if !["add", "replace", "remove"].contains(&op) {
            return Err(refuse(&format!(
                "'{op}' is not a supported patch operation. Use add, replace or remove."
            )));
        }
        let path = operation.get("path").and_then(Json::text).unwrap_or("");
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Err(refuse("A patch operation needs a path."));
        }
        let (name, sub) = path
            .split_once('/')
            .map_or((path, None), |(name, sub)| (name, Some(sub)));
        let member = member(entity, name, version)?;
        if sub.is_some() {
            continue;
        }
        let value = match (op, operation.get("value")) {
            ("remove", _) => Json::Null,
            (_, Some(value)) => checked(entity, member, value)?,
            (_, None) => {
                return Err(refuse(&format!(
                    "The {op} operation on '{name}' needs a value."
                )));
            }
        };
        changes.push(Change {
            name: member.name,
            value,
        });
    }
    Ok(changes)
}
