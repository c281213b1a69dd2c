//! What the source is set up with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::clock::{Clock, SharedClock};
use tallyline_core::model::{Basis, ChargeKind};
use tallyline_core::source::SourceDescriptor;

use crate::client::{CONNECTOR, IngramClient, config};
use crate::progress::{MemoryProgress, ProgressStore};

/// For so long an interrupted read is taken up again, where nothing else is said.
const RESUME_WITHIN: Duration = Duration::from_secs(6 * 60 * 60);

/// For so long a subscription that ended is told as zero, where nothing else is said.
const ENDED_WITHIN_DAYS: u32 = 62;

/// What the source is, on a tenant.
fn descriptor(tenant: String) -> SourceDescriptor {
    let mut descriptor = SourceDescriptor::new(CONNECTOR, "Ingram Micro");
    descriptor.basis = Basis::Live;
    descriptor.kinds = &[ChargeKind::Recurring];
    descriptor.fresh_for = Duration::from_secs(24 * 60 * 60);
    descriptor.unit_costs = true;
    descriptor.commitments = true;
    descriptor.tenant = Some(tenant);
    descriptor
}

/// What a subscription that is neither active nor ended comes to. The vendor does not say whether it charges it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusRule {
    /// Its services are not observed: nothing is planned for them.
    #[default]
    Unobserved,
    /// It counts as an active one does.
    Count,
    /// It counts zero.
    Zero,
    /// It is passed over, as if it were not there.
    LeaveOut,
}

/// By what services are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceKeys {
    /// By the manufacturer's part number.
    #[default]
    PartNumber,
    /// By part number, billing period and term, where one part number is sold with several:
    /// `CFQ7TTC0LH18:0001|month:1|year:1`.
    PartNumberAndPeriods,
}

/// Which field of a customer states the PSA company's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountReference {
    /// None does: names link accounts.
    #[default]
    None,
    /// The reseller's own id of it, `externalId`: accounts without one are skipped.
    ExternalId,
}

/// The [`VendorSource`](tallyline_core::VendorSource) over an [`IngramClient`].
///
/// Cloning is cheap: clones share the client and the progress.
#[derive(Clone)]
pub struct IngramSource(Arc<Settings>);

struct Settings {
    descriptor: SourceDescriptor,
    client: IngramClient,
    progress: Arc<dyn ProgressStore>,
    clock: SharedClock,
    resume_within: Duration,
    reuse_within: Duration,
    cache: bool,
    hold: StatusRule,
    pending: StatusRule,
    ended_within_days: u32,
    service_keys: ServiceKeys,
    account_reference: AccountReference,
}

#[bon::bon]
impl IngramSource {
    /// Puts a source together; `build` checks the values and sends nothing.
    ///
    /// `progress` keeps how far a read has come (while the process lives); an interrupted read is taken up again within
    /// `resume_within` (6 h). `cache` reads the details of a subscription again only when its row was modified since they
    /// were read, or today or yesterday. `reuse_within` (zero) uses details of that age as they are, such as those that were
    /// read for a list of services just before; readings say how old they are. `hold` and `pending` say what subscriptions
    /// of these statuses come to (not observed). Subscriptions that ended are told as zero for `ended_within_days` (62).
    ///
    /// # Errors
    /// `build` gives `Config` when a read is to be taken up again after more than a day: it would tell yesterday's counts.
    ///
    /// ```no_run
    /// # fn example(client: tallyline_ingram::IngramClient) -> tallyline_core::Result<()> {
    /// use std::sync::Arc;
    ///
    /// use tallyline_ingram::progress::ProgressFile;
    /// use tallyline_ingram::{IngramSource, StatusRule};
    ///
    /// let source = IngramSource::builder()
    ///     .client(client)
    ///     .progress(Arc::new(ProgressFile::new("ingram-progress.jsonl")))
    ///     .hold(StatusRule::Count)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// What asks the vendor.
        client: IngramClient,
        /// How far a read has come.
        progress: Option<Arc<dyn ProgressStore>>,
        /// For how long an interrupted read is taken up again.
        #[builder(default = RESUME_WITHIN)]
        resume_within: Duration,
        /// For how long details are used as they are.
        #[builder(default)]
        reuse_within: Duration,
        /// Whether details of rows that were not modified are used again.
        #[builder(default)]
        cache: bool,
        /// What suspended subscriptions come to.
        #[builder(default)]
        hold: StatusRule,
        /// What subscriptions that are not ready come to.
        #[builder(default)]
        pending: StatusRule,
        /// For how many days an ended subscription is told as zero.
        #[builder(default = ENDED_WITHIN_DAYS)]
        ended_within_days: u32,
        /// By what services are known.
        #[builder(default)]
        service_keys: ServiceKeys,
        /// Which field of a customer states the PSA company's id.
        #[builder(default)]
        account_reference: AccountReference,
        /// The clock of lists of services; readings are stamped by their request.
        #[builder(default)]
        clock: SharedClock,
    ) -> Result<Self> {
        let descriptor = descriptor(client.own_tenant());
        if resume_within > descriptor.fresh_for || reuse_within > descriptor.fresh_for {
            return Err(config(
                "counts of more than a day ago are no reading of today: take reads up again, and use details again, within \
                 24 hours",
            ));
        }
        Ok(Self(Arc::new(Settings {
            descriptor,
            client,
            progress: progress.unwrap_or_else(|| Arc::new(MemoryProgress::new())),
            clock,
            resume_within,
            reuse_within,
            cache,
            hold,
            pending,
            ended_within_days,
            service_keys,
            account_reference,
        })))
    }
}

impl IngramSource {
    /// The client that asks the vendor.
    #[must_use]
    pub fn client(&self) -> &IngramClient {
        &self.0.client
    }

    pub(super) fn source_descriptor(&self) -> &SourceDescriptor {
        &self.0.descriptor
    }

    pub(super) fn progress(&self) -> &dyn ProgressStore {
        &*self.0.progress
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(super) fn resume_within(&self) -> Duration {
        self.0.resume_within
    }

    pub(super) fn reuse_within(&self) -> Duration {
        self.0.reuse_within
    }

    pub(super) fn cache(&self) -> bool {
        self.0.cache
    }

    pub(super) fn hold(&self) -> StatusRule {
        self.0.hold
    }

    pub(super) fn pending(&self) -> StatusRule {
        self.0.pending
    }

    pub(super) fn ended_within_days(&self) -> i32 {
        i32::try_from(self.0.ended_within_days).unwrap_or(i32::MAX)
    }

    pub(super) fn service_keys(&self) -> ServiceKeys {
        self.0.service_keys
    }

    pub(super) fn account_reference(&self) -> AccountReference {
        self.0.account_reference
    }
}

impl fmt::Debug for IngramSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngramSource")
            .field("client", &self.0.client)
            .field("resume_within", &self.0.resume_within)
            .field("cache", &self.0.cache)
            .field("hold", &self.0.hold)
            .field("pending", &self.0.pending)
            .field("service_keys", &self.0.service_keys)
            .finish_non_exhaustive()
    }
}
