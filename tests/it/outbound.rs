//! Outbound requests: what may be reached, how long and how much (SF01 to SF16).

#![expect(clippy::unwrap_used, reason = "tests may stop")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chancery::outbound::{FetchError, Fetched, Fetcher, IpNet, Lookup, OutboundSettings, is_public};
use chancery::tls::{ClientCertificates, TlsVersion, server_config};
use futures_util::future::join_all;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// More than any answer of these tests.
const ROOM: usize = 64 * 1024;

fn settings(networks: &[&str]) -> OutboundSettings {
    OutboundSettings {
        extra_ca: Vec::new(),
        allow_networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        timeout: Duration::from_secs(20),
        max_bytes: ROOM,
    }
}

/// May reach this machine.
fn local() -> Fetcher {
    Fetcher::new(&settings(&["127.0.0.0/8"])).unwrap()
}

async fn get(fetcher: &Fetcher, address: SocketAddr) -> Result<Fetched, FetchError> {
    fetcher.get_json(&url(&format!("http://{address}/")), ROOM).await
}

/// What became of a request, in a word.
fn outcome(fetched: &Result<Fetched, FetchError>) -> String {
    match fetched {
        Ok(fetched) => fetched.status.as_str().to_owned(),
        Err(FetchError::Url(sentence)) => (*sentence).to_owned(),
        Err(FetchError::Address(_)) => "refused".to_owned(),
        Err(FetchError::Busy | FetchError::Timeout) => "late".to_owned(),
        Err(FetchError::TooLarge(limit)) => format!("over {limit}"),
        Err(error) => format!("{error:?}"),
    }
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// A table's rows, its cells parted by bars.
fn rows<const N: usize>(table: &str) -> Vec<[&str; N]> {
    let lines = table.trim().lines().map(|line| line.split('|').map(str::trim));
    lines.map(|cells| cells.collect::<Vec<_>>().try_into().unwrap()).collect()
}

/// Names that all stand for these addresses; and how often they were asked for.
fn names(addresses: &str) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let found = addresses.split_whitespace().map(|ip| ip.parse().unwrap());
    let found: Vec<IpAddr> = found.collect();
    let lookup = move |_: &str| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(found.clone())
    };
    (Arc::new(lookup), asked)
}

/// Reads a request, as far as one read goes, and gives this answer.
async fn reply(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: impl AsRef<[u8]>) {
    let _ = socket.read(&mut [0; 4096]).await;
    let _ = socket.write_all(answer.as_ref()).await;
    let _ = socket.shutdown().await;
}

/// A server that answers every connection with these bytes, and counts connections.
async fn canned(answer: impl Into<Vec<u8>>) -> (SocketAddr, Arc<AtomicUsize>) {
    let answer = answer.into();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, met) = (tcp.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&met);
    tokio::spawn(async move {
        loop {
            let (socket, _) = tcp.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(reply(socket, answer.clone()));
        }
    });
    (address, met)
}

