//! Reading back whether a change has landed: through the unit rows, for adjustments cannot be read.

use rust_decimal::Decimal;
use tallyline_core::model::{CivilDate, Money};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict};
use tallyline_core::{ErrorKind, Result};

use super::AutotaskSink;
use super::ahead::{self, Line};
use super::make;
use super::map::{self, same_amount};
use super::read::{self, wire_id};
use super::units::{Row, Units};
use super::write::{effective_day, known_line, whole};
use crate::models::ContractService;

pub(super) async fn verify(
    sink: &AutotaskSink,
    change: &Change,
    receipt: Option<&Receipt>,
) -> Result<Verdict> {
    if change.action.makes_record() {
        return make::verify(sink, change, receipt).await;
    }
    // Without an answer the write is settled by itself, by what is read for it alone.
    let known = match receipt {
        Some(_) => sink.0.ahead.take(change, sink.now()),
        None => None,
    };
    if let Some(Line { line, .. }) = known
        && let Some(id) = line.id
    {
        let units = ahead::read_back(sink, change, id).await?;
        return found(sink, change, line, id, units);
    }
    sink.0.ahead.forget(&change.agreement);
    let contract = read::contract_id(sink, &change.agreement).await?;
    let service = wire_id("a product", change.product.as_str())?;
    let day = effective_day(change);
    let named = change.action.line();
    let line = match named.or(receipt.and_then(|receipt| receipt.line.as_ref())) {
        Some(line) => match known_line(sink, line, contract, service).await {
            Ok(line) => line,
            Err(error) if error.kind() == ErrorKind::Conflict => {
                return Ok(conflict(error.message()));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(conflict(format!("line {line} is gone")));
            }
            Err(error) => return Err(error),
        },
        None => {
            let mut lines = read::lines_of_service(sink, contract, service).await?;
            match (lines.pop(), lines.len()) {
                (None, _) => return Ok(Verdict::NotLanded),
                (Some(line), 0) => line,
                (Some(_), more) => {
                    return Ok(conflict(format!(
                        "the contract has {} lines of the service",
                        more + 1
                    )));
                }
            }
        }
    };
    let id = map::required(line.id.as_ref(), "contract service", None, "id")?;
    // The day before as well: an adjustment that was moved by a day must not go unnoticed.
    let units = read::units_of(sink, id, day.plus_days(-1)).await?;
    found(sink, change, line, id, units)
}

/// What the rows from the day before on say about a change of a line.
fn found(
    sink: &AutotaskSink,
    change: &Change,
    line: ContractService,
    id: i64,
    units: Units,
) -> Result<Verdict> {
    let found = Found {
        sink,
        line,
        id,
        units,
        day: effective_day(change),
    };
    Ok(match &change.action {
        Action::CreateLine {
            quantity,
            unit_price,
            ..
        } => found.created(whole(*quantity)?, unit_price.as_ref()),
        Action::SetQuantity { from, to, .. } => found.units(whole(*from)?, whole(*to)?),
        Action::EndLine { from, .. } => found.units(whole(*from)?, 0),
        Action::SetUnitPrice { from, to, .. } => found.price(from.as_ref(), to),
        Action::SetUnitCost { from, to, .. } => {
            let cost = found.state().unit_cost;
            found.amount("unit cost", cost.as_ref(), from.as_ref(), to)
        }
        other => conflict(format!("this sink cannot {other}")),
    })
}

fn conflict(detail: impl Into<String>) -> Verdict {
    Verdict::Conflict {
        detail: detail.into(),
        observed: None,
    }
}

/// What reading back found.
struct Found<'a> {
    sink: &'a AutotaskSink,
    line: ContractService,
    id: i64,
    /// The rows from the day before on.
    units: Units,
    day: CivilDate,
}

