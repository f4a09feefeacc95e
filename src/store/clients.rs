//! Registered clients.

use std::sync::Arc;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use zeroize::Zeroizing;

use super::change::{Change, Outcome, Rows};
use super::error::{StoreError, corrupt};
use super::one_time::Purpose;
use super::read::Columns;
use super::{TenantStore, notices, rows};
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::client_metadata::{ClientMetadata, MetadataRules};
use crate::protocol::identifiers::ClientId;
use crate::protocol::json_web_key::KeySet;
use crate::protocol::origins::Origins;
use crate::protocol::redirect_uri::ApplicationType;
use crate::protocol::scope::Scope;
use crate::protocol::secret::SecretHash;
use crate::protocol::signature::SignatureAlgorithm;
use crate::protocol::timestamp::Timestamp;
use crate::seal::Sealer;

/// Of how many clients the origins are looked up at most, and of how many at once.
const ORIGINS_OF: i64 = 1_000;
const PORTION: i64 = 200;

/// A client, to be written.
pub struct ClientDraft<'a> {
    /// Its identifier.
    pub id: &'a ClientId,
    /// Its metadata.
    pub metadata: &'a ClientMetadata,
    /// Who makes it.
    pub origin: ClientOrigin,
    /// The hash of its secret.
    pub secret_hash: Option<SecretHash>,
    /// Its secret, sealed, where a MAC needs it.
    pub mac_secret: Option<Vec<u8>>,
    /// The hash of its registration access token.
    pub registration_token_hash: Option<SecretHash>,
}

impl TenantStore {
    fn read_client(&self, row: rows::client::Model, sealer: &Sealer) -> Result<Client, StoreError> {
        let object: Value = serde_json::from_str(&row.metadata).map_err(|_| corrupt("client", "metadata"))?;
        let origin = ClientOrigin::parse(&row.origin).ok_or(corrupt("client", "origin"))?;
        // The same door as for requests, with the rights of an administrator: what is stored was checked before.
        let rules = MetadataRules {
            origin: ClientOrigin::Administrator,
            scope: Scope::default(),
            id_token_signed_response_alg: SignatureAlgorithm::Es256,
        };
        let metadata = object
            .as_object()
            .and_then(|object| ClientMetadata::parse(object, &rules).ok())
            .ok_or(corrupt("client", "metadata"))?;
        let keys = match &metadata.jwks {
            Some(jwks) => Some(Arc::new(KeySet::parse(jwks).map_err(|_| corrupt("client", "metadata"))?)),
            None => None,
        };
        let open = |sealed: &Vec<u8>| sealer.open(row.client_id.as_bytes(), sealed);
        let mac_secret: Option<Zeroizing<Vec<u8>>> = row
            .mac_secret
            .as_ref()
            .map(open)
            .transpose()
            .map_err(|source| StoreError::Sealed { table: "client", column: "mac_secret", source: Arc::new(source) })?;
        Ok(Client {
            id: ClientId::parse(&row.client_id).ok_or(corrupt("client", "client_id"))?,
            metadata,
            origin,
            secret_hash: row.secret_hash.map(SecretHash::stored),
            mac_secret,
            keys,
            registration_token_hash: row.registration_token_hash.map(SecretHash::stored),
            created_at: Timestamp::from_seconds(row.created_at),
            enabled: row.enabled,
            version: row.version,
        })
    }

