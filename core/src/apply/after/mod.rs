//! What comes after a run: what is left of it, bringing that again, taking it back, and who
//! changed what.
//!
//! Everything here reads records and states and gives plans and sentences; nothing is written.
//! A retry and an undo are ordinary plans: reviewed, approved and applied like any other.

mod history;
mod retry;
mod status;
mod taken_back;
mod undo;

use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};

use crate::error::Result;
use crate::store::{Journal, WrittenChange, WrittenPosition, WrittenQuery};

pub use history::{HistoryEntry, Proof, history};
pub use retry::{LeftOut, NotRetried, Retry, in_error, retry, still_approved};
pub use status::{OpenChange, Remedy, RunStatus, Standing};
pub use taken_back::TakenBack;
pub use undo::{NotUndone, Refusal, Undo, UndoContext, undo};

/// How many written changes are in memory at once.
pub(super) const PAGE: usize = 200;

/// The written changes that a query means, a page at a time.
pub(crate) fn written(
    journal: &dyn Journal,
    query: WrittenQuery,
) -> BoxStream<'_, Result<WrittenChange>> {
    let start = (query, Some(WrittenPosition::default()));
    let pages = stream::try_unfold(start, move |(query, after)| {
        next_page(journal, query, after)
    });
    pages.try_flatten().boxed()
}

type Rest = (WrittenQuery, Option<WrittenPosition>);
type Page = stream::Iter<std::vec::IntoIter<Result<WrittenChange>>>;

async fn next_page(
    journal: &dyn Journal,
    query: WrittenQuery,
    after: Option<WrittenPosition>,
) -> Result<Option<(Page, Rest)>> {
    let Some(after) = after else {
        return Ok(None);
    };
    let page = journal.written(&query, after, PAGE).await?;
    let next = page.last().map(|last| last.position);
    let found: Vec<Result<WrittenChange>> = page.into_iter().map(Ok).collect();
    Ok(Some((stream::iter(found), (query, next))))
}
