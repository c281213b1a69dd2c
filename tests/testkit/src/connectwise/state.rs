//! What the simulated ConnectWise knows, how it answers, and helpers to fill it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::entities::{
    Addition, Agreement, BillingCycle, Company, Contact, CustomField, Product, SetupRow, Stamp,
    Write,
};
use crate::clock::Clock;
use crate::limit::RateLimit;

/// The credentials that are accepted.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The company id of the login.
    pub company_id: String,
    /// The public key.
    pub public_key: String,
    /// The private key.
    pub private_key: String,
    /// The id of the integration.
    pub client_id: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            company_id: "examplemsp".to_owned(),
            public_key: "example-public-key".to_owned(),
            private_key: "example-private-key".to_owned(),
            client_id: "00000000-0000-4000-8000-0000000c11d0".to_owned(),
        }
    }
}

/// What the role of the API member may do with agreements and additions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreementRights {
    /// May read.
    pub inquire: bool,
    /// May create.
    pub add: bool,
    /// May change.
    pub edit: bool,
    /// May delete.
    pub delete: bool,
}

/// The role of the API member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Companies / Company Maintenance, Inquire.
    pub companies: bool,
    /// Finance / Agreements.
    pub agreements: AgreementRights,
    /// Procurement / Product Catalog, Inquire.
    pub catalog: bool,
    /// Procurement / Product Catalog, Add.
    pub catalog_add: bool,
    /// System / Table Setup, Inquire.
    pub table_setup: bool,
    /// Agreement types the role does not see: their agreements vanish without an error.
    pub hidden_agreement_types: BTreeSet<i64>,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            companies: true,
            agreements: AgreementRights {
                inquire: true,
                add: true,
                edit: true,
                delete: true,
            },
            catalog: true,
            catalog_add: true,
            table_setup: true,
            hidden_agreement_types: BTreeSet::new(),
        }
    }
}

/// How the simulator answers, beyond its data.
#[derive(Clone, Debug)]
pub struct Options {
    /// The installed version, year and number; also the newest a client may ask for.
    pub version: (u16, u16),
    /// The tenant's own codebase, without a slash.
    pub codebase: String,
    /// Whether wrong keys are answered 404, as the cloud does, instead of 401.
    pub bad_keys_not_found: bool,
    /// Whether an unknown company is answered 404 instead of `null`.
    pub unknown_company_not_found: bool,
    /// The host and codebase that links carry: not the ones that were called.
    pub link_base: String,
    /// Whether the last forward-only page carries an empty `Link` header instead of none.
    pub empty_last_link: bool,
    /// Whether forward-only paging is supported.
    pub forward_only: bool,
    /// Whether the additions of children are listed with their parent's.
    pub parents_list_child_additions: bool,
    /// Whether an addition that was invoiced can be deleted.
    pub delete_invoiced: bool,
    /// Every list is answered empty, with status 200.
    pub empty_lists: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: (2026, 4),
            codebase: "v2026_4".to_owned(),
            bad_keys_not_found: false,
            unknown_company_not_found: false,
            link_base: "https://na.connectwise.example.com/v2026_3/apis/3.0/".to_owned(),
            empty_last_link: true,
            forward_only: true,
            parents_list_child_additions: false,
            delete_invoiced: false,
            empty_lists: false,
        }
    }
}

