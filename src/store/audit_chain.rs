//! The chain of an audit trail: its head, and the check of the whole.
//!
//! The head names the newest block. It is a row of its own, sealed under the master key: whoever writes to the database
//! without that key can neither take the newest blocks away nor add some unnoticed. An older head, put back together
//! with the trail as it was then, is as genuine as ever; only somebody who noted a later head elsewhere can tell.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::audit::{block_hash, personal_digest};
use super::change::{Change, Outcome};
use super::error::StoreError;
use super::read::Columns;
use super::{TenantStore, rows};
use crate::protocol::timestamp::Timestamp;

/// Bytes of a block's hash.
const HASH: usize = 32;
/// How often a trail is accepted anew if the sealer closes a block at the same moment.
const ATTEMPTS: usize = 5;

/// A block, as it is noted outside: its number and hash. Number 0 is the beginning, before any block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainHead {
    /// The block's number.
    pub number: i64,
    /// Its hash; empty at the beginning.
    pub hash: Vec<u8>,
}

impl ChainHead {
    fn to_bytes(&self) -> Vec<u8> {
        [self.number.to_be_bytes().as_slice(), &self.hash].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, hash) = bytes.split_first_chunk()?;
        Some(Self { number: i64::from_be_bytes(*number), hash: hash.to_vec() })
    }
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, URL_SAFE_NO_PAD.encode(&self.hash))
    }
}

/// Why a text names no block.
#[derive(Debug, thiserror::Error)]
#[error("must be NUMBER:HASH, as `chancery audit verify` prints it")]
pub struct ChainHeadError;

impl FromStr for ChainHead {
    type Err = ChainHeadError;

    fn from_str(text: &str) -> Result<Self, ChainHeadError> {
        let (number, hash) = text.split_once(':').ok_or(ChainHeadError)?;
        let number: i64 = number.parse().map_err(|_| ChainHeadError)?;
        let hash = URL_SAFE_NO_PAD.decode(hash).map_err(|_| ChainHeadError)?;
        let fits = if number == 0 { hash.is_empty() } else { number > 0 && hash.len() == HASH };
        if fits { Ok(Self { number, hash }) } else { Err(ChainHeadError) }
    }
}

/// What a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainState {
    /// Every block is as it was sealed, and the newest is the one that the head names.
    Intact {
        /// Blocks.
        blocks: i64,
        /// Events in them.
        events: i64,
        /// Events that wait for the sealer.
        unsealed: u64,
        /// The newest block, to be noted elsewhere.
        head: ChainHead,
    },
    /// A block is missing, or its events are not what was sealed.
    Broken {
        /// The first block where it shows.
        block: i64,
        /// What does not fit.
        why: String,
    },
}

fn broken(block: i64, why: impl Into<String>) -> ChainState {
    ChainState::Broken { block, why: why.into() }
}

/// The head as it stands in the database.
pub(super) enum HeadState {
    /// There is no row.
    Missing,
    /// Not sealed by our master key for this trail.
    Forged,
    /// What our server wrote, and the row's exact bytes.
    Genuine(ChainHead, Vec<u8>),
}

/// The end of a trail at one instant.
pub(super) struct TrailEnd {
    /// The tenant's name in paths; empty if there is no such tenant.
    pub(super) slug: String,
    /// The head.
    pub(super) head: HeadState,
    /// The newest block.
    pub(super) last: ChainHead,
    /// When that was sealed.
    pub(super) sealed_at: Option<Timestamp>,
}

/// What is wrong with the end of a chain whose blocks fit together up to `last`.
fn fault_of_end(head: &HeadState, last: &ChainHead, expected: &[ChainHead]) -> Option<ChainState> {
    let missing = expected.iter().find(|expected| expected.number > last.number);
    if let Some(missing) = missing {
        return Some(broken(missing.number, "the block was expected, and is missing"));
    }
    match head {
        HeadState::Missing => Some(broken(last.number, "the head of the trail is missing")),
        HeadState::Forged => Some(broken(last.number, "the head of the trail was not written by this server")),
        HeadState::Genuine(head, _) if head.number > last.number => {
            Some(broken(last.number + 1, format!("the block is missing: the trail went on to block {}", head.number)))
        }
        HeadState::Genuine(head, _) if head.number < last.number => {
            Some(broken(head.number + 1, "the head of the trail does not know the block"))
        }
        HeadState::Genuine(head, _) if head.hash != last.hash => {
            Some(broken(last.number, "the head of the trail names another block of this number"))
        }
        HeadState::Genuine(..) => None,
    }
}

