//! The PSA's side in memory, found by id.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use foldhash::fast::RandomState;

use super::index::TextIndex;
use super::share::{all_cores, shared};
use crate::model::{
    Agreement, AgreementId, AgreementKey, AgreementLine, AgreementReading, Company, CompanyId,
    LinesOutcome, Product, ProductId, ReadFailure,
};
use crate::store::Ledger;

/// A table found by ids. Its hash is seeded anew in each, so that no list of ids is slow in all of them.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// The fewest records for which a thread is worth it.
const FEW: usize = 1 << 12;

/// Everything read from the PSA: companies, agreements with their lines, products.
///
/// Where an id comes twice, the first record counts.
#[derive(Clone, Debug, Default)]
pub struct PsaBook {
    companies: Table<Company>,
    products: Table<Product>,
    agreements: Table<Agreement>,
    /// The agreements that carry a key, by the key as it is compared.
    keyed: Map<String, Vec<u32>>,
    /// What was read of lines, as it came.
    readings: Vec<AgreementReading>,
    /// By agreement, the position of the reading of its lines, one too high; 0 or nothing for none.
    lines: Vec<u32>,
    /// Whether its lines are counts that were set last.
    counts: bool,
}

/// Records, each found by its id.
#[derive(Clone, Debug)]
struct Table<T> {
    records: Vec<T>,
    index: TextIndex,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            index: TextIndex::default(),
        }
    }
}

impl<T> Table<T> {
    /// Of each id the first record.
    fn new(mut records: Vec<T>, id: impl Fn(&T) -> &str) -> Self {
        let (mut index, again) = TextIndex::of(&records, &id);
        if !again.is_empty() {
            let (mut at, mut again) = (0, again.into_iter().peekable());
            records.retain(|_| {
                let first = again.next_if_eq(&at).is_none();
                at += 1;
                first
            });
            (index, _) = TextIndex::of(&records, id);
        }
        Self { records, index }
    }

    fn at(&self, position: u32) -> Option<&T> {
        self.records.get(position as usize)
    }

    fn position<'t>(&'t self, text: &str, id: impl Fn(&'t T) -> &'t str) -> Option<u32> {
        self.index.find(text, |at| self.at(at).map(&id))
    }
}

impl PsaBook {
    /// A book of what was listed, without lines.
    pub fn new(
        companies: impl IntoIterator<Item = Company>,
        agreements: impl IntoIterator<Item = Agreement>,
        products: impl IntoIterator<Item = Product>,
    ) -> Self {
        let companies: Vec<Company> = companies.into_iter().collect();
        let agreements: Vec<Agreement> = agreements.into_iter().collect();
        let products = products.into_iter().collect();
        let threads = threads_for(companies.len().min(agreements.len()));
        let mut book = Self {
            products: Table::new(products, |product| product.id.as_str()),
            ..Self::default()
        };
        let tables: Vec<Box<dyn FnOnce() + Send + '_>> = vec![
            Box::new(|| {
                book.agreements = Table::new(agreements, |agreement| agreement.id.as_str());
                book.keyed = keyed(&book.agreements.records);
            }),
            Box::new(|| {
                book.companies = Table::new(companies, |company| company.id.as_str());
            }),
        ];
        shared(threads, tables, |fill| fill());
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
        let place = self.place_of(&reading);
        let first = self.is_first(place, self.readings.len());
        if first {
            self.readings.push(reading);
        }
        first
    }

    /// Adds what was read of the lines of many agreements, as [`add_lines`](Self::add_lines) does for each.
    /// Says how many of them are in the book and had no reading yet.
    pub fn add_all_lines(&mut self, readings: Vec<AgreementReading>) -> usize {
        let threads = threads_for(readings.len());
        let share = readings.len().div_ceil(threads.get() * 4).max(FEW);
        let places = shared(threads, readings.chunks(share).collect(), |readings| {
            let places = readings.iter().map(|reading| self.place_of(reading));
            places.collect::<Vec<_>>()
        });
        let mut left = Vec::new();
        let mut added = 0;
        let before = self.readings.len();
        for (at, place) in places.into_iter().flatten().enumerate() {
            if self.is_first(place, before + at) {
                added += 1;
            } else {
                left.push(before + at);
            }
        }
        if self.readings.is_empty() {
            self.readings = readings;
        } else {
            self.readings.extend(readings);
        }
        // Nothing finds these: what they hold is let go of.
        for at in left {
            self.readings[at].outcome = LinesOutcome::Complete(Vec::new());
        }
        added
    }

    fn place_of(&self, reading: &AgreementReading) -> Option<u32> {
        let id = reading.agreement.as_str();
        self.agreements
            .position(id, |agreement| agreement.id.as_str())
    }

    /// Whether the agreement in a place had no reading of its lines yet; from now on it has the one at a position.
    fn is_first(&mut self, place: Option<u32>, reading: usize) -> bool {
        let Some(place) = place else {
            return false;
        };
        if self.lines.is_empty() {
            self.lines.resize(self.agreements.records.len(), 0);
        }
        match self.lines.get_mut(place as usize) {
            Some(lines @ 0) => {
                *lines = index(reading + 1);
                true
            }
            _ => false,
        }
    }

    /// A company by its id.
    #[must_use]
    pub fn company(&self, id: &CompanyId) -> Option<&Company> {
        let position = self
            .companies
            .position(id.as_str(), |company| company.id.as_str());
        self.companies.at(position?)
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
        self.agreements.at(self.agreement_position(id)?)
    }

    /// The lines of an agreement; `None` when they were not read whole.
    #[must_use]
    pub fn lines(&self, id: &AgreementId) -> Option<&[AgreementLine]> {
        self.lines_at(self.agreement_position(id)?).ok()
    }

    /// All agreements, in the order they were given.
    pub fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.records.iter()
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
            None => self
                .agreements
                .position(id.as_str(), |agreement| agreement.id.as_str()),
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
        self.agreements.records.len()
    }

    pub(super) fn product_position(&self, id: &ProductId) -> Option<u32> {
        self.products
            .position(id.as_str(), |product| product.id.as_str())
    }

    pub(super) fn product_at(&self, position: u32) -> Option<&Product> {
        self.products.at(position)
    }

    pub(super) fn agreement_at(&self, position: u32) -> &Agreement {
        &self.agreements.records[position as usize]
    }

    /// The lines of an agreement of the book, where they were read whole; none of one that is to be.
    pub(super) fn known_lines(&self, position: u32) -> Option<&[AgreementLine]> {
        self.lines_at(position).ok()
    }

    /// The lines of an agreement, or why they were not observed.
    pub(super) fn lines_at(&self, position: u32) -> Result<&[AgreementLine], Option<&ReadFailure>> {
        let reading = self.lines.get(position as usize);
        let reading = reading.and_then(|reading| reading.checked_sub(1));
        let reading = reading.and_then(|at| self.readings.get(at as usize));
        match reading.map(|reading| &reading.outcome) {
            Some(LinesOutcome::Complete(lines)) => Ok(lines),
            Some(LinesOutcome::Failed(failure)) => Err(Some(failure)),
            None => Err(None),
        }
    }
}

