//! A simulated system behind real sockets with the real sink on it: what all worlds over HTTP have in common.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use tallyline_core::PsaSink;
use tallyline_core::clock::Clock as _;
use tallyline_core::error::{Error, ErrorKind, Result};
use tallyline_core::http::RetryPolicy;
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, LinesOutcome, ProductId, Timestamp,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{ReadBack, Receipt, SinkDescriptor, WriteError};

use super::draft::Ids;
use super::time::Time;
use super::wire::{Held, Wire};
use super::world::{Cause, Edit, Effect, ErrorPage, Making, ReadFault, World, WriteFault};
use crate::clock::Clock;
use crate::faults::{Fault, Faults, Match};
use crate::http::SimAnswer;

/// How often the client tries.
const ATTEMPTS: u32 = 4;
/// How long a call takes on the schedule's clock.
const LATENCY: Duration = Duration::from_millis(40);
/// When the client gives up waiting for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A system on its simulator, with the sink under test: what differs from system to system.
pub trait Simulated: Debug + Send + Sync {
    /// What is put back after a read that lagged.
    type Picture: Send;

    /// The JSON body of a failure that says nothing of what became of the request.
    const BROKEN: &'static str;

    /// The sink.
    fn sink(&self) -> &dyn PsaSink;

    /// The faults of the simulator.
    fn faults(&self) -> &Faults;

    /// Forgets the requests that the simulator has recorded.
    fn forget_requests(&self);

    /// The simulator's clock.
    fn clock(&self) -> Clock;

    /// The reads of lines, or those that look up what a change is to make.
    fn reads(made_by: Option<&Change>) -> Match;

    /// The write that carries a change out.
    fn write_of(change: &Change) -> Match;

    /// The refusal of a write.
    fn refusal() -> Fault;

    /// The seconds that a client is told to wait, as short as can be: the wait is in real time.
    fn told_to_wait(asked: Option<u64>) -> Option<u64>;

    /// Whether lists are paged by place, so that a row can be missing or come twice at a border.
    fn has_page_borders() -> bool;

    /// Shows the state of so long ago; nothing where that is the present one.
    fn show(&self, now: Timestamp, by: Duration) -> Option<Self::Picture>;

    /// Puts the present state back.
    fn show_present(&self, present: Self::Picture);

    /// Takes what happened since into the history.
    fn note(&self, cause: &Cause, at: Timestamp);

    /// A colleague's edit, taken into the history; whether there was such a line.
    fn edit(
        &self,
        agreement: &AgreementId,
        line: &AgreementLineId,
        edit: Edit,
        at: Timestamp,
    ) -> bool;

    /// A colleague adds a line, taken into the history; whether there was such an agreement.
    fn add(
        &self,
        agreement: &AgreementId,
        product: &ProductId,
        quantity: u32,
        at: Timestamp,
    ) -> bool;

    /// A colleague gives what was made another name; whether there was such a record.
    fn rename(&self, place: &AgreementId) -> bool {
        let _ = place;
        false
    }

    /// The lines that an agreement truly has now.
    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId>;

    /// Everything that took effect on lines so far, in order.
    fn history(&self) -> Vec<Effect>;

    /// What was made so far, in order: by earlier runs first.
    fn makings(&self) -> Vec<Making> {
        Vec::new()
    }

