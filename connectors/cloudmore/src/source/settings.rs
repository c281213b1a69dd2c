//! What the source is set up with.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::clock::Clock;
use tallyline_core::model::{Basis, ChargeKind, CivilDate};
use tallyline_core::source::SourceDescriptor;

use crate::client::{CONNECTOR, CloudmoreClient, config};
use crate::fields::{BillLine, FieldMap};

/// The custom property that the vendor's own integration uses.
const COMPANY_PROPERTY: &str = "AutotaskCompanyID";

/// Services that are consumed and billed afterwards, where nothing else is said.
const USAGE_SERVICES: [&str; 3] = ["Azure", "Azure Plan", "Microsoft Azure"];

/// So many days back bills are read: a subscription that is paid for a year stands on a bill of then.
const HISTORY_DAYS: u32 = 400;

/// What the source is, on a tenant.
fn descriptor(tenant: String) -> SourceDescriptor {
    let mut descriptor = SourceDescriptor::new(CONNECTOR, "Cloudmore");
    descriptor.basis = Basis::Invoiced;
    descriptor.kinds = &[
        ChargeKind::Recurring,
        ChargeKind::Setup,
        ChargeKind::Usage,
        ChargeKind::Proration,
        ChargeKind::Credit,
    ];
    // A month, and the days that the vendor takes to make the next bill.
    descriptor.fresh_for = Duration::from_secs(40 * 24 * 60 * 60);
    descriptor.unit_costs = true;
    descriptor.tenant = Some(tenant);
    descriptor
}

/// Which report the bills are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportMode {
    /// The one that a job makes: what the vendor asks of production.
    #[default]
    Job,
    /// The one that is answered at once, of limited size: for testing only, as the vendor says.
    Direct,
}

/// The services whose bills are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectedServices {
    /// All of them.
    #[default]
    All,
    /// Those with these ids or names, in any case of their letters.
    Only(BTreeSet<String>),
}

impl SelectedServices {
    /// The services with these ids or names.
    pub fn only<T: Into<String>>(services: impl IntoIterator<Item = T>) -> Self {
        Self::Only(services.into_iter().map(Into::into).collect())
    }

    fn holds(&self, line: &BillLine) -> bool {
        match self {
            Self::All => true,
            Self::Only(services) => services.iter().any(|service| is_of(line, service)),
        }
    }
}

/// Whether a line is of a service, by id or name.
fn is_of(line: &BillLine, service: &str) -> bool {
    let same = |text: &Option<String>| {
        let mut text = text.as_deref().into_iter();
        text.any(|text| text.eq_ignore_ascii_case(service.trim()))
    };
    same(&line.service_id) || same(&line.service_name)
}

/// The [`VendorSource`](tallyline_core::VendorSource) over a [`CloudmoreClient`].
///
/// Cloning is cheap: clones share the client.
#[derive(Clone)]
pub struct CloudmoreSource(Arc<Settings>);

struct Settings {
    descriptor: SourceDescriptor,
    client: CloudmoreClient,
    field_map: FieldMap,
    services: SelectedServices,
    usage_services: Vec<String>,
    company_property: Option<String>,
    history_days: u32,
    mode: ReportMode,
}

#[bon::bon]
impl CloudmoreSource {
    /// Puts a source together; `build` checks the values and sends nothing.
    ///
    /// `field_map` says where reports hold what. `services` are those whose bills are read.
    /// `usage_services` are ids or names of services whose lines are consumption (Azure). Accounts
    /// are linked by the organizations' custom property `company_property` (`AutotaskCompanyID`) alone; a
    /// blank one lets names link them. `history_days` is how far back bills are read (400).
    ///
    /// # Errors
    /// `build` gives `Config` for a wrong field map, for no selected service, and for a history of no
    /// day or more than ten years.
    ///
    /// ```no_run
    /// # fn example(client: tallyline_cloudmore::CloudmoreClient) -> tallyline_core::Result<()> {
    /// use tallyline_cloudmore::{CloudmoreSource, SelectedServices};
    ///
    /// let source = CloudmoreSource::builder()
    ///     .client(client)
    ///     .services(SelectedServices::only(["Azure", "CSP 365"]))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// What asks the vendor.
        client: CloudmoreClient,
        /// Where reports hold what.
        #[builder(default)]
        field_map: FieldMap,
        /// The services whose bills are read.
        #[builder(default)]
        services: SelectedServices,
        /// The services whose lines are consumption, by id or name.
        #[builder(default = USAGE_SERVICES.map(str::to_owned).to_vec())]
        usage_services: Vec<String>,
        /// The custom property that holds the PSA company's id; blank for none.
        #[builder(into, default = COMPANY_PROPERTY.to_owned())]
        company_property: String,
        /// How many days back bills are read.
        #[builder(default = HISTORY_DAYS)]
        history_days: u32,
        /// Which report is read.
        #[builder(default)]
        report: ReportMode,
    ) -> Result<Self> {
        field_map.validate()?;
        if let SelectedServices::Only(selected) = &services
            && selected.iter().all(|service| service.trim().is_empty())
        {
            return Err(config("no service is selected: nothing would be read"));
        }
        if !(1..=3660).contains(&history_days) {
            return Err(config(format!(
                "a history of {history_days} days: allow from 1 to 3660"
            )));
        }
        let company_property = company_property.trim();
        let tenant = CloudmoreClient::tenant(client.reseller_id(), client.base_url());
        Ok(Self(Arc::new(Settings {
            descriptor: descriptor(tenant),
            client,
            field_map,
            services,
            usage_services,
            company_property: (!company_property.is_empty()).then(|| company_property.to_owned()),
            history_days,
            mode: report,
        })))
    }
}

impl CloudmoreSource {
    /// The client that asks the vendor.
    #[must_use]
    pub fn client(&self) -> &CloudmoreClient {
        &self.0.client
    }

    pub(crate) fn field_map(&self) -> &FieldMap {
        &self.0.field_map
    }

    pub(crate) fn company_property(&self) -> Option<&str> {
        self.0.company_property.as_deref()
    }

    pub(super) fn mode(&self) -> ReportMode {
        self.0.mode
    }

    pub(super) fn source_descriptor(&self) -> &SourceDescriptor {
        &self.0.descriptor
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.0.client.clock()
    }

    /// The first day whose bills are read up to a day.
    pub(super) fn since(&self, until: CivilDate) -> CivilDate {
        let back = i32::try_from(self.0.history_days).unwrap_or(i32::MAX);
        until.plus_days(-back)
    }

    /// The services that are selected; none where all are.
    pub(super) fn selected(&self) -> Vec<&str> {
        match &self.0.services {
            SelectedServices::All => Vec::new(),
            SelectedServices::Only(services) => services.iter().map(String::as_str).collect(),
        }
    }

    pub(super) fn selects(&self, line: &BillLine) -> bool {
        self.0.services.holds(line)
    }

    /// Whether the lines of a line's service are consumption.
    pub(super) fn is_usage(&self, line: &BillLine) -> bool {
        let mut services = self.0.usage_services.iter();
        services.any(|service| is_of(line, service))
    }
}

impl fmt::Debug for CloudmoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudmoreSource")
            .field("client", &self.0.client)
            .field("services", &self.0.services)
            .field("company_property", &self.0.company_property)
            .field("history_days", &self.0.history_days)
            .field("report", &self.0.mode)
            .finish_non_exhaustive()
    }
}
