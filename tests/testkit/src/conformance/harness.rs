//! What the author of a connector gives the batteries: a simulator, clients on it, and what is known of both.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tallyline_core::model::{
    AgreementId, AgreementLine, AgreementLineId, CivilDate, CompanyId, Money, ProductId, Quantity,
    ServiceKey, Timestamp, VendorAccountId,
};
use tallyline_core::{Error, PsaSink, VendorSource};

use crate::faults::Match;
use crate::secrets::Secrets;
use crate::server::Simulator;

/// Where nobody listens: for [`Situation::Unreachable`].
pub const UNREACHABLE: &str = "http://127.0.0.1:1/";

/// What a system is to hold: accounts with their services, or companies with one agreement each and its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct World {
    /// The accounts or companies, in the order to be listed.
    pub accounts: Vec<WorldAccount>,
    /// Services or products that exist without being on an account.
    pub more_services: Vec<String>,
    /// What the MSP pays for a unit of a service and a whole cycle, all in one currency; what is not named may cost
    /// anything. Only sources that claim `unit_costs` are given any.
    pub unit_costs: BTreeMap<String, Money>,
    /// Services whose subscriptions are committed, each with the last day of the term; the others are not. Only
    /// sources that claim `commitments` are given any.
    pub committed: BTreeMap<String, CivilDate>,
}

/// An account of a [`World`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorldAccount {
    /// Its name, unique in the world.
    pub name: String,
    /// What it has: service and quantity. A service may come more than once on the vendor's side.
    pub items: Vec<(String, Quantity)>,
}

impl World {
    /// So many accounts, each with one service; names and quantities differ.
    pub fn of(accounts: usize) -> Self {
        let mut world = Self::default();
        let mut quantity = Quantity::from(3_u32);
        for number in 1..=accounts {
            world = world.with(&format!("Account {number:03} Ltd"), &[("MAIL-A", quantity)]);
            quantity = quantity.checked_add(2_u32.into()).unwrap_or(quantity);
        }
        world
    }

    /// Adds an account.
    #[must_use]
    pub fn with(mut self, name: &str, items: &[(&str, Quantity)]) -> Self {
        self.accounts.push(WorldAccount {
            name: name.to_owned(),
            items: items
                .iter()
                .map(|(service, quantity)| ((*service).to_owned(), *quantity))
                .collect(),
        });
        self
    }

    /// Adds a service that nobody has.
    #[must_use]
    pub fn with_service(mut self, service: &str) -> Self {
        self.more_services.push(service.to_owned());
        self
    }

    /// Says what a unit of a service costs the MSP.
    #[must_use]
    pub fn with_cost(mut self, service: &str, cost: Money) -> Self {
        self.unit_costs.insert(service.to_owned(), cost);
        self
    }

    /// Commits every subscription of a service up to a day.
    #[must_use]
    pub fn with_commitment(mut self, service: &str, last_day: CivilDate) -> Self {
        self.committed.insert(service.to_owned(), last_day);
        self
    }

    /// Every service of the world, once, in order.
    pub fn services(&self) -> Vec<String> {
        let items = self.accounts.iter().flat_map(|account| &account.items);
        let mut services: Vec<String> = items
            .map(|(service, _)| service.clone())
            .chain(self.more_services.iter().cloned())
            .collect();
        services.sort();
        services.dedup();
        services
    }
}

/// How the client stands to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// Everything is right.
    Good,
    /// The client's credentials are wrong.
    WrongCredentials,
    /// The credentials are right and lack a right that the client needs.
    MissingPermission,
    /// The client is pointed at [`UNREACHABLE`].
    Unreachable,
}

/// Something the batteries may ask for, or the reason why it does not exist. The reason stands in the report.
pub type Known<T> = Result<T, &'static str>;

/// The token calls of a system.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Which requests ask for a token.
    pub requests: Match,
    /// How many a client needs: one for each scope.
    pub per_client: usize,
}

