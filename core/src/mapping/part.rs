//! What each of several products takes of one quantity: splits and tiers.
//!
//! A tier is a product of its own. The PSA's product carries the tier's price, so that no price has to
//! be blended (a blended one would have to be divided and rounded, and the invoice would not add up to
//! the price list), no price stands in the mapping beside the PSA's own, and it works with sinks that
//! set no prices.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::check::{shown, wrong};
use super::{ProductRule, ServiceLink};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Quantity, exact_sum};
use crate::wire;

/// The most decimal places that a percentage may have.
const PERCENT_DIGITS: u32 = 4;

/// What a product takes of the quantity of a service that is divided among several products.
///
/// All products of the link have a part, and all of one family: percentages that add up to 100; fixed
/// numbers with one that takes the rest; slices (graduated tiers); or whole tiers (volume tiers). The
/// parts always add up to the quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// So many per cent, rounded by largest remainder to the decimal places that the quantity has;
    /// of equal remainders that of the product named first goes up.
    Percent(
        #[serde(
            serialize_with = "wire::as_text",
            deserialize_with = "wire::decimal_text"
        )]
        Decimal,
    ),
    /// So many units; fewer where the products named before leave fewer.
    Units(Quantity),
    /// What the fixed numbers of the others leave.
    Rest,
    /// The units above so many, up to where the next slice begins: graduated tiers.
    SliceOver(Quantity),
    /// All units where they are more than so many, and no more than where the next tier begins: volume
    /// tiers.
    AllOver(Quantity),
}

impl Part {
    /// The part in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Percent(percent) => format!("{}% of the units", percent.normalize()),
            Self::Units(units) => format!("the first {units} units left"),
            Self::Rest => "the rest of the units".to_owned(),
            Self::SliceOver(over) => {
                format!("the units above {over}, up to the next product's slice")
            }
            Self::AllOver(over) => {
                format!("all units where they are above {over}, up to the next product's tier")
            }
        }
    }
}

impl fmt::Display for Part {
    /// The short form that [`FromStr`] reads: `60%`, `10 units`, `rest`, `slice over 10`, `all over 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{}%", percent.normalize()),
            Self::Units(units) => write!(f, "{units} units"),
            Self::Rest => f.write_str("rest"),
            Self::SliceOver(over) => write!(f, "slice over {over}"),
            Self::AllOver(over) => write!(f, "all over {over}"),
        }
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.trim().to_lowercase();
        let figure = |text: &str| text.trim().parse::<Quantity>().ok();
        let part = if lower == "rest" {
            Some(Self::Rest)
        } else if let Some(percent) = lower.strip_suffix('%') {
            figure(percent).map(|percent| Self::Percent(percent.value()))
        } else if let Some(units) = lower.strip_suffix("units") {
            figure(units).map(Self::Units)
        } else if let Some(over) = lower.strip_prefix("slice over ") {
            figure(over).map(Self::SliceOver)
        } else if let Some(over) = lower.strip_prefix("all over ") {
            figure(over).map(Self::AllOver)
        } else {
            None
        };
        part.ok_or_else(|| {
            Error::new(
                ErrorKind::Mapping,
                format!(
                    "{text:?} is no part: write 60%, 10 units, rest, slice over 10 or all over 10"
                ),
            )
        })
    }
}

/// The family that all parts of one link are of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Percentages,
    Fixed,
    Slices,
    Tiers,
}

impl Family {
    fn of(part: &Part) -> Self {
        match part {
            Part::Percent(_) => Self::Percentages,
            Part::Units(_) | Part::Rest => Self::Fixed,
            Part::SliceOver(_) => Self::Slices,
            Part::AllOver(_) => Self::Tiers,
        }
    }
}

/// Checks the parts of a link's products against each other.
///
/// # Errors
/// `Mapping` with what to do.
pub(super) fn check_parts(rules: &[ProductRule]) -> Result<()> {
    let parts: Vec<Part> = rules.iter().filter_map(|rule| rule.part).collect();
    let Some(first) = parts.first() else {
        return Ok(());
    };
    if let Some(without) = rules.iter().find(|rule| rule.part.is_none()) {
        return Err(wrong(format!(
            "product {} has no part and another one has: give each product its part, or none",
            shown(&without.product)
        )));
    }
    if parts.len() < 2 {
        return Err(wrong(
            "a part is one of several products': name another product, or leave the part out",
        ));
    }
    if let Some(own) = rules.iter().find(|rule| !rule.takes_its_part_as_it_is()) {
        return Err(wrong(format!(
            "product {} has a part and a ratio, included units or a minimum: the parts are to add up, \
             so leave these out",
            shown(&own.product)
        )));
    }
    if let Some(other) = rules.iter().find(|rule| rule.daily != rules[0].daily) {
        return Err(wrong(format!(
            "product {} takes another daily count than product {}: parts are of one quantity",
            shown(&other.product),
            shown(&rules[0].product)
        )));
    }
    let family = Family::of(first);
    if parts.iter().any(|part| Family::of(part) != family) {
        return Err(wrong(
            "parts of different kinds do not add up: use percentages, or fixed numbers with a rest, or \
             slices, or tiers",
        ));
    }
    match family {
        Family::Percentages => check_percentages(&parts),
        Family::Fixed => check_fixed(&parts),
        Family::Slices | Family::Tiers => check_tiers(&parts),
    }
}

