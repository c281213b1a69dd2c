//! What a change does.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{
    AgreementId, AgreementLineId, BillKey, BillingCycle, CivilDate, Money, Period, Quantity,
    ServiceKey, VendorAccountId,
};

/// What a change does: one write to the PSA, or to a vendor that takes in accounts.
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
        /// The line whose terms it takes over: whatever the PSA holds of a line that is not
        /// stated here. An open-ended line takes its place, a bounded one stands beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        like: Option<AgreementLineId>,
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
        /// The units of the line that takes its place on the next day, by another change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaced_by: Option<Quantity>,
    },
    /// Creates the agreement that the change names by its key, from the change's effective date
    /// on. The changes on it stand after this one.
    CreateAgreement {
        /// Its name.
        name: String,
        /// How often it bills.
        billing_cycle: BillingCycle,
        /// Its last day; open-ended when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_day: Option<CivilDate>,
        /// The agreement that it is invoiced through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<AgreementId>,
    },
    /// Adds a charge for one bill of an account, billed once and dated at the change's effective
    /// date. It is recognised again by the change's marker, which is that of the bill for
    /// the agreement and the product.
    AddCharge {
        /// The vendor's account that got the bill.
        account: VendorAccountId,
        /// The vendor's bill.
        bill: BillKey,
        /// What the client reads.
        description: String,
        /// The number of units; 1 where the bill's lines differ.
        quantity: Quantity,
        /// The price per unit.
        unit_price: Money,
        /// The cost per unit, where the bill states it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit_cost: Option<Money>,
        /// The days of use that it is for, where the bill states them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        period: Option<Period>,
    },
    /// Creates an account at a vendor for the change's company, with the company's id. In the place
    /// of the product stands the field that holds the id.
    CreateAccount {
        /// Its name: that of the company.
        name: String,
    },
    /// Gives an account at a vendor the id of the change's company, and changes nothing else of it.
    LinkAccount {
        /// The account.
        account: VendorAccountId,
        /// Its name, which is exactly the company's.
        name: String,
    },
    /// Creates a product of the PSA's catalogue for a service, recognised again by its identifier. It
    /// concerns no company and no agreement: in their place stands the identifier.
    CreateProduct {
        /// The identifier.
        identifier: String,
        /// The name.
        name: String,
        /// The service that it is for.
        service: ServiceKey,
    },
    /// Writes a block of the agreement's note, which stands beside what people wrote there. In the place of
    /// the product stands the block's owner.
    WriteNote {
        /// Whose block it is: the vendor's system and the account.
        owner: String,
        /// The block's text planned on; absent where the note had no such block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The block's text wanted.
        to: String,
    },
    /// Sets the count of the product for the agreement, on a system that bills no line of its own
    /// and does not tell counts back.
    SetCount {
        /// The count that was set last; absent where none is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Quantity>,
        /// The count wanted.
        to: Quantity,
    },
}

impl Action {
    /// The line concerned; none for a line still to be created, and for what is no line.
    #[must_use]
    pub fn line(&self) -> Option<&AgreementLineId> {
        match self {
            Self::CreateLine { .. }
            | Self::CreateAgreement { .. }
            | Self::AddCharge { .. }
            | Self::CreateAccount { .. }
            | Self::LinkAccount { .. }
            | Self::CreateProduct { .. }
            | Self::WriteNote { .. }
            | Self::SetCount { .. } => None,
            Self::SetQuantity { line, .. }
            | Self::SetUnitCost { line, .. }
            | Self::SetUnitPrice { line, .. }
            | Self::EndLine { line, .. } => Some(line),
        }
    }

