//! `/Services`, `/ServiceBundles`, `/Products`, `/BillingCodes` and `/UserDefinedFieldDefinitions`.

use tallyline_core::Result;
use tallyline_core::http::{Records, Request};

use super::{AutotaskClient, operations};
use crate::models::{
    BillingCode, NewProduct, NewService, Product, Service, ServiceBundle, ServicePatch,
    UserDefinedFieldDefinition,
};
use crate::query::Query;

impl AutotaskClient {
    /// Lists the services that a query matches, by id.
    ///
    /// `GET` or `POST /Services/query`.
    pub fn services(&self, query: &Query) -> Records<Service> {
        self.records(&operations::SERVICES, query)
    }

    /// Counts the services that a query matches.
    ///
    /// `GET` or `POST /Services/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_services(&self, query: &Query) -> Result<u64> {
        self.count(&operations::SERVICES, query).await
    }

    /// Reads a service.
    ///
    /// `GET /Services/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn service(&self, id: i64) -> Result<Service> {
        self.get(&operations::SERVICES, id).await
    }

    /// Creates a service, and gives its id. Needs the rights of a system administrator.
    ///
    /// Nothing keeps the system from creating it twice: after an error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, look for it first.
    ///
    /// `POST /Services`.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, it may have been created.
    pub async fn create_service(&self, new: &NewService) -> Result<i64> {
        self.write(Request::new(&operations::SERVICES_CREATE), new)
            .await
    }

    /// Changes a service; what the patch does not give stays as it is.
    ///
    /// `PATCH /Services`, the id in the body.
    ///
    /// # Errors
    /// `Invalid` when the system refuses the change, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the change may have been made.
    pub async fn patch_service(&self, patch: &ServicePatch) -> Result<i64> {
        self.write(Request::new(&operations::SERVICES_PATCH), patch)
            .await
    }

    /// Lists the bundles that a query matches, by id.
    ///
    /// `GET` or `POST /ServiceBundles/query`.
    pub fn service_bundles(&self, query: &Query) -> Records<ServiceBundle> {
        self.records(&operations::SERVICE_BUNDLES, query)
    }

    /// Counts the bundles that a query matches.
    ///
    /// `GET` or `POST /ServiceBundles/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_service_bundles(&self, query: &Query) -> Result<u64> {
        self.count(&operations::SERVICE_BUNDLES, query).await
    }

    /// Reads a bundle.
    ///
    /// `GET /ServiceBundles/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn service_bundle(&self, id: i64) -> Result<ServiceBundle> {
        self.get(&operations::SERVICE_BUNDLES, id).await
    }

    /// Lists the products that a query matches, by id.
    ///
    /// `GET` or `POST /Products/query`.
    pub fn products(&self, query: &Query) -> Records<Product> {
        self.records(&operations::PRODUCTS, query)
    }

    /// Counts the products that a query matches.
    ///
    /// `GET` or `POST /Products/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_products(&self, query: &Query) -> Result<u64> {
        self.count(&operations::PRODUCTS, query).await
    }

    /// Reads a product.
    ///
    /// `GET /Products/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn product(&self, id: i64) -> Result<Product> {
        self.get(&operations::PRODUCTS, id).await
    }

    /// Creates a product, and gives its id.
    ///
    /// Nothing keeps the system from creating it twice: after an error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, look for it first.
    ///
    /// `POST /Products`.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, it may have been created.
    pub async fn create_product(&self, new: &NewProduct) -> Result<i64> {
        self.write(Request::new(&operations::PRODUCTS_CREATE), new)
            .await
    }

    /// Lists the billing codes that a query matches, by id.
    ///
    /// `GET` or `POST /BillingCodes/query`.
    pub fn billing_codes(&self, query: &Query) -> Records<BillingCode> {
        self.records(&operations::BILLING_CODES, query)
    }

    /// Counts the billing codes that a query matches.
    ///
    /// `GET` or `POST /BillingCodes/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_billing_codes(&self, query: &Query) -> Result<u64> {
        self.count(&operations::BILLING_CODES, query).await
    }

    /// Reads a billing code.
    ///
    /// `GET /BillingCodes/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn billing_code(&self, id: i64) -> Result<BillingCode> {
        self.get(&operations::BILLING_CODES, id).await
    }

    /// Lists the definitions of user-defined fields that a query matches, by id.
    ///
    /// `GET` or `POST /UserDefinedFieldDefinitions/query`.
    pub fn udf_definitions(&self, query: &Query) -> Records<UserDefinedFieldDefinition> {
        self.records(&operations::UDF_DEFINITIONS, query)
    }

    /// Counts the definitions of user-defined fields that a query matches.
    ///
    /// `GET` or `POST /UserDefinedFieldDefinitions/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_udf_definitions(&self, query: &Query) -> Result<u64> {
        self.count(&operations::UDF_DEFINITIONS, query).await
    }

    /// Reads a definition of a user-defined field.
    ///
    /// `GET /UserDefinedFieldDefinitions/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn udf_definition(&self, id: i64) -> Result<UserDefinedFieldDefinition> {
        self.get(&operations::UDF_DEFINITIONS, id).await
    }
}
