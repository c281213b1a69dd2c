//! What the source is set up with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tallyline_core::Result;
use tallyline_core::model::{Basis, ChargeKind};
use tallyline_core::source::SourceDescriptor;

use crate::vcd::client::VcdClient;
use crate::vcd::contract::{CONNECTOR, config};
use crate::vcd::models::uuid_of;

/// Which figures of a virtual data centre are its quantities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VcdBasis {
    /// What is allocated to it. Where that is 0, which means none or unlimited, what it uses, and its line says so.
    #[default]
    Allocated,
    /// What it uses.
    Used,
}

impl VcdBasis {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Allocated => "allocated",
            Self::Used => "used",
        }
    }
}

/// What the services of an account are. Its edge gateways are services in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Granularity {
    /// Its virtual data centres.
    #[default]
    Vdc,
    /// Its machines.
    Vm,
    /// Both. What a machine has is then told twice, of itself and of its virtual data centre: for a mapping that bills one
    /// of the two, or different properties of each.
    Both,
}

impl Granularity {
    pub(super) const fn has_vdcs(self) -> bool {
        matches!(self, Self::Vdc | Self::Both)
    }

    pub(super) const fn has_vms(self) -> bool {
        matches!(self, Self::Vm | Self::Both)
    }
}

/// What a machine counts that is powered off. One that is suspended, or in a state that is not known, counts as one that
/// is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PoweredOff {
    /// What it has, as if it were on: it is kept for it.
    #[default]
    Counted,
    /// Its storage; CPU and RAM are stated as 0.
    StorageOnly,
    /// Nothing: all three are stated as 0.
    NotCounted,
}

/// In what quantities are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VcdUnits {
    /// CPU of virtual data centres in GHz of 1000 MHz, RAM and storage in GB of 1024 MB.
    #[default]
    GhzAndGb,
    /// As the server tells them, in MHz and MB.
    MhzAndMb,
}

/// What lines the storage of a virtual data centre has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageLines {
    /// One: the sum of its storage policies.
    #[default]
    Sum,
    /// One for each storage policy, whose name is part of the service's key: for policies that cost differently. A policy
    /// that is renamed is another service.
    ByPolicy,
}

/// In which form filters of the query service name an organisation. Both are on record for other attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrgReference {
    /// By its address.
    #[default]
    Href,
    /// By its UUID.
    Uuid,
}

/// A billable property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VcdProperty {
    /// Virtual processors of a machine, GHz of a virtual data centre.
    Cpu,
    /// Memory.
    Ram,
    /// Storage.
    Storage,
    /// The number of machines of a virtual data centre.
    VmCount,
    /// An edge gateway, which counts 1.
    Count,
}

impl VcdProperty {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Cpu,
        Self::Ram,
        Self::Storage,
        Self::VmCount,
        Self::Count,
    ];

    /// The word in the key of the service.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Ram => "ram",
            Self::Storage => "storage",
            Self::VmCount => "vm_count",
            Self::Count => "count",
        }
    }
}

impl fmt::Display for VcdProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "CPU",
            Self::Ram => "RAM",
            Self::Storage => "storage",
            Self::VmCount => "number of virtual machines",
            Self::Count => "number",
        })
    }
}

/// The [`VendorSource`](tallyline_core::VendorSource) over a [`VcdClient`].
///
/// Cloning is cheap: clones share the client.
#[derive(Clone)]
pub struct VcdSource(Arc<Settings>);

struct Settings {
    descriptor: SourceDescriptor,
    client: VcdClient,
    basis: VcdBasis,
    granularity: Granularity,
    granularities: BTreeMap<String, Granularity>,
    powered_off: PoweredOff,
    units: VcdUnits,
    storage: StorageLines,
    org_reference: OrgReference,
    properties: BTreeSet<VcdProperty>,
}

