//! The flow from two connections to a plan: read, reconcile, plan. Nothing is written.

use std::collections::BTreeSet;
use std::fmt;

use futures::StreamExt;
use futures::stream::BoxStream;

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{AccountEntry, Directory, LineTarget, Mapping};
use crate::model::{
    Agreement, AgreementId, AgreementReading, CivilDate, Company, CompanyId, Period, Product,
    ProductId, ReadFailure, Service, ServiceKey, Timestamp, VendorAccount,
};
use crate::plan::{
    AccountsContext, Change, Duplicates, Plan, PlanContext, Planner, Policy, ProductsContext,
    plan_accounts, plan_products, products_to_link,
};
use crate::reconcile::{Comparison, Dismissals, PsaBook, Reconciler, period_of};
use crate::sink::{AgreementFilter, PsaSink, SinkDescriptor};
use crate::source::{UsageRequest, VendorSource};
use crate::store::{CountHistory, Counts, DayReading, Ledger};

/// How far a read has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// So many agreements' lines are to be read.
    Agreements(usize),
    /// One agreement's lines were read, or failed.
    AgreementRead,
    /// So many accounts' usage is to be read.
    Accounts(usize),
    /// One account's usage was read, or failed.
    AccountRead,
}

/// What both sides list: what a mapping can link.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Lists {
    /// The vendor's accounts.
    pub accounts: Vec<VendorAccount>,
    /// The vendor's services.
    pub services: Vec<Service>,
    /// The PSA's companies.
    pub companies: Vec<Company>,
    /// The PSA's agreements.
    pub agreements: Vec<Agreement>,
    /// The PSA's products.
    pub products: Vec<Product>,
    /// Records that could not be read. What they stand for is not in the lists, and whatever is
    /// not in the lists is not changed.
    pub problems: Vec<ReadFailure>,
}

impl Lists {
    /// What the lists hold, by id: what decisions of a mapping are checked against.
    #[must_use]
    pub fn directory(&self) -> Directory<'_> {
        Directory::new(
            &self.accounts,
            &self.services,
            &self.companies,
            &self.agreements,
            &self.products,
        )
    }
}

/// One source and one sink, read side by side.
///
/// ```no_run
/// # async fn example(
/// #     source: &dyn tallyline_core::VendorSource,
/// #     sink: &dyn tallyline_core::PsaSink,
/// #     mapping: tallyline_core::mapping::Mapping,
/// # ) -> tallyline_core::Result<()> {
/// use tallyline_core::flow::Flow;
/// use tallyline_core::model::Timestamp;
/// use tallyline_core::plan::Policy;
///
/// let flow = Flow::new(source, sink);
/// let lists = flow.lists().await?;
/// let plan = flow.plan(&lists, &mapping, &Policy::default(), Timestamp::now()).await?;
/// println!("{}", plan.summary());
/// # Ok(())
/// # }
/// ```
pub struct Flow<'a> {
    source: &'a dyn VendorSource,
    sink: &'a dyn PsaSink,
    on_progress: Box<dyn Fn(Progress) + Send + Sync + 'a>,
    ledger: Option<&'a Ledger>,
    dismissals: Option<&'a Dismissals>,
    history: Option<&'a dyn CountHistory>,
}

impl fmt::Debug for Flow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("source", &self.source.descriptor().system)
            .field("sink", &self.sink.descriptor().system)
            .finish_non_exhaustive()
    }
}

impl<'a> Flow<'a> {
    /// A flow between a source and a sink.
    #[must_use]
    pub fn new(source: &'a dyn VendorSource, sink: &'a dyn PsaSink) -> Self {
        Self {
            source,
            sink,
            on_progress: Box::new(|_| {}),
            ledger: None,
            dismissals: None,
            history: None,
        }
    }

    /// Says which bills were exported and charged before: a source of bills then reads what is new
    /// since, and no bill is charged again. It also says which counts were set last, on a sink that does
    /// not tell them.
    #[must_use]
    pub fn with_ledger(mut self, ledger: &'a Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Says which lines a person leaves as they are for the rest of the billing period.
    #[must_use]
    pub fn with_dismissals(mut self, dismissals: &'a Dismissals) -> Self {
        self.dismissals = Some(dismissals);
        self
    }

    /// Says where the counts of each day are kept, for rules that take a high-water mark or an average of a
    /// period's [days](crate::mapping::DailyCount): what complete readings count is recorded there, and
    /// what earlier ones counted is taken from there. Without such a rule it is not touched.
    #[must_use]
    pub fn with_count_history(mut self, history: &'a dyn CountHistory) -> Self {
        self.history = Some(history);
        self
    }

    /// Reports how far each read has come.
    #[must_use]
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'a) -> Self {
        self.on_progress = Box::new(report);
        self
    }

