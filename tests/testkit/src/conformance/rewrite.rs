//! Answers changed on the way back, whatever the system: by the text of a number, by the name of a member.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::faults::Fault;
use crate::http::SimAnswer;
use crate::json::Json;
use crate::lock;

/// Changes the body of every answer that is JSON.
fn on_json(change: impl Fn(&mut Json) + Send + Sync + 'static) -> Fault {
    Fault::rewrite(move |mut answer| {
        if let Ok(mut body) = Json::parse(&answer.body) {
            change(&mut body);
            answer.body = body.to_string();
        }
        answer
    })
}

/// The members of an object.
type Members = Vec<(String, Json)>;

/// Calls a function for every object in a value.
fn each_object(value: &mut Json, change: &mut dyn FnMut(&mut Members)) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        Json::Object(members) => {
            for (_, member) in members.iter_mut() {
                each_object(member, change);
            }
            change(members);
        }
        _ => {}
    }
}

/// Adds members that no client knows to every object.
pub(super) fn unknown_members() -> Fault {
    on_json(|body| {
        each_object(body, &mut |members| {
            let inner = Json::object().with("deep", Json::Array(vec![Json::Null]));
            members.push(("zzNewMember".to_owned(), inner));
            members.push(("zzNewText".to_owned(), Json::Text("?".to_owned())));
        });
    })
}

/// The names under which something was changed. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed(Arc<Mutex<BTreeSet<&'static str>>>);

impl Changed {
    /// Those of the names under which nothing was changed.
    pub(super) fn missed(&self, names: &[&'static str]) -> Vec<&'static str> {
        let changed = lock(&self.0);
        let names = names.iter().copied();
        names.filter(|name| !changed.contains(name)).collect()
    }
}

/// Makes members of some names null, wherever they stand.
pub(super) fn nulls(names: &'static [&'static str], changed: &Changed) -> Fault {
    on_members(names, changed, |_| Some(Json::Null))
}

/// Gives texts under some names another text, wherever they stand.
pub(super) fn texts(
    names: &'static [&'static str],
    text: &'static str,
    changed: &Changed,
) -> Fault {
    on_members(names, changed, move |member| {
        let is_text = matches!(member, Json::Text(_));
        is_text.then(|| Json::Text(text.to_owned()))
    })
}

fn on_members(
    names: &'static [&'static str],
    changed: &Changed,
    change: impl Fn(&Json) -> Option<Json> + Send + Sync + 'static,
) -> Fault {
    let changed = changed.clone();
    on_json(move |body| {
        each_object(body, &mut |members| {
            for (name, member) in members.iter_mut() {
                let Some(name) = names.iter().find(|wanted| *wanted == name) else {
                    continue;
                };
                if let Some(new) = change(member).filter(|new| new != member) {
                    *member = new;
                    lock(&changed.0).insert(name);
                }
            }
        });
    })
}

/// Writes a number in other words wherever it stands, as a number or as a text.
pub(super) fn number(text: &'static str, literal: &'static str) -> Fault {
    fn replace(value: &mut Json, text: &str, literal: &str) {
        match value {
            Json::Array(items) => items
                .iter_mut()
                .for_each(|item| replace(item, text, literal)),
            Json::Object(members) => members
                .iter_mut()
                .for_each(|(_, member)| replace(member, text, literal)),
            // A number is written as its text, whatever that is.
            Json::Number(number) if number == text => literal.clone_into(number),
            Json::Text(number) if number == text => {
                let digits = literal.starts_with(|c: char| c.is_ascii_digit());
                *value = if digits {
                    Json::Text(literal.to_owned())
                } else {
                    Json::Number(literal.to_owned())
                };
            }
            _ => {}
        }
    }
    on_json(move |body| replace(body, text, literal))
}

/// Leaves out every member that is a number, written as a number or as a text.
pub(super) fn without(number: &'static str) -> Fault {
    on_json(move |body| {
        each_object(body, &mut |members| {
            members.retain(|(_, member)| match member {
                Json::Number(text) | Json::Text(text) => text != number,
                _ => true,
            });
        });
    })
}

