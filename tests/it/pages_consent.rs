//! The question for consent: in the tenant's words, with boxes for what may be left out, and what becomes of them.

use serde_json::json;

use crate::support::agent::{Form, attribute, forms};
use crate::support::{Agent, Answer, Engine, SECRET, Server, VERIFIER, both};

const WHOLE: &str = "openid profile email phone read";

async fn with_words(server: &Server) {
    server
        .settings(json!({ "scopes": {
            "email": { "optional": true },
            "phone": { "optional": true, "title": { "en": "Ring you up", "de": "Sie anrufen" } },
            "read": { "optional": true, "title": { "de": "Notizen lesen" }, "sentence": { "en": "All <b>notes</b> of yours." } }
        } }))
        .await;
}

/// The question of `ask`, as alice.
async fn question(agent: &mut Agent, scope: &str, more: &str) -> Answer {
    let scope: String = url::form_urlencoded::byte_serialize(scope.as_bytes()).collect();
    let address =
        agent.authorization_request("ask", &format!("scope={scope}&resource=https%3A%2F%2Fapi.example{more}"));
    let page = agent.visit(&address).await;
    match forms(&page.body).first() {
        Some(form) if form.action.ends_with("/password") => agent.next("alice", &page).await,
        _ => page,
    }
}

/// Boxes of the page: scope, and whether it is ticked.
fn boxes(page: &Answer) -> Vec<(String, bool)> {
    let tags = page.body.split("<input").skip(1).filter_map(|input| input.split('>').next());
    tags.filter(|tag| tag.contains("type=\"checkbox\""))
        .map(|tag| (attribute(tag, "value").unwrap(), tag.contains(" checked")))
        .collect()
}

/// The form that allows, with these boxes ticked.
fn allow(page: &Answer, ticked: &[&str]) -> Form {
    let mut form = forms(&page.body).remove(0).set("decision", "allow");
    form.fields.retain(|(name, _)| name != "scope");
    form.fields.extend(ticked.iter().map(|scope| ("scope".to_owned(), (*scope).to_owned())));
    form
}

/// The tokens for a code of `ask`.
async fn tokens(server: &Server, answer: &Answer) -> serde_json::Value {
    let code = answer.redirect_param("code").unwrap_or_else(|| panic!("{} {}", answer.header("location"), answer.body));
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fask.example%2Fcb&code_verifier={VERIFIER}"
    );
    server.post_as("ask", "/token", &form).await.json()
}

#[tokio::test]
async fn what_is_unticked_is_not_granted_and_not_asked_for_again() {
    both(async |server| {
        with_words(&server).await;
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, WHOLE, "").await;
        let expected = ["email", "phone", "read"].map(|scope| (scope.to_owned(), true));
        assert_eq!(boxes(&page), expected, "openid and what is not optional have no box");
        let answer = agent.submit(&allow(&page, &["phone"])).await;
        let given = tokens(&server, &answer).await;
        assert_eq!(given["scope"], "openid profile phone", "RFC 6749 §3.3");
        let again = question(&mut agent, WHOLE, "&prompt=none").await;
        assert_eq!(tokens(&server, &again).await["scope"], "openid profile phone", "nothing is asked again");
        let more = question(&mut agent, &format!("{WHOLE} offline_access"), "").await;
        assert_eq!((boxes(&more), more.body.contains("now also wants")), (Vec::new(), true), "what is new alone");
        let answer = agent.submit(&allow(&more, &[])).await;
        assert_eq!(tokens(&server, &answer).await["scope"], "openid profile phone offline_access");
        // Asked once more on the client's wish, as it was answered; and now the other way round.
        let page = question(&mut agent, WHOLE, "&prompt=consent").await;
        let shown = [("email", false), ("phone", true), ("read", false)].map(|(scope, on)| (scope.to_owned(), on));
        assert_eq!(boxes(&page), shown);
        let answer = agent.submit(&allow(&page, &["email", "read"])).await;
        assert_eq!(tokens(&server, &answer).await["scope"], "openid profile email read");
        let again = question(&mut agent, WHOLE, "&prompt=none").await;
        assert_eq!(tokens(&server, &again).await["scope"], "openid profile email read", "and that is remembered");
    })
    .await;
}

