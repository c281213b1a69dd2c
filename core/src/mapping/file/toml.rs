//! The mapping as TOML.

use std::borrow::Cow;

use serde::Deserialize;
use toml::Spanned;

use super::{
    AccountRow, Document, FORMAT_VERSION, ImportError, ImportProblem, ServiceRow, check_size,
    line_at, text_of, unknown_version,
};
use crate::error::{Error, ErrorKind, Result, escape_unprintable};
use crate::mapping::{Directory, Mapping};

const HEADER: &str = "\
# Tallyline mapping: which vendor account is which company, which service is which product.
#
# [[accounts]]  id, company, agreement, enabled, note, tags; or id, excluded = true, reason.
#               per_service = true in place of the agreement: one for each subscription;
#               master in place of the agreement: a child agreement under it for each service;
#               metadata_to: the agreement whose note gets the account's metadata at each cycle's end
# [[services]]  id, counts, enabled, note, tags, then [[services.products]] with product, daily, part,
#               ratio, included, minimum, carries_cost; or id, excluded = true, reason.
#               billed_as = \"charge\": one charge for each bill, in place of a line;
#               \"line_and_prorations\": a line, and one charge for the prorations of each bill
#
# What is not here is unmapped. Figures are texts, such as \"2.5\".

";

/// Only the version, whatever else a file of another version holds.
#[derive(Deserialize)]
struct VersionOnly {
    version: Option<Spanned<i64>>,
}

/// The same TOML with unprintable characters as escapes, so that no id or note changes how the
/// file looks.
fn without_unprintables(toml: &str) -> String {
    let mut out = String::with_capacity(toml.len());
    let mut rest = toml;
    while let Some(start) = rest.find(['"', '\'']) {
        out.push_str(&rest[..start]);
        let (text, after) = rest[start..].split_at(quoted_len(&rest[start..]));
        rest = after;
        let escaped = escape_unprintable(text);
        match (&escaped, text.strip_prefix('\'')) {
            // Quotes of this kind know no escapes.
            (Cow::Owned(_), Some(_)) => {
                let quotes = if text.starts_with("'''") { 3 } else { 1 };
                let inner = &text[quotes..text.len().saturating_sub(quotes)];
                let inner = inner.strip_prefix('\n').unwrap_or(inner);
                let inner = inner
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                out.push('"');
                out.push_str(&escape_unprintable(&inner));
                out.push('"');
            }
            _ => out.push_str(&escaped),
        }
    }
    out.push_str(rest);
    out
}

/// How long the quoted text is that begins here, its quotes included.
fn quoted_len(text: &str) -> usize {
    let quote = if text.starts_with('"') { '"' } else { '\'' };
    let same = |at: usize| text[at..].chars().take_while(|c| *c == quote).count();
    let quotes = if same(0) >= 3 { 3 } else { 1 };
    let mut at = quotes;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '\\' if quote == '"' => {
                at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8)
            }
            c if c == quote && same(at) >= quotes => {
                // Up to two quotes may stand right before the three that end the text.
                return at + if quotes == 3 { same(at).min(5) } else { 1 };
            }
            c => at += c.len_utf8(),
        }
    }
    text.len()
}

impl Mapping {
    /// The mapping as TOML, in the order of ids: the same mapping gives the same text. Control
    /// characters and those that turn text around are written as escapes.
    ///
    /// # Errors
    /// `Unexpected` when the revision is too large for TOML.
    pub fn to_toml(&self) -> Result<String> {
        let body = toml::to_string(&self.document())
            .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        Ok(format!("{HEADER}{}", without_unprintables(&body)))
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
