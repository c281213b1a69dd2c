//! Wire types, named as the API names them.
//!
//! What the query service's records must have is their `href`; everything else is optional here, and null counts as absent;
//! members that are not named here are passed over. Numbers may come as texts, and keep every digit.

mod inventory;
mod open;
mod session;
mod vm;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tallyline_core::wire::{non_empty, text_or_number};

pub use inventory::{EdgeGatewayRecord, OrgRecord, OrgVdcRecord, StoragePolicyRecord};
pub use open::{CloudEdgeGateway, CloudOrg, EntityReference};
pub use session::{Session, SupportedVersions, VersionInfo};
pub use vm::{VmRecord, VmStatus};

/// A figure that may be absent: read from its literal text, written with all its digits.
mod figure {
    pub(super) use tallyline_core::wire::{
        as_number_opt as serialize, exact_decimal_opt as deserialize,
    };
}

/// A text that must be there.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    non_empty(deserializer)?.ok_or_else(|| D::Error::custom("the text is blank"))
}

/// True or false, also in quotes; anything else is no answer.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Bool(bool),
        Text(String),
    }
    Ok(match Option::<Flag>::deserialize(deserializer)? {
        Some(Flag::Bool(flag)) => Some(flag),
        Some(Flag::Text(text)) => match text.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        None => None,
    })
}

/// A text, or a number as its text.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Word(#[serde(deserialize_with = "text_or_number")] std::sync::Arc<str>);
    let word = Option::<Word>::deserialize(deserializer)?;
    let word = word.map(|Word(word)| word.trim().to_owned());
    Ok(word.filter(|word| !word.is_empty()))
}

/// The UUID at the end of an address such as `https://…/api/vApp/vm-<uuid>` or of a name such as
/// `urn:vcloud:org:<uuid>`, in lower case; nothing where there is none.
///
/// It is what stays when things are renamed, and the same in both families.
#[must_use]
pub fn uuid_of(reference: &str) -> Option<String> {
    let reference = reference.trim();
    let start = reference.len().checked_sub(36)?;
    let (before, uuid) = (reference.get(..start)?, reference.get(start..)?);
    let is_uuid = uuid.char_indices().all(|(at, c)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    });
    let is_end = before.is_empty() || before.ends_with(['/', ':', '-']);
    (is_uuid && is_end).then(|| uuid.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_found_at_the_end_of_addresses_and_names() {
        let uuid = "3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d10";
        for reference in [
            "https://vcd.example.com/api/vApp/vm-3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d10",
            "https://vcd.example.com/api/org/3F1D7C1A-0A4E-4F0E-8A53-1F2B6A7C9D10",
            "urn:vcloud:gateway:3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d10",
            uuid,
        ] {
            assert_eq!(uuid_of(reference).as_deref(), Some(uuid), "{reference}");
        }
        for none in [
            "",
            "vm-1",
            "x3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d10",
            "3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d1",
            "3f1d7c1a+0a4e-4f0e-8a53-1f2b6a7c9d10",
            "urn:vcloud:gateway:3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d10/x",
            "éééééééééééééééééééé",
        ] {
            assert_eq!(uuid_of(none), None, "{none}");
        }
    }

    #[test]
    fn flags_come_in_quotes_or_without_and_what_is_neither_says_nothing() {
        #[derive(Deserialize)]
        struct Own(#[serde(deserialize_with = "flag")] Option<bool>);
        for (json, wanted) in [
            ("true", Some(true)),
            ("\"false\"", Some(false)),
            ("null", None),
            ("\"perhaps\"", None),
        ] {
            let Own(found) = serde_json::from_str(json).unwrap();
            assert_eq!(found, wanted, "{json}");
        }
    }
}
