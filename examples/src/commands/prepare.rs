//! `prepare`: what has to stand in a system that reconciles by itself before anything is counted there.

use std::fmt::Write as _;

use futures::TryStreamExt as _;
use serde::Serialize;
use tallyline_core::model::{Service, VendorAccount};
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_gradient::Setup;

use super::Context;
use crate::cli::PrepareArgs;
use crate::config::SinkConfig;
use crate::connect;
use crate::outcome::Outcome;
use crate::output::{safe, wrapped};

#[derive(Serialize)]
struct Document {
    services: Vec<String>,
    accounts: Vec<String>,
    renamed: Vec<String>,
    status: Option<String>,
    made: bool,
}

/// Compares, and makes what is missing where that was said.
pub(crate) async fn run(context: &Context, args: &PrepareArgs) -> Result<Outcome> {
    let config = context.config()?;
    let SinkConfig::Gradient(settings) = &config.sink else {
        return Err(Error::new(
            ErrorKind::Config,
            "only Gradient is prepared: this [sink] has its companies and products already",
        ));
    };
    let (source, sink) = (
        connect::source(&config)?,
        connect::gradient(&config, settings)?,
    );
    let accounts: Vec<VendorAccount> = source.accounts().try_collect().await?;
    let services: Vec<Service> = source.services().try_collect().await?;
    let setup = sink.missing(&accounts, &services).await?;
    let made = args.yes && !setup.is_empty();
    if made {
        sink.set_up(&setup).await?;
    }
    let document = Document::of(&setup, made);
    context.out.print(&document, || document.text(args))?;
    let done = made || setup.is_empty();
    Ok(if done {
        Outcome::Done
    } else {
        Outcome::Pending
    })
}

impl Document {
    fn of(setup: &Setup, made: bool) -> Self {
        let services = setup.services.iter();
        let accounts = setup.accounts.iter();
        let renamed = setup.renamed.iter();
        Self {
            services: services.map(|(_, service)| service.name.clone()).collect(),
            accounts: accounts.map(|account| account.name.clone()).collect(),
            renamed: renamed
                .map(|(_, from, to)| format!("{from} -> {to}"))
                .collect(),
            status: setup
                .status
                .as_ref()
                .map(|(from, to)| format!("{from} -> {to}")),
            made,
        }
    }

    fn text(&self, args: &PrepareArgs) -> String {
        let mut out = String::new();
        for (title, names) in [
            ("Services to make", &self.services),
            ("Clients to make", &self.accounts),
            ("Clients to rename", &self.renamed),
        ] {
            if !names.is_empty() {
                let _ = writeln!(out, "{title}: {}", names.len());
                for name in names {
                    let _ = writeln!(out, "  {}", safe(name));
                }
            }
        }
        if let Some(status) = &self.status {
            let _ = writeln!(out, "Status of the integration: {}", safe(status));
        }
        let last = match (self.made, out.is_empty(), args.yes) {
            (true, ..) => {
                "It is made. Now map clients and services in Gradient, link them here with \
                 `tallyline map auto`, and make a plan."
            }
            (_, true, _) => "Nothing is missing: every client and service stands in Gradient.",
            _ => "Nothing was made. To make it: tallyline prepare --yes",
        };
        out.push_str(&wrapped("", 0, last));
        out
    }
}
