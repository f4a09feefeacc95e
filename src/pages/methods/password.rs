//! Identifier and password. Whoever asks learns nothing about whether an account exists: one text, one status,
//! one hash computed in every case.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Attempt, Method};
use crate::call::Call;
use crate::pages::answer::PageFailure;
use crate::pages::browser::Browser;
use crate::password_pool::{PoolError, Verdict};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::params::Params;
use crate::protocol::secret::SecretHash;
use crate::protocol::user::User;
use crate::sign_in::engine::Notice;
use crate::sign_in::identifier;
use crate::sign_in::throttle::{self, Source};
use crate::store::Change;
use crate::store::users::PasswordRecord;

/// The password method.
pub(super) struct Password;

#[async_trait]
impl Method for Password {
    fn name(&self) -> &'static str {
        "password"
    }

    fn amr(&self) -> &'static str {
        "pwd"
    }

    async fn attempt(&self, call: &Call, browser: &Browser, form: &Params) -> Result<Attempt, PageFailure> {
        let typed =
            form.get("username").map(|typed| typed.chars().take(identifier::MAX_IDENTIFIER).collect::<String>());
        let (Some(username), Some(password)) = (form.get("username"), form.get("password")) else {
            return Ok(Attempt::Refused { notice: Notice::Empty, typed });
        };
        let password = Zeroizing::new(password.to_owned());
        let identifier = identifier::normalise(username).ok();
        // One after the other: attempts side by side would not see each other's failures.
        let turn = call.app.turn(call.tenant.id, identifier.as_deref().unwrap_or(username)).await;
        // Nor does anybody wait longer for that than for a thread.
        let Ok(_held) = timeout(call.app.passwords.max_wait(), turn.lock()).await else {
            tracing::info!("too many sign-ins of one name at once");
            return Ok(Attempt::Refused { notice: Notice::Busy(1), typed });
        };
        let found = match &identifier {
            Some(identifier) => call.store.user_to_sign_in(identifier).await?,
            None => None,
        };
        let Some((user, Some(record))) = found else {
            return stranger(call, identifier.as_deref().unwrap_or(username), password, typed).await;
        };
        let failures = record.failures;
        let source = if browser.knows(call, user.id, record.set_at) { Source::Known } else { Source::Strange };
        let wait = throttle::wait_seconds(failures, record.last_failed_at, source, call.now);
        if wait > 0 {
            tracing::info!(retry_after_seconds = wait, "sign-in slowed");
            return Ok(Attempt::Refused { notice: Notice::SlowDown(wait), typed });
        }
        match verify(call, password.clone(), Some(&record)).await? {
            Err(notice) => Ok(Attempt::Refused { notice, typed }),
            Ok(Verdict::Match { needs_rehash }) if user.is_active() => {
                let rehashed = if needs_rehash { call.app.passwords.hash(password).await.ok() } else { None };
                let change = call.store.password_success(user.id, rehashed.as_deref(), failures > 0);
                Ok(Attempt::Proven { user, change })
            }
            Ok(Verdict::Match { .. } | Verdict::Mismatch) => {
                failed(call, &user, source).await?;
                Ok(Attempt::Refused { notice: Notice::Wrong, typed })
            }
        }
    }
}

/// Somebody who does not exist, or has no password: the same hash, the same counting, the same delays as for a person
/// who does, so that nothing tells the two apart.
async fn stranger(
    call: &Call,
    name: &str,
    password: Zeroizing<String>,
    typed: Option<String>,
) -> Result<Attempt, PageFailure> {
    let key = (call.tenant.id, SecretHash::of(name).bytes().to_vec());
    let (failures, last) = call.app.strangers.get(&key).await.unwrap_or((0, call.now));
    let wait = throttle::wait_seconds(failures, last, Source::Strange, call.now);
    if wait > 0 {
        return Ok(Attempt::Refused { notice: Notice::SlowDown(wait), typed });
    }
    Ok(match verify(call, password, None).await? {
        Ok(_) => {
            tracing::info!("sign-in of an unknown person refused");
            call.app.strangers.insert(key, (failures + 1, call.now)).await;
            Attempt::Refused { notice: Notice::Wrong, typed }
        }
        Err(notice) => Attempt::Refused { notice, typed },
    })
}

/// One hash in every case; a queue that is too long is told apart from a wrong password.
async fn verify(
    call: &Call,
    password: Zeroizing<String>,
    record: Option<&PasswordRecord>,
) -> Result<Result<Verdict, Notice>, PageFailure> {
    let phc = record.map(|record| Arc::from(record.phc.as_str()));
    match call.app.passwords.verify(password, phc).await {
        Ok(verdict) => Ok(Ok(verdict)),
        Err(PoolError::Busy { retry_after_seconds }) => {
            Ok(Err(Notice::Busy(i64::try_from(retry_after_seconds).unwrap_or(i64::MAX))))
        }
        Err(error @ PoolError::StoredHash(_)) => {
            tracing::error!(error = %error, "a stored password cannot be verified");
            Ok(Ok(Verdict::Mismatch))
        }
        Err(error @ (PoolError::TooLong | PoolError::Settings(_) | PoolError::Stopped)) => Err(error.into()),
    }
}

async fn failed(call: &Call, user: &User, source: Source) -> Result<(), PageFailure> {
    let event = call.event(AuditKind::SignInFailed).user(user.id, user.audit_salt.clone()).with("method", "password");
    let audit: Change = call.audit(event);
    Ok(call.store.count_password_failure(user.id, source.most(), audit, call.now).await?)
}
