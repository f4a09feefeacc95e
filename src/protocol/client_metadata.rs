//! Client metadata — RFC 7591 §2, OpenID Connect Registration §2, RP-Initiated Logout §3.1.
//!
//! One door for `apply`, the command line, dynamic registration and rows. What is not stated is
//! defaulted, and the answer says so (RFC 7591 §3.2.1).
//!
//! `Left out:` pairwise subjects, encrypted and signed answers, request objects, pushed requests, tokens bound to a
//! key or certificate, rich requests, logout messages: asked for, they are refused.

use serde_json::{Map, Value};

use super::client::{ClientAuthenticationMethod, ClientOrigin, GrantType};
use super::error_code::ErrorCode;
use super::json_web_key::KeySet;
use super::members::{MemberError, Members};
use super::plain_text::is_deceiving_text;
use super::redirect_uri::{ApplicationType, RedirectUri, RedirectUriError};
use super::scope::Scope;
use super::signature::SignatureAlgorithm;
use super::tenant_settings::AssertionAudience;

/// Most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 50;
/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Longest list of contacts and the like.
const MAX_LIST: usize = 20;

/// Why metadata is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A member that is missing, of the wrong type or out of range.
    #[error("{0}")]
    Member(#[from] MemberError),
    /// A redirect URI that cannot be one (RFC 7591 §3.2.2, `invalid_redirect_uri`).
    #[error("{0}")]
    RedirectUri(String),
    /// A software statement (RFC 7591 §2.3): nobody is trusted to make them yet.
    #[error("software_statement is not accepted by this server")]
    SoftwareStatement,
}

impl MetadataError {
    /// RFC 7591 §3.2.2.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Member(_) => ErrorCode::InvalidClientMetadata,
            Self::RedirectUri(_) => ErrorCode::InvalidRedirectUri,
            Self::SoftwareStatement => ErrorCode::InvalidSoftwareStatement,
        }
    }

    fn member(name: &str, problem: impl Into<String>) -> Self {
        Self::Member(MemberError { name: name.to_owned(), problem: problem.into() })
    }
}

/// The metadata of a client, checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is the registered member of that name (RFC 7591 §2, OIDC Registration §2)")]
pub struct ClientMetadata {
    pub redirect_uris: Vec<RedirectUri>,
    pub grant_types: Vec<GrantType>,
    pub response_types: Vec<String>,
    pub token_endpoint_auth_method: ClientAuthenticationMethod,
    pub token_endpoint_auth_signing_alg: Option<String>,
    pub scope: Scope,
    pub application_type: ApplicationType,
    pub client_name: Option<String>,
    pub client_uri: Option<String>,
    pub logo_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    pub contacts: Vec<String>,
    pub jwks: Option<Map<String, Value>>,
    pub jwks_uri: Option<String>,
    pub software_id: Option<String>,
    pub software_version: Option<String>,
    pub id_token_signed_response_alg: SignatureAlgorithm,
    pub default_max_age: Option<i64>,
    pub require_auth_time: bool,
    pub default_acr_values: Vec<String>,
    pub initiate_login_uri: Option<String>,
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Ours: no consent page (administrators alone).
    pub first_party: bool,
    /// Ours: access tokens without structure, read by introspection alone.
    pub opaque_access_tokens: bool,
    /// Ours: grace of the rotation in seconds, instead of the tenant's.
    pub refresh_token_grace_seconds: Option<u32>,
    /// Ours: which assertion audiences are accepted, instead of the tenant's (administrators alone).
    pub client_assertion_audience: Option<AssertionAudience>,
}

/// What decides beside the metadata itself.
#[derive(Clone, Debug)]
pub struct MetadataRules {
    /// Who registers.
    pub origin: ClientOrigin,
    /// The scopes a client may have, and gets if it does not say.
    pub scope: Scope,
    /// The algorithm of ID tokens for a client that does not say.
    pub id_token_signed_response_alg: SignatureAlgorithm,
}

