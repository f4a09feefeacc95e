//! What the listener refuses by itself can be found in the log.

use std::sync::Arc;

use chancery::listener::serve;
use chancery::logging::Reference;
use poem::Request;
use poem::endpoint::{EndpointExt, make};
use tokio::net::{TcpListener, TcpStream};

use super::{LATE, Limits, SOON, exchange, limits, plain};
use crate::support::log::{Kept, reference_in};

#[tokio::test]
async fn what_the_listener_refuses_tells_a_reference_that_is_in_the_log() {
    let (log, _watching) = Kept::of_this_thread();
    for (rule, status, code, request) in [
        ("HP03 no Host", 400, "invalid_request", "GET / HTTP/1.1~~"),
        ("HP03 two Hosts", 400, "invalid_request", "GET / HTTP/1.1~Host: a~Host: b~~"),
        ("HP13 TRACE", 501, "invalid_request", "TRACE / HTTP/1.1~Host: a~~"),
        ("HP10 half a body", 408, "invalid_request", "POST /x HTTP/1.1~Host: a~Content-Length: 9~~half"),
        ("a panic", 500, "server_error", "GET /panic HTTP/1.1~Host: a~~"),
        ("I13 slow handler", 503, "temporarily_unavailable", "GET /never HTTP/1.1~Host: a~Connection: close~~"),
    ] {
        for (accept, kind) in [("", "application/json"), ("Accept: text/html~", "text/plain; charset=utf-8")] {
            let (_server, socket) = plain(limits(9, SOON, LATE)).await;
            let (line, rest) = request.split_once('~').unwrap();
            let answer = exchange(socket, &format!("{line}~{accept}{rest}").replace('~', "\r\n")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{rule}: {answer}");
            assert!(answer.contains(&format!("\r\ncontent-type: {kind}\r\n")), "RFC 6749 §5.2 {rule}: {answer}");
            assert!(!accept.is_empty() || answer.contains(&format!("{{\"error\":\"{code}\",")), "{rule}: {answer}");
            let line = log.answered(&reference_in(&answer));
            assert_eq!(line["status"], status, "{rule}: {line}");
            assert!(line["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{rule}: {line}");
        }
    }
}

#[tokio::test]
async fn whoever_answers_is_told_the_reference_of_the_request() {
    let endpoint = make(async |mut request: Request| {
        let Reference(reference) = request.extensions_mut().remove::<Reference>().unwrap();
        Ok::<_, poem::Error>(format!("(reference {reference})"))
    });
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let endpoint = Arc::new(endpoint.map_to_response().boxed());
    let served = tokio::spawn(serve(tcp, None, endpoint, Limits::default(), std::future::pending()));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let socket = TcpStream::connect(address).await.unwrap();
        seen.push(reference_in(&exchange(socket, super::LAST).await));
    }
    assert_ne!(seen[0], seen[1]);
    served.abort();
}
