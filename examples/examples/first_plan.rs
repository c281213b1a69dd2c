//! From two connections to a printed plan. Reads both sides, writes nothing.
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::flow::Flow;
use tallyline_core::mapping::{Mapping, MatchOptions, auto_link_accounts, auto_link_services};
use tallyline_core::model::Timestamp;
use tallyline_core::{Error, ErrorKind, Result, plan::Policy};
use tallyline_sherweb::SherwebClient;

#[tokio::main]
async fn main() -> Result<()> {
    let source = SherwebClient::builder()
        .client_id(env("SHERWEB_CLIENT_ID")?)
        .client_secret(env("SHERWEB_CLIENT_SECRET")?.into())
        .subscription_key(env("SHERWEB_SUBSCRIPTION_KEY")?.into())
        .build()?;
    let client = ConnectWiseClient::builder()
        .site(env("CONNECTWISE_SITE")?)
        .company_id(env("CONNECTWISE_COMPANY_ID")?)
        .public_key(env("CONNECTWISE_PUBLIC_KEY")?)
        .private_key(env("CONNECTWISE_PRIVATE_KEY")?)
        .client_id(env("CONNECTWISE_CLIENT_ID")?)
        .build()?;
    let sink = ConnectWiseSink::builder().client(client).build();

    let flow = Flow::new(&source, &sink);
    let all = flow.lists().await?;
    let mut mapping = Mapping::new();
    auto_link_accounts(&mut mapping, &all.accounts, &all.companies, &all.agreements);
    let options = MatchOptions::new().with_vendor("Sherweb");
    auto_link_services(&mut mapping, &all.services, &all.products, &options);

    let (policy, now) = (Policy::default(), Timestamp::now());
    let plan = flow.plan(&all, &mapping, &policy, now).await?;
    std::io::Write::write_all(&mut std::io::stdout(), plan.to_text()?.as_bytes())
        .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
}

fn env(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| Error::new(ErrorKind::Config, format!("set {name}")))
}
