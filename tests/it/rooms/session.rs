//! How long a session lives: with the browser, or kept.

use chancery::protocol::identifiers::UserId;
use chancery::protocol::tenant_settings::TenantSettings;
use chancery::sign_in::session::{MOST_IN_A_BROWSER, Session, makes_room};

use uuid::Uuid;

use super::{ALICE, NOW, SESSION, session};

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
    // Idle and whole, of all and of those that are kept; what a kept one comes to.
    for (rule, plain, kept, expected) in [
        ("kept idle less", (100, 1000), (60, 2000), (true, 100, 2000)),
        ("kept whole less", (100, 1000), (200, 150), (true, 200, 1000)),
        ("both less", (100, 1000), (60, 60), (true, 100, 1000)),
        ("idle longer than the whole", (100, 60), (200, 60), (true, 60, 60)),
    ] {
        let odd = TenantSettings {
            session_idle_seconds: plain.0,
            session_lifetime_seconds: plain.1,
            kept_session_idle_seconds: kept.0,
            kept_session_lifetime_seconds: kept.1,
            ..settings(true)
        };
        let session = Session::begin(SESSION, ALICE, "pwd", &odd, NOW).keep(&odd);
        assert_eq!(ends(&session), expected, "{rule}");
    }
}

#[test]
fn in_a_full_browser_what_is_over_makes_room_and_else_what_was_used_longest_ago() {
    let most = u128::try_from(MOST_IN_A_BROWSER).unwrap();
    let over = |number: u128| Session { ended_at: Some(NOW), ..session(number, UserId(Uuid::from_u128(number))) };
    for (rule, count, ended, expected) in [
        ("none", 0, &[][..], None),
        ("one less than the limit", most - 1, &[1], None),
        ("at the limit, all live", most, &[], Some(most)),
        ("at the limit, one is over", most, &[3], Some(3)),
        ("at the limit, two are over", most, &[3, 5], Some(5)),
        ("one past it", most + 1, &[], Some(most + 1)),
    ] {
        let held: Vec<Session> = (1..=count)
            .map(|number| if ended.contains(&number) { over(number) } else { session(number, ALICE) })
            .collect();
        let gone = makes_room(&held.iter().collect::<Vec<_>>(), NOW);
        assert_eq!(gone.map(|session| session.id.0.as_u128()), expected, "{rule}");
    }
}
