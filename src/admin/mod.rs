//! What administrators do, whatever the door: the declarative file (`apply`) and the verbs of the command line.

pub mod apply;
pub mod client;
pub mod document;
pub mod tenant;
pub mod user;

use std::sync::Arc;

use crate::call::App;
use crate::keys::KeyError;
use crate::mint;
use crate::password_pool::PoolError;
use crate::protocol::audit_event::{AuditEvent, AuditKind};
use crate::protocol::identifiers::Slug;
use crate::protocol::timestamp::Timestamp;
use crate::seal::SealError;
use crate::store::{Change, StoreError, TenantStore};
use crate::tenant::Tenant;

/// Why an administrator's wish is not carried out: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Something in a file or on the command line is wrong.
    #[error("{place}: {problem}")]
    Input {
        /// Where: `tenants[0].clients[2].redirect_uris`.
        place: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// There is no such thing.
    #[error("there is no {0}")]
    Missing(String),
    /// The name is taken.
    #[error("{0} exists already")]
    Taken(String),
    /// It was changed between reading and writing; nothing was written.
    #[error("{0} was changed by somebody else at the same moment, so nothing was done to it: try again")]
    ChangedMeanwhile(String),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A password could not be hashed.
    #[error("{0}")]
    Password(#[from] PoolError),
    /// A secret could not be sealed.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// A key could not be made.
    #[error("{0}")]
    Key(#[from] KeyError),
}

impl AdminError {
    /// A problem at a place.
    pub fn input(place: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Input { place: place.into(), problem: problem.to_string() }
    }
}

/// An administrator at work in one tenant.
pub struct Desk {
    /// The server's parts.
    pub app: Arc<App>,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Its database.
    pub store: TenantStore,
    /// Now.
    pub now: Timestamp,
    /// Names the run in the audit trail.
    pub reference: String,
}

impl Desk {
    /// The desk of a tenant.
    ///
    /// # Errors
    /// There is no such tenant.
    pub async fn of(app: &Arc<App>, slug: &str) -> Result<Self, AdminError> {
        let missing = || AdminError::Missing(format!("tenant {slug}; `chancery tenant list` shows all"));
        let slug = Slug::parse(slug).ok_or_else(missing)?;
        let tenant = app.directory.named(&slug).await?.ok_or_else(missing)?;
        let store = app.store.of(tenant.id);
        Ok(Self {
            app: app.clone(),
            tenant,
            store,
            now: app.clock.now(),
            reference: format!("cli-{}", mint::handle().get(..8).unwrap_or_default()),
        })
    }

    /// An event of this run.
    pub fn event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent::new(kind, &self.reference)
    }

    /// The row of an event.
    pub fn audit(&self, event: &AuditEvent) -> Change {
        self.store.audit(event, self.app.clock.milliseconds())
    }
}

/// What an act has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is new.
    Created,
    /// It is different.
    Changed,
    /// It is gone.
    Removed,
    /// It was so already.
    Unchanged,
}

impl Effect {
    /// The mark in front of a line of a diff.
    pub const fn mark(self) -> char {
        match self {
            Self::Created => '+',
            Self::Changed => '~',
            Self::Removed => '-',
            Self::Unchanged => '=',
        }
    }
}

/// One line of what `apply` did or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What happened.
    pub effect: Effect,
    /// To what: `acme/client/web`.
    pub what: String,
    /// What is told once, like a new secret.
    pub told: Option<String>,
}
