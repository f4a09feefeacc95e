//! Slowing down those who guess.

use chancery::sign_in::throttle::Source::{self, Known, Strange};
use chancery::sign_in::throttle::{Attempts, Limit, NEW_ACCOUNTS_OF_NETWORK, NEW_ACCOUNTS_OF_TENANT, wait_seconds};

use super::NOW;

const DAY: i64 = 24 * 3600;

/// Failures, seconds since the last one, where the attempt comes from, seconds to wait.
const WAITS: &[(&str, i64, i64, Source, i64)] = &[
    ("PW05 one past the free ones", 5, 0, Strange, 1),
    ("PW05 doubling", 6, 0, Strange, 2),
    ("PW05 doubling on", 12, 0, Strange, 128),
    ("PW05 the last doubling", 13, 0, Strange, 256),
    ("PW05 the longest", 14, 0, Strange, 300),
    ("PW05 the last one looked at", 49, 0, Strange, 300),
    ("PW06 fifty", 50, 0, Strange, DAY),
    ("PW06 more than can be", i64::MAX, 0, Strange, DAY),
    ("PW06 fifty, later", 50, 3600, Strange, DAY - 3600),
    ("PW06 fifty, the last second", 50, DAY - 1, Strange, 1),
    ("PW06 a known browser, one past the free ones", 55, 0, Known, 1),
    ("PW06 a known browser, doubling", 56, 0, Known, 2),
    ("PW06 a known browser, the longest", 64, 0, Known, 300),
    ("PW06 a known browser, the last one looked at", 99, 0, Known, 300),
    ("PW06 a known browser, a hundred", 100, 0, Known, DAY),
    ("PW06 a known browser, more than can be", i64::MAX, 0, Known, DAY),
    ("PW06 a known browser, the last second", 100, DAY - 1, Known, 1),
    ("PW05 one second left", 14, 299, Strange, 1),
    ("RF06 the clock went back", 14, -3600, Strange, 300),
    ("RF06 far back", 5, -10 * DAY, Strange, 1),
    ("RF06 a hundred, and the clock went back", 100, -3600, Known, DAY),
    ("PW07 never for good", 14, 300, Strange, 0),
    ("PW07 never for good, after fifty", 50, DAY, Strange, 0),
    ("PW07 never for good, after a hundred", 100, DAY, Known, 0),
    ("PW07 after the wait", 14, 301, Strange, 0),
    ("PW07 half of the wait", 8, 4, Strange, 4),
    ("PW07 exactly after it", 8, 8, Strange, 0),
    ("PW07 known browser, whatever strange ones did", 50, 0, Known, 0),
    ("PW07 known browser, people mistype", 54, 0, Known, 0),
    ("PW07 people mistype", 4, 0, Strange, 0),
    ("PW07 none", 0, 0, Strange, 0),
    ("PW07 nonsense", -1, 0, Strange, 0),
];

#[test]
fn the_wait_grows_and_ends() {
    for (rule, failures, since, source, expected) in WAITS {
        assert_eq!(wait_seconds(*failures, NOW.plus(-since), *source, NOW), *expected, "{rule}");
    }
}

#[test]
fn an_attacker_waits_no_less_for_each_further_failure() {
    for (source, most) in [(Strange, 50), (Known, 100)] {
        assert_eq!(source.most(), most, "PW06, NIST SP 800-63B-4 §3.2.2");
        let waits: Vec<i64> = (0..200).map(|failures| wait_seconds(failures, NOW, source, NOW)).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "PW05 {waits:?}");
        // As fast as allowed, a day holds few guesses.
        let (mut guesses, mut clock) = (0, 0);
        while clock < DAY {
            clock += wait_seconds(guesses, NOW, source, NOW);
            guesses += 1;
        }
        assert!(guesses <= most + 1, "PW06 {guesses} guesses a day");
    }
}

/// So many attempts within the limit, then seconds that pass and one more: seconds to wait.
const ATTEMPTS: &[(&str, u32, i64, i64)] = &[
    ("one past the limit", 3, 0, 60),
    ("many past the limit", 100, 0, 60),
    ("one past the limit, the last second", 3, 59, 1),
    ("the clock went back", 3, -3600, 60),
    ("at the limit", 2, 0, 0),
    ("one past the limit, when the time is over", 3, 60, 0),
    ("the first", 0, 0, 0),
];

#[test]
fn attempts_to_make_accounts_are_bounded_and_never_for_good() {
    let limit = Limit { most: 3, seconds: 60 };
    for (rule, before, passed, expected) in ATTEMPTS {
        let mut known = None;
        for _ in 0..*before {
            known = Some(Attempts::one_more(known, limit, NOW));
        }
        let now = NOW.plus(*passed);
        assert_eq!(Attempts::one_more(known, limit, now).wait_seconds(limit, now), *expected, "{rule}");
    }
    for limit in [NEW_ACCOUNTS_OF_NETWORK, NEW_ACCOUNTS_OF_TENANT] {
        assert!(limit.most > 0 && limit.seconds <= 3600, "nobody waits longer than an hour: {limit:?}");
    }
}
