//! Sign-ins that must be silent, fresh or somebody's, and what userinfo and metadata tell: OpenID Connect Core
//! §3.1.2.1, §3.1.2.6, §5.3, §5.5, §15.5.2; Discovery §4.3.

use chancery::admin::user;
use chancery::protocol::user::UserStatus;
use poem::Request;
use poem::http::Method;
use serde_json::{Value, json};

use super::forge::{b64, jws, mac, new_key, part, public_forms, tenant_key, with};
use super::refresh_token::text;
use crate::support::{Agent, Answer, Server, agent, both, form};

/// A browser in which alice is signed in.
async fn signed_in(server: &Server) -> Agent {
    let mut agent = Agent::new(server);
    assert!(agent.authorize("web", "").await.redirect_param("code").is_some());
    agent
}

async fn ask(agent: &mut Agent, client: &str, more: &str) -> Answer {
    let address = agent.authorization_request(client, more);
    agent.get(&address).await
}

/// The client gets this error, and nobody a page.
fn assert_sent_back(answer: &Answer, error: &str, rule: &str) {
    assert_eq!(answer.status, 303, "{rule}: {}", answer.body);
    assert_eq!(answer.redirect_param("error").as_deref(), Some(error), "{rule}: {}", answer.header("location"));
    assert_eq!(answer.redirect_param("code"), None, "{rule}");
    assert!(!answer.body.contains("<form"), "{rule}");
}

fn assert_asks_for_password(answer: &Answer, rule: &str) {
    assert_ne!(answer.status, 303, "{rule}: {}", answer.header("location"));
    assert!(
        agent::forms(&answer.body).iter().any(|form| form.action.ends_with("/password")),
        "{rule}: {}",
        answer.body
    );
}

async fn user_id(server: &Server, username: &str) -> String {
    user::find(&server.desk().await, username).await.unwrap().id.to_string()
}

/// `claims` that ask for one person.
fn only(subject: &str) -> String {
    form(&[("claims", &json!({ "id_token": { "sub": { "value": subject } } }).to_string())])
}

/// The ID token of somebody at `client`.
async fn id_token(server: &Server, username: &str, client: &str) -> String {
    let code = Agent::new(server).authorize_as(username, client, "").await.redirect_param("code").unwrap();
    let redirect_uri = if client == "web" { "https://app.example/cb" } else { "https://other.example/cb" };
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", crate::support::VERIFIER),
    ];
    text(&server.post_as(client, "/token", &form(&fields)).await.json(), "id_token")
}

#[tokio::test]
async fn oi01_a_silent_request_shows_no_page_and_says_what_is_missing() {
    both(async |server| {
        let mut stranger = Agent::new(&server);
        assert_sent_back(&ask(&mut stranger, "web", "prompt=none").await, "login_required", "nobody");
        let mut agent = signed_in(&server).await;
        let honest = ask(&mut agent, "web", "prompt=none").await;
        assert!(honest.redirect_param("code").is_some(), "{}", honest.body);
        assert_sent_back(&ask(&mut agent, "web", "prompt=none&max_age=0").await, "login_required", "too old");
        assert_sent_back(&ask(&mut agent, "ask", "prompt=none").await, "consent_required", "never allowed");
        assert!(agent.authorize("ask", "scope=openid").await.redirect_param("code").is_some());
        assert_sent_back(&ask(&mut agent, "ask", "prompt=none&scope=openid+email").await, "consent_required", "more");
        assert!(ask(&mut agent, "ask", "prompt=none&scope=openid").await.redirect_param("code").is_some());
        for together in ["none+login", "none+consent", "none+select_account", "login+none"] {
            let answer = ask(&mut agent, "web", &format!("prompt={together}")).await;
            assert_sent_back(&answer, "invalid_request", together);
        }
        let bob = user_id(&server, "bob").await;
        assert_sent_back(
            &ask(&mut agent, "web", &format!("prompt=none&{}", only(&bob))).await,
            "login_required",
            "bob",
        );
        assert!(agent.authorize_as("bob", "web", &only(&bob)).await.redirect_param("code").is_some());
        let answer = ask(&mut agent, "web", "prompt=none").await;
        assert_sent_back(&answer, "account_selection_required", "two people");
        assert_eq!(answer.redirect_param("state").as_deref(), Some("s1"));
        assert_eq!(answer.redirect_param("iss"), Some(server.issuer()));
        user::set_status(&server.desk().await, "alice", UserStatus::Disabled).await.unwrap();
        user::set_status(&server.desk().await, "bob", UserStatus::Disabled).await.unwrap();
        assert_sent_back(&ask(&mut agent, "web", "prompt=none").await, "login_required", "switched off");
    })
    .await;
}

