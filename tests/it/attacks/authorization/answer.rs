//! Attacks on the authorization response: where it goes, what it carries, how it travels — RFC 6749 §4.1.2, RFC 9207,
//! OAuth 2.0 Form Post Response Mode, RFC 9700 §4.11 and §4.12.

use poem::http::Method;
use serde_json::json;

use super::{answer_to, ask, assert_page, encoded, error_at_web, signed_in};
use crate::support::agent::forms;
use crate::support::{Agent, Answer, PASSWORD, SECRET, Server, both};

/// A parameter of the answer, however it travels.
fn parameter(answer: &Answer, name: &str) -> String {
    let posted = || forms(&answer.body).first().map(|form| form.get(name).to_owned());
    answer.redirect_param(name).or_else(posted).unwrap_or_default()
}

#[tokio::test]
async fn ar09_every_answer_names_its_issuer() {
    both(async |server| {
        let metadata = server.get("/.well-known/openid-configuration").await.json();
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        assert_eq!(metadata["issuer"], server.issuer());
        for server in [server.clone(), server.sibling().await] {
            let mut agent = signed_in(&server).await;
            for mode in ["query", "fragment", "form_post"] {
                let answer = answer_to(&mut agent, &format!("response_mode={mode}")).await;
                assert_eq!(parameter(&answer, "iss"), server.issuer(), "{mode}");
                assert!(!parameter(&answer, "code").is_empty(), "{mode}");
                for fault in ["prompt=none&max_age=0", "scope=%22", "response_type=token", "state=1&state=2"] {
                    let answer = answer_to(&mut agent, &format!("response_mode={mode}&{fault}")).await;
                    assert_eq!(parameter(&answer, "iss"), server.issuer(), "{mode} {fault}");
                    assert!(!parameter(&answer, "error").is_empty(), "{mode} {fault}");
                }
            }
            let denied = denied_by_bob(&server).await;
            assert_eq!(denied.redirect_param("error").as_deref(), Some("access_denied"));
            assert_eq!(denied.redirect_param("iss"), Some(server.issuer()));
        }
    })
    .await;
}

async fn denied_by_bob(server: &Server) -> Answer {
    let mut agent = Agent::new(server);
    let address = agent.authorization_request("ask", "");
    let page = agent.get(&address).await;
    let page = agent.next("bob", &page).await;
    agent.submit(&forms(&page.body).remove(0).set("decision", "deny")).await
}

#[tokio::test]
async fn ar11_the_state_comes_back_to_the_letter_and_is_never_markup() {
    both(async |server| {
        let long = "a".repeat(8192);
        let states = [
            "\"><script>alert(1)</script>",
            "'\"&amp;&#38;<b>",
            "a\r\nSet-Cookie: x=y\r\n\r\n<p>",
            "%0d%0a+ %20",
            "\u{202e}\u{1f980}\u{e9}",
            "javascript:x&code=1#code=2",
            " ",
            &long,
        ];
        for state in states {
            let more = format!("state={}", encoded(state));
            let mut agent = Agent::new(&server);
            let answer = agent.authorize("web", &more).await;
            assert_eq!(parameter(&answer, "state"), state, "through the sign-in page");
            for mode in ["query", "fragment", "form_post"] {
                let answer = answer_to(&mut agent, &format!("response_mode={mode}&{more}")).await;
                assert_eq!(parameter(&answer, "state"), state, "{mode}");
                assert!(parameter(&answer, "code").len() > 20, "{mode} {state}");
                assert!(!answer.headers.contains_key("set-cookie"), "{mode} {state}");
                assert!(
                    !answer.body.contains("<script>alert") && !answer.body.contains("<b>"),
                    "{mode}: {}",
                    answer.body
                );
            }
        }
        // One byte more: whole, or not sent back to the client at all.
        let answer = ask(&server, &format!("prompt=none&state={long}a")).await;
        let whole = answer.redirect_param("state").is_some_and(|state| state.len() == 8193);
        assert!(whole || answer.status == 400, "{} {}", answer.status, answer.header("location"));
    })
    .await;
}

