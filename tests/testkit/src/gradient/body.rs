//! What a request's body may hold.

use super::error::{error, invalid};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// A member of a body: its name, what it must be, and whether it must be there.
pub(super) struct Member {
    name: &'static str,
    kind: Kind,
    required: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Whole(i64, i64),
    Word(&'static [&'static str]),
}

impl Member {
    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }

    pub(super) const fn number(name: &'static str) -> Self {
        Self::new(name, Kind::Number)
    }

    pub(super) const fn whole(name: &'static str, from: i64, to: i64) -> Self {
        Self::new(name, Kind::Whole(from, to))
    }

    pub(super) const fn word(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, Kind::Word(words))
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            required: false,
        }
    }

    /// What is wrong with a value, if anything is.
    fn problem(&self, value: &Json) -> Option<String> {
        let name = self.name;
        match self.kind {
            Kind::Text => value
                .text()
                .is_none()
                .then(|| format!("{name} must be a string")),
            Kind::Number => {
                let number = matches!(value, Json::Number(_)) && value.decimal().is_some();
                (!number).then(|| {
                    format!("{name} must be a number conforming to the specified constraints")
                })
            }
            Kind::Whole(from, to) => {
                let whole = matches!(value, Json::Number(_))
                    .then(|| value.integer())
                    .flatten();
                let within = whole.is_some_and(|whole| (from..=to).contains(&whole));
                (!within).then(|| format!("{name} must be a whole number from {from} to {to}"))
            }
            Kind::Word(words) => {
                let known = value.text().is_some_and(|text| words.contains(&text));
                (!known).then(|| {
                    format!(
                        "{name} must be one of the following values: {}",
                        words.join(", ")
                    )
                })
            }
        }
    }
}

/// What is wrong with an object: members that are missing, of the wrong kind, or not known.
pub(super) fn problems(object: &Json, known: &[Member]) -> Vec<String> {
    let Some(members) = object.members() else {
        return vec!["an object is expected".to_owned()];
    };
    let mut problems = Vec::new();
    for (name, _) in members {
        if !known.iter().any(|member| member.name == name) {
            problems.push(format!("property {name} should not exist"));
        }
    }
    for member in known {
        match object.get(member.name) {
            Some(value) => problems.extend(member.problem(value)),
            None if member.required => {
                problems.push(format!("{} should not be empty", member.name))
            }
            None => {}
        }
    }
    problems
}

/// The body as JSON.
pub(super) fn json(request: &SimRequest) -> Result<Json, SimAnswer> {
    if request.media_type().as_deref() != Some("application/json") {
        return Err(error(400, "The body is not JSON"));
    }
    Json::parse(&request.body_text()).map_err(|problem| error(400, &format!("{problem} in JSON")))
}

/// The body as an object with these members and no others.
pub(super) fn object(request: &SimRequest, known: &[Member]) -> Result<Json, SimAnswer> {
    let body = json(request)?;
    let problems = problems(&body, known);
    if problems.is_empty() {
        Ok(body)
    } else {
        Err(invalid(problems))
    }
}

/// The same, with one member at least.
pub(super) fn changes(request: &SimRequest, known: &[Member]) -> Result<Json, SimAnswer> {
    let body = object(request, known)?;
    if body.members().is_none_or(<[_]>::is_empty) {
        return Err(error(400, "At least one field is expected"));
    }
    Ok(body)
}

/// A text of an object that was checked.
pub(super) fn text(object: &Json, name: &str) -> Option<String> {
    object.get(name).and_then(Json::text).map(str::to_owned)
}
