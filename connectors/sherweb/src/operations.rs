//! Every operation of the API that the client knows, and whether it may be repeated.

use tallyline_core::http::Operation;

tallyline_core::operations! {
    /// A token for one scope.
    TOKEN = Operation::read_by_post("token.fetch", "/auth/oidc/connect/token");
    /// What the reseller pays.
    PAYABLE_CHARGES = Operation::get("payable_charges.list", "/distributor/v1/billing/payable-charges");
    /// The customers.
    CUSTOMERS = Operation::get("customers.list", "/service-provider/v1/customers");
    /// The subscriptions of a customer.
    SUBSCRIPTIONS = Operation::get("subscriptions.list", "/service-provider/v1/billing/subscriptions");
    /// The same with fees and commitments.
    SUBSCRIPTION_DETAILS = Operation::get("subscriptions.details", "/service-provider/v1/billing/subscriptions/details");
    /// What the subscriptions of a customer cost.
    PRICING_INFORMATION = Operation::get("subscriptions.pricing_information", "/service-provider/v1/billing/subscriptions/pricing-information");
    /// The meters of a customer on a platform.
    METERS = Operation::get("subscriptions.meters", "/service-provider/v1/billing/subscriptions/meters");
    /// New totals of subscriptions. Twice is two amendments: never repeated blindly.
    AMEND = Operation::post("subscriptions.amend", "/service-provider/v1/billing/subscriptions/amendments");
    /// What became of an amendment.
    AMENDMENT_STATUS = Operation::get("amendments.status", "/service-provider/v1/billing/subscriptions/amendments/{subscriptionsAmendmentId}/status");
    /// The end of subscriptions.
    CANCEL = Operation::post("subscriptions.cancel", "/service-provider/v1/billing/subscriptions/cancellations");
    /// What became of a request.
    TRACKING = Operation::get("tracking.get", "/service-provider/v1/tracking/{trackingId}");
    /// What a customer pays.
    RECEIVABLE_CHARGES = Operation::get("receivable_charges.list", "/service-provider/v1/billing/receivable-charges");
    /// What a customer can buy.
    CATALOG = Operation::get("catalogs.get", "/service-provider/v1/customer-catalogs/{customerId}");
    /// What it costs.
    CATALOG_PRICING = Operation::read_by_post("catalogs.pricing", "/service-provider/v1/customer-catalogs/{customerId}/catalog-items-pricing");
    /// The platforms.
    PLATFORMS = Operation::get("platforms.list", "/service-provider/v1/platforms");
    /// The platforms of a customer.
    PLATFORMS_CONFIGURATIONS = Operation::get("platforms.configurations", "/service-provider/v1/customers/{customerId}/platforms-configurations");
    /// A platform of a customer.
    PLATFORM_DETAILS = Operation::get("platforms.details", "/service-provider/v1/customers/{customerId}/platforms/{platformId}/details");
    /// What a customer used on a platform.
    METER_USAGES = Operation::get("platforms.meter_usages", "/service-provider/v1/customers/{customerId}/platforms/{platformId}/meter-usages");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_class_and_only_two_of_them_write() {
        let listed: Vec<String> = ALL
            .iter()
            .map(|operation| format!("{} {:?}", operation.name, operation.idempotency))
            .collect();
        assert_eq!(
            listed,
            [
                "token.fetch Safe",
                "payable_charges.list Safe",
                "customers.list Safe",
                "subscriptions.list Safe",
                "subscriptions.details Safe",
                "subscriptions.pricing_information Safe",
                "subscriptions.meters Safe",
                "subscriptions.amend Unsafe",
                "amendments.status Safe",
                "subscriptions.cancel Unsafe",
                "tracking.get Safe",
                "receivable_charges.list Safe",
                "catalogs.get Safe",
                "catalogs.pricing Safe",
                "platforms.list Safe",
                "platforms.configurations Safe",
                "platforms.details Safe",
                "platforms.meter_usages Safe",
            ]
        );
    }
}
