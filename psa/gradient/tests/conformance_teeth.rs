//! The batteries have teeth: a sink of counts that is broken in one way fails in the tests named beside it and in no
//! other, all of one group. Every test of counts has such a double; those of the testkit and of ConnectWise fail the others.
#![allow(clippy::unwrap_used, reason = "a double may panic as its test may")]

mod harness;

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use harness::Gradient;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, LineState, Product, ProductId, Quantity,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{AgreementFilter, Receipt, SinkDescriptor, Verdict, WriteError};
use tallyline_core::source::Identity;
use tallyline_core::{PsaSink, Result};
use tallyline_gradient::GradientSink;
use tallyline_testkit::conformance::{Group, count_tests, run_sink, sink_tests};

/// What is wrong with a sink.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    SetsOneCountAnAccount,
    SendsACountTwice,
    AddsWhenItIsToldAgain,
    RepeatsACount,
    TakesNoAnswerForProof,
    TakesAnyAnswerForProof,
    SaysThatALostCountHasNotLanded,
    CallsUnknownRefused,
    CallsARefusalUnknown,
    FailsOnWhatIsNotMapped,
    CallsARefusalNotMapped,
    ReadsNoCountsAsEmpty,
}

struct Broken {
    sink: GradientSink,
    flaw: Flaw,
    /// The counts that were told, by account and service.
    told: Mutex<BTreeSet<(AgreementId, ProductId)>>,
}

fn broken(sink: GradientSink, flaw: Flaw) -> Box<dyn PsaSink> {
    let told = Mutex::default();
    Box::new(Broken { sink, flaw, told })
}

fn landed(change: &Change) -> Option<(LineState, &str)> {
    let Action::SetCount { to, .. } = change.action else {
        return None;
    };
    let state = LineState {
        quantity: to,
        ..LineState::default()
    };
    Some((state, change.product.as_str()))
}

#[async_trait]
impl PsaSink for Broken {
    fn descriptor(&self) -> &SinkDescriptor {
        self.sink.descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        self.sink.check().await
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        self.sink.companies()
    }

    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        self.sink.agreements(filter)
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        self.sink.products()
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        if self.flaw != Flaw::ReadsNoCountsAsEmpty {
            return self.sink.lines(agreements);
        }
        let empty = |id: &AgreementId| Ok(AgreementReading::complete(id.clone(), Vec::new()));
        futures::stream::iter(agreements.iter().map(empty)).boxed()
    }

    fn begin(&self, changes: &[Change]) {
        self.sink.begin(changes);
    }

    async fn execute(&self, change: &Change) -> Result<Receipt, WriteError> {
        let (first, new) = self.tell(change);
        if self.flaw == Flaw::SetsOneCountAnAccount
            && !first
            && let Some((state, line)) = landed(change)
        {
            let mut receipt = Receipt::new(line);
            receipt.state = Some(state);
            return Ok(receipt);
        }
        let mut bent = change.clone();
        if let (Flaw::AddsWhenItIsToldAgain, false, Action::SetCount { to, .. }) =
            (self.flaw, new, &mut bent.action)
        {
            *to = to.checked_add(Quantity::ONE).unwrap();
        }
        match (self.flaw, self.sink.execute(&bent).await) {
            (Flaw::SendsACountTwice, Ok(_))
            | (Flaw::RepeatsACount, Err(WriteError::Unknown(_))) => self.sink.execute(change).await,
            (Flaw::CallsUnknownRefused, Err(WriteError::Unknown(error)))
            | (Flaw::FailsOnWhatIsNotMapped, Err(WriteError::NotMapped(error))) => {
                Err(WriteError::Rejected(error))
            }
            (Flaw::CallsARefusalUnknown, Err(WriteError::Rejected(error))) => {
                Err(WriteError::Unknown(error))
            }
            (Flaw::CallsARefusalNotMapped, Err(WriteError::Rejected(error))) => {
                Err(WriteError::NotMapped(error))
            }
            (_, other) => other,
        }
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        let takes = match self.flaw {
            Flaw::TakesNoAnswerForProof => receipt.is_none(),
            Flaw::TakesAnyAnswerForProof => receipt.is_some(),
            _ => false,
        };
        match landed(change) {
            Some((observed, line)) if takes => Ok(Verdict::Landed {
                line: line.into(),
                observed,
            }),
            _ if self.flaw == Flaw::SaysThatALostCountHasNotLanded && receipt.is_none() => {
                Ok(Verdict::NotLanded)
            }
            _ => self.sink.verify(change, receipt).await,
        }
    }
}

