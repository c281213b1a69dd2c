//! What the entities are: their names, routes, verbs and kinds of fields.

use super::fields;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Long,
    Int,
    Decimal,
    Text,
    Flag,
    /// A date with its time, UTC.
    Moment,
    /// A date whose time is midnight.
    Day,
}

impl Kind {
    /// The name in the metadata.
    pub(super) fn data_type(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Int => "integer",
            Self::Decimal => "decimal",
            Self::Text => "string",
            Self::Flag => "boolean",
            Self::Moment | Self::Day => "datetime",
        }
    }

    /// The name in the errors of the database.
    pub(super) fn sql_type(self) -> &'static str {
        match self {
            Self::Long => "bigint",
            Self::Int => "int",
            Self::Decimal => "decimal",
            Self::Text => "varchar",
            Self::Flag => "bit",
            Self::Moment | Self::Day => "datetime",
        }
    }
}

/// When a field may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writable {
    Never,
    OnCreate,
    Always,
}

/// One field of an entity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) writable: Writable,
    pub(super) required: bool,
    /// The longest text.
    pub(super) max: Option<usize>,
    pub(super) picklist: bool,
    pub(super) refers: Option<&'static str>,
    /// Seen and written with the permission for costs only.
    pub(super) cost: bool,
    /// Taken on writes, and in no answer.
    pub(super) hidden: bool,
    /// The metadata calls it read-only, and a create takes it.
    pub(super) said_read_only: bool,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        writable: Writable::Always,
        required: false,
        max: None,
        picklist: false,
        refers: None,
        cost: false,
        hidden: false,
        said_read_only: false,
    }
}

pub(super) const fn long(name: &'static str) -> Field {
    field(name, Kind::Long)
}

pub(super) const fn int(name: &'static str) -> Field {
    field(name, Kind::Int)
}

pub(super) const fn decimal(name: &'static str) -> Field {
    field(name, Kind::Decimal)
}

pub(super) const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

pub(super) const fn flag(name: &'static str) -> Field {
    field(name, Kind::Flag)
}

pub(super) const fn moment(name: &'static str) -> Field {
    field(name, Kind::Moment)
}

impl Field {
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.writable = Writable::Never;
        self
    }

    /// Written by a create only.
    pub(super) const fn once(mut self) -> Self {
        self.writable = Writable::OnCreate;
        self
    }

    pub(super) const fn day(mut self) -> Self {
        self.kind = Kind::Day;
        self
    }

    pub(super) const fn max(mut self, characters: usize) -> Self {
        self.max = Some(characters);
        self
    }

    pub(super) const fn picklist(mut self) -> Self {
        self.picklist = true;
        self
    }

    pub(super) const fn refers(mut self, entity: &'static str) -> Self {
        self.refers = Some(entity);
        self
    }

    pub(super) const fn cost(mut self) -> Self {
        self.cost = true;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn said_read_only(mut self) -> Self {
        self.said_read_only = true;
        self
    }
}

/// An entity of the API, by the name it has in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// The clients; id 0 is the provider itself.
    Companies,
    /// The contracts.
    Contracts,
    /// One service on one contract; holds no quantity.
    ContractServices,
    /// The quantity of a contract service per billing period.
    ContractServiceUnits,
    /// Changes of units: create only.
    ContractServiceAdjustments,
    /// One bundle on one contract.
    ContractServiceBundles,
    /// The quantity of a bundle per billing period.
    ContractServiceBundleUnits,
    /// One-off charges.
    ContractCharges,
    /// The services that can be put on contracts.
    Services,
    /// Bundles of services.
    ServiceBundles,
    /// What is in a bundle.
    ServiceBundleServices,
    /// The products.
    Products,
    /// The billing codes.
    BillingCodes,
    /// What was approved and posted.
    BillingItems,
    /// The definitions of user-defined fields.
    UserDefinedFieldDefinitions,
}

impl Entity {
    /// Every entity.
    pub const ALL: [Self; 15] = [
        Self::Companies,
        Self::Contracts,
        Self::ContractServices,
        Self::ContractServiceUnits,
        Self::ContractServiceAdjustments,
        Self::ContractServiceBundles,
        Self::ContractServiceBundleUnits,
        Self::ContractCharges,
        Self::Services,
        Self::ServiceBundles,
        Self::ServiceBundleServices,
        Self::Products,
        Self::BillingCodes,
        Self::BillingItems,
        Self::UserDefinedFieldDefinitions,
    ];

