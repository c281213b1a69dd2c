//! `/procurement/catalog`.

use tallyline_core::Result;
use tallyline_core::http::Request;

use super::additions::Written;
use super::{ConnectWiseClient, List, ListOptions, operations};
use crate::conditions::Condition;
use crate::models::{CatalogItem, NewCatalogItem};

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

    /// Creates a catalogue item. Nothing keeps the system from creating it twice, but for its identifier:
    /// after an error that leaves it open, read back first.
    ///
    /// `POST /procurement/catalog`; needs *Procurement / Product Catalog: Add*.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it (an identifier in use, an unknown subcategory or type), and the
    /// errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the item may have been created.
    pub async fn create_catalog_item(&self, item: &NewCatalogItem) -> Result<CatalogItem> {
        self.post_catalog_item(item).await?.record
    }

    pub(crate) async fn post_catalog_item(
        &self,
        item: &NewCatalogItem,
    ) -> Result<Written<CatalogItem>> {
        self.write(Request::new(&operations::CATALOG_CREATE).json(item))
            .await
    }
}
