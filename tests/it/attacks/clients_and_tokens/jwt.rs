//! JWTs that were not made by whom they name, or not for this: RFC 7515, RFC 7518,
//! RFC 8725 §2 and §3, each shown at every door that takes one.

use std::net::TcpListener;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chancery::admin::apply;
use serde_json::{Value, json};

use super::forge::{Door, Doors, b64, jws, keyed_client, mac, new_key, public_forms, signed, tenant_key, with};
use crate::support::{Agent, Engine, Server, both, form};

#[tokio::test]
async fn jw01_an_unsigned_token_is_refused_in_any_spelling() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        for alg in
            [json!("none"), json!("None"), json!("nOnE"), json!("NONE"), json!(""), json!(null), json!(["ES256"])]
        {
            let rule = format!("alg {alg}");
            doors
                .refuse(&rule, &Door::ALL, |key, header, claims| jws(key, &with(header, json!({ "alg": alg })), claims))
                .await;
            doors
                .refuse(&rule, &Door::ALL, |_, header, claims| {
                    format!("{}.{}.", b64(with(header, json!({ "alg": alg })).to_string()), b64(claims.to_string()))
                })
                .await;
        }
        let object = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(r#"{"client_id":"web"}"#));
        let mut agent = Agent::new(&server);
        let address = agent.authorization_request("web", &form(&[("request", &object)]));
        assert_eq!(agent.get(&address).await.redirect_param("error").unwrap(), "request_not_supported");
    })
    .await;
}

#[tokio::test]
async fn jw02_a_mac_under_the_published_key_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        for form in 0..public_forms(&doors.client_key).len() {
            doors
                .refuse("HS256", &Door::ALL, |key, header, claims| {
                    mac(&public_forms(key)[form].1, &with(header, json!({ "alg": "HS256" })), claims)
                })
                .await;
            doors
                .refuse("HS256 under ES256", &Door::ALL, |key, header, claims| {
                    mac(&public_forms(key)[form].1, header, claims)
                })
                .await;
        }
    })
    .await;
}

fn p384() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()
}

#[tokio::test]
async fn jw03_a_key_of_another_curve_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let other = p384();
        for (alg, length) in [("ES256", 96), ("ES256", 64), ("ES384", 96)] {
            doors
                .refuse("RFC 7518 §3.4", &Door::ALL, |_, header, claims| {
                    let input = format!("{}.{}", b64(with(header, json!({ "alg": alg })).to_string()), b64(claims.to_string()));
                    let signature = other.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
                    format!("{input}.{}", b64(&signature.as_ref()[..length]))
                })
                .await;
        }
        // Nor can such a key be registered under the name of the other curve.
        let point = other.public_key().as_ref();
        for (curve, alg) in [("P-384", "ES256"), ("P-256", "ES256"), ("P-384", "ES384")] {
            let jwk = json!({ "kty": "EC", "crv": curve, "alg": alg, "kid": "k", "x": b64(&point[1..49]), "y": b64(&point[49..]) });
            let client = with(&keyed_client("curve", &[]), json!({ "jwks": { "keys": [jwk] } }));
            let document = json!({ "tenants": [{ "slug": server.slug, "clients": [client] }] });
            let refused = apply::apply(&server.app, document.as_object().unwrap(), false).await;
            assert!(refused.is_err_and(|error| error.to_string().contains("jwks")), "{curve} {alg}");
        }
    })
    .await;
}

/// One half of an ECDSA signature as a DER INTEGER.
fn der_integer(half: &[u8]) -> Vec<u8> {
    let mut value: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
    if value.first().is_none_or(|first| *first >= 0x80) {
        value.insert(0, 0);
    }
    [vec![2, u8::try_from(value.len()).unwrap()], value].concat()
}

fn split_signature(token: &str) -> (String, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap())
}

fn in_der(token: &str) -> String {
    let (input, raw) = split_signature(token);
    let halves = [der_integer(&raw[..32]), der_integer(&raw[32..])].concat();
    let der = [vec![0x30, u8::try_from(halves.len()).unwrap()], halves].concat();
    format!("{input}.{}", b64(der))
}

