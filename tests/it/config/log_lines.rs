//! Log lines: the allow-list, request and tenant on every line, and nothing that can forge a line.

use chancery::logging::{FIELDS, Shape, about, about_tenant, check_level, still_about, subscriber};
use tracing::{debug, error, info, warn};

use crate::support::log::Kept;

/// The lines that `work` logs.
fn lines(shape: Shape, level: &str, work: impl FnOnce()) -> Vec<String> {
    let kept = Kept::default();
    tracing::subscriber::with_default(subscriber(shape, level, kept.clone()).unwrap(), work);
    kept.text().lines().map(str::to_owned).collect()
}

/// Runs work on this thread, whose log is watched.
fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
}

/// What stands after the time, which has always the same length.
fn after_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.ends_with('Z') && time.len() == "2026-11-21T12:17:00.000000Z".len(), "{time}");
    rest
}

#[derive(Debug, thiserror::Error)]
#[error("the code could not be redeemed")]
struct Outer(#[source] std::fmt::Error);

#[test]
fn a_line_for_people_is_one_readable_line() {
    let cause = Outer(std::fmt::Error);
    let found = lines(Shape::Plain, "info", || {
        info!(target: "chancery::test", listen = "127.0.0.1:8080", count = 3, dev = true, "listening");
        warn!(target: "chancery::test", reason = "two words", "odd");
        error!(target: "chancery", error = &cause as &dyn std::error::Error, "failed");
        info!(target: "sqlx::pool", "connected");
        debug!(target: "chancery::test", "hidden");
    });
    let found: Vec<&str> = found.iter().map(|line| after_time(line)).collect();
    assert_eq!(
        found,
        [
            " INFO listening listen=127.0.0.1:8080 count=3 dev=true",
            " WARN odd reason=\"two words\"",
            "ERROR failed error=\"the code could not be redeemed: an error occurred when formatting an argument\"",
            " INFO [sqlx::pool] connected",
        ]
    );
    assert!(
        lines(Shape::Coloured, "info", || warn!(target: "chancery", "odd"))[0].ends_with("\x1b[33m WARN\x1b[0m odd")
    );
}

#[test]
fn a_line_for_machines_is_one_json_object() {
    let found = lines(Shape::Json, "info", || {
        run(about("r1".into(), async {
            about_tenant("acme");
            info!(target: "chancery::test", status = 200, reason = "say \"no\"\n", "answered");
        }));
        info!(target: "chancery::test", "bare");
    });
    let json: Vec<serde_json::Value> = found.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut first = json[0].clone();
    first["time"].take();
    let expected = serde_json::json!({
        "time": null, "level": "INFO", "target": "chancery::test", "message": "answered", "status": 200,
        "reason": "say \"no\"\n", "request": "r1", "tenant": "acme",
    });
    assert_eq!(first, expected);
    assert_eq!(json[1]["message"], "bare");
}

#[test]
fn request_and_tenant_are_on_every_line_of_a_request() {
    let found = lines(Shape::Plain, "warn", || {
        run(about("r1".into(), async {
            warn!(target: "chancery::test", "early");
            about_tenant("acme");
            about_tenant("later words do not count");
            // A task of its own goes on being about the request.
            tokio::spawn(still_about(async { warn!(target: "sqlx::query", "slow") })).await.unwrap();
            warn!(target: "chancery::test", tenant = "other", "own word counts");
            info!(target: "chancery::test", "below the level");
        }));
        run(still_about(async { warn!(target: "chancery::test", "outside") }));
    });
    let found: Vec<&str> = found.iter().map(|line| after_time(line)).collect();
    assert_eq!(
        found,
        [
            " WARN early request=r1",
            " WARN [sqlx::query] slow request=r1 tenant=acme",
            " WARN own word counts request=r1 tenant=other",
            " WARN outside",
        ]
    );
}

#[test]
fn a_field_that_is_not_allowed_is_dropped_unread() {
    struct Unread;
    impl std::fmt::Debug for Unread {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("a field that is not allowed was formatted");
        }
    }
    for shape in [Shape::Plain, Shape::Json] {
        let found = lines(shape, "trace", || {
            info!(target: "chancery::test", code = "hunter2", token = ?Unread, access = 2u64, client = "web", "redeemed");
            info!(target: "hyper::client", authorization = "hunter2", "sent");
        });
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|line| !line.contains("hunter2")), "{found:?}");
        assert!(found[0].contains("code token access"), "our own author is told: {}", found[0]);
        assert!(!found[1].contains("dropped"), "{}", found[1]);
    }
    for name in
        ["code", "token", "password", "secret", "cookie", "body", "email", "authorization", "code_verifier", "session"]
    {
        assert!(!FIELDS.contains(&name), "{name}");
    }
}

#[test]
fn libraries_are_not_heard_below_info() {
    let found = lines(Shape::Plain, "trace", || {
        debug!(target: "h2::codec", "authorization: hunter2");
        debug!(target: "chancery_of_others", "no");
        debug!(target: "chancery::store", "ours");
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("DEBUG ours"));
}

#[test]
fn no_value_can_forge_a_line_or_fill_the_log() {
    let forged = "x\n2026-11-21T12:17:00Z ERROR forged\r\x1b[2J\u{202e}";
    let found = lines(Shape::Plain, "info", || {
        info!(target: "chancery::test", reason = forged, client = forged.split(' ').next(), "{forged}");
        info!(target: "chancery::test", reason = "é".repeat(5_000), "long");
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(!found[0].contains(|c: char| c.is_control() || c == '\u{202e}'), "{}", found[0]);
    assert!(found[0].contains("x\\n2026-11-21T12:17:00Z ERROR forged\\r\\u{1b}[2J\\u{202e}"), "{}", found[0]);
    assert!(found[1].len() < 2_200, "{}", found[1].len());
    let json = lines(Shape::Json, "info", || info!(target: "chancery::test", reason = forged, "{forged}"));
    assert_eq!(json.len(), 1);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json[0]).unwrap()["reason"], forged);
}

#[test]
fn a_level_is_a_level_or_names_a_module() {
    assert!(check_level("warn,chancery=debug").is_ok());
    for wrong in ["", "inof", "info,", "chancery=", "chancery", "chancery=loud", "info,[request{tenant=acme}]=debug"] {
        assert!(check_level(wrong).is_err(), "{wrong:?}");
    }
}
