//! The vendor's errors: XML faults, told apart by an element and by their words alone.

use std::time::Duration;

use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

use crate::fault;

/// The words of a refused user name or password.
const WRONG_PASSWORD: &str = "check your username and password";

/// The words of a user with multi-factor authentication.
const MFA: &str = "users with enabled mfa are not supported";

/// Words that tell a missing right; inferred, as no fault of that kind is on record.
const NO_RIGHT: [&str; 4] = [
    "permission",
    "access denied",
    "access is denied",
    "not authorized",
];

/// Reads the vendor's error bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DandhErrors {
    /// The wait after a 429 that names none.
    pub(crate) pause: Duration,
}

impl ErrorDecoder for DandhErrors {
    fn decode(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> VendorError {
        let mut error = match fault::read(body) {
            Some(fault) => by_words(status, fault),
            None => VendorError::of_text(&String::from_utf8_lossy(body)),
        };
        if status == 429 && !headers.contains_key("retry-after") {
            error.retry_after = Some(self.pause);
        }
        error
    }

    /// A fault is one whatever the status.
    fn check_success(&self, status: u16, _: &HeaderMap, body: &[u8]) -> Option<VendorError> {
        let start = body.trim_ascii_start();
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        let fault = start.starts_with(b"<").then(|| fault::read(body))??;
        let mut error = by_words(status, fault);
        error.kind = error
            .kind
            .or((!error.session_expired).then_some(ErrorKind::Invalid));
        Some(error)
    }
}

/// Whether a message of the vendor holds a phrase, whatever the case.
pub(crate) fn says(message: &str, phrase: &str) -> bool {
    message.to_ascii_lowercase().contains(phrase)
}

/// Whether a message refuses users with multi-factor authentication.
pub(crate) fn is_about_mfa(message: &str) -> bool {
    says(message, MFA)
}

fn by_words(status: u16, fault: fault::Fault) -> VendorError {
    let message = fault.message.as_deref().unwrap_or_default();
    let mut error = VendorError {
        code: fault.issue_token.clone(),
        message: fault.message.clone(),
        session_expired: fault.session_expired,
        ..VendorError::default()
    };
    if fault.session_expired {
        return error;
    }
    if says(message, WRONG_PASSWORD) || is_about_mfa(message) {
        error.kind = Some(ErrorKind::Auth);
    } else if NO_RIGHT.iter().any(|phrase| says(message, phrase)) {
        error.kind = Some(ErrorKind::PermissionDenied);
    } else if status == 500 {
        // The application refused, or failed: more than one repeat is wasted.
        error.max_attempts = Some(2);
        return error;
    }
    error.refused = error.kind.is_some();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECODER: DandhErrors = DandhErrors {
        pause: Duration::from_secs(8),
    };

    fn xml(message: &str, expired: bool) -> String {
        format!(
            "<Fault><Detail><ServiceException><IsSessionExpired>{expired}</IsSessionExpired>\
             <IssueToken>i-1</IssueToken><Message>{message}</Message></ServiceException></Detail></Fault>"
        )
    }

    fn decode(status: u16, body: &str) -> VendorError {
        DECODER.decode(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn a_fault_is_told_apart_by_its_words_in_any_case_and_not_by_its_status() {
        for (message, kind) in [
            (
                "Failed. Please Check your UserName and Password.",
                Some(ErrorKind::Auth),
            ),
            (
                "Users with enabled MFA are not supported",
                Some(ErrorKind::Auth),
            ),
            (
                "The user has no Permission to call X",
                Some(ErrorKind::PermissionDenied),
            ),
            ("Access denied.", Some(ErrorKind::PermissionDenied)),
            ("The session variable is odd", None),
        ] {
            let error = decode(500, &xml(message, false));
            assert_eq!(error.kind, kind, "{message}");
            assert_eq!(error.refused, kind.is_some(), "{message}");
            assert_eq!(error.max_attempts.is_some(), kind.is_none(), "{message}");
            assert_eq!(error.message.as_deref(), Some(message));
            assert_eq!(error.code.as_deref(), Some("i-1"));
            assert!(!error.session_expired);
        }
    }

    #[test]
    fn an_expired_session_is_told_by_its_element_alone_even_on_success() {
        for status in [500, 400, 401, 403] {
            let error = decode(status, &xml("whatever", true));
            assert!(error.session_expired && error.kind.is_none(), "{status}");
        }
        let check = |body: &str| DECODER.check_success(200, &HeaderMap::new(), body.as_bytes());
        assert!(check(&xml("x", true)).unwrap().session_expired);
        let other = check(&xml("x", false)).unwrap();
        assert_eq!(other.kind, Some(ErrorKind::Invalid));
        for body in ["[]", "<html></html>", "", "\"<Fault></Fault>\""] {
            assert_eq!(check(body), None, "{body}");
        }
    }

    #[test]
    fn a_429_without_a_wait_waits_as_long_as_its_users_do() {
        let pause = Some(Duration::from_secs(8));
        assert_eq!(decode(429, &xml("Too many", false)).retry_after, pause);
        assert_eq!(decode(429, "").retry_after, pause);
        assert_eq!(decode(503, "").retry_after, None);
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().unwrap());
        assert_eq!(DECODER.decode(429, &headers, b"").retry_after, None);
    }

    #[test]
    fn a_body_that_is_no_fault_gives_its_text_and_a_page_gives_nothing() {
        assert_eq!(
            decode(502, " upstream is away ").message.as_deref(),
            Some("upstream is away")
        );
        for body in ["", "<html>oops</html>", "<Fault><Detail>"] {
            assert_eq!(decode(500, body), VendorError::default(), "{body}");
        }
    }
}
