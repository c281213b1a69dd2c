//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{API, BASIC, CLIENT_ID, PRIVATE_KEY};
use tallyline_connectwise::models::{
    BillCustomer, NewAddition, NewAgreement, NewCatalogItem, RecordRef,
};
use tallyline_connectwise::{ConnectWiseClient, ListOptions};
use tallyline_core::Result;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

fn connect(base: &str) -> Result<ConnectWiseClient> {
    ConnectWiseClient::builder()
        .site(base)
        .company_id("northw")
        .public_key("pubkey7")
        .private_key(PRIVATE_KEY)
        .client_id(CLIENT_ID)
        .retry(RetryPolicy {
            max_attempts: 2,
            min_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        })
        .limiter(Arc::new(Limiter::new(LimiterOptions::default())))
        .jitter_seed(1)
        .build()
}

#[tokio::test]
async fn credentials_reach_the_site_alone_and_are_shown_nowhere() {
    let at = |path: &str| format!("{API}{path}");
    let secrets = Secrets::of(PRIVATE_KEY).and(BASIC).and(CLIENT_ID);
    let report =
        CredentialClient::new("connectwise", secrets, connect)
            .call(
                "companies",
                Route::get(
                    &at("/company/companies"),
                    r#"[{"id":44,"name":"Fern Clinic"}]"#,
                ),
                |client: ConnectWiseClient| async move {
                    let companies = client.companies(&ListOptions::default());
                    Ok(companies.try_collect_all(100).await?.len().to_string())
                },
            )
            .call(
                "a company",
                Route::get(&at("/company/companies/44"), r#"{"id":44}"#),
                |client: ConnectWiseClient| async move {
                    Ok(format!("{:?}", client.company(44).await?.id))
                },
            )
            .call(
                "a new addition",
                Route::post(&at("/finance/agreements/71/additions"), r#"{"id":9}"#).status(201),
                |client: ConnectWiseClient| async move {
                    let addition = NewAddition {
                        bill_customer: Some(BillCustomer::Billable),
                        ..NewAddition::default()
                    };
                    let made = client.create_addition(71, &addition).await?;
                    Ok(format!("{:?}", made.id))
                },
            )
            .call(
                "a new agreement",
                Route::post(&at("/finance/agreements"), r#"{"id":90}"#).status(201),
                |client: ConnectWiseClient| async move {
                    let agreement = NewAgreement {
                        name: "Private Cloud".into(),
                        r#type: RecordRef::by_id(14),
                        company: RecordRef::by_id(45),
                        contact: RecordRef::by_id(107),
                        parent_agreement: Some(RecordRef::by_id(88)),
                        ..NewAgreement::default()
                    };
                    let made = client.create_agreement(&agreement).await?;
                    Ok(format!("{:?}", made.id))
                },
            )
            .call(
                "a new product",
                Route::post(&at("/procurement/catalog"), r#"{"id":512}"#).status(201),
                |client: ConnectWiseClient| async move {
                    let item = NewCatalogItem {
                        identifier: "HYALTO-VDC-RAM".into(),
                        description: "RAM".into(),
                        customer_description: "RAM".into(),
                        subcategory: RecordRef::by_id(2),
                        r#type: RecordRef::by_id(1),
                        ..NewCatalogItem::default()
                    };
                    let made = client.create_catalog_item(&item).await?;
                    Ok(format!("{:?}", made.id))
                },
            )
            .run()
            .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
