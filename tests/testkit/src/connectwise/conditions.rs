//! The `conditions` grammar: read, checked against an entity, evaluated on its documents.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::schema::{Entity, Kind, Resolved};
use super::tokens::{Token, tokens};
use crate::clock::date_of;
use crate::json::Json;

const MAX_DEPTH: usize = 32;

/// A condition, its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Test {
        name: Resolved,
        op: Op,
        values: Vec<Literal>,
        negated: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Like,
    In,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(Decimal),
    Flag(bool),
    At(Timestamp),
    Day(Date),
    Null,
}

/// How names are resolved, and whether `in` may be used.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    /// `conditions`.
    Own,
    /// `childConditions`.
    Child,
    /// `customFieldConditions`.
    CustomField,
}

/// Reads a condition; an error is the message of the refusal.
pub(super) fn parse(text: &str, entity: &Entity, scope: Scope) -> Result<Expr, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        entity,
        scope,
    };
    let expr = reader.alternatives(0)?;
    match reader.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("Unexpected {token} in the condition.")),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    entity: &'a Entity,
    scope: Scope,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| "The condition ends too early.".to_owned())
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token::Word(text)) if text.eq_ignore_ascii_case(word));
        self.at += usize::from(hit);
        hit
    }

    fn takes(&mut self, token: &Token) -> bool {
        let hit = self.peek() == Some(token);
        self.at += usize::from(hit);
        hit
    }

    fn alternatives(&mut self, depth: usize) -> Result<Expr, String> {
        let mut left = self.conjunction(depth)?;
        while self.takes_word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.conjunction(depth)?));
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Expr, String> {
        let mut left = self.term(depth)?;
        while self.takes_word("and") {
            left = Expr::And(Box::new(left), Box::new(self.term(depth)?));
        }
        Ok(left)
    }

    fn term(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > MAX_DEPTH {
            return Err("The condition is nested too deeply.".to_owned());
        }
        if self.takes(&Token::Open) {
            let inner = self.alternatives(depth + 1)?;
            return if self.takes(&Token::Close) {
                Ok(inner)
            } else {
                Err("A ) is missing.".to_owned())
            };
        }
        let Token::Word(text) = self.next()? else {
            return Err("A name is expected.".to_owned());
        };
        let name = match self.scope {
            Scope::Own | Scope::CustomField => self.entity.resolve(&text),
            Scope::Child => self.entity.resolve_child(&text),
        };
        let name = name
            .filter(|name| {
                !matches!(
                    name.kind,
                    Kind::Children(_) | Kind::CustomFields | Kind::Info
                )
            })
            .ok_or_else(|| format!("{text} is not a recognized name."))?;
        let negated = self.takes_word("not");
        let op = self.operator(negated)?;
        let values = if op == Op::In {
            self.list()?
        } else {
            vec![self.literal()?]
        };
        for value in &values {
            check(&name, &text, op, value)?;
        }
        Ok(Expr::Test {
            name,
            op,
            values,
            negated,
        })
    }

    fn operator(&mut self, negated: bool) -> Result<Op, String> {
        let token = self.next()?;
        let op = match &token {
            Token::Sign(sign) if !negated => match *sign {
                "=" => Op::Equal,
                "!=" => Op::NotEqual,
                "<" => Op::Less,
                "<=" => Op::LessOrEqual,
                ">" => Op::Greater,
                _ => Op::GreaterOrEqual,
            },
            Token::Word(word) if word.eq_ignore_ascii_case("contains") => Op::Contains,
            Token::Word(word) if word.eq_ignore_ascii_case("like") => Op::Like,
            Token::Word(word) if word.eq_ignore_ascii_case("in") => Op::In,
            _ => return Err(format!("{token} is not an operator.")),
        };
        if op == Op::In && !matches!(self.scope, Scope::Own) {
            return Err("in can be used in conditions only.".to_owned());
        }
        Ok(op)
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        if !self.takes(&Token::Open) {
            return Err("in needs a list in parentheses.".to_owned());
        }
        let mut values = vec![self.literal()?];
        while self.takes(&Token::Comma) {
            values.push(self.literal()?);
        }
        if self.takes(&Token::Close) {
            Ok(values)
        } else {
            Err("A ) is missing.".to_owned())
        }
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.next()? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Number(number) => Ok(Literal::Number(number)),
            Token::Moment(text) => {
                if let Ok(at) = text.parse::<Timestamp>() {
                    // Times carry no offset other than Z.
                    return if text.ends_with(['Z', 'z']) {
                        Ok(Literal::At(at))
                    } else {
                        Err(format!("[{text}] must be in UTC."))
                    };
                }
                text.parse::<Date>()
                    .map(Literal::Day)
                    .map_err(|_| format!("[{text}] is not a valid date."))
            }
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Flag(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Flag(false)),
            token => Err(format!("{token} is not a value.")),
        }
    }
}

