//! `prepare`: what has to stand in the PSA before anything is billed or counted there: clients and services of
//! a system that reconciles by itself, products of one that bills.

use std::fmt::Write as _;

use futures::TryStreamExt as _;
use serde::Serialize;
use tallyline_core::apply::Approval;
use tallyline_core::flow::products_plan;
use tallyline_core::mapping::{BilledAs, ProductRule, Provenance, ServiceEntry, ServiceLink};
use tallyline_core::model::{ChargeKind, Service, VendorAccount};
use tallyline_core::plan::{Change, Notice, Plan};
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_gradient::Setup;

use super::{Context, apply};
use crate::cli::PrepareArgs;
use crate::config::{Config, SinkConfig};
use crate::connect;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{count, safe, tell, wrapped};
use crate::plan_view::{self, Ages, Amount};

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
    let settings = match &config.sink {
        SinkConfig::Gradient(settings) => settings,
        SinkConfig::ConnectWise(_) => return products(context, &config, args).await,
        SinkConfig::Autotask(_) => {
            return Err(Error::new(
                ErrorKind::Config,
                "only Gradient and ConnectWise PSA are prepared: Autotask has its services already",
            ));
        }
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

/// Makes a product for each service that has none, and links the services to theirs.
async fn products(context: &Context, config: &Config, args: &PrepareArgs) -> Result<Outcome> {
    let _turn = mapping_file::turn(config)?;
    let (source, sink) = (connect::source(config)?, connect::sink(config)?);
    let (source, sink) = (source.as_ref(), sink.as_ref());
    let mut mapping = mapping_file::load(config)?;
    let (policy, now) = (&config.policy, context.now());
    let (plan, ready) = products_plan(source, sink, &mapping, policy, now).await?;
    let nothing_to_do = plan.summary().ready == 0 && ready.is_empty();
    if !args.yes || nothing_to_do {
        let document = ProductsDocument {
            changes: plan.changes(),
            notices: plan.notices(),
            to_link: ready.len(),
        };
        context.out.print(&document, || {
            let ages = Ages::when_made(&plan);
            let mut out = plan_view::body(&plan, Amount::of_notices(true), ages);
            out.push_str(&wrapped("", 0, &to_do(&plan, ready.len())));
            out
        })?;
        let outcome = Outcome::of(&plan);
        let waits = outcome == Outcome::Done && !ready.is_empty();
        return Ok(if waits { Outcome::Pending } else { outcome });
    }
    let mut outcome = Outcome::of(&plan);
    if plan.summary().ready > 0 {
        let by = apply::approver(None)?;
        let approval = Approval::of_plan(plan.id().clone(), by, now);
        let terms = apply::Terms {
            yes: true,
            deadline: None,
            now,
        };
        let text = plan.to_text()?;
        outcome = apply::carry_out(context, config, sink, (&plan, &text), &approval, terms).await?;
    }
    let (_, made) = products_plan(source, sink, &mapping, policy, now).await?;
    for (service, product) in &made {
        let rules = vec![ProductRule::one_to_one(product.clone())];
        let mut link = ServiceLink::manual(rules, ChargeKind::Recurring, BilledAs::Line);
        // Both have the identifier that is made of the service's key, character for character.
        link.provenance = Provenance::Exact;
        mapping.set_service(service.clone(), ServiceEntry::Link(link));
    }
    if !made.is_empty() {
        mapping_file::save(config, &mapping)?;
    }
    let linked = count(made.len(), "service was", "services were");
    tell(&format!("{linked} linked to the product of its identifier"));
    Ok(outcome)
}

#[derive(Serialize)]
struct ProductsDocument<'a> {
    changes: &'a [Change],
    notices: &'a [Notice],
    to_link: usize,
}

/// What `--yes` would do.
fn to_do(plan: &Plan, ready: usize) -> String {
    let made = plan.summary().ready;
    if made == 0 && ready == 0 {
        return "Nothing is missing that can be made.".to_owned();
    }
    format!(
        "To make {} and link {}: tallyline prepare --yes",
        count(made, "product", "products"),
        count(made + ready, "service", "services")
    )
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
