//! A hostile answer about one account or agreement, and what becomes of the others, up to the plan.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _};
use tallyline_core::error::printable;
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, Provenance,
    ServiceEntry, ServiceLink,
};
use tallyline_core::model::{
    AccountReading, AgreementId, ChargeKind, ReadFailure, ReadingOutcome, Timestamp,
};
use tallyline_core::plan::{Plan, Policy};
use tallyline_core::source::UsageRequest;
use tallyline_core::{Error, PsaSink, Result, VendorSource};

use super::stubs::{StubSink, StubSource};
use super::{Case, Connect, Expect, Field, Report, cases, on_its_own, values};
use crate::contract::System;
use crate::raw::{Answer, RawServer, Route};

/// How it is told that nothing was read.
const FAILED_WHOLE: &str = "the sync as a whole failed";

/// Cuts are much alike here: every so many is taken.
const CUTS_TAKEN: usize = 41;

/// Which side is under test, and how it is made for a base URL.
#[derive(Clone)]
pub enum Side {
    /// A source; the victim is an account.
    Source(Connect<Arc<dyn VendorSource>>),
    /// A sink; the victim is an agreement. With the id of a product to bill.
    Sink(Connect<Arc<dyn PsaSink>>, String),
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source(_) => "Source",
            Self::Sink(..) => "Sink",
        })
    }
}

/// A source or sink with several accounts or agreements, one of which gets hostile answers.
#[derive(Debug)]
pub struct HostileStreams {
    name: String,
    side: Side,
    victim: String,
    route: Route,
    fields: Vec<Field>,
    routes: Vec<Route>,
    max_body: usize,
    shared: bool,
}

