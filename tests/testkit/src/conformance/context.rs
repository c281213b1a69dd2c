//! What a test of the batteries works with, and how the tests are run.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tallyline_core::model::{
    AccountReading, AgreementReading, ChargeKind, LinesOutcome, Quantity, ReadFailure,
    ReadingOutcome, ServiceKey,
};
use tallyline_core::source::{Identity, UsageRequest};
use tallyline_core::{Error, ErrorKind, Result};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use super::capture::Captured;
use super::config::OF_THE_HARNESS;
use super::harness::{
    BadConfig, Profile, SinkHarness, SinkUnderTest, Situation, SourceHarness, SourceUnderTest,
    World,
};
use super::report::{Group, TestOutcome, TestResult};
use crate::faults::{Fault, Match};
use crate::lock;
use crate::secrets::Secrets;
use crate::server::{RecordedRequest, Simulator};

/// Longer than any test takes: what is not done by then hangs.
const HANGS: Duration = Duration::from_secs(240);

/// Why a test did not pass.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(String),
    Skipped(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("unexpected error: {error}"))
    }
}

pub(super) type Outcome = std::result::Result<(), Stop>;

/// Fails the test when a condition does not hold.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::context::Stop::Failed(format!($($message)+)));
        }
    };
}
pub(super) use ensure;

/// One test.
pub(super) struct Test {
    pub(super) group: Group,
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    pub(super) run: for<'a> fn(&'a Ctx<'a>) -> BoxFuture<'a, Outcome>,
}

/// A list of the tests of a group: function and sentence.
macro_rules! tests {
    ($group:ident; $($name:ident: $sentence:literal,)+) => {
        pub(super) fn tests() -> Vec<$crate::conformance::context::Test> {
            vec![$($crate::conformance::context::Test {
                group: $crate::conformance::report::Group::$group,
                name: stringify!($name),
                sentence: $sentence,
                run: |ctx| Box::pin($name(ctx)),
            }),+]
        }
    };
}
pub(super) use tests;

/// Which side is examined.
#[derive(Clone, Copy)]
pub(super) enum Side<'h> {
    Source(&'h dyn SourceHarness),
    Sink(&'h dyn SinkHarness),
}

impl Side<'_> {
    pub(super) fn profile(&self) -> Profile {
        match self {
            Self::Source(harness) => harness.profile(),
            Self::Sink(harness) => harness.profile(),
        }
    }

    pub(super) fn bad_configs(&self) -> Vec<BadConfig> {
        match self {
            Self::Source(harness) => harness.bad_configs(),
            Self::Sink(harness) => harness.bad_configs(),
        }
    }

    pub(super) fn plain_http(&self) -> Option<Error> {
        match self {
            Self::Source(harness) => harness.plain_http(),
            Self::Sink(harness) => harness.plain_http(),
        }
    }
}

/// A connector on its simulator.
pub(super) enum Started {
    Source(SourceUnderTest),
    Sink(SinkUnderTest),
}

/// What was read of one account or agreement: service or product and quantity, sorted.
pub(super) type Items = std::result::Result<Vec<(String, Quantity)>, ReadFailure>;

/// What a test works with.
pub(super) struct Ctx<'h> {
    pub(super) side: Side<'h>,
    pub(super) profile: Profile,
    pub(super) log: Captured,
    /// Texts that an integrator could come to see: errors, plans, journals.
    notes: Mutex<String>,
    started: Mutex<Vec<Arc<Started>>>,
    /// The services of the worlds so far, by the keys that the source gives them.
    services: Mutex<BTreeMap<ServiceKey, String>>,
    /// Where secrets were found by the tests so far.
    leaks: &'h Mutex<Vec<String>>,
    /// The names of all tests of this run.
    pub(super) known: &'h [&'static str],
}

