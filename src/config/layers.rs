//! The layers under the settings: each source is read into flat keys, a later one replaces an earlier one.
//!
//! built-in defaults < config/default.toml < --config FILE < environment < flags

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};
use super::reference::{self, ENV_PREFIX};
use super::{DEFAULT_FILE, Sources};

/// The built-in defaults, as text.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// A settings or secret file larger than this many bytes is somebody's mistake.
const FILE_LIMIT: u64 = 256 * 1024;

/// A value as its source wrote it.
#[derive(Clone, PartialEq)]
pub(super) enum Raw {
    /// Text of a TOML file.
    Text(String),
    /// Text of the environment or a flag: the setting decides its type.
    Loose(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Raw>),
    /// Something no setting takes, by the name of its TOML type.
    Other(&'static str),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Loose(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::List(items) if items.is_empty() => f.write_str("[]"),
            Self::List(items) => f.write_str(&items.iter().map(Self::to_string).collect::<Vec<_>>().join(", ")),
            Self::Other(kind) => write!(f, "({kind})"),
        }
    }
}

impl Raw {
    /// Whether this is an empty text, which stands for "not set".
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) | Self::Loose(text) if text.is_empty())
    }
}

/// A value and the source it came from.
#[derive(Clone)]
pub(super) struct Entry {
    /// The value.
    pub raw: Raw,
    /// Its source.
    pub origin: Origin,
}

/// What the sources give together, by key. Holds known keys only.
pub(super) type Entries = BTreeMap<&'static str, Entry>;

/// Reads every source. `false` if one of them could not be read at all: what is
/// missing then says nothing about the settings.
pub(super) fn gather(sources: &Sources, problems: &mut Vec<Problem>) -> (Entries, bool) {
    let (mut entries, found) = builtin();
    problems.extend(found);
    let defaults = entries.clone();
    let mut complete = true;

    let path = Path::new(DEFAULT_FILE);
    match read_limited(&sources.working_directory.join(path)) {
        Ok(text) => complete &= file(path, &text, &mut entries, problems),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            problems.push(unreadable(path, &error));
            complete = false;
        }
    }
    // The file in the working directory is usually an edited copy of the
    // defaults: a value that was not edited is still a default.
    for (key, entry) in &mut entries {
        if let Some(default) = defaults.get(key).filter(|default| default.raw == entry.raw) {
            entry.origin = default.origin.clone();
        }
    }

    if let Some(path) = &sources.config {
        match read_limited(&sources.working_directory.join(path)) {
            Ok(text) => complete &= file(path, &text, &mut entries, problems),
            Err(error) => {
                problems.push(unreadable(path, &error));
                complete = false;
            }
        }
    }
    environment(&sources.environment, &mut entries, problems);
    for flag in &sources.flags {
        let origin = Origin::Flag { name: flag.name };
        admit(flag.key, Entry { raw: Raw::Loose(flag.value.clone()), origin }, &mut entries, problems);
    }
    (entries, complete)
}

/// The built-in defaults, and what is wrong with them: nothing, or a build with a broken file.
pub(super) fn builtin() -> (Entries, Vec<Problem>) {
    let mut entries = Entries::new();
    let mut problems = Vec::new();
    file(Path::new(DEFAULT_FILE), DEFAULTS, &mut entries, &mut problems);
    for entry in entries.values_mut() {
        entry.origin = Origin::Default;
    }
    (entries, problems)
}

/// Reads one TOML text. `false` if it is not TOML.
fn file(path: &Path, text: &str, entries: &mut Entries, problems: &mut Vec<Problem>) -> bool {
    let line_at = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let origin = |offset: usize| Origin::File { path: path.to_owned(), line: line_at(offset) };
    match DeTable::parse(text) {
        Ok(table) => {
            let mut found = Vec::new();
            flatten("", table.get_ref(), &mut found);
            for (key, raw, offset) in found {
                admit(&key, Entry { raw, origin: origin(offset) }, entries, problems);
            }
            true
        }
        Err(error) => {
            problems.push(Problem {
                key: None,
                origin: origin(error.span().map_or(0, |span| span.start)),
                // Not its Display: that shows the line, which may hold a secret.
                problem: format!("is not TOML: {}", error.message()),
                hint: "mend the line; text values stand in double quotes".to_owned(),
            });
            false
        }
    }
}

/// Adds every value below `prefix` with its dotted key and the place of that key in the text.
fn flatten(prefix: &str, table: &DeTable<'_>, found: &mut Vec<(String, Raw, usize)>) {
    for (name, value) in table {
        let key = match prefix {
            "" => name.get_ref().to_string(),
            _ => format!("{prefix}.{}", name.get_ref()),
        };
        match value.get_ref() {
            // An empty section that is known says nothing; an unknown one must be told of.
            DeValue::Table(inner) if !inner.is_empty() || !reference::names_in(&key).is_empty() => {
                flatten(&key, inner, found);
            }
            _ => found.push((key, raw(value), name.span().start)),
        }
    }
}

