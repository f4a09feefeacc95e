//! The thin line: one tenant, one client, code + PKCE through the pages to a verified ID token.

use chancery::protocol::json_web_key::KeySet;
use chancery::protocol::jws::UnverifiedJws;

use crate::support::agent::forms;
use crate::support::{Agent, Answer, START, both};

#[tokio::test]
async fn a_person_signs_in_and_the_client_gets_tokens_that_verify() {
    both(async |server| {
        let tokens = server.tokens().await;
        let keys = server.get("/jwks").await.json();
        let keys = KeySet::parse(keys.as_object().unwrap()).unwrap();
        let id_token = UnverifiedJws::parse(tokens["id_token"].as_str().unwrap()).unwrap();
        let claims = keys.verify(id_token).unwrap().claims().unwrap();
        assert_eq!(claims["iss"], server.issuer());
        assert_eq!(claims["aud"], "web");
        assert_eq!(claims["nonce"], "n1");
        assert_eq!(claims["auth_time"], START);
        assert!(claims.get("name").is_none(), "OIDC Core §5.4: profile claims come from userinfo");
        let info = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(info["sub"], claims["sub"]);
        assert_eq!(info["name"], "Alice Example");
        assert_eq!(info["preferred_username"], "alice");
        let refreshed = server.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    })
    .await;
}

#[tokio::test]
async fn a_second_request_in_the_same_browser_needs_no_page() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let first = agent.authorize("web", "").await;
        assert!(first.redirect_param("code").is_some(), "{}", first.body);
        let second = agent.authorization_request("other", "");
        let second = agent.get(&second).await;
        assert_eq!(second.status, 303);
        assert!(second.redirect_param("code").is_some(), "{}", second.header("location"));
        assert_eq!(second.redirect_param("iss").unwrap(), server.issuer());
    })
    .await;
}

#[tokio::test]
async fn who_is_asked_to_choose_chooses_though_it_is_known_who_is_meant() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let first = agent.authorize("web", "").await;
        let tokens = server.redeem(&first.redirect_param("code").unwrap()).await.json();
        let hint = tokens["id_token"].as_str().unwrap().to_owned();
        assert!(agent.authorize_as("bob", "web", "prompt=login").await.redirect_param("code").is_some());
        let request = agent.authorization_request("web", &format!("prompt=select_account&id_token_hint={hint}"));
        let chosen = |page: &Answer, name: &str| {
            let at = page.body.split("<form").skip(1).position(|form| form.contains(name) && form.contains("/account"));
            forms(&page.body).remove(at.unwrap_or_else(|| panic!("{} {}", page.header("location"), page.body)))
        };
        // OIDC Core §3.1.2.1: the choice is shown; §3.1.2.2: with the hint, the answer is about that person or none.
        let page = agent.visit(&request).await;
        let other = agent.submit_and_follow(&chosen(&page, "bob@acme.example")).await;
        assert!(other.redirect_param("code").is_none() && other.body.contains("name=\"password\""), "{}", other.body);
        let still = agent.next("bob", &other).await;
        assert!(still.redirect_param("code").is_none() && still.body.contains("name=\"password\""), "{}", still.body);
        let done = agent.next("alice", &still).await;
        assert!(done.redirect_param("code").is_some(), "the one who is meant signs in: {}", done.body);

        let page = agent.visit(&request).await;
        let done = agent.submit_and_follow(&chosen(&page, "alice@acme.example")).await;
        assert!(done.redirect_param("code").is_some(), "the one who is meant is chosen: {}", done.body);
    })
    .await;
}
