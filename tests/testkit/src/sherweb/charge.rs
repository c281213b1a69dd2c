//! Payable and receivable charges.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::clock::month_of;
use crate::json::Json;

/// One line of what the provider owes Sherweb.
#[derive(Clone, Debug, PartialEq)]
pub struct PayableCharge {
    /// A day in the billing month whose answer lists this charge.
    pub billing_day: Date,
    /// The product's id.
    pub product_id: Option<String>,
    /// The product's name.
    pub product_name: Option<String>,
    /// The offer's key.
    pub sku: Option<String>,
    /// The kind of charge; not unique per line.
    pub charge_id: Option<String>,
    /// The charge's name.
    pub charge_name: Option<String>,
    /// `Setup`, `Recurring`, `Usage` or `Unknown`.
    pub charge_type: String,
    /// `OneTime`, `Monthly` or `Yearly`.
    pub billing_cycle_type: String,
    /// First day of the line's own service period.
    pub period_from: Date,
    /// Last day of the line's own service period.
    pub period_to: Date,
    /// The quantity; fractional for usage.
    pub quantity: Decimal,
    /// Per unit, before deductions.
    pub list_price: Decimal,
    /// Per unit, after deductions.
    pub net_price: Decimal,
    /// Per unit, for the line's own period.
    pub net_price_prorated: Decimal,
    /// The line's amount before tax.
    pub sub_total: Decimal,
    /// The currency code.
    pub currency: Option<String>,
    /// Whether it is on an invoice.
    pub is_billed: bool,
    /// Whether it can be prorated.
    pub is_proratable: bool,
    /// The deductions.
    pub deductions: Vec<Deduction>,
    /// The fees.
    pub fees: Vec<Fee>,
    /// The invoice.
    pub invoice: Option<Invoice>,
    /// The taxes.
    pub taxes: Vec<Tax>,
    /// The tags; they carry the customer.
    pub tags: Vec<Tag>,
}

/// A deduction from the list price.
#[derive(Clone, Debug, PartialEq)]
pub struct Deduction {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `PromotionalMoney`, `PromotionalPercentage` or `PerformancePercentage`.
    pub deduction_type: String,
    /// The percentage or the amount.
    pub value: Decimal,
    /// Per unit, for the line's own period.
    pub unit_value: Decimal,
    /// For the line.
    pub total_value: Decimal,
}

/// A fee.
#[derive(Clone, Debug, PartialEq)]
pub struct Fee {
    /// Its name.
    pub name: String,
    /// Per unit.
    pub unit_value: Decimal,
    /// For the line.
    pub total_value: Decimal,
    /// Whether it is taxed.
    pub is_taxable: bool,
}

/// The invoice a charge is on.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoice {
    /// Its number.
    pub number: String,
    /// Its date.
    pub date: Date,
    /// First day of its period.
    pub period_from: Date,
    /// Last day of its period.
    pub period_to: Date,
}

/// A tax rate; no amount is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Tax {
    /// Its name.
    pub name: String,
    /// The rate.
    pub applied_rate: Decimal,
}

/// A tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl PayableCharge {
    /// A recurring charge for the whole month that holds a day, tagged with the customer's display name.
    pub fn monthly(
        customer_name: &str,
        sku: &str,
        quantity: impl Into<Decimal>,
        unit: Decimal,
        day: Date,
    ) -> Self {
        let (period_from, period_to) = month_of(day);
        let quantity = quantity.into();
        Self {
            billing_day: day,
            product_id: None,
            product_name: Some(sku.to_owned()),
            sku: Some(sku.to_owned()),
            charge_id: None,
            charge_name: Some("Seat".to_owned()),
            charge_type: "Recurring".to_owned(),
            billing_cycle_type: "Monthly".to_owned(),
            period_from,
            period_to,
            quantity,
            list_price: unit,
            net_price: unit,
            net_price_prorated: unit,
            sub_total: quantity * unit,
            currency: Some("USD".to_owned()),
            is_billed: false,
            is_proratable: true,
            deductions: Vec::new(),
            fees: Vec::new(),
            invoice: None,
            taxes: Vec::new(),
            tags: vec![Tag {
                name: "CustomerDisplayName".to_owned(),
                value: customer_name.to_owned(),
            }],
        }
    }

    /// Adds the tag with the customer's id.
    #[must_use]
    pub fn with_customer_id(mut self, customer_id: &str) -> Self {
        self.tags.push(Tag {
            name: "CustomerId".to_owned(),
            value: customer_id.to_owned(),
        });
        self
    }

    /// Sets the currency.
    #[must_use]
    pub fn with_currency(mut self, currency: &str) -> Self {
        self.currency = Some(currency.to_owned());
        self
    }

    /// Takes a deduction of so many percent of the list price off the net price.
    #[must_use]
    pub fn with_percentage_off(
        mut self,
        deduction_type: &str,
        name: &str,
        percent: Decimal,
    ) -> Self {
        let unit_value = self.list_price * percent / Decimal::ONE_HUNDRED;
        self.net_price -= unit_value;
        self.net_price_prorated -= unit_value;
        self.sub_total = self.quantity * self.net_price_prorated;
        self.deductions.push(Deduction {
            code: name.to_ascii_uppercase(),
            name: name.to_owned(),
            deduction_type: deduction_type.to_owned(),
            value: percent,
            unit_value,
            total_value: unit_value * self.quantity,
        });
        self
    }

    pub(super) fn to_json(&self) -> Json {
        let list = |items: Vec<Json>| Json::Array(items);
        Json::object()
            .with("productId", self.product_id.clone())
            .with("productName", self.product_name.clone())
            .with("sku", self.sku.clone())
            .with("chargeId", self.charge_id.clone())
            .with("chargeName", self.charge_name.clone())
            .with("chargeType", &self.charge_type)
            .with("billingCycleType", &self.billing_cycle_type)
            .with("periodFrom", self.period_from)
            .with("periodTo", self.period_to)
            .with("quantity", self.quantity)
            .with("listPrice", self.list_price)
            .with("netPrice", self.net_price)
            .with("netPriceProrated", self.net_price_prorated)
            .with("subTotal", self.sub_total)
            .with("currency", self.currency.clone())
            .with("isBilled", self.is_billed)
            .with("isProratable", self.is_proratable)
            .with(
                "deductions",
                list(self.deductions.iter().map(Deduction::to_json).collect()),
            )
            .with("fees", list(self.fees.iter().map(Fee::to_json).collect()))
            .with("invoice", self.invoice.as_ref().map(Invoice::to_json))
            .with("taxes", list(self.taxes.iter().map(Tax::to_json).collect()))
            .with("tags", list(self.tags.iter().map(Tag::to_json).collect()))
    }
}