    /// Lists everything that a mapping can link.
    ///
    /// # Errors
    /// `Auth` and `Config` from either side; any error when a list gave nothing else. Other
    /// errors are kept as the lists' problems.
    pub async fn lists(&self) -> Result<Lists> {
        let mut problems = Vec::new();
        let filter = AgreementFilter::default();
        Ok(Lists {
            accounts: collect(self.source.accounts(), &mut problems).await?,
            services: collect(self.source.services(), &mut problems).await?,
            companies: collect(self.sink.companies(), &mut problems).await?,
            agreements: collect(self.sink.agreements(&filter), &mut problems).await?,
            products: collect(self.sink.products(), &mut problems).await?,
            problems,
        })
    }

    /// Reads the lines of all agreements that the mapping's switched-on links feed. Of a sink that
    /// [sets counts](crate::sink::SinkCapabilities::set_count) these are the counts that were set last, as the
    /// [ledger](Self::with_ledger) holds them; without one, none is known.
    ///
    /// # Errors
    /// As [`lists`](Self::lists); an agreement that could not be read is a failed
    /// reading in the book, no error.
    pub async fn book(&self, lists: &Lists, mapping: &Mapping) -> Result<PsaBook> {
        self.book_for(lists, mapping, &Policy::default()).await
    }

    /// As [`book`](Self::book), with the lines of what is invoiced through these agreements where the policy
    /// looks for lines that bill the same thing twice.
    ///
    /// # Errors
    /// As [`book`](Self::book).
    pub async fn book_for(
        &self,
        lists: &Lists,
        mapping: &Mapping,
        policy: &Policy,
    ) -> Result<PsaBook> {
        let book = PsaBook::new(
            lists.companies.iter().cloned(),
            lists.agreements.iter().cloned(),
            lists.products.iter().cloned(),
        );
        let mut wanted: BTreeSet<AgreementId> = targets(mapping)
            .into_iter()
            .filter(|agreement| book.agreement(agreement).is_some())
            .collect();
        for (company, master) in homes(mapping) {
            let master = match master.map(|master| book.agreement(master)) {
                None => None,
                Some(Some(master)) => Some(master),
                Some(None) => continue,
            };
            let own = book.own_agreements(company, master, self.ledger);
            wanted.extend(own.map(|agreement| agreement.id.clone()));
        }
        let looks = self.ledger.is_some() && policy.duplicates != Duplicates::Report;
        // What is invoiced through them may bill the same things already.
        let children: Vec<AgreementId> = book
            .agreements()
            .filter(|agreement| looks && agreement.eligibility.is_eligible())
            .filter(|agreement| {
                let parent = agreement.parent.as_ref();
                parent.is_some_and(|parent| wanted.contains(parent))
            })
            .map(|agreement| agreement.id.clone())
            .collect();
        wanted.extend(children);
        let wanted: Vec<AgreementId> = wanted.into_iter().collect();
        (self.on_progress)(Progress::Agreements(wanted.len()));
        let each = || (self.on_progress)(Progress::AgreementRead);
        read_lines(self.sink, self.ledger, &wanted, book, each).await
    }

    /// Reads both sides and plans what would bring the sink in step with the source.
    ///
    /// # Errors
    /// As [`lists`](Self::lists), and `Protocol` when an account or agreement is read
    /// twice. Accounts and agreements that fail by themselves change nothing and are notices of
    /// the plan.
    pub async fn plan(
        &self,
        lists: &Lists,
        mapping: &Mapping,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Plan> {
        let book = self.book_for(lists, mapping, policy).await?;
        self.plan_on(&book, lists, mapping, policy, now).await
    }

    /// Reads the vendor's side and plans against what was read of the PSA.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn plan_on(
        &self,
        book: &PsaBook,
        lists: &Lists,
        mapping: &Mapping,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Plan> {
        let first_sync = self.first_sync(policy, now);
        let comparison = self.compared(book, lists, mapping, now, first_sync).await?;
        let context = PlanContext {
            source: self.source.descriptor(),
            sink: self.sink.descriptor(),
            now,
            accounts: &lists.accounts,
            services: &lists.services,
            first_sync,
        };
        Planner::new(policy.clone()).plan(&comparison, &context)
    }

    /// Reads the vendor's side and compares it with what was read of the PSA.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn compare_on<'b>(
        &self,
        book: &'b PsaBook,
        lists: &Lists,
        mapping: &'b Mapping,
        now: Timestamp,
    ) -> Result<Comparison<'b>>
    where
        'a: 'b,
    {
        self.compared(book, lists, mapping, now, None).await
    }

