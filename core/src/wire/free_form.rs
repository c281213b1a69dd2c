//! Answers whose shape the vendor does not publish.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::decode_json;
use crate::error::Result;

/// JSON kept as its text, for answers whose shape is not published.
///
/// The text keeps every digit of a number; decode it into a type of your own once you know
/// the shape. `Debug` shows the length only, since the content may be anything.
///
/// ```
/// use tallyline_core::wire::FreeForm;
///
/// #[derive(serde::Deserialize)]
/// struct Mine {
///     seats: u32,
/// }
///
/// let answer: FreeForm = serde_json::from_str(r#"{"seats": 3}"#)?;
/// assert_eq!(answer.decode::<Mine>()?.seats, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeForm(Box<RawValue>);

impl FreeForm {
    /// The JSON text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Decodes the text into a type of the caller.
    ///
    /// # Errors
    /// `Protocol` with the JSON path when it does not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        decode_json(self.0.get().as_bytes())
    }
}

impl fmt::Debug for FreeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FreeForm({} bytes)", self.0.get().len())
    }
}
