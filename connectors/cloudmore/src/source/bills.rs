//! The bills of one account: which are in force, which are new, and what they say.

use std::collections::{BTreeMap, BTreeSet};

use tallyline_core::model::{
    Bill, BillKey, ChargeKind, CivilDate, ExportedBills, ServiceKey, UsageLine, VendorAccountId,
};
use tallyline_core::{Error, ErrorKind, Result};

use super::CloudmoreSource;
use super::lines::{kind_of, recurring_key, says, service_key, usage_line};
use crate::client::CONNECTOR;
use crate::fields::{BillLine, BillReport, Unreadable};

/// How many days after the end of its lines' periods the latest bill of a service still stands for
/// the present: the next one may be late.
const LATE: i32 = 45;

/// Every kind of line that a bill may have.
const ALL_KINDS: [ChargeKind; 5] = [
    ChargeKind::Recurring,
    ChargeKind::Setup,
    ChargeKind::Usage,
    ChargeKind::Proration,
    ChargeKind::Credit,
];

/// Lines by the service they are billed under, then by the date of the bill.
type ByService<'a> = BTreeMap<String, BTreeMap<CivilDate, Vec<&'a BillLine>>>;

/// A report, sorted to the accounts. Ids are the same in any case of their letters.
pub(super) struct ReportBook<'a> {
    accounts: BTreeMap<String, AccountBills<'a>>,
    /// A record that may be of any account could not be read.
    in_doubt: bool,
}

/// What a report says of one account.
#[derive(Clone, Default)]
pub(super) struct AccountBills<'a> {
    id: String,
    lines: Vec<&'a BillLine>,
    unreadable: Vec<&'a Unreadable>,
    in_doubt: bool,
}

/// A complete reading of an account's bills.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) lines: Vec<UsageLine>,
    pub(super) unread_kinds: Vec<ChargeKind>,
    pub(super) unobserved: BTreeMap<ServiceKey, String>,
    pub(super) exported: BTreeSet<ServiceKey>,
    pub(super) bills: Vec<Bill>,
    /// The oldest of the dates of the services' latest bills.
    pub(super) as_of: CivilDate,
}

/// A line of a reading, with all that it says.
struct Line {
    usage: UsageLine,
    says: String,
}

/// What was exported of an account.
struct Done<'a> {
    bills: &'a ExportedBills,
    account: &'a VendorAccountId,
}

impl Done<'_> {
    fn digest(&self, key: &BillKey) -> Option<&str> {
        self.bills.digest(self.account, key)
    }

    fn latest(&self, service: &str) -> Option<CivilDate> {
        self.bills.latest(self.account, service)
    }
}

/// What one service adds to a reading.
#[derive(Default)]
struct OfService {
    lines: Vec<Line>,
    bills: Vec<Bill>,
    unobserved: BTreeMap<ServiceKey, String>,
    exported: BTreeSet<ServiceKey>,
}

impl<'a> ReportBook<'a> {
    pub(super) fn new(report: &'a BillReport) -> Self {
        let mut book = Self {
            accounts: BTreeMap::new(),
            in_doubt: false,
        };
        for line in &report.lines {
            book.account(&line.organization_id).lines.push(line);
        }
        for unreadable in &report.unreadable {
            tracing::warn!(%unreadable, "a line of the report makes no line");
            match &unreadable.organization_id {
                Some(id) => book.account(id).unreadable.push(unreadable),
                None => book.in_doubt = true,
            }
        }
        book
    }

    fn account(&mut self, id: &str) -> &mut AccountBills<'a> {
        let account = self.accounts.entry(id.to_ascii_lowercase()).or_default();
        if account.id.is_empty() {
            id.clone_into(&mut account.id);
        }
        account
    }

    /// The bills of an account, which is then no longer in the book.
    pub(super) fn take(&mut self, id: &str) -> AccountBills<'a> {
        let mut bills = self
            .accounts
            .remove(&id.to_ascii_lowercase())
            .unwrap_or_default();
        bills.in_doubt = self.in_doubt;
        bills
    }

    /// The accounts that nobody took, in the order of their ids.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, AccountBills<'a>)> {
        let in_doubt = self.in_doubt;
        self.accounts.into_values().map(move |mut bills| {
            bills.in_doubt = in_doubt;
            (bills.id.clone(), bills)
        })
    }
}

pub(super) fn unreadable_error(unreadable: &Unreadable) -> Error {
    Error::new(ErrorKind::Protocol, unreadable.why.clone())
        .with_connector(CONNECTOR)
        .with_operation(crate::operations::MONTHLY_BILLING.name)
        .with_json_path(unreadable.path.clone())
}

