//! Charges: the preview of the current month, closed months, reports.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::value::RawValue;
use tallyline_core::Result;
use tallyline_core::http::{Operation, RawRecord, Request};

use super::reads::account_of;
use super::{DandhClient, Parameters, check_text, config};
use crate::models::{Invoice, InvoiceAggregation, ProductAccounts, Report, ReportInfo};
use crate::operations;

/// An invoice read for itself, and the company that it names even where it cannot be read.
#[derive(Debug)]
pub(crate) struct InvoiceRecord {
    pub(crate) company: Option<i64>,
    pub(crate) invoice: Result<Invoice>,
}

/// Which invoices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interval {
    /// The current month, as it was projected last.
    Preview,
    /// A closed month: year, and month from 1 to 12.
    Closed(i16, i8),
}

impl Interval {
    fn ask(self, reseller_context: Option<i64>) -> (&'static Operation, Request) {
        let (operation, year, month) = match self {
            Self::Preview => (&operations::PREVIEW_INVOICES, None, None),
            Self::Closed(year, month) => {
                (&operations::INVOICES_FOR_PERIOD, Some(year), Some(month))
            }
        };
        let parameters = Parameters {
            reseller_context,
            year,
            month,
            ..Parameters::default()
        };
        (operation, parameters.ask(operation))
    }
}

