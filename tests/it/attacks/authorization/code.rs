//! Attacks on authorization codes and on the token endpoint that redeems them: RFC 6749 §4.1.2, §4.1.3 and §5,
//! RFC 9700 §4.5.

use std::sync::Arc;

use chancery::admin::user::set_status;
use chancery::mint;
use chancery::protocol::audit_event::AuditKind;
use chancery::protocol::user::UserStatus;
use chancery::store::one_time::Purpose;
use poem::http::Method;
use serde_json::Value;
use tokio::sync::Barrier;

use super::signed_in;
use crate::support::agent::{basic, forms};
use crate::support::{Agent, Answer, SECRET, Server, VERIFIER, both, form};

/// The form that redeems a code of `web`.
fn good(code: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", "https://app.example/cb".to_owned()),
        ("code_verifier", VERIFIER.to_owned()),
    ]
}

/// The same with one field set to something else, or left out.
fn spoiled(code: &str, name: &str, value: Option<&str>) -> String {
    let fields = good(code).into_iter().filter_map(|(known, text)| {
        if known == name { value.map(|value| (known, value.to_owned())) } else { Some((known, text)) }
    });
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn assert_error(answer: &Answer, error: &str, rule: &str) {
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, error), "{rule}: {}", answer.body);
    assert!(!answer.body.contains("_token\""), "{rule}: {}", answer.body);
}

/// What a first redemption gave is worth nothing any more.
async fn assert_ended(server: &Server, tokens: &Value) {
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert_eq!(server.introspect(access).await["active"], false);
    assert_eq!(server.introspect(refresh).await["active"], false);
    assert_eq!(server.userinfo(access).await.status, 401);
    assert_error(&server.refresh(refresh).await, "invalid_grant", "the refresh token");
}

#[tokio::test]
async fn co01_a_code_that_comes_again_ends_what_it_gave() {
    both(async |server| {
        let code = server.code("web", "").await;
        let tokens = server.redeem(&code).await.json();
        assert_eq!(server.introspect(tokens["access_token"].as_str().unwrap()).await["active"], true);
        assert_error(&server.redeem(&code).await, "invalid_grant", "the second time");
        assert_ended(&server, &tokens).await;
        assert_error(&server.redeem(&code).await, "invalid_grant", "the third time");
        // A family that was used meanwhile ends too, even when the code itself is long past its time.
        let code = server.code("web", "").await;
        let tokens = server.redeem(&code).await.json();
        let refreshed = server.refresh(tokens["refresh_token"].as_str().unwrap()).await.json();
        server.advance(120);
        assert_error(&server.redeem(&code).await, "invalid_grant", "after its time");
        assert_ended(&server, &refreshed).await;
    })
    .await;
}

#[tokio::test]
async fn co02_a_code_is_for_its_own_client() {
    both(async |server| {
        let code = server.code("web", "").await;
        for client in ["other", "ask", "opaque"] {
            let answer = server.post_as(client, "/token", &spoiled(&code, "", None)).await;
            assert_error(&answer, "invalid_grant", client);
        }
        let public = server.post("/token", &format!("{}&client_id=spa", spoiled(&code, "", None))).await;
        assert_error(&public, "invalid_grant", "spa");
        let tokens = server.redeem(&code).await;
        assert_eq!(tokens.status, 200, "its own client can still redeem it: {}", tokens.body);
        // Nor can another client end the grant by showing the used code.
        assert_error(&server.post_as("other", "/token", &spoiled(&code, "", None)).await, "invalid_grant", "used");
        assert_eq!(server.introspect(tokens.json()["access_token"].as_str().unwrap()).await["active"], true);
    })
    .await;
}

#[tokio::test]
async fn co03_a_code_is_for_its_own_tenant() {
    both(async |server| {
        let neighbour = server.sibling().await;
        for (ours, theirs) in [(&server, &neighbour), (&neighbour, &server)] {
            let code = ours.code("web", "").await;
            assert_error(&theirs.redeem(&code).await, "invalid_grant", "elsewhere");
            assert_eq!(ours.redeem(&code).await.status, 200, "at home");
            assert_error(&theirs.redeem(&code).await, "invalid_grant", "elsewhere, used");
        }
    })
    .await;
}

