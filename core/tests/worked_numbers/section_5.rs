//! Commitments: 144.00 a seat for a year of 365 days.

use tallyline_core::model::{Batch, Commitment, CommittedQuantity, Money, Quantity};
use tallyline_core::proration::{CoTerm, RemainderIn, instalments, months_after, nth_term, refund};

use crate::{CENTS, at, date, dec, inclusive, period, units, usd};

#[test]
fn section_5_four_more_with_265_days_left_come_to_418_19() {
    let year = period("2025-03-01", "2026-02-28");
    assert_eq!(year.days(), 365);
    assert_eq!(inclusive(4, "144.00", &year, "2025-06-09"), dec("418.19"));
}

#[test]
fn section_5_four_more_in_a_leap_term_with_266_days_left_come_to_418_62() {
    let leap = period("2027-03-01", "2028-02-29");
    assert_eq!(leap.days(), 366);
    assert_eq!(inclusive(4, "144.00", &leap, "2027-06-09"), dec("418.62"));
}

#[test]
fn section_5_a_cut_after_5_used_days_gives_back_568_11_and_keeps_7_89() {
    let year = period("2025-03-01", "2026-02-28");
    let batch = Batch::new(4_u32, at("2025-03-01T08:00:00Z"));
    let back = refund(
        &batch,
        dec("144.00"),
        &year,
        at("2025-03-06T10:00:00Z"),
        CENTS,
    )
    .unwrap();
    assert_eq!((back.given_back, back.kept), (dec("568.11"), dec("7.89")));
}

#[test]
fn section_5_nothing_is_given_back_once_168_hours_are_over() {
    let year = period("2025-03-01", "2026-02-28");
    let batch = Batch::new(4_u32, at("2025-03-01T08:00:00Z"));
    let back = |when| refund(&batch, dec("144.00"), &year, at(when), CENTS);
    assert!(back("2025-03-08T07:59:59Z").is_ok());
    let refused = back("2025-03-08T08:00:00Z").unwrap_err();
    assert!(refused.to_string().contains("not open"), "{refused}");
    assert!(back("2025-02-28T08:00:00Z").is_err());
    // Of a batch that was added within the term the part is given back that was charged.
    let added = Batch::new(4_u32, at("2025-06-09T08:00:00Z"));
    let all = refund(
        &added,
        dec("144.00"),
        &year,
        at("2025-06-09T20:00:00Z"),
        CENTS,
    );
    assert_eq!(all.unwrap().given_back, dec("418.19"));
}

#[test]
fn section_5_a_co_termed_purchase_of_284_days_comes_to_560_22_and_later_terms_are_whole() {
    let end = date("2025-12-18");
    let aligned = CoTerm::with(date("2025-03-10"), 12, (end, 12)).unwrap();
    assert_eq!((aligned.first.days(), aligned.whole.days()), (284, 365));
    let price = aligned.first_price(units("5"), dec("144.00")).unwrap();
    assert_eq!(price.round(CENTS).unwrap(), dec("560.22"));
    assert_eq!(
        aligned.next(12).unwrap(),
        period("2025-12-19", "2026-12-18")
    );
}

#[test]
fn section_5_an_annual_or_triennial_term_does_not_end_with_a_monthly_one() {
    let end = date("2025-04-09");
    for months in [12, 36] {
        let refused = CoTerm::with(date("2025-03-10"), months, (end, 1)).unwrap_err();
        assert!(refused.to_string().contains("cannot end with"), "{refused}");
    }
    assert!(CoTerm::with(date("2025-03-10"), 1, (end, 12)).is_ok());
    let beyond = CoTerm::with(date("2025-03-10"), 1, (date("2025-12-18"), 12));
    assert!(beyond.is_err(), "longer than a term");
}

#[test]
fn section_5_align_with_calendar_month_picks_the_months_end() {
    let first = |bought: &str, months| {
        let aligned = CoTerm::with_calendar_month(date(bought), months);
        aligned.unwrap().first
    };
    assert_eq!(first("2025-03-10", 1), period("2025-03-10", "2025-03-31"));
    assert_eq!(first("2025-03-10", 12), period("2025-03-10", "2026-02-28"));
    assert_eq!(first("2025-03-01", 12), period("2025-03-01", "2026-02-28"));
}

