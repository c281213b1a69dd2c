//! What is found and what is planned, over the public API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use tallyline_core::ErrorKind;
use tallyline_core::mapping::{
    AccountEntry, AccountLink, Exclusion, LineTarget, Mapping, ProductRule, Provenance, Ratio,
    Rounding, ServiceEntry, ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementLine, AgreementReading, Basis, BillingCycle, ChargeKind,
    CivilDate, Commitment, Company, Currency, Eligibility, Money, Product, Quantity, QuantityFloor,
    ReadFailure, Timestamp, UsageLine,
};
use tallyline_core::plan::{
    Action, EffectiveDate, Guard, Plan, PlanContext, Planner, Policy, VendorMissing,
};
use tallyline_core::reconcile::{Kind, PsaBook, Reconciler};
use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};
use tallyline_core::source::SourceDescriptor;

const NOW: &str = "2026-03-11T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn today() -> CivilDate {
    now().date()
}

fn usd(text: &str) -> Money {
    Money::new(text.parse::<Quantity>().unwrap().value(), Currency::USD)
}

/// One world: accounts c-N on agreements a-N of company N, services S-x on products P-x.
#[derive(Clone, Debug)]
struct World {
    mapping: Mapping,
    companies: Vec<Company>,
    agreements: Vec<Agreement>,
    products: Vec<Product>,
    lines: Vec<(String, Vec<AgreementLine>)>,
    readings: Vec<AccountReading>,
    policy: Policy,
    whole_units: bool,
}

impl World {
    fn new() -> Self {
        Self {
            mapping: Mapping::new(),
            companies: Vec::new(),
            agreements: Vec::new(),
            products: Vec::new(),
            lines: Vec::new(),
            readings: Vec::new(),
            policy: Policy::default(),
            whole_units: false,
        }
    }

    fn account(mut self, n: u32) -> Self {
        self.companies
            .push(Company::new(n.to_string(), format!("Client {n}")));
        let mut agreement = Agreement::new(format!("a-{n}"), n.to_string(), "Managed");
        agreement.billing_cycle = BillingCycle::Monthly;
        agreement.currency = Some(Currency::USD);
        agreement.next_invoice = Some("2026-04-01".parse().unwrap());
        agreement.prorates = Some(false);
        self.agreements.push(agreement);
        self.lines.push((format!("a-{n}"), Vec::new()));
        self.link(&format!("c-{n}"), n, true)
    }

    fn link(mut self, account: &str, n: u32, enabled: bool) -> Self {
        let link = AccountLink {
            company: n.to_string().into(),
            target: LineTarget::Agreement(format!("a-{n}").into()),
            enabled,
            provenance: Provenance::Exact,
            note: None,
        };
        self.mapping
            .set_account(account.into(), AccountEntry::Link(link));
        self
    }

    fn service(self, name: &str) -> Self {
        let rule = ProductRule::one_to_one(format!("P-{name}"));
        self.service_with(name, vec![rule], true)
    }

    fn service_with(mut self, name: &str, rules: Vec<ProductRule>, enabled: bool) -> Self {
        for rule in &rules {
            let product = Product::new(rule.product.clone(), rule.product.as_str(), "");
            self.products.push(product);
        }
        let link = ServiceLink {
            products: rules,
            counts: ChargeKind::Recurring,
            enabled,
            provenance: Provenance::Exact,
            note: None,
        };
        let key = format!("S-{name}").as_str().into();
        self.mapping.set_service(key, ServiceEntry::Link(link));
        self
    }

    fn bills(mut self, n: u32, id: &str, product: &str, quantity: &str) -> Self {
        let quantity: Quantity = quantity.parse().unwrap();
        let line = AgreementLine::new(id, product, quantity);
        self.lines_of(n).push(line);
        self
    }

    fn lines_of(&mut self, n: u32) -> &mut Vec<AgreementLine> {
        let id = format!("a-{n}");
        &mut self.lines.iter_mut().find(|(a, _)| *a == id).unwrap().1
    }

    fn reads(mut self, account: &str, lines: Vec<UsageLine>) -> Self {
        self.readings
            .push(AccountReading::complete(account, lines, Basis::Live, now()));
        self
    }

    fn fails(mut self, account: &str) -> Self {
        let failure = ReadFailure::new(ErrorKind::Unavailable, "503");
        self.readings
            .push(AccountReading::failed(account, failure, Basis::Live, now()));
        self
    }

