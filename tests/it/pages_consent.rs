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
        let expected = ["email", "phone", "read"].map(|scope| (scope.to_owned(), false));
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
        assert_eq!(boxes(&page), [("email".to_owned(), false)], "OIDC Core §5.5: in the words of its scope");
        let answer = agent.submit(&allow(&page, &[])).await;
        for answer in [answer, question(&mut agent, "openid", &format!("{claims}&prompt=none")).await] {
            let given = tokens(&server, &answer).await;
            assert_eq!(given["scope"], "openid");
            let about = server.introspect(given["access_token"].as_str().unwrap()).await;
            assert!(!about.to_string().contains("email"), "{about}");
        }
        let page = question(&mut agent, "openid", &format!("{claims}&prompt=consent")).await;
        agent.submit(&allow(&page, &["email"])).await;
        let page = question(&mut agent, "openid", &format!("{claims}&prompt=consent")).await;
        assert_eq!(boxes(&page), [("email".to_owned(), true)], "as it was answered");
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
        ("what is no scope", &["email", "\"\u{e9}"][..], "openid email"),
    ] {
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, "openid email", "&prompt=consent").await;
        let answer = agent.submit(&allow(&page, ticked)).await;
        assert_eq!(tokens(&server, &answer).await["scope"], scope, "{rule}");
    }
}

#[tokio::test]
async fn who_ticks_nothing_of_what_has_boxes_alone_has_said_no() {
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
        ("en", ["Ring you up", "See your email address", "Notizen lesen", "All &#60;b&#62;notes", "Tick what"]),
        ("de", ["Sie anrufen", "Notizen lesen", "All &#60;b&#62;notes", "Freiwillig", "Setzen Sie ein Häkchen"]),
    ] {
        let page = question(&mut Agent::new(&server), WHOLE, &format!("&ui_locales={language}")).await;
        for text in texts {
            assert!(page.body.contains(text), "{language} {text}: {}", page.body);
        }
    }
    let page = question(&mut Agent::new(&server), "openid profile", "").await;
    assert!(!page.body.contains("Tick what"), "nothing to tick: {}", page.body);
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