impl Deduction {
    fn to_json(&self) -> Json {
        Json::object()
            .with("code", &self.code)
            .with("name", &self.name)
            .with("deductionType", &self.deduction_type)
            .with("value", self.value)
            .with("unitValue", self.unit_value)
            .with("totalValue", self.total_value)
    }
}

impl Fee {
    fn to_json(&self) -> Json {
        Json::object()
            .with("name", &self.name)
            .with("unitValue", self.unit_value)
            .with("totalValue", self.total_value)
            .with("isTaxable", self.is_taxable)
    }
}

impl Invoice {
    fn to_json(&self) -> Json {
        Json::object()
            .with("number", &self.number)
            .with("date", self.date)
            .with("periodFrom", self.period_from)
            .with("periodTo", self.period_to)
    }
}

impl Tax {
    fn to_json(&self) -> Json {
        Json::object()
            .with("name", &self.name)
            .with("appliedRate", self.applied_rate)
    }
}

impl Tag {
    fn to_json(&self) -> Json {
        Json::object()
            .with("name", &self.name)
            .with("value", &self.value)
    }
}

/// One line of what a customer owes the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivableCharge {
    /// The customer that owes it.
    pub customer_id: String,
    /// A day in the billing month whose answer lists this charge.
    pub billing_day: Date,
    /// The product's name.
    pub product_name: String,
    /// The offer's key.
    pub sku: String,
    /// The kind of charge.
    pub charge_id: Option<String>,
    /// The charge's name.
    pub charge_name: String,
    /// `Setup`, `Recurring`, `Usage` or `Unknown`.
    pub charge_type: String,
    /// `OneTime`, `Monthly` or `Yearly`; may be absent.
    pub billing_cycle_type: Option<String>,
    /// First day of the line's own service period.
    pub period_from: Date,
    /// Last day of the line's own service period.
    pub period_to: Date,
    /// The quantity.
    pub quantity: Decimal,
    /// Per unit.
    pub cost_price: Decimal,
    /// Per unit, for the line's own period.
    pub cost_price_prorated: Decimal,
    /// The currency code.
    pub currency: String,
    /// Whether it can be prorated.
    pub is_proratable: bool,
}

impl ReceivableCharge {
    /// A recurring charge for the whole month that holds a day.
    pub fn monthly(
        customer_id: &str,
        sku: &str,
        quantity: impl Into<Decimal>,
        unit: Decimal,
        day: Date,
    ) -> Self {
        let (period_from, period_to) = month_of(day);
        Self {
            customer_id: customer_id.to_owned(),
            billing_day: day,
            product_name: sku.to_owned(),
            sku: sku.to_owned(),
            charge_id: None,
            charge_name: "Seat".to_owned(),
            charge_type: "Recurring".to_owned(),
            billing_cycle_type: Some("Monthly".to_owned()),
            period_from,
            period_to,
            quantity: quantity.into(),
            cost_price: unit,
            cost_price_prorated: unit,
            currency: "USD".to_owned(),
            is_proratable: true,
        }
    }

    pub(super) fn to_json(&self) -> Json {
        Json::object()
            .with("productName", &self.product_name)
            .with("sku", &self.sku)
            .with("chargeId", self.charge_id.clone())
            .with("chargeName", &self.charge_name)
            .with("chargeType", &self.charge_type)
            .with_some("billingCycleType", self.billing_cycle_type.clone())
            .with("periodFrom", self.period_from)
            .with("periodTo", self.period_to)
            .with("quantity", self.quantity)
            .with("costPrice", self.cost_price)
            .with("costPriceProrated", self.cost_price_prorated)
            .with("currency", &self.currency)
            .with("isProratable", self.is_proratable)
    }
}
