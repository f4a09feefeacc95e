//! "Keep me signed in": what stays when the browser is closed, for how long, and for whom.

use serde_json::json;

use crate::support::agent::{attribute, forms};
use crate::support::{Agent, Answer, Engine, PASSWORD, Server, both};

const DAY: i64 = 86_400;
const KEPT: &str = "__Secure-chancery-kept";

/// The box: absent, or whether it is ticked.
fn box_of(page: &Answer) -> Option<bool> {
    let mut tags = page.body.split("<input").skip(1).filter_map(|input| input.split('>').next());
    tags.find(|tag| attribute(tag, "name").as_deref() == Some("keep")).map(|tag| tag.contains(" checked"))
}

/// Signs in at `web`, with the box ticked or not.
async fn sign_in(agent: &mut Agent, username: &str, keep: bool, more: &str) -> Answer {
    let mut page = agent.visit(&agent.authorization_request("web", more)).await;
    if let Some(other) = page.body.split("account__choose--other\"").nth(1).and_then(|rest| attribute(rest, "href")) {
        page = agent.get(&other).await;
    }
    let mut form = forms(&page.body).remove(0).set("username", username).set("password", PASSWORD);
    form.fields.retain(|(name, _)| name != "keep");
    let form = if keep { form.set("keep", "1") } else { form };
    let answer = agent.submit(&form).await;
    assert!(answer.redirect_param("code").is_some(), "{username}: {} {}", answer.status, answer.body);
    answer
}

/// Whether a silent request finds somebody signed in.
async fn signed_in(agent: &Agent) -> bool {
    agent.clone().authorize("web", "prompt=none").await.redirect_param("code").is_some()
}

fn cookie<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut all = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    all.find(|cookie| cookie.split('=').next() == Some(name))
}

#[tokio::test]
async fn without_the_box_a_session_ends_with_the_browser_and_with_it_after_weeks() {
    both(async |server| {
        for (rule, keep, closed, later, alive) in [
            ("in the open browser", false, false, DAY - 1, true),
            ("left alone for a day", false, false, DAY, false),
            ("closed", false, true, 0, false),
            ("kept and closed", true, true, 0, true),
            ("kept, one second less than two weeks", true, true, 14 * DAY - 1, true),
            ("kept, two weeks", true, true, 14 * DAY, false),
        ] {
            let mut agent = Agent::new(&server);
            let answer = sign_in(&mut agent, "alice", keep, "").await;
            let session = cookie(&answer, "__Secure-chancery-session").expect("a session");
            assert!(!session.contains("Max-Age"), "{rule}: {session}");
            assert_eq!(cookie(&answer, KEPT).is_some_and(|kept| kept.contains("Max-Age=31536000")), keep, "{rule}");
            server.advance(later);
            if closed {
                agent.close();
            }
            assert_eq!(signed_in(&agent).await, alive, "{rule}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_kept_session_that_is_used_lasts_on_to_its_end() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "alice", true, "").await;
        for day in [13, 26] {
            server.advance(13 * DAY);
            assert!(agent.authorize("web", "prompt=none").await.redirect_param("code").is_some(), "day {day}");
            agent.close();
        }
        server.advance(4 * DAY - 1);
        assert!(signed_in(&agent).await, "one second less than 30 days");
        server.advance(1);
        assert!(!signed_in(&agent).await, "30 days");
        // The account is still known, and so is what its person wished.
        let page = agent.visit(&agent.authorization_request("web", "login_hint=alice")).await;
        assert_eq!(box_of(&page), Some(true));
    })
    .await;
}

#[tokio::test]
async fn the_box_is_there_if_the_tenant_allows_it_and_never_ticked_for_a_stranger() {
    let server = Server::on(Engine::Sqlite).await;
    let mut agent = Agent::new(&server);
    let page = agent.visit(&agent.authorization_request("web", "")).await;
    assert_eq!(box_of(&page), Some(false));
    // What was ticked stays ticked, what was not does not.
    let form = forms(&page.body).remove(0).set("username", "alice").set("password", "wrong");
    let page = agent.submit_and_follow(&form.clone().set("keep", "1")).await;
    assert_eq!((page.status.as_u16(), box_of(&page)), (422, Some(true)));
    let mut form = forms(&page.body).remove(0).set("password", "wrong");
    form.fields.retain(|(name, _)| name != "keep");
    assert_eq!(box_of(&agent.submit_and_follow(&form).await), Some(false));

    server.settings(json!({ "keep_signed_in": false })).await;
    let mut agent = Agent::new(&server);
    let page = agent.visit(&agent.authorization_request("web", "")).await;
    assert_eq!(box_of(&page), None);
    let answer = sign_in(&mut agent, "alice", true, "").await;
    assert_eq!(cookie(&answer, KEPT), None, "a box that was not there counts for nothing");
    agent.close();
    assert!(!signed_in(&agent).await);
}

#[tokio::test]
async fn of_two_people_only_the_one_who_wished_it_is_kept() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "alice", true, "").await;
        sign_in(&mut agent, "bob", false, "prompt=select_account").await;
        let chooser = agent.visit(&agent.authorization_request("web", "")).await;
        let at = |name: &str| chooser.body.find(name).expect("an account");
        assert!(at(">Bob<") < at("Alice Example"), "the one used last comes first");
        agent.close();
        let answer = agent.authorize("web", "prompt=none").await;
        let tokens = server.redeem(&answer.redirect_param("code").expect("alice is there")).await.json();
        let about = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(about["preferred_username"], "alice", "and nobody else, so nobody is asked");
        // Off the list: gone from both cookies.
        let chooser = agent.visit(&agent.authorization_request("web", "prompt=select_account")).await;
        agent.submit(&forms(&chooser.body).remove(0).set("decision", "remove")).await;
        assert!(!agent.cookies.contains_key(KEPT));
    })
    .await;
}

