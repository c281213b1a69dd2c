//! The account tree, and subscriptions.

use std::collections::BTreeMap;

use tallyline_core::http::{Operation, RawRecord};
use tallyline_core::{Error, ErrorKind, Result};

use super::{DandhClient, Parameters, check_text, one_or_many};
use crate::models::{Company, Department, Subscription};
use crate::operations;

/// The account tree.
impl DandhClient {
    /// Lists the companies of a reseller, the first level below it.
    ///
    /// `GetCompanies`
    ///
    /// # Errors
    /// `Auth`, `PermissionDenied`, `RateLimited`, `Unavailable` (a fault of status 500, such as for
    /// an account that is no reseller), `Timeout`, `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let companies = client.companies(410_022).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn companies(&self, parent_account_id: i64) -> Result<Vec<Company>> {
        let request = Parameters::of_parent(parent_account_id).ask(&operations::COMPANIES);
        self.inner.http.json(request).await
    }

    /// As [`companies`](Self::companies), each record read for itself.
    pub(crate) async fn company_records(
        &self,
        parent_account_id: i64,
    ) -> Result<Vec<Result<Company>>> {
        let operation = &operations::COMPANIES;
        let request = Parameters::of_parent(parent_account_id).ask(operation);
        let records: Vec<RawRecord> = self.inner.http.json(request).await?;
        let read = |(at, record): (usize, RawRecord)| {
            let place = format!("[{at}]");
            self.inner.http.decode_record(operation, &place, &record)
        };
        Ok(records.into_iter().enumerate().map(read).collect())
    }

    /// Reads a company; the caller's own account without an id.
    ///
    /// `GetCompany`, whose answer is a record or a list of one.
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `NotFound` when the answer is an empty list.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let own = client.company(None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn company(&self, account_id: Option<i64>) -> Result<Company> {
        self.one_account(&operations::COMPANY, account_id).await
    }

    /// Reads a reseller; the caller's own without an id.
    ///
    /// `GetReseller`, whose answer is a record or a list of one.
    ///
    /// # Errors
    /// As [`company`](Self::company).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let own = client.reseller(None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reseller(&self, account_id: Option<i64>) -> Result<Company> {
        self.one_account(&operations::RESELLER, account_id).await
    }

    async fn one_account(
        &self,
        operation: &'static Operation,
        account_id: Option<i64>,
    ) -> Result<Company> {
        let request = Parameters::of_account(account_id).ask(operation);
        let response = self.inner.http.send(request).await?;
        let found: Vec<Company> = one_or_many(&response)?;
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(company), None) => Ok(company),
            (None, _) => Err(response.error(ErrorKind::NotFound, "the answer is an empty list")),
            (Some(_), Some(_)) => Err(response.error(
                ErrorKind::Protocol,
                "the answer is a list of several accounts",
            )),
        }
    }

    /// Lists the companies with a VAT id.
    ///
    /// `GetCompanyByVatId`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `Config` for a blank VAT id.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let companies = client.companies_by_vat_id("DE123456789").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn companies_by_vat_id(&self, vat_id: &str) -> Result<Vec<Company>> {
        let operation = &operations::COMPANIES_BY_VAT_ID;
        check_text(operation, "VAT id", vat_id)?;
        let parameters = Parameters {
            vat_id: Some(vat_id),
            ..Parameters::default()
        };
        self.inner.http.json(parameters.ask(operation)).await
    }

    /// Lists the resellers below a reseller, the first level.
    ///
    /// `GetResellers`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let resellers = client.resellers(410_022).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resellers(&self, parent_account_id: i64) -> Result<Vec<Company>> {
        let request = Parameters::of_parent(parent_account_id).ask(&operations::RESELLERS);
        self.inner.http.json(request).await
    }

    /// Lists the departments of a company.
    ///
    /// `GetDepartments`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let departments = client.departments(410_977).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn departments(&self, parent_account_id: i64) -> Result<Vec<Department>> {
        let request = Parameters::of_parent(parent_account_id).ask(&operations::DEPARTMENTS);
        self.inner.http.json(request).await
    }
}

/// Subscriptions: the seats of this moment.
///
/// `reseller_context` chooses whose purchase prices are given; the caller's own reseller's without.
impl DandhClient {
    /// Lists the subscriptions below an account, those of its users and add-ons among them.
    ///
    /// `GetSubscriptions`
    ///
    /// # Errors
    /// As [`companies`](Self::companies). A failure says nothing about what the account has.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let subscriptions = client.subscriptions(410_977, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscriptions(
        &self,
        parent_account_id: i64,
        reseller_context: Option<i64>,
    ) -> Result<Vec<Subscription>> {
        let parameters = Parameters {
            reseller_context,
            ..Parameters::of_parent(parent_account_id)
        };
        let request = parameters.ask(&operations::SUBSCRIPTIONS);
        self.inner.http.json(request).await
    }

    /// As [`subscriptions`](Self::subscriptions), without those of users.
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let subscriptions = client.subscriptions_above_users(410_977, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscriptions_above_users(
        &self,
        parent_account_id: i64,
        reseller_context: Option<i64>,
    ) -> Result<Vec<Subscription>> {
        let parameters = Parameters {
            reseller_context,
            exclude_user_level: Some(true),
            ..Parameters::of_parent(parent_account_id)
        };
        let request = parameters.ask(&operations::SUBSCRIPTIONS);
        self.inner.http.json(request).await
    }

    /// Reads a subscription.
    ///
    /// `GetSubscription`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let subscription = client.subscription(733_105, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription(
        &self,
        account_id: i64,
        reseller_context: Option<i64>,
    ) -> Result<Subscription> {
        let operation = &operations::SUBSCRIPTION;
        self.of_subscription(operation, account_id, reseller_context)
            .await
    }

    /// Reads a subscription with the names of its add-ons.
    ///
    /// `GetSubscriptionWithAddons`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let addons = client.subscription_with_addons(733_105, None).await?.addons;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription_with_addons(
        &self,
        account_id: i64,
        reseller_context: Option<i64>,
    ) -> Result<Subscription> {
        let operation = &operations::SUBSCRIPTION_WITH_ADDONS;
        self.of_subscription(operation, account_id, reseller_context)
            .await
    }

    /// Lists the subscriptions that depend on one.
    ///
    /// `GetSubscriptionDependencies`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let dependencies = client.subscription_dependencies(733_105, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription_dependencies(
        &self,
        account_id: i64,
        reseller_context: Option<i64>,
    ) -> Result<Vec<Subscription>> {
        let operation = &operations::SUBSCRIPTION_DEPENDENCIES;
        self.of_subscription(operation, account_id, reseller_context)
            .await
    }

    async fn of_subscription<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static Operation,
        account_id: i64,
        reseller_context: Option<i64>,
    ) -> Result<T> {
        let parameters = Parameters {
            reseller_context,
            ..Parameters::of_account(Some(account_id))
        };
        self.inner.http.json(parameters.ask(operation)).await
    }
}

/// What is known of an invoice or company record that cannot be read.
pub(crate) fn account_of(record: &RawRecord, member: &str) -> Option<i64> {
    let members: BTreeMap<String, RawRecord> = serde_json::from_str(record.get()).ok()?;
    members.get(member)?.get().parse().ok()
}

/// A failure that must not be taken for an empty list.
pub(crate) fn named(error: Error, company: &Company) -> Error {
    let name = company.company_name.as_deref();
    error.with_context(
        "account",
        name.map_or_else(|| company.account_id.to_string(), str::to_owned),
    )
}
