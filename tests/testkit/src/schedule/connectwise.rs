//! The simulator of ConnectWise PSA over HTTP, with the real sink on it.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::PsaSink;
use tallyline_core::apply::Clock as _;
use tallyline_core::error::Result;
use tallyline_core::http::{Limiter, LimiterOptions, Transport};
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, CivilDate, Currency, LineState, Money, ProductId,
    Quantity, Timestamp,
};
use tallyline_core::plan::Change;

use super::draft::{Draft, DraftLine, Ids, by_agreement, effective};
use super::over_http::{OverHttp, Simulated, number, retries_at_once};
use super::time::Time;
use super::wire::{Routes, Wire};
use super::world::{Cause, Edit, Effect};
use crate::clock::Clock;
use crate::connectwise::{Addition, ConnectWiseSimulator, ConnectWiseState};
use crate::faults::{Fault, Faults, Match};
use crate::lock;

/// Rows on a page: small, so that agreements have page borders.
const PAGE: u16 = 5;
const ADDITIONS: &str = "/additions";

/// Where its writes go and its lines come from.
const ROUTES: Routes = Routes {
    is_write: |method, path| matches!(method, "POST" | "PATCH") && path.contains(ADDITIONS),
    is_list: |method, path| method == "GET" && path.ends_with(ADDITIONS),
};

/// ConnectWise PSA, simulated, behind real sockets.
pub type ConnectWiseWorld = OverHttp<ConnectWiseHere>;

/// The simulator, the sink on it and what truly happened.
#[derive(Debug)]
pub struct ConnectWiseHere {
    simulator: ConnectWiseSimulator,
    sink: ConnectWiseSink,
    truth: Mutex<Truth>,
}

/// The simulator's log of writes, with the cause of each.
#[derive(Debug)]
struct Truth {
    effects: Vec<Effect>,
    /// How much of the simulator's log is in `effects`.
    seen: usize,
    known: BTreeMap<i64, LineState>,
    /// What all additions were from when on.
    pictures: Vec<(Timestamp, BTreeMap<i64, Addition>)>,
}

fn civil(day: Date) -> Option<CivilDate> {
    CivilDate::new(day.year(), day.month(), day.day()).ok()
}

fn date(day: CivilDate) -> Option<Date> {
    Date::new(day.year(), day.month(), day.day()).ok()
}

fn state_of(addition: &Addition) -> LineState {
    let money = |amount| Some(Money::new(amount, Currency::USD));
    LineState {
        quantity: Quantity::new(addition.quantity),
        unit_cost: money(addition.unit_cost),
        unit_price: money(addition.unit_price),
        effective: addition.effective_date.and_then(civil),
        last_day: addition.cancelled_date.and_then(civil),
        prorated: None,
    }
}

/// Fills a state with a draft.
fn fill(state: &mut ConnectWiseState, draft: &Draft) -> Ids {
    let company = state.add_company("Example Client");
    let products: Vec<i64> = (1..=draft.products)
        .map(|at| state.add_product(&format!("PRODUCT-{at}"), 20.into(), 10.into()))
        .collect();
    let mut ids = Ids {
        company: company.to_string().into(),
        agreements: Vec::new(),
        products: products.iter().map(|id| id.to_string().into()).collect(),
        lines: Vec::new(),
    };
    for lines in &draft.agreements {
        let agreement = state.add_agreement(company, "Monthly Services");
        ids.agreements.push(agreement.to_string().into());
        let add = |line: &DraftLine| {
            let id = state.add_addition(agreement, products[line.product], line.quantity);
            state.edit_addition(id, |addition| {
                addition.unit_cost = Decimal::new(line.cost, 2);
                addition.unit_price = Decimal::new(line.price, 2);
                addition.cancelled_date = date(effective().plus_days(-20)).filter(|_| line.ended);
            });
            AgreementLineId::new(id.to_string())
        };
        ids.lines.push(lines.iter().map(add).collect());
    }
    ids
}

impl OverHttp<ConnectWiseHere> {
    /// Starts a simulator that holds a draft's agreements.
    ///
    /// # Errors
    /// When no port can be bound, or the client cannot be built.
    pub async fn start(draft: &Draft, time: Arc<Time>) -> io::Result<Self> {
        let mut state = ConnectWiseState::new();
        let ids = fill(&mut state, draft);
        let known: BTreeMap<i64, LineState> = state
            .additions
            .iter()
            .map(|(id, addition)| (*id, state_of(addition)))
            .collect();
        let lines = ids.lines.iter().map(|lines| {
            let line = |id: &AgreementLineId| {
                let addition = &state.additions[&number(id.as_str())];
                let product = addition.product_id.to_string();
                let mut line = AgreementLine::new(id.clone(), product, 0_u32);
                line.state = state_of(addition);
                line
            };
            lines.iter().map(line).collect()
        });
        let initial = by_agreement(&ids, lines.collect());
        let pictures = vec![(time.now(), state.additions.clone())];
        let simulator = ConnectWiseSimulator::start(state).await?;
        let wire = Arc::new(Wire::new(Arc::clone(&time), ROUTES).map_err(io::Error::other)?);
        let client = client(&simulator, Arc::clone(&wire)).map_err(io::Error::other)?;
        let clock = Arc::clone(&time);
        let sink = ConnectWiseSink::builder()
            .client(client)
            .clock(Arc::new(move || clock.now()))
            .build();
        let here = ConnectWiseHere {
            simulator,
            sink,
            truth: Mutex::new(Truth {
                effects: Vec::new(),
                seen: 0,
                known,
                pictures,
            }),
        };
        Ok(Self::new(here, wire, ids, initial, time))
    }
}

