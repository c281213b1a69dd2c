//! A PSA and a clock that do as told, and can lose power at any call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, HttpContext, Result, Sent};
use crate::model::{
    Agreement, AgreementId, AgreementLine, AgreementLineId, AgreementReading, ChangeId, Company,
    Product, ReadFailure, Timestamp,
};
use crate::plan::{Action, Change};
use crate::sink::{
    AgreementFilter, MadeRecord, PsaSink, ReadBack, Receipt, SinkCapabilities, SinkDescriptor,
    Verdict, WriteError,
};
use crate::source::Identity;

/// What happens to one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It lands and is answered.
    None,
    Rejected,
    NotSent,
    LostButLanded,
    Lost,
    /// It is answered and does not land.
    Ignored,
    /// It lands, and somebody edits the line at once.
    Overwritten,
}

/// The wire between the doubles: the power that can fail, and who sent what.
#[derive(Debug)]
pub(super) struct Wire {
    calls_left: AtomicUsize,
    out: Notify,
    pub(super) sent: Mutex<BTreeMap<ChangeId, u32>>,
}

impl Wire {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            calls_left: AtomicUsize::new(usize::MAX),
            out: Notify::new(),
            sent: Mutex::default(),
        })
    }

    /// Lets the power fail at the n-th point from now.
    pub(super) fn fail_after(&self, points: usize) {
        self.calls_left.store(points, Ordering::SeqCst);
    }

    pub(super) fn restore(&self) {
        self.fail_after(usize::MAX);
    }

    pub(super) fn forget_sent(&self) {
        self.sent.lock().unwrap().clear();
    }

    /// Waits for the power to fail from now on.
    pub(super) fn power_failure(&self) -> impl Future<Output = ()> + '_ {
        self.out.notified()
    }

    /// A point at which the power may fail: each call has one before its effect and one after.
    pub(super) async fn point(&self) {
        let spend = |left: usize| (left != usize::MAX).then(|| left.saturating_sub(1));
        let before = self
            .calls_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend);
        if before == Ok(0) {
            // Several may be under way: it fails for all of them, and not once more later.
            self.out.notify_waiters();
            futures::future::pending::<()>().await;
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) lines: BTreeMap<AgreementId, Vec<AgreementLine>>,
    pub(super) faults: BTreeMap<ChangeId, VecDeque<Fault>>,
    /// How many read-backs of a change fail.
    pub(super) unreadable: BTreeMap<ChangeId, u32>,
    /// How many read-backs of a change still show the old state.
    pub(super) late: BTreeMap<ChangeId, u32>,
    pub(super) closed: BTreeSet<AgreementId>,
    /// The changes whose answer waits until it is let go.
    pub(super) slow: BTreeSet<ChangeId>,
    /// The lines that somebody else sets to 999 units as a change lands.
    pub(super) edited_with: BTreeMap<ChangeId, AgreementLineId>,
    /// How often each change took effect.
    pub(super) applied: BTreeMap<ChangeId, u32>,
    /// How often each change's write arrived.
    pub(super) attempts: BTreeMap<ChangeId, u32>,
    /// The readings of lines, each with the number of writes that had arrived by then.
    pub(super) list_reads: Vec<u32>,
    /// The changes that were last said to come next.
    pub(super) expected: Vec<String>,
    /// The agreements and charges made, by key or marker.
    pub(super) made: BTreeMap<String, (MadeRecord, Action)>,
    next_line: usize,
}

/// What an agreement or a charge is found by.
fn place_of(change: &Change) -> String {
    let by_place = change.action.creates_agreement()
        || change.action.is_of_account()
        || change.action.creates_product();
    if by_place {
        return change.agreement.to_string();
    }
    if let Action::WriteNote { owner, .. } = &change.action {
        return format!("note of {}: {owner}", change.agreement);
    }
    // As at Autotask, which looks for charges on one contract.
    format!("{} of {}", change.marker, change.agreement)
}

/// The block of a note that a change was planned on.
fn planned_on(change: &Change) -> Option<&String> {
    match &change.action {
        Action::WriteNote { from, .. } => from.as_ref(),
        _ => None,
    }
}