#[test]
fn section_5_twelve_instalments_of_100_00_are_8_33_and_the_named_one_8_37() {
    let parts = |named| instalments(dec("100.00"), 12, named, CENTS).unwrap();
    for (named, place) in [
        (RemainderIn::First, 0),
        (RemainderIn::Last, 11),
        (RemainderIn::Number(5), 4),
    ] {
        let parts = parts(named);
        for (at, part) in parts.iter().enumerate() {
            let wanted = if at == place { "8.37" } else { "8.33" };
            assert_eq!(*part, dec(wanted), "instalment {at}");
        }
        let all = Money::total(parts.iter().map(|part| usd(&part.to_string())));
        assert_eq!(all.unwrap(), Some(usd("100.00")));
    }
    assert_eq!(usd("8.33").times(units("12")).unwrap(), usd("99.96"));
}

#[test]
fn section_5_an_instalment_that_is_not_there_takes_no_remainder() {
    for named in [RemainderIn::Number(0), RemainderIn::Number(13)] {
        assert!(instalments(dec("100.00"), 12, named, CENTS).is_err());
    }
    for parts in [0, 1201] {
        assert!(instalments(dec("100.00"), parts, RemainderIn::Last, CENTS).is_err());
    }
}

#[test]
fn section_5_a_term_bought_on_the_31st_keeps_its_anchor_day() {
    let anchor = date("2026-01-31");
    assert_eq!(months_after(anchor, 1), date("2026-02-28"));
    assert_eq!(months_after(anchor, 2), date("2026-03-31"));
    let term = |index| nth_term(anchor, 1, index).unwrap();
    assert_eq!(term(0), period("2026-01-31", "2026-02-27"));
    assert_eq!(term(1), period("2026-02-28", "2026-03-30"));
    assert_eq!(term(2), period("2026-03-31", "2026-04-29"));
    assert!(nth_term(anchor, 0, 0).is_err() && nth_term(anchor, u32::MAX, 2).is_err());
}

#[test]
fn section_5_the_pieces_of_a_mid_cycle_change_come_to_67_89_beside_the_fee() {
    let pieces = ["579.73", "2193.56", "-2705.40"].map(usd);
    assert_eq!(Money::total(pieces).unwrap(), Some(usd("67.89")));
    let with_fee = Money::total(pieces).unwrap().unwrap().plus(usd("2791.80"));
    assert_eq!(with_fee.unwrap(), usd("2859.69"));
}

#[test]
fn section_5_q_min_is_what_is_committed_less_the_batches_inside_their_windows() {
    let bought = Batch::new(10_u32, at("2026-10-01T09:00:00Z"));
    let added = Batch::new(4_u32, at("2026-10-05T12:00:00Z"));
    let licences = CommittedQuantity::new(16_u32, vec![added, bought]).unwrap();
    for (when, lowest) in [
        ("2026-10-05T12:00:00Z", 2_u32),
        ("2026-10-08T08:59:59Z", 2),
        ("2026-10-08T09:00:00Z", 12),
        ("2026-10-12T11:59:59Z", 12),
        ("2026-10-12T12:00:00Z", 16),
    ] {
        assert_eq!(licences.lowest_at(at(when)), lowest.into(), "{when}");
    }
}

#[test]
fn section_5_each_added_batch_has_its_own_window_and_the_newest_goes_back_first() {
    let start = CommittedQuantity::renewed(10_u32, at("2026-10-01T09:00:00Z")).unwrap();
    let now = at("2026-10-10T09:00:00Z");
    let more = start.with_added(4_u32, now).unwrap();
    assert_eq!(
        (more.to_bill(), more.lowest_at(now)),
        (units("14"), units("10"))
    );
    let fewer = more.lowered_to(11_u32, now).unwrap();
    assert_eq!(
        (fewer.to_bill(), fewer.lowest_at(now)),
        (units("11"), units("10"))
    );
    assert!(
        more.lowered_to(9_u32, now).is_err(),
        "refused until renewal"
    );
    assert!(
        more.lowered_to(15_u32, now).is_err(),
        "that is no reduction"
    );
}

#[test]
fn section_5_a_renewal_resets_the_base() {
    let renewal = at("2027-10-01T09:00:00Z");
    let renewed = CommittedQuantity::renewed(6_u32, renewal).unwrap();
    assert_eq!(
        (renewed.to_bill(), renewed.lowest_at(renewal)),
        (units("6"), Quantity::ZERO)
    );
    let old = CommittedQuantity::new(10_u32, vec![]).unwrap();
    let term = Commitment::new(Some(date("2027-09-30")), vec![]).with_licences(old);
    let floor = |day| term.floor_at(date(day), renewal);
    assert_eq!(floor("2027-09-30"), Some(units("10")));
    assert_eq!(
        floor("2027-10-01"),
        None,
        "what was committed binds no longer"
    );
}
