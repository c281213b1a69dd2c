//! What the API says about its entities: rights, fields, picklists.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tallyline_core::http::{Operation, Request};
use tallyline_core::wire::null_as_empty;
use tallyline_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::operations::{self, EntityOperations};
use super::{AutotaskClient, CONNECTOR};
use crate::models::{EntityInfo, FieldInfo, PicklistEntry, PicklistValue, UdfFieldInfo};

/// How long fields are kept: reading them counts against the budget, and they change rarely.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// Fields of entities as they were read.
pub(super) type FieldCache = std::collections::HashMap<&'static str, (Instant, Arc<[FieldInfo]>)>;

#[derive(Deserialize)]
struct Info {
    info: EntityInfo,
}

#[derive(Deserialize)]
struct Fields<T: for<'a> Deserialize<'a>> {
    #[serde(deserialize_with = "null_as_empty")]
    fields: Vec<T>,
}

/// The values of a picklist with their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picklist {
    /// The entity and field, for messages.
    name: String,
    entries: Vec<PicklistEntry>,
}

impl Picklist {
    /// The entries, inactive ones included.
    #[must_use]
    pub fn entries(&self) -> &[PicklistEntry] {
        &self.entries
    }

    /// The entry of a value.
    #[must_use]
    pub fn entry(&self, value: &PicklistValue) -> Option<&PicklistEntry> {
        self.entries
            .iter()
            .find(|entry| entry.value.as_ref() == Some(value))
    }

    /// The label of a value.
    #[must_use]
    pub fn label(&self, value: &PicklistValue) -> Option<&str> {
        self.entry(value)?.label.as_deref()
    }

    /// The value of a label, the case of letters aside.
    ///
    /// # Errors
    /// `NotFound` when no entry has the label, `Conflict` when several do.
    pub fn value_of(&self, label: &str) -> Result<&PicklistValue> {
        let wanted = label.trim();
        let mut found = self.entries.iter().filter_map(|entry| {
            let same = entry
                .label
                .as_deref()
                .is_some_and(|label| label.trim().eq_ignore_ascii_case(wanted));
            entry.value.as_ref().filter(|_| same)
        });
        let error = |kind, what: &str| {
            Error::new(kind, format!("{} has {what} {wanted:?}", self.name))
                .with_connector(CONNECTOR)
        };
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(error(ErrorKind::NotFound, "no value labelled")),
            (Some(_), Some(_)) => Err(error(ErrorKind::Conflict, "several values labelled")),
        }
    }
}

impl AutotaskClient {
    /// What may be done with an entity, and what the API user may do.
    ///
    /// `GET /{Entity}/entityInformation`.
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn entity_info(&self, entity: &'static EntityOperations) -> Result<EntityInfo> {
        self.info(&entity.info).await
    }

    /// The same of adjustments, which have no other read.
    ///
    /// `GET /ContractServiceAdjustments/entityInformation`.
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn adjustments_info(&self) -> Result<EntityInfo> {
        self.info(&operations::ADJUSTMENTS_INFO).await
    }

    async fn info(&self, operation: &'static Operation) -> Result<EntityInfo> {
        let answer: Info = self.0.http.json(Request::new(operation)).await?;
        Ok(answer.info)
    }

    /// The fields of an entity, at most an hour old.
    ///
    /// `GET /{Entity}/entityInformation/fields`.
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn fields(&self, entity: &'static EntityOperations) -> Result<Arc<[FieldInfo]>> {
        if let Some(fields) = self.known_fields(entity) {
            return Ok(fields);
        }
        let answer: Fields<FieldInfo> = self.0.http.json(Request::new(&entity.fields)).await?;
        let fields: Arc<[FieldInfo]> = answer.fields.into();
        self.0
            .fields
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(entity.entity, (Instant::now(), Arc::clone(&fields)));
        Ok(fields)
    }

    fn known_fields(&self, entity: &EntityOperations) -> Option<Arc<[FieldInfo]>> {
        let known = self.0.fields.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, fields) = known.get(entity.entity)?;
        (at.elapsed() < MAX_AGE).then(|| Arc::clone(fields))
    }

    /// A picklist of an entity, by the name of its field.
    ///
    /// # Errors
    /// `NotFound` when the entity has no such field, `Invalid` when it is no picklist, and the
    /// errors of any read.
    pub async fn picklist(
        &self,
        entity: &'static EntityOperations,
        field: &str,
    ) -> Result<Picklist> {
        let fields = self.fields(entity).await?;
        let name = format!("{}.{field}", entity.entity);
        let error = |kind, message: String| {
            Error::new(kind, message)
                .with_connector(CONNECTOR)
                .with_operation(entity.fields.name)
        };
        let found = fields
            .iter()
            .find(|info| {
                let own = info.name.as_deref().unwrap_or_default();
                own.eq_ignore_ascii_case(field)
            })
            .ok_or_else(|| error(ErrorKind::NotFound, format!("there is no field {name}")))?;
        if found.picklist_values.is_empty() && found.is_pick_list != Some(true) {
            return Err(error(ErrorKind::Invalid, format!("{name} is no picklist")));
        }
        Ok(Picklist {
            name,
            entries: found.picklist_values.clone(),
        })
    }

    /// The user-defined fields of an entity.
    ///
    /// `GET /{Entity}/entityInformation/userDefinedFields`.
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn user_defined_fields(
        &self,
        entity: &'static EntityOperations,
    ) -> Result<Vec<UdfFieldInfo>> {
        let answer: Fields<UdfFieldInfo> = self.0.http.json(Request::new(&entity.udfs)).await?;
        Ok(answer.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picklist(labels: &[(i64, &str)]) -> Picklist {
        Picklist {
            name: "Contracts.contractPeriodType".to_owned(),
            entries: labels
                .iter()
                .map(|(value, label)| PicklistEntry {
                    value: Some((*value).into()),
                    label: Some((*label).to_owned()),
                    ..PicklistEntry::default()
                })
                .collect(),
        }
    }

    #[test]
    fn labels_are_found_without_their_case_and_two_of_one_label_are_an_error() {
        let list = picklist(&[(2, "Monthly"), (3, "Quarterly"), (9, "quarterly ")]);
        assert!(*list.value_of("monthly").unwrap() == 2);
        assert_eq!(list.label(&2.into()), Some("Monthly"));
        assert_eq!(
            list.value_of("Yearly").unwrap_err().kind(),
            ErrorKind::NotFound
        );
        let error = list.value_of("Quarterly").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("Contracts.contractPeriodType"));
    }
}
