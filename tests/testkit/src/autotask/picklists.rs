//! The picklists of a tenant: those that every tenant has, and the usual values of those that a tenant edits.

use std::collections::BTreeMap;

use super::records::Choice;
use super::schema::Entity;

const PERIODS: &[(i64, &str)] = &[
    (1, "One-Time"),
    (2, "Monthly"),
    (3, "Quarterly"),
    (4, "Semi-Annual"),
    (5, "Yearly"),
];
const LEVELS: &[(i64, &str)] = &[(1, "Standard SLA"), (2, "Premium SLA")];

/// Entity, field, values; the first one is the default of new records where the flag says so.
type List = (Entity, &'static str, bool, &'static [(i64, &'static str)]);

const LISTS: &[List] = &[
    (
        Entity::Companies,
        "companyType",
        false,
        &[
            (1, "Customer"),
            (2, "Lead"),
            (3, "Prospect"),
            (4, "Dead"),
            (6, "Cancellation"),
            (7, "Vendor"),
            (8, "Partner"),
        ],
    ),
    (
        Entity::Contracts,
        "contractType",
        false,
        &[
            (1, "Time and Materials"),
            (3, "Fixed Price"),
            (4, "Block Hours"),
            (6, "Retainer"),
            (7, "Recurring Service"),
            (8, "Per Ticket"),
        ],
    ),
    (
        Entity::Contracts,
        "status",
        false,
        &[(1, "Active"), (0, "Inactive")],
    ),
    (Entity::Contracts, "contractPeriodType", false, PERIODS),
    (
        Entity::Contracts,
        "contractCategory",
        false,
        &[(1, "Standard"), (2, "Cloud")],
    ),
    (Entity::Contracts, "serviceLevelAgreementID", false, LEVELS),
    (
        Entity::Contracts,
        "billingPreference",
        false,
        &[
            (1, "Immediately without review"),
            (2, "Manually"),
            (3, "On timesheet approval"),
        ],
    ),
    (
        Entity::Contracts,
        "timeReportingRequiresStartAndStopTimes",
        false,
        &[(0, "No"), (1, "Yes")],
    ),
    (Entity::Services, "periodType", false, PERIODS),
    (Entity::Services, "serviceLevelAgreementID", false, LEVELS),
    (Entity::ServiceBundles, "periodType", false, PERIODS),
    (Entity::Products, "periodType", false, PERIODS),
    (
        Entity::ContractCharges,
        "chargeType",
        false,
        &[(1, "Operational"), (2, "Capitalized")],
    ),
    (
        Entity::ContractCharges,
        "status",
        true,
        &[(7, "Delivered/Shipped Full"), (1, "Need to Order/Fulfill")],
    ),
    (
        Entity::BillingCodes,
        "useType",
        false,
        &[
            (1, "General Allocation Code"),
            (2, "Expense Category"),
            (3, "Internal Allocation Code"),
            (4, "Material Cost Code"),
            (5, "Recurring Contract Service Code"),
            (6, "Milestone Code"),
            (7, "Product"),
        ],
    ),
    (
        Entity::BillingCodes,
        "billingCodeType",
        false,
        &[(0, "Normal"), (1, "System"), (2, "Non-Billable")],
    ),
    (
        Entity::BillingItems,
        "billingItemType",
        false,
        &[(4, "Contract Charge"), (8, "Recurring Service")],
    ),
    (
        Entity::UserDefinedFieldDefinitions,
        "dataType",
        false,
        &[(1, "Text (Single Line)"), (2, "Number"), (3, "Date")],
    ),
    (
        Entity::UserDefinedFieldDefinitions,
        "udfType",
        false,
        &[
            (1, "Company"),
            (3, "Contract"),
            (5, "Service"),
            (7, "Product"),
        ],
    ),
];

/// The label of a type of billing item that stands for a charge.
pub(super) const CHARGE_ITEM: i64 = 4;
/// The label of a type of billing item that stands for a recurring service.
pub(super) const SERVICE_ITEM: i64 = 8;

/// The entity that a type of user-defined field belongs to.
pub(super) fn udf_entity(udf_type: i64) -> Option<Entity> {
    match udf_type {
        1 => Some(Entity::Companies),
        3 => Some(Entity::Contracts),
        5 => Some(Entity::Services),
        7 => Some(Entity::Products),
        _ => None,
    }
}

pub(super) fn all() -> BTreeMap<(Entity, String), Vec<Choice>> {
    LISTS
        .iter()
        .map(|(entity, field, default, values)| {
            let choices = values
                .iter()
                .enumerate()
                .map(|(at, (value, label))| Choice {
                    value: *value,
                    label: (*label).to_owned(),
                    default: *default && at == 0,
                    active: true,
                });
            ((*entity, (*field).to_owned()), choices.collect())
        })
        .collect()
}
