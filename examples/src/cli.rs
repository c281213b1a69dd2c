//! What can be said on the command line.

mod map;

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tallyline_core::model::{
    AgreementId, AgreementLineId, CivilDate, CompanyId, ProductId, Timestamp,
};

pub(crate) use map::{
    AcceptCommand, ClearCommand, ExcludeCommand, MapCommand, NoteCommand, RoundingArg, SetCommand,
    SwitchCommand, TagArgs, TagCommand,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  an error; for apply also a change that failed or whose outcome is not known
  2  plan, export, show, retry, undo: changes are pending, or the vendor shows no usage at all.
     apply: stopped with changes left
  3  something is blocked and waits for a person (wins over 2, but for apply that was stopped)";

/// Keeps what your PSA bills in step with what your vendor charges.
#[derive(Debug, Parser)]
#[command(name = "tallyline", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "TALLYLINE_CONFIG",
        default_value = "tallyline.toml",
        value_name = "FILE"
    )]
    pub(crate) config: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log to standard error, such as `info` or `tallyline_core=debug` [default: warn, of calls only errors].
    #[arg(long, global = true, env = "TALLYLINE_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// The instant to plan for instead of the present one, for rehearsals against simulators.
    /// Changes are applied by it only where the PSA is on this machine.
    #[arg(
        long,
        global = true,
        env = "TALLYLINE_NOW",
        hide = true,
        value_name = "INSTANT"
    )]
    pub(crate) now: Option<Timestamp>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole round on two simulators: no configuration, no real data.
    Demo(DemoArgs),
    /// Check both connections: who the credentials are, what they may do, what is missing.
    Check,
    /// List the vendor's accounts and what each is linked to.
    Accounts,
    /// List the vendor's services and what each is linked to.
    Services,
    /// Make in the PSA what the vendor's services need there, before the first plan: in ConnectWise PSA a product for
    /// each service, to which it is then linked, in Gradient clients and services. Shows it; makes it with --yes.
    Prepare(PrepareArgs),
    /// Decide which account is which company, and which service is which product.
    #[command(subcommand)]
    Map(MapCommand),
    /// Finish the set-up: needs one account and one service linked, and runs the first sync.
    Finish(FinishArgs),
    /// Switch the integration off: nothing is planned or applied until it is enabled.
    Disable,
    /// Switch the integration on again.
    Enable,
    /// Forget that the connections work; the mapping stays.
    Disconnect,
    /// Read both sides and write down what would bring them in step. Changes nothing.
    Plan(PlanArgs),
    /// Leave lines as they are for the rest of the billing period, or until the vendor shows another value.
    /// To leave out an account or a service for good: `map exclude`.
    Dismiss(DismissArgs),
    /// Take dismissals back.
    Restore(RestoreArgs),
    /// Plan the other way: which of the PSA's companies become accounts of the vendor (Cloudmore), and which
    /// accounts get a company's id. Changes nothing: the plan is applied like any other.
    Export(ExportArgs),
    /// Show a plan file. Refuses one that was edited.
    Show(ShowArgs),
    /// Carry out a plan file and verify every change by reading it back.
    Apply(ApplyArgs),
    /// Show the last runs, what is left of them, and which command does it.
    Status(StatusArgs),
    /// Plan again what a run could not do, on what both sides show now, and nothing else.
    Retry(RetryArgs),
    /// Plan the inverse of a run. Changes nothing: the plan is applied like any other.
    Undo(UndoArgs),
    /// Show who changed which line, when, from what to what, and on which evidence.
    History(HistoryArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// The vendor.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) source: DemoSource,
    /// The billing system.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sink: DemoSink,
    /// The vendor's accounts: 20 to 2000, for each special case has one of its own.
    #[arg(long, default_value_t = 60, value_parser = RangedU64ValueParser::<usize>::new().range(20..=2000))]
    pub(crate) accounts: usize,
    /// The usage lines, over all accounts: 100 to 100000. Of Autotask and Gradient there are as many as
    /// the accounts need.
    #[arg(long, default_value_t = 1200, value_parser = RangedU64ValueParser::<usize>::new().range(100..=100_000))]
    pub(crate) lines: usize,
    /// The same seed gives the same book of business.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Leave the simulators running afterwards, with a configuration to try commands on.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Let everything go wrong while the plan is carried out, and show what becomes of it.
    #[arg(long, conflicts_with = "keep")]
    pub(crate) faults: bool,
}

