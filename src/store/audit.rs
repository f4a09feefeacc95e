//! The audit trail: events, and the blocks that a sealer links into one chain per tenant.
//!
//! An event is an ordinary row of the transaction that it records; nothing waits for the chain. About once a
//! second the sealer takes the unsealed events of a tenant, in the order of their ids, and closes a block over
//! them: `hash = SHA-256(previous hash, number, digest of each event)`. Of personal data a block holds only a
//! digest under the person's salt, so that erasing salt and data leaves the chain whole.

use aws_lc_rs::digest::{Context, SHA256};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value};
use uuid::Uuid;

use super::audit_chain::{ChainHead, HeadState};
use super::change::{Change, Outcome};
use super::error::StoreError;
use super::read::{Columns, Row};
use super::{Store, TenantStore, rows};
use crate::mint;
use crate::protocol::audit_event::AuditEvent;
use crate::protocol::identifiers::TenantId;
use crate::protocol::timestamp::Timestamp;

/// Events in one block at most: few enough that nobody who writes meanwhile waits for more than a millisecond.
const BLOCK: usize = 128;
/// Seconds.
const HOUR: i64 = 3600;

/// An event, as an administrator reads it.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When, in milliseconds since 1970.
    pub at_milliseconds: i64,
    /// What.
    pub kind: String,
    /// The client.
    pub client_id: Option<String>,
    /// The person.
    pub user_id: Option<String>,
    /// Facts, as JSON.
    pub data: String,
    /// Facts about the person, as JSON; gone once the person is erased.
    pub personal: Option<String>,
    /// The reference of the request.
    pub reference: String,
    /// The block that seals it, if one does yet.
    pub block: Option<i64>,
}

/// What sealing has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// There may be more to seal.
    pub more: bool,
    /// The tenant's name in paths.
    pub slug: String,
    /// What is wrong with the end of the trail, which is then left without a new head.
    pub fault: Option<&'static str>,
    /// The new head, at the first block of an hour: to be noted outside of the database.
    pub noted: Option<ChainHead>,
}

fn part(context: &mut Context, bytes: &[u8]) {
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

pub(super) fn personal_digest(salt: &[u8], user: Option<Uuid>, personal: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    part(&mut context, salt);
    part(&mut context, user.as_ref().map_or(&[][..], |user| user.as_bytes().as_slice()));
    part(&mut context, personal.as_bytes());
    context.finish().as_ref().to_vec()
}

fn event_digest(event: &rows::audit_event::Model) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    part(&mut context, event.id.as_bytes());
    part(&mut context, &event.at_milliseconds.to_be_bytes());
    part(&mut context, event.kind.as_bytes());
    part(&mut context, event.client_id.as_deref().unwrap_or_default().as_bytes());
    part(&mut context, event.data.as_bytes());
    part(&mut context, event.personal_digest.as_deref().unwrap_or_default());
    part(&mut context, event.reference.as_bytes());
    context.finish().as_ref().to_vec()
}

pub(super) fn block_hash(previous: &[u8], number: i64, events: &[rows::audit_event::Model]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    part(&mut context, previous);
    part(&mut context, &number.to_be_bytes());
    for event in events {
        part(&mut context, &event_digest(event));
    }
    context.finish().as_ref().to_vec()
}

impl Store {
    /// Tenants whose trail has unsealed events.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn unsealed_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let found: Vec<Uuid> = rows::audit_event::Entity::find()
            .select_only()
            .column(rows::audit_event::Column::TenantId)
            .distinct()
            .filter(rows::audit_event::Column::Block.is_null())
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(found.into_iter().map(TenantId).collect())
    }
}

impl TenantStore {
    /// The row of an event.
    pub fn audit(&self, event: &AuditEvent, at_milliseconds: i64) -> Change {
        let user = event.subject.as_ref().map(|subject| subject.user_id.0);
        let salt = event.subject.as_ref().and_then(|subject| subject.salt.as_deref());
        let text = |map| serde_json::to_string(map).unwrap_or_default();
        let personal = (!event.personal.is_empty()).then(|| text(&event.personal));
        // Without a salt there is nobody whose erasure could be asked for, or it has been already.
        let digest = match (salt, &personal, user) {
            (_, None, None) => None,
            (salt, personal, user) => {
                Some(personal_digest(salt.unwrap_or_default(), user, personal.as_deref().unwrap_or_default()))
            }
        };
        Change::new().insert(rows::audit_event::ActiveModel {
            tenant_id: Set(self.tenant.0),
            id: Set(mint::row_id(at_milliseconds)),
            at_milliseconds: Set(at_milliseconds),
            kind: Set(event.kind.as_str().to_owned()),
            client_id: Set(event.client_id.as_ref().map(|id| id.as_str().to_owned())),
            user_id: Set(user),
            data: Set(text(&event.data)),
            personal: Set(personal),
            personal_digest: Set(digest),
            reference: Set(event.reference.clone()),
            block: Set(None),
        })
    }

