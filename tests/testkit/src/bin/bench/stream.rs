//! A vendor's side that is never in memory as a whole.

use clap::Args;
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementLine, AgreementReading, Basis, ChargeKind, Company,
    Product, Timestamp, UsageLine,
};
use tallyline_core::reconcile::{Comparison, PsaBook, Reconciler};

use super::Failure;
use super::figures::Figures;
use super::measure::{Memory, Watch};
use super::rows::NOW;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many usage lines the vendor shows, spread evenly over the accounts.
    #[arg(long, default_value_t = 5_000_000)]
    vendor_lines: u32,
    /// How many lines the PSA holds, ten on each agreement.
    #[arg(long, default_value_t = 250_000)]
    psa_lines: u32,
    /// After how many lines what is settled is taken out.
    #[arg(long, default_value_t = 65_536)]
    settle_after: u32,
}

/// The products of one agreement.
const EACH: u32 = 10;

pub(crate) fn run(options: &Options) -> Result<Figures, Failure> {
    let accounts = (options.psa_lines / EACH).max(1);
    let now: Timestamp = NOW.parse()?;
    let (mapping, book) = (mapping(accounts), book(accounts));
    let each = options.vendor_lines.div_ceil(accounts);
    let mut tally = Tally::default();
    let memory = Memory::watch()?;
    let watch = Watch::start();
    let mut reconciler = Reconciler::new(&mapping, &book, now.date());
    let (mut shown, mut unsettled) = (0_u64, 0);
    for account in 0..accounts {
        let reading = reading(account, each, now);
        reconciler.observe(reading)?;
        shown += u64::from(each);
        unsettled += each;
        if unsettled >= options.settle_after {
            tally.add(&reconciler.settled());
            unsettled = 0;
        }
    }
    tally.add(&reconciler.finish());
    let took = watch.took();
    let rise = memory.rise()?;
    if tally.evidence != shown {
        let found = tally.evidence;
        return Err(format!("{found} usage lines are behind rows, and {shown} were shown").into());
    }
    let mut figures = Figures::new();
    figures.count("vendor_lines", shown);
    figures.count("psa_lines", u64::from(accounts * EACH));
    figures.seconds("seconds", took.wall);
    figures.seconds("cpu_seconds", took.cpu);
    figures.count("rows", tally.rows);
    figures.count("evidence", tally.evidence);
    figures.count("peak_bytes_above_inputs", rise);
    Ok(figures)
}

/// What was found so far.
#[derive(Default)]
struct Tally {
    rows: u64,
    evidence: u64,
}

impl Tally {
    fn add(&mut self, comparison: &Comparison<'_>) {
        for row in comparison.rows() {
            self.rows += 1;
            self.evidence += row.evidence().count() as u64;
        }
    }
}

fn mapping(accounts: u32) -> Mapping {
    let mut mapping = Mapping::new();
    for account in 0..accounts {
        let target = LineTarget::Agreement(format!("A{account}").into());
        let link = AccountLink::manual(account.to_string(), target);
        mapping.set_account(
            format!("acct-{account:08}").into(),
            AccountEntry::Link(link),
        );
    }
    for service in 0..EACH {
        let rule = ProductRule::one_to_one(format!("P{service}"));
        let link = ServiceLink::manual(vec![rule], ChargeKind::Recurring, BilledAs::Line);
        mapping.set_service(format!("SKU-{service}").into(), ServiceEntry::Link(link));
    }
    mapping
}

fn book(accounts: u32) -> PsaBook {
    let companies = (0..accounts).map(|at| Company::new(at.to_string(), format!("Client {at}")));
    let agreements =
        (0..accounts).map(|at| Agreement::new(format!("A{at}"), at.to_string(), "Cloud Services"));
    let products =
        (0..EACH).map(|at| Product::new(format!("P{at}"), format!("SKU-{at}"), "Product"));
    let mut book = PsaBook::new(companies, agreements, products);
    for account in 0..accounts {
        let line = |at: u32| {
            let id = account * EACH + at;
            AgreementLine::new(id.to_string(), format!("P{at}"), 1 + id % 400)
        };
        let lines = (0..EACH).map(line).collect();
        book.add_lines(AgreementReading::complete(format!("A{account}"), lines));
    }
    book
}

/// An account with so many subscriptions to the services in turn.
fn reading(account: u32, lines: u32, now: Timestamp) -> AccountReading {
    let line = |at: u32| {
        let key = format!("sub-{account}-{at}");
        UsageLine::new(key, format!("SKU-{}", at % EACH), 1 + at % 7)
    };
    let lines = (0..lines).map(line).collect();
    AccountReading::complete(format!("acct-{account:08}"), lines, Basis::Live, now)
}