fn check_percentages(parts: &[Part]) -> Result<()> {
    let mut sum = Some(Decimal::ZERO);
    for part in parts {
        let Part::Percent(percent) = part else {
            continue;
        };
        let percent = percent.normalize();
        if percent <= Decimal::ZERO || percent.scale() > PERCENT_DIGITS {
            return Err(wrong(format!(
                "a part of {percent}%: write a percentage above zero, with {PERCENT_DIGITS} decimal places \
                 at most"
            )));
        }
        sum = sum.and_then(|sum| exact_sum(sum, percent));
    }
    match sum {
        Some(sum) if sum == Decimal::ONE_HUNDRED => Ok(()),
        Some(sum) => Err(wrong(format!(
            "the percentages add up to {}: let them add up to 100",
            sum.normalize()
        ))),
        None => Err(wrong(
            "the percentages are too large: let them add up to 100",
        )),
    }
}

fn check_fixed(parts: &[Part]) -> Result<()> {
    let rests = parts.iter().filter(|part| **part == Part::Rest).count();
    if rests != 1 {
        return Err(wrong(
            "of fixed parts exactly one takes the rest: without it they do not add up to the quantity",
        ));
    }
    let empty = |part: &&Part| matches!(part, Part::Units(units) if *units <= Quantity::ZERO);
    match parts.iter().find(empty) {
        None => Ok(()),
        Some(part) => Err(wrong(format!("a part of {part}: fix a number above zero"))),
    }
}

fn check_tiers(parts: &[Part]) -> Result<()> {
    let mut bounds: Vec<Quantity> = parts.iter().map(lower_bound).collect();
    bounds.sort_unstable();
    if bounds.first().is_none_or(|first| !first.is_zero()) {
        return Err(wrong(
            "the lowest tier begins over 0: else some units would be in none, or in one below zero",
        ));
    }
    match bounds.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(wrong(format!(
            "two tiers begin over {}: let each begin elsewhere",
            pair[0]
        ))),
    }
}

fn lower_bound(part: &Part) -> Quantity {
    match part {
        Part::SliceOver(over) | Part::AllOver(over) => *over,
        Part::Percent(_) | Part::Units(_) | Part::Rest => Quantity::ZERO,
    }
}

/// What each part takes of a quantity, in the order of the parts; they add up to it.
fn divide(parts: &[Part], quantity: Quantity) -> Option<Vec<Quantity>> {
    match Family::of(parts.first()?) {
        Family::Percentages => by_largest_remainder(parts, quantity),
        Family::Fixed => fixed(parts, quantity),
        Family::Slices | Family::Tiers => Some(tiers(parts, quantity)),
    }
}

/// Percentages of the quantity in its own smallest unit, in whole numbers throughout.
fn by_largest_remainder(parts: &[Part], quantity: Quantity) -> Option<Vec<Quantity>> {
    let quantity = quantity.value().normalize();
    let whole = 100 * 10_i128.checked_pow(PERCENT_DIGITS)?;
    let mut shares = Vec::with_capacity(parts.len());
    let mut remainders = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        let Part::Percent(percent) = part else {
            return None;
        };
        let mut percent = *percent;
        percent.rescale(PERCENT_DIGITS);
        let exact = quantity.mantissa().checked_mul(percent.mantissa())?;
        shares.push(exact / whole);
        remainders.push((exact % whole, place));
    }
    let given: i128 = shares.iter().sum();
    let left = usize::try_from(quantity.mantissa() - given).ok()?;
    // The largest first; of equal ones the first named.
    remainders.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
    for (_, place) in remainders.iter().take(left) {
        shares[*place] += 1;
    }
    let scale = quantity.scale();
    let share = |share| Decimal::try_from_i128_with_scale(share, scale).ok();
    shares
        .into_iter()
        .map(|units| share(units).map(Quantity::new))
        .collect()
}

/// Fixed numbers, filled in the order of the parts, and the rest.
fn fixed(parts: &[Part], quantity: Quantity) -> Option<Vec<Quantity>> {
    let mut left = quantity;
    let mut shares = Vec::with_capacity(parts.len());
    for part in parts {
        let taken = match part {
            Part::Units(units) => left.min(*units),
            _ => Quantity::ZERO,
        };
        left = left.checked_sub(taken)?;
        shares.push(taken);
    }
    let rest = parts.iter().position(|part| *part == Part::Rest)?;
    shares[rest] = left;
    Some(shares)
}

