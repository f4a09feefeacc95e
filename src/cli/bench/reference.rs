//! The bare reference: the same answers with nothing around them. It parses what it must, checks the client,
//! signs with a kept key, does the path's own database work, and answers with as many bytes as the product. No
//! tenants, no policies, no configuration, no log; it is no authorization server, and answers on loopback alone.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path as FilePath, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::body::Bytes;
use poem::http::StatusCode;
use poem::{Body, Endpoint, EndpointExt as _, Request, Response};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::form_urlencoded;
use uuid::Uuid;

use super::hashes::Hashes;
use super::rows::{Kind, Rows};
use super::values::{self, USER};
use super::{BASE, SECRET, failed};
use crate::cli::{SetupError, keep};
use crate::listener::{self, Limits};
use crate::protocol::json_web_key::VerificationKey;
use crate::protocol::signature::SignatureAlgorithm;
use crate::protocol::signing_key::SigningKey;
use crate::seal::{RootSecret, Sealer};
use crate::{mint, tls};

/// What the reference is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    /// Its database.
    pub(super) database: String,
    /// Bytes of the product's answer, by path.
    pub(super) bytes: BTreeMap<String, usize>,
    /// Certificate and key, for TLS.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
}

/// Claims, as many as the product writes.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    scope: String,
    grant: String,
    auth_time: i64,
    acr: String,
    amr: [String; 1],
}

struct Reference {
    rows: Rows,
    key: SigningKey,
    public: VerificationKey,
    sealer: Sealer,
    hashes: Hashes,
    /// SHA-256 of every client's secret.
    clients: HashMap<&'static str, [u8; 32]>,
    tenants: HashMap<&'static str, String>,
    bytes: BTreeMap<String, usize>,
    /// Answers that are always the same.
    discovery: Bytes,
    jwks: Bytes,
    filler: String,
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Serves until whoever started it goes away.
pub(super) async fn serve(settings: &FilePath) -> Result<ExitCode, SetupError> {
    let text = std::fs::read_to_string(settings).map_err(|error| SetupError::file(settings, error))?;
    let settings: Settings = serde_json::from_str(&text).map_err(failed)?;
    let reference = Reference::new(&settings).await?;
    let database = reference.rows.version().await.map_err(failed)?;
    let tls = match &settings.tls {
        None => None,
        Some((certificate, key)) => {
            let read = |path: &PathBuf| std::fs::read(path).map_err(|error| SetupError::file(path, error));
            let versions = (tls::TlsVersion::V1_2, tls::ClientCertificates::Off);
            let config =
                tls::server_config(&read(certificate)?, &read(key)?, versions.0, versions.1).map_err(failed)?;
            Some(watch::channel(Arc::new(config)))
        }
    };
    let tcp = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = tcp.local_addr().map_err(failed)?;
    keep::say_json(&serde_json::json!({ "event": "listening", "listen": address.to_string(), "database": database }));
    let (gone, going) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = gone.send(());
    });
    let receiver = tls.as_ref().map(|(_, receiver)| receiver.clone());
    let limits = Limits { drain: std::time::Duration::ZERO, ..Limits::default() };
    let shutdown = async { drop(going.await) };
    listener::serve(tcp, receiver, Arc::new(reference.boxed()), limits, shutdown).await.map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

impl Reference {
    async fn new(settings: &Settings) -> Result<Self, SetupError> {
        let (key, _) = SigningKey::generate(SignatureAlgorithm::Es256).map_err(failed)?;
        let hashes = Hashes::start()?;
        let rows = Rows::open(&settings.database).await?;
        values::person(&rows).await.map_err(failed)?;
        let secret = sha256(SECRET.as_bytes());
        let clients = ["web", "web-opaque", "machine", "machine-opaque"].map(|client| (client, secret));
        let fill = |path: &str, marker: &str| {
            let bytes = settings.bytes.get(path).copied().unwrap_or(0);
            Bytes::from(format!("{marker}{}", "x".repeat(bytes.saturating_sub(marker.len()))))
        };
        Ok(Self {
            rows,
            public: key.verification_key().map_err(failed)?,
            key,
            sealer: RootSecret::generate().sealer("bench").map_err(failed)?,
            hashes,
            clients: HashMap::from(clients),
            tenants: HashMap::from([("bench", "Bench".to_owned())]),
            bytes: settings.bytes.clone(),
            // The TLS run has no other path than discovery over a new connection.
            discovery: fill(if settings.tls.is_some() { "tls_connection" } else { "discovery" }, "{\"issuer\":\""),
            jwks: fill("jwks", "{\"keys\":\""),
            filler: "x".repeat(settings.bytes.get("authorize_page").copied().unwrap_or(0)),
        })
    }

