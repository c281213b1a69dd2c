//! The applier against a scripted PSA, on every store.

/// Runs each scene on every store, each in a module of the store's name.
macro_rules! on_every_store {
    ($(async fn $name:ident($bench:ident) $body:block)*) => {
        $(async fn $name(#[allow(unused_mut)] mut $bench: Bench) $body)*

        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Bench::memory()).await;
            })*
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Bench::sqlite()).await;
            })*
        }
    };
}

mod after;
mod agreement;
mod approval;
mod crash;
mod double;
#[cfg(feature = "sqlite")]
mod edited;
mod held;
mod leases;
mod machine;
mod made;
mod suite;
mod together;
mod wired_journal;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use double::{Fault, ScriptedSink, TestClock, Wire};
use wired_journal::WiredJournal;

use super::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, ChangeResult, Outcome};
use crate::error::Result;
use crate::model::{
    AgreementId, AgreementLine, ChangeId, CivilDate, Currency, Money, PlanId, ProductId, RunId,
    Timestamp,
};
use crate::plan::{Action, Change};
use crate::store::{Journal, MemoryStore};

fn money(cents: i64) -> Money {
    Money::new(rust_decimal::Decimal::new(cents, 2), Currency::USD)
}

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn change(id: &str, agreement: &str, product: &str, action: Action) -> Change {
    Change::new(id, "co", agreement, product, action, day("2026-02-01"))
}

fn set_quantity(id: &str, agreement: &str, product: &str, line: &str, units: (u32, u32)) -> Change {
    let action = Action::SetQuantity {
        line: line.into(),
        from: units.0.into(),
        to: units.1.into(),
    };
    change(id, agreement, product, action)
}

fn create(id: &str, agreement: &str, product: &str, units: u32) -> Change {
    let action = Action::CreateLine {
        quantity: units.into(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    change(id, agreement, product, action)
}

/// Two agreements; a line to end and create anew, one with cost and price to set.
fn lines() -> BTreeMap<AgreementId, Vec<AgreementLine>> {
    let mut priced = AgreementLine::new("l2", "p2", 5_u32);
    priced.state.unit_cost = Some(money(100));
    priced.state.unit_price = Some(money(200));
    BTreeMap::from([
        (
            "a1".into(),
            vec![
                AgreementLine::new("l1", "p1", 10_u32),
                priced,
                AgreementLine::new("l3", "p3", 4_u32),
            ],
        ),
        ("a2".into(), vec![AgreementLine::new("l9", "p1", 7_u32)]),
    ])
}

/// All five actions, two changes on one line, an ended line that is created anew.
fn changes() -> Vec<Change> {
    vec![
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a2", "p1", "l9", (7, 3)),
        change(
            "c3",
            "a1",
            "p2",
            Action::SetUnitCost {
                line: "l2".into(),
                from: Some(money(100)),
                to: money(110),
            },
        ),
        change(
            "c4",
            "a1",
            "p2",
            Action::SetUnitPrice {
                line: "l2".into(),
                from: Some(money(200)),
                to: money(220),
            },
        ),
        change(
            "c5",
            "a1",
            "p3",
            Action::EndLine {
                line: "l3".into(),
                from: 4_u32.into(),
                last_day: day("2026-01-31"),
                replaced_by: None,
            },
        ),
        create("c6", "a1", "p3", 6),
        create("c7", "a2", "p8", 1),
    ]
}

/// The approval of the whole plan.
fn approval() -> Approval {
    Approval::of_plan("plan-1".into(), "dana", Timestamp::EPOCH)
}

/// Everything a run needs, with the PSA in a known state.
struct Bench {
    sink: ScriptedSink,
    journal: WiredJournal,
    clock: TestClock,
    wire: Arc<Wire>,
    changes: Vec<Change>,
    approval: Approval,
    options: ApplyOptions,
}

impl Bench {
    fn on(store: Box<dyn Journal>) -> Self {
        let wire = Wire::new();
        let mut options = ApplyOptions::new();
        options.late_write = Duration::ZERO;
        options.verify_attempts = 3;
        options.verify_wait = Duration::from_secs(2);
        options.run = Some(RunId::new("r1"));
        Self {
            sink: ScriptedSink::new(lines(), Arc::clone(&wire)),
            journal: WiredJournal::new(store, Arc::clone(&wire)),
            clock: TestClock::default(),
            wire,
            changes: changes(),
            approval: approval(),
            options,
        }
    }

    fn memory() -> Self {
        Self::on(Box::new(MemoryStore::new()))
    }

    #[cfg(feature = "sqlite")]
    fn sqlite() -> Self {
        Self::on(Box::new(
            crate::store::SqliteStore::open_in_memory().unwrap(),
        ))
    }

    fn applier(&self) -> Applier<'_> {
        Applier::new(&self.sink, &self.journal, &self.clock)
    }

    async fn try_apply(&self) -> Result<ApplyReport> {
        let plan = PlanId::new("plan-1");
        let request = ApplyRequest {
            plan_id: &plan,
            plan_text: "{}",
            source: "vendor",
            changes: &self.changes,
            approval: &self.approval,
        };
        self.applier().apply(&request, &self.options).await
    }

    async fn apply(&self) -> ApplyReport {
        self.try_apply().await.unwrap()
    }

    async fn resume(&self) -> ApplyReport {
        self.resume_run("r1").await
    }

    async fn resume_run(&self, run: &str) -> ApplyReport {
        let run = RunId::new(run);
        self.applier().resume(&run, &self.options).await.unwrap()
    }

    /// What the writes of a change meet, one after the other.
    fn fault(&self, change: &str, faults: &[Fault]) {
        let faults = faults.iter().copied().collect();
        self.sink.world().faults.insert(change.into(), faults);
    }

    fn applied(&self, change: &str) -> u32 {
        let world = self.sink.world();
        world
            .applied
            .get(&ChangeId::new(change))
            .copied()
            .unwrap_or(0)
    }

    fn attempts(&self, change: &str) -> u32 {
        let world = self.sink.world();
        world
            .attempts
            .get(&ChangeId::new(change))
            .copied()
            .unwrap_or(0)
    }

    fn agreement_of(&self, change: &str) -> Option<AgreementId> {
        let mut changes = self.changes.iter();
        let change = changes.find(|known| known.id.as_str() == change)?;
        Some(change.agreement.clone())
    }

    fn all_attempts(&self) -> u32 {
        self.sink.world().attempts.values().sum()
    }

    async fn history(&self, change: &str) -> Vec<&'static str> {
        let events = self.journal.events(&RunId::new("r1")).await.unwrap();
        let of_change = events
            .iter()
            .filter(|event| event.change.as_str() == change);
        of_change.map(|event| event.event.name()).collect()
    }

    fn quantity(&self, agreement: &str, product: &str) -> Vec<String> {
        let product = ProductId::new(product);
        let world = self.sink.world();
        let open = |line: &&AgreementLine| line.product == product && line.state.last_day.is_none();
        let lines = world.lines[&AgreementId::new(agreement)].iter();
        lines
            .filter(open)
            .map(|line| line.state.quantity.to_string())
            .collect()
    }
}

fn of<'a>(report: &'a ApplyReport, change: &str) -> &'a ChangeResult {
    let mut results = report.changes.iter();
    results
        .find(|result| result.change.as_str() == change)
        .unwrap()
}

fn outcome(report: &ApplyReport, change: &str) -> Outcome {
    of(report, change).outcome
}

const DONE: Outcome = Outcome::Done { recovered: false };
const RECOVERED: Outcome = Outcome::Done { recovered: true };
