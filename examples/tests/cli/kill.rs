//! The program is killed at random moments, and goes on.
//!
//! Each world applies plans with a program that gets SIGKILL again and again, until it has been
//! killed often enough. The moments are drawn from a seed: after so many requests, before the
//! answer leaves or a little after it. Between a kill and the next start everything that was on
//! its way has arrived, as it has ten minutes later in life; the program is told so by its clock.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rust_decimal::Decimal;
use tallyline_core::model::{Money, Timestamp};
use tallyline_core::plan::{Action, Change, Plan};
use tallyline_testkit::connectwise::Addition;
use tallyline_testkit::faults::{Fault, Match};

use crate::plan::unblock;
use crate::support::World;

/// Worlds at work side by side.
const WORLDS: u64 = 4;

/// Kills in each of them.
const KILLS: usize = 16;

/// Starts of the program, those that came to their end included, after which something is stuck.
const STARTS: usize = 4 * KILLS;

/// The least distance between two starts on the program's clock: a lost write can no longer arrive,
/// ten minutes after the lease has ended under which it left.
const LATER: Duration = Duration::from_secs(12 * 60);

/// A small generator of its own: the same seed draws the same moments.
struct Draw(u64);

impl Draw {
    /// A number below a limit, from SplitMix64.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// When a start of the program is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// When the system has handled so many requests: the answer of the last one never leaves.
    BeforeTheAnswer(usize),
    /// So long after the system has handled so many requests.
    After(usize, Duration),
    /// So long after the start, whatever was requested by then.
    Early(Duration),
}

impl Moment {
    fn draw(draw: &mut Draw) -> Self {
        let requests = usize::try_from(1 + draw.below(9)).unwrap();
        let pause = Duration::from_micros(draw.below(4000));
        match draw.below(8) {
            0 => Self::Early(Duration::from_micros(draw.below(30_000))),
            1..=3 => Self::BeforeTheAnswer(requests),
            _ => Self::After(requests, pause),
        }
    }
}

/// What a start of the program came to.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Killed,
    Ended { code: i32, out: String, err: String },
}

/// What is watched while the program runs.
enum Seen {
    /// The request at the moment to kill is handled; its answer leaves when this is dropped.
    Handled(Sender<()>),
    /// The program has closed its output.
    Closed,
}

/// Starts the program and kills it at a moment, if it lives that long.
fn start(world: &World, args: &[&str], now: Timestamp, moment: Option<Moment>) -> End {
    let (tell, seen) = channel();
    let faults = world.psa.faults();
    faults.clear();
    if let Some(Moment::BeforeTheAnswer(nth) | Moment::After(nth, _)) = moment {
        let wait = matches!(moment, Some(Moment::BeforeTheAnswer(_)));
        let tell = tell.clone();
        let signal = Fault::rewrite(move |answer| {
            let (hold, held) = channel::<()>();
            if tell.send(Seen::Handled(hold)).is_ok() && wait {
                // Ends when the other side is dropped.
                held.recv().unwrap_err();
            }
            answer
        });
        faults.on(Match::any().nth(nth), signal);
    }
    let mut command = world.command(args);
    command
        .env("TALLYLINE_NOW", now.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let output = watch(&mut child, tell);
    let kill = |child: &mut Child| {
        // An error means that it has ended by itself in the meantime.
        drop(child.kill());
    };
    match moment {
        Some(Moment::Early(pause)) => {
            std::thread::sleep(pause);
            kill(&mut child);
        }
        Some(Moment::BeforeTheAnswer(_) | Moment::After(..)) => match seen.recv().unwrap() {
            Seen::Handled(hold) => {
                if let Some(Moment::After(_, pause)) = moment {
                    std::thread::sleep(pause);
                }
                kill(&mut child);
                drop(hold);
            }
            Seen::Closed => {}
        },
        None => {}
    }
    let status = child.wait().unwrap();
    faults.clear();
    let (out, err) = output();
    match status.code() {
        Some(code) => End::Ended { code, out, err },
        None => End::Killed,
    }
}

/// Reads both outputs to their end, says when the first is closed, and gives them out.
fn watch(child: &mut Child, tell: Sender<Seen>) -> impl FnOnce() -> (String, String) + use<> {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read_out = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        // Nobody listens any more where the program was killed.
        drop(tell.send(Seen::Closed));
        text
    });
    let read_err = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).unwrap();
        text
    });
    move || (read_out.join().unwrap(), read_err.join().unwrap())
}

/// What is billed: product, quantity, cost, price, last day.
type Line = (i64, Decimal, Decimal, Decimal, String);

fn line(addition: &Addition) -> Line {
    (
        addition.product_id,
        addition.quantity.normalize(),
        addition.unit_cost.normalize(),
        addition.unit_price.normalize(),
        addition
            .cancelled_date
            .map_or_else(String::new, |day| day.to_string()),
    )
}

/// Every line by agreement, sorted.
fn by_agreement(lines: impl IntoIterator<Item = (i64, Line)>) -> BTreeMap<i64, Vec<Line>> {
    let mut agreements: BTreeMap<i64, Vec<Line>> = BTreeMap::new();
    for (agreement, line) in lines {
        agreements.entry(agreement).or_default().push(line);
    }
    for lines in agreements.values_mut() {
        lines.sort();
    }
    agreements
}

/// What is billed at present.
fn billed(world: &World) -> BTreeMap<i64, Vec<Line>> {
    let additions = world.psa.with_state(|state| state.additions.clone());
    by_agreement(additions.values().map(|it| (it.agreement_id, line(it))))
}