impl ClientMetadata {
    /// Reads and checks a whole metadata object; for an update too, never the patch alone (RFC 7592 §2.2).
    ///
    /// # Errors
    /// The first member that is wrong, with what would be right.
    pub fn parse(object: &Map<String, Value>, rules: &MetadataRules) -> Result<Self, MetadataError> {
        let members = Members::new(object);
        let administrator = rules.origin == ClientOrigin::Administrator;
        let uris = members.any_texts("redirect_uris", MAX_REDIRECT_URIS)?.unwrap_or_default();
        let application_type = application_type(&members, &uris)?;
        let kind = (application_type, rules.origin);
        let method = authentication_method(&members, application_type)?;
        let grant_types = grant_types(&members)?;
        let metadata = Self {
            redirect_uris: redirect_uris(&uris, kind, "redirect_uris")?,
            response_types: response_types(&members, &grant_types)?,
            grant_types,
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: members.text("token_endpoint_auth_signing_alg")?,
            scope: scope(&members, rules)?,
            application_type,
            client_name: name(&members)?,
            client_uri: members.web_uri("client_uri")?,
            logo_uri: members.web_uri("logo_uri")?,
            policy_uri: members.web_uri("policy_uri")?,
            tos_uri: members.web_uri("tos_uri")?,
            contacts: members.texts("contacts", MAX_LIST)?.unwrap_or_default(),
            jwks: members.object("jwks")?,
            jwks_uri: members.https_uri("jwks_uri")?,
            software_id: members.text("software_id")?,
            software_version: members.text("software_version")?,
            id_token_signed_response_alg: id_token_alg(&members, rules)?,
            default_max_age: members.whole_number("default_max_age")?,
            require_auth_time: members.flag("require_auth_time")?.unwrap_or(false),
            default_acr_values: members.texts("default_acr_values", MAX_LIST)?.unwrap_or_default(),
            initiate_login_uri: members.https_uri("initiate_login_uri")?,
            post_logout_redirect_uris: redirect_uris(
                &members.any_texts("post_logout_redirect_uris", MAX_REDIRECT_URIS)?.unwrap_or_default(),
                kind,
                "post_logout_redirect_uris",
            )?,
            first_party: administrator && members.flag("first_party")?.unwrap_or(false),
            opaque_access_tokens: members.flag("opaque_access_tokens")?.unwrap_or(false),
            refresh_token_grace_seconds: grace(&members, administrator)?,
            client_assertion_audience: if administrator { members.choice("client_assertion_audience")? } else { None },
        };
        metadata.check_together()?;
        refuse_what_we_do_not_do(&members)?;
        Ok(metadata)
    }

