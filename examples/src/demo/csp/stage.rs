//! Autotask and a vendor with the business of one book, and real clients on them.

use std::sync::Arc;

use tallyline_autotask::{AutotaskClient, AutotaskSink, ContractKey, ContractSetup, EffectiveDays};
use tallyline_core::Result;
use tallyline_core::model::{Currency, Timestamp};
use tallyline_testkit::autotask::AutotaskSimulator;
use tallyline_testkit::book::csp::{CspBook, SUBSCRIPTION_FIELD};
use tallyline_testkit::clock::Clock as Hands;

use super::super::telling::{instant, no_simulator};
use super::super::vendor::quick;
use super::market::Market;
use crate::cli::DemoArgs;

/// The use types of billing codes in Autotask.
const MATERIAL: i64 = 4;
const RECURRING: i64 = 5;

/// What the demo plays on.
pub(super) struct Stage {
    /// The vendor, and its business.
    pub(super) market: Market,
    /// The simulated PSA.
    pub(super) psa: AutotaskSimulator,
    /// The PSA's side.
    pub(super) sink: AutotaskSink,
}

impl Stage {
    /// Makes the book, starts both simulators on this machine and connects to them.
    pub(super) async fn set(args: &DemoArgs) -> Result<Self> {
        let market = Market::open(args).await?;
        let psa = AutotaskSimulator::start(market.book.autotask.clone())
            .await
            .map_err(no_simulator)?;
        let sink = autotask(&market.book, &psa, &market.hands)?;
        Ok(Self { market, psa, sink })
    }

    /// The book's own present.
    pub(super) fn now(&self) -> Timestamp {
        self.market.now()
    }
}

fn autotask(book: &CspBook, psa: &AutotaskSimulator, hands: &Hands) -> Result<AutotaskSink> {
    let credentials = &book.autotask.credentials;
    let client = AutotaskClient::builder()
        .lookup_url(format!("{}ATServicesRest", psa.base_url()))
        .user_name(&credentials.user)
        .integration_code(credentials.integration_code.as_str())
        .secret(credentials.secret.as_str())
        .retry(quick())
        .build()?;
    let mut setup = ContractSetup::new();
    setup.service_billing_code = book.autotask.billing_code(RECURRING);
    setup.product_billing_code = book.autotask.billing_code(MATERIAL);
    setup.service_level_agreement = Some(1);
    let hands = hands.clone();
    Ok(AutotaskSink::builder()
        .client(client)
        .currency(Currency::USD)
        .contract_key(ContractKey::UserDefinedField(SUBSCRIPTION_FIELD.to_owned()))
        .setup(setup)
        // What was billed in advance counts from the first day of its period.
        .effective_days(EffectiveDays::OpenPeriod)
        .clock(Arc::new(move || instant(&hands)))
        .build())
}
