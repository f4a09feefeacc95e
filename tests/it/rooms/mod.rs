//! The rooms of `protocol` and `sign_in` one by one: plain functions, so no server, no database, no clock.
//!
//! What is built here succeeds everywhere; each row of a table spoils one thing of it.

mod authorization_code;
mod authorization_request;
mod authorization_response;
mod bearer;
mod claims_request;
mod client_authentication;
mod client_metadata;
mod consent;
mod end_session;
mod engine;
mod escape;
mod identifier;
mod introspection;
mod new_account;
mod params;
mod policy;
mod proof_key;
mod redirect_uri;
mod refresh_token;
mod register;
mod resource_indicator;
mod scope;
mod seal;
mod session;
mod throttle;

use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use chancery::protocol::authorization_code::IssuedCode;
use chancery::protocol::authorization_request::{Addressed, Checked};
use chancery::protocol::claims_request::ClaimsRequest;
use chancery::protocol::client::{Client, ClientOrigin};
use chancery::protocol::client_authentication::{
    self as authentication, AssertionRules, AuthenticatedClient, Credential, Presented,
};
use chancery::protocol::client_metadata::{ClientMetadata, MetadataRules};
use chancery::protocol::grant::{Allowed, Authentication, Grant};
use chancery::protocol::identifiers::{ClientId, GrantId, SessionId, UserId};
use chancery::protocol::json_web_key::KeySet;
use chancery::protocol::params::Params;
use chancery::protocol::proof_key::CodeChallenge;
use chancery::protocol::scope::Scope;
use chancery::protocol::secret::{Secret, SecretHash};
use chancery::protocol::signature::SignatureAlgorithm;
use chancery::protocol::signing_key::SigningKey;
use chancery::protocol::tenant_settings::{AssertionAudience, TenantSettings};
use chancery::protocol::timestamp::Timestamp;
use chancery::sign_in::session::Session;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

const ISSUER: &str = "https://id.example/t/acme";
const TOKEN_ENDPOINT: &str = "https://id.example/t/acme/token";
const API: &str = "https://api.example";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ALICE: UserId = UserId(Uuid::from_u128(0xa11ce));
const BOB: UserId = UserId(Uuid::from_u128(0xb0b));
const SESSION: SessionId = SessionId(Uuid::from_u128(1));
const GRANT: GrantId = GrantId(Uuid::from_u128(0x96a7));
/// 32 bytes: long enough for HS256 too.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The example of RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// An authorization request that nothing is wrong with.
const QUERY: &str = "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
    &scope=openid%20profile&state=xyz&nonce=n-1\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

/// The key of the client `app`.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(SignatureAlgorithm::Es256).unwrap().0);

/// `Debug` of the refusal: its variant stands first.
fn refusal<T, E: Debug>(result: Result<T, E>) -> String {
    result.err().map_or("accepted".to_owned(), |error| format!("{error:?}"))
}

/// `good` with one thing spoiled, which must be in it.
fn spoil(good: &str, from: &str, to: &str) -> String {
    assert!(good.contains(from), "the row spoils nothing: no {from}");
    good.replacen(from, to, 1)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn read_object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

fn params(text: &str) -> Params {
    Params::parse(text.as_bytes()).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn client_id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn rules(origin: ClientOrigin) -> MetadataRules {
    MetadataRules {
        origin,
        scope: scope("openid profile email offline_access read"),
        id_token_signed_response_alg: SignatureAlgorithm::Es256,
    }
}

/// Metadata of a web application that keeps a secret, with the members of `patch` instead.
fn document(patch: Map<String, Value>) -> Map<String, Value> {
    let mut document = object(json!({
        "redirect_uris": ["https://app.example/cb"],
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "openid profile email offline_access read",
    }));
    document.extend(patch);
    document
}

/// The client `app` with that metadata.
fn client(patch: Value) -> Client {
    let administrator = rules(ClientOrigin::Administrator);
    let metadata = ClientMetadata::parse(&document(object(patch)), &administrator).unwrap();
    Client {
        id: client_id("app"),
        keys: metadata.jwks.as_ref().map(|jwks| Arc::new(KeySet::parse(jwks).unwrap())),
        metadata,
        origin: ClientOrigin::Administrator,
        secret_hash: Some(SecretHash::of(SECRET)),
        mac_secret: Some(Zeroizing::new(SECRET.as_bytes().to_vec())),
        registration_token_hash: None,
        created_at: NOW,
        enabled: true,
        version: 0,
    }
}

/// An application on a device: public, with a scheme of its own.
fn native_app() -> Client {
    client(json!({
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["com.example.app:/cb"],
        "post_logout_redirect_uris": [],
    }))
}

fn assertion_rules(audience: AssertionAudience) -> AssertionRules<'static> {
    AssertionRules { issuer: ISSUER, token_endpoint: TOKEN_ENDPOINT, audience, now: NOW }
}

/// `client`, proven by its secret, or by its name alone if it is public.
fn authenticated(client: Client) -> AuthenticatedClient {
    let credential = if client.is_public() { Credential::None } else { Credential::Basic(Secret::new(SECRET)) };
    let presented = Presented { client_id: client.id.clone(), credential };
    let rules = assertion_rules(AssertionAudience::Issuer);
    authentication::check(&presented, Arc::new(client), None, &rules).unwrap().0
}

/// [`QUERY`], read and checked for `app`.
fn checked() -> Checked {
    let addressed = Addressed::identify(params(QUERY), Arc::new(client(json!({})))).unwrap();
    addressed.check(&TenantSettings::default(), |resource| resource == API, None, NOW).unwrap()
}

fn allowed() -> Allowed {
    Allowed {
        user_id: ALICE,
        session_id: SESSION,
        scope: scope("openid profile offline_access"),
        resources: vec![API.to_owned(), "urn:example:files".to_owned()],
        claims: ClaimsRequest::default(),
        authentication: authentication_at(NOW.plus(-60)),
        nonce: Some("n-1".to_owned()),
    }
}

fn authentication_at(at: Timestamp) -> Authentication {
    Authentication { at, acr: "urn:chancery:acr:one-factor".to_owned(), amr: vec!["pwd".to_owned()] }
}

fn issued_code() -> IssuedCode {
    IssuedCode {
        client_id: client_id("app"),
        grant_id: GRANT,
        allowed: allowed(),
        redirect_uri: "https://app.example/cb".to_owned(),
        redirect_uri_given: true,
        code_challenge: CodeChallenge::parse(Some(CHALLENGE), Some("S256")).unwrap(),
        issued_at: NOW.plus(-10),
        expires_at: NOW.plus(50),
        redeemed_at: None,
    }
}

/// A grant whose third refresh token is the live one, since ten seconds.
fn grant() -> Grant {
    Grant {
        id: GRANT,
        client_id: client_id("app"),
        allowed: allowed(),
        created_at: NOW.plus(-3600),
        expires_at: NOW.plus(86_400),
        idle_expires_at: NOW.plus(3600),
        generation: 3,
        rotated_at: NOW.plus(-10),
        revoked_at: None,
    }
}

fn session(number: u128, user_id: UserId) -> Session {
    Session {
        id: SessionId(Uuid::from_u128(number)),
        user_id,
        authentication: authentication_at(NOW.plus(-60)),
        user_agent: None,
        created_at: NOW.plus(-60),
        last_seen_at: NOW.plus(-60),
        idle_expires_at: NOW.plus(3600),
        expires_at: NOW.plus(86_400),
        ended_at: None,
        kept: false,
    }
}
