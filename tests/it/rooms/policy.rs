//! The one policy gate that every grant asks.

use chancery::protocol::client::{Client, GrantType};
use chancery::protocol::grant::Allowed;
use chancery::protocol::policy::{OnBehalfOf, TenantStatus, decide};
use chancery::protocol::timestamp::Timestamp;
use chancery::protocol::user::{User, UserStatus};
use serde_json::{Map, json};

use super::{ALICE, BOB, GRANT, allowed, client, refusal};

/// Everything the gate looks at; nothing is wrong with it.
struct Gate {
    tenant: TenantStatus,
    client: Client,
    allowed: Allowed,
    user: Option<User>,
    session_alive: bool,
}

fn gate() -> Gate {
    Gate {
        tenant: TenantStatus::Active,
        client: client(json!({"grant_types": ["authorization_code", "refresh_token", "client_credentials"]})),
        allowed: allowed(),
        user: Some(User {
            id: ALICE,
            status: UserStatus::Active,
            username: "alice".to_owned(),
            claims: Map::new(),
            created_at: Timestamp::from_seconds(0),
            audit_salt: None,
        }),
        session_alive: true,
    }
}

/// The grants that carry what a person allowed; the others are for the client itself.
const FOR_PEOPLE: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];

impl Gate {
    /// For whom the grant is.
    fn right_one(&self, grant: GrantType) -> OnBehalfOf<'_> {
        if FOR_PEOPLE.contains(&grant) { self.person() } else { OnBehalfOf::Itself }
    }

    fn person(&self) -> OnBehalfOf<'_> {
        OnBehalfOf::Person {
            grant_id: GRANT,
            allowed: &self.allowed,
            user: self.user.as_ref(),
            session_alive: self.session_alive,
        }
    }

    fn refusal(&self, grant: GrantType, on_behalf_of: OnBehalfOf<'_>) -> String {
        refusal(decide(self.tenant, &self.client, grant, on_behalf_of))
    }
}

type Row = (&'static str, fn(&mut Gate), &'static str);

/// Reasons that concern everybody.
const FOR_ALL: &[Row] = &[
    ("TN13", |gate| gate.tenant = TenantStatus::Suspended, "TenantSuspended"),
    ("CA24", |gate| gate.client.enabled = false, "ClientDisabled"),
    ("DC05 no grant at all", |gate| gate.client.metadata.grant_types.clear(), "GrantNotRegistered"),
];

/// Reasons that concern a person.
const FOR_PERSONS: &[Row] = &[
    ("CO11 deleted", |gate| gate.user = None, "UserGone"),
    ("RT12 disabled", |gate| disable(gate), "UserDisabled"),
    ("CO13 signed out", |gate| gate.session_alive = false, "SessionEnded"),
    ("RT20 another person", |gate| gate.allowed.user_id = BOB, "OtherUser"),
    (
        "RT20 another person, disabled",
        |gate| {
            gate.allowed.user_id = BOB;
            disable(gate);
        },
        "OtherUser",
    ),
    (
        "RT12 disabled and signed out",
        |gate| {
            disable(gate);
            gate.session_alive = false;
        },
        "UserDisabled",
    ),
    (
        "TN13 before all others",
        |gate| {
            gate.tenant = TenantStatus::Suspended;
            gate.user = None;
        },
        "TenantSuspended",
    ),
];

fn disable(gate: &mut Gate) {
    if let Some(user) = &mut gate.user {
        user.status = UserStatus::Disabled;
    }
}

#[test]
fn one_reason_against_it_is_enough_for_every_grant() {
    for grant in GrantType::ALL {
        for (rule, spoil, expected) in FOR_ALL {
            let mut gate = gate();
            spoil(&mut gate);
            let result = gate.refusal(grant, gate.person());
            assert!(result.starts_with(expected), "{rule}, {grant:?}: {result}");
        }
        for (rule, spoil, expected) in FOR_ALL {
            let mut gate = gate();
            spoil(&mut gate);
            let result = gate.refusal(grant, OnBehalfOf::Itself);
            assert!(result.starts_with(expected), "{rule}, {grant:?} for itself: {result}");
        }
    }
}

#[test]
fn one_reason_against_the_person_is_enough_for_every_grant_of_people() {
    for grant in FOR_PEOPLE {
        for (rule, spoil, expected) in FOR_PERSONS {
            let mut gate = gate();
            spoil(&mut gate);
            let result = gate.refusal(grant, gate.person());
            assert!(result.starts_with(expected), "{rule}, {grant:?}: {result}");
        }
    }
}

#[test]
fn a_client_for_itself_has_its_credentials_alone_and_a_person_has_all_other_grants() {
    let gate = gate();
    for (rule, grant, on_behalf_of, expected) in [
        ("RFC 6749 §4.1", GrantType::AuthorizationCode, OnBehalfOf::Itself, "OtherParty(AuthorizationCode)"),
        ("RFC 6749 §6", GrantType::RefreshToken, OnBehalfOf::Itself, "OtherParty(RefreshToken)"),
        ("RFC 6749 §4.4", GrantType::ClientCredentials, gate.person(), "OtherParty(ClientCredentials)"),
        ("RFC 6749 §4.1", GrantType::AuthorizationCode, gate.person(), "accepted"),
        ("RFC 6749 §6", GrantType::RefreshToken, gate.person(), "accepted"),
        ("RFC 6749 §4.4", GrantType::ClientCredentials, OnBehalfOf::Itself, "accepted"),
    ] {
        assert_eq!(gate.refusal(grant, on_behalf_of), expected, "{rule}");
    }
}

#[test]
fn a_grant_that_was_not_registered_is_refused_whichever_it_is() {
    for grant in GrantType::ALL {
        for registered in GrantType::ALL {
            let mut gate = gate();
            gate.client.metadata.grant_types = vec![registered];
            let expected =
                if grant == registered { "accepted".to_owned() } else { format!("GrantNotRegistered({grant:?})") };
            assert_eq!(gate.refusal(grant, gate.right_one(grant)), expected, "RFC 7591 §2 {registered:?}");
        }
    }
}

#[test]
fn a_permit_is_for_those_who_asked() {
    let gate = gate();
    for grant in FOR_PEOPLE {
        let permit = decide(gate.tenant, &gate.client, grant, gate.person()).unwrap();
        assert_eq!((permit.client().id.as_str(), permit.grant_id()), ("app", Some(GRANT)));
        assert_eq!((permit.allowed(), permit.user().map(|user| user.id)), (Some(&gate.allowed), Some(ALICE)));
    }
    let itself = decide(gate.tenant, &gate.client, GrantType::ClientCredentials, OnBehalfOf::Itself).unwrap();
    assert!(itself.grant_id().is_none() && itself.allowed().is_none() && itself.user().is_none(), "RFC 6749 §4.4");
}

#[test]
fn a_stored_status_that_nobody_knows_is_none() {
    for text in ["", "Active", "active ", "deleted", "0"] {
        assert_eq!(TenantStatus::parse(text), None, "RF15 {text}");
        assert_eq!(UserStatus::parse(text), None, "RF15 {text}");
    }
    for status in [TenantStatus::Active, TenantStatus::Suspended] {
        assert_eq!(TenantStatus::parse(status.as_str()), Some(status));
    }
    for status in [UserStatus::Active, UserStatus::Disabled] {
        assert_eq!(UserStatus::parse(status.as_str()), Some(status));
    }
}
