//! The other direction: a PSA's companies as accounts of a vendor, as a plan. No I/O, no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Action, Block, Change, Guard, Labels, Notice, Plan, PlanContent, PlanKind, Policy, guards,
    intent_id,
};
use crate::error::{Error, ErrorKind, Result, printable};
use crate::mapping::normalize_name;
use crate::model::{
    AgreementId, Company, CompanyId, ReadFailure, Timestamp, VendorAccount, VendorAccountId,
};
use crate::reconcile::Kind;
use crate::sink::SinkDescriptor;

/// What a plan of accounts rests on beside the two lists.
#[derive(Clone, Copy, Debug)]
pub struct AccountsContext<'a> {
    /// The PSA whose companies they are.
    pub psa: &'a SinkDescriptor,
    /// The vendor that takes in accounts.
    pub vendor: &'a SinkDescriptor,
    /// Records of either list that could not be read.
    pub problems: &'a [ReadFailure],
    /// Companies that a person leaves out.
    pub left_out: &'a BTreeSet<CompanyId>,
    /// How long the plan may be carried out.
    pub policy: &'a Policy,
    /// The present instant.
    pub now: Timestamp,
}

/// Plans which companies of a PSA become accounts of a vendor, and which accounts get a company's id.
///
/// A company whose id an account states is left as it is. Else the one account of exactly its name
/// gets the id and nothing else, where it states no company yet. Where no account has the name, one is
/// created. What is in doubt is a blocked change: a name that two companies or two accounts share, an
/// account that states another company, and, as long as one record of either side could not be read or
/// one account does not tell whether it states a company, every decision by name. A company that nothing
/// may be synced to is left out, and said.
///
/// The plan's source is the PSA and its sink the vendor. Both lists must be whole; the same lists in any
/// order give the same plan.
///
/// # Errors
/// `Unsupported` when the vendor takes in no accounts, `Unexpected` when the plan cannot be written as
/// JSON.
///
/// # Examples
/// ```
/// use std::collections::BTreeSet;
///
/// use tallyline_core::model::{Company, Timestamp, VendorAccount};
/// use tallyline_core::plan::{AccountsContext, Action, Policy, plan_accounts};
/// use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};
///
/// let psa = SinkDescriptor::new("psa", "PSA", SinkCapabilities::default());
/// let mut vendor = SinkDescriptor::new("vendor", "Vendor", SinkCapabilities::default());
/// vendor.account_field = Some("CompanyID".to_owned());
/// let context = AccountsContext {
///     psa: &psa,
///     vendor: &vendor,
///     problems: &[],
///     left_out: &BTreeSet::new(),
///     policy: &Policy::default(),
///     now: Timestamp::EPOCH,
/// };
/// let companies = [Company::new("29683", "Fern Clinic"), Company::new("29684", "Oak Legal")];
/// let accounts = [VendorAccount::new("o-1", "Fern Clinic")];
/// let plan = plan_accounts(&companies, &accounts, &context)?;
/// assert!(matches!(plan.changes()[0].action, Action::LinkAccount { .. }));
/// assert!(matches!(plan.changes()[1].action, Action::CreateAccount { .. }));
/// # Ok::<(), tallyline_core::Error>(())
/// ```
pub fn plan_accounts(
    companies: &[Company],
    accounts: &[VendorAccount],
    context: &AccountsContext<'_>,
) -> Result<Plan> {
    let field = context.vendor.account_field.as_deref().ok_or_else(|| {
        let message = format!("{} takes in no accounts", context.vendor.name);
        Error::new(ErrorKind::Unsupported, message)
    })?;
    let companies: BTreeMap<&CompanyId, &Company> = companies
        .iter()
        .map(|company| (&company.id, company))
        .collect();
    let book = Book::new(&companies, accounts, field, context);
    let mut found = BTreeMap::new();
    let mut changes = Vec::new();
    let mut notices = Vec::new();
    for company in companies.values() {
        let kind = match book.decide(company) {
            Decision::Linked => Kind::NoChange,
            Decision::Left(kind, why) => {
                let mut notice = Notice::new(kind, format!("{}: {why}", company.name));
                notice.company = Some(company.id.clone());
                notices.push(notice);
                kind
            }
            Decision::Change {
                action,
                label,
                doubt,
            } => {
                let mut change = book.change(company, action, label)?;
                change.blocks.extend(doubt);
                let unable = guards::unsupported(&change.action, context.vendor);
                change.blocks.extend(unable.map(|reason| Block {
                    guard: Guard::Unsupported,
                    reason,
                }));
                changes.push(change);
                Kind::Change
            }
        };
        *found.entry(kind).or_default() += 1;
    }
    for problem in context.problems {
        let message = format!("a record could not be read: {}", problem.message);
        notices.push(Notice::new(Kind::NotObserved, message));
        *found.entry(Kind::NotObserved).or_default() += 1;
    }
    Plan::new(PlanContent {
        kind: PlanKind::Accounts,
        source: context.psa.system.to_owned(),
        source_tenant: context.psa.tenant.clone(),
        sink: context.vendor.system.to_owned(),
        sink_tenant: context.vendor.tenant.clone(),
        strategy: context.vendor.strategy,
        made: context.now,
        origin: None,
        today: context.now.date(),
        data_as_of: None,
        mapping_revision: 0,
        policy: context.policy.clone(),
        found,
        unowned_lines: 0,
        bills: Vec::new(),
        changes,
        notices,
    })
}

