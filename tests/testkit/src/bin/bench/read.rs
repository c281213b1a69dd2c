//! Reading agreements and their additions from a ConnectWise-shaped server.

use std::future::Future;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::{StreamExt as _, TryStreamExt as _};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Number;
use tallyline_connectwise::models::{Addition, Agreement};
use tallyline_connectwise::{ConnectWiseClient, ListOptions};
use tallyline_core::http::{Limiter, LimiterOptions};

use super::Failure;
use super::figures::{Figures, ratio, seconds};
use super::measure::{Took, Watch};

/// More than any list here has.
const MOST: usize = 1_000_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's root: `http://localhost:PORT`. HTTPS needs a certificate that the system trusts.
    #[arg(long)]
    url: String,
    /// How many requests are under way at once.
    #[arg(long, default_value = "16")]
    concurrency: NonZeroUsize,
    /// Read by a loop written by hand on reqwest, with the same concurrency: into the same models, or into plain
    /// structs of the few fields that a user would look at.
    #[arg(long, value_name = "INTO", num_args = 0..=1, default_missing_value = "models")]
    baseline: Option<Baseline>,
    /// How often; the figures are those of the run of the median time.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What the loop by hand decodes into.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Baseline {
    Models,
    Plain,
}

pub(crate) async fn run(options: &Options) -> Result<Figures, Failure> {
    let mut runs = Vec::new();
    let (client, by_hand) = (client(options)?, ByHand::new(options)?);
    let concurrency = options.concurrency.get();
    for _ in 0..options.runs.max(1) {
        runs.push(match options.baseline {
            None => timed(lines(&client, concurrency)).await?,
            Some(Baseline::Models) => timed(by_hand.models(concurrency)).await?,
            Some(Baseline::Plain) => timed(by_hand.plain(concurrency)).await?,
        });
    }
    runs.sort_unstable_by_key(|(_, took)| *took);
    let (lines, took) = runs.get(runs.len() / 2).copied().unwrap_or_default();
    if runs.iter().any(|(other, _)| *other != lines) {
        return Err("not every run has read as many lines".into());
    }
    let mut figures = Figures::new();
    figures.text(
        "reader",
        match options.baseline {
            None => "tallyline",
            Some(Baseline::Models) => "reqwest",
            Some(Baseline::Plain) => "reqwest, plain",
        },
    );
    figures.count("lines", lines);
    figures.seconds("seconds", took.wall);
    figures.seconds("cpu_seconds", took.cpu);
    let microseconds = seconds(took.cpu) * Decimal::from(1_000_000);
    figures.number("cpu_microseconds_a_line", ratio(microseconds, lines.into()));
    Ok(figures)
}

async fn timed(work: impl Future<Output = Result<u64, Failure>>) -> Result<(u64, Took), Failure> {
    let watch = Watch::start();
    let lines = work.await?;
    Ok((lines, watch.took()))
}

fn client(options: &Options) -> Result<ConnectWiseClient, Failure> {
    let without_rate = NonZeroU32::new(1_000_000);
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: options.concurrency.get(),
        per_second: without_rate,
        burst: without_rate,
        ..LimiterOptions::default()
    });
    let client = ConnectWiseClient::builder()
        .site(&options.url)
        .company_id("example")
        .public_key("example-public")
        .private_key("example-private")
        .client_id("00000000-0000-4000-8000-000000000000")
        .limiter(Arc::new(limiter))
        .build()?;
    Ok(client)
}

/// Reads all lines with the client.
async fn lines(client: &ConnectWiseClient, concurrency: usize) -> Result<u64, Failure> {
    let options = &ListOptions::default();
    let agreements = client.agreements(options).try_collect_all(MOST).await?;
    futures::stream::iter(agreements)
        .map(|agreement| async move {
            let id = agreement.id.ok_or("an agreement has no id")?;
            let additions = client.additions(id, options).try_collect_all(MOST).await?;
            Ok::<_, Failure>(additions.len() as u64)
        })
        .buffer_unordered(concurrency)
        .try_fold(0, |sum, lines| async move { Ok(sum + lines) })
        .await
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and let go of")]
struct PlainReference {
    id: i64,
    identifier: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and let go of")]
struct PlainAgreement {
    id: i64,
    name: String,
    company: PlainReference,
}

/// Numbers are as `serde_json` has them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoded, and let go of")]
struct PlainAddition {
    id: i64,
    product: PlainReference,
    quantity: Number,
    unit_price: Number,
    unit_cost: Number,
    effective_date: String,
    cancelled_date: Option<String>,
}

/// What a user would write without a client.
struct ByHand {
    client: reqwest::Client,
    base: String,
}

impl ByHand {
    fn new(options: &Options) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()?;
        let root = options.url.trim_end_matches('/');
        Ok(Self {
            client,
            base: format!("{root}/v4_6_release/apis/3.0"),
        })
    }

    async fn models(&self, concurrency: usize) -> Result<u64, Failure> {
        self.lines::<Agreement, Addition>(concurrency, |agreement| agreement.id)
            .await
    }

    async fn plain(&self, concurrency: usize) -> Result<u64, Failure> {
        self.lines::<PlainAgreement, PlainAddition>(concurrency, |agreement| Some(agreement.id))
            .await
    }

    async fn lines<A: DeserializeOwned, L: DeserializeOwned>(
        &self,
        concurrency: usize,
        id_of: fn(&A) -> Option<i64>,
    ) -> Result<u64, Failure> {
        let agreements: Vec<A> = self.list("/finance/agreements").await?;
        futures::stream::iter(agreements)
            .map(|agreement| async move {
                let id = id_of(&agreement).ok_or("an agreement has no id")?;
                let path = format!("/finance/agreements/{id}/additions");
                let additions: Vec<L> = self.list(&path).await?;
                Ok::<_, Failure>(additions.len() as u64)
            })
            .buffer_unordered(concurrency)
            .try_fold(0, |sum, lines| async move { Ok(sum + lines) })
            .await
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let mut records = Vec::new();
        let mut next = Some(format!("{}{path}?pageSize=1000&page=1", self.base));
        while let Some(url) = next {
            let request = self
                .client
                .get(url)
                .basic_auth("example+example-public", Some("example-private"))
                .header("clientId", "00000000-0000-4000-8000-000000000000");
            let answer = request.send().await?.error_for_status()?;
            let link = answer
                .headers()
                .get("link")
                .and_then(|link| link.to_str().ok());
            next = link.and_then(next_of);
            let page: Vec<T> = serde_json::from_slice(&answer.bytes().await?)?;
            records.extend(page);
        }
        Ok(records)
    }
}

/// The address of the next page in a `Link` header.
fn next_of(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let address = next.split(';').next()?.trim();
    Some(address.strip_prefix('<')?.strip_suffix('>')?.to_owned())
}
