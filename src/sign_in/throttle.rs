//! Slowing down those who guess: a soft delay per account that grows with each failure and never locks for good.

use crate::protocol::timestamp::Timestamp;

/// So many failures in a row cost nothing: people mistype.
const FREE_FAILURES: i64 = 5;
/// The longest delay, in seconds: an attacker gets a dozen guesses an hour, the owner waits minutes at worst.
const LONGEST_DELAY: i64 = 300;
/// After so many failures in a row nothing is looked at until they are forgotten.
const MOST_FAILURES: i64 = 100;
/// Failures older than this, in seconds, count no more.
const FORGET_AFTER: i64 = 24 * 3600;

/// Seconds until the next attempt is looked at; 0 means now.
///
/// A browser in which the same person was signed in before is not slowed (`known_browser`): failing on
/// purpose must not keep the owner out.
pub fn wait_seconds(failures: i64, last_failed_at: Timestamp, known_browser: bool, now: Timestamp) -> i64 {
    // A clock that went back has let no time pass.
    let since = now.since(last_failed_at).max(0);
    if known_browser || failures < FREE_FAILURES || since >= FORGET_AFTER {
        return 0;
    }
    // NIST SP 800-63B §3.2.2: no more than a hundred in a row.
    if failures >= MOST_FAILURES {
        return FORGET_AFTER - since;
    }
    let doublings = u32::try_from((failures - FREE_FAILURES).min(10)).unwrap_or(10);
    let delay = (1_i64 << doublings).min(LONGEST_DELAY);
    (delay - since).clamp(0, delay)
}
