//! The conditions builder against a parser of the documented grammar.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

use proptest::prelude::*;
use tallyline_connectwise::conditions::{Condition, Field, Value};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Instant(String),
    Sign(String),
}

/// Reads the grammar's tokens; `None` for anything that it does not allow.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' => {}
            '"' => {
                let mut value = String::new();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => match rest.next()? {
                            c @ ('"' | '\\') => value.push(c),
                            _ => return None,
                        },
                        c => value.push(c),
                    }
                }
                tokens.push(Token::Text(value));
            }
            '[' => {
                let mut value = String::new();
                loop {
                    match rest.next()? {
                        ']' => break,
                        c => value.push(c),
                    }
                }
                tokens.push(Token::Instant(value));
            }
            '(' | ')' | ',' | '=' => tokens.push(Token::Sign(c.to_string())),
            '<' | '>' | '!' => {
                let mut sign = c.to_string();
                if rest.peek() == Some(&'=') {
                    sign.push('=');
                    rest.next();
                }
                tokens.push(Token::Sign(sign));
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => {
                let mut word = c.to_string();
                while let Some(&c) = rest.peek() {
                    if c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-') {
                        word.push(c);
                        rest.next();
                    } else {
                        break;
                    }
                }
                tokens.push(Token::Word(word));
            }
            _ => return None,
        }
    }
    Some(tokens)
}

#[derive(Clone, Debug, PartialEq)]
enum Parsed {
    Compare(String, String, Vec<Token>),
    And(Vec<Parsed>),
    Or(Vec<Parsed>),
}

struct Parser(Vec<Token>, usize);

impl Parser {
    fn next(&mut self) -> Option<Token> {
        self.1 += 1;
        self.0.get(self.1 - 1).cloned()
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let hit = self.0.get(self.1) == Some(&Token::Word(word.into()));
        self.1 += usize::from(hit);
        hit
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let hit = self.0.get(self.1) == Some(&Token::Sign(sign.into()));
        self.1 += usize::from(hit);
        hit
    }

    /// One level of `and` or of `or`; mixing them without parentheses is not understood.
    fn expression(&mut self) -> Option<Parsed> {
        let first = self.term()?;
        for (word, make) in [
            ("and", Parsed::And as fn(Vec<Parsed>) -> Parsed),
            ("or", Parsed::Or as fn(Vec<Parsed>) -> Parsed),
        ] {
            if self.eat_word(word) {
                let mut terms = vec![first, self.term()?];
                while self.eat_word(word) {
                    terms.push(self.term()?);
                }
                return Some(make(terms));
            }
        }
        Some(first)
    }

    fn term(&mut self) -> Option<Parsed> {
        if self.eat_sign("(") {
            let inner = self.expression()?;
            return self.eat_sign(")").then_some(inner);
        }
        let Token::Word(field) = self.next()? else {
            return None;
        };
        let not = if self.eat_word("not") { "not " } else { "" };
        let operator = match self.next()? {
            Token::Sign(sign) if not.is_empty() => sign,
            Token::Word(word) if word == "contains" || word == "in" => format!("{not}{word}"),
            _ => return None,
        };
        let mut values = Vec::new();
        if operator.ends_with("in") {
            self.eat_sign("(").then_some(())?;
            loop {
                values.push(self.next()?);
                if self.eat_sign(")") {
                    break;
                }
                self.eat_sign(",").then_some(())?;
            }
        } else {
            values.push(self.next()?);
        }
        values
            .iter()
            .all(|value| !matches!(value, Token::Sign(_)))
            .then_some(Parsed::Compare(field, operator, values))
    }
}

fn parse(condition: &Condition) -> Option<Parsed> {
    let tokens = tokens(&condition.to_string())?;
    let count = tokens.len();
    let mut parser = Parser(tokens, 0);
    let parsed = parser.expression()?;
    (parser.1 == count).then_some(parsed)
}

fn compare(field: &str, operator: &str, values: &[Token]) -> Parsed {
    Parsed::Compare(field.into(), operator.into(), values.to_vec())
}

