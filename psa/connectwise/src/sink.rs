//! The sink: from wire types to Tallyline's model, and changes to writes.

mod check;
mod currencies;
mod dates;
mod key;
mod make;
mod map;
mod marker;
mod note;
mod product;
mod read;
mod terms;
mod verify;
mod write;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, Product, Timestamp,
};
use tallyline_core::plan::{Change, Strategy};
use tallyline_core::proration::{DayCount, ProrationRule, Rounding};
use tallyline_core::sink::{
    AgreementFilter, ReadBack, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::Identity;
use tallyline_core::{PsaSink, Result};

pub use key::AgreementKeyPlacement;
pub use make::AgreementSetup;
pub use map::{CancelledDateMeaning, EligibilityPolicy};
pub use marker::MarkerPlacement;
pub use note::NoteField;
pub use product::ProductSetup;

use self::currencies::Currencies;
use crate::client::ConnectWiseClient;

/// ConnectWise PSA as a [`PsaSink`].
///
/// Quantities are the additions' total: units included free of charge are part of them.
///
/// ```no_run
/// use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, EligibilityPolicy};
/// use tallyline_core::PsaSink;
///
/// # async fn run(client: ConnectWiseClient) -> tallyline_core::Result<()> {
/// let sink = ConnectWiseSink::builder()
///     .client(client)
///     .policy(EligibilityPolicy { calendar_year_only: false, ..EligibilityPolicy::default() })
///     .build();
/// println!("{:?}", sink.check().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ConnectWiseSink(Arc<Inner>);

struct Inner {
    client: ConnectWiseClient,
    descriptor: SinkDescriptor,
    policy: EligibilityPolicy,
    marker: MarkerPlacement,
    cancelled_date: CancelledDateMeaning,
    agreement_key: AgreementKeyPlacement,
    agreement_setup: AgreementSetup,
    product_setup: Option<ProductSetup>,
    note_field: Option<NoteField>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    currencies: Currencies,
}

#[bon::bon]
impl ConnectWiseSink {
    /// Begins a sink on a client. Everything else has a default.
    #[builder(start_fn(name = builder), finish_fn(name = build), builder_type(
        name = ConnectWiseSinkBuilder,
        doc {
            /// Puts a [`ConnectWiseSink`] together.
        }
    ))]
    pub fn with_parts(
        /// The typed client.
        client: ConnectWiseClient,
        /// Which agreements may be synced onto.
        #[builder(default)]
        policy: EligibilityPolicy,
        /// Where the marker of a created line is written.
        #[builder(default)]
        marker: MarkerPlacement,
        /// What the date in `cancelledDate` means.
        #[builder(default)]
        cancelled_date: CancelledDateMeaning,
        /// Where an agreement that is created carries the key that it is recognised by.
        #[builder(default)]
        agreement_key: AgreementKeyPlacement,
        /// What agreements are created with.
        #[builder(default)]
        agreement_setup: AgreementSetup,
        /// What products are created with; without it none is.
        product_setup: Option<ProductSetup>,
        /// Which text of an agreement is its note; without it none is written. Which one Sherweb's own
        /// connector means by the agreement's comment is not on record.
        note_field: Option<NoteField>,
        /// How many agreements are worked on at once.
        #[builder(default = 4)]
        concurrency: usize,
        /// How new quantities are brought onto lines.
        #[builder(default)]
        strategy: Strategy,
        /// How the system charges a part of a period. Its rounding is inferred from one
        /// published invoice.
        #[builder(default = ProrationRule::per_unit(
            DayCount::ActualInclusive,
            Rounding::half_up(2)
        ))]
        proration: ProrationRule,
        /// Whether the system is known to bill a line that ends within a period for its days of
        /// it only. The vendor does not say; where it is not known, a line that is replaced
        /// ends with a period.
        #[builder(default)]
        prorates_ends: bool,
        /// Tells the present, where the system does not state an agreement's status.
        #[builder(default = Arc::new(Timestamp::now))]
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        let mut capabilities = SinkCapabilities::default();
        capabilities.create_line = true;
        capabilities.set_quantity = true;
        capabilities.set_unit_cost = true;
        capabilities.set_unit_price = true;
        capabilities.end_line = true;
        // A child takes its type from its master.
        capabilities.child_agreements = true;
        capabilities.create_product = product_setup.is_some();
        capabilities.write_note = note_field.is_some();
        capabilities.create_agreement = agreement_setup.agreement_type.is_some();
        let mut descriptor = SinkDescriptor::new("connectwise", "ConnectWise PSA", capabilities);
        descriptor.concurrency = concurrency.max(1);
        descriptor.tenant = Some(tenant(&client));
        descriptor.strategy = strategy;
        descriptor.proration = Some(proration);
        descriptor.prorates_ends = prorates_ends;
        Self(Arc::new(Inner {
            client,
            descriptor,
            policy,
            marker,
            cancelled_date,
            agreement_key,
            agreement_setup,
            product_setup,
            note_field,
            clock,
            currencies: Currencies::default(),
        }))
    }
}

/// Which installation a client is on: the company id that people sign in with, and the site.
fn tenant(client: &ConnectWiseClient) -> String {
    format!("{} at {}", client.company_id(), client.base_url().host())
}

impl ConnectWiseSink {
    /// The typed client.
    #[must_use]
    pub fn client(&self) -> &ConnectWiseClient {
        &self.0.client
    }
}

impl fmt::Debug for ConnectWiseSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectWiseSink")
            .field("client", &self.0.client)
            .field("policy", &self.0.policy)
            .field("marker", &self.0.marker)
            .field("cancelled_date", &self.0.cancelled_date)
            .field("agreement_key", &self.0.agreement_key)
            .field("agreement_setup", &self.0.agreement_setup)
            .field("product_setup", &self.0.product_setup)
            .field("note_field", &self.0.note_field)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PsaSink for ConnectWiseSink {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.0.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        check::check(&self.0.client).await
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

    fn begin(&self, changes: &[Change]) {
        self.0.currencies.expect(changes);
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        write::execute(self, change).await
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        Ok(self.read_back(change, receipt).await?.verdict)
    }

    async fn read_back(&self, change: &Change, receipt: Option<&Receipt>) -> Result<ReadBack> {
        verify::read_back(self, change, receipt).await
    }
}
