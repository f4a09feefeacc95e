//! The paths that are measured: what is asked of a server, what the answer must be, and what has to be made
//! before. Both servers are asked alike.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::client::{Answer, Connection, Requests, Tls, form};
use super::load::{self, Crew, Enough, Harvest, Order, Supply, Tally, Work};
use super::measure;
use super::processes::{PASSWORD, Process, USERNAME};
use super::{BASE, failed};
use crate::cli::SetupError;

/// A path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Metadata.
    Discovery,
    /// Key set.
    Jwks,
    /// An authorization request of somebody who is not signed in.
    AuthorizePage,
    /// One of somebody who is, answered with a code.
    AuthorizeCode,
    /// A token for a machine.
    ClientCredentials,
    /// A code for three tokens.
    CodeToTokens,
    /// A refresh token for three tokens.
    Refresh,
    /// Introspection of a person's JWT.
    IntrospectJwt,
    /// Introspection of a person's opaque token.
    IntrospectOpaque,
    /// Userinfo, with a JWT.
    Userinfo,
    /// Revocation of an opaque access token.
    Revoke,
    /// The password of a sign-in, answered with a code.
    PasswordLogin,
    /// Metadata over a new TLS 1.3 connection.
    TlsConnection,
    /// Key sets of many tenants, one after the other.
    JwksInTurn,
    /// Tokens for machines of many tenants, one after the other.
    CredentialsInTurn,
    /// Refresh tokens of many people, one after the other.
    RefreshInTurn,
}

impl Path {
    /// Those that need no special kind of run, in the order of the table.
    pub(super) const ALL: [Self; 13] = [
        Self::Discovery,
        Self::Jwks,
        Self::AuthorizePage,
        Self::AuthorizeCode,
        Self::ClientCredentials,
        Self::CodeToTokens,
        Self::Refresh,
        Self::IntrospectJwt,
        Self::IntrospectOpaque,
        Self::Userinfo,
        Self::Revoke,
        Self::PasswordLogin,
        Self::TlsConnection,
    ];

    /// Those that ask many tenants or spend the tokens of many people.
    pub(super) const IN_TURN: [Self; 3] = [Self::JwksInTurn, Self::CredentialsInTurn, Self::RefreshInTurn];

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Jwks => "jwks",
            Self::AuthorizePage => "authorize_page",
            Self::AuthorizeCode => "authorize_code",
            Self::ClientCredentials => "client_credentials",
            Self::CodeToTokens => "code_to_tokens",
            Self::Refresh => "refresh",
            Self::IntrospectJwt => "introspect_jwt",
            Self::IntrospectOpaque => "introspect_opaque",
            Self::Userinfo => "userinfo",
            Self::Revoke => "revoke",
            Self::PasswordLogin => "password_login",
            Self::TlsConnection => "tls_connection",
            Self::JwksInTurn => "jwks_in_turn",
            Self::CredentialsInTurn => "credentials_in_turn",
            Self::RefreshInTurn => "refresh_in_turn",
        }
    }

    /// Whether rows are written, so that work may be left when the last answer is out.
    pub(super) const fn writes(self) -> bool {
        match self {
            Self::AuthorizeCode
            | Self::ClientCredentials
            | Self::CodeToTokens
            | Self::Refresh
            | Self::Revoke
            | Self::PasswordLogin
            | Self::CredentialsInTurn
            | Self::RefreshInTurn => true,
            Self::Discovery
            | Self::Jwks
            | Self::JwksInTurn
            | Self::AuthorizePage
            | Self::IntrospectJwt
            | Self::IntrospectOpaque
            | Self::Userinfo
            | Self::TlsConnection => false,
        }
    }

    /// Whether the server must speak TLS.
    pub(super) const fn over_tls(self) -> bool {
        matches!(self, Self::TlsConnection)
    }

    /// How many requests are made for the first look at a path whose requests are good for once.
    pub(super) const fn first_supply(self) -> usize {
        match self {
            Self::PasswordLogin => 32,
            _ => 1500,
        }
    }
}

/// A server, or replicas of one, as the load generator knows them.
pub(super) struct Side {
    /// The processes.
    pub(super) processes: Vec<Process>,
    /// Requests to the one tenant that everything else is about.
    pub(super) requests: Requests,
    /// Slugs of the tenants that are asked in turn.
    pub(super) tenants: Vec<String>,
    /// Refresh tokens that are spent in turn.
    pub(super) families: Vec<String>,
    tls: Option<Tls>,
    /// Of a browser that is signed in.
    cookies: Option<String>,
    crew: Crew,
}

impl Side {
    /// Servers that have started.
    pub(super) fn new(processes: Vec<Process>, tls: Option<Tls>, crew: Crew) -> Self {
        let requests = Requests { host: "localhost:65535".to_owned(), base: BASE.to_owned() };
        Self { processes, requests, tenants: Vec::new(), families: Vec::new(), tls, cookies: None, crew }
    }

