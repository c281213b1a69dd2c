//! Metadata of accounts as blocks of the notes of agreements, at the end of each billing cycle.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Action, Block, Change, Guard, Labels, Notice, PlanContext, guards, intent_id};
use crate::error::{Result, printable};
use crate::model::{Agreement, CivilDate, Period, ServiceKey, note_block, note_text};
use crate::reconcile::{AccountMetadata, Comparison, Kind, MetadataLine};
use crate::store::Ledger;

/// How long a block may get, in characters: what is left out is said with its number.
const LONGEST: usize = 20_000;

/// What becomes of the metadata of one account.
enum Decision {
    /// The note has them.
    Written,
    /// Their cycle ends on a later day.
    Waits {
        until: CivilDate,
        /// The last day of the cycle before, where the note has not what it ended with.
        missed: Option<CivilDate>,
    },
    /// Nothing is planned, and a person should know.
    Left(Kind, String),
    /// The block is written.
    Write { from: Option<String>, to: String },
}

/// Adds the changes that write the metadata of accounts into the notes of agreements, and what a person should
/// know of those that are left.
///
/// A block is due on the last day of the vendor's billing period, and on no other: what the account holds on
/// that day is what the cycle ends with.
pub(super) fn plan(
    comparison: &Comparison<'_>,
    context: &PlanContext<'_>,
    changes: &mut Vec<Change>,
    notices: &mut Vec<Notice>,
) -> Result<()> {
    let names = context
        .services
        .iter()
        .map(|service| (&service.key, service.name.as_str()));
    let names: HashMap<&ServiceKey, &str> = names.collect();
    let mut waits: Option<(usize, CivilDate)> = None;
    for metadata in comparison.metadata() {
        let agreement = comparison.book().agreement(&metadata.agreement);
        match decide(metadata, agreement, comparison.today(), &names, context) {
            Decision::Written => {}
            Decision::Waits { until, missed } => {
                let (many, next) = waits.unwrap_or((0, until));
                waits = Some((many + 1, next.min(until)));
                let missed = missed.map(|day| {
                    let why = format!(
                        "the note of agreement {} has not what it held when the billing cycle ended on {day}: \
                         no sync was made on that day",
                        metadata.agreement
                    );
                    left(metadata, Kind::NotDue, &why, context)
                });
                notices.extend(missed);
            }
            Decision::Left(kind, reason) => notices.push(left(metadata, kind, &reason, context)),
            Decision::Write { from, to } => {
                let Some(agreement) = agreement else { continue };
                changes.push(change(metadata, agreement, from, to, comparison, context)?);
            }
        }
    }
    notices.extend(waits.map(|(many, next)| waiting(many, next)));
    Ok(())
}

fn decide(
    metadata: &AccountMetadata,
    agreement: Option<&Agreement>,
    today: CivilDate,
    names: &HashMap<&ServiceKey, &str>,
    context: &PlanContext<'_>,
) -> Decision {
    let left = |kind, why: &str| Decision::Left(kind, why.to_owned());
    let Some(agreement) = agreement else {
        let why = "the agreement of its metadata is not listed by the PSA";
        return left(Kind::NotEligible, why);
    };
    if agreement.company != metadata.company {
        let why = format!(
            "the agreement of its metadata is company {}'s",
            agreement.company
        );
        return left(Kind::NotEligible, &why);
    }
    if let Some(why) = &metadata.incomplete {
        let why = format!("its metadata were not read whole: {why}");
        return left(Kind::NotObserved, &why);
    }
    let source = &context.source.name;
    let Some(cycle) = metadata.cycle else {
        let why = format!(
            "{source} states no billing period, at whose end its metadata would be written"
        );
        return left(Kind::NotObserved, &why);
    };
    let is_due = today == cycle.end();
    if !context.sink.capabilities.write_note {
        if is_due {
            // The change says that the sink cannot.
            let to = text(metadata, cycle, names, context);
            return Decision::Write { from: None, to };
        }
        let why = format!(
            "its metadata go nowhere: {} cannot write notes",
            context.sink.name
        );
        return left(Kind::NotEligible, &why);
    }
    let Some(note) = &agreement.note else {
        let why = "the note of the agreement of its metadata was not read";
        return left(Kind::NotObserved, why);
    };
    let from = match note_block(note, &owner(metadata, context)) {
        Ok(from) => from,
        Err(error) => return left(Kind::Ambiguous, error.message()),
    };
    if today > cycle.end() {
        let why = format!(
            "{source} states the billing period {cycle}, which is over: what the account holds now is not \
             what it ended with"
        );
        return left(Kind::NotObserved, &why);
    }
    if !is_due {
        let before = cycle.start().plus_days(-1);
        let missed = from.is_some_and(|text| !ends_on(&text, before));
        return Decision::Waits {
            until: cycle.end(),
            missed: missed.then_some(before),
        };
    }
    let day = metadata.as_of.date();
    if day < today {
        let why = format!(
            "the reading shows the state of {day}, and not of the last day of the billing cycle"
        );
        return left(Kind::NotObserved, &why);
    }
    let to = text(metadata, cycle, names, context);
    if from.as_ref() == Some(&to) {
        return Decision::Written;
    }
    Decision::Write { from, to }
}

/// Whether a block is of a cycle that ended on a day.
fn ends_on(text: &str, day: CivilDate) -> bool {
    let head = text.lines().next().unwrap_or_default();
    head.contains(&format!("to {day}"))
}

