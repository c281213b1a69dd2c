//! `check`: both connections.

use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::flow::Lists;
use tallyline_core::integration::State;
use tallyline_core::source::Identity;
use tallyline_core::{Result, VendorSource};

use super::Context;
use super::list::collect;
use crate::config::Config;
use crate::connect;
use crate::lifecycle;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{count, safe, tell, warn, wrapped};

#[derive(Serialize)]
struct Document {
    ok: bool,
    source: Side,
    sink: Side,
}

/// What became of one side.
#[derive(Serialize)]
struct Side {
    setting: &'static str,
    name: String,
    ok: bool,
    subject: Option<String>,
    version: Option<String>,
    verified: Vec<String>,
    warnings: Vec<String>,
    error: Option<String>,
}

/// Checks both sides, and says everything that is missing at once.
pub(crate) async fn run(context: &Context) -> Result<Outcome> {
    let config = context.config()?;
    let mut vendor = None;
    let source = match connect::source(&config) {
        Ok(source) => {
            let name = source.descriptor().name.clone();
            let side = Side::new("[source]", &name, source.check().await, context);
            vendor = Some(source);
            side
        }
        Err(error) => Side::new("[source]", "the vendor", Err(error), context),
    };
    let sink = match connect::sink(&config) {
        Ok(sink) => {
            let name = sink.descriptor().name;
            Side::new("[sink]", name, sink.check().await, context)
        }
        Err(error) => Side::new("[sink]", "the PSA", Err(error), context),
    };
    let document = Document {
        ok: source.ok && sink.ok,
        source,
        sink,
    };
    if let (true, Some(vendor)) = (document.ok, vendor) {
        lifecycle::connected(&config);
        if let Err(error) = generate(&config, vendor.as_ref()).await {
            warn(&format!(
                "the accounts and services could not be listed: {error}"
            ));
        }
    }
    context.out.print(&document, || {
        format!("{}\n{}", document.source.text(), document.sink.text())
    })?;
    Ok(if document.ok {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

/// Reads the vendor's accounts and services once the connections work for the first time.
async fn generate(config: &Config, vendor: &dyn VendorSource) -> Result<()> {
    if lifecycle::load(config)?.state() != State::Authenticated {
        return Ok(());
    }
    let mut lists = Lists::default();
    lists.accounts = collect(vendor.accounts()).await?;
    lists.services = collect(vendor.services()).await?;
    lifecycle::listed(config, &lists, &mapping_file::load(config)?);
    tell(&format!(
        "{} and {} found; see `tallyline map`",
        count(lists.accounts.len(), "account", "accounts"),
        count(lists.services.len(), "service", "services")
    ));
    Ok(())
}

impl Side {
    fn new(setting: &'static str, name: &str, found: Result<Identity>, context: &Context) -> Self {
        let mut side = Self {
            setting,
            name: name.to_owned(),
            ok: found.is_ok(),
            subject: None,
            version: None,
            verified: Vec::new(),
            warnings: Vec::new(),
            error: None,
        };
        match found {
            Ok(identity) => {
                side.subject = Some(identity.subject);
                side.version = identity.version;
                side.verified = identity.verified;
                side.warnings = identity.warnings;
            }
            Err(error) => side.error = Some(connect::explain(&error, &context.config)),
        }
        side
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let state = if self.ok {
            "connected"
        } else {
            "NOT connected"
        };
        let _ = write!(out, "{} {}: {state}", self.setting, self.name);
        if let Some(subject) = &self.subject {
            let _ = write!(out, " as {}", safe(subject));
        }
        if let Some(version) = &self.version {
            let _ = write!(out, ", version {}", safe(version));
        }
        out.push('\n');
        let mut list = |mark: &str, texts: &[String]| {
            for text in texts {
                out.push_str(&wrapped(mark, mark.len(), &safe(text)));
            }
        };
        list("  ok       ", &self.verified);
        list("  warning  ", &self.warnings);
        if let Some(error) = &self.error {
            list("  missing  ", std::slice::from_ref(error));
        }
        out
    }
}
