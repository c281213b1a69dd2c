//! What a schedule is about: agreements with lines, and a plan of changes to them.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tallyline_core::apply::{Approval, Override};
use tallyline_core::model::{
    AgreementId, AgreementLineId, ChangeId, CivilDate, CompanyId, Currency, Money, ProductId,
    Quantity,
};
use tallyline_core::plan::{Action, Block, Change, Guard};

use super::bundle::{Bundle, Makes};
use crate::dice::Dice;

/// The most agreements of one plan.
const MAX_AGREEMENTS: usize = 6;
/// How many schedules in a thousand make agreements and products too.
const BUNDLED: usize = 600;

/// A line as the world holds it before the plan.
#[derive(Clone, Copy, Debug)]
pub struct DraftLine {
    /// Its product, by place.
    pub product: usize,
    /// Its units.
    pub quantity: u32,
    /// Its cost per unit, in cents.
    pub cost: i64,
    /// Its price per unit, in cents.
    pub price: i64,
    /// Whether it ended before the plan.
    pub ended: bool,
}

/// What one change does, before the world gave ids.
#[derive(Clone, Copy, Debug)]
enum DraftAction {
    Create {
        quantity: u32,
        amounts: bool,
        bounded: bool,
    },
    Quantity {
        line: usize,
        from: u32,
        to: u32,
    },
    Cost {
        line: usize,
        from: i64,
        to: i64,
    },
    Price {
        line: usize,
        from: i64,
        to: i64,
    },
    End {
        line: usize,
        from: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct DraftChange {
    agreement: usize,
    product: usize,
    action: DraftAction,
    blocked: bool,
    overridden: bool,
    approved: bool,
}

/// Which changes a world can carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All of them.
    All,
    /// Whole units alone, and each line once.
    UnitsOnce,
}

/// Agreements, their lines and a plan, before a world gave them ids.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The lines, agreement by agreement.
    pub agreements: Vec<Vec<DraftLine>>,
    /// How many products there are.
    pub products: usize,
    /// What is made beside the lines.
    pub bundle: Bundle,
    changes: Vec<DraftChange>,
}

/// The ids that a world gave to a draft.
#[derive(Clone, Debug)]
pub struct Ids {
    /// The company of all agreements.
    pub company: CompanyId,
    /// The agreements.
    pub agreements: Vec<AgreementId>,
    /// The products.
    pub products: Vec<ProductId>,
    /// The lines, agreement by agreement.
    pub lines: Vec<Vec<AgreementLineId>>,
}

/// A plan as it is handed to the applier.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// Which of them may be carried out.
    pub approval: Approval,
    /// Those that are approved.
    pub(super) approved: Vec<ChangeId>,
    /// Where something stands already that is not what is to be made.
    pub(super) in_the_way: BTreeSet<AgreementId>,
}

impl Plan {
    /// A plan without changes.
    pub(super) fn none() -> Self {
        Self {
            changes: Vec::new(),
            approval: Approval::of_plan("plan-0".into(), "", super::time::start()),
            approved: Vec::new(),
            in_the_way: BTreeSet::new(),
        }
    }

    /// Whether a change must not be carried out.
    pub fn withholds(&self, change: &Change) -> bool {
        !self.approval.includes(&change.id)
            || (change.is_blocked() && !self.approval.overrides.contains_key(&change.id))
    }
}

/// The first day of what a plan writes.
pub(crate) fn effective() -> CivilDate {
    CivilDate::new(2026, 3, 1).unwrap_or_else(|_| super::time::start().date())
}

/// An amount in cents, in the currency of all agreements.
pub(crate) fn money(cents: i64) -> Money {
    Money::new(Decimal::new(cents, 2), Currency::USD)
}

/// A product's place on an agreement while the plan is drawn.
#[derive(Clone, Copy)]
struct Slot {
    product: usize,
    /// The line's place, and what the plan has made of it so far.
    line: Option<(usize, DraftLine)>,
    used_up: bool,
    /// Whether a bounded line stands beside the open one.
    beside: bool,
}

impl Draft {
    /// Draws agreements and a plan of so many changes; and, most times, what is made beside the lines.
    pub(super) fn draw(dice: &mut Dice, changes: usize, shape: Shape, makes: Makes) -> Self {
        let agreements = 1 + dice.below(MAX_AGREEMENTS.min(changes));
        let mut draft = Self {
            agreements: vec![Vec::new(); agreements],
            ..Self::default()
        };
        let mut slots: Vec<Vec<Slot>> = vec![Vec::new(); agreements];
        for _ in 0..changes {
            let agreement = dice.below(agreements);
            let at = draft.slot(dice, agreement, &mut slots[agreement]);
            let slot = &mut slots[agreement][at];
            let blocked = dice.strikes(40);
            let overridden = blocked && dice.strikes(500);
            let action = match shape {
                Shape::All => draw_action(dice, slot),
                Shape::UnitsOnce => draw_units(dice, slot),
            };
            draft.changes.push(DraftChange {
                agreement,
                product: slot.product,
                action,
                blocked,
                overridden,
                approved: overridden || !dice.strikes(30),
            });
        }
        if dice.strikes(BUNDLED) {
            draft.bundle = Bundle::draw(dice, makes, agreements, draft.products);
        }
        draft
    }

