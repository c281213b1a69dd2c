//! A server that answers with bytes exactly as given, whether or not they are HTTP.
//!
//! It is what the tables of [`hostile`](crate::hostile) and [`credentials`](crate::credentials) run on: a request
//! that matches the route under test gets the answer of the case, every other one the valid answer of its route.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::contract::{Answered, Exchange, Ledger, System};
use crate::lock;

/// The most of a request that is read.
const MAX_REQUEST: usize = 1024 * 1024;

/// A request with its valid answer.
#[derive(Clone, Debug)]
pub struct Route {
    method: String,
    path: String,
    parts: Vec<(String, String)>,
    body: Option<String>,
    status: u16,
    content_type: String,
    headers: Vec<(String, String)>,
    answer: String,
}

impl Route {
    /// A request by method and path, answered with 200 and a JSON text.
    #[must_use]
    pub fn new(method: &str, path: &str, answer: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            parts: Vec::new(),
            body: None,
            status: 200,
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
            answer: answer.into(),
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: &str, answer: impl Into<String>) -> Self {
        Self::new("GET", path, answer)
    }

    /// A POST.
    #[must_use]
    pub fn post(path: &str, answer: impl Into<String>) -> Self {
        Self::new("POST", path, answer)
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Only requests that have this query parameter with this value.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.parts.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Only requests whose body contains a text.
    #[must_use]
    pub fn body_contains(mut self, text: &str) -> Self {
        self.body = Some(text.to_owned());
        self
    }

    /// Another status than 200.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Another content type than `application/json`.
    #[must_use]
    pub fn content_type(mut self, content_type: &str) -> Self {
        content_type.clone_into(&mut self.content_type);
        self
    }

    /// A further header of the valid answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The JSON text of the valid answer.
    #[must_use]
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// The content type of the valid answer.
    pub(crate) fn media(&self) -> &str {
        &self.content_type
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it changes something: no GET.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    pub(crate) fn matches(&self, request: &RawRequest) -> bool {
        let (path, query) = request.parts();
        request.method == self.method
            && path == self.path
            && self.parts.iter().all(|(name, value)| {
                url::form_urlencoded::parse(query.as_bytes())
                    .any(|(key, found)| key == *name && found == *value)
            })
            && self
                .body
                .as_ref()
                .is_none_or(|text| request.body_text().contains(text))
    }

    /// The valid answer as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let own = self.headers.iter();
        let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> = [("content-type", self.content_type.as_str())]
            .into_iter()
            .chain(own)
            .collect();
        answer(self.status, &headers, self.answer.as_bytes())
    }
}

/// A request as it came.
#[derive(Clone)]
pub struct RawRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The head as text, credentials included.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl RawRequest {
    /// The body as text.
    #[must_use]
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The path, and the query without its question mark.
    fn parts(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

/// Makes an answer for a request.
type Decide = Arc<dyn Fn(&RawRequest) -> Vec<u8> + Send + Sync>;

/// What a request is answered with.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then nothing more until the client gives up.
    Stall(Vec<u8>),
    /// A head, a piece so many times, and an end: never held in memory whole.
    Stream {
        head: Vec<u8>,
        piece: Vec<u8>,
        times: usize,
        tail: Vec<u8>,
    },
    /// What the request decides.
    Each(Decide),
}

/// An answer whose body has the stated length.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(status, headers, Some(body.len()));
    bytes.extend_from_slice(body);
    bytes
}

/// The head of an answer; the connection is closed after it.
pub(crate) fn head(status: u16, headers: &[(&str, &str)], length: Option<usize>) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("content-length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

struct Shared {
    routes: Vec<Route>,
    under_test: Mutex<Option<(Route, Answer)>>,
    requests: Mutex<Vec<RawRequest>>,
    accepted: AtomicU64,
    system: Option<System>,
    ledger: Mutex<Ledger>,
}

impl Shared {
    /// Holds a request to the documents of the system served, and the answer where it is the valid one of its route:
    /// what is wrong with the others is what they are for.
    fn examine(&self, request: &RawRequest, valid: Option<&Route>) {
        let Some(system) = self.system else { return };
        let (path, query) = request.parts();
        let headers = request.head.lines().skip(1);
        let headers: Vec<(String, String)> = headers
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let exchange = Exchange {
            method: &request.method,
            path,
            query,
            headers: &headers,
            body: &request.body_text(),
            answer: valid.map(|route| Answered {
                status: route.status,
                content_type: Some(&route.content_type),
                body: &route.answer,
            }),
        };
        lock(&self.ledger).examine(system, &exchange);
    }
}

/// A server on a loopback port chosen by the system. It stops when it is dropped.
pub(crate) struct RawServer {
    shared: Arc<Shared>,
    port: u16,
    task: JoinHandle<()>,
}

impl RawServer {
    /// Starts one. Where the documents of `system` are known, requests are held to them.
    pub(crate) async fn start(system: Option<System>, routes: Vec<Route>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            routes,
            under_test: Mutex::new(None),
            requests: Mutex::new(Vec::new()),
            accepted: AtomicU64::new(0),
            system,
            ledger: Mutex::new(Ledger::of_answers_by_hand()),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, port, task })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The base URL, without a trailing slash.
    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From here on, requests of a route get this answer; the record of requests begins anew.
    pub(crate) fn answer_with(&self, route: &Route, answer: Answer) {
        *lock(&self.shared.under_test) = Some((route.clone(), answer));
        lock(&self.shared.requests).clear();
        self.shared.accepted.store(0, Ordering::SeqCst);
    }

    pub(crate) fn requests(&self) -> Vec<RawRequest> {
        lock(&self.shared.requests).clone()
    }

    /// What is wrong with the requests and valid answers since the start, by the documents of the system.
    pub(crate) fn broken_contract(&self) -> Option<String> {
        lock(&self.shared.ledger).verdict()
    }

    /// The bytes that clients took of streamed answers.
    pub(crate) fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // A broken connection is the client's doing, and often what the case is about.
        tokio::spawn(async move { serve(stream, &shared).await.ok() });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some(request) = read_request(&mut stream).await? else {
        return Ok(());
    };
    let under_test = lock(&shared.under_test)
        .as_ref()
        .filter(|(route, _)| route.matches(&request))
        .cloned();
    let known = shared.routes.iter().find(|route| route.matches(&request));
    let valid = match &under_test {
        Some((route, Answer::Bytes(bytes))) if *bytes == route.bytes() => Some(route),
        Some(_) => None,
        None => known,
    };
    shared.examine(&request, valid);
    lock(&shared.requests).push(request.clone());
    match under_test.map(|(_, answer)| answer) {
        Some(Answer::Bytes(bytes)) => stream.write_all(&bytes).await?,
        Some(Answer::Each(decide)) => stream.write_all(&decide(&request)).await?,
        Some(Answer::Stall(bytes)) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
        }
        Some(Answer::Stream {
            head,
            piece,
            times,
            tail,
        }) => {
            stream.write_all(&head).await?;
            for _ in 0..times {
                stream.write_all(&piece).await?;
                let sent = u64::try_from(piece.len()).unwrap_or(u64::MAX);
                shared.accepted.fetch_add(sent, Ordering::SeqCst);
            }
            stream.write_all(&tail).await?;
        }
        None => {
            let bytes = known.map_or_else(|| answer(404, &[], b""), Route::bytes);
            stream.write_all(&bytes).await?;
        }
    }
    stream.shutdown().await
}

/// One request, read whole; none when the connection closes before its end.
async fn read_request(stream: &mut TcpStream) -> io::Result<Option<RawRequest>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > MAX_REQUEST || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut first = head.split(' ');
    let mut request = RawRequest {
        method: first.next().unwrap_or_default().to_owned(),
        target: first.next().unwrap_or_default().to_owned(),
        head,
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    while body.len() < length && body.len() <= MAX_REQUEST {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    request.body = body;
    Ok(Some(request))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
