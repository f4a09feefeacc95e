//! Attacks on consent (CN).

use std::collections::BTreeSet;
use std::sync::Arc;

use chancery::admin::user;
use chancery::protocol::identifiers::ClientId;
use chancery::store::audit_chain::ChainState;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::sync::Barrier;

use super::{OURS, at_consent, database, form_to, is_signed_in, tenant_literal, tokens_of_ask};
use crate::support::{Agent, ORIGIN, Server, both};

/// Whether alice has allowed `ask` anything.
async fn is_remembered(server: &Server) -> bool {
    let desk = server.desk().await;
    let alice = user::find(&desk, "alice").await.unwrap().id;
    desk.store.consent(alice, &ClientId::parse("ask").unwrap()).await.unwrap().is_some()
}

#[tokio::test]
async fn cn01_a_consent_posted_from_another_site_is_refused() {
    both(async |server| {
        let (mut agent, page) = at_consent(&server, "").await;
        let good = form_to(&page, "/consent").set("decision", "allow");
        let (_, attackers) = at_consent(&server, "").await;
        let cross: &[(&str, &str)] = &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        for (rule, form, headers) in [
            ("from another site", good.clone(), cross),
            ("of a frame without origin", good.clone(), &[("origin", "null")][..]),
            ("without the token", good.clone().set("csrf", ""), &OURS[..]),
            (
                "with the attacker's token",
                good.clone().set("csrf", form_to(&attackers, "/consent").get("csrf")),
                &OURS[..],
            ),
            ("the attacker's form", form_to(&attackers, "/consent").set("decision", "allow"), &OURS[..]),
        ] {
            assert_eq!(agent.submit_with(&form, headers).await.status, 403, "{rule}");
            assert!(!is_remembered(&server).await, "{rule}");
        }
        assert!(is_signed_in(&agent.submit(&good).await), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn cn02_a_client_that_anybody_could_be_is_asked_for_every_time() {
    both(async |server| {
        for (id, uri, first_party) in [
            ("scheme", "com.example.ask:/cb", false),
            ("loopback", "http://127.0.0.1/cb", false),
        ] {
            server.client(json!({ "client_id": id, "redirect_uris": [uri], "application_type": "native",
                "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"], "first_party": first_party })).await;
            let mut agent = Agent::new(&server);
            let uri = format!("redirect_uri={}", uri.replace(':', "%3A").replace('/', "%2F"));
            assert!(is_signed_in(&agent.authorize(id, &uri).await), "{id}: the first time");
            let again = agent.authorization_request(id, &uri);
            let page = agent.visit(&again).await;
            assert!(page.body.contains("/consent\""), "{id}: {} {}", page.status, page.header("location"));
            let silent = agent.authorization_request(id, &format!("{uri}&prompt=none"));
            assert_eq!(agent.visit(&silent).await.redirect_param("error").as_deref(), Some("consent_required"), "{id}");
        }
        let mut agent = Agent::new(&server);
        assert!(is_signed_in(&agent.authorize("ask", "").await));
        let again = agent.authorization_request("ask", "");
        assert!(is_signed_in(&agent.visit(&again).await), "one that proves itself is not");
    })
    .await;
}

#[tokio::test]
async fn cn03_a_box_added_to_the_form_allows_nothing_more() {
    both(async |server| {
        let (mut agent, page) = at_consent(&server, "scope=openid%20profile").await;
        let mut form = form_to(&page, "/consent").set("decision", "allow");
        for (name, value) in [
            ("scope", "email"),
            ("scope", "openid profile email write"),
            ("scopes", "write"),
            ("resource", "https://api.example"),
        ] {
            form.fields.push((name.to_owned(), value.to_owned()));
        }
        let answer = agent.submit(&form).await;
        let tokens = tokens_of_ask(&server, &answer.redirect_param("code").unwrap()).await;
        assert_eq!(tokens["scope"], "openid profile");
        assert!(server.userinfo(tokens["access_token"].as_str().unwrap()).await.json().get("email").is_none());
        let desk = server.desk().await;
        let alice = user::find(&desk, "alice").await.unwrap().id;
        let kept = desk.store.consent(alice, &ClientId::parse("ask").unwrap()).await.unwrap().unwrap();
        assert_eq!((kept.scope.to_string().as_str(), kept.resources.len()), ("openid profile", 0));
    })
    .await;
}

#[tokio::test]
async fn cn05_a_wider_request_asks_again() {
    both(async |server| {
        let (mut agent, page) = at_consent(&server, "scope=openid%20profile").await;
        assert!(is_signed_in(&agent.submit(&form_to(&page, "/consent").set("decision", "allow")).await));
        for (rule, more, asks) in [
            ("the same", "scope=openid%20profile", false),
            ("less", "scope=openid", false),
            ("a scope more", "scope=openid%20profile%20email", true),
            ("offline access", "scope=openid%20profile%20offline_access&prompt=consent", true),
            ("a resource", "scope=openid%20profile&resource=https%3A%2F%2Fapi.example", true),
        ] {
            let address = agent.authorization_request("ask", more);
            let answer = agent.visit(&address).await;
            assert_eq!(
                answer.body.contains("/consent\""),
                asks,
                "{rule}: {} {}",
                answer.status,
                answer.header("location")
            );
            assert_eq!(is_signed_in(&answer), !asks, "{rule}");
            let separator = if more.contains("prompt") { continue } else { "&prompt=none" };
            let silent = agent.authorization_request("ask", &format!("{more}{separator}"));
            let error = agent.visit(&silent).await.redirect_param("error");
            assert_eq!(error.as_deref(), asks.then_some("consent_required"), "{rule}, silently");
        }
    })
    .await;
}

#[tokio::test]
async fn cn07_a_session_that_went_stale_on_the_page_allows_nothing() {
    both(async |server| {
        server.settings(json!({ "session_idle_seconds": 60 })).await;
        let (mut agent, page) = at_consent(&server, "").await;
        let form = form_to(&page, "/consent").set("decision", "allow");
        server.advance(61);
        let page = agent.submit_and_follow(&form).await;
        assert!(!is_signed_in(&page) && page.body.contains("name=\"password\""), "{} {}", page.status, page.body);
        assert!(!is_remembered(&server).await);
        let consent = agent.next("alice", &page).await;
        assert!(is_signed_in(&agent.next("alice", &consent).await), "after signing in again");
    })
    .await;
}

#[tokio::test]
async fn cn08_who_denies_sends_the_client_the_error_with_state_and_issuer() {
    both(async |server| {
        for decision in ["deny", "", "Allow", "allow\0"] {
            let (mut agent, page) = at_consent(&server, "state=st%20%26ate").await;
            let answer = agent.submit(&form_to(&page, "/consent").set("decision", decision)).await;
            if decision == "allow\0" {
                assert_eq!(answer.status, 400, "not text");
                continue;
            }
            assert_eq!(answer.status, 303, "{decision:?}");
            assert!(answer.header("location").starts_with("https://ask.example/cb?"), "{}", answer.header("location"));
            let param = |name: &str| answer.redirect_param(name).unwrap_or_default();
            assert_eq!(
                (param("error").as_str(), param("state").as_str()),
                ("access_denied", "st &ate"),
                "{decision:?}"
            );
            assert_eq!((param("iss"), answer.redirect_param("code")), (server.issuer(), None), "{decision:?}");
            assert!(!is_remembered(&server).await, "{decision:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn cn10_what_was_allowed_and_is_taken_back_leaves_no_token_alive() {
    both(async |server| {
        let (mut agent, page) = at_consent(&server, "").await;
        let answer = agent.submit(&form_to(&page, "/consent").set("decision", "allow")).await;
        let tokens = tokens_of_ask(&server, &answer.redirect_param("code").unwrap()).await;
        let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
        assert_eq!(server.userinfo(access).await.status, 200);
        let again = agent.authorization_request("ask", "");
        let unused = agent.visit(&again).await.redirect_param("code").unwrap();
        let desk = server.desk().await;
        let alice = user::find(&desk, "alice").await.unwrap().id;
        desk.store
            .revoke_consent(alice, &ClientId::parse("ask").unwrap(), chancery::store::Change::new(), desk.now)
            .await
            .unwrap();
        assert_eq!(server.userinfo(access).await.status, 401);
        assert_eq!(server.introspect(access).await["active"], false);
        let answer =
            server.post_as("ask", "/token", &format!("grant_type=refresh_token&refresh_token={refresh}")).await;
        assert_eq!(answer.error(), "invalid_grant");
        assert_eq!(tokens_of_ask(&server, &unused).await["error"], "invalid_grant", "a code not yet redeemed");
        assert!(agent.visit(&again).await.body.contains("/consent\""), "asked again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn12_however_often_allow_is_pressed_one_code_is_issued() {
    both(async |server| {
        let (agent, page) = at_consent(&server, "").await;
        let form = form_to(&page, "/consent").set("decision", "allow");
        let barrier = Arc::new(Barrier::new(64));
        let mut tasks = Vec::new();
        for _ in 0..64 {
            let (mut agent, form, barrier) = (agent.clone(), form.clone(), barrier.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                let answer = agent.submit(&form).await;
                assert_eq!(answer.status, 303);
                let own = answer.header("location").starts_with(ORIGIN) || answer.header("location").starts_with('/');
                assert_ne!(own, answer.redirect_param("code").is_some());
                answer.redirect_param("code")
            }));
        }
        let mut codes = BTreeSet::new();
        for task in tasks {
            codes.extend(task.await.unwrap());
        }
        assert_eq!(codes.len(), 1);
        let later = agent.clone().submit_and_follow(&form).await;
        assert!(later.redirect_param("code").is_none(), "nor later");
    })
    .await;
}

#[tokio::test]
async fn cn13_a_changed_record_of_consent_breaks_the_chain() {
    both(async |server| {
        let (mut agent, page) = at_consent(&server, "").await;
        assert!(is_signed_in(&agent.submit(&form_to(&page, "/consent").set("decision", "allow")).await));
        let desk = server.desk().await;
        while desk.store.seal_audit_block(desk.now).await.unwrap().more {}
        let intact = desk.store.verify_audit_chain(&[]).await.unwrap();
        assert!(matches!(intact, ChainState::Intact { unsealed: 0, .. }), "{intact:?}");
        let (db, tenant) = (database(&server).await, tenant_literal(&server).await);
        let of_consent = format!("tenant_id = {tenant} AND kind = (SELECT max(kind) FROM audit_event WHERE tenant_id = {tenant} AND kind LIKE '%consent%')");
        for (column, value, back) in [
            ("data", "data || ' '", "rtrim(data)"),
            ("client_id", "client_id || 'x'", "rtrim(client_id, 'x')"),
            ("kind", "kind || 'x'", "rtrim(kind, 'x')"),
            ("at_milliseconds", "at_milliseconds + 1", "at_milliseconds - 1"),
        ] {
            let touched = db.execute_unprepared(&format!("UPDATE audit_event SET {column} = {value} WHERE {of_consent}")).await.unwrap();
            assert_eq!(touched.rows_affected(), 1, "{column}");
            let found = desk.store.verify_audit_chain(&[]).await.unwrap();
            assert!(matches!(found, ChainState::Broken { .. }), "{column}: {found:?}");
            db.execute_unprepared(&format!("UPDATE audit_event SET {column} = {back} WHERE {of_consent}")).await.unwrap();
            assert!(matches!(desk.store.verify_audit_chain(&[]).await.unwrap(), ChainState::Intact { .. }), "{column}, back");
        }
        db.execute_unprepared(&format!("DELETE FROM audit_event WHERE {of_consent}")).await.unwrap();
        assert!(matches!(desk.store.verify_audit_chain(&[]).await.unwrap(), ChainState::Broken { .. }), "removed");
    })
    .await;
}
