//! Gradient and a vendor with the business of one book, and real clients on them.

use std::sync::Arc;

use tallyline_core::Result;
use tallyline_core::http::Limiter;
use tallyline_core::model::Timestamp;
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_testkit::gradient::{GradientSimulator, GradientState};

use super::super::csp::market::Market;
use super::super::telling::no_simulator;
use super::super::vendor::quick;
use crate::cli::DemoArgs;

/// What the demo plays on.
pub(super) struct Stage {
    /// The vendor, and its business.
    pub(super) market: Market,
    /// The simulated Gradient.
    pub(super) gradient: GradientSimulator,
    /// The side that reconciles.
    pub(super) sink: GradientSink,
}

impl Stage {
    /// Makes the book, starts both simulators on this machine and connects to them.
    pub(super) async fn set(args: &DemoArgs) -> Result<Self> {
        let market = Market::open(args).await?;
        let mut state = GradientState::new();
        state.clock = market.hands.clone();
        let (keys, organization) = (state.credentials.clone(), state.organization_id.clone());
        let gradient = GradientSimulator::start(state)
            .await
            .map_err(no_simulator)?;
        let client = GradientClient::builder()
            .base_url(gradient.base_url().as_str())
            .vendor_api_key(keys.vendor_key.as_str().into())
            .partner_api_key(keys.partner_key.as_str().into())
            .retry(quick())
            .limiter(Arc::new(Limiter::default()))
            .build()?;
        let sink = GradientSink::builder()
            .client(client)
            .organization_id(organization)
            // What was taken is not sent again, so that a second run shows what is new.
            .resend(false)
            .build();
        Ok(Self {
            market,
            gradient,
            sink,
        })
    }

    /// The book's own present.
    pub(super) fn now(&self) -> Timestamp {
        self.market.now()
    }
}
