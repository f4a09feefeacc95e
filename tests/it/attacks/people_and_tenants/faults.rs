//! Attacks on what the server fetches (SF), and on its work while things fail at once or halfway (RF).

use std::sync::Arc;
use std::time::Duration;

use chancery::keys;
use chancery::protocol::identifiers::Slug;
use chancery::protocol::signature::SignatureAlgorithm;
use chancery::store::notices::Notice;
use poem::http::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::registration::{assertion, initial_token, mac_client, register};
use super::{admin_link, at_sign_in, database, form_to, is_applied, is_signed_in, tenant_literal};
use crate::support::agent::forms;
use crate::support::{Agent, Engine, PASSWORD, Server, both};

/// Whether nothing has knocked so far: what was sent to a loopback socket is there at once.
pub(super) async fn nobody_came(socket: &TcpListener) -> bool {
    tokio::time::timeout(Duration::from_millis(50), socket.accept()).await.is_err()
}

const JWT_BEARER: &str = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

#[tokio::test]
async fn sf01_keys_at_an_inner_address_are_refused_when_saved_and_never_fetched() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = inside.local_addr().unwrap().port();
        for host in ["127.0.0.1", "[::1]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "[fe80::1]", "0.0.0.0", "[::]", "100.64.0.1", "localhost"] {
            let uri = format!("https://{host}:{port}/jwks");
            let metadata = json!({ "redirect_uris": ["https://dyn.example/cb"], "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri });
            let (answer, _) = register(&server, None, &metadata).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_client_metadata"), "{uri}");
        }
        // An administrator's client: refused as well, or at the latest when it is fetched.
        let client = json!({ "client_id": "inner", "redirect_uris": ["https://dyn.example/cb"], "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": format!("https://127.0.0.1:{port}/jwks") });
        if is_applied(&server, json!({ "clients": [client] })).await {
            let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJpbm5lciIsImlzcyI6ImlubmVyIn0.AAAA";
            let answer = server.post("/token", &format!("grant_type=authorization_code&code=x&client_id=inner&{JWT_BEARER}&client_assertion={jwt}")).await;
            assert_eq!(answer.error(), "invalid_client");
        }
        let metadata = json!({ "redirect_uris": ["https://dyn.example/cb"], "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://dyn.example/jwks" });
        assert_eq!(register(&server, None, &metadata).await.0.status, 201, "the honest one");
        assert!(nobody_came(&inside).await);
    })
    .await;
}

#[tokio::test]
async fn sf05_logos_and_policies_of_clients_are_never_fetched() {
    let loopback = "127.0.0.0/8".parse().unwrap();
    let server = Server::with(Engine::Sqlite, vec![loopback]).await;
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://127.0.0.1:{}", inside.local_addr().unwrap().port());
    server.client(json!({ "client_id": "ask", "client_secret": crate::support::SECRET, "redirect_uris": ["https://ask.example/cb"],
        "logo_uri": format!("{origin}/logo"), "policy_uri": format!("{origin}/policy"), "tos_uri": format!("{origin}/tos"), "client_uri": origin })).await;
    let mut agent = Agent::new(&server);
    let address = agent.authorization_request("ask", "");
    let page = agent.visit(&address).await;
    assert!(page.body.contains(&format!("{origin}/policy")), "a link for the person");
    assert!(!page.body.contains(&format!("{origin}/logo")), "nor by the browser");
    assert!(is_signed_in(&agent.authorize("ask", "").await));
    assert!(nobody_came(&inside).await);
}

#[tokio::test]
async fn sf06_an_address_for_logout_tokens_is_refused_as_long_as_none_are_sent() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://127.0.0.1:{}/logout", inside.local_addr().unwrap().port());
        for name in ["backchannel_logout_uri", "frontchannel_logout_uri", "sector_identifier_uri"] {
            let (answer, _) =
                register(&server, None, &json!({ "redirect_uris": ["https://dyn.example/cb"], name: uri })).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_client_metadata"), "{name}");
            let client = json!({ "client_id": "b", "redirect_uris": ["https://dyn.example/cb"], name: uri });
            assert!(!is_applied(&server, json!({ "clients": [client] })).await, "{name}");
        }
        assert!(nobody_came(&inside).await);
    })
    .await;
}

