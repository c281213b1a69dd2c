//! The set-up in Gradient: services and clients are made, mapped there by the MSP, and linked here by their ids.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::{Mapping, ProductRule};
use tallyline_core::model::{ChargeKind, VendorAccountId};
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_gradient::{MadeInSetup, Setup};
use tallyline_testkit::book::csp::CspCase;

use super::super::telling::section;
use super::stage::Stage;
use crate::output::{count, safe, wrapped};

/// Why consumption is left out.
const CONSUMPTION: &str = "consumption is an amount of money, and Gradient takes numbers of units";

/// What stands on both sides once all is set up, and how it came about.
pub(super) struct Ready {
    /// The mapping.
    pub(super) mapping: Mapping,
    /// The client that the MSP has not mapped in Gradient.
    pub(super) unmapped: Client,
    /// The client whose account somebody else made in the meantime.
    pub(super) made_meanwhile: Client,
    missing: Setup,
    made: MadeInSetup,
    excluded: Vec<String>,
}

/// A client of the vendor.
pub(super) struct Client {
    /// The vendor's id of it.
    pub(super) id: VendorAccountId,
    /// Its name.
    pub(super) name: String,
}

/// Reads what Gradient lacks, makes it, lets the MSP map all but one client there, and links all of it here.
pub(super) async fn set_up(stage: &Stage) -> Result<Ready> {
    let lists = lists(stage).await?;
    let made_meanwhile = client(stage, &lists, CspCase::TwoContracts)?;
    let unmapped = client(stage, &lists, CspCase::ForeignContract)?;

    let missing = stage.sink.missing(&lists.accounts, &lists.services).await?;
    stage
        .gradient
        .with_state(|state| state.add_account(made_meanwhile.id.as_str(), &made_meanwhile.name));
    let made = stage.sink.set_up(&missing).await?;
    stage.gradient.with_state(|state| {
        state.map_all();
        state.mapped_accounts.remove(unmapped.id.as_str());
    });

    let lists = self::lists(stage).await?;
    let (mapping, excluded) = link(&lists, &made)?;
    Ok(Ready {
        mapping,
        unmapped,
        made_meanwhile,
        missing,
        made,
        excluded,
    })
}

async fn lists(stage: &Stage) -> Result<Lists> {
    Flow::new(stage.market.vendor.source.as_ref(), &stage.sink)
        .lists()
        .await
}

/// The client of a case.
pub(super) fn client(stage: &Stage, lists: &Lists, case: CspCase) -> Result<Client> {
    let note = stage.market.book.case(case);
    let name = note.map_or_else(String::new, |note| {
        stage.market.client(&note.organization_id)
    });
    let mut accounts = lists.accounts.iter();
    let found = accounts.find(|account| account.name == name);
    let found = found.ok_or_else(|| {
        let message = format!("the vendor lists no client {name:?}, which the book has");
        Error::new(ErrorKind::Unexpected, message)
    })?;
    let id = found.id.clone();
    Ok(Client { id, name })
}

/// Links what the set-up made, one to one; what is no number of units is excluded.
fn link(lists: &Lists, made: &MadeInSetup) -> Result<(Mapping, Vec<String>)> {
    let known = lists.directory();
    let mut mapping = Mapping::new();
    let mut excluded = Vec::new();
    for (account, company) in &made.accounts {
        mapping.link_account(account.clone(), company.clone(), company.as_str(), &known)?;
    }
    for (service, product) in &made.services {
        if is_consumption(service.as_str()) {
            mapping.exclude_service(service.clone(), CONSUMPTION)?;
            let name = known.service(service).map(|service| service.name.as_str());
            excluded.push(format!(
                "{} is excluded: {CONSUMPTION}",
                safe(name.unwrap_or(service.as_str()))
            ));
            continue;
        }
        let rules = vec![ProductRule::one_to_one(product.clone())];
        mapping.link_service(service.clone(), rules, ChargeKind::Recurring, &known)?;
    }
    Ok((mapping, excluded))
}

/// Whether a service of the book is consumption.
fn is_consumption(key: &str) -> bool {
    key.starts_with("service:") || key == "AZURE-PLAN"
}

impl Ready {
    /// Whether all that was missing stands in Gradient, each once, though a list was refused on the way.
    pub(super) fn is_whole(&self, stage: &Stage) -> bool {
        let mut requests = stage.gradient.requests().into_iter();
        let refused = requests.any(|request| request.status == Some(409));
        let state = stage.gradient.state();
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for account in &state.accounts {
            *names.entry(account.id.as_str()).or_default() += 1;
        }
        let once = |id: &str| names.get(id) == Some(&1);
        refused
            && state.accounts.len() == self.made.accounts.len()
            && state.services.len() == self.made.services.len()
            && self.made.accounts.iter().all(|(id, _)| once(id.as_str()))
    }

    /// The step in words.
    pub(super) fn text(&self) -> String {
        let mut out = wrapped(
            "",
            0,
            &format!(
                "Reading alone showed what Gradient lacks: {}.",
                self.missing
            ),
        );
        out.push_str(&wrapped(
            "",
            0,
            &format!(
                "It was made. While it was, somebody else made {}: Gradient refused the whole list, as \
                 that id exists. So what is there was read again, and only the others were made.",
                safe(&self.made_meanwhile.name)
            ),
        ));
        out.push_str(&wrapped(
            "",
            0,
            &format!(
                "Then the MSP maps clients and services to its PSA, in Gradient's app: here all but {}. \
                 Gradient does not tell what is mapped.",
                safe(&self.unmapped.name)
            ),
        ));
        let _ = writeln!(
            out,
            "{} and {} linked by their ids, as the set-up gave them.",
            count(self.mapping.linked_accounts(), "client", "clients"),
            count(self.mapping.linked_services(), "article is", "articles are"),
        );
        out.push_str(&section(
            "Decided by a person (here: by the demo):",
            self.excluded.clone(),
        ));
        out
    }
}
