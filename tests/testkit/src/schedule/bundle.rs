//! What a schedule makes beside the lines: products of the catalogue, agreements with their first lines, charges.

use std::collections::BTreeSet;

use tallyline_core::apply::{Approval, Override};
use tallyline_core::model::{
    AgreementId, AgreementKey, BillKey, BillingCycle, CivilDate, Marker, ProductId, Quantity,
    ServiceKey,
};
use tallyline_core::plan::{Action, Block, Change, Guard, product_identifier};
use tallyline_core::sink::MadeRecord;

use super::draft::{Ids, Plan, effective, money};
use super::world::Making;
use crate::dice::Dice;

/// The most first lines of a child.
const MAX_LINES: usize = 3;
/// Who approves.
const BY: &str = "dana@example.com";
/// The vendor whose services the products are for.
const VENDOR: &str = "vendor";

/// What stands where something is to be made, before the first run of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// What is wanted: an earlier run, whose journal is lost, has made it.
    AsWanted,
    /// What may not be used: an agreement that has no master, or a product that is inactive.
    Otherwise,
}

impl Standing {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 | 1 => Self::AsWanted,
            2 => Self::Otherwise,
            _ => Self::Nothing,
        }
    }
}

/// What a world can make, and at most how many of each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Makes {
    pub(super) agreements: usize,
    /// Whether agreements stand under a master; else each for itself, with a last day.
    pub(super) under_masters: bool,
    pub(super) products: usize,
    pub(super) charges: usize,
}

/// An agreement that is to be made.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its master, by place; absent where it stands for itself.
    pub master: Option<usize>,
    /// What stands in its place.
    pub standing: Standing,
    lines: Vec<FirstLine>,
    blocked: bool,
    overridden: bool,
    approved: bool,
}

#[derive(Clone, Copy, Debug)]
struct FirstLine {
    product: Of,
    quantity: u32,
    amounts: bool,
}

/// A charge that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    /// Its agreement, by place.
    pub agreement: usize,
    /// Whether an earlier run has made it.
    pub there: bool,
    product: usize,
    cents: i64,
}

impl Charge {
    /// Whether its client is on the next agreement by the time of the second run. Of what a run made whose journal is
    /// lost, nobody could find the charge there.
    fn is_moved(&self) -> bool {
        !self.there && self.cents % 3 == 0
    }
}

/// A product, by its place among those that were there, or among those that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Listed(usize),
    Made(usize),
}

/// Products, and child agreements, that a schedule makes.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// The child agreements.
    pub children: Vec<Child>,
    /// What stands in the place of each product.
    pub products: Vec<Standing>,
    /// The charges.
    pub charges: Vec<Charge>,
}

impl Bundle {
    /// Draws what a world can make beside so many agreements, with so many products.
    pub(super) fn draw(dice: &mut Dice, makes: Makes, agreements: usize, listed: usize) -> Self {
        let products: Vec<_> = (0..dice.below(makes.products + 1))
            .map(|_| Standing::draw(dice))
            .collect();
        let made = (0..products.len()).map(Of::Made);
        let all: Vec<Of> = made.chain((0..listed).map(Of::Listed)).collect();
        let masters = makes.under_masters.then_some(agreements);
        let children = (0..1 + dice.below(makes.agreements))
            .map(|_| Child::draw(dice, masters, &all))
            .collect();
        let charges = (0..dice.below(makes.charges + 1))
            .map(|_| Charge {
                agreement: dice.below(agreements),
                there: dice.strikes(200),
                product: dice.below(listed),
                cents: dice.quantity(100, 90_000),
            })
            .collect();
        Self {
            children,
            products,
            charges,
        }
    }

