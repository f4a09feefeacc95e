//! The pages of a development server, and the page that makes the first administrator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chancery::call::{App, Parts};
use chancery::mint;
use chancery::pages::messages::ERROR_KINDS;
use chancery::password_pool::{PasswordPool, Settings};
use chancery::protocol::audit_event::{AuditEvent, AuditKind};
use chancery::protocol::policy::TenantStatus;
use chancery::protocol::secret::Secret;
use chancery::protocol::timestamp::Timestamp;
use chancery::server;
use chancery::store::notices::Notice;
use chancery::store::one_time::Purpose;
use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::{Endpoint, Request, Response};
use serde_json::json;

use crate::support::agent::{Form, forms};
use crate::support::{Agent, Answer, Engine, ORIGIN, PASSWORD, START, Server, both};

/// A development server on the database of `server`, and a browser in front of it.
#[derive(Clone)]
pub(crate) struct Developer {
    slug: String,
    endpoint: Arc<BoxEndpoint<'static, Response>>,
    cookies: BTreeMap<String, String>,
}

impl Developer {
    pub(crate) async fn of(server: &Server) -> Self {
        let passwords =
            Settings { workers: 1, memory_kib: 8, iterations: 1, parallelism: 1, max_wait: Duration::from_secs(10) };
        let app = Arc::new(App::new(Parts {
            store: server.app.store.clone(),
            clock: server.app.clock.clone(),
            passwords: PasswordPool::start(&passwords).unwrap(),
            fetcher: server.app.fetcher.clone(),
            origin: ORIGIN.to_owned(),
            dev: true,
            trusted_proxies: Vec::new(),
        }));
        Self { slug: server.slug.clone(), endpoint: server::endpoint(app), cookies: BTreeMap::new() }
    }

    /// The same with a client for the playground.
    async fn with_client(server: &Server) -> Self {
        server
            .client(json!({
                "client_id": "playground", "client_name": "Playground", "token_endpoint_auth_method": "none",
                "redirect_uris": [format!("{}/playground/callback", server.issuer())],
                "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile email offline_access read write"
            }))
            .await;
        Self::of(server).await
    }

    fn at(&self, path: &str) -> String {
        format!("/t/{}{path}", self.slug)
    }

    async fn send(&mut self, method: Method, address: &str, origin: &str, body: &str) -> Answer {
        let path = address.strip_prefix(ORIGIN).unwrap_or(address).split('#').next().unwrap_or_default().to_owned();
        let mut builder = Request::builder()
            .method(method.clone())
            .uri_str(&path)
            .header("host", "id.example")
            .header("accept", "text/html");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            builder = builder.header("cookie", cookies.join("; "));
        }
        if method == Method::POST {
            builder = builder.header("origin", origin).header("content-type", "application/x-www-form-urlencoded");
        }
        let response = self.endpoint.get_response(builder.body(body.to_owned())).await;
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        Answer { status, headers, body: response.into_body().into_string().await.unwrap() }
    }

    pub(crate) async fn get(&mut self, address: &str) -> Answer {
        self.send(Method::GET, address, "", "").await
    }

    /// One form, without the redirect that follows.
    async fn post(&mut self, form: &Form) -> Answer {
        self.send(Method::POST, &form.action.clone(), ORIGIN, &form.body()).await
    }

    /// Follows redirects to the last page.
    async fn follow(&mut self, mut answer: Answer) -> Answer {
        while answer.status.is_redirection() {
            let location = answer.header("location").to_owned();
            answer = self.get(&location).await;
        }
        answer
    }

    /// The form of the playground with this flow and these options.
    async fn form(&mut self, flow: &str, with: &[&str]) -> Form {
        let page = self.get(&self.at("/playground")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let csrf = forms(&page.body)[0].get("csrf").to_owned();
        let mut fields = vec![
            ("csrf".to_owned(), csrf),
            ("client".to_owned(), "playground".to_owned()),
            ("flow".to_owned(), flow.to_owned()),
        ];
        fields.extend(with.iter().map(|with| ("with".to_owned(), (*with).to_owned())));
        Form { action: self.at("/playground"), fields }
    }

    /// Runs a flow as alice up to the redirect that brings the code back.
    async fn until_callback(&mut self, flow: &str, with: &[&str]) -> Answer {
        let form = self.form(flow, with).await;
        let mut answer = self.post(&form).await;
        for _ in 0..8 {
            if answer.header("location").contains("/playground/callback") {
                break;
            }
            answer = match answer.header("location").to_owned() {
                location if !location.is_empty() => self.get(&location).await,
                _ => {
                    let found = forms(&answer.body);
                    let form = found
                        .iter()
                        .find(|form| form.action.contains("/interaction/"))
                        .unwrap_or_else(|| panic!("{}", answer.body));
                    self.post(&form.clone().set("username", "alice").set("password", PASSWORD).set("decision", "allow"))
                        .await
                }
            };
        }
        answer
    }

    /// Runs a flow as alice to its page.
    async fn run(&mut self, flow: &str, with: &[&str]) -> Answer {
        let answer = self.until_callback(flow, with).await;
        let page = self.follow(answer).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }
}

