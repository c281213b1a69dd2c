//! Transactions that several calls share.
//!
//! What comes while a transaction is under way waits behind it. Whoever comes first has the turn: it carries out
//! the work of all that wait, in the order in which they came, in one transaction that waits for the disk once,
//! where any of them has to, and so on until nothing waits. What comes before a commit still goes with it. Nobody
//! is told of their work before it is committed.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

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

type Works = Vec<Box<dyn Work>>;

/// The work that waits for the connection.
#[derive(Clone, Default)]
pub(super) struct Waiting {
    queue: Arc<Mutex<Queue>>,
    /// Whether commits may not wait for the disk at present, as it could not be set back.
    lowered: Arc<AtomicBool>,
}

#[derive(Default)]
struct Queue {
    works: Works,
    /// Whether somebody has the turn.
    is_taken: bool,
}

/// Where the answer to work comes; nothing does where whoever had the turn gave it up or panicked.
pub(super) type Answer<T> = oneshot::Receiver<Result<T>>;

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
    answer: oneshot::Sender<Result<T>>,
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
        if let Some(answer) = failure.or(self.result) {
            // Whoever does not wait any more need not know.
            drop(self.answer.send(answer));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    /// Adds work; gives the turn where nobody has it.
    pub(super) fn add<T: Send + 'static>(
        &self,
        commit: Commit,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> (Answer<T>, Option<Turn>) {
        let (tell, answer) = oneshot::channel();
        let mut queue = lock(&self.queue);
        queue.works.push(Box::new(Task {
            commit,
            work: Some(work),
            result: None,
            answer: tell,
        }));
        let is_free = !mem::replace(&mut queue.is_taken, true);
        let turn = is_free.then(|| Turn {
            waiting: self.clone(),
            is_over: false,
        });
        (answer, turn)
    }

    /// Carries out all that waits, in one transaction.
    fn carry_out(&self, connection: &Connection) {
        let mut works = mem::take(&mut lock(&self.queue).works);
        if works.is_empty() {
            return;
        }
        let waits = works.iter().any(|work| work.commit() == Commit::Waits);
        let done = if waits {
            self.restore(connection)
                .and_then(|()| self.together(connection, &mut works, Commit::Waits))
        } else {
            self.without_waiting(connection, &mut works)
        };
        for work in works {
            work.tell(done.as_ref().err());
        }
    }

    /// Carries out work whose commit does not wait for the disk: what is lost with the power leaves the state
    /// as it was before, which a resume can go on from.
    fn without_waiting(&self, connection: &Connection, works: &mut Works) -> Result<()> {
        self.lowered.store(true, Ordering::Relaxed);
        set_synchronous(connection, "PRAGMA synchronous = NORMAL")?;
        let done = self.together(connection, works, Commit::Follows);
        // Also where the work failed: the next commit must wait.
        self.restore(connection)?;
        done
    }

    /// Carries out work in one transaction, and what comes meanwhile, where its commit may be of this kind.
    fn together(&self, connection: &Connection, works: &mut Works, commit: Commit) -> Result<()> {
        if !connection.is_autocommit() {
            // One of before could not be taken back.
            execute(connection, "ROLLBACK")?;
        }
        // Prepared once, unlike those of rusqlite's own transactions.
        execute(connection, "BEGIN IMMEDIATE")?;
        let open = Open(connection);
        let mut done = 0;
        while done < works.len() {
            for work in works.iter_mut().skip(done) {
                work.carry_out(connection)?;
                done += 1;
            }
            works.append(&mut self.come_meanwhile(commit));
        }
        execute(connection, "COMMIT")?;
        mem::forget(open);
        Ok(())
    }

    /// Work that has come and may go with a commit of this kind; not before what came before it.
    fn come_meanwhile(&self, commit: Commit) -> Works {
        let works = &mut lock(&self.queue).works;
        let commits = works.iter().map(|work| work.commit());
        let fits = |other: &Commit| commit == Commit::Waits || *other == commit;
        let fitting = commits.take_while(fits).count();
        works.drain(..fitting).collect()
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

/// The turn to carry out what waits. Who has it and gives it up lets all that wait know.
pub(super) struct Turn {
    waiting: Waiting,
    is_over: bool,
}

impl Turn {
    /// Carries out what waits, and what comes meanwhile, until nothing does. The connection is free between two
    /// transactions.
    pub(super) fn carry_out(mut self, connection: &Mutex<Connection>) {
        while self.goes_on() {
            let Ok(connection) = connection.lock() else {
                return;
            };
            self.waiting.carry_out(&connection);
        }
    }

    /// Whether anything waits; the turn is over where nothing does.
    fn goes_on(&mut self) -> bool {
        let mut queue = lock(&self.waiting.queue);
        self.is_over = queue.works.is_empty();
        queue.is_taken = !self.is_over;
        queue.is_taken
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let given_up = mem::take(&mut *lock(&self.waiting.queue));
            drop(given_up);
        }
    }
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
    use tokio::sync::oneshot::error::TryRecvError;

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

    /// Adds work where the test has the turn.
    fn add<T: Send + 'static>(
        waiting: &Waiting,
        commit: Commit,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Answer<T> {
        let (answer, turn) = waiting.add(commit, work);
        if let Some(mut turn) = turn {
            turn.is_over = true;
        }
        answer
    }

    fn refused(_: &Connection) -> Result<&'static str> {
        Err(Error::new(ErrorKind::Conflict, "the lease is over"))
    }

    #[test]
    fn what_waits_is_committed_together_and_waits_for_the_disk_where_one_of_it_has_to() {
        let connection = table();
        let waiting = Waiting::default();
        let mut answers = [
            add(&waiting, Commit::Follows, note("intended")),
            add(&waiting, Commit::Waits, note("sent")),
            add(&waiting, Commit::Follows, note("done")),
        ];
        assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()));
        waiting.carry_out(&connection);
        let told = answers.map(|mut answer| answer.try_recv().unwrap().unwrap());
        assert_eq!(told, ["intended", "sent", "done"]);
        let wanted = ["intended", "sent", "done"].map(|name| (name.to_owned(), 2));
        assert_eq!(seen(&connection), wanted);
    }

    #[test]
    fn nothing_waits_for_the_disk_that_need_not_and_the_next_one_that_has_to_does() {
        let connection = table();
        let waiting = Waiting::default();
        add(&waiting, Commit::Follows, note("intended"));
        waiting.carry_out(&connection);
        add(&waiting, Commit::Waits, note("sent"));
        waiting.carry_out(&connection);
        let wanted = [("intended".to_owned(), 1), ("sent".to_owned(), 2)];
        assert_eq!(seen(&connection), wanted);
    }

    #[test]
    fn what_comes_before_the_commit_goes_with_it_where_it_waits_for_no_more_than_it() {
        for (commit, told) in [(Commit::Waits, [2, 2]), (Commit::Follows, [1, 0])] {
            let connection = table();
            let waiting = Waiting::default();
            let (late, answers) = (waiting.clone(), Arc::new(Mutex::new(Vec::new())));
            let of_late = Arc::clone(&answers);
            add(&waiting, commit, move |transaction| {
                let commits = [(Commit::Follows, "follows"), (Commit::Waits, "waits")];
                let added = commits.map(|(commit, name)| add(&late, commit, note(name)));
                lock(&of_late).extend(added);
                note("first")(transaction)
            });
            waiting.carry_out(&connection);
            let of = |name: &str| {
                let seen = seen(&connection);
                let found = seen.into_iter().find(|(of, _)| of == name);
                found.map_or(0, |(_, waits)| waits)
            };
            assert_eq!(["follows", "waits"].map(of), told, "{commit:?}");
            waiting.carry_out(&connection);
            assert_eq!(of("waits"), 2);
            assert!(
                lock(&answers)
                    .iter_mut()
                    .all(|answer| answer.try_recv().is_ok())
            );
        }
    }

    #[test]
    fn work_that_is_refused_takes_none_of_the_others_along() {
        let connection = table();
        let waiting = Waiting::default();
        let mut one = add(&waiting, Commit::Waits, note("one"));
        let mut bad = add(&waiting, Commit::Waits, refused);
        let mut other = add(&waiting, Commit::Waits, note("other"));
        waiting.carry_out(&connection);
        let error = bad.try_recv().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(one.try_recv().unwrap().is_ok() && other.try_recv().unwrap().is_ok());
        assert_eq!(seen(&connection).len(), 2);
    }

    #[test]
    fn where_the_storage_fails_nothing_is_committed_and_everybody_is_told() {
        let connection = table();
        let waiting = Waiting::default();
        let answers = [
            add(&waiting, Commit::Follows, note("one")),
            add(&waiting, Commit::Follows, note("one")),
            add(&waiting, Commit::Follows, refused),
        ];
        waiting.carry_out(&connection);
        for mut answer in answers {
            let error = answer.try_recv().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Storage);
        }
        assert_eq!(seen(&connection), []);
        let mut next = add(&waiting, Commit::Waits, note("one"));
        waiting.carry_out(&connection);
        assert_eq!(next.try_recv().unwrap().unwrap(), "one");
        assert_eq!(seen(&connection), [("one".to_owned(), 2)]);
    }

    #[test]
    fn whoever_comes_first_has_the_turn_until_nothing_waits() {
        let connection = Mutex::new(table());
        let waiting = Waiting::default();
        let late = waiting.clone();
        let (first, turn) = waiting.add(Commit::Follows, move |transaction| {
            note("first")(transaction)?;
            // Not with this commit: it waits for more.
            Ok(late.add(Commit::Waits, note("late")))
        });
        let (mut second, no_turn) = waiting.add(Commit::Follows, note("second"));
        assert!(no_turn.is_none());
        turn.unwrap().carry_out(&connection);
        let (mut late, no_turn) = first.blocking_recv().unwrap().unwrap();
        assert!(no_turn.is_none());
        assert_eq!(second.try_recv().unwrap().unwrap(), "second");
        assert_eq!(late.try_recv().unwrap().unwrap(), "late");
        let wanted = [("first", 1), ("second", 1), ("late", 2)];
        let wanted = wanted.map(|(name, waits)| (name.to_owned(), waits));
        assert_eq!(seen(&connection.lock().unwrap()), wanted);
        assert!(waiting.add(Commit::Follows, note("next")).1.is_some());
    }

    #[test]
    fn a_turn_that_is_given_up_leaves_nobody_waiting() {
        let waiting = Waiting::default();
        let (mut one, turn) = waiting.add(Commit::Waits, note("one"));
        let (mut other, _) = waiting.add(Commit::Waits, note("other"));
        drop(turn);
        assert!(
            one.try_recv()
                .is_err_and(|error| error == TryRecvError::Closed)
        );
        assert!(
            other
                .try_recv()
                .is_err_and(|error| error == TryRecvError::Closed)
        );
        let connection = Mutex::new(table());
        let (mut next, turn) = waiting.add(Commit::Waits, note("next"));
        turn.unwrap().carry_out(&connection);
        assert_eq!(next.try_recv().unwrap().unwrap(), "next");
    }

    #[test]
    fn work_that_panics_leaves_nobody_waiting() {
        let connection = Mutex::new(table());
        let waiting = Waiting::default();
        let panics = |_: &Connection| -> Result<()> { panic!("by the test") };
        let (mut bad, turn) = waiting.add(Commit::Waits, panics);
        let (mut other, _) = waiting.add(Commit::Waits, note("other"));
        let turn = turn.unwrap();
        let told =
            std::thread::scope(|scope| scope.spawn(|| turn.carry_out(&connection)).join().is_err());
        assert!(told && connection.is_poisoned());
        let is_closed = |told| matches!(told, Err(TryRecvError::Closed));
        assert!(is_closed(bad.try_recv().map(drop)) && is_closed(other.try_recv().map(drop)));
        // Nor does anybody after it, whom the connection refuses.
        let (mut next, turn) = waiting.add(Commit::Waits, note("next"));
        turn.unwrap().carry_out(&connection);
        assert!(
            next.try_recv()
                .is_err_and(|error| error == TryRecvError::Closed)
        );
    }
}
