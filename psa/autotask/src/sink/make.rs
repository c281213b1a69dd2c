//! What is made beside the lines: a contract for a subscription, a charge for a bill.
//!
//! Both are found again by a key of one's own, so that a lost answer is settled by looking it up.

use rust_decimal::Decimal;
use tallyline_core::model::{AgreementKey, BillingCycle, Money};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict, WriteError};
use tallyline_core::{Error, ErrorKind, Result};

use super::AutotaskSink;
use super::lookup::ContractKey;
use super::map::{self, Frame};
use super::read::{self, wire_id};
use super::write::{Written, allowed, claimed, refusal};
use crate::client::operations;
use crate::models::{
    Contract, ContractCharge, NewContract, NewContractCharge, PicklistValue, UserDefinedField,
    contract_status, contract_type,
};

/// The kind of charge that consumption is, by the label that tenants have for it, and the value
/// where a tenant names none.
const OPERATIONAL: (&str, i64) = ("Operational", 1);

/// Carries out a change that makes a record.
pub(super) async fn execute(sink: &AutotaskSink, change: &Change) -> Written {
    let made = match &change.action {
        Action::CreateAgreement { .. } => {
            let wanted = WantedContract::of(sink, change)
                .await
                .map_err(WriteError::NotSent)?;
            match wanted.find(sink).await.map_err(WriteError::NotSent)? {
                Some(found) => standing(wanted.compare(&found))?,
                None => {
                    let id = sink.client().create_contract(&wanted.body(sink)).await?;
                    MadeRecord::Agreement(id.to_string().into())
                }
            }
        }
        _ => {
            let wanted = WantedCharge::of(sink, change)
                .await
                .map_err(WriteError::NotSent)?;
            let code = wanted.allowed(sink).await.map_err(WriteError::NotSent)?;
            match wanted.find(sink).await.map_err(WriteError::NotSent)? {
                Some(found) => standing(wanted.compare(&found))?,
                None => {
                    let new = wanted.body(sink, code).await;
                    let new = new.map_err(WriteError::NotSent)?;
                    let id = sink.client().create_contract_charge(&new).await?;
                    MadeRecord::Charge(id.to_string().into())
                }
            }
        }
    };
    let mut receipt = Receipt::made(made);
    receipt.request_id = receipt.made.as_ref().map(ToString::to_string);
    Ok(receipt)
}

/// What is there already, where it is what was wanted.
fn standing(compared: Result<Verdict>) -> std::result::Result<MadeRecord, WriteError> {
    match compared {
        Ok(Verdict::Made { record, .. }) => Ok(record),
        Ok(Verdict::Conflict { detail, .. }) => {
            Err(WriteError::NotSent(refusal(ErrorKind::Conflict, detail)))
        }
        Ok(_) => Err(WriteError::NotSent(refusal(
            ErrorKind::Unexpected,
            "what was found is neither as wanted nor otherwise",
        ))),
        Err(error) => Err(WriteError::NotSent(error)),
    }
}

/// Reads back whether a record was made: the one that the answer named, where it shows its key, else
/// by its key.
pub(super) async fn verify(
    sink: &AutotaskSink,
    change: &Change,
    receipt: Option<&Receipt>,
) -> Result<Verdict> {
    let made = receipt.and_then(|receipt| receipt.made.as_ref());
    let compared = match &change.action {
        Action::CreateAgreement { .. } => {
            let wanted = WantedContract::of(sink, change).await?;
            let named = match made {
                Some(MadeRecord::Agreement(id)) => Some(wire_id("an agreement", id.as_str())?),
                _ => None,
            };
            read_back(sink, &wanted, named).await
        }
        _ => {
            let wanted = WantedCharge::of(sink, change).await?;
            let named = match made {
                Some(MadeRecord::Charge(id)) => Some(wire_id("a charge", id.as_str())?),
                _ => None,
            };
            read_back(sink, &wanted, named).await
        }
    };
    match compared {
        // Several carry the key: a person has to leave it on one.
        Err(error) if error.kind() == ErrorKind::Conflict && error.http().is_none() => {
            Ok(conflict(error.message()))
        }
        compared => compared,
    }
}

/// A record that a change is to make, which is found again by a key that it carries.
trait Wanted: Sync {
    type Record: Send + Sync;

