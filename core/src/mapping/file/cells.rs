//! CSV rows: written by column, and read with their lines.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::{ImportError, ImportProblem, check_size};
use crate::error::{Error, Result, printable};
use crate::mapping::Tag;
use crate::mapping::tags::BETWEEN_TAGS;
use crate::model::Quantity;
use crate::spreadsheet::{csv_text, unguarded};

pub(super) fn write(columns: &[&str], rows: &[HashMap<&str, String>]) -> Result<String> {
    let titles = columns.iter().map(|column| (*column).to_owned());
    let rows = rows.iter().map(|row| {
        let cells = columns.iter().map(|column| row.get(column).cloned());
        cells.map(Option::unwrap_or_default).collect()
    });
    csv_text(std::iter::once(titles.collect()).chain(rows))
}

/// One row as read.
pub(super) struct Row {
    pub(super) line: u64,
    cells: HashMap<&'static str, String>,
}

impl Row {
    /// A cell as it is; `None` when it is empty.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        self.cells
            .get(column)
            .map(String::as_str)
            .filter(|cell| !cell.is_empty())
    }

    /// Whether the file has the column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.cells.contains_key(column)
    }

    /// The tags of the row's cell.
    pub(super) fn tags(&self) -> Result<BTreeSet<Tag>, ImportProblem> {
        let cell = self.get("tags").unwrap_or_default();
        let tags = cell
            .split(BETWEEN_TAGS)
            .filter(|tag| !tag.trim().is_empty());
        tags.map(|tag| Tag::new(tag).map_err(|error| ImportProblem::new(error.message())))
            .collect()
    }

    pub(super) fn owned(&self, column: &str) -> Option<String> {
        self.get(column).map(str::to_owned)
    }

    /// A cell that holds one of a few words or a figure: spaces and case do not matter.
    fn parsed<T>(
        &self,
        column: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ImportProblem> {
        let Some(cell) = self
            .get(column)
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
        else {
            return Ok(None);
        };
        parse(&cell.to_lowercase())
            .map(Some)
            .ok_or_else(|| ImportProblem::new(format!("{column} is {cell:?}: write {expected}")))
    }

    pub(super) fn yes_no(&self, column: &str) -> Result<Option<bool>, ImportProblem> {
        self.parsed(column, "yes or no", |cell| match cell {
            "yes" | "true" | "1" => Some(true),
            "no" | "false" | "0" => Some(false),
            _ => None,
        })
    }

    pub(super) fn word<T: DeserializeOwned>(
        &self,
        column: &str,
        words: &str,
    ) -> Result<Option<T>, ImportProblem> {
        self.parsed(column, words, |cell| {
            let cell = cell.replace(' ', "_");
            let words: StrDeserializer<'_, ValueError> = cell.as_str().into_deserializer();
            T::deserialize(words).ok()
        })
    }

    pub(super) fn quantity(&self, column: &str) -> Result<Option<Quantity>, ImportProblem> {
        self.parsed(column, "a number such as 2.5", |cell| cell.parse().ok())
    }

    /// A cell that holds the short form of something, which says itself what is to be written.
    pub(super) fn form<T: FromStr<Err = Error>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, ImportProblem> {
        let cell = self.get(column).map(str::trim);
        let parsed = cell.filter(|cell| !cell.is_empty()).map(str::parse);
        parsed
            .transpose()
            .map_err(|error: Error| ImportProblem::new(format!("{column}: {}", error.message())))
    }

    pub(super) fn decision(&self, filled: bool) -> Result<Decision, ImportProblem> {
        let decision = self.parsed("decision", "link, exclude or unmapped", |cell| match cell {
            "link" => Some(Decision::Link),
            "exclude" => Some(Decision::Exclude),
            "unmapped" => Some(Decision::Clear),
            _ => None,
        })?;
        let decision = decision.unwrap_or(if filled {
            Decision::Link
        } else {
            Decision::Leave
        });
        match decision {
            Decision::Clear if filled => Err(ImportProblem::new(
                "the decision is unmapped but the row says where to link: empty one of the two",
            )),
            Decision::Leave if self.get("note").is_some() || self.get("tags").is_some() => {
                Err(ImportProblem::new(
                    "the row has a note or tags but no decision: write link or exclude",
                ))
            }
            decision => Ok(decision),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Link,
    Exclude,
    Clear,
    Leave,
}

/// The rows of a file, and what is wrong with its shape.
pub(super) fn read(
    bytes: &[u8],
    columns: &'static [&'static str],
) -> Result<(Vec<Row>, Vec<ImportProblem>), ImportError> {
    check_size(bytes)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut records = reader.byte_records();
    let unreadable = |error: csv::Error| ImportError::one(ImportProblem::new(error.to_string()));
    let header = match records.next() {
        Some(header) => header.map_err(unreadable)?,
        None => csv::ByteRecord::new(),
    };
    let order =
        header_order(&header, columns).map_err(|problem| ImportError::one(problem.on_line(1)))?;
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for record in records {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        if record.len() != order.len() {
            problems.push(
                ImportProblem::new(format!(
                    "the row has {} cells and the header {}: check its commas and quotes",
                    record.len(),
                    order.len()
                ))
                .on_line(line),
            );
            continue;
        }
        let cells: Result<HashMap<_, _>, _> = order
            .iter()
            .zip(record.iter())
            .map(|(column, cell)| std::str::from_utf8(cell).map(|cell| (*column, unguarded(cell))))
            .collect();
        match cells {
            Ok(cells) => rows.push(Row { line, cells }),
            Err(_) => problems.push(
                ImportProblem::new("it is not UTF-8 text: save the file as CSV UTF-8")
                    .on_line(line),
            ),
        }
    }
    Ok((rows, problems))
}

/// Columns that a file may lack: names, and what files of before do not have.
fn is_optional(column: &str) -> bool {
    column.ends_with("_name")
        || matches!(
            column,
            "per_service" | "master" | "metadata_to" | "billed_as" | "daily" | "part" | "tags"
        )
}

/// Which column each cell of the header is.
fn header_order(
    header: &csv::ByteRecord,
    columns: &'static [&'static str],
) -> Result<Vec<&'static str>, ImportProblem> {
    let mut order = Vec::new();
    for cell in header {
        let name = String::from_utf8_lossy(cell).trim().to_lowercase();
        match columns.iter().find(|column| **column == name) {
            None => {
                return Err(ImportProblem::new(format!(
                    "there is no column {:?}: the columns are {}, with commas between",
                    printable(&name),
                    columns.join(", ")
                )));
            }
            Some(column) if order.contains(column) => {
                return Err(ImportProblem::new(format!(
                    "column {column} is there twice"
                )));
            }
            Some(column) => order.push(*column),
        }
    }
    match columns
        .iter()
        .find(|column| !is_optional(column) && !order.contains(column))
    {
        Some(missing) => Err(ImportProblem::new(format!(
            "the column {missing} is missing: the columns are {}",
            columns.join(", ")
        ))),
        None => Ok(order),
    }
}
