//! The answers that tempt a client to give its credentials away.

use std::sync::Arc;

use crate::raw::{Answer, RawRequest, Route, answer};

const PROXY: &str = "<html><head><title>Proxy</title></head><body>The proxy refuses. Request: ";

/// Every case of a call, by name. The other host listens on a port of this machine.
pub(super) fn all(route: &Route, foreign: u16) -> Vec<(String, Answer)> {
    let mut cases = Vec::new();
    let targets = [
        format!("http://127.0.0.1:{foreign}{}", route.path()),
        format!("http://localhost:{foreign}/elsewhere?a=b"),
        format!("//127.0.0.1:{foreign}{}", route.path()),
        format!("http://user:word@127.0.0.1:{foreign}/"),
        format!("\\\\127.0.0.1:{foreign}\\"),
    ];
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for target in &targets {
            let bytes = answer(status, &[("location", target)], b"");
            cases.push((format!("a {status} to {target}"), Answer::Bytes(bytes)));
        }
    }
    for (name, header, value) in [
        (
            "a refresh header",
            "refresh",
            format!("0; url=http://127.0.0.1:{foreign}/"),
        ),
        (
            "a content location",
            "content-location",
            format!("http://127.0.0.1:{foreign}/"),
        ),
        (
            "an alternative service",
            "alt-svc",
            format!("h2=\"127.0.0.1:{foreign}\"; ma=60"),
        ),
        (
            "a cookie for every host",
            "set-cookie",
            "session=1; Domain=localhost".to_owned(),
        ),
    ] {
        let headers = [("content-type", route.media()), (header, value.as_str())];
        let bytes = answer(200, &headers, route.answer().as_bytes());
        cases.push((name.to_owned(), Answer::Bytes(bytes)));
    }
    cases.extend(next_links(route, foreign));
    for status in [200, 400, 401, 403, 404, 407, 429, 500, 502, 504] {
        let media = route.media().to_owned();
        let json: Answer = echo(status, &media, "{\"message\":\"", "\"}");
        cases.push((format!("a {status} that repeats the request in JSON"), json));
        let html = echo(status, "text/html", PROXY, "</body></html>");
        cases.push((
            format!("a {status} of a proxy that repeats the request"),
            html,
        ));
    }
    cases
}

/// Next links in every form, on another host.
fn next_links(route: &Route, foreign: u16) -> Vec<(String, Answer)> {
    let mut cases = Vec::new();
    for host in [
        format!("http://127.0.0.1:{foreign}"),
        format!("//localhost:{foreign}"),
    ] {
        let url = format!("{host}{}?page=2&pageId=2&offset=2&cursor=2", route.path());
        let link = format!("<{url}>; rel=\"next\"");
        let media = route.media().to_owned();
        let valid = route.answer().to_owned();
        // Once: the second page is the last.
        let linked: Answer = Answer::Each(Arc::new(move |request: &RawRequest| {
            let again = request.target.contains("page=2") || request.target.contains("pageId=2");
            let headers = [("content-type", media.as_str()), ("link", link.as_str())];
            answer(
                200,
                if again { &headers[..1] } else { &headers },
                valid.as_bytes(),
            )
        }));
        cases.push((format!("a link header to {host}"), linked));
        let Some(rest) = route.answer().strip_prefix('{') else {
            continue;
        };
        for field in [
            "next",
            "nextPageUrl",
            "nextLink",
            "@odata.nextLink",
            "pageDetails",
            "_links",
            "href",
            "location",
        ] {
            let value = match field {
                "pageDetails" => format!("{{\"nextPageUrl\":\"{url}\"}}"),
                "_links" => format!("{{\"next\":{{\"href\":\"{url}\"}}}}"),
                _ => format!("\"{url}\""),
            };
            let comma = if rest.trim() == "}" { "" } else { "," };
            let body = format!("{{\"{field}\":{value}{comma}{rest}");
            let bytes = answer(200, &[("content-type", route.media())], body.as_bytes());
            cases.push((format!("{field} on {host}"), Answer::Bytes(bytes)));
        }
    }
    cases
}

/// An answer that holds what the client sent: the head, credentials included, and the body.
fn echo(status: u16, media: &str, before: &str, after: &str) -> Answer {
    let (media, before, after) = (media.to_owned(), before.to_owned(), after.to_owned());
    let json = before.starts_with('{');
    Answer::Each(Arc::new(move |request: &RawRequest| {
        let mut said = format!("{}{}", request.head, request.body_text());
        if json {
            let quoted = serde_json::to_string(&said).unwrap_or_default();
            quoted.trim_matches('"').clone_into(&mut said);
        }
        let body = format!("{before}{said}{after}");
        answer(
            status,
            &[("content-type", &media), ("retry-after", "0")],
            body.as_bytes(),
        )
    }))
}
