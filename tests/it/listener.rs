//! The accept loop over real sockets: versions, certificates, time-outs, bounds (HP02 to HP23).

#![expect(clippy::unwrap_used, reason = "tests may stop")]

mod references;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chancery::listener::{Limits, PeerCertificates, serve};
use chancery::tls::{ClientCertificates, TlsVersion, install_provider, server_config};
use poem::endpoint::{BoxEndpoint, EndpointExt, make};
use poem::{Request, Response};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, sign::SingleCertAndKey};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

const GET: &str = "GET /x HTTP/1.1\r\nHost: idp.example\r\n\r\n";
const LAST: &str = "GET /x HTTP/1.1\r\nHost: idp.example\r\nConnection: close\r\n\r\n";
const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: idp.example\r\n\r\n";
const SOON: Duration = Duration::from_millis(200);
const LATE: Duration = Duration::from_secs(600);
const OFF: ClientCertificates = ClientCertificates::Off;

type Own = CertifiedKey<KeyPair>;
type Shown = rustls::sign::CertifiedKey;

/// A server under test. Dropping it stops it.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    /// Met by requests to `/wait` when they come and when they go.
    gate: Arc<Barrier>,
}

/// Tells what it was asked and by whom.
fn endpoint(gate: Arc<Barrier>) -> BoxEndpoint<'static, Response> {
    let answer = move |request: Request| {
        let gate = Arc::clone(&gate);
        async move {
            let shown = request.extensions().get::<PeerCertificates>();
            let shown = shown.map(|shown| shown.0.iter().map(|one| one.len()).collect::<Vec<_>>());
            let peer = request.remote_addr().as_socket_addr().unwrap().ip();
            let (version, scheme, path) = (request.version(), request.scheme(), request.uri().path());
            let line = format!("{version:?} {scheme} {path} {peer} {shown:?}");
            match path {
                "/wait" => {
                    gate.wait().await;
                    gate.wait().await;
                }
                "/never" => std::future::pending().await,
                "/panic" => std::panic::resume_unwind(Box::new("on purpose")),
                _ => {}
            }
            let body = request.into_body().into_bytes().await?;
            Ok::<_, poem::Error>(format!("{line} {} bytes", body.len()))
        }
    };
    make(answer).map_to_response().boxed()
}

/// All others are tight.
fn limits(max_connections: usize, request: Duration, idle: Duration) -> Limits {
    let (handshake, header_read, drain) = (SOON, SOON, SOON);
    Limits { max_connections, handshake, header_read, request, idle, drain }
}

async fn start(limits: Limits, tls: Option<watch::Receiver<Arc<ServerConfig>>>) -> Running {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, gate) = (tcp.local_addr().unwrap(), Arc::new(Barrier::new(2)));
    let (stop, stopped) = oneshot::channel::<()>();
    let endpoint = Arc::new(endpoint(Arc::clone(&gate)));
    let shutdown = async { drop(stopped.await) };
    let served = tokio::spawn(serve(tcp, tls, endpoint, limits, shutdown));
    Running { address, stop, served, gate }
}

type Change = watch::Sender<Arc<ServerConfig>>;

async fn start_tls(own: &Own, oldest: TlsVersion, ask: ClientCertificates) -> (Running, Change) {
    let (change, tls) = watch::channel(config(own, oldest, ask));
    (start(Limits::default(), Some(tls)).await, change)
}

/// A plain server with these limits, and a connection to it.
async fn plain(limits: Limits) -> (Running, TcpStream) {
    let server = start(limits, None).await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    (server, socket)
}

/// Everything the peer says until it closes, in whatever way. It must within a minute.
async fn bytes_to_end(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    assert!(reading.is_ok(), "the peer never closed");
    said
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    String::from_utf8(bytes_to_end(stream).await).unwrap()
}

async fn is_served(server: &Running) -> bool {
    let socket = TcpStream::connect(server.address).await.unwrap();
    exchange(socket, LAST).await.starts_with("HTTP/1.1 200")
}

/// One answer on a connection that stays.
async fn one(stream: &mut TcpStream, request: &str) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"bytes") {
        let read = stream.read_buf(&mut said).await.unwrap();
        assert!(read > 0, "closed after {said:?}");
    }
}

fn own(name: &str) -> Own {
    generate_simple_self_signed([name.to_owned()]).unwrap()
}

