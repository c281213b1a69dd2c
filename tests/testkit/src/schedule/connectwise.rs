//! The simulator of ConnectWise PSA over HTTP, with the real sink on it.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, ProductSetup};
use tallyline_core::PsaSink;
use tallyline_core::clock::Clock as _;
use tallyline_core::error::Result;
use tallyline_core::http::{Limiter, LimiterOptions, Transport};
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, CivilDate, Currency, LineState, Money, ProductId,
    Quantity, Timestamp,
};
use tallyline_core::plan::Change;

use super::connectwise_made::{
    AGREEMENTS, CATALOG, agreement_in, makes, making_of, makings_before, rename, stray,
};
use super::draft::{Draft, DraftLine, Ids, by_agreement, effective};
use super::over_http::{OverHttp, Simulated, number, retries_at_once};
use super::time::Time;
use super::wire::{Routes, Wire};
use super::world::{Cause, Edit, Effect, Making};
use crate::clock::Clock;
use crate::connectwise::{
    Addition, Agreement, ConnectWiseSimulator, ConnectWiseState, Product, Write,
};
use crate::faults::{Fault, Faults, Match};
use crate::lock;

/// Rows on a page: small, so that agreements have page borders.
const PAGE: u16 = 3;
const ADDITIONS: &str = "/additions";

/// Where its writes go and its lines come from.
const ROUTES: Routes = Routes {
    is_write: |method, path| {
        let makes = method == "POST" && (path.ends_with(AGREEMENTS) || path.ends_with(CATALOG));
        makes || (matches!(method, "POST" | "PATCH") && path.contains(ADDITIONS))
    },
    is_list: |method, path| {
        method == "GET"
            && [ADDITIONS, AGREEMENTS, CATALOG]
                .map(|end| path.ends_with(end))
                .contains(&true)
    },
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
    known: BTreeMap<i64, (i64, LineState)>,
    makings: Vec<Making>,
    strays: Vec<String>,
    /// What all records were from when on.
    pictures: Vec<(Timestamp, Picture)>,
}

/// The records that a schedule is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    additions: BTreeMap<i64, Addition>,
    agreements: BTreeMap<i64, Agreement>,
    products: BTreeMap<i64, Product>,
}

impl Picture {
    fn of(state: &ConnectWiseState) -> Self {
        Self {
            additions: state.additions.clone(),
            agreements: state.agreements.clone(),
            products: state.products.clone(),
        }
    }

    /// Puts it in the place of the present one, which it gives.
    fn put(self, state: &mut ConnectWiseState) -> Self {
        Self {
            additions: std::mem::replace(&mut state.additions, self.additions),
            agreements: std::mem::replace(&mut state.agreements, self.agreements),
            products: std::mem::replace(&mut state.products, self.products),
        }
    }
}

fn civil(day: Date) -> Option<CivilDate> {
    CivilDate::new(day.year(), day.month(), day.day()).ok()
}

fn date(day: CivilDate) -> Option<Date> {
    Date::new(day.year(), day.month(), day.day()).ok()
}

fn known_of(addition: &Addition) -> (i64, LineState) {
    (addition.product_id, state_of(addition))
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
        let makings = makings_before(&mut state, &draft.bundle, &ids, time.now());
        let known = state.additions.iter();
        let known = known.map(|(id, addition)| (*id, known_of(addition)));
        let known: BTreeMap<_, _> = known.collect();
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
        let pictures = vec![(time.now(), Picture::of(&state))];
        let simulator = ConnectWiseSimulator::start(state).await?;
        let wire = Arc::new(Wire::new(Arc::clone(&time), ROUTES).map_err(io::Error::other)?);
        let client = client(&simulator, Arc::clone(&wire)).map_err(io::Error::other)?;
        let clock = Arc::clone(&time);
        let sink = ConnectWiseSink::builder()
            .client(client)
            .product_setup(ProductSetup::new(2, 1))
            .clock(Arc::new(move || clock.now()))
            .build();
        let here = ConnectWiseHere {
            simulator,
            sink,
            truth: Mutex::new(Truth {
                effects: Vec::new(),
                seen: 0,
                known,
                makings,
                strays: Vec::new(),
                pictures,
            }),
        };
        Ok(Self::new(here, wire, ids, initial, time))
    }
}

