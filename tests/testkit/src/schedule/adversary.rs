//! Who decides what goes wrong, and keeps count of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tallyline_core::clock::Clock;
use tallyline_core::model::{AgreementId, Timestamp};
use tallyline_core::plan::{Action, Change};

use super::kinds::{Faults, Kind};
use super::time::Time;
use super::world::{Edit, ErrorPage, ReadFault, World, WriteFault};
use crate::dice::Dice;
use crate::lock;

/// How long after it left a write may arrive at most, in the options of every run.
pub(crate) const LATE_WRITE: Duration = Duration::from_secs(600);
/// How far a read lags behind a write at most.
pub(crate) const MAX_LAG: Duration = Duration::from_secs(5);
/// A write arrives so much before the end of [`LATE_WRITE`] that a read shows it then.
const SLACK: usize = 60;
/// From here on, quantities and amounts are a colleague's: no plan names them.
const COLLEAGUES: u32 = 1_000_000;

/// How often each kind of thing goes wrong, in a thousand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) write: usize,
    pub(crate) read: usize,
    pub(crate) disk: usize,
    pub(crate) colleague: usize,
    pub(crate) death: usize,
    pub(crate) second: usize,
}

impl Rates {
    /// Each kind is absent from some schedules, rare in some and common in others.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mut rate = |of: [usize; 4]| dice.pick(&of).copied().unwrap_or(0);
        Self {
            write: rate([0, 80, 200, 500]),
            read: rate([0, 40, 120, 300]),
            disk: rate([0, 5, 10, 40]),
            colleague: rate([0, 10, 40, 120]),
            death: rate([0, 400, 800, 1_000]),
            second: rate([0, 200, 500, 900]),
        }
    }
}

/// What a failed write to the journal leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskFault {
    /// It failed before the row was durable.
    Before,
    /// It failed after the row was durable.
    After,
}

/// Draws the faults of a schedule, until it is told that they are over.
#[derive(Debug)]
pub(crate) struct Adversary {
    dice: Mutex<Dice>,
    pub(crate) rates: Rates,
    time: Arc<Time>,
    /// Agreements on which neither the wire nor a colleague does any harm.
    spared: BTreeSet<AgreementId>,
    over: AtomicBool,
    injected: Mutex<Faults>,
    edits: AtomicU32,
    /// Whether every row of a list is there.
    whole: AtomicBool,
    /// Agreements on which something of the wire or of a colleague went wrong in the present run.
    harmed: Mutex<BTreeSet<AgreementId>>,
    /// Agreements whose last reading lacked a row.
    lacking: Mutex<BTreeSet<AgreementId>>,
    reads: Mutex<Vec<(AgreementId, Timestamp)>>,
    story: Option<Mutex<Vec<String>>>,
}

impl Adversary {
    pub(crate) fn new(
        mut dice: Dice,
        rates: Rates,
        agreements: &[AgreementId],
        time: Arc<Time>,
        with_story: bool,
    ) -> Self {
        let spared = agreements.iter().filter(|_| dice.strikes(300)).cloned();
        Self {
            spared: spared.collect(),
            dice: Mutex::new(dice),
            rates,
            time,
            over: AtomicBool::new(false),
            injected: Mutex::default(),
            edits: AtomicU32::new(COLLEAGUES),
            whole: AtomicBool::new(false),
            harmed: Mutex::default(),
            lacking: Mutex::default(),
            reads: Mutex::default(),
            story: with_story.then(Mutex::default),
        }
    }

    /// A run begins, in which things go wrong or do not, and rows are missing or not.
    pub(crate) fn begin(&self, calm: bool, whole: bool) {
        lock(&self.harmed).clear();
        self.whole.store(whole, Ordering::SeqCst);
        self.over.store(calm, Ordering::SeqCst);
    }

