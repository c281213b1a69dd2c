//! A mapping as a file: the rows, and what can be wrong with them.

mod cells;
mod csv;
mod toml;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    AccountEntry, AccountLink, BilledAs, Directory, Exclusion, LineTarget, Mapping, ProductRule,
    Provenance, ServiceEntry, ServiceLink, Tag,
};
use crate::error::{Error, ErrorKind, printable};
use crate::model::{AgreementId, ChargeKind, CompanyId, ServiceKey, VendorAccountId};

/// The version of the file format that this library writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Larger files are refused unread: 32 MiB.
pub const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportProblem {
    /// The line, from 1, where it is known.
    pub line: Option<u64>,
    /// The id of the account or key of the service concerned, where it is known.
    pub id: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl ImportProblem {
    fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            id: None,
            message: message.into(),
        }
    }

    fn on_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    fn about(mut self, id: impl fmt::Display) -> Self {
        self.id = Some(id.to_string()).filter(|id| !id.is_empty());
        self
    }
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        if let Some(id) = &self.id {
            write!(f, "{}: ", printable(id))?;
        }
        f.write_str(&printable(&self.message))
    }
}

/// Everything that is wrong with a file. Nothing of the file was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    problems: Vec<ImportProblem>,
}

impl ImportError {
    fn one(problem: ImportProblem) -> Self {
        Self {
            problems: vec![problem],
        }
    }

    /// The problems, in the order of lines; at least one.
    #[must_use]
    pub fn problems(&self) -> &[ImportProblem] {
        &self.problems
    }
}

/// Problems named in the one-line message; all are in [`ImportError::problems`].
const NAMED: usize = 3;

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mapping file was not applied: ")?;
        for (position, problem) in self.problems.iter().take(NAMED).enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        match self.problems.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        Self::new(ErrorKind::Mapping, error.to_string())
    }
}

/// What an import changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Decided newly or differently.
    pub set: usize,
    /// Made unmapped.
    pub cleared: usize,
    /// As they were before.
    pub unchanged: usize,
}

/// The whole file. `version` comes first, and the scalars before the tables.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<A, S> {
    version: Version,
    revision: u64,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<A>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    services: Vec<S>,
}

/// A version that this library reads.
#[derive(Clone, Copy, Debug)]
struct Version;

fn unknown_version(found: impl fmt::Display) -> String {
    format!(
        "the mapping has format version {found}, and this library reads version \
         {FORMAT_VERSION}: use a library of that version, or export the mapping again"
    )
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT_VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            version if version == i64::from(FORMAT_VERSION) => Ok(Self),
            other => Err(D::Error::custom(unknown_version(other))),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// An account's decision, flat.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRow {
    id: VendorAccountId,
    #[serde(default, skip_serializing_if = "is_false")]
    excluded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company: Option<CompanyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreement: Option<AgreementId>,
    #[serde(default, skip_serializing_if = "is_false")]
    per_service: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    master: Option<AgreementId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata_to: Option<AgreementId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tags: BTreeSet<Tag>,
}

/// A service's decision, flat. The products come last: they are tables.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceRow {
    id: ServiceKey,
    #[serde(default, skip_serializing_if = "is_false")]
    excluded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counts: Option<ChargeKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    billed_as: Option<BilledAs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tags: BTreeSet<Tag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    products: Vec<ProductRule>,
}

impl AccountRow {
    fn new(id: &VendorAccountId, entry: &AccountEntry) -> Self {
        let row = Self {
            id: id.clone(),
            excluded: false,
            reason: None,
            company: None,
            agreement: None,
            per_service: false,
            master: None,
            metadata_to: None,
            enabled: None,
            provenance: None,
            note: None,
            tags: BTreeSet::new(),
        };
        match entry {
            AccountEntry::Link(link) => {
                let row = match &link.target {
                    LineTarget::Agreement(agreement) => Self {
                        agreement: Some(agreement.clone()),
                        ..row
                    },
                    LineTarget::PerService => Self {
                        per_service: true,
                        ..row
                    },
                    LineTarget::Bundled { master } => Self {
                        master: Some(master.clone()),
                        ..row
                    },
                };
                Self {
                    company: Some(link.company.clone()),
                    metadata_to: link.metadata_to.clone(),
                    enabled: Some(link.enabled),
                    provenance: Some(link.provenance),
                    note: link.note.clone(),
                    tags: link.tags.clone(),
                    ..row
                }
            }
            AccountEntry::Exclude(exclusion) => Self {
                excluded: true,
                reason: exclusion.reason.clone(),
                ..row
            },
        }
    }

