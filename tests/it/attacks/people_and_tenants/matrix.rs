//! Every artefact of one tenant at every endpoint of another (TN01, TN03, TN05).

use std::collections::BTreeMap;

use poem::http::Method;
use serde_json::{Value, json};

use super::registration::{assertion, initial_token, mac_client, register};
use super::{admin_link, at_consent, at_sign_in, form_to, is_signed_in};
use crate::support::agent::{Form, forms};
use crate::support::{Agent, Answer, PASSWORD, Server, VERIFIER, both};

const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// What somebody of tenant A holds, by name.
struct Artefacts {
    texts: BTreeMap<&'static str, String>,
    browser: Agent,
    forms: Vec<(&'static str, Form)>,
}

/// One of each that this version issues, all of them alive.
async fn artefacts(a: &Server) -> Artefacts {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tokens = a.tokens().await;
    let opaque = a.post_as("opaque", "/token", "grant_type=client_credentials").await.json();
    let machine = a.post_as("machine", "/token", "grant_type=client_credentials").await.json();
    let (_, registered) = register(a, None, &json!({ "redirect_uris": ["https://dyn.example/cb"] })).await;
    let (browser, consent) = at_consent(a, "").await;
    let (_, sign_in) = at_sign_in(a, "").await;
    let sessions = browser.clone().get(&format!("{}/account/sessions", a.issuer())).await;
    let leave = browser.clone().get(&format!("{}/end_session", a.issuer())).await;
    let link = admin_link(a).await;
    let first = browser.clone().get(&link).await;
    let consent_form = form_to(&consent, "/consent").set("decision", "allow");
    let texts = BTreeMap::from([
        ("access token", text(&tokens["access_token"])),
        ("opaque access token", text(&opaque["access_token"])),
        ("client's access token", text(&machine["access_token"])),
        ("refresh token", text(&tokens["refresh_token"])),
        ("id token", text(&tokens["id_token"])),
        ("code", a.code("web", "").await),
        ("registration access token", text(&registered["registration_access_token"])),
        ("registered client", text(&registered["client_id"])),
        ("registered secret", text(&registered["client_secret"])),
        ("initial access token", initial_token(a, 9).await),
        ("admin link", link.rsplit('/').next().unwrap().to_owned()),
        ("handle", consent_form.get("handle").to_owned()),
        ("assertion", assertion(a, &a.issuer(), "matrix")),
    ]);
    let password = form_to(&sign_in, "/password").set("username", "alice").set("password", PASSWORD);
    let mine = forms(&sessions.body).remove(0).set("decision", "others");
    let forms = vec![
        ("sign-in", password),
        ("consent", consent_form),
        ("sessions", mine),
        ("end session", forms(&leave.body).remove(0)),
        ("first administrator", forms(&first.body).remove(0)),
    ];
    Artefacts { texts, browser, forms }
}

/// What must never be seen at B.
fn assert_no_leak(answer: &Answer, rule: &str) {
    let told = format!("{:?} {}", answer.headers, answer.body);
    for secret in [
        "alice@acme",
        "Alice",
        "access_token\":",
        "id_token\":",
        "\"active\":true",
        "https://dyn.example",
        "code=",
        "client_secret\":",
    ] {
        assert!(!told.contains(secret), "{rule} told {secret}: {told}");
    }
}

#[tokio::test]
async fn tn01_an_access_token_of_another_tenant_opens_nothing() {
    both(async |a| {
        let b = a.sibling().await;
        let opaque = a.code("opaque", "").await;
        let body = format!("grant_type=authorization_code&code={opaque}&redirect_uri=https%3A%2F%2Fopaque.example%2Fcb&code_verifier={VERIFIER}");
        let opaque = a.post_as("opaque", "/token", &body).await.json();
        for tokens in [a.tokens().await, opaque] {
            let token = tokens["access_token"].as_str().unwrap();
            assert_eq!(a.userinfo(token).await.status, 200, "at home");
            for answer in [b.userinfo(token).await, b.post("/userinfo", &format!("access_token={token}")).await] {
                assert_eq!(answer.status, 401);
                assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
                assert_no_leak(&answer, "userinfo");
            }
            assert_eq!(b.introspect(token).await, json!({ "active": false }));
        }
    })
    .await;
}

/// Every text at every place of the other tenant that takes one.
#[tokio::test]
async fn tn03_no_artefact_of_a_tenant_is_worth_anything_at_an_endpoint_of_another() {
    both(async |a| {
        let b = a.sibling().await;
        a.settings(json!({ "client_registration": "open" })).await;
        b.settings(json!({ "client_registration": "initial_access_token" })).await;
        a.client(mac_client()).await;
        b.client(mac_client()).await;
        let held = artefacts(&a).await;
        let redirect = "redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
        for (name, text) in &held.texts {
            for client in ["web", "other", "opaque"] {
                for body in [
                    format!("grant_type=authorization_code&code={text}&{redirect}&code_verifier={VERIFIER}"),
                    format!("grant_type=refresh_token&refresh_token={text}"),
                ] {
                    let answer = b.post_as(client, "/token", &body).await;
                    assert_eq!(
                        (answer.status.as_u16(), answer.error().as_str()),
                        (400, "invalid_grant"),
                        "{name} of {client}: {body}"
                    );
                    assert_no_leak(&answer, name);
                }
                for hint in ["", "&token_type_hint=access_token", "&token_type_hint=refresh_token"] {
                    let answer = b.post_as(client, "/introspect", &format!("token={text}{hint}")).await;
                    assert_eq!(answer.json(), json!({ "active": false }), "{name}");
                    assert_eq!(
                        b.post_as(client, "/revoke", &format!("token={text}{hint}")).await.status,
                        200,
                        "{name}"
                    );
                }
            }
            assertion_is_refused(&b, name, text).await;
            bearer_is_refused(&b, name, text, &held.texts["registered client"]).await;
            address_is_refused(&b, name, text).await;
        }
        still_alive(&a, &held).await;
    })
    .await;
}

async fn assertion_is_refused(b: &Server, name: &str, text: &str) {
    for path in ["/token", "/introspect", "/revoke"] {
        for client in ["mac", "web"] {
            let body = format!(
                "grant_type=client_credentials&token=x&client_id={client}&client_assertion_type={JWT_BEARER}&client_assertion={text}"
            );
            let answer = b.post(path, &body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.error().as_str()),
                (401, "invalid_client"),
                "{name} at {path} as {client}"
            );
        }
    }
}