    /// Whether nothing is made.
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty() && self.products.is_empty() && self.charges.is_empty()
    }

    /// The key of a child agreement.
    pub(super) fn key(child: usize) -> AgreementKey {
        AgreementKey::new(format!("vdc-{}", child + 1))
    }

    /// The identifier of a product that is made.
    pub(super) fn identifier(product: usize) -> String {
        product_identifier(VENDOR, &service(product))
    }

    /// What changes name in the place of each agreement and product that is made.
    pub(super) fn places(&self) -> impl Iterator<Item = AgreementId> {
        let children = (0..self.children.len()).map(|at| AgreementId::of_key(&Self::key(at)));
        let products = 0..self.products.len();
        children.chain(products.map(|at| AgreementId::of_product(&Self::identifier(at))))
    }

    /// The products, made in a run of their own, before any line can be of them.
    pub(super) fn products_plan(&self) -> Option<Plan> {
        let changes = self.create_products("p");
        (!changes.is_empty()).then(|| self.whole("products", changes))
    }

    /// Adds the child agreements, with the lines of all products that are there, to a plan.
    pub(super) fn add_to(&self, plan: &mut Plan, ids: &Ids, made: &[Making]) {
        plan.in_the_way.extend(self.in_the_way());
        for at in 0..self.children.len() {
            let changes = self.child_changes(at, "n", ids, made);
            let child = &self.children[at];
            if child.overridden {
                for change in &changes {
                    let word = Override::new(BY, "it is right");
                    let approval = plan.approval.clone();
                    plan.approval = approval.with_override(change.id.clone(), word);
                }
            }
            if child.approved {
                plan.approved
                    .extend(changes.iter().map(|change| change.id.clone()));
            }
            plan.changes.extend(changes);
        }
        let charges = self.add_charges("b", ids);
        plan.approved.extend(charges.iter().map(|it| it.id.clone()));
        plan.changes.extend(charges);
        let approval = plan.approval.clone();
        plan.approval = approval.with_only(plan.approved.iter().cloned());
    }

    /// All of it once more, as a second run over the same book plans it that did not read what is there.
    pub(super) fn again(&self, ids: &Ids, made: &[Making]) -> Plan {
        let mut changes = self.create_products("again-p");
        for at in 0..self.children.len() {
            let mut of_child = self.child_changes(at, "again-n", ids, made);
            for change in &mut of_child {
                change.blocks.clear();
                // The same intent has the same marker in every run.
                let id = change.id.as_str();
                change.marker = Marker::new(id.trim_start_matches("again-"));
            }
            changes.extend(of_child);
        }
        let mut charges = self.add_charges("again-b", ids);
        for (change, charge) in charges.iter_mut().zip(&self.charges) {
            if charge.is_moved() {
                let next = (charge.agreement + 1) % ids.agreements.len();
                change.agreement = ids.agreements[next].clone();
            }
        }
        changes.extend(charges);
        self.whole("again", changes)
    }

    fn whole(&self, name: &str, changes: Vec<Change>) -> Plan {
        Plan {
            approved: changes.iter().map(|change| change.id.clone()).collect(),
            changes,
            approval: Approval::of_plan(format!("plan-{name}").into(), BY, super::time::start()),
            in_the_way: self.in_the_way(),
        }
    }

    /// Where something stands that may not be used.
    fn in_the_way(&self) -> BTreeSet<AgreementId> {
        let is_other = |standing| standing == Standing::Otherwise;
        let children = (0..self.children.len())
            .filter(|at| is_other(self.children[*at].standing))
            .map(|at| AgreementId::of_key(&Self::key(at)));
        let products = (0..self.products.len())
            .filter(|at| is_other(self.products[*at]))
            .map(|at| AgreementId::of_product(&Self::identifier(at)));
        children.chain(products).collect()
    }

    fn create_products(&self, prefix: &str) -> Vec<Change> {
        let create = |at: usize| {
            let identifier = Self::identifier(at);
            let action = Action::CreateProduct {
                identifier: identifier.clone(),
                name: format!("Vendor part {}", at + 1),
                service: service(at),
            };
            let place = AgreementId::of_product(&identifier);
            let id = format!("{prefix}{}", at + 1);
            Change::new(id, "", place, identifier, action, effective())
        };
        (0..self.products.len()).map(create).collect()
    }

    /// The charges, two each of one bill's name, which two accounts got.
    pub(super) fn add_charges(&self, prefix: &str, ids: &Ids) -> Vec<Change> {
        let add = |(n, charge): (usize, &Charge)| {
            let action = Action::AddCharge {
                account: format!("c-{n}").into(),
                bill: BillKey::new(format!("bill-{}", n.div_ceil(2)), effective()),
                description: format!("Use of {n}"),
                quantity: Quantity::ONE,
                unit_price: money(charge.cents),
                unit_cost: None,
                period: None,
            };
            let mut change = Change::new(
                format!("{prefix}{n}"),
                ids.company.clone(),
                ids.agreements[charge.agreement].clone(),
                ids.products[charge.product].clone(),
                action,
                effective(),
            );
            if let Some(key) = change.charge_key() {
                change.marker = key.marker(VENDOR);
            }
            change
        };
        (1..).zip(&self.charges).map(add).collect()
    }

    /// A child agreement and its first lines. A line whose product nobody could make is not planned.
    fn child_changes(&self, at: usize, prefix: &str, ids: &Ids, made: &[Making]) -> Vec<Change> {
        let child = &self.children[at];
        let place = AgreementId::of_key(&Self::key(at));
        let lines: Vec<_> = (1..)
            .zip(&child.lines)
            .filter_map(|(n, line)| Some((n, line, line.product.id(ids, made)?)))
            .collect();
        let of = |id: String, product: &ProductId, action| {
            let company = ids.company.clone();
            let mut change = Change::new(
                id,
                company,
                place.clone(),
                product.clone(),
                action,
                effective(),
            );
            change.blocks.extend(child.blocked.then(|| Block {
                guard: Guard::StaleReading,
                reason: "the reading is old".to_owned(),
            }));
            change
        };
        let first = format!("{prefix}{}", at + 1);
        let action = Action::CreateAgreement {
            name: format!("Virtual data centre {}", at + 1),
            billing_cycle: BillingCycle::Monthly,
            last_day: child.master.is_none().then(last_day_alone),
            parent: child.master.map(|master| ids.agreements[master].clone()),
        };
        let none = ProductId::new("");
        let named = lines.first().map_or(&none, |(.., product)| product);
        let mut changes = vec![of(first.clone(), named, action)];
        changes.extend(lines.iter().map(|(n, line, product)| {
            let action = Action::CreateLine {
                quantity: line.quantity.into(),
                unit_cost: line.amounts.then(|| money(1_250)),
                unit_price: line.amounts.then(|| money(2_500)),
                last_day: None,
                like: None,
            };
            let mut change = of(format!("{first}-{n}"), product, action);
            change.follows = Some(first.as_str().into());
            change
        }));
        changes
    }
}

