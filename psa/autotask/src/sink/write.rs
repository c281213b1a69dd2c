//! Carrying out one change: one adjustment, or for a cost one patch.

use tallyline_core::error::Sent;
use tallyline_core::model::{AgreementLineId, CivilDate, Money, Quantity};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, SinkCapabilities, WriteError};
use tallyline_core::{Error, ErrorKind, Result};

use super::AutotaskSink;
use super::make;
use super::map::{self, EffectiveDays, Frame, same_amount};
use super::read::{self, wire_id};
use super::units::Units;
use super::verify::price_comes;
use crate::client::CONNECTOR;
use crate::models::{ContractService, ContractServicePatch, NewContractServiceAdjustment};
use crate::query::Field;

pub(super) type Written = std::result::Result<Receipt, WriteError>;

/// An error found before anything was written.
pub(super) fn refusal(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message).with_connector(CONNECTOR)
}

pub(super) async fn execute(sink: &AutotaskSink, change: &Change) -> Written {
    if change.action.makes_record() {
        return make::execute(sink, change).await;
    }
    let wanted = Wanted::of(change, sink).map_err(WriteError::NotSent)?;
    let target = Target::read(sink, change, &wanted)
        .await
        .map_err(WriteError::NotSent)?;
    let step = step(sink, &target, &wanted).map_err(WriteError::NotSent)?;
    let client = sink.client();
    let (what, id) = match step {
        Step::Holds => return Ok(target.receipt(sink)),
        Step::Adjust(adjustment) => {
            let sending = client.create_adjustment(target.contract, &adjustment);
            ("adjustment", sending.await?)
        }
        Step::Patch(patch) => {
            let sending = client.patch_contract_service(target.contract, &patch);
            ("contract service", sending.await?)
        }
    };
    let line = match target.line_id() {
        Some(line) => line,
        None => created_line(sink, &target).await.map_err(|error| {
            // The adjustment was made, whatever keeps its line from being found.
            WriteError::Unknown(error.with_sent(Sent::Maybe))
        })?,
    };
    let mut receipt = Receipt::new(line.to_string());
    receipt.request_id = Some(format!("{what} {id}"));
    Ok(receipt)
}

/// The line that an adjustment has just added.
async fn created_line(sink: &AutotaskSink, target: &Target) -> Result<i64> {
    let lines = read::lines_of_service(sink, target.contract, target.service).await?;
    match lines.as_slice() {
        [line] => map::required(line.id.as_ref(), "contract service", None, "id"),
        others => Err(refusal(
            ErrorKind::Protocol,
            format!(
                "the adjustment was taken, and the contract shows {} lines of the service",
                others.len()
            ),
        )),
    }
}

/// What is to be sent.
enum Step {
    /// Nothing: the system holds what is wanted.
    Holds,
    Adjust(Box<NewContractServiceAdjustment>),
    Patch(ContractServicePatch),
}

/// What a change wants, from which day.
struct Wanted {
    day: CivilDate,
    what: What,
}

enum What {
    /// A line that is not there, or bills nothing.
    Create {
        units: i64,
        price: Option<Money>,
        cost: Option<Money>,
    },
    Units {
        from: i64,
        to: i64,
    },
    Price {
        from: Option<Money>,
        to: Money,
    },
    Cost {
        from: Option<Money>,
        to: Money,
    },
}

impl Wanted {
    fn of(change: &Change, sink: &AutotaskSink) -> Result<Self> {
        let can = &sink.0.descriptor.capabilities;
        let what = match &change.action {
            Action::CreateLine {
                quantity,
                unit_cost,
                unit_price,
                last_day,
                like,
            } => {
                // Its end would be an adjustment of its own.
                claimed(last_day.is_none(), "create lines that end")?;
                claimed(like.is_none(), "create lines on the terms of another")?;
                let units = whole(*quantity)?;
                if units == 0 {
                    let message = "a line of no units is not created";
                    return Err(refusal(ErrorKind::Invalid, message));
                }
                claimed(
                    unit_price.is_none() || can.set_unit_price,
                    "set unit prices",
                )?;
                claimed(unit_cost.is_none() || can.set_unit_cost, "set unit costs")?;
                What::Create {
                    units,
                    price: *unit_price,
                    cost: *unit_cost,
                }
            }
            Action::SetQuantity { from, to, .. } => What::Units {
                from: whole(*from)?,
                to: whole(*to)?,
            },
            Action::EndLine { from, .. } => What::Units {
                from: whole(*from)?,
                to: 0,
            },
            Action::SetUnitPrice { from, to, .. } => {
                claimed(can.set_unit_price, "set unit prices")?;
                What::Price {
                    from: *from,
                    to: *to,
                }
            }
            Action::SetUnitCost { from, to, .. } => {
                claimed(can.set_unit_cost, "set unit costs")?;
                What::Cost {
                    from: *from,
                    to: *to,
                }
            }
            other => {
                return Err(refusal(
                    ErrorKind::Unsupported,
                    format!("this sink cannot {other}"),
                ));
            }
        };
        let wanted = Self {
            day: effective_day(change),
            what,
        };
        wanted.same_currency(sink)?;
        Ok(wanted)
    }

