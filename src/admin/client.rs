//! Clients, as an administrator sees them.

use serde_json::{Map, Value};

use super::{AdminError, Desk, Effect};
use crate::mint;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::client::{Client, ClientAuthenticationMethod, ClientOrigin};
use crate::protocol::client_metadata::{ClientMetadata, MetadataRules};
use crate::protocol::identifiers::ClientId;
use crate::protocol::scope::Scope;
use crate::protocol::secret::{Secret, SecretHash};
use crate::protocol::tenant_settings::STANDARD_SCOPES;
use crate::store::clients::ClientDraft;
use crate::store::notices::Notice;

/// Shortest secret that an administrator may choose, in bytes: 128 bits if it is random.
pub const MIN_SECRET: usize = 16;

/// A client as it should be.
#[derive(Debug)]
pub struct Wanted {
    /// Its identifier.
    pub id: ClientId,
    /// Its metadata.
    pub metadata: ClientMetadata,
    /// Its secret; without one a new one is made where one is needed.
    pub secret: Option<Secret>,
}

/// What was done, and the secret if it is new.
#[derive(Debug)]
pub struct Done {
    /// What happened.
    pub effect: Effect,
    /// Told this once.
    pub secret: Option<Secret>,
}

/// The rules for clients that an administrator registers.
pub fn rules(desk: &Desk) -> MetadataRules {
    let standard = Scope::parse(&STANDARD_SCOPES.join(" ")).unwrap_or_default();
    MetadataRules {
        origin: ClientOrigin::Administrator,
        scope: desk.tenant.resources.iter().fold(standard, |all, resource| all.union(&resource.scope)),
        id_token_signed_response_alg: desk.tenant.settings.signing_alg,
    }
}

/// Checks metadata, identifier and secret.
///
/// # Errors
/// The member that is wrong.
pub fn wanted(
    desk: &Desk,
    place: &str,
    id: &str,
    object: &Map<String, Value>,
    secret: Option<String>,
) -> Result<Wanted, AdminError> {
    let id = ClientId::parse(id).ok_or_else(|| {
        AdminError::input(
            format!("{place}.client_id"),
            "must be 1 to 255 printable ASCII characters, and not look like a UUID (those are people)",
        )
    })?;
    let metadata = ClientMetadata::parse(object, &rules(desk)).map_err(|error| AdminError::input(place, error))?;
    if let Some(url) = metadata.jwks_uri.as_deref().and_then(|uri| url::Url::parse(uri).ok()) {
        let refused = |error: crate::outbound::FetchError| {
            AdminError::input(format!("{place}.jwks_uri"), format!("{error}; `outbound.allow_networks` may allow it"))
        };
        desk.app.fetcher.check(&url).map_err(refused)?;
    }
    if let Some(secret) = &secret {
        let mac = metadata.token_endpoint_auth_method == ClientAuthenticationMethod::ClientSecretJwt;
        let least = if mac { 32 } else { MIN_SECRET };
        if !metadata.token_endpoint_auth_method.has_secret() {
            return Err(AdminError::input(
                format!("{place}.client_secret"),
                "has no use with this token_endpoint_auth_method",
            ));
        }
        if secret.len() < least {
            return Err(AdminError::input(
                format!("{place}.client_secret"),
                format!("must have at least {least} bytes; leave it out to get a random one"),
            ));
        }
    }
    Ok(Wanted { id, metadata, secret: secret.map(Secret::new) })
}

/// Makes the client as wanted, or changes it into that.
///
/// # Errors
/// The database failed.
pub async fn put(desk: &Desk, wanted: &Wanted, plan: bool) -> Result<Done, AdminError> {
    let sealer = &desk.tenant.secrets.client_secret;
    let current = desk.store.client(&wanted.id, sealer).await?;
    let unchanged = current.as_ref().is_some_and(|current| is_as_wanted(current, wanted));
    if unchanged {
        return Ok(Done { effect: Effect::Unchanged, secret: None });
    }
    let effect = if current.is_some() { Effect::Changed } else { Effect::Created };
    if plan {
        return Ok(Done { effect, secret: None });
    }
    let method = wanted.metadata.token_endpoint_auth_method;
    let kept = current
        .as_ref()
        .filter(|current| current.metadata.token_endpoint_auth_method == method)
        .and_then(|current| current.secret_hash.clone());
    let new = match (&wanted.secret, &kept) {
        (Some(secret), _) => Some(secret.clone()),
        (None, None) if method.has_secret() => Some(mint::secret()),
        (None, _) => None,
    };
    let kept_mac = current.as_ref().and_then(|current| current.mac_secret.clone());
    let mac = (method == ClientAuthenticationMethod::ClientSecretJwt)
        .then(|| {
            new.as_ref().map(|secret| secret.expose().as_bytes().to_vec()).or(kept_mac.map(|secret| secret.to_vec()))
        })
        .flatten();
    let draft = ClientDraft {
        id: &wanted.id,
        metadata: &wanted.metadata,
        origin: ClientOrigin::Administrator,
        secret_hash: if method.has_secret() { new.as_ref().map(Secret::hash).or(kept) } else { None },
        mac_secret: mac.map(|secret| sealer.seal(wanted.id.as_str().as_bytes(), &secret)).transpose()?,
        registration_token_hash: current.as_ref().and_then(|current| current.registration_token_hash.clone()),
    };
    write(desk, &draft, current.map(|current| current.version)).await?;
    let made = if wanted.secret.is_none() { new } else { None };
    Ok(Done { effect, secret: made })
}

