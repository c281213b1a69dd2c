//! Every operation this crate calls, with its class.

use tallyline_core::http::Operation;

/// A path below one reseller.
macro_rules! reseller {
    ($rest:literal) => {
        concat!("/api/resellers/{resellerId}", $rest)
    };
}

/// A path below one organization of a reseller.
macro_rules! organization {
    ($rest:literal) => {
        concat!(
            "/api/resellers/{resellerId}/organizations/{organizationId}",
            $rest
        )
    };
}

tallyline_core::operations! {
    TOKEN = Operation::read_by_post("token.fetch", "/connect/token");
    HEALTH = Operation::get("health.check", "/api/healthcheck");

    ORGANIZATIONS = Operation::get("organizations.list", reseller!("/Organizations"));
    ORGANIZATION = Operation::get("organizations.get", reseller!("/Organizations/{organizationId}"));
    CREATE_ORGANIZATION = Operation::post("organizations.create", reseller!("/Organizations"));
    UPDATE_ORGANIZATION = Operation::patch("organizations.update", reseller!("/Organizations/{organizationId}"));
    CUSTOM_PROPERTIES = Operation::get("custom_properties.list", reseller!("/settings/CustomProperties"));

    SERVICES = Operation::get("services.list", reseller!("/services"));
    SERVICE = Operation::get("services.get", reseller!("/services/{serviceId}"));
    SERVICE_SUBSCRIPTIONS = Operation::get("services.subscriptions", reseller!("/services/{serviceId}/subscriptions"));
    NCE_SUBSCRIPTIONS = Operation::get("nce_subscriptions.list", reseller!("/services/csp/nce/subscriptions"));
    CSP_SUBSCRIPTIONS = Operation::get("csp_subscriptions.list", reseller!("/services/csp/Subscriptions"));
    AZURE_SUBSCRIPTIONS = Operation::get("azure_subscriptions.list", reseller!("/services/azure/Subscriptions"));
    CSP_TENANTS = Operation::get("csp_tenants.list", reseller!("/services/csp/CspTenants/List"));
    PRICE_LIST = Operation::get("prices.list", reseller!("/services/{serviceId}/pricelist"));
    COMMITMENT_PRICE = Operation::get("prices.commitment", reseller!("/services/{serviceId}/pricelist/CommitmentPrice"));
    POST_RENEWAL_PRICE = Operation::get("prices.post_renewal", reseller!("/services/{serviceId}/pricelist/PostRenewalPrice"));
    CONSUMPTIONS = Operation::read_by_post("consumptions.read", reseller!("/services/consumptions"));

    ORGANIZATION_SERVICES = Operation::get("organization_services.list", organization!("/services"));
    ORGANIZATION_SERVICE = Operation::get("organization_services.get", organization!("/services/{serviceId}"));
    ORGANIZATION_PRODUCTS = Operation::get("organization_services.products", organization!("/services/{serviceId}/products"));
    ORGANIZATION_PRICE_LIST = Operation::get("organization_services.prices", organization!("/services/{serviceId}/pricelist"));
    SUBSCRIPTIONS = Operation::get("subscriptions.list", organization!("/services/{serviceId}/subscriptions"));
    SUBSCRIPTION = Operation::get("subscriptions.get", organization!("/services/{serviceId}/subscriptions/{subscriptionId}"));
    SUBSCRIPTION_HISTORY = Operation::get("subscriptions.history", organization!("/services/{serviceId}/Subscriptions/history/{subscriptionId}"));
    ORGANIZATION_CSP = Operation::get("organization_csp.get", organization!("/services/Csp"));
    ORGANIZATION_CSP_PRODUCTS = Operation::get("organization_csp.products", organization!("/services/Csp/products"));
    ORGANIZATION_CSP_LICENSES = Operation::get("organization_csp.licenses", organization!("/services/Csp/productlicenses"));
    ORGANIZATION_NCE_SUBSCRIPTIONS = Operation::get("organization_nce_subscriptions.list", organization!("/services/csp/nce/subscriptions"));
    ORGANIZATION_NCE_SUBSCRIPTION = Operation::get("organization_nce_subscriptions.get", organization!("/services/csp/nce/subscriptions/{subscriptionId}"));
    ORGANIZATION_NCE_ALIGNMENT_DATES = Operation::get("organization_nce_subscriptions.alignment_dates", organization!("/services/csp/nce/subscriptions/alignmentdates"));
    ORGANIZATION_CSP_SUBSCRIPTIONS = Operation::get("organization_csp_subscriptions.list", organization!("/services/csp/subscriptions"));
    ORGANIZATION_CSP_SUBSCRIPTION = Operation::get("organization_csp_subscriptions.get", organization!("/services/csp/subscriptions/{subscriptionId}"));
    ORGANIZATION_AZURE_SUBSCRIPTIONS = Operation::get("organization_azure_subscriptions.list", organization!("/services/azure/subscriptions"));
    ORGANIZATION_AZURE_PLANS = Operation::get("organization_azure_plans.list", organization!("/services/azureplan/subscriptions"));
    ORGANIZATION_AZURE_PLAN = Operation::get("organization_azure_plans.get", organization!("/services/azureplan/subscriptions/{subscriptionId}"));

    MANUAL_BILLING = Operation::get("manual_billing.list", organization!("/manualbilling"));
    MANUAL_BILLING_LINE = Operation::get("manual_billing.get", organization!("/manualbilling/{lineId}"));
    CREATE_MANUAL_BILLING = Operation::post("manual_billing.create", organization!("/manualbilling"));
    EXTERNAL_INVOICES = Operation::get("external_invoices.list", organization!("/ExternalInvoice"));
    EXTERNAL_INVOICE = Operation::get("external_invoices.get", organization!("/ExternalInvoice/{invoiceId}"));
    COST_CENTERS = Operation::get("cost_centers.report", organization!("/costcenters/reports/{year}/{month}"));

    START_MONTHLY_BILLING = Operation::post("monthly_billing.start", reseller!("/billing/reports/MonthlyBillingPerOrganizationAsync"));
    MONTHLY_BILLING_TASK = Operation::get("monthly_billing.result", reseller!("/billing/reports/MonthlyBillingPerOrganizationAsync/{taskId}"));
    MONTHLY_BILLING = Operation::get("monthly_billing.get", reseller!("/billing/reports/MonthlyBillingPerOrganization"));
    MONTHLY_BILLING_BY_SERVICE = Operation::get("monthly_billing.by_service", reseller!("/billing/reports/MonthlyBillingPerService"));
    START_ONE_TIME_INVOICE = Operation::post("one_time_invoice.start", reseller!("/billing/azurereports/AzureOneTimeInvoice/generateReport"));
    ONE_TIME_INVOICE_TASK = Operation::get("one_time_invoice.result", reseller!("/billing/azurereports/AzureOneTimeInvoice/{taskId}"));
    ONE_TIME_INVOICES = Operation::get("one_time_invoice.list", reseller!("/billing/azurereports/AzureOneTimeInvoiceList"));
    CSP_MONTHLY_BILLING = Operation::get("csp_billing.get", reseller!("/billing/cspreports/MonthlyBillingPerOrganization"));
    AZURE_INVOICE_OVERVIEW = Operation::get("azure_invoices.overview", reseller!("/billing/azurereports/InvoiceOverview"));
    AZURE_INVOICES = Operation::get("azure_invoices.list", reseller!("/billing/azurereports/InvoiceList"));
    AZURE_INVOICE = Operation::get("azure_invoices.get", reseller!("/billing/azurereports/Invoice"));
    AZURE_INVOICES_BY_DATES = Operation::get("azure_invoices.by_dates", reseller!("/billing/azurereports/InvoicesByCustomDates"));
    AZURE_MONTHLY_BILLING = Operation::get("azure_billing.get", reseller!("/billing/azurereports/MonthlyBillingPerOrganization"));
    AZURE_ONGOING_PERIOD = Operation::get("azure_billing.ongoing", reseller!("/billing/azurereports/OngoingPeriod"));
    AZURE_USAGE_INVOICE = Operation::get("azure_usage.invoice", reseller!("/billing/azureonetimeusage/AzureOneTimeInvoice"));
    AZURE_USAGE_ONGOING = Operation::get("azure_usage.ongoing", reseller!("/billing/azureonetimeusage/AzureOneTimeOngoingPeriod"));
    AZURE_BILLED_USAGE = Operation::get("azure_usage.billed", reseller!("/billing/azureonetimeusage/report/billed/invoice/{invoiceId}"));
    START_UNBILLED_USAGE = Operation::post("azure_usage.start_unbilled", reseller!("/billing/azureonetimeusage/report/unbilled/period/{period}/export"));
    UNBILLED_USAGE_STATUS = Operation::get("azure_usage.unbilled_status", reseller!("/billing/azureonetimeusage/report/unbilled/operation/{operationId}/status"));
    UNBILLED_USAGE_RESULT = Operation::get("azure_usage.unbilled_result", reseller!("/billing/azureonetimeusage/report/unbilled/operation/{operationId}/result"));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tallyline_core::http::Idempotency;

    use super::*;

    fn of_class(class: Idempotency) -> Vec<&'static str> {
        let of_class = ALL.iter().filter(|it| it.idempotency == class);
        of_class.map(|operation| operation.name).collect()
    }

    #[test]
    fn what_starts_a_job_or_writes_is_never_repeated_and_all_else_reads() {
        assert_eq!(
            of_class(Idempotency::Unsafe),
            [
                "organizations.create",
                "manual_billing.create",
                "monthly_billing.start",
                "one_time_invoice.start",
                "azure_usage.start_unbilled",
            ]
        );
        assert_eq!(of_class(Idempotency::Idempotent), ["organizations.update"]);
        assert_eq!(of_class(Idempotency::Safe).len(), ALL.len() - 6);
    }

    #[test]
    fn two_posts_read() {
        let reading: Vec<&str> = ALL
            .iter()
            .filter(|it| it.method == "POST" && it.idempotency == Idempotency::Safe)
            .map(|operation| operation.name)
            .collect();
        assert_eq!(reading, ["token.fetch", "consumptions.read"]);
    }

    #[test]
    fn every_operation_has_a_name_and_a_path_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), ALL.len());
        let calls: BTreeSet<String> = ALL
            .iter()
            .map(|it| format!("{} {}", it.method, it.template.to_ascii_lowercase()))
            .collect();
        assert_eq!(calls.len(), ALL.len());
    }
}
