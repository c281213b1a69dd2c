//! What is known of the wire beside the shapes of the records in [`models`](crate::models): paths, names of parameters,
//! forms of lists, the token call. Whoever has the vendor's own specification corrects it here.
//!
//! Marks: *official* stands on the vendor's help page, *seen* in one public script, *inferred* nowhere.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tallyline_core::http::{RawRecord, Response};
use tallyline_core::model::Timestamp;
use tallyline_core::{ErrorKind, Result};
use url::form_urlencoded::byte_serialize;

use crate::models::TokenClaims;

/// Where the API is. Official.
pub const DEFAULT_BASE_URL: &str = "https://api.hyalto.com";

/// The call for a token, as the help page prints it. Official.
pub(crate) const TOKEN: &str = "/accountManagement/auth/token";

/// The same as the script sends it. Seen.
pub(crate) const TOKEN_WITH_SLASH: &str = "/accountManagement/auth/token/";

/// The accounts. Seen, with its trailing slash.
pub(crate) const ACCOUNTS: &str = "/accountManagement/accounts/";

/// The services of an account. Seen, with its trailing slash.
pub(crate) const SERVICES: &str = "/serviceOfferings/accounts/{accountId}/services/";

/// The usage of an account. Seen, without one.
pub(crate) const USAGE: &str = "/solutions/usage/account/{accountId}/raw";

/// The service whose usage is asked for. Seen, with its capital letter.
const SERVICE_FILTER: &str = "filter[Services_id]";
const START_FILTER: &str = "filter[startTime]";
const END_FILTER: &str = "filter[endTime]";

/// Which of the two paths asks for a token: both are on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenPath {
    /// Without a trailing slash, as the vendor's help page has it.
    #[default]
    WithoutSlash,
    /// With one.
    WithSlash,
}

/// How brackets in names of parameters are sent. By the rules of URLs both mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Brackets {
    /// As they are: the one form that was seen.
    #[default]
    Literal,
    /// Percent-encoded, for what stands between and minds.
    Encoded,
}

/// The query of a usage call.
pub(crate) fn usage_query(
    brackets: Brackets,
    service: &str,
    from: Timestamp,
    to: Timestamp,
) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pairs = [
        (SERVICE_FILTER, service.to_owned()),
        (START_FILTER, time(from)),
        (END_FILTER, time(to)),
    ];
    let pairs = pairs.map(|(name, value)| {
        let name = match brackets {
            Brackets::Literal => name.to_owned(),
            Brackets::Encoded => encoded(name),
        };
        format!("{name}={}", encoded(&value))
    });
    pairs.join("&")
}

/// `YYYY-MM-DDTHH:MM:SS`, of UTC. The form is seen; that it is UTC is inferred.
fn time(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    whole.to_string().trim_end_matches('Z').to_owned()
}

/// The body of the call for a token. The names are seen.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenRequest<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) secret_key: &'a str,
}

/// Its answer. Official. It tells no lifetime; its `tokenType` is always `Bearer` and tells nothing of the header.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedToken {
    pub(crate) access_token: String,
}

/// How long a token lives that does not say it: that of the sample. Official.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What stands in a token, unverified: the signature is the vendor's to check. None where it cannot be read.
pub(crate) fn claims(token: &str) -> Option<TokenClaims> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// From a token's issue to its expiry, so that no clock of this side counts.
pub(crate) fn lifetime(token: &str) -> Duration {
    let told = claims(token).and_then(|claims| claims.exp?.checked_sub(claims.iat?));
    told.and_then(|life| u64::try_from(life).ok())
        .filter(|life| *life > 0)
        .map_or(LIFETIME, Duration::from_secs)
}

/// Members that may hold the rows of a list that is no bare array, beside the name of its resource. Inferred.
const WRAPPERS: [&str; 3] = ["data", "items", "results"];

/// Members by which such a list may say how many rows there are in all. Inferred.
const TOTALS: [&str; 4] = ["total", "totalCount", "totalResults", "count"];