#[tokio::test]
async fn a_claim_by_its_name_goes_with_the_scope_that_stands_for_it() {
    both(async |server| {
        with_words(&server).await;
        let claims = "&claims=%7B%22userinfo%22%3A%7B%22email%22%3Anull%2C%22name%22%3Anull%7D%7D";
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, "openid", claims).await;
        assert_eq!(boxes(&page), [("email".to_owned(), true)], "OIDC Core §5.5: in the words of its scope");
        let answer = agent.submit(&allow(&page, &[])).await;
        for answer in [answer, question(&mut agent, "openid", &format!("{claims}&prompt=none")).await] {
            let given = tokens(&server, &answer).await;
            assert_eq!(given["scope"], "openid");
            let about = server.introspect(given["access_token"].as_str().unwrap()).await;
            assert!(!about.to_string().contains("email"), "{about}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_that_was_meddled_with_gives_nothing_that_was_not_asked_for() {
    let server = Server::on(Engine::Sqlite).await;
    with_words(&server).await;
    for (rule, ticked, scope) in [
        ("a scope that was not asked for", &["email", "write", "phone"][..], "openid email"),
        ("what has no box", &["openid"][..], "openid"),
        ("twice", &["email", "email"][..], "openid email"),
        ("what is no scope", &["email", "\"\u{e9}"][..], "openid"),
    ] {
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, "openid email", "&prompt=consent").await;
        let answer = agent.submit(&allow(&page, ticked)).await;
        assert_eq!(tokens(&server, &answer).await["scope"], scope, "{rule}");
    }
}

#[tokio::test]
async fn who_unticks_everything_has_said_no() {
    both(async |server| {
        with_words(&server).await;
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, "email phone", "").await;
        let answer = agent.submit(&allow(&page, &[])).await;
        assert_eq!(answer.redirect_param("error").as_deref(), Some("access_denied"));
        // Part of it is enough; what is left of it alone is a question again.
        let page = question(&mut agent, "email phone", "").await;
        assert_eq!(boxes(&page).len(), 2, "a no is not remembered");
        let answer = agent.submit(&allow(&page, &["phone"])).await;
        assert_eq!(tokens(&server, &answer).await["scope"], "phone");
        let page = question(&mut agent, "email", "").await;
        assert_eq!(boxes(&page), [("email".to_owned(), false)]);
        let refused = question(&mut agent, "email", "&prompt=none").await;
        assert_eq!(refused.redirect_param("error").as_deref(), Some("consent_required"));
    })
    .await;
}

#[tokio::test]
async fn the_page_speaks_in_the_words_of_the_tenant() {
    let server = Server::on(Engine::Sqlite).await;
    with_words(&server).await;
    for (language, texts) in [
        ("en", ["Ring you up", "See your email address", "Notizen lesen", "All &#60;b&#62;notes", "Untick what"]),
        ("de", ["Sie anrufen", "Notizen lesen", "All &#60;b&#62;notes", "Freiwillig", "Entfernen Sie das Häkchen"]),
    ] {
        let page = question(&mut Agent::new(&server), WHOLE, &format!("&ui_locales={language}")).await;
        for text in texts {
            assert!(page.body.contains(text), "{language} {text}: {}", page.body);
        }
    }
    let page = question(&mut Agent::new(&server), "openid profile", "").await;
    assert!(!page.body.contains("Untick"), "nothing to untick: {}", page.body);
}

#[tokio::test]
async fn nobody_learns_who_looks_at_the_page_and_it_says_how_long_the_answer_holds() {
    let server = Server::on(Engine::Sqlite).await;
    let logo = "https://ask.example/logo.png";
    for (auth, text) in [("client_secret_basic", "is remembered until it is taken back"), ("none", "asked each time")] {
        let mut client = json!({
            "client_id": "ask", "client_name": "Third Party", "redirect_uris": ["https://ask.example/cb"], "logo_uri": logo,
            "token_endpoint_auth_method": auth, "application_type": if auth == "none" { "native" } else { "web" }
        });
        if auth != "none" {
            client["client_secret"] = json!(SECRET);
        }
        server.client(client).await;
        let page = question(&mut Agent::new(&server), "openid profile", "").await;
        assert!(page.body.contains(text), "{auth}: {}", page.body);
        assert!(!page.body.contains("logo.png") && page.body.contains(">TP</span>"), "initials: {}", page.body);
        assert!(page.header("content-security-policy").contains("img-src 'self' data:;"));
    }
}

#[tokio::test]
async fn words_that_nobody_could_read_are_refused() {
    let server = Server::on(Engine::Sqlite).await;
    let long = |length: usize| "x".repeat(length);
    for (rule, scopes, fine) in [
        ("nothing said", json!({ "read": {} }), true),
        ("a title at the limit", json!({ "read": { "title": { "en": long(100) } } }), true),
        ("one character past it", json!({ "read": { "title": { "en": long(101) } } }), false),
        ("a sentence at the limit", json!({ "read": { "sentence": { "en": long(300) } } }), true),
        ("one past it", json!({ "read": { "sentence": { "en": long(301) } } }), false),
        ("empty", json!({ "read": { "title": { "en": " " } } }), false),
        ("turned around", json!({ "read": { "title": { "en": "a\u{202e}b" } } }), false),
        ("no language", json!({ "read": { "title": { "e n": "Read" } } }), false),
        ("two scopes", json!({ "read write": {} }), false),
        ("no scope", json!({ "": {} }), false),
        ("openid", json!({ "openid": { "optional": true } }), false),
        ("openid in other words", json!({ "openid": { "title": { "en": "Hello" } } }), true),
        ("an unknown member", json!({ "read": { "colour": "red" } }), false),
    ] {
        let document = json!({ "tenants": [{ "slug": server.slug, "settings": { "scopes": scopes } }] });
        let applied = chancery::admin::apply::apply(&server.app, document.as_object().unwrap(), false).await;
        assert_eq!(applied.is_ok(), fine, "{rule}");
    }
    let many =
        |count: usize| (0..count).map(|number| (format!("s{number}"), json!({}))).collect::<serde_json::Map<_, _>>();
    for (count, fine) in [(100, true), (101, false)] {
        let document = json!({ "tenants": [{ "slug": server.slug, "settings": { "scopes": many(count) } }] });
        let applied = chancery::admin::apply::apply(&server.app, document.as_object().unwrap(), false).await;
        assert_eq!(applied.is_ok(), fine, "{count}");
    }
}
