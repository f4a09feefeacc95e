//! Attacks on HTTP itself and on what stands in front of the server (HP); more of them in `listener.rs`.

use std::net::SocketAddr;
use std::time::Duration;

use chancery::listener::{Limits, serve};
use chancery::protocol::audit_event::AuditKind;
use poem::Request;
use poem::http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{at_sign_in, form_to};
use crate::support::agent::basic;
use crate::support::{Engine, ORIGIN, PASSWORD, SECRET, Server, both};

/// The whole server on a socket; it ends when what is given second is dropped.
async fn listen(server: &Server) -> (SocketAddr, oneshot::Sender<()>) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (stop, stopped)) = (tcp.local_addr().unwrap(), oneshot::channel::<()>());
    let endpoint = chancery::server::endpoint(server.app.clone());
    tokio::spawn(serve(tcp, None, endpoint, Limits::default(), async { drop(stopped.await) }));
    (address, stop)
}

/// Everything that the server answers to these bytes until it closes.
async fn say(address: SocketAddr, bytes: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let _ = socket.write_all(bytes.as_bytes()).await;
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut said)).await;
    assert!(read.is_ok(), "the server never closed");
    String::from_utf8_lossy(&said).into_owned()
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

#[tokio::test]
async fn hp01_forwarding_headers_of_a_peer_that_is_no_proxy_of_ours_are_ignored() {
    both(async |server| {
        let (address, _stop) = listen(&server).await;
        let (agent, page) = at_sign_in(&server, "").await;
        let form = form_to(&page, "/password").set("username", "alice").set("password", PASSWORD);
        let cookies: Vec<String> = agent.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let forwarded = "X-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: evil.example\r\n\
            X-Forwarded-Port: 80\r\nForwarded: for=203.0.113.7;proto=http;host=evil.example\r\n";
        let body = form.body();
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: id.example\r\n{forwarded}Cookie: {}\r\nOrigin: {ORIGIN}\r\n{FORM}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            form.action, cookies.join("; "), body.len()
        );
        let answer = say(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 303 ") && answer.contains("code="), "{answer}");
        assert!(answer.contains("__Secure-") && answer.contains("; Secure"), "still https: {answer}");
        assert!(!answer.contains("evil.example"), "{answer}");
        let events = server.desk().await.store.audit_events(50).await.unwrap();
        let event = events.iter().find(|event| event.kind == AuditKind::SignInSucceeded.as_str()).unwrap();
        let personal = event.personal.as_deref().unwrap();
        assert!(personal.contains("127.0.0.1") && !personal.contains("203.0.113.7"), "{personal}");
    })
    .await;
}

#[tokio::test]
async fn hp02_a_second_request_hidden_in_the_first_is_never_answered() {
    let server = Server::on(Engine::Sqlite).await;
    let (address, _stop) = listen(&server).await;
    let hidden =
        format!("GET /t/{}/jwks HTTP/1.1\r\nHost: id.example\r\nX-Hidden: 1\r\nConnection: close\r\n\r\n", server.slug);
    for (rule, headers, body) in [
        ("CL.TE", "Content-Length: 4\r\nTransfer-Encoding: chunked", format!("0\r\n\r\n{hidden}")),
        ("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4", format!("0\r\n\r\n{hidden}")),
        ("TE.TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", format!("0\r\n\r\n{hidden}")),
        ("unknown coding", "Transfer-Encoding: xchunked", hidden.clone()),
        ("two lengths", "Content-Length: 0\r\nContent-Length: 5", hidden.clone()),
        ("signed length", "Content-Length: +0", hidden.clone()),
        ("folded line", "X: a\r\n Content-Length: 0", hidden.clone()),
        ("blank before the colon", "Content-Length : 0", hidden.clone()),
    ] {
        let request =
            format!("POST /t/{}/token HTTP/1.1\r\nHost: id.example\r\n{FORM}\r\n{headers}\r\n\r\n{body}", server.slug);
        let answer = say(address, &request).await;
        assert!(!answer.contains("\"keys\""), "{rule}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{rule}: {answer}");
    }
    assert!(say(address, &hidden).await.contains("\"keys\""), "the honest one");
}

