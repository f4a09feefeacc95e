//! Sealing and keyed hashes: every purpose and every tenant for itself.

use chancery::seal::{RootSecret, Sealer};

use super::refusal;

const PLAIN: &[u8] = b"plain";
const CONTEXT: &[u8] = b"context";

fn root(byte: u8) -> RootSecret {
    RootSecret::new([byte; 32])
}

fn sealer(byte: u8, purpose: &str) -> Sealer {
    root(byte).sealer(purpose).unwrap()
}

/// The bytes 0 to 31.
fn counted() -> RootSecret {
    RootSecret::new(std::array::from_fn(|n| u8::try_from(n).unwrap()))
}

#[test]
fn what_was_sealed_opens_nowhere_else() {
    let sealed = sealer(1, "code").seal(CONTEXT, PLAIN).unwrap();
    for (rule, byte, purpose, context) in [
        ("TN03 another tenant", 2, "code", CONTEXT),
        ("CO08 another purpose", 1, "refresh", CONTEXT),
        ("CO08 case of the purpose", 1, "Code", CONTEXT),
        ("CO08 no purpose", 1, "", CONTEXT),
        ("CO08 purpose goes on", 1, "code2", CONTEXT),
        ("CO08 another context", 1, "code", b"Context"),
        ("CO08 no context", 1, "code", b""),
        ("CO08 context goes on", 1, "code", b"context2"),
    ] {
        assert_eq!(refusal(sealer(byte, purpose).open(context, &sealed)), "DoesNotOpen", "{rule}");
    }
    assert_eq!(sealer(1, "code").open(CONTEXT, &sealed).unwrap().as_slice(), PLAIN);
}

#[test]
fn what_was_changed_does_not_open() {
    let sealer = sealer(1, "code");
    let sealed = sealer.seal(CONTEXT, PLAIN).unwrap();
    assert_eq!(sealed.len(), 12 + PLAIN.len() + 16, "nonce, text and tag");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 0x80;
        assert_eq!(refusal(sealer.open(CONTEXT, &changed)), "DoesNotOpen", "byte {at}");
        assert_eq!(refusal(sealer.open(CONTEXT, &sealed[..at])), "DoesNotOpen", "cut at {at}");
    }
    for (rule, longer) in [
        ("behind", [sealed.as_slice(), &[0]].concat()),
        ("before", [&[0], sealed.as_slice()].concat()),
        ("twice", sealed.repeat(2)),
    ] {
        assert_eq!(refusal(sealer.open(CONTEXT, &longer)), "DoesNotOpen", "{rule}");
    }
}

#[test]
fn a_sealed_text_has_one_form() {
    let sealer = sealer(1, "handle");
    let text = sealer.seal_text(CONTEXT, &[0xff; 40]).unwrap();
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "AR19 {text}");
    for (rule, changed) in [
        ("empty", String::new()),
        ("padded", format!("{text}=")),
        ("space behind", format!("{text} ")),
        ("one less", text[1..].to_owned()),
        ("base64 of the other kind", text.replace(['-', '_'], "+") + "+"),
        ("not base64", "{}".to_owned()),
    ] {
        assert_eq!(refusal(sealer.open_text(CONTEXT, &changed)), "DoesNotOpen", "AR19 {rule}");
    }
    assert_eq!(sealer.open_text(CONTEXT, &text).unwrap().as_slice(), [0xff; 40]);
}

#[test]
fn the_same_is_never_sealed_alike() {
    let sealer = sealer(1, "code");
    let one = sealer.seal(CONTEXT, PLAIN).unwrap();
    let other = sealer.seal(CONTEXT, PLAIN).unwrap();
    assert_ne!(one[..12], other[..12], "a new nonce each time");
    assert_ne!(one[12..], other[12..]);
    let nothing = sealer.seal(b"", b"").unwrap();
    assert_eq!(sealer.open(b"", &nothing).unwrap().as_slice(), b"", "nothing can be sealed too");
    assert_ne!(RootSecret::generate().expose(), RootSecret::generate().expose());
}

#[test]
fn no_two_lists_have_the_same_keyed_hash() {
    let hash = root(1).keyed_hash("code").unwrap();
    let lists: [&[&[u8]]; 9] = [
        &[],
        &[b""],
        &[b"", b""],
        &[b"ab", b"c"],
        &[b"a", b"bc"],
        &[b"abc"],
        &[b"abc", b""],
        &[b"", b"abc"],
        &[b"c", b"ab"],
    ];
    for (at, one) in lists.iter().enumerate() {
        for other in &lists[at + 1..] {
            assert_ne!(hash.of(one), hash.of(other), "{one:?} {other:?}");
        }
        assert_eq!(hash.of(one), hash.of(one), "I3 the same again");
        assert_ne!(hash.of(one), root(2).keyed_hash("code").unwrap().of(one), "TN03 another tenant");
        assert_ne!(hash.of(one), root(1).keyed_hash("refresh").unwrap().of(one), "CO08 another purpose");
    }
}

#[test]
fn what_earlier_versions_wrote_can_be_read() {
    // Both made by another program: HKDF-SHA256 with the salt `chancery` and the purpose as info, AES-256-GCM under a
    // nonce of zeros, HMAC-SHA256 over parts that each follow their length in eight bytes.
    let opened = counted().sealer("test").unwrap();
    let opened = opened.open_text(CONTEXT, "AAAAAAAAAAAAAAAAK5YmSHKmIOgs7rdumtkT576hwW00").unwrap();
    assert_eq!(opened.as_slice(), PLAIN, "RFC 5869 §2");
    let hash = counted().keyed_hash("test").unwrap();
    assert_eq!(hash.text_of(&[b"ab", b"c"]), "jVZrLKrV9YOTB_v3uTUUQFLmvpb_lMKaeVK47tyfiwM");
}
