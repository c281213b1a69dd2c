//! What goes wrong, on which change, and what must have become of it.

use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::time::Duration;

use rust_decimal::Decimal;
use serde::Serialize;
use tallyline_core::apply::{ApplyOptions, Outcome};
use tallyline_core::model::Quantity;
use tallyline_core::plan::{Action, Change, Plan};
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::faults::{Fault, Match};
use tokio::sync::Notify;

use crate::demo::stage::Stage;
use crate::output::count;

/// The wait that the billing system asks for, in seconds: the least that the header can say.
const PATIENCE: u64 = 1;

/// By how much the colleague changes the quantity.
const COLLEAGUES: Decimal = Decimal::TEN;

/// One kind of thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The write is carried out, and its answer never comes.
    AnswerLost,
    /// The connection breaks before the request was read.
    RequestLost,
    /// The system refuses for a while: status 429 with `Retry-After`.
    TooManyRequests,
    /// The write is carried out, and a gateway answers with a page of its own.
    ErrorPage,
    /// Reading back shows the old figure for a while.
    OldFigure,
    /// The program ends between the write and its answer.
    Crash,
    /// Somebody edits the line by hand after the plan was made.
    ColleaguesEdit,
}

/// In the order of the plan: what comes after the crash is still to be done then.
const ON_QUANTITIES: [Kind; 6] = [
    Kind::TooManyRequests,
    Kind::ErrorPage,
    Kind::OldFigure,
    Kind::RequestLost,
    Kind::Crash,
    Kind::ColleaguesEdit,
];

/// Something that goes wrong, and the change that it strikes.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) change: Change,
}

/// The end of the program between a write and its answer.
#[derive(Debug)]
pub(super) struct Crash {
    /// Told when the write is carried out.
    pub(super) now: Notify,
    /// Holds the answer until nothing of the run is left.
    pub(super) gone: Barrier,
}

impl Crash {
    pub(super) fn new() -> Self {
        Self {
            now: Notify::new(),
            gone: Barrier::new(2),
        }
    }
}

/// What the billing system must have seen of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    /// Requests to write.
    pub(super) asked: usize,
    /// Of these, carried out.
    pub(super) written: usize,
}

impl Kind {
    /// What happened, as a heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::AnswerLost => "The answer got lost",
            Self::RequestLost => "The request got lost",
            Self::TooManyRequests => "Too many requests",
            Self::ErrorPage => "An error page instead of an answer",
            Self::OldFigure => "Reading back showed the old figure",
            Self::Crash => "The program stopped dead",
            Self::ColleaguesEdit => "A colleague's edit in between",
        }
    }

    /// The requests and writes that exactly one writing makes.
    pub(super) fn wanted(self) -> Seen {
        let asked = match self {
            Self::ColleaguesEdit => 0,
            Self::RequestLost | Self::TooManyRequests => 2,
            Self::AnswerLost | Self::ErrorPage | Self::OldFigure | Self::Crash => 1,
        };
        Seen {
            asked,
            written: asked.min(1),
        }
    }

    /// Whether a change that met it came out as it must.
    pub(super) fn allows(self, outcome: Outcome) -> bool {
        match self {
            Self::AnswerLost | Self::ErrorPage | Self::Crash => {
                outcome == Outcome::Done { recovered: true }
            }
            Self::RequestLost | Self::TooManyRequests | Self::OldFigure => {
                outcome == Outcome::Done { recovered: false }
            }
            Self::ColleaguesEdit => outcome == Outcome::Drifted,
        }
    }
}

