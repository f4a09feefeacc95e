//! Password hashing on its own threads: costs, limits, and what a failure costs (PW02, PW14, PW19).

#![expect(clippy::unwrap_used, reason = "tests may stop")]

use std::{sync::Arc, time::Duration};

use argon2::{Algorithm, Argon2, Params, Version};
use chancery::password_pool::{
    MAX_PASSWORD_BYTES, MAX_STORED_MEMORY_KIB, Memory, PasswordPool, PoolError, Settings, Verdict, bare,
};
use futures_util::future::join_all;
use zeroize::Zeroizing;

const RIGHT: Verdict = Verdict::Match { needs_rehash: false };
const OLD: Verdict = Verdict::Match { needs_rehash: true };

/// Cheap enough for tests.
fn cheap() -> Settings {
    Settings { workers: 2, memory_kib: 64, iterations: 1, parallelism: 1, max_wait: Duration::from_secs(60) }
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// A PHC string made by the library alone.
fn phc(algorithm: Algorithm, version: Version, params: Params, salt: &[u8]) -> String {
    use argon2::PasswordHasher;
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_with_salt(b"correct horse", salt).unwrap().to_string()
}

fn params(memory_kib: u32, iterations: u32, parallelism: u32) -> Params {
    Params::new(memory_kib, iterations, parallelism, Some(32)).unwrap()
}

#[tokio::test]
async fn a_password_matches_its_own_hash_only() {
    let pool = PasswordPool::start(&cheap()).unwrap();
    let first = pool.hash(secret("correct horse")).await.unwrap();
    let second = pool.hash(secret("correct horse")).await.unwrap();
    assert!(first.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{first}");
    assert_ne!(first, second, "each hash has a salt of its own");

    let first: Arc<str> = first.into();
    assert_eq!(pool.verify(secret("correct horse"), Some(first.clone())).await, Ok(RIGHT));
    for wrong in ["Correct horse", "correct horse ", "", "correct\0horse"] {
        assert_eq!(pool.verify(secret(wrong), Some(first.clone())).await, Ok(Verdict::Mismatch), "{wrong:?}");
    }
    // The library reads what we write.
    use argon2::PasswordVerifier;
    Argon2::default().verify_password(b"correct horse", &*first).unwrap();
}

#[tokio::test]
async fn every_failure_costs_exactly_one_hash() {
    let pool = PasswordPool::start(&cheap()).unwrap();
    let known: Arc<str> = pool.hash(secret("correct horse")).await.unwrap().into();
    let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
    let unreadable = |reason| Err(PoolError::StoredHash(reason));
    for (rule, password, stored, expected) in [
        ("PW02 right password", "correct horse", Some(&*known), Ok(RIGHT)),
        ("PW02 wrong password", "wrong", Some(&*known), Ok(Verdict::Mismatch)),
        ("PW02 unknown user", "wrong", None, Ok(Verdict::Mismatch)),
        ("PW02 over-long password", &long, Some(&*known), Ok(Verdict::Mismatch)),
        ("PW02 over-long, unknown", &long, None, Ok(Verdict::Mismatch)),
        ("PW02 empty hash", "wrong", Some(""), unreadable("not a PHC string")),
        (
            "PW02 memory below 8 KiB",
            "wrong",
            Some("$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"),
            unreadable("impossible parameters"),
        ),
        ("PW02 no salt", "wrong", Some("$argon2id$v=19$m=64,t=1,p=1"), unreadable("no salt or no hash in it")),
        ("PW02 bcrypt", "wrong", Some("$2b$10$abcdefghijklmnopqrstuv"), unreadable("not a PHC string")),
        ("PW02 scrypt", "wrong", Some("$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"), unreadable("not Argon2")),
    ] {
        let before = pool.hashes_done();
        let answer = pool.verify(secret(password), stored.map(Arc::from)).await;
        assert_eq!((answer, pool.hashes_done() - before), (expected, 1), "{rule}");
    }
}

#[tokio::test]
async fn a_stored_hash_cannot_ask_for_more_than_the_limits() {
    let pool = PasswordPool::start(&cheap()).unwrap();
    let too_much = MAX_STORED_MEMORY_KIB + 1;
    let row = |cost: &str| format!("$argon2id$v=19${cost}$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA");
    for (rule, cost) in [
        ("PW19 memory past the limit", format!("m={too_much},t=1,p=1")),
        ("PW19 memory of 4 TiB", "m=4294967295,t=1,p=1".to_owned()),
        ("PW19 passes without end", "m=64,t=4294967295,p=1".to_owned()),
        ("PW19 memory times passes", format!("m={MAX_STORED_MEMORY_KIB},t=5,p=1")),
        ("PW19 lanes", "m=1024,t=1,p=17".to_owned()),
    ] {
        let before = pool.hashes_done();
        let answer = pool.verify(secret("x"), Some(row(&cost).into())).await;
        let expected = Err(PoolError::StoredHash("its cost is above the limit"));
        assert_eq!((answer, pool.hashes_done() - before), (expected, 1), "{rule}");
    }
    // What our own settings ask for is never above the limit.
    let lanes = Settings { memory_kib: 256, parallelism: 20, ..cheap() };
    let pool = PasswordPool::start(&lanes).unwrap();
    let own = pool.hash(secret("correct horse")).await.unwrap();
    assert_eq!(pool.verify(secret("correct horse"), Some(own.into())).await, Ok(RIGHT));
}

#[tokio::test]
async fn hashes_made_otherwise_still_match_and_are_marked() {
    let pool = PasswordPool::start(&cheap()).unwrap();
    let (id, new, salt) = (Algorithm::Argon2id, Version::V0x13, b"sixteen byte salt".as_slice());
    let short_hash = Params::new(64, 1, 1, Some(16)).unwrap();
    for (rule, stored, expected) in [
        ("same settings", phc(id, new, params(64, 1, 1), salt), RIGHT),
        ("PW21 less memory", phc(id, new, params(32, 1, 1), salt), OLD),
        ("PW21 more memory", phc(id, new, params(4096, 1, 1), salt), OLD),
        ("PW21 other passes", phc(id, new, params(64, 2, 1), salt), OLD),
        ("PW21 other lanes", phc(id, new, params(64, 1, 2), salt), OLD),
        ("PW21 Argon2i", phc(Algorithm::Argon2i, new, params(64, 1, 1), salt), OLD),
        ("PW21 Argon2d", phc(Algorithm::Argon2d, new, params(64, 1, 1), salt), OLD),
        ("PW21 old version", phc(id, Version::V0x10, params(64, 1, 1), salt), OLD),
        ("PW21 short salt", phc(id, new, params(64, 1, 1), b"8 bytes!"), OLD),
        ("PW21 short hash", phc(id, new, short_hash, salt), OLD),
    ] {
        let stored: Arc<str> = stored.into();
        assert_eq!(pool.verify(secret("correct horse"), Some(stored.clone())).await, Ok(expected), "{rule}");
        assert_eq!(pool.verify(secret("wrong"), Some(stored)).await, Ok(Verdict::Mismatch), "{rule}");
    }
}

#[tokio::test]
async fn every_byte_of_a_password_counts_up_to_the_limit() {
    let pool = PasswordPool::start(&cheap()).unwrap();
    let longest = "x".repeat(MAX_PASSWORD_BYTES);
    let stored: Arc<str> = pool.hash(secret(&longest)).await.unwrap().into();
    let other_end = format!("{}y", &longest[1..]);
    for (rule, password, expected) in [
        ("PW14 at the limit", longest.clone(), RIGHT),
        ("PW14 differs after byte 72", other_end, Verdict::Mismatch),
        ("PW14 one byte less", longest[1..].to_owned(), Verdict::Mismatch),
        ("PW14 one byte more", format!("{longest}x"), Verdict::Mismatch),
    ] {
        assert_eq!(pool.verify(secret(&password), Some(stored.clone())).await, Ok(expected), "{rule}");
    }
    let before = pool.hashes_done();
    assert_eq!(pool.hash(secret(&format!("{longest}x"))).await, Err(PoolError::TooLong));
    assert_eq!(pool.hashes_done(), before, "refused before any work");
}

#[tokio::test]
async fn a_flood_is_answered_or_turned_away_at_once() {
    // Slow hashes and no patience: one may run, whoever comes meanwhile is refused.
    let strict = Settings { workers: 1, memory_kib: 16_384, iterations: 2, max_wait: Duration::ZERO, ..cheap() };
    let pool = PasswordPool::start(&strict).unwrap();
    let answers = join_all((0..500).map(|_| pool.verify(secret("x"), None))).await;
    let done = answers.iter().filter(|answer| **answer == Ok(Verdict::Mismatch)).count();
    let refused = |answer: &&Result<Verdict, PoolError>| matches!(answer, Err(PoolError::Busy { retry_after_seconds }) if *retry_after_seconds >= 1);
    let busy = answers.iter().filter(refused).count();
    assert_eq!(done + busy, 500, "PW19 nothing but an answer or a refusal");
    assert!(done >= 1 && busy >= 400, "PW19 {done} done, {busy} refused");
    assert_eq!(pool.hashes_done(), u64::try_from(done).unwrap(), "PW19 refusals cost no hash");
    // And it recovers at once.
    assert_eq!(pool.verify(secret("x"), None).await, Ok(Verdict::Mismatch));
}

#[tokio::test]
async fn the_queue_is_bounded_by_the_expected_wait() {
    let settings = Settings { workers: 1, memory_kib: 8_192, max_wait: Duration::from_millis(200), ..cheap() };
    let pool = PasswordPool::start(&settings).unwrap();
    let answers = join_all((0..500).map(|_| pool.verify(secret("x"), None))).await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((2..500).contains(&done), "PW19 some waited, some were refused: {done}");
}

#[tokio::test]
async fn nobody_computes_for_those_who_went_away() {
    let settings = Settings { workers: 1, memory_kib: 8_192, ..cheap() };
    let pool = PasswordPool::start(&settings).unwrap();
    let mut waiting: Vec<_> = (0..200).map(|_| Box::pin(pool.verify(secret("x"), None))).collect();
    for waiter in &mut waiting {
        // Polled once: each now stands in the queue.
        assert!(futures_util::poll!(waiter).is_pending());
    }
    assert!(pool.waiting() > 100);
    drop(waiting);
    pool.hash(secret("x")).await.unwrap();
    assert!(pool.hashes_done() < 100, "{} hashes for one asker", pool.hashes_done());
    assert_eq!(pool.waiting(), 0);
}

#[tokio::test]
async fn those_who_went_away_hold_no_place_in_a_full_queue() {
    let settings = Settings { workers: 1, memory_kib: 8_192, max_wait: Duration::from_millis(200), ..cheap() };
    let pool = PasswordPool::start(&settings).unwrap();
    let mut waiting: Vec<_> = (0..500).map(|_| Box::pin(pool.verify(secret("x"), None))).collect();
    let mut refused = 0;
    for waiter in &mut waiting {
        refused += usize::from(futures_util::poll!(waiter).is_ready());
    }
    assert!(refused > 0, "the queue was full");
    drop(waiting);
    assert_eq!(pool.verify(secret("x"), None).await, Ok(Verdict::Mismatch));
}

#[test]
fn impossible_settings_are_refused() {
    for (rule, settings) in [
        ("RFC 9106 §3.1 memory below 8 × lanes", Settings { memory_kib: 15, parallelism: 2, ..cheap() }),
        ("RFC 9106 §3.1 no pass", Settings { iterations: 0, ..cheap() }),
        ("RFC 9106 §3.1 no lane", Settings { parallelism: 0, ..cheap() }),
    ] {
        assert!(matches!(PasswordPool::start(&settings), Err(PoolError::Settings(_))), "{rule}");
    }
}

#[test]
fn kept_memory_gives_the_same_hash_as_fresh_memory() {
    let settings = cheap();
    let mut memory = Memory::default();
    for password in ["first", "second", "first"] {
        let kept = bare(password.as_bytes(), b"sixteen byte salt", &settings, &mut memory).unwrap();
        let mut fresh = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params(64, 1, 1));
        argon2.hash_password_into(password.as_bytes(), b"sixteen byte salt", &mut fresh).unwrap();
        assert_eq!(kept, fresh, "{password}");
    }
}

/// Field 19 of `/proc/self/task/*/stat` (proc(5)), for the thread of this name.
#[cfg(target_os = "linux")]
fn niceness(name: &str) -> Option<i64> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let mut stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    let stat = stats.find(|stat| stat.contains(&format!("({name})")))?;
    stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_threads_give_way_to_everything_else() {
    // No other test has as many workers: the last one's name is ours alone.
    let pool = PasswordPool::start(&Settings { workers: 9, ..cheap() }).unwrap();
    pool.hash(secret("x")).await.unwrap();
    let patience = std::time::Instant::now() + Duration::from_secs(20);
    while niceness("password-9") != Some(15) {
        assert!(std::time::Instant::now() < patience, "niceness is {:?}", niceness("password-9"));
        tokio::task::yield_now().await;
    }
    drop(pool);
    while niceness("password-9").is_some() {
        assert!(std::time::Instant::now() < patience, "the threads outlive their pool");
        tokio::task::yield_now().await;
    }
}