#[tokio::test]
async fn co05_the_redirect_uri_comes_again_to_the_letter() {
    both(async |server| {
        let code = server.code("web", "").await;
        for uri in [
            "https://app.example/cb/",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://evil.example/cb",
            "https://other.example/cb",
        ] {
            let answer = server.post_as("web", "/token", &spoiled(&code, "redirect_uri", Some(uri))).await;
            assert_error(&answer, "invalid_grant", uri);
        }
        for (rule, value) in [("absent", None), ("empty", Some(""))] {
            let answer = server.post_as("web", "/token", &spoiled(&code, "redirect_uri", value)).await;
            assert_error(&answer, "invalid_request", rule);
        }
        assert_eq!(server.redeem(&code).await.status, 200);
        // A loopback URI comes with the port it was asked for, not as it is registered.
        let more = "redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcb";
        let code = server.code("native", more).await;
        let body = |uri: &str| format!("{}&client_id=native", spoiled(&code, "redirect_uri", Some(uri)));
        for uri in ["http://127.0.0.1/cb", "http://127.0.0.1:4712/cb"] {
            assert_error(&server.post("/token", &body(uri)).await, "invalid_grant", uri);
        }
        assert_eq!(server.post("/token", &body("http://127.0.0.1:4711/cb")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn co06_a_stolen_code_does_not_fit_another_session() {
    both(async |server| {
        // The client redeems with the verifier of the browser session into which the code was injected.
        let (verifier, challenge) = super::proof_key::pair('a');
        let victim = server.code("web", &format!("code_challenge={challenge}")).await;
        let attacker = Agent::new(&server).authorize_as("bob", "web", "").await.redirect_param("code").unwrap();
        let injected = server.post_as("web", "/token", &spoiled(&victim, "code_verifier", Some(VERIFIER))).await;
        assert_error(&injected, "invalid_grant", "the victim's code with the attacker's verifier");
        let reverse = server.post_as("web", "/token", &spoiled(&attacker, "code_verifier", Some(&verifier))).await;
        assert_error(&reverse, "invalid_grant", "the attacker's code with the victim's verifier");
        let own = server.post_as("web", "/token", &spoiled(&victim, "code_verifier", Some(&verifier))).await;
        assert_eq!((own.status.as_u16(), server.redeem(&attacker).await.status.as_u16()), (200, 200));
    })
    .await;
}

#[tokio::test]
async fn co08_no_other_one_time_value_is_a_code() {
    both(async |server| {
        let mut agent = signed_in(&server).await;
        let address = agent.authorization_request("web", "prompt=login");
        let page = agent.get(&address).await;
        let form = forms(&page.body).remove(0);
        let desk = server.desk().await;
        let mut values: Vec<(&str, String)> = vec![
            ("interaction id", form.action.split('/').rev().nth(1).unwrap().to_owned()),
            ("interaction handle", form.get("handle").to_owned()),
            ("anti-forgery token", form.get("csrf").to_owned()),
            ("access token", server.tokens().await["access_token"].as_str().unwrap().to_owned()),
            ("ID token", server.tokens().await["id_token"].as_str().unwrap().to_owned()),
            ("client secret", SECRET.to_owned()),
            ("state", "s1".to_owned()),
        ];
        values.extend(agent.cookies.values().map(|value| ("cookie", value.clone())));
        for purpose in [Purpose::AdminLink, Purpose::InitialAccessToken] {
            let token = mint::secret();
            let event = desk.audit(&desk.event(AuditKind::AdminLinkCreated));
            let lifetime = (desk.now, desk.now.plus(3600));
            desk.store.add_one_time_token((purpose, &token.hash()), 1, lifetime, event).await.expect("a token");
            values.push(("one-time token", token.expose().to_owned()));
        }
        assert!(values.len() >= 10, "{values:?}");
        for (what, value) in &values {
            assert!(!value.is_empty(), "{what}");
            let answer = server.post_as("web", "/token", &spoiled(value, "", None)).await;
            assert_error(&answer, "invalid_grant", what);
        }
        // And a code opens no transaction.
        let code = server.code("web", "").await;
        let opened = agent.get(&format!("/t/{}/interaction/{code}?handle={code}", server.slug)).await;
        assert!(opened.status.is_client_error() && forms(&opened.body).is_empty(), "{}", opened.status);
        assert_eq!(server.redeem(&code).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn co09_a_refresh_token_is_no_code_and_a_code_no_refresh_token() {
    both(async |server| {
        let tokens = server.tokens().await;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        assert_error(&server.redeem(refresh).await, "invalid_grant", "refresh token as code");
        let code = server.code("web", "").await;
        for text in [code.clone(), format!("crt_{code}")] {
            assert_error(&server.refresh(&text).await, "invalid_grant", "code as refresh token");
        }
        // Each is still good for what it is.
        assert_eq!(server.redeem(&code).await.status, 200);
        assert_eq!(server.refresh(refresh).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn co11_a_code_of_a_disabled_user_gives_nothing() {
    both(async |server| {
        let code = server.code("web", "").await;
        set_status(&server.desk().await, "alice", UserStatus::Disabled).await.expect("alice");
        assert_error(&server.redeem(&code).await, "invalid_grant", "disabled");
        set_status(&server.desk().await, "alice", UserStatus::Active).await.expect("alice");
        let fresh = server.code("web", "").await;
        assert_eq!(server.redeem(&fresh).await.status, 200, "enabled again");
    })
    .await;
}

/// A code of a browser that signs out before it is redeemed.
async fn code_after_sign_out(server: &Server, scope: &str) -> String {
    let mut agent = Agent::new(server);
    let answer = agent.authorize("web", &format!("scope={scope}")).await;
    let page = agent.get(&format!("/t/{}/end_session", server.slug)).await;
    let confirm = forms(&page.body).remove(0);
    assert!(confirm.action.ends_with("/end_session"), "{}", page.body);
    assert_eq!(agent.submit_and_follow(&confirm).await.status, 200);
    answer.redirect_param("code").unwrap()
}

#[tokio::test]
async fn co13_a_code_ends_with_its_session_unless_offline_access_was_allowed() {
    both(async |server| {
        let code = server.code("web", "scope=openid").await;
        assert_eq!(server.redeem(&code).await.status, 200, "with its session");
        let code = code_after_sign_out(&server, "openid").await;
        assert_error(&server.redeem(&code).await, "invalid_grant", "signed out");
        // OIDC Core §11: access while the person is not there was asked for and allowed.
        let code = code_after_sign_out(&server, "openid%20offline_access").await;
        assert_eq!(server.redeem(&code).await.status, 200, "offline_access");
    })
    .await;
}

#[tokio::test]
async fn co14_failed_attempts_do_not_use_up_a_code() {
    both(async |server| {
        let code = server.code("web", "").await;
        let wrong = "w".repeat(43);
        for (name, value) in [
            ("code_verifier", Some(wrong.as_str())),
            ("code_verifier", None),
            ("redirect_uri", Some("https://evil.example/")),
        ] {
            let answer = server.post_as("web", "/token", &spoiled(&code, name, value)).await;
            assert_error(&answer, "invalid_grant", name);
        }
        let unauthenticated =
            server.post("/token", &format!("{}&client_id=web&client_secret=wrong", spoiled(&code, "", None))).await;
        assert_eq!(unauthenticated.error(), "invalid_client");
        let tokens = server.redeem(&code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        assert_error(&server.redeem(&code).await, "invalid_grant", "never two successes");
        assert_ended(&server, &tokens.json()).await;
    })
    .await;
}

#[tokio::test]
async fn co16_no_page_lets_a_code_out_by_referer() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let address = agent.authorization_request("ask", "");
        let sign_in = agent.get(&address).await;
        let consent = agent.next("alice", &sign_in).await;
        let broken = agent.authorization_request("ask", "redirect_uri=x");
        let error = agent.get(&broken).await;
        let posted = agent.authorization_request("web", "response_mode=form_post");
        let posted = agent.get(&posted).await;
        for (name, page) in [("sign-in", &sign_in), ("consent", &consent), ("error", &error), ("form_post", &posted)] {
            assert!(page.body.contains("<h1"), "{name}: {}", page.body);
            // Neither of the two ever names our addresses to another origin.
            assert!(
                matches!(page.header("referrer-policy"), "no-referrer" | "same-origin"),
                "{name}: {}",
                page.header("referrer-policy")
            );
            for part in page.body.split(['<']).filter(|tag| !tag.starts_with("a ") && !tag.starts_with("form ")) {
                for attribute in [" src=\"", " href=\"", " action=\"", " srcset=\"", " data=\""] {
                    let outside =
                        part.split(attribute).skip(1).any(|value| !value.starts_with('/') || value.starts_with("//"));
                    assert!(!outside, "{name}: <{part}");
                }
            }
            let policy = page.header("content-security-policy");
            for directive in policy.split("; ").filter(|directive| !directive.starts_with("form-action")) {
                let sources =
                    directive.split(' ').skip(1).all(|source| matches!(source, "'none'" | "'self'" | "data:"));
                assert!(sources, "{name}: {directive}");
            }
            assert!(policy.contains("default-src 'none'"), "{name}: {policy}");
        }
        let redirect = agent.authorization_request("web", "");
        let redirect = agent.get(&redirect).await;
        assert!(redirect.redirect_param("code").is_some());
        assert_eq!(redirect.header("referrer-policy"), "no-referrer", "the answer that carries the code");
    })
    .await;
}

/// 64 redemptions of one code at once, spread over `servers`.
async fn redeem_at_once(servers: &[Server], code: &str) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(64));
    let tasks: Vec<_> = servers
        .iter()
        .cycle()
        .take(64)
        .map(|server| {
            let (server, code, barrier) = (server.clone(), code.to_owned(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                server.redeem(&code).await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(64);
    for task in tasks {
        answers.push(task.await.expect("an answer"));
    }
    answers
}

fn assert_one_winner(answers: &[Answer]) -> Value {
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "one winner");
    for answer in lost {
        assert_error(answer, "invalid_grant", "a loser");
    }
    won[0].json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn co18_of_64_redemptions_at_once_one_wins_and_its_tokens_end() {
    both(async |server| {
        let code = server.code("web", "").await;
        let tokens = assert_one_winner(&redeem_at_once(std::slice::from_ref(&server), &code).await);
        assert_ended(&server, &tokens).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn co19_two_replicas_redeem_a_code_once() {
    both(async |server| {
        let replica = server.replica().await;
        let code = server.code("web", "").await;
        let tokens = assert_one_winner(&redeem_at_once(&[server.clone(), replica.clone()], &code).await);
        assert_ended(&server, &tokens).await;
        assert_ended(&replica, &tokens).await;
        // One after the other, too.
        let code = server.code("web", "").await;
        let tokens = server.redeem(&code).await.json();
        assert_error(&replica.redeem(&code).await, "invalid_grant", "at the other replica");
        assert_ended(&server, &tokens).await;
    })
    .await;
}

#[tokio::test]
async fn co21_the_token_endpoint_has_no_get() {
    both(async |server| {
        let code = server.code("web", "").await;
        let (query, credentials) = (spoiled(&code, "", None), basic("web", SECRET));
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let headers = [("authorization", credentials.as_str())];
            let answer = server.request(method.clone(), &format!("/token?{query}"), &headers, "").await;
            assert_eq!(answer.status, 405, "{method}");
            let allowed: Vec<&str> = answer.header("allow").split(", ").collect();
            assert!(
                allowed.contains(&"POST") && !allowed.contains(&"GET") && !allowed.contains(&"HEAD"),
                "{allowed:?}"
            );
            assert!(!answer.body.contains("access_token"), "{method}: {}", answer.body);
        }
        let posted = server.post_as("web", &format!("/token?{query}"), "").await;
        assert_error(&posted, "invalid_request", "POST with everything in the query");
        assert_eq!(server.redeem(&code).await.status, 200, "nothing was issued before");
    })
    .await;
}

#[tokio::test]
async fn co23_the_token_endpoint_reads_forms_alone() {
    both(async |server| {
        let code = server.code("web", "").await;
        let credentials = basic("web", SECRET);
        let json =
            serde_json::to_string(&good(&code).into_iter().collect::<std::collections::BTreeMap<_, _>>()).unwrap();
        let parts: String = good(&code)
            .iter()
            .map(|(name, value)| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"))
            .collect();
        let (parts, form) = (format!("{parts}--x--\r\n"), spoiled(&code, "", None));
        for (kind, body) in [
            ("application/json", json.as_str()),
            ("application/x-www-form-urlencoded", json.as_str()),
            ("multipart/form-data; boundary=x", parts.as_str()),
            ("text/plain", form.as_str()),
            ("", form.as_str()),
            ("application/json", form.as_str()),
            ("application/x-www-form-urlencoded; charset=utf-16", form.as_str()),
            ("application/x-www-form-urlencoded, application/json", form.as_str()),
        ] {
            let headers = [("authorization", credentials.as_str()), ("content-type", kind)];
            let headers = if kind.is_empty() { &headers[..1] } else { &headers[..] };
            let answer = server.request(Method::POST, "/token", headers, body).await;
            assert_error(&answer, "invalid_request", kind);
        }
        assert_eq!(server.redeem(&code).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn co24_a_missing_or_unknown_grant_type_gives_nothing() {
    both(async |server| {
        let code = server.code("web", "").await;
        let credentials = [("username", "alice"), ("password", crate::support::PASSWORD), ("scope", "openid")];
        for (rule, value, error) in [
            ("absent", None, "invalid_request"),
            ("empty", Some(""), "invalid_request"),
            ("password", Some("password"), "unsupported_grant_type"),
            ("implicit", Some("implicit"), "unsupported_grant_type"),
            ("junk", Some("junk"), "unsupported_grant_type"),
            ("case", Some("Authorization_Code"), "unsupported_grant_type"),
            ("space", Some("authorization_code "), "unsupported_grant_type"),
            ("jwt-bearer", Some("urn:ietf:params:oauth:grant-type:jwt-bearer"), "unsupported_grant_type"),
        ] {
            let body = format!("{}&{}", spoiled(&code, "grant_type", value), form(&credentials));
            assert_error(&server.post_as("web", "/token", &body).await, error, rule);
        }
        let twice = format!("{}&grant_type=client_credentials", spoiled(&code, "", None));
        assert_error(&server.post_as("web", "/token", &twice).await, "invalid_request", "twice");
        assert_error(
            &server.post_as("machine", "/token", &spoiled(&code, "", None)).await,
            "unauthorized_client",
            "not registered",
        );
        assert_eq!(server.redeem(&code).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn co26_no_answer_of_the_token_endpoint_is_kept() {
    both(async |server| {
        let code = server.code("web", "").await;
        let answers = [
            server.redeem(&code).await,
            server.redeem(&code).await,
            server.refresh(server.tokens().await["refresh_token"].as_str().unwrap()).await,
            server.post_as("machine", "/token", "grant_type=client_credentials&scope=read").await,
            server.post("/token", "grant_type=client_credentials&client_id=machine&client_secret=x").await,
            server.get("/token").await,
        ];
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [200, 400, 200, 200, 401, 405]);
        for answer in &answers {
            assert_eq!(answer.header("cache-control"), "no-store", "{}", answer.body);
            assert!(!answer.headers.contains_key("etag") && !answer.headers.contains_key("expires"), "{}", answer.body);
        }
    })
    .await;
}
