//! What a subscription is charged in a month, as far as it is known at an instant.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use rust_decimal::{Decimal, RoundingStrategy};

use super::records::{Charging, PriceableItem, Product, SeatChange, Subscription};
use super::state::{DandhState, IntervalForm, Splits};
use super::wire::{date_time, number};
use crate::clock::date_of;
use crate::json::Json;

/// A calendar month, from its first day to that of the next one.
#[derive(Clone, Copy)]
pub(super) struct Month {
    pub(super) first: Date,
    next: Date,
}

impl Month {
    pub(super) fn of(day: Date) -> Self {
        let first = day.first_of_month();
        Self {
            first,
            next: first.checked_add(1.month()).unwrap_or(Date::MAX),
        }
    }

    pub(super) fn before(self) -> Self {
        Self::of(self.first.yesterday().unwrap_or(Date::MIN))
    }

    /// `MM/yyyy`.
    pub(super) fn interval(self) -> String {
        format!("{:02}/{:04}", self.first.month(), self.first.year())
    }

    fn days(self) -> i64 {
        days(self.first, self.next)
    }
}

fn days(from: Date, to: Date) -> i64 {
    i64::from(from.until(to).map_or(0, |span| span.get_days()))
}

/// A part of a month with a number of units; the last day is the one before `to`.
struct Piece {
    from: Date,
    to: Date,
    units: Decimal,
}

/// The charges of one subscription in a month, at the prices of a provider's context.
pub(super) fn of_subscription(
    state: &DandhState,
    subscription: &Subscription,
    month: Month,
    known: Timestamp,
    context: i64,
) -> Vec<Json> {
    let Some(product) = state.products.get(&subscription.service_id) else {
        return Vec::new();
    };
    let mut charges = Vec::new();
    for item in &product.items {
        let line = |piece: &Piece, stated: Option<Decimal>, costs, price| {
            let own = Line {
                piece,
                stated,
                totals: (costs, price),
                units: prices(state, item, context),
            };
            own.json(state, subscription, product, item)
        };
        for piece in pieces(state, subscription, item, month, known) {
            let (cost, price) = prices(state, item, context);
            let share = |unit: Decimal| {
                let whole = unit * piece.units * Decimal::from(days(piece.from, piece.to));
                let exact = whole / Decimal::from(month.days());
                exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
            };
            let whole =
                |unit: Decimal| unit * piece.units * Decimal::from(item.prepaid_months.max(1));
            let prepaid = item.prepaid_months > 1 || item.charging == Charging::Setup;
            let (costs, sales) = if prepaid {
                (whole(cost), whole(price))
            } else {
                (share(cost), share(price))
            };
            let stated = (item.charging != Charging::Flat).then_some(piece.units);
            charges.push(line(&piece, stated, costs, sales));
        }
        if item.charging == Charging::Metered {
            let used = subscription.consumption.iter().filter(|used| {
                Month::of(used.on).first == month.first && used.on <= date_of(known)
            });
            let (costs, sales, count) = used.fold(
                (Decimal::ZERO, Decimal::ZERO, 0_usize),
                |(costs, sales, count), used| (costs + used.cost, sales + used.price, count + 1),
            );
            if count > 0 {
                let whole = Piece {
                    from: month.first,
                    to: month.next,
                    units: Decimal::ZERO,
                };
                charges.push(line(&whole, None, costs, sales));
            }
        }
    }
    charges
}

/// What the provider of a context pays and asks: what one asks, the one below it pays.
pub(super) fn prices(state: &DandhState, item: &PriceableItem, context: i64) -> (Decimal, Decimal) {
    if context == state.reseller_id {
        (item.cost, item.price)
    } else {
        (item.price, item.price * Decimal::new(11, 1))
    }
}