impl Trouble {
    /// One of each kind, on changes of a plan that share their agreement with no other.
    ///
    /// # Errors
    /// `Config` when the plan has too few.
    pub(super) fn choose(plan: &Plan) -> Result<Vec<Self>> {
        let alone = |change: &&Change| {
            let of_agreement = plan.changes().iter();
            let shared = of_agreement
                .filter(|other| other.agreement == change.agreement)
                .count();
            shared == 1 && !change.is_blocked()
        };
        let all: Vec<&Change> = plan.changes().iter().filter(alone).collect();
        let creates = |change: &&&Change| matches!(change.action, Action::CreateLine { .. });
        let sets = |change: &&&Change| matches!(change.action, Action::SetQuantity { .. });
        let kinds = std::iter::once(Kind::AnswerLost).chain(ON_QUANTITIES);
        let changes = all.iter().filter(creates).take(1).chain(
            all.iter()
                .filter(sets)
                // The first ones are left in peace, the last ones too.
                .skip(1)
                .take(ON_QUANTITIES.len()),
        );
        let chosen: Vec<Self> = kinds
            .zip(changes)
            .map(|(kind, change)| Self {
                kind,
                change: (*change).clone(),
            })
            .collect();
        if chosen.len() == ON_QUANTITIES.len() + 1 {
            Ok(chosen)
        } else {
            Err(Error::new(
                ErrorKind::Config,
                "--faults needs a larger book: give more --accounts",
            ))
        }
    }

    /// The path of the lines that the change is about.
    fn path(&self) -> String {
        format!("/agreements/{}/additions", self.change.agreement)
    }

    /// Lets it happen, where it is not done by hand.
    pub(super) fn arrange(&self, stage: &Stage, crash: &Arc<Crash>) {
        let at = self.path();
        let faults = stage.psa.faults();
        match self.kind {
            Kind::AnswerLost => faults.on(Match::post(&at).once(), Fault::lose_answer()),
            Kind::RequestLost => faults.on(Match::patch(&at).once(), Fault::drop_connection()),
            Kind::TooManyRequests => {
                let refusal = Fault::too_many_requests(Some(PATIENCE));
                faults.on(Match::patch(&at).once(), refusal);
            }
            Kind::ErrorPage => faults.on(Match::patch(&at).once(), error_page()),
            Kind::OldFigure => {
                let old = Arc::new(Mutex::new(None));
                let kept = Arc::clone(&old);
                let keep = Fault::rewrite(move |answer| {
                    *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
                    answer
                });
                let again = Fault::rewrite(move |answer| {
                    let old = old.lock().unwrap_or_else(PoisonError::into_inner);
                    old.clone().unwrap_or(answer)
                });
                // Of two that match, the first strikes: the second sees what comes after it.
                faults.on(Match::get(&at).once(), keep);
                faults.on(Match::get(&at).once(), again);
            }
            Kind::Crash => {
                let crash = Arc::clone(crash);
                let stop = Fault::rewrite(move |answer| {
                    crash.now.notify_one();
                    crash.gone.wait();
                    answer
                });
                faults.on(Match::patch(&at).once(), stop);
            }
            Kind::ColleaguesEdit => {}
        }
    }

    /// The colleague at work.
    pub(super) fn edit_by_hand(&self, stage: &Stage) {
        let line = self.change.action.line();
        if let Some(id) = line.and_then(|id| id.as_str().parse().ok()) {
            stage.psa.with_state(|state| {
                state.edit_addition(id, |addition| addition.quantity += COLLEAGUES);
            });
        }
    }

    /// The quantity that the colleague leaves.
    pub(super) fn colleagues(&self) -> Option<Quantity> {
        let (from, _) = self.change.action.quantities()?;
        Some(Quantity::new(from.value() + COLLEAGUES))
    }

    /// What the billing system saw of it, and whether anything went wrong there at all.
    pub(super) fn seen(&self, stage: &Stage) -> (Seen, bool) {
        let path = self.path();
        let requests = stage.psa.requests();
        let about: Vec<_> = requests
            .iter()
            .filter(|request| request.path.contains(&path))
            .collect();
        let agreement = self.change.agreement.as_str();
        let writes = stage.psa.writes();
        let written = writes
            .iter()
            .filter(|write| write.agreement_id.to_string() == agreement)
            .count();
        let asked = about.iter().filter(|request| request.method != "GET");
        let seen = Seen {
            asked: asked.count(),
            written,
        };
        let struck = about.iter().any(|request| request.faulted);
        (seen, struck || self.kind == Kind::ColleaguesEdit)
    }