/// A vendor that a demo plays on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoSource {
    /// Sherweb.
    #[default]
    Sherweb,
    /// Cloudmore.
    Cloudmore,
    /// D&H.
    Dandh,
    /// Ingram Micro.
    Ingram,
    /// HyAlto: private clouds, to ConnectWise PSA.
    Hyalto,
    /// VMware Cloud Director: private clouds, to ConnectWise PSA.
    Vcd,
}

/// A billing system that a demo plays on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoSink {
    /// ConnectWise PSA.
    #[default]
    Connectwise,
    /// Autotask.
    Autotask,
    /// Gradient, for those who reconcile there.
    Gradient,
}

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// Make it.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Where to write the plan.
    #[arg(long, default_value = "plan.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print every notice, however many.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FinishArgs {
    /// Where to write the plan of the first sync.
    #[arg(long, default_value = "plan.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print every notice, however many.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DismissArgs {
    /// The PSA's agreement id.
    #[arg(long, value_name = "ID")]
    pub(crate) agreement: AgreementId,
    /// The PSA's product id, or its identifier; may be given more than once.
    #[arg(long = "product", value_name = "ID", required = true)]
    pub(crate) products: Vec<ProductId>,
    /// Why, for whoever looks at it later.
    #[arg(long)]
    pub(crate) reason: String,
    /// Who dismisses it; whoever is logged in by default.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The PSA's agreement id.
    #[arg(long, value_name = "ID")]
    pub(crate) agreement: AgreementId,
    /// The PSA's product id; may be given more than once.
    #[arg(long = "product", value_name = "ID", required = true)]
    pub(crate) products: Vec<ProductId>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Where to write the plan.
    #[arg(long, default_value = "export-plan.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Leave out this company, by its id in the PSA; may be given more than once.
    #[arg(long, value_name = "COMPANY_ID")]
    pub(crate) except: Vec<CompanyId>,
    /// Print every notice, however many.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The plan file.
    pub(crate) plan: PathBuf,
    /// Print every notice, however many.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The plan file; may be left out with --resume.
    #[arg(required_unless_present = "resume")]
    pub(crate) plan: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Approve this change (its id, or the id's beginning) and no other; may be given more than once.
    #[arg(long, value_name = "CHANGE_ID")]
    pub(crate) only: Vec<String>,
    /// Take no further change in hand after so many minutes; what is left can be resumed.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) deadline: Option<u32>,
    /// Carry out a blocked change all the same: its id (or the id's beginning) and why.
    #[arg(long = "override", value_name = "CHANGE_ID=REASON", requires = "by")]
    pub(crate) overrides: Vec<String>,
    /// Who approves the plan and answers for the overrides; whoever is logged in by default.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Go on with the run, of this plan where one is named, that was interrupted.
    #[arg(long, conflicts_with_all = ["overrides", "only"])]
    pub(crate) resume: bool,
    /// Which run, where several were interrupted: its id, or the id's beginning; see `tallyline status`.
    #[arg(long, value_name = "RUN", requires = "resume")]
    pub(crate) run: Option<String>,
}

fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("show at least one".to_owned()),
        Ok(runs) => Ok(runs),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// How many runs to show, from 1 on.
    #[arg(long, default_value_t = 5, value_parser = at_least_one)]
    pub(crate) runs: usize,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The run: its id, or the id's beginning; see `tallyline status`.
    pub(crate) run: String,
    /// Where to write the plan.
    #[arg(long, default_value = "retry-plan.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Carry out what the approval of the run covers: the same lines and kinds of change, and
    /// nothing larger.
    #[arg(long)]
    pub(crate) apply: bool,
    /// Do not ask.
    #[arg(long, requires = "apply")]
    pub(crate) yes: bool,
    /// Take no further change in hand after so many minutes; what is left can be resumed.
    #[arg(long, value_name = "MINUTES", requires = "apply")]
    pub(crate) deadline: Option<u32>,
    /// Who carries it out; whoever is logged in by default.
    #[arg(long, value_name = "NAME", requires = "apply")]
    pub(crate) by: Option<String>,
    /// Print every notice, however many.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The run: its id, or the id's beginning; see `tallyline status`.
    pub(crate) run: String,
    /// Where to write the plan.
    #[arg(long, default_value = "undo-plan.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only of this agreement, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) agreement: Option<AgreementId>,
    /// Only of this line, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) line: Option<AgreementLineId>,
    /// Only of this company, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) company: Option<CompanyId>,
    /// Only of this product, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) product: Option<ProductId>,
    /// Only what was written on this day (UTC) or later.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<CivilDate>,
    /// How to print it. CSV is safe to open in a spreadsheet, and its titles state the units.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: HistoryFormat,
}

/// How a history is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// For reading.
    #[default]
    Text,
    /// For a spreadsheet.
    Csv,
    /// For a program.
    Json,
}