#[tokio::test]
async fn oi02_nobody_learns_by_a_hidden_frame_who_is_signed_in() {
    both(async |server| {
        let (mut agent, mut stranger) = (signed_in(&server).await, Agent::new(&server));
        for answer in [
            ask(&mut agent, "web", "prompt=none").await,
            ask(&mut stranger, "web", "prompt=none").await,
            ask(&mut stranger, "web", "").await,
        ] {
            assert_eq!(answer.header("x-frame-options"), "DENY");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        }
        // A frame of another site: no cookie comes along, since all of them are Lax or Strict.
        let mut fresh = Agent::new(&server);
        let page = ask(&mut fresh, "web", "").await;
        let sign_in = agent::forms(&page.body).into_iter().find(|form| form.action.ends_with("/password")).unwrap();
        let done = fresh.submit(&sign_in.set("username", "alice").set("password", crate::support::PASSWORD)).await;
        let cookies: Vec<_> =
            page.headers.get_all("set-cookie").iter().chain(done.headers.get_all("set-cookie")).collect();
        assert!(cookies.len() >= 2, "{cookies:?}");
        for cookie in cookies {
            let cookie = cookie.to_str().unwrap();
            assert!(["SameSite=Lax", "HttpOnly", "Secure"].iter().all(|flag| cookie.contains(flag)), "{cookie}");
        }
        // Somebody else's address gets the same page whether or not anybody is signed in.
        let evil = format!("prompt=none&{}", form(&[("redirect_uri", "https://evil.example/cb")]));
        let (known, unknown) = (ask(&mut agent, "web", &evil).await, ask(&mut stranger, "web", &evil).await);
        for answer in [&known, &unknown] {
            assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""));
        }
        assert_eq!(known.body.len(), unknown.body.len());
        let loud = Agent::new(&server).visit(&agent.authorization_request("web", "prompt=none")).await;
        assert_sent_back(&loud, "login_required", "without the cookie");
    })
    .await;
}

#[tokio::test]
async fn oi04_a_fresh_sign_in_cannot_be_got_round() {
    both(async |server| {
        let mut agent = signed_in(&server).await;
        for more in ["prompt=login", "max_age=0", "max_age=99"] {
            server.advance(100);
            let now = server.app.clock.now().seconds();
            assert!(ask(&mut agent, "web", "").await.redirect_param("code").is_some(), "else nobody has to sign in");
            let page = ask(&mut agent, "web", more).await;
            assert_asks_for_password(&page, more);
            assert_asks_for_password(&ask(&mut agent, "web", more).await, "asked again");
            let sign_in = agent::forms(&page.body).into_iter().find(|form| form.action.ends_with("/password")).unwrap();
            let here = sign_in.action.strip_suffix("/password").unwrap().to_owned();
            let handle = sign_in.get("handle").to_owned();
            for resumed in ["", "&prompt=", "&prompt=none", "&max_age=100000", "&another="] {
                assert_asks_for_password(&agent.get(&format!("{here}?handle={handle}{resumed}")).await, resumed);
            }
            let session = text(&part(&session_token(&server, &mut agent).await, 1), "sid");
            let chosen = agent::Form { action: format!("{here}/account"), ..sign_in.clone() }.set("session", &session);
            let allowed = agent::Form { action: format!("{here}/consent"), ..sign_in.clone() }.set("decision", "allow");
            for step in [chosen, allowed] {
                let answer = agent.submit_and_follow(&step).await;
                assert_asks_for_password(&answer, &step.action);
            }
            let page = agent.get(&here).await;
            let done = agent.next("alice", &page).await;
            let tokens = server.redeem(&done.redirect_param("code").unwrap()).await.json();
            assert_eq!(part(&text(&tokens, "id_token"), 1)["auth_time"], now, "{more}");
        }
    })
    .await;
}

