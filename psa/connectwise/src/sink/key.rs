//! Agreements by keys of one's own: where a key stands, and the agreement that carries it.

use tallyline_core::model::{AgreementId, AgreementKey};
use tallyline_core::{ErrorKind, Result};

use super::ConnectWiseSink;
use super::read::wire_id;
use super::write::refusal;
use crate::client::ListOptions;
use crate::conditions::Field;
use crate::json::ExactJson;
use crate::models::{Agreement, CustomFieldValue, NewAgreement, NewCustomFieldValue};

/// The longest name of an agreement.
const LONGEST_NAME: usize = 100;

/// What is left of a name beside the key, at the least.
const SHORTEST_NAME: usize = 20;

/// How a key begins that Tallyline made; others stand in a name behind a mark.
const OWN: &str = "TL-";
const MARK: &str = "TL:";

/// More agreements of one key than this are not looked through.
const MOST: usize = 1_000;

/// Where an agreement that was created for a service carries the key that it is recognised by.
///
/// | | survives a rename | costs | fails where |
/// |---|---|---|---|
/// | suffix of the name | as long as the person leaves the part in brackets | the key shows in the name, and on invoices that print it | someone takes the key out of the name: the journal still knows the agreement, and without the journal nothing does |
/// | custom field | yes | a text field on agreements, set up once; its id and caption in the settings | someone edits or empties the field |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgreementKeyPlacement {
    /// At the end of its name, in brackets.
    #[default]
    NameSuffix,
    /// In a custom field on agreements, of type text.
    CustomField {
        /// The field's id.
        id: i64,
        /// The field's caption: how it is searched, and found in answers that leave the id out.
        caption: String,
    },
}

impl AgreementKeyPlacement {
    /// Puts a key, and the name with it, on a new agreement.
    pub(super) fn put(
        &self,
        key: &AgreementKey,
        name: &str,
        agreement: &mut NewAgreement,
    ) -> Result<()> {
        match self {
            Self::NameSuffix => {
                let suffix = format!(" [{}]", written(key));
                let left = LONGEST_NAME.saturating_sub(suffix.chars().count());
                if left < SHORTEST_NAME || key.as_str().contains([']', '[']) {
                    return Err(refusal(
                        ErrorKind::Unsupported,
                        format!(
                            "{key} does not fit into the name of an agreement: keep keys in a \
                             custom field"
                        ),
                    ));
                }
                let kept: String = name.chars().take(left).collect();
                // With two keys in its name it would be found by neither, and could be created again.
                if keys_in(&kept).next().is_some() {
                    return Err(refusal(
                        ErrorKind::Unsupported,
                        format!(
                            "the name {kept} carries a key already, and {key} beside it would not \
                             be found: keep keys in a custom field"
                        ),
                    ));
                }
                agreement.name = format!("{}{suffix}", kept.trim_end());
            }
            Self::CustomField { id, caption } => {
                agreement.name = name.chars().take(LONGEST_NAME).collect();
                agreement.custom_fields.push(NewCustomFieldValue {
                    id: *id,
                    caption: Some(caption.clone()),
                    value: Some(ExactJson::of(&key.as_str())?),
                });
            }
        }
        Ok(())
    }

    /// The key that an agreement carries. A name with two of them carries none.
    pub(super) fn read(&self, agreement: &Agreement) -> Option<AgreementKey> {
        match self {
            Self::NameSuffix => {
                let name = agreement.name.as_deref()?;
                let mut keys = keys_in(name);
                let key = keys.next()?;
                keys.next().is_none().then_some(key)
            }
            Self::CustomField { id, caption } => {
                let is_it = |field: &&CustomFieldValue| match field.id {
                    Some(found) => found == *id,
                    None => field.caption.as_deref() == Some(caption),
                };
                let field = agreement.custom_fields.iter().find(is_it)?;
                field.text().map(AgreementKey::new)
            }
        }
    }

    fn search(&self, key: &AgreementKey) -> ListOptions {
        match self {
            Self::NameSuffix => ListOptions::matching(Field::NAME.contains(written(key))),
            Self::CustomField { caption, .. } => ListOptions {
                custom_field_conditions: Some(
                    Field::CAPTION
                        .equals(caption.as_str())
                        .and(Field::VALUE.equals(key.as_str())),
                ),
                ..ListOptions::default()
            },
        }
    }
}

