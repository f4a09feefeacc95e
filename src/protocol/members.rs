//! Reading the members of a JSON object strictly: wrong type, wrong form and too long are errors with a name.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

/// Longest text member, in bytes.
const MAX_TEXT: usize = 2048;

/// A member that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct MemberError {
    /// The member's name.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The members of one object; `null` counts as absent.
pub struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    /// Reads from `object`.
    pub const fn new(object: &'a Map<String, Value>) -> Self {
        Self(object)
    }

    /// Whether there is such a member.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// Not a text, empty, or longer than 2048 bytes.
    pub fn text(&self, name: &str) -> Result<Option<String>, MemberError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_TEXT => Ok(Some(text.clone())),
            Some(_) => Err(wrong(name, "must be a text of 1 to 2048 bytes")),
        }
    }

    /// A text that may be empty.
    ///
    /// # Errors
    /// As [`Members::text`], but for the empty one.
    pub fn text_or_nothing(&self, name: &str) -> Result<Option<String>, MemberError> {
        if self.value(name).and_then(Value::as_str) == Some("") { Ok(Some(String::new())) } else { self.text(name) }
    }

    /// A list of texts.
    ///
    /// # Errors
    /// Not such a list, or longer than `most`.
    pub fn texts(&self, name: &str, most: usize) -> Result<Option<Vec<String>>, MemberError> {
        let texts = self.any_texts(name, most)?;
        if texts.iter().flatten().any(|text| text.is_empty() || text.len() > MAX_TEXT) {
            return Err(wrong(name, &format!("must be a list of at most {most} texts of 1 to 2048 bytes")));
        }
        Ok(texts)
    }

    /// A list of texts of any length, which another rule looks at.
    ///
    /// # Errors
    /// Not such a list, or longer than `most`.
    pub fn any_texts(&self, name: &str, most: usize) -> Result<Option<Vec<String>>, MemberError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let list = value.as_array().filter(|list| list.len() <= most);
        let texts = list.and_then(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| wrong(name, &format!("must be a list of at most {most} texts")))
    }

    /// True or false.
    ///
    /// # Errors
    /// Anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, MemberError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(wrong(name, "must be true or false")),
        }
    }

    /// A whole number from 0 on.
    ///
    /// # Errors
    /// Anything else.
    pub fn whole_number(&self, name: &str) -> Result<Option<i64>, MemberError> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) if number >= 0 => Ok(Some(number)),
                _ => Err(wrong(name, "must be a whole number, 0 or more")),
            },
        }
    }

    /// An object.
    ///
    /// # Errors
    /// Anything else.
    pub fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, MemberError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(wrong(name, "must be a JSON object")),
        }
    }

    /// One of the values of a closed list.
    ///
    /// # Errors
    /// Anything else.
    pub fn choice<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, MemberError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|_| wrong(name, "is not one of the known values"))
    }

    /// An `https` address, or `http` to a loopback host, that a person may follow.
    ///
    /// # Errors
    /// Anything else.
    pub fn web_uri(&self, name: &str) -> Result<Option<String>, MemberError> {
        self.uri(name, &["https", "http"])
    }

    /// An `https` address.
    ///
    /// # Errors
    /// Anything else.
    pub fn https_uri(&self, name: &str) -> Result<Option<String>, MemberError> {
        self.uri(name, &["https"])
    }

    fn uri(&self, name: &str, schemes: &[&str]) -> Result<Option<String>, MemberError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let printable = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        let url = Url::parse(&text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
        let local = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.filter(|url| url.scheme() == "https" || local(url)) {
            Some(url) if printable && url.username().is_empty() && url.password().is_none() => Ok(Some(text)),
            _ => Err(wrong(name, &format!("must be an absolute {} address", schemes.join(" or ")))),
        }
    }
}

fn wrong(name: &str, problem: &str) -> MemberError {
    MemberError { name: name.to_owned(), problem: problem.to_owned() }
}