/// The parts of a month in which an item is charged.
fn pieces(
    state: &DandhState,
    subscription: &Subscription,
    item: &PriceableItem,
    month: Month,
    known: Timestamp,
) -> Vec<Piece> {
    let made = subscription.made();
    let start = date_of(made);
    let end = subscription
        .terminated
        .filter(|ended| *ended <= known)
        .map_or(Date::MAX, date_of);
    let (from, to) = (month.first.max(start), month.next.min(end));
    if made > known || from >= to || item.charging == Charging::Metered {
        return Vec::new();
    }
    let changes: Vec<&SeatChange> = subscription
        .changes
        .iter()
        .filter(|change| change.at <= known)
        .collect();
    let units_on = |day: Date| {
        let held = changes.iter().rfind(|change| date_of(change.at) <= day);
        held.map_or(Decimal::ZERO, |change| change.seats)
    };
    let one = |units| vec![Piece { from, to, units }];
    match item.charging {
        Charging::Setup if Month::of(start).first == month.first => one(units_on(from)),
        Charging::Setup | Charging::Metered => Vec::new(),
        Charging::Flat => one(Decimal::ONE),
        Charging::PerUnit if item.prepaid_months > 1 => {
            let months = months(start, month.first);
            if months % item.prepaid_months == 0 {
                one(units_on(from))
            } else {
                Vec::new()
            }
        }
        Charging::PerUnit => {
            let mut days: Vec<Date> = changes
                .iter()
                .map(|change| date_of(change.at))
                .filter(|day| from < *day && *day < to)
                .collect();
            days.dedup();
            let mut pieces = split(state.options.splits, (from, to), &days, units_on);
            pieces.retain(|piece| !piece.units.is_zero());
            pieces
        }
    }
}

/// The whole months from that of a day to another month.
fn months(from: Date, to: Date) -> i64 {
    let number = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month());
    number(to) - number(from)
}

fn split(
    form: Splits,
    (from, to): (Date, Date),
    days: &[Date],
    units_on: impl Fn(Date) -> Decimal,
) -> Vec<Piece> {
    let starts = std::iter::once(from).chain(days.iter().copied());
    match form {
        Splits::Consecutive => {
            let ends = days.iter().copied().chain([to]);
            starts
                .zip(ends)
                .map(|(from, to)| Piece {
                    from,
                    to,
                    units: units_on(from),
                })
                .collect()
        }
        Splits::Differences => {
            let mut before = Decimal::ZERO;
            starts
                .map(|from| {
                    let units = units_on(from);
                    let difference = units - before;
                    before = units;
                    Piece {
                        from,
                        to,
                        units: difference,
                    }
                })
                .collect()
        }
    }
}

/// One charge.
struct Line<'a> {
    piece: &'a Piece,
    /// The units, where the item is charged by them.
    stated: Option<Decimal>,
    /// Cost and price of the line.
    totals: (Decimal, Decimal),
    /// Cost and price of a unit.
    units: (Decimal, Decimal),
}

impl Line<'_> {
    fn json(
        &self,
        state: &DandhState,
        subscription: &Subscription,
        product: &Product,
        item: &PriceableItem,
    ) -> Json {
        let metered = item.charging == Charging::Metered;
        let (cost, price) = self.units;
        let unit = |value: Decimal| (!metered).then_some(value);
        let company = state.accounts.get(&subscription.company_id);
        let parameter = self
            .stated
            .map_or_else(String::new, |units| format!("{}={units}", item.field));
        Json::object()
            .with("AccountId", subscription.id)
            .with("ServiceId", &product.service_id)
            .with("ServiceName", &product.name)
            .with("PriceableItemId", item.id)
            .with("PriceableItemType", item.type_word())
            .with("PriceableItemDescription", &item.description)
            .with(
                "UDRCValue",
                self.stated.map(|units| number(&state.options, units)),
            )
            .with("BillableParameter", parameter)
            .with(
                "ActualChargeInterval",
                interval(state.options.interval, self.piece),
            )
            .with("BillingStartDate", date_time(subscription.made()))
            .with("Costs", self.totals.0)
            .with("CostsOfUnit", unit(cost))
            .with("SalesPrice", self.totals.1)
            .with("SalesPriceOfUnit", unit(price))
            .with("Currency", &item.currency)
            .with("ProductNumber", &item.product_number)
            .with("MaterialNumber", &item.material_number)
            .with("VendorName", &product.vendor)
            .with("VendorReference", &subscription.vendor_reference)
            .with("ContractId", "")
            .with(
                "EndCustomerName",
                company.map(|company| company.name.clone()),
            )
    }
}

fn interval(form: IntervalForm, piece: &Piece) -> String {
    let format = match form {
        IntervalForm::Dotted => "%d.%m.%Y",
        IntervalForm::Slashed => "%m/%d/%Y",
        IntervalForm::Words => "%b %-d, %Y",
    };
    let between = if form == IntervalForm::Words {
        " to "
    } else {
        " - "
    };
    format!(
        "{}{between}{}",
        piece.from.strftime(format),
        piece.to.strftime(format)
    )
}
