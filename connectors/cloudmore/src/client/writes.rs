//! The operations that change something. Each is sent once; the source uses none of them.

use tallyline_core::Result;
use tallyline_core::http::Response;

use super::{CloudmoreClient, check_id, config};
use crate::models::{NewManualBillingLine, OrganizationBody, Record};
use crate::operations;

/// The record in an answer, where it holds one: what the vendor answers to a write is not published.
fn answered(response: &Response) -> Result<Option<Record>> {
    let blank = response.bytes().iter().all(u8::is_ascii_whitespace);
    if blank {
        Ok(None)
    } else {
        response.json().map(Some)
    }
}

/// Organizations and manual billing lines.
///
/// ```no_run
/// # async fn example(client: tallyline_cloudmore::CloudmoreClient) -> tallyline_core::Result<()> {
/// use tallyline_cloudmore::models::{CustomPropertyValue, OrganizationBody};
///
/// let mut change = OrganizationBody::default();
/// change.custom_properties = vec![CustomPropertyValue::new("AutotaskCompanyID", "29683")];
/// client.update_organization("5d0c5a1e-0000-4000-8000-000000000002", &change).await?;
/// # Ok(())
/// # }
/// ```
impl CloudmoreClient {
    /// Creates an organization.
    ///
    /// `POST R/Organizations`. The body's fields are documented, but for the custom properties; the
    /// path is inferred from that of the list.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have been carried out. List the organizations.
    ///
    /// # Errors
    /// `Config` for a body without a name; `Auth`, `PermissionDenied`, `Invalid`, `Conflict`,
    /// `RateLimited`, `Unavailable`, `Timeout`, `Protocol`. Where
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) is true, list the
    /// organizations before doing anything else.
    pub async fn create_organization(&self, body: &OrganizationBody) -> Result<Option<Record>> {
        let operation = &operations::CREATE_ORGANIZATION;
        if body
            .name
            .as_deref()
            .is_none_or(|name| name.trim().is_empty())
        {
            return Err(config("an organization needs a name").with_operation(operation.name));
        }
        let request = self.of_reseller(operation).json(body);
        answered(&self.write(request).await?)
    }

    /// Changes some fields of an organization: those that are set in the body.
    ///
    /// `PATCH R/Organizations/{organizationId}`. Path and method are inferred from the vendor's rule
    /// that PATCH changes some properties.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have been carried out. Read the organization.
    ///
    /// # Errors
    /// `Config` for an empty id or body; else as [`create_organization`](Self::create_organization),
    /// and `NotFound`.
    pub async fn update_organization(
        &self,
        organization_id: &str,
        change: &OrganizationBody,
    ) -> Result<Option<Record>> {
        let operation = &operations::UPDATE_ORGANIZATION;
        check_id(operation, "organization id", organization_id)?;
        if *change == OrganizationBody::default() {
            return Err(config("nothing to change").with_operation(operation.name));
        }
        let request = self
            .of_reseller(operation)
            .path("organizationId", organization_id)
            .account(organization_id)
            .json(change);
        answered(&self.write(request).await?)
    }

    /// Enters an adjustment on an organization's bill.
    ///
    /// `POST O/manualbilling`. The first three members of the body are documented.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have been carried out. List the adjustments.
    ///
    /// # Errors
    /// `Config` for an empty id; else as [`create_organization`](Self::create_organization). Where
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) is true, list the
    /// adjustments before doing anything else: a second one would bill the client twice.
    pub async fn create_manual_billing_line(
        &self,
        organization_id: &str,
        line: &NewManualBillingLine,
    ) -> Result<Option<Record>> {
        let operation = &operations::CREATE_MANUAL_BILLING;
        for (name, id) in [
            ("service id", &line.service_id),
            ("subscription id", &line.subscription_id),
        ] {
            check_id(operation, name, id)?;
        }
        let request = self.of_organization(operation, organization_id)?.json(line);
        answered(&self.write(request).await?)
    }
}
