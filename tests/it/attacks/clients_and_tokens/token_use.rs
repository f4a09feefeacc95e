//! JWTs that are genuine but of another kind, another time, another issuer or another shape: RFC 7519 §4.1,
//! RFC 8725 §2.8 and §3.7 to §3.12, RFC 9068 §4 and §5; keys that come and go.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chancery::admin::{apply, client as clients, user};
use chancery::keys;
use chancery::protocol::identifiers::{ClientId, UserId};
use chancery::protocol::signature::SignatureAlgorithm;
use poem::http::Method;
use serde_json::{Value, json};

use super::forge::{Door, Doors, asserted, jws, part, signed, tenant_key, with};
use super::refresh_token::text;
use crate::support::{Agent, Server, agent::forms, both, form};

#[tokio::test]
async fn jw17_an_id_token_is_no_access_token_nor_the_other_way_round() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let (id_header, id_claims) = doors.honest(Door::Hint);
        doors.refuse("an ID token", &Door::ACCESS, |key, _, _| jws(key, &id_header, &id_claims)).await;
        for typ in [
            json!("JWT"),
            json!("jwt"),
            json!(null),
            json!("at"),
            json!("logout+jwt"),
            json!("at+jwt;x=y"),
            json!(" at+jwt"),
            json!(["at+jwt"]),
        ] {
            let rule = format!("RFC 9068 §4 typ {typ}");
            doors
                .refuse(&rule, &Door::ACCESS, |key, header, claims| {
                    jws(key, &with(header, json!({ "typ": typ })), claims)
                })
                .await;
        }
        let (access_header, access_claims) = doors.honest(Door::Userinfo);
        doors
            .refuse("an access token as hint", &[Door::Hint], |key, _, _| jws(key, &access_header, &access_claims))
            .await;
        // With the type of an access token an ID token still has no client_id, jti or grant.
        doors.refuse("an ID token in disguise", &Door::ACCESS, |key, header, _| jws(key, header, &id_claims)).await;
    })
    .await;
}

#[tokio::test]
async fn jw19_nothing_that_is_made_for_ourselves_passes_as_a_token() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let mut browser = Agent::new(&server);
        let page = browser.visit(&browser.authorization_request("web", "")).await;
        let sign_in = forms(&page.body).into_iter().find(|form| form.action.ends_with("/password")).unwrap();
        let code = server.code("web", "").await;
        let tokens = server.tokens().await;
        let metadata = json!({ "redirect_uris": ["https://new.example/cb"] }).to_string();
        let registered =
            server.request(Method::POST, "/register", &[("content-type", "application/json")], &metadata).await.json();
        let id = registered["client_id"].as_str().unwrap();
        let ours = [
            ("handle", sign_in.get("handle").to_owned()),
            ("anti-forgery token", sign_in.get("csrf").to_owned()),
            ("browser secret", browser.cookies.values().next().unwrap().clone()),
            ("code", code),
            ("refresh token", text(&tokens, "refresh_token")),
            ("registration access token", text(&registered, "registration_access_token")),
        ];
        for (name, secret) in &ours {
            assert!(secret.len() > 20 && !secret.contains('.'), "{name} is no JWS: {secret}");
            for dressed in [secret.clone(), format!("cat_{secret}"), secret.replacen("crt_", "cat_", 1)] {
                let answer = server.userinfo(&dressed).await;
                assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_token"), "{name}");
                if dressed != *secret {
                    assert_eq!(server.introspect(&dressed).await, json!({ "active": false }), "{name}");
                }
            }
            if *name != "refresh token" {
                assert_eq!(server.refresh(&format!("crt_{secret}")).await.error(), "invalid_grant", "{name}");
            }
        }
        let manage = async |token: &str| {
            server
                .request(Method::GET, &format!("/register/{id}"), &[("authorization", &format!("Bearer {token}"))], "")
                .await
        };
        assert_eq!(manage(&ours[5].1).await.status, 200);
        assert_eq!(manage(&text(&tokens, "access_token")).await.status, 401, "an access token does not manage clients");
        let sealed = server.post_as("opaque", "/token", "grant_type=client_credentials").await.json();
        let sealed = text(&sealed, "access_token").replacen("cat_", "", 1);
        let resumed = browser.get(&format!("/t/{}/interaction/x?handle={sealed}", server.slug)).await;
        assert_eq!(resumed.status, 410, "an opaque access token is no handle");
    })
    .await;
}

