//! What is charged once: the invoice that it stands on, and what the client pays for it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tallyline_core::model::{BillKey, BillingCycle, CivilDate, Currency, Money, UsageLine};

use super::cost::cycle_of;
use crate::models::{ChargeType, PayableCharge, ReceivableCharge, ReceivableCharges};

/// What an invoice without a number is called.
const NO_NUMBER: &str = "invoice";

/// The invoice of a charge, once it is on one: until then it may change.
pub(super) fn bill_of(charge: &PayableCharge) -> Option<BillKey> {
    let invoice = charge.invoice.as_ref()?;
    let date = invoice.date.filter(|_| charge.is_billed != Some(false))?;
    let number = invoice.number.as_deref().unwrap_or(NO_NUMBER);
    Some(BillKey::new(number, date))
}

/// An amount in the currency of its charge; nothing where that is no currency.
pub(super) fn money(amount: Option<Decimal>, currency: Option<&str>) -> Option<Money> {
    let amount = amount?;
    match currency.map(str::parse::<Currency>) {
        Some(Ok(currency)) => Some(Money::new(amount, currency)),
        Some(Err(_)) => None,
        None => Some(Money::without_currency(amount)),
    }
}

/// The key of a charge: the same of what the MSP owes and of what its client does.
pub(super) fn charge_key(
    service: &str,
    [id, name]: [Option<&str>; 2],
    charge_type: Option<&ChargeType>,
    [from, to]: [Option<CivilDate>; 2],
) -> String {
    let day = |date: Option<CivilDate>| date.map_or_else(|| "-".into(), |date| date.to_string());
    format!(
        "charge:{service}:{}:{}:{}:{}",
        id.or(name).unwrap_or("-"),
        charge_type.map_or("-", ChargeType::as_str),
        day(from),
        day(to),
    )
}

/// Whether a line needs the client's price: it is on an invoice, and the vendor's own charge does
/// not tell it.
pub(super) fn is_unpriced(line: &UsageLine) -> bool {
    line.bill.is_some() && line.total_price.is_none()
}

/// Gives lines the client's price, each from the one charge of its key and quantity.
///
/// Where several charges have that key and quantity, their prices must be the same.
pub(super) fn add_prices(lines: &mut [UsageLine], owed: &ReceivableCharges) {
    let mut prices: BTreeMap<(String, Decimal), Option<[Option<Money>; 2]>> = BTreeMap::new();
    for charge in &owed.charges {
        let key = charge_key(
            &charge.sku,
            [charge.charge_id.as_deref(), charge.charge_name.as_deref()],
            charge.charge_type.as_ref(),
            [charge.period_from, charge.period_to],
        );
        let price = price_of(charge);
        prices
            .entry((key, charge.quantity.normalize()))
            .and_modify(|known| *known = known.filter(|known| *known == price))
            .or_insert(Some(price));
    }
    for line in lines.iter_mut().filter(|line| is_unpriced(line)) {
        let key = unnumbered(line.key.as_str()).to_owned();
        let quantity = line.quantity.value().normalize();
        if let Some(Some([unit, total])) = prices.get(&(key, quantity)) {
            line.unit_price = *unit;
            line.total_price = *total;
        }
    }
}

/// Gives subscriptions the price per unit for a whole cycle that the client is charged for their SKU,
/// where all recurring charges of the cycle agree on one.
pub(super) fn add_unit_prices(lines: &mut [UsageLine], owed: &ReceivableCharges) {
    let mut prices: BTreeMap<(&str, BillingCycle), Option<Money>> = BTreeMap::new();
    for charge in &owed.charges {
        if charge.charge_type != Some(ChargeType::Recurring) {
            continue;
        }
        let cycle = cycle_of(charge.billing_cycle_type.as_ref());
        let price = money(charge.cost_price, charge.currency.as_deref());
        prices
            .entry((charge.sku.as_str(), cycle))
            .and_modify(|known| *known = known.filter(|known| Some(*known) == price))
            .or_insert(price);
    }
    for line in lines.iter_mut().filter(|line| line.subscription.is_some()) {
        let key = (line.service.as_str(), line.billing_cycle);
        if line.billing_cycle != BillingCycle::Unknown {
            line.unit_price = prices.get(&key).copied().flatten();
        }
    }
}

