//! Client authentication — RFC 6749 §2.3, OpenID Connect Core §9, RFC 7523 §2.2 and §3.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::client::{Client, ClientAuthenticationMethod};
use super::error_code::ErrorCode;
use super::identifiers::ClientId;
use super::json_web_key::KeySet;
use super::jws::{self, UnverifiedJws};
use super::params::Params;
use super::secret::{Secret, SecretHash};
use super::tenant_settings::AssertionAudience;
use super::timestamp::Timestamp;

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion may live so many seconds at most: each is remembered until it expires. An hour is what widespread
/// client libraries ask for.
pub const MAX_ASSERTION_LIFETIME: i64 = 3600;
/// How far a peer's clock may be off, in seconds.
pub const CLOCK_SKEW: i64 = 30;
/// Longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// Why a client is not authenticated. Unknown clients and wrong secrets sound alike on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthenticationError {
    /// Nothing names a client.
    #[error("no client credentials in the request")]
    Missing,
    /// RFC 6749 §2.3: more than one method in one request.
    #[error("more than one client authentication method in one request")]
    SeveralMethods,
    /// A header, assertion type or assertion that cannot be read.
    #[error("the client credentials cannot be read: {0}")]
    Malformed(&'static str),
    /// No such client in this tenant, or switched off.
    #[error("unknown client")]
    UnknownClient,
    /// Not the method that the client registered.
    #[error("client {0} used another method than it registered")]
    OtherMethod(ClientId),
    /// The secret is wrong.
    #[error("client {0} sent a wrong secret")]
    WrongSecret(ClientId),
    /// The assertion does not hold.
    #[error("assertion of client {0}: {1}")]
    Assertion(ClientId, String),
    /// The assertion was used before (RFC 7523 §3, `jti`).
    #[error("assertion of client {0} was used before")]
    Replayed(ClientId),
    /// Too many wrong secrets came from one address: nothing is looked at for so many seconds (RFC 6749 §2.3.1).
    #[error("too many failures of client {0} from this address; the next attempt is looked at in {1} seconds")]
    TooManyFailures(ClientId, i64),
    /// The client's key set could not be had.
    #[error("key set of client {0} is not available: {1}")]
    KeysUnavailable(ClientId, String),
}

impl ClientAuthenticationError {
    /// RFC 6749 §5.2.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::SeveralMethods => ErrorCode::InvalidRequest,
            Self::TooManyFailures(..) => ErrorCode::TemporarilyUnavailable,
            Self::Missing
            | Self::Malformed(_)
            | Self::UnknownClient
            | Self::OtherMethod(_)
            | Self::WrongSecret(_)
            | Self::Assertion(..)
            | Self::Replayed(_)
            | Self::KeysUnavailable(..) => ErrorCode::InvalidClient,
        }
    }
}

/// What a request shows to prove who it comes from.
#[derive(Debug)]
pub enum Credential {
    /// Only the name.
    None,
    /// HTTP Basic.
    Basic(Secret),
    /// In the body.
    Post(Secret),
    /// A JWT (RFC 7523).
    Assertion(String),
}

/// A name and a credential, not yet believed.
#[derive(Debug)]
pub struct Presented {
    /// The client that the request says it comes from.
    pub client_id: ClientId,
    /// The proof.
    pub credential: Credential,
}

impl Presented {
    /// Reads the credentials of a request from its `Authorization` header and its body.
    ///
    /// # Errors
    /// `Missing`, `SeveralMethods` or `Malformed`.
    pub fn read(authorization: Option<&str>, params: &Params) -> Result<Self, ClientAuthenticationError> {
        use ClientAuthenticationError as Refused;
        let basic = authorization.map(read_basic).transpose()?;
        let secret = params.get("client_secret");
        let assertion = params.get("client_assertion");
        // §2.3: the client MUST NOT use more than one authentication method in each request.
        if usize::from(basic.is_some()) + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
            return Err(Refused::SeveralMethods);
        }
        let named = params.get("client_id");
        let (id, credential) = if let Some((id, secret)) = basic {
            if named.is_some_and(|named| named != id) {
                return Err(Refused::Malformed("client_id differs from the Authorization header"));
            }
            (id, Credential::Basic(secret))
        } else if let Some(assertion) = assertion {
            if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(Refused::Malformed("client_assertion_type is not jwt-bearer"));
            }
            let subject = subject_of(assertion)?;
            // RFC 7521 §4.2: client_id, if present, identifies the same client as the assertion.
            if named.is_some_and(|named| named != subject) {
                return Err(Refused::Malformed("client_id differs from the assertion's sub"));
            }
            (subject, Credential::Assertion(assertion.to_owned()))
        } else {
            let id = named.ok_or(Refused::Missing)?.to_owned();
            (id, secret.map_or(Credential::None, |secret| Credential::Post(Secret::new(secret))))
        };
        let client_id = ClientId::parse(&id).ok_or(Refused::UnknownClient)?;
        Ok(Self { client_id, credential })
    }
}

