//! The person, as the protocol sees them: a subject with claims — OpenID Connect Core §2, §5.1.

use serde_json::{Map, Value};

use super::identifiers::UserId;
use super::timestamp::Timestamp;

/// Whether a person may use the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// May sign in and get tokens.
    Active,
    /// May not: switched off by an administrator.
    Disabled,
}

impl UserStatus {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

/// A person's account in one tenant.
#[derive(Clone, Debug)]
pub struct User {
    /// The subject: the same for every client of the tenant (subject type `public`).
    pub id: UserId,
    /// Whether the account may be used.
    pub status: UserStatus,
    /// The name the person signs in with.
    pub username: String,
    /// The standard claims that are known (OpenID Connect Core §5.1), without `sub`.
    pub claims: Map<String, Value>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Random bytes under which personal data in the audit trail is hashed; gone once the person is erased.
    pub audit_salt: Option<Vec<u8>>,
}

impl User {
    /// A claim that is a text.
    pub fn text_claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// What to call the person on a page.
    pub fn display_name(&self) -> &str {
        self.text_claim("name").unwrap_or(&self.username)
    }

    /// Whether the account may be used.
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }
}
