//! Tenancy of the store: every table carries its tenant and a declared end, and no function gives anything of
//! another tenant.

use std::collections::BTreeSet;

use chancery::admin::Desk;
use chancery::protocol::client_authentication::AssertionUse;
use chancery::protocol::identifiers::{ClientId, GrantId, SessionId, UserId};
use chancery::protocol::refresh_token::RefreshToken;
use chancery::protocol::secret::SecretHash;
use chancery::protocol::timestamp::Timestamp;
use chancery::protocol::user::UserStatus;
use chancery::store::one_time::Purpose;
use chancery::store::tables::{Retention, TABLES};
use chancery::store::{Change, Outcome};

use crate::support::{Agent, START, both};

#[tokio::test]
async fn every_table_carries_its_tenant_and_a_declared_retention() {
    both(async |server| {
        let columns = server.app.store.columns().await.unwrap();
        let tables: BTreeSet<&str> = columns
            .iter()
            .map(|(table, _)| table.as_str())
            .filter(|table| *table != "seaql_migrations" && !table.starts_with("sqlite_"))
            .collect();
        let declared: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
        assert_eq!(tables, declared);
        for table in TABLES {
            let has = |column: &str| columns.iter().any(|(of, name)| of == table.name && name == column);
            assert!(has("tenant_id") || (table.name == "tenant" && has("id")), "{} has no tenant", table.name);
            if let Retention::After { column, .. } = table.retention {
                assert!(has(column), "{}.{column}", table.name);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_function_of_the_store_gives_or_changes_anything_of_another_tenant() {
    both(async |server| {
        let other = server.sibling().await;
        let now = Timestamp::from_seconds(START);
        let tokens = server.tokens().await;
        let code = server.code("web", "").await;
        let (here, there) = (server.desk().await, other.desk().await);
        let key = &here.tenant.secrets.refresh_token;
        let refresh = RefreshToken::parse(tokens["refresh_token"].as_str().unwrap(), key).unwrap();
        let grant = here.store.grant_in_context(refresh.grant, now).await.unwrap().unwrap().grant;
        let (user, session) = (grant.allowed.user_id, grant.allowed.session_id);
        let store = &there.store;
        // What is read.
        assert!(store.user(user).await.unwrap().is_none());
        assert!(store.users_by_id(&[user]).await.unwrap().is_empty());
        assert!(store.session(session).await.unwrap().is_none());
        assert!(store.sessions_of(user, now).await.unwrap().is_empty());
        assert!(store.grant_in_context(grant.id, now).await.unwrap().is_none());
        assert!(store.clients_of_sessions(&[session]).await.unwrap().is_empty());
        assert!(store.code(&SecretHash::of(&code), now).await.unwrap().is_none());
        assert!(store.consent(user, &ClientId::parse("web").unwrap()).await.unwrap().is_none());
        let users = store.users(None, 100).await.unwrap();
        assert!(users.iter().all(|found| found.id != user) && users.len() == 2);
        // What is changed.
        let nothing = Change::new;
        assert!(!store.rotate_refresh_token(&grant, now, nothing(), now).await.unwrap());
        assert!(!store.end_grant(grant.id, nothing(), now).await.unwrap());
        assert!(!store.end_session(session, nothing(), now).await.unwrap());
        assert!(!store.set_user_status(user, UserStatus::Disabled, nothing(), now).await.unwrap());
        store.count_password_failure(user, 100, nothing(), now).await.unwrap();
        store.revoke_consent(user, &ClientId::parse("web").unwrap(), nothing(), now).await.unwrap();
        assert!(!store.redeem_code(&SecretHash::of(&code), &grant, nothing(), now).await.unwrap());
        // All of it still works where it belongs.
        let answer = server.redeem(&code).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(server.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn one_time_tokens_and_revocations_of_one_tenant_are_unknown_in_another() {
    both(async |server| {
        let other = server.sibling().await;
        let (here, there) = (server.desk().await, other.desk().await);
        let now = Timestamp::from_seconds(START);
        let hash = SecretHash::of("a token");
        let lifetime = (now, now.plus(60));
        here.store.add_one_time_token((Purpose::AdminLink, &hash), 1, lifetime, Change::new()).await.unwrap();
        assert!(!there.store.peek_one_time_token(Purpose::AdminLink, &hash, now).await.unwrap());
        let uses = async |desk: &Desk, purpose, at| {
            let guard = desk.store.one_use(purpose, &hash, at);
            desk.store.write(Change::if_updated(guard)).await.unwrap() == Outcome::Done
        };
        assert!(!uses(&there, Purpose::AdminLink, now).await);
        assert!(!uses(&here, Purpose::InitialAccessToken, now).await, "another purpose");
        assert!(!uses(&here, Purpose::AdminLink, now.plus(60)).await, "at its end");
        assert!(uses(&here, Purpose::AdminLink, now.plus(59)).await);
        assert!(!uses(&here, Purpose::AdminLink, now).await, "twice");
        here.store.revoke_token(&hash, now.plus(60), Change::new()).await.unwrap();
        assert!(here.store.is_token_revoked(&hash).await.unwrap());
        assert!(!there.store.is_token_revoked(&hash).await.unwrap());
        let used = AssertionUse { hash: SecretHash::of("jti"), expires_at: now.plus(60) };
        assert!(here.store.use_assertion(&used).await.unwrap());
        assert!(!here.store.use_assertion(&used).await.unwrap());
        assert!(there.store.use_assertion(&used).await.unwrap(), "another tenant's jti is another one");
    })
    .await;
}

#[tokio::test]
async fn a_tenant_is_a_handful_of_rows_and_goes_without_a_trace() {
    both(async |server| {
        let other = server.sibling().await;
        assert!(Agent::new(&other).authorize("web", "").await.redirect_param("code").is_some());
        let desk = other.desk().await;
        chancery::admin::tenant::delete(&desk).await.unwrap();
        assert_eq!(other.get("/jwks").await.status, 404);
        assert!(desk.store.users(None, 10).await.unwrap().is_empty());
        assert!(desk.store.signing_keys().await.unwrap().is_empty());
        assert!(desk.store.audit_events(10).await.unwrap().is_empty());
        assert_eq!(server.get("/jwks").await.status, 200, "the other one stays");
    })
    .await;
}

#[test]
fn identifiers_of_people_and_clients_never_meet() {
    let user = "0191e0c8-57a4-7d3e-8a2b-3f6d1f1f9a01";
    assert!(UserId::parse(user).is_some());
    assert!(ClientId::parse(user).is_none(), "RFC 9068 §5");
    assert!(GrantId::parse(&user.to_uppercase()).is_none(), "one spelling alone");
    assert!(SessionId::parse("0191e0c857a47d3e8a2b3f6d1f1f9a01").is_none());
}
