//! The records as plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::values;
use crate::json::Json;

/// A record, by the names of its fields on the wire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: i64,
    /// Its fields; what is absent is `null`.
    pub fields: BTreeMap<String, Json>,
    /// The values of its user-defined fields, by name.
    pub udfs: BTreeMap<String, String>,
}

impl Record {
    /// A record without fields.
    pub fn new(id: i64) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }

    /// A field; `null` when it is absent.
    pub fn get(&self, name: &str) -> &Json {
        self.fields.get(name).unwrap_or(&Json::Null)
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) -> &mut Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).integer()
    }

    /// An exact number.
    pub fn decimal(&self, name: &str) -> Option<Decimal> {
        self.get(name).decimal()
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).text()
    }

    /// A boolean.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).flag()
    }

    /// The day of a date.
    pub fn day(&self, name: &str) -> Option<Date> {
        values::moment(self.text(name)?).map(|at| at.date())
    }
}

/// What a row bills only the difference to: the posted row for the same days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Already {
    /// The units posted.
    pub units: i64,
    /// The price per unit posted.
    pub unit_price: Decimal,
    /// The cost per unit posted.
    pub unit_cost: Decimal,
}

/// The quantity of a contract service over some days of one billing period.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitRow {
    /// Its id.
    pub id: i64,
    /// The contract.
    pub contract_id: i64,
    /// The contract service.
    pub contract_service_id: i64,
    /// The first day.
    pub start: Date,
    /// The last day.
    pub end: Date,
    /// First and last day of the whole billing period, which prices are for.
    pub period: (Date, Date),
    /// The units.
    pub units: i64,
    /// The price per unit and period.
    pub unit_price: Decimal,
    /// The cost per unit and period.
    pub unit_cost: Decimal,
    /// When it was approved and posted: from then on it does not change.
    pub posted: Option<Timestamp>,
    /// Whether an adjustment ended it before its period.
    pub cut: bool,
    /// The adjustment that began it.
    pub adjustment_id: Option<i64>,
    /// What was posted for its days before.
    pub already: Option<Already>,
}

/// A change of units as it was taken; the API never shows it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjustment {
    /// Its id.
    pub id: i64,
    /// The contract service it changed.
    pub contract_service_id: i64,
    /// The first day it counts.
    pub effective: Date,
    /// The units added, or taken away.
    pub change: i64,
    /// The new price per unit.
    pub unit_price: Option<Decimal>,
    /// The new cost per unit.
    pub unit_cost: Option<Decimal>,
}

/// A value of a picklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The value in records; metadata writes it as a string.
    pub value: i64,
    /// The label.
    pub label: String,
    /// Whether new records get it.
    pub default: bool,
    /// Whether it may be chosen.
    pub active: bool,
}

/// A user-defined field of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udf {
    /// Its name, which may hold spaces.
    pub name: String,
    /// The type as metadata names it, such as `string`.
    pub kind: String,
    /// Whether it can stand in a query.
    pub queryable: bool,
}

/// A note that the system wrote on a contract about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// On which contract.
    pub contract_id: i64,
    /// What it says.
    pub text: String,
}
