//! A plan as a person reads it, and as a program reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use comfy_table::Table;
use serde::Serialize;
use tallyline_core::model::{
    AgreementId, ChangeId, Freshness, PlanId, Quantity, Timestamp, VendorAccountId,
};
use tallyline_core::plan::{
    Action, Change, Guard, Notice, Origin, Plan, PlanContent, PlanKind, PlanSummary,
};
use tallyline_core::reconcile::Kind;

use crate::files;
use crate::output::{airy_table, count, keep_wide, lines, plain, safe, wrapped};

/// How much is shown of long lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    /// Changes that can be applied.
    pub(crate) changes: usize,
    /// Changes blocked for one reason.
    pub(crate) blocked: usize,
    /// Notices of one kind.
    pub(crate) notices: usize,
}

impl Amount {
    /// All changes; of the notices all or the first of each kind.
    pub(crate) fn of_notices(all: bool) -> Self {
        Self {
            changes: usize::MAX,
            blocked: usize::MAX,
            notices: if all { usize::MAX } else { 20 },
        }
    }
}

/// How old a plan's readings are at an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages<'a> {
    content: &'a PlanContent,
    now: Timestamp,
}

impl<'a> Ages<'a> {
    /// At an instant.
    pub(crate) fn at(plan: &'a Plan, now: Timestamp) -> Self {
        let content = plan.content();
        Self { content, now }
    }

    /// At the instant that the plan was made.
    pub(crate) fn when_made(plan: &'a Plan) -> Self {
        Self::at(plan, plan.content().made)
    }

    fn of(self, as_of: Option<Timestamp>) -> Option<Freshness> {
        self.content.freshness(as_of, self.now)
    }

    /// The age in words, to stand after a sentence.
    fn words(self, as_of: Option<Timestamp>) -> Option<String> {
        Some(format!("reading {}", self.of(as_of)?))
    }
}

/// How old the readings behind a plan are.
#[derive(Serialize)]
struct Readings<'a> {
    at: Timestamp,
    refresh_seconds: Option<u64>,
    oldest: Option<Freshness>,
    changes: BTreeMap<&'a ChangeId, Freshness>,
}

impl<'a> Readings<'a> {
    fn of(ages: Ages<'a>) -> Self {
        let changes = ages.content.changes.iter();
        Self {
            at: ages.now,
            refresh_seconds: ages.content.refresh_seconds,
            oldest: ages.of(ages.content.data_as_of),
            changes: changes
                .filter_map(|change| Some((&change.id, ages.of(change.evidence.as_of)?)))
                .collect(),
        }
    }
}

/// A plan as a JSON document.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    id: &'a PlanId,
    file: String,
    summary: PlanSummary,
    readings: Readings<'a>,
    plan: &'a PlanContent,
}

impl<'a> Document<'a> {
    /// The document of a plan in a file.
    pub(crate) fn new(plan: &'a Plan, file: &Path, ages: Ages<'a>) -> Self {
        Self {
            id: plan.id(),
            file: file.display().to_string(),
            summary: plan.summary(),
            readings: Readings::of(ages),
            plan: plan.content(),
        }
    }
}

/// The whole plan in words.
pub(crate) fn text(plan: &Plan, file: &Path, amount: Amount, ages: Ages<'_>) -> String {
    let mut out = body(plan, amount, ages);
    let _ = writeln!(out, "\n{}", next_step(plan, file));
    out
}

/// The plan in words, but for what to do next.
pub(crate) fn body(plan: &Plan, amount: Amount, ages: Ages<'_>) -> String {
    let mut out = head(plan, ages);
    out.push_str(&ready(plan, amount.changes, ages));
    out.push_str(&blocked(plan, amount.blocked, ages));
    let headings = headings(plan.content().kind);
    out.push_str(&under(headings, plan.notices(), amount.notices, ages));
    out
}

/// The headings of notices of a plan.
fn headings(kind: PlanKind) -> fn(Kind) -> &'static str {
    match kind {
        PlanKind::Products => |kind| match kind {
            Kind::Ambiguous => "More than one product of the identifier",
            Kind::NotEligible => "Cannot be used",
            kind => kind_words(kind),
        },
        PlanKind::Accounts => |kind| match kind {
            Kind::Ambiguous => "Stated by more than one account",
            Kind::NotEligible => "Left out",
            kind => kind_words(kind),
        },
        _ => kind_words,
    }
}