    /// What happened, for a reader in finance.
    pub(super) fn what_happened(&self) -> String {
        match self.kind {
            Kind::AnswerLost => "The billing system made the new line, and the connection broke \
                before its answer came back."
                .to_owned(),
            Kind::RequestLost => "The connection broke before the billing system had read the \
                request. From here that looks the same as a lost answer."
                .to_owned(),
            Kind::TooManyRequests => format!(
                "The billing system refused the request because too many had come, and asked for \
                 a pause of {} (status 429, Retry-After).",
                count(usize::try_from(PATIENCE).unwrap_or(0), "second", "seconds")
            ),
            Kind::ErrorPage => "The billing system made the change, but a server in between \
                answered with an error page of its own (status 500, HTML)."
                .to_owned(),
            Kind::OldFigure => "The billing system answered that the change was made, and when \
                read right after it still showed the old figure."
                .to_owned(),
            Kind::Crash => "Tallyline ended in the middle of a write, as when the power goes: the \
                billing system had made the change, and nobody was left to take its answer."
                .to_owned(),
            Kind::ColleaguesEdit => {
                let hand = self.colleagues().map_or_else(String::new, |new| {
                    let from = self.change.action.quantities();
                    from.map_or_else(String::new, |(from, _)| format!(" from {from} to {new}"))
                });
                format!(
                    "While Tallyline was down, somebody changed the quantity by hand{hand}, after \
                     the plan had been made."
                )
            }
        }
    }

    /// What Tallyline did about it.
    pub(super) fn what_tallyline_did(&self, options: &ApplyOptions) -> String {
        match self.kind {
            Kind::AnswerLost => "Did not send it again, which could have billed a second line. \
                Read the client's lines back, found the new one by the mark that it carries, and \
                recorded it as done."
                .to_owned(),
            Kind::RequestLost => format!(
                "Read the line back, {} at each start: not written. As a request can still arrive \
                 late, it was not sent again at once, nor when the run first went on. {} after it \
                 had left it could no longer arrive, was still not written, and was sent once more.",
                count(read_backs(options), "time", "times"),
                minutes(options.late_write),
            ),
            Kind::TooManyRequests => "Waited as long as it was asked to and sent the request \
                again: what is refused has changed nothing."
                .to_owned(),
            Kind::ErrorPage => "Took the page for neither a yes nor a no. Read the line back, \
                found the new figure, and did not send the change again."
                .to_owned(),
            Kind::OldFigure => {
                "Did not record it as done on the word of the answer alone, and did \
                not send it again. Waited, read again, and recorded it when the new figure \
                was there."
                    .to_owned()
            }
            Kind::Crash => "Was started again and went on from its journal, which said: sent, \
                answer not known. Read the line back first, found the new figure, and did not \
                send the change again."
                .to_owned(),
            Kind::ColleaguesEdit => "Read the line before writing, saw that it was no longer as \
                planned (drifted), and left it as the colleague wants it. The next plan \
                shows both figures."
                .to_owned(),
        }
    }
}

fn read_backs(options: &ApplyOptions) -> usize {
    usize::try_from(options.verify_attempts).unwrap_or(usize::MAX)
}

fn minutes(duration: Duration) -> String {
    let minutes = usize::try_from(duration.as_secs() / 60).unwrap_or(usize::MAX);
    count(minutes, "minute", "minutes")
}

/// The request is carried out, and a gateway answers.
fn error_page() -> Fault {
    Fault::rewrite(|mut answer| {
        answer.status = 500;
        answer.headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        answer.body = "<html><body><h1>500 Internal Server Error</h1></body></html>".to_owned();
        answer
    })
}