/// The other signature that every ECDSA signature has: n - s instead of s.
fn mirrored(token: &str) -> String {
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let (input, mut raw) = split_signature(token);
    let mut borrow = 0_i32;
    for at in (0..32).rev() {
        let order = i32::from(u8::from_str_radix(&ORDER[at * 2..at * 2 + 2], 16).unwrap());
        let difference = order - i32::from(raw[32 + at]) - borrow;
        borrow = i32::from(difference < 0);
        raw[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{input}.{}", b64(raw))
}

#[tokio::test]
async fn jw05_der_is_refused_and_a_mirrored_signature_is_no_second_use() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        doors.refuse("RFC 7518 §3.4 DER", &Door::ALL, |key, header, claims| in_der(&jws(key, header, claims))).await;
        for signature in [vec![0; 64], vec![0xff; 64]] {
            let zero = b64(&signature);
            doors
                .refuse("zeros or all ones", &Door::ALL, |key, header, claims| {
                    format!("{}.{zero}", split_signature(&jws(key, header, claims)).0)
                })
                .await;
        }
        let (header, claims) = doors.honest(Door::Assertion);
        let unused = mirrored(&jws(&doors.client_key, &header, &claims));
        assert_eq!(doors.verdict(Door::Assertion, &unused).await, "accepted", "it is a signature (FIPS 186-5 §6.4)");
        let (header, claims) = doors.honest(Door::Assertion);
        let used = jws(&doors.client_key, &header, &claims);
        let twin = mirrored(&used);
        assert_ne!(used, twin);
        assert_eq!(doors.verdict(Door::Assertion, &used).await, "accepted");
        assert_eq!(doors.verdict(Door::Assertion, &twin).await, "401 invalid_client");
        let (header, claims) = doors.honest(Door::Userinfo);
        let (access, twin) = {
            let token = jws(&doors.tenant_key, &header, &claims);
            (token.clone(), mirrored(&token))
        };
        assert_eq!(server.post_as("web", "/revoke", &form(&[("token", &access)])).await.status, 200);
        assert_eq!(doors.verdict(Door::Userinfo, &twin).await, "401 invalid_token", "revoked is revoked");
    })
    .await;
}

#[tokio::test]
async fn jw06_a_token_without_its_whole_signature_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        for keep in [0, 1, 43, 85] {
            doors
                .refuse("RFC 8725 §3.2", &Door::ALL, |key, header, claims| {
                    let token = jws(key, header, claims);
                    let (input, signature) = token.rsplit_once('.').unwrap();
                    format!("{input}.{}", &signature[..keep])
                })
                .await;
        }
        doors
            .refuse("two parts", &Door::ALL, |key, header, claims| {
                jws(key, header, claims).rsplit_once('.').unwrap().0.to_owned()
            })
            .await;
        doors.refuse("four parts", &Door::ALL, |key, header, claims| format!("{}.", jws(key, header, claims))).await;
    })
    .await;
}

