//! The ground: tenants and keys, clients, people, sessions, sign-ins, codes, grants, the audit trail.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_ground"
    }
}

/// A table: its name, its columns, its primary key.
type TableShape = (&'static str, &'static [(&'static str, Kind)], &'static [&'static str]);

/// The few kinds of columns that are needed; `Maybe…` ones may be empty.
#[derive(Clone, Copy)]
enum Kind {
    Id,
    MaybeId,
    Text,
    MaybeText,
    Bytes,
    MaybeBytes,
    Number,
    MaybeNumber,
    Flag,
}

use Kind::{Bytes, Flag, Id, MaybeBytes, MaybeId, MaybeNumber, MaybeText, Number, Text};

const TABLES: &[TableShape] = &[
    (
        "tenant",
        &[
            ("id", Id),
            ("slug", Text),
            ("host", MaybeText),
            ("name", Text),
            ("status", Text),
            ("settings", Text),
            ("root_secret", Bytes),
            ("dynamic_clients", Number),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        &["id"],
    ),
    ("resource", &[("tenant_id", Id), ("resource", Text), ("scope", Text)], &["tenant_id", "resource"]),
    (
        "signing_key",
        &[
            ("tenant_id", Id),
            ("algorithm", Text),
            ("generation", Number),
            ("kid", Text),
            ("public_jwk", Text),
            ("private_key", Bytes),
            ("created_at", Number),
            ("signs_from_at", Number),
            ("signs_until_at", MaybeNumber),
            ("verifies_until_at", MaybeNumber),
        ],
        &["tenant_id", "algorithm", "generation"],
    ),
    (
        "client",
        &[
            ("tenant_id", Id),
            ("client_id", Text),
            ("metadata", Text),
            ("origin", Text),
            ("secret_hash", MaybeBytes),
            ("mac_secret", MaybeBytes),
            ("registration_token_hash", MaybeBytes),
            ("enabled", Flag),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        &["tenant_id", "client_id"],
    ),
    (
        "account",
        &[
            ("tenant_id", Id),
            ("id", Id),
            ("status", Text),
            ("username", Text),
            ("claims", Text),
            ("administrator", Flag),
            ("audit_salt", MaybeBytes),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        &["tenant_id", "id"],
    ),
    (
        "login_identifier",
        &[("tenant_id", Id), ("kind", Text), ("value", Text), ("user_id", Id)],
        &["tenant_id", "value"],
    ),
    (
        "credential",
        &[
            ("tenant_id", Id),
            ("user_id", Id),
            ("kind", Text),
            ("data", Text),
            ("failures", Number),
            ("last_failed_at", Number),
            ("updated_at", Number),
        ],
        &["tenant_id", "user_id", "kind"],
    ),
    (
        "session",
        &[
            ("tenant_id", Id),
            ("id", Id),
            ("user_id", Id),
            ("secret_hash", Bytes),
            ("auth_time_at", Number),
            ("acr", Text),
            ("amr", Text),
            ("user_agent", MaybeText),
            ("created_at", Number),
            ("last_seen_at", Number),
            ("idle_expires_at", Number),
            ("expires_at", Number),
            ("ended_at", MaybeNumber),
        ],
        &["tenant_id", "id"],
    ),
    (
        "sign_in",
        &[
            ("tenant_id", Id),
            ("id", Text),
            ("browser_hash", Bytes),
            ("request", Text),
            ("progress", Text),
            ("version", Number),
            ("expires_at", Number),
            ("finished_at", MaybeNumber),
        ],
        &["tenant_id", "id"],
    ),
    (
        "authorization_code",
        &[
            ("tenant_id", Id),
            ("code_hash", Bytes),
            ("client_id", Text),
            ("grant_id", Id),
            ("user_id", Id),
            ("session_id", Id),
            ("allowed", Text),
            ("redirect_uri", Text),
            ("redirect_uri_given", Flag),
            ("code_challenge", MaybeText),
            ("issued_at", Number),
            ("expires_at", Number),
            ("redeemed_at", MaybeNumber),
        ],
        &["tenant_id", "code_hash"],
    ),
    (
        "token_grant",
        &[
            ("tenant_id", Id),
            ("id", Id),
            ("client_id", Text),
            ("user_id", Id),
            ("session_id", Id),
            ("allowed", Text),
            ("offline", Flag),
            ("generation", Number),
            ("created_at", Number),
            ("rotated_at", Number),
            ("idle_expires_at", Number),
            ("expires_at", Number),
            ("revoked_at", MaybeNumber),
        ],
        &["tenant_id", "id"],
    ),
    (
        "consent",
        &[
            ("tenant_id", Id),
            ("user_id", Id),
            ("client_id", Text),
            ("scope", Text),
            ("resources", Text),
            ("granted_at", Number),
        ],
        &["tenant_id", "user_id", "client_id"],
    ),
    (
        "revoked_token",
        &[("tenant_id", Id), ("token_hash", Bytes), ("expires_at", Number)],
        &["tenant_id", "token_hash"],
    ),
    (
        "used_assertion",
        &[("tenant_id", Id), ("assertion_hash", Bytes), ("expires_at", Number)],
        &["tenant_id", "assertion_hash"],
    ),
    (
        "one_time_token",
        &[
            ("tenant_id", Id),
            ("purpose", Text),
            ("token_hash", Bytes),
            ("uses_left", Number),
            ("created_at", Number),
            ("expires_at", Number),
        ],
        &["tenant_id", "purpose", "token_hash"],
    ),
    (
        "audit_event",
        &[
            ("tenant_id", Id),
            ("id", Id),
            ("at_milliseconds", Number),
            ("kind", Text),
            ("client_id", MaybeText),
            ("user_id", MaybeId),
            ("data", Text),
            ("personal", MaybeText),
            ("personal_digest", MaybeBytes),
            ("reference", Text),
            ("block", MaybeNumber),
        ],
        &["tenant_id", "id"],
    ),
    (
        "audit_block",
        &[("tenant_id", Id), ("number", Number), ("events", Number), ("hash", Bytes), ("sealed_at", Number)],
        &["tenant_id", "number"],
    ),
    (
        "change_notice",
        &[("tenant_id", Id), ("id", Id), ("kind", Text), ("name", Text), ("noticed_at", Number)],
        &["tenant_id", "id"],
    ),
];

/// An index: its name, its table, its columns, whether it is unique.
const INDEXES: &[(&str, &str, &[&str], bool)] = &[
    ("tenant_slug", "tenant", &["slug"], true),
    ("tenant_host", "tenant", &["host"], true),
    ("signing_key_kid", "signing_key", &["tenant_id", "kid"], true),
    ("login_identifier_user", "login_identifier", &["tenant_id", "user_id"], false),
    ("session_secret", "session", &["tenant_id", "secret_hash"], true),
    ("session_user", "session", &["tenant_id", "user_id"], false),
    ("session_end", "session", &["expires_at"], false),
    ("sign_in_end", "sign_in", &["expires_at"], false),
    ("authorization_code_end", "authorization_code", &["expires_at"], false),
    ("token_grant_user", "token_grant", &["tenant_id", "user_id", "client_id"], false),
    ("token_grant_session", "token_grant", &["tenant_id", "session_id"], false),
    ("token_grant_end", "token_grant", &["expires_at"], false),
    ("revoked_token_end", "revoked_token", &["expires_at"], false),
    ("used_assertion_end", "used_assertion", &["expires_at"], false),
    ("audit_event_block", "audit_event", &["tenant_id", "block"], false),
    ("audit_event_time", "audit_event", &["at_milliseconds"], false),
    ("change_notice_time", "change_notice", &["noticed_at"], false),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, columns, key) in TABLES {
            let mut table = Table::create();
            table.table(Alias::new(*name));
            for (column, kind) in *columns {
                table.col(column_of(column, *kind));
            }
            let mut primary = Index::create();
            for column in *key {
                primary.col(Alias::new(*column));
            }
            manager.create_table(table.primary_key(&mut primary).to_owned()).await?;
        }
        for (name, table, columns, unique) in INDEXES {
            let mut index = Index::create();
            index.name(format!("ix_{name}")).table(Alias::new(*table));
            for column in *columns {
                index.col(Alias::new(*column));
            }
            if *unique {
                index.unique();
            }
            manager.create_index(index.to_owned()).await?;
        }
        // The sealer looks for these alone; an index over all events would grow with the trail.
        let unsealed = "CREATE INDEX ix_audit_event_unsealed ON audit_event (tenant_id, id) WHERE block IS NULL";
        manager.get_connection().execute_unprepared(unsealed).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _, _) in TABLES {
            manager.drop_table(Table::drop().table(Alias::new(*name)).to_owned()).await?;
        }
        Ok(())
    }
}

fn column_of(name: &str, kind: Kind) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    match kind {
        Id | MaybeId => column.uuid(),
        Text | MaybeText => column.text(),
        Bytes | MaybeBytes => column.blob(),
        Number | MaybeNumber => column.big_integer(),
        Flag => column.boolean(),
    };
    match kind {
        MaybeId | MaybeText | MaybeBytes | MaybeNumber => column.null(),
        Id | Text | Bytes | Number | Flag => column.not_null(),
    };
    column
}
