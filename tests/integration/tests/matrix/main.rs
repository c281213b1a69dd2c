//! Every source beside every sink, over real HTTP: the smallest world in which the whole path can be walked.
//!
//! Two clients with two services each, of the same names on both sides. The first plan bills all that is used, the
//! second nothing, and when the vendor counts more of one service, one quantity follows. The five pairs that providers
//! run are walked as they run them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod psas;
#[path = "../common/runs.rs"]
mod runs;
mod vendors;

use rust_decimal::Decimal;
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, MatchOptions, ProductRule,
    ServiceEntry, ServiceLink, auto_link_accounts, auto_link_services,
};
use tallyline_core::model::{ChargeKind, Quantity, Timestamp};
use tallyline_core::plan::{Change, IncreaseLimit, Plan, Policy};
use tallyline_core::store::Journal as _;

use psas::Psa;
use runs::Runs;
use vendors::Vendor;

/// The clients of the provider, by name.
pub(crate) const CLIENTS: [&str; 2] = ["Birch Harbor Dental", "Cedar Legal"];

/// The present instant of a simulator.
pub(crate) fn instant(clock: &tallyline_testkit::clock::Clock) -> Timestamp {
    clock.now().to_string().parse().unwrap()
}

/// How accounts and services are linked.
#[derive(Clone, Copy)]
enum Links {
    /// By a person, each account to an agreement.
    ToAgreement,
    /// By a person, each subscription to an agreement of its own.
    PerService,
    /// By a person, each service to a child agreement under an agreement.
    Bundled,
    /// By names that are the same, character for character, and unique.
    ByExactNames,
}

/// A vendor, a PSA with what the vendor offers in its catalogue, and all that links the two.
struct World {
    vendor: Vendor,
    psa: Psa,
    mapping: Mapping,
    runs: Runs,
}

impl World {
    async fn of(vendor: &str, psa: &str, links: Links) -> Self {
        let vendor = Vendor::start(vendor).await;
        let psa = Psa::start(psa, vendor.source.as_ref(), &vendor.clock).await;
        let lists = Flow::new(vendor.source.as_ref(), psa.sink.as_ref())
            .lists()
            .await
            .unwrap();
        assert!(lists.problems.is_empty(), "{:?}", lists.problems);
        Self {
            mapping: links.between(&lists),
            vendor,
            psa,
            runs: Runs::default(),
        }
    }

    async fn plan(&self) -> Plan {
        let (source, sink) = (self.vendor.source.as_ref(), self.psa.sink.as_ref());
        let systems = (source.descriptor().system, sink.descriptor().system);
        let ledger = self.runs.store.ledger(systems.0, systems.1).await.unwrap();
        let flow = Flow::new(source, sink).with_ledger(&ledger);
        let lists = flow.lists().await.unwrap();
        // Two clients that double are no reason to stop.
        let policy = Policy {
            increase_limit: IncreaseLimit {
                percent: 100.into(),
                lines: u64::MAX,
            },
            ..Policy::default()
        };
        let now = instant(&self.vendor.clock);
        flow.plan(&lists, &self.mapping, &policy, now)
            .await
            .unwrap()
    }

    /// Carries out a plan, of which nothing may be blocked, and all must be done.
    async fn apply(&self, plan: &Plan) {
        let now = instant(&self.vendor.clock);
        let source = self.vendor.source.descriptor().system;
        let sink = self.psa.sink.as_ref();
        let report = self.runs.apply(source, sink, plan, now).await;
        assert!(report.is_all_done(), "{} {report}", self.names());
        assert_eq!(report.totals.done, plan.changes().len(), "{}", self.names());
    }

    fn names(&self) -> String {
        format!(
            "{} to {}",
            self.vendor.source.descriptor().name,
            self.psa.sink.descriptor().name
        )
    }

    /// Whether the system bills these counts for each client and service, and nothing else.
    fn holds(&self, counts: [[i64; 2]; 2]) {
        let wanted: psas::Held = CLIENTS
            .into_iter()
            .zip(counts)
            .map(|(client, mut counts)| {
                counts.sort_unstable();
                (client.to_owned(), counts.map(Decimal::from).to_vec())
            })
            .collect();
        assert_eq!(self.psa.held(), wanted, "{}", self.names());
    }