/// The agreements that carry a key, by the key as it is compared.
fn keyed(agreements: &[Agreement]) -> Map<String, Vec<u32>> {
    let mut keyed: Map<String, Vec<u32>> = Map::default();
    for (at, agreement) in (0..).zip(agreements) {
        if let Some(key) = &agreement.key {
            keyed.entry(key.folded()).or_default().push(at);
        }
    }
    keyed
}

/// How many threads are worth it for so many records.
fn threads_for(records: usize) -> NonZeroUsize {
    if records < FEW {
        NonZeroUsize::MIN
    } else {
        all_cores()
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

    #[test]
    fn of_an_id_that_comes_twice_the_first_record_counts_in_long_lists_too() {
        let many = FEW + 500;
        let id = |at: usize| at % (many - 200);
        let companies = (0..many).map(|at| Company::new(id(at).to_string(), format!("C{at}")));
        let agreements =
            (0..many).map(|at| Agreement::new(format!("A{}", id(at)), "1", format!("N{at}")));
        let mut book = PsaBook::new(companies, agreements, []);
        assert_eq!(book.agreement_count(), many - 200);
        for at in [0, 199, 200, many - 201] {
            let company = book.company(&at.to_string().as_str().into());
            assert_eq!(company.map(|it| it.name.clone()), Some(format!("C{at}")));
            let agreement = book.agreement(&format!("A{at}").as_str().into());
            assert_eq!(agreement.map(|it| it.name.clone()), Some(format!("N{at}")));
        }
        assert_eq!(
            book.company(&(many - 200).to_string().as_str().into()),
            None
        );
        let reading = |at: usize, line: usize| {
            let line = AgreementLine::new(format!("L{line}"), "P", 1_u32);
            AgreementReading::complete(format!("A{}", id(at)), vec![line])
        };
        // Half of them, and then all: what came first counts, in one call and in the next.
        let half = (0..many).step_by(2).map(|at| reading(at, at)).collect();
        assert_eq!(book.add_all_lines(half), many / 2 - 100);
        let all = (0..many).map(|at| reading(at, many + at)).collect();
        assert_eq!(book.add_all_lines(all), many / 2 - 100);
        let line_of = |at: usize| {
            let lines = book.lines(&format!("A{at}").as_str().into());
            lines.and_then(|lines| Some(lines.first()?.id.as_str().to_owned()))
        };
        assert_eq!(line_of(2), Some("L2".to_owned()));
        assert_eq!(line_of(3), Some(format!("L{}", many + 3)));
    }
}