fn ok(headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

#[test]
fn only_global_unicast_addresses_are_public() {
    let table = "
        public IPv4                | yes | 8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 126.255.255.255 128.0.0.0
        public beside private      | yes | 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 169.253.0.0
        public beside others       | yes | 100.63.255.255 100.128.0.0 198.17.255.255 198.20.0.0 223.255.255.255
        public IPv6                | yes | 2606:4700::1111 2a00:1450::1 2001:4860::8888 2001:200:: 3fff:1000::
        SF01 loopback, unspecified | no  | 127.0.0.1 127.255.255.255 ::1 0.0.0.0 0.255.255.255 ::
        SF01 private               | no  | 10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.1
        SF01 link-local, metadata  | no  | 169.254.0.0 169.254.169.254 fe80::1 febf::1
        SF01 carrier-grade NAT     | no  | 100.64.0.0 100.127.255.255
        SF01 unique or site-local  | no  | fc00::1 fd00::1 fd00:ec2::254 fdff::1 fec0::1
        SF01 multicast             | no  | 224.0.0.1 239.255.255.255 ff02::1
        SF01 broadcast, reserved   | no  | 255.255.255.255 240.0.0.0 4000::1 100::1
        SF01 documentation         | no  | 192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1 3fff:fff::1
        SF01 benchmarking, IETF    | no  | 198.18.0.0 198.19.255.255 2001:2::1 192.0.0.170 192.88.99.1 2001:1ff::1
        SF11 IPv4-mapped           | no  | ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
        SF11 IPv4-compatible       | no  | ::127.0.0.1 ::8.8.8.8
        SF11 NAT64                 | no  | 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8
        SF11 delivered to public   | yes | 64:ff9b::8.8.8.8 ::ffff:8.8.8.8
        SF11 6to4, Teredo          | no  | 2002:7f00:1:: 2002:808:808:: 2001:0:7f00:1::
        SF11 ISATAP                | no  | 2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:127.0.0.1";
    for [rule, public, addresses] in rows(table) {
        for address in addresses.split(' ') {
            assert_eq!(is_public(address.parse().unwrap()), public == "yes", "{rule}: {address}");
        }
    }
}

#[test]
fn networks_are_read_strictly() {
    // No prefix, no address, a name; too long; signs, octal, short; bits behind; mapped.
    let refused = "10.0.0.0 /8 10.0.0.0/ localhost/8 10.0.0.0/33 fd00::/129 10.0.0.0/-1 010.0.0.0/8 \
                   10/8 10.0.0.1/8 fd00::1/64 ::ffff:10.0.0.0/104";
    for text in refused.split(' ').chain([" 10.0.0.0/8", "10.0.0.0/8 ", ""]) {
        assert!(text.parse::<IpNet>().is_err(), "{text:?}");
    }
}

#[test]
fn a_network_holds_what_its_prefix_says() {
    let table = "
        10.0.0.0/8       | 10.255.255.255 ::ffff:10.1.2.3 | 11.0.0.0 9.255.255.255 ::10.0.0.1 fd00::1
        192.168.1.128/25 | 192.168.1.128 192.168.1.255    | 192.168.1.127 192.168.2.128
        0.0.0.0/0        | 0.0.0.0 255.255.255.255        | ::1
        fd00::/8         | fd00::1 fdff::1                | fe00::1 10.0.0.1
        2001:db8::/33    | 2001:db8:7fff::1               | 2001:db8:8000::1
        ::/0             | ::1 ffff::                     | 127.0.0.1 ::ffff:127.0.0.1";
    for [network, inside, outside] in rows(table) {
        let net: IpNet = network.parse().unwrap();
        let holds = |address: &str| net.contains(address.parse().unwrap());
        assert!(inside.split(' ').all(holds), "{network}: {inside}");
        assert!(!outside.split(' ').any(holds), "{network}: {outside}");
    }
}

#[tokio::test]
async fn odd_spellings_of_inner_addresses_are_refused_before_anything_is_asked() {
    let table = "
        SF01 loopback         | 127.0.0.1 [::1] [0:0:0:0:0:0:0:1]
        SF01 metadata         | 169.254.169.254 [fd00:ec2::254]
        SF01 unspecified      | 0.0.0.0 [::]
        SF01 localhost        | localhost LOCALHOST. idp.localhost
        SF11 decimal          | 0 2130706433 2852039166
        SF11 hexadecimal      | 0x7f000001 0x7f.0x0.0x0.0x1
        SF11 octal            | 0177.0.0.1 017700000001 0177.0.0x0.1
        SF11 short            | 127.1 127.0.1 127.0.0.1.
        SF11 percent-encoded  | %31%32%37.0.0.1 127%2e0.0.1
        SF11 other digits     | １２７.0.0.1 ①②⑦.⓪.⓪.① 127。0。0。1
        SF11 IPv4-mapped      | [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe]
        SF11 other IPv4 forms | [::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::]";
    let (lookup, asked) = names("8.8.8.8");
    let fetcher = Fetcher::with_lookup(&settings(&[]), lookup).unwrap();
    for [rule, hosts] in rows(table) {
        for host in hosts.split(' ') {
            let url = url(&format!("https://{host}/jwks"));
            let checked = fetcher.check(&url);
            assert!(matches!(checked, Err(FetchError::Address(_))), "{rule}: {host}");
            let fetched = fetcher.get_json(&url, ROOM).await;
            assert_eq!(outcome(&fetched), "refused", "{rule}: {host}");
            let posted = fetcher.post_form(&url, &[("logout_token", "x")], ROOM).await;
            assert_eq!(outcome(&posted), "refused", "SF06 {rule}: {host}");
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "literal addresses are no names");
}

/// What peers hear whatever happened behind the URL.
const GENERIC: &str = "The URL could not be fetched.";

#[tokio::test]
async fn the_text_of_a_url_is_judged_when_it_is_saved() {
    let table = "
        fine                   | https://idp.example/jwks       | fine    | fine
        http                   | http://idp.example/            | scheme  | fine
        http, literal          | http://127.0.0.1/              | scheme  | fine
        http, literal outside  | http://8.8.8.8/                | scheme  | generic
        other scheme           | file:///etc/passwd             | scheme  | scheme
        user name              | https://ann@idp.example/       | user    | user
        password               | https://:pw@idp.example/       | user    | user
        address after the name | https://idp.example@127.0.0.1/ | user    | user
        port 0                 | https://idp.example:0/         | port    | port
        literal                | https://10.0.0.1/              | generic | generic
        literal, allowed       | https://127.0.0.1:1/           | generic | fine
        localhost, allowed     | https://localhost:1/           | generic | fine";
    let word = |fetcher: &Fetcher, text| match fetcher.check(&url(text)).map_err(|error| error.public()) {
        Ok(()) => "fine",
        Err("The URL must use https.") => "scheme",
        Err("The URL must not contain a user name.") => "user",
        Err("The URL must have a host, and no port 0.") => "port",
        Err(sentence) if sentence == GENERIC => "generic",
        Err(other) => other,
    };
    let strict = Fetcher::new(&settings(&[])).unwrap();
    for [rule, text, closed, open] in rows(table) {
        assert_eq!((word(&strict, text), word(&local(), text)), (closed, open), "{rule}: {text}");
    }
}

#[tokio::test]
async fn a_name_that_stands_for_an_inner_address_is_never_connected() {
    let table = "
        SF02 loopback              | 127.0.0.1              |             | https
        SF02 several               | 127.0.0.1 10.0.0.1 ::1 |             | https
        SF02 http, other network   | 127.0.0.1              | 10.0.0.0/8  | http
        SF02 http, one outside     | 127.0.0.1 8.8.8.8      | 127.0.0.0/8 | http
        SF02 no address            |                        | 127.0.0.0/8 | http";
    let (address, met) = canned(ok("", "{}")).await;
    for [rule, addresses, networks, scheme] in rows(table) {
        let networks: Vec<&str> = networks.split_whitespace().collect();
        let (lookup, asked) = names(addresses);
        let fetcher = Fetcher::with_lookup(&settings(&networks), lookup).unwrap();
        let url = url(&format!("{scheme}://idp.example:{}/", address.port()));
        fetcher.check(&url).unwrap();
        let fetched = fetcher.get_json(&url, ROOM).await;
        assert_eq!(outcome(&fetched), "refused", "{rule}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{rule}");
    }
    assert_eq!(met.load(Ordering::SeqCst), 0, "nothing was received");
}

#[tokio::test]
async fn sf02_the_address_that_was_judged_is_the_one_connected() {
    let (address, met) = canned(ok("", r#"{"keys":[]}"#)).await;
    // An attacker's name server: the first answer is harmless, each later one is not.
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup = move |_: &str| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
        _ => Ok(vec![IpAddr::from([10, 0, 0, 1])]),
    };
    let fetcher = Fetcher::with_lookup(&settings(&["127.0.0.0/8"]), Arc::new(lookup)).unwrap();
    let url = url(&format!("http://idp.example:{}/", address.port()));
    let fetched = fetcher.get_json(&url, ROOM).await.unwrap();
    assert_eq!(fetched.body, br#"{"keys":[]}"#);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "SF02 not again when connecting");
    assert_eq!(met.load(Ordering::SeqCst), 1);
    let again = fetcher.get_json(&url, ROOM).await;
    assert_eq!(outcome(&again), "refused", "SF02 judged anew for a new connection");
}

#[tokio::test]
async fn sf03_redirects_are_answers_and_not_followed() {
    let (inside, met) = canned(ok("", "{}")).await;
    for status in ["301", "302", "303", "307", "308"] {
        let answer = format!("HTTP/1.1 {status} X\r\nLocation: http://{inside}/\r\n\r\n");
        let (address, _) = canned(answer).await;
        let fetched = get(&local(), address).await;
        assert_eq!(outcome(&fetched), status, "SF03");
        let json = fetched.unwrap().json::<()>();
        assert!(matches!(json, Err(FetchError::Status(_))), "SF03 {status}");
    }
    assert_eq!(met.load(Ordering::SeqCst), 0, "SF03 nothing was received inside");
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit_and_no_further() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = format!("{chunked}{}", "8\r\n12345678\r\n".repeat(9000));
    let chunked = format!("{chunked}8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n");
    let (counted, huge) = (ok("", "1234567812345678"), ok("", &"x".repeat(ROOM + 1)));
    for (rule, answer, limit, expected) in [
        ("SF13 at the limit", &counted, 16, "200"),
        ("SF13 one past it", &counted, 15, "over 15"),
        ("SF13 chunked, at the limit", &chunked, 16, "200"),
        ("SF13 chunked, past it", &chunked, 15, "over 15"),
        ("SF13 without end", &endless, ROOM, "over 65536"),
        ("SF13 the operator's limit", &huge, usize::MAX, "over 65536"),
    ] {
        let (address, _) = canned(answer.as_str()).await;
        let fetched = local().get_json(&url(&format!("http://{address}/")), limit).await;
        assert_eq!(outcome(&fetched), expected, "{rule}");
    }
}

#[tokio::test]
async fn sf13_a_slow_peer_is_left_when_the_time_is_over() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dripping = tcp.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = tcp.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        let _ = socket.write_all(head).await;
        // A byte now and then, so that no pause grows long.
        while socket.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_at = silent.local_addr().unwrap();
    let mut hurried = settings(&["127.0.0.0/8"]);
    hurried.timeout = Duration::from_millis(200);
    let fetcher = Fetcher::new(&hurried).unwrap();
    assert_eq!(outcome(&get(&fetcher, dripping).await), "late", "SF13 drips");
    // More than have a place: waiting for one counts too.
    for fetched in join_all((0..20).map(|_| get(&fetcher, silent_at))).await {
        assert_eq!(outcome(&fetched), "late", "SF13 says nothing");
    }
    // Names that are found only once the test is over.
    let (_found, looked_for) = std::sync::mpsc::channel::<()>();
    let looked_for = std::sync::Mutex::new(looked_for);
    let slow_names = move |_: &str| {
        let _ = looked_for.lock().unwrap().recv();
        Ok(Vec::new())
    };
    let fetcher = Fetcher::with_lookup(&hurried, Arc::new(slow_names)).unwrap();
    let fetched = fetcher.get_json(&url("http://idp.example/"), ROOM).await;
    assert_eq!(outcome(&fetched), "late", "SF13 slow name server");
}

#[tokio::test]
async fn one_host_gets_eight_requests_at_a_time_and_all_in_the_end() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    // It opens when eight stand before it: with fewer at a time nobody would be answered.
    let gate = tokio::sync::Barrier::new(8);
    let house = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0), gate));
    let door = Arc::clone(&house);
    tokio::spawn(async move {
        loop {
            let ((socket, _), house) = (tcp.accept().await.unwrap(), Arc::clone(&door));
            tokio::spawn(async move {
                let (now, most, gate) = &*house;
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.wait().await;
                now.fetch_sub(1, Ordering::SeqCst);
                reply(socket, ok("Connection: close\r\n", "{}")).await;
            });
        }
    });
    let fetcher = local();
    for fetched in join_all((0..32).map(|_| get(&fetcher, address))).await {
        assert_eq!(outcome(&fetched), "200");
    }
    assert_eq!(house.1.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn freshness_is_what_the_peer_says() {
    let table = "
        §5.2 nothing said       |                                               | none
        §5.2.2.1 max-age        | Cache-Control: public, Max-Age=600            | 600
        §5.2.2.1 quoted         | Cache-Control: max-age=\"600\"                | 600
        §5.1 age                | Cache-Control: max-age=600; Age: 100          | 500
        §5.1 older than fresh   | Cache-Control: max-age=600; Age: 700          | 0
        §5.2.2.5 no-store       | Cache-Control: no-store, max-age=600          | 0
        §4.2.1 twice            | Cache-Control: max-age=9; Cache-Control: max-age=5 | 5
        §4.2.1 no number        | Cache-Control: max-age=soon                   | 0
        §5.2 other directives   | Cache-Control: private, must-revalidate       | none";
    for [rule, headers, seconds] in rows(table) {
        let lines = headers.split("; ").filter(|line| !line.is_empty());
        let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
        let (address, _) = canned(ok(&headers, "{}")).await;
        let fetched = get(&local(), address).await.unwrap();
        let expected = seconds.parse().ok().map(Duration::from_secs);
        assert_eq!(fetched.max_age, expected, "RFC 9111 {rule}");
    }
}

#[tokio::test]
async fn errors_show_nothing_of_what_was_found() {
    let (secret, _) = canned(ok("", "root:x:0:0:secret")).await;
    let (closed, _) = canned("").await;
    let (garbage, _) = canned("SSH-2.0-OpenSSH_9.2 secret\r\n").await;
    let (missing, _) = canned("HTTP/1.1 404 Not secret\r\nContent-Length: 6\r\n\r\nsecret").await;
    let unused = SocketAddr::from(([127, 0, 0, 1], 1));
    for address in [secret, closed, garbage, missing, unused] {
        let address = url(&format!("http://{address}/?token=secret"));
        let fetched = local().get_json(&address, ROOM).await;
        let error = fetched.and_then(|found| found.json::<()>()).unwrap_err();
        assert_eq!(error.public(), GENERIC, "SF15 {error}");
        assert!(!error.to_string().contains("secret"), "SF15 {error}");
    }
    let refused = local().check(&url("https://10.0.0.1/")).unwrap_err();
    assert_eq!(refused.public(), GENERIC, "SF15 refused");
}

#[tokio::test]
async fn a_form_is_posted_as_one() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(&format!("http://{}/logout?x=1", tcp.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let (mut socket, _) = tcp.accept().await.unwrap();
        let mut seen = String::new();
        while !seen.ends_with("a%26b") {
            let mut part = [0; 1024];
            let read = socket.read(&mut part).await.unwrap();
            seen.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        let answer = ok("Content-Type: text/plain\r\n", "done");
        socket.write_all(answer.as_bytes()).await.unwrap();
        seen.to_ascii_lowercase()
    });
    let (fields, by) = ([("logout_token", "e30.e30."), ("x", "a&b")], ("a", "b"));
    let fetched = local().post_form_as(&url, &fields, by, ROOM).await.unwrap();
    assert_eq!((fetched.status.as_u16(), fetched.body), (200, b"done".to_vec()));
    assert_eq!(fetched.content_type.as_deref(), Some("text/plain"));
    let seen = server.await.unwrap();
    assert!(seen.starts_with("post /logout?x=1 http/1.1\r\n"), "{seen}");
    assert!(seen.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"));
    assert!(seen.contains("\r\nauthorization: basic ytpi\r\n"));
    assert!(seen.ends_with("\r\n\r\nlogout_token=e30.e30.&x=a%26b"), "{seen}");
}

/// A server with a certificate of its own for `idp.example`, on this machine. The PEM and the port.
async fn own_https() -> (Vec<u8>, u16) {
    let own = rcgen::generate_simple_self_signed(["idp.example".to_owned()]).unwrap();
    let (pem, key) = (own.cert.pem().into_bytes(), own.signing_key.serialize_pem());
    let config = server_config(&pem, key.as_bytes(), TlsVersion::V1_2, ClientCertificates::Off);
    let mut config = config.unwrap();
    config.alpn_protocols.clear();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = tcp.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(socket).await {
                reply(stream, ok("", "{}")).await;
            }
        }
    });
    (pem, port)
}