impl ConnectWiseHere {
    /// The agreement that is named by its id, or by the key that it carries.
    fn agreement(&self, named: &AgreementId) -> Option<i64> {
        agreement_in(&lock(&self.truth).makings, named)
    }

    /// Takes a colleague's edit into the history.
    fn note_edit(&self, agreement: i64, id: i64, at: Timestamp) {
        let picture = self.simulator.with_state(|state| Picture::of(state));
        let mut truth = lock(&self.truth);
        let after = picture.additions.get(&id).map(known_of);
        truth.push(at, Cause::Colleague, agreement, id, after);
        truth.pictures.push((at, picture));
    }
}

impl Truth {
    fn push(
        &mut self,
        at: Timestamp,
        cause: Cause,
        agreement: i64,
        id: i64,
        after: Option<(i64, LineState)>,
    ) {
        let before = match &after {
            Some(known) => self.known.insert(id, known.clone()),
            None => self.known.remove(&id),
        };
        let product = after
            .as_ref()
            .or(before.as_ref())
            .map(|(product, _)| *product);
        self.effects.push(Effect {
            at,
            cause,
            agreement: agreement.to_string().into(),
            line: id.to_string().into(),
            product: product.unwrap_or_default().to_string().into(),
            before: before.map(|(_, state)| state),
            after: after.map(|(_, state)| state),
        });
    }

    /// Takes a write of the client into the history.
    fn take(&mut self, write: &Write, at: Timestamp, cause: &Cause, picture: &Picture) {
        if write.entity == "Addition" {
            let after = picture.additions.get(&write.id).map(known_of);
            self.push(at, cause.clone(), write.agreement_id, write.id, after);
            return;
        }
        let agreement = picture.agreements.get(&write.id);
        let product = picture.products.get(&write.id);
        match making_of(write, agreement, product, at, cause) {
            Some(making) => self.makings.push(making),
            None => self.strays.push(stray(write, cause)),
        }
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
    type Picture = Picture;

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

    fn reads(made_by: Option<&Change>) -> Match {
        match made_by {
            Some(change) => Match::get(makes(change)),
            None => Match::get(ADDITIONS).path_end(ADDITIONS),
        }
    }

    fn write_of(change: &Change) -> Match {
        if change.action.makes_record() {
            return Match::post(makes(change)).path_end(makes(change));
        }
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
        self.simulator
            .with_state(|state| (shown != Picture::of(state)).then(|| shown.put(state)))
    }

    fn show_present(&self, present: Self::Picture) {
        self.simulator.with_state(|state| present.put(state));
    }

    fn note(&self, cause: &Cause, at: Timestamp) {
        let mut truth = lock(&self.truth);
        let (writes, picture) = self.simulator.with_state(|state| {
            let writes: Vec<_> = state.writes.iter().skip(truth.seen).cloned().collect();
            (writes, Picture::of(state))
        });
        truth.seen += writes.len();
        for write in &writes {
            truth.take(write, at, cause, &picture);
        }
        if !writes.is_empty() {
            truth.pictures.push((at, picture));
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
        let Some(agreement) = self.agreement(agreement) else {
            return false;
        };
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

    fn add(
        &self,
        agreement: &AgreementId,
        product: &ProductId,
        quantity: u32,
        at: Timestamp,
    ) -> bool {
        let Some(agreement) = self.agreement(agreement) else {
            return false;
        };
        let product = number(product.as_str());
        let id = self
            .simulator
            .with_state(|state| state.add_addition(agreement, product, quantity));
        self.note_edit(agreement, id, at);
        true
    }

    fn rename(&self, place: &AgreementId) -> bool {
        let makings = self.makings();
        let named = makings.iter().find(|it| it.place == *place);
        named.is_some_and(|it| self.simulator.with_state(|state| rename(state, &it.record)))
    }

    fn present(&self, agreement: &AgreementId) -> Vec<AgreementLineId> {
        let Some(id) = self.agreement(agreement) else {
            return Vec::new();
        };
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

    fn makings(&self) -> Vec<Making> {
        lock(&self.truth).makings.clone()
    }

    fn strays(&self) -> Vec<String> {
        lock(&self.truth).strays.clone()
    }
}
