//! Transactions that several calls share.
//!
//! What comes while a transaction is under way waits behind it. Whoever gets the connection first then
//! carries out the work of all that wait, in the order in which they came, in one transaction: it waits
//! for the disk once, where any of them has to. Nobody is told of their work before it is committed.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::sqlite::storage;
use crate::error::{Error, ErrorKind, Result};

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    /// It does: something is done on its word.
    Waits,
    /// It is on the disk with the next one that waits.
    Follows,
}

/// The work that waits for the connection.
#[derive(Clone, Default)]
pub(super) struct Waiting {
    works: Arc<Mutex<Vec<Box<dyn Work>>>>,
    /// Whether commits may not wait for the disk at present, as it could not be set back.
    lowered: Arc<AtomicBool>,
}

/// Where the answer to work is put.
pub(super) struct Answer<T>(Arc<Mutex<Option<Result<T>>>>);

impl<T> Answer<T> {
    /// The answer; none before the work was carried out, or when that panicked.
    pub(super) fn take(&self) -> Option<Result<T>> {
        lock(&self.0).take()
    }
}

/// Work in a transaction that others share. Where it fails, but for the storage, it must have
/// written nothing.
trait Work: Send {
    fn commit(&self) -> Commit;

    /// Carries it out.
    ///
    /// # Errors
    /// When the storage failed: nothing of the transaction is committed then.
    fn carry_out(&mut self, transaction: &Connection) -> Result<()>;

    /// Tells what came of it, or that the transaction as a whole failed.
    fn tell(self: Box<Self>, failed: Option<&Error>);
}

struct Task<T, F> {
    commit: Commit,
    work: Option<F>,
    result: Option<Result<T>>,
    answer: Arc<Mutex<Option<Result<T>>>>,
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T> + Send,
{
    fn commit(&self) -> Commit {
        self.commit
    }

    fn carry_out(&mut self, transaction: &Connection) -> Result<()> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        match work(transaction) {
            Err(error) if error.kind() == ErrorKind::Storage => Err(error),
            result => {
                self.result = Some(result);
                Ok(())
            }
        }
    }

    fn tell(self: Box<Self>, failed: Option<&Error>) {
        let failure = failed.map(|error| Err(Error::new(error.kind(), error.message())));
        *lock(&self.answer) = failure.or(self.result);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    /// Adds work. Its answer is there after the next [`carry_out`](Self::carry_out), whoever calls it.
    pub(super) fn add<T: Send + 'static>(
        &self,
        commit: Commit,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Answer<T> {
        let answer = Arc::new(Mutex::new(None));
        lock(&self.works).push(Box::new(Task {
            commit,
            work: Some(work),
            result: None,
            answer: Arc::clone(&answer),
        }));
        Answer(answer)
    }

    /// Carries out all that waits; nothing where another did.
    pub(super) fn carry_out(&self, connection: &Connection) {
        let mut works = mem::take(&mut *lock(&self.works));
        if works.is_empty() {
            return;
        }
        let waits = works.iter().any(|work| work.commit() == Commit::Waits);
        let done = if waits {
            self.restore(connection)
                .and_then(|()| together(connection, &mut works))
        } else {
            self.without_waiting(connection, &mut works)
        };
        for work in works {
            work.tell(done.as_ref().err());
        }
    }

    /// Carries out work whose commit does not wait for the disk: what is lost with the power leaves the state
    /// as it was before, which a resume can go on from.
    fn without_waiting(&self, connection: &Connection, works: &mut [Box<dyn Work>]) -> Result<()> {
        self.lowered.store(true, Ordering::Relaxed);
        set_synchronous(connection, "PRAGMA synchronous = NORMAL")?;
        let done = together(connection, works);
        // Also where the work failed: the next commit must wait.
        self.restore(connection)?;
        done
    }

    /// Lets commits wait for the disk again.
    pub(super) fn restore(&self, connection: &Connection) -> Result<()> {
        if self.lowered.load(Ordering::Relaxed) {
            set_synchronous(connection, "PRAGMA synchronous = FULL")?;
            self.lowered.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn together(connection: &Connection, works: &mut [Box<dyn Work>]) -> Result<()> {
    if !connection.is_autocommit() {
        // One of before could not be taken back.
        execute(connection, "ROLLBACK")?;
    }
    // Prepared once, unlike those of rusqlite's own transactions.
    execute(connection, "BEGIN IMMEDIATE")?;
    let open = Open(connection);
    for work in works {
        work.carry_out(connection)?;
    }
    execute(connection, "COMMIT")?;
    mem::forget(open);
    Ok(())
}

/// A transaction that is taken back where it is not committed.
struct Open<'a>(&'a Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // Where this fails, SQLite has taken it back already, or the next one does.
        drop(execute(self.0, "ROLLBACK"));
    }
}

/// Prepared anew each time: SQLite sets it as it prepares the statement, not as it steps through it.
fn set_synchronous(connection: &Connection, pragma: &str) -> Result<()> {
    let mut statement = connection.prepare(pragma).map_err(storage)?;
    statement.execute([]).map_err(storage)?;
    Ok(())
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    let mut statement = connection.prepare_cached(sql).map_err(storage)?;
    statement.execute([]).map_err(storage)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL;
                 CREATE TABLE seen (name TEXT UNIQUE, waits INTEGER);",
            )
            .unwrap();
        connection
    }

