//! `/Companies`.

use tallyline_core::Result;
use tallyline_core::http::Records;

use super::{AutotaskClient, operations};
use crate::models::Company;
use crate::query::Query;

impl AutotaskClient {
    /// Lists the companies that a query matches, by id.
    ///
    /// `GET` or `POST /Companies/query`.
    pub fn companies(&self, query: &Query) -> Records<Company> {
        self.records(&operations::COMPANIES, query)
    }

    /// Counts the companies that a query matches.
    ///
    /// `GET` or `POST /Companies/query/count`.
    ///
    /// # Errors
    /// `Invalid` for a query beyond the system's limits, and the errors of any read: `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_companies(&self, query: &Query) -> Result<u64> {
        self.count(&operations::COMPANIES, query).await
    }

    /// Reads a company.
    ///
    /// `GET /Companies/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn company(&self, id: i64) -> Result<Company> {
        self.get(&operations::COMPANIES, id).await
    }
}