#[tokio::test]
async fn sf10_no_address_of_ours_is_made_of_the_host_that_a_request_names() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = inside.local_addr().unwrap().to_string();
        for name in ["x-forwarded-host", "x-host", "forwarded", "x-forwarded-server"] {
            let value = if name == "forwarded" { format!("host={host}") } else { host.clone() };
            for (method, path, body) in [
                (Method::GET, "/.well-known/openid-configuration", ""),
                (Method::GET, "/jwks", ""),
                (Method::POST, "/register", r#"{"redirect_uris":["https://dyn.example/cb"]}"#),
                (Method::GET, "/authorize?client_id=web&response_type=code&code_challenge=x", ""),
            ] {
                let headers = [(name, value.as_str()), ("content-type", "application/json")];
                let answer = server.request(method, path, &headers, body).await;
                assert!(!format!("{:?}{}", answer.headers, answer.body).contains(&host), "{name} {path}");
            }
        }
        assert!(nobody_came(&inside).await);
    })
    .await;
}

#[tokio::test]
async fn sf11_an_inner_address_in_another_spelling_is_refused() {
    both(async |server| {
        server.settings(json!({ "client_registration": "open" })).await;
        for host in [
            "0177.0.0.1", "0x7f.0.0.1", "2130706433", "017700000001", "127.1", "127.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
            "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[2002:7f00:1::]", "\u{2460}27.0.0.1", "127%2e0.0.1", "127.0.0.1.", "LOCALHOST", "localhost.", "a.localhost",
        ] {
            let metadata = json!({ "redirect_uris": ["https://dyn.example/cb"], "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": format!("https://{host}/jwks") });
            let (answer, _) = register(&server, None, &metadata).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_client_metadata"), "{host}");
        }
    })
    .await;
}

