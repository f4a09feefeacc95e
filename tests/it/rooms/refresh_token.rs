//! Refresh tokens: RFC 6749 §6, RFC 9700 §4.14.2, RFC 8707 §2.2.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chancery::protocol::grant::Grant;
use chancery::protocol::identifiers::GrantId;
use chancery::protocol::refresh_token::{RefreshError, RefreshRequest, RefreshToken, Refreshed, Rotation, check};
use chancery::protocol::timestamp::Timestamp;
use chancery::seal::{KeyedHash, RootSecret};
use serde_json::json;
use uuid::Uuid;

use super::{API, GRANT, NOW, authenticated, client, client_id, grant, params, refusal};

/// Seconds of grace.
const G: u32 = 10;

static HASH: LazyLock<KeyedHash> = LazyLock::new(|| hash_of([7; 32], "refresh"));

fn hash_of(root: [u8; 32], purpose: &str) -> KeyedHash {
    RootSecret::new(root).keyed_hash(purpose).unwrap()
}

fn token(generation: u32) -> String {
    RefreshToken { grant: GRANT, generation }.text(&HASH).expose().to_owned()
}

/// Presents the token of that number, with more parameters, some seconds from now.
fn refresh(generation: u32, more: &str, grant: &Grant, now: Timestamp) -> Result<Refreshed, RefreshError> {
    let request = RefreshRequest::parse(&params(&format!("refresh_token={}{more}", token(generation))), &HASH)?;
    check(&request, grant, &authenticated(client(json!({}))), G, now)
}

fn refused(result: Result<Refreshed, RefreshError>) -> (&'static str, String) {
    let code = result.as_ref().err().map_or("", |error| error.code().as_str());
    (code, refusal(result))
}

#[test]
fn only_a_token_of_ours_is_read() {
    let good = token(3);
    let bytes = URL_SAFE_NO_PAD.decode(&good[4..]).unwrap();
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        format!("crt_{}", URL_SAFE_NO_PAD.encode(bytes))
    };
    let cut = |length: usize| format!("crt_{}", URL_SAFE_NO_PAD.encode(&bytes[..length]));
    for (rule, text) in [
        ("RT18 empty", String::new()),
        ("RT18 the mark alone", "crt_".to_owned()),
        ("RT18 no mark", good[4..].to_owned()),
        ("CO09 mark of an access token", good.replacen("crt_", "cat_", 1)),
        ("RT18 case of the mark", good.replacen("crt_", "CRT_", 1)),
        ("RT18 one character less", good[..good.len() - 1].to_owned()),
        ("RT18 one character more", format!("{good}A")),
        ("RT18 padded", format!("{good}=")),
        ("RT18 space behind", format!("{good} ")),
        ("RT18 line end", format!("{good}\n")),
        ("RT18 one byte less", cut(51)),
        ("RT18 the hash cut off", cut(20)),
        ("RT18 the number cut off", cut(16)),
        ("RT18 three bytes of the number", cut(19)),
        ("another family", changed(0)),
        ("another number", changed(19)),
        ("another hash", changed(20)),
        ("the end of the hash", changed(51)),
        ("RT18 longer", format!("crt_{}", URL_SAFE_NO_PAD.encode([bytes.as_slice(), &[0]].concat()))),
    ] {
        assert_eq!(RefreshToken::parse(&text, &HASH), None, "{rule}");
    }
    assert_eq!(RefreshToken::parse(&good, &hash_of([8; 32], "refresh")), None, "TN03 another tenant");
    assert_eq!(RefreshToken::parse(&good, &hash_of([7; 32], "code")), None, "CO08 another purpose");
    let read = RefreshToken::parse(&good, &HASH);
    assert_eq!(read, Some(RefreshToken { grant: GRANT, generation: 3 }));
}

#[test]
fn the_same_number_has_the_same_text_always() {
    for generation in [0, 1, u32::MAX] {
        assert_eq!(token(generation), token(generation), "I3");
        let read = RefreshToken::parse(&token(generation), &HASH).unwrap();
        assert_eq!(read.generation, generation);
    }
    // Made by another program from the same key: what was handed out must be read by later versions.
    let root: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
    let named = RefreshToken { grant: GrantId(Uuid::from_u128(0x4000_8000_0000_0000_0001)), generation: 7 };
    let text = named.text(&hash_of(root, "refresh"));
    assert_eq!(text.expose(), "crt_AAAAAAAAQACAAAAAAAAAAQAAAAcRcJ6jkR-DDMkW_P5BfKQOu8KGRXARkx4KJWzx90gdgg");
}