    /// The name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Companies => "Companies",
            Self::Contracts => "Contracts",
            Self::ContractServices => "ContractServices",
            Self::ContractServiceUnits => "ContractServiceUnits",
            Self::ContractServiceAdjustments => "ContractServiceAdjustments",
            Self::ContractServiceBundles => "ContractServiceBundles",
            Self::ContractServiceBundleUnits => "ContractServiceBundleUnits",
            Self::ContractCharges => "ContractCharges",
            Self::Services => "Services",
            Self::ServiceBundles => "ServiceBundles",
            Self::ServiceBundleServices => "ServiceBundleServices",
            Self::Products => "Products",
            Self::BillingCodes => "BillingCodes",
            Self::BillingItems => "BillingItems",
            Self::UserDefinedFieldDefinitions => "UserDefinedFieldDefinitions",
        }
    }

    /// The name of one record, as metadata and errors have it.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Companies => "Company",
            plural => plural.name().trim_end_matches('s'),
        }
    }

    /// The entity that a path names; letter case does not matter.
    pub(super) fn named(segment: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.name().eq_ignore_ascii_case(segment))
    }

    /// The entity below a parent in a path.
    pub(super) fn child(parent: Self, segment: &str) -> Option<Self> {
        const CHILDREN: [(Entity, &str, Entity); 7] = [
            (Entity::Contracts, "Services", Entity::ContractServices),
            (
                Entity::Contracts,
                "ServiceUnits",
                Entity::ContractServiceUnits,
            ),
            (
                Entity::Contracts,
                "ServiceAdjustments",
                Entity::ContractServiceAdjustments,
            ),
            (
                Entity::Contracts,
                "ServiceBundles",
                Entity::ContractServiceBundles,
            ),
            (
                Entity::Contracts,
                "ServiceBundleUnits",
                Entity::ContractServiceBundleUnits,
            ),
            (Entity::Contracts, "Charges", Entity::ContractCharges),
            (
                Entity::ServiceBundles,
                "Services",
                Entity::ServiceBundleServices,
            ),
        ];
        CHILDREN
            .into_iter()
            .find(|(of, name, _)| *of == parent && name.eq_ignore_ascii_case(segment))
            .map(|(_, _, entity)| entity)
    }

    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Companies => fields::COMPANY,
            Self::Contracts => fields::CONTRACT,
            Self::ContractServices => fields::CONTRACT_SERVICE,
            Self::ContractServiceUnits => fields::CONTRACT_SERVICE_UNIT,
            Self::ContractServiceAdjustments => fields::CONTRACT_SERVICE_ADJUSTMENT,
            Self::ContractServiceBundles => fields::CONTRACT_SERVICE_BUNDLE,
            Self::ContractServiceBundleUnits => fields::CONTRACT_SERVICE_BUNDLE_UNIT,
            Self::ContractCharges => fields::CONTRACT_CHARGE,
            Self::Services => fields::SERVICE,
            Self::ServiceBundles => fields::SERVICE_BUNDLE,
            Self::ServiceBundleServices => fields::SERVICE_BUNDLE_SERVICE,
            Self::Products => fields::PRODUCT,
            Self::BillingCodes => fields::BILLING_CODE,
            Self::BillingItems => fields::BILLING_ITEM,
            Self::UserDefinedFieldDefinitions => fields::UDF_DEFINITION,
        }
    }

    /// A field by its name; letter case does not matter.
    pub(super) fn field(self, name: &str) -> Option<&'static Field> {
        self.fields()
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Whether records carry user-defined fields.
    pub(super) fn has_udfs(self) -> bool {
        matches!(
            self,
            Self::Companies
                | Self::Contracts
                | Self::Services
                | Self::ServiceBundles
                | Self::Products
        )
    }

    pub(super) fn can_query(self) -> bool {
        self != Self::ContractServiceAdjustments
    }

    pub(super) fn can_create(self) -> bool {
        matches!(
            self,
            Self::Companies
                | Self::Contracts
                | Self::ContractServices
                | Self::ContractServiceAdjustments
                | Self::ContractCharges
                | Self::Services
                | Self::Products
                | Self::UserDefinedFieldDefinitions
        )
    }

    pub(super) fn can_update(self) -> bool {
        matches!(
            self,
            Self::Companies
                | Self::Contracts
                | Self::ContractServices
                | Self::ContractCharges
                | Self::Services
                | Self::Products
                | Self::BillingItems
        )
    }

    pub(super) fn can_delete(self) -> bool {
        self == Self::ContractCharges
    }

    /// Whether writes go to the entity's own path; those of the others go below their parent.
    pub(super) fn is_root(self) -> bool {
        matches!(
            self,
            Self::Companies
                | Self::Contracts
                | Self::Services
                | Self::Products
                | Self::BillingItems
                | Self::ServiceBundles
                | Self::UserDefinedFieldDefinitions
        )
    }
}