    fn with_policy(mut self, edit: impl FnOnce(&mut Policy)) -> Self {
        edit(&mut self.policy);
        self
    }

    fn book(&self) -> PsaBook {
        let mut book = PsaBook::new(
            self.companies.clone(),
            self.agreements.clone(),
            self.products.clone(),
        );
        for (agreement, lines) in &self.lines {
            book.add_lines(AgreementReading::complete(
                agreement.as_str(),
                lines.clone(),
            ));
        }
        book
    }

    fn kinds(&self) -> Vec<(String, Kind)> {
        let book = self.book();
        let mut reconciler = Reconciler::new(&self.mapping, &book, today());
        for reading in self.readings.clone() {
            reconciler.observe(reading).unwrap();
        }
        let comparison = reconciler.finish();
        comparison
            .rows()
            .map(|row| {
                (
                    format!("{} {}", row.agreement().id, row.product()),
                    row.kind(),
                )
            })
            .chain(comparison.unplaced().iter().map(|record| {
                (
                    format!("{} {:?}", record.account, record.subject),
                    record.kind,
                )
            }))
            .collect()
    }

    fn plan(&self) -> Plan {
        let book = self.book();
        let mut reconciler = Reconciler::new(&self.mapping, &book, today());
        for reading in self.readings.clone() {
            reconciler.observe(reading).unwrap();
        }
        let mut capabilities = SinkCapabilities::default();
        capabilities.create_line = true;
        capabilities.set_quantity = true;
        capabilities.set_unit_cost = true;
        capabilities.end_line = true;
        capabilities.whole_units_only = self.whole_units;
        let context = PlanContext {
            source: &SourceDescriptor::new("market", "Market"),
            sink: &SinkDescriptor::new("psa", "PSA", capabilities),
            now: now(),
            accounts: &[],
            services: &[],
        };
        Planner::new(self.policy.clone())
            .plan(&reconciler.finish(), &context)
            .unwrap()
    }

    /// The world after the plan's ready changes, as a PSA would show it.
    fn applied(mut self, plan: &Plan) -> Self {
        for change in plan.changes().iter().filter(|change| !change.is_blocked()) {
            change
                .check_precondition(
                    self.lines
                        .iter()
                        .find(|(a, _)| *a == change.agreement.as_str())
                        .map(|(_, lines)| lines.as_slice())
                        .unwrap(),
                )
                .unwrap();
            let lines = &mut self
                .lines
                .iter_mut()
                .find(|(a, _)| *a == change.agreement.as_str())
                .unwrap()
                .1;
            let id = change.action.line().cloned();
            let line = id.and_then(|id| lines.iter_mut().find(|line| line.id == id));
            match (&change.action, line) {
                (
                    Action::CreateLine {
                        quantity,
                        unit_cost,
                        ..
                    },
                    None,
                ) => {
                    let id = format!("new-{}", change.id);
                    let mut line = AgreementLine::new(id, change.product.clone(), *quantity);
                    line.state.unit_cost = *unit_cost;
                    lines.push(line);
                }
                (Action::SetQuantity { to, .. }, Some(line)) => line.state.quantity = *to,
                (Action::SetUnitCost { to, .. }, Some(line)) => line.state.unit_cost = Some(*to),
                (Action::EndLine { last_day, .. }, Some(line)) => {
                    line.state.last_day = Some(*last_day);
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        self
    }
}

fn seats(key: &str, service: &str, quantity: &str) -> UsageLine {
    let quantity: Quantity = quantity.parse().unwrap();
    UsageLine::new(key, format!("S-{service}"), quantity)
}

fn kind_of(world: &World, what: &str) -> Kind {
    let kinds = world.kinds();
    kinds
        .iter()
        .find(|(name, _)| name == what)
        .unwrap_or_else(|| panic!("no {what} in {kinds:?}"))
        .1
}

fn actions(plan: &Plan) -> Vec<String> {
    plan.changes()
        .iter()
        .map(|change| change.action.to_string())
        .collect()
}

fn guards(plan: &Plan) -> Vec<Guard> {
    plan.changes()
        .iter()
        .flat_map(|change| change.blocks.iter().map(|block| block.guard))
        .collect()
}

#[test]
fn two_subscriptions_of_one_service_are_summed_before_they_are_compared() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "47")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "30"), seats("sub:b", "mail", "20")],
        );
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Change);
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 47 -> 50"]);
    assert_eq!(plan.changes()[0].evidence.usage.len(), 2);
    assert_eq!(
        plan.changes()[0].reason,
        "Market shows 50; PSA bills 47: 3 more to bill"
    );
}