impl Child {
    fn draw(dice: &mut Dice, masters: Option<usize>, products: &[Of]) -> Self {
        let mut of = products.to_vec();
        dice.shuffle(&mut of);
        of.truncate(1 + dice.below(MAX_LINES));
        let lines = of.into_iter().map(|product| FirstLine {
            product,
            quantity: 1 + u32::try_from(dice.below(400)).unwrap_or(0),
            amounts: dice.strikes(500) && masters.is_some(),
        });
        let lines = lines.collect();
        let blocked = dice.strikes(40);
        let overridden = blocked && dice.strikes(500);
        Self {
            master: masters.map(|masters| dice.below(masters)),
            standing: Standing::draw(dice),
            lines,
            blocked,
            overridden,
            approved: overridden || !dice.strikes(30),
        }
    }
}

impl Of {
    fn id(self, ids: &Ids, made: &[Making]) -> Option<ProductId> {
        let at = match self {
            Self::Listed(at) => return ids.products.get(at).cloned(),
            Self::Made(at) => at,
        };
        let place = AgreementId::of_product(&Bundle::identifier(at));
        let mut there = made.iter().filter(|it| it.place == place && it.usable);
        there.find_map(|it| match &it.record {
            MadeRecord::Product(id) => Some(id.clone()),
            _ => None,
        })
    }
}

/// The last day of an agreement that stands for itself.
pub(super) fn last_day_alone() -> CivilDate {
    effective().plus_days(121)
}

fn service(product: usize) -> ServiceKey {
    ServiceKey::new(format!("vdc/part-{}", product + 1))
}
