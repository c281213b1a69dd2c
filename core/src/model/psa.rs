//! The PSA's side: companies, agreements, products and lines.

use serde::{Deserialize, Serialize};

use super::{
    AgreementId, AgreementLineId, BillingCycle, CivilDate, CompanyId, Currency, Marker, Money,
    ProductId, Quantity, ReadFailure,
};

/// Whether lines may be synced onto something, and if not, why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eligibility {
    /// It may be used.
    #[default]
    Eligible,
    /// It may not, for these reasons, each a sentence.
    NotEligible(Vec<String>),
}

impl Eligibility {
    /// Eligible when there is no reason against it.
    #[must_use]
    pub fn from_reasons(reasons: Vec<String>) -> Self {
        if reasons.is_empty() {
            Self::Eligible
        } else {
            Self::NotEligible(reasons)
        }
    }

    /// Whether it may be used.
    #[must_use]
    pub fn is_eligible(&self) -> bool {
        matches!(self, Self::Eligible)
    }

    /// The reasons against it; none when it is eligible.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Eligible => &[],
            Self::NotEligible(reasons) => reasons,
        }
    }
}

/// A client of the MSP as the PSA knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Company {
    /// The PSA's id.
    pub id: CompanyId,
    /// The name.
    pub name: String,
    /// The PSA's short name for it, where it has one.
    pub identifier: Option<String>,
    /// Whether lines may be synced to it.
    pub eligibility: Eligibility,
}

impl Company {
    /// An eligible company.
    pub fn new(id: impl Into<CompanyId>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            identifier: None,
            eligibility: Eligibility::Eligible,
        }
    }

    /// Adds the short name.
    #[must_use]
    pub fn with_identifier(mut self, identifier: Option<String>) -> Self {
        self.identifier = identifier;
        self
    }

    /// Says whether lines may be synced to it.
    #[must_use]
    pub fn with_eligibility(mut self, eligibility: Eligibility) -> Self {
        self.eligibility = eligibility;
        self
    }
}

/// The frame of terms under which lines bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Agreement {
    /// The PSA's id.
    pub id: AgreementId,
    /// The company.
    pub company: CompanyId,
    /// The name.
    pub name: String,
    /// The agreement that it is invoiced through.
    pub parent: Option<AgreementId>,
    /// How often it bills.
    pub billing_cycle: BillingCycle,
    /// The currency of its amounts, where the PSA says it.
    pub currency: Option<Currency>,
    /// The first day.
    pub start: Option<CivilDate>,
    /// The last day; absent when it has no end.
    pub end: Option<CivilDate>,
    /// The first day that it bills: no line may start before.
    pub bill_start: Option<CivilDate>,
    /// The date of its next invoice: the first day not invoiced yet.
    pub next_invoice: Option<CivilDate>,
    /// Whether the PSA prorates lines that start or stop within a period.
    pub prorates: Option<bool>,
    /// Whether lines may be synced onto it.
    pub eligibility: Eligibility,
}

impl Agreement {
    /// An eligible agreement billed on an unknown cycle.
    pub fn new(
        id: impl Into<AgreementId>,
        company: impl Into<CompanyId>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            company: company.into(),
            name: name.into(),
            parent: None,
            billing_cycle: BillingCycle::Unknown,
            currency: None,
            start: None,
            end: None,
            bill_start: None,
            next_invoice: None,
            prorates: None,
            eligibility: Eligibility::Eligible,
        }
    }
}

/// What can be put on an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Product {
    /// The PSA's id.
    pub id: ProductId,
    /// The PSA's code for it.
    pub identifier: String,
    /// The name or description.
    pub name: String,
    /// The vendor that the PSA's record names.
    pub vendor: Option<String>,
    /// The vendor's SKU that the PSA's record names.
    pub vendor_sku: Option<String>,
    /// The list price per unit.
    pub unit_price: Option<Money>,
    /// The list cost per unit.
    pub unit_cost: Option<Money>,
    /// Whether it may stand on an agreement.
    pub eligibility: Eligibility,
}

impl Product {
    /// An eligible product.
    pub fn new(
        id: impl Into<ProductId>,
        identifier: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            identifier: identifier.into(),
            name: name.into(),
            vendor: None,
            vendor_sku: None,
            unit_price: None,
            unit_cost: None,
            eligibility: Eligibility::Eligible,
        }
    }
}

/// The billable state of a line: what a change may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineState {
    /// The number of units.
    pub quantity: Quantity,
    /// The cost per unit, where the PSA holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    /// The price per unit, where the PSA holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// The first day it bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<CivilDate>,
    /// The last day it bills; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<CivilDate>,
}

/// One recurring line of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgreementLine {
    /// The PSA's id.
    pub id: AgreementLineId,
    /// The product.
    pub product: ProductId,
    /// What it bills.
    pub state: LineState,
    /// The marker that was written with it, where the PSA kept one.
    pub marker: Option<Marker>,
    /// The PSA's own stamp of the last edit, as it gives it.
    pub revision: Option<String>,
}

impl AgreementLine {
    /// An open line with a quantity, and nothing else known.
    pub fn new(
        id: impl Into<AgreementLineId>,
        product: impl Into<ProductId>,
        quantity: impl Into<Quantity>,
    ) -> Self {
        Self {
            id: id.into(),
            product: product.into(),
            state: LineState {
                quantity: quantity.into(),
                unit_cost: None,
                unit_price: None,
                effective: None,
                last_day: None,
            },
            marker: None,
            revision: None,
        }
    }

    /// Whether the line bills on a date or will bill later: it has not ended before it.
    #[must_use]
    pub fn is_open_on(&self, date: CivilDate) -> bool {
        self.state.last_day.is_none_or(|last| date <= last)
    }
}

/// Whether an agreement's lines were read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinesOutcome {
    /// Every line of the agreement, ended ones included.
    Complete(Vec<AgreementLine>),
    /// The lines were not observed; nothing may be concluded about them.
    Failed(ReadFailure),
}

/// What a PSA said about the lines of one agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgreementReading {
    /// The agreement.
    pub agreement: AgreementId,
    /// Its lines, or why there are none.
    pub outcome: LinesOutcome,
}

impl AgreementReading {
    /// An agreement whose lines were read whole.
    pub fn complete(agreement: impl Into<AgreementId>, lines: Vec<AgreementLine>) -> Self {
        Self {
            agreement: agreement.into(),
            outcome: LinesOutcome::Complete(lines),
        }
    }

    /// An agreement whose lines could not be read.
    pub fn failed(agreement: impl Into<AgreementId>, failure: impl Into<ReadFailure>) -> Self {
        Self {
            agreement: agreement.into(),
            outcome: LinesOutcome::Failed(failure.into()),
        }
    }

    /// The lines of a complete reading.
    #[must_use]
    pub fn lines(&self) -> Option<&[AgreementLine]> {
        match &self.outcome {
            LinesOutcome::Complete(lines) => Some(lines),
            LinesOutcome::Failed(_) => None,
        }
    }
}