#[test]
fn usage_without_a_line_is_new_revenue_from_the_first_day_not_invoiced() {
    let world = World::new().account(1).service("mail").reads(
        "c-1",
        vec![seats("sub:a", "mail", "5").with_unit_cost(Some(usd("7.10")))],
    );
    let plan = world.plan();
    assert_eq!(actions(&plan), ["create a line of 5"]);
    assert_eq!(plan.changes()[0].effective.to_string(), "2026-04-01");
    let Action::CreateLine { unit_cost, .. } = &plan.changes()[0].action else {
        panic!("{plan:?}")
    };
    assert_eq!(*unit_cost, Some(usd("7.1")));
}

#[test]
fn an_agreement_that_prorates_changes_on_the_day_itself() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    world.agreements[0].prorates = Some(true);
    assert_eq!(world.plan().changes()[0].effective, today());
}

#[test]
fn packs_of_25_are_compared_in_packs() {
    let rule = ProductRule {
        ratio: Some(Ratio {
            units: Quantity::ONE,
            per: 25_u32.into(),
            rounding: Rounding::Ceil,
        }),
        ..ProductRule::one_to_one("P-pack")
    };
    let world = World::new()
        .account(1)
        .service_with("box", vec![rule], true)
        .bills(1, "10", "P-pack", "3")
        .reads("c-1", vec![seats("sub:a", "box", "61")]);
    assert_eq!(kind_of(&world, "a-1 P-pack"), Kind::NoChange);
}

#[test]
fn one_service_feeds_two_products_and_is_never_counted_back() {
    let cost_free = ProductRule {
        carries_cost: false,
        ..ProductRule::one_to_one("P-support")
    };
    let world = World::new()
        .account(1)
        .service_with(
            "mail",
            vec![ProductRule::one_to_one("P-mail"), cost_free],
            true,
        )
        .bills(1, "10", "P-mail", "4")
        .bills(1, "11", "P-support", "5")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "5").with_unit_cost(Some(usd("7")))],
        );
    assert_eq!(
        actions(&world.plan()),
        ["set quantity 4 -> 5", "set unit cost none -> 7.00 USD"]
    );
}

#[test]
fn a_line_that_no_mapping_owns_is_left_alone() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-onsite", "2")
        .reads("c-1", vec![]);
    assert!(world.kinds().is_empty());
    assert_eq!(world.plan().content().unowned_lines, 1);
}

#[test]
fn an_owned_line_without_usage_is_reported_and_ended_only_by_policy() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", vec![]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::VendorMissing);
    assert_eq!(world.plan().summary().notices, 1);
    assert!(world.plan().changes().is_empty());
    let ending = world.with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    assert_eq!(
        actions(&ending.plan()),
        ["end the line of 2 after 2026-03-31"]
    );
}

#[test]
fn a_line_does_not_end_while_the_account_has_usage_that_is_not_mapped() {
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .reads("c-1", vec![seats("sub:a", "mail-renamed", "2")]);
    let plan = world.plan();
    assert_eq!(guards(&plan), [Guard::UnmappedUsage]);
    assert!(
        plan.changes()[0].blocks[0]
            .reason
            .contains("S-mail-renamed")
    );
}

#[test]
fn an_account_that_failed_or_is_absent_changes_nothing() {
    let world = World::new()
        .account(1)
        .account(2)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .bills(2, "20", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .fails("c-1");
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
    assert_eq!(kind_of(&world, "a-2 P-mail"), Kind::NotObserved);
    assert!(world.plan().changes().is_empty());
}

#[test]
fn a_missing_part_blocks_the_sum_of_an_agreement() {
    let world = World::new()
        .account(1)
        .link("c-other", 1, true)
        .service("mail")
        .bills(1, "10", "P-mail", "9")
        .reads("c-1", vec![seats("sub:a", "mail", "5")])
        .fails("c-other");
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
    assert!(world.plan().changes().is_empty());
}

#[test]
fn a_kind_of_line_that_was_not_read_is_not_missing() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    let reading = AccountReading::complete("c-1", vec![], Basis::Live, now())
        .with_unread_kinds([ChargeKind::Recurring]);
    world.readings.push(reading);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
}