impl World {
    pub(super) fn new(lines: BTreeMap<AgreementId, Vec<AgreementLine>>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    fn take_effect(&mut self, change: &Change) -> Receipt {
        *self.applied.entry(change.id.clone()).or_default() += 1;
        self.next_line += 1;
        if change.action.makes_record() {
            let id = format!("made-{}", self.next_line);
            let record = if change.action.creates_agreement() {
                self.lines.insert(change.agreement.clone(), Vec::new());
                MadeRecord::Agreement(id.into())
            } else if change.action.is_of_account() {
                MadeRecord::Account(id.into())
            } else if change.action.creates_product() {
                MadeRecord::Product(id.into())
            } else if change.action.writes_note() {
                MadeRecord::Note(change.agreement.clone())
            } else {
                MadeRecord::Charge(id.into())
            };
            let made = (record.clone(), change.action.clone());
            self.made.insert(place_of(change), made);
            return Receipt::made(record);
        }
        let receipt = Receipt::new(self.write_line(change));
        if let Some(edited) = self.edited_with.get(&change.id) {
            let lines = self.lines.get_mut(&change.agreement).unwrap();
            let line = lines.iter_mut().find(|line| line.id == *edited).unwrap();
            line.state.quantity = 999_u32.into();
        }
        receipt
    }

    fn write_line(&mut self, change: &Change) -> AgreementLineId {
        let new_id = AgreementLineId::new(format!("new-{}", self.next_line));
        let lines = self.lines.get_mut(&change.agreement).unwrap();
        let id = change.action.line().unwrap_or(&new_id).clone();
        if let Action::CreateLine {
            quantity,
            unit_cost,
            unit_price,
            last_day,
            ..
        } = &change.action
        {
            let mut line = AgreementLine::new(new_id, change.product.clone(), *quantity);
            line.state.unit_cost = *unit_cost;
            line.state.unit_price = *unit_price;
            line.state.effective = Some(change.effective);
            line.state.last_day = *last_day;
            line.marker = Some(change.marker.clone());
            lines.push(line);
            return id;
        }
        let line = lines.iter_mut().find(|line| line.id == id).unwrap();
        match &change.action {
            Action::SetQuantity { to, .. } => line.state.quantity = *to,
            Action::SetUnitCost { to, .. } => line.state.unit_cost = Some(*to),
            Action::SetUnitPrice { to, .. } => line.state.unit_price = Some(*to),
            Action::EndLine { last_day, .. } => line.state.last_day = Some(*last_day),
            _ => {}
        }
        id
    }

    fn verdict(&self, change: &Change) -> Verdict {
        if change.action.makes_record() {
            return match self.made.get(&place_of(change)) {
                None if planned_on(change).is_some() => Verdict::Conflict {
                    detail: "the block is gone".into(),
                    observed: None,
                },
                None => Verdict::NotLanded,
                Some((_, Action::WriteNote { to, .. })) if planned_on(change) == Some(to) => {
                    Verdict::NotLanded
                }
                Some((record, action)) if *action == change.action => Verdict::Made {
                    record: record.clone(),
                    detail: action.to_string(),
                },
                Some((record, action)) => Verdict::Conflict {
                    detail: format!("{record} is to {action}"),
                    observed: None,
                },
            };
        }
        let lines = &self.lines[&change.agreement];
        let landed = lines.iter().find(|line| match &change.action {
            Action::CreateLine {
                quantity, last_day, ..
            } => {
                line.marker.as_ref() == Some(&change.marker)
                    && line.state.quantity == *quantity
                    && line.state.last_day == *last_day
            }
            action if action.line() != Some(&line.id) => false,
            Action::SetQuantity { to, .. } => line.state.quantity == *to,
            Action::SetUnitCost { to, .. } => line.state.unit_cost == Some(*to),
            Action::SetUnitPrice { to, .. } => line.state.unit_price == Some(*to),
            Action::EndLine { last_day, .. } => line.state.last_day == Some(*last_day),
            // What is made beside the lines was looked for by its key.
            _ => false,
        });
        let edited = lines.iter().any(|line| {
            change.action.line().is_none() && line.marker.as_ref() == Some(&change.marker)
        });
        let shown = change.action.line();
        let shown = shown.and_then(|id| lines.iter().find(|line| line.id == *id));
        let observed = shown.map(|line| line.state.clone());
        match (landed, change.check_precondition(lines)) {
            (None, _) if edited => Verdict::Conflict {
                detail: "the line was created and then edited".into(),
                observed,
            },
            (Some(line), _) => Verdict::Landed {
                line: line.id.clone(),
                observed: line.state.clone(),
            },
            (None, Ok(())) => Verdict::NotLanded,
            (None, Err(detail)) => Verdict::Conflict { detail, observed },
        }
    }

    fn overwrite(&mut self, change: &Change, receipt: &Receipt) {
        let Some(line) = &receipt.line else {
            let made = self.made.get_mut(&place_of(change)).unwrap();
            if let Action::CreateAgreement { name, .. } = &mut made.1 {
                name.push_str(" edited");
            }
            if let Action::AddCharge { quantity, .. } = &mut made.1 {
                *quantity = 999_u32.into();
            }
            if let Action::WriteNote { to, .. } = &mut made.1 {
                to.push_str(" edited");
            }
            return;
        };
        let lines = self.lines.get_mut(&change.agreement).unwrap();
        let line = lines.iter_mut().find(|known| known.id == *line).unwrap();
        line.state.quantity = 999_u32.into();
        line.state.unit_cost = None;
        line.state.unit_price = None;
        line.state.last_day = Some("2020-01-01".parse().unwrap());
        line.product = "other".into();
    }
}

#[derive(Debug)]
pub(super) struct ScriptedSink {
    descriptor: SinkDescriptor,
    /// Whether each read-back comes with all lines.
    hands_on: bool,
    world: Mutex<World>,
    wire: Arc<Wire>,
    /// A slow write has landed.
    pub(super) wrote: Notify,
    /// Lets the answer to a slow write go.
    pub(super) answer: Notify,
}

impl ScriptedSink {
    pub(super) fn new(lines: BTreeMap<AgreementId, Vec<AgreementLine>>, wire: Arc<Wire>) -> Self {
        let mut descriptor =
            SinkDescriptor::new("scripted", "Scripted", SinkCapabilities::default());
        descriptor.concurrency = 4;
        Self {
            descriptor,
            hands_on: false,
            world: Mutex::new(World::new(lines)),
            wire,
            wrote: Notify::new(),
            answer: Notify::new(),
        }
    }

