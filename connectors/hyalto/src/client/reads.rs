//! The operations.

use serde::de::DeserializeOwned;
use tallyline_core::http::{Operation, Request};
use tallyline_core::model::Timestamp;
use tallyline_core::{ErrorKind, Result};

use super::{HyAltoClient, config};
use crate::contract;
use crate::models::{Account, RawUsage, Service, TokenClaims};
use crate::operations;

/// The records of a list, each whole or an error that names it.
pub(crate) type Records<T> = Vec<Result<T>>;

impl HyAltoClient {
    /// Lists the accounts.
    ///
    /// `GET /accountManagement/accounts/` (seen in one public script)
    ///
    /// # Errors
    /// `Auth` for refused keys, `PermissionDenied` for a missing right, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Protocol`, such as for a record without an id.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_hyalto::HyAltoClient) -> tallyline_core::Result<()> {
    /// for account in client.accounts().await? {
    ///     println!("{}", account.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.account_records().await?.into_iter().collect()
    }

    pub(crate) async fn account_records(&self) -> Result<Records<Account>> {
        let request = Request::new(&operations::ACCOUNTS);
        self.list(&operations::ACCOUNTS, request, "accounts").await
    }

    /// Lists the services of an account.
    ///
    /// `GET /serviceOfferings/accounts/{accountId}/services/` (seen in one public script)
    ///
    /// # Errors
    /// As [`accounts`](Self::accounts), `NotFound` for an account that does not exist, and `Config` for an id that is
    /// blank.
    pub async fn services(&self, account: &str) -> Result<Vec<Service>> {
        self.service_records(account).await?.into_iter().collect()
    }

    pub(crate) async fn service_records(&self, account: &str) -> Result<Records<Service>> {
        let request = about(&operations::SERVICES, account)?;
        self.list(&operations::SERVICES, request, "services").await
    }

    /// Reads the usage of a service of an account as time series, from an instant to another one.
    ///
    /// `GET /solutions/usage/account/{accountId}/raw` (seen in one public script). Whether the answer holds the change that
    /// was in force at the first instant, and whether it holds other services too, is not known: look for the service's id.
    ///
    /// # Errors
    /// As [`services`](Self::services), and `Invalid` for a filter that the vendor refuses.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_hyalto::HyAltoClient) -> tallyline_core::Result<()> {
    /// let (from, to) = ("2026-10-01T00:00:00Z".parse()?, "2026-11-01T00:00:00Z".parse()?);
    /// let usage = client.usage("901", "4411", from, to).await?;
    /// for service in &usage.services {
    ///     for (property, series) in &service.properties {
    ///         println!("{property}: {} changes", series.changes.len());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn usage(
        &self,
        account: &str,
        service: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<RawUsage> {
        if service.trim().is_empty() {
            return Err(config("the service id is blank").with_operation(operations::USAGE.name));
        }
        let query = contract::usage_query(self.inner.brackets, service, from, to);
        let request = about(&operations::USAGE, account)?.replace_query(&query);
        let response = self.inner.http.send(request).await?;
        if response.bytes().trim_ascii_start().first() == Some(&b'[') {
            let why = "the answer is a list in the place of an object";
            return Err(response.error(ErrorKind::Protocol, why));
        }
        response.json()
    }

    /// What the token at hand says of itself: who its key belongs to, and what it may do. Asks for a token where there is
    /// none; nothing where the token is no JSON Web Token. The signature is not verified: it is the vendor's to check.
    ///
    /// `POST /accountManagement/auth/token` (official)
    ///
    /// # Errors
    /// `Auth` for refused keys, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn claims(&self) -> Result<Option<TokenClaims>> {
        self.inner.credentials.claims().await
    }

    async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        request: Request,
        resource: &str,
    ) -> Result<Records<T>> {
        let http = &self.inner.http;
        let rows = contract::rows(&http.send(request).await?, resource)?;
        let records = rows.rows.iter().enumerate();
        let records = records.map(|(at, row)| {
            let place = rows.place(at).to_string();
            http.decode_record(operation, &place, row)
        });
        Ok(records.collect())
    }
}

/// A call about an account.
fn about(operation: &'static Operation, account: &str) -> Result<Request> {
    if account.trim().is_empty() {
        return Err(config("the account id is blank").with_operation(operation.name));
    }
    Ok(Request::new(operation)
        .path("accountId", account)
        .account(account))
}
