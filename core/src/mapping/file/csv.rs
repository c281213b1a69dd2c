//! The mapping as two CSV files, one for accounts and one for services.
//!
//! A row says what is decided. `decision` is `link`, `exclude`, `unmapped` (takes the decision
//! back), or blank: then a row with a company or product is a link, and one without leaves
//! things as they are. What has no row is left as it is. Names are there to be read; they are
//! ignored on import. A service with several products has a row for each.
//!
//! A cell that a spreadsheet would take for a formula gets a `'` before it, which the import
//! takes away again. Characters that act on a terminal or turn text around are written as
//! `\u{1b}`, which the import reads back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::Serialize;

use super::cells::{Decision, Row, read, write};
use super::{AccountRow, ImportError, ImportProblem, ImportSummary, ServiceRow, decide_all};
use crate::error::Result;
use crate::mapping::{
    AccountEntry, DailyCount, Directory, LineTarget, Mapping, Part, ProductRule, Ratio, Rounding,
    ServiceEntry, Tag,
};
use crate::model::{AgreementId, ServiceKey, VendorAccountId};

/// The columns of the accounts file, in the order of the export.
const ACCOUNT_COLUMNS: &[&str] = &[
    "account",
    "account_name",
    "decision",
    "company",
    "company_name",
    "agreement",
    "agreement_name",
    "per_service",
    "master",
    "master_name",
    "metadata_to",
    "enabled",
    "provenance",
    "note",
    "tags",
];

/// The columns of the services file, in the order of the export.
const SERVICE_COLUMNS: &[&str] = &[
    "service",
    "service_name",
    "decision",
    "counts",
    "billed_as",
    "product",
    "product_name",
    "daily",
    "part",
    "ratio_units",
    "ratio_per",
    "rounding",
    "included",
    "minimum",
    "carries_cost",
    "enabled",
    "provenance",
    "note",
    "tags",
];

/// The word that serde has for a value.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn yes_no(value: bool) -> String {
    String::from(if value { "yes" } else { "no" })
}

/// Tags as one cell.
fn tags_cell(tags: &BTreeSet<Tag>) -> String {
    let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    tags.join("; ")
}

const PROVENANCES: &str = "exact, accepted_suggestion, manual or imported";

fn account_row(
    row: &Row,
) -> Result<(VendorAccountId, Option<AccountRow>, Decision), ImportProblem> {
    let id = VendorAccountId::new(row.get("account").unwrap_or_default());
    let filled = [
        "company",
        "agreement",
        "per_service",
        "master",
        "metadata_to",
    ]
    .iter()
    .any(|column| row.get(column).is_some());
    let decision = row.decision(filled).map_err(|problem| problem.about(&id))?;
    let read = || -> Result<AccountRow, ImportProblem> {
        let excluded = decision == Decision::Exclude;
        let note = row.owned("note");
        Ok(AccountRow {
            id: id.clone(),
            excluded,
            reason: note.clone().filter(|_| excluded),
            company: row.get("company").map(Into::into),
            agreement: row.get("agreement").map(Into::into),
            per_service: row.yes_no("per_service")?.unwrap_or_default(),
            master: row.get("master").map(Into::into),
            metadata_to: row.get("metadata_to").map(Into::into),
            enabled: row.yes_no("enabled")?,
            provenance: row.word("provenance", PROVENANCES)?,
            note: note.filter(|_| !excluded),
            tags: row.tags()?,
        })
    };
    let decided = match decision {
        Decision::Link | Decision::Exclude => Some(read().map_err(|problem| problem.about(&id))?),
        Decision::Clear | Decision::Leave => None,
    };
    Ok((id, decided, decision))
}

