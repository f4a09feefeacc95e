//! Turns raw values into types, one setting at a time, and goes on after a problem so that all are told at once.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::layers::{Entries, Raw};
use super::problem::{Origin, Problem};
use super::reference::{self, Accepts};

/// Reads settings out of the layers.
///
/// Each method answers `None` after it has noted a problem. Where a setting may
/// be absent, the inner `Option` says whether it is.
pub(super) struct Reader<'a> {
    /// What the sources gave.
    entries: &'a Entries,
    /// Relative paths of files start here.
    directory: &'a Path,
    /// What was wrong so far.
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// A reader that adds to `problems`.
    pub fn new(entries: &'a Entries, directory: &'a Path, problems: &'a mut Vec<Problem>) -> Self {
        Self { entries, directory, problems }
    }

    /// Whether the setting has a value that is not empty.
    pub fn is_set(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| !entry.raw.is_empty())
    }

    /// Notes a problem of this setting.
    pub fn refuse(&mut self, key: &str, problem: impl Into<String>, hint: impl Into<String>) {
        let origin = self.entries.get(key).map_or(Origin::Default, |entry| entry.origin.clone());
        self.problems.push(Problem { key: Some(key.to_owned()), origin, problem: problem.into(), hint: hint.into() });
    }

    /// A setting that may be absent.
    pub fn maybe<T>(&mut self, key: &'static str) -> Option<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        if !self.is_set(key) {
            return Some(None);
        }
        self.value(key).map(Some)
    }

    /// A setting that always has a value, of a type that is written as text.
    pub fn value<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let raw = self.raw(key)?;
        let (Raw::Text(text) | Raw::Loose(text)) = raw else {
            self.refuse(key, format!("{} is not a text", shown(key, raw)), accepts(key));
            return None;
        };
        text.parse().map_err(|error| self.refuse(key, format!("{} {error}", shown(key, raw)), accepts(key))).ok()
    }

    /// A whole number within the bounds of the table.
    pub fn number<T: TryFrom<u64>>(&mut self, key: &'static str) -> Option<T> {
        let raw = self.raw(key)?;
        let number = match raw {
            Raw::Integer(number) => u64::try_from(*number).ok(),
            Raw::Loose(text) => text.parse().ok(),
            Raw::Text(_) | Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => None,
        };
        let (least, most) = match reference::setting(key).map(|setting| &setting.accepts) {
            Some(Accepts::Number(least, most)) => (*least, *most),
            Some(Accepts::Words(_)) | None => (0, u64::MAX),
        };
        let within =
            number.filter(|number| (least..=most).contains(number)).and_then(|number| T::try_from(number).ok());
        if within.is_none() {
            self.refuse(key, format!("{} is not a whole number within the bounds", shown(key, raw)), accepts(key));
        }
        within
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let raw = self.raw(key)?;
        let value = match raw {
            Raw::Boolean(value) => Some(*value),
            Raw::Loose(text) => text.parse().ok(),
            Raw::Text(_) | Raw::Integer(_) | Raw::List(_) | Raw::Other(_) => None,
        };
        if value.is_none() {
            self.refuse(
                key,
                format!("{} is neither true nor false", shown(key, raw)),
                "write true or false, without quotes in a file",
            );
        }
        value
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let raw = self.raw(key)?;
        let found = match raw {
            Raw::Text(text) | Raw::Loose(text) => words.iter().find(|(word, _)| word == text).map(|(_, value)| *value),
            Raw::Integer(_) | Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => None,
        };
        if found.is_none() {
            self.refuse(key, format!("{} is not one of its values", shown(key, raw)), accepts(key));
        }
        found
    }

    /// A list; in the environment its items stand between commas. `item` makes one, or says why it cannot.
    pub fn list<T>(&mut self, key: &'static str, item: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let Some(raw) = self.entries.get(key).map(|entry| &entry.raw) else {
            return Some(Vec::new());
        };
        let items: Option<Vec<&str>> = match raw {
            Raw::Loose(text) => Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()),
            Raw::List(items) => {
                items.iter().map(|item| if let Raw::Text(text) = item { Some(text.as_str()) } else { None }).collect()
            }
            Raw::Text(_) | Raw::Integer(_) | Raw::Boolean(_) | Raw::Other(_) => None,
        };
        let Some(items) = items else {
            self.refuse(
                key,
                format!("{} is not a list of texts", shown(key, raw)),
                "write [\"one\", \"two\"] in a file, one,two in the environment",
            );
            return None;
        };
        let mut good = Some(Vec::with_capacity(items.len()));
        for text in items {
            match item(text) {
                Ok(value) => {
                    if let Some(list) = &mut good {
                        list.push(value);
                    }
                }
                Err(error) => {
                    self.refuse(key, format!("\"{text}\" {error}"), accepts(key));
                    good = None;
                }
            }
        }
        good
    }

    /// A path that something may be written to later.
    pub fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let path: PathBuf = self.value(key)?;
        Some(self.directory.join(path))
    }

    /// A file that must be there if it is named.
    pub fn maybe_file(&mut self, key: &'static str) -> Option<Option<PathBuf>> {
        let Some(path) = self.maybe::<PathBuf>(key)? else {
            return Some(None);
        };
        let path = self.directory.join(path);
        match present(&path) {
            Ok(()) => Some(Some(path)),
            Err(problem) => {
                self.refuse(key, format!("{} {problem}", path.display()), FILE_HINT);
                None
            }
        }
    }

    /// Files that must all be there.
    pub fn files(&mut self, key: &'static str) -> Option<Vec<PathBuf>> {
        let directory = self.directory;
        self.list(key, |text| {
            let path = directory.join(text);
            present(&path).map(|()| path)
        })
    }

    /// The value of a setting that must have one.
    fn raw(&mut self, key: &'static str) -> Option<&'a Raw> {
        match self.entries.get(key).map(|entry| &entry.raw) {
            Some(raw) if !raw.is_empty() => Some(raw),
            Some(_) => {
                self.refuse(key, "is empty", "give it a value, or remove it to have the default");
                None
            }
            None => {
                self.refuse(key, "has no value", accepts(key));
                None
            }
        }
    }
}

/// What to do about a file that is not there.
const FILE_HINT: &str = "check the path; relative ones start in the working directory";

/// Whether there is a file at the path, in words if not.
fn present(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err("is a directory, not a file".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// The value for a message; a secret is not shown.
fn shown(key: &str, raw: &Raw) -> String {
    match raw {
        _ if reference::setting(key).is_none_or(|setting| setting.secret) => "the value".to_owned(),
        Raw::Text(text) | Raw::Loose(text) => format!("\"{text}\""),
        Raw::Integer(_) | Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => raw.to_string(),
    }
}

/// The hint that tells which values are accepted.
fn accepts(key: &str) -> String {
    match reference::setting(key).map(|setting| &setting.accepts) {
        Some(Accepts::Number(least, most)) => format!("use a whole number from {least} to {most}"),
        Some(Accepts::Words(words)) => format!("use {words}"),
        None => "see docs/configuration.md".to_owned(),
    }
}
