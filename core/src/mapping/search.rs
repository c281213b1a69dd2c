//! Looking up a record by what a person has of it: its id, its code, or words of its name.

use serde::Serialize;

use crate::model::{Company, Product, Service, VendorAccount};

/// Which part of a record holds the text that was looked for, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FoundBy {
    /// The id or key of the system that holds it.
    Id,
    /// The code that people know it by: in ConnectWise the Product ID, or a company's short name.
    Identifier,
    /// The vendor's SKU that a product names.
    VendorSku,
    /// The name.
    Name,
}

impl FoundBy {
    /// The part in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Identifier => "identifier",
            Self::VendorSku => "vendor SKU",
            Self::Name => "name",
        }
    }
}

/// A record that holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found<'a, T> {
    /// The record.
    pub record: &'a T,
    /// The surest part that holds it.
    pub by: FoundBy,
    /// Whether the text is the whole of that part.
    pub whole: bool,
}

/// The products that hold a text in their id, identifier, vendor SKU or name.
///
/// Case does not matter, and of a name the words may stand in any order. What is the text as a whole
/// comes first, then what begins with it, each in the order of [`FoundBy`] and ids. A blank text
/// finds everything.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::{FoundBy, search_products};
/// use tallyline_core::model::Product;
///
/// let products = [Product::new("7", "MAIL-PRO", "Hosted mail"), Product::new("17", "FEE", "Fee")];
/// let found = search_products(&products, "mail-pro");
/// assert_eq!(found[0].record.id.as_str(), "7");
/// assert_eq!((found.len(), found[0].by), (1, FoundBy::Identifier));
/// ```
#[must_use]
pub fn search_products<'a>(products: &'a [Product], text: &str) -> Vec<Found<'a, Product>> {
    search(products, text, |product| {
        vec![
            (FoundBy::Id, product.id.as_str()),
            (FoundBy::Identifier, product.identifier.as_str()),
            (
                FoundBy::VendorSku,
                product.vendor_sku.as_deref().unwrap_or_default(),
            ),
            (FoundBy::Name, product.name.as_str()),
        ]
    })
}

/// The companies that hold a text in their id, short name or name, as
/// [`search_products`] finds products.
#[must_use]
pub fn search_companies<'a>(companies: &'a [Company], text: &str) -> Vec<Found<'a, Company>> {
    search(companies, text, |company| {
        vec![
            (FoundBy::Id, company.id.as_str()),
            (
                FoundBy::Identifier,
                company.identifier.as_deref().unwrap_or_default(),
            ),
            (FoundBy::Name, company.name.as_str()),
        ]
    })
}

/// The vendor's services that hold a text in their key or name, as [`search_products`] finds
/// products.
#[must_use]
pub fn search_services<'a>(services: &'a [Service], text: &str) -> Vec<Found<'a, Service>> {
    search(services, text, |service| {
        vec![
            (FoundBy::Id, service.key.as_str()),
            (FoundBy::Name, service.name.as_str()),
        ]
    })
}

/// The vendor's accounts that hold a text in their id or name, as [`search_products`] finds
/// products.
#[must_use]
pub fn search_accounts<'a>(
    accounts: &'a [VendorAccount],
    text: &str,
) -> Vec<Found<'a, VendorAccount>> {
    search(accounts, text, |account| {
        vec![
            (FoundBy::Id, account.id.as_str()),
            (FoundBy::Name, account.name.as_str()),
        ]
    })
}

/// How well a part holds a text: the better, the smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Begins,
    Holds,
}

/// The first of the parts is the record's id.
fn search<'a, T>(
    records: &'a [T],
    text: &str,
    parts: impl Fn(&'a T) -> Vec<(FoundBy, &'a str)>,
) -> Vec<Found<'a, T>> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<((Fit, FoundBy, &str), &T)> = records
        .iter()
        .filter_map(|record| {
            let parts = parts(record);
            let id = parts.first().map_or("", |(_, id)| *id);
            let best = parts
                .iter()
                .filter_map(|(by, part)| Some((fit(part, &text, &words, *by)?, *by)));
            let (fit, by) = best.min()?;
            Some(((fit, by, id), record))
        })
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found
        .into_iter()
        .map(|((fit, by, _), record)| Found {
            record,
            by,
            whole: fit == Fit::Whole,
        })
        .collect()
}

