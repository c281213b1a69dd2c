use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::model::Currency;

fn dismissal() -> impl Strategy<Value = Dismissal> {
    let text = || any::<String>().prop_map(|text| printable(&text));
    let day = || (2020_i16..2030, 1_i8..13, 1_i8..29);
    let quantity = (-10_000_i64..10_000, 0_u32..4)
        .prop_map(|(units, scale)| Quantity::from(Decimal::new(units, scale)));
    let cost = (0_i64..10_000, any::<bool>()).prop_map(|(cents, known)| Money {
        amount: Decimal::new(cents, 2),
        currency: known.then_some(Currency::USD),
    });
    (
        (any::<String>(), any::<String>(), text(), text()),
        (day(), 0_i32..400, 0_i64..2_000_000_000),
        proptest::option::of(quantity),
        proptest::option::of(cost),
    )
        .prop_map(
            |((agreement, product, by, reason), (day, days, at), quantity, unit_cost)| {
                let first_day = CivilDate::new(day.0, day.1, day.2).unwrap();
                Dismissal {
                    agreement: agreement.into(),
                    product: product.into(),
                    first_day,
                    last_day: first_day.plus_days(days),
                    quantity,
                    by,
                    at: Timestamp::from_second(at).unwrap(),
                    reason,
                    unit_cost,
                }
            },
        )
}

fn dismissals() -> impl Strategy<Value = Dismissals> {
    proptest::collection::vec(dismissal(), 0..6).prop_map(|all| {
        let mut dismissals = Dismissals::new();
        for dismissal in all {
            dismissals.dismiss(dismissal);
        }
        dismissals
    })
}

proptest! {
    #[test]
    fn dismissals_survive_their_file(dismissals in dismissals()) {
        let text = dismissals.to_toml().unwrap();
        let again = Dismissals::from_toml(&text);
        prop_assert_eq!(again.ok(), Some(dismissals), "{}", text);
    }

    #[test]
    fn what_is_past_is_forgotten_and_nothing_else(dismissals in dismissals(), days in 0_i32..4000) {
        let today = CivilDate::new(2020, 1, 1).unwrap().plus_days(days);
        let mut left = dismissals.clone();
        let past = left.forget_past(today);
        prop_assert_eq!(left.iter().count() + past, dismissals.iter().count());
        prop_assert!(left.iter().all(|dismissal| today <= dismissal.last_day));
        for dismissal in dismissals.iter().filter(|dismissal| today <= dismissal.last_day) {
            prop_assert_eq!(left.get(&dismissal.agreement, &dismissal.product), Some(dismissal));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Dismissals::from_toml(&text);
    }
}

#[test]
fn a_file_of_another_version_or_with_a_line_twice_is_refused() {
    let line = "[[dismissals]]\nagreement = \"101\"\nproduct = \"P1\"\nfirst_day = \"2026-03-01\"\n\
                last_day = \"2026-03-31\"\nby = \"Ann\"\nat = \"2026-03-11T12:00:00Z\"\nreason = \"r\"\n";
    let one = format!("version = 1\n{line}");
    assert_eq!(Dismissals::from_toml(&one).unwrap().iter().count(), 1);
    for (text, said) in [
        (format!("version = 2\n{line}"), "format version 2"),
        (format!("{one}{line}"), "dismissed twice"),
        (one.replace("03-31", "02-28"), "ends before it begins"),
        (one.replace("by =", "who ="), "who"),
        (line.to_owned(), "version"),
    ] {
        let error = Dismissals::from_toml(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mapping);
        assert!(error.message().contains(said), "{error}");
    }
}
