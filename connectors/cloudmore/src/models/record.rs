//! Answers whose fields are not published, and the id of a job.

use std::fmt;

use percent_encoding::percent_decode_str;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Json, Object};

/// One object of an answer, whole and exact.
///
/// ```
/// use tallyline_cloudmore::models::Record;
///
/// let record: Record = serde_json::from_str(r#"{"serviceId":"a1","quantity":12.50}"#)?;
/// assert_eq!(record.text("serviceId").as_deref(), Some("a1"));
/// assert_eq!(record.decimal("quantity").map(|it| it.to_string()).as_deref(), Some("12.50"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(Object);

impl Record {
    /// The members.
    #[must_use]
    pub fn fields(&self) -> &Object {
        &self.0
    }

    /// The text of a member: a text that is not blank, or a number as it is written.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.text(name)
    }

    /// The exact number of a member.
    #[must_use]
    pub fn decimal(&self, name: &str) -> Option<Decimal> {
        self.0.decimal(name)
    }

    /// The record as a JSON value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::Object(self.0.clone())
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Object(fields) => Ok(Self(fields)),
            _ => Err(serde::de::Error::custom("it is no object")),
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

/// The id of a job that the vendor works on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskId(String);

impl TaskId {
    /// The id from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id in a `Location` header: the last segment of its path, whatever the host.
    ///
    /// The location of the collection itself holds no id, nor does one that ends in a dot path.
    #[must_use]
    pub fn from_location(location: &str, collection: &str) -> Option<Self> {
        let path = location.split(['?', '#']).next()?;
        // What stands between `//` and the next `/` is a host.
        let path = match path.split_once("//") {
            Some((_, rest)) => rest.split_once('/')?.1,
            None => path,
        };
        let last = path.trim_end_matches('/').rsplit('/').next()?.trim();
        let last = percent_decode_str(last).decode_utf8().ok()?;
        let of_collection = last.eq_ignore_ascii_case(collection);
        let usable = !matches!(&*last, "" | "." | "..") && !last.contains(char::is_control);
        (usable && !of_collection).then(|| Self(last.into_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_id_is_the_last_segment_of_a_location_absolute_or_relative() {
        for location in [
            "https://api.cloudmore.com/api/resellers/r/billing/reports/JobsAsync/7c2e",
            "https://elsewhere.example.com/x/7c2e",
            "//elsewhere.example.com/7c2e",
            "/api/resellers/r/billing/reports/JobsAsync/7c2e/",
            "JobsAsync/7c2e?culture=en#top",
            "7c2e",
        ] {
            let id = TaskId::from_location(location, "JobsAsync");
            assert_eq!(id, Some(TaskId::new("7c2e")), "{location}");
        }
        let spaced = TaskId::from_location("/jobs/a%20b%2Fc", "JobsAsync");
        assert_eq!(spaced, Some(TaskId::new("a b/c")));
    }

    #[test]
    fn a_location_without_an_id_gives_none() {
        for location in [
            "",
            "/",
            "https://api.cloudmore.com",
            "https://api.cloudmore.com/",
            "/reports/jobsasync/",
            "/reports/JobsAsync?taskId=7",
            "/reports/..",
            "/reports/%2e%2E",
            "/reports/%0d%0aX",
            "/reports/%ff",
        ] {
            assert_eq!(
                TaskId::from_location(location, "JobsAsync"),
                None,
                "{location}"
            );
        }
    }
}