/// What the plan amounts to.
pub(crate) fn head(plan: &Plan, ages: Ages<'_>) -> String {
    let content = plan.content();
    let summary = plan.summary();
    let agree = content.found.get(&Kind::NoChange).copied().unwrap_or(0);
    let follows_up = match &content.origin {
        Some(Origin::Retry { run }) => format!("Retry of run {run}, plan"),
        Some(Origin::Undo { run }) => format!("Undo of run {run}, plan"),
        _ => "Plan".to_owned(),
    };
    let mut sentence = format!(
        "{follows_up} of {} from {} to {}: {}, {} blocked",
        content.today,
        safe(&content.source),
        safe(&content.sink),
        count(summary.ready, "change to apply", "changes to apply"),
        summary.blocked,
    );
    if content.origin.is_none() || !plan.notices().is_empty() {
        let things = count(sentences(plan.notices()), "thing", "things");
        let _ = write!(sentence, ", {things} to know about");
    }
    sentence.push('.');
    let mut out = wrapped("", 0, &sentence);
    if content.origin.is_some() {
        // The figures of the whole comparison are of no use here.
        return out;
    }
    if content.kind == PlanKind::Accounts {
        let have = count(to_usize(agree), "company has its", "companies have their");
        let _ = writeln!(out, "{have} account already.");
        return out;
    }
    if content.kind == PlanKind::Products {
        let have = count(to_usize(agree), "service has its", "services have their");
        let _ = writeln!(out, "{have} product already.");
        return out;
    }
    let agree = count(to_usize(agree), "quantity agrees", "quantities agree");
    let _ = writeln!(out, "{agree} with the vendor's.");
    let exported = content.found.get(&Kind::Exported).copied().unwrap_or(0);
    if exported > 0 {
        let rest = count(to_usize(exported), "rests", "rest");
        out.push_str(&wrapped(
            "",
            0,
            &format!("{rest} on bills that were brought over before, and nothing is new since."),
        ));
    }
    if content.unowned_lines > 0 {
        let _ = writeln!(
            out,
            "{} to no mapping and {} never touched.",
            count(
                to_usize(content.unowned_lines),
                "open line on these agreements belongs",
                "open lines on these agreements belong"
            ),
            if content.unowned_lines == 1 {
                "is"
            } else {
                "are"
            }
        );
    }
    if let Some(as_of) = content.data_as_of {
        let age = ages.of(Some(as_of));
        let age = age.map_or_else(String::new, |age| format!(", {age}"));
        out.push_str(&wrapped(
            "",
            0,
            &format!("The oldest reading is of {as_of}{age}."),
        ));
    }
    out
}

/// The changes that nothing speaks against.
pub(crate) fn ready(plan: &Plan, at_most: usize, ages: Ages<'_>) -> String {
    let ready: Vec<&Change> = plan.changes().iter().filter(|c| !c.is_blocked()).collect();
    if ready.is_empty() {
        return "\nNothing to apply.\n".to_owned();
    }
    format!("\nTo apply\n{}", some(&ready, at_most, false, ages))
}

/// The blocked changes, by what blocks them.
pub(crate) fn blocked(plan: &Plan, at_most: usize, ages: Ages<'_>) -> String {
    let mut groups: Vec<(Vec<String>, Vec<&Change>)> = Vec::new();
    for change in plan.changes().iter().filter(|c| c.is_blocked()) {
        let why: Vec<String> = change
            .blocks
            .iter()
            .map(|block| format!("{}: {}", guard_words(block.guard), safe(&block.reason)))
            .collect();
        match groups.iter_mut().find(|(reasons, _)| *reasons == why) {
            Some((_, changes)) => changes.push(change),
            None => groups.push((why, vec![change])),
        }
    }
    let mut out = String::new();
    for (why, changes) in groups {
        out.push('\n');
        for reason in why {
            out.push_str(&wrapped("Blocked: ", 9, &reason));
        }
        out.push_str(&some(&changes, at_most, true, ages));
    }
    out
}

/// What a person can decide about charges that are billed to nobody.
const HOW_TO_BILL: &str = "Prorations are what a vendor bills for licences that came or went within a period. To bill \
    them on, as one charge for each bill: `tallyline map set service KEY --product ID --charge-prorations`, \
    unless your billing system bills these days by itself. The others are for a person to bill by hand.";

/// The same, where the system that reconciles takes no amounts.
const NOTHING_TO_BILL_BY: &str = "Gradient takes numbers of units, and no amounts of money: these are for a person to bill \
    by hand, unless your billing system bills such days by itself.";

fn how_to_bill(content: &PlanContent) -> &'static str {
    match content.sink.as_str() {
        "gradient" => NOTHING_TO_BILL_BY,
        _ => HOW_TO_BILL,
    }
}

/// The notices, by kind.
pub(crate) fn notices(notices: &[Notice], at_most: usize, ages: Ages<'_>) -> String {
    under(kind_words, notices, at_most, ages)
}

