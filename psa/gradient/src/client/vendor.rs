//! The vendor, the integration and the MSP's clients.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::GradientClient;
use crate::models::{Clients, Integration, IntegrationStatus, Vendor, VendorUpdate, Wrapped};
use crate::operations;

impl GradientClient {
    /// Reads the vendor with its services.
    ///
    /// `GET /api/vendor-api`
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `NotFound`, `Invalid`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn vendor(&self) -> Result<Vendor> {
        self.read_wrapped(Request::new(&operations::VENDOR_GET))
            .await
    }

    /// Changes the vendor, by one field at least.
    ///
    /// `PATCH /api/vendor-api`
    ///
    /// # Errors
    /// `Invalid` for a change without fields, and the errors of any write.
    pub async fn update_vendor(&self, update: &VendorUpdate) -> Result<Vendor> {
        let request = Request::new(&operations::VENDOR_UPDATE).json(update);
        let wrapped: Wrapped<Vendor> = self.write(request).await?;
        Ok(wrapped.data)
    }

    /// Reads the integration: the cheapest call that shows whether the keys are right.
    ///
    /// `GET /api/vendor-api/organization`
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn integration(&self) -> Result<Integration> {
        self.read(Request::new(&operations::INTEGRATION_GET)).await
    }

    /// Sets the status of the integration.
    ///
    /// `PATCH /api/vendor-api/organization/status/{status}`, without a body.
    ///
    /// # Errors
    /// `Invalid` for a status that cannot be set, and the errors of any write.
    pub async fn set_status(&self, status: &IntegrationStatus) -> Result<Integration> {
        let request = Request::new(&operations::STATUS_SET).path("status", status.as_str());
        let wrapped: Wrapped<Integration> = self.write(request).await?;
        Ok(wrapped.data)
    }

    /// Reads clients of the MSP in its PSA, those after one where it is named. What a client looks
    /// like is not documented: each is kept as it came.
    ///
    /// `GET /api/vendor-api/organization/clients`
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn clients(&self, search: Option<&str>, previous: Option<&str>) -> Result<Clients> {
        let request = Request::new(&operations::CLIENTS_LIST)
            .query_opt("search", search)
            .query_opt("previousId", previous);
        self.read(request).await
    }
}
