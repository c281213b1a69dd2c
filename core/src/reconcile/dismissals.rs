//! Lines that a person leaves as they are for the rest of a billing period.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, Row, VendorCost};
use crate::error::{Error, ErrorKind, Result, printable};
use crate::model::{
    Agreement, AgreementId, CivilDate, Money, Period, ProductId, Quantity, Timestamp,
};

/// The version of the file format.
const VERSION: u32 = 1;

/// Larger files are refused unread: 8 MiB.
const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

const HEADER: &str = "\
# Tallyline dismissals: lines that a person leaves as they are for the rest of a billing period.
#
# Each holds until the last day of its period, and only while the vendor shows the same value. To leave
# an account or a service out for good, exclude it in the mapping.

";

/// A person's word to leave a line as it is for the rest of the billing period.
///
/// Not an exclusion: it ends with the period, and it ends when the vendor shows another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Dismissal {
    /// The agreement, as changes name it.
    pub agreement: AgreementId,
    /// The product.
    pub product: ProductId,
    /// The first day of the billing period.
    pub first_day: CivilDate,
    /// The last day of the billing period, and of the dismissal.
    pub last_day: CivilDate,
    /// The vendor's quantity that was dismissed; absent where the vendor showed no usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// Who dismissed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The vendor's cost per unit that was dismissed, where it was one figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
}

impl Dismissal {
    /// Dismisses what a row shows, for the billing period that holds the day of its comparison.
    ///
    /// # Errors
    /// `Mapping` when the reason or the name is blank, or there is nothing on the row to dismiss: it is a
    /// charge for a bill, is not observed, or waits for another decision.
    pub fn of(row: Row<'_>, by: &str, at: Timestamp, reason: &str) -> Result<Self> {
        let wrong = |why: &str| Err(Error::new(ErrorKind::Mapping, why.to_owned()));
        if row.charge().is_some() {
            return wrong(
                "a charge for a bill of the vendor cannot be dismissed: it would be lost; exclude the \
                 service, or do not approve the charge",
            );
        }
        if !can_be_dismissed(row.kind()) {
            return wrong(&format!(
                "the line is {}, and nothing is planned for it: there is nothing to dismiss",
                row.kind()
            ));
        }
        let (by, reason) = (by.trim(), reason.trim());
        if by.is_empty() || reason.is_empty() {
            return wrong("a dismissal needs a name and a reason: say who and why");
        }
        let period = period_of(row.agreement(), row.today());
        Ok(Self {
            agreement: row.agreement_id(),
            product: row.product().clone(),
            first_day: period.start(),
            last_day: period.end(),
            quantity: row.vendor(),
            unit_cost: cost_of(row.vendor_cost()),
            by: printable(by),
            at,
            reason: printable(reason),
        })
    }

    /// Whether it holds on a day for what the vendor shows then.
    #[must_use]
    pub fn holds(
        &self,
        today: CivilDate,
        quantity: Option<Quantity>,
        unit_cost: VendorCost,
    ) -> bool {
        let in_period = self.first_day <= today && today <= self.last_day;
        in_period && self.quantity == quantity && self.unit_cost == cost_of(unit_cost)
    }

    /// Who leaves it as it is, until when and why, in words.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "{} dismissed it until {}: {}",
            self.by, self.last_day, self.reason
        )
    }
}

/// Whether changes are planned for what is of a kind.
pub(super) fn can_be_dismissed(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NewRevenue
            | Kind::Change
            | Kind::NoChange
            | Kind::VendorMissing
            | Kind::FirstCount
            | Kind::Dismissed
    )
}

fn cost_of(cost: VendorCost) -> Option<Money> {
    match cost {
        VendorCost::Uniform(money) => Some(money),
        VendorCost::Unknown | VendorCost::Mixed => None,
    }
}

/// The billing period of an agreement on a day; the calendar month where it is not known.
fn period_of(agreement: &Agreement, today: CivilDate) -> Period {
    agreement
        .period_of(today)
        .unwrap_or_else(|| Period::month_of(today))
}

