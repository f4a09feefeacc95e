//! Registration endpoint and client configuration endpoint — RFC 7591 §3, RFC 7592 §2.

use poem::http::{Method, StatusCode, header};
use poem::{Body, Response};
use serde_json::{Map, Value};
use url::Url;

use super::allow_origin_of;
use crate::call::{Call, Head};
use crate::failure::{JsonFailure, bearer, json_no_store};
use crate::mint;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::bearer::{self as bearer_token, BearerError};
use crate::protocol::client::{Client, ClientAuthenticationMethod, ClientOrigin};
use crate::protocol::client_metadata::{ClientMetadata, MetadataRules};
use crate::protocol::error_code::ErrorCode;
use crate::protocol::identifiers::ClientId;
use crate::protocol::registration::{self, MAX_DOCUMENT, Told};
use crate::protocol::secret::Secret;
use crate::protocol::strict_json;
use crate::protocol::tenant_settings::Registration;
use crate::store::clients::ClientDraft;
use crate::store::one_time::Purpose;

/// Nested deeper than this, no metadata makes sense.
const MAX_DEPTH: usize = 8;

/// Registers a client (RFC 7591 §3.1).
///
/// # Errors
/// The metadata cannot be used, or nothing could be stored.
pub async fn register(call: Call, head: Head, body: Body) -> Result<Response, JsonFailure> {
    if let Some(refused) = refuse_stranger(&call, &head).await? {
        return Ok(refused);
    }
    let object = document(&head, body).await?;
    let metadata = checked(&call, &object)?;
    let id = ClientId::parse(&mint::handle())
        .ok_or_else(|| JsonFailure::new(ErrorCode::ServerError, "the server failed"))?;
    let secret = metadata.token_endpoint_auth_method.has_secret().then(mint::secret);
    let token = mint::secret();
    let draft = draft(&call, &id, &metadata, secret.as_ref(), &token)?;
    let audit = call.audit(call.event(AuditKind::ClientCreated).client(&id).with("origin", "dynamic"));
    if call.tenant.settings.client_registration == Registration::InitialAccessToken {
        // The token is used up with the client that it makes, or not at all.
        let initial = bearer_of(&head).map(Secret::new).unwrap_or_else(|_| Secret::new(""));
        if !call.store.add_client_by_token(&initial.hash(), &draft, audit, call.now).await? {
            return Ok(bearer(BearerError::Invalid, &call.tenant.issuer, &call.reference));
        }
    } else {
        let limit = call.tenant.settings.client_registration_limit;
        if !call.store.add_dynamic_client(&draft, limit, audit, call.now).await? {
            return Err(JsonFailure::new(ErrorCode::AccessDenied, "this tenant takes no more registrations"));
        }
    }
    let told = Told {
        registration_client_uri: call.tenant.at(&format!("register/{id}")),
        registration_access_token: &token,
        client_secret: secret.as_ref(),
        client_id_issued_at: call.now.seconds(),
    };
    let answer = registration::response(&id, metadata.to_object(), &told);
    let mut response = json_no_store(StatusCode::CREATED, &Value::Object(answer));
    allow_origin_of(&metadata, &head, &mut response);
    Ok(response)
}

/// Reads, replaces or removes a client (RFC 7592 §2).
///
/// # Errors
/// The metadata cannot be used, or nothing could be stored.
pub async fn manage(call: Call, head: Head, body: Body) -> Result<Response, JsonFailure> {
    let token = match bearer_of(&head) {
        Ok(token) => Secret::new(token),
        Err(error) => return Ok(bearer(error, &call.tenant.issuer, &call.reference)),
    };
    let name = head.uri.path().strip_prefix("/register/").unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    // From the database, not from memory: what another replica has changed is not to be put back.
    let client = match ClientId::parse(&name) {
        Some(id) => call.store.client(&id, &call.tenant.secrets.client_secret).await?,
        None => None,
    };
    // RFC 7592 §2: an unknown client is answered like a wrong token.
    let proven = client.filter(|client| {
        client.enabled && client.registration_token_hash.as_ref().is_some_and(|hash| hash.matches(&token))
    });
    let Some(client) = proven else { return Ok(bearer(BearerError::Invalid, &call.tenant.issuer, &call.reference)) };
    let mut response = match head.method {
        Method::DELETE => {
            let event = call.event(AuditKind::ClientDeleted).client(&client.id);
            call.store.delete_client(&client.id, call.audit(event), call.now).await?;
            call.app
                .directory
                .forget(call.tenant.id, &crate::store::notices::Notice::Client(client.id.to_string()))
                .await;
            StatusCode::NO_CONTENT.into()
        }
        Method::PUT => update(&call, &head, body, &client, &token).await?,
        _ => read(&call, &client, &token),
    };
    allow_origin_of(&client.metadata, &head, &mut response);
    Ok(response)
}

fn read(call: &Call, client: &Client, token: &Secret) -> Response {
    let told = Told {
        registration_client_uri: call.tenant.at(&format!("register/{}", client.id)),
        registration_access_token: token,
        client_secret: None,
        client_id_issued_at: client.created_at.seconds(),
    };
    json_no_store(
        StatusCode::OK,
        &Value::Object(registration::response(&client.id, client.metadata.to_object(), &told)),
    )
}

