//! How alike two names are, and which names are worth comparing.

use std::collections::HashMap;

use super::names::{Word, normalize_name, split_form, words};

/// Scores below an equality of keys stay under this.
const MOST_FOR_SPELLING: u32 = 89;
/// A word shared by more names than this says nothing.
const COMMON: usize = 256;
/// So many names of an equal key are looked at.
const EQUAL_KEYS: usize = 32;
/// So many names are compared in full for one name.
const COMPARED: usize = 32;

/// A name with its keys.
#[derive(Debug)]
pub(super) struct NameKey {
    original: String,
    normalized: String,
    words: Vec<Word>,
    form: Vec<Word>,
    compact: String,
    sorted: String,
}

impl NameKey {
    /// The keys of a company's name: its legal form is set apart.
    pub(super) fn of_company(name: &str) -> Self {
        let (words, form) = split_form(words(name));
        Self::from_words(name, words, form)
    }

    /// The keys of a product's name.
    pub(super) fn of_product(name: &str) -> Self {
        Self::from_words(name, words(name), Vec::new())
    }

    fn from_words(name: &str, words: Vec<Word>, form: Vec<Word>) -> Self {
        let mut sorted: Vec<&str> = words.iter().map(|word| word.key.as_str()).collect();
        sorted.sort_unstable();
        Self {
            original: name.to_owned(),
            normalized: normalize_name(name),
            sorted: sorted.join(" "),
            compact: words.iter().map(|word| word.key.as_str()).collect(),
            words,
            form,
        }
    }

    pub(super) fn normalized(&self) -> &str {
        &self.normalized
    }

    /// What the index finds it by: keys that are nearly the name, and traits that many share.
    fn features(&self) -> (Vec<String>, Vec<String>) {
        if self.compact.is_empty() {
            return (vec![format!("={}", self.normalized)], Vec::new());
        }
        let equal = vec![
            format!("={}", self.normalized),
            format!("s{}", self.sorted),
            format!("c{}", self.compact),
        ];
        let mut shared = vec![format!("b{}", head(&self.compact, 5))];
        for word in &self.words {
            shared.push(format!("w{}", word.key));
            if word.key.chars().count() >= 5 {
                shared.push(format!("<{}", head(&word.key, 4)));
                shared.push(format!(">{}", tail(&word.key, 4)));
            }
        }
        shared.sort_unstable();
        shared.dedup();
        (equal, shared)
    }
}

fn head(text: &str, chars: usize) -> &str {
    text.char_indices()
        .nth(chars)
        .map_or(text, |(end, _)| &text[..end])
}

fn tail(text: &str, chars: usize) -> &str {
    text.char_indices()
        .rev()
        .nth(chars - 1)
        .map_or(text, |(start, _)| &text[start..])
}

/// How alike two names are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Similarity {
    pub(super) score: u8,
    pub(super) reason: String,
}

impl Similarity {
    pub(super) fn new(score: u8, reason: impl Into<String>) -> Self {
        Self {
            score,
            reason: reason.into(),
        }
    }
}

/// Compares two names.
pub(super) fn compare(a: &NameKey, b: &NameKey) -> Similarity {
    if a.compact.is_empty() || b.compact.is_empty() {
        let same = !a.normalized.is_empty() && a.normalized == b.normalized;
        return Similarity::new(if same { 98 } else { 0 }, "same name");
    }
    if a.original == b.original {
        return Similarity::new(100, "same name");
    }
    if a.normalized == b.normalized {
        return Similarity::new(98, "same name apart from capitals or spaces");
    }
    if keys(&a.words).eq(keys(&b.words)) {
        let apart: Vec<String> = only_in(&a.form, &b.form)
            .chain(only_in(&b.form, &a.form))
            .map(|word| format!("'{}'", word.shown))
            .collect();
        if apart.is_empty() {
            return Similarity::new(96, "same name apart from punctuation or accents");
        }
        let apart = apart.join(" and ");
        return Similarity::new(93, format!("same name apart from {apart}"));
    }
    if a.compact == b.compact {
        return Similarity::new(91, "same name apart from spaces and punctuation");
    }
    if a.sorted == b.sorted {
        return Similarity::new(90, "same words in another order");
    }
    // In a fixed order, so that both ways give the same.
    let (short, long) = if (a.compact.len(), &a.compact) < (b.compact.len(), &b.compact) {
        (a, b)
    } else {
        (b, a)
    };
    let spelling = spelling(&short.compact, &long.compact);
    let mut per_mille = (2 * alignment(&short.words, &long.words) + spelling) / 3;
    let contained = short.compact.chars().count() >= 5
        && keys(&short.words).all(|key| keys(&long.words).any(|other| other == key));
    if contained {
        per_mille = per_mille.max(780);
    }
    if numbers(a) != numbers(b) {
        per_mille = per_mille.saturating_sub(200);
    }
    let score = u8::try_from((per_mille / 10).min(MOST_FOR_SPELLING)).unwrap_or_default();
    let shared: Vec<&str> = keys(&a.words)
        .filter(|key| key.chars().count() > 1 && keys(&b.words).any(|other| other == *key))
        .collect();
    let reason = if contained {
        format!(
            "all words of '{}' are in the other name",
            short.original.trim()
        )
    } else if spelling >= 930 || shared.is_empty() {
        "similar spelling".to_owned()
    } else {
        format!("both names have '{}'", shared.join(" "))
    };
    Similarity::new(score, reason)
}

fn keys(words: &[Word]) -> impl Iterator<Item = &str> {
    words.iter().map(|word| word.key.as_str())
}

fn only_in<'a>(these: &'a [Word], those: &'a [Word]) -> impl Iterator<Item = &'a Word> {
    these
        .iter()
        .filter(|word| those.iter().all(|other| other.key != word.key))
}