    /// The client with this identifier; `sealer` opens what is sealed under the tenant's secret.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn client(&self, id: &ClientId, sealer: &Sealer) -> Result<Option<Client>, StoreError> {
        let key = (self.tenant.0, id.as_str().to_owned());
        let found = rows::client::Entity::find_by_id(key).one(self.reader()).await?;
        found.map(|row| self.read_client(row, sealer)).transpose()
    }

    /// The clients after `after`, in the order of their identifiers.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn clients(&self, after: &str, limit: u64, sealer: &Sealer) -> Result<Vec<Client>, StoreError> {
        let found = rows::client::Entity::find()
            .filter(rows::client::Column::TenantId.eq(self.tenant.0))
            .filter(rows::client::Column::ClientId.gt(after))
            .order_by_asc(rows::client::Column::ClientId)
            .limit(limit)
            .all(self.reader())
            .await?;
        found.into_iter().map(|row| self.read_client(row, sealer)).collect()
    }

    /// The origins of the redirect URIs of the clients that are switched on, those of administrators first, of
    /// [`ORIGINS_OF`] clients at most.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn client_origins(&self) -> Result<Origins, StoreError> {
        const FIND: &str = "SELECT client_id, origin, metadata FROM client \
            WHERE tenant_id = $1 AND enabled AND (origin, client_id) > ($2, $3) ORDER BY origin, client_id LIMIT $4";
        #[derive(serde::Deserialize)]
        struct Addresses {
            redirect_uris: Vec<String>,
            application_type: ApplicationType,
        }
        let (mut origins, mut last, mut looked_at) = (Origins::default(), (String::new(), String::new()), 0);
        loop {
            let after = [last.0.clone().into(), last.1.clone().into(), sea_orm::Value::from(PORTION)];
            let found = self.all_rows(FIND, after).await?;
            for row in &found {
                let mut columns = Columns::of(row);
                let client_id = columns.next()?;
                last = (columns.next()?, client_id);
                // What cannot be read has no pages: that is for whoever asks for the client itself to say.
                let Ok(known) = serde_json::from_str::<Addresses>(&columns.next::<String>()?) else { continue };
                let native = known.application_type == ApplicationType::Native;
                known.redirect_uris.iter().for_each(|uri| origins.add(uri, native));
            }
            looked_at += PORTION;
            if (found.len() as i64) < PORTION || looked_at >= ORIGINS_OF {
                return Ok(origins);
            }
        }
    }

    /// Adds a client. False if the identifier is taken.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn add_client(&self, draft: &ClientDraft<'_>, audit: Change, now: Timestamp) -> Result<bool, StoreError> {
        let change = Change::if_inserted(self.client_row(draft, now));
        let change = change.and(audit).and(self.notice(notices::Notice::Client(draft.id.to_string()), now));
        Ok(self.write(change).await? == Outcome::Done)
    }

    /// Adds a client that registers itself without a token, on condition that the tenant takes one more: the count is part of the
    /// same change, so that no race gets past `limit`. False if it does not.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn add_dynamic_client(
        &self,
        draft: &ClientDraft<'_>,
        limit: u32,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let count = Rows::of("tenant")
            .raise("dynamic_clients", 1)
            .with("id", self.tenant.0)
            .below("dynamic_clients", i64::from(limit));
        let change = Change::if_updated(count).insert(self.client_row(draft, now)).and(audit);
        Ok(self.write(change).await? == Outcome::Done)
    }

    /// Adds a client that registers itself with an initial access token, on condition that a use of the token is left;
    /// that use is gone with it. False if none is left.
    ///
    /// The token is the admission (RFC 7591 §3): who handed it out said how often it may be used. The client is counted,
    /// but the limit of [`TenantStore::add_dynamic_client`], which is for strangers, is not asked.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn add_client_by_token(
        &self,
        token: &SecretHash,
        draft: &ClientDraft<'_>,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let count = Rows::of("tenant").raise("dynamic_clients", 1).with("id", self.tenant.0);
        let change = Change::if_updated(self.one_use(Purpose::InitialAccessToken, token, now));
        let change = change.update(count).insert(self.client_row(draft, now)).and(audit);
        Ok(self.write(change).await? == Outcome::Done)
    }

    fn client_row(&self, draft: &ClientDraft<'_>, now: Timestamp) -> rows::client::ActiveModel {
        rows::client::ActiveModel {
            tenant_id: Set(self.tenant.0),
            client_id: Set(draft.id.as_str().to_owned()),
            metadata: Set(Value::Object(draft.metadata.to_object()).to_string()),
            origin: Set(draft.origin.as_str().to_owned()),
            secret_hash: Set(draft.secret_hash.as_ref().map(|hash| hash.bytes().to_vec())),
            mac_secret: Set(draft.mac_secret.clone()),
            registration_token_hash: Set(draft.registration_token_hash.as_ref().map(|hash| hash.bytes().to_vec())),
            enabled: Set(true),
            created_at: Set(now.seconds()),
            updated_at: Set(now.seconds()),
            version: Set(0),
        }
    }

    /// Replaces what is registered, on condition that the client is as it was when the draft was made of it, at
    /// `version`: what is written again is what is there. False if it was changed since, or is gone.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn update_client(
        &self,
        draft: &ClientDraft<'_>,
        version: i64,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let bytes = |hash: &Option<SecretHash>| hash.as_ref().map(|hash| hash.bytes().to_vec());
        let update = self
            .rows("client")
            .set("metadata", Value::Object(draft.metadata.to_object()).to_string())
            .set("origin", draft.origin.as_str())
            .set("secret_hash", bytes(&draft.secret_hash))
            .set("mac_secret", draft.mac_secret.clone())
            .set("registration_token_hash", bytes(&draft.registration_token_hash))
            .set("updated_at", now.seconds())
            .raise("version", 1)
            .with("client_id", draft.id.as_str())
            .with("version", version);
        let change = Change::if_updated(update).and(audit);
        let change = change.and(self.notice(notices::Notice::Client(draft.id.to_string()), now));
        Ok(self.write(change).await? == Outcome::Done)
    }

    /// Switches a client on or off. False if it is gone.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn set_client_enabled(
        &self,
        id: &ClientId,
        enabled: bool,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .rows("client")
            .set("enabled", enabled)
            .set("updated_at", now.seconds())
            .raise("version", 1)
            .with("client_id", id.as_str());
        let change =
            Change::if_updated(update).and(audit).and(self.notice(notices::Notice::Client(id.to_string()), now));
        Ok(self.write(change).await? == Outcome::Done)
    }

    /// Removes a client, the consents given to it, and ends its grants. Nothing happens if it is gone already.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn delete_client(&self, id: &ClientId, audit: Change, now: Timestamp) -> Result<(), StoreError> {
        let own = |table| self.rows(table).with("client_id", id.as_str());
        let rest = Change::new()
            .delete(own("consent"))
            .and(audit)
            .and(self.notice(notices::Notice::Client(id.to_string()), now));
        let count =
            Rows::of("tenant").with("id", self.tenant.0).above("dynamic_clients", 0).raise("dynamic_clients", -1);
        let ending = Change::new()
            .delete(own("authorization_code"))
            .update(own("token_grant").set("revoked_at", now.seconds()).without("revoked_at"));
        let dynamic = Change::if_deleted(own("client").with("origin", ClientOrigin::Dynamic.as_str()));
        if self.write_and_end(dynamic.update(count).and(rest.clone()), ending.clone()).await? == Outcome::Done {
            return Ok(());
        }
        self.write_and_end(Change::new().delete(own("client")).and(rest), ending).await.map(|_| ())
    }
}
