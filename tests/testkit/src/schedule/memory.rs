//! A PSA in memory, with the sink on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::clock::Clock;
use tallyline_core::error::{Error, ErrorKind, Result, Sent};
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, LineState, ProductId, Timestamp,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{
    MadeRecord, ReadBack, Receipt, SinkCapabilities, SinkDescriptor, Verdict, WriteError,
};

use super::draft::{Draft, DraftLine, Ids, by_agreement, effective, money};
use super::memory_made::{agreement_in, made, made_before};
use super::memory_verdict::verdict;
use super::time::Time;
use super::world::{
    Cause, Edit, Effect, ErrorPage, Making, ReadFault, World, WriteFault, place_of,
};
use crate::lock;

/// When the sink gives up waiting for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How often the sink tries where it is known that nothing was done.
const ATTEMPTS: usize = 4;
/// How long the sink keeps trying, waits included.
const OPERATION: Duration = Duration::from_secs(180);
/// How long a request or an answer is on its way.
const LATENCY: Duration = Duration::from_millis(20);

/// A PSA in memory.
///
/// Its sink does what the sinks of real systems do: it waits and tries again where it was told that
/// nothing was done, takes every other lost answer for unknown, and finds a created line by the
/// marker that it wrote, an agreement by its key and a product by its identifier. Nothing but the applier keeps
/// it from making one of these twice: it does not look before it writes, and the PSA takes a second one.
#[derive(Debug)]
pub struct MemoryWorld {
    descriptor: SinkDescriptor,
    ids: Ids,
    initial: BTreeMap<AgreementId, Vec<AgreementLine>>,
    time: Arc<Time>,
    psa: Mutex<Psa>,
}

#[derive(Debug, Default)]
struct Psa {
    lines: BTreeMap<AgreementId, Vec<AgreementLine>>,
    /// What each agreement looked like from when on.
    pictures: Vec<(Timestamp, AgreementId, Vec<AgreementLine>)>,
    effects: Vec<Effect>,
    makings: Vec<Making>,
    on_its_way: Vec<Request>,
    answers: BTreeMap<u64, Option<Receipt>>,
    next_ticket: u64,
    next_line: u32,
}

/// A write on its way.
#[derive(Debug)]
struct Request {
    ticket: u64,
    due: Timestamp,
    change: Change,
}

fn line_of(draft: &DraftLine, id: &AgreementLineId, product: &ProductId) -> AgreementLine {
    let mut line = AgreementLine::new(id.clone(), product.clone(), draft.quantity);
    line.state.unit_cost = Some(money(draft.cost));
    line.state.unit_price = Some(money(draft.price));
    line.state.effective = Some(effective().plus_days(-59));
    line.state.last_day = draft.ended.then(|| effective().plus_days(-20));
    line
}

impl MemoryWorld {
    /// A PSA that holds a draft's agreements.
    pub fn new(draft: &Draft, time: Arc<Time>) -> Self {
        let ids = Ids {
            company: "company".into(),
            agreements: (1..=draft.agreements.len())
                .map(|at| format!("a{at}").into())
                .collect(),
            products: (1..=draft.products)
                .map(|at| format!("p{at}").into())
                .collect(),
            lines: (1..)
                .zip(&draft.agreements)
                .map(|(at, lines)| {
                    (1..=lines.len())
                        .map(|n| format!("a{at}-{n}").into())
                        .collect()
                })
                .collect(),
        };
        let lines = draft.agreements.iter().zip(&ids.lines).map(|(lines, of)| {
            let line = |(line, id): (&DraftLine, _)| line_of(line, id, &ids.products[line.product]);
            lines.iter().zip(of).map(line).collect()
        });
        let initial = by_agreement(&ids, lines.collect());
        let mut descriptor = SinkDescriptor::new("memory", "Memory", SinkCapabilities::default());
        descriptor.concurrency = 4;
        Self {
            descriptor,
            psa: Mutex::new(Psa {
                lines: initial.clone(),
                makings: made_before(&draft.bundle, &ids, time.now()),
                ..Psa::default()
            }),
            ids,
            initial,
            time,
        }
    }