    /// Refuses an amount in another currency than the tenant's.
    fn same_currency(&self, sink: &AutotaskSink) -> Result<()> {
        let Some(currency) = sink.0.rules.currency else {
            return Ok(());
        };
        let amounts = match &self.what {
            What::Create { price, cost, .. } => [*price, *cost],
            What::Price { to, .. } | What::Cost { to, .. } => [Some(*to), None],
            What::Units { .. } => [None, None],
        };
        match amounts
            .into_iter()
            .flatten()
            .find(|amount| amount.currency.is_some_and(|other| other != currency))
        {
            None => Ok(()),
            Some(other) => Err(refusal(
                ErrorKind::Invalid,
                format!("{other} cannot be set where amounts are in {currency}"),
            )),
        }
    }
}

/// The first day on which the new state counts.
pub(super) fn effective_day(change: &Change) -> CivilDate {
    match &change.action {
        Action::EndLine { last_day, .. } => last_day.plus_days(1),
        _ => change.effective,
    }
}

pub(super) fn claimed(can: bool, what: &str) -> Result<()> {
    if can {
        return Ok(());
    }
    Err(refusal(
        ErrorKind::Unsupported,
        format!("this sink is not set up to {what}"),
    ))
}

/// A quantity as the system can hold it: whole, not negative, 32 bits.
pub(super) fn whole(quantity: Quantity) -> Result<i64> {
    let units = quantity
        .to_string()
        .parse::<i32>()
        .ok()
        .filter(|units| *units >= 0);
    units.map(i64::from).ok_or_else(|| {
        refusal(
            ErrorKind::Invalid,
            format!("{quantity} units cannot be billed: the system takes whole units from 0 on"),
        )
    })
}

/// What a change is carried out on, as it was read just before.
struct Target {
    contract: i64,
    service: i64,
    /// The line; none where it is still to be created.
    line: Option<ContractService>,
    /// Its rows from the day on.
    units: Units,
    day: CivilDate,
}

impl Target {
    async fn read(sink: &AutotaskSink, change: &Change, wanted: &Wanted) -> Result<Self> {
        let day = wanted.day;
        let service = wire_id("a product", change.product.as_str())?;
        let known = sink.0.ahead.take(change, sink.now());
        let frame = match &known {
            Some(known) => known.frame.clone(),
            None => read::frame(sink, &change.agreement).await?,
        };
        let contract = frame.id;
        allowed(&frame, change, day)?;
        let (line, units) = match (known, change.action.line()) {
            (Some(known), _) => (Some(known.line), known.units),
            (None, Some(line)) => {
                let line = known_line(sink, line, contract, service).await?;
                (Some(line), None)
            }
            (None, None) => (only_line(sink, contract, service).await?, None),
        };
        let units = match (units, line.as_ref().and_then(|line| line.id)) {
            (Some(units), _) => units,
            (None, Some(id)) => read::units_of(sink, id, day).await?,
            (None, None) => Units::default(),
        };
        let target = Self {
            contract,
            service,
            line,
            units,
            day,
        };
        if !matches!(wanted.what, What::Cost { .. }) {
            target.open(sink, &frame).await?;
            target.steady()?;
        }
        Ok(target)
    }

    fn line_id(&self) -> Option<i64> {
        self.line.as_ref()?.id
    }

