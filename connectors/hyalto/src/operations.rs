//! Every operation of the API that the client knows. All of them read.

use tallyline_core::http::Operation;

use crate::contract;

tallyline_core::operations! {
    /// A token.
    TOKEN = Operation::read_by_post("token.fetch", contract::TOKEN);
    /// A token, by the path with a trailing slash.
    TOKEN_WITH_SLASH = Operation::read_by_post("token.fetch_with_slash", contract::TOKEN_WITH_SLASH);
    /// The accounts.
    ACCOUNTS = Operation::get("accounts.list", contract::ACCOUNTS);
    /// The services of an account.
    SERVICES = Operation::get("services.list", contract::SERVICES);
    /// The usage of a service as time series.
    USAGE = Operation::get("usage.raw", contract::USAGE);
}

#[cfg(test)]
mod tests {
    use tallyline_core::http::Idempotency;

    use super::*;

    #[test]
    fn every_operation_reads_and_has_its_slash() {
        let shown: Vec<String> = ALL
            .iter()
            .map(|operation| {
                assert_eq!(operation.idempotency, Idempotency::Safe);
                format!("{} {}", operation.method, operation.template)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "POST /accountManagement/auth/token",
                "POST /accountManagement/auth/token/",
                "GET /accountManagement/accounts/",
                "GET /serviceOfferings/accounts/{accountId}/services/",
                "GET /solutions/usage/account/{accountId}/raw",
            ]
        );
    }
}
