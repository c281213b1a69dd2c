//! Mapping: which account is which company, which service is which product, and by which rule.
//!
//! A [`Mapping`] holds decisions: links and exclusions. What is not decided is *unmapped*.
//! Decisions come from four places, kept as [`Provenance`]:
//!
//! - [`auto_link_accounts`] and [`auto_link_services`] link what is the same character for
//!   character and unique on both sides; nothing else is ever linked without a person;
//! - [`suggest_accounts`] and [`suggest_services`] propose what is similar, with a score and a
//!   reason; a person accepts a suggestion with [`Mapping::accept_account`];
//! - a person links, excludes, switches and annotates through the methods of [`Mapping`], each
//!   checked against a [`Directory`] of what both sides hold;
//! - a file: TOML ([`Mapping::from_toml`]) or CSV ([`Mapping::import_accounts_csv`]).
//!
//! Many edits at once, each with its own outcome, are [`Mapping::edit_all`]; what is left to decide
//! is [`Mapping::coverage`]; links carry notes and [`Tag`]s; a product is found by its id, identifier
//! or name with [`search_products`].

mod bulk;
mod check;
mod coverage;
mod daily;
mod directory;
mod edit;
mod file;
mod links;
mod matching;
mod names;
mod part;
mod report;
mod rule;
mod search;
mod similar;
mod suggest;
mod tags;

pub use bulk::{Edit, Edited, Subject};
pub use coverage::{Coverage, Tally};
pub use daily::{CountedPeriod, DailyCount, DailyFigure, DailyTake, DayFigure, Gaps};
pub use directory::Directory;
pub use file::{FORMAT_VERSION, ImportError, ImportProblem, ImportSummary, MAX_FILE_BYTES};
pub use links::{
    AccountEntry, AccountLink, BilledAs, Exclusion, LineTarget, Mapping, Provenance, ServiceEntry,
    ServiceLink,
};
pub use matching::{
    MatchOptions, auto_link_accounts, auto_link_accounts_per_service, auto_link_services,
};
pub use names::{loose_name, normalize_name};
pub use part::Part;
pub(crate) use part::billed_of_each;
pub use report::{MatchReport, Undecided, UndecidedReason};
pub use rule::{ProductRule, Ratio, Rounding};
pub use search::{
    Found, FoundBy, search_accounts, search_companies, search_products, search_services,
};
pub use suggest::{
    AccountSuggestion, ServiceSuggestion, SuggestOptions, suggest_accounts, suggest_services,
};
pub use tags::{Tag, TagUse};