/// The slice of each tier, or the whole in the tier that holds it.
fn tiers(parts: &[Part], quantity: Quantity) -> Vec<Quantity> {
    let bounds: Vec<Quantity> = parts.iter().map(lower_bound).collect();
    let next_of = |over: Quantity| bounds.iter().filter(|bound| **bound > over).min();
    let share = |part: &Part| {
        let over = lower_bound(part);
        let next = next_of(over);
        match part {
            Part::AllOver(_) => {
                let holds = quantity > over && next.is_none_or(|next| quantity <= *next);
                if holds { quantity } else { Quantity::ZERO }
            }
            _ => {
                let top = next.map_or(quantity, |next| quantity.min(*next));
                let slice = top.checked_sub(over).unwrap_or_default();
                slice.max(Quantity::ZERO)
            }
        }
    };
    parts.iter().map(share).collect()
}

/// The billed quantity of each product of a link for the vendor's quantity of its service, in the order
/// of the products.
///
/// # Errors
/// `Mapping` when a rule is invalid, a negative quantity is to be divided, or a number cannot be held
/// exactly.
pub(crate) fn billed_of_each(rules: &[ProductRule], vendor: Quantity) -> Result<Vec<Quantity>> {
    let parts: Vec<Part> = rules.iter().filter_map(|rule| rule.part).collect();
    if parts.is_empty() {
        return rules.iter().map(|rule| rule.billed(vendor)).collect();
    }
    check_parts(rules)?;
    if vendor < Quantity::ZERO {
        return Err(wrong(format!(
            "{vendor} units cannot be divided among several products: they are below zero"
        )));
    }
    let shares = divide(&parts, vendor);
    shares.ok_or_else(|| {
        wrong(format!(
            "{vendor} units have too many digits to be divided exactly"
        ))
    })
}

