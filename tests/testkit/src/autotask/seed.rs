//! Helpers to fill a tenant, and what a test reads from it.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use rust_decimal::Decimal;

use super::records::{Adjustment, Record, Udf, UnitRow};
use super::schema::Entity;
use super::state::AutotaskState;
use super::{units, values};
use crate::json::Json;

/// The provider's own company, whose id is 0.
pub const OWN_COMPANY: i64 = 0;

impl AutotaskState {
    pub(super) fn seed(&mut self) {
        let mut own = Record::new(OWN_COMPANY);
        own.set("companyName", "Example MSP")
            .set("companyType", 1_i64)
            .set("ownerResourceID", 1_i64)
            .set("phone", "555-0100")
            .set("isActive", true);
        self.put(Entity::Companies, own);
        self.add_billing_code("Recurring services", 5);
        self.add_billing_code("Cloud consumption", 4);
        self.add_billing_code("Remote work", 1);
    }

    /// Adds an active customer and gives its id.
    pub fn add_company(&mut self, name: &str) -> i64 {
        let mut company = Record::new(self.fresh_id());
        company
            .set("companyName", name)
            .set("companyType", 1_i64)
            .set("ownerResourceID", 1_i64)
            .set("phone", "555-0101")
            .set("isActive", true)
            .set("createDate", values::instant(self.clock.now()));
        self.insert(Entity::Companies, company)
    }

    /// Adds an active billing code of a use type (4 material, 5 recurring service) and gives its id.
    pub fn add_billing_code(&mut self, name: &str, use_type: i64) -> i64 {
        let mut code = Record::new(self.fresh_id());
        code.set("name", name)
            .set("useType", use_type)
            .set("billingCodeType", 0_i64)
            .set("isActive", true)
            .set("isExcludedFromNewContracts", false);
        self.insert(Entity::BillingCodes, code)
    }

    /// The first active billing code of a use type.
    pub fn billing_code(&self, use_type: i64) -> Option<i64> {
        self.list(Entity::BillingCodes)
            .find(|code| {
                code.integer("useType") == Some(use_type) && code.flag("isActive") == Some(true)
            })
            .map(|code| code.id)
    }

    /// Adds a text field that users defined and that can be queried.
    pub fn add_udf(&mut self, entity: Entity, name: &str) {
        self.udfs.entry(entity).or_default().push(Udf {
            name: name.to_owned(),
            kind: "string".to_owned(),
            queryable: true,
        });
    }

    /// Adds a monthly service, sold per unit, and gives its id.
    pub fn add_service(&mut self, name: &str, price: Decimal, cost: Decimal) -> i64 {
        let code = self.billing_code(5);
        let mut service = Record::new(self.fresh_id());
        service
            .set("name", name)
            .set("periodType", 2_i64)
            .set("unitPrice", values::amount(price))
            .set("unitCost", values::amount(cost))
            .set("billingCodeID", code)
            .set("invoiceDescription", name)
            .set("isActive", true);
        self.insert(Entity::Services, service)
    }

    /// Adds a product, sold per unit, and gives its id.
    pub fn add_product(&mut self, name: &str, price: Decimal, cost: Decimal) -> i64 {
        let code = self.billing_code(4);
        let mut product = Record::new(self.fresh_id());
        product
            .set("name", name)
            .set("productBillingCodeID", code)
            .set("unitPrice", values::amount(price))
            .set("unitCost", values::amount(cost))
            .set("isActive", true)
            .set("isSerialized", false);
        self.insert(Entity::Products, product)
    }

    /// Adds an active contract for recurring services, billed monthly, from the first of January of this year over two
    /// years, and gives its id.
    pub fn add_contract(&mut self, company: i64, name: &str) -> i64 {
        let start = self.clock.today().first_of_year();
        let end = after(start, 2.years());
        self.add_contract_over(company, name, start, end)
    }

    /// As [`add_contract`](Self::add_contract), over given days.
    pub fn add_contract_over(&mut self, company: i64, name: &str, start: Date, end: Date) -> i64 {
        let mut contract = Record::new(self.fresh_id());
        contract
            .set("companyID", company)
            .set("contractName", name)
            .set("contractType", 7_i64)
            .set("contractPeriodType", 2_i64)
            .set("status", 1_i64)
            .set("startDate", values::day(start))
            .set("endDate", values::day(end))
            .set("timeReportingRequiresStartAndStopTimes", 0_i64)
            .set("serviceLevelAgreementID", 1_i64);
        self.insert(Entity::Contracts, contract)
    }

