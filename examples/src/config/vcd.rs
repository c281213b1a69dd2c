//! A server of VMware Cloud Director.

use std::collections::BTreeMap;

use serde::Deserialize;
use tallyline_hyalto::vcd;

use super::SecretRef;

/// A server of VMware Cloud Director, read as one organisation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VcdConfig {
    /// The server's address.
    pub(crate) base_url: String,
    /// The organisation: a tenant's name, or `System` for the provider.
    pub(crate) org: String,
    /// The API token, where it is by one that is signed in.
    pub(crate) api_token: Option<SecretRef>,
    /// The user, where it is by a password.
    pub(crate) user: Option<String>,
    /// The user's password.
    pub(crate) password: Option<SecretRef>,
    /// The version of the API, where it is not the connector's own.
    pub(crate) api_version: Option<String>,
    /// Which figures of data centres count.
    #[serde(default)]
    pub(crate) basis: BasisConfig,
    /// What services are.
    #[serde(default)]
    pub(crate) granularity: GranularityConfig,
    /// What they are for single accounts, by the organisation's UUID.
    #[serde(default)]
    pub(crate) granularities: BTreeMap<String, GranularityConfig>,
    /// What machines count that are powered off.
    #[serde(default)]
    pub(crate) powered_off: PoweredOffConfig,
    /// In what quantities are given.
    #[serde(default)]
    pub(crate) units: UnitsConfig,
    /// What lines the storage of data centres has.
    #[serde(default)]
    pub(crate) storage: StorageConfig,
    /// How filters name an organisation.
    #[serde(default)]
    pub(crate) org_reference: OrgReferenceConfig,
}

/// A choice in the configuration, and what the connector calls it.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident => $own:ident { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl From<$name> for vcd::$own {
            fn from(choice: $name) -> Self {
                match choice {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    };
}

choice! {
    /// Which figures of data centres count.
    BasisConfig => VcdBasis {
        /// What is allocated.
        #[default]
        Allocated,
        /// What is used.
        Used,
    }
}

choice! {
    /// What services are.
    GranularityConfig => Granularity {
        /// Data centres.
        #[default]
        Vdc,
        /// Machines.
        Vm,
        /// Both.
        Both,
    }
}

choice! {
    /// What machines count that are powered off.
    PoweredOffConfig => PoweredOff {
        /// What they have.
        #[default]
        Counted,
        /// Their storage.
        StorageOnly,
        /// Nothing.
        NotCounted,
    }
}

choice! {
    /// In what quantities are given.
    UnitsConfig => VcdUnits {
        /// GHz and GB.
        #[default]
        GhzAndGb,
        /// MHz and MB.
        MhzAndMb,
    }
}

choice! {
    /// What lines the storage of data centres has.
    StorageConfig => StorageLines {
        /// One.
        #[default]
        Sum,
        /// One for each storage policy.
        ByPolicy,
    }
}

choice! {
    /// How filters name an organisation.
    OrgReferenceConfig => OrgReference {
        /// By its address.
        #[default]
        Href,
        /// By its UUID.
        Uuid,
    }
}
