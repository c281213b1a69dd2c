//! The budget that all work on one tenant shares, on paused time.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use tallyline_autotask::query::Query;
use tallyline_autotask::{AutotaskClient, BudgetOptions, TenantBudget};
use tallyline_core::ErrorKind;
use tallyline_core::error::Sent;
use tallyline_core::http::{
    HeaderMap, RetryPolicy, Transport, TransportError, TransportRequest, TransportResponse,
};
use tallyline_testkit::contract::{HeldTransport, System};
use tokio::time::{Instant, advance, sleep};

/// Answers after a second, and counts what is under way at each place.
#[derive(Debug, Default)]
struct Slow {
    now: Mutex<BTreeMap<String, usize>>,
    most: Mutex<BTreeMap<String, usize>>,
    sent: Mutex<usize>,
}

impl Slow {
    fn step(&self, place: &str, by: isize) {
        let mut now = self.now.lock().unwrap();
        let under_way = now.entry(place.to_owned()).or_default();
        *under_way = under_way.checked_add_signed(by).unwrap();
        let mut most = self.most.lock().unwrap();
        let most = most.entry(place.to_owned()).or_default();
        *most = (*most).max(*under_way);
    }

    fn most(&self, place: &str) -> usize {
        self.most.lock().unwrap().get(place).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        *self.sent.lock().unwrap() += 1;
        let place = request.url.path().split('/').nth(3).unwrap().to_owned();
        for place in [place.as_str(), "all"] {
            self.step(place, 1);
        }
        sleep(Duration::from_secs(1)).await;
        for place in [place.as_str(), "all"] {
            self.step(place, -1);
        }
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let body = match place.as_str() {
            "ThresholdInformation" => {
                r#"{"externalRequestThreshold":20,"requestThresholdTimeframe":60}"#
            }
            _ => r#"{"queryCount":1}"#,
        };
        Ok(TransportResponse::new(200, headers, body))
    }
}

fn client(transport: &Arc<Slow>, budget: &TenantBudget) -> AutotaskClient {
    AutotaskClient::builder()
        .user_name("api@example.com")
        .integration_code("code-of-the-tests")
        .secret("secret-of-the-tests")
        .zone_url("https://webservices1.autotask.net/ATServicesRest")
        .budget(budget.clone())
        .retry(RetryPolicy::none())
        .transport(Arc::new(HeldTransport::new(
            System::Autotask,
            Arc::clone(transport) as Arc<dyn Transport>,
        )))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn two_calls_are_under_way_to_one_endpoint_whichever_client_makes_them() {
    let transport = Arc::new(Slow::default());
    let budget = TenantBudget::default();
    let clients = [client(&transport, &budget), client(&transport, &budget)];
    let all = Query::all();
    let companies = clients
        .iter()
        .flat_map(|client| (0..4).map(|_| client.count_companies(&all)));
    let services = clients
        .iter()
        .flat_map(|client| (0..4).map(|_| client.count_services(&all)));
    let start = Instant::now();
    let (companies, services) = tokio::join!(join_all(companies), join_all(services));
    assert!(companies.iter().chain(&services).all(Result::is_ok));
    assert_eq!(
        (transport.most("Companies"), transport.most("Services")),
        (2, 2)
    );
    assert_eq!(transport.most("all"), 4);
    assert_eq!(start.elapsed(), Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn in_any_hour_no_more_than_our_share_is_sent_and_then_it_goes_on() {
    let transport = Arc::new(Slow::default());
    let budget = TenantBudget::new(BudgetOptions {
        hourly_threshold: 10,
        share_percent: 40,
        ..BudgetOptions::default()
    });
    let clients = [client(&transport, &budget), client(&transport, &budget)];
    let all = Query::all();
    for client in clients.iter().cycle().take(4) {
        client.count_companies(&all).await.unwrap();
        advance(Duration::from_secs(59)).await;
    }
    let error = clients[0].count_companies(&all).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::RateLimited, Sent::No)
    );
    // The hour begins with the first answer, a second after its request left.
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3361)));
    advance(Duration::from_secs(3361)).await;
    clients[1].count_companies(&all).await.unwrap();
    assert_eq!(*transport.sent.lock().unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_share_follows_the_threshold_that_the_system_tells() {
    let transport = Arc::new(Slow::default());
    let budget = TenantBudget::default();
    let client = client(&transport, &budget);
    for _ in 0..3 {
        let threshold = client.threshold_information().await.unwrap();
        assert_eq!(threshold.external_request_threshold, Some(20));
    }
    // 40 % of 20, of which one was to ask.
    for _ in 0..7 {
        client.count_companies(&Query::all()).await.unwrap();
    }
    let error = client.count_companies(&Query::all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(*transport.sent.lock().unwrap(), 8);
}