    /// From here on nothing goes wrong.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn injected(&self) -> Faults {
        *lock(&self.injected)
    }

    pub(crate) fn has_harmed(&self, agreement: &AgreementId) -> bool {
        lock(&self.harmed).contains(agreement)
    }

    /// When an agreement was read last before an instant.
    pub(crate) fn read_before(&self, agreement: &AgreementId, at: Timestamp) -> Option<Timestamp> {
        let reads = lock(&self.reads);
        let of = reads
            .iter()
            .rev()
            .find(|(of, read)| of == agreement && *read <= at);
        of.map(|(_, read)| *read)
    }

    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            lock(story).push(format!("{} {}", self.time.now(), line()));
        }
    }

    pub(crate) fn story(&self) -> Vec<String> {
        self.story
            .as_ref()
            .map(|story| lock(story).clone())
            .unwrap_or_default()
    }

    pub(crate) fn dice<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut lock(&self.dice))
    }

    fn strikes(&self, per_mille: usize) -> bool {
        !self.over.load(Ordering::SeqCst) && self.dice(|dice| dice.strikes(per_mille))
    }

    /// Counts a fault of a process or of the disk.
    pub(crate) fn count(&self, kind: impl Into<Kind>) {
        lock(&self.injected).add(kind);
    }

    /// Counts a fault of the wire or of a colleague that truly struck.
    pub(crate) fn harm(&self, agreement: &AgreementId, kind: impl Into<Kind>) {
        self.count(kind);
        lock(&self.harmed).insert(agreement.clone());
    }

    /// What the attempts of a write meet, one after the other.
    pub(crate) fn write_faults(&self, agreement: &AgreementId) -> Vec<WriteFault> {
        let mut faults = Vec::new();
        while faults.len() < 6 && !self.spared.contains(agreement) && self.strikes(self.rates.write)
        {
            let fault = self.dice(write_fault);
            faults.push(fault);
            if !matches!(fault, WriteFault::Refused | WriteFault::Busy(_)) {
                break;
            }
        }
        faults
    }

    /// What a read meets. A row is never missing twice in a row: it would be no accident.
    pub(crate) fn read_fault(&self, agreement: &AgreementId) -> Option<ReadFault> {
        let now = self.time.now();
        lock(&self.reads).push((agreement.clone(), now));
        if self.spared.contains(agreement) || !self.strikes(self.rates.read) {
            lock(&self.lacking).remove(agreement);
            return None;
        }
        let fault = self.dice(read_fault);
        if !matches!(fault, ReadFault::Missing) {
            return Some(fault);
        }
        if self.whole.load(Ordering::SeqCst) {
            return None;
        }
        lock(&self.lacking)
            .insert(agreement.clone())
            .then_some(fault)
    }

    /// What an access to the journal meets.
    pub(crate) fn disk_fault(&self, is_read: bool) -> Option<DiskFault> {
        if !self.strikes(self.rates.disk) {
            return None;
        }
        let fault = self.dice(|dice| {
            if dice.strikes(500) {
                DiskFault::Before
            } else {
                DiskFault::After
            }
        });
        self.count(if is_read {
            Kind::DiskRead
        } else {
            fault.into()
        });
        Some(fault)
    }

    /// A colleague may do something on an agreement, most likely to the line of a change.
    pub(crate) fn colleague(&self, world: &dyn World, change: &Change) {
        let agreement = &change.agreement;
        if self.spared.contains(agreement) || !self.strikes(self.rates.colleague) {
            return;
        }
        // What was made stays what it is under another name: that is no harm.
        let made = change.action.creates_agreement() || change.action.creates_product();
        let renames = made || self.dice(|dice| dice.strikes(100));
        if renames && world.rename(agreement) {
            self.count(Kind::Renamed);
            self.tell(|| format!("a colleague renames {agreement}"));
            return;
        }
        let value = self.edits.fetch_add(1, Ordering::SeqCst);
        let creates = matches!(change.action, Action::CreateLine { .. });
        if creates && self.dice(|dice| dice.strikes(300)) {
            if world.add(agreement, &change.product, value) {
                self.harm(agreement, Kind::Added);
                self.tell(|| format!("a colleague adds a line of {value} to {agreement}"));
            }
            return;
        }
        let present = world.present(agreement);
        let of_change = change
            .action
            .line()
            .filter(|_| self.dice(|dice| dice.strikes(700)));
        let line = of_change
            .cloned()
            .or_else(|| self.dice(|dice| dice.pick(&present).cloned()));
        let Some(line) = line else { return };
        let lines = world.initial().get(agreement);
        let original = lines.is_some_and(|lines| lines.iter().any(|known| known.id == line));
        // A new line that is gone leaves nothing to tell that it was ever there.
        let edit = match self.dice(|dice| dice.below(10)) {
            0..4 => Edit::Quantity(value),
            4 | 5 => Edit::Cost(i64::from(value)),
            6 | 7 => Edit::Price(i64::from(value)),
            8 => Edit::End,
            _ if original => Edit::Delete,
            _ => Edit::Quantity(value),
        };
        if world.edit(agreement, &line, edit) {
            self.harm(agreement, edit);
            self.tell(|| format!("a colleague edits line {line} of {agreement}: {edit:?}"));
        }
    }
}

fn page(dice: &mut Dice) -> ErrorPage {
    match dice.below(3) {
        0 => ErrorPage::Validation500,
        1 => ErrorPage::Html500,
        _ => ErrorPage::Html502,
    }
}

fn write_fault(dice: &mut Dice) -> WriteFault {
    match dice.below(16) {
        0 | 1 => WriteFault::Refused,
        2 => WriteFault::ResetBefore,
        3 | 4 => WriteFault::ResetAfter,
        5 => WriteFault::TimedOut(None),
        6 | 7 => WriteFault::TimedOut(Some(seconds(dice, 45))),
        8 => {
            let latest = usize::try_from(LATE_WRITE.as_secs()).unwrap_or(SLACK) - SLACK;
            WriteFault::TimedOut(Some(seconds(dice, latest)))
        }
        9 => WriteFault::Busy(None),
        10 => WriteFault::Busy(Some(seconds(dice, 170).as_secs())),
        11 => WriteFault::Invalid,
        12..15 => {
            let page = page(dice);
            WriteFault::Broken(page, dice.strikes(500))
        }
        _ => WriteFault::Ignored,
    }
}

fn read_fault(dice: &mut Dice) -> ReadFault {
    match dice.below(12) {
        0 => ReadFault::Refused,
        1 => ReadFault::Reset,
        2 => ReadFault::TimedOut,
        3 => ReadFault::Busy,
        4 | 5 => ReadFault::Broken(page(dice)),
        6..9 => {
            let millis = dice.below(usize::try_from(MAX_LAG.as_millis()).unwrap_or(1));
            ReadFault::Lagging(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
        }
        9 | 10 => ReadFault::Missing,
        _ => ReadFault::Twice,
    }
}

/// From one second to so many.
fn seconds(dice: &mut Dice, most: usize) -> Duration {
    Duration::from_secs(u64::try_from(1 + dice.below(most)).unwrap_or(1))
}
