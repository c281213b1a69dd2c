//! Programmable faults: what goes wrong, on which requests, how often.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::http::SimAnswer;
use crate::lock;

/// Which requests a fault strikes. Matches every time unless [`times`](Self::times) limits it.
#[derive(Clone, Debug, Default)]
pub struct Match {
    method: Option<String>,
    path: Option<String>,
    path_end: Option<String>,
    not_path: Option<String>,
    query: Option<String>,
    body: Option<String>,
    skip: usize,
    times: Option<usize>,
}

impl Match {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of a method whose path contains a text.
    pub fn method(method: &str, path_contains: &str) -> Self {
        Self {
            method: Some(method.to_ascii_uppercase()),
            path: Some(path_contains.to_owned()),
            ..Self::default()
        }
    }

    /// GET requests whose path contains a text.
    pub fn get(path_contains: &str) -> Self {
        Self::method("GET", path_contains)
    }

    /// POST requests whose path contains a text.
    pub fn post(path_contains: &str) -> Self {
        Self::method("POST", path_contains)
    }

    /// PATCH requests whose path contains a text.
    pub fn patch(path_contains: &str) -> Self {
        Self::method("PATCH", path_contains)
    }

    /// DELETE requests whose path contains a text.
    pub fn delete(path_contains: &str) -> Self {
        Self::method("DELETE", path_contains)
    }

    /// Only requests whose path ends with a text.
    #[must_use]
    pub fn path_end(mut self, with: &str) -> Self {
        self.path_end = Some(with.to_owned());
        self
    }

    /// Only requests whose path does not contain a text.
    #[must_use]
    pub fn not_path(mut self, contains: &str) -> Self {
        self.not_path = Some(contains.to_owned());
        self
    }

    /// Only requests whose raw query contains a text.
    #[must_use]
    pub fn query(mut self, contains: &str) -> Self {
        self.query = Some(contains.to_owned());
        self
    }

    /// Only requests whose body contains a text.
    #[must_use]
    pub fn body(mut self, contains: &str) -> Self {
        self.body = Some(contains.to_owned());
        self
    }

    /// Lets the first `count` matching requests through.
    #[must_use]
    pub fn after(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Strikes at most `count` times.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    /// Strikes the next matching request only.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Strikes the `nth` matching request only, counted from one.
    #[must_use]
    pub fn nth(self, nth: usize) -> Self {
        self.after(nth.saturating_sub(1)).times(1)
    }

    pub(crate) fn matches(&self, method: &str, path: &str, query: &str, body: &str) -> bool {
        let contains = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|want| text.contains(want))
        };
        self.method.as_ref().is_none_or(|want| want == method)
            && contains(&self.path, path)
            && self
                .path_end
                .as_ref()
                .is_none_or(|want| path.ends_with(want))
            && self
                .not_path
                .as_ref()
                .is_none_or(|unwanted| !path.contains(unwanted))
            && contains(&self.query, query)
            && contains(&self.body, body)
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub struct Fault(pub(crate) Effect);

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    DropBefore,
    LoseAnswer,
    Delay(Duration),
    Rewrite(Rewriting),
}

/// A function that turns the system's answer into another one.
#[derive(Clone)]
pub(crate) struct Rewriting(pub(crate) Arc<dyn Fn(SimAnswer) -> SimAnswer + Send + Sync>);

impl fmt::Debug for Rewriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewriting")
    }
}

impl Fault {
    /// An answer with a status and no body; the request is not handled.
    pub fn status(status: u16) -> Self {
        Self(Effect::Answer {
            status,
            headers: Vec::new(),
            body: String::new(),
        })
    }

    /// An answer with a status, a content type and a body; the request is not handled.
    pub fn answer(status: u16, content_type: &str, body: &str) -> Self {
        Self(Effect::Answer {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.to_owned(),
        })
    }

    /// The HTML page of a gateway, status 502.
    pub fn html_502() -> Self {
        Self::answer(
            502,
            "text/html",
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n",
        )
    }

    /// A plain-text answer, status 503.
    pub fn text_503() -> Self {
        Self::answer(503, "text/plain", "The service is unavailable.")
    }

