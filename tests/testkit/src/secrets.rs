//! Secrets that must show nowhere, and the one search for them.
//!
//! A secret is looked for in every form that it travels in: as it is, in base64 of either alphabet (alone or joined to
//! a user and whatever else, as in `user:secret`), percent-encoded, in a form, in hexadecimal, and as it stands inside a
//! JSON string or Rust's `Debug` output.
//!
//! ```
//! use tallyline_testkit::secrets::Secrets;
//!
//! let secrets = Secrets::of("correct-horse").and("battery-staple");
//! assert_eq!(secrets.shown_in("all is well"), None);
//! // Base64 of `user:correct-horse`.
//! let shown = secrets.shown_in("GET / HTTP/1.1\nauthorization: Basic dXNlcjpjb3JyZWN0LWhvcnNl");
//! assert!(shown.is_some_and(|line| line.starts_with("authorization: Basic") && line.contains("<SECRET>")));
//! ```

use std::fmt::{self, Write as _};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The shortest text that can be searched for: shorter ones stand in innocent words.
pub const SHORTEST: usize = 8;

/// What stands in the place of a secret.
const MASK: &str = "<SECRET>";

/// Secrets to look for: one at least, and none too short to be searched for. `Debug` shows none.
#[derive(Clone)]
pub struct Secrets {
    plain: Vec<String>,
    /// All forms of all secrets, the longest first: so is no rest of one left where another is masked.
    forms: Vec<String>,
}

impl Secrets {
    /// One secret.
    ///
    /// # Panics
    /// When it has fewer than [`SHORTEST`] bytes beside blanks around it: then nothing would be proved by not finding it.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let none = Self {
            plain: Vec::new(),
            forms: Vec::new(),
        };
        none.and(secret)
    }

    /// Adds another.
    ///
    /// # Panics
    /// As [`of`](Self::of).
    #[must_use]
    pub fn and(mut self, secret: &str) -> Self {
        assert!(
            secret.trim().len() >= SHORTEST,
            "a secret to look for must have {SHORTEST} bytes or more"
        );
        self.add(secret);
        self
    }

    /// Adds what can be searched for.
    pub(crate) fn with_seen<'a>(mut self, seen: impl IntoIterator<Item = &'a str>) -> Self {
        for secret in seen {
            let new = !self.plain.iter().any(|known| known == secret);
            if new && secret.trim().len() >= SHORTEST {
                self.add(secret);
            }
        }
        self
    }

    fn add(&mut self, secret: &str) {
        self.plain.push(secret.to_owned());
        self.forms.extend(forms(secret));
        self.forms.sort_unstable();
        self.forms.dedup();
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The secrets as they are.
    pub(crate) fn plain(&self) -> &[String] {
        &self.plain
    }

    /// The first line in which one of them shows, in any form and masked; none when none shows.
    #[must_use]
    pub fn shown_in(&self, text: &str) -> Option<String> {
        let shows = |text: &str| self.forms.iter().any(|form| text.contains(form.as_str()));
        if !shows(text) {
            return None;
        }
        // A secret that spans lines shows in the text as a whole.
        let line = text.lines().find(|line| shows(line)).unwrap_or(text);
        Some(self.masked(line))
    }

    /// The text with every form of every secret masked.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), MASK);
            }
        }
        text
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.plain.len())
    }
}

/// The forms that a secret travels in.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        secret.trim().to_owned(),
        percent(secret, true),
        percent(secret, false),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        hex(secret, true),
        hex(secret, false),
        unquoted(&format!("{secret:?}")),
    ];
    let json = unquoted(&serde_json::to_string(secret).unwrap_or_default());
    forms.push(json.replace('/', "\\/"));
    forms.push(json);
    for by_number in ["", HTML] {
        for capitals in [true, false] {
            forms.push(json_by_number(secret, by_number, capitals));
        }
    }
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|before| base64_behind(secret, before, &engine)));
    }
    forms
}

/// What writers of JSON that care for HTML give by number.
const HTML: &str = "\"&'+<>`";

