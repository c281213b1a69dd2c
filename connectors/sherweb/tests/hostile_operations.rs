//! Every operation of the client against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::*;
use raw::{CUSTOMER, MAX_BODY, connect, token};
use tallyline_core::sink::WriteError;
use tallyline_sherweb::models::SubscriptionAmendment;
use tallyline_sherweb::{SherwebClient, operations};
use tallyline_testkit::hostile::{Field, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

const PLATFORM: &str = "b0000000-0000-4000-8000-000000000001";
const SUBSCRIPTION: &str = "50000000-0000-4000-8000-000000000001";
const AMENDMENT: &str = "a0000000-0000-4000-8000-000000000001";
const TRACKING: &str = "d0000000-0000-4000-8000-000000000001";

/// The reads of a customer's billing, and the two writes.
fn billing() -> HostileClient<SherwebClient> {
    let at = |path: &str| format!("{SP}/billing/{path}");
    HostileClient::new("sherweb", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new(
                "the subscriptions of a customer, in short",
                Route::get(
                    &at("subscriptions"),
                    r#"{"items":[{"id":"50000000-0000-4000-8000-000000000001","sku":"MAIL-A","productName":"Mail","quantity":12}]}"#,
                ),
                |client: SherwebClient| async move {
                    let items = client.subscriptions(CUSTOMER).await?.items;
                    let lines = items.iter().map(|item| format!("{} {}", item.id, item.quantity));
                    Ok(lines.collect::<Vec<_>>().join(", "))
                },
            )
            .brief()
            .field(Field::text_id("/items/0/id"))
            .field(Field::quantity("/items/0/quantity")),
        )
        .probe(
            Probe::new(
                "prices",
                Route::get(&at("subscriptions/pricing-information"), r#"{"price":1.10}"#),
                |client: SherwebClient| async move {
                    Ok(client.pricing_information(CUSTOMER).await?.as_str().len().to_string())
                },
            )
            .brief()
            .free_form(),
        )
        .probe(
            Probe::new(
                "meters",
                Route::get(&at("subscriptions/meters"), r#"{"meters":[]}"#),
                |client: SherwebClient| async move {
                    let meters = client.meters(CUSTOMER, PLATFORM).await?;
                    Ok(meters.as_str().len().to_string())
                },
            )
            .brief()
            .free_form(),
        )
        .probe(
            Probe::new(
                "receivable charges",
                Route::get(
                    &at("receivable-charges"),
                    r#"{"periodFrom":"2026-02-01T00:00:00Z","periodTo":"2026-02-28T00:00:00Z","charges":[
                      {"productName":"Mail","sku":"A","chargeName":"Seat","chargeType":"Recurring","periodFrom":"2026-02-01T00:00:00Z",
                       "periodTo":"2026-02-28T00:00:00Z","quantity":2,"costPrice":2,"costPriceProrated":0.1,"currency":"USD"}]}"#,
                ),
                |client: SherwebClient| async move {
                    let charges = client.receivable_charges(CUSTOMER, None).await?.charges;
                    let lines = charges.iter().map(|charge| {
                        let quantity = charge.quantity.normalize();
                        format!("{:?} {quantity}", charge.sku)
                    });
                    Ok(lines.collect::<Vec<_>>().join(", "))
                },
            )
            .brief()
            .all_optional()
            .field(Field::quantity("/charges/0/quantity"))
            .field(Field::date("/charges/0/periodFrom"))
            .field(Field::name("/charges/0/chargeName")),
        )
        .probe(
            Probe::write(
                "an amendment",
                Route::post(
                    &at("subscriptions/amendments"),
                    r#"{"subscriptionsAmendmentId":"a0000000-0000-4000-8000-000000000001"}"#,
                ),
                |client: SherwebClient| async move {
                    let wanted = [SubscriptionAmendment::new(SUBSCRIPTION, 7)];
                    let receipt = client.amend_subscriptions(CUSTOMER, &wanted).await;
                    let receipt = receipt.map_err(WriteError::from)?;
                    Ok(format!("{:?}", receipt.subscriptions_amendment_id))
                },
            )
            .all_optional()
            .may_be_empty()
            .field(Field::text_id("/subscriptionsAmendmentId").optional()),
        )
        .probe(
            Probe::write(
                "a cancellation",
                Route::post(
                    &at("subscriptions/cancellations"),
                    r#"{"subscriptionsAmendmentId":"a0000000-0000-4000-8000-000000000001"}"#,
                ),
                |client: SherwebClient| async move {
                    let ended = [SUBSCRIPTION.to_owned()];
                    let receipt = client.cancel_subscriptions(CUSTOMER, &ended).await;
                    let receipt = receipt.map_err(WriteError::from)?;
                    Ok(format!("{:?}", receipt.subscriptions_amendment_id))
                },
            )
            .brief()
            .all_optional()
            .may_be_empty()
            .field(Field::text_id("/subscriptionsAmendmentId").optional()),
        )
        .probe(
            Probe::new(
                "what became of an amendment",
                Route::get(
                    &at(&format!("subscriptions/amendments/{AMENDMENT}/status")),
                    r#""Pending""#,
                ),
                |client: SherwebClient| async move {
                    Ok(format!("{:?}", client.amendment_status(AMENDMENT).await?.status))
                },
            )
            .brief()
            .free_form(),
        )
}

/// The catalogue, the platforms and their meters.
fn catalog() -> HostileClient<SherwebClient> {
    let of_customer = |path: &str| format!("{SP}/customers/{CUSTOMER}/{path}");
    HostileClient::new("sherweb", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new(
                "what became of a request",
                Route::get(
                    &format!("{SP}/tracking/{TRACKING}"),
                    r#"{"status":"Queued"}"#,
                ),
                |client: SherwebClient| async move {
                    Ok(format!("{:?}", client.tracking(TRACKING).await?.status))
                },
            )
            .brief()
            .free_form(),
        )
        .probe(
            Probe::new(
                "a catalogue",
                Route::get(
                    &format!("{SP}/customer-catalogs/{CUSTOMER}"),
                    r#"{"customerId":"c0000000-0000-4000-8000-000000000001","catalogItems":[{"sku":"A","name":[{"culture":"en","value":"Mail"}]}]}"#,
                ),
                |client: SherwebClient| async move {
                    let catalog = client.customer_catalog(CUSTOMER).await?;
                    let items = catalog.catalog_items.iter();
                    Ok(items.map(|item| item.sku.as_str()).collect())
                },
            )
            .brief()
            .all_optional()
            .field(Field::text_id("/catalogItems/0/sku"))
            .field(Field::name("/catalogItems/0/name/0/value")),
        )
        .probe(
            Probe::new(
                "prices of a catalogue",
                Route::post(
                    &format!("{SP}/customer-catalogs/{CUSTOMER}/catalog-items-pricing"),
                    r#"{"prices":[]}"#,
                ),
                |client: SherwebClient| async move {
                    let prices = client.catalog_items_pricing(CUSTOMER, &["A".to_owned()]).await?;
                    Ok(prices.as_str().len().to_string())
                },
            )
            .brief()
            .free_form(),
        )
        .probe(
            Probe::new(
                "platforms",
                Route::get(
                    &format!("{SP}/platforms"),
                    r#"{"platforms":[{"id":"b0000000-0000-4000-8000-000000000001","name":[{"culture":"en","value":"Cloud"}]}]}"#,
                ),
                |client: SherwebClient| async move {
                    let platforms = client.platforms().await?.platforms;
                    Ok(platforms.iter().map(|it| it.id.as_str()).collect())
                },
            )
            .brief()
            .all_optional()
            .field(Field::text_id("/platforms/0/id"))
            .field(Field::name("/platforms/0/name/0/value")),
        )
        .probe(
            Probe::new(
                "the platforms of a customer",
                Route::get(
                    &of_customer("platforms-configurations"),
                    r#"{"configuredPlatforms":[{"id":"b0000000-0000-4000-8000-000000000001"}]}"#,
                ),
                |client: SherwebClient| async move {
                    let configured = client.platforms_configurations(CUSTOMER).await?;
                    let platforms = configured.configured_platforms.iter();
                    Ok(platforms.map(|it| it.id.as_str()).collect())
                },
            )
            .brief()
            .all_optional()
            .field(Field::text_id("/configuredPlatforms/0/id")),
        )
        .probe(
            Probe::new(
                "a platform of a customer",
                Route::get(
                    &of_customer(&format!("platforms/{PLATFORM}/details")),
                    r#"{"any":[1]}"#,
                ),
                |client: SherwebClient| async move {
                    let details = client.platform_details(CUSTOMER, PLATFORM).await?;
                    Ok(details.as_str().len().to_string())
                },
            )
            .brief()
            .free_form(),
        )
        .probe(
            Probe::new(
                "what was used",
                Route::get(
                    &of_customer(&format!("platforms/{PLATFORM}/meter-usages")),
                    r#"{"meters":[{"meterId":"m-1","totalQuantities":10,"consumedQuantities":2,"availableQuantities":8}]}"#,
                ),
                |client: SherwebClient| async move {
                    let usages = client.meter_usages(CUSTOMER, PLATFORM).await?;
                    let used = usages.meters.iter().map(|meter| {
                        let used = meter.consumed_quantities.map(|it| it.normalize());
                        format!("{used:?}")
                    });
                    Ok(used.collect::<Vec<_>>().join(", "))
                },
            )
            .brief()
            .free_form()
            .field(Field::quantity("/meters/0/consumedQuantities").optional()),
        )
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers() {
    let tables = [raw::main_table(), billing(), catalog()];
    let covered = tables.iter().map(HostileClient::covered);
    let covered = covered.reduce(|all, more| all.and(more)).unwrap();
    let covered = covered.and(raw::token_table().covered());
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, &[]),
        Ok(())
    );
}

#[tokio::test]
async fn no_answer_about_billing_harms_the_client_and_every_wrong_one_is_named() {
    let report = billing().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_about_catalogs_and_platforms_harms_the_client_and_every_wrong_one_is_named() {
    let report = catalog().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
