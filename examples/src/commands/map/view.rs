//! The mapping and what matching found, in words.

use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::flow::Lists;
use tallyline_core::mapping::{
    AccountEntry, AccountSuggestion, Coverage, MatchReport, ServiceEntry, ServiceSuggestion, Tag,
};
use tallyline_core::model::{ServiceKey, VendorAccountId};

use super::{Context, Desk};
use crate::commands::list::{account_words, service_words};
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{count, keep_ids, lines, record_table, safe, table, wrapped};

#[derive(Serialize)]
struct Row {
    id: String,
    name: Option<String>,
    decision: String,
    provenance: Option<String>,
    note: Option<String>,
    tags: Vec<String>,
}

/// `map list`.
pub(super) async fn list(context: &Context, offline: bool, tag: Option<&Tag>) -> Result<Outcome> {
    let (mapping, lists) = if offline {
        (mapping_file::load(&context.config()?)?, Lists::default())
    } else {
        let desk = Desk::open(context).await?;
        (desk.mapping, desk.lists)
    };
    let known = lists.directory();
    let accounts: Vec<Row> = mapping
        .accounts()
        .filter(|(_, entry)| tag.is_none_or(|tag| entry.tags().any(|own| own == tag)))
        .map(|(id, entry)| {
            let (provenance, note) = match entry {
                AccountEntry::Link(link) => (Some(link.provenance.to_string()), link.note.clone()),
                AccountEntry::Exclude(exclusion) => (None, exclusion.reason.clone()),
            };
            Row {
                id: id.to_string(),
                name: known.account(id).map(|account| account.name.clone()),
                decision: account_words(&mapping, id),
                provenance,
                note,
                tags: entry.tags().map(ToString::to_string).collect(),
            }
        })
        .collect();
    let services: Vec<Row> = mapping
        .services()
        .filter(|(_, entry)| tag.is_none_or(|tag| entry.tags().any(|own| own == tag)))
        .map(|(key, entry)| {
            let (provenance, note) = match entry {
                ServiceEntry::Link(link) => (Some(link.provenance.to_string()), link.note.clone()),
                ServiceEntry::Exclude(exclusion) => (None, exclusion.reason.clone()),
            };
            Row {
                id: key.to_string(),
                name: known.service(key).map(|service| service.name.clone()),
                decision: service_words(&mapping, key),
                provenance,
                note,
                tags: entry.tags().map(ToString::to_string).collect(),
            }
        })
        .collect();
    let coverage = (!offline).then(|| mapping.coverage(&known));
    let document = serde_json::json!({
        "coverage": coverage,
        "outstanding": coverage.map(|coverage| coverage.outstanding()),
        "revision": mapping.revision(),
        "accounts": accounts,
        "services": services,
    });
    context.out.print(&document, || {
        let mut out = rows("Account", &accounts);
        out.push('\n');
        out.push_str(&rows("Service", &services));
        let _ = write!(
            out,
            "\n{} and {} decided (revision {})",
            count(accounts.len(), "account", "accounts"),
            count(services.len(), "service", "services"),
            mapping.revision()
        );
        out.push_str(&coverage.map_or_else(String::new, left));
        out
    })?;
    Ok(Outcome::Done)
}

/// What waits for a decision; what is excluded does not.
fn left(coverage: Coverage) -> String {
    let (accounts, services) = (coverage.accounts, coverage.services);
    let mut out = format!(
        "\nOutstanding: {} and {} not mapped",
        count(accounts.unmapped, "account", "accounts"),
        count(services.unmapped, "service", "services")
    );
    if accounts.excluded + services.excluded > 0 {
        let _ = write!(
            out,
            " (excluded on purpose, and not counted: {} and {})",
            count(accounts.excluded, "account", "accounts"),
            count(services.excluded, "service", "services")
        );
    }
    if coverage.outstanding() > 0 {
        out.push_str("; see `tallyline map suggest`");
    }
    out
}

fn rows(what: &str, rows: &[Row]) -> String {
    let cells = |row: &Row| {
        let how = [row.provenance.as_deref(), row.note.as_deref()];
        let how: Vec<String> = how.into_iter().flatten().map(safe).collect();
        let mut how = how.join(": ");
        if !row.tags.is_empty() {
            let _ = write!(how, " [{}]", safe(&row.tags.join(", ")));
        }
        [
            safe(&row.id),
            safe(row.name.as_deref().unwrap_or_default()),
            row.decision.clone(),
            how.trim_start().to_owned(),
        ]
    };
    let records: Vec<_> = rows.iter().map(cells).collect();
    record_table([what, "Name", "Decision", "How, note"], &records)
}