/// A key as it stands in a name.
fn written(key: &AgreementKey) -> String {
    if starts_with(key.as_str(), OWN) {
        key.to_string()
    } else {
        format!("{MARK}{key}")
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The keys that stand in a name.
fn keys_in(name: &str) -> impl Iterator<Item = AgreementKey> {
    name.split('[').skip(1).filter_map(in_brackets)
}

/// The key in what follows an opening bracket.
fn in_brackets(after: &str) -> Option<AgreementKey> {
    let (inner, _) = after.split_once(']')?;
    let inner = inner.trim();
    let key = match (starts_with(inner, OWN), starts_with(inner, MARK)) {
        (true, _) => inner,
        (_, true) => inner[MARK.len()..].trim(),
        _ => return None,
    };
    (!key.is_empty()).then(|| AgreementKey::new(key))
}

impl ConnectWiseSink {
    /// The agreement that carries a key, by [`AgreementKeyPlacement`], of whatever company; a cancelled
    /// one only where no other does.
    ///
    /// What the system's filter let through is compared again: blanks around a key and the case of its
    /// letters do not count.
    ///
    /// `GET /finance/agreements`; needs *Finance / Agreements: Inquire*.
    ///
    /// # Errors
    /// `Conflict` when several agreements carry it, naming them; and the errors of any read: a look-up
    /// that failed does not mean that there is none.
    pub async fn find_agreement(&self, key: &AgreementKey) -> Result<Option<Agreement>> {
        let placement = &self.0.agreement_key;
        let mut found = self
            .client()
            .agreements(&placement.search(key))
            .try_collect_all(MOST)
            .await?;
        found.retain(|agreement| {
            placement
                .read(agreement)
                .is_some_and(|read| read.is_same(key.as_str()))
        });
        // A row may come twice when the list moves between two pages.
        let mut seen = std::collections::HashSet::new();
        found.retain(|agreement| agreement.id.is_none_or(|id| seen.insert(id)));
        let cancelled = |agreement: &Agreement| agreement.cancelled_flag == Some(true);
        if found.iter().any(|agreement| !cancelled(agreement)) {
            found.retain(|agreement| !cancelled(agreement));
        }
        if found.len() < 2 {
            return Ok(found.pop());
        }
        let ids: Vec<String> = found
            .iter()
            .map(|agreement| {
                agreement
                    .id
                    .map_or_else(|| "?".to_owned(), |id| id.to_string())
            })
            .collect();
        Err(refusal(
            ErrorKind::Conflict,
            format!(
                "agreements {} all carry {key}: a person has to leave it on one",
                ids.join(", ")
            ),
        ))
    }

    /// The id of an agreement that is named by its id or by its key.
    pub(super) async fn agreement_id(&self, agreement: &AgreementId) -> Result<i64> {
        let Some(key) = agreement.key() else {
            return wire_id("an agreement", agreement.as_str());
        };
        let found = self.find_agreement(&key).await?;
        let Some(found) = found.filter(|found| found.cancelled_flag != Some(true)) else {
            return Err(refusal(
                ErrorKind::NotFound,
                format!("no agreement carries {key}"),
            ));
        };
        found.id.ok_or_else(|| {
            refusal(
                ErrorKind::Protocol,
                format!("the agreement that carries {key} comes without an id"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Agreement {
        Agreement {
            name: Some(name.to_owned()),
            ..Agreement::default()
        }
    }

    fn put(key: &str, name: &str) -> Result<String> {
        let mut new = NewAgreement::default();
        AgreementKeyPlacement::NameSuffix.put(&AgreementKey::new(key), name, &mut new)?;
        Ok(new.name)
    }

    #[test]
    fn a_key_survives_every_rename_that_leaves_the_brackets() {
        let key = "TL-0123456789abcdef01234567";
        let placement = AgreementKeyPlacement::NameSuffix;
        let name = put(key, "nwd-vdc-01").unwrap();
        assert_eq!(name, format!("nwd-vdc-01 [{key}]"));
        let lower = key.to_lowercase();
        for renamed in [
            name.clone(),
            format!("Private cloud [{key}] (old name)"),
            format!("[{lower}] Private cloud [gold]"),
        ] {
            let read = placement.read(&named(&renamed)).unwrap();
            assert!(read.is_same(key), "{renamed}");
        }
        for other in [
            "Private cloud",
            "Cloud [gold]",
            "Cloud [TL-1",
            "[TL-1] [TL-2]",
        ] {
            assert_eq!(placement.read(&named(other)), None, "{other}");
        }
    }

    #[test]
    fn a_long_name_gives_way_to_the_key_and_a_key_of_a_vendor_is_marked() {
        let name = put("TL-0123456789abcdef01234567", &"n".repeat(100)).unwrap();
        assert_eq!(name.chars().count(), 100);
        assert!(name.ends_with("n [TL-0123456789abcdef01234567]"), "{name}");
        let name = put("a1b2", "Mail").unwrap();
        assert_eq!(name, "Mail [TL:a1b2]");
        let read = AgreementKeyPlacement::NameSuffix.read(&named(&name));
        assert_eq!(read, Some(AgreementKey::new("a1b2")));
        assert!(put(&"k".repeat(90), "Mail").is_err());
        assert!(put("a]b", "Mail").is_err());
        // Cut off, it is none.
        let cut = format!("{} [TL-1]", "n".repeat(84));
        assert!(put("a1b2", &cut).is_ok());
        assert!(put("a1b2", &cut[4..]).is_err());
    }
}
