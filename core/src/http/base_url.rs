//! The one address that a client talks to.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// The address that every URL of a client is built on, without a trailing slash.
///
/// HTTPS; plain HTTP for this machine only (`localhost`, `127.0.0.0/8`, `[::1]`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a base URL. White space around it is ignored, and so are trailing slashes.
    ///
    /// # Errors
    /// `Config` naming what to fix. The text itself is not repeated: it may hold a password.
    pub fn parse(text: &str) -> Result<Self> {
        let config = |message: &str| Error::new(ErrorKind::Config, message);
        let mut url = Url::parse(text.trim()).map_err(|error| {
            config(&format!(
                "the base URL is no URL ({error}); give it like https://api.example.com"
            ))
        })?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(config(
                    "the base URL must begin with https://; plain http is for this machine only",
                ));
            }
            _ => return Err(config("the base URL must begin with https://")),
        }
        if url.host().is_none() {
            return Err(config("the base URL names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(config(
                "the base URL holds a user name or password; give credentials separately",
            ));
        }
        if url.query().is_some() {
            return Err(config("the base URL must end before the question mark"));
        }
        if url.fragment().is_some() {
            return Err(config("the base URL must end before the number sign"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// This address with path segments appended.
    ///
    /// # Errors
    /// `Config` when a segment is `.` or `..`.
    pub fn join_path(&self, path: &str) -> Result<Self> {
        let mut url = self.0.clone();
        {
            let mut segments = url
                .path_segments_mut()
                .map_err(|()| Error::new(ErrorKind::Config, "the base URL takes no path"))?;
            segments.pop_if_empty();
            for segment in path.split('/').filter(|segment| !segment.is_empty()) {
                if matches!(segment, "." | "..") {
                    return Err(Error::new(
                        ErrorKind::Config,
                        "a path below the base URL must not hold the segments . and ..",
                    ));
                }
                segments.push(segment);
            }
        }
        Ok(Self(url))
    }

    /// The address as text, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// `https`, or `http` on this machine.
    #[cfg(feature = "reqwest")]
    pub(crate) fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// The host, as in a URL: an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, given or by the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// A URL on this address. Path and query are percent-encoded already.
    pub(crate) fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        url.set_query(query.filter(|query| !query.is_empty()));
        url
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.as_str())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_taken_and_plain_http_for_this_machine_only() {
        for (text, expected) in [
            ("https://api.example.com", "https://api.example.com"),
            (
                " https://api.example.com/v1// ",
                "https://api.example.com/v1",
            ),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://127.8.9.1", "http://127.8.9.1"),
            ("http://[::1]:9/x", "http://[::1]:9/x"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_refused_says_what_to_fix_and_repeats_no_secret() {
        for (text, part) in [
            ("http://api.example.com", "https://"),
            ("http://localhost.example.com", "https://"),
            ("http://128.0.0.1", "https://"),
            ("ftp://api.example.com", "https://"),
            ("api.example.com", "no URL"),
            ("https://user:hunter2@api.example.com", "credentials"),
            ("https://hunter2@api.example.com", "credentials"),
            ("https://api.example.com?a=hunter2", "question mark"),
            ("https://api.example.com#hunter2", "number sign"),
            ("", "no URL"),
        ] {
            let error = BaseUrl::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(part), "{text}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn joined_paths_append_segments_and_cannot_climb() {
        let base = BaseUrl::parse("https://a.example/v1/").unwrap();
        assert_eq!(
            base.join_path("/x/a b/").unwrap().as_str(),
            "https://a.example/v1/x/a%20b"
        );
        assert_eq!(
            base.join_path("//evil.example/x?y#z").unwrap().as_str(),
            "https://a.example/v1/evil.example/x%3Fy%23z"
        );
        assert!(base.join_path("a/../b").is_err());
        let bare = BaseUrl::parse("https://a.example").unwrap();
        assert_eq!(bare.join_path("x").unwrap().as_str(), "https://a.example/x");
        assert_eq!(bare.url("/c/d", Some("")).as_str(), "https://a.example/c/d");
    }
}
