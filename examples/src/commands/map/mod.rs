//! `map`: which account is which company, which service is which product.

mod edit;
mod files;
mod find;
mod many;
mod view;

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::{
    Mapping, MatchOptions, SuggestOptions, auto_link_accounts, auto_link_services,
    suggest_accounts, suggest_services,
};

use super::Context;
use crate::cli::MapCommand;
use crate::config::Config;
use crate::connect;
use crate::lifecycle;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{safe, warn};

/// The mapping of a configuration, with what both sides list.
struct Desk {
    config: Config,
    mapping: Mapping,
    lists: Lists,
}

impl Desk {
    /// Reads all of it.
    async fn open(context: &Context) -> Result<Self> {
        let config = context.config()?;
        let mapping = mapping_file::load(&config)?;
        let connections = connect::both(&config)?;
        let lists = Flow::new(connections.source.as_ref(), connections.sink.as_ref())
            .lists()
            .await?;
        lifecycle::listed(&config, &lists, &mapping);
        for problem in &lists.problems {
            warn(&format!("a record could not be read: {}", problem.message));
        }
        Ok(Self {
            config,
            mapping,
            lists,
        })
    }

    fn suggest_options(&self) -> SuggestOptions {
        let required = self.config.product_vendor_required;
        match &self.config.product_vendor {
            Some(vendor) => SuggestOptions::new()
                .with_vendor(vendor.as_str())
                .with_vendor_required(required),
            None => SuggestOptions::new(),
        }
    }
}

/// What an edit did.
#[derive(Serialize)]
struct Edited {
    done: String,
    revision: u64,
}

/// Runs one of the mapping's commands.
pub(crate) async fn run(context: &Context, command: MapCommand) -> Result<Outcome> {
    let looks = matches!(
        command,
        MapCommand::List { .. }
            | MapCommand::Auto { dry_run: true }
            | MapCommand::Suggest
            | MapCommand::Find { .. }
            | MapCommand::Export { .. }
    );
    let _turn = match looks {
        true => None,
        false => Some(mapping_file::turn(&context.config()?)?),
    };
    match command {
        MapCommand::List { offline, tag } => view::list(context, offline, tag.as_ref()).await,
        MapCommand::Auto { dry_run } => auto(context, dry_run).await,
        MapCommand::Suggest => suggest(context).await,
        MapCommand::Find { text } => find::run(context, &text.join(" ")).await,
        MapCommand::Set(command) => edit::set(context, command).await,
        MapCommand::Exclude(command) => many::exclude(context, command).await,
        MapCommand::Tag(command) => many::tag(context, command),
        MapCommand::Note(command) => many::note(context, command),
        MapCommand::Switch(command) => many::switch(context, command),
        MapCommand::Accept(command) => edit::accept(context, command).await,
        MapCommand::Clear(command) => many::clear(context, command),
        MapCommand::Import { file } => files::import(context, &file).await,
        MapCommand::Export { file } => files::export(context, &file).await,
    }
}

/// Keeps the edited mapping and says what was done.
fn keep(context: &Context, config: &Config, mapping: &Mapping, done: &str) -> Result<Outcome> {
    mapping_file::save(config, mapping)?;
    let edited = Edited {
        done: done.to_owned(),
        revision: mapping.revision(),
    };
    context.out.print(&edited, || safe(done))?;
    Ok(Outcome::Done)
}

async fn auto(context: &Context, dry_run: bool) -> Result<Outcome> {
    let mut desk = Desk::open(context).await?;
    let lists = &desk.lists;
    let options = match &desk.config.product_vendor {
        Some(vendor) => MatchOptions::new()
            .with_vendor(vendor.as_str())
            .with_vendor_required(desk.config.product_vendor_required),
        None => MatchOptions::new(),
    };
    let accounts = auto_link_accounts(
        &mut desk.mapping,
        &lists.accounts,
        &lists.companies,
        &lists.agreements,
    );
    let services = auto_link_services(
        &mut desk.mapping,
        &lists.services,
        &lists.products,
        &options,
    );
    if !dry_run {
        mapping_file::save(&desk.config, &desk.mapping)?;
    }
    let report = view::AutoReport::new(&accounts, &services, lists, dry_run);
    context.out.print(&report, || report.text())?;
    Ok(Outcome::Done)
}

async fn suggest(context: &Context) -> Result<Outcome> {
    let desk = Desk::open(context).await?;
    let options = desk.suggest_options();
    let lists = &desk.lists;
    let accounts = suggest_accounts(
        &desk.mapping,
        &lists.accounts,
        &lists.companies,
        &lists.agreements,
        &options,
    );
    let services = suggest_services(&desk.mapping, &lists.services, &lists.products, &options);
    let document = serde_json::json!({ "accounts": accounts, "services": services });
    context
        .out
        .print(&document, || view::suggestions(&accounts, &services, lists))?;
    Ok(Outcome::Done)
}
