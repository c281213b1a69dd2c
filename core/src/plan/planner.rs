//! From a comparison to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::amounts::{cost_change, cost_to_write, price_change, price_to_write};
use super::dates::{Calendar, Direction};
use super::document::hex;
use super::duplicates::{self, Duplicate};
use super::guards::{self, Compared, Sums};
use super::holds;
use super::notes;
use super::notices::{Names, first_sync_notice, notice_of, notice_of_kind, notices_of};
use super::own::{self, first_day_of_new};
use super::pieces::{PIECES, Rows};
use super::prorated::{prediction, wants_proration};
use super::requantify::Requantify;
use super::{
    Action, Change, Duplicates, Evidence, Labels, Notice, Plan, PlanContent, PlanKind, PlannedBill,
    Policy, ProrationCheck, Strategy, UsageEvidence, VendorMissing,
};
use super::{canonical, count};
use crate::error::{Error, ErrorKind, Result, into_printable, printable};
use crate::model::{
    AgreementId, AgreementLine, ChangeId, CivilDate, Marker, Money, Quantity, Service, Timestamp,
    VendorAccount, VendorAccountId,
};
use crate::reconcile::{Comparison, GROUP, Kind, Row, VendorCost, few, look_at_rows, shared_into};
use crate::sink::SinkDescriptor;
use crate::source::SourceDescriptor;

/// What a planner needs beside the comparison.
#[derive(Clone, Debug)]
pub struct PlanContext<'a> {
    /// The source.
    pub source: &'a SourceDescriptor,
    /// The sink.
    pub sink: &'a SinkDescriptor,
    /// The present instant: how old the readings are.
    pub now: Timestamp,
    /// The vendor's accounts, for their names.
    pub accounts: &'a [VendorAccount],
    /// The vendor's services, for their names.
    pub services: &'a [Service],
    /// The day of the first sync, where that is known: the day of the plan where nothing was written
    /// before. Within a period it prorates nothing.
    pub first_sync: Option<CivilDate>,
}

/// What the rows before have begun.
#[derive(Default)]
struct Begun {
    /// The agreements that are synced for the first time.
    first_synced: BTreeSet<AgreementId>,
    /// The change that creates the agreement of the row before.
    creation: Option<ChangeId>,
}

/// Turns a comparison into a plan by a policy. The same inputs give the same plan.
#[derive(Clone, Debug, Default)]
pub struct Planner {
    policy: Policy,
}

impl Planner {
    /// A planner with a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// Plans the changes that the comparison asks for. The plan's policy has no more decimal places than the sink
    /// keeps.
    ///
    /// # Errors
    /// `Unexpected` when the plan cannot be hashed.
    pub fn plan(&self, comparison: &Comparison<'_>, context: &PlanContext<'_>) -> Result<Plan> {
        let within = Self::new(self.policy.clone().within(context.sink));
        within.plan_rows(comparison, context)
    }

    fn plan_rows(&self, comparison: &Comparison<'_>, context: &PlanContext<'_>) -> Result<Plan> {
        let Rows {
            mut changes,
            mut notices,
            unchanged,
            held_back,
            compared,
            sums,
            are_linked,
        } = self.rows(comparison, context)?;
        notices.extend(notices_of(&unchanged, context));
        if !comparison.unplaced().is_empty() {
            let names = Names::new(context);
            let unplaced = comparison.unplaced().iter();
            notices.extend(unplaced.map(|record| names.notice(record)));
        }
        let without_notes = changes.len();
        notes::plan(comparison, context, &mut changes, &mut notices)?;
        guards::block_in_sum(compared, &sums, &mut changes, &self.policy);
        if are_linked || guards::are_linked(changes.iter().skip(without_notes)) {
            guards::block_together(&mut changes);
        }
        let content = PlanContent {
            kind: PlanKind::Billing,
            source: context.source.system.to_owned(),
            source_tenant: context.source.tenant.clone(),
            sink: context.sink.system.to_owned(),
            sink_tenant: context.sink.tenant.clone(),
            strategy: context.sink.strategy,
            made: context.now,
            origin: None,
            today: comparison.today(),
            data_as_of: comparison.oldest(),
            refresh_seconds: Some(context.source.fresh_for.as_secs()),
            mapping_revision: comparison.mapping_revision(),
            policy: self.policy.clone(),
            found: comparison.counts(),
            unowned_lines: comparison.unowned_lines(),
            bills: planned_bills(comparison, &changes, &held_back),
            changes,
            notices,
        };
        Plan::on_threads(content, comparison.threads())
    }