impl Broken {
    /// Remembers a count, and says whether it is of the first service of its account, and whether it is new.
    fn tell(&self, change: &Change) -> (bool, bool) {
        let mut told = self.told.lock().unwrap();
        let other = |(account, service): &(AgreementId, ProductId)| {
            *account == change.agreement && *service != change.product
        };
        let first = !told.iter().any(other);
        let new = told.insert((change.agreement.clone(), change.product.clone()));
        (first, new)
    }
}

/// A sink that is broken in one way, with fewer worlds: enough for every double; the connector's own run tries more.
fn double(wrap: fn(GradientSink) -> Box<dyn PsaSink>) -> Gradient {
    let mut double = Gradient::sound();
    double.worlds = 2;
    double.skips = vec![(
        "a_page_of_four_mebibytes_is_read",
        "no double is about size",
    )];
    double.wrap = wrap;
    double
}

/// Runs a double, which must fail in some tests, all of one group, and in no other.
async fn fails_in(wrap: fn(GradientSink) -> Box<dyn PsaSink>, group: Group, tests: &[&str]) {
    let report = run_sink(&double(wrap)).await;
    let failed: BTreeSet<&str> = report.failures().map(|test| test.name).collect();
    let wanted: BTreeSet<&str> = tests.iter().copied().collect();
    assert_eq!(failed, wanted, "{}", report.to_markdown());
    assert_eq!(report.failed_groups(), [group]);
}

/// One test for each double, and the list of what they fail.
macro_rules! doubles {
    ($($name:ident: $flaw:ident => $group:ident $tests:expr;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                fails_in(|sink| broken(sink, Flaw::$flaw), Group::$group, &$tests).await;
            }
        )+

        /// The tests that doubles fail, with their groups.
        const FAILED: &[(Group, &[&str])] = &[$((Group::$group, &$tests)),+];
    };
}

doubles! {
    a_count_that_is_sent_twice: SendsACountTwice => Sink ["a_count_is_set_once", "a_lost_count_is_set_again_by_a_resume", "a_count_planned_on_another_is_not_sent"];
    a_count_told_again_that_adds: AddsWhenItIsToldAgain => Sink ["a_count_is_set_once", "a_lost_count_is_set_again_by_a_resume"];
    a_lost_count_that_is_repeated: RepeatsACount => Sink ["a_lost_count_is_set_again_by_a_resume", "a_count_is_never_repeated"];
    a_count_that_is_taken_for_set_without_its_answer: TakesNoAnswerForProof => Sink ["a_count_is_proved_by_its_answer_alone", "a_lost_count_is_set_again_by_a_resume"];
    an_answer_about_another_count_that_is_taken_for_proof: TakesAnyAnswerForProof => Sink ["a_count_is_proved_by_its_answer_alone"];
    a_lost_count_that_is_said_not_to_have_landed: SaysThatALostCountHasNotLanded => Sink ["a_count_is_proved_by_its_answer_alone"];
    an_unknown_outcome_of_a_count_called_refused: CallsUnknownRefused => Sink ["a_lost_count_is_set_again_by_a_resume", "a_count_is_never_repeated"];
    a_refusal_of_a_count_called_unknown: CallsARefusalUnknown => Sink ["refusals_of_counts_are_sorted"];
    a_refusal_called_not_mapped: CallsARefusalNotMapped => Sink ["refusals_of_counts_are_sorted"];
    a_pair_that_is_not_mapped_and_called_a_failure: FailsOnWhatIsNotMapped => Sink ["what_is_not_mapped_is_no_failure"];

    a_count_that_is_only_said_to_be_set: SetsOneCountAnAccount => Model [
        "what_is_planned_and_applied_is_in_step", "changes_in_any_order_end_the_same"];
}

#[test]
fn every_test_of_counts_has_a_double_that_fails_it() {
    let failed: BTreeSet<(Group, &str)> = FAILED
        .iter()
        .flat_map(|(group, tests)| tests.iter().map(|test| (*group, *test)))
        .collect();
    let of_counts: BTreeSet<(Group, &str)> = count_tests().into_iter().collect();
    let all: BTreeSet<(Group, &str)> = sink_tests().into_iter().collect();
    let without: Vec<_> = of_counts.difference(&failed).collect();
    let stale: Vec<_> = failed.difference(&all).collect();
    assert!(without.is_empty(), "no double fails {without:#?}");
    assert!(stale.is_empty(), "there is no such test: {stale:#?}");
}

/// It is read in every group that reads.
#[tokio::test]
async fn counts_that_are_not_told_and_read_as_none_fail() {
    let harness = double(|sink| broken(sink, Flaw::ReadsNoCountsAsEmpty));
    let report = run_sink(&harness).await;
    assert!(
        report.failed_groups().contains(&Group::Read),
        "{}",
        report.to_markdown()
    );
}
