//! One change of a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::Action;
use crate::model::{
    AgreementId, AgreementLineId, ChangeId, ChargeKey, CivilDate, CompanyId, LineKey, Marker,
    Money, ProductId, Quantity, RunId, ServiceKey, Timestamp, VendorAccountId,
};
use crate::proration::Prediction;

/// The state a change was planned on: what must still hold when it is carried out.
///
/// Only what the change is about is compared, so that the changes of one line can follow each
/// other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Precondition {
    /// The agreement has no line of the product open on the change's effective date or later.
    NoOpenLine,
    /// The agreement has no line of the product with the same first and last day, and no line
    /// with the change's marker. For a bounded line: it may stand beside an open one.
    NoSameLine {
        /// The open line beside it, which the change before has set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<LineHolds>,
    },
    /// The line ends on this day, as the change before has set it, and no other line of the
    /// product is without an end. For a line that takes another's place.
    Ended {
        /// The line.
        line: AgreementLineId,
        /// Its last day.
        last_day: CivilDate,
    },
    /// The line is there, is of the product, has no end, and has this quantity.
    Quantity {
        /// The quantity planned on.
        quantity: Quantity,
    },
    /// The line is there, is of the product, ends on this day, and has this quantity. For a
    /// bounded line that an undo sets.
    QuantityUntil {
        /// The quantity planned on.
        quantity: Quantity,
        /// Its last day.
        last_day: CivilDate,
    },
    /// The line is there, is of the product, has no end, and has this cost per unit.
    UnitCost {
        /// The cost planned on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit_cost: Option<Money>,
    },
    /// The line is there, is of the product, has no end, and has this price per unit.
    UnitPrice {
        /// The price planned on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit_price: Option<Money>,
    },
    /// No agreement carries the key.
    NoAgreement,
    /// The agreement has no charge with the change's marker.
    NoCharge,
    /// No account states the company's id, and none has its name.
    NoAccount,
    /// No product has the identifier.
    NoProduct,
    /// The owner's block of the agreement's note has the text that the action was planned on, or is not
    /// there as it was not then. What people wrote beside it does not matter.
    NoteBlock,
    /// The account states no company and alone has exactly the company's name, and no other states
    /// the company's id.
    NotLinked,
    /// The journal holds this count as the one that was set last.
    LastCount {
        /// The count planned on; absent where none was known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quantity: Option<Quantity>,
    },
}

/// A line, and the number of units that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineHolds {
    /// The line.
    pub line: AgreementLineId,
    /// Its units.
    pub quantity: Quantity,
}

/// A rule that speaks against carrying out a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Guard {
    /// The plan as a whole takes away more than the policy allows.
    TotalReduction,
    /// The plan as a whole adds more than the policy allows.
    TotalIncrease,
    /// The reading is older than the vendor's rhythm allows for a reduction.
    StaleReading,
    /// The quantity would fall below what the vendor's commitment allows.
    CommitmentFloor,
    /// The effective date lies in a period that is already invoiced.
    InvoicedPeriod,
    /// The line would bill on days on which the agreement does not.
    AgreementDates,
    /// The vendor's currency is not the agreement's.
    Currency,
    /// The quantity is fractional and the PSA takes whole units only.
    WholeUnits,
    /// The quantity is negative.
    NegativeQuantity,
    /// The line would end while the account has usage that nothing is decided about: the same
    /// thing may go on under another key.
    UnmappedUsage,
    /// Which account the company is cannot be told.
    AmbiguousAccount,
    /// An account has nearly the company's name: a second one would be created beside it.
    SimilarAccount,
    /// It is to be prorated, and the agreement or the way of billing does not do so.
    Proration,
    /// The line was there before the first sync: whether it bills the same thing twice only a
    /// person can tell.
    FirstAssociation,
    /// Whether there is a product for the service, and which, cannot be told.
    AmbiguousProduct,
    /// Somebody has written into the block of a note that the change would replace.
    EditedNote,
    /// The PSA cannot do this kind of change.
    Unsupported,
}

impl Guard {
    /// The guard's name, as it stands in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TotalReduction => "total_reduction",
            Self::TotalIncrease => "total_increase",
            Self::StaleReading => "stale_reading",
            Self::CommitmentFloor => "commitment_floor",
            Self::InvoicedPeriod => "invoiced_period",
            Self::AgreementDates => "agreement_dates",
            Self::Currency => "currency",
            Self::WholeUnits => "whole_units",
            Self::NegativeQuantity => "negative_quantity",
            Self::UnmappedUsage => "unmapped_usage",
            Self::AmbiguousAccount => "ambiguous_account",
            Self::SimilarAccount => "similar_account",
            Self::Proration => "proration",
            Self::FirstAssociation => "first_association",
            Self::AmbiguousProduct => "ambiguous_product",
            Self::EditedNote => "edited_note",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a change is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The rule.
    pub guard: Guard,
    /// The reason in a sentence, with the figures.
    pub reason: String,
}

/// Names to show beside the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The company's name.
    pub company: String,
    /// The agreement's name.
    pub agreement: String,
    /// The product's identifier.
    pub product: String,
}

/// One usage line behind a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageEvidence {
    /// The vendor account.
    pub account: VendorAccountId,
    /// The service.
    pub service: ServiceKey,
    /// The usage line.
    pub line: LineKey,
    /// Its quantity.
    pub quantity: Quantity,
}

