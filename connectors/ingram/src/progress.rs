//! How far a read has come: what an interrupted one leaves, and what the next may use again.
//!
//! A read of a reseller with thousands of subscriptions takes as many calls, at about one a second. What is read is put
//! down page by page and subscription by subscription, as [`Entry`]s in a [`ProgressStore`], so that a read that was
//! interrupted goes on where it stopped: finished pages and details are not read again. A store is kept by whoever
//! embeds the source: [`MemoryProgress`] while the process lives, [`ProgressFile`] beyond it, or one of their own.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tallyline_core::model::{ReadFailure, Timestamp};
use tallyline_core::wire::decode_json;
use tallyline_core::{Error, ErrorKind, Result};

use crate::client::CONNECTOR;
use crate::models::{Subscription, SubscriptionDetail, SubscriptionProduct};

/// One step of a read, as a line of JSON.
///
/// It holds names, ids, quantities and prices of clients, and no credentials.
#[derive(Clone, Debug)]
pub struct Entry(pub(crate) Step);

impl Entry {
    /// The line, without an end.
    ///
    /// # Errors
    /// `Unexpected` when it cannot be written, which does not happen.
    pub fn to_line(&self) -> Result<String> {
        serde_json::to_string(&self.0).map_err(|error| {
            Error::new(ErrorKind::Unexpected, error.to_string()).with_connector(CONNECTOR)
        })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// `Protocol` when it is none, such as the last one of a file whose writer was killed.
    pub fn from_line(line: &str) -> Result<Self> {
        decode_json(line.as_bytes())
            .map(Self)
            .map_err(|error| error.with_connector(CONNECTOR))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// A read begins; what was listed before does not count any more.
    Began {
        tenant: String,
        at: Timestamp,
        /// Its number among the reads of this store.
        #[serde(default)]
        pass: u64,
    },
    /// A page of the customers.
    Customers(PageOf<CustomerRow>),
    /// A page of the subscriptions.
    Subscriptions(PageOf<Subscription>),
    /// The details of a subscription.
    Detail(Box<KeptDetail>),
    /// The read is over.
    Finished,
}

/// A page of a list: where it begins and how many rows it had, of how many in all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PageOf<T> {
    pub(crate) at: Timestamp,
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) total: Option<u64>,
    pub(crate) last: bool,
    pub(crate) rows: Vec<T>,
    pub(crate) broken: Vec<BrokenRow>,
}

/// A row that cannot be read, and whose it is where that can.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BrokenRow {
    pub(crate) id: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) failure: ReadFailure,
}

/// What a sync needs to know of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustomerRow {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// The details of a subscription, and when they were read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptDetail {
    pub(crate) at: Timestamp,
    /// The read that they are of; zero where they were read for a list of services.
    #[serde(default)]
    pub(crate) pass: u64,
    pub(crate) detail: SubscriptionDetail,
    /// The products that it had before, where it has none now.
    pub(crate) former: Vec<SubscriptionProduct>,
}

/// Keeps the steps of the reads of one source.
///
/// One store belongs to one tenant; what another one left is passed over. A step that is kept twice does no harm, and a
/// step that got lost is read again.
#[async_trait]
pub trait ProgressStore: Send + Sync + fmt::Debug {
    /// Everything that was kept, in its order.
    ///
    /// # Errors
    /// When it cannot be read; the read of the source ends with it.
    async fn load(&self) -> Result<Vec<Entry>>;

    /// Keeps one more.
    ///
    /// # Errors
    /// When it cannot be kept; the read of the source ends with it.
    async fn append(&self, entry: &Entry) -> Result<()>;

    /// Keeps these in the place of everything that was kept.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    async fn replace(&self, entries: &[Entry]) -> Result<()>;
}

/// Progress that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryProgress(Mutex<Vec<Entry>>);

impl MemoryProgress {
    /// Nothing kept yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ProgressStore for MemoryProgress {
    async fn load(&self) -> Result<Vec<Entry>> {
        Ok(self.entries().clone())
    }

    async fn append(&self, entry: &Entry) -> Result<()> {
        self.entries().push(entry.clone());
        Ok(())
    }

    async fn replace(&self, entries: &[Entry]) -> Result<()> {
        *self.entries() = entries.to_vec();
        Ok(())
    }
}