/// What is decided about a company.
enum Decision {
    /// An account states its id.
    Linked,
    /// Nothing is planned, and a person should know.
    Left(Kind, String),
    /// A write, and what speaks against it.
    Change {
        action: Action,
        /// The account as people know it.
        label: String,
        doubt: Option<Block>,
    },
}

/// Both sides, by what decides.
struct Book<'a> {
    context: &'a AccountsContext<'a>,
    field: &'a str,
    /// Accounts by the company that they state.
    stated: HashMap<&'a str, Vec<&'a VendorAccount>>,
    /// Accounts by their name, character for character.
    named: HashMap<&'a str, Vec<&'a VendorAccount>>,
    /// Accounts that state no company and have no company's exact name, by their name without case and
    /// blanks.
    similar: HashMap<String, &'a VendorAccount>,
    /// How many companies have a name.
    namesakes: HashMap<&'a str, usize>,
    /// Why a name decides nothing.
    unread: Option<String>,
    /// Whether the vendor lists any account.
    lists_some: bool,
}

impl<'a> Book<'a> {
    fn new(
        companies: &BTreeMap<&'a CompanyId, &'a Company>,
        accounts: &'a [VendorAccount],
        field: &'a str,
        context: &'a AccountsContext<'a>,
    ) -> Self {
        let accounts: BTreeMap<&VendorAccountId, &VendorAccount> = accounts
            .iter()
            .map(|account| (&account.id, account))
            .collect();
        let mut book = Self {
            context,
            field,
            stated: HashMap::new(),
            named: HashMap::new(),
            similar: HashMap::new(),
            namesakes: HashMap::new(),
            unread: None,
            lists_some: !accounts.is_empty(),
        };
        let unread = context.problems.first().map(|problem| {
            format!(
                "a record could not be read, and may be of this name: {}",
                problem.message
            )
        });
        let silent = accounts.values().find(|account| account.reference_unread);
        book.unread = unread.or_else(|| {
            silent.map(|account| {
                format!(
                    "account {} ({}) does not tell its {field}, and may be of this company",
                    account.id, account.name
                )
            })
        });
        for company in companies.values() {
            *book.namesakes.entry(&company.name).or_default() += 1;
        }
        for account in accounts.into_values() {
            book.named.entry(&account.name).or_default().push(account);
            if let Some(company) = account.company_reference.as_deref() {
                book.stated.entry(company).or_default().push(account);
            } else if !book.namesakes.contains_key(account.name.as_str()) {
                let similar = book.similar.entry(normalize_name(&account.name));
                similar.or_insert(account);
            }
        }
        book
    }

    fn decide(&self, company: &Company) -> Decision {
        let stated = self.stated.get(company.id.as_str()).map(Vec::as_slice);
        match stated.unwrap_or_default() {
            [] => {}
            [_] => return Decision::Linked,
            several => {
                return Decision::Left(
                    Kind::Ambiguous,
                    format!(
                        "{} state its id {}: take it out of all but one",
                        listed(several),
                        company.id
                    ),
                );
            }
        }
        if self.context.left_out.contains(&company.id) {
            return Decision::Left(Kind::Excluded, "left out on purpose".to_owned());
        }
        if !company.eligibility.is_eligible() {
            let reasons = company.eligibility.reasons().join("; ");
            return Decision::Left(Kind::NotEligible, reasons);
        }
        if company.name.trim().is_empty() {
            let why = format!("company {} has no name", company.id);
            return Decision::Left(Kind::NotEligible, why);
        }
        self.by_name(company)
    }

