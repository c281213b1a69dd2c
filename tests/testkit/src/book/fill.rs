//! Makes the book: ordinary lines first, then one special case on each of the first accounts.

use jiff::ToSpan;
use rust_decimal::Decimal;

use super::words::{Dice, Offer, company_names, offers};
use super::{
    AccountLink, AccountMatch, Book, BookCase, BookOptions, CaseNote, ExpectedMapping, ServiceLink,
    ServiceRule,
};
use crate::connectwise::ConnectWiseState;
use crate::sherweb::{Commitment, MinimalQuantity, PayableCharge, Renewal, SherwebState};

const PACK: i64 = 25;

/// One account under construction.
struct Account {
    customer: String,
    name: String,
    company: i64,
    agreement: i64,
    /// Whether its charges carry a tag with its id.
    tagged: bool,
}

/// The offers with a rule of their own.
struct Special {
    unmapped: Offer,
    excluded: Offer,
    duo: Offer,
    pack: Offer,
    duo_products: [i64; 2],
    pack_product: i64,
    unowned_product: i64,
}

struct Maker {
    book: Book,
    dice: Dice,
    offers: Vec<Offer>,
    products: Vec<i64>,
    special: Special,
}

/// What the two sides hold for one line.
struct Line {
    subscription: String,
    addition: Option<i64>,
    sku: String,
    quantity: i64,
}

pub(super) fn generate(options: BookOptions) -> Book {
    let accounts = options.accounts.max(BookCase::ALL.len() + 1);
    let options = BookOptions {
        accounts,
        lines: options.lines.max(accounts * 3),
        ..options
    };
    let mut dice = Dice::new(options.seed);
    let sherweb = SherwebState::on(options.today);
    let mut connectwise = ConnectWiseState::on(options.today);
    connectwise.clock = sherweb.clock.clone();
    let offers = offers(&mut dice, (options.lines.div_ceil(accounts) + 4).max(32));
    let mut mapping = ExpectedMapping::default();
    let products: Vec<i64> = offers
        .iter()
        .map(|offer| {
            let id = product(
                &mut connectwise,
                offer,
                &format!("SW-{}", offer.sku),
                offer.cost,
            );
            mapping.services.push(link(offer, ServiceRule::Product(id)));
            id
        })
        .collect();
    let special = special(&mut connectwise, &mut mapping);
    let names = company_names(&mut dice, accounts);
    let book = Book {
        options,
        sherweb,
        connectwise,
        cases: Vec::new(),
        mapping,
    };
    let mut maker = Maker {
        book,
        dice,
        offers,
        products,
        special,
    };
    let (base, more) = (options.lines / accounts, options.lines % accounts);
    for (index, name) in names.iter().enumerate() {
        let case = BookCase::ALL.get(index).copied();
        maker.account(index, name, case, base + usize::from(index < more));
    }
    maker.noise();
    maker.book
}

fn link(offer: &Offer, rule: ServiceRule) -> ServiceLink {
    ServiceLink {
        sku: offer.sku.clone(),
        name: offer.name.clone(),
        rule,
    }
}

fn product(state: &mut ConnectWiseState, offer: &Offer, identifier: &str, cost: Decimal) -> i64 {
    let price = (cost * Decimal::new(14, 1)).round_dp(2);
    let id = state.add_vendor_product(identifier, "Sherweb", &offer.sku, price, cost);
    if let Some(product) = state.products.get_mut(&id) {
        product.description = offer.name.clone();
    }
    id
}

fn special(state: &mut ConnectWiseState, mapping: &mut ExpectedMapping) -> Special {
    let unmapped = Offer::new("PHONE-NEW-MM", "Phone System (new)", 1875);
    let excluded = Offer::new("LAB-INTERNAL-MM", "Internal Lab Seats", 100);
    let duo = Offer::new("SUITE-DUO-MM", "Suite Duo", 2000);
    let pack = Offer::new("TRAINING-25PACK-MM", "Training, pack of 25", 5000);
    let half = Decimal::new(1000, 2);
    let duo_products = [
        product(state, &duo, "SW-DUO-MAIL", half),
        product(state, &duo, "SW-DUO-OFFICE", half),
    ];
    let pack_product = product(state, &pack, "SW-TRAINING-SEAT", Decimal::new(200, 2));
    let unowned_product = state.add_product(
        "ONSITE-SUPPORT",
        Decimal::new(45_000, 2),
        Decimal::new(20_000, 2),
    );
    mapping
        .services
        .push(link(&unmapped, ServiceRule::Unmapped));
    let reason = "Seats of the provider's own lab are never billed to a client.".to_owned();
    mapping
        .services
        .push(link(&excluded, ServiceRule::Excluded(reason)));
    mapping
        .services
        .push(link(&duo, ServiceRule::Products(duo_products.to_vec())));
    let units = Decimal::from(PACK);
    mapping.services.push(link(
        &pack,
        ServiceRule::Ratio {
            product_id: pack_product,
            units,
        },
    ));
    Special {
        unmapped,
        excluded,
        duo,
        pack,
        duo_products,
        pack_product,
        unowned_product,
    }
}

