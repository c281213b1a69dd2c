//! A process that works on a run: it can die and stall at any action.

use std::pin::pin;
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use tallyline_core::PsaSink;
use tallyline_core::clock::Clock;
use tallyline_core::error::{Error, ErrorKind, Result};
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, Product, ReadFailure, RunId,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{
    AgreementFilter, ReadBack, Receipt, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::Identity;
use tallyline_core::store::{
    Claim, ClaimRequest, HolderId, Journal, Lease, RecordedEvent, Registration, RunRecord,
};
use tokio::sync::{Notify, RwLock, RwLockReadGuard};

use super::adversary::{Adversary, DiskFault};
use super::kinds::Kind;
use super::through::Hooks;
use super::time::Time;
use super::world::{ReadFault, World, WriteFault};
use crate::lock;

/// Never, as a number of points.
const NEVER: usize = usize::MAX;

/// The life of one process. Each of its actions has a point before its effect and one after.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: &'static str,
    until_death: AtomicUsize,
    until_stall: AtomicUsize,
    /// Writes until it stands still in one of them, and how long after that has begun.
    until_stall_in_write: AtomicUsize,
    stalls_after: Duration,
    dead: Notify,
    stalled: AtomicBool,
    /// Told when it stands still, and when it goes on: whoever waits longest comes first.
    turn: Notify,
    /// How it stood still, if it did.
    has_stalled: OnceLock<Kind>,
    stall_reached: Notify,
    /// Held by each call that has to be over before it dies or stands still.
    whole_calls: RwLock<()>,
}

fn countdown(left: &AtomicUsize) -> bool {
    let spend = |left: usize| (left != NEVER).then(|| left.saturating_sub(1));
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend) == Ok(0)
}

impl Process {
    /// A process that dies at a point, or never.
    pub(crate) fn new(name: &'static str, dies_at: Option<usize>) -> Self {
        Self {
            name,
            until_death: AtomicUsize::new(dies_at.unwrap_or(NEVER)),
            until_stall: AtomicUsize::new(NEVER),
            until_stall_in_write: AtomicUsize::new(NEVER),
            stalls_after: Duration::ZERO,
            dead: Notify::new(),
            stalled: AtomicBool::new(false),
            turn: Notify::new(),
            has_stalled: OnceLock::new(),
            stall_reached: Notify::new(),
            whole_calls: RwLock::new(()),
        }
    }

    /// Lets it stand still at a point, until it is [woken](Self::wake).
    pub(crate) fn stalling_at(self, point: usize) -> Self {
        self.until_stall.store(point, Ordering::SeqCst);
        self
    }

    /// Lets it stand still in its n-th write, so long after that has begun; at the next point where
    /// it is over before.
    pub(crate) fn stalling_in_write(mut self, number: usize, after: Duration) -> Self {
        self.until_stall_in_write.store(number, Ordering::SeqCst);
        self.stalls_after = after;
        self
    }

    pub(crate) async fn death(&self) {
        self.dead.notified().await;
        self.calls_are_over().await;
    }

    async fn calls_are_over(&self) {
        drop(self.whole_calls.write().await);
    }

    /// A call of a world, which may have to be over before the process dies or stands still.
    async fn call(&self, world: &dyn World) -> Option<RwLockReadGuard<'_, ()>> {
        if !world.calls_are_whole() {
            return None;
        }
        loop {
            let call = self.whole_calls.read().await;
            if !self.stalled.load(Ordering::SeqCst) {
                return Some(call);
            }
            drop(call);
            self.until(false).await;
        }
    }

    /// Waits until it stands still, and says where; or until it has come to its end without.
    pub(crate) async fn stall(&self) -> Option<Kind> {
        self.stall_reached.notified().await;
        self.has_stalled.get().copied()
    }

    /// Says that it has come to its end.
    pub(crate) fn ended(&self) {
        self.stall_reached.notify_one();
    }

    pub(crate) fn wake(&self) {
        self.stalled.store(false, Ordering::SeqCst);
        self.turn.notify_waiters();
    }

    async fn point(&self) {
        self.may_die().await;
        if countdown(&self.until_stall) {
            self.calls_are_over().await;
            self.stand_still(Kind::StoodStill);
        }
        self.until(false).await;
    }

    fn stand_still(&self, kind: Kind) {
        if self.has_stalled.set(kind).is_ok() {
            self.stalled.store(true, Ordering::SeqCst);
            self.turn.notify_waiters();
            self.stall_reached.notify_one();
        }
    }

    /// Waits until it stands still, or goes on.
    async fn until(&self, still: bool) {
        while self.stalled.load(Ordering::SeqCst) != still {
            self.turn.notified().await;
        }
    }

    /// A write, which does not go on while the process stands still. Where it is time to, the
    /// process stands still in it.
    async fn write<T>(&self, time: &Time, write: impl Future<Output = T>) -> T {
        let mut write = pin!(write);
        if countdown(&self.until_stall_in_write) && self.has_stalled.get().is_none() {
            tokio::select! {
                biased;
                () = time.alongside(self.stalls_after) => self.stand_still(Kind::StoodStillInWrite),
                result = write.as_mut() => {
                    self.until_stall.store(0, Ordering::SeqCst);
                    return result;
                }
            }
        }
        loop {
            self.until(false).await;
            tokio::select! {
                biased;
                () = self.until(true) => {}
                result = write.as_mut() => return result,
            }
        }
    }

    /// A point at which it may die but does not stand still.
    ///
    /// Between the last look at the lease and the first byte on the wire a stall is a delay of
    /// the write: it counts as one that arrives late.
    async fn may_die(&self) {
        if countdown(&self.until_death) {
            self.dead.notify_one();
            futures::future::pending::<()>().await;
        }
    }
}

