//! Wire types, named exactly as the API names things.
//!
//! Response types ignore members they do not know, keep words they do not know, and are
//! `#[non_exhaustive]`: build one for a test with `Default` and set its fields. Only the ids that
//! name a record are required. Dates are kept as they were written, since one that cannot be read
//! must not fail its record; [`civil_date`] reads them.

mod catalog;
mod company;
mod field;
mod invoice;
mod report;
mod subscription;

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{exact_decimal, parse_date, text_or_number};

pub use catalog::{
    AccountField, DisplayType, EnumMember, MarketplaceInfo, MarketplaceServiceCharge,
    MarketplaceServiceCharges, ProductBillingInfo, ServiceFields, ServiceInformation,
    SimpleProductInfo,
};
pub use company::{Company, Department};
pub use field::FieldValue;
pub use invoice::{Invoice, ServiceCharge};
pub use report::{
    InvoiceAggregation, InvoiceAggregationLine, ProductAccount, ProductAccounts, Report,
    ReportColumn, ReportInfo, ReportParameter, ReportRow,
};
pub use subscription::{
    AccountState, Addon, Subscription, SubscriptionField, SubscriptionPriceableItem,
};

/// The calendar date that a local date-time begins with; `None` where it cannot be read.
///
/// ```
/// use tallyline_dandh::models::civil_date;
///
/// assert_eq!(
///     civil_date("2026-01-03T11:22:33.46").map(|date| date.to_string()).as_deref(),
///     Some("2026-01-03")
/// );
/// assert_eq!(civil_date("03.01.2026"), None);
/// ```
#[must_use]
pub fn civil_date(text: &str) -> Option<CivilDate> {
    parse_date(text)
}

/// Reads an id: a whole number, also where it is written as `733001.0` or as text.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = exact_decimal(deserializer)?.normalize();
    if value.scale() > 0 {
        return Err(D::Error::custom(format!("{value} is no id")));
    }
    i64::try_from(value).map_err(|_| D::Error::custom(format!("{value} is no id")))
}

/// As [`id`]; `null` and an empty text are `None`.
fn id_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get() {
        "null" | "\"\"" => Ok(None),
        text => id(&mut serde_json::Deserializer::from_str(text))
            .map(Some)
            .map_err(D::Error::custom),
    }
}

/// Reads a text, or a whole number as its text; `null` and blank are `None`.
fn text_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "text_or_number")] Arc<str>);

    let text = Option::<Text>::deserialize(deserializer)?;
    Ok(text
        .map(|text| text.0.as_ref().to_owned())
        .filter(|text| !text.trim().is_empty()))
}

/// Reads a word of an open list, which an old client has seen as its number; blank is `None`.
fn word_opt<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> From<&'a str>,
{
    Ok(text_opt(deserializer)?.map(|word| T::from(word.trim())))
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
    #[serde(default)]
    struct Row {
        #[serde(deserialize_with = "id")]
        own: i64,
        #[serde(deserialize_with = "id_opt")]
        other: Option<i64>,
        #[serde(deserialize_with = "text_opt")]
        text: Option<String>,
        #[serde(deserialize_with = "word_opt")]
        state: Option<AccountState>,
    }

    fn row(json: &str) -> tallyline_core::Result<Row> {
        decode_json(json.as_bytes())
    }

    #[test]
    fn an_id_is_a_whole_number_in_whichever_form() {
        for json in [
            r#"{"own":733001}"#,
            r#"{"own":733001.0}"#,
            r#"{"own":"733001"}"#,
        ] {
            assert_eq!(row(json).unwrap().own, 733_001, "{json}");
        }
        for json in [
            r#"{"own":1.5}"#,
            r#"{"own":null}"#,
            r#"{"own":true}"#,
            r#"{"own":9223372036854775808}"#,
            r#"{"own":1e400}"#,
            r#"{"other":"x"}"#,
            r#"{"other":0.1}"#,
        ] {
            assert!(row(json).is_err(), "{json}");
        }
        for json in [r#"{"other":null}"#, r#"{"other":""}"#, "{}"] {
            assert_eq!(row(json).unwrap().other, None, "{json}");
        }
        assert_eq!(row(r#"{"other":7.0}"#).unwrap().other, Some(7));
    }

    #[test]
    fn texts_may_be_numbers_and_words_are_read_in_any_case() {
        let read = row(r#"{"text":2004411,"state":"ACTIVE"}"#).unwrap();
        assert_eq!(read.text.as_deref(), Some("2004411"));
        assert_eq!(read.state, Some(AccountState::Active));
        let odd = row(r#"{"text":" ","state":3}"#).unwrap();
        assert_eq!(odd.text, None);
        assert_eq!(odd.state, Some(AccountState::Unknown("3".into())));
    }
}
