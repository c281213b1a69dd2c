//! From a comparison to a plan.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::count;
use super::document::hex;
use super::guards;
use super::notices::{Names, notice_of, notices_of};
use super::own::{self, first_day_of_new};
use super::strategy::{Requantify, in_place_from};
use super::{
    Action, Change, EffectiveDate, Evidence, Labels, Notice, Plan, PlanContent, PlanKind,
    PlannedBill, Policy, Strategy, UsageEvidence, VendorMissing,
};
use crate::error::{Error, ErrorKind, Result, printable};
use crate::model::{
    Agreement, AgreementLine, ChangeId, CivilDate, Marker, Money, Product, Quantity, Service,
    Timestamp, VendorAccount,
};
use crate::proration::Prediction;
use crate::reconcile::{Comparison, Kind, Row, VendorCost};
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

    /// Plans the changes that the comparison asks for.
    ///
    /// # Errors
    /// `Unexpected` when the plan cannot be written as JSON.
    pub fn plan(&self, comparison: &Comparison<'_>, context: &PlanContext<'_>) -> Result<Plan> {
        let names = Names::new(context);
        let mut changes = Vec::new();
        let mut notices = Vec::new();
        let mut unchanged = Vec::new();
        let mut creation: Option<ChangeId> = None;
        for row in comparison.rows() {
            let mut of_row = Vec::new();
            self.changes_of(row, comparison.today(), context, &mut of_row)?;
            if of_row.is_empty() {
                unchanged.push(row);
            }
            if row.new_agreement().is_some() && !of_row.is_empty() {
                self.create_first(row, comparison.today(), context, &mut creation, &mut of_row)?;
            }
            changes.append(&mut of_row);
            notices.extend(self.cost_notice_of(row, context));
        }
        notices.extend(notices_of(&unchanged, context));
        notices.extend(
            comparison
                .unplaced()
                .iter()
                .map(|record| names.notice(record)),
        );
        guards::block_in_sum(comparison, &mut changes, &self.policy);
        guards::block_together(&mut changes);
        Plan::new(PlanContent {
            kind: PlanKind::Billing,
            source: context.source.system.to_owned(),
            source_tenant: context.source.tenant.clone(),
            sink: context.sink.system.to_owned(),
            sink_tenant: context.sink.tenant.clone(),
            strategy: context.sink.strategy,
            made: context.now,
            origin: None,
            today: comparison.today(),
            data_as_of: comparison.rows().filter_map(|row| row.as_of()).min(),
            refresh_seconds: Some(context.source.fresh_for.as_secs()),
            mapping_revision: comparison.mapping_revision(),
            policy: self.policy.clone(),
            found: comparison.counts(),
            unowned_lines: comparison.unowned_lines(),
            bills: planned_bills(comparison, &changes),
            changes,
            notices,
        })
    }

    /// Puts the change that creates the row's agreement before its changes, unless one of the
    /// rows before has.
    fn create_first(
        &self,
        row: Row<'_>,
        today: CivilDate,
        context: &PlanContext<'_>,
        creation: &mut Option<ChangeId>,
        changes: &mut Vec<Change>,
    ) -> Result<()> {
        let Some(new) = row.new_agreement() else {
            return Ok(());
        };
        let effective = own::start_of_new(new, &self.policy, today);
        let (action, reason) = own::creation(row, new, &self.policy, effective, context);
        let intent = (
            context.source.system,
            context.sink.system,
            row.agreement_id(),
            &action,
            effective,
        );
        let id = intent_id(&intent)?;
        for change in changes.iter_mut().filter(|change| change.follows.is_none()) {
            change.follows = Some(id.clone());
        }
        if creation.as_ref() != Some(&id) {
            let mut change = self.change(row, action, effective, reason, context)?;
            change.id = id.clone();
            change.marker = Marker::new(id.as_str());
            changes.insert(0, change);
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
        let effective = match row.new_agreement() {
            Some(new) => first_day_of_new(new, &self.policy, today),
            None => first_day(&self.policy, row.agreement(), today),
        };
        let (source, sink) = (&*context.source.name, context.sink.name);
        let mut add = |action: Action, reason: String| -> Result<()> {
            out.push(self.change(row, action, effective, reason, context)?);
            Ok(())
        };
        let mut cost_is_written = false;
        match (row.kind(), row.line(), row.vendor()) {
            (Kind::NewRevenue, None, Some(quantity)) if self.policy.create_lines => {
                let unit_cost = self.cost_to_write(row);
                let action = Action::CreateLine {
                    quantity,
                    unit_cost,
                    unit_price: None,
                    last_day: None,
                    like: None,
                };
                add(
                    action,
                    format!(
                        "{}; {sink} bills none: new revenue, from {effective} on",
                        shows(row, source, quantity)
                    ),
                )?;
            }
            (Kind::Change, Some(line), Some(to)) => {
                let changes = self.requantify(row, line, to, today, context)?;
                cost_is_written = changes
                    .iter()
                    .any(|change| matches!(change.action, Action::EndLine { .. }));
                out.extend(changes);
            }
            (Kind::VendorMissing, Some(line), _)
                if self.policy.vendor_missing == VendorMissing::EndLine =>
            {
                let from = line.state.quantity;
                let action = Action::EndLine {
                    line: line.id.clone(),
                    from,
                    last_day: effective.plus_days(-1),
                    replaced_by: None,
                };
                add(
                    action,
                    format!(
                        "{source} shows no usage; {sink} bills {from}: the line ends, and bills \
                         nothing from {effective} on"
                    ),
                )?;
            }
            _ => {}
        }
        if let (Kind::Change | Kind::NoChange, Some(line)) = (row.kind(), row.line())
            && !cost_is_written
            && let Some(to) = self.cost_change(row, line)
        {
            let from = line.state.unit_cost;
            let bills = from.map_or_else(|| "none".to_owned(), |cost| cost.to_string());
            let action = Action::SetUnitCost {
                line: line.id.clone(),
                from,
                to,
            };
            let reason = format!("{source} charges {to} per unit; {sink} holds {bills}");
            let effective = if context.sink.capabilities.dated_quantities {
                effective
            } else {
                in_place_from(row.agreement(), effective)
            };
            out.push(self.change(row, action, effective, reason, context)?);
        }
        Ok(())
    }

    /// The changes that bring a new quantity onto a line, by the sink's strategy.
    fn requantify(
        &self,
        row: Row<'_>,
        line: &AgreementLine,
        to: Quantity,
        today: CivilDate,
        context: &PlanContext<'_>,
    ) -> Result<Vec<Change>> {
        let agreement = row.agreement();
        let strategy = context.sink.strategy;
        // Where it is not known that the PSA bills a line in proportion to the days up to its
        // end, a line ends with a period.
        let effective = if strategy == Strategy::Versioned && !context.sink.prorates_ends {
            not_before(agreement, next_period(agreement, today))
        } else {
            first_day(&self.policy, agreement, today)
        };
        let steps = Requantify {
            agreement,
            line,
            lines: row.book().lines(&agreement.id).unwrap_or_default(),
            to,
            unit_cost: self.cost_change(row, line).or(line.state.unit_cost),
            effective,
            dated: context.sink.capabilities.dated_quantities,
            policy: &self.policy,
            shows: shows(row, &context.source.name, to),
            sink: context.sink.name,
        }
        .steps(strategy);
        let mut changes: Vec<Change> = Vec::new();
        for step in steps {
            let mut change = self.change(row, step.action, step.effective, step.reason, context)?;
            if let Some(precondition) = step.precondition {
                change.precondition = precondition;
            }
            if step.follows {
                change.follows = changes.last().map(|before| before.id.clone());
            }
            changes.push(change);
        }
        Ok(changes)
    }

    fn change(
        &self,
        row: Row<'_>,
        action: Action,
        effective: CivilDate,
        reason: String,
        context: &PlanContext<'_>,
    ) -> Result<Change> {
        let agreement = row.agreement();
        let book = row.book();
        let id = change_id(context, row, &action, effective)?;
        let mut change = Change::new(
            id,
            agreement.company.clone(),
            row.agreement_id(),
            row.product().clone(),
            action,
            effective,
        );
        change.labels = Labels {
            company: printable(
                book.company(&agreement.company)
                    .map_or(agreement.company.as_str(), |c| c.name.as_str()),
            ),
            agreement: match row.new_agreement() {
                Some(new) => own::name_of_new(new, context),
                None => printable(&agreement.name),
            },
            product: printable(
                book.product(row.product())
                    .map_or(row.product().as_str(), |p| p.identifier.as_str()),
            ),
        };
        change.reason = printable(&reason);
        change.evidence = Evidence {
            usage: row
                .evidence()
                .map(|line| UsageEvidence {
                    account: row.account_of(line).clone(),
                    service: row.service_of(line).clone(),
                    line: line.key.clone(),
                    quantity: line.quantity,
                })
                .collect(),
            rules: row.rules(),
            as_of: row.as_of(),
            revision: row.line().and_then(|line| line.revision.clone()),
            next_invoice: agreement.next_invoice,
            undoes: None,
        };
        change.prediction = prediction(row, &change, context);
        change.blocks = guards::blocks(row, &change, &self.policy, context);
        Ok(change)
    }

    /// The vendor's cost, rounded, where there is one figure and it may be written.
    fn cost_to_write(&self, row: Row<'_>) -> Option<Money> {
        let VendorCost::Uniform(cost) = row.vendor_cost() else {
            return None;
        };
        self.policy.sync_unit_cost.then(|| Money {
            amount: self.policy.unit_cost_rounding().of(cost.amount).normalize(),
            currency: cost.currency,
        })
    }

    /// The cost to set, where it differs from the line's.
    fn cost_change(&self, row: Row<'_>, line: &AgreementLine) -> Option<Money> {
        let wanted = self.cost_to_write(row)?;
        let same = line.state.unit_cost.is_some_and(|held| {
            let currency = held
                .currency
                .or(guards::currency_of(row.agreement(), &self.policy));
            held.amount == wanted.amount
                && (currency == wanted.currency || currency.is_none() || wanted.currency.is_none())
        });
        (!same).then_some(wanted)
    }

    fn cost_notice_of(&self, row: Row<'_>, context: &PlanContext<'_>) -> Option<Notice> {
        if let Some(sentence) = own::charged_otherwise(row, &self.policy) {
            return Some(notice_of(row, &sentence, context));
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

/// The first day on which a change of an agreement counts.
pub(crate) fn first_day(policy: &Policy, agreement: &Agreement, today: CivilDate) -> CivilDate {
    let date = match policy.effective_date {
        EffectiveDate::Today => today,
        EffectiveDate::NextPeriod => next_period(agreement, today),
        EffectiveDate::ByAgreement => match agreement.counts_from {
            Some(day) => day,
            None if agreement.prorates == Some(true) => today,
            None => next_period(agreement, today),
        },
    };
    not_before(agreement, date)
}

/// The first day not invoiced yet, or the first of the next month where that is not known.
fn next_period(agreement: &Agreement, today: CivilDate) -> CivilDate {
    match agreement.next_invoice {
        Some(next) if next > today => next,
        _ => today.last_of_month().plus_days(1),
    }
}

/// The date, or the first day that the agreement bills where that is later.
fn not_before(agreement: &Agreement, date: CivilDate) -> CivilDate {
    agreement.bill_start.map_or(date, |start| date.max(start))
}

/// What the PSA is expected to compute for the first period of a new line.
fn prediction(row: Row<'_>, change: &Change, context: &PlanContext<'_>) -> Option<Prediction> {
    let rule = context.sink.proration.as_ref()?;
    let Action::CreateLine {
        quantity,
        unit_cost,
        unit_price,
        last_day,
        ..
    } = &change.action
    else {
        return None;
    };
    let agreement = row.agreement();
    if agreement.prorates != Some(true) {
        return None;
    }
    let period = agreement.period_of(change.effective)?;
    let product = row.book().product(row.product());
    let listed = |own: Option<Money>, of: fn(&Product) -> Option<Money>| {
        own.or_else(|| {
            let money = product.and_then(of)?;
            let currency = money.currency.or(agreement.currency);
            Some(Money { currency, ..money })
        })
    };
    let units = [
        listed(*unit_price, |product| product.unit_price),
        listed(*unit_cost, |product| product.unit_cost),
    ];
    let days = (change.effective, *last_day);
    Prediction::new(rule, &period, days, *quantity, units)
}

/// The bills of which nothing is left open, each with the changes that rest on its account.
fn planned_bills(comparison: &Comparison<'_>, changes: &[Change]) -> Vec<PlannedBill> {
    comparison
        .bills()
        .into_iter()
        .map(|(account, bill)| {
            let rests = |change: &&Change| {
                let mut usage = change.evidence.usage.iter();
                usage.any(|line| line.account == *account)
            };
            PlannedBill {
                account: account.clone(),
                bill: bill.clone(),
                changes: changes
                    .iter()
                    .filter(rests)
                    .map(|change| change.id.clone())
                    .collect(),
            }
        })
        .collect()
}

/// The hash of what the change does to what, on which state.
fn change_id(
    context: &PlanContext<'_>,
    row: Row<'_>,
    action: &Action,
    effective: CivilDate,
) -> Result<ChangeId> {
    let intent = (
        context.source.system,
        context.sink.system,
        row.agreement_id(),
        row.product(),
        action,
        effective,
    );
    intent_id(&intent)
}

/// The hash of an intent, as the id of the change that has it.
pub(crate) fn intent_id(intent: &impl Serialize) -> Result<ChangeId> {
    let bytes = serde_json::to_vec(intent).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "a change cannot be written as JSON").with_source(error)
    })?;
    Ok(ChangeId::new(hex(&Sha256::digest(bytes), 24)))
}

/// What the source shows for a row, and what the mapping's rules make of it where that is another number.
pub(super) fn shows(row: Row<'_>, source: &str, billed: Quantity) -> String {
    let mut used = row.evidence().map(|line| line.quantity);
    let used = used.try_fold(Quantity::ZERO, |sum, one| sum.checked_add(one));
    match used {
        Some(used) if used != billed => {
            format!("{source} shows {used}, which bills as {billed}")
        }
        _ => format!("{source} shows {billed}"),
    }
}
