//! `/ContractCharges`.

use tallyline_core::Result;
use tallyline_core::http::{Records, Request};

use super::{AutotaskClient, operations};
use crate::models::{ContractCharge, ContractChargePatch, NewContractCharge};
use crate::query::Query;

impl AutotaskClient {
    /// Lists the charges on contracts that a query matches, by id.
    ///
    /// `GET` or `POST /ContractCharges/query`.
    pub fn contract_charges(&self, query: &Query) -> Records<ContractCharge> {
        self.records(&operations::CONTRACT_CHARGES, query)
    }

    /// Counts the charges on contracts that a query matches.
    ///
    /// `GET` or `POST /ContractCharges/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_contract_charges(&self, query: &Query) -> Result<u64> {
        self.count(&operations::CONTRACT_CHARGES, query).await
    }

    /// Reads a charge.
    ///
    /// `GET /ContractCharges/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn contract_charge(&self, id: i64) -> Result<ContractCharge> {
        self.get(&operations::CONTRACT_CHARGES, id).await
    }

    /// Creates a charge, and gives its id.
    ///
    /// Nothing keeps the system from creating it twice: after an error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, look for it first.
    ///
    /// `POST /Contracts/{contractId}/Charges`.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, it may have been created.
    pub async fn create_contract_charge(&self, new: &NewContractCharge) -> Result<i64> {
        self.write(
            Request::new(&operations::CONTRACT_CHARGES_CREATE).path("parentId", new.contract_id),
            new,
        )
        .await
    }

    /// Changes a charge that has not been billed; what the patch does not give stays as it is.
    ///
    /// `PATCH /Contracts/{contractId}/Charges`, the id in the body.
    ///
    /// # Errors
    /// `Invalid` when the system refuses the change, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the change may have been made.
    pub async fn patch_contract_charge(
        &self,
        contract: i64,
        patch: &ContractChargePatch,
    ) -> Result<i64> {
        self.write(
            Request::new(&operations::CONTRACT_CHARGES_PATCH).path("parentId", contract),
            patch,
        )
        .await
    }

    /// Removes a charge that has not been billed.
    ///
    /// `DELETE /Contracts/{contractId}/Charges/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` when it has been billed, and the errors of any
    /// call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the charge may be gone.
    pub async fn delete_contract_charge(&self, contract: i64, id: i64) -> Result<i64> {
        let request = Request::new(&operations::CONTRACT_CHARGES_DELETE)
            .path("parentId", contract)
            .path("id", id);
        self.remove(request).await
    }
}
