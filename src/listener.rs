//! Our own accept loop — RFC 9112, RFC 9113: sockets, TLS, time-outs and bounds. poem routes.
//!
//! Whatever a peer does or leaves undone ends by a time-out, and costs bounded memory until then.
//!
//! Stricter: a request whose Host is missing, repeated or unlike its target's authority is refused
//! (RFC 9112 §3.2 leaves the last to us), and so are CONNECT and TRACE (RFC 9110 §9.3.6, §9.3.8).
//! Choice: at the connection limit further peers wait in the system's backlog.

mod refusal;

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::FutureExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use poem::endpoint::BoxEndpoint;
use poem::http::{Version, uri::Scheme};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, RequestParts, Response};
use rustls::{ServerConfig, pki_types::CertificateDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use refusal::{Asked, refuse};

/// Bytes of one request's head under HTTP/1.1, and of the buffer it is read into.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Bytes of one request's header fields under HTTP/2, unpacked. Also bounds CONTINUATION frames.
const MAX_HEADER_LIST_BYTES: u32 = 32 * 1024;
/// Requests at once on one HTTP/2 connection: what browsers open at most.
const MAX_STREAMS: u32 = 100;
/// Streams reset by the peer before we took them up, per connection (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;
/// Streams that we reset because of the peer's faults, per connection (CVE-2025-8671).
const MAX_OWN_RESETS: usize = 64;
/// Bytes of request bodies on their way to us, per stream and per connection (HTTP/2).
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of answers waiting to be sent, per stream (HTTP/2).
const MAX_SEND_BYTES: usize = 64 * 1024;
/// How often a silent HTTP/2 peer is asked whether it lives, and how long it may think.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long a peer may leave an answer unread, after which the connection is cut.
const STALL: Duration = Duration::from_secs(30);
/// Pause after a failed accept, so that a lack of descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Descriptors kept for the database, outbound requests and files.
const RESERVED_DESCRIPTORS: usize = 128;
/// What bounds connections and requests.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; less if the process may not have as many descriptors.
    pub max_connections: usize,
    /// Longest TLS handshake.
    pub handshake: Duration,
    /// Longest time from a request's first byte to the end of its head, and from connecting to the
    /// end of the first request's head.
    pub header_read: Duration,
    /// Longest time from a request's head to its answer's head, reading its body included.
    pub request: Duration,
    /// Longest time between two requests.
    pub idle: Duration,
    /// Time for requests under way when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    /// 10,000 connections; 10, 10, 30, 75 and 20 seconds.
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            handshake: Duration::from_secs(10),
            header_read: Duration::from_secs(10),
            request: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(20),
        }
    }
}

/// The certificates the peer showed in the TLS handshake, its own first; never empty. The peer holds
/// the first one's key; nothing else about them was checked (RFC 8705 §2). An extension of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificates(pub Arc<[CertificateDer<'static>]>);

/// Answers requests until `shutdown` resolves, then lets those under way finish.
///
/// With `tls`, each new connection uses the configuration that the channel then holds.
///
/// # Errors
/// None at present: failures to accept are logged, and pass.
pub async fn serve(
    tcp: TcpListener,
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    endpoint: Arc<BoxEndpoint<'static, Response>>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (capacity, drain) = (capacity(limits.max_connections), limits.drain);
    let slots = Arc::new(Semaphore::new(capacity as usize));
    let (stop, stopping) = watch::channel(());
    let server = Arc::new(Server { builder: builder(), endpoint, limits, stopping });
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async { (Arc::clone(&slots).acquire_owned().await, tcp.accept().await) };
        let (slot, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let server = Arc::clone(&server);
        let tls = tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
        tokio::spawn(async move {
            if let Err(error) = connection(server, socket, peer, tls).await {
                tracing::debug!(%peer, %error, "connection ended");
            }
            drop(slot);
        });
    }
    drop((tcp, stop));
    // Connections end by themselves within the time; when all slots are back, all have.
    let all = timeout(drain + ACCEPT_PAUSE, slots.acquire_many(capacity)).await;
    if all.is_err() {
        tracing::warn!("connections were cut: the time to finish was over");
    }
    Ok(())
}

