//! A provider's whole world: both simulators filled with one book, and real clients on them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use secrecy::SecretString;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, NoteField};
use tallyline_core::PsaSink;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::SystemClock;
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, Exclusion, LineTarget, Mapping, ProductRule, Provenance,
    Ratio, Rounding, ServiceEntry, ServiceLink,
};
use tallyline_core::model::{AgreementId, ChargeKind, Quantity, Timestamp};
use tallyline_core::plan::{Change, Plan, Policy, VendorMissing};
use tallyline_core::reconcile::Kind;
use tallyline_core::store::Journal;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::book::{
    AccountMatch, Book, BookCase, BookOptions, ExpectedMapping, ServiceRule,
};
use tallyline_testkit::connectwise::ConnectWiseSimulator;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::sherweb::SherwebSimulator;

/// Everything the simulators accept as a credential, and nothing else may show.
pub(crate) fn secrets() -> Secrets {
    Secrets::of("example-client-secret")
        .and("example-subscription-key")
        .and("example-private-key")
        .and("example-token-")
}

/// Both systems, their clients, and the book they were filled from.
pub(crate) struct World {
    pub(crate) vendor: SherwebSimulator,
    pub(crate) psa: ConnectWiseSimulator,
    pub(crate) source: SherwebClient,
    pub(crate) sink: ConnectWiseSink,
    pub(crate) mapping: Mapping,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) async fn start(options: BookOptions) -> Self {
        let book = Book::generate(options);
        let mapping = mapping(book.expected_mapping());
        let vendor = SherwebSimulator::start(book.sherweb).await.unwrap();
        let psa = ConnectWiseSimulator::start(book.connectwise).await.unwrap();
        let source = SherwebClient::builder()
            .client_id("example-client-id")
            .client_secret("example-client-secret".into())
            .subscription_key("example-subscription-key".into())
            .base_url(vendor.base_url().as_str())
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        let sink = connectwise(&psa);
        let now = format!("{}T09:00:00Z", options.today).parse().unwrap();
        Self {
            vendor,
            psa,
            source,
            sink,
            mapping,
            now,
        }
    }

    pub(crate) fn flow(&self) -> Flow<'_> {
        Flow::new(&self.source, &self.sink)
    }

    pub(crate) async fn lists(&self) -> Lists {
        self.flow().lists().await.unwrap()
    }

    pub(crate) async fn plan(&self, policy: &Policy) -> Plan {
        let lists = self.lists().await;
        self.flow()
            .plan(&lists, &self.mapping, policy, self.now)
            .await
            .unwrap()
    }
}

/// A sink on a simulated PSA.
pub(crate) fn connectwise(psa: &ConnectWiseSimulator) -> ConnectWiseSink {
    let client = ConnectWiseClient::builder()
        .site(psa.base_url().as_str())
        .company_id("examplemsp")
        .public_key("example-public-key")
        .private_key(SecretString::from("example-private-key"))
        .client_id("00000000-0000-4000-8000-0000000c11d0")
        .retry(RetryPolicy::none())
        .limiter(Arc::new(Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(100_000),
            ..LimiterOptions::default()
        })))
        .build()
        .unwrap();
    ConnectWiseSink::builder()
        .client(client)
        .note_field(NoteField::InternalNotes)
        .build()
}

/// A book of a few clients.
pub(crate) fn small(seed: u64) -> BookOptions {
    BookOptions {
        seed,
        accounts: 24,
        lines: 160,
        ..BookOptions::default()
    }
}

/// Applies a plan's ready changes.
pub(crate) async fn apply(world: &World, plan: &Plan, journal: &dyn Journal) -> ApplyReport {
    apply_to(&world.sink, "sherweb", plan, journal).await
}

