//! What a reading is put together from, in both sources of this crate.

use std::collections::BTreeMap;

use tallyline_core::model::{AccountReading, Basis, ServiceKey, Timestamp, UsageLine};

use crate::source::ServiceKind;

/// The key that is mapped: kind and property, each with its own slashes encoded.
pub(crate) fn service_key(kind: &ServiceKind, property: &str) -> ServiceKey {
    let part = |text: &str| text.replace('%', "%25").replace('/', "%2F");
    format!("{}/{}", part(kind.as_str()), part(property)).into()
}

/// The lines of one account, and what cannot be told of it.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    lines: Vec<UsageLine>,
    unobserved: BTreeMap<ServiceKey, String>,
}

impl Observed {
    /// Adds a line.
    pub(crate) fn line(&mut self, line: UsageLine) {
        self.lines.push(line);
    }

    /// Says that nothing may be concluded about a service, and why.
    pub(crate) fn unobserved(&mut self, key: ServiceKey, why: impl Into<String>) {
        self.unobserved.entry(key).or_insert_with(|| why.into());
    }

    /// The reading, without the lines of services that are not observed whole.
    pub(crate) fn into_reading(
        mut self,
        account: &str,
        basis: Basis,
        now: Timestamp,
    ) -> AccountReading {
        let unobserved = self.unobserved;
        self.lines
            .retain(|line| !unobserved.contains_key(&line.service));
        self.lines.sort_by(|a, b| a.key.cmp(&b.key));
        AccountReading::complete(account, self.lines, basis, now).with_unobserved(unobserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pairs_of_kind_and_property_have_one_key() {
        let key =
            |kind: &str, property| service_key(&ServiceKind::from(kind), property).to_string();
        assert_eq!(key("vdc", "ram"), "vdc/ram");
        assert_eq!(key("a/b", "c"), "a%2Fb/c");
        assert_eq!(key("a", "b/c"), "a/b%2Fc");
        assert_eq!(key("a%2Fb", "c"), "a%252Fb/c");
    }

    #[test]
    fn a_service_of_which_a_part_cannot_be_told_has_no_line() {
        let mut observed = Observed::default();
        for key in ["b/ram", "a/ram", "a/cpu"] {
            let service = if key.ends_with("ram") {
                "vm/ram"
            } else {
                "vm/cpu"
            };
            observed.line(UsageLine::new(key, service, 1_u32));
        }
        observed.unobserved("vm/cpu".into(), "the first reason");
        observed.unobserved("vm/cpu".into(), "another one");
        let now = Timestamp::from_second(0).unwrap();
        let reading = observed.into_reading("901", Basis::Live, now);
        let keys: Vec<&str> = reading
            .lines()
            .unwrap()
            .iter()
            .map(|line| line.key.as_str())
            .collect();
        assert_eq!(keys, ["a/ram", "b/ram"]);
        let why: Vec<&String> = reading.unobserved.values().collect();
        assert_eq!(why, ["the first reason"]);
    }
}
