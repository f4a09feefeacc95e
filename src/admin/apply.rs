//! `apply`: brings tenants, resources, clients and people into the state of a file. The same file again changes
//! nothing; sections that are absent are left alone; `"absent": true` removes an entry.

use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::document::Section;
use super::{AdminError, Desk, Effect, Line, client, tenant, user};
use crate::call::App;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::identifiers::ClientId;
use crate::protocol::resource_indicator;
use crate::protocol::scope::Scope;
use crate::store::notices::Notice;

/// What an entry may hold that is not metadata of RFC 7591.
const CLIENT_OWN: [&str; 4] = ["client_id", "client_secret", "client_secret_file", "absent"];
/// Client metadata that we know: RFC 7591 §2, OpenID Connect Registration §2, and a few of ours.
const CLIENT_METADATA: [&str; 26] = [
    "redirect_uris",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "scope",
    "application_type",
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "jwks",
    "jwks_uri",
    "software_id",
    "software_version",
    "id_token_signed_response_alg",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "initiate_login_uri",
    "post_logout_redirect_uris",
    "first_party",
    "opaque_access_tokens",
    "refresh_token_grace_seconds",
];

/// Applies a document. With `plan` nothing is written; the lines say what would be.
///
/// # Errors
/// The first entry that is wrong; what stands before it has been carried out.
pub async fn apply(app: &Arc<App>, document: &Map<String, Value>, plan: bool) -> Result<Vec<Line>, AdminError> {
    let whole = Value::Object(document.clone());
    let root = Section::of("file".to_owned(), &whole, &["tenants"])?;
    let mut lines = Vec::new();
    for (place, value) in root.list("tenants")? {
        let place = place.trim_start_matches("file.").to_owned();
        one_tenant(app, place, value, plan, &mut lines).await?;
    }
    Ok(lines)
}

async fn one_tenant(
    app: &Arc<App>,
    place: String,
    value: &Value,
    plan: bool,
    lines: &mut Vec<Line>,
) -> Result<(), AdminError> {
    let known = ["slug", "name", "host", "preset", "settings", "clients", "users", "resources", "absent"];
    let section = Section::of(place, value, &known)?;
    let slug = tenant::slug(&format!("{}.slug", section.place), section.required("slug")?)?;
    let line = |effect| Line { effect, what: slug.to_string(), told: None };
    if section.flag("absent")? {
        let effect = match Desk::of(app, slug.as_str()).await {
            Err(AdminError::Missing(_)) => Effect::Unchanged,
            Err(error) => return Err(error),
            Ok(_) if plan => Effect::Removed,
            Ok(desk) => tenant::delete(&desk).await?,
        };
        lines.push(line(effect));
        return Ok(());
    }
    if section.text("preset")?.is_some_and(|preset| preset != "baseline") {
        return Err(section.wrong("preset", "must be baseline, the only preset of this version"));
    }
    let wanted = wanted_tenant(app, &section, slug.clone()).await?;
    let effect = tenant::put(app, &wanted, plan).await?;
    lines.push(line(effect));
    let desk = match Desk::of(app, slug.as_str()).await {
        Ok(desk) => desk,
        // A plan for a tenant that does not exist yet: all of it would be new.
        Err(AdminError::Missing(_)) if plan => return all_new(&section, &slug.to_string(), lines),
        Err(error) => return Err(error),
    };
    resources(&desk, &section, plan, lines).await?;
    // Resources are part of the tenant in memory, and their scopes of what clients may have.
    let desk = Desk::of(app, slug.as_str()).await?;
    clients(&desk, &section, plan, lines).await?;
    users(&desk, &section, plan, lines).await
}

/// What is absent in the file stays as it is.
async fn wanted_tenant(
    app: &Arc<App>,
    section: &Section<'_>,
    slug: crate::protocol::identifiers::Slug,
) -> Result<tenant::Wanted, AdminError> {
    let current = app.store.tenant_by_slug(&slug).await?;
    let name = match (section.text("name")?, &current) {
        (Some(text), _) => tenant::name(&format!("{}.name", section.place), text)?,
        (None, Some(current)) => current.name.clone(),
        (None, None) => slug.to_string(),
    };
    let host = match (section.text("host")?, &current) {
        (Some(text), _) => Some(tenant::host(&format!("{}.host", section.place), text)?),
        (None, Some(current)) if !section.members().contains_key("host") => current.host.clone(),
        (None, _) => None,
    };
    let version = current.as_ref().map(|current| current.version);
    let settings = match (section.value("settings"), current) {
        (None, Some(current)) => current.settings,
        (value, _) => tenant::settings(&format!("{}.settings", section.place), value)?,
    };
    Ok(tenant::Wanted { slug, host, name, settings, version })
}

