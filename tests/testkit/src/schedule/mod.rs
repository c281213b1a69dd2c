//! Schedules of faults: the proof that a plan is applied exactly once.
//!
//! A schedule is drawn from a seed: agreements with lines, a plan of 1 to 200 changes to them, and
//! what goes wrong while the plan is carried out. Each process that works on the plan can lose its
//! connection, its answers, its disk and its life at any action; a colleague edits the same lines;
//! two processes may work on one journal at once. Afterwards the true history, which the simulated
//! PSA kept, is compared with the plan, the journal and the reports.
//!
//! Most schedules also make what stands beside the lines ([`Bundle`]): products of the catalogue in a run of their
//! own, as a bundled target has them; then, in the run of the plan, child agreements under masters, each with its
//! first lines, of those products too, and charges. Some of it stands already, made by an earlier run whose journal
//! is lost, or in a form that may not be used. Most times a last run asks for all of it once more. A further kind
//! comes in as a part of
//! [`Bundle`], with its [`Making`] or its [`Effect`] in each world that can carry it out.
//!
//! # What is counted
//!
//! *Duplicated*: a change took effect more than once. Every write that the PSA carried out for a change counts,
//! whether a second line was created, a write landed again after it was proved, or a resend took effect over
//! somebody's later edit; of whatever run, an agreement beside one of its key, a product beside one of its
//! identifier, a charge beside one of its bill, a line beside the open one that an earlier run created. In memory a
//! write that finds its value in place counts too; ConnectWise PSA does not commit such a write.
//!
//! *Lost*: a change that was to be carried out and neither took effect nor is reported with its
//! reason. That is one that the last report leaves out, or says of that it was not done without a
//! reason, or that is still unsettled or unfinished when the faults are over, late writes can no
//! longer arrive ([`late_write`]) and the run was resumed. And one that is reported as not done
//! although nothing stood in its way: it is approved, not blocked and does not follow on one of the
//! same line that is not, no run before left its charge in conflict, and on its agreement neither the wire nor a
//! colleague did any harm. (Processes that die, disks that refuse and other processes excuse nothing.)
//!
//! *Wrongly reported*: the journal or the report says done and the change never took effect; or says failed,
//! drifted, skipped or blocked and it took effect, be it late; a report says of a finished change something else
//! than the journal, or of an open one not why; or of a change that is done the line is another one, the state
//! before is none that the line had between its last reading (or as long before as reads lag) and the write, or the
//! state after is none that it had between the write and the read-back. Of an agreement, a product or a charge, if
//! the record that the report names does not stand under the right master, or on the right agreement, or was not
//! read back. And, whatever is reported, a change that took effect on another agreement, line or product than it
//! names, as on a master in the place of its child; or anything written that no change asks for, or that a run before left
//! to a person. *Conflict* claims
//! neither: a person has to look.
//!
//! *Unsettled*: honestly reported as unknown at the moment when the faults are over, with the reason.
//! It is no failure, but must be rare: its share is printed, and what it is made of ([`Unsettled`]).
//! In the end, when the run was resumed without faults, none may be left: it is lost then.
//!
//! # What goes wrong
//!
//! To a write: [`WriteFault`]; to a read: [`ReadFault`]; by a colleague: [`Edit`]. To a process: it
//! dies before or after the effect of any call to the PSA or the journal, and another one goes on;
//! or it stands still there, or in the middle of a write, for up to twenty minutes while another one
//! works; or two work beside each other. Half of the processes leave no proof of their death: their
//! leases end by their time alone. To the journal: a read or write fails, before or after the row is
//! durable. [`Kind`] lists them, and each schedule counts those that truly struck.
//!
//! # What does not
//!
//! - Over HTTP a process neither dies nor stands still while a call of its own is under way: one simulator, with
//!   the faults that the call meets, serves all processes. In memory it does.
//! - A write arrives at most [`late_write`] after it left, and so much earlier that reads show it
//!   then. That is what the option promises.
//! - A read lags at most five seconds, and a row is missing in one reading of an agreement, not in
//!   two in a row. A look-up by key or identifier has one row, which is never missing.
//! - A run begins when the reads show what the run before it has done, and in one that asks for the same lines
//!   once more no row is missing: nothing else tells that such a line is there.
//! - A colleague never sets the very value that a change sets, never sets a line back to exactly what
//!   it was, and never deletes a line that a change created: no read can tell such an edit
//!   from a write that landed, or never did. Of what is made beside the lines it changes the name alone.
//! - A process does not stand still between its last look at its lease and the first byte on the
//!   wire: to the PSA, that is a write that arrives late.
//!
//! # Three worlds
//!
//! Most schedules are played in [`MemoryWorld`]: one thread, tokio's clock paused, four agreements at once. One in
//! sixteen is played over HTTP, one call at a time, with the real sink of ConnectWise PSA on its simulator
//! ([`ConnectWiseWorld`]). Those that are asked for ([`play_all_in`], `--sink autotask`) are played with the real
//! sink of Autotask on its simulator ([`AutotaskWorld`]): plans of whole units, each line once, for an adjustment
//! is a difference that cannot be read; and contracts for keys and charges. (Children and products are made in the
//! first two, charges in memory and at Autotask. The sink in memory makes what it is told to make and looks at
//! nothing: the applier alone stands between a plan and a second one. The real ones look once more before they
//! send.) A further sink comes in as a further
//! [`World`]; one over HTTP as a [`Simulated`] in [`OverHttp`].
//!
//! # The binary
//! ```sh
//! cargo run --release -p tallyline-testkit --bin faults -- --schedules 10000 --seed 1
//! cargo run --release -p tallyline-testkit --bin faults -- --schedules 1 --seed 17 --verbose
//! ```
//!
//! [`late_write`]: tallyline_core::apply::ApplyOptions::late_write

mod adversary;
mod autotask;
mod autotask_made;
mod bundle;
mod connectwise;
mod connectwise_made;
mod draft;
mod judge;
mod kinds;
mod memory;
mod memory_made;
mod memory_verdict;
mod over_http;
mod play;
mod process;
mod subject;
mod tally;
mod through;
mod time;
mod wire;
mod world;

pub use autotask::AutotaskWorld;
pub use bundle::{Bundle, Charge, Child, Standing};
pub use connectwise::ConnectWiseWorld;
pub use draft::{Draft, DraftLine, Ids, Plan};
pub use judge::Findings;
pub use kinds::{Faults, Kind};
pub use memory::MemoryWorld;
pub use over_http::{OverHttp, Simulated};
pub use play::{Place, Played, play, play_in};
pub use subject::{Bench, Production, Subject};
pub use tally::{Ends, Made, Tally, Unsettled, play_all, play_all_in};
pub use through::{Hooks, Through};
pub use time::Time;
pub use world::{Cause, Edit, Effect, ErrorPage, Making, ReadFault, World, WriteFault};