#[tokio::test]
async fn jw21_a_date_that_is_none_or_over_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let now = server.app.clock.now().seconds();
        for exp in [
            "null",
            "\"1900000000\"",
            "true",
            "[1900000000]",
            "{}",
            "-1",
            "0",
            "1e300",
            "-1e300",
            "9223372036854775807",
            "18446744073709551615",
            "99999999999999999999999",
            "253402300800",
            &(now - 31).to_string(),
            &format!("{}.9", now - 31),
        ] {
            let doors_with_exp = [Door::Userinfo, Door::Introspection, Door::Assertion];
            doors
                .refuse(&format!("RFC 7519 §4.1.4 exp {exp}"), &doors_with_exp, |key, header, claims| {
                    let rest = with(claims, json!({ "exp": null })).to_string();
                    signed(key, header.to_string(), rest.replacen('{', &format!("{{\"exp\":{exp},"), 1))
                })
                .await;
        }
        doors
            .refuse("no exp", &[Door::Userinfo, Door::Introspection, Door::Assertion], |key, header, claims| {
                jws(key, header, &with(claims, json!({ "exp": null })))
            })
            .await;
        doors
            .refuse("exp twice", &Door::ALL, |key, header, claims| {
                signed(key, header.to_string(), claims.to_string().replacen('{', "{\"exp\":1,", 1))
            })
            .await;
        doors
            .refuse("over just now", &Door::ACCESS, |key, header, claims| {
                jws(key, header, &with(claims, json!({ "exp": now })))
            })
            .await;
        let (header, claims) = doors.honest(Door::Userinfo);
        let last = jws(&doors.tenant_key, &header, &with(&claims, json!({ "exp": now + 1 })));
        assert_eq!(doors.verdict(Door::Userinfo, &last).await, "accepted", "the last second");
    })
    .await;
}

#[tokio::test]
async fn jw22_a_token_of_the_future_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let now = server.app.clock.now().seconds();
        let dated = [Door::Userinfo, Door::Introspection, Door::Assertion];
        for name in ["iat", "nbf"] {
            for at in [now + 600, now + 31] {
                let rule = format!("{name} in {} seconds", at - now);
                doors
                    .refuse(&rule, &dated, |key, header, claims| jws(key, header, &with(claims, json!({ name: at }))))
                    .await;
            }
            for door in dated {
                let (header, claims) = doors.honest(door);
                let fast = jws(doors.key(door), &header, &with(&claims, json!({ name: now + 30 })));
                assert_eq!(doors.verdict(door, &fast).await, "accepted", "{name} of a clock that is 30 seconds fast");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn jw24_an_issuer_that_looks_alike_is_another() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let issuer = server.issuer();
        for other in [
            json!(format!("{issuer}/")),
            json!(issuer.replace("id.example", "ID.example")),
            json!(issuer.replace("https://", "HTTPS://")),
            json!(issuer.replace("https://", "http://")),
            json!(issuer.replace("id.example", "id.example:443")),
            json!(format!("{issuer}-b")),
            json!(format!("{issuer}?x")),
            json!(format!(" {issuer}")),
            json!("https://id.example"),
            json!([issuer]),
            json!(null),
        ] {
            let rule = format!("RFC 8725 §3.8 iss {other}");
            let named = [Door::Userinfo, Door::Introspection, Door::Hint];
            doors
                .refuse(&rule, &named, |key, header, claims| jws(key, header, &with(claims, json!({ "iss": other }))))
                .await;
        }
        let sibling = Doors::of(&server.sibling().await).await;
        for door in [Door::Userinfo, Door::Introspection, Door::Hint] {
            let (header, claims) = sibling.honest(door);
            let foreign = jws(sibling.key(door), &header, &claims);
            assert_eq!(sibling.verdict(door, &foreign).await, "accepted");
            assert_eq!(doors.verdict(door, &foreign).await, door.refusal(), "another tenant at {door:?}");
        }
    })
    .await;
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[tokio::test]
async fn jw26_json_that_is_not_utf8_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let encodings: [(&str, fn(&str) -> Vec<u8>); 5] = [
            ("UTF-16 LE", |text| utf16(text, false)),
            ("UTF-16 BE", |text| utf16(text, true)),
            ("UTF-16 with its mark", |text| [vec![0xff, 0xfe], utf16(text, false)].concat()),
            ("UTF-8 with a mark", |text| [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("Latin-1", |text| [b"{\"x\":\"\xe9\",", &text.as_bytes()[1..]].concat()),
        ];
        for (rule, encode) in encodings {
            doors
                .refuse(&format!("header in {rule}"), &Door::ALL, |key, header, claims| {
                    signed(key, encode(&header.to_string()), claims.to_string())
                })
                .await;
            doors
                .refuse(&format!("claims in {rule}"), &Door::ALL, |key, header, claims| {
                    signed(key, header.to_string(), encode(&claims.to_string()))
                })
                .await;
        }
        doors
            .refuse("an overlong slash", &Door::ALL, |key, header, claims| {
                signed(key, header.to_string(), [b"{\"x\":\"\xc0\xaf\",", &claims.to_string().as_bytes()[1..]].concat())
            })
            .await;
        doors
            .refuse("something behind", &Door::ALL, |key, header, claims| {
                signed(key, format!("{header}x"), claims.to_string())
            })
            .await;
        doors
            .refuse("a list", &Door::ALL, |key, header, claims| signed(key, header.to_string(), format!("[{claims}]")))
            .await;
    })
    .await;
}