fn check(name: &Resolved, text: &str, op: Op, value: &Literal) -> Result<(), String> {
    let textual = matches!(op, Op::Contains | Op::Like);
    let fits = match (name.kind, value) {
        (Kind::Any, _) => true,
        (Kind::Reference(_), Literal::Null) => matches!(op, Op::Equal | Op::NotEqual),
        (_, Literal::Null) => !textual,
        (Kind::Integer | Kind::Number, Literal::Number(_)) => !textual,
        (Kind::Flag, Literal::Flag(_)) => matches!(op, Op::Equal | Op::NotEqual),
        (Kind::Date, Literal::At(_) | Literal::Day(_)) => !textual,
        (Kind::Text(_) | Kind::Choice(_), Literal::Text(_)) => true,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("The value given for {text} does not fit its type."))
    }
}

impl Expr {
    /// Whether a document matches. A path through an array matches when any of its items does.
    pub(super) fn matches(&self, document: &Json) -> bool {
        match self {
            Self::And(left, right) => left.matches(document) && right.matches(document),
            Self::Or(left, right) => left.matches(document) || right.matches(document),
            Self::Test {
                name,
                op,
                values,
                negated,
            } => {
                let hit = match follow(document, &name.path) {
                    Found::One(value) => test(value, *op, values),
                    Found::Many(found) => found
                        .into_iter()
                        .any(|value| test(Some(value), *op, values)),
                };
                hit != *negated
            }
        }
    }
}

enum Found<'a> {
    One(Option<&'a Json>),
    Many(Vec<&'a Json>),
}

fn follow<'a>(document: &'a Json, path: &[&str]) -> Found<'a> {
    let mut at = Some(document);
    for (step, name) in path.iter().enumerate() {
        if let Some(items) = at.and_then(Json::items) {
            let rest = path.get(step..).unwrap_or(&[]);
            return Found::Many(
                items
                    .iter()
                    .filter_map(|item| value_at(item, rest))
                    .collect(),
            );
        }
        at = at.and_then(|json| json.get(name));
    }
    Found::One(at.filter(|json| !json.is_null()))
}

/// The value at the end of a path of member names.
pub(super) fn value_at<'a>(document: &'a Json, path: &[&str]) -> Option<&'a Json> {
    path.iter().try_fold(document, |json, name| json.get(name))
}

fn test(value: Option<&Json>, op: Op, literals: &[Literal]) -> bool {
    literals.iter().any(|literal| test_one(value, op, literal))
}

fn test_one(value: Option<&Json>, op: Op, literal: &Literal) -> bool {
    let Some(value) = value else {
        let null = matches!(literal, Literal::Null);
        return match op {
            Op::Equal | Op::In => null,
            Op::NotEqual => !null,
            _ => false,
        };
    };
    if matches!(literal, Literal::Null) {
        return op == Op::NotEqual;
    }
    if let (Op::Contains | Op::Like, Literal::Text(pattern)) = (op, literal) {
        let (text, pattern) = (
            value.text().unwrap_or("").to_lowercase(),
            pattern.to_lowercase(),
        );
        return if op == Op::Contains {
            text.contains(&pattern)
        } else {
            like(&text, &pattern)
        };
    }
    let Some(ordering) = compare(value, literal) else {
        return op == Op::NotEqual;
    };
    match op {
        Op::Equal | Op::In => ordering == Ordering::Equal,
        Op::NotEqual => ordering != Ordering::Equal,
        Op::Less => ordering == Ordering::Less,
        Op::LessOrEqual => ordering != Ordering::Greater,
        Op::Greater => ordering == Ordering::Greater,
        Op::GreaterOrEqual => ordering != Ordering::Less,
        Op::Contains | Op::Like => false,
    }
}

