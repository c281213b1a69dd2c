use proptest::prelude::*;
use tallyline_core::wire::parse_decimal;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn step(second: i64, value: &str) -> Step {
    Step {
        at: at(second),
        value: parse_decimal(value).unwrap(),
        unit: None,
    }
}

fn unit(mut step: Step, unit: &str) -> Step {
    step.unit = Some(serde_json::from_str(&format!("{unit:?}")).unwrap());
    step
}

fn span(start: i64, end: i64) -> Span {
    Span {
        start: at(start),
        end: at(end),
    }
}

/// What a series comes to, as text; an error begins with `!`.
fn told(steps: &[Step], span: Span, how: Reduction) -> String {
    match reduce(steps, span, how) {
        Ok(None) => "nothing".to_owned(),
        Ok(Some(figure)) => {
            let mark = if figure.rounded { "~" } else { "" };
            format!("{mark}{}", figure.quantity.normalize())
        }
        Err(why) => format!("!{why}"),
    }
}

const ALL: [Reduction; 3] = [Reduction::Latest, Reduction::Peak, Reduction::Average];

fn all(steps: &[Step], span: Span) -> [String; 3] {
    ALL.map(|how| told(steps, span, how))
}

#[test]
fn no_change_up_to_the_end_is_nothing_and_not_zero() {
    assert_eq!(all(&[], span(0, 10)), ["nothing"; 3]);
    assert_eq!(all(&[step(11, "4")], span(0, 10)), ["nothing"; 3]);
    assert_eq!(all(&[step(3, "0")], span(0, 10)), ["0"; 3]);
}

#[test]
fn a_change_before_the_window_is_in_force_at_its_start() {
    let steps = [step(-50, "7"), step(-5, "4"), step(6, "9"), step(12, "100")];
    // 4 for 6 seconds, 9 for 4 seconds.
    assert_eq!(all(&steps, span(0, 10)), ["9", "9", "6"]);
    // The seven was over before it began.
    assert_eq!(all(&steps, span(0, 5)), ["4"; 3]);
}

#[test]
fn the_order_in_which_changes_are_listed_does_not_matter() {
    let mut steps = vec![step(6, "9"), step(-5, "4"), step(8, "1"), step(-50, "7")];
    let first = all(&steps, span(0, 10));
    assert_eq!(first, ["1", "9", "4.4"]);
    steps.reverse();
    assert_eq!(all(&steps, span(0, 10)), first);
}

#[test]
fn time_before_the_first_change_counts_for_nothing() {
    assert_eq!(all(&[step(5, "8")], span(0, 10)), ["8"; 3]);
    assert_eq!(
        all(&[step(5, "8"), step(8, "3")], span(0, 10)),
        ["3", "8", "6"]
    );
}

#[test]
fn a_change_at_the_very_end_is_the_latest_and_weighs_nothing() {
    let steps = [step(0, "2"), step(10, "9")];
    assert_eq!(all(&steps, span(0, 10)), ["9", "9", "2"]);
    assert_eq!(all(&[step(10, "9")], span(0, 10)), ["9"; 3]);
    assert_eq!(all(&[step(3, "9")], span(3, 3)), ["9"; 3]);
}

#[test]
fn two_values_at_one_instant_are_refused_where_the_order_matters() {
    let late = [step(0, "2"), step(6, "5"), step(6, "3"), step(6, "5")];
    let [latest, peak, average] = all(&late, span(0, 10));
    assert!(latest.starts_with("!it has two values at"), "{latest}");
    assert!(average.starts_with("!it has two values at"), "{average}");
    assert_eq!(peak, "5");
    let early = [step(0, "2"), step(0, "3"), step(6, "5")];
    let [latest, peak, average] = all(&early, span(3, 10));
    assert_eq!(latest, "5");
    assert!(peak.starts_with('!') && average.starts_with('!'));
    let same = [step(6, "5"), step(6, "5.0")];
    assert_eq!(all(&same, span(0, 10)), ["5"; 3]);
}

