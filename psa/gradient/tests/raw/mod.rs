//! The client and the sink as the tables of hostile answers need them, their valid answers, and the table of what a
//! sync reads.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_testkit::hostile::{Field, HostileClient, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{PARTNER_KEY, ROOT, VENDOR_KEY, quick, wide};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) const ACCOUNTS: &str = r#"[{"id":"c-1","name":"Fern Clinic"},{"id":"c-2","name":"Oak Legal","description":"a"},{"id":"c-3","name":"Elm Dental"}]"#;

pub(crate) const SKU: &str = r#"{"_id":"66cc","id":"66cc","name":"Mail","description":"Seat","category":"productivity","subcategory":"hosted email"}"#;

pub(crate) const INTEGRATION: &str = r#"{"organizationId":"66bb","name":"Example MSP","vendorId":"66aa","integrationId":"66dd","status":"pending","lastSyncedAt":"1900-01-01T00:00:00Z","vendorName":"Counts"}"#;

pub(crate) fn vendor() -> String {
    format!(
        r#"{{"_id":"66aa","id":"66aa","name":"Counts","description":"Counts","modules":[{{"variation":"billing"}}],
  "organizationId":"66bb","skus":[{SKU},{{"_id":"66ce","name":"Disk"}}]}}"#
    )
}

pub(crate) fn wrapped(data: &str) -> String {
    format!(r#"{{"status":200,"message":"Success","data":{data}}}"#)
}

pub(crate) fn connect(base: &str) -> Result<GradientClient> {
    GradientClient::builder()
        .vendor_api_key(VENDOR_KEY.into())
        .partner_api_key(PARTNER_KEY.into())
        .base_url(base)
        .retry(RetryPolicy {
            max_attempts: 2,
            ..quick()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            ..Limits::default()
        })
        .limiter(wide())
        .jitter_seed(1)
        .build()
}

pub(crate) fn sink(base: &str) -> Result<Arc<GradientSink>> {
    let client = connect(base)?;
    Ok(Arc::new(GradientSink::builder().client(client).build()))
}

pub(crate) fn at(path: &str, answer: impl Into<String>) -> Route {
    Route::get(&format!("{ROOT}{path}"), answer)
}

pub(crate) fn table() -> HostileClient<GradientClient> {
    HostileClient::new("gradient", connect).max_body(MAX_BODY)
}

/// What a sync reads.
pub(crate) fn main_table() -> HostileClient<GradientClient> {
    table()
        .probe(
            Probe::new(
                "accounts",
                at("/organization/accounts", ACCOUNTS),
                |client: GradientClient| async move {
                    Ok(format!("{:?}", client.accounts().await?))
                },
            )
            .field(Field::text_id("/1/id"))
            .field(Field::text_id("/1/name"))
            .field(Field::name("/1/description")),
        )
        .probe(
            Probe::new(
                "the vendor",
                at("", wrapped(&vendor())),
                |client: GradientClient| async move {
                    Ok(format!("{:?}", client.vendor().await?))
                },
            )
            .field(Field::text_id("/data/skus/0/name"))
            .field(Field::name("/data/skus/0/description")),
        )
        .probe(
            Probe::new(
                "the integration",
                at("/organization", INTEGRATION),
                |client: GradientClient| async move {
                    Ok(format!("{:?}", client.integration().await?))
                },
            )
            .field(Field::name("/vendorName")),
        )
}
