//! ID tokens — OpenID Connect Core §2, §3.1.3.3, §3.1.3.6, §12.2; RP-Initiated Logout §2 (as a hint).

use serde_json::{Map, Value, json};

use super::grant::Allowed;
use super::identifiers::{ClientId, SessionId, UserId};
use super::timestamp::Timestamp;

/// The `typ` of an ID token: never that of an access token, so that neither passes for the other.
pub const TYP: &str = "JWT";

/// What goes into an ID token.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// To whom.
    pub client_id: &'a ClientId,
    /// What the person allowed.
    pub allowed: &'a Allowed,
    /// Echoed in the first one only (§12.2: a refreshed one SHOULD NOT have a nonce).
    pub nonce: Option<&'a str>,
    /// Left half of the hash of the access token issued beside it (§3.1.3.6).
    pub at_hash: String,
    /// Claims asked for by name.
    pub claims: Map<String, Value>,
    /// Lifetime in seconds.
    pub lifetime: u32,
    /// Now.
    pub now: Timestamp,
}

/// The claims of an ID token. `auth_time` is that of the sign-in, also after a refresh (§12.2).
pub fn claims(contents: Contents<'_>) -> Map<String, Value> {
    let Contents { issuer, client_id, allowed, nonce, at_hash, mut claims, lifetime, now } = contents;
    claims.insert("iss".into(), issuer.into());
    claims.insert("sub".into(), allowed.user_id.to_string().into());
    claims.insert("aud".into(), client_id.as_str().into());
    claims.insert("iat".into(), now.seconds().into());
    claims.insert("exp".into(), now.plus(i64::from(lifetime)).seconds().into());
    claims.insert("auth_time".into(), allowed.authentication.at.seconds().into());
    claims.insert("acr".into(), allowed.authentication.acr.as_str().into());
    claims.insert("amr".into(), json!(allowed.authentication.amr));
    claims.insert("sid".into(), allowed.session_id.to_string().into());
    claims.insert("at_hash".into(), at_hash.into());
    if let Some(nonce) = nonce {
        claims.insert("nonce".into(), nonce.into());
    }
    claims
}

/// An ID token of ours that came back as a hint, perhaps expired (OIDC Core §3.1.2.1).
#[derive(Clone, Debug)]
pub struct IdTokenHint {
    /// Who.
    pub subject: UserId,
    /// To which clients it was issued.
    pub audience: Vec<String>,
    /// In which session.
    pub session_id: Option<SessionId>,
}

impl IdTokenHint {
    /// Reads the claims of an ID token whose signature by this tenant has been verified.
    pub fn from_claims(claims: &Map<String, Value>, issuer: &str) -> Option<Self> {
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return None;
        }
        let audience = match claims.get("aud")? {
            Value::String(one) => vec![one.clone()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => return None,
        };
        let subject = UserId::parse(claims.get("sub")?.as_str()?)?;
        let session_id = claims.get("sid").and_then(Value::as_str).and_then(SessionId::parse);
        Some(Self { subject, audience, session_id })
    }
}
