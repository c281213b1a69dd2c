//! The demo book of Microsoft subscriptions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

use std::collections::BTreeMap;

use jiff::civil::date;
use tallyline_testkit::autotask::{AutotaskState, Entity};
use tallyline_testkit::book::csp::{
    COMPANY_PROPERTY, CspBook, CspBookOptions, CspCase, CspNote, SUBSCRIPTION_FIELD,
};
use tallyline_testkit::book::csp_sherweb::{refresh, sherweb_of};
use tallyline_testkit::book::{csp_dandh, csp_ingram};
use tallyline_testkit::cloudmore::LineKind;

fn book() -> CspBook {
    CspBook::generate(CspBookOptions::default())
}

fn note(book: &CspBook, case: CspCase) -> CspNote {
    book.case(case).cloned().unwrap()
}

/// The contracts of each subscription, by the supplier's id.
fn contracts(state: &AutotaskState) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for contract in state.list(Entity::Contracts) {
        if let Some(value) = contract.udfs.get(SUBSCRIPTION_FIELD) {
            found.entry(value.clone()).or_default().push(contract.id);
        }
    }
    found
}

fn units(book: &CspBook, contract: i64) -> i64 {
    let lines = book.autotask.list(Entity::ContractServices);
    lines
        .filter(|line| line.integer("contractID") == Some(contract))
        .map(|line| book.autotask.units_on(line.id, book.options.today))
        .sum()
}

#[test]
fn the_same_seed_gives_the_same_book_and_every_case_happens_once() {
    let (one, two) = (book(), book());
    assert_eq!(one.notes, two.notes);
    assert_eq!(one.cloudmore.bills, two.cloudmore.bills);
    assert_eq!(one.autotask.records, two.autotask.records);
    let other = CspBook::generate(CspBookOptions {
        seed: 2,
        ..CspBookOptions::default()
    });
    assert_ne!(one.notes, other.notes);
    let cases: Vec<CspCase> = one.notes.iter().map(|note| note.case).collect();
    assert_eq!(cases, CspCase::ALL);
}

#[test]
fn what_no_case_concerns_is_in_step_on_both_sides() {
    let book = book();
    let contracts = contracts(&book.autotask);
    let special: Vec<&str> = book
        .notes
        .iter()
        .map(|note| note.subscription_id.as_str())
        .collect();
    let mut seen = 0;
    let last = book.cloudmore.bills.iter();
    for bill in last.filter(|bill| bill.date == book.last_bill) {
        let organization = &book.cloudmore.organizations[&bill.organization_id];
        for line in &bill.lines {
            if special.contains(&line.subscription_id.as_str()) {
                continue;
            }
            seen += 1;
            assert_eq!(line.kind, LineKind::CycleFee);
            let [contract] = contracts[&line.external_id][..] else {
                panic!("one contract of {}", line.external_id)
            };
            assert_eq!(line.quantity, units(&book, contract).into());
            let company = book.autotask.record(Entity::Contracts, contract).unwrap();
            let company = company.integer("companyID").unwrap().to_string();
            if let Some(id) = organization.properties.get(COMPANY_PROPERTY)
                && id != "999999999"
            {
                assert_eq!(*id, company);
            }
        }
    }
    assert_eq!(seen, 2 * book.options.organizations);
}

