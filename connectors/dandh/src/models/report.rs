//! Reports: `GetReports`, `ExecuteReport`, and two newer operations of their own.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tallyline_core::wire::{as_number_opt, decode_json, exact_decimal_opt, null_as_empty};

use super::{FieldValue, id, id_opt, text_opt};

/// A report that the user may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ReportInfo {
    /// Its name.
    #[serde(default, deserialize_with = "text_opt")]
    pub name: Option<String>,
    /// Its parameters.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub parameters: Vec<ReportParameter>,
}

/// A parameter of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ReportParameter {
    /// Its name; letter case matters.
    #[serde(default, deserialize_with = "text_opt")]
    pub name: Option<String>,
    /// The type of its value.
    #[serde(default, rename = "Type", deserialize_with = "text_opt")]
    pub parameter_type: Option<String>,
}

/// A report: columns, and rows of cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Report {
    /// The columns, in any order; absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub columns: Vec<ReportColumn>,
    /// The rows; absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub rows: Vec<ReportRow>,
}

/// A column of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ReportColumn {
    /// The place of its cell in a row, from zero.
    #[serde(default, deserialize_with = "id_opt")]
    pub cell_index: Option<i64>,
    /// Its name.
    #[serde(default, deserialize_with = "text_opt")]
    pub name: Option<String>,
    /// The type of its cells.
    #[serde(default, rename = "Type", deserialize_with = "text_opt")]
    pub column_type: Option<String>,
}

/// A row of a report. Written as the document has it: a list of cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct ReportRow {
    /// The cells; `null` is an empty one.
    pub cells: Vec<Option<FieldValue>>,
}

impl<'de> Deserialize<'de> for ReportRow {
    /// A list of cells, as documented, or an object with `Cells`, as seen.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Wrapped {
            cells: Vec<Option<FieldValue>>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let body = raw.get().as_bytes();
        let cells = match body.first() {
            Some(b'{') => decode_json(body).map(|wrapped: Wrapped| wrapped.cells),
            _ => decode_json(body),
        };
        cells.map(|cells| Self { cells }).map_err(D::Error::custom)
    }
}

impl Report {
    /// The cell of a row in the column of a name: the column's index tells, not its place.
    ///
    /// ```
    /// use tallyline_dandh::models::Report;
    ///
    /// let report: Report = serde_json::from_str(
    ///     r#"{"Columns": [{"CellIndex": 1, "Name": "Date"}, {"CellIndex": 0, "Name": "Id"}],
    ///         "Rows": [{"Cells": [7, "2026-03-05"]}, [8, "2026-03-06"]]}"#,
    /// )?;
    /// let ids = report.rows.iter().map(|row| report.cell(row, "Id").map(|id| id.as_json()));
    /// assert_eq!(ids.collect::<Vec<_>>(), [Some("7"), Some("8")]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn cell<'a>(&self, row: &'a ReportRow, column: &str) -> Option<&'a FieldValue> {
        let found = self
            .columns
            .iter()
            .find(|known| known.name.as_deref() == Some(column))?;
        let at = usize::try_from(found.cell_index?).ok()?;
        row.cells.get(at)?.as_ref()
    }
}

/// The answer of `GetInvoiceAggregationReport`, which not every marketplace has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InvoiceAggregation {
    /// The lines; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub invoice_aggregation: Vec<InvoiceAggregationLine>,
}

/// A line much like a charge, in other words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InvoiceAggregationLine {
    /// The subscription.
    #[serde(default, deserialize_with = "id_opt")]
    pub account_id: Option<i64>,
    /// The product.
    #[serde(default, deserialize_with = "text_opt")]
    pub product_name: Option<String>,
    /// The number of units: spelt another way than on a charge.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub udrc_value: Option<Decimal>,
    /// The parameters as a text for people.
    #[serde(default, deserialize_with = "text_opt")]
    pub billable_parameters: Option<String>,
    /// The days charged.
    #[serde(default, deserialize_with = "id_opt")]
    pub days_billed: Option<i64>,
    /// What the reseller pays for the line as a whole.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub costs: Option<Decimal>,
    /// What the reseller asks for it.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub sales_price: Option<Decimal>,
    /// The ISO code of the currency.
    #[serde(default, deserialize_with = "text_opt")]
    pub currency: Option<String>,
    /// Who makes the product.
    #[serde(default, deserialize_with = "text_opt")]
    pub vendor: Option<String>,
    /// The end customer.
    #[serde(default, deserialize_with = "text_opt")]
    pub end_customer_company: Option<String>,
    /// Its account.
    #[serde(default, deserialize_with = "id_opt")]
    pub end_customer_company_id: Option<i64>,
}

/// The answer of `GetAllProductAccountsWithFieldsReport`, which not every marketplace has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ProductAccounts {
    /// The subscriptions; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub all_product_accounts_with_fields: Vec<ProductAccount>,
}

/// A subscription of one product, with its fields by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ProductAccount {
    /// The subscription.
    #[serde(deserialize_with = "id")]
    pub account_id: i64,
    /// The company.
    #[serde(default, deserialize_with = "id_opt")]
    pub company_account_id: Option<i64>,
    /// The company's name.
    #[serde(default, deserialize_with = "text_opt")]
    pub company_name: Option<String>,
    /// The reseller.
    #[serde(default, deserialize_with = "id_opt")]
    pub reseller_account_id: Option<i64>,
    /// The reseller's name.
    #[serde(default, deserialize_with = "text_opt")]
    pub reseller_name: Option<String>,
    /// When it started, as it was written.
    #[serde(default, deserialize_with = "text_opt")]
    pub start_date: Option<String>,
    /// The product's fields by name.
    #[serde(default)]
    pub fields: BTreeMap<String, Option<FieldValue>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_two_shapes_and_cells_are_told_by_the_index_of_their_column() {
        let report: Report = decode_json(
            br#"{"Columns":[{"CellIndex":1,"Name":"Date","Type":"DateTime"},{"CellIndex":0,"Name":"Id"},{"Name":"Lost"},
              {"CellIndex":9,"Name":"Far"}],"Rows":[[7,"2026-03-05"],{"Cells":[8,null]},[]]}"#,
        )
        .unwrap();
        let cells = |column: &str| -> Vec<Option<&str>> {
            let rows = report.rows.iter();
            rows.map(|row| report.cell(row, column).map(FieldValue::as_json))
                .collect()
        };
        assert_eq!(cells("Id"), [Some("7"), Some("8"), None]);
        assert_eq!(cells("Date"), [Some("\"2026-03-05\""), None, None]);
        for column in ["Lost", "Far", "None", "id"] {
            assert_eq!(cells(column), [None, None, None], "{column}");
        }
    }

    #[test]
    fn a_row_of_another_shape_is_refused() {
        for row in ["7", "null", "{}", r#"{"cells":[]}"#, r#"{"Cells":null}"#] {
            let json = format!(r#"{{"Columns":[],"Rows":[{row}]}}"#);
            assert!(decode_json::<Report>(json.as_bytes()).is_err(), "{row}");
        }
    }
}
