//! The settings of a server: read once, in layers, checked whole.
//!
//! sources ──▶ layers: flat keys, each with its origin ──▶ reader: types and ranges ──▶ Config
//!
//! Built-in defaults < `config/default.toml` < `--config FILE` < environment < flags.
//! Settings of a tenant are not here: they are rows.

mod database_url;
mod layers;
mod problem;
mod public_url;
mod read;
mod reference;
mod sections;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::logging;
use crate::outbound::IpNet;

pub use database_url::{DatabaseUrl, DatabaseUrlError, Engine};
pub use problem::{ConfigError, Origin, Problem};
pub use public_url::{PublicUrl, PublicUrlError, Scheme};
pub use reference::{KeyDoc, reference};

/// The settings file that is read without being named, below the working directory.
pub const DEFAULT_FILE: &str = "config/default.toml";

/// Where settings are looked for.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Where relative paths start; empty means the directory of the process.
    pub working_directory: PathBuf,
    /// The file given by `--config`.
    pub config: Option<PathBuf>,
    /// Environment variables as name and value; those that are no settings are passed over.
    pub environment: Vec<(String, String)>,
    /// Settings given as flags, which win over everything.
    pub flags: Vec<Flag>,
    /// Whether `--dev` is given.
    pub mode: Mode,
}

/// A setting given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag as it is typed, such as `--listen`.
    pub name: &'static str,
    /// The key it sets, such as `server.listen`.
    pub key: &'static str,
    /// Its value as text.
    pub value: String,
}

/// Whether the server runs for real or to be tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For real.
    Serve,
    /// With `--dev`: loopback addresses only, and hooks for tests are allowed.
    Dev,
}

impl Sources {
    /// The sources of this process: its working directory and environment.
    ///
    /// A variable whose value is not UTF-8 is taken with replacement characters,
    /// so that it is refused if it is a setting and ignored if it is not.
    pub fn of_process(config: Option<PathBuf>, flags: Vec<Flag>, mode: Mode) -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        Self {
            working_directory: PathBuf::new(),
            config,
            environment: std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect(),
            flags,
            mode,
        }
    }
}

/// Settings that passed every check, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The origin of each setting by its key; every key of the reference is there.
    pub origins: BTreeMap<String, Origin>,
    /// Each setting's value as text, secrets hidden; in words where it is not set.
    pub values: BTreeMap<String, String>,
}

/// The settings of a server. Each field is explained, with default and range, in `docs/configuration.md`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses and limits.
    pub server: Server,
    /// Serving https directly.
    pub tls: Tls,
    /// Where rows live.
    pub database: Database,
    /// Keys that protect keys.
    pub keys: Keys,
    /// Calling other servers.
    pub outbound: Outbound,
    /// The cost of checking passwords.
    pub passwords: Passwords,
    /// The log on standard error.
    pub log: Log,
    /// The audit log.
    pub audit: Audit,
    /// Trying things out.
    pub dev: Dev,
}

/// `[server]`: addresses and limits.
#[derive(Clone, Debug)]
pub struct Server {
    /// Origin that issuers derive from. `None` only while `listen` is a loopback
    /// address with port 0: then `Config::settle_public_url` after binding.
    pub public_url: Option<PublicUrl>,
    /// Where requests are answered; default 127.0.0.1:8080, port 0 takes a free one.
    pub listen: SocketAddr,
    /// Second address for health, metrics and platform API; default none.
    pub admin_listen: Option<SocketAddr>,
    /// Networks of proxies whose forwarding headers are believed; default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections open at once; default 10000, 1 to 1000000.
    pub max_connections: usize,
    /// Longest time for one request; default 30 s, 1 to 300 s.
    pub request_timeout: Duration,
}

/// `[tls]`: serving https directly.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Certificate and key; `None`, the default, is plain http.
    pub files: Option<TlsFiles>,
    /// Oldest version spoken; default 1.2.
    pub min_version: TlsVersion,
    /// Whether clients are asked for a certificate; default off.
    pub client_certificates: ClientCertificates,
}

/// The two files of a server's certificate. Both existed when the settings were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM certificate chain, the server's own first.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Whether the TLS handshake asks for a client certificate (RFC 8705).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// It does not ask.
    Off,
    /// It asks, and accepts none as well as any; each client's own rule judges it later.
    Optional,
}

/// `[database]`: where rows live.
#[derive(Clone, Debug)]
pub struct Database {
    /// Which database; default `sqlite://chancery-data/chancery.db`. Relative paths start in the working directory.
    pub url: DatabaseUrl,
    /// Connections of this process; default 16, 1 to 500.
    pub max_connections: u32,
    /// Whether `serve` brings the database up to date first; default true.
    pub migrate: bool,
}