impl Maker {
    fn account(&mut self, index: usize, name: &str, case: Option<BookCase>, lines: usize) {
        let renamed = case == Some(BookCase::RenamedClient);
        let company_name = if renamed {
            format!("{name} Group LLC")
        } else {
            name.to_owned()
        };
        let customer = self.book.sherweb.add_customer(name);
        let psa = &mut self.book.connectwise;
        let company = psa.add_company(&company_name);
        let agreement = psa.add_agreement(company, "Cloud Services");
        let account = Account {
            customer,
            name: name.to_owned(),
            company,
            agreement,
            tagged: index.is_multiple_of(3),
        };
        let found = match case {
            Some(BookCase::RenamedClient) => AccountMatch::SuggestedOnly,
            Some(BookCase::TwoCompaniesOfOneName) => AccountMatch::AmbiguousName,
            _ => AccountMatch::Exact,
        };
        self.book.mapping.accounts.push(AccountLink {
            customer_id: account.customer.clone(),
            customer_name: account.name.clone(),
            company_id: company,
            company_name,
            agreement_id: agreement,
            found,
        });
        let mut order: Vec<usize> = (0..self.offers.len()).collect();
        self.dice.shuffle(&mut order);
        let own = match case {
            Some(BookCase::SummedSubscriptions) => 2,
            Some(
                BookCase::UnmappedSku
                | BookCase::ExcludedSku
                | BookCase::OneSkuTwoProducts
                | BookCase::Ratio,
            ) => 1,
            Some(BookCase::NewRevenue) => 1,
            _ => 0,
        };
        // The last offer of the order is kept free for the case, so that it is on no other line of the account.
        let free = order.pop().unwrap_or(0);
        let ordinary: Vec<Line> = order
            .iter()
            .take(lines.saturating_sub(own))
            .map(|offer| self.ordinary(&account, *offer))
            .collect();
        if index % 5 == 4
            && let Some(line) = ordinary.last()
        {
            self.closed_line(&account, line);
        }
        if let Some(case) = case {
            let note = self.special_case(&account, case, free, &ordinary);
            self.book.cases.push(note);
        }
    }

    /// A subscription and its charge.
    fn subscribe(&mut self, account: &Account, offer: &Offer, quantity: i64) -> String {
        let day = self.book.options.today;
        let sherweb = &mut self.book.sherweb;
        let id = sherweb.add_subscription(&account.customer, &offer.sku, quantity);
        if let Some(subscription) = sherweb.subscription_mut(&id) {
            subscription.product_name = offer.name.clone();
            subscription.description = offer.name.clone();
            if let Some(fees) = &mut subscription.fees {
                fees.recurring_fee = offer.cost;
            }
        }
        let mut charge =
            PayableCharge::monthly(&account.name, &offer.sku, quantity, offer.cost, day);
        charge.product_name = Some(offer.name.clone());
        if account.tagged {
            charge = charge.with_customer_id(&account.customer);
        }
        if offer.rebate {
            charge = charge.with_percentage_off("PerformancePercentage", "Tier", Decimal::TEN);
        }
        sherweb.add_charge(charge);
        if !sherweb
            .catalogs
            .get(&account.customer)
            .is_some_and(|items| items.iter().any(|i| i.sku == offer.sku))
        {
            sherweb.add_catalog_item(&account.customer, &offer.sku, &offer.name, offer.price());
        }
        id
    }