#[tokio::test]
async fn sf15_no_error_tells_what_was_found_behind_an_address() {
    let server = Server::with(Engine::Sqlite, vec!["127.0.0.0/8".parse().unwrap()]).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let busy = taken.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = taken.accept().await {
            drop(socket)
        }
    });
    let mut seen = Vec::new();
    for uri in [
        format!("https://{busy}/secret-path"),
        format!("https://{free}/secret-path"),
        "https://nowhere.invalid/".to_owned(),
    ] {
        server.client(json!({ "client_id": "keyed", "redirect_uris": ["https://dyn.example/cb"], "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri })).await;
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJrZXllZCIsImlzcyI6ImtleWVkIn0.AAAA";
        let answer = server
            .post(
                "/token",
                &format!("grant_type=authorization_code&code=x&client_id=keyed&{JWT_BEARER}&client_assertion={jwt}"),
            )
            .await;
        let error = answer.json();
        let described = error["error_description"].as_str().unwrap().split(" (reference").next().unwrap().to_owned();
        for word in ["127.0.0.1", "secret-path", "refused", "connect", "dns", "tls", "nowhere"] {
            assert!(!described.to_lowercase().contains(word), "{described}");
        }
        seen.push((answer.status, error["error"].clone(), described));
    }
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
}

/// Makes every write to a table of this tenant fail, as a full disk or a demoted primary does; gives what heals it.
pub(super) async fn break_writes(server: &Server, table: &str) -> String {
    let (db, tenant) = (database(server).await, tenant_literal(server).await);
    let name = format!("fault_{table}_{}", server.slug.replace('-', "_"));
    let when = format!("WHEN (NEW.{} = {tenant})", if table == "tenant" { "id" } else { "tenant_id" });
    let (make, heal) = match server.engine {
        Engine::Sqlite => (
            ["INSERT", "UPDATE"].map(|event| format!("CREATE TRIGGER {name}_{event} BEFORE {event} ON {table} {when} BEGIN SELECT RAISE(FAIL, 'disk full'); END;")).concat(),
            format!("DROP TRIGGER {name}_INSERT; DROP TRIGGER {name}_UPDATE;"),
        ),
        Engine::Postgres => (
            format!("CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {name}();"),
            format!("DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}();"),
        ),
    };
    db.execute_unprepared(&make).await.unwrap();
    heal
}

pub(super) async fn heal(server: &Server, statement: &str) {
    database(server).await.execute_unprepared(statement).await.unwrap();
}

/// Runs requests at the same time, alternately at two replicas; gives how many succeed.
async fn at_once<F: Future<Output = bool> + Send + 'static>(
    server: &Server,
    request: impl Fn(Server, usize) -> F,
) -> usize {
    let replica = server.replica().await;
    let barrier = Arc::new(Barrier::new(64));
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let server = if number % 2 == 0 { server.clone() } else { replica.clone() };
            let (request, barrier) = (request(server, number), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                request.await
            })
        })
        .collect();
    let mut succeeded = 0;
    for task in tasks {
        succeeded += usize::from(task.await.unwrap());
    }
    succeeded
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rf01_what_serves_once_serves_once_for_all_replicas_together() {
    both(async |server| {
        server.client(mac_client()).await;
        let jwt = assertion(&server, &server.issuer(), "once");
        let body = format!("grant_type=client_credentials&client_id=mac&{JWT_BEARER}&client_assertion={jwt}");
        let assertions = at_once(&server, |server, _| {
            let body = body.clone();
            async move { server.post("/token", &body).await.status == 200 }
        });
        assert_eq!(assertions.await, 1, "jti");
        server.settings(json!({ "client_registration": "initial_access_token" })).await;
        let token = initial_token(&server, 1).await;
        let registrations = at_once(&server, |server, _| {
            let token = token.clone();
            async move {
                register(&server, Some(&token), &json!({ "redirect_uris": ["https://dyn.example/cb"] })).await.0.status
                    == 201
            }
        });
        assert_eq!((registrations.await, server.dynamic_clients().await), (1, 1), "initial access token");
        let link = admin_link(&server).await;
        let mut agent = Agent::new(&server);
        let page = agent.get(&link).await;
        let form = forms(&page.body).remove(0).set("password", PASSWORD);
        let administrators = at_once(&server, |server, number| {
            let form = form
                .clone()
                .set("username", &format!("admin{number}"))
                .set("email", &format!("admin{number}@acme.example"));
            let mut agent = agent.at(&server);
            async move { agent.submit(&form).await.status == 303 }
        });
        assert_eq!(administrators.await, 1, "admin link");
        assert_eq!(server.desk().await.store.users(None, 100).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn rf02_a_failure_between_code_and_tokens_leaves_both_or_neither() {
    both(async |server| {
        for table in ["token_grant", "audit_event", "authorization_code"] {
            let code = server.code("web", "").await;
            let mend = break_writes(&server, table).await;
            let answer = server.redeem(&code).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (503, "temporarily_unavailable"), "{table}");
            assert!(!answer.body.contains("_token\":"), "{table}");
            heal(&server, &mend).await;
            assert_eq!(server.redeem(&code).await.status, 200, "{table}: nothing was burnt, for nothing was given");
            assert_eq!(server.redeem(&code).await.error(), "invalid_grant", "{table}: and now it is");
        }
    })
    .await;
}

#[tokio::test]
async fn rf03_who_missed_the_answer_to_a_refresh_gets_the_same_lineage_again() {
    both(async |server| {
        let first = server.tokens().await["refresh_token"].as_str().unwrap().to_owned();
        let mend = break_writes(&server, "token_grant").await;
        assert_eq!(server.refresh(&first).await.status, 503, "before the commit: nothing has happened");
        heal(&server, &mend).await;
        let lost = server.refresh(&first).await.json();
        let again = server.replica().await.refresh(&first).await.json();
        assert_eq!(lost["refresh_token"], again["refresh_token"]);
        let next = again["refresh_token"].as_str().unwrap();
        assert_eq!(server.refresh(next).await.status, 200);
        server.advance(11);
        assert_eq!(server.refresh(&first).await.error(), "invalid_grant", "after the grace it is theft");
        assert_eq!(server.refresh(next).await.error(), "invalid_grant", "and ends the lineage");
    })
    .await;
}

#[tokio::test]
async fn rf06_no_jump_of_the_clock_revives_what_is_over() {
    both(async |server| {
        for jump in [3600, 86_400, -3600, -86_400] {
            let tokens = server.tokens().await;
            let (access, refresh) =
                (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
            let used = server.code("web", "").await;
            assert_eq!(server.redeem(&used).await.status, 200);
            let over = server.tokens().await;
            let ended = over["refresh_token"].as_str().unwrap();
            assert_eq!(server.post_as("web", "/revoke", &format!("token={ended}")).await.status, 200);
            let fresh = server.code("web", "").await;
            server.advance(jump);
            assert_eq!(server.redeem(&used).await.error(), "invalid_grant", "{jump}: used stays used");
            assert_eq!(server.refresh(ended).await.error(), "invalid_grant", "{jump}: revoked stays revoked");
            assert_eq!(server.userinfo(over["access_token"].as_str().unwrap()).await.status, 401, "{jump}");
            if jump > 0 {
                assert_eq!(server.redeem(&fresh).await.error(), "invalid_grant", "{jump}: expired");
                assert_eq!(server.userinfo(access).await.status, 401, "{jump}: expired");
            }
            let answer = server.refresh(refresh).await;
            assert_eq!(answer.status, 200, "{jump}: {}", answer.body);
            let claims = server.introspect(answer.json()["access_token"].as_str().unwrap()).await;
            assert!(claims["exp"].as_i64().unwrap() > claims["iat"].as_i64().unwrap(), "{jump}: {claims}");
            assert!(answer.json()["expires_in"].as_i64().unwrap() > 0, "{jump}");
            server.advance(-jump);
            assert_eq!(server.redeem(&used).await.error(), "invalid_grant", "{jump} and back");
            assert_eq!(server.refresh(ended).await.error(), "invalid_grant", "{jump} and back");
        }
    })
    .await;
}

#[tokio::test]
async fn rf08_a_retired_key_is_published_until_its_last_token_is_dead() {
    both(async |server| {
        // Tests share a database: a sweep of the past leaves the rows of the others alone.
        server.advance(-10 * 86_400);
        let token = server.tokens().await["access_token"].as_str().unwrap().to_owned();
        let desk = server.desk().await;
        let old = server.get("/jwks").await.json()["keys"][0]["kid"].clone();
        keys::rotate(&desk.tenant, &desk.store, SignatureAlgorithm::Es256, 0, desk.now).await.unwrap().unwrap();
        let is_published = async || {
            server.app.store.purge(server.app.clock.now()).await.unwrap();
            let set = server.replica().await.get("/jwks").await.json();
            set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == old)
        };
        assert!(is_published().await);
        server.advance(599);
        assert!(is_published().await, "the last token lives");
        assert_eq!(server.replica().await.userinfo(&token).await.status, 200);
        server.advance(3601);
        assert!(is_published().await || server.app.clock.now().since(desk.now) > 3600 + 300, "ID tokens live an hour");
        server.advance(86_400);
        assert!(!is_published().await, "and then no more");
    })
    .await;
}

#[tokio::test]
async fn rf10_with_a_full_disk_there_is_no_half_state_and_it_recovers() {
    both(async |server| {
        for table in ["audit_event", "session", "sign_in"] {
            let (mut agent, page) = at_sign_in(&server, "").await;
            let form = form_to(&page, "/password").set("username", "alice").set("password", PASSWORD);
            let mend = break_writes(&server, table).await;
            let answer = agent.submit(&form).await;
            assert_eq!(answer.status, 503, "{table}");
            assert!(!agent.cookies.contains_key("__Secure-chancery-session"), "{table}");
            assert!(!answer.header("retry-after").is_empty(), "{table}");
            if table == "audit_event" {
                let answer = server.post_as("machine", "/token", "grant_type=client_credentials").await;
                assert_eq!(
                    (answer.status.as_u16(), answer.error().as_str()),
                    (503, "temporarily_unavailable"),
                    "no token without its record"
                );
            }
            let desk = server.desk().await;
            let alice = chancery::admin::user::find(&desk, "alice").await.unwrap();
            let before = desk.store.sessions_of(alice.id, desk.now).await.unwrap().len();
            heal(&server, &mend).await;
            assert!(is_signed_in(&agent.submit(&form).await), "{table}: the same form serves once there is room");
            assert_eq!(desk.store.sessions_of(alice.id, desk.now).await.unwrap().len(), before + 1, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn rf11_while_nothing_can_be_written_metadata_and_keys_are_served() {
    both(async |server| {
        let tokens = server.tokens().await;
        let code = server.code("web", "").await;
        let mut mends = Vec::new();
        for table in [
            "tenant",
            "client",
            "account",
            "credential",
            "session",
            "sign_in",
            "authorization_code",
            "token_grant",
            "consent",
            "revoked_token",
            "audit_event",
            "signing_key",
        ] {
            mends.push(break_writes(&server, table).await);
        }
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"] {
            assert_eq!(server.get(path).await.status, 200, "{path}");
            assert_eq!(server.replica().await.get(path).await.status, 200, "{path} at a fresh replica");
        }
        let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
        assert_eq!(server.userinfo(access).await.status, 200);
        assert_eq!(server.introspect(access).await["active"], true);
        assert_eq!(server.redeem(&code).await.status, 503);
        assert_eq!(server.refresh(refresh).await.status, 503);
        assert_eq!(server.post_as("web", "/revoke", &format!("token={refresh}")).await.status, 503);
        for mend in mends {
            heal(&server, &mend).await;
        }
        assert_eq!(server.refresh(refresh).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn rf15_a_row_that_cannot_be_read_takes_one_tenant_down_and_no_other() {
    both(async |server| {
        let neighbour = server.sibling().await;
        let (db, tenant) = (database(&server).await, tenant_literal(&server).await);
        let id = server.desk().await.tenant.id;
        let good = server.app.store.tenant_by_slug(&Slug::parse(&server.slug).unwrap()).await.unwrap().unwrap();
        let good = serde_json::to_string(&good.settings).unwrap();
        for (column, value) in [
            ("settings", "''"),
            ("settings", "'{'"),
            ("settings", "'null'"),
            ("settings", "'{\"theme\":null}'"),
            ("status", "''"),
            ("root_secret", if server.engine == Engine::Sqlite { "x''" } else { "''::bytea" }),
        ] {
            db.execute_unprepared(&format!("UPDATE tenant SET {column} = {value} WHERE id = {tenant}")).await.unwrap();
            server.app.directory.forget(id, &Notice::Tenant).await;
            for path in ["/.well-known/openid-configuration", "/jwks", "/authorize?client_id=web"] {
                let answer = server.get(path).await;
                assert!(answer.status.is_server_error(), "{column} {value} {path}: {}", answer.status);
                assert_eq!(answer.header("cache-control"), "no-store", "{column} {value} {path}");
                assert!(!answer.body.contains(column), "{column} {value} {path}");
            }
            assert_eq!(neighbour.get("/jwks").await.status, 200, "{column} {value}");
            assert_eq!(neighbour.post_as("machine", "/token", "grant_type=client_credentials").await.status, 200);
            if column == "root_secret" {
                break;
            }
            db.execute_unprepared(&format!(
                "UPDATE tenant SET settings = '{good}', status = 'active' WHERE id = {tenant}"
            ))
            .await
            .unwrap();
            server.app.directory.forget(id, &Notice::Tenant).await;
            assert_eq!(server.tokens().await["token_type"], "Bearer", "{column} {value}: mended");
        }
        assert_eq!(server.get("//readyz").await.status, 200, "the process lives");
    })
    .await;
}