#[test]
fn every_case_is_as_its_note_says() {
    let book = book();
    let contracts = contracts(&book.autotask);
    let last = |note: &CspNote| {
        let bills = book.cloudmore.bills.iter();
        let lines = bills
            .filter(|bill| bill.date == book.last_bill)
            .flat_map(|bill| &bill.lines);
        lines
            .filter(|line| line.subscription_id == note.subscription_id)
            .filter(|line| line.kind == LineKind::CycleFee)
            .map(|line| line.quantity)
            .sum::<rust_decimal::Decimal>()
    };
    for note in &book.notes {
        let Some(own) = book.cloudmore.subscriptions.get(&note.subscription_id) else {
            assert_eq!(note.case, CspCase::ForeignContract);
            continue;
        };
        let carried = contracts.get(&own.external_id).cloned().unwrap_or_default();
        assert_eq!(carried, note.contract_ids, "{:?}", note.case);
        if note.case != CspCase::AzureConsumption {
            assert_eq!(last(note), note.vendor_quantity.into(), "{:?}", note.case);
            if let Some(contract) = carried.first() {
                assert_eq!(units(&book, *contract), note.psa_units, "{:?}", note.case);
            }
        }
    }
    let quantities = |case| {
        let note = note(&book, case);
        (note.vendor_quantity, note.psa_units)
    };
    let differ = |case, by: i64| {
        let (vendor, psa) = quantities(case);
        assert_eq!(vendor - psa, by, "{case:?}");
    };
    differ(CspCase::Increase, 3);
    differ(CspCase::Decrease, -3);
    differ(CspCase::PostedPeriod, 2);
    assert_eq!(quantities(CspCase::NewSubscription).1, 0);
    assert_eq!(quantities(CspCase::Cancelled).0, 0);
    let skipped = note(&book, CspCase::NoCompanyId).organization_id;
    let skipped = &book.cloudmore.organizations[&skipped];
    assert!(skipped.properties.is_empty());
    let two = note(&book, CspCase::TwoContracts);
    assert_eq!(two.contract_ids.len(), 2);
    let ends = note(&book, CspCase::ContractEnds).contract_ids[0];
    let ends = book.autotask.record(Entity::Contracts, ends).unwrap();
    assert_eq!(ends.day("endDate"), Some(date(2026, 4, 5)));
    let posted = note(&book, CspCase::PostedPeriod).contract_ids[0];
    let row = book
        .autotask
        .units
        .values()
        .find(|row| row.contract_id == posted && row.start == book.last_bill);
    assert!(row.unwrap().posted.is_some());
}

#[test]
fn azure_consumption_is_on_both_bills_and_charged_for_the_first_alone() {
    let book = book();
    let note = note(&book, CspCase::AzureConsumption);
    let bills = book.cloudmore.bills.iter().filter(|bill| {
        let own = |line: &tallyline_testkit::cloudmore::BillLine| {
            line.subscription_id == note.subscription_id && line.kind == LineKind::Usage
        };
        bill.lines.iter().any(own)
    });
    let dates: Vec<_> = bills.map(|bill| bill.date).collect();
    assert_eq!(dates, [date(2026, 2, 6), date(2026, 3, 6)]);
    let charges: Vec<_> = book
        .autotask
        .list(Entity::ContractCharges)
        .filter(|charge| charge.integer("contractID") == Some(note.contract_ids[0]))
        .map(|charge| (charge.day("datePurchased"), charge.flag("isBilled")))
        .collect();
    assert_eq!(charges, [(Some(date(2026, 2, 6)), Some(true))]);
}

#[test]
fn a_book_made_before_the_day_of_the_bill_ends_with_the_bill_before() {
    let book = CspBook::generate(CspBookOptions {
        today: date(2026, 3, 5),
        ..CspBookOptions::default()
    });
    assert_eq!(book.last_bill, date(2026, 2, 6));
    assert!(
        book.cloudmore
            .bills
            .iter()
            .all(|bill| bill.date <= book.last_bill)
    );
}

#[test]
fn the_same_business_at_sherweb_has_the_same_licences_and_consumption() {
    let book = book();
    let mut sherweb = sherweb_of(&book.cloudmore);
    assert_eq!(sherweb.customers.len(), book.options.organizations);
    let lines = || {
        let bills = book.cloudmore.bills.iter();
        let last = bills.filter(|bill| bill.date == book.last_bill);
        last.flat_map(|bill| &bill.lines)
    };
    let fees = lines().filter(|line| line.kind == LineKind::CycleFee);
    let fees: BTreeMap<&str, rust_decimal::Decimal> = fees
        .map(|line| (line.external_id.as_str(), line.quantity))
        .collect();
    let licences = sherweb.subscriptions.iter();
    let licences: BTreeMap<&str, rust_decimal::Decimal> = licences
        .map(|own| (own.id.as_str(), own.quantity.into()))
        .collect();
    assert_eq!(licences, fees);
    let used: rust_decimal::Decimal = lines()
        .filter(|line| line.kind == LineKind::Usage)
        .map(|line| line.price_total)
        .sum();
    let charged = sherweb.receivable_charges.iter();
    let charged: rust_decimal::Decimal = charged
        .filter(|charge| charge.billing_day == book.last_bill)
        .map(|charge| charge.quantity * charge.cost_price_prorated)
        .sum();
    assert!(!used.is_zero());
    assert_eq!(charged, used);

    let cancelled = note(&book, CspCase::Increase).subscription_id;
    let external = book.cloudmore.subscriptions[&cancelled].external_id.clone();
    let mut later = book.cloudmore.clone();
    later.cancel(&cancelled, book.options.today);
    refresh(&mut sherweb, &later);
    assert!(sherweb.subscription(&external).is_none());
    assert_eq!(sherweb.subscriptions.len() + 1, fees.len());
}

