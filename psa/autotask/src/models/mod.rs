//! The wire types, named as the API names them.
//!
//! Every field of an answer is optional: the system marks nothing as required, and leaves out
//! what was not asked for. Unknown fields are ignored, unknown picklist values kept. Dates are
//! kept as text; [`civil_date`] reads them. What is written is a type of its own (`New...`,
//! `...Patch`) that holds no field which the system refuses.

mod adjustment;
mod billing_code;
mod bundle;
mod charge;
mod company;
mod contract;
mod contract_service;
mod metadata;
mod product;
mod service;
pub(crate) mod system;
mod udf;
mod unit;

pub use adjustment::NewContractServiceAdjustment;
pub use billing_code::{BillingCode, use_type};
pub use bundle::{ContractServiceBundle, ContractServiceBundleUnit, ServiceBundle};
pub use charge::{ContractCharge, ContractChargePatch, NewContractCharge};
pub use company::Company;
pub use contract::{Contract, ContractPatch, NewContract, contract_status, contract_type};
pub use contract_service::{ContractService, ContractServicePatch, NewContractService};
pub use metadata::{Access, EntityInfo, FieldInfo, PicklistEntry, PicklistValue, UdfFieldInfo};
pub use product::{NewProduct, Product};
pub use service::{NewService, Service, ServicePatch, period_type};
pub use system::{ApiVersions, ItemId, ThresholdInformation, ZoneInformation};
pub use udf::{UserDefinedField, UserDefinedFieldDefinition, udf_value};
pub use unit::ContractServiceUnit;

use tallyline_core::model::CivilDate;
use tallyline_core::{Error, ErrorKind, Result};

/// The calendar date of a wire date: `2026-11-01`, `2026-11-01T00:00:00`, with a fraction or a
/// `Z` behind it.
///
/// Fields that are dates carry midnight without a zone, so the time is left aside and never
/// converted.
///
/// # Errors
/// `Protocol` when the text does not start with a `yyyy-mm-dd` date.
pub fn civil_date(text: &str) -> Result<CivilDate> {
    let text = text.trim();
    let wrong = || {
        Error::new(
            ErrorKind::Protocol,
            format!("{text:?} is not a date of the form 2026-11-01T00:00:00"),
        )
    };
    let (date, rest) = text.split_at_checked(10).ok_or_else(wrong)?;
    if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
        return Err(wrong());
    }
    date.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_without_a_shift_whatever_stands_behind_them() {
        for text in [
            "2026-11-01",
            "2026-11-01T00:00:00",
            "2026-11-01T15:04:05.307",
            "2026-11-01T23:59:59Z",
            " 2026-11-01 00:00:00 ",
        ] {
            assert_eq!(
                civil_date(text).unwrap().to_string(),
                "2026-11-01",
                "{text}"
            );
        }
        for text in [
            "",
            "2026-11",
            "2026-13-01",
            "2026-11-01x",
            "01/11/2026",
            "é026-11-011",
        ] {
            assert_eq!(
                civil_date(text).unwrap_err().kind(),
                ErrorKind::Protocol,
                "{text}"
            );
        }
    }
}