#[tokio::test]
async fn https_trusts_extra_certificates_for_their_names_only() {
    let (ca, port) = own_https().await;
    let (other_ca, _) = own_https().await;
    let fetch = async |extra_ca: &[&Vec<u8>], host: &str| -> Result<Fetched, FetchError> {
        let mut settings = settings(&["127.0.0.1/32"]);
        settings.extra_ca = extra_ca.iter().map(|&pem| pem.clone()).collect();
        let (lookup, _) = names("127.0.0.1");
        let fetcher = Fetcher::with_lookup(&settings, lookup).unwrap();
        let url = url(&format!("https://{host}:{port}/"));
        fetcher.get_json(&url, ROOM).await
    };
    assert_eq!(fetch(&[&other_ca, &ca], "idp.example").await.unwrap().body, b"{}");
    for (rule, extra_ca, host) in [
        ("RFC 5280 §6 unknown CA", &[][..], "idp.example"),
        ("RFC 5280 §6 other CA", &[&other_ca], "idp.example"),
        ("RFC 9525 §6 other name", &[&ca], "evil.example"),
        ("RFC 9525 §6 address", &[&ca], "127.0.0.1"),
    ] {
        let fetched = fetch(extra_ca, host).await;
        let failed = matches!(fetched, Err(FetchError::Transport(_)));
        assert!(failed, "{rule}: {fetched:?}");
    }
    let mut damaged = settings(&[]);
    damaged.extra_ca = vec![ca, b"no PEM".to_vec()];
    let error = Fetcher::new(&damaged).err().unwrap().to_string();
    assert_eq!(error, "extra CA 2 is not a PEM text with certificates");
}

#[test]
fn proxies_and_missing_certificates_of_the_environment_change_nothing() {
    // A process of its own: an environment is for all threads.
    let tests = ["address_that_was_judged", "https_trusts_extra_certificates"];
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(variable, "http://127.0.0.1:9");
        command.env(variable.to_ascii_lowercase(), "http://127.0.0.1:9");
    }
    command.envs([("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")]);
    let output = command.args(tests).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("2 passed"), "{text}");
}
