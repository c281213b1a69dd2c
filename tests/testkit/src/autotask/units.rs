//! The quantity rows: how adjustments and the window of the contract shape them.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::periods::{self, Slot};
use super::records::{Adjustment, Already, Record, UnitRow};
use super::schema::Entity;
use super::state::{AutotaskState, InPostedPeriod};
use super::values;

pub(super) const PINNED: &str = "Unable to make changes as it would result in the deletion/modification of an already approved and posted contract period";
const DUPLICATE: &str = "Attempt to insert duplicate data into contract_service_period";
const NEGATIVE: &str = "The adjustment would result in a negative number of units.";

impl UnitRow {
    /// What the row comes to, before it is posted.
    pub fn price(&self) -> Decimal {
        let before = self
            .already
            .map_or(Decimal::ZERO, |a| Decimal::from(a.units) * a.unit_price);
        self.share(Decimal::from(self.units) * self.unit_price - before)
    }

    /// What the row costs, before it is posted.
    pub fn cost(&self) -> Decimal {
        let before = self
            .already
            .map_or(Decimal::ZERO, |a| Decimal::from(a.units) * a.unit_cost);
        self.share(Decimal::from(self.units) * self.unit_cost - before)
    }

    /// The share of an amount for the whole period: actual days over actual days, both ends counted.
    fn share(&self, amount: Decimal) -> Decimal {
        let own = Decimal::from(values::days(self.start, self.end));
        let whole = Decimal::from(values::days(self.period.0, self.period.1));
        values::rounded(amount * own / whole, 4)
    }

    fn posted_as(&self) -> Already {
        Already {
            units: self.units,
            unit_price: self.unit_price,
            unit_cost: self.unit_cost,
        }
    }
}

/// The rows of a contract service, in order of their days; of rows that start together the newest is last.
pub(super) fn of_line(state: &AutotaskState, line: i64) -> Vec<UnitRow> {
    let mut rows: Vec<UnitRow> = state
        .units
        .values()
        .filter(|row| row.contract_service_id == line)
        .cloned()
        .collect();
    rows.sort_by_key(|row| (row.start, row.id));
    rows
}

/// The row in force on a day: of those that hold it, the one that starts last.
pub(super) fn in_force(rows: &[UnitRow], day: Date) -> Option<&UnitRow> {
    rows.iter()
        .rev()
        .find(|row| row.start <= day && row.end >= day)
}

/// The price per unit of a contract service today.
pub(super) fn price_today(state: &AutotaskState, line: &Record) -> Decimal {
    let rows = of_line(state, line.id);
    let row = in_force(&rows, state.clock.today());
    row.map(|row| row.unit_price)
        .or_else(|| line.decimal("adjustedPrice"))
        .or_else(|| line.decimal("unitPrice"))
        .unwrap_or_default()
}

/// A new line has no rows, or rows of 0 units, as the tenant is set.
pub(super) fn begin(state: &mut AutotaskState, line: &Record) {
    if !state.options.zero_rows {
        return;
    }
    let contract = line.integer("contractID").unwrap_or(-1);
    for slot in slots(state, contract) {
        let row = empty_row(state, line, &slot, slot.from);
        state.put_unit(row);
    }
}

pub(super) fn slots(state: &AutotaskState, contract: i64) -> Vec<Slot> {
    let contract = state.record(Entity::Contracts, contract);
    contract.map_or_else(Vec::new, |contract| {
        periods::slots(contract, state.options.calendar_periods)
    })
}

fn empty_row(state: &mut AutotaskState, line: &Record, slot: &Slot, start: Date) -> UnitRow {
    UnitRow {
        id: state.fresh_id(),
        contract_id: line.integer("contractID").unwrap_or(-1),
        contract_service_id: line.id,
        start,
        end: slot.to,
        period: slot.period,
        units: 0,
        unit_price: line
            .decimal("adjustedPrice")
            .or_else(|| line.decimal("unitPrice"))
            .unwrap_or_default(),
        unit_cost: line.decimal("unitCost").unwrap_or_default(),
        posted: None,
        cut: false,
        adjustment_id: None,
        already: None,
    }
}

