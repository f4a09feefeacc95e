//! Identifiers: one type each, even if all are texts or UUIDs.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_identifier {
    ($(#[$meta:meta] $name:ident),+ $(,)?) => {$(
        #[$meta]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the canonical text form; `None` for any other spelling.
            pub fn parse(text: &str) -> Option<Self> {
                let id = Uuid::try_parse(text).ok()?;
                (id.hyphenated().to_string() == text).then_some(Self(id))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

uuid_identifier! {
    /// A tenant.
    TenantId,
    /// A person's account in one tenant; also the `sub` of that person (OpenID Connect Core §2).
    UserId,
    /// A session of one person in one browser; also the `sid` claim.
    SessionId,
    /// A grant: what one person allowed one client at one sign-in, and all tokens that came of it.
    GrantId,
}

/// Longest accepted `client_id`, in characters.
pub const MAX_CLIENT_ID: usize = 255;

/// A client identifier (RFC 6749 §2.2): printable ASCII (Appendix A.1), 1 to 255 characters.
///
/// `Stricter:` never the text of a UUID: those are the subjects of people, and the `sub` of a
/// client's own token is its `client_id` (RFC 9068 §5: no collisions between the two).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Reads a client identifier; `None` for anything that cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        let fits = !text.is_empty() && text.len() <= MAX_CLIENT_ID;
        (printable && fits && UserId::parse(text).is_none()).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a client identifier"))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest slug, in characters: it must fit a DNS label.
const MAX_SLUG: usize = 63;

/// A tenant's short name in the path `/t/{slug}`: lower-case letters, digits and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Reads a slug; `None` for anything else, upper case included.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let edges = text.starts_with('-') || text.ends_with('-');
        (plain && !edges && !text.is_empty() && text.len() <= MAX_SLUG).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
