//! Alerts.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::{non_empty, null_as_empty};
use tallyline_core::wire_enum;

/// An alert to be raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewAlert {
    /// The vendor's own id, unique.
    pub alert_id: String,
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// From 1, low, to 4, very high; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// From 1 to 6, each mapped to a status of tickets; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// When it is due, by ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date_time: Option<String>,
    /// The service that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,
}

impl NewAlert {
    /// An alert of low priority.
    pub fn new(
        alert_id: impl Into<String>,
        title: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            alert_id: alert_id.into(),
            title: title.into(),
            description: description.into(),
            priority: None,
            status: None,
            due_date_time: None,
            service_id: None,
        }
    }
}

/// An alert that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlertCreated {
    /// The message, to ask for what became of it.
    pub message_id: String,
    /// The vendor's own id.
    #[serde(default, deserialize_with = "non_empty")]
    pub alert_id: Option<String>,
    /// What the system's own records name it by.
    #[serde(default, rename = "correlationID", deserialize_with = "non_empty")]
    pub correlation_id: Option<String>,
}

wire_enum! {
    /// What became of an alert.
    pub enum AlertState {
        /// No ticket was made.
        Failed = "failed",
        /// It is not decided yet.
        Pending = "pending",
        /// The ticket is made.
        Success = "success",
    }
}

/// What became of an alert. Everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlertStatus {
    /// The ticket.
    #[serde(deserialize_with = "non_empty")]
    pub ticket_id: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "non_empty")]
    pub created_at: Option<String>,
    /// What is said of it.
    #[serde(deserialize_with = "non_empty")]
    pub message: Option<String>,
    /// The message.
    #[serde(deserialize_with = "non_empty")]
    pub message_id: Option<String>,
    /// Where it stands.
    pub status: Option<AlertState>,
    /// What went wrong.
    #[serde(deserialize_with = "null_as_empty")]
    pub errors: Vec<String>,
}