/// A configuration that must be refused, and what came of it.
#[derive(Debug)]
pub struct BadConfig {
    /// The word by which the error must name what is wrong.
    pub names: &'static str,
    /// What building gave.
    pub error: Option<Error>,
}

/// What is known of a connector and its simulator. What it says is held to, as far as requests and answers show it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Profile {
    /// The short name, as in the descriptor.
    pub system: &'static str,
    /// What must never show: the credentials that the harness uses, each distinctive. What stands in `Authorization`
    /// and `Authenticate` headers is looked for anyway.
    pub secrets: Secrets,
    /// The requests that list accounts or companies.
    pub list: Match,
    /// The requests that read usage or lines, each kind for itself: every request of a reading is one of these, of
    /// [`list`](Self::list), of [`starts`](Self::starts) or a token call. Each kind is struck in turn. None of a
    /// sink that sets counts and is told none.
    pub details: Vec<Match>,
    /// Requests of a reading that start something at the vendor, such as the making of a report, and are therefore
    /// sent once, whatever comes back.
    pub starts: Vec<Match>,
    /// Records in a full page of that list; the harness sets a small one, from 4 to 20.
    pub page_size: Known<usize>,
    /// The token calls.
    pub tokens: Known<Tokens>,
    /// Requests that change nothing although they are a POST, such as one that starts a report.
    pub reads_by_post: Vec<Match>,
    /// How the system writes quantities: `Err` says why only whole numbers can come.
    pub decimals: Known<()>,
    /// Members of the answers that the vendor may leave out, null or blank without harm. Each must stand in an answer
    /// to the list or to a reading.
    pub optional_members: &'static [&'static str],
    /// Members of the answers that hold a word of an open list. Each must stand in an answer to the list or to a
    /// reading.
    pub open_enums: &'static [&'static str],
    /// How many random worlds each law of the model is tried on.
    pub worlds: u64,
    /// The present instant of the simulated world.
    pub now: Timestamp,
    /// Tests that cannot be run on it, each by its name and with the reason.
    pub skips: Vec<(&'static str, &'static str)>,
}

impl Profile {
    /// A system without pages, without tokens, with decimals, whose readings are of one kind of request, tried on 30
    /// random worlds, on noon of 15 March 2026.
    pub fn new(system: &'static str, secrets: Secrets, list: Match, details: Match) -> Self {
        Self {
            system,
            secrets,
            list,
            details: vec![details],
            starts: Vec::new(),
            page_size: Err("its lists are not paged"),
            tokens: Err("its credentials do not expire"),
            reads_by_post: Vec::new(),
            decimals: Ok(()),
            optional_members: &[],
            open_enums: &[],
            worlds: 30,
            now: Timestamp::from_second(1_773_576_000).unwrap_or_else(|_| Timestamp::now()),
            skips: Vec::new(),
        }
    }
}

/// A simulated vendor, as the batteries see it.
pub trait Vendor: Send + Sync {
    /// The server that it runs on: faults are programmed there, and requests are recorded.
    fn server(&self) -> &Simulator;

    /// Makes every token given out so far invalid. Does nothing where there are none.
    fn expire_tokens(&self) {}
}

/// A simulated PSA, as the batteries see it: past the client.
pub trait Psa: Vendor {
    /// The lines that an agreement truly has: what they bill and, where the sink may change them, their cost, their
    /// price and their last day.
    fn lines(&self, agreement: &AgreementId) -> Vec<AgreementLine>;

    /// Changes a line's quantity behind the client's back.
    fn edit_quantity(&self, line: &AgreementLineId, to: Quantity);

    /// Takes away what a person has mapped an agreement to, so that counts for it are not taken; says whether there
    /// was anything.
    fn unmap(&self, _agreement: &AgreementId) -> bool {
        false
    }
}

