use super::*;
use crate::mapping::{SuggestOptions, suggest_services};
use crate::model::Eligibility;

fn account(id: &str, name: &str) -> VendorAccount {
    VendorAccount::new(id, name)
}

fn against(reason: &str) -> Eligibility {
    Eligibility::NotEligible(vec![reason.to_owned()])
}

/// One agreement for each company.
fn agreements(companies: &[Company]) -> Vec<Agreement> {
    companies
        .iter()
        .map(|company| Agreement::new(format!("G-{}", company.id), company.id.clone(), "Cloud"))
        .collect()
}

fn match_accounts(
    accounts: &[VendorAccount],
    companies: &[Company],
) -> (Mapping, MatchReport<VendorAccountId>) {
    let mut mapping = Mapping::new();
    let report = auto_link_accounts(&mut mapping, accounts, companies, &agreements(companies));
    (mapping, report)
}

fn product(id: &str, name: &str, vendor: Option<&str>, sku: Option<&str>) -> Product {
    let mut product = Product::new(id, id, name);
    product.vendor = vendor.map(Into::into);
    product.vendor_sku = sku.map(Into::into);
    product
}

fn match_services(
    services: &[Service],
    products: &[Product],
    options: &MatchOptions,
) -> (Mapping, MatchReport<ServiceKey>) {
    let mut mapping = Mapping::new();
    let report = auto_link_services(&mut mapping, services, products, options);
    (mapping, report)
}

#[test]
fn case_spacing_and_punctuation_all_count() {
    let companies = [Company::new("1", "Acme Corp")];
    for name in [
        "acme corp",
        "Acme Corp.",
        "Acme  Corp",
        "Acme Corp ",
        "Ａcme Corp",
    ] {
        let (mapping, report) = match_accounts(&[account("A", name)], &companies);
        assert_eq!(mapping.account(&"A".into()), None, "{name}");
        assert_eq!(report.unmatched, ["A".into()]);
    }
    let (mapping, report) = match_accounts(&[account("A", "Acme Corp")], &companies);
    assert_eq!(report.linked, ["A".into()]);
    assert_eq!(
        mapping.account(&"A".into()),
        Some(&AccountEntry::Link(AccountLink {
            company: "1".into(),
            target: LineTarget::Agreement("G-1".into()),
            metadata_to: None,
            enabled: true,
            provenance: Provenance::Exact,
            note: None,
            tags: [].into(),
        }))
    );
}

#[test]
fn two_companies_of_the_same_name_are_left_to_a_person() {
    let companies = [
        Company::new("1", "Acme"),
        Company::new("2", "Acme").with_eligibility(against("It is deleted.")),
    ];
    let (mapping, report) = match_accounts(&[account("A", "Acme")], &companies);
    assert_eq!(mapping.revision(), 0);
    assert_eq!(
        report.undecided[0].reason.to_string(),
        "companies 1, 2 have the same name"
    );
}

#[test]
fn two_accounts_of_the_same_name_are_left_even_when_one_is_decided() {
    let companies = [Company::new("1", "Acme"), Company::new("2", "Other")];
    let mut mapping = Mapping::new();
    mapping.exclude_account("A", "Ours.").unwrap();
    let report = auto_link_accounts(
        &mut mapping,
        &[account("A", "Acme"), account("B", "Acme")],
        &companies,
        &agreements(&companies),
    );
    assert_eq!((report.kept, report.linked.len()), (1, 0));
    assert!(matches!(
        report.undecided[0].reason,
        UndecidedReason::AccountsShareName { .. }
    ));
}

#[test]
fn the_same_record_listed_twice_is_one_record() {
    let acme = Company::new("1", "Acme");
    let accounts = [account("A", "Acme"), account("A", "Acme")];
    let (_, report) = match_accounts(&accounts, &[acme.clone(), acme]);
    assert_eq!(report.linked, ["A".into()]);
}

#[test]
fn an_agreement_is_never_chosen_for_a_person() {
    let accounts = [account("A", "Acme")];
    let companies = [Company::new("1", "Acme")];
    let mut ended = Agreement::new("11", "1", "Old");
    ended.eligibility = against("It ended.");
    let open = |id: &str| Agreement::new(id, "1", "Cloud");
    for (agreements, words) in [
        (vec![], "company 1 has no agreement"),
        (
            vec![ended.clone()],
            "company 1 has no agreement that may be used (agreement 11: It ended.)",
        ),
        (
            vec![open("13"), open("12"), ended.clone()],
            "company 1 has several agreements that may be used: 12, 13",
        ),
    ] {
        let mut mapping = Mapping::new();
        let report = auto_link_accounts(&mut mapping, &accounts, &companies, &agreements);
        assert_eq!(report.undecided[0].reason.to_string(), words);
        assert_eq!(mapping, Mapping::new());
    }
    let mut mapping = Mapping::new();
    let report = auto_link_accounts(&mut mapping, &accounts, &companies, &[ended, open("12")]);
    assert_eq!(report.linked, ["A".into()]);
}

