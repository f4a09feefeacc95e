//! Tenants, as an administrator sees them.

use std::sync::Arc;

use serde_json::Value;

use super::{AdminError, Desk, Effect};
use crate::call::App;
use crate::mint;
use crate::protocol::audit_event::{AuditEvent, AuditKind};
use crate::protocol::identifiers::{Slug, TenantId};
use crate::protocol::policy::TenantStatus;
use crate::protocol::tenant_settings::TenantSettings;
use crate::store::notices::Notice;
use crate::store::tenants::TenantDraft;
use crate::tenant::theme_of;

/// Longest name, in characters.
const MAX_NAME: usize = 100;

/// A tenant as it should be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its slug.
    pub slug: Slug,
    /// Its host, if it is to have one.
    pub host: Option<String>,
    /// What people read.
    pub name: String,
    /// Its settings.
    pub settings: TenantSettings,
    /// The version of the tenant that all of this was made of; none for one that is not there yet.
    pub version: Option<i64>,
}

/// Reads a slug.
///
/// # Errors
/// It is none.
pub fn slug(place: &str, text: &str) -> Result<Slug, AdminError> {
    Slug::parse(text).ok_or_else(|| {
        AdminError::input(place, format!("{text:?} is no slug: 1 to 63 lower-case letters, digits and inner hyphens"))
    })
}

/// Reads and checks settings; absent members have their defaults.
///
/// # Errors
/// An unknown member, a wrong type, or a value out of range.
pub fn settings(place: &str, value: Option<&Value>) -> Result<TenantSettings, AdminError> {
    let settings: TenantSettings = match value {
        None => TenantSettings::default(),
        Some(value) => serde_json::from_value(value.clone()).map_err(|error| AdminError::input(place, error))?,
    };
    settings.check().map_err(|error| AdminError::input(place, error))?;
    theme_of(&settings.theme).map_err(|error| AdminError::input(format!("{place}.theme"), error))?;
    Ok(settings)
}

/// Checks a host: a plain DNS name.
///
/// # Errors
/// It is none.
pub fn host(place: &str, text: &str) -> Result<String, AdminError> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if text.contains('.') && text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(AdminError::input(place, format!("{text:?} is no host name in lower case, like login.acme.example")))
}

/// Checks the name that people read.
///
/// # Errors
/// It is empty, too long or holds control characters.
pub fn name(place: &str, text: &str) -> Result<String, AdminError> {
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(AdminError::input(place, "must be 1 to 100 characters without control characters"));
    }
    Ok(text.to_owned())
}

/// Makes the tenant as wanted, or changes it into that.
///
/// # Errors
/// The host is taken, the tenant is not as it was when the wish was made, or the database failed.
pub async fn put(app: &Arc<App>, wanted: &Wanted, plan: bool) -> Result<Effect, AdminError> {
    let draft = TenantDraft {
        slug: wanted.slug.clone(),
        host: wanted.host.clone(),
        name: wanted.name.clone(),
        settings: wanted.settings.clone(),
    };
    let now = app.clock.now();
    let meanwhile = || AdminError::ChangedMeanwhile(format!("tenant {}", wanted.slug));
    let Some(current) = app.store.tenant_by_slug(&wanted.slug).await? else {
        if wanted.version.is_some() {
            return Err(meanwhile());
        }
        if plan {
            return Ok(Effect::Created);
        }
        let id = TenantId(mint::row_id(app.clock.milliseconds()));
        let event = AuditEvent::new(AuditKind::TenantCreated, "cli").with("slug", wanted.slug.as_str());
        let audit = app.store.of(id).audit(&event, app.clock.milliseconds());
        if !app.store.create_tenant(id, &draft, audit, now).await? {
            return Err(AdminError::Taken(format!("the slug or host of tenant {}", wanted.slug)));
        }
        return Ok(Effect::Created);
    };
    if current.host == wanted.host && current.name == wanted.name && current.settings == wanted.settings {
        return Ok(Effect::Unchanged);
    }
    // What a file leaves out is what was found: it must be so still.
    let version = wanted.version.ok_or_else(meanwhile)?;
    if !plan {
        let store = app.store.of(current.id);
        let event = AuditEvent::new(AuditKind::TenantChanged, "cli").with("slug", wanted.slug.as_str());
        let audit = store.audit(&event, app.clock.milliseconds());
        if !store.update_tenant(&draft, version, audit, now).await? {
            return Err(meanwhile());
        }
        app.directory.forget(current.id, &Notice::Tenant).await;
    }
    Ok(Effect::Changed)
}

/// Opens or closes a tenant.
///
/// # Errors
/// The database failed.
pub async fn set_status(desk: &Desk, status: TenantStatus) -> Result<Effect, AdminError> {
    if desk.tenant.status == status {
        return Ok(Effect::Unchanged);
    }
    let kind = match status {
        TenantStatus::Active => AuditKind::TenantResumed,
        TenantStatus::Suspended => AuditKind::TenantSuspended,
    };
    desk.store.set_tenant_status(status, desk.audit(&desk.event(kind)), desk.now).await?;
    desk.app.directory.forget(desk.tenant.id, &Notice::Tenant).await;
    Ok(Effect::Changed)
}

/// Removes a tenant with everything in it.
///
/// # Errors
/// The database failed.
pub async fn delete(desk: &Desk) -> Result<Effect, AdminError> {
    desk.store.delete_tenant(desk.now).await?;
    desk.app.directory.forget(desk.tenant.id, &Notice::Tenant).await;
    Ok(Effect::Removed)
}