/// The sink as a process has it: every call has its points, its faults and its place in the story.
pub(crate) struct Rig<'a> {
    pub(crate) world: &'a dyn World,
    pub(crate) adversary: &'a Adversary,
    pub(crate) process: &'a Process,
    pub(crate) plan: &'a [Change],
    pub(crate) time: &'a Time,
}

impl Rig<'_> {
    async fn reading(&self, agreement: &AgreementId) -> AgreementReading {
        self.process.point().await;
        let changes: Vec<_> = self
            .plan
            .iter()
            .filter(|c| c.agreement == *agreement)
            .collect();
        if let Some(change) = self.adversary.dice(|dice| dice.pick(&changes).copied()) {
            self.adversary.colleague(self.world, change);
        }
        let call = self.process.call(self.world).await;
        let fault = self.adversary.read_fault(agreement);
        let (lines, struck) = self.world.lines(agreement, fault).await;
        drop(call);
        self.after_read(agreement, fault.filter(|_| struck), || {
            let result = lines.as_ref().map(Vec::len).map_err(Error::kind);
            format!("reads {agreement}, {fault:?}: {result:?}")
        });
        self.process.point().await;
        match lines {
            Ok(lines) => AgreementReading::complete(agreement.clone(), lines),
            Err(error) => AgreementReading::failed(agreement.clone(), ReadFailure::from(&error)),
        }
    }

    fn after_read(
        &self,
        agreement: &AgreementId,
        struck: Option<ReadFault>,
        what: impl FnOnce() -> String,
    ) {
        if let Some(fault) = struck {
            self.adversary.harm(agreement, fault);
        }
        self.adversary
            .tell(|| format!("{} {}", self.process.name, what()));
    }
}

#[async_trait]
impl PsaSink for Rig<'_> {
    fn descriptor(&self) -> &SinkDescriptor {
        self.world.descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity::new("schedule"))
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
            let mut readings = Vec::with_capacity(wanted.len());
            for agreement in wanted {
                readings.push(Ok(self.reading(agreement).await));
            }
            stream::iter(readings)
        };
        read.into_stream().flatten().boxed()
    }

    fn expect(&self, changes: &[Change]) {
        self.world.expect(changes);
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        self.process.may_die().await;
        let call = self.process.call(self.world).await;
        self.world.arrive().await;
        self.adversary.colleague(self.world, change);
        let faults = self.adversary.write_faults(&change.agreement);
        self.adversary.tell(|| {
            let (name, id, action) = (self.process.name, &change.id, &change.action);
            format!("{name} writes {id} ({action}), {faults:?}")
        });
        let struck = |fault: WriteFault| self.adversary.harm(&change.agreement, fault);
        let write = self.world.execute(change, &faults, &struck);
        let written = self.process.write(self.time, write).await;
        drop(call);
        self.adversary.tell(|| {
            let made = |receipt: &Receipt| match (&receipt.line, &receipt.made) {
                (Some(line), _) => line.to_string(),
                (None, made) => made.as_ref().map_or_else(String::new, ToString::to_string),
            };
            let result = written.as_ref().map(made);
            // The words of an error may hold a port, which is another one each time.
            let result = result.map_err(|error| error.error().kind());
            format!("{} wrote {}: {result:?}", self.process.name, change.id)
        });
        self.adversary.colleague(self.world, change);
        self.process.point().await;
        written
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        Ok(self.read_back(change, receipt).await?.verdict)
    }

    async fn read_back(&self, change: &Change, receipt: Option<&Receipt>) -> Result<ReadBack> {
        self.process.point().await;
        let call = self.process.call(self.world).await;
        self.world.arrive().await;
        let fault = self.adversary.read_fault(&change.agreement);
        let (read, struck) = self.world.read_back(change, receipt, fault).await;
        drop(call);
        self.after_read(&change.agreement, fault.filter(|_| struck), || {
            let result = read.as_ref().map(|read| &read.verdict);
            let result = result.map_err(Error::kind);
            format!("verifies {}, {fault:?}: {result:?}", change.id)
        });
        self.process.point().await;
        read
    }
}