impl AccountBills<'_> {
    /// What the account is billed on a day.
    ///
    /// # Errors
    /// `Protocol` when a line of the account could not be read, when one subscription stands twice
    /// and differently on one bill, or when no bill is in force: absence is not zero.
    pub(super) fn read(
        &self,
        id: &str,
        source: &CloudmoreSource,
        exported: Option<&ExportedBills>,
        day: CivilDate,
    ) -> Result<Read> {
        if let Some(first) = self.unreadable.first() {
            let error = unreadable_error(first);
            return Err(match self.unreadable.len() {
                1 => error,
                n => error.with_context("lines that cannot be read", n.to_string()),
            });
        }
        let mut read = Read {
            lines: Vec::new(),
            unread_kinds: Vec::new(),
            unobserved: BTreeMap::new(),
            exported: BTreeSet::new(),
            bills: Vec::new(),
            as_of: day,
        };
        let mut in_doubt = self.in_doubt;
        let mut services = ByService::new();
        for line in &self.lines {
            let Some(kind) = kind_of(line, source) else {
                tracing::warn!(
                    path = line.path.as_str(),
                    "a line of a kind that the field map does not know is left out"
                );
                in_doubt |= source.selects(line);
                continue;
            };
            if source.selects(line) {
                let service = line.service().unwrap_or("-").to_owned();
                let dates = services.entry(service).or_default();
                dates.entry(line.billing_date).or_default().push(line);
            } else {
                let reason = "its service is not selected".to_owned();
                read.unobserved.insert(service_key(line, kind), reason);
            }
        }
        let account = VendorAccountId::from(id);
        let mut of_services = Vec::new();
        let mut current = BTreeSet::new();
        let mut older = BTreeSet::new();
        for (service, dates) in &services {
            let bills = ServiceBills::new(dates, source, day)?;
            let Some(latest) = bills.latest else {
                continue;
            };
            if bills.current {
                &mut current
            } else {
                &mut older
            }
            .insert(latest);
            let done = exported.map(|bills| Done {
                bills,
                account: &account,
            });
            let of_service = bills.read(service, latest, done.as_ref(), source);
            read.unobserved.extend(of_service.unobserved.clone());
            read.exported.extend(of_service.exported.clone());
            of_services.push(of_service);
        }
        let as_of = current.first().or(older.first());
        let Some(as_of) = as_of
            .copied()
            .or((in_doubt || !read.unobserved.is_empty()).then_some(day))
        else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no bill of this organization is in force on {day}"),
            )
            .with_connector(CONNECTOR));
        };
        read.as_of = as_of;
        for line in of_services.iter().flat_map(|service| &service.lines) {
            if read.exported.remove(&line.usage.service) {
                let reason = "part of it is on a bill that was exported before".to_owned();
                read.unobserved.insert(line.usage.service.clone(), reason);
            }
        }
        let mut lines = Vec::new();
        for of_service in of_services {
            // The key of a line may be that of a service that is not observed: then its sum is not
            // known whole, and its bill is not exported.
            let known = |line: &Line| !read.unobserved.contains_key(&line.usage.service);
            if of_service.lines.iter().all(known) {
                read.bills.extend(of_service.bills);
            }
            lines.extend(of_service.lines.into_iter().filter(known));
        }
        read.lines = numbered(lines);
        if in_doubt {
            read.unread_kinds = ALL_KINDS.to_vec();
        }
        Ok(read)
    }
}

/// The bills of one service of an account.
struct ServiceBills<'a> {
    dates: &'a BTreeMap<CivilDate, Vec<&'a BillLine>>,
    /// The latest bill, where anything of the service is in force.
    latest: Option<CivilDate>,
    /// The latest bill still stands for the present as a whole, and not only for what was paid far
    /// ahead.
    current: bool,
    /// The recurring lines in force, with their keys.
    recurring: BTreeMap<String, &'a BillLine>,
}

impl<'a> ServiceBills<'a> {
    fn new(
        dates: &'a BTreeMap<CivilDate, Vec<&'a BillLine>>,
        source: &CloudmoreSource,
        day: CivilDate,
    ) -> Result<Self> {
        let latest = dates.last_key_value().map(|(date, lines)| {
            let ends = lines.iter().filter_map(|line| line.period);
            let end = ends.map(|period| period.end()).max();
            (*date, end.unwrap_or(date.plus_months(1)).max(*date))
        });
        let latest = latest.filter(|(_, end)| end.days_until(day) <= LATE);
        let mut recurring: BTreeMap<String, &BillLine> = BTreeMap::new();
        // The newest bill on which a line stands decides about it.
        let mut decided: BTreeSet<String> = BTreeSet::new();
        for (date, lines) in dates.iter().rev() {
            let of_bill = recurring_of_bill(lines, source)?;
            for (key, line) in of_bill {
                if !decided.insert(key.clone()) || line.cancelled {
                    continue;
                }
                let covers = line
                    .period
                    .is_some_and(|period| period.start() <= day && day <= period.end());
                if covers || latest.is_some_and(|(latest, _)| latest == *date) {
                    recurring.insert(key, line);
                }
            }
        }
        let newest = dates.last_key_value().map(|(date, _)| *date);
        Ok(Self {
            dates,
            latest: newest.filter(|_| latest.is_some() || !recurring.is_empty()),
            current: latest.is_some(),
            recurring,
        })
    }