fn config(own: &Own, oldest: TlsVersion, ask: ClientCertificates) -> Arc<ServerConfig> {
    let (cert, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    Arc::new(server_config(cert.as_bytes(), key.as_bytes(), oldest, ask).unwrap())
}

/// What a client shows, whether or not the key belongs to it.
fn shown(chain: &[&Own], key: &Own) -> Shown {
    let key = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let chain = chain.iter().map(|own| own.cert.der().clone()).collect();
    Shown::new(chain, key)
}

/// A GET over TLS of this version; empty if the handshake fails at either end.
async fn get_tls(server: &Running, trusted: &Own, shown: Option<Shown>, version: TlsVersion) -> String {
    install_provider();
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let old = version == TlsVersion::V1_2;
    let versions = [if old { &TLS12 } else { &TLS13 }];
    let builder = ClientConfig::builder_with_protocol_versions(&versions).with_root_certificates(roots);
    let config = match shown {
        Some(shown) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown))),
        None => builder.with_no_client_auth(),
    };
    let socket = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("idp.example").unwrap();
    match TlsConnector::from(Arc::new(config)).connect(name, socket).await {
        Ok(stream) => exchange(stream, LAST).await,
        Err(_) => String::new(),
    }
}

#[tokio::test]
async fn both_versions_of_http_are_served_with_and_without_tls() {
    let own = own("idp.example");
    let (secure, _keep) = start_tls(&own, TlsVersion::V1_2, OFF).await;
    let open = start(Limits::default(), None).await;
    install_provider();
    let client = |server: &Running| {
        let trusted = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]);
        client.resolve("idp.example", server.address)
    };
    for (client, scheme, version) in [
        (client(&secure), "https", "HTTP/2.0"),
        (client(&secure).http1_only(), "https", "HTTP/1.1"),
        (client(&open), "http", "HTTP/1.1"),
        (client(&open).http2_prior_knowledge(), "http", "HTTP/2.0"),
    ] {
        let request = client.build().unwrap().post(format!("{scheme}://idp.example/x"));
        let answer = request.body("hello").send().await.unwrap().text().await.unwrap();
        assert_eq!(answer, format!("{version} {scheme} /x 127.0.0.1 None 5 bytes"));
    }
}

#[tokio::test]
async fn any_client_certificate_is_taken_if_its_key_is_there() {
    let (server_own, ann, other) = (own("idp.example"), own("ann"), own("other.and.longer.example"));
    let (length, longer) = (ann.cert.der().len(), other.cert.der().len());
    let (only, both) = (format!("Some([{length}])"), format!("Some([{length}, {longer}])"));
    let (asks, _keep) = start_tls(&server_own, TlsVersion::V1_2, ClientCertificates::Optional).await;
    let (does_not, _keep) = start_tls(&server_own, TlsVersion::V1_2, OFF).await;
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        for (rule, shows, expected) in [
            ("§2 none", None, "None"),
            ("§2.2 self-signed", Some(shown(&[&ann], &ann)), &only),
            ("§3 its own first", Some(shown(&[&ann, &other], &ann)), &both),
            ("§2 of another", Some(shown(&[&ann], &other)), ""),
        ] {
            let answer = get_tls(&asks, &server_own, shows.clone(), version).await;
            let found = answer.contains(expected) && answer.is_empty() == expected.is_empty();
            assert!(found, "RFC 8705 {rule}, {version:?}: {answer:?}");
            let answer = get_tls(&does_not, &server_own, shows, version).await;
            assert!(answer.contains(" None 0 bytes"), "{rule}, not asked: {answer:?}");
        }
    }
}

#[tokio::test]
async fn hp18_hp23_old_tls_and_early_data_are_refused() {
    let own = own("idp.example");
    for (oldest, spoken, works) in [
        (TlsVersion::V1_2, TlsVersion::V1_2, true),
        (TlsVersion::V1_3, TlsVersion::V1_3, true),
        (TlsVersion::V1_3, TlsVersion::V1_2, false),
    ] {
        assert_eq!(config(&own, oldest, OFF).max_early_data_size, 0, "HP23");
        let (server, _keep) = start_tls(&own, oldest, OFF).await;
        let answer = get_tls(&server, &own, None, spoken).await;
        assert_eq!(answer.starts_with("HTTP/1.1 200"), works, "HP18 {spoken:?}");
    }
}