    fn seen(connection: &Connection) -> Vec<(String, i64)> {
        let mut query = connection
            .prepare("SELECT name, waits FROM seen ORDER BY rowid")
            .unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(std::result::Result::unwrap).collect()
    }

    /// Notes a name, and what the commit will wait for: 1 for nothing, 2 for the disk.
    fn note(name: &'static str) -> impl FnOnce(&Connection) -> Result<&'static str> + Send {
        move |transaction| {
            let sql = "INSERT INTO seen SELECT ?1, synchronous FROM pragma_synchronous";
            transaction.execute(sql, [name]).map_err(storage)?;
            Ok(name)
        }
    }

    fn refused(_: &Connection) -> Result<&'static str> {
        Err(Error::new(ErrorKind::Conflict, "the lease is over"))
    }

    #[test]
    fn what_waits_is_committed_together_and_waits_for_the_disk_where_one_of_it_has_to() {
        let connection = table();
        let waiting = Waiting::default();
        let answers = [
            waiting.add(Commit::Follows, note("intended")),
            waiting.add(Commit::Waits, note("sent")),
            waiting.add(Commit::Follows, note("done")),
        ];
        assert!(answers.iter().all(|answer| answer.take().is_none()));
        waiting.carry_out(&connection);
        let told = answers.map(|answer| answer.take().unwrap().unwrap());
        assert_eq!(told, ["intended", "sent", "done"]);
        let wanted = ["intended", "sent", "done"].map(|name| (name.to_owned(), 2));
        assert_eq!(seen(&connection), wanted);
    }

    #[test]
    fn nothing_waits_for_the_disk_that_need_not_and_the_next_one_that_has_to_does() {
        let connection = table();
        let waiting = Waiting::default();
        waiting.add(Commit::Follows, note("intended"));
        waiting.carry_out(&connection);
        waiting.add(Commit::Waits, note("sent"));
        waiting.carry_out(&connection);
        let wanted = [("intended".to_owned(), 1), ("sent".to_owned(), 2)];
        assert_eq!(seen(&connection), wanted);
    }

    #[test]
    fn work_that_is_refused_takes_none_of_the_others_along() {
        let connection = table();
        let waiting = Waiting::default();
        let one = waiting.add(Commit::Waits, note("one"));
        let bad = waiting.add(Commit::Waits, refused);
        let other = waiting.add(Commit::Waits, note("other"));
        waiting.carry_out(&connection);
        let error = bad.take().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(one.take().unwrap().is_ok() && other.take().unwrap().is_ok());
        assert_eq!(seen(&connection).len(), 2);
    }

    #[test]
    fn where_the_storage_fails_nothing_is_committed_and_everybody_is_told() {
        let connection = table();
        let waiting = Waiting::default();
        let answers = [
            waiting.add(Commit::Follows, note("one")),
            waiting.add(Commit::Follows, note("one")),
            waiting.add(Commit::Follows, refused),
        ];
        waiting.carry_out(&connection);
        for answer in answers {
            let error = answer.take().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Storage);
        }
        assert_eq!(seen(&connection), []);
        let next = waiting.add(Commit::Waits, note("one"));
        waiting.carry_out(&connection);
        assert_eq!(next.take().unwrap().unwrap(), "one");
        assert_eq!(seen(&connection), [("one".to_owned(), 2)]);
    }
}
