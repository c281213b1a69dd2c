//! Autotask and one of two vendors with the business of one book, and real clients on them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::ToSpan as _;
use rust_decimal::Decimal;
use tallyline_autotask::{AutotaskClient, AutotaskSink, ContractKey, ContractSetup, EffectiveDays};
use tallyline_cloudmore::{CloudmoreClient, CloudmoreSource, JobClock};
use tallyline_core::apply::Clock;
use tallyline_core::http::{Limiter, PollPolicy, RetryPolicy};
use tallyline_core::model::{Currency, Timestamp};
use tallyline_core::{Result, VendorSource};
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::autotask::AutotaskSimulator;
use tallyline_testkit::book::csp::{CspBook, CspBookOptions, CspCase, SUBSCRIPTION_FIELD};
use tallyline_testkit::book::csp_sherweb::{refresh, sherweb_of};
use tallyline_testkit::clock::Clock as Hands;
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState};
use tallyline_testkit::sherweb::SherwebSimulator;

use super::super::telling::no_simulator;
use crate::cli::{DemoArgs, DemoSource};

/// The use types of billing codes in Autotask.
const MATERIAL: i64 = 4;
const RECURRING: i64 = 5;

/// The simulated vendor.
pub(super) enum Vendor {
    /// Cloudmore, which holds the business.
    Cloudmore(CloudmoreSimulator),
    /// Sherweb, and the business that it is kept up to.
    Sherweb(Box<(SherwebSimulator, CloudmoreState)>),
}

/// What the demo plays on.
pub(super) struct Stage {
    /// The book, as it was at the start.
    pub(super) book: CspBook,
    /// The simulated vendor.
    pub(super) vendor: Vendor,
    /// The simulated PSA.
    pub(super) psa: AutotaskSimulator,
    /// The vendor's side.
    pub(super) source: Box<dyn VendorSource>,
    /// The PSA's side.
    pub(super) sink: AutotaskSink,
    /// The clock of both simulators.
    hands: Hands,
}

/// The simulators' clock, read by the clients. Waits are waited.
pub(super) struct StageClock(Hands);

#[async_trait]
impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        instant(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

fn instant(hands: &Hands) -> Timestamp {
    let text = hands.now().to_string();
    text.parse().unwrap_or(Timestamp::EPOCH)
}

/// What a new month brought.
pub(super) struct News {
    /// The day of the new bill.
    pub(super) bill: String,
    /// What happened, in words.
    pub(super) sentences: Vec<String>,
}

impl Stage {
    /// Makes the book, starts both simulators on this machine and connects to them.
    pub(super) async fn set(args: &DemoArgs) -> Result<Self> {
        tallyline_testkit::contract::skip_quietly();
        let book = CspBook::generate(CspBookOptions {
            seed: args.seed,
            organizations: args.accounts,
            ..CspBookOptions::default()
        });
        let hands = book.cloudmore.clock.clone();
        let psa = AutotaskSimulator::start(book.autotask.clone())
            .await
            .map_err(no_simulator)?;
        let (vendor, source): (Vendor, Box<dyn VendorSource>) = match args.source {
            DemoSource::Cloudmore => {
                let simulator = CloudmoreSimulator::start(book.cloudmore.clone())
                    .await
                    .map_err(no_simulator)?;
                let source = cloudmore(&book.cloudmore, &simulator, &hands)?;
                (Vendor::Cloudmore(simulator), Box::new(source))
            }
            DemoSource::Sherweb => {
                let state = sherweb_of(&book.cloudmore);
                let application = state.application.clone();
                let simulator = SherwebSimulator::start(state).await.map_err(no_simulator)?;
                let source = SherwebClient::builder()
                    .base_url(simulator.base_url().as_str())
                    .client_id(&application.client_id)
                    .client_secret(application.client_secret.as_str().into())
                    .subscription_key(application.subscription_key.as_str().into())
                    .retry(quick())
                    .build()?;
                let business = book.cloudmore.clone();
                (
                    Vendor::Sherweb(Box::new((simulator, business))),
                    Box::new(source),
                )
            }
        };
        let sink = autotask(&book, &psa, &hands)?;
        Ok(Self {
            book,
            vendor,
            psa,
            source,
            sink,
            hands,
        })
    }

    /// The book's own present.
    pub(super) fn now(&self) -> Timestamp {
        instant(&self.hands)
    }

    /// How many requests the vendor saw.
    pub(super) fn vendor_requests(&self) -> usize {
        match &self.vendor {
            Vendor::Cloudmore(simulator) => simulator.request_count(),
            Vendor::Sherweb(both) => both.0.request_count(),
        }
    }

    /// Lets a month go by, with a new bill at its end.
    pub(super) fn next_bill(&mut self) -> News {
        let last = self.book.last_bill;
        let next = last.checked_add(1.month()).unwrap_or(last);
        let mut sentences = Vec::new();
        let buyer = self.book.case(CspCase::Increase).cloned();
        let user = self.book.case(CspCase::AzureConsumption).cloned();
        let name_of = |state: &CloudmoreState, id: &str| {
            let found = state.organizations.get(id);
            found
                .map(|organization| organization.name.clone())
                .unwrap_or_default()
        };
        self.hands
            .set_day(next.checked_add(4.days()).unwrap_or(next));
        self.business(|state| {
            if let Some(note) = &buyer {
                let bought = last.checked_add(2.weeks()).unwrap_or(last);
                let quantity = Decimal::from(note.vendor_quantity + 4);
                state.change_quantity(&note.subscription_id, bought, quantity);
                sentences.push(format!(
                    "{} bought 4 more licences on {bought}.",
                    name_of(state, &note.organization_id)
                ));
            }
            if let Some(note) = &user {
                for day in 1..=28_i64 {
                    let on = last.checked_add(day.days()).unwrap_or(last);
                    let unit = (Decimal::new(1_379, 5), Decimal::new(16_548, 6));
                    let hours = Decimal::new(24_000 + day * 37, 3);
                    state.add_usage(&note.subscription_id, on, "Compute hours", hours, unit);
                }
                sentences.push(format!(
                    "{} used Azure on 28 days.",
                    name_of(state, &note.organization_id)
                ));
            }
            state.generate_bills(next);
        });
        News {
            bill: next.to_string(),
            sentences,
        }
    }

    /// Changes the business, wherever it is kept.
    fn business(&mut self, change: impl FnOnce(&mut CloudmoreState)) {
        match &mut self.vendor {
            Vendor::Cloudmore(simulator) => simulator.with_state(change),
            Vendor::Sherweb(both) => {
                let (simulator, business) = both.as_mut();
                change(business);
                simulator.with_state(|state| refresh(state, business));
            }
        }
    }
}

/// On this machine nobody needs time to recover.
fn quick() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 2,
        min_delay: Duration::from_millis(10),
        ..RetryPolicy::default()
    }
}

fn cloudmore(
    state: &CloudmoreState,
    simulator: &CloudmoreSimulator,
    hands: &Hands,
) -> Result<CloudmoreSource> {
    let credentials = &state.credentials;
    let client = CloudmoreClient::builder()
        .base_url(simulator.base_url().as_str())
        .username(&credentials.username)
        .password(credentials.password.as_str().into())
        .client_secret(credentials.client_secret.as_str().into())
        .reseller_id(&state.reseller_id)
        .retry(quick())
        .poll(PollPolicy {
            min_delay: Duration::from_millis(10),
            ..PollPolicy::default()
        })
        .clock(JobClock::new(Arc::new(StageClock(hands.clone()))))
        .limiter(Arc::new(Limiter::default()))
        .build()?;
    CloudmoreSource::builder().client(client).build()
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
