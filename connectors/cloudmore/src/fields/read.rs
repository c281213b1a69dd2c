//! A report through the map.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use tallyline_core::model::{CivilDate, Currency, Period};
use tallyline_core::wire::{parse_date, parse_decimal};

use super::{BillLine, BillReport, FieldMap, LineKind, Place, Unreadable};
use crate::models::{CustomPropertyValue, Json, Object};

/// A record on the way to a line, with the container it stands in.
#[derive(Clone, Copy)]
pub(super) struct Level<'a> {
    pub(super) container: Option<&'a str>,
    pub(super) record: &'a Object,
}

/// The levels from the line's own record outward.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) levels: &'a [Level<'a>],
}

/// The entry of the map that could not be read, and why.
pub(super) type Misread = (&'static str, String);

impl FieldMap {
    /// Reads a billing report.
    ///
    /// Records with further records in them, and lines with an id of their own, count once where they
    /// stand twice in one list and are the same to the letter: they are one record that came twice.
    /// Lines without an id are all kept.
    #[must_use]
    pub fn read(&self, report: &Json) -> BillReport {
        let mut out = BillReport::default();
        self.walk(report, None, &mut Vec::new(), String::new(), &mut out);
        out
    }

    fn walk<'a>(
        &self,
        value: &'a Json,
        container: Option<&'a str>,
        levels: &mut Vec<Level<'a>>,
        path: String,
        out: &mut BillReport,
    ) {
        match value {
            Json::List(items) => {
                let mut seen = BTreeSet::new();
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    if !matches!(item, Json::Object(_)) {
                        out.unreadable.push(self.no_record(levels, path));
                        continue;
                    }
                    let twice = self.is_itself(item) && !seen.insert(item.to_string());
                    if !twice {
                        self.walk(item, container, levels, path, out);
                    }
                }
            }
            Json::Object(record) => {
                levels.push(Level { container, record });
                let inner = self.inner(record);
                if inner.is_empty() {
                    self.line(levels, path, out);
                } else {
                    for (name, value) in inner {
                        let dot = if path.is_empty() { "" } else { "." };
                        self.walk(value, Some(name), levels, format!("{path}{dot}{name}"), out);
                    }
                }
                levels.pop();
            }
            Json::Null => {}
            _ => out.unreadable.push(self.no_record(levels, path)),
        }
    }

    fn no_record(&self, levels: &[Level<'_>], path: String) -> Unreadable {
        Unreadable {
            why: "it is no record".into(),
            organization_id: text(&levels_of(levels), &self.organization_id).unwrap_or(None),
            path: shown(path),
        }
    }

    /// The members that hold further records.
    fn inner<'a>(&self, record: &'a Object) -> Vec<(&'a str, &'a Json)> {
        let holds = |value: &Json| matches!(value, Json::List(_) | Json::Object(_));
        record
            .iter()
            .filter(|(name, value)| self.is_container(name) && holds(value))
            .collect()
    }

    /// Whether a value is a record that is known to be one and the same when it comes twice.
    fn is_itself(&self, value: &Json) -> bool {
        let Json::Object(record) = value else {
            return false;
        };
        let mut ids = self.line_id.iter();
        !self.inner(record).is_empty() || ids.any(|id| id.find(record, None).is_some())
    }

    /// Reads the innermost of some levels, which are given from the outside inward.
    pub(super) fn line(&self, levels: &[Level<'_>], path: String, out: &mut BillReport) {
        let outward = levels_of(levels);
        let line = Line { levels: &outward };
        match self.canonical(line, &path) {
            Ok(line) => out.lines.push(line),
            Err(misread) => out
                .unreadable
                .push(self.unreadable(&outward, misread, path)),
        }
    }

    /// What is said of a record that cannot be read; its levels from its own outward.
    pub(super) fn unreadable(
        &self,
        levels: &[Level<'_>],
        (field, why): Misread,
        path: String,
    ) -> Unreadable {
        Unreadable {
            organization_id: text(levels, &self.organization_id).unwrap_or(None),
            why: format!("{field}: {why}{}", self.names(levels)),
            path: shown(path),
        }
    }

    pub(super) fn is_cancelled(&self, line: Line<'_>) -> Result<bool, Misread> {
        let status = line.own_text("status", &self.status)?;
        Ok(status.is_some_and(|status| {
            let mut words = self.cancelled.iter();
            words.any(|word| word.eq_ignore_ascii_case(&status))
        }))
    }

    /// The ids of a record that can be read, so that a person finds it.
    fn names(&self, levels: &[Level<'_>]) -> String {
        let named = [
            ("organization", &self.organization_id),
            ("service", &self.service_id),
            ("subscription", &self.subscription_id),
            ("product", &self.product_id),
        ];
        let named: Vec<String> = named
            .into_iter()
            .filter_map(|(what, places)| Some(format!("{what} {}", text(levels, places).ok()??)))
            .collect();
        if named.is_empty() {
            String::new()
        } else {
            format!(" ({})", named.join(", "))
        }
    }

    fn canonical(&self, line: Line<'_>, path: &str) -> Result<BillLine, Misread> {
        let required = |field, value: Option<_>| value.ok_or((field, "it is missing".to_owned()));
        let organization_id = line.text("organization_id", &self.organization_id)?;
        let organization_id = required("organization_id", organization_id)?;
        let service_id = line.text("service_id", &self.service_id)?;
        let service_name = line.text("service_name", &self.service_name)?;
        if service_id.is_none() && service_name.is_none() {
            return Err(("service_id", "it is missing, and so is the name".to_owned()));
        }
        let currency = line.text("currency", &self.currency)?;
        let currency = currency_of(&required("currency", currency)?)?;
        let quantity = line.number("quantity", &self.quantity)?;
        let Some(quantity) = quantity else {
            return Err(("quantity", "it is missing".to_owned()));
        };
        let Some(billing_date) = line.date("billing_date", &self.billing_date)? else {
            return Err(("billing_date", "it is missing".to_owned()));
        };
        Ok(BillLine {
            organization_id,
            organization_name: line.text("organization_name", &self.organization_name)?,
            service_id,
            service_name,
            subscription_id: line.text("subscription_id", &self.subscription_id)?,
            external_subscription_id: line
                .text("external_subscription_id", &self.external_subscription_id)?,
            product_id: line.text("product_id", &self.product_id)?,
            sku: line.text("sku", &self.sku)?,
            product_name: line.text("product_name", &self.product_name)?,
            line_id: line.own_text("line_id", &self.line_id)?,
            kind: self.kind(line)?,
            cancelled: self.is_cancelled(line)?,
            billing_date,
            period: self.period(line)?,
            quantity,
            unit_cost: line.number("unit_cost", &self.unit_cost)?,
            unit_price: line.number("unit_price", &self.unit_price)?,
            cost_total: line.number("cost_total", &self.cost_total)?,
            price_total: line.number("price_total", &self.price_total)?,
            currency,
            path: path.to_owned(),
            raw: line.raw(),
        })
    }

    /// The line's own word, else the nearest container that says it, else the default.
    fn kind(&self, line: Line<'_>) -> Result<Option<LineKind>, Misread> {
        if let Some(word) = line.text("charge_kind", &self.charge_kind)? {
            return Ok(self.kind_of(&word));
        }
        let mut containers = line.levels.iter().filter_map(|level| level.container);
        let said = containers.find_map(|name| self.kind_of(name));
        Ok(said.or(self.default_kind))
    }

    fn period(&self, line: Line<'_>) -> Result<Option<Period>, Misread> {
        let start = line.date("period_start", &self.period_start)?;
        let end = line.date("period_end", &self.period_end)?;
        match (start, end) {
            (Some(start), Some(end)) => Period::new(start, end)
                .map(Some)
                .map_err(|error| ("period_end", error.message().to_owned())),
            _ => Ok(None),
        }
    }

    /// The value of an organization's custom property of a name, in any case of its letters.
    ///
    /// `Ok(None)` where the record holds custom properties without that one or with a blank one;
    /// `Err` where it holds none at all in the map's places, so that nothing is known.
    pub(crate) fn custom_property(
        &self,
        organization: &Object,
        property: &str,
    ) -> Result<Option<String>, NoProperties> {
        let mut places = self.custom_properties.iter();
        let properties = places.find_map(|place| place.find(organization, None));
        match properties {
            Some(Json::List(items)) => Ok(items.iter().find_map(|item| {
                let Json::Object(item) = item else {
                    return None;
                };
                let level = [Level {
                    container: None,
                    record: item,
                }];
                let name = text(&level, &self.property_name).ok()??;
                if !name.eq_ignore_ascii_case(property) {
                    return None;
                }
                text(&level, &self.property_value).ok()?
            })),
            Some(Json::Object(map)) => Ok(map.text(property)),
            _ => Err(NoProperties),
        }
    }
}

impl FieldMap {
    /// The custom properties that an organization has; nothing where the record holds none in the map's
    /// places, or holds one that is no text or number with a name.
    pub(crate) fn held_properties(
        &self,
        organization: &Object,
    ) -> Option<Vec<CustomPropertyValue>> {
        let mut places = self.custom_properties.iter();
        let blank = |value: &Json| match value {
            Json::Null => true,
            Json::Text(text) => text.trim().is_empty(),
            _ => false,
        };
        match places.find_map(|place| place.find(organization, None))? {
            Json::List(items) => items.iter().map(|item| self.held_property(item)).collect(),
            Json::Object(map) => map
                .iter()
                .filter(|(_, value)| !blank(value))
                .map(|(name, _)| Some(CustomPropertyValue::new(name, map.text(name)?)))
                .collect(),
            _ => None,
        }
    }

    fn held_property(&self, item: &Json) -> Option<CustomPropertyValue> {
        let Json::Object(item) = item else {
            return None;
        };
        let level = [Level {
            container: None,
            record: item,
        }];
        let name = text(&level, &self.property_name).ok()??;
        let value = text(&level, &self.property_value).ok()?;
        Some(CustomPropertyValue::new(name, value.unwrap_or_default()))
    }
}

/// A record does not say what custom properties its organization has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoProperties;

fn levels_of<'a>(levels: &[Level<'a>]) -> Vec<Level<'a>> {
    levels.iter().rev().copied().collect()
}

