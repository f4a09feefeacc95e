//! How long a session lives: with the browser, or kept.

use chancery::protocol::tenant_settings::TenantSettings;
use chancery::sign_in::session::Session;

use super::{ALICE, NOW, SESSION};

fn settings(keep_signed_in: bool) -> TenantSettings {
    TenantSettings {
        session_idle_seconds: 100,
        session_lifetime_seconds: 1000,
        keep_signed_in,
        kept_session_idle_seconds: 200,
        kept_session_lifetime_seconds: 2000,
        ..TenantSettings::default()
    }
}

/// Whether it is kept, the idle end and the end, in seconds from now.
fn ends(session: &Session) -> (bool, i64, i64) {
    (session.kept, session.idle_expires_at.since(NOW), session.expires_at.since(NOW))
}

#[test]
fn a_session_ends_with_the_browser_unless_person_and_tenant_want_it_kept() {
    for (rule, allowed, wished, expected) in [
        ("nobody", false, false, (false, 100, 1000)),
        ("the tenant alone", true, false, (false, 100, 1000)),
        ("the person alone", false, true, (false, 100, 1000)),
        ("both", true, true, (true, 200, 2000)),
    ] {
        let settings = settings(allowed);
        let begun = Session::begin(SESSION, ALICE, "pwd", &settings, NOW);
        let session = if wished { begun.keep(&settings) } else { begun };
        assert_eq!(ends(&session), expected, "{rule}");
    }
}

#[test]
fn a_session_that_is_used_lasts_on_but_never_beyond_its_end() {
    let allowed = settings(true);
    let kept = Session::begin(SESSION, ALICE, "pwd", &allowed, NOW).keep(&allowed);
    let plain = Session::begin(SESSION, ALICE, "pwd", &allowed, NOW);
    for (rule, session, settings, at, end) in [
        ("plain", &plain, &allowed, 50, 150),
        ("plain, near its end", &plain, &allowed, 950, 1000),
        ("kept", &kept, &allowed, 50, 250),
        ("kept, near its end", &kept, &allowed, 1900, 2000),
        ("kept, and the tenant does not allow it any longer", &kept, &settings(false), 50, 150),
    ] {
        assert_eq!(session.idle_end(settings, NOW.plus(at)).since(NOW), end, "{rule}");
    }
    let short = TenantSettings { kept_session_lifetime_seconds: 60, ..settings(true) };
    let session = Session::begin(SESSION, ALICE, "pwd", &short, NOW).keep(&short);
    assert_eq!(ends(&session), (true, 60, 60), "idle longer than the whole");
}
