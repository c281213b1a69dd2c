//! The cases that concern an answer as a whole, and the order of the table.

use super::{Case, Expect, Probe, gzip, pages, values};
use crate::raw::{Answer, Route, answer, head};

/// Answers no longer than this are cut at every byte.
const CUT_EVERYWHERE: usize = 1024;

/// Longer ones at so many.
const CUT_SAMPLE: usize = 256;

/// Of the cuts of a brief probe every so many is taken.
const BRIEF_CUTS: usize = 41;

/// The cases that are objects without any of the fields that the answer should have.
const OTHER_OBJECTS: [&str; 3] = ["an object of other fields", "an empty object", DEEP_OBJECTS];

const DEEP_OBJECTS: &str = "objects nested 10,000 deep";

/// How deep the nesting is.
const DEPTH: usize = 10_000;

/// What a page of a proxy, a login or an outage looks like.
const HTML: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\u{1b}[2J Sign in</body></html>";

/// Every case of an operation.
pub(super) fn all<C>(probe: &Probe<C>, max_body: usize) -> Vec<Case> {
    let mut cases = bodies(&probe.route, max_body);
    if probe.free_form {
        let shapes = shapes(probe.route.answer().as_bytes(), probe.route.media());
        let shapes: Vec<String> = shapes.into_iter().map(|case| case.name).collect();
        for case in cases.iter_mut().filter(|case| shapes.contains(&case.name)) {
            case.expect = Expect::Survives;
        }
    }
    if probe.brief {
        let mut cuts = 0;
        cases.retain(|case| {
            let is_cut = case.name.starts_with("cut off");
            cuts += usize::from(is_cut);
            !matches!(case.answer, Answer::Stall(_) | Answer::Stream { .. })
                && (!is_cut || cuts % BRIEF_CUTS == 1)
        });
    }
    let allowed = |case: &Case| {
        let name = case.name.as_str();
        (probe.all_optional && OTHER_OBJECTS.contains(&name))
            || (probe.may_be_empty && is_empty(name))
    };
    for case in cases.iter_mut().filter(|case| allowed(case)) {
        case.expect = Expect::Survives;
    }
    for field in &probe.fields {
        cases.extend(values::of(&probe.route, field));
    }
    if let Some(paging) = &probe.paging {
        cases.extend(pages::of(&probe.route, paging));
    }
    cases
}

/// Whether a case is an answer without a body.
fn is_empty(name: &str) -> bool {
    name.starts_with("cut off at byte 0 ")
        || name.starts_with("nothing on 20")
        || name == "blanks on 200"
}

fn fails(name: impl Into<String>, answer: Vec<u8>) -> Case {
    Case {
        name: name.into(),
        answer: Answer::Bytes(answer),
        expect: Expect::Fails(Vec::new()),
    }
}

fn with(name: &str, answer: Answer, expect: Expect) -> Case {
    Case {
        name: name.to_owned(),
        answer,
        expect,
    }
}

/// The cases that any JSON answer can have: they need nothing but the valid one.
pub(super) fn bodies(route: &Route, max_body: usize) -> Vec<Case> {
    let json = route.answer().as_bytes();
    let media = route.media();
    let typed = |body: &[u8]| answer(200, &[("content-type", media)], body);
    let mut cases = Vec::new();
    for at in cuts(json.len()) {
        cases.push(fails(
            format!("cut off at byte {at} of {}", json.len()),
            typed(&json[..at]),
        ));
    }
    cases.extend(lengths(json, media));
    cases.extend(kinds(json, media));
    cases.extend(shapes(json, media));
    cases.extend(sizes(json, media, max_body));
    cases
}

/// Where a body is cut: everywhere, or at places that are the same in every run.
fn cuts(length: usize) -> Vec<usize> {
    if length <= CUT_EVERYWHERE {
        return (0..length).collect();
    }
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut places: Vec<usize> = (0..CUT_SAMPLE)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % u64::try_from(length).unwrap_or(1)).unwrap_or_default()
        })
        .chain([0, 1, length - 1])
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Connections that break, lengths that lie, chunks that are none.
fn lengths(json: &[u8], media: &str) -> Vec<Case> {
    let typed = [("content-type", media)];
    let whole = answer(200, &typed, json);
    let start = whole.len() - json.len();
    let mut cases = Vec::new();
    for at in [
        0,
        1,
        9,
        14,
        start / 2,
        start - 1,
        start,
        start + 1,
        start + json.len() / 2,
        whole.len() - 1,
    ] {
        cases.push(fails(
            format!("the connection closes after {at} bytes"),
            whole[..at].to_vec(),
        ));
    }
    for (name, bytes) in [
        ("in the head", &whole[..start / 2]),
        ("in the body", &whole[..whole.len() - 1]),
    ] {
        let answer = Answer::Stall(bytes.to_vec());
        cases.push(with(
            &format!("nothing more comes {name}"),
            answer,
            Expect::Fails(Vec::new()),
        ));
    }
    let sized = |length: &str| {
        let mut bytes = head(
            200,
            &[("content-type", media), ("content-length", length)],
            None,
        );
        bytes.extend_from_slice(json);
        bytes
    };
    for length in ["-1", "many", "18446744073709551616", "99999999999"] {
        cases.push(fails(format!("content length {length}"), sized(length)));
    }
    cases.push(fails(
        "a content length that is too small",
        sized(&(json.len() / 2).to_string()),
    ));
    let twice = [
        ("content-type", media),
        ("content-length", "1"),
        ("content-length", "2"),
    ];
    cases.push(fails(
        "two content lengths",
        [head(200, &twice, None), json.to_vec()].concat(),
    ));

    let chunked = [("content-type", media), ("transfer-encoding", "chunked")];
    let in_chunks = |body: &str| [head(200, &chunked, None), body.as_bytes().to_vec()].concat();
    let bytewise: String = json
        .iter()
        .map(|byte| format!("1\r\n{}\r\n", char::from(*byte)))
        .collect();
    if json.is_ascii() {
        let answer = Answer::Bytes(in_chunks(&format!("{bytewise}0\r\n\r\n")));
        cases.push(with("each byte a chunk", answer, Expect::Reads));
        cases.push(fails("chunks without an end", in_chunks(&bytewise)));
    }
    for (name, body) in [
        ("a chunk size that is no number", "zz\r\n{}\r\n0\r\n\r\n"),
        (
            "a chunk size that overflows",
            "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "a chunk that is shorter than it says",
            "ff\r\n{}\r\n0\r\n\r\n",
        ),
        ("a negative chunk size", "-1\r\n{}\r\n0\r\n\r\n"),
    ] {
        cases.push(fails(name, in_chunks(body)));
    }
    let both = [
        ("content-type", media),
        ("transfer-encoding", "chunked"),
        ("content-length", "3"),
    ];
    let body = [
        head(200, &both, None),
        bytewise.into_bytes(),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat();
    cases.push(with(
        "chunks and a length",
        Answer::Bytes(body),
        Expect::Survives,
    ));
    cases
}

/// What is not the kind of answer that was asked for.
fn kinds(json: &[u8], media: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for wrong in [
        "text/html; charset=utf-8",
        "text/plain",
        "application/xml",
        "application/octet-stream",
        "\u{fe}",
    ] {
        let name = format!("JSON as {}", wrong.escape_default());
        cases.push(fails(name, answer(200, &[("content-type", wrong)], json)));
    }
    let typed = |media: &str, body: &[u8]| answer(200, &[("content-type", media)], body);
    for (name, bytes) in [
        ("HTML on 200", typed("text/html", HTML.as_bytes())),
        (
            "HTML on 200 that says it is JSON",
            typed(media, HTML.as_bytes()),
        ),
        (
            "HTML on 200 without a content type",
            answer(200, &[], HTML.as_bytes()),
        ),
        ("nothing on 200", typed(media, b"")),
        ("blanks on 200", typed(media, b" \r\n\t ")),
        ("nothing on 204", answer(204, &[], b"")),
        ("a file of zeros", typed(media, &[0; 512])),
        ("UTF-16", typed(media, &[0xff, 0xfe, b'{', 0, b'}', 0])),
        ("text after the end", typed(media, &[json, b" x"].concat())),
        ("two answers in one", typed(media, &[json, json].concat())),
        ("an answer that is no HTTP", b"220 mail ready\r\n".to_vec()),
        (
            "a status of four digits",
            b"HTTP/1.1 2000 OK\r\n\r\n{}".to_vec(),
        ),
        (
            "HTML on 500",
            answer(500, &[("content-type", "text/html")], HTML.as_bytes()),
        ),
        (
            "HTML on 407",
            answer(407, &[("content-type", "text/html")], HTML.as_bytes()),
        ),
    ] {
        cases.push(fails(name, bytes));
    }
    // Whatever a system puts into its error fields comes to the terminal.
    let nasty = "\\u001b[2J\\u001b]0;owned\\u0007\\u202egnp\\u0000\\u009b31m";
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 503] {
        let body = format!(
            r#"{{"code":"{nasty}","error":"{nasty}","message":"{nasty}","title":"{nasty}","detail":"{nasty}","statusCode":{status},
                "errors":[{{"code":"{nasty}","message":"{nasty}","resource":"{nasty}","field":"{nasty}"}}]}}"#
        );
        let headers = [
            ("content-type", "application/problem+json"),
            ("retry-after", "0"),
        ];
        let name = format!("control characters in the error fields of a {status}");
        cases.push(fails(name, answer(status, &headers, body.as_bytes())));
    }
    cases
}

