//! The simulator of ConnectWise PSA over HTTP, with the real sink on it.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::PsaSink;
use tallyline_core::apply::Clock;
use tallyline_core::error::{Error, ErrorKind, Result};
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy, Transport};
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, CivilDate, Currency, LineState, LinesOutcome,
    Money, ProductId, Quantity, Timestamp,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{Receipt, SinkDescriptor, Verdict, WriteError};

use super::draft::{Draft, DraftLine, Ids, by_agreement, effective};
use super::time::Time;
use super::wire::{Held, Routes, Wire};
use super::world::{Cause, Edit, Effect, ErrorPage, ReadFault, World, WriteFault};
use crate::connectwise::{Addition, ConnectWiseSimulator, ConnectWiseState};
use crate::faults::{Fault, Match};
use crate::http::SimAnswer;
use crate::lock;

/// Rows on a page: small, so that agreements have page borders.
const PAGE: u16 = 5;
/// How often the client tries.
pub(super) const ATTEMPTS: u32 = 4;
/// How long a call takes on the schedule's clock.
pub(super) const LATENCY: Duration = Duration::from_millis(40);
/// When the client gives up waiting for an answer.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(30);
const ADDITIONS: &str = "/additions";

/// Where its writes go and its lines come from.
const ROUTES: Routes = Routes {
    is_write: |method, path| matches!(method, "POST" | "PATCH") && path.contains(ADDITIONS),
    is_list: |method, path| method == "GET" && path.ends_with(ADDITIONS),
};

