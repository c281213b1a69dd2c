//! Plays a schedule: processes that die, stall and meet on one journal, until the run is over.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tallyline_core::apply::{ApplyOptions, ApplyReport, ApplyRequest};
use tallyline_core::clock::Clock;
use tallyline_core::model::{ChargeKey, RunId};
use tallyline_core::store::{
    ChangeRecord, ChangeState, HolderId, Journal, MemoryStore, Registration,
};

use super::adversary::{Adversary, LATE_WRITE, Rates};
use super::autotask::AutotaskWorld;
use super::bundle::Makes;
use super::connectwise::ConnectWiseWorld;
use super::draft::{Draft, Plan, Shape};
use super::judge::{Findings, Judge, compare};
use super::kinds::{Faults, Kind};
use super::memory::MemoryWorld;
use super::process::{Disk, Process, Rig};
use super::subject::{Bench, Subject};
use super::tally::{Ends, Made, Unsettled};
use super::through::Through;
use super::time::Time;
use super::world::World;
use crate::dice::Dice;

/// One schedule in so many goes over HTTP.
const OVER_HTTP: u64 = 16;
/// How many seconds a process stands still at most: longer than a lease holds and than a lost write
/// may take.
const STALL: usize = 1_200;
/// How many milliseconds after its beginning a process stands still in a write at most: in one that
/// goes well, and in one that waits.
const STALL_AFTER: [usize; 2] = [40, 200_000];
/// How many schedules in a thousand that make something ask for it only once.
const ONCE: usize = 400;
/// The run that asks for what was made once more.
const AGAIN: &str = "run-again";
/// The most rounds with faults.
const ROUNDS: usize = 6;
/// The most rounds after the faults.
const CALM_ROUNDS: usize = 3;

/// Which world a schedule is played in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The PSA in memory, on paused time.
    Memory,
    /// The simulator of ConnectWise PSA over HTTP, with the real sink.
    ConnectWise,
    /// The simulator of Autotask PSA over HTTP, with the real sink.
    Autotask,
}

impl Place {
    /// The place of the schedule of a seed.
    pub fn of(seed: u64) -> Self {
        if seed.is_multiple_of(OVER_HTTP) {
            Self::ConnectWise
        } else {
            Self::Memory
        }
    }
}

/// What came of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its seed.
    pub seed: u64,
    /// Where it was played.
    pub place: Place,
    /// How many changes the plans had.
    pub changes: usize,
    /// The faults that struck, by kind.
    pub faults: Faults,
    /// The changes that were unsettled when the faults were over.
    pub unsettled: Unsettled,
    /// What became of all changes in the end.
    pub ends: Ends,
    /// What was made beside the lines.
    pub made: Made,
    /// What is not as it must be.
    pub findings: Findings,
    /// What happened, when it was asked for.
    pub story: Vec<String>,
}

/// Plays the schedule of a seed. The same seed gives the same story.
///
/// # Errors
/// When the runtime or the simulator cannot be started.
pub fn play(seed: u64, subject: &dyn Subject, with_story: bool) -> io::Result<Played> {
    play_in(Place::of(seed), seed, subject, with_story)
}

/// Plays the schedule of a seed in a world.
///
/// # Errors
/// As [`play`].
pub fn play_in(
    place: Place,
    seed: u64,
    subject: &dyn Subject,
    with_story: bool,
) -> io::Result<Played> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = match place {
        Place::Memory => builder.enable_time().start_paused(true).build()?,
        Place::ConnectWise | Place::Autotask => builder.enable_all().build()?,
    };
    runtime.block_on(Box::pin(play_at(place, seed, subject, with_story)))
}

async fn play_at(
    place: Place,
    seed: u64,
    subject: &dyn Subject,
    with_story: bool,
) -> io::Result<Played> {
    let mut dice = Dice::new(seed);
    let changes = size(&mut dice, place);
    let (shape, makes) = (shape(place), makes(place));
    let draft = Draft::draw(&mut dice, changes, shape, makes);
    let concurrency = 1 + dice.below(4);
    let rates = Rates::draw(&mut dice);
    let (time, world): (_, Box<dyn World>) = match place {
        Place::Memory => {
            let time = Arc::new(Time::paused());
            let world = MemoryWorld::new(&draft, Arc::clone(&time));
            (time, Box::new(world))
        }
        Place::ConnectWise => {
            let time = Arc::new(Time::jumping());
            let world = ConnectWiseWorld::start(&draft, Arc::clone(&time)).await?;
            (time, Box::new(world))
        }
        Place::Autotask => {
            let time = Arc::new(Time::jumping());
            let world = AutotaskWorld::start(&draft, Arc::clone(&time)).await?;
            (time, Box::new(world))
        }
    };
    let world = &*world;
    let agreements = world.ids().agreements.iter().cloned();
    let all: Vec<_> = agreements.chain(draft.bundle.places()).collect();
    let adversary = Adversary::new(dice, rates, &all, Arc::clone(&time), with_story);
    let mut stage = Stage {
        place,
        subject,
        world,
        adversary: &adversary,
        plan: Plan::none(),
        options: options(place, concurrency),
        processes: AtomicUsize::new(0),
        signs_of_life: Mutex::default(),
        journal: MemoryStore::new(),
        in_conflict: BTreeSet::new(),
        time,
        played: Played {
            seed,
            place,
            changes: 0,
            faults: Faults::default(),
            unsettled: Unsettled::default(),
            ends: Ends::default(),
            made: Made::default(),
            findings: Findings::default(),
            story: Vec::new(),
        },
    };
    Box::pin(stage.play(&draft)).await;
    Ok(Played {
        faults: adversary.injected(),
        made: Made::of(&world.makings()),
        story: adversary.story(),
        ..stage.played
    })
}

