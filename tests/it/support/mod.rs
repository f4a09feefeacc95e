//! What the tests stand on: a whole server without a socket, on either database, with a clock that is moved by hand.

pub mod agent;
pub mod log;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chancery::admin::{Desk, apply};
use chancery::call::{App, Parts};
use chancery::clock::Clock;
use chancery::outbound::{Fetcher, OutboundSettings};
use chancery::password_pool::{PasswordPool, Settings};
use chancery::protocol::timestamp::Timestamp;
use chancery::seal::RootSecret;
use chancery::server;
use chancery::store::{DatabaseSettings, Store};
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, Method, StatusCode};
use poem::{Endpoint, Request, Response};
use serde_json::{Value, json};

pub use agent::{Agent, CHALLENGE, VERIFIER, form};

/// The origin of every test server.
pub const ORIGIN: &str = "https://id.example";
/// When every test begins.
pub const START: i64 = 1_800_000_000;
/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery staple";
/// The secret of every client that has one.
pub const SECRET: &str = "a-secret-of-forty-three-characters-or-more-1234";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// The two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// `error` of a JSON answer; empty if there is none.
    pub fn error(&self) -> String {
        serde_json::from_str::<Value>(&self.body)
            .ok()
            .and_then(|body| Some(body["error"].as_str()?.to_owned()))
            .unwrap_or_default()
    }

    /// A parameter of the redirect, from query or fragment.
    pub fn redirect_param(&self, name: &str) -> Option<String> {
        let location = self.header("location");
        let (_, params) = location.split_once(['?', '#'])?;
        url::form_urlencoded::parse(params.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// A server with one tenant.
#[derive(Clone)]
pub struct Server {
    pub app: Arc<App>,
    pub slug: String,
    pub engine: Engine,
    endpoint: Arc<BoxEndpoint<'static, Response>>,
    _files: Arc<Files>,
}

struct Files(Option<std::path::PathBuf>);

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Runs a test on SQLite and, where `CHANCERY_TEST_POSTGRES` names one, on PostgreSQL.
pub async fn both(test: impl AsyncFn(Server)) {
    test(Server::on(Engine::Sqlite).await).await;
    if std::env::var_os("CHANCERY_TEST_POSTGRES").is_some() {
        test(Server::on(Engine::Postgres).await).await;
    }
}

impl Server {
    /// A server on a database, with the tenant of [`document`].
    pub async fn on(engine: Engine) -> Self {
        Self::with(engine, Vec::new()).await
    }

    /// The same, whose fetcher may reach these networks.
    pub async fn with(engine: Engine, allow_networks: Vec<chancery::outbound::IpNet>) -> Self {
        Self::made(engine, ORIGIN, Clock::manual(Timestamp::from_seconds(START)), allow_networks).await
    }

    /// The same, elsewhere and at another time.
    pub async fn reachable(engine: Engine, origin: &str, clock: Clock) -> Self {
        Self::made(engine, origin, clock, Vec::new()).await
    }

    async fn made(engine: Engine, origin: &str, clock: Clock, allow_networks: Vec<chancery::outbound::IpNet>) -> Self {
        chancery::tls::install_provider();
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let slug = format!("t{}-{number}", std::process::id());
        let (url, folder) = match engine {
            Engine::Sqlite => {
                let root =
                    if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
                let folder = root.join(format!("chancery-it-{slug}"));
                std::fs::create_dir_all(&folder).expect("a folder");
                (format!("sqlite://{}/it.db", folder.display()), Some(folder))
            }
            Engine::Postgres => (std::env::var("CHANCERY_TEST_POSTGRES").expect("a database"), None),
        };
        let files = Arc::new(Files(folder));
        let settings = DatabaseSettings { url, max_connections: 4, durable: false };
        let (extra_ca, timeout) = (Vec::new(), Duration::from_secs(2));
        let outbound = OutboundSettings { extra_ca, allow_networks, timeout, max_bytes: 64 * 1024 };
        let app = Arc::new(App::new(Parts {
            store: Store::open(&settings, &RootSecret::new([7; 32]), true).await.expect("a database that opens"),
            clock,
            passwords: passwords(),
            fetcher: Arc::new(Fetcher::new(&outbound).expect("a fetcher")),
            origin: origin.to_owned(),
            dev: false,
            trusted_proxies: Vec::new(),
        }));
        let server = Self { endpoint: server::endpoint(app.clone()), app, slug, engine, _files: files };
        server.apply(&document(&server.slug)).await;
        server
    }

    /// What a listener serves.
    pub fn endpoint(&self) -> Arc<BoxEndpoint<'static, Response>> {
        self.endpoint.clone()
    }

    /// A second process on the same database: nothing in memory is shared.
    pub async fn replica(&self) -> Self {
        let store = self.app.store.clone();
        let app = Arc::new(App::new(Parts {
            store,
            clock: self.app.clock.clone(),
            passwords: passwords(),
            fetcher: self.app.fetcher.clone(),
            origin: ORIGIN.to_owned(),
            dev: false,
            trusted_proxies: Vec::new(),
        }));
        Self { endpoint: server::endpoint(app.clone()), app, ..self.clone() }
    }

    /// Applies a document, which must be right.
    pub async fn apply(&self, document: &Value) {
        let object = document.as_object().expect("an object");
        apply::apply(&self.app, object, false).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Changes settings of the tenant.
    pub async fn settings(&self, settings: Value) {
        self.apply(&json!({ "tenants": [{ "slug": self.slug, "settings": settings }] })).await;
    }

    /// Adds or changes a client.
    pub async fn client(&self, client: Value) {
        self.apply(&json!({ "tenants": [{ "slug": self.slug, "clients": [client] }] })).await;
    }

    /// Another tenant on the same server, with the same clients and people.
    pub async fn sibling(&self) -> Self {
        self.sibling_named("b").await
    }

    /// The same under a name that says what it is for.
    pub async fn sibling_named(&self, purpose: &str) -> Self {
        let slug = format!("{}-{}", self.slug, purpose.replace(' ', "-"));
        self.apply(&document(&slug)).await;
        Self { slug, ..self.clone() }
    }

    /// The administrator's desk of the tenant.
    pub async fn desk(&self) -> Desk {
        Desk::of(&self.app, &self.slug).await.expect("the tenant")
    }

    /// How many clients registered themselves.
    pub async fn dynamic_clients(&self) -> usize {
        let desk = self.desk().await;
        let clients = desk.store.clients("", 10_000, &desk.tenant.secrets.client_secret).await.expect("clients");
        clients.iter().filter(|client| client.origin == chancery::protocol::client::ClientOrigin::Dynamic).count()
    }

    pub fn issuer(&self) -> String {
        format!("{ORIGIN}/t/{}", self.slug)
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.app.clock.advance(seconds);
    }

    pub async fn send(&self, request: Request) -> Answer {
        let response = self.endpoint.get_response(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().into_vec().await.expect("a body");
        Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// A request below the issuer, or anywhere if `path` begins with `//`.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let uri = match path.strip_prefix("//") {
            Some(rest) => format!("/{rest}"),
            None => format!("/t/{}{path}", self.slug),
        };
        let mut builder = Request::builder().method(method).uri_str(&uri).header("host", "id.example");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        self.send(builder.body(body.to_owned())).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], "").await
    }

    /// POST of a form given as text.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.request(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], body).await
    }

    /// POST of a form with HTTP Basic.
    pub async fn post_as(&self, client: &str, path: &str, body: &str) -> Answer {
        let basic = agent::basic(client, SECRET);
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", basic.as_str())];
        self.request(Method::POST, path, &headers, body).await
    }

    /// A code for alice at `client` (a first party), by a fresh browser; `more` is added to the request.
    pub async fn code(&self, client: &str, more: &str) -> String {
        let answer = Agent::new(self).authorize(client, more).await;
        answer
            .redirect_param("code")
            .unwrap_or_else(|| panic!("no code: {} {} {}", answer.status, answer.header("location"), answer.body))
    }

    /// The token request for a code of `web`.
    pub async fn redeem(&self, code: &str) -> Answer {
        self.post_as("web", "/token", &format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier={VERIFIER}")).await
    }

    /// Tokens for alice at `web`.
    pub async fn tokens(&self) -> Value {
        let code = self.code("web", "").await;
        let answer = self.redeem(&code).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post_as("web", "/token", &format!("grant_type=refresh_token&refresh_token={token}")).await
    }

    pub async fn introspect(&self, token: &str) -> Value {
        let answer = self.post_as("web", "/introspect", &format!("token={token}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn userinfo(&self, token: &str) -> Answer {
        self.request(Method::GET, "/userinfo", &[("authorization", &format!("Bearer {token}"))], "").await
    }
}

fn passwords() -> PasswordPool {
    // As cheap as argon2 allows: what is tested is what is done with the verdict.
    let settings =
        Settings { workers: 1, memory_kib: 8, iterations: 1, parallelism: 1, max_wait: Duration::from_secs(10) };
    PasswordPool::start(&settings).expect("threads")
}

/// A tenant that is right in every respect: clients `web` (first party, Basic), `other` (first party, Basic), `ask`
/// (third party), `spa` (public), `native` (public, loopback), `machine`, `opaque`; people alice and bob.
pub fn document(slug: &str) -> Value {
    let code = json!(["authorization_code", "refresh_token"]);
    json!({ "tenants": [{
        "slug": slug, "name": "Acme", "preset": "baseline",
        "resources": [
            { "resource": "https://api.example", "scopes": ["read", "write"] },
            { "resource": "https://other-api.example", "scopes": ["read"] }
        ],
        "clients": [
            { "client_id": "web", "client_name": "Web App", "client_secret": SECRET, "redirect_uris": ["https://app.example/cb"],
              "post_logout_redirect_uris": ["https://app.example/out"], "grant_types": code, "first_party": true },
            { "client_id": "other", "client_secret": SECRET, "redirect_uris": ["https://other.example/cb"], "grant_types": code, "first_party": true },
            { "client_id": "ask", "client_name": "Third Party", "client_secret": SECRET, "redirect_uris": ["https://ask.example/cb"], "grant_types": code },
            { "client_id": "spa", "redirect_uris": ["https://spa.example/cb"], "grant_types": code, "token_endpoint_auth_method": "none", "first_party": true },
            { "client_id": "native", "redirect_uris": ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"], "grant_types": code, "token_endpoint_auth_method": "none", "application_type": "native", "first_party": true },
            { "client_id": "machine", "client_secret": SECRET, "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "scope": "read write" },
            { "client_id": "opaque", "client_secret": SECRET, "redirect_uris": ["https://opaque.example/cb"], "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "opaque_access_tokens": true, "first_party": true }
        ],
        "users": [
            { "username": "alice", "password": PASSWORD, "name": "Alice Example", "given_name": "Alice", "family_name": "Example",
              "email": "alice@acme.example", "email_verified": true, "phone_number": "+15550100", "phone_number_verified": false,
              "address": { "country": "DE" }, "locale": "en", "updated_at": 1 },
            { "username": "bob", "password": PASSWORD, "name": "Bob", "email": "bob@acme.example" }
        ]
    }] })
}
