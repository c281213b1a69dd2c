//! What a plan of accounts does with each company.

use proptest::prelude::*;

use super::*;
use crate::model::Eligibility;
use crate::sink::SinkCapabilities;

const FIELD: &str = "AutotaskCompanyID";

fn sinks() -> (SinkDescriptor, SinkDescriptor) {
    let sink = |system, name| SinkDescriptor::new(system, name, SinkCapabilities::default());
    let mut vendor = sink("vendor", "Vendor");
    vendor.account_field = Some(FIELD.to_owned());
    (sink("psa", "PSA"), vendor)
}

fn plan_with(companies: &[Company], accounts: &[VendorAccount], problems: &[ReadFailure]) -> Plan {
    let (psa, vendor) = sinks();
    let context = AccountsContext {
        psa: &psa,
        vendor: &vendor,
        problems,
        left_out: &BTreeSet::from(["left out".into()]),
        policy: &Policy::default(),
        now: Timestamp::EPOCH,
    };
    plan_accounts(companies, accounts, &context).unwrap()
}

fn plan(companies: &[Company], accounts: &[VendorAccount]) -> Plan {
    plan_with(companies, accounts, &[])
}

fn account(id: &str, name: &str) -> VendorAccount {
    VendorAccount::new(id, name).with_reference_field(FIELD)
}

fn of_company(id: &str, name: &str, company: &str) -> VendorAccount {
    account(id, name).with_company_reference(company)
}

/// Each change with what blocks it.
fn told(plan: &Plan) -> Vec<(String, Vec<Guard>)> {
    let guards = |change: &Change| change.blocks.iter().map(|block| block.guard).collect();
    let changes = plan.changes().iter();
    changes
        .map(|change| {
            (
                format!("{} {}", change.company, change.action),
                guards(change),
            )
        })
        .collect()
}

fn blocked(plan: &Plan) -> (Guard, String, bool) {
    let [change] = plan.changes() else {
        panic!("{:?}", plan.changes());
    };
    let [block] = change.blocks.as_slice() else {
        panic!("{:?}", change.blocks);
    };
    (
        block.guard,
        block.reason.clone(),
        change.final_block().is_some(),
    )
}

#[test]
fn c7_an_account_of_exactly_the_name_gets_the_id_alone_and_for_the_others_one_is_created() {
    let companies = [
        Company::new("3", "Oak Legal"),
        Company::new("1", "Fern Clinic"),
        Company::new("2", "Birch Gym"),
    ];
    let accounts = [
        account("o-1", "Fern Clinic"),
        of_company("o-3", "Another name", "2"),
    ];
    let plan = plan(&companies, &accounts);
    assert_eq!(
        told(&plan),
        [
            (
                "1 give account o-1 (Fern Clinic) the company's id".to_owned(),
                vec![]
            ),
            ("3 create the account Oak Legal".to_owned(), vec![]),
        ]
    );
    assert_eq!(plan.content().found[&Kind::NoChange], 1);
    let reasons = ["the one account of exactly this name", "one is created"];
    for (change, reason) in plan.changes().iter().zip(reasons) {
        assert!(change.reason.contains(reason), "{}", change.reason);
    }
    let change = &plan.changes()[0];
    assert_eq!(change.product.as_str(), FIELD);
    assert_eq!(change.agreement, AgreementId::of_account(&"1".into()));
    assert_eq!(
        (plan.content().source.as_str(), plan.content().sink.as_str()),
        ("psa", "vendor")
    );
}

#[test]
fn a_name_that_is_shared_decides_nothing_and_cannot_be_overridden() {
    let twins = [Company::new("1", "Twin"), Company::new("2", "Twin")];
    for accounts in [vec![], vec![account("o-1", "Twin")]] {
        let plan = plan(&twins, &accounts);
        let blocks = told(&plan).into_iter().map(|(_, guards)| guards);
        assert!(blocks.eq([[Guard::AmbiguousAccount], [Guard::AmbiguousAccount]]));
    }
    let accounts = [account("o-1", "Fern"), account("o-2", "Fern")];
    let (guard, reason, is_final) = blocked(&plan(&[Company::new("1", "Fern")], &accounts));
    assert_eq!((guard, is_final), (Guard::AmbiguousAccount, true));
    assert!(reason.contains("accounts o-1 and o-2"), "{reason}");
}

#[test]
fn an_account_that_states_another_company_is_left_to_a_person() {
    let accounts = [of_company("o-1", "Fern", "99")];
    let (guard, reason, is_final) = blocked(&plan(&[Company::new("1", "Fern")], &accounts));
    assert_eq!((guard, is_final), (Guard::AmbiguousAccount, true));
    assert!(reason.contains("account o-1") && reason.contains("company 99"));
}

#[test]
fn two_accounts_that_state_one_company_are_told_and_not_changed() {
    let accounts = [
        of_company("o-1", "Fern", "1"),
        of_company("o-2", "Old", "1"),
    ];
    let plan = plan(&[Company::new("1", "Fern")], &accounts);
    assert!(plan.changes().is_empty());
    assert_eq!(plan.notices()[0].kind, Kind::Ambiguous);
    assert!(plan.notices()[0].message.contains("accounts o-1 and o-2"));
}

#[test]
fn a_company_that_nothing_may_be_synced_to_is_left_out_and_said() {
    let reasons = Eligibility::NotEligible(vec!["It is inactive.".into()]);
    let companies = [
        Company::new("1", "Fern").with_eligibility(reasons),
        Company::new("2", "  "),
        Company::new("left out", "Oak"),
    ];
    let plan = plan(&companies, &[account("o-1", "Fern")]);
    assert!(plan.changes().is_empty());
    let said: Vec<&str> = plan.notices().iter().map(|n| n.message.as_str()).collect();
    assert!(said[0].contains("It is inactive.") && said[1].contains("company 2"));
    assert_eq!(said[2], "Oak: left out on purpose");
}

