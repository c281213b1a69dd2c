//! Makes one special case of each kind.

use jiff::ToSpan;
use rust_decimal::Decimal;

use super::fill::{Account, Line, Maker, PACK};
use super::words::Offer;
use super::{BookCase, CaseNote};
use crate::sherweb::{Commitment, MinimalQuantity, Renewal};

impl Maker {
    pub(super) fn special_case(
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