fn shape(place: Place) -> Shape {
    match place {
        Place::Memory | Place::ConnectWise => Shape::All,
        Place::Autotask => Shape::UnitsOnce,
    }
}

/// What is made beside the lines; less over HTTP, where it takes its time.
fn makes(place: Place) -> Makes {
    match place {
        Place::Memory => Makes {
            agreements: 4,
            under_masters: true,
            products: 4,
            charges: 3,
        },
        Place::ConnectWise => Makes {
            agreements: 2,
            under_masters: true,
            products: 2,
            charges: 0,
        },
        Place::Autotask => Makes {
            agreements: 2,
            under_masters: false,
            products: 0,
            charges: 2,
        },
    }
}

/// From one change to 200; the large ones are rarer, and over HTTP plans are small.
fn size(dice: &mut Dice, place: Place) -> usize {
    let most = match (place, dice.below(10)) {
        (Place::ConnectWise | Place::Autotask, _) => 25,
        (_, 0..6) => 15,
        (_, 6..9) => 60,
        _ => 200,
    };
    1 + dice.below(most)
}

fn options(place: Place, concurrency: usize) -> ApplyOptions {
    let mut options = ApplyOptions::new();
    options.late_write = LATE_WRITE;
    // Behind real sockets the order of two calls is not the seed's.
    options.concurrency = match place {
        Place::Memory => concurrency,
        Place::ConnectWise | Place::Autotask => 1,
    };
    options
}

fn millis(so_many: usize) -> Duration {
    Duration::from_millis(u64::try_from(so_many).unwrap_or(0))
}

/// Everything that the processes of a schedule share.
struct Stage<'a> {
    place: Place,
    subject: &'a dyn Subject,
    world: &'a dyn World,
    adversary: &'a Adversary,
    /// The plan of the present run.
    plan: Plan,
    options: ApplyOptions,
    /// How many processes there have been.
    processes: AtomicUsize,
    /// Those that outlast their processes.
    signs_of_life: Mutex<Vec<Registration>>,
    journal: MemoryStore,
    /// The charges that the runs before left in conflict.
    in_conflict: BTreeSet<ChargeKey>,
    time: Arc<Time>,
    played: Played,
}