/// The rule of one row; `true` when it leaves open whether it carries the cost.
fn rule(row: &Row) -> Result<Option<(ProductRule, bool)>, ImportProblem> {
    let daily: Option<DailyCount> = row.form("daily")?;
    let part: Option<Part> = row.form("part")?;
    let units = row.quantity("ratio_units")?;
    let per = row.quantity("ratio_per")?;
    let rounding: Option<Rounding> = row.word("rounding", "exact, ceil, floor or half_up")?;
    let included = row.quantity("included")?;
    let minimum = row.quantity("minimum")?;
    let carries_cost = row.yes_no("carries_cost")?;
    let ratio = match (units, per) {
        (Some(units), Some(per)) => Some(Ratio {
            units,
            per,
            rounding: rounding.unwrap_or_default(),
        }),
        (None, None) if rounding.unwrap_or_default() == Rounding::Exact => None,
        _ => {
            return Err(ImportProblem::new(
                "a ratio needs ratio_units and ratio_per: fill in both, or empty both and the \
                 rounding",
            ));
        }
    };
    match row.get("product") {
        Some(product) => Ok(Some((
            ProductRule {
                product: product.into(),
                daily,
                part,
                ratio,
                included: included.unwrap_or_default(),
                minimum,
                carries_cost: carries_cost.unwrap_or_default(),
            },
            carries_cost.is_none(),
        ))),
        None => {
            let figures = ratio.is_some() || included.is_some() || minimum.is_some();
            if figures || daily.is_some() || part.is_some() {
                return Err(ImportProblem::new(
                    "the row has a rule but no product: name the product",
                ));
            }
            Ok(None)
        }
    }
}

fn service_row(rows: &[&Row]) -> Result<(Option<ServiceRow>, Decision), ImportProblem> {
    let Some(first) = rows.first() else {
        return Ok((None, Decision::Leave));
    };
    let key = ServiceKey::new(first.get("service").unwrap_or_default());
    for column in [
        "decision",
        "counts",
        "billed_as",
        "enabled",
        "provenance",
        "note",
        "tags",
    ] {
        if let Some(other) = rows.iter().find(|row| row.get(column) != first.get(column)) {
            return Err(ImportProblem::new(format!(
                "{column} differs from line {}: write the same in all rows of the service",
                first.line
            ))
            .on_line(other.line));
        }
    }
    let mut products = Vec::new();
    let mut open = false;
    for row in rows {
        let rule = rule(row).map_err(|problem| problem.on_line(row.line))?;
        if let Some((rule, cost_open)) = rule {
            products.push(rule);
            open |= cost_open;
        } else if rows.len() > 1 {
            return Err(
                ImportProblem::new("the row names no product: name one, or delete it")
                    .on_line(row.line),
            );
        }
    }
    if let ([only], true) = (products.as_mut_slice(), open) {
        only.carries_cost = true;
    }
    let decision = first.decision(!products.is_empty())?;
    if matches!(decision, Decision::Clear | Decision::Leave) {
        return Ok((None, decision));
    }
    let excluded = decision == Decision::Exclude;
    let note = first.owned("note");
    Ok((
        Some(ServiceRow {
            id: key,
            excluded,
            reason: note.clone().filter(|_| excluded),
            counts: first.word("counts", "recurring, setup, usage, proration or credit")?,
            billed_as: first.word("billed_as", "line, charge or line_and_prorations")?,
            enabled: first.yes_no("enabled")?,
            provenance: first.word("provenance", PROVENANCES)?,
            note: note.filter(|_| !excluded),
            tags: first.tags()?,
            products,
        }),
        decision,
    ))
}

/// Whether the file has a column that files of before lack.
fn has(rows: &[Row], column: &str) -> bool {
    rows.first().is_some_and(|row| row.has(column))
}

/// Refuses rows of a file of before for a service whose rules need columns that it lacks: without its
/// part each product would bill the whole.
fn lacks_columns(rows: &[&Row], known: Option<&ServiceEntry>) -> Result<(), ImportProblem> {
    let (Some(first), Some(ServiceEntry::Link(link))) = (rows.first(), known) else {
        return Ok(());
    };
    let needs = |column: &str, has: fn(&ProductRule) -> bool| {
        !first.has(column) && link.products.iter().any(has)
    };
    if needs("part", |rule| rule.part.is_some()) || needs("daily", |rule| rule.daily.is_some()) {
        return Err(ImportProblem::new(
            "its rules have a part or a daily count, and the sheet has no column for them: export the \
             sheet again",
        ));
    }
    Ok(())
}

fn keep_account_tags(entry: &mut AccountEntry, before: Option<&AccountEntry>) {
    if let (AccountEntry::Link(link), Some(before)) = (entry, before) {
        link.tags = before.tags().cloned().collect();
    }
}

