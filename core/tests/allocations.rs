//! How often and how much the core allocates on small inputs, held to bounds: what grows with the lines shows here,
//! on any machine, however busy.
//!
//! A bound is a little above what is needed now. Who needs less lowers it; who needs more says why.

#[path = "../benches/world/mod.rs"]
mod world;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use tallyline_core::model::{Quantity, ReadingOutcome, UsageLine};
use world::World;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const ACCOUNTS: u32 = 1_000;

/// Usage lines and agreement lines, each.
const LINES: u64 = 10 * ACCOUNTS as u64;

/// At most so many blocks in a hundred units, and so many bytes of each.
type Bounds = (u64, u64);

const BOOK: Bounds = (33, 55);
const COMPARISON: Bounds = (22, 170);
const PLAN: Bounds = (1_100, 2_650);
const TEXT: Bounds = (5, 6_400);

/// Where each agreement has a product of two lines, and none goes the short way.
const LONG_COMPARISON: Bounds = (32, 400);

/// What a piece of work allocated.
struct Allocated {
    blocks: u64,
    bytes: u64,
}

fn counted<R>(work: impl FnOnce() -> R) -> (R, Allocated) {
    let before = dhat::HeapStats::get();
    let done = work();
    let after = dhat::HeapStats::get();
    let allocated = Allocated {
        blocks: after.total_blocks - before.total_blocks,
        bytes: after.total_bytes - before.total_bytes,
    };
    (done, allocated)
}

/// Tells what was allocated of each unit of the work, and whether that is within the bounds.
fn is_within(what: &str, allocated: &Allocated, units: u64, (blocks, bytes): Bounds) -> bool {
    let per_hundred = (allocated.blocks * 100).div_ceil(units);
    let of_one = allocated.bytes.div_ceil(units);
    let within = per_hundred <= blocks && of_one <= bytes;
    eprintln!(
        "{what}: {per_hundred} blocks in a hundred (at most {blocks}), {of_one} bytes each (at most {bytes}){}",
        if within { "" } else { ": TOO MUCH" }
    );
    within
}

/// Gives each reading a second line of its first product, of nothing: all comes to the same, and no agreement goes the
/// short way.
fn with_second_lines(mut world: World) -> World {
    for reading in &mut world.readings {
        let ReadingOutcome::Complete(lines) = &mut reading.outcome else {
            continue;
        };
        if let Some(first) = lines.first() {
            let key = format!("{}:second", first.key);
            let second = UsageLine::new(key, first.service.clone(), Quantity::ZERO);
            lines.push(second);
        }
    }
    world
}

fn short_way_is_within() -> tallyline_core::Result<bool> {
    let world = World::of_accounts(ACCOUNTS)?;
    let lines = world.lines.clone();
    let (book, of_book) = counted(|| world.book(lines));
    let (comparison, of_comparison) = counted(|| world.compare(&book, NonZeroUsize::MIN));
    let comparison = comparison?;
    let (plan, of_plan) = counted(|| world.plan(&comparison));
    let plan = plan?;
    let (text, of_text) = counted(|| plan.to_text());
    text?;
    let changes = plan.changes().len() as u64;
    let all = [
        is_within("the book, a line", &of_book, LINES, BOOK),
        is_within("the comparison, a line", &of_comparison, LINES, COMPARISON),
        is_within("the plan, a change", &of_plan, changes, PLAN),
        is_within("its text, a change", &of_text, changes, TEXT),
    ];
    Ok(!all.contains(&false))
}

fn long_way_is_within() -> tallyline_core::Result<bool> {
    let world = with_second_lines(World::of_accounts(ACCOUNTS)?);
    let book = world.book(world.lines.clone());
    let (comparison, of_comparison) = counted(|| world.compare(&book, NonZeroUsize::MIN));
    let comparison = comparison?;
    let (plan, of_plan) = counted(|| world.plan(&comparison));
    let changes = plan?.changes().len() as u64;
    let all = [
        is_within(
            "the long way, a line",
            &of_comparison,
            LINES,
            LONG_COMPARISON,
        ),
        is_within("the plan of it, a change", &of_plan, changes, PLAN),
    ];
    Ok(!all.contains(&false))
}

fn main() -> Result<ExitCode, tallyline_core::Error> {
    let _profiler = dhat::Profiler::builder().testing().build();
    let within = [short_way_is_within()?, long_way_is_within()?];
    let code = if within.contains(&false) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    };
    Ok(code)
}
