//! Serves a simulator with the demo book until it is interrupted.

use std::io::{self, Write as _};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::book::csp::{CspBook, CspBookOptions, SUBSCRIPTION_FIELD};
use tallyline_testkit::book::dandh::dandh_instead;
use tallyline_testkit::book::ingram::ingram_instead;
use tallyline_testkit::book::{Book, BookOptions};
use tallyline_testkit::clock::{Clock, date_of};
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState};
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};
use tallyline_testkit::contract;
use tallyline_testkit::dandh::{DandhSimulator, DandhState};
use tallyline_testkit::hyalto::{HyAltoSimulator, HyAltoState};
use tallyline_testkit::ingram::{IngramSimulator, IngramState};
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};
use tallyline_testkit::vcd::{VcdSimulator, VcdState};

/// Simulates a system on the loopback address.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Cli {
    #[command(subcommand)]
    system: System,
}

#[derive(Debug, Subcommand)]
enum System {
    /// The marketplace side.
    Sherweb(Serve),
    /// The PSA side.
    Connectwise {
        #[command(flatten)]
        serve: Serve,
        /// With the articles of D&H, which stands in Sherweb's place in the book.
        #[arg(long)]
        dandh: bool,
    },
    /// The marketplace side of the book of Microsoft subscriptions.
    Cloudmore(Serve),
    /// The PSA side of the book of Microsoft subscriptions.
    Autotask(Serve),
    /// The marketplace side, with D&H in Sherweb's place in the book.
    Dandh(Serve),
    /// The marketplace side of the demo book, as Ingram Micro has it; the PSA side is that of `connectwise`.
    Ingram(Serve),
    /// A provider at HyAlto, with three small accounts.
    Hyalto(Serve),
    /// A provider's VMware Cloud Director, with the same three accounts.
    Vcd(Serve),
}

#[derive(Clone, Debug, Args)]
struct Serve {
    /// The port; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Start without the demo book.
    #[arg(long)]
    empty: bool,
    /// The seed of the demo book; both sides need the same one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The vendor's accounts in the demo book.
    #[arg(long, default_value_t = 60)]
    accounts: usize,
    /// The usage lines in the demo book; the one of Microsoft subscriptions has as many as it needs.
    #[arg(long, default_value_t = 1200)]
    lines: usize,
    /// The day the clock starts on; today by default.
    #[arg(long)]
    today: Option<Date>,
    /// Print the special cases of the demo book.
    #[arg(long)]
    cases: bool,
}

impl Serve {
    fn today(&self) -> Date {
        self.today.unwrap_or_else(|| date_of(Timestamp::now()))
    }

    fn made(&self) -> Option<Book> {
        let (seed, accounts, lines, today) = (self.seed, self.accounts, self.lines, self.today());
        (!self.empty).then(|| {
            Book::generate(BookOptions {
                seed,
                accounts,
                lines,
                today,
            })
        })
    }

    fn told(&self, book: &Book) -> io::Result<()> {
        if self.cases {
            for note in book.cases() {
                say(&format!("{:?}: {}", note.case, note.sentence))?;
            }
        }
        Ok(())
    }

    fn book(&self) -> io::Result<Option<Book>> {
        let book = self.made();
        book.iter().try_for_each(|book| self.told(book))?;
        Ok(book)
    }

    /// The book with D&H in Sherweb's place.
    fn dandh_book(&self) -> io::Result<Option<(Book, DandhState)>> {
        let Some(mut book) = self.made() else {
            return Ok(None);
        };
        let dandh = dandh_instead(&mut book);
        self.told(&book)?;
        Ok(Some((book, dandh)))
    }

