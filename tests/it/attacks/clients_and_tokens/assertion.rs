//! Assertions of clients that were meant for somebody else, serve twice or never end: RFC 7521 §4.2, RFC 7523 §3,
//! draft-ietf-oauth-rfc7523bis.

use std::sync::Arc;

use chancery::protocol::client_authentication::{CLOCK_SKEW, MAX_ASSERTION_LIFETIME};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::forge::{
    asserted, assertion, assertion_claims, keyed_client, mac, new_key, present_assertion, public_forms, with,
};
use crate::support::{Server, both};

/// An honest assertion, then one whose claims are spoilt: refused.
async fn refused_claims(server: &Server, rows: &[(&str, Value)]) {
    let key = new_key();
    server.client(keyed_client("keyed", &[&key])).await;
    for (rule, spoilt) in rows {
        let honest = present_assertion(server, &assertion(&key, &assertion_claims(server, "keyed"))).await;
        assert_eq!(honest.status, 200, "{rule}, honest: {}", honest.body);
        let claims = with(&assertion_claims(server, "keyed"), spoilt.clone());
        let answer = present_assertion(server, &assertion(&key, &claims)).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{rule}");
    }
}

#[tokio::test]
async fn ca11_only_our_issuer_is_the_audience_of_an_assertion() {
    both(async |server| {
        let issuer = server.issuer();
        refused_claims(
            &server,
            &[
                (
                    "the token endpoint, which another server may name as its own",
                    json!({ "aud": format!("{issuer}/token") }),
                ),
                ("rfc7523bis: a list", json!({ "aud": [issuer] })),
                ("a list with somebody else", json!({ "aud": [issuer, "https://evil.example"] })),
                ("somebody else", json!({ "aud": "https://evil.example" })),
                ("missing", json!({ "aud": null })),
                ("a slash more", json!({ "aud": format!("{issuer}/") })),
                ("another case", json!({ "aud": issuer.replace("id.example", "ID.example") })),
                ("another scheme", json!({ "aud": issuer.replace("https", "http") })),
                ("another endpoint", json!({ "aud": format!("{issuer}/introspect") })),
                ("the origin", json!({ "aud": "https://id.example" })),
                ("the client itself", json!({ "aud": "keyed" })),
            ],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn ca13_an_assertion_for_a_sibling_tenant_is_refused() {
    both(async |server| {
        let sibling = server.sibling().await;
        refused_claims(
            &server,
            &[
                ("the sibling", json!({ "aud": sibling.issuer() })),
                ("the sibling's token endpoint", json!({ "aud": format!("{}/token", sibling.issuer()) })),
            ],
        )
        .await;
        // The same client with the same key at both, and the more lenient rule at the one that is asked.
        let key = new_key();
        let lenient =
            with(&keyed_client("keyed", &[&key]), json!({ "client_assertion_audience": "issuer_or_token_endpoint" }));
        server.client(lenient).await;
        sibling.client(keyed_client("keyed", &[&key])).await;
        let claims = assertion_claims(&sibling, "keyed");
        let stolen = assertion(&key, &claims);
        assert_eq!(present_assertion(&server, &stolen).await.error(), "invalid_client");
        assert_eq!(present_assertion(&sibling, &stolen).await.status, 200, "the refusal elsewhere did not use it up");
        let both_named = with(
            &assertion_claims(&sibling, "keyed"),
            json!({ "aud": [sibling.issuer(), format!("{}/token", sibling.issuer())] }),
        );
        assert_eq!(present_assertion(&server, &assertion(&key, &both_named)).await.error(), "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn ca14_an_assertion_serves_once_wherever_it_is_shown() {
    both(async |server| {
        // Tests share a database: a sweep of the past leaves the rows of the others alone.
        server.advance(-10 * 86_400);
        let key = new_key();
        server.client(keyed_client("keyed", &[&key])).await;
        let replica = server.replica().await;
        let claims = assertion_claims(&server, "keyed");
        let used = assertion(&key, &claims);
        assert_eq!(present_assertion(&server, &used).await.status, 200);
        let look_up = asserted(&used, &[("token", "x")]);
        for (rule, answer) in [
            ("again", present_assertion(&server, &used).await),
            ("at another endpoint", server.post("/introspect", &look_up).await),
            ("at a third", server.post("/revoke", &look_up).await),
            ("at another replica", present_assertion(&replica, &used).await),
            ("signed again", present_assertion(&server, &assertion(&key, &claims)).await),
            (
                "with a later exp",
                present_assertion(
                    &server,
                    &assertion(&key, &with(&claims, json!({ "exp": claims["exp"].as_i64().unwrap() + 60 }))),
                )
                .await,
            ),
        ] {
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{rule}");
        }
        let other = assertion(&key, &assertion_claims(&server, "keyed"));
        assert_eq!(replica.post("/introspect", &asserted(&other, &[("token", "x")])).await.status, 200);
        assert_eq!(present_assertion(&server, &other).await.error(), "invalid_client", "first at the replica");
        // Old rows are swept away while the assertion could still pass: at the last second of its life.
        server.advance(60 + CLOCK_SKEW - 1);
        server.app.store.purge(server.app.clock.now()).await.unwrap();
        assert_eq!(present_assertion(&server, &used).await.error(), "invalid_client", "after the sweep");
        let no_jti = with(&assertion_claims(&server, "keyed"), json!({ "jti": null }));
        assert_eq!(present_assertion(&server, &assertion(&key, &no_jti)).await.error(), "invalid_client", "no jti");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ca14_of_many_at_once_one_wins() {
    both(async |server| {
        let key = new_key();
        server.client(keyed_client("keyed", &[&key])).await;
        let replica = server.replica().await;
        let used: Arc<str> = assertion(&key, &assertion_claims(&server, "keyed")).into();
        let barrier = Arc::new(Barrier::new(64));
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let (server, used, barrier) =
                    (if number % 2 == 0 { server.clone() } else { replica.clone() }, used.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    present_assertion(&server, &used).await
                })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            won += u32::from(answer.status == 200);
            assert!(answer.status == 200 || answer.error() == "invalid_client", "{} {}", answer.status, answer.body);
        }
        assert_eq!(won, 1);
    })
    .await;
}

#[tokio::test]
async fn ca16_an_assertion_that_lives_too_long_or_for_ever_is_refused() {
    both(async |server| {
        let now = server.app.clock.now().seconds();
        let longest = now + MAX_ASSERTION_LIFETIME + CLOCK_SKEW;
        refused_claims(
            &server,
            &[
                ("no exp", json!({ "exp": null })),
                ("ten years", json!({ "exp": now + 10 * 365 * 86_400 })),
                ("a second too long", json!({ "exp": longest + 1 })),
                ("never ends", json!({ "exp": i64::MAX })),
                ("over", json!({ "exp": now - CLOCK_SKEW })),
                ("a text", json!({ "exp": (now + 60).to_string() })),
            ],
        )
        .await;
        let key = new_key();
        server.client(keyed_client("edge", &[&key])).await;
        for exp in [longest, now - CLOCK_SKEW + 1] {
            let claims = with(&assertion_claims(&server, "edge"), json!({ "exp": exp }));
            assert_eq!(present_assertion(&server, &assertion(&key, &claims)).await.status, 200, "at the limit: {exp}");
        }
    })
    .await;
}

#[tokio::test]
async fn ca18_issuer_and_subject_of_an_assertion_are_both_the_client() {
    both(async |server| {
        let key = new_key();
        // Both clients have the same key: the signature is right, whoever is meant.
        server.client(keyed_client("second", &[&key])).await;
        server.client(keyed_client("first", &[&key])).await;
        assert_eq!(present_assertion(&server, &assertion(&key, &assertion_claims(&server, "first"))).await.status, 200);
        for (rule, spoilt) in [
            ("iss is another client", json!({ "iss": "second" })),
            ("sub is another client", json!({ "sub": "second" })),
            ("no iss", json!({ "iss": null })),
            ("no sub", json!({ "sub": null })),
            ("iss is the server", json!({ "iss": server.issuer() })),
            ("sub is a list", json!({ "sub": ["first", "second"] })),
        ] {
            let claims = with(&assertion_claims(&server, "first"), spoilt);
            let answer = present_assertion(&server, &assertion(&key, &claims)).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{rule}");
        }
        let named = asserted(
            &assertion(&key, &assertion_claims(&server, "first")),
            &[("grant_type", "client_credentials"), ("client_id", "second")],
        );
        assert_eq!(server.post("/token", &named).await.error(), "invalid_client", "RFC 7521 §4.2");
    })
    .await;
}

#[tokio::test]
async fn ca19_a_mac_under_the_public_key_of_the_client_is_refused() {
    both(async |server| {
        let key = new_key();
        server.client(keyed_client("keyed", &[&key])).await;
        assert_eq!(present_assertion(&server, &assertion(&key, &assertion_claims(&server, "keyed"))).await.status, 200);
        for (form, secret) in public_forms(&key) {
            for header in [json!({ "alg": "HS256" }), json!({ "alg": "HS256", "kid": key.kid() })] {
                let forged = mac(&secret, &header, &assertion_claims(&server, "keyed"));
                let answer = present_assertion(&server, &forged).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.error().as_str()),
                    (401, "invalid_client"),
                    "{form} {header}"
                );
            }
        }
    })
    .await;
}
