//! Making an account of one's own: "Initiating User Registration via OpenID Connect 1.0", and the limits of it.

use std::sync::mpsc;

use serde_json::json;
use zeroize::Zeroizing;

use crate::support::agent::{Form, attribute, forms};
use crate::support::{Agent, Answer, Engine, PASSWORD, SECRET, Server, both};

/// The tenant lets people make accounts.
async fn open(server: &Server) {
    server.settings(json!({ "self_registration": "open" })).await;
}

/// The form of the page, filled in.
fn filled(page: &Answer, username: &str) -> Form {
    let form = forms(&page.body).into_iter().find(|form| form.action.ends_with("/register"));
    let form = form.unwrap_or_else(|| panic!("no page to register: {} {}", page.status, page.body));
    form.set("username", username).set("password", PASSWORD)
}

/// The page of a new transaction.
async fn page(agent: &mut Agent, client: &str, more: &str) -> Answer {
    agent.visit(&agent.authorization_request(client, &format!("prompt=create{more}"))).await
}

/// The address of the link that leads to the other page.
fn link(page: &Answer, wish: &str) -> Option<String> {
    let mut tags = page.body.split("<a ").skip(1).filter_map(|rest| rest.split('>').next());
    let wanted = format!("wish={wish}");
    let found = tags.find(|tag| tag.contains(&wanted) && !tag.contains("hreflang"));
    found.and_then(|tag| attribute(&format!(" {tag}"), "href"))
}

/// How many events of this kind the tenant's trail holds.
async fn events(server: &Server, kind: &str) -> usize {
    let events = server.desk().await.store.audit_events(1000).await.expect("the trail");
    events.iter().filter(|event| event.kind == kind).count()
}

async fn people(server: &Server) -> usize {
    server.desk().await.store.users(None, 1000).await.expect("people").len()
}