/// The value in our own few types.
fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    let value = value.get_ref();
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).map_or(Raw::Other("number too large"), Raw::Integer)
        }
        DeValue::Boolean(value) => Raw::Boolean(*value),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Raw::Other(value.type_str()),
    }
}

/// Takes the entry in if its key is known, else says what was probably meant.
fn admit(key: &str, entry: Entry, entries: &mut Entries, problems: &mut Vec<Problem>) {
    if let Some(setting) = reference::setting(key) {
        entries.insert(setting.key, entry);
        return;
    }
    let (problem, hint) = if reference::names_in(key).is_empty() {
        ("is not a setting".to_owned(), reference::advice(key, &entry.origin))
    } else {
        let names = reference::names_in(key).join(", ");
        (
            "is a section, not a setting".to_owned(),
            format!("write `[{key}]` on a line of its own, below it any of {names}"),
        )
    };
    problems.push(Problem { key: Some(key.to_owned()), origin: entry.origin, problem, hint });
}

/// Reads the variables that are settings.
fn environment(variables: &[(String, String)], entries: &mut Entries, problems: &mut Vec<Problem>) {
    for (variable, value) in variables {
        let Some(name) = variable.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let origin = Origin::Environment { variable: variable.clone() };
        if name.contains("__") {
            let key = name.replace("__", ".").to_ascii_lowercase();
            admit(&key, Entry { raw: Raw::Loose(value.clone()), origin }, entries, problems);
        } else if let Some(setting) = reference::meant_by(variable) {
            problems.push(Problem {
                key: Some(setting.key.to_owned()),
                origin,
                problem: "is written with one underscore between section and name".to_owned(),
                hint: format!("write {} with two underscores", setting.env()),
            });
        }
    }
}

/// Puts the content of `…_file` in the place of the secret itself.
pub(super) fn read_secret_files(directory: &Path, entries: &mut Entries, problems: &mut Vec<Problem>) {
    let named: Vec<(&'static str, Entry)> =
        entries.iter().filter(|(_, entry)| !entry.raw.is_empty()).map(|(key, entry)| (*key, entry.clone())).collect();
    for (file_key, named) in named {
        let secret = file_key.strip_suffix("_file").and_then(reference::setting);
        let Some(secret) = secret.filter(|setting| setting.secret) else {
            continue;
        };
        let direct = entries.get(secret.key).filter(|entry| entry.origin != Origin::Default && !entry.raw.is_empty());
        let read = match direct {
            Some(direct) => Err((
                format!("is given together with {} ({})", secret.key, direct.origin),
                "remove one of the two".to_owned(),
            )),
            None => read_secret(directory, secret.key, &named.raw),
        };
        match read {
            Ok(entry) => {
                entries.insert(secret.key, entry);
            }
            Err((problem, hint)) => {
                problems.push(Problem { key: Some(file_key.to_owned()), origin: named.origin, problem, hint })
            }
        }
    }
}

/// The secret in the named file, or what is wrong and what to do.
fn read_secret(directory: &Path, key: &str, named: &Raw) -> Result<Entry, (String, String)> {
    let (Raw::Text(path) | Raw::Loose(path)) = named else {
        let hint = "write the path of the file in double quotes".to_owned();
        return Err(("is not a path".to_owned(), hint));
    };
    let text = read_limited(&directory.join(path)).map_err(|error| {
        let hint = "check that the file exists and that the user running the server may read it";
        (format!("names {path}, which cannot be read: {error}"), hint.to_owned())
    })?;
    let text = text.trim_end();
    if text.is_empty() {
        return Err((format!("names an empty file, {path}"), format!("write {key} into it")));
    }
    Ok(Entry { raw: Raw::Loose(text.to_owned()), origin: Origin::SecretFile { path: PathBuf::from(path) } })
}

/// The whole file as text, up to `FILE_LIMIT`.
fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(FILE_LIMIT + 1).read_to_string(&mut text)?;
    if length as u64 > FILE_LIMIT {
        return Err(io::Error::other(format!("it is larger than {FILE_LIMIT} bytes")));
    }
    Ok(text)
}

/// The problem of a settings file that cannot be read.
fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem {
        key: None,
        origin: Origin::File { path: path.to_owned(), line: 0 },
        problem: format!("cannot be read: {error}"),
        hint: "check the path and that the user running the server may read it".to_owned(),
    }
}
