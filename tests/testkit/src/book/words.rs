//! Made-up names and offers.

use rust_decimal::Decimal;

use crate::dice::Dice;

const FIRST: [&str; 24] = [
    "Birch", "Cedar", "Amber", "Copper", "Silver", "Willow", "Granite", "Maple", "Juniper",
    "Crimson", "Harvest", "Meadow", "Northern", "Autumn", "Sable", "Coral", "Linden", "Prairie",
    "Slate", "Thistle", "Aspen", "Clover", "Ember", "Frost",
];
const SECOND: [&str; 20] = [
    "Harbor", "Ridge", "Valley", "Creek", "Hollow", "Point", "Field", "Bridge", "Grove", "Summit",
    "Bay", "Falls", "Mill", "Crossing", "Garden", "Lake", "Hill", "Shore", "Gate", "Spring",
];
const TRADE: [&str; 12] = [
    "Dental",
    "Legal",
    "Logistics",
    "Architects",
    "Veterinary",
    "Accounting",
    "Bakery",
    "Printing",
    "Realty",
    "Optics",
    "Brewing",
    "Pediatrics",
];
const OFFER: [&str; 10] = [
    "Mail",
    "Office",
    "Backup",
    "Endpoint",
    "Archive",
    "Guard",
    "Vault",
    "Meeting",
    "Signature",
    "Directory",
];

/// One offer of the vendor.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) cost: Decimal,
    /// Whether a performance rebate is taken off its charges.
    pub(super) rebate: bool,
}

impl Offer {
    pub(super) fn new(sku: &str, name: &str, cents: i64) -> Self {
        Self {
            sku: sku.to_owned(),
            name: name.to_owned(),
            cost: Decimal::new(cents, 2),
            rebate: false,
        }
    }

    /// The price that the book bills.
    pub(super) fn price(&self) -> Decimal {
        (self.cost * Decimal::new(14, 1)).round_dp(2)
    }
}

/// So many company names, no two alike.
pub(super) fn company_names(dice: &mut Dice, count: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (a, first) in FIRST.iter().enumerate() {
        for (b, second) in SECOND.iter().enumerate() {
            // One trade for each pair: names that differ in their trade alone would look like renames.
            let trade = TRADE
                .get((a * 7 + b * 5) % TRADE.len())
                .copied()
                .unwrap_or("Services");
            names.push(format!("{first} {second} {trade}"));
        }
    }
    dice.shuffle(&mut names);
    for extra in names.len()..count {
        names.push(format!("Example Client {extra}"));
    }
    names.truncate(count);
    names
}

/// So many ordinary offers, each of another SKU.
pub(super) fn offers(dice: &mut Dice, count: usize) -> Vec<Offer> {
    let plans = ["A", "B", "C", "D"];
    let all = (0..count).map(|at| {
        let family = OFFER.get(at % OFFER.len()).copied().unwrap_or("Mail");
        let round = at / OFFER.len();
        let plan = plans.get(round % plans.len()).copied().unwrap_or("A");
        let tier = round / plans.len();
        let (sku_tier, name_tier) = if tier == 0 {
            (String::new(), String::new())
        } else {
            (format!("-{tier}"), format!(" Tier {tier}"))
        };
        let cost = dice.quantity(150, 2600);
        let mut offer = Offer::new(
            &format!("{}-{plan}{sku_tier}-MM", family.to_ascii_uppercase()),
            &format!("{family} Plan {plan}{name_tier}"),
            cost,
        );
        offer.rebate = at.is_multiple_of(4);
        offer
    });
    all.collect()
}
