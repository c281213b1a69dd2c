//! Both sides of so many accounts, each with ten services: two in a hundred lines are on one side alone, and
//! three hold another quantity.

use std::num::NonZeroUsize;

use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementLine, AgreementReading, Basis, BillingCycle, ChargeKind,
    CivilDate, Company, Product, Timestamp, UsageLine,
};
use tallyline_core::plan::{Plan, PlanContext, Planner, Policy, VendorMissing};
use tallyline_core::reconcile::{Comparison, PsaBook, Reconciler};
use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};
use tallyline_core::source::SourceDescriptor;

/// The services that there are.
const SERVICES: u32 = 500;

/// The services of one account.
const EACH: u32 = 10;

/// Both sides in memory.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) mapping: Mapping,
    pub(crate) readings: Vec<AccountReading>,
    pub(crate) companies: Vec<Company>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) products: Vec<Product>,
    pub(crate) lines: Vec<AgreementReading>,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) fn of_accounts(accounts: u32) -> tallyline_core::Result<Self> {
        let now: Timestamp = "2026-03-11T12:00:00Z".parse()?;
        let mut world = Self {
            mapping: Mapping::new(),
            readings: Vec::new(),
            companies: Vec::new(),
            agreements: Vec::new(),
            products: Vec::new(),
            lines: Vec::new(),
            now,
        };
        for service in 0..SERVICES {
            let product = format!("P{service}");
            let rule = ProductRule::one_to_one(product.as_str());
            let link = ServiceLink::manual(vec![rule], ChargeKind::Recurring, BilledAs::Line);
            let key = format!("SKU-{service:05}");
            world
                .mapping
                .set_service(key.as_str().into(), ServiceEntry::Link(link));
            world.products.push(Product::new(product, key, "Product"));
        }
        for account in 0..accounts {
            world.add(account)?;
        }
        Ok(world)
    }

    fn add(&mut self, account: u32) -> tallyline_core::Result<()> {
        let (company, id) = (account.to_string(), format!("A{account}"));
        let target = LineTarget::Agreement(id.as_str().into());
        let link = AccountLink::manual(company.as_str(), target);
        let name = format!("acct-{account:08}");
        self.mapping
            .set_account(name.as_str().into(), AccountEntry::Link(link));
        self.companies
            .push(Company::new(company.as_str(), format!("Client {account}")));
        let mut agreement = Agreement::new(id.as_str(), company, "Cloud Services");
        agreement.billing_cycle = BillingCycle::Monthly;
        agreement.start = Some(CivilDate::new(2025, 1, 1)?);
        agreement.next_invoice = Some(CivilDate::new(2026, 4, 1)?);
        self.agreements.push(agreement);
        let (mut usage, mut lines) = (Vec::new(), Vec::new());
        for at in 0..EACH {
            let (number, service) = (account * EACH + at, (account * 7 + at * 13) % SERVICES);
            let quantity = 1 + number * 31 % 400;
            let share = number % 100;
            if share >= 2 {
                let key = format!("{name}:{at}");
                usage.push(UsageLine::new(key, format!("SKU-{service:05}"), quantity));
            }
            if share < 98 {
                let other = u32::from((2..5).contains(&share));
                let product = format!("P{service}");
                lines.push(AgreementLine::new(
                    number.to_string(),
                    product,
                    quantity + other,
                ));
            }
        }
        let reading = AccountReading::complete(name, usage, Basis::Live, self.now);
        self.readings.push(reading);
        self.lines.push(AgreementReading::complete(id, lines));
        Ok(())
    }

    /// The PSA's side put together from what was read.
    pub(crate) fn book(&self, lines: Vec<AgreementReading>) -> PsaBook {
        let (companies, agreements) = (self.companies.clone(), self.agreements.clone());
        let mut book = PsaBook::new(companies, agreements, self.products.clone());
        book.add_all_lines(lines);
        book
    }

    /// What both sides say of each other, found on so many threads.
    pub(crate) fn compare<'a>(
        &'a self,
        book: &'a PsaBook,
        threads: NonZeroUsize,
    ) -> tallyline_core::Result<Comparison<'a>> {
        let reconciler = Reconciler::new(&self.mapping, book, self.now.date());
        let mut reconciler = reconciler.with_threads(threads);
        reconciler.observe_all(&self.readings)?;
        Ok(reconciler.finish())
    }

    /// The plan of a comparison.
    pub(crate) fn plan(&self, comparison: &Comparison<'_>) -> tallyline_core::Result<Plan> {
        let mut capabilities = SinkCapabilities::default();
        capabilities.create_line = true;
        capabilities.set_quantity = true;
        capabilities.end_line = true;
        let policy = Policy {
            vendor_missing: VendorMissing::EndLine,
            ..Policy::default()
        };
        Planner::new(policy).plan(
            comparison,
            &PlanContext {
                source: &SourceDescriptor::new("vendor", "Vendor"),
                sink: &SinkDescriptor::new("psa", "PSA", capabilities),
                now: self.now,
                accounts: &[],
                services: &[],
                first_sync: None,
            },
        )
    }
}
