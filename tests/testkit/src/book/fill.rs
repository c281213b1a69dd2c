//! Makes the book: ordinary lines first, then one special case on each of the first accounts.

use jiff::ToSpan;
use rust_decimal::Decimal;

use super::words::{Offer, company_names, offers};
use super::{
    AccountLink, AccountMatch, Book, BookCase, BookOptions, ExpectedMapping, ServiceLink,
    ServiceRule,
};
use crate::connectwise::ConnectWiseState;
use crate::dice::Dice;
use crate::sherweb::{PayableCharge, SherwebState};

pub(super) const PACK: i64 = 25;

/// One account under construction.
pub(super) struct Account {
    pub(super) customer: String,
    pub(super) name: String,
    pub(super) company: i64,
    pub(super) agreement: i64,
    /// Whether its charges carry a tag with its id.
    pub(super) tagged: bool,
}

/// The offers with a rule of their own.
pub(super) struct Special {
    pub(super) unmapped: Offer,
    pub(super) excluded: Offer,
    pub(super) duo: Offer,
    pub(super) pack: Offer,
    pub(super) duo_products: [i64; 2],
    pub(super) pack_product: i64,
    pub(super) unowned_product: i64,
}

pub(super) struct Maker {
    pub(super) book: Book,
    pub(super) dice: Dice,
    pub(super) offers: Vec<Offer>,
    pub(super) products: Vec<i64>,
    pub(super) special: Special,
}

/// What the two sides hold for one line.
pub(super) struct Line {
    pub(super) subscription: String,
    pub(super) addition: Option<i64>,
    pub(super) sku: String,
    pub(super) quantity: i64,
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
    pub(super) fn subscribe(&mut self, account: &Account, offer: &Offer, quantity: i64) -> String {
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
