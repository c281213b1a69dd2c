//! The sign-in lookup and the system's version.

use tallyline_core::http::Request;
use tallyline_core::{Error, ErrorKind, Result};

use super::{CONNECTOR, ConnectWiseClient, operations};
use crate::models::{CompanyInfoLookup, SystemInfo};

impl ConnectWiseClient {
    /// Looks up where the tenant lives, without credentials.
    ///
    /// `GET /login/companyinfo/{companyId}` at the site's root; needs no role right.
    ///
    /// # Errors
    /// `Config` when the site does not know the company id, and the errors of any read.
    pub async fn company_info(&self) -> Result<CompanyInfoLookup> {
        let request = Request::new(&operations::COMPANY_INFO).path("companyId", self.company_id());
        let found: Result<Option<CompanyInfoLookup>> = self.0.lookup.json(request).await;
        let unknown = || {
            Error::new(
                ErrorKind::Config,
                format!(
                    "the site {} does not know the company id {:?}: check both",
                    self.0.lookup.base_url().host(),
                    self.company_id()
                ),
            )
            .with_connector(CONNECTOR)
            .with_operation(operations::COMPANY_INFO.name)
        };
        match found {
            Ok(Some(info)) => Ok(info),
            Ok(None) => Err(unknown()),
            Err(error) if error.status() == Some(404) => Err(unknown().with_source(error)),
            Err(error) => Err(error),
        }
    }

    /// Reads the system's version.
    ///
    /// `GET /system/info`; some installations answer it without credentials, so it proves
    /// nothing about them.
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn system_info(&self) -> Result<SystemInfo> {
        self.0
            .http
            .json(Request::new(&operations::SYSTEM_INFO))
            .await
    }
}
