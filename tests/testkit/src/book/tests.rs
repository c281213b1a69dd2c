use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{Book, BookCase, BookOptions, ServiceRule};

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

/// Applies the expected mapping by hand to counts by account and SKU, and gives the agreements that bill other ones.
pub(super) fn differing(
    book: &Book,
    counts: impl Iterator<Item = (String, String, Decimal)>,
) -> BTreeSet<i64> {
    let mapping = book.expected_mapping();
    let mut vendor: BTreeMap<(i64, i64), Decimal> = BTreeMap::new();
    for (account, sku, quantity) in counts {
        let agreement = mapping.account(&account).unwrap().agreement_id;
        match &mapping.service(&sku).unwrap().rule {
            ServiceRule::Product(id) => *vendor.entry((agreement, *id)).or_default() += quantity,
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
    keys.iter()
        .filter(|key| vendor.get(key) != psa.get(key))
        .map(|(agreement, _)| *agreement)
        .collect()
}

/// The agreements of cases.
pub(super) fn agreements_of(
    book: &Book,
    cases: impl IntoIterator<Item = BookCase>,
) -> BTreeSet<i64> {
    cases
        .into_iter()
        .map(|case| book.case(case).unwrap().agreement_id)
        .collect()
}

#[test]
fn everything_outside_the_cases_is_in_step() {
    let book = Book::generate(BookOptions::default());
    let counts = book.sherweb.subscriptions.iter().map(|own| {
        let quantity = Decimal::from(own.quantity);
        (own.customer_id.clone(), own.sku.clone(), quantity)
    });
    let expected = agreements_of(
        &book,
        [
            BookCase::NewRevenue,
            BookCase::Increase,
            BookCase::Decrease,
            BookCase::DecreaseUnderFloor,
            BookCase::UnownedLine,
            BookCase::LineWithoutUsage,
            BookCase::AmbiguousLines,
        ],
    );
    assert_eq!(differing(&book, counts), expected);
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
