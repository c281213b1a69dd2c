//! Carries the requests of the source, and gets it wrong in some ways.

use std::sync::Mutex;

use async_trait::async_trait;
use serde::Deserialize;
use tallyline_core::http::{
    HeaderMap, ReqwestTransport, Timeouts, Transport, TransportError, TransportRequest,
    TransportResponse, parse_link_header,
};
use url::Url;

use crate::flaw::Flaw;

/// The transport, and what the last refusal said.
#[derive(Debug)]
pub(crate) struct Carrier {
    inner: ReqwestTransport,
    flaw: Flaw,
    refusal: Mutex<String>,
}

type Sent = Result<TransportResponse, TransportError>;

#[async_trait]
impl Transport for Carrier {
    async fn send(&self, request: TransportRequest) -> Sent {
        let mut again = request.clone();
        let mut sent = self.inner.send(request).await;
        let path = again.url.path().to_owned();
        let mut more = match (self.flaw, &sent) {
            (Flaw::RepeatsOnItsOwn, sent) if repeats(&path, sent) => 3,
            (Flaw::RepeatsRefusedCredentials, Ok(answer))
                if answer.status == 401 && path.ends_with("/clients") =>
            {
                3
            }
            (Flaw::StartsItsReportAgain, Ok(answer))
                if answer.status >= 500 && path.ends_with("/reports") =>
            {
                1
            }
            (Flaw::AsksBesideItsSpans, _) if path.contains("/reports/") => 1,
            _ => 0,
        };
        while more > 0 {
            sent = self.inner.send(again.clone()).await;
            more -= 1;
            if self.flaw == Flaw::RepeatsOnItsOwn && !repeats(&path, &sent) {
                break;
            }
        }
        let answer = match sent {
            Err(error) if self.flaw == Flaw::TakesAResetForARefusal => {
                if error.phase == tallyline_core::http::Phase::Connect {
                    return Err(error);
                }
                TransportResponse::new(400, HeaderMap::new(), "")
            }
            sent => self.changed(&path, sent?),
        };
        if answer.status >= 400 {
            *self.refusal.lock().unwrap() = String::from_utf8_lossy(&answer.body).into_owned();
        }
        match self.elsewhere(&again, &answer) {
            // The credentials of the request are in its headers still.
            Some(there) => {
                again.url = there;
                self.inner.send(again).await
            }
            None => Ok(answer),
        }
    }
}

/// Whether a read of the double that repeats on its own is to be repeated.
fn repeats(path: &str, sent: &Sent) -> bool {
    if path.ends_with("/reports") {
        return false;
    }
    let asked = |answer: &TransportResponse, name: &str| {
        let value = answer.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    match sent {
        Ok(answer) if answer.status == 429 => match asked(answer, "retry-after") {
            Some(wait) => wait == "0" || Some(wait) == asked(answer, "date"),
            None => true,
        },
        Ok(answer) => [502, 503, 504].contains(&answer.status),
        Err(error) => error.phase != tallyline_core::http::Phase::Connect,
    }
}

impl Carrier {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            inner: ReqwestTransport::new(&Timeouts::default()),
            flaw,
            refusal: Mutex::default(),
        }
    }

    /// What the last refusal said, as it came.
    pub(crate) fn refusal(&self) -> String {
        self.refusal.lock().unwrap().clone()
    }

    /// An answer as this double takes it.
    fn changed(&self, path: &str, mut answer: TransportResponse) -> TransportResponse {
        let wait = answer.headers.get("retry-after");
        let wait = wait.map(|wait| wait.to_str().unwrap().to_owned());
        let seconds = wait.as_ref().and_then(|wait| wait.parse::<u64>().ok());
        match self.flaw {
            Flaw::HidesRetryAfter => {
                answer.headers.remove("retry-after");
            }
            Flaw::CutsShortWaitsOfUpToAnHour if seconds.is_some_and(|wait| wait <= 3_600) => {
                answer.headers.remove("retry-after");
            }
            Flaw::TakesALimitWithoutAWaitForARefusal if answer.status == 429 && wait.is_none() => {
                answer.status = 400;
            }
            Flaw::TakesAGatewaysTimeoutForARefusal if answer.status == 504 => answer.status = 400,
            Flaw::SalvagesHalfAnAnswer if path.ends_with("/clients") => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                if text.starts_with('{') && !text.trim_end().ends_with('}') {
                    answer.body = r#"{"clients":[]}"#.into();
                }
            }
            _ => {}
        }
        answer
    }

    /// Another host that the answer leads to.
    fn elsewhere(&self, asked: &TransportRequest, answer: &TransportResponse) -> Option<Url> {
        let header = |name| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
        let address = match self.flaw {
            Flaw::FollowsRedirects => header("location")?,
            Flaw::FollowsRedirectsOfTokenCalls if asked.url.path().ends_with("/token") => {
                header("location")?
            }
            Flaw::FollowsForeignLinks => {
                let links = parse_link_header(&header("link")?);
                links.into_iter().find(|link| link.has_rel("next"))?.url
            }
            Flaw::FollowsForeignNextPages => {
                let page: NextPage = serde_json::from_slice(&answer.body).ok()?;
                page.next_page?
            }
            _ => return None,
        };
        let there: Url = address.parse().ok()?;
        (there.authority() != asked.url.authority()).then_some(there)
    }
}

#[derive(Deserialize)]
struct NextPage {
    next_page: Option<String>,
}
