//! What must hold before a change is carried out.

use super::*;
use crate::model::{AgreementLine, CivilDate, Marker};

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// A line of 3 from the 11th to the 31st of October.
fn bounded() -> Change {
    let action = Action::CreateLine {
        quantity: 3_u32.into(),
        unit_cost: None,
        unit_price: None,
        last_day: Some(day("2026-10-31")),
        like: None,
    };
    Change::new("c1", "co", "a1", "p1", action, day("2026-10-11"))
}

fn line(product: &str, first: &str, last: Option<&str>) -> AgreementLine {
    let mut line = AgreementLine::new("l1", product, 13_u32);
    line.state.effective = Some(day(first));
    line.state.last_day = last.map(day);
    line
}

#[test]
fn a_bounded_line_may_stand_beside_an_open_one_and_beside_other_stretches() {
    let beside = [
        line("p1", "2026-01-01", None),
        line("p1", "2026-10-15", Some("2026-10-31")),
        line("p1", "2026-10-11", Some("2026-11-30")),
        line("p2", "2026-10-11", Some("2026-10-31")),
    ];
    assert_eq!(bounded().check_precondition(&beside), Ok(()));
}

#[test]
fn a_bounded_line_is_not_created_beside_one_of_the_same_days_or_of_its_marker() {
    let same_days = line("p1", "2026-10-11", Some("2026-10-31"));
    let found = bounded().check_precondition(&[same_days]).unwrap_err();
    assert_eq!(
        found,
        "line l1 of the product is already there with quantity 13 until 2026-10-31"
    );
    let mut marked = line("p1", "2026-10-12", Some("2026-10-20"));
    marked.marker = Some(Marker::new("c1"));
    assert!(bounded().check_precondition(&[marked]).is_err());
}

#[test]
fn an_open_ended_line_is_not_created_beside_one_that_still_bills() {
    let mut change = bounded();
    change.action = Action::CreateLine {
        quantity: 3_u32.into(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    change.precondition = Precondition::NoOpenLine;
    let ends = |last| [line("p1", "2026-01-01", Some(last))];
    assert!(change.check_precondition(&ends("2026-10-11")).is_err());
    assert_eq!(change.check_precondition(&ends("2026-10-10")), Ok(()));
}
