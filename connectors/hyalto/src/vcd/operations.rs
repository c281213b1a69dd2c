//! Every operation of the API that the client knows. All of them read, but for signing out.

use tallyline_core::http::Operation;

use super::contract;

tallyline_core::operations! {
    /// The versions that the server offers.
    VERSIONS = Operation::get("versions.list", contract::VERSIONS);
    /// A session of a tenant.
    SIGN_IN = Operation::read_by_post("sessions.create", contract::SESSIONS);
    /// A session of the provider.
    SIGN_IN_PROVIDER = Operation::read_by_post("sessions.create_provider", contract::PROVIDER_SESSIONS);
    /// A token for the API token of a tenant.
    TOKEN = Operation::read_by_post("token.fetch", contract::TENANT_TOKEN);
    /// A token for the API token of the provider.
    TOKEN_PROVIDER = Operation::read_by_post("token.fetch_provider", contract::PROVIDER_TOKEN);
    /// The session that the token belongs to.
    CURRENT_SESSION = Operation::get("sessions.current", contract::CURRENT_SESSION);
    /// The end of a session.
    SIGN_OUT = Operation::delete("sessions.delete", contract::SESSION);
    /// Organisations, by the query service.
    QUERY_ORGANIZATIONS = Operation::get("query.organizations", contract::QUERY);
    /// Virtual data centres of organisations, by the query service.
    QUERY_ORG_VDCS = Operation::get("query.org_vdcs", contract::QUERY);
    /// Virtual machines, by the query service.
    QUERY_VMS = Operation::get("query.vms", contract::QUERY);
    /// Edge gateways, by the query service.
    QUERY_EDGE_GATEWAYS = Operation::get("query.edge_gateways", contract::QUERY);
    /// Storage policies of virtual data centres, by the query service.
    QUERY_STORAGE_POLICIES = Operation::get("query.storage_policies", contract::QUERY);
    /// Organisations, by OpenAPI.
    ORGS = Operation::get("orgs.list", contract::ORGS);
    /// Edge gateways, by OpenAPI.
    EDGE_GATEWAYS = Operation::get("edge_gateways.list", contract::EDGE_GATEWAYS);
}

#[cfg(test)]
mod tests {
    use tallyline_core::http::Idempotency;

    use super::*;

    #[test]
    fn every_operation_reads_but_the_end_of_a_session() {
        let shown: Vec<String> = ALL
            .iter()
            .map(|own| format!("{} {} {:?}", own.method, own.template, own.idempotency))
            .collect();
        assert_eq!(
            shown,
            [
                "GET /api/versions Safe",
                "POST /cloudapi/1.0.0/sessions Safe",
                "POST /cloudapi/1.0.0/sessions/provider Safe",
                "POST /oauth/tenant/{org}/token Safe",
                "POST /oauth/provider/token Safe",
                "GET /cloudapi/1.0.0/sessions/current Safe",
                "DELETE /cloudapi/1.0.0/sessions/{sessionId} Idempotent",
                "GET /api/query Safe",
                "GET /api/query Safe",
                "GET /api/query Safe",
                "GET /api/query Safe",
                "GET /api/query Safe",
                "GET /cloudapi/1.0.0/orgs Safe",
                "GET /cloudapi/1.0.0/edgeGateways Safe",
            ]
        );
        assert_eq!(SIGN_OUT.idempotency, Idempotency::Idempotent);
    }
}
