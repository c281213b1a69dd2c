//! How often the vendor is asked, on paused time.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::sync::Arc;

use common::{KEY, PASSWORD, USERNAME};
use futures::{StreamExt as _, TryStreamExt as _};
use tallyline_core::VendorSource;
use tallyline_core::source::UsageRequest;
use tallyline_ingram::{IngramClient, IngramSource};
use tallyline_testkit::contract::{HeldTransport, System};
use tallyline_testkit::ingram::{InProcess, IngramState, RetryAfter};
use tallyline_testkit::limit::RateLimit;

/// A reseller with 90 customers and 550 subscriptions.
fn reseller() -> IngramState {
    let mut state = IngramState::new();
    state.credentials.username = USERNAME.to_owned();
    state.credentials.password = PASSWORD.to_owned();
    state.credentials.subscription_key = KEY.to_owned();
    state.add_product("MAIL", "Mail", 6.into(), 5.into());
    let customers: Vec<String> = (0..90)
        .map(|at| state.add_customer(&format!("Client {at}")))
        .collect();
    for at in 0..550_usize {
        let seats = i64::try_from(at).unwrap() + 1;
        state.subscribe(&customers[at % 90], "MAIL", seats.into());
    }
    state
}

/// A source as it is set up where nothing is said, on a marketplace of its own.
fn connect(state: IngramState) -> (IngramSource, InProcess, HeldTransport) {
    let vendor = InProcess::new(state);
    let held = HeldTransport::new(System::Ingram, Arc::new(vendor.clone()));
    let client = IngramClient::builder()
        .base_url("https://api.example.com/marketplace/na")
        .marketplace("us")
        .username(USERNAME)
        .password(PASSWORD.into())
        .subscription_key(KEY.into())
        .transport(Arc::new(held.clone()))
        .jitter_seed(7)
        .build()
        .unwrap();
    let source = IngramSource::builder().client(client).build().unwrap();
    (source, vendor, held)
}

fn request() -> UsageRequest {
    UsageRequest::new("2026-03-15T12:00:00Z".parse().unwrap())
}

/// Calls, and how many of them were refused.
fn counts(vendor: &InProcess) -> (usize, usize) {
    let asked = vendor.asked();
    let refused = asked.iter().filter(|call| call.status == 429);
    (asked.len(), refused.count())
}

async fn read_whole(source: &IngramSource) -> rust_decimal::Decimal {
    let readings: Vec<_> = source.usage(&request()).try_collect().await.unwrap();
    assert_eq!(readings.len(), 90);
    let lines = readings.iter().map(|reading| {
        let lines = reading.lines();
        lines.unwrap_or_else(|| panic!("{reading:?}"))
    });
    let lines: Vec<_> = lines.flatten().collect();
    assert_eq!(lines.len(), 550);
    lines.iter().map(|line| line.quantity.value()).sum()
}

#[tokio::test(start_paused = true)]
async fn five_hundred_and_fifty_subscriptions_are_read_whole_behind_a_limit_that_refuses_bursts() {
    for told in [
        RetryAfter::EverySecond,
        RetryAfter::Never,
        RetryAfter::Always,
    ] {
        let mut state = reseller();
        state.limit = RateLimit::per_window(60, 60);
        state.switches.retry_after = told;
        let (source, vendor, _held) = connect(state);
        let began = tokio::time::Instant::now();
        assert_eq!(read_whole(&source).await, (550 * 551 / 2).into());
        let (calls, refused) = counts(&vendor);
        println!(
            "{told:?}: {calls} calls, {refused} refused, {:?}",
            began.elapsed()
        );
        assert!(refused * 50 <= calls, "{refused} of {calls} were refused");
        assert!(calls <= 550 + 10 + refused, "{calls}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_narrower_than_the_clients_own_is_waited_out_and_nothing_is_lost() {
    let mut state = reseller();
    state.limit = RateLimit::per_window(40, 60);
    let (source, vendor, _held) = connect(state);
    assert_eq!(read_whole(&source).await, (550 * 551 / 2).into());
    let (calls, refused) = counts(&vendor);
    println!("{calls} calls, {refused} refused");
    assert!(refused > 0 && refused * 5 <= calls, "{refused} of {calls}");
}

#[tokio::test(start_paused = true)]
async fn one_in_ten_details_that_fail_for_good_fail_their_accounts_and_no_other() {
    let mut state = reseller();
    let failing: Vec<_> = state.subscriptions.iter().step_by(10).cloned().collect();
    for own in &failing {
        state.failing_details.insert(
            own.id.clone(),
            tallyline_testkit::ingram::DetailFailure::Prose,
        );
    }
    let victims: std::collections::BTreeSet<&str> =
        failing.iter().map(|own| own.customer_id.as_str()).collect();
    let (source, _vendor, _held) = connect(state);
    let request = request();
    let mut readings = source.usage(&request);
    let mut failed = 0;
    while let Some(reading) = readings.next().await {
        let reading = reading.unwrap();
        let is_victim = victims.contains(reading.account.as_str());
        assert_eq!(reading.lines().is_none(), is_victim, "{reading:?}");
        failed += usize::from(is_victim);
    }
    assert_eq!(failed, victims.len());
}