fn text(text: &str) -> Token {
    Token::Text(text.into())
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was_and_nothing_breaks_out(
        name in any::<String>(),
        other in any::<String>(),
    ) {
        let condition = Field::NAME
            .equals(name.as_str())
            .and(Field::ID.equals(7).or(Field::NAME.not_contains(other.as_str())));
        prop_assert_eq!(
            parse(&condition),
            Some(Parsed::And(vec![
                compare("name", "=", &[text(&name)]),
                Parsed::Or(vec![
                    compare("id", "=", &[Token::Word("7".into())]),
                    compare("name", "not contains", &[text(&other)]),
                ]),
            ]))
        );
    }

    #[test]
    fn texts_made_of_the_grammar_itself_stay_texts(
        name in r#"[\\"'()\[\], =andor]{0,24}"#,
        list in prop::collection::vec(r#"[\\",() ]{0,8}"#, 1..5),
    ) {
        let condition = Field::NAME.is_in(list.clone()).unwrap().and(Field::NAME.equals(name.as_str()));
        let list: Vec<Token> = list.iter().map(|name| text(name)).collect();
        prop_assert_eq!(
            parse(&condition),
            Some(Parsed::And(vec![compare("name", "in", &list), compare("name", "=", &[text(&name)])]))
        );
    }

    #[test]
    fn chunks_hold_every_id_in_order_and_stay_within_the_length(
        ids in prop::collection::vec(1_i64..10_000_000, 0..400),
        max in 60_usize..400,
    ) {
        let chunks = Field::COMPANY_ID.is_in_chunks(ids.clone(), max);
        let mut seen = Vec::new();
        for chunk in &chunks {
            let written = chunk.to_string();
            let encoded: usize = written
                .bytes()
                .map(|b| if b.is_ascii_alphanumeric() { 1 } else { 3 })
                .sum();
            prop_assert!(encoded <= max, "{encoded} > {max}");
            let Some(Parsed::Compare(_, _, values)) = parse(chunk) else {
                panic!("{written}");
            };
            for value in values {
                let Token::Word(id) = value else { panic!("{value:?}") };
                seen.push(id.parse::<i64>().unwrap());
            }
        }
        prop_assert_eq!(seen, ids);
    }
}

#[test]
fn every_operator_has_its_documented_form() {
    let at = "2026-02-01T00:00:00.25Z"
        .parse::<tallyline_core::model::Timestamp>()
        .unwrap();
    let number: rust_decimal::Decimal = "12.50".parse().unwrap();
    for (condition, written) in [
        (Field::ID.equals(12), "id = 12"),
        (Field::ID.not_equals(12), "id != 12"),
        (Field::ID.less_than(12), "id < 12"),
        (Field::ID.at_most(12), "id <= 12"),
        (Field::ID.greater_than(12), "id > 12"),
        (Field::VALUE.at_least(number), "value >= 12.50"),
        (Field::NAME.contains("a"), "name contains \"a\""),
        (Field::NAME.not_contains("a"), "name not contains \"a\""),
        (Field::ID.is_in([3, 7]).unwrap(), "id in (3,7)"),
        (
            Field::NAME.is_not_in(["A", "B"]).unwrap(),
            "name not in (\"A\",\"B\")",
        ),
        (Field::DELETED_FLAG.equals(false), "deletedFlag = false"),
        (
            Field::PARENT_AGREEMENT.equals(Value::Null),
            "parentAgreement = null",
        ),
        (
            Field::LAST_UPDATED.greater_than(at),
            "lastUpdated > [2026-02-01T00:00:00Z]",
        ),
    ] {
        assert_eq!(condition.to_string(), written);
        assert!(parse(&condition).is_some(), "{written}");
    }
}

#[test]
fn groups_are_put_in_parentheses_and_flattened_where_they_are_alike() {
    let [a, b, c] = [1, 2, 3].map(|id| Field::ID.equals(id));
    assert_eq!(
        a.clone().or(b.clone()).and(c.clone()).to_string(),
        "(id = 1 or id = 2) and id = 3"
    );
    assert_eq!(a.and(b).and(c).to_string(), "id = 1 and id = 2 and id = 3");
}

#[test]
fn an_empty_list_and_a_path_with_a_blank_are_refused() {
    assert!(Field::ID.is_in(Vec::<i64>::new()).is_err());
    assert!(Field::ID.is_in_chunks(Vec::<i64>::new(), 100).is_empty());
    for path in ["", "a b", "a/", "/a", "a=1 or b", "a\"", "1a"] {
        assert!(Field::new(path).is_err(), "{path:?}");
    }
    assert_eq!(Field::new("type/name").unwrap().as_str(), "type/name");
}