    /// Sends a write; it arrives after a while, also when nobody waits for it any more.
    fn send(&self, change: &Change, after: Duration) -> u64 {
        let mut psa = lock(&self.psa);
        psa.next_ticket += 1;
        let ticket = psa.next_ticket;
        psa.on_its_way.push(Request {
            ticket,
            due: self.time.now().plus(after),
            change: change.clone(),
        });
        ticket
    }

    /// Sends a write and waits for its answer.
    async fn exchange(&self, change: &Change) -> std::result::Result<Receipt, Error> {
        let ticket = self.send(change, LATENCY);
        self.time.sleep(LATENCY).await;
        self.arrive().await;
        let answer = lock(&self.psa).answers.remove(&ticket).flatten();
        self.time.sleep(LATENCY).await;
        answer.ok_or_else(|| error(ErrorKind::NotFound, Sent::Yes, "there is no such line"))
    }

    async fn attempt(
        &self,
        change: &Change,
        fault: WriteFault,
    ) -> std::result::Result<Receipt, Error> {
        match fault {
            WriteFault::Refused => Err(error(ErrorKind::Unavailable, Sent::No, "refused")),
            WriteFault::ResetBefore => Err(error(ErrorKind::Unavailable, Sent::Maybe, "reset")),
            WriteFault::ResetAfter => {
                let _ = self.exchange(change).await;
                Err(error(ErrorKind::Unavailable, Sent::Maybe, "reset"))
            }
            WriteFault::TimedOut(arrives) => {
                if let Some(after) = arrives {
                    self.send(change, after);
                }
                self.time.sleep(TIME_LIMIT).await;
                Err(error(ErrorKind::Timeout, Sent::Maybe, "no answer"))
            }
            WriteFault::Busy(_) => Err(error(ErrorKind::RateLimited, Sent::Yes, "too many calls")),
            WriteFault::Invalid => Err(error(ErrorKind::Invalid, Sent::Yes, "not allowed")),
            WriteFault::Broken(page, committed) => {
                if committed {
                    let _ = self.exchange(change).await;
                }
                Err(broken(page))
            }
            WriteFault::Ignored => {
                let receipt = self.imagined(change);
                receipt
                    .ok_or_else(|| error(ErrorKind::NotFound, Sent::Yes, "there is no such line"))
            }
        }
    }

    /// What would be answered, with nothing carried out.
    fn imagined(&self, change: &Change) -> Option<Receipt> {
        let psa = lock(&self.psa);
        let mut trial = Psa {
            lines: psa.lines.clone(),
            makings: psa.makings.clone(),
            next_line: psa.next_line,
            ..Psa::default()
        };
        trial.take_effect(change, self.time.now())
    }

    /// A read that comes to nothing.
    async fn failed_read(&self, fault: Option<ReadFault>) -> Result<()> {
        self.time.sleep(LATENCY).await;
        let fail = |kind, sent, what| Err(error(kind, sent, what));
        match fault {
            Some(ReadFault::Refused) => fail(ErrorKind::Unavailable, Sent::No, "refused"),
            Some(ReadFault::Reset) => fail(ErrorKind::Unavailable, Sent::Maybe, "reset"),
            Some(ReadFault::TimedOut) => {
                self.time.sleep(TIME_LIMIT).await;
                fail(ErrorKind::Timeout, Sent::Maybe, "no answer")
            }
            Some(ReadFault::Busy) => fail(ErrorKind::RateLimited, Sent::Yes, "too many calls"),
            Some(ReadFault::Broken(page)) => Err(broken(page)),
            _ => Ok(()),
        }
    }

