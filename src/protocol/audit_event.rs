//! Audit events: what happened, to whom, seen from where. Written in the same transaction as the change
//! they record.

use serde_json::{Map, Value};

use super::identifiers::{ClientId, UserId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is told by its name in `as_str`")]
pub enum AuditKind {
    TenantCreated,
    TenantChanged,
    TenantSuspended,
    TenantResumed,
    ClientCreated,
    ClientChanged,
    ClientDeleted,
    ClientAuthenticationFailed,
    UserCreated,
    UserChanged,
    UserDisabled,
    UserEnabled,
    PasswordChanged,
    SignInSucceeded,
    SignInFailed,
    SignedOut,
    SessionEnded,
    ConsentGiven,
    ConsentDenied,
    ConsentWithdrawn,
    CodeIssued,
    CodeRedeemed,
    CodeReused,
    TokenIssued,
    TokenRefreshed,
    TokenRepeated,
    TokenReused,
    TokenRevoked,
    GrantRefused,
    KeyCreated,
    KeyRotated,
    AdminLinkCreated,
    AdministratorCreated,
    InitialAccessTokenCreated,
    AuditAccepted,
}

impl AuditKind {
    /// The name in the trail: subject, then what happened to it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantCreated => "tenant.created",
            Self::TenantChanged => "tenant.changed",
            Self::TenantSuspended => "tenant.suspended",
            Self::TenantResumed => "tenant.resumed",
            Self::ClientCreated => "client.created",
            Self::ClientChanged => "client.changed",
            Self::ClientDeleted => "client.deleted",
            Self::ClientAuthenticationFailed => "client.authentication_failed",
            Self::UserCreated => "user.created",
            Self::UserChanged => "user.changed",
            Self::UserDisabled => "user.disabled",
            Self::UserEnabled => "user.enabled",
            Self::PasswordChanged => "password.changed",
            Self::SignInSucceeded => "sign_in.succeeded",
            Self::SignInFailed => "sign_in.failed",
            Self::SignedOut => "session.signed_out",
            Self::SessionEnded => "session.ended",
            Self::ConsentGiven => "consent.given",
            Self::ConsentDenied => "consent.denied",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::CodeIssued => "code.issued",
            Self::CodeRedeemed => "code.redeemed",
            Self::CodeReused => "code.reused",
            Self::TokenIssued => "token.issued",
            Self::TokenRefreshed => "token.refreshed",
            Self::TokenRepeated => "token.repeated",
            Self::TokenReused => "token.reused",
            Self::TokenRevoked => "token.revoked",
            Self::GrantRefused => "grant.refused",
            Self::KeyCreated => "key.created",
            Self::KeyRotated => "key.rotated",
            Self::AdminLinkCreated => "admin_link.created",
            Self::AdministratorCreated => "administrator.created",
            Self::InitialAccessTokenCreated => "initial_access_token.created",
            Self::AuditAccepted => "audit.accepted",
        }
    }
}

/// The person that an event is about.
#[derive(Clone, Debug)]
pub struct AuditSubject {
    /// Who.
    pub user_id: UserId,
    /// The salt of the person: without it, what is hashed can no longer be tied to anybody.
    pub salt: Option<Vec<u8>>,
}

/// One event.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// The client, if one took part.
    pub client_id: Option<ClientId>,
    /// The person, if one took part.
    pub subject: Option<AuditSubject>,
    /// Facts that are nobody's personal data.
    pub data: Map<String, Value>,
    /// Facts about the person: address, browser.
    pub personal: Map<String, Value>,
    /// The reference of the request, as in its log line and on its error page.
    pub reference: String,
}

impl AuditEvent {
    /// An event with nothing but its kind and reference.
    pub fn new(kind: AuditKind, reference: &str) -> Self {
        Self {
            kind,
            client_id: None,
            subject: None,
            data: Map::new(),
            personal: Map::new(),
            reference: reference.to_owned(),
        }
    }

    /// With the client.
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.client_id = Some(id.clone());
        self
    }

    /// With the person.
    #[must_use]
    pub fn user(mut self, user_id: UserId, salt: Option<Vec<u8>>) -> Self {
        self.subject = Some(AuditSubject { user_id, salt });
        self
    }

    /// With a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// With a fact about the person.
    #[must_use]
    pub fn personal(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.personal.insert(name.to_owned(), value.into());
        self
    }
}
