//! What each path costs, counted instead of timed: round trips, writes, signatures, parsed keys.

use std::sync::atomic::Ordering;

use chancery::protocol::signature;

use crate::support::{Agent, Server, both};

#[derive(Debug, PartialEq, Eq)]
struct Cost {
    reads: u64,
    changes: u64,
    signatures: u64,
    keys: u64,
}

fn now(server: &Server) -> Cost {
    let (counts, crypto) = (server.app.store.counts(), signature::counts_of_this_thread());
    Cost {
        reads: counts.reads.load(Ordering::SeqCst),
        changes: counts.changes.load(Ordering::SeqCst),
        signatures: crypto.signatures_made,
        keys: crypto.keys_parsed,
    }
}

fn since(server: &Server, before: &Cost) -> Cost {
    let after = now(server);
    Cost {
        reads: after.reads - before.reads,
        changes: after.changes - before.changes,
        signatures: after.signatures - before.signatures,
        keys: after.keys - before.keys,
    }
}

fn cost(reads: u64, changes: u64, signatures: u64) -> Cost {
    Cost { reads, changes, signatures, keys: 0 }
}

#[tokio::test]
async fn warm_paths_cost_what_was_planned_and_never_parse_a_key() {
    both(async |server| {
        // Warm: tenant, clients and keys are in memory.
        let tokens = server.tokens().await;
        let access = tokens["access_token"].as_str().unwrap().to_owned();
        server.get("/jwks").await;
        server.post_as("machine", "/token", "grant_type=client_credentials").await;
        let mut agent = Agent::new(&server);
        agent.authorize("web", "").await;
        let page = Agent::new(&server).authorization_request("web", "");

        let before = now(&server);
        server.get("/.well-known/openid-configuration").await;
        server.get("/jwks").await;
        assert_eq!(since(&server, &before), cost(0, 0, 0), "discovery and key set");

        let before = now(&server);
        assert_eq!(Agent::new(&server).get(&page).await.status, 200);
        assert_eq!(since(&server, &before), cost(0, 0, 0), "the first page of a sign-in writes and reads nothing");

        let before = now(&server);
        let code = agent.get(&page).await.redirect_param("code").unwrap();
        assert_eq!(since(&server, &before), cost(1, 1, 0), "authorize, signed in");

        let before = now(&server);
        let fresh = server.redeem(&code).await.json();
        assert_eq!(since(&server, &before), cost(1, 1, 2), "code to tokens");

        let before = now(&server);
        assert_eq!(server.refresh(fresh["refresh_token"].as_str().unwrap()).await.status, 200);
        assert_eq!(since(&server, &before), cost(1, 1, 2), "refresh");

        let before = now(&server);
        server.post_as("machine", "/token", "grant_type=client_credentials").await;
        assert_eq!(since(&server, &before), cost(0, 1, 1), "client credentials: one audit row");

        let before = now(&server);
        server.introspect(&access).await;
        assert_eq!(since(&server, &before), cost(1, 0, 0), "introspection");

        let before = now(&server);
        assert_eq!(server.userinfo(&access).await.status, 200);
        assert_eq!(since(&server, &before), cost(1, 0, 0), "userinfo");

        let before = now(&server);
        server.post_as("web", "/revoke", &format!("token={access}")).await;
        assert_eq!(since(&server, &before), cost(0, 1, 0), "revoke");
    })
    .await;
}

#[tokio::test]
async fn a_password_sign_in_hashes_once_whoever_asks() {
    both(async |server| {
        for (username, password) in [("alice", "wrong"), ("nobody", "wrong"), ("alice", crate::support::PASSWORD)] {
            let mut agent = Agent::new(&server);
            let page = agent.authorization_request("web", "");
            let page = agent.get(&page).await;
            let form = crate::support::agent::forms(&page.body).remove(0);
            let before = server.app.passwords.hashes_done();
            agent.submit(&form.set("username", username).set("password", password)).await;
            assert_eq!(server.app.passwords.hashes_done() - before, 1, "{username}");
        }
    })
    .await;
}