/// Writes a client that was found at a version, or was not found.
async fn write(desk: &Desk, draft: &ClientDraft<'_>, found: Option<i64>) -> Result<(), AdminError> {
    let kind = if found.is_some() { AuditKind::ClientChanged } else { AuditKind::ClientCreated };
    let audit = desk.audit(&desk.event(kind).client(draft.id).with("origin", "administrator"));
    let written = match found {
        Some(version) => desk.store.update_client(draft, version, audit, desk.now).await?,
        None => desk.store.add_client(draft, audit, desk.now).await?,
    };
    desk.app.directory.forget(desk.tenant.id, &Notice::Client(draft.id.to_string())).await;
    if !written {
        return Err(AdminError::ChangedMeanwhile(format!("client {}", draft.id)));
    }
    // An algorithm that a client asks for has its key published before the first token is signed with it.
    let algorithm = draft.metadata.id_token_signed_response_alg;
    crate::keys::signer(&desk.tenant, &desk.store, algorithm, desk.now).await?;
    Ok(())
}

fn is_as_wanted(current: &Client, wanted: &Wanted) -> bool {
    let same_secret = match (&wanted.secret, &current.secret_hash) {
        (None, _) => true,
        (Some(secret), Some(hash)) => hash.matches(secret),
        (Some(_), None) => false,
    };
    current.metadata == wanted.metadata && same_secret && current.origin == ClientOrigin::Administrator
}

/// A new secret; the old one is dead at once.
///
/// # Errors
/// There is no such client, or it has no secret.
pub async fn rotate_secret(desk: &Desk, id: &ClientId) -> Result<Secret, AdminError> {
    let sealer = &desk.tenant.secrets.client_secret;
    let current = desk.store.client(id, sealer).await?.ok_or_else(|| AdminError::Missing(format!("client {id}")))?;
    if !current.metadata.token_endpoint_auth_method.has_secret() {
        return Err(AdminError::input(
            "client_id",
            "this client has no secret: its token_endpoint_auth_method uses none",
        ));
    }
    let secret = mint::secret();
    let mac = current.metadata.token_endpoint_auth_method == ClientAuthenticationMethod::ClientSecretJwt;
    let mac_secret = if mac { Some(sealer.seal(id.as_str().as_bytes(), secret.expose().as_bytes())?) } else { None };
    let draft = ClientDraft {
        id,
        metadata: &current.metadata,
        origin: current.origin,
        secret_hash: Some(SecretHash::of(secret.expose())),
        mac_secret,
        registration_token_hash: current.registration_token_hash.clone(),
    };
    write(desk, &draft, Some(current.version)).await?;
    Ok(secret)
}

/// Removes a client and ends its grants.
///
/// # Errors
/// The database failed.
pub async fn delete(desk: &Desk, id: &ClientId, plan: bool) -> Result<Effect, AdminError> {
    if desk.store.client(id, &desk.tenant.secrets.client_secret).await?.is_none() {
        return Ok(Effect::Unchanged);
    }
    if !plan {
        let audit = desk.audit(&desk.event(AuditKind::ClientDeleted).client(id));
        desk.store.delete_client(id, audit, desk.now).await?;
        desk.app.directory.forget(desk.tenant.id, &Notice::Client(id.to_string())).await;
    }
    Ok(Effect::Removed)
}

/// Switches a client on or off.
///
/// # Errors
/// There is no such client.
pub async fn set_enabled(desk: &Desk, id: &ClientId, enabled: bool) -> Result<Effect, AdminError> {
    let event = desk.event(AuditKind::ClientChanged).client(id).with("enabled", enabled);
    if !desk.store.set_client_enabled(id, enabled, desk.audit(&event), desk.now).await? {
        return Err(AdminError::Missing(format!("client {id}")));
    }
    desk.app.directory.forget(desk.tenant.id, &Notice::Client(id.to_string())).await;
    Ok(Effect::Changed)
}