    pub(super) fn let_lines_hold(&mut self, time: Duration) {
        self.descriptor.lines_hold_for = time;
    }

    /// Reads all lines with each read-back.
    pub(super) fn hand_lines_on(&mut self) {
        self.hands_on = true;
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn write(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        let mut world = self.world();
        let attempts = world.attempts.entry(change.id.clone()).or_default();
        *attempts += 1;
        let sent = self.wire.sent.lock().unwrap().get(&change.id).copied();
        assert!(
            sent >= Some(*attempts),
            "a write of {} left without a durable intent",
            change.id
        );
        let fault = world
            .faults
            .get_mut(&change.id)
            .and_then(VecDeque::pop_front);
        let error = |kind, sent| Error::new(kind, "told to fail").with_sent(sent);
        let receipt = |mut receipt: Receipt| {
            receipt.request_id = Some(format!("req-{}", change.id));
            Ok(receipt)
        };
        match fault.unwrap_or(Fault::None) {
            Fault::None => receipt(world.take_effect(change)),
            Fault::Rejected => Err(error(ErrorKind::Invalid, Sent::Yes)
                .with_http(HttpContext {
                    vendor_request_id: Some("req-refused".into()),
                    ..HttpContext::default()
                })
                .into()),
            Fault::NotSent => Err(error(ErrorKind::Unavailable, Sent::No).into()),
            Fault::Lost => Err(error(ErrorKind::Timeout, Sent::Maybe).into()),
            Fault::LostButLanded => {
                world.take_effect(change);
                Err(error(ErrorKind::Timeout, Sent::Maybe).into())
            }
            Fault::Ignored => receipt(Receipt::new("ignored")),
            Fault::Overwritten => {
                let answer = world.take_effect(change);
                world.overwrite(change, &answer);
                receipt(answer)
            }
        }
    }

    fn verdict(&self, change: &Change) -> Result<Verdict> {
        let mut world = self.world();
        let spend = |left: Option<&mut u32>| {
            left.is_some_and(|left| {
                let some = *left > 0;
                *left = left.saturating_sub(1);
                some
            })
        };
        if spend(world.unreadable.get_mut(&change.id)) {
            return Err(Error::new(ErrorKind::Unavailable, "cannot be read back"));
        }
        if spend(world.late.get_mut(&change.id)) {
            return Ok(Verdict::NotLanded);
        }
        Ok(world.verdict(change))
    }

    fn read(&self, agreement: &AgreementId) -> AgreementReading {
        let mut world = self.world();
        let writes = world.attempts.values().sum();
        world.list_reads.push(writes);
        if world.closed.contains(agreement) {
            let failure = ReadFailure::new(ErrorKind::Unavailable, "closed for repairs");
            return AgreementReading::failed(agreement.clone(), failure);
        }
        match world.lines.get(agreement) {
            Some(lines) => AgreementReading::complete(agreement.clone(), lines.clone()),
            None => {
                let failure = ReadFailure::new(ErrorKind::NotFound, "no agreement carries it");
                AgreementReading::failed(agreement.clone(), failure)
            }
        }
    }
}

#[async_trait]
impl PsaSink for ScriptedSink {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("scripted"))
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        stream::empty().boxed()
    }

