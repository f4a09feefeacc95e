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
    /// Whether the person wished to stay signed in when the browser is closed.
    pub kept: bool,
}

/// Sessions that one browser holds at most: their secrets and marks stay far below the 4096 bytes of a cookie
/// (RFC 6265 §6.1), and the list below what a person looks through.
pub const MOST_IN_A_BROWSER: usize = 20;

/// A session is renewed at most once in so many seconds, so that reading a page seldom writes a row.
const RENEW_AFTER: i64 = 300;

impl Session {
    /// A session that begins now, with a proof that was given now. It ends with the browser.
    pub fn begin(id: SessionId, user_id: UserId, amr: &str, settings: &TenantSettings, now: Timestamp) -> Self {
        let authentication = Authentication { at: now, acr: ACR_ONE_FACTOR.to_owned(), amr: vec![amr.to_owned()] };
        Self {
            id,
            user_id,
            authentication,
            user_agent: None,
            created_at: now,
            last_seen_at: now,
            idle_expires_at: now,
            expires_at: now,
            ended_at: None,
            kept: false,
        }
        .lasting(settings, now)
    }

    /// The session that has just begun, kept when the browser is closed, if the tenant allows that.
    #[must_use]
    pub fn keep(self, settings: &TenantSettings) -> Self {
        let began = self.last_seen_at;
        Self { kept: settings.keep_signed_in, ..self }.lasting(settings, began)
    }

    fn lasting(self, settings: &TenantSettings, now: Timestamp) -> Self {
        let plain = settings.session_lifetime_seconds;
        let lifetime = if self.kept { settings.kept_session_lifetime_seconds.max(plain) } else { plain };
        let whole = Self { expires_at: now.plus(i64::from(lifetime)), ..self };
        Self { idle_expires_at: whole.idle_end(settings, now), ..whole }
    }

    /// When a session that is used now ends if it is not used again. One that is kept never ends earlier than others;
    /// one that the tenant does not allow to be kept any longer is like all others, and ends with the browser.
    pub fn idle_end(&self, settings: &TenantSettings, now: Timestamp) -> Timestamp {
        let kept = self.kept && settings.keep_signed_in;
        let plain = settings.session_idle_seconds;
        let idle = if kept { settings.kept_session_idle_seconds.max(plain) } else { plain };
        now.plus(i64::from(idle)).min(self.expires_at)
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

/// Which session makes room for one of another person, in a browser that holds these, the one used last first. What is
/// over goes before what lives, and of either the one used longest ago.
pub fn makes_room<'a>(held: &[&'a Session], now: Timestamp) -> Option<&'a Session> {
    if held.len() < MOST_IN_A_BROWSER {
        return None;
    }
    held.iter().rev().find(|session| !session.is_alive(now)).or(held.last()).copied()
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
