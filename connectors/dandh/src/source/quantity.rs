//! From the charges of one price of one subscription to a quantity, or to the reason why there is
//! none.

use rust_decimal::Decimal;
use tallyline_core::model::{CivilDate, Quantity};

use super::month::{Month, Span};
use crate::models::{ServiceCharge, SubscriptionPriceableItem};

/// How several charges of one price of one subscription in one month become a quantity.
///
/// A change of seats within a month may split the charge. No recorded example is known, so the
/// choice is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuantityPolicy {
    /// The units of the charges whose interval ends last: what is carried on. Charges that end on
    /// the same day are parallel purchases and add up.
    #[default]
    EndOfPeriod,
    /// The most units of any charge.
    Max,
    /// The units of all charges.
    Sum,
}

/// What the charges of a price come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// So many units.
    Units(Decimal),
    /// Charged whatever the number of units: one.
    Flat,
    /// Charged for consumption: an amount, and no quantity.
    Metered,
    /// It cannot be told, for a reason.
    Unclear(String),
}

/// All that is known of one price of one subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    /// Its charges, those that give something back apart.
    pub(super) charges: &'a [&'a ServiceCharge],
    /// Whether something is given back as well.
    pub(super) credited: bool,
    /// The price, as the subscription has it.
    pub(super) item: Option<&'a SubscriptionPriceableItem>,
    /// The units of this moment.
    pub(super) live: Option<Decimal>,
    /// The month charged.
    pub(super) month: Month,
}

/// Whether a charge gives something back: its amounts keep their sign, and no quantity is derived
/// from them.
pub(super) fn is_credit(charge: &ServiceCharge) -> bool {
    let figures = [charge.udrc_value, charge.costs, charge.sales_price];
    figures
        .into_iter()
        .flatten()
        .any(|figure| figure < Decimal::ZERO)
}