    /// What the name decides, where no account states the company.
    fn by_name(&self, company: &Company) -> Decision {
        let named = self.named.get(company.name.as_str()).map(Vec::as_slice);
        let named = named.unwrap_or_default();
        let (action, label) = match named {
            [one] => (
                Action::LinkAccount {
                    account: one.id.clone(),
                    name: company.name.clone(),
                },
                format!("account {}", one.id),
            ),
            _ => (
                Action::CreateAccount {
                    name: company.name.clone(),
                },
                "new account".to_owned(),
            ),
        };
        Decision::Change {
            action,
            label,
            doubt: self.doubt(company, named),
        }
    }

    fn doubt(&self, company: &Company, named: &[&VendorAccount]) -> Option<Block> {
        let ambiguous = |reason: String| {
            Some(Block {
                guard: Guard::AmbiguousAccount,
                reason: printable(&reason),
            })
        };
        let vendor = self.context.vendor.name;
        let namesakes = self.namesakes.get(company.name.as_str()).copied();
        if let Some(many) = namesakes.filter(|many| *many > 1) {
            return ambiguous(format!(
                "{many} companies of {} are called {}: give each a name of its own",
                self.context.psa.name, company.name
            ));
        }
        match named {
            [one] if one.company_reference.is_some() => {
                return ambiguous(format!(
                    "account {} has exactly this name and states company {}: look which of the two \
                     it is, and correct its {} at {vendor} by hand",
                    one.id,
                    one.company_reference.as_deref().unwrap_or_default(),
                    self.field
                ));
            }
            [] | [_] => {}
            several => {
                return ambiguous(format!(
                    "{} have exactly this name: enter {} {} at {vendor} by hand",
                    listed(several),
                    self.field,
                    company.id
                ));
            }
        }
        if let Some(unread) = &self.unread {
            return ambiguous(unread.clone());
        }
        if !named.is_empty() {
            return None;
        }
        if !self.lists_some {
            return Some(Block {
                guard: Guard::TotalIncrease,
                reason: format!(
                    "{vendor} lists no account at all: see that the API user can see them, or \
                     override"
                ),
            });
        }
        let similar = self.similar.get(&normalize_name(&company.name))?;
        Some(Block {
            guard: Guard::SimilarAccount,
            reason: printable(&format!(
                "account {} is called {}, which differs in case or blanks alone: give both one \
                 name, or override to create another account",
                similar.id, similar.name
            )),
        })
    }

    fn change(&self, company: &Company, action: Action, label: String) -> Result<Change> {
        let (psa, vendor) = (self.context.psa, self.context.vendor);
        let id = intent_id(&(psa.system, vendor.system, &company.id, self.field, &action))?;
        let reason = match &action {
            Action::LinkAccount { .. } => format!(
                "the one account of exactly this name states no company: it gets {} {}, and nothing \
                 else of it changes",
                self.field, company.id
            ),
            _ => format!(
                "no account of {} has this name or states the company: one is created, with {} {}",
                vendor.name, self.field, company.id
            ),
        };
        let mut change = Change::new(
            id,
            company.id.clone(),
            AgreementId::of_account(&company.id),
            self.field,
            action,
            self.context.now.date(),
        );
        change.labels = Labels {
            company: company.name.clone(),
            agreement: label,
            product: self.field.to_owned(),
        };
        change.reason = printable(&reason);
        Ok(change)
    }
}

fn listed(accounts: &[&VendorAccount]) -> String {
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    format!("accounts {}", ids.join(" and "))
}

#[cfg(test)]
mod tests {
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

    fn plan_with(
        companies: &[Company],
        accounts: &[VendorAccount],
        problems: &[ReadFailure],
    ) -> Plan {
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
        let failure = ReadFailure::new(ErrorKind::Protocol, "record 3 has no id");
        let mut silent = accounts.clone();
        silent[1].reference_unread = true;
        for plan in [
            plan_with(&companies, &accounts, &[failure]),
            plan(&companies, &silent),
        ] {
            let blocks = told(&plan).into_iter().map(|(_, guards)| guards);
            assert!(blocks.eq([[Guard::AmbiguousAccount], [Guard::AmbiguousAccount]]));
        }
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
        assert!(text.contains("\"version\": 2"), "{text}");
        let older = text.replace("\"version\": 2", "\"version\": 1");
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
}
