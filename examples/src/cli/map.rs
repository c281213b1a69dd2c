//! What can be said after `map`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tallyline_core::mapping::{DailyCount, Part, Tag};
use tallyline_core::model::{
    AgreementId, CompanyId, ProductId, Quantity, ServiceKey, VendorAccountId,
};

#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// List what is decided.
    List {
        /// Do not connect: show ids without names.
        #[arg(long)]
        offline: bool,
        /// Only what carries this tag.
        #[arg(long)]
        tag: Option<Tag>,
    },
    /// Link what has exactly the same name, uniquely, on both sides.
    Auto {
        /// Only show what would be linked.
        #[arg(long)]
        dry_run: bool,
    },
    /// Suggest links for what is still undecided. Nothing is linked.
    Suggest,
    /// Look up products and companies of the PSA, and services and accounts of the vendor, by id,
    /// identifier (in ConnectWise the Product ID), vendor SKU or words of the name.
    Find {
        /// The text, or several words of a name.
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// Link an account or a service by hand.
    #[command(subcommand)]
    Set(SetCommand),
    /// Decide that accounts or services are not synced.
    #[command(subcommand)]
    Exclude(ExcludeCommand),
    /// Add tags to links or take them off, list tags, delete one everywhere.
    #[command(subcommand)]
    Tag(TagCommand),
    /// Write a note beside links.
    #[command(subcommand)]
    Note(NoteCommand),
    /// Switch links off, or on again.
    #[command(subcommand)]
    Switch(SwitchCommand),
    /// Accept a suggestion.
    #[command(subcommand)]
    Accept(AcceptCommand),
    /// Take decisions back: the accounts or services are undecided again.
    #[command(subcommand)]
    Clear(ClearCommand),
    /// Read decisions from a file. All ids are checked before anything is kept.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Write the decisions to a file.
    Export {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SetCommand {
    /// Link an account to a company and the agreement its lines go to.
    Account {
        /// The vendor's account id.
        account: VendorAccountId,
        /// The PSA's company id.
        #[arg(long)]
        company: CompanyId,
        /// The PSA's agreement id.
        #[arg(long, required_unless_present_any = ["per_service", "master"])]
        agreement: Option<AgreementId>,
        /// Give each subscription an agreement of its own, in place of one for all.
        #[arg(long, conflicts_with = "agreement")]
        per_service: bool,
        /// The PSA's id of a master agreement: each service gets a child agreement under it.
        #[arg(long, conflicts_with_all = ["agreement", "per_service"])]
        master: Option<AgreementId>,
        /// The PSA's id of the agreement whose note gets the account's metadata, such as its licences, at the
        /// end of each of the vendor's billing cycles.
        #[arg(long, value_name = "AGREEMENT")]
        metadata_to: Option<AgreementId>,
        /// Send the account's metadata into no note any more.
        #[arg(long, conflicts_with = "metadata_to")]
        no_metadata: bool,
        /// Keep the link switched off.
        #[arg(long)]
        off: bool,
        /// A note for people.
        #[arg(long)]
        note: Option<String>,
    },
    /// Link a service to one or more products.
    Service {
        /// The vendor's service key.
        service: ServiceKey,
        /// The PSA's product id; more than once for one line of each product.
        #[arg(long = "product", required = true)]
        products: Vec<ProductId>,
        /// Billed units for every `--per` vendor units.
        #[arg(long, requires = "per")]
        units: Option<Quantity>,
        /// Vendor units of the ratio.
        #[arg(long, requires = "units")]
        per: Option<Quantity>,
        /// What becomes of a fraction.
        #[arg(long, value_enum, default_value_t)]
        rounding: RoundingArg,
        /// Units that are free.
        #[arg(long)]
        included: Option<Quantity>,
        /// The least that is billed while there is any usage.
        #[arg(long)]
        minimum: Option<Quantity>,
        /// The part of each product in the order of the products, once for each: `60%`, `10 units`, `rest`,
        /// `slice over 10` (graduated tiers) or `all over 10` (volume tiers). The parts add up to the quantity.
        #[arg(long = "part", value_name = "PART", conflicts_with_all = ["units", "per", "included", "minimum"])]
        parts: Vec<Part>,
        /// Bill the counts of the billing period's days, not the present one: `high water`, or `average to 2, half
        /// up` (or `half even`); with `, gaps carried` a day that was not read is as the one before it, with `,
        /// last period` the days are those of the period before.
        #[arg(long, value_name = "COUNT")]
        daily: Option<DailyCount>,
        /// The product that carries the vendor's cost, where there are several.
        #[arg(long, value_name = "PRODUCT")]
        cost_on: Option<ProductId>,
        /// Bill metered usage by one charge for each of the vendor's bills, in place of a line.
        #[arg(long, conflicts_with_all = ["units", "per", "included", "minimum", "cost_on", "parts", "daily"])]
        as_charges: bool,
        /// Bill the vendor's prorations too, by one charge for each of its bills beside the line. Not for a PSA
        /// that bills these days by itself.
        #[arg(long, conflicts_with = "as_charges")]
        charge_prorations: bool,
        /// Keep the link switched off.
        #[arg(long)]
        off: bool,
        /// A note for people.
        #[arg(long)]
        note: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExcludeCommand {
    /// Exclude accounts.
    Account {
        /// The vendor's account ids.
        #[arg(required = true, num_args = 1..)]
        accounts: Vec<VendorAccountId>,
        /// Why, for whoever looks at it later.
        #[arg(long)]
        reason: String,
    },
    /// Exclude services.
    Service {
        /// The vendor's service keys.
        #[arg(required = true, num_args = 1..)]
        services: Vec<ServiceKey>,
        /// Why, for whoever looks at it later.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AcceptCommand {
    /// Accept a suggested company for an account.
    Account {
        /// The vendor's account id.
        account: VendorAccountId,
        /// Which of the suggested companies; may be left out when there is only one.
        #[arg(long)]
        company: Option<CompanyId>,
        /// The agreement; may be left out when the company has only one that can be synced.
        #[arg(long)]
        agreement: Option<AgreementId>,
    },
    /// Accept a suggested product for a service.
    Service {
        /// The vendor's service key.
        service: ServiceKey,
        /// Which of the suggested products; may be left out when there is only one.
        #[arg(long)]
        product: Option<ProductId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClearCommand {
    /// Make accounts undecided again.
    Account {
        /// The vendor's account ids.
        #[arg(required = true, num_args = 1..)]
        accounts: Vec<VendorAccountId>,
    },
    /// Make services undecided again.
    Service {
        /// The vendor's service keys.
        #[arg(required = true, num_args = 1..)]
        services: Vec<ServiceKey>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// Tag linked accounts.
    Account {
        /// The vendor's account ids.
        #[arg(required = true, num_args = 1..)]
        accounts: Vec<VendorAccountId>,
        #[command(flatten)]
        tags: TagArgs,
    },
    /// Tag linked services.
    Service {
        /// The vendor's service keys.
        #[arg(required = true, num_args = 1..)]
        services: Vec<ServiceKey>,
        #[command(flatten)]
        tags: TagArgs,
    },
    /// List the tags in use, and how often each is.
    List,
    /// Take a tag off everything that carries it.
    Delete {
        /// The tag.
        tag: Tag,
    },
}

/// Which tags.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct TagArgs {
    /// A tag to add; may be given more than once.
    #[arg(long, value_name = "TAG")]
    pub(crate) add: Vec<Tag>,
    /// A tag to take off; may be given more than once.
    #[arg(long, value_name = "TAG")]
    pub(crate) remove: Vec<Tag>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NoteCommand {
    /// Write a note beside linked accounts.
    Account {
        /// The vendor's account ids.
        #[arg(required = true, num_args = 1..)]
        accounts: Vec<VendorAccountId>,
        /// The note; a blank one removes it.
        #[arg(long)]
        text: String,
    },
    /// Write a note beside linked services.
    Service {
        /// The vendor's service keys.
        #[arg(required = true, num_args = 1..)]
        services: Vec<ServiceKey>,
        /// The note; a blank one removes it.
        #[arg(long)]
        text: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SwitchCommand {
    /// Switch linked accounts.
    Account {
        /// The vendor's account ids.
        #[arg(required = true, num_args = 1..)]
        accounts: Vec<VendorAccountId>,
        #[command(flatten)]
        to: SwitchArgs,
    },
    /// Switch linked services.
    Service {
        /// The vendor's service keys.
        #[arg(required = true, num_args = 1..)]
        services: Vec<ServiceKey>,
        #[command(flatten)]
        to: SwitchArgs,
    },
}

/// On or off.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SwitchArgs {
    /// On: changes are planned again.
    #[arg(long)]
    pub(crate) on: bool,
    /// Off: it stays mapped, and nothing is planned.
    #[arg(long)]
    pub(crate) off: bool,
}

/// What becomes of a fraction, on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoundingArg {
    /// The fraction stays.
    #[default]
    Exact,
    /// Up to the next whole unit.
    Up,
    /// Down to the whole unit below.
    Down,
    /// To the nearest whole unit.
    Nearest,
}
