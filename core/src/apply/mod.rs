//! Applying a plan: exactly once, with proof.
//!
//! Per change: the intent is journalled, the target is read and compared with what the plan
//! was made on, the write is journalled as sent **before** it leaves, leaves once, and is read
//! back; the outcome is journalled with what was seen. What is recorded is added to the journal
//! in that order, together where nothing that writes comes between: while the next thing is read,
//! and all of it before a write to the same agreement leaves. A lost answer is unknown until reading
//! back settles it. The changes of one agreement run in order, one at a time, under a lease.
//!
//! [`Machine`] holds the rules of one change and [`AgreementMachine`] those of an agreement,
//! without any I/O and with the time as an input: another engine can drive them as well.
//! [`Applier`] carries them out against a sink and a journal. Nothing leaves that the
//! [`Approval`] does not cover.
//!
//! # Examples
//! ```no_run
//! # use tallyline_core::{PsaSink, Result, plan::Change, model::PlanId};
//! use tallyline_core::apply::{Applier, ApplyOptions, ApplyRequest, Approval};
//! use tallyline_core::clock::Clock;
//! use tallyline_core::store::Journal;
//!
//! # async fn example(sink: &dyn PsaSink, journal: &dyn Journal, clock: &dyn Clock,
//! #     plan: &PlanId, plan_text: &str, changes: &[Change]) -> Result<()> {
//! let applier = Applier::new(sink, journal, clock);
//! let approval = Approval::of_plan(plan.clone(), "dana@msp.example", clock.now());
//! let mut options = ApplyOptions::new();
//! options.concurrency = 4;
//! let request = ApplyRequest { plan_id: plan, plan_text, source: "sherweb", changes, approval: &approval };
//! let mut report = applier.apply(&request, &options).await?;
//! if report.is_resumable() {
//!     report = applier.resume(&report.run, &options).await?;
//! }
//! tracing::info!("{}", report.totals);
//! # Ok(())
//! # }
//! ```

pub mod after;
mod agreement;
mod approval;
mod ceiling;
mod machine;
mod options;
mod report;
mod runner;
mod work;

#[cfg(test)]
mod tests;

pub use agreement::{AgreementInput, AgreementLimits, AgreementMachine, AgreementStep};
pub use approval::{Approval, Override, Permission, Scope};
pub use ceiling::{Ceiling, Grant};
pub use machine::{Check, Input, Limits, Machine, Step, Written};
pub use options::{ApplyEvent, ApplyOptions, ApplyRequest, CancelFlag, OnEvent};
pub use report::{ApplyReport, ChangeResult, Outcome, Stop, Totals};
pub use runner::Applier;
