//! A session: one person, signed in, in one browser. A row of the server; the browser holds only a secret.

use crate::protocol::grant::Authentication;
use crate::protocol::identifiers::{SessionId, UserId};
use crate::protocol::metadata::ACR_ONE_FACTOR;
use crate::protocol::tenant_settings::TenantSettings;
use crate::protocol::timestamp::Timestamp;

/// A session as it is stored.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which; the `sid` claim.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// How and when the person proved who they are, the last time.
    pub authentication: Authentication,
    /// What the browser called itself at that time.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within a few minutes.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// When it was ended: by signing out, or by somebody who may.
    pub ended_at: Option<Timestamp>,
}

/// A session is renewed at most once in so many seconds, so that reading a page seldom writes a row.
const RENEW_AFTER: i64 = 300;

impl Session {
    /// A session that begins now, with a proof that was given now.
    pub fn begin(id: SessionId, user_id: UserId, amr: &str, settings: &TenantSettings, now: Timestamp) -> Self {
        let expires_at = now.plus(i64::from(settings.session_lifetime_seconds));
        let authentication = Authentication { at: now, acr: ACR_ONE_FACTOR.to_owned(), amr: vec![amr.to_owned()] };
        Self {
            id,
            user_id,
            authentication,
            user_agent: None,
            created_at: now,
            last_seen_at: now,
            idle_expires_at: now.plus(i64::from(settings.session_idle_seconds)).min(expires_at),
            expires_at,
            ended_at: None,
        }
    }

    /// Whether the person is signed in.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        is_alive(self.ended_at, self.idle_expires_at, self.expires_at, now)
    }

    /// Whether it is time to write down that the session was used.
    pub const fn wants_renewal(&self, now: Timestamp) -> bool {
        now.since(self.last_seen_at) >= RENEW_AFTER
    }
}

/// Whether a session with these times lives: not ended, used lately, not too old.
pub fn is_alive(
    ended_at: Option<Timestamp>,
    idle_expires_at: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
) -> bool {
    ended_at.is_none() && idle_expires_at > now && expires_at > now
}
