//! Accounts: the customers of the service provider.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use super::id;

/// An account.
///
/// `GET /accountManagement/accounts/`. Both members are read by one public script; what else comes is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Account {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The company's name.
    #[serde(default, deserialize_with = "non_empty")]
    pub company_name: Option<String>,
}