    /// A slot of the agreement that can take one more change.
    fn slot(&mut self, dice: &mut Dice, agreement: usize, slots: &mut Vec<Slot>) -> usize {
        let open: Vec<usize> = (0..slots.len()).filter(|at| !slots[*at].used_up).collect();
        if dice.strikes(500)
            && let Some(at) = dice.pick(&open)
        {
            return *at;
        }
        let product = slots.len();
        self.products = self.products.max(product + 1);
        let with_line = dice.strikes(750);
        let line = DraftLine {
            product,
            quantity: 500 + u32::try_from(dice.below(400)).unwrap_or(0),
            cost: dice.quantity(1_000, 9_000),
            price: dice.quantity(10_000, 90_000),
            ended: with_line && dice.strikes(150),
        };
        let lines = &mut self.agreements[agreement];
        if with_line {
            lines.push(line);
        }
        slots.push(Slot {
            product,
            line: (with_line && !line.ended).then(|| (lines.len() - 1, line)),
            used_up: false,
            beside: false,
        });
        product
    }

    /// The plan, with the ids that a world gave.
    pub fn plan(&self, ids: &Ids) -> Plan {
        let change = |(at, draft): (usize, &DraftChange)| draft.change(&id_of(at), ids);
        let all = self.changes.iter().enumerate();
        let approved = all.clone().filter(|(_, draft)| draft.approved);
        let approved: Vec<ChangeId> = approved.map(|(at, _)| id_of(at).into()).collect();
        let by = "dana@example.com";
        let mut approval = Approval::of_plan("plan-1".into(), by, super::time::start())
            .with_only(approved.iter().cloned());
        for (at, _) in all.clone().filter(|(_, draft)| draft.overridden) {
            approval = approval.with_override(id_of(at), Override::new(by, "it is right"));
        }
        Plan {
            changes: all.map(change).collect(),
            approval,
            approved,
            in_the_way: BTreeSet::new(),
        }
    }
}

fn id_of(at: usize) -> String {
    format!("c{:03}", at + 1)
}

/// The one change of a line.
fn draw_units(dice: &mut Dice, slot: &mut Slot) -> DraftAction {
    slot.used_up = true;
    let units = |dice: &mut Dice| u32::try_from(1 + dice.below(9)).unwrap_or(1);
    let Some((line, state)) = slot.line else {
        return DraftAction::Create {
            quantity: units(dice),
            amounts: false,
            bounded: false,
        };
    };
    let from = state.quantity;
    if dice.below(6) == 0 {
        return DraftAction::End { line, from };
    }
    let step = units(dice);
    let to = match state.product % 2 {
        0 => from + step,
        _ => from.saturating_sub(step),
    };
    DraftAction::Quantity { line, from, to }
}

fn draw_action(dice: &mut Dice, slot: &mut Slot) -> DraftAction {
    let Some((line, state)) = &mut slot.line else {
        slot.used_up = true;
        return DraftAction::Create {
            quantity: 1 + u32::try_from(dice.below(400)).unwrap_or(0),
            amounts: dice.strikes(500),
            bounded: dice.strikes(200),
        };
    };
    let line = *line;
    let step = 1 + dice.below(9);
    match dice.below(11) {
        0 if !slot.beside => {
            slot.beside = true;
            DraftAction::Create {
                quantity: u32::try_from(step).unwrap_or(1),
                amounts: false,
                bounded: true,
            }
        }
        0..6 => {
            // Always in one direction: no state comes twice, so that each can be told apart.
            let step = u32::try_from(step).unwrap_or(1);
            let from = state.quantity;
            let to = match state.product % 2 {
                0 => from + step,
                _ => from.saturating_sub(step),
            };
            state.quantity = to;
            DraftAction::Quantity { line, from, to }
        }
        6 | 7 => {
            let from = state.cost;
            state.cost += i64::try_from(step).unwrap_or(1);
            let to = state.cost;
            DraftAction::Cost { line, from, to }
        }
        8 | 9 => {
            let from = state.price;
            state.price += i64::try_from(step).unwrap_or(1);
            let to = state.price;
            DraftAction::Price { line, from, to }
        }
        _ => {
            let from = state.quantity;
            slot.line = None;
            // A bounded line would stand in the way of one that is created anew.
            slot.used_up = slot.beside;
            DraftAction::End { line, from }
        }
    }
}

impl DraftChange {
    fn change(&self, id: &str, ids: &Ids) -> Change {
        let line = |at: usize| ids.lines[self.agreement][at].clone();
        let action = match self.action {
            DraftAction::Create {
                quantity,
                amounts,
                bounded,
            } => Action::CreateLine {
                quantity: quantity.into(),
                unit_cost: amounts.then(|| money(1_250)),
                unit_price: amounts.then(|| money(2_500)),
                last_day: bounded.then(|| effective().plus_days(20)),
                like: None,
            },
            DraftAction::Quantity { line: at, from, to } => Action::SetQuantity {
                line: line(at),
                from: Quantity::from(from),
                to: Quantity::from(to),
            },
            DraftAction::Cost { line: at, from, to } => Action::SetUnitCost {
                line: line(at),
                from: Some(money(from)),
                to: money(to),
            },
            DraftAction::Price { line: at, from, to } => Action::SetUnitPrice {
                line: line(at),
                from: Some(money(from)),
                to: money(to),
            },
            DraftAction::End { line: at, from } => Action::EndLine {
                line: line(at),
                from: Quantity::from(from),
                last_day: effective().plus_days(-1),
                replaced_by: None,
            },
        };
        let mut change = Change::new(
            id,
            ids.company.clone(),
            ids.agreements[self.agreement].clone(),
            ids.products[self.product].clone(),
            action,
            effective(),
        );
        if self.blocked {
            change.blocks.push(Block {
                guard: Guard::StaleReading,
                reason: "the reading is old".to_owned(),
            });
        }
        change
    }
}

/// The places of lines by their ids.
pub(crate) fn by_agreement<T>(ids: &Ids, lines: Vec<Vec<T>>) -> BTreeMap<AgreementId, Vec<T>> {
    ids.agreements.iter().cloned().zip(lines).collect()
}