/// The words with digits: another plan or site, however alike the rest is.
fn numbers(name: &NameKey) -> Vec<&str> {
    let mut numbers: Vec<&str> = keys(&name.words).filter(|key| has_digit(key)).collect();
    numbers.sort_unstable();
    numbers
}

fn has_digit(key: &str) -> bool {
    key.chars().any(char::is_numeric)
}

/// How much of both names, by letters, has an equal or nearly equal word in the other.
fn alignment(a: &[Word], b: &[Word]) -> u32 {
    let one_way = |from: &[Word], to: &[Word]| -> (u32, u32) {
        from.iter().fold((0, 0), |(got, all), word| {
            let weight = u32::try_from(word.key.chars().count()).unwrap_or_default();
            let best = keys(to).map(|other| alike(&word.key, other)).max();
            (got + weight * best.unwrap_or_default(), all + weight)
        })
    };
    let (got_a, all_a) = one_way(a, b);
    let (got_b, all_b) = one_way(b, a);
    (got_a + got_b) / (all_a + all_b).max(1)
}

fn alike(a: &str, b: &str) -> u32 {
    if a == b {
        return 1000;
    }
    let short = |text: &str| text.chars().count() < 4;
    if short(a) || short(b) || has_digit(a) || has_digit(b) {
        return 0;
    }
    // A cheap look first: misspelt words nearly always begin or end the same.
    if a.chars().next() != b.chars().next() && a.chars().next_back() != b.chars().next_back() {
        return 0;
    }
    let alike = spelling(a, b);
    if alike < 880 { 0 } else { alike }
}

/// Jaro-Winkler similarity in thousandths.
#[allow(
    clippy::float_arithmetic,
    reason = "a similarity of names, neither a quantity nor money"
)]
fn spelling(a: &str, b: &str) -> u32 {
    (strsim::jaro_winkler(a, b) * 1000.0) as u32
}

/// Finds the names that share something telling with a given one.
#[derive(Debug)]
pub(super) struct NameIndex {
    names: Vec<NameKey>,
    having: HashMap<String, Vec<usize>>,
}

impl NameIndex {
    pub(super) fn new(names: Vec<NameKey>) -> Self {
        let mut having: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, name) in names.iter().enumerate() {
            let (equal, shared) = name.features();
            for feature in equal.into_iter().chain(shared) {
                having.entry(feature).or_default().push(position);
            }
        }
        Self { names, having }
    }

    pub(super) fn name(&self, position: usize) -> &NameKey {
        &self.names[position]
    }

    /// The positions worth comparing with a name: at most a bounded number, rarest traits first.
    pub(super) fn candidates(&self, name: &NameKey) -> Vec<usize> {
        let (equal, shared) = name.features();
        let mut weights: HashMap<usize, usize> = HashMap::new();
        for feature in &equal {
            for position in self.positions(feature).iter().take(EQUAL_KEYS) {
                *weights.entry(*position).or_default() += 100_000;
            }
        }
        for feature in &shared {
            let positions = self.positions(feature);
            if positions.len() <= COMMON {
                for position in positions {
                    *weights.entry(*position).or_default() += 1 + 1000 / positions.len();
                }
            }
        }
        let mut found: Vec<(usize, usize)> = weights.into_iter().collect();
        found.sort_by_key(|(position, weight)| (std::cmp::Reverse(*weight), *position));
        found.truncate(COMPARED);
        found.into_iter().map(|(position, _)| position).collect()
    }

    fn positions(&self, feature: &str) -> &[usize] {
        self.having
            .get(feature)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn company(a: &str, b: &str) -> Similarity {
        compare(&NameKey::of_company(a), &NameKey::of_company(b))
    }

    #[test]
    fn the_reason_says_what_differs() {
        for (a, b, score, reason) in [
            ("Acme", "Acme", 100, "same name"),
            (
                "Acme",
                "ACME ",
                98,
                "same name apart from capitals or spaces",
            ),
            (
                "A.C.M.E.",
                "ACME",
                96,
                "same name apart from punctuation or accents",
            ),
            ("Acme, Ltd.", "Acme", 93, "same name apart from 'Ltd'"),
            (
                "Acme Inc",
                "Acme LLC",
                93,
                "same name apart from 'Inc' and 'LLC'",
            ),
            (
                "DataWorks",
                "Data Works",
                91,
                "same name apart from spaces and punctuation",
            ),
            (
                "Smith Dental",
                "Dental Smith",
                90,
                "same words in another order",
            ),
            ("Contosso", "Contoso", 89, "similar spelling"),
            (
                "Contoso Canada",
                "Contoso",
                78,
                "all words of 'Contoso' are in the other name",
            ),
        ] {
            let found = company(a, b);
            assert_eq!(
                (found.score, found.reason.as_str()),
                (score, reason),
                "{a} / {b}"
            );
        }
    }

    #[test]
    fn another_number_is_another_thing() {
        let plan = |a, b| compare(&NameKey::of_product(a), &NameKey::of_product(b)).score;
        assert!(plan("Microsoft 365 E3", "Microsoft 365 E5") < 75);
        assert!(plan("Microsoft 365 E3", "Microsoft 365 E3 (annual)") > 75 - 20);
        assert!(company("Contoso Bakery", "Fabrikam Brewery").score < 70);
    }

    proptest! {
        #[test]
        fn any_two_names_compare_the_same_both_ways(a in any::<String>(), b in any::<String>()) {
            let ab = company(&a, &b).score;
            prop_assert_eq!(ab, company(&b, &a).score);
            prop_assert!(ab <= 100);
        }
    }
}
