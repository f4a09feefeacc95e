//! The verbs about keys, the audit trail and administrators.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::keep;
use super::manage::{desk, store};
use super::setup::SetupError;
use crate::admin::{AdminError, Desk};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::signature::SignatureAlgorithm;
use crate::protocol::timestamp::Timestamp;
use crate::store::audit_chain::{ChainHead, ChainState};
use crate::store::keys::KeyRecord;
use crate::store::one_time::Purpose;
use crate::{keys, mint};

/// An admin link serves for a day, in seconds.
const ADMIN_LINK: i64 = 86_400;

/// Verbs about signing keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyVerb {
    /// All keys of a tenant.
    List { tenant: String },
    /// One key with its public half.
    Show {
        tenant: String,
        // A kid may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Publish a new key, then sign with it; old ones stay for verification.
    Rotate {
        tenant: String,
        /// Which algorithm; without it the tenant's own.
        #[arg(long)]
        alg: Option<String>,
        /// Sign with it at once, without a time in which it is only published.
        #[arg(long)]
        now: bool,
    },
}

/// Verbs about the audit trail.
#[derive(Debug, Subcommand)]
pub(super) enum AuditVerb {
    /// The newest events.
    List {
        tenant: String,
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// Check the chain; exit code 1 if it is broken.
    Verify {
        tenant: String,
        /// A head that was printed or logged earlier: that block must still be in the chain. May be given several times.
        #[arg(long, value_name = "NUMBER:HASH")]
        expect: Vec<ChainHead>,
    },
    /// Take the trail as it is for the whole one, once a loss has been looked into.
    Accept { tenant: String },
}

/// Verbs for administrators.
#[derive(Debug, Subcommand)]
pub(super) enum AdminVerb {
    /// A one-time link that lets the first administrator in.
    Link {
        #[arg(long, default_value = super::serve::DEMO)]
        tenant: String,
    },
}

/// What may be told of a key: nothing of its private half.
fn described(key: &KeyRecord) -> Map<String, Value> {
    let known = json!({
        "alg": key.algorithm.name(), "kid": key.kid, "generation": key.generation,
        "signs_from_at": key.signs_from.seconds(), "signs_until_at": key.signs_until.map(Timestamp::seconds),
        "verifies_until_at": key.verifies_until.map(Timestamp::seconds)
    });
    known.as_object().cloned().unwrap_or_default()
}

/// `chancery key …`.
pub(super) async fn key(config: Option<PathBuf>, verb: KeyVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    match verb {
        KeyVerb::List { tenant } => {
            let desk = desk(config, &tenant).await?;
            for key in desk.store.signing_keys().await.map_err(store)? {
                let (signs_from, signs_until) = (key.signs_from.seconds(), key.signs_until.map(Timestamp::seconds));
                keep::tell(
                    as_json,
                    &Value::Object(described(&key)),
                    &format!("{}\t{}\tsigns from {signs_from} until {signs_until:?}", key.algorithm.name(), key.kid),
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        KeyVerb::Show { tenant, kid } => {
            let keys = desk(config, &tenant).await?.store.signing_keys().await.map_err(store)?;
            let found = keys.into_iter().find(|key| key.kid == kid);
            let key = found.ok_or_else(|| AdminError::Missing(format!("key {kid} in tenant {tenant}")))?;
            let mut shown = described(&key);
            shown.insert("created_at".to_owned(), key.created_at.seconds().into());
            shown.insert("public_jwk".to_owned(), Value::Object(key.public_jwk));
            let shown = Value::Object(shown);
            keep::tell(as_json, &shown, &serde_json::to_string_pretty(&shown).unwrap_or_default());
            Ok(ExitCode::SUCCESS)
        }
        KeyVerb::Rotate { tenant, alg, now } => {
            let desk = desk(config, &tenant).await?;
            let algorithm = match alg {
                None => desk.tenant.settings.signing_alg,
                Some(name) => name.parse::<SignatureAlgorithm>().map_err(|error| AdminError::input("--alg", error))?,
            };
            // There must be something to rotate: the first key of an algorithm signs at once.
            keys::signer(&desk.tenant, &desk.store, algorithm, desk.now).await.map_err(AdminError::from)?;
            let lead = if now { 0 } else { desk.tenant.settings.key_publication_lead_seconds };
            let rotated =
                keys::rotate(&desk.tenant, &desk.store, algorithm, lead, desk.now).await.map_err(AdminError::from)?;
            let record = rotated
                .ok_or_else(|| SetupError::Other("another process rotated the key at the same moment".to_owned()))?;
            let value =
                json!({ "alg": algorithm.name(), "kid": record.kid, "signs_from_at": record.signs_from.seconds() });
            keep::tell(
                as_json,
                &value,
                &format!("{} key {} is published, and signs in {lead} seconds", algorithm.name(), record.kid),
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// `chancery audit …`.
pub(super) async fn audit(config: Option<PathBuf>, verb: AuditVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    match verb {
        AuditVerb::List { tenant, limit } => {
            let desk = desk(config, &tenant).await?;
            for event in desk.store.audit_events(limit).await.map_err(store)? {
                let value = json!({
                    "at_milliseconds": event.at_milliseconds, "kind": event.kind, "client_id": event.client_id, "user": event.user_id,
                    "data": event.data, "personal": event.personal, "reference": event.reference, "block": event.block
                });
                keep::tell(
                    as_json,
                    &value,
                    &format!("{}\t{}\t{}\t{}", event.at_milliseconds, event.kind, event.reference, event.data),
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        AuditVerb::Verify { tenant, expect } => {
            let desk = desk(config, &tenant).await?;
            Ok(told(as_json, &desk.store.verify_audit_chain(&expect).await.map_err(store)?))
        }
        AuditVerb::Accept { tenant } => {
            let desk = desk(config, &tenant).await?;
            let event = |head: &ChainHead| desk.event(AuditKind::AuditAccepted).with("head", head.to_string());
            let accepted = desk.store.accept_audit_chain(|head| desk.audit(&event(head))).await;
            Ok(told(as_json, &accepted.map_err(store)?))
        }
    }
}

/// Prints the state of a chain; exit code 1 if it is broken.
fn told(as_json: bool, state: &ChainState) -> ExitCode {
    match state {
        ChainState::Intact { blocks, events, unsealed, head } => {
            let head = head.to_string();
            let value = json!({
                "chain": "intact", "blocks": blocks, "events": events, "unsealed": unsealed, "head": head
            });
            let text = format!(
                "The chain is intact: {events} events in {blocks} blocks; {unsealed} wait for the sealer.\nhead {head}"
            );
            keep::tell(as_json, &value, &text);
            ExitCode::SUCCESS
        }
        ChainState::Broken { block, why } => {
            let value = json!({ "chain": "broken", "block": block, "why": why });
            keep::tell(as_json, &value, &format!("The chain is BROKEN at block {block}: {why}."));
            ExitCode::from(1)
        }
    }
}

/// Makes an admin link.
pub(super) async fn admin_link(desk: &Desk) -> Result<String, SetupError> {
    let token = mint::secret();
    let audit = desk.audit(&desk.event(AuditKind::AdminLinkCreated));
    let lifetime = (desk.now, desk.now.plus(ADMIN_LINK));
    desk.store.add_one_time_token((Purpose::AdminLink, &token.hash()), 1, lifetime, audit).await.map_err(store)?;
    Ok(desk.tenant.at(&format!("first-administrator/{}", token.expose())))
}

/// `chancery admin …`.
pub(super) async fn admin(config: Option<PathBuf>, verb: AdminVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    let AdminVerb::Link { tenant } = verb;
    let link = admin_link(&desk(config, &tenant).await?).await?;
    keep::tell(as_json, &json!({ "link": link }), &link);
    Ok(ExitCode::SUCCESS)
}
