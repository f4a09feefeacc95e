//! Token endpoint — RFC 6749 §3.2, §4.1.3, §4.4, §5, §6; OpenID Connect Core §3.1.3, §12.

use poem::http::StatusCode;
use poem::{Body, Response};
use serde_json::{Map, Value};

use super::{allow_origin_of, authenticated, form};
use crate::call::{Call, Head};
use crate::failure::{JsonFailure, json_no_store};
use crate::mint;
use crate::protocol::access_token::{self, AccessToken};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::authorization_code::{self, CodeError, CodeRequest};
use crate::protocol::claims_request::{self, ClaimsPlace};
use crate::protocol::client::{Client, GrantType};
use crate::protocol::client_authentication::AuthenticatedClient;
use crate::protocol::client_credentials;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::grant::Grant;
use crate::protocol::id_token;
use crate::protocol::params::Params;
use crate::protocol::policy::{self, OnBehalfOf, Permit, PolicyRefusal};
use crate::protocol::refresh_token::{self, RefreshError, RefreshRequest, RefreshToken, Rotation};
use crate::protocol::scope::{OPENID, Scope};
use crate::protocol::secret::Secret;
use crate::store::codes::CodeInContext;
use crate::store::grants::GrantInContext;

/// How often a refresh looks again when another request changed the family between look and write.
const REFRESH_LOOKS: usize = 4;

/// What a grant gives.
#[derive(Debug)]
struct Issued {
    access_token: String,
    lifetime: u32,
    scope: Scope,
    refresh_token: Option<Secret>,
    id_token: Option<String>,
}

/// The endpoint.
///
/// # Errors
/// The registered error of the first rule that is broken.
pub async fn token(mut call: Call, head: Head, body: Body) -> Result<Response, JsonFailure> {
    let params = form(&mut call, &head, body).await?;
    let client = authenticated(&call, &head, &params).await?;
    let issued = grant(&call, &client, &params).await;
    let mut response = match issued {
        Ok(issued) => json_no_store(StatusCode::OK, &answer(issued)),
        Err(failure) => failure.into_response(&call.reference),
    };
    allow_origin_of(&client.client().metadata, &head, &mut response);
    Ok(response)
}

async fn grant(call: &Call, client: &AuthenticatedClient, params: &Params) -> Result<Issued, JsonFailure> {
    // RFC 6749 §5.2: missing is invalid_request, unknown is unsupported_grant_type.
    let name =
        params.get("grant_type").ok_or_else(|| JsonFailure::new(ErrorCode::InvalidRequest, "grant_type is missing"))?;
    let grant = GrantType::parse(name)
        .filter(|grant| call.tenant.capabilities.grants.contains(grant))
        .ok_or_else(|| JsonFailure::new(ErrorCode::UnsupportedGrantType, "this grant_type is not supported"))?;
    if !client.client().may_use(grant) {
        let reason = format!("the client is not registered for {}", grant.as_str());
        return Err(JsonFailure::new(ErrorCode::UnauthorizedClient, reason));
    }
    match grant {
        GrantType::AuthorizationCode => redeem_code(call, client, params).await,
        GrantType::RefreshToken => refresh(call, client, params).await,
        GrantType::ClientCredentials => credentials(call, client, params).await,
    }
}

/// RFC 6749 §5.1.
fn answer(issued: Issued) -> Value {
    let mut answer = Map::new();
    answer.insert("access_token".into(), issued.access_token.into());
    answer.insert("token_type".into(), "Bearer".into());
    answer.insert("expires_in".into(), issued.lifetime.into());
    answer.insert("scope".into(), issued.scope.to_string().into());
    if let Some(token) = issued.refresh_token {
        answer.insert("refresh_token".into(), token.expose().into());
    }
    if let Some(token) = issued.id_token {
        answer.insert("id_token".into(), token.into());
    }
    Value::Object(answer)
}

