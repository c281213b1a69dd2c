//! Names made comparable, for suggestions only.
//!
//! Automatic links never use these keys: they compare names character for character.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longer names are compared by their beginning.
const MAX_CHARS: usize = 256;
/// Longer names are compared by their first words.
const MAX_WORDS: usize = 24;

/// Words that say which legal form a company has.
const COMPANY_FORMS: &[&str] = &[
    "ab",
    "ag",
    "aps",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "kg",
    "kk",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltee",
    "mbh",
    "nv",
    "ohg",
    "oy",
    "pc",
    "plc",
    "pllc",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "spa",
    "srl",
    "ug",
    "ulc",
];

/// A name without differences of case, spacing and character form.
///
/// Unicode compatibility forms are unified (NFKC), letters become lower case, and every run of
/// white space becomes one space.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::normalize_name;
///
/// assert_eq!(normalize_name("  ACME\u{a0} Ltd. "), "acme ltd.");
/// ```
#[must_use]
pub fn normalize_name(name: &str) -> String {
    let lower = name.nfkc().collect::<String>().to_lowercase();
    let unified: String = lower.nfkc().collect();
    let mut out = String::with_capacity(unified.len());
    for word in unified.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The lossy key of a company's name: without punctuation, accents and legal form.
///
/// Different companies may share it, so it serves suggestions and search only.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::loose_name;
///
/// assert_eq!(loose_name("Café Contoso, L.L.C."), "cafe contoso");
/// assert_eq!(loose_name("Contoso GmbH & Co. KG"), "contoso");
/// ```
#[must_use]
pub fn loose_name(name: &str) -> String {
    join(&split_form(words(name)).0)
}

/// One word of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What is compared.
    pub(super) key: String,
    /// The word as the name has it.
    pub(super) shown: String,
}

/// The words of a name, without punctuation and accents.
pub(super) fn words(name: &str) -> Vec<Word> {
    let name: String = name.chars().take(MAX_CHARS).collect();
    let mut words = Vec::new();
    for chunk in name.split_whitespace() {
        let folded: String = chunk
            .nfkd()
            .filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`'))
            .collect::<String>()
            .to_lowercase()
            .replace('&', " and ");
        let parts: Vec<&str> = folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .collect();
        let initials = parts.len() > 1 && parts.iter().all(|part| part.chars().count() == 1);
        if initials || parts.len() == 1 {
            let shown = chunk.trim_matches(|c: char| !c.is_alphanumeric());
            words.push(Word {
                key: parts.concat(),
                shown: shown.to_owned(),
            });
        } else {
            words.extend(parts.iter().map(|part| Word {
                key: (*part).to_owned(),
                shown: (*part).to_owned(),
            }));
        }
    }
    words.truncate(MAX_WORDS);
    words
}

/// Takes the legal form off the end; at least one word stays.
pub(super) fn split_form(mut words: Vec<Word>) -> (Vec<Word>, Vec<Word>) {
    let mut form = Vec::new();
    while words.len() > 1
        && words.last().is_some_and(|word| {
            COMPANY_FORMS.contains(&word.key.as_str()) || (!form.is_empty() && word.key == "and")
        })
    {
        form.extend(words.pop());
    }
    form.reverse();
    (words, form)
}

/// The words with one space between.
fn join(words: &[Word]) -> String {
    let keys: Vec<&str> = words.iter().map(|word| word.key.as_str()).collect();
    keys.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normalised_names_ignore_case_spacing_and_character_form() {
        assert_eq!(normalize_name("Ａcme\t  Corp"), "acme corp");
        assert_eq!(normalize_name("CAFE\u{301}"), "café");
        assert_ne!(normalize_name("Acme Corp."), normalize_name("Acme Corp"));
    }

    #[test]
    fn the_lossy_key_drops_punctuation_and_legal_form() {
        for name in [
            "Contoso",
            "Contoso, Inc.",
            "CONTOSO L.L.C.",
            "Contoso Ltd",
            "Contoso GmbH",
            "Contoso Corp",
            "contoso co.",
            "Contoso Pty. Ltd.",
        ] {
            assert_eq!(loose_name(name), "contoso", "{name}");
        }
        assert_eq!(loose_name("O’Brien & Sons"), "obrien and sons");
    }

    #[test]
    fn a_name_that_is_only_a_legal_form_keeps_its_first_word() {
        assert_eq!(loose_name("Co Ltd"), "co");
        assert_eq!(loose_name("& Co"), "and");
        assert_eq!(loose_name("***"), "");
    }

    proptest! {
        #[test]
        fn any_text_has_keys_without_double_spaces(name in any::<String>()) {
            for key in [normalize_name(&name), loose_name(&name)] {
                prop_assert!(!key.contains("  "));
                prop_assert_eq!(key.trim(), key.as_str());
            }
        }
    }
}