    /// The units before and after; none where the action does not touch the quantity, or what was
    /// before is not known. Of a line
    /// that takes another's place both are the same: the step is the other's.
    #[must_use]
    pub fn quantities(&self) -> Option<(Quantity, Quantity)> {
        match self {
            Self::CreateLine {
                quantity,
                last_day: None,
                like: Some(_),
                ..
            } => Some((*quantity, *quantity)),
            Self::CreateLine { quantity, .. } => Some((Quantity::ZERO, *quantity)),
            Self::SetQuantity { from, to, .. } => Some((*from, *to)),
            Self::SetCount { from, to } => from.map(|from| (from, *to)),
            Self::EndLine {
                from, replaced_by, ..
            } => Some((*from, replaced_by.unwrap_or(Quantity::ZERO))),
            Self::SetUnitCost { .. }
            | Self::SetUnitPrice { .. }
            | Self::CreateAgreement { .. }
            | Self::AddCharge { .. }
            | Self::CreateAccount { .. }
            | Self::LinkAccount { .. }
            | Self::CreateProduct { .. }
            | Self::WriteNote { .. } => None,
        }
    }

    /// Whether it makes a record that is found by a key, a marker or its owner, and is no line.
    #[must_use]
    pub fn makes_record(&self) -> bool {
        matches!(self, Self::CreateAgreement { .. } | Self::AddCharge { .. })
            || self.is_of_account()
            || self.creates_product()
            || self.writes_note()
    }

    /// Whether it writes a block of a note.
    #[must_use]
    pub fn writes_note(&self) -> bool {
        matches!(self, Self::WriteNote { .. })
    }

    /// Whether it is about an account at a vendor, and not about the PSA.
    #[must_use]
    pub fn is_of_account(&self) -> bool {
        matches!(self, Self::CreateAccount { .. } | Self::LinkAccount { .. })
    }

    /// Whether it creates a product of the catalogue.
    #[must_use]
    pub fn creates_product(&self) -> bool {
        matches!(self, Self::CreateProduct { .. })
    }

    /// Whether it creates an agreement.
    #[must_use]
    pub fn creates_agreement(&self) -> bool {
        matches!(self, Self::CreateAgreement { .. })
    }

    /// Whether it creates a line for a stretch of days only.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        matches!(
            self,
            Self::CreateLine {
                last_day: Some(_),
                ..
            }
        )
    }

    /// Whether it sets a value that, set twice, is the same value, whatever was there: where the system
    /// cannot be asked, a count whose answer was lost may be set again.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        matches!(self, Self::SetCount { .. })
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
                like: Some(line),
                ..
            } => write!(f, "create a line of {quantity} in place of line {line}"),
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
            Self::EndLine {
                from,
                last_day,
                replaced_by,
                ..
            } => {
                write!(f, "end the line of {from} after {last_day}")?;
                match replaced_by {
                    Some(quantity) => write!(f, ", a line of {quantity} follows"),
                    None => Ok(()),
                }
            }
            Self::CreateAgreement {
                name,
                billing_cycle,
                last_day,
                parent,
            } => {
                write!(f, "create the agreement {name}")?;
                if let Some(parent) = parent {
                    write!(f, " under agreement {parent}")?;
                }
                write!(f, ", billed {billing_cycle}")?;
                match last_day {
                    Some(day) => write!(f, ", until {day}"),
                    None => Ok(()),
                }
            }
            Self::AddCharge {
                account,
                bill,
                quantity,
                unit_price,
                ..
            } => {
                f.write_str("charge ")?;
                if *quantity != Quantity::ONE {
                    write!(f, "{quantity} at ")?;
                }
                write!(f, "{unit_price} for bill {bill} of account {account}")
            }
            Self::CreateAccount { name } => write!(f, "create the account {name}"),
            Self::LinkAccount { account, name } => {
                write!(f, "give account {account} ({name}) the company's id")
            }
            Self::CreateProduct {
                identifier, name, ..
            } => write!(f, "create the product {identifier} ({name})"),
            Self::WriteNote { from, to, .. } => {
                let lines = to.lines().count();
                let place = if from.is_some() {
                    "in place of the block that is there"
                } else {
                    "beside what is there"
                };
                write!(f, "write {lines} lines into the note, {place}")
            }
            Self::SetCount {
                from: Some(from),
                to,
            } => write!(f, "set count {from} -> {to}"),
            Self::SetCount { from: None, to } => write!(f, "set count not known -> {to}"),
        }
    }
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
