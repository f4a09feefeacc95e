//! Authorization code grant, its token half: RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2.

use chancery::protocol::authorization_code::{CodeError, CodeRequest, IssuedCode, Redeemed, check};
use chancery::protocol::proof_key::CodeChallenge;
use chancery::protocol::timestamp::Timestamp;
use serde_json::json;

use super::{API, GRANT, NOW, SECRET, authenticated, client, client_id, issued_code, params, refusal, spoil};

const GOOD: &str = "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
    &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn redeem_at(request: &str, code: IssuedCode, now: Timestamp) -> Result<Redeemed, CodeError> {
    check(&CodeRequest::parse(&params(request))?, code, &authenticated(client(json!({}))), now)
}

fn redeem(request: &str, code: IssuedCode) -> Result<Redeemed, CodeError> {
    redeem_at(request, code, NOW)
}

fn refused(result: Result<Redeemed, CodeError>) -> (&'static str, String) {
    let code = result.as_ref().err().map_or("", |error| error.code().as_str());
    (code, refusal(result))
}

/// Spoiled requests, the wire code and the reason.
const REQUESTS: &[(&str, &str, &str, &str, &str)] = &[
    ("RFC 6749 §4.1.3 no code", "&code=c", "", "invalid_request", "Missing"),
    ("RFC 6749 §4.1.3 empty code", "&code=c", "&code=", "invalid_request", "Missing"),
    (
        "CO05 no redirect_uri",
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
        "",
        "invalid_request",
        "RedirectUriMissing",
    ),
    ("CO05 empty redirect_uri", "https%3A%2F%2Fapp.example%2Fcb", "", "invalid_request", "RedirectUriMissing"),
    ("CO05 another", "app.example", "evil.example", "invalid_grant", "OtherRedirectUri"),
    ("CO05 another of its own", "%2Fcb", "%2Fcb2", "invalid_grant", "OtherRedirectUri"),
    ("CO05 slash more", "%2Fcb", "%2Fcb%2F", "invalid_grant", "OtherRedirectUri"),
    ("RU14 case of the host", "app.example", "APP.example", "invalid_grant", "OtherRedirectUri"),
    ("RU15 the usual port", "app.example", "app.example%3A443", "invalid_grant", "OtherRedirectUri"),
    ("RU27 space behind", "%2Fcb", "%2Fcb+", "invalid_grant", "OtherRedirectUri"),
    (
        "PK03 no verifier",
        "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "",
        "invalid_grant",
        "ProofKey(VerifierMissing)",
    ),
    (
        "PK07 empty verifier",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "",
        "invalid_grant",
        "ProofKey(VerifierMissing)",
    ),
    ("PK04 wrong verifier", "dBjftJ", "aBjftJ", "invalid_grant", "ProofKey(Mismatch)"),
    ("PK08 short verifier", "dBjftJ", "BjftJ", "invalid_grant", "ProofKey(Verifier)"),
    ("RT10 another resource", "&code=", "&resource=https://b.example&code=", "invalid_target", "Resource(NotGranted)"),
    ("RT10 one of two", "&code=", "&resource=https://api.example&resource=urn:b&code=", "invalid_target", "Resource("),
    ("RFC 8707 §2 relative", "&code=", "&resource=api&code=", "invalid_target", "Resource(NotAbsolute)"),
];

#[test]
fn a_spoiled_request_redeems_nothing() {
    for (rule, from, to, code, reason) in REQUESTS {
        let result = refused(redeem(&spoil(GOOD, from, to), issued_code()));
        assert!(result.0 == *code && result.1.starts_with(reason), "{rule}: {result:?}");
    }
    let long =
        |length: usize| refused(redeem(&spoil(GOOD, "code=c", &format!("code={}", "c".repeat(length))), issued_code()));
    assert_eq!(long(513).1, "Unknown", "CO08 longer than any code");
    assert_eq!(long(512).1, "accepted");
}

type Row = (&'static str, fn(&mut IssuedCode), &'static str);

/// Spoiled codes; `invalid_grant` each.
const CODES: &[Row] = &[
    ("CO02 another client", |code| code.client_id = client_id("eve"), "OtherClient("),
    ("CO02 case of the client", |code| code.client_id = client_id("App"), "OtherClient("),
    ("CO01 used", |code| code.redeemed_at = Some(NOW.plus(-1)), "Reused("),
    ("RFC 6749 §4.1.2 expires now", |code| code.expires_at = NOW, "Expired"),
    ("RFC 6749 §4.1.2 expired", |code| code.expires_at = NOW.plus(-1), "Expired"),
    ("PK05 no challenge", |code| code.code_challenge = None, "ProofKey(VerifierUnexpected)"),
    (
        "PK12 challenge of another flow",
        |code| code.code_challenge = Some(CodeChallenge::stored("A".repeat(43))),
        "ProofKey(Mismatch)",
    ),
    (
        "PK07 empty challenge",
        |code| code.code_challenge = Some(CodeChallenge::stored(String::new())),
        "ProofKey(Mismatch)",
    ),
    ("CO05 sent elsewhere", |code| code.redirect_uri = "https://app.example/cb2".to_owned(), "OtherRedirectUri"),
    (
        "CO05 not named, yet another comes",
        |code| {
            code.redirect_uri_given = false;
            code.redirect_uri = "https://app.example/cb2".to_owned();
        },
        "OtherRedirectUri",
    ),
];