    fn decide(self) -> Result<(VendorAccountId, AccountEntry), ImportProblem> {
        let id = self.id;
        let wrong = |message: &str| Err(ImportProblem::new(message).about(&id));
        if id.as_str().is_empty() {
            return wrong("the account's id is empty: fill it in");
        }
        if self.excluded {
            let linked = self.company.is_some()
                || self.agreement.is_some()
                || self.per_service
                || self.master.is_some()
                || self.metadata_to.is_some();
            if linked || self.note.is_some() || !self.tags.is_empty() {
                return wrong(
                    "the account is excluded and linked: keep one, and for an exclusion say why \
                     in its reason",
                );
            }
            return Ok((
                id,
                AccountEntry::Exclude(Exclusion {
                    reason: self.reason,
                }),
            ));
        }
        if self.reason.is_some() {
            return wrong("only an exclusion has a reason: use the note");
        }
        let company = self.company.filter(|id| !id.as_str().is_empty());
        let agreement = self.agreement.filter(|id| !id.as_str().is_empty());
        let master = self.master.filter(|id| !id.as_str().is_empty());
        let (company, target) = match (company, agreement, self.per_service, master) {
            (Some(company), Some(agreement), false, None) => {
                (company, LineTarget::Agreement(agreement))
            }
            (Some(company), None, true, None) => (company, LineTarget::PerService),
            (Some(company), None, false, Some(master)) => (company, LineTarget::Bundled { master }),
            (_, Some(_), true, _) => {
                return wrong(
                    "the link names an agreement, and one for each service: keep one of the two",
                );
            }
            (_, Some(_), _, Some(_)) | (_, _, true, Some(_)) => {
                return wrong(
                    "the link names a master agreement, and where else the lines go: keep one of \
                     the two",
                );
            }
            _ => {
                return wrong(
                    "a link needs a company and an agreement: fill in both, or exclude it",
                );
            }
        };
        Ok((
            id,
            AccountEntry::Link(AccountLink {
                company,
                target,
                metadata_to: self.metadata_to.filter(|id| !id.as_str().is_empty()),
                enabled: self.enabled.unwrap_or(true),
                provenance: self.provenance.unwrap_or(Provenance::Imported),
                note: self.note,
                tags: self.tags,
            }),
        ))
    }
}

impl ServiceRow {
    fn new(id: &ServiceKey, entry: &ServiceEntry) -> Self {
        let row = Self {
            id: id.clone(),
            excluded: false,
            reason: None,
            counts: None,
            billed_as: None,
            enabled: None,
            provenance: None,
            note: None,
            tags: BTreeSet::new(),
            products: Vec::new(),
        };
        match entry {
            ServiceEntry::Link(link) => Self {
                counts: Some(link.counts),
                billed_as: Some(link.billed_as).filter(|billed| *billed != BilledAs::default()),
                enabled: Some(link.enabled),
                provenance: Some(link.provenance),
                note: link.note.clone(),
                tags: link.tags.clone(),
                products: link.products.clone(),
                ..row
            },
            ServiceEntry::Exclude(exclusion) => Self {
                excluded: true,
                reason: exclusion.reason.clone(),
                ..row
            },
        }
    }

    fn decide(self) -> Result<(ServiceKey, ServiceEntry), ImportProblem> {
        let id = self.id;
        let wrong = |message: &str| Err(ImportProblem::new(message).about(&id));
        if id.as_str().is_empty() {
            return wrong("the service's key is empty: fill it in");
        }
        if self.excluded {
            if !self.products.is_empty() || self.note.is_some() || !self.tags.is_empty() {
                return wrong(
                    "the service is excluded and linked: keep one, and for an exclusion say why \
                     in its reason",
                );
            }
            return Ok((
                id,
                ServiceEntry::Exclude(Exclusion {
                    reason: self.reason,
                }),
            ));
        }
        if self.reason.is_some() {
            return wrong("only an exclusion has a reason: use the note");
        }
        let link = ServiceLink {
            products: self.products,
            counts: self.counts.unwrap_or_default(),
            billed_as: self.billed_as.unwrap_or_default(),
            enabled: self.enabled.unwrap_or(true),
            provenance: self.provenance.unwrap_or(Provenance::Imported),
            note: self.note,
            tags: self.tags,
        };
        match link.validate() {
            Ok(()) => Ok((id, ServiceEntry::Link(link))),
            Err(error) => wrong(error.message()),
        }
    }
}

