//! Every operation of the client against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::at;
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use raw::{MAX_BODY, connect, detail_of, own_id, token, whole};
use tallyline_core::Result;
use tallyline_core::sink::WriteError;
use tallyline_ingram::models::{
    Address, CustomerUpdate, NewCustomer, NewOrder, OrderType, OrderUpdate, SubscriptionUpdate,
};
use tallyline_ingram::{
    CustomerFilter, IngramClient, OrderFilter, ProductFilter, ReportFilter, operations,
};
use tallyline_testkit::hostile::{Field, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

const CUSTOMER: &str = r#"{"id":"1000310","name":"Maple"}"#;

const ORDER: &str = r#"{"id":"7","type":"sales","customerId":"1","total":{"currency":"USD","amount":"90"},"products":[{"mpn":"MAIL","quantity":15}]}"#;

const REPORT: &str = r#"{"id":"4e000000-0000-4000-8000-000000000001","name":"M","startDate":"2026-03-01T00:00:00Z","downloadUrl":"https://x.example/?sig=s"}"#;

/// A table of operations that are sent and read as those of the main one.
fn table(probes: Vec<Probe<IngramClient>>) -> HostileClient<IngramClient> {
    let table = HostileClient::new("ingram", connect)
        .max_body(MAX_BODY)
        .route(token());
    probes
        .into_iter()
        .fold(table, |table, probe| table.probe(probe.brief()))
}

/// A list whose only row has an id.
fn rows<T: std::fmt::Debug + Send + 'static>(
    name: &str,
    path: &str,
    row: &str,
    list: impl Fn(&IngramClient) -> BoxStream<'static, Result<T>> + Send + Sync + 'static,
) -> Probe<IngramClient> {
    Probe::new(
        name,
        Route::get(&at(path), whole(&[row])),
        move |client: IngramClient| {
            let found = list(&client);
            async move {
                let found: Vec<T> = found.try_collect().await?;
                Ok(format!("{found:?}"))
            }
        },
    )
    .field(Field::text_id("/data/0/id"))
}