#[test]
fn a_spoiled_code_gives_nothing() {
    for (rule, spoil, reason) in CODES {
        let mut code = issued_code();
        spoil(&mut code);
        let result = refused(redeem(GOOD, code));
        assert!(result.0 == "invalid_grant" && result.1.starts_with(reason), "{rule}: {result:?}");
    }
    let mut none = issued_code();
    none.allowed.resources.clear();
    let asks = spoil(GOOD, "&code=", "&resource=https://api.example&code=");
    assert_eq!(refused(redeem(&asks, none)), ("invalid_target", "Resource(NotGranted)".to_owned()), "RT10");
}

#[test]
fn the_first_broken_rule_is_the_one_that_counts() {
    type Both = (&'static str, fn(&mut IssuedCode), &'static str, &'static str);
    const ROWS: &[Both] = &[
        (
            "CO02 nobody ends the grant of another",
            |code| {
                code.client_id = client_id("eve");
                code.redeemed_at = Some(NOW);
            },
            GOOD,
            "OtherClient(",
        ),
        (
            "CO01 reuse is noticed although expired",
            |code| {
                code.redeemed_at = Some(NOW.plus(-600));
                code.expires_at = NOW.plus(-540);
            },
            GOOD,
            "Reused(",
        ),
        ("CO01 reuse is noticed with a wrong verifier", |code| code.redeemed_at = Some(NOW), "code=c", "Reused("),
        ("CO02 without redirect_uri", |code| code.client_id = client_id("eve"), "code=c", "OtherClient("),
    ];
    for (rule, spoil, request, reason) in ROWS {
        let mut code = issued_code();
        spoil(&mut code);
        let result = refusal(redeem(request, code));
        assert!(result.starts_with(reason), "{rule}: {result}");
    }
}

#[test]
fn a_client_that_lost_the_grant_type_gets_nothing() {
    let lost = authenticated(client(json!({"grant_types": ["client_credentials"]})));
    let request = CodeRequest::parse(&params(GOOD)).unwrap();
    let result = refusal(check(&request, issued_code(), &lost, NOW));
    assert!(result.starts_with("OtherClient("), "DC05 {result}");
}

#[test]
fn a_good_request_gives_what_was_allowed() {
    let good = redeem(GOOD, issued_code()).unwrap();
    assert_eq!((good.grant_id, &good.allowed), (GRANT, &issued_code().allowed));
    assert_eq!(good.resources, issued_code().allowed.resources, "RFC 8707 §2.2: all unless some are named");
    assert!(redeem_at(GOOD, issued_code(), NOW.plus(49)).is_ok(), "RFC 6749 §4.1.2: the last second");
    assert!(redeem_at(GOOD, issued_code(), NOW.plus(50)).is_err(), "RFC 6749 §4.1.2: one past it");

    let narrowed = redeem(&spoil(GOOD, "&code=", "&resource=https://api.example&code="), issued_code()).unwrap();
    assert_eq!(narrowed.resources, [API], "RFC 8707 §2.2");
    assert_eq!(narrowed.allowed.resources, issued_code().allowed.resources, "the grant keeps all");

    let mut unnamed = issued_code();
    unnamed.redirect_uri_given = false;
    let without = spoil(GOOD, "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", "");
    assert!(redeem(&without, unnamed.clone()).is_ok(), "RFC 6749 §4.1.3: it was not in the authorization request");
    assert!(redeem(GOOD, unnamed).is_ok(), "and may come all the same if it is the same");

    let mut plain = issued_code();
    plain.code_challenge = None;
    let without = spoil(GOOD, "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "");
    assert!(redeem(&without, plain).is_ok(), "RFC 7636 §5: no challenge, no verifier");
}

#[test]
fn a_request_does_not_show_its_code() {
    let request = CodeRequest::parse(&params(&spoil(GOOD, "code=c", &format!("code={SECRET}")))).unwrap();
    assert!(!format!("{request:?}").contains(SECRET), "RFC 6749 §10.5");
    assert_eq!(request.code.expose(), SECRET);
}