    /// The key or the marker.
    fn key(&self) -> &str;

    /// What an answer with the record's id says.
    fn answered(&self, id: i64) -> String;

    fn id_of(record: &Self::Record) -> Option<i64>;

    fn of_id(
        &self,
        sink: &AutotaskSink,
        id: i64,
    ) -> impl Future<Output = Result<Self::Record>> + Send;

    /// The record that carries the key.
    ///
    /// # Errors
    /// `Conflict` where several do; else as the request.
    fn find(
        &self,
        sink: &AutotaskSink,
    ) -> impl Future<Output = Result<Option<Self::Record>>> + Send;

    /// Whether a record is the change's and shows the key.
    fn is_on(&self, sink: &AutotaskSink, record: &Self::Record) -> bool;

    /// Whether the record that carries the key is what was to be made.
    fn compare(&self, found: &Self::Record) -> Result<Verdict>;
}

/// Reads back the record that the answer named, where it shows its key, else the one that carries the key.
async fn read_back<W: Wanted>(
    sink: &AutotaskSink,
    wanted: &W,
    named: Option<i64>,
) -> Result<Verdict> {
    let Some(id) = named else {
        let found = wanted.find(sink).await?;
        return found.map_or(Ok(Verdict::NotLanded), |found| wanted.compare(&found));
    };
    let shown = found(wanted.of_id(sink, id).await)?;
    if let Some(record) = shown.as_ref().filter(|record| wanted.is_on(sink, record)) {
        return wanted.compare(record);
    }
    let by_key = wanted.find(sink).await?;
    if let Some(record) = by_key.filter(|record| W::id_of(record) == Some(id)) {
        return wanted.compare(&record);
    }
    if shown.is_some() {
        let (answered, key) = (wanted.answered(id), wanted.key());
        return Ok(conflict(format!("{answered}, and does not carry {key}")));
    }
    // It may show later: with an answer it is never sent again.
    Ok(Verdict::NotLanded)
}

/// The record, unless there is none.
fn found<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(record) => Ok(Some(record)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn conflict(detail: impl Into<String>) -> Verdict {
    Verdict::Conflict {
        detail: detail.into(),
        observed: None,
    }
}

/// The contract that a change is to create.
struct WantedContract<'a> {
    change: &'a Change,
    key: AgreementKey,
    company: i64,
    name: &'a str,
    cycle: BillingCycle,
    period: PicklistValue,
    end: tallyline_core::model::CivilDate,
    cycles: map::Cycles,
}

impl<'a> WantedContract<'a> {
    async fn of(sink: &AutotaskSink, change: &'a Change) -> Result<Self> {
        let can = &sink.0.descriptor.capabilities;
        claimed(can.create_agreement, "create contracts")?;
        let Action::CreateAgreement {
            name,
            billing_cycle,
            last_day,
            parent,
        } = &change.action
        else {
            return Err(refusal(ErrorKind::Unexpected, "this creates no contract"));
        };
        claimed(parent.is_none(), "create contracts under others")?;
        let key = change.agreement.key().ok_or_else(|| {
            refusal(
                ErrorKind::Invalid,
                "a contract is created for a key, by which it is found again",
            )
        })?;
        let end = last_day
            .ok_or_else(|| refusal(ErrorKind::Invalid, "a contract has a last day: name one"))?;
        let cycles = read::cycles(sink).await?;
        Ok(Self {
            change,
            key,
            company: wire_id("a company", change.company.as_str())?,
            name,
            cycle: *billing_cycle,
            period: cycles.value_of(*billing_cycle)?,
            end,
            cycles,
        })
    }

    fn body(&self, sink: &AutotaskSink) -> NewContract {
        let mut new = NewContract::new(
            self.company,
            self.name,
            contract_type::RECURRING_SERVICE,
            contract_status::ACTIVE,
            self.change.effective,
            self.end,
            0,
        );
        new.contract_period_type = Some(self.period.clone());
        new.setup_fee = Some(Decimal::ZERO);
        new.service_level_agreement_id = sink.0.setup.service_level_agreement.map(Into::into);
        match &sink.0.contract_key {
            ContractKey::UserDefinedField(field) => {
                new.user_defined_fields = vec![UserDefinedField::new(field, self.key.as_str())];
            }
            ContractKey::ContractNumber => new.contract_number = Some(self.key.to_string()),
        }
        new
    }
}