/// §2.3.1: both halves are form encoded before they are joined.
fn read_basic(header: &str) -> Result<(String, Secret), ClientAuthenticationError> {
    let malformed = ClientAuthenticationError::Malformed;
    let (scheme, rest) = header.split_once(' ').ok_or(malformed("Authorization header"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed("Authorization scheme is not Basic"));
    }
    let decoded = STANDARD.decode(rest).map_err(|_| malformed("Basic credentials are not base64"))?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed("Basic credentials are not UTF-8"))?;
    let (id, secret) = decoded.split_once(':').ok_or(malformed("Basic credentials have no colon"))?;
    if secret.contains(':') {
        return Err(malformed("Basic credentials have two colons"));
    }
    let form = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(|text| text.into_owned())
    };
    let id = form(id).map_err(|_| malformed("Basic credentials are not UTF-8"))?;
    let secret = form(secret).map_err(|_| malformed("Basic credentials are not UTF-8"))?;
    Ok((id, Secret::new(secret)))
}

fn subject_of(assertion: &str) -> Result<String, ClientAuthenticationError> {
    let malformed = ClientAuthenticationError::Malformed;
    let unverified = UnverifiedJws::parse(assertion).map_err(|_| malformed("client_assertion is not a compact JWS"))?;
    let claims = unverified.unverified_claims().map_err(|_| malformed("client_assertion has no claims"))?;
    claims.get("sub").and_then(Value::as_str).map(str::to_owned).ok_or(malformed("client_assertion has no sub"))
}

/// A client that has proven who it is, in this request.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
}

impl AuthenticatedClient {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Its identifier.
    pub fn id(&self) -> &ClientId {
        &self.client.id
    }
}

/// A `jti` that must be used once until it expires.
#[derive(Debug)]
pub struct AssertionUse {
    /// Hash of client and `jti`.
    pub hash: SecretHash,
    /// Until when it must be remembered.
    pub expires_at: Timestamp,
}

/// So many wrong secrets of one client from one address within [`FAILURES_WINDOW`] are told to be wrong; then none is
/// looked at until that time is over.
pub const MOST_FAILURES: u32 = 10;
/// Seconds from the first failure on within which failures are counted together.
pub const FAILURES_WINDOW: i64 = 60;

/// Failed authentications of one client from one address (RFC 6749 §2.3.1: endpoints that take a password are
/// protected against guessing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    number: u32,
    first_at: Timestamp,
}

impl Failures {
    /// The failures after one more; `before` are those known so far.
    #[must_use]
    pub fn one_more(before: Option<Self>, now: Timestamp) -> Self {
        match before {
            Some(Self { number, first_at }) if now.since(first_at) < FAILURES_WINDOW => {
                Self { number: number.saturating_add(1), first_at }
            }
            Some(_) | None => Self { number: 1, first_at: now },
        }
    }

    /// Seconds until the next attempt is looked at; 0 means now.
    pub fn wait_seconds(self, now: Timestamp) -> i64 {
        // A clock that went back has let no time pass.
        let left = FAILURES_WINDOW - now.since(self.first_at).max(0);
        if self.number < MOST_FAILURES { 0 } else { left.max(0) }
    }
}

impl ClientAuthenticationError {
    /// Whether a secret may have been guessed at; `has_secret` tells whether the client has one. Clients that nobody
    /// knows count as well, so that they sound like the others; a key cannot be guessed.
    pub const fn is_guess(&self, has_secret: bool) -> bool {
        match self {
            Self::UnknownClient | Self::WrongSecret(_) | Self::OtherMethod(_) => true,
            Self::Assertion(..) => has_secret,
            Self::Missing
            | Self::SeveralMethods
            | Self::Malformed(_)
            | Self::Replayed(_)
            | Self::TooManyFailures(..)
            | Self::KeysUnavailable(..) => false,
        }
    }
}

/// What an assertion is measured against.
#[derive(Debug)]
pub struct AssertionRules<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The token endpoint's address.
    pub token_endpoint: &'a str,
    /// The tenant's rule.
    pub audience: AssertionAudience,
    /// Now.
    pub now: Timestamp,
}

