//! The cases that concern one value of an answer.

use std::ops::Range;

use super::{Case, Expect, Field, FieldKind, splice};
use crate::raw::{Answer, Route, answer};

/// A text that is longer than anything it could stand for.
const LONG: usize = 200_000;

/// Texts that do something when they are shown: on a terminal, in a spreadsheet, to the order of letters.
pub(super) const NASTY_NAMES: [&str; 9] = [
    "\\u001b[2J\\u001b]0;owned\\u0007",
    "\\u009b31mred",
    "\\u202egnp.exe\\u202c",
    "a\\u0000b\\u0008\\u007f",
    "two\\r\\nlines",
    "=cmd|' /C calc'!A0",
    "\\t=HYPERLINK(\\\"http://x\\\",\\\"y\\\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\\u200b\\u2066hidden\\u2069\\ufeff",
];

struct Table<'a> {
    route: &'a Route,
    field: &'a Field,
    at: Range<usize>,
    key: String,
    cases: Vec<Case>,
}

impl Table<'_> {
    fn bytes(&self, body: &[u8]) -> Answer {
        Answer::Bytes(answer(200, &[("content-type", self.route.media())], body))
    }

    fn with(&self, value: &[u8]) -> Answer {
        self.bytes(&splice::replace(self.route.answer(), &self.at, value))
    }

    fn push(&mut self, what: &str, answer: Answer, expect: Expect) {
        let name = format!("{} {what}", self.field.pointer);
        self.cases.push(Case {
            name,
            answer,
            expect,
        });
    }

    /// Values that cannot be right: an error that names the record.
    fn fail(&mut self, values: &[&str]) {
        for value in values {
            let shown = if value.len() > 60 {
                "that is very long"
            } else {
                value
            };
            let expect = Expect::Fails(self.field.record.clone());
            self.push(&format!("= {shown}"), self.with(value.as_bytes()), expect);
        }
    }

    fn survive(&mut self, values: &[&str]) {
        for value in values {
            let shown = if value.len() > 60 {
                "that is very long"
            } else {
                value
            };
            self.push(
                &format!("= {shown}"),
                self.with(value.as_bytes()),
                Expect::Survives,
            );
        }
    }
}

/// Every case of a value.
pub(super) fn of(route: &Route, field: &Field) -> Vec<Case> {
    let Some(at) = splice::span(route.answer(), &field.pointer) else {
        // Not silently: the description is wrong.
        return vec![Case {
            name: format!("{} is not in the valid answer", field.pointer),
            answer: Answer::Bytes(route.bytes()),
            expect: Expect::Fails(vec!["a value at this pointer".to_owned()]),
        }];
    };
    let key = field
        .pointer
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut table = Table {
        route,
        field,
        at,
        key,
        cases: Vec::new(),
    };
    any(&mut table);
    match field.kind {
        FieldKind::Quantity => quantity(&mut table),
        FieldKind::WholeId => whole_id(&mut table),
        FieldKind::TextId => text_id(&mut table),
        FieldKind::Date => date(&mut table),
        FieldKind::Name => {
            let names = NASTY_NAMES.map(|name| format!("\"{name}\""));
            table.survive(&names.each_ref().map(String::as_str));
        }
    }
    table.cases
}

