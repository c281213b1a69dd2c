//! `/finance/agreements` and its setup tables.

use futures::stream::{self, BoxStream, StreamExt};
use tallyline_core::Result;
use tallyline_core::http::Request;

use super::additions::Written;
use super::{ConnectWiseClient, List, ListOptions, operations};
use crate::conditions::{Condition, Field};
use crate::models::{Agreement, AgreementType, BillingCycle, NewAgreement};
use crate::patch::Patch;

impl ConnectWiseClient {
    /// Lists the agreements, cancelled ones included unless filtered out.
    ///
    /// `GET /finance/agreements`; needs *Finance / Agreements: Inquire*. Agreement types that
    /// the role hides are left out without a word.
    pub fn agreements(&self, options: &ListOptions) -> List<Agreement> {
        self.list(Request::new(&operations::AGREEMENTS_LIST), options)
    }

    /// Lists the agreements of some companies, with as many calls as the length of URLs asks for.
    ///
    /// `GET /finance/agreements`; needs *Finance / Agreements: Inquire*. No companies give no
    /// agreements, and no call.
    ///
    /// # Errors
    /// `Config` when the options do not fit together.
    pub fn agreements_of_companies(
        &self,
        companies: &[i64],
        options: &ListOptions,
    ) -> Result<BoxStream<'static, Result<Agreement>>> {
        self.agreements_in(&Field::COMPANY_ID, companies, options)
    }

    /// Lists the agreements of some ids, with as many calls as the length of URLs asks for. One that is
    /// not there, or hidden from the role, is left out without a word.
    ///
    /// `GET /finance/agreements`; needs *Finance / Agreements: Inquire*. No ids give no agreements, and
    /// no call.
    ///
    /// # Errors
    /// `Config` when the options do not fit together.
    pub fn agreements_by_id(
        &self,
        ids: &[i64],
        options: &ListOptions,
    ) -> Result<BoxStream<'static, Result<Agreement>>> {
        self.agreements_in(&Field::ID, ids, options)
    }

    fn agreements_in(
        &self,
        field: &Field,
        values: &[i64],
        options: &ListOptions,
    ) -> Result<BoxStream<'static, Result<Agreement>>> {
        let budget = self.filter_budget(&operations::AGREEMENTS_LIST, options)?;
        let lists: Vec<List<Agreement>> = field
            .is_in_chunks(values.iter().copied(), budget)
            .into_iter()
            .map(|of_these| {
                let conditions = match options.conditions.clone() {
                    Some(others) => others.and(of_these),
                    None => of_these,
                };
                self.agreements(&ListOptions {
                    conditions: Some(conditions),
                    ..options.clone()
                })
            })
            .collect();
        Ok(stream::iter(lists).flatten().boxed())
    }

    /// Lists the agreements that are invoiced through another one.
    ///
    /// `GET /finance/agreements`; needs *Finance / Agreements: Inquire*.
    pub fn child_agreements(&self, parent: i64) -> List<Agreement> {
        self.agreements(&ListOptions::matching(
            Field::PARENT_AGREEMENT_ID.equals(parent),
        ))
    }

    /// Counts the agreements that match a filter.
    ///
    /// `GET /finance/agreements/count`; needs *Finance / Agreements: Inquire*.
    ///
    /// # Errors
    /// The errors of any read: `Auth`, `PermissionDenied`, `NotFound`, `Invalid`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn count_agreements(&self, filter: Option<&Condition>) -> Result<u64> {
        self.count(&operations::AGREEMENTS_COUNT, filter).await
    }

    /// Reads an agreement.
    ///
    /// `GET /finance/agreements/{id}`; needs *Finance / Agreements: Inquire*.
    ///
    /// # Errors
    /// `NotFound` when there is none, and the errors of any read.
    pub async fn agreement(&self, id: i64) -> Result<Agreement> {
        self.get(&operations::AGREEMENTS_GET, id).await
    }

    /// Creates an agreement; with a parent, one that is invoiced through it.
    ///
    /// `POST /finance/agreements`; needs *Finance / Agreements: Add*. Nothing keeps the system from creating it
    /// twice: after an error that leaves it open, read back first.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call. An error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds leaves open
    /// whether the agreement was created.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the agreement may have been created.
    pub async fn create_agreement(&self, agreement: &NewAgreement) -> Result<Agreement> {
        self.post_agreement(agreement).await?.record
    }

    pub(crate) async fn post_agreement(
        &self,
        agreement: &NewAgreement,
    ) -> Result<Written<Agreement>> {
        self.write(Request::new(&operations::AGREEMENTS_CREATE).json(agreement))
            .await
    }

    /// Sets fields of an agreement.
    ///
    /// `PATCH /finance/agreements/{id}`; needs *Finance / Agreements: Edit*. Sent once; with absolute values it
    /// may be sent again. A text is replaced as a whole.
    ///
    /// # Errors
    /// `Invalid` when the system refuses it, and the errors of any call. An error for which
    /// [`may_have_been_applied`](tallyline_core::Error::may_have_been_applied) holds leaves open
    /// whether the change was made.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the change may have been made.
    pub async fn patch_agreement(&self, id: i64, patch: &Patch) -> Result<Agreement> {
        self.send_agreement_patch(id, patch).await?.record
    }

    pub(crate) async fn send_agreement_patch(
        &self,
        id: i64,
        patch: &Patch,
    ) -> Result<Written<Agreement>> {
        let request = Request::new(&operations::AGREEMENTS_PATCH);
        self.write(request.path("id", id).json(patch)).await
    }

    /// Lists the agreement types.
    ///
    /// `GET /finance/agreements/types`; needs *System / Table Setup: Inquire*.
    pub fn agreement_types(&self, options: &ListOptions) -> List<AgreementType> {
        self.list(Request::new(&operations::AGREEMENT_TYPES_LIST), options)
    }

    /// Lists the billing cycles.
    ///
    /// `GET /finance/billingCycles`; needs *System / Table Setup: Inquire* with
    /// *Invoicing / Billing Cycle*.
    pub fn billing_cycles(&self, options: &ListOptions) -> List<BillingCycle> {
        self.list(Request::new(&operations::BILLING_CYCLES_LIST), options)
    }
}
