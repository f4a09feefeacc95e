//! The verbs that change or show what is in the database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::keep;
use super::setup::{self, SetupError};
use crate::admin::{
    AdminError, Desk, Effect, apply as applying, client as clients, document, tenant as tenants, user as users,
};
use crate::mint;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::identifiers::ClientId;
use crate::protocol::policy::TenantStatus;
use crate::protocol::user::UserStatus;
use crate::store::StoreError;
use crate::store::one_time::Purpose;

/// Rows shown by a list.
const PAGE: u64 = 500;
/// An initial access token serves for thirty days, in seconds.
const INITIAL_ACCESS_TOKEN: i64 = 30 * 86_400;

/// Verbs about tenants.
#[derive(Debug, Subcommand)]
pub(super) enum TenantVerb {
    /// All tenants.
    List,
    /// One tenant with its settings.
    Show { tenant: String },
    /// Make a tenant.
    Create {
        tenant: String,
        /// What people read.
        #[arg(long)]
        name: Option<String>,
        /// A host of its own.
        #[arg(long)]
        host: Option<String>,
    },
    /// Close a tenant: no sign-in, no tokens.
    Suspend { tenant: String },
    /// Open it again.
    Resume { tenant: String },
    /// Remove a tenant with everything in it.
    Delete {
        tenant: String,
        /// Really.
        #[arg(long)]
        yes: bool,
    },
}

/// Verbs about clients.
#[derive(Debug, Subcommand)]
pub(super) enum ClientVerb {
    /// All clients of a tenant.
    List { tenant: String },
    /// One client with its metadata.
    Show {
        tenant: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
    },
    /// Register a client; metadata as in RFC 7591, as JSON.
    Create {
        tenant: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
        /// For example '{"redirect_uris":["https://app.example/cb"]}'.
        #[arg(long, default_value = "{}")]
        metadata: String,
    },
    /// Remove a client and end its grants.
    Delete {
        tenant: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
    },
    /// Switch a client on.
    Enable {
        tenant: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
    },
    /// Switch a client off.
    Disable {
        tenant: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
    },
    /// Make a new secret; the old one is dead at once.
    RotateSecret {
        tenant: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
    },
    /// A token that lets somebody register clients (RFC 7591 §3).
    InitialAccessToken {
        tenant: String,
        /// How many clients it may register.
        #[arg(long, default_value_t = 1)]
        uses: u32,
    },
}

/// Verbs about people.
#[derive(Debug, Subcommand)]
pub(super) enum UserVerb {
    /// All people of a tenant.
    List { tenant: String },
    /// One person with their claims, found by user name or mail address.
    Show { tenant: String, username: String },
    /// Make an account; the password is made at random and shown once.
    Create {
        tenant: String,
        username: String,
        #[arg(long)]
        email: Option<String>,
        #[arg(long)]
        name: Option<String>,
    },
    /// Switch an account off; its sessions and grants end.
    Disable { tenant: String, username: String },
    /// Switch it on again.
    Enable { tenant: String, username: String },
    /// Withdraw what a person allowed a client; the grants that came of it end.
    RevokeConsent {
        tenant: String,
        username: String,
        #[arg(allow_hyphen_values = true)]
        client_id: String,
    },
    /// Set a new random password, shown once; sessions and grants end.
    Password { tenant: String, username: String },
}

pub(super) fn store(error: StoreError) -> SetupError {
    AdminError::from(error).into()
}

pub(super) async fn desk(config: Option<PathBuf>, tenant: &str) -> Result<Desk, SetupError> {
    let (app, _) = setup::open_for_verb(config).await?;
    Ok(Desk::of(&app, tenant).await?)
}

fn done(as_json: bool, effect: Effect, what: &str) -> Result<ExitCode, SetupError> {
    let word = match effect {
        Effect::Created => "created",
        Effect::Changed => "changed",
        Effect::Removed => "removed",
        Effect::Unchanged => "unchanged",
    };
    keep::tell(as_json, &json!({ "result": word, "what": what }), &format!("{} {what} {word}", effect.mark()));
    Ok(ExitCode::SUCCESS)
}

