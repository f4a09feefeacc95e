//! People, as an administrator sees them.

use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{AdminError, Desk, Effect};
use crate::mint;
use crate::password_pool::{PoolError, Verdict};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::claims_request::standard_claims;
use crate::protocol::identifiers::{ClientId, UserId};
use crate::protocol::user::{User, UserStatus};
use crate::sign_in::identifier;
use crate::store::StoreError;
use crate::store::users::UserDraft;

/// Shortest password that an administrator may set, in characters.
const MIN_PASSWORD: usize = 8;
/// Longest password, in characters.
const MAX_PASSWORD: usize = 128;

/// A person as they should be.
#[derive(Debug)]
pub struct Wanted {
    /// The user name, as it is shown.
    pub username: String,
    /// The claims.
    pub claims: Map<String, Value>,
    /// The password.
    pub password: Option<Zeroizing<String>>,
    /// Or its PHC string.
    pub password_hash: Option<String>,
}

/// The members that a person may have in a file besides `username`, `password`, `password_hash` and `absent`.
pub fn known_claims() -> Vec<&'static str> {
    standard_claims().filter(|claim| *claim != "preferred_username").collect()
}

/// Checks the types of the claims (OpenID Connect Core §5.1).
///
/// # Errors
/// The claim that is wrong.
pub fn check_claims(place: &str, claims: &Map<String, Value>) -> Result<(), AdminError> {
    for (name, value) in claims {
        let fits = match name.as_str() {
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" => value.as_i64().is_some_and(|at| at >= 0),
            "address" => value.is_object(),
            _ => value.as_str().is_some_and(|text| !text.is_empty() && text.len() <= 1024),
        };
        if !fits {
            return Err(AdminError::input(
                format!("{place}.{name}"),
                "is not of the type that OpenID Connect Core 5.1 gives it",
            ));
        }
    }
    Ok(())
}

/// Checks a password's length.
///
/// # Errors
/// Too short or too long.
pub fn check_password(place: &str, password: &str) -> Result<(), AdminError> {
    let length = password.chars().count();
    if (MIN_PASSWORD..=MAX_PASSWORD).contains(&length) {
        return Ok(());
    }
    Err(AdminError::input(place, format!("must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")))
}

/// Makes the person as wanted, or changes them into that.
///
/// # Errors
/// The user name or mail address is taken or impossible, or the database failed.
pub async fn put(desk: &Desk, place: &str, wanted: &Wanted, plan: bool) -> Result<Effect, AdminError> {
    if let Some(hash) = &wanted.password_hash {
        // A hash that could never be verified would lock the person out without a word.
        let tried = desk.app.passwords.verify(Zeroizing::new(String::new()), Some(Arc::from(hash.as_str()))).await;
        if let Err(error @ PoolError::StoredHash(_)) = tried {
            return Err(AdminError::input(format!("{place}.password_hash"), error));
        }
    }
    let username = identifier::normalise(&wanted.username)
        .map_err(|error| AdminError::input(format!("{place}.username"), error))?;
    let Some((current, record)) = desk.store.user_to_sign_in(&username).await? else {
        if !plan {
            create(desk, place, wanted, (username, false)).await?;
        }
        return Ok(Effect::Created);
    };
    if identifier::normalise(&current.username).ok().as_deref() != Some(username.as_str()) {
        return Err(AdminError::input(format!("{place}.username"), "is the mail address of another person"));
    }
    let mut changed = false;
    if current.claims != wanted.claims {
        changed = true;
        if !plan {
            let user = User { claims: wanted.claims.clone(), ..current.clone() };
            let event = desk.event(AuditKind::UserChanged).user(user.id, user.audit_salt.clone());
            let (old, new) = (email_of(place, &current.claims)?, email_of(place, &wanted.claims)?);
            // A name that is the mail address itself is an identifier already.
            let other = |email: &Option<String>| email.clone().filter(|email| *email != username);
            let (old, new) = (other(&old), other(&new));
            let emails = (old.as_deref(), new.as_deref());
            match desk.store.update_user(&user, emails, desk.audit(&event), desk.now).await {
                Err(StoreError::Duplicate) => return Err(AdminError::Taken(format!("{place}.email"))),
                done => done?,
            };
        }
    }
    let stored = record.map(|record| record.phc);
    let other_password = match (&wanted.password, &wanted.password_hash, &stored) {
        (Some(password), _, Some(phc)) => {
            desk.app.passwords.verify(password.clone(), Some(Arc::from(phc.as_str()))).await? == Verdict::Mismatch
        }
        (None, Some(hash), Some(phc)) => hash != phc,
        (None, None, _) => false,
        (Some(_), _, None) | (None, Some(_), None) => true,
    };
    if other_password {
        changed = true;
        if !plan {
            set_password(desk, &current, phc_of(desk, wanted).await?.as_deref().unwrap_or_default()).await?;
        }
    }
    Ok(if changed { Effect::Changed } else { Effect::Unchanged })
}

