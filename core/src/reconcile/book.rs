//! The PSA's side in memory, found by id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;

use super::ahead::{GROUP, look_at};
use crate::model::{
    Agreement, AgreementId, AgreementKey, AgreementLine, AgreementReading, Company, CompanyId,
    LinesOutcome, Product, ProductId, ReadFailure,
};
use crate::store::Ledger;

/// A table found by ids. Its hash is seeded anew in each, so that no list of ids is slow in all of them.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// Everything read from the PSA: companies, agreements with their lines, products.
///
/// Where an id comes twice, the first record counts.
#[derive(Clone, Debug, Default)]
pub struct PsaBook {
    companies: Vec<Company>,
    company_index: Map<CompanyId, u32>,
    products: Vec<Product>,
    product_index: Map<ProductId, u32>,
    agreements: Vec<AgreementEntry>,
    agreement_index: Map<AgreementId, u32>,
    /// The agreements that carry a key, by the key as it is compared.
    keyed: Map<String, Vec<u32>>,
    /// Whether its lines are counts that were set last.
    counts: bool,
}

#[derive(Clone, Debug)]
pub(super) struct AgreementEntry {
    pub(super) agreement: Agreement,
    pub(super) lines: Option<LinesOutcome>,
}

impl PsaBook {
    /// A book of what was listed, without lines.
    pub fn new(
        companies: impl IntoIterator<Item = Company>,
        agreements: impl IntoIterator<Item = Agreement>,
        products: impl IntoIterator<Item = Product>,
    ) -> Self {
        let mut book = Self::default();
        let companies = companies.into_iter();
        book.companies.reserve(companies.size_hint().0);
        book.company_index.reserve(companies.size_hint().0);
        for company in companies {
            let next = index(book.companies.len());
            if let Entry::Vacant(place) = book.company_index.entry(company.id.clone()) {
                place.insert(next);
                book.companies.push(company);
            }
        }
        for product in products {
            let next = index(book.products.len());
            book.product_index
                .entry(product.id.clone())
                .or_insert_with(|| {
                    book.products.push(product);
                    next
                });
        }
        let agreements = agreements.into_iter();
        book.agreement_index.reserve(agreements.size_hint().0);
        book.agreements.reserve(agreements.size_hint().0);
        for agreement in agreements {
            let next = index(book.agreements.len());
            if let Entry::Vacant(place) = book.agreement_index.entry(agreement.id.clone()) {
                place.insert(next);
                if let Some(key) = &agreement.key {
                    book.keyed.entry(key.folded()).or_default().push(next);
                }
                book.agreements.push(AgreementEntry {
                    agreement,
                    lines: None,
                });
            }
        }
        book
    }

    /// Says that what is added as lines are the counts that were set last, on a sink that does not tell
    /// them: where there is none, it is not known what the system holds.
    #[must_use]
    pub fn of_counts(mut self) -> Self {
        self.counts = true;
        self
    }

    /// Whether its lines are counts that were set last.
    #[must_use]
    pub fn is_of_counts(&self) -> bool {
        self.counts
    }

    /// Adds what was read of an agreement's lines. Says whether the agreement is in the book
    /// and had no reading yet.
    pub fn add_lines(&mut self, reading: AgreementReading) -> bool {
        let Some(entry) = self
            .agreement_index
            .get(&reading.agreement)
            .and_then(|&at| self.agreements.get_mut(at as usize))
        else {
            return false;
        };
        let first = entry.lines.is_none();
        if first {
            entry.lines = Some(reading.outcome);
        }
        first
    }

    /// Adds what was read of the lines of many agreements, as [`add_lines`](Self::add_lines) does for each.
    /// Says how many of them are in the book and had no reading yet.
    pub fn add_all_lines(&mut self, readings: Vec<AgreementReading>) -> usize {
        let mut added = 0;
        let mut places = Vec::with_capacity(GROUP);
        let mut readings = readings.into_iter();
        loop {
            places.clear();
            let group = readings.as_slice().iter().take(GROUP);
            look_at(group.clone().map(|reading| reading.agreement.as_str()));
            places
                .extend(group.map(|reading| self.agreement_index.get(&reading.agreement).copied()));
            if places.is_empty() {
                return added;
            }
            for (place, reading) in places.iter().zip(&mut readings) {
                let entry = place.and_then(|at| self.agreements.get_mut(at as usize));
                if let Some(entry) = entry.filter(|entry| entry.lines.is_none()) {
                    entry.lines = Some(reading.outcome);
                    added += 1;
                }
            }
        }
    }

    /// A company by its id.
    #[must_use]
    pub fn company(&self, id: &CompanyId) -> Option<&Company> {
        self.companies.get(*self.company_index.get(id)? as usize)
    }