    /// The day of the first sync, where it is known and changes are prorated by the policy.
    fn first_sync(&self, policy: &Policy, now: Timestamp) -> Option<CivilDate> {
        let ledger = self.ledger.filter(|_| policy.has_proration())?;
        Some(ledger.first_sync().unwrap_or(now.date()))
    }

    async fn compared<'b>(
        &self,
        book: &'b PsaBook,
        lists: &Lists,
        mapping: &'b Mapping,
        now: Timestamp,
        first_sync: Option<CivilDate>,
    ) -> Result<Comparison<'b>>
    where
        'a: 'b,
    {
        let mut reconciler = Reconciler::new(mapping, book, now.date()).with_first_sync(first_sync);
        if let Some(dismissals) = self.dismissals {
            reconciler = reconciler.with_dismissals(dismissals);
        }
        let mut request = UsageRequest::new(now);
        if let Some(ledger) = self.ledger {
            reconciler = reconciler.with_ledger(ledger);
            request = request.with_exported(ledger.exported_bills());
        }
        let wanted = mapping.counted_by_day();
        let history = self.history.filter(|_| !wanted.is_empty());
        let (source, today) = (self.source.descriptor().system, now.date());
        if let Some(history) = history {
            let days = days_needed(book, today)?;
            reconciler = reconciler.with_daily_counts(history.days(source, &days).await?);
        }
        let mut counted = Vec::new();
        (self.on_progress)(Progress::Accounts(lists.accounts.len()));
        let mut readings = self.source.usage(&request);
        while let Some(reading) = readings.next().await {
            let reading = reading?;
            if history.is_some() {
                counted.extend(DayReading::of(&reading, &wanted, today));
            }
            reconciler.observe(reading)?;
            (self.on_progress)(Progress::AccountRead);
        }
        if let Some(history) = history {
            history.record_days(source, today, &counted).await?;
        }
        Ok(reconciler.finish())
    }
}

/// Reads a PSA's companies and a vendor's accounts, and plans the companies as
/// [accounts](crate::plan::plan_accounts) of the vendor: `accounts` is what takes them in, and
/// `left_out` are the companies that a person leaves out.
///
/// # Errors
/// `Auth` and `Config` from either side, any error when a list gave nothing else, and `Unsupported`
/// when the vendor takes in no accounts. A record that could not be read is a notice of the plan.
pub async fn accounts_plan(
    psa: &dyn PsaSink,
    vendor: &dyn VendorSource,
    accounts: &SinkDescriptor,
    left_out: &BTreeSet<CompanyId>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Plan> {
    let mut problems = Vec::new();
    let companies = collect(psa.companies(), &mut problems).await?;
    let known = collect(vendor.accounts(), &mut problems).await?;
    let context = AccountsContext {
        psa: psa.descriptor(),
        vendor: accounts,
        problems: &problems,
        left_out,
        policy,
        now,
    };
    plan_accounts(&companies, &known, &context)
}

/// Reads a vendor's services and a PSA's products, and plans [a product](crate::plan::plan_products) for each
/// service that has none; and says which services have one that they can be linked to.
///
/// # Errors
/// `Auth` and `Config` from either side, and any error when a list gave nothing else. A record that could
/// not be read is a notice of the plan.
pub async fn products_plan(
    source: &dyn VendorSource,
    sink: &dyn PsaSink,
    mapping: &Mapping,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Plan, Vec<(ServiceKey, ProductId)>)> {
    let (mut unread_services, mut unread_products) = (Vec::new(), Vec::new());
    let services = collect(source.services(), &mut unread_services).await?;
    let products = collect(sink.products(), &mut unread_products).await?;
    let context = ProductsContext {
        source: source.descriptor(),
        sink: sink.descriptor(),
        unread_products: &unread_products,
        unread_services: &unread_services,
        policy,
        now,
    };
    let plan = plan_products(&services, &products, mapping, &context)?;
    let linked = products_to_link(&services, &products, mapping, &context);
    Ok((plan, linked))
}

/// Reads the present state of the agreements that changes are about, for an
/// [undo](crate::apply::after::undo). Of a sink that sets counts these are the counts that were set last, as
/// the ledger holds them.
///
/// # Errors
/// `Auth` and `Config`, and any error when the list gave nothing else. An agreement that could
/// not be read is not in the book, or has no lines there.
pub async fn book_of_changes<'c>(
    sink: &dyn PsaSink,
    ledger: Option<&Ledger>,
    changes: impl IntoIterator<Item = &'c Change>,
) -> Result<PsaBook> {
    let mut companies = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for change in changes {
        if change.action.creates_product() {
            // It is about no company.
            continue;
        }
        companies.insert(change.company.clone());
        wanted.insert(change.agreement.clone());
    }
    let filter = AgreementFilter {
        companies: companies.into_iter().collect(),
    };
    let mut agreements = Vec::new();
    if !filter.companies.is_empty() {
        agreements = collect(sink.agreements(&filter), &mut Vec::new()).await?;
    }
    agreements.retain(|agreement| {
        let key = agreement.key.as_ref().map(AgreementId::of_key);
        wanted.contains(&agreement.id) || key.is_some_and(|key| wanted.contains(&key))
    });
    let listed: Vec<AgreementId> = agreements.iter().map(|a| a.id.clone()).collect();
    let book = PsaBook::new([], agreements, []);
    read_lines(sink, ledger, &listed, book, || {}).await
}