/// What the vendor calls the account, else its id.
fn name_of(metadata: &AccountMetadata, context: &PlanContext<'_>) -> String {
    let mut accounts = context.accounts.iter();
    let known = accounts.find(|account| account.id == metadata.account);
    printable(known.map_or(metadata.account.as_str(), |account| account.name.as_str()))
}

/// Whose block it is.
fn owner(metadata: &AccountMetadata, context: &PlanContext<'_>) -> String {
    format!("{} {}", context.source.system, metadata.account)
}

/// The text of a block: the cycle, and a line for each recurring line.
fn text(
    metadata: &AccountMetadata,
    cycle: Period,
    names: &HashMap<&ServiceKey, &str>,
    context: &PlanContext<'_>,
) -> String {
    let mut text = format!(
        "{}, account {}, billing cycle {cycle} (kept by Tallyline: write outside these marks)",
        printable(&context.source.name),
        printable(metadata.account.as_str())
    );
    if metadata.lines.is_empty() {
        text.push_str("\n- nothing that recurs is billed");
    }
    let mut length = text.chars().count();
    for (at, line) in metadata.lines.iter().enumerate() {
        let words = words(line, names);
        length += words.chars().count();
        if length > LONGEST {
            // Writing to a text cannot fail.
            let _ = write!(text, "\n- and {} more", metadata.lines.len() - at);
            break;
        }
        text.push_str(&words);
    }
    // What the vendor states must not pass for a mark.
    let text = text.replace("[tallyline", "(tallyline");
    note_text(&text.replace("[/tallyline", "(/tallyline"))
}

fn words(line: &MetadataLine, names: &HashMap<&ServiceKey, &str>) -> String {
    let unit = line
        .unit
        .as_deref()
        .map_or_else(|| "x".to_owned(), printable);
    let name = names
        .get(&line.service)
        .map_or(line.service.as_str(), |name| name.trim());
    let mut words = format!(
        "\n- {} {unit} {} ({})",
        line.quantity,
        printable(name),
        printable(line.service.as_str())
    );
    if let Some(subscription) = &line.subscription {
        // As above.
        let _ = write!(words, ", subscription {}", printable(subscription.as_str()));
    }
    for (at, (name, value)) in line.attributes.iter().enumerate() {
        let before = if at == 0 { ": " } else { "; " };
        let _ = write!(
            words,
            "{before}{} {}",
            printable(name),
            printable(value.trim())
        );
    }
    words
}

fn change(
    metadata: &AccountMetadata,
    agreement: &Agreement,
    from: Option<String>,
    to: String,
    comparison: &Comparison<'_>,
    context: &PlanContext<'_>,
) -> Result<Change> {
    let (source, sink) = (context.source, context.sink);
    let owner = owner(metadata, context);
    let lines = metadata.lines.len();
    let action = Action::WriteNote {
        owner: owner.clone(),
        from,
        to,
    };
    let today = comparison.today();
    let intent = (source.system, sink.system, &agreement.id, &action, today);
    let id = intent_id(&intent)?;
    let mut change = Change::new(
        id,
        agreement.company.clone(),
        agreement.id.clone(),
        owner.as_str(),
        action,
        today,
    );
    let company = comparison.book().company(&agreement.company);
    change.labels = Labels {
        company: printable(company.map_or(agreement.company.as_str(), |it| it.name.as_str())),
        agreement: printable(&agreement.name),
        product: format!("note for {}", name_of(metadata, context)),
    };
    change.reason = printable(&format!(
        "the billing cycle of {} at {} ends today: its {lines} recurring line{} into the note of \
         the agreement; what people wrote outside its block stays",
        name_of(metadata, context),
        source.name,
        if lines == 1 { " goes" } else { "s go" },
    ));
    change.evidence.as_of = Some(metadata.as_of);
    let edited = edited(&change, comparison.ledger());
    change.blocks.extend(edited);
    let unable = guards::unsupported(&change.action, sink);
    change.blocks.extend(unable.map(|reason| Block {
        guard: Guard::Unsupported,
        reason,
    }));
    Ok(change)
}

/// What speaks against replacing a block that is not as the last run left it, where that is known.
fn edited(change: &Change, ledger: Option<&Ledger>) -> Option<Block> {
    let Action::WriteNote {
        owner,
        from: Some(from),
        ..
    } = &change.action
    else {
        return None;
    };
    let last = ledger?.note(&change.agreement, owner);
    (last != Some(from.as_str())).then(|| Block {
        guard: Guard::EditedNote,
        reason: "somebody has written into the block of the note, and that would be lost: move it outside the \
                 block, or let it be replaced"
            .to_owned(),
    })
}

fn left(metadata: &AccountMetadata, kind: Kind, reason: &str, context: &PlanContext<'_>) -> Notice {
    let name = name_of(metadata, context);
    let mut notice = Notice::new(kind, format!("{name}: {reason}"));
    notice.account = Some(metadata.account.clone());
    notice.company = Some(metadata.company.clone());
    notice.agreement = Some(metadata.agreement.clone());
    notice
}

fn waiting(many: usize, next: CivilDate) -> Notice {
    let message = match many {
        1 => format!(
            "the metadata of 1 account go into its agreement's note on the last day of the vendor's \
             billing cycle, {next}"
        ),
        _ => format!(
            "the metadata of {many} accounts go into their agreements' notes on the last day of the \
             vendor's billing cycle, next on {next}"
        ),
    };
    Notice::new(Kind::NotDue, message)
}
