//! Which language a page speaks: what the person chose, before what the client wishes, before what the browser says.

use crate::support::agent::{attribute, forms};
use crate::support::{Agent, Answer, Engine, PASSWORD, Server, both};
use poem::http::Method;

/// Address of the switcher's link to a language.
fn switch(page: &Answer, tag: &str) -> String {
    let mut links = page.body.split("<a ").skip(1).filter_map(|part| part.split('>').next());
    let link = links.find(|link| link.contains(&format!("hreflang=\"{tag}\""))).expect("a switcher");
    attribute(&format!(" {link}"), "href").expect("an address")
}

fn speaks(page: &Answer) -> &str {
    page.body.split("<html lang=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[tokio::test]
async fn what_the_person_chose_wins_over_what_the_client_wishes_from_then_on() {
    both(async |server| {
        let mut agent = Agent::new(&server);
        let address = agent.authorization_request("ask", "ui_locales=en");
        let page = agent.get(&address).await;
        assert_eq!(speaks(&page), "en", "OIDC Core §3.1.2.1: nothing was chosen, so the client's wish");
        let page = agent.get(&switch(&page, "de")).await;
        assert_eq!(speaks(&page), "de", "chosen");
        let form = forms(&page.body).remove(0).set("username", "alice");
        let page = agent.submit_and_follow(&form.clone().set("password", "wrong")).await;
        assert_eq!((page.status.as_u16(), speaks(&page)), (422, "de"), "after a wrong password");
        let page = agent.submit_and_follow(&forms(&page.body).remove(0).set("password", PASSWORD)).await;
        assert_eq!(speaks(&page), "de", "consent, in the same transaction");
        let page = agent.get(&agent.authorization_request("ask", "ui_locales=en&prompt=login")).await;
        assert_eq!(speaks(&page), "de", "another transaction");
        let page = agent.get(&format!("/t/{}/end_session?ui_locales=en", server.slug)).await;
        assert_eq!(speaks(&page), "de", "signing out");
        let posted = agent.authorization_request("ask", "ui_locales=en&response_mode=form_post&scope=nonsense");
        assert_eq!(speaks(&agent.get(&posted).await), "de", "the page that carries an answer");
        // Another choice takes its place; what we do not speak is none.
        let page = agent.click(&switch(&page, "ar")).await;
        assert_eq!(speaks(&page), "ar", "chosen anew");
        let sessions = format!("/t/{}/account/sessions", server.slug);
        for (rule, query, tag) in
            [("unknown", "?lang=xx", "ar"), ("empty", "?lang=", "ar"), ("another", "?lang=en", "en")]
        {
            assert_eq!(speaks(&agent.get(&format!("{sessions}{query}")).await), tag, "{rule}");
        }
        assert_eq!(speaks(&Agent::new(&server).get(&address).await), "en", "another browser");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_belongs_to_nobody_says_so_in_the_language_of_the_browser() {
    let server = Server::on(Engine::Sqlite).await;
    let ask = async |path: &str, languages: &str| {
        let headers = [("accept", "text/html"), ("accept-language", languages)];
        server.request(Method::GET, path, &headers, "").await
    };
    for (rule, path, languages, tag) in [
        ("nothing wished", "//nowhere", "", "en"),
        ("German", "//nowhere", "de-AT,en;q=0.5", "de"),
        ("Arabic", "//nowhere", "fr, ar;q=0.9, en;q=0.1", "ar"),
        ("not spoken", "//nowhere", "fr", "en"),
        ("no such tenant", "//t/nobody/authorize", "de", "de"),
        ("no name of a tenant", "//t/No_Body/authorize", "de", "de"),
        ("chosen on the page", "//nowhere?lang=ar", "de", "ar"),
    ] {
        let page = ask(path, languages).await;
        assert_eq!((page.status.as_u16(), speaks(&page)), (404, tag), "{rule}");
        assert_eq!(switch(&page, "en"), "?lang=en", "{rule}");
    }
    let page = ask("//nowhere?a=%22%3E%3Cscript%3E", "de").await;
    assert!(page.status == 404 && !page.body.contains("<script>") && !page.body.contains("hreflang"), "{}", page.body);
    let answer = server.request(Method::GET, "//nowhere", &[("accept-language", "de")], "").await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "not_found"), "a program");
    let headers = [("accept", "text/html"), ("accept-language", "de")];
    let page = server.request(Method::POST, "//healthz", &headers, "").await;
    assert_eq!((page.status.as_u16(), speaks(&page)), (405, "de"), "a method that is not there");
}

#[tokio::test]
async fn a_client_chooses_no_language_for_other_pages() {
    both(async |server| {
        let tenant = format!("/t/{}", server.slug);
        let authorize = Agent::new(&server).authorization_request("ask", "ui_locales=en&lang=ar");
        let wrong = format!("{tenant}/authorize?lang=ar");
        let (out, sessions) = (format!("{tenant}/end_session?lang=ar"), format!("{tenant}/account/sessions?lang=ar"));
        // The address, what the browser says of who linked it, the language of the page, whether it stays.
        for (address, site, tag, kept) in [
            (&authorize, "cross-site", "en", false),
            (&authorize, "same-origin", "en", false),
            (&wrong, "none", "en", false),
            (&out, "cross-site", "en", false),
            (&out, "same-site", "en", false),
            (&out, "none", "en", false),
            (&out, "same-origin", "ar", true),
            (&sessions, "cross-site", "ar", false),
        ] {
            let mut agent = Agent::new(&server);
            let page = agent.get_with(address, &[("sec-fetch-site", site)]).await;
            assert_eq!(speaks(&page), tag, "{address} {site}");
            let stays = agent.cookies.contains_key("__Secure-chancery-language");
            assert_eq!(stays, kept, "{address} {site}");
        }
        let mut agent = Agent::new(&server);
        assert_eq!(speaks(&agent.get(&out).await), "en", "a browser that does not say");
        assert!(!agent.get(&wrong).await.body.contains("hreflang"), "no switcher that does nothing");
        agent.authorize("web", "").await;
        let page = agent.click(&sessions).await;
        assert_eq!((speaks(&page), speaks(&agent.get(&authorize).await)), ("ar", "ar"), "what the person chose");
    })
    .await;
}
