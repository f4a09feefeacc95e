//! `chancery doctor`: where each setting came from, and whether a deployment stands; what is wrong and how to mend it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::keep;
use super::setup::{self, SetupError};
use crate::config::{Config, Loaded, Mode};
use crate::outbound::{Fetcher, OutboundSettings};
use crate::seal::RootSecret;
use crate::store::{MigrationState, OpenError, Store};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// One finding.
#[derive(Debug)]
pub struct Finding {
    /// The setting, or what else was looked at.
    pub what: &'static str,
    /// Whether nothing is wrong.
    pub fine: bool,
    /// What is so, or what is wrong and how to mend it.
    pub text: String,
}

/// Runs the checks. Exit code 1 if one of them fails.
///
/// # Errors
/// The settings cannot be read.
pub(super) async fn doctor(config: Option<PathBuf>, health: bool, as_json: bool) -> Result<ExitCode, SetupError> {
    let loaded = setup::load(config, None, Mode::Serve)?;
    if health {
        let finding = running(&loaded.config).await;
        keep::tell(as_json, &json!({ "ready": finding.fine, "text": finding.text }), &finding.text);
        return Ok(ExitCode::from(u8::from(!finding.fine)));
    }
    if !as_json {
        settings(&loaded);
    }
    let findings = findings(&loaded.config).await;
    for finding in &findings {
        let mark = if finding.fine { "ok " } else { "BAD" };
        keep::tell(
            as_json,
            &json!({ "check": finding.what, "fine": finding.fine, "text": finding.text }),
            &format!("{mark} {}: {}", finding.what, finding.text),
        );
    }
    Ok(ExitCode::from(u8::from(findings.iter().any(|finding| !finding.fine))))
}

/// Everything that is looked at.
pub async fn findings(config: &Config) -> [Finding; 4] {
    [master_key(config), database(config).await, opening(config).await, running(config).await]
}

fn settings(loaded: &Loaded) {
    for (key, value) in &loaded.values {
        let origin = loaded.origins.get(key).map(ToString::to_string).unwrap_or_default();
        keep::say(&format!("{key} = {value}    ({origin})"));
    }
    keep::say("");
}

fn master_key(config: &Config) -> Finding {
    let path = &config.keys.master_key_file;
    let (fine, text) = if path.exists() {
        match setup::master_key(path) {
            Ok(_) => (true, format!("{} is readable", path.display())),
            Err(error) => (false, error.to_string()),
        }
    } else {
        (true, format!("{} does not exist yet; the first start makes it", path.display()))
    };
    Finding { what: "keys.master_key_file", fine, text }
}

async fn database(config: &Config) -> Finding {
    let missing = config.database.url.sqlite_file().is_some_and(|file| !file.exists());
    let (fine, text) = if missing {
        (true, "the file does not exist yet; the first start makes it".to_owned())
    } else {
        match Store::look_at_steps(&setup::database(config)).await {
            Ok(MigrationState::Current) => (true, "answers, and is up to date".to_owned()),
            Ok(MigrationState::Behind(steps)) => (false, format!("is {steps} step(s) behind: run `chancery migrate`")),
            Err(error) => (false, error.to_string()),
        }
    };
    Finding { what: "database.url", fine, text }
}

/// Whether the master key opens what was sealed in the database. Changes neither.
async fn opening(config: &Config) -> Finding {
    let path = &config.keys.master_key_file;
    let found = |fine, text: String| Finding { what: "master key and database", fine, text };
    let empty = config.database.url.sqlite_file().is_some_and(|file| !file.exists());
    let settings = setup::database(config);
    if empty {
        return found(true, "there is nothing to open yet".to_owned());
    }
    if !matches!(Store::look_at_steps(&settings).await, Ok(MigrationState::Current)) {
        return found(true, "not looked at: the database comes first".to_owned());
    }
    // Without a file any key will do to find out whether one is needed.
    let key = if path.exists() { setup::master_key(path) } else { Ok(RootSecret::generate()) };
    let opened = match key {
        Ok(key) => Store::open(&settings, &key, false).await.map(drop),
        Err(_) => return found(false, "the key cannot be read, so nothing can be opened".to_owned()),
    };
    match opened {
        Ok(()) => found(true, "the key opens the database".to_owned()),
        Err(OpenError::MasterKey) if !path.exists() => {
            let text = "the database was made with a master key, and there is none. Restore the file from a backup before you start the server";
            found(false, text.to_owned())
        }
        Err(error) => found(false, error.to_string()),
    }
}

/// Asks the server at the address of the settings whether it is ready.
async fn running(config: &Config) -> Finding {
    let scheme = if config.tls.files.is_some() { "https" } else { "http" };
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let asked = async {
        // By the name in the certificate where there is one, else by the address.
        let origin = if scheme == "https" { setup::origin_of(config) } else { format!("{scheme}://{address}") };
        let url = Url::parse(&format!("{origin}/readyz")).map_err(|error| error.to_string())?;
        let fetcher = client(config)?;
        let answer = fetcher.get_json(&url, MAX_ANSWER).await.map_err(|error| error.to_string())?;
        if answer.status.is_success() { Ok(url) } else { Err(format!("{url} answers {}", answer.status)) }
    };
    let result: Result<Url, String> = asked.await;
    match result {
        Ok(url) => Finding { what: "server", fine: true, text: format!("{url} is ready") },
        Err(problem) => Finding {
            what: "server",
            fine: false,
            text: format!("no server is ready at server.listen ({address}): {problem}. Start it with `chancery serve`"),
        },
    }
}

/// A client that may reach this machine, which the server's own must not.
fn client(config: &Config) -> Result<Fetcher, String> {
    let mut extra_ca = Vec::new();
    for path in &config.outbound.extra_ca {
        extra_ca.push(std::fs::read(path).map_err(|error| error.to_string())?);
    }
    if let Some(files) = &config.tls.files {
        // A certificate of one's own making vouches for itself here.
        extra_ca.extend(std::fs::read(&files.cert).ok());
    }
    let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
    let settings = OutboundSettings {
        extra_ca,
        allow_networks: everywhere,
        timeout: Duration::from_secs(3),
        max_bytes: MAX_ANSWER,
    };
    Fetcher::new(&settings).map_err(|error| error.to_string())
}