/// Keeps which note gets the metadata, while the account is the same company's.
fn keep_metadata(entry: &mut AccountEntry, before: Option<&AccountEntry>) {
    if let (AccountEntry::Link(link), Some(AccountEntry::Link(before))) = (entry, before)
        && link.company == before.company
    {
        link.metadata_to.clone_from(&before.metadata_to);
    }
}

fn keep_service_tags(entry: &mut ServiceEntry, before: Option<&ServiceEntry>) {
    if let (ServiceEntry::Link(link), Some(before)) = (entry, before) {
        link.tags = before.tags().cloned().collect();
    }
}

/// What a row decides: an entry, or to take the decision back, or nothing.
enum Outcome<E> {
    Set(E),
    Clear,
    Leave,
}

impl<E> Outcome<E> {
    fn entry(&self) -> Option<&E> {
        match self {
            Self::Set(entry) => Some(entry),
            Self::Clear | Self::Leave => None,
        }
    }

    fn without_row<K: fmt::Display>(id: K, decision: Decision) -> Result<(K, Self), ImportProblem> {
        if id.to_string().is_empty() {
            return Err(ImportProblem::new("the id is empty: fill it in"));
        }
        let outcome = if decision == Decision::Clear {
            Self::Clear
        } else {
            Self::Leave
        };
        Ok((id, outcome))
    }
}

fn finish<T>(decided: T, mut problems: Vec<ImportProblem>) -> Result<T, ImportError> {
    if problems.is_empty() {
        return Ok(decided);
    }
    problems.sort_by_key(|problem| problem.line);
    Err(ImportError { problems })
}

impl Mapping {
    /// The decisions about accounts as CSV, in the order of ids.
    ///
    /// With a directory, names stand beside the ids, and unmapped accounts have a row to fill
    /// in. The columns are `account`, `account_name`, `decision`, `company`, `company_name`,
    /// `agreement`, `agreement_name`, `per_service`, `master`, `master_name`, `metadata_to`, `enabled`, `provenance`, `note` (of an
    /// exclusion: the reason) and `tags` (with semicolons between). Cells that a spreadsheet would take for formulas get a `'` before them.
    ///
    /// # Errors
    /// `Unexpected` when the text cannot be written.
    pub fn accounts_csv(&self, directory: Option<&Directory<'_>>) -> Result<String> {
        let mut ids: BTreeSet<&VendorAccountId> = self.accounts().map(|(id, _)| id).collect();
        ids.extend(directory.into_iter().flat_map(Directory::account_ids));
        let rows = ids.into_iter().map(|id| {
            let mut row = HashMap::from([("account", id.to_string())]);
            if let Some(account) = directory.and_then(|known| known.account(id)) {
                row.insert("account_name", account.name.clone());
            }
            match self.account(id) {
                None => {}
                Some(AccountEntry::Exclude(exclusion)) => {
                    row.insert("decision", "exclude".to_owned());
                    row.insert("note", exclusion.reason.clone().unwrap_or_default());
                }
                Some(AccountEntry::Link(link)) => {
                    row.insert("decision", "link".to_owned());
                    row.insert("company", link.company.to_string());
                    let metadata_to = link.metadata_to.as_ref();
                    row.extend(metadata_to.map(|id| ("metadata_to", id.to_string())));
                    row.insert("enabled", yes_no(link.enabled));
                    row.insert("provenance", word(&link.provenance));
                    row.insert("note", link.note.clone().unwrap_or_default());
                    row.insert("tags", tags_cell(&link.tags));
                    if let Some(company) = directory.and_then(|known| known.company(&link.company))
                    {
                        row.insert("company_name", company.name.clone());
                    }
                    let name_of = |id: &AgreementId| {
                        let found = directory.and_then(|known| known.agreement(id));
                        found.map(|found| found.name.clone())
                    };
                    match &link.target {
                        LineTarget::PerService => {
                            row.insert("per_service", yes_no(true));
                        }
                        LineTarget::Agreement(agreement) => {
                            row.insert("agreement", agreement.to_string());
                            row.extend(name_of(agreement).map(|name| ("agreement_name", name)));
                        }
                        LineTarget::Bundled { master } => {
                            row.insert("master", master.to_string());
                            row.extend(name_of(master).map(|name| ("master_name", name)));
                        }
                    }
                }
            }
            row
        });
        write(ACCOUNT_COLUMNS, &rows.collect::<Vec<_>>())
    }

