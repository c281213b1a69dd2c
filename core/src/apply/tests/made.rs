//! Agreements and charges: made once, found again by key and marker, in the order of the plan.

use super::*;
use crate::apply::after::RunStatus;
use crate::model::{BillKey, BillingCycle, ChargeKey, Quantity};
use crate::sink::MadeRecord;
use crate::store::{ChangeState, Ledger, LedgerCharge};

const AGREEMENT: &str = "key:sub-1";

pub(super) fn create_agreement(id: &str) -> Change {
    let action = Action::CreateAgreement {
        name: "Mail".into(),
        billing_cycle: BillingCycle::Monthly,
        last_day: Some(day("2027-01-31")),
        parent: None,
    };
    change(id, AGREEMENT, "p1", action)
}

fn on_it(id: &str, product: &str) -> Change {
    let mut line = create(id, AGREEMENT, product, 4);
    line.follows = Some("n1".into());
    line
}

pub(super) fn charge(id: &str, date: &str) -> Change {
    let action = Action::AddCharge {
        account: "c-1".into(),
        bill: BillKey::new("azure", day(date)),
        description: "Azure plan".into(),
        quantity: Quantity::ONE,
        unit_price: money(81_244),
        unit_cost: None,
        period: None,
    };
    let mut change = change(id, "a1", "p1", action);
    change.marker = change.charge_key().unwrap().marker("vendor");
    change
}

/// A charge as planned after its service was moved to another agreement.
pub(super) fn moved(mut charge: Change) -> Change {
    charge.agreement = "a2".into();
    charge
}

fn of_account(id: &str, company: &str, action: Action) -> Change {
    let agreement = AgreementId::of_account(&company.into());
    let mut change = change(id, agreement.as_str(), "CompanyID", action);
    change.company = company.into();
    change
}

pub(super) fn create_account(id: &str, company: &str) -> Change {
    let name = format!("Company {company}");
    of_account(id, company, Action::CreateAccount { name })
}

pub(super) fn link_account(id: &str, company: &str) -> Change {
    let account = format!("account of {company}").into();
    let name = format!("Company {company}");
    of_account(id, company, Action::LinkAccount { account, name })
}

fn create_product(id: &str) -> Change {
    let identifier = "VENDOR-VDC-RAM";
    let action = Action::CreateProduct {
        identifier: identifier.into(),
        name: "RAM".into(),
        service: "vdc/ram".into(),
    };
    let mut change = change(
        id,
        AgreementId::of_product(identifier).as_str(),
        identifier,
        action,
    );
    change.company = "".into();
    change
}

/// A block of the note of agreement a1.
pub(super) fn write_note(id: &str, from: Option<&str>, to: &str) -> Change {
    let action = Action::WriteNote {
        owner: "vendor C-1".into(),
        from: from.map(str::to_owned),
        to: to.into(),
    };
    change(id, "a1", "vendor C-1", action)
}

async fn ledger(bench: &Bench) -> Ledger {
    bench.journal.ledger("vendor", "scripted").await.unwrap()
}

async fn in_run(bench: &mut Bench, run: &str, changes: Vec<Change>) -> ApplyReport {
    bench.options.run = Some(RunId::new(run));
    bench.changes = changes;
    bench.apply().await
}

