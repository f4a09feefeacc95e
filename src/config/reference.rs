//! The one table of settings: reading, error messages and `docs/configuration.md` come from it.

use std::fmt;

use super::layers;
use super::problem::Origin;

/// How environment variables that are settings begin.
pub(super) const ENV_PREFIX: &str = "CHANCERY_";

/// One setting as an admin knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// Key in a file: section, dot, name.
    pub key: &'static str,
    /// Environment variable that sets it.
    pub env: String,
    /// Its default as text, or in words what holds if it is not set.
    pub default: String,
    /// The values it accepts, in words.
    pub values: String,
    /// What it does, its unit included.
    pub meaning: &'static str,
}

/// Every setting, in the order of `config/default.toml`.
pub fn reference() -> Vec<KeyDoc> {
    let (defaults, _) = layers::builtin();
    SETTINGS
        .iter()
        .map(|setting| KeyDoc {
            key: setting.key,
            env: setting.env(),
            default: defaults.get(setting.key).map_or_else(|| setting.unset.to_owned(), |entry| entry.raw.to_string()),
            values: setting.accepts.to_string(),
            meaning: setting.meaning,
        })
        .collect()
}

/// One row of the table.
pub(super) struct Setting {
    /// Section, dot, name.
    pub key: &'static str,
    /// Which values it takes.
    pub accepts: Accepts,
    /// What holds while it is not set; empty if it always has a value.
    pub unset: &'static str,
    /// Whether its value is hidden, and may be given as `key_file`.
    pub secret: bool,
    /// What it does.
    pub meaning: &'static str,
}

/// The values a setting takes.
pub(super) enum Accepts {
    /// Told in words; its type checks it.
    Words(&'static str),
    /// A whole number within these bounds, both included.
    Number(u64, u64),
}

impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Number(least, most) => write!(f, "{least} to {most}"),
        }
    }
}

impl Setting {
    /// The environment variable: `server.listen` is `CHANCERY_SERVER__LISTEN`.
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.key.replace('.', "__").to_ascii_uppercase())
    }
}

/// The setting with exactly this key.
pub(super) fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The names within a section, empty if there is no such section.
pub(super) fn names_in(section: &str) -> Vec<&'static str> {
    SETTINGS
        .iter()
        .filter_map(|setting| setting.key.split_once('.'))
        .filter(|(head, _)| *head == section)
        .map(|(_, name)| name)
        .collect()
}

/// What was probably meant by an unknown key, in the terms of its source.
pub(super) fn advice(key: &str, origin: &Origin) -> String {
    match (nearest(key), origin) {
        (Some(near), Origin::Environment { .. }) => {
            return format!("did you mean `{}`, {}?", near.key, near.env());
        }
        (Some(near), _) => return format!("did you mean `{}`?", near.key),
        (None, _) => {}
    }
    let section = key.split('.').next().unwrap_or(key);
    let names = names_in(section);
    if names.is_empty() {
        let mut sections: Vec<&str> = SETTINGS.iter().filter_map(|setting| setting.key.split('.').next()).collect();
        sections.dedup();
        return format!("remove it; the sections are {}", sections.join(", "));
    }
    format!("remove it; `{section}` has {}", names.join(", "))
}

/// The known key closest to this one, if a slip of the finger explains the difference.
fn nearest(key: &str) -> Option<&'static Setting> {
    let by_letters = SETTINGS
        .iter()
        .map(|setting| (distance(key, setting.key), setting))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= key.len().div_ceil(4).min(3))
        .map(|(_, near)| near);
    // The right name in the wrong one of our sections, or without any.
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let by_name = || {
        if !section.is_empty() && names_in(section).is_empty() {
            return None;
        }
        let mut same = SETTINGS.iter().filter(|setting| setting.key.rsplit('.').next() == Some(name));
        same.next().filter(|_| same.next().is_none())
    };
    by_letters.or_else(by_name)
}

/// The setting meant by a variable that has no `__`, if single underscores are all that is wrong.
///
/// Such variables are otherwise left alone: Kubernetes sets `CHANCERY_PORT` and
/// more of the kind for a service that is called `chancery`.
pub(super) fn meant_by(variable: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| distance(&setting.env().replace("__", "_"), variable) <= 1)
}

/// Insertions, deletions and substitutions that lead from one text to the other (Levenshtein).
pub(super) fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (place, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let here = (diagonal + usize::from(left != right)).min(before + 1).min(*place + 1);
            diagonal = std::mem::replace(place, here);
            before = here;
        }
        row[0] = line + 1;
    }
    row.last().copied().unwrap_or_default()
}

/// A setting that always has a value.
const fn words(key: &'static str, accepts: &'static str, meaning: &'static str) -> Setting {
    Setting { key, accepts: Accepts::Words(accepts), unset: "", secret: false, meaning }
}