    /// The decisions about services as CSV, in the order of keys; a row for each product.
    ///
    /// With a directory, names stand beside the ids, and unmapped services have a row to fill
    /// in. The columns are `service`, `service_name`, `decision`, `counts`, `billed_as`, `product`,
    /// `product_name`, `daily` and `part` (in their short forms, see [`DailyCount`] and [`Part`]),
    /// `ratio_units`, `ratio_per`, `rounding`, `included`, `minimum`,
    /// `carries_cost`, `enabled`, `provenance`, `note` (of an exclusion: the reason) and `tags`.
    ///
    /// # Errors
    /// `Unexpected` when the text cannot be written.
    pub fn services_csv(&self, directory: Option<&Directory<'_>>) -> Result<String> {
        let mut keys: BTreeSet<&ServiceKey> = self.services().map(|(key, _)| key).collect();
        keys.extend(directory.into_iter().flat_map(Directory::service_keys));
        let mut rows = Vec::new();
        for key in keys {
            let mut row = HashMap::from([("service", key.to_string())]);
            if let Some(service) = directory.and_then(|known| known.service(key)) {
                row.insert("service_name", service.name.clone());
            }
            match self.service(key) {
                None => rows.push(row),
                Some(ServiceEntry::Exclude(exclusion)) => {
                    row.insert("decision", "exclude".to_owned());
                    row.insert("note", exclusion.reason.clone().unwrap_or_default());
                    rows.push(row);
                }
                Some(ServiceEntry::Link(link)) => {
                    row.insert("decision", "link".to_owned());
                    row.insert("counts", word(&link.counts));
                    if !link.billed_as.is_line() {
                        row.insert("billed_as", word(&link.billed_as));
                    }
                    row.insert("enabled", yes_no(link.enabled));
                    row.insert("provenance", word(&link.provenance));
                    row.insert("note", link.note.clone().unwrap_or_default());
                    row.insert("tags", tags_cell(&link.tags));
                    rows.extend(link.products.iter().map(|rule| {
                        let mut row = row.clone();
                        row.extend(rule_cells(rule));
                        let product = directory.and_then(|known| known.product(&rule.product));
                        if let Some(product) = product {
                            row.insert("product_name", product.name.clone());
                        }
                        row
                    }));
                }
            }
        }
        write(SERVICE_COLUMNS, &rows)
    }

    /// Applies a CSV file of accounts, all of it or nothing.
    ///
    /// The `decision` is `link`, `exclude`, `unmapped` (takes a decision back), or blank: then a
    /// row with a company is a link, and one without leaves the account as it is. Accounts
    /// without a row stay as they are, too. Columns are found by their names; those that end in
    /// `_name` may be absent and are ignored. A blank `enabled` is yes, a blank `provenance` is imported; without the columns
    /// `tags` and `metadata_to` these stay as they are. With a
    /// directory, every row is checked against it.
    ///
    /// # Errors
    /// Every problem, with its line, the id and what to do; as [`Error`](crate::Error) it is of kind
    /// `Mapping`. Nothing is changed then.
    pub fn import_accounts_csv(
        &mut self,
        bytes: &[u8],
        directory: Option<&Directory<'_>>,
    ) -> std::result::Result<ImportSummary, ImportError> {
        let (rows, mut problems) = read(bytes, ACCOUNT_COLUMNS)?;
        let has_tags = has(&rows, "tags");
        let has_metadata = has(&rows, "metadata_to");
        let outcomes = rows.iter().map(|row| {
            let outcome = account_row(row).and_then(|(id, decided, decision)| match decided {
                Some(row) => row.decide().map(|(id, entry)| (id, Outcome::Set(entry))),
                None => Outcome::without_row(id, decision),
            });
            (Some(row.line), outcome)
        });
        let check = |id: &VendorAccountId, outcome: &Outcome<AccountEntry>| match (
            directory,
            outcome.entry(),
        ) {
            (Some(known), Some(entry)) => known.check_account(id, entry),
            _ => Ok(()),
        };
        let decided = decide_all(outcomes, check, &mut problems);
        let decided = finish(decided, problems)?;
        let mut summary = ImportSummary::default();
        for (id, outcome) in decided {
            let before = self.revision();
            match outcome {
                Outcome::Set(mut entry) => {
                    if !has_tags {
                        keep_account_tags(&mut entry, self.account(&id));
                    }
                    if !has_metadata {
                        keep_metadata(&mut entry, self.account(&id));
                    }
                    self.set_account(id, entry);
                    summary.count(self.revision() != before, true);
                }
                Outcome::Clear => summary.count(self.clear_account(&id), false),
                Outcome::Leave => summary.unchanged += 1,
            }
        }
        Ok(summary)
    }