#[test]
fn a_request_without_a_token_of_ours_is_refused() {
    for (rule, body, code, reason) in [
        ("RFC 6749 §6 missing", "scope=openid".to_owned(), "invalid_request", "Missing"),
        ("RFC 6749 §6 empty", "refresh_token=".to_owned(), "invalid_request", "Missing"),
        ("CO09 a code", "refresh_token=c".to_owned(), "invalid_grant", "Unknown"),
        ("AR08 scope", format!("refresh_token={}&scope=%22", token(3)), "invalid_scope", "Scope"),
        ("RFC 8707 §2", format!("refresh_token={}&resource=x", token(3)), "invalid_target", "Resource(NotAbsolute)"),
    ] {
        let result = RefreshRequest::parse(&params(&body), &HASH);
        let told = result.as_ref().err().map(|error| error.code().as_str());
        assert_eq!((told, refusal(result).as_str()), (Some(code), reason), "{rule}");
    }
}

type Row = (&'static str, u32, &'static str, fn(&mut Grant), &'static str, &'static str);

/// The number presented, more parameters, a spoiled family whose third is the live one since ten seconds.
const REFUSED: &[Row] = &[
    ("RT01 another client", 3, "", |grant| grant.client_id = client_id("eve"), "invalid_grant", "OtherClient("),
    ("RT01 nobody ends another's", 1, "", |grant| grant.client_id = client_id("eve"), "invalid_grant", "OtherClient("),
    ("RT12 ended", 3, "", |grant| grant.revoked_at = Some(NOW.plus(-1)), "invalid_grant", "Revoked("),
    ("RT12 will have ended", 3, "", |grant| grant.revoked_at = Some(NOW.plus(60)), "invalid_grant", "Revoked("),
    ("RFC 9700 §4.14.2 ends now", 3, "", |grant| grant.expires_at = NOW, "invalid_grant", "Expired("),
    ("RT15 idle now", 3, "", |grant| grant.idle_expires_at = NOW, "invalid_grant", "Expired("),
    ("RT15 idle", 3, "", |grant| grant.idle_expires_at = NOW.plus(-1), "invalid_grant", "Expired("),
    ("number 0", 0, "", |_| (), "invalid_grant", "Unknown"),
    ("number 0 of a family without tokens", 0, "", |grant| grant.generation = 0, "invalid_grant", "Unknown"),
    ("number 1 of a family without tokens", 1, "", |grant| grant.generation = 0, "invalid_grant", "Unknown"),
    ("a number of the future", 4, "", |_| (), "invalid_grant", "Unknown"),
    ("the last number of all", u32::MAX, "", |_| (), "invalid_grant", "Unknown"),
    ("RT02 predecessor, exactly at G", 2, "", |grant| grant.rotated_at = NOW.plus(-10), "invalid_grant", "Reused {"),
    ("RT02 predecessor, long ago", 2, "", |grant| grant.rotated_at = NOW.plus(-3600), "invalid_grant", "Reused {"),
    ("RT03 grandparent", 1, "", |grant| grant.rotated_at = NOW, "invalid_grant", "Reused {"),
    ("RT02 reuse is noticed with any scope", 1, "&scope=admin", |_| (), "invalid_grant", "Reused {"),
    ("RFC 6749 §6 more scope", 3, "&scope=openid+admin", |_| (), "invalid_scope", "Scope"),
    ("RFC 6749 §6 case", 3, "&scope=OpenID", |_| (), "invalid_scope", "Scope"),
    ("RFC 6749 §6 spaces alone", 3, "&scope=+", |_| (), "invalid_scope", "Scope"),
    ("RT10 another resource", 3, "&resource=https://b.example", |_| (), "invalid_target", "Resource(NotGranted)"),
    ("RT10 slash more", 3, "&resource=https://api.example/", |_| (), "invalid_target", "Resource(NotGranted)"),
];

