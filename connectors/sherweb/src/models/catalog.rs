//! `GET /customer-catalogs/{customerId}`: what a customer can buy.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::{non_empty, null_as_empty};

use super::{FreeForm, required_text};

/// A text in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LocalizedText {
    /// The language, such as `en` or `fr-CA`.
    #[serde(default, deserialize_with = "non_empty")]
    pub culture: Option<String>,
    /// The text.
    #[serde(default, deserialize_with = "non_empty")]
    pub value: Option<String>,
}

/// The text in a language, else in English, else the first one.
///
/// ```
/// use tallyline_sherweb::models::{CatalogItem, localized};
///
/// let item: CatalogItem = serde_json::from_str(
///     r#"{"sku": "MAIL-A", "name": [{"culture": "fr", "value": "Courriel"}, {"culture": "en", "value": "Mail"}]}"#,
/// )?;
/// assert_eq!(localized(&item.name, "fr"), Some("Courriel"));
/// assert_eq!(localized(&item.name, "de"), Some("Mail"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn localized<'a>(texts: &'a [LocalizedText], culture: &str) -> Option<&'a str> {
    let language = |text: &str| text.split('-').next().unwrap_or(text).to_ascii_lowercase();
    let find = |matches: &dyn Fn(&str) -> bool| {
        texts
            .iter()
            .filter(|text| text.culture.as_deref().is_some_and(matches))
            .find_map(|text| text.value.as_deref())
    };
    find(&|text| text.eq_ignore_ascii_case(culture))
        .or_else(|| find(&|text| language(text) == language(culture)))
        .or_else(|| find(&|text| language(text) == "en"))
        .or_else(|| texts.iter().find_map(|text| text.value.as_deref()))
}

/// What one customer can buy.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CustomerCatalog {
    /// The customer.
    #[serde(default, deserialize_with = "non_empty")]
    pub customer_id: Option<String>,
    /// The offers; `null` is read as none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub catalog_items: Vec<CatalogItem>,
}

/// One offer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CatalogItem {
    /// The offer's key.
    #[serde(deserialize_with = "required_text")]
    pub sku: String,
    /// The name in each language.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub name: Vec<LocalizedText>,
    /// The description in each language.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub description: Vec<LocalizedText>,
    /// The billing cycle, in a shape that is not published.
    #[serde(default)]
    pub billing_cycle: Option<FreeForm>,
    /// The commitment, in a shape that is not published.
    #[serde(default)]
    pub commitment_term: Option<FreeForm>,
    /// Microsoft's key of the offer, in a shape that is not published.
    #[serde(default)]
    pub microsoft_sku_id: Option<FreeForm>,
}

#[derive(Serialize)]
pub(crate) struct PricingBody<'a> {
    pub(crate) skus: &'a [String],
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_catalog_reads_whatever_shape_the_unpublished_fields_have() {
        let catalog: CustomerCatalog = decode_json(
            br#"{"customerId":"c-1","catalogItems":[
              {"sku":"A","name":[{"culture":"fr-CA","value":"Courriel"}],"billingCycle":"monthly","commitmentTerm":null},
              {"sku":"B","name":null,"billingCycle":{"type":"Yearly"},"commitmentTerm":{"length":1.10},"microsoftSkuId":7}]}"#,
        )
        .unwrap();
        let [a, b] = &catalog.catalog_items[..] else {
            panic!("two items");
        };
        assert_eq!(localized(&a.name, "en"), Some("Courriel"));
        assert!(a.commitment_term.is_none());
        assert_eq!(
            b.commitment_term.as_ref().unwrap().as_str(),
            r#"{"length":1.10}"#
        );
        assert_eq!(localized(&b.name, "en"), None);
    }
}
