//! Attacks on dynamic client registration (DC), and the quota of a tenant (TN19).

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chancery::store::Change;
use chancery::store::one_time::Purpose;
use poem::http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::faults::{break_writes, heal};
use crate::support::{Agent, Answer, SECRET, Server, both};

/// Registers a client, and gives what it is told.
pub(super) async fn register(server: &Server, token: Option<&str>, metadata: &Value) -> (Answer, Value) {
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let mut headers = vec![("content-type", "application/json")];
    if token.is_some() {
        headers.push(("authorization", bearer.as_str()));
    }
    let answer = server.request(Method::POST, "/register", &headers, &metadata.to_string()).await;
    let told = serde_json::from_str(&answer.body).unwrap_or_default();
    (answer, told)
}

/// An initial access token for so many registrations.
pub(super) async fn initial_token(server: &Server, uses: i64) -> String {
    let (desk, token) = (server.desk().await, chancery::mint::secret());
    let lifetime = (desk.now, desk.now.plus(3600));
    desk.store
        .add_one_time_token((Purpose::InitialAccessToken, &token.hash()), uses, lifetime, Change::new())
        .await
        .unwrap();
    token.expose().to_owned()
}

/// A client that proves itself by a JWT under its secret.
pub(super) fn mac_client() -> Value {
    json!({ "client_id": "mac", "client_secret": SECRET, "redirect_uris": [], "response_types": [], "scope": "read",
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt" })
}

/// Its assertion for an audience.
pub(super) fn assertion(server: &Server, audience: &str, jti: &str) -> String {
    let now = server.app.clock.now().seconds();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "mac", "sub": "mac", "aud": audience, "jti": jti, "iat": now, "exp": now + 60 });
    let signed = format!("{}.{}", part(json!({ "alg": "HS256" })), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// Metadata that is right.
fn good() -> Value {
    json!({ "redirect_uris": ["https://dyn.example/cb"], "client_name": "Dyn", "grant_types": ["authorization_code", "refresh_token"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut metadata = good();
    metadata[name] = value;
    metadata
}

async fn open(server: &Server) {
    server.settings(json!({ "client_registration": "open" })).await;
}

/// A request to the client's own address.
async fn manage(server: &Server, method: Method, id: &str, token: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", &format!("Bearer {token}"))];
    server.request(method, &format!("/register/{id}"), &headers, body).await
}

fn text(told: &Value, name: &str) -> String {
    told[name].as_str().unwrap_or_default().to_owned()
}

/// What the consent page says about a client that has registered itself.
async fn consent_page(server: &Server, told: &Value, more: &str) -> Answer {
    let mut agent = Agent::new(server);
    let redirect = "redirect_uri=https%3A%2F%2Fdyn.example%2Fcb";
    let address = agent.authorization_request(&text(told, "client_id"), &format!("{redirect}{more}"));
    let page = agent.visit(&address).await;
    agent.next("alice", &page).await
}

#[tokio::test]
async fn dc01_without_a_token_nobody_registers_unless_registration_is_open() {
    both(async |server| {
        let access = server.tokens().await["access_token"].as_str().unwrap().to_owned();
        for mode in ["off", "initial_access_token"] {
            server.settings(json!({ "client_registration": mode })).await;
            let spent = initial_token(&server, 0).await;
            for token in [None, Some("guess"), Some(access.as_str()), Some(spent.as_str())] {
                let (answer, _) = register(&server, token, &good()).await;
                let challenge = answer.header("www-authenticate").to_owned();
                assert_eq!(answer.status, 401, "{mode} {token:?}");
                assert!(
                    challenge.contains("error=\"invalid_token\"")
                        || (token.is_none() && challenge.starts_with("Bearer")),
                    "{challenge}"
                );
            }
        }
        let token = initial_token(&server, 1).await;
        assert_eq!(register(&server, Some(&token), &good()).await.0.status, 201);
        assert_eq!(register(&server, Some(&token), &good()).await.0.status, 401, "once only");
        let late = initial_token(&server, 1).await;
        server.advance(3600);
        assert_eq!(register(&server, Some(&late), &good()).await.0.status, 401, "expired");
    })
    .await;
}

#[tokio::test]
async fn dc01_a_token_is_used_up_with_the_client_that_it_makes_or_not_at_all() {
    both(async |server| {
        server.settings(json!({ "client_registration": "initial_access_token", "client_registration_limit": 0 })).await;
        let token = initial_token(&server, 1).await;
        for (rule, spoiled) in [
            ("refused metadata", with("grant_types", json!(["password"]))),
            ("a refused address", with("redirect_uris", json!(["http://dyn.example/cb"]))),
        ] {
            assert_eq!(register(&server, Some(&token), &spoiled).await.0.status, 400, "{rule}");
        }
        for table in ["client", "audit_event"] {
            let mend = break_writes(&server, table).await;
            let answer = register(&server, Some(&token), &good()).await.0;
            assert!(answer.status.is_server_error(), "{table} cannot be written: {}", answer.status);
            heal(&server, &mend).await;
            assert_eq!(server.dynamic_clients().await, 0, "{table}");
        }
        assert_eq!(register(&server, Some(&token), &good()).await.0.status, 201, "the token is as good as before");
        assert_eq!(register(&server, Some(&token), &good()).await.0.status, 401, "once only");
        assert_eq!(server.dynamic_clients().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dc01_at_once_a_token_makes_as_many_clients_as_it_has_uses() {
    both(async |server| {
        server.settings(json!({ "client_registration": "initial_access_token" })).await;
        let (token, barrier) = (initial_token(&server, 3).await, Arc::new(Barrier::new(16)));
        let mut tasks = Vec::new();
        for _ in 0..16 {
            let (server, barrier, token) = (server.clone(), barrier.clone(), token.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                register(&server, Some(&token), &good()).await.0.status.as_u16()
            }));
        }
        let mut made = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!([201, 401].contains(&status), "{status}");
            made += usize::from(status == 201);
        }
        assert_eq!((made, server.dynamic_clients().await), (3, 3));
    })
    .await;
}

#[tokio::test]
async fn dc02_what_only_the_server_decides_is_ignored_or_refused() {
    both(async |server| {
        open(&server).await;
        for (name, value) in [
            ("client_id", json!("web")),
            ("client_secret", json!("a-secret-that-the-client-chose-itself-12345")),
            ("client_id_issued_at", json!(1)),
            ("registration_access_token", json!("mine")),
            ("first_party", json!(true)),
            ("trusted", json!(true)),
            ("skip_consent", json!(true)),
            ("tenant", json!("other")),
            ("tenant_id", json!("00000000-0000-0000-0000-000000000000")),
            ("enabled", json!(false)),
            ("origin", json!("administrator")),
            ("refresh_token_grace_seconds", json!(60)),
            ("client_assertion_audience", json!("issuer_or_token_endpoint")),
        ] {
            let (answer, told) = register(&server, None, &with(name, value.clone())).await;
            if answer.status == 400 {
                continue;
            }
            assert_eq!(answer.status, 201, "{name}");
            assert_ne!(told[name], value, "{name}");
            let page = consent_page(&server, &told, "").await;
            assert!(page.body.contains("/consent\""), "{name}: consent is asked all the same");
        }
        assert_eq!(
            server.post_as("web", "/token", "grant_type=refresh_token&refresh_token=x").await.error(),
            "invalid_grant",
            "web is as it was"
        );
    })
    .await;
}

#[tokio::test]
async fn dc03_a_client_gives_itself_no_privileged_scope_or_grant() {
    both(async |server| {
        open(&server).await;
        for scope in ["openid admin", "openid read write", "openid platform", "openid urn:chancery:admin"] {
            let (answer, told) = register(&server, None, &with("scope", json!(scope))).await;
            assert!(answer.status == 400 || told["scope"] == "openid", "{scope}: {}", answer.body);
        }
        for grant in ["urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer", "password", "implicit"] {
            let (answer, _) = register(&server, None, &with("grant_types", json!(["authorization_code", grant]))).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_client_metadata"), "{grant}");
        }
        let machine = json!({ "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "scope": "read" });
        let (_, told) = register(&server, None, &machine).await;
        let body = format!("grant_type=client_credentials&scope=read&client_id={}", text(&told, "client_id"));
        assert_ne!(server.post("/token", &format!("{body}&client_secret={}", text(&told, "client_secret"))).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn dc05_an_update_is_checked_as_a_whole_by_the_rules_of_a_registration() {
    both(async |server| {
        open(&server).await;
        let (_, told) = register(&server, None, &good()).await;
        let (id, token) = (text(&told, "client_id"), text(&told, "registration_access_token"));
        for (name, value) in [
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("redirect_uris", json!(["https://dyn.example/cb#x"])),
            ("redirect_uris", json!(["http://dyn.example/cb"])),
            ("redirect_uris", json!([])),
            ("grant_types", json!(["authorization_code", "password"])),
            ("response_types", json!(["token"])),
            ("token_endpoint_auth_method", json!("tls_client_auth")),
            ("jwks_uri", json!("https://127.0.0.1/jwks")),
            ("client_id", json!("web")),
            ("client_secret", json!("another-secret-of-the-client-1234567890")),
            ("registration_access_token", json!("x")),
            ("client_name", json!("\u{202e}elgooG")),
        ] {
            let mut metadata = with("client_id", json!(id));
            metadata[name] = value.clone();
            let answer = manage(&server, Method::PUT, &id, &token, &metadata.to_string()).await;
            assert_eq!(answer.status, 400, "{name} {value}: {}", answer.body);
        }
        for (name, value) in [("first_party", json!(true)), ("scope", json!("openid admin write"))] {
            let mut metadata = with("client_id", json!(id));
            metadata[name] = value.clone();
            let answer = manage(&server, Method::PUT, &id, &token, &metadata.to_string()).await;
            assert!(answer.status == 400 || answer.json()[name] != value, "{name}: {}", answer.body);
        }
        let now = manage(&server, Method::GET, &id, &token, "").await.json();
        assert_eq!(now["redirect_uris"], good()["redirect_uris"]);
        assert!(consent_page(&server, &told, "").await.body.contains("/consent\""));
    })
    .await;
}

#[tokio::test]
async fn dc07_the_token_of_a_removed_or_other_client_manages_nothing() {
    both(async |server| {
        open(&server).await;
        let ((_, one), (_, other)) = (register(&server, None, &good()).await, register(&server, None, &good()).await);
        let (id, token) = (text(&one, "client_id"), text(&one, "registration_access_token"));
        let body = with("client_id", json!(id)).to_string();
        for (rule, token) in [
            ("other client", text(&other, "registration_access_token")),
            ("its secret", text(&one, "client_secret")),
            ("none", "x".to_owned()),
        ] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                assert_eq!(manage(&server, method.clone(), &id, &token, &body).await.status, 401, "{rule} {method}");
            }
        }
        assert_eq!(manage(&server, Method::GET, &id, &token, "").await.status, 200, "the honest one");
        assert_eq!(manage(&server, Method::DELETE, &id, &token, "").await.status, 204);
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = manage(&server, method.clone(), &id, &token, &body).await;
            assert_eq!(answer.status, 401, "{method}");
            assert!(answer.header("www-authenticate").contains("invalid_token"));
        }
        let body = format!(
            "grant_type=refresh_token&refresh_token=x&client_id={id}&client_secret={}",
            text(&one, "client_secret")
        );
        assert_eq!(server.post("/token", &body).await.error(), "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn dc08_keys_come_in_one_way_and_are_public() {
    both(async |server| {
        open(&server).await;
        let public = json!({ "kty": "EC", "crv": "P-256", "kid": "a", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        let mut private = public.clone();
        private["d"] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI".into();
        let assert_refused = async |rule: &str, jwks: Value, jwks_uri: Option<&str>| {
            let mut metadata = with("jwks", jwks);
            metadata["token_endpoint_auth_method"] = "private_key_jwt".into();
            if let Some(uri) = jwks_uri {
                metadata["jwks_uri"] = uri.into();
            }
            let (answer, _) = register(&server, None, &metadata).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_client_metadata"), "{rule}: {}", answer.body);
        };
        assert_refused("both", json!({ "keys": [public] }), Some("https://dyn.example/jwks")).await;
        assert_refused("private", json!({ "keys": [private] }), None).await;
        assert_refused("one of two private", json!({ "keys": [public, private] }), None).await;
        assert_refused("a secret", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }), None).await;
        assert_refused("empty", json!({ "keys": [] }), None).await;
        let mut metadata = with("jwks", json!({ "keys": [public] }));
        metadata["token_endpoint_auth_method"] = "private_key_jwt".into();
        assert_eq!(register(&server, None, &metadata).await.0.status, 201, "the honest one");
    })
    .await;
}

const UNVERIFIED: &str = "alert--warn";

#[tokio::test]
async fn dc10_a_name_deceives_nobody() {
    both(async |server| {
        open(&server).await;
        for name in
            ["\u{202e}elgooG", "Goo\u{200b}gle", "Goo\ngle", "G\u{2066}oogle", "\u{feff}Google", &"G".repeat(101), ""]
        {
            let (answer, _) = register(&server, None, &with("client_name", json!(name))).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_client_metadata"), "{name:?}");
        }
        for name in ["Google", "G\u{43e}\u{43e}gle", "Web App", "<b>Google</b>"] {
            let (answer, told) = register(&server, None, &with("client_name", json!(name))).await;
            if answer.status == 400 {
                continue;
            }
            let page = consent_page(&server, &told, "").await;
            assert!(page.body.contains(UNVERIFIED) && page.body.contains("dyn.example"), "{name}: {}", page.body);
            assert!(!page.body.contains("<b>Google"), "{name}");
        }
        let mut metadata = with("client_name#de", json!("Sparkasse"));
        metadata["client_name#en"] = "\u{202e}elgooG".into();
        let (answer, told) = register(&server, None, &metadata).await;
        if answer.status == 201 {
            for more in ["", "&ui_locales=de"] {
                let page = consent_page(&server, &told, more).await;
                assert!(!page.body.contains("elgooG"), "unchecked names are not shown");
                assert!(page.body.contains("Dyn") && page.body.contains(UNVERIFIED), "{more}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn dc12_a_page_says_to_which_host_the_answer_goes() {
    both(async |server| {
        open(&server).await;
        let mut metadata = with("client_uri", json!("https://bank.example/"));
        metadata["logo_uri"] = "https://bank.example/logo.png".into();
        let (answer, told) = register(&server, None, &metadata).await;
        if answer.status == 400 {
            return;
        }
        let page = consent_page(&server, &told, "").await;
        assert!(page.body.contains("<code>dyn.example</code>") && page.body.contains(UNVERIFIED), "{}", page.body);
        assert!(!page.body.contains("bank.example"), "nothing of what it claims to be");
    })
    .await;
}

#[tokio::test]
async fn dc13_a_software_statement_that_nobody_vouches_for_is_refused() {
    both(async |server| {
        open(&server).await;
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = part(json!({ "iss": "https://trusted.example", "software_id": "bank", "client_name": "Bank" }));
        for statement in [
            format!("{}.{claims}.", part(json!({ "alg": "none" }))),
            format!("{}.{claims}.AAAA", part(json!({ "alg": "ES256" }))),
            "x".to_owned(),
        ] {
            let (answer, _) = register(&server, None, &with("software_statement", json!(statement))).await;
            let expected =
                ["invalid_software_statement", "unapproved_software_statement"].contains(&answer.error().as_str());
            assert!(answer.status == 400 && expected, "{statement}: {}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn dc15_metadata_beyond_measure_is_refused() {
    both(async |server| {
        open(&server).await;
        let uris =
            |count: usize| json!((0..count).map(|number| format!("https://dyn.example/{number}")).collect::<Vec<_>>());
        let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
        for (rule, metadata) in [
            ("500 addresses", with("redirect_uris", uris(500))),
            ("51 addresses", with("redirect_uris", uris(51))),
            ("a megabyte", with("x", json!("x".repeat(1 << 20)))),
            ("a long text", with("software_id", json!("x".repeat(2049)))),
            ("many contacts", with("contacts", json!(vec!["a@b.example"; 21]))),
            ("deep", with("x", deep)),
        ] {
            let (answer, _) = register(&server, None, &metadata).await;
            assert!([400, 413].contains(&answer.status.as_u16()), "{rule}: {}", answer.status);
        }
        let twice = r#"{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}"#;
        let answer = server.request(Method::POST, "/register", &[("content-type", "application/json")], twice).await;
        assert_eq!(answer.status, 400, "a member twice");
        assert_eq!(register(&server, None, &with("redirect_uris", uris(50))).await.0.status, 201, "at the limit");
    })
    .await;
}

#[tokio::test]
async fn dc17_a_client_id_that_is_an_address_is_not_fetched() {
    both(async |server| {
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = inside.local_addr().unwrap().port();
        for id in [
            format!("https://127.0.0.1:{port}/client.json"),
            format!("https://localhost:{port}/"),
            format!("http://[::1]:{port}/"),
        ] {
            let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
            let answer =
                server.get(&format!("/authorize?client_id={encoded}&response_type=code&redirect_uri={encoded}")).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{id}");
            let answer = server.post("/token", &format!("grant_type=client_credentials&client_id={encoded}")).await;
            assert_eq!(answer.error(), "invalid_client", "{id}");
        }
        assert!(super::faults::nobody_came(&inside).await);
    })
    .await;
}

#[tokio::test]
async fn tn19_the_limit_is_for_strangers_and_a_token_for_those_who_were_let_in() {
    both(async |server| {
        let mode = async |mode: &str| {
            server.settings(json!({ "client_registration": mode, "client_registration_limit": 1 })).await
        };
        mode("open").await;
        let (answer, first) = register(&server, None, &good()).await;
        assert_eq!(answer.status, 201, "at the limit");
        let token = initial_token(&server, 2).await;
        for (rule, token) in [("one past it", None), ("a token where none is asked for", Some(token.as_str()))] {
            let (answer, _) = register(&server, token, &good()).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "access_denied"), "{rule}");
        }
        // RFC 7591 §3: the token is the admission, as often as it was made for; the limit is not asked.
        mode("initial_access_token").await;
        for status in [201, 201, 401] {
            assert_eq!(register(&server, Some(&token), &good()).await.0.status, status);
        }
        assert_eq!(server.dynamic_clients().await, 3);
        // They count for strangers all the same, until they are gone.
        mode("open").await;
        assert_eq!(register(&server, None, &good()).await.0.error(), "access_denied");
        let (id, own) = (text(&first, "client_id"), text(&first, "registration_access_token"));
        assert_eq!(manage(&server, Method::DELETE, &id, &own, "").await.status, 204);
        assert_eq!(register(&server, None, &good()).await.0.error(), "access_denied", "two are left");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tn19_at_once_no_more_clients_register_than_the_tenant_may_have() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open", "client_registration_limit": 5 })).await;
        let replica = server.replica().await;
        let barrier = Arc::new(Barrier::new(64));
        let mut tasks = Vec::new();
        for number in 0..64 {
            let (server, barrier) = (if number % 2 == 0 { server.clone() } else { replica.clone() }, barrier.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                register(&server, None, &good()).await.0.status == 201
            }));
        }
        let mut made = 0;
        for task in tasks {
            made += usize::from(task.await.unwrap());
        }
        assert_eq!((made, server.dynamic_clients().await), (5, 5));
    })
    .await;
}
