//! The reference's rows: values as long as those of the product, in the order of the columns in `rows`.

use std::time::{SystemTime, UNIX_EPOCH};

use sea_orm::{DbErr, Value};
use uuid::Uuid;

use super::processes::USERNAME;
use super::rows::Rows;
use super::{REDIRECT_URI, VERIFIER};
use crate::mint;

/// The one tenant.
const TENANT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
/// The one person.
pub(super) const USER: Uuid = Uuid::from_u128(0x5b0c_9d4e_7a31_4f0e_9c55_2f6d_1e0a_8b47);

/// What a person allowed, as JSON.
const ALLOWED: &str = r#"{"user_id":"5b0c9d4e-7a31-4f0e-9c55-2f6d1e0a8b47","session_id":"7c2a1b90-55d1-4c0e-8f7b-3c9d5e6f7a81","scope":"openid profile email offline_access","resources":[],"claims":{"userinfo":{},"id_token":{},"subject":null},"authentication":{"at":1763700000,"acr":"urn:chancery:acr:1","amr":["pwd"]},"nonce":"n-0S6_WzA2MjVmYjM5OTg"}"#;
/// A request that waits, as JSON.
const REQUEST: &str = r#"{"client_id":"web","return_to":{"redirect_uri":"https://app.bench.example/callback","mode":"query","state":"0d8fQ1Lq9sTtKf3vXy7RbA"},"redirect_uri_given":true,"scope":"openid profile email offline_access","nonce":"n-0S6_WzA2MjVmYjM5OTg","code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","resources":[],"prompt":{"none":false,"login":false,"consent":false,"select_account":false,"create":false},"max_age":null,"login_hint":null,"subject_hint":null,"ui_locales":null,"acr_values":[],"claims":{"userinfo":{},"id_token":{},"subject":null},"asked_at":1763700000}"#;
/// How far a sign-in is, as JSON.
const PROGRESS: &str = r#"{"session_id":"7c2a1b90-55d1-4c0e-8f7b-3c9d5e6f7a81","signed_in":true,"chosen":false,"another":false,"allowed":null,"notice":null,"typed":null}"#;
/// What is known of the person.
const CLAIMS: &str = r#"{"name":"Alice Example","given_name":"Alice","family_name":"Example","email":"alice@bench.example","email_verified":true}"#;
/// What an event says about the person.
const PERSONAL: &str = r#"{"address":"127.0.0.1","user_agent":"chancery-bench"}"#;

/// Now, in seconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

fn bytes(bytes: &[u8]) -> Value {
    bytes.to_vec().into()
}

fn text(text: &str) -> Value {
    text.into()
}

/// An audit row.
pub(super) fn audit(kind: &str, client: &str, user: Option<Uuid>) -> Vec<Value> {
    let milliseconds = now() * 1000;
    let id = mint::row_id(milliseconds);
    let reference = mint::handle().get(..12).unwrap_or_default().to_owned();
    let data = format!("{{\"grant\":\"{id}\",\"scope\":\"openid profile email offline_access\"}}");
    let (personal, digest) = match user {
        Some(_) => (Some(PERSONAL.to_owned()), Some(vec![7_u8; 32])),
        None => (None, None),
    };
    vec![
        TENANT.into(),
        id.into(),
        milliseconds.into(),
        text(kind),
        text(client),
        user.into(),
        data.into(),
        personal.into(),
        digest.into(),
        reference.into(),
        None::<i64>.into(),
    ]
}

/// A code.
pub(super) fn code(hash: &[u8], client: &str, session: Uuid) -> Vec<Value> {
    let now = now();
    vec![
        TENANT.into(),
        bytes(hash),
        text(client),
        mint::row_id(now * 1000).into(),
        USER.into(),
        session.into(),
        text(ALLOWED),
        text(REDIRECT_URI),
        true.into(),
        text(VERIFIER),
        now.into(),
        (now + 600).into(),
        None::<i64>.into(),
    ]
}

/// The guard of a redemption.
pub(super) fn redeem(hash: &[u8], now: i64) -> Vec<Value> {
    vec![now.into(), TENANT.into(), bytes(hash), now.into()]
}

/// A grant.
pub(super) fn grant(id: Uuid, client: &str, now: i64) -> Vec<Value> {
    let (idle, whole) = (now + 30 * 86_400, now + 180 * 86_400);
    vec![
        TENANT.into(),
        id.into(),
        text(client),
        USER.into(),
        TENANT.into(),
        text(ALLOWED),
        true.into(),
        1_i64.into(),
        now.into(),
        now.into(),
        idle.into(),
        whole.into(),
        None::<i64>.into(),
    ]
}

