//! Slowing down those who guess passwords — NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row for an account.
//! At the end: those who make accounts.
//!
//! Failures in a row are counted for each account, wherever they come from, and a right password ends the row.
//!
//! | failures in a row | in a browser that does not know the person | in one in which the person was signed in before |
//! |---|---|---|
//! | 0 to 4 | looked at at once | at once |
//! | 5 to 49 | after 1, 2, 4, … up to 300 seconds | at once |
//! | 50 to 54 | one attempt a day | at once |
//! | 55 to 99 | one attempt a day | after 1, 2, 4, … up to 300 seconds |
//! | 100 | one attempt a day | one attempt a day |
//!
//! Strange browsers alone cannot raise the count above 50, so failing on purpose does not keep the owner out of a
//! browser of theirs; and an account is never locked for good, for the one attempt a day may be the right one.

use crate::protocol::timestamp::Timestamp;

/// So many failures in a row cost nothing: people mistype.
const FREE_FAILURES: i64 = 5;
/// The longest delay, in seconds: an attacker gets a dozen guesses an hour, the owner waits minutes at worst.
const LONGEST_DELAY: i64 = 300;
/// The longest stop, in seconds: so long after the last failure one attempt is looked at again.
const STOP: i64 = 24 * 3600;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A browser that does not know the person.
    Strange,
    /// A browser in which the person was signed in before.
    Known,
}

impl Source {
    /// From so many failures on each one is followed by a delay.
    const fn free(self) -> i64 {
        match self {
            Self::Strange => FREE_FAILURES,
            // Whatever strange browsers did, here it begins anew.
            Self::Known => Self::Strange.most() + FREE_FAILURES,
        }
    }

    /// So many failures can come from here at most; then there is one attempt a day.
    pub const fn most(self) -> i64 {
        match self {
            Self::Strange => 50,
            // NIST SP 800-63B-4 §3.2.2: no more than 100.
            Self::Known => 100,
        }
    }
}

/// Seconds until the next attempt is looked at; 0 means now.
pub fn wait_seconds(failures: i64, last_failed_at: Timestamp, source: Source, now: Timestamp) -> i64 {
    // A clock that went back has let no time pass.
    let since = now.since(last_failed_at).max(0);
    if failures < source.free() {
        return 0;
    }
    if failures >= source.most() {
        return (STOP - since).max(0);
    }
    let doublings = u32::try_from((failures - source.free()).min(10)).unwrap_or(10);
    let delay = (1_i64 << doublings).min(LONGEST_DELAY);
    (delay - since).max(0)
}

/// How many attempts to make an account are looked at within so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The attempts.
    pub most: u32,
    /// The seconds, from the first one on.
    pub seconds: i64,
}

/// From one network: a class may register at once, and who tries names finds two in a minute.
pub const NEW_ACCOUNTS_OF_NETWORK: Limit = Limit { most: 20, seconds: 600 };
/// In one tenant, wherever they come from: so much fills no database, and is more than a good day brings.
pub const NEW_ACCOUNTS_OF_TENANT: Limit = Limit { most: 1000, seconds: 3600 };

/// Attempts to make an account, as far as they count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    number: u32,
    first_at: Timestamp,
}

impl Attempts {
    /// The attempts with one more; `before` are those known so far.
    #[must_use]
    pub fn one_more(before: Option<Self>, limit: Limit, now: Timestamp) -> Self {
        match before {
            Some(Self { number, first_at }) if now.since(first_at) < limit.seconds => {
                Self { number: number.saturating_add(1), first_at }
            }
            Some(_) | None => Self { number: 1, first_at: now },
        }
    }

    /// Seconds until the last of these attempts would be looked at; 0 means now.
    pub fn wait_seconds(self, limit: Limit, now: Timestamp) -> i64 {
        // A clock that went back has let no time pass.
        let left = limit.seconds - now.since(self.first_at).max(0);
        if self.number <= limit.most { 0 } else { left.max(1) }
    }
}
