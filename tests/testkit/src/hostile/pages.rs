//! The cases of a list that is read page by page.

use std::sync::Arc;

use super::{Case, Expect, Paging, splice};
use crate::raw::{Answer, RawRequest, Route, answer};

/// Where a list says that it goes on, from what a request asked.
type Next = Arc<dyn Fn(&RawRequest) -> String + Send + Sync>;

/// Every case of a paged list.
pub(super) fn of(route: &Route, paging: &Paging) -> Vec<Case> {
    let path = route.path().to_owned();
    let case = |name: &str, next: Next, expect: Expect| Case {
        name: name.to_owned(),
        answer: page(route, paging, next),
        expect,
    };
    let fails = || Expect::Fails(Vec::new());
    let fixed = |text: &str| -> Next {
        let text = text.to_owned();
        Arc::new(move |_| text.clone())
    };
    let mut cases = Vec::new();
    let param = match paging {
        Paging::LinkHeader(param) | Paging::NextUrl(_, param) => *param,
        Paging::Token(_) => {
            let counted: Next = Arc::new(|request| format!("t{}", next_number(request, "")));
            cases.push(case("a token that never ends", counted, fails()));
            cases.push(case(
                "the same token again and again",
                fixed("again"),
                fails(),
            ));
            cases.push(case(
                "a token of control characters",
                fixed("\\u001b[31m\\u202e"),
                Expect::Survives,
            ));
            return cases;
        }
    };
    let endless: Next = {
        let path = path.clone();
        Arc::new(move |request| format!("{path}?{param}={}", next_number(request, param)))
    };
    cases.push(case("a page that repeats for ever", endless, fails()));
    for (name, target) in [
        ("a next link to the first page", format!("{path}?{param}=1")),
        ("a next link to page 0", format!("{path}?{param}=0")),
        (
            "a next link to the last possible page",
            format!("{path}?{param}=18446744073709551615"),
        ),
        (
            "a next link to a page that overflows",
            format!("{path}?{param}=18446744073709551616"),
        ),
        (
            "a next link to a negative page",
            format!("{path}?{param}=-1"),
        ),
        ("a next link without a query", path.clone()),
        (
            "a next link to a page without number",
            format!("{path}?{param}=\u{fe}x"),
        ),
        (
            "a next link that goes on in circles",
            format!("{path}?{param}=2"),
        ),
    ] {
        cases.push(case(name, fixed(&target), fails()));
    }
    let long = format!("{path}?{param}=2&pad={}", "x".repeat(20_000));
    cases.push(case(
        "a next link of 20,000 characters",
        fixed(&long),
        Expect::Survives,
    ));
    if matches!(paging, Paging::LinkHeader(_)) {
        for (name, header) in [
            (
                "a link header that never closes",
                "<http://127.0.0.1/x; rel=\"next",
            ),
            ("a link header without a target", "; rel=next"),
            ("a link header of brackets", "<<<<>>>>,,,;;;\"\"\""),
            ("an empty link header", ""),
        ] {
            let bytes = answer(
                200,
                &[("content-type", route.media()), ("link", header)],
                route.answer().as_bytes(),
            );
            cases.push(Case {
                name: name.to_owned(),
                answer: Answer::Bytes(bytes),
                expect: Expect::Survives,
            });
        }
    }
    cases
}

/// The number after the one that a request asked for.
fn next_number(request: &RawRequest, param: &str) -> u64 {
    let query = request
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let asked = url::form_urlencoded::parse(query.as_bytes()).find_map(|(key, value)| {
        let digits = value.trim_start_matches('t');
        (param.is_empty() || key.eq_ignore_ascii_case(param)).then(|| digits.parse::<u64>().ok())?
    });
    asked.unwrap_or(1).saturating_add(1)
}

fn page(route: &Route, paging: &Paging, next: Next) -> Answer {
    let media = route.media().to_owned();
    let json = route.answer().to_owned();
    let field = match paging {
        Paging::LinkHeader(_) => None,
        Paging::NextUrl(pointer, _) | Paging::Token(pointer) => Some(splice::span(&json, pointer)),
    };
    Answer::Each(Arc::new(move |request| {
        let target = next(request);
        match &field {
            None => {
                let host = request.header("host").unwrap_or_default();
                let link = format!("<http://{host}{target}>; rel=\"next\"");
                answer(
                    200,
                    &[("content-type", &media), ("link", &link)],
                    json.as_bytes(),
                )
            }
            Some(None) => answer(200, &[("content-type", &media)], json.as_bytes()),
            Some(Some(at)) => {
                let body = splice::replace(&json, at, format!("\"{target}\"").as_bytes());
                answer(200, &[("content-type", &media)], &body)
            }
        }
    }))
}