impl Wanted for WantedContract<'_> {
    type Record = Contract;

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn answered(&self, id: i64) -> String {
        format!("contract {id} was created")
    }

    fn id_of(contract: &Contract) -> Option<i64> {
        contract.id
    }

    async fn of_id(&self, sink: &AutotaskSink, id: i64) -> Result<Contract> {
        sink.client().contract(id).await
    }

    async fn find(&self, sink: &AutotaskSink) -> Result<Option<Contract>> {
        sink.find_contract(self.key()).await
    }

    fn is_on(&self, sink: &AutotaskSink, contract: &Contract) -> bool {
        let shown = sink.0.contract_key.value_in(contract);
        shown.is_some_and(|shown| self.key.is_same(shown))
    }

    // The contract's name is people's.
    fn compare(&self, found: &Contract) -> Result<Verdict> {
        let frame = Frame::of(found, &self.cycles, None)?;
        let start = self.change.effective;
        let mut differences = Vec::new();
        if frame.company != self.company {
            differences.push(format!("is of company {}", frame.company));
        }
        if !frame.recurring {
            differences.push("is not a recurring service contract".to_owned());
        }
        if (frame.start, frame.end) != (Some(start), Some(self.end)) {
            let shown = |day: Option<_>| day.map_or_else(|| "?".to_owned(), |d| format!("{d}"));
            differences.push(format!(
                "runs from {} to {}, not from {start} to {}",
                shown(frame.start),
                shown(frame.end),
                self.end
            ));
        }
        if frame.cycle != self.cycle {
            differences.push(format!("bills {}, not {}", frame.cycle, self.cycle));
        }
        if !differences.is_empty() {
            return Ok(conflict(format!(
                "contract {} carries {} and {}",
                frame.id,
                self.key,
                differences.join(" and ")
            )));
        }
        Ok(Verdict::Made {
            record: MadeRecord::Agreement(frame.id.to_string().into()),
            detail: format!(
                "contract {} carries {}, from {start} to {}, billed {}",
                frame.id, self.key, self.end, self.cycle
            ),
        })
    }
}

/// The charge that a change is to add.
struct WantedCharge<'a> {
    change: &'a Change,
    contract: i64,
    description: &'a str,
    quantity: Decimal,
    price: Money,
    cost: Option<Money>,
}

impl<'a> WantedCharge<'a> {
    async fn of(sink: &AutotaskSink, change: &'a Change) -> Result<Self> {
        let Action::AddCharge {
            description,
            quantity,
            unit_price,
            unit_cost,
            ..
        } = &change.action
        else {
            let what = format!("this sink cannot {}", change.action);
            return Err(refusal(ErrorKind::Unsupported, what));
        };
        Ok(Self {
            change,
            contract: read::contract_id(sink, &change.agreement).await?,
            description,
            quantity: quantity.value(),
            price: *unit_price,
            cost: *unit_cost,
        })
    }

    /// Refuses what must not be sent, else gives the billing code. Reading back does not ask: what
    /// speaks against a charge by now does not unmake it.
    async fn allowed(&self, sink: &AutotaskSink) -> Result<i64> {
        let code = sink.0.setup.product_billing_code;
        let code = code.ok_or_else(|| {
            refusal(
                ErrorKind::Unsupported,
                "this sink is not set up to add charges: name the billing code of charges",
            )
        })?;
        kept("quantity", self.quantity, self.quantity)?;
        for (what, amount) in [("price", Some(self.price)), ("cost", self.cost)] {
            let Some(amount) = amount else { continue };
            kept(what, amount.amount, amount)?;
            let own = sink.0.rules.currency;
            if let (Some(own), Some(other)) = (own, amount.currency)
                && own != other
            {
                return Err(refusal(
                    ErrorKind::Invalid,
                    format!("{amount} cannot be charged where amounts are in {own}"),
                ));
            }
        }
        let frame = read::frame(sink, &self.change.agreement).await?;
        allowed(&frame, self.change, self.change.effective)?;
        Ok(code)
    }

