//! JSON Patch as the API takes it: a bare array, bare field names, `add`, `replace`, `remove`.

use std::fmt;

use serde::Serialize;
use tallyline_core::{Error, ErrorKind, Result};

use crate::json::ExactJson;
use crate::models::NewCustomFieldValue;

/// The name of a field to patch: case-sensitive, without a leading slash.
///
/// Sub-paths such as `status/id` are left out on purpose: the system may answer 200 to one
/// and change nothing. Replace the whole reference instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct FieldName(std::borrow::Cow<'static, str>);

impl FieldName {
    /// `quantity` of an addition.
    pub const QUANTITY: Self = Self::known("quantity");
    /// `unitCost` of an addition.
    pub const UNIT_COST: Self = Self::known("unitCost");
    /// `unitPrice` of an addition.
    pub const UNIT_PRICE: Self = Self::known("unitPrice");
    /// `effectiveDate` of an addition.
    pub const EFFECTIVE_DATE: Self = Self::known("effectiveDate");
    /// `cancelledDate` of an addition.
    pub const CANCELLED_DATE: Self = Self::known("cancelledDate");
    /// `lessIncluded` of an addition.
    pub const LESS_INCLUDED: Self = Self::known("lessIncluded");
    /// `serialNumber` of an addition.
    pub const SERIAL_NUMBER: Self = Self::known("serialNumber");
    /// `internalNotes` of an agreement.
    pub const INTERNAL_NOTES: Self = Self::known("internalNotes");
    /// `invoiceDescription` of an addition or an agreement.
    pub const INVOICE_DESCRIPTION: Self = Self::known("invoiceDescription");
    /// `customFields` of any record: takes the whole array.
    pub const CUSTOM_FIELDS: Self = Self::known("customFields");

    const fn known(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// A field by name.
    ///
    /// # Errors
    /// `Config` unless the name is made of ASCII letters and digits and starts with a letter.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !good {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{name:?} is not a field name: write it bare, as in \"quantity\""),
            ));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One operation of a patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
#[non_exhaustive]
pub enum PatchOperation {
    /// Sets a field, an empty one too.
    Replace {
        /// The field.
        path: FieldName,
        /// The value, of the field's own JSON type.
        value: ExactJson,
    },
    /// Adds to a field.
    Add {
        /// The field.
        path: FieldName,
        /// The value, of the field's own JSON type.
        value: ExactJson,
    },
    /// Empties a field.
    Remove {
        /// The field.
        path: FieldName,
    },
}

/// A patch: operations that are carried out together.
///
/// ```
/// use tallyline_connectwise::patch::{FieldName, Patch};
/// use tallyline_core::model::Quantity;
///
/// # fn main() -> tallyline_core::Result<()> {
/// let patch = Patch::new().replace(FieldName::QUANTITY, Quantity::from(14_u32))?;
/// assert_eq!(
///     serde_json::to_string(&patch).unwrap_or_default(),
///     r#"[{"op":"replace","path":"quantity","value":14}]"#
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Patch(Vec<PatchOperation>);

impl Patch {
    /// A patch without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field.
    ///
    /// # Errors
    /// `Unexpected` when the value cannot be written as JSON.
    pub fn replace<V>(mut self, path: FieldName, value: V) -> Result<Self>
    where
        V: TryInto<ExactJson>,
        Error: From<V::Error>,
    {
        let value = value.try_into()?;
        self.0.push(PatchOperation::Replace { path, value });
        Ok(self)
    }

    /// Sets a field to a value that is JSON already.
    pub(crate) fn replace_json(mut self, path: FieldName, value: ExactJson) -> Self {
        self.0.push(PatchOperation::Replace { path, value });
        self
    }

    /// Adds to a field.
    ///
    /// # Errors
    /// `Unexpected` when the value cannot be written as JSON.
    pub fn add<V>(mut self, path: FieldName, value: V) -> Result<Self>
    where
        V: TryInto<ExactJson>,
        Error: From<V::Error>,
    {
        let value = value.try_into()?;
        self.0.push(PatchOperation::Add { path, value });
        Ok(self)
    }

    /// Empties a field.
    #[must_use]
    pub fn remove(mut self, path: FieldName) -> Self {
        self.0.push(PatchOperation::Remove { path });
        self
    }

    /// Sends the custom fields along, whole.
    ///
    /// # Errors
    /// `Unexpected` when a value cannot be written as JSON.
    pub fn custom_fields(mut self, fields: &[NewCustomFieldValue]) -> Result<Self> {
        self.0.push(PatchOperation::Replace {
            path: FieldName::CUSTOM_FIELDS,
            value: ExactJson::of(fields)?,
        });
        Ok(self)
    }

    /// The operations, in order.
    #[must_use]
    pub fn operations(&self) -> &[PatchOperation] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::parse_decimal;

    use super::*;

    fn json(patch: &Patch) -> String {
        serde_json::to_string(patch).unwrap()
    }

    #[test]
    fn a_number_of_28_digits_is_sent_with_every_digit() {
        let number = parse_decimal("7922816251426.433759354395033").unwrap();
        let patch = Patch::new().replace(FieldName::QUANTITY, number).unwrap();
        assert_eq!(
            json(&patch),
            r#"[{"op":"replace","path":"quantity","value":7922816251426.433759354395033}]"#
        );
    }

    #[test]
    fn operations_keep_their_order_and_remove_has_no_value() {
        let date = "2026-03-31"
            .parse::<tallyline_core::model::CivilDate>()
            .unwrap();
        let patch = Patch::new()
            .replace(FieldName::CANCELLED_DATE, date)
            .unwrap()
            .add(FieldName::SERIAL_NUMBER, "a\"b")
            .unwrap()
            .remove(FieldName::INVOICE_DESCRIPTION);
        assert_eq!(
            json(&patch),
            concat!(
                r#"[{"op":"replace","path":"cancelledDate","value":"2026-03-31T00:00:00Z"},"#,
                r#"{"op":"add","path":"serialNumber","value":"a\"b"},"#,
                r#"{"op":"remove","path":"invoiceDescription"}]"#
            )
        );
    }

    #[test]
    fn a_name_with_a_slash_is_refused() {
        for name in ["/quantity", "status/id", "", "1a"] {
            assert_eq!(
                FieldName::new(name).unwrap_err().kind(),
                ErrorKind::Config,
                "{name}"
            );
        }
    }
}