    fn csp_book(&self) -> io::Result<Option<CspBook>> {
        if self.empty {
            return Ok(None);
        }
        let book = CspBook::generate(CspBookOptions {
            seed: self.seed,
            organizations: self.accounts,
            today: self.today(),
        });
        if self.cases {
            for note in &book.notes {
                say(&format!("{:?}: {}", note.case, note.sentence))?;
            }
        }
        Ok(Some(book))
    }
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

#[tokio::main]
async fn main() -> io::Result<()> {
    contract::skip_quietly();
    match Cli::parse().system {
        System::Sherweb(serve) => sherweb(&serve).await,
        System::Connectwise { serve, dandh } => connectwise(&serve, dandh).await,
        System::Cloudmore(serve) => cloudmore(&serve).await,
        System::Autotask(serve) => autotask(&serve).await,
        System::Dandh(serve) => dandh(&serve).await,
        System::Ingram(serve) => ingram(&serve).await,
        System::Hyalto(serve) => hyalto(&serve).await,
        System::Vcd(serve) => vcd(&serve).await,
    }
}

async fn sherweb(serve: &Serve) -> io::Result<()> {
    let mut state = serve
        .book()?
        .map_or_else(|| SherwebState::on(serve.today()), |book| book.sherweb);
    state.clock = Clock::running_from(serve.today());
    let application = state.application.clone();
    let sim = SherwebSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL          {}", sim.base_url()))?;
    say(&format!("client id         {}", application.client_id))?;
    say(&format!("client secret     {}", application.client_secret))?;
    say(&format!(
        "subscription key  {}",
        application.subscription_key
    ))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn connectwise(serve: &Serve, dandh: bool) -> io::Result<()> {
    let book = if dandh {
        serve.dandh_book()?.map(|(book, _)| book)
    } else {
        serve.book()?
    };
    let mut state = book.map_or_else(
        || ConnectWiseState::on(serve.today()),
        |book| book.connectwise,
    );
    state.clock = Clock::running_from(serve.today());
    let credentials = state.credentials.clone();
    let sim = ConnectWiseSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL     {}", sim.base_url()))?;
    say(&format!("company id   {}", credentials.company_id))?;
    say(&format!("public key   {}", credentials.public_key))?;
    say(&format!("private key  {}", credentials.private_key))?;
    say(&format!("client id    {}", credentials.client_id))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn autotask(serve: &Serve) -> io::Result<()> {
    let mut state = serve.csp_book()?.map_or_else(
        || {
            let mut state = AutotaskState::on(serve.today());
            state.add_udf(Entity::Contracts, SUBSCRIPTION_FIELD);
            state
        },
        |book| book.autotask,
    );
    state.clock = Clock::running_from(serve.today());
    let credentials = state.credentials.clone();
    let sim = AutotaskSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL          {}", sim.base_url()))?;
    say(&format!(
        "integration code  {}",
        credentials.integration_code
    ))?;
    say(&format!("user name         {}", credentials.user))?;
    say(&format!("secret            {}", credentials.secret))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn cloudmore(serve: &Serve) -> io::Result<()> {
    let mut state = serve
        .csp_book()?
        .map_or_else(|| CloudmoreState::on(serve.today()), |book| book.cloudmore);
    state.clock = Clock::running_from(serve.today());
    let (credentials, reseller) = (state.credentials.clone(), state.reseller_id.clone());
    let sim = CloudmoreSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL       {}", sim.base_url()))?;
    say(&format!("reseller id    {reseller}"))?;
    say(&format!("user name      {}", credentials.username))?;
    say(&format!("password       {}", credentials.password))?;
    say(&format!("client id      {}", credentials.client_id))?;
    say(&format!("client secret  {}", credentials.client_secret))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn dandh(serve: &Serve) -> io::Result<()> {
    let book = serve.dandh_book()?;
    let mut state = book.map_or_else(|| DandhState::on(serve.today()), |(_, dandh)| dandh);
    state.clock = Clock::running_from(serve.today());
    let (credentials, parent) = (state.credentials.clone(), state.reseller_id);
    let sim = DandhSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL           {}", sim.rest_url()))?;
    say(&format!("user name          {}", credentials.username))?;
    say(&format!("password           {}", credentials.password))?;
    say(&format!("parent account id  {parent}"))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn ingram(serve: &Serve) -> io::Result<()> {
    let book = serve.book()?;
    let mut state = book.map_or_else(
        || IngramState::on(serve.today()),
        |mut book| ingram_instead(&mut book),
    );
    state.clock = Clock::running_from(serve.today());
    let (credentials, marketplace) = (state.credentials.clone(), state.marketplace.clone());
    let sim = IngramSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL          {}", sim.api_url()))?;
    say(&format!("marketplace       {marketplace}"))?;
    say(&format!("user name         {}", credentials.username))?;
    say(&format!("password          {}", credentials.password))?;
    say(&format!(
        "subscription key  {}",
        credentials.subscription_key
    ))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn hyalto(serve: &Serve) -> io::Result<()> {
    let mut state = HyAltoState::on(serve.today());
    if !serve.empty {
        state.add_sample();
    }
    state.clock = Clock::running_from(serve.today());
    let credentials = state.credentials.clone();
    let sim = HyAltoSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL    {}", sim.base_url()))?;
    say(&format!("access key  {}", credentials.access_key))?;
    say(&format!("secret key  {}", credentials.secret_key))?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

async fn vcd(serve: &Serve) -> io::Result<()> {
    let mut state = VcdState::on(serve.today());
    if !serve.empty {
        state.add_sample();
    }
    state.clock = Clock::running_from(serve.today());
    let (users, tokens) = (state.users.clone(), state.api_tokens.clone());
    let sim = VcdSimulator::start_on(serve.port, state).await?;
    say(&format!("base URL   {}", sim.base_url()))?;
    for user in users {
        let (org, name, password) = (user.org, user.name, user.password);
        say(&format!("{org}: user {name}, password {password}"))?;
    }
    for token in tokens {
        say(&format!("{}: API token {}", token.org, token.token))?;
    }
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}