    /// What is there where nothing has to be written.
    fn receipt(&self, sink: &AutotaskSink) -> Receipt {
        let mut receipt = Receipt::new(self.line_id().unwrap_or_default().to_string());
        let currency = sink.0.rules.currency;
        receipt.state = self
            .line
            .as_ref()
            .map(|line| map::state(line, &self.units, self.day, currency));
        receipt
    }

    /// Refuses a day whose period is posted or, where nothing is to be prorated, no first day.
    async fn open(&self, sink: &AutotaskSink, frame: &Frame) -> Result<()> {
        let rules = sink.0.rules;
        if rules.days == EffectiveDays::Prorated {
            return Ok(());
        }
        let day = self.day;
        let begins = frame
            .periods(rules.grid)
            .is_some_and(|periods| periods.begins_on(day));
        if !begins {
            return Err(refusal(
                ErrorKind::Invalid,
                format!(
                    "no billing period of contract {} begins on {day}: the change would be \
                     prorated, and that is not allowed here",
                    self.contract
                ),
            ));
        }
        let posted = match &self.line {
            Some(_) => self.units.posted_from(day).is_some(),
            // A line to be: what is posted of the contract counts.
            None => {
                let of_contract = Field::CONTRACT_ID.equals(self.contract);
                let posted = read::posted_rows(day.plus_days(1)).and(of_contract);
                sink.client().count_contract_service_units(&posted).await? > 0
            }
        };
        if posted {
            return Err(refusal(
                ErrorKind::Invalid,
                format!(
                    "the billing period of contract {} that holds {day} is approved and posted",
                    self.contract
                ),
            ));
        }
        Ok(())
    }

    /// Refuses to change what changes again by itself: an adjustment shifts the later rows too.
    fn steady(&self) -> Result<()> {
        let Some(later) = self.units.change_after(self.day) else {
            return Ok(());
        };
        Err(refusal(
            ErrorKind::Conflict,
            format!(
                "the line bills {} units on {} and {} from {} on: an adjustment is there already, \
                 and another one would shift it",
                self.units.on(self.day),
                self.day,
                later.units,
                later.start
            ),
        ))
    }

    fn amounts(&self, sink: &AutotaskSink) -> (Option<Money>, Option<Money>) {
        let currency = sink.0.rules.currency;
        let state = self
            .line
            .as_ref()
            .map(|line| map::state(line, &self.units, self.day, currency));
        state.map_or((None, None), |state| (state.unit_price, state.unit_cost))
    }
}

/// The system's own rules, checked before anything is sent (step 1).
pub(super) fn allowed(frame: &Frame, change: &Change, day: CivilDate) -> Result<()> {
    let id = frame.id;
    if frame.company.to_string() != change.company.as_str() {
        let owner = frame.company;
        return Err(refusal(
            ErrorKind::Conflict,
            format!(
                "contract {id} is of company {owner}, not {}",
                change.company
            ),
        ));
    }
    if !frame.recurring {
        return Err(refusal(
            ErrorKind::Invalid,
            format!("contract {id} is not a recurring service contract"),
        ));
    }
    match (frame.start, frame.end) {
        (Some(start), Some(end)) if start <= day && day <= end => Ok(()),
        (Some(start), Some(end)) => Err(refusal(
            ErrorKind::Invalid,
            format!(
                "the change counts from {day}, and contract {id} runs from {start} to {end}: \
                 extend it, or sync onto the one that renews it"
            ),
        )),
        _ => Err(refusal(
            ErrorKind::Invalid,
            format!("the first or last day of contract {id} is not known"),
        )),
    }
}

/// The line that a change names, if it is still of this contract and service.
pub(super) async fn known_line(
    sink: &AutotaskSink,
    line: &AgreementLineId,
    contract: i64,
    service: i64,
) -> Result<ContractService> {
    let id = wire_id("a line", line.as_str())?;
    let found = sink.client().contract_service(id).await?;
    let of = (found.id, found.contract_id, found.service_id);
    if of == (Some(id), Some(contract), Some(service)) {
        return Ok(found);
    }
    Err(refusal(
        ErrorKind::Conflict,
        format!("line {id} is no longer of contract {contract} and service {service}"),
    ))
}

