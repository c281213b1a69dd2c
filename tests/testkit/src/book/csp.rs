//! A second demo book: Microsoft subscriptions at Cloudmore, billed by contracts in Autotask, one per subscription.
//!
//! Organizations carry the id of their company in the custom property [`COMPANY_PROPERTY`]; contracts carry the
//! supplier's id of their subscription in the user-defined field [`SUBSCRIPTION_FIELD`]. Contracts are billed monthly
//! from the [`BILLING_DAY`], the day of Cloudmore's bills. Nearly everything is in step; what is not is a [`CspCase`].

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use rust_decimal::Decimal;

use super::words::{Offer, company_names, offers};
use crate::autotask::{AutotaskState, Entity};
use crate::cloudmore::{CloudmoreState, ServiceKind};
use crate::dice::Dice;

/// The custom property of an organization that holds the id of its company.
pub const COMPANY_PROPERTY: &str = "AutotaskCompanyID";
/// The user-defined field of a contract that holds the supplier's id of its subscription.
pub const SUBSCRIPTION_FIELD: &str = "Subscription ID";
/// The day of the month of every bill, and of the first day of every contract.
pub const BILLING_DAY: i8 = 6;

/// How large a book is, and from which seed it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CspBookOptions {
    /// The same seed gives the same book.
    pub seed: u64,
    /// The organizations; at least one per case.
    pub organizations: usize,
    /// The day on which both clocks stand.
    pub today: Date,
}

impl Default for CspBookOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            organizations: 20,
            today: jiff::civil::date(2026, 3, 15),
        }
    }
}

/// A special case in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CspCase {
    /// The organization has no company id: it is skipped.
    NoCompanyId,
    /// The company id is that of no company.
    UnknownCompanyId,
    /// No contract carries the subscription.
    NewSubscription,
    /// The bill counts more units than the contract.
    Increase,
    /// The bill counts fewer units than the contract.
    Decrease,
    /// The subscription is cancelled and on no new bill; its contract goes on.
    Cancelled,
    /// Two contracts carry the subscription.
    TwoContracts,
    /// The contract ends before the next bill.
    ContractEnds,
    /// The current period of the contract is posted, and the quantity differs.
    PostedPeriod,
    /// Azure consumption of the new bill has no charge yet.
    AzureConsumption,
    /// A contract of a company that no subscription belongs to.
    ForeignContract,
}

impl CspCase {
    /// Every case.
    pub const ALL: [Self; 11] = [
        Self::NoCompanyId,
        Self::UnknownCompanyId,
        Self::NewSubscription,
        Self::Increase,
        Self::Decrease,
        Self::Cancelled,
        Self::TwoContracts,
        Self::ContractEnds,
        Self::PostedPeriod,
        Self::AzureConsumption,
        Self::ForeignContract,
    ];
}

/// Where a case is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CspNote {
    /// The case.
    pub case: CspCase,
    /// What a person should see.
    pub sentence: String,
    /// The organization.
    pub organization_id: String,
    /// Its company.
    pub company_id: i64,
    /// Cloudmore's id of the subscription concerned.
    pub subscription_id: String,
    /// The contracts concerned.
    pub contract_ids: Vec<i64>,
    /// The quantity on the last bill; 0 when it is on none.
    pub vendor_quantity: i64,
    /// The units on the contract today; 0 without one.
    pub psa_units: i64,
}

/// The demo book. Both states stand on one clock.
#[derive(Clone, Debug)]
pub struct CspBook {
    /// How it was made.
    pub options: CspBookOptions,
    /// The marketplace side, with the bills of this month and the one before.
    pub cloudmore: CloudmoreState,
    /// The PSA side.
    pub autotask: AutotaskState,
    /// Every case, in the order of [`CspCase::ALL`].
    pub notes: Vec<CspNote>,
    /// The day of the last bill.
    pub last_bill: Date,
}

impl CspBook {
    /// Makes the book; numbers too small for the cases are raised.
    pub fn generate(options: CspBookOptions) -> Self {
        let options = CspBookOptions {
            organizations: options.organizations.max(CspCase::ALL.len() + 1),
            ..options
        };
        Maker::new(options).fill()
    }

    /// Where a case is.
    pub fn case(&self, case: CspCase) -> Option<&CspNote> {
        self.notes.iter().find(|note| note.case == case)
    }
}

fn moved(day: Date, span: Span) -> Date {
    day.checked_add(span).unwrap_or(day)
}

/// The last bill on or before a day.
fn last_bill(today: Date) -> Date {
    let month = if today.day() >= BILLING_DAY {
        today.first_of_month()
    } else {
        moved(today, -1.month()).first_of_month()
    };
    moved(month, Span::new().days(i64::from(BILLING_DAY) - 1))
}

/// A product on both sides.
struct Product {
    at_vendor: String,
    in_psa: i64,
    name: String,
}

struct Client {
    organization: String,
    name: String,
    company: i64,
}