impl HostileStreams {
    /// A source; `victim` is the account whose answer on `route` is made hostile.
    #[must_use]
    pub fn source<S: VendorSource + 'static>(
        name: &str,
        connect: impl Fn(&str) -> Result<S> + Send + Sync + 'static,
        victim: &str,
        route: Route,
    ) -> Self {
        let connect: Connect<Arc<dyn VendorSource>> =
            Arc::new(move |base| Ok(Arc::new(connect(base)?)));
        Self::new(name, Side::Source(connect), victim, route)
    }

    /// A sink; `victim` is the agreement whose answer on `route` is made hostile, `product` one that can be billed.
    /// The agreements must be eligible.
    #[must_use]
    pub fn sink<S: PsaSink + 'static>(
        name: &str,
        connect: impl Fn(&str) -> Result<S> + Send + Sync + 'static,
        victim: &str,
        route: Route,
        product: &str,
    ) -> Self {
        let connect: Connect<Arc<dyn PsaSink>> = Arc::new(move |base| Ok(Arc::new(connect(base)?)));
        Self::new(name, Side::Sink(connect, product.to_owned()), victim, route)
    }

    fn new(name: &str, side: Side, victim: &str, route: Route) -> Self {
        Self {
            name: name.to_owned(),
            side,
            victim: victim.to_owned(),
            route,
            fields: Vec::new(),
            routes: Vec::new(),
            max_body: 1 << 20,
            shared: false,
        }
    }

    /// Says that one answer tells of them all. Where it cannot be read as a whole, all of them may fail, and the plan
    /// changes none; where the victim's record alone is wrong, the others are read on.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Adds a value that can be made hostile.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds the valid answer of another request.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// The largest body that the client takes, as it is set up.
    #[must_use]
    pub fn max_body(mut self, max_body: usize) -> Self {
        self.max_body = max_body;
        self
    }

    fn cases(&self) -> Vec<Case> {
        let mut seen = 0;
        let mut cases = cases::bodies(&self.route, self.max_body);
        cases.retain(|case| {
            seen += usize::from(case.name.starts_with("cut off"));
            let taken = !case.name.starts_with("cut off") || seen % CUTS_TAKEN == 1;
            // Refused credentials concern every account: the stream may end.
            taken && !case.name.ends_with("of a 401")
        });
        for field in &self.fields {
            cases.extend(values::of(&self.route, field));
        }
        cases
    }

    /// Runs every case.
    pub async fn run(&self) -> Report {
        let mut report = Report::default();
        let server = match RawServer::start(System::named(&self.name), self.routes.clone()).await {
            Ok(server) => server,
            Err(error) => return report.broken(&format!("the server cannot be started: {error}")),
        };
        server.answer_with(&self.route, Answer::Bytes(self.route.bytes()));
        let world = match World::new(&self.side, &server.base_url()).await {
            Ok(world) => Arc::new(world),
            Err(error) => return report.broken(&format!("{}: {error}", self.name)),
        };
        let well = match world.look().await {
            Ok(seen) => seen,
            Err(why) => return report.broken(&format!("{}: the valid answers: {why}", self.name)),
        };
        if let Err(why) = self.is_well(&well) {
            return report.broken(&format!("{}: the valid answers: {why}", self.name));
        }
        let mut failed_alone = false;
        for case in self.cases() {
            server.answer_with(&self.route, case.answer.clone());
            let found = match world.look().await {
                Ok(seen) => {
                    failed_alone |= seen.failed_alone(&self.victim);
                    self.judge(&case, &seen, &well)
                }
                Err(why) if self.may_fail_whole(&case, &why) => Ok(()),
                Err(why) => Err(why),
            };
            report.count();
            if let Err(why) = found {
                report.fail(&self.name, &self.victim, &case.name, &why);
            }
        }
        if !failed_alone {
            let why = "no case failed it and left the others as they are";
            report.fail(&self.name, &self.victim, "all cases", why);
        }
        report.contract(&self.name, &server);
        report
    }

    /// With valid answers every reading is complete, and the plan changes the victim and others.
    fn is_well(&self, seen: &Seen) -> Result<(), String> {
        if let Some((id, Err(why))) = seen.readings.iter().find(|(_, reading)| reading.is_err()) {
            return Err(format!("{id} could not be read: {why}"));
        }
        let changed = seen.changed();
        let agreement = seen.agreement_of(&self.victim);
        if changed.contains_key(&agreement) && changed.len() > 1 {
            Ok(())
        } else {
            Err(format!(
                "the plan must change {agreement} and others, and changes {:?}",
                changed.keys()
            ))
        }
    }

    /// Whether an answer that tells of all may have kept all from being read.
    fn may_fail_whole(&self, case: &Case, why: &str) -> bool {
        let must_be_read = matches!(case.expect, Expect::Reads | Expect::ReadsLike(_));
        self.shared && why.starts_with(FAILED_WHOLE) && !must_be_read
    }

    /// The others are read and planned as they are with a valid answer. Of a shared answer they may fail instead, and
    /// are not planned then.
    fn others_are_well(&self, seen: &Seen, well: &Seen) -> Result<(), String> {
        let (now, then) = (seen.changed(), well.changed());
        for (id, reading) in well.readings.iter().filter(|(id, _)| **id != self.victim) {
            let agreement = well.agreement_of(id);
            let found = seen.readings.get(id);
            let may_fail = self.shared && matches!(found, Some(Err(_)));
            if may_fail && now.contains_key(&agreement) {
                return Err(format!("the plan changes {id}, which was not observed"));
            }
            if !may_fail && found != Some(reading) {
                return Err(format!(
                    "the reading of {id} is not as it is with a valid answer: {found:?}"
                ));
            }
            if !may_fail && now.get(&agreement) != then.get(&agreement) {
                return Err(format!(
                    "the plan for {id} is not as it is with a valid answer"
                ));
            }
        }
        let unheard = |id: &&String| !well.readings.contains_key(*id);
        match seen.readings.keys().find(unheard) {
            Some(id) => Err(format!("{id} was read, and is not there")),
            None => Ok(()),
        }
    }

    fn judge(&self, case: &Case, seen: &Seen, well: &Seen) -> Result<(), String> {
        seen.texts_are_clean()?;
        self.others_are_well(seen, well)?;
        let agreement = well.agreement_of(&self.victim);
        let reading = seen.readings.get(&self.victim);
        if !matches!(reading, Some(Ok(_))) && seen.changed().contains_key(&agreement) {
            return Err("the plan changes what was not observed".to_owned());
        }
        match (&case.expect, reading) {
            (_, None) => Err("there is no reading of it, not even a failed one".to_owned()),
            (Expect::Fails(_), Some(Ok(read))) => Err(format!("it was read as {read}")),
            (Expect::Fails(record), Some(Err(why))) => {
                let named = |name: &String| why.contains(name.as_str());
                if record.is_empty() || record.iter().any(named) || why.contains(&self.victim) {
                    Ok(())
                } else {
                    Err(format!("the failure names none of {record:?}: {why}"))
                }
            }
            (Expect::Reads | Expect::ReadsLike(_), Some(Err(why))) => {
                Err(format!("it was refused: {why}"))
            }
            _ => Ok(()),
        }
    }
}

/// A source and a sink, one of them a stand-in, and a mapping between them.
struct World {
    source: Arc<dyn VendorSource>,
    sink: Arc<dyn PsaSink>,
    source_is_under_test: bool,
    mapping: Mapping,
    now: Timestamp,
}

