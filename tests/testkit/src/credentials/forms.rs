//! The forms that a secret travels in.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// A secret as it is, in base64, percent-encoded, in a form, and inside JSON.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let percent = |lower: bool| -> String {
        secret
            .bytes()
            .map(|byte| match byte {
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
                b if lower => format!("%{b:02x}"),
                b => format!("%{b:02X}"),
            })
            .collect()
    };
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        percent(false),
        percent(true),
        form,
        json.trim_matches('"').to_owned(),
    ];
    forms.sort_unstable();
    forms.dedup();
    forms.retain(|form| !form.is_empty());
    // The longest first, for masking.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}