#[tokio::test]
async fn new_connections_get_the_new_certificate() {
    let (old, new) = (own("idp.example"), own("idp.example"));
    let (server, change) = start_tls(&old, TlsVersion::V1_2, OFF).await;
    assert!(!get_tls(&server, &old, None, TlsVersion::V1_3).await.is_empty());
    change.send(config(&new, TlsVersion::V1_2, OFF)).unwrap();
    assert!(get_tls(&server, &old, None, TlsVersion::V1_3).await.is_empty());
    assert!(!get_tls(&server, &new, None, TlsVersion::V1_3).await.is_empty());
}

#[test]
fn unusable_certificate_files_are_named_with_a_hint() {
    let (mine, other) = (own("idp.example"), own("idp.example").signing_key.serialize_pem());
    let (cert, key) = (mine.cert.pem(), mine.signing_key.serialize_pem());
    let pem = |kind: &str, text: &str| format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n");
    let (broken, no_x509) = (cert.replace("MII", "!!!"), pem("CERTIFICATE", "AAAA"));
    let (no_key, sealed) = (pem("PRIVATE KEY", "AAAA"), pem("ENCRYPTED PRIVATE KEY", "AAAA"));
    let sealed_too = pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nAAAA");
    for (cert, key, file, hint) in [
        ("", key.as_str(), "certificate file", "BEGIN CERTIFICATE"),
        (&key, &key, "certificate file", "swapped"),
        (&broken, &key, "certificate file", "damaged"),
        (&no_x509, &key, "certificate file", "X.509"),
        (&cert, "", "key file", "BEGIN PRIVATE KEY"),
        (&cert, &cert, "key file", "swapped"),
        (&cert, &no_key, "key file", "P-256"),
        (&cert, &sealed, "key file", "openssl pkey"),
        (&cert, &sealed_too, "key file", "openssl pkey"),
        (&cert, &other, "certificate and key files", "first"),
    ] {
        let refused = server_config(cert.as_bytes(), key.as_bytes(), TlsVersion::V1_2, OFF);
        let error = refused.unwrap_err().to_string();
        let named = error.starts_with(&format!("TLS {file}")) && error.contains(hint);
        assert!(named, "{hint}: {error}");
    }
}

#[tokio::test]
async fn requests_that_proxies_could_read_otherwise_are_refused() {
    let table = "
        well-formed             | 200 | GET / HTTP/1.1~Host: a:8080
        absolute form           | 200 | GET http://A/ HTTP/1.1~Host: a
        HTTP/1.0                | 200 | GET / HTTP/1.0
        HP03 no Host            | 400 | GET / HTTP/1.1
        HP03 empty Host         | 400 | GET / HTTP/1.1~Host:
        HP03 two Hosts          | 400 | GET / HTTP/1.1~Host: a~Host: b
        HP03 the same twice     | 400 | GET / HTTP/1.1~Host: a~Host: a
        HP03 a list             | 400 | GET / HTTP/1.1~Host: a, b
        HP03 user name          | 400 | GET / HTTP/1.1~Host: x@a
        HP03 path               | 400 | GET / HTTP/1.1~Host: a/b
        HP03 other target       | 400 | GET http://b/ HTTP/1.1~Host: a
        HP03 absolute, no Host  | 400 | GET http://b/ HTTP/1.1
        HP13 TRACE              | 501 | TRACE / HTTP/1.1~Host: a
        HP13 CONNECT            | 501 | CONNECT a:443 HTTP/1.1~Host: a:443
        HP02 two lengths        | cut | POST / HTTP/1.1~Host: a~Content-Length: 1~Content-Length: 2
        HP02 signed length      | cut | POST / HTTP/1.1~Host: a~Content-Length: +1
        HP02 unknown coding     | cut | POST / HTTP/1.1~Host: a~Transfer-Encoding: xchunked
        HP02 chunked not last   | cut | POST / HTTP/1.1~Host: a~Transfer-Encoding: chunked, gzip
        HP02 coding in HTTP/1.0 | cut | POST / HTTP/1.0~Host: a~Transfer-Encoding: chunked
        HP02 folded line        | cut | GET / HTTP/1.1~Host: a~X: b~ c
        HP02 blank before colon | cut | GET / HTTP/1.1~Host : a";
    for line in table.trim().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (_server, socket) = plain(Limits::default()).await;
        let request = cells[2].replace('~', "\r\n");
        let answer = exchange(socket, &format!("{request}\r\nConnection: close\r\n\r\n")).await;
        let (status, expected) = (answer.split(' ').nth(1).unwrap_or("cut"), cells[1]);
        // hyper closes some of these with an answer and some without.
        let alike = status == expected || (expected == "cut" && status == "400");
        assert!(alike, "{}: {answer:?}", cells[0]);
    }
}