#[tokio::test]
async fn section_4_1_where_it_is_closed_the_value_is_refused_and_nothing_leads_there() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let answer = page(&mut agent, "web", "").await;
        assert_eq!(answer.redirect_param("error").as_deref(), Some("invalid_request"));
        assert!(answer.redirect_param("error_description").unwrap().contains("prompt=create"));
        let metadata = server.get("/.well-known/openid-configuration").await.json();
        assert_eq!(metadata["prompt_values_supported"], json!(["none", "login", "consent", "select_account"]));
        let sign_in = agent.visit(&agent.authorization_request("web", "")).await;
        assert!(link(&sign_in, "register").is_none() && sign_in.body.contains("name=\"password\""));
        // Asked for all the same: the address shows the page for signing in, the form is refused.
        let form = forms(&sign_in.body).remove(0).set("username", "eve").set("password", PASSWORD);
        let forced = Form { action: form.action.replace("/password", "/register"), ..form };
        let answer = agent.submit_and_follow(&forced).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("New accounts can no longer be created here"), "{}", answer.body);
        assert!(answer.body.contains("name=\"password\"") && people(&server).await == 2);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_closes_meanwhile_refuses_and_sends_nobody_on_unasked() {
    both(async |server| {
        open(&server).await;
        let mut agent = Agent::new(&server);
        agent.authorize("web", "").await;
        let form = filled(&page(&mut agent, "web", "").await, "eve");
        server.settings(json!({ "self_registration": "closed" })).await;
        let answer = agent.submit_and_follow(&form).await;
        assert_eq!(answer.status, 403, "{}", answer.header("location"));
        assert_eq!(people(&server).await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_the_fields_and_what_was_typed_stays() {
    both(async |server| {
        open(&server).await;
        let mut agent = Agent::new(&server);
        let mut shown = page(&mut agent, "web", "").await;
        for (rule, username, name, password, texts) in [
            ("empty", "", "", "", &["Choose a username.", "Choose a password."][..]),
            ("taken", "Alice", "Eve", PASSWORD, &["This username is in use."]),
            ("a mail address of somebody", "bob@acme.example", "", PASSWORD, &["Use letters, digits, dots"]),
            ("short", "eve", "", "fourteen chars", &["Use at least 15 characters."]),
            ("common", "eve", "Eve", "passwordpassword", &["on lists that attackers try first"]),
            ("the own name", "gwendolynharleth", "", "gwendolynharleth", &["on lists that attackers try first"]),
            ("a name nobody sees", "eve", "E\u{202e}ve", PASSWORD, &["all of them ones that can be seen"]),
        ] {
            let form = filled(&shown, username).set("name", name).set("password", password);
            let answer = agent.submit(&form).await;
            assert_eq!(answer.status, 303, "{rule}: a reload sends nothing again");
            shown = agent.visit(answer.header("location")).await;
            assert_eq!(shown.status, 422, "{rule}: {}", shown.body);
            assert!(shown.body.contains("id=\"errors\"") && shown.body.contains("aria-invalid"), "{rule}");
            for text in texts {
                assert_eq!(shown.body.matches(text).count(), 2, "{rule}: box and field: {}", shown.body);
            }
            let again = filled(&shown, username);
            assert_eq!((again.get("username"), form.get("name")), (username, name), "{rule}");
            let typed = forms(&shown.body).remove(0);
            assert_eq!(
                (typed.get("username"), typed.get("name"), typed.get("password")),
                (username, name, ""),
                "{rule}"
            );
        }
        assert_eq!((people(&server).await, events(&server, "user.created").await), (2, 2), "nobody was made");
        let done = agent.submit(&filled(&shown, "eve").set("name", "Eve")).await;
        assert!(done.redirect_param("code").is_some(), "{} {}", done.status, done.body);
    })
    .await;
}

#[tokio::test]
async fn the_page_comes_first_prefilled_whoever_is_signed_in() {
    both(async |server| {
        open(&server).await;
        let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(metadata["prompt_values_supported"], json!(["none", "login", "consent", "select_account", "create"]));
        let mut agent = Agent::new(&server);
        for round in ["nobody", "somebody"] {
            for (more, username) in [("", ""), ("&login_hint=eve", "eve"), ("&login_hint=eve%40acme.example", "")] {
                let shown = page(&mut agent, "web", more).await;
                assert_eq!((shown.status.as_u16(), filled(&shown, "x").get("name")), (200, ""), "{round} {more}");
                assert_eq!(forms(&shown.body).remove(0).get("username"), username, "{round} {more}");
                assert!(shown.body.contains("autocomplete=\"new-password\""), "{}", shown.body);
                assert!(shown.body.find("At least 15 characters") < shown.body.find("id=\"password\""), "before typing");
            }
            agent.authorize("web", "").await;
        }
        for (rule, more) in [("none", "prompt=none%20create"), ("a hint", "prompt=create&claims=%7B%22id_token%22%3A%7B%22sub%22%3A%7B%22value%22%3A%2200000000-0000-4000-8000-000000000000%22%7D%7D%7D")] {
            let answer = agent.visit(&agent.authorization_request("web", more)).await;
            assert_eq!(answer.redirect_param("error").as_deref(), Some("invalid_request"), "{rule}: {}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn who_has_registered_is_signed_in_and_the_client_gets_its_code() {
    both(async |server| {
        open(&server).await;
        let mut agent = Agent::new(&server);
        agent.authorize("web", "").await;
        let before = agent.cookies.clone();
        let shown = page(&mut agent, "web", "").await;
        let answer = agent.submit(&filled(&shown, "Eve.E").set("name", " Eve E ")).await;
        assert_ne!(agent.cookies["__Secure-chancery-session"], before["__Secure-chancery-session"]);
        let tokens = server.redeem(&answer.redirect_param("code").expect("a code")).await.json();
        let about = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!((&about["preferred_username"], &about["name"]), (&json!("Eve.E"), &json!("Eve E")));
        assert_eq!((about.get("email"), about.get("email_verified")), (None, None));
        // Both people are there, each under their own account.
        let chooser = agent.visit(&agent.authorization_request("web", "")).await;
        assert!(chooser.body.contains("Eve E") && chooser.body.contains("Alice Example"), "{}", chooser.body);
        let trail = server.desk().await.store.audit_events(1000).await.unwrap();
        // Events of one moment come in any order.
        let mut created = trail.iter().filter(|event| event.kind == "user.created");
        let own = |data: &str| data.contains("\"origin\":\"self_registration\"");
        assert!(created.any(|event| own(&event.data) && event.client_id.as_deref() == Some("web")), "{trail:?}");
        assert_eq!((events(&server, "user.created").await, events(&server, "sign_in.succeeded").await), (3, 2));
        // The account serves elsewhere, and in no other tenant.
        let mut elsewhere = Agent::new(&server);
        assert!(elsewhere.authorize_as("eve.e", "web", "").await.redirect_param("code").is_some());
        let sibling = server.sibling().await;
        let mut stranger = Agent::new(&sibling);
        let sign_in = stranger.visit(&stranger.authorization_request("web", "")).await;
        let form = forms(&sign_in.body).remove(0).set("username", "eve.e").set("password", PASSWORD);
        assert_eq!(stranger.submit_and_follow(&form).await.status, 422, "unknown in another tenant");
    })
    .await;
}

#[tokio::test]
async fn a_third_party_asks_for_consent_and_the_form_counts_once() {
    both(async |server| {
        open(&server).await;
        let mut agent = Agent::new(&server);
        let form = filled(&page(&mut agent, "ask", "").await, "eve");
        let consent = agent.submit_and_follow(&form).await;
        assert!(consent.body.contains("Third Party asks for access"), "{}", consent.body);
        for (rule, form) in [("the same", form.clone()), ("another name", form.clone().set("username", "mallory"))] {
            let again = agent.submit_and_follow(&form).await;
            assert!(again.status == 200 && again.body.contains("asks for access"), "{rule}: {}", again.body);
        }
        let back = format!("{}?wish=register", form.action.trim_end_matches("/register"));
        assert!(agent.visit(&back).await.body.contains("asks for access"), "back");
        assert_eq!(people(&server).await, 3);
        let answer = agent.submit(&forms(&consent.body).remove(0).set("decision", "allow")).await;
        assert!(answer.redirect_param("code").is_some());
        let late = agent.submit_and_follow(&form.set("username", "mallory")).await;
        assert!(late.body.contains("Already signed in") && people(&server).await == 3, "{}", late.body);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_want_one_name_one_gets_it_and_a_double_click_makes_one_account() {
    both(async |server| {
        open(&server).await;
        for round in 0..5 {
            let (mut one, mut other) = (Agent::new(&server), Agent::new(&server));
            let name = format!("eve{round}");
            let (first, second) = (page(&mut one, "web", "").await, page(&mut other, "web", "").await);
            let (first, second) = (filled(&first, &name), filled(&second, &name));
            let (first, second) = tokio::join!(one.submit(&first), other.submit(&second));
            let won = [&first, &second].into_iter().filter(|answer| answer.redirect_param("code").is_some()).count();
            assert_eq!(won, 1, "{} {}", first.body, second.body);
            let (mut agent, lost) = if first.redirect_param("code").is_some() { (other, second) } else { (one, first) };
            let shown = agent.visit(lost.header("location")).await;
            assert!(shown.status == 422 && shown.body.contains("This username is in use."), "{}", shown.body);
        }
        let mut agent = Agent::new(&server);
        let form = filled(&page(&mut agent, "web", "").await, "double");
        let mut same = agent.clone();
        let twin = form.clone().set("username", "double2");
        let (first, second) = tokio::join!(agent.submit(&form), same.submit(&twin));
        assert!([first, second].iter().any(|answer| answer.redirect_param("code").is_some()));
        assert_eq!(people(&server).await, 2 + 5 + 1);
        assert_eq!(events(&server, "user.created").await, 2 + 5 + 1);
    })
    .await;
}

#[tokio::test]
async fn two_tabs_make_two_accounts_and_neither_disturbs_the_other() {
    let server = Server::on(Engine::Sqlite).await;
    open(&server).await;
    let mut agent = Agent::new(&server);
    let (first, second) = (page(&mut agent, "web", "").await, page(&mut agent, "web", "").await);
    let wrong = agent.submit_and_follow(&filled(&first, "eve").set("password", "short")).await;
    assert_eq!(wrong.status, 422);
    assert!(agent.submit(&filled(&second, "adam")).await.redirect_param("code").is_some());
    let here = filled(&first, "").action.replace("/register", "");
    assert_eq!(agent.visit(&here).await.status, 422, "a reload of the first shows the same");
    assert!(agent.submit(&filled(&wrong, "eve")).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn a_form_without_proof_that_it_is_ours_makes_nobody() {
    let server = Server::on(Engine::Sqlite).await;
    open(&server).await;
    let mut agent = Agent::new(&server);
    let form = filled(&page(&mut agent, "web", "").await, "eve");
    let other_tab = filled(&page(&mut agent, "web", "").await, "x").get("csrf").to_owned();
    for (rule, csrf) in [("none", ""), ("wrong", "x"), ("of another transaction", other_tab.as_str())] {
        assert_eq!(agent.submit(&form.clone().set("csrf", csrf)).await.status, 403, "{rule}");
    }
    let from_elsewhere = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    assert_eq!(agent.submit_with(&form, &from_elsewhere).await.status, 403, "another site");
    assert_eq!(Agent::new(&server).submit(&form).await.status, 403, "another browser");
    let sibling = server.sibling().await;
    open(&sibling).await;
    let there = Form { action: form.action.replace(&server.slug, &sibling.slug), ..form.clone() };
    assert_eq!(agent.at(&sibling).submit(&there).await.status, 403, "another tenant");
    assert_eq!((people(&server).await, people(&sibling).await), (2, 2));
    assert!(agent.submit(&form).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn the_pages_lead_to_each_other_in_every_language() {
    let server = Server::on(Engine::Sqlite).await;
    open(&server).await;
    let mut agent = Agent::new(&server);
    let sign_in = agent.visit(&agent.authorization_request("web", "login_hint=eve")).await;
    let register = agent.visit(&link(&sign_in, "register").expect("a way to register")).await;
    assert_eq!(filled(&register, "x").get("csrf"), forms(&sign_in.body)[0].get("csrf"), "one transaction");
    assert_eq!(forms(&register.body)[0].get("username"), "eve");
    for (tag, title) in [("de", "Ihr Konto erstellen"), ("ar", "إنشاء حسابك"), ("en", "Create your account")]
    {
        let switch = register.body.split("<a ").find(|part| part.contains(&format!("hreflang=\"{tag}\""))).unwrap();
        let page = agent.visit(&attribute(&format!(" {switch}"), "href").unwrap()).await;
        assert!(page.body.contains(&format!("<h1>{title}</h1>")), "{}", page.body);
    }
    let back = agent.visit(&link(&register, "sign_in").expect("a way back")).await;
    assert!(back.body.contains("autocomplete=\"current-password\""), "{}", back.body);
    // What was wrong there is not told here.
    let wrong = agent.submit_and_follow(&filled(&register, "").set("password", "")).await;
    let back = agent.visit(&link(&wrong, "sign_in").unwrap()).await;
    assert!(back.status == 200 && !back.body.contains("id=\"errors\""), "{}", back.body);
    let answer = agent.next("alice", &back).await;
    assert!(answer.redirect_param("code").is_some(), "{}", answer.body);
    // Who is signed in and turns back is asked with which account, and may take it.
    let register = page(&mut agent, "web", "").await;
    let chooser = agent.visit(&link(&register, "sign_in").unwrap()).await;
    assert!(chooser.body.contains("Choose an account"), "{}", chooser.body);
    let chosen = agent.submit_and_follow(&forms(&chooser.body).remove(0).set("decision", "choose")).await;
    assert!(chosen.redirect_param("code").is_some(), "{}", chosen.body);
    // Who is asked to sign in again has an account.
    let again = agent.visit(&agent.authorization_request("web", "prompt=login")).await;
    assert!(link(&again, "register").is_none(), "{}", again.body);
}

#[tokio::test]
async fn attempts_are_slowed_and_what_is_seen_at_once_does_not_count() {
    both(async |server| {
        open(&server).await;
        let mut agent = Agent::new(&server);
        let mut shown = page(&mut agent, "web", "").await;
        for _ in 0..25 {
            shown = agent.submit_and_follow(&filled(&shown, "").set("password", "x")).await;
            assert_eq!(shown.status, 422);
        }
        for number in 0..20 {
            shown = agent.submit_and_follow(&filled(&shown, "alice")).await;
            assert_eq!(shown.status, 422, "{number}");
        }
        let mut other = Agent::new(&server);
        let elsewhere = page(&mut other, "web", "").await;
        for (rule, agent, form) in [
            ("the same browser", &mut agent, filled(&shown, "eve")),
            ("without its cookies", &mut other, filled(&elsewhere, "eve")),
        ] {
            let answer = agent.submit(&form).await;
            assert!(answer.status == 303 && answer.header("retry-after") == "600", "{rule}");
            let shown = agent.visit(answer.header("location")).await;
            assert!(shown.status == 429 && shown.body.contains("too many attempts"), "{rule}: {}", shown.body);
            assert_eq!(forms(&shown.body)[0].get("username"), "eve", "{rule}");
        }
        assert_eq!(people(&server).await, 2);
        let sibling = server.sibling().await;
        open(&sibling).await;
        let mut neighbour = Agent::new(&sibling);
        let form = filled(&page(&mut neighbour, "web", "").await, "eve");
        assert!(neighbour.submit(&form).await.redirect_param("code").is_some(), "tenants do not count together");
        server.advance(600);
        let form = filled(&page(&mut agent, "web", "").await, "eve");
        assert!(agent.submit(&form).await.redirect_param("code").is_some(), "never for good");
    })
    .await;
}

#[tokio::test]
async fn while_too_many_passwords_wait_nobody_is_made() {
    let server = Server::on(Engine::Sqlite).await;
    open(&server).await;
    let mut agent = Agent::new(&server);
    let form = filled(&page(&mut agent, "web", "").await, "eve");
    // The only thread is held, and the queue before it filled.
    let (release, held) = mpsc::channel::<()>();
    let mut waiting = Vec::new();
    let app = server.app.clone();
    waiting.push(tokio::spawn(async move {
        app.passwords.hash_if(Zeroizing::default(), move |_| held.recv().is_ok()).await.is_ok()
    }));
    tokio::task::yield_now().await;
    for _ in 0..1100 {
        let app = server.app.clone();
        waiting.push(tokio::spawn(async move { app.passwords.hash(Zeroizing::default()).await.is_ok() }));
        tokio::task::yield_now().await;
    }
    let answer = agent.submit(&form).await;
    assert!(answer.status == 303 && !answer.header("retry-after").is_empty(), "{}", answer.status);
    let shown = agent.visit(answer.header("location")).await;
    assert_eq!(shown.status, 503, "{}", shown.body);
    assert_eq!(people(&server).await, 2);
    release.send(()).unwrap();
    for task in waiting {
        task.await.unwrap();
    }
    assert!(agent.submit(&filled(&shown, "eve")).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn a_client_without_openid_may_ask_for_it_too() {
    let server = Server::on(Engine::Sqlite).await;
    open(&server).await;
    server
        .client(json!({ "client_id": "plain", "client_secret": SECRET, "redirect_uris": ["https://plain.example/cb"], "grant_types": ["authorization_code"], "first_party": true }))
        .await;
    let mut agent = Agent::new(&server);
    let form = filled(&page(&mut agent, "plain", "&scope=profile").await, "eve");
    assert!(agent.submit(&form).await.redirect_param("code").is_some());
}