/// What exact matching did.
#[derive(Serialize)]
pub(super) struct AutoReport {
    dry_run: bool,
    accounts: Part,
    services: Part,
}

#[derive(Serialize)]
struct Part {
    linked: Vec<Named>,
    undecided: Vec<Named>,
    unmatched: Vec<Named>,
    kept: usize,
}

#[derive(Serialize)]
struct Named {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl AutoReport {
    /// The report of both halves.
    pub(super) fn new(
        accounts: &MatchReport<VendorAccountId>,
        services: &MatchReport<ServiceKey>,
        lists: &Lists,
        dry_run: bool,
    ) -> Self {
        let known = lists.directory();
        let account = |id: &VendorAccountId| {
            let found = known.account(id);
            found.map_or_else(String::new, |account| account.name.clone())
        };
        let service = |key: &ServiceKey| {
            let found = known.service(key);
            found.map_or_else(String::new, |service| service.name.clone())
        };
        Self {
            dry_run,
            accounts: part(accounts, account),
            services: part(services, service),
        }
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let verb = if self.dry_run {
            "would be linked"
        } else {
            "linked"
        };
        let mut out = String::new();
        for (what, part) in [("accounts", &self.accounts), ("services", &self.services)] {
            let _ = writeln!(
                out,
                "{} {what} {verb}, {} decided before, {} to be decided by a person",
                part.linked.len(),
                part.kept,
                part.undecided.len() + part.unmatched.len()
            );
            for named in &part.undecided {
                let reason = safe(named.reason.as_deref().unwrap_or_default());
                out.push_str(&wrapped("  - ", 4, &format!("{}: {reason}", named.words())));
            }
            for named in &part.unmatched {
                let text = format!("{}: nothing has exactly this name", named.words());
                out.push_str(&wrapped("  - ", 4, &text));
            }
        }
        out.push_str("See `tallyline map suggest` for what may belong together.");
        out
    }
}

impl Named {
    fn words(&self) -> String {
        safe(&format!("{} {}", self.id, self.name))
    }
}

fn part<Id: ToString>(report: &MatchReport<Id>, name: impl Fn(&Id) -> String) -> Part {
    let named = |id: &Id, reason: Option<String>| Named {
        id: id.to_string(),
        name: name(id),
        reason,
    };
    Part {
        linked: report.linked.iter().map(|id| named(id, None)).collect(),
        undecided: report
            .undecided
            .iter()
            .map(|undecided| named(&undecided.id, Some(undecided.reason.to_string())))
            .collect(),
        unmatched: report.unmatched.iter().map(|id| named(id, None)).collect(),
        kept: report.kept,
    }
}

/// The suggestions, with names.
pub(super) fn suggestions(
    accounts: &[AccountSuggestion],
    services: &[ServiceSuggestion],
    lists: &Lists,
) -> String {
    if accounts.is_empty() && services.is_empty() {
        return "no suggestions".to_owned();
    }
    let known = lists.directory();
    let mut table = table(["Undecided", "May be", "Score", "Why"]);
    for suggestion in accounts {
        let account = known.account(&suggestion.account);
        let company = known.company(&suggestion.company);
        table.add_row([
            named(
                "account",
                &suggestion.account.to_string(),
                account.map(|a| &a.name),
            ),
            named(
                "company",
                &suggestion.company.to_string(),
                company.map(|c| &c.name),
            ),
            suggestion.score.to_string(),
            safe(&suggestion.reason),
        ]);
    }
    for suggestion in services {
        let service = known.service(&suggestion.service);
        let product = known.product(&suggestion.product);
        table.add_row([
            named(
                "service",
                &suggestion.service.to_string(),
                service.map(|s| &s.name),
            ),
            named(
                "product",
                &suggestion.product.to_string(),
                product.map(|p| &p.name),
            ),
            suggestion.score.to_string(),
            safe(&suggestion.reason),
        ]);
    }
    let accounts = accounts
        .iter()
        .map(|suggestion| suggestion.account.as_str());
    let services = services
        .iter()
        .map(|suggestion| suggestion.service.as_str());
    keep_ids(&mut table, 0, accounts.chain(services));
    format!(
        "{}\nNothing is linked yet. Accept one with `tallyline map accept account ID --company ID` or\n\
         `tallyline map accept service KEY --product ID`.",
        lines(&table)
    )
}

fn named(what: &str, id: &str, name: Option<&String>) -> String {
    let name = name.map_or_else(String::new, |name| safe(name));
    format!("{what} {name}\n{}", safe(id))
}
