//! The one policy gate: may this user, at this client, in this tenant, get tokens now?
//!
//! Every grant asks here. A [`Permit`] is the only thing that access tokens are made of, and this is
//! the only place that makes one; so a grant that forgets to ask does not compile.

use super::client::{Client, GrantType};
use super::grant::Allowed;
use super::identifiers::{GrantId, UserId};
use super::user::User;

/// Whether a tenant is open for business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantStatus {
    /// Open.
    Active,
    /// Switched off by the platform: no sign-in and no tokens.
    Suspended,
}

impl TenantStatus {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|status| status.as_str() == text)
    }
}

/// Why nobody gets tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// The tenant is switched off.
    #[error("the tenant is suspended")]
    TenantSuspended,
    /// The client is switched off.
    #[error("the client is disabled")]
    ClientDisabled,
    /// The client did not register for this grant.
    #[error("the client is not registered for {}", .0.as_str())]
    GrantNotRegistered(GrantType),
    /// The grant is for people and the client asks for itself, or the other way round: a fault of ours.
    #[error("{} is not for whom it was asked", .0.as_str())]
    OtherParty(GrantType),
    /// The account is gone.
    #[error("the user no longer exists")]
    UserGone,
    /// The account is switched off.
    #[error("user {0} is disabled")]
    UserDisabled(UserId),
    /// The session in which the person allowed it was ended.
    #[error("the session has ended")]
    SessionEnded,
    /// Grant and user do not belong together: a fault of ours.
    #[error("the grant belongs to another user")]
    OtherUser,
}

/// For whom tokens are asked.
#[derive(Debug)]
pub enum OnBehalfOf<'a> {
    /// A person who allowed it.
    Person {
        /// The grant that it belongs to.
        grant_id: GrantId,
        /// What was allowed.
        allowed: &'a Allowed,
        /// The account, as it is now.
        user: Option<&'a User>,
        /// Whether the grant needs its session alive: it does unless `offline_access` was allowed.
        session_alive: bool,
    },
    /// The client for itself.
    Itself,
}

/// Permission to issue tokens now. Made by [`decide`] alone.
#[derive(Debug)]
pub struct Permit<'a> {
    client: &'a Client,
    person: Option<(GrantId, &'a Allowed, &'a User)>,
}

impl<'a> Permit<'a> {
    /// The client.
    pub const fn client(&self) -> &'a Client {
        self.client
    }

    /// The grant, if a person stands behind it.
    pub fn grant_id(&self) -> Option<GrantId> {
        self.person.map(|(grant_id, _, _)| grant_id)
    }

    /// What the person allowed.
    pub fn allowed(&self) -> Option<&'a Allowed> {
        self.person.map(|(_, allowed, _)| allowed)
    }

    /// The person.
    pub fn user(&self) -> Option<&'a User> {
        self.person.map(|(_, _, user)| user)
    }
}

/// Decides. Anything unknown means no.
///
/// # Errors
/// The first reason against it.
pub fn decide<'a>(
    tenant: TenantStatus,
    client: &'a Client,
    grant: GrantType,
    on_behalf_of: OnBehalfOf<'a>,
) -> Result<Permit<'a>, PolicyRefusal> {
    if tenant != TenantStatus::Active {
        return Err(PolicyRefusal::TenantSuspended);
    }
    if !client.enabled {
        return Err(PolicyRefusal::ClientDisabled);
    }
    if !client.may_use(grant) {
        return Err(PolicyRefusal::GrantNotRegistered(grant));
    }
    match (grant, &on_behalf_of) {
        (GrantType::AuthorizationCode | GrantType::RefreshToken, OnBehalfOf::Person { .. })
        | (GrantType::ClientCredentials, OnBehalfOf::Itself) => {}
        // RFC 6749 §1.3.4, §4.4: for itself a client has its credentials alone; all else carries what a person allowed.
        (GrantType::AuthorizationCode | GrantType::RefreshToken, OnBehalfOf::Itself)
        | (GrantType::ClientCredentials, OnBehalfOf::Person { .. }) => return Err(PolicyRefusal::OtherParty(grant)),
    }
    let OnBehalfOf::Person { grant_id, allowed, user, session_alive } = on_behalf_of else {
        return Ok(Permit { client, person: None });
    };
    let user = user.ok_or(PolicyRefusal::UserGone)?;
    if user.id != allowed.user_id {
        return Err(PolicyRefusal::OtherUser);
    }
    if !user.is_active() {
        return Err(PolicyRefusal::UserDisabled(user.id));
    }
    if !session_alive {
        return Err(PolicyRefusal::SessionEnded);
    }
    Ok(Permit { client, person: Some((grant_id, allowed, user)) })
}