#[tokio::test]
async fn what_a_person_answers_counts_for_the_page_they_saw() {
    both(async |server| {
        with_words(&server).await;
        // Asked in the first tab and in the second, ticked in the first; what is ticked in the second and what it says.
        for (rule, one, two, first, second, decision, comes) in [
            ("a no", "openid email", "openid email", &["email"][..], &["email"][..], "deny", None),
            ("neither", "openid email", "openid email", &["email"], &["email"], "", None),
            ("unticked", "openid email", "openid email phone", &["email"], &[], "allow", Some("openid")),
            (
                "other boxes",
                "openid email",
                "openid email phone",
                &["email"],
                &["phone"],
                "allow",
                Some("openid phone"),
            ),
            (
                "all of it",
                "openid email",
                "openid email phone",
                &[],
                &["email", "phone"],
                "allow",
                Some("openid email phone"),
            ),
            ("nothing left to ask", "openid email", "openid email", &["email"], &[], "allow", Some("openid")),
        ] {
            let server = server.sibling_named(rule).await;
            with_words(&server).await;
            let mut agent = Agent::new(&server);
            agent.authorize("web", "").await;
            let (a, b) = (question(&mut agent, one, "").await, question(&mut agent, two, "").await);
            assert!(agent.submit(&allow(&a, first)).await.redirect_param("code").is_some(), "{rule}");
            let answer = agent.submit(&allow(&b, second).set("decision", decision)).await;
            match comes {
                Some(scope) => assert_eq!(tokens(&server, &answer).await["scope"], scope, "{rule}"),
                None => assert_eq!(answer.redirect_param("error").as_deref(), Some("access_denied"), "{rule}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_that_was_made_for_somebody_else_is_shown_again() {
    both(async |server| {
        server.settings(json!({ "session_idle_seconds": 60 })).await;
        let mut agent = Agent::new(&server);
        agent.authorize("web", "").await;
        let alices = question(&mut agent, "openid profile", "").await;
        let form = allow(&alices, &[]);
        for (rule, form) in [
            ("nobody's", form.clone().set("session", "")),
            ("another's", form.clone().set("session", "00000000-0000-4000-8000-000000000000")),
            ("of nothing", form.clone().set("shown", "")),
            ("of less", form.clone().set("shown", "openid")),
        ] {
            let page = agent.clone().submit_and_follow(&form).await;
            assert!(page.body.contains("/consent\"") && page.body.contains("Alice Example"), "{rule}: {}", page.body);
        }
        server.advance(61);
        agent.authorize_as("bob", "web", "").await;
        let page = agent.submit_and_follow(&form).await;
        assert!(page.body.contains("/consent\"") && page.body.contains(">Bob<"), "{}", page.body);
        let silent = question(&mut agent, "openid profile", "&prompt=none").await;
        assert_eq!(silent.redirect_param("error").as_deref(), Some("consent_required"), "bob has allowed nothing");
        assert!(agent.submit(&allow(&page, &[])).await.redirect_param("code").is_some(), "now he has");
        // A no is one, whoever says it.
        let page = question(&mut agent, "openid profile", "&prompt=consent").await;
        let answer = agent.submit(&allow(&page, &[]).set("decision", "deny").set("session", "")).await;
        assert_eq!(answer.redirect_param("error").as_deref(), Some("access_denied"));
    })
    .await;
}

#[tokio::test]
async fn what_may_be_left_out_changes_between_the_page_and_the_answer() {
    both(async |server| {
        let optional = async |optional: bool| {
            server.settings(json!({ "scopes": { "email": { "optional": optional } } })).await;
        };
        optional(true).await;
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, "openid email", "").await;
        optional(false).await;
        let answer = agent.submit(&allow(&page, &[])).await;
        assert_eq!(tokens(&server, &answer).await["scope"], "openid", "unticked, and then its box was taken away");
        // What may not be left out any more is a question again, and a new answer counts.
        let silent = question(&mut agent, "openid email", "&prompt=none").await;
        assert_eq!(silent.redirect_param("error").as_deref(), Some("consent_required"));
        let page = question(&mut agent, "openid email", "").await;
        assert!(page.body.contains("now also wants") && boxes(&page).is_empty(), "{}", page.body);
        optional(true).await;
        let page = agent.submit_and_follow(&allow(&page, &[])).await;
        assert!(boxes(&page).is_empty() && page.status == 303, "what was declined is declined again: {}", page.body);
        assert_eq!(tokens(&server, &page).await["scope"], "openid");
    })
    .await;
}

#[tokio::test]
async fn a_box_that_is_new_since_the_page_was_made_is_shown_first() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let page = question(&mut agent, "openid email", "").await;
        with_words(&server).await;
        let page = agent.submit_and_follow(&allow(&page, &[])).await;
        assert_eq!(boxes(&page), [("email".to_owned(), false)]);
        let forged = allow(&page, &[]).set("offered", "");
        assert_eq!(boxes(&agent.submit_and_follow(&forged).await).len(), 1, "a box that is denied");
        let forged = allow(&page, &[]).set("offered", "openid email phone");
        assert_eq!(
            agent.submit(&forged).await.redirect_param("error").as_deref(),
            Some("access_denied"),
            "nothing left"
        );
    })
    .await;
}

#[tokio::test]
async fn a_first_party_gets_what_the_administrator_said_and_nothing_is_remembered() {
    both(async |server| {
        with_words(&server).await;
        let mut agent = Agent::new(&server);
        let more = "scope=openid%20email&prompt=consent";
        let page = agent.visit(&agent.authorization_request("web", more)).await;
        let page = agent.next("alice", &page).await;
        assert!(page.body.contains("/consent\"") && boxes(&page).is_empty(), "{}", page.body);
        let mut form = forms(&page.body).remove(0).set("decision", "allow");
        form.fields.retain(|(name, _)| name != "scope");
        let code = agent.submit(&form).await.redirect_param("code").unwrap();
        assert_eq!(server.redeem(&code).await.json()["scope"], "openid email");
        server
            .client(json!({ "client_id": "web", "client_secret": SECRET, "redirect_uris": ["https://app.example/cb"] }))
            .await;
        let page = agent.visit(&agent.authorization_request("web", "scope=openid")).await;
        assert!(page.body.contains("/consent\""), "no first party any more: {}", page.header("location"));
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_back_ends_what_came_of_it() {
    both(async |server| {
        with_words(&server).await;
        let mut agent = Agent::new(&server);
        let refresh = async |tokens: &serde_json::Value| {
            let token = tokens["refresh_token"].as_str().unwrap();
            server.post_as("ask", "/token", &format!("grant_type=refresh_token&refresh_token={token}")).await.error()
        };
        let scope = "openid email offline_access";
        let page = question(&mut agent, scope, "").await;
        let answer = agent.submit(&allow(&page, &["email"])).await;
        let first = tokens(&server, &answer).await;
        // Something else left out, that was never allowed: all stays.
        let page = question(&mut agent, "openid email phone offline_access", "").await;
        let answer = agent.submit(&allow(&page, &[])).await;
        let second = tokens(&server, &answer).await;
        assert_eq!((second["scope"].as_str(), refresh(&first).await), (Some(scope), String::new()));
        let unused = question(&mut agent, scope, "").await;
        server.advance(7 * 86_400);
        agent.authorize("web", "").await;
        let page = question(&mut agent, scope, "&prompt=consent").await;
        assert_eq!(boxes(&page), [("email".to_owned(), true)]);
        let answer = agent.submit(&allow(&page, &[])).await;
        let third = tokens(&server, &answer).await;
        assert_eq!(third["scope"], "openid offline_access", "the new code lives");
        for (rule, tokens) in [("last week's", &first), ("another of last week", &second)] {
            assert_eq!(refresh(tokens).await, "invalid_grant", "{rule}");
        }
        assert_eq!(refresh(&third).await, "", "of less");
        assert_eq!(tokens(&server, &unused).await["error"], "invalid_grant", "a code that waited");
    })
    .await;
}

#[tokio::test]
async fn as_many_scopes_may_be_optional_as_there_may_be() {
    let server = Server::on(Engine::Sqlite).await;
    let mut scopes: serde_json::Map<_, _> =
        (0..99).map(|number| (format!("s{number:02}{}", "x".repeat(60)), json!({ "optional": true }))).collect();
    scopes.insert("email".to_owned(), json!({ "optional": true }));
    server.settings(json!({ "scopes": scopes })).await;
    let page = question(&mut Agent::new(&server), "openid email", "").await;
    assert_eq!(boxes(&page), [("email".to_owned(), false)], "their names together are longer than a scope may be");
}
