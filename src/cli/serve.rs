//! `chancery serve`: from settings to a listening server, and down again without dropping anybody.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::setup::{self, SetupError};
use super::{ServeArgs, keep};
use crate::admin::{AdminError, Desk, apply, document, user};
use crate::call::App;
use crate::config::{self, Config, Mode};
use crate::listener::{self, Limits};
use crate::{background, logging, mint, server, tls};

/// The tenant of a development server.
pub const DEMO: &str = "demo";
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn serve(config: Option<PathBuf>, args: ServeArgs, as_json: bool) -> Result<ExitCode, SetupError> {
    let mode = if args.dev { Mode::Dev } else { Mode::Serve };
    let mut config = setup::load(config, args.listen, mode)?.config;
    logging::init(config.log.format, &config.log.level).map_err(|error| SetupError::Other(error.to_string()))?;
    let tcp = bind(config.server.listen, "server.listen")?;
    let operators = config.server.admin_listen.map(|address| bind(address, "server.admin_listen")).transpose()?;
    let bound = tcp.local_addr().map_err(|error| SetupError::Other(error.to_string()))?;
    let public =
        config.settle_public_url(bound).map_err(|error| SetupError::Other(format!("server.public_url: {error}")))?;
    let tls = tls_settings(&config)?;
    let app = setup::open(&config, public.origin(), config.database.migrate).await?;
    let first_start = if args.dev { seed(&app).await? } else { Vec::new() };
    if args.dev {
        put_playground(&app).await?;
    }
    let (stop, stopping) = watch::channel(false);
    background::start(&app, config.audit.seal_interval, &stopping);
    let limits = Limits {
        max_connections: config.server.max_connections,
        request: config.server.request_timeout,
        ..Limits::default()
    };
    announce(&app, &config, bound, (as_json, args.dev), &first_start).await?;
    if args.open && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        open_browser(&format!("{}/start", app.origin));
    }
    if let Some(operators) = operators {
        let (endpoint, limits, mut stopping) =
            (server::operators_endpoint(app.clone()), limits.clone(), stopping.clone());
        let stopped = async move {
            let _ = stopping.changed().await;
        };
        tokio::spawn(listener::serve(operators, None, endpoint, limits, stopped));
    }
    let ended = listener::serve(tcp, tls, server::endpoint(app.clone()), limits, shutdown()).await;
    let _ = stop.send(true);
    // What was written last is sealed before the end, if the database lets us.
    let _ = tokio::time::timeout(Duration::from_secs(5), background::seal_audit_trails(&app)).await;
    if as_json {
        keep::say_json(&json!({ "event": "stopped" }));
    }
    ended.map(|()| ExitCode::SUCCESS).map_err(|error| SetupError::Other(error.to_string()))
}

fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, SetupError> {
    let listening = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listening().map_err(|error| {
        SetupError::Other(format!("{setting}: cannot listen on {address}: {error}. Is another server running there? `--listen 127.0.0.1:0` takes a free port"))
    })
}

fn tls_settings(config: &Config) -> Result<Option<watch::Receiver<Arc<rustls::ServerConfig>>>, SetupError> {
    let Some(files) = &config.tls.files else { return Ok(None) };
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| SetupError::file(path, error));
    let version = match config.tls.min_version {
        config::TlsVersion::Tls12 => tls::TlsVersion::V1_2,
        config::TlsVersion::Tls13 => tls::TlsVersion::V1_3,
    };
    let certificates = match config.tls.client_certificates {
        config::ClientCertificates::Off => tls::ClientCertificates::Off,
        config::ClientCertificates::Optional => tls::ClientCertificates::Optional,
    };
    let settings = tls::server_config(&read(&files.cert)?, &read(&files.key)?, version, certificates)
        .map_err(|error| SetupError::Other(format!("tls.cert, tls.key: {error}")))?;
    let (_, receiver) = watch::channel(Arc::new(settings));
    Ok(Some(receiver))
}

/// Ends with SIGINT or SIGTERM.
async fn shutdown() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: requests under way are finished");
}

