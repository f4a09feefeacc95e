//! What was changed between reading and writing, here or at another replica, is never put back.

use std::sync::Arc;

use chancery::admin::{AdminError, client, tenant};
use chancery::protocol::client::{Client, ClientOrigin};
use chancery::protocol::identifiers::ClientId;
use chancery::store::Change;
use chancery::store::clients::ClientDraft;
use poem::http::Method;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::registration::register;
use crate::support::agent::basic;
use crate::support::{SECRET, Server, both};

/// A client that registered itself: its id, its registration access token, its secret.
async fn registered(server: &Server) -> (ClientId, String, String) {
    server.settings(json!({ "client_registration": "open" })).await;
    let (answer, told) = register(server, None, &json!({ "redirect_uris": ["https://dyn.example/cb"] })).await;
    assert_eq!(answer.status, 201);
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    (ClientId::parse(&text("client_id")).unwrap(), text("registration_access_token"), text("client_secret"))
}

/// Its update, with another name.
async fn renamed(server: &Server, id: &ClientId, token: &str, name: &str) -> u16 {
    let headers = [("content-type", "application/json"), ("authorization", &format!("Bearer {token}"))];
    let body = json!({ "client_id": id, "client_name": name, "redirect_uris": ["https://dyn.example/cb"] });
    server.request(Method::PUT, &format!("/register/{id}"), &headers, &body.to_string()).await.status.as_u16()
}

async fn is_let_in(server: &Server, id: &ClientId, secret: &str) -> bool {
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic(id.as_str(), secret))];
    server.request(Method::POST, "/introspect", &headers, "token=x").await.status == 200
}

#[tokio::test]
async fn an_update_brings_nothing_back_that_another_replica_has_replaced() {
    both(async |server| {
        let replica = server.replica().await;
        let (id, token, old) = registered(&server).await;
        assert!(is_let_in(&server, &id, &old).await, "and now it is in memory");
        let new = client::rotate_secret(&replica.desk().await, &id).await.unwrap();
        assert_eq!(renamed(&server, &id, &token, "Another").await, 200);
        for one in [&server, &replica] {
            assert!(!is_let_in(one, &id, &old).await, "the old secret");
            assert!(is_let_in(one, &id, new.expose()).await, "the new one");
        }
        // RFC 7592 §2: who was switched off, or has lost the token, changes nothing, whatever is in memory.
        client::set_enabled(&replica.desk().await, &id, false).await.unwrap();
        assert_eq!(renamed(&server, &id, &token, "Disabled").await, 401);
        client::set_enabled(&replica.desk().await, &id, true).await.unwrap();
        assert_eq!(renamed(&server, &id, &token, "Enabled").await, 200);
    })
    .await;
}

