//! Clients that are not who they say: RFC 6749 §2.3 and §5.2, OpenID Connect Core §9, RFC 7591 §2.

mod assertion;
mod bearer;
mod cross_origin;
mod forge;
mod jwt;
mod oidc;
mod refresh_token;
mod revocation_introspection;
mod token_use;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::admin::{apply, client as desk_of_clients};
use chancery::call::{Call, Head, Peer};
use chancery::endpoints::token::token;
use chancery::protocol::identifiers::{ClientId, Slug};
use poem::Request;
use poem::http::Method;
use serde_json::{Value, json};

use self::forge::{asserted, assertion, assertion_claims, keyed_client, mac, new_key, part, present_assertion};
use crate::support::{Answer, SECRET, Server, both, form};

const CREDENTIALS: &str = "grant_type=client_credentials";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn client_id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

/// A client credentials request with an `Authorization` header given whole.
async fn authorized(server: &Server, authorization: &str) -> Answer {
    server.request(Method::POST, "/token", &[FORM, ("authorization", authorization)], CREDENTIALS).await
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// What `apply` says to a client that it refuses.
async fn refused_by_apply(server: &Server, client: Value) -> String {
    let document = json!({ "tenants": [{ "slug": server.slug, "clients": [client] }] });
    let done = apply::apply(&server.app, document.as_object().unwrap(), false).await;
    done.err().map(|error| error.to_string()).unwrap_or_default()
}

/// The answer without what differs from request to request.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    let (before, after) = answer.body.split_once("(reference ").expect("a reference");
    let (_, after) = after.split_once(')').unwrap();
    (answer.status.as_u16(), headers, format!("{before}{after}"))
}

#[tokio::test]
async fn ca01_a_confidential_client_that_only_names_itself_is_refused() {
    both(async |server| {
        assert_eq!(server.post_as("machine", "/token", CREDENTIALS).await.status, 200);
        for (rule, fields) in [("client_id alone", "&client_id=machine"), ("nothing", ""), ("empty secret", "&client_id=machine&client_secret=")] {
            let answer = server.post("/token", &format!("{CREDENTIALS}{fields}")).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{rule}");
        }
        let code = server.code("web", "").await;
        let request = format!("grant_type=authorization_code&client_id=web&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier={}", crate::support::VERIFIER);
        let answer = server.post("/token", &request).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"));
        assert_eq!(server.redeem(&code).await.status, 200, "the refusal did not use up the code");
    })
    .await;
}