#[test]
fn values_of_several_units_are_never_put_together() {
    let steps = [
        unit(step(0, "1024"), "MB"),
        unit(step(5, "2"), "GB"),
        unit(step(7, "3"), "GB"),
    ];
    let [latest, peak, average] = all(&steps, span(0, 10));
    assert_eq!(latest, "3");
    assert!(peak.starts_with("!its unit changed"), "{peak}");
    assert!(average.starts_with("!its unit changed"), "{average}");
    let figure = reduce(&steps, span(5, 10), Reduction::Peak)
        .unwrap()
        .unwrap();
    assert_eq!(figure.unit.unwrap().text(), "GB");
    let at_once = [unit(step(0, "2"), "MB"), unit(step(0, "2"), "GB")];
    for told in all(&at_once, span(0, 10)) {
        assert!(told.starts_with('!'), "{told}");
    }
}

#[test]
fn an_average_is_exact_where_it_ends_and_says_so_where_it_was_rounded() {
    let steps = [step(0, "1"), step(1, "0")];
    for (end, wanted) in [
        (8, "0.125"),
        (1024, "0.0009765625"),
        (3, "~0.3333333333"),
        (6, "~0.1666666667"),
        (7, "~0.1428571429"),
    ] {
        assert_eq!(told(&steps, span(0, end), Reduction::Average), wanted);
    }
    let negative = [step(0, "-1"), step(1, "0")];
    assert_eq!(
        told(&negative, span(0, 6), Reduction::Average),
        "~-0.1666666667"
    );
    // Half is rounded away from zero: 0.00000000005 of a third and so on cannot be told from it.
    let half = [step(0, "0.0000000001"), step(1, "0.0000000002")];
    assert_eq!(told(&half, span(0, 2), Reduction::Average), "0.00000000015");
    let long = "1234567890.123456789012345678";
    let same = [step(0, long), step(1_000_000, long)];
    assert_eq!(told(&same, span(0, 2_678_400), Reduction::Average), long);
}

#[test]
fn an_average_that_cannot_be_held_in_between_is_refused_and_not_guessed() {
    let steps = [
        step(0, "79228162514264337593543950335"),
        step(1, "0.0000000000000000000000000001"),
    ];
    let told = told(&steps, span(0, 3), Reduction::Average);
    assert!(told.contains("cannot be held"), "{told}");
}

/// A value with up to four places, and a second.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (-100_i64..400, 0_i64..5_000_000, 0_u32..=4);
    prop::collection::vec(one, 1..12).prop_map(|found| {
        let mut seen = std::collections::BTreeSet::new();
        let steps = found.into_iter().filter(|(at, ..)| seen.insert(*at));
        steps
            .map(|(second, value, scale)| Step {
                at: at(second),
                value: Decimal::new(value, scale),
                unit: None,
            })
            .collect()
    })
}

/// The value in force at a second, found by looking.
fn in_force(steps: &[Step], second: i64) -> Option<Decimal> {
    let known = steps.iter().filter(|step| step.at <= at(second));
    known.max_by_key(|step| step.at).map(|step| step.value)
}

fn figure(steps: &[Step], span: Span, how: Reduction) -> Option<Figure> {
    reduce(steps, span, how).unwrap()
}