fn all_new(section: &Section<'_>, slug: &str, lines: &mut Vec<Line>) -> Result<(), AdminError> {
    for (list, kind, name) in
        [("resources", "resource", "resource"), ("clients", "client", "client_id"), ("users", "user", "username")]
    {
        for (place, value) in section.list(list)? {
            let text = value
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| AdminError::input(format!("{place}.{name}"), "is missing"))?;
            lines.push(Line { effect: Effect::Created, what: format!("{slug}/{kind}/{text}"), told: None });
        }
    }
    Ok(())
}

async fn resources(desk: &Desk, section: &Section<'_>, plan: bool, lines: &mut Vec<Line>) -> Result<(), AdminError> {
    for (place, value) in section.list("resources")? {
        let entry = Section::of(place, value, &["resource", "scopes", "absent"])?;
        let name = entry.required("resource")?;
        resource_indicator::parse(std::iter::once(name))
            .map_err(|error| entry.wrong("resource", &error.to_string()))?;
        let mut tokens = Vec::new();
        for (place, token) in entry.list("scopes")? {
            tokens.push(token.as_str().ok_or_else(|| AdminError::input(place, "must be a text"))?);
        }
        let scope = Scope::parse(&tokens.join(" ")).map_err(|error| entry.wrong("scopes", &error.to_string()))?;
        let current = desk.tenant.resources.iter().find(|known| known.resource == name);
        let absent = entry.flag("absent")?;
        let effect = match (current, absent) {
            (None, true) => Effect::Unchanged,
            (Some(_), true) => Effect::Removed,
            (None, false) => Effect::Created,
            (Some(current), false) if current.scope == scope => Effect::Unchanged,
            (Some(_), false) => Effect::Changed,
        };
        if !plan && effect != Effect::Unchanged {
            let event = desk.event(AuditKind::TenantChanged).with("resource", name);
            desk.store.put_resource(name, (!absent).then_some(&scope), desk.audit(&event), desk.now).await?;
            desk.app.directory.forget(desk.tenant.id, &Notice::Tenant).await;
        }
        lines.push(Line { effect, what: format!("{}/resource/{name}", desk.tenant.slug), told: None });
    }
    Ok(())
}

async fn clients(desk: &Desk, section: &Section<'_>, plan: bool, lines: &mut Vec<Line>) -> Result<(), AdminError> {
    let mut known: Vec<&str> = CLIENT_OWN.to_vec();
    known.extend(CLIENT_METADATA);
    known.push("client_assertion_audience");
    for (place, value) in section.list("clients")? {
        let entry = Section::of(place, value, &known)?;
        let id = entry.required("client_id")?;
        let what = format!("{}/client/{id}", desk.tenant.slug);
        if entry.flag("absent")? {
            let id = ClientId::parse(id).ok_or_else(|| entry.wrong("client_id", "is none"))?;
            lines.push(Line { effect: client::delete(desk, &id, plan).await?, what, told: None });
            continue;
        }
        let mut metadata = entry.members().clone();
        metadata.retain(|name, _| !CLIENT_OWN.contains(&name.as_str()));
        let wanted = client::wanted(desk, &entry.place, id, &metadata, entry.secret("client_secret")?)?;
        let done = client::put(desk, &wanted, plan).await?;
        let told = done.secret.map(|secret| format!("client_secret {} (shown this once)", secret.expose()));
        lines.push(Line { effect: done.effect, what, told });
    }
    Ok(())
}

async fn users(desk: &Desk, section: &Section<'_>, plan: bool, lines: &mut Vec<Line>) -> Result<(), AdminError> {
    let own = ["username", "password", "password_file", "password_hash", "password_hash_file", "absent"];
    let mut known: Vec<&str> = own.to_vec();
    known.extend(user::known_claims());
    for (place, value) in section.list("users")? {
        let entry = Section::of(place, value, &known)?;
        let username = entry.required("username")?;
        let what = format!("{}/user/{username}", desk.tenant.slug);
        if entry.flag("absent")? {
            return Err(entry.wrong(
                "absent",
                "is not possible for people yet: switch the account off with `chancery user disable`",
            ));
        }
        let mut claims = entry.members().clone();
        claims.retain(|name, _| !own.contains(&name.as_str()));
        user::check_claims(&entry.place, &claims)?;
        let password = entry.secret("password")?.map(Zeroizing::new);
        if let Some(password) = &password {
            user::check_password(&format!("{}.password", entry.place), password)?;
        }
        let wanted = user::Wanted {
            username: username.to_owned(),
            claims,
            password,
            password_hash: entry.secret("password_hash")?,
        };
        let effect = user::put(desk, &entry.place, &wanted, plan).await?;
        lines.push(Line { effect, what, told: None });
    }
    Ok(())
}