impl Stage<'_> {
    /// The products, then the plan, then all that was made once more: each in a run of its own, for which the
    /// one before is over.
    async fn play(&mut self, draft: &Draft) {
        let (world, ids) = (self.world, self.world.ids());
        let bundle = &draft.bundle;
        if let Some(plan) = bundle.products_plan() {
            self.play_run("run-products", plan, false).await;
        }
        let mut plan = draft.plan(ids);
        bundle.add_to(&mut plan, ids, &world.makings());
        self.play_run("run-1", plan, false).await;
        if bundle.is_empty() || self.adversary.dice(|dice| dice.strikes(ONCE)) {
            return;
        }
        let calm = self.adversary.dice(|dice| dice.strikes(500));
        let plan = bundle.again(ids, &world.makings());
        self.play_run(AGAIN, plan, calm).await;
    }

    /// A run, until it is over, and its judgement.
    async fn play_run(&mut self, run: &str, plan: Plan, calm: bool) {
        self.plan = plan;
        self.options.run = Some(RunId::new(run));
        self.adversary.begin(calm, run == AGAIN);
        self.adversary
            .tell(|| format!("{run} is to be carried out"));
        let unsettled = Box::pin(self.run_with_faults()).await;
        let report = Box::pin(self.run_to_the_end()).await;
        let journal = self.recorded().await;
        let judge = Judge::new(self.world, self.adversary, &self.plan, &self.in_conflict);
        judge.judge(report.as_ref(), &journal, &mut self.played.findings);
        let conflicts = journal
            .iter()
            .filter(|record| record.state() == ChangeState::Conflict);
        self.in_conflict
            .extend(conflicts.filter_map(|record| record.change.charge_key()));
        self.played.changes += self.plan.changes.len();
        self.played.unsettled.add(&unsettled);
        let totals = report.map(|report| report.totals);
        self.played.ends.add_run(&totals.unwrap_or_default());
    }

    /// One process, until it ends or dies.
    async fn run(&self, process: &Process) -> Option<ApplyReport> {
        let rig = Rig {
            world: self.world,
            adversary: self.adversary,
            process,
            plan: &self.plan.changes,
            time: &self.time,
        };
        let without_proof = self.adversary.dice(|dice| dice.strikes(500));
        let journal = Through {
            inner: &self.journal,
            hooks: Disk {
                adversary: self.adversary,
                process,
                time: &self.time,
                signs_of_life: without_proof.then_some(&self.signs_of_life),
            },
        };
        // Two that begin at one instant are two holders all the same.
        let number = self.processes.fetch_add(1, Ordering::SeqCst);
        let mut options = self.options.clone();
        options.holder = Some(HolderId::new(format!("process-{number}")));
        let bench = Bench {
            sink: &rig,
            journal: &journal,
            clock: &*self.time,
            request: ApplyRequest {
                plan_id: &self.plan.approval.plan,
                plan_text: "{}",
                approval: &self.plan.approval,
                source: "vendor",
                changes: &self.plan.changes,
            },
            options: &options,
            world: self.world,
        };
        let name = process.name;
        self.adversary.tell(|| format!("{name} begins"));
        let report = tokio::select! {
            biased;
            result = self.subject.work(bench) => match result {
                Ok(report) => {
                    self.adversary.tell(|| format!("{name} ends: {}", report.totals));
                    Some(report)
                }
                Err(error) => {
                    self.adversary.tell(|| format!("{name} ends: {error}"));
                    None
                }
            },
            () = process.death() => {
                self.adversary.tell(|| format!("{name} dies"));
                self.adversary.count(Kind::Died);
                None
            }
        };
        process.ended();
        report
    }

    /// A process, dying or not, that may meet a second one.
    async fn round(&self) -> Vec<ApplyReport> {
        let points = 16 * self.plan.changes.len();
        let rates = self.adversary.rates;
        let draw_death = || {
            self.adversary.dice(|dice| {
                let most = if dice.strikes(500) { 40 } else { points };
                dice.strikes(rates.death).then(|| dice.below(most))
            })
        };
        let first = Process::new("A", draw_death());
        if !self.adversary.dice(|dice| dice.strikes(rates.second)) {
            return self.run(&first).await.into_iter().collect();
        }
        let second = Process::new("B", draw_death());
        let beside = self.place == Place::Memory && self.adversary.dice(|dice| dice.strikes(400));
        let (a, b) = if beside {
            self.adversary.count(Kind::TwoAtOnce);
            futures::join!(self.run(&first), self.run(&second))
        } else {
            let changes = self.plan.changes.len();
            let (first, wait) = self.adversary.dice(|dice| {
                let first = if dice.strikes(500) {
                    first.stalling_at(dice.below(points))
                } else {
                    let longest = dice.pick(&STALL_AFTER).copied().unwrap_or(1);
                    first.stalling_in_write(dice.below(changes), millis(dice.below(longest)))
                };
                (first, dice.below(STALL))
            });
            let meanwhile = async {
                if let Some(kind) = first.stall().await {
                    self.adversary.count(kind);
                    self.adversary.count(Kind::TwoAtOnce);
                    self.adversary.tell(|| format!("A: {kind}"));
                    self.pass(wait).await;
                    let report = self.run(&second).await;
                    first.wake();
                    self.adversary.tell(|| "A goes on".to_owned());
                    return report;
                }
                None
            };
            futures::join!(self.run(&first), meanwhile)
        };
        a.into_iter().chain(b).collect()
    }

    async fn pass(&self, seconds: usize) {
        self.time.sleep(millis(1_000 * seconds)).await;
    }

    /// Rounds until nothing is left to do or the faults are over; gives the changes that are
    /// unsettled then.
    async fn run_with_faults(&mut self) -> Unsettled {
        for _ in 0..ROUNDS {
            let reports = self.round().await;
            let journal = self.recorded().await;
            for report in &reports {
                compare(report, &journal, &mut self.played.findings);
            }
            if reports.iter().any(|report| !report.is_resumable()) {
                break;
            }
            let wait = self.adversary.dice(|dice| {
                let most = dice.pick(&[1, 30, 300, 1_200]).copied();
                dice.below(most.unwrap_or(1))
            });
            self.pass(wait).await;
        }
        self.adversary.end();
        Unsettled::among(&self.recorded().await)
    }

    /// Rounds without faults, each after the time in which a lost write may arrive.
    async fn run_to_the_end(&mut self) -> Option<ApplyReport> {
        let mut last = None;
        for _ in 0..CALM_ROUNDS {
            self.time.sleep(LATE_WRITE).await;
            self.world.arrive().await;
            last = self.run(&Process::new("C", None)).await;
            let journal = self.recorded().await;
            if let Some(report) = &last {
                compare(report, &journal, &mut self.played.findings);
                if !report.is_resumable() {
                    break;
                }
            }
        }
        self.time.sleep(LATE_WRITE).await;
        self.world.arrive().await;
        last
    }

    async fn recorded(&self) -> Vec<ChangeRecord> {
        self.journal
            .changes(&self.options.run.clone().unwrap_or_else(|| RunId::new("")))
            .await
            .unwrap_or_default()
    }
}