/// Members by which it may say that it goes on. Inferred.
const MORE: [&str; 7] = [
    "next",
    "nextPage",
    "nextPageUrl",
    "nextLink",
    "nextToken",
    "hasMore",
    "more",
];

/// The rows of a list, and the member that holds them; empty for a bare array.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) member: String,
    pub(crate) rows: Vec<RawRecord>,
}

/// Reads a list: a bare array, or an object with one array. Bare arrays are complete, since no paging is on record; an
/// object that says that there is more is not taken for a whole list.
pub(crate) fn rows(response: &Response, resource: &str) -> Result<Rows> {
    if response.bytes().trim_ascii_start().first() != Some(&b'{') {
        return Ok(Rows {
            member: String::new(),
            rows: response.json()?,
        });
    }
    let refuse = |why: String| response.error(ErrorKind::Protocol, why);
    let members: BTreeMap<String, RawRecord> = response.json()?;
    let arrays: Vec<&str> = [resource]
        .into_iter()
        .chain(WRAPPERS)
        .filter(|name| {
            members
                .get(*name)
                .is_some_and(|value| value.get().starts_with('['))
        })
        .collect();
    let [member] = arrays.as_slice() else {
        return Err(refuse(format!(
            "the answer is no list of {resource}: neither an array nor an object with one array under {resource}, {}",
            WRAPPERS.join(" or ")
        )));
    };
    let rows: Vec<RawRecord> = response.json_field(member)?;
    for name in TOTALS {
        let total = members.get(name).map(|value| value.get().trim_matches('"'));
        let total = total.and_then(|total| total.parse::<usize>().ok());
        if let Some(total) = total.filter(|total| *total > rows.len()) {
            let shown = rows.len();
            return Err(refuse(format!(
                "the list of {resource} holds {shown} of {total} rows, and how to ask for more is not known"
            )));
        }
    }
    let goes_on = MORE.iter().find(|name| {
        let value = members.get(**name).map(|value| value.get());
        value.is_some_and(|value| !matches!(value, "null" | "false" | "\"\"" | "0" | "{}" | "[]"))
    });
    if let Some(name) = goes_on {
        return Err(refuse(format!(
            "the list of {resource} goes on by its {name}, and how to ask for more is not known"
        )));
    }
    Ok(Rows {
        member: (*member).to_owned(),
        rows,
    })
}

impl Rows {
    /// Where a row stands, for errors.
    pub(crate) fn place(&self, at: usize) -> impl fmt::Display {
        format!("{}[{at}]", self.member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_tokens_life_is_read_from_it_and_is_an_hour_where_it_cannot_be() {
        for (payload, seconds) in [
            (r#"{"iat":1790000000,"exp":1790003600}"#, 3600),
            (r#"{"iat":1790000000,"exp":1790000090,"scope":"all"}"#, 90),
            (r#"{"exp":1790003600}"#, 3600),
            (r#"{"iat":1790000000,"exp":1790000000}"#, 3600),
            (r#"{"iat":1790000000,"exp":1}"#, 3600),
            (
                r#"{"iat":-9223372036854775808,"exp":9223372036854775807}"#,
                3600,
            ),
            ("no JSON", 3600),
        ] {
            assert_eq!(
                lifetime(&token(payload)),
                Duration::from_secs(seconds),
                "{payload}"
            );
        }
        for opaque in ["", "opaque", "a.b", "a.%.c"] {
            assert_eq!(lifetime(opaque), LIFETIME);
        }
    }

    #[test]
    fn names_have_their_brackets_and_times_no_offset() {
        let at = |text: &str| text.parse().unwrap();
        let (from, to) = (at("2026-10-01T00:00:00Z"), at("2026-10-15T12:30:45.9Z"));
        assert_eq!(
            usage_query(Brackets::Literal, "44 11&x", from, to),
            "filter[Services_id]=44+11%26x&filter[startTime]=2026-10-01T00%3A00%3A00&filter[endTime]=2026-10-15T12%3A30%3A45"
        );
        assert!(
            usage_query(Brackets::Encoded, "4411", from, to)
                .starts_with("filter%5BServices_id%5D=4411&filter%5BstartTime%5D=")
        );
    }
}