proptest! {
    #[test]
    fn the_latest_is_the_last_change_at_or_before_the_end(steps in steps(), start in 0_i64..100, len in 0_i64..200) {
        let end = start + len;
        let found = figure(&steps, span(start, end), Reduction::Latest);
        prop_assert_eq!(found.map(|figure| figure.quantity), in_force(&steps, end));
    }

    #[test]
    fn the_peak_is_the_highest_value_of_any_second_of_the_window(steps in steps(), start in 0_i64..100, len in 0_i64..200) {
        let end = start + len;
        let seconds = (start..=end).filter_map(|second| in_force(&steps, second));
        let found = figure(&steps, span(start, end), Reduction::Peak);
        prop_assert_eq!(found.map(|figure| figure.quantity), seconds.max());
    }

    #[test]
    fn the_average_is_the_mean_of_all_seconds_of_the_window_that_have_a_value(steps in steps(), start in 0_i64..100, len in 1_i64..200) {
        let end = start + len;
        let seconds: Vec<Decimal> = (start..end).filter_map(|second| in_force(&steps, second)).collect();
        let found = figure(&steps, span(start, end), Reduction::Average);
        match found {
            Some(figure) if !seconds.is_empty() => {
                let sum: Decimal = seconds.iter().sum();
                let count = Decimal::from(seconds.len());
                let off = (figure.quantity * count - sum).abs();
                if figure.rounded {
                    // Half a unit of the last place for each second.
                    prop_assert!(off <= Decimal::new(5, PLACES + 1) * count, "{} is off by {}", figure.quantity, off);
                    prop_assert!(figure.quantity.scale() <= PLACES);
                } else {
                    prop_assert_eq!(off, Decimal::ZERO);
                }
            }
            found => prop_assert_eq!(found.map(|figure| figure.quantity), in_force(&steps, end)),
        }
    }

    #[test]
    fn the_average_of_a_constant_is_the_constant(value in 0_i64..i64::MAX, scale in 0_u32..=18, seconds in prop::collection::btree_set(-100_i64..300, 1..9), len in 0_i64..300) {
        let value = Decimal::new(value, scale);
        let steps: Vec<Step> = seconds.iter().map(|second| Step { at: at(*second), value, unit: None }).collect();
        if let Some(figure) = figure(&steps, span(0, len), Reduction::Average) {
            prop_assert_eq!(figure.quantity, value);
            prop_assert!(!figure.rounded);
        }
    }

    #[test]
    fn the_average_lies_between_the_lowest_and_the_peak(steps in steps(), start in 0_i64..100, len in 0_i64..200) {
        let window = span(start, start + len);
        let Some(average) = figure(&steps, window, Reduction::Average) else { return Ok(()) };
        let peak = figure(&steps, window, Reduction::Peak).unwrap();
        let lowest = (start..=start + len).filter_map(|second| in_force(&steps, second)).min().unwrap();
        // Where the average was rounded, by no more than that.
        let slack = if average.rounded { Decimal::new(5, PLACES + 1) } else { Decimal::ZERO };
        prop_assert!(average.quantity <= peak.quantity + slack);
        prop_assert!(average.quantity + slack >= lowest);
    }

    #[test]
    fn the_averages_of_two_parts_weigh_as_long_as_they_last(steps in steps(), start in 0_i64..100, len in 1_i64..100, more in 1_i64..100) {
        // A value is in force from the beginning, so that all of both parts counts.
        let mut steps = steps;
        steps.push(Step { at: at(-1000), value: Decimal::TEN, unit: None });
        let middle = start + len;
        let end = middle + more;
        let average = |start, end| figure(&steps, span(start, end), Reduction::Average).unwrap();
        let (whole, first, second) = (average(start, end), average(start, middle), average(middle, end));
        let of = |figure: &Figure, seconds: i64| figure.quantity * Decimal::from(seconds);
        let off = (of(&whole, len + more) - of(&first, len) - of(&second, more)).abs();
        let rounded = [(&whole, len + more), (&first, len), (&second, more)];
        let slack: Decimal = rounded.iter().filter(|(figure, _)| figure.rounded).map(|(_, seconds)| Decimal::new(5, PLACES + 1) * Decimal::from(*seconds)).sum();
        prop_assert!(off <= slack, "{off} is more than {slack}");
    }

    #[test]
    fn what_is_after_the_window_changes_nothing(steps in steps(), value in 0_i64..1000, how in prop::sample::select(&ALL[..])) {
        let window = span(0, 200);
        let before = figure(&steps, window, how);
        let mut steps = steps;
        steps.push(Step { at: at(500), value: Decimal::from(value), unit: None });
        prop_assert_eq!(figure(&steps, window, how), before);
    }

    #[test]
    fn no_values_make_it_panic(found in prop::collection::vec((-50_i64..50, any::<i128>(), 0_u32..=28), 0..6), how in prop::sample::select(&ALL[..])) {
        let steps: Vec<Step> = found
            .into_iter()
            .filter_map(|(second, value, scale)| {
                let value = Decimal::try_from_i128_with_scale(value >> 32, scale).ok()?;
                Some(Step { at: at(second), value, unit: None })
            })
            .collect();
        let _ = reduce(&steps, span(0, 40), how);
    }
}