    /// A line that is in step.
    fn ordinary(&mut self, account: &Account, offer: usize) -> Line {
        let quantity = self.dice.quantity(1, 90);
        let product = self.products.get(offer).copied().unwrap_or(0);
        let offer = self
            .offers
            .get(offer)
            .cloned()
            .unwrap_or_else(|| self.special.unmapped.clone());
        let subscription = self.subscribe(account, &offer, quantity);
        let addition = self
            .book
            .connectwise
            .add_addition(account.agreement, product, quantity);
        Line {
            subscription,
            addition: Some(addition),
            sku: offer.sku,
            quantity,
        }
    }

    /// A line that ended before the year began: history that nobody may touch.
    fn closed_line(&mut self, account: &Account, like: &Line) {
        let psa = &mut self.book.connectwise;
        let Some(old) = like.addition.and_then(|id| psa.additions.get(&id)).cloned() else {
            return;
        };
        let id = psa.add_addition(account.agreement, old.product_id, old.quantity);
        if let (Some(addition), Some(start)) = (psa.additions.get_mut(&id), old.effective_date) {
            addition.effective_date = start.checked_sub(1.year()).ok();
            addition.cancelled_date = start.yesterday().ok();
        }
    }

    fn special_case(
        &mut self,
        account: &Account,
        case: BookCase,
        free: usize,
        ordinary: &[Line],
    ) -> CaseNote {
        let name = account.name.clone();
        let mut note = CaseNote {
            case,
            sentence: String::new(),
            customer_id: account.customer.clone(),
            customer_name: name.clone(),
            company_id: account.company,
            agreement_id: account.agreement,
            sku: None,
            subscription_ids: Vec::new(),
            addition_ids: Vec::new(),
            vendor_quantity: None,
            psa_quantity: None,
        };
        // Cases on an existing line change its PSA side, or its vendor side, away from the quantity both have.
        let first = ordinary.first();
        if let Some(line) = first {
            note.sku = Some(line.sku.clone());
            note.subscription_ids = vec![line.subscription.clone()];
            note.addition_ids = line.addition.into_iter().collect();
            note.vendor_quantity = Some(line.quantity.into());
            note.psa_quantity = Some(line.quantity.into());
        }
        let at = note.sku.clone().unwrap_or_default();
        note.sentence = match case {
            BookCase::ExactMatch => {
                format!("{name} has the same name and the same quantities on both sides.")
            }
            BookCase::RenamedClient => {
                format!(
                    "{name} is called \"{name} Group LLC\" in the PSA, so it is only suggested."
                )
            }
            BookCase::TwoCompaniesOfOneName => {
                let other = self.book.connectwise.add_company(&account.name);
                self.book.connectwise.add_agreement(other, "Cloud Services");
                format!("Two companies in the PSA are called {name}; a person must choose.")
            }
            BookCase::UnmappedSku => {
                let offer = self.special.unmapped.clone();
                self.vendor_only(account, &offer, 6, &mut note);
                format!(
                    "{name} has 6 of {}, for which the PSA has no product.",
                    offer.sku
                )
            }
            BookCase::ExcludedSku => {
                let offer = self.special.excluded.clone();
                self.vendor_only(account, &offer, 4, &mut note);
                format!(
                    "{name} has 4 of {}, which is left out on purpose.",
                    offer.sku
                )
            }
            BookCase::SummedSubscriptions => {
                let (offer, product) = self.offer(free);
                let ids = vec![
                    self.subscribe(account, &offer, 12),
                    self.subscribe(account, &offer, 8),
                ];
                let addition = self
                    .book
                    .connectwise
                    .add_addition(account.agreement, product, 20);
                set(
                    &mut note,
                    &offer.sku,
                    ids,
                    vec![addition],
                    Some(20),
                    Some(20),
                );
                format!(
                    "{name} has two subscriptions of {}, 12 and 8, on one line of 20.",
                    offer.sku
                )
            }
            BookCase::OneSkuTwoProducts => {
                let offer = self.special.duo.clone();
                let ids = vec![self.subscribe(account, &offer, 15)];
                let products = self.special.duo_products;
                let additions = products.map(|product| {
                    self.book
                        .connectwise
                        .add_addition(account.agreement, product, 15)
                });
                set(
                    &mut note,
                    &offer.sku,
                    ids,
                    additions.to_vec(),
                    Some(15),
                    Some(15),
                );
                format!(
                    "{name} has 15 of {}, billed as 15 of each of two products.",
                    offer.sku
                )
            }
            BookCase::Ratio => {
                let offer = self.special.pack.clone();
                let ids = vec![self.subscribe(account, &offer, 3)];
                let product = self.special.pack_product;
                let addition =
                    self.book
                        .connectwise
                        .add_addition(account.agreement, product, 3 * PACK);
                set(
                    &mut note,
                    &offer.sku,
                    ids,
                    vec![addition],
                    Some(3 * PACK),
                    Some(3 * PACK),
                );
                format!(
                    "{name} has 3 packs of 25 ({}), billed as 75 seats.",
                    offer.sku
                )
            }
            BookCase::NewRevenue => {
                let (offer, _) = self.offer(free);
                self.vendor_only(account, &offer, 9, &mut note);
                format!("{name} has 9 of {} that no line bills.", offer.sku)
            }
            BookCase::Increase => {
                let wanted = self.shift(first, 5, &mut note);
                format!("{name} has {wanted} of {at}, 5 more than are billed.")
            }
            BookCase::Decrease => {
                self.rebill(first, 3, &mut note);
                format!("{name} is billed for 3 more of {at} than the vendor counts.")
            }
            BookCase::DecreaseUnderFloor => {
                self.commit(first, 6);
                self.rebill(first, 10, &mut note);
                format!(
                    "{name} is billed for 10 more of {at} than the vendor counts, and the count is 6 under the floor of the commitment."
                )
            }
            BookCase::FailedReading => {
                self.book
                    .sherweb
                    .fail_customers([account.customer.as_str()], 500);
                format!(
                    "The subscriptions of {name} cannot be read; nothing may be concluded from that."
                )
            }
            BookCase::UnownedLine => {
                let product = self.special.unowned_product;
                let addition = self
                    .book
                    .connectwise
                    .add_addition(account.agreement, product, 1);
                set(&mut note, "", Vec::new(), vec![addition], None, Some(1));
                note.sku = None;
                format!("{name} has a line of on-site support that no mapping owns.")
            }
            BookCase::LineWithoutUsage => {
                let (offer, product) = self.offer(free);
                let addition = self
                    .book
                    .connectwise
                    .add_addition(account.agreement, product, 7);
                set(
                    &mut note,
                    &offer.sku,
                    Vec::new(),
                    vec![addition],
                    None,
                    Some(7),
                );
                format!(
                    "{name} is billed for 7 of {}, of which the vendor shows none.",
                    offer.sku
                )
            }
            BookCase::AmbiguousLines => {
                let twin = first.and_then(|line| line.addition).and_then(|id| {
                    let product = self.book.connectwise.additions.get(&id)?.product_id;
                    Some(
                        self.book
                            .connectwise
                            .add_addition(account.agreement, product, 2),
                    )
                });
                note.addition_ids.extend(twin);
                note.psa_quantity = note.psa_quantity.map(|quantity| quantity + Decimal::TWO);
                format!(
                    "{name} has two open lines for {at}; it cannot be told which one to change."
                )
            }
            BookCase::NotMonthly => {
                self.book
                    .connectwise
                    .edit_agreement(account.agreement, |agreement| {
                        agreement.billing_cycle_id = 2
                    });
                format!("The agreement of {name} is billed quarterly and not eligible.")
            }
            BookCase::CurrencyMismatch => {
                for charge in &mut self.book.sherweb.payable_charges {
                    let own = charge.tags.iter().any(|tag| tag.value == account.name);
                    if own && charge.sku.as_deref() == Some(at.as_str()) {
                        charge.currency = Some("CAD".to_owned());
                    }
                }
                format!("The vendor charges {name} for {at} in CAD; the agreement is in USD.")
            }
            BookCase::UnitCostDifference => {
                if let Some(id) = first.and_then(|line| line.addition) {
                    self.book
                        .connectwise
                        .edit_addition(id, |addition| addition.unit_cost -= Decimal::new(35, 2));
                }
                format!("The vendor's cost of {at} for {name} is 0.35 above the line's.")
            }
        };
        note
    }