    /// What all rows come to. Those of an agreement are worked on together, and one agreement needs nothing
    /// of another: cores share the agreements.
    fn rows<'c>(
        &self,
        comparison: &'c Comparison<'_>,
        context: &PlanContext<'_>,
    ) -> Result<Rows<'c>> {
        let (pieces, compared) = if self.looks_at_all(comparison, context) {
            (comparison.row_pieces(PIECES), Compared::default())
        } else {
            let compared = Compared::of(comparison.agreeing());
            (comparison.telling_pieces(PIECES), compared)
        };
        let all = Rows::with_room(comparison.differing(), compared);
        let room = comparison.differing() / PIECES;
        let all = shared_into(
            (comparison.threads(), pieces),
            Ok(all),
            |rows| self.piece(rows, context, room + room / 8),
            |all: &mut Result<Rows<'c>>, piece| match (all, piece) {
                (Ok(all), Ok(piece)) => all.append(piece),
                (Err(_), _) => {}
                (all, Err(error)) => *all = Err(error),
            },
        );
        let mut all = all?;
        if !self.sums_by_row() {
            all.sums = Sums::of(&all.changes);
        }
        Ok(all)
    }

    /// What the rows of some agreements come to, with room for so many changes at first.
    fn piece<'c>(
        &self,
        rows: impl Iterator<Item = Row<'c>>,
        context: &PlanContext<'_>,
        room: usize,
    ) -> Result<Rows<'c>> {
        let mut out = Rows::default();
        out.changes.reserve(room);
        let mut begun = Begun::default();
        let mut rows = rows.peekable();
        let mut group = Vec::with_capacity(GROUP);
        while rows.peek().is_some() {
            group.extend(rows.by_ref().take(GROUP));
            let companies = look_at_rows(&group);
            for (row, company) in group.drain(..).zip(companies) {
                let from = out.changes.len();
                self.add_row(row, context, &mut begun, &mut out)?;
                let company = company.map_or(row.agreement().company.as_str(), |c| &c.name);
                self.finish_row(row, company, from, &mut out);
            }
        }
        Ok(out)
    }

    /// Names the company in a row's changes, which begin at a position, and counts them while they are at hand.
    fn finish_row<'c>(&self, row: Row<'c>, company: &str, from: usize, out: &mut Rows<'c>) {
        out.compared.add_row(row);
        let changes = out.changes.get_mut(from..).unwrap_or_default();
        for change in &mut *changes {
            change.labels.company = printable(company);
        }
        out.are_linked |= guards::are_linked(changes.iter());
        if self.sums_by_row() {
            out.sums.add(changes);
        }
    }

    /// Whether no line is changed by two rows: duplicates that are ended may be of another one.
    fn sums_by_row(&self) -> bool {
        self.policy.duplicates != Duplicates::End
    }

    /// Adds what one row comes to.
    fn add_row<'c>(
        &self,
        row: Row<'c>,
        context: &PlanContext<'_>,
        begun: &mut Begun,
        out: &mut Rows<'c>,
    ) -> Result<()> {
        if let Some((kind, reason)) = holds::held(row, &self.policy, context) {
            out.hold_back(row);
            out.notices
                .push(notice_of_kind(row, kind, &reason, context));
            return Ok(());
        }
        let from = out.changes.len();
        self.changes_of(row, row.today(), context, &mut out.changes)?;
        if out.changes.len() == from {
            // Of what agrees there is nothing to tell.
            if !matches!(row.kind(), Kind::NoChange | Kind::Exported) {
                out.hold_back(row);
                out.unchanged.push(row);
            }
        } else if self.is_first_sync(row, context) && begun.first_synced.insert(row.agreement_id())
        {
            let calendar = self.calendar(row);
            let first = calendar.running_period().0;
            out.notices.push(first_sync_notice(row, first, context));
        }
        self.end_duplicates(row, context, &mut out.changes)?;
        if row.new_agreement().is_some() && out.changes.len() > from {
            let changes = (&mut out.changes, from);
            self.create_first(row, context, &mut begun.creation, changes)?;
        }
        out.notices.extend(self.cost_notice_of(row, context));
        Ok(())
    }

    /// Whether rows that agree may ask for a change as well. Most rows do agree, and are not looked at otherwise.
    fn looks_at_all(&self, comparison: &Comparison<'_>, context: &PlanContext<'_>) -> bool {
        let ends_duplicates =
            comparison.ledger().is_some() && self.policy.duplicates != Duplicates::Report;
        context.sink.capabilities.set_count || ends_duplicates
    }

    /// Puts the change that creates the row's agreement before its changes, which begin at a position, unless
    /// one of the rows before has.
    fn create_first(
        &self,
        row: Row<'_>,
        context: &PlanContext<'_>,
        creation: &mut Option<ChangeId>,
        (changes, from): (&mut Vec<Change>, usize),
    ) -> Result<()> {
        let Some(new) = row.new_agreement() else {
            return Ok(());
        };
        let effective = own::start_of_new(new, &self.policy, row.today());
        let (action, reason) = own::creation(row, new, &self.policy, effective, context);
        let intent = (
            context.source.system,
            context.sink.system,
            row.agreement_id(),
            &action,
            effective,
        );
        let id = intent_id(&intent)?;
        let of_row = changes.iter_mut().skip(from);
        for change in of_row.filter(|change| change.follows.is_none()) {
            change.follows = Some(id.clone());
        }
        if creation.as_ref() != Some(&id) {
            let mut change = self.change(row, action, effective, reason, context)?;
            change.id = id.clone();
            change.marker = Marker::of_change(&id);
            changes.insert(from, change);
            *creation = Some(id);
        }
        Ok(())
    }

    /// Adds the changes of one row: the quantity first, then the cost.
    fn changes_of(
        &self,
        row: Row<'_>,
        today: CivilDate,
        context: &PlanContext<'_>,
        out: &mut Vec<Change>,
    ) -> Result<()> {
        if row.new_agreement().is_some() && !self.policy.create_agreements {
            return Ok(());
        }
        if let Some(sum) = row.charge() {
            if row.kind() == Kind::NewRevenue {
                let (action, reason) = own::charge(row, sum, &self.policy, &context.source.name);
                let date = sum.key.bill.date;
                let mut change = self.change(row, action, date, reason, context)?;
                change.marker = sum.key.marker(context.source.system);
                out.push(change);
            }
            return Ok(());
        }
        if context.sink.capabilities.set_count {
            if let Some((action, reason)) = count::of_row(row, context) {
                out.push(self.change(row, action, today, reason, context)?);
            }
            return Ok(());
        }
        // Most rows agree: no day is looked for, for these.
        let agrees = row.kind() == Kind::NoChange;
        if agrees && row.has_line() && !self.policy.syncs_amounts() {
            return Ok(());
        }
        let line = row.line().filter(|_| agrees);
        let (source, sink) = (&*context.source.name, context.sink.name);
        if line.is_some_and(|line| self.amounts_of(row, line, source, sink).is_empty()) {
            return Ok(());
        }
        let calendar = self.calendar(row);
        let first_day = || match (row.new_agreement(), row.kind()) {
            (Some(new), _) => first_day_of_new(new, &self.policy, today),
            (None, Kind::NewRevenue) => calendar.first_day_of_line(),
            (None, Kind::VendorMissing) => calendar.first_day(Direction::Decrease),
            (None, _) => calendar.first_day(Direction::Either),
        };
        let mut amounts_are_written = false;
        match (row.kind(), row.line(), row.vendor()) {
            (Kind::NewRevenue, None, Some(quantity)) if self.policy.create_lines => {
                let effective = first_day();
                let action = Action::CreateLine {
                    quantity,
                    unit_cost: cost_to_write(row, &self.policy),
                    unit_price: price_to_write(row, &self.policy),
                    last_day: None,
                    like: None,
                };
                let reason = format!(
                    "{}; {sink} bills none: new revenue, from {effective} on",
                    shows(row, source, quantity)
                );
                out.push(self.change(row, action, effective, reason, context)?);
            }
            (Kind::Change, Some(line), Some(to)) => {
                let first = out.len();
                self.requantify(row, line, to, context, out)?;
                let mut changes = out.iter().skip(first);
                amounts_are_written =
                    changes.any(|change| matches!(change.action, Action::EndLine { .. }));
            }
            (Kind::VendorMissing, Some(line), _)
                if self.policy.vendor_missing == VendorMissing::EndLine =>
            {
                let (from, effective) = (line.state.quantity, first_day());
                let action = Action::EndLine {
                    line: line.id.clone(),
                    from,
                    last_day: effective.plus_days(-1),
                    replaced_by: None,
                };
                let reason = format!(
                    "{source} shows no usage; {sink} bills {from}: the line ends, and bills \
                     nothing from {effective} on"
                );
                out.push(self.change(row, action, effective, reason, context)?);
            }
            _ => {}
        }
        if let (Kind::Change | Kind::NoChange, Some(line)) = (row.kind(), row.line())
            && !amounts_are_written
        {
            for (action, reason) in self.amounts_of(row, line, source, sink) {
                let effective = if context.sink.capabilities.dated_quantities {
                    first_day()
                } else {
                    calendar.in_place_from(first_day())
                };
                out.push(self.change(row, action, effective, reason, context)?);
            }
        }
        Ok(())
    }

    /// The cost and the price per unit that a line is to hold and does not.
    fn amounts_of(
        &self,
        row: Row<'_>,
        line: &AgreementLine,
        source: &str,
        sink: &str,
    ) -> Vec<(Action, String)> {
        let cost = cost_change(row, line, &self.policy);
        let price = price_change(row, line, &self.policy);
        if cost.is_none() && price.is_none() {
            return Vec::new();
        }
        let shown =
            |held: Option<Money>| held.map_or_else(|| "none".to_owned(), |held| held.to_string());
        let cost = cost.map(|to| {
            let from = line.state.unit_cost;
            let reason = format!(
                "{source} charges {to} per unit; {sink} holds {}",
                shown(from)
            );
            let line = line.id.clone();
            (Action::SetUnitCost { line, from, to }, reason)
        });
        let price = price.map(|to| {
            let from = line.state.unit_price;
            let reason = format!(
                "{source} states a price of {to} per unit for the client; {sink} bills {}",
                shown(from)
            );
            let line = line.id.clone();
            (Action::SetUnitPrice { line, from, to }, reason)
        });
        cost.into_iter().chain(price).collect()
    }

    /// The days of a row's agreement.
    fn calendar<'r>(&'r self, row: Row<'r>) -> Calendar<'r> {
        Calendar::new(&self.policy, row.agreement(), row.today()).of_metered(|| row.is_metered())
    }

    /// Whether a row is synced for the first time within a period, where changes are prorated by the
    /// policy: the days before are left to a person.
    fn is_first_sync(&self, row: Row<'_>, context: &PlanContext<'_>) -> bool {
        context.first_sync == Some(row.today())
            && self.policy.has_proration()
            && self.calendar(row).running_period().0 < row.today()
    }

    /// Adds the ends of lines that were there before and would bill the same thing twice.
    fn end_duplicates(
        &self,
        row: Row<'_>,
        context: &PlanContext<'_>,
        out: &mut Vec<Change>,
    ) -> Result<()> {
        for duplicate in duplicates::of_row(row, &self.policy) {
            let Some(agreement) = row.book().agreement(duplicate.agreement) else {
                continue;
            };
            let calendar = Calendar::new(&self.policy, agreement, row.today());
            let effective = calendar.first_day(Direction::Decrease);
            let (action, reason) = duplicate.end(effective);
            let mut change = self.change(row, action, effective, reason, context)?;
            if agreement.id != row.agreement().id {
                change.agreement = agreement.id.clone();
                change.labels.agreement = printable(&agreement.name);
                change.evidence.next_invoice = agreement.next_invoice;
                change.blocks =
                    guards::of_agreement(agreement, &change, &self.policy, context.sink);
            }
            change.evidence.revision = duplicate.line.revision.clone();
            Duplicate::guard(&mut change, &self.policy);
            out.push(change);
        }
        Ok(())
    }

    /// Adds the changes that bring a new quantity onto a line, by the sink's strategy.
    fn requantify(
        &self,
        row: Row<'_>,
        line: &AgreementLine,
        to: Quantity,
        context: &PlanContext<'_>,
        out: &mut Vec<Change>,
    ) -> Result<()> {
        let agreement = row.agreement();
        let calendar = self.calendar(row);
        let direction = Direction::of(line.state.quantity, to);
        let mut strategy = calendar.strategy(context.sink, direction);
        if strategy == Strategy::InPlaceWithCatchUp && self.is_first_sync(row, context) {
            strategy = Strategy::InPlace;
        }
        // Where it is not known that the PSA bills a line in proportion to the days up to its
        // end, a line ends with a period.
        let by_periods = strategy == Strategy::Versioned
            && !context.sink.prorates_ends
            && !calendar.is_in_arrears();
        let effective = if by_periods {
            calendar.first_of_next_period()
        } else {
            calendar.first_day(direction)
        };
        let steps = Requantify {
            agreement,
            calendar,
            line,
            lines: row.lines(),
            to,
            unit_cost: cost_change(row, line, &self.policy).or(line.state.unit_cost),
            unit_price: price_change(row, line, &self.policy).or(line.state.unit_price),
            effective,
            dated: context.sink.capabilities.dated_quantities,
            policy: &self.policy,
            shows: shows(row, &context.source.name, to),
            sink: context.sink.name,
        }
        .steps(strategy);
        let first = out.len();
        for step in steps {
            let mut change = self.change(row, step.action, step.effective, step.reason, context)?;
            if let Some(precondition) = step.precondition {
                change.precondition = precondition;
            }
            if step.follows {
                let before = out.iter().skip(first).next_back();
                change.follows = before.map(|before| before.id.clone());
            }
            out.push(change);
        }
        Ok(())
    }

    fn change(
        &self,
        row: Row<'_>,
        action: Action,
        effective: CivilDate,
        reason: String,
        context: &PlanContext<'_>,
    ) -> Result<Change> {
        let (agreement, product) = (row.agreement(), row.product());
        let named = row.agreement_id();
        let intent = (
            context.source.system,
            context.sink.system,
            &named,
            product,
            &action,
            effective,
        );
        let mut change = Change::new(
            intent_id(&intent)?,
            agreement.company.clone(),
            named,
            product.clone(),
            action,
            effective,
        );
        // The company's name comes with the row's other changes.
        change.labels = Labels {
            company: String::new(),
            agreement: match row.new_agreement() {
                Some(new) => own::name_of_new(new, context),
                None => printable(&agreement.name),
            },
            product: printable(
                row.listed_product()
                    .map_or(product.as_str(), |p| p.identifier.as_str()),
            ),
        };
        change.reason = into_printable(reason);
        change.evidence = Evidence {
            usage: few(row.evidence().map(|line| UsageEvidence {
                account: row.account_of(&line).clone(),
                service: row.service_of(&line).clone(),
                line: line.key().clone(),
                quantity: line.quantity,
            })),
            rules: row.rules(),
            as_of: row.as_of(),
            revision: row.line().and_then(|line| line.revision.clone()),
            next_invoice: agreement.next_invoice,
            undoes: None,
        };
        change.prediction = prediction(row, &change, context).map(Box::new);
        change.blocks = guards::blocks(row, &change, &self.policy, context);
        Ok(change)
    }

    fn cost_notice_of(&self, row: Row<'_>, context: &PlanContext<'_>) -> Option<Notice> {
        if let Some(sentence) = own::charged_otherwise(row, &self.policy) {
            return Some(notice_of(row, &sentence, context));
        }
        let changes = matches!(row.kind(), Kind::Change | Kind::NewRevenue);
        let direction = || match (row.psa(), row.vendor()) {
            (from, Some(to)) => Direction::of(from.unwrap_or_default(), to),
            _ => Direction::Either,
        };
        if changes
            && self.policy.proration_check == ProrationCheck::Warn
            && wants_proration(row, direction(), &self.policy)
        {
            let sentence = "post-billing with proration needs the agreement's option to prorate, \
                            which is off: the change is not prorated";
            return Some(notice_of(row, sentence, context));
        }
        let costs = self.policy.sync_unit_cost && !context.sink.capabilities.set_count;
        let mixed = costs && row.vendor_cost() == VendorCost::Mixed;
        mixed.then(|| {
            notice_of(
                row,
                "the vendor's lines have different costs per unit; the cost is not changed",
                context,
            )
        })
    }
}