impl ServiceLink {
    /// The billed quantity of each product for the vendor's quantity, in the order of the products.
    ///
    /// Without parts each product bills the quantity by its own rule (one-to-many: never to be counted
    /// back from the lines); with parts they add up to it. A [daily count](ProductRule::daily) is not
    /// applied: it is what `vendor` is to be.
    ///
    /// # Errors
    /// `Mapping` when the link is invalid, a negative quantity is to be divided, or a number cannot be
    /// held exactly.
    ///
    /// # Examples
    /// ```
    /// use tallyline_core::mapping::{BilledAs, Part, ProductRule, ServiceLink};
    /// use tallyline_core::model::{ChargeKind, Quantity};
    ///
    /// # fn main() -> tallyline_core::Result<()> {
    /// let tier = |product: &str, over: u32| {
    ///     ProductRule::one_to_one(product).with_part(Part::SliceOver(over.into()))
    /// };
    /// let products = vec![tier("P-1-10", 0), tier("P-11-50", 10), tier("P-51", 50)];
    /// let link = ServiceLink::manual(products, ChargeKind::Recurring, BilledAs::Line);
    /// let slices: [Quantity; 3] = [10_u32.into(), 40_u32.into(), 12_u32.into()];
    /// assert_eq!(link.billed(62_u32.into())?, slices);
    /// # Ok(())
    /// # }
    /// ```
    pub fn billed(&self, vendor: Quantity) -> Result<Vec<Quantity>> {
        self.validate()?;
        billed_of_each(&self.products, vendor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(parts: &[Part]) -> Vec<ProductRule> {
        let rule = |(at, part): (usize, &Part)| {
            ProductRule::one_to_one(format!("P{at}").as_str()).with_part(*part)
        };
        parts.iter().enumerate().map(rule).collect()
    }

    fn units(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn refused(parts: &[Part]) -> String {
        check_parts(&rules(parts)).unwrap_err().to_string()
    }

    #[test]
    fn parts_that_do_not_add_up_are_refused_with_what_to_do() {
        let percent = |text: &str| Part::Percent(units(text).value());
        for (parts, words) in [
            (vec![percent("60"), percent("30")], "add up to 90"),
            (vec![percent("100")], "name another product"),
            (vec![percent("100.5"), percent("-0.5")], "above zero"),
            (vec![percent("33.33333"), percent("66.66667")], "4 decimal"),
            (vec![percent("60"), Part::Rest], "different kinds"),
            (
                vec![Part::Units(units("5")), Part::Units(units("5"))],
                "exactly one",
            ),
            (vec![Part::Rest, Part::Rest], "exactly one"),
            (vec![Part::Units(units("0")), Part::Rest], "above zero"),
            (
                vec![Part::SliceOver(units("1")), Part::SliceOver(units("10"))],
                "begins over 0",
            ),
            (
                vec![Part::AllOver(units("-1")), Part::AllOver(units("0"))],
                "begins over 0",
            ),
            (
                vec![
                    Part::AllOver(units("0")),
                    Part::AllOver(units("9")),
                    Part::AllOver(units("9.0")),
                ],
                "two tiers begin over 9",
            ),
        ] {
            let said = refused(&parts);
            assert!(said.contains(words), "{parts:?}: {said}");
        }
        let mut without = rules(&[Part::Units(units("5")), Part::Rest]);
        without[0].part = None;
        assert!(
            check_parts(&without)
                .unwrap_err()
                .to_string()
                .contains("P0")
        );
        let mut minimum = rules(&[Part::Units(units("5")), Part::Rest]);
        minimum[1].minimum = Some(units("3"));
        assert!(
            check_parts(&minimum)
                .unwrap_err()
                .to_string()
                .contains("P1")
        );
    }

    #[test]
    fn the_short_form_is_read_in_any_case_and_nothing_else_is() {
        for (text, part) in [
            (" 60 % ", Part::Percent(units("60").value())),
            ("10 Units", Part::Units(units("10"))),
            ("REST", Part::Rest),
            ("slice over 10", Part::SliceOver(units("10"))),
            ("All over 0", Part::AllOver(units("0"))),
        ] {
            assert_eq!(text.parse::<Part>().unwrap(), part, "{text}");
        }
        for text in ["", "10", "60 %%", "over 10", "slice", "x units"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }

    /// Parts of each family that are valid together.
    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let percentages = prop::collection::vec(1_i64..1_000_000, 1..8).prop_map(|cuts| {
            let mut cuts: Vec<i64> = cuts.into_iter().chain([0, 1_000_000]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let percent = |pair: &[i64]| Part::Percent(Decimal::new(pair[1] - pair[0], 4));
            cuts.windows(2).map(percent).collect()
        });
        let fixed = (
            prop::collection::vec(1_u32..40, 1..6),
            any::<prop::sample::Index>(),
        );
        let fixed = fixed.prop_map(|(units, rest)| {
            let mut parts: Vec<Part> = units.iter().map(|u| Part::Units((*u).into())).collect();
            parts.insert(rest.index(parts.len() + 1), Part::Rest);
            parts
        });
        let bounds = prop::collection::btree_set(1_u32..200, 1..6);
        let tiers = (bounds, any::<bool>(), any::<bool>()).prop_map(|(bounds, all, turned)| {
            let tier = |over: u32| {
                if all {
                    Part::AllOver(over.into())
                } else {
                    Part::SliceOver(over.into())
                }
            };
            let mut parts: Vec<Part> = std::iter::once(0).chain(bounds).map(tier).collect();
            if turned {
                parts.reverse();
            }
            parts
        });
        prop_oneof![
            percentages.prop_filter("several", |parts: &Vec<Part>| parts.len() > 1),
            fixed,
            tiers
        ]
    }

    fn quantity() -> impl Strategy<Value = Quantity> {
        (0_i64..1_000_000, 0_u32..5).prop_map(|(n, scale)| Decimal::new(n, scale).into())
    }

    proptest! {
        #[test]
        fn parts_always_add_up_to_the_quantity_and_none_is_below_zero(parts in parts(), quantity in quantity()) {
            let rules = rules(&parts);
            prop_assert!(check_parts(&rules).is_ok());
            let shares = billed_of_each(&rules, quantity).unwrap();
            prop_assert_eq!(shares.len(), parts.len());
            prop_assert!(shares.iter().all(|share| *share >= Quantity::ZERO));
            let sum = shares.iter().try_fold(Quantity::ZERO, |sum, share| sum.checked_add(*share));
            prop_assert_eq!(sum, Some(quantity));
        }

        #[test]
        fn a_percentage_is_never_further_from_its_exact_share_than_the_smallest_unit(parts in parts(), quantity in 0_u32..10_000) {
            let shares = billed_of_each(&rules(&parts), quantity.into()).unwrap();
            for (part, share) in parts.iter().zip(shares) {
                if let Part::Percent(percent) = part {
                    let exact = Decimal::from(quantity) * percent / Decimal::ONE_HUNDRED;
                    prop_assert!((share.value() - exact).abs() < Decimal::ONE);
                }
            }
        }

        #[test]
        fn a_part_survives_its_short_form_its_words_in_json_and_toml(parts in parts()) {
            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            struct Row { part: Part }
            for part in parts {
                prop_assert_eq!(part.to_string().parse::<Part>().unwrap(), part);
                let json = serde_json::to_string(&part).unwrap();
                prop_assert_eq!(serde_json::from_str::<Part>(&json).unwrap(), part);
                let text = toml::to_string(&Row { part }).unwrap();
                prop_assert_eq!(toml::from_str::<Row>(&text).unwrap(), Row { part });
            }
        }
    }
}