/// Makes the demo tenant at the first start. What was made at random is told once.
async fn seed(app: &Arc<App>) -> Result<Vec<(String, String)>, SetupError> {
    match Desk::of(app, DEMO).await {
        Ok(_) => return Ok(Vec::new()),
        Err(AdminError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let file = document::parse("demo.toml", include_str!("../../config/examples/demo.toml"))?;
    let lines = apply::apply(app, &file, false).await?;
    let mut told: Vec<(String, String)> = lines.into_iter().filter_map(|line| Some((line.what, line.told?))).collect();
    let desk = Desk::of(app, DEMO).await?;
    let password = mint::handle();
    let claims = json!({
        "name": "Alice Example", "given_name": "Alice", "family_name": "Example", "email": "alice@demo.example",
        "email_verified": true, "locale": "en", "zoneinfo": "Europe/Berlin"
    });
    let wanted = user::Wanted {
        username: "alice".to_owned(),
        claims: claims.as_object().cloned().unwrap_or_default(),
        password: Some(Zeroizing::new(password.clone())),
        password_hash: None,
    };
    user::put(&desk, "alice", &wanted, false).await?;
    told.push(("demo/user/alice".to_owned(), format!("password {password} (shown this once)")));
    Ok(told)
}

/// The playground's own client, at every start: its redirect URI follows the address of the server.
async fn put_playground(app: &Arc<App>) -> Result<(), SetupError> {
    let desk = Desk::of(app, DEMO).await?;
    let playground = json!({
        "client_name": "Playground", "application_type": "web", "token_endpoint_auth_method": "none",
        "redirect_uris": [desk.tenant.at("playground/callback")],
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile email offline_access read write",
    });
    if let Value::Object(metadata) = playground {
        let wanted = crate::admin::client::wanted(&desk, "playground", "playground", &metadata, None)?;
        crate::admin::client::put(&desk, &wanted, false).await?;
    }
    Ok(())
}

async fn announce(
    app: &Arc<App>,
    config: &Config,
    bound: SocketAddr,
    (as_json, dev): (bool, bool),
    told: &[(String, String)],
) -> Result<(), SetupError> {
    if as_json {
        keep::say_json(&json!({ "event": "listening", "listen": bound.to_string(), "public_url": app.origin }));
        for (what, text) in told {
            keep::say_json(&json!({ "event": "made", "what": what, "told": text }));
        }
    } else {
        keep::say(&format!("Chancery {} answers at {} (listening on {bound})", env!("CARGO_PKG_VERSION"), app.origin));
    }
    if !dev {
        return Ok(());
    }
    let desk = Desk::of(app, DEMO).await?;
    let issuer = &desk.tenant.issuer;
    let link = match desk.store.has_administrator().await.map_err(AdminError::from)? {
        true => None,
        false => Some(super::oversee::admin_link(&desk).await?),
    };
    if as_json {
        keep::say_json(&json!({ "event": "development", "issuer": issuer, "admin_link": link }));
        return Ok(());
    }
    keep::say("");
    keep::say(&format!("  start here    {}/start", app.origin));
    keep::say(&format!("  issuer        {issuer}"));
    keep::say(&format!("  playground    {issuer}/playground"));
    keep::say(&format!("  caught mail   {}/dev/mail", app.origin));
    if let Some(link) = link {
        keep::say(&format!("  administrator {link}"));
        keep::say("                (a page that makes the first one; the link works once, for a day)");
    }
    if !told.is_empty() {
        keep::say("");
        keep::say("  Made at this first start:");
        for (what, text) in told {
            keep::say(&format!("    {what}: {text}"));
        }
    }
    keep::say("");
    keep::say(&format!("  From a second terminal: chancery try code --tenant {DEMO}"));
    keep::say(&format!("  Data is in {}. Stop with Ctrl-C.", config.database.url));
    Ok(())
}

fn open_browser(address: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if let Err(error) = std::process::Command::new(opener).arg(address).spawn() {
        tracing::info!(error = %error, "the browser could not be opened");
    }
}
