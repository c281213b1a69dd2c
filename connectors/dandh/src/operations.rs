//! Every operation that the client knows. All of them read: those of the API that write are left out.

use tallyline_core::http::Operation;

tallyline_core::operations! {
    /// A session.
    SIGN_IN = Operation::read_by_post("session.fetch", "/GetSessionToken");
    /// Whether the session is alive.
    PING = Operation::read_by_post("session.ping", "/PingPong");
    /// The end of the session.
    SIGN_OUT = Operation::read_by_post("session.terminate", "/TerminateSessionToken");
    /// The companies below a reseller.
    COMPANIES = Operation::read_by_post("companies.list", "/GetCompanies");
    /// A company.
    COMPANY = Operation::read_by_post("companies.get", "/GetCompany");
    /// The companies with a VAT id.
    COMPANIES_BY_VAT_ID = Operation::read_by_post("companies.by_vat_id", "/GetCompanyByVatId");
    /// The resellers below one.
    RESELLERS = Operation::read_by_post("resellers.list", "/GetResellers");
    /// A reseller.
    RESELLER = Operation::read_by_post("resellers.get", "/GetReseller");
    /// The departments of a company.
    DEPARTMENTS = Operation::read_by_post("departments.list", "/GetDepartments");
    /// The subscriptions below an account.
    SUBSCRIPTIONS = Operation::read_by_post("subscriptions.list", "/GetSubscriptions");
    /// A subscription.
    SUBSCRIPTION = Operation::read_by_post("subscriptions.get", "/GetSubscription");
    /// A subscription with its add-ons.
    SUBSCRIPTION_WITH_ADDONS = Operation::read_by_post("subscriptions.with_addons", "/GetSubscriptionWithAddons");
    /// What depends on a subscription.
    SUBSCRIPTION_DEPENDENCIES = Operation::read_by_post("subscriptions.dependencies", "/GetSubscriptionDependencies");
    /// The marketplaces.
    MARKETPLACES = Operation::read_by_post("marketplaces.list", "/GetMarketplaces");
    /// The services of a marketplace.
    MARKETPLACE_SERVICES = Operation::read_by_post("marketplaces.services", "/ListMarketplaceServices");
    /// What they cost.
    MARKETPLACE_CHARGES = Operation::read_by_post("marketplaces.charges", "/GetMarketplaceServiceCharges");
    /// The services that an account can buy.
    POSSIBLE_SERVICES = Operation::read_by_post("services.possible", "/GetPossibleServicesForParent");
    /// What a service is.
    SERVICE_INFORMATION = Operation::read_by_post("services.information", "/GetServiceInformation");
    /// The fields that a service is bought by.
    SERVICE_FIELDS = Operation::read_by_post("services.fields", "/GetFieldsForService");
    /// The charges of the running month, as of the latest Friday.
    PREVIEW_INVOICES = Operation::read_by_post("invoices.preview", "/GetPreviewInvoices");
    /// The invoices of the latest closed month.
    LATEST_INVOICES = Operation::read_by_post("invoices.latest", "/GetLatestInvoices");
    /// The invoices of a closed month.
    INVOICES_FOR_PERIOD = Operation::read_by_post("invoices.for_period", "/GetLatestInvoicesForPeriod");
    /// The reports.
    REPORTS = Operation::read_by_post("reports.list", "/GetReports");
    /// The rows of a report.
    EXECUTE_REPORT = Operation::read_by_post("reports.execute", "/ExecuteReport");
    /// The charges of a month by product; newer hosts alone know it.
    INVOICE_AGGREGATION = Operation::read_by_post("reports.invoice_aggregation", "/GetInvoiceAggregationReport");
    /// The subscriptions of a product; newer hosts alone know it.
    PRODUCT_ACCOUNTS = Operation::read_by_post("reports.product_accounts", "/GetAllProductAccountsWithFieldsReport");
}

#[cfg(test)]
mod tests {
    use tallyline_core::http::Idempotency;

    use super::*;

    #[test]
    fn every_operation_is_a_post_that_reads() {
        let names: Vec<&str> = ALL
            .iter()
            .map(|operation| {
                assert_eq!(operation.method.as_str(), "POST");
                assert_eq!(operation.idempotency, Idempotency::Safe);
                operation.template
            })
            .collect();
        assert_eq!(
            names,
            [
                "/GetSessionToken",
                "/PingPong",
                "/TerminateSessionToken",
                "/GetCompanies",
                "/GetCompany",
                "/GetCompanyByVatId",
                "/GetResellers",
                "/GetReseller",
                "/GetDepartments",
                "/GetSubscriptions",
                "/GetSubscription",
                "/GetSubscriptionWithAddons",
                "/GetSubscriptionDependencies",
                "/GetMarketplaces",
                "/ListMarketplaceServices",
                "/GetMarketplaceServiceCharges",
                "/GetPossibleServicesForParent",
                "/GetServiceInformation",
                "/GetFieldsForService",
                "/GetPreviewInvoices",
                "/GetLatestInvoices",
                "/GetLatestInvoicesForPeriod",
                "/GetReports",
                "/ExecuteReport",
                "/GetInvoiceAggregationReport",
                "/GetAllProductAccountsWithFieldsReport",
            ]
        );
    }
}