#[tokio::test]
async fn ar12_an_error_never_echoes_what_was_sent() {
    both(async |server| {
        let mark = "m4rk\u{e9}%22%3Cb%3E";
        for name in [
            "scope=%22&error_description",
            "scope=%22&error_hint",
            "scope=%22&error",
            "scope=%22",
            "response_type",
            "response_mode",
            "prompt",
            "claims",
            "max_age",
            "resource",
            "code_challenge",
            "code_challenge_method",
            "request",
            "request_uri",
            "id_token_hint",
            "m4rk3r=1&m4rk3r",
        ] {
            let answer = ask(&server, &format!("{name}={}", encoded(mark))).await;
            let error = error_at_web(&server, &answer, name);
            let description = answer.redirect_param("error_description").unwrap_or_default();
            assert!(!error.contains("m4rk") && !answer.header("location").contains("m4rk"), "{name}: {description}");
            // §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E
            assert!(
                description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "{name}: {description}"
            );
            assert!(!description.is_empty(), "{name}");
        }
        for name in ["client_id", "redirect_uri", "error_description=m4rk&client_id"] {
            let answer = ask(&server, &format!("{name}={}", encoded(mark))).await;
            assert_page(&answer, name);
            assert!(!answer.body.contains("m4rk"), "{name}: {}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn ar24_a_client_nobody_vouched_for_redirects_no_stranger() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let metadata = json!({ "redirect_uris": ["https://evil.example/cb"] }).to_string();
        let answer =
            server.request(Method::POST, "/register", &[("content-type", "application/json")], &metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let id = answer.json()["client_id"].as_str().unwrap().to_owned();
        let request = format!("client_id={id}&redirect_uri=https%3A%2F%2Fevil.example%2Fcb");
        let honest = ask(&server, &request).await;
        assert!(honest.status == 200 && honest.body.contains("type=\"password\""), "{}", honest.body);
        for fault in [
            "prompt=none",
            "scope=%22",
            "scope=unknown",
            "response_type=junk",
            "response_type=",
            "code_challenge=",
            "response_mode=junk",
            "nonce=1&nonce=2",
        ] {
            let known = ask(&server, fault).await;
            error_at_web(&server, &known, fault);
            for more in [format!("{request}&{fault}"), format!("{request}&{fault}&response_mode=form_post")] {
                let answer = ask(&server, &more).await;
                assert!(!answer.headers.contains_key("location"), "{fault}: {}", answer.header("location"));
                assert!(!answer.body.contains("id=\"form-post\""), "{fault}: {}", answer.body);
                // Nor in a frame, if it asks anything but whether somebody is signed in.
                let address = format!("/{}", Agent::new(&server).authorization_request("web", &more));
                let answer = server.request(Method::GET, &address, &[("sec-fetch-dest", "iframe")], "").await;
                let led = answer.headers.contains_key("location") || answer.body.contains("id=\"form-post\"");
                assert_eq!(led, fault == "prompt=none", "{fault}: {}", answer.body);
            }
        }
        // In a frame nobody is led anywhere, so the client learns that nobody is signed in; a browser tells which it is.
        for (destination, led) in [("document", None), ("iframe", Some("login_required")), ("iframe, x", None)] {
            let address = Agent::new(&server).authorization_request("web", &format!("{request}&prompt=none"));
            let answer =
                server.request(Method::GET, &format!("/{address}"), &[("sec-fetch-dest", destination)], "").await;
            assert_eq!(answer.redirect_param("error").as_deref(), led, "{destination}: {}", answer.body);
        }
        // With somebody signed in, the answer may travel.
        let mut agent = signed_in(&server).await;
        let answer = answer_to(&mut agent, &format!("{request}&prompt=none")).await;
        assert_eq!(answer.redirect_param("error").as_deref(), Some("consent_required"), "{}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn ru31_a_form_is_posted_to_the_registered_uri_and_its_markup_stays_text() {
    both(async |server| {
        for uri in [
            "https://app.example/cb\"onload=\"x",
            "https://app.example/cb\"><script>x</script>",
            "https://app.example/cb'><b>",
        ] {
            let more = format!("response_mode=form_post&redirect_uri={}", encoded(uri));
            let answer = ask(&server, &more).await;
            assert_page(&answer, uri);
            assert!(!answer.body.contains("<script>x") && !answer.body.contains("onload"), "{uri}: {}", answer.body);
        }
        // What may be registered is escaped.
        let uri = "https://quote.example/cb?a='b'&c=d&amp;e";
        server
            .client(
                json!({ "client_id": "quote", "client_secret": SECRET, "redirect_uris": [uri], "first_party": true }),
            )
            .await;
        let more = format!("response_mode=form_post&redirect_uri={}", encoded(uri));
        let mut agent = signed_in(&server).await;
        let address = agent.authorization_request("quote", &more);
        let answer = agent.get(&address).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (200, ""));
        let [form] = forms(&answer.body).try_into().unwrap_or_else(|forms| panic!("one form: {forms:?}"));
        let action = "action=\"https://quote.example/cb?a=&#39;b&#39;&#38;c=d&#38;amp;e\"";
        assert!(answer.body.contains(action), "{}", answer.body);
        assert!(!form.get("code").is_empty() && form.get("iss") == server.issuer());
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.ends_with("form-action 'self' https://quote.example"), "{policy}");
    })
    .await;
}

#[tokio::test]
async fn ru35_after_a_form_the_method_is_get() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let address = agent.authorization_request("ask", "");
        let page = agent.get(&address).await;
        let form = forms(&page.body).remove(0).set("username", "alice");
        let wrong = agent.submit(&form.clone().set("password", "not it")).await;
        assert_eq!(wrong.status, 303, "a wrong password");
        let page = agent.visit(wrong.header("location")).await;
        let form = forms(&page.body).remove(0).set("username", "alice").set("password", PASSWORD);
        let right = agent.submit(&form).await;
        assert_eq!(right.status, 303, "the right password");
        let page = agent.visit(right.header("location")).await;
        let allowed = agent.submit(&forms(&page.body).remove(0).set("decision", "allow")).await;
        assert_eq!(allowed.status, 303, "consent");
        assert!(allowed.redirect_param("code").is_some(), "{}", allowed.header("location"));
        // From sign-in straight to the client, where no consent is asked for.
        let mut agent = Agent::new(&server);
        let address = agent.authorization_request("web", "");
        let page = agent.get(&address).await;
        let form = forms(&page.body).remove(0).set("username", "alice").set("password", PASSWORD);
        let answer = agent.submit(&form).await;
        assert_eq!(answer.status, 303, "{}", answer.header("location"));
        assert!(answer.redirect_param("code").is_some(), "{}", answer.header("location"));
    })
    .await;
}