/// ConnectWise PSA, simulated, behind real sockets.
#[derive(Debug)]
pub struct ConnectWiseWorld {
    simulator: ConnectWiseSimulator,
    sink: ConnectWiseSink,
    wire: Arc<Wire>,
    ids: Ids,
    initial: BTreeMap<AgreementId, Vec<AgreementLine>>,
    time: Arc<Time>,
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

pub(super) fn number(id: &str) -> i64 {
    id.parse().unwrap_or(0)
}

/// The lines of an agreement, as a sink reads them.
pub(super) async fn lines_of(
    sink: &dyn PsaSink,
    agreement: &AgreementId,
) -> Result<Vec<AgreementLine>> {
    let wanted = [agreement.clone()];
    let reading = sink.lines(&wanted).next().await;
    match reading.transpose()?.map(|reading| reading.outcome) {
        Some(LinesOutcome::Complete(lines)) => Ok(lines),
        Some(LinesOutcome::Failed(failure)) => Err(Error::new(failure.kind, failure.message)),
        None => Err(Error::new(ErrorKind::Protocol, "no reading")),
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

impl ConnectWiseWorld {
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
        Ok(Self {
            simulator,
            sink,
            wire,
            ids,
            initial,
            time,
            truth: Mutex::new(Truth {
                effects: Vec::new(),
                seen: 0,
                known,
                pictures,
            }),
        })
    }

    /// Sets the simulator's clock to the schedule's.
    fn tick(&self) {
        if let Ok(now) = jiff::Timestamp::from_second(self.time.now().as_second()) {
            self.simulator.clock().set(now);
        }
    }

    /// Takes what the simulator logged since into the history.
    fn note(&self, cause: &Cause) {
        let at = self.time.now();
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

    /// Takes a colleague's edit into the history.
    fn note_edit(&self, agreement: &AgreementId, id: i64) {
        let at = self.time.now();
        let additions = self.simulator.with_state(|state| state.additions.clone());
        let mut truth = lock(&self.truth);
        let after = additions.get(&id).map(state_of);
        truth.push(at, Cause::Colleague, number(agreement.as_str()), id, after);
        truth.pictures.push((at, additions));
    }

    /// Programs the fault of a read; gives what is to be put back afterwards.
    fn program(&self, fault: ReadFault) -> Option<BTreeMap<i64, Addition>> {
        let faults = self.simulator.faults();
        let reads = || Match::get(ADDITIONS).path_end(ADDITIONS);
        let attempts = usize::try_from(ATTEMPTS).unwrap_or(1);
        match fault {
            ReadFault::Refused => self.wire.refuse(attempts),
            ReadFault::TimedOut => self.wire.time_out_reads(attempts),
            ReadFault::Reset => faults.on(reads().times(attempts), Fault::drop_connection()),
            ReadFault::Busy => faults.on(reads().times(attempts), Fault::too_many_requests(None)),
            ReadFault::Broken(page) => faults.on(reads().times(attempts), answer(page)),
            ReadFault::Missing => self.wire.spoil_pages(false),
            ReadFault::Twice => self.wire.spoil_pages(true),
            ReadFault::Lagging(by) => {
                let now = self.time.now();
                let truth = lock(&self.truth);
                let mut pictures = truth.pictures.iter().rev();
                let shown = pictures.find(|(at, _)| now.since(*at) >= by)?.1.clone();
                return self.simulator.with_state(|state| {
                    (shown != state.additions)
                        .then(|| std::mem::replace(&mut state.additions, shown))
                });
            }
        }
        None
    }

    /// A read through the sink under a fault; and whether the fault struck.
    async fn under<T>(&self, fault: Option<ReadFault>, read: impl Future<Output = T>) -> (T, bool) {
        self.tick();
        self.time.sleep(LATENCY).await;
        self.arrive().await;
        let present = fault.and_then(|fault| self.program(fault));
        let result = read.await;
        let lagged = present.is_some();
        if let Some(present) = present {
            self.simulator.with_state(|state| state.additions = present);
        }
        let struck = lagged || self.simulator.faults().struck() > 0 || self.wire.has_struck();
        self.calm().await;
        if fault == Some(ReadFault::TimedOut) {
            self.time.sleep(TIME_LIMIT).await;
        }
        (result, struck)
    }

    async fn calm(&self) {
        self.simulator.faults().clear();
        self.simulator.clear_requests();
        self.wire.calm();
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
        .retry(RetryPolicy {
            max_attempts: ATTEMPTS,
            min_delay: Duration::ZERO,
            max_delay: Duration::ZERO,
            ..RetryPolicy::default()
        })
        .limiter(Arc::new(Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(1_000_000),
            burst: NonZeroU32::new(1_000_000),
            ..LimiterOptions::default()
        })))
        .transport(transport)
        .jitter_seed(1)
        .build()
}

fn answer(page: ErrorPage) -> Fault {
    let (status, kind, body) = page_of(page);
    Fault::answer(status, kind, body)
}

fn page_of(page: ErrorPage) -> (u16, &'static str, &'static str) {
    const HTML: &str = "<html><body><h1>An error occurred</h1></body></html>";
    const INVALID: &str =
        r#"{"code":"InvalidObject","message":"addition object is invalid","errors":[]}"#;
    match page {
        ErrorPage::Validation500 => (500, "application/json", INVALID),
        ErrorPage::Html500 => (500, "text/html", HTML),
        ErrorPage::Html502 => (502, "text/html", HTML),
    }
}

/// The page in place of the true answer, which was given already.
fn instead(page: ErrorPage) -> Fault {
    Fault::rewrite(move |_| {
        let (status, kind, body) = page_of(page);
        SimAnswer::new(status, kind, body)
    })
}

#[async_trait]
impl World for ConnectWiseWorld {
    fn descriptor(&self) -> &SinkDescriptor {
        self.sink.descriptor()
    }

    fn ids(&self) -> &Ids {
        &self.ids
    }

    fn initial(&self) -> &BTreeMap<AgreementId, Vec<AgreementLine>> {
        &self.initial
    }

    async fn arrive(&self) {
        for Held {
            change, request, ..
        } in self.wire.due()
        {
            self.tick();
            self.wire.deliver(request).await;
            if let Some(change) = change {
                self.note(&Cause::Change(change));
            }
        }
    }

    async fn execute(
        &self,
        change: &Change,
        faults: &[WriteFault],
        struck: &(dyn Fn(WriteFault) + Sync),
    ) -> std::result::Result<Receipt, WriteError> {
        self.tick();
        let server = self.simulator.faults();
        let writes = || {
            let method = if change.action.line().is_some() {
                "PATCH"
            } else {
                "POST"
            };
            Match::method(method, ADDITIONS).once()
        };
        for fault in faults {
            match fault {
                WriteFault::Refused => self.wire.next_write_refused(),
                WriteFault::TimedOut(arrives) => self.wire.next_write_held(&change.id, *arrives),
                fault => {
                    self.wire.next_write_passes();
                    let of_server = match fault {
                        WriteFault::ResetBefore => Fault::drop_connection(),
                        WriteFault::ResetAfter => Fault::lose_answer(),
                        // A wait in real time is as short as can be.
                        WriteFault::Busy(asked) => Fault::too_many_requests(asked.map(|_| 0)),
                        WriteFault::Broken(page, false) => answer(*page),
                        WriteFault::Broken(page, true) => instead(*page),
                        // The simulator carries out what it answers: no write is ignored.
                        _ => Fault::answer(
                            400,
                            "application/json",
                            r#"{"code":"InvalidObject","message":"addition object is invalid"}"#,
                        ),
                    };
                    server.on(writes(), of_server);
                }
            }
        }
        let written = self.sink.execute(change).await;
        self.time.sleep(LATENCY).await;
        let met = faults.len().saturating_sub(self.wire.writes_to_come());
        let as_met = |fault: &WriteFault| match fault {
            WriteFault::Ignored => WriteFault::Invalid,
            fault => *fault,
        };
        faults.iter().take(met).map(as_met).for_each(struck);
        if self.wire.has_held() {
            self.time.sleep(TIME_LIMIT).await;
        }
        self.note(&Cause::Change(change.id.clone()));
        self.calm().await;
        written
    }

    async fn lines(
        &self,
        agreement: &AgreementId,
        fault: Option<ReadFault>,
    ) -> (Result<Vec<AgreementLine>>, bool) {
        self.under(fault, lines_of(&self.sink, agreement)).await
    }

    async fn verify(
        &self,
        change: &Change,
        receipt: Option<&Receipt>,
        fault: Option<ReadFault>,
    ) -> (Result<Verdict>, bool) {
        self.under(fault, self.sink.verify(change, receipt)).await
    }

    fn edit(&self, agreement: &AgreementId, line: &AgreementLineId, edit: Edit) -> bool {
        self.tick();
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
            self.note_edit(agreement, id);
        }
        edited
    }

    fn add(&self, agreement: &AgreementId, product: &ProductId, quantity: u32) {
        self.tick();
        let id = self.simulator.with_state(|state| {
            let (agreement, product) = (number(agreement.as_str()), number(product.as_str()));
            state.add_addition(agreement, product, quantity)
        });
        self.note_edit(agreement, id);
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