/// JSON of another shape.
fn shapes(json: &[u8], media: &str) -> Vec<Case> {
    let typed = |body: &[u8]| answer(200, &[("content-type", media)], body);
    let mut cases = Vec::new();
    for (name, body) in [
        ("only null", "null"),
        ("only true", "true"),
        ("a number that overflows", "1e999999999999"),
        ("a text", "\"\\u001b[31m\""),
        ("a list of nulls", "[null,null]"),
        (
            "an object of other fields",
            r#"{"message":"be right back"}"#,
        ),
        ("an empty object", "{}"),
        ("a list of lists", "[[],[[]]]"),
    ] {
        cases.push(fails(name, typed(body.as_bytes())));
    }
    let deep = |open: &str, close: &str| [open.repeat(DEPTH), close.repeat(DEPTH)].concat();
    for (name, body) in [
        ("lists nested 10,000 deep", deep("[", "]")),
        (
            DEEP_OBJECTS,
            format!("{}1{}", "{\"items\":".repeat(DEPTH), "}".repeat(DEPTH)),
        ),
        ("lists nested without an end", "[".repeat(DEPTH)),
    ] {
        cases.push(fails(name, typed(body.as_bytes())));
    }
    if let Some(rest) = json.strip_prefix(b"{") {
        for list in ["[]", "[null]", "[[]]"] {
            let name = format!("{list} in the place of an object");
            cases.push(fails(name, typed(list.as_bytes())));
        }
        for (name, value) in [
            ("an unknown field nested 10,000 deep", deep("[", "]")),
            ("an unknown field of a megabyte name", "1".to_owned()),
        ] {
            let key = if value == "1" {
                "k".repeat(900_000)
            } else {
                "unheardOf".to_owned()
            };
            let start = format!("{{\"{key}\":{value}");
            let comma: &[u8] = if rest.trim_ascii() == b"}" { b"" } else { b"," };
            let answer = Answer::Bytes(typed(&[start.as_bytes(), comma, rest].concat()));
            cases.push(with(name, answer, Expect::Survives));
        }
        let unknown = [b"{\"unheardOf\":{\"a\":[1,null]},".as_slice(), rest].concat();
        if rest.trim_ascii() != b"}" {
            cases.push(with(
                "an unknown field",
                Answer::Bytes(typed(&unknown)),
                Expect::Reads,
            ));
        }
    }
    cases
}

