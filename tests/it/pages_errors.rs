//! The developer's part of error pages, and what each error code means.

use std::collections::BTreeSet;

use chancery::protocol::error_code::ErrorCode;
use poem::Request;
use poem::http::Method;
use serde_json::json;

use crate::support::agent::attribute;
use crate::support::{Agent, Answer, Engine, Server, both};

/// Address of the link to the page about the code.
fn docs(page: &Answer) -> Option<String> {
    let mut tags = page.body.split("<a ").skip(1).filter_map(|part| part.split('>').next());
    tags.find_map(|tag| attribute(&format!(" {tag}"), "href").filter(|href| href.starts_with("/errors/")))
}

/// What stands beside "Parameter".
fn parameter(page: &Answer) -> Option<&str> {
    page.body.split("<dt>Parameter</dt><dd><code>").nth(1).and_then(|rest| rest.split('<').next())
}

#[tokio::test]
async fn a_refusal_on_a_page_names_the_parameter_at_fault_and_leads_to_what_its_code_means() {
    both(async |server| {
        let (own, elsewhere) =
            ("redirect_uri=https%3A%2F%2Fapp.example%2Fcb", "redirect_uri=https%3A%2F%2Fevil.example");
        let web = format!("/authorize?client_id=web&response_type=code&{own}");
        for (rule, path, code, expected) in [
            ("no client", "/authorize".to_owned(), "invalid_request", Some("client_id")),
            ("unknown client", web.replace("=web", "=nobody"), "invalid_request", Some("client_id")),
            ("two clients", format!("{web}&client_id=web"), "invalid_request", Some("client_id")),
            ("no redirect URI", web.replace(own, "scope=openid"), "invalid_request", Some("redirect_uri")),
            ("another redirect URI", web.replace(own, elsewhere), "invalid_request", Some("redirect_uri")),
            ("two redirect URIs", format!("{web}&{own}"), "invalid_request", Some("redirect_uri")),
            ("what is no text", format!("{web}&state=%ff"), "invalid_request", None),
            ("a hint of nobody", "/end_session?id_token_hint=x".to_owned(), "invalid_request", Some("id_token_hint")),
            (
                "nobody's address",
                "/end_session?post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fout".to_owned(),
                "invalid_request",
                Some("post_logout_redirect_uri"),
            ),
            (
                "another address",
                "/end_session?client_id=web&post_logout_redirect_uri=https%3A%2F%2Fevil.example".to_owned(),
                "invalid_request",
                Some("post_logout_redirect_uri"),
            ),
            ("nobody is signed in", "/account/sessions".to_owned(), "login_required", None),
            ("no such page", "/nowhere".to_owned(), "not_found", None),
        ] {
            let page = server.request(Method::GET, &path, &[("accept", "text/html")], "").await;
            assert!(page.status.is_client_error(), "{rule}: {}", page.status);
            assert_eq!(parameter(&page), expected, "{rule}");
            assert_eq!(docs(&page), Some(format!("/errors/{code}?lang=en")), "{rule}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_stranger_of_a_client_that_anybody_registered_is_told_on_a_page_what_was_wrong() {
    let server = Server::on(Engine::Sqlite).await;
    server.settings(json!({ "client_registration": "open" })).await;
    let body = json!({ "redirect_uris": ["https://ask.example/cb"], "token_endpoint_auth_method": "none" }).to_string();
    let made = server.request(Method::POST, "/register", &[("content-type", "application/json")], &body).await.json();
    let id = made["client_id"].as_str().unwrap();
    for (more, expected) in [
        ("response_type=token", "response_type"),
        ("response_mode=x", "response_mode"),
        ("scope=nonsense", "scope"),
        ("scope=openid&scope=openid", "scope"),
        ("code_challenge=x", "code_challenge"),
        ("code_challenge_method=plain", "code_challenge_method"),
        ("max_age=x", "max_age"),
        ("prompt=x", "prompt"),
        ("claims=x", "claims"),
        ("id_token_hint=x", "id_token_hint"),
        ("resource=x", "resource"),
        ("request=x", "request"),
        ("request_uri=x", "request_uri"),
    ] {
        let address =
            Agent::new(&server).authorization_request("ask", more).replace("client_id=ask", &format!("client_id={id}"));
        let page = Agent::new(&server).get(&address).await;
        assert_eq!((page.status.as_u16(), parameter(&page)), (400, Some(expected)), "{more}: {}", page.body);
    }
}

#[tokio::test]
async fn every_code_has_a_page_in_plain_words_that_anybody_may_keep() {
    let server = Server::on(Engine::Sqlite).await;
    let page = async |path: &str| server.request(Method::GET, path, &[("accept", "text/html")], "").await;
    let names: Vec<&str> =
        ErrorCode::ALL.iter().map(|code| code.as_str()).chain(["forbidden", "not_found", "gone"]).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "none twice");
    let index = page("//errors").await;
    let mut said = BTreeSet::new();
    for name in &names {
        assert!(index.body.contains(&format!("href=\"/errors/{name}\"")), "{name}");
        for tag in ["en", "de", "ar"] {
            let page = page(&format!("//errors/{name}?lang={tag}")).await;
            assert_eq!(page.status, 200, "{name} {tag}");
            assert_eq!(
                (page.header("cache-control"), page.header("vary")),
                ("public, max-age=3600", "accept-language")
            );
            assert!(
                !page.headers.contains_key("set-cookie") && !page.body.contains("Acme"),
                "{name}: nothing of a tenant"
            );
            assert!(!page.body.contains(&format!("code-{name}")), "{name} {tag}: a text is missing");
            let texts = page.body.split("<p>").skip(1).map(|part| part.split("</p>").next().unwrap().to_owned());
            let main: Vec<String> = texts.take(2).collect();
            assert!(main.iter().all(|text| text.chars().count() > 10), "{name} {tag}: {main:?}");
            assert!(said.insert((tag, main[0].clone())), "{name} {tag}: says what another says");
        }
    }
    assert_eq!(page("//errors/nonsense").await.status, 404);
    assert_eq!(page("//errors/code/invalid_request").await.status, 404);
    // What the reference lists is explained.
    let reference = include_str!("../../docs/http-reference.md").split("## Error codes").nth(1).unwrap();
    let rows = reference
        .lines()
        .filter(|line| line.starts_with("| `"))
        .take_while(|line| !line.contains("client_secret_basic"));
    for code in rows.flat_map(|row| row.split('|').nth(1).unwrap().split(',')) {
        let code = code.trim().trim_matches('`');
        assert!(names.contains(&code), "{code}");
    }
}

#[tokio::test]
async fn the_pages_are_the_same_at_a_host_of_its_own() {
    let server = Server::on(Engine::Sqlite).await;
    let host = format!("{}.login.example", server.slug);
    server.apply(&json!({ "tenants": [{ "slug": server.slug, "host": host }] })).await;
    let at = async |path: &str| {
        let request = Request::builder().uri_str(path).header("host", &host).header("accept", "text/html");
        server.send(request.body(())).await
    };
    let refused = at("/authorize").await;
    assert_eq!(refused.status, 400);
    assert_eq!(at(&docs(&refused).expect("a link")).await.status, 200);
}