    /// Applies a CSV file of services, all of it or nothing.
    ///
    /// As [`import_accounts_csv`](Self::import_accounts_csv). The rows of one service may stand
    /// anywhere and must agree in all but the product and its rule. A blank `carries_cost` is
    /// yes for the service's only product, else no.
    ///
    /// # Errors
    /// Every problem, with its line, the key and what to do; as [`Error`](crate::Error) it is of kind
    /// `Mapping`. Nothing is changed then.
    pub fn import_services_csv(
        &mut self,
        bytes: &[u8],
        directory: Option<&Directory<'_>>,
    ) -> std::result::Result<ImportSummary, ImportError> {
        let (rows, mut problems) = read(bytes, SERVICE_COLUMNS)?;
        let has_tags = has(&rows, "tags");
        let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            groups
                .entry(row.get("service").unwrap_or_default())
                .or_default()
                .push(row);
        }
        let mut outcomes = Vec::new();
        for (key, rows) in groups {
            let line = rows.first().map(|row| row.line);
            let known = self.service(&ServiceKey::new(key));
            match lacks_columns(&rows, known).and_then(|()| service_row(&rows)) {
                Ok((Some(row), _)) => {
                    let outcome = row.decide().map(|(key, entry)| (key, Outcome::Set(entry)));
                    outcomes.push((line, outcome));
                }
                Ok((None, decision)) => {
                    outcomes.push((line, Outcome::without_row(ServiceKey::new(key), decision)));
                }
                Err(problem) => {
                    let line = problem.line.or(line);
                    outcomes.push((line, Err(problem.about(key))));
                }
            }
        }
        let check = |key: &ServiceKey, outcome: &Outcome<ServiceEntry>| match (
            directory,
            outcome.entry(),
        ) {
            (Some(known), Some(entry)) => known.check_service(key, entry),
            _ => Ok(()),
        };
        let decided = decide_all(outcomes.into_iter(), check, &mut problems);
        let decided = finish(decided, problems)?;
        let mut summary = ImportSummary::default();
        for (key, outcome) in decided {
            let before = self.revision();
            match outcome {
                Outcome::Set(mut entry) => {
                    if !has_tags {
                        keep_service_tags(&mut entry, self.service(&key));
                    }
                    self.set_service(key, entry);
                    summary.count(self.revision() != before, true);
                }
                Outcome::Clear => summary.count(self.clear_service(&key), false),
                Outcome::Leave => summary.unchanged += 1,
            }
        }
        Ok(summary)
    }
}

impl ImportSummary {
    fn count(&mut self, changed: bool, set: bool) {
        match (changed, set) {
            (false, _) => self.unchanged += 1,
            (true, true) => self.set += 1,
            (true, false) => self.cleared += 1,
        }
    }
}

fn rule_cells(rule: &ProductRule) -> Vec<(&'static str, String)> {
    let mut cells = vec![
        ("product", rule.product.to_string()),
        ("included", rule.included.to_string()),
        ("carries_cost", yes_no(rule.carries_cost)),
    ];
    if let Some(daily) = &rule.daily {
        cells.push(("daily", daily.to_string()));
    }
    if let Some(part) = &rule.part {
        cells.push(("part", part.to_string()));
    }
    if let Some(minimum) = rule.minimum {
        cells.push(("minimum", minimum.to_string()));
    }
    if let Some(ratio) = &rule.ratio {
        cells.push(("ratio_units", ratio.units.to_string()));
        cells.push(("ratio_per", ratio.per.to_string()));
        cells.push(("rounding", word(&ratio.rounding)));
    }
    cells
}