#[test]
fn what_is_switched_off_is_neither_changed_nor_ended() {
    let world = World::new()
        .account(1)
        .service_with("mail", vec![ProductRule::one_to_one("P-mail")], false)
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::SwitchedOff);
    assert!(world.plan().changes().is_empty());
    let off = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
        .link("c-1", 1, false)
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(off.kinds(), [("c-1 Account".to_owned(), Kind::SwitchedOff)]);
}

#[test]
fn unmapped_is_not_the_same_as_excluded() {
    let mut world = World::new().account(1).reads(
        "c-1",
        vec![seats("sub:a", "new", "5"), seats("sub:b", "free", "1")],
    );
    let exclusion = Exclusion {
        reason: Some("internal use".into()),
    };
    world
        .mapping
        .set_service("S-free".into(), ServiceEntry::Exclude(exclusion));
    let kinds: Vec<Kind> = world.kinds().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [Kind::Excluded, Kind::Unmapped]);
}

#[test]
fn two_open_lines_of_one_product_are_ambiguous_and_an_ended_one_does_not_count() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .bills(1, "11", "P-mail", "3")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Ambiguous);
    assert!(world.plan().changes().is_empty());
    world.lines_of(1)[0].state.last_day = Some("2026-03-10".parse().unwrap());
    assert_eq!(actions(&world.plan()), ["set quantity 3 -> 5"]);
    world.lines_of(1)[1].state.last_day = Some("2026-03-31".parse().unwrap());
    assert_eq!(
        kind_of(&world, "a-1 P-mail"),
        Kind::Ambiguous,
        "a person set its end"
    );
}

#[test]
fn an_agreement_that_is_not_eligible_says_why() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    world.agreements[0].eligibility = Eligibility::NotEligible(vec!["it bills yearly".into()]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotEligible);
    assert_eq!(
        world.plan().notices()[0].message,
        "Client 1, Managed, P-mail: it bills yearly"
    );
}

#[test]
fn an_account_cannot_be_read_twice() {
    let (mapping, book) = (Mapping::new(), PsaBook::default());
    let mut reconciler = Reconciler::new(&mapping, &book, today());
    let reading = || AccountReading::complete("c-1", vec![], Basis::Live, now());
    reconciler.observe(reading()).unwrap();
    assert_eq!(
        reconciler.observe(reading()).unwrap_err().kind(),
        ErrorKind::Protocol
    );
}

#[test]
fn a_cost_is_synced_rounded_and_only_when_it_is_one_figure() {
    let one = |cost: &str| seats("sub:a", "mail", "2").with_unit_cost(Some(usd(cost)));
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", vec![one("7.10005")]);
    world.lines_of(1)[0].state.unit_cost = Some(usd("7.1"));
    assert_eq!(
        actions(&world.plan()),
        ["set unit cost 7.10 USD -> 7.1001 USD"]
    );
    let mixed = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "4")
        .reads(
            "c-1",
            vec![
                one("7.10"),
                seats("sub:b", "mail", "2").with_unit_cost(Some(usd("6"))),
            ],
        );
    assert!(mixed.plan().changes().is_empty());
    assert!(
        mixed.plan().notices()[0]
            .message
            .contains("different costs")
    );
}

#[test]
fn a_decrease_under_a_commitment_floor_is_blocked() {
    let floor = QuantityFloor {
        quantity: 8_u32.into(),
        until: "2026-12-31".parse().unwrap(),
    };
    let line =
        seats("sub:a", "mail", "5").with_commitment(Some(Commitment::new(None, vec![floor])));
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "8")
        .reads("c-1", vec![line]);
    assert_eq!(guards(&world.plan()), [Guard::CommitmentFloor]);
}

#[test]
fn a_currency_that_is_not_the_agreements_blocks_the_row() {
    let cad = Money::new(usd("7").amount, Currency::CAD);
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "5")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "6").with_unit_cost(Some(cad))],
        );
    assert_eq!(guards(&world.plan()), [Guard::Currency, Guard::Currency]);
}

#[test]
fn a_cost_is_blocked_while_the_agreements_currency_is_unknown() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "6")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "6").with_unit_cost(Some(usd("7")))],
        );
    world.agreements[0].currency = None;
    assert_eq!(guards(&world.plan()), [Guard::Currency]);
    let named = world.with_policy(|policy| policy.default_currency = Some(Currency::USD));
    assert_eq!(guards(&named.plan()), []);
}

