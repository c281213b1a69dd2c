//! Amendments, cancellations and the tracking of both.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;
use tallyline_core::wire::non_empty;
use tallyline_core::wire_enum;

/// The wanted quantity of one subscription: the total, not a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionAmendment {
    /// The subscription.
    pub subscription_id: String,
    /// The total wanted.
    pub new_quantity: i32,
}

impl SubscriptionAmendment {
    /// The wanted total of a subscription.
    pub fn new(subscription_id: impl Into<String>, new_quantity: i32) -> Self {
        Self {
            subscription_id: subscription_id.into(),
            new_quantity,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AmendmentBody<'a> {
    /// Singular on the wire, although it is a list.
    pub(crate) subscription_amendment_parameters: &'a [SubscriptionAmendment],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CancellationBody<'a> {
    pub(crate) subscription_ids: &'a [String],
}

/// What the vendor answers to a write: accepted, not yet applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WriteReceipt {
    /// The id of an amendment, to ask for its status.
    #[serde(default, deserialize_with = "non_empty")]
    pub subscriptions_amendment_id: Option<String>,
    /// The id to follow the change with, in newer answers.
    #[serde(default, deserialize_with = "tracking_id")]
    pub tracking_id: Option<String>,
}

/// `{"requestTrackingId": "..."}`, or the id alone.
fn tracking_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Reference {
        #[serde(default, deserialize_with = "non_empty")]
        request_tracking_id: Option<String>,
    }

    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = match raw.get().as_bytes().first() {
        Some(b'{') => {
            serde_json::from_str::<Reference>(raw.get())
                .map_err(D::Error::custom)?
                .request_tracking_id
        }
        _ => serde_json::from_str::<Option<String>>(raw.get()).map_err(D::Error::custom)?,
    };
    Ok(text.filter(|text| !text.trim().is_empty()))
}

wire_enum! {
    ignore_case
    /// How far an amendment is.
    pub enum AmendmentState {
        /// Not yet begun.
        Pending = "Pending",
        /// Under way.
        Processing = "Processing",
        /// Applied.
        Success = "Success",
        /// Not applied.
        Failure = "Failure",
        /// Withdrawn.
        Canceled = "Canceled",
        /// Applied to some of the subscriptions only.
        PartialSuccess = "PartialSuccess",
    }
}

wire_enum! {
    ignore_case
    /// How far a tracked change is. The vendor's own value `Unknown` is kept as
    /// [`Unknown`](Self::Unknown).
    pub enum TrackingState {
        /// Waiting.
        Queued = "Queued",
        /// Under way.
        Processing = "Processing",
        /// Applied.
        Success = "Success",
        /// Not applied.
        Failure = "Failure",
    }
}

/// The status of an amendment: a bare text on the wire, or an object that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AmendmentStatus {
    /// How far it is.
    pub status: AmendmentState,
}

/// The status of a tracked change: a bare text on the wire, or an object that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackingStatus {
    /// How far it is.
    pub status: TrackingState,
}

fn status_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    struct Object {
        status: String,
    }

    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get().as_bytes().first() {
        Some(b'{') => serde_json::from_str::<Object>(raw.get()).map(|object| object.status),
        _ => serde_json::from_str::<String>(raw.get()),
    }
    .map_err(D::Error::custom)
}

impl<'de> Deserialize<'de> for AmendmentStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        status_text(deserializer).map(|text| Self {
            status: AmendmentState::from(text.as_str()),
        })
    }
}

impl<'de> Deserialize<'de> for TrackingStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        status_text(deserializer).map(|text| Self {
            status: TrackingState::from(text.as_str()),
        })
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn an_amendment_body_has_the_vendors_odd_singular() {
        let body = AmendmentBody {
            subscription_amendment_parameters: &[SubscriptionAmendment::new("s-1", 7)],
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"subscriptionAmendmentParameters":[{"subscriptionId":"s-1","newQuantity":7}]}"#
        );
    }

    #[test]
    fn a_receipt_reads_in_its_old_and_new_forms() {
        let receipt = |json: &str| decode_json::<WriteReceipt>(json.as_bytes()).unwrap();
        assert_eq!(
            receipt(r#"{"subscriptionsAmendmentId":"a-1"}"#)
                .subscriptions_amendment_id
                .as_deref(),
            Some("a-1")
        );
        for json in [
            r#"{"trackingId":{"requestTrackingId":"t-1"}}"#,
            r#"{"trackingId":"t-1"}"#,
        ] {
            assert_eq!(receipt(json).tracking_id.as_deref(), Some("t-1"), "{json}");
        }
        assert_eq!(receipt(r#"{"trackingId":null}"#), WriteReceipt::default());
    }

    #[test]
    fn a_status_is_a_bare_text_or_an_object() {
        for json in [
            r#""PartialSuccess""#,
            r#"{"status":"partialsuccess","x":1}"#,
        ] {
            assert_eq!(
                decode_json::<AmendmentStatus>(json.as_bytes())
                    .unwrap()
                    .status,
                AmendmentState::PartialSuccess,
                "{json}"
            );
        }
        assert_eq!(
            decode_json::<TrackingStatus>(br#""Unknown""#)
                .unwrap()
                .status,
            TrackingState::Unknown("Unknown".into())
        );
    }
}