/// The lines of the sequence picture.
fn lines(page: &Answer) -> Vec<String> {
    let steps = page.body.split("class=\"step__number\"").skip(1);
    steps.map(|step| step.split("<code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_shows_every_message_and_every_token() {
    both(async |server| {
        let mut developer = Developer::with_client(&server).await;
        let page = developer.run("code", &["pkce"]).await;
        let expected = [
            "303 See Other",
            "GET /authorize",
            "303 See Other",
            "GET /playground/callback",
            "POST /token",
            "200 OK",
            "GET /userinfo",
            "200 OK",
        ];
        assert_eq!(lines(&page), expected);
        for text in [
            "id_token",
            "access_token",
            "refresh_token",
            "preferred_username",
            "at+jwt",
            "code_challenge_method=S256",
            "nonce",
        ] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_reloaded_redeems_nothing_again() {
    let server = Server::on(Engine::Sqlite).await;
    let mut developer = Developer::with_client(&server).await;
    let answer = developer.until_callback("code", &["pkce"]).await;
    let code = answer.redirect_param("code").unwrap();
    let done = developer.get(answer.header("location")).await;
    let location = done.header("location").to_owned();
    assert!(done.status == 303 && !location.contains(&code), "{location}");
    let first = developer.get(&location).await;
    let again = developer.get(&location).await;
    assert_eq!(lines(&first).len(), 8);
    assert_eq!(lines(&first), lines(&again));
    assert!(!first.body.contains(&code), "secrets are cut short");
    let mut other = Developer { cookies: BTreeMap::new(), ..developer.clone() };
    assert!(lines(&other.get(&location).await).is_empty(), "a run is for the browser that ran it");
    // The callback itself, once more: as any client would see it.
    let reused = developer.get(answer.header("location")).await;
    let reused = developer.follow(reused).await;
    assert_eq!(lines(&reused).last().unwrap(), "400 Bad Request · invalid_grant");
}

#[tokio::test]
async fn the_refresh_flow_goes_on_with_new_tokens() {
    let server = Server::on(Engine::Sqlite).await;
    let page = Developer::with_client(&server).await.run("refresh", &["pkce", "offline", "resource", "claims"]).await;
    assert_eq!(lines(&page).iter().filter(|line| *line == "POST /token").count(), 2);
    assert!(page.body.contains("access_token 2") && page.body.contains("refresh_token 2"), "{}", page.body);
    assert!(page.body.contains("https://api.example"), "the resource is the audience");
}

#[tokio::test]
async fn a_run_without_proof_key_shows_the_refusal() {
    let server = Server::on(Engine::Sqlite).await;
    let page = Developer::with_client(&server).await.run("code", &[]).await;
    assert_eq!(
        lines(&page),
        ["303 See Other", "GET /authorize", "303 See Other · invalid_request", "GET /playground/callback"]
    );
}

#[tokio::test]
async fn the_playground_takes_nothing_from_elsewhere() {
    let server = Server::on(Engine::Sqlite).await;
    let mut developer = Developer::with_client(&server).await;
    let form = developer.form("code", &["pkce"]).await;
    let path = form.action.clone();
    assert_eq!(developer.send(Method::POST, &path, "https://evil.example", &form.body()).await.status, 403);
    assert_eq!(developer.post(&form.clone().set("csrf", "x")).await.status, 403);
    assert_eq!(developer.post(&form.clone().set("client", "web")).await.status, 404, "a client that keeps a secret");
    let answer = developer.until_callback("code", &["pkce"]).await;
    let callback = answer.header("location").to_owned();
    let mut other = Developer { cookies: BTreeMap::new(), ..developer.clone() };
    assert_eq!(other.get(&callback).await.status, 403, "another browser");
    assert_eq!(developer.get(&callback.replace("state=", "state=A")).await.status, 403, "a state of somebody else");
    // RFC 9207 §2.4: an answer of another issuer ends the flow before the code is sent anywhere.
    let mixed = callback.replace("iss=https", "iss=http");
    let page = developer.get(&mixed).await;
    let page = developer.follow(page).await;
    assert_eq!(lines(&page).len(), 4);
    server.advance(1801);
    assert_eq!(developer.get(&callback).await.status, 410, "too late");
}

#[tokio::test]
async fn without_its_client_the_playground_says_what_to_do() {
    let server = Server::on(Engine::Sqlite).await;
    let mut developer = Developer::of(&server).await;
    let page = developer.get(&developer.at("/playground")).await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("/playground/callback"), "{}", page.body);
}

#[tokio::test]
async fn a_server_in_earnest_has_no_developer_pages() {
    let server = Server::on(Engine::Sqlite).await;
    for path in ["//start", "//dev/mail", "//dev/errors", "//dev/styleguide", "/playground", "/playground/callback"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_developer_pages_lead_to_each_other() {
    let server = Server::on(Engine::Sqlite).await;
    let mut developer = Developer::with_client(&server).await;
    assert_eq!(developer.get("/").await.header("location"), "/start");
    let start = developer.get("/start").await;
    for text in
        [&server.issuer(), "playground", "machine", "alice@acme.example", "/dev/mail", "/dev/errors", "/dev/styleguide"]
    {
        assert!(start.body.contains(text), "{text}: {}", start.body);
    }
    assert_eq!(developer.get("/dev/mail").await.status, 200);
    assert_eq!(developer.get("/dev/styleguide").await.status, 200);
    assert!(developer.get("/start?lang=ar").await.body.contains("dir=\"rtl\""));
}

#[tokio::test]
async fn every_error_page_can_be_looked_at_with_its_status() {
    let server = Server::on(Engine::Sqlite).await;
    let mut developer = Developer::of(&server).await;
    let index = developer.get("/dev/errors").await;
    for kind in ERROR_KINDS {
        let path = format!("/dev/errors/{kind}");
        assert!(index.body.contains(&path), "{kind}");
        let page = developer.get(&path).await;
        assert!(
            index.body.contains(&format!(">{}</td><td><code>{kind}<", page.status.as_u16())),
            "{kind}: {}",
            page.status
        );
    }
    assert_eq!(developer.get("/dev/errors/none").await.status, 404);
}

/// A link for the first administrator, good for an hour.
async fn link(server: &Server) -> String {
    let token: Secret = mint::secret();
    let store = server.desk().await.store;
    let audit = store.audit(&AuditEvent::new(AuditKind::AdminLinkCreated, "test"), START * 1000);
    let lifetime = (Timestamp::from_seconds(START), Timestamp::from_seconds(START + 3600));
    store.add_one_time_token((Purpose::AdminLink, &token.hash()), 1, lifetime, audit).await.unwrap();
    format!("/t/{}/first-administrator/{}", server.slug, token.expose())
}

fn filled(page: &Answer, username: &str, email: &str, password: &str) -> Form {
    let form = forms(&page.body).into_iter().next().unwrap_or_else(|| panic!("no form: {}", page.body));
    form.set("username", username).set("email", email).set("password", password)
}

#[tokio::test]
async fn looking_at_the_link_uses_nothing_up_and_making_the_account_does() {
    both(async |server| {
        let link = link(&server).await;
        for _ in 0..3 {
            assert_eq!(Agent::new(&server).get(&link).await.status, 200, "CONTRACT behaviour 8");
        }
        let mut agent = Agent::new(&server);
        let page = agent.get(&link).await;
        let made = agent.submit(&filled(&page, "Root", "root@acme.example", PASSWORD)).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let done = made.header("location").to_owned();
        assert!(agent.get(&done).await.body.contains("Root"));
        assert_eq!(agent.get(&done).await.status, 200, "reloading changes nothing");
        assert_eq!(Agent::new(&server).get(&done).await.status, 410, "another browser learns nothing");
        assert_eq!(agent.get(&link).await.status, 410);
        assert_eq!(
            agent.get(&format!("/t/{}/account/sessions", server.slug)).await.status,
            200,
            "the next page is there"
        );
        assert!(server.desk().await.store.has_administrator().await.unwrap());
        let code = Agent::new(&server).authorize_as("root@acme.example", "web", "").await;
        assert!(code.redirect_param("code").is_some(), "{}", code.body);
    })
    .await;
}

#[tokio::test]
async fn what_is_typed_wrong_is_said_beside_its_field() {
    let server = Server::on(Engine::Sqlite).await;
    let link = link(&server).await;
    let mut agent = Agent::new(&server);
    let page = agent.get(&link).await;
    let (name, mail) = ("root", "root@acme.example");
    let long = |count: usize| "ab".repeat(count).chars().take(count).collect::<String>();
    for (rule, username, email, password, field) in [
        ("no name", "", mail, PASSWORD, "username"),
        ("a name with a space", "ro ot", mail, PASSWORD, "username"),
        ("a name like an address", "root@acme.example", mail, PASSWORD, "username"),
        ("a name of two scripts", "r\u{43e}ot", mail, PASSWORD, "username"),
        ("a name that is taken", "ALICE", mail, PASSWORD, "username"),
        ("no address", name, "", PASSWORD, "email"),
        ("no host", name, "root@", PASSWORD, "email"),
        ("two at signs", name, "a@b@acme.example", PASSWORD, "email"),
        ("an address that is taken", name, "Bob@acme.example", PASSWORD, "email"),
        ("no password", name, mail, "", "password"),
        ("14 characters", name, mail, &long(14), "password"),
        ("129 characters", name, mail, &long(129), "password"),
        ("one character over and over", name, mail, "aaaaaaaaaaaaaaaaaaaa", "password"),
        ("the address itself", name, mail, "ROOT@acme.example", "password"),
    ] {
        let answer = agent.submit(&filled(&page, username, email, password)).await;
        assert_eq!(answer.status, 422, "{rule}");
        for other in ["username", "email", "password"] {
            assert_eq!(answer.body.contains(&format!("id=\"{other}-error\"")), other == field, "{rule}: {other}");
        }
        assert!(
            password.is_empty() || !answer.body.contains(&format!("value=\"{password}\"")),
            "{rule}: never shown again"
        );
    }
    let made = agent.submit(&filled(&page, name, mail, "quay-lantern-76")).await;
    assert_eq!(made.status, 303, "the link still serves, and 15 characters do: {}", made.body);
}

#[tokio::test]
async fn of_two_at_once_one_becomes_the_administrator() {
    both(async |server| {
        let link = link(&server).await;
        let (mut one, mut other) = (Agent::new(&server), Agent::new(&server));
        let forms = (
            filled(&one.get(&link).await, "one", "one@acme.example", PASSWORD),
            filled(&other.get(&link).await, "other", "other@acme.example", PASSWORD),
        );
        let (first, second) = tokio::join!(one.submit(&forms.0), other.submit(&forms.1));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 410]);
        let users = server.desk().await.store.users(None, 10).await.unwrap();
        assert_eq!(users.len(), 3, "alice, bob and one more");
    })
    .await;
}

#[tokio::test]
async fn a_link_serves_only_in_time_in_its_tenant_and_from_our_own_page() {
    let server = Server::on(Engine::Sqlite).await;
    let link = link(&server).await;
    let mut agent = Agent::new(&server);
    let page = agent.get(&link).await;
    let form = filled(&page, "root", "root@acme.example", PASSWORD);
    let sibling = server.sibling().await;
    let elsewhere = link.replace(&format!("/t/{}/", server.slug), &format!("/t/{}/", sibling.slug));
    assert_eq!(Agent::new(&sibling).get(&elsewhere).await.status, 410, "another tenant");
    assert_eq!(agent.submit_with(&form, &[("origin", "https://evil.example")]).await.status, 403, "another site");
    assert_eq!(agent.submit(&form.clone().set("csrf", "x")).await.status, 403, "another token");
    assert_eq!(Agent::new(&server).submit(&form).await.status, 403, "another browser");
    let desk = server.desk().await;
    let audit = |kind| desk.audit(&desk.event(kind));
    desk.store.set_tenant_status(TenantStatus::Suspended, audit(AuditKind::TenantSuspended), desk.now).await.unwrap();
    desk.app.directory.forget(desk.tenant.id, &Notice::Tenant).await;
    assert_eq!(agent.submit(&form).await.status, 403, "a suspended tenant");
    desk.store.set_tenant_status(TenantStatus::Active, audit(AuditKind::TenantResumed), desk.now).await.unwrap();
    desk.app.directory.forget(desk.tenant.id, &Notice::Tenant).await;
    server.advance(3600);
    assert_eq!(agent.get(&link).await.status, 410, "too late");
    assert_eq!(agent.submit(&form).await.status, 410, "too late");
}

#[tokio::test]
async fn a_page_asked_for_by_another_name_of_this_machine_leads_to_the_servers_own() {
    let server = Server::on(Engine::Sqlite).await;
    let server_at = |origin: &str, dev: bool| {
        let passwords =
            Settings { workers: 1, memory_kib: 8, iterations: 1, parallelism: 1, max_wait: Duration::from_secs(10) };
        server::endpoint(Arc::new(App::new(Parts {
            store: server.app.store.clone(),
            clock: server.app.clock.clone(),
            passwords: PasswordPool::start(&passwords).unwrap(),
            fetcher: server.app.fetcher.clone(),
            origin: origin.to_owned(),
            dev,
            trusted_proxies: Vec::new(),
        })))
    };
    let local = "http://localhost:8080";
    for (rule, origin, dev, method, host, accept, expected) in [
        ("not in production", local, false, Method::GET, "127.0.0.1:8080", "text/html", ""),
        ("not a form", local, true, Method::POST, "127.0.0.1:8080", "text/html", ""),
        ("not a program", local, true, Method::GET, "127.0.0.1:8080", "application/json", ""),
        ("not another machine", local, true, Method::GET, "192.0.2.1:8080", "text/html", ""),
        ("not a name that looks like it", local, true, Method::GET, "localhost.evil.example:8080", "text/html", ""),
        ("not another port", local, true, Method::GET, "127.0.0.1:9090", "text/html", ""),
        ("not the server's own", local, true, Method::GET, "localhost:8080", "text/html", ""),
        ("not to a public name", "https://id.example", true, Method::GET, "127.0.0.1", "text/html", ""),
        ("IPv4", local, true, Method::GET, "127.0.0.1:8080", "text/html", "http://localhost:8080/dev/mail?lang=de"),
        ("IPv6", local, true, Method::GET, "[::1]:8080", "text/html", "http://localhost:8080/dev/mail?lang=de"),
        (
            "the other way",
            "http://127.0.0.1:8080",
            true,
            Method::GET,
            "localhost:8080",
            "*/*, text/html",
            "http://127.0.0.1:8080/dev/mail?lang=de",
        ),
    ] {
        let request = Request::builder().method(method).uri_str("/dev/mail?lang=de");
        let request = request.header("host", host).header("accept", accept).finish();
        let answer = server_at(origin, dev).get_response(request).await;
        assert_eq!(answer.header("location").unwrap_or_default(), expected, "{rule}");
    }
}
