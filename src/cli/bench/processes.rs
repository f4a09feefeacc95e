//! The processes of a run: the product, as anybody starts it, and the reference, from the same binary; where they
//! keep their data, and on which CPUs they run.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use serde_json::{Value, json};

use super::{REDIRECT_URI, SECRET, certificate, failed, measure};
use crate::cli::SetupError;

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// The person who signs in.
pub(super) const USERNAME: &str = "alice";
/// Her password.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// A server in a process of its own. It ends with this value.
pub(super) struct Process {
    child: Child,
    // Kept, so that the server can say its last words.
    _output: BufReader<ChildStdout>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Milliseconds from its start until it listened.
    pub(super) start_milliseconds: f64,
    /// What it says about itself.
    pub(super) told: Value,
}

impl Process {
    fn start(mut command: Command) -> Result<Self, SetupError> {
        let began = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let output = child.stdout.take().ok_or_else(|| failed("a server has no output"))?;
        let (sender, first) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            let _ = output.read_line(&mut line);
            let _ = sender.send((line, output));
        });
        let Ok((line, output)) = first.recv_timeout(PATIENCE) else {
            end(&mut child);
            return Err(failed("a server does not start"));
        };
        let start_milliseconds = began.elapsed().as_secs_f64() * 1000.0;
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = told.get("listen").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let Some(address) = address else {
            end(&mut child);
            return Err(failed("a server did not start; its reason stands above"));
        };
        Ok(Self { child, _output: output, address, start_milliseconds, told })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Which CPUs the servers and the load run on. `None` where there is but one, or no `taskset`.
#[derive(Clone, Debug)]
pub(super) struct Cpus {
    servers: Vec<String>,
    load: String,
}

impl Cpus {
    /// The last one for the load, the last two where there are four; the others for servers.
    pub(super) fn split() -> Option<Self> {
        let allowed: Vec<String> = measure::allowed_cpus().iter().map(usize::to_string).collect();
        let (servers, load) = allowed.split_at(allowed.len().saturating_sub(if allowed.len() > 3 { 2 } else { 1 }));
        let known = Command::new("taskset")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        (known && !servers.is_empty()).then(|| Self { servers: servers.to_vec(), load: load.join(",") })
    }

    /// Puts this process, the load generator, on its CPUs.
    pub(super) fn take_ours(&self) {
        let pid = std::process::id().to_string();
        let _ = Command::new("taskset").args(["-a", "-p", "-c", &self.load, &pid]).stdout(Stdio::null()).status();
    }

    /// How many the load has.
    pub(super) fn of_load(&self) -> usize {
        self.load.split(',').count()
    }

    /// The one of a server; several servers take them in turn.
    pub(super) fn of_server(&self, number: usize) -> String {
        self.servers.get(number % self.servers.len().max(1)).cloned().unwrap_or_default()
    }

    /// All that servers may have.
    pub(super) fn of_servers(&self) -> &[String] {
        &self.servers
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        format!("server on CPU {}, load on CPU {}", self.of_server(0), self.load)
    }
}