/// The line that a change creates.
fn created(world: &World, change: &Change) -> Option<Line> {
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
    let id: i64 = change.product.as_str().parse().unwrap();
    let product = world.psa.with_state(|state| state.products[&id].clone());
    let or = |given: &Option<Money>, own: Decimal| given.map_or(own, |it| it.amount).normalize();
    Some((
        id,
        quantity.value().normalize(),
        or(unit_cost, product.cost),
        or(unit_price, product.price),
        last_day.map_or_else(String::new, |day| day.to_string()),
    ))
}

/// What is billed when exactly this plan has been carried out.
fn planned(world: &World, plan: &Plan) -> BTreeMap<i64, Vec<Line>> {
    let mut additions = world.psa.with_state(|state| state.additions.clone());
    let mut lines: Vec<(i64, Line)> = Vec::new();
    for change in plan.changes() {
        assert!(!change.is_blocked(), "{change:?}");
        if let Some(line) = created(world, change) {
            lines.push((change.agreement.as_str().parse().unwrap(), line));
            continue;
        }
        let id: i64 = change.action.line().unwrap().as_str().parse().unwrap();
        let addition = additions.get_mut(&id).unwrap();
        match &change.action {
            Action::SetQuantity { to, .. } => addition.quantity = to.value(),
            Action::SetUnitCost { to, .. } => addition.unit_cost = to.amount,
            action => panic!("no such change is expected here: {action:?}"),
        }
    }
    lines.extend(additions.values().map(|it| (it.agreement_id, line(it))));
    by_agreement(lines)
}

/// Every client buys more of what it has first.
fn buy_more(world: &World) {
    world.vendor.with_state(|state| {
        let customers: Vec<String> = state.customers.iter().map(|it| it.id.clone()).collect();
        for customer in customers {
            let mut own = state.subscriptions.iter_mut();
            if let Some(first) = own.find(|it| it.customer_id == customer) {
                first.quantity += 1;
            }
        }
    });
}

/// A plan with new lines and changed ones, none of them blocked.
fn plan(world: &World) -> Plan {
    buy_more(world);
    let make = || {
        // 2 where something is to be done.
        let run = world.run(&["plan"]);
        assert_eq!(run.code, 2, "{run:?}");
        Plan::from_text(&world.read("plan.json")).unwrap()
    };
    // Every third line that was to be changed is gone, and so is to be made anew.
    let first = make();
    let lines = first.changes().iter().filter_map(|it| it.action.line());
    world.psa.with_state(|state| {
        for line in lines.step_by(3) {
            state.additions.remove(&line.as_str().parse().unwrap());
        }
    });
    make()
}

/// Holds what the system carried out since its record was cleared to the plan: every change
/// once. A second request with the same content would be one too many, whether or not it had
/// anything left to change.
fn assert_written_once(world: &World, plan: &Plan) {
    let mut written: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for request in world.psa.requests() {
        if request.method != "GET" && request.status.is_some_and(|status| status < 300) {
            let content = (request.method, request.path, request.body);
            *written.entry(content).or_default() += 1;
        }
    }
    let more = written.iter().filter(|(_, times)| **times > 1);
    let more: Vec<_> = more.collect();
    assert!(more.is_empty(), "carried out more than once: {more:#?}");
    assert_eq!(written.len(), plan.changes().len());
}

/// Applies one plan with a program that is killed again and again; gives how often it was.
fn carry_out(world: &World, draw: &mut Draw, now: &mut Timestamp, most: usize) -> usize {
    let plan = plan(world);
    let wanted = planned(world, &plan);
    world.psa.clear_requests();

    let (mut kills, mut begun) = (0, false);
    for _ in 0..STARTS {
        let args: &[&str] = match begun {
            true => &["apply", "--resume"],
            false => &["apply", "plan.json", "--yes"],
        };
        *now = now.plus(LATER);
        let moment = (kills < most).then(|| Moment::draw(draw));
        match start(world, args, *now, moment) {
            End::Killed => {
                kills += 1;
                begun = true;
                world.settle();
            }
            // Killed before it had noted anything: it begins anew.
            End::Ended { code: 1, err, .. } if begun && err.contains("no interrupted run") => {
                begun = false;
            }
            // It was killed after its last change.
            End::Ended { code: 1, err, .. } if !begun && err.contains("was carried out") => break,
            End::Ended { code, out, err } => {
                assert_eq!(code, 0, "{moment:?}\n{out}\n{err}");
                break;
            }
        }
    }
    assert_written_once(world, &plan);
    assert_eq!(billed(world), wanted, "after {kills} kills");
    let run = world.run(&["plan"]);
    assert_eq!(
        run.code, 0,
        "something is left after {kills} kills: {run:?}"
    );
    kills
}

#[test]
fn a_program_that_is_killed_at_any_moment_goes_on_and_writes_everything_once() {
    let worlds = (0..WORLDS).map(|seed| {
        std::thread::spawn(move || {
            let world = World::mapped();
            unblock(&world);
            let mut draw = Draw(seed);
            let mut now: Timestamp = crate::support::NOW.parse().unwrap();
            let mut kills = 0;
            while kills < KILLS {
                let more = carry_out(&world, &mut draw, &mut now, KILLS - kills);
                assert!(more > 0, "no start lived long enough to be killed");
                kills += more;
            }
            kills
        })
    });
    let worlds: Vec<_> = worlds.collect();
    let kills: usize = worlds.into_iter().map(|world| world.join().unwrap()).sum();
    assert!(kills >= 50, "only {kills}");
}
