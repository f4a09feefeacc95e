//! Attacks on passwords (PW).

use std::sync::Arc;
use std::time::Duration;

use chancery::admin::user;
use chancery::call::{App, Parts};
use chancery::password_pool::{PasswordPool, Settings};
use chancery::protocol::user::UserStatus;
use poem::http::Method;
use poem::{Endpoint, Request};
use serde_json::json;
use tokio::sync::Barrier;

use super::{OURS, WRONG, admin_link, at_sign_in, form_to, is_applied, is_signed_in, sign_in};
use crate::support::agent::{basic, forms};
use crate::support::{Agent, Answer, ORIGIN, PASSWORD, SECRET, Server, both};

/// People of all kinds whose sign-in fails, known and unknown.
async fn people_who_fail(server: &Server) -> [(&'static str, &'static str); 4] {
    server.apply(&json!({ "tenants": [{ "slug": server.slug, "users": [{ "username": "keyless" }] }] })).await;
    user::set_status(&server.desk().await, "bob", UserStatus::Disabled).await.unwrap();
    [("nobody", WRONG), ("alice", WRONG), ("bob", PASSWORD), ("keyless", WRONG)]
}

/// A page without what differs from attempt to attempt.
fn plain(page: &Answer, username: &str) -> String {
    let mut text = page.body.replace(username, "NAME");
    for form in forms(&page.body) {
        let id = form.action.rsplit('/').nth(1).unwrap_or_default().to_owned();
        for part in [id.as_str(), form.get("csrf"), form.get("handle")].into_iter().filter(|part| !part.is_empty()) {
            text = text.replace(part, "");
        }
    }
    format!("{} {:?} {text}", page.status, page.header("retry-after"))
}

