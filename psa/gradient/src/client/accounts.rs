//! The vendor's customers.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::GradientClient;
use crate::models::{Account, AccountUpdate, NewAccount};
use crate::operations;

impl GradientClient {
    /// Lists the accounts.
    ///
    /// `GET /api/vendor-api/organization/accounts`
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.read(Request::new(&operations::ACCOUNTS_LIST)).await
    }

    /// Creates accounts, all in one call; gives those that were made.
    ///
    /// `POST /api/vendor-api/organization/accounts`
    ///
    /// # Errors
    /// `Conflict` when there is an account of an id, and the errors of any write.
    pub async fn create_accounts(&self, accounts: &[NewAccount]) -> Result<Vec<Account>> {
        self.write(Request::new(&operations::ACCOUNTS_CREATE).json(&accounts))
            .await
    }

    /// Changes an account.
    ///
    /// `PATCH /api/vendor-api/organization/accounts/{accountId}`
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any write.
    pub async fn update_account(&self, id: &str, update: &AccountUpdate) -> Result<Account> {
        let request = Request::new(&operations::ACCOUNT_UPDATE)
            .path("accountId", id)
            .account(id)
            .json(update);
        self.write(request).await
    }
}