/// A refusal of the policy gate is written down: somebody holds what would have given tokens.
async fn refused_by_policy(call: &Call, client: &Client, error: PolicyRefusal) -> JsonFailure {
    let event = call.event(AuditKind::GrantRefused).client(&client.id).with("reason", error.to_string());
    match call.store.append(call.audit(event)).await {
        Ok(_) => policy_failure(&error),
        Err(error) => error.into(),
    }
}

fn policy_failure(error: &PolicyRefusal) -> JsonFailure {
    let code = match error {
        PolicyRefusal::ClientDisabled => ErrorCode::InvalidClient,
        PolicyRefusal::GrantNotRegistered(_) => ErrorCode::UnauthorizedClient,
        PolicyRefusal::TenantSuspended
        | PolicyRefusal::OtherParty(_)
        | PolicyRefusal::UserGone
        | PolicyRefusal::UserDisabled(_)
        | PolicyRefusal::SessionEnded
        | PolicyRefusal::OtherUser => ErrorCode::InvalidGrant,
    };
    JsonFailure::quiet(code, "no tokens are issued for this grant", error)
}

fn refused_code(error: &CodeError) -> JsonFailure {
    match error.code() {
        ErrorCode::InvalidGrant => JsonFailure::quiet(
            ErrorCode::InvalidGrant,
            "the code is unknown, expired, used or not meant for this request",
            error,
        ),
        code => JsonFailure::new(code, error),
    }
}

async fn redeem_code(call: &Call, client: &AuthenticatedClient, params: &Params) -> Result<Issued, JsonFailure> {
    let request = CodeRequest::parse(params).map_err(|error| refused_code(&error))?;
    let hash = request.code.hash();
    let found = call.store.code(&hash, call.now).await?.ok_or_else(|| refused_code(&CodeError::Unknown))?;
    let CodeInContext { code, user, session_alive } = found;
    let redeemed = match authorization_code::check(&request, code, client, call.now) {
        Ok(redeemed) => redeemed,
        Err(error) => {
            if let CodeError::Reused(grant) = &error {
                // §4.1.2: what the code gave is ended.
                let event = call.event(AuditKind::CodeReused).client(client.id()).with("grant", grant.to_string());
                call.store.end_grant(*grant, call.audit(event), call.now).await?;
            }
            return Err(refused_code(&error));
        }
    };
    let on_behalf_of = OnBehalfOf::Person {
        grant_id: redeemed.grant_id,
        allowed: &redeemed.allowed,
        user: user.as_ref(),
        session_alive,
    };
    let permit = match policy::decide(call.tenant.status, client.client(), GrantType::AuthorizationCode, on_behalf_of) {
        Ok(permit) => permit,
        Err(error) => return Err(refused_by_policy(call, client.client(), error).await),
    };
    let refreshable = client.client().may_use(GrantType::RefreshToken);
    let first = refreshable.then_some(RefreshToken { grant: redeemed.grant_id, generation: 1 });
    let scope = redeemed.allowed.scope.clone();
    let nonce = redeemed.allowed.nonce.as_deref();
    // Signed before anything is written: a code must not be used up for tokens that could not be made.
    let issued = issue(call, &permit, (&scope, &redeemed.resources), nonce, first).await?;
    let grant = new_grant(call, client.client(), &redeemed, first.is_some());
    let event = call
        .event(AuditKind::CodeRedeemed)
        .client(client.id())
        .user(redeemed.allowed.user_id, permit.user().and_then(|user| user.audit_salt.clone()))
        .with("grant", redeemed.grant_id.to_string())
        .with("scope", scope.to_string());
    if !call.store.redeem_code(&hash, &grant, call.audit(event), call.now).await? {
        // Another request with the same code was first: reuse all the same.
        let event = call.event(AuditKind::CodeReused).client(client.id()).with("grant", redeemed.grant_id.to_string());
        call.store.end_grant(redeemed.grant_id, call.audit(event), call.now).await?;
        return Err(refused_code(&CodeError::Reused(redeemed.grant_id)));
    }
    Ok(issued)
}