/// A text in quotes, no more than the beginning of a long one.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}

pub(super) fn currency_of(code: &str) -> Result<Currency, Misread> {
    let wrong = |_| ("currency", format!("{} is no currency code", quoted(code)));
    code.parse().map_err(wrong)
}

fn shown(path: String) -> String {
    if path.is_empty() { ".".into() } else { path }
}

/// The nearest value in some places: one level after the other, in each the places in their order.
fn find<'a>(levels: &[Level<'a>], places: &[Place]) -> Option<&'a Json> {
    levels.iter().find_map(|level| {
        let mut places = places.iter();
        places.find_map(|place| place.find(level.record, level.container))
    })
}

/// The nearest text, or number as its text; blank is nothing.
fn text(levels: &[Level<'_>], places: &[Place]) -> Result<Option<String>, String> {
    match find(levels, places) {
        None => Ok(None),
        Some(Json::Text(text)) => {
            let text = text.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        Some(Json::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err("it is neither a text nor a number".to_owned()),
    }
}

impl<'a> Line<'a> {
    fn own(self) -> &'a [Level<'a>] {
        self.levels.get(..1).unwrap_or_default()
    }

    pub(super) fn text(
        self,
        field: &'static str,
        places: &[Place],
    ) -> Result<Option<String>, Misread> {
        text(self.levels, places).map_err(|why| (field, why))
    }

    pub(super) fn own_text(
        self,
        field: &'static str,
        places: &[Place],
    ) -> Result<Option<String>, Misread> {
        text(self.own(), places).map_err(|why| (field, why))
    }

    /// The exact number of the line's own record.
    pub(super) fn number(
        self,
        field: &'static str,
        places: &[Place],
    ) -> Result<Option<Decimal>, Misread> {
        match find(self.own(), places) {
            None => Ok(None),
            Some(Json::Text(text)) if text.trim().is_empty() => Ok(None),
            Some(Json::Number(text) | Json::Text(text)) => parse_decimal(text.trim())
                .map(Some)
                .map_err(|error| (field, error.to_string())),
            Some(_) => Err((field, "it is no number".to_owned())),
        }
    }

    pub(super) fn date(
        self,
        field: &'static str,
        places: &[Place],
    ) -> Result<Option<CivilDate>, Misread> {
        match find(self.levels, places) {
            None => Ok(None),
            Some(Json::Text(text)) if text.trim().is_empty() => Ok(None),
            Some(Json::Text(text)) => match parse_date(text) {
                Some(date) => Ok(Some(date)),
                None => Err((field, format!("{} is no date", quoted(text)))),
            },
            Some(_) => Err((field, "it is no text with a date".to_owned())),
        }
    }

    fn raw(self) -> String {
        self.levels
            .first()
            .map(|level| Json::Object(level.record.clone()).to_string())
            .unwrap_or_default()
    }
}
