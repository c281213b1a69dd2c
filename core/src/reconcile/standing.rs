//! Which line of a product is the one to compare.

use crate::model::{Agreement, AgreementLine, CivilDate};

/// The line to compare, of those of one product that have not ended.
#[derive(Debug)]
pub(super) enum Standing<'a> {
    /// There is none.
    None,
    /// There is one.
    One {
        /// Its position among the agreement's lines.
        at: u32,
        /// The line.
        line: &'a AgreementLine,
    },
    /// No one can be told to be it, in words.
    Several(String),
}

impl<'a> Standing<'a> {
    /// The line to compare, of the `open` ones among an agreement's lines.
    ///
    /// That is the one without an end. Beside it may stand lines that end and have no part in
    /// what is billed next: those that end before it begins, as after a line was replaced, and
    /// those that end within the periods that are invoiced already, as a catch-up does. Any
    /// other line that still bills makes it ambiguous.
    pub(super) fn of(terms: &Agreement, lines: &'a [AgreementLine], open: &[u32]) -> Self {
        let line = |at: u32| lines.get(at as usize);
        if let [at] = open {
            return line(*at).map_or(Self::None, |line| Self::One { at: *at, line });
        }
        let ends = |at: &u32| line(*at).is_some_and(|line| line.state.last_day.is_some());
        let mut lasting = open.iter().copied().filter(|at| !ends(at));
        let (at, found) = match (lasting.next(), lasting.next()) {
            (Some(at), None) => match line(at) {
                Some(found) => (at, found),
                None => return Self::None,
            },
            (None, _) if open.is_empty() => return Self::None,
            _ => return Self::Several(format!("{} open lines for one product", open.len())),
        };
        let beside = open
            .iter()
            .filter_map(|at| line(*at))
            .filter(|other| {
                let last = other.state.last_day;
                last.is_some_and(|last| !is_apart(terms, last, found.state.effective))
            })
            // The smallest id, so that the order of the lines does not show.
            .min_by(|a, b| a.id.cmp(&b.id));
        match beside {
            None => Self::One { at, line: found },
            Some(other) => Self::Several(format!(
                "{} open lines for one product: line {} still bills beside line {} in a period \
                 that is not invoiced yet",
                open.len(),
                other.id,
                found.id
            )),
        }
    }
}

/// Whether a line that ends has no part in what is billed next beside one that goes on.
fn is_apart(terms: &Agreement, last: CivilDate, other_begins: Option<CivilDate>) -> bool {
    other_begins.is_some_and(|first| last < first)
        || terms.next_invoice.is_some_and(|next| last < next)
}