fn new_grant(call: &Call, client: &Client, redeemed: &authorization_code::Redeemed, refreshable: bool) -> Grant {
    let settings = &call.tenant.settings;
    // Without a refresh token the grant lives as long as its access token may.
    let (idle, whole) = if refreshable {
        (settings.refresh_token_idle_seconds, settings.refresh_token_lifetime_seconds)
    } else {
        (settings.access_token_lifetime_seconds, settings.access_token_lifetime_seconds)
    };
    let expires_at = call.now.plus(i64::from(whole));
    Grant {
        id: redeemed.grant_id,
        client_id: client.id.clone(),
        allowed: redeemed.allowed.clone(),
        created_at: call.now,
        expires_at,
        idle_expires_at: call.now.plus(i64::from(idle)).min(expires_at),
        generation: u32::from(refreshable),
        rotated_at: call.now,
        revoked_at: None,
    }
}

fn refused_refresh(error: &RefreshError) -> JsonFailure {
    match error.code() {
        ErrorCode::InvalidGrant => JsonFailure::quiet(
            ErrorCode::InvalidGrant,
            "the refresh token is unknown, expired, revoked, used or not meant for this client",
            error,
        ),
        code => JsonFailure::new(code, error),
    }
}

async fn refresh(call: &Call, client: &AuthenticatedClient, params: &Params) -> Result<Issued, JsonFailure> {
    let key = &call.tenant.secrets.refresh_token;
    let request = RefreshRequest::parse(params, key).map_err(|error| refused_refresh(&error))?;
    // Another request may rotate the same token between our look and our write: then look again, and decide anew.
    for _ in 0..REFRESH_LOOKS {
        let found = call.store.grant_in_context(request.token.grant, call.now).await?;
        let context = found.ok_or_else(|| refused_refresh(&RefreshError::Unknown))?;
        if let Some(issued) = refresh_once(call, client, &request, &context).await? {
            return Ok(issued);
        }
    }
    Err(JsonFailure::new(
        ErrorCode::TemporarilyUnavailable,
        "too many requests use this refresh token at the same time",
    ))
}

/// One look, one decision, one write. `None` if the family changed in between.
async fn refresh_once(
    call: &Call,
    client: &AuthenticatedClient,
    request: &RefreshRequest,
    context: &GrantInContext,
) -> Result<Option<Issued>, JsonFailure> {
    let grant = &context.grant;
    let settings = &call.tenant.settings;
    let grace = client.client().metadata.refresh_token_grace_seconds.unwrap_or(settings.refresh_token_grace_seconds);
    let refreshed = match refresh_token::check(request, grant, client, grace, call.now) {
        Ok(refreshed) => refreshed,
        Err(error) => {
            if let RefreshError::Reused { generation, .. } = &error {
                let event = call
                    .event(AuditKind::TokenReused)
                    .client(client.id())
                    .with("grant", grant.id.to_string())
                    .with("generation", *generation);
                call.store.end_grant(grant.id, call.audit(event), call.now).await?;
            }
            return Err(refused_refresh(&error));
        }
    };
    let on_behalf_of = OnBehalfOf::Person {
        grant_id: grant.id,
        allowed: &grant.allowed,
        user: context.user.as_ref(),
        session_alive: context.session_alive,
    };
    let permit = match policy::decide(call.tenant.status, client.client(), GrantType::RefreshToken, on_behalf_of) {
        Ok(permit) => permit,
        Err(error) => return Err(refused_by_policy(call, client.client(), error).await),
    };
    // OIDC Core §12.2: no nonce in a refreshed ID token.
    let issued =
        issue(call, &permit, (&refreshed.scope, &refreshed.resources), None, Some(refreshed.successor)).await?;
    let kind = match refreshed.rotation {
        Rotation::Rotate => AuditKind::TokenRefreshed,
        Rotation::Repeat => AuditKind::TokenRepeated,
    };
    let event = call
        .event(kind)
        .client(client.id())
        .user(grant.allowed.user_id, permit.user().and_then(|user| user.audit_salt.clone()))
        .with("grant", grant.id.to_string())
        .with("generation", refreshed.successor.generation);
    let audit = call.audit(event);
    let written = match refreshed.rotation {
        Rotation::Rotate => {
            let idle = call.now.plus(i64::from(settings.refresh_token_idle_seconds)).min(grant.expires_at);
            call.store.rotate_refresh_token(grant, idle, audit, call.now).await?
        }
        Rotation::Repeat => {
            call.store.append(audit).await?;
            true
        }
    };
    Ok(written.then_some(issued))
}