#[tokio::test]
async fn jw08_a_key_of_another_tenant_or_client_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let sibling = server.sibling().await;
        let foreign = tenant_key(&sibling).await;
        let neighbour = new_key();
        server.client(keyed_client("neighbour", &[&neighbour])).await;
        for key in [&*foreign, &neighbour] {
            doors
                .refuse("its kid", &Door::ALL, |_, header, claims| {
                    jws(key, &with(header, json!({ "kid": key.kid() })), claims)
                })
                .await;
            doors.refuse("our kid", &Door::ALL, |_, header, claims| jws(key, header, claims)).await;
            doors
                .refuse("no kid", &Door::ALL, |_, header, claims| {
                    jws(key, &with(header, json!({ "kid": null })), claims)
                })
                .await;
        }
        doors
            .refuse("an unheard-of kid", &Door::ALL, |key, header, claims| {
                jws(key, &with(header, json!({ "kid": "../../key" })), claims)
            })
            .await;
        // The tenant's own key is no client's, nor the client's the tenant's.
        let (tenant, client) = (doors.tenant_key.clone(), &doors.client_key);
        doors
            .refuse("the tenant's", &[Door::Assertion], |_, header, claims| {
                jws(&tenant, &with(header, json!({ "kid": tenant.kid() })), claims)
            })
            .await;
        doors
            .refuse("the client's", &[Door::Userinfo, Door::Hint], |_, header, claims| {
                jws(client, &with(header, json!({ "kid": client.kid() })), claims)
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn jw10_an_address_of_keys_in_a_header_is_never_followed() {
    let engines = [Engine::Sqlite, Engine::Postgres];
    let here = engines
        .into_iter()
        .filter(|engine| *engine == Engine::Sqlite || std::env::var_os("CHANCERY_TEST_POSTGRES").is_some());
    for engine in here {
        let attacker = TcpListener::bind("127.0.0.1:0").unwrap();
        attacker.set_nonblocking(true).unwrap();
        let server = Server::with(engine, vec!["127.0.0.0/8".parse().unwrap()]).await;
        let doors = Doors::of(&server).await;
        let own = new_key();
        for scheme in ["http", "https"] {
            let address = format!("{scheme}://{}/keys", attacker.local_addr().unwrap());
            for name in ["jku", "x5u"] {
                doors
                    .refuse(name, &Door::ALL, |_, header, claims| {
                        jws(&own, &with(header, json!({ name: address, "kid": own.kid() })), claims)
                    })
                    .await;
                doors
                    .refuse(name, &Door::ALL, |_, header, claims| {
                        jws(&own, &with(header, json!({ name: address })), claims)
                    })
                    .await;
            }
        }
        let asked = attacker.accept().map_err(|error| error.kind());
        assert!(matches!(asked, Err(std::io::ErrorKind::WouldBlock)), "somebody was asked for keys: {asked:?}");
    }
}

#[tokio::test]
async fn jw11_a_key_in_the_header_is_not_the_key() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let own = new_key();
        let jwk = Value::Object(own.public_jwk().clone());
        let certificate = base64::engine::general_purpose::STANDARD.encode(&public_forms(&own)[2].1);
        for more in
            [json!({ "jwk": jwk }), json!({ "x5c": [certificate] }), json!({ "jwk": jwk, "x5c": [certificate] })]
        {
            doors
                .refuse("our kid", &Door::ALL, |_, header, claims| jws(&own, &with(header, more.clone()), claims))
                .await;
            doors
                .refuse("its kid", &Door::ALL, |_, header, claims| {
                    jws(&own, &with(&with(header, more.clone()), json!({ "kid": own.kid() })), claims)
                })
                .await;
            doors
                .refuse("no kid", &Door::ALL, |_, header, claims| {
                    jws(&own, &with(&with(header, more.clone()), json!({ "kid": null })), claims)
                })
                .await;
            doors
                .refuse("as dpop+jwt", &Door::ALL, |_, header, claims| {
                    jws(&own, &with(&with(header, more.clone()), json!({ "typ": "dpop+jwt" })), claims)
                })
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn jw12_a_critical_extension_is_refused_even_an_empty_list() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        for more in [
            json!({ "crit": ["x"], "x": 1 }),
            json!({ "crit": ["x"] }),
            json!({ "crit": [] }),
            json!({ "crit": ["exp"], "exp": 1 }),
            json!({ "crit": "x" }),
            json!({ "crit": ["b64"], "b64": true }),
            json!({ "b64": false }),
        ] {
            let rule = format!("RFC 7515 §4.1.11 {more}");
            doors.refuse(&rule, &Door::ALL, |key, header, claims| jws(key, &with(header, more.clone()), claims)).await;
        }
        doors
            .refuse("crit null", &Door::ALL, |key, header, claims| {
                signed(key, header.to_string().replacen('{', r#"{"crit":null,"#, 1), claims.to_string())
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn jw14_the_json_forms_are_no_tokens() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        for flattened in [true, false] {
            let json_form = |token: String| {
                let parts: Vec<&str> = token.split('.').collect();
                let one = json!({ "protected": parts[0], "signature": parts[2] });
                let whole = if flattened {
                    with(&one, json!({ "payload": parts[1] }))
                } else {
                    json!({ "payload": parts[1], "signatures": [one] })
                };
                whole.to_string()
            };
            let rest = [Door::Introspection, Door::Hint, Door::Assertion];
            doors.refuse("RFC 7515 §7.2", &rest, |key, header, claims| json_form(jws(key, header, claims))).await;
            // Here already the characters are none of a bearer token's (RFC 6750 §2.1).
            let (header, claims) = doors.honest(Door::Userinfo);
            let token = json_form(jws(&doors.tenant_key, &header, &claims));
            assert_eq!(doors.verdict(Door::Userinfo, &token).await, "400 invalid_request");
        }
    })
    .await;
}

#[tokio::test]
async fn jw16_an_encrypted_token_around_an_unsigned_one_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        for (alg, encrypted_key) in [("dir", ""), ("RSA-OAEP", "AAAA"), ("none", "")] {
            doors
                .refuse("RFC 8725 §2.3", &Door::ALL, |_, header, claims| {
                    let typ = &header["typ"];
                    let inner = format!(
                        "{}.{}.",
                        b64(json!({ "alg": "none", "typ": typ }).to_string()),
                        b64(claims.to_string())
                    );
                    let outer = b64(json!({ "alg": alg, "enc": "A256GCM", "typ": typ, "cty": "JWT" }).to_string());
                    format!("{outer}.{encrypted_key}.{}.{}.{}", b64([0; 12]), b64(inner), b64([0; 16]))
                })
                .await;
        }
        doors
            .refuse("signed around an unsigned one", &Door::ALL, |key, header, claims| {
                let inner = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(claims.to_string()));
                signed(key, with(header, json!({ "cty": "JWT" })).to_string(), inner)
            })
            .await;
    })
    .await;
}
