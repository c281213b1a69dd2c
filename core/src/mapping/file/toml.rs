//! The mapping as TOML.

use serde::Deserialize;
use toml::Spanned;

use super::{
    AccountRow, Document, FORMAT_VERSION, ImportError, ImportProblem, ServiceRow, check_size,
    line_at, text_of, unknown_version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Directory, Mapping};

const HEADER: &str = "\
# Tallyline mapping: which vendor account is which company, which service is which product.
#
# [[accounts]]  id, company, agreement, enabled, note; or id, excluded = true, reason
# [[services]]  id, counts, enabled, note, then [[services.products]] with product, ratio,
#               included, minimum, carries_cost; or id, excluded = true, reason
#
# What is not here is unmapped. Figures are texts, such as \"2.5\".

";

/// Only the version, whatever else a file of another version holds.
#[derive(Deserialize)]
struct VersionOnly {
    version: Option<Spanned<i64>>,
}

impl Mapping {
    /// The mapping as TOML, in the order of ids: the same mapping gives the same text.
    ///
    /// # Errors
    /// `Unexpected` when the revision is too large for TOML.
    pub fn to_toml(&self) -> Result<String> {
        let body = toml::to_string(&self.document())
            .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        Ok(format!("{HEADER}{body}"))
    }

    /// Reads a mapping from TOML, and checks every row against a directory when one is given.
    ///
    /// All or nothing: one wrong row refuses the file. Take it over into a stored mapping with
    /// [`replace_with`](Self::replace_with).
    ///
    /// # Errors
    /// Every problem, with its line, the id and what to do; as [`Error`] it is of kind
    /// `Mapping`.
    ///
    /// # Examples
    /// ```
    /// use tallyline_core::mapping::Mapping;
    ///
    /// let text = r#"
    /// version = 1
    /// revision = 7
    ///
    /// [[accounts]]
    /// id = "A-1"
    /// company = "45"
    /// agreement = "101"
    /// "#;
    /// let mapping = Mapping::from_toml(text.as_bytes(), None)?;
    /// assert_eq!(mapping.revision(), 7);
    /// # Ok::<(), tallyline_core::mapping::ImportError>(())
    /// ```
    pub fn from_toml(
        bytes: &[u8],
        directory: Option<&Directory<'_>>,
    ) -> std::result::Result<Self, ImportError> {
        check_size(bytes)?;
        let text = text_of(bytes)?;
        let line = |offset: usize| line_at(text.as_bytes(), offset);
        let unreadable = |error: toml::de::Error| {
            let problem = ImportProblem::new(error.message());
            ImportError::one(match error.span() {
                Some(span) => problem.on_line(line(span.start)),
                None => problem,
            })
        };
        let version = toml::from_str::<VersionOnly>(text)
            .map_err(unreadable)?
            .version;
        match version {
            Some(version) if *version.get_ref() == i64::from(FORMAT_VERSION) => {}
            Some(version) => {
                let problem = ImportProblem::new(unknown_version(version.get_ref()));
                return Err(ImportError::one(
                    problem.on_line(line(version.span().start)),
                ));
            }
            None => {
                return Err(ImportError::one(ImportProblem::new(format!(
                    "the file does not state its format: begin it with version = {FORMAT_VERSION}"
                ))));
            }
        }
        let document: Document<Spanned<AccountRow>, Spanned<ServiceRow>> =
            toml::from_str(text).map_err(unreadable)?;
        Self::from_document(
            document,
            |row| (Some(line(row.span().start)), row.into_inner()),
            |row| (Some(line(row.span().start)), row.into_inner()),
            directory,
        )
    }
}
