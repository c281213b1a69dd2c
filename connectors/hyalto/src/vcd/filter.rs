//! Filters of the query service and of OpenAPI, in FIQL.

use std::fmt;

/// What stands for something else in a filter, and is escaped in a value. That these are all is inferred.
const SPECIAL: [char; 11] = ['\\', ';', ',', '(', ')', '=', '!', '<', '>', '~', '*'];

/// Conditions that all must hold. Values are escaped; the client encodes the whole for its query.
///
/// ```
/// use tallyline_hyalto::vcd::Filter;
///
/// let filter = Filter::new()
///     .is("isVAppTemplate", "false")
///     .like("name", "web-*");
/// assert_eq!(filter.as_str(), "isVAppTemplate==false;name==web-*");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter(String);

impl Filter {
    /// A filter that everything passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An attribute has this value; the server compares without regard to case.
    #[must_use]
    pub fn is(self, attribute: &str, value: &str) -> Self {
        self.and(attribute, "==", &escaped(value, &SPECIAL))
    }

    /// An attribute has another value than this.
    #[must_use]
    pub fn is_not(self, attribute: &str, value: &str) -> Self {
        self.and(attribute, "!=", &escaped(value, &SPECIAL))
    }

    /// An attribute fits a pattern, in which `*` stands for anything.
    #[must_use]
    pub fn like(self, attribute: &str, pattern: &str) -> Self {
        let special: Vec<char> = SPECIAL.into_iter().filter(|c| *c != '*').collect();
        self.and(attribute, "==", &escaped(pattern, &special))
    }

    /// Its text, not encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether everything passes it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn and(mut self, attribute: &str, operator: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(attribute);
        self.0.push_str(operator);
        self.0.push_str(value);
        self
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn escaped(value: &str, special: &[char]) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if special.contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_end_their_condition_or_begin_another_one() {
        let filter = Filter::new()
            .is("name", r"a;b,c==d*\(e)")
            .is_not("org", "https://vcd.example.com/api/org/1");
        assert_eq!(
            filter.as_str(),
            r"name==a\;b\,c\=\=d\*\\\(e\);org!=https://vcd.example.com/api/org/1"
        );
        assert_eq!(Filter::new().like("name", "a*;b").as_str(), r"name==a*\;b");
        assert!(Filter::new().is_empty());
    }
}
