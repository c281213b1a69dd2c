//! How many units a line bills on which day, from its unit rows. No I/O, no clock.

use std::collections::HashMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use tallyline_core::Result;
use tallyline_core::model::{CivilDate, Quantity};

use super::map::{date, required, unreadable};
use crate::models::ContractServiceUnit;

const RECORD: &str = "unit row";

/// One unit row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) start: CivilDate,
    /// The last day; the next row may start on it.
    end: CivilDate,
    pub(super) units: i64,
    /// Its period was approved and posted.
    pub(super) posted: bool,
    /// The price, of the row or of a unit: the system does not say which.
    pub(super) price: Option<Decimal>,
    /// Whether it shows a cost, which it does only to those who may see costs.
    shows_cost: bool,
}

/// The unit rows of one line, by their first day. Days before the first that was asked for are
/// not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Units(Vec<Row>);

impl Units {
    /// The rows of each line of a contract.
    ///
    /// Two rows that start on one day: the one that ends later is meant, or, of the same days, the
    /// one that is not posted: an adjustment that came after. Where that does not tell and they
    /// differ, nothing is known.
    pub(super) fn by_line(rows: &[ContractServiceUnit]) -> Result<HashMap<i64, Self>> {
        let mut lines: HashMap<i64, Self> = HashMap::new();
        for row in rows {
            let line = required(
                row.contract_service_id.as_ref(),
                RECORD,
                row.id,
                "contractServiceID",
            )?;
            lines.entry(line).or_default().0.push(read(row)?);
        }
        for (line, units) in &mut lines {
            units.settle(*line)?;
        }
        Ok(lines)
    }

    fn settle(&mut self, line: i64) -> Result<()> {
        let place = |row: &Row| (row.start, row.end, !row.posted);
        self.0.sort_by_key(place);
        let unlike = self.0.windows(2).find(|pair| match pair {
            [a, b] => place(a) == place(b) && a.units != b.units,
            _ => false,
        });
        if let Some([a, b]) = unlike {
            return Err(unreadable(
                "contract service",
                Some(line),
                "units",
                format!(
                    "two unit rows from {} to {} show {} and {}",
                    a.start, a.end, a.units, b.units
                ),
            ));
        }
        // Of those with one first day the last stays; days that are posted stay so.
        self.0.reverse();
        self.0.dedup_by(|earlier, stays| {
            let one = earlier.start == stays.start;
            stays.posted |= one && earlier.posted && earlier.end == stays.end;
            one
        });
        self.0.reverse();
        Ok(())
    }

    /// The row in force on a day: the one that starts last, if it has not ended.
    pub(super) fn row_on(&self, day: CivilDate) -> Option<&Row> {
        let last = self.0.iter().rev().find(|row| row.start <= day)?;
        (day <= last.end).then_some(last)
    }

    /// The units in force on a day; none where no row is.
    pub(super) fn on(&self, day: CivilDate) -> i64 {
        self.row_on(day).map_or(0, |row| row.units)
    }

    pub(super) fn quantity_on(&self, day: CivilDate) -> Quantity {
        Quantity::from(self.on(day))
    }

    fn after(&self, day: CivilDate) -> impl DoubleEndedIterator<Item = &Row> {
        self.0.iter().filter(move |row| row.start > day)
    }

    /// The first row after a day with other units than on it.
    pub(super) fn change_after(&self, day: CivilDate) -> Option<&Row> {
        let units = self.on(day);
        self.after(day).find(|row| row.units != units)
    }

    /// The first row on or after a day on which a period begins that is posted. A row may end on the day on which the
    /// next one starts: of that period it is none.
    pub(super) fn posted_from(&self, day: CivilDate) -> Option<&Row> {
        let of_before = |row: &&Row| row.start < day && row.end == day;
        self.row_on(day)
            .filter(|row| !of_before(row))
            .into_iter()
            .chain(self.after(day))
            .find(|row| row.posted)
    }

    /// The last posted day; none where no row is posted.
    pub(super) fn posted_until(&self) -> Option<CivilDate> {
        let posted = self.0.iter().filter(|row| row.posted);
        posted.map(|row| row.end).max()
    }

    /// Whether any row shows a cost.
    pub(super) fn show_cost(&self) -> bool {
        self.0.iter().any(|row| row.shows_cost)
    }

    /// The last day that bills anything, seen from a day on which the rows are known: that of a
    /// line whose units are none from some day on. None while it goes on.
    pub(super) fn last_day(&self, known_from: CivilDate) -> Option<CivilDate> {
        let rows: Vec<&Row> = self
            .row_on(known_from)
            .into_iter()
            .chain(self.after(known_from))
            .collect();
        if rows.is_empty() {
            return Some(known_from.plus_days(-1));
        }
        let ended = rows.iter().rev().take_while(|row| row.units == 0).count();
        let first = rows.get(rows.len() - ended)?;
        Some(first.start.plus_days(-1))
    }
}

