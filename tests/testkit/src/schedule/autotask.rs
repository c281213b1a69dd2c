//! The simulator of Autotask PSA over HTTP, with the real sink on it.
//!
//! A quantity is a difference from a day on, which can be created and never read. So plans are of whole units, with at
//! most one change of a line, and what happened is seen from the lines' states alone.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;
use tallyline_autotask::{
    AutotaskClient, AutotaskSink, ContractKey, ContractSetup, EffectiveDays, TenantBudget,
};
use tallyline_core::PsaSink;
use tallyline_core::clock::Clock as _;
use tallyline_core::error::Result;
use tallyline_core::http::Transport;
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, CivilDate, Currency, LineState, ProductId,
    Quantity, Timestamp,
};
use tallyline_core::plan::Change;

use super::autotask_made::{
    CHARGES, CONTRACTS, FIND_CHARGES, FIND_CONTRACTS, contract_in, finds, makes, makings,
    makings_before, rename,
};
use super::draft::{Draft, DraftLine, Ids, by_agreement, effective, money};
use super::over_http::{OverHttp, Simulated, number, retries_at_once};
use super::time::Time;
use super::wire::{Routes, Wire};
use super::world::{Cause, Edit, Effect, Making};
use crate::autotask::{AutotaskSimulator, AutotaskState, Entity, Threshold};
use crate::clock::Clock;
use crate::faults::{Fault, Faults, Match};
use crate::lock;

const ADJUSTMENTS: &str = "/ServiceAdjustments";
const UNITS: &str = "/ContractServiceUnits/query";
/// What all services cost and are sold for, in cents.
const COST: i64 = 1_000;
const PRICE: i64 = 2_000;
/// More calls than any schedule makes.
const CALLS: usize = 1_000_000;

/// Where its writes go and its unit rows come from.
const ROUTES: Routes = Routes {
    is_write: |method, path| {
        method == "POST"
            && [ADJUSTMENTS, CONTRACTS, CHARGES]
                .iter()
                .any(|end| path.ends_with(end))
    },
    is_list: |method, path| {
        let lists = [UNITS, FIND_CONTRACTS, FIND_CHARGES];
        method == "GET" && lists.iter().any(|end| path.ends_with(end))
    },
};

/// Autotask PSA, simulated, behind real sockets.
pub type AutotaskWorld = OverHttp<AutotaskHere>;

/// The simulator, the sink on it and what truly happened.
#[derive(Debug)]
pub struct AutotaskHere {
    simulator: AutotaskSimulator,
    sink: AutotaskSink,
    truth: Mutex<Truth>,
    ids: Ids,
}

/// What truly happened, as differences between states.
#[derive(Debug)]
struct Truth {
    effects: Vec<Effect>,
    known: BTreeMap<i64, LineState>,
    makings: Vec<Making>,
    /// The whole state, from when on.
    pictures: Vec<(Timestamp, AutotaskState)>,
}

fn date(day: CivilDate) -> Option<Date> {
    Date::new(day.year(), day.month(), day.day()).ok()
}

/// The day of all changes.
fn from_day() -> Date {
    date(effective()).unwrap_or_default()
}

/// A line as it is from the day of the plan on.
fn state_of(state: &AutotaskState, line: i64) -> LineState {
    let day = from_day();
    let rows = state.rows_of(line);
    let rows: Vec<_> = rows.iter().filter(|row| row.end >= day).collect();
    let ended = rows.iter().rev().take_while(|row| row.units == 0).count();
    let first_of_end = rows.get(rows.len() - ended).filter(|_| ended > 0);
    let last_day = first_of_end.and_then(|row| {
        let day = row.start.yesterday().ok()?;
        CivilDate::new(day.year(), day.month(), day.day()).ok()
    });
    LineState {
        quantity: Quantity::from(state.units_on(line, day)),
        unit_cost: Some(money(COST)),
        unit_price: Some(money(PRICE)),
        last_day,
        ..LineState::default()
    }
}

fn states(state: &AutotaskState) -> BTreeMap<i64, LineState> {
    let lines = state.list(Entity::ContractServices);
    lines
        .map(|line| (line.id, state_of(state, line.id)))
        .collect()
}