#[tokio::test]
async fn signing_in_again_shows_the_wish_and_may_change_it() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "alice", true, "").await;
        let page = agent.visit(&agent.authorization_request("web", "prompt=login")).await;
        assert_eq!(box_of(&page), Some(true), "as it is");
        let before = agent.clone();
        sign_in(&mut agent, "alice", false, "prompt=login").await;
        assert!(!agent.cookies.contains_key(KEPT) && signed_in(&agent).await);
        let page = agent.visit(&agent.authorization_request("web", "prompt=login")).await;
        assert_eq!(box_of(&page), Some(false));
        agent.close();
        assert!(!signed_in(&agent).await, "taken back");
        assert!(!signed_in(&before).await, "the secret from before is dead");
    })
    .await;
}

#[tokio::test]
async fn a_browser_stays_known_when_it_is_closed_and_says_nothing_of_whom() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "alice", false, "").await;
        agent.close();
        let (name, mark) = agent.cookies.iter().next().map(|(name, mark)| (name.clone(), mark.clone())).unwrap();
        assert_eq!((agent.cookies.len(), name.as_str(), mark.len()), (1, "__Secure-chancery-known", 22));
        let attempt = async |agent: &mut Agent, password: &str| {
            let page = agent.visit(&agent.authorization_request("web", "")).await;
            let form = forms(&page.body).remove(0).set("username", "alice").set("password", password);
            agent.submit_and_follow(&form).await.status.as_u16()
        };
        let mut stranger = Agent::new(&server);
        for _ in 0..6 {
            attempt(&mut stranger, "wrong").await;
        }
        assert_eq!(attempt(&mut stranger, PASSWORD).await, 429, "a stranger waits");
        let mut forged = Agent::new(&server);
        forged.cookies.insert(name.clone(), "A".repeat(22));
        assert_eq!(attempt(&mut forged, PASSWORD).await, 429, "a mark of nobody's");
        assert_ne!(attempt(&mut agent, PASSWORD).await, 429, "PW06: where alice was signed in before");
        // A mark lasts as long as the password.
        for _ in 0..6 {
            attempt(&mut stranger, "wrong").await;
        }
        let phc = server.app.passwords.hash(PASSWORD.to_owned().into()).await.unwrap();
        let desk = server.desk().await;
        let alice = chancery::admin::user::find(&desk, "alice").await.unwrap();
        server.advance(86_400);
        chancery::admin::user::set_password(&server.desk().await, &alice, &phc).await.unwrap();
        for _ in 0..6 {
            attempt(&mut stranger, "wrong").await;
        }
        let mut old = agent.clone();
        old.cookies.clear();
        old.cookies.insert(name.clone(), mark.clone());
        assert_eq!(attempt(&mut old, PASSWORD).await, 429, "a mark of the password before");
        // In another tenant the mark of the same name means nothing.
        let sibling = server.sibling().await;
        let mut elsewhere = Agent::new(&sibling);
        elsewhere.cookies.insert(name, mark);
        for _ in 0..6 {
            attempt(&mut elsewhere, "wrong").await;
        }
        assert_eq!(attempt(&mut elsewhere, PASSWORD).await, 429, "of another tenant");
    })
    .await;
}