#[bon::bon]
impl VcdSource {
    /// Puts a source together; `build` checks the values and sends nothing.
    ///
    /// `granularity` (virtual data centres) says what services are, and `granularities` of which accounts they are another,
    /// by the UUID of the organisation. `basis` (allocated) is of virtual data centres, `powered_off` (counted) of machines.
    /// `units`, `storage` and `properties` (all) say what lines there are; a property that is left out is not read, and has
    /// no service. `org_reference` is how the provider's filters name an organisation.
    ///
    /// # Errors
    /// `build` gives `Config` when an account of `granularities` is no UUID, or when there is no property.
    ///
    /// ```no_run
    /// # fn example(client: tallyline_hyalto::vcd::VcdClient) -> tallyline_core::Result<()> {
    /// use tallyline_hyalto::vcd::{Granularity, PoweredOff, VcdSource};
    ///
    /// let source = VcdSource::builder()
    ///     .client(client)
    ///     .granularity(Granularity::Vm)
    ///     .powered_off(PoweredOff::StorageOnly)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// What asks the server.
        client: VcdClient,
        /// Which figures of a virtual data centre count.
        #[builder(default)]
        basis: VcdBasis,
        /// What the services of an account are.
        #[builder(default)]
        granularity: Granularity,
        /// Accounts whose services are another, by the UUID of the organisation.
        #[builder(default)]
        granularities: BTreeMap<String, Granularity>,
        /// What a machine counts that is powered off.
        #[builder(default)]
        powered_off: PoweredOff,
        /// In what quantities are given.
        #[builder(default)]
        units: VcdUnits,
        /// What lines storage has.
        #[builder(default)]
        storage: StorageLines,
        /// How filters name an organisation.
        #[builder(default)]
        org_reference: OrgReference,
        /// Which properties are read.
        #[builder(default = VcdProperty::ALL.into())]
        properties: BTreeSet<VcdProperty>,
    ) -> Result<Self> {
        let granularities = granularities
            .into_iter()
            .map(|(account, own)| match uuid_of(&account) {
                Some(uuid) => Ok((uuid, own)),
                None => Err(config(format!(
                    "the account {account:?} of a granularity is not the UUID of an organisation"
                ))),
            })
            .collect::<Result<BTreeMap<_, _>>>()?;
        if properties.is_empty() {
            return Err(config("there is no property to be read"));
        }
        let mut descriptor = SourceDescriptor::new(CONNECTOR, "VMware Cloud Director");
        descriptor.basis = Basis::Live;
        descriptor.kinds = &[ChargeKind::Recurring];
        descriptor.tenant = Some(VcdClient::tenant(client.org(), client.base_url()));
        Ok(Self(Arc::new(Settings {
            descriptor,
            client,
            basis,
            granularity,
            granularities,
            powered_off,
            units,
            storage,
            org_reference,
            properties,
        })))
    }
}

impl VcdSource {
    /// The client that asks the server.
    #[must_use]
    pub fn client(&self) -> &VcdClient {
        &self.0.client
    }

    /// What the services of an account are.
    #[must_use]
    pub fn granularity_of(&self, account: &str) -> Granularity {
        let own = self.0.granularities.get(account);
        own.copied().unwrap_or(self.0.granularity)
    }

    /// What the services of any account may be.
    pub(super) fn all_granularities(&self) -> impl Iterator<Item = Granularity> {
        let own = self.0.granularities.values().copied();
        own.chain([self.0.granularity])
    }

    pub(super) fn source_descriptor(&self) -> &SourceDescriptor {
        &self.0.descriptor
    }

    pub(super) fn basis(&self) -> VcdBasis {
        self.0.basis
    }

    pub(super) fn powered_off(&self) -> PoweredOff {
        self.0.powered_off
    }

    pub(super) fn units(&self) -> VcdUnits {
        self.0.units
    }

    pub(super) fn storage(&self) -> StorageLines {
        self.0.storage
    }

    pub(super) fn org_reference(&self) -> OrgReference {
        self.0.org_reference
    }

    pub(super) fn reads(&self, property: VcdProperty) -> bool {
        self.0.properties.contains(&property)
    }
}

impl fmt::Debug for VcdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VcdSource")
            .field("client", &self.0.client)
            .field("basis", &self.0.basis)
            .field("granularity", &self.0.granularity)
            .field("granularities", &self.0.granularities)
            .field("powered_off", &self.0.powered_off)
            .finish_non_exhaustive()
    }
}
