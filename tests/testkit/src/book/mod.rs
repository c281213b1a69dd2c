//! The demo book: one provider's clients, subscriptions and billing lines on both sides, made from a seed.
//!
//! Nearly every line is in step: the same quantity and the same cost on both sides. What is not in step is named: each
//! [`BookCase`] happens once, and [`Book::cases`] says where and in words what a finance person should see.

mod cases;
pub mod csp;
pub mod csp_dandh;
pub mod csp_ingram;
pub mod csp_moved;
pub mod csp_sherweb;
pub mod dandh;
mod fill;
pub mod ingram;
#[cfg(test)]
mod tests;
mod words;

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use crate::connectwise::ConnectWiseState;
use crate::sherweb::SherwebState;

/// How large a book is, and from which seed it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookOptions {
    /// The same seed gives the same book, to the byte.
    pub seed: u64,
    /// The vendor's accounts; at least one per case.
    pub accounts: usize,
    /// The usage lines, one per subscription; at least three per account.
    pub lines: usize,
    /// The day on which both clocks stand.
    pub today: Date,
}

impl Default for BookOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 60,
            lines: 1200,
            today: date(2026, 3, 15),
        }
    }
}

/// A special case in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BookCase {
    /// Names and quantities are equal on both sides.
    ExactMatch,
    /// The client has another name in the PSA: only a suggestion.
    RenamedClient,
    /// Two companies of the PSA have the client's name.
    TwoCompaniesOfOneName,
    /// No product corresponds to the SKU.
    UnmappedSku,
    /// The SKU is left out on purpose.
    ExcludedSku,
    /// Two subscriptions of one SKU make one line.
    SummedSubscriptions,
    /// One SKU makes two lines.
    OneSkuTwoProducts,
    /// The vendor counts packs, the PSA bills units.
    Ratio,
    /// Usage without a line: money not billed so far.
    NewRevenue,
    /// The vendor counts more than is billed.
    Increase,
    /// The vendor counts less than is billed.
    Decrease,
    /// The vendor counts less than the commitment allows.
    DecreaseUnderFloor,
    /// The account cannot be read.
    FailedReading,
    /// A line that no mapping owns.
    UnownedLine,
    /// A mapped line whose account was read whole and shows no usage.
    LineWithoutUsage,
    /// Two open lines for one product.
    AmbiguousLines,
    /// The agreement is not billed monthly.
    NotMonthly,
    /// The vendor charges another currency than the agreement's.
    CurrencyMismatch,
    /// The vendor's cost per unit is not the line's.
    UnitCostDifference,
}

impl BookCase {
    /// Every case.
    pub const ALL: [Self; 19] = [
        Self::ExactMatch,
        Self::RenamedClient,
        Self::TwoCompaniesOfOneName,
        Self::UnmappedSku,
        Self::ExcludedSku,
        Self::SummedSubscriptions,
        Self::OneSkuTwoProducts,
        Self::Ratio,
        Self::NewRevenue,
        Self::Increase,
        Self::Decrease,
        Self::DecreaseUnderFloor,
        Self::FailedReading,
        Self::UnownedLine,
        Self::LineWithoutUsage,
        Self::AmbiguousLines,
        Self::NotMonthly,
        Self::CurrencyMismatch,
        Self::UnitCostDifference,
    ];
}

/// Where a case is, and what it is in words.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseNote {
    /// The case.
    pub case: BookCase,
    /// What a person should see.
    pub sentence: String,
    /// The vendor's account.
    pub customer_id: String,
    /// Its name at the vendor.
    pub customer_name: String,
    /// The company in the PSA.
    pub company_id: i64,
    /// The agreement in the PSA.
    pub agreement_id: i64,
    /// The SKU concerned, when one is.
    pub sku: Option<String>,
    /// The subscriptions concerned.
    pub subscription_ids: Vec<String>,
    /// The additions concerned.
    pub addition_ids: Vec<i64>,
    /// The quantity at the vendor, summed, in the PSA's units.
    pub vendor_quantity: Option<Decimal>,
    /// The quantity billed, summed.
    pub psa_quantity: Option<Decimal>,
}

/// How an account and a company are found to belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountMatch {
    /// The names are equal and unique on both sides.
    Exact,
    /// The names are alike: a person must accept it.
    SuggestedOnly,
    /// Several companies have the name: a person must choose.
    AmbiguousName,
}

/// The true company and agreement of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountLink {
    /// The vendor's account.
    pub customer_id: String,
    /// Its name at the vendor.
    pub customer_name: String,
    /// The company it is.
    pub company_id: i64,
    /// The company's name.
    pub company_name: String,
    /// The agreement its lines go to.
    pub agreement_id: i64,
    /// How it is found.
    pub found: AccountMatch,
}

/// What becomes of a SKU.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceRule {
    /// One line of a product.
    Product(i64),
    /// One line of a product, so many of its units for each of the vendor's; the cost is divided by them.
    Ratio {
        /// The product.
        product_id: i64,
        /// Units of the product for one unit of the vendor.
        units: Decimal,
    },
    /// One line of each product, each with the whole quantity; the products share the cost evenly.
    Products(Vec<i64>),
    /// Left out on purpose, for a reason.
    Excluded(String),
    /// No product corresponds.
    Unmapped,
}

/// A SKU and its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceLink {
    /// The vendor's key.
    pub sku: String,
    /// The vendor's name for it.
    pub name: String,
    /// What becomes of it.
    pub rule: ServiceRule,
}

/// The mapping that makes the book come out as its cases say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedMapping {
    /// One per account.
    pub accounts: Vec<AccountLink>,
    /// One per SKU.
    pub services: Vec<ServiceLink>,
}

impl ExpectedMapping {
    /// The link of an account.
    pub fn account(&self, customer_id: &str) -> Option<&AccountLink> {
        self.accounts
            .iter()
            .find(|link| link.customer_id == customer_id)
    }

    /// The link of a SKU.
    pub fn service(&self, sku: &str) -> Option<&ServiceLink> {
        self.services.iter().find(|link| link.sku == sku)
    }
}

/// The demo book. Both states stand on one clock.
#[derive(Clone, Debug)]
pub struct Book {
    /// How it was made.
    pub options: BookOptions,
    /// The marketplace side.
    pub sherweb: SherwebState,
    /// The PSA side.
    pub connectwise: ConnectWiseState,
    cases: Vec<CaseNote>,
    mapping: ExpectedMapping,
}

impl Book {
    /// Makes the book; numbers too small for the cases are raised.
    pub fn generate(options: BookOptions) -> Self {
        fill::generate(options)
    }

    /// Every special case, in the order of [`BookCase::ALL`].
    pub fn cases(&self) -> &[CaseNote] {
        &self.cases
    }

    /// Where a case is.
    pub fn case(&self, case: BookCase) -> Option<&CaseNote> {
        self.cases.iter().find(|note| note.case == case)
    }

    /// The mapping to apply.
    pub fn expected_mapping(&self) -> &ExpectedMapping {
        &self.mapping
    }
}