#[tokio::test]
async fn a_change_decided_on_an_older_client_is_not_made() {
    both(async |server| {
        let desk = server.desk().await;
        let id = ClientId::parse("web").unwrap();
        let found = async || desk.store.client(&id, &desk.tenant.secrets.client_secret).await.unwrap().unwrap();
        for rule in ["another secret", "switched off", "other metadata"] {
            let before = found().await;
            match rule {
                "another secret" => drop(client::rotate_secret(&desk, &id).await.unwrap()),
                "switched off" => drop(client::set_enabled(&desk, &id, false).await.unwrap()),
                _ => {
                    let web = json!({ "client_id": "web", "redirect_uris": ["https://new.example/cb"] });
                    server.client(web).await;
                }
            }
            let after = found().await;
            let draft = ClientDraft {
                id: &id,
                metadata: &before.metadata,
                origin: ClientOrigin::Dynamic,
                secret_hash: before.secret_hash.clone(),
                mac_secret: None,
                registration_token_hash: None,
            };
            let update =
                async |version| desk.store.update_client(&draft, version, Change::new(), desk.now).await.unwrap();
            assert!(!update(before.version).await, "{rule}");
            let now = found().await;
            assert_eq!((now.version, now.origin), (after.version, ClientOrigin::Administrator), "{rule}");
            let bytes = |client: &Client| client.secret_hash.as_ref().map(|hash| hash.bytes().to_vec());
            assert!(bytes(&now).is_some() && bytes(&now) == bytes(&after), "{rule}");
            assert!(now.metadata == after.metadata && now.enabled == after.enabled, "{rule}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_once_one_of_many_changes_of_the_same_client_is_made() {
    both(async |server| {
        let (replica, barrier) = (server.replica().await, Arc::new(Barrier::new(16)));
        let web = json!({ "client_id": "web", "client_secret": SECRET, "redirect_uris": ["https://app.example/cb"] });
        server.client(web).await;
        let mut tasks = Vec::new();
        for number in 0..16 {
            let (server, barrier) = (if number % 2 == 0 { server.clone() } else { replica.clone() }, barrier.clone());
            tasks.push(tokio::spawn(async move {
                let (desk, id) = (server.desk().await, ClientId::parse("web").unwrap());
                let found = desk.store.client(&id, &desk.tenant.secrets.client_secret).await.unwrap().unwrap();
                let draft = ClientDraft {
                    id: &id,
                    metadata: &found.metadata,
                    origin: found.origin,
                    secret_hash: None,
                    mac_secret: None,
                    registration_token_hash: None,
                };
                barrier.wait().await;
                desk.store.update_client(&draft, found.version, Change::new(), desk.now).await.unwrap()
            }));
        }
        let mut made = 0;
        for task in tasks {
            made += usize::from(task.await.unwrap());
        }
        assert_eq!(made, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_once_an_update_is_made_whole_or_told_to_try_again() {
    both(async |server| {
        let (replica, barrier) = (server.replica().await, Arc::new(Barrier::new(16)));
        let (id, token, secret) = registered(&server).await;
        let mut tasks = Vec::new();
        for number in 0..16 {
            let (server, barrier) = (if number % 2 == 0 { server.clone() } else { replica.clone() }, barrier.clone());
            let (id, token) = (id.clone(), token.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                (renamed(&server, &id, &token, &format!("name {number}")).await, number)
            }));
        }
        let mut made = Vec::new();
        for task in tasks {
            let (status, number) = task.await.unwrap();
            assert!([200, 503].contains(&status), "{status}");
            made.extend((status == 200).then(|| format!("name {number}")));
        }
        let desk = server.desk().await;
        let client = desk.store.client(&id, &desk.tenant.secrets.client_secret).await.unwrap().unwrap();
        assert_eq!(client.version, i64::try_from(made.len()).unwrap(), "one after the other");
        assert!(made.contains(&client.metadata.client_name.unwrap()), "{made:?}");
        assert!(is_let_in(&replica, &id, &secret).await);
    })
    .await;
}

#[tokio::test]
async fn what_a_file_leaves_out_of_a_tenant_must_be_as_it_was_found() {
    both(async |server| {
        let found = async || server.app.store.tenant_by_slug(&server.desk().await.tenant.slug).await.unwrap().unwrap();
        let before = found().await;
        let wanted = tenant::Wanted {
            slug: before.slug.clone(),
            host: before.host.clone(),
            name: "Renamed".to_owned(),
            settings: before.settings.clone(),
            version: Some(before.version),
        };
        server.settings(json!({ "client_registration": "open" })).await;
        let registration = async || json!(found().await.settings)["client_registration"].clone();
        for (rule, version) in [("older", wanted.version), ("not there when it was read", None)] {
            let wanted = tenant::Wanted { version, ..wanted.clone() };
            let refused = tenant::put(&server.app, &wanted, false).await;
            assert!(matches!(refused, Err(AdminError::ChangedMeanwhile(_))), "{rule}: {refused:?}");
            assert_eq!(
                (found().await.name, registration().await),
                (before.name.clone(), Value::from("open")),
                "{rule}"
            );
        }
        let now = found().await;
        let wanted = tenant::Wanted { version: Some(now.version), settings: now.settings, ..wanted };
        tenant::put(&server.app, &wanted, false).await.unwrap();
        assert_eq!((found().await.name.as_str(), registration().await), ("Renamed", Value::from("open")));
        // One that was deleted meanwhile does not come back.
        tenant::delete(&server.desk().await).await.unwrap();
        let refused = tenant::put(&server.app, &wanted, false).await;
        assert!(matches!(refused, Err(AdminError::ChangedMeanwhile(_))), "{refused:?}");
    })
    .await;
}
