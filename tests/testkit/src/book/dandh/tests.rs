use std::collections::BTreeSet;

use jiff::civil::date;

use super::super::tests::{agreements_of, differing};
use super::super::{Book, BookCase, BookOptions, ServiceRule};
use super::{DANDH, dandh_instead};
use crate::dandh::DandhState;

fn book() -> (Book, DandhState) {
    let mut book = Book::generate(BookOptions::default());
    let dandh = dandh_instead(&mut book);
    (book, dandh)
}

/// The key of a service with one price.
fn key(state: &DandhState, service_id: &str) -> String {
    let [item] = &state.products[service_id].items[..] else {
        panic!("{service_id} has one price");
    };
    format!("{service_id}/{}", item.id)
}

#[test]
fn the_same_clients_and_articles_stand_in_the_marketplace() {
    let (book, dandh) = book();
    let before = Book::generate(BookOptions::default());
    let names = |state: &DandhState| -> BTreeSet<String> {
        let companies = state.accounts.values();
        let companies = companies.filter(|account| account.id != state.reseller_id);
        companies.map(|account| account.name.clone()).collect()
    };
    let customers = before.sherweb.customers.iter();
    let customers: BTreeSet<String> = customers.map(|own| own.display_name.clone()).collect();
    assert_eq!(names(&dandh), customers);
    let ended = dandh.subscriptions.values();
    let ended = ended.filter(|own| own.terminated.is_some()).count();
    assert_eq!(dandh.subscriptions.len() - ended, 1200);
    assert_eq!(ended, 1);
    assert!(book.sherweb.customers.is_empty() && book.sherweb.subscriptions.is_empty());
    assert_eq!(dandh.failing_accounts.len(), 1);
    let mut again = Book::generate(BookOptions::default());
    let twin = dandh_instead(&mut again);
    assert_eq!(again.cases(), book.cases());
    assert_eq!(format!("{twin:?}"), format!("{dandh:?}"));
}

#[test]
fn the_psas_products_and_the_mapping_carry_the_marketplaces_keys() {
    let (book, dandh) = book();
    let mut vendors = book.connectwise.companies.values();
    let vendor = vendors.find(|own| own.vendor).unwrap();
    assert_eq!(vendor.name, DANDH);
    let keys: BTreeSet<String> = dandh.products.keys().map(|id| key(&dandh, id)).collect();
    for service in &book.expected_mapping().services {
        assert!(keys.contains(&service.sku), "{}", service.sku);
        if let ServiceRule::Product(id) = &service.rule {
            let product = &book.connectwise.products[id];
            assert_eq!(product.vendor_sku.as_ref(), Some(&service.sku));
            assert!(product.identifier.starts_with("DH-"));
        }
    }
    for link in &book.expected_mapping().accounts {
        let id: i64 = link.customer_id.parse().unwrap();
        assert_eq!(dandh.accounts[&id].name, link.customer_name);
    }
}

#[test]
fn every_case_but_the_floor_is_there_with_ids_that_exist() {
    let (book, dandh) = book();
    let cases: Vec<BookCase> = book.cases().iter().map(|note| note.case).collect();
    let wanted: Vec<BookCase> = BookCase::ALL
        .into_iter()
        .filter(|case| *case != BookCase::DecreaseUnderFloor)
        .collect();
    assert_eq!(cases, wanted);
    for note in book.cases() {
        let company: i64 = note.customer_id.parse().unwrap();
        assert_eq!(dandh.accounts[&company].name, note.customer_name);
        for id in &note.subscription_ids {
            let own = &dandh.subscriptions[&id.parse().unwrap()];
            assert_eq!(own.company_id, company, "{note:?}");
            assert_eq!(Some(key(&dandh, &own.service_id)), note.sku);
        }
        for id in &note.addition_ids {
            assert!(book.connectwise.additions.contains_key(id), "{note:?}");
        }
    }
}

/// The last preview is of Friday, 13 March 2026.
#[test]
fn seats_come_within_the_month_and_after_the_preview_where_the_cases_say_so() {
    let (book, dandh) = book();
    let subscription = |case| {
        let note = book.case(case).unwrap();
        let id = note.subscription_ids[0].parse().unwrap();
        (note, &dandh.subscriptions[&id])
    };
    let (note, own) = subscription(BookCase::Increase);
    let [before, after] = own.changes[..] else {
        panic!("one change: {own:?}");
    };
    assert_eq!(Some(before.seats), note.psa_quantity);
    assert_eq!(Some(after.seats), note.vendor_quantity);
    assert_eq!(after.at, "2026-03-12T00:00:00Z".parse().unwrap());
    let (note, own) = subscription(BookCase::NewRevenue);
    assert_eq!(own.start(), date(2026, 3, 14));
    assert!(note.sentence.contains("after the last preview"));
    let (_, own) = subscription(BookCase::CurrencyMismatch);
    let [item] = &dandh.products[&own.service_id].items[..] else {
        panic!("one price");
    };
    assert_eq!(item.currency, "CAD");
}

#[test]
fn everything_outside_the_cases_is_in_step() {
    let (book, dandh) = book();
    let now = dandh.clock.now();
    let running = dandh
        .subscriptions
        .values()
        .filter(|own| own.terminated.is_none_or(|ended| now < ended));
    let counts = running.map(|own| {
        let account = own.company_id.to_string();
        (
            account,
            key(&dandh, &own.service_id),
            own.seats_at(now).unwrap(),
        )
    });
    let expected = agreements_of(
        &book,
        [
            BookCase::NewRevenue,
            BookCase::Increase,
            BookCase::Decrease,
            BookCase::UnownedLine,
            BookCase::LineWithoutUsage,
            BookCase::AmbiguousLines,
        ],
    );
    assert_eq!(differing(&book, counts), expected);
}
