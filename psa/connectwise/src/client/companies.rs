//! `/company/companies`.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::{ConnectWiseClient, List, ListOptions, operations};
use crate::conditions::Condition;
use crate::models::Company;

impl ConnectWiseClient {
    /// Lists the companies, deleted ones included unless filtered out.
    ///
    /// `GET /company/companies`; needs *Companies / Company Maintenance: Inquire*.
    pub fn companies(&self, options: &ListOptions) -> List<Company> {
        self.list(Request::new(&operations::COMPANIES_LIST), options)
    }

    /// Counts the companies that match a filter.
    ///
    /// `GET /company/companies/count`; needs *Companies / Company Maintenance: Inquire*.
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `NotFound`, `Invalid`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_companies(&self, filter: Option<&Condition>) -> Result<u64> {
        self.count(&operations::COMPANIES_COUNT, filter).await
    }

    /// Reads a company.
    ///
    /// `GET /company/companies/{id}`; needs *Companies / Company Maintenance: Inquire*.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn company(&self, id: i64) -> Result<Company> {
        self.get(&operations::COMPANIES_GET, id).await
    }
}
