//! What a vendor charges for a service beside what its link bills: told, and not billed.

use std::collections::BTreeSet;

use crate::model::{BillKey, ChargeKind, CivilDate, Money, UsageLine};

/// The lines of one kind of one service of one account.
#[derive(Debug)]
pub(super) struct Unbilled {
    why: Why,
    lines: u64,
    first_day: Option<CivilDate>,
    bills: BTreeSet<BillKey>,
    price: Total,
    cost: Total,
}

/// Why lines are not billed.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// The link bills another kind alone.
    Beside(ChargeKind),
    /// They are for days before the first sync.
    Before(CivilDate),
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
    /// Lines of another kind than the one that the link bills.
    pub(super) fn beside(counts: ChargeKind) -> Self {
        Self::because(Why::Beside(counts))
    }

    /// Lines for days before the first sync.
    pub(super) fn before(first_sync: CivilDate) -> Self {
        Self::because(Why::Before(first_sync))
    }

    fn because(why: Why) -> Self {
        Self {
            why,
            lines: 0,
            first_day: None,
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
        let begins = line.period.map(|period| period.start());
        self.first_day = [self.first_day, begins].into_iter().flatten().min();
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
        match (self.why, self.first_day) {
            (Why::Beside(counts), _) => {
                format!("{lines}{bills} ({amounts}): the link bills {counts} lines alone")
            }
            (Why::Before(first_sync), begins) => format!(
                "{lines}{bills} ({amounts}): the days from {} to {}, before the first sync, are \
                 left to a person",
                begins.unwrap_or(first_sync),
                first_sync.plus_days(-1)
            ),
        }
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
