//! Named figures, as JSON or as text.

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Figures in the order in which they were taken.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(&'static str, Figure)>);

#[derive(Debug)]
enum Figure {
    Number(Decimal),
    Text(String),
    Group(Figures),
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a whole number.
    pub(crate) fn count(&mut self, name: &'static str, count: u64) {
        self.0.push((name, Figure::Number(count.into())));
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, name: &'static str, number: Decimal) {
        self.0.push((name, Figure::Number(number.normalize())));
    }

    /// Adds a time in seconds, to the microsecond.
    pub(crate) fn seconds(&mut self, name: &'static str, time: Duration) {
        self.0.push((name, Figure::Number(seconds(time))));
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, name: &'static str, text: impl Into<String>) {
        self.0.push((name, Figure::Text(text.into())));
    }

    /// Adds figures under a name.
    pub(crate) fn group(&mut self, name: &'static str, figures: Self) {
        self.0.push((name, Figure::Group(figures)));
    }

    /// One JSON object.
    pub(crate) fn json(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        let member = |(name, figure): &(&'static str, Figure)| {
            let value = match figure {
                Figure::Number(number) => RawValue::from_string(number.to_string())
                    .and_then(|raw| serde_json::to_value(&raw))
                    .unwrap_or_default(),
                Figure::Text(text) => Value::from(text.as_str()),
                Figure::Group(figures) => figures.value(),
            };
            ((*name).to_owned(), value)
        };
        Value::Object(self.0.iter().map(member).collect::<Map<_, _>>())
    }

    fn lines(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        for (name, figure) in &self.0 {
            write!(f, "{:indent$}{name}:", "")?;
            match figure {
                Figure::Number(number) => writeln!(f, " {number}")?,
                Figure::Text(text) => writeln!(f, " {text}")?,
                Figure::Group(figures) => {
                    writeln!(f)?;
                    figures.lines(f, indent + 2)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines(f, 0)
    }
}

/// A time in seconds, to the microsecond.
pub(crate) fn seconds(time: Duration) -> Decimal {
    Decimal::from_i128_with_scale(i128::try_from(time.as_micros()).unwrap_or(i128::MAX), 6)
}

/// A part of a whole, to three decimal places; nothing of nothing.
pub(crate) fn ratio(part: Decimal, whole: Decimal) -> Decimal {
    let ratio = part.checked_div(whole).unwrap_or_default();
    ratio.round_dp(3)
}