/// A key without the number that tells lines of one key apart.
fn unnumbered(key: &str) -> &str {
    match key.rsplit_once('#') {
        Some((key, number)) if number.parse::<u32>().is_ok() => key,
        _ => key,
    }
}

fn price_of(charge: &ReceivableCharge) -> [Option<Money>; 2] {
    let currency = charge.currency.as_deref();
    [
        money(charge.cost_price_prorated, currency),
        money(charge.sub_total(), currency),
    ]
}

#[cfg(test)]
mod tests {
    use tallyline_core::model::ChargeKind;
    use tallyline_core::wire::decode_json;

    use super::*;

    fn line(key: &str, quantity: &str) -> UsageLine {
        let quantity: Decimal = quantity.parse().unwrap();
        UsageLine::new(key, "AZURE", quantity)
            .with_kind(ChargeKind::Usage)
            .with_bill(Some(BillKey::new("INV-7", "2026-03-06".parse().unwrap())))
    }

    fn owed(charges: &str) -> ReceivableCharges {
        decode_json(format!(r#"{{"charges":[{charges}]}}"#).as_bytes()).unwrap()
    }

    fn charge(name: &str, quantity: &str, price: &str) -> String {
        format!(
            r#"{{"sku":"AZURE","chargeName":"{name}","chargeType":"Usage","periodFrom":"2026-02-06","periodTo":"2026-03-05",
               "quantity":{quantity},"costPrice":{price},"costPriceProrated":{price},"currency":"USD"}}"#
        )
    }

    #[test]
    fn a_charge_of_the_same_key_and_quantity_gives_the_clients_price() {
        let key = "charge:AZURE:GB:Usage:2026-02-06:2026-03-05";
        let mut lines = [line(key, "12.50"), line(&format!("{key}#2"), "3")];
        let owed = owed(&[charge("GB", "12.5", "0.10"), charge("GB", "3", "0.20")].join(","));
        add_prices(&mut lines, &owed);
        let totals: Vec<String> = lines
            .iter()
            .map(|line| line.total_price.unwrap().to_string())
            .collect();
        assert_eq!(totals, ["1.25 USD", "0.60 USD"]);
    }

    fn recurring(cycle: &str, price: &str) -> String {
        format!(
            r#"{{"sku":"MAIL-A","chargeType":"Recurring","billingCycleType":"{cycle}","periodFrom":"2026-03-01",
               "periodTo":"2026-03-31","quantity":5,"costPrice":{price},"costPriceProrated":1,"currency":"USD"}}"#
        )
    }

    #[test]
    fn b13_a_subscriptions_price_is_the_one_that_all_recurring_charges_of_its_cycle_agree_on() {
        let priced = |charges: &[String]| {
            let subscription = UsageLine::new("sub:1", "MAIL-A", 5_u32)
                .with_subscription("1")
                .with_billing_cycle(BillingCycle::Monthly);
            let mut lines = [subscription];
            add_unit_prices(&mut lines, &owed(&charges.join(",")));
            lines[0].unit_price.map(|price| price.to_string())
        };
        let month = |price| recurring("Monthly", price);
        let one = [month("12.5"), month("12.50"), recurring("Yearly", "120")];
        assert_eq!(priced(&one).as_deref(), Some("12.50 USD"));
        assert_eq!(priced(&[month("12.5"), month("13")]), None);
        assert_eq!(priced(&[recurring("Yearly", "120")]), None);
        assert_eq!(priced(&[charge("GB", "3", "0.10")]), None);
    }

    #[test]
    fn a_price_that_is_not_beyond_doubt_is_none() {
        let key = "charge:AZURE:GB:Usage:2026-02-06:2026-03-05";
        let two_prices = [charge("GB", "3", "0.10"), charge("GB", "3", "0.20")].join(",");
        for charges in [
            two_prices,
            charge("GB", "4", "0.10"),
            charge("Hours", "3", "0.10"),
        ] {
            let mut lines = [line(key, "3")];
            add_prices(&mut lines, &owed(&charges));
            assert_eq!(lines[0].total_price, None, "{charges}");
        }
        let mut open = [line(key, "3").with_bill(None)];
        add_prices(&mut open, &owed(&charge("GB", "3", "0.10")));
        assert_eq!(open[0].total_price, None, "it is on no invoice yet");
    }
}
