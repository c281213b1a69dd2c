//! Errors: always XML, whatever the caller accepts.

use crate::http::SimAnswer;

/// What a fault says.
pub(super) struct Fault<'a> {
    pub(super) text: &'a str,
    pub(super) session_expired: bool,
    pub(super) issue_token: Option<&'a str>,
}

impl<'a> Fault<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            session_expired: false,
            issue_token: None,
        }
    }

    /// The answer.
    pub(super) fn answer(&self, status: u16) -> SimAnswer {
        let text = escaped(self.text);
        let issue = match self.issue_token {
            Some(token) => format!("<IssueToken>{}</IssueToken>", escaped(token)),
            None => "<IssueToken i:nil=\"true\"/>".to_owned(),
        };
        let body = format!(
            "<Fault xmlns=\"http://schemas.microsoft.com/ws/2005/05/envelope/none\"><Code><Value>Sender</Value></Code>\
             <Reason><Text xml:lang=\"en-US\">{text}</Text></Reason><Detail>\
             <ServiceException xmlns=\"http://schemas.datacontract.org/2004/07/Nervogrid.Platform.API\" \
             xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <IsSessionExpired>{}</IsSessionExpired>{issue}<Message>{text}</Message>\
             </ServiceException></Detail></Fault>",
            self.session_expired
        );
        SimAnswer::new(status, "text/xml; charset=utf-8", body)
    }
}

/// A fault without more than its text.
pub(super) fn fault(status: u16, text: &str) -> SimAnswer {
    Fault::new(text).answer(status)
}

/// Text inside an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