/// As many connections as wanted, if the process may have the descriptors (a lack of them would hit
/// the database as well).
fn capacity(wanted: usize) -> u32 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let mut allowed = limits.lines().filter_map(|line| line.strip_prefix("Max open files"));
    let allowed = allowed.next().and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    let most = allowed.map_or(wanted, |allowed| allowed.saturating_sub(RESERVED_DESCRIPTORS));
    if most < wanted {
        tracing::warn!("{most} connections instead of {wanted}: raise the limit of open files");
    }
    u32::try_from(wanted.min(most).clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX)
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        // Ours are finer: `Activity::due`. At most 100 header fields are hyper's own bound.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_OWN_RESETS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(MAX_SEND_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// What all connections share.
struct Server {
    endpoint: Arc<BoxEndpoint<'static, Response>>,
    builder: auto::Builder<TokioExecutor>,
    limits: Limits,
    stopping: watch::Receiver<()>,
}

/// What the requests of one connection share.
struct Origin {
    server: Arc<Server>,
    local: SocketAddr,
    peer: SocketAddr,
    scheme: Scheme,
    certificates: Option<PeerCertificates>,
}

type Ended = Result<(), Box<dyn Error + Send + Sync>>;

async fn connection(server: Arc<Server>, socket: TcpStream, peer: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Ended {
    socket.set_nodelay(true)?;
    let (local, mut stopping) = (socket.local_addr()?, server.stopping.clone());
    let longest = server.limits.handshake;
    let mut origin = Origin { server, local, peer, scheme: Scheme::HTTP, certificates: None };
    let Some(tls) = tls else {
        let (reader, writer) = socket.into_split();
        return drive(reader, writer, origin).await;
    };
    let stream = tokio::select! {
        done = timeout(longest, TlsAcceptor::from(tls).accept(socket)) => done??,
        _ = stopping.changed() => return Ok(()),
    };
    origin.scheme = Scheme::HTTPS;
    let shown = stream.get_ref().1.peer_certificates();
    origin.certificates = shown.map(|chain| PeerCertificates(chain.into()));
    let (reader, writer) = tokio::io::split(stream);
    drive(reader, writer, origin).await
}

/// Serves one connection until it ends, or has to.
async fn drive<R, W>(reader: R, writer: W, origin: Origin) -> Ended
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (server, origin) = (Arc::clone(&origin.server), Arc::new(origin));
    let activity = Activity::new();
    let watched = Watched(reader, activity.clone());
    let io = TokioIo::new(tokio::io::join(watched, writer));
    let requests = activity.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let flight = Flight::start(&requests, request.version());
        let answer = answer(request, Arc::clone(&origin));
        async move {
            let note = move |_last| flight.0.lock().since = Instant::now();
            Ok::<_, Infallible>(answer.await.map(|body| Noted { body, note }))
        }
    });
    let mut connection = pin!(server.builder.serve_connection(io, service));
    let mut stopping = server.stopping.clone();
    // A limit that begins to count meanwhile is noticed at the next tick.
    let tick = server.limits.header_read.min(server.limits.idle);
    // Set when the peer was told to finish: when it must have.
    let mut last_call: Option<Instant> = None;
    loop {
        let (due, _) = activity.due(&server.limits);
        let wake = last_call.unwrap_or(due).min(Instant::now() + tick);
        let retire = tokio::select! {
            done = connection.as_mut() => return done,
            () = sleep_until(wake) => false,
            _ = stopping.changed(), if last_call.is_none() => true,
        };
        let now = Instant::now();
        let (due, cut) = activity.due(&server.limits);
        match cut {
            _ if last_call.is_some_and(|last| last <= now) => {
                return Err("the time to finish was over".into());
            }
            Some(reason) if due <= now => return Err(reason.into()),
            None if last_call.is_none() && due <= now => {}
            Some(_) | None if retire => {}
            Some(_) | None => continue,
        }
        connection.as_mut().graceful_shutdown();
        last_call = Some(now + server.limits.drain);
    }
}