async fn bearer_is_refused(b: &Server, name: &str, text: &str, registered: &str) {
    let bearer = format!("Bearer {text}");
    let json = r#"{"redirect_uris":["https://eve.example/cb"]}"#;
    let own = format!("/register/{registered}");
    for (method, path) in [
        (Method::GET, "/userinfo"),
        (Method::POST, "/register"),
        (Method::GET, own.as_str()),
        (Method::PUT, own.as_str()),
        (Method::DELETE, own.as_str()),
        (Method::GET, "/register/web"),
        (Method::DELETE, "/register/web"),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = b.request(method.clone(), path, &headers, json).await;
        assert_eq!(answer.status, 401, "{name}: {method} {path}: {}", answer.body);
        assert_no_leak(&answer, name);
    }
}

async fn address_is_refused(b: &Server, name: &str, text: &str) {
    let mut agent = Agent::new(b);
    for path in [
        format!("/first-administrator/{text}"),
        format!("/interaction/{text}"),
        format!("/interaction/x?handle={text}"),
    ] {
        let answer = agent.get(&format!("{}{path}", b.issuer())).await;
        assert!([404, 410].contains(&answer.status.as_u16()), "{name} at {path}: {}", answer.status);
        assert_no_leak(&answer, name);
    }
    let leave = format!(
        "{}/end_session?id_token_hint={text}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fout",
        b.issuer()
    );
    let answer = agent.get(&leave).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{name} as a hint");
    // A hint of somebody else is no hint: the page is the one that a stranger sees.
    let hinted = agent.authorization_request("web", &format!("id_token_hint={text}"));
    let answer = agent.visit(&hinted).await;
    assert!(!is_signed_in(&answer), "{name}");
    assert_no_leak(&answer, name);
}

/// Nothing that was tried at B has done any harm at A.
async fn still_alive(a: &Server, held: &Artefacts) {
    assert_eq!(a.userinfo(&held.texts["access token"]).await.status, 200);
    assert_eq!(a.refresh(&held.texts["refresh token"]).await.status, 200);
    assert_eq!(a.redeem(&held.texts["code"]).await.status, 200);
    let bearer = format!("Bearer {}", held.texts["registration access token"]);
    let own = format!("/register/{}", held.texts["registered client"]);
    assert_eq!(a.request(Method::GET, &own, &[("authorization", &bearer)], "").await.status, 200);
    let body = format!(
        "grant_type=client_credentials&client_id=mac&client_assertion_type={JWT_BEARER}&client_assertion={}",
        held.texts["assertion"]
    );
    assert_eq!(a.post("/token", &body).await.status, 200);
    let link = format!("{}/first-administrator/{}", a.issuer(), held.texts["admin link"]);
    assert_eq!(held.browser.clone().get(&link).await.status, 200);
}

#[tokio::test]
async fn tn05_cookies_forms_and_flows_of_a_tenant_are_refused_at_another() {
    both(async |a| {
        let b = a.sibling().await;
        a.settings(json!({ "client_registration": "open" })).await;
        a.client(mac_client()).await;
        let held = artefacts(&a).await;
        let mut there = held.browser.at(&b);
        for path in ["/account/sessions", "/end_session"] {
            assert_no_leak(&there.get(&format!("{}{path}", b.issuer())).await, path);
        }
        assert_eq!(there.get(&format!("{}/account/sessions", b.issuer())).await.status, 403, "sessions of A");
        let address = there.authorization_request("web", "");
        let page = there.visit(&address).await;
        assert!(
            !is_signed_in(&page) && page.body.contains("name=\"password\""),
            "the sessions of A sign nobody in at B"
        );
        let silent = there.authorization_request("web", "prompt=none");
        assert_eq!(there.visit(&silent).await.redirect_param("error").as_deref(), Some("login_required"));
        for (name, form) in &held.forms {
            let mut form = form.clone();
            form.action = form.action.replace(&format!("/t/{}/", a.slug), &format!("/t/{}/", b.slug));
            let answer = there.submit(&form).await;
            // `end_session` asks again instead: nobody is signed in here whom it could sign out.
            let harmless = *name == "end session" && answer.status == 200;
            assert!(harmless || [401, 403].contains(&answer.status.as_u16()), "{name}: {}", answer.status);
            assert_no_leak(&answer, name);
            // Even with an anti-forgery token of B for the very same page.
            let token = b.desk().await.tenant.secrets.anti_forgery.text_of(&[b"x"]);
            assert!([200, 401, 403].contains(&there.submit(&form.set("csrf", &token)).await.status.as_u16()), "{name}");
        }
        assert_eq!(
            held.browser.clone().get(&format!("{}/account/sessions", a.issuer())).await.status,
            200,
            "A is untouched"
        );
        let allowed = held.browser.clone().submit(&held.forms[1].1).await;
        assert!(is_signed_in(&allowed), "at home the form serves");
    })
    .await;
}
