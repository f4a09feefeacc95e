//! The shape of the file for `apply` (CONTRACT), read strictly: an unknown member is an error with its place.

use serde_json::{Map, Value};

use super::AdminError;
use crate::protocol::strict_json;

/// Longest file, in bytes.
const MAX_FILE: usize = 16 * 1024 * 1024;
/// Nested deeper than this, no file makes sense.
const MAX_DEPTH: usize = 32;

/// Reads a file as TOML or JSON, by its ending.
///
/// # Errors
/// It cannot be read as either.
pub fn parse(name: &str, text: &str) -> Result<Map<String, Value>, AdminError> {
    if text.len() > MAX_FILE {
        return Err(AdminError::input(name, "is longer than 16 MiB; split it"));
    }
    if name.ends_with(".json") {
        return strict_json::object(text.as_bytes(), MAX_DEPTH).map_err(|error| AdminError::input(name, error));
    }
    let value: toml::Value = toml::from_str(text).map_err(|error| AdminError::input(name, error))?;
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(AdminError::input(name, "must hold tables")),
    }
}

/// An object at a place, of which every member must be known.
pub struct Section<'a> {
    /// Where it stands.
    pub place: String,
    object: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    /// The object at `place`, with no members but `known` ones (and those that begin with one of `prefixes`).
    ///
    /// # Errors
    /// It is no object, or has an unknown member.
    pub fn of(place: String, value: &'a Value, known: &[&str]) -> Result<Self, AdminError> {
        let object = value.as_object().ok_or_else(|| AdminError::input(&place, "must be an object"))?;
        for name in object.keys() {
            if !known.contains(&name.as_str()) {
                let problem = format!("is not known here; known are {}", known.join(", "));
                return Err(AdminError::input(format!("{place}.{name}"), problem));
            }
        }
        Ok(Self { place, object })
    }

    /// The members themselves.
    pub const fn members(&self) -> &'a Map<String, Value> {
        self.object
    }

    /// A member.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// It is none.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, AdminError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a text")),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// It is missing, or is none.
    pub fn required(&self, name: &str) -> Result<&'a str, AdminError> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// True or false; absent is false.
    ///
    /// # Errors
    /// Anything else.
    pub fn flag(&self, name: &str) -> Result<bool, AdminError> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A list with the place of each entry.
    ///
    /// # Errors
    /// It is none.
    pub fn list(&self, name: &str) -> Result<Vec<(String, &'a Value)>, AdminError> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => {
                Ok(list.iter().enumerate().map(|(at, value)| (format!("{}.{name}[{at}]", self.place), value)).collect())
            }
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }

    /// A secret given in place or by `{name}_file`.
    ///
    /// # Errors
    /// Both are given, or the file cannot be read.
    pub fn secret(&self, name: &str) -> Result<Option<String>, AdminError> {
        let file = format!("{name}_file");
        match (self.text(name)?, self.text(&file)?) {
            (Some(_), Some(_)) => Err(self.wrong(name, &format!("and {file} exclude each other"))),
            (Some(text), None) => Ok(Some(text.to_owned())),
            (None, Some(path)) => {
                let read =
                    std::fs::read_to_string(path).map_err(|error| self.wrong(&file, &format!("{path}: {error}")))?;
                Ok(Some(read.trim_end_matches(['\n', '\r']).to_owned()))
            }
            (None, None) => Ok(None),
        }
    }

    /// A problem with a member.
    pub fn wrong(&self, name: &str, problem: &str) -> AdminError {
        AdminError::input(format!("{}.{name}", self.place), problem)
    }
}
