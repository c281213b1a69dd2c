//! The writes that all entities share.

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::http::Request;

use super::AutotaskClient;
use crate::models::ItemId;

impl AutotaskClient {
    /// Sends a write; the answer is the id of what was written.
    pub(crate) async fn write<T: Serialize + Sync>(
        &self,
        request: Request,
        body: &T,
    ) -> Result<i64> {
        let answer: ItemId = self.0.http.json(self.acting(request).json(body)).await?;
        Ok(answer.item_id)
    }

    pub(crate) async fn remove(&self, request: Request) -> Result<i64> {
        let answer: ItemId = self.0.http.json(self.acting(request)).await?;
        Ok(answer.item_id)
    }

    /// Names the resource that writes are made as.
    fn acting(&self, request: Request) -> Request {
        match self.0.impersonate {
            Some(resource) => request.header("ImpersonationResourceId", resource.to_string()),
            None => request,
        }
    }
}