    /// Status 200, JSON content type, nothing in the body.
    pub fn empty_200() -> Self {
        Self::answer(200, "application/json", "")
    }

    /// Status 200 and the HTML of a login page, as a proxy in the way would answer.
    pub fn html_login_200() -> Self {
        Self::answer(
            200,
            "text/html; charset=utf-8",
            "<!DOCTYPE html><html><body><form>Sign in</form></body></html>",
        )
    }

    /// Status 429, with `Retry-After` in whole seconds when given.
    pub fn too_many_requests(retry_after: Option<u64>) -> Self {
        let fault = Self::status(429);
        match retry_after {
            Some(seconds) => fault.header("retry-after", &seconds.to_string()),
            None => fault,
        }
    }

    /// The connection is reset and the request is never handled.
    pub fn drop_connection() -> Self {
        Self(Effect::DropBefore)
    }

    /// The request is handled, then the connection is reset instead of answering.
    pub fn lose_answer() -> Self {
        Self(Effect::LoseAnswer)
    }

    /// The request is handled after a delay.
    pub fn delay(by: Duration) -> Self {
        Self(Effect::Delay(by))
    }

    /// The request is handled, and its answer is changed on the way back. What is logged and held to the vendor's
    /// document is the answer before the change.
    pub fn rewrite(change: impl Fn(SimAnswer) -> SimAnswer + Send + Sync + 'static) -> Self {
        Self(Effect::Rewrite(Rewriting(Arc::new(change))))
    }

    /// Adds a header to an answering fault; does nothing to the others.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Effect::Answer { headers, .. } = &mut self.0 {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// The faults of one simulator; clones share the same list.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

#[derive(Debug)]
struct Rule {
    matcher: Match,
    fault: Fault,
    seen: usize,
    struck: usize,
}

impl Faults {
    /// Programs a fault. Of several that match one request, the one programmed first strikes; one that is used up
    /// steps aside for the next.
    pub fn on(&self, matcher: Match, fault: Fault) {
        lock(&self.0).push(Rule {
            matcher,
            fault,
            seen: 0,
            struck: 0,
        });
    }

    /// Removes every fault.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    /// How many times any fault has struck since the last [`clear`](Self::clear).
    pub fn struck(&self) -> usize {
        lock(&self.0).iter().map(|rule| rule.struck).sum()
    }

    pub(crate) fn strike(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: &str,
    ) -> Option<Effect> {
        for rule in lock(&self.0).iter_mut() {
            if !rule.matcher.matches(method, path, query, body) {
                continue;
            }
            rule.seen += 1;
            if rule.seen <= rule.matcher.skip
                || rule.matcher.times.is_some_and(|times| rule.struck >= times)
            {
                continue;
            }
            rule.struck += 1;
            return Some(rule.fault.0.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: &Faults, path: &str) -> bool {
        faults.strike("GET", path, "", "").is_some()
    }

    #[test]
    fn a_fault_strikes_only_as_often_as_it_was_told() {
        let faults = Faults::default();
        faults.on(Match::get("/a").times(2), Fault::status(503));
        assert_eq!(
            (0..4).map(|_| strikes(&faults, "/a")).collect::<Vec<_>>(),
            [true, true, false, false]
        );
        assert!(!strikes(&faults, "/b"));
        assert_eq!(faults.struck(), 2);
    }

    #[test]
    fn what_is_left_out_by_its_path_is_not_struck() {
        let faults = Faults::default();
        let on = Match::get("/a/").path_end("1").not_path("/a/b");
        faults.on(on, Fault::status(503));
        assert!(strikes(&faults, "/a/1"));
        assert!(!strikes(&faults, "/a/b/1"));
        assert!(!strikes(&faults, "/a/2"));
    }

    #[test]
    fn the_nth_request_alone_is_struck() {
        let faults = Faults::default();
        faults.on(Match::get("/a").nth(2), Fault::status(503));
        assert_eq!(
            (0..3).map(|_| strikes(&faults, "/a")).collect::<Vec<_>>(),
            [false, true, false]
        );
    }
}
