//! What comes after a run, on the scripted PSA.

mod history;
mod made;
mod retry;
mod status;
mod undo;
mod undo_properties;

use std::collections::BTreeMap;

use super::double::Fault;
use super::{Bench, money};
use crate::apply::after::{TakenBack, Undo, UndoContext, undo};
use crate::apply::{ApplyOptions, ApplyReport, ApplyRequest, Approval};
use crate::model::{
    Agreement, AgreementId, AgreementLine, AgreementReading, CivilDate, Money, Quantity, RunId,
    Timestamp,
};
use crate::plan::{self, Change, Plan, PlanContent, PlanKind, Policy};
use crate::reconcile::PsaBook;
use crate::sink::{SinkCapabilities, SinkDescriptor};
use crate::store::{ChangeRecord, Journal};

/// A PSA with a journal, and what it has invoiced.
struct Desk {
    bench: Bench,
    agreements: BTreeMap<AgreementId, Agreement>,
    sink: SinkDescriptor,
    today: CivilDate,
}

/// What an agreement bills: product, quantity, cost and price of its open lines and of catch-ups.
type Billed = Vec<(AgreementId, String, Quantity, Option<Money>, Option<Money>)>;

fn priced(id: &str, product: &str, quantity: u32) -> AgreementLine {
    let mut line = AgreementLine::new(id, product, quantity);
    line.state.unit_cost = Some(money(100));
    line.state.unit_price = Some(money(200));
    line.state.effective = Some(super::day("2025-01-01"));
    line
}

fn all_capabilities() -> SinkCapabilities {
    SinkCapabilities {
        child_agreements: true,
        create_product: true,
        whole_units_only: false,
        dated_quantities: false,
        create_line: true,
        set_quantity: true,
        set_unit_cost: true,
        set_unit_price: true,
        end_line: true,
        end_before_start: false,
        create_agreement: true,
        add_charge: true,
        set_count: false,
        write_note: true,
    }
}

impl Desk {
    /// Two agreements that are invoiced up to the end of January.
    fn new() -> Self {
        let lines = BTreeMap::from([
            (
                "a1".into(),
                vec![
                    priced("l1", "p1", 10),
                    priced("l2", "p2", 5),
                    priced("l3", "p3", 4),
                ],
            ),
            ("a2".into(), vec![priced("l9", "p1", 7)]),
        ]);
        Self::with(lines)
    }

    fn with(lines: BTreeMap<AgreementId, Vec<AgreementLine>>) -> Self {
        let bench = Bench::memory();
        let agreements = lines.keys().map(|id| {
            let mut agreement = Agreement::new(id.clone(), "co", "Cloud");
            agreement.next_invoice = Some(super::day("2026-02-01"));
            agreement.prorates = Some(false);
            (id.clone(), agreement)
        });
        let agreements = agreements.collect();
        bench.sink.world().lines = lines;
        Self {
            bench,
            agreements,
            sink: SinkDescriptor::new("scripted", "Scripted", all_capabilities()),
            today: super::day("2026-01-15"),
        }
    }

    /// Invoices both agreements up to the day before this one.
    fn invoice_up_to(&mut self, next: &str) {
        for agreement in self.agreements.values_mut() {
            agreement.next_invoice = Some(super::day(next));
        }
    }

    async fn run(&self, id: &str, changes: &[Change]) -> ApplyReport {
        self.run_with(id, changes, ApplyOptions::new()).await
    }

    async fn run_with(
        &self,
        id: &str,
        changes: &[Change],
        mut options: ApplyOptions,
    ) -> ApplyReport {
        let plan = crate::model::PlanId::new(format!("plan of {id}"));
        let approval = Approval::of_plan(plan.clone(), "dana", Timestamp::EPOCH);
        let request = ApplyRequest {
            plan_id: &plan,
            plan_text: "{}",
            source: "vendor",
            changes,
            approval: &approval,
        };
        options.run = Some(RunId::new(id));
        self.bench
            .applier()
            .apply(&request, &options)
            .await
            .unwrap()
    }

    async fn records(&self, run: &str) -> Vec<ChangeRecord> {
        let run = RunId::new(run);
        self.bench.journal.changes(&run).await.unwrap()
    }

    fn book(&self) -> PsaBook {
        let mut book = PsaBook::new([], self.agreements.values().cloned(), []);
        let world = self.bench.sink.world();
        for (id, lines) in &world.lines {
            book.add_lines(AgreementReading::complete(id.clone(), lines.clone()));
        }
        book
    }

    async fn undo(&self, run: &str) -> Undo {
        self.undo_on(run, &self.book(), &Policy::default()).await
    }

    async fn undo_on(&self, run: &str, book: &PsaBook, policy: &Policy) -> Undo {
        let id = RunId::new(run);
        let journal = &self.bench.journal;
        let taken_back = TakenBack::read(journal, &id).await.unwrap();
        let context = UndoContext {
            sink: &self.sink,
            book,
            policy,
            today: self.today,
            now: self.today.midnight_utc(),
            source_tenant: None,
            taken_back: &taken_back,
        };
        let record = journal.run(&id).await.unwrap();
        let records = journal.changes(&id).await.unwrap();
        undo(&record, &records, &context).unwrap()
    }

    fn fault(&self, change: &str, faults: &[Fault]) {
        self.bench.fault(change, faults);
    }

    fn edit(&self, agreement: &str, line: &str, edit: impl FnOnce(&mut AgreementLine)) {
        let mut world = self.bench.sink.world();
        let lines = world.lines.get_mut(&AgreementId::new(agreement)).unwrap();
        edit(
            lines
                .iter_mut()
                .find(|known| known.id.as_str() == line)
                .unwrap(),
        );
    }

    fn billed(&self) -> Billed {
        let world = self.bench.sink.world();
        let mut billed = Vec::new();
        for (agreement, lines) in &world.lines {
            let catches_up = |line: &&AgreementLine| {
                let began = Some(super::day("2026-01-15"));
                line.state.effective == began && !line.state.quantity.is_zero()
            };
            let open = |line: &&AgreementLine| line.state.last_day.is_none();
            for line in lines.iter().filter(|line| open(line) || catches_up(line)) {
                let state = &line.state;
                billed.push((
                    agreement.clone(),
                    line.product.to_string(),
                    state.quantity,
                    state.unit_cost,
                    state.unit_price,
                ));
            }
        }
        billed.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
        billed
    }
}

/// A plan of these changes from the vendor to the scripted PSA.
fn plan_of(changes: Vec<Change>) -> Plan {
    Plan::new(PlanContent {
        kind: PlanKind::Billing,
        source: "vendor".into(),
        source_tenant: None,
        sink: "scripted".into(),
        sink_tenant: None,
        strategy: plan::Strategy::InPlace,
        made: super::day("2026-01-15").midnight_utc(),
        origin: None,
        today: super::day("2026-01-15"),
        data_as_of: None,
        refresh_seconds: None,
        mapping_revision: 1,
        policy: Policy::default(),
        found: BTreeMap::new(),
        unowned_lines: 0,
        bills: Vec::new(),
        changes,
        notices: Vec::new(),
    })
    .unwrap()
}

fn ids(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.id.as_str()).collect()
}
