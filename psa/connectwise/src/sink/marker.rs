//! Where a created line carries the mark that makes it recognisable again.

use tallyline_core::Result;
use tallyline_core::model::Marker;

use crate::json::ExactJson;
use crate::models::{Addition, CustomFieldValue, NewAddition, NewCustomFieldValue};

/// What stands before the marker, so that nothing else is taken for one.
const PREFIX: &str = "tly-";

/// How much of a marker is written: with the prefix it fits the 50 characters of a serial number.
const MAX_CHARS: usize = 40;

/// Where the marker of a created line is written: of a new line, of one that takes another's
/// place, and of a catch-up.
///
/// The API has no idempotency key. The marker is what lets a lost answer be settled: whether
/// the line that is there is the one that was sent. A line that carries the marker of another
/// change is never taken for it.
///
/// | | a lost answer is settled | costs | fails where |
/// |---|---|---|---|
/// | custom field | for certain | a field on additions, set up once; its id and caption in the settings | someone edits or empties the field |
/// | serial number | for certain | the serial number, which some print on invoices; a line with a serial number of its own is not replaced by a new one | someone edits or empties it |
/// | journal alone | by product, dates and quantity | nothing in the PSA | another line of the same product, dates and quantity is made meanwhile: it is taken for the one that was sent, and the journal is the only record of which lines are ours |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkerPlacement {
    /// In the addition's serial number.
    #[default]
    SerialNumber,
    /// In a custom field on additions, of type text.
    CustomField {
        /// The field's id.
        id: i64,
        /// The field's caption: how it is found in answers that leave the id out.
        caption: String,
    },
    /// Nowhere: a lost answer is settled by product, date and quantity.
    JournalOnly,
}

/// The marker as it is written.
pub(super) fn written(marker: &Marker) -> String {
    let kept: String = marker.as_str().chars().take(MAX_CHARS).collect();
    format!("{PREFIX}{kept}")
}

impl MarkerPlacement {
    /// Puts the marker on a new addition.
    pub(super) fn put(&self, marker: &Marker, addition: &mut NewAddition) -> Result<()> {
        match self {
            Self::SerialNumber => addition.serial_number = Some(written(marker)),
            Self::CustomField { id, caption } => {
                addition.custom_fields.push(NewCustomFieldValue {
                    id: *id,
                    caption: Some(caption.clone()),
                    value: Some(ExactJson::of(&written(marker))?),
                });
            }
            Self::JournalOnly => {}
        }
        Ok(())
    }

    /// The marker that an addition carries, without the prefix.
    pub(super) fn read(&self, addition: &Addition) -> Option<Marker> {
        let text = match self {
            Self::SerialNumber => addition.serial_number.clone(),
            Self::CustomField { id, caption } => addition
                .custom_fields
                .iter()
                .find(|field| Self::is_field(field, *id, caption))
                .and_then(|field| field.text()),
            Self::JournalOnly => None,
        }?;
        let marker = text.trim().strip_prefix(PREFIX)?;
        (!marker.is_empty()).then(|| Marker::new(marker))
    }

    /// Whether a custom field is the one that holds the marker.
    pub(super) fn is_in(&self, field: &CustomFieldValue) -> bool {
        match self {
            Self::CustomField { id, caption } => Self::is_field(field, *id, caption),
            Self::SerialNumber | Self::JournalOnly => false,
        }
    }

    fn is_field(field: &CustomFieldValue, id: i64, caption: &str) -> bool {
        match field.id {
            Some(found) => found == id,
            None => field.caption.as_deref() == Some(caption),
        }
    }

    /// Whether a marker that was read is the one that was written for a change.
    pub(super) fn is_same(read: &Marker, of_change: &Marker) -> bool {
        written(read) == written(of_change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_fits_a_serial_number_and_is_recognised() {
        let marker = Marker::new("é".repeat(64));
        let text = written(&marker);
        assert_eq!(text.chars().count(), 44);
        let addition = Addition {
            serial_number: Some(format!(" {text} ")),
            ..Addition::default()
        };
        let read = MarkerPlacement::SerialNumber.read(&addition).unwrap();
        assert!(MarkerPlacement::is_same(&read, &marker));
        assert!(!MarkerPlacement::is_same(&read, &Marker::new("other")));
    }

    #[test]
    fn a_serial_number_of_the_msp_is_no_marker() {
        for serial in ["SN-1", "tly-", "xtly-1"] {
            let addition = Addition {
                serial_number: Some(serial.to_owned()),
                ..Addition::default()
            };
            assert_eq!(MarkerPlacement::SerialNumber.read(&addition), None);
        }
    }

    #[test]
    fn a_custom_field_is_found_by_id_else_by_caption_and_trimmed() {
        let placement = MarkerPlacement::CustomField {
            id: 7,
            caption: "Sync".to_owned(),
        };
        let addition: Addition = serde_json::from_str(
            r#"{"customFields":[{"id":6,"caption":"Sync","value":"tly-no"},{"caption":"Sync","value":"\u200btly-abc "}]}"#,
        )
        .unwrap();
        assert_eq!(placement.read(&addition), Some(Marker::new("abc")));
    }
}
