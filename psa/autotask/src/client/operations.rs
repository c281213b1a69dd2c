//! Every operation of the API that the client knows, and whether it may be repeated.
//!
//! Each counts on the endpoint of its entity: that is what the system limits concurrency by.

use tallyline_core::http::{Idempotency, Operation};

/// The reads of an entity.
#[derive(Debug)]
pub struct EntityOperations {
    /// The entity's name in the API.
    pub entity: &'static str,
    /// One record.
    pub get: Operation,
    /// The records that a query matches.
    pub query: Operation,
    /// The same, for queries too long for a URL.
    pub query_post: Operation,
    /// How many records a query matches.
    pub count: Operation,
    /// The same, for queries too long for a URL.
    pub count_post: Operation,
    /// What may be done with the entity.
    pub info: Operation,
    /// Its fields.
    pub fields: Operation,
    /// Its user-defined fields.
    pub udfs: Operation,
}

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident = $entity:literal as $op:literal),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub static $name: EntityOperations = EntityOperations {
                entity: $entity,
                get: read(concat!($op, ".get"), concat!("/V1.0/", $entity, "/{id}"), $entity),
                query: read(concat!($op, ".query"), concat!("/V1.0/", $entity, "/query"), $entity),
                query_post: search(concat!($op, ".query_post"), concat!("/V1.0/", $entity, "/query"), $entity),
                count: read(concat!($op, ".count"), concat!("/V1.0/", $entity, "/query/count"), $entity),
                count_post: search(concat!($op, ".count_post"), concat!("/V1.0/", $entity, "/query/count"), $entity),
                info: read(concat!($op, ".info"), concat!("/V1.0/", $entity, "/entityInformation"), $entity),
                fields: read(concat!($op, ".fields"), concat!("/V1.0/", $entity, "/entityInformation/fields"), $entity),
                udfs: read(
                    concat!($op, ".udfs"),
                    concat!("/V1.0/", $entity, "/entityInformation/userDefinedFields"),
                    $entity,
                ),
            };
        )+

        /// All entities.
        pub static ENTITIES: &[&EntityOperations] = &[$(&$name),+];
    };
}

const fn read(name: &'static str, template: &'static str, entity: &'static str) -> Operation {
    Operation::get(name, template).in_group(entity)
}

/// A read that is sent as a POST.
const fn search(name: &'static str, template: &'static str, entity: &'static str) -> Operation {
    Operation::post(name, template)
        .with_idempotency(Idempotency::Safe)
        .in_group(entity)
}

entities! {
    /// The companies.
    COMPANIES = "Companies" as "companies",
    /// The contracts.
    CONTRACTS = "Contracts" as "contracts",
    /// The services on contracts.
    CONTRACT_SERVICES = "ContractServices" as "contract_services",
    /// The units of services on contracts.
    CONTRACT_SERVICE_UNITS = "ContractServiceUnits" as "contract_service_units",
    /// The bundles on contracts.
    CONTRACT_SERVICE_BUNDLES = "ContractServiceBundles" as "contract_service_bundles",
    /// The units of bundles on contracts.
    CONTRACT_SERVICE_BUNDLE_UNITS = "ContractServiceBundleUnits" as "contract_service_bundle_units",
    /// The charges on contracts.
    CONTRACT_CHARGES = "ContractCharges" as "contract_charges",
    /// The services.
    SERVICES = "Services" as "services",
    /// The bundles.
    SERVICE_BUNDLES = "ServiceBundles" as "service_bundles",
    /// The products.
    PRODUCTS = "Products" as "products",
    /// The billing codes.
    BILLING_CODES = "BillingCodes" as "billing_codes",
    /// The definitions of user-defined fields.
    UDF_DEFINITIONS = "UserDefinedFieldDefinitions" as "udf_definitions",
}

/// The name of the adjustments, which have no reads but these.
pub(crate) const ADJUSTMENTS: &str = "ContractServiceAdjustments";