fn under(
    heading: fn(Kind) -> &'static str,
    notices: &[Notice],
    at_most: usize,
    ages: Ages<'_>,
) -> String {
    let mut kinds: BTreeMap<Kind, Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        kinds.entry(notice.kind).or_default().push(notice);
    }
    let mut out = String::new();
    for (kind, notices) in kinds {
        let items = folded(&notices);
        let _ = writeln!(out, "\n{} ({})", heading(kind), items.len());
        if kind == Kind::NotBilled {
            out.push_str(&wrapped("  ", 2, how_to_bill(ages.content)));
        }
        for (notice, item) in items.iter().take(at_most) {
            let age = ages.words(notice.as_of);
            let age = age.map_or_else(String::new, |age| format!(" ({age})"));
            out.push_str(&wrapped("  - ", 4, &format!("{item}{age}")));
        }
        if items.len() > at_most {
            let _ = writeln!(out, "  ... and {} more", items.len() - at_most);
        }
    }
    out
}

/// How many sentences [`notices`] makes of them.
pub(crate) fn sentences(notices: &[Notice]) -> usize {
    let mut kinds: BTreeMap<Kind, Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        kinds.entry(notice.kind).or_default().push(notice);
    }
    kinds.values().map(|notices| folded(notices).len()).sum()
}

/// The notices of one kind as sentences, each with the first notice that says it: what is said of
/// many lines of one agreement is said once.
fn folded<'n>(notices: &[&'n Notice]) -> Vec<(&'n Notice, String)> {
    type Key<'a> = (Option<&'a AgreementId>, &'a str);
    let mut groups: Vec<(Key<'_>, &'n Notice, usize)> = Vec::new();
    let mut with_lines: BTreeSet<&VendorAccountId> = BTreeSet::new();
    let unread: Vec<(&VendorAccountId, String)> = notices
        .iter()
        .filter(|notice| notice.kind == Kind::NotObserved && notice.service.is_none())
        .filter_map(|notice| notice.account.as_ref())
        .map(|account| (account, format!(": account {account} was not observed")))
        .collect();
    for notice in notices {
        // An account that was not read is said once, not for each line that it feeds.
        let of_account = unread
            .iter()
            .find(|(_, said)| notice.agreement.is_some() && notice.message.contains(said.as_str()));
        if let Some((account, _)) = of_account {
            with_lines.insert(*account);
            continue;
        }
        let said = match notice.message.split_once(": ") {
            Some((_, said)) if notice.agreement.is_some() => said,
            _ => notice.message.as_str(),
        };
        let key = (notice.agreement.as_ref(), said);
        match groups.iter_mut().find(|(known, ..)| *known == key) {
            Some((.., many)) => *many += 1,
            None => groups.push((key, notice, 1)),
        }
    }
    groups
        .into_iter()
        .map(|(_, notice, many)| {
            let mut text = plain(&notice.message);
            if many > 1 {
                let more = count(many - 1, "more line", "more lines");
                let _ = write!(text, " (and {more} of this agreement)");
            }
            let account = notice.account.as_ref().filter(|_| notice.service.is_none());
            if account.is_some_and(|account| with_lines.contains(account)) {
                text.push_str("; its lines stay as they are");
            }
            (notice, text)
        })
        .collect()
}

/// A table of changes, cut after so many.
pub(crate) fn some(changes: &[&Change], at_most: usize, ids: bool, ages: Ages<'_>) -> String {
    let shown = changes.iter().take(at_most).copied();
    let mut out = lines(&changes_table(shown, ids, ages));
    if changes.len() > at_most {
        let _ = writeln!(out, " ... and {} more", changes.len() - at_most);
    }
    out
}

fn changes_table<'a>(
    changes: impl Iterator<Item = &'a Change>,
    ids: bool,
    ages: Ages<'_>,
) -> Table {
    let mut changes = changes.peekable();
    let of_account = changes
        .peek()
        .is_some_and(|change| change.action.is_of_account());
    let mut table = airy_table([
        columns(of_account),
        "Change, and from when",
        if ids {
            "Why, and the change's id"
        } else {
            "Why"
        },
    ]);
    for change in changes {
        let (what, step) = action_words(&change.action);
        let mut why = safe(&change.reason);
        if let Some(prediction) = &change.prediction {
            let _ = write!(why, "; predicted: {}", safe(&prediction.to_string()));
        }
        if let Action::WriteNote { from, to, .. } = &change.action {
            why.push_str(&note_text(from.as_deref(), to));
        }
        if let Some(age) = ages.words(change.evidence.as_of) {
            let _ = write!(why, "\n{age}");
        }
        if ids {
            let _ = write!(why, "\nid {}", short(change.id.as_str()));
            if change.final_block().is_some() {
                why.push_str("\ncannot be overridden");
            }
        }
        let when = match &change.action {
            Action::AddCharge { .. } => format!("\ndated {}", change.effective),
            Action::SetCount { .. } => format!("\nas of {}", change.effective),
            Action::WriteNote { .. } => format!("\non {}", change.effective),
            action if action.is_of_account() || action.creates_product() => String::new(),
            _ => format!("\nfrom {}", change.effective),
        };
        table.add_row([place(change), format!("{what}\n{step}{when}"), why]);
    }
    keep_wide(&mut table, &[(0, 26), (1, 24)]);
    table
}

