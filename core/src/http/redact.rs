//! Keeps secrets out of texts.

use std::fmt;
use std::fmt::Write as _;

use ::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::request::percent_encode;

const MARK: &str = "[redacted]";

/// Shorter texts are not masked: they would turn up inside innocent words.
const SHORTEST: usize = 4;

/// No more than this much of a text is looked at.
const WINDOW: usize = 64 * 1024;

const SHOWN_HEADERS: [&str; 8] = [
    "content-type",
    "content-length",
    "content-encoding",
    "date",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

const SHOWN_QUERY: [&str; 12] = [
    "page",
    "pagesize",
    "page_size",
    "pagenumber",
    "per_page",
    "limit",
    "offset",
    "skip",
    "top",
    "$top",
    "$skip",
    "size",
];

/// Masks known secrets in any text, with their base64, percent-encoded and JSON forms.
///
/// Secrets shorter than four bytes are not masked. Its `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret inside another does not leave the rest of it.
    patterns: Vec<SecretString>,
}

impl Redactor {
    /// A redactor that knows no secrets yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret.
    #[must_use]
    pub fn with_secret(mut self, secret: &SecretString) -> Self {
        self.add(secret.expose_secret());
        self.patterns
            .sort_by_key(|pattern| std::cmp::Reverse(pattern.expose_secret().len()));
        self
    }

    /// Adds the value of a credential header: the whole, what follows the scheme, and for
    /// basic authentication the password.
    #[must_use]
    pub(crate) fn with_header_value(mut self, value: &SecretString) -> Self {
        let value = value.expose_secret();
        if let Some((scheme, rest)) = value.split_once(' ') {
            self.add(rest);
            if scheme.eq_ignore_ascii_case("basic")
                && let Ok(pair) = STANDARD.decode(rest)
                && let Ok(pair) = String::from_utf8(pair)
                && let Some((_, password)) = pair.split_once(':')
            {
                self.add(password);
            }
        }
        self.with_secret(&SecretString::from(value))
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let percent = percent_encode(secret);
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).unwrap_or_default();
        let json = json.trim_matches('"');
        for form in [
            secret.to_owned(),
            secret.trim().to_owned(),
            STANDARD.encode(secret),
            STANDARD_NO_PAD.encode(secret),
            URL_SAFE.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            lower_escapes(&percent),
            percent,
            form,
            json.to_owned(),
            json.replace('/', "\\/"),
            escaped_json(secret, "\"&'+<>`", true),
            escaped_json(secret, "\"&'+<>`", false),
            escaped_json(secret, "", false),
        ] {
            let known = |pattern: &SecretString| pattern.expose_secret() == form;
            if form.len() >= SHORTEST && !self.patterns.iter().any(known) {
                self.patterns.push(SecretString::from(form));
            }
        }
    }

    /// The text with every known secret masked.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for pattern in &self.patterns {
            if text.contains(pattern.expose_secret()) {
                text = text.replace(pattern.expose_secret(), MARK);
            }
        }
        text
    }

    /// The beginning of a body as text, masked: masked first and cut afterwards, so that no
    /// piece of a secret is left at the cut.
    pub(crate) fn snippet(&self, body: &[u8], max: usize) -> String {
        let window = &body[..body.len().min(WINDOW)];
        let mut text = self.redact(&String::from_utf8_lossy(window));
        if window.len() < body.len() {
            let longest = self
                .patterns
                .first()
                .map_or(0, |pattern| pattern.expose_secret().len());
            cut(&mut text, WINDOW.saturating_sub(longest));
        }
        cut(&mut text, max);
        text
    }

    /// A URL as it may be logged: the values of query keys that are not known to be harmless
    /// are left out.
    pub(crate) fn url(&self, url: &Url) -> String {
        let mut shown = url.clone();
        shown.set_query(None);
        let mut text = String::from(shown);
        for (index, (key, value)) in url.query_pairs().enumerate() {
            let known = SHOWN_QUERY.contains(&key.to_ascii_lowercase().as_str());
            let value = if known { &value } else { MARK };
            let sign = if index == 0 { '?' } else { '&' };
            let _ = write!(text, "{sign}{key}={value}");
        }
        self.redact(&text)
    }

    /// Headers as they may be logged: those known to be harmless.
    pub(crate) fn headers(&self, headers: &HeaderMap) -> String {
        let shown = |name: &HeaderName| SHOWN_HEADERS.contains(&name.as_str());
        let mut text = String::new();
        for (name, value) in headers.iter().filter(|(name, _)| shown(name)) {
            let value = String::from_utf8_lossy(value.as_bytes());
            let _ = write!(text, "{name}: {value}; ");
        }
        self.redact(text.trim_end_matches("; "))
    }
}