/// A folder that is removed with this value.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new folder in `place`.
    pub(super) fn new(place: &FilePath) -> Result<Self, SetupError> {
        let path = place.join(format!("chancery-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| SetupError::file(&path, error))?;
        Ok(Self(path))
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, SetupError> {
        let path = self.file(name);
        std::fs::write(&path, text).map_err(|error| SetupError::file(&path, error))?;
        Ok(path)
    }

    /// Itself.
    pub(super) fn path(&self) -> &FilePath {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where both servers keep their rows: a database for each.
pub(super) enum Databases {
    /// Files in the folder.
    Sqlite,
    /// Databases that are made for the run on this server.
    Postgres {
        /// Its address.
        url: url::Url,
        /// The connection that makes and removes them.
        admin: DatabaseConnection,
        /// Those that were made.
        made: Mutex<Vec<String>>,
    },
}

impl Databases {
    /// Reads `sqlite` or the address of a PostgreSQL server.
    pub(super) async fn of(text: &str) -> Result<Self, SetupError> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(failed("--database must be `sqlite` or begin with postgres://"));
        }
        let mut options = ConnectOptions::new(text);
        options.max_connections(1).sqlx_logging(false);
        Ok(Self::Postgres {
            url: url::Url::parse(text).map_err(failed)?,
            admin: Database::connect(options).await.map_err(failed)?,
            made: Mutex::default(),
        })
    }

    /// Whether it is a PostgreSQL server.
    pub(super) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// A new database, and its address.
    pub(super) async fn make(&self, folder: &Folder, name: &str) -> Result<String, SetupError> {
        let Self::Postgres { url, admin, made } = self else {
            return Ok(format!("sqlite://{}", folder.file(&format!("{name}.db")).display()));
        };
        let name = format!("chancery_bench_{}_{name}", std::process::id());
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.map_err(|error| {
            failed(format!(
                "{error}. The benchmark makes databases of its own: the user in --database must be allowed to"
            ))
        })?;
        made.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        let mut url = url.clone();
        url.set_path(&name);
        Ok(url.to_string())
    }

    /// Removes all that were made.
    pub(super) async fn remove(&self) {
        let Self::Postgres { admin, made, .. } = self else { return };
        let names = std::mem::take(&mut *made.lock().unwrap_or_else(PoisonError::into_inner));
        for name in names {
            let _ = admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// How the servers are started.
pub(super) struct Launch<'a> {
    /// Where files lie.
    pub(super) folder: &'a Folder,
    /// On which CPUs, as `taskset` names them.
    pub(super) cpus: Option<String>,
    /// Level of the product's log.
    pub(super) log: &'a str,
    /// Whether they speak TLS.
    pub(super) tls: bool,
}

impl Launch<'_> {
    fn command(&self) -> Result<Command, SetupError> {
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = match &self.cpus {
            Some(cpus) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cpus]).arg(program);
                command
            }
            None => Command::new(program),
        };
        // Settings come from here alone.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHANCERY_")) {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).arg("--json");
        Ok(command)
    }

    /// Certificate and key, made once.
    pub(super) fn certificate(&self) -> Result<(PathBuf, PathBuf), SetupError> {
        let (certificate, key) = (self.folder.file("certificate.pem"), self.folder.file("key.pem"));
        if !certificate.exists() {
            let pair = certificate::make()?;
            self.folder.write("certificate.pem", &pair.certificate)?;
            self.folder.write("key.pem", &pair.key)?;
        }
        Ok((certificate, key))
    }

    /// A verb of the product on this database.
    fn verb(&self, verb: &str, database: &str) -> Result<Command, SetupError> {
        let mut command = self.command()?;
        command
            .env("CHANCERY_DATABASE__URL", database)
            .env("CHANCERY_KEYS__MASTER_KEY_FILE", self.master_key())
            .env("CHANCERY_SERVER__LISTEN", "127.0.0.1:0")
            // One address for all replicas; nobody has to find them by it.
            .env(
                "CHANCERY_SERVER__PUBLIC_URL",
                if self.tls { "https://localhost:65535" } else { "http://localhost:65535" },
            )
            .env("CHANCERY_LOG__LEVEL", self.log)
            .arg(verb);
        Ok(command)
    }

    /// The file with the master key of every database of the run.
    pub(super) fn master_key(&self) -> PathBuf {
        self.folder.file("master.key")
    }

    /// The product: [`Launch::apply`], then [`Launch::serve`].
    pub(super) fn product(&self, database: &str) -> Result<Process, SetupError> {
        self.apply(database)?;
        self.serve(database)
    }

    /// `chancery apply`: a database with the one tenant.
    pub(super) fn apply(&self, database: &str) -> Result<(), SetupError> {
        let tenant = self.folder.write("tenant.json", &tenant().to_string())?;
        let mut apply = self.verb("apply", database)?;
        let applied = apply.arg(tenant).stdin(Stdio::null()).output().map_err(failed)?;
        if !applied.status.success() {
            let why = String::from_utf8_lossy(&applied.stderr).trim().to_owned();
            return Err(failed(format!("the tenant of the benchmark cannot be made: {why}")));
        }
        Ok(())
    }

    /// `chancery serve`.
    pub(super) fn serve(&self, database: &str) -> Result<Process, SetupError> {
        let serve = |log: Stdio| {
            let mut serve = self.verb("serve", database)?;
            if self.tls {
                let (certificate, key) = self.certificate()?;
                serve.env("CHANCERY_TLS__CERT", certificate).env("CHANCERY_TLS__KEY", key);
            }
            serve.stderr(log);
            Process::start(serve)
        };
        // The log costs what it costs to write; keeping it is somebody else's work. If the server does not start,
        // once more with its reason.
        serve(Stdio::null()).or_else(|_| serve(Stdio::inherit()))
    }

    /// The reference, which reads its settings from a file.
    pub(super) fn reference(&self, settings: &Value) -> Result<Process, SetupError> {
        let mut command = self.command()?;
        command.args(["bench", "--reference"]).arg(self.folder.write("reference.json", &settings.to_string())?);
        Process::start(command)
    }
}

/// The one tenant, as a document for `chancery apply`.
fn tenant() -> Value {
    let web = |id: &str, opaque: bool| {
        json!({
            "client_id": id, "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access", "first_party": true, "opaque_access_tokens": opaque,
        })
    };
    let machine = |id: &str, opaque: bool| {
        json!({
            "client_id": id, "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"], "scope": "read",
            "opaque_access_tokens": opaque,
        })
    };
    json!({ "tenants": [{
        "slug": "bench", "name": "Bench",
        // Long enough for what is made before it is measured.
        "settings": { "authorization_code_lifetime_seconds": 600, "access_token_lifetime_seconds": 86400 },
        "resources": [{ "resource": "https://api.bench.example", "scopes": ["read"] }],
        "clients": [web("web", false), web("web-opaque", true), machine("machine", false), machine("machine-opaque", true)],
        "users": [{
            "username": USERNAME, "password": PASSWORD, "name": "Alice Example", "given_name": "Alice",
            "family_name": "Example", "email": "alice@bench.example", "email_verified": true,
        }],
    }] })
}