    /// The newest events, newest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn audit_events(&self, limit: u64) -> Result<Vec<AuditRow>, StoreError> {
        let found = rows::audit_event::Entity::find()
            .filter(rows::audit_event::Column::TenantId.eq(self.tenant.0))
            .order_by_desc(rows::audit_event::Column::Id)
            .limit(limit)
            .all(self.reader())
            .await?;
        let read = |row: rows::audit_event::Model| AuditRow {
            at_milliseconds: row.at_milliseconds,
            kind: row.kind,
            client_id: row.client_id,
            user_id: row.user_id.map(|id| id.to_string()),
            data: row.data,
            personal: row.personal,
            reference: row.reference,
            block: row.block,
        };
        Ok(found.into_iter().map(read).collect())
    }

    /// The oldest events that wait for the sealer, without the personal data that is not sealed.
    async fn unsealed_events(&self) -> Result<Vec<rows::audit_event::Model>, StoreError> {
        const FIND: &str = "SELECT id, at_milliseconds, kind, client_id, user_id, data, personal_digest, reference \
            FROM audit_event WHERE tenant_id = $1 AND block IS NULL ORDER BY id LIMIT $2";
        let found = self.all_rows(FIND, [Value::from(BLOCK as i64)]).await?;
        let read = |row: &Row| {
            let mut columns = Columns::of(row);
            Ok::<_, DbErr>(rows::audit_event::Model {
                tenant_id: self.tenant.0,
                id: columns.next()?,
                at_milliseconds: columns.next()?,
                kind: columns.next()?,
                client_id: columns.next()?,
                user_id: columns.next()?,
                data: columns.next()?,
                personal: None,
                personal_digest: columns.next()?,
                reference: columns.next()?,
                block: None,
            })
        };
        Ok(found.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Closes one block over the events that wait, and moves the head of the trail to it.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn seal_audit_block(&self, now: Timestamp) -> Result<Sealed, StoreError> {
        let end = self.end_of_trail().await?;
        let events = self.unsealed_events().await?;
        let mut told = Sealed { more: false, slug: end.slug, fault: None, noted: None };
        if events.is_empty() {
            return Ok(told);
        }
        let number = end.last.number + 1;
        let head = ChainHead { number, hash: block_hash(&end.last.hash, number, &events) };
        // Without a block: so that they are found by the index of those that wait, however little is known of the table.
        let sealed = self
            .rows("audit_event")
            .set("block", number)
            .without("block")
            .with_one_of("id", events.iter().map(|event| event.id));
        // Another replica may seal the same events: the number decides who was first.
        let mut change = Change::if_inserted(rows::audit_block::ActiveModel {
            tenant_id: Set(self.tenant.0),
            number: Set(number),
            events: Set(i64::try_from(events.len()).unwrap_or(i64::MAX)),
            hash: Set(head.hash.clone()),
            sealed_at: Set(now.seconds()),
        })
        .update(sealed);
        let fault = match end.head {
            HeadState::Genuine(before, seal) if before == end.last => {
                let moved = self.rows("audit_head").set("seal", self.sealed_head(&head)?).with("seal", seal);
                change = change.update(moved);
                None
            }
            // Moved on, the head would vouch for what somebody else did to the trail.
            HeadState::Genuine(..) | HeadState::Forged => Some("it was changed by somebody else"),
            HeadState::Missing => Some("it has no head: it is from an earlier build, or somebody took the head away"),
        };
        if self.write(change).await? == Outcome::Refused {
            return Ok(Sealed { more: true, ..told });
        }
        told.more = events.len() == BLOCK;
        told.fault = fault;
        let hour = |at: Timestamp| at.seconds().div_euclid(HOUR);
        told.noted = (fault.is_none() && end.sealed_at.map(hour) != Some(hour(now))).then_some(head);
        Ok(told)
    }
}