    /// Rules that concern several members at once.
    fn check_together(&self) -> Result<(), MetadataError> {
        let code = self.grant_types.contains(&GrantType::AuthorizationCode);
        // RFC 7591 §2: redirect-based flows must register their URIs.
        if code && self.redirect_uris.is_empty() {
            return Err(MetadataError::RedirectUri(
                "redirect_uris must name at least one URI for authorization_code".into(),
            ));
        }
        // RFC 7591 §2: jwks and jwks_uri must not both be present.
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(MetadataError::member("jwks", "must not be given together with jwks_uri (RFC 7591 §2)"));
        }
        if let Some(jwks) = &self.jwks {
            let keys = KeySet::parse(jwks).map_err(|error| MetadataError::member("jwks", error.to_string()))?;
            if keys.keys().is_empty() {
                return Err(MetadataError::member("jwks", "holds no key that can verify ES256, EdDSA, RS256 or PS256"));
            }
        }
        let keys = self.jwks.is_some() || self.jwks_uri.is_some();
        if self.token_endpoint_auth_method == ClientAuthenticationMethod::PrivateKeyJwt && !keys {
            return Err(MetadataError::member("jwks", "or jwks_uri is needed for private_key_jwt"));
        }
        let public = self.token_endpoint_auth_method == ClientAuthenticationMethod::None;
        // RFC 6749 §4.4: client credentials are for confidential clients alone.
        if public && self.grant_types.contains(&GrantType::ClientCredentials) {
            return Err(MetadataError::member(
                "grant_types",
                "client_credentials needs client authentication (RFC 6749 §4.4)",
            ));
        }
        self.check_assertion_alg()
    }

    fn check_assertion_alg(&self) -> Result<(), MetadataError> {
        let Some(alg) = self.token_endpoint_auth_signing_alg.as_deref() else { return Ok(()) };
        let fits = match self.token_endpoint_auth_method {
            ClientAuthenticationMethod::ClientSecretJwt => alg == "HS256",
            ClientAuthenticationMethod::PrivateKeyJwt => alg.parse::<SignatureAlgorithm>().is_ok(),
            ClientAuthenticationMethod::None
            | ClientAuthenticationMethod::ClientSecretBasic
            | ClientAuthenticationMethod::ClientSecretPost => false,
        };
        if fits {
            return Ok(());
        }
        let problem =
            "does not fit token_endpoint_auth_method, or is not one of ES256, EdDSA, Ed25519, RS256, PS256, HS256";
        Err(MetadataError::member("token_endpoint_auth_signing_alg", problem))
    }

    /// Whether a browser page of `origin` may read answers meant for this client (CONTRACT, behaviour 7).
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.redirect_uris.iter().any(|uri| {
            uri.origin() == origin
                || uri.as_asked(&format!("{origin}{}", path_of(uri.as_str())), self.application_type).is_some()
        })
    }

    /// The whole object, defaults included: for rows and for the answers of RFC 7591 §3.2.1.
    pub fn to_object(&self) -> Map<String, Value> {
        let texts = |list: Vec<&str>| Value::from(list);
        let uris = |list: &[RedirectUri]| Value::from(list.iter().map(RedirectUri::as_str).collect::<Vec<_>>());
        let mut object = Map::new();
        object.insert("redirect_uris".into(), uris(&self.redirect_uris));
        object.insert("grant_types".into(), texts(self.grant_types.iter().map(|grant| grant.as_str()).collect()));
        object.insert("response_types".into(), Value::from(self.response_types.clone()));
        object.insert("token_endpoint_auth_method".into(), self.token_endpoint_auth_method.as_str().into());
        object.insert("scope".into(), self.scope.to_string().into());
        let application_type = match self.application_type {
            ApplicationType::Web => "web",
            ApplicationType::Native => "native",
        };
        object.insert("application_type".into(), application_type.into());
        object.insert("id_token_signed_response_alg".into(), self.id_token_signed_response_alg.name().into());
        for (name, text) in [
            ("token_endpoint_auth_signing_alg", &self.token_endpoint_auth_signing_alg),
            ("client_name", &self.client_name),
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
            ("jwks_uri", &self.jwks_uri),
            ("software_id", &self.software_id),
            ("software_version", &self.software_version),
            ("initiate_login_uri", &self.initiate_login_uri),
        ] {
            if let Some(text) = text {
                object.insert(name.into(), text.as_str().into());
            }
        }
        self.add_optional(&mut object);
        object
    }

    fn add_optional(&self, object: &mut Map<String, Value>) {
        for (name, list) in [("contacts", &self.contacts), ("default_acr_values", &self.default_acr_values)] {
            if !list.is_empty() {
                object.insert(name.into(), Value::from(list.clone()));
            }
        }
        if !self.post_logout_redirect_uris.is_empty() {
            let uris: Vec<&str> = self.post_logout_redirect_uris.iter().map(RedirectUri::as_str).collect();
            object.insert("post_logout_redirect_uris".into(), Value::from(uris));
        }
        if let Some(jwks) = &self.jwks {
            object.insert("jwks".into(), Value::Object(jwks.clone()));
        }
        if let Some(seconds) = self.default_max_age {
            object.insert("default_max_age".into(), seconds.into());
        }
        if let Some(seconds) = self.refresh_token_grace_seconds {
            object.insert("refresh_token_grace_seconds".into(), seconds.into());
        }
        if let Some(audience) = self.client_assertion_audience {
            object.insert("client_assertion_audience".into(), serde_json::to_value(audience).unwrap_or_default());
        }
        for (name, flag) in [
            ("require_auth_time", self.require_auth_time),
            ("first_party", self.first_party),
            ("opaque_access_tokens", self.opaque_access_tokens),
        ] {
            if flag {
                object.insert(name.into(), true.into());
            }
        }
    }
}

