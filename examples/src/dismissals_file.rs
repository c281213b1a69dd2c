//! The dismissals' file, beside the mapping's.

use std::path::PathBuf;

use tallyline_core::reconcile::Dismissals;
use tallyline_core::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::files;

const WHAT: &str = "the file of dismissals";

/// Where it is: `mapping.dismissals.toml` beside `mapping.toml`.
fn path(config: &Config) -> PathBuf {
    config.mapping_file.with_extension("dismissals.toml")
}

/// Reads the dismissals; none where there is no file yet.
///
/// # Errors
/// `Mapping` with the file and what to fix.
pub(crate) fn load(config: &Config) -> Result<Dismissals> {
    let path = path(config);
    let Some(text) = files::read_text_if_there(&path, WHAT, ErrorKind::Mapping)? else {
        return Ok(Dismissals::new());
    };
    Dismissals::from_toml(&text).map_err(|error| {
        let message = format!("{}: {}", files::shown(&path), error.message());
        Error::new(error.kind(), message)
    })
}

/// Writes the dismissals.
///
/// # Errors
/// `Storage` when they cannot be written.
pub(crate) fn save(config: &Config, dismissals: &Dismissals) -> Result<()> {
    files::write_private(&path(config), WHAT, &dismissals.to_toml()?)
}