/// How many lines of a note are shown of each sort.
const NOTE_LINES: usize = 8;

/// The text of a block of a note, and before it what of the block in its place goes.
fn note_text(from: Option<&str>, to: &str) -> String {
    let mut out = String::new();
    let mut show = |mark: &str, lines: &[&str]| {
        for line in lines.iter().take(NOTE_LINES) {
            let _ = write!(out, "\n{mark} {}", safe(line));
        }
        if let Some(more @ 1..) = lines.len().checked_sub(NOTE_LINES) {
            let _ = write!(out, "\n{mark} and {more} lines more");
        }
    };
    let stays: Vec<&str> = to.lines().collect();
    let before = from.unwrap_or_default().lines();
    let goes: Vec<&str> = before.filter(|line| !stays.contains(line)).collect();
    show("-", &goes);
    show("|", &stays);
    out
}

/// What [`place`] names.
pub(crate) fn columns(of_account: bool) -> &'static str {
    if of_account {
        "Company, account, property"
    } else {
        "Company, agreement, product"
    }
}

/// Company, agreement and product, one under the other.
pub(crate) fn place(change: &Change) -> String {
    if change.action.creates_product() {
        return format!("catalogue\n{}", safe(&change.labels.product));
    }
    if change.action.creates_agreement() {
        // It is for all products that come onto it.
        let labels = &change.labels;
        return format!("{}\n{}", safe(&labels.company), safe(&labels.agreement));
    }
    let place = format!(
        "{}\n{}\n{}",
        safe(&change.labels.company),
        safe(&change.labels.agreement),
        safe(&change.labels.product)
    );
    match &change.action {
        Action::AddCharge { account, .. } => {
            format!("{place}\naccount {}", safe(account.as_str()))
        }
        _ => place,
    }
}

/// Where a change is, on one line.
pub(crate) fn place_line(change: &Change) -> String {
    if change.action.creates_product() {
        return format!("catalogue, {}", safe(&change.labels.product));
    }
    if change.action.creates_agreement() {
        let labels = &change.labels;
        return format!("{}, {}", safe(&labels.company), safe(&labels.agreement));
    }
    let place = format!(
        "{}, {}, {}",
        safe(&change.labels.company),
        safe(&change.labels.agreement),
        safe(&change.labels.product)
    );
    match &change.action {
        Action::AddCharge { account, bill, .. } => {
            let account = safe(account.as_str());
            format!("{place}, bill of {} for account {account}", bill.date)
        }
        _ => place,
    }
}

/// What a change does, and from what to what.
pub(crate) fn action_words(action: &Action) -> (&'static str, String) {
    let money = |money: &Option<tallyline_core::model::Money>| {
        money.map_or_else(|| "none".to_owned(), |money| money.to_string())
    };
    match action {
        Action::CreateLine {
            quantity,
            last_day: Some(day),
            ..
        } => ("new line", format!("none -> {quantity} until {day}")),
        Action::CreateLine {
            quantity,
            like: Some(line),
            ..
        } => ("new line", format!("{quantity} in place of line {line}")),
        Action::CreateLine { quantity, .. } => ("new line", format!("none -> {quantity}")),
        Action::SetQuantity { from, to, .. } => ("quantity", format!("{from} -> {to}")),
        Action::SetUnitCost { from, to, .. } => ("unit cost", format!("{} -> {to}", money(from))),
        Action::SetUnitPrice { from, to, .. } => ("unit price", format!("{} -> {to}", money(from))),
        Action::EndLine {
            from,
            last_day,
            replaced_by: Some(to),
            ..
        } => (
            "end line",
            format!("{from} -> ends {last_day}, {to} follows"),
        ),
        Action::EndLine { from, last_day, .. } => {
            ("end line", format!("{from} -> ends {last_day}"))
        }
        Action::CreateAgreement {
            billing_cycle,
            last_day,
            parent,
            ..
        } => {
            let until = last_day.map_or_else(String::new, |day| format!(", until {day}"));
            match parent {
                Some(parent) => (
                    "new child agreement",
                    format!("under {parent}, billed {billing_cycle}{until}"),
                ),
                None => ("new agreement", format!("billed {billing_cycle}{until}")),
            }
        }
        Action::AddCharge {
            quantity,
            unit_price,
            ..
        } if *quantity == Quantity::ONE => ("charge, once", unit_price.to_string()),
        Action::AddCharge {
            quantity,
            unit_price,
            ..
        } => ("charge, once", format!("{quantity} at {unit_price}")),
        Action::CreateProduct { name, .. } => ("new product", safe(name)),
        Action::WriteNote { from, to, .. } => {
            let lines = to.lines().count();
            let how = if from.is_some() { "replaced" } else { "added" };
            ("note", format!("block of {lines} lines {how}"))
        }
        Action::CreateAccount { name } => ("new account", safe(name)),
        Action::LinkAccount { name, .. } => ("company's id", format!("onto {}", safe(name))),
        Action::SetCount {
            from: Some(from),
            to,
        } => ("count", format!("{from} -> {to}")),
        Action::SetCount { from: None, to } => ("count", format!("not known -> {to}")),
        other => ("other", other.to_string()),
    }
}

