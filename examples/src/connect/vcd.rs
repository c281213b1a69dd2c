//! VMware Cloud Director.

use tallyline_core::http::RetryPolicy;
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_hyalto::vcd::{VcdClient, VcdCredentials, VcdSource};

use super::{limiter, retry, secret};
use crate::config::{Config, VcdConfig};

/// The source.
///
/// # Errors
/// `Config` naming the setting.
pub(super) fn source(config: &Config, settings: &VcdConfig) -> Result<VcdSource> {
    let client = VcdClient::builder()
        .base_url(&settings.base_url)
        .org(&settings.org)
        .credentials(credentials(config, settings)?)
        .maybe_api_version(settings.api_version.as_deref())
        .retry(retry(config, RetryPolicy::default()))
        .maybe_limiter(limiter(config))
        .build()?;
    let granularities = settings.granularities.iter();
    let granularities = granularities.map(|(account, own)| (account.clone(), (*own).into()));
    VcdSource::builder()
        .client(client)
        .basis(settings.basis.into())
        .granularity(settings.granularity.into())
        .granularities(granularities.collect())
        .powered_off(settings.powered_off.into())
        .units(settings.units.into())
        .storage(settings.storage.into())
        .org_reference(settings.org_reference.into())
        .build()
}

/// Either an API token, or a user and password.
fn credentials(config: &Config, settings: &VcdConfig) -> Result<VcdCredentials> {
    match (&settings.api_token, &settings.user, &settings.password) {
        (Some(token), None, None) => {
            let token = secret(config, "[source] api_token", token)?;
            Ok(VcdCredentials::api_token(token))
        }
        (None, Some(user), Some(password)) => {
            let password = secret(config, "[source] password", password)?;
            Ok(VcdCredentials::password(user, password))
        }
        _ => Err(Error::new(
            ErrorKind::Config,
            "[source] of kind vcd needs either api_token, or user and password",
        )),
    }
}