/// The zone of a user; without credentials, at the lookup's address.
pub static ZONE: Operation = Operation::get("zone.get", "/V1.0/ZoneInformation");
/// The versions of the API.
pub static VERSIONS: Operation =
    Operation::get("versions.get", "/VersionInformation").in_group("VersionInformation");
/// How much of the tenant's budget is used.
pub static THRESHOLD: Operation =
    Operation::get("threshold.get", "/V1.0/ThresholdInformation").in_group("ThresholdInformation");
/// What may be done with adjustments.
pub static ADJUSTMENTS_INFO: Operation = read(
    "adjustments.info",
    "/V1.0/ContractServiceAdjustments/entityInformation",
    ADJUSTMENTS,
);
/// A new adjustment. It can never be read again, and twice is two: never repeated blindly.
pub static ADJUSTMENTS_CREATE: Operation = Operation::post(
    "adjustments.create",
    "/V1.0/Contracts/{parentId}/ServiceAdjustments",
)
.in_group(ADJUSTMENTS);
/// A new contract.
pub static CONTRACTS_CREATE: Operation =
    Operation::post("contracts.create", "/V1.0/Contracts").in_group("Contracts");
/// A change of a contract.
pub static CONTRACTS_PATCH: Operation =
    Operation::patch("contracts.patch", "/V1.0/Contracts").in_group("Contracts");
/// A new service on a contract.
pub static CONTRACT_SERVICES_CREATE: Operation = Operation::post(
    "contract_services.create",
    "/V1.0/Contracts/{parentId}/Services",
)
.in_group("ContractServices");
/// A change of a service on a contract.
pub static CONTRACT_SERVICES_PATCH: Operation = Operation::patch(
    "contract_services.patch",
    "/V1.0/Contracts/{parentId}/Services",
)
.in_group("ContractServices");
/// A new charge.
pub static CONTRACT_CHARGES_CREATE: Operation = Operation::post(
    "contract_charges.create",
    "/V1.0/Contracts/{parentId}/Charges",
)
.in_group("ContractCharges");
/// A change of a charge.
pub static CONTRACT_CHARGES_PATCH: Operation = Operation::patch(
    "contract_charges.patch",
    "/V1.0/Contracts/{parentId}/Charges",
)
.in_group("ContractCharges");
/// The removal of a charge.
pub static CONTRACT_CHARGES_DELETE: Operation = Operation::delete(
    "contract_charges.delete",
    "/V1.0/Contracts/{parentId}/Charges/{id}",
)
.in_group("ContractCharges");
/// A new service.
pub static SERVICES_CREATE: Operation =
    Operation::post("services.create", "/V1.0/Services").in_group("Services");
/// A change of a service.
pub static SERVICES_PATCH: Operation =
    Operation::patch("services.patch", "/V1.0/Services").in_group("Services");
/// A new product.
pub static PRODUCTS_CREATE: Operation =
    Operation::post("products.create", "/V1.0/Products").in_group("Products");

/// The operations beside the reads of entities.
pub static OTHERS: &[&Operation] = &[
    &ZONE,
    &VERSIONS,
    &THRESHOLD,
    &ADJUSTMENTS_INFO,
    &ADJUSTMENTS_CREATE,
    &CONTRACTS_CREATE,
    &CONTRACTS_PATCH,
    &CONTRACT_SERVICES_CREATE,
    &CONTRACT_SERVICES_PATCH,
    &CONTRACT_CHARGES_CREATE,
    &CONTRACT_CHARGES_PATCH,
    &CONTRACT_CHARGES_DELETE,
    &SERVICES_CREATE,
    &SERVICES_PATCH,
    &PRODUCTS_CREATE,
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    ENTITIES
        .iter()
        .flat_map(|entity| {
            [
                &entity.get,
                &entity.query,
                &entity.query_post,
                &entity.count,
                &entity.count_post,
                &entity.info,
                &entity.fields,
                &entity.udfs,
            ]
        })
        .chain(OTHERS.iter().copied())
}