impl Ctx<'_> {
    /// The connector on a fresh simulator.
    pub(super) async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> std::result::Result<Arc<Started>, Stop> {
        for service in world.services() {
            lock(&self.services).insert(self.service_key(&service), service);
        }
        let started = match self.side {
            Side::Source(harness) => harness.start(world, situation).await.map(Started::Source),
            Side::Sink(harness) => harness.start(world, situation).await.map(Started::Sink),
        };
        let started = Arc::new(started.map_err(|reason| match situation {
            Situation::Good => Stop::Failed(format!("the harness starts nothing: {reason}")),
            _ => Stop::Skipped(reason.to_owned()),
        })?);
        lock(&self.started).push(Arc::clone(&started));
        Ok(started)
    }

    /// The key that the source gives a service of a world.
    pub(super) fn service_key(&self, service: &str) -> ServiceKey {
        match self.side {
            Side::Source(harness) => harness.service_key(service),
            Side::Sink(_) => service.into(),
        }
    }

    /// The connector on a simulator where everything is right.
    pub(super) async fn good(&self, world: &World) -> std::result::Result<Arc<Started>, Stop> {
        self.start(world, Situation::Good).await
    }

    /// Remembers a text to look for secrets in.
    pub(super) fn note(&self, text: &str) {
        let mut notes = lock(&self.notes);
        notes.push_str(text);
        notes.push('\n');
    }

    pub(super) fn noted<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.note(&format!("{error}\n{error:?}"));
        }
        result
    }

    /// Where secrets were found so far.
    pub(super) fn leaks(&self) -> Vec<String> {
        lock(self.leaks).clone()
    }

    pub(super) async fn check(&self, of: &Started) -> Result<Identity> {
        let identity = self.noted(match of {
            Started::Source(it) => it.source.check().await,
            Started::Sink(it) => it.sink.check().await,
        })?;
        self.note(&format!("{identity:?}"));
        Ok(identity)
    }

    /// The names of the first accounts or companies, or the first error.
    pub(super) async fn list_first(&self, of: &Started, count: usize) -> Result<Vec<String>> {
        let mut names = match of {
            Started::Source(it) => {
                let accounts = it.source.accounts();
                accounts
                    .map(|item| item.map(|account| account.name))
                    .boxed()
            }
            Started::Sink(it) => {
                let companies = it.sink.companies();
                companies
                    .map(|item| item.map(|company| company.name))
                    .boxed()
            }
        };
        let mut found = Vec::new();
        while found.len() < count
            && let Some(name) = names.next().await
        {
            found.push(self.noted(name)?);
        }
        self.note(&format!("{found:?}"));
        Ok(found)
    }

    /// The names of all accounts or companies, or the first error.
    pub(super) async fn list(&self, of: &Started) -> Result<Vec<String>> {
        self.list_first(of, usize::MAX).await
    }

    /// Every reading of a source, or the error that ends them.
    pub(super) async fn usage(&self, it: &SourceUnderTest) -> Result<Vec<AccountReading>> {
        let request = UsageRequest::new(self.profile.now);
        let mut readings = it.source.usage(&request);
        let mut read = Vec::new();
        while let Some(reading) = readings.next().await {
            let reading = self.noted(reading)?;
            self.note(&format!("{reading:?}"));
            read.push(reading);
        }
        Ok(read)
    }

    /// Account or agreement and what was read of it, in the order of arrival; the recurring lines alone.
    async fn read(&self, of: &Started) -> Result<Vec<(String, Items)>> {
        let mut read: Vec<(String, Items)> = Vec::new();
        match of {
            Started::Source(it) => {
                for reading in self.usage(it).await? {
                    let doubt = doubt(&reading);
                    let items = match (reading.outcome, doubt) {
                        (ReadingOutcome::Failed(failure), _) | (_, Some(failure)) => Err(failure),
                        (ReadingOutcome::Complete(lines), None) => Ok(lines
                            .into_iter()
                            .filter(|line| line.kind == ChargeKind::Recurring)
                            .map(|line| (self.service_of(&line.service), line.quantity))
                            .collect()),
                    };
                    read.push((reading.account.to_string(), items));
                }
            }
            Started::Sink(it) => {
                let mut readings = it.sink.lines(&it.agreements);
                while let Some(reading) = readings.next().await {
                    let reading = self.noted(reading)?;
                    self.note(&format!("{reading:?}"));
                    read.push((reading.agreement.to_string(), lines_of(it, reading)));
                }
            }
        }
        for (_, items) in &read {
            if let Err(failure) = items {
                self.note(&failure.message);
            }
        }
        Ok(read)
    }

    /// The usage or lines of every account or agreement of the world, in its order; the recurring lines alone.
    pub(super) async fn details(&self, of: &Started) -> std::result::Result<Vec<Items>, Stop> {
        let read = self.read(of).await?;
        told_as_claimed(of, &read)?;
        in_order(of, read)
    }

    /// The same where requests fail: what is complete must be as the world has it, whatever failed, and nothing may be
    /// left out. Gives how many were read whole; nothing when the reading ends in an error.
    pub(super) async fn whole_or_failed(
        &self,
        of: &Started,
        world: &World,
    ) -> std::result::Result<Option<usize>, Stop> {
        let Ok(read) = self.read(of).await else {
            return Ok(None);
        };
        let read = in_order(of, read)?;
        let (accounts, whole): (Vec<_>, Vec<_>) = world
            .accounts
            .iter()
            .cloned()
            .zip(read)
            .filter(|(_, items)| items.is_ok())
            .unzip();
        let of_whole = World {
            accounts,
            ..World::default()
        };
        ensure_read(&of_whole, &whole)?;
        Ok(Some(whole.len()))
    }

    /// The service of a world by its key; the key itself where no world has it.
    pub(super) fn service_of(&self, key: &ServiceKey) -> String {
        let services = lock(&self.services);
        services
            .get(key)
            .map_or_else(|| key.to_string(), String::clone)
    }

    /// Makes the requests that match go wrong.
    pub(super) fn strike(&self, of: &Started, on: Match, fault: Fault) {
        of.server().faults().on(on, fault);
    }

    /// Makes every kind of request of a reading go wrong that [`Profile::details`] names.
    pub(super) fn strike_details(&self, of: &Started, fault: impl Fn() -> Fault) {
        for kind in &self.profile.details {
            self.strike(of, kind.clone(), fault());
        }
    }

    /// Secrets of the profile, and what the simulators saw as credentials.
    fn secrets(&self) -> Secrets {
        let mut secrets = self.profile.secrets.clone();
        for started in lock(&self.started).iter() {
            for request in started.server().requests() {
                let values = ["authorization", "authenticate"].map(|name| request.header(name));
                let values = values.into_iter().flatten();
                secrets = secrets.with_seen(values.filter_map(|value| value.rsplit(' ').next()));
            }
        }
        secrets
    }

    /// Fails when a secret of the profile shows in a text, in any form.
    pub(super) fn ensure_hidden(&self, text: &str) -> Outcome {
        match self.profile.secrets.shown_in(text) {
            Some(line) => Err(Stop::Failed(format!("a secret shows in {line}"))),
            None => Ok(()),
        }
    }
}