/// What no value may be.
fn any(table: &mut Table<'_>) {
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    let deep = String::from_utf8(deep).unwrap_or_default();
    table.fail(&["[]", "{}", "[[\"\"]]", "{\"a\":\"\\u001b[31m\"}", &deep]);
    for (what, value) in [
        ("in invalid UTF-8", b"\"a\xff\xfeb\"".as_slice()),
        ("in overlong UTF-8", b"\"\xc0\xaf\""),
        ("with a raw escape character", b"\"a\x1b[31mb\""),
        ("with a raw zero", b"\"a\x00b\""),
        ("without its end", b"\"abc"),
    ] {
        let expect = Expect::Fails(table.field.record.clone());
        table.push(what, table.with(value), expect);
    }
    table.survive(&["\"\\ud800\"", "\"\\udfff\\ud800\"", "\"\""]);
    let kept = table.route.answer()[table.at.clone()].to_owned();
    if table.key.parse::<usize>().is_err() && !table.key.is_empty() {
        let twice = splice::again(table.route.answer(), &table.at, &table.key, &kept);
        let expect = Expect::Fails(table.field.record.clone());
        table.push("twice", table.bytes(&twice), expect);
        if let Some(absent) = splice::without(table.route.answer(), &table.at, &table.key) {
            let expect = if table.field.required {
                Expect::Fails(table.field.record.clone())
            } else {
                Expect::Reads
            };
            table.push("missing", table.bytes(&absent), expect);
        }
    }
    if table.field.required {
        table.fail(&["null"]);
    } else {
        table.push("= null", table.with(b"null"), Expect::Reads);
    }
}

fn quantity(table: &mut Table<'_>) {
    let digits = "9".repeat(60);
    let long = format!("\"{}\"", "x".repeat(LONG));
    let long_digits = "1".repeat(LONG);
    table.fail(&[
        "1e308",
        "-1e308",
        "1e-308",
        "1e999999999999",
        "1e-999999999999",
        "\"1e308\"",
        "\"NaN\"",
        "\"nan\"",
        "\"Infinity\"",
        "\"-Infinity\"",
        "NaN",
        "-Infinity",
        "true",
        "\"twelve\"",
        "\"0x10\"",
        "\"1,000\"",
        "\"--1\"",
        "\"1e\"",
        "\"\\u0661\\u0662\"",
        "\"1\\u001b[31m\"",
        "\"\\u202e21\"",
        "0.12345678901234567890123456789012",
        "01",
        "+1",
        ".5",
        &digits,
        &long_digits,
        &long,
    ]);
    table.survive(&[
        "-1",
        "0.5",
        "79228162514264337593543950335",
        "-79228162514264337593543950335",
        "\" 1 \"",
    ]);
    for zero in ["-0", "-0.0", "-0.000", "-0e9", "0e-9", "0E+30", "\"-0\""] {
        let expect = Expect::ReadsLike(table.with(b"0"));
        table.push(&format!("= {zero}"), table.with(zero.as_bytes()), expect);
    }
}

fn whole_id(table: &mut Table<'_>) {
    let digits = "1".repeat(LONG);
    table.fail(&[
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e400",
        "1.5",
        "true",
        "\"x\\u001b[31m\"",
        &digits,
    ]);
    table.survive(&["-1", "0", "9223372036854775807", "1e2", "\"1\""]);
}

fn text_id(table: &mut Table<'_>) {
    table.fail(&["true"]);
    let long = format!("\"{}\"", "i".repeat(LONG));
    let names = NASTY_NAMES.map(|name| format!("\"{name}\""));
    table.survive(&names.each_ref().map(String::as_str));
    table.survive(&[&long, "18446744073709551616", "-1", "1e400"]);
}

fn date(table: &mut Table<'_>) {
    let long = format!("\"{}\"", "2".repeat(LONG));
    table.fail(&[
        "\"0000-00-00\"",
        "\"0000-00-00T00:00:00\"",
        "\"2026-02-30\"",
        "\"2026-13-01\"",
        "\"31/12/2026\"",
        "\"99999-01-01\"",
        "\"10000-01-01T00:00:00Z\"",
        "\"not a date\"",
        "\"\\u001b[31m2026-01-01\"",
        "\"2026-01-01\\u202e\"",
        "\"\\u0662\\u0660\\u0662\\u0666-01-01\"",
        "20260101",
        "true",
        &long,
    ]);
    table.survive(&[
        "\"0000-01-01\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"0001-01-01T00:00:00\"",
        "\"-0001-01-01\"",
        "\"-009999-01-01\"",
        "\"9999-12-31\"",
        "\"9999-12-31T23:59:59.9999999Z\"",
        "\"9999-12-31T23:59:59-14:00\"",
        "\"2026-06-30T23:59:60Z\"",
    ]);
}
