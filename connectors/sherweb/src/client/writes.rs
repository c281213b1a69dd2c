//! The operations that change subscriptions, and those that follow a change.

use tallyline_core::http::{Request, Response};
use tallyline_core::{Error, ErrorKind, Result};

use super::{CONNECTOR, SherwebClient, check_id, config};
use crate::models::{
    AmendmentBody, AmendmentStatus, CancellationBody, SubscriptionAmendment, TrackingStatus,
    WriteReceipt,
};
use crate::operations;

/// The answer to an accepted write. An empty body says no more than "accepted".
fn receipt(response: &Response) -> Result<WriteReceipt> {
    if response.bytes().iter().all(u8::is_ascii_whitespace) {
        return Ok(WriteReceipt::default());
    }
    response.json()
}

/// Writes, and what became of them. Each write is sent once: nothing makes it safe to repeat.
impl SherwebClient {
    /// Asks for new quantities of subscriptions of one customer.
    ///
    /// `POST /service-provider/v1/billing/subscriptions/amendments`. The answer says that the
    /// change was accepted, not that it was applied. Check each quantity before with
    /// [`Subscription::check_new_quantity`](crate::models::Subscription::check_new_quantity).
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have been carried out. Read the quantity back.
    ///
    /// # Errors
    /// `Config` for an empty id or list, `Invalid` for a negative quantity or one that the
    /// vendor refuses, `Auth`, `PermissionDenied`, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Protocol`. Where
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) is true, read
    /// the quantity back before doing anything else.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// use tallyline_sherweb::models::SubscriptionAmendment;
    ///
    /// let wanted = [SubscriptionAmendment::new("8f14e45f-subscription", 12)];
    /// let receipt = client.amend_subscriptions("5d0c5a1e-customer", &wanted).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn amend_subscriptions(
        &self,
        customer_id: &str,
        amendments: &[SubscriptionAmendment],
    ) -> Result<WriteReceipt> {
        let operation = &operations::AMEND;
        if amendments.is_empty() {
            return Err(config("no subscription to amend").with_operation(operation.name));
        }
        for amendment in amendments {
            check_id(operation, "subscription id", &amendment.subscription_id)?;
            if amendment.new_quantity < 0 {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("{} is not a quantity", amendment.new_quantity),
                )
                .with_connector(CONNECTOR)
                .with_operation(operation.name)
                .with_context("subscription", amendment.subscription_id.clone()));
            }
        }
        let request = Self::of_customer(operation, customer_id)?.json(&AmendmentBody {
            subscription_amendment_parameters: amendments,
        });
        receipt(&self.inner.writes.send(request).await?)
    }

    /// Cancels subscriptions of one customer.
    ///
    /// `POST /service-provider/v1/billing/subscriptions/cancellations`. The answer says that
    /// the change was accepted, not that it was applied.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have been carried out. List the subscriptions.
    ///
    /// # Errors
    /// As [`amend_subscriptions`](Self::amend_subscriptions).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let ids = ["8f14e45f-subscription".to_owned()];
    /// let receipt = client.cancel_subscriptions("5d0c5a1e-customer", &ids).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cancel_subscriptions(
        &self,
        customer_id: &str,
        subscription_ids: &[String],
    ) -> Result<WriteReceipt> {
        let operation = &operations::CANCEL;
        if subscription_ids.is_empty() {
            return Err(config("no subscription to cancel").with_operation(operation.name));
        }
        for id in subscription_ids {
            check_id(operation, "subscription id", id)?;
        }
        let request =
            Self::of_customer(operation, customer_id)?.json(&CancellationBody { subscription_ids });
        receipt(&self.inner.writes.send(request).await?)
    }

    /// Reads how far an amendment is.
    ///
    /// `GET /service-provider/v1/billing/subscriptions/amendments/{subscriptionsAmendmentId}/status`.
    /// The vendor is said to prefer [`tracking`](Self::tracking) where the receipt has an id
    /// for it.
    ///
    /// # Errors
    /// `Config` for an empty id, `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let state = client.amendment_status("3c6e0b8a-amendment").await?.status;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn amendment_status(
        &self,
        subscriptions_amendment_id: &str,
    ) -> Result<AmendmentStatus> {
        let operation = &operations::AMENDMENT_STATUS;
        check_id(operation, "amendment id", subscriptions_amendment_id)?;
        let request =
            Request::new(operation).path("subscriptionsAmendmentId", subscriptions_amendment_id);
        self.inner.service_provider.json(request).await
    }

    /// Reads how far a tracked change is.
    ///
    /// `GET /service-provider/v1/tracking/{trackingId}`
    ///
    /// # Errors
    /// As [`amendment_status`](Self::amendment_status).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let state = client.tracking("9b74c989-tracking").await?.status;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn tracking(&self, tracking_id: &str) -> Result<TrackingStatus> {
        let operation = &operations::TRACKING;
        check_id(operation, "tracking id", tracking_id)?;
        let request = Request::new(operation).path("trackingId", tracking_id);
        self.inner.service_provider.json(request).await
    }
}
