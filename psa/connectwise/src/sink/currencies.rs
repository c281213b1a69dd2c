//! The currencies of agreements: each is asked for once, and those of a run together.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use tallyline_core::Result;
use tallyline_core::model::Currency;
use tallyline_core::plan::Change;

use super::ConnectWiseSink;
use super::map;
use super::read::wire_id;
use crate::client::ListOptions;
use crate::conditions::Field;

/// Currencies kept in memory; beyond that they are asked for anew.
const MAX_KNOWN: usize = 100_000;

/// How many are asked for at once: the others wait meanwhile.
const MOST_AT_ONCE: usize = 500;

/// What is known of the currencies of agreements.
#[derive(Default)]
pub(super) struct Currencies {
    state: Mutex<State>,
    /// Held by the one that asks for many; the others wait for what it is told.
    asking: futures::lock::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: HashMap<i64, Option<Currency>>,
    /// The agreements of a run that were not asked for yet.
    coming: BTreeSet<i64>,
}

impl Currencies {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the agreements of a run, and forgets what is known of them: it may be of a run long before.
    pub(super) fn expect(&self, changes: &[Change]) {
        let ids = changes.iter().map(|change| &change.agreement);
        let ids = ids.filter(|agreement| agreement.key().is_none());
        let ids = ids.filter_map(|id| wire_id("an agreement", id.as_str()).ok());
        let coming: BTreeSet<i64> = ids.take(MAX_KNOWN).collect();
        let mut state = self.state();
        state.known.retain(|id, _| !coming.contains(id));
        state.coming = coming;
    }

    fn known(&self, agreement: i64) -> Option<Option<Currency>> {
        self.state().known.get(&agreement).copied()
    }

    pub(super) fn remember(&self, agreement: i64, currency: Option<Currency>) {
        let known = &mut self.state().known;
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(agreement, currency);
    }

    /// The agreements that are to be asked for together, where an agreement is one of several.
    fn take_coming(&self, with: i64) -> Vec<i64> {
        let mut state = self.state();
        if !state.coming.remove(&with) || state.coming.is_empty() {
            return Vec::new();
        }
        let mut all = vec![with];
        while all.len() < MOST_AT_ONCE
            && let Some(next) = state.coming.pop_first()
        {
            all.push(next);
        }
        all
    }
}

impl ConnectWiseSink {
    /// The agreement's currency, asked for once; the first of a run together with those of the others.
    pub(super) async fn currency_of(&self, agreement: i64) -> Result<Option<Currency>> {
        let currencies = &self.0.currencies;
        if let Some(known) = currencies.known(agreement) {
            return Ok(known);
        }
        let asking = currencies.asking.lock().await;
        if let Some(known) = currencies.known(agreement) {
            return Ok(known);
        }
        self.ask_for_many(&currencies.take_coming(agreement)).await;
        drop(asking);
        if let Some(known) = currencies.known(agreement) {
            return Ok(known);
        }
        let wire = self.client().agreement(agreement).await?;
        let currency = map::currency(wire.currency.as_ref());
        self.remember_currency(agreement, currency);
        Ok(currency)
    }

    pub(super) fn remember_currency(&self, agreement: i64, currency: Option<Currency>) {
        self.0.currencies.remember(agreement, currency);
    }

    /// Asks for the currencies of agreements by lists. Those that it does not give are asked for one by one,
    /// each with its own error.
    async fn ask_for_many(&self, agreements: &[i64]) {
        let options = ListOptions {
            fields: vec![Field::CURRENCY],
            ..ListOptions::default()
        };
        let Ok(mut list) = self.client().agreements_by_id(agreements, &options) else {
            return;
        };
        while let Some(Ok(wire)) = list.next().await {
            if let Some(id) = wire.id {
                self.remember_currency(id, map::currency(wire.currency.as_ref()));
            }
        }
    }
}