/// The ID token of the session that this browser has.
async fn session_token(server: &Server, agent: &mut Agent) -> String {
    let code = ask(agent, "web", "prompt=none").await.redirect_param("code").unwrap();
    text(&server.redeem(&code).await.json(), "id_token")
}

#[tokio::test]
async fn oi06_a_hint_of_another_tenant_selects_nobody() {
    both(async |server| {
        let sibling = server.sibling().await;
        let foreign = id_token(&sibling, "alice", "web").await;
        let own = id_token(&server, "alice", "web").await;
        let mut agent = signed_in(&server).await;
        for prompt in ["prompt=none&", ""] {
            let hinted = |hint: &str| format!("{prompt}{}", form(&[("id_token_hint", hint)]));
            assert!(ask(&mut agent, "web", &hinted(&own)).await.redirect_param("code").is_some());
            assert_sent_back(&ask(&mut agent, "web", &hinted(&foreign)).await, "invalid_request", "another tenant's");
            // The same claims, but for the issuer, under our key; and with our issuer under theirs.
            let theirs = jws(
                &*tenant_key(&server).await,
                &part(&own, 0),
                &with(&part(&own, 1), json!({ "iss": sibling.issuer() })),
            );
            assert_sent_back(&ask(&mut agent, "web", &hinted(&theirs)).await, "invalid_request", "their issuer");
            let forged = jws(&*tenant_key(&sibling).await, &part(&foreign, 0), &part(&own, 1));
            assert_sent_back(&ask(&mut agent, "web", &hinted(&forged)).await, "invalid_request", "their key");
        }
    })
    .await;
}

