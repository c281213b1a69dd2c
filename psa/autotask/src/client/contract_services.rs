//! `/ContractServices`, `/ContractServiceUnits`, `/ContractServiceAdjustments` and the bundles on contracts.

use futures::stream::BoxStream;
use tallyline_core::Result;
use tallyline_core::http::{Records, Request};

use super::{AutotaskClient, operations};
use crate::models::{
    ContractService, ContractServiceBundle, ContractServiceBundleUnit, ContractServicePatch,
    ContractServiceUnit, NewContractService, NewContractServiceAdjustment,
};
use crate::query::{Field, Query};

impl AutotaskClient {
    /// Lists the services on contracts that a query matches, by id.
    ///
    /// `GET` or `POST /ContractServices/query`.
    pub fn contract_services(&self, query: &Query) -> Records<ContractService> {
        self.records(&operations::CONTRACT_SERVICES, query)
    }

    /// Counts the services on contracts that a query matches.
    ///
    /// `GET` or `POST /ContractServices/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_contract_services(&self, query: &Query) -> Result<u64> {
        self.count(&operations::CONTRACT_SERVICES, query).await
    }

    /// Reads a service on a contract.
    ///
    /// `GET /ContractServices/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn contract_service(&self, id: i64) -> Result<ContractService> {
        self.get(&operations::CONTRACT_SERVICES, id).await
    }

    /// Creates a service on a contract, and gives its id. It has no units: those come with an adjustment, which
    /// creates the service as well where it is not there.
    ///
    /// Nothing keeps the system from creating it twice: after an error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, look for it first.
    ///
    /// `POST /Contracts/{contractId}/Services`.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, it may have been created.
    pub async fn create_contract_service(&self, new: &NewContractService) -> Result<i64> {
        self.write(
            Request::new(&operations::CONTRACT_SERVICES_CREATE).path("parentId", new.contract_id),
            new,
        )
        .await
    }

    /// Changes a service on a contract; what the patch does not give stays as it is.
    ///
    /// `PATCH /Contracts/{contractId}/Services`, the id in the body.
    ///
    /// # Errors
    /// `Invalid` when the system refuses the change, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the change may have been made.
    pub async fn patch_contract_service(
        &self,
        contract: i64,
        patch: &ContractServicePatch,
    ) -> Result<i64> {
        self.write(
            Request::new(&operations::CONTRACT_SERVICES_PATCH).path("parentId", contract),
            patch,
        )
        .await
    }

    /// Lists the unit rows that a query matches, by id.
    ///
    /// `GET` or `POST /ContractServiceUnits/query`.
    pub fn contract_service_units(&self, query: &Query) -> Records<ContractServiceUnit> {
        self.records(&operations::CONTRACT_SERVICE_UNITS, query)
    }

    /// Counts the unit rows that a query matches.
    ///
    /// `GET` or `POST /ContractServiceUnits/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_contract_service_units(&self, query: &Query) -> Result<u64> {
        self.count(&operations::CONTRACT_SERVICE_UNITS, query).await
    }

    /// Reads a unit row.
    ///
    /// `GET /ContractServiceUnits/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn contract_service_unit(&self, id: i64) -> Result<ContractServiceUnit> {
        self.get(&operations::CONTRACT_SERVICE_UNITS, id).await
    }

    /// Lists the unit rows of contracts that a query matches, in several queries where there are many.
    ///
    /// `GET` or `POST /ContractServiceUnits/query`.
    pub fn contract_service_units_of_contracts(
        &self,
        contracts: &[i64],
        query: &Query,
    ) -> BoxStream<'static, Result<ContractServiceUnit>> {
        self.records_among(
            &operations::CONTRACT_SERVICE_UNITS,
            Field::CONTRACT_ID,
            contracts,
            query,
        )
    }

    /// Changes units, price or cost of a service on a contract from a day on, and gives the id of
    /// the adjustment, which can never be read.
    ///
    /// Sent twice it counts twice, and nothing but the unit rows shows whether it was carried
    /// out: after an error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, read those first.
    ///
    /// `POST /Contracts/{contractId}/ServiceAdjustments`.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it: a day outside the contract, units below nothing;
    /// `Conflict` for a second adjustment of the service on the same day; and the errors of any
    /// call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the adjustment may have been made.
    pub async fn create_adjustment(
        &self,
        contract: i64,
        new: &NewContractServiceAdjustment,
    ) -> Result<i64> {
        let request = Request::new(&operations::ADJUSTMENTS_CREATE).path("parentId", contract);
        self.write(request, new).await
    }

    /// Lists the bundles on contracts that a query matches, by id.
    ///
    /// `GET` or `POST /ContractServiceBundles/query`.
    pub fn contract_service_bundles(&self, query: &Query) -> Records<ContractServiceBundle> {
        self.records(&operations::CONTRACT_SERVICE_BUNDLES, query)
    }

    /// Counts the bundles on contracts that a query matches.
    ///
    /// `GET` or `POST /ContractServiceBundles/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_contract_service_bundles(&self, query: &Query) -> Result<u64> {
        self.count(&operations::CONTRACT_SERVICE_BUNDLES, query)
            .await
    }

    /// Reads a bundle on a contract.
    ///
    /// `GET /ContractServiceBundles/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn contract_service_bundle(&self, id: i64) -> Result<ContractServiceBundle> {
        self.get(&operations::CONTRACT_SERVICE_BUNDLES, id).await
    }

    /// Lists the unit rows of bundles that a query matches, by id.
    ///
    /// `GET` or `POST /ContractServiceBundleUnits/query`.
    pub fn contract_service_bundle_units(
        &self,
        query: &Query,
    ) -> Records<ContractServiceBundleUnit> {
        self.records(&operations::CONTRACT_SERVICE_BUNDLE_UNITS, query)
    }

    /// Counts the unit rows of bundles that a query matches.
    ///
    /// `GET` or `POST /ContractServiceBundleUnits/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_contract_service_bundle_units(&self, query: &Query) -> Result<u64> {
        self.count(&operations::CONTRACT_SERVICE_BUNDLE_UNITS, query)
            .await
    }

    /// Reads a unit row of a bundle.
    ///
    /// `GET /ContractServiceBundleUnits/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn contract_service_bundle_unit(&self, id: i64) -> Result<ContractServiceBundleUnit> {
        self.get(&operations::CONTRACT_SERVICE_BUNDLE_UNITS, id)
            .await
    }
}
