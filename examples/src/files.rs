//! Files: read with a limit, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use tallyline_core::error::printable;
use tallyline_core::{Error, ErrorKind, Result};

/// The largest file that is read: plans of a very large tenant stay below it.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// The path as it is shown.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// Reads a text file.
///
/// # Errors
/// `kind` with the file's name and what is wrong with it.
pub(crate) fn read_text(path: &Path, what: &str, kind: ErrorKind) -> Result<String> {
    let wrong = |why: String| Error::new(kind, format!("{what} {}: {why}", shown(path)));
    let file = File::open(path).map_err(|error| wrong(reason(&error)))?;
    let mut text = String::new();
    let read = file
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| wrong(reason(&error)))?;
    if read as u64 > MAX_BYTES {
        return Err(wrong("it is larger than 512 MiB".to_owned()));
    }
    Ok(text)
}

/// Reads a text file that need not be there yet.
///
/// # Errors
/// As [`read_text`], but for a file that does not exist.
pub(crate) fn read_text_if_there(
    path: &Path,
    what: &str,
    kind: ErrorKind,
) -> Result<Option<String>> {
    match fs::exists(path) {
        Ok(false) => Ok(None),
        _ => read_text(path, what, kind).map(Some),
    }
}

/// Writes a file whole or not at all: into a file beside it, then renamed onto it. Others than
/// the owner cannot read it.
///
/// # Errors
/// `Storage` with the file's name and what is wrong.
pub(crate) fn write_private(path: &Path, what: &str, text: &str) -> Result<()> {
    let temporary = beside(path);
    let written = write_new(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        drop(fs::remove_file(&temporary));
        Error::new(
            ErrorKind::Storage,
            format!(
                "{what} {} cannot be written: {}",
                shown(path),
                reason(&error)
            ),
        )
    })
}

/// Opens a file that stands for a lock, and makes it where it is not there yet.
///
/// # Errors
/// `Storage` with the file's name and what is wrong.
pub(crate) fn open_lock(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unlockable(path, &error))
}

/// Waits until no other process holds a lock, and takes it.
///
/// # Errors
/// As [`open_lock`].
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = open_lock(path)?;
    file.lock().map_err(|error| unlockable(path, &error))?;
    Ok(file)
}

/// Why a lock cannot be taken.
pub(crate) fn unlockable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("the lock file {} cannot be used: {error}", shown(path));
    Error::new(ErrorKind::Storage, message)
}

/// Writes a file that a person named, as [`write_private`], but over nothing that is of another kind.
///
/// # Errors
/// `Config` when a file is there that is none of the kind, and as [`write_private`].
pub(crate) fn write_over_own_kind(
    path: &Path,
    what: &str,
    text: &str,
    is_of_kind: impl Fn(&str) -> bool,
) -> Result<()> {
    let there = fs::symlink_metadata(path).is_ok();
    let own = || {
        let text = read_text(path, what, ErrorKind::Config);
        text.is_ok_and(|text| text.trim().is_empty() || is_of_kind(&text))
    };
    if there && !own() {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "{} is there and is no file of this kind ({what}): nothing is written over it",
                shown(path)
            ),
        ));
    }
    write_private(path, what, text)
}

/// Whether others than the owner can read a file.
#[cfg(unix)]
pub(crate) fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Whether others than the owner can read a file: not known here.
#[cfg(not(unix))]
pub(crate) fn others_can_read(_path: &Path) -> bool {
    false
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = open_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn open_new(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file error in plain words.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no right to open it".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not a text file".to_owned(),
        _ => error.to_string(),
    }
}
