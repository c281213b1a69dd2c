//! What is known of the wire beside the shapes of the records in [`models`](super::models): paths, headers, types of
//! queries. Whoever finds that a server does it otherwise corrects it here.
//!
//! Two families live on one host: the legacy one under `/api`, whose query service alone tells of CPU, RAM and storage, and
//! the OpenAPI one under `/cloudapi`. Marks: *documented* by the vendor or seen in several independent clients, *inferred*
//! nowhere.

use tallyline_core::{Error, ErrorKind, Result};

/// The version of the API that is asked for where nothing else is said: that of Cloud Director 10.4.
pub const DEFAULT_API_VERSION: &str = "37.0";

/// The name of this connector in errors, spans and descriptors.
pub(crate) const CONNECTOR: &str = "vcd";

/// The organisation of the provider. Documented.
const SYSTEM: &str = "System";

/// The most records of a page, in both families. Documented.
pub(crate) const MAX_PAGE_SIZE: u32 = 128;

/// The versions, without credentials. Documented; that JSON names its members as XML does, in lower camel case, is inferred.
pub(crate) const VERSIONS: &str = "/api/versions";

/// The query service. Documented.
pub(crate) const QUERY: &str = "/api/query";

/// A session of a tenant. Documented, as are those that follow.
pub(crate) const SESSIONS: &str = "/cloudapi/1.0.0/sessions";
pub(crate) const PROVIDER_SESSIONS: &str = "/cloudapi/1.0.0/sessions/provider";
pub(crate) const CURRENT_SESSION: &str = "/cloudapi/1.0.0/sessions/current";
pub(crate) const SESSION: &str = "/cloudapi/1.0.0/sessions/{sessionId}";
pub(crate) const TENANT_TOKEN: &str = "/oauth/tenant/{org}/token";
pub(crate) const PROVIDER_TOKEN: &str = "/oauth/provider/token";
pub(crate) const ORGS: &str = "/cloudapi/1.0.0/orgs";
pub(crate) const EDGE_GATEWAYS: &str = "/cloudapi/1.0.0/edgeGateways";

/// The header that gives the token of a session. Documented.
pub(crate) const ACCESS_TOKEN: &str = "X-VMWARE-VCLOUD-ACCESS-TOKEN";

/// The header by which a request names itself, in letters, digits and `-`, up to 128 of them. Documented.
pub(crate) const CLIENT_REQUEST_ID: &str = "X-VMWARE-VCLOUD-CLIENT-REQUEST-ID";

/// The header of an answer that begins with it. Documented.
pub(crate) const REQUEST_ID: &str = "X-VMWARE-VCLOUD-REQUEST-ID";

/// Whether an organisation is the provider's. Names are compared without regard to case, as logins are.
pub(crate) fn is_system(org: &str) -> bool {
    org.trim().eq_ignore_ascii_case(SYSTEM)
}

/// What the three kinds of calls accept: each names the version. Documented.
#[derive(Clone, Debug)]
pub(crate) struct Accepts {
    /// Of the legacy family.
    pub(crate) legacy: String,
    /// Of OpenAPI.
    pub(crate) open: String,
    /// Of sessions and tokens.
    pub(crate) session: String,
}

impl Accepts {
    pub(crate) fn new(version: &str) -> Result<Self> {
        let is_version = version.starts_with(|c: char| c.is_ascii_digit())
            && version
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        if !is_version {
            return Err(config(format!(
                "the API version {version:?} is none: give one such as {DEFAULT_API_VERSION}"
            )));
        }
        Ok(Self {
            legacy: format!("application/*+json;version={version}"),
            open: format!("application/json;version={version}"),
            session: format!("application/*;version={version}"),
        })
    }
}

pub(crate) fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_connector(CONNECTOR)
}

/// The types of the query service. They are case-sensitive, and two sessions have two names for most. Documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryType {
    Organizations,
    OrgVdcs,
    Vms,
    EdgeGateways,
    StoragePolicies,
}

impl QueryType {
    pub(crate) const fn name(self, system: bool) -> &'static str {
        match (self, system) {
            (Self::Organizations, _) => "organization",
            (Self::OrgVdcs, false) => "orgVdc",
            (Self::OrgVdcs, true) => "adminOrgVdc",
            (Self::Vms, false) => "vm",
            (Self::Vms, true) => "adminVM",
            (Self::EdgeGateways, _) => "edgeGateway",
            (Self::StoragePolicies, false) => "orgVdcStorageProfile",
            (Self::StoragePolicies, true) => "adminOrgVdcStorageProfile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_names_the_version_in_its_own_form() {
        let accepts = Accepts::new("38.1").unwrap();
        assert_eq!(accepts.legacy, "application/*+json;version=38.1");
        assert_eq!(accepts.open, "application/json;version=38.1");
        assert_eq!(accepts.session, "application/*;version=38.1");
        assert!(Accepts::new("39.0.0-alpha").is_ok());
        for wrong in ["", "v37", "37.0;q=1", "37 0", "37.0\r\nX: y"] {
            assert_eq!(Accepts::new(wrong).unwrap_err().kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn the_providers_organisation_is_known_in_any_case() {
        assert!(is_system("System") && is_system("system"));
        assert!(!is_system("Systems") && !is_system(""));
    }
}
