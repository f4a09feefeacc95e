//! Access tokens — RFC 9068 (JWT profile), or opaque: the same claims, sealed under the tenant's key.
//!
//! Neither form is stored. What makes a token revocable at once is its grant, which introspection and
//! userinfo look at, and the list of single revoked tokens (RFC 7009).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::Client;
use super::grant::{Authentication, Grant};
use super::identifiers::{ClientId, GrantId, UserId};
use super::jws;
use super::policy::Permit;
use super::scope::Scope;
use super::secret::SecretHash;
use super::timestamp::Timestamp;

/// RFC 9068 §2.1: the `typ` of an access token.
pub const TYP: &str = "at+jwt";
/// Every opaque access token begins so, that scanners for leaked secrets may know it.
pub const OPAQUE_PREFIX: &str = "cat_";
/// What sealed access tokens are bound to.
pub const OPAQUE_CONTEXT: &[u8] = b"access token";

/// What an access token says (RFC 9068 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// The issuer.
    pub iss: String,
    /// The person, or the client for itself (RFC 9068 §2.2, CONTRACT behaviour 4).
    pub sub: String,
    /// The resources it is for; the issuer itself if none was named.
    pub aud: Audience,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
    /// Not before; none of ours has it, but what is there counts (RFC 7519 §4.1.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own name.
    pub jti: String,
    /// RFC 9068 §2.2.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The grant it came of; our own claim, for revocation.
    #[serde(default, rename = "grant", skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<GrantId>,
    /// RFC 9068 §2.2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// RFC 9068 §2.2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// RFC 9068 §2.2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
}

/// `aud`: one text or several (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// Of a list of resources; the issuer if there is none.
    pub fn of(resources: &[String], issuer: &str) -> Self {
        match resources {
            [] => Self::One(issuer.to_owned()),
            [only] => Self::One(only.clone()),
            several => Self::Several(several.to_vec()),
        }
    }

    /// Whether `name` is among them.
    pub fn names(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

/// What goes into a token beside the permit.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The resources it is for.
    pub resources: &'a [String],
    /// The scope.
    pub scope: &'a Scope,
    /// Its own name, from the mint.
    pub jti: String,
    /// Lifetime in seconds.
    pub lifetime: u32,
    /// Now.
    pub now: Timestamp,
}

impl AccessToken {
    /// The token that a permit allows. There is no other way to make one.
    pub fn of(permit: &Permit<'_>, contents: Contents<'_>) -> Self {
        let authentication: Option<&Authentication> = permit.allowed().map(|allowed| &allowed.authentication);
        let subject =
            permit.allowed().map_or_else(|| permit.client().id.to_string(), |allowed| allowed.user_id.to_string());
        Self {
            iss: contents.issuer.to_owned(),
            sub: subject,
            aud: Audience::of(contents.resources, contents.issuer),
            client_id: permit.client().id.clone(),
            iat: contents.now.seconds(),
            exp: contents.now.plus(i64::from(contents.lifetime)).seconds(),
            nbf: None,
            jti: contents.jti,
            scope: (!contents.scope.is_empty()).then(|| contents.scope.to_string()),
            grant_id: permit.grant_id(),
            auth_time: authentication.map(|authentication| authentication.at.seconds()),
            acr: authentication.map(|authentication| authentication.acr.clone()),
            amr: authentication.map(|authentication| authentication.amr.clone()),
        }
    }

    /// Reads the claims of a verified `at+jwt`.
    pub fn from_claims(claims: Map<String, Value>) -> Option<Self> {
        // RFC 9068 §4: exp as a NumericDate; serde alone would take any number.
        claims.get("exp").map(jws::numeric_date)?.ok()?;
        serde_json::from_value(Value::Object(claims)).ok()
    }

    /// The checks of RFC 9068 §4 that need no key: issuer and time.
    pub fn is_current(&self, issuer: &str, now: Timestamp) -> bool {
        let latest = now.seconds() + super::client_authentication::CLOCK_SKEW;
        let begun = self.iat <= latest && self.nbf.is_none_or(|nbf| nbf <= latest);
        self.iss == issuer && self.exp > now.seconds() && begun
    }

    /// The name under which a single token is remembered as revoked.
    pub fn revocation_hash(&self) -> SecretHash {
        SecretHash::of(&self.jti)
    }

    /// The person, if the token is a person's.
    pub fn user_id(&self) -> Option<UserId> {
        self.grant_id.and_then(|_| UserId::parse(&self.sub))
    }

    /// The scope.
    pub fn scope(&self) -> Scope {
        self.scope.as_deref().and_then(|scope| Scope::parse(scope).ok()).unwrap_or_default()
    }
}

/// Whether the token's grant, as it is now, still carries it.
pub fn is_carried_by(token: &AccessToken, grant: Option<&Grant>) -> bool {
    match (token.grant_id, grant) {
        (None, _) => true,
        (Some(id), Some(grant)) => grant.id == id && grant.client_id == token.client_id && grant.is_live(),
        (Some(_), None) => false,
    }
}

/// The form in which a client gets its access tokens.
pub const fn is_opaque(client: &Client) -> bool {
    client.metadata.opaque_access_tokens
}
