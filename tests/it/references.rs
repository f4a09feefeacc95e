//! Every refusal has a reference that leads to its line in the log.

use poem::Request;
use poem::http::Method;

use crate::support::log::{Kept, reference_in};
use crate::support::{Engine, Server};

#[tokio::test]
async fn an_address_that_is_refused_before_any_handler_tells_a_reference_that_is_in_the_log() {
    let (log, _watching) = Kept::of_this_thread();
    let server = Server::on(Engine::Sqlite).await;
    let (slug, long) = (&server.slug, "x".repeat(25_000));
    for (rule, path, status, code) in [
        ("TN08 a dot", format!("/t/./{slug}/jwks"), 404, "not_found"),
        ("TN08 two dots", format!("/t/{slug}/../{slug}/jwks"), 404, "not_found"),
        ("TN08 encoded", format!("/t/{slug}%2fjwks"), 404, "not_found"),
        ("TN08 doubled", format!("/t/{slug}//jwks"), 404, "not_found"),
        ("a long path", format!("/t/{slug}/{}", &long[..2048]), 404, "not_found"),
        ("nobody's", "/nowhere".to_owned(), 404, "not_found"),
        ("a long query", format!("/t/{slug}/authorize?x={long}"), 414, "invalid_request"),
        ("HP03 another host", format!("https://other.example/t/{slug}/jwks"), 400, "invalid_request"),
    ] {
        for accept in ["application/json", "text/html"] {
            let request = Request::builder().uri_str(&path).header("host", "id.example").header("accept", accept);
            let answer = server.send(request.body(())).await;
            assert_eq!(answer.status, status, "{rule}: {}", answer.body);
            let reference = if accept == "text/html" {
                assert!(answer.header("content-type").starts_with("text/html"), "{rule}");
                let line = log.text().lines().last().map(serde_json::from_str::<serde_json::Value>).unwrap().unwrap();
                let reference = line["request"].as_str().unwrap().to_owned();
                assert!(answer.body.contains(&reference), "{rule}: {}", answer.body);
                reference
            } else {
                assert_eq!(answer.error(), code, "{rule}: {}", answer.body);
                reference_in(&answer.body)
            };
            assert_eq!(log.answered(&reference)["status"], status, "{rule}");
            assert!(!answer.body.contains("trick"), "which trick was seen stays in the log");
        }
    }
    let twice = Request::builder().uri_str(format!("/t/{slug}/jwks")).header("host", "a").header("host", "a");
    let answer = server.send(twice.body(())).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_request"), "HP03 two hosts");
    log.answered(&reference_in(&answer.body));
}

#[tokio::test]
async fn a_refusal_without_words_still_tells_its_reference() {
    let (log, _watching) = Kept::of_this_thread();
    let server = Server::on(Engine::Sqlite).await;
    for (rule, path, status) in [
        // RFC 6750 §3.1: without a token, no error code and no other words.
        ("no token", "/userinfo", 401),
        ("no such asset", "//assets/none.css", 404),
    ] {
        let answer = server.request(Method::GET, path, &[], "").await;
        assert_eq!(answer.status, status, "{rule}");
        let told = answer.json();
        assert_eq!(told.as_object().unwrap().len(), 1, "{rule}: {told}");
        assert_eq!(log.answered(told["reference"].as_str().unwrap())["status"], status, "{rule}");
    }
}
