//! Where a tenant lives: from what a person pastes to the API's addresses.

use tallyline_core::{Error, ErrorKind, Result};
use url::{Host, Url};

/// Hosts of the hosted system's pages, and the API hosts that belong to them.
const API_HOSTS: [(&str, &str); 6] = [
    ("na.myconnectwise.net", "api-na.myconnectwise.net"),
    ("eu.myconnectwise.net", "api-eu.myconnectwise.net"),
    ("au.myconnectwise.net", "api-au.myconnectwise.net"),
    ("aus.myconnectwise.net", "api-aus.myconnectwise.net"),
    ("za.myconnectwise.net", "api-za.myconnectwise.net"),
    (
        "staging.connectwisedev.com",
        "api-staging.connectwisedev.com",
    ),
];

/// The site as an origin such as `https://api-na.myconnectwise.net`.
///
/// Takes a bare host, a host with port, or a URL whose path, query and fragment are left out.
pub(crate) fn origin(site: &str) -> Result<String> {
    let site = site.trim();
    let wrong = |what: &str| {
        Error::new(
            ErrorKind::Config,
            format!(
                "the site {what}; give the host that you sign in at, such as na.myconnectwise.net"
            ),
        )
    };
    if site.is_empty() {
        return Err(wrong("is empty"));
    }
    let full = if site.contains("://") {
        site.to_owned()
    } else {
        format!("https://{site}")
    };
    let url =
        Url::parse(&full).map_err(|error| wrong(&format!("is not a host or URL ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password"));
    }
    let host = url.host().ok_or_else(|| wrong("has no host"))?;
    match (url.scheme(), is_loopback(&host)) {
        ("https", _) | ("http", true) => {}
        ("http", false) => return Err(wrong("is plain HTTP, which is accepted for loopback only")),
        _ => return Err(wrong("is neither https nor a bare host")),
    }
    let host = host.to_string();
    let host = API_HOSTS
        .iter()
        .find(|(page, _)| *page == host)
        .map_or(host.as_str(), |(_, api)| api);
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    Ok(format!("{}://{host}{port}", url.scheme()))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The codebase with one trailing slash and none before.
pub(crate) fn codebase(text: &str) -> Result<String> {
    let name = text.trim().trim_matches('/');
    let good = !name.is_empty()
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if !good {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the codebase {text:?} is not of the form v4_6_release/"),
        ));
    }
    Ok(format!("{name}/"))
}

/// The `Accept` header that pins the shape of the answers.
pub(crate) fn accept(version: &str) -> Result<String> {
    let good = version.split_once('.').is_some_and(|(year, number)| {
        year.len() == 4
            && !number.is_empty()
            && number.len() <= 3
            && [year, number]
                .iter()
                .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if !good {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the API version {version:?} is not of the form 2026.4"),
        ));
    }
    Ok(format!(
        "application/vnd.connectwise.com+json; version={version}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_becomes_the_api_origin() {
        for (pasted, wanted) in [
            ("na.myconnectwise.net", "https://api-na.myconnectwise.net"),
            (
                " EU.MyConnectWise.net/ ",
                "https://api-eu.myconnectwise.net",
            ),
            (
                "https://aus.myconnectwise.net/v4_6_release/connectwise.aspx?locale=en_AU",
                "https://api-aus.myconnectwise.net",
            ),
            (
                "staging.connectwisedev.com",
                "https://api-staging.connectwisedev.com",
            ),
            (
                "sandbox-na.myconnectwise.net",
                "https://sandbox-na.myconnectwise.net",
            ),
            (
                "https://api-za.myconnectwise.net/v2026_1/apis/3.0",
                "https://api-za.myconnectwise.net",
            ),
            ("psa.example.org:8443", "https://psa.example.org:8443"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://localhost:9000/x", "http://localhost:9000"),
        ] {
            assert_eq!(origin(pasted).unwrap(), wanted, "{pasted}");
        }
    }

    #[test]
    fn a_site_that_would_leak_credentials_is_refused() {
        for pasted in [
            "",
            "http://na.myconnectwise.net",
            "ftp://na.myconnectwise.net",
            "https://user:word@na.myconnectwise.net",
            "https://",
        ] {
            assert_eq!(
                origin(pasted).unwrap_err().kind(),
                ErrorKind::Config,
                "{pasted}"
            );
        }
    }

    #[test]
    fn a_codebase_is_one_segment() {
        assert_eq!(codebase("/v2026_1").unwrap(), "v2026_1/");
        assert_eq!(codebase("v4_6_release/").unwrap(), "v4_6_release/");
        for wrong in ["", "..", "a/b", "a?b"] {
            assert!(codebase(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_a_year_and_a_number() {
        assert_eq!(
            accept("2026.4").unwrap(),
            "application/vnd.connectwise.com+json; version=2026.4"
        );
        for wrong in ["3.0.0", "2026", "2026.", "2026.4\r\nX: y"] {
            assert!(accept(wrong).is_err(), "{wrong}");
        }
    }
}