/// `[keys]`: keys that protect keys.
#[derive(Clone, Debug)]
pub struct Keys {
    /// File of the key that encrypts secrets and signing keys at rest; default
    /// `chancery-data/master.key`. It need not exist yet.
    pub master_key_file: PathBuf,
}

/// `[outbound]`: calling other servers.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// PEM files of certificate authorities trusted besides the usual ones; default none. They existed when read.
    pub extra_ca: Vec<PathBuf>,
    /// Networks that may be called besides public addresses; default none.
    pub allow_networks: Vec<IpNet>,
    /// Longest time for one call; default 10 s, 1 to 60 s.
    pub timeout: Duration,
    /// Largest answer in bytes; default 524288, 1024 to 16777216.
    pub max_bytes: usize,
}

/// `[passwords]`: the cost of checking passwords (Argon2id, RFC 9106).
#[derive(Clone, Debug)]
pub struct Passwords {
    /// Checks at the same time; default 0, up to 256. Use `worker_count`, which knows what 0 means.
    pub workers: usize,
    /// Memory of one check in KiB; default 19456, 7168 to 1048576.
    pub memory_kib: u32,
    /// Passes over the memory; default 2, 1 to 16. Times `memory_kib` at least 35840.
    pub iterations: u32,
    /// Lanes; default 1, 1 to 16.
    pub parallelism: u32,
    /// Longest wait for a worker; default 5 s, 1 to 60 s.
    pub max_wait: Duration,
}

impl Passwords {
    /// How many checks run at the same time: 0 is one less than there are processor cores, never none.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1)),
            workers => workers,
        }
    }
}

/// `[log]`: the log on standard error.
#[derive(Clone, Debug)]
pub struct Log {
    /// Form of a line; default auto.
    pub format: logging::Format,
    /// What is logged, as `logging::init` takes it; default `info`.
    pub level: String,
}

/// `[audit]`: the audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Time between two seals; default 1000 ms, 100 to 60000 ms.
    pub seal_interval: Duration,
}

/// `[dev]`: trying things out.
#[derive(Clone, Debug)]
pub struct Dev {
    /// Whether the server was started with `--dev`. Not a setting.
    pub enabled: bool,
    /// Operations for tests; default false, true only with `enabled`.
    pub hooks: bool,
}

impl Config {
    /// Whether this server speaks TLS itself.
    pub fn scheme(&self) -> Scheme {
        if self.tls.files.is_some() { Scheme::Https } else { Scheme::Http }
    }

    /// Fills in `server.public_url` once the address is bound, and answers it.
    ///
    /// A URL that is there already stays. Otherwise it is derived from `bound`;
    /// fails with `NotLoopback` if that is not a loopback address with a port,
    /// which cannot be for the address that `server.listen` asked for.
    pub fn settle_public_url(&mut self, bound: SocketAddr) -> Result<PublicUrl, PublicUrlError> {
        let url = match &self.server.public_url {
            Some(url) => url.clone(),
            None => PublicUrl::of_loopback(bound, self.scheme())?,
        };
        self.server.public_url = Some(url.clone());
        Ok(url)
    }
}

/// Reads and checks the settings. An error holds every problem that was found.
///
/// If a whole source cannot be read, its problems and unknown keys are told,
/// but values are not judged: what is missing may stand in that source.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut problems = Vec::new();
    let (mut entries, complete) = layers::gather(sources, &mut problems);
    if !complete {
        return Err(ConfigError { problems });
    }
    layers::read_secret_files(&sources.working_directory, &mut entries, &mut problems);
    let mut reader = read::Reader::new(&entries, &sources.working_directory, &mut problems);
    let config = sections::config(&mut reader, sources.mode);
    match config {
        Some(config) if problems.is_empty() => Ok(loaded(config, &entries)),
        Some(_) | None => Err(ConfigError { problems }),
    }
}

/// Puts every setting's origin and value beside the typed settings.
fn loaded(config: Config, entries: &layers::Entries) -> Loaded {
    let mut origins = BTreeMap::new();
    let mut values = BTreeMap::new();
    for doc in reference() {
        let key = doc.key.to_owned();
        let entry = entries.get(doc.key);
        origins.insert(key.clone(), entry.map_or(Origin::Default, |entry| entry.origin.clone()));
        let value = match entry {
            Some(entry) if !entry.raw.is_empty() => entry.raw.to_string(),
            Some(_) | None => doc.default,
        };
        values.insert(key, value);
    }
    values.insert("database.url".to_owned(), config.database.url.to_string());
    let derived = entries.get("server.public_url").is_none_or(|entry| entry.raw.is_empty());
    if derived {
        let url = config.server.public_url.as_ref().map(PublicUrl::to_string);
        origins.insert("server.public_url".to_owned(), Origin::Derived { from: "server.listen" });
        values.insert("server.public_url".to_owned(), url.unwrap_or_else(|| "known once the port is".to_owned()));
    }
    Loaded { config, origins, values }
}