impl Found<'_> {
    fn state(&self) -> tallyline_core::model::LineState {
        map::state(
            &self.line,
            &self.units,
            self.day,
            self.sink.0.rules.currency,
        )
    }

    fn conflict(&self, detail: String) -> Verdict {
        Verdict::Conflict {
            detail,
            observed: Some(self.state()),
        }
    }

    fn landed(&self) -> Verdict {
        Verdict::Landed {
            line: self.id.to_string().into(),
            observed: self.state(),
        }
    }

    /// The difference that is left is what tells: none and it landed, all of it and it did not,
    /// anything else and somebody else has changed the line.
    fn units(&self, from: i64, to: i64) -> Verdict {
        let (id, day) = (self.id, self.day);
        let now = self.units.on(day);
        if let Some(shifted) = self.shifted(from, to) {
            return self.conflict(format!(
                "line {id} bills {to} units from {shifted} on, where {day} was sent"
            ));
        }
        if let Some(later) = self.units.change_after(day) {
            return self.conflict(format!(
                "line {id} bills {now} units on {day} and {} from {} on",
                later.units, later.start
            ));
        }
        match now {
            now if now == to => self.landed(),
            now if now == from => Verdict::NotLanded,
            now => self.conflict(format!(
                "line {id} bills {now} units on {day}, which is neither {from} as before nor {to} \
                 as sent"
            )),
        }
    }

    /// The price went with the units: units alone do not prove it.
    fn created(&self, to: i64, price: Option<&Money>) -> Verdict {
        let units = self.units(0, to);
        let (Verdict::Landed { .. }, Some(price)) = (&units, price) else {
            return units;
        };
        match self.price(None, price) {
            Verdict::NotLanded => self.conflict(format!(
                "line {} bills {to} units and shows no unit price, where {price} was sent",
                self.id
            )),
            verdict => verdict,
        }
    }

    /// The day from which the new units count, where it is the day before or after the one sent:
    /// the system may move a date into its own zone.
    fn shifted(&self, from: i64, to: i64) -> Option<CivilDate> {
        if from == to {
            return None;
        }
        let begins = |day: CivilDate| {
            self.units
                .row_on(day)
                .is_some_and(|row| row.start == day && row.units == to)
        };
        let before = self.day.plus_days(-1);
        let after = self.day.plus_days(1);
        if begins(before) && self.units.on(self.day) == to && !begins(self.day) {
            return Some(before);
        }
        (begins(after) && self.units.on(self.day) == from).then_some(after)
    }

    /// The line shows the price of today: of a day to come, the row that holds it tells, by a
    /// price that is of all its units or of one.
    fn price(&self, from: Option<&Money>, to: &Money) -> Verdict {
        let shown = self.state().unit_price;
        let row = priced(&self.units, self.day, self.sink.today());
        let Some((row, price)) = row else {
            return self.amount("unit price", shown.as_ref(), from, to);
        };
        match told(row, price, from, to) {
            Some(true) => self.landed(),
            Some(false) => Verdict::NotLanded,
            None => self.conflict(format!(
                "line {} has a unit row from {} of {} units at {price}, which does not tell whether \
                 {to} per unit counts from {}",
                self.id, row.start, row.units, self.day
            )),
        }
    }

    fn amount(
        &self,
        what: &str,
        found: Option<&Money>,
        from: Option<&Money>,
        to: &Money,
    ) -> Verdict {
        if same_amount(found, Some(to)) {
            return self.landed();
        }
        if same_amount(found, from) {
            return Verdict::NotLanded;
        }
        let shown =
            |money: Option<&Money>| money.map_or_else(|| "none".to_owned(), Money::to_string);
        self.conflict(format!(
            "line {} shows the {what} {}, which is neither {} as before nor {to} as sent",
            self.id,
            shown(found),
            shown(from)
        ))
    }
}

/// The row that tells the price of a day to come, with its price.
fn priced(units: &Units, day: CivilDate, today: CivilDate) -> Option<(&Row, Decimal)> {
    let row = units
        .row_on(day)
        .filter(|row| row.units > 0 && day > today)?;
    Some((row, row.price?))
}

/// Whether the price of a row is the new price or the one from before; none where that cannot be
/// told.
fn told(row: &Row, price: Decimal, from: Option<&Money>, to: &Money) -> Option<bool> {
    let is = |amount: &Money| {
        let of_all = amount.amount.checked_mul(row.units.into());
        price == amount.amount || of_all == Some(price)
    };
    match (is(to), from.is_some_and(is)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// Whether a price to come is there by the row that holds its day; none where that does not tell.
pub(super) fn price_comes(
    units: &Units,
    (day, today): (CivilDate, CivilDate),
    from: Option<&Money>,
    to: &Money,
) -> Option<bool> {
    let (row, price) = priced(units, day, today)?;
    told(row, price, from, to)
}
