//! The shape of the house: who may look at whom, how long a file may be, that each says what it is.

use std::path::{Path, PathBuf};

/// Longest file, in lines.
const MAX_LINES: usize = 500;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The rooms of a file: the names after `crate::` (or `super::super::`) in its imports and paths.
fn looks_at(text: &str) -> Vec<String> {
    text.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn files_are_short_and_begin_by_saying_what_they_are() {
    for (path, text) in sources("src").into_iter().chain(sources("migrations")).chain(sources("tests/it")) {
        assert!(text.lines().count() <= MAX_LINES, "{}: more than {MAX_LINES} lines", path.display());
        assert!(text.starts_with("//! "), "{}: no header", path.display());
    }
}

#[test]
fn every_room_looks_only_to_the_right() {
    // Outside doors that anybody may use.
    let doors = ["clock", "mint", "seal", "outbound", "password_pool", "config", "LOCALES"];
    let allowed: [(&str, &[&str]); 6] = [
        // `seal` lends the keyed hash from which refresh tokens are derived.
        ("src/protocol", &["protocol", "seal"]),
        ("src/sign_in", &["protocol", "sign_in"]),
        ("src/store", &["protocol", "sign_in", "store"]),
        ("src/endpoints", &["protocol", "sign_in", "store", "call", "failure", "keys", "tenant", "endpoints"]),
        ("src/pages", &["protocol", "sign_in", "store", "call", "failure", "keys", "tenant", "pages", "endpoints"]),
        ("src/admin", &["protocol", "sign_in", "store", "call", "keys", "tenant", "admin"]),
    ];
    for (folder, rooms) in allowed {
        for (path, text) in sources(folder) {
            for seen in looks_at(&text) {
                let known = rooms.contains(&seen.as_str())
                    || (folder != "src/protocol" && folder != "src/sign_in" && doors.contains(&seen.as_str()));
                assert!(known, "{} looks at {seen}", path.display());
            }
        }
    }
}

#[test]
fn decisions_know_no_clock_no_database_and_no_wait() {
    for folder in ["src/protocol", "src/sign_in"] {
        for (path, text) in sources(folder) {
            for word in [".await", "async fn", "sea_orm", "poem::", "SystemTime", "Instant::now"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

#[test]
fn only_the_store_speaks_sql() {
    for (path, text) in sources("src") {
        let inside = path.to_string_lossy().contains("/store/");
        // The benchmark's bare reference writes rows by itself on purpose.
        let reference = path.to_string_lossy().contains("/bench");
        assert!(inside || reference || !text.contains("sea_orm"), "{}", path.display());
    }
}

#[test]
fn nothing_in_the_server_unwraps_or_panics() {
    for (path, text) in sources("src") {
        for word in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "#[allow("] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn every_grant_asks_the_policy_gate_because_tokens_are_made_of_its_permit_alone() {
    let makers: Vec<_> = sources("src")
        .into_iter()
        .filter(|(_, text)| text.contains("Permit {") && text.contains("Ok(Permit"))
        .collect();
    assert_eq!(makers.len(), 1, "a Permit is made in one place");
    let token = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/endpoints/token.rs")).unwrap();
    for grant in chancery::protocol::client::GrantType::ALL {
        let asked = format!("policy::decide(call.tenant.status, client.client(), GrantType::{grant:?}, ");
        assert_eq!(token.matches(&asked).count(), 1, "{grant:?}");
    }
}
