//! ConnectWise PSA and a vendor with one book of business, and real clients on them.

use std::sync::Arc;

use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::http::Limiter;
use tallyline_core::model::Timestamp;
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::book::dandh::{DANDH, dandh_instead};
use tallyline_testkit::book::ingram::{INGRAM, ingram_instead};
use tallyline_testkit::book::{Book, BookOptions};
use tallyline_testkit::connectwise::ConnectWiseSimulator;

use super::telling::{instant, no_simulator};
use super::vendor::{Vendor, quick};
use crate::cli::{DemoArgs, DemoSource};

/// What the PSA calls Sherweb.
const SHERWEB: &str = "Sherweb";

/// What the demo plays on.
pub(super) struct Stage {
    /// The book, as it was at the start.
    pub(super) book: Book,
    /// The vendor.
    pub(super) vendor: Vendor,
    /// What the PSA's products call the vendor.
    pub(super) known_as: &'static str,
    /// The simulated PSA.
    pub(super) psa: ConnectWiseSimulator,
    /// The PSA's side.
    pub(super) sink: ConnectWiseSink,
    /// The book's own present.
    pub(super) now: Timestamp,
}

impl Stage {
    /// Makes the book, starts both simulators on this machine and connects to them.
    pub(super) async fn set(args: &DemoArgs) -> Result<Self> {
        tallyline_testkit::contract::skip_quietly();
        let mut book = Book::generate(BookOptions {
            seed: args.seed,
            accounts: args.accounts,
            lines: args.lines,
            ..BookOptions::default()
        });
        let hands = book.sherweb.clock.clone();
        let now = instant(&hands);
        let (vendor, known_as) = match args.source {
            DemoSource::Dandh => (Vendor::dandh(dandh_instead(&mut book)).await?, DANDH),
            DemoSource::Ingram => {
                let state = ingram_instead(&mut book);
                (Vendor::ingram(state, &hands).await?, INGRAM)
            }
            DemoSource::Sherweb => (Vendor::sherweb(book.sherweb.clone()).await?, SHERWEB),
            DemoSource::Cloudmore | DemoSource::Hyalto | DemoSource::Vcd => {
                return Err(Error::new(
                    ErrorKind::Config,
                    "this is no demo of seats on agreements: Cloudmore's is --sink autotask",
                ));
            }
        };
        let psa = ConnectWiseSimulator::start(book.connectwise.clone())
            .await
            .map_err(no_simulator)?;
        let credentials = &book.connectwise.credentials;
        let client = ConnectWiseClient::builder()
            .site(psa.base_url().as_str())
            .company_id(&credentials.company_id)
            .public_key(&credentials.public_key)
            .private_key(credentials.private_key.as_str())
            .client_id(&credentials.client_id)
            .retry(quick())
            .limiter(Arc::new(Limiter::default()))
            .build()?;
        let sink = ConnectWiseSink::builder()
            .client(client)
            .clock(Arc::new(move || now))
            .build();
        Ok(Self {
            book,
            vendor,
            known_as,
            psa,
            sink,
            now,
        })
    }
}
