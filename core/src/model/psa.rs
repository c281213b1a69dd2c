//! The PSA's side: companies, agreements, products and lines.

use serde::{Deserialize, Serialize};

use super::{
    AgreementId, AgreementKey, AgreementLineId, BillingCycle, CivilDate, CompanyId, Currency,
    Marker, Money, Period, ProductId, Quantity, ReadFailure,
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
    /// What it is recognised by, where the PSA holds that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<AgreementKey>,
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
    /// The first day from which a change that is planned now counts, where the PSA's rules say it;
    /// else what is invoiced and prorated decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from: Option<CivilDate>,
    /// A day on which one of its billing periods begins, where that is known.
    pub period_anchor: Option<CivilDate>,
    /// The text of its note, empty where it has none, of a sink that writes blocks into it
    /// (`SinkCapabilities::write_note`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
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
            key: None,
            name: name.into(),
            parent: None,
            billing_cycle: BillingCycle::Unknown,
            currency: None,
            start: None,
            end: None,
            bill_start: None,
            next_invoice: None,
            prorates: None,
            counts_from: None,
            period_anchor: None,
            note: None,
            eligibility: Eligibility::Eligible,
        }
    }
}

impl Agreement {
    /// The billing period that holds a day; none where the periods are not known, or the day
    /// lies before the first that is.
    #[must_use]
    pub fn period_of(&self, day: CivilDate) -> Option<Period> {
        let anchor = self.period_anchor.filter(|anchor| *anchor <= day)?;
        let months = self.billing_cycle.months()?;
        let since = |date: CivilDate| i32::from(date.year()) * 12 + i32::from(date.month());
        let whole = u32::try_from(since(day) - since(anchor)).ok()? / months;
        // Counted from the anchor itself, so that a start on the 31st does not drift.
        let start_of = |index: u32| anchor.plus_months(index * months);
        let (start, next) = match start_of(whole) {
            start if start <= day => (start, start_of(whole + 1)),
            next => (start_of(whole.checked_sub(1)?), next),
        };
        Period::new(start, next.plus_days(-1)).ok()
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

/// What the PSA itself computed for the partial period that a line bills first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prorated {
    /// The price of one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// The price of all units billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The cost of one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    /// The cost of all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

/// The billable state of a line: what a change may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What the PSA computed for a partial first period, where it says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prorated: Option<Box<Prorated>>,
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
                ..LineState::default()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn period(cycle: BillingCycle, anchor: &str, day: &str) -> Option<String> {
        let mut agreement = Agreement::new("1", "2", "Cloud");
        agreement.billing_cycle = cycle;
        agreement.period_anchor = anchor.parse().ok();
        let period = agreement.period_of(day.parse().unwrap())?;
        Some(period.to_string())
    }

    #[test]
    fn a_period_is_counted_from_its_anchor() {
        use BillingCycle::{Monthly, Quarterly, Yearly};
        for (cycle, anchor, day, wanted) in [
            (
                Monthly,
                "2000-01-01",
                "2026-10-11",
                "2026-10-01 to 2026-10-31",
            ),
            (
                Monthly,
                "2000-01-01",
                "2028-02-29",
                "2028-02-01 to 2028-02-29",
            ),
            (
                Quarterly,
                "2000-01-01",
                "2026-11-30",
                "2026-10-01 to 2026-12-31",
            ),
            (
                Yearly,
                "2025-03-10",
                "2026-03-09",
                "2025-03-10 to 2026-03-09",
            ),
            (
                Monthly,
                "2026-01-17",
                "2026-02-16",
                "2026-01-17 to 2026-02-16",
            ),
            (
                Monthly,
                "2026-01-17",
                "2026-02-17",
                "2026-02-17 to 2026-03-16",
            ),
            (
                Monthly,
                "2026-01-31",
                "2026-02-28",
                "2026-02-28 to 2026-03-30",
            ),
            (
                Monthly,
                "2026-01-31",
                "2026-02-27",
                "2026-01-31 to 2026-02-27",
            ),
        ] {
            assert_eq!(period(cycle, anchor, day).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn a_period_that_is_not_known_is_not_guessed() {
        assert_eq!(period(BillingCycle::Monthly, "", "2026-10-11"), None);
        assert_eq!(
            period(BillingCycle::Weekly, "2026-01-01", "2026-10-11"),
            None
        );
        assert_eq!(
            period(BillingCycle::Monthly, "2026-10-12", "2026-10-11"),
            None
        );
    }
}