/// Decides whether `presented` proves to be `client`.
///
/// `keys` are those of the client for `private_key_jwt`. A returned [`AssertionUse`] is still to be
/// recorded: only the store can know whether it was used before.
///
/// # Errors
/// See [`ClientAuthenticationError`].
pub fn check(
    presented: &Presented,
    client: Arc<Client>,
    keys: Option<&KeySet>,
    rules: &AssertionRules<'_>,
) -> Result<(AuthenticatedClient, Option<AssertionUse>), ClientAuthenticationError> {
    use ClientAuthenticationError as Refused;
    use ClientAuthenticationMethod as Method;
    // §2.3.1: the credentials are those of the client that the request names.
    if client.id != presented.client_id || !client.enabled {
        return Err(Refused::UnknownClient);
    }
    let id = || client.id.clone();
    let method = client.metadata.token_endpoint_auth_method;
    let mut assertion_use = None;
    match (&presented.credential, method) {
        (Credential::None, Method::None) => {}
        // RFC 6749 §2.3.1: Basic MUST be supported for every client with a password; where the same secret travels makes
        // no difference to what it proves, and libraries differ between the token and the revocation endpoint.
        (
            Credential::Basic(secret) | Credential::Post(secret),
            Method::ClientSecretBasic | Method::ClientSecretPost,
        ) => {
            let matches = client.secret_hash.as_ref().is_some_and(|hash| hash.matches(secret));
            if !matches {
                return Err(Refused::WrongSecret(id()));
            }
        }
        (Credential::Assertion(jwt), Method::PrivateKeyJwt | Method::ClientSecretJwt) => {
            let claims = verify_assertion(jwt, &client, keys).map_err(|error| Refused::Assertion(id(), error))?;
            let used = check_assertion(&claims, &client, rules).map_err(|error| Refused::Assertion(id(), error))?;
            assertion_use = Some(used);
        }
        // OpenID Connect Core §9, RFC 7591 §2: any other method than the registered one is a downgrade.
        (Credential::None | Credential::Basic(_) | Credential::Post(_) | Credential::Assertion(_), _) => {
            return Err(Refused::OtherMethod(id()));
        }
    }
    Ok((AuthenticatedClient { client }, assertion_use))
}

fn verify_assertion(jwt: &str, client: &Client, keys: Option<&KeySet>) -> Result<Map<String, Value>, String> {
    let unverified = UnverifiedJws::parse(jwt).map_err(|error| error.to_string())?;
    // §9 of OIDC Core and RFC 7591 §2: if an algorithm is registered, it is the only one.
    let registered = client.metadata.token_endpoint_auth_signing_alg.as_deref();
    if registered.is_some_and(|alg| alg != unverified.algorithm()) {
        return Err("signed by another algorithm than the registered one".to_owned());
    }
    let verified = match client.metadata.token_endpoint_auth_method {
        ClientAuthenticationMethod::ClientSecretJwt => {
            let secret = client.mac_secret.as_ref().ok_or("the client has no secret for a MAC")?;
            jws::verify_hs256(unverified, secret)
        }
        ClientAuthenticationMethod::PrivateKeyJwt
        | ClientAuthenticationMethod::None
        | ClientAuthenticationMethod::ClientSecretBasic
        | ClientAuthenticationMethod::ClientSecretPost => keys.ok_or("the client has no keys")?.verify(unverified),
    };
    verified.and_then(|verified| verified.claims()).map_err(|error| error.to_string())
}

/// RFC 7523 §3, in its order.
fn check_assertion(
    claims: &Map<String, Value>,
    client: &Client,
    rules: &AssertionRules<'_>,
) -> Result<AssertionUse, String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let date = |name: &str| {
        claims
            .get(name)
            .map(|value| jws::numeric_date(value).map_err(|_| format!("{name} is not a NumericDate")))
            .transpose()
    };
    // §3 (1), (2.B): iss and sub are the client_id.
    if text("iss") != Some(client.id.as_str()) || text("sub") != Some(client.id.as_str()) {
        return Err("iss and sub must both be the client_id".to_owned());
    }
    // §3 (3): the audience names us.
    let policy = client.metadata.client_assertion_audience.unwrap_or(rules.audience);
    let named = match (policy, claims.get("aud")) {
        (_, Some(Value::String(audience))) if audience == rules.issuer => true,
        (AssertionAudience::IssuerOrTokenEndpoint, Some(Value::String(audience))) => audience == rules.token_endpoint,
        (AssertionAudience::IssuerOrTokenEndpoint, Some(Value::Array(list))) => {
            list.iter().filter_map(Value::as_str).any(|one| one == rules.issuer || one == rules.token_endpoint)
        }
        (AssertionAudience::Issuer | AssertionAudience::IssuerOrTokenEndpoint, _) => false,
    };
    if !named {
        return Err("aud is not this issuer".to_owned());
    }
    // §3 (4): exp, within our cap.
    let expires = date("exp")?.ok_or("exp is missing")?;
    if expires <= rules.now.seconds() - CLOCK_SKEW {
        return Err("has expired".to_owned());
    }
    if expires > rules.now.seconds() + MAX_ASSERTION_LIFETIME + CLOCK_SKEW {
        return Err(format!("lives longer than {MAX_ASSERTION_LIFETIME} seconds"));
    }
    // §3 (5), (6): nbf and iat, if there.
    if date("nbf")?.into_iter().chain(date("iat")?).any(|at| at > rules.now.seconds() + CLOCK_SKEW) {
        return Err("nbf or iat lies in the future".to_owned());
    }
    // §3 (7); OIDC Core §9 makes jti required.
    let jti = text("jti").filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI).ok_or("jti is missing or too long")?;
    let hash = SecretHash::of(&format!("{}\n{jti}", client.id));
    Ok(AssertionUse { hash, expires_at: Timestamp::from_seconds(expires + CLOCK_SKEW) })
}