    /// The lines that are not recurring of the bills of some dates.
    fn once(
        &self,
        dates: &BTreeSet<CivilDate>,
        source: &CloudmoreSource,
    ) -> Vec<(ChargeKind, &'a BillLine)> {
        let lines = dates.iter().filter_map(|date| self.dates.get(date));
        lines
            .flatten()
            .filter_map(|line| Some((kind_of(line, source)?, *line)))
            .filter(|(kind, _)| *kind != ChargeKind::Recurring)
            .collect()
    }

    fn bill(&self, service: &str, date: CivilDate) -> Bill {
        let lines = self.dates.get(&date).map(Vec::as_slice).unwrap_or_default();
        // What comes twice to the letter may come once the next time.
        let content: BTreeSet<String> = lines.iter().map(|line| says(line)).collect();
        Bill::new(BillKey::new(service, date), content)
    }

    /// What is new, or why nothing is.
    fn read(
        &self,
        service: &str,
        latest: CivilDate,
        done: Option<&Done<'_>>,
        source: &CloudmoreSource,
    ) -> OfService {
        let recurring = self.recurring.values();
        let recurring = recurring.map(|line| (ChargeKind::Recurring, *line));
        let newest = self.bill(service, latest);
        if let Some(digest) = done.and_then(|done| done.digest(&newest.key)) {
            let once = self.once(&[latest].into(), source);
            let keys = recurring.chain(once);
            let keys = keys.map(|(kind, line)| service_key(line, kind));
            if newest.stamp().digest == digest {
                return OfService {
                    exported: keys.collect(),
                    ..OfService::default()
                };
            }
            tracing::warn!(service, %latest, "an exported bill was changed");
            let why = format!("its bill of {latest} was exported, and says something else now");
            return OfService {
                unobserved: keys.map(|key| (key, why.clone())).collect(),
                ..OfService::default()
            };
        }
        // What is charged once is new on every bill after the last exported one; where none was,
        // on the latest alone.
        let last = done.and_then(|done| done.latest(service));
        let after = |date: &CivilDate| last.is_some_and(|last| *date > last);
        let mut new: BTreeSet<CivilDate> = self.dates.keys().copied().filter(after).collect();
        new.insert(latest);
        let once = self.once(&new, source);
        OfService {
            lines: recurring
                .chain(once)
                .map(|(kind, line)| Line {
                    usage: usage_line(line, kind),
                    says: says(line),
                })
                .collect(),
            bills: new.iter().map(|date| self.bill(service, *date)).collect(),
            ..OfService::default()
        }
    }
}

/// The recurring lines of one bill, each subscription and product once.
fn recurring_of_bill<'a>(
    lines: &[&'a BillLine],
    source: &CloudmoreSource,
) -> Result<BTreeMap<String, &'a BillLine>> {
    let mut found: BTreeMap<String, &BillLine> = BTreeMap::new();
    for line in lines {
        if kind_of(line, source) != Some(ChargeKind::Recurring) {
            continue;
        }
        let key = recurring_key(line);
        let Some(other) = found.get(&key).copied() else {
            found.insert(key, line);
            continue;
        };
        let start = |line: &BillLine| line.period.map(|period| period.start());
        match (start(other), start(line)) {
            // A bill may hold two cycles of one subscription: the later one says what holds now.
            (Some(a), Some(b)) if a < b => {
                found.insert(key, line);
            }
            (Some(a), Some(b)) if a > b => {}
            _ if says(other) == says(line) => {}
            _ => {
                return Err(Error::new(
                    ErrorKind::Protocol,
                    format!(
                        "{key} stands twice on the bill of {}, and differently",
                        line.billing_date
                    ),
                )
                .with_connector(CONNECTOR)
                .with_json_path(line.path.clone()));
            }
        }
    }
    Ok(found)
}

/// The lines in the order of what they say, so that the vendor's order does not matter, those that
/// have one key numbered.
fn numbered(mut lines: Vec<Line>) -> Vec<UsageLine> {
    lines.sort_by(|a, b| (&a.usage.key, &a.says).cmp(&(&b.usage.key, &b.says)));
    let mut last: Option<(String, u32)> = None;
    let number = |line: Line| {
        let mut usage = line.usage;
        match &mut last {
            Some((key, count)) if *key == usage.key.as_str() => {
                *count += 1;
                usage.key = format!("{key}#{count}").into();
            }
            _ => last = Some((usage.key.to_string(), 1)),
        }
        usage
    };
    lines.into_iter().map(number).collect()
}
