//! Work shared among threads, the results in the order of the work.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

/// How many threads share the work where nothing else is said.
pub(crate) fn all_cores() -> NonZeroUsize {
    static CORES: OnceLock<NonZeroUsize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

/// Does the pieces of a work, each once, on so many threads; the results are in the order of the pieces.
///
/// Where a thread cannot be started, the others do its part.
pub(crate) fn shared<W: Send, R: Send>(
    threads: NonZeroUsize,
    pieces: Vec<W>,
    work: impl Fn(W) -> R + Sync,
) -> Vec<R> {
    let helpers = threads.get().min(pieces.len()).saturating_sub(1);
    if helpers == 0 {
        return pieces.into_iter().map(work).collect();
    }
    let pieces: Vec<Mutex<Option<W>>> = pieces.into_iter().map(|it| Mutex::new(Some(it))).collect();
    let done: Vec<Mutex<Option<R>>> = pieces.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let turn = || {
        while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed))
            && let (Some(piece), Some(place)) = (pieces.get(at), done.get(at))
        {
            let piece = piece.lock().unwrap_or_else(PoisonError::into_inner).take();
            let result = piece.map(&work);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = result;
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            let started = thread::Builder::new()
                .name("tallyline".to_owned())
                .spawn_scoped(scope, turn);
            if started.is_err() {
                break;
            }
        }
        turn();
    });
    done.into_iter()
        .filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Does the pieces of a work as [`shared`] does, and adds each result to a sum as soon as those before it are: that goes
/// on while other pieces are worked on, and a result is moved while it is at hand.
pub(crate) fn shared_into<W: Send, R: Send, S: Send>(
    (threads, pieces): (NonZeroUsize, Vec<W>),
    sum: S,
    work: impl Fn(W) -> R + Sync,
    add: impl Fn(&mut S, R) + Sync,
) -> S {
    let waiting: Vec<Mutex<Option<R>>> = pieces.iter().map(|_| Mutex::new(None)).collect();
    let take = |at: usize| {
        let place = waiting.get(at)?;
        place.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    // The sum, and the piece that it waits for.
    let sum = Mutex::new((sum, 0));
    let add_what_is_there = |(sum, next): &mut (S, usize)| {
        while let Some(result) = take(*next) {
            *next += 1;
            add(sum, result);
        }
    };
    shared(
        threads,
        (0..).zip(pieces).collect(),
        |(at, piece): (usize, W)| {
            let result = work(piece);
            if let Some(place) = waiting.get(at) {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }
            // Whoever has the sum adds for the others; what comes while it is about to let go is added with the next.
            if let Ok(mut sum) = sum.try_lock() {
                add_what_is_there(&mut sum);
            }
        },
    );
    let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    add_what_is_there(&mut sum);
    sum.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces_on_any_number_of_threads() {
        let wanted: Vec<u32> = (0..100).map(|n| n * 2).collect();
        for threads in [1, 2, 7, 200] {
            let threads = NonZeroUsize::new(threads).unwrap();
            assert_eq!(shared(threads, (0..100).collect(), |n: u32| n * 2), wanted);
        }
    }

    #[test]
    fn results_are_added_in_the_order_of_the_pieces_on_any_number_of_threads() {
        let wanted: Vec<u32> = (0..300).map(|n| n * 2).collect();
        for threads in [1, 2, 7, 200] {
            let work = (NonZeroUsize::new(threads).unwrap(), (0..300).collect());
            let before: Vec<u32> = Vec::new();
            let sum = shared_into(work, before, |n: u32| n * 2, Vec::push);
            assert_eq!(sum, wanted);
        }
    }

    #[test]
    fn no_work_has_no_results() {
        assert!(shared(all_cores(), Vec::<u32>::new(), |n| n).is_empty());
    }
}