/// More than the limit, as it is and folded up.
fn sizes(json: &[u8], media: &str, max_body: usize) -> Vec<Case> {
    let typed = [("content-type", media)];
    let gzipped = [("content-type", media), ("content-encoding", "gzip")];
    let piece = vec![b' '; 64 * 1024];
    let times = (max_body / piece.len() + 1) * 2 + 48 * 16;
    let stream = |length: Option<usize>| Answer::Stream {
        head: head(200, &typed, length),
        piece: piece.clone(),
        times,
        tail: json.to_vec(),
    };
    let bomb = gzip::padded(max_body * 8 + 1, json);
    let good = gzip::padded(0, json);
    let mut cases = vec![
        with(
            "more than the limit",
            stream(Some(times * piece.len() + json.len())),
            Expect::Fails(Vec::new()),
        ),
        with(
            "more than the limit, without a length",
            stream(None),
            Expect::Fails(Vec::new()),
        ),
        fails("a gzip bomb", answer(200, &gzipped, &bomb)),
        with(
            "gzip",
            Answer::Bytes(answer(200, &gzipped, &gzip::padded(1000, json))),
            Expect::ReadsLike(Answer::Bytes(answer(200, &typed, json))),
        ),
        fails("gzip that is none", answer(200, &gzipped, json)),
        fails("gzip with a wrong checksum", {
            let mut wrong = good.clone();
            let at = wrong.len() - 8;
            wrong[at] ^= 1;
            answer(200, &gzipped, &wrong)
        }),
        fails("an encoding that was not asked for", {
            answer(
                200,
                &[("content-type", media), ("content-encoding", "br")],
                &good,
            )
        }),
    ];
    for at in [1, 9, 10, 12, good.len() / 2, good.len() - 9] {
        cases.push(fails(
            format!("gzip cut off at byte {at}"),
            answer(200, &gzipped, &good[..at]),
        ));
    }
    cases
}