/// The disk under a process's journal.
pub(crate) struct Disk<'a> {
    pub(crate) adversary: &'a Adversary,
    pub(crate) process: &'a Process,
    pub(crate) time: &'a Time,
    /// Where the process's sign of life is kept so that its death proves nothing, and its leases
    /// end by their time alone.
    pub(crate) signs_of_life: Option<&'a Mutex<Vec<Registration>>>,
}

/// A read, as an access to the disk.
const A_READ: &str = "a read";

fn refused() -> Error {
    Error::new(ErrorKind::Storage, "the disk refuses to write")
}

impl Disk<'_> {
    /// One access: with its points, and the fault that it meets.
    async fn access<T>(&self, what: &str, access: impl Future<Output = Result<T>>) -> Result<T> {
        let is_read = what == A_READ;
        self.process.point().await;
        // A disk takes a moment, in which other tasks go on.
        self.time.sleep(Duration::from_millis(1)).await;
        let fault = self.adversary.disk_fault(is_read);
        if fault.is_some() {
            let name = self.process.name;
            self.adversary
                .tell(|| format!("{name} is refused {what}, {fault:?}"));
        }
        if fault == Some(DiskFault::Before) {
            return Err(refused());
        }
        let result = access.await;
        self.process.point().await;
        match fault {
            Some(DiskFault::After) => Err(refused()),
            _ => result,
        }
    }
}

#[async_trait]
impl Hooks for Disk<'_> {
    async fn read(&self) -> Result<()> {
        self.access(A_READ, async { Ok(()) }).await
    }

    async fn begin(
        &self,
        inner: &dyn Journal,
        run: &RunRecord,
        plan: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        self.access("the run", inner.begin(run, plan, changes, settled))
            .await
    }

    async fn register(&self, inner: &dyn Journal, holder: &HolderId) -> Result<Registration> {
        let registration = self.access("its name", inner.register(holder)).await?;
        let Some(kept) = self.signs_of_life else {
            return Ok(registration);
        };
        lock(kept).push(registration);
        Ok(Registration::without_proof())
    }

    async fn claim(&self, inner: &dyn Journal, request: &ClaimRequest) -> Result<Claim> {
        let result = self.access("a lease", inner.claim(request)).await;
        self.adversary.tell(|| {
            let (name, agreement) = (self.process.name, &request.agreement);
            let result = result
                .as_ref()
                .map_err(Error::kind)
                .map(|claim| match claim {
                    Claim::Taken { lease, .. } => format!("taken, {}", lease.fence),
                    Claim::Held(lease) => format!("held, {}", lease.fence),
                });
            format!("{name} claims {agreement}: {result:?}")
        });
        result
    }

    async fn renew(&self, inner: &dyn Journal, lease: &Lease) -> Result<()> {
        self.access("a renewal", inner.renew(lease)).await
    }

    async fn release(&self, inner: &dyn Journal, lease: &Lease) -> Result<()> {
        self.access("a release", inner.release(lease)).await
    }

    async fn append(
        &self,
        inner: &dyn Journal,
        lease: &Lease,
        run: &RunId,
        event: &RecordedEvent,
    ) -> Result<()> {
        self.append_all(inner, lease, run, slice::from_ref(event))
            .await
    }

    async fn append_all(
        &self,
        inner: &dyn Journal,
        lease: &Lease,
        run: &RunId,
        events: &[RecordedEvent],
    ) -> Result<()> {
        let what = events.last().map_or("nothing", |last| last.event.name());
        let append = inner.append_all(lease, run, events);
        let result = self.access(what, append).await;
        for event in events {
            self.adversary.tell(|| {
                let (name, change, seq) = (self.process.name, &event.change, event.seq);
                let (what, result) = (
                    event.event.name(),
                    result.as_ref().map_err(ToString::to_string),
                );
                format!("{name} records {change} #{seq} {what}: {result:?}")
            });
        }
        result
    }
}
