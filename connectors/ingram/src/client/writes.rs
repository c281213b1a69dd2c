//! The operations that write. The source uses none of them.

use tallyline_core::Result;
use tallyline_core::http::{Operation, Request};

use super::{IngramClient, about, config};
use crate::models::{
    Customer, CustomerUpdate, NewCustomer, NewOrder, OrderDetailed, OrderEstimate, OrderType,
    OrderUpdate, SubscriptionDetail, SubscriptionUpdate,
};
use crate::operations;

/// Refuses an order that the vendor cannot understand.
fn check(operation: &'static Operation, order: &NewOrder) -> Result<()> {
    let refuse = |message: &str| Err(config(message).with_operation(operation.name));
    if order.customer_id.trim().is_empty() {
        return refuse("the customer id is empty");
    }
    if order.kind == OrderType::Sales {
        return Ok(());
    }
    let mut lines = order.products.iter();
    let named =
        order.subscription_id.is_some() || lines.any(|product| product.subscription_id.is_some());
    if named {
        return Ok(());
    }
    refuse("the order names no subscription, and only sales need none")
}

/// Writes. Each is sent once: nothing makes it safe to repeat, a status of 500 least of all, since conflicts are told so.
///
/// # Cancel safety
/// Not cancel safe: a dropped call may have been carried out. Read back what became of it.
impl IngramClient {
    /// Places an order.
    ///
    /// `POST /orders`. The answer says that it was taken; it is carried out later, and one change of a subscription at a
    /// time. **Whether the quantity of a change is the new total or the difference is not known**: estimate first, and try
    /// it in the lab.
    ///
    /// # Errors
    /// `Config` for an order without customer, or without subscription where one is needed; `Invalid`, `Auth`,
    /// `PermissionDenied`, `RateLimited`, `Timeout`, `Protocol`, and `Unavailable` for a conflict as well as for a failure.
    /// Where [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) is true, read the orders back first.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_ingram::IngramClient) -> tallyline_core::Result<()> {
    /// use tallyline_ingram::models::{NewOrder, NewOrderProduct, OrderType};
    ///
    /// let mut product = NewOrderProduct::new("CFQ7TTC0LH18:0001_P1Y:M", 15.into());
    /// product.subscription_id = Some("1000451".into());
    /// let mut order = NewOrder::new(OrderType::Change, "1000310");
    /// order.products.push(product);
    /// println!("{:?}", client.estimate_order(&order).await?.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn place_order(&self, order: &NewOrder) -> Result<OrderDetailed> {
        let operation = &operations::PLACE_ORDER;
        check(operation, order)?;
        let request = Request::new(operation)
            .json(order)
            .account(&order.customer_id);
        self.inner.writes.json(request).await
    }

    /// Asks what an order would come to.
    ///
    /// `POST /orders/estimate`
    ///
    /// # Errors
    /// As [`place_order`](Self::place_order).
    pub async fn estimate_order(&self, order: &NewOrder) -> Result<OrderEstimate> {
        let operation = &operations::ESTIMATE_ORDER;
        check(operation, order)?;
        let request = Request::new(operation)
            .json(order)
            .account(&order.customer_id);
        self.inner.writes.json(request).await
    }

    /// Gives an order another status.
    ///
    /// `PATCH /orders/{id}`
    ///
    /// # Errors
    /// `Config` for an empty id, and as [`place_order`](Self::place_order).
    pub async fn update_order(&self, id: &str, update: &OrderUpdate) -> Result<OrderDetailed> {
        let request = about(&operations::UPDATE_ORDER, "order", id)?.json(update);
        self.inner.writes.json(request).await
    }

    /// Changes renewal, attributes or prices of a subscription; never its quantity, for which there are orders.
    ///
    /// `PATCH /subscriptions/{id}`
    ///
    /// # Errors
    /// `Config` for an empty id, and as [`place_order`](Self::place_order).
    pub async fn update_subscription(
        &self,
        id: &str,
        update: &SubscriptionUpdate,
    ) -> Result<SubscriptionDetail> {
        let request = about(&operations::UPDATE_SUBSCRIPTION, "subscription", id)?.json(update);
        self.inner.writes.json(request).await
    }

    /// Makes a customer.
    ///
    /// `POST /customers`
    ///
    /// # Errors
    /// As [`place_order`](Self::place_order).
    pub async fn create_customer(&self, customer: &NewCustomer) -> Result<Customer> {
        let request = Request::new(&operations::CREATE_CUSTOMER).json(customer);
        self.inner.writes.json(request).await
    }

    /// Changes a customer.
    ///
    /// `PATCH /customers/{id}`
    ///
    /// # Errors
    /// `Config` for an empty id, and as [`place_order`](Self::place_order).
    pub async fn update_customer(&self, id: &str, update: &CustomerUpdate) -> Result<Customer> {
        let request = about(&operations::UPDATE_CUSTOMER, "customer", id)?
            .json(update)
            .account(id);
        self.inner.writes.json(request).await
    }
}