#[test]
fn while_a_record_is_unread_no_name_decides_anything() {
    let companies = [Company::new("1", "Fern"), Company::new("2", "Oak")];
    let accounts = [account("o-1", "Fern"), account("o-2", "Elm")];
    let failure = |record| ReadFailure::new(ErrorKind::Protocol, record);
    let failures = ["record 3 has no id", "record 4 has no id"].map(failure);
    let mut silent = accounts.clone();
    silent[1].reference_unread = true;
    for plan in [
        plan_with(&companies, &accounts, &failures),
        plan(&companies, &silent),
    ] {
        let blocks = told(&plan).into_iter().map(|(_, guards)| guards);
        assert!(blocks.eq([[Guard::AmbiguousAccount], [Guard::AmbiguousAccount]]));
    }
    let unread = plan_with(&companies, &accounts, &failures);
    assert_eq!(unread.content().found[&Kind::NotObserved], 2);
    let told = unread.notices().iter().map(|notice| &notice.message);
    assert!(told.eq([
        "a record could not be read: record 3 has no id",
        "a record could not be read: record 4 has no id"
    ]));
}

#[test]
fn a_vendor_that_lists_no_account_gets_none_unless_a_person_says_so() {
    let (guard, _, is_final) = blocked(&plan(&[Company::new("1", "Fern")], &[]));
    assert_eq!((guard, is_final), (Guard::TotalIncrease, false));
}

#[test]
fn beside_an_account_of_nearly_the_name_none_is_created_unless_a_person_says_so() {
    let company = [Company::new("1", "Oak Legal")];
    let accounts = [account("o-2", "oak  legal")];
    let (guard, reason, is_final) = blocked(&plan(&company, &accounts));
    assert_eq!((guard, is_final), (Guard::SimilarAccount, false));
    assert!(reason.contains("o-2"), "{reason}");
    // One that is another company's stands in nobody's way.
    let taken = [of_company("o-2", "oak  legal", "7")];
    assert!(!plan(&company, &taken).changes()[0].is_blocked());
}

#[test]
fn a_system_that_takes_in_no_accounts_gets_no_plan() {
    let (psa, _) = sinks();
    let context = AccountsContext {
        psa: &psa,
        vendor: &psa,
        problems: &[],
        left_out: &BTreeSet::new(),
        policy: &Policy::default(),
        now: Timestamp::EPOCH,
    };
    let error = plan_accounts(&[], &[], &context).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_plan_of_accounts_is_of_a_version_of_its_own_and_survives_its_file() {
    let plan = plan(&[Company::new("1", "Fern")], &[account("o-1", "Elm")]);
    let text = plan.to_text().unwrap();
    assert_eq!(Plan::from_text(&text).unwrap(), plan);
    assert!(text.contains("\"version\": 5"), "{text}");
    let older = text.replace("\"version\": 5", "\"version\": 4");
    assert!(Plan::from_text(&older).is_err());
}

/// What the vendor lists once the changes that are not blocked are carried out.
fn carried_out(plan: &Plan, accounts: &[VendorAccount]) -> Vec<VendorAccount> {
    let mut accounts = accounts.to_vec();
    for change in plan.changes().iter().filter(|change| !change.is_blocked()) {
        let company = change.company.as_str();
        match &change.action {
            Action::CreateAccount { name } => {
                let id = format!("new-{company}");
                accounts.push(of_company(&id, name, company));
            }
            Action::LinkAccount { account, .. } => {
                let linked = accounts.iter_mut().find(|known| known.id == *account);
                linked.unwrap().company_reference = Some(company.to_owned());
            }
            other => panic!("{other}"),
        }
    }
    accounts
}

proptest! {
    #[test]
    fn once_carried_out_nothing_is_left_of_a_plan_and_no_company_or_account_has_two(
        companies in prop::collection::vec((0..6_u8, "[AaB]( Ltd)?"), 0..7),
        accounts in prop::collection::vec((0..6_u8, "[AaB]( Ltd)?", prop::option::of(0..8_u8)), 1..7),
        turn in 0..7_usize,
    ) {
        let companies: BTreeMap<u8, String> = companies.into_iter().collect();
        let mut companies: Vec<Company> = companies
            .into_iter()
            .map(|(id, name)| Company::new(id.to_string(), name))
            .collect();
        let accounts: BTreeMap<u8, (String, Option<u8>)> =
            accounts.into_iter().map(|(id, name, of)| (id, (name, of))).collect();
        let mut accounts: Vec<VendorAccount> = accounts
            .into_iter()
            .map(|(id, (name, of))| match of {
                Some(of) => of_company(&format!("o-{id}"), &name, &of.to_string()),
                None => account(&format!("o-{id}"), &name),
            })
            .collect();
        let first = plan(&companies, &accounts);
        let after = carried_out(&first, &accounts);
        let second = plan(&companies, &after);
        prop_assert!(second.changes().iter().all(Change::is_blocked));
        // Nothing that stated a company states another.
        for before in accounts.iter().filter(|account| account.company_reference.is_some()) {
            prop_assert!(after.contains(before));
        }
        for change in first.changes().iter().filter(|change| !change.is_blocked()) {
            let company = Some(change.company.as_str());
            let holders = after.iter().filter(|a| a.company_reference.as_deref() == company);
            prop_assert_eq!(holders.count(), 1);
        }
        let turns = |len: usize| if len == 0 { 0 } else { turn % len };
        let by = turns(companies.len());
        companies.rotate_left(by);
        let by = turns(accounts.len());
        accounts.rotate_left(by);
        prop_assert_eq!(plan(&companies, &accounts), first);
    }
}
