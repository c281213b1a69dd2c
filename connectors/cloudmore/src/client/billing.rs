//! Billing reports. The fields of all of them are unverified: see [`fields`](crate::fields).

use tallyline_core::Result;
use tallyline_core::http::{Operation, Request};
use tallyline_core::model::CivilDate;

use serde::Serialize;

use super::{CloudmoreClient, check_id};
use crate::models::{FreeForm, Record, TaskId};
use crate::operations;

/// The body of `MonthlyBillingPerOrganizationCreateAsyncViewModel`; its members are inferred from the
/// query of the synchronous report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BillingRange {
    start_date: CivilDate,
    end_date: CivilDate,
}

/// Reports for some days, both included.
macro_rules! dated_reports {
    ($($(#[$doc:meta])+ $name:ident = $operation:ident;)+) => {
        $(
            $(#[$doc])+
            ///
            /// # Errors
            /// `Auth`, `PermissionDenied`, `Invalid`, `RateLimited`, `Unavailable`, `Timeout`,
            /// `Protocol`.
            pub async fn $name(&self, start: CivilDate, end: CivilDate) -> Result<FreeForm> {
                self.read(self.dated(&operations::$operation, start, end)).await
            }
        )+
    };
}

/// Reports without parameters.
macro_rules! reports {
    ($($(#[$doc:meta])+ $name:ident = $operation:ident -> $answer:ty;)+) => {
        $(
            $(#[$doc])+
            ///
            /// # Errors
            /// `Auth`, `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
            pub async fn $name(&self) -> Result<$answer> {
                self.read(self.of_reseller(&operations::$operation)).await
            }
        )+
    };
}

/// Monthly billing of all services. The range selects by **billing date**, not by when something was
/// used or provisioned.
///
/// ```no_run
/// # async fn example(client: tallyline_cloudmore::CloudmoreClient) -> tallyline_core::Result<()> {
/// use tallyline_cloudmore::fields::FieldMap;
///
/// let report = client
///     .monthly_billing("2026-03-01".parse()?, "2026-03-31".parse()?)
///     .await?;
/// let bills = FieldMap::default().read(&report.decode()?);
/// println!("{} lines, {} unreadable", bills.lines.len(), bills.unreadable.len());
/// # Ok(())
/// # }
/// ```
impl CloudmoreClient {
    /// Reads the monthly billing per organization by way of a job, as the vendor asks of production.
    ///
    /// [`start_monthly_billing`](Self::start_monthly_billing), then
    /// [`monthly_billing_result`](Self::monthly_billing_result).
    ///
    /// # Cancel safety
    /// When the future is dropped the job goes on at the vendor; nothing is lost but its report.
    ///
    /// # Errors
    /// `Timeout` when the job is not done within the client's deadline; `Unavailable` when it failed
    /// or its start was not answered: it is not started again. Else as
    /// [`monthly_billing_now`](Self::monthly_billing_now).
    pub async fn monthly_billing(&self, start: CivilDate, end: CivilDate) -> Result<FreeForm> {
        let task = self.start_monthly_billing(start, end).await?;
        self.monthly_billing_result(&task).await
    }

    /// Starts the job that makes the monthly billing per organization.
    ///
    /// `POST R/billing/reports/MonthlyBillingPerOrganizationAsync`. Sent once: a lost answer is an
    /// error, since a second job costs the vendor the work again.
    ///
    /// # Errors
    /// `Protocol` when no `Location` names the job; else `Auth`, `PermissionDenied`, `Invalid`,
    /// `RateLimited`, `Unavailable`, `Timeout`.
    pub async fn start_monthly_billing(&self, start: CivilDate, end: CivilDate) -> Result<TaskId> {
        let request = self
            .of_reseller(&operations::START_MONTHLY_BILLING)
            .json(&BillingRange {
                start_date: start,
                end_date: end,
            });
        self.start_job(request, "MonthlyBillingPerOrganizationAsync")
            .await
    }

    /// Waits for a job of the monthly billing, and reads its report.
    ///
    /// `GET R/billing/reports/MonthlyBillingPerOrganizationAsync/{taskId}`, repeated until it is done.
    ///
    /// # Errors
    /// As [`monthly_billing`](Self::monthly_billing); `NotFound` when there is no such job.
    pub async fn monthly_billing_result(&self, task: &TaskId) -> Result<FreeForm> {
        self.await_job(&operations::MONTHLY_BILLING_TASK, "taskId", task)
            .await
    }

    dated_reports! {
        /// Reads the monthly billing per organization at once.
        ///
        /// `GET R/billing/reports/MonthlyBillingPerOrganization`. The vendor limits its size and asks
        /// to use it for testing only.
        monthly_billing_now = MONTHLY_BILLING;
        /// Reads the monthly billing, service first.
        ///
        /// `GET R/billing/reports/MonthlyBillingPerService`. For testing only, as the vendor says.
        monthly_billing_by_service = MONTHLY_BILLING_BY_SERVICE;
        /// Reads Microsoft's legacy "recurring" invoice per organization.
        ///
        /// `GET R/billing/cspreports/MonthlyBillingPerOrganization`.
        csp_monthly_billing = CSP_MONTHLY_BILLING;
        /// Reads the legacy Azure billing per organization.
        ///
        /// `GET R/billing/azurereports/MonthlyBillingPerOrganization`. Its parameters are inferred.
        azure_monthly_billing = AZURE_MONTHLY_BILLING;
        /// Reads the legacy Azure invoices of some days.
        ///
        /// `GET R/billing/azurereports/InvoicesByCustomDates`. Its parameters are inferred.
        azure_invoices_by_dates = AZURE_INVOICES_BY_DATES;
    }

    fn dated(&self, operation: &'static Operation, start: CivilDate, end: CivilDate) -> Request {
        self.of_reseller(operation)
            .query("startDate", start)
            .query("endDate", end)
    }
}

/// Microsoft's "recurring and one-time purchases" invoice, and Azure.
///
/// ```no_run
/// # async fn example(client: tallyline_cloudmore::CloudmoreClient) -> tallyline_core::Result<()> {
/// for invoice in client.one_time_invoices().await? {
///     println!("{:?}", invoice.text("invoiceNumber"));
/// }
/// # Ok(())
/// # }
/// ```
impl CloudmoreClient {
    reports! {
        /// Lists the one-time invoices.
        ///
        /// `GET R/billing/azurereports/AzureOneTimeInvoiceList`.
        one_time_invoices = ONE_TIME_INVOICES -> Vec<Record>;
        /// Reads the overview of the legacy Azure invoices.
        ///
        /// `GET R/billing/azurereports/InvoiceOverview`.
        azure_invoice_overview = AZURE_INVOICE_OVERVIEW -> FreeForm;
        /// Lists the legacy Azure invoices.
        ///
        /// `GET R/billing/azurereports/InvoiceList`.
        azure_invoices = AZURE_INVOICES -> Vec<Record>;
        /// Reads the legacy Azure usage of the period that has not been billed yet: an estimate.
        ///
        /// `GET R/billing/azurereports/OngoingPeriod`.
        azure_ongoing_period = AZURE_ONGOING_PERIOD -> FreeForm;
        /// Reads the usage of Azure plans that is on the one-time invoice.
        ///
        /// `GET R/billing/azureonetimeusage/AzureOneTimeInvoice`.
        azure_usage_invoice = AZURE_USAGE_INVOICE -> FreeForm;
        /// Reads the usage of Azure plans that has not been billed yet: an estimate.
        ///
        /// `GET R/billing/azureonetimeusage/AzureOneTimeOngoingPeriod`.
        azure_usage_ongoing = AZURE_USAGE_ONGOING -> FreeForm;
    }

    /// Reads one legacy Azure invoice.
    ///
    /// `GET R/billing/azurereports/Invoice`. The parameter's name, `invoiceId`, is inferred.
    ///
    /// # Errors
    /// `Config` for an empty id; else as [`azure_invoices`](Self::azure_invoices).
    pub async fn azure_invoice(&self, invoice_id: &str) -> Result<FreeForm> {
        let operation = &operations::AZURE_INVOICE;
        check_id(operation, "invoice id", invoice_id)?;
        let request = self.of_reseller(operation).query("invoiceId", invoice_id);
        self.read(request).await
    }

    /// Reads the lines of a one-time invoice by way of a job.
    ///
    /// [`start_one_time_invoice`](Self::start_one_time_invoice), then
    /// [`one_time_invoice_result`](Self::one_time_invoice_result).
    ///
    /// # Cancel safety
    /// As [`monthly_billing`](Self::monthly_billing).
    ///
    /// # Errors
    /// As [`monthly_billing`](Self::monthly_billing); `Config` for an empty number.
    pub async fn one_time_invoice(&self, invoice_number: &str) -> Result<FreeForm> {
        let task = self.start_one_time_invoice(invoice_number).await?;
        self.one_time_invoice_result(&task).await
    }

    /// Starts the job that makes the lines of a one-time invoice.
    ///
    /// `POST R/billing/azurereports/AzureOneTimeInvoice/generateReport`. That the number and
    /// `storeToBlob` (always false here: a stored report would have to be fetched from elsewhere)
    /// stand in the query is inferred. Sent once.
    ///
    /// # Errors
    /// As [`start_monthly_billing`](Self::start_monthly_billing); `Config` for an empty number.
    pub async fn start_one_time_invoice(&self, invoice_number: &str) -> Result<TaskId> {
        let operation = &operations::START_ONE_TIME_INVOICE;
        check_id(operation, "invoice number", invoice_number)?;
        let request = self
            .of_reseller(operation)
            .query("storeToBlob", false)
            .query("invoiceNumber", invoice_number);
        self.start_job(request, "generateReport").await
    }

    /// Waits for a job of a one-time invoice, and reads its report.
    ///
    /// `GET R/billing/azurereports/AzureOneTimeInvoice/{taskId}`, repeated until it is done.
    ///
    /// # Errors
    /// As [`monthly_billing_result`](Self::monthly_billing_result).
    pub async fn one_time_invoice_result(&self, task: &TaskId) -> Result<FreeForm> {
        self.await_job(&operations::ONE_TIME_INVOICE_TASK, "taskId", task)
            .await
    }

    /// Reads one page of the usage behind an invoice of Azure plans.
    ///
    /// `GET R/billing/azureonetimeusage/report/billed/invoice/{invoiceId}?pageNumber=&pageSize=`. How
    /// the last page is told is not published.
    ///
    /// # Errors
    /// `Config` for an empty id; else as [`azure_invoices`](Self::azure_invoices).
    pub async fn azure_billed_usage(
        &self,
        invoice_id: &str,
        page_number: u32,
        page_size: u32,
    ) -> Result<FreeForm> {
        let operation = &operations::AZURE_BILLED_USAGE;
        check_id(operation, "invoice id", invoice_id)?;
        let request = self
            .of_reseller(operation)
            .path("invoiceId", invoice_id)
            .query("pageNumber", page_number)
            .query("pageSize", page_size);
        self.read(request).await
    }

    /// Starts the job that collects the usage of Azure plans that is not billed yet: an estimate.
    ///
    /// `POST R/billing/azureonetimeusage/report/unbilled/period/{period}/export`. The names of the
    /// periods are not published. Sent once.
    ///
    /// # Errors
    /// As [`start_monthly_billing`](Self::start_monthly_billing); `Config` for an empty period.
    pub async fn start_unbilled_usage(&self, period: &str) -> Result<TaskId> {
        let operation = &operations::START_UNBILLED_USAGE;
        check_id(operation, "period", period)?;
        let request = self.of_reseller(operation).path("period", period);
        self.start_job(request, "export").await
    }

    /// Waits for a job of unbilled usage, and gives its last status.
    ///
    /// `GET R/billing/azureonetimeusage/report/unbilled/operation/{operationId}/status`, repeated
    /// until it is done.
    ///
    /// # Errors
    /// As [`monthly_billing_result`](Self::monthly_billing_result).
    pub async fn unbilled_usage_status(&self, task: &TaskId) -> Result<FreeForm> {
        self.await_job(&operations::UNBILLED_USAGE_STATUS, "operationId", task)
            .await
    }

    /// Reads one page of unbilled usage, once its job is done.
    ///
    /// `GET R/billing/azureonetimeusage/report/unbilled/operation/{operationId}/result`.
    ///
    /// # Errors
    /// As [`azure_billed_usage`](Self::azure_billed_usage).
    pub async fn unbilled_usage(
        &self,
        task: &TaskId,
        page_number: u32,
        page_size: u32,
    ) -> Result<FreeForm> {
        let operation = &operations::UNBILLED_USAGE_RESULT;
        check_id(operation, "operation id", task.as_str())?;
        let request = self
            .of_reseller(operation)
            .path("operationId", task)
            .query("pageNumber", page_number)
            .query("pageSize", page_size);
        self.read(request).await
    }
}
