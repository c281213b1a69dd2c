//! Positions of records, found by their texts.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::RandomState;

/// What stands for no record.
const EMPTY: u32 = u32::MAX;

/// The positions of records by their texts, which stay where they are: who asks says what the text of a record
/// is. Its hash is seeded anew in each, so that no list of ids is slow in all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct TextIndex {
    hasher: RandomState,
    /// Half of the hash of a text, and the position of its record. A power of two of them, half of them
    /// empty at least; none where there is no record.
    slots: Vec<(u32, u32)>,
}

impl TextIndex {
    /// For so many records at most.
    pub(super) fn with_room(records: usize) -> Self {
        let slots = match records {
            0 => 0,
            records => (records * 2).next_power_of_two(),
        };
        Self {
            hasher: RandomState::default(),
            slots: vec![(0, EMPTY); slots],
        }
    }

    /// The positions of records by their texts, and the positions of those whose text is that of one before.
    pub(super) fn of<T>(records: &[T], text: impl Fn(&T) -> &str) -> (Self, Vec<u32>) {
        let mut index = Self::with_room(records.len());
        let hashes = records.iter().map(|record| index.hash(text(record)));
        let hashes: Vec<u64> = hashes.collect();
        let mut again = Vec::new();
        for (at, hash) in (0..).zip(hashes) {
            let text_at = |at: u32| records.get(at as usize).map(&text);
            if !index.insert(hash, at, |other| text_at(other) == text_at(at)) {
                again.push(at);
            }
        }
        (index, again)
    }

    pub(super) fn hash(&self, text: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    /// Adds the position of a record by the [hash](Self::hash) of its text, unless one of the same text is there:
    /// says whether there was none.
    pub(super) fn insert(&mut self, hash: u64, at: u32, is_same: impl Fn(u32) -> bool) -> bool {
        let (half, mut slot) = self.place(hash);
        while let Some(place) = self.slots.get_mut(slot) {
            match *place {
                (_, EMPTY) => {
                    *place = (half, at);
                    return true;
                }
                (other, known) if other == half && is_same(known) => return false,
                _ => slot = self.after(slot),
            }
        }
        false
    }

    /// The position of the record of a text.
    pub(super) fn find<'t>(
        &self,
        text: &str,
        text_at: impl Fn(u32) -> Option<&'t str>,
    ) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (half, mut slot) = self.place(self.hash(text));
        loop {
            match *self.slots.get(slot)? {
                (_, EMPTY) => return None,
                (other, at) if other == half && text_at(at).is_some_and(|it| is_same(it, text)) => {
                    return Some(at);
                }
                _ => slot = self.after(slot),
            }
        }
    }

    /// The half of a hash that is held, and the slot that the other half begins at.
    fn place(&self, hash: u64) -> (u32, usize) {
        let half = u32::try_from(hash >> 32).unwrap_or_default();
        let slot = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default();
        (half, slot & self.slots.len().wrapping_sub(1))
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & self.slots.len().wrapping_sub(1)
    }
}

/// Whether two texts are the same: most ids are short, and are compared at once.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        4..8 => {
            one.first_chunk::<4>() == other.first_chunk()
                && one.last_chunk::<4>() == other.last_chunk()
        }
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk()
                && one.last_chunk::<8>() == other.last_chunk()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_text_is_found_at_its_first_record_as_in_a_hash_map() {
        let texts: Vec<String> = (0..3_000).map(|at| format!("A{}", at % 1_700)).collect();
        let (index, again) = TextIndex::of(&texts, String::as_str);
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut twice = Vec::new();
        for (at, text) in (0..).zip(&texts) {
            if *known.entry(text).or_insert(at) != at {
                twice.push(at);
            }
        }
        assert_eq!(again, twice);
        for text in texts.iter().map(String::as_str).chain(["", "A", "A1700"]) {
            let found = index.find(text, |at| texts.get(at as usize).map(String::as_str));
            assert_eq!(found, known.get(text).copied(), "{text}");
        }
    }

    #[test]
    fn texts_of_the_same_hash_are_told_apart() {
        let texts = ["a", "b", "c", "a"];
        let mut index = TextIndex::with_room(texts.len());
        let added = (0..).zip(texts).map(|(at, text)| {
            let hash = (7 << 32) | u64::from(u32::MAX);
            index.insert(hash, at, |other| texts[other as usize] == text)
        });
        assert_eq!(added.collect::<Vec<_>>(), [true, true, true, false]);
    }

    #[test]
    fn texts_of_any_length_are_the_same_where_each_byte_is() {
        for length in 0..40 {
            let text = "x".repeat(length);
            assert!(is_same(&text, &text.clone()));
            assert!(!is_same(&text, &"x".repeat(length + 1)));
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "y");
                assert!(!is_same(&text, &other), "{other}");
            }
        }
    }

    #[test]
    fn nothing_is_found_among_no_records() {
        let (index, again) = TextIndex::of(&[] as &[String], String::as_str);
        assert_eq!(index.find("a", |_| Some("a")), None);
        assert!(again.is_empty());
        assert_eq!(TextIndex::default().find("a", |_| Some("a")), None);
    }
}
