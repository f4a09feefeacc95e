//! Refresh tokens that come from the wrong hand, twice or too late: RFC 6749 §6, RFC 9700 §4.14, RFC 8707 §2.2.

use std::sync::Arc;

use chancery::admin::{client as clients, tenant, user};
use chancery::protocol::audit_event::AuditKind;
use chancery::protocol::identifiers::ClientId;
use chancery::protocol::policy::TenantStatus;
use chancery::protocol::user::UserStatus;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::forge::part;
use crate::support::{Agent, Answer, Server, both, form};

pub(super) fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}")).to_owned()
}

fn refresh_of(token: &str) -> String {
    form(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn assert_invalid_grant(answer: &Answer, rule: &str) {
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_grant"), "{rule}: {}", answer.body);
}

/// The refresh token of an answer that must be good.
pub(super) fn successor(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    text(&answer.json(), "refresh_token")
}

/// The family is dead: this refresh token and the access token of it.
async fn assert_family_dead(server: &Server, refresh_token: &str, access_token: &str, rule: &str) {
    assert_invalid_grant(&server.refresh(refresh_token).await, rule);
    let answer = server.userinfo(access_token).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_token"), "{rule}");
}

#[tokio::test]
async fn rt01_another_client_gets_nothing_for_a_stolen_token_and_does_no_harm() {
    both(async |server| {
        let tokens = server.tokens().await;
        let token = text(&tokens, "refresh_token");
        for (rule, answer) in [
            ("confidential", server.post_as("other", "/token", &refresh_of(&token)).await),
            ("public", server.post("/token", &format!("{}&client_id=spa", refresh_of(&token))).await),
        ] {
            assert_invalid_grant(&answer, rule);
        }
        let sibling = server.sibling().await;
        assert_invalid_grant(&sibling.refresh(&token).await, "the same client of another tenant");
        let second = successor(&server.refresh(&token).await);
        server.advance(60);
        assert_invalid_grant(&server.post_as("other", "/token", &refresh_of(&token)).await, "a used one");
        successor(&server.refresh(&second).await);
    })
    .await;
}

#[tokio::test]
async fn rt02_a_used_token_after_the_grace_ends_the_family() {
    both(async |server| {
        let tokens = server.tokens().await;
        let first = text(&tokens, "refresh_token");
        let answer = server.refresh(&first).await;
        let second = successor(&answer);
        let access = text(&answer.json(), "access_token");
        assert_eq!(server.userinfo(&access).await.status, 200);
        server.advance(10);
        assert_invalid_grant(&server.refresh(&first).await, "the first second after the grace");
        assert_family_dead(&server, &second, &access, "the successor").await;
        assert_eq!(server.introspect(&second).await, json!({ "active": false }));
    })
    .await;
}

#[tokio::test]
async fn rt03_the_one_before_the_last_is_reuse_even_within_the_grace() {
    both(async |server| {
        let first = text(&server.tokens().await, "refresh_token");
        let second = successor(&server.refresh(&first).await);
        let answer = server.refresh(&second).await;
        let third = successor(&answer);
        assert_invalid_grant(&server.refresh(&first).await, "the first after the third");
        assert_family_dead(&server, &third, &text(&answer.json(), "access_token"), "the third").await;
    })
    .await;
}

#[tokio::test]
async fn rt04_a_client_that_lost_the_answer_gets_the_same_successor() {
    both(async |server| {
        let first = text(&server.tokens().await, "refresh_token");
        let second = successor(&server.refresh(&first).await);
        for _ in 0..5 {
            server.advance(1);
            let again = server.refresh(&first).await;
            assert_eq!(successor(&again), second);
            assert_eq!(server.userinfo(&text(&again.json(), "access_token")).await.status, 200);
        }
        assert_ne!(successor(&server.refresh(&second).await), second);
    })
    .await;
}

/// Many refreshes with one token at once; the answers.
async fn storm(servers: &[Server], token: &str) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(64));
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let (server, token, barrier) = (servers[number % servers.len()].clone(), token.to_owned(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                server.refresh(&token).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn assert_one_lineage(server: &Server, first: &str, answers: &[Answer]) {
    let mut successors: Vec<String> = Vec::new();
    for answer in answers {
        match answer.status.as_u16() {
            200 => successors.push(text(&answer.json(), "refresh_token")),
            _ => assert_invalid_grant(answer, "a loser"),
        }
    }
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "one lineage only");
    assert_ne!(successors[0], first);
    let third = successor(&server.refresh(&successors[0]).await);
    successor(&server.refresh(&third).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rt07_a_storm_of_refreshes_makes_one_lineage() {
    both(async |server| {
        let first = text(&server.tokens().await, "refresh_token");
        let answers = storm(std::slice::from_ref(&server), &first).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "within the grace nobody loses");
        assert_one_lineage(&server, &first, &answers).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rt08_a_storm_over_two_replicas_makes_one_lineage() {
    both(async |server| {
        let replica = server.replica().await;
        let first = text(&server.tokens().await, "refresh_token");
        let answers = storm(&[server.clone(), replica.clone()], &first).await;
        assert_one_lineage(&replica, &first, &answers).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rt08_without_grace_the_losers_end_the_family() {
    both(async |server| {
        server.settings(json!({ "refresh_token_grace_seconds": 0 })).await;
        let replica = server.replica().await;
        let first = text(&server.tokens().await, "refresh_token");
        let answers = storm(&[server.clone(), replica.clone()], &first).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            assert_invalid_grant(lost, "a loser");
        }
        assert_invalid_grant(&server.refresh(&successor(won[0])).await, "the family was ended by the reuse");
    })
    .await;
}

#[tokio::test]
async fn rt10_a_refresh_names_no_resource_beyond_the_grant() {
    both(async |server| {
        let code = server.code("web", "resource=https%3A%2F%2Fapi.example").await;
        let mut token = successor(&server.redeem(&code).await);
        for (rule, resource) in [
            ("known here, not granted", "https://other-api.example"),
            ("the issuer, not granted", &server.issuer()),
            ("unknown", "https://evil.example"),
            ("RFC 8707 §2: to the letter", "https://api.example/"),
            ("another case", "https://API.example"),
        ] {
            let more = form(&[("resource", resource)]);
            let answer = server.post_as("web", "/token", &format!("{}&{more}", refresh_of(&token))).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_target"), "{rule}");
            let more = form(&[("resource", "https://api.example"), ("resource", resource)]);
            let answer = server.post_as("web", "/token", &format!("{}&{more}", refresh_of(&token))).await;
            assert_eq!(answer.error(), "invalid_target", "{rule}, beside a granted one");
            let honest = server
                .post_as("web", "/token", &format!("{}&resource=https%3A%2F%2Fapi.example", refresh_of(&token)))
                .await;
            token = successor(&honest);
            assert_eq!(part(&text(&honest.json(), "access_token"), 1)["aud"], "https://api.example");
        }
        let plain = text(&server.tokens().await, "refresh_token");
        let answer = server
            .post_as("web", "/token", &format!("{}&resource=https%3A%2F%2Fapi.example", refresh_of(&plain)))
            .await;
        assert_eq!(answer.error(), "invalid_target", "nothing was granted");
        let more = server.post_as("web", "/token", &format!("{}&scope=openid+phone", refresh_of(&plain))).await;
        assert_eq!((more.status.as_u16(), more.error().as_str()), (400, "invalid_scope"), "nor a scope (RFC 6749 §6)");
    })
    .await;
}

/// What ends what somebody allowed.
const ENDS: [&str; 6] = ["password", "disable", "consent", "client off", "client gone", "tenant"];

async fn end(server: &Server, how: &str) {
    let desk = server.desk().await;
    let web = ClientId::parse("web").unwrap();
    let alice = user::find(&desk, "alice").await.unwrap();
    let done = match how {
        "password" => {
            let hash = server.app.passwords.hash("another horse battery staple".to_owned().into()).await.unwrap();
            user::set_password(&desk, &alice, &hash).await
        }
        "disable" => user::set_status(&desk, "alice", UserStatus::Disabled).await.map(|_| ()),
        "consent" => {
            let audit = desk.audit(&desk.event(AuditKind::ConsentDenied));
            desk.store.revoke_consent(alice.id, &web, audit, desk.now).await.map_err(Into::into)
        }
        "client off" => clients::set_enabled(&desk, &web, false).await.map(|_| ()),
        "client gone" => clients::delete(&desk, &web, false).await.map(|_| ()),
        _ => tenant::set_status(&desk, TenantStatus::Suspended).await.map(|_| ()),
    };
    done.unwrap_or_else(|error| panic!("{how}: {error}"));
}

#[tokio::test]
async fn rt12_nothing_is_refreshed_after_password_account_consent_client_or_tenant_have_ended() {
    for how in ENDS {
        both(async |server| {
            let tokens = server.tokens().await;
            let token = successor(&server.refresh(&text(&tokens, "refresh_token")).await);
            end(&server, how).await;
            let answer = server.refresh(&token).await;
            // A client that is off or gone does not even get as far as its token.
            let expected = if how.starts_with("client") { (401, "invalid_client") } else { (400, "invalid_grant") };
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), expected, "{how}");
            let access = server.userinfo(&text(&tokens, "access_token")).await;
            assert_eq!((access.status.as_u16(), access.error().as_str()), (401, "invalid_token"), "{how}");
            if how == "disable" {
                user::set_status(&server.desk().await, "alice", UserStatus::Active).await.unwrap();
                assert_invalid_grant(&server.refresh(&token).await, "switched on again: ended is ended");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn rt15_a_token_not_used_for_too_long_is_dead() {
    both(async |server| {
        server.settings(json!({ "refresh_token_idle_seconds": 1000, "refresh_token_lifetime_seconds": 2500 })).await;
        let mut token = text(&server.tokens().await, "refresh_token");
        for _ in 0..2 {
            server.advance(999);
            token = successor(&server.refresh(&token).await);
        }
        server.advance(501);
        assert_eq!(server.introspect(&token).await["active"], true);
        server.advance(1);
        assert_invalid_grant(&server.refresh(&token).await, "the whole lifetime is over");
        let token = text(&server.tokens().await, "refresh_token");
        server.advance(1000);
        assert_invalid_grant(&server.refresh(&token).await, "not used for the idle lifetime");
        assert_eq!(server.introspect(&token).await, json!({ "active": false }));
    })
    .await;
}

#[tokio::test]
async fn rt17_a_public_client_always_rotates() {
    both(async |server| {
        for client in ["spa", "native"] {
            let code = server.code(client, "").await;
            let redirect_uri = if client == "spa" { "https://spa.example/cb" } else { "http://127.0.0.1/cb" };
            let fields = [
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", &code),
                ("redirect_uri", redirect_uri),
                ("code_verifier", crate::support::VERIFIER),
            ];
            let first = successor(&server.post("/token", &form(&fields)).await);
            let refresh =
                async |token: &str| server.post("/token", &format!("{}&client_id={client}", refresh_of(token))).await;
            let second = successor(&refresh(&first).await);
            assert_ne!(first, second, "{client}");
            server.advance(60);
            assert_invalid_grant(&refresh(&first).await, client);
            assert_invalid_grant(&refresh(&second).await, client);
        }
    })
    .await;
}

#[tokio::test]
async fn rt18_a_token_cut_lengthened_or_changed_is_none() {
    both(async |server| {
        let token = text(&server.tokens().await, "refresh_token");
        let last = token.chars().last().unwrap();
        let mut spoilt: Vec<String> =
            ["=", "==", "A", "AAAA", " ", "\n", ".", "%00"].iter().map(|more| format!("{token}{more}")).collect();
        spoilt.extend([1, 2, 4, 43].map(|cut| token[..token.len() - cut].to_owned()));
        spoilt.extend([" ", "crt_", "C"].map(|more| format!("{more}{token}")));
        spoilt.extend([
            token.to_uppercase(),
            token.replace("crt_", ""),
            token.replace("crt_", "CRT_"),
            "crt_".to_owned(),
        ]);
        // The same bytes in another spelling: bits of the last character that carry nothing.
        spoilt.extend(
            ('A'..='Z').filter(|other| *other != last).map(|other| format!("{}{other}", &token[..token.len() - 1])),
        );
        spoilt.extend((4..token.len()).step_by(5).map(|at| {
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &token[..at], &token[at + 1..])
        }));
        for spoilt in spoilt {
            assert_invalid_grant(&server.post_as("web", "/token", &refresh_of(&spoilt)).await, &spoilt);
        }
        successor(&server.refresh(&token).await);
    })
    .await;
}

#[tokio::test]
async fn rt20_a_refreshed_id_token_is_about_the_same_person_and_sign_in() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let code = agent.authorize("web", "").await.redirect_param("code").unwrap();
        let tokens = server.redeem(&code).await.json();
        let before = part(&text(&tokens, "id_token"), 1);
        server.advance(400);
        // The person signs in again in the same session: that is news for the next code, not for this grant.
        let again = agent.authorize("web", "prompt=login").await.redirect_param("code").unwrap();
        let fresh = part(&text(&server.redeem(&again).await.json(), "id_token"), 1);
        assert_eq!(fresh["auth_time"].as_i64(), before["auth_time"].as_i64().map(|at| at + 400));
        let answer = server.refresh(&text(&tokens, "refresh_token")).await;
        let after = part(&text(&answer.json(), "id_token"), 1);
        for claim in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
            assert_eq!(after[claim], before[claim], "OIDC Core §12.2 {claim}");
        }
        assert_eq!(after["iat"].as_i64(), before["iat"].as_i64().map(|at| at + 400));
        assert!(after.get("nonce").is_none(), "OIDC Core §12.2 nonce");
    })
    .await;
}
