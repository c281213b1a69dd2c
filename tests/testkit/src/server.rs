//! The harness under every simulator: serves a router on the loopback address, records requests, applies faults, and
//! holds what passes to the vendor's document.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::contract::{Answered, Exception, Exchange, Ledger, System, Violation};
use crate::faults::{Effect, Faults, Rewriting};
use crate::http::{MAX_BODY, SimAnswer};
use crate::lock;

/// One request as it arrived, and what became of it.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path, percent-encoded as it came.
    pub path: String,
    /// The raw query, without the question mark; empty when there was none.
    pub query: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// The status answered; `None` while it is handled, and for good when the connection was reset instead.
    pub status: Option<u16>,
    /// Whether a fault struck it.
    pub faulted: bool,
    /// The content type answered; `None` where [`status`](Self::status) is, and when there was none.
    pub answer_type: Option<String>,
    /// The body answered, as text; `None` where [`status`](Self::status) is.
    pub answer_body: Option<String>,
    serial: u64,
}

impl RecordedRequest {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Log {
    entries: Vec<RecordedRequest>,
    next: u64,
}

#[derive(Clone, Debug)]
struct Harness {
    log: Arc<Mutex<Log>>,
    faults: Faults,
    stopped: watch::Receiver<bool>,
    system: Option<System>,
    ledger: Arc<Mutex<Ledger>>,
}

/// A request that is held to the documents once, whatever becomes of it: alone, where its client did not wait for the
/// answer or there is none that the document speaks of.
struct Open {
    harness: Harness,
    record: RecordedRequest,
    examined: bool,
}

impl Open {
    fn answered(&mut self, answer: Answered<'_>) {
        self.examined = true;
        self.harness.examine(&self.record, Some(answer));
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.examined {
            self.harness.examine(&self.record, None);
        }
    }
}

impl Harness {
    /// Holds an exchange to the documents of the system served.
    fn examine(&self, request: &RecordedRequest, answer: Option<Answered<'_>>) {
        let Some(system) = self.system else { return };
        let exchange = Exchange {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: &request.headers,
            body: &request.body,
            answer,
        };
        lock(&self.ledger).examine(system, &exchange);
    }
}

/// A running server. It stops when the handle is dropped: no new connection is accepted, requests in work are answered,
/// idle connections are closed. Dropping it panics when an exchange broke the vendor's document, unless the thread is
/// panicking already.
#[derive(Debug)]
pub struct Simulator {
    base_url: Url,
    harness: Harness,
    callers: Callers,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Serves a router on 127.0.0.1; port 0 takes any free port. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn serve(router: Router, port: u16) -> io::Result<Self> {
        Self::serve_with(None, router, port).await
    }

    /// As [`serve`](Self::serve), and holds every exchange to the documents of a system.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn serve_as(system: System, router: Router, port: u16) -> io::Result<Self> {
        Self::serve_with(Some(system), router, port).await
    }

    /// As [`serve_as`](Self::serve_as), for answers that a test writes by hand; without a system nothing is held.
    #[cfg(feature = "wiremock")]
    pub(crate) async fn serve_by_hand(system: Option<System>, router: Router) -> io::Result<Self> {
        let served = Self::serve_with(system, router, 0).await?;
        *lock(&served.harness.ledger) = Ledger::of_answers_by_hand();
        Ok(served)
    }

    async fn serve_with(system: Option<System>, router: Router, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let address = listener.local_addr()?;
        let base_url = Url::parse(&format!("http://{address}/")).map_err(io::Error::other)?;
        let (stop, stopped) = watch::channel(false);
        let callers = Callers::default();
        let harness = Harness {
            log: Arc::default(),
            faults: Faults::default(),
            stopped: stopped.clone(),
            system,
            ledger: Arc::default(),
        };
        let service = router
            .layer(middleware::from_fn_with_state(harness.clone(), observe))
            .into_make_service_with_connect_info::<Line>();
        let served = axum::serve(Breakable(listener, callers.clone()), service)
            .with_graceful_shutdown(until_stopped(stopped));
        let task = tokio::spawn(async move {
            let _ = served.await;
        });
        Ok(Self {
            base_url,
            harness,
            callers,
            stop,
            task: Some(task),
        })
    }

    /// The base URL: `http://127.0.0.1:PORT/`.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The faults programmed on this server.
    pub fn faults(&self) -> &Faults {
        &self.harness.faults
    }

