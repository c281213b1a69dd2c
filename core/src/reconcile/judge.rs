//! What a product of an agreement is, and what one of its bills is.

use std::collections::BTreeMap;

use super::charges::{self, BillLine, ChargeSum};
use super::comparison::Kind;
use super::compiled::Decision;
use super::owed::{Entry, Owed};
use super::reconciler::Reconciler;
use super::standing::Standing;
use super::usage::Silence;
use crate::mapping::BilledAs;
use crate::model::{AgreementLine, BillKey, ChargeKey, ChargeKind, Quantity, VendorAccountId};
use crate::store::ChangeState;

/// The two sides of one product of one agreement.
#[derive(Debug)]
pub(super) struct Found<'r> {
    pub(super) owed: Option<&'r Owed>,
    pub(super) standing: &'r Standing<'r>,
    pub(super) product: u32,
}

/// One account's bill of one product of one agreement, added up.
pub(super) struct BillSum {
    pub(super) product: u32,
    pub(super) counts: ChargeKind,
    pub(super) switched_off: bool,
    pub(super) sum: Result<ChargeSum, String>,
    pub(super) has_yearly: bool,
    pub(super) evidence: Vec<u32>,
}

impl Reconciler<'_> {
    /// The bills that are to be charged on an agreement, each added up.
    pub(super) fn bill_sums(&self, agreement: u32, usage: &[Entry<'_>]) -> Vec<BillSum> {
        if usage.iter().all(|entry| entry.amounts().is_none()) {
            return Vec::new();
        }
        let mut bills: BTreeMap<(u32, Option<&BillKey>, &VendorAccountId), Vec<usize>> =
            BTreeMap::new();
        let mut kinds: BTreeMap<u32, (ChargeKind, bool)> = BTreeMap::new();
        for (at, entry) in usage.iter().enumerate() {
            let Some(amounts) = entry.amounts() else {
                continue;
            };
            let Decision::Linked {
                products,
                counts,
                billed_as,
                enabled,
                ..
            } = &self.routes.services[entry.service as usize].decision
            else {
                continue;
            };
            let Some(route) = products.first() else {
                continue;
            };
            let kind = match billed_as {
                BilledAs::LineAndProrations => ChargeKind::Proration,
                _ => *counts,
            };
            let (_, off) = kinds.entry(route.product).or_insert((kind, false));
            *off |= !enabled;
            let account = &self.accounts[entry.line.account as usize];
            let bill = (route.product, amounts.bill.as_ref(), account);
            bills.entry(bill).or_default().push(at);
        }
        let company = &self.agreement_at(agreement).company;
        let key = self.owns.keys.get(&agreement);
        bills
            .into_iter()
            .map(|((product, bill, account), entries)| {
                let id = self.routes.products[product as usize].id;
                let lines: Vec<BillLine<'_>> = entries
                    .iter()
                    .filter_map(|at| {
                        let entry = &usage[*at];
                        let (line, amounts) = (entry.line, entry.amounts()?);
                        Some((line.key(), line.quantity, entry.cost(), amounts))
                    })
                    .collect();
                let sum = match bill {
                    None => Err("the vendor has not put it on a bill yet".to_owned()),
                    Some(bill) => {
                        let (company, account) = (company.clone(), account.clone());
                        let key = ChargeKey::new(company, key, id.clone(), account, bill.clone());
                        charges::sum(key, &lines)
                    }
                };
                let (counts, switched_off) = kinds.get(&product).copied().unwrap_or_default();
                BillSum {
                    product,
                    counts,
                    switched_off,
                    sum,
                    has_yearly: entries.iter().any(|at| usage[*at].is_yearly()),
                    evidence: entries.iter().map(|at| usage[*at].position).collect(),
                }
            })
            .collect()
    }

    /// Says what one product of one agreement is, both sides being observed.
    pub(super) fn judge(
        &self,
        found: &Found<'_>,
        unread_kinds: &[ChargeKind],
    ) -> (Kind, Option<String>) {
        if let Some(reason) = self.not_eligible_product(found.product) {
            return (Kind::NotEligible, Some(reason));
        }
        let counted = || self.routes.products[found.product as usize].counted.iter();
        if !unread_kinds.is_empty()
            && let Some(kind) = counted().find(|kind| unread_kinds.contains(kind))
        {
            let reason = format!("the vendor's {kind} lines could not be read");
            return (Kind::NotObserved, Some(reason));
        }
        if found.owed.is_some_and(|owed| owed.switched_off) {
            let reason = "a service that is part of the sum is switched off".to_owned();
            return (Kind::SwitchedOff, Some(reason));
        }
        let line = match found.standing {
            Standing::None => None,
            Standing::One { line, .. } => Some(*line),
            Standing::Several(reason) => return (Kind::Ambiguous, Some(reason.clone())),
        };
        if let Some(day) = line.and_then(|line| line.state.last_day) {
            let reason = format!("the line is set to end after {day}");
            return (Kind::Ambiguous, Some(reason));
        }
        let vendor = match found.owed {
            None => None,
            Some(owed) if owed.quantity.is_some() => owed.quantity,
            Some(owed) => {
                let summed = || "the quantities cannot be summed exactly".to_owned();
                let reason = owed.problem().map_or_else(summed, str::to_owned);
                return (Kind::NotObserved, Some(reason));
            }
        };
        (self.compare(vendor, line), None)
    }

    /// What two numbers are to each other, both known where they are there.
    pub(super) fn compare(&self, vendor: Option<Quantity>, line: Option<&AgreementLine>) -> Kind {
        match (vendor, line.map(|line| line.state.quantity)) {
            // A count of zero is what is wanted of usage that is gone.
            (None, Some(held)) if held.is_zero() && self.book.is_of_counts() => Kind::NoChange,
            (None, _) => Kind::VendorMissing,
            // Of what is not told back even zero is not known to be there.
            (Some(_), None) if self.book.is_of_counts() => Kind::FirstCount,
            (Some(vendor), None) if vendor.is_zero() => Kind::NoChange,
            (Some(_), None) => Kind::NewRevenue,
            (Some(vendor), Some(held)) if held == vendor => Kind::NoChange,
            (Some(_), Some(_)) => Kind::Change,
        }
    }

    fn not_eligible_product(&self, product: u32) -> Option<String> {
        if self.routes.facts[product as usize].is_eligible {
            return None;
        }
        let owned = &self.routes.products[product as usize];
        match owned.position.and_then(|at| self.book.product_at(at)) {
            None => Some(format!("product {} is not listed by the PSA", owned.id)),
            Some(product) if product.eligibility.is_eligible() => None,
            Some(product) => Some(product.eligibility.reasons().join("; ")),
        }
    }

    /// Says what one bill of one product of one agreement is.
    pub(super) fn judge_bill(
        &self,
        bill: &BillSum,
        unread_kinds: &[ChargeKind],
        unobserved: &BTreeMap<u32, Silence>,
    ) -> (Kind, Option<String>) {
        if let Some(reason) = self.not_eligible_product(bill.product) {
            return (Kind::NotEligible, Some(reason));
        }
        if unread_kinds.contains(&bill.counts) {
            let reason = format!("the vendor's {} lines could not be read", bill.counts);
            return (Kind::NotObserved, Some(reason));
        }
        // That another bill was exported says nothing of this one.
        if let Some(silence) = unobserved.get(&bill.product)
            && silence.0 != Kind::Exported
        {
            return silence.clone();
        }
        if bill.switched_off {
            let reason = "a service that is part of the sum is switched off".to_owned();
            return (Kind::SwitchedOff, Some(reason));
        }
        let sum = match &bill.sum {
            Ok(sum) => sum,
            Err(reason) => return (Kind::NotObserved, Some(reason.clone())),
        };
        let Some(made) = self.ledger.and_then(|ledger| ledger.charge(&sum.key)) else {
            return (Kind::NewRevenue, None);
        };
        let of = format!(
            "the bill of {} for account {}",
            sum.key.bill.date, sum.key.account
        );
        match made.state {
            ChangeState::Done => (Kind::NoChange, None),
            ChangeState::Conflict => {
                let reason = format!(
                    "run {} left the charge of {of} in conflict: a person must look",
                    made.run
                );
                (Kind::Ambiguous, Some(reason))
            }
            _ => {
                let reason = format!(
                    "run {} may have charged {of}: it is to be resumed first",
                    made.run
                );
                (Kind::NotObserved, Some(reason))
            }
        }
    }
}