/// Charges. One call covers every company below the reseller of the context, which is the caller's
/// own without one.
impl DandhClient {
    /// Reads the preview of the current month, as it was generated on the last Friday morning. An
    /// empty list means that there is none yet.
    ///
    /// `GetPreviewInvoices`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let invoices = client.preview_invoices(None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn preview_invoices(&self, reseller_context: Option<i64>) -> Result<Vec<Invoice>> {
        let (_, request) = Interval::Preview.ask(reseller_context);
        self.inner.http.json(request).await
    }

    /// As [`preview_invoices`](Self::preview_invoices), with an invoice for each department.
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let invoices = client.preview_invoices_by_department(None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn preview_invoices_by_department(
        &self,
        reseller_context: Option<i64>,
    ) -> Result<Vec<Invoice>> {
        let parameters = Parameters {
            reseller_context,
            group_by_departments: Some(true),
            ..Parameters::default()
        };
        let request = parameters.ask(&operations::PREVIEW_INVOICES);
        self.inner.http.json(request).await
    }

    /// Reads the invoices of the last closed month.
    ///
    /// `GetLatestInvoices`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let invoices = client.latest_invoices(None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn latest_invoices(&self, reseller_context: Option<i64>) -> Result<Vec<Invoice>> {
        let parameters = Parameters {
            reseller_context,
            ..Parameters::default()
        };
        let request = parameters.ask(&operations::LATEST_INVOICES);
        self.inner.http.json(request).await
    }

    /// Reads the invoices of a closed month, by year and month from 1 to 12.
    ///
    /// `GetLatestInvoicesForPeriod`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `Config` for a month that there is not.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let invoices = client.invoices_for_period(2026, 10, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invoices_for_period(
        &self,
        year: i16,
        month: i8,
        reseller_context: Option<i64>,
    ) -> Result<Vec<Invoice>> {
        let operation = &operations::INVOICES_FOR_PERIOD;
        if !(1..=12).contains(&month) {
            return Err(config(operation, format!("{month} is no month")));
        }
        let (_, request) = Interval::Closed(year, month).ask(reseller_context);
        self.inner.http.json(request).await
    }

    /// The invoices of an interval, each read for itself.
    pub(crate) async fn invoice_records(
        &self,
        interval: Interval,
        reseller_context: Option<i64>,
    ) -> Result<Vec<InvoiceRecord>> {
        let (operation, request) = interval.ask(reseller_context);
        let records: Vec<RawRecord> = self.inner.http.json(request).await?;
        let mut read = Vec::with_capacity(records.len());
        let mut seen = BTreeSet::new();
        for (at, record) in records.iter().enumerate() {
            // An invoice that comes twice is one invoice.
            if !seen.insert(record.get()) {
                continue;
            }
            let place = format!("[{at}]");
            let invoice: Result<Invoice> = self.inner.http.decode_record(operation, &place, record);
            read.push(InvoiceRecord {
                company: match &invoice {
                    Ok(invoice) => Some(invoice.company_account_id),
                    Err(_) => account_of(record, "CompanyAccountId"),
                },
                invoice,
            });
        }
        Ok(read)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportRequest<'a> {
    report_name: &'a str,
    parameters: &'a RawValue,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    columns: &'a [&'a str],
}

/// Reports. Which there are depends on the user.
impl DandhClient {
    /// Lists the reports that the user may run.
    ///
    /// `GetReports`
    ///
    /// # Errors
    /// As [`companies`](Self::companies).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let reports = client.reports().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reports(&self) -> Result<Vec<ReportInfo>> {
        let request = Parameters::default().ask(&operations::REPORTS);
        self.inner.http.json(request).await
    }

    /// Runs a report, with its parameters as an object and the columns wanted; all where none are
    /// named.
    ///
    /// `ExecuteReport`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `Config` when the parameters cannot be written as JSON.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let month = std::collections::BTreeMap::from([
    ///     ("startdate", "2026-10-01"),
    ///     ("enddate", "2026-10-31"),
    /// ]);
    /// let report = client.execute_report("MSCSPSeatChanges", &month, &[]).await?;
    /// for row in &report.rows {
    ///     println!("{:?}", report.cell(row, "AccountId"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute_report<P: Serialize + Sync>(
        &self,
        report_name: &str,
        parameters: &P,
        columns: &[&str],
    ) -> Result<Report> {
        let operation = &operations::EXECUTE_REPORT;
        check_text(operation, "name of the report", report_name)?;
        let parameters = serde_json::value::to_raw_value(parameters)
            .ok()
            .filter(|json| json.get().starts_with('{'))
            .ok_or_else(|| config(operation, "the parameters of a report are an object"))?;
        let request = Request::new(operation).json(&ReportRequest {
            report_name,
            parameters: &parameters,
            columns,
        });
        self.inner.http.json(request).await
    }

    /// Reads the lines of a closed month in the form of a newer report. Known from one client
    /// only; not every marketplace has it.
    ///
    /// `GetInvoiceAggregationReport`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), and `NotFound` where the marketplace does not have it.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let lines = client.invoice_aggregation(2026, 10, None).await?.invoice_aggregation;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invoice_aggregation(
        &self,
        year: i16,
        month: i8,
        reseller_context: Option<i64>,
    ) -> Result<InvoiceAggregation> {
        let parameters = Parameters {
            reseller_context,
            year: Some(year),
            month: Some(month),
            ..Parameters::default()
        };
        let request = parameters.ask(&operations::INVOICE_AGGREGATION);
        self.inner.http.json(request).await
    }

    /// Reads all subscriptions of a product, made before a day where one is given. Known from one
    /// client only; not every marketplace has it.
    ///
    /// `GetAllProductAccountsWithFieldsReport`
    ///
    /// # Errors
    /// As [`companies`](Self::companies), `Config` for a blank name, and `NotFound` where the
    /// marketplace does not have it.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_dandh::DandhClient) -> tallyline_core::Result<()> {
    /// let accounts = client.product_accounts("555001_MailPlanA_20417", None, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn product_accounts(
        &self,
        product_name: &str,
        created_before: Option<&str>,
        reseller_context: Option<i64>,
    ) -> Result<ProductAccounts> {
        let operation = &operations::PRODUCT_ACCOUNTS;
        check_text(operation, "name of the product", product_name)?;
        let parameters = Parameters {
            product_name: Some(product_name),
            created_before,
            reseller_context,
            ..Parameters::default()
        };
        self.inner.http.json(parameters.ask(operation)).await
    }
}