fn read(row: &ContractServiceUnit) -> Result<Row> {
    let day = |text: Option<&String>, field: &'static str| {
        let found = date(text.map(String::as_str), RECORD, row.id, field)?;
        required(found.as_ref(), RECORD, row.id, field)
    };
    // Absent units are not none: nothing is known of the row.
    let units: Decimal = required(row.units.as_ref(), RECORD, row.id, "units")?;
    let whole = units.fract().is_zero().then(|| units.to_i64()).flatten();
    let units = whole.filter(|whole| *whole >= 0).ok_or_else(|| {
        let what = format!("{units} is no whole number of units from 0 on");
        unreadable(RECORD, row.id, "units", what)
    })?;
    Ok(Row {
        start: day(row.start_date.as_ref(), "startDate")?,
        end: day(row.end_date.as_ref(), "endDate")?,
        units,
        posted: row.approve_and_post_date.is_some(),
        price: row.price,
        shows_cost: row.cost.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use tallyline_core::ErrorKind;

    use super::*;

    fn day(text: &str) -> CivilDate {
        text.parse().unwrap()
    }

    fn row(start: &str, end: &str, units: i64) -> ContractServiceUnit {
        ContractServiceUnit {
            id: Some(1),
            contract_service_id: Some(9),
            start_date: Some(format!("{start}T00:00:00")),
            end_date: Some(format!("{end}T00:00:00")),
            units: Some(units.into()),
            ..ContractServiceUnit::default()
        }
    }

    fn units(rows: &[ContractServiceUnit]) -> Units {
        Units::by_line(rows).unwrap().remove(&9).unwrap_or_default()
    }

    #[test]
    fn in_force_is_the_row_that_starts_last_and_never_a_sum_step_3() {
        // The earlier row is given as ending on the day the later one starts.
        let units = units(&[
            row("2026-10-15", "2026-10-31", 13),
            row("2026-10-01", "2026-10-15", 10),
            row("2026-11-01", "2026-11-30", 13),
        ]);
        for (date, expected) in [
            ("2026-09-30", 0),
            ("2026-10-01", 10),
            ("2026-10-14", 10),
            ("2026-10-15", 13),
            ("2026-11-30", 13),
            ("2026-12-01", 0),
        ] {
            assert_eq!(units.on(day(date)), expected, "{date}");
        }
        assert_eq!(
            units.change_after(day("2026-10-01")).unwrap().start,
            day("2026-10-15")
        );
        assert_eq!(units.change_after(day("2026-10-15")), None);
    }

    #[test]
    fn of_two_rows_that_start_on_one_day_the_one_that_ends_later_is_meant() {
        let both = [
            row("2026-10-01", "2026-10-31", 5),
            row("2026-10-01", "2026-10-01", 3),
        ];
        assert_eq!(units(&both).on(day("2026-10-01")), 5);
        let mut posted = row("2026-10-01", "2026-10-31", 3);
        posted.approve_and_post_date = Some("2026-10-02T00:00:00".to_owned());
        for both in [
            [posted.clone(), row("2026-10-01", "2026-10-31", 5)],
            [row("2026-10-01", "2026-10-31", 5), posted],
        ] {
            let units = units(&both);
            assert_eq!(units.on(day("2026-10-01")), 5);
            assert_eq!(units.posted_until(), Some(day("2026-10-31")));
        }
        let unclear = [
            row("2026-10-01", "2026-10-31", 5),
            row("2026-10-01", "2026-10-31", 3),
        ];
        let error = Units::by_line(&unclear).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(
            error.to_string().contains("show 3 and 5")
                || error.to_string().contains("show 5 and 3"),
            "{error}"
        );
    }

    #[test]
    fn a_line_has_ended_when_it_bills_nothing_to_the_end() {
        let ends = units(&[
            row("2026-10-01", "2026-10-31", 5),
            row("2026-11-01", "2026-11-30", 0),
            row("2026-12-01", "2026-12-31", 0),
        ]);
        assert_eq!(ends.last_day(day("2026-10-05")), Some(day("2026-10-31")));
        assert_eq!(ends.last_day(day("2026-12-05")), Some(day("2026-11-30")));
        let pauses = units(&[
            row("2026-10-01", "2026-10-31", 0),
            row("2026-11-01", "2026-11-30", 2),
        ]);
        assert_eq!(pauses.last_day(day("2026-10-05")), None);
        assert_eq!(
            Units::default().last_day(day("2026-10-05")),
            Some(day("2026-10-04"))
        );
        assert_eq!(
            units(&[row("2026-10-01", "2026-10-31", 5)]).last_day(day("2026-10-05")),
            None
        );
    }

    #[test]
    fn posted_rows_are_found_from_a_day_on() {
        let mut posted = row("2026-10-01", "2026-10-31", 5);
        posted.approve_and_post_date = Some("2026-10-02T00:00:00".to_owned());
        let units = units(&[posted, row("2026-11-01", "2026-11-30", 5)]);
        assert_eq!(
            units.posted_from(day("2026-10-30")).unwrap().start,
            day("2026-10-01")
        );
        assert_eq!(units.posted_from(day("2026-10-31")), None);
        assert_eq!(units.posted_from(day("2026-11-01")), None);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_the_row() {
        let mut without = row("2026-10-01", "2026-10-31", 5);
        without.units = None;
        let mut fraction = row("2026-10-01", "2026-10-31", 5);
        fraction.units = Some("5.5".parse().unwrap());
        let mut dateless = row("2026-10-01", "2026-10-31", 5);
        dateless.start_date = None;
        for (wrong, part) in [
            (without, "units is missing"),
            (fraction, "5.5 is no whole number"),
            (dateless, "startDate is missing"),
        ] {
            let error = Units::by_line(&[wrong]).unwrap_err();
            assert!(error.to_string().contains("unit row 1"), "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