/// What a change rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The usage lines, in the order of their keys.
    pub usage: Vec<UsageEvidence>,
    /// The rules that turned them into the number, in words.
    pub rules: Vec<String>,
    /// The oldest state that the readings show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The PSA's stamp of the line's last edit when it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The agreement's first day not invoiced yet, when it was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_invoice: Option<CivilDate>,
    /// The changes of an earlier run that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Undoes>,
}

/// The changes of an earlier run that a change takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undoes {
    /// The run.
    pub run: RunId,
    /// The changes, in the order of that run.
    pub changes: Vec<ChangeId>,
}

/// One change: one write to one agreement, with everything that speaks for and against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Change {
    /// The id: the same for the same intent on the same state.
    pub id: ChangeId,
    /// The company.
    pub company: CompanyId,
    /// The agreement.
    pub agreement: AgreementId,
    /// The product.
    pub product: ProductId,
    /// Names to show.
    pub labels: Labels,
    /// The write.
    pub action: Action,
    /// The first day on which the new state counts.
    pub effective: CivilDate,
    /// What must still hold.
    pub precondition: Precondition,
    /// The change of this plan that comes first: neither is approved, overridden or carried out
    /// without the other. An agreement alone is created whichever of its changes are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<ChangeId>,
    /// What the PSA is expected to compute for a partial period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Box<Prediction>>,
    /// What makes a created line recognisable again.
    pub marker: Marker,
    /// Why, in a sentence for a person in finance.
    pub reason: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// What speaks against it; empty when nothing does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

impl Change {
    /// A change with its write and the state it was planned on; reason, evidence and labels empty.
    pub fn new(
        id: impl Into<ChangeId>,
        company: impl Into<CompanyId>,
        agreement: impl Into<AgreementId>,
        product: impl Into<ProductId>,
        action: Action,
        effective: CivilDate,
    ) -> Self {
        let id = id.into();
        let precondition = match &action {
            Action::CreateLine {
                last_day: None,
                like: Some(line),
                ..
            } => Precondition::Ended {
                line: line.clone(),
                last_day: effective.plus_days(-1),
            },
            Action::CreateLine { last_day: None, .. } => Precondition::NoOpenLine,
            Action::CreateLine {
                last_day: Some(_), ..
            } => Precondition::NoSameLine { beside: None },
            Action::SetQuantity { from, .. } | Action::EndLine { from, .. } => {
                Precondition::Quantity { quantity: *from }
            }
            Action::SetUnitCost { from, .. } => Precondition::UnitCost { unit_cost: *from },
            Action::SetUnitPrice { from, .. } => Precondition::UnitPrice { unit_price: *from },
            Action::CreateAgreement { .. } => Precondition::NoAgreement,
            Action::AddCharge { .. } => Precondition::NoCharge,
            Action::CreateAccount { .. } => Precondition::NoAccount,
            Action::LinkAccount { .. } => Precondition::NotLinked,
            Action::CreateProduct { .. } => Precondition::NoProduct,
            Action::WriteNote { .. } => Precondition::NoteBlock,
            Action::SetCount { from, .. } => Precondition::LastCount { quantity: *from },
        };
        Self {
            marker: Marker::of_change(&id),
            id,
            company: company.into(),
            agreement: agreement.into(),
            product: product.into(),
            labels: Labels::default(),
            action,
            effective,
            precondition,
            follows: None,
            prediction: None,
            reason: String::new(),
            evidence: Evidence::default(),
            blocks: Vec::new(),
        }
    }

    /// Names the charge that it makes; none of any other change.
    #[must_use]
    pub fn charge_key(&self) -> Option<ChargeKey> {
        let Action::AddCharge { account, bill, .. } = &self.action else {
            return None;
        };
        Some(ChargeKey::new(
            self.company.clone(),
            self.agreement.key().as_ref(),
            self.product.clone(),
            account.clone(),
            bill.clone(),
        ))
    }

    /// Whether something speaks against it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Why no person's word can let it through, if none can: the PSA would refuse the write for
    /// good.
    #[must_use]
    pub fn final_block(&self) -> Option<&Block> {
        self.blocks.iter().find(|block| match block.guard {
            Guard::Unsupported
            | Guard::WholeUnits
            | Guard::AmbiguousAccount
            | Guard::AmbiguousProduct => true,
            Guard::Currency => matches!(
                self.action,
                Action::SetUnitCost { .. }
                    | Action::SetUnitPrice { .. }
                    | Action::CreateLine {
                        unit_cost: Some(_),
                        ..
                    }
            ),
            Guard::InvoicedPeriod | Guard::AgreementDates => {
                matches!(
                    self.action,
                    Action::CreateLine { .. } | Action::AddCharge { .. }
                )
            }
            _ => false,
        })
    }
}

/// The first two changes that go together of which only one is chosen.
///
/// For whoever approves or overrides some changes of a plan: both or none.
pub fn split_pair(
    changes: &[Change],
    chosen: impl Fn(&Change) -> bool,
) -> Option<(&Change, &Change)> {
    changes.iter().find_map(|second| {
        let first = second.follows.as_ref()?;
        let first = changes.iter().find(|change| change.id == *first)?;
        let alone = first.action.creates_agreement() && chosen(first);
        (chosen(first) != chosen(second) && !alone).then_some((first, second))
    })
}
