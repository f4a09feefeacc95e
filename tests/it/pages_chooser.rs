//! The accounts that one browser knows: all can be reached, none stands there twice, and there is an end to them.

use serde_json::{Value, json};

use crate::support::agent::{attribute, forms};
use crate::support::{Agent, Answer, Engine, PASSWORD, Server, both};

const MOST: usize = 20;

async fn with_people(server: &Server) {
    let people: Vec<Value> = (0..=MOST)
        .map(|number| json!({ "username": format!("u{number:02}"), "name": format!("Person {number:02}"), "password": PASSWORD }))
        .collect();
    server.apply(&json!({ "tenants": [{ "slug": server.slug, "users": people }] })).await;
}

async fn chooser(agent: &mut Agent) -> Answer {
    agent.visit(&agent.authorization_request("web", "prompt=select_account&scope=openid")).await
}

/// Signs one more person in.
async fn sign_in(agent: &mut Agent, username: &str) -> Answer {
    let mut page = chooser(agent).await;
    if let Some(other) = page.body.split("account__choose--other\"").nth(1).and_then(|rest| attribute(rest, "href")) {
        page = agent.get(&other).await;
    }
    let form = forms(&page.body).remove(0).set("username", username).set("password", PASSWORD);
    let answer = agent.submit(&form).await;
    assert!(answer.redirect_param("code").is_some(), "{username}: {}", answer.body);
    answer
}

/// The names on the list, from the top.
fn names(page: &Answer) -> Vec<&str> {
    let rows = page.body.split("class=\"account__name\">").skip(1);
    rows.map(|rest| rest.split('<').next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn twenty_accounts_can_all_be_reached_and_one_more_signs_out_the_one_used_longest_ago() {
    both(async |server| {
        with_people(&server).await;
        let mut agent = Agent::new(&server);
        let first = sign_in(&mut agent, "u00").await;
        let tokens = server.redeem(&first.redirect_param("code").unwrap()).await.json();
        for number in 1..MOST {
            sign_in(&mut agent, &format!("u{number:02}")).await;
        }
        let page = chooser(&mut agent).await;
        let expected: Vec<String> = (0..MOST).rev().map(|number| format!("Person {number:02}")).collect();
        assert_eq!(names(&page), expected, "at the limit");
        let size: usize = agent.cookies.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(size < 4096, "RFC 6265 §6.1, all cookies together: {size}");
        let last = forms(&page.body).into_iter().rfind(|form| form.fields.iter().any(|(name, _)| name == "session"));
        let answer = agent.clone().submit_and_follow(&last.expect("a row").set("decision", "choose")).await;
        assert!(answer.redirect_param("code").is_some(), "the last one can be chosen: {}", answer.body);
        assert!(
            page.body.find("account__choose--other") < page.body.find("account__name"),
            "the way out of a long list"
        );
        // One past it.
        assert_eq!(server.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
        sign_in(&mut agent, &format!("u{MOST:02}")).await;
        let page = chooser(&mut agent).await;
        assert_eq!((names(&page).len(), names(&page)[0], names(&page)[MOST - 1]), (MOST, "Person 20", "Person 01"));
        let answer = server.userinfo(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.status, 401, "who fell off the list is signed out: nobody could do it here any more");
    })
    .await;
}

#[tokio::test]
async fn what_is_signed_out_makes_room_before_what_is_not() {
    let server = Server::on(Engine::Sqlite).await;
    server.settings(json!({ "session_idle_seconds": 3600 })).await;
    with_people(&server).await;
    let mut agent = Agent::new(&server);
    for number in 0..MOST {
        sign_in(&mut agent, &format!("u{number:02}")).await;
        server.advance(60);
    }
    // Everybody but u05 comes by once more; then u05 alone has been idle for an hour.
    for number in (0..MOST).filter(|number| *number != 5) {
        let page = chooser(&mut agent).await;
        let row = page.body.split("<form").find(|row| row.contains(&format!("Person {number:02}"))).unwrap();
        let form = forms(&format!("<form{row}")).remove(0).set("decision", "choose");
        server.advance(60);
        assert!(agent.submit_and_follow(&form).await.redirect_param("code").is_some(), "{number}");
    }
    server.advance(3600 - 34 * 60);
    sign_in(&mut agent, "u20").await;
    let page = chooser(&mut agent).await;
    assert_eq!(names(&page).len(), MOST);
    assert!(!page.body.contains("Person 05") && page.body.contains("Person 00"), "{:?}", names(&page));
}

#[tokio::test]
async fn nobody_stands_on_the_list_twice() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "alice").await;
        server.advance(86_400);
        let page = agent.visit(&agent.authorization_request("web", "")).await;
        agent.next("alice", &page).await;
        let page = chooser(&mut agent).await;
        assert_eq!(names(&page), ["Alice Example"], "signed out, and in again");
        assert!(!page.body.contains("Signed out"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn a_short_list_ends_with_the_way_to_another_account() {
    let server = Server::on(Engine::Sqlite).await;
    let mut agent = Agent::new(&server);
    sign_in(&mut agent, "alice").await;
    let page = chooser(&mut agent).await;
    assert!(page.body.find("account__choose--other") > page.body.find("account__name"));
}

#[tokio::test]
async fn who_has_just_signed_in_can_still_turn_to_another_account() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let page = agent.visit(&agent.authorization_request("web", "prompt=consent&scope=openid")).await;
        let asked = agent.next("alice", &page).await;
        assert!(asked.body.contains("id=\"allow\"") && asked.body.contains("Alice"), "{}", asked.body);
        let link =
            asked.body.split("<a ").filter_map(|tag| attribute(tag, "href")).find(|href| href.contains("another=1"));
        let link = link.expect("a way to another account").replace("&#38;", "&");
        let page = agent.visit(&link).await;
        assert!(page.body.contains("type=\"password\""), "{}", page.body);
        let again = agent.visit(link.split('?').next().unwrap()).await;
        assert!(again.body.contains("Alice"), "a link changes nothing: {}", again.body);
        let asked = agent.next("bob", &page).await;
        assert!(asked.body.contains("id=\"allow\"") && asked.body.contains("Bob"), "{}", asked.body);
        let answer = agent.next("bob", &asked).await;
        let tokens = server.redeem(&answer.redirect_param("code").expect("a code")).await.json();
        let told = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_ne!(told["sub"], server.tokens().await["sub"], "{told}");
    })
    .await;
}