#[test]
fn a_fraction_is_blocked_for_a_sink_of_whole_units_and_a_negative_for_all() {
    let mut world = World::new()
        .account(1)
        .service("gb")
        .bills(1, "10", "P-gb", "1")
        .reads("c-1", vec![seats("sub:a", "gb", "2.5")]);
    assert_eq!(guards(&world.plan()), []);
    world.whole_units = true;
    assert_eq!(guards(&world.plan()), [Guard::WholeUnits]);
    let negative = World::new()
        .account(1)
        .service("gb")
        .bills(1, "10", "P-gb", "1")
        .reads("c-1", vec![seats("sub:a", "gb", "-2")]);
    assert_eq!(guards(&negative.plan()), [Guard::NegativeQuantity]);
}

#[test]
fn a_reduction_from_a_stale_reading_is_blocked_and_an_increase_is_not() {
    let old: Timestamp = "2026-03-09T12:00:00Z".parse().unwrap();
    let world = |quantity: &str| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "5");
        let lines = vec![seats("sub:a", "mail", quantity)];
        world
            .readings
            .push(AccountReading::complete("c-1", lines, Basis::Live, old));
        world
    };
    assert_eq!(guards(&world("4").plan()), [Guard::StaleReading]);
    assert_eq!(guards(&world("6").plan()), []);
    let mut gone = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "5")
        .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    gone.readings
        .push(AccountReading::complete("c-1", vec![], Basis::Live, old));
    assert_eq!(
        guards(&gone.plan()),
        [Guard::StaleReading],
        "absence is as old"
    );
}

#[test]
fn a_dated_change_in_an_invoiced_period_is_blocked_without_proration() {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .with_policy(|policy| policy.effective_date = EffectiveDate::Today)
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    assert_eq!(guards(&world.plan()), [Guard::InvoicedPeriod]);
    world.agreements[0].prorates = Some(true);
    assert_eq!(guards(&world.plan()), []);
}

/// `lines` accounts of 10 seats each, of which `cut` fall to `to`.
fn cut(lines: u32, cut: u32, to: &str) -> World {
    (1..=lines).fold(World::new().service("mail"), |world, n| {
        let quantity = if n <= cut { to } else { "10" };
        world
            .account(n)
            .bills(n, &n.to_string(), "P-mail", "10")
            .reads(&format!("c-{n}"), vec![seats("sub:a", "mail", quantity)])
    })
}

#[test]
fn the_reduction_guard_needs_both_the_share_and_the_count() {
    assert_eq!(
        guards(&cut(10, 5, "9").plan()),
        [],
        "5 lines are within the count"
    );
    assert_eq!(
        guards(&cut(100, 6, "9").plan()),
        [],
        "6 % is within the share"
    );
    let tripped = cut(20, 6, "9").plan();
    assert_eq!(guards(&tripped), [Guard::TotalReduction; 6]);
    assert!(
        tripped.changes()[0].blocks[0].reason.starts_with(
            "the plan takes units away from 6 of 20 lines (30 %) and 6 of 200 units (3 %)"
        ),
        "{:?}",
        tripped.changes()[0].blocks
    );
}

#[test]
fn an_outage_that_reads_every_account_as_empty_blocks_every_reduction() {
    let mut world =
        cut(30, 0, "10").with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    for reading in &mut world.readings {
        *reading = AccountReading::complete(reading.account.clone(), vec![], Basis::Live, now());
    }
    let plan = world.plan();
    assert_eq!(plan.summary().blocked, 30);
    assert_eq!(plan.summary().ready, 0);
}

