//! `/procurement/catalog`.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::{ConnectWiseClient, List, ListOptions, operations};
use crate::conditions::Condition;
use crate::models::CatalogItem;

impl ConnectWiseClient {
    /// Lists the catalogue, inactive items included unless filtered out.
    ///
    /// `GET /procurement/catalog`; needs *Procurement / Product Catalog: Inquire*.
    pub fn catalog(&self, options: &ListOptions) -> List<CatalogItem> {
        self.list(Request::new(&operations::CATALOG_LIST), options)
    }

    /// Counts the catalogue items that match a filter.
    ///
    /// `GET /procurement/catalog/count`; needs *Procurement / Product Catalog: Inquire*.
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `NotFound`, `Invalid`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_catalog(&self, filter: Option<&Condition>) -> Result<u64> {
        self.count(&operations::CATALOG_COUNT, filter).await
    }

    /// Reads a catalogue item.
    ///
    /// `GET /procurement/catalog/{id}`; needs *Procurement / Product Catalog: Inquire*.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn catalog_item(&self, id: i64) -> Result<CatalogItem> {
        self.get(&operations::CATALOG_GET, id).await
    }
}
