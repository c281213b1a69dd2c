//! What the accounts of each agreement say, as far as they were read.

use std::collections::{BTreeMap, BTreeSet};

use super::book::index;
use super::comparison::Kind;
use super::daily::Counted;
use super::sorted::Run;
use crate::model::{ChargeKind, ServiceKey, Timestamp};

/// Why a reading says nothing about a service, as what its products then are. What is not known
/// goes before what was exported.
pub(super) type Silence = (Kind, Option<String>);

/// What the accounts of one agreement say.
#[derive(Debug, Default)]
pub(super) struct AgreementUsage {
    /// The usage lines that count: in most cases those of one account.
    pub(super) run: Option<Run>,
    /// The place of the last of its readings that stay where they are, one too high; 0 for none.
    pub(super) staying: u32,
    /// How many lines these have.
    pub(super) staying_lines: u32,
    /// The oldest state that its readings show.
    pub(super) as_of: Option<Timestamp>,
    more: Option<Box<MoreUsage>>,
}

/// What the accounts of few agreements say.
#[derive(Debug)]
pub(super) struct MoreUsage {
    pub(super) more_runs: Vec<Run>,
    /// The accounts that feed it, and whose counts they are, where something is counted by day.
    pub(super) accounts: BTreeSet<u32>,
    pub(super) counted: Counted,
    /// Why the agreement's usage is not known whole.
    pub(super) incomplete: Option<String>,
    /// Kinds of lines that some account could not state.
    pub(super) unread_kinds: Vec<ChargeKind>,
    /// Mapped services about which some account says nothing.
    pub(super) unobserved: BTreeMap<u32, Silence>,
    /// The first service by key that nothing is decided about.
    pub(super) unmapped: Option<ServiceKey>,
}

impl MoreUsage {
    /// What most accounts say beside their lines.
    pub(super) const NONE: Self = Self {
        more_runs: Vec::new(),
        accounts: BTreeSet::new(),
        counted: Counted::All,
        incomplete: None,
        unread_kinds: Vec::new(),
        unobserved: BTreeMap::new(),
        unmapped: None,
    };
}

/// What is said of agreements, each found by its position.
#[derive(Debug, Default)]
pub(super) struct Usages {
    /// The place in the list by the agreement's position, one too high; 0 for none.
    places: Vec<u32>,
    list: Vec<(u32, AgreementUsage)>,
}

impl Usages {
    pub(super) fn of(&mut self, agreement: u32) -> &mut AgreementUsage {
        let position = agreement as usize;
        if self.places.len() <= position {
            self.places.resize(position + 1, 0);
        }
        if self.places[position] == 0 {
            self.list.push((agreement, AgreementUsage::default()));
            self.places[position] = index(self.list.len());
        }
        &mut self.list[self.places[position] as usize - 1].1
    }

    pub(super) fn reserve(&mut self, agreements: usize) {
        self.list.reserve(agreements);
    }

    pub(super) fn known(&mut self, agreement: u32) -> Option<&mut AgreementUsage> {
        let place = self.places.get(agreement as usize)?.checked_sub(1)?;
        Some(&mut self.list.get_mut(place as usize)?.1)
    }

    /// Forgets which readings stay where they are.
    pub(super) fn forget_staying(&mut self) {
        for (_, usage) in &mut self.list {
            (usage.staying, usage.staying_lines) = (0, 0);
        }
    }

    /// All of them, in the order of the agreements' positions.
    pub(super) fn take(&mut self) -> Vec<(u32, AgreementUsage)> {
        self.places.clear();
        let mut list = std::mem::take(&mut self.list);
        list.sort_unstable_by_key(|(agreement, _)| *agreement);
        list
    }
}

/// Keeps the smallest reason, so that the order of the readings does not show.
pub(super) fn note_least(reasons: &mut BTreeMap<u32, Silence>, of: u32, reason: Silence) {
    let known = reasons.entry(of).or_insert_with(|| reason.clone());
    if reason < *known {
        *known = reason;
    }
}

/// Keeps the smallest reason, so that the order of the readings does not show.
pub(super) fn note_least_text(known: &mut Option<String>, reason: String) {
    if known.as_ref().is_none_or(|known| reason < *known) {
        *known = Some(reason);
    }
}

impl AgreementUsage {
    /// What few agreements have, as the accounts of this one say it.
    pub(super) fn more(&self) -> &MoreUsage {
        static NONE: MoreUsage = MoreUsage::NONE;
        self.more.as_deref().unwrap_or(&NONE)
    }

    /// Whether something is said of it that is not of most.
    pub(super) fn has_more(&self) -> bool {
        self.more.is_some()
    }

    pub(super) fn more_mut(&mut self) -> &mut MoreUsage {
        self.more.get_or_insert_with(|| Box::new(MoreUsage::NONE))
    }

    /// Where no usage was found: what is known all the same.
    pub(super) fn without_lines(as_of: Option<Timestamp>, more: MoreUsage) -> Self {
        Self {
            as_of,
            more: Some(Box::new(more)),
            ..Self::default()
        }
    }

    /// Where the usage lines are that count.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.run.iter().chain(&self.more().more_runs)
    }

    /// Forgets where its lines are, and gives its accounts other numbers.
    pub(super) fn renumber(&mut self, mut number: impl FnMut(u32) -> u32) {
        self.run = None;
        if let Some(more) = &mut self.more {
            more.more_runs.clear();
            more.accounts = more.accounts.iter().map(|at| number(*at)).collect();
        }
    }

    /// Says why the usage is not known whole, where nothing says so yet.
    pub(super) fn is_incomplete(&mut self, reason: impl FnOnce() -> String) {
        if self.more().incomplete.is_none() {
            self.more_mut().incomplete = Some(reason());
        }
    }

    /// Takes note of what a reading says beside its lines.
    pub(super) fn note(
        &mut self,
        as_of: Timestamp,
        unread_kinds: &[ChargeKind],
        unobserved: &[(u32, Silence)],
    ) {
        if !unread_kinds.is_empty() {
            self.more_mut().unread_kinds.extend(unread_kinds);
        }
        for (service, reason) in unobserved {
            note_least(&mut self.more_mut().unobserved, *service, reason.clone());
        }
        self.as_of = Some(self.as_of.map_or(as_of, |oldest| oldest.min(as_of)));
    }
}