#[tokio::test]
async fn hp03_a_request_that_names_two_hosts_is_refused() {
    let server = Server::on(Engine::Sqlite).await;
    let (address, _stop) = listen(&server).await;
    let path = format!("/t/{}/jwks", server.slug);
    for (rule, target, hosts) in [
        ("two", path.clone(), "Host: id.example\r\nHost: evil.example"),
        ("the same twice", path.clone(), "Host: id.example\r\nHost: id.example"),
        ("another in the target", format!("http://evil.example{path}"), "Host: id.example"),
        ("none", path.clone(), "X: y"),
    ] {
        let answer = say(address, &format!("GET {target} HTTP/1.1\r\n{hosts}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{rule}: {answer}");
    }
    let twice = Request::builder().uri_str(&path).header("host", "id.example").header("host", "evil.example").body(());
    assert_eq!(server.send(twice).await.status, 400, "behind the socket as well");
    let other = Request::builder().uri_str(format!("https://evil.example{path}")).header("host", "id.example").body(());
    assert_eq!(server.send(other).await.status, 400, "HTTP/2 :authority against Host");
    assert!(
        say(address, &format!("GET {path} HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\n\r\n"))
            .await
            .contains("\"keys\"")
    );
}

#[tokio::test]
async fn hp05_a_client_can_name_no_header_away_nor_show_a_certificate_by_header() {
    let server = Server::on(Engine::Sqlite).await;
    let (address, _stop) = listen(&server).await;
    let body = "grant_type=client_credentials";
    let token = |headers: &str| {
        format!(
            "POST /t/{}/token HTTP/1.1\r\nHost: id.example\r\n{FORM}\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}",
            server.slug,
            body.len()
        )
    };
    let authorization = format!("Authorization: {}", basic("machine", SECRET));
    for connection in [
        "close, Authorization",
        "close, Strict-Transport-Security, X-Frame-Options, Cache-Control",
        "close, Host, Content-Length",
    ] {
        let answer = say(address, &token(&format!("Connection: {connection}\r\n{authorization}"))).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{connection}: {answer}");
        for header in
            ["strict-transport-security:", "x-frame-options:", "cache-control: no-store", "x-content-type-options:"]
        {
            assert!(answer.to_lowercase().contains(header), "{connection}: {header}");
        }
        let answer = say(address, &token(&format!("Connection: {connection}\r\nX-Dropped: {authorization}"))).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{connection}: {answer}");
    }
    for name in [
        "X-Client-Cert",
        "X-SSL-Client-Cert",
        "X-Forwarded-Client-Cert",
        "SSL-Client-Cert",
        "Client-Cert",
        "X-SSL-Client-Verify",
        "X-Remote-User",
        "Remote-User",
    ] {
        let answer = say(address, &token(&format!("Connection: close\r\n{name}: machine"))).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{name}: {answer}");
    }
}

#[tokio::test]
async fn hp12_a_compressed_body_is_refused_unread() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let authorization = basic("web", SECRET);
        for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"] {
            for (path, kind, body) in [
                ("/token", "application/x-www-form-urlencoded", "grant_type=client_credentials"),
                ("/introspect", "application/x-www-form-urlencoded", "token=x"),
                ("/revoke", "application/x-www-form-urlencoded", "token=x"),
                ("/userinfo", "application/x-www-form-urlencoded", "access_token=x"),
                ("/authorize", "application/x-www-form-urlencoded", "client_id=web"),
                ("/end_session", "application/x-www-form-urlencoded", "client_id=web"),
                ("/register", "application/json", "{\"redirect_uris\":[\"https://dyn.example/cb\"]}"),
            ] {
                let headers =
                    [("content-encoding", coding), ("content-type", kind), ("authorization", authorization.as_str())];
                let headers = if path == "/register" || path == "/userinfo" { &headers[..2] } else { &headers[..] };
                let answer = server.request(Method::POST, path, headers, body).await;
                assert!([413, 415].contains(&answer.status.as_u16()), "{path} {coding}: {}", answer.status);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn hp13_odd_methods_and_conditions_get_no_odd_answer() {
    both(async |server| {
        for path in [
            "/token",
            "/authorize",
            "/jwks",
            "/userinfo",
            "/.well-known/openid-configuration",
            "/account/sessions",
            "/register/web",
        ] {
            for method in ["TRACE", "CONNECT", "PATCH", "PROPFIND", "DEBUG", "TRACK"] {
                let headers = [("x-secret", "do-not-reflect"), ("cookie", "a=do-not-reflect")];
                let answer = server
                    .request(Method::from_bytes(method.as_bytes()).unwrap(), path, &headers, "do-not-reflect")
                    .await;
                assert!([405, 501].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.status);
                assert!(!format!("{:?}{}", answer.headers, answer.body).contains("do-not-reflect"), "{method} {path}");
                assert!(
                    !answer.header("allow").is_empty() && !answer.header("allow").contains("TRACE"),
                    "{method} {path}"
                );
            }
        }
        let whole = server.get("/jwks").await;
        for (name, value) in [
            ("range", "bytes=0-3"),
            ("range", "bytes=0-0,1-1,2-2"),
            ("if-range", "\"x\""),
            ("if-match", "\"x\""),
            ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("if-none-match", "\"x\""),
        ] {
            let answer = server.request(Method::GET, "/jwks", &[(name, value)], "").await;
            assert_eq!((answer.status.as_u16(), &answer.body), (200, &whole.body), "{name}: {value}");
        }
        for (name, value) in [("x-http-method-override", "DELETE"), ("x-method-override", "POST"), ("_method", "POST")]
        {
            assert_eq!(server.request(Method::GET, "/jwks", &[(name, value)], "").await.status, 200, "{name}");
        }
        assert_eq!(server.get("/token").await.status, 405);
        // The addresses of the platform answer as all others do: a page for people, JSON for the rest.
        for path in ["//healthz", "//readyz", "//assets/x.css"] {
            for method in [Method::POST, Method::DELETE] {
                let plain = server.request(method.clone(), path, &[], "").await;
                assert_eq!(
                    (plain.status.as_u16(), plain.error().as_str()),
                    (405, "invalid_request"),
                    "{method} {path}"
                );
                let page = server.request(method.clone(), path, &[("accept", "text/html")], "").await;
                assert_eq!((page.status.as_u16(), page.header("allow")), (405, "HEAD, GET"), "{method} {path}");
                assert!(page.body.contains("<html") && page.body.contains("invalid_request"), "{method} {path}");
                assert_eq!(plain.header("allow"), page.header("allow"), "{method} {path}");
            }
        }
    })
    .await;
    let server = Server::on(Engine::Sqlite).await;
    let (address, _stop) = listen(&server).await;
    for line in ["OPTIONS * HTTP/1.1", "TRACE / HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1"] {
        let answer = say(
            address,
            &format!("{line}\r\nHost: id.example\r\nX-Secret: do-not-reflect\r\nConnection: close\r\n\r\n"),
        )
        .await;
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(
            ["400", "404", "405", "501"].contains(&status.as_str()) && !answer.contains("do-not-reflect"),
            "{line}: {answer}"
        );
    }
}

#[tokio::test]
async fn hp15_an_answer_that_depends_on_the_origin_says_so() {
    both(async |server| {
        server.client(json!({ "client_id": "web", "client_secret": SECRET, "redirect_uris": ["https://app.example/cb"], "first_party": true,
            "grant_types": ["authorization_code", "refresh_token"] })).await;
        let authorization = basic("web", SECRET);
        for path in ["/token", "/revoke"] {
            for (origin, reads) in [("https://app.example", true), ("https://evil.example", false), ("null", false), ("https://app.example.evil.example", false), ("http://app.example", false)] {
                let headers = [("origin", origin), ("authorization", authorization.as_str()), ("content-type", "application/x-www-form-urlencoded")];
                let answer = server.request(Method::POST, path, &headers, "grant_type=refresh_token&refresh_token=x&token=x").await;
                assert_eq!(answer.header("access-control-allow-origin"), if reads { origin } else { "" }, "{path} {origin}");
                assert!(answer.header("vary").to_lowercase().contains("origin"), "{path} {origin}");
                assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{path} {origin}");
            }
            let answer = server.request(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], "token=x").await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}: of nobody");
        }
        for path in ["/token", "/revoke", "/userinfo", "/register"] {
            for origin in ["https://app.example", "https://evil.example"] {
                let headers = [("origin", origin), ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
                let answer = server.request(Method::OPTIONS, path, &headers, "").await;
                let allowed = answer.header("access-control-allow-origin");
                assert!(["", "*", origin].contains(&allowed), "{path}");
                assert!(allowed != origin || answer.header("vary").to_lowercase().contains("origin"), "{path}");
                assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{path}");
            }
        }
        for path in ["/authorize", "/account/sessions", "/end_session", "/introspect", "/interaction/x/consent"] {
            let headers = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
            let answer = server.request(Method::OPTIONS, path, &headers, "").await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path} is for no page of others");
        }
        for path in ["/jwks", "/.well-known/openid-configuration"] {
            let answer = server.request(Method::GET, path, &[("origin", "https://evil.example")], "").await;
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path} is public, and the same for all");
        }
    })
    .await;
}

