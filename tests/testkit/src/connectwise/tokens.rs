//! The words of a condition.

use std::fmt;

use rust_decimal::Decimal;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(Decimal),
    /// The text between square brackets.
    Moment(String),
    Sign(&'static str),
    Open,
    Close,
    Comma,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) => f.write_str(text),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Number(number) => write!(f, "{number}"),
            Self::Moment(text) => write!(f, "[{text}]"),
            Self::Sign(sign) => f.write_str(sign),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::Comma => f.write_str(","),
        }
    }
}

/// Cuts a condition into words; an error is the message of the refusal.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, left) = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), rest.get(sign.len()..).unwrap_or(""))
        } else {
            match first {
                '(' => (Token::Open, rest.get(1..).unwrap_or("")),
                ')' => (Token::Close, rest.get(1..).unwrap_or("")),
                ',' => (Token::Comma, rest.get(1..).unwrap_or("")),
                '"' | '\'' => quoted(rest, first)?,
                '[' => {
                    let inner = rest.get(1..).unwrap_or("");
                    let (moment, left) = inner.split_once(']').ok_or("A ] is missing.")?;
                    (Token::Moment(moment.trim().to_owned()), left)
                }
                '-' | '0'..='9' => {
                    let (number, left) =
                        split(rest, |c| c == '-' || c == '.' || c.is_ascii_digit());
                    let number = number
                        .parse()
                        .map_err(|_| format!("{number} is not a number."))?;
                    (Token::Number(number), left)
                }
                'a'..='z' | 'A'..='Z' | '_' => {
                    let (word, left) =
                        split(rest, |c| c == '_' || c == '/' || c.is_ascii_alphanumeric());
                    (Token::Word(word.to_owned()), left)
                }
                other => return Err(format!("Unexpected character '{other}' in the condition.")),
            }
        };
        out.push(token);
        rest = left.trim_start();
    }
    Ok(out)
}

fn split(text: &str, within: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !within(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\'' | '\\'))) => out.push(escaped),
                _ => return Err("A backslash escapes a quote or a backslash only.".to_owned()),
            },
            c if c == quote => return Ok((Token::Text(out), text.get(at + 1..).unwrap_or(""))),
            c => out.push(c),
        }
    }
    Err("A string is not closed.".to_owned())
}
