//! From settings to a running application: the one way, for the server and for every other verb.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::keep;
use crate::admin::AdminError;
use crate::call::{App, Parts};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError, Flag, Loaded, Mode, Sources};
use crate::outbound::{Fetcher, OutboundError, OutboundSettings};
use crate::password_pool::{self, PasswordPool, PoolError};
use crate::seal::RootSecret;
use crate::store::{DatabaseSettings, MigrationState, OpenError, Store};

/// Why nothing runs: what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The settings.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The database.
    #[error("{0}")]
    Database(#[from] OpenError),
    /// The threads for passwords.
    #[error("{0}")]
    Passwords(#[from] PoolError),
    /// The way out.
    #[error("{0}")]
    Outbound(#[from] OutboundError),
    /// A file.
    #[error("{path}: {problem}")]
    File {
        /// Which.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An administrator's wish.
    #[error("{0}")]
    Admin(#[from] AdminError),
    /// Anything else, said in whole sentences.
    #[error("{0}")]
    Other(String),
}

impl SetupError {
    /// A problem with a file.
    pub fn file(path: &Path, problem: impl std::fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), problem: problem.to_string() }
    }
}

/// Reads the settings.
///
/// # Errors
/// All problems at once.
pub fn load(config: Option<PathBuf>, listen: Option<String>, mode: Mode) -> Result<Loaded, SetupError> {
    let flags = listen.map(|value| Flag { name: "--listen", key: "server.listen", value }).into_iter().collect();
    Ok(config::load(&Sources::of_process(config, flags, mode))?)
}

/// The master key: 32 bytes as base64url, made at the first start.
///
/// # Errors
/// The file cannot be read or made, or does not hold a key.
pub fn master_key(path: &Path) -> Result<RootSecret, SetupError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.map(RootSecret::new).ok_or_else(|| {
                SetupError::file(path, "is no master key: 43 characters of base64url are expected. Restore it from a backup; without it the secrets in the database cannot be read")
            })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_master_key(path),
        Err(error) => Err(SetupError::file(path, format!("{error}. Check keys.master_key_file"))),
    }
}

fn make_master_key(path: &Path) -> Result<RootSecret, SetupError> {
    make_folder(path)?;
    let secret = RootSecret::generate();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = match options.open(path) {
        Ok(file) => file,
        // Another process was first: its key is the key.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return master_key(path),
        Err(error) => return Err(SetupError::file(path, error)),
    };
    let text = format!("{}\n", URL_SAFE_NO_PAD.encode(secret.expose()));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| SetupError::file(path, error))?;
    tracing::warn!(file = %path.display(), "made a new master key: back it up, and give every replica the same file");
    Ok(secret)
}

fn make_folder(path: &Path) -> Result<(), SetupError> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => std::fs::create_dir_all(parent).map_err(|error| SetupError::file(parent, error)),
        None => Ok(()),
    }
}

/// How the database is opened.
pub fn database(config: &Config) -> DatabaseSettings {
    DatabaseSettings {
        url: config.database.url.expose().to_owned(),
        max_connections: config.database.max_connections,
        durable: true,
    }
}

/// Opens everything and puts it together. `origin` is what path issuers are below.
///
/// # Errors
/// Whatever cannot be opened.
pub async fn open(config: &Config, origin: &str, migrate: bool) -> Result<Arc<App>, SetupError> {
    if let Some(file) = config.database.url.sqlite_file() {
        make_folder(&file)?;
    }
    let master = master_key(&config.keys.master_key_file)?;
    let store = Store::open(&database(config), &master, migrate).await?;
    let mut extra_ca = Vec::new();
    for path in &config.outbound.extra_ca {
        extra_ca.push(std::fs::read(path).map_err(|error| SetupError::file(path, error))?);
    }
    let fetcher = Fetcher::new(&OutboundSettings {
        extra_ca,
        allow_networks: config.outbound.allow_networks.clone(),
        timeout: config.outbound.timeout,
        max_bytes: config.outbound.max_bytes,
    })?;
    let passwords = PasswordPool::start(&password_pool::Settings {
        workers: config.passwords.worker_count(),
        memory_kib: config.passwords.memory_kib,
        iterations: config.passwords.iterations,
        parallelism: config.passwords.parallelism,
        max_wait: config.passwords.max_wait,
    })?;
    Ok(Arc::new(App::new(Parts {
        store,
        clock: Clock::System,
        passwords,
        fetcher: Arc::new(fetcher),
        origin: origin.to_owned(),
        dev: config.dev.enabled,
        trusted_proxies: config.server.trusted_proxies.clone(),
    })))
}

/// The application for a verb that is not the server: settings, and the origin as far as it is known.
///
/// # Errors
/// Whatever cannot be opened.
pub async fn open_for_verb(config: Option<PathBuf>) -> Result<(Arc<App>, Config), SetupError> {
    let config = load(config, None, Mode::Serve)?.config;
    let _ = crate::logging::init(config.log.format, "warn");
    let origin = origin_of(&config);
    Ok((open(&config, &origin, config.database.migrate).await?, config))
}

/// The origin of the settings; a server with port 0 has none before it listens.
pub fn origin_of(config: &Config) -> String {
    let mut config = config.clone();
    let bound = config.server.listen;
    config.settle_public_url(bound).map_or_else(|_| "http://localhost".to_owned(), |url| url.origin().to_owned())
}

/// `chancery migrate`.
///
/// # Errors
/// The database does not open, or is newer than this program.
pub async fn migrate(config: Option<PathBuf>, check: bool, json: bool) -> Result<ExitCode, SetupError> {
    let config = load(config, None, Mode::Serve)?.config;
    let state = Store::look_at_steps(&database(&config)).await?;
    match (state, check) {
        (MigrationState::Current, _) => {
            keep::tell(json, &json!({ "migrations": "current" }), "The database is up to date.");
            Ok(ExitCode::SUCCESS)
        }
        (MigrationState::Behind(steps), true) => {
            keep::tell(
                json,
                &json!({ "migrations": "behind", "steps": steps }),
                &format!("{steps} step(s) are missing: run `chancery migrate`."),
            );
            Ok(ExitCode::from(1))
        }
        (MigrationState::Behind(steps), false) => {
            if let Some(file) = config.database.url.sqlite_file() {
                make_folder(&file)?;
            }
            Store::open(&database(&config), &master_key(&config.keys.master_key_file)?, true).await?;
            keep::tell(
                json,
                &json!({ "migrations": "done", "steps": steps }),
                &format!("{steps} step(s) done. The database is up to date."),
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}
