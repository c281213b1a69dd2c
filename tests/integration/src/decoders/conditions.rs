//! The conditions builder, against a parser of its grammar that shares nothing with it.

use rust_decimal::Decimal;
use tallyline_connectwise::conditions::{Condition, Field, Value};
use tallyline_core::model::Timestamp;
use tallyline_core::wire::parse_decimal;

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Compare(String, String, Vec<Literal>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Word(String),
    Instant(String),
}

/// A filter that is written is read again as the filter that was meant, whatever its texts hold.
///
/// The input is a program, one step a line: the first character says what, the rest is the
/// value. `=`, `!`, `~` and `^` compare with a text, `<` with a number, `[` with an instant,
/// `i` and `n` with a list parted by tabs, `p` names the field of what follows, `&` and `|`
/// join the last two conditions.
pub fn conditions(data: &[u8]) {
    let program = String::from_utf8_lossy(data);
    let mut field = Field::NAME;
    let mut stack: Vec<(Condition, Tree)> = Vec::new();
    for line in program.split('\n').take(64) {
        let mut rest = line.chars();
        let Some(step) = rest.next() else { continue };
        let rest = rest.as_str();
        match step {
            'p' => {
                if let Ok(named) = Field::new(rest) {
                    assert_eq!(named.as_str(), rest);
                    field = named;
                }
            }
            '&' | '|' => join(&mut stack, step == '&'),
            _ => stack.extend(compare(&field, step, rest)),
        }
    }
    for (condition, tree) in stack {
        let text = condition.to_string();
        assert_eq!(Parser::parse(&text), Some(tree), "{text}");
    }
    let values: Vec<&str> = program.split('\n').collect();
    chunks(&field, &values);
}

fn compare(field: &Field, step: char, rest: &str) -> Option<(Condition, Tree)> {
    let text = || vec![Literal::Text(rest.to_owned())];
    let list: Vec<&str> = rest.split('\t').collect();
    let texts = || {
        list.iter()
            .map(|text| Literal::Text((*text).into()))
            .collect()
    };
    let (condition, operator, literals) = match step {
        '=' => (field.equals(rest), "=", text()),
        '!' => (field.not_equals(rest), "!=", text()),
        '~' => (field.contains(rest), "contains", text()),
        '^' => (field.not_contains(rest), "not contains", text()),
        'i' => (field.is_in(list.clone()).ok()?, "in", texts()),
        'n' => (field.is_not_in(list.clone()).ok()?, "not in", texts()),
        '<' => {
            let number: Decimal = parse_decimal(rest).ok()?;
            let literal = Literal::Word(number.to_string());
            (field.less_than(number), "<", vec![literal])
        }
        '[' => {
            let instant: Timestamp = rest.parse().ok()?;
            let seconds = Timestamp::from_second(instant.as_second()).ok()?;
            let literal = Literal::Instant(seconds.to_string());
            (field.at_least(instant), ">=", vec![literal])
        }
        '0' => (
            field.equals(Value::Null),
            "=",
            vec![Literal::Word("null".into())],
        ),
        _ => return None,
    };
    let tree = Tree::Compare(field.as_str().into(), operator.into(), literals);
    Some((condition, tree))
}

fn join(stack: &mut Vec<(Condition, Tree)>, and: bool) {
    let (Some(second), Some(first)) = (stack.pop(), stack.pop()) else {
        return;
    };
    let mut trees = Vec::new();
    for tree in [first.1, second.1] {
        match tree {
            Tree::And(inner) if and => trees.extend(inner),
            Tree::Or(inner) if !and => trees.extend(inner),
            tree => trees.push(tree),
        }
    }
    stack.push(if and {
        (first.0.and(second.0), Tree::And(trees))
    } else {
        (first.0.or(second.0), Tree::Or(trees))
    });
}

/// Chunks hold every value in order, and are short unless a value alone is long.
fn chunks(field: &Field, values: &[&str]) {
    const MAX: usize = 120;
    let mut seen = Vec::new();
    for chunk in field.is_in_chunks(values.iter().copied(), MAX) {
        let text = chunk.to_string();
        let Some(Tree::Compare(_, operator, literals)) = Parser::parse(&text) else {
            panic!("{text}");
        };
        assert_eq!(operator, "in");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let encoded: usize = text
            .bytes()
            .map(|byte| if plain(byte) { 1 } else { 3 })
            .sum();
        assert!(literals.len() == 1 || encoded <= MAX, "{text}");
        seen.extend(literals);
    }
    let expected: Vec<Literal> = values
        .iter()
        .map(|text| Literal::Text((*text).into()))
        .collect();
    assert_eq!(seen, expected);
}

struct Parser<'a>(&'a str);

impl Parser<'_> {
    fn parse(text: &str) -> Option<Tree> {
        let mut parser = Parser(text);
        let tree = parser.group()?;
        parser.0.is_empty().then_some(tree)
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Terms with `and` between all of them, or with `or` between all of them.
    fn group(&mut self) -> Option<Tree> {
        let first = self.term()?;
        for (word, and) in [(" and ", true), (" or ", false)] {
            if self.eat(word) {
                let mut trees = vec![first, self.term()?];
                while self.eat(word) {
                    trees.push(self.term()?);
                }
                return Some(if and {
                    Tree::And(trees)
                } else {
                    Tree::Or(trees)
                });
            }
        }
        Some(first)
    }

    fn term(&mut self) -> Option<Tree> {
        if self.eat("(") {
            let tree = self.group()?;
            return self.eat(")").then_some(tree);
        }
        let field = self.while_in(|c| c.is_ascii_alphanumeric() || c == '_' || c == '/');
        let operators = [
            "!=",
            "<=",
            ">=",
            "=",
            "<",
            ">",
            "not contains",
            "contains",
            "not in",
            "in",
        ];
        self.eat(" ").then_some(())?;
        let operator = operators.into_iter().find(|operator| self.eat(operator))?;
        self.eat(" ").then_some(())?;
        let mut literals = Vec::new();
        if operator.ends_with("in") {
            self.eat("(").then_some(())?;
            literals.push(self.literal()?);
            while self.eat(",") {
                literals.push(self.literal()?);
            }
            self.eat(")").then_some(())?;
        } else {
            literals.push(self.literal()?);
        }
        Some(Tree::Compare(field, operator.to_owned(), literals))
    }

    fn literal(&mut self) -> Option<Literal> {
        if self.eat("[") {
            let instant = self.while_in(|c| c != ']');
            return self.eat("]").then_some(Literal::Instant(instant));
        }
        if !self.eat("\"") {
            let word = self.while_in(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
            return (!word.is_empty()).then_some(Literal::Word(word));
        }
        let mut text = String::new();
        let mut rest = self.0.chars();
        loop {
            match rest.next()? {
                '"' => break,
                '\\' => match rest.next()? {
                    c @ ('"' | '\\') => text.push(c),
                    _ => return None,
                },
                c => text.push(c),
            }
        }
        self.0 = rest.as_str();
        Some(Literal::Text(text))
    }

    fn while_in(&mut self, holds: impl Fn(char) -> bool) -> String {
        let end = self.0.find(|c| !holds(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken.to_owned()
    }
}
