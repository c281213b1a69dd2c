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
    fn no_work_has_no_results() {
        assert!(shared(all_cores(), Vec::<u32>::new(), |n| n).is_empty());
    }
}
