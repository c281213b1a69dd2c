//! The sink: from wire types to Tallyline's model, and changes to counts.

mod check;
mod read;
mod run;
mod setup;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, Product, ServiceKey,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{
    AgreementFilter, CountRules, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::Identity;
use tallyline_core::{PsaSink, Result};

pub use setup::{MadeInSetup, Setup};

use crate::client::{CONNECTOR, GradientClient};
use crate::models::{Category, Subcategory};
use run::Run;

/// When the billing view of the MSP is built anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rebuild {
    /// With the last count of a run. Where that one is not taken, with the next run.
    #[default]
    AfterLast,
    /// With every count; the system gathers what comes close together.
    AfterEach,
}

/// What the set-up does with the status of an integration that is not active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConnect {
    /// It becomes pending, so that the MSP goes on to map accounts and services.
    #[default]
    Pending,
    /// It becomes active at once.
    Active,
    /// It stays.
    Leave,
}

/// The words that new services get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceKinds {
    /// Those of services that are not named.
    pub default: (Category, Subcategory),
    /// Those of single services, by the vendor's key.
    pub by_service: BTreeMap<ServiceKey, (Category, Subcategory)>,
}

impl Default for ServiceKinds {
    /// `other`, for all.
    fn default() -> Self {
        Self {
            default: (Category::Other, Subcategory::Other),
            by_service: BTreeMap::new(),
        }
    }
}

/// Gradient as a [`PsaSink`] that sets counts.
///
/// Companies are Gradient's accounts, each with one agreement of the same id; products are its services. What
/// it holds is not told: [`lines`](PsaSink::lines) fails for every agreement, and the current side of a plan is
/// what the journal says was set last.
///
/// ```no_run
/// use tallyline_core::PsaSink;
/// use tallyline_gradient::{GradientClient, GradientSink};
///
/// # async fn run(client: GradientClient) -> tallyline_core::Result<()> {
/// let sink = GradientSink::builder().client(client).send_zero(false).build();
/// println!("{:?}", sink.check().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GradientSink(Arc<Inner>);

struct Inner {
    client: GradientClient,
    descriptor: SinkDescriptor,
    kinds: ServiceKinds,
    on_connect: OnConnect,
    run: Run,
}

#[bon::bon]
impl GradientSink {
    /// Begins a sink on a client. Everything else has a default.
    #[builder(start_fn(name = builder), finish_fn(name = build), builder_type(
        name = GradientSinkBuilder,
        doc {
            /// Puts a [`GradientSink`] together.
        }
    ))]
    pub fn with_parts(
        /// The typed client.
        client: GradientClient,
        /// The MSP's organization. Where it is given, plans are bound to it, and `check` refuses keys
        /// of another.
        #[builder(into)]
        organization_id: Option<String>,
        /// Whether a count that was set, and whose usage is gone from a complete reading, is set to
        /// zero.
        #[builder(default = true)]
        send_zero: bool,
        /// Whether a count is set in every run, also where it is the one that was set last. Whether
        /// Gradient keeps a count that is not set again is not known.
        #[builder(default = true)]
        resend: bool,
        /// When the billing view is built anew.
        #[builder(default)]
        rebuild: Rebuild,
        /// What the set-up does with the status.
        #[builder(default)]
        on_connect: OnConnect,
        /// The words that new services get.
        #[builder(default)]
        kinds: ServiceKinds,
    ) -> Self {
        let mut capabilities = SinkCapabilities::default();
        capabilities.set_count = true;
        let mut descriptor = SinkDescriptor::new(CONNECTOR, "Gradient", capabilities);
        descriptor.concurrency = client.concurrency();
        descriptor.tenant = organization_id;
        descriptor.counts = CountRules {
            resend,
            zero_vanished: send_zero,
        };
        Self(Arc::new(Inner {
            client,
            descriptor,
            kinds,
            on_connect,
            run: Run::new(rebuild),
        }))
    }
}

impl GradientSink {
    /// The typed client.
    #[must_use]
    pub fn client(&self) -> &GradientClient {
        &self.0.client
    }
}

impl fmt::Debug for GradientSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GradientSink")
            .field("client", &self.0.client)
            .field("counts", &self.0.descriptor.counts)
            .field("on_connect", &self.0.on_connect)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PsaSink for GradientSink {
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
        read::lines(agreements)
    }

    fn begin(&self, changes: &[Change]) {
        self.0.run.begin(changes);
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        write::execute(self, change).await
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        Ok(write::verify(change, receipt))
    }
}
