//! The generated rows of `reconcile_peers.py --csv DIR`, as both sides and the maps between them.

use std::fmt::Display;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry,
    ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementLine, AgreementReading, Basis, BillingCycle, ChargeKind,
    Company, Currency, Product, Service, Timestamp, UsageLine, VendorAccount,
};

use super::Failure;

/// The day of the readings.
pub(crate) const NOW: &str = "2026-03-11T12:00:00Z";

/// Both sides in memory, as a source and a sink give them: every id is a text of its own.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) mapping: Mapping,
    pub(crate) accounts: Vec<VendorAccount>,
    pub(crate) services: Vec<Service>,
    pub(crate) readings: Vec<AccountReading>,
    pub(crate) companies: Vec<Company>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) products: Vec<Product>,
    pub(crate) lines: Vec<AgreementReading>,
    /// How many usage lines the readings hold.
    pub(crate) usage_lines: u64,
    /// How many lines the agreements have.
    pub(crate) agreement_lines: u64,
}

#[derive(Deserialize)]
struct UsageRow {
    account: String,
    sku: String,
    qty: u32,
}

#[derive(Deserialize)]
struct LineRow {
    company: u32,
    product: u32,
    psa_qty: u32,
}

#[derive(Deserialize)]
struct AccountRow {
    account: String,
    company: u32,
}

#[derive(Deserialize)]
struct ServiceRow {
    sku: String,
    product: u32,
}

impl Rows {
    /// Reads the four files of a folder; on request the first usage line of each account comes in two.
    pub(crate) fn read(folder: &Path, in_two: bool) -> Result<Self, Failure> {
        let accounts: Vec<AccountRow> = table(folder, "accounts.csv")?;
        let services: Vec<ServiceRow> = table(folder, "services.csv")?;
        let now: Timestamp = NOW.parse()?;
        let mut usage = table(folder, "usage.csv")?;
        if in_two {
            usage = first_in_two(usage);
        }
        let lines = table(folder, "lines.csv")?;
        let (usage_lines, agreement_lines) = (usage.len() as u64, lines.len() as u64);
        Ok(Self {
            mapping: mapping(&accounts, &services),
            readings: readings(&accounts, usage, now)?,
            companies: accounts.iter().map(company).collect(),
            agreements: accounts.iter().map(agreement).collect::<Result<_, _>>()?,
            products: services.iter().map(product).collect(),
            lines: lines_of(&accounts, lines)?,
            services: services
                .iter()
                .map(|row| Service::new(row.sku.as_str(), format!("Service {}", row.sku)))
                .collect(),
            accounts: accounts
                .iter()
                .map(|row| VendorAccount::new(row.account.as_str(), name(row.company)))
                .collect(),
            usage_lines,
            agreement_lines,
        })
    }
}

/// Halves the first row of each account, to whole units.
fn first_in_two(usage: Vec<UsageRow>) -> Vec<UsageRow> {
    let mut halved: Vec<UsageRow> = Vec::with_capacity(usage.len());
    for mut row in usage {
        if halved.last().is_none_or(|last| last.account != row.account) {
            let half = UsageRow {
                account: row.account.clone(),
                sku: row.sku.clone(),
                qty: row.qty / 2,
            };
            row.qty -= half.qty;
            halved.push(half);
        }
        halved.push(row);
    }
    halved
}

fn table<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<Vec<T>, Failure> {
    let path = folder.join(file);
    let told = |error: csv::Error| format!("{}: {error}", path.display());
    let mut reader = csv::Reader::from_path(&path).map_err(told)?;
    let rows: Result<Vec<T>, _> = reader.deserialize().collect();
    Ok(rows.map_err(told)?)
}

fn name(company: u32) -> String {
    format!("Client {company}")
}

/// The one agreement of a company.
fn agreement_of(company: u32) -> String {
    format!("A{company}")
}

fn product_of(product: u32) -> String {
    format!("P{product}")
}

fn mapping(accounts: &[AccountRow], services: &[ServiceRow]) -> Mapping {
    let mut mapping = Mapping::new();
    for row in accounts {
        let target = LineTarget::Agreement(agreement_of(row.company).into());
        let link = AccountLink::manual(row.company.to_string(), target);
        mapping.set_account(row.account.as_str().into(), AccountEntry::Link(link));
    }
    for row in services {
        let rule = ProductRule::one_to_one(product_of(row.product));
        let link = ServiceLink::manual(vec![rule], ChargeKind::Recurring, BilledAs::Line);
        mapping.set_service(row.sku.as_str().into(), ServiceEntry::Link(link));
    }
    mapping
}

fn company(row: &AccountRow) -> Company {
    Company::new(row.company.to_string(), name(row.company))
}

fn agreement(row: &AccountRow) -> Result<Agreement, Failure> {
    let company = row.company.to_string();
    let mut agreement = Agreement::new(agreement_of(row.company), company, "Cloud Services");
    agreement.billing_cycle = BillingCycle::Monthly;
    agreement.currency = Some(Currency::USD);
    agreement.start = Some("2025-01-01".parse()?);
    agreement.bill_start = agreement.start;
    agreement.next_invoice = Some("2026-04-01".parse()?);
    agreement.period_anchor = agreement.start;
    Ok(agreement)
}

fn product(row: &ServiceRow) -> Product {
    Product::new(
        product_of(row.product),
        row.sku.as_str(),
        format!("Product {}", row.product),
    )
}

/// One reading for each account: also for one of which the table has no row.
fn readings(
    accounts: &[AccountRow],
    usage: Vec<UsageRow>,
    now: Timestamp,
) -> Result<Vec<AccountReading>, Failure> {
    let mut usage = usage.into_iter().peekable();
    let mut readings = Vec::with_capacity(accounts.len());
    for row in accounts {
        let mut lines = Vec::new();
        while let Some(of) = usage.next_if(|of| of.account == row.account) {
            let key = format!("{}:{}", of.account, lines.len());
            lines.push(UsageLine::new(key, of.sku, of.qty));
        }
        let account = row.account.as_str();
        readings.push(AccountReading::complete(account, lines, Basis::Live, now));
    }
    match usage.next() {
        Some(row) => Err(out_of_order("usage.csv", &row.account)),
        None => Ok(readings),
    }
}

fn out_of_order(file: &str, of: &dyn Display) -> Failure {
    format!("{file}: the rows are not those of accounts.csv in its order, from one of {of} on")
        .into()
}

/// One reading for each agreement.
fn lines_of(
    accounts: &[AccountRow],
    lines: Vec<LineRow>,
) -> Result<Vec<AgreementReading>, Failure> {
    let mut lines = lines.into_iter().peekable();
    let mut readings = Vec::with_capacity(accounts.len());
    let mut id = 0_u32;
    for row in accounts {
        let mut of_agreement = Vec::new();
        while let Some(of) = lines.next_if(|of| of.company == row.company) {
            id += 1;
            let product = product_of(of.product);
            of_agreement.push(AgreementLine::new(id.to_string(), product, of.psa_qty));
        }
        readings.push(AgreementReading::complete(
            agreement_of(row.company),
            of_agreement,
        ));
    }
    match lines.next() {
        Some(row) => Err(out_of_order(
            "lines.csv",
            &format_args!("company {}", row.company),
        )),
        None => Ok(readings),
    }
}
