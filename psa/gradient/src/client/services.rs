//! The vendor's services, and the counts of them.

use tallyline_core::http::Request;
use tallyline_core::{ErrorKind, Result};

use super::GradientClient;
use crate::models::{Count, CountSet, NewService, Service, ServiceUpdate, Vendor};
use crate::operations;

impl GradientClient {
    /// Creates a service; gives the vendor, among whose services the new one is.
    ///
    /// `POST /api/vendor-api/service`
    ///
    /// # Errors
    /// `Invalid` for a category or subcategory that the system does not know, and the errors of
    /// any write.
    pub async fn create_service(&self, service: &NewService) -> Result<Vendor> {
        self.write(Request::new(&operations::SERVICE_CREATE).json(service))
            .await
    }

    /// Reads a service.
    ///
    /// `GET /api/vendor-api/service/{serviceId}`
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn service(&self, id: &str) -> Result<Service> {
        self.read_wrapped(Request::new(&operations::SERVICE_GET).path("serviceId", id))
            .await
    }

    /// Changes a service. What the system answers is not documented, and not read.
    ///
    /// `PATCH /api/vendor-api/service/{serviceId}`
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any write.
    pub async fn update_service(&self, id: &str, update: &ServiceUpdate) -> Result<()> {
        let request = Request::new(&operations::SERVICE_UPDATE)
            .path("serviceId", id)
            .json(update);
        self.0.writes.send(request).await.map(|_| ())
    }

    /// Sets the count of a service for an account: absolute, without a day and a price. With
    /// `no_build` the billing view is not built anew for it: for all but the last of several.
    ///
    /// `POST /api/vendor-api/service/{serviceId}/count`. What was set cannot be read back: the
    /// answer 201 is all that shows it.
    ///
    /// # Errors
    /// `NotFound` when the MSP has not mapped the account or the service, or there is none;
    /// `Protocol` when the answer does not say 201, in its body or, where that says nothing, by its
    /// status: whether the count was set is open then. And the errors of any write.
    pub async fn set_count(
        &self,
        service: &str,
        count: &Count,
        no_build: bool,
    ) -> Result<CountSet> {
        let mut request = Request::new(&operations::COUNT_SET)
            .path("serviceId", service)
            .account(&count.account_id)
            .json(count);
        if no_build {
            request = request.query("no_build", true);
        }
        let response = self.0.writes.send(request).await?;
        let set: CountSet = response.json()?;
        let told = set.status.unwrap_or(response.status());
        if told == 201 {
            return Ok(set.with_request_id(response.request_id()));
        }
        let message =
            format!("the answer to a count says {told}, and only 201 shows that it was set");
        Err(response.error(ErrorKind::Protocol, message))
    }
}
