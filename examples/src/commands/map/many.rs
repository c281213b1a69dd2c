//! Decisions about many accounts or services in one call, each with an outcome of its own.

use serde::Serialize;
use tallyline_core::mapping::{Directory, Edit, Edited, Mapping, Subject, Tag};
use tallyline_core::model::{ServiceKey, VendorAccountId};
use tallyline_core::{Error, ErrorKind, Result};

use super::{Context, Desk};
use crate::cli::{ClearCommand, ExcludeCommand, NoteCommand, SwitchCommand, TagArgs, TagCommand};
use crate::config::Config;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{count, safe, tell, wrapped};

/// What became of all edits.
#[derive(Serialize)]
struct Report {
    done: String,
    revision: u64,
    edits: Vec<Line>,
}

/// What became of one edit.
#[derive(Serialize)]
struct Line {
    subject: String,
    outcome: &'static str,
    message: String,
}

impl Line {
    fn of(edit: &Edit, edited: &Edited) -> Self {
        let subject = edited.subject.to_string();
        let (outcome, message) = match &edited.outcome {
            Ok(true) => ("changed", format!("{subject} {}", words(edit))),
            Ok(false) => ("unchanged", format!("{subject} {}, as before", words(edit))),
            Err(error) => ("refused", error.message().to_owned()),
        };
        Self {
            subject,
            outcome,
            message,
        }
    }
}

/// What holds after an edit.
fn words(edit: &Edit) -> String {
    match edit {
        Edit::Exclude { reason } => format!("is excluded: {reason}"),
        Edit::Clear => "is undecided again".to_owned(),
        Edit::Enable(true) => "is switched on".to_owned(),
        Edit::Enable(false) => "is switched off".to_owned(),
        Edit::SetNote(note) if note.trim().is_empty() => "has no note".to_owned(),
        Edit::SetNote(note) => format!("has the note: {}", note.trim()),
        Edit::AddTag(tag) => format!("carries the tag {tag}"),
        Edit::RemoveTag(tag) => format!("does not carry the tag {tag}"),
        _ => "is decided".to_owned(),
    }
}

fn accounts(ids: Vec<VendorAccountId>) -> Vec<Subject> {
    ids.into_iter().map(Subject::Account).collect()
}

fn services(keys: Vec<ServiceKey>) -> Vec<Subject> {
    keys.into_iter().map(Subject::Service).collect()
}

/// `map exclude`.
pub(super) async fn exclude(context: &Context, command: ExcludeCommand) -> Result<Outcome> {
    let mut desk = Desk::open(context).await?;
    let known = desk.lists.directory();
    let (subjects, reason) = match command {
        ExcludeCommand::Account {
            accounts: ids,
            reason,
        } => (accounts(ids), reason),
        ExcludeCommand::Service {
            services: keys,
            reason,
        } => (services(keys), reason),
    };
    let edits = each(&subjects, &[Edit::Exclude { reason }]);
    carry_out(context, &desk.config, &mut desk.mapping, &edits, &known)
}

/// `map clear`: needs no connection, so that a decision about something gone can be undone.
pub(super) fn clear(context: &Context, command: ClearCommand) -> Result<Outcome> {
    let subjects = match command {
        ClearCommand::Account { accounts: ids } => accounts(ids),
        ClearCommand::Service { services: keys } => services(keys),
    };
    offline(context, &subjects, &[Edit::Clear])
}

/// `map note`.
pub(super) fn note(context: &Context, command: NoteCommand) -> Result<Outcome> {
    let (subjects, text) = match command {
        NoteCommand::Account {
            accounts: ids,
            text,
        } => (accounts(ids), text),
        NoteCommand::Service {
            services: keys,
            text,
        } => (services(keys), text),
    };
    offline(context, &subjects, &[Edit::SetNote(text)])
}

/// `map switch`.
pub(super) fn switch(context: &Context, command: SwitchCommand) -> Result<Outcome> {
    let (subjects, to) = match command {
        SwitchCommand::Account { accounts: ids, to } => (accounts(ids), to),
        SwitchCommand::Service { services: keys, to } => (services(keys), to),
    };
    offline(context, &subjects, &[Edit::Enable(to.on && !to.off)])
}