    fn offer(&self, at: usize) -> (Offer, i64) {
        let offer = self
            .offers
            .get(at)
            .cloned()
            .unwrap_or_else(|| self.special.unmapped.clone());
        (offer, self.products.get(at).copied().unwrap_or(0))
    }

    fn vendor_only(
        &mut self,
        account: &Account,
        offer: &Offer,
        quantity: i64,
        note: &mut CaseNote,
    ) {
        let id = self.subscribe(account, offer, quantity);
        set(note, &offer.sku, vec![id], Vec::new(), Some(quantity), None);
    }

    /// Raises the vendor's side of a line, its charge too, and gives the new quantity.
    fn shift(&mut self, line: Option<&Line>, by: i64, note: &mut CaseNote) -> i64 {
        let Some(line) = line else { return 0 };
        let wanted = line.quantity + by;
        self.book.sherweb.set_quantity(&line.subscription, wanted);
        for charge in &mut self.book.sherweb.payable_charges {
            let own = charge
                .tags
                .iter()
                .any(|tag| tag.value == note.customer_name);
            if own && charge.sku.as_ref() == Some(&line.sku) {
                charge.quantity = wanted.into();
                charge.sub_total = charge.quantity * charge.net_price_prorated;
                for deduction in &mut charge.deductions {
                    deduction.total_value = deduction.unit_value * charge.quantity;
                }
            }
        }
        note.vendor_quantity = Some(wanted.into());
        wanted
    }