    /// Bills all that is used, then nothing more, then what the vendor counts more. Gives how many agreements were
    /// made for it.
    async fn walk(&self) -> usize {
        self.vendor.source.check().await.unwrap();
        self.psa.sink.check().await.unwrap();
        let first = self.plan().await;
        let made = |change: &&Change| change.action.makes_record();
        let made = first.changes().iter().filter(made).count();
        assert_eq!(
            first.changes().len() - made,
            4,
            "{} {first:?}",
            self.names()
        );
        self.apply(&first).await;
        self.holds(vendors::COUNTS);

        let second = self.plan().await;
        assert!(second.changes().is_empty(), "{} {second:?}", self.names());

        self.vendor.go_on();
        self.psa.clock.set(self.vendor.clock.now());
        let third = self.plan().await;
        let [change] = third.changes() else {
            panic!("{} {:?}", self.names(), third.changes());
        };
        let (from, to) = change.action.quantities().unwrap();
        let counts = [vendors::COUNTS[0][0], vendors::MORE];
        let counts = counts.map(|count| Quantity::new(count.into()));
        assert_eq!([from, to], counts, "{} {change:?}", self.names());
        self.apply(&third).await;
        let mut more = vendors::COUNTS;
        more[0][0] = vendors::MORE;
        self.holds(more);
        let last = self.plan().await;
        assert!(last.changes().is_empty(), "{} {last:?}", self.names());
        made
    }
}

impl Links {
    fn between(self, lists: &Lists) -> Mapping {
        let mut mapping = Mapping::new();
        if let Self::ByExactNames = self {
            let agreements = &lists.agreements;
            auto_link_accounts(&mut mapping, &lists.accounts, &lists.companies, agreements);
            let options = MatchOptions::default();
            auto_link_services(&mut mapping, &lists.services, &lists.products, &options);
            return mapping;
        }
        for account in &lists.accounts {
            let mut companies = lists.companies.iter();
            let company = companies.find(|company| company.name == account.name);
            let company = &company.unwrap().id;
            let mut agreements = lists.agreements.iter();
            let agreement = agreements.find(|agreement| agreement.company == *company);
            let chosen = agreement.unwrap().id.clone();
            let target = match self {
                Self::PerService => LineTarget::PerService,
                Self::Bundled => LineTarget::Bundled { master: chosen },
                Self::ToAgreement | Self::ByExactNames => LineTarget::Agreement(chosen),
            };
            let link = AccountLink::manual(company.clone(), target);
            mapping.set_account(account.id.clone(), AccountEntry::Link(link));
        }
        for service in &lists.services {
            let mut products = lists.products.iter();
            let product = products.find(|product| product.name == service.name);
            let rules = vec![ProductRule::one_to_one(product.unwrap().id.clone())];
            let link = ServiceLink::manual(rules, ChargeKind::Recurring, BilledAs::Line);
            mapping.set_service(service.key.clone(), ServiceEntry::Link(link));
        }
        mapping
    }
}

#[tokio::test]
async fn every_source_feeds_every_sink() {
    for vendor in vendors::NAMES {
        for psa in psas::NAMES {
            let world = World::of(vendor, psa, Links::ToAgreement).await;
            world.walk().await;
        }
    }
}

/// D&H and Ingram Micro by the mapping rules of Gradient, HyAlto as bundled agreements in ConnectWise PSA, Cloudmore as a
/// contract for each subscription in Autotask, and Sherweb onto the agreements of ConnectWise PSA.
#[tokio::test]
async fn the_five_pairs_that_providers_run_are_walked_as_they_run_them() {
    for (vendor, psa, links, records) in [
        ("dandh", "gradient", Links::ByExactNames, 0),
        ("ingram", "gradient", Links::ByExactNames, 0),
        ("hyalto", "connectwise", Links::Bundled, 2),
        ("cloudmore", "autotask", Links::PerService, 4),
        ("sherweb", "connectwise", Links::ToAgreement, 0),
    ] {
        let world = World::of(vendor, psa, links).await;
        let made = world.walk().await;
        assert_eq!(made, records, "{}", world.names());
    }
}