/// Applies the ready changes of a source's plan to a sink.
pub(crate) async fn apply_to(
    sink: &dyn PsaSink,
    source: &str,
    plan: &Plan,
    journal: &dyn Journal,
) -> ApplyReport {
    let text = plan.to_text().unwrap();
    let approval = Approval::of_plan(plan.id().clone(), "finance@example.com", Timestamp::EPOCH);
    let request = ApplyRequest {
        plan_id: plan.id(),
        plan_text: &text,
        source,
        changes: plan.changes(),
        approval: &approval,
    };
    Applier::new(sink, journal, &SystemClock)
        .apply(&request, &ApplyOptions::new())
        .await
        .unwrap()
}

/// The one change of a case's agreement.
pub(crate) fn change_of<'p>(plan: &'p Plan, book: &Book, case: BookCase) -> &'p Change {
    let agreement = book.case(case).unwrap().agreement_id.to_string();
    let mut own = plan
        .changes()
        .iter()
        .filter(|change| change.agreement.as_str() == agreement);
    let found = own.next().unwrap();
    assert!(own.next().is_none(), "{case:?}");
    found
}

/// The agreements that accounts are linked to.
pub(crate) fn agreements_of<'a>(
    mapping: &Mapping,
    accounts: impl IntoIterator<Item = &'a String>,
) -> BTreeSet<AgreementId> {
    let agreement = |account: &String| match mapping.account(&account.as_str().into())? {
        AccountEntry::Link(AccountLink {
            target: LineTarget::Agreement(agreement),
            ..
        }) => Some(agreement.clone()),
        _ => None,
    };
    accounts.into_iter().filter_map(agreement).collect()
}

/// The accounts of which a plan says that they were not read.
pub(crate) fn not_read(plan: &Plan) -> BTreeSet<String> {
    let notices = plan.notices().iter();
    let unread = notices.filter(|notice| notice.kind == Kind::NotObserved);
    unread
        .filter(|notice| notice.service.is_none())
        .filter_map(|notice| Some(notice.account.as_ref()?.to_string()))
        .collect()
}

/// A policy that ends lines the vendor no longer lists.
pub(crate) fn ending() -> Policy {
    Policy {
        vendor_missing: VendorMissing::EndLine,
        ..Policy::default()
    }
}

/// The mapping that the book expects, exact and suggested names alike.
pub(crate) fn mapping(expected: &ExpectedMapping) -> Mapping {
    let mut mapping = Mapping::new();
    for link in &expected.accounts {
        let provenance = match link.found {
            AccountMatch::Exact => Provenance::Exact,
            _ => Provenance::Manual,
        };
        let entry = AccountEntry::Link(AccountLink {
            company: link.company_id.to_string().into(),
            target: LineTarget::Agreement(link.agreement_id.to_string().into()),
            metadata_to: None,
            enabled: true,
            provenance,
            note: None,
            tags: [].into(),
        });
        mapping.set_account(link.customer_id.as_str().into(), entry);
    }
    for service in &expected.services {
        let rules = match &service.rule {
            ServiceRule::Unmapped => continue,
            ServiceRule::Excluded(reason) => {
                let exclusion = Exclusion {
                    reason: Some(reason.clone()),
                };
                mapping.set_service(
                    service.sku.as_str().into(),
                    ServiceEntry::Exclude(exclusion),
                );
                continue;
            }
            ServiceRule::Product(id) => vec![ProductRule::one_to_one(id.to_string())],
            ServiceRule::Products(ids) => ids
                .iter()
                .map(|id| ProductRule {
                    carries_cost: false,
                    ..ProductRule::one_to_one(id.to_string())
                })
                .collect(),
            ServiceRule::Ratio { product_id, units } => vec![ProductRule {
                ratio: Some(Ratio {
                    units: Quantity::new(*units),
                    per: Quantity::ONE,
                    rounding: Rounding::Exact,
                }),
                ..ProductRule::one_to_one(product_id.to_string())
            }],
        };
        let link = ServiceLink::manual(rules, ChargeKind::Recurring, BilledAs::Line);
        mapping.set_service(service.sku.as_str().into(), ServiceEntry::Link(link));
    }
    mapping
}
