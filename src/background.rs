//! Work that no request waits for: notices of other replicas, the audit chain, key rotation, the end of old rows.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, timeout};

use crate::call::App;
use crate::keys;
use crate::protocol::identifiers::TenantId;
use crate::store::StoreError;
use crate::store::audit::Sealed;

/// How often notices of other replicas are looked for: half of the two seconds within which a revocation must hold (I6).
const NOTICES: Duration = Duration::from_millis(900);
/// How long one round of work may take: the network to the database may have gone silent.
const LONGEST: Duration = Duration::from_secs(300);
/// How many trails are sealed at the same time: a quarter of the connections to PostgreSQL, by default.
const SEALED_TOGETHER: usize = 4;
/// How often old rows are deleted.
const PURGE: Duration = Duration::from_secs(600);
/// How often the age of keys is looked at.
const ROTATION: Duration = Duration::from_secs(3600);

/// Starts all background work; it ends when `stopping` changes.
pub fn start(app: &Arc<App>, seal_interval: Duration, stopping: &watch::Receiver<bool>) {
    repeat(app.clone(), NOTICES, stopping.clone(), |app| async move {
        if let Err(error) = app.directory.catch_up(&app.clock).await {
            tracing::warn!(error = %error, "notices of other replicas cannot be read");
        }
    });
    repeat(app.clone(), seal_interval, stopping.clone(), |app| async move {
        if let Err(error) = seal_audit_trails(&app).await {
            tracing::warn!(error = %error, "the audit trail cannot be sealed; it will be, later");
        }
    });
    repeat(app.clone(), PURGE, stopping.clone(), |app| async move {
        if let Err(error) = app.store.purge(app.clock.now()).await {
            tracing::warn!(error = %error, "old rows cannot be deleted; they will be, later");
        }
    });
    repeat(app.clone(), ROTATION, stopping.clone(), |app| async move {
        if let Err(error) = rotate_old_keys(&app).await {
            tracing::error!(error = %error, "signing keys cannot be rotated");
        }
    });
}

fn repeat<F, Fut>(app: Arc<App>, every: Duration, mut stopping: watch::Receiver<bool>, work: F)
where
    F: Fn(Arc<App>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => if timeout(LONGEST, work(app.clone())).await.is_err() {
                    tracing::warn!("work in the background took too long; it is begun anew");
                },
                _ = stopping.changed() => break,
            }
        }
    });
}

/// Closes blocks over everything that is not sealed yet.
///
/// # Errors
/// A failure of the database.
pub async fn seal_audit_trails(app: &App) -> Result<(), StoreError> {
    // Several at a time: what they write is then committed together.
    stream::iter(app.store.unsealed_tenants().await?)
        .map(|tenant| seal_audit_trail(app, tenant))
        .buffer_unordered(SEALED_TOGETHER)
        .fold(Ok(()), async |result, sealed| result.and(sealed))
        .await
}

async fn seal_audit_trail(app: &App, tenant: TenantId) -> Result<(), StoreError> {
    let store = app.store.of(tenant);
    loop {
        let sealed = store.seal_audit_block(app.clock.now()).await?;
        tell(&sealed);
        if !sealed.more {
            return Ok(());
        }
    }
}

/// What the log says of a block that was closed: the head of the trail once an hour, so that it stands outside of the
/// database too; and an alarm for as long as the trail is not as our servers left it.
fn tell(sealed: &Sealed) {
    let tenant = sealed.slug.as_str();
    if let Some(fault) = sealed.fault {
        tracing::error!(
            tenant,
            fault,
            hint = "run `chancery audit verify`",
            "the audit trail does not end as it should"
        );
    }
    if let Some(head) = &sealed.noted {
        tracing::info!(tenant, head = %head, "the audit trail is sealed");
    }
}

/// Rotates the keys of every tenant that are due.
///
/// # Errors
/// A failure of the database, or a key that cannot be made.
pub async fn rotate_old_keys(app: &App) -> Result<(), keys::KeyError> {
    let mut result = Ok(());
    for slug in app.store.tenants_with_due_keys(app.clock.now()).await? {
        let rotated = async {
            if let Some(tenant) = app.directory.named(&slug).await? {
                keys::rotate_if_due(&tenant, &app.store.of(tenant.id), app.clock.now()).await?;
            }
            Ok::<_, keys::KeyError>(())
        };
        // A tenant that cannot be read is no reason to leave out the others.
        if let Err(error) = rotated.await {
            tracing::error!(tenant = slug.as_str(), error = %error, "signing keys cannot be rotated");
            result = Err(error);
        }
    }
    result
}
