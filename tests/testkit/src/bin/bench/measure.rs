//! Wall time, processor time and memory of this process.

use std::time::{Duration, Instant};
use std::{fs, io};

use rustix::time::{ClockId, clock_gettime};

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// Of all threads together.
    pub(crate) cpu: Duration,
}

/// Does a piece of work and says what it took.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, Took) {
    let started = Watch::start();
    let done = work();
    (done, started.took())
}

/// A watch that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    wall: Instant,
    cpu: Duration,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            cpu: cpu(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn took(self) -> Took {
        Took {
            wall: self.wall.elapsed(),
            cpu: cpu().saturating_sub(self.cpu),
        }
    }
}

fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(spent.tv_sec).unwrap_or(0),
        u32::try_from(spent.tv_nsec).unwrap_or(0),
    )
}

/// The memory that is in use now, and from now on its peak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Bytes that were resident when it was taken.
    pub(crate) before: u64,
}

impl Memory {
    /// Takes what is resident now, and lets the kernel count its peak anew.
    pub(crate) fn watch() -> io::Result<Self> {
        fs::write("/proc/self/clear_refs", "5")?;
        Ok(Self {
            before: status("VmRSS")?,
        })
    }

    /// How far the resident memory rose above what it was.
    pub(crate) fn rise(self) -> io::Result<u64> {
        Ok(status("VmHWM")?.saturating_sub(self.before))
    }
}

/// A field of this process's status, in bytes.
fn status(field: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes
        .map(|kilobytes: u64| kilobytes * 1024)
        .ok_or_else(|| io::Error::other(format!("the kernel does not tell {field}")))
}