/// The whole state of a simulated ConnectWise.
#[derive(Clone, Debug)]
pub struct ConnectWiseState {
    /// The clock: record stamps, derived statuses, default dates.
    pub clock: Clock,
    /// The credentials that are accepted.
    pub credentials: Credentials,
    /// The role of the API member.
    pub rights: Rights,
    /// How it answers.
    pub options: Options,
    /// How many calls are admitted.
    pub limit: RateLimit,
    /// The name of the API member, as stamps carry it.
    pub member: String,
    /// The companies.
    pub companies: BTreeMap<i64, Company>,
    /// The contacts.
    pub contacts: BTreeMap<i64, Contact>,
    /// The company statuses.
    pub company_statuses: BTreeMap<i64, SetupRow>,
    /// The company types.
    pub company_types: BTreeMap<i64, SetupRow>,
    /// The agreement types.
    pub agreement_types: BTreeMap<i64, SetupRow>,
    /// The billing cycles.
    pub billing_cycles: BTreeMap<i64, BillingCycle>,
    /// The product types.
    pub product_types: BTreeMap<i64, SetupRow>,
    /// The product categories.
    pub product_categories: BTreeMap<i64, SetupRow>,
    /// The product subcategories.
    pub product_subcategories: BTreeMap<i64, SetupRow>,
    /// The products.
    pub products: BTreeMap<i64, Product>,
    /// The agreements.
    pub agreements: BTreeMap<i64, Agreement>,
    /// The additions of all agreements.
    pub additions: BTreeMap<i64, Addition>,
    /// The custom fields that every addition has.
    pub addition_fields: Vec<CustomField>,
    /// The custom fields that every agreement has.
    pub agreement_fields: Vec<CustomField>,
    /// Every committed write, in order.
    pub writes: Vec<Write>,
    next_id: i64,
}

impl Default for ConnectWiseState {
    fn default() -> Self {
        Self::new()
    }
}

fn rows(names: &[&str]) -> BTreeMap<i64, SetupRow> {
    (1..)
        .zip(names)
        .map(|(id, name)| {
            (
                id,
                SetupRow {
                    id,
                    name: (*name).to_owned(),
                    default_flag: id == 1,
                },
            )
        })
        .collect()
}

impl ConnectWiseState {
    /// An empty state whose clock stands at 15 March 2026, with the setup tables filled.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// An empty state whose clock stands at noon UTC of a day, with the setup tables filled.
    pub fn on(today: Date) -> Self {
        let cycles = [
            ("MO", "Monthly", "Monthly"),
            ("QU", "Quarterly", "Quarterly"),
            ("YR", "Yearly", "Yearly"),
            ("OT", "One Time", "NotRecurring"),
        ];
        let billing_cycles = (1..).zip(cycles).map(|(id, (identifier, name, options))| {
            let cycle = BillingCycle {
                id,
                identifier: identifier.to_owned(),
                name: name.to_owned(),
                billing_options: options.to_owned(),
                default_flag: id == 1,
            };
            (id, cycle)
        });
        Self {
            clock: Clock::on(today),
            credentials: Credentials::default(),
            rights: Rights::default(),
            options: Options::default(),
            limit: RateLimit::unlimited(),
            member: "ExampleApiMember".to_owned(),
            companies: BTreeMap::new(),
            contacts: BTreeMap::new(),
            company_statuses: rows(&["Active", "Not-Approved"]),
            company_types: rows(&["Client", "Prospect", "Vendor"]),
            agreement_types: rows(&["Managed Services", "Block Time"]),
            billing_cycles: billing_cycles.collect(),
            product_types: rows(&["Cloud", "Hardware"]),
            product_categories: rows(&["Services"]),
            product_subcategories: rows(&["Subscriptions", "Private cloud"]),
            products: BTreeMap::new(),
            agreements: BTreeMap::new(),
            additions: BTreeMap::new(),
            addition_fields: Vec::new(),
            agreement_fields: Vec::new(),
            writes: Vec::new(),
            next_id: 0,
        }
    }

    pub(super) fn fresh_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn stamp(&self, by: &str) -> Stamp {
        let now = self.clock.now();
        Stamp {
            last_updated: now,
            updated_by: by.to_owned(),
            date_entered: now,
            entered_by: by.to_owned(),
        }
    }

