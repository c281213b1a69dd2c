//! Whatever a run did, and whatever failed: an undo gives back the state from before, but for
//! what it refused, and an undo of that gives the run's state.

use proptest::prelude::*;

use super::*;
use crate::apply::Outcome;
use crate::apply::after::Refusal;
use crate::apply::tests::{change, day};
use crate::plan::Action;

/// What is done to one product.
#[derive(Clone, Copy, Debug)]
enum Story {
    Quantity,
    CaughtUp,
    Cost,
    Price,
    All,
    Ended,
    SetAndEnded,
    Replaced,
    Added,
}

#[derive(Clone, Debug)]
struct Product {
    story: Story,
    faults: Vec<Fault>,
    /// Whether a person edits the quantity after the run.
    edited: bool,
    on_second: bool,
    /// Units before and after, the second above zero.
    units: (u32, u32),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Rejected),
        1 => Just(Fault::NotSent),
        2 => Just(Fault::LostButLanded),
    ]
}

fn product() -> impl Strategy<Value = Product> {
    let story = prop_oneof![
        Just(Story::Quantity),
        Just(Story::CaughtUp),
        Just(Story::Cost),
        Just(Story::Price),
        Just(Story::All),
        Just(Story::Ended),
        Just(Story::SetAndEnded),
        Just(Story::Replaced),
        Just(Story::Added),
    ];
    (
        story,
        prop::collection::vec(fault(), 3),
        prop::bool::weighted(0.2),
        any::<bool>(),
        (0..20_u32, 1..20_u32),
    )
        .prop_map(|(story, faults, edited, on_second, units)| Product {
            story,
            faults,
            edited,
            on_second,
            units,
        })
}

impl Product {
    /// Whether a person changes what the run wrote.
    fn is_edited(&self) -> bool {
        self.edited && !matches!(self.story, Story::Cost | Story::Price)
    }

    fn agreement(&self) -> &'static str {
        if self.on_second { "a2" } else { "a1" }
    }

    fn actions(&self, line: &str) -> Vec<Action> {
        let (from, to) = self.units;
        let quantity = Action::SetQuantity {
            line: line.into(),
            from: from.into(),
            to: to.into(),
        };
        let cost = Action::SetUnitCost {
            line: line.into(),
            from: Some(money(100)),
            to: money(110),
        };
        let price = Action::SetUnitPrice {
            line: line.into(),
            from: Some(money(200)),
            to: money(220),
        };
        let end = |from: u32| Action::EndLine {
            line: line.into(),
            from: from.into(),
            last_day: day("2026-01-31"),
            replaced_by: None,
        };
        let create = Action::CreateLine {
            quantity: to.into(),
            unit_cost: Some(money(130)),
            unit_price: Some(money(260)),
            last_day: None,
            like: None,
        };
        let catch_up = Action::CreateLine {
            quantity: Quantity::from(to).checked_sub(from.into()).unwrap(),
            unit_cost: Some(money(100)),
            unit_price: Some(money(200)),
            last_day: Some(day("2026-01-31")),
            like: Some(line.into()),
        };
        match self.story {
            Story::Quantity => vec![quantity],
            Story::CaughtUp => vec![quantity, catch_up],
            Story::Cost => vec![cost],
            Story::Price => vec![price],
            Story::All => vec![quantity, cost, price],
            Story::Ended => vec![end(from)],
            Story::SetAndEnded => vec![quantity, end(to)],
            Story::Replaced => vec![end(from), create],
            Story::Added => vec![create],
        }
    }
}

