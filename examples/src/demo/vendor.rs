//! The vendors that play: each with its simulator, as strict as the real system, and a real client on it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tallyline_cloudmore::{CloudmoreClient, CloudmoreSource};
use tallyline_core::clock::SharedClock;
use tallyline_core::http::{Limiter, LimiterOptions, PollPolicy, RetryPolicy};
use tallyline_core::{Result, VendorSource};
use tallyline_dandh::DandhClient;
use tallyline_ingram::{IngramClient, IngramSource};
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::clock::Clock as Hands;
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState};
use tallyline_testkit::dandh::{DandhSimulator, DandhState};
use tallyline_testkit::faults::Match;
use tallyline_testkit::ingram::{IngramSimulator, IngramState, gateway_timeout};
use tallyline_testkit::limit::RateLimit;
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};

use super::telling::{HandsClock, no_simulator};

/// How many calls Ingram's gateway admits in a second. The real one is slower by far; on this machine nobody has to wait.
const CALLS_A_SECOND: u32 = 500;

/// What the client allows itself of them: less, since a window may begin in the middle of its own.
const OWN_CALLS_A_SECOND: u32 = 400;

/// How many of them may go at once.
const BURST: u32 = 50;

/// A vendor that plays.
pub(super) struct Vendor {
    /// The simulated system.
    pub(super) simulator: Simulator,
    /// The real client on it.
    pub(super) source: Box<dyn VendorSource>,
}

/// The simulated system of a vendor.
pub(super) enum Simulator {
    /// Cloudmore.
    Cloudmore(CloudmoreSimulator),
    /// D&H.
    Dandh(DandhSimulator),
    /// Ingram Micro.
    Ingram(IngramSimulator),
    /// Sherweb.
    Sherweb(SherwebSimulator),
}

impl Vendor {
    /// Cloudmore, on a clock that its client waits by.
    pub(super) async fn cloudmore(state: CloudmoreState, hands: &Hands) -> Result<Self> {
        let credentials = state.credentials.clone();
        let reseller = state.reseller_id.clone();
        let simulator = CloudmoreSimulator::start(state)
            .await
            .map_err(no_simulator)?;
        let client = CloudmoreClient::builder()
            .base_url(simulator.base_url().as_str())
            .username(&credentials.username)
            .password(credentials.password.as_str().into())
            .client_secret(credentials.client_secret.as_str().into())
            .reseller_id(&reseller)
            .retry(quick())
            .poll(PollPolicy {
                min_delay: Duration::from_millis(10),
                ..PollPolicy::default()
            })
            .clock(SharedClock::new(Arc::new(HandsClock(hands.clone()))))
            .limiter(Arc::new(Limiter::default()))
            .build()?;
        Ok(Self {
            simulator: Simulator::Cloudmore(simulator),
            source: Box::new(CloudmoreSource::builder().client(client).build()?),
        })
    }

    /// D&H, whose faults are XML with a status of 500.
    pub(super) async fn dandh(state: DandhState) -> Result<Self> {
        let credentials = state.credentials.clone();
        let parent = state.reseller_id;
        let simulator = DandhSimulator::start(state).await.map_err(no_simulator)?;
        let source = DandhClient::builder()
            .base_url(simulator.rest_url())
            .username(&credentials.username)
            .password(credentials.password.as_str().into())
            .parent_account_id(parent)
            .retry(quick())
            .limiter(Arc::new(Limiter::default()))
            .build()?;
        Ok(Self {
            simulator: Simulator::Dandh(simulator),
            source: Box::new(source),
        })
    }

    /// Ingram Micro, whose gateway counts calls by the second, and times out once in a while with a page of its own.
    pub(super) async fn ingram(mut state: IngramState, hands: &Hands) -> Result<Self> {
        // Its windows pass in real time, on the day of the book.
        state.clock = Hands::running_from(state.clock.today());
        state.limit = RateLimit::per_window(CALLS_A_SECOND, 1);
        let credentials = state.credentials.clone();
        let marketplace = state.marketplace.clone();
        let simulator = IngramSimulator::start(state).await.map_err(no_simulator)?;
        for nth in [3, 40] {
            let detail = Match::get("/subscriptions/").nth(nth);
            simulator.faults().on(detail, gateway_timeout());
        }
        let limiter = Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(OWN_CALLS_A_SECOND),
            burst: NonZeroU32::new(BURST),
            ..LimiterOptions::default()
        });
        let client = IngramClient::builder()
            .base_url(simulator.api_url())
            .marketplace(&marketplace)
            .username(&credentials.username)
            .password(credentials.password.as_str().into())
            .subscription_key(credentials.subscription_key.as_str().into())
            .retry(quick())
            .limiter(Arc::new(limiter))
            .build()?;
        let source = IngramSource::builder()
            .client(client)
            .clock(SharedClock::new(Arc::new(HandsClock(hands.clone()))))
            .build()?;
        Ok(Self {
            simulator: Simulator::Ingram(simulator),
            source: Box::new(source),
        })
    }

    /// Sherweb.
    pub(super) async fn sherweb(state: SherwebState) -> Result<Self> {
        let application = state.application.clone();
        let simulator = SherwebSimulator::start(state).await.map_err(no_simulator)?;
        let source = SherwebClient::builder()
            .base_url(simulator.base_url().as_str())
            .client_id(&application.client_id)
            .client_secret(application.client_secret.as_str().into())
            .subscription_key(application.subscription_key.as_str().into())
            .retry(quick())
            .build()?;
        Ok(Self {
            simulator: Simulator::Sherweb(simulator),
            source: Box::new(source),
        })
    }

    /// The vendor's name.
    pub(super) fn name(&self) -> String {
        self.source.descriptor().name.to_string()
    }

    /// How many requests its system saw.
    pub(super) fn requests(&self) -> usize {
        match &self.simulator {
            Simulator::Cloudmore(simulator) => simulator.request_count(),
            Simulator::Dandh(simulator) => simulator.request_count(),
            Simulator::Ingram(simulator) => simulator.request_count(),
            Simulator::Sherweb(simulator) => simulator.request_count(),
        }
    }

    /// The simulated Sherweb, where it is that.
    pub(super) fn as_sherweb(&self) -> Option<&SherwebSimulator> {
        match &self.simulator {
            Simulator::Sherweb(simulator) => Some(simulator),
            _ => None,
        }
    }

    /// Stops its system.
    pub(super) async fn shutdown(self) {
        match self.simulator {
            Simulator::Cloudmore(simulator) => simulator.shutdown().await,
            Simulator::Dandh(simulator) => simulator.shutdown().await,
            Simulator::Ingram(simulator) => simulator.shutdown().await,
            Simulator::Sherweb(simulator) => simulator.shutdown().await,
        }
    }
}

/// On this machine nobody needs time to recover.
pub(super) fn quick() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 2,
        min_delay: Duration::from_millis(10),
        ..RetryPolicy::default()
    }
}