on_every_store! {
    async fn a_note_is_written_once_and_the_same_block_is_not_written_again(bench) {
        bench.changes = vec![write_note("n1", None, "3 x Mail")];
        let report = bench.apply().await;
        assert!(report.is_all_done(), "{report}");
        assert!(matches!(of(&report, "n1").made, Some(MadeRecord::Note(_))), "{report}");
        let report = in_run(&mut bench, "r2", vec![write_note("n2", None, "3 x Mail")]).await;
        assert!(report.is_all_done(), "{report}");
        assert_eq!((bench.attempts("n1"), bench.attempts("n2")), (1, 0));
    }

    async fn a_note_takes_the_place_of_the_block_that_it_was_planned_on_and_of_no_other(bench) {
        in_run(&mut bench, "r1", vec![write_note("n1", None, "3 x Mail")]).await;
        let report = in_run(&mut bench, "r2", vec![write_note("n2", Some("3 x Mail"), "4 x Mail")]).await;
        assert!(report.is_all_done(), "{report}");
        let report = in_run(&mut bench, "r3", vec![write_note("n3", Some("3 x Mail"), "5 x Mail")]).await;
        assert_eq!(outcome(&report, "n3"), Outcome::Drifted, "{report}");
        assert_eq!(bench.attempts("n3"), 0);
    }

    async fn a_lost_answer_to_a_note_is_settled_by_reading_the_block(bench) {
        bench.changes = vec![write_note("n1", None, "3 x Mail")];
        bench.fault("n1", &[Fault::LostButLanded]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), RECOVERED, "{report}");
        assert_eq!((bench.applied("n1"), bench.attempts("n1")), (1, 1));
    }

    async fn an_agreement_is_created_before_its_lines(bench) {
        bench.changes = vec![create_agreement("n1"), on_it("n2", "p1"), on_it("n3", "p2")];
        let report = bench.apply().await;
        assert!(report.is_all_done(), "{report}");
        let made = of(&report, "n1").made.clone();
        assert!(matches!(made, Some(MadeRecord::Agreement(_))), "{made:?}");
        assert_eq!(bench.quantity(AGREEMENT, "p1"), ["4"]);
        assert_eq!(bench.quantity(AGREEMENT, "p2"), ["4"]);
    }

    async fn a_lost_answer_to_a_creation_is_settled_by_its_key(bench) {
        bench.changes = vec![create_agreement("n1"), on_it("n2", "p1")];
        bench.fault("n1", &[Fault::LostButLanded]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), RECOVERED, "{report}");
        assert_eq!(outcome(&report, "n2"), DONE, "{report}");
        assert_eq!((bench.applied("n1"), bench.attempts("n1")), (1, 1));
    }

    async fn a_creation_that_never_arrived_holds_its_lines_and_is_made_by_the_resume(bench) {
        bench.changes = vec![create_agreement("n1"), on_it("n2", "p1")];
        bench.fault("n1", &[Fault::Lost]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), Outcome::Unsettled, "{report}");
        assert_eq!(outcome(&report, "n2"), Outcome::Waiting, "{report}");
        let report = bench.resume().await;
        assert!(report.is_all_done(), "{report}");
        assert_eq!((bench.applied("n1"), bench.attempts("n1")), (1, 2));
    }

    async fn an_agreement_that_is_there_as_wanted_is_not_created_again(bench) {
        in_run(&mut bench, "r1", vec![create_agreement("n1")]).await;
        let changes = vec![create_agreement("m1"), on_it("m2", "p1")];
        let report = in_run(&mut bench, "r2", changes).await;
        assert_eq!(outcome(&report, "m1"), RECOVERED, "{report}");
        assert_eq!(of(&report, "m1").sent, None);
        assert_eq!((bench.attempts("m1"), bench.applied("m2")), (0, 1));
    }

    async fn an_agreement_that_is_there_otherwise_takes_none_of_the_lines(bench) {
        bench.changes = vec![create_agreement("n1"), on_it("n2", "p1")];
        bench.fault("n1", &[Fault::Overwritten]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), Outcome::Conflict, "{report}");
        let changes = vec![create_agreement("m1"), on_it("m2", "p1")];
        let report = in_run(&mut bench, "r2", changes).await;
        assert_eq!(outcome(&report, "m1"), Outcome::Drifted, "{report}");
        assert_eq!(outcome(&report, "m2"), Outcome::Skipped, "{report}");
        assert!(of(&report, "m2").detail.contains("create the agreement"), "{report}");
        assert_eq!(bench.attempts("m1") + bench.attempts("m2"), 0);
    }

    async fn accounts_are_made_once_each_for_itself(bench) {
        bench.fault("n1", &[Fault::LostButLanded]);
        bench.fault("n2", &[Fault::Rejected]);
        let all = || ["1", "2", "3"].map(|company| create_account(&format!("n{company}"), company));
        let report = in_run(&mut bench, "r1", all().to_vec()).await;
        assert_eq!(outcome(&report, "n1"), RECOVERED, "{report}");
        assert_eq!(outcome(&report, "n2"), Outcome::Failed { retryable: false });
        assert_eq!(outcome(&report, "n3"), DONE, "{report}");
        assert!(matches!(of(&report, "n3").made, Some(MadeRecord::Account(_))));
        let report = in_run(&mut bench, "r2", all().to_vec()).await;
        assert!(report.is_all_done(), "{report}");
        assert_eq!(["n1", "n2", "n3"].map(|id| bench.applied(id)), [1, 1, 1]);
        assert_eq!(bench.attempts("n1") + bench.attempts("n3"), 2);
    }

    async fn a_product_is_made_once_whoever_asks_again(bench) {
        bench.fault("n1", &[Fault::LostButLanded]);
        let report = in_run(&mut bench, "r1", vec![create_product("n1")]).await;
        assert_eq!(outcome(&report, "n1"), RECOVERED, "{report}");
        assert!(matches!(of(&report, "n1").made, Some(MadeRecord::Product(_))));
        let report = in_run(&mut bench, "r2", vec![create_product("m1")]).await;
        assert_eq!(outcome(&report, "m1"), RECOVERED, "{report}");
        assert_eq!((bench.applied("n1"), bench.attempts("m1")), (1, 0));
    }

    async fn an_account_whose_creation_never_arrived_is_created_by_the_resume(bench) {
        bench.changes = vec![create_account("n1", "1")];
        bench.fault("n1", &[Fault::Lost]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), Outcome::Unsettled, "{report}");
        let report = bench.resume().await;
        assert!(report.is_all_done(), "{report}");
        assert_eq!((bench.applied("n1"), bench.attempts("n1")), (1, 2));
    }

    async fn a_refused_creation_takes_its_lines_with_it(bench) {
        bench.changes = vec![create_agreement("n1"), on_it("n2", "p2")];
        bench.fault("n1", &[Fault::Rejected]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), Outcome::Failed { retryable: false });
        assert_eq!(outcome(&report, "n2"), Outcome::Skipped, "{report}");
    }

    async fn a_bill_is_charged_once_whoever_asks_again(bench) {
        let report = in_run(&mut bench, "r1", vec![charge("n1", "2026-03-06")]).await;
        assert_eq!(outcome(&report, "n1"), DONE, "{report}");
        let report = in_run(&mut bench, "r2", vec![charge("m1", "2026-03-06")]).await;
        assert_eq!(outcome(&report, "m1"), Outcome::Drifted, "{report}");
        assert!(of(&report, "m1").detail.contains("run r1"), "{report}");
        let report = in_run(&mut bench, "r3", vec![charge("o1", "2026-04-06")]).await;
        assert_eq!(outcome(&report, "o1"), DONE, "{report}");
        assert_eq!(bench.sink.world().made.len(), 2);
    }

    async fn a_charge_that_another_run_may_have_made_and_one_it_was_refused_are_not_told_as_made(bench) {
        bench.fault("n1", &[Fault::Rejected]);
        in_run(&mut bench, "r1", vec![charge("n1", "2026-03-06")]).await;
        let report = in_run(&mut bench, "r2", vec![charge("m1", "2026-03-06")]).await;
        assert_eq!(outcome(&report, "m1"), DONE, "{report}");
        let report = bench.resume_run("r2").await;
        assert_eq!(outcome(&report, "m1"), DONE, "it is its own charge: {report}");
    }

    async fn a_bill_that_another_run_may_have_charged_on_another_agreement_waits_for_that_run(bench) {
        bench.fault("n1", &[Fault::Lost]);
        let report = in_run(&mut bench, "r1", vec![charge("n1", "2026-03-06")]).await;
        assert!(of(&report, "n1").resumable, "{report}");
        let changes = vec![
            create("m0", "a2", "p5", 4),
            moved(charge("m1", "2026-03-06")),
            create("m2", "a2", "p6", 4),
        ];
        let report = in_run(&mut bench, "r2", changes).await;
        assert_eq!((outcome(&report, "m0"), outcome(&report, "m2")), (DONE, DONE), "{report}");
        assert!(of(&report, "m1").resumable, "{report}");
        let detail = &of(&report, "m1").detail;
        assert!(detail.contains("run r1 may have made"), "{report}");
        let (run, records) = (RunId::new("r2"), bench.journal.changes(&"r2".into()).await.unwrap());
        let status = RunStatus::of(bench.journal.run(&run).await.unwrap(), &records);
        assert!(status.has_waiting_charge() && status.open[0].detail.is_empty(), "{status:?}");
        let status = status.with_charges_elsewhere(&ledger(&bench).await);
        assert_eq!(status.open[0].detail, *detail);
        let report = bench.resume_run("r1").await;
        assert_eq!(outcome(&report, "n1"), DONE, "{report}");
        let report = bench.resume_run("r2").await;
        assert_eq!(outcome(&report, "m1"), Outcome::Drifted, "{report}");
        assert!(of(&report, "m1").detail.contains("run r1 has made"), "{report}");
        assert_eq!((bench.attempts("m1"), bench.applied("n1")), (0, 1));
    }

    async fn a_bill_whose_charge_another_run_left_in_conflict_is_for_a_person(bench) {
        bench.fault("n1", &[Fault::Overwritten]);
        let report = in_run(&mut bench, "r1", vec![charge("n1", "2026-03-06")]).await;
        assert_eq!(outcome(&report, "n1"), Outcome::Conflict, "{report}");
        let report = in_run(&mut bench, "r2", vec![moved(charge("m1", "2026-03-06"))]).await;
        assert_eq!(outcome(&report, "m1"), Outcome::Drifted, "{report}");
        assert!(of(&report, "m1").detail.contains("a person must look"), "{report}");
        assert_eq!(bench.attempts("m1"), 0);
    }

    async fn a_charge_read_back_alone_names_the_record_and_when_it_was_proved(bench) {
        bench.changes = vec![charge("n1", "2026-03-06")];
        bench.fault("n1", &[Fault::LostButLanded]);
        let report = bench.apply().await;
        let result = of(&report, "n1");
        assert!(matches!(result.made, Some(MadeRecord::Charge(_))), "{result:?}");
        assert!(result.time_to_proof().is_some(), "{result:?}");
    }

    async fn a_lost_answer_to_a_charge_is_settled_by_its_marker(bench) {
        bench.changes = vec![charge("n1", "2026-03-06")];
        bench.fault("n1", &[Fault::LostButLanded]);
        let report = bench.apply().await;
        assert_eq!(outcome(&report, "n1"), RECOVERED, "{report}");
        assert_eq!((bench.applied("n1"), bench.attempts("n1")), (1, 1));
    }

    async fn the_ledger_says_which_run_charged_which_bill(bench) {
        let key = |date: &str| charge("x", date).charge_key().unwrap();
        bench.fault("n2", &[Fault::Lost]);
        bench.fault("n3", &[Fault::Rejected]);
        let changes = vec![
            charge("n1", "2026-03-06"),
            charge("n3", "2026-05-06"),
            charge("n2", "2026-04-06"),
        ];
        in_run(&mut bench, "r1", changes).await;
        let known = ledger(&bench).await;
        let first = known.charge(&key("2026-03-06")).unwrap();
        assert_eq!((first.run.as_str(), first.state), ("r1", ChangeState::Done));
        assert_eq!(first.change.id.as_str(), "n1");
        let open = known.charge(&key("2026-04-06")).unwrap();
        assert!(open.state.is_unsettled(), "{open:?}");
        // What was refused was not made, and may be planned again.
        assert!(known.charge(&key("2026-05-06")).is_none());
        assert_eq!(known.charges().count(), 2);
        let other = bench.journal.ledger("another", "scripted").await.unwrap();
        assert_eq!(other, Ledger::new());
        let of = async |source: &str, company: &str| {
            let charges = bench.journal.charges_of(source, "scripted", &company.into()).await;
            let charges = charges.unwrap();
            let told = |(key, of): (&ChargeKey, &LedgerCharge)| (key.clone(), of.clone());
            charges.charges().map(told).collect::<Vec<_>>()
        };
        let company = charge("x", "2026-03-06").company;
        let told = |(key, of): (&ChargeKey, &LedgerCharge)| (key.clone(), of.clone());
        let all: Vec<_> = known.charges().map(told).collect();
        assert_eq!(of("vendor", company.as_str()).await, all);
        assert_eq!(of("vendor", "another").await, []);
        assert_eq!(of("another", company.as_str()).await, []);
    }
}