/// What has happened on a connection, for its time-outs.
#[derive(Clone)]
struct Activity(Arc<Mutex<State>>);

struct State {
    /// The last beginning, progress or end of a request; at first the connection's beginning.
    since: Instant,
    /// When the first bytes of the coming request came.
    head: Option<Instant>,
    /// None before the first request.
    version: Option<Version>,
    in_flight: u64,
}

impl Activity {
    fn new() -> Self {
        let state = State { since: Instant::now(), head: None, version: None, in_flight: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the connection ends if nothing happens until then: cut for a reason, or in good order.
    fn due(&self, limits: &Limits) -> (Instant, Option<&'static str>) {
        let state = self.lock();
        let cut = |since: Instant, longest, reason| (since + longest, Some(reason));
        match (state.version, state.head) {
            // The endpoint has its own limit: past it, only the peer's reading is waited for.
            _ if state.in_flight > 0 => cut(state.since, limits.request + STALL, "an answer was not read"),
            (None, _) => cut(state.since, limits.header_read, "no request came"),
            // Under HTTP/2 there is traffic between requests: heads are bounded by `idle`.
            (Some(version), Some(head)) if version < Version::HTTP_2 => {
                cut(head, limits.header_read, "a request's head came too slowly")
            }
            (Some(_), _) => (state.since + limits.idle, None),
        }
    }
}

/// A request under way, from its head to the end of its answer.
struct Flight(Activity);

impl Flight {
    fn start(activity: &Activity, version: Version) -> Self {
        let mut state = activity.lock();
        (state.since, state.head, state.version) = (Instant::now(), None, Some(version));
        state.in_flight += 1;
        Self(activity.clone())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.since = Instant::now();
        state.in_flight -= 1;
    }
}

/// A stream that notes when bytes come between requests.
struct Watched<R>(R, Activity);

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_read(cx, buf))?;
        let mut state = self.1.lock();
        if state.in_flight == 0 && state.head.is_none() {
            state.head = Some(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

/// A body whose progress is noted, with true at its end.
struct Noted<B, N> {
    body: B,
    note: N,
}

impl<B, N> Body for Noted<B, N>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    N: FnMut(bool) + Unpin,
{
    type Data = B::Data;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<B::Data>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let last = frame.is_none() || self.body.is_end_stream();
        (self.note)(last);
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    origin: Arc<Origin>,
) -> hyper::Response<impl Body<Data = Bytes, Error = io::Error> + Unpin> {
    let (mut parts, body) = request.into_parts();
    let asked = Asked::of(&mut parts);
    if let Some(why) = refusal::fault(&parts) {
        return refuse(&asked, why, &origin.scheme).await.into();
    }
    if let Some(certificates) = &origin.certificates {
        parts.extensions.insert(certificates.clone());
    }
    let (local, peer) = (Addr::SocketAddr(origin.local), Addr::SocketAddr(origin.peer));
    let parts = RequestParts::from((parts, LocalAddr(local), RemoteAddr(peer), origin.scheme.clone()));
    let unread = Arc::new(AtomicBool::new(!body.is_end_stream()));
    let noted = Arc::clone(&unread);
    let note = move |last: bool| noted.store(!last, Ordering::Relaxed);
    // poem takes foreign bodies only by way of a response.
    let body = Response::from(hyper::Response::new(Noted { body, note })).into_body();
    let server = &origin.server;
    let work = server.endpoint.get_response(Request::from_parts(parts, body));
    let work = AssertUnwindSafe(work).catch_unwind();
    let why = match timeout(server.limits.request, work).await {
        Ok(Ok(response)) => return response.into(),
        Ok(Err(_)) => refusal::PANIC,
        Err(_) if unread.load(Ordering::Relaxed) => refusal::SLOW,
        Err(_) => refusal::LATE,
    };
    refuse(&asked, why, &origin.scheme).await.into()
}
