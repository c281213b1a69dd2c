//! Everything that is traced during a test: texts to search for secrets, spans to look at.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::lock;

/// One span and what was recorded on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) parent: Option<&'static str>,
    pub(super) fields: BTreeMap<&'static str, String>,
}

impl Span {
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

#[derive(Debug, Default)]
struct Log {
    text: String,
    open: HashMap<Id, usize>,
    spans: Vec<Span>,
}

/// What was traced. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Captured(Arc<Mutex<Log>>);

impl Captured {
    /// A subscriber that hears every level and writes here.
    pub(super) fn dispatch(&self) -> Dispatch {
        Dispatch::new(Registry::default().with(self.clone()))
    }

    /// All fields and messages, one a line.
    pub(super) fn text(&self) -> String {
        lock(&self.0).text.clone()
    }

    /// The spans, oldest first.
    pub(super) fn spans(&self) -> Vec<Span> {
        lock(&self.0).spans.clone()
    }
}

struct Fields<'a> {
    text: &'a mut String,
    fields: Option<&'a mut BTreeMap<&'static str, String>>,
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned());
    }
}

impl Fields<'_> {
    fn keep(&mut self, field: &Field, value: String) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{}={value}", field.name());
        if let Some(fields) = &mut self.fields {
            fields.insert(field.name(), value);
        }
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Captured {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let parent = ctx.span(id).and_then(|span| Some(span.parent()?.name()));
        let mut log = lock(&self.0);
        let log = &mut *log;
        let mut span = Span {
            name: attributes.metadata().name(),
            parent,
            fields: BTreeMap::new(),
        };
        log.text.push_str(span.name);
        log.text.push('\n');
        attributes.record(&mut Fields {
            text: &mut log.text,
            fields: Some(&mut span.fields),
        });
        log.open.insert(id.clone(), log.spans.len());
        log.spans.push(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut log = lock(&self.0);
        let log = &mut *log;
        let at = log.open.get(id).copied();
        values.record(&mut Fields {
            text: &mut log.text,
            fields: at
                .and_then(|at| log.spans.get_mut(at))
                .map(|span| &mut span.fields),
        });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut log = lock(&self.0);
        let log = &mut *log;
        event.record(&mut Fields {
            text: &mut log.text,
            fields: None,
        });
    }
}
