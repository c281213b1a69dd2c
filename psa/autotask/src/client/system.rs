//! Zone, versions, threshold.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::{AutotaskClient, operations};
use crate::models::{ApiVersions, ThresholdInformation, ZoneInformation};

impl AutotaskClient {
    /// Asks where the tenant lives, without credentials and whatever is cached.
    ///
    /// `GET /ZoneInformation?user=` at the lookup's address. The client asks by itself when it
    /// needs to know.
    ///
    /// # Errors
    /// `Auth` when the system does not know the user name, and the errors of any read.
    pub async fn zone_information(&self) -> Result<ZoneInformation> {
        self.0.finder.ask().await
    }

    /// The versions that the API has.
    ///
    /// `GET /VersionInformation`.
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `RateLimited`, `Unavailable`,
    /// `Timeout`, `Protocol`.
    pub async fn api_versions(&self) -> Result<ApiVersions> {
        self.0.http.json(Request::new(&operations::VERSIONS)).await
    }

    /// How much of the tenant's budget is used, by all integrations together. At most a minute
    /// old: asked again within it, the last answer is given. Our own share follows it.
    ///
    /// `GET /ThresholdInformation`.
    ///
    /// # Errors
    /// The errors of any read.
    pub async fn threshold_information(&self) -> Result<ThresholdInformation> {
        self.0
            .budget
            .threshold(|| self.0.http.json(Request::new(&operations::THRESHOLD)))
            .await
    }
}