fn unquoted(text: &str) -> String {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

fn percent(secret: &str, capitals: bool) -> String {
    let mut text = String::new();
    for byte in secret.bytes() {
        // Writing to a string does not fail.
        let _ = match byte {
            b'-' | b'.' | b'_' | b'~' => write!(text, "{}", char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => write!(text, "{}", char::from(byte)),
            byte if capitals => write!(text, "%{byte:02X}"),
            byte => write!(text, "%{byte:02x}"),
        };
    }
    text
}

fn hex(secret: &str, capitals: bool) -> String {
    let digits = secret.bytes().map(|byte| match capitals {
        true => format!("{byte:02X}"),
        false => format!("{byte:02x}"),
    });
    digits.collect()
}

/// Inside a JSON string whose writer gives characters beyond ASCII, and some within it, by number.
fn json_by_number(secret: &str, by_number: &str, capitals: bool) -> String {
    let mut text = String::new();
    for c in secret.chars() {
        match c {
            ' '..='~' if !by_number.contains(c) => {
                text.push_str(&unquoted(&serde_json::to_string(&c).unwrap_or_default()));
            }
            '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => {
                text.push_str(&unquoted(&serde_json::to_string(&c).unwrap_or_default()));
            }
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = match capitals {
                        true => write!(text, "\\u{unit:04X}"),
                        false => write!(text, "\\u{unit:04x}"),
                    };
                }
            }
        }
    }
    text
}

/// The characters that base64 has for a secret behind so many other bytes, counted modulo three, whatever these are and
/// whatever follows: without the characters that share their bits with a neighbour.
fn base64_behind(secret: &str, before: usize, engine: &impl Engine) -> String {
    let bytes = [&vec![0; before], secret.as_bytes()].concat();
    let first = (before * 8).div_ceil(6);
    let whole = bytes.len() * 8 / 6;
    let text = engine.encode(&bytes);
    text.get(first..whole).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const SECRET: &str = "p/ss\u{ff}\"w+rd?";

    #[test]
    fn a_secret_is_found_in_every_form_it_travels_in_and_masked() {
        let secrets = Secrets::of("another-one").and(SECRET);
        for text in [
            SECRET,
            "p%2Fss%C3%BF%22w%2Brd%3F",
            "p%2fss%c3%bf%22w%2brd%3f",
            "p/ss\u{ff}\\\"w+rd?",
            "p\\/ss\u{ff}\\\"w+rd?",
            "p/ss\\u00FF\\u0022w\\u002Brd?",
            "p/ss\\u00ff\\\"w+rd?",
            "702f7373c3bf22772b72643f",
            "702F7373C3BF22772B72643F",
        ] {
            let found = secrets.shown_in(&format!("first\na {text} b"));
            assert_eq!(found.as_deref(), Some("a <SECRET> b"), "{text}");
        }
        let form = Secrets::of("two words+more");
        assert!(form.shown_in("key=two+words%2Bmore&x").is_some());
    }

    #[test]
    fn base64_is_found_alone_and_behind_any_user_with_anything_after_it() {
        let secrets = Secrets::of(SECRET);
        for before in ["", "u:", "user:", "company+public:", "a:b:"] {
            for after in ["", "\n", ":x", ", and more"] {
                let text = format!("{before}{SECRET}{after}");
                for encoded in [
                    STANDARD.encode(&text),
                    URL_SAFE.encode(&text),
                    STANDARD_NO_PAD.encode(&text),
                    URL_SAFE_NO_PAD.encode(&text),
                ] {
                    assert!(secrets.shown_in(&encoded).is_some(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_secret_is_not_found() {
        let secrets = Secrets::of(SECRET);
        for text in ["", "p/ss", "PASSWORD", "cC9zcw==", "702f7373", MASK] {
            assert_eq!(secrets.shown_in(text), None, "{text}");
        }
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }

    #[test]
    #[should_panic(expected = "must have 8 bytes or more")]
    fn an_empty_secret_is_refused() {
        let _ = Secrets::of("");
    }

    #[test]
    #[should_panic(expected = "must have 8 bytes or more")]
    fn a_secret_too_short_to_be_searched_for_is_refused() {
        let _ = Secrets::of("long-enough").and("  short  ");
    }

    #[test]
    fn credentials_that_were_seen_are_looked_for_where_they_are_long_enough() {
        let secrets = Secrets::of("long-enough").with_seen(["Bearer", "tok-1234567"]);
        assert!(secrets.shown_in("tok-1234567").is_some());
        assert_eq!(secrets.shown_in("Bearer"), None);
    }
}