/// How far a chain was followed.
#[derive(Default)]
struct Walk {
    at: ChainHead,
    events: i64,
}

impl TenantStore {
    fn head_context(&self) -> Vec<u8> {
        [b"audit head".as_slice(), self.tenant.0.as_bytes()].concat()
    }

    /// A head as it is stored. Only the master key makes one, and the trail's tenant is part of it.
    pub(super) fn sealed_head(&self, head: &ChainHead) -> Result<Vec<u8>, StoreError> {
        let sealed = self.store.0.master.seal(&self.head_context(), &head.to_bytes());
        sealed.map_err(|source| StoreError::Sealed { table: "audit_head", column: "seal", source: source.into() })
    }

    /// The row of a head.
    pub(super) fn head_row(&self, seal: Vec<u8>) -> rows::audit_head::ActiveModel {
        rows::audit_head::ActiveModel { tenant_id: Set(self.tenant.0), seal: Set(seal) }
    }

    /// The newest block and the head, of one instant: a statement sees both before or both after a block is closed.
    pub(super) async fn end_of_trail(&self) -> Result<TrailEnd, StoreError> {
        const SQL: &str = "SELECT (SELECT slug FROM tenant WHERE id = $1), \
            (SELECT seal FROM audit_head WHERE tenant_id = $1), b.number, b.hash, b.sealed_at \
            FROM (SELECT 1 AS one) o LEFT JOIN audit_block b ON b.tenant_id = $1 \
            AND b.number = (SELECT MAX(number) FROM audit_block WHERE tenant_id = $1)";
        let Some(row) = self.one_row(SQL, []).await? else { return Err(StoreError::Busy) };
        let mut columns = Columns::of(&row);
        let (slug, seal): (Option<String>, Option<Vec<u8>>) = (columns.next()?, columns.next()?);
        let (number, hash): (Option<i64>, Option<Vec<u8>>) = (columns.next()?, columns.next()?);
        let opened = |seal: &Vec<u8>| {
            let bytes = self.store.0.master.open(&self.head_context(), seal).ok()?;
            ChainHead::from_bytes(&bytes)
        };
        Ok(TrailEnd {
            slug: slug.unwrap_or_default(),
            head: match seal.map(|seal| (opened(&seal), seal)) {
                None => HeadState::Missing,
                Some((None, _)) => HeadState::Forged,
                Some((Some(head), seal)) => HeadState::Genuine(head, seal),
            },
            last: ChainHead { number: number.unwrap_or_default(), hash: hash.unwrap_or_default() },
            sealed_at: columns.time_if_any()?,
        })
    }