    /// Writes that no change asks for, in words.
    fn strays(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A world over HTTP.
#[derive(Debug)]
pub struct OverHttp<S> {
    system: S,
    wire: Arc<Wire>,
    ids: Ids,
    initial: BTreeMap<AgreementId, Vec<AgreementLine>>,
    time: Arc<Time>,
}

pub(super) fn number(id: &str) -> i64 {
    id.parse().unwrap_or(0)
}

/// The client's retries: as many as ever, without waits in real time.
pub(super) fn retries_at_once() -> RetryPolicy {
    RetryPolicy {
        max_attempts: ATTEMPTS,
        min_delay: Duration::ZERO,
        max_delay: Duration::ZERO,
        ..RetryPolicy::default()
    }
}

/// The lines of an agreement, as a sink reads them.
async fn lines_of(sink: &dyn PsaSink, agreement: &AgreementId) -> Result<Vec<AgreementLine>> {
    let wanted = [agreement.clone()];
    let reading = sink.lines(&wanted).next().await;
    match reading.transpose()?.map(|reading| reading.outcome) {
        Some(LinesOutcome::Complete(lines)) => Ok(lines),
        Some(LinesOutcome::Failed(failure)) => Err(Error::new(failure.kind, failure.message)),
        None => Err(Error::new(ErrorKind::Protocol, "no reading")),
    }
}

fn page_of<S: Simulated>(page: ErrorPage) -> (u16, &'static str, &'static str) {
    const HTML: &str = "<html><body><h1>An error occurred</h1></body></html>";
    match page {
        ErrorPage::Validation500 => (500, "application/json", S::BROKEN),
        ErrorPage::Html500 => (500, "text/html", HTML),
        ErrorPage::Html502 => (502, "text/html", HTML),
    }
}

fn answer<S: Simulated>(page: ErrorPage) -> Fault {
    let (status, kind, body) = page_of::<S>(page);
    Fault::answer(status, kind, body)
}

/// The page in place of the true answer, which was given already.
fn instead<S: Simulated>(page: ErrorPage) -> Fault {
    let (status, kind, body) = page_of::<S>(page);
    Fault::rewrite(move |_| SimAnswer::new(status, kind, body))
}

impl<S: Simulated> OverHttp<S> {
    pub(super) fn new(
        system: S,
        wire: Arc<Wire>,
        ids: Ids,
        initial: BTreeMap<AgreementId, Vec<AgreementLine>>,
        time: Arc<Time>,
    ) -> Self {
        Self {
            system,
            wire,
            ids,
            initial,
            time,
        }
    }

    /// Sets the simulator's clock to the schedule's.
    fn tick(&self) {
        if let Ok(now) = jiff::Timestamp::from_second(self.time.now().as_second()) {
            self.system.clock().set(now);
        }
    }

    /// Programs the fault of a read; gives what is to be put back afterwards.
    fn program(&self, fault: ReadFault, made_by: Option<&Change>) -> Option<S::Picture> {
        let faults = self.system.faults();
        let attempts = usize::try_from(ATTEMPTS).unwrap_or(1);
        let reads = || S::reads(made_by).times(attempts);
        match fault {
            ReadFault::Refused => self.wire.refuse(attempts),
            ReadFault::TimedOut => self.wire.time_out_reads(attempts),
            ReadFault::Reset => faults.on(reads(), Fault::drop_connection()),
            ReadFault::Busy => {
                faults.on(reads(), Fault::too_many_requests(S::told_to_wait(None)));
            }
            ReadFault::Broken(page) => faults.on(reads(), answer::<S>(page)),
            ReadFault::Missing if S::has_page_borders() => self.wire.spoil_pages(false),
            ReadFault::Twice if S::has_page_borders() => self.wire.spoil_pages(true),
            ReadFault::Missing | ReadFault::Twice => {}
            ReadFault::Lagging(by) => return self.system.show(self.time.now(), by),
        }
        None
    }

    /// What the next attempts to write meet.
    fn meet(&self, change: &Change, fault: WriteFault) {
        let of_server = match fault {
            WriteFault::Refused => return self.wire.next_write_refused(),
            WriteFault::TimedOut(arrives) => {
                return self.wire.next_write_held(&change.id, arrives);
            }
            WriteFault::ResetBefore => Fault::drop_connection(),
            WriteFault::ResetAfter => Fault::lose_answer(),
            WriteFault::Busy(asked) => Fault::too_many_requests(S::told_to_wait(asked)),
            WriteFault::Broken(page, false) => answer::<S>(page),
            WriteFault::Broken(page, true) => instead::<S>(page),
            // The simulator carries out what it answers: no write is ignored.
            WriteFault::Invalid | WriteFault::Ignored => S::refusal(),
        };
        self.wire.next_write_passes();
        self.system
            .faults()
            .on(S::write_of(change).once(), of_server);
    }

    /// A read through the sink under a fault; and whether the fault struck.
    async fn under<T>(
        &self,
        fault: Option<ReadFault>,
        made_by: Option<&Change>,
        read: impl Future<Output = T>,
    ) -> (T, bool) {
        self.tick();
        self.time.sleep(LATENCY).await;
        self.arrive().await;
        let present = fault.and_then(|fault| self.program(fault, made_by));
        // What is shown may bring its own time.
        self.tick();
        let result = read.await;
        let lagged = present.is_some();
        if let Some(present) = present {
            self.system.show_present(present);
        }
        let struck = lagged || self.system.faults().struck() > 0 || self.wire.has_struck();
        self.calm();
        if fault == Some(ReadFault::TimedOut) {
            self.time.sleep(TIME_LIMIT).await;
        }
        (result, struck)
    }

    fn calm(&self) {
        self.system.faults().clear();
        self.system.forget_requests();
        self.wire.calm();
    }
}

#[async_trait]
impl<S: Simulated> World for OverHttp<S> {
    fn descriptor(&self) -> &SinkDescriptor {
        self.system.sink().descriptor()
    }

    fn ids(&self) -> &Ids {
        &self.ids
    }

    fn initial(&self) -> &BTreeMap<AgreementId, Vec<AgreementLine>> {
        &self.initial
    }

    /// One client, one wire and one simulator serve all processes.
    fn calls_are_whole(&self) -> bool {
        true
    }

    fn expect(&self, changes: &[Change]) {
        self.system.sink().expect(changes);
    }

    async fn arrive(&self) {
        for Held {
            change, request, ..
        } in self.wire.due()
        {
            self.tick();
            self.wire.deliver(request).await;
            if let Some(change) = change {
                self.system.note(&Cause::Change(change), self.time.now());
            }
        }
    }

    async fn execute(
        &self,
        change: &Change,
        faults: &[WriteFault],
        struck: &(dyn Fn(WriteFault) + Sync),
    ) -> std::result::Result<Receipt, WriteError> {
        self.tick();
        for fault in faults {
            self.meet(change, *fault);
        }
        let written = self.system.sink().execute(change).await;
        self.time.sleep(LATENCY).await;
        let met = faults.len().saturating_sub(self.wire.writes_to_come());
        let as_met = |fault: &WriteFault| match fault {
            WriteFault::Ignored => WriteFault::Invalid,
            fault => *fault,
        };
        faults.iter().take(met).map(as_met).for_each(struck);
        if self.wire.has_held() {
            self.time.sleep(TIME_LIMIT).await;
        }
        let cause = Cause::Change(change.id.clone());
        self.system.note(&cause, self.time.now());
        self.calm();
        written
    }

    async fn lines(
        &self,
        agreement: &AgreementId,
        fault: Option<ReadFault>,
    ) -> (Result<Vec<AgreementLine>>, bool) {
        self.under(fault, None, lines_of(self.system.sink(), agreement))
            .await
    }

    async fn read_back(
        &self,
        change: &Change,
        receipt: Option<&Receipt>,
        fault: Option<ReadFault>,
    ) -> (Result<ReadBack>, bool) {
        let made_by = Some(change).filter(|change| change.action.makes_record());
        let read = self.system.sink().read_back(change, receipt);
        self.under(fault, made_by, read).await
    }

    fn edit(&self, agreement: &AgreementId, line: &AgreementLineId, edit: Edit) -> bool {
        self.tick();
        self.system.edit(agreement, line, edit, self.time.now())
    }

    fn add(&self, agreement: &AgreementId, product: &ProductId, quantity: u32) -> bool {
        self.tick();
        self.system
            .add(agreement, product, quantity, self.time.now())
    }

    fn rename(&self, place: &AgreementId) -> bool {
        self.tick();
        self.system.rename(place)
    }

    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId> {
        self.system.present(agreement)
    }

    fn history(&self) -> Vec<Effect> {
        self.system.history()
    }

    fn makings(&self) -> Vec<Making> {
        self.system.makings()
    }

    fn strays(&self) -> Vec<String> {
        self.system.strays()
    }
}
