//! Slowing down those who guess.

use chancery::sign_in::throttle::wait_seconds;

use super::NOW;

const DAY: i64 = 24 * 3600;

/// Failures, seconds since the last one, whether the browser is known, seconds to wait.
const WAITS: &[(&str, i64, i64, bool, i64)] = &[
    ("PW05 one past the free ones", 5, 0, false, 1),
    ("PW05 doubling", 6, 0, false, 2),
    ("PW05 doubling on", 12, 0, false, 128),
    ("PW05 the last doubling", 13, 0, false, 256),
    ("PW05 the longest", 14, 0, false, 300),
    ("PW05 the last one looked at", 99, 0, false, 300),
    ("PW06 a hundred", 100, 0, false, DAY),
    ("PW06 more than a hundred", i64::MAX, 0, false, DAY),
    ("PW06 a hundred, later", 100, 3600, false, DAY - 3600),
    ("PW06 a hundred, the last second", 100, DAY - 1, false, 1),
    ("PW06 a hundred, a day later", 100, DAY, false, 0),
    ("PW05 one second left", 14, 299, false, 1),
    ("PW05 a day less one second", 14, DAY - 1, false, 0),
    ("RF06 the clock went back", 14, -3600, false, 300),
    ("RF06 far back", 5, -10 * DAY, false, 1),
    ("PW07 never for good", 14, 300, false, 0),
    ("PW07 after the wait", 14, 301, false, 0),
    ("PW07 half of the wait", 8, 4, false, 4),
    ("PW07 exactly after it", 8, 8, false, 0),
    ("PW07 known browser", 5, 0, true, 0),
    ("PW07 known browser, many", i64::MAX, 0, true, 0),
    ("PW07 people mistype", 4, 0, false, 0),
    ("PW07 none", 0, 0, false, 0),
    ("PW07 nonsense", -1, 0, false, 0),
    // The wait is never longer than the day after which failures are forgotten.
    ("RF06 a hundred, and the clock went back", 100, -3600, false, DAY),
];

#[test]
fn the_wait_grows_and_ends() {
    for (rule, failures, since, known, expected) in WAITS {
        assert_eq!(wait_seconds(*failures, NOW.plus(-since), *known, NOW), *expected, "{rule}");
    }
}

#[test]
fn an_attacker_waits_no_less_for_each_further_failure() {
    let waits: Vec<i64> = (0..200).map(|failures| wait_seconds(failures, NOW, false, NOW)).collect();
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "PW05 {waits:?}");
    // As fast as allowed, a day holds few guesses.
    let (mut guesses, mut clock) = (0, 0);
    while clock < DAY {
        clock += wait_seconds(guesses, NOW, false, NOW).max(1);
        guesses += 1;
    }
    assert!(guesses <= 101, "PW06 {guesses} guesses a day");
}
