//! Tags: words that people sort links by.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::check::wrong;
use super::{AccountEntry, AccountLink, Mapping, ServiceEntry, ServiceLink};
use crate::error::{Error, Result, printable};
use crate::model::{ServiceKey, VendorAccountId};

/// Between the tags of one cell of a CSV file.
pub(super) const BETWEEN_TAGS: char = ';';

/// The longest tag, in characters.
const MAX_CHARS: usize = 50;

/// A word or a few that people sort links by. Case counts.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::Tag;
///
/// assert_eq!(Tag::new(" key client ")?.as_str(), "key client");
/// assert!(Tag::new(" ").is_err());
/// # Ok::<(), tallyline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Box<str>);

impl Tag {
    /// A tag of a text; spaces around it do not count.
    ///
    /// # Errors
    /// `Mapping` when the text is blank, longer than 50 characters, or holds a semicolon, a line
    /// break or another character that cannot be seen.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        let problem = if text.is_empty() {
            "is blank: write a word"
        } else if text.chars().count() > MAX_CHARS {
            "is longer than 50 characters: use a note for what is long"
        } else if text.contains(BETWEEN_TAGS) {
            "holds a semicolon, which stands between tags: give each tag by itself"
        } else if printable(text) != text {
            "holds a character that cannot be seen: leave it out"
        } else {
            return Ok(Self(text.into()));
        };
        let shown: String = printable(text).chars().take(MAX_CHARS).collect();
        Err(wrong(format!("the tag {shown:?} {problem}")))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::str::FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for Tag {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0.into()
    }
}

/// How many links carry a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TagUse {
    /// Linked accounts.
    pub accounts: usize,
    /// Linked services.
    pub services: usize,
}

impl AccountLink {
    /// Keeps what people wrote and chose beside the link that this one takes the place of.
    pub(super) fn keep_words_of(&mut self, before: &Self) {
        keep(&mut self.note, &mut self.tags, &before.note, &before.tags);
        // The choice is of an agreement of the company: with another company it is void.
        if self.metadata_to.is_none() && self.company == before.company {
            self.metadata_to.clone_from(&before.metadata_to);
        }
    }
}

impl ServiceLink {
    /// Keeps what people wrote beside the link that this one takes the place of.
    pub(super) fn keep_words_of(&mut self, before: &Self) {
        keep(&mut self.note, &mut self.tags, &before.note, &before.tags);
    }
}

fn keep(
    note: &mut Option<String>,
    tags: &mut BTreeSet<Tag>,
    note_before: &Option<String>,
    tags_before: &BTreeSet<Tag>,
) {
    if note.is_none() {
        note.clone_from(note_before);
    }
    if tags.is_empty() {
        tags.clone_from(tags_before);
    }
}

impl Mapping {
    /// Adds a tag to a linked account; one that it carries already changes nothing.
    ///
    /// # Errors
    /// `Mapping` when the account is not linked.
    pub fn add_account_tag(&mut self, account: &VendorAccountId, tag: &Tag) -> Result<()> {
        self.edit_account(account, |link| {
            link.tags.insert(tag.clone());
        })
    }

    /// Takes a tag off a linked account; one that it does not carry changes nothing.
    ///
    /// # Errors
    /// `Mapping` when the account is not linked.
    pub fn remove_account_tag(&mut self, account: &VendorAccountId, tag: &Tag) -> Result<()> {
        self.edit_account(account, |link| {
            link.tags.remove(tag);
        })
    }

    /// Adds a tag to a linked service; one that it carries already changes nothing.
    ///
    /// # Errors
    /// `Mapping` when the service is not linked.
    pub fn add_service_tag(&mut self, service: &ServiceKey, tag: &Tag) -> Result<()> {
        self.edit_service(service, |link| {
            link.tags.insert(tag.clone());
        })
    }

    /// Takes a tag off a linked service; one that it does not carry changes nothing.
    ///
    /// # Errors
    /// `Mapping` when the service is not linked.
    pub fn remove_service_tag(&mut self, service: &ServiceKey, tag: &Tag) -> Result<()> {
        self.edit_service(service, |link| {
            link.tags.remove(tag);
        })
    }

    /// Deletes a tag: takes it off everything that carries it, as one edit; says of how much.
    pub fn delete_tag(&mut self, tag: &Tag) -> TagUse {
        let mut of = TagUse::default();
        for entry in self.accounts.values_mut() {
            if let AccountEntry::Link(link) = entry {
                of.accounts += usize::from(link.tags.remove(tag));
            }
        }
        for entry in self.services.values_mut() {
            if let ServiceEntry::Link(link) = entry {
                of.services += usize::from(link.tags.remove(tag));
            }
        }
        self.revision += u64::from(of != TagUse::default());
        of
    }

    /// All tags that are in use, and how often.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<&Tag, TagUse> {
        let mut tags: BTreeMap<&Tag, TagUse> = BTreeMap::new();
        for tag in self.accounts.values().flat_map(AccountEntry::tags) {
            tags.entry(tag).or_default().accounts += 1;
        }
        for tag in self.services.values().flat_map(ServiceEntry::tags) {
            tags.entry(tag).or_default().services += 1;
        }
        tags
    }
}

impl AccountEntry {
    /// The tags; an exclusion has none.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        let tags = match self {
            Self::Link(link) => Some(&link.tags),
            Self::Exclude(_) => None,
        };
        tags.into_iter().flatten()
    }
}

impl ServiceEntry {
    /// The tags; an exclusion has none.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        let tags = match self {
            Self::Link(link) => Some(&link.tags),
            Self::Exclude(_) => None,
        };
        tags.into_iter().flatten()
    }
}
