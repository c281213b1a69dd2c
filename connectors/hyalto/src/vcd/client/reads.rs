//! The lists.

use serde::de::DeserializeOwned;
use tallyline_core::http::{Operation, Records, Request};

use super::VcdClient;
use crate::vcd::contract::QueryType;
use crate::vcd::filter::Filter;
use crate::vcd::models::{
    CloudEdgeGateway, CloudOrg, EdgeGatewayRecord, OrgRecord, OrgVdcRecord, StoragePolicyRecord,
    VmRecord,
};
use crate::vcd::operations;
use crate::vcd::paging::{Family, Pages};

impl VcdClient {
    /// Lists organisations.
    ///
    /// `GET /api/query?type=organization`. A tenant sees its own; the provider all of them, its own among them.
    ///
    /// # Errors
    /// An item is `Protocol` for a record that cannot be read, and the list goes on. What else it is ends the list: `Auth`
    /// for refused credentials, `PermissionDenied` for a missing right, `Invalid` for a filter that the server refuses,
    /// `Config` for a version that it does not offer, `RateLimited`, `Unavailable`, `Timeout`; `Protocol` for pages that do
    /// not make a whole list.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_hyalto::vcd::VcdClient) -> tallyline_core::Result<()> {
    /// use tallyline_hyalto::vcd::Filter;
    ///
    /// let mut orgs = client.organizations(&Filter::new());
    /// while let Some(org) = orgs.next_item().await {
    ///     println!("{:?}", org?.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn organizations(&self, filter: &Filter) -> Records<OrgRecord> {
        self.query(
            &operations::QUERY_ORGANIZATIONS,
            QueryType::Organizations,
            filter,
        )
    }

    /// Lists virtual data centres of organisations.
    ///
    /// `GET /api/query?type=orgVdc`, for the provider `type=adminOrgVdc`
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub fn org_vdcs(&self, filter: &Filter) -> Records<OrgVdcRecord> {
        self.query(&operations::QUERY_ORG_VDCS, QueryType::OrgVdcs, filter)
    }

    /// Lists virtual machines, those of templates and deleted ones among them where no filter says otherwise.
    ///
    /// `GET /api/query?type=vm`, for the provider `type=adminVM`
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub fn vms(&self, filter: &Filter) -> Records<VmRecord> {
        self.query(&operations::QUERY_VMS, QueryType::Vms, filter)
    }

    /// Lists edge gateways. The record names no organisation; [`edge_gateways`](Self::edge_gateways) does.
    ///
    /// `GET /api/query?type=edgeGateway`
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub fn edge_gateway_records(&self, filter: &Filter) -> Records<EdgeGatewayRecord> {
        self.query(
            &operations::QUERY_EDGE_GATEWAYS,
            QueryType::EdgeGateways,
            filter,
        )
    }

    /// Lists the storage policies of virtual data centres.
    ///
    /// `GET /api/query?type=orgVdcStorageProfile`, for the provider `type=adminOrgVdcStorageProfile`
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub fn storage_policies(&self, filter: &Filter) -> Records<StoragePolicyRecord> {
        self.query(
            &operations::QUERY_STORAGE_POLICIES,
            QueryType::StoragePolicies,
            filter,
        )
    }

    /// Lists organisations by OpenAPI.
    ///
    /// `GET /cloudapi/1.0.0/orgs`, from version 37.0 on
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub fn orgs(&self, filter: &Filter) -> Records<CloudOrg> {
        self.open_list(&operations::ORGS, filter)
    }

    /// Lists edge gateways by OpenAPI.
    ///
    /// `GET /cloudapi/1.0.0/edgeGateways`
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub fn edge_gateways(&self, filter: &Filter) -> Records<CloudEdgeGateway> {
        self.open_list(&operations::EDGE_GATEWAYS, filter)
    }

    /// The filter is encoded as every parameter is, which must be said.
    fn query<T: DeserializeOwned + 'static>(
        &self,
        operation: &'static Operation,
        kind: QueryType,
        filter: &Filter,
    ) -> Records<T> {
        let request = Request::new(operation)
            .header("accept", &self.inner.accepts.legacy)
            .query("type", kind.name(self.is_system()))
            .query("format", "records");
        let request = match filter.is_empty() {
            true => request,
            false => request
                .query("filter", filter)
                .query("filterEncoded", "true"),
        };
        let pages = Pages::new(Family::Query, self.inner.page_size);
        Records::new(&self.inner.http, request, pages, "record")
    }

    fn open_list<T: DeserializeOwned + 'static>(
        &self,
        operation: &'static Operation,
        filter: &Filter,
    ) -> Records<T> {
        let request = Request::new(operation).header("accept", &self.inner.accepts.open);
        let request = match filter.is_empty() {
            true => request,
            false => request.query("filter", filter),
        };
        let pages = Pages::new(Family::OpenApi, self.inner.page_size);
        Records::new(&self.inner.http, request, pages, "values")
    }
}