/// Why nothing may be concluded from a reading about what recurs, where it says so itself.
fn doubt(reading: &AccountReading) -> Option<ReadFailure> {
    let unread = reading.unread_kinds.contains(&ChargeKind::Recurring);
    let words = || format!("it says itself that it is not whole: {reading:?}");
    (unread || !reading.unobserved.is_empty())
        .then(|| ReadFailure::new(ErrorKind::Protocol, words()))
}

/// A sink that sets counts reads none back and says so; whatever else is read, nothing of it is untold.
fn told_as_claimed(of: &Started, read: &[(String, Items)]) -> Outcome {
    let counts = of.sets_counts();
    let untold = read.iter().filter(|(_, items)| is_untold(items)).count();
    let wanted = if counts { read.len() } else { 0 };
    ensure!(
        untold == wanted,
        "set_count is {counts}, and it is read as {read:?}"
    );
    Ok(())
}

/// Whether the system does not tell what was asked for.
fn is_untold(items: &Items) -> bool {
    matches!(items, Err(failure) if failure.kind == ErrorKind::Unsupported)
}

fn lines_of(it: &SinkUnderTest, reading: AgreementReading) -> Items {
    let service_of = |product: &str| {
        let found = it.products.iter().find(|(_, id)| id.as_str() == product);
        found.map_or_else(|| product.to_owned(), |(service, _)| service.clone())
    };
    match reading.outcome {
        LinesOutcome::Failed(failure) => Err(failure),
        LinesOutcome::Complete(lines) => Ok(lines
            .into_iter()
            .map(|line| (service_of(line.product.as_str()), line.state.quantity))
            .collect()),
    }
}

/// Sorts readings into the order of the world; each must be there once.
fn in_order(of: &Started, mut read: Vec<(String, Items)>) -> std::result::Result<Vec<Items>, Stop> {
    let mut ordered = Vec::new();
    for id in of.holders() {
        let at = read.iter().position(|(holder, _)| *holder == id);
        let Some(at) = at else {
            return Err(Stop::Failed(format!("there is no reading of {id}")));
        };
        let (_, mut items) = read.swap_remove(at);
        if let Ok(items) = &mut items {
            items.sort();
        }
        ordered.push(items);
    }
    match read.first() {
        None => Ok(ordered),
        Some((id, _)) => Err(Stop::Failed(format!(
            "{id} was read, and is not there or was read already"
        ))),
    }
}

impl Started {
    pub(super) fn server(&self) -> &Simulator {
        match self {
            Self::Source(it) => it.vendor.server(),
            Self::Sink(it) => it.psa.server(),
        }
    }

    pub(super) fn expire_tokens(&self) {
        match self {
            Self::Source(it) => it.vendor.expire_tokens(),
            Self::Sink(it) => it.psa.expire_tokens(),
        }
    }