#[tokio::test]
async fn oi07_a_hint_that_is_unsigned_or_was_for_another_client_is_refused() {
    both(async |server| {
        let own = id_token(&server, "alice", "web").await;
        let (header, claims) = (part(&own, 0), part(&own, 1));
        let key = tenant_key(&server).await;
        let mut agent = signed_in(&server).await;
        let unsigned =
            format!("{}.{}.", b64(with(&header, json!({ "alg": "none" })).to_string()), b64(claims.to_string()));
        for (rule, hint) in [
            ("unsigned", unsigned),
            ("signed by nobody we know", jws(&new_key(), &header, &claims)),
            (
                "MAC under the public key",
                mac(&public_forms(&key)[0].1, &with(&header, json!({ "alg": "HS256" })), &claims),
            ),
            ("of another client", id_token(&server, "alice", "other").await),
            ("aud taken out", jws(&key, &header, &with(&claims, json!({ "aud": null })))),
            ("aud of another client", jws(&key, &header, &with(&claims, json!({ "aud": ["other"] })))),
            ("somebody who cannot be", jws(&key, &header, &with(&claims, json!({ "sub": "alice" })))),
            ("no token", "alice".to_owned()),
        ] {
            for prompt in ["prompt=none&", ""] {
                let honest = ask(&mut agent, "web", &format!("{prompt}{}", form(&[("id_token_hint", &own)]))).await;
                assert!(honest.redirect_param("code").is_some(), "{rule}");
                let answer = ask(&mut agent, "web", &format!("{prompt}{}", form(&[("id_token_hint", &hint)]))).await;
                assert_sent_back(&answer, "invalid_request", rule);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn oi08_a_hint_of_somebody_else_needs_their_own_sign_in() {
    both(async |server| {
        let hint = id_token(&server, "bob", "web").await;
        let bob = text(&part(&hint, 1), "sub");
        for more in [form(&[("id_token_hint", &hint)]), only(&bob)] {
            let mut agent = signed_in(&server).await;
            assert_sent_back(&ask(&mut agent, "web", &format!("prompt=none&{more}")).await, "login_required", "silent");
            let page = ask(&mut agent, "web", &more).await;
            assert_asks_for_password(&page, "alice is there, bob is meant");
            let answer = agent.next("alice", &page).await;
            assert_asks_for_password(&answer, "alice is not bob");
            let done = agent.next("bob", &answer).await;
            let tokens = server.redeem(&done.redirect_param("code").unwrap()).await.json();
            assert_eq!(part(&text(&tokens, "id_token"), 1)["sub"], *bob);
        }
    })
    .await;
}

#[tokio::test]
async fn oi10_a_nonce_comes_back_as_it_was_or_is_refused() {
    both(async |server| {
        let longest = "n".repeat(1024);
        for nonce in [
            "n1",
            "n1",
            "\u{1}\u{7f}\t\r\n",
            "é\u{202e}\u{feff}\u{10ffff}",
            "\"\\</script>'--",
            " n ",
            "null",
            &longest,
        ] {
            let code = server.code("web", &form(&[("nonce", nonce)])).await;
            let tokens = server.redeem(&code).await.json();
            assert_eq!(part(&text(&tokens, "id_token"), 1)["nonce"], *nonce);
        }
        let mut agent = Agent::new(&server);
        let answer = ask(&mut agent, "web", &form(&[("nonce", &format!("{longest}n"))])).await;
        assert_sent_back(&answer, "invalid_request", "one byte too long");
        assert_sent_back(&ask(&mut agent, "web", "nonce=a&nonce=b").await, "invalid_request", "twice");
        for binary in ["%ff", "%c0%80", "%00", "%ed%a0%80"] {
            let answer = ask(&mut agent, "web", &format!("nonce={binary}")).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{binary}");
        }
    })
    .await;
}

#[tokio::test]
async fn oi12_userinfo_is_silent_after_revocation() {
    both(async |server| {
        for how in ["access token", "refresh token", "code used twice", "tenant's sibling", "expiry"] {
            let code = server.code("web", "").await;
            let tokens = server.redeem(&code).await.json();
            let access = text(&tokens, "access_token");
            assert_eq!(server.userinfo(&access).await.status, 200, "{how}");
            let revoke = async |token: String| {
                assert_eq!(server.post_as("web", "/revoke", &form(&[("token", &token)])).await.status, 200)
            };
            match how {
                "access token" => revoke(access.clone()).await,
                "refresh token" => revoke(text(&tokens, "refresh_token")).await,
                "code used twice" => assert_eq!(server.redeem(&code).await.status, 400),
                "expiry" => server.advance(600),
                _ => {
                    let sibling = server.sibling().await;
                    assert_eq!(sibling.userinfo(&access).await.status, 401);
                    continue;
                }
            }
            let answer = server.userinfo(&access).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_token"), "{how}");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{how}");
        }
        let access = text(&server.tokens().await, "access_token");
        let replica = server.replica().await;
        assert_eq!(replica.userinfo(&access).await.status, 200);
        user::set_status(&server.desk().await, "alice", UserStatus::Disabled).await.unwrap();
        assert_eq!(server.userinfo(&access).await.error(), "invalid_token", "switched off");
        assert_eq!(replica.userinfo(&access).await.error(), "invalid_token", "switched off, at another replica");
        user::set_status(&server.desk().await, "alice", UserStatus::Active).await.unwrap();
        assert_eq!(server.userinfo(&access).await.error(), "invalid_token", "on again: ended is ended");
    })
    .await;
}

#[tokio::test]
async fn oi13_no_origin_is_trusted_with_cookies_at_userinfo() {
    both(async |server| {
        let bearer = format!("Bearer {}", text(&server.tokens().await, "access_token"));
        for (origin, readable) in [
            ("https://app.example", "https://app.example"),
            ("https://other.example", ""),
            ("https://evil.example", ""),
            ("https://app.example.evil.example", ""),
            ("http://app.example", ""),
            ("null", ""),
        ] {
            // The claims are for the client's own origins (CONTRACT, behaviour 7), a refusal may be read by all.
            for (authorization, status, allowed) in
                [(bearer.as_str(), 200, readable), ("Bearer x", 401, "*"), ("", 400, "*")]
            {
                let headers = [("origin", origin), ("cookie", "a=b"), ("authorization", authorization)];
                let answer = server.request(Method::GET, "/userinfo", &headers, "").await;
                assert_eq!(answer.status, status, "{origin}");
                assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin} {status}");
                assert_eq!(answer.header("access-control-allow-credentials"), "", "{origin} {status}");
            }
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", "authorization"),
            ];
            let preflight = server.request(Method::OPTIONS, "/userinfo", &headers, "").await;
            assert!(preflight.headers.contains_key("access-control-allow-headers"), "{origin}");
            assert_eq!(preflight.header("access-control-allow-credentials"), "", "{origin}");
        }
        let browser = signed_in(&server).await;
        let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = server.request(Method::GET, "/userinfo", &[("cookie", &cookies.join("; "))], "").await;
        assert_eq!(answer.status, 401, "a cookie is no token");
    })
    .await;
}

#[tokio::test]
async fn oi18_no_claim_is_released_beyond_consent() {
    both(async |server| {
        let wanted = form(&[("claims", &json!({ "userinfo": { "phone_number": { "essential": true }, "address": null }, "id_token": { "phone_number": null, "email": null } }).to_string())]);
        let told = async |code: String, client: &str, uri: &str| -> (Value, Value) {
            let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", uri), ("code_verifier", crate::support::VERIFIER)];
            let tokens = server.post_as(client, "/token", &form(&fields)).await.json();
            let info = server.userinfo(&text(&tokens, "access_token")).await.json();
            (info, part(&text(&tokens, "id_token"), 1))
        };
        let narrow = json!({ "client_id": "narrow", "client_secret": crate::support::SECRET, "redirect_uris": ["https://narrow.example/cb"], "scope": "openid", "first_party": true });
        server.client(narrow).await;
        let code = server.code("narrow", &format!("scope=openid&{wanted}")).await;
        let (info, id) = told(code, "narrow", "https://narrow.example/cb").await;
        for claim in ["phone_number", "address", "email", "name"] {
            assert!(info.get(claim).is_none() && id.get(claim).is_none(), "its scope does not cover {claim}: {info} {id}");
        }
        let mut agent = signed_in(&server).await;
        let plain = agent.authorize("ask", "scope=openid").await.redirect_param("code").unwrap();
        let (info, _) = told(plain, "ask", "https://ask.example/cb").await;
        assert!(info.get("phone_number").is_none());
        let silent = ask(&mut agent, "ask", &format!("prompt=none&scope=openid&{wanted}")).await;
        assert_sent_back(&silent, "consent_required", "nobody allowed the phone");
        let page = ask(&mut agent, "ask", &format!("scope=openid&{wanted}")).await;
        let consent = agent::forms(&page.body).into_iter().find(|form| form.action.ends_with("/consent")).unwrap();
        let denied = agent.submit(&consent.set("decision", "deny")).await;
        assert_eq!(denied.redirect_param("error").as_deref(), Some("access_denied"));
        let code = agent.authorize("ask", &format!("scope=openid&{wanted}")).await.redirect_param("code").unwrap();
        let (info, id) = told(code, "ask", "https://ask.example/cb").await;
        assert_eq!((&info["phone_number"], &id["phone_number"]), (&json!("+15550100"), &json!("+15550100")), "allowed now");
        assert!(info.get("name").is_none(), "nobody asked");
        // OIDC Core §5.5: the named claims alone, neither now nor later the scopes that cover them.
        for (claim, released) in [("phone_number_verified", &info), ("email", &info), ("email_verified", &id), ("address", &id)] {
            assert!(released.get(claim).is_none(), "{claim}: {released}");
        }
        for wider in ["scope=openid%20phone", "scope=openid%20email", "scope=openid%20profile"] {
            let silent = ask(&mut agent, "ask", &format!("prompt=none&{wider}")).await;
            assert_sent_back(&silent, "consent_required", wider);
        }
        let again = ask(&mut agent, "ask", &format!("prompt=none&scope=openid&{wanted}")).await;
        let code = again.redirect_param("code").expect("remembered");
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", "https://ask.example/cb"), ("code_verifier", crate::support::VERIFIER)];
        assert_eq!(server.post_as("ask", "/token", &form(&fields)).await.json()["scope"], "openid", "the scope has not grown");
    })
    .await;
}

/// A request whose `Host` and other headers are chosen freely.
async fn as_host(server: &Server, uri: &str, headers: &[(&str, &str)]) -> Answer {
    let mut builder = Request::builder().method(Method::GET).uri_str(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    server.send(builder.body(String::new())).await
}

#[tokio::test]
async fn oi20_no_header_changes_the_issuer() {
    both(async |server| {
        let slug = &server.slug;
        let honest = server.get("/.well-known/openid-configuration").await;
        assert_eq!(honest.json()["issuer"], server.issuer());
        for path in [
            format!("/t/{slug}/.well-known/openid-configuration"),
            format!("/t/{slug}/.well-known/oauth-authorization-server"),
            format!("/.well-known/openid-configuration/t/{slug}"),
            format!("/.well-known/oauth-authorization-server/t/{slug}"),
        ] {
            for headers in [
                vec![("host", "evil.example")],
                vec![("host", "id.example:8443")],
                vec![("host", "id.example"), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "http")],
                vec![("host", "id.example"), ("forwarded", "host=evil.example;proto=http")],
                vec![("host", "id.example"), ("x-forwarded-prefix", "/t/other"), ("x-original-url", "/t/other")],
                vec![("host", "")],
                vec![],
            ] {
                let answer = as_host(&server, &path, &headers).await;
                assert_eq!((answer.status.as_u16(), &answer.body), (200, &honest.body), "{path} {headers:?}");
            }
        }
        let twice =
            as_host(&server, &format!("/t/{slug}/jwks"), &[("host", "id.example"), ("host", "evil.example")]).await;
        assert_eq!(twice.status, 400);
        let elsewhere =
            as_host(&server, &format!("https://evil.example/t/{slug}/jwks"), &[("host", "id.example")]).await;
        assert_eq!(elsewhere.status, 400);
        let sibling = server.sibling().await;
        assert_eq!(sibling.get("/.well-known/openid-configuration").await.json()["issuer"], sibling.issuer());
        let address = Agent::new(&server).authorization_request("web", "prompt=none");
        let sent = as_host(&server, &address, &[("host", "evil.example"), ("x-forwarded-host", "evil.example")]).await;
        assert_eq!(sent.redirect_param("iss"), Some(server.issuer()));
    })
    .await;
}

#[tokio::test]
async fn oi22_no_access_token_lives_longer_than_the_tenant_allows() {
    both(async |server| {
        for (settings, longest) in [(json!({}), 600), (json!({ "access_token_lifetime_seconds": 30 }), 30)] {
            server.settings(settings).await;
            let tokens = server.tokens().await;
            let refreshed = server.refresh(&text(&tokens, "refresh_token")).await.json();
            let own = server.post_as("machine", "/token", "grant_type=client_credentials").await.json();
            for answer in [&tokens, &refreshed, &own] {
                assert_eq!(answer["expires_in"], longest);
                let claims = part(&text(answer, "access_token"), 1);
                assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|at| at + longest));
            }
            let opaque = server.post_as("opaque", "/token", "grant_type=client_credentials").await.json();
            let look = async || {
                server
                    .post_as("opaque", "/introspect", &form(&[("token", &text(&opaque, "access_token"))]))
                    .await
                    .json()
            };
            server.advance(longest - 1);
            assert_eq!(server.userinfo(&text(&refreshed, "access_token")).await.status, 200, "the last second");
            assert_eq!(look().await["active"], true);
            server.advance(1);
            for answer in [&tokens, &refreshed] {
                assert_eq!(server.userinfo(&text(answer, "access_token")).await.error(), "invalid_token");
            }
            assert_eq!(look().await, json!({ "active": false }));
        }
    })
    .await;
}
