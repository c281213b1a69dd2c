//! Whether what a change was planned on still holds.

use std::fmt;

use super::action::Shown;
use super::{Action, Change, Precondition};
use crate::model::{AgreementLine, AgreementLineId, Quantity};

impl Change {
    /// Checks the precondition against the agreement's lines.
    ///
    /// # Errors
    /// What was found instead, in words.
    pub fn check_precondition(&self, lines: &[AgreementLine]) -> Result<(), String> {
        if self.action.makes_record() {
            // What it makes is no line: none stands in its way.
            return Ok(());
        }
        if let Precondition::LastCount { quantity } = &self.precondition {
            return self.check_last_count(*quantity, lines);
        }
        let Some(id) = self.action.line() else {
            return self.check_absence(lines);
        };
        let line = self.find(lines, id)?;
        let bounded = match &self.precondition {
            Precondition::QuantityUntil { last_day, .. } => Some(*last_day),
            _ => None,
        };
        match line.state.last_day {
            found if found == bounded => {}
            Some(day) => return Err(format!("line {id} now ends after {day}")),
            None => return Err(format!("line {id} has no end any more")),
        }
        let differs = |what: &str, found: &dyn fmt::Display, expected: &dyn fmt::Display| {
            Err(format!("{what} is {found}, planned on {expected}"))
        };
        match &self.precondition {
            Precondition::Quantity { quantity } | Precondition::QuantityUntil { quantity, .. }
                if line.state.quantity != *quantity =>
            {
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

    /// Whether the count that was set last is the one planned on.
    fn check_last_count(
        &self,
        planned_on: Option<Quantity>,
        lines: &[AgreementLine],
    ) -> Result<(), String> {
        let last = lines.iter().find(|line| line.product == self.product);
        let last = last.map(|line| line.state.quantity);
        let shown = |count: Option<Quantity>| {
            count.map_or_else(|| "none".to_owned(), |count| count.to_string())
        };
        if last == planned_on {
            return Ok(());
        }
        Err(format!(
            "the count set last is {}, planned on {}",
            shown(last),
            shown(planned_on)
        ))
    }

    /// Whether nothing stands where the line is to be created, and what it goes with does.
    fn check_absence(&self, lines: &[AgreementLine]) -> Result<(), String> {
        match &self.precondition {
            Precondition::Ended { line, last_day } => {
                let old = self.find(lines, line)?;
                match old.state.last_day {
                    Some(day) if day == *last_day => {}
                    Some(day) => {
                        return Err(format!(
                            "line {line} ends after {day}, not after {last_day}"
                        ));
                    }
                    None => return Err(format!("line {line} has no end yet")),
                }
                self.check_free(lines, |other| other.state.last_day.is_none())
            }
            Precondition::NoSameLine { beside } => {
                if let Some(beside) = beside {
                    let open = self.find(lines, &beside.line)?;
                    if open.state.quantity != beside.quantity {
                        return Err(format!(
                            "quantity of line {} is {}, planned on {}",
                            beside.line, open.state.quantity, beside.quantity
                        ));
                    }
                }
                if let Some(line) = lines.iter().find(|line| self.is_marked(line)) {
                    return Err(already_there(line));
                }
                let last_day = match &self.action {
                    Action::CreateLine { last_day, .. } => *last_day,
                    _ => None,
                };
                self.check_free(lines, |other| {
                    other.state.effective == Some(self.effective)
                        && other.state.last_day == last_day
                })
            }
            _ => self.check_free(lines, |other| other.is_open_on(self.effective)),
        }
    }

    fn is_marked(&self, line: &AgreementLine) -> bool {
        line.marker.as_ref() == Some(&self.marker)
    }

    fn check_free(
        &self,
        lines: &[AgreementLine],
        in_the_way: impl Fn(&AgreementLine) -> bool,
    ) -> Result<(), String> {
        let of_product = |line: &&AgreementLine| line.product == self.product;
        match lines
            .iter()
            .filter(of_product)
            .find(|line| in_the_way(line))
        {
            None => Ok(()),
            Some(line) => Err(already_there(line)),
        }
    }

    /// The line of the change's product with an id.
    fn find<'l>(
        &self,
        lines: &'l [AgreementLine],
        id: &AgreementLineId,
    ) -> Result<&'l AgreementLine, String> {
        let line = lines
            .iter()
            .find(|line| line.id == *id)
            .ok_or_else(|| format!("line {id} is no longer on the agreement"))?;
        if line.product != self.product {
            return Err(format!("line {id} is now of product {}", line.product));
        }
        Ok(line)
    }
}

fn already_there(line: &AgreementLine) -> String {
    let until = line
        .state
        .last_day
        .map_or_else(String::new, |day| format!(" until {day}"));
    format!(
        "line {} of the product is already there with quantity {}{until}",
        line.id, line.state.quantity
    )
}
