//! How records are answered.

use super::state::{Account, GradientState, Service};
use crate::json::Json;

/// What some answers are wrapped in.
pub(super) fn wrapped(status: u16, message: &str, data: Json) -> Json {
    Json::object()
        .with("status", i64::from(status))
        .with("message", message)
        .with("data", data)
}

pub(super) fn vendor(state: &GradientState) -> Json {
    let skus: Vec<Json> = state
        .services
        .iter()
        .map(|sku| service(state, sku))
        .collect();
    ids(state, &state.vendor_id)
        .with("name", state.vendor_name.as_str())
        .with("description", state.vendor_description.as_str())
        .with("integrationType", "custom")
        .with("imageUri", Json::Null)
        .with("isDistributor", false)
        .with("integrationPortalUrl", Json::Null)
        .with("vendorSupportPageUrl", Json::Null)
        .with("externalIntegrationStatus", "notIntegrated")
        .with("mappingResponsibilities", vec!["accounts", "services"])
        .with(
            "modules",
            Json::Array(vec![
                Json::object().with("variation", "alerts"),
                Json::object().with("variation", "billing"),
            ]),
        )
        .with("organizationId", state.organization_id.as_str())
        .with("attributes", Json::Array(Vec::new()))
        .with("skus", Json::Array(skus))
        .with("createdAt", "2026-02-06T13:55:04.681Z")
        .with("updatedAt", "2026-02-06T13:55:04.688Z")
        .with("__v", 0_i64)
}

pub(super) fn service(state: &GradientState, service: &Service) -> Json {
    ids(state, &service.id)
        .with("name", service.words.name.as_str())
        .with("description", service.words.description.as_str())
        .with("logo", Json::Null)
        .with("category", service.words.category.as_str())
        .with("subcategory", service.words.subcategory.as_str())
        .with_some("supportArticle", service.words.support_article.as_deref())
        .with_some("supportContact", service.words.support_contact.as_deref())
}

/// The old name of the id, and the one that takes its place.
fn ids(state: &GradientState, id: &str) -> Json {
    let object = Json::object().with("_id", id);
    if state.switches.only_old_ids {
        object
    } else {
        object.with("id", id)
    }
}

pub(super) fn integration(state: &GradientState) -> Json {
    Json::object()
        .with("organizationId", state.organization_id.as_str())
        .with("name", state.organization_name.as_str())
        .with("vendorId", state.vendor_id.as_str())
        .with("vendorName", state.vendor_name.as_str())
        .with("integrationId", state.integration_id.as_str())
        .with("status", state.status.as_str())
        .with("lastSyncedAt", "1900-01-01T00:00:00.000Z")
}

pub(super) fn account(account: &Account) -> Json {
    Json::object()
        .with("id", account.id.as_str())
        .with("name", account.name.as_str())
        .with_some("description", account.description.as_deref())
}
