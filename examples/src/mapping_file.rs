//! The mapping's file: read whole, checked whole, written whole.

use std::fs::File;

use tallyline_core::flow::Lists;
use tallyline_core::mapping::{AccountEntry, Mapping, ServiceEntry};
use tallyline_core::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::files;
use crate::lifecycle;
use crate::output::warn;

/// Reads the mapping; an empty one where there is no file yet.
///
/// # Errors
/// `Mapping` with the file, the line and what to fix.
pub(crate) fn load(config: &Config) -> Result<Mapping> {
    let path = &config.mapping_file;
    let text = files::read_text_if_there(path, "the mapping file", ErrorKind::Mapping)?;
    let Some(text) = text else {
        return Ok(Mapping::new());
    };
    Mapping::from_toml(text.as_bytes(), None).map_err(|error| {
        Error::new(
            ErrorKind::Mapping,
            format!("{}: {error}", files::shown(path)),
        )
    })
}

/// Waits for its turn to decide: what is decided by two commands at once is decided by one after the other.
/// The turn ends when what comes back is dropped, or with the process.
///
/// # Errors
/// `Storage` when the file beside the mapping that stands for the turn cannot be made.
pub(crate) fn turn(config: &Config) -> Result<File> {
    files::lock(&lifecycle::beside(config, "lock"))
}

/// Writes the mapping, and says so to the integration.
///
/// # Errors
/// `Storage` when it cannot be written.
pub(crate) fn save(config: &Config, mapping: &Mapping) -> Result<()> {
    files::write_private(
        &config.mapping_file,
        "the mapping file",
        &mapping.to_toml()?,
    )?;
    lifecycle::mapped(config, mapping);
    Ok(())
}

/// Checks that what the mapping links to is still there.
///
/// An id that the PSA does not know is a slip of the pen, or something deleted: nothing is
/// planned on it. An account or service that the vendor no longer lists was not observed, and
/// stays as it is.
///
/// # Errors
/// `Mapping` with the file and every unknown id of the PSA.
pub(crate) fn check(config: &Config, mapping: &Mapping, lists: &Lists) -> Result<()> {
    let known = lists.directory();
    let mut unknown = Vec::new();
    let mut unlisted = Vec::new();
    for (id, entry) in mapping.accounts() {
        let AccountEntry::Link(link) = entry else {
            continue;
        };
        if known.account(id).is_none() {
            unlisted.push(format!("account {id}"));
        }
        if known.company(&link.company).is_none() {
            unknown.push(format!("company {} (of account {id})", link.company));
        }
        let Some(agreement) = link.target.chosen() else {
            continue;
        };
        if known.agreement(agreement).is_none() {
            unknown.push(format!("agreement {agreement} (of account {id})"));
        }
    }
    for (key, entry) in mapping.services() {
        let ServiceEntry::Link(link) = entry else {
            continue;
        };
        for rule in &link.products {
            if known.product(&rule.product).is_none() {
                unknown.push(format!("product {} (of service {key})", rule.product));
            }
        }
    }
    if !unlisted.is_empty() {
        warn(&format!(
            "the vendor does not list {}; what they bill stays as it is",
            some(&unlisted)
        ));
    }
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Mapping,
        format!(
            "{}: the PSA does not know {}; correct the ids, or take the decisions back with \
             `tallyline map clear`",
            files::shown(&config.mapping_file),
            some(&unknown)
        ),
    ))
}

/// The first few, and how many more.
fn some(names: &[String]) -> String {
    let first = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(3) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
