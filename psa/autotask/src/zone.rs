//! Where a tenant lives, and what may be told so.

use std::fmt;

use async_trait::async_trait;
use tallyline_core::http::{AddressFinder, BaseUrl, HttpClient, Request};
use tallyline_core::{Error, ErrorKind, Result};

use crate::client::{CONNECTOR, operations};
use crate::models::ZoneInformation;

/// Where every tenant can be looked up.
pub const DEFAULT_LOOKUP_URL: &str = "https://webservices.autotask.net/ATServicesRest";

/// The vendor's domain: credentials go nowhere else.
const DOMAIN: &str = "autotask.net";

/// Asks for the zone of a user, without credentials.
pub(crate) struct ZoneFinder {
    pub(crate) lookup: HttpClient,
    pub(crate) user_name: String,
}

impl ZoneFinder {
    pub(crate) async fn ask(&self) -> Result<ZoneInformation> {
        let request = Request::new(&operations::ZONE).query("user", &self.user_name);
        self.lookup.json(request).await.map_err(|error| {
            if error.kind() == ErrorKind::Config && error.http().is_some() {
                let http = error.http().cloned().unwrap_or_default();
                return Error::new(
                    ErrorKind::Auth,
                    "the zone of the API user cannot be determined: check the user name",
                )
                .with_connector(CONNECTOR)
                .with_operation(operations::ZONE.name)
                .with_http(http)
                .with_source(error);
            }
            error
        })
    }
}

impl fmt::Debug for ZoneFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneFinder")
            .field("lookup", self.lookup.base_url())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AddressFinder for ZoneFinder {
    async fn find(&self) -> Result<BaseUrl> {
        let zone = self.ask().await?;
        let url = zone.url.ok_or_else(|| {
            Error::new(ErrorKind::Protocol, "the answer names no zone")
                .with_connector(CONNECTOR)
                .with_operation(operations::ZONE.name)
                .with_json_path("url")
        })?;
        judged(&url, Local::At(self.lookup.base_url())).map_err(|error| {
            Error::new(ErrorKind::Protocol, error.message())
                .with_connector(CONNECTOR)
                .with_operation(operations::ZONE.name)
                .with_json_path("url")
        })
    }
}

/// Whether an address may be one of this machine.
#[derive(Clone, Copy)]
pub(crate) enum Local<'a> {
    /// It was configured: any.
    Configured,
    /// It was answered: only the very place that answered.
    At(&'a BaseUrl),
}

/// An address that credentials may go to: HTTPS at a host of the vendor's domain, on the usual
/// port, or what [`Local`] says of this machine.
///
/// # Errors
/// `Config` saying what is wrong. The address is not repeated.
pub(crate) fn judged(url: &str, local: Local<'_>) -> Result<BaseUrl> {
    let base = BaseUrl::parse(url)?;
    if is_loopback(&base) {
        let allowed = match local {
            Local::Configured => true,
            Local::At(home) => (base.host(), base.port()) == (home.host(), home.port()),
        };
        if allowed {
            return Ok(base);
        }
    } else if is_vendor(base.host()) && base.port() == 443 {
        return Ok(base);
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("the address is not https at a host under {DOMAIN}: no credentials go there"),
    ))
}

fn is_vendor(host: &str) -> bool {
    host == DOMAIN
        || host
            .strip_suffix(DOMAIN)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn is_loopback(base: &BaseUrl) -> bool {
    let host = base.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_the_vendors_domain_over_https_alone() {
        for good in [
            "https://webservices15.autotask.net/ATServicesRest/",
            "https://prde.autotask.net/ATServicesRest",
            "https://autotask.net",
            "https://WEBSERVICES31.AutoTask.net/ATServicesRest/",
        ] {
            assert!(judged(good, Local::Configured).is_ok(), "{good}");
        }
        for wrong in [
            "http://webservices15.autotask.net/ATServicesRest/",
            "https://webservices15.autotask.net:8443/",
            "https://autotask.net.example.com/",
            "https://evilautotask.net/",
            "https://.autotask.net/",
            "https://autotask.net@example.com/",
            "https://example.com/autotask.net",
            "https://user:pw@webservices15.autotask.net/",
            "https://webservices15.autotask.net/?x=1",
            "https://169.254.169.254/latest",
            "ftp://webservices15.autotask.net",
            "webservices15.autotask.net",
            "",
        ] {
            let error = judged(wrong, Local::Configured).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{wrong}");
        }
    }

    #[test]
    fn this_machine_is_taken_where_it_was_configured_or_the_very_place_answered() {
        let home = BaseUrl::parse("http://127.0.0.1:9/ATServicesRest").unwrap();
        let away = BaseUrl::parse(DEFAULT_LOOKUP_URL).unwrap();
        for (url, own) in [
            ("http://127.0.0.1:9/zone2/ATServicesRest/", true),
            ("http://127.0.0.1:8/ATServicesRest/", false),
            ("http://localhost:9", false),
            ("https://[::1]:9/x", false),
        ] {
            assert!(judged(url, Local::Configured).is_ok(), "{url}");
            assert_eq!(judged(url, Local::At(&home)).is_ok(), own, "{url}");
            assert!(judged(url, Local::At(&away)).is_err(), "{url}");
        }
    }
}