/// Why an adjustment cannot be taken, if it cannot.
fn objection(state: &AutotaskState, adjustment: &Adjustment) -> Option<&'static str> {
    let same_day = state.adjustments.values().any(|other| {
        other.contract_service_id == adjustment.contract_service_id
            && other.effective == adjustment.effective
    });
    if same_day && !state.options.same_day_adjustments {
        return Some(DUPLICATE);
    }
    let rows = of_line(state, adjustment.contract_service_id);
    let posted = in_force(&rows, adjustment.effective).is_some_and(|row| row.posted.is_some());
    if posted && state.options.in_posted_period == InPostedPeriod::Refused {
        return Some(PINNED);
    }
    let here = in_force(&rows, adjustment.effective).map_or(0, |row| row.units);
    let later = rows.iter().filter(|row| row.start > adjustment.effective);
    let lowest = later.map(|row| row.units).fold(here, i64::min);
    (lowest + adjustment.change < 0).then_some(NEGATIVE)
}

/// Takes an adjustment: from its day on, every row has so many units more.
///
/// # Errors
///
/// The text of the refusal; nothing has changed then.
pub(super) fn adjust(state: &mut AutotaskState, adjustment: Adjustment) -> Result<(), String> {
    let line = state
        .record(Entity::ContractServices, adjustment.contract_service_id)
        .cloned()
        .ok_or("The contract service does not exist.")?;
    if let Some(text) = objection(state, &adjustment) {
        return Err(text.to_owned());
    }
    cover(state, &line, adjustment.effective);
    let rows = of_line(state, line.id);
    for row in changed(state, &rows, &adjustment) {
        state.put_unit(row);
    }
    let contract = line.integer("contractID").unwrap_or(-1);
    let note = format!(
        "Contract service {} changed by {} units from {}.",
        line.id, adjustment.change, adjustment.effective
    );
    state.note(contract, note);
    state.adjustments.insert(adjustment.id, adjustment);
    Ok(())
}

/// Adds rows of 0 units from a day to the first row, so that rows hold every day from then on.
fn cover(state: &mut AutotaskState, line: &Record, from: Date) {
    let first = of_line(state, line.id).first().map(|row| row.start);
    for slot in slots(state, line.integer("contractID").unwrap_or(-1)) {
        if slot.to < from || first.is_some_and(|first| slot.from >= first) {
            continue;
        }
        let mut row = empty_row(state, line, &slot, slot.from.max(from));
        if let Some(before) = first.and_then(|first| first.yesterday().ok())
            && row.end > before
        {
            row.end = before;
            row.cut = true;
        }
        state.put_unit(row);
    }
}

/// The rows that an adjustment changes or makes.
fn changed(state: &mut AutotaskState, rows: &[UnitRow], adjustment: &Adjustment) -> Vec<UnitRow> {
    let day = adjustment.effective;
    let adjusted = |row: &UnitRow| UnitRow {
        units: row.units + adjustment.change,
        unit_price: adjustment.unit_price.unwrap_or(row.unit_price),
        unit_cost: adjustment.unit_cost.unwrap_or(row.unit_cost),
        ..row.clone()
    };
    let mut out = Vec::new();
    // Of rows that start together, only the newest counts.
    let counts = |at: usize| {
        rows.get(at)
            .is_some_and(|row| rows.get(at + 1).is_none_or(|next| next.start != row.start))
    };
    let here = in_force(rows, day).map(|row| row.id);
    for (at, row) in rows.iter().enumerate().filter(|(at, _)| counts(*at)) {
        let holds = Some(row.id) == here;
        if !holds && row.start <= day {
            continue;
        }
        let start = row.start.max(day);
        let next = rows.get(at + 1).map(|next| next.start);
        let end = match next.and_then(|next| next.yesterday().ok()) {
            Some(before) if before < row.end => before,
            _ => row.end,
        };
        if row.posted.is_some() {
            out.push(UnitRow {
                id: state.fresh_id(),
                start,
                end,
                posted: None,
                already: Some(row.posted_as()),
                adjustment_id: Some(adjustment.id),
                ..adjusted(row)
            });
        } else if row.start < day {
            out.push(UnitRow {
                id: state.fresh_id(),
                start,
                adjustment_id: Some(adjustment.id),
                ..adjusted(row)
            });
            out.push(UnitRow {
                end: day.yesterday().unwrap_or(day),
                cut: true,
                ..row.clone()
            });
        } else {
            out.push(adjusted(row));
        }
    }
    out
}

