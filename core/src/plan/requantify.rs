//! The writes that bring a new quantity onto a line, and what becomes of the running period.

use std::fmt::{self, Write as _};

use super::dates::Calendar;
use super::planner::Shows;
use super::{Action, LineHolds, Policy, Precondition, Strategy};
use crate::model::{Agreement, AgreementLine, CivilDate, Money, Quantity};

/// One write on the way to a new quantity.
pub(super) struct Step {
    pub(super) action: Action,
    /// The precondition, where it is not the action's own.
    pub(super) precondition: Option<Precondition>,
    pub(super) reason: String,
    /// The first day on which it counts.
    pub(super) effective: CivilDate,
    /// Whether it goes with the step before.
    pub(super) follows: bool,
}

/// A line that is to hold another quantity from a day on.
pub(super) struct Requantify<'a> {
    pub(super) agreement: &'a Agreement,
    pub(super) calendar: Calendar<'a>,
    pub(super) line: &'a AgreementLine,
    /// All lines of the agreement.
    pub(super) lines: &'a [AgreementLine],
    pub(super) to: Quantity,
    /// The cost per unit that goes with it.
    pub(super) unit_cost: Option<Money>,
    /// The price per unit that goes with it.
    pub(super) unit_price: Option<Money>,
    pub(super) effective: CivilDate,
    /// Whether the PSA sets a quantity from a day on.
    pub(super) dated: bool,
    pub(super) policy: &'a Policy,
    /// What the source shows, in words.
    pub(super) shows: Shows<'a>,
    /// The name of the sink.
    pub(super) sink: &'a str,
}

impl Requantify<'_> {
    /// The steps by a strategy, in their order.
    pub(super) fn steps(&self, strategy: Strategy) -> Vec<Step> {
        match strategy {
            Strategy::Versioned if !self.begins_no_earlier() => self.replace(),
            Strategy::InPlaceWithCatchUp => self.set_and_catch_up(),
            Strategy::InPlace | Strategy::Versioned => vec![self.set(&self.running_period())],
        }
    }

    /// Whether the line bills nothing before the day: then there is nothing to keep apart.
    fn begins_no_earlier(&self) -> bool {
        let first = self.line.state.effective;
        first.is_some_and(|first| first >= self.effective)
    }

    fn set(&self, running: &str) -> Step {
        let (shows, sink) = (&self.shows, self.sink);
        let (from, to) = (self.line.state.quantity, self.to);
        Step {
            action: Action::SetQuantity {
                line: self.line.id.clone(),
                from,
                to,
            },
            precondition: None,
            reason: sentence(format_args!(
                "{shows}; {sink} bills {from}: {}, {running}",
                Difference { from, to }
            )),
            effective: if self.dated {
                self.effective
            } else {
                self.calendar.in_place_from(self.effective)
            },
            follows: false,
        }
    }

    /// What a quantity set in place means for the period that runs.
    fn running_period(&self) -> String {
        let until_then = if self.to >= self.line.state.quantity {
            "nothing is charged for the days until then"
        } else {
            "nothing is credited for the days until then"
        };
        match self.calendar.open_from() {
            _ if self.dated => format!("from {} on", self.effective),
            Some(next) if next > self.effective => format!("from {next} on; {until_then}"),
            Some(next) => {
                format!("for the whole of the period from {next} on, which is not invoiced yet")
            }
            None => "for the whole of the next period that is invoiced".to_owned(),
        }
    }

    fn set_and_catch_up(&self) -> Vec<Step> {
        let Some(last_day) = self.billed_until() else {
            return vec![self.set(&self.running_period())];
        };
        let (from, to) = (self.line.state.quantity, self.to);
        let Some(quantity) = to.checked_sub(from) else {
            return vec![self.set(&self.running_period())];
        };
        let reduction = to < from;
        if reduction && !self.policy.credits() {
            return vec![self.set(&self.running_period())];
        }
        let (first, next) = (self.effective, last_day.plus_days(1));
        let twin = self.lines.iter().find(|line| {
            line.product == self.line.product
                && line.state.effective == Some(first)
                && line.state.last_day == Some(last_day)
        });
        if let Some(twin) = twin {
            return vec![self.set(&format!(
                "from {next} on; line {} is a catch-up for {first} to {last_day} already, so \
                 that these days are left to a person",
                twin.id
            ))];
        }
        let what = if reduction { "credited" } else { "charged" };
        let set = self.set(&format!(
            "from {next} on; {first} to {last_day} is {what} by a line of its own"
        ));
        let (shows, sink) = (&self.shows, self.sink);
        let catch_up = Step {
            action: Action::CreateLine {
                quantity,
                unit_cost: self.unit_cost,
                unit_price: self.unit_price,
                last_day: Some(last_day),
                like: Some(self.line.id.clone()),
            },
            precondition: Some(Precondition::NoSameLine {
                beside: Some(LineHolds {
                    line: self.line.id.clone(),
                    quantity: to,
                }),
            }),
            reason: format!(
                "{shows}; {sink} has invoiced {from} until {last_day}: {quantity} for \
                 {first} to {last_day}, {what} in proportion to the days"
            ),
            effective: first,
            follows: true,
        };
        vec![set, catch_up]
    }

    /// The end of the period that is invoiced already, where the day lies in it and the
    /// agreement prorates.
    fn billed_until(&self) -> Option<CivilDate> {
        let next = self.agreement.next_invoice?;
        let prorates = self.agreement.prorates == Some(true);
        let bills = !self.begins_no_earlier() && self.line.state.last_day.is_none();
        (prorates && bills && self.effective < next).then(|| next.plus_days(-1))
    }

    fn replace(&self) -> Vec<Step> {
        let (shows, sink) = (&self.shows, self.sink);
        let (from, to) = (self.line.state.quantity, self.to);
        let (first, last_day) = (self.effective, self.effective.plus_days(-1));
        let running = if self.agreement.prorates == Some(true) {
            "the period that the day lies in is billed in proportion to the days of each"
        } else {
            "periods before stay as they are billed"
        };
        let end = Step {
            action: Action::EndLine {
                line: self.line.id.clone(),
                from,
                last_day,
                replaced_by: Some(to),
            },
            precondition: None,
            reason: format!(
                "{shows}; {sink} bills {from}: {}, by a new line from {first} on; the \
                 old one ends on {last_day}; {running}",
                Difference { from, to }
            ),
            effective: first,
            follows: false,
        };
        let create = Step {
            action: Action::CreateLine {
                quantity: to,
                unit_cost: self.unit_cost,
                unit_price: self.unit_price,
                last_day: None,
                like: Some(self.line.id.clone()),
            },
            precondition: None,
            reason: format!(
                "the new line of {to} in place of line {}, with its price and terms, from {first} \
                 on; {running}",
                self.line.id
            ),
            effective: first,
            follows: true,
        };
        vec![end, create]
    }
}

/// Words that are long for the most part, and grow in few steps.
fn sentence(words: fmt::Arguments<'_>) -> String {
    let mut sentence = String::with_capacity(128);
    // A text takes all that it is given.
    let _ = sentence.write_fmt(words);
    sentence
}

/// "3 more to bill", "2 fewer to bill".
struct Difference {
    from: Quantity,
    to: Quantity,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = *self;
        let (units, what) = if to >= from {
            (to.checked_sub(from), "more")
        } else {
            (from.checked_sub(to), "fewer")
        };
        match units {
            Some(units) => write!(f, "{units} {what} to bill"),
            None => write!(f, "many {what} to bill"),
        }
    }
}