#[test]
fn a_spoiled_refresh_gives_nothing() {
    for (rule, generation, more, spoil, code, reason) in REFUSED {
        let mut family = grant();
        spoil(&mut family);
        let result = refused(refresh(*generation, more, &family, NOW));
        assert!(result.0 == *code && result.1.starts_with(reason), "{rule}: {result:?}");
    }
    let lost = authenticated(client(json!({"grant_types": ["authorization_code"]})));
    let request = RefreshRequest::parse(&params(&format!("refresh_token={}", token(3))), &HASH).unwrap();
    let result = refusal(check(&request, &grant(), &lost, G, NOW));
    assert!(result.starts_with("OtherClient("), "DC05 a client that lost the grant type: {result}");
}

#[test]
fn reuse_names_the_family_and_the_number() {
    let result = refresh(1, "", &grant(), NOW).unwrap_err();
    assert_eq!(result, RefreshError::Reused { grant: GRANT, generation: 1 }, "RT02");
}

#[test]
fn the_predecessor_gets_the_same_successor_within_the_grace_time() {
    let mut family = grant();
    family.rotated_at = NOW;
    let client = authenticated(client(json!({})));
    let request = RefreshRequest::parse(&params(&format!("refresh_token={}", token(2))), &HASH).unwrap();
    for (rule, grace, later, repeated) in [
        ("RT02 exactly at G", 10, 10, false),
        ("RT02 one past it", 10, 11, false),
        ("RT02 no grace at all", 0, 0, false),
        ("I2 no grace, and the request began in the second before", 0, -1, false),
        ("RT02 grace of one second", 1, 1, false),
        ("RT04 one before G", 10, 9, true),
        ("RT04 at once", 10, 0, true),
        ("RT04 first second of one", 1, 0, true),
        ("RF06 the clock went back", 10, -5, true),
    ] {
        let result = check(&request, &family, &client, grace, NOW.plus(later));
        let Ok(refreshed) = result else {
            assert!(!repeated, "{rule}: {result:?}");
            assert!(matches!(result, Err(RefreshError::Reused { generation: 2, .. })), "{rule}");
            continue;
        };
        assert!(repeated, "{rule}");
        let expected = (Rotation::Repeat, RefreshToken { grant: GRANT, generation: 3 });
        assert_eq!((refreshed.rotation, refreshed.successor), expected, "RT04 no growth: {rule}");
    }
}

#[test]
fn the_live_token_is_rotated() {
    let good = refresh(3, "", &grant(), NOW).unwrap();
    let expected = (Rotation::Rotate, RefreshToken { grant: GRANT, generation: 4 });
    assert_eq!((good.rotation, good.successor), expected, "RT17");
    assert_eq!((good.scope, good.resources), (grant().allowed.scope, grant().allowed.resources));
    let mut family = grant();
    family.expires_at = NOW.plus(1);
    family.idle_expires_at = NOW.plus(1);
    assert!(refresh(3, "", &family, NOW).is_ok(), "RT15 the last second");
    family.generation = 1;
    assert_eq!(refresh(1, "", &family, NOW).unwrap().successor.generation, 2, "the first one");
    let less = refresh(3, "&scope=profile&resource=https://api.example", &grant(), NOW).unwrap();
    assert_eq!((less.scope.to_string(), less.resources), ("profile".to_owned(), vec![API.to_owned()]), "RFC 6749 §6");
    let same = refresh(3, "&scope=offline_access+profile+openid", &grant(), NOW).unwrap();
    assert_eq!(same.scope.to_string(), "offline_access profile openid", "RFC 6749 §3.3: the order says nothing");
    let public = authenticated(client(json!({"token_endpoint_auth_method": "none"})));
    let request = RefreshRequest::parse(&params(&format!("refresh_token={}", token(3))), &HASH).unwrap();
    let rotated = check(&request, &grant(), &public, G, NOW).unwrap();
    assert_eq!(rotated.rotation, Rotation::Rotate, "RT17 a public client too");
}

#[test]
fn all_that_is_wrong_with_a_token_sounds_alike() {
    for error in [
        RefreshError::Unknown,
        RefreshError::OtherClient(client_id("app")),
        RefreshError::Expired(GRANT),
        RefreshError::Revoked(GRANT),
        RefreshError::Reused { grant: GRANT, generation: 1 },
    ] {
        assert_eq!(error.code().as_str(), "invalid_grant", "RFC 6749 §5.2: {error}");
    }
}
