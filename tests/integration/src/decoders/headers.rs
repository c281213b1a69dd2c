//! The `Link` and `Retry-After` headers, and the address that a client is given.

use std::time::Duration;

use jiff::Timestamp;
use tallyline_core::http::{BaseUrl, Link, parse_link_header, parse_retry_after};

use super::first_line;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is read of a `Link` header is written and read again as it was.
pub fn link_header(data: &[u8]) {
    let value = String::from_utf8_lossy(data);
    let links = parse_link_header(&value);
    assert!(links.len() <= value.matches('<').count(), "{value:?}");
    for link in &links {
        assert!(value.contains(&link.url), "{value:?}");
        let named = link.rel.split_ascii_whitespace().next();
        assert!(named.is_none_or(|rel| link.has_rel(&rel.to_ascii_uppercase())));
    }
    let written: Vec<String> = links.iter().map(text).collect();
    assert_eq!(parse_link_header(&written.join(", ")), links, "{value:?}");
}

fn text(link: &Link) -> String {
    let rel = link.rel.replace('\\', "\\\\").replace('"', "\\\"");
    format!("<{}>; title=\"a, <b>; rel=c\"; rel=\"{rel}\"", link.url)
}

/// A wait is at most a day, and over once it has been waited.
///
/// The first line is the present, in seconds since 1970; the rest is the header.
pub fn retry_after(data: &[u8]) {
    let (now, value) = first_line(data);
    let now = now.trim().parse().ok();
    let now = now.and_then(|now| Timestamp::from_second(now).ok());
    let now = now.unwrap_or(Timestamp::UNIX_EPOCH);
    let value = String::from_utf8_lossy(value);
    let wait = parse_retry_after(&value, now);
    let plain = value.trim();
    if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = plain.parse().unwrap_or(u64::MAX);
        let expected = Duration::from_secs(seconds).min(DAY);
        assert_eq!(wait, Some(expected), "{value:?}");
    }
    let Some(wait) = wait else { return };
    assert!(wait <= DAY, "{value:?}");
    let Ok(later) = now.checked_add(jiff::SignedDuration::try_from(wait).unwrap()) else {
        return;
    };
    let rest = parse_retry_after(&value, later);
    if value.contains(':') && wait < DAY {
        assert_eq!(rest, Some(Duration::ZERO), "{value:?}");
    }
    assert!(rest.is_some_and(|rest| rest <= DAY), "{value:?}");
}

/// A base URL that is taken is read again as it was, is HTTPS or of this machine, and no path below it leaves its host; one
/// that is refused is not repeated.
///
/// The first line is the URL; the rest is a path below it.
pub fn base_url(data: &[u8]) {
    let (text, path) = first_line(data);
    let url = match BaseUrl::parse(&text) {
        Ok(url) => url,
        Err(error) => {
            let said = error.to_string();
            let user = text
                .split_once("//")
                .and_then(|(_, rest)| rest.split_once('@'));
            // What holds no digit may be a word of the message.
            let told = |user: &&str| user.len() > 3 && user.contains(|c: char| c.is_ascii_digit());
            let user = user.map(|(user, _)| user).filter(told);
            assert!(user.is_none_or(|user| !said.contains(user)), "{said:?}");
            return;
        }
    };
    let written = url.as_str();
    assert!(
        BaseUrl::parse(written).is_ok_and(|again| again == url),
        "{text:?}"
    );
    let here = matches!(url.host(), "localhost" | "[::1]") || url.host().starts_with("127.");
    assert!(written.starts_with("https://") || here, "{text:?}");
    let authority = written.split('/').nth(2).unwrap_or_default();
    assert!(!url.host().is_empty() && !authority.contains('@') && !written.contains(['?', '#']));
    let Ok(below) = url.join_path(&String::from_utf8_lossy(path)) else {
        return;
    };
    assert_eq!((below.host(), below.port()), (url.host(), url.port()));
    assert!(below.as_str().starts_with(written), "{text:?} {path:?}");
}