    /// A product by its id.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.product_at(self.product_position(id)?)
    }

    /// An agreement by its id, or by its key where only one carries it (see
    /// [`AgreementId::of_key`]).
    #[must_use]
    pub fn agreement(&self, id: &AgreementId) -> Option<&Agreement> {
        Some(&self.entry(self.agreement_position(id)?).agreement)
    }

    /// The lines of an agreement; `None` when they were not read whole.
    #[must_use]
    pub fn lines(&self, id: &AgreementId) -> Option<&[AgreementLine]> {
        self.lines_at(self.agreement_position(id)?).ok()
    }

    /// All agreements, in the order they were given.
    pub fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.iter().map(|entry| &entry.agreement)
    }

    /// The agreements of a company that are recognised by a key, in the order they were given. Of a
    /// master only its children, else none that is a child, those included that the ledger holds as made for a key.
    pub fn own_agreements<'a>(
        &'a self,
        company: &'a CompanyId,
        master: Option<&'a Agreement>,
        ledger: Option<&'a Ledger>,
    ) -> impl Iterator<Item = &'a Agreement> {
        let is_made = move |agreement: &Agreement| {
            ledger.is_some_and(|ledger| master.is_some() && ledger.has_made(&agreement.id))
        };
        self.agreements().filter(move |agreement| {
            agreement.company == *company
                && (agreement.key.is_some() || is_made(agreement))
                && agreement.parent.as_ref() == master.map(|master| &master.id)
        })
    }

    pub(super) fn agreement_position(&self, id: &AgreementId) -> Option<u32> {
        match id.key() {
            None => self.agreement_index.get(id).copied(),
            Some(key) => match self.positions_of_key(&key) {
                [only] => Some(*only),
                _ => None,
            },
        }
    }

    /// The agreements that carry a key, of whatever company.
    pub(super) fn positions_of_key(&self, key: &AgreementKey) -> &[u32] {
        self.keyed
            .get(&key.folded())
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// How many agreements there are.
    pub(super) fn agreement_count(&self) -> usize {
        self.agreements.len()
    }

    pub(super) fn product_position(&self, id: &ProductId) -> Option<u32> {
        self.product_index.get(id).copied()
    }

    pub(super) fn product_at(&self, position: u32) -> Option<&Product> {
        self.products.get(position as usize)
    }

    pub(super) fn entry(&self, position: u32) -> &AgreementEntry {
        &self.agreements[position as usize]
    }

    /// The lines of an agreement of the book, where they were read whole; none of one that is to be.
    pub(super) fn known_lines(&self, position: u32) -> Option<&[AgreementLine]> {
        match &self.agreements.get(position as usize)?.lines {
            Some(LinesOutcome::Complete(lines)) => Some(lines),
            _ => None,
        }
    }

    /// The lines of an agreement, or why they were not observed.
    pub(super) fn lines_at(&self, position: u32) -> Result<&[AgreementLine], Option<&ReadFailure>> {
        match &self.entry(position).lines {
            Some(LinesOutcome::Complete(lines)) => Ok(lines),
            Some(LinesOutcome::Failed(failure)) => Err(Some(failure)),
            None => Err(None),
        }
    }
}

/// A position in a table of at most `u32::MAX` records.
pub(super) fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_many_agreements_are_added_as_one_by_one() {
        let agreements: Vec<Agreement> = (0..40)
            .map(|at| Agreement::new(format!("A{at}"), "1", "Cloud"))
            .collect();
        let line = |at: usize| AgreementLine::new(format!("L{at}"), "P", 1_u32);
        // Some twice, near each other and far apart; some of no agreement; one that was not read.
        let of = [3, 0, 3, 1, 99, 2, 5, 4, 7, 6, 8, 9, 3, 98, 39, 20, 20, 21];
        let mut readings: Vec<AgreementReading> = (0..)
            .zip(of)
            .map(|(at, of)| AgreementReading::complete(format!("A{of}"), vec![line(at)]))
            .collect();
        let failure = ReadFailure::new(crate::ErrorKind::Unavailable, "no answer");
        readings.push(AgreementReading::failed("A30", failure));
        let book = || PsaBook::new([], agreements.clone(), []);
        let (mut one_by_one, mut at_once) = (book(), book());
        let added = readings
            .iter()
            .filter(|reading| one_by_one.add_lines((*reading).clone()))
            .count();
        assert_eq!(at_once.add_all_lines(readings), added);
        assert_eq!(added, 14);
        for agreement in &agreements {
            assert_eq!(
                at_once.lines(&agreement.id),
                one_by_one.lines(&agreement.id)
            );
        }
        assert_eq!(at_once.lines(&"A3".into()).map(<[_]>::len), Some(1));
        assert_eq!(at_once.lines(&"A30".into()), None);
        assert_eq!(book().add_all_lines(Vec::new()), 0);
    }
}