    fn agreements<'a>(&'a self, _: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        stream::empty().boxed()
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        stream::empty().boxed()
    }

    fn lines<'a>(&'a self, wanted: &'a [AgreementId]) -> BoxStream<'a, Result<AgreementReading>> {
        let read = async move {
            self.wire.point().await;
            let readings: Vec<_> = wanted.iter().map(|id| Ok(self.read(id))).collect();
            self.wire.point().await;
            stream::iter(readings)
        };
        read.into_stream().flatten().boxed()
    }

    fn expect(&self, changes: &[Change]) {
        self.world().expected = changes.iter().map(|change| change.id.to_string()).collect();
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        self.wire.point().await;
        let result = self.write(change);
        if self.world().slow.remove(&change.id) {
            self.wrote.notify_one();
            self.answer.notified().await;
        }
        self.wire.point().await;
        result
    }

    async fn verify(&self, change: &Change, _: Option<&Receipt>) -> Result<Verdict> {
        self.wire.point().await;
        let result = self.verdict(change);
        self.wire.point().await;
        result
    }

    async fn read_back(&self, change: &Change, receipt: Option<&Receipt>) -> Result<ReadBack> {
        let verdict = self.verify(change, receipt).await?;
        let world = self.world();
        let lines = world.lines.get(&change.agreement).cloned();
        Ok(match lines.filter(|_| self.hands_on) {
            Some(lines) => ReadBack::with_lines(verdict, lines),
            None => verdict.into(),
        })
    }
}

/// A clock that moves a second with every look, and never really waits.
#[derive(Clone, Debug, Default)]
pub(super) struct TestClock {
    seconds: Arc<AtomicUsize>,
    pub(super) waits: Arc<Mutex<Vec<Duration>>>,
}

impl TestClock {
    pub(super) fn advance(&self, time: Duration) {
        self.seconds
            .fetch_add(time.as_secs() as usize, Ordering::SeqCst);
    }

    /// Sets the clock back to where it began.
    pub(super) fn set_back(&self) {
        self.seconds.store(0, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let seconds = self.seconds.fetch_add(1, Ordering::SeqCst);
        Timestamp::EPOCH.plus(Duration::from_secs(seconds as u64))
    }

    async fn sleep(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration);
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}
