//! Reading back whether a change has landed.

use tallyline_core::Result;
use tallyline_core::model::{
    AgreementLine, AgreementLineId, CivilDate, LineState, Money, Quantity,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{ReadBack, Receipt, Verdict};

use super::map::same_amount;
use super::marker::MarkerPlacement;
use super::read::Additions;
use super::{ConnectWiseSink, make, note, product, read, terms};

/// What is made beside the lines is looked up by itself; all else is seen on the agreement's lines.
pub(super) async fn read_back(
    sink: &ConnectWiseSink,
    change: &Change,
    receipt: Option<&Receipt>,
) -> Result<ReadBack> {
    if change.action.creates_product() {
        return product::verify(sink, change).await.map(ReadBack::from);
    }
    if change.action.writes_note() {
        return note::verify(sink, change).await.map(ReadBack::from);
    }
    if change.action.makes_record() {
        return make::verify(sink, change, receipt)
            .await
            .map(ReadBack::from);
    }
    let additions = read::additions_of(sink, &change.agreement).await?;
    let lines = read::lines_in(sink, &change.agreement, &additions).await?;
    let receipt = receipt.and_then(|receipt| receipt.line.as_ref());
    let verdict = shown_by(sink, change, receipt, &lines);
    let verdict = with_terms(sink, change, verdict, &additions);
    Ok(ReadBack::with_lines(verdict, lines))
}

/// The verdict on a line that has landed and was to take over the terms of another: they bill as the rest does.
fn with_terms(
    sink: &ConnectWiseSink,
    change: &Change,
    verdict: Verdict,
    additions: &Additions,
) -> Verdict {
    let (
        Action::CreateLine {
            like: Some(like),
            last_day,
            ..
        },
        Verdict::Landed { line, observed },
    ) = (&change.action, &verdict)
    else {
        return verdict;
    };
    let addition = |wanted: &AgreementLineId| {
        let mut all = additions.iter().map(|(_, addition)| addition);
        all.find(|it| it.id.is_some_and(|id| id.to_string() == wanted.as_str()))
    };
    let (Some(old), Some(new)) = (addition(like), addition(line)) else {
        return verdict;
    };
    if terms::are_taken_over(old, new, last_day.is_none(), &sink.0.marker) {
        return verdict;
    }
    Verdict::Conflict {
        detail: format!(
            "line {line} does not bill by the terms that line {like} has now: units free of charge, or whether it is billed"
        ),
        observed: Some(observed.clone()),
    }
}

/// What the lines of the agreement say about a change.
pub(super) fn shown_by(
    sink: &ConnectWiseSink,
    change: &Change,
    receipt: Option<&AgreementLineId>,
    lines: &[AgreementLine],
) -> Verdict {
    match &change.action {
        Action::CreateLine {
            quantity,
            unit_cost,
            unit_price,
            last_day,
            ..
        } => {
            let wanted = NewLine {
                change,
                quantity: *quantity,
                unit_cost: unit_cost.as_ref(),
                unit_price: unit_price.as_ref(),
                last_day: *last_day,
            };
            let marked = sink.0.marker != MarkerPlacement::JournalOnly;
            wanted.verdict(lines, receipt, marked)
        }
        Action::SetQuantity { line, from, to } => field(change, lines, line, |state| {
            landed(state.quantity == *to, state.quantity == *from)
        }),
        Action::SetUnitCost { line, from, to } => field(change, lines, line, |state| {
            amount(state.unit_cost.as_ref(), from.as_ref(), to)
        }),
        Action::SetUnitPrice { line, from, to } => field(change, lines, line, |state| {
            amount(state.unit_price.as_ref(), from.as_ref(), to)
        }),
        Action::EndLine { line, last_day, .. } => field(change, lines, line, |state| {
            landed(state.last_day == Some(*last_day), state.last_day.is_none())
        }),
        other => conflict(format!("this sink cannot {other}")),
    }
}

fn conflict(detail: impl Into<String>) -> Verdict {
    Verdict::Conflict {
        detail: detail.into(),
        observed: None,
    }
}

fn conflict_on(line: &AgreementLine, detail: String) -> Verdict {
    Verdict::Conflict {
        detail,
        observed: Some(line.state.clone()),
    }
}

/// Which of the three a field shows.
enum Shown {
    New,
    Old,
    Other,
}

fn landed(new: bool, old: bool) -> Shown {
    match (new, old) {
        (true, _) => Shown::New,
        (false, true) => Shown::Old,
        (false, false) => Shown::Other,
    }
}

fn amount(found: Option<&Money>, from: Option<&Money>, to: &Money) -> Shown {
    landed(same_amount(found, Some(to)), same_amount(found, from))
}

/// The verdict on a change of one field of a line.
fn field(
    change: &Change,
    lines: &[AgreementLine],
    id: &AgreementLineId,
    shown: impl FnOnce(&LineState) -> Shown,
) -> Verdict {
    let Some(line) = lines.iter().find(|line| line.id == *id) else {
        return conflict(format!("line {id} is no longer on the agreement"));
    };
    if line.product != change.product {
        return conflict_on(
            line,
            format!("line {id} is now of product {}", line.product),
        );
    }
    match shown(&line.state) {
        Shown::New => Verdict::Landed {
            line: line.id.clone(),
            observed: line.state.clone(),
        },
        Shown::Old => Verdict::NotLanded,
        Shown::Other => conflict_on(
            line,
            format!(
                "line {id} shows neither what was there nor what was sent: {}",
                words(&line.state)
            ),
        ),
    }
}

fn words(state: &LineState) -> String {
    let mut words = format!("quantity {}", state.quantity);
    if let Some(cost) = &state.unit_cost {
        words.push_str(&format!(", unit cost {cost}"));
    }
    if let Some(price) = &state.unit_price {
        words.push_str(&format!(", unit price {price}"));
    }
    if let Some(day) = state.effective {
        words.push_str(&format!(", from {day}"));
    }
    if let Some(day) = state.last_day {
        words.push_str(&format!(", until {day}"));
    }
    words
}

/// What a created line must be.
#[derive(Clone, Copy)]
pub(super) struct NewLine<'a> {
    pub(super) change: &'a Change,
    pub(super) quantity: Quantity,
    pub(super) unit_cost: Option<&'a Money>,
    pub(super) unit_price: Option<&'a Money>,
    pub(super) last_day: Option<CivilDate>,
}