/// The line of a service, if it has one; several are for a person to tell apart (step 2).
async fn only_line(
    sink: &AutotaskSink,
    contract: i64,
    service: i64,
) -> Result<Option<ContractService>> {
    let mut lines = read::lines_of_service(sink, contract, service).await?;
    if lines.len() > 1 {
        return Err(refusal(
            ErrorKind::Conflict,
            format!(
                "contract {contract} has {} lines of service {service}: name the one that is meant",
                lines.len()
            ),
        ));
    }
    Ok(lines.pop())
}

/// What to send (steps 3 to 5).
fn step(sink: &AutotaskSink, target: &Target, wanted: &Wanted) -> Result<Step> {
    let mut adjustment = NewContractServiceAdjustment::new(target.day);
    adjustment.contract_id = Some(target.contract);
    match target.line_id() {
        Some(line) => adjustment.contract_service_id = Some(line),
        // With the adjustment the system adds the service to the contract: one write, not two.
        None => adjustment.service_id = Some(target.service),
    }
    let now = target.units.on(target.day);
    let change = match &wanted.what {
        What::Create { units, price, cost } => {
            if now != 0 {
                return Err(refusal(
                    ErrorKind::Conflict,
                    format!("the contract bills {now} units of the service already"),
                ));
            }
            adjustment.adjusted_unit_price = price.map(|money| money.amount);
            adjustment.adjusted_unit_cost = cost.map(|money| money.amount);
            *units
        }
        What::Units { to, .. } if now == *to => return Ok(Step::Holds),
        What::Units { from, to } => {
            if now != *from {
                return Err(refusal(
                    ErrorKind::Conflict,
                    format!(
                        "the line bills {now} units on {}, and the change was planned on {from}",
                        target.day
                    ),
                ));
            }
            to - now
        }
        What::Price { from, to } => {
            let (price, _) = target.amounts(sink);
            // The line shows the price of today: one that is to come stands on its row.
            let days = (target.day, sink.today());
            match price_comes(&target.units, days, from.as_ref(), to) {
                Some(true) => return Ok(Step::Holds),
                Some(false) => {}
                None if same_amount(price.as_ref(), Some(to)) => return Ok(Step::Holds),
                None => planned_on("unit price", price.as_ref(), from.as_ref())?,
            }
            adjustment.adjusted_unit_price = Some(to.amount);
            0
        }
        What::Cost { from, to } => {
            let (_, cost) = target.amounts(sink);
            if same_amount(cost.as_ref(), Some(to)) {
                return Ok(Step::Holds);
            }
            planned_on("unit cost", cost.as_ref(), from.as_ref())?;
            if cost.is_none() && !target.units.show_cost() {
                // Who may not see costs may not set them either, and is not told so.
                return Err(refusal(
                    ErrorKind::PermissionDenied,
                    format!(
                        "line {} shows no unit cost, and no unit row of it shows one: give the API \
                         user's security level the right to see costs, without which they cannot \
                         be set, enter a first cost by hand, or switch off cost_sync",
                        target.line_id().unwrap_or_default()
                    ),
                ));
            }
            // An adjustment's cost shows nowhere. A cost bills nobody, so it needs no day.
            let mut patch = ContractServicePatch::new(target.line_id().unwrap_or_default());
            patch.unit_cost = Some(to.amount);
            return Ok(Step::Patch(patch));
        }
    };
    let change = i32::try_from(change).map_err(|_| {
        refusal(
            ErrorKind::Invalid,
            format!("{change} units are more than the system takes at once"),
        )
    })?;
    adjustment.unit_change = Some(change);
    Ok(Step::Adjust(Box::new(adjustment)))
}

fn planned_on(what: &str, found: Option<&Money>, from: Option<&Money>) -> Result<()> {
    if same_amount(found, from) {
        return Ok(());
    }
    let shown = |money: Option<&Money>| money.map_or_else(|| "none".to_owned(), Money::to_string);
    Err(refusal(
        ErrorKind::Conflict,
        format!(
            "the {what} is {}, and the change was planned on {}",
            shown(found),
            shown(from)
        ),
    ))
}

/// What the sink can do, by how it is set up.
pub(super) fn capabilities(price_sync: bool, cost_sync: bool) -> SinkCapabilities {
    let mut can = SinkCapabilities::default();
    can.whole_units_only = true;
    can.dated_quantities = true;
    can.create_line = true;
    can.set_quantity = true;
    can.end_line = true;
    can.set_unit_price = price_sync;
    can.set_unit_cost = cost_sync;
    can
}