    /// Whether it is a sink that sets counts, and is told none.
    pub(super) fn sets_counts(&self) -> bool {
        match self {
            Self::Source(_) => false,
            Self::Sink(it) => it.sink.descriptor().capabilities.set_count,
        }
    }

    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Source(it) => &it.shown,
            Self::Sink(it) => &it.shown,
        }
    }

    /// The ids of accounts or agreements, in the order of the world.
    fn holders(&self) -> Vec<String> {
        match self {
            Self::Source(it) => it.accounts.iter().map(ToString::to_string).collect(),
            Self::Sink(it) => it.agreements.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn sink(&self) -> std::result::Result<&SinkUnderTest, Stop> {
        match self {
            Self::Sink(it) => Ok(it),
            Self::Source(_) => Err(Stop::Failed("this test is for sinks".to_owned())),
        }
    }

    /// How many requests match.
    pub(super) fn count(&self, on: &Match) -> usize {
        let requests = self.server().requests();
        requests
            .iter()
            .filter(|request| matches(on, request))
            .count()
    }
}

/// Whether a request is one of those that a fault would strike.
pub(super) fn matches(on: &Match, request: &RecordedRequest) -> bool {
    on.matches(
        &request.method,
        &request.path,
        &request.query,
        &request.body,
    )
}

/// What the world says the details are.
pub(super) fn expected(world: &World) -> Vec<Vec<(String, Quantity)>> {
    let sorted = |items: &Vec<(String, Quantity)>| {
        let mut items = items.clone();
        items.sort();
        items
    };
    world
        .accounts
        .iter()
        .map(|account| sorted(&account.items))
        .collect()
}

/// Fails unless everything was read as the world has it.
pub(super) fn ensure_read(world: &World, read: &[Items]) -> Outcome {
    for ((account, wanted), read) in world.accounts.iter().zip(expected(world)).zip(read) {
        match read {
            Ok(items) => ensure!(
                *items == wanted,
                "{} has {wanted:?} and was read as {items:?}",
                account.name
            ),
            // That the sink claims to be told nothing is seen to where it is read.
            items if is_untold(items) => {}
            Err(failure) => {
                ensure!(
                    false,
                    "{} could not be read: {}",
                    account.name,
                    failure.message
                )
            }
        }
    }
    Ok(())
}

/// Runs tests one after the other.
pub(super) async fn run(side: Side<'_>, tests: Vec<Test>) -> Vec<TestResult> {
    let leaks = Mutex::new(Vec::new());
    let known: Vec<&'static str> = tests.iter().map(|test| test.name).collect();
    let mut results = Vec::new();
    for test in tests {
        let ctx = Ctx {
            side,
            profile: side.profile(),
            log: Captured::default(),
            notes: Mutex::default(),
            started: Mutex::default(),
            services: Mutex::default(),
            leaks: &leaks,
            known: &known,
        };
        let skips = ctx.profile.skips.iter();
        let skip = skips
            .filter(|_| test.name != OF_THE_HARNESS)
            .find(|(name, _)| *name == test.name);
        let outcome = match skip {
            Some((_, reason)) => TestOutcome::Skipped((*reason).to_owned()),
            None => one(&ctx, &test).await,
        };
        results.push(TestResult {
            group: test.group,
            name: test.name,
            sentence: test.sentence,
            outcome,
        });
    }
    results
}

async fn one(ctx: &Ctx<'_>, test: &Test) -> TestOutcome {
    let work = AssertUnwindSafe((test.run)(ctx)).catch_unwind();
    let ended = tokio::time::timeout(HANGS, work)
        .instrument(tracing::Span::none())
        .with_subscriber(ctx.log.dispatch())
        .await;
    let mut outcome = match ended {
        Err(_) => TestOutcome::Failed("it hangs".to_owned()),
        Ok(Err(panic)) => {
            let words = words(&*panic);
            ctx.note(&words);
            TestOutcome::Failed(format!("it panicked: {}", ctx.secrets().masked(&words)))
        }
        Ok(Ok(Ok(()))) => TestOutcome::Passed,
        Ok(Ok(Err(Stop::Failed(detail)))) => TestOutcome::Failed(detail),
        Ok(Ok(Err(Stop::Skipped(reason)))) => TestOutcome::Skipped(reason),
    };
    look_for_leaks(ctx, test);
    // A simulator that saw its vendor's document broken says so when it is dropped.
    let started = std::mem::take(&mut *lock(&ctx.started));
    let dropped = std::panic::catch_unwind(AssertUnwindSafe(|| drop(started)));
    if let Err(panic) = dropped
        && outcome == TestOutcome::Passed
    {
        outcome = TestOutcome::Failed(words(&*panic));
    }
    outcome
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}

fn look_for_leaks(ctx: &Ctx<'_>, test: &Test) {
    let places = [
        ("a log line or span", ctx.log.text()),
        ("an error, plan, journal or panic", lock(&ctx.notes).clone()),
    ];
    let secrets = ctx.secrets();
    for (place, text) in &places {
        if let Some(line) = secrets.shown_in(text) {
            lock(ctx.leaks).push(format!("in {place} during `{}`: {line}", test.name));
        }
    }
}
