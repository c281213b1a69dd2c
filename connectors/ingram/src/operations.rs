//! Every operation of the API that the client knows, and whether it may be repeated.

use tallyline_core::http::Operation;

tallyline_core::operations! {
    /// A token.
    TOKEN = Operation::read_by_post("token.fetch", "/token");
    /// The customers.
    CUSTOMERS = Operation::get("customers.list", "/customers");
    /// A customer.
    CUSTOMER = Operation::get("customers.get", "/customers/{id}");
    /// A new customer. Twice is two customers: never repeated blindly.
    CREATE_CUSTOMER = Operation::post("customers.create", "/customers");
    /// Other values of a customer.
    UPDATE_CUSTOMER = Operation::patch("customers.update", "/customers/{id}");
    /// The resellers.
    RESELLERS = Operation::get("resellers.list", "/resellers");
    /// A reseller.
    RESELLER = Operation::get("resellers.get", "/resellers/{id}");
    /// The customers of a reseller.
    RESELLER_CUSTOMERS = Operation::get("resellers.customers", "/resellers/{id}/customers");
    /// The orders of a reseller.
    RESELLER_ORDERS = Operation::get("resellers.orders", "/resellers/{id}/orders");
    /// The subscriptions, without quantities.
    SUBSCRIPTIONS = Operation::get("subscriptions.list", "/subscriptions");
    /// A subscription with its products: the only place of a quantity.
    SUBSCRIPTION = Operation::get("subscriptions.get", "/subscriptions/{id}");
    /// Other values of a subscription.
    UPDATE_SUBSCRIPTION = Operation::patch("subscriptions.update", "/subscriptions/{id}");
    /// The orders.
    ORDERS = Operation::get("orders.list", "/orders");
    /// An order.
    ORDER = Operation::get("orders.get", "/orders/{id}");
    /// A new order. Twice is two orders: never repeated blindly.
    PLACE_ORDER = Operation::post("orders.place", "/orders");
    /// What an order would come to. Nothing is known of what it leaves behind: never repeated.
    ESTIMATE_ORDER = Operation::post("orders.estimate", "/orders/estimate");
    /// Another status of an order.
    UPDATE_ORDER = Operation::patch("orders.update", "/orders/{id}");
    /// What can be bought, with prices and costs.
    PRODUCTS = Operation::get("products.list", "/products");
    /// The plans.
    PLANS = Operation::get("plans.list", "/plans");
    /// A plan.
    PLAN = Operation::get("plans.get", "/plans/{id}");
    /// The reports, each with an address that opens it.
    REPORTS = Operation::get("reports.list", "/reports");
    /// A report.
    REPORT = Operation::get("reports.get", "/reports/{reportId}");
}

#[cfg(test)]
mod tests {
    use tallyline_core::http::Idempotency;

    use super::*;

    #[test]
    fn every_operation_has_its_class_and_six_of_them_write() {
        let writes: Vec<String> = ALL
            .iter()
            .filter(|operation| operation.idempotency != Idempotency::Safe)
            .map(|operation| format!("{} {:?}", operation.name, operation.idempotency))
            .collect();
        assert_eq!(
            writes,
            [
                "customers.create Unsafe",
                "customers.update Idempotent",
                "subscriptions.update Idempotent",
                "orders.place Unsafe",
                "orders.estimate Unsafe",
                "orders.update Idempotent",
            ]
        );
        let reads = ALL.len() - writes.len();
        assert_eq!(reads, 16);
        for operation in ALL {
            let is_read = operation.method.as_str() == "GET" || operation.name == "token.fetch";
            assert_eq!(is_read, operation.idempotency == Idempotency::Safe);
        }
    }
}