    async fn answer(&self, mut request: Request) -> Result<Response, Fault> {
        let path = request.uri().path().strip_prefix(BASE).unwrap_or_default().to_owned();
        match path.as_str() {
            "/.well-known/openid-configuration" => return Ok(json(Body::from_bytes(self.discovery.clone()))),
            "/jwks" => return Ok(json(Body::from_bytes(self.jwks.clone()))),
            "/authorize" => return self.authorize(&request).await,
            "/userinfo" => return self.userinfo(&request).await,
            _ => {}
        }
        let body = request.take_body().into_bytes().await?;
        let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let field = |name: &str| {
            form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        if path.starts_with("/interaction/") {
            return self.sign_in(field("password"), field("handle")).await;
        }
        let client = self.client(&request)?;
        match (path.as_str(), field("grant_type")) {
            ("/token", "client_credentials") => self.credentials(client).await,
            ("/token", "authorization_code") => self.redeem(client, field("code"), field("code_verifier")).await,
            ("/token", _) => self.refresh(client, field("refresh_token")).await,
            ("/introspect", _) => self.introspect(field("token")).await,
            ("/revoke", _) => {
                let written = vec![
                    values::revoked(&sha256(field("token").as_bytes())),
                    values::audit("token.revoked", client, None),
                ];
                self.rows.write(Kind::Revoke, written).await?;
                Ok(Response::builder().finish())
            }
            _ => Ok(StatusCode::NOT_FOUND.into()),
        }
    }

    /// The client, by HTTP Basic.
    fn client(&self, request: &Request) -> Result<&'static str, Fault> {
        let header =
            request.header("authorization").and_then(|header| header.strip_prefix("Basic ")).ok_or("no credentials")?;
        let text = String::from_utf8(STANDARD.decode(header)?)?;
        let (id, secret) = text.split_once(':').ok_or("no secret")?;
        let (id, known) = self.clients.get_key_value(id).ok_or("no such client")?;
        if *known == sha256(secret.as_bytes()) { Ok(id) } else { Err("wrong secret".into()) }
    }

    fn token(&self, typ: &str, client: &str, grant: Uuid, now: i64) -> Result<String, Fault> {
        let claims = Claims {
            iss: "http://localhost:65535/t/bench".to_owned(),
            sub: USER.to_string(),
            aud: "http://localhost:65535/t/bench".to_owned(),
            client_id: client.to_owned(),
            iat: now,
            exp: now + 86_400,
            jti: mint::handle(),
            scope: "openid profile email offline_access".to_owned(),
            grant: grant.to_string(),
            auth_time: now,
            acr: "urn:chancery:acr:1".to_owned(),
            amr: ["pwd".to_owned()],
        };
        Ok(self.key.sign_compact(typ, &claims)?)
    }

    async fn credentials(&self, client: &str) -> Result<Response, Fault> {
        let now = values::now();
        let token = match client {
            "machine" => self.token("at+jwt", client, USER, now)?,
            _ => self.opaque(mint::opaque_id()),
        };
        self.rows.write(Kind::Audit, vec![values::audit("token.issued", client, None)]).await?;
        Ok(self.padded("client_credentials", format!("{{\"access_token\":\"{token}\",\"expires_in\":86400}}")))
    }

