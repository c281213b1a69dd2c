//! So many requests in any span, whenever they arrive.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::RollingWindow;

/// A rolling window that no order of arrival can fill beyond its rule.
///
/// A request counts while it is under way, and for the span after its answer came: the system
/// counted it no later than that, and what leaves now arrives no earlier than now.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) rule: RollingWindow,
    /// When the answers of the window came, in that order.
    answered: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(rule: RollingWindow) -> Self {
        Self {
            rule,
            answered: VecDeque::new(),
        }
    }

    /// The earliest that a request may leave behind so many that wait; `None` where there is room.
    /// It is later where an answer of those under way has to come first.
    pub(super) fn opens(
        &mut self,
        now: Instant,
        under_way: usize,
        ahead: usize,
    ) -> Option<Instant> {
        let per = self.rule.per;
        let left = |at: &Instant| at.checked_add(per).is_some_and(|end| end <= now);
        while self.answered.front().is_some_and(left) {
            self.answered.pop_front();
        }
        let most = usize::try_from(self.rule.requests.get()).unwrap_or(usize::MAX);
        // Those that wait fill whole spans of their own.
        let spans = u32::try_from(ahead / most).unwrap_or(u32::MAX);
        let counted = self.answered.len() + under_way + ahead % most;
        let room_after = counted
            .checked_sub(most)
            .map(|at| self.answered.get(at).copied().unwrap_or(now));
        match (room_after, spans) {
            (None, 0) => None,
            (None, _) => now.checked_add(per.saturating_mul(spans)),
            (Some(at), _) => at.checked_add(per.saturating_mul(spans.saturating_add(1))),
        }
    }

    pub(super) fn answered(&mut self, at: Instant) {
        self.answered.push_back(at);
    }

    /// How many answers came after an instant.
    pub(super) fn answers_since(&self, since: Instant) -> usize {
        self.answered.len() - self.answered.partition_point(|at| *at <= since)
    }
}
