//! Attacks on the pages of a sign-in (LU), and what all attacks on people and tenants share.

mod audit;
mod consent;
mod faults;
mod http;
mod matrix;
mod meanwhile;
mod passwords;
mod registration;
mod tenants;

use chancery::admin::{apply, user};
use chancery::protocol::identifiers::ClientId;
use chancery::store::Change;
use chancery::store::one_time::Purpose;
use poem::Request;
use poem::http::Method;
use sea_orm::{Database, DatabaseConnection};
use serde_json::{Value, json};

use crate::support::agent::{Form, attribute, forms};
use crate::support::{Agent, Answer, Engine, ORIGIN, PASSWORD, Server, both};

const WRONG: &str = "not the password of anybody";
const OURS: [(&str, &str); 2] = [("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
const SESSION: &str = "__Secure-chancery-session";

/// The form of a page whose action ends so.
fn form_to(page: &Answer, step: &str) -> Form {
    let found = forms(&page.body).into_iter().find(|form| form.action.ends_with(step));
    found.unwrap_or_else(|| panic!("no form to {step}: {} {}", page.status, page.body))
}

/// A fresh browser on the sign-in page of `web`.
async fn at_sign_in(server: &Server, more: &str) -> (Agent, Answer) {
    let mut agent = Agent::new(server);
    let address = agent.authorization_request("web", more);
    let page = agent.visit(&address).await;
    (agent, page)
}

/// What comes of a sign-in in a fresh browser: the page after it, or the redirect to the client.
async fn sign_in(server: &Server, username: &str, password: &str) -> Answer {
    let (mut agent, page) = at_sign_in(server, "").await;
    agent.submit_and_follow(&form_to(&page, "/password").set("username", username).set("password", password)).await
}

fn is_signed_in(answer: &Answer) -> bool {
    answer.redirect_param("code").is_some()
}

/// The address of a page of a transaction in a language.
fn in_language(page: &Answer, tag: &str) -> String {
    let links = page.body.split("<a ").filter_map(|part| attribute(&format!(" {}", part.split('>').next()?), "href"));
    let switch = links.into_iter().find_map(|link| link.strip_suffix("lang=de").map(str::to_owned));
    format!("{}lang={tag}", switch.expect("a switcher"))
}

/// A browser in which alice is signed in and `ask` wants something.
async fn at_consent(server: &Server, more: &str) -> (Agent, Answer) {
    let mut agent = Agent::new(server);
    assert!(is_signed_in(&agent.authorize("web", "").await));
    let address = agent.authorization_request("ask", more);
    let page = agent.visit(&address).await;
    (agent, page)
}

async fn tokens_of_ask(server: &Server, code: &str) -> Value {
    let body = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fask.example%2Fcb&code_verifier={}",
        crate::support::VERIFIER
    );
    server.post_as("ask", "/token", &body).await.json()
}

/// Whether a document is applied.
async fn is_applied(server: &Server, tenant: Value) -> bool {
    let mut tenant = tenant;
    tenant["slug"] = server.slug.clone().into();
    let document = json!({ "tenants": [tenant] });
    apply::apply(&server.app, document.as_object().unwrap(), false).await.is_ok()
}

/// The database behind the server's back.
async fn database(server: &Server) -> DatabaseConnection {
    let url = match server.engine {
        Engine::Postgres => std::env::var("CHANCERY_TEST_POSTGRES").unwrap(),
        Engine::Sqlite => {
            let root = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
            format!("sqlite://{}/chancery-it-{}/it.db", root.display(), server.slug)
        }
    };
    Database::connect(url).await.unwrap()
}

/// A tenant's id as a literal of the database.
async fn tenant_literal(server: &Server) -> String {
    let id = server.desk().await.tenant.id.0;
    match server.engine {
        Engine::Postgres => format!("'{id}'::uuid"),
        Engine::Sqlite => format!("x'{}'", id.simple()),
    }
}

#[tokio::test]
async fn lu01_credentials_of_the_attacker_posted_from_another_site_sign_nobody_in() {
    both(async |server| {
        let (attacker, attackers_page) = at_sign_in(&server, "").await;
        let theirs = form_to(&attackers_page, "/password").set("username", "bob").set("password", PASSWORD);
        let (victim, own_page) = at_sign_in(&server, "").await;
        let own = form_to(&own_page, "/password").set("username", "bob").set("password", PASSWORD);
        let cross: &[(&str, &str)] = &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let fresh = Agent::new(&server);
        for (rule, browser, form, headers) in [
            ("the attacker's form", &victim, &theirs, cross),
            ("the attacker's form, headers as ours", &victim, &theirs, &OURS[..]),
            ("without cookies, as SameSite does it", &fresh, &theirs, cross),
            ("without cookies, headers as ours", &fresh, &theirs, &OURS[..]),
            ("the victim's own form", &victim, &own, cross),
        ] {
            let mut browser = browser.clone();
            let answer = browser.submit_with(form, headers).await;
            assert_eq!(answer.status, 403, "{rule}");
            assert!(!browser.cookies.contains_key(SESSION), "{rule}");
            assert_eq!(browser.get(&format!("{}/account/sessions", server.issuer())).await.status, 403, "{rule}");
        }
        assert!(is_signed_in(&attacker.clone().submit(&theirs).await), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn lu02_a_session_planted_before_the_sign_in_is_worth_nothing_after_it() {
    both(async |server| {
        let sessions = format!("{}/account/sessions", server.issuer());
        let planted = "A".repeat(43);
        let mut victim = Agent::new(&server);
        victim.cookies.insert(SESSION.to_owned(), planted.clone());
        assert!(is_signed_in(&victim.authorize("web", "").await));
        assert!(!victim.cookies[SESSION].contains(&planted), "a new secret");
        let first = victim.cookies.clone();
        assert_eq!(victim.get(&sessions).await.status, 200);
        let mut attacker = Agent::new(&server);
        attacker.cookies.insert(SESSION.to_owned(), planted);
        assert_eq!(attacker.get(&sessions).await.status, 403);
        // A known secret of the same person: after the next sign-in it is dead as well.
        attacker.cookies = first;
        assert_eq!(attacker.get(&sessions).await.status, 200);
        assert!(is_signed_in(&victim.authorize("web", "prompt=login").await));
        assert_ne!(victim.cookies[SESSION], attacker.cookies[SESSION]);
        assert_eq!(attacker.get(&sessions).await.status, 403, "the old secret");
        assert_eq!(victim.get(&sessions).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn lu03_a_cookie_that_comes_twice_or_without_its_prefix_counts_as_absent() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        assert!(is_signed_in(&agent.authorize("web", "").await));
        let secret = agent.cookies[SESSION].clone();
        let tossed = "B".repeat(43);
        for (rule, cookies, status) in [
            ("honest", vec![format!("{SESSION}={secret}")], 200),
            ("tossed before", vec![format!("{SESSION}={tossed}; {SESSION}={secret}")], 403),
            ("tossed after", vec![format!("{SESSION}={secret}; {SESSION}={tossed}")], 403),
            ("in two headers", vec![format!("{SESSION}={secret}"), format!("{SESSION}={tossed}")], 403),
            ("without prefix", vec![format!("chancery-session={secret}")], 403),
            ("other prefix", vec![format!("__Host-chancery-session={secret}")], 403),
        ] {
            let headers: Vec<(&str, &str)> = cookies.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
            let answer = server.request(Method::GET, "/account/sessions", &headers, "").await;
            assert_eq!(answer.status, status, "{rule}");
        }
        // RFC 6265bis §4.1.3.2: on a host of its own, a cookie that no neighbour can set.
        let host = format!("{}.login.example", server.slug);
        server.apply(&json!({ "tenants": [{ "slug": server.slug, "host": host }] })).await;
        let path = agent.authorization_request("web", "").replace(&format!("/t/{}", server.slug), "");
        let page = server.send(Request::builder().uri_str(&path).header("host", &host).body(())).await;
        let cookie = page.header("set-cookie");
        assert!(cookie.starts_with("__Host-chancery-browser=") && cookie.contains("; Path=/;"), "{cookie}");
        assert!(cookie.contains("; Secure") && cookie.contains("; HttpOnly") && !cookie.contains("Domain"), "{cookie}");
    })
    .await;
}

/// A page of each kind that this version has.
async fn pages(server: &Server) -> Vec<(&'static str, Answer)> {
    let (mut agent, consent) = at_consent(server, "").await;
    let choose = agent.authorization_request("web", "prompt=select_account");
    vec![
        ("sign-in", at_sign_in(server, "").await.1),
        ("refused", sign_in(server, "alice", WRONG).await),
        ("consent", consent),
        ("accounts", agent.visit(&choose).await),
        ("sessions", agent.get(&format!("{}/account/sessions", server.issuer())).await),
        ("sign-out", agent.get(&format!("{}/end_session", server.issuer())).await),
        ("error", agent.get(&format!("{}/authorize?client_id=nobody", server.issuer())).await),
        ("not found", agent.get(&format!("{}/interaction/none/none", server.issuer())).await),
        ("first administrator", agent.get(&admin_link(server).await).await),
    ]
}

/// A link of `chancery admin link`.
async fn admin_link(server: &Server) -> String {
    let (desk, token) = (server.desk().await, chancery::mint::secret());
    let lifetime = (desk.now, desk.now.plus(3600));
    desk.store.add_one_time_token((Purpose::AdminLink, &token.hash()), 1, lifetime, Change::new()).await.unwrap();
    format!("{}/first-administrator/{}", server.issuer(), token.expose())
}

#[tokio::test]
async fn lu04_no_page_can_be_framed() {
    both(async |server| {
        for (name, page) in pages(&server).await {
            assert!(page.body.contains("<html"), "{name}: {}", page.body);
            assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{name}");
            assert_eq!(page.header("x-frame-options"), "DENY", "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn lu06_no_script_reads_what_an_attacker_can_put_into_an_address_or_message() {
    let server = Server::on(Engine::Sqlite).await;
    let mut seen = 0;
    for (name, page) in pages(&server).await {
        for part in page.body.split("<script").skip(1) {
            let (tag, rest) = part.split_once('>').unwrap();
            assert!(rest.starts_with("</script>"), "{name}: an inline script");
            let source = tag.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            assert!(source.starts_with("/assets/"), "{name}: {source}");
            let script = server.get(&format!("/{source}")).await;
            assert_eq!((script.status.as_u16(), script.header("x-content-type-options")), (200, "nosniff"), "{source}");
            for sink in [
                "innerHTML",
                "outerHTML",
                "insertAdjacent",
                "document.write",
                "eval(",
                "location",
                "\"message\"",
                "Function(",
            ] {
                assert!(!script.body.contains(sink), "{source}: {sink}");
            }
            seen += 1;
        }
        assert!(!page.body.contains(" onclick=") && !page.body.contains("javascript:"), "{name}");
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn lu09_only_scripts_of_ours_run_and_no_answer_can_be_made_into_one() {
    both(async |server| {
        for (name, page) in pages(&server).await {
            let policy = page.header("content-security-policy").to_owned();
            let scripts = policy.split(';').map(str::trim).find(|part| part.starts_with("script-src ")).unwrap();
            assert!(policy.starts_with("default-src 'none'") && policy.contains("base-uri 'none'"), "{name}: {policy}");
            assert!(scripts == "script-src 'self'" || scripts.contains("'nonce-"), "{name}: {scripts}");
            assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
        }
        server.settings(json!({ "theme": { "accent_light": "#123456" } })).await;
        for path in ["/.well-known/openid-configuration", "/jwks", "/userinfo", "/theme-0.css", "/account/sessions"] {
            let answer = server.get(&format!("{path}?callback=alert&jsonp=alert&cb=alert")).await;
            assert!(!answer.body.contains("alert") && !answer.header("content-type").contains("javascript"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn lu11_a_page_that_was_opened_from_ours_cannot_reach_back() {
    both(async |server| {
        for (name, page) in pages(&server).await {
            for link in page.body.split("<a ").skip(1) {
                let tag = link.split('>').next().unwrap();
                assert!(!tag.contains("target=") || tag.contains("noopener"), "{name}: {tag}");
            }
            // The steps of a sign-in keep their opener: applications open them in a pop-up of their own.
            let step = page.body.contains("/interaction/");
            let expected = if step { "unsafe-none" } else { "same-origin" };
            assert_eq!(page.header("cross-origin-opener-policy"), expected, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn lu13_the_anti_forgery_token_of_another_browser_tenant_page_or_attempt_is_refused() {
    both(async |server| {
        let sibling = server.sibling().await;
        let (mut agent, page) = at_sign_in(&server, "").await;
        let good = form_to(&page, "/password").set("username", "alice").set("password", PASSWORD);
        let (_, foreign) = at_sign_in(&server, "").await;
        let again = agent.authorization_request("web", "");
        let other_attempt = agent.visit(&again).await;
        let mut there = agent.at(&sibling);
        let address = there.authorization_request("web", "");
        let other_tenant = there.visit(&address).await;
        let link = agent.get(&admin_link(&server).await).await;
        for (rule, token) in [
            ("another browser", form_to(&foreign, "/password").get("csrf").to_owned()),
            ("another attempt", form_to(&other_attempt, "/password").get("csrf").to_owned()),
            ("another tenant", form_to(&other_tenant, "/password").get("csrf").to_owned()),
            ("another page", forms(&link.body)[0].get("csrf").to_owned()),
            ("none", String::new()),
        ] {
            let answer = agent.submit(&good.clone().set("csrf", &token)).await;
            assert_eq!(answer.status, 403, "{rule}");
            assert!(!agent.cookies.contains_key(SESSION), "{rule}");
        }
        assert!(is_signed_in(&agent.submit(&good).await), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn lu14_a_stolen_token_does_not_serve_from_another_origin() {
    both(async |server| {
        let (mut agent, page) = at_sign_in(&server, "").await;
        let good = form_to(&page, "/password").set("username", "alice").set("password", PASSWORD);
        for headers in [
            &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://id.example")],
            &[("origin", "https://id.example:8443")],
            &[("origin", "https://id.example.evil.example")],
            &[("origin", ORIGIN), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
        ] {
            let answer = agent.submit_with(&good, headers).await;
            assert_eq!(answer.status, 403, "{headers:?}");
            assert!(!agent.cookies.contains_key(SESSION), "{headers:?}");
        }
        assert!(is_signed_in(&agent.submit_with(&good, &OURS).await), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn lu16_after_a_change_of_the_password_the_old_cookie_signs_nobody_in() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        assert!(is_signed_in(&agent.authorize("web", "").await));
        let tokens = server.tokens().await;
        let again = agent.authorization_request("web", "");
        assert!(is_signed_in(&agent.visit(&again).await), "remembered so far");
        let users = server.desk().await;
        let alice = user::find(&users, "alice").await.unwrap();
        let phc = server.app.passwords.hash("another long password".to_owned().into()).await.unwrap();
        user::set_password(&users, &alice, &phc).await.unwrap();
        let page = agent.visit(&again).await;
        assert!(!is_signed_in(&page) && page.body.contains("name=\"password\""));
        assert_eq!(agent.get(&format!("{}/account/sessions", server.issuer())).await.status, 403);
        assert_eq!(server.refresh(tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
        assert_eq!(server.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
        assert!(!is_signed_in(&sign_in(&server, "alice", PASSWORD).await), "the old password");
        assert!(is_signed_in(&sign_in(&server, "alice", "another long password").await));
    })
    .await;
}

#[tokio::test]
async fn lu18_who_takes_over_a_sign_in_halfway_gets_nothing_of_the_first_person() {
    both(async |server| {
        let (mut agent, page) = at_consent(&server, "").await;
        assert!(page.body.contains("Alice Example"));
        let here = form_to(&page, "/consent").action.replace("/consent", "?another=1&handle=");
        let other = agent.visit(&format!("{here}{}", form_to(&page, "/consent").get("handle"))).await;
        assert!(!other.body.contains("Alice") && !other.body.contains("alice@"), "{}", other.body);
        let bobs = agent.next("bob", &other).await;
        assert!(bobs.body.contains(">Bob<") && !bobs.body.contains("Alice Example"), "{}", bobs.body);
        let answer = agent.submit(&form_to(&bobs, "/consent").set("decision", "allow")).await;
        let tokens = tokens_of_ask(&server, &answer.redirect_param("code").unwrap()).await;
        let info = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(info["preferred_username"], "bob");
        let desk = server.desk().await;
        let client = ClientId::parse("ask").unwrap();
        for (name, allowed) in [("alice", false), ("bob", true)] {
            let id = user::find(&desk, name).await.unwrap().id;
            assert_eq!(desk.store.consent(id, &client).await.unwrap().is_some(), allowed, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn lu19_a_language_is_one_of_ours_or_the_default() {
    both(async |server| {
        for tag in ["../../etc/passwd", "..%2f..%2fen", "%0d%0aset-cookie:%20a=b", "de.ftl", "%22%3E%3Cscript%3E", "zz"]
        {
            for name in ["lang", "ui_locales"] {
                let (mut agent, mut page) = at_sign_in(&server, &format!("{name}={tag}")).await;
                if name == "lang" {
                    // Read on the pages alone.
                    page = agent.get(&in_language(&page, tag)).await;
                }
                assert_eq!(page.status, 200, "{name}={tag}");
                assert!(page.body.contains("<html lang=\"en\""), "{name}={tag}: {}", page.body);
                assert!(!page.body.contains("root:") && !page.body.contains("\"><script>"), "{name}={tag}");
                let kept = agent.cookies.keys().any(|name| name.contains("language"));
                assert!(!kept && page.headers.get("a").is_none(), "{name}={tag}");
                agent.cookies.insert("__Secure-chancery-language".to_owned(), "../../x".to_owned());
                assert!(agent.get(&admin_link(&server).await).await.body.contains("<html lang=\"en\""));
            }
        }
        let (mut agent, page) = at_sign_in(&server, "").await;
        assert!(agent.get(&in_language(&page, "de")).await.body.contains("<html lang=\"de\""), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn lu21_a_private_page_is_not_served_under_a_name_that_caches_keep() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        assert!(is_signed_in(&agent.authorize("web", "").await));
        let page = agent.get(&format!("{}/account/sessions", server.issuer())).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
        for name in ["/x.css", ".css", ";x.css", "%2fx.css", "/..%2fx.js", "/", "%0a.css", "%3fx.css"] {
            let answer = agent.get(&format!("{}/account/sessions{name}", server.issuer())).await;
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (404, "no-store"), "{name}");
            assert!(!answer.body.contains("name=\"session\""), "{name}");
        }
        let query = agent.get(&format!("{}/account/sessions?x.css", server.issuer())).await;
        assert_eq!(query.header("cache-control"), "no-store");
    })
    .await;
}