/// The lines that are dismissed, by agreement and product.
///
/// # Examples
/// ```
/// use tallyline_core::reconcile::Dismissals;
///
/// let dismissals = Dismissals::new();
/// assert_eq!(Dismissals::from_toml(&dismissals.to_toml()?)?, dismissals);
/// # Ok::<(), tallyline_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dismissals {
    of: BTreeMap<AgreementId, BTreeMap<ProductId, Dismissal>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dismissals: Vec<Dismissal>,
}

impl Dismissals {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All of them, in the order of agreement and product; past ones too.
    pub fn iter(&self) -> impl Iterator<Item = &Dismissal> {
        self.of.values().flat_map(BTreeMap::values)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The dismissal of a line, whether it still holds or not.
    #[must_use]
    pub fn get(&self, agreement: &AgreementId, product: &ProductId) -> Option<&Dismissal> {
        self.of.get(agreement)?.get(product)
    }

    /// Whether there is one of any line of an agreement.
    pub(super) fn has_any_of(&self, agreement: &AgreementId) -> bool {
        self.of.contains_key(agreement)
    }

    /// Keeps a dismissal, in place of an earlier one of the line.
    pub fn dismiss(&mut self, dismissal: Dismissal) {
        let of_agreement = self.of.entry(dismissal.agreement.clone()).or_default();
        of_agreement.insert(dismissal.product.clone(), dismissal);
    }

    /// Takes the dismissal of a line back; says whether there was one.
    pub fn restore(&mut self, agreement: &AgreementId, product: &ProductId) -> bool {
        let Some(of_agreement) = self.of.get_mut(agreement) else {
            return false;
        };
        let was_there = of_agreement.remove(product).is_some();
        if of_agreement.is_empty() {
            self.of.remove(agreement);
        }
        was_there
    }

    /// Forgets those whose period has ended before a day; says how many.
    pub fn forget_past(&mut self, today: CivilDate) -> usize {
        let before = self.iter().count();
        self.of.retain(|_, of_agreement| {
            of_agreement.retain(|_, dismissal| today <= dismissal.last_day);
            !of_agreement.is_empty()
        });
        before - self.iter().count()
    }

    /// The text of their file: the same dismissals give the same text.
    ///
    /// # Errors
    /// `Unexpected` when they cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        let file = File {
            version: VERSION,
            dismissals: self.iter().cloned().collect(),
        };
        let body = toml::to_string(&file)
            .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        Ok(format!("{HEADER}{body}"))
    }

    /// Reads the text of their file.
    ///
    /// # Errors
    /// `Mapping` when it is no such file, is of another version, names a line twice or a period that
    /// ends before it begins.
    pub fn from_toml(text: &str) -> Result<Self> {
        let wrong = |why: String| Error::new(ErrorKind::Mapping, why);
        if text.len() > MAX_FILE_BYTES {
            return Err(wrong(format!(
                "the file has {} bytes, more than the {MAX_FILE_BYTES} that are read",
                text.len()
            )));
        }
        let file: File =
            toml::from_str(text).map_err(|error| wrong(printable(&error.to_string())))?;
        if file.version != VERSION {
            return Err(wrong(format!(
                "the dismissals have format version {}, and this library reads version {VERSION}",
                file.version
            )));
        }
        let mut dismissals = Self::new();
        for dismissal in file.dismissals {
            let line = format!(
                "agreement {}, product {}",
                printable(dismissal.agreement.as_str()),
                printable(dismissal.product.as_str())
            );
            if dismissal.last_day < dismissal.first_day {
                return Err(wrong(format!("{line}: the period ends before it begins")));
            }
            if dismissals
                .get(&dismissal.agreement, &dismissal.product)
                .is_some()
            {
                return Err(wrong(format!(
                    "{line}: dismissed twice, keep one of the two"
                )));
            }
            dismissals.dismiss(dismissal);
        }
        Ok(dismissals)
    }
}

#[cfg(test)]
mod tests;