#[test]
fn a_plan_file_that_was_edited_is_refused() {
    let text = cut(3, 1, "9").plan().to_text().unwrap();
    let plan = Plan::from_text(&text).unwrap();
    assert_eq!(plan.summary().ready, 1);
    let edited = text.replace("\"to\": \"9\"", "\"to\": \"1\"");
    assert_ne!(edited, text);
    let error = Plan::from_text(&edited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StalePlan);
    assert!(
        error.to_string().contains("changed after it was made"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn applying_a_plan_and_reconciling_again_yields_no_change(world in worlds()) {
        let plan = world.plan();
        let again = world.clone().applied(&plan).plan();
        let ready: Vec<_> = again.changes().iter().filter(|change| !change.is_blocked()).collect();
        prop_assert!(ready.is_empty(), "{:?}", ready);
    }

    #[test]
    fn the_order_of_input_lines_does_not_change_the_bytes_of_the_plan((world, seed) in (worlds(), any::<u64>())) {
        let mut shuffled = world.clone();
        shuffle(&mut shuffled.readings, seed);
        for reading in &mut shuffled.readings {
            if let tallyline_core::model::ReadingOutcome::Complete(lines) = &mut reading.outcome {
                shuffle(lines, seed.rotate_left(7));
            }
        }
        shuffle(&mut shuffled.agreements, seed.rotate_left(13));
        shuffle(&mut shuffled.products, seed.rotate_left(17));
        shuffle(&mut shuffled.companies, seed.rotate_left(19));
        shuffle(&mut shuffled.lines, seed.rotate_left(23));
        for (_, lines) in &mut shuffled.lines {
            shuffle(lines, seed.rotate_left(29));
        }
        prop_assert_eq!(world.plan().to_text().unwrap(), shuffled.plan().to_text().unwrap());
    }

    #[test]
    fn a_line_that_no_mapping_owns_never_appears_in_a_plan(world in worlds()) {
        for change in world.plan().changes() {
            prop_assert_ne!(change.product.as_str(), "P-onsite");
        }
    }

    #[test]
    fn a_not_observed_account_yields_no_change(world in worlds()) {
        let failed: Vec<String> = world
            .readings
            .iter()
            .filter(|reading| reading.lines().is_none())
            .map(|reading| reading.account.as_str().replace("c-", "a-"))
            .collect();
        for change in world.plan().changes() {
            prop_assert!(!failed.contains(&change.agreement.to_string()));
        }
    }

    #[test]
    fn a_plan_survives_a_round_trip_through_its_file(world in worlds()) {
        let plan = world.plan();
        prop_assert_eq!(Plan::from_text(&plan.to_text().unwrap()).unwrap(), plan);
    }

    #[test]
    fn no_text_makes_the_plan_reader_panic(text in ".{0,200}") {
        prop_assert!(Plan::from_text(&text).is_err());
    }
}

fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for at in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let other = (seed >> 33) % (at as u64 + 1);
        items.swap(at, usize::try_from(other).unwrap());
    }
}

/// Worlds of a few accounts and services, with every kind of difference.
fn worlds() -> impl Strategy<Value = World> {
    let usage = (0_usize..4, 0_u32..30, 0_u32..3, prop::option::of(1_u32..5));
    let billed = (0_usize..5, 0_u32..30, any::<bool>());
    let account = (
        prop::collection::vec(usage, 0..6),
        prop::collection::vec(billed, 0..5),
        0_u8..10,
    );
    (
        prop::collection::vec(account, 1..8),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(accounts, ending, prorates)| {
            let pack = ProductRule {
                ratio: Some(Ratio {
                    units: Quantity::ONE,
                    per: 25_u32.into(),
                    rounding: Rounding::Ceil,
                }),
                ..ProductRule::one_to_one("P-pack")
            };
            let mut world = World::new()
                .service("mail")
                .service("backup")
                .service_with("box", vec![pack], true)
                .with_policy(|policy| {
                    if ending {
                        policy.vendor_missing = VendorMissing::EndLine;
                    }
                });
            world
                .products
                .push(Product::new("P-onsite", "P-onsite", ""));
            for (n, (usage, billed, fate)) in (1_u32..).zip(accounts) {
                world = world.account(n);
                if let Some(agreement) = world.agreements.last_mut() {
                    agreement.prorates = Some(prorates);
                }
                for (at, (product, quantity, ended)) in billed.into_iter().enumerate() {
                    let product = ["P-mail", "P-backup", "P-pack", "P-onsite", "P-mail"][product];
                    world = world.bills(n, &format!("{n}-{at}"), product, &quantity.to_string());
                    if ended && let Some(line) = world.lines_of(n).last_mut() {
                        line.state.last_day = Some("2026-02-28".parse().unwrap());
                    }
                }
                let lines = usage
                    .into_iter()
                    .enumerate()
                    .map(|(at, (service, whole, tenths, cost))| {
                        let service = ["mail", "backup", "box", "unknown"][service];
                        let quantity = format!("{whole}.{tenths}");
                        seats(&format!("sub:{n}:{at}"), service, &quantity)
                            .with_unit_cost(cost.map(|cost| usd(&cost.to_string())))
                    })
                    .collect();
                let account = format!("c-{n}");
                world = match fate {
                    0 => world.fails(&account),
                    1 => world,
                    _ => world.reads(&account, lines),
                };
            }
            world
        })
}