/// A whole number with its bounds.
const fn number(key: &'static str, bounds: (u64, u64), meaning: &'static str) -> Setting {
    Setting { key, accepts: Accepts::Number(bounds.0, bounds.1), unset: "", secret: false, meaning }
}

/// A setting that may be absent.
const fn optional(key: &'static str, accepts: &'static str, unset: &'static str, meaning: &'static str) -> Setting {
    Setting { key, accepts: Accepts::Words(accepts), unset, secret: false, meaning }
}

/// A setting whose value is hidden.
const fn secret(key: &'static str, accepts: &'static str, meaning: &'static str) -> Setting {
    Setting { key, accepts: Accepts::Words(accepts), unset: "", secret: true, meaning }
}

/// Every setting there is.
const SETTINGS: &[Setting] = &[
    optional(
        "server.public_url",
        "an https origin; http for loopback hosts only",
        "derived from `server.listen` if that is loopback, otherwise required",
        "Origin that every issuer derives from, such as `https://id.example.com`: the address people and applications use. Never taken from a request.",
    ),
    words(
        "server.listen",
        "an address and a port, such as `127.0.0.1:8080`",
        "Where requests are answered. Port 0 takes a free port.",
    ),
    optional(
        "server.admin_listen",
        "an address and a port, such as `127.0.0.1:8081`",
        "not set: all on `server.listen`",
        "A second address for health, metrics and the platform API.",
    ),
    words(
        "server.trusted_proxies",
        "a list of networks, such as `10.0.0.0/8`",
        "Proxies whose `Forwarded`, `X-Forwarded-*` and client certificate headers are believed.",
    ),
    number("server.max_connections", (1, 1_000_000), "Connections open at the same time; further ones wait."),
    number("server.request_timeout_seconds", (1, 300), "Seconds after which a request without an answer is given up."),
    optional(
        "tls.cert",
        "the path of a PEM file",
        "not set: plain http",
        "Certificate chain for https, the server's own first.",
    ),
    optional(
        "tls.key",
        "the path of a PEM file",
        "not set: plain http",
        "Private key of the certificate. Both or neither.",
    ),
    words("tls.min_version", "`1.2` or `1.3`", "Oldest TLS version that is spoken."),
    words(
        "tls.client_certificates",
        "`off` or `optional`",
        "Whether clients may show a certificate (RFC 8705). Needs `tls.cert`; behind a proxy, the proxy asks for it.",
    ),
    secret(
        "database.url",
        "`sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`",
        "Where everything is stored: embedded SQLite, or PostgreSQL for several servers. A secret.",
    ),
    optional(
        "database.url_file",
        "a path",
        "not set",
        "File that holds `database.url` and nothing else. One of the two.",
    ),
    number(
        "database.max_connections",
        (1, 500),
        "Connections of this server to the database; with SQLite, those that read what is seldom asked.",
    ),
    words("database.migrate", "`true` or `false`", "Whether `serve` brings the database up to date before it answers."),
    words(
        "keys.master_key_file",
        "a path",
        "Key that encrypts signing keys and stored secrets. Keep a copy apart from the database.",
    ),
    words(
        "outbound.extra_ca",
        "a list of paths of PEM files",
        "Certificate authorities trusted besides the usual ones when this server calls others.",
    ),
    words(
        "outbound.allow_networks",
        "a list of networks, such as `10.0.0.0/8`",
        "Networks that may be called besides public addresses, for applications inside your own network.",
    ),
    number("outbound.timeout_seconds", (1, 60), "Seconds that one call to another server may take."),
    number("outbound.max_bytes", (1_024, 16_777_216), "Bytes accepted in an answer from another server."),
    number(
        "passwords.workers",
        (0, 256),
        "Passwords checked at the same time; 0 is one less than there are processor cores.",
    ),
    number(
        "passwords.memory_kib",
        (7_168, 1_048_576),
        "Argon2id memory for one password, in KiB. Memory times iterations must be at least 35840.",
    ),
    number("passwords.iterations", (1, 16), "Argon2id passes over that memory."),
    number("passwords.parallelism", (1, 16), "Argon2id lanes."),
    number(
        "passwords.max_wait_seconds",
        (1, 60),
        "Seconds a sign-in may wait for a worker before it is told to come back later.",
    ),
    words(
        "log.format",
        "`auto`, `pretty` or `json`",
        "Form of the log on standard error. `auto` is pretty on a terminal, otherwise JSON.",
    ),
    words(
        "log.level",
        "`error`, `warn`, `info`, `debug`, `trace`, or a list such as `warn,chancery=debug`",
        "How much is logged. Below `info`, only this server's own lines are written, never those of libraries.",
    ),
    number("audit.seal_interval_milliseconds", (100, 60_000), "Milliseconds between two seals of the audit log."),
    words("dev.hooks", "`true` or `false`", "Operations for tests. Refused unless the server runs with `--dev`."),
];