    /// The numbers of the processes.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(Process::pid).collect()
    }

    /// Resident memory of all, in KiB.
    pub(super) fn resident_kib(&self) -> u64 {
        self.processes.iter().map(|process| measure::resident_kib(process.pid())).sum()
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.processes.iter().map(|process| process.address).collect()
    }

    /// A connection to the first.
    pub(super) async fn connect(&self) -> Result<Connection<TcpStream>, SetupError> {
        let first = self.processes.first().ok_or_else(|| failed("there is no server to ask"))?;
        Connection::open(first.address).await
    }

    /// The same request to each of the tenants that are asked in turn.
    fn of_each_tenant(&self, request: impl Fn(&Requests) -> Vec<u8>) -> Result<Work, SetupError> {
        if self.tenants.is_empty() {
            return Err(failed("this path belongs to --tenants"));
        }
        let host = &self.requests.host;
        let of = |slug: &String| request(&Requests { host: host.clone(), base: format!("/t/{slug}") });
        Ok(Work::InTurn(self.tenants.iter().map(of).collect(), Arc::default()))
    }

    /// Work of a path, with everything it needs but what is good for once.
    pub(super) async fn prepare(&mut self, path: Path) -> Result<Order, SetupError> {
        const DISCOVERY: &str = "/.well-known/openid-configuration";
        let same = |request: Vec<u8>| Work::Same(request.into());
        let (work, status, marker) = match path {
            Path::Discovery => (same(self.requests.get(DISCOVERY, "")), 200, "\"issuer\""),
            Path::Jwks => (same(self.requests.get("/jwks", "")), 200, "\"keys\""),
            Path::AuthorizePage => (same(self.requests.authorize("web", "")), 200, "<form"),
            Path::AuthorizeCode => {
                let cookies = self.sign_in().await?;
                (same(self.requests.authorize("web", &cookies)), 303, "code=")
            }
            Path::ClientCredentials => (same(self.requests.credentials("machine")), 200, "\"access_token\""),
            Path::CodeToTokens => (Work::Once(Supply::default()), 200, "\"id_token\""),
            Path::Refresh => {
                let tokens = Supply::default();
                for _ in 0..self.crew.connections {
                    load::put(&tokens, [self.tokens("web").await?.1]);
                }
                (Work::Refresh(self.requests.clone(), tokens), 200, "\"refresh_token\"")
            }
            Path::IntrospectJwt => {
                let (token, _) = self.tokens("web").await?;
                (same(self.requests.post_as("web", "/introspect", &[("token", &token)])), 200, "\"active\":true")
            }
            Path::IntrospectOpaque => {
                let (token, _) = self.tokens("web-opaque").await?;
                (same(self.requests.post_as("web-opaque", "/introspect", &[("token", &token)])), 200, "\"active\":true")
            }
            Path::Userinfo => {
                let (token, _) = self.tokens("web").await?;
                (same(self.requests.get("/userinfo", &format!("Authorization: Bearer {token}\r\n"))), 200, "\"sub\"")
            }
            Path::Revoke => (Work::Once(Supply::default()), 200, ""),
            Path::PasswordLogin => (Work::Once(Supply::default()), 303, "code="),
            Path::TlsConnection => {
                let tls = self.tls.clone().ok_or_else(|| failed("the server speaks no TLS"))?;
                (Work::Anew(self.requests.get(DISCOVERY, "Connection: close\r\n").into(), tls), 200, "\"issuer\"")
            }
            Path::JwksInTurn => (self.of_each_tenant(|of| of.get("/jwks", ""))?, 200, "\"keys\""),
            Path::CredentialsInTurn => (self.of_each_tenant(|of| of.credentials("machine"))?, 200, "\"access_token\""),
            Path::RefreshInTurn => {
                if self.families.is_empty() {
                    return Err(failed("this path belongs to --rows"));
                }
                let tokens = Supply::default();
                load::put(&tokens, std::mem::take(&mut self.families));
                (Work::Refresh(self.requests.clone(), tokens), 200, "\"refresh_token\"")
            }
        };
        Ok(Order { work, status, marker })
    }

    /// Makes so many requests of those that are good for once.
    pub(super) async fn supply(&mut self, path: Path, order: &Order, wanted: usize) -> Result<(), SetupError> {
        let Work::Once(supply) = &order.work else { return Ok(()) };
        let missing = wanted.saturating_sub(load::left(supply));
        if missing == 0 {
            return Ok(());
        }
        let (source, harvest): (Path, Harvest) = match path {
            Path::CodeToTokens => (Path::AuthorizeCode, |answer| answer.code()),
            Path::PasswordLogin => (Path::AuthorizePage, sign_in_form),
            _ => (Path::ClientCredentials, |answer| answer.text("access_token")),
        };
        let mut making = match path {
            Path::Revoke => {
                let request = self.requests.credentials("machine-opaque");
                Order { work: Work::Same(request.into()), status: 200, marker: "\"access_token\"" }
            }
            _ => Box::pin(self.prepare(source)).await?,
        };
        making.marker = if path == Path::PasswordLogin { "csrf" } else { making.marker };
        let made = self.load(&making, Enough::Times(missing), Some(harvest)).await?;
        if let Some((answer, _)) = made.wrong {
            return Err(failed(format!("{}: what it needs cannot be made: {answer}", path.name())));
        }
        let requests = made.harvest.iter().map(|made| match path {
            Path::CodeToTokens => self.requests.redeem("web", made),
            Path::PasswordLogin => self.requests.password(made),
            _ => self.requests.post_as("machine-opaque", "/revoke", &[("token", made)]),
        });
        load::put(supply, requests);
        Ok(())
    }

    /// Does the work.
    pub(super) async fn load(
        &self,
        order: &Order,
        enough: Enough,
        harvest: Option<Harvest>,
    ) -> Result<Tally, SetupError> {
        load::run(&self.addresses(), order, self.crew, enough, harvest).await
    }

    /// Asks once, and says how many bytes the body of the answer has.
    pub(super) async fn probe(&mut self, path: Path) -> Result<usize, SetupError> {
        let order = self.prepare(path).await?;
        self.supply(path, &order, 1).await?;
        let length: Harvest = |answer| Some(answer.body.len().to_string());
        let done = load::run(
            &self.addresses(),
            &order,
            Crew { threads: 1, connections: 1, spin: false },
            Enough::Times(1),
            Some(length),
        )
        .await?;
        if let Some((answer, _)) = done.wrong {
            return Err(failed(format!("{}: the server answers {answer}", path.name())));
        }
        Ok(done.harvest.first().and_then(|length| length.parse().ok()).unwrap_or(0))
    }

    /// How long an opaque access token is.
    pub(super) async fn opaque_token_length(&mut self) -> Result<usize, SetupError> {
        let mut connection = self.connect().await?;
        let answer = connection.ask(&self.requests.credentials("machine-opaque")).await?;
        answer.text("access_token").map(|token| token.len()).ok_or_else(|| failed("no opaque token"))
    }

    /// Signs in through the pages, once. Gives the cookies of the browser.
    async fn sign_in(&mut self) -> Result<String, SetupError> {
        if let Some(cookies) = &self.cookies {
            return Ok(cookies.clone());
        }
        let mut connection = self.connect().await?;
        let page = connection.ask(&self.requests.authorize("web", "")).await?;
        let made =
            sign_in_form(&page).ok_or_else(|| failed(format!("no sign-in page: {} {}", page.status, page.body)))?;
        let browser = made.split('\n').next().unwrap_or_default().to_owned();
        let done = connection.ask(&self.requests.password(&made)).await?;
        if done.status != 303 || done.code().is_none() {
            return Err(failed(format!("the sign-in failed: {} {}", done.status, done.body)));
        }
        let cookies = format!("{browser}; {}", cookies(&done));
        self.cookies = Some(cookies.clone());
        Ok(cookies)
    }

    /// An access token and a refresh token of the person.
    pub(super) async fn tokens(&mut self, client: &str) -> Result<(String, String), SetupError> {
        let cookies = self.sign_in().await?;
        let mut connection = self.connect().await?;
        let answer = connection.ask(&self.requests.authorize(client, &cookies)).await?;
        let code = answer.code().ok_or_else(|| failed(format!("no code: {} {}", answer.status, answer.body)))?;
        let answer = connection.ask(&self.requests.redeem(client, &code)).await?;
        match (answer.text("access_token"), answer.text("refresh_token")) {
            (Some(access), Some(refresh)) => Ok((access, refresh)),
            _ => Err(failed(format!("no tokens: {} {}", answer.status, answer.body))),
        }
    }
}

