//! The rows, as they lie in the tables. They stay inside of `store`: what leaves it are the protocol's types.

macro_rules! table {
    ($module:ident, $table:literal, { $($key:ident : $key_type:ty),+ ; $($column:ident : $column_type:ty),* $(,)? }) => {
        pub(super) mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $(#[sea_orm(primary_key, auto_increment = false)] pub $key: $key_type,)+
                $(pub $column: $column_type,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(tenant, "tenant", { id: Uuid; slug: String, host: Option<String>, name: String, status: String, settings: String,
    root_secret: Vec<u8>, dynamic_clients: i64, created_at: i64, updated_at: i64, version: i64 });
table!(resource, "resource", { tenant_id: Uuid, resource: String; scope: String });
table!(signing_key, "signing_key", { tenant_id: Uuid, algorithm: String, generation: i64; kid: String, public_jwk: String,
    private_key: Vec<u8>, created_at: i64, signs_from_at: i64, signs_until_at: Option<i64>, verifies_until_at: Option<i64> });
table!(client, "client", { tenant_id: Uuid, client_id: String; metadata: String, origin: String,
    secret_hash: Option<Vec<u8>>, mac_secret: Option<Vec<u8>>, registration_token_hash: Option<Vec<u8>>, enabled: bool,
    created_at: i64, updated_at: i64, version: i64 });
table!(account, "account", { tenant_id: Uuid, id: Uuid; status: String, username: String, claims: String,
    administrator: bool, audit_salt: Option<Vec<u8>>, created_at: i64, updated_at: i64 });
table!(login_identifier, "login_identifier", { tenant_id: Uuid, value: String; kind: String, user_id: Uuid });
table!(credential, "credential", { tenant_id: Uuid, user_id: Uuid, kind: String; data: String, failures: i64,
    last_failed_at: i64, updated_at: i64 });
table!(session, "session", { tenant_id: Uuid, id: Uuid; user_id: Uuid, secret_hash: Vec<u8>, auth_time_at: i64, acr: String,
    amr: String, user_agent: Option<String>, created_at: i64, last_seen_at: i64, idle_expires_at: i64, expires_at: i64,
    ended_at: Option<i64>, kept: bool });
table!(sign_in, "sign_in", { tenant_id: Uuid, id: String; browser_hash: Vec<u8>, request: String, progress: String,
    version: i64, expires_at: i64, finished_at: Option<i64> });
table!(authorization_code, "authorization_code", { tenant_id: Uuid, code_hash: Vec<u8>; client_id: String, grant_id: Uuid,
    user_id: Uuid, session_id: Uuid, allowed: String, redirect_uri: String, redirect_uri_given: bool,
    code_challenge: Option<String>, issued_at: i64, expires_at: i64, redeemed_at: Option<i64> });
table!(token_grant, "token_grant", { tenant_id: Uuid, id: Uuid; client_id: String, user_id: Uuid, session_id: Uuid,
    allowed: String, offline: bool, generation: i64, created_at: i64, rotated_at: i64, idle_expires_at: i64, expires_at: i64,
    revoked_at: Option<i64> });
table!(consent, "consent", { tenant_id: Uuid, user_id: Uuid, client_id: String; scope: String, resources: String,
    claims: String, declined: String, granted_at: i64 });
table!(revoked_token, "revoked_token", { tenant_id: Uuid, token_hash: Vec<u8>; expires_at: i64 });
table!(used_assertion, "used_assertion", { tenant_id: Uuid, assertion_hash: Vec<u8>; expires_at: i64 });
table!(one_time_token, "one_time_token", { tenant_id: Uuid, purpose: String, token_hash: Vec<u8>; uses_left: i64,
    created_at: i64, expires_at: i64 });
table!(audit_event, "audit_event", { tenant_id: Uuid, id: Uuid; at_milliseconds: i64, kind: String,
    client_id: Option<String>, user_id: Option<Uuid>, data: String, personal: Option<String>,
    personal_digest: Option<Vec<u8>>, reference: String, block: Option<i64> });
table!(audit_block, "audit_block", { tenant_id: Uuid, number: i64; events: i64, hash: Vec<u8>, sealed_at: i64 });
table!(audit_head, "audit_head", { tenant_id: Uuid; seal: Vec<u8> });
table!(change_notice, "change_notice", { tenant_id: Uuid, id: Uuid; kind: String, name: String, noticed_at: i64 });