    async fn read(
        &self,
        named: &AgreementId,
        fault: Option<ReadFault>,
    ) -> (Result<Vec<AgreementLine>>, bool) {
        if let Err(error) = self.failed_read(fault).await {
            return (Err(error), true);
        }
        self.arrive().await;
        let now = self.time.now();
        let lag = match fault {
            Some(ReadFault::Lagging(by)) => Some(by),
            _ => None,
        };
        let present = lock(&self.psa).agreement(named);
        let shown = self.makings_as_of(now, lag);
        let Some(agreement) = agreement_in(&shown, named) else {
            let none = error(
                ErrorKind::NotFound,
                Sent::Yes,
                "no agreement carries the key",
            );
            return (Err(none), present.is_some());
        };
        let agreement = &agreement;
        let mut lines = match lag {
            Some(by) => self.as_of(agreement, now, by),
            None => self.lines_now(agreement),
        };
        let struck = match fault {
            Some(ReadFault::Lagging(_)) => lines != self.lines_now(agreement),
            Some(ReadFault::Missing) => lines.pop().is_some(),
            Some(ReadFault::Twice) => {
                let again = lines.last().cloned();
                lines.extend(again);
                !lines.is_empty()
            }
            _ => false,
        };
        (Ok(lines), struck)
    }

    /// Looks up what a change is to make.
    async fn look_up(
        &self,
        change: &Change,
        receipt: Option<&Receipt>,
        fault: Option<ReadFault>,
    ) -> (Result<Verdict>, bool) {
        if let Err(error) = self.failed_read(fault).await {
            return (Err(error), true);
        }
        self.arrive().await;
        let now = self.time.now();
        let present = self.makings_as_of(now, None);
        let lag = match fault {
            Some(ReadFault::Lagging(by)) => Some(by),
            // One row has no page border.
            _ => return (Ok(made(change, &present, receipt)), false),
        };
        let shown = self.makings_as_of(now, lag);
        (Ok(made(change, &shown, receipt)), shown != present)
    }

    fn makings_as_of(&self, now: Timestamp, lag: Option<Duration>) -> Vec<Making> {
        let mut makings = lock(&self.psa).makings.clone();
        makings
            .retain(|it| it.cause == Cause::Earlier || now.since(it.at) >= lag.unwrap_or_default());
        makings
    }

    fn lines_now(&self, agreement: &AgreementId) -> Vec<AgreementLine> {
        let psa = lock(&self.psa);
        psa.lines.get(agreement).cloned().unwrap_or_default()
    }

    fn as_of(&self, agreement: &AgreementId, now: Timestamp, by: Duration) -> Vec<AgreementLine> {
        let psa = lock(&self.psa);
        let shown = psa
            .pictures
            .iter()
            .rev()
            .find(|(at, of, _)| of == agreement && now.since(*at) >= by)
            .map(|(_, _, lines)| lines);
        let shown = shown.or_else(|| self.initial.get(agreement));
        shown.cloned().unwrap_or_default()
    }
}

fn receipt(line: AgreementLine) -> Receipt {
    let mut receipt = Receipt::new(line.id);
    receipt.state = Some(line.state);
    receipt
}

fn error(kind: ErrorKind, sent: Sent, what: &str) -> Error {
    Error::new(kind, what).with_sent(sent)
}

fn broken(page: ErrorPage) -> Error {
    let (kind, what) = match page {
        ErrorPage::Validation500 => (ErrorKind::Unavailable, "status 500: InvalidObject"),
        ErrorPage::Html500 => (ErrorKind::Protocol, "status 500 with HTML"),
        ErrorPage::Html502 => (ErrorKind::Unavailable, "status 502 with HTML"),
    };
    error(kind, Sent::Maybe, what)
}

impl Psa {
    /// A change of one line: what it was and what it is go into the history.
    fn commit(
        &mut self,
        at: Timestamp,
        cause: Cause,
        agreement: &AgreementId,
        (line, product): (AgreementLineId, ProductId),
        states: (Option<LineState>, Option<LineState>),
    ) {
        let lines = self.lines.get(agreement).cloned().unwrap_or_default();
        self.pictures.push((at, agreement.clone(), lines));
        self.effects.push(Effect {
            at,
            cause,
            agreement: agreement.clone(),
            line,
            product,
            before: states.0,
            after: states.1,
        });
    }

    fn add(&mut self, agreement: &AgreementId, line: AgreementLine, at: Timestamp, cause: Cause) {
        let (of, state) = ((line.id.clone(), line.product.clone()), line.state.clone());
        self.lines.entry(agreement.clone()).or_default().push(line);
        self.commit(at, cause, agreement, of, (None, Some(state)));
    }