/// Reads the lines of agreements into the book that lists them; of a sink that sets counts, those that
/// were set last.
async fn read_lines(
    sink: &dyn PsaSink,
    ledger: Option<&Ledger>,
    wanted: &[AgreementId],
    mut book: PsaBook,
    each: impl Fn(),
) -> Result<PsaBook> {
    if sink.descriptor().capabilities.set_count {
        let none = Counts::default();
        let counts = ledger.map_or(&none, Ledger::counts);
        book = book.of_counts();
        for agreement in wanted {
            book.add_lines(counts.reading(agreement));
            each();
        }
        return Ok(book);
    }
    let mut readings = sink.lines(wanted);
    while let Some(reading) = readings.next().await {
        let reading: AgreementReading = reading?;
        if !book.add_lines(reading) {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the lines of an agreement were read twice, or of one not asked for",
            ));
        }
        each();
    }
    Ok(book)
}

/// The days whose counts a daily count may take: of the running billing period and the one before it, of
/// the agreement whose periods are the longest; and those of a month before, from which gaps are filled.
fn days_needed(book: &PsaBook, today: CivilDate) -> Result<Period> {
    let before = |terms: &Agreement| {
        let running = period_of(terms, today);
        period_of(terms, running.start().plus_days(-1)).start()
    };
    let month = today.first_of_month().minus_months(1);
    let first = book.agreements().map(before).fold(month, CivilDate::min);
    Period::new(first.minus_months(1), today)
}

/// The agreements that the mapping's switched-on links feed.
fn targets(mapping: &Mapping) -> BTreeSet<AgreementId> {
    mapping
        .accounts()
        .filter_map(|(_, entry)| match entry {
            AccountEntry::Link(link) if link.enabled => {
                let LineTarget::Agreement(agreement) = &link.target else {
                    return None;
                };
                Some(agreement.clone())
            }
            _ => None,
        })
        .collect()
}

/// The companies whose accounts have agreements of their own for each service, with the master of those
/// that have one.
fn homes(mapping: &Mapping) -> BTreeSet<(&CompanyId, Option<&AgreementId>)> {
    mapping
        .accounts()
        .filter_map(|(_, entry)| match entry {
            AccountEntry::Link(link) if link.enabled => match &link.target {
                LineTarget::Agreement(_) => None,
                LineTarget::PerService => Some((&link.company, None)),
                LineTarget::Bundled { master } => Some((&link.company, Some(master))),
            },
            _ => None,
        })
        .collect()
}

/// Collects a list; keeps what could not be read as problems where the list as such could.
async fn collect<T>(
    mut stream: BoxStream<'_, Result<T>>,
    problems: &mut Vec<ReadFailure>,
) -> Result<Vec<T>> {
    let mut items = Vec::new();
    let mut failures = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(item) => items.push(item),
            Err(error) if is_fatal(error.kind()) => return Err(error),
            Err(error) => failures.push(error),
        }
    }
    if items.is_empty() && !failures.is_empty() {
        return Err(failures.swap_remove(0));
    }
    problems.extend(failures.iter().map(ReadFailure::from));
    Ok(items)
}

fn is_fatal(kind: ErrorKind) -> bool {
    // A missing right may concern one record alone.
    matches!(kind, ErrorKind::Auth | ErrorKind::Config)
}
