//! One change of a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{
    AgreementId, AgreementLine, AgreementLineId, ChangeId, CivilDate, CompanyId, LineKey, Marker,
    Money, ProductId, Quantity, ServiceKey, Timestamp, VendorAccountId,
};
use crate::store::RunId;

/// What a change does: one write to the PSA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Action {
    /// Adds a line for the product: open-ended, or for a bounded stretch of days only.
    CreateLine {
        /// The number of units.
        quantity: Quantity,
        /// The cost per unit; the product's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit_cost: Option<Money>,
        /// The price per unit; the product's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit_price: Option<Money>,
        /// The last day that it bills: of a catch-up for days already billed, or of a one-off.
        /// Open-ended when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_day: Option<CivilDate>,
    },
    /// Sets the number of units of a line.
    SetQuantity {
        /// The line.
        line: AgreementLineId,
        /// The number planned on.
        from: Quantity,
        /// The number wanted.
        to: Quantity,
    },
    /// Sets the cost per unit of a line.
    SetUnitCost {
        /// The line.
        line: AgreementLineId,
        /// The cost planned on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Money>,
        /// The cost wanted.
        to: Money,
    },
    /// Sets the price per unit of a line.
    SetUnitPrice {
        /// The line.
        line: AgreementLineId,
        /// The price planned on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Money>,
        /// The price wanted.
        to: Money,
    },
    /// Ends a line.
    EndLine {
        /// The line.
        line: AgreementLineId,
        /// The number of units that it bills until then.
        from: Quantity,
        /// The last day that it bills.
        last_day: CivilDate,
    },
}

impl Action {
    /// The line concerned; none for a line still to be created.
    #[must_use]
    pub fn line(&self) -> Option<&AgreementLineId> {
        match self {
            Self::CreateLine { .. } => None,
            Self::SetQuantity { line, .. }
            | Self::SetUnitCost { line, .. }
            | Self::SetUnitPrice { line, .. }
            | Self::EndLine { line, .. } => Some(line),
        }
    }

    /// The units before and after; none where the action does not touch the quantity.
    #[must_use]
    pub fn quantities(&self) -> Option<(Quantity, Quantity)> {
        match self {
            Self::CreateLine { quantity, .. } => Some((Quantity::ZERO, *quantity)),
            Self::SetQuantity { from, to, .. } => Some((*from, *to)),
            Self::EndLine { from, .. } => Some((*from, Quantity::ZERO)),
            Self::SetUnitCost { .. } | Self::SetUnitPrice { .. } => None,
        }
    }

    /// Whether it lowers what is billed.
    #[must_use]
    pub fn is_reduction(&self) -> bool {
        self.quantities().is_some_and(|(from, to)| to < from)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateLine {
                quantity,
                last_day: None,
                ..
            } => write!(f, "create a line of {quantity}"),
            Self::CreateLine {
                quantity,
                last_day: Some(day),
                ..
            } => write!(f, "create a line of {quantity} until {day}"),
            Self::SetQuantity { from, to, .. } => write!(f, "set quantity {from} -> {to}"),
            Self::SetUnitCost { from, to, .. } => {
                write!(f, "set unit cost {} -> {to}", Shown(from))
            }
            Self::SetUnitPrice { from, to, .. } => {
                write!(f, "set unit price {} -> {to}", Shown(from))
            }
            Self::EndLine { from, last_day, .. } => {
                write!(f, "end the line of {from} after {last_day}")
            }
        }
    }
}

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
    NoSameLine,
    /// The line is there, is of the product, has no end, and has this quantity.
    Quantity {
        /// The quantity planned on.
        quantity: Quantity,
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
}

/// A rule that speaks against carrying out a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Guard {
    /// The plan as a whole takes away more than the policy allows.
    TotalReduction,
    /// The reading is older than the vendor's rhythm allows for a reduction.
    StaleReading,
    /// The quantity would fall below what the vendor's commitment allows.
    CommitmentFloor,
    /// The effective date lies in a period that is already invoiced.
    InvoicedPeriod,
    /// The vendor's currency is not the agreement's.
    Currency,
    /// The quantity is fractional and the PSA takes whole units only.
    WholeUnits,
    /// The quantity is negative.
    NegativeQuantity,
    /// The line would end while the account has usage that nothing is decided about: the same
    /// thing may go on under another key.
    UnmappedUsage,
    /// The PSA cannot do this kind of change.
    Unsupported,
}