/// The mail address of the claims, as it serves to sign in.
fn email_of(place: &str, claims: &Map<String, Value>) -> Result<Option<String>, AdminError> {
    let email = claims.get("email").and_then(Value::as_str).map(identifier::normalise);
    email.transpose().map_err(|error| AdminError::input(format!("{place}.email"), error))
}

async fn phc_of(desk: &Desk, wanted: &Wanted) -> Result<Option<String>, AdminError> {
    match (&wanted.password, &wanted.password_hash) {
        (Some(password), _) => Ok(Some(desk.app.passwords.hash(password.clone()).await?)),
        (None, hash) => Ok(hash.clone()),
    }
}

/// Makes a person.
///
/// # Errors
/// A login identifier is taken, or the database failed.
pub async fn create(
    desk: &Desk,
    place: &str,
    wanted: &Wanted,
    (username, administrator): (String, bool),
) -> Result<UserId, AdminError> {
    let email = email_of(place, &wanted.claims)?;
    let user = User {
        id: UserId(mint::opaque_id()),
        status: UserStatus::Active,
        username: wanted.username.trim().to_owned(),
        claims: wanted.claims.clone(),
        created_at: desk.now,
        audit_salt: Some(mint::bytes::<16>().to_vec()),
    };
    let event = desk.event(AuditKind::UserCreated).user(user.id, user.audit_salt.clone());
    let id = user.id;
    let draft = UserDraft {
        user,
        email: email.filter(|email| *email != username),
        username,
        phc: phc_of(desk, wanted).await?,
        administrator,
    };
    if desk.store.add_user(&draft, desk.audit(&event), desk.now).await? {
        return Ok(id);
    }
    Err(AdminError::Taken(format!("{place}: the user name or mail address")))
}

/// Sets a password by its PHC string.
///
/// # Errors
/// The database failed.
pub async fn set_password(desk: &Desk, user: &User, phc: &str) -> Result<(), AdminError> {
    let event = desk.event(AuditKind::PasswordChanged).user(user.id, user.audit_salt.clone());
    Ok(desk.store.set_password(user.id, phc, desk.audit(&event), desk.now).await?)
}

/// Finds a person by user name or mail address.
///
/// # Errors
/// There is nobody of that name.
pub async fn find(desk: &Desk, username: &str) -> Result<User, AdminError> {
    let missing = || AdminError::Missing(format!("user {username} in tenant {}", desk.tenant.slug));
    let identifier = identifier::normalise(username).map_err(|_| missing())?;
    desk.store.user_to_sign_in(&identifier).await?.map(|(user, _)| user).ok_or_else(missing)
}

/// Switches an account on or off.
///
/// # Errors
/// There is nobody of that name.
pub async fn set_status(desk: &Desk, username: &str, status: UserStatus) -> Result<Effect, AdminError> {
    let user = find(desk, username).await?;
    if user.status == status {
        return Ok(Effect::Unchanged);
    }
    let kind = match status {
        UserStatus::Active => AuditKind::UserEnabled,
        UserStatus::Disabled => AuditKind::UserDisabled,
    };
    let event = desk.event(kind).user(user.id, user.audit_salt.clone());
    desk.store.set_user_status(user.id, status, desk.audit(&event), desk.now).await?;
    Ok(Effect::Changed)
}

/// Withdraws what a person allowed a client.
///
/// # Errors
/// There is nobody of that name.
pub async fn revoke_consent(desk: &Desk, username: &str, client: &ClientId) -> Result<(), AdminError> {
    let user = find(desk, username).await?;
    let event = desk.event(AuditKind::ConsentWithdrawn).client(client).user(user.id, user.audit_salt.clone());
    Ok(desk.store.revoke_consent(user.id, client, desk.audit(&event), desk.now).await?)
}