#[tokio::test]
async fn a_second_request_cannot_hide_behind_an_ambiguous_length() {
    let (length, coding) = ("Content-Length: 4", "Transfer-Encoding: chunked");
    for (first, second) in [(length, coding), (coding, length)] {
        let (_server, socket) = plain(Limits::default()).await;
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{first}\r\n{second}\r\n\r\n0\r\n\r\n{GET}");
        let answer = exchange(socket, &request).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "HP02 {answer}");
        assert!(!answer.contains("/x"), "HP02 {answer}");
    }
}

#[tokio::test]
async fn hp08_heads_are_bounded() {
    for filler in ["X: y\r\n".repeat(200), format!("X: {}\r\n", "x".repeat(70_000))] {
        let (_server, socket) = plain(Limits::default()).await;
        let answer = exchange(socket, &format!("GET / HTTP/1.1\r\nHost: a\r\n{filler}\r\n")).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 431");
        assert!(refused, "HP08 {answer}");
    }
}

#[tokio::test]
async fn hp10_peers_that_say_too_little_are_cut() {
    for beginning in ["", "GET / HTTP/1.1\r\nHo", "PRI * HTTP/2"] {
        let (server, socket) = plain(limits(9, LATE, LATE)).await;
        assert_eq!(exchange(socket, beginning).await, "", "HP10 {beginning:?}");
        assert!(is_served(&server).await, "HP10 others");
    }
    let (_server, mut socket) = plain(limits(9, LATE, LATE)).await;
    one(&mut socket, GET).await;
    let answer = exchange(socket, "GET / HTTP/1.1\r\nHo").await;
    assert_eq!(answer, "", "HP10 half a second head");

    let (_keep, tls) = watch::channel(config(&own("idp.example"), TlsVersion::V1_2, OFF));
    let server = start(limits(9, LATE, LATE), Some(tls)).await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(exchange(socket, "").await, "", "HP10 no handshake");
}

#[tokio::test]
async fn slow_bodies_and_slow_handlers_are_told_apart() {
    let table = "
        HP10 half a body  | 408 | connection: close | POST /x HTTP/1.1~Host: a~Content-Length: 9~~half
        HP10 no body      | 408 | connection: close | POST /x HTTP/1.1~Host: a~Content-Length: 9~~
        HP10 half a chunk | 408 | connection: close | POST /x HTTP/1.1~Host: a~Transfer-Encoding: chunked~~9~ha
        I13 slow handler  | 503 | retry-after: 5    | GET /never HTTP/1.1~Host: a~Connection: close~~";
    for line in table.trim().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (_server, socket) = plain(limits(9, SOON, LATE)).await;
        let answer = exchange(socket, &cells[3].replace('~', "\r\n")).await;
        let status = format!("HTTP/1.1 {} ", cells[1]);
        assert!(answer.starts_with(&status), "{}: {answer}", cells[0]);
        for header in [cells[2], "cache-control: no-store"] {
            assert!(answer.contains(&format!("\r\n{header}\r\n")), "HP17 {answer}");
        }
    }
}