/// The guard of a rotation.
pub(super) fn rotate(grant: Uuid, generation: i64, now: i64) -> Vec<Value> {
    vec![now.into(), (now + 30 * 86_400).into(), TENANT.into(), grant.into(), generation.into()]
}

/// A revoked token.
pub(super) fn revoked(hash: &[u8]) -> Vec<Value> {
    vec![TENANT.into(), bytes(hash), (now() + 86_400).into()]
}

/// A finished sign-in, and its session.
pub(super) fn sign_in(session: Uuid, secret_hash: &[u8]) -> Vec<Vec<Value>> {
    let now = now();
    let sign_in = vec![
        TENANT.into(),
        mint::handle().into(),
        bytes(&[7; 32]),
        text(REQUEST),
        text(PROGRESS),
        1_i64.into(),
        (now + 1800).into(),
        Some(now).into(),
    ];
    let (idle, whole) = (now + 86_400, now + 14 * 86_400);
    let session = vec![
        TENANT.into(),
        bytes(secret_hash),
        session.into(),
        USER.into(),
        now.into(),
        text("urn:chancery:acr:1"),
        text("[\"pwd\"]"),
        text("chancery-bench"),
        now.into(),
        now.into(),
        idle.into(),
        whole.into(),
        None::<i64>.into(),
    ];
    vec![sign_in, session]
}

/// Puts the one person there.
pub(super) async fn person(rows: &Rows) -> Result<(), DbErr> {
    let now = now();
    let phc = "$argon2id$v=19$m=19456,t=2,p=1$Y2hhbmNlcnktYmVuY2gtMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let account = vec![
        TENANT.into(),
        USER.into(),
        text("active"),
        text(USERNAME),
        text(CLAIMS),
        false.into(),
        bytes(&[7; 16]),
        now.into(),
        now.into(),
    ];
    let identifier = vec![TENANT.into(), text(USERNAME), text("username"), USER.into()];
    let credential =
        vec![TENANT.into(), USER.into(), text("password"), text(phc), 0_i64.into(), 0_i64.into(), now.into()];
    rows.add_person([account, identifier, credential]).await
}

/// What a grant allows.
pub(super) async fn read_grant(rows: &Rows, id: Uuid) -> Result<Option<String>, DbErr> {
    let sql = "SELECT allowed, generation, expires_at, revoked_at FROM token_grant WHERE tenant_id = $1 AND id = $2";
    let row = rows.row(sql, vec![TENANT.into(), id.into()]).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// The claims of a person.
pub(super) async fn read_account(rows: &Rows, id: Uuid) -> Result<Option<String>, DbErr> {
    let sql = "SELECT claims, status, username FROM account WHERE tenant_id = $1 AND id = $2";
    let row = rows.row(sql, vec![TENANT.into(), id.into()]).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// The session that a secret opens, with its person.
pub(super) async fn read_session(rows: &Rows, hash: &[u8]) -> Result<Option<Uuid>, DbErr> {
    let sql = "SELECT s.id, s.auth_time_at, s.acr, s.amr, s.idle_expires_at, s.expires_at, a.id, a.status, a.username, a.claims \
               FROM session s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.user_id \
               WHERE s.tenant_id = $1 AND s.secret_hash = $2";
    let row = rows.row(sql, vec![TENANT.into(), bytes(hash)]).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// The person and the password, in two reads.
pub(super) async fn read_person(rows: &Rows) -> Result<Uuid, DbErr> {
    let sql = "SELECT a.id, a.status, a.claims FROM account a JOIN login_identifier l ON l.tenant_id = a.tenant_id AND l.user_id = a.id \
               WHERE l.tenant_id = $1 AND l.value = $2";
    let row = rows.row(sql, vec![TENANT.into(), text(USERNAME)]).await?;
    let user: Option<Uuid> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    let user = user.ok_or_else(|| DbErr::RecordNotFound("nobody".to_owned()))?;
    let sql = "SELECT data FROM credential WHERE tenant_id = $1 AND user_id = $2 AND kind = $3";
    let phc: Option<String> = rows
        .row(sql, vec![TENANT.into(), user.into(), text("password")])
        .await?
        .map(|row| row.try_get_by_index(0))
        .transpose()?;
    phc.map(|_| user).ok_or_else(|| DbErr::RecordNotFound("no password".to_owned()))
}
