//! The accept loop over real sockets: versions, certificates, time-outs, bounds (HP02 to HP23).

#![expect(clippy::unwrap_used, reason = "tests may stop")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chancery::listener::{Limits, PeerCertificates, serve};
use chancery::tls::{ClientCertificates, TlsVersion, install_provider, server_config};
use poem::endpoint::{BoxEndpoint, EndpointExt, make};
use poem::{Request, Response};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SignatureScheme, sign};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

const GET: &str = "GET /x HTTP/1.1\r\nHost: idp.example\r\n\r\n";
const LAST: &str = "GET /x HTTP/1.1\r\nHost: idp.example\r\nConnection: close\r\n\r\n";
const SOON: Duration = Duration::from_millis(200);

/// A server under test. Dropping it stops it.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    /// Lets one request to `/wait` go on.
    gate: Arc<Notify>,
}

/// Tells what it was asked and by whom.
fn endpoint(gate: Arc<Notify>) -> BoxEndpoint<'static, Response> {
    let answer = move |request: Request| {
        let gate = Arc::clone(&gate);
        async move {
            let shown = request.extensions().get::<PeerCertificates>();
            let shown: Vec<usize> = shown
                .iter()
                .flat_map(|shown| shown.0.iter().map(|one| one.len()))
                .collect();
            let peer = request.remote_addr().as_socket_addr().unwrap().ip();
            let line = format!(
                "{:?} {} {} {peer} {shown:?}",
                request.version(),
                request.scheme(),
                request.uri().path()
            );
            match request.uri().path() {
                "/wait" => gate.notified().await,
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

async fn start(limits: Limits, tls: Option<watch::Receiver<Arc<ServerConfig>>>) -> Running {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, gate) = (tcp.local_addr().unwrap(), Arc::new(Notify::new()));
    let (stop, stopped) = oneshot::channel::<()>();
    let endpoint = Arc::new(endpoint(Arc::clone(&gate)));
    let shutdown = async { drop(stopped.await) };
    let served = tokio::spawn(serve(tcp, tls, endpoint, limits, shutdown));
    Running {
        address,
        stop,
        served,
        gate,
    }
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

async fn to_end(stream: impl AsyncRead + Unpin) -> String {
    String::from_utf8(bytes_to_end(stream).await).unwrap()
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    to_end(stream).await
}

/// One answer on a connection that stays.
async fn one(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    while !said.ends_with("bytes") {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "closed after {said:?}");
        said.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    said
}

fn own(name: &str) -> CertifiedKey<KeyPair> {
    generate_simple_self_signed([name.to_owned()]).unwrap()
}

fn config(own: &CertifiedKey<KeyPair>, oldest: TlsVersion, ask: ClientCertificates) -> Arc<ServerConfig> {
    let (cert, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    Arc::new(server_config(cert.as_bytes(), key.as_bytes(), oldest, ask).unwrap())
}

/// What a client shows, whether or not the key belongs to it.
#[derive(Debug)]
struct Shown(Arc<sign::CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn shown(chain: &[&CertifiedKey<KeyPair>], key: &KeyPair) -> Shown {
    let key = key.serialize_der().try_into().unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let chain: Vec<CertificateDer<'static>> = chain.iter().map(|own| own.cert.der().clone()).collect();
    Shown(Arc::new(sign::CertifiedKey::new(chain, key)))
}

/// A GET over TLS; empty if the handshake fails at either end.
async fn get_tls(
    address: SocketAddr,
    trusted: &CertifiedKey<KeyPair>,
    shown: Option<Shown>,
    newest: TlsVersion,
) -> String {
    install_provider();
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let versions = match newest {
        TlsVersion::V1_2 => &[&TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
    let config = match shown {
        Some(shown) => builder.with_client_cert_resolver(Arc::new(shown)),
        None => builder.with_no_client_auth(),
    };
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("idp.example").unwrap();
    match TlsConnector::from(Arc::new(config)).connect(name, socket).await {
        Ok(stream) => exchange(stream, LAST).await,
        Err(_) => String::new(),
    }
}

#[tokio::test]
async fn both_versions_of_http_are_served_with_and_without_tls() {
    let own = own("idp.example");
    let (_keep, tls) = watch::channel(config(&own, TlsVersion::V1_2, ClientCertificates::Off));
    let secure = start(Limits::default(), Some(tls)).await;
    let open = start(Limits::default(), None).await;
    let client = |server: &Running| {
        let trusted = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([trusted])
            .resolve("idp.example", server.address)
    };
    for (rule, client, scheme, expected) in [
        (
            "RFC 9113 §3.2",
            client(&secure),
            "https",
            "HTTP/2.0 https /x 127.0.0.1 [] 5 bytes",
        ),
        (
            "RFC 9112",
            client(&secure).http1_only(),
            "https",
            "HTTP/1.1 https /x 127.0.0.1 [] 5 bytes",
        ),
        (
            "RFC 9112",
            client(&open),
            "http",
            "HTTP/1.1 http /x 127.0.0.1 [] 5 bytes",
        ),
        (
            "RFC 9113 §3.3",
            client(&open).http2_prior_knowledge(),
            "http",
            "HTTP/2.0 http /x 127.0.0.1 [] 5 bytes",
        ),
    ] {
        let client = client.build().unwrap();
        for _ in 0..2 {
            let answer = client
                .post(format!("{scheme}://idp.example/x"))
                .body("hello")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.text().await.unwrap(), expected, "{rule}");
        }
    }
}

#[tokio::test]
async fn any_client_certificate_is_taken_if_its_key_is_there() {
    let (server_own, ann, other) = (own("idp.example"), own("ann"), own("other.and.longer.example"));
    let length = |own: &CertifiedKey<KeyPair>| own.cert.der().len();
    let both = format!("[{}, {}]", length(&ann), length(&other));
    let ann_only = format!("[{}]", length(&ann));
    for ask in [ClientCertificates::Optional, ClientCertificates::Off] {
        let (_keep, tls) = watch::channel(config(&server_own, TlsVersion::V1_2, ask));
        let server = start(Limits::default(), Some(tls)).await;
        let asked = ask == ClientCertificates::Optional;
        for newest in [TlsVersion::V1_2, TlsVersion::V1_3] {
            for (rule, shows, expected) in [
                ("RFC 8705 §2 none", None, "[]"),
                (
                    "RFC 8705 §2.2 self-signed",
                    Some(shown(&[&ann], &ann.signing_key)),
                    &ann_only,
                ),
                (
                    "RFC 8705 §3 its own first",
                    Some(shown(&[&ann, &other], &ann.signing_key)),
                    &both,
                ),
                (
                    "RFC 8705 §2 of another",
                    Some(shown(&[&ann], &other.signing_key)),
                    "refused",
                ),
            ] {
                let answer = get_tls(server.address, &server_own, shows, newest).await;
                let expected = if asked { expected } else { "[]" };
                let found = answer.contains(expected) || (answer.is_empty() && expected == "refused");
                assert!(found, "{rule}, {ask:?}, {newest:?}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn old_tls_and_early_data_are_refused() {
    let own = own("idp.example");
    for (oldest, newest, works) in [
        (TlsVersion::V1_2, TlsVersion::V1_2, true),
        (TlsVersion::V1_3, TlsVersion::V1_3, true),
        (TlsVersion::V1_3, TlsVersion::V1_2, false),
    ] {
        let config = config(&own, oldest, ClientCertificates::Off);
        assert_eq!(config.max_early_data_size, 0, "HP23");
        let (_keep, tls) = watch::channel(config);
        let server = start(Limits::default(), Some(tls)).await;
        let answer = get_tls(server.address, &own, None, newest).await;
        assert_eq!(
            answer.starts_with("HTTP/1.1 200"),
            works,
            "HP18 {oldest:?} {newest:?}"
        );
    }
}

#[tokio::test]
async fn new_connections_get_the_new_certificate() {
    let (old, new) = (own("idp.example"), own("idp.example"));
    let off = ClientCertificates::Off;
    let (change, tls) = watch::channel(config(&old, TlsVersion::V1_2, off));
    let server = start(Limits::default(), Some(tls)).await;
    assert!(
        get_tls(server.address, &old, None, TlsVersion::V1_3)
            .await
            .starts_with("HTTP/1.1 200")
    );
    change.send(config(&new, TlsVersion::V1_2, off)).unwrap();
    assert!(
        get_tls(server.address, &new, None, TlsVersion::V1_3)
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(get_tls(server.address, &old, None, TlsVersion::V1_3).await, "");
}

#[test]
fn unusable_certificate_files_are_named_with_a_hint() {
    let (mine, other) = (own("idp.example"), own("other.example"));
    let (cert, key) = (mine.cert.pem(), mine.signing_key.serialize_pem());
    let other = other.signing_key.serialize_pem();
    let broken = cert.replace("MII", "!!!");
    let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let not_a_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let sealed = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for (cert_pem, key_pem, file, hint) in [
        ("", key.as_str(), "certificate file", "BEGIN CERTIFICATE"),
        (&key, &key, "certificate file", "swapped"),
        (&broken, &key, "certificate file", "damaged"),
        (not_x509, &key, "certificate file", "X.509"),
        (&cert, "", "key file", "BEGIN PRIVATE KEY"),
        (&cert, &cert, "key file", "swapped"),
        (&cert, not_a_key, "key file", "P-256"),
        (&cert, sealed, "key file", "openssl pkey"),
        (&cert, old, "key file", "openssl pkey"),
        (&cert, &other, "certificate and key files", "first"),
    ] {
        let (cert, key) = (cert_pem.as_bytes(), key_pem.as_bytes());
        let error = server_config(cert, key, TlsVersion::V1_2, ClientCertificates::Off)
            .unwrap_err()
            .to_string();
        assert!(error.contains(file) && error.contains(hint), "{hint}: {error}");
    }
}

#[tokio::test]
async fn requests_that_proxies_could_read_otherwise_are_refused() {
    let table = "
        well-formed              | GET / HTTP/1.1~Host: a:8080                                | 200
        absolute form            | GET http://A/ HTTP/1.1~Host: a                             | 200
        HTTP/1.0                 | GET / HTTP/1.0                                             | 200
        HP03 no Host             | GET / HTTP/1.1                                             | 400
        HP03 empty Host          | GET / HTTP/1.1~Host:                                       | 400
        HP03 two Hosts           | GET / HTTP/1.1~Host: a~Host: b                             | 400
        HP03 the same twice      | GET / HTTP/1.1~Host: a~Host: a                             | 400
        HP03 a list              | GET / HTTP/1.1~Host: a, b                                  | 400
        HP03 user name           | GET / HTTP/1.1~Host: x@a                                   | 400
        HP03 path                | GET / HTTP/1.1~Host: a/b                                   | 400
        HP03 other target        | GET http://b/ HTTP/1.1~Host: a                             | 400
        HP03 absolute, no Host   | GET http://b/ HTTP/1.1                                     | 400
        HP13 TRACE               | TRACE / HTTP/1.1~Host: a                                   | 501
        HP13 CONNECT             | CONNECT a:443 HTTP/1.1~Host: a:443                         | 501
        HP02 two lengths         | POST / HTTP/1.1~Host: a~Content-Length: 1~Content-Length: 2 | 400
        HP02 signed length       | POST / HTTP/1.1~Host: a~Content-Length: +1                 | 400
        HP02 unknown coding      | POST / HTTP/1.1~Host: a~Transfer-Encoding: xchunked        | 400
        HP02 chunked not last    | POST / HTTP/1.1~Host: a~Transfer-Encoding: chunked, gzip   | 400
        HP02 coding in HTTP/1.0  | POST / HTTP/1.0~Host: a~Transfer-Encoding: chunked         | 400
        HP02 folded line         | GET / HTTP/1.1~Host: a~X: b~ c                             | 400
        HP02 blank before colon  | GET / HTTP/1.1~Host : a                                    | 400
        HP02 nameless line       | GET / HTTP/1.1~Host: a~nothing                             | 400";
    for line in table.trim().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (_server, socket) = plain(Limits::default()).await;
        let request = format!("{}\r\nConnection: close\r\n\r\n", cells[1].replace('~', "\r\n"));
        let answer = exchange(socket, &request).await;
        // hyper answers some of these by closing alone.
        let status = answer.split(' ').nth(1).unwrap_or("400");
        assert_eq!(status, cells[2], "{}: {answer:?}", cells[0]);
    }
}

#[tokio::test]
async fn a_second_request_cannot_hide_behind_an_ambiguous_length() {
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
    ] {
        let (_server, socket) = plain(Limits::default()).await;
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\n0\r\n\r\n{GET}");
        let answer = exchange(socket, &request).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "HP02 {answer}");
        assert!(!answer.contains("/x"), "HP02 {answer}");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    for (rule, filler) in [
        ("HP08 one long field", "X: ".to_owned() + &"x".repeat(70_000)),
        ("HP08 many fields", "X: y\r\n".repeat(200)),
    ] {
        let (_server, socket) = plain(Limits::default()).await;
        let answer = exchange(socket, &format!("GET / HTTP/1.1\r\nHost: a\r\n{filler}\r\n\r\n")).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{rule}: {answer}"
        );
    }
}

#[tokio::test]
async fn peers_that_say_too_little_are_cut() {
    let limits = Limits {
        handshake: SOON,
        header_read: SOON,
        ..Limits::default()
    };
    for (rule, beginning) in [
        ("HP10 nothing", ""),
        ("HP10 half a head", "GET / HTTP/1.1\r\nHo"),
        ("HP10 half a preface", "PRI * HTTP/2"),
    ] {
        let (server, socket) = plain(limits.clone()).await;
        assert_eq!(exchange(socket, beginning).await, "", "{rule}");
        let other = TcpStream::connect(server.address).await.unwrap();
        assert!(
            exchange(other, LAST).await.starts_with("HTTP/1.1 200"),
            "{rule}: others are served"
        );
    }
    let (_server, mut socket) = plain(limits.clone()).await;
    one(&mut socket, GET).await;
    assert_eq!(
        exchange(socket, "GET / HTTP/1.1\r\nHo").await,
        "",
        "HP10 half a second head"
    );

    let (_keep, tls) = watch::channel(config(
        &own("idp.example"),
        TlsVersion::V1_2,
        ClientCertificates::Off,
    ));
    let server = start(limits, Some(tls)).await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(to_end(socket).await, "", "HP10 no handshake");
}

#[tokio::test]
async fn slow_bodies_and_slow_handlers_are_told_apart() {
    let limits = Limits {
        request: SOON,
        ..Limits::default()
    };
    for (rule, request, status, header) in [
        (
            "HP10 half a body",
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
            "408",
            "connection: close",
        ),
        (
            "HP10 no body",
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
            "408",
            "connection: close",
        ),
        (
            "HP10 half a chunk",
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nha",
            "408",
            "connection: close",
        ),
        (
            "I13 slow handler",
            "GET /never HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "503",
            "retry-after: 5",
        ),
    ] {
        let (_server, socket) = plain(limits.clone()).await;
        let answer = exchange(socket, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{rule}: {answer}"
        );
        for header in [
            header,
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.contains(&format!("\r\n{header}")), "HP17 {rule}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let (_server, mut socket) = plain(Limits::default()).await;
    socket
        .write_all(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let answer = exchange(socket, "").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    let other = TcpStream::connect(_server.address).await.unwrap();
    assert!(exchange(other, LAST).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let limits = Limits {
        idle: SOON,
        drain: SOON,
        ..Limits::default()
    };
    let (_server, mut socket) = plain(limits.clone()).await;
    one(&mut socket, GET).await;
    one(&mut socket, GET).await;
    assert_eq!(to_end(socket).await, "", "HTTP/1.1");

    let (_server, mut socket) = plain(limits).await;
    socket
        .write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &request(1)].concat())
        .await
        .unwrap();
    let frames = frames(socket).await;
    assert!(frames.iter().any(|(kind, _)| *kind == GOAWAY), "RFC 9113 §6.8");
}

#[tokio::test]
async fn at_the_limit_connections_wait_for_a_place() {
    let (server, mut first) = plain(Limits {
        max_connections: 1,
        ..Limits::default()
    })
    .await;
    one(&mut first, GET).await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(LAST.as_bytes()).await.unwrap();
    one(&mut first, GET).await;
    let early = second.try_read(&mut [0; 1]);
    assert_eq!(
        early.unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "I15 not yet"
    );
    drop(first);
    assert!(to_end(second).await.starts_with("HTTP/1.1 200"), "I15 now");
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_takes_no_new_ones() {
    let (server, mut busy) = plain(Limits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    one(&mut idle, GET).await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    // Its answer shows that the other one, sent before, was taken up as well.
    one(&mut idle, GET).await;
    server.stop.send(()).unwrap();
    assert_eq!(to_end(idle).await, "", "idle connections end at once");
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.gate.notify_one();
    let answer = to_end(busy).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("/wait"),
        "{answer}"
    );
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let (server, mut socket) = plain(Limits {
        drain: SOON,
        ..Limits::default()
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    socket
        .write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    one(&mut silent, GET).await;
    server.stop.send(()).unwrap();
    server.served.await.unwrap().unwrap();
    assert_eq!(to_end(socket).await, "");
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ENHANCE_YOUR_CALM: u8 = 0xb;

/// A frame of RFC 9113 §4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// GET / of http://a, whole (RFC 7541 Appendix A).
fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, 0x5, stream, b"\x82\x86\x84\x41\x01a")
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
async fn floods_of_http2_end_the_connection() {
    let (start, end_stream) = (1, 0x1);
    let reset = |stream| [request(stream), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat();
    let resets: Vec<u8> = (0..2000).flat_map(|n| reset(2 * n + 1)).collect();
    let more = |payload: &[u8]| {
        let head = frame(HEADERS, end_stream, start, b"\x82\x86\x84\x41\x01a");
        [head, frame(CONTINUATION, 0, start, payload).repeat(10_000)].concat()
    };
    // 0x90 is `accept-encoding: gzip, deflate` in the static table: 60 bytes unpacked.
    for (rule, attack) in [
        ("HP07 rapid reset", resets),
        ("HP08 CONTINUATION", more(&[0x90; 100])),
        ("HP08 empty CONTINUATION", more(&[])),
    ] {
        let (server, mut socket) = plain(Limits::default()).await;
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        let _ = socket.write_all(&[hello, attack].concat()).await;
        let frames = frames(socket).await;
        // A reset connection may lose the last words.
        let last = frames.iter().find(|(kind, _)| *kind == GOAWAY);
        assert!(
            last.is_none_or(|(_, why)| why[7] == ENHANCE_YOUR_CALM),
            "{rule}: {frames:?}"
        );
        let other = TcpStream::connect(server.address).await.unwrap();
        let answer = exchange(other, LAST).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{rule}: others are served");
        println!("{rule}: {last:?}");
    }
}