/// Gives the last record of every list twice.
pub(super) fn last_twice() -> Fault {
    fn double(value: &mut Json) {
        match value {
            Json::Array(items) => {
                items.iter_mut().for_each(double);
                if let Some(last @ Json::Object(_)) = items.last().cloned() {
                    items.push(last);
                }
            }
            Json::Object(members) => members.iter_mut().for_each(|(_, member)| double(member)),
            _ => {}
        }
    }
    on_json(double)
}

/// Gives the first answer again for every further request.
pub(super) fn first_again() -> Fault {
    let first: Arc<Mutex<Option<SimAnswer>>> = Arc::default();
    Fault::rewrite(move |answer| lock(&first).get_or_insert(answer).clone())
}

/// Adds white space after the body.
pub(super) fn padded(bytes: usize) -> Fault {
    Fault::rewrite(move |mut answer| {
        answer.body.push_str(&" ".repeat(bytes));
        answer
    })
}

/// Cuts the body in half.
pub(super) fn cut() -> Fault {
    Fault::rewrite(|mut answer| {
        let mut at = answer.body.len() / 2;
        while !answer.body.is_char_boundary(at) {
            at -= 1;
        }
        answer.body.truncate(at);
        answer
    })
}

/// Whether addresses were moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved(Arc<AtomicBool>);

impl Moved {
    /// Whether there was any so far.
    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn move_to(&self, host: &str, text: &mut String) {
        let there = moved(text, host);
        if there != *text {
            self.0.store(true, Ordering::SeqCst);
            *text = there;
        }
    }
}

/// Makes every absolute address in bodies and headers one on another host.
pub(super) fn foreign_addresses(host: String) -> (Fault, Moved) {
    let seen = Moved::default();
    let found = seen.clone();
    let fault = Fault::rewrite(move |mut answer| {
        match Json::parse(&answer.body) {
            // Text by text: a writer of JSON may escape the slashes.
            Ok(mut body) => {
                each_text(&mut body, &mut |text| seen.move_to(&host, text));
                if seen.any() {
                    answer.body = body.to_string();
                }
            }
            Err(_) => seen.move_to(&host, &mut answer.body),
        }
        for (_, value) in &mut answer.headers {
            seen.move_to(&host, value);
        }
        answer
    });
    (fault, found)
}

/// Calls a function for every text in a value.
fn each_text(value: &mut Json, change: &mut dyn FnMut(&mut String)) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Json::Object(members) => members
            .iter_mut()
            .for_each(|(_, member)| each_text(member, change)),
        Json::Text(text) => change(text),
        _ => {}
    }
}

/// Replaces what stands between `://` and the path of every address.
fn moved(text: &str, host: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let before = rest.get(..at).unwrap_or_default();
        let scheme = before.strip_suffix("https").unwrap_or(before);
        let scheme = scheme.strip_suffix("http").unwrap_or(scheme);
        out.push_str(scheme);
        out.push_str("http://");
        out.push_str(host);
        let after = rest.get(at + 3..).unwrap_or_default();
        let end = after.find(['/', '"', '>', '?', ' ']).unwrap_or(after.len());
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Effect, Rewriting};

    #[test]
    fn addresses_move_to_another_host_and_keep_their_path() {
        assert_eq!(
            moved(
                r#"<https://a.example.com/x?p=2>; rel="next", "http://b:1""#,
                "h:9"
            ),
            r#"<http://h:9/x?p=2>; rel="next", "http://h:9""#
        );
        assert_eq!(moved("no address", "h"), "no address");
    }

    fn rewritten(fault: Fault, answer: SimAnswer) -> SimAnswer {
        match fault.0 {
            Effect::Rewrite(Rewriting(change)) => change(answer),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn addresses_are_moved_whatever_the_writer_escapes_and_that_there_were_any_is_known() {
        for (body, any) in [
            (r#"{"next":"http:\/\/a.example.com\/x"}"#, true),
            (r#"{"next":"4"}"#, false),
            ("see https://a.example.com/", true),
        ] {
            let (fault, addresses) = foreign_addresses("h:9".to_owned());
            let answer = rewritten(fault, SimAnswer::new(200, "application/json", body));
            assert_eq!(answer.body.contains("http://h:9/"), any, "{body}");
            assert_eq!(addresses.any(), any, "{body}");
        }
    }
}
