//! The other direction end to end: Autotask's companies as Cloudmore's organizations.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use tallyline_autotask::{AutotaskClient, AutotaskSink};
use tallyline_cloudmore::{CloudmoreAccounts, CloudmoreClient, CloudmoreSource};
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Outcome};
use tallyline_core::clock::Clock;
use tallyline_core::flow::accounts_plan;
use tallyline_core::http::RetryPolicy;
use tallyline_core::mapping::{AccountEntry, Mapping, auto_link_accounts_per_service};
use tallyline_core::model::{CompanyId, Timestamp, VendorAccount};
use tallyline_core::plan::{Change, Plan, Policy};
use tallyline_core::reconcile::Kind;
use tallyline_core::store::{Journal as _, MemoryStore};
use tallyline_core::{PsaSink as _, VendorSource as _};
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState};
use tallyline_testkit::effects::{Effect, EffectKind};
use tallyline_testkit::faults::{Fault, Match};

const PROPERTY: &str = "AutotaskCompanyID";
const NOW: &str = "2026-03-15T12:00:00Z";

/// A clock that jumps over each wait.
struct Jumping(Mutex<Timestamp>);

impl Jumping {
    fn later(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(by);
    }
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.later(duration);
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// Both systems and clients on them.
struct World {
    vendor: CloudmoreSimulator,
    psa: AutotaskSimulator,
    source: CloudmoreSource,
    sink: AutotaskSink,
    accounts: CloudmoreAccounts,
    journal: MemoryStore,
    clock: Jumping,
}

/// The ids of the companies that are added, in their order.
type Companies = Vec<String>;

impl World {
    /// Companies of these names, and what the vendor has of them.
    async fn start(
        names: &[&str],
        fill: impl FnOnce(&mut CloudmoreState, &Companies),
    ) -> (Self, Companies) {
        let mut psa = AutotaskState::new();
        // The provider's own company is no part of this.
        psa.records.entry(Entity::Companies).or_default().clear();
        let companies: Companies = names
            .iter()
            .map(|name| psa.add_company(name).to_string())
            .collect();
        let mut vendor = CloudmoreState::new();
        vendor.properties = vec![PROPERTY.to_owned(), "Region".to_owned()];
        fill(&mut vendor, &companies);
        let credentials = vendor.credentials.clone();
        let reseller = vendor.reseller_id.clone();
        let vendor = CloudmoreSimulator::start(vendor).await.unwrap();
        let retry = RetryPolicy {
            min_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        };
        let client = CloudmoreClient::builder()
            .base_url(vendor.base_url().as_str())
            .username(credentials.username)
            .password(credentials.password.into())
            .client_secret(credentials.client_secret.into())
            .reseller_id(reseller)
            .retry(retry.clone())
            .build()
            .unwrap();
        let source = CloudmoreSource::builder().client(client).build().unwrap();
        let credentials = psa.credentials.clone();
        let psa = AutotaskSimulator::start(psa).await.unwrap();
        let client = AutotaskClient::builder()
            .lookup_url(format!("{}ATServicesRest", psa.base_url()))
            .user_name(credentials.user)
            .integration_code(credentials.integration_code)
            .secret(credentials.secret)
            .retry(retry)
            .build()
            .unwrap();
        let world = Self {
            accounts: CloudmoreAccounts::of(&source).unwrap(),
            sink: AutotaskSink::builder().client(client).build(),
            vendor,
            psa,
            source,
            journal: MemoryStore::new(),
            clock: Jumping(Mutex::new(NOW.parse().unwrap())),
        };
        (world, companies)
    }

    async fn plan(&self) -> Plan {
        let (none, policy) = (BTreeSet::new(), Policy::default());
        let vendor = self.accounts.descriptor();
        let now = self.clock.now();
        let plan = accounts_plan(&self.sink, &self.source, vendor, &none, &policy, now)
            .await
            .unwrap();
        // What is carried out is what was kept and read again.
        Plan::from_text(&plan.to_text().unwrap()).unwrap()
    }

    async fn apply(&self, plan: &Plan) -> ApplyReport {
        self.clock.later(Duration::from_secs(1));
        let now = self.clock.now();
        let text = plan.to_text().unwrap();
        let approval = Approval::of_plan(plan.id().clone(), "dana@msp.example", now);
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: &plan.content().source,
            changes: plan.changes(),
            approval: &approval,
        };
        Applier::new(&self.accounts, &self.journal, &self.clock)
            .apply(&request, &ApplyOptions::new())
            .await
            .unwrap()
    }

