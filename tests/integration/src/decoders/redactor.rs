//! Secrets stay out of texts, in whatever form they come.

use tallyline_core::http::Redactor;

use super::first_line;

const MARK: &str = "[redacted]";

/// A text with a secret in any of its forms shows it nowhere.
///
/// The first line is the secret; the rest is the text, in which `{secret}` and a number from 0
/// to 7, as in `{secret3}`, stand for a form of it.
pub fn redactor(data: &[u8]) {
    let (secret, text) = first_line(data);
    let text = String::from_utf8_lossy(text);
    let redactor = Redactor::new().with_secret(&secret.as_str().into());
    assert!(!format!("{redactor:?}").contains("SecretString"));
    let _ = redactor.redact(&text);
    if secret.len() < 4 {
        assert_eq!(redactor.redact(&text), text);
        return;
    }
    let forms = forms(&secret);
    let mut filled = text.clone().into_owned();
    for (number, form) in forms.iter().enumerate() {
        filled = filled.replace(&format!("{{secret{number}}}"), form);
    }
    let masked = redactor.redact(&filled);
    for part in masked.split(MARK) {
        for form in &forms {
            assert!(!part.contains(form.as_str()), "{form:?} in {masked:?}");
        }
    }
    for form in &forms {
        let masked = redactor.redact(&format!("a {form} b"));
        assert!(
            !masked.replace(MARK, "").contains(form.as_str()),
            "{masked:?}"
        );
    }
}

/// The forms that a secret travels in, made here by other means than the redactor's.
fn forms(secret: &str) -> [String; 8] {
    let percent = |upper: bool| {
        let mut text = String::new();
        for byte in secret.bytes() {
            match byte {
                b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
                byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
                byte if upper => text.push_str(&format!("%{byte:02X}")),
                byte => text.push_str(&format!("%{byte:02x}")),
            }
        }
        text
    };
    let json = super::json::write(secret);
    let json = json[1..json.len() - 1].to_owned();
    // As System.Text.Json writes it: beyond ASCII, and what HTML gives a meaning, by number.
    let mut net = String::new();
    for c in secret.chars() {
        let mut units = [0; 2];
        match c {
            '\\' => net.push_str("\\\\"),
            '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => {
                let written = super::json::write(&c);
                net.push_str(&written[1..written.len() - 1]);
            }
            ' '..='~' if !"\"&'+<>`".contains(c) => net.push(c),
            c => {
                for unit in c.encode_utf16(&mut units) {
                    net.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    [
        secret.to_owned(),
        percent(true),
        percent(false),
        json.clone(),
        json.replace('/', "\\/"),
        net,
        base64(secret.as_bytes(), b'+', b'/'),
        base64(secret.as_bytes(), b'-', b'_'),
    ]
}

/// Base64 without padding.
fn base64(bytes: &[u8], last_but_one: u8, last: u8) -> String {
    let mut alphabet: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .collect();
    alphabet.extend([last_but_one, last]);
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..=chunk.len() {
            let index = bits >> (18 - 6 * place) & 63;
            text.push(char::from(alphabet[usize::try_from(index).unwrap()]));
        }
    }
    text
}
