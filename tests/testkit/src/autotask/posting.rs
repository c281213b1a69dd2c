//! Approve and post: what a person of the tenant does, which pins rows and makes billing items.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::picklists::{CHARGE_ITEM, SERVICE_ITEM};
use super::records::{Record, UnitRow};
use super::schema::Entity;
use super::state::AutotaskState;
use super::{values, wire};

impl AutotaskState {
    /// Approves and posts everything of a contract up to a day: the rows that start on or before it, and the charges
    /// bought on or before it. Gives the billing items made.
    pub fn approve_and_post(&mut self, contract: i64, through: Date) -> Vec<i64> {
        self.acting("approve and post", |state| {
            let due = |row: &&UnitRow| {
                row.contract_id == contract && row.posted.is_none() && row.start <= through
            };
            let rows: Vec<UnitRow> = state.units.values().filter(due).cloned().collect();
            let charges: Vec<Record> = state
                .list(Entity::ContractCharges)
                .filter(|charge| charge.integer("contractID") == Some(contract))
                .filter(|charge| charge.flag("isBilled") != Some(true))
                .filter(|charge| charge.day("datePurchased").is_some_and(|on| on <= through))
                .cloned()
                .collect();
            let mut items: Vec<i64> = rows
                .into_iter()
                .filter_map(|row| state.post_row(row))
                .collect();
            items.extend(charges.into_iter().map(|charge| state.post_charge(charge)));
            items
        })
    }

    /// Takes back what was approved and posted of a contract from a day on.
    pub fn unpost(&mut self, contract: i64, from: Date) {
        self.acting("un-post", |state| {
            let posted = |row: &&UnitRow| {
                row.contract_id == contract && row.posted.is_some() && row.start >= from
            };
            let rows: Vec<UnitRow> = state.units.values().filter(posted).cloned().collect();
            for row in rows {
                let of_row =
                    |item: &&Record| item.integer("contractServicePeriodID") == Some(row.id);
                let items: Vec<i64> = state
                    .list(Entity::BillingItems)
                    .filter(of_row)
                    .map(|item| item.id)
                    .collect();
                for item in items {
                    state.remove(Entity::BillingItems, item);
                }
                state.put_unit(UnitRow {
                    posted: None,
                    ..row
                });
            }
        });
    }

    /// Pins a row; one that comes to nothing makes no item.
    fn post_row(&mut self, row: UnitRow) -> Option<i64> {
        let row = UnitRow {
            posted: Some(self.clock.now()),
            ..row
        };
        self.put_unit(row.clone());
        let units = row.units - row.already.map_or(0, |already| already.units);
        if units == 0 && row.price().is_zero() {
            return None;
        }
        let line = self.record(Entity::ContractServices, row.contract_service_id);
        let service = line.and_then(|line| line.integer("serviceID"));
        let name = service
            .and_then(|id| self.record(Entity::Services, id))
            .and_then(|service| service.text("name"))
            .unwrap_or("")
            .to_owned();
        let mut item = self.item(row.contract_id, SERVICE_ITEM, row.start, &name);
        item.set("contractServiceID", row.contract_service_id)
            .set("contractServicePeriodID", row.id)
            .set("contractServiceAdjustmentID", row.adjustment_id)
            .set("serviceID", service)
            .set("quantity", values::amount(Decimal::from(units)))
            .set("rate", values::amount(row.unit_price))
            .set("ourCost", values::amount(values::rounded(row.cost(), 2)));
        Some(self.finish(item, row.price()))
    }

    fn post_charge(&mut self, charge: Record) -> i64 {
        let price = wire::charge_price(self, &charge);
        let units = charge.decimal("unitQuantity").unwrap_or_default();
        let cost = charge.decimal("unitCost").unwrap_or_default();
        let contract = charge.integer("contractID").unwrap_or(-1);
        let on = charge
            .day("datePurchased")
            .unwrap_or_else(|| self.clock.today());
        let name = charge.text("name").unwrap_or("").to_owned();
        let mut item = self.item(contract, CHARGE_ITEM, on, &name);
        item.set("contractChargeID", charge.id)
            .set("billingCodeID", charge.get("billingCodeID").clone())
            .set("quantity", values::amount(units))
            .set("rate", values::amount(price))
            .set("ourCost", values::amount(values::rounded(units * cost, 2)));
        let total = values::rounded(units * price, 4);
        let mut billed = charge;
        billed.set("isBilled", true);
        self.put(Entity::ContractCharges, billed);
        self.finish(item, total)
    }

    fn item(&mut self, contract: i64, kind: i64, on: Date, name: &str) -> Record {
        let company = self
            .record(Entity::Contracts, contract)
            .and_then(|contract| contract.integer("companyID"));
        let mut item = Record::new(self.fresh_id());
        item.set("billingItemType", kind)
            .set("contractID", contract)
            .set("companyID", company)
            .set("itemDate", values::day(on))
            .set("postedDate", values::day(self.clock.today()))
            .set("postedOnTime", values::instant(self.clock.now()))
            .set("itemName", name)
            .set("description", name)
            .set("nonBillable", 0_i64);
        item
    }

    /// Four decimals become two when an item is posted.
    fn finish(&mut self, mut item: Record, total: Decimal) -> i64 {
        let total = values::amount(values::rounded(total, 2));
        item.set("extendedPrice", total.clone())
            .set("totalAmount", total)
            .set("taxDollars", values::amount(Decimal::ZERO));
        let id = item.id;
        self.put(Entity::BillingItems, item);
        id
    }
}