/// `map tag`.
pub(super) fn tag(context: &Context, command: TagCommand) -> Result<Outcome> {
    let (subjects, tags) = match command {
        TagCommand::Account {
            accounts: ids,
            tags,
        } => (accounts(ids), tags),
        TagCommand::Service {
            services: keys,
            tags,
        } => (services(keys), tags),
        TagCommand::List => return list_tags(context),
        TagCommand::Delete { tag } => return delete_tag(context, &tag),
    };
    let TagArgs { add, remove } = tags;
    let adds = add.into_iter().map(Edit::AddTag);
    let edits: Vec<Edit> = adds
        .chain(remove.into_iter().map(Edit::RemoveTag))
        .collect();
    offline(context, &subjects, &edits)
}

fn list_tags(context: &Context) -> Result<Outcome> {
    let mapping = mapping_file::load(&context.config()?)?;
    let tags = mapping.tags();
    context
        .out
        .print(&serde_json::json!({ "tags": tags }), || {
            if tags.is_empty() {
                return "no tags".to_owned();
            }
            let lines = tags.iter().map(|(tag, of)| {
                let accounts = count(of.accounts, "account", "accounts");
                let services = count(of.services, "service", "services");
                format!("{}: {accounts}, {services}\n", safe(tag.as_str()))
            });
            lines.collect()
        })?;
    Ok(Outcome::Done)
}

fn delete_tag(context: &Context, tag: &Tag) -> Result<Outcome> {
    let config = context.config()?;
    let mut mapping = mapping_file::load(&config)?;
    if !mapping.tags().contains_key(tag) {
        let message = format!("nothing carries the tag {tag}; see `tallyline map tag list`");
        return Err(Error::new(ErrorKind::Mapping, message));
    }
    let of = mapping.delete_tag(tag);
    let done = format!(
        "the tag {tag} is deleted: {} and {} carried it",
        count(of.accounts, "account", "accounts"),
        count(of.services, "service", "services")
    );
    super::keep(context, &config, &mapping, &done)
}

/// Every edit for every subject.
fn each(subjects: &[Subject], edits: &[Edit]) -> Vec<(Subject, Edit)> {
    let of = |subject: &Subject| {
        let pairs = edits.iter().map(|edit| (subject.clone(), edit.clone()));
        pairs.collect::<Vec<_>>()
    };
    subjects.iter().flat_map(of).collect()
}

/// Edits that need no connection.
fn offline(context: &Context, subjects: &[Subject], edits: &[Edit]) -> Result<Outcome> {
    let config = context.config()?;
    let mut mapping = mapping_file::load(&config)?;
    let edits = each(subjects, edits);
    carry_out(
        context,
        &config,
        &mut mapping,
        &edits,
        &Directory::default(),
    )
}

/// Carries the edits out, keeps what was taken, and says of each what became of it. A single one that
/// is refused is the command's error.
fn carry_out(
    context: &Context,
    config: &Config,
    mapping: &mut Mapping,
    edits: &[(Subject, Edit)],
    directory: &Directory<'_>,
) -> Result<Outcome> {
    let mut outcomes = mapping.edit_all(edits.iter().cloned(), directory);
    if let [_] = edits
        && let Some(Edited {
            outcome: Err(error),
            ..
        }) = outcomes.pop_if(|edited| edited.outcome.is_err())
    {
        return Err(error);
    }
    mapping_file::save(config, mapping)?;
    let lines: Vec<Line> = edits
        .iter()
        .zip(&outcomes)
        .map(|((_, edit), edited)| Line::of(edit, edited))
        .collect();
    let refused = lines
        .iter()
        .filter(|line| line.outcome == "refused")
        .count();
    let done: Vec<&str> = lines
        .iter()
        .filter(|line| line.outcome != "refused")
        .map(|line| line.message.as_str())
        .collect();
    let report = Report {
        done: done.join("; "),
        revision: mapping.revision(),
        edits: lines,
    };
    context.out.print(&report, || text(&report))?;
    if refused == 0 {
        return Ok(Outcome::Done);
    }
    tell(&format!(
        "{} of {} refused; the others are kept",
        refused,
        count(edits.len(), "edit", "edits")
    ));
    Ok(Outcome::Failed)
}

fn text(report: &Report) -> String {
    let line = |line: &Line| {
        let mark = if line.outcome == "refused" {
            "REFUSED  "
        } else {
            ""
        };
        wrapped(mark, mark.len(), &safe(&line.message))
    };
    report.edits.iter().map(line).collect()
}