fn path_of(uri: &str) -> &str {
    uri.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or_default()
}

/// CONTRACT, behaviour 6: without `application_type`, URIs that are all native make a native client.
fn application_type(members: &Members<'_>, uris: &[String]) -> Result<ApplicationType, MetadataError> {
    if let Some(stated) = members.choice("application_type")? {
        return Ok(stated);
    }
    let native = |uri: &String| RedirectUri::register(uri, ApplicationType::Native).is_ok_and(|uri| uri.is_native());
    Ok(if !uris.is_empty() && uris.iter().all(native) { ApplicationType::Native } else { ApplicationType::Web })
}

fn redirect_uris(
    uris: &[String],
    (kind, origin): (ApplicationType, ClientOrigin),
    member: &str,
) -> Result<Vec<RedirectUri>, MetadataError> {
    let register = |uri: &String| {
        let uri = RedirectUri::register(uri, kind)?;
        match origin {
            ClientOrigin::Administrator => {}
            ClientOrigin::Dynamic => uri.check_self_registered(kind)?,
        }
        Ok(uri)
    };
    let read = |uri: &String| {
        register(uri).map_err(|error: RedirectUriError| {
            if member == "redirect_uris" {
                MetadataError::RedirectUri(format!("{member}: one {error}"))
            } else {
                MetadataError::member(member, format!("one {error}"))
            }
        })
    };
    uris.iter().map(read).collect()
}

fn authentication_method(
    members: &Members<'_>,
    application_type: ApplicationType,
) -> Result<ClientAuthenticationMethod, MetadataError> {
    match members.text("token_endpoint_auth_method")? {
        // RFC 7591 §2: client_secret_basic if omitted. `Choice:` a native client keeps no secret (RFC 8252 §8.5).
        None if application_type == ApplicationType::Native => Ok(ClientAuthenticationMethod::None),
        None => Ok(ClientAuthenticationMethod::ClientSecretBasic),
        Some(text) => ClientAuthenticationMethod::parse(&text).ok_or_else(|| {
            MetadataError::member("token_endpoint_auth_method", "is not one of those in the server's metadata")
        }),
    }
}

fn grant_types(members: &Members<'_>) -> Result<Vec<GrantType>, MetadataError> {
    // RFC 7591 §2: authorization_code if omitted.
    let Some(names) = members.texts("grant_types", MAX_LIST)? else { return Ok(vec![GrantType::AuthorizationCode]) };
    let read = |name: &String| {
        GrantType::parse(name)
            .ok_or_else(|| MetadataError::member("grant_types", "holds a grant that is not in the server's metadata"))
    };
    let mut grants = names.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    grants.sort();
    grants.dedup();
    Ok(grants)
}

/// RFC 7591 §2.1: response types and grant types must agree.
fn response_types(members: &Members<'_>, grants: &[GrantType]) -> Result<Vec<String>, MetadataError> {
    let code = grants.contains(&GrantType::AuthorizationCode);
    let default = if code { vec!["code".to_owned()] } else { Vec::new() };
    let stated = members.texts("response_types", MAX_LIST)?.unwrap_or_else(|| default.clone());
    if stated == default {
        return Ok(stated);
    }
    Err(MetadataError::member("response_types", "must be [\"code\"] with authorization_code and [] without it"))
}

