//! Contracts, services and charges by keys of one's own.

use tallyline_core::model::AgreementKey;
use tallyline_core::{Error, ErrorKind, Result};

use super::AutotaskSink;
use crate::client::CONNECTOR;
use crate::models::{Contract, ContractCharge, Service, udf_value};
use crate::query::{Field, Query};

/// How a contract is recognised as that of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContractKey {
    /// By a user-defined field of contracts, named exactly so. The administrator makes it.
    UserDefinedField(String),
    /// By the external contract number.
    ContractNumber,
}

/// The name of the user-defined field that integrations in the field use.
pub const DEFAULT_SUBSCRIPTION_FIELD: &str = "Subscription ID";

impl Default for ContractKey {
    fn default() -> Self {
        Self::UserDefinedField(DEFAULT_SUBSCRIPTION_FIELD.to_owned())
    }
}

impl ContractKey {
    pub(super) fn field(&self) -> Result<Field> {
        match self {
            Self::UserDefinedField(name) => Field::udf(name.clone()),
            Self::ContractNumber => Ok(Field::CONTRACT_NUMBER),
        }
    }

    pub(super) fn value_in<'a>(&self, contract: &'a Contract) -> Option<&'a str> {
        match self {
            Self::UserDefinedField(name) => udf_value(&contract.user_defined_fields, name),
            Self::ContractNumber => contract.contract_number.as_deref(),
        }
    }
}

impl AutotaskSink {
    /// The contract that carries a key, by [`ContractKey`].
    ///
    /// What the system's filter let through is compared again: blanks around a key and the case of
    /// its letters do not count, for people copy them by hand.
    ///
    /// # Errors
    /// `Conflict` when several contracts carry it, naming them; and the errors of any read: a
    /// lookup that failed does not mean that there is none.
    pub async fn find_contract(&self, value: &str) -> Result<Option<Contract>> {
        let key = &self.0.contract_key;
        let query = Query::matching(key.field()?.equals(value)).only([
            Field::COMPANY_ID,
            Field::CONTRACT_NAME,
            Field::CONTRACT_NUMBER,
            Field::CONTRACT_TYPE,
            Field::CONTRACT_PERIOD_TYPE,
            Field::STATUS,
            Field::START_DATE,
            Field::END_DATE,
            Field::USER_DEFINED_FIELDS,
        ]);
        let found = self
            .client()
            .contracts(&query)
            .try_collect_all(MOST)
            .await?;
        only(
            found,
            |contract| {
                let found = key.value_in(contract);
                found.is_some_and(|found| AgreementKey::new(value).is_same(found))
            },
            |contract| contract.id,
            || format!("contracts carry {value:?}"),
        )
    }

    /// The service with a SKU.
    ///
    /// # Errors
    /// `Conflict` when several services have it, naming them; and the errors of any read.
    pub async fn find_service(&self, sku: &str) -> Result<Option<Service>> {
        let query = Query::matching(Field::SKU.equals(sku));
        let found = self.client().services(&query).try_collect_all(MOST).await?;
        only(
            found,
            |service| service.sku.as_deref() == Some(sku),
            |service| service.id,
            || format!("services have the SKU {sku:?}"),
        )
    }

    /// The charge of a contract that carries a marker in its internal purchase order number.
    ///
    /// # Errors
    /// `Conflict` when several charges carry it, naming them; and the errors of any read.
    pub async fn find_charge(&self, contract: i64, marker: &str) -> Result<Option<ContractCharge>> {
        let query = Query::matching(Field::CONTRACT_ID.equals(contract))
            .and(Field::INTERNAL_PURCHASE_ORDER_NUMBER.equals(marker));
        let found = self
            .client()
            .contract_charges(&query)
            .try_collect_all(MOST)
            .await?;
        only(
            found,
            |charge| {
                charge.contract_id == Some(contract)
                    && charge.internal_purchase_order_number.as_deref() == Some(marker)
            },
            |charge| charge.id,
            || format!("charges of contract {contract} carry {marker:?}"),
        )
    }
}

/// More records of one key than this are not looked through.
const MOST: usize = 1_000;

/// The one record that fits.
fn only<T>(
    found: Vec<T>,
    fits: impl Fn(&T) -> bool,
    id: impl Fn(&T) -> Option<i64>,
    what: impl Fn() -> String,
) -> Result<Option<T>> {
    let mut fitting: Vec<T> = found.into_iter().filter(fits).collect();
    // A record may come twice.
    let mut seen = std::collections::HashSet::new();
    fitting.retain(|record| id(record).is_none_or(|id| seen.insert(id)));
    if fitting.len() < 2 {
        return Ok(fitting.pop());
    }
    let ids: Vec<String> = fitting
        .iter()
        .map(|record| id(record).map_or_else(|| "without id".to_owned(), |id| id.to_string()))
        .collect();
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "{} {}: {}; a person has to leave it on one",
            ids.len(),
            what(),
            ids.join(", ")
        ),
    )
    .with_connector(CONNECTOR))
}