#[tokio::test]
async fn a_program_that_waited_too_long_is_told_so_in_its_language() {
    for (accept, kind, body) in [
        ("", "application/json", r#"{"error":"temporarily_unavailable","#),
        ("Accept: application/json\r\n", "application/json", r#"{"error":"temporarily_unavailable","#),
        ("Accept: text/html,*/*;q=0.5\r\n", "text/plain; charset=utf-8", "Service Unavailable"),
    ] {
        let (_server, socket) = plain(limits(9, SOON, LATE)).await;
        let request = format!("POST /never HTTP/1.1\r\nHost: a\r\n{accept}Connection: close\r\n\r\n");
        let answer = exchange(socket, &request).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "RFC 6749 §5.2 {answer}");
        assert!(answer.contains(&format!("\r\ncontent-type: {kind}\r\n")), "RFC 6749 §5.2 {answer}");
        assert!(
            answer.contains("\r\nretry-after: 5\r\n") && answer.contains(&format!("\r\n\r\n{body}")),
            "I13 {answer}"
        );
    }
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let (server, socket) = plain(Limits::default()).await;
    let answer = exchange(socket, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(is_served(&server).await);
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let (server, mut busy) = plain(limits(9, LATE, SOON)).await;
    busy.write_all(WAIT.as_bytes()).await.unwrap();
    server.gate.wait().await;
    // One that is idle all this time is closed before the busy one is answered.
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    one(&mut idle, GET).await;
    one(&mut idle, GET).await;
    assert_eq!(exchange(idle, "").await, "", "HTTP/1.1");
    server.gate.wait().await;
    one(&mut busy, "").await;

    let (_server, mut socket) = plain(limits(9, LATE, SOON)).await;
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &request(1)].concat();
    socket.write_all(&hello).await.unwrap();
    let frames = frames(socket).await;
    assert!(frames.iter().any(|(kind, _)| *kind == GOAWAY), "RFC 9113 §6.8");
}

#[tokio::test]
async fn at_the_limit_connections_wait_for_a_place() {
    let (server, mut first) = plain(limits(1, LATE, LATE)).await;
    one(&mut first, GET).await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(LAST.as_bytes()).await.unwrap();
    one(&mut first, GET).await;
    assert!(second.try_read(&mut [0; 1]).is_err(), "I15 not yet");
    drop(first);
    let answer = exchange(second, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "I15 now: {answer}");
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_takes_no_new_ones() {
    let (server, mut busy) = plain(Limits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    one(&mut idle, GET).await;
    busy.write_all(WAIT.as_bytes()).await.unwrap();
    server.gate.wait().await;
    server.stop.send(()).unwrap();
    assert_eq!(exchange(idle, "").await, "", "idle connections end at once");
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.gate.wait().await;
    let answer = exchange(busy, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let (server, mut busy) = plain(limits(9, LATE, LATE)).await;
    busy.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(is_served(&server).await);
    server.stop.send(()).unwrap();
    server.served.await.unwrap().unwrap();
    assert_eq!(exchange(busy, "").await, "");
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Types of frames (RFC 9113 §6), and an error code (§7).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ENHANCE_YOUR_CALM: u8 = 0xb;
/// GET / of http://a (RFC 7541 Appendix A).
const GET_A: &[u8] = b"\x82\x86\x84\x41\x01a";

/// A frame of RFC 9113 §4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, 0x5, stream, GET_A)
}

/// Kind and payload of all frames until the peer closes.
async fn frames(socket: TcpStream) -> Vec<(u8, Vec<u8>)> {
    let (mut frames, said) = (Vec::new(), bytes_to_end(socket).await);
    let mut rest = said.as_slice();
    while let [_, high, low, kind, _, _, _, _, _, after @ ..] = rest {
        let length = usize::from(*high) << 8 | usize::from(*low);
        frames.push((*kind, after[..length].to_vec()));
        rest = &after[length..];
    }
    frames
}

#[tokio::test]
async fn hp07_floods_of_http2_end_the_connection() {
    let reset = |stream| [request(stream), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat();
    let resets: Vec<u8> = (0..2000).flat_map(|n| reset(2 * n + 1)).collect();
    let more = |payload: &[u8]| {
        let flood = frame(CONTINUATION, 0, 1, payload).repeat(10_000);
        [frame(HEADERS, 0x1, 1, GET_A), flood].concat()
    };
    // 0x90 is `accept-encoding: gzip, deflate` in the static table: 60 bytes unpacked.
    let (bomb, empty) = (more(&[0x90; 100]), more(&[]));
    for (rule, attack) in [("HP07 resets", resets), ("HP08 bomb", bomb), ("HP08 empty", empty)] {
        let (server, mut socket) = plain(Limits::default()).await;
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        let _ = socket.write_all(&[hello, attack].concat()).await;
        let frames = frames(socket).await;
        // A connection that is reset may lose the last words.
        let last = frames.iter().find(|(kind, _)| *kind == GOAWAY);
        assert!(last.is_none_or(|(_, why)| why[7] == ENHANCE_YOUR_CALM), "{rule}: {frames:?}");
        assert!(is_served(&server).await, "{rule}: others");
    }
}
