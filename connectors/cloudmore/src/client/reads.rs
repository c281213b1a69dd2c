//! Organizations, services, subscriptions and prices.

use tallyline_core::Result;
use tallyline_core::model::CivilDate;
use tallyline_core::wire::decode_json;

use super::{CloudmoreClient, check_id};
use crate::models::{FreeForm, Organization, Record};
use crate::operations;

/// Reads below the reseller: doc, name, ids of the path, operation, answer.
macro_rules! reseller_reads {
    ($($(#[$doc:meta])+ $name:ident($($id:ident: $place:literal),*) = $operation:ident -> $answer:ty;)+) => {
        $(
            $(#[$doc])+
            ///
            /// # Errors
            /// `Config` for an empty id, `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
            /// `Unavailable`, `Timeout`, `Protocol`.
            pub async fn $name(&self, $($id: &str),*) -> Result<$answer> {
                let operation = &operations::$operation;
                $(check_id(operation, $place, $id)?;)*
                let request = self.of_reseller(operation)$(.path($place, $id))*;
                self.read(request).await
            }
        )+
    };
}

/// Reads below an organization: doc, name, further ids of the path, operation, answer.
macro_rules! organization_reads {
    ($($(#[$doc:meta])+ $name:ident($($id:ident: $place:literal),*) = $operation:ident -> $answer:ty;)+) => {
        $(
            $(#[$doc])+
            ///
            /// # Errors
            /// `Config` for an empty id, `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
            /// `Unavailable`, `Timeout`, `Protocol`.
            pub async fn $name(&self, organization_id: &str $(, $id: &str)*) -> Result<$answer> {
                let operation = &operations::$operation;
                $(check_id(operation, $place, $id)?;)*
                let request = self.of_organization(operation, organization_id)?$(.path($place, $id))*;
                self.read(request).await
            }
        )+
    };
}

/// The reseller's organizations and services, over all organizations.
///
/// ```no_run
/// # async fn example(client: tallyline_cloudmore::CloudmoreClient) -> tallyline_core::Result<()> {
/// for service in client.services().await? {
///     println!("{:?} {:?}", service.text("id"), service.text("name"));
/// }
/// # Ok(())
/// # }
/// ```
impl CloudmoreClient {
    reseller_reads! {
        /// Lists the organizations, inactive ones included.
        ///
        /// `GET R/Organizations` (OrganizationViewModel).
        organizations() = ORGANIZATIONS -> Vec<Organization>;
        /// Reads one organization in detail.
        ///
        /// `GET R/Organizations/{organizationId}` (OrganizationDetailViewModel).
        organization(organization_id: "organizationId") = ORGANIZATION -> Organization;
        /// Lists the custom properties that are defined for organizations.
        ///
        /// `GET R/settings/CustomProperties` (BrokerCustomPropertyViewModel).
        custom_properties() = CUSTOM_PROPERTIES -> Vec<Record>;
        /// Lists the services that the reseller has.
        ///
        /// `GET R/services` (ResellerServiceViewModel).
        services() = SERVICES -> Vec<Record>;
        /// Reads one service in detail.
        ///
        /// `GET R/services/{serviceId}`.
        service(service_id: "serviceId") = SERVICE -> Record;
        /// Lists the subscriptions of one service, over all organizations.
        ///
        /// `GET R/services/{serviceId}/subscriptions` (ResellerServiceSubscriptionViewModel).
        service_subscriptions(service_id: "serviceId") = SERVICE_SUBSCRIPTIONS -> Vec<Record>;
        /// Lists all Microsoft NCE subscriptions.
        ///
        /// `GET R/services/csp/nce/subscriptions` (CspNceSubscriptionViewModel).
        nce_subscriptions() = NCE_SUBSCRIPTIONS -> Vec<Record>;
        /// Lists all legacy Microsoft CSP subscriptions.
        ///
        /// `GET R/services/csp/Subscriptions` (CspSubscriptionViewModel).
        csp_subscriptions() = CSP_SUBSCRIPTIONS -> Vec<Record>;
        /// Lists all Azure subscriptions.
        ///
        /// `GET R/services/azure/Subscriptions` (AzureSubscriptionViewModel).
        azure_subscriptions() = AZURE_SUBSCRIPTIONS -> Vec<Record>;
        /// Lists the Microsoft tenants and the organizations that they are linked to.
        ///
        /// `GET R/services/csp/CspTenants/List`.
        csp_tenants() = CSP_TENANTS -> Vec<Record>;
    }

    /// As [`organizations`](Self::organizations), each record read for itself.
    pub(crate) async fn organization_records(&self) -> Result<Vec<Result<Organization>>> {
        let operation = &operations::ORGANIZATIONS;
        let records: Vec<FreeForm> = self.read(self.of_reseller(operation)).await?;
        let read = |(index, record): (usize, FreeForm)| {
            decode_json(record.as_str().as_bytes()).map_err(|error| {
                error
                    .with_json_path(format!("[{index}]"))
                    .with_connector(super::CONNECTOR)
                    .with_operation(operation.name)
            })
        };
        Ok(records.into_iter().enumerate().map(read).collect())
    }

    /// Lists the reseller's prices of a service, in a currency where one is given.
    ///
    /// `GET R/services/{serviceId}/pricelist`.
    ///
    /// # Errors
    /// `Config` for an empty id, `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn price_list(
        &self,
        service_id: &str,
        currency_code: Option<&str>,
    ) -> Result<Vec<Record>> {
        let operation = &operations::PRICE_LIST;
        check_id(operation, "service id", service_id)?;
        let request = self
            .of_reseller(operation)
            .path("serviceId", service_id)
            .query_opt("currencyCode", currency_code);
        self.read(request).await
    }

    /// Reads the price that a subscription is committed to.
    ///
    /// `GET R/services/{serviceId}/pricelist/CommitmentPrice`.
    ///
    /// # Errors
    /// As [`price_list`](Self::price_list).
    pub async fn commitment_price(
        &self,
        service_id: &str,
        organization_id: &str,
        subscription_id: &str,
    ) -> Result<FreeForm> {
        let operation = &operations::COMMITMENT_PRICE;
        self.subscription_price(operation, service_id, organization_id, subscription_id)
            .await
    }

    /// Reads the price that a subscription renews at.
    ///
    /// `GET R/services/{serviceId}/pricelist/PostRenewalPrice`.
    ///
    /// # Errors
    /// As [`price_list`](Self::price_list).
    pub async fn post_renewal_price(
        &self,
        service_id: &str,
        organization_id: &str,
        subscription_id: &str,
    ) -> Result<FreeForm> {
        let operation = &operations::POST_RENEWAL_PRICE;
        self.subscription_price(operation, service_id, organization_id, subscription_id)
            .await
    }

    async fn subscription_price(
        &self,
        operation: &'static tallyline_core::http::Operation,
        service_id: &str,
        organization_id: &str,
        subscription_id: &str,
    ) -> Result<FreeForm> {
        for (name, id) in [
            ("service id", service_id),
            ("organization id", organization_id),
            ("subscription id", subscription_id),
        ] {
            check_id(operation, name, id)?;
        }
        let request = self
            .of_reseller(operation)
            .path("serviceId", service_id)
            .query("organizationId", organization_id)
            .query("subscriptionId", subscription_id)
            .account(organization_id);
        self.read(request).await
    }

    /// Reads what was consumed, as a filter says.
    ///
    /// `POST R/services/consumptions`. It reads although it is a POST (PUT on the same path
    /// submits), so it may be repeated. The filter's members are not published: it is sent as it is
    /// given.
    ///
    /// # Errors
    /// `Auth`, `PermissionDenied`, `Invalid`, `RateLimited`, `Unavailable`, `Timeout`, `Protocol`.
    pub async fn consumptions(&self, filter: &Record) -> Result<Vec<Record>> {
        let request = self.of_reseller(&operations::CONSUMPTIONS).json(filter);
        self.read(request).await
    }
}

/// One organization's services and subscriptions.
///
/// ```no_run
/// # async fn example(client: tallyline_cloudmore::CloudmoreClient) -> tallyline_core::Result<()> {
/// let organization = "5d0c5a1e-0000-4000-8000-000000000002";
/// for subscription in client.organization_nce_subscriptions(organization).await? {
///     println!("{:?} {:?}", subscription.text("id"), subscription.decimal("quantity"));
/// }
/// # Ok(())
/// # }
/// ```
impl CloudmoreClient {
    organization_reads! {
        /// Lists the services that an organization has.
        ///
        /// `GET O/services` (OrganizationServiceViewModel).
        organization_services() = ORGANIZATION_SERVICES -> Vec<Record>;
        /// Reads one service of an organization.
        ///
        /// `GET O/services/{serviceId}`.
        organization_service(service_id: "serviceId") = ORGANIZATION_SERVICE -> Record;
        /// Lists the products that an organization can have of a service.
        ///
        /// `GET O/services/{serviceId}/products`.
        organization_products(service_id: "serviceId") = ORGANIZATION_PRODUCTS -> Vec<Record>;
        /// Lists an organization's prices of a service.
        ///
        /// `GET O/services/{serviceId}/pricelist`.
        organization_price_list(service_id: "serviceId") = ORGANIZATION_PRICE_LIST -> Vec<Record>;
        /// Lists an organization's subscriptions of a custom service, **cancelled ones included**.
        ///
        /// `GET O/services/{serviceId}/subscriptions`.
        subscriptions(service_id: "serviceId") = SUBSCRIPTIONS -> Vec<Record>;
        /// Reads one subscription of a custom service.
        ///
        /// `GET O/services/{serviceId}/subscriptions/{subscriptionId}`.
        subscription(service_id: "serviceId", subscription_id: "subscriptionId") = SUBSCRIPTION -> Record;
        /// Reads how a subscription changed over time.
        ///
        /// `GET O/services/{serviceId}/Subscriptions/history/{subscriptionId}`
        /// (OrganizationSubscriptionHistoryViewModel).
        subscription_history(service_id: "serviceId", subscription_id: "subscriptionId") = SUBSCRIPTION_HISTORY -> FreeForm;
        /// Reads the state of an organization's Microsoft CSP service.
        ///
        /// `GET O/services/Csp`.
        organization_csp() = ORGANIZATION_CSP -> Record;
        /// Lists the Microsoft CSP products of an organization.
        ///
        /// `GET O/services/Csp/products`.
        organization_csp_products() = ORGANIZATION_CSP_PRODUCTS -> Vec<Record>;
        /// Lists the Microsoft licences of an organization.
        ///
        /// `GET O/services/Csp/productlicenses`.
        organization_csp_licenses() = ORGANIZATION_CSP_LICENSES -> Vec<Record>;
        /// Lists an organization's Microsoft NCE subscriptions.
        ///
        /// `GET O/services/csp/nce/subscriptions` (OrganizationCspNceSubscriptionViewModel).
        organization_nce_subscriptions() = ORGANIZATION_NCE_SUBSCRIPTIONS -> Vec<Record>;
        /// Reads one Microsoft NCE subscription.
        ///
        /// `GET O/services/csp/nce/subscriptions/{subscriptionId}`.
        organization_nce_subscription(subscription_id: "subscriptionId") = ORGANIZATION_NCE_SUBSCRIPTION -> Record;
        /// Reads the dates that a Microsoft NCE subscription can be aligned with.
        ///
        /// `GET O/services/csp/nce/subscriptions/alignmentdates`.
        organization_nce_alignment_dates() = ORGANIZATION_NCE_ALIGNMENT_DATES -> FreeForm;
        /// Lists an organization's legacy Microsoft CSP subscriptions.
        ///
        /// `GET O/services/csp/subscriptions`.
        organization_csp_subscriptions() = ORGANIZATION_CSP_SUBSCRIPTIONS -> Vec<Record>;
        /// Reads one legacy Microsoft CSP subscription.
        ///
        /// `GET O/services/csp/subscriptions/{subscriptionId}`.
        organization_csp_subscription(subscription_id: "subscriptionId") = ORGANIZATION_CSP_SUBSCRIPTION -> Record;
        /// Lists an organization's Azure subscriptions.
        ///
        /// `GET O/services/azure/subscriptions`.
        organization_azure_subscriptions() = ORGANIZATION_AZURE_SUBSCRIPTIONS -> Vec<Record>;
        /// Lists an organization's Azure plans with their entitlements.
        ///
        /// `GET O/services/azureplan/subscriptions`.
        organization_azure_plans() = ORGANIZATION_AZURE_PLANS -> Vec<Record>;
        /// Reads one Azure plan.
        ///
        /// `GET O/services/azureplan/subscriptions/{subscriptionId}`.
        organization_azure_plan(subscription_id: "subscriptionId") = ORGANIZATION_AZURE_PLAN -> Record;
        /// Lists the adjustments that people entered.
        ///
        /// `GET O/manualbilling` (OrganizationManualBillingLineViewModel).
        manual_billing() = MANUAL_BILLING -> Vec<Record>;
        /// Reads one adjustment.
        ///
        /// `GET O/manualbilling/{id}`.
        manual_billing_line(line_id: "lineId") = MANUAL_BILLING_LINE -> Record;
        /// Reads one external invoice.
        ///
        /// `GET O/ExternalInvoice/{id}` (ExternalInvoiceViewModel).
        external_invoice(invoice_id: "invoiceId") = EXTERNAL_INVOICE -> Record;
    }

    /// Lists the external invoices of some days, both included.
    ///
    /// `GET O/ExternalInvoice?startDate=&endDate=`.
    ///
    /// # Errors
    /// As [`organization_services`](Self::organization_services).
    pub async fn external_invoices(
        &self,
        organization_id: &str,
        start: CivilDate,
        end: CivilDate,
    ) -> Result<Vec<Record>> {
        let request = self
            .of_organization(&operations::EXTERNAL_INVOICES, organization_id)?
            .query("startDate", start)
            .query("endDate", end);
        self.read(request).await
    }

    /// Reads the report of an organization's cost centers for the month of a day.
    ///
    /// `GET O/costcenters/reports/{year}/{month}`.
    ///
    /// # Errors
    /// As [`organization_services`](Self::organization_services).
    pub async fn cost_centers(
        &self,
        organization_id: &str,
        month_of: CivilDate,
    ) -> Result<FreeForm> {
        let request = self
            .of_organization(&operations::COST_CENTERS, organization_id)?
            .path("year", month_of.year())
            .path("month", month_of.month());
        self.read(request).await
    }
}
