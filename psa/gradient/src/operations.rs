//! Every operation of the API that the client knows, and whether it may be repeated.

use tallyline_core::http::{Idempotency, Operation};

tallyline_core::operations! {
    /// The vendor with its services.
    VENDOR_GET = Operation::get("vendor.get", "/api/vendor-api");
    /// A change of the vendor.
    VENDOR_UPDATE = Operation::patch("vendor.update", "/api/vendor-api");
    /// The integration, which shows that the keys are right.
    INTEGRATION_GET = Operation::get("integration.get", "/api/vendor-api/organization");
    /// The status of the integration.
    STATUS_SET = Operation::patch("integration.status", "/api/vendor-api/organization/status/{status}");
    /// The accounts.
    ACCOUNTS_LIST = Operation::get("accounts.list", "/api/vendor-api/organization/accounts");
    /// New accounts, all in one call.
    ACCOUNTS_CREATE = Operation::post("accounts.create", "/api/vendor-api/organization/accounts");
    /// A change of an account.
    ACCOUNT_UPDATE = Operation::patch("accounts.update", "/api/vendor-api/organization/accounts/{accountId}");
    /// The MSP's clients in its PSA.
    CLIENTS_LIST = Operation::get("clients.list", "/api/vendor-api/organization/clients");
    /// A new service. Nothing tells two of one name apart: never repeated blindly.
    SERVICE_CREATE = Operation::post("services.create", "/api/vendor-api/service");
    /// A service.
    SERVICE_GET = Operation::get("services.get", "/api/vendor-api/service/{serviceId}");
    /// A change of a service.
    SERVICE_UPDATE = Operation::patch("services.update", "/api/vendor-api/service/{serviceId}");
    /// The count of a service for an account, absolute.
    COUNT_SET = Operation::post("services.count", "/api/vendor-api/service/{serviceId}/count")
        .with_idempotency(Idempotency::Idempotent);
    /// A new alert.
    ALERT_CREATE = Operation::post("alerts.create", "/api/vendor-api/alerting/{accountId}");
    /// What became of an alert.
    ALERT_STATUS = Operation::get("alerts.status", "/api/vendor-api/alerting/debug/{messageId}");
}