#[test]
fn an_ineligible_company_is_reported_with_its_reasons() {
    let companies = [Company::new("1", "Acme").with_eligibility(against("It is a prospect."))];
    let (_, report) = match_accounts(&[account("A", "Acme")], &companies);
    assert_eq!(
        report.undecided[0].reason.to_string(),
        "company 1 may not be synced: It is a prospect."
    );
}

#[test]
fn a_stated_company_id_is_as_good_as_a_name() {
    let companies = [Company::new("1", "Acme"), Company::new("2", "Beta")];
    let stated = |id: &str, name, company: &str| account(id, name).with_company_reference(company);
    let (_, report) = match_accounts(&[stated("A", "Acme Berlin", "1")], &companies);
    assert_eq!(report.linked, ["A".into()]);

    let (_, report) = match_accounts(&[stated("A", "Acme", "2")], &companies);
    assert!(matches!(
        report.undecided[0].reason,
        UndecidedReason::ReferenceContradictsName { .. }
    ));

    let (_, report) = match_accounts(&[stated("A", "Acme", "of another system")], &companies);
    assert_eq!(
        report.linked,
        ["A".into()],
        "an unknown reference says nothing"
    );

    for second in [stated("B", "Elsewhere", "1"), account("B", "Acme")] {
        let (mapping, report) =
            match_accounts(&[stated("A", "Acme Berlin", "1"), second], &companies);
        assert_eq!((mapping.revision(), report.undecided.len()), (0, 2));
    }
}

#[test]
fn c7_an_account_with_a_reference_field_is_linked_by_the_id_in_it_and_never_by_its_name() {
    let companies = [Company::new("1", "Acme"), Company::new("12", "Beta")];
    let account = |id: &str, name| account(id, name).with_reference_field("AutotaskCompanyID");
    let (_, report) = match_accounts(
        &[
            account("A", "Acme Berlin").with_company_reference("1"),
            account("B", "Beta"),
            account("C", "Gamma").with_company_reference("2"),
        ],
        &companies,
    );
    assert_eq!(report.linked, ["A".into()]);
    assert!(report.unmatched.is_empty());
    let reasons: Vec<String> = report
        .undecided
        .iter()
        .map(|undecided| format!("{}: {}", undecided.id, undecided.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            "B: the vendor's record has no AutotaskCompanyID, and the account is linked by that alone: \
             enter the company's id there",
            "C: the AutotaskCompanyID of the vendor's record states company 2, which the PSA does not list",
        ]
    );
}

#[test]
fn a_human_decision_wins_over_a_match() {
    let companies = [Company::new("1", "Acme"), Company::new("2", "Beta")];
    let accounts = [
        account("A", "Acme"),
        account("B", "Beta"),
        account("C", "Gamma"),
    ];
    let agreements = agreements(&companies);
    let directory = crate::mapping::Directory::new(&accounts, &[], &companies, &agreements, &[]);
    let mut mapping = Mapping::new();
    mapping.exclude_account("B", "Leaving.").unwrap();
    mapping.link_account("C", "1", "G-1", &directory).unwrap();
    let before = mapping.clone();
    let report = auto_link_accounts(&mut mapping, &accounts, &companies, &agreements);
    assert_eq!(mapping, before);
    assert_eq!(report.kept, 2);
    assert_eq!(
        report.undecided[0].reason.to_string(),
        "company 1 is linked to account C already"
    );
}

#[test]
fn matching_again_changes_nothing() {
    let companies = [Company::new("1", "Acme")];
    let accounts = [account("A", "Acme")];
    let (mut mapping, _) = match_accounts(&accounts, &companies);
    let before = mapping.clone();
    let report = auto_link_accounts(&mut mapping, &accounts, &companies, &agreements(&companies));
    assert_eq!((mapping, report.kept), (before, 1));
}