    fn fresh_line(&mut self) -> AgreementLineId {
        self.next_line += 1;
        format!("new-{}", self.next_line).into()
    }

    fn agreement(&self, named: &AgreementId) -> Option<AgreementId> {
        agreement_in(&self.makings, named)
    }

    /// Makes what a change makes beside the lines, however often it is asked to.
    fn make(&mut self, change: &Change, at: Timestamp) -> Receipt {
        let number = self.makings.len() + 1;
        let (record, parent) = match &change.action {
            Action::CreateAgreement { parent, .. } => {
                let id = format!("made-{number}");
                (MadeRecord::Agreement(id.into()), parent.clone())
            }
            Action::AddCharge { .. } => {
                let id = format!("made-{number}");
                (
                    MadeRecord::Charge(id.into()),
                    Some(change.agreement.clone()),
                )
            }
            _ => (MadeRecord::Product(format!("made-{number}").into()), None),
        };
        self.makings.push(Making {
            at,
            cause: Cause::Change(change.id.clone()),
            place: place_of(change),
            record: record.clone(),
            parent,
            usable: true,
        });
        Receipt::made(record)
    }

    /// Carries out a write, and answers it; with nothing where what it is about is not there.
    fn take_effect(&mut self, change: &Change, at: Timestamp) -> Option<Receipt> {
        if change.action.makes_record() {
            return Some(self.make(change, at));
        }
        let cause = Cause::Change(change.id.clone());
        let agreement = self.agreement(&change.agreement)?;
        if let Action::CreateLine {
            quantity,
            unit_cost,
            unit_price,
            last_day,
            ..
        } = &change.action
        {
            let mut line = AgreementLine::new(self.fresh_line(), change.product.clone(), *quantity);
            line.state.unit_cost = unit_cost.or(Some(money(1_000)));
            line.state.unit_price = unit_price.or(Some(money(2_000)));
            line.state.effective = Some(change.effective);
            line.state.last_day = *last_day;
            line.marker = Some(change.marker.clone());
            self.add(&agreement, line.clone(), at, cause);
            return Some(receipt(line));
        }
        let id = change.action.line()?;
        let altered = self.alter(&agreement, id, at, cause, |state| match &change.action {
            Action::SetQuantity { to, .. } => state.quantity = *to,
            Action::SetUnitCost { to, .. } => state.unit_cost = Some(*to),
            Action::SetUnitPrice { to, .. } => state.unit_price = Some(*to),
            Action::EndLine { last_day, .. } => state.last_day = Some(*last_day),
            _ => {}
        });
        altered.map(receipt)
    }

    fn alter(
        &mut self,
        agreement: &AgreementId,
        id: &AgreementLineId,
        at: Timestamp,
        cause: Cause,
        alter: impl FnOnce(&mut LineState),
    ) -> Option<AgreementLine> {
        let lines = self.lines.get_mut(agreement)?;
        let line = lines.iter_mut().find(|line| line.id == *id)?;
        let before = line.state.clone();
        alter(&mut line.state);
        let line = line.clone();
        let states = (Some(before), Some(line.state.clone()));
        let of = (id.clone(), line.product.clone());
        self.commit(at, cause, agreement, of, states);
        Some(line)
    }

    fn delete(&mut self, agreement: &AgreementId, id: &AgreementLineId, at: Timestamp) -> bool {
        let Some(lines) = self.lines.get_mut(agreement) else {
            return false;
        };
        let Some(place) = lines.iter().position(|line| line.id == *id) else {
            return false;
        };
        let gone = lines.remove(place);
        let states = (Some(gone.state), None);
        let of = (gone.id, gone.product);
        self.commit(at, Cause::Colleague, agreement, of, states);
        true
    }
}