    /// Adds an active client with one contact and gives its id.
    pub fn add_company(&mut self, name: &str) -> i64 {
        let id = self.fresh_id();
        let letters: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(20)
            .collect();
        let company = Company {
            id,
            identifier: format!("{letters}{id}"),
            name: name.to_owned(),
            status_id: 1,
            type_ids: vec![1],
            deleted: false,
            vendor: false,
            currency: Some("USD".to_owned()),
            custom_fields: Vec::new(),
            extra: BTreeMap::new(),
            stamp: self.stamp("seed"),
        };
        self.companies.insert(id, company);
        let contact = self.fresh_id();
        let name = "Accounts Payable".to_owned();
        self.contacts.insert(
            contact,
            Contact {
                id: contact,
                company_id: id,
                name,
            },
        );
        id
    }

    /// Adds a vendor and gives its id; an existing vendor of that name is taken instead.
    pub fn add_vendor(&mut self, name: &str) -> i64 {
        if let Some(company) = self
            .companies
            .values()
            .find(|company| company.vendor && company.name == name)
        {
            return company.id;
        }
        let id = self.add_company(name);
        if let Some(company) = self.companies.get_mut(&id) {
            company.vendor = true;
            company.type_ids = vec![3];
        }
        id
    }

    /// Adds a service product and gives its id.
    pub fn add_product(&mut self, identifier: &str, price: Decimal, cost: Decimal) -> i64 {
        let id = self.fresh_id();
        let product = Product {
            id,
            identifier: identifier.to_owned(),
            description: identifier.to_owned(),
            class: "Service".to_owned(),
            price,
            cost,
            taxable: true,
            stamp: self.stamp("seed"),
            ..self.blank_product()
        };
        self.products.insert(id, product);
        id
    }

    /// A product as the system makes it where nothing is said of it.
    pub(super) fn blank_product(&self) -> Product {
        Product {
            id: 0,
            identifier: String::new(),
            description: String::new(),
            class: "NonInventory".to_owned(),
            price: Decimal::ZERO,
            cost: Decimal::ZERO,
            vendor_id: None,
            vendor_sku: None,
            inactive: false,
            taxable: false,
            unit_of_measure: "Each".to_owned(),
            custom_fields: Vec::new(),
            extra: BTreeMap::new(),
            stamp: self.stamp(&self.member),
        }
    }

    /// Adds a service product of a vendor and gives its id.
    pub fn add_vendor_product(
        &mut self,
        identifier: &str,
        vendor: &str,
        vendor_sku: &str,
        price: Decimal,
        cost: Decimal,
    ) -> i64 {
        let vendor = self.add_vendor(vendor);
        let id = self.add_product(identifier, price, cost);
        if let Some(product) = self.products.get_mut(&id) {
            product.vendor_id = Some(vendor);
            product.vendor_sku = Some(vendor_sku.to_owned());
        }
        id
    }

    /// Adds an active monthly agreement by the calendar year, without proration, and gives its id. It bills from the
    /// first of January, and the month of the clock is not invoiced yet.
    pub fn add_agreement(&mut self, company_id: i64, name: &str) -> i64 {
        let id = self.fresh_id();
        let today = self.clock.today();
        let start = date(today.year(), 1, 1);
        let agreement = Agreement {
            id,
            name: name.to_owned(),
            type_id: 1,
            company_id,
            contact_id: self
                .contacts
                .values()
                .find(|c| c.company_id == company_id)
                .map(|c| c.id),
            parent_id: None,
            start_date: start,
            end_date: None,
            cancelled: false,
            date_cancelled: None,
            billing_cycle_id: 1,
            invoicing_cycle: "CalendarYear".to_owned(),
            bill_start_date: start,
            next_invoice_date: Some(today.first_of_month()),
            prorate: false,
            invoice_prorated: false,
            currency: self
                .companies
                .get(&company_id)
                .and_then(|company| company.currency.clone()),
            custom_fields: self.agreement_fields.clone(),
            extra: BTreeMap::new(),
            stamp: self.stamp("seed"),
        };
        self.agreements.insert(id, agreement);
        id
    }