/// Progress in a file, a line for each step.
///
/// Lines are small and written as they come, so a process that is killed loses its last step at most. Two processes must
/// not read into one file at once: what is mixed up is read again, and the second is not helped by the first.
#[derive(Debug)]
pub struct ProgressFile {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

impl ProgressFile {
    /// Progress in a file, which is made when there is something to keep.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            open: Mutex::new(None),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> Error {
        Error::new(
            ErrorKind::Unexpected,
            format!("the progress of the read cannot be {what}: {error}"),
        )
        .with_connector(CONNECTOR)
        .with_context("file", self.path.display().to_string())
    }

    fn write(&self, entry: &Entry) -> Result<()> {
        let mut line = entry.to_line()?;
        line.push('\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match open.as_mut() {
            Some(file) => file.write_all(line.as_bytes()),
            None => private()
                .append(true)
                .open(&self.path)
                .and_then(|mut file| {
                    // A line that a killed process left behind is ended first.
                    let cut = fs::read(&self.path)?
                        .last()
                        .is_some_and(|byte| *byte != b'\n');
                    if cut {
                        file.write_all(b"\n")?;
                    }
                    file.write_all(line.as_bytes())?;
                    *open = Some(file);
                    Ok(())
                }),
        };
        written.map_err(|error| self.failed("kept", &error))
    }
}

/// Files that the owner alone may read: they name clients and prices.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

#[async_trait]
impl ProgressStore for ProgressFile {
    async fn load(&self) -> Result<Vec<Entry>> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read", &error)),
        };
        // What cannot be read is read from the vendor again.
        let entries = text.lines().filter_map(|line| Entry::from_line(line).ok());
        Ok(entries.collect())
    }

    async fn append(&self, entry: &Entry) -> Result<()> {
        self.write(entry)
    }

    async fn replace(&self, entries: &[Entry]) -> Result<()> {
        let mut text = String::new();
        for entry in entries {
            text.push_str(&entry.to_line()?);
            text.push('\n');
        }
        let beside = self.path.with_extension("new");
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = None;
        let written = private()
            .write(true)
            .truncate(true)
            .open(&beside)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| self.failed("kept", &error))
    }
}

/// A list as far as it was read.
#[derive(Debug)]
pub(crate) struct ListSoFar<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) broken: Vec<BrokenRow>,
    pub(crate) next: u64,
    pub(crate) total: Option<u64>,
    pub(crate) done: bool,
    /// When the first of its pages was read.
    pub(crate) since: Option<Timestamp>,
    ids: BTreeSet<String>,
}

impl<T> Default for ListSoFar<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            broken: Vec::new(),
            next: 0,
            total: None,
            done: false,
            since: None,
            ids: BTreeSet::new(),
        }
    }
}

/// A record of a list.
pub(crate) trait Row {
    fn key(&self) -> &str;
}

impl Row for CustomerRow {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Row for Subscription {
    fn key(&self) -> &str {
        &self.id
    }
}

impl<T: Row> ListSoFar<T> {
    /// Takes a page in. One that does not follow on what was read is passed over.
    pub(crate) fn take(&mut self, page: PageOf<T>) {
        if self.done && page.offset == 0 {
            self.again();
        }
        if self.done || page.offset != self.next {
            return;
        }
        self.since = Some(self.since.map_or(page.at, |since| since.min(page.at)));
        self.next = page.end;
        self.total = page.total;
        self.done = page.last;
        for row in page.rows {
            if self.ids.insert(row.key().to_owned()) {
                self.rows.push(row);
            }
        }
        for (at, row) in page.broken.into_iter().enumerate() {
            let place = format!("{}+{at}", page.offset);
            let id = row.id.clone().unwrap_or(place);
            if self.ids.insert(id) {
                self.broken.push(row);
            }
        }
    }

    /// Whether every row that the vendor counts was seen; without a count there is nothing to miss.
    pub(crate) fn is_whole(&self) -> bool {
        self.done && self.total.is_none_or(|total| self.seen() >= total)
    }

    /// How many rows were seen, those among them that cannot be read.
    pub(crate) fn seen(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }

    /// Goes over the pages once more, for rows that slipped through while pages moved.
    pub(crate) fn again(&mut self) {
        self.next = 0;
        self.done = false;
    }
}

#[cfg(test)]
mod tests;
