//! Filters in FIQL: `;` is and, `,` is or and binds weaker, values escape what stands for something with a backslash.

use super::error::{Refusal, bad};
use crate::json::Json;

/// A filter that was understood.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Any of these.
    any: Vec<Vec<Condition>>,
}

#[derive(Debug)]
struct Condition {
    attribute: String,
    equal: bool,
    pattern: Vec<Piece>,
}

/// A piece of a pattern.
#[derive(Debug, PartialEq)]
enum Piece {
    Char(char),
    Anything,
}

/// Characters, each with whether it was escaped.
fn marked(text: &str) -> Result<Vec<(char, bool)>, Refusal> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(next) => out.push((next, true)),
                None => return Err(bad("The filter ends in an escape")),
            },
            c => out.push((c, false)),
        }
    }
    Ok(out)
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let chars = marked(text)?;
        let mut any = Vec::new();
        for group in chars.split(|own| *own == (',', false)) {
            let parts = group.split(|own| *own == (';', false));
            any.push(parts.map(condition).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Self { any })
    }

    /// The attributes that it names.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let all = self.any.iter().flatten();
        all.map(|condition| condition.attribute.as_str())
    }

    /// Whether a record passes.
    pub(super) fn passes(&self, record: &Json) -> bool {
        self.any.is_empty()
            || self
                .any
                .iter()
                .any(|all| all.iter().all(|condition| condition.holds(record)))
    }
}

fn condition(part: &[(char, bool)]) -> Result<Condition, Refusal> {
    let refused = || bad("The filter has a condition without attribute, operator and value");
    let at = part
        .windows(2)
        .position(|two| matches!(two, [('=' | '!', false), ('=', false)]))
        .ok_or_else(refused)?;
    let (attribute, rest) = part.split_at(at);
    let attribute: String = attribute.iter().map(|(c, _)| *c).collect();
    let (operator, value) = rest.split_at(2);
    let equal = operator.first() == Some(&('=', false));
    let reserved = |own: &&(char, bool)| !own.1 && "()=!<>~".contains(own.0);
    if attribute.is_empty() || value.is_empty() || value.iter().any(|own| reserved(&own)) {
        return Err(refused());
    }
    let pattern: Vec<Piece> = value
        .iter()
        .map(|own| match own {
            ('*', false) => Piece::Anything,
            (c, _) => Piece::Char(*c),
        })
        .collect();
    if !equal && pattern.contains(&Piece::Anything) {
        return Err(bad("A wildcard stands after =="));
    }
    Ok(Condition {
        attribute,
        equal,
        pattern,
    })
}

/// A member, by a path with dots.
fn member<'j>(record: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('.')
        .try_fold(record, |value, name| value.get(name))
}

/// Whether a record has an attribute of this name at all.
pub(super) fn has(record: &Json, path: &str) -> bool {
    member(record, path).is_some()
}

impl Condition {
    fn holds(&self, record: &Json) -> bool {
        let value = match member(record, &self.attribute) {
            Some(Json::Text(text) | Json::Number(text)) => text.clone(),
            Some(Json::Bool(flag)) => flag.to_string(),
            _ => String::new(),
        };
        // What names something else may be given by its UUID too.
        let end = value.len().checked_sub(36).and_then(|at| value.get(at..));
        let is = fits(&self.pattern, &value) || end.is_some_and(|end| fits(&self.pattern, end));
        is == self.equal
    }
}

fn fits(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    fits_chars(pattern, &text)
}

fn fits_chars(pattern: &[Piece], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((Piece::Anything, rest)) => (0..=text.len()).any(|at| {
            let tail = text.get(at..).unwrap_or_default();
            fits_chars(rest, tail)
        }),
        Some((Piece::Char(c), rest)) => match text.split_first() {
            Some((first, tail)) => c.to_lowercase().eq([*first]) && fits_chars(rest, tail),
            None => false,
        },
    }
}
