//! Both simulators with one book of business, and real clients on them.

use std::sync::Arc;
use std::time::Duration;

use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::Result;
use tallyline_core::http::{Limiter, RetryPolicy};
use tallyline_core::model::Timestamp;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::book::{Book, BookOptions};
use tallyline_testkit::connectwise::ConnectWiseSimulator;
use tallyline_testkit::sherweb::SherwebSimulator;

use super::telling::no_simulator;
use crate::cli::DemoArgs;

/// What the demo plays on.
pub(super) struct Stage {
    /// The book, as it was at the start.
    pub(super) book: Book,
    /// The simulated vendor.
    pub(super) vendor: SherwebSimulator,
    /// The simulated PSA.
    pub(super) psa: ConnectWiseSimulator,
    /// The vendor's side.
    pub(super) source: SherwebClient,
    /// The PSA's side.
    pub(super) sink: ConnectWiseSink,
    /// The book's own present.
    pub(super) now: Timestamp,
}

impl Stage {
    /// Makes the book, starts both simulators on this machine and connects to them.
    pub(super) async fn set(args: &DemoArgs) -> Result<Self> {
        tallyline_testkit::contract::skip_quietly();
        let book = Book::generate(BookOptions {
            seed: args.seed,
            accounts: args.accounts,
            lines: args.lines,
            ..BookOptions::default()
        });
        let vendor = SherwebSimulator::start(book.sherweb.clone())
            .await
            .map_err(no_simulator)?;
        let psa = ConnectWiseSimulator::start(book.connectwise.clone())
            .await
            .map_err(no_simulator)?;
        let now: Timestamp = vendor.clock().now().to_string().parse()?;
        // On this machine nobody needs time to recover.
        let retry = RetryPolicy {
            max_attempts: 2,
            min_delay: Duration::from_millis(10),
            ..RetryPolicy::default()
        };
        let application = &book.sherweb.application;
        let source = SherwebClient::builder()
            .base_url(vendor.base_url().as_str())
            .client_id(&application.client_id)
            .client_secret(application.client_secret.as_str().into())
            .subscription_key(application.subscription_key.as_str().into())
            .retry(retry.clone())
            .build()?;
        let credentials = &book.connectwise.credentials;
        let client = ConnectWiseClient::builder()
            .site(psa.base_url().as_str())
            .company_id(&credentials.company_id)
            .public_key(&credentials.public_key)
            .private_key(credentials.private_key.as_str())
            .client_id(&credentials.client_id)
            .retry(retry)
            .limiter(Arc::new(Limiter::default()))
            .build()?;
        let sink = ConnectWiseSink::builder()
            .client(client)
            .clock(Arc::new(move || now))
            .build();
        Ok(Self {
            book,
            vendor,
            psa,
            source,
            sink,
            now,
        })
    }
}