    async fn known_accounts(&self) -> Vec<VendorAccount> {
        self.source.accounts().try_collect().await.unwrap()
    }

    /// What the vendor did to organizations, in order.
    fn effects(&self) -> Vec<Effect> {
        let mut effects = self.vendor.effects();
        effects.retain(|effect| effect.entity == "Organization");
        effects
    }

    fn writes(&self) -> usize {
        let requests = self.vendor.requests();
        let writes = |method: &str, path: &str| {
            method != "GET" && path.to_ascii_lowercase().contains("/organizations")
        };
        requests
            .iter()
            .filter(|request| writes(&request.method, &request.path))
            .count()
    }

    /// The organizations of a name, each with the company it states.
    fn organizations(&self, name: &str) -> Vec<Option<String>> {
        let state = self.vendor.state();
        let named = state.organizations.values().filter(|own| own.name == name);
        named
            .map(|own| own.properties.get(PROPERTY).cloned())
            .collect()
    }
}

fn ready(plan: &Plan) -> Vec<&Change> {
    let changes = plan.changes().iter();
    changes.filter(|change| !change.is_blocked()).collect()
}

#[tokio::test]
async fn companies_become_organizations_once_and_are_then_linked_by_the_property_alone() {
    let names = [
        "Fern Clinic",
        "Oak Legal",
        "Birch Gym",
        "Twin",
        "Twin",
        "Elm Bakery",
    ];
    let (world, companies) = World::start(&names, |state, companies| {
        let fern = state.add_organization("Fern Clinic");
        state.set_property(&fern, "Region", "North");
        let texts = &mut state.organizations.get_mut(&fern).unwrap().texts;
        texts.insert("customerNumber".into(), "C-17".into());
        let renamed = state.add_organization("Birch Fitness");
        state.set_property(&renamed, PROPERTY, &companies[2]);
        let taken = state.add_organization("Elm Bakery");
        state.set_property(&taken, PROPERTY, "99");
    })
    .await;
    let before = world.vendor.state();
    let plan = world.plan().await;
    let ready = ready(&plan);
    assert_eq!(ready.len(), 2, "{:?}", plan.changes());
    assert_eq!(
        plan.summary().blocked,
        3,
        "the twins, and the one that is taken"
    );
    assert_eq!(plan.content().found[&Kind::NoChange], 1);
    assert_eq!(world.writes(), 0);

    let report = world.apply(&plan).await;
    assert_eq!(
        (report.totals.done, report.totals.blocked),
        (2, 3),
        "{report}"
    );
    let effects = world.effects();
    let kinds: Vec<EffectKind> = effects.iter().map(|effect| effect.kind).collect();
    assert_eq!(kinds, [EffectKind::Updated, EffectKind::Created]);
    assert_eq!(
        world.organizations("Oak Legal"),
        [Some(companies[1].clone())]
    );

    // What was there is as it was, but for the property of the one.
    let mut after = world.vendor.state();
    after
        .organizations
        .retain(|id, _| before.organizations.contains_key(id));
    let fern = after
        .organizations
        .values_mut()
        .find(|own| own.name == "Fern Clinic");
    let stated = fern.unwrap().properties.remove(PROPERTY);
    assert_eq!(stated.as_ref(), Some(&companies[0]));
    assert_eq!(after.organizations, before.organizations);

    // Again: by a new plan, and by the old one in a run that knows nothing of the first.
    let second = world.plan().await;
    assert!(self::ready(&second).is_empty(), "{:?}", second.changes());
    assert_eq!(second.content().found[&Kind::NoChange], 3);
    let writes = world.writes();
    let report = world.apply(&plan).await;
    assert_eq!(
        (report.totals.done, report.totals.recovered),
        (2, 2),
        "{report}"
    );
    assert_eq!(world.writes(), writes, "nothing was sent");

    // The source now links each account by the property, whatever its name.
    let accounts = world.known_accounts().await;
    let listed: Vec<_> = world.sink.companies().try_collect().await.unwrap();
    let mut mapping = Mapping::new();
    let linked = auto_link_accounts_per_service(&mut mapping, &accounts, &listed);
    assert_eq!(linked.linked.len(), 3, "{linked:?}");
    let companies_of: BTreeSet<(String, CompanyId)> = mapping
        .accounts()
        .filter_map(|(id, entry)| match entry {
            AccountEntry::Link(link) => {
                let account = accounts.iter().find(|account| account.id == *id).unwrap();
                Some((account.name.clone(), link.company.clone()))
            }
            AccountEntry::Exclude(_) => None,
        })
        .collect();
    let wanted = [
        ("Birch Fitness", &companies[2]),
        ("Fern Clinic", &companies[0]),
        ("Oak Legal", &companies[1]),
    ];
    let wanted = wanted.map(|(name, id)| (name.to_owned(), CompanyId::new(id.as_str())));
    assert_eq!(companies_of, BTreeSet::from(wanted));
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_back_and_nothing_is_made_twice() {
    let (world, companies) = World::start(&["Fern", "Oak"], |state, _| {
        state.add_organization("Fern");
    })
    .await;
    let plan = world.plan().await;
    let faults = world.vendor.faults();
    faults.on(Match::post("/Organizations").once(), Fault::lose_answer());
    faults.on(Match::patch("/Organizations").once(), Fault::lose_answer());
    let report = world.apply(&plan).await;
    assert_eq!(
        (report.totals.done, report.totals.recovered),
        (2, 2),
        "{report}"
    );
    assert_eq!((world.effects().len(), world.writes()), (2, 2));
    assert_eq!(world.organizations("Oak"), [Some(companies[1].clone())]);
    assert!(ready(&world.plan().await).is_empty());
}

#[tokio::test]
async fn a_request_that_was_lost_stays_open_and_is_sent_again_by_the_resume_once_it_cannot_arrive()
{
    let (world, companies) = World::start(&["Oak"], |state, _| {
        state.add_organization("Fern");
    })
    .await;
    let plan = world.plan().await;
    let create = Match::post("/Organizations");
    world
        .vendor
        .faults()
        .on(create.once(), Fault::drop_connection());
    let report = world.apply(&plan).await;
    assert_eq!(report.totals.unsettled, 1, "{report}");
    let applier = Applier::new(&world.accounts, &world.journal, &world.clock);
    world.clock.later(Duration::from_secs(3_600));
    let report = applier
        .resume(&report.run, &ApplyOptions::new())
        .await
        .unwrap();
    assert!(report.is_all_done(), "{report}");
    assert_eq!(world.organizations("Oak"), [Some(companies[0].clone())]);
    assert_eq!(world.effects().len(), 1);
    let runs = world.journal.runs(5).await.unwrap();
    assert_eq!((runs.len(), runs[0].sink.as_str()), (1, "cloudmore"));
}

#[tokio::test]
async fn what_a_person_did_since_the_plan_is_left_alone() {
    let names = ["Fern", "Oak", "Elm", "Yew"];
    let (world, companies) = World::start(&names, |state, _| {
        state.add_organization("Fern");
        state.add_organization("Yew");
    })
    .await;
    let plan = world.plan().await;
    assert_eq!(ready(&plan).len(), 4);
    world.vendor.with_state(|state| {
        let id_of = |state: &CloudmoreState, name: &str| {
            let mut all = state.organizations.values();
            all.find(|own| own.name == name).unwrap().id.clone()
        };
        // Linked to another; made by hand, without and with the id; renamed.
        let fern = id_of(state, "Fern");
        state.set_property(&fern, PROPERTY, "98");
        state.add_organization("Oak");
        let elm = state.add_organization("Elm and Sons");
        state.set_property(&elm, PROPERTY, &companies[2]);
        let yew = id_of(state, "Yew");
        state.organizations.get_mut(&yew).unwrap().name = "Yew Ltd".to_owned();
    });
    let before = world.vendor.state().organizations;
    let report = world.apply(&plan).await;
    assert!(
        report
            .changes
            .iter()
            .all(|change| change.outcome == Outcome::Drifted),
        "{report}"
    );
    assert_eq!(world.writes(), 0);
    assert_eq!(world.vendor.state().organizations, before);
}

#[tokio::test]
async fn without_the_custom_property_the_check_says_so_and_a_creation_is_refused_whole() {
    let (world, _) = World::start(&["Oak"], |state, _| {
        state.add_organization("Fern");
    })
    .await;
    let plan = world.plan().await;
    world.vendor.with_state(|state| state.properties.clear());
    let error = world.accounts.check().await.unwrap_err();
    assert!(error.to_string().contains(PROPERTY), "{error}");
    let report = world.apply(&plan).await;
    assert_eq!(report.totals.failed, 1, "{report}");
    assert!(world.effects().is_empty());
    assert!(world.psa.effects().is_empty());
}