/// The bills of which nothing is left open or waits, each with the changes that rest on its account.
fn planned_bills(
    comparison: &Comparison<'_>,
    changes: &[Change],
    held_back: &BTreeSet<&VendorAccountId>,
) -> Vec<PlannedBill> {
    let bills = comparison.bills();
    if bills.is_empty() {
        return Vec::new();
    }
    let mut resting: BTreeMap<&VendorAccountId, Vec<ChangeId>> = BTreeMap::new();
    for change in changes {
        let accounts: BTreeSet<_> = change.evidence.usage.iter().map(|l| &l.account).collect();
        for account in accounts {
            resting.entry(account).or_default().push(change.id.clone());
        }
    }
    bills
        .into_iter()
        .filter(|(account, _)| !held_back.contains(account))
        .map(|(account, bill)| PlannedBill {
            account: account.clone(),
            bill: bill.stamp(),
            changes: resting.get(account).cloned().unwrap_or_default(),
        })
        .collect()
}

/// The hash of an intent, which is what a change does to what and on which state, as the id of the change that has it.
pub(crate) fn intent_id(intent: &impl Serialize) -> Result<ChangeId> {
    let mut bytes = Vec::with_capacity(1 << 8);
    canonical::write(intent, &mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "a change cannot be hashed").with_source(error)
    })?;
    Ok(ChangeId::new(hex(&Sha256::digest(bytes), 24)))
}

/// What the source shows for a row, and what the mapping's rules make of it where that is another number.
pub(super) fn shows<'a>(row: Row<'_>, source: &'a str, billed: Quantity) -> Shows<'a> {
    let mut used = row.evidence().map(|line| line.quantity);
    let used = used.try_fold(Quantity::ZERO, |sum, one| sum.checked_add(one));
    Shows {
        source,
        used: used.unwrap_or(billed),
        billed,
    }
}

/// "Sherweb shows 12", "Sherweb shows 12, which bills as 10".
pub(super) struct Shows<'a> {
    source: &'a str,
    used: Quantity,
    billed: Quantity,
}

impl fmt::Display for Shows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shows {}", self.source, self.used)?;
        if self.used != self.billed {
            write!(f, ", which bills as {}", self.billed)?;
        }
        Ok(())
    }
}