/// The seats of each contract's subscription that runs, by the id that the contract carries.
fn running(book: &CspBook, seats: BTreeMap<String, rust_decimal::Decimal>) -> usize {
    let contracts = contracts(&book.autotask);
    let special: Vec<i64> = book
        .notes
        .iter()
        .flat_map(|note| note.contract_ids.clone())
        .collect();
    let mut in_step = 0;
    for (id, own) in contracts {
        let Some(seats) = seats.get(&id) else {
            continue;
        };
        if own.len() == 1 && !special.contains(&own[0]) {
            assert_eq!(*seats, units(book, own[0]).into(), "{id}");
            in_step += 1;
        }
    }
    in_step
}

#[test]
fn at_vendors_with_ids_of_their_own_contracts_carry_these_and_licences_are_in_step() {
    let mut book = book();
    let clients = book.options.organizations;
    let (ingram, _) = csp_ingram::ingram_instead(&mut book);
    assert_eq!(ingram.customers.len(), clients);
    let active = ingram.subscriptions.iter();
    let active = active.filter(|own| own.status == "active");
    let seats = active.map(|own| (own.id.clone(), own.products[0].quantity.unwrap()));
    assert!(running(&book, seats.collect()) >= 2 * clients);
    assert!(book.case(CspCase::AzureConsumption).is_none());

    let mut book = self::book();
    let (dandh, _) = csp_dandh::dandh_instead(&mut book);
    let seats = dandh.subscriptions.values();
    let seats = seats.filter(|own| own.terminated.is_none());
    let seats = seats.map(|own| (own.id.to_string(), own.changes.last().unwrap().seats));
    assert!(running(&book, seats.collect()) >= 2 * clients);
    let services = book.autotask.list(Entity::Services);
    let keyed = services.filter(|own| own.text("sku").is_some_and(|sku| sku.contains('/')));
    assert_eq!(keyed.count(), dandh.products.len());
}

#[test]
fn what_is_bought_and_cancelled_later_comes_about_at_every_vendor() {
    let mut book = book();
    let bought = note(&book, CspCase::Increase);
    let gone = note(&book, CspCase::Decrease).subscription_id;
    let mut twin = book.clone();
    let (mut ingram, mut at_ingram) = csp_ingram::ingram_instead(&mut book);
    let (mut dandh, mut at_dandh) = csp_dandh::dandh_instead(&mut twin);
    let mut later = book.cloudmore.clone();
    let wanted = rust_decimal::Decimal::from(bought.vendor_quantity + 4);
    later.change_quantity(&bought.subscription_id, date(2026, 3, 14), wanted);
    later.cancel(&gone, book.options.today);
    let before = (ingram.subscriptions.len(), dandh.subscriptions.len());
    csp_ingram::refresh(&mut ingram, &later, &mut at_ingram);
    csp_dandh::refresh(&mut dandh, &later, &mut at_dandh);
    assert_eq!(
        (ingram.subscriptions.len(), dandh.subscriptions.len()),
        before
    );
    let own = ingram.subscriptions.iter();
    let ended = own.filter(|own| own.status == "terminated").count();
    assert_eq!(ended, 2, "that of the case, and this one");
    let ended = dandh.subscriptions.values();
    assert_eq!(ended.filter(|own| own.terminated.is_some()).count(), 2);
    let changed = dandh.subscriptions.values();
    let changed: Vec<_> = changed.filter(|own| own.changes.len() > 1).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].changes[1].seats, wanted);
    let mut own = ingram.subscriptions.iter();
    assert!(
        own.any(|own| own.modified == Some(date(2026, 3, 14))
            && own.products[0].quantity == Some(wanted))
    );
}