struct Maker {
    book: CspBook,
    dice: Dice,
    products: Vec<Product>,
    azure: Product,
    /// The first day of every contract.
    start: Date,
    /// The last day of every contract.
    end: Date,
}

impl Maker {
    fn new(options: CspBookOptions) -> Self {
        let mut dice = Dice::new(options.seed);
        let mut cloudmore = CloudmoreState::on(options.today);
        let mut autotask = AutotaskState::on(options.today);
        autotask.clock = cloudmore.clock.clone();
        autotask.add_udf(Entity::Contracts, SUBSCRIPTION_FIELD);
        cloudmore.properties.push(COMPANY_PROPERTY.to_owned());
        let licences = cloudmore.add_service("Microsoft CSP", ServiceKind::CspNce);
        let consumption = cloudmore.add_service("Microsoft Azure", ServiceKind::AzurePlan);
        let products = offers(&mut dice, 12);
        let products = products
            .iter()
            .map(|offer| product(&mut cloudmore, &mut autotask, &licences, offer))
            .collect();
        let azure = Offer::new("AZURE-PLAN", "Azure plan", 100);
        let azure = product(&mut cloudmore, &mut autotask, &consumption, &azure);
        let last_bill = last_bill(options.today);
        let start = moved(last_bill, -6.months());
        let end = moved(moved(start, 1.year()), -1.day());
        Self {
            book: CspBook {
                options,
                cloudmore,
                autotask,
                notes: Vec::new(),
                last_bill,
            },
            dice,
            products,
            azure,
            start,
            end,
        }
    }

    fn fill(mut self) -> CspBook {
        let names = company_names(&mut self.dice, self.book.options.organizations);
        for (index, name) in names.into_iter().enumerate() {
            let organization = self.book.cloudmore.add_organization(&name);
            let company = self.book.autotask.add_company(&name);
            let id = company.to_string();
            self.book
                .cloudmore
                .set_property(&organization, COMPANY_PROPERTY, &id);
            let client = Client {
                organization,
                name,
                company,
            };
            // Two subscriptions in step, each of another product; the third product is kept for the case.
            let first = self.dice.below(self.products.len());
            for offset in 0..2 {
                let quantity = self.dice.quantity(1, 60);
                let subscription = self.subscribe(&client, first + offset, quantity);
                self.contract(&client, &subscription, quantity);
            }
            if let Some(case) = CspCase::ALL.get(index) {
                self.special(&client, *case, first + 2);
            }
        }
        let (before, last) = (moved(self.book.last_bill, -1.month()), self.book.last_bill);
        self.book.cloudmore.generate_bills(before);
        self.book.cloudmore.generate_bills(last);
        self.book
    }

    fn subscribe(&mut self, client: &Client, product: usize, quantity: i64) -> String {
        let at = product % self.products.len();
        let product = self.products.get(at).unwrap_or(&self.azure);
        let vendor = &mut self.book.cloudmore;
        vendor.subscribe(
            &client.organization,
            &product.at_vendor,
            quantity.into(),
            self.start,
        )
    }

    /// A contract that carries a subscription, with so many units.
    fn contract(&mut self, client: &Client, subscription: &str, units: i64) -> i64 {
        let (start, end) = (self.start, self.end);
        let Some(own) = self.book.cloudmore.subscriptions.get(subscription) else {
            return 0;
        };
        let external = own.external_id.clone();
        let product = self
            .products
            .iter()
            .chain([&self.azure])
            .find(|product| product.at_vendor == own.product_id);
        let product = product.unwrap_or(&self.azure);
        let (service, name) = (product.in_psa, &product.name);
        let psa = &mut self.book.autotask;
        let contract = psa.add_contract_over(client.company, name, start, end);
        psa.edit(Entity::Contracts, contract, |contract| {
            contract
                .udfs
                .insert(SUBSCRIPTION_FIELD.to_owned(), external);
        });
        if units > 0 {
            psa.add_line(contract, service, units);
        }
        contract
    }

    fn special(&mut self, client: &Client, case: CspCase, product: usize) {
        let quantity = self.dice.quantity(5, 40);
        let note = match case {
            CspCase::AzureConsumption => self.consumption(client),
            CspCase::ForeignContract => self.foreign(client),
            _ => {
                let subscription = self.subscribe(client, product, quantity);
                self.licences(client, case, &subscription, quantity)
            }
        };
        self.book.notes.push(note);
    }

