//! Whose pages may read a refusal (CONTRACT, behaviour 7), without a word about which clients there are (CA10).

use std::sync::atomic::Ordering;

use chancery::admin::client;
use chancery::protocol::identifiers::ClientId;
use chancery::protocol::origins::Origins;
use poem::http::Method;
use serde_json::json;

use super::comparable;
use crate::support::agent::basic;
use crate::support::{Answer, SECRET, Server, both};

/// A request of a page of `origin`; as `client`, or as nobody.
async fn ask(server: &Server, path: &str, origin: &str, client: Option<(&str, &str)>) -> Answer {
    let authorization = client.map(|(id, secret)| basic(id, secret));
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    server.request(Method::POST, path, &headers, "grant_type=refresh_token&refresh_token=x&token=x").await
}

fn reader(answer: &Answer) -> &str {
    answer.header("access-control-allow-origin")
}

#[tokio::test]
async fn ca10_who_may_read_a_refusal_does_not_depend_on_the_client_that_is_named() {
    both(async |server| {
        let desk = server.desk().await;
        client::set_enabled(&desk, &ClientId::parse("opaque").unwrap(), false).await.unwrap();
        for path in ["/token", "/revoke"] {
            for (origin, reads) in [
                ("https://evil.example", false),
                ("https://app.example.evil.example", false),
                ("http://app.example", false),
                ("https://app.example:444", false),
                ("https://opaque.example", false),
                ("com.example.app:", false),
                ("http://localhost:4000", false),
                ("http://127.0.0.1:4000/", false),
                ("null", false),
                ("https://app.example", true),
                ("https://spa.example", true),
                ("http://127.0.0.1:4000", true),
                ("http://[::1]:5000", true),
            ] {
                let unknown = ask(&server, path, origin, Some(("nobody", SECRET))).await;
                assert_eq!((unknown.status.as_u16(), unknown.error().as_str()), (401, "invalid_client"));
                assert_eq!(reader(&unknown), if reads { origin } else { "" }, "{path} {origin}");
                assert_eq!(unknown.header("vary"), "origin", "{path} {origin}");
                assert_eq!(unknown.header("access-control-allow-credentials"), "", "{path} {origin}");
                for (rule, id, secret) in [
                    ("wrong secret", "web", "a-wrong-one"),
                    ("of another page", "machine", "a-wrong-one"),
                    ("switched off", "opaque", SECRET),
                    ("public", "spa", SECRET),
                ] {
                    let known = ask(&server, path, origin, Some((id, secret))).await;
                    assert_eq!(comparable(&unknown), comparable(&known), "{path} {origin} {rule}");
                }
                server.advance(30);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_can_read_why_it_was_refused_and_who_is_authenticated_decides_alone() {
    both(async |server| {
        let (own, other) = ("https://spa.example", "https://app.example");
        assert_eq!(reader(&ask(&server, "/token", own, None).await), own, "no client at all");
        let body = "grant_type=refresh_token&refresh_token=x&client_id=misspelt";
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", own)];
        let answer = server.request(Method::POST, "/token", &headers, body).await;
        assert_eq!((answer.error().as_str(), reader(&answer)), ("invalid_client", own));
        let answer = server.request(Method::POST, "/token", &[("origin", own)], "x").await;
        assert_eq!((answer.error().as_str(), reader(&answer)), ("invalid_request", own), "no form");
        let answer = server.request(Method::DELETE, "/token", &[("origin", own)], "").await;
        assert_eq!((answer.status.as_u16(), reader(&answer)), (405, own));
        // What an authenticated client is told is for its own pages.
        let answer = ask(&server, "/token", other, Some(("web", SECRET))).await;
        assert_eq!((answer.error().as_str(), reader(&answer)), ("invalid_grant", other));
        let answer = ask(&server, "/token", own, Some(("web", SECRET))).await;
        assert_eq!((answer.error().as_str(), reader(&answer)), ("invalid_grant", ""));
        // Another tenant's pages are nobody's here, and addresses without CORS have none.
        let origin = "https://only-there.example";
        let sibling = server.sibling().await;
        let there = json!({ "client_id": "there", "redirect_uris": ["https://only-there.example/cb"], "token_endpoint_auth_method": "none" });
        sibling.client(there).await;
        assert_eq!(reader(&ask(&sibling, "/token", origin, None).await), origin);
        assert_eq!(reader(&ask(&server, "/token", origin, None).await), "");
        assert_eq!(reader(&ask(&server, "/introspect", own, None).await), "");
    })
    .await;
}

#[tokio::test]
async fn strangers_make_nobody_read_the_clients_again_and_again() {
    both(async |server| {
        let reads = || server.app.store.counts().reads.load(Ordering::SeqCst);
        let asked = async |origin: &str| {
            let before = reads();
            let answer = ask(&server, "/token", origin, None).await;
            (reader(&answer).to_owned(), reads() - before)
        };
        let new = "https://new.example";
        assert_eq!(asked(new).await, (String::new(), 1), "the first one of a minute");
        for number in 0..20 {
            assert_eq!(asked(&format!("https://{number}.example")).await, (String::new(), 0));
        }
        // A client that is new to the tenant is known within a minute. (`apply` makes the tenant anew in memory.)
        let desk = server.desk().await;
        let metadata = json!({ "redirect_uris": ["https://new.example/cb"], "token_endpoint_auth_method": "none" });
        let wanted = client::wanted(&desk, "new", "new", metadata.as_object().unwrap(), None).unwrap();
        client::put(&desk, &wanted, false).await.unwrap();
        server.advance(59);
        assert_eq!(asked(new).await, (String::new(), 0), "not yet");
        server.advance(1);
        assert_eq!(asked(new).await, (new.to_owned(), 1));
        assert_eq!(asked(new).await, (new.to_owned(), 0));
    })
    .await;
}

#[test]
fn an_origin_is_allowed_to_the_letter_and_loopback_of_native_clients_on_any_port() {
    let mut origins = Origins::default();
    for (uri, native) in [
        ("https://app.example/cb", false),
        ("https://app.example:8443/other?x=y", false),
        ("http://127.0.0.1/web", false),
        ("http://[::1]:7000/cb", true),
        ("com.example.app:/cb", true),
        ("not an address", true),
    ] {
        origins.add(uri, native);
    }
    for (origin, allowed) in [
        ("", false),
        ("null", false),
        ("https://app.example/", false),
        ("https://APP.example", false),
        ("https://app.example:443", false),
        ("https://app.example@evil.example", false),
        ("http://127.0.0.1:4000", false),
        ("http://[::1]:0", false),
        ("http://[::1]:7000.evil.example", false),
        ("http://[::1]:7000/", false),
        ("com.example.app:", false),
        ("https://app.example", true),
        ("https://app.example:8443", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:7000", true),
        ("http://[::1]:7001", true),
    ] {
        assert_eq!(origins.allows(origin), allowed, "{origin}");
    }
}