fn fit(part: &str, text: &str, words: &[&str], by: FoundBy) -> Option<Fit> {
    let part = part.to_lowercase();
    if part.is_empty() {
        return None;
    }
    if part == text {
        return Some(Fit::Whole);
    }
    if part.starts_with(text) {
        return Some(Fit::Begins);
    }
    let holds = match by {
        FoundBy::Name => words.iter().all(|word| part.contains(word)),
        _ => part.contains(text),
    };
    holds.then_some(Fit::Holds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn products() -> Vec<Product> {
        let mut with_sku = Product::new("170", "MAIL-PRO", "Pro mail, hosted");
        with_sku.vendor_sku = Some("CFQ7TTC0LH16".into());
        vec![
            Product::new("17", "MAIL", "Hosted mail"),
            Product::new("7", "FEE", "Monthly fee 17"),
            with_sku,
            Product::new("8", "BACKUP", "Backup for a mailbox"),
        ]
    }

    fn ids(text: &str) -> Vec<(String, FoundBy, bool)> {
        search_products(&products(), text)
            .iter()
            .map(|found| (found.record.id.to_string(), found.by, found.whole))
            .collect()
    }

    #[test]
    fn the_whole_comes_before_the_beginning_and_ids_before_names() {
        let of = |id: &str, by, whole| (id.to_owned(), by, whole);
        assert_eq!(
            ids("17"),
            [
                of("17", FoundBy::Id, true),
                of("170", FoundBy::Id, false),
                of("7", FoundBy::Name, false)
            ]
        );
        assert_eq!(
            ids("mail"),
            [
                of("17", FoundBy::Identifier, true),
                of("170", FoundBy::Identifier, false),
                of("8", FoundBy::Name, false)
            ]
        );
        assert_eq!(ids("cfq7ttc0lh16"), [of("170", FoundBy::VendorSku, true)]);
        assert_eq!(ids("hosted PRO"), [of("170", FoundBy::Name, false)]);
        assert_eq!(ids("nothing of the kind"), []);
        assert_eq!(ids(" ").len(), 4, "a blank text finds everything");
    }

    #[test]
    fn services_accounts_and_companies_are_found_by_id_and_by_name() {
        let services = [Service::new("MAIL-A", "Mail")];
        assert_eq!(search_services(&services, "mail-a")[0].by, FoundBy::Id);
        assert_eq!(search_services(&services, "mail")[0].by, FoundBy::Name);
        let accounts = [VendorAccount::new("c-1", "Contoso")];
        assert_eq!(search_accounts(&accounts, "CONTOSO")[0].by, FoundBy::Name);
        let companies = [Company::new("45", "Contoso").with_identifier(Some("CONT".into()))];
        let found = search_companies(&companies, "cont");
        assert_eq!((found[0].by, found[0].whole), (FoundBy::Identifier, true));
    }

    proptest! {
        #[test]
        fn every_product_is_found_by_its_id_and_its_identifier_whatever_the_case(
            records in proptest::collection::vec(("[a-zA-Z0-9-]{1,6}", "[a-zA-Z0-9-]{1,6}"), 1..8),
            at in any::<proptest::sample::Index>(),
        ) {
            let products: Vec<Product> = records
                .iter()
                .map(|(id, code)| Product::new(id.as_str(), code.as_str(), ""))
                .collect();
            let wanted = &products[at.index(products.len())];
            for text in [wanted.id.as_str(), wanted.identifier.as_str()] {
                for text in [text.to_uppercase(), text.to_lowercase()] {
                    let found = search_products(&products, &text);
                    let mine = found.iter().find(|found| found.record == wanted);
                    prop_assert!(mine.is_some_and(|found| found.whole), "{} in {:?}", text, found);
                }
            }
        }
    }
}