    /// Raises the PSA's side of a line.
    fn rebill(&mut self, line: Option<&Line>, by: i64, note: &mut CaseNote) {
        let Some(id) = line.and_then(|line| line.addition) else {
            return;
        };
        self.book
            .connectwise
            .edit_addition(id, |addition| addition.quantity += Decimal::from(by));
        note.psa_quantity = self
            .book
            .connectwise
            .additions
            .get(&id)
            .map(|addition| addition.quantity);
    }

    /// Commits a subscription to more than it has.
    fn commit(&mut self, line: Option<&Line>, above: i64) {
        let today = self.book.options.today;
        let later = |days: i64| today.checked_add(days.days()).unwrap_or(today);
        let Some(line) = line else { return };
        if let Some(subscription) = self.book.sherweb.subscription_mut(&line.subscription) {
            subscription.commitment = Some(Commitment {
                term: "Annual".to_owned(),
                term_end: later(200),
                renewal: Some(Renewal {
                    renewal_date: later(201),
                    scheduled_quantity: None,
                }),
                minimal_quantities: Some(vec![MinimalQuantity {
                    committed_until: later(20),
                    quantity: line.quantity + above,
                }]),
            });
        }
    }

    /// Records that every real tenant has and no sync may stumble over.
    fn noise(&mut self) {
        let psa = &mut self.book.connectwise;
        let gone = psa.add_company("Retired Example Client");
        let prospect = psa.add_company("Prospective Example Client");
        if let Some(company) = psa.companies.get_mut(&gone) {
            company.deleted = true;
        }
        if let Some(company) = psa.companies.get_mut(&prospect) {
            company.type_ids = vec![2];
        }
        let product = psa.add_vendor_product(
            "SW-RETIRED",
            "Sherweb",
            "RETIRED-MM",
            Decimal::TEN,
            Decimal::ONE,
        );
        if let Some(product) = psa.products.get_mut(&product) {
            product.inactive = true;
        }
        // An agreement that ended, beside the running one.
        let company = self
            .book
            .mapping
            .accounts
            .last()
            .map(|link| link.company_id);
        if let Some(company) = company {
            let old = psa.add_agreement(company, "Former Services");
            let today = self.book.options.today;
            psa.edit_agreement(old, |agreement| {
                agreement.cancelled = true;
                agreement.date_cancelled = today.first_of_year().yesterday().ok();
            });
        }
    }
}