#[tokio::test]
async fn ca02_a_wrong_secret_gets_401_and_the_basic_challenge() {
    both(async |server| {
        assert_eq!(authorized(&server, &basic(&format!("machine:{SECRET}"))).await.status, 200);
        let shorter = &SECRET[..SECRET.len() - 1];
        for wrong in ["guess", "", shorter, &format!("{SECRET}x"), &SECRET.to_uppercase()] {
            let answer = authorized(&server, &basic(&format!("machine:{wrong}"))).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{wrong}");
            assert!(answer.header("www-authenticate").starts_with("Basic "), "RFC 6749 §5.2: {wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn ca03_credentials_in_the_address_are_refused() {
    both(async |server| {
        let secret = format!("client_id=machine&client_secret={SECRET}");
        assert_eq!(server.post("/token", &format!("{CREDENTIALS}&{secret}")).await.status, 200);
        for (rule, path, body) in [
            ("all there", format!("/token?{CREDENTIALS}&{secret}"), ""),
            (
                "secret there",
                format!("/token?client_secret={SECRET}"),
                "grant_type=client_credentials&client_id=machine",
            ),
            ("both there", format!("/token?{secret}"), CREDENTIALS),
        ] {
            let answer = server.post(&path, body).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_request"), "{rule}");
        }
    })
    .await;
}

#[tokio::test]
async fn ca05_no_other_method_than_the_registered_one_counts() {
    both(async |server| {
        let key = new_key();
        let secret = json!({ "client_id": "keyed", "client_secret": SECRET, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "scope": "read" });
        server.client(secret).await;
        assert_eq!(server.post_as("keyed", "/token", CREDENTIALS).await.status, 200);
        server.client(keyed_client("keyed", &[&key])).await;
        assert_eq!(present_assertion(&server, &assertion(&key, &assertion_claims(&server, "keyed"))).await.status, 200);
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let credentials = [("grant_type", "client_credentials")];
        let under_secret = |client: &str| asserted(&mac(SECRET.as_bytes(), &header, &assertion_claims(&server, client)), &credentials);
        let in_body = format!("{CREDENTIALS}&client_id=keyed&client_secret={SECRET}");
        for (rule, answer) in [
            ("Basic with the secret it once had", server.post_as("keyed", "/token", CREDENTIALS).await),
            ("the same in the body", server.post("/token", &in_body).await),
            ("none", server.post("/token", &format!("{CREDENTIALS}&client_id=keyed")).await),
            ("MAC with the secret it once had", server.post("/token", &under_secret("keyed")).await),
            ("a MAC for Basic", server.post("/token", &under_secret("machine")).await),
            ("Basic for none", server.post_as("spa", "/revoke", "token=x").await),
        ] {
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{rule}");
        }
    })
    .await;
}

#[tokio::test]
async fn ca07_the_basic_header_is_read_to_the_letter() {
    both(async |server| {
        let odd = "p%41+q&=/~ and twenty more bytes";
        server.client(json!({ "client_id": "odd", "client_secret": odd, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "scope": "read" })).await;
        let encoded: String = url::form_urlencoded::byte_serialize(odd.as_bytes()).collect();
        let good = STANDARD.encode(format!("machine:{SECRET}"));
        assert!(good.ends_with('='), "else leaving out the padding would spoil nothing");
        for (rule, header, status) in [
            ("RFC 6749 §2.3.1 form encoded", basic(&format!("odd:{encoded}")), 200),
            ("RFC 6749 §2.3.1 not form encoded", basic(&format!("odd:{odd}")), 401),
            ("RFC 9110 §11.1 scheme in lower case", format!("basic {good}"), 200),
            ("a tab", format!("Basic\t{good}"), 401),
            ("two spaces", format!("Basic  {good}"), 401),
            ("no space", format!("Basic{good}"), 401),
            ("no padding", format!("Basic {}", good.trim_end_matches('=')), 401),
            ("something behind", format!("Basic {good} x"), 401),
            ("two credentials", format!("Basic {good}, Basic {good}"), 401),
            ("another scheme", format!("Bearer {good}"), 401),
            ("a colon more", basic(&format!("machine:{SECRET}:")), 401),
            ("a colon in front", basic(&format!(":machine:{SECRET}")), 401),
            ("no colon", basic(&format!("machine{SECRET}")), 401),
            ("a line break", basic(&format!("machine:{SECRET}\n")), 401),
            ("a NUL", basic(&format!("machine\0:{SECRET}")), 401),
            ("an encoded NUL", basic(&format!("machine%00:{SECRET}")), 401),
            ("another case", basic(&format!("Machine:{SECRET}")), 401),
        ] {
            let answer = authorized(&server, &header).await;
            assert_eq!(answer.status, status, "{rule}: {}", answer.body);
            assert!(status == 200 || answer.error() == "invalid_client", "{rule}: {}", answer.body);
        }
    })
    .await;
}

/// A client credentials request that comes from `address`: its status, its `Retry-After` and its error.
async fn asked_from(server: &Server, address: &str, client: &str, secret: &str) -> (u16, String, String) {
    let tenant = server.app.directory.by_slug(&Slug::parse(&server.slug).unwrap()).await.unwrap().unwrap();
    let call = Call {
        app: server.app.clone(),
        store: server.app.store.of(tenant.id),
        tenant,
        now: server.app.clock.now(),
        reference: "abcdefghijkl".into(),
        peer: Peer { address: Some(address.parse().unwrap()), user_agent: None },
    };
    let mut request = Request::builder().method(Method::POST).uri_str("/token").header(FORM.0, FORM.1);
    request = request.header("authorization", basic(&format!("{client}:{secret}")));
    let (parts, _) = request.finish().into_parts();
    let head = Head { method: parts.method, uri: parts.uri, headers: parts.headers.into() };
    let reference = call.reference.clone();
    let answer =
        token(call, head, CREDENTIALS.into()).await.unwrap_or_else(|refused| refused.into_response(&reference));
    let retry_after = answer.header("retry-after").unwrap_or_default().to_owned();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_str(&answer.into_body().into_string().await.unwrap()).unwrap();
    (status, retry_after, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn ca08_guessing_of_secrets_is_slowed_for_the_address_that_guesses() {
    const GUESSER: &str = "192.0.2.1";
    both(async |server| {
        let sibling = server.sibling().await;
        let wrong = (401, String::new(), "invalid_client".to_owned());
        let slowed = |seconds: &str| (429, seconds.to_owned(), "temporarily_unavailable".to_owned());
        for client in ["machine", "nobody"] {
            for number in 1..=10 {
                assert_eq!(asked_from(&server, GUESSER, client, "guess").await, wrong, "{client}, guess {number}");
            }
            assert_eq!(asked_from(&server, GUESSER, client, "guess").await, slowed("60"), "{client}, guess 11");
        }
        assert_eq!(asked_from(&server, GUESSER, "machine", SECRET).await, slowed("60"), "nothing is looked at");
        assert_eq!(asked_from(&server, "::ffff:192.0.2.1", "machine", SECRET).await, slowed("60"), "the same by IPv6");
        for number in 0..10 {
            let address = format!("2001:db8:0:1:{number}::{number}");
            assert_eq!(asked_from(&server, &address, "machine", "guess").await, wrong, "{address}");
        }
        assert_eq!(
            asked_from(&server, "2001:db8:0:1::a", "machine", SECRET).await,
            slowed("60"),
            "the network of all of them"
        );
        assert_eq!(asked_from(&server, "192.0.2.2", "machine", "guess").await, wrong, "another address");
        for (rule, server, address, client) in [
            ("the right one from another address", &server, "192.0.2.2", "machine"),
            ("the right one from another network", &server, "2001:db8:0:2::1", "machine"),
            ("another client", &server, GUESSER, "opaque"),
            ("the client of another tenant", &sibling, GUESSER, "machine"),
        ] {
            assert_eq!(asked_from(server, address, client, SECRET).await.0, 200, "{rule}");
        }
        server.advance(59);
        assert_eq!(asked_from(&server, GUESSER, "machine", SECRET).await, slowed("1"), "the last second");
        server.advance(1);
        assert_eq!(asked_from(&server, GUESSER, "machine", SECRET).await.0, 200, "open again");
        let events = server.desk().await.store.audit_events(100).await.unwrap();
        let written = events.iter().filter(|event| event.kind == "client.authentication_failed").count();
        assert_eq!(written, 21, "what was looked at, of a client that there is");
    })
    .await;
}

#[tokio::test]
async fn ca08_guessing_is_slowed_at_every_endpoint_that_takes_a_secret() {
    both(async |server| {
        let wrong = basic("web:guess");
        let ask = async |path: &str| {
            let body = "grant_type=client_credentials&token=x";
            server.request(Method::POST, path, &[FORM, ("authorization", &wrong)], body).await
        };
        for path in [
            "/token",
            "/introspect",
            "/revoke",
            "/token",
            "/introspect",
            "/revoke",
            "/token",
            "/token",
            "/token",
            "/token",
        ] {
            assert_eq!(ask(path).await.status, 401, "{path}");
        }
        for path in ["/token", "/introspect", "/revoke"] {
            let answer = ask(path).await;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "60"), "{path}");
            assert_eq!(answer.header("www-authenticate"), "", "{path}: no challenge, for no answer would do");
        }
        let maced = json!({ "client_id": "maced", "client_secret": SECRET, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt", "scope": "read" });
        server.client(maced).await;
        for status in [[401; 10].as_slice(), &[429, 429]].concat() {
            let guess = mac(&[b'x'; 32], &json!({ "alg": "HS256" }), &assertion_claims(&server, "maced"));
            assert_eq!(present_assertion(&server, &guess).await.status, status, "a MAC under a guessed secret");
        }
    })
    .await;
}

#[tokio::test]
async fn ca10_an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
    both(async |server| {
        let desk = server.desk().await;
        desk_of_clients::set_enabled(&desk, &client_id("opaque"), false).await.unwrap();
        for path in ["/token", "/introspect", "/revoke"] {
            let ask = async |credentials: String| {
                let headers = [FORM, ("authorization", credentials.as_str())];
                server.request(Method::POST, path, &headers, &format!("{CREDENTIALS}&token=x")).await
            };
            let unknown = comparable(&ask(basic(&format!("nobody:{SECRET}"))).await);
            assert_eq!(unknown.0, 401);
            assert_eq!(unknown, comparable(&ask(basic("machine:a-wrong-one")).await), "{path}: wrong secret");
            assert_eq!(unknown, comparable(&ask(basic(&format!("opaque:{SECRET}"))).await), "{path}: switched off");
            assert_eq!(unknown, comparable(&ask(basic(&format!("spa:{SECRET}"))).await), "{path}: public");
            let body = async |client: &str| {
                server
                    .post(
                        path,
                        &form(&[
                            ("client_id", client),
                            ("client_secret", "wrong"),
                            ("grant_type", "client_credentials"),
                            ("token", "x"),
                        ]),
                    )
                    .await
            };
            assert_eq!(comparable(&body("nobody").await), comparable(&body("machine").await), "{path}: in the body");
        }
    })
    .await;
}

#[tokio::test]
async fn ca21_a_short_secret_never_becomes_the_key_of_a_mac() {
    both(async |server| {
        let client = |secret: &str| json!({ "client_id": "maced", "client_secret": secret, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt", "scope": "read" });
        for short in ["12345678", &SECRET[..31]] {
            assert!(refused_by_apply(&server, client(short)).await.contains("client_secret"), "{short}");
        }
        server.client(client(&SECRET[..32])).await;
        let header = json!({ "alg": "HS256" });
        let honest = mac(&SECRET.as_bytes()[..32], &header, &assertion_claims(&server, "maced"));
        assert_eq!(present_assertion(&server, &honest).await.status, 200);
        // RFC 7591 §2, §3.2.1: the server makes the secrets of clients that register themselves; a chosen one is no
        // member of the metadata, so it is passed over and never becomes the key.
        server.settings(json!({ "client_registration": "open" })).await;
        let metadata = json!({ "redirect_uris": ["https://new.example/cb"], "token_endpoint_auth_method": "client_secret_jwt", "client_secret": "12345678" });
        let json_body = [("content-type", "application/json")];
        let answer = server.request(Method::POST, "/register", &json_body, &metadata.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let registered = answer.json();
        let id = registered["client_id"].as_str().unwrap();
        let asked = async |secret: &str| {
            let forged = mac(secret.as_bytes(), &header, &assertion_claims(&server, id));
            server.post("/introspect", &asserted(&forged, &[("token", "x")])).await.status.as_u16()
        };
        assert_eq!(asked("12345678").await, 401);
        assert_eq!(asked(registered["client_secret"].as_str().unwrap()).await, 200);
        let update = json!({ "client_id": id, "client_secret": "12345678", "redirect_uris": ["https://new.example/cb"], "token_endpoint_auth_method": "client_secret_jwt" });
        let bearer = format!("Bearer {}", registered["registration_access_token"].as_str().unwrap());
        let headers = [json_body[0], ("authorization", bearer.as_str())];
        assert_eq!(server.request(Method::PUT, &format!("/register/{id}"), &headers, &update.to_string()).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn ca23_the_old_secret_is_dead_after_a_rotation() {
    both(async |server| {
        let replica = server.replica().await;
        for at in [&server, &replica] {
            assert_eq!(at.post_as("machine", "/token", CREDENTIALS).await.status, 200);
        }
        let desk = server.desk().await;
        let new = desk_of_clients::rotate_secret(&desk, &client_id("machine")).await.unwrap();
        replica.app.directory.catch_up(&replica.app.clock).await.unwrap();
        for (name, at) in [("server", &server), ("replica", &replica)] {
            let old = at.post_as("machine", "/token", CREDENTIALS).await;
            assert_eq!((old.status.as_u16(), old.error().as_str()), (401, "invalid_client"), "{name}");
            assert_eq!(authorized(at, &basic(&format!("machine:{}", new.expose()))).await.status, 200, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn ca24_a_client_that_is_switched_off_gets_nothing_and_its_tokens_are_dead() {
    both(async |server| {
        let replica = server.replica().await;
        let token = server.post_as("machine", "/token", CREDENTIALS).await.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(part(&token, 1)["sub"], "machine");
        let resources = json!({ "tenants": [{ "slug": server.slug, "clients": [{ "client_id": "https://api.example", "client_secret": SECRET, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"] }] }] });
        server.apply(&resources).await;
        let bound = server.post_as("machine", "/token", &format!("{CREDENTIALS}&resource=https%3A%2F%2Fapi.example")).await.json();
        let bound = bound["access_token"].as_str().unwrap().to_owned();
        let ask = async |server: &Server| {
            let api = basic(&format!("{}:{SECRET}", "https%3A%2F%2Fapi.example"));
            server.request(Method::POST, "/introspect", &[FORM, ("authorization", &api)], &format!("token={bound}")).await.json()
        };
        assert_eq!(ask(&server).await["active"], true);
        assert_eq!(ask(&replica).await["active"], true);
        desk_of_clients::set_enabled(&server.desk().await, &client_id("machine"), false).await.unwrap();
        replica.app.directory.catch_up(&replica.app.clock).await.unwrap();
        for at in [&server, &replica] {
            let answer = at.post_as("machine", "/token", CREDENTIALS).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"));
            assert_eq!(ask(at).await, json!({ "active": false }));
        }
        desk_of_clients::set_enabled(&server.desk().await, &client_id("machine"), true).await.unwrap();
        assert_eq!(server.post_as("machine", "/token", CREDENTIALS).await.status, 200);
    })
    .await;
}