    fn licences(
        &mut self,
        client: &Client,
        case: CspCase,
        subscription: &str,
        quantity: i64,
    ) -> CspNote {
        let name = &client.name;
        let mut note = CspNote {
            case,
            sentence: String::new(),
            organization_id: client.organization.clone(),
            company_id: client.company,
            subscription_id: subscription.to_owned(),
            contract_ids: Vec::new(),
            vendor_quantity: quantity,
            psa_units: quantity,
        };
        let units = match case {
            CspCase::NewSubscription => 0,
            CspCase::Increase => quantity - 3,
            CspCase::Decrease => quantity + 3,
            CspCase::PostedPeriod => quantity - 2,
            _ => quantity,
        };
        note.psa_units = units;
        if case != CspCase::NewSubscription {
            note.contract_ids
                .push(self.contract(client, subscription, units));
        }
        let contract = note.contract_ids.first().copied().unwrap_or(0);
        let last_bill = self.book.last_bill;
        note.sentence = match case {
            CspCase::NoCompanyId => {
                if let Some(own) = self
                    .book
                    .cloudmore
                    .organizations
                    .get_mut(&client.organization)
                {
                    own.properties.clear();
                }
                format!("{name} has no company id and is skipped.")
            }
            CspCase::UnknownCompanyId => {
                let vendor = &mut self.book.cloudmore;
                vendor.set_property(&client.organization, COMPANY_PROPERTY, "999999999");
                format!("{name} names a company that does not exist.")
            }
            CspCase::NewSubscription => {
                format!("{name} uses {quantity} units of a subscription that no contract carries.")
            }
            CspCase::Cancelled => {
                let day = moved(last_bill, -5.days());
                self.book.cloudmore.cancel(subscription, day);
                note.vendor_quantity = 0;
                format!(
                    "{name} cancelled a subscription on {day} and is billed {quantity} units on."
                )
            }
            CspCase::TwoContracts => {
                let second = self.contract(client, subscription, units);
                note.contract_ids.push(second);
                format!("Two contracts of {name} carry one subscription.")
            }
            CspCase::ContractEnds => {
                let end = moved(moved(last_bill, 1.month()), -1.day());
                let psa = &mut self.book.autotask;
                let moved = psa.end_contract(contract, end);
                debug_assert!(moved.is_ok(), "nothing of the contract is posted");
                format!("The contract of {name} ends on {end}, before the next bill.")
            }
            CspCase::PostedPeriod => {
                self.book.autotask.approve_and_post(contract, last_bill);
                format!(
                    "{name} uses {quantity} units, and {units} are billed in a period that is posted."
                )
            }
            _ => format!("{name} uses {quantity} units and is billed {units}."),
        };
        note
    }

    /// Consumption of two bills; the first one is charged already.
    fn consumption(&mut self, client: &Client) -> CspNote {
        let vendor = &mut self.book.cloudmore;
        let start = moved(self.start, -2.months());
        let product = self.azure.at_vendor.clone();
        let own = vendor.subscribe(&client.organization, &product, Decimal::ONE, start);
        let last = self.book.last_bill;
        for days in 1..60_i64 {
            let on = moved(last, Span::new().days(-days));
            let unit = Decimal::new(self.dice.quantity(100, 9000), 5);
            for meter in ["Compute hours", "Storage, GB"] {
                let units = Decimal::new(self.dice.quantity(100, 90_000), 3);
                let prices = (unit, unit * Decimal::new(12, 1));
                vendor.add_usage(&own, on, meter, units, prices);
            }
        }
        let contract = self.contract(client, &own, 0);
        let before = moved(last, -1.month());
        let psa = &mut self.book.autotask;
        psa.add_charge(
            contract,
            &format!("Azure plan, bill of {before}"),
            before,
            Decimal::ONE,
            Decimal::new(81_244, 2),
        );
        psa.approve_and_post(contract, before);
        CspNote {
            case: CspCase::AzureConsumption,
            sentence: format!(
                "The Azure consumption of {} on the last bill has no charge.",
                client.name
            ),
            organization_id: client.organization.clone(),
            company_id: client.company,
            subscription_id: own,
            contract_ids: vec![contract],
            vendor_quantity: 1,
            psa_units: 0,
        }
    }

    /// A contract that a person keeps by hand.
    fn foreign(&mut self, client: &Client) -> CspNote {
        let service = self.products.first().map_or(0, |product| product.in_psa);
        let psa = &mut self.book.autotask;
        let contract =
            psa.add_contract_over(client.company, "Managed by hand", self.start, self.end);
        psa.add_line(contract, service, 7);
        CspNote {
            case: CspCase::ForeignContract,
            sentence: format!("A contract of {} carries no subscription.", client.name),
            organization_id: client.organization.clone(),
            company_id: client.company,
            subscription_id: String::new(),
            contract_ids: vec![contract],
            vendor_quantity: 0,
            psa_units: 7,
        }
    }
}

fn product(
    cloudmore: &mut CloudmoreState,
    autotask: &mut AutotaskState,
    service: &str,
    offer: &Offer,
) -> Product {
    let at_vendor =
        cloudmore.add_product(service, &offer.sku, &offer.name, offer.cost, offer.price());
    let in_psa = autotask.add_service(&offer.name, offer.price(), offer.cost);
    autotask.edit(Entity::Services, in_psa, |service| {
        service.set("sku", offer.sku.as_str());
    });
    Product {
        at_vendor,
        in_psa,
        name: offer.name.clone(),
    }
}