    /// Checks the whole chain of the tenant: every block, the head, and that the blocks in `expected`, noted earlier
    /// elsewhere, are still in it.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn verify_audit_chain(&self, expected: &[ChainHead]) -> Result<ChainState, StoreError> {
        let mut walk = Walk::default();
        let (end, stray) = loop {
            if let Some(broken) = self.walk_on(&mut walk, expected).await? {
                return Ok(broken);
            }
            let stray = rows::audit_event::Entity::find()
                .filter(rows::audit_event::Column::TenantId.eq(self.tenant.0))
                .filter(rows::audit_event::Column::Block.gt(walk.at.number))
                .order_by_asc(rows::audit_event::Column::Block)
                .one(self.reader())
                .await?;
            // Looked at last: a block that was closed meanwhile is followed before anything is judged.
            let end = self.end_of_trail().await?;
            if end.last.number <= walk.at.number {
                break (end, stray);
            }
        };
        if let Some(broken) = fault_of_end(&end.head, &walk.at, expected) {
            return Ok(broken);
        }
        if stray.is_some() {
            return Ok(broken(walk.at.number + 1, "the block is missing"));
        }
        let unsealed = rows::audit_event::Entity::find()
            .filter(rows::audit_event::Column::TenantId.eq(self.tenant.0))
            .filter(rows::audit_event::Column::Block.is_null())
            .count(self.reader())
            .await?;
        Ok(ChainState::Intact { blocks: walk.at.number, events: walk.events, unsealed, head: walk.at })
    }

    /// Takes the trail as it is for the whole one: its head is written anew, with an event that says so. Answers with
    /// the state of the chain afterwards; one that is intact, or whose blocks do not fit together, is left as it is.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn accept_audit_chain(&self, audit: impl Fn(&ChainHead) -> Change) -> Result<ChainState, StoreError> {
        for _ in 0..ATTEMPTS {
            let state = self.verify_audit_chain(&[]).await?;
            let mut walk = Walk::default();
            let torn = self.walk_on(&mut walk, &[]).await?;
            if torn.is_some() || matches!(state, ChainState::Intact { .. }) {
                return Ok(torn.unwrap_or(state));
            }
            let seal = self.sealed_head(&walk.at)?;
            let replace = Change::if_updated(self.rows("audit_head").set("seal", seal.clone()));
            let change = audit(&walk.at);
            if self.write(replace.and(change.clone())).await? == Outcome::Refused {
                self.write(Change::if_inserted(self.head_row(seal)).and(change)).await?;
            }
        }
        self.verify_audit_chain(&[]).await
    }

    /// Follows the chain from where the walk is, to its end or to the first block that does not fit.
    async fn walk_on(&self, walk: &mut Walk, expected: &[ChainHead]) -> Result<Option<ChainState>, StoreError> {
        loop {
            let next = rows::audit_block::Entity::find()
                .filter(rows::audit_block::Column::TenantId.eq(self.tenant.0))
                .filter(rows::audit_block::Column::Number.gt(walk.at.number))
                .order_by_asc(rows::audit_block::Column::Number);
            let Some(block) = next.one(self.reader()).await? else { return Ok(None) };
            let number = walk.at.number + 1;
            let broken = |why: &str| Ok(Some(broken(number, why)));
            if block.number != number {
                return broken("the block is missing");
            }
            let events = rows::audit_event::Entity::find()
                .filter(rows::audit_event::Column::TenantId.eq(self.tenant.0))
                .filter(rows::audit_event::Column::Block.eq(number))
                .order_by_asc(rows::audit_event::Column::Id)
                .all(self.reader())
                .await?;
            if events.len() as i64 != block.events {
                return broken("it has another number of events than were sealed");
            }
            if block_hash(&walk.at.hash, number, &events) != block.hash {
                return broken("its events or the block before are not what was sealed");
            }
            if let Some(event) = self.first_changed_personal(&events).await? {
                return broken(&format!("personal data of event {event} was changed"));
            }
            if expected.iter().any(|expected| expected.number == number && expected.hash != block.hash) {
                return broken("it is not the block that was expected");
            }
            walk.at = ChainHead { number, hash: block.hash };
            walk.events += block.events;
        }
    }

    /// Where personal data and salt are both still there, they must give the digest that was sealed.
    async fn first_changed_personal(&self, events: &[rows::audit_event::Model]) -> Result<Option<Uuid>, StoreError> {
        let users: Vec<Uuid> = events.iter().filter_map(|event| event.user_id).collect();
        let salts: std::collections::HashMap<Uuid, Option<Vec<u8>>> = rows::account::Entity::find()
            .filter(rows::account::Column::TenantId.eq(self.tenant.0))
            .filter(rows::account::Column::Id.is_in(users))
            .all(self.reader())
            .await?
            .into_iter()
            .map(|account| (account.id, account.audit_salt))
            .collect();
        let changed = |event: &&rows::audit_event::Model| {
            let Some(sealed) = &event.personal_digest else { return event.personal.is_some() };
            let Some(user) = event.user_id else { return false };
            let Some(Some(salt)) = salts.get(&user) else { return false };
            personal_digest(salt, Some(user), event.personal.as_deref().unwrap_or_default()) != *sealed
        };
        Ok(events.iter().find(changed).map(|event| event.id))
    }
}