impl Evidence<'_> {
    /// What the charges come to.
    pub(super) fn count(&self, policy: QuantityPolicy) -> Count {
        let stated = self
            .charges
            .iter()
            .filter(|charge| charge.udrc_value.is_some());
        match stated.count() {
            0 => self.without_units(),
            some if some == self.charges.len() => self.units(policy),
            _ => Count::Unclear("some of its charges state no units".to_owned()),
        }
    }

    fn units(&self, policy: QuantityPolicy) -> Count {
        let mut distinct: Vec<&ServiceCharge> = Vec::new();
        for charge in self.charges {
            if !distinct.contains(charge) {
                distinct.push(charge);
            }
        }
        let carried = |charges: &[&ServiceCharge]| self.carried(charges, policy);
        let (once, all) = match (carried(&distinct), carried(self.charges)) {
            (Ok(once), Ok(all)) => (once, all),
            (Err(reason), _) | (_, Err(reason)) => return Count::Unclear(reason.to_owned()),
        };
        // The same charge twice is one that came twice, or two purchases that are alike.
        let units = match self.live {
            _ if once == all => once,
            Some(live) if live == once || live == all => live,
            _ => {
                return Count::Unclear(format!(
                    "a charge comes twice: it may be {} or {} units",
                    once.normalize(),
                    all.normalize()
                ));
            }
        };
        if self.credited && self.live != Some(units) {
            return Count::Unclear(format!(
                "something is given back beside a charge of {} units",
                units.normalize()
            ));
        }
        Count::Units(units)
    }

    /// The units that charges leave, by a policy.
    fn carried(
        &self,
        charges: &[&ServiceCharge],
        policy: QuantityPolicy,
    ) -> Result<Decimal, &'static str> {
        let units = |charge: &&ServiceCharge| charge.udrc_value;
        let sum = |charges: &mut dyn Iterator<Item = Decimal>| {
            let mut charges = charges.map(Quantity::new);
            charges
                .try_fold(Quantity::ZERO, Quantity::checked_add)
                .map(Quantity::value)
                .ok_or("its units cannot be summed exactly")
        };
        match policy {
            QuantityPolicy::Max => Ok(charges.iter().filter_map(units).max().unwrap_or_default()),
            QuantityPolicy::Sum => sum(&mut charges.iter().filter_map(units)),
            QuantityPolicy::EndOfPeriod => {
                let ends = self
                    .ends(charges)
                    .ok_or("it is split within the month, and its intervals cannot be read")?;
                let last = ends.iter().max().copied();
                let carried = charges
                    .iter()
                    .zip(&ends)
                    .filter(|(_, end)| Some(**end) == last)
                    .filter_map(|(charge, _)| units(charge));
                sum(&mut { carried })
            }
        }
    }

    /// The ends of the charges' intervals. One interval for all, readable or not, is that of the
    /// month.
    fn ends(&self, charges: &[&ServiceCharge]) -> Option<Vec<CivilDate>> {
        let texts = charges
            .iter()
            .map(|charge| charge.actual_charge_interval.as_deref());
        let mut others = texts.clone().skip(1);
        if others.all(|text| Some(text) == texts.clone().next()) {
            return Some(vec![self.month.last(); charges.len()]);
        }
        texts
            .map(|text| Some(Span::parse(text?, self.month)?.to))
            .collect()
    }

    /// Flat or metered: the subscription's price tells.
    fn without_units(&self) -> Count {
        let unclear = |reason: &str| Count::Unclear(reason.to_owned());
        let Some(item) = self.item else {
            return unclear("it states no units, and whether it is flat or metered cannot be told");
        };
        match item.is_udrc_field {
            Some(false) => {}
            Some(true) => return unclear("it is charged per unit, and states no units"),
            None => {
                return unclear(
                    "it states no units, and whether it is flat or metered cannot be told",
                );
            }
        }
        let costs = self.charges.iter().try_fold(Quantity::ZERO, |sum, charge| {
            sum.checked_add(charge.costs?.into())
        });
        let Some(costs) = costs.map(Quantity::value) else {
            return unclear("it states neither units nor costs");
        };
        let months = item.prepaid_period_in_months.unwrap_or(1).max(1);
        let price = item.purchase_price.filter(|price| *price >= Decimal::ZERO);
        let fee = price.and_then(|price| price.checked_mul(Decimal::from(months)));
        let whole = self.charges.iter().all(|charge| {
            let text = charge.actual_charge_interval.as_deref();
            text.and_then(|text| Span::parse(text, self.month))
                .is_none_or(|span| span.covers(self.month))
        });
        match fee {
            // A fee is the same every month, or less of it for a part of one.
            Some(fee) if costs == fee || (!whole && costs < fee) => Count::Flat,
            _ => Count::Metered,
        }
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    fn charges(json: &str) -> Vec<ServiceCharge> {
        decode_json(format!("[{json}]").as_bytes()).unwrap()
    }

    fn item(json: &str) -> SubscriptionPriceableItem {
        decode_json(json.as_bytes()).unwrap()
    }

    /// A charge of units over an interval of November 2026.
    fn charge(units: &str, interval: &str) -> String {
        format!(r#"{{"UDRCValue":{units},"ActualChargeInterval":"{interval}"}}"#)
    }

    struct Case {
        charges: Vec<ServiceCharge>,
        item: Option<SubscriptionPriceableItem>,
        live: Option<i64>,
        credited: bool,
    }

    impl Case {
        fn new(charges_json: &[String]) -> Self {
            Self {
                charges: charges(&charges_json.join(",")),
                item: None,
                live: None,
                credited: false,
            }
        }

        fn live(mut self, units: i64) -> Self {
            self.live = Some(units);
            self
        }

        fn item(mut self, json: &str) -> Self {
            self.item = Some(item(json));
            self
        }

        fn count(&self, policy: QuantityPolicy) -> Count {
            let charges: Vec<&ServiceCharge> = self.charges.iter().collect();
            let evidence = Evidence {
                charges: &charges,
                credited: self.credited,
                item: self.item.as_ref(),
                live: self.live.map(Decimal::from),
                month: Month::of("2026-11-01".parse().unwrap()),
            };
            evidence.count(policy)
        }

        fn by_default(&self) -> Count {
            self.count(QuantityPolicy::default())
        }
    }

    fn units(units: i64) -> Count {
        Count::Units(units.into())
    }

    fn is_unclear(count: &Count, words: &str) -> bool {
        matches!(count, Count::Unclear(reason) if reason.contains(words))
    }

    const WHOLE: &str = "01.11.2026 - 01.12.2026";
    const FIRST: &str = "01.11.2026 - 11.11.2026";
    const SECOND: &str = "11.11.2026 - 01.12.2026";

    #[test]
    fn rule_4_a_charge_split_within_the_month_leaves_the_units_of_the_part_that_ends_last() {
        let split = Case::new(&[charge("14", FIRST), charge("20", SECOND)]);
        assert_eq!(split.by_default(), units(20));
        let other_order = Case::new(&[charge("20", SECOND), charge("14", FIRST)]);
        assert_eq!(other_order.by_default(), units(20));
        let fewer = Case::new(&[charge("20", FIRST), charge("14", SECOND)]);
        assert_eq!(fewer.by_default(), units(14));
        let american = Case::new(&[
            charge("14", "11/01/2026 - 11/11/2026"),
            charge("20", "11/11/2026 - 12/01/2026"),
        ]);
        assert_eq!(american.by_default(), units(20));
    }

    #[test]
    fn rule_4_charges_that_end_on_the_same_day_are_parallel_purchases_and_add_up() {
        let parallel = Case::new(&[charge("14", WHOLE), charge("6", SECOND)]);
        assert_eq!(parallel.by_default(), units(20));
        let three = Case::new(&[
            charge("9", FIRST),
            charge("14", SECOND),
            charge("0.5", "20.11.2026 - 01.12.2026"),
        ]);
        assert_eq!(three.by_default(), Count::Units(Decimal::new(145, 1)));
    }

    #[test]
    fn rule_4_the_policy_is_selectable() {
        let split = Case::new(&[charge("20", FIRST), charge("14", SECOND)]);
        assert_eq!(split.count(QuantityPolicy::EndOfPeriod), units(14));
        assert_eq!(split.count(QuantityPolicy::Max), units(20));
        assert_eq!(split.count(QuantityPolicy::Sum), units(34));
    }

    #[test]
    fn rule_4_intervals_that_cannot_be_read_are_the_whole_month_or_leave_it_open() {
        let words = "Nov 1, 2026 to Dec 1, 2026";
        assert_eq!(Case::new(&[charge("14", words)]).by_default(), units(14));
        let alike = Case::new(&[charge("14", words), charge("6", words)]);
        assert_eq!(alike.by_default(), units(20));
        let split = Case::new(&[
            charge("14", "Nov 1, 2026 to Nov 11, 2026"),
            charge("20", "Nov 11, 2026 to Dec 1, 2026"),
        ]);
        assert!(is_unclear(&split.by_default(), "intervals"));
        assert_eq!(split.count(QuantityPolicy::Max), units(20));
    }

    #[test]
    fn rule_4_a_charge_that_comes_twice_counts_as_the_live_seats_tell_or_not_at_all() {
        let twice = || Case::new(&[charge("14", WHOLE), charge("14", WHOLE)]);
        assert_eq!(twice().live(14).by_default(), units(14));
        assert_eq!(twice().live(28).by_default(), units(28));
        assert!(is_unclear(&twice().live(15).by_default(), "14 or 28"));
        assert!(is_unclear(&twice().by_default(), "14 or 28"));
    }

    #[test]
    fn rule_7_money_given_back_makes_no_quantity_and_leaves_one_open_that_the_seats_do_not_confirm()
    {
        for (json, credit) in [
            (r#"{"UDRCValue":-3}"#, true),
            (r#"{"UDRCValue":3,"Costs":-10.5}"#, true),
            (r#"{"UDRCValue":3,"SalesPrice":-0.01}"#, true),
            (r#"{"UDRCValue":3,"Costs":0,"SalesPrice":5}"#, false),
            ("{}", false),
        ] {
            assert_eq!(is_credit(&charges(json)[0]), credit, "{json}");
        }
        let mut credited = Case::new(&[charge("14", WHOLE)]).live(11);
        credited.credited = true;
        assert!(is_unclear(&credited.by_default(), "given back"));
        assert_eq!(credited.live(14).by_default(), units(14));
    }

    #[test]
    fn rule_5_without_units_a_fee_is_flat_and_what_varies_is_metered() {
        let fee = |costs: &str, interval: &str| {
            format!(r#"{{"Costs":{costs},"ActualChargeInterval":"{interval}"}}"#)
        };
        let flat = r#"{"IsUDRCField":false,"PurchasePrice":31}"#;
        let count = |charges: &[String], item: &str| Case::new(charges).item(item).by_default();
        assert_eq!(count(&[fee("31", WHOLE)], flat), Count::Flat);
        assert_eq!(count(&[fee("31.00", "words")], flat), Count::Flat);
        assert_eq!(count(&[fee("20.67", SECOND)], flat), Count::Flat);
        let free = r#"{"IsUDRCField":false,"PurchasePrice":0}"#;
        assert_eq!(count(&[fee("0", WHOLE)], free), Count::Flat);
        let prepaid = r#"{"IsUDRCField":false,"PurchasePrice":31,"PrepaidPeriodInMonths":12}"#;
        assert_eq!(count(&[fee("372", WHOLE)], prepaid), Count::Flat);
        for (costs, interval, item) in [
            ("12.35", WHOLE, r#"{"IsUDRCField":false}"#),
            ("12.35", WHOLE, free),
            ("30.99", WHOLE, flat),
            ("31.01", SECOND, flat),
        ] {
            assert_eq!(
                count(&[fee(costs, interval)], item),
                Count::Metered,
                "{costs} {item}"
            );
        }
    }

    #[test]
    fn rule_5_without_units_what_cannot_be_told_is_left_for_review() {
        let fee = r#"{"Costs":31,"ActualChargeInterval":"01.11.2026 - 01.12.2026"}"#.to_owned();
        let count = |item: &str| {
            Case::new(std::slice::from_ref(&fee))
                .item(item)
                .by_default()
        };
        assert!(is_unclear(
            &Case::new(std::slice::from_ref(&fee)).by_default(),
            "flat or metered"
        ));
        assert!(is_unclear(
            &count(r#"{"PurchasePrice":31}"#),
            "flat or metered"
        ));
        let per_unit = r#"{"IsUDRCField":true,"PurchasePrice":31}"#;
        assert!(is_unclear(&count(per_unit), "per unit"));
        let bare = Case::new(&["{}".to_owned()]).item(r#"{"IsUDRCField":false}"#);
        assert!(is_unclear(&bare.by_default(), "neither units nor costs"));
        let mixed = Case::new(&[charge("14", WHOLE), fee]);
        assert!(is_unclear(&mixed.by_default(), "some of its charges"));
    }

    #[test]
    fn units_that_cannot_be_summed_exactly_are_no_quantity() {
        let huge = Case::new(&[
            charge("79228162514264337593543950335", WHOLE),
            charge("0.1", WHOLE),
        ]);
        assert!(is_unclear(&huge.by_default(), "exactly"));
    }
}
