//! One small world: both sides, the mapping between them, and what comes of them.

use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, ProductRule, Provenance,
    ServiceEntry, ServiceLink,
};
use tallyline_core::model::{
    AccountReading, Agreement, AgreementId, AgreementKey, AgreementLine, AgreementReading, Basis,
    BillingCycle, ChargeKind, CivilDate, Company, Currency, Money, Product, Quantity, ReadFailure,
    Service, Timestamp, UsageLine, VendorAccount,
};
use tallyline_core::plan::{Action, Guard, Plan, PlanContext, Planner, Policy, Strategy};
use tallyline_core::proration::{DayCount, ProrationRule, Rounding};
use tallyline_core::reconcile::{Dismissal, Dismissals, Kind, PsaBook, Reconciler};
use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};
use tallyline_core::source::{SourceDescriptor, Triggers};
use tallyline_core::store::{DailyCounts, Ledger};
use tallyline_core::{Error, ErrorKind};

pub(crate) const NOW: &str = "2026-03-11T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn today() -> CivilDate {
    now().date()
}

pub(crate) fn usd(text: &str) -> Money {
    Money::new(text.parse::<Quantity>().unwrap().value(), Currency::USD)
}

/// One world: accounts c-N on agreements a-N of company N, services S-x on products P-x.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) mapping: Mapping,
    pub(crate) companies: Vec<Company>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) products: Vec<Product>,
    pub(crate) lines: Vec<(String, Vec<AgreementLine>)>,
    pub(crate) readings: Vec<AccountReading>,
    pub(crate) policy: Policy,
    pub(crate) whole_units: bool,
    /// How many decimal places the PSA keeps, where that is known.
    pub(crate) amount_digits: Option<u32>,
    pub(crate) now: Timestamp,
    pub(crate) strategy: Strategy,
    pub(crate) prorates_ends: bool,
    pub(crate) end_before_start: bool,
    pub(crate) accounts: Vec<VendorAccount>,
    pub(crate) ledger: Ledger,
    pub(crate) dismissals: Dismissals,
    pub(crate) counts: DailyCounts,
    /// Whether the PSA creates agreements and adds charges.
    pub(crate) makes_records: bool,
    /// Whether the PSA sets quantities from a day on.
    pub(crate) dated: bool,
    pub(crate) services: Vec<Service>,
    /// The day of the first sync, where it is known.
    pub(crate) first_sync: Option<CivilDate>,
    pub(crate) triggers: Triggers,
    /// Whether the PSA writes notes.
    pub(crate) writes_notes: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            mapping: Mapping::new(),
            companies: Vec::new(),
            agreements: Vec::new(),
            products: Vec::new(),
            lines: Vec::new(),
            readings: Vec::new(),
            policy: Policy::default(),
            whole_units: false,
            amount_digits: None,
            now: now(),
            strategy: Strategy::InPlace,
            prorates_ends: false,
            end_before_start: false,
            accounts: Vec::new(),
            ledger: Ledger::new(),
            dismissals: Dismissals::new(),
            counts: DailyCounts::new(),
            makes_records: true,
            dated: false,
            services: Vec::new(),
            first_sync: None,
            triggers: Triggers::AT_ONCE,
            writes_notes: true,
        }
    }

    /// Links an account of company N, each of its subscriptions onto an agreement of its own.
    pub(crate) fn per_service(mut self, account: &str, n: u32) -> Self {
        if self
            .companies
            .iter()
            .all(|company| company.id != n.to_string().into())
        {
            self.companies
                .push(Company::new(n.to_string(), format!("Client {n}")));
        }
        let link = AccountLink {
            company: n.to_string().into(),
            target: LineTarget::PerService,
            metadata_to: None,
            enabled: true,
            provenance: Provenance::Exact,
            note: None,
            tags: [].into(),
        };
        self.mapping
            .set_account(account.into(), AccountEntry::Link(link));
        self
    }

    /// Links an account of company N, each of its services onto a child under agreement `m-N`.
    pub(crate) fn bundled(mut self, account: &str, n: u32) -> Self {
        let master = AgreementId::new(format!("m-{n}"));
        if self.agreements.iter().all(|known| known.id != master) {
            self.companies
                .push(Company::new(n.to_string(), format!("Client {n}")));
            let mut agreement = Agreement::new(master.clone(), n.to_string(), "Master");
            agreement.billing_cycle = BillingCycle::Monthly;
            agreement.currency = Some(Currency::USD);
            agreement.start = Some("2026-01-01".parse().unwrap());
            agreement.next_invoice = Some("2026-04-01".parse().unwrap());
            self.agreements.push(agreement);
        }
        let link = AccountLink::manual(n.to_string(), LineTarget::Bundled { master });
        self.mapping
            .set_account(account.into(), AccountEntry::Link(link));
        self
    }

    /// A child under agreement `m-N` of company N, with a key or without.
    pub(crate) fn child(mut self, n: u32, id: &str, key: Option<AgreementKey>) -> Self {
        self = self.carries(n, id, "");
        let agreement = self.agreements.last_mut().unwrap();
        agreement.key = key;
        agreement.parent = Some(format!("m-{n}").into());
        agreement.end = None;
        self
    }

    /// An agreement of company N that carries a key.
    pub(crate) fn carries(mut self, n: u32, id: &str, key: &str) -> Self {
        let mut agreement = Agreement::new(id, n.to_string(), "Cloud");
        agreement.key = Some(key.into());
        agreement.billing_cycle = BillingCycle::Monthly;
        agreement.currency = Some(Currency::USD);
        agreement.start = Some("2026-01-06".parse().unwrap());
        agreement.end = Some("2027-01-05".parse().unwrap());
        agreement.next_invoice = Some("2026-04-06".parse().unwrap());
        self.agreements.push(agreement);
        self.lines.push((id.to_owned(), Vec::new()));
        self
    }

    /// Lets a service that is linked as a line have its prorations charged.
    pub(crate) fn charges_prorations(mut self, name: &str) -> Self {
        let key = format!("S-{name}").as_str().into();
        let Some(ServiceEntry::Link(link)) = self.mapping.service(&key) else {
            panic!("{name} is not linked");
        };
        let mut link = link.clone();
        link.billed_as = BilledAs::LineAndProrations;
        self.mapping.set_service(key, ServiceEntry::Link(link));
        self
    }

    /// Links a service as charges for metered usage.
    pub(crate) fn charges(mut self, name: &str) -> Self {
        let product = format!("P-{name}");
        self.products.push(Product::new(
            product.as_str(),
            product.as_str(),
            "Azure plan",
        ));
        let link = ServiceLink {
            products: vec![ProductRule::one_to_one(product)],
            counts: ChargeKind::Usage,
            billed_as: BilledAs::Charge,
            enabled: true,
            provenance: Provenance::Exact,
            note: None,
            tags: [].into(),
        };
        let key = format!("S-{name}").as_str().into();
        self.mapping.set_service(key, ServiceEntry::Link(link));
        self
    }

    pub(crate) fn account(mut self, n: u32) -> Self {
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

    pub(crate) fn link(mut self, account: &str, n: u32, enabled: bool) -> Self {
        let link = AccountLink {
            company: n.to_string().into(),
            target: LineTarget::Agreement(format!("a-{n}").into()),
            metadata_to: None,
            enabled,
            provenance: Provenance::Exact,
            note: None,
            tags: [].into(),
        };
        self.mapping
            .set_account(account.into(), AccountEntry::Link(link));
        self
    }

    pub(crate) fn service(self, name: &str) -> Self {
        let rule = ProductRule::one_to_one(format!("P-{name}"));
        self.service_with(name, vec![rule], true)
    }

    pub(crate) fn service_with(
        mut self,
        name: &str,
        rules: Vec<ProductRule>,
        enabled: bool,
    ) -> Self {
        for rule in &rules {
            let product = Product::new(rule.product.clone(), rule.product.as_str(), "");
            self.products.push(product);
        }
        let link = ServiceLink {
            products: rules,
            counts: ChargeKind::Recurring,
            billed_as: BilledAs::Line,
            enabled,
            provenance: Provenance::Exact,
            note: None,
            tags: [].into(),
        };
        let key = format!("S-{name}").as_str().into();
        self.mapping.set_service(key, ServiceEntry::Link(link));
        self
    }

    pub(crate) fn bills(mut self, n: u32, id: &str, product: &str, quantity: &str) -> Self {
        let quantity: Quantity = quantity.parse().unwrap();
        let line = AgreementLine::new(id, product, quantity);
        self.lines_of(n).push(line);
        self
    }

    /// A line of an agreement by the agreement's id.
    pub(crate) fn bills_on(
        mut self,
        agreement: &str,
        id: &str,
        product: &str,
        units: &str,
    ) -> Self {
        let units: Quantity = units.parse().unwrap();
        let line = AgreementLine::new(id, product, units);
        let lines = self.lines.iter_mut().find(|(a, _)| a == agreement);
        lines.unwrap().1.push(line);
        self
    }

    pub(crate) fn lines_of(&mut self, n: u32) -> &mut Vec<AgreementLine> {
        let id = format!("a-{n}");
        &mut self.lines.iter_mut().find(|(a, _)| *a == id).unwrap().1
    }

    pub(crate) fn reads(mut self, account: &str, lines: Vec<UsageLine>) -> Self {
        self.readings
            .push(AccountReading::complete(account, lines, Basis::Live, now()));
        self
    }

    /// In the last reading, the lines of a kind could not all be read.
    pub(crate) fn unread(mut self, kind: ChargeKind) -> Self {
        let last = self.readings.last_mut().unwrap();
        last.unread_kinds.push(kind);
        self
    }

    pub(crate) fn fails(mut self, account: &str) -> Self {
        let failure = ReadFailure::new(ErrorKind::Unavailable, "503");
        self.readings
            .push(AccountReading::failed(account, failure, Basis::Live, now()));
        self
    }

    pub(crate) fn with_policy(mut self, edit: impl FnOnce(&mut Policy)) -> Self {
        edit(&mut self.policy);
        self
    }

    pub(crate) fn by(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    pub(crate) fn on(mut self, day: CivilDate) -> Self {
        self.now = day.midnight_utc();
        for reading in &mut self.readings {
            reading.read_at = self.now;
        }
        self
    }

    pub(crate) fn book(&self) -> PsaBook {
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

    pub(crate) fn kinds(&self) -> Vec<(String, Kind)> {
        let book = self.book();
        let reconciler = Reconciler::new(&self.mapping, &book, self.now.date());
        let reconciler = reconciler.with_ledger(&self.ledger);
        let reconciler = reconciler.with_daily_counts(self.counts.clone());
        let mut reconciler = reconciler.with_dismissals(&self.dismissals);
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

    /// Dismisses the first row of an agreement and product, as a person does who sees it.
    pub(crate) fn dismiss(&mut self, agreement: &str, product: &str) -> Result<(), Error> {
        let book = self.book();
        let mut reconciler = Reconciler::new(&self.mapping, &book, self.now.date());
        for reading in self.readings.clone() {
            reconciler.observe(reading)?;
        }
        let comparison = reconciler.finish();
        let row = comparison.rows().find(|row| {
            row.agreement_id().as_str() == agreement && row.product().as_str() == product
        });
        let dismissal = Dismissal::of(row.unwrap(), "Ann", self.now, "Settled by hand.")?;
        self.dismissals.dismiss(dismissal);
        Ok(())
    }

    pub(crate) fn plan(&self) -> Plan {
        let book = self.book();
        let reconciler = Reconciler::new(&self.mapping, &book, self.now.date());
        let reconciler = reconciler.with_ledger(&self.ledger);
        let reconciler = reconciler.with_daily_counts(self.counts.clone());
        let reconciler = reconciler.with_dismissals(&self.dismissals);
        let mut reconciler = reconciler.with_first_sync(self.first_sync);
        for reading in self.readings.clone() {
            reconciler.observe(reading).unwrap();
        }
        let mut capabilities = SinkCapabilities::default();
        capabilities.create_line = true;
        capabilities.set_quantity = true;
        capabilities.set_unit_cost = true;
        capabilities.set_unit_price = true;
        capabilities.end_line = true;
        capabilities.create_agreement = self.makes_records;
        capabilities.child_agreements = self.makes_records;
        capabilities.add_charge = self.makes_records;
        capabilities.write_note = self.writes_notes;
        capabilities.whole_units_only = self.whole_units;
        capabilities.end_before_start = self.end_before_start;
        capabilities.dated_quantities = self.dated;
        let mut sink = SinkDescriptor::new("psa", "PSA", capabilities);
        sink.strategy = self.strategy;
        sink.amount_digits = self.amount_digits;
        sink.prorates_ends = self.prorates_ends;
        let rule = ProrationRule::per_unit(DayCount::ActualInclusive, Rounding::half_up(2));
        sink.proration = Some(rule);
        let mut source = SourceDescriptor::new("market", "Market");
        source.triggers = self.triggers;
        let context = PlanContext {
            source: &source,
            sink: &sink,
            now: self.now,
            accounts: &self.accounts,
            services: &self.services,
            first_sync: self.first_sync,
        };
        Planner::new(self.policy.clone())
            .plan(&reconciler.finish(), &context)
            .unwrap()
    }

    /// The world after the plan's ready changes, as a PSA would show it.
    pub(crate) fn applied(mut self, plan: &Plan) -> Self {
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
                        unit_price,
                        last_day,
                        ..
                    },
                    None,
                ) => {
                    let id = format!("new-{}", change.id);
                    let mut line = AgreementLine::new(id, change.product.clone(), *quantity);
                    line.state.unit_cost = *unit_cost;
                    line.state.unit_price = *unit_price;
                    line.marker = Some(change.marker.clone());
                    line.state.effective = Some(change.effective);
                    line.state.last_day = *last_day;
                    lines.push(line);
                }
                (Action::SetQuantity { to, .. }, Some(line)) => line.state.quantity = *to,
                (Action::SetUnitCost { to, .. }, Some(line)) => line.state.unit_cost = Some(*to),
                (Action::SetUnitPrice { to, .. }, Some(line)) => line.state.unit_price = Some(*to),
                (Action::EndLine { last_day, .. }, Some(line)) => {
                    line.state.last_day = Some(*last_day);
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        self
    }
}

pub(crate) fn seats(key: &str, service: &str, quantity: &str) -> UsageLine {
    let quantity: Quantity = quantity.parse().unwrap();
    UsageLine::new(key, format!("S-{service}"), quantity)
}

/// `lines` accounts of 10 seats each, of which `cut` fall to `to`.
pub(crate) fn cut(lines: u32, cut: u32, to: &str) -> World {
    (1..=lines).fold(World::new().service("mail"), |world, n| {
        let quantity = if n <= cut { to } else { "10" };
        world
            .account(n)
            .bills(n, &n.to_string(), "P-mail", "10")
            .reads(&format!("c-{n}"), vec![seats("sub:a", "mail", quantity)])
    })
}

pub(crate) fn kind_of(world: &World, what: &str) -> Kind {
    let kinds = world.kinds();
    kinds
        .iter()
        .find(|(name, _)| name == what)
        .unwrap_or_else(|| panic!("no {what} in {kinds:?}"))
        .1
}

pub(crate) fn actions(plan: &Plan) -> Vec<String> {
    plan.changes()
        .iter()
        .map(|change| change.action.to_string())
        .collect()
}

pub(crate) fn guards(plan: &Plan) -> Vec<Guard> {
    plan.changes()
        .iter()
        .flat_map(|change| change.blocks.iter().map(|block| block.guard))
        .collect()
}