/// Gives a contract another last day: rows after it go, rows up to it come.
///
/// # Errors
///
/// When a posted row would be deleted or cut; nothing has changed then.
pub(super) fn move_end(state: &mut AutotaskState, contract: i64, end: Date) -> Result<(), String> {
    let lines: Vec<Record> = lines_of(state, contract);
    let pinned = state
        .units
        .values()
        .any(|row| row.contract_id == contract && row.posted.is_some() && row.end > end);
    if pinned {
        return Err(PINNED.to_owned());
    }
    if let Some(mut record) = state.record(Entity::Contracts, contract).cloned() {
        record.set("endDate", values::day(end));
        state.put(Entity::Contracts, record);
    }
    for line in lines {
        let rows = of_line(state, line.id);
        let Some(last) = rows.last().cloned() else {
            continue;
        };
        for row in rows {
            if row.start > end {
                state.remove_unit(row.id);
            } else if row.end > end {
                state.put_unit(UnitRow { end, ..row });
            }
        }
        extend(state, &last, end);
    }
    Ok(())
}

/// Carries a line's last row on to a later end.
fn extend(state: &mut AutotaskState, last: &UnitRow, end: Date) {
    for slot in slots(state, last.contract_id) {
        if slot.to <= last.end || slot.to > end {
            continue;
        }
        if slot.from <= last.end && last.posted.is_none() {
            state.put_unit(UnitRow {
                end: slot.to,
                ..last.clone()
            });
            continue;
        }
        let start = match last.end.tomorrow() {
            Ok(next) if slot.from <= last.end => next,
            _ => slot.from,
        };
        let row = UnitRow {
            id: state.fresh_id(),
            start,
            end: slot.to,
            period: slot.period,
            posted: None,
            cut: false,
            adjustment_id: None,
            already: None,
            ..last.clone()
        };
        state.put_unit(row);
    }
}

/// Gives a contract another first day: all rows are made anew from the adjustments.
///
/// # Errors
///
/// When a row is posted; nothing has changed then.
pub(super) fn move_start(
    state: &mut AutotaskState,
    contract: i64,
    start: Date,
) -> Result<(), String> {
    let posted = |row: &&UnitRow| row.contract_id == contract && row.posted.is_some();
    if state.units.values().any(|row| posted(&row)) {
        return Err(PINNED.to_owned());
    }
    if let Some(mut record) = state.record(Entity::Contracts, contract).cloned() {
        record.set("startDate", values::day(start));
        state.put(Entity::Contracts, record);
    }
    for line in lines_of(state, contract) {
        for row in of_line(state, line.id) {
            state.remove_unit(row.id);
        }
        begin(state, &line);
        let mut taken: Vec<Adjustment> = state
            .adjustments
            .values()
            .filter(|adjustment| adjustment.contract_service_id == line.id)
            .cloned()
            .collect();
        taken.sort_by_key(|adjustment| adjustment.effective);
        for mut adjustment in taken {
            adjustment.effective = adjustment.effective.max(start);
            cover(state, &line, adjustment.effective);
            let rows = of_line(state, line.id);
            for row in changed(state, &rows, &adjustment) {
                state.put_unit(row);
            }
        }
    }
    Ok(())
}

fn lines_of(state: &AutotaskState, contract: i64) -> Vec<Record> {
    state
        .list(Entity::ContractServices)
        .filter(|line| line.integer("contractID") == Some(contract))
        .cloned()
        .collect()
}