async fn update(
    call: &Call,
    head: &Head,
    body: Body,
    client: &Client,
    token: &Secret,
) -> Result<Response, JsonFailure> {
    let object = document(head, body).await?;
    registration::check_update(&object, client)
        .map_err(|reason| JsonFailure::new(ErrorCode::InvalidRequest, reason))?;
    // The final object is checked, by the same rules as a new one.
    let metadata = checked(call, &object)?;
    let (old, new) = (client.metadata.token_endpoint_auth_method, metadata.token_endpoint_auth_method);
    // Another method may need a secret that is stored otherwise: then a new one is made.
    let renewed = new.has_secret() && (old != new || client.secret_hash.is_none());
    let secret = renewed.then(mint::secret);
    let mut draft = draft(call, &client.id, &metadata, secret.as_ref(), token)?;
    if new.has_secret() && !renewed {
        draft.secret_hash = client.secret_hash.clone();
        draft.mac_secret = client.mac_secret.as_ref().map(|secret| seal(call, &client.id, secret)).transpose()?;
    }
    let event = call.event(AuditKind::ClientChanged).client(&client.id).with("origin", "dynamic");
    if !call.store.update_client(&draft, client.version, call.audit(event), call.now).await? {
        let reason = "the client was changed at the same moment, try again";
        return Err(JsonFailure::new(ErrorCode::TemporarilyUnavailable, reason));
    }
    call.app.directory.forget(call.tenant.id, &crate::store::notices::Notice::Client(client.id.to_string())).await;
    let told = Told {
        registration_client_uri: call.tenant.at(&format!("register/{}", client.id)),
        registration_access_token: token,
        client_secret: secret.as_ref(),
        client_id_issued_at: client.created_at.seconds(),
    };
    Ok(json_no_store(StatusCode::OK, &Value::Object(registration::response(&client.id, metadata.to_object(), &told))))
}

/// RFC 7591 §3: closed, with an initial access token, or open.
async fn refuse_stranger(call: &Call, head: &Head) -> Result<Option<Response>, JsonFailure> {
    let refused = |error: BearerError| Ok(Some(bearer(error, &call.tenant.issuer, &call.reference)));
    if !call.is_open() {
        return refused(BearerError::Invalid);
    }
    match call.tenant.settings.client_registration {
        Registration::Open => Ok(None),
        Registration::Off => refused(BearerError::Invalid),
        Registration::InitialAccessToken => match bearer_of(head) {
            Err(error) => refused(error),
            Ok(token) => {
                let hash = Secret::new(token).hash();
                let good = call.store.peek_one_time_token(Purpose::InitialAccessToken, &hash, call.now).await?;
                if good { Ok(None) } else { refused(BearerError::Invalid) }
            }
        },
    }
}

fn bearer_of(head: &Head) -> Result<&str, BearerError> {
    let headers: Vec<&str> =
        head.headers.get_all(header::AUTHORIZATION).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    bearer_token::read(&headers, head.query(), None)
}

fn rules(call: &Call) -> MetadataRules {
    MetadataRules {
        origin: ClientOrigin::Dynamic,
        scope: call.tenant.settings.registration_scope(),
        id_token_signed_response_alg: call.tenant.settings.signing_alg,
    }
}

/// The metadata, if it holds; an address that the fetcher would refuse is refused when it is saved already.
fn checked(call: &Call, object: &Map<String, Value>) -> Result<ClientMetadata, JsonFailure> {
    let metadata =
        ClientMetadata::parse(object, &rules(call)).map_err(|error| JsonFailure::new(error.code(), error))?;
    if let Some(url) = metadata.jwks_uri.as_deref().and_then(|uri| Url::parse(uri).ok()) {
        let refused = |error: crate::outbound::FetchError| {
            let description = format!("jwks_uri cannot be used: {}", error.public());
            JsonFailure::quiet(ErrorCode::InvalidClientMetadata, &description, error)
        };
        call.app.fetcher.check(&url).map_err(refused)?;
    }
    Ok(metadata)
}

async fn document(head: &Head, body: Body) -> Result<Map<String, Value>, JsonFailure> {
    let invalid = |reason: String| JsonFailure::new(ErrorCode::InvalidClientMetadata, reason);
    let json = head.header("content-type").is_some_and(|value| {
        value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
    });
    if !json {
        return Err(invalid("the body must be application/json".to_owned()));
    }
    let bytes = body
        .into_bytes_limit(MAX_DOCUMENT)
        .await
        .map_err(|error| invalid(format!("the body cannot be read: {error}")))?;
    strict_json::object(&bytes, MAX_DEPTH).map_err(|error| invalid(format!("the body is not a JSON object: {error}")))
}

fn seal(call: &Call, id: &ClientId, secret: &[u8]) -> Result<Vec<u8>, JsonFailure> {
    let sealed = call.tenant.secrets.client_secret.seal(id.as_str().as_bytes(), secret);
    sealed.map_err(|error| JsonFailure::quiet(ErrorCode::ServerError, "the server failed", error))
}

fn draft<'a>(
    call: &Call,
    id: &'a ClientId,
    metadata: &'a ClientMetadata,
    secret: Option<&Secret>,
    token: &Secret,
) -> Result<ClientDraft<'a>, JsonFailure> {
    let mac = metadata.token_endpoint_auth_method == ClientAuthenticationMethod::ClientSecretJwt;
    let mac_secret = match secret {
        Some(secret) if mac => Some(seal(call, id, secret.expose().as_bytes())?),
        _ => None,
    };
    Ok(ClientDraft {
        id,
        metadata,
        origin: ClientOrigin::Dynamic,
        secret_hash: secret.map(Secret::hash),
        mac_secret,
        registration_token_hash: Some(token.hash()),
    })
}
