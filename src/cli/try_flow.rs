//! `chancery try`: the command line is itself a client. It runs a flow against a running server and prints the
//! decoded tokens.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::keep;
use super::setup::{self, SetupError};
use crate::config::Mode;
use crate::mint;
use crate::outbound::{Fetcher, OutboundSettings};
use crate::protocol::jws::UnverifiedJws;
use crate::protocol::params::Params;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;
/// How long a person may take to sign in.
const PATIENCE: Duration = Duration::from_secs(600);

/// The flows.
#[derive(Debug, Subcommand)]
pub(super) enum TryVerb {
    /// Authorization code with PKCE: sign in with the browser.
    Code {
        #[arg(long, default_value = super::serve::DEMO)]
        tenant: String,
        /// A native client whose redirect URI is http://127.0.0.1/callback.
        #[arg(long, default_value = "chancery-cli")]
        client: String,
        #[arg(long, default_value = "openid profile email offline_access")]
        scope: String,
        /// Where the server is, if not where the settings say.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Client credentials.
    ClientCredentials {
        #[arg(long, default_value = super::serve::DEMO)]
        tenant: String,
        #[arg(long, default_value = "demo-machine")]
        client: String,
        /// The client's secret; without it, it is read from standard input.
        #[arg(long)]
        secret: Option<String>,
        #[arg(long)]
        scope: Option<String>,
        /// Where the server is, if not where the settings say.
        #[arg(long)]
        issuer: Option<String>,
    },
}

/// Runs a flow.
///
/// # Errors
/// The server is not there, or refuses.
pub(super) async fn run(config: Option<PathBuf>, verb: TryVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    let origin = setup::origin_of(&setup::load(config, None, Mode::Serve)?.config);
    match verb {
        TryVerb::Code { tenant, client, scope, issuer } => {
            let issuer = issuer.unwrap_or_else(|| format!("{origin}/t/{tenant}"));
            code(&issuer, &client, &scope, as_json).await
        }
        TryVerb::ClientCredentials { tenant, client, secret, scope, issuer } => {
            let issuer = issuer.unwrap_or_else(|| format!("{origin}/t/{tenant}"));
            let secret = match secret {
                Some(secret) => secret,
                None => read_line()?,
            };
            let metadata = discover(&issuer).await?;
            let mut fields = vec![
                ("grant_type", "client_credentials"),
                ("client_id", client.as_str()),
                ("client_secret", secret.as_str()),
            ];
            fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
            let mut answer = ask(&endpoint(&metadata, "token_endpoint")?, &fields).await;
            if answer.is_err() {
                // The demo machine uses HTTP Basic; the secret then travels in the header.
                answer =
                    ask_with_basic(&endpoint(&metadata, "token_endpoint")?, &client, &secret, scope.as_deref()).await;
            }
            print(&answer?, as_json);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read_line() -> Result<String, SetupError> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| SetupError::Other(error.to_string()))?;
    Ok(line.trim().to_owned())
}

fn fetcher() -> Result<Fetcher, SetupError> {
    // A client on a person's own machine may reach whatever that person may.
    let allow_networks = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
    let settings = OutboundSettings {
        extra_ca: Vec::new(),
        allow_networks,
        timeout: Duration::from_secs(10),
        max_bytes: MAX_ANSWER,
    };
    Ok(Fetcher::new(&settings)?)
}

async fn discover(issuer: &str) -> Result<Map<String, Value>, SetupError> {
    let other = |error: String| {
        SetupError::Other(format!("{issuer}: {error}. Is the server running? Start it with `chancery serve --dev`"))
    };
    let url =
        Url::parse(&format!("{issuer}/.well-known/openid-configuration")).map_err(|error| other(error.to_string()))?;
    let answer = fetcher()?.get_json(&url, MAX_ANSWER).await.map_err(|error| other(error.to_string()))?;
    let metadata: Map<String, Value> = answer.json().map_err(|error| other(error.to_string()))?;
    if metadata.get("issuer").and_then(Value::as_str) == Some(issuer) {
        return Ok(metadata);
    }
    Err(SetupError::Other(format!("{issuer}: the metadata names another issuer")))
}

fn endpoint(metadata: &Map<String, Value>, name: &str) -> Result<Url, SetupError> {
    let text = metadata.get(name).and_then(Value::as_str).unwrap_or_default();
    Url::parse(text).map_err(|error| SetupError::Other(format!("{name}: {error}")))
}

async fn ask(url: &Url, fields: &[(&str, &str)]) -> Result<Map<String, Value>, SetupError> {
    let answer =
        fetcher()?.post_form(url, fields, MAX_ANSWER).await.map_err(|error| SetupError::Other(error.to_string()))?;
    read_answer(url, answer.status.as_u16(), &answer.body)
}

fn read_answer(url: &Url, status: u16, body: &[u8]) -> Result<Map<String, Value>, SetupError> {
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    if status == 200 {
        return Ok(body);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(SetupError::Other(format!("{url} answered {status} {}: {}", text("error"), text("error_description"))))
}

async fn ask_with_basic(
    url: &Url,
    client: &str,
    secret: &str,
    scope: Option<&str>,
) -> Result<Map<String, Value>, SetupError> {
    let form = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut fields = vec![("grant_type", "client_credentials")];
    fields.extend(scope.map(|scope| ("scope", scope)));
    let credentials = (form(client), form(secret));
    let answer = fetcher()?
        .post_form_as(url, &fields, (&credentials.0, &credentials.1), MAX_ANSWER)
        .await
        .map_err(|error| SetupError::Other(error.to_string()))?;
    read_answer(url, answer.status.as_u16(), &answer.body)
}

async fn code(issuer: &str, client: &str, scope: &str, as_json: bool) -> Result<ExitCode, SetupError> {
    let metadata = discover(issuer).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| SetupError::Other(error.to_string()))?;
    let port = listener.local_addr().map_err(|error| SetupError::Other(error.to_string()))?.port();
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let (verifier, state, nonce) = (mint::secret(), mint::handle(), mint::handle());
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()));
    let mut address = endpoint(&metadata, "authorization_endpoint")?;
    address.query_pairs_mut().extend_pairs([
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", redirect_uri.as_str()),
        ("scope", scope),
        ("state", state.as_str()),
        ("nonce", nonce.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    keep::tell(
        as_json,
        &json!({ "event": "open", "address": address.as_str() }),
        &format!("Open this address in a browser and sign in:\n\n  {address}\n"),
    );
    let answer = tokio::time::timeout(PATIENCE, callback(&listener)).await;
    let answer = answer.map_err(|_| SetupError::Other("nobody signed in within ten minutes".to_owned()))??;
    if answer.get("state") != Some(state.as_str()) || answer.get("iss") != Some(issuer) {
        return Err(SetupError::Other("the answer does not belong to this request: state or iss differ".to_owned()));
    }
    let Some(code) = answer.get("code") else {
        let text = |name| answer.get(name).unwrap_or_default();
        return Err(SetupError::Other(format!("the server refused: {}: {}", text("error"), text("error_description"))));
    };
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", verifier.expose()),
    ];
    print(&ask(&endpoint(&metadata, "token_endpoint")?, &fields).await?, as_json);
    Ok(ExitCode::SUCCESS)
}

/// Waits for the browser to come back, and tells the person to go on in the terminal.
async fn callback(listener: &TcpListener) -> Result<Params, SetupError> {
    let other = |error: std::io::Error| SetupError::Other(error.to_string());
    loop {
        let (mut stream, _) = listener.accept().await.map_err(other)?;
        let mut bytes = vec![0; 16 * 1024];
        let read = stream.read(&mut bytes).await.map_err(other)?;
        let text = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()).into_owned();
        let target = text.split(' ').nth(1).unwrap_or_default();
        let query = target.strip_prefix("/callback?");
        let body =
            if query.is_some() { "Done. You can close this page and go back to the terminal." } else { "Not here." };
        let status = if query.is_some() { "200 OK" } else { "404 Not Found" };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.map_err(other)?;
        if let Some(params) = query.and_then(|query| Params::parse(query.as_bytes()).ok()) {
            return Ok(params);
        }
    }
}

/// Prints an answer of the token endpoint, with its JWTs decoded.
fn print(answer: &Map<String, Value>, as_json: bool) {
    let mut decoded = Map::new();
    for name in ["access_token", "id_token"] {
        let token = answer.get(name).and_then(Value::as_str).and_then(|token| UnverifiedJws::parse(token).ok());
        if let Some(claims) = token.and_then(|token| token.unverified_claims().ok()) {
            decoded.insert(name.to_owned(), Value::Object(claims));
        }
    }
    let value = json!({ "answer": answer, "decoded": decoded });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let text = format!("{}\n\ndecoded:\n{}", pretty(&Value::Object(answer.clone())), pretty(&Value::Object(decoded)));
    keep::tell(as_json, &value, &text);
}