#[test]
fn b6_a_sku_links_when_the_product_names_the_vendor_trimmed_and_in_any_case() {
    let services = [Service::new("SKU-1", "Seats")];
    let sherweb = MatchOptions::new().with_vendor("Sherweb");
    let links = |vendor, options: &MatchOptions| {
        let products = [product("P", "Other name", vendor, Some("SKU-1"))];
        match_services(&services, &products, options).1.linked.len()
    };
    assert_eq!(links(Some(" SHERWEB "), &sherweb), 1);
    assert_eq!(links(Some("Elsewhere"), &sherweb), 0);
    assert_eq!(links(None, &sherweb), 0);
    assert_eq!(links(None, &MatchOptions::new()), 1);
}

#[test]
fn b6_where_the_vendor_is_required_only_products_that_name_it_are_candidates() {
    let services = [Service::new("SKU-1", "Seats")];
    let required = MatchOptions::new()
        .with_vendor("Sherweb")
        .with_vendor_required(true);
    let suggest = SuggestOptions::new()
        .with_vendor("Sherweb")
        .with_vendor_required(true);
    for (vendor, candidate) in [
        (Some("Sherweb"), true),
        (Some(" sherweb "), true),
        (Some("Elsewhere"), false),
        (None, false),
    ] {
        for sku in [None, Some("SKU-1")] {
            let products = [product("P", "Seats", vendor, sku)];
            let (_, report) = match_services(&services, &products, &required);
            assert_eq!(report.linked.len(), usize::from(candidate), "{vendor:?}");
            let offered = suggest_services(&Mapping::new(), &services, &products, &suggest);
            assert_eq!(!offered.is_empty(), candidate, "{vendor:?}");
        }
    }
    // By default a product that names no vendor may have the name.
    let lenient = MatchOptions::new().with_vendor("Sherweb");
    let (_, report) = match_services(&services, &[product("P", "Seats", None, None)], &lenient);
    assert_eq!(report.linked.len(), 1);
}

#[test]
fn a_sku_on_two_products_is_left_to_a_person() {
    let products = [
        product("P1", "Seats", None, Some("SKU-1")),
        product("P2", "Seats too", None, Some("SKU-1")),
    ];
    let services = [Service::new("SKU-1", "Seats")];
    let (mapping, report) = match_services(&services, &products, &MatchOptions::new());
    assert_eq!(mapping.revision(), 0);
    assert_eq!(
        report.undecided[0].reason.to_string(),
        "products P1, P2 state the same vendor SKU"
    );
}

#[test]
fn a_name_links_a_service_unless_the_product_contradicts() {
    let services = [Service::new("SKU-1", "Seats")];
    let sherweb = MatchOptions::new().with_vendor("Sherweb");
    let reason = |vendor, sku| {
        let (_, report) =
            match_services(&services, &[product("P", "Seats", vendor, sku)], &sherweb);
        report.undecided.first().map(|u| u.reason.to_string())
    };
    assert_eq!(reason(None, None), None);
    assert_eq!(reason(None, Some("X")), None);
    assert_eq!(
        reason(Some("Elsewhere"), None).unwrap(),
        "product P has the name but is of the vendor Elsewhere"
    );
    assert_eq!(
        reason(Some("Sherweb"), Some("X")).unwrap(),
        "product P has the name but states the vendor's SKU X"
    );
}

#[test]
fn the_sku_wins_over_another_services_name() {
    let services = [
        Service::new("OLD", "Seats"),
        Service::new("SKU-1", "Seats (new)"),
    ];
    let products = [product("P", "Seats", None, Some("SKU-1"))];
    let (_, report) = match_services(&services, &products, &MatchOptions::new());
    assert_eq!(report.linked, ["SKU-1".into()]);
    assert_eq!(
        report.undecided[0].reason.to_string(),
        "product P is linked to service SKU-1 already"
    );
}

#[test]
fn b8_an_offer_that_cannot_be_synced_is_left_with_its_reason() {
    let services = [Service::new("SKU-1", "Seats").with_not_syncable("It is billed once.")];
    let products = [product("P", "Seats", None, Some("SKU-1"))];
    let (_, report) = match_services(&services, &products, &MatchOptions::new());
    assert_eq!(
        report.undecided[0].reason.to_string(),
        "it cannot be synced: It is billed once."
    );
}

#[test]
fn ten_thousand_accounts_match_without_a_quadratic_step() {
    let accounts: Vec<_> = (0..10_000)
        .map(|n| account(&format!("A{n}"), &format!("Client {n}")))
        .collect();
    let companies: Vec<_> = (0..10_000)
        .map(|n| Company::new(format!("C{n}"), format!("Client {n}")))
        .collect();
    let (_, report) = match_accounts(&accounts, &companies);
    assert_eq!(report.linked.len(), 10_000);
}
