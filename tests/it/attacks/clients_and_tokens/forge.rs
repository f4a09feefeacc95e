//! Tokens and assertions that are right, the doors that take them, and the tools to spoil them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chancery::keys;
use chancery::protocol::signature::SignatureAlgorithm;
use chancery::protocol::signing_key::SigningKey;
use serde_json::{Value, json};

use crate::support::{Agent, Answer, Server, form};

/// RFC 7523 §2.2.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

static NEXT: AtomicU64 = AtomicU64::new(0);

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A part of a compact JWS, read without any check.
pub fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// Signs whatever stands there.
pub fn signed(key: &SigningKey, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = key.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", b64(signature))
}

/// The same of JSON values.
pub fn jws(key: &SigningKey, header: &Value, claims: &Value) -> String {
    signed(key, header.to_string(), claims.to_string())
}

/// An object with members set, or taken out by `null`.
pub fn with(object: &Value, more: Value) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().expect("an object");
    for (name, value) in more.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}

/// The key that signs the tokens of the tenant now.
pub async fn tenant_key(server: &Server) -> Arc<SigningKey> {
    let desk = server.desk().await;
    keys::signer(&desk.tenant, &desk.store, SignatureAlgorithm::Es256, desk.now).await.expect("a key")
}

pub fn new_key() -> SigningKey {
    SigningKey::generate(SignatureAlgorithm::Es256).expect("a key").0
}

/// What `private_key_jwt` client `client_id` registers.
pub fn keyed_client(client_id: &str, keys: &[&SigningKey]) -> Value {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk().clone()).collect();
    json!({ "client_id": client_id, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt", "scope": "read", "jwks": { "keys": keys } })
}

/// The claims of an assertion of `client` that is right, with a `jti` of its own.
pub fn assertion_claims(server: &Server, client: &str) -> Value {
    let now = server.app.clock.now().seconds();
    let jti = format!("jti-{}", NEXT.fetch_add(1, Ordering::SeqCst));
    json!({ "iss": client, "sub": client, "aud": server.issuer(), "iat": now, "exp": now + 60, "jti": jti })
}

pub fn header_of(key: &SigningKey) -> Value {
    json!({ "alg": key.algorithm().name(), "typ": "JWT", "kid": key.kid() })
}

/// An assertion of these claims.
pub fn assertion(key: &SigningKey, claims: &Value) -> String {
    jws(key, &header_of(key), claims)
}

/// A form that authenticates by an assertion, with more parameters.
pub fn asserted(assertion: &str, more: &[(&str, &str)]) -> String {
    let mut fields = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    fields.extend_from_slice(more);
    form(&fields)
}

/// A client credentials request by assertion.
pub async fn present_assertion(server: &Server, assertion: &str) -> Answer {
    server.post("/token", &asserted(assertion, &[("grant_type", "client_credentials")])).await
}

/// A place where a JWT is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Userinfo,
    Introspection,
    Hint,
    Assertion,
}

impl Door {
    pub const ALL: [Self; 4] = [Self::Userinfo, Self::Introspection, Self::Hint, Self::Assertion];
    /// Those that take access tokens.
    pub const ACCESS: [Self; 2] = [Self::Userinfo, Self::Introspection];

    /// What a JWT that is not believed gets here.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::Userinfo => "401 invalid_token",
            Self::Introspection => r#"200 {"active":false}"#,
            Self::Hint => "303 invalid_request",
            Self::Assertion => "401 invalid_client",
        }
    }
}

/// A server whose doors are known to open for what is right.
pub struct Doors {
    pub server: Server,
    /// Signs access tokens and ID tokens.
    pub tenant_key: Arc<SigningKey>,
    /// Signs the assertions of client `keyed`.
    pub client_key: SigningKey,
    access: String,
    id: String,
}

impl Doors {
    pub async fn of(server: &Server) -> Self {
        let client_key = new_key();
        server.client(keyed_client("keyed", &[&client_key])).await;
        let tokens = server.tokens().await;
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let tenant_key = tenant_key(server).await;
        Self { server: server.clone(), tenant_key, client_key, access: text("access_token"), id: text("id_token") }
    }

    pub fn key(&self, door: Door) -> &SigningKey {
        if door == Door::Assertion { &self.client_key } else { &self.tenant_key }
    }

    /// Header and claims of what is right at a door.
    pub fn honest(&self, door: Door) -> (Value, Value) {
        match door {
            Door::Userinfo | Door::Introspection => (part(&self.access, 0), part(&self.access, 1)),
            Door::Hint => (part(&self.id, 0), part(&self.id, 1)),
            Door::Assertion => (header_of(&self.client_key), assertion_claims(&self.server, "keyed")),
        }
    }

    /// What a door says to a token: `accepted`, or status and error.
    pub async fn verdict(&self, door: Door, token: &str) -> String {
        let answer = match door {
            Door::Userinfo => self.server.userinfo(token).await,
            Door::Introspection => self.server.post_as("web", "/introspect", &form(&[("token", token)])).await,
            Door::Assertion => present_assertion(&self.server, token).await,
            Door::Hint => {
                let mut agent = Agent::new(&self.server);
                let more = format!("prompt=none&{}", form(&[("id_token_hint", token)]));
                let address = agent.authorization_request("web", &more);
                agent.get(&address).await
            }
        };
        let error = match door {
            Door::Hint => answer.redirect_param("error").unwrap_or_default(),
            Door::Introspection => answer.body.clone(),
            Door::Userinfo | Door::Assertion => answer.error(),
        };
        // Nobody is signed in where the hint is shown: that this is said means that the hint was believed.
        let accepted = match door {
            Door::Hint => error == "login_required",
            Door::Introspection => answer.status == 200 && answer.json()["active"] == true,
            Door::Userinfo | Door::Assertion => answer.status == 200,
        };
        if accepted { "accepted".to_owned() } else { format!("{} {error}", answer.status.as_u16()) }
    }

    /// What is right passes each door; the same, spoilt, is refused there.
    pub async fn refuse(&self, rule: &str, doors: &[Door], spoil: impl Fn(&SigningKey, &Value, &Value) -> String) {
        for door in doors {
            let (header, claims) = self.honest(*door);
            let honest = self.verdict(*door, &jws(self.key(*door), &header, &claims)).await;
            assert_eq!(honest, "accepted", "{rule}, honest, at {door:?}");
            let (header, claims) = self.honest(*door);
            let spoilt = self.verdict(*door, &spoil(self.key(*door), &header, &claims)).await;
            assert_eq!(spoilt, door.refusal(), "{rule} at {door:?}");
        }
    }
}

/// The public half of a P-256 key as an attacker would use it for a MAC: every form in which it is published.
pub fn public_forms(key: &SigningKey) -> Vec<(&'static str, Vec<u8>)> {
    /// RFC 5480 §2: the algorithm identifier in front of an uncompressed P-256 point.
    const SPKI: &[u8] =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
    let jwk = key.public_jwk();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a coordinate")).expect("base64url");
    let (x, y) = (number("x"), number("y"));
    let der = [SPKI, &x, &y].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(&der);
    let (first, second) = text.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    vec![
        ("JWK", Value::Object(jwk.clone()).to_string().into_bytes()),
        ("x", x),
        ("DER", der),
        ("PEM", pem.clone().into_bytes()),
        ("PEM without the last line end", pem.trim_end().as_bytes().to_vec()),
    ]
}

/// A compact JWS whose third part is the HMAC under `secret`.
pub fn mac(secret: &[u8], header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", b64(tag))
}