#[tokio::test]
async fn what_the_tenant_forbids_to_keep_ends_with_the_browser() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "alice", true, "").await;
        server.settings(json!({ "keep_signed_in": false })).await;
        assert!(signed_in(&agent).await, "while the browser is open");
        let mut closed = agent.clone();
        closed.close();
        assert!(!signed_in(&closed).await, "closed");
        sign_in(&mut agent, "bob", false, "prompt=select_account").await;
        assert!(!agent.cookies.contains_key(KEPT), "nothing is given to keep");
    })
    .await;
}

#[tokio::test]
async fn who_signs_out_leaves_neither_name_nor_address_in_the_browser() {
    both(async |server| {
        let (tenant, sessions) = (format!("/t/{}", server.slug), "__Secure-chancery-session");
        for way in ["a link alone", "the question", "a hint", "a hint, over already", "the list of sessions"] {
            let mut agent = Agent::new(&server);
            sign_in(&mut agent, "bob", true, "").await;
            let answer = sign_in(&mut agent, "alice", true, "prompt=select_account").await;
            let tokens = server.redeem(&answer.redirect_param("code").unwrap()).await.json();
            let hinted = format!("{tenant}/end_session?id_token_hint={}", tokens["id_token"].as_str().unwrap());
            match way {
                "a link alone" => drop(agent.get(&format!("{tenant}/end_session")).await),
                "the question" => {
                    let page = agent.get(&format!("{tenant}/end_session")).await;
                    agent.submit_and_follow(&forms(&page.body).remove(0)).await;
                }
                "a hint" => drop(agent.get(&hinted).await),
                "a hint, over already" => {
                    server.advance(20 * DAY);
                    agent.get(&hinted).await;
                }
                _ => {
                    let page = agent.get(&format!("{tenant}/account/sessions")).await;
                    agent.submit(&forms(&page.body).remove(0).set("decision", "one")).await;
                }
            }
            let page = agent.visit(&agent.authorization_request("web", "prompt=login&login_hint=x")).await;
            let chooser = agent.visit(&agent.authorization_request("web", "prompt=select_account")).await;
            let seen = |name: &str| page.body.contains(name) || chooser.body.contains(name);
            let expected = (way == "a link alone", way != "the question");
            let held = [sessions, KEPT].map(|name| agent.cookies.get(name).map_or(0, |held| held.split('.').count()));
            let count = usize::from(expected.0) + usize::from(expected.1);
            assert_eq!(held, [count; 2], "{way}");
            assert!(expected.0 || !(seen("Alice") || seen("alice")), "{way}: {}", chooser.body);
        }
        // Taken off the list: no mark is left either.
        let mut agent = Agent::new(&server);
        sign_in(&mut agent, "bob", false, "").await;
        sign_in(&mut agent, "alice", false, "prompt=select_account").await;
        let marks =
            |agent: &Agent| agent.cookies.get("__Secure-chancery-known").map_or(0, |marks| marks.split('.').count());
        assert_eq!(marks(&agent), 2);
        for left in [1, 0] {
            let chooser = agent.visit(&agent.authorization_request("web", "prompt=select_account")).await;
            agent.submit(&forms(&chooser.body).remove(0).set("decision", "remove")).await;
            assert_eq!(marks(&agent), left);
        }
    })
    .await;
}