    /// Every request received so far, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.harness.log).entries.clone()
    }

    /// How many requests were received since the start or the last clearing.
    pub fn request_count(&self) -> usize {
        lock(&self.harness.log).entries.len()
    }

    /// Forgets the requests received so far.
    pub fn clear_requests(&self) {
        lock(&self.harness.log).entries.clear();
    }

    /// From here on, requests may break the vendor's document in the ways that are named, each by a part of the
    /// violation's text such as `query /limit`: for tests that send malformed ones on purpose. Any other violation still
    /// fails the test, and so does one that is named and never comes, when the simulator is dropped.
    pub fn expect_violations(&self, reason: &str, violations: &[&str]) {
        lock(&self.harness.ledger).expect_requests(reason, violations);
    }

    /// As [`expect_violations`](Self::expect_violations), of answers: for tests that fill the state with what no vendor
    /// would send.
    pub fn expect_odd_answers(&self, reason: &str, violations: &[&str]) {
        lock(&self.harness.ledger).expect_answers(reason, violations);
    }

    /// What broke the vendor's document so far and was not expected.
    pub fn violations(&self) -> Vec<Violation> {
        lock(&self.harness.ledger).violations()
    }

    /// The exceptions of the contract that were needed so far.
    pub fn excused(&self) -> Vec<&'static Exception> {
        lock(&self.harness.ledger).excused()
    }

    /// Waits until everything that was sent before this call is handled and every connection is closed: after a
    /// client has ended, nothing of it is on its way any more then. Does not come back while a client keeps a
    /// connection open.
    ///
    /// # Errors
    ///
    /// When the server cannot be connected to.
    pub async fn settled(&self) -> io::Result<()> {
        let port = self.base_url.port_or_known_default().unwrap_or_default();
        // Connections are accepted in the order in which they were made: when this one is, so are all before it.
        let last = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let address = last.local_addr()?;
        let mut open = self.callers.0.subscribe();
        // An error would mean that the server, which holds the other side, is gone.
        let _ = open.wait_for(|open| open.contains(&address)).await;
        drop(last);
        let _ = open.wait_for(BTreeSet::is_empty).await;
        Ok(())
    }

    /// Stops the server and waits until its last connection is closed.
    ///
    /// # Panics
    ///
    /// When an exchange broke the vendor's document, as dropping the simulator does.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        let verdict = lock(&self.harness.ledger).verdict();
        if let Some(verdict) = verdict
            && !std::thread::panicking()
        {
            panic!("{verdict}");
        }
    }
}

async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    // An error means that the handle is gone, which is a stop too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Records the request, applies a fault when one is due, and hands it on.
async fn observe(
    State(harness): State<Harness>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, MAX_BODY).await else {
        return SimAnswer::empty(413).into_response();
    };
    let method = parts.method.as_str().to_owned();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or("").to_owned();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let effect = harness.faults.strike(&method, &path, &query, &text);
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let mut record = RecordedRequest {
        method,
        path,
        query,
        headers: headers.collect(),
        body: text,
        status: None,
        faulted: effect.is_some(),
        answer_type: None,
        answer_body: None,
        serial: 0,
    };
    {
        let mut log = lock(&harness.log);
        record.serial = log.next;
        log.next += 1;
        log.entries.push(record.clone());
    }
    let serial = record.serial;
    let mut open = Open {
        harness: harness.clone(),
        record,
        examined: false,
    };
    let request = Request::from_parts(parts, Body::from(bytes));
    // What a fault answers is not the simulator's word: only the request is held to the document then.
    let mut handled = true;
    let mut rewriting = None;
    let response = match effect {
        None => next.run(request).await,
        Some(Effect::Delay(by)) => {
            tokio::select! {
                () = tokio::time::sleep(by) => {}
                () = until_stopped(harness.stopped.clone()) => {}
            }
            next.run(request).await
        }
        Some(Effect::Answer {
            status,
            headers,
            body,
        }) => {
            handled = false;
            SimAnswer {
                status,
                headers,
                body,
            }
            .into_response()
        }
        Some(Effect::Rewrite(change)) => {
            rewriting = Some(change);
            next.run(request).await
        }
        Some(Effect::DropBefore) => return line.reset(),
        Some(Effect::LoseAnswer) => {
            next.run(request).await;
            return line.reset();
        }
    };
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return line.reset();
    };
    let content_type = parts
        .headers
        .get("content-type")
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = parts.status.as_u16();
    let answer = Answered {
        status,
        content_type: content_type.as_deref(),
        body: &text,
    };
    if handled {
        open.answered(answer);
    }
    if let Some(entry) = lock(&harness.log)
        .entries
        .iter_mut()
        .rev()
        .find(|entry| entry.serial == serial)
    {
        entry.status = Some(status);
        entry.answer_type = content_type;
        entry.answer_body = Some(text.clone());
    }
    if let Some(Rewriting(change)) = rewriting {
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let mut answer = change(SimAnswer {
            status,
            headers: headers.collect(),
            body: text,
        });
        answer
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        return answer.into_response();
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Lets a request break the connection it came on.
#[derive(Clone, Debug)]
struct Line(Arc<AtomicBool>);

impl Line {
    /// Marks the connection broken. The response given back is never sent: the first write fails, and the socket is
    /// closed with a reset.
    fn reset(&self) -> Response {
        self.0.store(true, Ordering::SeqCst);
        SimAnswer::empty(500).into_response()
    }
}

impl Connected<IncomingStream<'_, Breakable>> for Line {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        Self(Arc::clone(&stream.io().broken))
    }
}

/// Who has a connection open.
#[derive(Clone, Debug)]
struct Callers(Arc<watch::Sender<BTreeSet<SocketAddr>>>);

impl Default for Callers {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeSet::new())))
    }
}

/// One that has; it is no longer once this is dropped.
struct Caller {
    address: SocketAddr,
    all: Callers,
}

impl Caller {
    fn new(address: SocketAddr, all: &Callers) -> Self {
        all.0.send_modify(|open| {
            open.insert(address);
        });
        Self {
            address,
            all: all.clone(),
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.all.0.send_modify(|open| {
            open.remove(&self.address);
        });
    }
}

/// A listener whose connections can be broken on purpose.
struct Breakable(TcpListener, Callers);

impl Listener for Breakable {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (
            Socket {
                stream,
                broken: Arc::default(),
                _caller: Caller::new(address, &self.1),
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

struct Socket {
    stream: TcpStream,
    broken: Arc<AtomicBool>,
    _caller: Caller,
}

impl Socket {
    fn check(&self) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            // With zero linger, closing sends a reset instead of an orderly end.
            let _ = self.stream.set_zero_linger();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