#[tokio::test]
async fn hp17_every_refusal_has_the_headers_of_an_answer() {
    both(async |server| {
        let big = format!("x={}", "x".repeat(70_000));
        let form = ("content-type", "application/x-www-form-urlencoded");
        let page = ("accept", "text/html");
        let mut answers = Vec::new();
        for (rule, method, path, headers, body) in [
            ("404", Method::GET, "/none/at/all", vec![], ""),
            ("404 page", Method::GET, "/none/at/all", vec![page], ""),
            ("404 of nobody", Method::GET, "//t/nobody-has-this-name/jwks", vec![], ""),
            ("404 of nobody, page", Method::GET, "//nothing", vec![page], ""),
            ("404 tricks", Method::GET, "/..%2f", vec![], ""),
            ("405", Method::DELETE, "/token", vec![], ""),
            ("405 page", Method::DELETE, "/authorize", vec![page], ""),
            ("405 platform", Method::POST, "//healthz", vec![], ""),
            ("400", Method::POST, "/token", vec![form], "x=1"),
            ("401", Method::GET, "/userinfo", vec![], ""),
            ("401 page", Method::GET, "/account/sessions", vec![page], ""),
            ("403 page", Method::POST, "/interaction/x/password", vec![form], "x=1"),
            ("413", Method::POST, "/token", vec![form], big.as_str()),
            ("413 page", Method::POST, "/authorize", vec![form], big.as_str()),
            ("two hosts", Method::GET, "/jwks", vec![("host", "evil.example")], ""),
        ] {
            let answer = server.request(method, path, &headers, body).await;
            assert!(answer.status.is_client_error(), "{rule}: {}", answer.status);
            answers.push((rule, answer));
        }
        let (mut agent, _) = at_sign_in(&server, "").await;
        answers.push((
            "303",
            agent
                .get(&format!("{}/authorize?client_id=web&redirect_uri=https://app.example/cb", server.issuer()))
                .await,
        ));
        for (rule, answer) in answers {
            for (name, part) in [
                ("strict-transport-security", "max-age=31536000"),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("content-security-policy", "default-src 'none'"),
                ("cache-control", "no-store"),
                ("referrer-policy", ""),
            ] {
                assert!(
                    answer.headers.contains_key(name) && answer.header(name).contains(part),
                    "{rule}: {name}: {:?}",
                    answer.headers
                );
            }
            assert!(answer.headers.get("server").is_none() && answer.headers.get("x-powered-by").is_none(), "{rule}");
        }
    })
    .await;
}

