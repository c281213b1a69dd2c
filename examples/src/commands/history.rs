//! `history`: who changed what, when, from what to what, and on which evidence.

use std::fmt::Write as _;

use futures::StreamExt as _;
use tallyline_core::apply::after::{self, HistoryEntry};
use tallyline_core::model::{LineState, Money};
use tallyline_core::store::WrittenQuery;
use tallyline_core::{Error, ErrorKind, Result};

use super::status::to_the_second;
use super::{Context, runs};
use crate::cli::{HistoryArgs, HistoryFormat};
use crate::outcome::Outcome;
use crate::output::{plain, safe, say, say_as_is, tell, wrapped};
use crate::plan_view::action_words;

/// How many usage lines of one change are named.
const USAGE: usize = 5;

/// Prints the history, an entry at a time: of a long one little is in memory.
pub(crate) async fn run(context: &Context, args: &HistoryArgs) -> Result<Outcome> {
    let config = context.config()?;
    let format = if context.out.is_json() {
        HistoryFormat::Json
    } else {
        args.format
    };
    let mut printer = Printer { format, printed: 0 };
    let journal = runs::journal(&config)?;
    if let Some(journal) = journal {
        let mut query = WrittenQuery::default();
        query.company.clone_from(&args.company);
        query.agreement.clone_from(&args.agreement);
        query.product.clone_from(&args.product);
        query.line.clone_from(&args.line);
        query.since = args.since;
        let mut entries = after::history(&journal, query);
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            if printer.printed == 0 {
                printer.begin()?;
            }
            printer.entry(&entry)?;
        }
    }
    if printer.printed == 0 {
        printer.begin()?;
    }
    printer.end()?;
    Ok(Outcome::Done)
}

struct Printer {
    format: HistoryFormat,
    printed: usize,
}

impl Printer {
    fn begin(&self) -> Result<()> {
        match self.format {
            HistoryFormat::Csv => say_as_is(&HistoryEntry::csv_titles()?),
            HistoryFormat::Json => say_as_is("["),
            HistoryFormat::Text => Ok(()),
        }
    }

    fn entry(&mut self, entry: &HistoryEntry) -> Result<()> {
        self.printed += 1;
        match self.format {
            HistoryFormat::Csv => say_as_is(&entry.csv_line()?),
            HistoryFormat::Json => {
                let text = serde_json::to_string(entry).map_err(|error| {
                    Error::new(ErrorKind::Unexpected, "the entry cannot be written as JSON")
                        .with_source(error)
                })?;
                let comma = if self.printed == 1 { "" } else { "," };
                say_as_is(&format!("{comma}{text}"))
            }
            HistoryFormat::Text => {
                let gap = if self.printed == 1 { "" } else { "\n" };
                say(&format!("{gap}{}", text(entry)))
            }
        }
    }

    fn end(&self) -> Result<()> {
        match self.format {
            HistoryFormat::Json => say_as_is("]"),
            HistoryFormat::Text if self.printed == 0 => {
                tell("nothing was changed that fits");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn text(entry: &HistoryEntry) -> String {
    let labels = &entry.labels;
    let place = safe(&format!(
        "{}, {}, {}",
        labels.company, labels.agreement, labels.product
    ));
    let mut out = wrapped("", 2, &format!("{}  {place}", to_the_second(entry.at)));
    let mut add = |title: &str, said: &str| {
        out.push_str(&wrapped(&format!("  {title:<9} "), 12, &plain(said)));
    };
    let (what, step) = action_words(&entry.action);
    let line = entry
        .line
        .as_ref()
        .map_or_else(String::new, |line| format!(", line {line}"));
    add(
        "change",
        &format!("{what} {step}, counts from {}{line}", entry.effective),
    );
    if !entry.action.makes_record() {
        add("before", &state(entry.before.as_ref(), "no line"));
        add("after", &state(entry.after.as_ref(), "not read back"));
    }
    add("proof", entry.proof.as_str());
    if !entry.detail.is_empty() {
        add("found", &entry.detail);
    }
    add("why", &entry.reason);
    for usage in entry.usage.iter().take(USAGE) {
        let said = format!(
            "{} of {} for account {} ({})",
            usage.quantity, usage.service, usage.account, usage.line
        );
        add("usage", &said);
    }
    if entry.usage.len() > USAGE {
        add(
            "",
            &format!("and {} more usage lines", entry.usage.len() - USAGE),
        );
    }
    if let Some(undoes) = &entry.undoes {
        add("undoes", &format!("run {}", undoes.run));
    }
    add("approved", &format!("by {}", entry.approved_by));
    if let Some(word) = &entry.overridden {
        add("override", &format!("by {}: {}", word.by, word.why));
    }
    let mut ids = format!("run {}, change {}", entry.run, entry.change);
    if let Some(request) = &entry.request_id {
        let _ = write!(ids, ", request {request}");
    }
    add("ids", &ids);
    out
}

/// What a line billed, in words.
fn state(state: Option<&LineState>, absent: &str) -> String {
    let Some(state) = state else {
        return absent.to_owned();
    };
    let mut words = format!("quantity {}", state.quantity);
    let mut add = |what: &str, money: Option<Money>| {
        if let Some(money) = money {
            let _ = write!(words, ", {what} {money}");
        }
    };
    add("unit cost", state.unit_cost);
    add("unit price", state.unit_price);
    if let Some(day) = state.last_day {
        let _ = write!(words, ", until {day}");
    }
    words
}
