//! Autotask and a vendor with the business of one book, and real clients on them.

use std::sync::Arc;

use jiff::ToSpan as _;
use rust_decimal::Decimal;
use tallyline_autotask::{AutotaskClient, AutotaskSink, ContractKey, ContractSetup, EffectiveDays};
use tallyline_core::Result;
use tallyline_core::model::{Currency, Timestamp};
use tallyline_testkit::autotask::AutotaskSimulator;
use tallyline_testkit::book::csp::{CspBook, CspBookOptions, CspCase, SUBSCRIPTION_FIELD};
use tallyline_testkit::book::csp_moved::Ids;
use tallyline_testkit::book::csp_sherweb::{refresh, sherweb_of};
use tallyline_testkit::book::{csp_dandh, csp_ingram};
use tallyline_testkit::clock::Clock as Hands;
use tallyline_testkit::cloudmore::CloudmoreState;

use super::super::telling::{instant, no_simulator};
use super::super::vendor::{Simulator, Vendor, quick};
use crate::cli::{DemoArgs, DemoSource};

/// The use types of billing codes in Autotask.
const MATERIAL: i64 = 4;
const RECURRING: i64 = 5;

/// What a vendor in Cloudmore's place is kept up to.
struct Business {
    /// What Cloudmore would hold.
    book: CloudmoreState,
    /// The vendor's own ids, where it has any.
    ids: Ids,
}

/// What the demo plays on.
pub(super) struct Stage {
    /// The book, as it was at the start.
    pub(super) book: CspBook,
    /// The vendor.
    pub(super) vendor: Vendor,
    business: Business,
    /// The simulated PSA.
    pub(super) psa: AutotaskSimulator,
    /// The PSA's side.
    pub(super) sink: AutotaskSink,
    /// The clock of both simulators.
    hands: Hands,
}

/// What a new month brought.
pub(super) struct News {
    /// What happened, in words.
    pub(super) sentences: Vec<String>,
    /// How many changes it asks for.
    pub(super) changes: usize,
}

impl Stage {
    /// Makes the book, starts both simulators on this machine and connects to them.
    pub(super) async fn set(args: &DemoArgs) -> Result<Self> {
        tallyline_testkit::contract::skip_quietly();
        let mut book = CspBook::generate(CspBookOptions {
            seed: args.seed,
            organizations: args.accounts,
            ..CspBookOptions::default()
        });
        let hands = book.cloudmore.clock.clone();
        let mut ids = Ids::default();
        let vendor = match args.source {
            DemoSource::Cloudmore => Vendor::cloudmore(book.cloudmore.clone(), &hands).await?,
            DemoSource::Dandh => {
                let state;
                (state, ids) = csp_dandh::dandh_instead(&mut book);
                Vendor::dandh(state).await?
            }
            DemoSource::Ingram => {
                let state;
                (state, ids) = csp_ingram::ingram_instead(&mut book);
                Vendor::ingram(state, &hands).await?
            }
            DemoSource::Sherweb => Vendor::sherweb(sherweb_of(&book.cloudmore)).await?,
        };
        let psa = AutotaskSimulator::start(book.autotask.clone())
            .await
            .map_err(no_simulator)?;
        let business = Business {
            book: book.cloudmore.clone(),
            ids,
        };
        let sink = autotask(&book, &psa, &hands)?;
        Ok(Self {
            book,
            vendor,
            business,
            psa,
            sink,
            hands,
        })
    }

    /// The book's own present.
    pub(super) fn now(&self) -> Timestamp {
        instant(&self.hands)
    }

    /// Lets a month go by, with a new bill at its end.
    pub(super) fn next_bill(&mut self) -> News {
        let last = self.book.last_bill;
        let next = last.checked_add(1.month()).unwrap_or(last);
        let mut sentences = Vec::new();
        let bills = matches!(
            self.vendor.simulator,
            Simulator::Cloudmore(_) | Simulator::Sherweb(_)
        );
        let buyer = self.book.case(CspCase::Increase).cloned();
        let user = self.book.case(CspCase::AzureConsumption).cloned();
        let name_of = |state: &CloudmoreState, id: &str| {
            let found = state.organizations.get(id);
            found
                .map(|organization| organization.name.clone())
                .unwrap_or_default()
        };
        self.hands
            .set_day(next.checked_add(4.days()).unwrap_or(next));
        self.business(|state| {
            if let Some(note) = &buyer {
                let bought = last.checked_add(2.weeks()).unwrap_or(last);
                let quantity = Decimal::from(note.vendor_quantity + 4);
                state.change_quantity(&note.subscription_id, bought, quantity);
                sentences.push(format!(
                    "{} bought 4 more licences on {bought}.",
                    name_of(state, &note.organization_id)
                ));
            }
            if let Some(note) = &user {
                for day in 1..=28_i64 {
                    let on = last.checked_add(day.days()).unwrap_or(last);
                    let unit = (Decimal::new(1_379, 5), Decimal::new(16_548, 6));
                    let hours = Decimal::new(24_000 + day * 37, 3);
                    state.add_usage(&note.subscription_id, on, "Compute hours", hours, unit);
                }
                sentences.push(format!(
                    "{} used Azure on 28 days.",
                    name_of(state, &note.organization_id)
                ));
            }
            state.generate_bills(next);
        });
        let changes = sentences.len();
        if bills {
            sentences.push(format!("The bill of {next} is there."));
        }
        News { sentences, changes }
    }

    /// Changes the business, wherever it is kept.
    fn business(&mut self, change: impl FnOnce(&mut CloudmoreState)) {
        let Business { book, ids } = &mut self.business;
        if let Simulator::Cloudmore(simulator) = &self.vendor.simulator {
            return simulator.with_state(change);
        }
        change(book);
        match &self.vendor.simulator {
            Simulator::Cloudmore(_) => {}
            Simulator::Dandh(it) => it.with_state(|state| csp_dandh::refresh(state, book, ids)),
            Simulator::Ingram(it) => it.with_state(|state| csp_ingram::refresh(state, book, ids)),
            Simulator::Sherweb(it) => it.with_state(|state| refresh(state, book)),
        }
    }
}

fn autotask(book: &CspBook, psa: &AutotaskSimulator, hands: &Hands) -> Result<AutotaskSink> {
    let credentials = &book.autotask.credentials;
    let client = AutotaskClient::builder()
        .lookup_url(format!("{}ATServicesRest", psa.base_url()))
        .user_name(&credentials.user)
        .integration_code(credentials.integration_code.as_str())
        .secret(credentials.secret.as_str())
        .retry(quick())
        .build()?;
    let mut setup = ContractSetup::new();
    setup.service_billing_code = book.autotask.billing_code(RECURRING);
    setup.product_billing_code = book.autotask.billing_code(MATERIAL);
    setup.service_level_agreement = Some(1);
    let hands = hands.clone();
    Ok(AutotaskSink::builder()
        .client(client)
        .currency(Currency::USD)
        .contract_key(ContractKey::UserDefinedField(SUBSCRIPTION_FIELD.to_owned()))
        .setup(setup)
        // What was billed in advance counts from the first day of its period.
        .effective_days(EffectiveDays::OpenPeriod)
        .clock(Arc::new(move || instant(&hands)))
        .build())
}