#[tokio::test]
async fn hp17_a_failure_of_ours_has_them_too() {
    both(async |server| {
        // A row that cannot be read.
        let (db, tenant) = (super::database(&server).await, super::tenant_literal(&server).await);
        sea_orm::ConnectionTrait::execute_unprepared(
            &db,
            &format!("UPDATE account SET claims = '{{' WHERE tenant_id = {tenant}"),
        )
        .await
        .unwrap();
        let page = super::sign_in(&server, "alice", PASSWORD).await;
        assert_eq!(page.status, 500);
        for name in ["strict-transport-security", "x-content-type-options", "content-security-policy", "cache-control"]
        {
            assert!(page.headers.contains_key(name), "500: {name}");
        }
    })
    .await;
}

#[tokio::test]
async fn hp20_a_proxy_line_in_front_of_a_request_is_no_request() {
    let server = Server::on(Engine::Sqlite).await;
    let (address, _stop) = listen(&server).await;
    let request = format!("GET /t/{}/jwks HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\n\r\n", server.slug);
    for line in [
        "PROXY TCP4 203.0.113.7 127.0.0.1 1 443\r\n",
        "PROXY UNKNOWN\r\n",
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x01\x01\x01",
    ] {
        let answer = say(address, &format!("{line}{request}")).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{line:?}: {answer}");
        assert!(!answer.contains("\"keys\""), "{line:?}");
    }
    assert!(say(address, &request).await.contains("\"keys\""), "the honest one");
}
