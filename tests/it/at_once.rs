//! What happens at the same time, or takes long: ends that meet beginnings, keys that are made while they are loaded,
//! bodies that come late, more old rows than are deleted at once.

use std::io;

use chancery::protocol::audit_event::{AuditEvent, AuditKind};
use chancery::protocol::authorization_code::IssuedCode;
use chancery::protocol::grant::Grant;
use chancery::protocol::identifiers::GrantId;
use chancery::protocol::secret::SecretHash;
use chancery::protocol::user::UserStatus;
use chancery::store::{Change, Outcome, StoreError};
use futures_util::StreamExt;
use futures_util::future::join_all;
use poem::http::Method;
use poem::{Body, Request};
use uuid::Uuid;

use crate::support::agent::{basic, forms};
use crate::support::{Agent, Engine, PASSWORD, SECRET, Server, VERIFIER, both};

#[tokio::test]
async fn i06_a_code_redeemed_while_its_person_is_switched_off_gives_nothing_that_lasts() {
    both(async |server| {
        let desk = server.desk().await;
        let hash = SecretHash::of(&server.code("web", "").await);
        let model = desk.store.code(&hash, desk.now).await.unwrap().unwrap().code;
        let alice = model.allowed.user_id;
        for round in 0..200 {
            let (hash, now) = (SecretHash::of(&format!("code {round}")), desk.now);
            let code = IssuedCode { grant_id: GrantId(Uuid::new_v4()), ..model.clone() };
            desk.store.write(desk.store.new_code(&hash, &code)).await.unwrap();
            let grant = Grant {
                id: code.grant_id,
                client_id: code.client_id.clone(),
                allowed: code.allowed.clone(),
                created_at: now,
                expires_at: now.plus(600),
                idle_expires_at: now.plus(600),
                generation: 1,
                rotated_at: now,
                revoked_at: None,
            };
            let redeem = desk.store.redeem_code(&hash, &grant, Change::new(), now);
            let off = desk.store.set_user_status(alice, UserStatus::Disabled, Change::new(), now);
            let (redeemed, off) = tokio::join!(redeem, off);
            assert!(off.unwrap());
            let found = desk.store.grant_in_context(grant.id, now).await.unwrap();
            assert_eq!(redeemed.unwrap(), found.is_some(), "round {round}");
            assert!(found.is_none_or(|found| found.grant.revoked_at.is_some()), "round {round}: the grant lives on");
            desk.store.set_user_status(alice, UserStatus::Active, Change::new(), now).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn i05_an_event_that_the_database_refuses_takes_no_other_with_it() {
    both(async |server| {
        let desk = server.desk().await;
        let event = |reference| desk.store.audit(&AuditEvent::new(AuditKind::TokenIssued, reference), 1_000);
        let (first, last) = (event("first"), event("last"));
        let (a, b, c) =
            tokio::join!(desk.store.append(first.clone()), desk.store.append(first), desk.store.append(last));
        assert_eq!(a.unwrap(), Outcome::Done);
        assert!(matches!(b, Err(StoreError::Duplicate)), "{b:?}");
        assert_eq!(c.unwrap(), Outcome::Done);
        let written = desk.store.audit_events(100).await.unwrap();
        let times = |reference| written.iter().filter(|event| event.reference == reference).count();
        assert_eq!((times("first"), times("last")), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn i07_the_first_key_is_made_once_however_many_need_it() {
    both(async |server| {
        let other = server.sibling().await;
        let tokens = join_all((0..24).map(|_| other.post_as("machine", "/token", "grant_type=client_credentials")));
        let sets = join_all((0..24).map(|_| other.get("/jwks")));
        let (tokens, sets) = tokio::join!(tokens, sets);
        for answer in tokens.iter().chain(&sets) {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let set = other.get("/jwks").await.json();
        assert_eq!(set["keys"].as_array().unwrap().len(), 1, "{set}");
    })
    .await;
}

#[tokio::test]
async fn i03_nothing_is_judged_by_the_time_at_which_a_body_began() {
    both(async |server| {
        let code = server.code("web", "").await;
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier={VERIFIER}"
        );
        let clock = server.app.clock.clone();
        let late = futures_util::stream::once(async move {
            clock.advance(3600);
            Ok::<_, io::Error>(body)
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri_str(format!("/t/{}/token", server.slug))
            .header("host", "id.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", basic("web", SECRET))
            .body(Body::from_bytes_stream(late));
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_grant"), "{}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn i15_more_old_rows_than_one_portion_are_all_deleted() {
    both(async |server| {
        // Tests share a database: a sweep of the past leaves the rows of the others alone.
        server.advance(-10 * 86_400);
        let desk = server.desk().await;
        let hashes: Vec<SecretHash> = (0..2_002).map(|number| SecretHash::of(&format!("{number}"))).collect();
        let until = |at: usize| desk.now.plus(if at == 0 { 61 } else { 60 });
        let mut revoke = futures_util::stream::iter(hashes.iter().enumerate())
            .map(|(at, hash)| desk.store.revoke_token(hash, until(at), Change::new()))
            .buffered(16);
        while let Some(revoked) = revoke.next().await {
            revoked.unwrap();
        }
        server.advance(61);
        server.app.store.purge(server.app.clock.now()).await.unwrap();
        for (at, hash) in hashes.iter().enumerate() {
            assert_eq!(desk.store.is_token_revoked(hash).await.unwrap(), at == 0, "row {at}");
        }
    })
    .await;
}

#[tokio::test]
async fn i13_nobody_waits_for_ever_for_others_who_sign_in_under_the_same_name() {
    let server = Server::on(Engine::Sqlite).await;
    let desk = server.desk().await;
    let mut agent = Agent::new(&server);
    let address = agent.authorization_request("web", "");
    let page = agent.get(&address).await;
    let form = forms(&page.body)[0].clone().set("username", "alice").set("password", PASSWORD);
    let turn = server.app.turn(desk.tenant.id, "alice").await;
    let held = turn.lock().await;
    let answer = agent.submit(&form).await;
    assert!(answer.status == 303 && answer.header("retry-after") == "1", "{}", answer.status);
    let shown = agent.visit(answer.header("location")).await;
    assert_eq!(shown.status, 503, "{}", shown.body);
    drop(held);
    let form = forms(&shown.body)[0].clone().set("username", "alice").set("password", PASSWORD);
    assert!(agent.submit(&form).await.redirect_param("code").is_some());
}