fn compare(value: &Json, literal: &Literal) -> Option<Ordering> {
    match literal {
        Literal::Text(text) => Some(value.text()?.to_lowercase().cmp(&text.to_lowercase())),
        Literal::Number(number) => Some(value.decimal()?.cmp(number)),
        Literal::Flag(flag) => Some(value.flag()?.cmp(flag)),
        Literal::At(at) => Some(value.text()?.parse::<Timestamp>().ok()?.cmp(at)),
        Literal::Day(day) => Some(date_of(value.text()?.parse::<Timestamp>().ok()?).cmp(day)),
        Literal::Null => None,
    }
}

/// Sources disagree on the wildcard, so both `*` and `%` are one here.
fn like(text: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split(['*', '%']).collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return text == pattern;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or("");
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::super::schema::{ADDITION, AGREEMENT, COMPANY};
    use super::*;

    fn matches(condition: &str, document: &str) -> bool {
        parse(condition, &AGREEMENT, Scope::Own)
            .unwrap()
            .matches(&Json::parse(document).unwrap())
    }

    const DOCUMENT: &str = r#"{"id":88,"name":"Say \"Cloud\" \\ Co","company":{"id":45,"identifier":"NORTHW"},
        "cancelledFlag":false,"billAmount":12.50,"startDate":"2026-02-01T00:00:00Z",
        "_info":{"lastUpdated":"2026-02-03T09:11:05Z"}}"#;

    #[test]
    fn every_operator_is_evaluated() {
        for condition in [
            "id = 88",
            "id != 87",
            "id < 89 and id <= 88 and id > 87 and id >= 88",
            "billAmount = 12.5",
            "name contains \"cloud\"",
            "name not contains \"server\"",
            "name like \"say*co\"",
            "name not like \"server%\"",
            "id in (1, 88)",
            "id not in (1,2)",
            "company/identifier in (\"A\",\"northw\")",
            "company/id = 45",
            "cancelledFlag = False",
            "parentAgreement = null",
            "company != null",
            "endDate = null",
            "startDate = [2026-02-01T00:00:00Z]",
            "startDate >= [2026-02-01]",
            "LastUpdated > [2026-02-03T09:11:04Z] AND lastupdated < [2026-02-03T09:11:06Z]",
        ] {
            assert!(matches(condition, DOCUMENT), "{condition}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_group() {
        assert!(matches("id = 88 or id = 1 and id = 2", DOCUMENT));
        assert!(!matches("(id = 88 or id = 1) and id = 2", DOCUMENT));
    }

    #[test]
    fn quotes_and_backslashes_in_strings_are_escaped_with_a_backslash() {
        assert!(matches(r#"name = "Say \"Cloud\" \\ Co""#, DOCUMENT));
    }

    #[test]
    fn an_unknown_name_is_named() {
        let message = parse("nmae = \"x\"", &AGREEMENT, Scope::Own).unwrap_err();
        assert_eq!(message, "nmae is not a recognized name.");
        assert!(parse("company/color = \"x\"", &AGREEMENT, Scope::Own).is_err());
        assert!(parse("types/name = \"x\"", &COMPANY, Scope::Own).is_err());
    }

    #[test]
    fn malformed_conditions_are_refused() {
        for condition in [
            "",
            "id",
            "id =",
            "id = 1 id = 2",
            "(id = 1",
            "id = \"1\"",
            "name = 1",
            "name = \"open",
            "startDate > 2026-01-01",
            "startDate > [2026-01-01T00:00:00+02:00]",
            "startDate > [soon]",
            "id in 1",
            "not id = 1",
            "id not = 1",
            "id ~ 1",
        ] {
            assert!(
                parse(condition, &AGREEMENT, Scope::Own).is_err(),
                "{condition}"
            );
        }
    }

    #[test]
    fn child_conditions_look_into_arrays_and_do_not_know_in() {
        let document =
            Json::parse(r#"{"types":[{"id":1,"name":"Client"},{"id":2,"name":"Owner"}]}"#).unwrap();
        assert!(
            parse("types/name = \"Owner\"", &COMPANY, Scope::Child)
                .unwrap()
                .matches(&document)
        );
        assert!(parse("types/id in (1)", &COMPANY, Scope::Child).is_err());
        assert!(parse("product/id = 1", &ADDITION, Scope::Child).is_err());
    }
}