    /// Puts a service on a contract, with so many units from its first day, and gives the contract service's id.
    pub fn add_line(&mut self, contract: i64, service: i64, count: i64) -> i64 {
        let (price, cost) = self
            .record(Entity::Services, service)
            .map(|found| {
                (
                    found.get("unitPrice").clone(),
                    found.get("unitCost").clone(),
                )
            })
            .unwrap_or((Json::Null, Json::Null));
        let mut line = Record::new(self.fresh_id());
        line.set("contractID", contract)
            .set("serviceID", service)
            .set("unitPrice", price)
            .set("unitCost", cost);
        let id = self.insert(Entity::ContractServices, line.clone());
        units::begin(self, &line);
        let start = self
            .record(Entity::Contracts, contract)
            .and_then(|found| found.day("startDate"));
        if let Some(start) = start {
            let _ = self.adjust(id, start, count);
        }
        id
    }

    /// Adds a charge of a contract that is not billed yet and gives its id.
    pub fn add_charge(
        &mut self,
        contract: i64,
        name: &str,
        on: Date,
        quantity: Decimal,
        price: Decimal,
    ) -> i64 {
        let code = self.billing_code(4);
        let mut charge = Record::new(self.fresh_id());
        charge
            .set("contractID", contract)
            .set("name", name)
            .set("datePurchased", values::day(on))
            .set("chargeType", 1_i64)
            .set("billingCodeID", code)
            .set("unitQuantity", values::amount(quantity))
            .set("unitPrice", values::amount(price))
            .set("isBillableToCompany", true)
            .set("isBilled", false);
        self.insert(Entity::ContractCharges, charge)
    }

    /// Adds a bundle of services to a contract, with so many units in each billing period, and gives the id of the
    /// bundle on the contract.
    pub fn add_bundle(&mut self, contract: i64, name: &str, services: &[i64], count: i64) -> i64 {
        let code = self.billing_code(5);
        let mut bundle = Record::new(self.fresh_id());
        bundle
            .set("name", name)
            .set("billingCodeID", code)
            .set("periodType", 2_i64)
            .set("isActive", true);
        let bundle = self.insert(Entity::ServiceBundles, bundle);
        for service in services {
            let mut part = Record::new(self.fresh_id());
            part.set("serviceBundleID", bundle)
                .set("serviceID", *service);
            self.insert(Entity::ServiceBundleServices, part);
        }
        let mut line = Record::new(self.fresh_id());
        line.set("contractID", contract)
            .set("serviceBundleID", bundle);
        let line = self.insert(Entity::ContractServiceBundles, line);
        for slot in units::slots(self, contract) {
            let mut row = Record::new(self.fresh_id());
            row.set("contractID", contract)
                .set("contractServiceBundleID", line)
                .set("serviceBundleID", bundle)
                .set("startDate", values::day(slot.from))
                .set("endDate", values::day(slot.to))
                .set("units", count);
            self.insert(Entity::ContractServiceBundleUnits, row);
        }
        line
    }

    /// Changes the units of a contract service from a day on, as a person would.
    ///
    /// # Errors
    ///
    /// The text of the refusal; nothing has changed then.
    pub fn adjust(&mut self, line: i64, effective: Date, change: i64) -> Result<(), String> {
        let adjustment = Adjustment {
            id: self.fresh_id(),
            contract_service_id: line,
            effective,
            change,
            unit_price: None,
            unit_cost: None,
        };
        units::adjust(self, adjustment)
    }

    /// Gives a contract another last day, as a person would.
    ///
    /// # Errors
    ///
    /// The text of the refusal; nothing has changed then.
    pub fn end_contract(&mut self, contract: i64, end: Date) -> Result<(), String> {
        units::move_end(self, contract, end)
    }

    /// The quantity rows of a contract service, in order of their days.
    pub fn rows_of(&self, line: i64) -> Vec<UnitRow> {
        units::of_line(self, line)
    }

    /// The units of a contract service on a day; 0 without a row.
    pub fn units_on(&self, line: i64, day: Date) -> i64 {
        let rows = units::of_line(self, line);
        units::in_force(&rows, day).map_or(0, |row| row.units)
    }

    /// Changes a record in place, as a person would.
    pub fn edit(&mut self, entity: Entity, id: i64, change: impl FnOnce(&mut Record)) {
        if let Some(mut record) = self.record(entity, id).cloned() {
            change(&mut record);
            self.put(entity, record);
        }
    }

    fn insert(&mut self, entity: Entity, record: Record) -> i64 {
        let id = record.id;
        self.put(entity, record);
        id
    }
}

/// The last day of a span that begins on a day.
fn after(start: Date, span: Span) -> Date {
    start
        .checked_add(span)
        .and_then(|next| next.yesterday())
        .unwrap_or(start)
}