impl ConnectWiseHere {
    /// Takes a colleague's edit into the history.
    fn note_edit(&self, agreement: &AgreementId, id: i64, at: Timestamp) {
        let additions = self.simulator.with_state(|state| state.additions.clone());
        let mut truth = lock(&self.truth);
        let after = additions.get(&id).map(state_of);
        truth.push(at, Cause::Colleague, number(agreement.as_str()), id, after);
        truth.pictures.push((at, additions));
    }
}

impl Truth {
    fn push(
        &mut self,
        at: Timestamp,
        cause: Cause,
        agreement: i64,
        id: i64,
        after: Option<LineState>,
    ) {
        let before = match &after {
            Some(state) => self.known.insert(id, state.clone()),
            None => self.known.remove(&id),
        };
        self.effects.push(Effect {
            at,
            cause,
            agreement: agreement.to_string().into(),
            line: id.to_string().into(),
            before,
            after,
        });
    }
}

fn client(simulator: &ConnectWiseSimulator, wire: Arc<Wire>) -> Result<ConnectWiseClient> {
    let transport: Arc<dyn Transport> = wire;
    let credentials = simulator.with_state(|state| state.credentials.clone());
    ConnectWiseClient::builder()
        .site(simulator.base_url().as_str())
        .company_id(&credentials.company_id)
        .public_key(&credentials.public_key)
        .private_key(credentials.private_key.as_str())
        .client_id(&credentials.client_id)
        .page_size(PAGE)
        .retry(retries_at_once())
        .limiter(Arc::new(Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(1_000_000),
            burst: NonZeroU32::new(1_000_000),
            ..LimiterOptions::default()
        })))
        .transport(transport)
        .jitter_seed(1)
        .build()
}

impl Simulated for ConnectWiseHere {
    type Picture = BTreeMap<i64, Addition>;

    const BROKEN: &'static str =
        r#"{"code":"InvalidObject","message":"addition object is invalid","errors":[]}"#;

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

    fn reads() -> Match {
        Match::get(ADDITIONS).path_end(ADDITIONS)
    }

    fn write_of(change: &Change) -> Match {
        let method = if change.action.line().is_some() {
            "PATCH"
        } else {
            "POST"
        };
        Match::method(method, ADDITIONS)
    }

    fn refusal() -> Fault {
        const INVALID: &str = r#"{"code":"InvalidObject","message":"addition object is invalid"}"#;
        Fault::answer(400, "application/json", INVALID)
    }

    fn told_to_wait(asked: Option<u64>) -> Option<u64> {
        asked.map(|_| 0)
    }

    fn has_page_borders() -> bool {
        true
    }

    fn show(&self, now: Timestamp, by: Duration) -> Option<Self::Picture> {
        let truth = lock(&self.truth);
        let mut pictures = truth.pictures.iter().rev();
        let shown = pictures.find(|(at, _)| now.since(*at) >= by)?.1.clone();
        self.simulator.with_state(|state| {
            (shown != state.additions).then(|| std::mem::replace(&mut state.additions, shown))
        })
    }

    fn show_present(&self, present: Self::Picture) {
        self.simulator.with_state(|state| state.additions = present);
    }

    fn note(&self, cause: &Cause, at: Timestamp) {
        let mut truth = lock(&self.truth);
        let (writes, additions) = self.simulator.with_state(|state| {
            let writes: Vec<_> = state.writes.iter().skip(truth.seen).cloned().collect();
            (writes, state.additions.clone())
        });
        truth.seen += writes.len();
        for write in writes.iter().filter(|write| write.entity == "Addition") {
            let after = additions.get(&write.id).map(state_of);
            truth.push(at, cause.clone(), write.agreement_id, write.id, after);
        }
        if !writes.is_empty() {
            truth.pictures.push((at, additions));
        }
    }

    fn edit(
        &self,
        agreement: &AgreementId,
        line: &AgreementLineId,
        edit: Edit,
        at: Timestamp,
    ) -> bool {
        let id = number(line.as_str());
        let edited = self.simulator.with_state(|state| {
            if edit == Edit::Delete {
                return state.additions.remove(&id).is_some();
            }
            state.edit_addition(id, |addition| match edit {
                Edit::Quantity(units) => addition.quantity = units.into(),
                Edit::Cost(cents) => addition.unit_cost = Decimal::new(cents, 2),
                Edit::Price(cents) => addition.unit_price = Decimal::new(cents, 2),
                Edit::End => addition.cancelled_date = date(effective().plus_days(10)),
                Edit::Delete => {}
            })
        });
        if edited {
            self.note_edit(agreement, id, at);
        }
        edited
    }

    fn add(&self, agreement: &AgreementId, product: &ProductId, quantity: u32, at: Timestamp) {
        let id = self.simulator.with_state(|state| {
            let (agreement, product) = (number(agreement.as_str()), number(product.as_str()));
            state.add_addition(agreement, product, quantity)
        });
        self.note_edit(agreement, id, at);
    }

    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId> {
        let id = number(agreement.as_str());
        self.simulator.with_state(|state| {
            let additions = state.additions_of(id);
            additions
                .iter()
                .map(|addition| addition.id.to_string().into())
                .collect()
        })
    }

    fn history(&self) -> Vec<Effect> {
        lock(&self.truth).effects.clone()
    }
}