    /// Adds an agreement bundled under another one, of the same company and cycle, and gives its id.
    pub fn add_child_agreement(&mut self, parent_id: i64, name: &str) -> Option<i64> {
        let parent = self.agreements.get(&parent_id)?.clone();
        let id = self.add_agreement(parent.company_id, name);
        let child = self.agreements.get_mut(&id)?;
        child.parent_id = Some(parent_id);
        child.billing_cycle_id = parent.billing_cycle_id;
        child.next_invoice_date = None;
        Some(id)
    }

    /// Adds an open addition at the product's price and cost, effective from the agreement's billing start, and gives
    /// its id.
    pub fn add_addition(
        &mut self,
        agreement_id: i64,
        product_id: i64,
        quantity: impl Into<Decimal>,
    ) -> i64 {
        let id = self.fresh_id();
        let addition = self.blank_addition(id, agreement_id, product_id, "seed");
        self.additions.insert(
            id,
            Addition {
                quantity: quantity.into(),
                ..addition
            },
        );
        id
    }

    pub(super) fn blank_addition(
        &self,
        id: i64,
        agreement_id: i64,
        product_id: i64,
        by: &str,
    ) -> Addition {
        let product = self.products.get(&product_id);
        let siblings = self
            .additions
            .values()
            .filter(|addition| addition.agreement_id == agreement_id)
            .count();
        Addition {
            id,
            agreement_id,
            product_id,
            quantity: Decimal::ZERO,
            less_included: Decimal::ZERO,
            unit_price: product.map_or(Decimal::ZERO, |product| product.price),
            unit_cost: product.map_or(Decimal::ZERO, |product| product.cost),
            bill_customer: "Billable".to_owned(),
            effective_date: self
                .agreements
                .get(&agreement_id)
                .map(|agreement| agreement.bill_start_date),
            cancelled_date: None,
            taxable: product.is_some_and(|product| product.taxable),
            serial_number: None,
            invoice_description: product.map(|product| product.description.clone()),
            sequence_number: Decimal::from(siblings + 1),
            custom_fields: self.addition_fields.clone(),
            extra: BTreeMap::new(),
            stamp: self.stamp(by),
        }
    }

    /// An addition, to be changed behind the client's back; its stamp moves.
    pub fn edit_addition(&mut self, id: i64, edit: impl FnOnce(&mut Addition)) -> bool {
        let now = self.clock.now();
        let found = self.additions.get_mut(&id);
        let hit = found.is_some();
        if let Some(addition) = found {
            edit(addition);
            addition.stamp.last_updated = now;
            addition.stamp.updated_by = "someone".to_owned();
        }
        hit
    }

    /// An agreement, to be changed behind the client's back; its stamp moves.
    pub fn edit_agreement(&mut self, id: i64, edit: impl FnOnce(&mut Agreement)) -> bool {
        let now = self.clock.now();
        let found = self.agreements.get_mut(&id);
        let hit = found.is_some();
        if let Some(agreement) = found {
            edit(agreement);
            agreement.stamp.last_updated = now;
        }
        hit
    }

    /// The additions of an agreement, by id.
    pub fn additions_of(&self, agreement_id: i64) -> Vec<&Addition> {
        self.additions
            .values()
            .filter(|addition| addition.agreement_id == agreement_id)
            .collect()
    }

    /// Whether the role sees an agreement.
    pub(super) fn visible(&self, agreement: &Agreement) -> bool {
        !self
            .rights
            .hidden_agreement_types
            .contains(&agreement.type_id)
    }

    /// The first day of an agreement that is not invoiced; a child without one takes its parent's.
    pub fn next_invoice_date(&self, agreement: &Agreement) -> Option<Date> {
        agreement.next_invoice_date.or_else(|| {
            let parent = agreement.parent_id.and_then(|id| self.agreements.get(&id));
            parent.and_then(|parent| parent.next_invoice_date)
        })
    }
}
