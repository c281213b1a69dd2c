//! Metadata of accounts as blocks of the notes of agreements, at the end of each billing cycle.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{
    Action, Block, Change, Evidence, Guard, Labels, Notice, PlanContext, guards, intent_id,
};
use crate::error::{Result, printable};
use crate::model::{Agreement, CivilDate, Period, ServiceKey, note_block};
use crate::reconcile::{AccountMetadata, Comparison, Kind, MetadataLine};

/// How long a block may get, in characters: what is left out is said with its number.
const LONGEST: usize = 20_000;

/// What becomes of the metadata of one account.
enum Decision {
    /// The note has them.
    Written,
    /// Their cycle ends on a later day.
    Waits(CivilDate),
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
            Decision::Waits(until) => {
                let (many, next) = waits.unwrap_or((0, until));
                waits = Some((many + 1, next.min(until)));
            }
            Decision::Left(kind, reason) => notices.push(left(metadata, kind, &reason)),
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
    let agreement = match agreement {
        None => {
            let why = "the agreement of its metadata is not listed by the PSA";
            return Decision::Left(Kind::NotEligible, why.to_owned());
        }
        Some(agreement) if agreement.company != metadata.company => {
            let why = format!(
                "the agreement of its metadata is company {}'s",
                agreement.company
            );
            return Decision::Left(Kind::NotEligible, why);
        }
        Some(agreement) => agreement,
    };
    if let Some(why) = &metadata.incomplete {
        let why = format!("its metadata were not read whole: {why}");
        return Decision::Left(Kind::NotObserved, why);
    }
    let Some(cycle) = metadata.cycle else {
        let why = format!(
            "{} states no billing period, at whose end its metadata would be written",
            context.source.name
        );
        return Decision::Left(Kind::NotObserved, why);
    };
    if today < cycle.end() {
        return Decision::Waits(cycle.end());
    }
    let to = text(metadata, cycle, names, context);
    if !context.sink.capabilities.write_note {
        // The change says that the sink cannot.
        return Decision::Write { from: None, to };
    }
    let Some(note) = &agreement.note else {
        let why = "the note of the agreement of its metadata was not read";
        return Decision::Left(Kind::NotObserved, why.to_owned());
    };
    match note_block(note, &owner(metadata, context)) {
        Ok(Some(from)) if from == to => Decision::Written,
        Ok(from) => Decision::Write { from, to },
        Err(error) => Decision::Left(Kind::Ambiguous, error.message().to_owned()),
    }
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
        "{}, account {}, billing cycle {cycle}",
        printable(&context.source.name),
        printable(metadata.account.as_str())
    );
    if metadata.lines.is_empty() {
        text.push_str("\n- nothing that recurs");
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
    text
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
        product: "note".to_owned(),
    };
    change.reason = printable(&format!(
        "the billing cycle of account {} at {} ends today: its {lines} recurring line{} into the note of \
         the agreement; what people wrote there stays",
        metadata.account,
        source.name,
        if lines == 1 { " goes" } else { "s go" },
    ));
    change.evidence = Evidence::default();
    let unable = guards::unsupported(&change.action, sink);
    change.blocks.extend(unable.map(|reason| Block {
        guard: Guard::Unsupported,
        reason,
    }));
    Ok(change)
}

fn left(metadata: &AccountMetadata, kind: Kind, reason: &str) -> Notice {
    let mut notice = Notice::new(kind, format!("account {}: {reason}", metadata.account));
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