/// Fills a state with a draft.
fn fill(state: &mut AutotaskState, draft: &Draft) -> Ids {
    let company = state.add_company("Example Client");
    let service = |state: &mut AutotaskState, at: usize| {
        let amount = |cents| Decimal::new(cents, 2);
        state.add_service(&format!("SERVICE-{at}"), amount(PRICE), amount(COST))
    };
    let products: Vec<i64> = (1..=draft.products).map(|at| service(state, at)).collect();
    let mut ids = Ids {
        company: company.to_string().into(),
        agreements: Vec::new(),
        products: products.iter().map(|id| id.to_string().into()).collect(),
        lines: Vec::new(),
    };
    for lines in &draft.agreements {
        let (start, end) = (Date::constant(2026, 1, 1), Date::constant(2026, 6, 30));
        let contract = state.add_contract_over(company, "Monthly Services", start, end);
        ids.agreements.push(contract.to_string().into());
        let mut add = |line: &DraftLine| {
            let units = i64::from(line.quantity);
            let id = state.add_line(contract, products[line.product], units);
            if line.ended {
                let refused = state.adjust(id, Date::constant(2026, 2, 1), -units);
                debug_assert_eq!(refused, Ok(()));
            }
            AgreementLineId::new(id.to_string())
        };
        ids.lines.push(lines.iter().map(&mut add).collect());
    }
    ids
}

impl OverHttp<AutotaskHere> {
    /// Starts a simulator that holds a draft's agreements.
    ///
    /// # Errors
    /// When no port can be bound, or the client cannot be built.
    pub async fn start(draft: &Draft, time: Arc<Time>) -> io::Result<Self> {
        let mut state = AutotaskState::on(Date::constant(2026, 3, 15));
        state.threshold = Threshold::new(CALLS);
        let ids = fill(&mut state, draft);
        makings_before(&mut state, &draft.bundle, &ids);
        let known = states(&state);
        let made = makings(&state, &[], &ids, time.now(), &Cause::Earlier);
        let mut setup = ContractSetup::new();
        setup.product_billing_code = state.billing_code(4);
        setup.service_level_agreement = Some(1);
        let line = |(at, id): (usize, &AgreementLineId), lines: &[DraftLine]| {
            let product = ids.products[lines[at].product].clone();
            let mut line = AgreementLine::new(id.clone(), product, 0_u32);
            line.state = known[&number(id.as_str())].clone();
            line
        };
        let initial = ids.lines.iter().zip(&draft.agreements);
        let initial =
            initial.map(|(of, lines)| of.iter().enumerate().map(|it| line(it, lines)).collect());
        let initial = by_agreement(&ids, initial.collect());
        let pictures = vec![(time.now(), state.clone())];
        let simulator = AutotaskSimulator::start(state).await?;
        let wire = Wire::new(Arc::clone(&time), ROUTES).map_err(io::Error::other)?;
        let wire = Arc::new(wire);
        let client = client(&simulator, Arc::clone(&wire)).map_err(io::Error::other)?;
        let clock = Arc::clone(&time);
        let sink = AutotaskSink::builder()
            .client(client)
            .currency(Currency::USD)
            .effective_days(EffectiveDays::OpenPeriod)
            .contract_key(ContractKey::ContractNumber)
            .setup(setup)
            .clock(Arc::new(move || clock.now()))
            .build();
        let here = AutotaskHere {
            simulator,
            sink,
            truth: Mutex::new(Truth {
                effects: Vec::new(),
                known,
                makings: made,
                pictures,
            }),
            ids: ids.clone(),
        };
        Ok(Self::new(here, wire, ids, initial, time))
    }
}

fn client(simulator: &AutotaskSimulator, wire: Arc<Wire>) -> Result<AutotaskClient> {
    let transport: Arc<dyn Transport> = wire;
    let credentials = simulator.with_state(|state| state.credentials.clone());
    AutotaskClient::builder()
        .zone_url(format!("{}ATServicesRest", simulator.base_url()))
        .user_name(&credentials.user)
        .integration_code(credentials.integration_code.as_str())
        .secret(credentials.secret.as_str())
        .budget(TenantBudget::default())
        .rate_limit_wait(Duration::ZERO)
        .retry(retries_at_once())
        .transport(transport)
        .jitter_seed(1)
        .build()
}

impl Simulated for AutotaskHere {
    type Picture = AutotaskState;

    /// Without `errors`: those are a refusal, and the system says them of nothing that it has carried out.
    const BROKEN: &'static str = r#"{"message":"An error has occurred."}"#;

    fn sink(&self) -> &dyn PsaSink {
        &self.sink
    }

    fn faults(&self) -> &Faults {
        self.simulator.faults()
    }