#[tokio::test]
async fn jw27_deep_and_huge_tokens_are_refused_quickly() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let began = Instant::now();
        let nested = |levels: usize| format!("{{\"x\":{}{},", "[".repeat(levels), "]".repeat(levels));
        for levels in [16, 100, 2000] {
            let rule = format!("{levels} levels");
            doors
                .refuse(&rule, &Door::ALL, |key, header, claims| {
                    signed(key, header.to_string().replacen('{', &nested(levels.min(700)), 1), claims.to_string())
                })
                .await;
            doors
                .refuse(&rule, &Door::ALL, |key, header, claims| {
                    signed(key, header.to_string(), claims.to_string().replacen('{', &nested(levels), 1))
                })
                .await;
        }
        doors.refuse("10,000 dots", &Door::ALL, |_, _, _| ".".repeat(10_000)).await;
        doors
            .refuse("a header of 6 KiB", &Door::ALL, |key, header, claims| {
                jws(key, &with(header, json!({ "x": "y".repeat(6000) })), claims)
            })
            .await;
        // What is longer than any token of ours is not even looked at.
        let (header, claims) = doors.honest(Door::Userinfo);
        let huge = jws(&doors.tenant_key, &with(&header, json!({ "x": "y".repeat(1 << 20) })), &claims);
        assert_eq!(doors.verdict(Door::Userinfo, &huge).await, "400 invalid_request");
        for answer in [
            server.post_as("web", "/introspect", &form(&[("token", &huge)])).await,
            server.post("/token", &asserted(&huge, &[("grant_type", "client_credentials")])).await,
        ] {
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_request"), "{}", answer.body);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    })
    .await;
}