    async fn body(&self, sink: &AutotaskSink, code: i64) -> Result<NewContractCharge> {
        let kind = charge_type(sink).await?;
        let day = self.change.effective;
        let mut new = NewContractCharge::new(self.contract, self.description, day, kind);
        new.billing_code_id = Some(code);
        new.unit_quantity = Some(self.quantity);
        new.unit_price = Some(self.price.amount);
        new.unit_cost = self.cost.map(|cost| cost.amount);
        new.is_billable_to_company = Some(true);
        new.description = Some(self.description.to_owned());
        new.internal_purchase_order_number = Some(self.change.marker.to_string());
        Ok(new)
    }
}

impl Wanted for WantedCharge<'_> {
    type Record = ContractCharge;

    fn key(&self) -> &str {
        self.change.marker.as_str()
    }

    fn answered(&self, id: i64) -> String {
        format!("charge {id} of contract {} was added", self.contract)
    }

    fn id_of(charge: &ContractCharge) -> Option<i64> {
        charge.id
    }

    async fn of_id(&self, sink: &AutotaskSink, id: i64) -> Result<ContractCharge> {
        sink.client().contract_charge(id).await
    }

    async fn find(&self, sink: &AutotaskSink) -> Result<Option<ContractCharge>> {
        sink.find_charge(self.contract, self.key()).await
    }

    fn is_on(&self, _: &AutotaskSink, charge: &ContractCharge) -> bool {
        let shown = charge.internal_purchase_order_number.as_deref();
        charge.contract_id == Some(self.contract) && shown == Some(self.key())
    }

    fn compare(&self, found: &ContractCharge) -> Result<Verdict> {
        const RECORD: &str = "charge";
        let id = map::required(found.id.as_ref(), RECORD, None, "id")?;
        let date = found.date_purchased.as_deref();
        let date = map::date(date, RECORD, Some(id), "datePurchased")?;
        let shown = |amount: Option<Decimal>| {
            amount.map_or_else(
                || "none".to_owned(),
                |amount| amount.normalize().to_string(),
            )
        };
        let mut differences = Vec::new();
        let mut differs = |what: &str, found: Option<Decimal>, wanted: Option<Decimal>| {
            if found != wanted {
                let (found, wanted) = (shown(found), shown(wanted));
                differences.push(format!("shows the {what} {found}, not {wanted}"));
            }
        };
        differs("quantity", found.unit_quantity, Some(self.quantity));
        differs("price", found.unit_price, Some(self.price.amount));
        // Without the right to costs they are shown as none, and cannot be told.
        if found.unit_cost.is_some() {
            differs("cost", found.unit_cost, self.cost.map(|cost| cost.amount));
        }
        let day = self.change.effective;
        if date != Some(day) {
            let date = date.map_or_else(|| "none".to_owned(), |date| date.to_string());
            differences.push(format!("is dated {date}, not {day}"));
        }
        if !differences.is_empty() {
            return Ok(conflict(format!(
                "charge {id} of contract {} carries {} and {}",
                self.contract,
                self.change.marker,
                differences.join(" and ")
            )));
        }
        Ok(Verdict::Made {
            record: MadeRecord::Charge(id.to_string().into()),
            detail: format!(
                "charge {id} of contract {}: {} at {} on {day}",
                self.contract,
                self.quantity.normalize(),
                self.price
            ),
        })
    }
}

/// Refuses what the system would round, and so charge otherwise than was approved.
fn kept(what: &str, figure: Decimal, shown: impl std::fmt::Display) -> Result<()> {
    if figure.normalize().scale() <= map::DIGITS {
        return Ok(());
    }
    Err(refusal(
        ErrorKind::Invalid,
        format!(
            "the {what} {shown} has more digits than the {} that are kept",
            map::DIGITS
        ),
    ))
}

/// The tenant's value for charges of consumption.
async fn charge_type(sink: &AutotaskSink) -> Result<PicklistValue> {
    let (label, value) = OPERATIONAL;
    let list = sink
        .client()
        .picklist(&operations::CONTRACT_CHARGES, "chargeType")
        .await;
    match list {
        Ok(list) => list.value_of(label).cloned(),
        // A tenant that does not name them: the known value has to do.
        Err(error) if error.http().is_none() => Ok(value.into()),
        Err(error) => Err(error),
    }
}

/// An error of a setting that the tenant lacks.
pub(super) fn no_cycle(cycle: BillingCycle) -> Error {
    refusal(
        ErrorKind::Config,
        format!("the tenant has no contract period type for what bills {cycle}"),
    )
}
