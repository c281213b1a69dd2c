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
        refresh_seconds: None,
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
mod tests;
