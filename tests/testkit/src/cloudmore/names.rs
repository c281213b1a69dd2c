//! The names of members: the real ones are not published, so that a client must cope with others.

use std::collections::BTreeMap;

use crate::json::Json;

/// Other names for members of answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Gives a member another name, wherever it stands.
    #[must_use]
    pub fn rename(mut self, name: &str, other: &str) -> Self {
        self.0.insert(name.to_owned(), other.to_owned());
        self
    }

    /// An answer with these names.
    pub(super) fn apply(&self, json: Json) -> Json {
        if self.0.is_empty() {
            return json;
        }
        match json {
            Json::Array(items) => {
                Json::Array(items.into_iter().map(|item| self.apply(item)).collect())
            }
            Json::Object(members) => {
                let members = members.into_iter().map(|(name, value)| {
                    let name = self.0.get(&name).cloned().unwrap_or(name);
                    (name, self.apply(value))
                });
                Json::Object(members.collect())
            }
            other => other,
        }
    }
}
