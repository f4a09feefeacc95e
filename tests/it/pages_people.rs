//! Pages for people: nobody is stuck, every page speaks the chosen language, and going back or reloading sends nothing again.

use serde_json::json;

use crate::support::agent::{attribute, form, forms};
use crate::support::{Agent, Answer, Engine, PASSWORD, SECRET, Server};

/// A client that asks, told where its sign-in begins.
async fn with_ways_back(server: &Server) {
    server
        .client(json!({
            "client_id": "ask", "client_name": "Third Party", "client_secret": SECRET, "redirect_uris": ["https://ask.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "initiate_login_uri": "https://ask.example/begin?from=us"
        }))
        .await;
}

/// The way back that [`with_ways_back`] leads to (OpenID Connect Core §4: with `iss`).
fn way_back(server: &Server) -> String {
    let issuer: String = url::form_urlencoded::byte_serialize(server.issuer().as_bytes()).collect();
    format!("https://ask.example/begin?from=us&iss={issuer}")
}

/// Address of the link with this id.
fn link(page: &Answer, id: &str) -> String {
    let mut tags = page.body.split("<a ").skip(1).filter_map(|part| part.split('>').next());
    let tag = tags.find(|tag| tag.contains(&format!(" id=\"{id}\""))).unwrap_or_else(|| panic!("{id}: {}", page.body));
    attribute(&format!(" {tag}"), "href").unwrap()
}

/// Address of the switcher's link to a language.
fn switch(page: &Answer, tag: &str) -> Option<String> {
    let mut tags = page.body.split("<a ").skip(1).filter_map(|part| part.split('>').next());
    tags.find(|link| link.contains(&format!("hreflang=\"{tag}\"")))
        .and_then(|link| attribute(&format!(" {link}"), "href"))
}

#[tokio::test]
async fn an_error_page_can_be_read_in_every_language_and_repeats_nothing() {
    let server = Server::on(Engine::Sqlite).await;
    let mut agent = Agent::new(&server);
    let nowhere = format!("/t/{}/account/sessions", server.slug);
    let page = agent.get(&nowhere).await;
    assert_eq!((page.status.as_u16(), switch(&page, "de").as_deref()), (403, Some("?lang=de")));
    let page = agent.get(&format!("{nowhere}?lang=de")).await;
    assert!(page.body.contains("<html lang=\"de\""), "{}", page.body);
    assert_eq!(switch(&page, "ar").as_deref(), Some("?lang=ar"), "the choice before is replaced");
    let wrong = agent.authorization_request("nobody", "");
    let page = agent.get(&wrong).await;
    assert!(page.status == 400 && page.body.contains("<html lang=\"de\""), "the choice stays: {}", page.body);
    assert_eq!(switch(&page, "en"), None, "what was sent is not repeated");
}

#[tokio::test]
async fn a_page_that_ends_a_sign_in_shows_the_way_back_to_its_client() {
    let server = Server::on(Engine::Sqlite).await;
    with_ways_back(&server).await;
    let mut agent = Agent::new(&server);
    let page = agent.get(&agent.authorization_request("ask", "redirect_uri=https%3A%2F%2Fevil.example%2F")).await;
    assert_eq!((page.status.as_u16(), link(&page, "back")), (400, way_back(&server)), "a redirect URI that is unknown");
    // Finished: back, not once more.
    let page = agent.get(&agent.authorization_request("ask", "")).await;
    let form = forms(&page.body).remove(0).set("username", "alice").set("password", PASSWORD);
    let consent = agent.submit_and_follow(&form).await;
    let allow = forms(&consent.body).remove(0).set("decision", "allow");
    assert!(agent.submit(&allow).await.redirect_param("code").is_some());
    let here = allow.action.trim_end_matches("/consent").to_owned();
    let page = agent.get(&here).await;
    assert_eq!((page.status.as_u16(), link(&page, "back")), (200, way_back(&server)), "finished");
    assert!(!page.body.contains("Start again"), "{}", page.body);
    // Another browser, and one that keeps no cookies.
    let page = Agent::new(&server).get(&here).await;
    assert_eq!((page.status.as_u16(), link(&page, "back")), (403, way_back(&server)), "another browser");
    let page = agent.get(&agent.authorization_request("ask", "prompt=login")).await;
    let form = forms(&page.body).remove(0).set("password", PASSWORD);
    let page = Agent::new(&server).submit(&form).await;
    assert_eq!((page.status.as_u16(), link(&page, "back")), (403, way_back(&server)), "no cookies");
    assert!(page.body.contains("Cookies are switched off"), "{}", page.body);
    // A form that is too old leads to the page as it is now.
    let page = agent.submit(&form.clone().set("csrf", "x")).await;
    assert_eq!(page.status, 403);
    let again =
        page.body.split("btn--primary").nth(1).and_then(|rest| attribute(rest.split('>').next()?, "href")).unwrap();
    assert!(agent.get(&again).await.body.contains("name=\"password\""), "{again}");
}

#[tokio::test]
async fn consent_says_what_is_new_what_was_allowed_and_what_nobody_has_words_for() {
    let server = Server::on(Engine::Sqlite).await;
    let mut agent = Agent::new(&server);
    agent.authorize("ask", "scope=openid").await;
    for (rule, more, text) in [
        ("the same once more", "scope=openid&prompt=consent", "allowed Third Party this before"),
        ("one scope more", "scope=openid%20email", "now also wants"),
        ("a resource alone", "scope=openid&resource=https%3A%2F%2Fapi.example", "that access also works with"),
        ("a scope of an API", "scope=openid%20read&resource=https%3A%2F%2Fapi.example", "Use \u{201c}read\u{201d}"),
    ] {
        let address = agent.authorization_request("ask", more);
        let page = agent.visit(&address).await;
        assert!(page.body.contains(text), "{rule}: {}", page.body);
    }
    let address = agent.authorization_request("ask", "scope=openid%20email&prompt=consent");
    let page = agent.visit(&address).await;
    assert!(!page.body.contains("this before"), "not all of it was: {}", page.body);
}

#[tokio::test]
async fn signing_out_names_everybody_and_a_reload_sends_nothing_again() {
    let server = Server::on(Engine::Sqlite).await;
    with_ways_back(&server).await;
    let mut agent = Agent::new(&server);
    agent.authorize_as("alice", "web", "").await;
    let address = agent.authorization_request("web", "prompt=select_account");
    let chooser = agent.visit(&address).await;
    assert!(chooser.body.contains("Sign Alice Example out and remove"), "{}", chooser.body);
    let other = chooser.body.split("account__choose--other\"").nth(1).and_then(|rest| attribute(rest, "href")).unwrap();
    let page = agent.visit(&other).await;
    agent.next("bob", &page).await;
    let question = format!("/t/{}/end_session?client_id=ask&ui_locales=en", server.slug);
    let page = agent.get(&question).await;
    assert!(page.body.contains("Alice Example") && page.body.contains(">Bob<"), "{}", page.body);
    assert!(page.body.contains("/account/sessions\""), "and there is a way to stay");
    let answer = agent.submit(&forms(&page.body).remove(0)).await;
    assert_eq!(answer.status, 303);
    let done = agent.get(answer.header("location")).await;
    assert_eq!((done.status.as_u16(), link(&done, "back")), (200, way_back(&server)));
    assert!(done.body.contains("You are signed out"), "{}", done.body);
    let sessions = agent.get(&format!("/t/{}/account/sessions", server.slug)).await;
    assert!(sessions.status == 403 && sessions.body.contains("Nobody is signed in"), "{}", sessions.body);
}

#[tokio::test]
async fn ending_the_own_session_ends_on_the_page_that_says_so() {
    let server = Server::on(Engine::Sqlite).await;
    let mut agent = Agent::new(&server);
    agent.authorize("web", "").await;
    let page = agent.get(&format!("/t/{}/account/sessions", server.slug)).await;
    assert!(page.body.contains("Alice Example") && page.body.contains("/end_session\""), "who is it: {}", page.body);
    let page = agent.submit_and_follow(&forms(&page.body).remove(0).set("decision", "one")).await;
    assert!(page.status == 200 && page.body.contains("You are signed out"), "{}", page.body);
}

#[tokio::test]
async fn section_2_a_client_signs_out_by_a_form_of_its_own_site_which_comes_without_cookies() {
    let server = Server::on(Engine::Sqlite).await;
    let tokens = server.tokens().await;
    let mut agent = Agent::new(&server);
    let code = agent.authorize("web", "").await.redirect_param("code").unwrap();
    let mine = server.redeem(&code).await.json();
    for (rule, hint) in [("of another browser", &tokens), ("of this one", &mine)] {
        let hint = hint["id_token"].as_str().unwrap();
        let body = form(&[
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", "https://app.example/out"),
            ("state", "a b&c"),
        ]);
        // SameSite=Lax: the browser sends no cookie with a POST of another site, and all of them with the GET after it.
        let answer = server.post("/end_session", &body).await;
        assert_eq!(answer.status, 303, "{rule}");
        let answer = agent.get(answer.header("location")).await;
        assert_eq!(answer.header("location"), "https://app.example/out?state=a%20b%26c", "{rule}");
        let ended = !agent.clone().authorize("web", "prompt=none").await.header("location").contains("code=");
        assert_eq!(ended, rule == "of this one", "{rule}");
    }
}
