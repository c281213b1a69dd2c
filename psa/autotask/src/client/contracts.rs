//! `/Contracts`.

use futures::stream::BoxStream;
use tallyline_core::Result;
use tallyline_core::http::{Records, Request};

use super::{AutotaskClient, operations};
use crate::models::{Contract, ContractPatch, NewContract};
use crate::query::{Field, Query};

impl AutotaskClient {
    /// Lists the contracts that a query matches, by id.
    ///
    /// `GET` or `POST /Contracts/query`.
    pub fn contracts(&self, query: &Query) -> Records<Contract> {
        self.records(&operations::CONTRACTS, query)
    }

    /// Counts the contracts that a query matches.
    ///
    /// `GET` or `POST /Contracts/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_contracts(&self, query: &Query) -> Result<u64> {
        self.count(&operations::CONTRACTS, query).await
    }

    /// Reads a contract.
    ///
    /// `GET /Contracts/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn contract(&self, id: i64) -> Result<Contract> {
        self.get(&operations::CONTRACTS, id).await
    }

    /// Lists the contracts of companies that a query matches, in several queries where there are many.
    ///
    /// `GET` or `POST /Contracts/query`.
    pub fn contracts_of_companies(
        &self,
        companies: &[i64],
        query: &Query,
    ) -> BoxStream<'static, Result<Contract>> {
        self.records_among(&operations::CONTRACTS, Field::COMPANY_ID, companies, query)
    }

    /// Creates a contract, and gives its id.
    ///
    /// Nothing keeps the system from creating it twice: after an error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, look for it first.
    ///
    /// `POST /Contracts`.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, it may have been created.
    pub async fn create_contract(&self, new: &NewContract) -> Result<i64> {
        self.write(Request::new(&operations::CONTRACTS_CREATE), new)
            .await
    }

    /// Changes a contract; what the patch does not give stays as it is.
    ///
    /// `PATCH /Contracts`, the id in the body.
    ///
    /// # Errors
    /// `Invalid` when the system refuses the change, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the change may have been made.
    pub async fn patch_contract(&self, patch: &ContractPatch) -> Result<i64> {
        self.write(Request::new(&operations::CONTRACTS_PATCH), patch)
            .await
    }
}
