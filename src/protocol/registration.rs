//! Dynamic client registration and its management — RFC 7591 §3, RFC 7592 §2 and §3.

use serde_json::{Map, Value};

use super::client::Client;
use super::identifiers::ClientId;
use super::secret::Secret;

/// Longest registration document, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024;

/// What a client may not send when it updates itself (RFC 7592 §2.2).
pub const FORBIDDEN_IN_UPDATE: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// Whether an update names the client that it is for, and no other secret than its own (RFC 7592 §2.2).
///
/// # Errors
/// What is wrong with it.
pub fn check_update(object: &Map<String, Value>, client: &Client) -> Result<(), &'static str> {
    if object.get("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        return Err("client_id must be that of the client (RFC 7592 2.2)");
    }
    if FORBIDDEN_IN_UPDATE.iter().any(|name| object.contains_key(*name)) {
        return Err("an update must not hold members that the server alone sets (RFC 7592 2.2)");
    }
    if let Some(secret) = object.get("client_secret") {
        let text = secret.as_str().ok_or("client_secret must be a text")?;
        if !client.secret_hash.as_ref().is_some_and(|hash| hash.matches(&Secret::new(text))) {
            return Err("client_secret must be the current one; only the server makes new ones (RFC 7592 2.2)");
        }
    }
    Ok(())
}

/// What is told beside the metadata.
#[derive(Debug)]
pub struct Told<'a> {
    /// Where the client manages itself.
    pub registration_client_uri: String,
    /// With which token; told again only if it is new.
    pub registration_access_token: &'a Secret,
    /// Its secret, if it has one and it is new.
    pub client_secret: Option<&'a Secret>,
    /// When the client was registered, in seconds.
    pub client_id_issued_at: i64,
}

/// The client information response (RFC 7591 §3.2.1): every value that was given, defaulted or changed.
pub fn response(id: &ClientId, metadata: Map<String, Value>, told: &Told<'_>) -> Map<String, Value> {
    let mut answer = metadata;
    answer.insert("client_id".into(), id.as_str().into());
    answer.insert("client_id_issued_at".into(), told.client_id_issued_at.into());
    answer.insert("registration_client_uri".into(), told.registration_client_uri.as_str().into());
    answer.insert("registration_access_token".into(), told.registration_access_token.expose().into());
    if let Some(secret) = told.client_secret {
        answer.insert("client_secret".into(), secret.expose().into());
        // §3.2.1: required with a secret; 0 means that it does not expire.
        answer.insert("client_secret_expires_at".into(), 0.into());
    }
    answer
}
