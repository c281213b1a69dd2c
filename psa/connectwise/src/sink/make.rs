//! What is made beside the lines: an agreement for a service, under a master or alone.
//!
//! It is found again by its key, so that a lost answer is settled by looking it up.

use tallyline_core::model::{AgreementKey, BillingCycle, CivilDate};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict, WriteError};
use tallyline_core::{ErrorKind, Result};

use super::ConnectWiseSink;
use super::map;
use super::read::{self, wire_id};
use super::write::{Written, refusal, unclear};
use crate::models::{Agreement, NewAgreement, RecordRef, Reference, midnight};

/// What agreements are created with, where a client, or a service, gets one of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgreementSetup {
    /// The agreement type; that of the master where it is not given. Without it no agreement is created
    /// that has no master.
    pub agreement_type: Option<i64>,
    /// The location; the system's default where it is not given.
    pub location: Option<i64>,
    /// The business unit, which the API calls department; the system's default where it is not given.
    pub business_unit: Option<i64>,
    /// The contact; that of the master, else the company's default, where it is not given.
    pub contact: Option<i64>,
}

impl AgreementSetup {
    /// With nothing given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Creates the agreement that a change asks for, unless it is there.
pub(super) async fn execute(sink: &ConnectWiseSink, change: &Change) -> Written {
    let wanted = Wanted::of(sink, change)
        .await
        .map_err(WriteError::NotSent)?;
    let found = sink.find_agreement(&wanted.key).await;
    if let Some(found) = found.map_err(WriteError::NotSent)? {
        return match wanted.compare(sink, &found) {
            Ok(Verdict::Made { record, .. }) => Ok(Receipt::made(record)),
            Ok(Verdict::Conflict { detail, .. }) => {
                Err(WriteError::NotSent(refusal(ErrorKind::Conflict, detail)))
            }
            Ok(_) => Err(WriteError::NotSent(refusal(
                ErrorKind::Unexpected,
                "what was found is neither as wanted nor otherwise",
            ))),
            Err(error) => Err(WriteError::NotSent(error)),
        };
    }
    let terms = wanted.terms(sink).await.map_err(WriteError::NotSent)?;
    let new = wanted.body(sink, &terms).map_err(WriteError::NotSent)?;
    let written = sink.client().post_agreement(&new).await?;
    let id = written.record.ok().and_then(|answer| answer.id);
    let id =
        id.ok_or_else(|| unclear("the answer does not name the agreement that was created"))?;
    let mut receipt = Receipt::made(MadeRecord::Agreement(id.to_string().into()));
    receipt.request_id = written.request_id;
    Ok(receipt)
}

/// Reads back whether the agreement is there: the one that the answer named, else by its key.
pub(super) async fn verify(
    sink: &ConnectWiseSink,
    change: &Change,
    receipt: Option<&Receipt>,
) -> Result<Verdict> {
    let wanted = Wanted::of(sink, change).await?;
    let named = match receipt.and_then(|receipt| receipt.made.as_ref()) {
        Some(MadeRecord::Agreement(id)) => Some(wire_id("an agreement", id.as_str())?),
        _ => None,
    };
    if let Some(id) = named {
        return match sink.client().agreement(id).await {
            Ok(found) => wanted.compare(sink, &found),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(conflict(format!("agreement {id} was created and is gone")))
            }
            Err(error) => Err(error),
        };
    }
    match sink.find_agreement(&wanted.key).await {
        Ok(Some(found)) => wanted.compare(sink, &found),
        Ok(None) => Ok(Verdict::NotLanded),
        // Several carry the key: a person has to leave it on one.
        Err(error) if error.kind() == ErrorKind::Conflict && error.http().is_none() => {
            Ok(conflict(error.message()))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn conflict(detail: impl Into<String>) -> Verdict {
    Verdict::Conflict {
        detail: detail.into(),
        observed: None,
    }
}

fn id_of(reference: Option<&Reference>) -> Option<i64> {
    reference?.id
}

/// The agreement that a change is to create.
struct Wanted<'a> {
    key: AgreementKey,
    name: &'a str,
    company: i64,
    cycle: BillingCycle,
    start: CivilDate,
    end: Option<CivilDate>,
    master: Option<i64>,
    cycles: map::Cycles,
}

/// What else it is created with.
struct Terms {
    master: Option<Agreement>,
    kind: i64,
    cycle_id: i64,
    contact: i64,
}

impl<'a> Wanted<'a> {
    async fn of(sink: &ConnectWiseSink, change: &'a Change) -> Result<Self> {
        let Action::CreateAgreement {
            name,
            billing_cycle,
            last_day,
            parent,
        } = &change.action
        else {
            let what = format!("this sink cannot {}", change.action);
            return Err(refusal(ErrorKind::Unsupported, what));
        };
        let key = change.agreement.key().ok_or_else(|| {
            refusal(
                ErrorKind::Invalid,
                "an agreement is created for a key, by which it is found again",
            )
        })?;
        let parent = parent.as_ref();
        let master = parent.map(|parent| wire_id("an agreement", parent.as_str()));
        Ok(Self {
            key,
            name,
            company: wire_id("a company", change.company.as_str())?,
            cycle: *billing_cycle,
            start: change.effective,
            end: *last_day,
            master: master.transpose()?,
            cycles: read::billing_cycles(sink).await?,
        })
    }

    /// What it is created with, where nothing speaks against that. Reading back does not ask: what
    /// speaks against an agreement by now does not unmake it.
    async fn terms(&self, sink: &ConnectWiseSink) -> Result<Terms> {
        let master = match self.master {
            Some(id) => {
                let master = sink.client().agreement(id).await?;
                fits(id, &master, self.company, &self.start, sink)?;
                Some(master)
            }
            None => None,
        };
        let of_master =
            |field: fn(&Agreement) -> Option<&Reference>| id_of(field(master.as_ref()?));
        let setup = sink.0.agreement_setup;
        let kind = setup
            .agreement_type
            .or_else(|| of_master(|master| master.r#type.as_ref()));
        let kind = kind.ok_or_else(|| {
            refusal(
                ErrorKind::Unsupported,
                "this sink is not set up to create agreements: name their type",
            )
        })?;
        let wanted = self.cycle;
        let cycle_id = of_master(|master| master.billing_cycle.as_ref())
            .or_else(|| map::cycle_id(&self.cycles, wanted));
        let cycle_id = cycle_id.ok_or_else(|| {
            refusal(
                ErrorKind::Config,
                format!(
                    "the system has no billing cycle, or more than one, for what bills {wanted}"
                ),
            )
        })?;
        let cycle = map::cycle_of(&self.cycles, cycle_id);
        if cycle != wanted {
            return Err(refusal(
                ErrorKind::Conflict,
                format!(
                    "the master agreement bills {cycle}, not {wanted}, and a child bills as it does"
                ),
            ));
        }
        let contact = setup
            .contact
            .or_else(|| of_master(|master| master.contact.as_ref()));
        let contact = match contact {
            Some(contact) => contact,
            None => default_contact(sink, self.company).await?,
        };
        Ok(Terms {
            master,
            kind,
            cycle_id,
            contact,
        })
    }

    fn body(&self, sink: &ConnectWiseSink, terms: &Terms) -> Result<NewAgreement> {
        let setup = sink.0.agreement_setup;
        let mut new = NewAgreement {
            r#type: RecordRef::by_id(terms.kind),
            company: RecordRef::by_id(self.company),
            contact: RecordRef::by_id(terms.contact),
            parent_agreement: self.master.map(RecordRef::by_id),
            start_date: Some(midnight(self.start)),
            bill_start_date: Some(midnight(self.start)),
            end_date: self.end.map(midnight),
            no_ending_date_flag: Some(self.end.is_none()),
            billing_cycle: Some(RecordRef::by_id(terms.cycle_id)),
            location: setup.location.map(RecordRef::by_id),
            department: setup.business_unit.map(RecordRef::by_id),
            ..NewAgreement::default()
        };
        if let Some(master) = &terms.master {
            new.invoicing_cycle.clone_from(&master.invoicing_cycle);
            new.prorate_flag = master.prorate_flag;
        }
        sink.0.agreement_key.put(&self.key, self.name, &mut new)?;
        Ok(new)
    }

    /// Whether an agreement is what was to be created; its name is people's.
    fn compare(&self, sink: &ConnectWiseSink, found: &Agreement) -> Result<Verdict> {
        const RECORD: &str = "agreement";
        let id = map::required(found.id.as_ref(), RECORD, None, "id")?;
        let date = |text: Option<&String>, field| {
            map::date(text.map(String::as_str), RECORD, Some(id), field)
        };
        let mut differences = Vec::new();
        let carried = sink.0.agreement_key.read(found);
        if carried.is_none_or(|carried| !carried.is_same(self.key.as_str())) {
            differences.push(format!("does not carry {}", self.key));
        }
        if found.cancelled_flag == Some(true) {
            differences.push("is cancelled".to_owned());
        }
        let company = id_of(found.company.as_ref());
        if company != Some(self.company) {
            differences.push(format!("is of company {}", shown(company)));
        }
        let (parent, master) = (id_of(found.parent_agreement.as_ref()), self.master);
        if parent != master {
            differences.push(format!(
                "stands under agreement {}, not under {}",
                shown(parent),
                shown(master)
            ));
        }
        let cycle = id_of(found.billing_cycle.as_ref())
            .map_or(BillingCycle::Unknown, |id| map::cycle_of(&self.cycles, id));
        if cycle != self.cycle {
            differences.push(format!("bills {cycle}, not {}", self.cycle));
        }
        let start = date(found.start_date.as_ref(), "startDate")?;
        let end = map::end(found)?;
        if (start, end) != (Some(self.start), self.end) {
            differences.push(format!(
                "runs from {} to {}, not from {} to {}",
                shown(start),
                shown(end),
                self.start,
                shown(self.end)
            ));
        }
        if !differences.is_empty() {
            return Ok(conflict(format!(
                "agreement {id} is there for {} and {}",
                self.key,
                differences.join(" and ")
            )));
        }
        let under = master.map_or_else(String::new, |id| format!(" under agreement {id}"));
        Ok(Verdict::Made {
            record: MadeRecord::Agreement(id.to_string().into()),
            detail: format!(
                "agreement {id}{under} carries {}, from {}, billed {}",
                self.key, self.start, self.cycle
            ),
        })
    }
}

fn shown(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// Refuses a master that can have no such child.
fn fits(
    id: i64,
    master: &Agreement,
    company: i64,
    start: &CivilDate,
    sink: &ConnectWiseSink,
) -> Result<()> {
    let refuse = |why: String| {
        Err(refusal(
            ErrorKind::Conflict,
            format!("master agreement {id} {why}"),
        ))
    };
    let owner = id_of(master.company.as_ref());
    if owner != Some(company) {
        return refuse(format!("is of company {}, not {company}", shown(owner)));
    }
    if let Some(parent) = id_of(master.parent_agreement.as_ref()) {
        return refuse(format!("is itself invoiced through agreement {parent}"));
    }
    let end = map::end(master)?;
    let status = map::status(master, end, (sink.0.clock)().date());
    if !map::is_active(&status) {
        return refuse(format!("is {status}, not Active"));
    }
    if let Some(end) = end.filter(|end| end < start) {
        return refuse(format!("ends on {end}, before {start}"));
    }
    Ok(())
}

/// The contact that the system asks for, where neither the settings nor the master name one.
async fn default_contact(sink: &ConnectWiseSink, company: i64) -> Result<i64> {
    let wire = sink.client().company(company).await?;
    id_of(wire.default_contact.as_ref()).ok_or_else(|| {
        refusal(
            ErrorKind::Invalid,
            format!(
                "an agreement needs a contact: give company {company} a default contact, or name \
                 one in the settings"
            ),
        )
    })
}
