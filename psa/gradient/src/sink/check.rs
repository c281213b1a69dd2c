//! The connection check.

use tallyline_core::source::Identity;
use tallyline_core::{Error, ErrorKind, Result};

use super::GradientSink;
use crate::client::CONNECTOR;
use crate::models::IntegrationStatus;

pub(super) async fn check(sink: &GradientSink) -> Result<Identity> {
    let integration = sink.client().integration().await?;
    let id = integration.organization_id.as_str();
    match &sink.0.descriptor.tenant {
        Some(wanted) if wanted != id => {
            let message = format!(
                "the keys are of organization {id}, and {wanted} is set: keys and organization belong together"
            );
            return Err(Error::new(ErrorKind::Config, message).with_connector(CONNECTOR));
        }
        _ => {}
    }
    let mut identity = Identity::new(integration.name.as_deref().unwrap_or(id));
    let vendor = integration.vendor_name.as_deref().unwrap_or("the vendor");
    identity.verified.push(format!(
        "The keys are those of {vendor} at organization {id}; the integration is {}.",
        integration.status
    ));
    if sink.0.descriptor.tenant.is_none() {
        identity.warnings.push(format!(
            "Plans are not bound to an organization: set organization_id to {id}."
        ));
    }
    let warning = match integration.status {
        IntegrationStatus::Active => None,
        IntegrationStatus::Pending => Some(
            "The integration is pending: map accounts and services in Gradient, and finish the set-up there.",
        ),
        IntegrationStatus::Disabled => {
            Some("The integration is disabled: counts may be taken and shown nowhere.")
        }
        _ => Some("The integration is not set up: run the set-up, then map in Gradient."),
    };
    identity.warnings.extend(warning.map(str::to_owned));
    let vendor = sink.client().vendor().await?;
    identity
        .verified
        .push(format!("{} services can be read.", vendor.skus.len()));
    let bills = |module: &crate::models::Module| module.variation.as_deref() == Some("billing");
    if !vendor.modules.is_empty() && !vendor.modules.iter().any(bills) {
        identity
            .warnings
            .push("The integration was made without billing: it takes no counts.".to_owned());
    }
    Ok(identity)
}