fn set(
    note: &mut CaseNote,
    sku: &str,
    subscriptions: Vec<String>,
    additions: Vec<i64>,
    vendor: Option<i64>,
    psa: Option<i64>,
) {
    note.sku = Some(sku.to_owned());
    note.subscription_ids = subscriptions;
    note.addition_ids = additions;
    note.vendor_quantity = vendor.map(Decimal::from);
    note.psa_quantity = psa.map(Decimal::from);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_book_and_another_seed_another() {
        let book = |seed| {
            Book::generate(BookOptions {
                seed,
                ..BookOptions::default()
            })
        };
        let (a, b, c) = (book(7), book(7), book(8));
        assert_eq!(a.sherweb.subscriptions, b.sherweb.subscriptions);
        assert_eq!(a.connectwise.additions, b.connectwise.additions);
        assert_eq!(a.cases(), b.cases());
        assert_ne!(a.sherweb.subscriptions, c.sherweb.subscriptions);
    }

    #[test]
    fn the_book_is_as_large_as_asked_and_names_every_case_once() {
        let book = Book::generate(BookOptions::default());
        assert_eq!(book.sherweb.customers.len(), 60);
        assert_eq!(book.sherweb.subscriptions.len(), 1200);
        assert_eq!(
            book.cases()
                .iter()
                .map(|note| note.case)
                .collect::<Vec<_>>(),
            BookCase::ALL
        );
        assert!(book.cases().iter().all(|note| !note.sentence.is_empty()));
        let names: BTreeSet<_> = book
            .sherweb
            .customers
            .iter()
            .map(|customer| &customer.display_name)
            .collect();
        assert_eq!(names.len(), 60);
    }

    #[test]
    fn a_book_too_small_for_its_cases_is_raised() {
        let book = Book::generate(BookOptions {
            accounts: 1,
            lines: 1,
            ..BookOptions::default()
        });
        assert_eq!(book.cases().len(), BookCase::ALL.len());
        assert_eq!(book.sherweb.subscriptions.len(), book.options.lines);
    }

    /// Applies the expected mapping by hand and compares per agreement and product.
    #[test]
    fn everything_outside_the_cases_is_in_step() {
        let book = Book::generate(BookOptions::default());
        let mut vendor: BTreeMap<(i64, i64), Decimal> = BTreeMap::new();
        for subscription in &book.sherweb.subscriptions {
            let agreement = book
                .expected_mapping()
                .account(&subscription.customer_id)
                .unwrap()
                .agreement_id;
            let quantity = Decimal::from(subscription.quantity);
            match &book
                .expected_mapping()
                .service(&subscription.sku)
                .unwrap()
                .rule
            {
                ServiceRule::Product(id) => {
                    *vendor.entry((agreement, *id)).or_default() += quantity
                }
                ServiceRule::Ratio { product_id, units } => {
                    *vendor.entry((agreement, *product_id)).or_default() += quantity * units;
                }
                ServiceRule::Products(ids) => {
                    ids.iter()
                        .for_each(|id| *vendor.entry((agreement, *id)).or_default() += quantity);
                }
                ServiceRule::Excluded(_) | ServiceRule::Unmapped => {}
            }
        }
        let mut psa: BTreeMap<(i64, i64), Decimal> = BTreeMap::new();
        for addition in book
            .connectwise
            .additions
            .values()
            .filter(|line| line.open_on(book.options.today))
        {
            *psa.entry((addition.agreement_id, addition.product_id))
                .or_default() += addition.quantity;
        }
        let keys: BTreeSet<_> = vendor.keys().chain(psa.keys()).copied().collect();
        let differing: BTreeSet<i64> = keys
            .iter()
            .filter(|key| vendor.get(key) != psa.get(key))
            .map(|(agreement, _)| *agreement)
            .collect();
        let expected: BTreeSet<i64> = [
            BookCase::NewRevenue,
            BookCase::Increase,
            BookCase::Decrease,
            BookCase::DecreaseUnderFloor,
            BookCase::UnownedLine,
            BookCase::LineWithoutUsage,
            BookCase::AmbiguousLines,
        ]
        .into_iter()
        .map(|case| book.case(case).unwrap().agreement_id)
        .collect();
        assert_eq!(differing, expected);
    }

    #[test]
    fn costs_agree_with_the_charges_but_for_the_one_case() {
        let book = Book::generate(BookOptions::default());
        let note = book.case(BookCase::UnitCostDifference).unwrap();
        let differing: Vec<i64> = book
            .connectwise
            .additions
            .values()
            .filter(|line| {
                book.connectwise
                    .products
                    .get(&line.product_id)
                    .unwrap()
                    .cost
                    != line.unit_cost
            })
            .map(|line| line.id)
            .collect();
        assert_eq!(differing, note.addition_ids);
        for charge in &book.sherweb.payable_charges {
            let rebate: Decimal = charge
                .deductions
                .iter()
                .map(|deduction| deduction.unit_value)
                .sum();
            assert_eq!(charge.net_price_prorated + rebate, charge.list_price);
            assert_eq!(
                charge.sub_total,
                charge.quantity * charge.net_price_prorated
            );
        }
    }
}
