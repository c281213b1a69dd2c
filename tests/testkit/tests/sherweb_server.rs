//! The server under the simulated marketplace: faults, lost connections, and its end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use support::send;
use support::sherweb::{JSON, KEY, world};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};

#[tokio::test]
async fn faults_strike_before_the_handler_and_are_recorded() {
    let world = world().await;
    let faults = world.sim.faults();
    faults.on(Match::get("/customers").once(), Fault::html_502());
    faults.on(
        Match::get("/customers").once(),
        Fault::too_many_requests(Some(3)),
    );
    assert!(
        world
            .get("/service-provider/v1/customers")
            .await
            .body
            .contains("<html>")
    );
    let limited = world.get("/service-provider/v1/customers").await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("3"))
    );
    assert_eq!(
        world.get("/service-provider/v1/customers").await.status,
        200
    );
    let seen: Vec<_> = world
        .sim
        .requests()
        .into_iter()
        .filter(|r| r.path.ends_with("/customers"))
        .collect();
    assert_eq!(
        seen.iter()
            .map(|r| (r.status, r.faulted))
            .collect::<Vec<_>>(),
        [(Some(502), true), (Some(429), true), (Some(200), false),]
    );
    assert_eq!(
        seen[0].header("Ocp-Apim-Subscription-Key"),
        Some("example-subscription-key")
    );
}

#[tokio::test]
async fn a_dropped_request_is_not_handled_and_a_lost_answer_is() {
    let world = world().await;
    let body = format!(
        r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{}","newQuantity":20}}]}}"#,
        world.subscription
    );
    let bearer = world.bearer("service-provider").await;
    let headers = [KEY, JSON, ("authorization", bearer.as_str())];
    let path = world.subscriptions("/amendments");
    world
        .sim
        .faults()
        .on(Match::post("/amendments").once(), Fault::drop_connection());
    world
        .sim
        .faults()
        .on(Match::post("/amendments").once(), Fault::lose_answer());
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_err()
    );
    assert_eq!(world.sim.state().jobs.len(), 0);
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_err()
    );
    assert_eq!(world.sim.state().jobs.len(), 1);
    assert_eq!(world.sim.requests().last().unwrap().status, None);
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_port_is_closed_after_shutdown() {
    let world = world().await;
    let base = world.sim.base_url().clone();
    world.sim.shutdown().await;
    assert!(send(&base, "GET", "/", &[], "").await.is_err());
}

#[tokio::test]
async fn idle_connections_do_not_hold_a_shutdown_up() {
    let world = world().await;
    let base = world.sim.base_url().clone();
    let address = format!("{}:{}", base.host_str().unwrap(), base.port().unwrap());
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    world.sim.shutdown().await;
    drop(silent);
    assert!(send(&base, "GET", "/", &[], "").await.is_err());
}

#[tokio::test]
async fn a_server_is_settled_when_what_a_client_sent_before_it_ended_is_handled() {
    let sim = SherwebSimulator::start(SherwebState::new()).await.unwrap();
    let port = sim.base_url().port().unwrap();
    let mut client = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let request = b"GET /service-provider/v1/customers HTTP/1.1\r\nhost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut client, request)
        .await
        .unwrap();
    drop(client);
    assert_eq!(sim.request_count(), 0, "nothing has run since it was sent");
    sim.server().settled().await.unwrap();
    assert_eq!(sim.request_count(), 1);
}