/// Cuts a text to at most `max` bytes, between two characters.
fn cut(text: &mut String, max: usize) {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// A text inside a JSON string as writers have it that give characters beyond ASCII, and some
/// within it, by number: `a+b` may come back as `a\u002Bb`.
fn escaped_json(text: &str, by_number: &str, capitals: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        let mut units = [0; 2];
        match c {
            ' '..='~' if by_number.contains(c) => {}
            '"' | '\\' => {
                escaped.push('\\');
                escaped.push(c);
                continue;
            }
            ' '..='~' => {
                escaped.push(c);
                continue;
            }
            '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => {
                let short = serde_json::to_string(&c).unwrap_or_default();
                escaped.push_str(short.trim_matches('"'));
                continue;
            }
            _ => {}
        }
        for unit in c.encode_utf16(&mut units) {
            let _ = if capitals {
                write!(escaped, "\\u{unit:04X}")
            } else {
                write!(escaped, "\\u{unit:04x}")
            };
        }
    }
    escaped
}

/// The same with percent escapes in small letters.
fn lower_escapes(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    let mut escape = 0;
    for c in text.chars() {
        if c == '%' {
            escape = 2;
            lower.push(c);
        } else if escape > 0 {
            escape -= 1;
            lower.push(c.to_ascii_lowercase());
        } else {
            lower.push(c);
        }
    }
    lower
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("patterns", &self.patterns.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_every_form_it_travels_in() {
        let redactor = Redactor::new().with_secret(&"p/ss \"w+rd\"".into());
        for text in [
            "p/ss \"w+rd\"",
            "p%2Fss%20%22w%2Brd%22",
            "p%2fss%20%22w%2brd%22",
            "p%2Fss+%22w%2Brd%22",
            "p/ss \\\"w+rd\\\"",
            "p\\/ss \\\"w+rd\\\"",
            "p/ss \\u0022w\\u002Brd\\u0022",
            "p/ss \\u0022w\\u002brd\\u0022",
            &STANDARD.encode("p/ss \"w+rd\""),
            &URL_SAFE_NO_PAD.encode("p/ss \"w+rd\""),
        ] {
            let masked = redactor.redact(&format!("a {text} b"));
            assert!(masked.starts_with("a [redacted]"), "{masked}");
        }
        assert!(!format!("{redactor:?}").contains("ss"));
    }

    #[test]
    fn a_secret_beyond_ascii_is_masked_where_json_gives_it_by_number() {
        let redactor = Redactor::new().with_secret(&"pässwörd😀".into());
        for text in [
            "p\\u00E4ssw\\u00F6rd\\uD83D\\uDE00",
            "p\\u00e4ssw\\u00f6rd\\ud83d\\ude00",
        ] {
            assert_eq!(redactor.redact(text), MARK);
        }
    }

    #[test]
    fn a_basic_header_gives_away_neither_the_pair_nor_the_password() {
        let header = super::super::basic_auth("user", &"hunter2".into());
        let redactor = Redactor::new().with_header_value(&header);
        for text in ["hunter2", "dXNlcjpodW50ZXIy", "Basic dXNlcjpodW50ZXIy"] {
            assert_eq!(redactor.redact(text), MARK);
        }
    }

    #[test]
    fn no_piece_of_a_secret_is_left_at_a_cut() {
        let redactor = Redactor::new().with_secret(&"supersecretvalue".into());
        let body = format!("{}supersecretvalue", "x".repeat(2040));
        assert!(!redactor.snippet(body.as_bytes(), 2048).contains("super"));
        let body = format!("{}supersecretvalue", "x".repeat(WINDOW - 5));
        assert!(!redactor.snippet(body.as_bytes(), WINDOW).contains("super"));
        assert_eq!(redactor.snippet("é".as_bytes(), 1), "");
        assert_eq!(redactor.snippet(&[0xff, b'a'], 9), "\u{fffd}a");
    }

    #[test]
    fn only_harmless_query_values_and_headers_are_shown() {
        let redactor = Redactor::new();
        let url = Url::parse("https://a.example/x?page=2&conditions=name%3D1&token=t").unwrap();
        assert_eq!(
            redactor.url(&url),
            "https://a.example/x?page=2&conditions=[redacted]&token=[redacted]"
        );
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().unwrap());
        headers.insert("set-cookie", "session=1".parse().unwrap());
        assert_eq!(redactor.headers(&headers), "retry-after: 3");
    }
}
