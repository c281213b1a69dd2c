//! A vendor with the business of the second demo book, and a month that goes by there.

use jiff::ToSpan as _;
use rust_decimal::Decimal;
use tallyline_core::model::Timestamp;
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::book::csp::{CspBook, CspBookOptions, CspCase};
use tallyline_testkit::book::csp_moved::Ids;
use tallyline_testkit::book::csp_sherweb::{refresh, sherweb_of};
use tallyline_testkit::book::{csp_dandh, csp_ingram};
use tallyline_testkit::clock::Clock as Hands;
use tallyline_testkit::cloudmore::CloudmoreState;

use super::super::telling::instant;
use super::super::vendor::{Simulator, Vendor};
use crate::cli::{DemoArgs, DemoSource};

/// What a vendor in Cloudmore's place is kept up to.
struct Business {
    /// What Cloudmore would hold.
    book: CloudmoreState,
    /// The vendor's own ids, where it has any.
    ids: Ids,
}

/// A vendor, its business, and the clock of all that plays.
pub(in super::super) struct Market {
    /// The book, as it was at the start.
    pub(in super::super) book: CspBook,
    /// The vendor.
    pub(in super::super) vendor: Vendor,
    /// The clock of every simulator.
    pub(in super::super) hands: Hands,
    business: Business,
}

/// What a new month brought.
pub(in super::super) struct News {
    /// What happened, in words.
    pub(in super::super) sentences: Vec<String>,
    /// How many changes it asks for.
    pub(in super::super) changes: usize,
}

impl Market {
    /// Makes the book, and starts the vendor on this machine.
    pub(in super::super) async fn open(args: &DemoArgs) -> Result<Self> {
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
            DemoSource::Hyalto | DemoSource::Vcd => {
                return Err(Error::new(
                    ErrorKind::Config,
                    "the demo of a private cloud plays to ConnectWise PSA; give --sink connectwise",
                ));
            }
        };
        let business = Business {
            book: book.cloudmore.clone(),
            ids,
        };
        Ok(Self {
            book,
            vendor,
            hands,
            business,
        })
    }

    /// The book's own present.
    pub(in super::super) fn now(&self) -> Timestamp {
        instant(&self.hands)
    }

    /// The name of a client.
    pub(in super::super) fn client(&self, id: &str) -> String {
        name_of(&self.business.book, id)
    }

    /// The licences that a client holds of each article, by both names, as the business has it today.
    pub(in super::super) fn licences(&self) -> Vec<(String, String, Decimal)> {
        let live;
        let state = match &self.vendor.simulator {
            Simulator::Cloudmore(simulator) => {
                live = simulator.state();
                &live
            }
            _ => &self.business.book,
        };
        let today = state.clock.today();
        let own = state.subscriptions.values();
        let licences = own.filter_map(|own| {
            let service = state.service_of(own)?;
            let product = state.products.get(&own.product_id)?;
            let held = own.quantity_on(today);
            (!service.kind.in_arrears()).then(|| {
                let client = name_of(state, &own.organization_id);
                (client, product.name.clone(), held)
            })
        });
        licences.collect()
    }

    /// Cancels the subscription of a case two weeks after the last bill, and says so.
    pub(in super::super) fn end(&mut self, case: CspCase) -> Option<String> {
        let note = self.book.case(case).cloned()?;
        let last = self.book.last_bill;
        let on = last.checked_add(2.weeks()).unwrap_or(last);
        self.business(|state| state.cancel(&note.subscription_id, on));
        let client = self.client(&note.organization_id);
        Some(format!("{client} cancelled a subscription on {on}."))
    }

    /// Lets a month go by, with a new bill at its end.
    pub(in super::super) fn next_bill(&mut self) -> News {
        let last = self.book.last_bill;
        let next = last.checked_add(1.month()).unwrap_or(last);
        let mut sentences = Vec::new();
        let bills = matches!(
            self.vendor.simulator,
            Simulator::Cloudmore(_) | Simulator::Sherweb(_)
        );
        let buyer = self.book.case(CspCase::Increase).cloned();
        let user = self.book.case(CspCase::AzureConsumption).cloned();
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

fn name_of(state: &CloudmoreState, id: &str) -> String {
    let found = state.organizations.get(id);
    found
        .map(|organization| organization.name.clone())
        .unwrap_or_default()
}