async fn credentials(call: &Call, client: &AuthenticatedClient, params: &Params) -> Result<Issued, JsonFailure> {
    let asked = client_credentials::check(params, client.client(), |resource| call.tenant.knows_resource(resource))
        .map_err(|error| JsonFailure::new(error.code(), error))?;
    let permit =
        match policy::decide(call.tenant.status, client.client(), GrantType::ClientCredentials, OnBehalfOf::Itself) {
            Ok(permit) => permit,
            Err(error) => return Err(refused_by_policy(call, client.client(), error).await),
        };
    let issued = issue(call, &permit, (&asked.scope, &asked.resources), None, None).await?;
    let event = call.event(AuditKind::TokenIssued).client(client.id()).with("scope", asked.scope.to_string());
    call.store.append(call.audit(event)).await?;
    Ok(issued)
}

/// Makes the tokens that a permit allows.
async fn issue(
    call: &Call,
    permit: &Permit<'_>,
    (scope, resources): (&Scope, &[String]),
    nonce: Option<&str>,
    refresh: Option<RefreshToken>,
) -> Result<Issued, JsonFailure> {
    let settings = &call.tenant.settings;
    let client = permit.client();
    let contents = access_token::Contents {
        issuer: &call.tenant.issuer,
        resources,
        scope,
        jti: mint::handle(),
        lifetime: settings.access_token_lifetime_seconds,
        now: call.now,
    };
    let token = AccessToken::of(permit, contents);
    let access_token = if access_token::is_opaque(client) {
        seal_access_token(call, &token)?
    } else {
        call.sign(settings.signing_alg, access_token::TYP, &token).await?
    };
    let id_token = match (permit.allowed(), permit.user()) {
        (Some(allowed), Some(user)) if scope.contains(OPENID) => {
            let algorithm = client.metadata.id_token_signed_response_alg;
            let mut known = user.claims.clone();
            known.insert("preferred_username".into(), user.username.as_str().into());
            let claims = id_token::claims(id_token::Contents {
                issuer: &call.tenant.issuer,
                client_id: &client.id,
                allowed,
                nonce,
                at_hash: algorithm.left_half_hash(&access_token),
                claims: claims_request::release(&known, scope, &allowed.claims, ClaimsPlace::IdToken),
                lifetime: settings.id_token_lifetime_seconds,
                now: call.now,
            });
            Some(call.sign(algorithm, id_token::TYP, &claims).await?)
        }
        _ => None,
    };
    Ok(Issued {
        access_token,
        lifetime: settings.access_token_lifetime_seconds,
        scope: scope.clone(),
        refresh_token: refresh.map(|token| token.text(&call.tenant.secrets.refresh_token)),
        id_token,
    })
}

fn seal_access_token(call: &Call, token: &AccessToken) -> Result<String, JsonFailure> {
    let failed = |error: String| JsonFailure::quiet(ErrorCode::ServerError, "the server failed", error);
    let plain = serde_json::to_vec(token).map_err(|error| failed(error.to_string()))?;
    let sealed = call.tenant.secrets.access_token.seal_text(access_token::OPAQUE_CONTEXT, &plain);
    Ok(format!("{}{}", access_token::OPAQUE_PREFIX, sealed.map_err(|error| failed(error.to_string()))?))
}