#[tokio::test]
async fn jw29_no_client_has_the_name_of_a_person() {
    both(async |server| {
        let alice = user::find(&server.desk().await, "alice").await.unwrap().id.to_string();
        let client = |id: &str| json!({ "client_id": id, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"] });
        let document = json!({ "tenants": [{ "slug": server.slug, "clients": [client(&alice)] }] });
        let refused = apply::apply(&server.app, document.as_object().unwrap(), false).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("client_id")));
        server.client(client(&alice[1..])).await;
        server.settings(json!({ "client_registration": "open" })).await;
        let metadata = json!({ "client_id": alice, "redirect_uris": ["https://new.example/cb"] }).to_string();
        let answer = server.request(Method::POST, "/register", &[("content-type", "application/json")], &metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let id = answer.json()["client_id"].as_str().unwrap().to_owned();
        assert_ne!(id, alice, "the server makes the names of clients");
        assert!(UserId::parse(&id).is_none());
        let own = server.post_as("machine", "/token", "grant_type=client_credentials").await.json();
        let own = text(&own, "access_token");
        assert_eq!(part(&own, 1)["sub"], "machine");
        assert_eq!(server.userinfo(&own).await.error(), "invalid_token", "a client's own token is nobody's");
        // Even a token of the tenant's own key in which a client stands for a person does not make it one.
        let disguised = jws(&*tenant_key(&server).await, &part(&own, 0), &with(&part(&own, 1), json!({ "sub": alice, "scope": "openid" })));
        assert_eq!(server.userinfo(&disguised).await.error(), "invalid_token");
    })
    .await;
}

async fn kids(server: &Server) -> Vec<String> {
    let set = server.get("/jwks").await.json();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().filter(|key| key["alg"] == "ES256").map(|key| text(key, "kid")).collect()
}

async fn signing_kid(server: &Server) -> String {
    text(&part(&text(&server.tokens().await, "access_token"), 0), "kid")
}

/// The next ES256 key, published at once and signing after an hour.
async fn rotate(server: &Server) {
    let desk = server.desk().await;
    keys::rotate(&desk.tenant, &desk.store, SignatureAlgorithm::Es256, 3600, desk.now).await.unwrap().unwrap();
}

#[tokio::test]
async fn jw31_a_new_key_is_seen_before_it_signs_and_the_old_one_until_its_tokens_are_dead() {
    both(async |server| {
        let replica = server.replica().await;
        let old = signing_kid(&server).await;
        assert_eq!(signing_kid(&replica).await, old);
        rotate(&server).await;
        // Once a second each replica looks for notices.
        replica.app.directory.catch_up(&replica.app.clock).await.unwrap();
        let published = kids(&server).await;
        assert_eq!(published.len(), 2);
        assert_eq!(kids(&replica).await, published, "before the new one signs");
        let new = published.iter().find(|kid| **kid != old).unwrap();
        for at in [&server, &replica] {
            assert_eq!(signing_kid(at).await, old, "published, not yet signing");
        }
        server.advance(3599);
        let last = text(&replica.tokens().await, "access_token");
        assert_eq!(part(&last, 0)["kid"], *old);
        server.advance(1);
        for at in [&server, &replica] {
            assert_eq!(signing_kid(at).await, *new);
            assert!(kids(at).await.contains(&old));
        }
        server.advance(598);
        for at in [&server, &replica] {
            assert_eq!(at.userinfo(&last).await.status, 200, "until its last token has expired");
        }
        server.advance(3600 - 598);
        assert!(kids(&server).await.contains(&old), "ID tokens live for an hour");
    })
    .await;
}

#[tokio::test]
async fn jw32_a_token_under_a_retired_key_is_refused() {
    both(async |server| {
        let doors = Doors::of(&server).await;
        let far = server.app.clock.now().seconds() + 86_400;
        // Made while the key was good, and living longer than any of ours: only the key can be what is wrong.
        let lasting = |door: Door| {
            let (header, claims) = doors.honest(door);
            jws(&doors.tenant_key, &header, &with(&claims, json!({ "exp": far })))
        };
        let old = [Door::Userinfo, Door::Introspection, Door::Hint].map(|door| (door, lasting(door)));
        rotate(&server).await;
        let replica = server.replica().await;
        server.advance(3600 + 3600 + 299);
        for (door, token) in &old {
            assert_eq!(doors.verdict(*door, token).await, "accepted", "{door:?}");
        }
        assert!(kids(&replica).await.contains(&doors.tenant_key.kid().to_owned()));
        server.advance(1);
        for (door, token) in &old {
            assert_eq!(doors.verdict(*door, token).await, door.refusal(), "{door:?}");
        }
        for at in [&server, &replica] {
            assert!(!kids(at).await.contains(&doors.tenant_key.kid().to_owned()));
            assert_eq!(at.userinfo(&old[0].1).await.status, 401);
        }
    })
    .await;
}

#[tokio::test]
async fn jw34_the_server_makes_secrets_that_nobody_guesses_and_signs_nothing_with_them() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let register = async |more: Value| {
            let metadata = with(&json!({ "redirect_uris": ["https://new.example/cb"] }), more).to_string();
            server.request(Method::POST, "/register", &[("content-type", "application/json")], &metadata).await
        };
        let mut secrets = Vec::new();
        for method in ["client_secret_jwt", "client_secret_basic", "client_secret_post"] {
            for _ in 0..4 {
                secrets.push(text(
                    &register(json!({ "token_endpoint_auth_method": method })).await.json(),
                    "client_secret",
                ));
            }
        }
        let rotated = clients::rotate_secret(&server.desk().await, &ClientId::parse("machine").unwrap()).await.unwrap();
        secrets.push(rotated.expose().to_owned());
        for secret in &secrets {
            assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 32, "RFC 7518 §3.2: 256 bits");
        }
        secrets.sort();
        secrets.dedup();
        assert_eq!(secrets.len(), 13);
        for algorithm in ["HS256", "HS384", "HS512", "none"] {
            let answer = register(json!({ "id_token_signed_response_alg": algorithm })).await;
            assert_eq!(
                (answer.status.as_u16(), answer.error().as_str()),
                (400, "invalid_client_metadata"),
                "{algorithm}"
            );
        }
        let metadata = server.get("/.well-known/openid-configuration").await.json();
        let signing = metadata["id_token_signing_alg_values_supported"].as_array().unwrap();
        assert!(signing.iter().all(|name| !name.as_str().unwrap().starts_with("HS")), "{signing:?}");
    })
    .await;
}