/// What was read and planned.
struct Seen {
    source_is_under_test: bool,
    /// What was read, or why not, by account or agreement.
    readings: BTreeMap<String, std::result::Result<String, String>>,
    plan: Plan,
    texts: Vec<(&'static str, String)>,
    tables: Vec<String>,
}

impl World {
    async fn new(side: &Side, base: &str) -> Result<Self> {
        let now: Timestamp = "2026-03-11T12:00:00Z".parse()?;
        let (source, sink, product): (Arc<dyn VendorSource>, Arc<dyn PsaSink>, &str) = match side {
            Side::Source(connect) => {
                let source = connect(base)?;
                let mut names = Vec::new();
                let mut accounts = source.accounts();
                while let Some(account) = accounts.next().await {
                    names.push(account?.id.to_string());
                }
                drop(accounts);
                (source, Arc::new(StubSink::new(&names)), StubSink::PRODUCT)
            }
            Side::Sink(connect, product) => {
                let sink = connect(base)?;
                let filter = tallyline_core::sink::AgreementFilter::default();
                let mut names = Vec::new();
                let mut agreements = sink.agreements(&filter);
                while let Some(agreement) = agreements.next().await {
                    names.push(agreement?.id.to_string());
                }
                drop(agreements);
                (Arc::new(StubSource::new(&names, now)), sink, product)
            }
        };
        let lists = Flow::new(&*source, &*sink).lists().await?;
        Ok(Self {
            source,
            sink,
            source_is_under_test: matches!(side, Side::Source(_)),
            mapping: mapping(&lists, product),
            now,
        })
    }

    /// Reads both sides and plans, on a task of its own.
    async fn look(self: &Arc<Self>) -> Result<Seen, String> {
        let world = Arc::clone(self);
        let looking = async move { world.look_here().await };
        on_its_own(looking.boxed()).await?
    }

    async fn look_here(&self) -> Result<Seen, String> {
        let shown = |error: Error| match super::judge::words(&error).first() {
            Some(wrong) => wrong.clone(),
            None => format!("{FAILED_WHOLE}: {error}"),
        };
        let mut readings = BTreeMap::new();
        if self.source_is_under_test {
            let request = UsageRequest::new(self.now);
            let mut found = self.source.usage(&request);
            while let Some(reading) = found.next().await {
                let reading = reading.map_err(shown)?;
                readings.insert(reading.account.to_string(), outcome(&reading)?);
            }
        } else {
            let agreements: Vec<AgreementId> = targets(&self.mapping);
            let mut found = self.sink.lines(&agreements);
            while let Some(reading) = found.next().await {
                let reading = reading.map_err(shown)?;
                let read = match reading.lines() {
                    Some(lines) => Ok(format!("{lines:?}")),
                    None => Err(failure_of(&format!("{reading:?}"), &reading)?),
                };
                readings.insert(reading.agreement.to_string(), read);
            }
        }
        let flow = Flow::new(&*self.source, &*self.sink);
        let lists = flow.lists().await.map_err(shown)?;
        let plan = flow
            .plan(&lists, &self.mapping, &Policy::default(), self.now)
            .await
            .map_err(shown)?;
        let (texts, tables) = exports(&lists, &plan).map_err(shown)?;
        Ok(Seen {
            source_is_under_test: self.source_is_under_test,
            readings,
            plan,
            texts,
            tables,
        })
    }
}

fn failure_of(
    debug: &str,
    reading: &tallyline_core::model::AgreementReading,
) -> Result<String, String> {
    use tallyline_core::model::LinesOutcome;
    match &reading.outcome {
        LinesOutcome::Failed(failure) => clean(failure),
        LinesOutcome::Complete(_) => Err(format!("no lines in {debug}")),
    }
}

fn outcome(reading: &AccountReading) -> Result<std::result::Result<String, String>, String> {
    Ok(match &reading.outcome {
        ReadingOutcome::Complete(lines) => {
            // Costs come from a list of all accounts; what is compared is what was counted.
            let lines: Vec<String> = lines
                .iter()
                .map(|line| format!("{} {}", line.key, line.quantity))
                .collect();
            Ok(lines.join(", "))
        }
        ReadingOutcome::Failed(failure) => Err(clean(failure)?),
    })
}

fn clean(failure: &ReadFailure) -> Result<String, String> {
    if printable(&failure.message) == failure.message {
        Ok(failure.message.clone())
    } else {
        Err(format!(
            "the failure holds raw control or direction characters: {:?}",
            failure.message
        ))
    }
}

impl Seen {
    /// The changes by agreement, as text without the figures that hang on the plan as a whole.
    fn changed(&self) -> BTreeMap<String, Vec<String>> {
        let mut changed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for change in self.plan.changes() {
            changed
                .entry(change.agreement.to_string())
                .or_default()
                .push(change.action.to_string());
        }
        changed
    }

    /// Whether the victim failed, and no other.
    fn failed_alone(&self, victim: &str) -> bool {
        let mut failed = self.readings.iter().filter(|(_, reading)| reading.is_err());
        failed.next().is_some_and(|(id, _)| id == victim) && failed.next().is_none()
    }