fn lists() -> HostileClient<IngramClient> {
    table(vec![
        rows("resellers", "/resellers", r#"{"id":"1"}"#, IngramClient::resellers),
        rows(
            "the customers of a reseller",
            "/resellers/1/customers",
            CUSTOMER,
            |client| client.reseller_customers("1", &CustomerFilter::default()),
        ),
        rows(
            "the orders of a reseller",
            "/resellers/1/orders",
            r#"{"id":"7","type":"sales","customerId":"1","total":{"currency":"USD","amount":"90"}}"#,
            |client| client.reseller_orders("1", &OrderFilter::default()),
        )
        .field(Field::quantity("/data/0/total/amount")),
        rows(
            "orders",
            "/orders",
            r#"{"id":"7","type":"sales","customerId":"1","orderNumber":"SO7"}"#,
            |client| client.orders(&OrderFilter::default()),
        ),
        rows(
            "products",
            "/products",
            r#"{"id":"PRD1","mpn":"MAIL","name":"Mail","costs":[{"currency":"USD","amount":"5.1","lowerLimit":25}]}"#,
            |client| client.products(&ProductFilter::default()),
        )
        // A row is read as a whole: what is no JSON in it is told by the row.
        .field(Field::quantity("/data/0/costs/0/amount").named("data[0]"))
        .field(Field::name("/data/0/name")),
        rows("plans", "/plans", r#"{"id":"10042","name":"P"}"#, IngramClient::plans),
        rows("reports", "/reports", REPORT, |client| {
            client.reports(&ReportFilter::default())
        }),
    ])
}

fn records() -> HostileClient<IngramClient> {
    let by_id = |name: &str, path: &str, body: &str| (name.to_owned(), Route::get(&at(path), body));
    let (customer, customer_route) = by_id("a customer", "/customers/1000310", CUSTOMER);
    let (reseller, reseller_route) = by_id("a reseller", "/resellers/1", r#"{"id":"1"}"#);
    let (order, order_route) = by_id("an order", "/orders/7", ORDER);
    let (plan, plan_route) = by_id("a plan", "/plans/10042", r#"{"id":"10042","name":"P"}"#);
    let (report, report_route) = by_id(
        "a report",
        "/reports/4e000000-0000-4000-8000-000000000001",
        REPORT,
    );
    table(vec![
        Probe::new(&customer, customer_route, |client: IngramClient| async move {
            Ok(format!("{:?}", client.customer("1000310").await?))
        })
        .field(own_id())
        .field(Field::name("/name")),
        Probe::new(&reseller, reseller_route, |client: IngramClient| async move {
            Ok(format!("{:?}", client.reseller("1").await?))
        })
        .field(own_id()),
        Probe::new(&order, order_route, |client: IngramClient| async move {
            let order = client.order("7").await?;
            let units = order.products.iter();
            let units = units.map(|own| own.quantity.map(|it| it.normalize()));
            Ok(format!("{} {:?}", order.id, units.collect::<Vec<_>>()))
        })
        .field(own_id())
        .field(Field::quantity("/products/0/quantity").optional()),
        Probe::new(&plan, plan_route, |client: IngramClient| async move {
            Ok(format!("{:?}", client.plan("10042").await?))
        })
        .field(own_id()),
        Probe::new(&report, report_route, |client: IngramClient| async move {
            let id = "4e000000-0000-4000-8000-000000000001";
            Ok(format!("{:?}", client.report(id).await?))
        })
        // Nothing of an answer with an address of a file is shown, its places among it.
        .field(Field::text_id("/id").named("the answer does not have the expected shape")),
    ])
}

fn order() -> NewOrder {
    NewOrder::new(OrderType::Sales, "1")
}

fn writes() -> HostileClient<IngramClient> {
    table(vec![
        Probe::write(
            "an order placed",
            Route::post(&at("/orders"), ORDER),
            |client: IngramClient| async move {
                let placed = client.place_order(&order()).await;
                Ok(placed.map_err(WriteError::from)?.id)
            },
        )
        .field(own_id()),
        Probe::write(
            "an order estimated",
            Route::post(
                &at("/orders/estimate"),
                r#"{"type":"sales","customerId":"1","total":{"currency":"USD","amount":"90"}}"#,
            ),
            |client: IngramClient| async move {
                let found = client.estimate_order(&order()).await;
                Ok(format!("{:?}", found.map_err(WriteError::from)?))
            },
        )
        .all_optional()
        // An amount that is missing or doubled is told by what holds it.
        .field(Field::quantity("/total/amount").named(" at total")),
        Probe::write(
            "an order updated",
            Route::new("PATCH", &at("/orders/7"), ORDER),
            |client: IngramClient| async move {
                let update = OrderUpdate::default();
                let found = client.update_order("7", &update).await;
                Ok(found.map_err(WriteError::from)?.id)
            },
        )
        .field(own_id()),
        Probe::write(
            "a subscription updated",
            Route::new(
                "PATCH",
                &at("/subscriptions/1000451"),
                detail_of("1000451", "1000310"),
            ),
            |client: IngramClient| async move {
                let update = SubscriptionUpdate::default();
                let found = client.update_subscription("1000451", &update).await;
                Ok(found.map_err(WriteError::from)?.id)
            },
        )
        .field(own_id()),
        Probe::write(
            "a customer made",
            Route::post(&at("/customers"), CUSTOMER),
            |client: IngramClient| async move {
                let address = Address::new("1 Oak", "1", "Oak", "US");
                let customer = NewCustomer::new("Oak", "en", address, Vec::new());
                let made = client.create_customer(&customer).await;
                Ok(made.map_err(WriteError::from)?.id)
            },
        )
        .field(own_id()),
        Probe::write(
            "a customer updated",
            Route::new("PATCH", &at("/customers/1000310"), CUSTOMER),
            |client: IngramClient| async move {
                let update = CustomerUpdate::default();
                let found = client.update_customer("1000310", &update).await;
                Ok(found.map_err(WriteError::from)?.id)
            },
        )
        .field(own_id()),
    ])
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers() {
    let tables = [raw::main_table(), lists(), records(), writes()];
    let covered = tables.iter().map(HostileClient::covered);
    let covered = covered.reduce(|all, more| all.and(more)).unwrap();
    let covered = covered.and(raw::token_table().covered());
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, &[]),
        Ok(())
    );
}

async fn assert_held(table: HostileClient<IngramClient>) {
    let report = table.run().await;
    report.assert_held();
}

#[tokio::test]
async fn no_answer_of_a_list_harms_the_client_and_every_wrong_one_is_named() {
    assert_held(lists()).await;
}

#[tokio::test]
async fn no_answer_about_one_record_harms_the_client_and_every_wrong_one_is_named() {
    assert_held(records()).await;
}

#[tokio::test]
async fn no_answer_to_a_write_harms_the_client_and_every_wrong_one_is_named() {
    assert_held(writes()).await;
}