/// The desk and the changes of the stories' run.
fn set(products: &[Product]) -> (Desk, Vec<Change>) {
    let mut lines: BTreeMap<AgreementId, Vec<AgreementLine>> =
        BTreeMap::from([("a1".into(), Vec::new()), ("a2".into(), Vec::new())]);
    let mut changes = Vec::new();
    for (index, product) in products.iter().enumerate() {
        let (line, name) = (format!("l{index}"), format!("p{index}"));
        let agreement = product.agreement();
        if !matches!(product.story, Story::Added) {
            let of_agreement = lines.get_mut(&AgreementId::new(agreement)).unwrap();
            of_agreement.push(priced(&line, &name, product.units.0));
        }
        for (step, action) in product.actions(&line).into_iter().enumerate() {
            let id = format!("c{index}-{step}");
            let mut change = change(&id, agreement, &name, action);
            change.evidence.next_invoice = Some(day("2026-02-01"));
            if change.action.is_bounded() {
                change.effective = day("2026-01-15");
            }
            changes.push(change);
        }
    }
    let desk = Desk::with(lines);
    for (index, product) in products.iter().enumerate() {
        for (step, fault) in product.faults.iter().enumerate() {
            desk.fault(&format!("c{index}-{step}"), &[*fault]);
        }
    }
    (desk, changes)
}

fn of_product(billed: &Billed, name: &str) -> Billed {
    let of_product = billed.iter().filter(|line| line.1 == name);
    of_product.cloned().collect()
}

/// Whether the undo could leave something of a product behind.
fn is_held(undo: &Undo, name: &str) -> bool {
    undo.refused.iter().any(|refused| {
        refused.change.product.as_str() == name
            && !matches!(
                refused.refusal,
                Refusal::NotDone { .. } | Refusal::NoDifference
            )
    })
}

async fn play(products: &[Product]) -> Result<(), TestCaseError> {
    let (desk, changes) = set(products);
    // How much a plan may take away is the guards' matter: here every line may go.
    let mut policy = Policy::default();
    policy.reduction_limit.lines = u64::MAX;
    let before = desk.billed();
    let report = desk.run("r1", &changes).await;
    prop_assert_eq!(report.totals.unsettled + report.totals.conflict, 0);
    for (index, product) in products.iter().enumerate() {
        let mut world = desk.bench.sink.world();
        let lines = world
            .lines
            .get_mut(&AgreementId::new(product.agreement()))
            .unwrap();
        let name = format!("p{index}");
        let open = |line: &&mut AgreementLine| {
            line.product.as_str() == name && line.state.last_day.is_none()
        };
        if let Some(line) = lines.iter_mut().find(open).filter(|_| product.is_edited()) {
            line.state.quantity = 777_u32.into();
        }
    }
    let after = desk.billed();

    let undo = desk.undo_on("r1", &desk.book(), &policy).await;
    for change in &changes {
        let refused = undo
            .refused
            .iter()
            .filter(|r| r.change.id == change.id)
            .count();
        let taken_back = undo.plan.changes().iter().any(|new| {
            let undoes = new.evidence.undoes.as_ref().unwrap();
            undoes.changes.contains(&change.id)
        });
        prop_assert_eq!(
            refused + usize::from(taken_back),
            1,
            "{} is either or",
            &change.id
        );
        let result = report
            .changes
            .iter()
            .find(|r| r.change == change.id)
            .unwrap();
        if !matches!(result.outcome, Outcome::Done { .. }) {
            prop_assert!(!taken_back, "{result} was taken back");
        }
    }
    let second = desk.run("r2", undo.plan.changes()).await;
    prop_assert!(second.is_all_done(), "{second}");
    let undone = desk.billed();
    for (index, product) in products.iter().enumerate() {
        let name = format!("p{index}");
        let [before, after, undone] = [&before, &after, &undone].map(|b| of_product(b, &name));
        let is_left = undo
            .plan
            .changes()
            .iter()
            .all(|c| c.product.as_str() != name);
        if is_left {
            prop_assert_eq!(undone, after, "{:?}", product);
        } else if !is_held(&undo, &name) {
            prop_assert_eq!(undone, before, "{:?}", product);
        } else if !matches!(product.story, Story::All) {
            prop_assert_eq!(undone, after, "{:?}", product);
        }
    }

    let back = desk.undo_on("r2", &desk.book(), &policy).await;
    prop_assert!(back.refused.is_empty(), "{:?}", back.refused);
    let third = desk.run("r3", back.plan.changes()).await;
    prop_assert!(third.is_all_done(), "{third}");
    prop_assert_eq!(desk.billed(), after);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_undo_gives_back_the_state_from_before_but_for_what_it_refused(
        products in prop::collection::vec(product(), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(&products))?;
    }
}
