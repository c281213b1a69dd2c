//! Alerts, which become tickets of the MSP's PSA.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::GradientClient;
use crate::models::{AlertCreated, AlertStatus, NewAlert};
use crate::operations;

impl GradientClient {
    /// Raises an alert for an account. The ticket is made later: see [`Self::alert_status`].
    ///
    /// `POST /api/vendor-api/alerting/{accountId}`
    ///
    /// # Errors
    /// `NotFound` when the MSP has not mapped the account, `Conflict` when there is an alert of
    /// that id, and the errors of any write.
    pub async fn create_alert(&self, account: &str, alert: &NewAlert) -> Result<AlertCreated> {
        let request = Request::new(&operations::ALERT_CREATE)
            .path("accountId", account)
            .account(account)
            .json(alert);
        self.write(request).await
    }

    /// Reads what became of an alert.
    ///
    /// `GET /api/vendor-api/alerting/debug/{messageId}`
    ///
    /// # Errors
    /// `NotFound` when there is no such message, and the errors of any read.
    pub async fn alert_status(&self, message: &str) -> Result<AlertStatus> {
        self.read(Request::new(&operations::ALERT_STATUS).path("messageId", message))
            .await
    }
}
