//! Revocations and lookups by somebody else, of what is no token, or that cannot be stored: RFC 7009, RFC 7662,
//! RFC 9700 §2.6.

use poem::http::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use super::refresh_token::{successor, text};
use crate::support::{Engine, SECRET, Server, agent, both, form};

#[tokio::test]
async fn ri01_a_token_of_another_client_stays_active_when_it_is_revoked() {
    both(async |server| {
        let tokens = server.tokens().await;
        for name in ["access_token", "refresh_token"] {
            let token = text(&tokens, name);
            let answer = server.post_as("other", "/revoke", &form(&[("token", &token)])).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{name}: as for an unknown one");
            let public = server.post("/revoke", &form(&[("token", &token), ("client_id", "spa")])).await;
            assert_eq!(public.status, 200);
            assert_eq!(server.introspect(&token).await["active"], true, "{name}");
        }
        let sibling = server.sibling().await;
        assert_eq!(
            sibling.post_as("web", "/revoke", &form(&[("token", &text(&tokens, "refresh_token"))])).await.status,
            200
        );
        assert_eq!(server.userinfo(&text(&tokens, "access_token")).await.status, 200);
        let access = text(&tokens, "access_token");
        assert_eq!(server.post_as("web", "/revoke", &form(&[("token", &access)])).await.status, 200);
        assert_eq!(server.introspect(&access).await, json!({ "active": false }), "its own client may");
        successor(&server.refresh(&text(&tokens, "refresh_token")).await);
    })
    .await;
}

#[tokio::test]
async fn ri02_an_unknown_token_is_revoked_with_200_and_nothing() {
    both(async |server| {
        for token in ["x", "crt_AAAA", "cat_AAAA", "a.b.c", &"y".repeat(5000)] {
            for hint in ["access_token", "refresh_token", "unheard_of"] {
                let answer =
                    server.post_as("web", "/revoke", &form(&[("token", token), ("token_type_hint", hint)])).await;
                assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{token} {hint}");
            }
        }
        let none = server.post_as("web", "/revoke", "").await;
        assert_eq!(
            (none.status.as_u16(), none.error().as_str()),
            (400, "invalid_request"),
            "no token at all is a fault"
        );
    })
    .await;
}

/// The same request without, with half and with wrong credentials.
async fn assert_needs_authentication(server: &Server, path: &str, token: &str) {
    let wrong = agent::basic("web", "wrong");
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    for (rule, headers, more) in [
        ("no credentials", vec![form_type], ""),
        ("the name alone", vec![form_type], "&client_id=web"),
        ("a wrong secret", vec![form_type, ("authorization", wrong.as_str())], ""),
        ("the token as credential", vec![form_type, ("authorization", &format!("Bearer {token}"))], ""),
        ("an unknown client", vec![form_type], "&client_id=nobody&client_secret=x"),
    ] {
        let answer = server.request(Method::POST, path, &headers, &format!("token={token}{more}")).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"), "{rule}");
    }
}

#[tokio::test]
async fn ri03_a_confidential_client_must_authenticate_to_revoke() {
    both(async |server| {
        let tokens = server.tokens().await;
        for name in ["access_token", "refresh_token"] {
            let token = text(&tokens, name);
            assert_needs_authentication(&server, "/revoke", &token).await;
            assert_eq!(server.introspect(&token).await["active"], true, "{name}");
            let honest = server.post("/revoke", &format!("token={token}&client_id=web&client_secret={SECRET}")).await;
            assert_eq!(honest.status, 200);
            assert_eq!(server.introspect(&token).await["active"], false, "{name}");
        }
    })
    .await;
}

/// Lets every write of this tenant to `table` fail from now on, or no more.
async fn break_table(server: &Server, table: &str, broken: bool) {
    let url = match server.engine {
        Engine::Postgres => std::env::var("CHANCERY_TEST_POSTGRES").unwrap(),
        Engine::Sqlite => {
            let folder = [std::path::PathBuf::from("/dev/shm"), std::env::temp_dir()];
            let file = folder
                .iter()
                .map(|folder| folder.join(format!("chancery-it-{}/it.db", server.slug)))
                .find(|file| file.exists());
            format!("sqlite://{}", file.expect("the database").display())
        }
    };
    let name = format!("broken_{table}_{}", server.slug.replace('-', "_"));
    let tenant = server.desk().await.tenant.id;
    let sql = match (server.engine, broken) {
        (Engine::Sqlite, true) => ["INSERT", "UPDATE"]
            .map(|on| {
                format!("CREATE TRIGGER {name}_{on} BEFORE {on} ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END")
            })
            .to_vec(),
        (Engine::Sqlite, false) => ["INSERT", "UPDATE"].map(|on| format!("DROP TRIGGER {name}_{on}")).to_vec(),
        (Engine::Postgres, true) => vec![
            format!(
                "CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$ LANGUAGE plpgsql"
            ),
            format!(
                "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN (NEW.tenant_id = '{tenant}') EXECUTE FUNCTION {name}()"
            ),
        ],
        (Engine::Postgres, false) => vec![format!("DROP TRIGGER {name} ON {table}"), format!("DROP FUNCTION {name}()")],
    };
    let database = sea_orm::Database::connect(url).await.unwrap();
    for statement in sql {
        database.execute_unprepared(&statement).await.unwrap();
    }
    database.close().await.unwrap();
}

