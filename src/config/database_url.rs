//! Where the rows live, as a URL whose password is never shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

/// Query parameters that are shown; the value of any other is hidden.
const SHOWN_PARAMETERS: &[&str] = &[
    "application_name",
    "cache",
    "dbname",
    "host",
    "hostaddr",
    "immutable",
    "mode",
    "port",
    "ssl-mode",
    "ssl-root-cert",
    "sslmode",
    "sslrootcert",
    "user",
];

/// A database URL: `sqlite://…` or `postgres://…`.
///
/// `Debug` and `Display` hide the password; `expose` gives the whole text.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// The exact text, secret included.
    text: String,
    /// The text with secrets replaced.
    redacted: String,
    /// Which engine the scheme names.
    engine: Engine,
}

/// The engines that hold rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, inside this process.
    Sqlite,
    /// PostgreSQL, or an engine that speaks its protocol.
    Postgres,
}

/// Why a text is not a database URL. Never holds the text: it may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// The scheme is neither `sqlite` nor `postgres`.
    #[error("does not begin with sqlite:// or postgres://")]
    Scheme,
    /// `sqlite://` without a path.
    #[error("names no file")]
    NoFile,
    /// In memory every connection would have a database of its own.
    #[error("is in memory, where every connection would have a database of its own: name a file")]
    Memory,
    /// Not a URL, or with characters that must be percent-encoded in its password.
    #[error("is not a readable postgres:// URL")]
    NotUrl,
}

impl DatabaseUrl {
    /// The whole URL with its password, for the driver only.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The engine that the scheme names.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Path of the SQLite file; `None` for PostgreSQL.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.text.strip_prefix("sqlite://")?.split('?').next()?;
        let path = percent_decode_str(path).decode_utf8().ok()?;
        Some(PathBuf::from(path.as_ref()))
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return sqlite(text, rest);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseUrlError::Scheme);
        }
        let url = Url::parse(text).map_err(|_| DatabaseUrlError::NotUrl)?;
        // A '/', '?' or '#' that was not encoded in a password ends the host early and
        // would put the rest of the password where it is shown.
        if url.path().contains('@') || url.query().is_some_and(|query| query.contains('@')) || url.fragment().is_some()
        {
            return Err(DatabaseUrlError::NotUrl);
        }
        Ok(Self { text: text.to_owned(), redacted: redacted(&url), engine: Engine::Postgres })
    }
}

/// A SQLite URL, given what follows `sqlite:`.
fn sqlite(text: &str, rest: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    let path = match rest.strip_prefix("//") {
        Some(path) => path,
        None if rest.starts_with(":memory:") => return Err(DatabaseUrlError::Memory),
        None => return Err(DatabaseUrlError::Scheme),
    };
    let (file, query) = path.split_once('?').map_or((path, None), |(file, query)| (file, Some(query)));
    if file.is_empty() {
        return Err(DatabaseUrlError::NoFile);
    }
    if file == ":memory:" || query.is_some_and(|query| query.contains("mode=memory")) {
        return Err(DatabaseUrlError::Memory);
    }
    Ok(DatabaseUrl {
        text: text.to_owned(),
        redacted: format!("sqlite://{file}{}", query.map(shown_query).unwrap_or_default()),
        engine: Engine::Sqlite,
    })
}

/// The PostgreSQL URL without its password and without parameters that may be secret.
fn redacted(url: &Url) -> String {
    let mut text = format!("{}://{}", url.scheme(), url.username());
    if url.password().is_some() {
        text.push_str(":[secret]");
    }
    if !url.username().is_empty() || url.password().is_some() {
        text.push('@');
    }
    text.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        text.push_str(&format!(":{port}"));
    }
    text.push_str(url.path());
    text.push_str(&url.query().map(shown_query).unwrap_or_default());
    text
}

/// The query with its `?`, values hidden unless the parameter is known to be harmless.
fn shown_query(query: &str) -> String {
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if SHOWN_PARAMETERS.contains(&name) => pair.to_owned(),
            Some((name, _)) => format!("{name}=[secret]"),
            None => "[secret]".to_owned(),
        })
        .collect();
    format!("?{}", pairs.join("&"))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.redacted)
    }
}