impl NewLine<'_> {
    /// Whether a line stands where this one was to be: of the product, on the same days for a
    /// bounded line, else open when this one begins.
    fn stands_as(&self, line: &AgreementLine) -> bool {
        let effective = self.change.effective;
        line.product == self.change.product
            && match self.last_day {
                Some(_) => {
                    line.state.effective == Some(effective) && line.state.last_day == self.last_day
                }
                None => line.is_open_on(effective),
            }
    }

    fn verdict(
        &self,
        lines: &[AgreementLine],
        receipt: Option<&AgreementLineId>,
        marked: bool,
    ) -> Verdict {
        let carries = |line: &&AgreementLine| {
            line.marker
                .as_ref()
                .is_some_and(|marker| MarkerPlacement::is_same(marker, &self.change.marker))
        };
        if let Some(id) = receipt {
            return match lines.iter().find(|line| line.id == *id) {
                Some(line) => self.check(line),
                None => match lines.iter().find(carries) {
                    Some(other) => conflict(format!(
                        "line {id} was created and is gone, and line {} carries its mark",
                        other.id
                    )),
                    // A list may show it later; with an answer it is never sent again.
                    None => Verdict::NotLanded,
                },
            };
        }
        let like_it = |line: &&AgreementLine| self.stands_as(line);
        let found: Vec<&AgreementLine> = if marked {
            lines.iter().filter(carries).collect()
        } else {
            lines
                .iter()
                .filter(like_it)
                .filter(|line| {
                    line.state.effective == Some(self.change.effective)
                        && line.state.quantity == self.quantity
                })
                .collect()
        };
        match found.as_slice() {
            [line] => self.check(line),
            [] => match lines.iter().find(like_it) {
                // There was no such line when the change was planned. It may be this change's,
                // with its marker lost; a person has to look.
                Some(line) if self.is_anothers(line) => conflict(format!(
                    "line {} of the product is there and carries the mark of another change: {}",
                    line.id,
                    words(&line.state)
                )),
                Some(line) => conflict(format!(
                    "line {} of the product is there and cannot be told from the one that was \
                     sent: {}",
                    line.id,
                    words(&line.state)
                )),
                None => Verdict::NotLanded,
            },
            several => {
                let ids: Vec<&str> = several.iter().map(|line| line.id.as_str()).collect();
                conflict(format!(
                    "lines {} could each be the one that was sent",
                    ids.join(", ")
                ))
            }
        }
    }

    /// Whether a line carries the mark of another change.
    fn is_anothers(&self, line: &AgreementLine) -> bool {
        line.marker
            .as_ref()
            .is_some_and(|marker| !MarkerPlacement::is_same(marker, &self.change.marker))
    }

    fn check(&self, line: &AgreementLine) -> Verdict {
        if self.is_anothers(line) {
            return conflict(format!(
                "line {} carries the mark of another change",
                line.id
            ));
        }
        let state = &line.state;
        let cost = self.unit_cost;
        let price = self.unit_price;
        let as_sent = line.product == self.change.product
            && state.quantity == self.quantity
            && state.effective == Some(self.change.effective)
            && state.last_day == self.last_day
            && (cost.is_none() || same_amount(state.unit_cost.as_ref(), cost))
            && (price.is_none() || same_amount(state.unit_price.as_ref(), price));
        if as_sent {
            return Verdict::Landed {
                line: line.id.clone(),
                observed: state.clone(),
            };
        }
        conflict_on(
            line,
            format!(
                "line {} was created but differs from what was sent: product {}, {}",
                line.id,
                line.product,
                words(state)
            ),
        )
    }
}
