//! Records as the API writes them, with the fields that it computes.

use rust_decimal::Decimal;

use super::records::{Record, UnitRow};
use super::schema::Entity;
use super::state::{AutotaskState, RowPrice};
use super::{units, values};
use crate::json::Json;

/// A record with every field of its entity.
pub(super) fn record(state: &AutotaskState, entity: Entity, record: &Record) -> Json {
    let fields = entity.fields().iter().filter(|field| !field.hidden);
    let mut members: Vec<(String, Json)> = fields
        .map(|field| {
            let value = match field.name {
                "id" => Json::from(record.id),
                name => computed(state, entity, record, name)
                    .unwrap_or_else(|| record.get(name).clone()),
            };
            (field.name.to_owned(), value)
        })
        .collect();
    if entity.has_udfs() {
        let udfs = state.udfs.get(&entity).map_or(&[][..], Vec::as_slice);
        let udfs = udfs.iter().map(|udf| {
            Json::object()
                .with("name", &udf.name)
                .with("value", record.udfs.get(&udf.name).cloned())
        });
        members.push(("userDefinedFields".to_owned(), Json::Array(udfs.collect())));
    }
    Json::Object(members)
}

fn computed(state: &AutotaskState, entity: Entity, record: &Record, name: &str) -> Option<Json> {
    let amount = |amount: Option<Decimal>| Some(amount.map(values::amount).unwrap_or(Json::Null));
    let internal = |price: Option<Decimal>| amount(price.map(|p| p * state.options.exchange_rate));
    match (entity, name) {
        (Entity::Contracts, "internalCurrencySetupFee") => internal(record.decimal("setupFee")),
        (Entity::Contracts, "internalCurrencyOverageBillingRate") => {
            internal(record.decimal("overageBillingRate"))
        }
        (Entity::ContractServices, "internalCurrencyUnitPrice") => {
            internal(record.decimal("unitPrice"))
        }
        (Entity::ContractServices, "internalCurrencyAdjustedPrice") => {
            internal(Some(units::price_today(state, record)))
        }
        (Entity::ContractServices, "invoiceDescription") if record.get(name).is_null() => {
            let service = record.integer("serviceID")?;
            Some(state.record(Entity::Services, service)?.get(name).clone())
        }
        (Entity::ContractCharges, "billableAmount") => {
            let quantity = record.decimal("unitQuantity");
            amount(quantity.map(|quantity| quantity * charge_price(state, record)))
        }
        (Entity::ContractCharges, "internalCurrencyBillableAmount") => {
            let quantity = record.decimal("unitQuantity");
            internal(quantity.map(|quantity| quantity * charge_price(state, record)))
        }
        (Entity::ContractCharges, "internalCurrencyUnitPrice") => {
            internal(record.decimal("unitPrice"))
        }
        (Entity::ContractCharges, "extendedCost") => {
            let cost = record.decimal("unitCost").unwrap_or_default();
            amount(record.decimal("unitQuantity").map(|units| units * cost))
        }
        _ => None,
    }
}

/// The price per unit of a charge: its own, or that of its billing code.
pub(super) fn charge_price(state: &AutotaskState, charge: &Record) -> Decimal {
    let own = charge.decimal("unitPrice");
    let fallback = || {
        let code = charge.integer("billingCodeID")?;
        state
            .record(Entity::BillingCodes, code)?
            .decimal("unitPrice")
    };
    own.or_else(fallback).unwrap_or_default()
}

/// A quantity row.
pub(super) fn unit(state: &AutotaskState, row: &UnitRow) -> Json {
    let line = state.record(Entity::ContractServices, row.contract_service_id);
    let service = line.and_then(|line| line.integer("serviceID"));
    let contract = state.record(Entity::Contracts, row.contract_id);
    let division = contract.and_then(|found| found.integer("organizationalLevelAssociationID"));
    let vendor = service
        .and_then(|id| state.record(Entity::Services, id))
        .and_then(|found| found.integer("vendorCompanyID"));
    let end = if row.cut && state.options.row_ends_on_next {
        row.end.tomorrow().unwrap_or(row.end)
    } else {
        row.end
    };
    let (price, cost) = match state.options.row_price {
        RowPrice::Row => (row.price(), row.cost()),
        RowPrice::Unit => (row.unit_price, row.unit_cost),
    };
    Json::object()
        .with("id", row.id)
        .with("approveAndPostDate", row.posted.map(values::instant))
        .with("contractID", row.contract_id)
        .with("contractServiceID", row.contract_service_id)
        .with("cost", values::amount(cost))
        .with("endDate", values::day(end))
        .with(
            "internalCurrencyPrice",
            values::amount(price * state.options.exchange_rate),
        )
        .with("organizationalLevelAssociationID", division)
        .with("price", values::amount(price))
        .with("serviceID", service)
        .with("startDate", values::day(row.start))
        .with("units", row.units)
        .with("vendorCompanyID", vendor)
}