#[tokio::test]
async fn ri05_a_revocation_that_cannot_be_stored_is_not_called_done() {
    both(async |server| {
        let tokens = server.tokens().await;
        for (name, table) in [("access_token", "revoked_token"), ("refresh_token", "token_grant")] {
            let token = text(&tokens, name);
            break_table(&server, table, true).await;
            let answer = server.post_as("web", "/revoke", &form(&[("token", &token)])).await;
            break_table(&server, table, false).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (503, "temporarily_unavailable"), "{name}");
            assert!(!answer.header("retry-after").is_empty(), "{name}");
            assert_eq!(server.introspect(&token).await["active"], true, "{name}: as was said");
            assert_eq!(
                server.post_as("web", "/revoke", &form(&[("token", &token)])).await.status,
                200,
                "{name}: tried again"
            );
            assert_eq!(server.introspect(&token).await, json!({ "active": false }), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn ri07_nobody_looks_a_token_up_without_proving_who_asks() {
    both(async |server| {
        let tokens = server.tokens().await;
        for name in ["access_token", "refresh_token"] {
            let token = text(&tokens, name);
            assert_eq!(server.introspect(&token).await["active"], true);
            assert_needs_authentication(&server, "/introspect", &token).await;
            let public = server.post("/introspect", &form(&[("token", &token), ("client_id", "spa")])).await;
            assert_eq!(
                (public.status.as_u16(), public.error().as_str()),
                (401, "invalid_client"),
                "a public client proves nothing"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn ri08_a_client_that_a_token_is_not_for_learns_nothing() {
    both(async |server| {
        let code = server.code("web", "resource=https%3A%2F%2Fapi.example").await;
        let tokens = server.redeem(&code).await.json();
        let resource_server = json!({ "client_secret": SECRET, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"] });
        for id in ["https://api.example", "https://other-api.example"] {
            server.client(super::forge::with(&resource_server, json!({ "client_id": id }))).await;
        }
        let ask = async |client: &str, token: &str| {
            let client: String = url::form_urlencoded::byte_serialize(client.as_bytes()).collect();
            server.post_as(&client, "/introspect", &form(&[("token", token)])).await.json()
        };
        let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        assert_eq!(ask("web", &access).await["active"], true);
        assert_eq!(ask("https://api.example", &access).await["active"], true, "its audience may ask");
        for client in ["other", "machine", "https://other-api.example"] {
            assert_eq!(ask(client, &access).await, json!({ "active": false }), "{client}");
        }
        for client in ["other", "https://api.example"] {
            assert_eq!(ask(client, &refresh).await, json!({ "active": false }), "{client}: a refresh token is for its client alone");
        }
        let sibling = server.sibling().await;
        assert_eq!(sibling.introspect(&access).await, json!({ "active": false }), "another tenant");
        assert_eq!(sibling.introspect(&refresh).await, json!({ "active": false }), "another tenant");
    })
    .await;
}

#[tokio::test]
async fn ri11_what_is_no_access_or_refresh_token_is_not_active() {
    both(async |server| {
        let code = server.code("web", "").await;
        assert_eq!(server.introspect(&code).await, json!({ "active": false }), "a code");
        let tokens = server.redeem(&code).await.json();
        assert_eq!(server.introspect(&text(&tokens, "access_token")).await["active"], true);
        assert_eq!(server.introspect(&text(&tokens, "id_token")).await, json!({ "active": false }), "an ID token");
        assert_eq!(server.introspect(SECRET).await, json!({ "active": false }), "a client secret");
        server.settings(json!({ "client_registration": "open" })).await;
        let metadata = json!({ "redirect_uris": ["https://new.example/cb"] }).to_string();
        let registered =
            server.request(Method::POST, "/register", &[("content-type", "application/json")], &metadata).await.json();
        let token = text(&registered, "registration_access_token");
        assert_eq!(server.introspect(&token).await, json!({ "active": false }), "a registration access token");
    })
    .await;
}

#[tokio::test]
async fn ri13_no_page_of_another_origin_may_introspect() {
    both(async |server| {
        let access = text(&server.tokens().await, "access_token");
        let basic = agent::basic("web", SECRET);
        for origin in ["https://evil.example", "https://app.example", "null"] {
            let headers = [
                ("origin", origin),
                ("content-type", "application/x-www-form-urlencoded"),
                ("authorization", basic.as_str()),
            ];
            let answer = server.request(Method::POST, "/introspect", &headers, &form(&[("token", &access)])).await;
            assert_eq!(answer.json()["active"], true);
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization"),
            ];
            let preflight = server.request(Method::OPTIONS, "/introspect", &headers, "").await;
            assert_eq!(preflight.status, 405, "{origin}");
            for (name, answer) in [("answer", answer), ("preflight", preflight)] {
                let cors: Vec<_> =
                    answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
                assert!(cors.is_empty(), "{origin}, {name}: {cors:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn ri14_a_token_in_the_address_is_not_looked_up() {
    both(async |server| {
        let access = text(&server.tokens().await, "access_token");
        assert_eq!(server.introspect(&access).await["active"], true);
        let basic = agent::basic("web", SECRET);
        for method in [Method::GET, Method::HEAD, Method::PUT] {
            let answer = server
                .request(method.clone(), &format!("/introspect?token={access}"), &[("authorization", &basic)], "")
                .await;
            assert_eq!(answer.status, 405, "{method}");
            assert!(answer.header("allow").contains("POST"), "{method}");
            assert!(!answer.body.contains("active"), "{method}");
        }
        let answer = server.post_as("web", &format!("/introspect?token={access}"), "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (400, "invalid_request"),
            "POST with the token in the address"
        );
    })
    .await;
}