#[tokio::test]
async fn pw01_a_sign_in_fails_alike_for_people_who_exist_and_who_do_not() {
    both(async |server| {
        let mut expected = Vec::new();
        for (username, password) in people_who_fail(&server).await {
            let mut seen = Vec::new();
            for _ in 0..8 {
                seen.push(plain(&sign_in(&server, username, password).await, username));
            }
            if expected.is_empty() {
                expected = seen;
            } else {
                for (attempt, (found, expected)) in seen.iter().zip(&expected).enumerate() {
                    assert_eq!(found, expected, "{username}, attempt {attempt}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn pw02_a_sign_in_costs_one_hash_whoever_is_named() {
    both(async |server| {
        for (username, password) in people_who_fail(&server).await {
            for password in [password, &"x".repeat(5000)] {
                let before = server.app.passwords.hashes_done();
                let page = sign_in(&server, username, password).await;
                assert_eq!(page.status, 422, "{username}");
                assert_eq!(server.app.passwords.hashes_done() - before, 1, "{username}, {} characters", password.len());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn pw06_after_a_hundred_failures_from_anywhere_guessing_is_over_for_a_while() {
    both(async |server| {
        let mut owner = Agent::new(&server);
        assert!(is_signed_in(&owner.authorize("web", "").await));
        for number in 1..=50 {
            assert_eq!(sign_in(&server, "alice", WRONG).await.status, 422, "guess {number}");
            server.advance(301);
        }
        // NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row; half of them are the owner's own.
        let stopped = sign_in(&server, "alice", PASSWORD).await;
        assert_eq!((stopped.status.as_u16(), stopped.header("retry-after")), (429, "86099"), "guess 51");
        server.advance(86_099);
        assert_eq!(sign_in(&server, "alice", WRONG).await.status, 422, "one a day");
        assert_eq!(sign_in(&server, "alice", PASSWORD).await.status, 429, "and no other");
        assert!(is_signed_in(&owner.authorize("web", "prompt=login").await), "the owner's own browser");
        assert!(is_signed_in(&sign_in(&server, "alice", PASSWORD).await), "which ends the row");
    })
    .await;
}

#[tokio::test]
async fn pw06_a_browser_that_knows_the_person_guesses_no_more_than_a_hundred_times() {
    both(async |server| {
        let mut owner = Agent::new(&server);
        assert!(is_signed_in(&owner.authorize("web", "").await));
        let mut guess = async |password: &str| {
            let address = owner.authorization_request("web", "prompt=login");
            let page = owner.visit(&address).await;
            let form = form_to(&page, "/password").set("username", "alice").set("password", password);
            owner.submit_and_follow(&form).await
        };
        for number in 1..=55 {
            assert_eq!(guess(WRONG).await.status, 422, "guess {number}, without any wait");
        }
        let slowed = guess(PASSWORD).await;
        assert_eq!((slowed.status.as_u16(), slowed.header("retry-after")), (429, "1"), "guess 56");
        for number in 56..=100 {
            server.advance(300);
            assert_eq!(guess(WRONG).await.status, 422, "guess {number}");
        }
        server.advance(300);
        let stopped = guess(PASSWORD).await;
        assert_eq!((stopped.status.as_u16(), stopped.header("retry-after")), (429, "86100"), "guess 101");
        assert_eq!(sign_in(&server, "alice", PASSWORD).await.status, 429, "nor from anywhere else");
        assert!(is_signed_in(&sign_in(&server, "bob", PASSWORD).await), "another person");
        server.advance(86_100);
        assert!(is_signed_in(&guess(PASSWORD).await), "never for good");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pw06_guesses_side_by_side_are_counted_one_after_the_other() {
    both(async |server| {
        for name in ["alice", "nobody"] {
            let before = server.app.passwords.hashes_done();
            let barrier = Arc::new(Barrier::new(32));
            let mut tasks = Vec::new();
            for _ in 0..32 {
                let (server, barrier) = (server.clone(), barrier.clone());
                tasks.push(tokio::spawn(async move {
                    let (mut agent, page) = at_sign_in(&server, "").await;
                    let form = form_to(&page, "/password").set("username", name).set("password", WRONG);
                    barrier.wait().await;
                    agent.submit_and_follow(&form).await.status.as_u16()
                }));
            }
            let mut looked_at = 0;
            for task in tasks {
                looked_at += usize::from(task.await.unwrap() == 422);
            }
            let hashes = server.app.passwords.hashes_done() - before;
            assert_eq!((looked_at, hashes), (5, 5), "{name}: the free ones and no more");
        }
    })
    .await;
}

#[tokio::test]
async fn pw07_failing_on_purpose_does_not_keep_the_owner_out() {
    both(async |server| {
        let mut owner = Agent::new(&server);
        assert!(is_signed_in(&owner.authorize("web", "").await));
        for _ in 0..50 {
            sign_in(&server, "alice", WRONG).await;
        }
        let slowed = sign_in(&server, "alice", PASSWORD).await;
        assert_eq!(slowed.status, 429, "a strange browser is slowed");
        let seconds: i64 = slowed.header("retry-after").parse().unwrap();
        assert!((1..=300).contains(&seconds), "{seconds}");
        assert!(is_signed_in(&owner.authorize("web", "prompt=login").await), "the owner's browser is not");
        for _ in 0..50 {
            sign_in(&server, "bob", WRONG).await;
        }
        let seconds: i64 = sign_in(&server, "bob", PASSWORD).await.header("retry-after").parse().unwrap();
        server.advance(seconds);
        assert!(is_signed_in(&sign_in(&server, "bob", PASSWORD).await), "after the wait a strange one neither");
    })
    .await;
}

/// Guesses with forwarding headers of the attacker's choice, then the right password with another one.
async fn guess_behind(server: &Server, username: &str, header: impl Fn(usize) -> (&'static str, String)) -> Answer {
    let (mut agent, mut page) = at_sign_in(server, "").await;
    for number in 0..=6 {
        let password = if number == 6 { PASSWORD } else { WRONG };
        let form = form_to(&page, "/password").set("username", username).set("password", password);
        let (name, value) = header(number);
        let answer = agent.submit_with(&form, &[OURS[0], OURS[1], (name, &value)]).await;
        page = agent.visit(answer.header("location")).await;
    }
    page
}

#[tokio::test]
async fn pw11_another_claimed_address_for_every_guess_evades_no_delay() {
    both(async |server| {
        let page = guess_behind(&server, "alice", |number| ("x-forwarded-for", format!("203.0.113.{number}"))).await;
        assert_eq!(page.status, 429);
        let page = guess_behind(&server, "bob", |number| ("forwarded", format!("for=203.0.113.{number}"))).await;
        assert_eq!(page.status, 429);
        let events = server.desk().await.store.audit_events(100).await.unwrap();
        assert!(events.iter().all(|event| !format!("{event:?}").contains("203.0.113.")), "nor is it written down");
    })
    .await;
}

#[tokio::test]
async fn pw12_a_forwarding_header_that_cannot_be_read_skips_no_delay() {
    both(async |server| {
        for (username, value) in [("alice", "a"), ("bob", ",,;\"")] {
            let page = guess_behind(&server, username, |_| ("x-forwarded-for", value.to_owned())).await;
            assert_eq!(page.status, 429, "{value}");
        }
    })
    .await;
}

#[tokio::test]
async fn pw14_every_character_of_a_password_counts() {
    both(async |server| {
        let long = "p".repeat(100) + "rest";
        server
            .apply(
                &json!({ "tenants": [{ "slug": server.slug, "users": [{ "username": "carol", "password": long }] }] }),
            )
            .await;
        for (rule, username, password) in [
            ("after byte 72", "carol", "p".repeat(100) + "else"),
            ("cut at byte 72", "carol", "p".repeat(72)),
            ("cut by one", "carol", long[..103].to_owned()),
            ("one more", "carol", format!("{long}x")),
            ("name and password moved", "carolp", long[1..].to_owned()),
        ] {
            assert!(!is_signed_in(&sign_in(&server, username, &password).await), "{rule}");
            server.advance(301);
        }
        assert!(is_signed_in(&sign_in(&server, "carol", &long).await), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn pw16_a_name_that_looks_like_anothers_is_refused_or_the_same_account() {
    both(async |server| {
        let desk = server.desk().await;
        let alice = user::find(&desk, "alice").await.unwrap().id;
        for name in [
            "\u{430}lice",
            "al\u{200b}ice",
            "alice\u{202e}",
            "al ice",
            "\u{ff41}lice",
            "al\u{ad}ice",
            "al\0ice",
            "\u{3b1}lice",
        ] {
            if is_applied(&server, json!({ "users": [{ "username": name }] })).await {
                assert_eq!(user::find(&desk, name).await.unwrap().id, alice, "{name:?}");
            }
        }
        for name in ["ALICE", " alice ", "Alice"] {
            assert_eq!(user::find(&desk, name).await.unwrap().id, alice, "{name:?}");
            assert!(is_signed_in(&sign_in(&server, name, PASSWORD).await), "{name:?}");
        }
        let people = desk.store.users(None, 10).await.unwrap().len();
        assert_eq!(people, 2);
    })
    .await;
}

#[tokio::test]
async fn pw17_nobody_gets_a_name_or_address_by_which_another_signs_in() {
    both(async |server| {
        assert!(is_applied(&server, json!({ "users": [{ "username": "dave@acme.example" }] })).await);
        for (rule, person) in [
            (
                "a name that is an address",
                json!({ "username": "alice@acme.example", "password": "eve's own password" }),
            ),
            ("in capitals", json!({ "username": "ALICE@ACME.example", "password": "eve's own password" })),
            (
                "an address twice",
                json!({ "username": "eve1", "email": "alice@acme.example", "password": "eve's own password" }),
            ),
            (
                "an address that is a name",
                json!({ "username": "eve2", "email": "dave@acme.example", "password": "eve's own password" }),
            ),
        ] {
            assert!(!is_applied(&server, json!({ "users": [person] })).await, "{rule}");
        }
        assert!(is_signed_in(&sign_in(&server, "alice@acme.example", PASSWORD).await), "the owner");
        assert!(
            is_applied(&server, json!({ "users": [{ "username": "eve3", "email": "eve@acme.example" }] })).await,
            "the honest one"
        );
    })
    .await;
}

/// The same server, whose one password thread is easily busy.
fn busy(server: &Server) -> Arc<App> {
    let wait = Duration::from_millis(60);
    let settings = Settings { workers: 1, memory_kib: 19_456, iterations: 2, parallelism: 1, max_wait: wait };
    let App { store, clock, fetcher, .. } = &*server.app;
    Arc::new(App::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        passwords: PasswordPool::start(&settings).unwrap(),
        fetcher: fetcher.clone(),
        origin: ORIGIN.to_owned(),
        dev: false,
        trusted_proxies: Vec::new(),
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pw19_a_flood_of_sign_ins_is_turned_away_and_tokens_are_issued_meanwhile() {
    both(async |server| {
        let endpoint = chancery::server::endpoint(busy(&server));
        let barrier = Arc::new(Barrier::new(65));
        let mut tasks = Vec::new();
        for number in 0..64 {
            let (agent, page) = at_sign_in(&server, "").await;
            let form = form_to(&page, "/password").set("username", &format!("nobody{number}")).set("password", WRONG);
            let cookies: Vec<String> = agent.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = Request::builder().method(Method::POST).uri_str(&form.action).header("host", "id.example");
            let request =
                request.content_type("application/x-www-form-urlencoded").header("cookie", cookies.join("; "));
            let (request, barrier, endpoint) = (request.body(form.body()), barrier.clone(), endpoint.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                let answer = endpoint.get_response(request).await;
                assert_eq!(answer.status(), 303);
                answer
                    .header("retry-after")
                    .is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0))
            }));
        }
        barrier.wait().await;
        let token = Request::builder()
            .method(Method::POST)
            .uri_str(format!("/t/{}/token", server.slug))
            .header("host", "id.example");
        let token = token.content_type("application/x-www-form-urlencoded");
        let token = token.header("authorization", basic("machine", SECRET));
        assert_eq!(endpoint.get_response(token.body("grant_type=client_credentials")).await.status(), 200);
        let mut turned_away = 0;
        for task in tasks {
            turned_away += usize::from(task.await.unwrap());
        }
        assert!((1..64).contains(&turned_away), "{turned_away} of 64");
    })
    .await;
}

#[tokio::test]
async fn pw21_a_hash_from_elsewhere_is_made_anew_at_the_first_sign_in_or_refused() {
    both(async |server| {
        let weak =
            Settings { workers: 1, memory_kib: 16, iterations: 1, parallelism: 1, max_wait: Duration::from_secs(9) };
        let hash = PasswordPool::start(&weak).unwrap().hash(PASSWORD.to_owned().into()).await.unwrap();
        let people = json!({ "users": [{ "username": "carol", "password_hash": hash }] });
        assert!(is_applied(&server, people).await);
        assert!(is_signed_in(&sign_in(&server, "carol", PASSWORD).await));
        let (_, record) = server.desk().await.store.user_to_sign_in("carol").await.unwrap().unwrap();
        assert!(record.unwrap().phc.contains("$m=8,t=1,p=1$"), "by today's settings");
        for hash in [
            "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "{SSHA}MTIz",
            "plain",
            "$argon2id$v=19$m=99999999,t=9,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ] {
            let people = json!({ "users": [{ "username": "dave", "password_hash": hash }] });
            assert!(!is_applied(&server, people).await, "{hash}");
        }
    })
    .await;
}

#[tokio::test]
async fn pw22_a_password_that_is_guessed_first_is_refused_with_the_reason() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let page = agent.get(&admin_link(&server).await).await;
        let form =
            forms(&page.body).remove(0).set("username", "operations.team").set("email", "operations@acme.example");
        for password in [
            "short",
            "aaaaaaaaaaaaaaaaaaaa",
            "operations.team",
            "Operations.Team",
            "operations@acme.example",
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfgh",
            "acmeacmeacmeacme",
            "AcmeAcmeAcme2026",
        ] {
            let answer = agent.submit(&form.clone().set("password", password)).await;
            assert!([400, 422].contains(&answer.status.as_u16()), "{password}: {}", answer.status);
            assert!(
                answer.body.contains("id=\"password-error\"") || answer.body.contains("#password"),
                "{password}: {}",
                answer.body
            );
        }
        assert_eq!(agent.submit(&form.set("password", "correct horse battery staple")).await.status, 303);
    })
    .await;
}