/// A source on a fresh simulator.
pub struct SourceUnderTest {
    /// The source.
    pub source: Box<dyn VendorSource>,
    /// The `Debug` output of the client and, where it has one, of its filled builder.
    pub shown: String,
    /// The simulator.
    pub vendor: Box<dyn Vendor>,
    /// The ids of the world's accounts, in its order.
    pub accounts: Vec<VendorAccountId>,
}

/// A sink on a fresh simulator.
pub struct SinkUnderTest {
    /// The sink.
    pub sink: Box<dyn PsaSink>,
    /// The `Debug` output of the sink, the client and, where it has one, of its filled builder.
    pub shown: String,
    /// The simulator.
    pub psa: Box<dyn Psa>,
    /// The ids of the world's companies, in its order.
    pub companies: Vec<CompanyId>,
    /// The id of each company's agreement.
    pub agreements: Vec<AgreementId>,
    /// The product of each service of the world.
    pub products: BTreeMap<String, ProductId>,
    /// A day on which changes may take effect.
    pub effective: CivilDate,
}

/// Which requests write.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Writes {
    /// They create a line.
    pub create: Match,
    /// They change one.
    pub update: Match,
    /// They create an agreement, where the sink claims that it can.
    pub agreement: Option<Match>,
    /// They create a product, where the sink claims that it can.
    pub product: Option<Match>,
    /// They write the note of an agreement, where the sink claims that it can.
    pub note: Option<Match>,
    /// They add a charge, where the sink claims that it can.
    pub charge: Option<Match>,
    /// They set a count, where the sink claims that it does.
    pub count: Option<Match>,
}

impl Writes {
    /// The writes of a sink that makes and changes lines.
    #[must_use]
    pub fn new(create: Match, update: Match) -> Self {
        Self {
            create,
            update,
            agreement: None,
            product: None,
            note: None,
            charge: None,
            count: None,
        }
    }
}

/// Puts sources on simulators for the batteries.
///
/// The clients retry at least once and at most nine times, with delays of a few milliseconds, and keep a `Retry-After`
/// of no more than an hour.
#[async_trait]
pub trait SourceHarness: Send + Sync {
    /// What is known of the connector and its simulator.
    fn profile(&self) -> Profile;

    /// Starts a simulator that holds a world, and a source on it.
    ///
    /// # Errors
    /// Why this situation cannot be made; the test is skipped with that reason. The good one can always be made: there
    /// the test fails.
    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SourceUnderTest, &'static str>;

    /// The key that the source gives a service of the world; its name where this is not overridden.
    fn service_key(&self, service: &str) -> ServiceKey {
        service.into()
    }

    /// Builds clients that must be refused: one for each required part left blank.
    fn bad_configs(&self) -> Vec<BadConfig>;

    /// Builds a client of `http://api.example.com`, which must be refused.
    fn plain_http(&self) -> Option<Error>;
}

/// Puts sinks on simulators for the batteries. What [`SourceHarness`] says of retries holds here.
#[async_trait]
pub trait SinkHarness: Send + Sync {
    /// What is known of the connector and its simulator.
    fn profile(&self) -> Profile;

    /// The requests that write.
    fn writes(&self) -> Writes;

    /// Starts a simulator that holds a world, and a sink on it.
    ///
    /// # Errors
    /// Why this situation cannot be made; the test is skipped with that reason. The good one can always be made: there
    /// the test fails.
    async fn start(
        &self,
        world: &World,
        situation: Situation,
    ) -> Result<SinkUnderTest, &'static str>;

    /// Builds clients that must be refused: one for each required part left blank.
    fn bad_configs(&self) -> Vec<BadConfig>;

    /// Builds a client of `http://api.example.com`, which must be refused.
    fn plain_http(&self) -> Option<Error>;
}

impl std::fmt::Debug for SourceUnderTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceUnderTest")
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SinkUnderTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkUnderTest")
            .field("agreements", &self.agreements)
            .finish_non_exhaustive()
    }
}