/// The beginning of an id: enough to tell it from others, and to type it.
pub(crate) fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// A guard as a person would name it.
pub(crate) fn guard_words(guard: Guard) -> &'static str {
    match guard {
        Guard::TotalReduction => "too much at once",
        Guard::TotalIncrease => "too much new at once",
        Guard::StaleReading => "the reading is old",
        Guard::CommitmentFloor => "under a commitment",
        Guard::InvoicedPeriod => "already invoiced",
        Guard::AgreementDates => "not within the agreement",
        Guard::Currency => "different currencies",
        Guard::AmbiguousProduct => "which product is not known",
        Guard::EditedNote => "somebody wrote into the note's block",
        Guard::WholeUnits => "not a whole number",
        Guard::NegativeQuantity => "below zero",
        Guard::UnmappedUsage => "usage not mapped",
        Guard::AmbiguousAccount => "which account it is cannot be told",
        Guard::SimilarAccount => "an account of nearly this name is there",
        Guard::Proration => "cannot be prorated",
        Guard::FirstAssociation => "there before the first sync",
        Guard::Unsupported => "not possible",
        other => other.as_str(),
    }
}

/// A kind of finding as a heading.
pub(crate) fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::NewRevenue => "Used but not billed",
        Kind::Change | Kind::NoChange => "Costs left as they are",
        Kind::VendorMissing => "Billed, but the vendor shows no usage",
        Kind::Unmapped => "Not mapped yet",
        Kind::Excluded => "Excluded on purpose",
        Kind::SwitchedOff => "Mapped, but switched off",
        Kind::Ambiguous => "More than one line could be meant",
        Kind::NotObserved => "Not read, so nothing is changed",
        Kind::NotEligible => "Cannot take synced lines",
        Kind::Dismissed => "Dismissed for this billing period",
        Kind::NotBilled => "Charged by the vendor, and billed to nobody",
        Kind::FirstCount => "Not counted yet",
        Kind::NotDue => "Waiting for the vendor's billing date",
        other => other.as_str(),
    }
}

/// How many of the blocked changes a person's word lets through.
pub(crate) fn overridable(plan: &Plan) -> usize {
    let blocked = plan.changes().iter().filter(|change| change.is_blocked());
    blocked
        .filter(|change| change.final_block().is_none())
        .count()
}

fn next_step(plan: &Plan, file: &Path) -> String {
    let file = files::shown(file);
    let summary = plan.summary();
    match (summary.ready, overridable(plan)) {
        (0, 0) if summary.blocked > 0 && !plan.content().kind.is_billing() => {
            "Everything left waits for a person: see what each says, then make the plan again."
                .to_owned()
        }
        (0, 0) if summary.blocked > 0 => {
            "Everything left is blocked, and the PSA would refuse it: see what each says."
                .to_owned()
        }
        (0, 0) => "Nothing to do: both sides agree, but for what is listed above.".to_owned(),
        (0, _) => format!(
            "Everything left is blocked. To carry one out all the same:\n  tallyline apply {file} --override ID=REASON --by NAME"
        ),
        (_, 0) => format!("To carry it out: tallyline apply {file}"),
        _ => format!(
            "To carry out what is not blocked: tallyline apply {file}\n\
             To carry out a blocked one too:   add --override ID=REASON --by NAME"
        ),
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