fn scope(members: &Members<'_>, rules: &MetadataRules) -> Result<Scope, MetadataError> {
    let Some(text) = members.text_or_nothing("scope")? else { return Ok(rules.scope.clone()) };
    let scope = Scope::parse(&text).map_err(|error| MetadataError::member("scope", error.to_string()))?;
    match rules.origin {
        ClientOrigin::Administrator => Ok(scope),
        // RFC 7591 §2: the server may change what was asked for; the answer says what was given.
        ClientOrigin::Dynamic => Ok(scope.within(&rules.scope)),
    }
}

fn name(members: &Members<'_>) -> Result<Option<String>, MetadataError> {
    let Some(name) = members.text("client_name")? else { return Ok(None) };
    // Characters that turn or hide text would let one client pose as another on the consent page.
    // The one selector that asks for the coloured form of a sign does neither.
    let seen = name.replace('\u{fe0f}', "");
    if seen.trim().is_empty() || is_deceiving_text(&seen) || name.chars().count() > MAX_NAME {
        let problem = "must be at most 100 characters without control, invisible or direction-changing ones";
        return Err(MetadataError::member("client_name", problem));
    }
    Ok(Some(name))
}

fn id_token_alg(members: &Members<'_>, rules: &MetadataRules) -> Result<SignatureAlgorithm, MetadataError> {
    match members.text("id_token_signed_response_alg")? {
        None => Ok(rules.id_token_signed_response_alg),
        Some(name) => name.parse().map_err(|_| {
            MetadataError::member("id_token_signed_response_alg", "is not one of those in the server's metadata")
        }),
    }
}

fn grace(members: &Members<'_>, administrator: bool) -> Result<Option<u32>, MetadataError> {
    match members.whole_number("refresh_token_grace_seconds")? {
        Some(seconds) if administrator => match u32::try_from(seconds) {
            Ok(seconds) if seconds <= 60 => Ok(Some(seconds)),
            _ => Err(MetadataError::member("refresh_token_grace_seconds", "must be 0 to 60")),
        },
        _ => Ok(None),
    }
}

/// What answers would be signed or encrypted with. `none` asks for nothing.
const ALGORITHMS_LEFT_OUT: [&str; 14] = [
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
];
/// What a client would be known by, or be told at.
const VALUES_LEFT_OUT: [&str; 8] = [
    "sector_identifier_uri",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];
/// What would be held against every request. `false` asks for nothing.
const FLAGS_LEFT_OUT: [&str; 4] = [
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
];
/// What requests would be limited to. An empty list asks for nothing. `request_uris` is not among them: it limits
/// nothing that is served, a `request_uri` is refused whatever was registered, and it is not in the answer (RFC 7591
/// §3.2.1: what is not kept is left out).
const LISTS_LEFT_OUT: [&str; 1] = ["authorization_details_types"];

/// What we do not do must not be promised silently (RFC 7591 §2: the server may reject).
fn refuse_what_we_do_not_do(members: &Members<'_>) -> Result<(), MetadataError> {
    if members.text("subject_type")?.is_some_and(|kind| kind != "public") {
        return Err(MetadataError::member("subject_type", "must be public"));
    }
    if members.has("software_statement") {
        return Err(MetadataError::SoftwareStatement);
    }
    let refused = |name: &str| MetadataError::member(name, "is not supported by this server");
    for name in ALGORITHMS_LEFT_OUT {
        if members.text(name)?.is_some_and(|algorithm| algorithm != "none") {
            return Err(refused(name));
        }
    }
    for name in VALUES_LEFT_OUT {
        if members.has(name) {
            return Err(refused(name));
        }
    }
    for name in FLAGS_LEFT_OUT {
        if members.flag(name)? == Some(true) {
            return Err(refused(name));
        }
    }
    for name in LISTS_LEFT_OUT {
        if members.any_texts(name, MAX_LIST)?.is_some_and(|list| !list.is_empty()) {
            return Err(refused(name));
        }
    }
    Ok(())
}