fn cookies(answer: &Answer<'_>) -> String {
    let pairs: Vec<&str> = answer.headers("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
    pairs.join("; ")
}

impl Requests {
    /// A form of [`sign_in_form`], posted.
    pub(super) fn password(&self, made: &str) -> Vec<u8> {
        let mut parts = made.split('\n');
        let mut next = || parts.next().unwrap_or_default();
        let (cookies, target, form) = (next(), next(), next());
        self.post(target, &format!("Accept: text/html\r\nCookie: {cookies}\r\n"), form)
    }
}

/// The form of a sign-in page, filled in: cookies, address below the tenant and body, in three lines.
pub(super) fn sign_in_form(answer: &Answer<'_>) -> Option<String> {
    let (_, rest) = answer.body.split_once("<form")?;
    let (html, _) = rest.split_once("</form>")?;
    let target = attribute(html.split('>').next()?, "action")?;
    let target = target.strip_prefix(BASE)?;
    let mut fields: Vec<(&str, &str)> = Vec::new();
    for tag in html.split("<input").skip(1).filter_map(|tag| tag.split('>').next()) {
        if attribute(tag, "type") == Some("hidden") {
            fields.push((attribute(tag, "name")?, attribute(tag, "value")?));
        }
    }
    fields.extend([("username", USERNAME), ("password", PASSWORD)]);
    Some(format!("{}\n{target}\n{}", cookies(answer), form(&fields)))
}

/// An attribute without character references; ours have none where it matters.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// Requests that are enough for so many seconds, with some to spare.
pub(super) fn enough_for(seconds: f64, rate: f64) -> usize {
    (rate * seconds * 1.2) as usize + 64
}
