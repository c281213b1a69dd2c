//! Which marketplace of the platform is talked to, and below which account.

use std::borrow::Cow;

use tallyline_core::{Error, ErrorKind, Result};

/// Where the operations are, below a marketplace's host.
const PATH: &str = "SimpleAPI/SimpleAPIService.svc/rest";

/// A marketplace of the platform: what it is called, and where it is.
///
/// D&H is the default. ALSO, Intcomex and others serve the same API on hosts of their own.
///
/// ```
/// use tallyline_dandh::Marketplace;
///
/// let also = Marketplace::at_host("ALSO Germany", "marketplace.also.de");
/// assert_eq!(
///     also.base_url,
///     "https://marketplace.also.de/SimpleAPI/SimpleAPIService.svc/rest"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marketplace {
    /// The name to show.
    pub display_name: Cow<'static, str>,
    /// The address that the operations stand below. Trailing slashes are trimmed.
    pub base_url: String,
}

impl Marketplace {
    /// A marketplace by its name and address.
    #[must_use]
    pub fn new(display_name: impl Into<Cow<'static, str>>, base_url: impl Into<String>) -> Self {
        Self {
            display_name: display_name.into(),
            base_url: base_url.into(),
        }
    }

    /// A marketplace by its name and host, where it has the platform's usual path.
    #[must_use]
    pub fn at_host(display_name: impl Into<Cow<'static, str>>, host: &str) -> Self {
        Self::new(display_name, format!("https://{host}/{PATH}"))
    }

    /// D&H Cloud Marketplace.
    #[must_use]
    pub fn dandh() -> Self {
        Self::at_host("D&H", "cp.dandhcloudsolutions.com")
    }
}

impl Default for Marketplace {
    fn default() -> Self {
        Self::dandh()
    }
}

/// The account whose companies are read: its id, or the portal's address that holds it
/// (`https://HOST/#/Account/View/ID/Overview`).
///
/// It is not the "Numeric ID" that the portal shows as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentAccount(String);

impl From<i64> for ParentAccount {
    fn from(id: i64) -> Self {
        Self(id.to_string())
    }
}

impl From<&str> for ParentAccount {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for ParentAccount {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl ParentAccount {
    /// The account's id.
    ///
    /// # Errors
    /// `Config` when it is neither an id nor an address that holds one.
    pub fn id(&self) -> Result<i64> {
        let text = self.0.trim();
        let digits = match text.split_once("/Account/View/") {
            Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
            None => text,
        };
        digits
            .parse()
            .ok()
            .filter(|id: &i64| *id > 0 && digits.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Config,
                    "the parent account id is neither a number nor the portal's address of an \
                     account, such as https://HOST/#/Account/View/410022/Overview",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_account_is_a_number_or_the_portals_address() {
        let id = |text: &str| ParentAccount::from(text).id();
        for text in [
            "410022",
            " 410022 ",
            "https://cp.dandhcloudsolutions.com/#/Account/View/410022/Overview",
            "https://cp.dandhcloudsolutions.com/#/Account/View/410022",
            "https://cp.dandhcloudsolutions.com/#/Account/View/410022?tab=1",
        ] {
            assert_eq!(id(text).unwrap(), 410_022, "{text}");
        }
        assert_eq!(ParentAccount::from(410_022).id().unwrap(), 410_022);
        for text in [
            "",
            "0",
            "-5",
            "+5",
            "41.0",
            "four",
            "https://cp.dandhcloudsolutions.com/#/Account/View//Overview",
            "https://cp.dandhcloudsolutions.com/#/Account/Edit/410022",
            "99999999999999999999",
        ] {
            let error = id(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(error.to_string().contains("parent account id"), "{error}");
        }
    }
}
