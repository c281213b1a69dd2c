//! The sink: from wire types to Tallyline's model, and changes to adjustments.

mod ahead;
mod check;
mod lookup;
mod make;
mod map;
mod period;
mod read;
mod units;
mod verify;
mod write;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, CivilDate, Company, Currency, Product, Timestamp,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{AgreementFilter, Receipt, SinkDescriptor, Verdict, WriteError};
use tallyline_core::source::Identity;
use tallyline_core::{PsaSink, Result};

pub use lookup::{ContractKey, DEFAULT_SUBSCRIPTION_FIELD};
pub use map::{EffectiveDays, EligibilityPolicy};
pub use period::PeriodGrid;

use crate::client::AutotaskClient;
use ahead::Ahead;
use map::Rules;

/// The ids that new contracts, services and charges get. What is given, `check` judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContractSetup {
    /// The billing code of services: active, of use type 5.
    pub service_billing_code: Option<i64>,
    /// The billing code of charges: active, of use type 4.
    pub product_billing_code: Option<i64>,
    /// The service level agreement of contracts: a value of the field's picklist.
    pub service_level_agreement: Option<i64>,
}

impl ContractSetup {
    /// With nothing given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// How many contracts are worked on at once, where nobody says otherwise.
const AT_ONCE: usize = 4;

/// So many requests an hour each contract at work is to have: after a wait for the budget it is read
/// again, which takes three, and a share of fewer requests would go into reading.
const PER_CONTRACT: u32 = 100;

/// Autotask as a [`PsaSink`].
///
/// Agreements are recurring service contracts, products are services, lines are services on
/// contracts. Every change of a line is one adjustment. Contracts are created for keys
/// ([`ContractKey`]), charges for bills where a billing code is named for them.
///
/// ```no_run
/// use tallyline_autotask::{AutotaskClient, AutotaskSink, EffectiveDays};
/// use tallyline_core::PsaSink;
///
/// # async fn run(client: AutotaskClient) -> tallyline_core::Result<()> {
/// let sink = AutotaskSink::builder()
///     .client(client)
///     .effective_days(EffectiveDays::Prorated)
///     .build();
/// println!("{:?}", sink.check().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AutotaskSink(Arc<Inner>);

struct Inner {
    client: AutotaskClient,
    descriptor: SinkDescriptor,
    rules: Rules,
    contract_key: ContractKey,
    setup: ContractSetup,
    ahead: Ahead,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

#[bon::bon]
impl AutotaskSink {
    /// Begins a sink on a client. Everything else has a default.
    #[builder(start_fn(name = builder), finish_fn(name = build), builder_type(
        name = AutotaskSinkBuilder,
        doc {
            /// Puts an [`AutotaskSink`] together.
        }
    ))]
    pub fn with_parts(
        /// The typed client.
        client: AutotaskClient,
        /// Which contracts may be synced onto.
        #[builder(default)]
        policy: EligibilityPolicy,
        /// From when changes count.
        #[builder(default)]
        effective_days: EffectiveDays,
        /// How the billing periods of contracts lie.
        #[builder(default)]
        period_grid: PeriodGrid,
        /// The currency of amounts, which the API does not name. Of a tenant with several, leave
        /// it out.
        currency: Option<Currency>,
        /// Whether prices may be set. They are mostly made by hand: off where not given.
        #[builder(default = false)]
        price_sync: bool,
        /// Whether costs may be set.
        #[builder(default = true)]
        cost_sync: bool,
        /// How the contract of a subscription is recognised.
        #[builder(default)]
        contract_key: ContractKey,
        /// The ids that new contracts, services and charges get.
        #[builder(default)]
        setup: ContractSetup,
        /// How many contracts are worked on at once: as many as the client's budget feeds where not
        /// given, one for each 100 requests an hour of its share, and at most four.
        concurrency: Option<usize>,
        /// Tells the present.
        #[builder(default = Arc::new(Timestamp::now))]
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        let mut capabilities = write::capabilities(price_sync, cost_sync);
        capabilities.create_agreement = true;
        capabilities.add_charge = setup.product_billing_code.is_some();
        let mut descriptor = SinkDescriptor::new("autotask", "Autotask", capabilities);
        let fed = || client.budget().feeds(PER_CONTRACT).clamp(1, AT_ONCE);
        descriptor.concurrency = concurrency.unwrap_or_else(fed).max(1);
        descriptor.currency = currency;
        descriptor.lines_hold_for = ahead::HOLDS_FOR;
        descriptor.amount_digits = Some(map::DIGITS);
        // The domain of the API user is the tenant's own; its name before that is nobody's concern.
        let domain = client.user_name().split_once('@').map(|(_, domain)| domain);
        descriptor.tenant = domain.map(str::to_lowercase);
        Self(Arc::new(Inner {
            client,
            descriptor,
            rules: Rules {
                policy,
                days: effective_days,
                grid: period_grid,
                currency,
            },
            contract_key,
            setup,
            ahead: Ahead::default(),
            clock,
        }))
    }
}

impl AutotaskSink {
    /// The typed client.
    #[must_use]
    pub fn client(&self) -> &AutotaskClient {
        &self.0.client
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    fn today(&self) -> CivilDate {
        self.now().date()
    }
}

impl fmt::Debug for AutotaskSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutotaskSink")
            .field("client", &self.0.client)
            .field("rules", &self.0.rules)
            .field("contract_key", &self.0.contract_key)
            .field("setup", &self.0.setup)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PsaSink for AutotaskSink {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.0.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        check::check(self).await
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        read::companies(self)
    }

    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        read::agreements(self, filter)
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        read::products(self)
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        read::lines(self, agreements)
    }

    fn expect(&self, changes: &[Change]) {
        self.0.ahead.expect(changes, self.now());
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        write::execute(self, change).await
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        verify::verify(self, change, receipt).await
    }
}
