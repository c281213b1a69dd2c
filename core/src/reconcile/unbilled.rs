//! What a vendor charges for a service beside what its link bills: told, and not billed.

use std::collections::BTreeSet;

use crate::model::{BillKey, ChargeKind, Money, UsageLine};

/// The lines of one kind of one service of one account.
#[derive(Debug)]
pub(super) struct Unbilled {
    /// The kind that the link bills.
    counts: ChargeKind,
    lines: u64,
    bills: BTreeSet<BillKey>,
    price: Total,
    cost: Total,
}

/// An exact sum of amounts of one currency.
#[derive(Clone, Copy, Debug)]
enum Total {
    Nothing,
    Of(Money),
    /// An amount is not stated, or cannot be added exactly.
    Unknown,
}

impl Total {
    fn add(&mut self, amount: Option<Money>) {
        *self = match (*self, amount) {
            (Self::Nothing, Some(amount)) => Self::Of(amount),
            (Self::Of(sum), Some(amount)) => sum.plus(amount).map_or(Self::Unknown, Self::Of),
            _ => Self::Unknown,
        };
    }

    fn known(self) -> Option<Money> {
        match self {
            Self::Of(money) => Some(money),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

impl Unbilled {
    pub(super) fn beside(counts: ChargeKind) -> Self {
        Self {
            counts,
            lines: 0,
            bills: BTreeSet::new(),
            price: Total::Nothing,
            cost: Total::Nothing,
        }
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) fn add(&mut self, line: &UsageLine) {
        let times = |unit: Option<Money>| unit?.times(line.quantity).ok();
        self.lines += 1;
        self.bills.extend(line.bill.clone());
        self.price
            .add(line.total_price.or_else(|| times(line.unit_price)));
        self.cost
            .add(line.total_cost.or_else(|| times(line.unit_cost)));
    }

    /// What it comes to, and why it is not billed, in words.
    pub(super) fn words(&self, kind: ChargeKind) -> String {
        let lines = match self.lines {
            1 => format!("1 {kind} line"),
            many => format!("{many} {kind} lines"),
        };
        let bills = match (self.bills.len(), self.bills.first()) {
            (1, Some(bill)) => format!(" on the bill of {}", bill.date),
            (many @ 2.., _) => format!(" on {many} bills"),
            _ => String::new(),
        };
        let amounts = match (self.price.known(), self.cost.known()) {
            (Some(price), Some(cost)) => format!("{price} to the client, cost {cost}"),
            (Some(price), None) => format!("{price} to the client"),
            (None, Some(cost)) => format!("cost {cost}"),
            (None, None) => "the vendor does not state what they come to".to_owned(),
        };
        format!(
            "{lines}{bills} ({amounts}): the link bills {} lines alone",
            self.counts
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_counted_and_told() {
        let mut unbilled = Unbilled::beside(ChargeKind::Recurring);
        for (key, lines) in [("a", "1 proration line"), ("b", "2 proration lines")] {
            unbilled.add(&UsageLine::new(key, "mail", crate::model::Quantity::ONE));
            assert!(unbilled.words(ChargeKind::Proration).starts_with(lines));
        }
        assert_eq!(unbilled.lines(), 2);
    }
}
