//! Slowing down those who guess: a soft delay per account that grows with each failure and never locks for good.

use crate::protocol::timestamp::Timestamp;

/// So many failures in a row cost nothing: people mistype.
const FREE_FAILURES: i64 = 5;
/// The longest delay, in seconds: an attacker gets a dozen guesses an hour, the owner waits minutes at worst.
const LONGEST_DELAY: i64 = 300;
/// Failures older than this, in seconds, count no more.
const FORGET_AFTER: i64 = 24 * 3600;

/// Seconds until the next attempt is looked at; 0 means now.
///
/// A browser in which the same person was signed in before is not slowed (`known_browser`): failing on
/// purpose must not keep the owner out.
pub fn wait_seconds(failures: i64, last_failed_at: Timestamp, known_browser: bool, now: Timestamp) -> i64 {
    if known_browser || failures < FREE_FAILURES || now.since(last_failed_at) >= FORGET_AFTER {
        return 0;
    }
    let doublings = u32::try_from((failures - FREE_FAILURES).min(10)).unwrap_or(10);
    let delay = (1_i64 << doublings).min(LONGEST_DELAY);
    (delay - now.since(last_failed_at)).clamp(0, delay)
}
