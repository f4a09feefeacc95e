//! JSON as it must be read before a signature can mean anything — RFC 8259 §4 and §8.1,
//! RFC 7515 §4 and §10.12, RFC 7519 §4, RFC 8725 §3.7.
//!
//! `serde_json` alone keeps the last of two members with one name, and another reader may
//! keep the first: then the two sides have not read the same token.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why bytes were not one JSON object. The texts never quote the input.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Something else than `{` stands first: an array, a text, or a byte order mark.
    #[error("not a JSON object")]
    NotAnObject,
    /// The source tells which, and at which line and column.
    #[error("not UTF-8, not JSON, a member name twice, or nested too deeply")]
    Unreadable(#[source] serde_json::Error),
}

/// Reads exactly one JSON object in UTF-8, its member names unique on every level.
///
/// `max_depth` counts the levels of objects and arrays, the outermost one included.
/// The size of `bytes` is the caller's to limit.
///
/// # Errors
/// [`JsonError`]; nothing of a faulty object is returned.
pub fn object(bytes: &[u8], max_depth: usize) -> Result<Map<String, Value>, JsonError> {
    // RFC 8259 §8.1: UTF-8 without a byte order mark, so the object begins with its brace.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(JsonError::NotAnObject);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { levels: max_depth }.deserialize(&mut reader).map_err(JsonError::Unreadable)?;
    // Nothing may follow the object.
    reader.end().map_err(JsonError::Unreadable)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError::NotAnObject),
    }
}

/// A reader of one value that may still open `levels` levels.
#[derive(Clone, Copy)]
struct Strict {
    levels: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        levels.map(|levels| Self { levels }).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let item = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = items.next_element_seed(item)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let member = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(member)?;
            // RFC 7515 §4, RFC 7519 §4: names are unique, or the whole is refused.
            // Stricter: on the inner levels too.
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a member name twice"));
            }
        }
        Ok(Value::Object(map))
    }
}