#[async_trait]
impl World for MemoryWorld {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.descriptor
    }

    fn ids(&self) -> &Ids {
        &self.ids
    }

    fn initial(&self) -> &BTreeMap<AgreementId, Vec<AgreementLine>> {
        &self.initial
    }

    async fn arrive(&self) {
        let now = self.time.now();
        let mut psa = lock(&self.psa);
        let (mut due, still): (Vec<_>, Vec<_>) = std::mem::take(&mut psa.on_its_way)
            .into_iter()
            .partition(|request| request.due <= now);
        psa.on_its_way = still;
        due.sort_by_key(|request| (request.due, request.ticket));
        for request in due {
            let answer = psa.take_effect(&request.change, request.due);
            psa.answers.insert(request.ticket, answer);
        }
    }

    async fn execute(
        &self,
        change: &Change,
        faults: &[WriteFault],
        struck: &(dyn Fn(WriteFault) + Sync),
    ) -> std::result::Result<Receipt, WriteError> {
        let began = self.time.now();
        for (attempt, fault) in (1..).zip(faults) {
            struck(*fault);
            let error = match self.attempt(change, *fault).await {
                Ok(receipt) => return Ok(receipt),
                Err(error) => error,
            };
            let asked = match fault {
                WriteFault::Busy(asked) => *asked,
                _ => None,
            };
            let wait = Duration::from_secs(asked.unwrap_or(1));
            let nothing_done = error.sent() == Sent::No || error.kind() == ErrorKind::RateLimited;
            let spent = self.time.now().since(began) + wait;
            if !nothing_done || attempt >= ATTEMPTS || spent >= OPERATION {
                return Err(error.into());
            }
            self.time.sleep(wait).await;
            // A process that stood still meanwhile is too late, as a client is that looks at its deadline.
            if self.time.now().since(began) >= OPERATION {
                return Err(error.into());
            }
        }
        Ok(self.exchange(change).await?)
    }

    async fn lines(
        &self,
        agreement: &AgreementId,
        fault: Option<ReadFault>,
    ) -> (Result<Vec<AgreementLine>>, bool) {
        self.read(agreement, fault).await
    }

    async fn read_back(
        &self,
        change: &Change,
        receipt: Option<&Receipt>,
        fault: Option<ReadFault>,
    ) -> (Result<ReadBack>, bool) {
        if change.action.makes_record() {
            let (verdict, struck) = self.look_up(change, receipt, fault).await;
            return (verdict.map(ReadBack::from), struck);
        }
        let (lines, struck) = self.read(&change.agreement, fault).await;
        let seen = |lines: Vec<_>| ReadBack::with_lines(verdict(change, &lines, receipt), lines);
        (lines.map(seen), struck)
    }

    fn edit(&self, agreement: &AgreementId, line: &AgreementLineId, edit: Edit) -> bool {
        let now = self.time.now();
        let mut psa = lock(&self.psa);
        let Some(agreement) = &psa.agreement(agreement) else {
            return false;
        };
        if edit == Edit::Delete {
            return psa.delete(agreement, line, now);
        }
        let edited = psa.alter(agreement, line, now, Cause::Colleague, |state| match edit {
            Edit::Quantity(units) => state.quantity = units.into(),
            Edit::Cost(cents) => state.unit_cost = Some(money(cents)),
            Edit::Price(cents) => state.unit_price = Some(money(cents)),
            Edit::End => state.last_day = Some(effective().plus_days(-7)),
            Edit::Delete => {}
        });
        edited.is_some()
    }

    fn add(&self, agreement: &AgreementId, product: &ProductId, quantity: u32) -> bool {
        let now = self.time.now();
        let mut psa = lock(&self.psa);
        let Some(agreement) = psa.agreement(agreement) else {
            return false;
        };
        let mut line = AgreementLine::new(psa.fresh_line(), product.clone(), quantity);
        line.state.effective = Some(effective());
        psa.add(&agreement, line, now, Cause::Colleague);
        true
    }

    /// Whatever it is called, it is known by its key or its identifier.
    fn rename(&self, place: &AgreementId) -> bool {
        lock(&self.psa).makings.iter().any(|it| it.place == *place)
    }

    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId> {
        let agreement = lock(&self.psa).agreement(agreement);
        let lines = agreement.map_or_else(Vec::new, |agreement| self.lines_now(&agreement));
        lines.into_iter().map(|line| line.id).collect()
    }

    fn history(&self) -> Vec<Effect> {
        lock(&self.psa).effects.clone()
    }

    fn makings(&self) -> Vec<Making> {
        lock(&self.psa).makings.clone()
    }
}
