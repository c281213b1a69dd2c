//! What a schedule needs of a PSA: the sink on it, faults on demand, and its true history.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::Result;
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, ChangeId, LineState, ProductId, Timestamp,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, ReadBack, Receipt, SinkDescriptor, WriteError};

use super::draft::Ids;

/// What an answer of the server's own fault looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPage {
    /// Status 500 with the JSON body of a validation error.
    Validation500,
    /// Status 500 with HTML.
    Html500,
    /// Status 502 with the HTML of a gateway.
    Html502,
}

/// What happens to one attempt to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// The connection is refused: nothing is sent.
    Refused,
    /// The connection is reset before the request is read.
    ResetBefore,
    /// The connection is reset after the write was committed.
    ResetAfter,
    /// No answer comes within the time limit; the write arrives so long after it left, or never.
    TimedOut(Option<Duration>),
    /// Status 429: the client waits so many seconds if told to, and tries again.
    Busy(Option<u64>),
    /// Status 400: refused.
    Invalid,
    /// An error page, with the write committed before it or not.
    Broken(ErrorPage, bool),
    /// Answered as if it had been carried out, and it was not.
    Ignored,
}

/// What happens to one read of an agreement's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// The connection is refused.
    Refused,
    /// The connection is reset.
    Reset,
    /// No answer comes within the time limit.
    TimedOut,
    /// Status 429 until the client gives up.
    Busy,
    /// An error page.
    Broken(ErrorPage),
    /// The answer shows the state of so long ago.
    Lagging(Duration),
    /// A row is missing at a page border.
    Missing,
    /// A row comes twice at a page border.
    Twice,
}

/// What a colleague does to a line in the PSA itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Sets the units.
    Quantity(u32),
    /// Sets the cost per unit, in cents.
    Cost(i64),
    /// Sets the price per unit, in cents.
    Price(i64),
    /// Ends it, on a day that no plan names.
    End,
    /// Deletes it.
    Delete,
}

/// Who made an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A write of a change.
    Change(ChangeId),
    /// A colleague.
    Colleague,
    /// A run before the schedule, whose journal is lost.
    Earlier,
}

/// One thing that truly happened to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub cause: Cause,
    /// The agreement.
    pub agreement: AgreementId,
    /// The line.
    pub line: AgreementLineId,
    /// Its product.
    pub product: ProductId,
    /// Its state before; absent where it was created.
    pub before: Option<LineState>,
    /// Its state after; absent where it was deleted.
    pub after: Option<LineState>,
}

/// What tells what a change makes from all else: the key in the place of its agreement, the identifier, or the marker.
pub(super) fn place_of(change: &Change) -> AgreementId {
    match &change.action {
        Action::AddCharge { .. } => charge_place(change.marker.as_str()),
        _ => change.agreement.clone(),
    }
}

pub(super) fn charge_place(marker: &str) -> AgreementId {
    AgreementId::new(format!("charge:{marker}"))
}

/// An agreement, a product or a charge that was truly made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Making {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub cause: Cause,
    /// What it is recognised by: its key or its identifier, as changes name them in the place of an agreement, or its
    /// marker.
    pub place: AgreementId,
    /// What it is in the PSA.
    pub record: MadeRecord,
    /// The agreement that it is invoiced through, or is a charge on.
    pub parent: Option<AgreementId>,
    /// Whether it may be used.
    pub usable: bool,
}

/// A simulated PSA with the sink under test on it.
///
/// The faults come with the call that they strike. Whatever the sink is told, [`history`](Self::history)
/// holds what truly took effect, with its instant and its cause; a write that was given up and is
/// still on its way takes effect in [`arrive`](Self::arrive), which comes before every call.
#[async_trait]
pub trait World: Send + Sync {
    /// What the sink says of itself.
    fn descriptor(&self) -> &SinkDescriptor;

    /// The ids of what it was filled with.
    fn ids(&self) -> &Ids;

    /// The lines that it was filled with, by agreement.
    fn initial(&self) -> &BTreeMap<AgreementId, Vec<AgreementLine>>;

    /// Whether a call that has begun is over before its process dies or stands still: where the faults that a call
    /// meets would otherwise be left to the next one.
    fn calls_are_whole(&self) -> bool {
        false
    }

    /// Lets what is due by now arrive.
    async fn arrive(&self);

    /// Tells the sink which changes of an agreement come next.
    fn expect(&self, changes: &[Change]) {
        let _ = changes;
    }

    /// One call of the sink's `execute`, whose attempts meet these faults one after the other.
    /// `struck` is told of each that strikes.
    async fn execute(
        &self,
        change: &Change,
        faults: &[WriteFault],
        struck: &(dyn Fn(WriteFault) + Sync),
    ) -> std::result::Result<Receipt, WriteError>;

    /// One read of an agreement's lines through the sink; and whether the fault struck.
    async fn lines(
        &self,
        agreement: &AgreementId,
        fault: Option<ReadFault>,
    ) -> (Result<Vec<AgreementLine>>, bool);

    /// One call of the sink's `read_back`; and whether the fault struck.
    async fn read_back(
        &self,
        change: &Change,
        receipt: Option<&Receipt>,
        fault: Option<ReadFault>,
    ) -> (Result<ReadBack>, bool);

    /// A colleague's edit of a line; whether there was such a line.
    fn edit(&self, agreement: &AgreementId, line: &AgreementLineId, edit: Edit) -> bool;

    /// A colleague adds a line for a product; whether there was such an agreement.
    fn add(&self, agreement: &AgreementId, product: &ProductId, quantity: u32) -> bool;

    /// A colleague gives what was made another name; whether there was such a record.
    fn rename(&self, place: &AgreementId) -> bool {
        let _ = place;
        false
    }

    /// The lines that an agreement truly has now.
    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId>;

    /// Everything that took effect on lines so far, in order.
    fn history(&self) -> Vec<Effect>;

    /// The agreements, products and charges that were made so far, in order: those of earlier runs first.
    fn makings(&self) -> Vec<Making> {
        Vec::new()
    }

    /// Writes that no change asks for, in words: to a master, to what was made, to anything else.
    fn strays(&self) -> Vec<String> {
        Vec::new()
    }
}
