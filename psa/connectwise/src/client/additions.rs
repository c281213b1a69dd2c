//! `/finance/agreements/{parentId}/additions`.

use serde::de::DeserializeOwned;
use tallyline_core::Result;
use tallyline_core::http::{ListRecord, Paged, RawRecord, Request};

use super::{ConnectWiseClient, List, ListOptions, operations};
use crate::conditions::Condition;
use crate::models::{Addition, NewAddition};
use crate::patch::Patch;

/// What a write was answered with.
pub(crate) struct Written<T> {
    /// The record as it stands in the answer, or why the answer cannot be read.
    pub(crate) record: Result<T>,
    /// The id that the system gave the request.
    pub(crate) request_id: Option<String>,
}

impl ConnectWiseClient {
    /// Lists the additions of an agreement, ended ones included.
    ///
    /// `GET /finance/agreements/{parentId}/additions`; needs *Finance / Agreements: Inquire*.
    /// The list of a parent may hold additions of its children: see
    /// [`agreement_id`](Addition::agreement_id).
    pub fn additions(&self, agreement: i64, options: &ListOptions) -> List<Addition> {
        self.list(
            of_agreement(&operations::ADDITIONS_LIST, agreement),
            options,
        )
    }

    /// The additions, those that do not fit as they came.
    pub(crate) fn addition_rows(&self, agreement: i64) -> Result<Paged<ListRecord<Addition>>> {
        let request = of_agreement(&operations::ADDITIONS_LIST, agreement);
        let (request, pages) = self.pages(request, &ListOptions::default())?;
        Ok(self.0.http.paged(request, pages))
    }

    /// An addition of those that do not fit, with its place among all.
    pub(crate) fn addition_of(&self, row: &RawRecord, at: usize) -> Result<Addition> {
        let operation = &operations::ADDITIONS_LIST;
        self.0
            .http
            .decode_record(operation, &format!("[{at}]"), row)
    }

    /// Counts the additions of an agreement that match a filter.
    ///
    /// `GET /finance/agreements/{parentId}/additions/count`; needs
    /// *Finance / Agreements: Inquire*.
    ///
    /// # Errors
    /// `NotFound` when there is no such agreement, and the errors of any read.
    pub async fn count_additions(&self, agreement: i64, filter: Option<&Condition>) -> Result<u64> {
        self.count_of(
            of_agreement(&operations::ADDITIONS_COUNT, agreement),
            filter,
        )
        .await
    }

    /// Reads an addition.
    ///
    /// `GET /finance/agreements/{parentId}/additions/{id}`; needs
    /// *Finance / Agreements: Inquire*.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn addition(&self, agreement: i64, id: i64) -> Result<Addition> {
        let request = of_agreement(&operations::ADDITIONS_GET, agreement).path("id", id);
        self.0.http.json(request).await
    }

    /// Creates an addition. Nothing keeps the system from creating it twice: after an error
    /// for which [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds, read back first.
    ///
    /// `POST /finance/agreements/{parentId}/additions`; needs *Finance / Agreements: Add*.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it (a date before the agreement's billing start or in
    /// a period already invoiced, a missing product), and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the addition may have been created.
    pub async fn create_addition(
        &self,
        agreement: i64,
        addition: &NewAddition,
    ) -> Result<Addition> {
        self.post_addition(agreement, addition).await?.record
    }

    pub(crate) async fn post_addition(
        &self,
        agreement: i64,
        addition: &NewAddition,
    ) -> Result<Written<Addition>> {
        self.write(of_agreement(&operations::ADDITIONS_CREATE, agreement).json(addition))
            .await
    }

    /// Changes an addition, and gives it as it stands afterwards.
    ///
    /// `PATCH /finance/agreements/{parentId}/additions/{id}`; needs
    /// *Finance / Agreements: Edit*. Compare the answer with what was sent: the system may
    /// answer 200 and change nothing.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` when the system refuses the change, `Conflict`
    /// when it is in use, and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the change may have been made.
    pub async fn patch_addition(&self, agreement: i64, id: i64, patch: &Patch) -> Result<Addition> {
        self.send_patch(agreement, id, patch).await?.record
    }

    pub(crate) async fn send_patch(
        &self,
        agreement: i64,
        id: i64,
        patch: &Patch,
    ) -> Result<Written<Addition>> {
        let request = of_agreement(&operations::ADDITIONS_PATCH, agreement)
            .path("id", id)
            .json(patch);
        self.write(request).await
    }

    /// Removes an addition and its history. Prefer an end date; the sink never calls this.
    ///
    /// `DELETE /finance/agreements/{parentId}/additions/{id}`; needs
    /// *Finance / Agreements: Delete*.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` or `Conflict` when the system keeps it (it is
    /// expected to keep what was invoiced), and the errors of any call.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the addition may be gone.
    pub async fn delete_addition(&self, agreement: i64, id: i64) -> Result<()> {
        let request = of_agreement(&operations::ADDITIONS_DELETE, agreement).path("id", id);
        self.0.http.send(request).await.map(|_| ())
    }

    pub(super) async fn write<T: DeserializeOwned>(&self, request: Request) -> Result<Written<T>> {
        let response = self.0.http.send(request).await?;
        Ok(Written {
            record: response.json(),
            request_id: response.vendor_request_id().map(str::to_owned),
        })
    }
}

fn of_agreement(operation: &'static tallyline_core::http::Operation, agreement: i64) -> Request {
    Request::new(operation).path("parentId", agreement)
}
