//! What the server holds.

use rust_decimal::Decimal;

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    /// Its UUID.
    pub uuid: String,
    /// The name, by which its users sign in.
    pub name: String,
    /// The name to show.
    pub display_name: Option<String>,
    /// Whether its users may sign in.
    pub enabled: bool,
}

/// A virtual data centre of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vdc {
    /// Its UUID.
    pub uuid: String,
    /// Its organisation's UUID.
    pub org: String,
    /// The name.
    pub name: String,
    /// CPU: allocated, used, in MHz. Left out where there is none.
    pub cpu: (Option<Decimal>, Option<Decimal>),
    /// Memory: allocated, used, in MB.
    pub memory: (Option<Decimal>, Option<Decimal>),
    /// Storage: limit, used, in MB.
    pub storage: (Option<Decimal>, Option<Decimal>),
    /// The allocation model, by its number.
    pub allocation_model: i64,
    /// Whether the record names its organisation to the provider.
    pub names_org: bool,
}

/// A storage policy of a virtual data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its UUID.
    pub uuid: String,
    /// Its virtual data centre's UUID.
    pub vdc: String,
    /// The name, which is the provider's.
    pub name: String,
    /// The limit in MB; 0 is unlimited.
    pub limit: Option<Decimal>,
    /// What is used, in MB.
    pub used: Option<Decimal>,
}

/// A machine, or one of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vm {
    /// Its UUID.
    pub uuid: String,
    /// Its virtual data centre's UUID.
    pub vdc: String,
    /// The name.
    pub name: String,
    /// Virtual processors.
    pub cpus: Option<Decimal>,
    /// Memory in MB.
    pub memory: Option<Decimal>,
    /// Storage of its disks in MB.
    pub storage: Option<Decimal>,
    /// How it is, such as `POWERED_ON`.
    pub status: Option<String>,
    /// Whether it belongs to a template.
    pub is_template: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Whether the record names its organisation to the provider.
    pub names_org: bool,
    /// Whether the record names its virtual data centre.
    pub names_vdc: bool,
}

/// An edge gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeGateway {
    /// Its UUID.
    pub uuid: String,
    /// Its virtual data centre's UUID.
    pub vdc: String,
    /// The name.
    pub name: String,
    /// Whether the record of OpenAPI names its organisation.
    pub names_org: bool,
}