    fn forget_requests(&self) {
        self.simulator.clear_requests();
    }

    fn clock(&self) -> Clock {
        self.simulator.clock()
    }

    fn reads(made_by: Option<&Change>) -> Match {
        Match::get(made_by.map_or(UNITS, finds))
    }

    fn write_of(change: &Change) -> Match {
        if change.action.makes_record() {
            return Match::post(makes(change)).path_end(makes(change));
        }
        Match::post(ADJUSTMENTS)
    }

    fn refusal() -> Fault {
        const INVALID: &str = r#"{"errors":["The value is not valid for the field."]}"#;
        Fault::answer(500, "application/json", INVALID)
    }

    fn told_to_wait(_: Option<u64>) -> Option<u64> {
        Some(0)
    }

    /// Lists are walked from id to id.
    fn has_page_borders() -> bool {
        false
    }

    fn show(&self, now: Timestamp, by: Duration) -> Option<Self::Picture> {
        let truth = lock(&self.truth);
        let mut pictures = truth.pictures.iter().rev();
        let at = pictures.position(|(at, _)| now.since(*at) >= by)?;
        if at == 0 {
            return None;
        }
        let shown = truth.pictures[truth.pictures.len() - 1 - at].1.clone();
        self.simulator
            .with_state(|state| Some(std::mem::replace(state, shown)))
    }

    fn show_present(&self, present: Self::Picture) {
        self.simulator.with_state(|state| *state = present);
    }

    fn note(&self, cause: &Cause, at: Timestamp) {
        let state = self.simulator.state();
        let now = states(&state);
        let mut truth = lock(&self.truth);
        let truth = &mut *truth;
        for (id, after) in &now {
            let before = truth.known.get(id);
            if before == Some(after) {
                continue;
            }
            let line = state.record(Entity::ContractServices, *id);
            let of = |field| {
                let id = line.and_then(|line| line.integer(field));
                id.unwrap_or_default().to_string()
            };
            truth.effects.push(Effect {
                at,
                cause: cause.clone(),
                agreement: of("contractID").into(),
                line: id.to_string().into(),
                product: of("serviceID").into(),
                before: before.cloned(),
                after: Some(after.clone()),
            });
        }
        let made = makings(&state, &truth.makings, &self.ids, at, cause);
        if now != truth.known || !made.is_empty() {
            truth.makings.extend(made);
            truth.known = now;
            truth.pictures.push((at, state));
        }
    }

    /// Units alone are a colleague's to change: no adjustment sets a cost, and no line is deleted.
    fn edit(&self, _: &AgreementId, line: &AgreementLineId, edit: Edit, at: Timestamp) -> bool {
        let id = number(line.as_str());
        let Edit::Quantity(units) = edit else {
            return false;
        };
        let edited = self.simulator.with_state(|state| {
            let difference = i64::from(units) - state.units_on(id, from_day());
            state.adjust(id, from_day(), difference).is_ok()
        });
        self.note(&Cause::Colleague, at);
        edited
    }

    fn add(
        &self,
        agreement: &AgreementId,
        product: &ProductId,
        quantity: u32,
        at: Timestamp,
    ) -> bool {
        let Some(contract) = self.contract(agreement) else {
            return false;
        };
        self.simulator.with_state(|state| {
            state.add_line(contract, number(product.as_str()), i64::from(quantity))
        });
        self.note(&Cause::Colleague, at);
        true
    }

    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId> {
        let contract = self.contract(agreement);
        if contract.is_none() {
            return Vec::new();
        }
        self.simulator.with_state(|state| {
            let lines = state.list(Entity::ContractServices);
            let of = lines.filter(|line| line.integer("contractID") == contract);
            of.map(|line| line.id.to_string().into()).collect()
        })
    }

    fn rename(&self, place: &AgreementId) -> bool {
        let contract = contract_in(&self.makings(), place);
        let named = contract.filter(|_| place.key().is_some());
        named.is_some_and(|id| self.simulator.with_state(|state| rename(state, id)))
    }

    fn history(&self) -> Vec<Effect> {
        lock(&self.truth).effects.clone()
    }

    fn makings(&self) -> Vec<Making> {
        lock(&self.truth).makings.clone()
    }
}

impl AutotaskHere {
    /// The contract that is named by its id, or by the key that it carries.
    fn contract(&self, named: &AgreementId) -> Option<i64> {
        contract_in(&lock(&self.truth).makings, named)
    }
}