    fn agreement_of(&self, victim: &str) -> String {
        if self.source_is_under_test {
            StubSink::agreement_of(victim)
        } else {
            victim.to_owned()
        }
    }

    /// What is written for people and terminals holds nothing that acts on them.
    fn texts_are_clean(&self) -> Result<(), String> {
        for (what, text) in &self.texts {
            if let Some(line) = text.lines().find(|line| !is_clean(line)) {
                return Err(format!(
                    "the {what} holds raw control or direction characters: {line:?}"
                ));
            }
        }
        for cell in &self.tables {
            if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                return Err(format!(
                    "a spreadsheet takes a cell of the CSV for a formula: {cell:?}"
                ));
            }
        }
        Ok(())
    }
}

/// As [`printable`], but for tabs, which are harmless inside a line.
fn is_clean(line: &str) -> bool {
    let line = line.replace('\t', " ");
    printable(&line) == line
}

type Exports = (Vec<(&'static str, String)>, Vec<String>);

/// Every file and text that names from outside come into; what can be read back is read back.
fn exports(lists: &Lists, plan: &Plan) -> Result<Exports> {
    let mut everything = mapping(lists, StubSink::PRODUCT);
    for account in &lists.accounts {
        let note = format!("is {}", account.name);
        everything.set_account_note(&account.id, &note)?;
    }
    let known = tallyline_core::mapping::Directory::new(
        &lists.accounts,
        &lists.services,
        &lists.companies,
        &lists.agreements,
        &lists.products,
    );
    let toml = everything.to_toml()?;
    let accounts = everything.accounts_csv(Some(&known))?;
    let services = everything.services_csv(Some(&known))?;
    let unexpected = |what: &str| {
        Error::new(
            tallyline_core::ErrorKind::Unexpected,
            format!("{what} does not read back as it was written"),
        )
    };
    if Mapping::from_toml(toml.as_bytes(), None)? != everything {
        return Err(unexpected("the mapping's TOML"));
    }
    let mut again = everything.clone();
    let summary = again.import_accounts_csv(accounts.as_bytes(), None)?;
    if summary.set + summary.cleared > 0 {
        return Err(unexpected("the mapping's CSV of accounts"));
    }
    let summary = again.import_services_csv(services.as_bytes(), None)?;
    if summary.set + summary.cleared > 0 {
        return Err(unexpected("the mapping's CSV of services"));
    }
    let text = plan.to_text()?;
    if Plan::from_text(&text)? != *plan {
        return Err(unexpected("the plan"));
    }
    let sentences: Vec<&str> = plan
        .notices()
        .iter()
        .map(|notice| notice.message.as_str())
        .chain(plan.changes().iter().map(|change| change.reason.as_str()))
        .collect();
    let cells = [accounts.as_str(), services.as_str()]
        .into_iter()
        .flat_map(cells)
        .collect();
    let texts = vec![
        ("mapping's TOML", toml),
        ("CSV of accounts", accounts),
        ("CSV of services", services),
        ("plan", text),
        ("plan's sentences", sentences.join("\n")),
    ];
    Ok((texts, cells))
}

/// The cells of a CSV text.
fn cells(text: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => cells.push(String::new()),
            c => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    cells
}

fn targets(mapping: &Mapping) -> Vec<AgreementId> {
    mapping
        .accounts()
        .filter_map(|(_, entry)| match entry {
            AccountEntry::Link(AccountLink {
                target: LineTarget::Agreement(agreement),
                ..
            }) => Some(agreement.clone()),
            _ => None,
        })
        .collect()
}

/// Every account onto the agreement that is named after it, every service onto one product.
fn mapping(lists: &Lists, product: &str) -> Mapping {
    let mut mapping = Mapping::new();
    for account in &lists.accounts {
        let wanted = [
            StubSink::agreement_of(account.id.as_str()),
            StubSource::agreement_of(account.id.as_str()),
        ];
        let found = lists
            .agreements
            .iter()
            .find(|agreement| wanted.iter().any(|id| *id == agreement.id.as_str()));
        let (company, agreement) = match found {
            Some(agreement) => (agreement.company.clone(), agreement.id.clone()),
            None => ("1".into(), "1".into()),
        };
        let link = AccountLink {
            company,
            target: LineTarget::Agreement(agreement),
            metadata_to: None,
            enabled: true,
            provenance: Provenance::Manual,
            note: None,
            tags: [].into(),
        };
        mapping.set_account(account.id.clone(), AccountEntry::Link(link));
    }
    for service in &lists.services {
        let link = ServiceLink::manual(
            vec![ProductRule::one_to_one(product)],
            ChargeKind::Recurring,
            BilledAs::Line,
        );
        mapping.set_service(service.key.clone(), ServiceEntry::Link(link));
    }
    mapping
}