impl Guard {
    /// The guard's name, as it stands in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TotalReduction => "total_reduction",
            Self::StaleReading => "stale_reading",
            Self::CommitmentFloor => "commitment_floor",
            Self::InvoicedPeriod => "invoiced_period",
            Self::Currency => "currency",
            Self::WholeUnits => "whole_units",
            Self::NegativeQuantity => "negative_quantity",
            Self::UnmappedUsage => "unmapped_usage",
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

/// An amount that may be absent, in words.
pub(crate) struct Shown<'a>(pub(crate) &'a Option<Money>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(money) => money.fmt(f),
            None => f.write_str("none"),
        }
    }
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
            Action::CreateLine { last_day: None, .. } => Precondition::NoOpenLine,
            Action::CreateLine {
                last_day: Some(_), ..
            } => Precondition::NoSameLine,
            Action::SetQuantity { from, .. } | Action::EndLine { from, .. } => {
                Precondition::Quantity { quantity: *from }
            }
            Action::SetUnitCost { from, .. } => Precondition::UnitCost { unit_cost: *from },
            Action::SetUnitPrice { from, .. } => Precondition::UnitPrice { unit_price: *from },
        };
        Self {
            marker: Marker::new(id.as_str()),
            id,
            company: company.into(),
            agreement: agreement.into(),
            product: product.into(),
            labels: Labels::default(),
            action,
            effective,
            precondition,
            reason: String::new(),
            evidence: Evidence::default(),
            blocks: Vec::new(),
        }
    }

    /// Whether something speaks against it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Checks the precondition against the agreement's lines.
    ///
    /// # Errors
    /// What was found instead, in words.
    pub fn check_precondition(&self, lines: &[AgreementLine]) -> Result<(), String> {
        let Some(id) = self.action.line() else {
            return self.check_absence(lines);
        };
        let line = lines
            .iter()
            .find(|line| line.id == *id)
            .ok_or_else(|| format!("line {id} is no longer on the agreement"))?;
        if line.product != self.product {
            return Err(format!("line {id} is now of product {}", line.product));
        }
        if let Some(day) = line.state.last_day {
            return Err(format!("line {id} now ends after {day}"));
        }
        let differs = |what: &str, found: &dyn fmt::Display, expected: &dyn fmt::Display| {
            Err(format!("{what} is {found}, planned on {expected}"))
        };
        match &self.precondition {
            Precondition::Quantity { quantity } if line.state.quantity != *quantity => {
                differs("quantity", &line.state.quantity, quantity)
            }
            Precondition::UnitCost { unit_cost } if line.state.unit_cost != *unit_cost => differs(
                "unit cost",
                &Shown(&line.state.unit_cost),
                &Shown(unit_cost),
            ),
            Precondition::UnitPrice { unit_price } if line.state.unit_price != *unit_price => {
                differs(
                    "unit price",
                    &Shown(&line.state.unit_price),
                    &Shown(unit_price),
                )
            }
            _ => Ok(()),
        }
    }

    /// Whether nothing stands where the line is to be created.
    fn check_absence(&self, lines: &[AgreementLine]) -> Result<(), String> {
        let last_day = match &self.action {
            Action::CreateLine { last_day, .. } => *last_day,
            _ => None,
        };
        let in_the_way = |line: &&AgreementLine| {
            let of_product = line.product == self.product;
            match self.precondition {
                Precondition::NoSameLine => {
                    line.marker.as_ref() == Some(&self.marker)
                        || (of_product
                            && line.state.effective == Some(self.effective)
                            && line.state.last_day == last_day)
                }
                _ => of_product && line.is_open_on(self.effective),
            }
        };
        let Some(line) = lines.iter().find(in_the_way) else {
            return Ok(());
        };
        let until = line
            .state
            .last_day
            .map_or_else(String::new, |day| format!(" until {day}"));
        Err(format!(
            "line {} of the product is already there with quantity {}{until}",
            line.id, line.state.quantity
        ))
    }
}