    /// An opaque token, as long as the product's.
    fn opaque(&self, id: Uuid) -> String {
        let length = self.bytes.get("opaque_token").copied().unwrap_or(0);
        let mut token = format!("cat_{id}");
        token.extend(std::iter::repeat_n('x', length.saturating_sub(token.len())));
        token
    }

    async fn redeem(&self, client: &str, code: &str, verifier: &str) -> Result<Response, Fault> {
        let (now, grant) = (values::now(), mint::row_id(values::now() * 1000));
        // The check of PKCE.
        std::hint::black_box(sha256(verifier.as_bytes()));
        let answer = self.tokens("code_to_tokens", client, (grant, 1), now)?;
        let written = vec![
            values::redeem(&sha256(code.as_bytes()), now),
            values::grant(grant, client, now),
            values::audit("code.redeemed", client, Some(USER)),
        ];
        if self.rows.write(Kind::Redeem, written).await? { Ok(answer) } else { Err("the code was used".into()) }
    }

    async fn refresh(&self, client: &str, token: &str) -> Result<Response, Fault> {
        let now = values::now();
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("crt_").ok_or("no refresh token")?)?;
        std::hint::black_box(sha256(&bytes));
        let (grant, rest) = bytes.split_at_checked(16).ok_or("a short token")?;
        let (grant, generation) = (Uuid::from_slice(grant)?, i64::from(u32::from_be_bytes(rest.try_into()?)));
        let answer = self.tokens("refresh", client, (grant, u32::try_from(generation + 1)?), now)?;
        let written =
            vec![values::rotate(grant, generation, now), values::audit("token.refreshed", client, Some(USER))];
        if self.rows.write(Kind::Rotate, written).await? { Ok(answer) } else { Err("the token was used".into()) }
    }

    /// An access token, an ID token and a refresh token.
    fn tokens(&self, name: &str, client: &str, (grant, generation): (Uuid, u32), now: i64) -> Result<Response, Fault> {
        let access = match client {
            "web-opaque" => self.opaque(grant),
            _ => self.token("at+jwt", client, grant, now)?,
        };
        let id = self.token("JWT", client, grant, now)?;
        let refresh = URL_SAFE_NO_PAD.encode([grant.as_bytes().as_slice(), &generation.to_be_bytes()].concat());
        let answer = format!(
            "{{\"access_token\":\"{access}\",\"id_token\":\"{id}\",\"refresh_token\":\"crt_{refresh}\",\"expires_in\":86400}}"
        );
        Ok(self.padded(name, answer))
    }

    fn verified(&self, token: &str) -> Result<Claims, Fault> {
        let (message, signature) = token.rsplit_once('.').ok_or("no token")?;
        self.public.verify(SignatureAlgorithm::Es256, message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature)?)?;
        let (_, payload) = message.split_once('.').ok_or("no payload")?;
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
    }

    async fn introspect(&self, token: &str) -> Result<Response, Fault> {
        let (name, grant) = match token.strip_prefix("cat_") {
            Some(grant) => {
                std::hint::black_box(sha256(token.as_bytes()));
                ("introspect_opaque", grant.get(..36).unwrap_or_default().parse()?)
            }
            None => ("introspect_jwt", self.verified(token)?.grant.parse()?),
        };
        let allowed = values::read_grant(&self.rows, grant).await?.ok_or("no such grant")?;
        Ok(self.padded(name, format!("{{\"active\":true,\"allowed\":{}}}", allowed.len())))
    }

    async fn userinfo(&self, request: &Request) -> Result<Response, Fault> {
        let token =
            request.header("authorization").and_then(|header| header.strip_prefix("Bearer ")).ok_or("no token")?;
        let claims = self.verified(token)?;
        let known = values::read_account(&self.rows, claims.sub.parse()?).await?.ok_or("nobody")?;
        Ok(self.padded("userinfo", format!("{{\"sub\":\"{}\",\"known\":{}}}", claims.sub, known.len())))
    }

    async fn authorize(&self, request: &Request) -> Result<Response, Fault> {
        let query = request.uri().query().unwrap_or_default();
        let params: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let client = params
            .iter()
            .find(|(name, _)| name == "client_id")
            .and_then(|(_, id)| self.clients.get_key_value(id.as_str()));
        let (client, _) = client.ok_or("no such client")?;
        std::hint::black_box(self.tenants.get("bench"));
        let cookies = request.header("cookie").unwrap_or_default();
        let Some((_, secret)) = cookies.split_once("chancery-session=") else { return self.page(query) };
        let secret = secret.split(';').next().unwrap_or_default();
        let session = values::read_session(&self.rows, &sha256(secret.as_bytes())).await?.ok_or("no such session")?;
        let code = mint::secret();
        let written = vec![
            values::code(&sha256(code.expose().as_bytes()), client, session),
            values::audit("code.issued", client, Some(USER)),
        ];
        self.rows.write(Kind::Code, written).await?;
        Ok(see_other(code.expose(), None))
    }

    /// The sign-in page: the request sealed into it, filled up to the length of the product's.
    fn page(&self, query: &str) -> Result<Response, Fault> {
        let (id, secret) = (mint::handle(), mint::secret());
        let handle = self.sealer.seal_text(b"bench", query.as_bytes())?;
        let mut page = format!(
            "<form method=\"post\" action=\"{BASE}/interaction/{id}/password\">\
             <input type=\"hidden\" name=\"csrf\" value=\"{id}\"><input type=\"hidden\" name=\"handle\" value=\"{handle}\"></form>"
        );
        page.push_str(self.filler.get(page.len()..).unwrap_or_default());
        let cookie = format!("chancery-browser={}; Path={BASE}; HttpOnly; SameSite=Lax", secret.expose());
        Ok(Response::builder().content_type("text/html; charset=utf-8").header("set-cookie", cookie).body(page))
    }

    async fn sign_in(&self, password: &str, handle: &str) -> Result<Response, Fault> {
        std::hint::black_box(self.sealer.open_text(b"bench", handle)?);
        let user = values::read_person(&self.rows).await?;
        if !self.hashes.matches(password.to_owned()).await? {
            return Err("a wrong password".into());
        }
        let (secret, session, code) = (mint::secret(), mint::opaque_id(), mint::secret());
        let mut written = values::sign_in(session, &sha256(secret.expose().as_bytes()));
        written.push(values::code(&sha256(code.expose().as_bytes()), "web", session));
        written.extend(["sign_in.succeeded", "code.issued"].map(|kind| values::audit(kind, "web", Some(user))));
        self.rows.write(Kind::SignIn, written).await?;
        Ok(see_other(code.expose(), Some(secret.expose())))
    }

    /// A JSON object, filled up to the length of the product's answer.
    fn padded(&self, name: &str, mut object: String) -> Response {
        const PAD: &str = ",\"pad\":\"\"}";
        let missing = self.bytes.get(name).copied().unwrap_or(0).saturating_sub(object.len() + PAD.len() - 1);
        if missing > 0 && object.pop().is_some() {
            object.push_str(",\"pad\":\"");
            object.extend(std::iter::repeat_n('x', missing));
            object.push_str("\"}");
        }
        json(Body::from_string(object))
    }
}

impl Endpoint for Reference {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let answer = self.answer(request).await;
        Ok(answer.unwrap_or_else(|fault| Response::builder().status(StatusCode::BAD_REQUEST).body(fault.to_string())))
    }
}

fn json(body: Body) -> Response {
    Response::builder().content_type("application/json").body(body)
}

fn see_other(code: &str, session: Option<&str>) -> Response {
    let location = format!(
        "{}?code={code}&state=0d8fQ1Lq9sTtKf3vXy7RbA&iss=http%3A%2F%2Flocalhost%3A65535%2Ft%2Fbench",
        super::REDIRECT_URI
    );
    let response = Response::builder().status(StatusCode::SEE_OTHER).header("location", location);
    match session {
        Some(secret) => response
            .header("set-cookie", format!("chancery-session={secret}; Path={BASE}; HttpOnly; SameSite=Lax"))
            .finish(),
        None => response.finish(),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    hash
}