/// `chancery apply`.
pub(super) async fn apply(
    config: Option<PathBuf>,
    files: &[PathBuf],
    plan: bool,
    as_json: bool,
) -> Result<ExitCode, SetupError> {
    let (app, _) = setup::open_for_verb(config).await?;
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| SetupError::file(path, error))?;
        let document = document::parse(&path.display().to_string(), &text)?;
        let lines = applying::apply(&app, &document, plan).await?;
        let changed = lines.iter().filter(|line| line.effect != Effect::Unchanged).count();
        for line in &lines {
            let told = line.told.as_deref().unwrap_or_default();
            let value =
                json!({ "effect": format!("{:?}", line.effect).to_lowercase(), "what": line.what, "told": line.told });
            if as_json || line.effect != Effect::Unchanged {
                keep::tell(as_json, &value, &format!("{} {} {told}", line.effect.mark(), line.what));
            }
        }
        let verb = if plan { "would change" } else { "changed" };
        if !as_json {
            keep::say(&format!("{}: {changed} of {} entries {verb}", path.display(), lines.len()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `chancery tenant …`.
pub(super) async fn tenant(config: Option<PathBuf>, verb: TenantVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    match verb {
        TenantVerb::List => {
            let (app, _) = setup::open_for_verb(config).await?;
            for (slug, name, status) in app.store.tenants("", PAGE).await.map_err(store)? {
                let value = json!({ "slug": slug, "name": name, "status": status.as_str() });
                keep::tell(as_json, &value, &format!("{slug}\t{}\t{name}", status.as_str()));
            }
            Ok(ExitCode::SUCCESS)
        }
        TenantVerb::Show { tenant } => {
            let desk = desk(config, &tenant).await?;
            let shown = &desk.tenant;
            let value = json!({
                "slug": shown.slug, "name": shown.name, "issuer": shown.issuer, "status": shown.status.as_str(), "settings": shown.settings
            });
            let settings = serde_json::to_string_pretty(&shown.settings).unwrap_or_default();
            keep::tell(
                as_json,
                &value,
                &format!("{} ({})\nissuer {}\nsettings {settings}", shown.name, shown.status.as_str(), shown.issuer),
            );
            Ok(ExitCode::SUCCESS)
        }
        TenantVerb::Create { tenant, name, host } => {
            let (app, _) = setup::open_for_verb(config).await?;
            let slug = tenants::slug("tenant", &tenant)?;
            if app.store.tenant_by_slug(&slug).await.map_err(store)?.is_some() {
                return Err(AdminError::Taken(format!("tenant {tenant}")).into());
            }
            let wanted = tenants::Wanted {
                name: tenants::name("name", name.as_deref().unwrap_or(&tenant))?,
                host: host.as_deref().map(|host| tenants::host("host", host)).transpose()?,
                settings: tenants::settings("settings", None)?,
                version: None,
                slug,
            };
            done(as_json, tenants::put(&app, &wanted, false).await?, &tenant)
        }
        TenantVerb::Suspend { tenant } => {
            let effect = tenants::set_status(&desk(config, &tenant).await?, TenantStatus::Suspended).await?;
            done(as_json, effect, &tenant)
        }
        TenantVerb::Resume { tenant } => {
            let effect = tenants::set_status(&desk(config, &tenant).await?, TenantStatus::Active).await?;
            done(as_json, effect, &tenant)
        }
        TenantVerb::Delete { tenant, yes } => {
            let desk = desk(config, &tenant).await?;
            if !yes {
                return Err(SetupError::Other(format!(
                    "this removes tenant {tenant} with its keys, clients, people and trail for good: add --yes"
                )));
            }
            done(as_json, tenants::delete(&desk).await?, &tenant)
        }
    }
}

fn client_id(text: &str) -> Result<ClientId, SetupError> {
    ClientId::parse(text).ok_or_else(|| AdminError::Missing(format!("client {text}")).into())
}

/// `chancery client …`.
pub(super) async fn client(config: Option<PathBuf>, verb: ClientVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    match verb {
        ClientVerb::List { tenant } => {
            let desk = desk(config, &tenant).await?;
            for client in desk.store.clients("", PAGE, &desk.tenant.secrets.client_secret).await.map_err(store)? {
                let method = client.metadata.token_endpoint_auth_method.as_str();
                let value = json!({ "client_id": client.id, "name": client.display_name(), "token_endpoint_auth_method": method, "enabled": client.enabled });
                let state = if client.enabled { "" } else { " (disabled)" };
                keep::tell(as_json, &value, &format!("{}\t{method}\t{}{state}", client.id, client.display_name()));
            }
            Ok(ExitCode::SUCCESS)
        }
        ClientVerb::Show { tenant, client_id: id } => {
            let desk = desk(config, &tenant).await?;
            let found = desk.store.client(&client_id(&id)?, &desk.tenant.secrets.client_secret).await.map_err(store)?;
            let client = found.ok_or_else(|| AdminError::Missing(format!("client {id}")))?;
            let value = Value::Object(client.metadata.to_object());
            keep::tell(as_json, &value, &serde_json::to_string_pretty(&value).unwrap_or_default());
            Ok(ExitCode::SUCCESS)
        }
        ClientVerb::Create { tenant, client_id: id, metadata } => {
            let desk = desk(config, &tenant).await?;
            let object: Map<String, Value> =
                serde_json::from_str(&metadata).map_err(|error| AdminError::input("--metadata", error))?;
            let wanted = clients::wanted(&desk, "--metadata", &id, &object, None)?;
            let made = clients::put(&desk, &wanted, false).await?;
            told_secret(as_json, &id, made.secret.as_ref().map(crate::protocol::secret::Secret::expose));
            Ok(ExitCode::SUCCESS)
        }
        ClientVerb::Delete { tenant, client_id: id } => {
            let effect = clients::delete(&desk(config, &tenant).await?, &client_id(&id)?, false).await?;
            done(as_json, effect, &id)
        }
        ClientVerb::Enable { tenant, client_id: id } => {
            let effect = clients::set_enabled(&desk(config, &tenant).await?, &client_id(&id)?, true).await?;
            done(as_json, effect, &id)
        }
        ClientVerb::Disable { tenant, client_id: id } => {
            let effect = clients::set_enabled(&desk(config, &tenant).await?, &client_id(&id)?, false).await?;
            done(as_json, effect, &id)
        }
        ClientVerb::RotateSecret { tenant, client_id: id } => {
            let secret = clients::rotate_secret(&desk(config, &tenant).await?, &client_id(&id)?).await?;
            told_secret(as_json, &id, Some(secret.expose()));
            Ok(ExitCode::SUCCESS)
        }
        ClientVerb::InitialAccessToken { tenant, uses } => {
            let desk = desk(config, &tenant).await?;
            let token = mint::secret();
            let audit = desk.audit(&desk.event(AuditKind::InitialAccessTokenCreated).with("uses", uses));
            let lifetime = (desk.now, desk.now.plus(INITIAL_ACCESS_TOKEN));
            let added = desk
                .store
                .add_one_time_token((Purpose::InitialAccessToken, &token.hash()), i64::from(uses), lifetime, audit)
                .await;
            added.map_err(store)?;
            keep::tell(as_json, &json!({ "initial_access_token": token.expose(), "uses": uses }), token.expose());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn told_secret(as_json: bool, id: &str, secret: Option<&str>) {
    let text = secret.map_or_else(
        || format!("{id}: no secret is needed"),
        |secret| format!("{id}: client_secret {secret} (shown this once)"),
    );
    keep::tell(as_json, &json!({ "client_id": id, "client_secret": secret }), &text);
}

/// `chancery user …`.
pub(super) async fn user(config: Option<PathBuf>, verb: UserVerb, as_json: bool) -> Result<ExitCode, SetupError> {
    match verb {
        UserVerb::List { tenant } => {
            let desk = desk(config, &tenant).await?;
            for user in desk.store.users(None, PAGE).await.map_err(store)? {
                let value = json!({ "sub": user.id, "username": user.username, "status": user.status.as_str() });
                keep::tell(as_json, &value, &format!("{}\t{}\t{}", user.username, user.status.as_str(), user.id));
            }
            Ok(ExitCode::SUCCESS)
        }
        UserVerb::Show { tenant, username } => {
            let person = users::find(&desk(config, &tenant).await?, &username).await?;
            let value = json!({
                "sub": person.id, "username": person.username, "status": person.status.as_str(),
                "created_at": person.created_at.seconds(), "claims": person.claims
            });
            let claims = serde_json::to_string_pretty(&person.claims).unwrap_or_default();
            let (name, status) = (&person.username, person.status.as_str());
            keep::tell(as_json, &value, &format!("{name} ({status})\nsub {}\nclaims {claims}", person.id));
            Ok(ExitCode::SUCCESS)
        }
        UserVerb::Create { tenant, username, email, name } => {
            let desk = desk(config, &tenant).await?;
            let password = mint::handle();
            let mut claims = Map::new();
            claims.extend(email.map(|email| ("email".to_owned(), Value::from(email))));
            claims.extend(name.map(|name| ("name".to_owned(), Value::from(name))));
            users::check_claims("user", &claims)?;
            let wanted = users::Wanted {
                username: username.clone(),
                claims,
                password: Some(Zeroizing::new(password.clone())),
                password_hash: None,
            };
            let normalised = crate::sign_in::identifier::normalise(&username)
                .map_err(|error| AdminError::input("username", error))?;
            let id = users::create(&desk, "user", &wanted, (normalised, false)).await?;
            let value = json!({ "sub": id, "username": username, "password": password });
            keep::tell(as_json, &value, &format!("{username}: password {password} (shown this once)"));
            Ok(ExitCode::SUCCESS)
        }
        UserVerb::Disable { tenant, username } => {
            let effect = users::set_status(&desk(config, &tenant).await?, &username, UserStatus::Disabled).await?;
            done(as_json, effect, &username)
        }
        UserVerb::Enable { tenant, username } => {
            let effect = users::set_status(&desk(config, &tenant).await?, &username, UserStatus::Active).await?;
            done(as_json, effect, &username)
        }
        UserVerb::RevokeConsent { tenant, username, client_id: id } => {
            let desk = desk(config, &tenant).await?;
            users::revoke_consent(&desk, &username, &client_id(&id)?).await?;
            done(as_json, Effect::Changed, &format!("{username}/{id}"))
        }
        UserVerb::Password { tenant, username } => {
            let desk = desk(config, &tenant).await?;
            let person = users::find(&desk, &username).await?;
            let password = mint::handle();
            let phc = desk.app.passwords.hash(Zeroizing::new(password.clone())).await?;
            users::set_password(&desk, &person, &phc).await?;
            let value = json!({ "username": username, "password": password });
            keep::tell(as_json, &value, &format!("{username}: password {password} (shown this once)"));
            Ok(ExitCode::SUCCESS)
        }
    }
}