/// Rows with their lines become decisions, or problems; each id may come once.
fn decide_all<K: Ord + Clone + fmt::Display, E>(
    rows: impl Iterator<Item = (Option<u64>, Result<(K, E), ImportProblem>)>,
    check: impl Fn(&K, &E) -> crate::Result<()>,
    problems: &mut Vec<ImportProblem>,
) -> std::collections::BTreeMap<K, E> {
    let mut decided = std::collections::BTreeMap::new();
    let mut lines = std::collections::BTreeMap::new();
    for (line, row) in rows {
        let problem = match row {
            Err(problem) => Some(problem),
            Ok((id, entry)) => match lines.insert(id.clone(), line) {
                Some(first) => {
                    let place = first.map_or(String::new(), |line| format!(" on line {line}"));
                    let message = format!("it is decided already{place}: keep one of the two");
                    Some(ImportProblem::new(message).about(&id))
                }
                None => match check(&id, &entry) {
                    Ok(()) => {
                        decided.insert(id, entry);
                        None
                    }
                    Err(error) => Some(ImportProblem::new(error.message()).about(&id)),
                },
            },
        };
        problems.extend(problem.map(|problem| ImportProblem { line, ..problem }));
    }
    decided
}

fn check_size(bytes: &[u8]) -> Result<(), ImportError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ImportError::one(ImportProblem::new(format!(
            "the file has {} bytes, more than the {MAX_FILE_BYTES} that are read: split it",
            bytes.len()
        ))));
    }
    Ok(())
}

/// The text of a file, without a byte order mark.
fn text_of(bytes: &[u8]) -> Result<&str, ImportError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = line_at(bytes, error.valid_up_to());
        ImportError::one(
            ImportProblem::new("it is not UTF-8 text: save the file as UTF-8").on_line(line),
        )
    })
}

/// The line, from 1, of a byte.
fn line_at(bytes: &[u8], offset: usize) -> u64 {
    let before = bytes.iter().take(offset).filter(|byte| **byte == b'\n');
    u64::try_from(before.count()).map_or(u64::MAX, |lines| lines.saturating_add(1))
}

impl Mapping {
    fn document(&self) -> Document<AccountRow, ServiceRow> {
        Document {
            version: Version,
            revision: self.revision,
            accounts: self
                .accounts()
                .map(|(id, entry)| AccountRow::new(id, entry))
                .collect(),
            services: self
                .services()
                .map(|(id, entry)| ServiceRow::new(id, entry))
                .collect(),
        }
    }

    /// The mapping of a document whose rows carry their lines, where known.
    fn from_document<A, S>(
        document: Document<A, S>,
        account: impl Fn(A) -> (Option<u64>, AccountRow),
        service: impl Fn(S) -> (Option<u64>, ServiceRow),
        directory: Option<&Directory<'_>>,
    ) -> Result<Self, ImportError> {
        let mut problems = Vec::new();
        let accounts = decide_all(
            document.accounts.into_iter().map(|row| {
                let (line, row) = account(row);
                (line, row.decide())
            }),
            |id, entry| directory.map_or(Ok(()), |known| known.check_account(id, entry)),
            &mut problems,
        );
        let services = decide_all(
            document.services.into_iter().map(|row| {
                let (line, row) = service(row);
                (line, row.decide())
            }),
            |id, entry| directory.map_or(Ok(()), |known| known.check_service(id, entry)),
            &mut problems,
        );
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.line);
            return Err(ImportError { problems });
        }
        Ok(Self {
            revision: document.revision,
            accounts,
            services,
        })
    }
}

/// The same document as in the TOML file, with `version` first and rows in the order of ids.
impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Document::<AccountRow, ServiceRow>::deserialize(deserializer)?;
        Self::from_document(document, |row| (None, row), |row| (None, row), None)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
