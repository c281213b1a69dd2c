//! `GET /customers`.

use serde::{Deserialize, Serialize};
use tallyline_core::model::Timestamp;
use tallyline_core::wire::{instant_opt, non_empty, null_as_empty};

use super::required_text;

/// All customers of the service provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Customers {
    /// The customers; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub items: Vec<Customer>,
}

/// One customer: an account in the words of this project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Customer {
    /// The id, a UUID.
    #[serde(deserialize_with = "required_text")]
    pub id: String,
    /// The name to show. Not unique.
    #[serde(default, deserialize_with = "non_empty")]
    pub display_name: Option<String>,
    /// The place in the reseller hierarchy, presumably outermost first.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub path: Vec<String>,
    /// When it was suspended. A suspended customer may still have quantities.
    #[serde(default, deserialize_with = "instant_opt")]
    pub suspended_on: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_list_is_empty_when_the_vendor_says_so_and_not_when_it_is_absent() {
        for json in ["{}", r#"{"message":"be right back"}"#, "[]"] {
            assert!(decode_json::<Customers>(json.as_bytes()).is_err(), "{json}");
        }
        for json in [r#"{"items":null}"#, r#"{"items":[]}"#] {
            let customers: Customers = decode_json(json.as_bytes()).unwrap();
            assert!(customers.items.is_empty(), "{json}");
        }
    }

    #[test]
    fn newer_fields_do_not_break_a_customer() {
        let customers: Customers = decode_json(
            br#"{"items":[{"id":"c-1","displayName":"Fern Clinic","path":null,
                "suspendedOn":"2026-01-13T20:30:05.7613888","contact":{"email":"a@example.com"}}],"more":1}"#,
        )
        .unwrap();
        assert_eq!(
            customers.items[0].display_name.as_deref(),
            Some("Fern Clinic")
        );
        assert_eq!(
            customers.items[0].suspended_on.unwrap().to_string(),
            "2026-01-13T20:30:05.7613888Z"
        );
    }

    #[test]
    fn a_customer_without_an_id_is_refused_by_its_path() {
        let error = decode_json::<Customers>(br#"{"items":[{"id":"c-1"},{"id":""}]}"#).unwrap_err();
        assert_eq!(error.json_path(), Some("items[1].id"));
    }
}
